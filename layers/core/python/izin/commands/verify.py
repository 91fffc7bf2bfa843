"""Does a ledger show that nobody changed it? Answered without any network."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from izin.commands.arguments import Commands, Unanswerable
from izin.domain import chain

VERIFIED, TAMPERED = 0, 1


def add(commands: Commands) -> None:
    """`izin verify`."""
    verify = commands.add_parser("verify", help="does a ledger show that nobody changed it? (offline)")
    verify.add_argument("file", type=Path, help="what GET /v1/recipients/{recipient_id}/ledger answered")
    verify.set_defaults(run=_verify)


def _verify(asked: argparse.Namespace) -> int:
    try:
        ledger = json.loads(asked.file.read_text("utf-8"))
        events, head = list(ledger["events"]), ledger["head"]
        if not isinstance(head, str):
            raise TypeError("a ledger names its head")
        fault = chain.verify(events, head, datetime.now(UTC))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unanswerable(f"{asked.file} holds no ledger: {type(error).__name__}") from None
    if fault:
        print(f"TAMPERED: {fault.problem}")
        return TAMPERED
    print(f"verified: {len(events)} events, head {head}")
    return VERIFIED
