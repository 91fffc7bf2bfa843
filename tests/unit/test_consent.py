"""A standing is what the person said last, whatever order it arrived in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.aws import codec
from izin.domain.consent import MARGIN, Permits, Scope, Status, Suppression, covers, silent_from
from izin.domain.events import Event, EventType, apply, block_of, replay
from izin.domain.message import Channel, Purpose

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = START + timedelta(days=30)


def act(what: EventType, minute: int, name: str | None = None, **fields: Any) -> Event:
    given_at = START + timedelta(minutes=minute)
    if what is EventType.OPT_OUT:
        fields = {
            "scope": Scope.ALL,
            "kind": Suppression.OPT_OUT,
            "silent_from": given_at,
            "by_person": True,
            **fields,
        }
    if what in (EventType.CONSENT_GRANTED, EventType.CONSENT_PENDING):
        fields = {"purposes": (Purpose.MARKETING,), **fields}
    channel = fields.pop("channel", Channel.SMS)
    return Event(name or f"{what}-{minute}", what, given_at, given_at, "address", channel, "test", **fields)


def yes(minute: int, **fields: Any) -> Event:
    return act(EventType.CONSENT_GRANTED, minute, **fields)


def stop(minute: int, **fields: Any) -> Event:
    return act(EventType.OPT_OUT, minute, **fields)


def prefer_no(minute: int, *purposes: Purpose, **fields: Any) -> Event:
    return stop(minute, purposes=purposes or (Purpose.MARKETING,), by_person=False, **fields)


def start(minute: int, **fields: Any) -> Event:
    return act(EventType.OPT_IN, minute, by_person=True, **fields)


def resume(minute: int, **fields: Any) -> Event:
    return start(minute, **{"purposes": (Purpose.MARKETING,), **fields})


def asked(minute: int, **fields: Any) -> Event:
    return act(EventType.CONSENT_PENDING, minute, **fields)


def answered(minute: int, *, to: int) -> Event:
    return yes(minute, by_person=True, asked_at=START + timedelta(minutes=to))


def status(*events: Event, at: datetime = LATER, channel: Channel = Channel.SMS) -> Status:
    return replay(events).status(channel, Purpose.MARKETING, at)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], Status.NONE),
        ([yes(1)], Status.GRANTED),
        ([act(EventType.CONSENT_PENDING, 1)], Status.PENDING),
        ([act(EventType.CONSENT_PENDING, 1, expires_at=LATER)], Status.EXPIRED),
        ([yes(1, expires_at=LATER)], Status.EXPIRED),
        ([yes(1), stop(2)], Status.WITHDRAWN),
        ([yes(2), stop(2)], Status.WITHDRAWN),  # at the same instant the no wins
        ([yes(1), stop(2), start(3)], Status.GRANTED),
        ([yes(1), stop(2), start(3), stop(4)], Status.WITHDRAWN),
        ([start(1)], Status.NONE),  # a start-word revives nothing that was never agreed to
        ([yes(1), stop(2), resume(3)], Status.GRANTED),
        ([yes(1), stop(2), resume(3), stop(4)], Status.WITHDRAWN),
        ([resume(1)], Status.NONE),
        ([yes(1), stop(2), resume(3, purposes=(Purpose.ANNOUNCEMENT,))], Status.WITHDRAWN),
        ([stop(1), yes(2)], Status.GRANTED),
        ([yes(1), stop(2), act(EventType.CONSENT_PENDING, 3)], Status.PENDING),
        ([yes(1), stop(2), act(EventType.CONSENT_PENDING, 3, expires_at=LATER)], Status.EXPIRED),
        ([yes(1), stop(2, kind=Suppression.DO_NOT_CONTACT), yes(3)], Status.WITHDRAWN),
        ([yes(1), stop(2, kind=Suppression.DO_NOT_CONTACT), yes(3, by_person=True)], Status.GRANTED),
        ([stop(2, kind=Suppression.DO_NOT_CONTACT), yes(3, by_person=True), yes(4)], Status.GRANTED),
        ([yes(1), stop(2, kind=Suppression.DO_NOT_CONTACT), start(3)], Status.GRANTED),
        ([yes(1), stop(2, scope=Scope.MARKETING)], Status.WITHDRAWN),
        ([yes(1), prefer_no(2)], Status.WITHDRAWN),
        ([yes(1), prefer_no(2), yes(3)], Status.GRANTED),
        ([yes(1), prefer_no(2), start(3)], Status.GRANTED),
        ([yes(1), prefer_no(2), yes(3), prefer_no(4)], Status.WITHDRAWN),
        ([yes(1), prefer_no(2, Purpose.ANNOUNCEMENT)], Status.GRANTED),
        ([yes(1), prefer_no(2, channel=Channel.EMAIL)], Status.GRANTED),
        ([yes(1), prefer_no(2), stop(3), yes(4)], Status.GRANTED),
        ([yes(1), stop(2), yes(3), prefer_no(4)], Status.WITHDRAWN),
    ],
)
def test_every_order_of_arrival_ends_in_the_same_status(events: list[Event], expected: Status) -> None:
    assert {status(*order) for order in permutations(events)} == {expected}


def test_a_stop_on_one_channel_stops_all_and_a_start_brings_back_its_own() -> None:
    both = [yes(1), yes(1, channel=Channel.WHATSAPP), stop(2, channel=Channel.WHATSAPP)]
    assert status(*both) is Status.WITHDRAWN
    assert status(*both, start(3)) is Status.GRANTED
    assert status(*both, start(3), channel=Channel.WHATSAPP) is Status.WITHDRAWN


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        (Scope.MARKETING, {"marketing"}),
        (Scope.ALL, {"marketing", "announcement", "transactional"}),
        (Scope.REVOKE_ALL, {"marketing", "announcement", "transactional", "essential"}),
    ],
)
def test_what_an_opt_out_covers(scope: Scope, stopped: set[str]) -> None:
    asked = [
        *((purpose, False, str(purpose)) for purpose in Purpose),
        (Purpose.TRANSACTIONAL, True, "essential"),
    ]
    assert {name for purpose, essential, name in asked if covers(scope, purpose, essential)} == stopped


def test_a_start_for_some_purposes_brings_back_no_other() -> None:
    standing = replay([stop(1), resume(2, channel=Channel.WHATSAPP)])
    open_to = [
        (channel, purpose)
        for channel in (Channel.SMS, Channel.WHATSAPP)
        for purpose in Purpose
        if not standing.blocking(channel, purpose)
    ]
    assert open_to == [
        (Channel.SMS, Purpose.AUTHENTICATION),
        (Channel.WHATSAPP, Purpose.MARKETING),
        (Channel.WHATSAPP, Purpose.AUTHENTICATION),
    ]


def test_a_preference_stops_its_purposes_on_its_channel_and_nothing_else() -> None:
    standing = replay([prefer_no(1, Purpose.ANNOUNCEMENT, Purpose.TRANSACTIONAL, channel=Channel.EMAIL)])
    asked = [(c, p, e) for c in Channel for p in Purpose for e in (False, True)]
    assert {one for one in asked if standing.blocking(*one)} == {
        (Channel.EMAIL, Purpose.ANNOUNCEMENT, False),
        (Channel.EMAIL, Purpose.ANNOUNCEMENT, True),
        (Channel.EMAIL, Purpose.TRANSACTIONAL, False),
    }


def test_one_purpose_of_a_preference_is_taken_back_without_the_others() -> None:
    both = prefer_no(1, Purpose.MARKETING, Purpose.ANNOUNCEMENT)
    for events in permutations([both, yes(2, purposes=(Purpose.MARKETING,)), prefer_no(0)]):
        standing = replay(events)
        assert not standing.blocking(Channel.SMS, Purpose.MARKETING)
        assert standing.blocking(Channel.SMS, Purpose.ANNOUNCEMENT)


def test_a_preference_is_no_wish_to_be_left_alone() -> None:
    assert replay([prefer_no(1)]).last_opt_out() is None
    assert replay([stop(1), prefer_no(2)]).last_opt_out() == START + timedelta(minutes=1)


def test_a_reason_changes_nothing() -> None:
    assert replay([yes(1), stop(2), act(EventType.REASON, 3)]) == replay([yes(1), stop(2)])


_minutes = st.integers(0, 30)
_channels = st.sampled_from([Channel.SMS, Channel.WHATSAPP])
_events = st.lists(
    st.one_of(
        st.builds(
            act,
            st.sampled_from([EventType.CONSENT_GRANTED, EventType.CONSENT_PENDING]),
            _minutes,
            channel=_channels,
            by_person=st.booleans(),
            purposes=st.sets(st.sampled_from(list(Purpose)), min_size=1).map(tuple),
            expires_at=st.none() | _minutes.map(lambda m: START + timedelta(minutes=m)),
            asked_at=st.none() | _minutes.map(lambda m: START + timedelta(minutes=m)),
            details=st.sampled_from([{}, {"language": "id"}, {"language": "en"}]),
        ),
        st.builds(
            act,
            st.just(EventType.OPT_OUT),
            _minutes,
            channel=_channels,
            scope=st.sampled_from(list(Scope)),
            kind=st.sampled_from(list(Suppression)),
        ),
        st.builds(
            act,
            st.just(EventType.OPT_OUT),
            _minutes,
            channel=st.sampled_from(list(Channel)),
            by_person=st.booleans(),
            purposes=st.sets(st.sampled_from(list(Purpose)), min_size=1).map(
                lambda them: tuple(sorted(them))
            ),
        ),
        st.builds(act, st.just(EventType.REASON), _minutes, channel=_channels),
        st.builds(
            act,
            st.just(EventType.OPT_IN),
            _minutes,
            channel=_channels,
            by_person=st.just(True),
            purposes=st.just(()) | st.sampled_from(list(Purpose)).map(lambda purpose: (purpose,)),
        ),
        st.builds(
            act,
            st.sampled_from([EventType.REPLY_UNCLEAR, EventType.REPLY_READ]),
            _minutes,
            channel=_channels,
        ),
    ),
    max_size=8,
).map(lambda events: [_named(event, i) for i, event in enumerate(events)])


def _named(event: Event, number: int) -> Event:
    return replace(event, id=f"{number}")


@given(_events, st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(events: list[Event], chance: Random) -> None:
    """Invariant 8: neither a retry nor a late event changes what was given later."""
    shuffled = [*events, *events[: len(events) // 2]]
    chance.shuffle(shuffled)
    assert replay(shuffled) == replay(events)


@given(_events)
def test_what_is_stored_is_what_was_said(events: list[Event]) -> None:
    standing = replay(events)
    assert codec.standing(codec.standing_item(standing)) == standing
    assert [codec.event(codec.event_item(event)) for event in events] == events


@given(_events)
def test_nothing_is_granted_without_a_yes_since_the_last_no(events: list[Event]) -> None:
    standing = replay(events)
    for channel in Channel:
        for purpose in Purpose:
            if standing.status(channel, purpose, LATER) is not Status.GRANTED:
                continue
            yeses = [
                e.asked_at or e.given_at
                for e in events
                if e.channel is channel
                and (
                    (e.type is EventType.OPT_IN and (not e.purposes or purpose in e.purposes))
                    or (e.type is EventType.CONSENT_GRANTED and purpose in e.purposes)
                )
            ]
            noes = [
                e.given_at
                for e in events
                if e.type is EventType.OPT_OUT
                and covers(e.scope or Scope.ALL, purpose, essential=False)
                and (not e.purposes or (e.channel is channel and purpose in e.purposes))
            ]
            assert max(yeses) > max(noes, default=datetime.min.replace(tzinfo=UTC))


@given(_events, _minutes)
def test_an_import_never_revives_what_was_withdrawn_later(events: list[Event], minute: int) -> None:
    """Invariant 8, for a consent captured before the person's last STOP."""
    standing = replay([*events, stop(31)])
    imported = apply(standing, yes(minute, name="import"))
    assert imported.status(Channel.SMS, Purpose.MARKETING, LATER) is Status.WITHDRAWN


