"""What does a no bring about, flow by flow, through the real handlers? STOP, its like, and other roads."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import inbound
import pytest
from izin.aws import identity

from tests.handlers.calls import Call
from tests.handlers.invariants import violations
from tests.handlers.world import DAY, NIGHT, PROMOTION, Said, World


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
