"""Does a ledger, or one person's proof, show that nobody changed it? Answered without any network."""

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
    what = verify.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "file", nargs="?", type=Path, help="what GET /v1/recipients/{recipient_id}/ledger answered"
    )
    what.add_argument("--proof", type=Path, help="what GET /v1/recipients/{recipient_id}/proof answered")
    verify.add_argument("--key", type=Path, help="the log's public key: PEM, DER, or as KMS prints it")
    verify.set_defaults(run=_verify)


def _verify(asked: argparse.Namespace) -> int:
    return _verify_proof(asked.proof, asked.key) if asked.proof else _verify_ledger(asked.file)


def _verify_proof(file: Path, key_file: Path | None) -> int:
    # Only here is cryptography needed, which takes longer to start than most commands take.
    from izin.verify import proof
    from izin.verify.note import Forged, read_key

    if key_file is None:
        raise Unanswerable("--key is missing: the file with the log's public key")
    try:
        key, content = read_key(key_file), file.read_bytes()
    except (OSError, ValueError) as error:
        raise Unanswerable(str(error)) from None
    try:
        proved = proof.verify(content, key)
    except Forged as error:
        print(f"TAMPERED: {error}")
        return TAMPERED
    except proof.Unreadable as error:
        raise Unanswerable(f"{file} is no proof: {error}") from None
    print(f"verified: {proved.logged} events of {proved.brand}#{proved.recipient_id},", end=" ")
    print(f"as they were signed at {proved.checkpoint.time}")
    if proved.events > proved.logged:
        print(f"not signed yet: {proved.events - proved.logged} later ones, which are chained to them")
    if proved.opened:
        print(f"evidence: {proved.opened} pieces are those that were recorded")
    return VERIFIED


def _verify_ledger(file: Path) -> int:
    try:
        ledger = json.loads(file.read_text("utf-8"))
        events, head = list(ledger["events"]), ledger["head"]
        if not isinstance(head, str):
            raise TypeError("a ledger names its head")
        fault = chain.verify(events, head, datetime.now(UTC))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unanswerable(f"{file} holds no ledger: {type(error).__name__}") from None
    if fault:
        print(f"TAMPERED: {fault.problem}")
        return TAMPERED
    print(f"verified: {len(events)} events, head {head}")
    return VERIFIED
