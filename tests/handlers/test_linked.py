"""What else tells whose an id is, what seems to and does not, and what follows for the person's data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import whatsapp
from botocore.exceptions import ClientError
from izin.domain.times import shown

from tests.handlers import test_whatsapp as chat
from tests.handlers.calls import Call
from tests.handlers.fake_sms import Sent
from tests.handlers.test_user_ids import ask, id_of, known, moved, say, see, stopped, user
from tests.handlers.world import World

wa = chat.wa


def answered(wa: World, user_id: str) -> Sent:
    """The answer to somebody of whom an id is all that is known."""
    say(wa, None, user_id, "BANTUAN")
    wa.drain()
    return wa.sms.sent[-1]


@pytest.mark.parametrize("led_first", [True, False])
def test_the_fate_of_an_answer_may_tell_another_id(wa: World, led_first: bool) -> None:
    person, user_id, other = chat.agrees(wa), user(wa), user(wa)
    body = chat.fate(wa, answered(wa, user_id), "delivered", recipient_user_id=other)
    acts: list[Callable[[], None]] = [
        lambda: say(wa, person, user_id, "Halo"),
        lambda: whatsapp.receive(wa.rt, body, 1),
    ]
    for act in acts if led_first else reversed(acts):
        act()
    say(wa, None, other, "STOP")
    assert stopped(wa, person)


def test_what_is_read_at_once_tells_whose_the_id_is(wa: World) -> None:
    """Then nothing is told of its delivery."""
    person, user_id = chat.agrees(wa), user(wa)
    chat.submit(wa, person, "promo-1")
    wa.drain()
    read = chat.fate(wa, wa.sent("promo-1")[0], "read", recipient_user_id=user_id)
    whatsapp.receive(wa.rt, read, 1)
    say(wa, None, user_id, "STOP")
    assert stopped(wa, person)


def test_a_contact_of_somebody_else_tells_nothing(wa: World) -> None:
    """Two messages in one notification, and one contact: it is of the first alone."""
    first, second, user_id = chat.agrees(wa), chat.agrees(wa), user(wa)
    messages = [
        {
            "from": person.removeprefix("+"),
            "id": f"wamid.of-{person[-1]}",
            "timestamp": chat.seconds(wa),
            "type": "text",
            "text": {"body": "Halo"},
        }
        for person in (first, second)
    ]
    contacts = [{"wa_id": first.removeprefix("+"), "user_id": user_id}]
    whatsapp.receive(wa.rt, chat.notification(wa, "messages", contacts=contacts, messages=messages), 1)
    say(wa, None, user_id, "STOP")
    assert stopped(wa, first)
    assert not stopped(wa, second)


def test_a_number_that_is_none_keeps_no_stop_by_id_from_holding(wa: World) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, person, user_id, "Halo")
    say(wa, "+62123", user_id, "STOP")
    assert stopped(wa, person)
    assert wa.dead_letters() == []


def test_an_opt_out_by_id_waits_for_no_ledger_to_be_read(wa: World) -> None:
    """Where nobody can say now which number is theirs, they are answered at the id."""
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, person, user_id, "Halo")

    def watch(made: Call, go: Callable[[Any], Any]) -> Any:
        if made.name == "query":
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Query")
        return go(made.request)

    whatsapp.receive(wa.watched(watch), chat.message(wa, "", "STOP", **known(None, user_id)), 1)
    wa.drain()
    assert stopped(wa, person)
    assert [sent.to for sent in wa.sms.sent] == [user_id]


@pytest.mark.parametrize("right", ["access", "erasure"])
@pytest.mark.parametrize("by_alias", [True, False])
def test_somebody_of_whom_only_an_answer_to_the_id_is_kept_has_their_rights(
    wa: World, right: str, by_alias: bool
) -> None:
    person, user_id = wa.person(), user(wa)
    answered(wa, user_id)
    own = id_of(wa, user_id)
    say(wa, person, user_id, "Halo")
    name = own if by_alias else wa.id_of(person)
    assert see(wa, name)["addresses"] == [user_id]
    assert ask(wa, name, right).status == 202


def test_an_erasure_reaches_an_id_that_is_known_through_another(wa: World) -> None:
    """The id changed before anybody knew a number; then one was told with the new id."""
    person, was, now = chat.agrees(wa), user(wa), user(wa)
    say(wa, None, was, "STOP")
    change = {"user_id": now, "previous_user_id": was}
    whatsapp.receive(wa.rt, moved(wa, "user_changed_user_id", {}, change), 1)
    say(wa, person, now, "Halo")
    assert see(wa, wa.id_of(person))["addresses"] == sorted([person, was])
    assert ask(wa, wa.id_of(person), "erasure").status == 202
    wa.clock.at += timedelta(minutes=30)
    assert wa.keep_house()["erased"] == 1
    assert wa.items(wa.rt.keys_table) == []


@pytest.mark.parametrize("by_alias", [True, False])
def test_access_that_was_asked_for_at_the_id_is_answered_under_either_name(wa: World, by_alias: bool) -> None:
    person, user_id = chat.agrees(wa), user(wa)
    say(wa, None, user_id, "STOP")
    own = id_of(wa, user_id)
    assert ask(wa, own, "access").status == 202
    say(wa, person, user_id, "Halo")
    handed = {"id": "r-1", "brand": "shopx", "source": "letter", "handed_over_at": shown(wa.rt.now())}
    path = {"recipient_id": own if by_alias else wa.id_of(person)}
    said = wa.call("POST /v1/recipients/{recipient_id}/access", handed, path=path)
    assert (said.status, said.body["status"]) == (200, "answered")