def test_an_unclear_reply_waits_for_something_clear() -> None:
    unclear = act(EventType.REPLY_UNCLEAR, 2, by_person=True)
    assert replay([yes(1), unclear]).is_unclear(Channel.SMS)
    assert not replay([unclear, yes(3)]).is_unclear(Channel.SMS)
    assert not replay([unclear, start(3)]).is_unclear(Channel.SMS)


def test_an_unclear_reply_that_was_read_settles_what_came_before_it_and_nothing_after() -> None:
    unclear, read = act(EventType.REPLY_UNCLEAR, 2, by_person=True), act(EventType.REPLY_READ, 2)
    assert not replay([yes(1), unclear, read]).is_unclear(Channel.SMS)
    assert not replay([read, act(EventType.REPLY_UNCLEAR, 1), unclear]).is_unclear(Channel.WHATSAPP)
    assert replay([unclear, read, act(EventType.REPLY_UNCLEAR, 3)]).is_unclear(Channel.SMS)
    assert not replay([yes(1), stop(2), unclear, read]).granted[Channel.SMS, Purpose.MARKETING].asked_at
    assert replay([yes(1), stop(2), unclear, read]).blocking(Channel.SMS, Purpose.MARKETING)


def test_a_yes_answers_a_request_while_it_is_open() -> None:
    standing = replay([act(EventType.CONSENT_PENDING, 1, expires_at=START + timedelta(minutes=10))])
    open_at = [m for m in range(12) if standing.open_requests(Channel.SMS, START + timedelta(minutes=m))]
    assert open_at == list(range(1, 10))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([asked(1), answered(2, to=1)], Status.GRANTED),
        ([asked(1), answered(2, to=1), stop(3), answered(4, to=1)], Status.WITHDRAWN),
        ([asked(1), stop(3), answered(4, to=1)], Status.WITHDRAWN),
        ([stop(1), asked(2), answered(3, to=2)], Status.GRANTED),
        ([asked(1), answered(2, to=1), stop(3), asked(4), answered(5, to=4)], Status.GRANTED),
        ([asked(1), stop(2), answered(3, to=1), start(4)], Status.GRANTED),
    ],
)
def test_a_stop_ends_the_request_that_came_before_it(events: list[Event], expected: Status) -> None:
    assert {status(*order) for order in permutations(events)} == {expected}


