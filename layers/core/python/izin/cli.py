"""The `izin` command: ask the rules without any store, register who speaks, and verify a ledger.

Each command is a module of `izin.commands`. Most need no network; those that do say with which
address and credentials.
"""

from __future__ import annotations

import argparse
import os
import sys
import zoneinfo
from collections.abc import Sequence

from izin.commands import (
    apply,
    certificate,
    check,
    exporting,
    importing,
    intent,
    key,
    local,
    pepper,
    query,
    rates,
    rules,
    verify,
    windows,
    wording,
)
from izin.commands.arguments import Unanswerable

_COMMANDS = (
    *(check, windows, rules, wording, intent),
    *(apply, importing),
    *(certificate, verify, exporting, query, rates),
    *(key, pepper, local),
)
_UNANSWERABLE = 2
_UNREAD = 141  # as the shell calls what ended with its pipe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 2 for what cannot be done, 141 where nobody reads on."""
    zoneinfo.reset_tzpath(to=[])  # the pinned tzdata, never the older one of the machine
    asked = _parser().parse_args(arguments)
    try:
        status: int = asked.run(asked)
        sys.stdout.flush()
    except Unanswerable as error:
        print(f"izin {asked.command}: {error}", file=sys.stderr)
        return _UNANSWERABLE
    except BrokenPipeError:  # whoever reads has read enough, as `head` does; the rest goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNREAD
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="izin", description="The consent gate for SMS and WhatsApp.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
