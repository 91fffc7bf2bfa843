"""What does the law owe a person whose data is kept, by when, and how long may what be kept?

Requests have deadlines; proof of a consent has a time for which it must be kept, and numbers and
texts one after which they must be gone. Every figure comes from the person's pack.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from izin.domain.consent import Scope, Standing, Suppression
from izin.domain.events import Event, EventType
from izin.domain.message import Channel, Purpose
from izin.domain.pack import Pack


class Right(StrEnum):
    """What a person may ask of whoever keeps their data."""

    ACCESS = "access"
    ERASURE = "erasure"


def due_at(right: Right, requested_at: datetime, pack: Pack) -> datetime:
    """By when a request of `requested_at` must be answered. Sources: as the pack cites them."""
    deadline = pack.access_deadline if right is Right.ACCESS else pack.erasure_deadline
    if deadline is None:  # the general pack joins every other, and has both
        raise LookupError(f"{pack.id} names no deadline for {right}")
    return requested_at + deadline.value


SETTLED = timedelta(minutes=20)
"""How long after an erasure was asked for nothing of the person's is under way: no message, no upload."""

_ERASURE = "erasure-"


def suppression(
    recipient_id: str, request_id: str, source: str, requested_at: datetime, now: datetime
) -> Event:
    """What a request for erasure means at once: nobody writes to the person, until they say so themselves.

    It outlives the erasure, under the pseudonym alone, so that a later import still meets it.
    """
    return Event(
        id=f"{_ERASURE}{request_id}",
        type=EventType.OPT_OUT,
        given_at=requested_at,
        recorded_at=now,
        address=recipient_id,
        channel=Channel.SMS,
        source=source,
        scope=Scope.ALL,
        kind=Suppression.DO_NOT_CONTACT,
        company_wide=True,
        details={"right": str(Right.ERASURE), "request": request_id},
    )


def is_erased(standing: Standing) -> bool:
    """Whether the person was erased, or will be in minutes, and has not come back since."""
    block = standing.blocking(Channel.SMS, Purpose.MARKETING)
    return block is not None and block.event.startswith(_ERASURE)


EARLY = timedelta(days=1)
"""How long before its latest day something is deleted: deleting must not wait for the last minute."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done now with what is kept of a person, and when to look again.

    `keep_until` is set when every consent has ended: until then the proof of them must be kept, and
    after it may go. `anonymise` says that number, texts and personal evidence must go now.
    """

    keep_until: datetime | None
    anonymise: bool
    look_again: datetime | None


def plan(standing: Standing, pack: Pack, now: datetime) -> Plan:
    """The plan for somebody with `standing`, judged by `pack` at `now`."""
    ended = standing.ended_at(now)
    if ended is None:
        return Plan(None, False, standing.next_expiry(now))
    keep_until = ended + pack.retention.keep
    last_no = standing.last_opt_out()
    if pack.anonymise_after is None or last_no is None:
        return Plan(keep_until, False, None)
    must_go = last_no + pack.anonymise_after.value - EARLY
    return Plan(keep_until, must_go <= now, must_go if must_go > now else None)