def test_a_request_is_answered_once() -> None:
    at = START + timedelta(minutes=9)
    assert list(replay([asked(1)]).open_requests(Channel.SMS, at)) == [Purpose.MARKETING]
    assert not replay([asked(1), answered(2, to=1)]).open_requests(Channel.SMS, at)
    assert not replay([asked(1), stop(2)]).open_requests(Channel.SMS, at)


def test_silence_begins_at_once_or_after_the_last_covered_permit() -> None:
    now, soon, sooner = START, START + timedelta(seconds=4), START + timedelta(seconds=2)
    assert silent_from(now, Permits(), Scope.ALL) == now
    assert silent_from(now, Permits(sooner, soon), Scope.ALL) == soon + MARGIN
    assert silent_from(now, Permits(sooner, soon), Scope.MARKETING) == sooner + MARGIN
    long_ago = START - timedelta(minutes=1)
    assert silent_from(now, Permits(long_ago, long_ago), Scope.ALL) == now


@given(st.lists(st.tuples(st.sampled_from(list(Purpose)), st.integers(0, 60)), max_size=10))
def test_a_permit_only_grows_and_authentication_takes_none(taken: list[tuple[Purpose, int]]) -> None:
    permits = Permits()
    for purpose, second in taken:
        permits = permits.with_permit(purpose, START + timedelta(seconds=second))
    marketing = [second for purpose, second in taken if purpose is Purpose.MARKETING]
    other = [s for purpose, s in taken if purpose in (Purpose.TRANSACTIONAL, Purpose.ANNOUNCEMENT)]
    expected = (max(seconds, default=None) for seconds in (marketing, other))
    assert (permits.marketing, permits.other) == tuple(
        START + timedelta(seconds=second) if second is not None else None for second in expected
    )


def test_a_second_stop_is_a_repeat_unless_a_start_lay_between() -> None:
    first, second = stop(1, name="a"), stop(5, name="b")

    def repeats(event: Event, *recorded: Event) -> bool:
        return replay(recorded).repeats(block_of(event), Channel.SMS)

    assert repeats(second, first)
    assert repeats(first, second)  # it came late
    assert not repeats(second, first, start(3))
    assert not repeats(second, first, resume(3))
    assert not repeats(first, first)
    assert not repeats(stop(5, name="b", scope=Scope.REVOKE_ALL), first)
    assert not repeats(second, stop(1, name="agent", by_person=False))
    assert not repeats(second, prefer_no(1, name="page"))
    assert not repeats(second, stop(1, name="app", purposes=(Purpose.MARKETING,)))


def test_the_language_is_that_of_the_last_words_agreed_to() -> None:
    asked = act(EventType.CONSENT_PENDING, 1, details={"language": "fr-CA"})
    again = yes(3, details={"language": "en"})
    for events in permutations([asked, again, yes(2), stop(4)]):
        spoken = replay(events).spoken
        assert spoken is not None
        assert (spoken.language, spoken.event) == ("en", again.id)
    assert replay([yes(1), stop(2)]).spoken is None
