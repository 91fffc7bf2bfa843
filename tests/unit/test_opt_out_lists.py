"""What an entry on a provider's list means for somebody who said this or that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from izin.domain.consent import Scope, Standing, Suppression
from izin.domain.events import Event, EventType, apply, replay
from izin.domain.message import Channel, Purpose
from izin.domain.opt_out_lists import Act, Entry, event_of, judge, together

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOW = AT + timedelta(days=1)


def said(what: EventType, minute: int, **fields: object) -> Event:
    at = AT + timedelta(minutes=minute)
    event = Event(f"{what}-{minute}", what, at, at, "address", Channel.SMS, "test", by_person=True)
    if what is EventType.OPT_OUT:
        event = replace(event, scope=Scope.ALL, kind=Suppression.OPT_OUT, silent_from=at)
    if what is EventType.CONSENT_GRANTED:
        event = replace(event, purposes=(Purpose.MARKETING,))
    return replace(event, **fields)  # type: ignore[arg-type]


STOP, START, YES = EventType.OPT_OUT, EventType.OPT_IN, EventType.CONSENT_GRANTED


def entry(minute: int, *, by_person: bool) -> Event:
    listed = Entry("+6281234567890", AT + timedelta(minutes=minute), by_person)
    return event_of(listed, "shopx-list", "address", "ID", NOW)


@pytest.mark.parametrize(
    ("acts", "by_person", "expected"),
    [
        ([], True, Act.RECORD),
        ([said(YES, 1)], True, Act.RECORD),
        ([said(STOP, 1)], True, Act.RECORD),  # later than we know
        ([said(STOP, 12)], True, Act.LEAVE),  # told to us again, since
        ([said(STOP, 12), said(START, 13)], True, Act.TAKE_OFF),
        ([said(START, 13)], True, Act.RECORD),  # the ledger shows both, in their order
        ([], False, Act.RECORD),
        ([said(YES, 1)], False, Act.RECORD),
        ([said(STOP, 1)], False, Act.LEAVE),  # we put it there
        ([said(STOP, 1), said(START, 5)], False, Act.TAKE_OFF),  # and were late
        ([said(STOP, 1), said(START, 13)], False, Act.TAKE_OFF),
        ([said(STOP, 1, scope=Scope.MARKETING)], False, Act.LEAVE),
    ],
)
def test_what_an_entry_of_the_tenth_minute_asks_for(
    acts: list[Event], by_person: bool, expected: Act
) -> None:
    assert judge(replay(acts), entry(10, by_person=by_person)) is expected


@pytest.mark.parametrize("by_person", [True, False])
def test_what_was_recorded_is_known(by_person: bool) -> None:
    event = entry(10, by_person=by_person)
    standing = apply(Standing(), replace(event, silent_from=NOW))
    assert judge(standing, event) is Act.LEAVE
    assert judge(apply(standing, said(START, 11)), event) is Act.TAKE_OFF


def test_a_shared_list_waits_for_every_brand() -> None:
    assert together([Act.TAKE_OFF, Act.TAKE_OFF]) is Act.TAKE_OFF
    assert together([Act.TAKE_OFF, Act.LEAVE]) is Act.LEAVE
    assert together([Act.TAKE_OFF, Act.RECORD]) is Act.LEAVE
    assert together([]) is Act.LEAVE


def test_the_event_of_an_entry_is_the_same_every_time() -> None:
    assert entry(10, by_person=True) == entry(10, by_person=True)
    assert entry(10, by_person=True).id != entry(11, by_person=True).id
    assert len(event_of(Entry("", AT, True), "arn:aws:sms-voice:x:1:opt-out-list/l", "a", "ID", NOW).id) < 40
