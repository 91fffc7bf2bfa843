"""The stack that `make run` started: its clock."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from izin.commands.arguments import Commands, Unanswerable
from izin.domain.times import shown


def add(commands: Commands) -> None:
    """`izin local`."""
    local = commands.add_parser("local", help="the stack that `make run` started")
    clock = local.add_subparsers(dest="what", required=True).add_parser("clock", help="move its clock on")
    clock.add_argument("to", help="RFC 3339 with an offset")
    clock.set_defaults(run=_clock)


def _clock(asked: argparse.Namespace) -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parents[5]))  # the checkout, where there is one
    try:
        local = importlib.import_module("infra.local")
    except ModuleNotFoundError:
        raise Unanswerable("there is no local stack where this is deployed") from None
    try:
        print(f"it is now {shown(local.set_clock(asked.to))}")
    except local.LocalError as error:
        raise Unanswerable(str(error)) from None
    return 0
