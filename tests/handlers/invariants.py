"""Which of the invariants, as the design numbers them, does a world break? Read off what it leaves behind."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from izin.aws import codec, messages, registry
from izin.aws.dynamo import Item
from izin.aws.messages import Status, Stored
from izin.aws.state import State
from izin.domain import chain
from izin.domain.events import Event, EventType, block_of, replay
from izin.domain.message import Kind, Purpose

from tests.handlers.world import World

LIVE = (Status.DUE, Status.HELD)


@dataclass(frozen=True, slots=True)
class Left:
    """Everything in the tables, read once. Ledgers by brand and recipient, in their order."""

    stored: dict[str, Stored]
    indexed: frozenset[str]
    states: dict[tuple[str, str], State]
    ledgers: dict[tuple[str, str], list[Item]]

    def events(self, brand: str, recipient_id: str) -> list[Event]:
        return [codec.event(item) for item in self.ledgers.get((brand, recipient_id), [])]


def left(world: World) -> Left:
    """What a world leaves behind."""
    found = world.items(world.rt.messages_table)
    ledgers: dict[tuple[str, str], list[Item]] = {}
    for item in sorted(world.items(world.rt.ledger_table), key=lambda item: int(item["seq"])):
        ledgers.setdefault((item["brand"], item["recipient_id"]), []).append(item)
    return Left(
        stored={item["pk"]: messages.read(item) for item in found},
        indexed=frozenset(item["pk"] for item in found if "due_shard" in item),
        states={(seen.brand, seen.recipient_id): seen for seen in world.states()},
        ledgers=ledgers,
    )


def violations(world: World, *, quiet: bool = False, now: Left | None = None) -> list[str]:
    """Everything in this world that must never be. `quiet`: nobody died just now, so all is settled."""
    now = now or left(world)
    found = [f"carrier: {fault}" for fault in world.sms.faults]
    found += _unexplained(now, quiet)
    found += _lost(world, now, quiet)
    found += _twice(world, now.stored)
    found += _outside(world, now.stored)
    found += _over_cap(world, now.stored)
    found += _after_opt_out(world, now)
    found += _confirmed(world)
    return found


def _unexplained(now: Left, quiet: bool) -> Iterator[str]:
    """6: the ledger explains the state, and its chain verifies."""
    for who, seen in now.states.items():
        items = now.ledgers.get(who, [])
        plain = [{k: v for k, v in item.items() if k not in ("pk", "sealed", "ttl")} for item in items]
        fault = chain.verify(plain, seen.head)
        if fault:
            yield f"6: the chain of {seen.recipient_id}: {fault.problem}"
        if len({item["id"] for item in items}) < len(items):
            yield f"6: an event is twice in the ledger of {seen.recipient_id}"
        if replay(now.events(*who)) != seen.recorded:
            yield f"6: the ledger of {seen.recipient_id} does not explain its state"
        if quiet and seen.unrecorded:
            yield f"6: an opt-out of {seen.recipient_id} has no event"
    for who in now.ledgers.keys() - now.states.keys():
        yield f"6: a ledger without a state: {who}"


def _lost(world: World, now: Left, quiet: bool) -> Iterator[str]:
    """2: a message has ended, or waits with a due time and will be looked at again."""
    for message in now.stored.values():
        if message.status in LIVE and (message.due is None or message.wake_at is None):
            yield f"2: {message.id} waits without a time"
        if message.status in (*LIVE, Status.SENDING) and message.pk not in now.indexed:
            yield f"2: {message.id} is {message.status} and nobody will look at it again"
        if message.status not in (*LIVE, Status.SENDING) and message.pk in now.indexed:
            yield f"2: {message.id} has ended and is still looked at"
        overdue = message.due and message.due < world.rt.now() - timedelta(minutes=15)
        if quiet and (message.status is Status.SENDING or (message.status in LIVE and overdue)):
            yield f"2: {message.id} is left as {message.status}"


def _twice(world: World, stored: dict[str, Stored]) -> Iterator[str]:
    """3: nothing is handed over twice, unless its sender asked for at least once."""
    taken = Counter(sent.reference for sent in world.sms.sent if sent.taken)
    for reference, times in taken.items():
        if times > 1:
            message, pk = stored[reference].message, registry.sender_key(stored[reference].message.sender)
            sender = registry.sender(registry.read(world.rt, [pk], []).get(pk))
            if not (sender and sender.may_repeat(message.purpose, message.essential)):
                yield f"3: {reference} was handed over {times} times"


def _outside(world: World, stored: dict[str, Stored]) -> Iterator[str]:
    """4: promotions leave while it is between 8 and 20 o'clock in all of Indonesia, which has three zones."""
    for sent in world.sms.sent:
        message = stored[sent.reference].message
        if message.purpose is Purpose.MARKETING and message.kind is Kind.SUBMISSION:
            hours = [sent.at.astimezone(UTC) + timedelta(hours=offset) for offset in (7, 8, 9)]
            if sent.to.startswith("+62") and not all(8 <= hour.hour < 20 for hour in hours):
                yield f"4: {sent.reference} was handed over at {sent.at}"


def _over_cap(world: World, stored: dict[str, Stored]) -> Iterator[str]:
    """5: one promotion in 24 hours."""
    per_person: dict[str, list[datetime]] = {}
    for sent in world.sms.sent:
        message = stored[sent.reference].message
        if sent.taken and message.purpose is Purpose.MARKETING and message.kind is Kind.SUBMISSION:
            per_person.setdefault(f"{message.brand} {sent.to}", []).append(sent.at)
    for times in per_person.values():
        times.sort()
        for earlier, later in itertools.pairwise(times):
            if later - earlier < timedelta(hours=24):
                yield f"5: two promotions within {later - earlier}"


def _after_opt_out(world: World, now: Left) -> Iterator[str]:
    """1: what an acknowledged opt-out covers is not handed over, until the person says yes again."""
    for sent in world.sms.sent:
        message = now.stored[sent.reference]
        if message.message.kind is not Kind.SUBMISSION:
            continue
        acts = now.events(message.message.brand, message.recipient_id)
        for act in acts:
            if (
                act.type is EventType.OPT_OUT
                and act.silent_from
                and act.silent_from <= sent.at
                and block_of(act).stops(
                    message.message.channel, message.message.purpose, message.message.essential
                )
                and not _said_yes(acts, act, sent.at)
            ):
                yield f"1: {sent.reference} at {sent.at}, silent from {act.silent_from}"


def _said_yes(acts: list[Event], opt_out: Event, by: datetime) -> bool:
    yes = (EventType.OPT_IN, EventType.CONSENT_GRANTED)
    return any(act.type in yes and opt_out.given_at < act.given_at <= by for act in acts)


def _confirmed(world: World) -> Iterator[str]:
    """7: at most one confirmation of an opt-out."""
    for reference, times in Counter(sent.reference for sent in world.sms.sent if sent.taken).items():
        if "#~confirmation~" in reference and times > 1:
            yield f"7: {reference} was sent {times} times"
