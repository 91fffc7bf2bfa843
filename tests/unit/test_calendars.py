"""Holidays are those of the country and of every part of it that the person may be in."""

from __future__ import annotations

import importlib.util
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import pytest
from izin.domain import calendars, phone
from izin.domain.calendars import Calendar, load

ROOT = Path(__file__).parent.parent.parent


def calendar(country: str) -> Calendar:
    found = load(country)
    assert found
    return found


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_calendars", ROOT / "tools/build_calendars.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = tool()


@pytest.mark.parametrize(
    ("day", "country", "states", "categories"),
    [
        ("2026-11-20", "BR", (), ("public",)),  # Zumbi and Black Awareness, national since 2024
        ("2026-09-07", "BR", (), ("public",)),
        ("2026-07-09", "BR", ("SP",), ("public",)),  # Constitutionalist Revolution
        ("2027-04-23", "BR", ("RJ",), ("public",)),  # Saint George
        ("2027-07-26", "BR", ("DF", "GO"), ("public",)),  # Goiás, whose towns share the code of Brasília
        ("2027-11-30", "BR", ("DF", "GO"), ("public",)),
        ("2027-02-09", "BR", (), ("optional",)),  # Carnaval
        ("2027-05-27", "BR", (), ("optional",)),  # Corpus Christi
        ("2027-03-10", "ID", (), ("public",)),  # Idul Fitri
        ("2027-03-08", "ID", (), ("public",)),  # Nyepi
        ("2027-03-09", "ID", (), ("government",)),  # cuti bersama
        ("2027-07-04", "US", (), ("public",)),
        ("2026-06-15", "US", ("UT",), ("public",)),  # Juneteenth, on the Monday before
        ("2027-06-21", "US", ("UT",), ("public",)),  # and after a weekend
        ("2027-06-14", "US", ("PA",), ("telemarketing",)),  # Flag Day
        ("2027-03-26", "US", ("PA",), ("telemarketing",)),  # Good Friday
        ("2027-11-02", "US", ("RI",), ("telemarketing",)),  # Election Day
        ("2027-05-04", "US", ("RI",), ("telemarketing",)),
        ("2031-05-05", "US", ("RI",), ("telemarketing",)),  # the Monday after a Sunday
        ("2026-12-01", "US", ("AL",), ("telemarketing",)),  # Rosa Parks
        ("2027-01-08", "US", ("LA",), ("telemarketing",)),
        ("2027-06-24", "CA", ("QC",), ("public",)),
        ("2027-07-14", "FR", (), ("public",)),
        ("2027-03-26", "FR", ("57", "6AE"), ("public",)),  # Good Friday in Alsace and Moselle
        ("2027-10-31", "DE", ("SN",), ("public",)),  # Reformation
        ("2027-01-26", "AU", (), ("public",)),
        ("2027-12-25", "GB", (), ("public",)),
        ("2027-08-17", "ID", (), ("public",)),
    ],
)
def test_a_holiday_is_closed_for_whom_it_is_one(day, country, states, categories):
    found = calendar(country)
    assert date.fromisoformat(day) in found.closed(states, categories)
    assert date.fromisoformat(day) not in found.closed(states, ())
    if states:
        assert date.fromisoformat(day) not in found.closed((), categories)


def test_an_ordinary_day_is_open():
    found = calendar("BR")
    assert date(2026, 11, 23) not in found.closed(found.subdivisions, ("public", "optional"))


def test_the_candidates_are_united():
    found = calendar("BR")
    assert found.closed(("SP", "RJ")) == found.closed(("SP",)) | found.closed(("RJ",))
    assert found.closed() < found.closed(("SP",)) < found.closed(("SP",), ("public", "optional"))


def test_municipal_days_are_left_to_configuration():
    assert date(2027, 1, 25) not in calendar("BR").closed(("SP",), ("public", "optional"))


def test_no_calendar_is_none():
    assert load("AQ") is None
    assert load("../zones") is None


@pytest.mark.parametrize("country", sorted(calendars.countries()))
def test_a_calendar_knows_this_year_and_all_of_the_next(country):
    """Fails a year early, when there is still time to run `tools/build_calendars.py`."""
    this_year = datetime.now(UTC).year
    assert {this_year, this_year + 1} <= set(calendar(country).years)


@pytest.mark.parametrize("country", sorted(calendars.countries()))
def test_every_year_has_its_holidays(country):
    found = calendar(country)
    for year in found.years:
        assert sum(day.year == year for day in found.closed()) >= (2 if country == "GB" else 3)
    assert {day.year for day in found.closed(found.subdivisions, TOOL.CATEGORIES)} == set(found.years)


def test_every_country_of_the_tool_has_a_file_and_no_other():
    assert set(calendars.countries()) == set(TOOL.COUNTRIES)


@pytest.mark.parametrize("country", sorted(calendars.countries()))
def test_a_file_is_what_the_tool_makes_of_its_sources(country):
    assert (TOOL.OUTPUT / f"{country}.toml").read_text(encoding="utf-8") == TOOL.render(country)


@pytest.mark.parametrize("country", ["BR", "US", "CA"])
def test_the_states_that_a_number_tells_are_states_of_the_calendar(country):
    told = {state for states in phone._table().subdivisions[country].values() for state in states}
    known = set(TOOL.holidays.country_holidays(country).subdivisions)
    assert told <= known
    assert set(calendar(country).subdivisions) <= known
    if country == "BR":
        assert told == known - TOOL.TOWNS


def test_every_correction_says_where_it_is_written():
    for kind, entries in tomllib.loads(TOOL.CORRECTIONS.read_text(encoding="utf-8")).items():
        assert kind in ("add", "remove")
        for entry in entries:
            assert entry["source"]
            assert entry["country"] in TOOL.COUNTRIES
            assert all(day.year in TOOL.YEARS for day in entry["dates"])
            assert set(entry["subdivisions"]) <= set(
                TOOL.holidays.country_holidays(entry["country"]).subdivisions
            )
