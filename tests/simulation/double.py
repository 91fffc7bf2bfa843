"""What would DynamoDB answer? An in-memory double of the calls that the product makes, and no more.

Tables hold items in DynamoDB's own JSON. A stored value is never changed in place: an update makes
a new item that shares what stayed, so whatever was read keeps its values. What the product
does not use is refused loudly: a double that guesses proves nothing. `compare.py` holds it against
an emulator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation.expressions import (
    Condition,
    Invalid,
    Item,
    Value,
    Values,
    condition,
    demand,
    key_condition,
    update,
)


def client_error(code: str, message: str, operation: str, status: int = 400, **fields: Any) -> ClientError:
    """An error as botocore raises it."""
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError({**response, **fields}, operation)


# Tables.


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index: its keys, and what it projects beside them (None: keys only)."""

    hash: str
    range: str | None = None
    projected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """The keys of a table."""

    range: str | None = None
    indexes: Mapping[str, Index] = field(default_factory=dict)


SCHEMAS: dict[str, Schema] = {
    "state": Schema(
        indexes={"due": Index("due_shard", "wake_at"), "retain": Index("retain_shard", "retain_at")}
    ),
    "messages": Schema(
        indexes={
            "due": Index("due_shard", "wake_at", ("status", "sender", "recipient_id", "due", "purpose")),
            "carrier": Index("carrier_ref"),
            "recipient": Index("recipient_id"),
        }
    ),
    "ledger": Schema(range="seq"),
    "keys": Schema(),
    "registry": Schema(),
    "pages": Schema(),
}
"""The tables by the name that they have here. A test holds this against the synthesized template."""

Key = tuple[str, str]


def _no_lag() -> float:
    return 0.0


@dataclass(slots=True)
class _View:
    """An index as its readers see it: by hash key, then by the item's own key; and what is under way."""

    index: Index
    shown: dict[str, dict[Key, Item]] = field(default_factory=dict)
    where: dict[Key, str] = field(default_factory=dict)
    pending: list[tuple[float, int, Key, Item]] = field(default_factory=list)
    latest: dict[Key, float] = field(default_factory=dict)
    written: dict[Key, Item] = field(default_factory=dict)  # what will be shown when all is caught up

    def image(self, item: Item) -> Item:
        index = self.index
        if index.hash not in item or (index.range and index.range not in item):
            return {}
        names = ("pk", index.hash, *((index.range,) if index.range else ()), *index.projected)
        return {name: item[name] for name in names if name in item}

    def apply(self, key: Key, image: Item) -> None:
        before = self.where.pop(key, None)
        if before is not None:
            del self.shown[before][key]
        if image:
            place = image[self.index.hash]["S"]
            self.where[key] = place
            self.shown.setdefault(place, {})[key] = image

    def catch_up(self, now: float) -> None:
        if self.pending and self.pending[0][0] <= now:
            ready = [change for change in self.pending if change[0] <= now]
            self.pending = self.pending[len(ready) :]
            for _, _, key, image in ready:
                self.apply(key, image)


