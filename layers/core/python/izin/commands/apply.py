"""Who speaks, and with which texts? A TOML file, put into the registry entry by entry."""

from __future__ import annotations

import argparse
import tomllib
import urllib.parse
from pathlib import Path
from typing import Any

from izin.commands import numbers
from izin.commands.api import add_api, put
from izin.commands.arguments import Commands, Unanswerable

_KINDS = ("brands", "senders", "templates", "wordings")  # a sender needs its brand to be there


def add(commands: Commands) -> None:
    """`izin apply`."""
    apply = commands.add_parser(
        "apply", help="register brands, senders, templates, wordings from a TOML file"
    )
    apply.add_argument("file", type=Path)
    apply.add_argument("--unchecked", action="store_true", help="do not ask AWS how its numbers are set up")
    add_api(apply)
    apply.set_defaults(run=_apply)


def _apply(asked: argparse.Namespace) -> int:
    if not asked.api or not asked.key:
        raise Unanswerable("name the API and a key of scope admin: --api, --key, or IZIN_API, IZIN_KEY")
    try:
        wanted = tomllib.loads(asked.file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Unanswerable(f"{asked.file}: {error}") from None
    unknown = sorted(set(wanted) - set(_KINDS))
    if unknown:
        raise Unanswerable(f"{asked.file}: unknown table {unknown[0]!r}; it takes {', '.join(_KINDS)}")
    for kind, entries in wanted.items():
        if not isinstance(entries, dict) or not all(isinstance(body, dict) for body in entries.values()):
            raise Unanswerable(f"{asked.file}: {kind} holds tables by id, such as [{kind}.shopx]")
    wrong = {} if asked.unchecked else _wrong(wanted.get("senders", {}))
    refused = 0
    for kind in _KINDS:
        for name, body in wanted.get(kind, {}).items():
            errors = wrong.get(name, []) if kind == "senders" else []
            errors = errors or put(asked, f"/v1/{kind}/{urllib.parse.quote(name, safe='')}", body)
            print(f"{kind[:-1]} {name}: {'refused' if errors else 'applied'}")
            for found in errors:
                print(f"  {found['field']}: {found['code']}: {found['message']}")
            refused += bool(errors)
    return 1 if refused else 0


def _wrong(senders: dict[str, dict[str, Any]]) -> dict[str, list[numbers.Fault]]:
    """What AWS has against each sender that is a number there. It is asked where there is one."""
    checked = {name: body for name, body in senders.items() if numbers.is_checked(body)}
    known = numbers.described() if checked else {}
    return {name: list(numbers.faults(body, known.get(body["address"]))) for name, body in checked.items()}
