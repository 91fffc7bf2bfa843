"""What did a person do, and what does it make of their standing?

Acts are merged by the time at which they were given: replayed in any order, once or often, the events
of a ledger end in the same standing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import TypeVar

from izin.domain.consent import Block, Grant, Scope, Spoken, Standing, Suppression
from izin.domain.message import Channel, Purpose


class EventType(StrEnum):
    """The kinds of events in a ledger."""

    CONSENT_PENDING = "consent_pending"
    CONSENT_GRANTED = "consent_granted"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    REPLY_UNCLEAR = "reply_unclear"
    REPLY_READ = "reply_read"  # an unclear one was no opt-out; it is given when that reply was
    CONSENT_UNPROVEN = "consent_unproven"  # claimed by another system, without evidence; it changes nothing
    REASON = "reason"  # why the person opted out; it changes nothing
    # What is done with a person's records. None of these changes their standing.
    ACCESS_REQUESTED = "access_requested"
    ACCESS_GIVEN = "access_given"
    ERASED = "erased"
    ANONYMISED = "anonymised"
    CHECKPOINT = "checkpoint"  # holds the standing so far: the events before it may go one day


@dataclass(frozen=True, slots=True)
class Event:
    """One act of a person, as the ledger keeps it.

    `given_at` is when the person acted, `address` the pseudonym of the address it came through.
    `asked_at` is when the request was made that a yes answers. An opt-in without `purposes` is for all of
    them; an opt-out with `purposes` is for these on its channel alone. `details` is public and chained;
    personal evidence is chained by commitment only.
    """

    id: str
    type: EventType
    given_at: datetime
    recorded_at: datetime
    address: str
    channel: Channel
    source: str
    purposes: tuple[Purpose, ...] = ()
    by_person: bool = False
    expires_at: datetime | None = None
    asked_at: datetime | None = None
    scope: Scope | None = None
    kind: Suppression | None = None
    silent_from: datetime | None = None
    company_wide: bool = False
    details: Mapping[str, str] = field(default_factory=dict)


def apply(standing: Standing, event: Event) -> Standing:
    """`standing` after `event`: pure, idempotent, and independent of the order of events."""
    standing = replace(standing, addresses=standing.addresses | {event.address})
    by_person_at = (event.asked_at or event.given_at) if event.by_person else None
    grant = Grant(event.given_at, event.id, by_person_at, event.expires_at, event.asked_at)
    match event.type:
        case EventType.CONSENT_GRANTED:
            slots = [(event.channel, purpose) for purpose in event.purposes]
            granted = _with_grant(standing.granted, slots, grant)
            return replace(standing, granted=granted, spoken=_spoken(standing.spoken, event))
        case EventType.CONSENT_PENDING:
            slots = [(event.channel, purpose) for purpose in event.purposes]
            pending = _with_grant(standing.pending, slots, grant)
            return replace(standing, pending=pending, spoken=_spoken(standing.spoken, event))
        case EventType.OPT_IN if event.purposes:
            slots = [(event.channel, purpose) for purpose in event.purposes]
            return replace(standing, resumed=_with_grant(standing.resumed, slots, grant))
        case EventType.OPT_IN:
            return replace(standing, opted_in=_with_grant(standing.opted_in, [event.channel], grant))
        case EventType.REPLY_UNCLEAR:
            return replace(standing, unclear=_later(standing.unclear, grant))
        case EventType.REPLY_READ:
            return replace(standing, read=_later(standing.read, grant))
        case EventType.OPT_OUT:
            return with_block(standing, block_of(event))
        case _:
            return standing


def _spoken(before: Spoken | None, event: Event) -> Spoken | None:
    language = event.details.get("language")
    if not language or (before and (before.given_at, before.event) >= (event.given_at, event.id)):
        return before
    return Spoken(language, event.given_at, event.id)


def block_of(event: Event) -> Block:
    """The block that an opt-out event stands for."""
    if event.scope is None or event.kind is None or event.silent_from is None:
        raise ValueError(f"opt-out event {event.id} lacks scope, kind or silent_from")
    return Block(
        event.given_at,
        event.id,
        event.scope,
        event.kind,
        event.silent_from,
        event.by_person,
        event.channel if event.purposes else None,
        event.purposes,
    )


def with_block(standing: Standing, block: Block) -> Standing:
    """`standing` with `block` in its slot, unless one given later is there already.

    A preference has a slot for each of its purposes: each may be overtaken alone.
    """
    blocks = dict(standing.blocks)
    for part in [replace(block, purposes=(purpose,)) for purpose in block.purposes] or [block]:
        old = blocks.get(part.slot)
        if old and old.order >= part.order:
            continue
        blocks[part.slot] = part
    return replace(standing, blocks=blocks)


def replay(events: Iterable[Event]) -> Standing:
    """The standing that a ledger explains: every event applied to nothing."""
    standing = Standing()
    for event in events:
        standing = apply(standing, event)
    return standing


K = TypeVar("K")


def _with_grant(slots: Mapping[K, Grant], keys: Iterable[K], new: Grant) -> dict[K, Grant]:
    merged = dict(slots)
    for key in keys:
        old = merged.get(key, new)
        by_person = [at for at in (old.by_person_at, new.by_person_at) if at]
        merged[key] = replace(
            max(old, new, key=attrgetter("order")), by_person_at=max(by_person, default=None)
        )
    return merged


def _later(old: Grant | None, new: Grant) -> Grant:
    return old if old and old.order >= new.order else new
