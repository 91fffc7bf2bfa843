"""Who did what, when, and what went wrong? A history as lines that a person can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation.cast import PEOPLE
from tests.simulation.record import Record
from tests.simulation.seen import Row


def lines(record: Record) -> Iterator[str]:
    """The history, one line for each thing that happened, from its first act to its last."""
    world = record.world
    yield f"seed {record.seed}, begins {world.start.isoformat()}, times in seconds from then on"
    for row in world.rows:
        if row.what == "query" and row.fault is None and not _found(row.outcome):
            continue  # most of a sweep's look through the shards finds nothing
        fault = f"   <-- {row.fault}" if row.fault else ""
        yield f"{row.at / 1e6:12.3f}  {row.who:<14} {row.what:<22} {_about(row)}{fault}"


def _about(row: Row) -> str:
    return _short(f"{_request(row.request)}{_outcome(row.outcome)}")


def _request(request: Any) -> str:
    if not isinstance(request, Mapping):
        return str(request or "")
    if "TransactItems" in request:
        return " + ".join(
            f"{kind} {_request(write)}" for entry in request["TransactItems"] for kind, write in entry.items()
        )
    if "RequestItems" in request:
        return " ".join(
            f"{table}:{_key(key)}" for table, keys in request["RequestItems"].items() for key in keys["Keys"]
        )
    if "Entries" in request:
        return " ".join(f"{e['MessageBody'].split(',')[0]} +{e['DelaySeconds']}s" for e in request["Entries"])
    table = request.get("TableName", "")
    key = _key(request.get("Key") or request.get("Item") or request.get("ExpressionAttributeValues", {}))
    values = request.get("ExpressionAttributeValues", {})
    told = [f"{name}={_scalar(value)}" for name, value in values.items() if "S" in value or "N" in value]
    return f"{table}:{key} {' '.join(told)}"


def _key(item: Mapping[str, Any]) -> str:
    return str(_scalar(item["pk"])) if "pk" in item else ""


def _scalar(value: Mapping[str, Any]) -> str:
    return str(next(iter(value.values())))


def _found(outcome: Any) -> int:
    return len(outcome.get("Items", ())) if isinstance(outcome, Mapping) else 0


def _outcome(outcome: Any) -> str:
    if isinstance(outcome, ClientError):
        reasons = [reason["Code"] for reason in outcome.response.get("CancellationReasons", ())]
        return f" -> {outcome.response['Error']['Code']} {reasons or ''}"
    if isinstance(outcome, Mapping):
        return f" -> {_found(outcome)} found" if _found(outcome) else ""
    return f" -> {outcome}" if outcome else ""


def _short(text: str) -> str:
    for person in PEOPLE:
        text = text.replace(person.id, person.country).replace(person.number, person.country)
    return text if len(text) <= 320 else text[:320] + "…"
