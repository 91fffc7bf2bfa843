"""What people, carriers and schedules bring about, flow by flow, through the real handlers.

After each test its ledgers verify and explain the recorded standings, nothing was handed over outside its
window, twice, over a cap or after an opt-out, and nothing personal was logged (see conftest).
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import inbound
import pytest
import receipts
from botocore.config import Config
from izin.aws import carriers, identity, messages, queue
from izin.aws.messages import Status
from izin.aws.receiving import Early
from izin.domain.message import OFFERS

from tests.handlers.calls import Call
from tests.handlers.fake_sms import (
    CLOSES,
    FAILS,
    GARBLES,
    HANGS,
    OPTED_OUT,
    SERVICE,
    THROTTLES,
    FakeSms,
    Reply,
    refuses,
)
from tests.handlers.world import (
    DAY,
    MORNING,
    NIGHT,
    PROMOTION,
    WORDING,
    Said,
    World,
    violations,
)

# Consent


def test_a_box_ticked_beforehand_is_refused_with_the_reasons(here: World) -> None:
    person = here.person()
    said = here.consent(person, prechecked=True, evidence={})
    assert said.status == 422
    assert {("prechecked", "pre_ticked"), ("evidence.screenshot", "missing")} <= set(said.codes)
    assert all(error["message"] for error in said.body["errors"])
    assert here.states() == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"prechecked": None}, ("prechecked", "missing")),
        ({"condition_of_purchase": True}, ("condition_of_purchase", "condition_of_purchase")),
        ({"wording": "Saya setuju menerima pesan dari ShopX."}, ("wording", "wording_lacks_type")),
        ({"wording": "Anda mungkin menerima promosi dari ShopX."}, ("wording", "wording_vague")),
        ({"captured_at": "2026-11-22T16:30:01Z"}, ("captured_at", "in_the_future")),
        ({"sender": None}, ("sender", "missing")),
    ],
)
def test_evidence_that_proves_nothing_is_refused(
    here: World, fields: dict[str, Any], error: tuple[str, str]
) -> None:
    said = here.consent(here.person(), **fields)
    assert (said.status, error in said.codes) == (422, True), said.text
    assert here.states() == []


def test_a_yes_is_pending_until_the_person_says_it_again(here: World) -> None:
    person = here.person()
    said = here.consent(person, id="signup-1")
    assert (said.status, said.body["status"]) == (200, "pending")
    assert here.submit(person, "early").reasons >= {"consent_pending"}
    here.live(1)
    (request,) = here.sms.sent
    assert (request.to, "YA" in request.text) == (person, True)

    here.say(person, "Ya")
    assert here.standing(person) == "granted"
    assert here.submit(person, "later").reasons == {"outside_window"}
    assert [item["type"] for item in here.ledger(person)] == ["consent_pending", "consent_granted"]


def test_a_consent_told_twice_is_one_consent_and_one_request(here: World) -> None:
    person = here.person()
    body = here.consent_body(person, id="signup-1")
    first, second = (here.call("POST /v1/consents", body) for _ in range(2))
    here.live(1)
    assert first.body == second.body
    assert (len(here.ledger(person)), len(here.sms.sent)) == (1, 1)


def test_a_brand_may_do_without_the_second_yes(here: World) -> None:
    here.register(double_opt_in=False)
    person = here.person()
    assert here.consent(person, sender=None).body["status"] == "granted"
    here.live(1)
    assert here.sms.sent == []


def test_a_yes_that_comes_after_three_days_is_none(here: World) -> None:
    person = here.person()
    here.consent(person)
    here.live(1)
    here.clock.sleep(timedelta(hours=72).total_seconds())
    here.say(person, "YA")
    assert here.standing(person) == "expired"


def test_in_brazil_sim_is_yes_and_the_tax_number_is_not_kept(here: World) -> None:
    here.register("lojax", "lojax-1", name="LojaX", language="pt-BR", address="+5511955554444")
    person = here.secret("+5511987654321")
    evidence = {"ip": "203.0.113.9", "cpf": here.secret("529.982.247-25")}
    said = here.call(
        "POST /v1/consents",
        here.consent_body(
            person,
            brand="lojax",
            sender="lojax-1",
            language="pt-BR",
            wording="Aceito receber promoções e ofertas da LojaX por SMS.",
            evidence=evidence,
        ),
        brand="lojax",
    )
    assert said.body.get("status") == "pending", said.text
    here.live(1)
    assert "SIM" in here.sms.sent[0].text
    reply = json.loads(here.reply(person, "sim"))
    told = json.loads(reply["Message"]) | {"destinationNumber": "+5511955554444"}
    inbound.receive(here.rt, here.notification(told))
    assert here.standing(person, brand="lojax") == "granted"

    key = here.items(here.rt.keys_table)[0]["key"]
    recipient_id = here.id_of(person)
    (first, _) = here.ledger(person, "lojax")
    opened = identity.unseal(key, f"evidence|{recipient_id}|{first['id']}", first["sealed"])
    assert opened["ip"] == "203.0.113.9"
    assert "529" not in opened["cpf"]


# STOP and its like


def test_stop_silences_and_is_confirmed_once(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.submit(person, "held")
    here.say(person, "Stop.")
    here.live(60)
    (confirmation,) = here.confirmations(person)
    assert "berhenti" in confirmation.text
    assert here.submit(person, "next").reasons >= {"opted_out"}
    assert here.submit(person, "code", "authentication").body["verdict"] == "allow"
    here.drain()
    assert here.status("code") == "sent"

    here.clock.at = DAY
    here.live(120)
    held = here.look_up("held")
    assert (held["status"], held["reasons"][0]["code"]) == ("denied", "opted_out")
    assert here.sent("held") == []


@pytest.mark.parametrize("times", [2, 3])
def test_the_same_stop_delivered_again_changes_nothing(here: World, times: int) -> None:
    person = here.person()
    here.agrees(person)
    reply = here.reply(person, "STOP")
    for _ in range(times):
        inbound.receive(here.rt, reply)
        here.clock.sleep(3)
    here.live(120)
    assert len(here.confirmations(person)) == 1
    assert [item["type"] for item in here.ledger(person)].count("opt_out") == 1


def test_a_second_stop_is_recorded_and_not_confirmed_again(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.say(person, "STOP")
    here.live(30)
    here.say(person, "BERHENTI")
    here.live(60)
    assert len(here.confirmations(person)) == 1
    assert [item["type"] for item in here.ledger(person)].count("opt_out") == 2


def test_two_stops_that_arrive_in_the_wrong_order_are_confirmed_once(here: World) -> None:
    person = here.person()
    here.agrees(person)
    first = here.reply(person, "STOP")
    here.clock.sleep(2)
    second = here.reply(person, "STOP")
    for reply in (second, first):
        here.clock.sleep(2)
        inbound.receive(here.rt, reply)
    here.live(60)
    assert len(here.confirmations(person)) == 1


def test_a_late_duplicate_of_a_yes_changes_nothing(here: World) -> None:
    person = here.person()
    here.consent(person)
    here.clock.sleep(10)
    yes = here.reply(person, "YA")
    inbound.receive(here.rt, yes)
    here.clock.sleep(10)
    here.say(person, "STOP")
    before = here.show(person)
    inbound.receive(here.rt, yes)
    assert here.show(person) == before
    assert here.standing(person) == "withdrawn"


def test_a_yes_that_arrives_after_the_stop_that_followed_it_does_not_undo_it(here: World) -> None:
    person = here.person()
    here.consent(person)
    here.clock.sleep(10)
    yes = here.reply(person, "YA")
    here.clock.sleep(10)
    here.say(person, "STOP")
    here.clock.sleep(10)
    inbound.receive(here.rt, yes)
    assert here.standing(person) == "withdrawn"
    assert here.submit(person, "next").reasons >= {"opted_out"}


def test_an_import_of_an_older_consent_does_not_undo_a_stop(here: World) -> None:
    here.register(double_opt_in=False)
    person = here.person()
    here.consent(person, captured_at=(NIGHT - timedelta(days=3)).isoformat())
    here.say(person, "STOP")
    here.clock.sleep(60)
    here.consent(person, id="import", captured_at=(NIGHT - timedelta(days=1)).isoformat())
    assert here.standing(person) == "withdrawn"


def test_start_brings_back_what_was_agreed_to_and_no_more(here: World) -> None:
    agreed, stranger = here.person(), here.person()
    here.agrees(agreed)
    for person in (agreed, stranger):
        here.say(person, "STOP")
        here.clock.sleep(30)
        here.say(person, "START")
    assert here.standing(agreed) == "granted"
    assert here.standing(stranger) == "none"
    assert here.submit(stranger, "none").reasons >= {"no_consent"}
    assert "opted_out" not in here.submit(agreed, "again").reasons


def test_the_confirmation_does_not_leave_when_the_person_has_come_back(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.at = DAY
    here.submit(person, "promotion")
    here.drain()  # a permit is open, so the confirmation waits for it
    here.clock.sleep(1)
    here.say(person, "STOP")
    here.clock.sleep(2)
    here.say(person, "START")
    here.live(60)
    assert here.confirmations(person) == []


def test_help_is_answered_at_night_and_once(here: World) -> None:
    person = here.person()
    reply = here.reply(person, "BANTUAN")
    for _ in range(2):
        inbound.receive(here.rt, reply)
    here.live(60)
    (sent,) = here.sms.sent
    assert "help@shopx.example" in sent.text
    assert here.ledger(person) == []


def test_words_that_come_back_are_evidence_of_a_new_consent(here: World) -> None:
    """The words sealed, the channel and the time in the open; and nothing that was not agreed to before."""
    person = here.person()
    here.agrees(person)
    for word in ("STOP", "unstop"):
        here.clock.sleep(1)
        here.say(person, word)
    *_, yes, _, start = here.ledger(person)
    key, recipient_id = here.items(here.rt.keys_table)[0]["key"], here.id_of(person)
    for event, type_, words in ((yes, "consent_granted", "YA"), (start, "opt_in", "unstop")):
        assert (event["type"], event["channel"], event["source"]) == (type_, "sms", "reply")
        assert event["by_person"]
        opened = identity.unseal(key, f"evidence|{recipient_id}|{event['id']}", event["sealed"])
        assert opened == {"address": person, "text": words}
    statuses = {(c["channel"], c["purpose"], c["status"]) for c in here.show(person)["consents"]}
    assert statuses == {("sms", "marketing", "granted")}


def test_nobody_is_asked_again_in_india_for_ninety_days(here: World) -> None:
    india = {"brand": "bharat", "sender": "bharat-1", "language": "en-IN", "countries": ["IN"]}
    here.register(**india, name="Bharat", address="+919812345000")
    here.call(
        "PUT /v1/brands/{id}",
        {"name": "Bharat", "contact": "help@bharat.example", "double_opt_in": True},
        path={"id": "bharat"},
        brand="*",
    )
    person = here.secret("+919812345678")

    def say(text: str) -> None:
        here.clock.sleep(1)
        told = json.loads(json.loads(here.reply(person, text))["Message"])
        inbound.receive(here.rt, here.notification(told | {"destinationNumber": "+919812345000"}))

    def ask(n: int) -> Said:
        here.clock.sleep(600)
        return here.call(
            "POST /v1/consents",
            here.consent_body(
                person,
                brand="bharat",
                sender="bharat-1",
                language="en-IN",
                wording="I agree to get promotional offers from Bharat by SMS.",
                source=f"https://bharat.example/{n}",
                evidence={"ip": "203.0.113.9", "dca_reference": f"DCA-{n}"},
            ),
            brand="bharat",
        )

    say("STOP")
    here.live(5)
    (confirmation,) = here.sms.sent
    assert "START" not in confirmation.text
    say("START")
    assert ask(1).codes == [("address", "opted_out")]
    here.clock.sleep(89 * 86_400)
    assert ask(2).codes == [("address", "opted_out")]
    here.clock.sleep(86_400)
    assert ask(3).body.get("status") == "pending"
    here.live(5)
    assert len(here.sms.sent) == 2


def test_a_person_is_answered_in_their_own_language(here: World) -> None:
    """In the sender's own only where nothing else is known."""
    agreed, foreign = here.person(), here.secret("+5511987654399")
    here.consent(agreed, language="en", wording="I agree to get promotions from ShopX by SMS.")
    here.live(5)
    (request,) = here.sms.sent
    assert "YES" in request.text
    for person, word in ((agreed, "STOP"), (foreign, "UNSUBSCRIBE")):
        here.say(person, word)
    here.live(60)
    confirmed = [here.confirmations(person)[0].text for person in (agreed, foreign)]
    assert "You have been unsubscribed" in confirmed[0]
    assert "voce foi descadastrado" in confirmed[1]


