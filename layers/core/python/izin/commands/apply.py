"""Who speaks, and with which texts? A TOML file, put into the registry entry by entry."""

from __future__ import annotations

import argparse
import tomllib
import urllib.parse
from pathlib import Path

from izin.commands.api import add_api, put
from izin.commands.arguments import Commands, Unanswerable

_KINDS = ("brands", "senders", "templates", "wordings")  # a sender needs its brand to be there


def add(commands: Commands) -> None:
    """`izin apply`."""
    apply = commands.add_parser(
        "apply", help="register brands, senders, templates, wordings from a TOML file"
    )
    apply.add_argument("file", type=Path)
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
    refused = 0
    for kind in _KINDS:
        for name, body in wanted.get(kind, {}).items():
            errors = put(asked, f"/v1/{kind}/{urllib.parse.quote(name, safe='')}", body)
            print(f"{kind[:-1]} {name}: {'refused' if errors else 'applied'}")
            for found in errors:
                print(f"  {found['field']}: {found['code']}: {found['message']}")
            refused += bool(errors)
    return 1 if refused else 0
