"""The rules for promotions in the United States as zen-engine takes them, the fastest rule engine on PyPI.

It is asked for less than the gate: for every rule of every state whether it stands in the way, and not for
the instant from which a message may go. And it is told more: the facts that it is given need no
more work, the wall clock of each zone included.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import compress, groupby
from typing import Any
from zoneinfo import ZoneInfo

import zen
from izin.domain import calendars, content, gate
from izin.domain.consent import Block, Grant, Scope, Standing, Suppression
from izin.domain.gate import Decision
from izin.domain.history import Send
from izin.domain.message import Channel, Message, Purpose
from izin.domain.pack import Rules, WindowRule, pack_of
from izin.domain.phone import LineType, Phone
from izin.domain.reasons import Reason
from izin.domain.registry import Brand, Carrier, Sender

SLOT = (Channel.SMS, Purpose.MARKETING)
START = datetime(2026, 11, 23, 15, tzinfo=UTC)
TEXTS = (
    "ShopX: 20% off all shoes until Nov 30. Msg&data rates may apply. Msg frequency varies. "
    "Reply HELP for help, STOP to opt out. Call +1 800 555 0199",
    "Big sale! bit.ly/x",
    "ShopX: new shoes, now 10% off",
)
ZONES = ("America/Chicago", "America/Denver", "America/Los_Angeles", "America/New_York")
ANYWHERE = Phone("+10000000000", "US", LineType.UNKNOWN, ZONES)
"""Somebody of whose state nothing is known, so that what any state asks holds."""


@dataclass(frozen=True, slots=True)
class Case:
    """What `gate.decide` takes of a promotion to somebody in the United States."""

    message: Message
    standing: Standing
    sends: tuple[Send, ...]
    brand: Brand
    sender: Sender
    now: datetime


def merged() -> Rules:
    """Every rule for promotions by SMS, whatever the state."""
    return pack_of("US").rules(*SLOT)


def conditions() -> Iterator[tuple[str, str]]:
    """For each rule what has to hold for it to stand in the way."""
    rules, no = merged(), "not({})".format
    yield "GLOBAL.number_class", no("textable")
    yield "GLOBAL.sender.suspended", "suspended"
    yield "GLOBAL.opt_out", "blocked"
    yield "GLOBAL.reply_unclear", "unclear"
    for rule in rules.senders:
        needed = ["'US' in countries"] if rule.registered else []
        needed += [f"'{entry}' in registrations" for entry in rule.registrations]
        yield rule.rule, no(" and ".join(needed))
    for consent in rules.consent:
        if consent.needs == "consent":
            yield consent.rule, " and ".join(("status != 'granted'", no("blocked")))
    for place, text in enumerate(rules.contents):
        yield text.rule, f"findings[{place}]"
    keeping = [rule.rule for rule in rules.windows if rule.closed]
    for window in rules.windows:
        tests = [_open(window, zone) for zone in range(len(ZONES))]
        if window.closed:
            tests.append(no(f"holidays[{keeping.index(window.rule)}]"))
        yield window.rule, no(" and ".join(tests))
    for cap in rules.caps:
        full = (f"len(ages) >= {cap.limit}", f"ages[{cap.limit - 1}] < {_seconds(cap.period)}")
        yield cap.rule, " and ".join(full)


def _open(rule: WindowRule, zone: int) -> str:
    """Whether the wall clock of a zone is within the rule's hours: `s` its second, `d` its weekday."""
    runs = [
        (hours, [day for day, _ in days]) for hours, days in groupby(enumerate(rule.hours), lambda d: d[1])
    ]
    ways = []
    for hours, days in runs:
        for opens, closes in hours:
            tests = [f"s{zone} >= {_second(opens)}", f"s{zone} < {_second(closes) or 86400}"]
            tests += [f"d{zone} >= {days[0]}", f"d{zone} <= {days[-1]}"] if len(days) < 7 else []
            ways.append(" and ".join(tests))
    return f"({' or '.join(f'({way})' for way in ways)})"


def _second(at: Any) -> int:
    return int(at.hour * 3600 + at.minute * 60 + at.second)


def _seconds(period: timedelta) -> int:
    return int(period.total_seconds())


