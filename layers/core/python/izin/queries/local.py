"""What do the exported files answer here? The queries, run by DuckDB on the files as AWS wrote them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from izin.domain import judge
from izin.domain.message import Channel, Purpose
from izin.domain.pack import pack_of
from izin.domain.times import from_text
from izin.domain.windows import Timeline
from izin.exports import read
from izin.exports.read import Export
from izin.queries import catalog
from izin.queries.catalog import Query

Database = duckdb.DuckDBPyConnection

_FUNCTIONS = (
    "CREATE MACRO from_iso8601_timestamp(text) AS CAST(text AS TIMESTAMPTZ)",
    "CREATE MACRO json_extract_scalar(json, path) AS json_extract_string(json, path)",
    "CREATE MACRO approx_percentile(value, share) AS quantile_cont(value, share)",
)
"""What Trino calls otherwise, or has and DuckDB has not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows that a query found."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@contextmanager
def opened(root: Path, tables: tuple[str, ...] = ("ledger", "messages")) -> Iterator[Database]:
    """The newest exports under `root`, each checked against its manifest, as views. Raises Unreadable."""
    exports = read.find(root)
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for statement in _FUNCTIONS:
            database.execute(statement)
        for table in tables:
            database.execute(f"CREATE VIEW {catalog.items(table)} AS {_view(root, table, exports, scratch)}")
        yield database


def ask(database: Database, query: Query, parameters: Mapping[str, str]) -> Answer:
    """The answer to one query."""
    if query.local:
        _judge_windows(database)
    found = database.execute(catalog.for_duckdb(query), dict(parameters))
    return Answer(tuple(column[0] for column in found.description or ()), found.fetchall())


_SUBMISSIONS = catalog.with_sources(
    ("messages",),
    "SELECT brand, id, handed_over_at, channel, purpose, COALESCE(answer, '{}')"
    " FROM handovers WHERE kind = 'submission'",
)


def _judge_windows(database: Database) -> None:
    """Every hand-over judged again by the rules, as the table `window_judgements`: those that were closed."""
    database.execute(
        "CREATE OR REPLACE TABLE window_judgements"
        " (brand VARCHAR, id VARCHAR, handed_over_at VARCHAR, judged VARCHAR)"
    )
    found = database.cursor().execute(_SUBMISSIONS)
    while rows := found.fetchmany(10_000):
        for brand, message, at, channel, purpose, answer in rows:
            judged = _window_closed(answer, channel, purpose, at)
            if judged:
                database.execute(
                    "INSERT INTO window_judgements VALUES (?, ?, ?, ?)", [brand, message, at, judged]
                )


def _view(root: Path, table: str, exports: Sequence[Export], scratch: str) -> str:
    """The items as the newest exports leave them: of a full export alone, its own files."""
    full, later = read.newest(exports, table)
    if full and not later:
        read.check(full)
        files = [str(file.path) for file in full.files if file.items]
    else:
        merged = Path(scratch, f"{table}.json")
        with merged.open("w", encoding="utf-8") as target:
            for image in read.latest(root, table):
                target.write(json.dumps({"Item": image}) + "\n")
        files = [str(merged)]
    kind = catalog.duckdb_type(catalog.item_type(table))
    if not files:
        return f"SELECT CAST(NULL AS {kind}) AS item WHERE false"
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    options = f"format = 'newline_delimited', columns = {{'Item': '{kind}'}}, maximum_object_size = 4194304"
    return f"SELECT Item AS item FROM read_json([{listed}], {options})"  # noqa: S608


def _window_closed(answer: str, channel: str, purpose: str, at: str) -> str:
    """Which rules were closed at `at` for the recipient of a first `answer`: `law`, `advice`, or none."""
    recipient = json.loads(answer).get("recipient", {})
    where = (
        recipient.get("country", "001"),
        tuple(recipient.get("subdivisions", ())),
        tuple(recipient.get("time_zones", ())),
    )
    instant = from_text(at)
    for severity, relaxable in (("law", False), ("advice", True)):
        if _timeline(channel, purpose, relaxable, *where).at(instant).closed_because:
            return severity
    return ""


@lru_cache(4096)
def _timeline(
    channel: str,
    purpose: str,
    relaxable: bool,
    country: str,
    subdivisions: tuple[str, ...],
    zones: tuple[str, ...],
) -> Timeline:
    rules = pack_of(country).rules(Channel(channel), Purpose(purpose), subdivisions)
    asked = [rule for rule in rules.windows if rule.relaxable is relaxable]
    return judge.timeline(asked, country, subdivisions, zones)
