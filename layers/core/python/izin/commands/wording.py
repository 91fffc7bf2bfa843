"""May this wording be shown to people before they say yes, there and for that?"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

from izin.commands.arguments import Commands, Unanswerable
from izin.domain import capture
from izin.domain.message import Channel, Purpose
from izin.domain.pack import pack_of

ACCEPTED, REFUSED = 0, 1


def add(commands: Commands) -> None:
    """`izin wording`."""
    wording = commands.add_parser("wording", help="what people are shown before they say yes")
    check = wording.add_subparsers(dest="what", required=True).add_parser(
        "check", help="may this wording be used? (offline)"
    )
    words = check.add_mutually_exclusive_group(required=True)
    words.add_argument("--text", help="the exact words")
    words.add_argument("--file", type=Path, help="a text file that holds them, in UTF-8")
    check.add_argument("--brand", required=True, help="the name that people know the brand by")
    check.add_argument("--country", action="append", required=True, help="ISO 3166; repeatable")
    check.add_argument("--purpose", action="append", required=True, choices=list(map(str, Purpose)))
    check.add_argument("--channel", action="append", choices=list(map(str, Channel)), help="sms if left out")
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=_check)


def _check(asked: argparse.Namespace) -> int:
    text = asked.text if asked.text is not None else _read(asked.file)
    channels = [Channel(name) for name in asked.channel or ["sms"]]
    purposes = tuple(dict.fromkeys(Purpose(name) for name in asked.purpose))
    countries = [country.upper() for country in asked.country]
    rules = [
        pack_of(country).rules(channel, purpose)
        for country, channel, purpose in product(countries, channels, purposes)
    ]
    problems = capture.review(text, purposes, rules, asked.brand)
    if not text.strip():
        raise Unanswerable("the wording is empty: give what the person is shown")
    if asked.json:
        errors = [
            {"code": p.code, "message": p.message, "rule": p.rule, "sources": p.sources} for p in problems
        ]
        body = {"accepted": not problems, "sha256": capture.wording_hash(text), "errors": errors}
        print(json.dumps(body, ensure_ascii=False, indent=2))
    else:
        print(f"{'refused' if problems else 'accepted'}: sha256 {capture.wording_hash(text)}")
        for problem in problems:
            print(f"  {problem.code}: {problem.message}")
            print(f"    rule {problem.rule}: {', '.join(problem.sources)}")
    return REFUSED if problems else ACCEPTED


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8").rstrip("\n")
    except (OSError, UnicodeError) as error:
        raise Unanswerable(f"{file}: {error}") from None
