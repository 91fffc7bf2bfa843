"""May a message of some purpose go now where the person may be; and if not, when?

A `Schedule` is in local time, half-open, and must be open in *every* zone the person may be in. A
`Timeline` is what several schedules come to in UTC: looked at minute by minute of the wall clock
once for each week, and then only looked up.
An instant is inside when the wall clock of the zone at that instant shows an hour that is open on
the date it shows. That alone decides: an hour that clocks skip never comes, one that they repeat
counts both times, and a date that a zone leaves out does not exist.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from itertools import takewhile
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


@dataclass(frozen=True, slots=True, eq=False)
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

_RANK = {Code.NO_COMMON_WINDOW: 0, Code.BANNED_DAY: 1, Code.OUTSIDE_WINDOW: 2, Code.NO_CALENDAR: 3}


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A stretch of time for all of which a timeline has the same to say.

    `opens`: None while everything is open; else the first instant at which all is open at once, never
    late. `NO_CALENDAR` where that lies beyond the years whose holidays are known, `NO_COMMON_WINDOW`
    where nothing opens within `HORIZON`. `closes`: when what is open closes; None where it does not
    within `HORIZON`, or is closed. `shut` has each schedule that is closed: its place, why, and when it
    opens by itself.
    """

    opens: Opening | None
    closes: datetime | None
    shut: tuple[tuple[int, Code, Opening], ...] = ()

    @property
    def closed_because(self) -> Code | None:
        """Why it is closed; None when it is open.

        `BANNED_DAY` (a holiday, or a weekday without hours) outranks `OUTSIDE_WINDOW`, and that
        `NO_CALENDAR`: the hours would do, but whether the date is a holiday is not known. Where no
        zone is known no hour is either: `NO_COMMON_WINDOW`.
        """
        return min((code for _, code, _ in self.shut), key=_RANK.__getitem__, default=None)


class Timeline:
    """When all of `schedules` are open in every one of `zones`. Without a schedule everything is open."""

    __slots__ = ("_schedules", "_weeks", "_zones")

    def __init__(self, schedules: Sequence[Schedule], zones: Sequence[str]) -> None:
        self._schedules = tuple(schedules)
        self._zones = tuple(zones)
        self._weeks: dict[int, tuple[list[datetime], list[Stretch]]] = {}

    def at(self, instant: datetime) -> Stretch:
        """What holds at `instant`. Raises ValueError where it has no offset."""
        if instant.tzinfo is not UTC:
            instant = _in_utc(instant)
        week = instant.toordinal() // _WEEK
        known = self._weeks.get(week)
        if known is None:
            known = self._built(week)
        return known[1][bisect_right(known[0], instant) - 1]

    def _built(self, week: int) -> tuple[list[datetime], list[Stretch]]:
        if len(self._weeks) == _WEEKS_AT_HAND:  # whoever asks about so many asks about each once
            self._weeks.clear()
        begins = datetime.combine(date.fromordinal(week * _WEEK), _MIDNIGHT, UTC)
        ends = begins + _WEEK * _DAY
        changes = self._changes(begins, ends)
        starts = {instant for instant, _ in changes}
        starts |= {instant - HORIZON for instant in starts}  # from then on it is in sight
        since = sorted(start for start in starts if begins <= start < ends)
        self._weeks[week] = since, [_stretch(changes, start) for start in since]
        return self._weeks[week]

    def _changes(self, begins: datetime, ends: datetime) -> list[_Change]:
        """`begins`, and every instant until `ends` at which a schedule opens or closes.

        And after that, as far as `HORIZON`, until each has opened again, and all of them at once, and
        one has closed.
        """
        found: list[_Change] = []
        together, closed = len(self._schedules), len(self._schedules) + 1
        awaited = {*range(len(self._schedules)), together, closed}
        for instant in _edges(self._schedules, self._zones, begins, ends + HORIZON):
            state = _state(self._schedules, self._zones, instant)
            if not found or state != found[-1][1]:
                found.append((instant, state))
            if instant >= ends:
                awaited -= {n for n, code in enumerate(state) if not code}
                awaited -= {closed if any(state) else together}
                if not awaited:
                    break
        return found


_WEEK = 7
_WEEKS_AT_HAND = 16

_State = tuple[Code | None, ...]
"""Why each of some schedules is closed."""

_Change = tuple[datetime, _State]


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return instant.astimezone(UTC)


def _state(schedules: Sequence[Schedule], zones: Sequence[str], at: datetime) -> _State:
    if not zones:
        return (Code.NO_COMMON_WINDOW,) * len(schedules)
    walls = [at.astimezone(_zone(zone)) for zone in zones]
    return tuple(_gravest(schedule.closed_because(wall) for wall in walls) for schedule in schedules)


def _gravest(codes: Iterable[Code | None]) -> Code | None:
    return min((code for code in codes if code), key=_RANK.__getitem__, default=None)


def _stretch(changes: Sequence[_Change], at: datetime) -> Stretch:
    """What holds from `at` until the next change."""
    now = bisect_right(changes, at, key=lambda change: change[0]) - 1
    coming = list(takewhile(lambda change: change[0] <= at + HORIZON, changes[now:]))
    codes = changes[now][1]
    if not any(codes):
        return Stretch(None, next((instant for instant, state in coming if any(state)), None))
    return Stretch(
        _opens(coming),
        None,
        tuple(
            (place, code, _opens((instant, state[place : place + 1]) for instant, state in coming))
            for place, code in enumerate(codes)
            if code
        ),
    )


def _opens(coming: Iterable[_Change]) -> Opening:
    """When everything opens, of which all coming changes are given."""
    for instant, state in coming:
        if all(code is None or code is Code.NO_CALENDAR for code in state):
            return Code.NO_CALENDAR if any(state) else instant
    return Code.NO_COMMON_WINDOW


def _edges(
    schedules: Sequence[Schedule], zones: Sequence[str], since: datetime, end: datetime
) -> Iterator[datetime]:
    """`since` and, in order, every later instant until `end` at which an answer may change.

    Answers change only where a zone's wall clock shows the edge of a window or midnight, or jumps.
    An instant too many does no harm: whoever asks looks at each.
    """
    yield since
    start = since
    while start < end:
        stop = start + _DAY
        found = {i for zone in zones for i in _edges_in(schedules, _zone(zone), start, stop)}
        yield from sorted(instant for instant in found if start < instant <= stop)
        start = stop


def _edges_in(
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
