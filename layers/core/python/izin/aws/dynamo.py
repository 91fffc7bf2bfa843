"""How values become DynamoDB items, and the few calls that every table needs.

The low-level client is used throughout: expressions stay visible where they matter, and one
translation of types serves all tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

from botocore.exceptions import ClientError

from izin.aws.runtime import Runtime

Item = dict[str, Any]


def pack(item: Mapping[str, Any]) -> Item:
    """`item` in DynamoDB's JSON. None values are left out. Raises TypeError for what no table here holds.

    boto3's own serializer does the same in four times the time.
    """
    return {
        name: {"S": value} if type(value) is str else _packed(value)  # most are texts
        for name, value in item.items()
        if value is not None
    }


def _packed(value: Any) -> Item:
    match value:
        case str():
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case dict() | Mapping():
            return {"M": {name: _packed(inner) for name, inner in value.items()}}
        case list() | tuple():
            return {"L": [_packed(inner) for inner in value]}
        case bytes():
            return {"B": value}
        case None:
            return {"NULL": True}
        case Set() if value and all(isinstance(member, str) for member in value):
            return {"SS": [*value]}
    raise TypeError(f"a table holds no {type(value).__name__}")


def unpack(item: Mapping[str, Any]) -> Item:
    """An item as plain Python: int for numbers, bytes for binary."""
    return {name: value["S"] if "S" in value else _plain(value) for name, value in item.items()}


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, inner),) = value.items()
    match kind:
        case "S" | "BOOL" | "B":
            return inner
        case "N":
            return int(inner)
        case "M":
            return unpack(inner)
        case "L":
            return [_plain(part) for part in inner]
        case "SS":
            return set(inner)
        case "NULL":
            return None
    raise TypeError(f"no table holds the type {kind}")


def get(rt: Runtime, table: str, key: Mapping[str, Any]) -> Item | None:
    """The item at `key`, read strongly consistent, or None."""
    answer = rt.dynamodb.get_item(TableName=table, Key=pack(key), ConsistentRead=True)
    return unpack(answer["Item"]) if "Item" in answer else None


def batch_get(rt: Runtime, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Item]:
    """The items at (table, pk), read strongly consistent in one trip; missing ones are absent."""
    request: dict[str, Any] = {}
    for table, pk in dict.fromkeys(keys):
        request.setdefault(table, {"ConsistentRead": True, "Keys": []})["Keys"].append(pack({"pk": pk}))
    found: dict[tuple[str, str], Item] = {}
    for attempt in range(_ATTEMPTS):
        answer = rt.dynamodb.batch_get_item(RequestItems=request)
        for table, items in answer["Responses"].items():
            found.update({(table, item["pk"]["S"]): unpack(item) for item in items})
        request = answer.get("UnprocessedKeys") or {}
        if not request:
            return found
        back_off(rt, attempt)
    raise TimeoutError("DynamoDB left keys unread; the caller may try again")


_ATTEMPTS = 5


def back_off(rt: Runtime, attempt: int) -> None:
    """Wait before the next attempt, full jitter: up to 20 ms, then twice as long, 400 ms at most."""
    rt.sleep(rt.jitter() * min(0.02 * 2**attempt, 0.4))


def query(rt: Runtime, **request: Any) -> Iterator[Item]:
    """Every item that a query finds, page after page, in the order of its sort key."""
    while True:
        answer = rt.dynamodb.query(**request)
        yield from map(unpack, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


_WRITES = 9


def update(rt: Runtime, **request: Any) -> Item:
    """Make an update. While somebody's transaction holds the item it is asked again: the SDK does not."""
    return _persist(rt, rt.dynamodb.update_item, request)


def put(rt: Runtime, **request: Any) -> Item:
    """Put an item; like `update` where a transaction holds it."""
    return _persist(rt, rt.dynamodb.put_item, request)


def put_new(rt: Runtime, table: str, item: Mapping[str, Any]) -> Item | None:
    """Put an item under a key that is free; where it is not, the item that is there."""
    try:
        put(
            rt,
            TableName=table,
            Item=pack(item),
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        before = lost_condition(error)
        if before is None:
            raise
        return before
    return None


def _persist(rt: Runtime, write: Callable[..., Item], request: Mapping[str, Any]) -> Item:
    for attempt in range(_WRITES):
        try:
            return write(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionConflictException":
                raise
            back_off(rt, attempt)
    return write(**request)


def update_if(rt: Runtime, request: Mapping[str, Any]) -> bool:
    """Make a conditional update; whether its condition held."""
    try:
        update(rt, **request)
    except ClientError as error:
        if lost_condition(error) is None:
            raise
        return False
    return True


def lost_condition(error: ClientError) -> Item | None:
    """For a single write refused by its condition, the item as it was ({} if none); else None."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        return None
    return unpack(error.response.get("Item", {}))


def cancellation(error: ClientError) -> list[str] | None:
    """For a cancelled transaction, the reason of each of its writes ("None" for the innocent)."""
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        return None
    return [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
