"""Does a change of clocks ever open a window early, or late?

For every offset change of every IANA zone from 2026 to 2030, and every window of every shipped
pack, the next opening and the next closing are asked for at instants around the change and compared
with a reading of the wall clock, minute by minute: never outside, never later than the first permitted
minute, and closed from the first minute that is not.

`python -m tests.offsets.proof` runs all of them; `--every 40` a sample.
"""

from __future__ import annotations

import argparse
import sys
import time as clock
import zoneinfo
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path

from izin.domain import calendars
from izin.domain.message import Channel, Purpose
from izin.domain.pack import WindowRule, load
from izin.domain.windows import Hours, Schedule, Timeline

from tests.simulation import report

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_BEFORE, _AFTER = timedelta(days=2), timedelta(days=4)
_ASKED = [timedelta(minutes=m) for m in (-1800, -600, -61, -1, 0, 1, 30, 61, 600, 1800)]
_FIRST, _LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Change:
    """A zone's clocks jump at an instant."""

    zone: str
    at: datetime


def changes() -> list[Change]:
    """Every offset change of every zone in the five years, by zone and time."""
    return [Change(zone, at) for zone in sorted(zoneinfo.available_timezones()) for at in _jumps(zone)]


def _jumps(name: str) -> Iterator[datetime]:
    zone = zoneinfo.ZoneInfo(name)

    def offset(at: datetime) -> timedelta | None:
        return at.astimezone(zone).utcoffset()

    day = _FIRST
    while day < _LAST:
        low, high = day, day + _DAY
        if offset(low) != offset(high):
            while high - low > _MINUTE:
                middle = low + (high - low) // 2
                middle = middle.replace(second=0, microsecond=0)
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            yield high
        day += _DAY


@cache
def schedules() -> dict[str, Schedule]:
    """Every distinct window of every shipped pack, by its rule; holidays as for the whole country."""
    found: dict[tuple[object, ...], tuple[str, Schedule]] = {}
    for name in sorted(
        p.name[:-5] for p in (resources.files("izin") / "packs").iterdir() if _is_pack(p.name)
    ):
        pack = load(name)
        for purpose in Purpose:
            for rule in pack.rules(Channel.SMS, purpose).windows:
                country = pack.countries[0] if pack.countries else None
                key = (rule.hours, rule.closed and country, rule.closed)
                found.setdefault(key, (rule.rule, _schedule(rule, country)))
    return dict(found.values())


def _is_pack(name: str) -> bool:
    if not name.endswith(".toml"):
        return False
    text = (resources.files("izin") / "packs" / name).read_text("utf-8")
    return "\nid = " in text.partition("\n[")[0]


def _schedule(rule: WindowRule, country: str | None) -> Schedule:
    hours = {day: tuple(Hours(o, c) for o, c in openings) for day, openings in enumerate(rule.hours)}
    calendar = calendars.load(country) if country and rule.closed else None
    if calendar is None:
        return Schedule(hours)
    return Schedule(hours, calendar.closed((), rule.closed), calendar.years)


def check(change: Change, ruled: dict[str, Schedule]) -> tuple[int, list[str]]:
    """How many openings were asked for around one change, and what was wrong with them."""
    start = (change.at - _BEFORE).replace(second=0, microsecond=0)
    zone = zoneinfo.ZoneInfo(change.zone)
    count = int((_BEFORE + _AFTER) / _MINUTE)
    walls = [(start + n * _MINUTE).astimezone(zone) for n in range(count)]
    marks = [(wall.date(), wall.hour * 60 + wall.minute) for wall in walls]
    asked, wrong = 0, []
    for name, schedule in ruled.items():
        days = {day: _minutes(schedule, day) for day in {day for day, _ in marks}}
        is_open = bytes(days[day][minute] for day, minute in marks)
        timeline = Timeline([schedule], [change.zone])
        for shift in _ASKED:
            asked += 1
            at = change.at + shift
            minute, stretch = int((at - start) / _MINUTE), timeline.at(at)
            expected, shut = is_open.find(1, minute), is_open.find(0, minute)
            found = stretch.opens or at
            closes = stretch.closes
            if found == at and closes != (start + shut * _MINUTE if shut >= 0 else closes):
                wrong.append(f"{change.zone} {name} at {at}: closes at {closes}, not the first closed minute")
            if expected < 0:
                if isinstance(found, datetime) and found < start + count * _MINUTE:
                    wrong.append(f"{change.zone} {name} at {at}: {found} is not permitted")
            elif found != max(start + expected * _MINUTE, at):
                wrong.append(f"{change.zone} {name} at {at}: {found}, not the first permitted minute")
    return asked, wrong


def _minutes(schedule: Schedule, day: date) -> bytes:
    """For each minute of a day's wall clock, whether the schedule permits it."""
    minutes = bytearray(24 * 60)
    if day not in schedule.closed_dates:
        for hours in schedule.hours.get(day.weekday(), ()):
            opens, closes = (at.hour * 60 + at.minute for at in (hours.opens, hours.closes))
            minutes[opens : closes or 24 * 60] = bytes([1]) * ((closes or 24 * 60) - opens)
    return bytes(minutes)


def prove(every: int = 1) -> tuple[int, int, list[str]]:
    """Changes, openings asked for, and faults; over each `every`th change, on all processors."""
    chosen = changes()[::every]
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(_check, chosen, chunksize=16))
    return len(chosen), sum(asked for asked, _ in results), [w for _, wrong in results for w in wrong]


def _check(change: Change) -> tuple[int, list[str]]:
    return check(change, schedules())


def main() -> int:
    """Run the proof and print what it found; 1 where a window opened at a wrong minute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the figures into docs/safety.md")
    chosen, began = parser.parse_args(), clock.monotonic()
    number, asked, wrong = prove(chosen.every)
    print("\n".join(wrong[:20]))
    print(
        f"{number} offset changes, {len(schedules())} distinct windows, {asked} openings:"
        f" {len(wrong)} wrong, {clock.monotonic() - began:.0f} s"
    )
    if chosen.report:
        told = f"{number:,} changes, {len(schedules())} windows, {asked:,} openings, {len(wrong)} wrong."
        report.write(chosen.report, "offsets", [f"`python -m tests.offsets.proof`: {told}"])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
