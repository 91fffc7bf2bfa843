"""By when a request must be answered, and for how long what is kept may be kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from izin.aws import codec, messages
from izin.domain import chain
from izin.domain.consent import Block, Grant, Scope, Standing, Suppression
from izin.domain.events import Event, EventType, apply
from izin.domain.message import Channel, Purpose
from izin.domain.pack import heads, load, pack_of
from izin.domain.rights import Plan, Right, due_at, plan, suppression

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SLOT = (Channel.SMS, Purpose.MARKETING)
YES = Grant(NOW - 100 * DAY, "yes")


def no(at: datetime) -> Block:
    return Block(at, "no", Scope.ALL, Suppression.OPT_OUT, at)


def left(at: datetime) -> Standing:
    block = no(at)
    return Standing(granted={SLOT: YES}, blocks={block.slot: block})


@pytest.mark.parametrize("country", ["DE", "FR", "ID", "US", "BR", "CN"])
def test_requests_have_a_deadline_everywhere(country: str) -> None:
    pack = pack_of(country)
    assert due_at(Right.ACCESS, NOW, pack) == NOW + 30 * DAY
    assert due_at(Right.ERASURE, NOW, pack) == NOW + 14 * DAY


def test_the_deadline_of_the_union_cites_its_own_rows() -> None:
    for setting in (pack_of("DE").access_deadline, pack_of("DE").erasure_deadline):
        assert setting is not None
        assert setting.rule.startswith("EU.")


def test_messages_are_kept_as_long_as_any_pack_keeps_the_proof_of_a_consent() -> None:
    assert max(pack.retention.keep for pack in map(load, heads())) <= messages.KEEP


def test_while_a_consent_holds_nothing_may_go() -> None:
    assert plan(Standing(granted={SLOT: YES}), pack_of("DE"), NOW) == Plan(None, False, None)


def test_a_consent_that_expires_is_looked_at_when_it_does() -> None:
    expires = NOW + 5 * DAY
    holding = Standing(granted={SLOT: Grant(NOW - DAY, "yes", expires_at=expires)})
    assert plan(holding, pack_of("ID"), NOW) == Plan(None, False, expires)
    over = plan(holding, pack_of("ID"), expires)
    assert over.keep_until == expires + pack_of("ID").retention.keep


def test_an_answer_that_is_awaited_keeps_everything() -> None:
    asked = Standing(pending={SLOT: Grant(NOW - DAY, "asked", expires_at=NOW + DAY)})
    assert plan(asked, pack_of("ID"), NOW).keep_until is None


def test_in_the_union_number_and_texts_go_within_thirty_days_of_the_opt_out() -> None:
    opted_out = NOW - 10 * DAY
    early = plan(left(opted_out), pack_of("DE"), NOW)
    assert not early.anonymise
    assert early.look_again is not None
    assert NOW < early.look_again < opted_out + 30 * DAY
    assert plan(left(opted_out), pack_of("DE"), early.look_again).anonymise
    assert not plan(left(opted_out), pack_of("DE"), early.look_again - timedelta(microseconds=1)).anonymise


def test_elsewhere_they_stay_with_the_proof() -> None:
    made = plan(left(NOW - 400 * DAY), pack_of("US"), NOW)
    assert (made.anonymise, made.look_again) == (False, None)


def test_who_came_back_is_not_anonymised() -> None:
    gone = left(NOW - 40 * DAY)
    back = Event(
        "yes-2", EventType.CONSENT_GRANTED, NOW - DAY, NOW, "a", Channel.SMS, "web", (Purpose.MARKETING,)
    )
    assert not plan(apply(gone, back), pack_of("DE"), NOW).anonymise


def test_an_erasure_outlives_any_consent_that_is_only_told() -> None:
    asked = suppression("who", "r-1", "letter", NOW - DAY, NOW)
    standing = apply(
        Standing(), codec.event({**codec.event_item(asked), "silent_from": "2026-11-22T12:00:00.000Z"})
    )
    told = Event("import", EventType.CONSENT_GRANTED, NOW, NOW, "a", Channel.SMS, "csv", (Purpose.MARKETING,))
    block = apply(standing, told).blocking(Channel.SMS, Purpose.MARKETING)
    assert block is not None
    assert block.kind is Suppression.DO_NOT_CONTACT


@pytest.mark.parametrize(
    "type_",
    [
        EventType.ACCESS_REQUESTED,
        EventType.ACCESS_GIVEN,
        EventType.ERASED,
        EventType.ANONYMISED,
        EventType.CHECKPOINT,
    ],
)
def test_what_is_done_with_records_changes_nothing_of_what_was_said(type_: EventType) -> None:
    standing = apply(
        left(NOW - DAY), Event("first", EventType.OPT_IN, NOW - DAY, NOW, "a", Channel.SMS, "reply")
    )
    assert apply(standing, Event("done", type_, NOW, NOW, "a", Channel.SMS, "retention")) == standing


# A ledger that was pruned


def ledger(*, kept_until: datetime) -> list[dict[str, object]]:
    prev, events = chain.GENESIS, []
    for seq, kind in enumerate(("consent_granted", "opt_out", "checkpoint", "opt_in"), start=1):
        event: dict[str, object] = {"seq": seq, "type": kind, "prev": prev}
        if kind == "checkpoint":
            event["details"] = {chain.KEPT_UNTIL: kept_until.isoformat()}
        prev = chain.link(event)
        events.append({**event, "hash": prev})
    return events


@pytest.mark.parametrize("gone", [(1,), (2,), (1, 2)])
def test_events_before_a_checkpoint_may_be_missing_once_its_time_has_come(gone: tuple[int, ...]) -> None:
    whole = ledger(kept_until=NOW)
    pruned = [event for event in whole if event["seq"] not in gone]
    head = str(whole[-1]["hash"])
    assert chain.verify(pruned, head, NOW) is None
    assert chain.verify(pruned, head, NOW - timedelta(microseconds=1)) is not None
    assert chain.verify(pruned, head) is not None


def test_what_follows_a_checkpoint_may_never_be_missing() -> None:
    whole = ledger(kept_until=NOW)
    assert chain.verify(whole[:3], str(whole[-1]["hash"]), NOW) is not None
    assert chain.verify([whole[0], *whole[3:]], str(whole[-1]["hash"]), NOW) is not None


def test_what_is_left_before_a_checkpoint_is_still_checked() -> None:
    whole = ledger(kept_until=NOW)
    changed = [{**whole[1], "type": "opt_in"}, *whole[2:]]
    fault = chain.verify(changed, str(whole[-1]["hash"]), NOW)
    assert fault is not None
    assert fault.problem == "event 2 was changed after it was written"
