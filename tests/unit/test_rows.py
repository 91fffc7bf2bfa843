"""Each row of `sources.toml` means what `rows.toml` says: what its rules refuse, and what they pass."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from izin.domain import capture, gate, keywords, phone
from izin.domain.capture import Capture
from izin.domain.consent import MARGIN, PERMIT, Basis, Grant, Method, Standing
from izin.domain.history import Send
from izin.domain.message import Channel, Message, Purpose
from izin.domain.pack import find, heads, load, pack_of, span
from izin.domain.registry import Brand, Carrier, Sender

HERE = Path(__file__).parent
PACKS = HERE.parents[1] / "layers/core/python/izin/packs"
SOURCES: dict[str, dict[str, str]] = tomllib.loads((PACKS / "sources.toml").read_text("utf-8"))["sources"]
CASES: dict[str, list[dict[str, Any]]] = tomllib.loads((HERE / "rows.toml").read_text("utf-8"))
REGISTRATIONS = frozenset(
    {"10dlc_brand", "10dlc_campaign", "dlt_entity", "dlt_header", "ssir", "sender_id_register"}
)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def cases(kind: str) -> Any:
    numbered = enumerate(CASES[kind])
    return pytest.mark.parametrize(
        "case", [pytest.param(c, id=f"{'+'.join(c['rows'])}-{n}") for n, c in numbered]
    )


def instant(text: str) -> datetime:
    at, zone = text.split()
    return datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone))


def duration(text: str) -> timedelta:
    amount, unit = int(text[2:-1]), text[-1]
    return timedelta(hours=amount) if unit == "H" else timedelta(minutes=amount)


def decided(case: dict[str, Any], at: datetime) -> set[str]:
    """The rules that stand in the way of the case's message at `at`."""
    person = phone.parse(case["to"])
    channel, purpose = Channel(case.get("channel", "sms")), Purpose(case.get("purpose", "marketing"))
    sender = {"address": "+10000000000", "countries": [person.country], "registrations": REGISTRATIONS}
    sender |= case.get("sender", {})
    granted = {(channel, purpose): Grant(LONG_AGO, "yes")}
    made = gate.decide(
        Message(
            brand="shopx",
            sender="shopx-1",
            channel=channel,
            purpose=purpose,
            text=case.get("text"),
            language=case.get("language"),
            variables=case.get("variables"),
            basis={"transaction": case["basis"]} if "basis" in case else None,
        ),
        person,
        Standing() if case.get("consent") == "none" else Standing(granted),
        [Send(at - duration(ago), purpose, channel, n) for n, ago in enumerate(case.get("sent", ()))],
        Brand(id="shopx", name="ShopX", contact="help@shopx.example"),
        Sender(
            id="shopx-1",
            brand="shopx",
            channel=channel,
            carrier=Carrier.SANDBOX,
            address=sender["address"],
            countries=frozenset(sender["countries"]),
            registrations=frozenset(sender["registrations"]),
            two_way=sender.get("two_way", True),
        ),
        pack_of(person.country),
        at,
    )
    return {reason.rule for reason in made.reasons}


@cases("hours")
def test_hours(case: dict[str, Any]) -> None:
    assert find(case["rule"])
    zone = ZoneInfo(case["zone"])
    for day, hours in case["days"].items():
        if hours == "none":
            for hour in range(24):
                at = datetime.fromisoformat(f"{day}T{hour:02}:30").replace(tzinfo=zone)
                assert case["rule"] in decided(case, at), at
            continue
        opens, closes = (
            datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone) for clock in hours.split("-")
        )
        moment = timedelta(microseconds=1)
        for at, closed in ((opens - moment, True), (opens, False), (closes - moment, False), (closes, True)):
            assert (case["rule"] in decided(case, at)) is closed, at


@cases("message")
def test_message(case: dict[str, Any]) -> None:
    judged(decided(case, instant(case["at"])), case)


@cases("capture")
def test_capture(case: dict[str, Any]) -> None:
    person, channel = phone.parse(case["to"]), Channel(case.get("channel", "sms"))
    purpose = Purpose(case.get("purpose", "marketing"))
    taken = Capture(
        channel=channel,
        purposes=(purpose,),
        captured_at=NOW,
        wording=case["wording"],
        language="en",
        method=Method(case.get("method", "checkbox")),
        source=case.get("source", "web"),
        basis=Basis(case.get("basis", "express")),
        prechecked=case.get("prechecked", False),
        condition_of_purchase=case.get("condition_of_purchase"),
        evidence=case.get("evidence", {}),
    )
    rules = {purpose: pack_of(person.country).rules(channel, purpose)}
    problems = capture.judge(taken, rules, "ShopX", NOW)
    judged({problem.rule for problem in problems}, case)


def judged(found: set[str], case: dict[str, Any]) -> None:
    named = {*case.get("refused", ()), *case.get("passed", ())}
    assert all(find(rule) for rule in named), [rule for rule in named if not find(rule)]
    assert set(case.get("refused", ())) <= found
    assert not set(case.get("passed", ())) & found


@cases("setting")
def test_setting(case: dict[str, Any]) -> None:
    value: Any = (
        pack_of(case["pack"]) if len(case["pack"]) == 2 and case["pack"] != "EU" else load(case["pack"])
    )
    for name in case["name"].split("."):
        value = getattr(value, name)
    assert (span(value) if isinstance(value, timedelta) else str(value)) == case["value"]


@cases("lifetime")
def test_lifetime(case: dict[str, Any]) -> None:
    lifetime = load(case["pack"]).lifetime(Basis(case["basis"]))
    assert (span(lifetime) if lifetime else "None") == case["value"]


@cases("health")
def test_health(case: dict[str, Any]) -> None:
    (threshold,) = [t for t in load(case["pack"]).health if t.rule == case["rule"]]
    assert threshold.says() == case["value"]


@cases("double_opt_in")
def test_double_opt_in(case: dict[str, Any]) -> None:
    consent = load(case["pack"]).rules(Channel.SMS, Purpose.MARKETING).consent
    assert any(rule.double_opt_in for rule in consent) is case["asked"]


@cases("reply")
def test_reply(case: dict[str, Any]) -> None:
    assert keywords.read(case["text"], case["country"]).intent == case["intent"]


@pytest.mark.parametrize("pack_id", list(heads()))
def test_an_opt_out_holds_within_every_deadline(pack_id: str) -> None:
    assert load(pack_id).opt_out_deadline.value >= PERMIT + MARGIN


def test_every_row_is_tested_or_says_why_not() -> None:
    tested = {row for kind in CASES.values() for case in kind for row in case["rows"]}
    assert tested <= set(SOURCES)
    silent = [
        row
        for row, source in SOURCES.items()
        if row not in tested and not source.keys() & {"test", "planned", "information"}
    ]
    assert silent == []


def test_every_cited_row_is_tested() -> None:
    """A value of a pack that cites a row is seen to hold by a case, or by the test that the row names."""
    tested = {row for kind in CASES.values() for case in kind for row in case["rows"]}
    named = {row for row, source in SOURCES.items() if "test" in source}
    cited = {row for pack_id in heads() for value in load(pack_id).values() for row in value.sources}
    assert cited - {"policy"} - tested - named == set()
