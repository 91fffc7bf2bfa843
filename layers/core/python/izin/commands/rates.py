"""What do people opt out because of? Rates from the exports, in numbers and as a picture."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from izin.commands.arguments import Commands
from izin.commands.query import answer, table
from izin.queries import catalog, rates
from izin.queries.rates import Rate


def add(commands: Commands) -> None:
    """`izin rates`."""
    parser = commands.add_parser("rates", help="opt-outs by sender, template, campaign, … (offline)")
    parser.add_argument("--exports", type=Path, default=Path("exports"), help="a copy of the exports' bucket")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw them too")
    parser.set_defaults(run=_rates)


def _rates(asked: argparse.Namespace) -> int:
    found = measured(asked.exports)
    if asked.svg:
        asked.svg.write_text(rates.picture(found), "utf-8")
    if asked.json:
        body = [
            {
                "by": rate.by,
                "value": rate.value,
                "of": rate.sent,
                "opted_out": rate.opted_out,
                "share": rate.share,
            }
            for rate in found
        ]
        print(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        rows = [(rate.by, rate.value, rates.said(rate)) for rate in found]
        print(table(("by", "value", "opted out"), rows))
    return 0


def measured(exports: Path) -> list[Rate]:
    """Every rate that the exports show, and the reasons. Raises Unanswerable."""
    found = rates.rates(_rows(exports, "opt-out-rates"))
    return found + rates.reasons(_rows(exports, "opt-out-reasons"))


def _rows(exports: Path, name: str) -> list[Mapping[str, Any]]:
    columns, rows = answer(exports, catalog.queries()[name], {})
    return [dict(zip(columns, row, strict=True)) for row in rows]
