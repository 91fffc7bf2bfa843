"""Two addresses turn out to be one person's: which of their acts at the one hold at the other?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from izin.domain.events import Event, EventType

_NOES = (EventType.OPT_OUT, EventType.REPLY_UNCLEAR)
_WILL = (*_NOES, EventType.OPT_IN, EventType.REPLY_READ)

SOURCE = "linked"
"""The source of an act that was carried: how it came is told where it was recorded first."""


def to_carry(events: Iterable[Event], now: datetime, *, yeses: bool) -> list[Event]:
    """What is carried of `events`, noes first.

    With `yeses` everything that the person said: the addresses are one, and merging by time gives what
    it would have given had they always been. Without, noes alone: the person has moved to another
    number, where nobody knows yet what they agreed to. Consents are never carried.
    """
    said = [event for event in events if event.type in (_WILL if yeses else _NOES)]
    said.sort(key=lambda event: event.type is not EventType.OPT_OUT)
    return [carried(event, now) for event in said]


def carried(event: Event, now: datetime) -> Event:
    """The same act in another ledger: recorded now, and silent from when it is blocked there."""
    return replace(event, recorded_at=now, silent_from=None, source=SOURCE)
