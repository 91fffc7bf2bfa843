"""How are a million events put in order without holding them? In a database of a temporary file."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from izin.verify.log import Entry

_TABLES = """
CREATE TABLE events (pk TEXT, seq INTEGER, hash TEXT, computed TEXT, prev TEXT, recorded_at TEXT, event TEXT);
CREATE TABLE entries (pk TEXT, seq INTEGER, hash TEXT, change TEXT, at INTEGER, time TEXT);
CREATE TABLE states (pk TEXT, seq INTEGER, head TEXT, standing TEXT);
"""
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Kept:
    """An event as it lies in the export, and the hash that it ought to have."""

    seq: int
    hash: str
    computed: str
    prev: str
    recorded_at: str
    event: str


@dataclass(frozen=True, slots=True)
class Person:
    """Everything about one ledger, in order: its events, what the log says of it, and its states."""

    pk: str
    events: list[Kept]
    entries: list[Entry]
    states: list[tuple[int, str, str]]


class Book:
    """Rows are added in any order and read in that of people; memory stays the same."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._waiting: dict[str, list[tuple[Any, ...]]] = {"events": [], "entries": [], "states": []}

    def add_event(self, pk: str, kept: Kept) -> None:
        self._add(
            "events",
            (pk, kept.seq, kept.hash, kept.computed, kept.prev, kept.recorded_at, kept.event),
        )

    def add_entry(self, entry: Entry) -> None:
        self._add("entries", (entry.ledger, entry.seq, entry.hash, entry.change, entry.index, entry.time))

    def add_state(self, pk: str, seq: int, head: str, standing: str) -> None:
        self._add("states", (pk, seq, head, standing))

    def _add(self, table: str, row: tuple[Any, ...]) -> None:
        waiting = self._waiting[table]
        waiting.append(row)
        if len(waiting) == _AT_ONCE:
            self._write(table)

    def _write(self, table: str) -> None:
        waiting = self._waiting[table]
        if waiting:
            places = ",".join("?" * len(waiting[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({places})", waiting)  # noqa: S608
            waiting.clear()

    def people(self) -> Iterator[Person]:
        """Each ledger that is named anywhere."""
        for table in self._waiting:
            self._write(table)
        streams = [
            _grouped(self._connection, "SELECT * FROM events ORDER BY pk, seq, hash"),
            _grouped(self._connection, "SELECT * FROM entries ORDER BY pk, seq, at"),
            _grouped(self._connection, "SELECT * FROM states ORDER BY pk"),
        ]
        heads = [next(stream, None) for stream in streams]
        while any(heads):
            pk = min(head[0] for head in heads if head)
            rows: list[list[tuple[Any, ...]]] = []
            for number, head in enumerate(heads):
                mine = head is not None and head[0] == pk
                rows.append(head[1] if head and mine else [])
                if mine:
                    heads[number] = next(streams[number], None)
            yield Person(
                pk,
                [Kept(*row[1:]) for row in rows[0]],
                [Entry(row[3], row[0], row[1], row[2], row[4], row[5]) for row in rows[1]],
                [(row[1], row[2], row[3]) for row in rows[2]],
            )


def _grouped(connection: sqlite3.Connection, query: str) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    for pk, rows in groupby(connection.execute(query), key=itemgetter(0)):
        yield pk, list(rows)


@contextlib.contextmanager
def opened() -> Iterator[Book]:
    """A book of a temporary file, which is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="izin-verify-") as folder:
        connection = sqlite3.connect(Path(folder, "book"), isolation_level=None)
        with contextlib.closing(connection):
            connection.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
                "PRAGMA cache_size = -16384;" + _TABLES + "BEGIN;"
            )
            yield Book(connection)
