"""Does an export, or one person's proof, show that nobody changed it? Answered without any network."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from izin.commands.arguments import Commands, Unanswerable
from izin.domain.times import to_text

if TYPE_CHECKING:
    from izin.verify.export import Report
    from izin.verify.note import Checkpoint, PublicKey

VERIFIED, TAMPERED = 0, 1
_SHOWN = 20


def add(commands: Commands) -> None:
    """`izin verify`."""
    verify = commands.add_parser("verify", help="does an export show that nobody changed it? (offline)")
    what = verify.add_mutually_exclusive_group(required=True)
    what.add_argument("export", nargs="?", type=Path, help="a folder with exports of the tables and the log")
    what.add_argument("--proof", type=Path, help="what GET /v1/recipients/{recipient_id}/proof answered")
    verify.add_argument(
        "--key", type=Path, required=True, help="the log's public key: PEM, DER, or as KMS prints it"
    )
    verify.add_argument(
        "--seen", type=Path, action="append", default=[], help="a checkpoint kept from earlier; repeatable"
    )
    verify.add_argument("--all", action="store_true", help="tell every finding, not only the first 20")
    verify.set_defaults(run=_verify)


# What needs cryptography is imported where it is used: it takes longer to start than most commands take.


def _verify(asked: argparse.Namespace) -> int:
    from izin.verify import note

    try:
        key = note.read_key(asked.key)
        seen = [note.opened(file.read_text("utf-8"), key) for file in asked.seen]
    except (OSError, ValueError) as error:
        raise Unanswerable(str(error)) from None
    except note.Forged as error:
        raise Unanswerable(f"--seen: it {error}") from None
    return _verify_proof(asked.proof, key) if asked.proof else _verify_export(asked, key, seen)


def _verify_proof(file: Path, key: PublicKey) -> int:
    from izin.verify import proof
    from izin.verify.note import Forged

    try:
        proved = proof.verify(file.read_bytes(), key, to_text(datetime.now(UTC)))
    except OSError as error:
        raise Unanswerable(str(error)) from None
    except Forged as error:
        print(f"TAMPERED: {error}")
        return TAMPERED
    except proof.Unreadable as error:
        raise Unanswerable(f"{file} is no proof: {error}") from None
    print(f"verified: {proved.logged} events of {proved.brand}#{proved.recipient_id},", end=" ")
    print(f"as they were signed at {proved.checkpoint.time}")
    if later := proved.events - proved.alone - proved.logged:
        print(f"not signed yet: {later} later ones, which are chained to them")
    if proved.alone:
        print(f"not shown by this file: {proved.alone} earlier ones, left beside others that had their time")
    if proved.opened:
        print(f"evidence: {proved.opened} pieces are those that were recorded")
    return VERIFIED


def _verify_export(asked: argparse.Namespace, key: PublicKey, seen: list[Checkpoint]) -> int:
    from izin.exports.read import Unreadable
    from izin.verify import export

    began = time.monotonic()
    try:
        report = export.verify(asked.export, key, seen, to_text(datetime.now(UTC)), _progress())
    except Unreadable as error:
        raise Unanswerable(str(error)) from None
    _tell(report, time.monotonic() - began, report.findings if asked.all else report.findings[:_SHOWN])
    return TAMPERED if report.wrong else VERIFIED


def _tell(report: Report, seconds: float, findings: list[str]) -> None:
    print(f"ledger    {report.events:,} events of {report.ledgers:,} people, exported {report.until}")
    for log in report.logs:
        print(f"log       {log.brand}: {log.tree.size:,} entries, {log.checkpoints:,} checkpoints;", end=" ")
        print(
            f"{log.signed:,} entries are as they were signed" + (f", {log.until} last" if log.until else "")
        )
    print(f"states    {report.states:,} follow from their events" if report.states else "states    none here")
    for count, what in (
        (report.fresh, "events are too young to be under a signature"),
        (report.later, "entries of the log are younger than the export"),
        (report.pruned, "ledgers begin with a checkpoint: what was before it has had its time"),
    ):
        if count:
            print(f"          {count:,} {what}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"          {report.events / seconds:,.0f} events/s, at most {memory} MB of memory")
    for finding in findings:
        print(f"TAMPERED  {finding}")
    if report.wrong > len(findings):
        print(f"          and {report.wrong - len(findings):,} more; --all tells them")
    if not report.wrong:
        print("verified")


def _progress() -> Callable[[str, int], None]:
    """A line on a person's screen that says how far it is; nothing where nobody looks."""
    if not sys.stderr.isatty():
        return lambda *_: None

    def tick(what: str, count: int) -> None:
        print(f"\r{count:>12,} {what:<40}", end="\r", file=sys.stderr, flush=True)

    return tick
