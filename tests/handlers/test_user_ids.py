"""People of whom WhatsApp tells an id and no number: whoever they are, their no holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import release
import whatsapp
from izin.aws import aliases, identity

from tests.handlers import test_whatsapp as chat
from tests.handlers.calls import Call, Killed
from tests.handlers.test_rotation import SINCE, rotate
from tests.handlers.world import World

wa = chat.wa
_numbers = itertools.count(1)


def user(wa: World) -> str:
    """The id that Meta gave somebody new, of Indonesia."""
    return wa.secret(f"ID.{13491208655302741000 + next(_numbers)}")


def known(person: str | None, user_id: str | None) -> dict[str, Any]:
    """What a message tells of whom it is from."""
    return {"from": person and person.removeprefix("+"), "from_user_id": user_id}


def say(wa: World, person: str | None, user_id: str | None, text: str, **fields: Any) -> None:
    chat.say(wa, "", text, **known(person, user_id), **fields)


def prefer(wa: World, user_id: str, value: str) -> None:
    wa.clock.sleep(1)
    wish = {
        "user_id": user_id,
        "category": "marketing_messages",
        "value": value,
        "timestamp": chat.seconds(wa),
    }
    whatsapp.receive(wa.rt, chat.notification(wa, "user_preferences", user_preferences=[wish]), 1)


def moved(wa: World, kind: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    """The platform's notice that somebody's number changed."""
    notice = {"type": kind, "body": "User A changed", **after}
    said = {
        "id": f"wamid.{next(wa.order)}",
        "timestamp": chat.seconds(wa),
        "type": "system",
        "system": notice,
    }
    return chat.notification(wa, "messages", messages=[{**said, **before}])


def id_of(wa: World, user_id: str) -> str:
    return aliases.recipient(wa.rt, user_id).recipient_id


def stopped(wa: World, person: str) -> bool:
    return chat.granted(wa, person) == {"sms": "withdrawn", "whatsapp": "withdrawn"}


def test_a_stop_by_user_id_stops_the_person_whom_it_was_seen_with(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, person, user_id, "Halo")
    say(wa, None, user_id, "Berhenti")
    wa.drain()
    assert stopped(wa, person)
    assert wa.submit(person, "promo-1").reasons >= {"opted_out"}
    assert len(wa.confirmations(person)) == 1  # to the number that they were known by
    assert id_of(wa, user_id) == wa.id_of(person)
    assert wa.dead_letters() == []


def test_the_fate_of_a_message_tells_whose_the_id_is(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    chat.submit(wa, person, "promo-1")
    wa.drain()
    told = {"recipient_user_id": user_id}
    for status in ("sent", "delivered", "read", "delivered"):
        whatsapp.receive(wa.rt, chat.fate(wa, wa.sent("promo-1")[0], status, **told), 1)
    assert wa.status("promo-1") == "read"
    prefer(wa, user_id, "stop")
    assert stopped(wa, person)
    prefer(wa, user_id, "resume")
    assert chat.granted(wa, person) == {"sms": "withdrawn", "whatsapp": "granted"}


def test_who_stopped_on_the_platform_is_known_by_the_message(wa: World) -> None:
    person = chat.agrees(wa)
    chat.submit(wa, person, "promo-1")
    wa.drain()
    sent = wa.sent("promo-1")[0]
    whatsapp.receive(wa.rt, chat.fate(wa, sent, "failed", 131050, recipient_user_id=user(wa)), 1)
    assert stopped(wa, person)


def test_what_an_answer_to_an_id_tells_holds_for_the_number_too(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "BANTUAN")
    wa.drain()
    (answer,) = wa.sms.sent
    assert answer.to == user_id
    say(wa, person, user_id, "Halo")
    whatsapp.receive(wa.rt, chat.fate(wa, answer, "failed", 131050, recipient_user_id=user_id), 1)
    assert stopped(wa, person)


def test_the_platforms_stop_button_by_user_id(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, person, user_id, "Halo")
    say(wa, None, user_id, "", type="button", button={"text": "Parar promoções"})
    assert [event["scope"] for event in chat.opt_outs(wa, person)] == ["marketing"]


def test_somebody_never_heard_of_has_a_ledger_under_their_id_until_a_number_is_told(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "STOP")
    own = id_of(wa, user_id)
    assert own not in {wa.id_of(person), user_id}
    assert [
        e["type"]
        for e in wa.call("GET /v1/recipients/{recipient_id}/ledger", path={"recipient_id": own}).body[
            "events"
        ]
    ] == ["opt_out"]
    assert not stopped(wa, person)
    wa.drain()
    (confirmation,) = wa.confirmations(user_id)
    assert confirmation.whatsapp
    assert confirmation.whatsapp["recipient"] == user_id
    assert "to" not in confirmation.whatsapp
    delivered = chat.fate(wa, confirmation, "delivered", recipient_user_id=user_id)
    whatsapp.receive(wa.rt, delivered, 1)
    assert id_of(wa, user_id) == own
    say(wa, person, user_id, "Halo")
    assert stopped(wa, person)
    (event,) = chat.opt_outs(wa, person)
    assert (event["source"], event["address"]) == ("linked", own)
    wa.live(120)
    assert len(wa.sms.sent) == 1
    whatsapp.receive(wa.rt, delivered, 1)
    assert id_of(wa, user_id) == wa.id_of(person)


def test_who_came_back_before_their_number_was_known_is_back(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "STOP")
    say(wa, None, user_id, "START")
    say(wa, person, user_id, "Halo")
    assert chat.granted(wa, person) == {"sms": "withdrawn", "whatsapp": "granted"}


def test_an_unclear_reply_rests_promotions_at_the_number_too(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "tidak tertarik")
    say(wa, person, user_id, "Halo")
    assert "reply_unclear" in chat.submit(wa, person, "promo-1").reasons
    (reply,) = [event["id"] for event in wa.ledger(person) if event["type"] == "reply_unclear"]
    own = identity.of_user(wa.rt, user_id)[0]  # as the log of that reply named them
    body = {"brand": "shopx", "reply": reply, "source": "agent"}
    read = wa.call("POST /v1/recipients/{recipient_id}/replies", body, path={"recipient_id": own})
    assert read.body["waits"] is False
    assert chat.submit(wa, person, "promo-2").body["verdict"] == "allow"


def test_what_an_alias_costs(wa: World) -> None:
    """The first time one transaction; afterwards one read, and nothing is written."""
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, person, None, "Halo")

    def calls(user_id: str | None) -> list[str]:
        made: list[str] = []

        def watch(call: Call, go: Callable[[Any], Any]) -> Any:
            made.append(call.name)
            return go(call.request)

        whatsapp.receive(wa.watched(watch), chat.message(wa, person, "Halo", from_user_id=user_id), 1)
        return made

    plain = calls(None)
    assert calls(user_id) == [*plain, "batch_get_item", "transact_write_items"]
    assert calls(user_id) == [*plain, "batch_get_item"]


def test_no_table_holds_a_user_id(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "STOP")
    say(wa, person, user_id, "STOP")
    say(wa, None, user_id, "START")
    rt = wa.rt
    for table in (rt.state_table, rt.messages_table, rt.ledger_table, rt.keys_table):
        assert user_id not in repr(wa.items(table))


def test_a_stop_is_confirmed_once_under_whichever_name(wa: World) -> None:
    """Its first worker died after it answered; then the id was led to a number, and the STOP came again."""
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "Halo")
    stop = chat.message(wa, "", "STOP", **known(None, user_id))
    first, looks = [True], itertools.count(1)

    def dies_after_the_answer(made: Call, go: Callable[[Any], Any]) -> Any:
        answer = go(made.request)
        if made.name == "send_message_batch":
            raise Killed
        return answer

    def lags(made: Call, go: Callable[[Any], Any]) -> Any:
        """The other worker led the id, and has yet to carry what was said."""
        if made.name == "query" and next(looks) == 1 and first.pop():
            raise Killed
        return go(made.request)

    with pytest.raises(Killed):
        whatsapp.receive(wa.watched(dies_after_the_answer), stop, 1)
    with pytest.raises(Killed):
        whatsapp.receive(wa.watched(lags), chat.message(wa, "", "Halo", **known(person, user_id)), 1)
    assert id_of(wa, user_id) == wa.id_of(person)
    whatsapp.receive(wa.rt, stop, 2)
    wa.live(120)
    assert stopped(wa, person)
    assert len(wa.sms.sent) == 1


@pytest.mark.parametrize("call", range(5, 16))
def test_a_worker_that_dies_while_it_links_leaves_nothing_undone(wa: World, call: int) -> None:
    """Before the id is led to the number the notification comes again; from then on the sweep is enough."""
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "STOP")
    body = chat.message(wa, "", "Halo", **known(person, user_id))
    calls = itertools.count(1)

    def watch(made: Call, go: Callable[[Any], Any]) -> Any:
        if made.service == "dynamodb" and next(calls) == call:
            raise Killed
        return go(made.request)

    with pytest.raises(Killed):
        whatsapp.receive(wa.watched(watch), body, 1)
    if id_of(wa, user_id) != wa.id_of(person):
        whatsapp.receive(wa.rt, body, 2)
    wa.clock.at += timedelta(minutes=2)
    release.release(wa.rt)
    assert stopped(wa, person)
    left = [item for item in wa.items(wa.rt.state_table) if item["pk"].startswith(aliases.PREFIX)]
    assert [item for item in left if "wake_at" in item] == []


# A number changes.


def test_the_noes_of_the_old_number_hold_for_the_new_one_and_no_yes_does(wa: World) -> None:
    old, new, was, now = chat.agrees(wa), chat.agrees(wa), user(wa), user(wa)
    say(wa, old, was, "STOP")
    say(wa, old, was, "START")
    notice = moved(
        wa,
        "user_changed_number",
        {"from": old.removeprefix("+")},
        {"wa_id": new.removeprefix("+"), "user_id": now, "previous_user_id": was},
    )
    for _ in range(2):
        whatsapp.receive(wa.rt, notice, 1)
    assert stopped(wa, new)
    assert chat.granted(wa, old)["whatsapp"] == "granted"
    assert id_of(wa, now) == wa.id_of(new)
    assert len(chat.opt_outs(wa, new)) == 1
    say(wa, new, now, "START")
    assert chat.granted(wa, new)["whatsapp"] == "granted"


def test_a_stop_by_the_old_id_that_comes_late_holds_for_the_new_number(wa: World) -> None:
    old, new, was, now = chat.agrees(wa), chat.agrees(wa), user(wa), user(wa)
    after = {"wa_id": new.removeprefix("+"), "user_id": now, "previous_user_id": was}
    whatsapp.receive(wa.rt, moved(wa, "user_changed_number", {"from": old.removeprefix("+")}, after), 1)
    say(wa, None, was, "STOP")
    assert stopped(wa, old)
    assert stopped(wa, new)


def test_a_change_without_numbers_is_followed_once_the_new_one_is_told(wa: World) -> None:
    old, new, was, now = chat.agrees(wa), chat.agrees(wa), user(wa), user(wa)
    say(wa, old, was, "STOP")
    notice = moved(wa, "user_changed_user_id", {}, {"user_id": now, "previous_user_id": was})
    whatsapp.receive(wa.rt, notice, 1)
    assert not stopped(wa, new)
    say(wa, new, now, "Halo")
    assert stopped(wa, new)
    say(wa, None, now, "START")
    say(wa, None, was, "STOP")  # late, and after the new number was told
    assert stopped(wa, new)


def test_one_id_at_two_numbers_carries_the_noes_of_the_first_to_the_second(wa: World) -> None:
    first, second, user_id = chat.agrees(wa), chat.agrees(wa), user(wa)
    say(wa, first, user_id, "STOP")
    say(wa, second, user_id, "Halo")
    assert stopped(wa, second)
    assert id_of(wa, user_id) == wa.id_of(first)


def test_a_lookup_knows_ids_and_writes_nothing(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)

    def look_up() -> str:
        return str(wa.call("POST /v1/recipients/lookup", {"address": user_id}).body["recipient_id"])

    before, own = wa.items(wa.rt.state_table), look_up()
    assert wa.items(wa.rt.state_table) == before
    say(wa, None, user_id, "Halo")
    assert look_up() == own
    say(wa, person, user_id, "Halo")
    assert look_up() == wa.id_of(person)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {"user_id": "ID.2"}, "missing_previous_user_id"),
        ({"from": "6281234567890"}, {}, "missing_user_id"),
        ({"from": "62123"}, {"user_id": "ID.2"}, "invalid_wa_id"),
    ],
)
def test_a_change_that_cannot_be_followed_is_set_aside(
    wa: World, before: dict[str, Any], after: dict[str, Any], reason: str
) -> None:
    whatsapp.receive(wa.rt, moved(wa, "user_changed_user_id", before, after), 1)
    assert [found for found, _ in wa.dead_letters()] == [reason]


# Their data.


def ask(wa: World, recipient_id: str, right: str) -> Any:
    body = {"id": "r-1", "brand": "shopx", "source": "letter"}
    path = {"recipient_id": recipient_id}
    return wa.call(f"POST /v1/recipients/{{recipient_id}}/{right}", body, path=path)


def see(wa: World, recipient_id: str) -> Any:
    return wa.call("GET /v1/recipients/{recipient_id}/access", path={"recipient_id": recipient_id}).body


def test_a_person_sees_what_was_said_at_their_id_too(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "STOP")
    own = id_of(wa, user_id)
    say(wa, person, user_id, "Halo")
    for name in (own, wa.id_of(person)):
        kept = see(wa, name)
        assert (kept["recipient_id"], kept["also_known_as"]) == (wa.id_of(person), [own])
        assert kept["addresses"] == sorted([person, user_id])
        texts = [e["personal"].get("text") for brand in kept["brands"] for e in brand["events"]]
        assert "STOP" in texts


@pytest.mark.parametrize("by_alias", [True, False])
def test_an_erasure_reaches_what_was_said_at_the_id(wa: World, by_alias: bool) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "STOP")
    own = id_of(wa, user_id)
    say(wa, person, user_id, "Halo")
    assert ask(wa, own if by_alias else wa.id_of(person), "erasure").status == 202
    wa.clock.at += timedelta(minutes=30)
    assert wa.keep_house()["erased"] == 1
    assert wa.items(wa.rt.keys_table) == []
    kept = see(wa, wa.id_of(person))
    assert (kept["erased"], kept["addresses"]) == (True, [])
    assert wa.submit(person, "promo-1").reasons >= {"do_not_contact"}


def test_who_is_erased_before_their_number_is_known_is_left_alone_at_it(wa: World) -> None:
    person, user_id = wa.person(), user(wa)
    say(wa, None, user_id, "STOP")
    ask(wa, id_of(wa, user_id), "erasure")
    whatsapp.receive(wa.rt, chat.message(wa, person, "Halo", from_user_id=user_id), 1)
    assert wa.submit(person, "promo-1").reasons >= {"do_not_contact"}
    wa.clock.at += timedelta(minutes=30)
    assert wa.keep_house()["erased"] == 1
    assert wa.items(wa.rt.keys_table) == []


def test_an_id_keeps_its_name_when_a_new_pepper_comes(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "STOP")
    own = id_of(wa, user_id)
    rotate(wa)
    wa.clock.at = max(wa.clock.at, SINCE + timedelta(hours=1))
    assert id_of(wa, user_id) == own
    say(wa, person, user_id, "Halo")
    assert stopped(wa, person)
    other = user(wa)
    say(wa, None, other, "STOP")
    assert id_of(wa, other) == identity.of_user(wa.rt, other)[0]


def test_a_notice_of_another_kind_says_nothing(wa: World) -> None:
    whatsapp.receive(wa.rt, moved(wa, "user_identity_changed", {}, {}), 1)
    assert wa.dead_letters() == []
