"""Windows are exact to the second, in every zone, whatever the clocks there do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from izin.domain.reasons import Code
from izin.domain.windows import ALL_DAY, HORIZON, Hours, Opening, Schedule, Timeline

JAKARTA = ("Asia/Jakarta",)
INDONESIA = ("Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar")


def closed_because(schedules: list[Schedule], zones: Sequence[str], at: datetime) -> Code | None:
    return Timeline(schedules, zones).at(at).closed_because


def is_open(schedules: list[Schedule], zones: Sequence[str], at: datetime) -> bool:
    return Timeline(schedules, zones).at(at).opens is None


def next_open(schedules: list[Schedule], zones: Sequence[str], at: datetime) -> Opening:
    return Timeline(schedules, zones).at(at).opens or at


def closes_at(schedules: list[Schedule], zones: Sequence[str], at: datetime) -> datetime | None:
    stretch = Timeline(schedules, zones).at(at)
    return at if stretch.opens else stretch.closes


def hours(text: str) -> tuple[Hours, ...]:
    """`08:00-12:30 13:30-24:00` as hours."""
    windows = [window.replace("24:00", "00:00").split("-") for window in text.split()]
    return tuple(Hours(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in windows)


def daily(
    text: str,
    days: range = range(7),
    closed_dates: frozenset[date] = frozenset(),
    known_years: range | None = None,
) -> Schedule:
    return Schedule(dict.fromkeys(days, hours(text)), closed_dates, known_years)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_example_of_the_brief():
    # Friday, 20 November is a holiday in Brazil; then comes a weekend.
    schedule = daily(
        "09:00-20:00", range(5), closed_dates=frozenset({date(2026, 11, 20)}), known_years=range(2026, 2032)
    )
    at = utc("2026-11-20T12:30:00")
    assert closed_because([schedule], ["America/Sao_Paulo"], at) is Code.BANNED_DAY
    assert next_open([schedule], ["America/Sao_Paulo"], at) == utc("2026-11-23T12:00:00")


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        ("2026-11-23T00:59:59.999999", False),
        ("2026-11-23T01:00:00", True),
        ("2026-11-23T12:59:59.999999", True),
        ("2026-11-23T13:00:00", False),  # 20:00:00 exactly
        ("2026-11-23T13:00:30", False),  # an inclusive end minute would let this one go
    ],
)
def test_windows_are_half_open_to_the_microsecond(at, open_):
    assert is_open([daily("08:00-20:00")], JAKARTA, utc(at)) is open_


def test_half_hours():
    schedule = daily("09:00-21:30")
    assert is_open([schedule], ["Asia/Kolkata"], utc("2026-11-23T15:59:59"))
    assert not is_open([schedule], ["Asia/Kolkata"], utc("2026-11-23T16:00:00"))


def test_several_windows_a_day():
    schedule = daily("09:00-12:30 13:30-21:00")
    noon = utc("2026-11-23T04:30:00")
    assert closes_at([schedule], ["Asia/Taipei"], utc("2026-11-23T02:00:00")) == noon
    assert next_open([schedule], ["Asia/Taipei"], noon) == noon + timedelta(hours=1)


def test_a_window_to_midnight_ends_with_the_day():
    schedule = daily("22:00-24:00")
    assert is_open([schedule], JAKARTA, utc("2026-11-23T16:59:59"))
    assert not is_open([schedule], JAKARTA, utc("2026-11-23T17:00:00"))


def test_a_window_to_midnight_closes_before_a_day_without_hours():
    monday = Schedule({0: hours("22:00-24:00")})
    assert closes_at([monday], JAKARTA, utc("2026-11-23T16:00:00")) == utc("2026-11-23T17:00:00")


def test_an_opening_exactly_a_day_away_is_found():
    monday = Schedule({0: hours("08:00-20:00")})
    opening = utc("2026-11-23T01:00:00")
    assert next_open([monday], JAKARTA, opening - timedelta(days=1)) == opening


def test_an_open_day_is_open_to_its_last_microsecond_and_goes_on_the_next_day():
    schedule = Schedule(dict.fromkeys(range(7), ALL_DAY), frozenset({date(2026, 11, 25)}))
    assert is_open([schedule], JAKARTA, utc("2026-11-23T16:59:59.999999"))
    assert closes_at([schedule], JAKARTA, utc("2026-11-23T05:00:00")) == utc("2026-11-24T17:00:00")
    assert next_open([schedule], JAKARTA, utc("2026-11-25T05:00:00")) == utc("2026-11-25T17:00:00")


def test_what_never_closes_has_no_end():
    schedule = Schedule(dict.fromkeys(range(7), ALL_DAY))
    assert closes_at([schedule], JAKARTA, utc("2026-11-23T05:00:00")) is None


def test_what_opens_beyond_the_horizon_never_does_until_it_comes_in_sight():
    far = daily("08:00-20:00", closed_dates=frozenset(date(2026, 11, 1) + timedelta(d) for d in range(90)))
    opening, edge = utc("2027-01-30T01:00:00"), timedelta(microseconds=1)
    timeline = Timeline([far], JAKARTA)
    assert timeline.at(opening - HORIZON).opens == opening
    assert timeline.at(opening - HORIZON - edge).opens is Code.NO_COMMON_WINDOW


def test_what_closes_beyond_the_horizon_does_not_close_until_it_comes_in_sight():
    one_day_off = Schedule(dict.fromkeys(range(7), ALL_DAY), frozenset({date(2027, 2, 1)}))
    closing, edge = utc("2027-01-31T17:00:00"), timedelta(microseconds=1)
    timeline = Timeline([one_day_off], JAKARTA)
    assert timeline.at(closing - HORIZON).closes == closing
    assert timeline.at(closing - HORIZON - edge).closes is None


def test_a_timeline_answers_alike_in_whatever_zone_it_is_asked_and_however_often():
    timeline = Timeline([daily("08:00-20:00")], INDONESIA)
    at = utc("2026-01-04T23:30:00")
    first = timeline.at(at)
    for week in range(60):
        timeline.at(at + timedelta(weeks=week))
    again = timeline.at(at.astimezone(ZoneInfo("Pacific/Auckland")))
    assert (again.opens, again.closes, again.shut) == (first.opens, first.closes, first.shut)


def test_no_schedule_is_always_open_even_where_no_zone_is_known():
    assert is_open([], [], utc("2026-11-23T05:00:00"))
    assert next_open([], [], utc("2026-11-23T05:00:00")) == utc("2026-11-23T05:00:00")


def test_without_a_zone_no_schedule_is_open():
    at = utc("2026-11-23T05:00:00")
    assert closed_because([daily("00:00-24:00")], [], at) is Code.NO_COMMON_WINDOW
    assert next_open([daily("00:00-24:00")], [], at) is Code.NO_COMMON_WINDOW


@pytest.mark.parametrize("text", ["20:00-08:00", "08:00-08:00"])
def test_hours_that_end_before_they_begin_are_refused(text):
    with pytest.raises(ValueError, match="split them at midnight"):
        hours(text)


def test_an_instant_without_an_offset_is_refused():
    with pytest.raises(ValueError, match="offset"):
        is_open([daily("08:00-20:00")], JAKARTA, datetime(2026, 11, 23))  # noqa: DTZ001


def test_all_zones_of_an_indonesian_mobile_are_open_from_08_to_18_in_jakarta():
    schedule = daily("08:00-20:00")
    opening = next_open([schedule], INDONESIA, utc("2026-11-22T12:00:00"))
    assert opening == utc("2026-11-23T01:00:00")  # 08:00 in Jakarta
    assert closes_at([schedule], INDONESIA, opening) == utc("2026-11-23T11:00:00")  # 20:00 in Jayapura


def test_zones_too_far_apart_have_no_common_window():
    zones = ("America/New_York", "Pacific/Guam")
    assert next_open([daily("09:00-18:00")], zones, utc("2026-11-23T12:00:00")) is Code.NO_COMMON_WINDOW


def test_schedules_that_exclude_each_other_have_no_common_window():
    schedules = [daily("08:00-12:00"), daily("12:00-20:00")]
    assert next_open(schedules, JAKARTA, utc("2026-11-23T12:00:00")) is Code.NO_COMMON_WINDOW


def test_every_schedule_counts():
    schedules = [daily("08:00-21:00"), daily("09:00-18:00", range(5))]
    assert next_open(schedules, ["America/New_York"], utc("2026-11-21T15:00:00")) == utc(
        "2026-11-23T14:00:00"
    )


def test_a_day_is_banned_where_the_person_may_be_and_not_in_utc():
    schedule = daily("00:00-24:00", range(6))  # no Sunday
    at = utc("2026-11-21T16:00:00")  # Sunday in Jayapura, still Saturday in Jakarta
    assert closed_because([schedule], JAKARTA, at) is None
    assert closed_because([schedule], INDONESIA, at) is Code.BANNED_DAY


def test_a_banned_day_outranks_an_hour_outside():
    schedules = [daily("08:00-20:00"), daily("08:00-20:00", range(5))]
    saturday_night = utc("2026-11-21T18:00:00")
    assert closed_because(schedules[:1], JAKARTA, saturday_night) is Code.OUTSIDE_WINDOW
    assert closed_because(schedules, JAKARTA, saturday_night) is Code.BANNED_DAY


class TestBeyondTheCalendar:
    SCHEDULE = daily(
        "08:00-20:00", range(5), known_years=range(2026, 2032)
    )  # 31 December 2031 is a Wednesday

    def test_an_opening_within_it_is_found(self):
        assert next_open([self.SCHEDULE], JAKARTA, utc("2031-12-31T00:00:00")) == utc("2031-12-31T01:00:00")

    def test_an_opening_beyond_it_is_not_known(self):
        assert next_open([self.SCHEDULE], JAKARTA, utc("2031-12-31T13:00:00")) is Code.NO_CALENDAR

    def test_an_open_hour_beyond_it_is_not_open(self):
        assert closed_because([self.SCHEDULE], JAKARTA, utc("2032-01-01T05:00:00")) is Code.NO_CALENDAR

    def test_a_closed_hour_beyond_it_needs_no_calendar(self):
        assert closed_because([self.SCHEDULE], JAKARTA, utc("2032-01-01T15:00:00")) is Code.OUTSIDE_WINDOW

    def test_what_cannot_open_needs_no_calendar(self):
        zones = ("America/New_York", "Asia/Jakarta")
        assert next_open([self.SCHEDULE], zones, utc("2031-12-31T13:00:00")) is Code.NO_COMMON_WINDOW


class TestClocks:
    """The clocks of the zones, each where they do something unusual."""

    def test_a_window_in_the_skipped_hour_does_not_open_that_day(self):
        # New York, 14 March 2027: after 01:59:59 comes 03:00:00.
        schedule = daily("02:15-02:45")
        assert next_open([schedule], ["America/New_York"], utc("2027-03-14T00:00:00")) == utc(
            "2027-03-15T06:15:00"
        )

    def test_a_window_that_begins_in_the_skipped_hour_opens_with_the_jump(self):
        schedule = daily("02:30-04:00")
        opening = next_open([schedule], ["America/New_York"], utc("2027-03-14T05:00:00"))
        assert opening == utc("2027-03-14T07:00:00")
        assert closes_at([schedule], ["America/New_York"], opening) == utc("2027-03-14T08:00:00")

    def test_a_window_in_the_doubled_hour_opens_twice(self):
        # New York, 1 November 2026: 01:00 to 02:00 comes twice.
        schedule, zones = daily("01:15-01:45"), ["America/New_York"]
        first = next_open([schedule], zones, utc("2026-11-01T00:00:00"))
        assert (first, closes_at([schedule], zones, first)) == (
            utc("2026-11-01T05:15:00"),
            utc("2026-11-01T05:45:00"),
        )
        second = next_open([schedule], zones, utc("2026-11-01T05:45:00"))
        assert (second, closes_at([schedule], zones, second)) == (
            utc("2026-11-01T06:15:00"),
            utc("2026-11-01T06:45:00"),
        )

    def test_a_window_that_begins_in_the_doubled_hour_closes_with_the_jump_back(self):
        schedule, zones = daily("01:30-03:00"), ["America/New_York"]
        first = next_open([schedule], zones, utc("2026-11-01T00:00:00"))
        assert first == utc("2026-11-01T05:30:00")
        assert closes_at([schedule], zones, first) == utc("2026-11-01T06:00:00")
        assert next_open([schedule], zones, utc("2026-11-01T06:00:00")) == utc("2026-11-01T06:30:00")

    def test_half_an_hour_of_daylight_saving(self):
        # Lord Howe, 4 October 2026: from +10:30 to +11 at 02:00.
        schedule, zones = daily("02:10-02:40"), ["Australia/Lord_Howe"]
        opening = next_open([schedule], zones, utc("2026-10-03T14:00:00"))
        assert (opening, closes_at([schedule], zones, opening)) == (
            utc("2026-10-03T15:30:00"),
            utc("2026-10-03T15:40:00"),
        )

    def test_a_date_that_does_not_exist(self):
        # Samoa crossed the date line: after Thursday, 29 December 2011 came Saturday, the 31st.
        friday = Schedule({4: hours("08:00-20:00")})
        assert next_open([friday], ["Pacific/Apia"], utc("2011-12-30T00:00:00")) == utc("2012-01-05T18:00:00")
        saturday = Schedule({5: ALL_DAY})
        assert next_open([saturday], ["Pacific/Apia"], utc("2011-12-30T00:00:00")) == utc(
            "2011-12-30T10:00:00"
        )

    @pytest.mark.parametrize(
        ("zone", "offset"), [("America/Vancouver", -7), ("America/Edmonton", -6), ("America/Winnipeg", -5)]
    )
    def test_western_canada_no_longer_changes_its_clocks(self, zone, offset):
        # Fails where the operating system's older data comes before the tzdata wheel.
        noon = datetime(2026, 12, 1, 12, tzinfo=ZoneInfo(zone))
        assert noon.utcoffset() == timedelta(hours=offset)
        eight = utc("2026-12-01T08:00:00") - timedelta(hours=offset)
        assert next_open([daily("08:00-20:00")], [zone], eight - timedelta(hours=1)) == eight

    def test_no_zone_jumps_twice_within_a_day(self):
        # What the search for a jump rests on. Offsets are looked at every six hours: a pair of jumps
        # that both fall between two looks would be an hour that never was in the data since 1970.
        start = utc("2026-01-01T00:00:00")
        instants = [start + timedelta(hours=6 * i) for i in range(4 * 366 * 3)]
        for name in changing_zones():
            zone = ZoneInfo(name)
            offsets = [instant.astimezone(zone).utcoffset() for instant in instants]
            jumps = [i for i in range(1, len(offsets)) if offsets[i] != offsets[i - 1]]
            assert all(later - earlier > 4 for earlier, later in pairwise(jumps)), name


def changing_zones() -> list[str]:
    """The zones of zone.tab whose offset is not the same all through 2027."""
    table = (files("tzdata") / "zoneinfo/zone.tab").read_text()
    names = {line.split("\t")[2] for line in table.splitlines() if not line.startswith("#")}
    days = [utc("2027-01-01T00:00:00") + timedelta(days=i) for i in range(0, 365, 7)]
    return sorted(n for n in names if len({day.astimezone(ZoneInfo(n)).utcoffset() for day in days}) > 1)


def test_an_unknown_zone_is_an_error():
    with pytest.raises(KeyError):
        is_open([daily("08:00-20:00")], ["Mars/Olympus"], utc("2026-11-23T05:00:00"))


# ---- against an evaluator that knows nothing but the wall clock of each minute

JUMPS = [
    ("America/New_York", "2027-03-14T07:00:00"),
    ("America/New_York", "2026-11-01T06:00:00"),
    ("Europe/London", "2027-03-28T01:00:00"),
    ("Europe/Berlin", "2026-10-25T01:00:00"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00"),
    ("Australia/Lord_Howe", "2027-04-03T15:00:00"),
    ("Pacific/Apia", "2011-12-30T10:00:00"),
    ("Pacific/Chatham", "2026-09-26T14:00:00"),
    ("Africa/Casablanca", "2027-02-07T02:00:00"),
    ("Africa/Cairo", "2027-04-29T22:00:00"),
    ("America/Santiago", "2026-09-06T04:00:00"),
    ("America/Nuuk", "2027-03-28T01:00:00"),
    ("Antarctica/Troll", "2027-03-28T01:00:00"),
    ("Asia/Kathmandu", "2026-11-22T00:00:00"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00"),
]

minutes = st.integers(0, 1440)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    days = {}
    for day in range(7):
        edges = sorted(draw(st.sets(minutes, max_size=4)))
        pairs = zip(edges[::2], edges[1::2], strict=False)
        days[day] = tuple(Hours(_clock(opens), _clock(closes)) for opens, closes in pairs)
    base = draw(st.sampled_from([date.fromisoformat(at[:10]) for _, at in JUMPS]))
    closed = draw(st.sets(st.integers(-2, 4), max_size=3))
    return Schedule(days, frozenset(base + timedelta(days=d) for d in closed))


def _clock(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Schedule], list[str], datetime]:
    zone, jump = draw(st.sampled_from(JUMPS))
    others = draw(st.lists(st.sampled_from(sorted({z for z, _ in JUMPS})), max_size=2))
    at = utc(jump) + timedelta(
        seconds=draw(st.integers(-40 * 3600, 20 * 3600)), microseconds=draw(st.integers(0, 1))
    )
    return draw(st.lists(schedules(), min_size=1, max_size=2)), [zone, *others], at


def naive(schedules: list[Schedule], zones: list[str], at: datetime) -> bool:
    for zone in zones:
        local = at.astimezone(ZoneInfo(zone))
        now = (local.hour * 60 + local.minute) * 60 + local.second
        for schedule in schedules:
            spans = [(h.opens, h.closes) for h in schedule.hours[local.weekday()]]
            seconds = [(_seconds(opens), _seconds(closes) or 86400) for opens, closes in spans]
            if local.date() in schedule.closed_dates or not any(a <= now < b for a, b in seconds):
                return False
    return True


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60


def naive_first(case: tuple[list[Schedule], list[str], datetime], wanted: bool) -> datetime | None:
    *where, at = case
    instant = at
    while instant < at + timedelta(days=2):
        if naive(*where, instant) is wanted:
            return instant
        instant = instant.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return None


EVERY_DAY_TO_MIDNIGHT = daily("12:00-24:00")


@settings(max_examples=150)
@given(cases())
@example(([EVERY_DAY_TO_MIDNIGHT], ["America/Sao_Paulo"], utc("2018-11-04T01:00:00")))  # midnight was skipped
def test_the_search_agrees_with_looking_at_every_minute(case):
    *where, at = case
    assert is_open(*where, at) is naive(*where, at)
    opening, expected = next_open(*where, at), naive_first(case, True)
    if expected:
        assert opening == expected
    else:
        assert opening is Code.NO_COMMON_WINDOW or opening >= at + timedelta(days=2)
    closing, expected = closes_at(*where, at), naive_first(case, False)
    if expected:
        assert closing == expected
    else:
        assert closing is None or closing >= at + timedelta(days=2)


def test_every_zone_can_be_searched():
    at = utc("2026-11-23T05:00:00")
    for zone in sorted(available_timezones()):
        opening = next_open([daily("08:00-20:00")], [zone], at)
        assert isinstance(opening, datetime)
        assert opening - at < timedelta(hours=13)
