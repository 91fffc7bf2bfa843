"""The week that people look at is the one that the gate decides by."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from izin.cli import main
from izin.domain import judge, phone, week
from izin.domain.message import Channel, Purpose
from izin.domain.pack import pack_of

NUMBERS = ["+12125551234", "+16055551234", "+14165551234", "+5511987654321", "+6281234567890", "+61412345678"]
START = datetime(2026, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("purpose", list(Purpose))
def test_openings_are_when_the_windows_are_open(number: str, purpose: Purpose) -> None:
    person = phone.parse(number)
    rules = pack_of(person.country).rules(Channel.SMS, purpose, person.subdivisions)
    timeline = judge.timeline(rules.windows, person.country, person.subdivisions, person.time_zones)
    found = week.openings(timeline, START, START + timedelta(days=7))
    at = START
    while at < START + timedelta(days=7):
        inside = any(o.opens <= at < o.closes for o in found)
        assert inside == (timeline.at(at).opens is None), at
        at += timedelta(minutes=15)


def test_a_strip_shows_half_hours() -> None:
    paris = ZoneInfo("Europe/Paris")
    opens, closes = (datetime(2026, 11, 23, *clock, tzinfo=paris) for clock in ((8, 0), (20, 15)))
    found = (week.Open(opens.astimezone(UTC), closes.astimezone(UTC)),)
    assert week.strip(found, date(2026, 11, 23), "Europe/Paris") == "·" * 16 + "█" * 24 + "▌" + "·" * 7
    assert week.strip(found, date(2026, 11, 24), "Europe/Paris") == "·" * 48


def test_the_command_draws_the_week(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["windows", "+33612345678", "--at", "2026-11-23T12:00:00Z"]) == 0
    told = capsys.readouterr().out
    assert "France; time zones Europe/Paris" in told
    assert "  Mon 23 Nov    " + "·" * 16 + "█" * 24 + "·" * 8 in told
    assert "  Sun 29 Nov    " + "·" * 48 in told


def test_the_command_gives_the_week_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["windows", "+33612345678", "--at", "2026-11-23T12:00:00Z", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["windows"]["marketing"][0] == {
        "opens": "2026-11-23T07:00:00Z",
        "closes": "2026-11-23T19:00:00Z",
    }
    assert len(told["windows"]["marketing"]) == 6


def test_where_marketing_never_goes_no_hour_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["windows", "+255712345678", "--at", "2026-11-23T12:00:00Z", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["windows"]["marketing"] == []


def test_the_command_says_what_a_country_asks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "us", "--purpose", "marketing", "--subdivision", "FL"]) == 0
    told = capsys.readouterr().out
    assert "may go mon-sun 08:00 to 20:00 (in FL)." in told
    assert "47 CFR 64.1200(c)(1)" in told
    assert "US.window.ri" not in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["windows", "nonsense"], "number_not_e164"),
        (["check", "--relax", "US.window.federal"], "US.window.federal: is law"),
        (["check", "--time-zone", "Mars/Olympus"], "is no zone"),
    ],
)
def test_what_cannot_be_answered_says_why(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if arguments[0] == "check":
        arguments += ["--to", "+12125551234", "--purpose", "marketing", "--channel", "sms"]
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
