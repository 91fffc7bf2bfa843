"""When in the coming days may messages go? The openings of a timeline, and a week to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from izin.domain.windows import Timeline

CELL = timedelta(minutes=30)
"""What one mark of a strip stands for."""


@dataclass(frozen=True, slots=True)
class Open:
    """Open from `opens` until before `closes`, in UTC."""

    opens: datetime
    closes: datetime


def openings(timeline: Timeline, start: datetime, end: datetime) -> tuple[Open, ...]:
    """When `timeline` is open from `start` to `end`."""
    found, at = [], start
    while at < end:
        stretch = timeline.at(at)
        opens = stretch.opens or at
        if not isinstance(opens, datetime) or opens >= end:
            break
        at = min(timeline.at(opens).closes or end, end)
        found.append(Open(opens, at))
    return tuple(found)


def strip(found: Sequence[Open], day: date, zone: str) -> str:
    """A day of `zone` in 48 marks: `█` where all of a half hour is open, `▌` where part of it is."""
    midnight = datetime.combine(day, time(0), ZoneInfo(zone))
    marks = []
    for cell in range(48):
        # Wall-clock time: an hour that clocks repeat or skip shows as the one that it is called.
        starts = (midnight + cell * CELL).astimezone(ZoneInfo("UTC"))
        shared = (min(o.closes, starts + CELL) - max(o.opens, starts) for o in found)
        overlap = sum((part for part in shared if part > timedelta(0)), timedelta(0))
        marks.append("█" if overlap == CELL else "▌" if overlap else "·")
    return "".join(marks)
