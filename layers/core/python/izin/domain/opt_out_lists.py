"""A provider keeps lists of numbers that it blocks: what do they tell us, and what do we tell them?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from izin.domain import prompts
from izin.domain.consent import Scope, Standing, Suppression
from izin.domain.events import Event, EventType, apply
from izin.domain.message import Channel, Purpose


@dataclass(frozen=True, slots=True)
class Entry:
    """One number on a list. `by_person`: put there by a reply, not by somebody who has the account."""

    number: str = field(repr=False)
    listed_at: datetime
    by_person: bool


class Act(StrEnum):
    """What an entry asks for."""

    RECORD = "record"  # the person told the provider what we do not know yet
    TAKE_OFF = "take_off"  # the person has come back since
    LEAVE = "leave"


def event_of(entry: Entry, of_list: str, address: str, country: str, now: datetime) -> Event:
    """The opt-out that an entry is: it counts from when the number was listed."""
    return Event(
        id=f"provider-{of_list.rpartition('/')[2]}-{int(entry.listed_at.timestamp() * 1000)}",
        type=EventType.OPT_OUT,
        given_at=min(entry.listed_at, now),
        recorded_at=now,
        address=address,
        channel=Channel.SMS,
        source="provider",
        by_person=entry.by_person,
        scope=Scope.ALL,
        kind=Suppression.OPT_OUT,
        details=prompts.details(country),
    )


def judge(standing: Standing, event: Event) -> Act:
    """What follows from an entry, given as the `event` that it would be, for a person of that standing.

    An entry that no reply made is news only of a person who never said no: else we put it there ourselves.
    """
    after = apply(standing, replace(event, silent_from=event.recorded_at))
    said_no = any(b.stops(Channel.SMS, Purpose.MARKETING, essential=False) for b in standing.blocks.values())
    if after.blocks != standing.blocks if event.by_person else not said_no:
        return Act.RECORD
    return Act.LEAVE if is_stopped(standing) else Act.TAKE_OFF


def together(acts: Iterable[Act]) -> Act:
    """Where several brands share a list: taken off once the person has come back to all of them."""
    found = set(acts)
    return Act.TAKE_OFF if found == {Act.TAKE_OFF} else Act.LEAVE


def is_stopped(standing: Standing) -> bool:
    """Whether the person wants no marketing by text."""
    return standing.blocking(Channel.SMS, Purpose.MARKETING) is not None
