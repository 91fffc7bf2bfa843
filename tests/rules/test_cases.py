"""Instants worked out by hand from the official texts come out so."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from izin.domain import phone
from izin.domain.gate import Verdict

from tests.rules.asked import Asked, Yes
from tests.rules.inputs import decide

CASES: list[dict[str, str]] = tomllib.loads((Path(__file__).parent / "cases.toml").read_text("utf-8"))[
    "cases"
]
ENTRIES = ("10dlc_brand", "10dlc_campaign", "dlt_entity", "dlt_header", "ssir", "sender_id_register")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['to'][:6]} {case['at']}")
def test_what_the_official_texts_say_comes_out(case: dict[str, str]) -> None:
    text, zone = case["at"].split()
    at = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    person = phone.parse(case["to"])
    asked = Asked(
        at,
        "sms",
        case.get("purpose", "marketing"),
        person.country,
        person.time_zones,
        person.subdivisions,
        person.textable,
        None,
        None,
        2,
        based=True,
        essential=False,
        expires_at=None,
        granted=Yes(datetime(2026, 1, 1, tzinfo=UTC)),
        registered=frozenset({person.country}),
        registrations=frozenset(ENTRIES),
    )
    made = decide(person, asked)
    opens = made.until and made.until.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat()
    assert (opens, made.verdict) == (
        case.get("opens"),
        Verdict.DEFER if "opens" in case else Verdict.ALLOW,
    ), [reason.detail for reason in made.reasons]
