"""When may messages go to this number in the week that begins today?"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from izin.commands.arguments import Commands, Unanswerable, instant
from izin.commands.arguments import person as numbered
from izin.domain import judge, week
from izin.domain.message import SENT_CHANNELS, Channel, Purpose
from izin.domain.pack import pack_of
from izin.domain.times import shown


def add(commands: Commands) -> None:
    """`izin windows`."""
    strip = commands.add_parser("windows", help="when may messages go to this number this week? (offline)")
    strip.add_argument("to", help="E.164, such as +5511987654321")
    strip.add_argument("--channel", default="sms", choices=sorted(map(str, SENT_CHANNELS)))
    strip.add_argument("--at", type=instant, help="RFC 3339 with an offset; now if left out")
    strip.add_argument("--json", action="store_true")
    strip.set_defaults(run=_windows)


def _windows(asked: argparse.Namespace) -> int:
    person, channel = numbered(asked.to), Channel(asked.channel)
    if not person.time_zones:
        raise Unanswerable("nobody knows where this number is, so no hour is permitted")
    zone = person.time_zones[0]
    start = (asked.at or datetime.now(UTC)).astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0)
    start, pack = start.replace(microsecond=0), pack_of(person.country)
    days = [start.date() + timedelta(days=n) for n in range(7)]
    found = {}
    for purpose in Purpose:
        rules = pack.rules(channel, purpose, person.subdivisions)
        timeline = judge.timeline(rules.windows, person.country, person.subdivisions, person.time_zones)
        found[purpose] = () if rules.denials else week.openings(timeline, start, start + timedelta(days=7))
    if asked.json:
        body = {
            str(purpose): [{"opens": shown(o.opens), "closes": shown(o.closes)} for o in openings]
            for purpose, openings in found.items()
        }
        print(json.dumps({"pack": pack.id, "time_zones": person.time_zones, "windows": body}, indent=2))
        return 0
    print(f"{pack.title}; time zones {', '.join(person.time_zones)}; the hours shown are those of {zone}")
    for purpose, openings in found.items():
        print(f"\n{purpose:14}  0     3     6     9     12    15    18    21    24")
        for day in days:
            print(f"  {day:%a %d %b}    {week.strip(openings, day, zone)}")
    return 0