def test_a_word_that_may_be_a_stop_rests_marketing(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.sleep(1)
    here.say(person, "tidak tertarik kak")
    assert here.submit(person, "next").reasons >= {"reply_unclear"}
    assert here.submit(person, "code", "authentication").body["verdict"] == "allow"
    here.drain()


def test_whoever_reads_an_unclear_reply_settles_it(here: World, capsys: pytest.CaptureFixture[str]) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.sleep(1)
    capsys.readouterr()
    for reply_id in ("hm-1", "hm-2"):
        here.say(person, "tidak tertarik kak", reply_id)
        here.clock.sleep(1)
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "unclear" in line]
    waiting = [(line["recipient_id"], line["reply"]) for line in logged if line["intent"] == "unclear"]
    recipient_id = here.id_of(person)
    assert waiting == [(recipient_id, "in-hm-1"), (recipient_id, "in-hm-2")]

    route, path = "POST /v1/recipients/{recipient_id}/replies", {"recipient_id": recipient_id}
    body = {"brand": "shopx", "source": "agent"}
    earlier = here.call(route, {**body, "reply": "in-hm-1"}, path=path)
    assert earlier.body["waits"] is True
    assert "reply_unclear" in here.submit(person, "next").reasons
    for _ in range(2):
        assert here.call(route, {**body, "reply": "in-hm-2"}, path=path).body["waits"] is False
    assert "reply_unclear" not in here.submit(person, "later").reasons
    assert [event["type"] for event in here.ledger(person)][-2:] == ["reply_read", "reply_read"]

    elsewhere = here.call(route, {**body, "reply": "in-hm-3"}, path=path)
    assert (elsewhere.status, elsewhere.codes) == (404, [("reply", "unknown_reply")])
    assert here.call(route, {**body, "reply": "in-hm-2"}, path={"recipient_id": "nobody"}).status == 404
    assert here.call(route, {**body, "reply": "in-hm-2"}, path=path, scopes=("opt_out",)).status == 403
    assert here.call(route, {**body, "reply": "in-hm-2"}, path=path, brand="other").status == 403


