"""What do auditors ask, and how is it written for Athena and for DuckDB? Once, in the `.sql` files here.

A file begins with its title, its notes and what it needs: `reads` (exported tables), `rules` (rows made
from the packs), `parameters`, and `only` for what one engine alone can run. The SQL is Trino's, which
Athena speaks; DuckDB is given the few functions that it calls otherwise (`izin.queries.local`). A
parameter is written `:name`, once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from izin.domain.consent import Method
from izin.domain.message import SENT_CHANNELS, Purpose
from izin.domain.pack import heads, load

_HERE = Path(__file__).parent
DATABASE = "izin"
"""The database in which Athena finds the exports."""

_NEEDS = ("reads", "rules", "parameters", "only")


@dataclass(frozen=True, slots=True)
class Query:
    """A question and its SQL. `local` is what Athena cannot run."""

    name: str
    title: str
    notes: str
    reads: tuple[str, ...]
    rules: tuple[str, ...]
    parameters: tuple[str, ...]
    local: bool
    sql: str

    def ctes(self) -> Iterator[str]:
        """The named tables that the SQL reads, but for those that hold the exported items."""
        for table in self.reads:
            yield _sources(table)
        for name in self.rules:
            yield _values(name)


def _sources(table: str) -> str:
    return (_HERE / f"from_{table}.sql").read_text("utf-8").strip()


@cache
def queries() -> Mapping[str, Query]:
    """Every query by its name."""
    paths = sorted(path for path in _HERE.glob("*.sql") if not path.stem.startswith("from_"))
    return {path.stem: _query(path.stem, path.read_text("utf-8")) for path in paths}


def _query(name: str, text: str) -> Query:
    comments = [line.removeprefix("--").strip() for line in text.splitlines() if line.startswith("--")]
    sql = "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
    needs = dict.fromkeys(_NEEDS, ()) | {
        key: tuple(value.split(", "))
        for key, sign, value in (line.partition(": ") for line in comments)
        if sign and key in _NEEDS
    }
    notes = [line for line in comments[1:] if line.partition(": ")[0] not in _NEEDS]
    return Query(
        name=name,
        title=comments[0],
        notes=" ".join(notes),
        reads=needs["reads"],
        rules=needs["rules"],
        parameters=needs["parameters"],
        local=bool(needs["only"]),
        sql=sql,
    )


def for_athena(query: Query, database: str) -> str:
    """The query for Athena: of each table the export that the first parameters name, then its own."""
    exported = [
        f"{items(table)} AS (SELECT item FROM {database}.{table} WHERE export = ?)"  # noqa: S608 (our names)
        for table in query.reads
    ]
    return _whole([*exported, *query.ctes()], re.sub(r":([a-z_]+)", "?", query.sql))


def for_duckdb(query: Query) -> str:
    """The query for DuckDB, where views of the exported items are there already."""
    return _whole(query.ctes(), re.sub(r":([a-z_]+)", r"$\1", query.sql))


def with_sources(tables: Iterable[str], sql: str) -> str:
    """`sql` behind the named tables that come from the exported `tables`."""
    return _whole(map(_sources, tables), sql)


def items(table: str) -> str:
    """The name under which a query finds the exported items of `table`."""
    return f"{table.removesuffix('s')}_items"


def _whole(ctes: Iterable[str], sql: str) -> str:
    return "WITH\n" + ",\n".join(ctes) + "\n" + sql


@cache
def schema() -> Mapping[str, Mapping[str, Any]]:
    """The attributes of each table, as `schema.toml` says."""
    return tomllib.loads((_HERE / "schema.toml").read_text("utf-8"))


def item_type(table: str) -> str:
    """The type of an item of `table`, as Hive writes types."""
    fields = ",".join(f"{name}:{_attribute(kind)}" for name, kind in schema()[table].items())
    return f"struct<{fields}>"


_ENTRY = "struct<at:struct<S:string>,status:struct<S:string>,note:struct<S:string>>"


def _attribute(kind: str | list[str]) -> str:
    """One attribute: a struct under its type, as DynamoDB's JSON has it.

    The entries of a list are maps from their type to their value: a struct of one field would be
    spread out by Trino's UNNEST, and not by DuckDB's.
    """
    match kind:
        case "S" | "N":
            return f"struct<{kind}:string>"
        case "BOOL":
            return "struct<BOOL:boolean>"
        case "list":
            return "struct<L:array<map<string,string>>>"
        case "map":
            return "struct<M:map<string,struct<S:string>>>"
        case "history":
            return f"struct<L:array<map<string,{_ENTRY}>>>"
    fields = ",".join(f"{name}:struct<S:string>" for name in kind)
    return f"struct<M:struct<{fields}>>"


def duckdb_type(hive: str) -> str:
    """A type as Hive writes it, for DuckDB."""
    if hive.startswith("struct<"):
        parts = (part.partition(":") for part in _split(hive[7:-1]))
        fields = [f'"{name}" {duckdb_type(inner)}' for name, _, inner in parts]
        return f"STRUCT({', '.join(fields)})"
    if hive.startswith("array<"):
        return f"{duckdb_type(hive[6:-1])}[]"
    if hive.startswith("map<"):
        return f"MAP({', '.join(map(duckdb_type, _split(hive[4:-1])))})"
    return {"string": "VARCHAR", "boolean": "BOOLEAN"}[hive]


def _split(text: str) -> Iterator[str]:
    """The parts between commas that lie in no brackets."""
    depth, start = 0, 0
    for place, char in enumerate(text):
        depth += (char == "<") - (char == ">")
        if char == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _values(name: str) -> str:
    """Rows made from the packs, as a named table."""
    columns, rows = {"caps": _caps, "required_evidence": _evidence}[name]()
    lines = ",\n".join(f"    ({', '.join(map(_literal, row))})" for row in rows)
    return f"{name} ({columns}) AS (VALUES\n{lines}\n)"


def _literal(value: str | int | None) -> str:
    if value is None:
        return "CAST(NULL AS varchar)"
    return str(value) if isinstance(value, int) else f"'{value}'"


Rows = list[tuple[str | int | None, ...]]


def _caps() -> tuple[str, Rows]:
    """What each pack caps, by channel and purpose; without the caps of some states only."""
    rows = [
        (
            pack_id,
            cap.rule,
            str(cap.severity),
            str(channel),
            str(purpose),
            cap.limit,
            int(cap.period.total_seconds()),
        )
        for pack_id in heads()
        for cap in (*load(pack_id).caps, *load(pack_id).shared.caps)
        if not cap.subdivisions
        for channel, purpose in product(cap.channels, cap.purposes)
    ]
    return "pack, rule, severity, channel, purpose, most, seconds", list(dict.fromkeys(rows))


def _evidence() -> tuple[str, Rows]:
    """What evidence each pack asks for; null where it asks for every channel, purpose or method alike."""
    rows: Rows = []
    for pack_id in heads():
        pack = load(pack_id)
        for rule in (*pack.consent, *pack.shared.consent):
            if rule.subdivisions:
                continue
            channels = [None] if set(rule.channels) >= SENT_CHANNELS else list(map(str, rule.channels))
            purposes = [None] if set(Purpose) <= set(rule.purposes) else list(map(str, rule.purposes))
            methods = (
                list(map(str, rule.methods)) if rule.methods and set(rule.methods) < set(Method) else [None]
            )
            rows += product([pack_id], [rule.rule], channels, purposes, methods, rule.evidence)
    return "pack, rule, channel, purpose, method, field", list(dict.fromkeys(rows))
