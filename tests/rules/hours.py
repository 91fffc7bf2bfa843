"""When do windows and caps permit? Looked up minute by minute on the clocks of every zone."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.rules.asked import Asked, Reason, Rule

PACKS = Path(__file__).parents[2] / "layers/core/python/izin/packs"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, QUARTER, MINUTE = timedelta(days=1), timedelta(minutes=15), timedelta(minutes=1)
HORIZON = timedelta(days=45)
NEVER = ("no_calendar", "no_common_window")


def timing(rules: list[Rule], asked: Asked, at: datetime) -> tuple[set[Reason], datetime | None]:
    """Why windows and caps keep a message back at an instant, and the first at which all permit."""
    found = set[Reason]()
    windows = [r for r in rules if r["kind"] == "windows"]
    caps = [r for r in rules if r["kind"] == "caps"]
    for rule in windows:
        state = _state(rule, asked, at)
        if state == "open":
            continue
        opens = _first([rule], [], asked, at)
        if isinstance(opens, str):
            found.add((opens, rule["rule"], "deny", None))
        else:
            found.add((state, rule["rule"], "defer", opens))
    for rule in caps:
        frees = _first([], [rule], asked, at)
        if isinstance(frees, str):
            found.add((frees, rule["rule"], "deny", None))
        elif frees > at:
            found.add(("cap_reached", rule["rule"], "defer", frees))
    if any(code in NEVER for code, *_ in found):
        return found, None
    until = _first(windows, caps, asked, at)
    if isinstance(until, str):
        return found | {(until, (windows + caps)[0]["rule"], "deny", None)}, None
    return found, until


def _first(windows: list[Rule], caps: list[Rule], asked: Asked, at: datetime) -> datetime | str:
    """The first instant from `at` on at which all of these permit; or why there is none."""
    if not asked.zones and (windows or any(rule.get("holiday_limit") == 0 for rule in caps)):
        return "no_common_window"
    end = at + 3 * HORIZON
    while at < end:
        at = _next_minute(windows, asked, at, end, bit=True)
        if at >= end:
            break
        full = [rule for rule in caps if _is_full(rule, asked, at)]
        if not full:
            unsure = any(_state(rule, asked, at) == "no_calendar" for rule in windows)
            return "no_calendar" if unsure else at
        if any(r.get("holiday_limit") == 0 and not _holiday_known(r, asked, at) for r in full):
            return "no_calendar"
        later = [sent + span(rule["period"]) for rule in full for sent, _, _ in asked.sends]
        later = [free for free in later if free > at]
        if any("holidays" in rule for rule in full):
            later.append(_next_run(asked, at))
        if not later:
            break
        at = min(later)
    return "no_common_window"


def _is_full(rule: Rule, asked: Asked, at: datetime) -> bool:
    channels = rule.get("channels", ["sms", "whatsapp"])
    counted = [
        sent
        for sent, purpose, channel in asked.sends
        if purpose in rule["purposes"] and channel in channels and sent > at - span(rule["period"])
    ]
    limit = rule["limit"]
    if "holidays" in rule and _on_holiday(rule, asked, at):
        limit = rule["holiday_limit"]
    return len(counted) >= limit


def _on_holiday(rule: Rule, asked: Asked, at: datetime) -> bool:
    walls = [at.astimezone(ZoneInfo(zone)).date() for zone in asked.zones]
    closed, years = _holidays(rule, asked)
    return not walls or any(day in closed or day.year not in years for day in walls)


def _holiday_known(rule: Rule, asked: Asked, at: datetime) -> bool:
    _, years = _holidays(rule, asked)
    return all(at.astimezone(ZoneInfo(zone)).year in years for zone in asked.zones)


def closes(rules: list[Rule], asked: Asked) -> datetime | None:
    """When what is permitted now no longer is, though nothing else be sent."""
    windows = [r for r in rules if r["kind"] == "windows"]
    end = asked.now + HORIZON
    shuts = _next_minute(windows, asked, asked.now, end, bit=False) if windows else end
    found = [shuts] if shuts < end else []
    for rule in rules:
        # What is free on an ordinary day may be as much as would be too much on a holiday.
        if rule["kind"] == "caps" and "holidays" in rule and _would_be_full(rule, asked):
            at = asked.now
            while at < end and not _on_holiday(rule, asked, at):
                at = _next_run(asked, at)
            found += [at] if at < end else []
    return min(found, default=None)


def _would_be_full(rule: Rule, asked: Asked) -> bool:
    as_on_holiday = {key: value for key, value in rule.items() if key != "holidays"}
    return _is_full({**as_on_holiday, "limit": rule["holiday_limit"]}, asked, asked.now)


def _next_minute(windows: list[Rule], asked: Asked, at: datetime, end: datetime, *, bit: bool) -> datetime:
    """The first instant from `at` on whose minute may be open to all (or, without `bit`, is not)."""
    if not windows:
        return at
    while at < end:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        minutes = (1 << 1440) - 1
        for rule in windows:
            for zone in asked.zones:
                may, known = _minutes(_key(rule, asked), zone, midnight.date())
                minutes &= may if bit else known
        if not bit:
            minutes = ~minutes & ((1 << 1440) - 1)
        passed = int((at - midnight) / MINUTE)
        left = minutes >> passed
        if left & 1:
            return at
        if left:
            return midnight + (passed + (left & -left).bit_length() - 1) * MINUTE
        at = midnight + DAY
    return end


def _state(rule: Rule, asked: Asked, at: datetime) -> str:
    """What a window rule says of an instant: the gravest of what it says in each zone."""
    hours, closed, years = _table(_key(rule, asked))
    found = {"open"}
    for zone in asked.zones:
        wall = at.astimezone(ZoneInfo(zone))
        minute = wall.hour * 60 + wall.minute
        if not hours[wall.weekday()] or wall.date() in closed:
            found.add("banned_day")
        elif not any(opens <= minute < closes for opens, closes in hours[wall.weekday()]):
            found.add("outside_window")
        elif years is not None and wall.year not in years:
            found.add("no_calendar")
    if not asked.zones:
        return "no_common_window"
    return next(s for s in ("banned_day", "outside_window", "no_calendar", "open") if s in found)


Key = tuple[Any, ...]


def _key(rule: Rule, asked: Asked) -> Key:
    """What the hours of a rule depend on."""
    every_hour = [{"days": "mon-sun", "opens": None, "closes": None}]
    openings = tuple((o["days"], o["opens"], o["closes"]) for o in rule.get("openings", every_hour))
    categories = tuple(rule.get("closed", ()))
    return openings, categories, categories and asked.country, categories and _parts(rule, asked)


@cache
def _table(key: Key) -> tuple[list[list[tuple[int, int]]], frozenset[date], range | None]:
    openings, categories, country, parts = key
    hours: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for days, opens, closes in openings:
        first, _, last = days.partition("-")
        for day in range(DAYS.index(first), DAYS.index(last or first) + 1):
            edges = [at.hour * 60 + at.minute if at else 0 for at in (opens, closes)]
            hours[day].append((edges[0], edges[1] or 1440))
    if not categories:
        return hours, frozenset(), None
    closed, years = _calendar(country, parts, categories)
    return hours, closed, years


@cache
def _minutes(key: Key, zone: str, day: date) -> tuple[int, int]:
    """A bit for each minute of a day in UTC: whether it may be open, and whether it certainly is."""
    _, closed, years = _table(key)
    may = known = ""
    for wall_day, first, count in _walls(zone, day):
        marks = _pattern(key, wall_day.weekday())[first : first + count]
        may += "0" * count if wall_day in closed else marks
        known += (
            "0" * count if wall_day in closed or (years is not None and wall_day.year not in years) else marks
        )
    return int(may[::-1], 2), int(known[::-1], 2)


@cache
def _pattern(key: Key, weekday: int) -> str:
    hours = _table(key)[0][weekday]
    return "".join("01"[any(opens <= minute < closes for opens, closes in hours)] for minute in range(1440))


@cache
def _walls(zone: str, day: date) -> list[tuple[date, int, int]]:
    """The minutes of a day in UTC as runs of a wall clock: its date, the first minute, and how many."""
    start, where = datetime(day.year, day.month, day.day, tzinfo=UTC), ZoneInfo(zone)
    runs: list[tuple[date, int, int]] = []
    for quarter in range(96):  # no clock in the world changes within a quarter of an hour
        wall = (start + quarter * QUARTER).astimezone(where)
        minute = wall.hour * 60 + wall.minute
        if runs and (runs[-1][0], runs[-1][1] + runs[-1][2]) == (wall.date(), minute):
            runs[-1] = (runs[-1][0], runs[-1][1], runs[-1][2] + 15)
        else:
            runs.append((wall.date(), minute, 15))
    return runs


def _holidays(rule: Rule, asked: Asked) -> tuple[frozenset[date], range]:
    return _calendar(asked.country, _parts(rule, asked), tuple(rule["holidays"]))


def _parts(rule: Rule, asked: Asked) -> tuple[str, ...]:
    """Whose holidays count: of where the person may be, as far as the rule is about it."""
    somewhere = tuple(rule.get("subdivisions", ()))
    if asked.subdivisions:
        return tuple(part for part in asked.subdivisions if not somewhere or part in somewhere)
    return somewhere or tuple(rule.get("holidays_of", ()))


@cache
def _calendar(
    country: str, parts: tuple[str, ...], categories: tuple[str, ...]
) -> tuple[frozenset[date], range]:
    path = PACKS / "calendars" / f"{country}.toml"
    if not path.exists():
        return frozenset(), range(0)
    read = tomllib.loads(path.read_text("utf-8"))
    theirs = read.get("subdivisions", {})
    tables = [
        read["country"],
        *(theirs[part] for part in (theirs if "*" in parts else parts) if part in theirs),
    ]
    days = (
        date.fromisoformat(day)
        for table in tables
        for category in categories
        for dates in table.get(category, {}).values()
        for day in dates.split()
    )
    first, last = read["years"]
    return frozenset(days), range(first, last + 1)


def _next_run(asked: Asked, at: datetime) -> datetime:
    """When a wall clock may next show another day: it shows one throughout a run."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [midnight + DAY]
    for zone in asked.zones:
        start = midnight
        for _, _, minutes in _walls(zone, midnight.date()):
            starts.append(start)
            start += minutes * MINUTE
    return min(start for start in starts if start > at)


@cache
def span(text: str) -> timedelta:
    days, hours, minutes, seconds = (
        int(match[1]) if (match := re.search(rf"(\d+){unit}", text)) else 0 for unit in "DHMS"
    )
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
