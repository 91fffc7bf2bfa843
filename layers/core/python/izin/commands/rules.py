"""What does a country ask, and where is that written?"""

from __future__ import annotations

import argparse

from izin.commands.arguments import Commands
from izin.domain.message import SENT_CHANNELS, Channel, Purpose
from izin.domain.pack import explain, pack_of


def add(commands: Commands) -> None:
    """`izin rules`."""
    rules = commands.add_parser("rules", help="what does a country ask, and where is that written? (offline)")
    rules.add_argument("country", help="ISO 3166, such as US")
    rules.add_argument("--purpose", required=True, choices=list(map(str, Purpose)))
    rules.add_argument("--channel", default="sms", choices=sorted(map(str, SENT_CHANNELS)))
    rules.add_argument(
        "--subdivision", action="append", default=[], help="a state alone, such as FL; repeatable"
    )
    rules.set_defaults(run=_rules)


def _rules(asked: argparse.Namespace) -> int:
    pack = pack_of(asked.country.upper())
    rules = pack.rules(Channel(asked.channel), Purpose(asked.purpose), tuple(asked.subdivision))
    print(f"{pack.title}, version {pack.version}: {asked.purpose} by {asked.channel}\n")
    print(explain(rules))
    return 0
