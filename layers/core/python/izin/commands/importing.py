"""Lists that another system holds: opt-outs and consents, from a file into the ledger."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import phonenumbers

from izin.commands.api import WAITS, add_api, post
from izin.commands.arguments import Commands, Unanswerable
from izin.domain.message import Channel, Purpose
from izin.lists import columns, upload
from izin.lists.columns import Kind, Reading
from izin.lists.rows import NotReadable, Rows
from izin.lists.upload import Journal, Judged, Progress

_PATHS = {
    Kind.OPT_OUTS: ("/v1/opt-outs/batch", "opt_outs"),
    Kind.CONSENTS: ("/v1/consents/batch", "consents"),
}


def add(commands: Commands) -> None:
    """`izin import`."""
    kinds = commands.add_parser(
        "import", help="opt-outs or consents from another system's list"
    ).add_subparsers(dest="kind", required=True)
    for kind in Kind:
        parser = kinds.add_parser(kind, help=f"{kind} from CSV, or from one JSON object a line; also gzip")
        parser.add_argument("file", type=Path)
        parser.add_argument("--brand", help="where no column names it")
        parser.add_argument("--channel", default="sms", choices=sorted(map(str, Channel)))
        parser.add_argument("--country", help="where national numbers are from, such as ID")
        parser.add_argument("--plus-lost", action="store_true", help="numbers begin with their calling code")
        parser.add_argument("--offset", help="of times without one, such as +07:00")
        parser.add_argument("--source", default="import", help="where no column names it")
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help=f"which column holds a field; repeatable. Fields: {', '.join(columns.names(kind))}",
        )
        _add_defaults(parser, kind)
        parser.add_argument("--dry-run", action="store_true", help="judge everything, write nothing")
        parser.add_argument("--report", type=Path, help="of every refused line; FILE.report.csv if left out")
        parser.add_argument("--concurrency", type=int, default=4, help="calls under way at once (1 to 32)")
        add_api(parser)
        parser.set_defaults(run=_import, kind=kind)


def _add_defaults(parser: argparse.ArgumentParser, kind: Kind) -> None:
    if kind is Kind.OPT_OUTS:
        parser.add_argument("--given-at", help="when the opt-outs were given, where no column says it")
        return
    parser.add_argument(
        "--purpose", default="marketing", choices=list(map(str, Purpose)), help="where no column names it"
    )
    parser.add_argument("--wording", help="what everybody on the list was shown, where no column says it")
    parser.add_argument("--language", help="of the wording, where no column says it")
    parser.add_argument("--method", help="how everybody agreed, where no column says it")


def _import(asked: argparse.Namespace) -> int:
    if not asked.api or not asked.key:
        raise Unanswerable("name the API and a key: --api, --key, or IZIN_API, IZIN_KEY")
    if not 1 <= asked.concurrency <= 32:
        raise Unanswerable("--concurrency: give 1 to 32")
    if asked.country and asked.country.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise Unanswerable(f"--country: {asked.country!r} is no country of ISO 3166, such as ID")
    ending = ".dry-run.report.csv" if asked.dry_run else ".report.csv"
    report = asked.report or asked.file.with_name(asked.file.name + ending)
    try:
        with Rows(asked.file) as rows:
            done = _upload(asked, rows, report)
    except (OSError, NotReadable) as error:
        raise Unanswerable(f"{asked.file}: {error}") from None
    return _tell(asked, done, report)


def _upload(asked: argparse.Namespace, rows: Rows, report: Path) -> Progress:
    reading, bar = _reading(asked, rows), _Bar()
    with Journal(report, upload.identity(asked.file, _options(asked))) as journal:
        if journal.resumed:
            print(f"goes on after {journal.progress.rows:,} lines", file=sys.stderr)
        try:
            done = upload.run(
                map(reading.line, rows),
                lambda bodies: _post(asked, bodies),
                journal,
                kind=asked.kind,
                concurrency=asked.concurrency,
                told=lambda progress: bar.show(progress, rows.read / max(rows.size, 1)),
            )
        finally:
            bar.end()
        journal.finish()
    return done


def _options(asked: argparse.Namespace) -> dict[str, object]:
    """Everything that decides what a line means and where it goes."""
    aside = ("run", "command", "key", "concurrency", "report")
    return {name: value for name, value in vars(asked).items() if name not in aside}


def _reading(asked: argparse.Namespace, rows: Rows) -> Reading:
    """How the lines are read. Raises Unanswerable where the columns do not do."""
    named = _named(asked)
    if rows.columns is not None:
        unknown = sorted(set(named.values()) - set(rows.columns))
        if unknown:
            raise Unanswerable(f"--column: the file has no column {unknown[0]!r}")
        ways = columns.find(asked.kind, tuple(rows.columns), tuple(named.items()))
        if "address" not in ways:
            raise Unanswerable("no column holds the number; say which: --column address=NAME")
        ignored = [column for column in rows.columns if column not in ways.values()]
        shown = ", ".join(f"{name} from {column}" for name, column in ways.items())
        print(f"reads {shown}" + (f"; ignores {', '.join(ignored)}" if ignored else ""), file=sys.stderr)
    return Reading(
        kind=asked.kind,
        named=named,
        defaults=_defaults(asked),
        country=asked.country.upper() if asked.country else None,
        plus_lost=asked.plus_lost,
        offset=_offset(asked.offset) if asked.offset else None,
    )


def _named(asked: argparse.Namespace) -> dict[str, str]:
    found = {}
    for text in asked.column:
        name, sign, column = text.partition("=")
        if not sign or name not in columns.names(asked.kind):
            raise Unanswerable(
                f"--column: write FIELD=COLUMN; fields: {', '.join(columns.names(asked.kind))}"
            )
        found[name] = column
    return found


def _defaults(asked: argparse.Namespace) -> dict[str, str]:
    given = {name: getattr(asked, name, None) for name in columns.names(asked.kind)}
    given["purposes"] = getattr(asked, "purpose", None)
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _offset(text: str) -> timedelta:
    found = re.fullmatch(r"([+-])([0-9]{2}):([0-9]{2})", text)
    if found is None:
        raise Unanswerable("--offset: write it as +07:00 or -03:00")
    size = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return -size if found[1] == "-" else size


def _post(asked: argparse.Namespace, bodies: Sequence[Mapping[str, Any]]) -> Sequence[Judged]:
    """Send one batch; an item that met trouble is sent again with the others, which changes nothing."""
    path, name = _PATHS[asked.kind]
    if not bodies:
        return []
    for wait in WAITS:
        time.sleep(wait)
        results = post(asked, path, {name: list(bodies), "dry_run": asked.dry_run})["results"]
        for result in results:
            if result["status"] == HTTPStatus.FORBIDDEN:
                raise Unanswerable(f"--key: {result['body']['errors'][0]['message']}")
        if all(result["status"] < HTTPStatus.INTERNAL_SERVER_ERROR for result in results):
            return [(result["status"], result["body"]) for result in results]
    raise Unanswerable(f"{asked.api} is in trouble; start the same command again later, and it goes on")


class _Bar:
    """A line on the terminal that says how far the import is; nothing where nobody looks."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._start: int | None = None
        self._shown = False

    def show(self, progress: Progress, share: float) -> None:
        """Draw the line again."""
        if not sys.stderr.isatty():
            return
        self._start = progress.rows if self._start is None else self._start
        rate = (progress.rows - self._start) / max(time.monotonic() - self._begun, 0.001)
        filled = round(30 * share)
        bar = "#" * filled + "." * (30 - filled)
        refused = progress.counts["refused"]
        text = f"[{bar}] {share:4.0%}  {progress.rows:,} lines  {rate:,.0f}/s  {refused:,} refused"
        print(f"\r{text}", end="", file=sys.stderr, flush=True)
        self._shown = True

    def end(self) -> None:
        """Leave the line as it is."""
        if self._shown:
            print(file=sys.stderr)


def _tell(asked: argparse.Namespace, done: Progress, report: Path) -> int:
    print(f"{done.rows:,} lines{', nothing written' if asked.dry_run else ''}")
    for result, count in sorted(done.counts.items()):
        print(f"{count:12,}  {result}")
    if done.codes:
        print("lacking or wrong:")
        for code, count in done.codes.most_common(12):
            print(f"{count:12,}  {code}")
        print(f"every such line, with its remedy: {report}")
    return 1 if done.counts["refused"] else 0
