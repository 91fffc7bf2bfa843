"""What do the files of a DynamoDB export to S3 hold?

The layout is AWS's own ("DynamoDB table export output format", docs.aws.amazon.com/amazondynamodb/
latest/developerguide/S3DataExport.Output.html). Under a prefix lies `AWSDynamoDB/<export id>/` with
`manifest-summary.json` and `manifest-files.json`; the latter names the data files: gzip, one JSON
object a line, `{"Item": …}` in a full export, `{"Metadata", "Keys", "OldImage"?, "NewImage"?}` in an
incremental one, whose data files lie in a folder that its prefix shares. Only what a manifest names
is read, and every file is checked against the digest and the number of items that it states.

The last part of the prefix names the table: `…/ledger`, `…/messages`, `…/state`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from izin.domain.times import from_text, to_text

TABLES = ("ledger", "messages", "state")
"""The tables that are exported. The table of keys never is: deleting a key erases a person everywhere."""

Image = Mapping[str, Any]
"""An item in DynamoDB's JSON, binary values in base64."""


class Kind(StrEnum):
    """What an export holds, as its manifest says it."""

    FULL = "FULL_EXPORT"
    INCREMENTAL = "INCREMENTAL_EXPORT"


class Unreadable(Exception):
    """A folder whose exports cannot be read whole; the text says which file and what to do."""


@dataclass(frozen=True, slots=True)
class Export:
    """One export of one table: a full one as of `until`, an incremental one of `[since, until)`."""

    table: str
    kind: Kind
    id: str
    since: datetime | None
    until: datetime
    files: tuple[DataFile, ...]


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file, with what the manifest says of it."""

    path: Path
    items: int
    md5: str


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one item in the time of an incremental export; `new` is None where it was deleted."""

    at: int  # microseconds since 1970, by DynamoDB's clock
    key: Image
    old: Image | None
    new: Image | None


def find(root: Path) -> tuple[Export, ...]:
    """Every complete export under `root`, the oldest first. Raises Unreadable."""
    found = [complete(manifest) for manifest in sorted(root.rglob("manifest-summary.json"))]
    if not found:
        raise Unreadable(f"{root}: no manifest-summary.json below it; copy the bucket with aws s3 sync")
    return tuple(sorted(found, key=lambda export: (export.until, export.id)))


def complete(manifest: Path) -> Export:
    """The export that a summary manifest belongs to. Raises Unreadable."""
    summary = _json(manifest)[0]
    try:
        kind = Kind(summary.get("exportType", Kind.FULL))
        until = summary["exportTime"] if kind is Kind.FULL else summary["exportToTime"]
        return Export(
            table=str(summary["s3Prefix"] or "").rstrip("/").rpartition("/")[2],
            kind=kind,
            id=manifest.parent.name,
            since=from_text(summary["exportFromTime"]) if kind is Kind.INCREMENTAL else None,
            until=from_text(until),
            files=tuple(_files(manifest)),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Unreadable(f"{manifest}: no manifest of an export: {error}") from None


def _files(manifest: Path) -> Iterator[DataFile]:
    for entry in _json(manifest.with_name("manifest-files.json"), lines=True):
        _, _, below = entry["dataFileS3Key"].rpartition("AWSDynamoDB/")
        path = manifest.parents[1] / below
        if not path.is_file():
            raise Unreadable(f"{path}: named by {manifest.parent.name}, and not here; copy the whole prefix")
        yield DataFile(path, entry["itemCount"], entry["md5Checksum"])


def _json(path: Path, *, lines: bool = False) -> list[Any]:
    try:
        text = path.read_text("utf-8")
        return [json.loads(part) for part in (text.splitlines() if lines else [text]) if part]
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path}: {error}") from None


def newest(exports: Sequence[Export], table: str) -> tuple[Export | None, tuple[Export, ...]]:
    """The newest full export of `table`, and the incremental ones that go on from it without a gap.

    Without a full export the incremental ones must reach back to the first. Raises Unreadable.
    """
    of_table = [export for export in exports if export.table == table]
    full = max((e for e in of_table if e.kind is Kind.FULL), key=lambda e: e.until, default=None)
    reached, later = full.until if full else None, list[Export]()
    for export in (e for e in of_table if e.kind is Kind.INCREMENTAL):
        if reached and export.until <= reached:
            continue
        if reached and export.since and export.since > reached:
            gap = f"{to_text(reached)} to {to_text(export.since)}"
            raise Unreadable(f"{table}: nothing was exported from {gap}; add that export, or a full one")
        later.append(export)
        reached = export.until
    if not full and not later:
        raise Unreadable(f"{table}: no export of it; its prefix ends in /{table}")
    return full, tuple(later)


def check(export: Export) -> None:
    """Every data file against the digest that the manifest states. Raises Unreadable."""
    for file in export.files:
        digest = hashlib.md5(usedforsecurity=False)
        with file.path.open("rb") as source:
            while block := source.read(1 << 20):
                digest.update(block)
        if base64.b64encode(digest.digest()).decode() != file.md5:
            raise Unreadable(f"{file.path}: another file than {export.id} exported: its MD5 differs")


def images(export: Export) -> Iterator[Image]:
    """The items of a full export, in DynamoDB's JSON. Raises Unreadable."""
    for line in _lines(export):
        yield line["Item"]


def changes(export: Export) -> Iterator[Change]:
    """The changes of an incremental export. Raises Unreadable."""
    for line in _lines(export):
        at = line["Metadata"]["WriteTimestampMicros"]
        yield Change(
            int(at["N"] if isinstance(at, dict) else at),
            line["Keys"],
            line.get("OldImage"),
            line.get("NewImage"),
        )


def _lines(export: Export) -> Iterator[Any]:
    for file in export.files:
        count = 0
        try:
            with gzip.open(file.path, "rt", encoding="utf-8") as source:
                for line in source:
                    count += 1
                    yield json.loads(line)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise Unreadable(f"{file.path}: {error}") from None
        if count != file.items:
            raise Unreadable(f"{file.path}: {count} items where the manifest states {file.items}")


def latest(root: Path, table: str) -> Iterator[Image]:
    """Every item of `table` as the newest exports under `root` leave it, in DynamoDB's JSON.

    Memory grows with what changed since the newest full export, not with the table. Raises Unreadable.
    """
    full, later = newest(find(root), table)
    for export in [*([full] if full else []), *later]:
        check(export)
    changed: dict[str, tuple[int, Image | None]] = {}
    for export in later:
        for change in changes(export):
            key = json.dumps(change.key, sort_keys=True)
            if key not in changed or changed[key][0] <= change.at:
                changed[key] = (change.at, change.new)
    for image in images(full) if full else ():
        key = json.dumps({name: image[name] for name in _KEYS[table]}, sort_keys=True)
        if key not in changed:
            yield image
    yield from (new for _, new in changed.values() if new is not None)


def items(root: Path, table: str) -> Iterator[dict[str, Any]]:
    """Every item of `table` as the newest exports leave it, as plain Python values. Raises Unreadable."""
    return map(plain, latest(root, table))


_KEYS = {"ledger": ("pk", "seq"), "messages": ("pk",), "state": ("pk",)}


def plain(image: Image) -> dict[str, Any]:
    """An item as plain Python: int for numbers, bytes for binary."""
    return {name: _plain(value) for name, value in image.items()}


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, inner),) = value.items()
    match kind:
        case "N":
            return int(inner)
        case "B":
            return base64.b64decode(inner)
        case "NULL":
            return None
        case "SS":
            return set(inner)
        case "M":
            return plain(inner)
        case "L":
            return [_plain(part) for part in inner]
    return inner