def test_conversation_is_neither_yes_nor_no(here: World) -> None:
    person = here.person()
    here.agrees(person)
    before = here.show(person)
    here.say(person, "ya")
    here.say(person, "terima kasih banyak")
    assert here.show(person)["consents"] == before["consents"]
    assert "reply_unclear" not in here.submit(person, "next").reasons


def test_stop_from_somebody_unknown_is_kept(here: World) -> None:
    person = here.person()
    here.say(person, "STOP")
    here.live(60)
    assert len(here.confirmations(person)) == 1
    here.consent(person, captured_at=(NIGHT - timedelta(days=1)).isoformat())
    assert here.submit(person, "next").reasons >= {"opted_out"}


def test_an_open_permit_moves_the_silence_and_the_confirmation_behind_it(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.at = DAY
    here.submit(person, "promotion")
    here.drain()
    here.clock.sleep(1)
    here.say(person, "STOP")
    (opt_out,) = [item for item in here.ledger(person) if item["type"] == "opt_out"]
    assert opt_out["silent_from"] == "2026-11-23T01:10:10.000Z"
    here.live(60)
    (confirmation,) = here.confirmations(person)
    assert confirmation.at >= DAY + timedelta(seconds=10)


def test_a_confirmation_whose_ticket_the_queue_refused_is_sent_in_time(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.live(1)

    def refuse(call: Call, go: Any) -> Any:
        if call.service != "sqs":
            return go(call.request)
        failed = [
            {"Id": e["Id"], "Code": "InternalError", "SenderFault": False} for e in call.request["Entries"]
        ]
        return {"Failed": failed}

    inbound.receive(here.watched(refuse), here.reply(person, "STOP"))
    here.live(280)
    assert len(here.confirmations(person)) == 1


# Opt-outs that did not come as a reply


def test_an_opt_out_by_id_is_one_and_answers_alike(here: World) -> None:
    person = here.person()
    here.agrees(person)
    first = here.opt_out(person, id="letter-1", reason=here.secret("terlalu banyak pesan"))
    here.clock.sleep(60)
    second = here.opt_out(person, id="letter-1", reason="terlalu banyak pesan")
    assert first.body == second.body
    assert [item["type"] for item in here.ledger(person)].count("opt_out") == 1
    assert here.submit(person, "next").reasons >= {"opted_out"}


def test_do_not_contact_ends_by_the_persons_own_act_only(here: World) -> None:
    here.register(double_opt_in=False)
    person = here.person()
    here.opt_out(person, do_not_contact=True)
    here.clock.sleep(120)
    here.consent(person)
    assert here.submit(person, "next").reasons >= {"do_not_contact"}
    here.clock.sleep(10)
    here.say(person, "START")
    assert "do_not_contact" not in here.submit(person, "then").reasons


def test_a_company_wide_opt_out_reaches_brands_that_exist_and_brands_to_come(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.submit(person, "held")
    here.register("lama", "lama-1", address="+6285811110001", name="Lama", double_opt_in=False)
    here.register("baru", "baru-1", address="+6285811110002", name="Baru", double_opt_in=False)
    here.register("esok", "esok-1", address="+6285811110003", name="Esok", double_opt_in=False)

    def consent(brand: str, at: str) -> None:
        wording = f"Saya setuju menerima promosi dari {brand.title()} melalui SMS."
        body = here.consent_body(person, brand=brand, sender=f"{brand}-1", wording=wording, captured_at=at)
        assert here.call("POST /v1/consents", body, brand=brand).status == 200

    def judged(brand: str, message_id: str) -> set[str]:
        body = here.message(
            person,
            message_id,
            brand=brand,
            sender=f"{brand}-1",
            text=PROMOTION.replace("ShopX", brand.title()),
        )
        return here.call("POST /v1/messages", body, brand=brand).reasons

    consent("lama", "2026-11-22T16:00:00Z")
    assert "do_not_contact" not in judged("lama", "before")
    said = here.opt_out(person, company_wide=True, id="everywhere")
    assert said.status == 200

    assert here.submit(person, "after").reasons >= {"do_not_contact"}
    assert judged("lama", "after") >= {"do_not_contact"}
    assert judged("baru", "first") >= {"do_not_contact"}
    consent("baru", "2026-11-22T16:00:00Z")
    assert judged("baru", "second") >= {"do_not_contact"}

    here.clock.at = DAY
    here.live(180)
    assert here.status("held") == "denied"
    assert here.look_up("before", "lama")["status"] == "denied"

    consent("esok", "2026-11-22T16:00:00Z")  # long after the sweep has seen to the others
    assert here.show(person, "esok")["standing"]["blocks"]
    here.live(180)
    for brand in ("shopx", "lama", "baru", "esok"):
        assert [item["id"] for item in here.ledger(person, brand)].count(said.body["event_id"]) == 1
    assert violations(here, quiet=True) == []


# Messages


def test_what_is_held_leaves_once_when_its_window_opens(here: World) -> None:
    person = here.person()
    here.agrees(person)
    said = here.submit(person, "promotion")
    assert (said.body["verdict"], said.body["until"]) == ("defer", "2026-11-23T01:00:00Z")
    here.clock.at = MORNING - timedelta(minutes=3)
    here.live(300, sweep_every=60)
    assert len(here.sent("promotion")) == 1
    sent = here.sent("promotion")[0]
    assert (sent.type, sent.at >= MORNING) == ("PROMOTIONAL", True)
    assert sent.ttl == int((MORNING + timedelta(hours=10) - sent.at).total_seconds())


def test_tickets_may_come_twice_and_late(here: World) -> None:
    person = here.person()
    here.submit(person, "code", "authentication")
    (ticket,) = here.pull()
    for _ in range(3):
        here.dispatch(ticket)
    here.clock.sleep(3600)
    here.dispatch(ticket)
    assert len(here.sent("code")) == 1


def test_a_code_that_nobody_handed_over_in_time_expires(here: World) -> None:
    person = here.person()
    here.submit(person, "code", "authentication")
    (ticket,) = here.pull()
    here.clock.sleep(601)
    here.dispatch(ticket)
    assert here.status("code") == "expired"


def test_a_ticket_for_a_message_that_is_not_due_yet_waits(here: World) -> None:
    person = here.person()
    not_before = (NIGHT + timedelta(minutes=10)).isoformat()
    said = here.submit(person, "code", "authentication", not_before=not_before)
    assert (said.body["status"], said.body["due"]) == ("held", "2026-11-22T16:40:00Z")
    ticket = queue.Ticket("shopx#code", here.id_of(person), "shopx-id-1")
    here.dispatch(ticket.body())
    assert here.sms.sent == []
    here.live(660)
    assert len(here.sent("code")) == 1


def test_a_ticket_that_the_queue_lost_is_found_by_the_sweep(here: World) -> None:
    person = here.person()
    here.submit(
        person, "order", "transactional", text="ShopX: pesanan Anda dikirim", basis={"transaction": "1"}
    )
    assert len(here.pull()) == 1  # and nobody works on it
    here.live(420)
    assert len(here.sent("order")) == 1


def test_the_cap_holds_the_second_promotion_back(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.at = DAY
    for message_id in ("one", "two"):
        here.submit(person, message_id)
    here.live(60)
    assert sorted([here.status("one"), here.status("two")]) == ["held", "sent"]


def test_a_held_message_can_be_cancelled_and_one_on_its_way_cannot(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.submit(person, "promotion")
    here.submit(person, "code", "authentication")
    here.drain()
    first, again = (here.call("DELETE /v1/messages/{id}", path={"id": "promotion"}) for _ in range(2))
    assert (first.status, first.body["status"]) == (200, "cancelled")
    assert again.body == first.body
    late = here.call("DELETE /v1/messages/{id}", path={"id": "code"})
    assert (late.status, late.codes) == (409, [("id", "not_waiting")])
    here.clock.at = DAY
    here.live(120)
    assert here.sent("promotion") == []


def test_one_senders_backlog_is_paced(here: World) -> None:
    here.register(rate=1)
    people = [here.person() for _ in range(4)]
    for number, person in enumerate(people):
        here.submit(
            person,
            f"order-{number}",
            "transactional",
            text="ShopX: pesanan Anda dikirim",
            basis={"transaction": str(number)},
            not_before=MORNING.isoformat(),
        )
    here.clock.at = DAY
    here.live(30, sweep_every=10)
    times = sorted(sent.at for sent in here.sms.sent)
    assert len(times) == 4
    assert times[-1] - times[0] >= timedelta(seconds=3)


# What the carrier says when it is handed a message


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (refuses("ValidationException"), "failed"),
        (refuses("ResourceNotFoundException"), "failed"),
        (refuses("ConflictException"), "failed"),
        (FAILS, "unknown"),
        (CLOSES, "unknown"),
        (GARBLES, "unknown"),
    ],
    ids=["invalid", "no such sender", "conflict", "its fault", "no answer", "garbage"],
)
def test_a_refusal_ends_the_message_and_doubt_shows(here: World, reply: Reply, status: str) -> None:
    here.sms.plan.append(reply)
    here.submit(here.person(), "code", "authentication")
    here.live(120)
    assert (here.status("code"), len(here.sent("code"))) == (status, 1)
    assert here.failures == {}  # `send` raises nothing: what it cannot know is `Unclear`


def test_a_carrier_that_does_not_answer_in_time_leaves_doubt(here: World) -> None:
    # Long enough for the carrier to take it on a busy machine; it never answers.
    hasty = Config(read_timeout=2, retries={"total_max_attempts": 1})
    here.sms.plan.append(HANGS)
    here.submit(here.person(), "code", "authentication")
    here.drain(replace(here.rt, sms=_client(here.sms.url, hasty)))
    assert (here.status("code"), len(here.sent("code"))) == ("unknown", 1)


def _client(url: str, config: Config) -> Any:
    return boto3.client(
        SERVICE,
        endpoint_url=url,
        region_name="ap-southeast-3",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=config,
    )


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceQuotaExceededException"])
def test_a_passing_refusal_is_offered_again(here: World, code: str) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.at = DAY
    here.sms.plan += [refuses(code), refuses(code)]
    here.submit(person, "promotion")
    here.live(120)
    assert (here.status("promotion"), len(here.sent("promotion"))) == ("sent", 3)
    assert here.look_up("promotion")["attempts"] == 3
    assert len(here.show(person)["recent_sends"]) == 1  # the cap's slot was given back


@pytest.mark.parametrize(
    ("answer", "fields"),
    [(refuses("ThrottlingException"), {}), (FAILS, {"purpose": "authentication"})],
    ids=["later", "doubt"],
)
def test_what_the_carrier_never_takes_is_not_offered_for_ever(
    here: World, answer: Reply, fields: dict[str, str]
) -> None:
    person = here.person()
    here.agrees(person)
    here.register(at_least_once=True)
    here.clock.at = DAY
    here.submit(person, "never", **fields)
    here.plain_dynamodb.update_item(
        TableName=here.rt.messages_table,
        Key={"pk": {"S": "shopx#never"}},
        UpdateExpression="SET attempts = :many",
        ExpressionAttributeValues={":many": {"N": str(OFFERS - 2)}},
    )
    here.sms.plan += [answer, answer]
    here.live(7200, sweep_every=600)
    told = here.look_up("never")
    assert (told["status"], told["attempts"]) == ("unknown" if fields else "failed", OFFERS)
    assert not here.sms.plan


def test_nobody_at_the_carriers_address_is_a_passing_refusal(here: World) -> None:
    nowhere = _client("http://127.0.0.1:9", Config(retries={"total_max_attempts": 1}))
    here.submit(here.person(), "code", "authentication")
    here.drain(replace(here.rt, sms=nowhere))
    assert here.status("code") == "due"
    here.live(60)
    assert here.status("code") == "sent"


def test_who_told_the_carrier_to_stop_has_told_us(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.at = DAY
    here.sms.plan.append(OPTED_OUT)
    here.submit(person, "promotion")
    here.live(60)
    assert here.status("promotion") == "failed"
    assert here.standing(person) == "withdrawn"
    assert here.submit(person, "next").reasons >= {"opted_out"}
    assert here.confirmations(person) == []


def test_at_least_once_sends_again_what_must_arrive_and_nothing_else(here: World) -> None:
    here.register(at_least_once=True)
    person = here.person()
    here.sms.plan.append(CLOSES)
    here.submit(person, "code", "authentication")
    here.live(60)
    assert (here.status("code"), len(here.sent("code"))) == ("sent", 2)

    here.sms.plan.append(CLOSES)
    here.submit(person, "order", "transactional", text="ShopX: pesanan dikirim", basis={"transaction": "1"})
    here.live(60)
    assert (here.status("order"), len(here.sent("order"))) == ("unknown", 1)


def test_the_products_own_client_asks_once(
    here: World, carrier: FakeSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": carrier.url,
        "AWS_DEFAULT_REGION": "ap-southeast-3",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    carriers._client.cache_clear()
    here.sms.plan += [THROTTLES]
    here.submit(here.person(), "code", "authentication")
    here.drain(replace(here.rt, sms=None))
    carriers._client.cache_clear()
    assert (here.status("code"), len(here.sms.sent)) == ("due", 1)
    here.live(60)


# Receipts


def sent_code(here: World) -> str:
    """A message that was sent; the carrier's reference to it."""
    here.submit(here.person(), "code", "authentication")
    here.drain()
    return here.sent("code")[0].ref


@pytest.mark.parametrize("named", [True, False], ids=["by our reference", "by the carrier's"])
def test_a_receipt_moves_the_message_on(here: World, named: bool) -> None:
    ref = sent_code(here)
    for _ in range(2):
        here.receipt("TEXT_DELIVERED", "code" if named else None, ref)
    assert [entry["status"] for entry in here.look_up("code")["history"]] == [
        "due",
        "sending",
        "sent",
        "delivered",
    ]


def test_a_receipt_never_takes_a_message_back(here: World) -> None:
    ref = sent_code(here)
    for event in ("TEXT_DELIVERED", "TEXT_SENT", "TEXT_PENDING", "TEXT_UNREACHABLE"):
        here.receipt(event, "code", ref)
    assert here.status("code") == "delivered"


def test_a_failure_at_the_carrier_says_which(here: World) -> None:
    ref = sent_code(here)
    here.receipt("TEXT_CARRIER_BLOCKED", "code", ref)
    last = here.look_up("code")["history"][-1]
    assert (last["status"], last["note"]) == ("failed", "TEXT_CARRIER_BLOCKED")


def test_a_receipt_that_comes_before_the_answer_to_the_call_settles_the_message(here: World) -> None:
    here.submit(here.person(), "code", "authentication")

    def early(call: Call, go: Any) -> Any:
        answer = go(call.request)
        if call.service == "sms":
            here.receipt("TEXT_DELIVERED", "code", answer["MessageId"])
        return answer

    here.drain(here.watched(early))
    assert here.status("code") == "delivered"


def test_a_receipt_tells_the_fate_of_an_unknown_message(here: World) -> None:
    here.sms.plan.append(CLOSES)
    here.submit(here.person(), "code", "authentication")
    here.drain()
    assert here.status("code") == "unknown"
    here.receipt("TEXT_DELIVERED", "code", "carrier-1")
    assert here.status("code") == "delivered"


def test_a_receipt_that_fits_no_message_is_tried_again_and_then_set_aside(here: World) -> None:
    for deliveries in range(1, 5):
        with pytest.raises(Early):
            here.receipt("TEXT_DELIVERED", None, "nobody", deliveries)
    here.receipt("TEXT_DELIVERED", None, "nobody", 5)
    assert [reason for reason, _ in here.dead_letters()] == ["unknown_message"]


def test_a_receipt_that_names_a_message_we_do_not_have_is_set_aside(here: World) -> None:
    here.receipt("TEXT_DELIVERED", "never-was", "carrier-9", 9)
    assert [reason for reason, _ in here.dead_letters()] == ["unknown_message"]


# What cannot be read

MALFORMED_INBOUND: dict[str, Any] = {
    "not_json": "{",
    "not_an_object": "[]",
    "missing_originationNumber": {"destinationNumber": "+6285811223344", "messageBody": "STOP"},
    "missing_destinationNumber": {"originationNumber": "+6281234567890", "messageBody": "STOP"},
    "missing_messageBody": {"originationNumber": "+6281234567890", "destinationNumber": "+6285811223344"},
    "invalid_originationNumber": {
        "originationNumber": "ShopX",
        "destinationNumber": "+6285811223344",
        "messageBody": "STOP",
    },
    "unknown_destinationNumber": {
        "originationNumber": "+6281234567890",
        "destinationNumber": "+6285800000000",
        "messageBody": "STOP",
    },
}


@pytest.mark.parametrize("reason", MALFORMED_INBOUND)
def test_a_reply_that_cannot_be_read_is_set_aside_with_its_reason(here: World, reason: str) -> None:
    body = here.notification(MALFORMED_INBOUND[reason])
    inbound.receive(here.rt, body)  # no error: the queue does not deliver it again
    assert here.dead_letters() == [(reason, body)]
    assert here.states() == []


@pytest.mark.parametrize(
    ("envelope", "reason"),
    [
        ("no json", "not_json"),
        ('"text"', "not_an_object"),
        ("{}", "not_json"),
        ('{"Message": 7}', "not_an_object"),
    ],
)
def test_what_is_no_notification_is_set_aside(here: World, envelope: str, reason: str) -> None:
    inbound.receive(here.rt, envelope)
    receipts.receive(here.rt, envelope, 1)
    assert here.dead_letters() == [(reason, envelope)] * 2


@pytest.mark.parametrize(
    "timestamp", [None, "", "yesterday", "2026-11-22T16:30:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_reply_without_its_time_is_set_aside(here: World, timestamp: str | None) -> None:
    envelope = json.loads(here.reply(here.person(), "STOP")) | {"Timestamp": timestamp}
    inbound.receive(here.rt, json.dumps(envelope))
    assert [reason for reason, _ in here.dead_letters()] == ["missing_Timestamp"]


def test_a_reply_that_nothing_identifies_is_set_aside(here: World) -> None:
    person = here.person()
    envelope = json.loads(here.reply(person, "STOP"))
    del envelope["MessageId"]
    told = json.loads(envelope["Message"])
    del told["inboundMessageId"]
    inbound.receive(here.rt, json.dumps({**envelope, "Message": json.dumps(told)}))
    assert len(here.dead_letters()) == 1


@pytest.mark.parametrize(
    "text", ["STOP \ud83d", "\ud83d", "STOP\x00", "\x00", "", " ", "🛑" * 700, "S T O P"]
)
def test_whatever_people_write_is_acted_upon_or_set_aside(here: World, text: str) -> None:
    person = here.person()
    inbound.receive(here.rt, here.reply(person, text))
    here.live(60)


@pytest.mark.parametrize(
    ("receipt", "reason"),
    [
        ("{", "not_json"),
        ([], "not_an_object"),
        ({"eventType": "TEXT_DELIVERED", "eventTimestamp": 1}, "missing_messageId"),
        ({"messageId": "1", "eventTimestamp": 1}, "missing_eventType"),
        ({"eventType": "RCS_READ", "messageId": "1", "eventTimestamp": 1}, "unknown_eventType"),
        ({"eventType": "TEXT_DELIVERED", "messageId": "1"}, "missing_eventTimestamp"),
        (
            {"eventType": "TEXT_DELIVERED", "messageId": "1", "eventTimestamp": 10**40},
            "impossible_eventTimestamp",
        ),
    ],
)
def test_a_receipt_that_cannot_be_read_is_set_aside_with_its_reason(
    here: World, receipt: Any, reason: str
) -> None:
    body = here.notification(receipt if isinstance(receipt, str) else json.dumps(receipt))
    receipts.receive(here.rt, body, 1)
    assert here.dead_letters() == [(reason, body)]


def test_nobodys_history_holds_a_number_or_a_text(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.submit(person, "promotion")
    here.say(person, "STOP")
    here.live(30)
    plain = repr([here.items(t) for t in (here.rt.state_table, here.rt.messages_table, here.rt.ledger_table)])
    for secret in (person.removeprefix("+"), PROMOTION):
        assert secret not in plain
    assert WORDING in plain  # what was shown to everybody is no secret, and is chained as it was


def test_statuses_are_those_of_the_documents() -> None:
    documented = "due held sending sent delivered read failed denied expired cancelled unknown"
    assert sorted(map(str, Status)) == sorted(documented.split(" "))
    assert messages.WAITING == (Status.DUE, Status.HELD)