@dataclass(slots=True)
class Database:
    """All tables. `clock` and `lag` say, in seconds, what time it is and how late an index learns of a write.

    `page` is how many items a query answers with at most.
    """

    clock: Callable[[], float] = _no_lag
    lag: Callable[[], float] = _no_lag
    page: int = 1000
    items: dict[str, dict[Key, Item]] = field(default_factory=lambda: {name: {} for name in SCHEMAS})
    views: dict[str, dict[str, _View]] = field(default_factory=dict)
    tokens: dict[str, None] = field(default_factory=dict)
    writes: int = 0

    def __post_init__(self) -> None:
        self.views = {
            table: {name: _View(index) for name, index in schema.indexes.items()}
            for table, schema in SCHEMAS.items()
        }

    def copy(self) -> Database:
        """Another database with the same content. Indexes of the copy are up to date."""
        other = Database(items={name: dict(items) for name, items in self.items.items()})
        for table, views in other.views.items():
            for key, item in other.items[table].items():
                for view in views.values():
                    view.written[key] = view.image(item)
                    view.apply(key, view.written[key])
        return other

    # The calls.

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        demand(ConsistentRead, "the product reads consistently")
        found = self.items[TableName].get(_key(TableName, Key))
        return {} if found is None else {"Item": dict(found)}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        responses: dict[str, list[Item]] = {}
        for table, request in RequestItems.items():
            demand(request["ConsistentRead"], "the product reads consistently")
            demand(request.keys() == {"ConsistentRead", "Keys"}, "no projections")
            keys = [_key(table, key) for key in request["Keys"]]
            if len(set(keys)) < len(keys):
                raise client_error(
                    "ValidationException", "Provided list of item keys contains duplicates", "BatchGetItem"
                )
            items = self.items[table]
            responses[table] = [dict(items[key]) for key in keys if key in items]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def put_item(self, **request: Any) -> dict[str, Any]:
        options = {"ConditionExpression", "ReturnValuesOnConditionCheckFailure", *_PLACEHOLDERS}
        self._single(request, "PutItem", self._prepared_put(request, options))
        return {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        options = {"ReturnValues", "ReturnValuesOnConditionCheckFailure"}
        after = self._single(request, "UpdateItem", self._prepared_update(request, options))
        wanted = request.get("ReturnValues", "NONE")
        demand(wanted in ("NONE", "ALL_NEW"), f"ReturnValues {wanted}")
        return {"Attributes": dict(after)} if wanted == "ALL_NEW" else {}

    def transact_write_items(
        self,
        *,
        TransactItems: Sequence[Mapping[str, Any]],  # noqa: N803
        ClientRequestToken: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        if ClientRequestToken in self.tokens:
            return {}
        prepared = [self._prepared(entry) for entry in TransactItems]
        places = [(write.table, write.key) for write in prepared]
        if len(set(places)) < len(places):
            message = "Transaction request cannot include multiple operations on one item"
            raise client_error("ValidationException", message, "TransactWriteItems")
        reasons, images = [], []
        for write in prepared:
            old = self.items[write.table].get(write.key)
            if not write.holds(old):
                reasons.append({"Code": "ConditionalCheckFailed", "Message": _REFUSED})
                continue
            try:
                images.append(write.image(old))
                reasons.append({"Code": "None"})
            except Invalid as error:
                reasons.append({"Code": "ValidationError", "Message": str(error)})
        if len(images) < len(prepared):
            raise cancelled(reasons)
        for write, image in zip(prepared, images, strict=True):
            self._store(write.table, write.key, image)
        if ClientRequestToken is not None:
            self.tokens[ClientRequestToken] = None
        return {}

    def query(
        self,
        *,
        TableName: str,  # noqa: N803
        KeyConditionExpression: str,  # noqa: N803
        ExpressionAttributeValues: Values,  # noqa: N803
        IndexName: str | None = None,  # noqa: N803
        ConsistentRead: bool = False,  # noqa: N803
        ExclusiveStartKey: Item | None = None,  # noqa: N803
        Limit: int | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        place, range_check, used = key_condition(KeyConditionExpression)
        demand(used == ExpressionAttributeValues.keys(), "an unused value")
        if IndexName is None:
            demand(ConsistentRead, "the product reads consistently")
            attribute, sort, key_names = "pk", SCHEMAS[TableName].range, ["pk"]
        else:
            view = self.views[TableName][IndexName]
            attribute, sort, key_names = view.index.hash, view.index.range, ["pk", view.index.hash]
        if sort:
            key_names.append(sort)
        demand(place[0] == attribute, f"{KeyConditionExpression!r} on {IndexName or TableName}")
        wanted = ExpressionAttributeValues[place[1]]
        if IndexName is None:
            found = [item for item in self.items[TableName].values() if item["pk"] == wanted]
        else:
            view.catch_up(self.clock())
            found = list(view.shown.get(wanted["S"], {}).values())
        if range_check:
            demand(range_check[0] == sort, f"{range_check[0]} is no key")
            limit = ExpressionAttributeValues[range_check[1]]["S"]
            found = [item for item in found if item[sort]["S"] <= limit]  # type: ignore[index]
        found.sort(key=lambda item: _order(item, sort))
        if ExclusiveStartKey:
            start = _order(ExclusiveStartKey, sort)
            found = [item for item in found if _order(item, sort) > start]
        page = min(Limit or self.page, self.page)
        answer: dict[str, Any] = {"Items": [dict(item) for item in found[:page]]}
        if len(found) > page or (Limit and len(found) == Limit):
            answer["LastEvaluatedKey"] = {name: found[page - 1][name] for name in key_names}
        return answer

    # What writes have in common.

    def _single(self, request: Mapping[str, Any], operation: str, write: _Write) -> Item:
        old = self.items[write.table].get(write.key)
        if not write.holds(old):
            shown = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old is not None
            fields = {"Item": dict(old)} if shown and old is not None else {}
            raise client_error("ConditionalCheckFailedException", _REFUSED, operation, **fields)
        try:
            image = write.image(old)
        except Invalid as error:
            raise client_error("ValidationException", str(error), operation) from None
        self._store(write.table, write.key, image)
        return image

    def _store(self, table: str, key: Key, image: Item) -> None:
        self.items[table][key] = image
        self.writes += 1
        for view in self.views[table].values():
            shown = view.image(image)
            if shown == view.written.get(key, {}):
                continue
            view.written[key] = shown
            lag = self.lag()
            if lag or view.pending:
                at = max(self.clock() + lag, view.latest.get(key, 0.0))
                view.latest[key] = at
                view.pending.append((at, self.writes, key, shown))
                view.pending.sort(key=lambda change: change[:2])
            else:
                view.apply(key, shown)

    def _prepared(self, entry: Mapping[str, Any]) -> _Write:
        ((kind, request),) = entry.items()
        if kind == "Put":
            return self._prepared_put(request, {"ConditionExpression", *_PLACEHOLDERS})
        demand(kind == "Update", f"{kind} in a transaction")
        return self._prepared_update(request, set())

    def _prepared_put(self, request: Mapping[str, Any], options: set[str]) -> _Write:
        demand(request.keys() <= {"TableName", "Item", *options}, f"PutItem with {sorted(request)}")
        table, item = request["TableName"], _normal(request["Item"])
        asked = _condition_of(request)
        _demand_all_used(request, asked.used if asked else frozenset())
        return _Write(table, _key_in(table, item), asked, request, lambda old: item)

    def _prepared_update(self, request: Mapping[str, Any], options: set[str]) -> _Write:
        known = {"TableName", "Key", "UpdateExpression", "ConditionExpression", *_PLACEHOLDERS}
        demand(request.keys() <= known | options, f"UpdateItem with {sorted(request)}")
        table, asked, made = request["TableName"], _condition_of(request), update(request["UpdateExpression"])
        _demand_all_used(request, made.used | asked.used if asked else made.used)
        names, values = (request.get(place, _NOTHING) for place in _PLACEHOLDERS)
        key_item = request["Key"]

        def image(old: Item | None) -> Item:
            before: Item = key_item if old is None else old
            new = dict(before)
            for change in made.changes:
                change(before, new, names, values)
            return new

        return _Write(table, _key(table, key_item), asked, request, image)


@dataclass(frozen=True, slots=True)
class _Write:
    """One write, ready to be judged and made. `image` is the item that it leaves behind."""

    table: str
    key: Key
    condition: Condition | None
    request: Mapping[str, Any]
    image: Callable[[Item | None], Item]

    def holds(self, old: Item | None) -> bool:
        if self.condition is None:
            return True
        names, values = (self.request.get(place, _NOTHING) for place in _PLACEHOLDERS)
        return self.condition.holds(old or {}, names, values)


_PLACEHOLDERS = ("ExpressionAttributeNames", "ExpressionAttributeValues")
_NOTHING: Mapping[str, Any] = {}
_REFUSED = "The conditional request failed"


def cancelled(reasons: Sequence[Mapping[str, Any]]) -> ClientError:
    """A transaction that did not happen, for `reasons`, one for each of its writes."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return client_error(
        "TransactionCanceledException",
        message,
        "TransactWriteItems",
        CancellationReasons=[dict(reason) for reason in reasons],
    )


def _condition_of(request: Mapping[str, Any]) -> Condition | None:
    text = request.get("ConditionExpression")
    return condition(text) if text else None


def _demand_all_used(request: Mapping[str, Any], used: frozenset[str]) -> None:
    names, values = (request.get(place, _NOTHING) for place in _PLACEHOLDERS)
    if len(names) + len(values) != len(used) or not (used >= names.keys() and used >= values.keys()):
        raise client_error(
            "ValidationException", "Placeholders are unused in expressions, or not defined", "Expression"
        )


def _key(table: str, key: Item) -> Key:
    sort = SCHEMAS[table].range
    if len(key) != (2 if sort else 1):
        raise client_error("ValidationException", "The provided key element does not match the schema", "Key")
    return _key_in(table, key)


def _key_in(table: str, item: Item) -> Key:
    sort = SCHEMAS[table].range
    return item["pk"]["S"], item[sort]["N"] if sort else ""


def _normal(item: Item) -> Item:
    """`item` with its sets in order: DynamoDB keeps none."""
    if any("SS" in value for value in item.values()):
        return {n: {"SS": sorted(v["SS"])} if "SS" in v else v for n, v in item.items()}
    return item


def _order(item: Item, sort: str | None) -> tuple[Any, str]:
    if sort is None:
        return "", item["pk"]["S"]
    ((kind, value),) = item[sort].items()
    return (int(value) if kind == "N" else value), item["pk"]["S"]


def all_items(database: Database, table: str) -> Iterator[dict[str, Any]]:
    """Every item of a table as plain values, in the order of its keys: what an auditor sees at the end."""
    for _, item in sorted(database.items[table].items()):
        yield _plain_map(item)


def _plain_map(item: Item) -> dict[str, Any]:
    return {name: value["S"] if "S" in value else _plain(value) for name, value in item.items()}


def _plain(value: Value) -> Any:
    ((kind, inner),) = value.items()
    match kind:
        case "N":
            return int(inner)
        case "M":
            return _plain_map(inner)
        case "L":
            return [_plain(part) for part in inner]
        case "SS":
            return set(inner)
        case "NULL":
            return None
    return inner
