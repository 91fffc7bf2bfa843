"""May a message of some purpose go now where the person may be; and if not, when?

A `Schedule` is in local time, half-open, and must be open in *every* zone the person may be in.
An instant is inside when the wall clock of the zone at that instant shows an hour that is open on
the date it shows. That alone decides: an hour that clocks skip never comes, one that they repeat
counts both times, and a date that a zone leaves out does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from izin.domain.reasons import Code

HORIZON = timedelta(days=45)
"""How far a search looks. What is not open for so long is never open."""

_MIDNIGHT = time(0)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Open from `opens` until before `closes`, local time. `closes` 00:00 is the end of the day."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.closes != _MIDNIGHT and self.opens >= self.closes:
            raise ValueError(
                f"hours close at {self.closes}, before they open at {self.opens}: split them at midnight"
            )

    def __contains__(self, at: time) -> bool:
        return self.opens <= at and (at < self.closes or self.closes == _MIDNIGHT)


ALL_DAY = (Hours(_MIDNIGHT, _MIDNIGHT),)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When one rule lets messages go.

    `hours` are the windows of each weekday (0 is Monday); a weekday without any is banned, and so
    are `closed_dates`. These are known for the years `known_years`; None means for all, for a
    schedule that no holiday closes.
    """

    hours: Mapping[int, Sequence[Hours]]
    closed_dates: frozenset[date] = frozenset()
    known_years: range | None = None

    def closed_because(self, local: datetime) -> Code | None:
        """Why this wall-clock time is closed; None when it is open."""
        day = local.date()
        windows = self.hours.get(day.weekday())
        if not windows or day in self.closed_dates:
            return Code.BANNED_DAY
        at = local.time()
        if not any(at in hours for hours in windows):
            return Code.OUTSIDE_WINDOW
        if self.known_years is not None and day.year not in self.known_years:
            return Code.NO_CALENDAR
        return None


Opening = datetime | Code
"""An instant in UTC; or why there is none: `NO_COMMON_WINDOW` or `NO_CALENDAR`."""

_RANK = (Code.NO_COMMON_WINDOW, Code.BANNED_DAY, Code.OUTSIDE_WINDOW, Code.NO_CALENDAR)


def closed_because(schedules: Sequence[Schedule], zones: Sequence[str], at: datetime) -> Code | None:
    """Why `at` is closed in some zone for some schedule; None when it is open in all.

    `BANNED_DAY` (a holiday, or a weekday without hours) outranks `OUTSIDE_WINDOW`, and that
    `NO_CALENDAR`: the hours would do, but whether the date is a holiday is not known. Where no zone
    is known no hour is either: `NO_COMMON_WINDOW`. Without a schedule everything is open.

    Raises ValueError where `at` has no offset.
    """
    return min(_reasons(schedules, zones, at), key=_RANK.index, default=None)


def is_open(schedules: Sequence[Schedule], zones: Sequence[str], at: datetime) -> bool:
    """Whether `at` is open in every one of `zones` for every one of `schedules`."""
    return next(_reasons(schedules, zones, at), None) is None


def next_open(schedules: Sequence[Schedule], zones: Sequence[str], at: datetime) -> Opening:
    """The first instant from `at` on at which all is open at once: never outside, never late.

    `NO_CALENDAR` when the first instant that might be open lies beyond the years whose holidays are
    known, `NO_COMMON_WINDOW` when nothing opens within `HORIZON`.
    """
    for instant in _changes(schedules, zones, at):
        if all(reason is Code.NO_CALENDAR for reason in _reasons(schedules, zones, instant)):
            return closed_because(schedules, zones, instant) or instant
    return Code.NO_COMMON_WINDOW


def closes_at(schedules: Sequence[Schedule], zones: Sequence[str], at: datetime) -> datetime | None:
    """The first instant from `at` on that is not open; `at` itself when it is closed.

    None when nothing closes within `HORIZON`.
    """
    for instant in _changes(schedules, zones, at):
        if not is_open(schedules, zones, instant):
            return instant
    return None


def _reasons(schedules: Sequence[Schedule], zones: Sequence[str], at: datetime) -> Iterator[Code]:
    """Every reason why `at` is closed, as it is found: most who ask stop at the first."""
    if at.tzinfo is None:
        raise ValueError("an instant needs an offset")
    if schedules and not zones:
        yield Code.NO_COMMON_WINDOW
    for zone in zones:
        local = at.astimezone(_zone(zone))
        for schedule in schedules:
            if reason := schedule.closed_because(local):
                yield reason


def _changes(schedules: Sequence[Schedule], zones: Sequence[str], since: datetime) -> Iterator[datetime]:
    """`since` and, in order, every later instant within `HORIZON` at which an answer may change.

    Answers change only where a zone's wall clock shows the edge of a window or midnight, or jumps.
    An instant too many does no harm: whoever asks looks at each.
    """
    yield since.astimezone(UTC)
    start, end = since.astimezone(UTC), since + HORIZON
    while start < end:
        stop = start + _DAY
        found = {i for zone in zones for i in _changes_in(schedules, _zone(zone), start, stop)}
        yield from sorted(instant for instant in found if start < instant <= stop)
        start = stop


def _changes_in(
    schedules: Sequence[Schedule], zone: tzinfo, start: datetime, stop: datetime
) -> Iterator[datetime]:
    """The changes of one zone from `start` to `stop`, a day later; some outside of it too."""
    first, last = start.astimezone(zone), stop.astimezone(zone)
    offsets = {_offset(first), _offset(last)}
    if len(offsets) > 1:
        yield _jump(zone, start, stop)
    day = first.date()
    while day <= last.date():
        edges = {_MIDNIGHT}
        for schedule in schedules:
            for hours in schedule.hours.get(day.weekday(), ()):
                edges |= {hours.opens, hours.closes}
        for edge in edges:
            for offset in offsets:
                yield datetime.combine(day, edge, UTC) - offset
        day += _DAY


def _jump(zone: tzinfo, start: datetime, stop: datetime) -> datetime:
    """The instant between `start` and `stop` at which the clocks of `zone` jump, to the second.

    No zone jumps twice within a day, so the offset on either side tells which half holds the jump.
    """
    before = _offset(start.astimezone(zone))
    low, high = int(start.timestamp()), int(stop.timestamp()) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, zone)) == before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    if offset is None:
        raise ValueError("a local time without an offset")
    return offset


@cache
def _zone(name: str) -> ZoneInfo:
    # ZoneInfo's own cache keeps eight zones alive; the hundreds that exist are read once each here.
    return ZoneInfo(name)
