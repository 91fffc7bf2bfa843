"""What was written to the ledgers, in an order that nobody can change later?

Reads the ledger table's stream and logs the hash of every event that was put. An event that was
changed or taken away is logged as just that, and counted: it should never be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from izin.aws import http, log
from izin.aws.runtime import Runtime, runtime
from izin.domain.log import Change, Entry
from izin.domain.times import from_text

logger = Logger()

_PUBLIC = ("pk", "seq", "brand", "hash", "recorded_at")
_HASH = re.compile(r"[0-9a-f]{64}")
_BY_DYNAMODB = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def handler(event: dict[str, Any], _context: object) -> None:
    """Take a batch of the stream, whole: what fails is given again, and again, until it is logged."""
    take(runtime(), event["Records"])


@dataclass(frozen=True, slots=True)
class _Seen:
    """An entry to be made in a brand's log, and when its event was recorded."""

    brand: str
    entry: Entry
    recorded_at: datetime


def take(rt: Runtime, records: Sequence[Mapping[str, Any]]) -> None:
    """Log a batch, each brand's part alone. Raises what went wrong once every brand had its turn."""
    brands: dict[str, list[_Seen]] = {}
    for record in records:
        seen = _seen(record)
        if seen:
            brands.setdefault(seen.brand, []).append(seen)
    troubles = [trouble for brand, seen in brands.items() if (trouble := _tried(rt, brand, seen))]
    if troubles:
        raise troubles[0]


def _tried(rt: Runtime, brand: str, seen: Sequence[_Seen]) -> Exception | None:
    written = [one.recorded_at for one in seen if one.entry.change is Change.WRITTEN]
    try:
        log.append(rt, brand, [one.entry for one in seen], min(written, default=rt.now()))
    except Exception as error:  # noqa: BLE001 (raised once the other brands had their turn)
        logger.error("not logged yet", extra={"brand": brand, **http.described(error)})
        return error
    return None


def _seen(record: Mapping[str, Any]) -> _Seen | None:
    """What to log of a stream record: nothing where only the time to live was set."""
    change = _change(record)
    if change is None:
        return None
    images = record["dynamodb"]
    item = _public(images["NewImage" if "NewImage" in images else "OldImage"])
    if change in (Change.OVERWRITTEN, Change.REMOVED):
        _count("LedgerOverwritten")
        logger.error("a ledger was overwritten", extra={"ledger": item.get("pk"), "seq": item.get("seq")})
    try:
        if not _HASH.fullmatch(item["hash"]) or not item["pk"].startswith(f"{item['brand']}#"):
            raise ValueError
        entry = Entry(change, item["pk"], int(item["seq"]), item["hash"])
        return _Seen(item["brand"], entry, from_text(item["recorded_at"]))
    except (KeyError, ValueError):
        _count("LedgerUnreadable")
        logger.error("no event of a ledger", extra={"change": str(change)})
        return None


def _change(record: Mapping[str, Any]) -> Change | None:
    if record["eventName"] == "INSERT":
        return Change.WRITTEN
    if record["eventName"] == "REMOVE":
        return Change.EXPIRED if record.get("userIdentity") == _BY_DYNAMODB else Change.REMOVED
    old, new = (
        {name: value for name, value in record["dynamodb"][image].items() if name != "ttl"}
        for image in ("OldImage", "NewImage")
    )
    return None if old == new else Change.OVERWRITTEN


def _public(image: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The few fields that a log needs, as text. What is sealed stays where it is."""
    return {name: str(next(iter(image[name].values()))) for name in _PUBLIC if name in image}


def _count(name: str) -> None:
    with single_metric(name=name, unit=MetricUnit.Count, value=1):
        pass
