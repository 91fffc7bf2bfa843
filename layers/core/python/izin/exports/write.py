"""How is an export written where DynamoDB itself cannot: on a laptop, and for tests? In AWS's own layout."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from izin.domain.times import to_text
from izin.exports.read import Change, Export, Image, Kind, complete


@dataclass(frozen=True, slots=True)
class Source:
    """What an export is written of: the table, the bucket that it names, and the prefix below `root`."""

    root: Path
    prefix: str
    table_arn: str
    table_id: str
    bucket: str = "local"


_PARTITIONS = 4


def write(source: Source, found: Iterable[Image], at: datetime, export_id: str) -> Export:
    """Write a full export of the items `found`, as DynamoDB would have written it at `at`."""
    folder = source.root / source.prefix / "AWSDynamoDB" / export_id
    lines = ((image["pk"]["S"], {"Item": image}) for image in found)
    summary = {"exportTime": to_text(at), "exportType": str(Kind.FULL)}
    return _write(source, folder, folder / "data", lines, summary, at)


def write_changes(
    source: Source, found: Iterable[Change], since: datetime, until: datetime, export_id: str
) -> Export:
    """Write an incremental export of the changes `found` in `[since, until)`."""
    folder = source.root / source.prefix / "AWSDynamoDB" / export_id
    lines = ((change.key["pk"]["S"], _changed(change)) for change in found)
    summary = {
        "exportFromTime": to_text(since),
        "exportToTime": to_text(until),
        "exportType": str(Kind.INCREMENTAL),
        "outputView": "NEW_AND_OLD_IMAGES",
    }
    return _write(source, folder, folder.parent / "data", lines, summary, until)


def _changed(change: Change) -> dict[str, Any]:
    line: dict[str, Any] = {
        "Metadata": {"WriteTimestampMicros": {"N": str(change.at)}},
        "Keys": change.key,
        "OldImage": change.old,
        "NewImage": change.new,
    }
    return {name: value for name, value in line.items() if value is not None}


def _write(
    source: Source,
    folder: Path,
    data: Path,
    lines: Iterable[tuple[str, Mapping[str, Any]]],
    summary: Mapping[str, Any],
    at: datetime,
) -> Export:
    folder.mkdir(parents=True, exist_ok=True)
    data.mkdir(parents=True, exist_ok=True)
    (folder / "_started").touch()
    entries = _write_data(source, folder.name, data, lines)
    _write_manifest(folder / "manifest-files.json", "".join(json.dumps(entry) + "\n" for entry in entries))
    whole = {
        "version": "2020-06-30" if summary["exportType"] == Kind.FULL else "2023-08-01",
        "exportArn": f"{source.table_arn}/export/{folder.name}",
        "startTime": to_text(at),
        "endTime": to_text(at),
        "tableArn": source.table_arn,
        "tableId": source.table_id,
        "s3Bucket": source.bucket,
        "s3Prefix": source.prefix,
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": f"{source.prefix}/AWSDynamoDB/{folder.name}/manifest-files.json",
        "billedSizeBytes": 0,
        "itemCount": sum(entry["itemCount"] for entry in entries),
        "outputFormat": "DYNAMODB_JSON",
        **summary,
    }
    _write_manifest(folder / "manifest-summary.json", json.dumps(whole))
    return complete(folder / "manifest-summary.json")


def _write_data(
    source: Source, export_id: str, data: Path, lines: Iterable[tuple[str, Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """One file for each of a few partitions, empty ones included: all items of a key lie in one."""
    paths = [data / f"{export_id}-{number}.json.gz" for number in range(_PARTITIONS)]
    counts = [0] * _PARTITIONS
    files = [gzip.GzipFile(path, "wb", mtime=0) for path in paths]
    try:
        for key, line in lines:
            number = zlib.crc32(key.encode()) % _PARTITIONS
            files[number].write(json.dumps(line, ensure_ascii=False, default=_base64).encode() + b"\n")
            counts[number] += 1
    finally:
        for file in files:
            file.close()
    return [
        {
            "itemCount": count,
            "md5Checksum": _md5(path.read_bytes()),
            "etag": f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}-1",
            "dataFileS3Key": str(Path(source.prefix) / path.relative_to(source.root / source.prefix)),
        }
        for path, count in zip(paths, counts, strict=True)
    ]


def _write_manifest(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.with_suffix(".md5").write_text(_md5(text.encode()), "ascii")


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _base64(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    raise TypeError(f"an export holds no {type(value).__name__}")


def new_id(at: datetime, noise: str) -> str:
    """The id of an export, in the form that AWS gives it: milliseconds, then eight hexadecimal digits."""
    return f"{int(at.astimezone(UTC).timestamp() * 1000):014d}-{noise[:8]}"
