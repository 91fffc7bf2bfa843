"""What becomes of what cannot be read? It is set aside with its reason, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import inbound
import pytest
import receipts
from izin.aws import messages
from izin.aws.messages import Status

from tests.handlers.world import PROMOTION, WORDING, World

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