def facts(case: Case) -> dict[str, Any]:
    """What the conditions speak of."""
    rules, calendar = merged(), calendars.load("US")
    if calendar is None:
        raise LookupError("the United States have holidays")
    walls = [case.now.astimezone(ZoneInfo(zone)) for zone in ZONES]
    found = {
        reason.rule
        for reason in content.findings(
            case.message.text or "",
            rules,
            brand_name=case.brand.name,
            language=case.message.language,
            two_way=case.sender.two_way,
            first=not case.sends,
        )
    }
    known: dict[str, Any] = {
        "textable": ANYWHERE.textable,
        "suspended": case.sender.suspended,
        "blocked": case.standing.blocking(*SLOT) is not None,
        "unclear": case.standing.is_unclear(Channel.SMS),
        "countries": sorted(case.sender.countries),
        "registrations": sorted(case.sender.registrations),
        "status": str(case.standing.status(*SLOT, case.now)),
        "findings": [rule.rule in found for rule in rules.contents],
        "ages": sorted(_seconds(case.now - send.at) for send in case.sends),
    }
    for zone, wall in enumerate(walls):
        known |= {f"s{zone}": _second(wall), f"d{zone}": wall.weekday()}
    known["holidays"] = [
        not calendar.closed(rule.subdivisions, rule.closed).isdisjoint(wall.date() for wall in walls)
        for rule in rules.windows
        if rule.closed
    ]
    return known


def cases(number: int = 512) -> list[Case]:
    """Promotions at all hours of two weeks.

    One person in five never said yes, one in ten opted out; half were sent something before, and one in
    six as much as may be. One text in three is as it has to be.
    """
    rng = random.Random(1)
    brand = Brand(id="shopx", name="ShopX", contact="help@shopx.example")
    sender = Sender(
        id="shopx-us-1",
        brand="shopx",
        channel=Channel.SMS,
        carrier=Carrier.SANDBOX,
        address="+18005550100",
        countries=frozenset({"US"}),
        registrations=frozenset(entry for rule in merged().senders for entry in rule.registrations),
    )
    stop = Block(START - timedelta(days=1), "stop", Scope.ALL, Suppression.OPT_OUT, START)
    found = []
    for _ in range(number):
        now = START + timedelta(seconds=rng.randrange(14 * 86400))
        standing = Standing(
            granted={SLOT: Grant(START - timedelta(days=9), "yes")} if rng.random() < 0.8 else {},
            blocks={stop.slot: stop} if rng.random() < 0.1 else {},
        )
        sends = [now - timedelta(hours=7 * n + 1) for n in range(rng.choice((0, 0, 0, 1, 2, 3)))]
        message = Message(
            brand="shopx",
            sender="shopx-us-1",
            channel=Channel.SMS,
            purpose=Purpose.MARKETING,
            text=rng.choice(TEXTS),
            language="en",
        )
        told = tuple(Send(at, *reversed(SLOT), n) for n, at in enumerate(sends))
        found.append(Case(message, standing, told, brand, sender, now))
    return found


def decide(case: Case) -> Decision:
    """What the gate says."""
    pack = pack_of("US")
    return gate.decide(
        case.message, ANYWHERE, case.standing, case.sends, case.brand, case.sender, pack, case.now
    )


Engine = Callable[[dict[str, Any]], Any]


def reasoning(told: Mapping[str, Reason]) -> Engine:
    """zen-engine with a decision table that collects each reason that holds: all that it was made for."""
    rows = [
        {
            "_id": rule,
            "holds": condition,
            **{
                name: json.dumps(value)
                for name, value in (
                    ("rule", rule),
                    ("code", told[rule].code if rule in told else ""),
                    ("effect", told[rule].effect if rule in told else ""),
                    ("sources", told[rule].sources if rule in told else ()),
                )
            },
        }
        for rule, condition in conditions()
    ]
    outputs = ("rule", "code", "effect", "sources")
    table = {
        "rules": rows,
        "inputs": [{"id": "holds", "name": "holds", "type": "expression", "field": ""}],
        "outputs": [{"id": o, "name": o, "type": "expression", "field": o} for o in outputs],
        "hitPolicy": "collect",
    }
    nodes = [
        {"id": "asked", "name": "asked", "type": "inputNode"},
        {"id": "rules", "name": "rules", "type": "decisionTableNode", "content": table},
        {"id": "told", "name": "told", "type": "outputNode"},
    ]
    edges = [
        {"id": f"{one}-{other}", "sourceId": one, "targetId": other, "type": "edge"}
        for one, other in (("asked", "rules"), ("rules", "told"))
    ]
    placed = [{**node, "position": {"x": 0, "y": 0}} for node in nodes]
    model = zen.ZenEngine().create_decision(json.dumps({"nodes": placed, "edges": edges}))
    return lambda known: [row["rule"] for row in model.evaluate(known)["result"]]


def calculating() -> Engine:
    """zen-engine as a mere calculator of one expression: which rules stand in the way, and nothing of why."""
    asked = dict(conditions())
    model = zen.compile_expression(f"[{', '.join(asked.values())}]")
    return lambda known: list(compress(asked, model.evaluate(known)))
