"""Requests of people about their own data: kept open until they are answered.

Key: `RIGHT#<recipient_id>#<request>` in the state table. An open request is in the table's `due`
index under a shard of its own, by the instant at which it is worked on or must have been answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from izin.aws.dynamo import Item, get, pack, put_new, query, update_if
from izin.aws.runtime import Runtime
from izin.domain.rights import Right
from izin.domain.times import from_text, to_text

_SHARD = "rights"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `brand` is the one through which it was made; `wake_at` when it is to be worked on."""

    recipient_id: str
    id: str
    right: Right
    brand: str
    source: str
    requested_at: datetime
    due_at: datetime
    wake_at: datetime
    answered_at: datetime | None = None

    @property
    def pk(self) -> str:
        """The key of the request."""
        return request_key(self.recipient_id, self.id)


def request_key(recipient_id: str, request_id: str) -> str:
    """The key of one person's request: the id is the caller's, unique per person."""
    return f"RIGHT#{recipient_id}#{request_id}"


def register(rt: Runtime, request: Request) -> Request:
    """Open `request`, or find the one that was made under its id before."""
    item = {
        "pk": request.pk,
        "recipient_id": request.recipient_id,
        "id": request.id,
        "right": str(request.right),
        "brand": request.brand,
        "source": request.source,
        "requested_at": to_text(request.requested_at),
        "due_at": to_text(request.due_at),
        "due_shard": _SHARD,
        "wake_at": to_text(request.wake_at),
    }
    before = put_new(rt, rt.state_table, item)
    return _read(before) if before else request


def find(rt: Runtime, recipient_id: str, request_id: str) -> Request | None:
    """The request that was made under this id, open or answered."""
    item = get(rt, rt.state_table, {"pk": request_key(recipient_id, request_id)})
    return _read(item) if item else None


def close(rt: Runtime, request: Request, now: datetime) -> bool:
    """Note that a request was answered at `now`; whether it was still open."""
    return update_if(
        rt,
        {
            "TableName": rt.state_table,
            "Key": pack({"pk": request.pk}),
            "UpdateExpression": "SET answered_at = :now REMOVE due_shard, wake_at",
            "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(answered_at)",
            "ExpressionAttributeValues": pack({":now": to_text(now)}),
        },
    )


def waiting(rt: Runtime) -> Iterator[Request]:
    """Every open request, the one that must be worked on first before the others."""
    for entry in query(
        rt,
        TableName=rt.state_table,
        IndexName="due",
        KeyConditionExpression="due_shard = :shard",
        ExpressionAttributeValues=pack({":shard": _SHARD}),
    ):
        item = get(rt, rt.state_table, {"pk": entry["pk"]})
        if item and "answered_at" not in item:
            yield _read(item)


def _read(item: Item | Mapping[str, Any]) -> Request:
    return Request(
        recipient_id=item["recipient_id"],
        id=item["id"],
        right=Right(item["right"]),
        brand=item["brand"],
        source=item["source"],
        requested_at=from_text(item["requested_at"]),
        due_at=from_text(item["due_at"]),
        wake_at=from_text(item.get("wake_at") or item["due_at"]),
        answered_at=from_text(item["answered_at"]) if "answered_at" in item else None,
    )
