"""What do the exports say? The auditors' queries, on the files as DynamoDB wrote them."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from izin.commands.arguments import Commands, Unanswerable
from izin.exports.read import Unreadable
from izin.queries import catalog
from izin.queries.catalog import Query


def add(commands: Commands) -> None:
    """`izin query`."""
    parser = commands.add_parser("query", help="ask the exports what an auditor asks (offline)")
    parser.add_argument("name", nargs="?", help="of the query; --list shows them")
    parser.add_argument("--list", action="store_true", help="every query with its title")
    parser.add_argument("--sql", action="store_true", help="the SQL as Athena runs it, instead of an answer")
    parser.add_argument("--exports", type=Path, default=Path("exports"), help="a copy of the exports' bucket")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--format", default="table", choices=("table", "csv", "json"))
    parser.set_defaults(run=_query)


def _query(asked: argparse.Namespace) -> int:
    if asked.list or not asked.name:
        for known in catalog.queries().values():
            print(f"{known.name:26}{known.title}")
        return 0
    query = catalog.queries().get(asked.name)
    if query is None:
        raise Unanswerable(f"there is no query {asked.name!r}; --list shows them")
    if asked.sql:
        print(catalog.for_athena(query, catalog.DATABASE))
        return 0
    columns, rows = answer(asked.exports, query, _parameters(query, asked.parameter))
    _PRINT[asked.format](columns, rows)
    return 0


def _parameters(query: Query, given: Sequence[str]) -> dict[str, str]:
    found = {name: value for name, _, value in (text.partition("=") for text in given)}
    if set(found) != set(query.parameters):
        wanted = " ".join(f"--parameter {name}=…" for name in query.parameters) or "no parameters"
        raise Unanswerable(f"{query.name} takes {wanted}")
    return found


def answer(
    exports: Path, query: Query, parameters: dict[str, str]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The columns and rows that `query` finds in `exports`. Raises Unanswerable."""
    try:
        from izin.queries import local
    except ModuleNotFoundError as error:
        raise Unanswerable(f"{error.name} is missing; pip install 'izin[audit]'") from None
    try:
        with local.opened(exports, query.reads) as database:
            found = local.ask(database, query, parameters)
    except Unreadable as error:
        raise Unanswerable(str(error)) from None
    return found.columns, found.rows


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns and rows as text."""
    cells = [list(columns), *([_shown(value) for value in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    print(table(columns, rows))
    print(f"{len(rows):,} rows")


def _print_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *rows])


def _print_json(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    print(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2, default=str))


_PRINT = {"table": _print_table, "csv": _print_csv, "json": _print_json}
