"""What would DynamoDB answer? An in-memory double of the calls that the product makes, and no more.

Tables hold items in DynamoDB's own JSON. A stored value is never changed in place: an update makes
a new item that shares what stayed, so whatever was read keeps its values. Expressions are compiled
once by their text. What the product does not use is refused loudly: a double that guesses proves
nothing. `compare.py` holds it against an emulator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

Value = dict[str, Any]
Item = dict[str, Value]
Names = Mapping[str, str]
Values = Mapping[str, Value]
Check = Callable[[Item, Names, Values], bool]
Operand = Callable[[Item, Names, Values], "Value | None"]


class Unsupported(Exception):
    """A call or an expression that the product did not make when this double was written."""


class Invalid(Exception):
    """What DynamoDB calls a ValidationException."""


def client_error(code: str, message: str, operation: str, status: int = 400, **fields: Any) -> ClientError:
    """An error as botocore raises it."""
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError({**response, **fields}, operation)


# Expressions.

_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[#:][A-Za-z0-9_]+|<=|>=|<>|[().,=+<>])")


class _Tokens:
    """The tokens of an expression, and the placeholders among them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise Unsupported(f"{text[at:]!r} in {text!r}")
            self.found.append(match[1])
            at = match.end()
        self.used = frozenset(token for token in self.found if token[0] in "#:")
        self.at = 0

    def peek(self) -> str:
        return self.found[self.at] if self.at < len(self.found) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if not token or (wanted and token not in wanted):
            raise Unsupported(f"{token!r} where {wanted} was expected in {self.text!r}")
        self.at += 1
        return token

    def took(self, wanted: str) -> bool:
        if self.peek() != wanted:
            return False
        self.at += 1
        return True


_FUNCTIONS = ("attribute_not_exists", "if_not_exists", "list_append")


def _element(token: str) -> Callable[[Names], str]:
    if token[0] == "#":
        return lambda names: names[token]
    if token[0].isalpha() or token[0] == "_":
        if token in _FUNCTIONS:
            raise Unsupported(token)
        return lambda names: token
    raise Unsupported(f"{token!r} is no attribute")


def _path(tokens: _Tokens) -> Operand:
    """An attribute, or one within a map."""
    first = _element(tokens.take())
    if not tokens.took("."):
        return lambda item, names, values: item.get(first(names))
    second = _element(tokens.take())

    def nested(item: Item, names: Names, values: Values) -> Value | None:
        outer = item.get(first(names))
        return outer["M"].get(second(names)) if outer and "M" in outer else None

    return nested


def _operand(tokens: _Tokens) -> Operand:
    if tokens.peek().startswith(":"):
        name = tokens.take()
        return lambda item, names, values: values[name]
    return _path(tokens)


def _number(value: Value) -> int:
    return int(value["N"])


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "<=": lambda one, other: bool(one <= other),
}


def _comparison(tokens: _Tokens) -> Check:
    if tokens.took("attribute_not_exists"):
        tokens.take("(")
        path = _path(tokens)
        tokens.take(")")
        return lambda item, names, values: path(item, names, values) is None
    left = _operand(tokens)
    if tokens.took("IN"):
        tokens.take("(")
        options = [_operand(tokens)]
        while tokens.took(","):
            options.append(_operand(tokens))
        tokens.take(")")

        def within(item: Item, names: Names, values: Values) -> bool:
            found = left(item, names, values)
            return found is not None and any(found == option(item, names, values) for option in options)

        return within
    compare = _COMPARE[tokens.take(*_COMPARE)]
    right = _operand(tokens)

    def compared(item: Item, names: Names, values: Values) -> bool:
        one, other = left(item, names, values), right(item, names, values)
        if one is None or other is None:
            return False
        ((kind, value),), ((other_kind, other_value),) = one.items(), other.items()
        return kind == other_kind and compare(value, other_value)

    return compared


@dataclass(frozen=True, slots=True)
class _Condition:
    holds: Check
    used: frozenset[str]


@cache
def _condition(text: str) -> _Condition:
    """A condition of comparisons joined by AND, or by OR."""
    tokens = _Tokens(text)
    checks = [_comparison(tokens)]
    joint = tokens.peek()
    while tokens.peek():
        tokens.take(joint if joint in ("AND", "OR") else "AND")
        checks.append(_comparison(tokens))
    if len(checks) == 1:
        return _Condition(checks[0], tokens.used)
    every = joint == "AND"

    def holds(item: Item, names: Names, values: Values) -> bool:
        results = (check(item, names, values) for check in checks)
        return all(results) if every else any(results)

    return _Condition(holds, tokens.used)


Change = Callable[[Item, Item, Names, Values], None]
"""Writes into the new item what follows from the old one."""


@dataclass(frozen=True, slots=True)
class _Update:
    changes: tuple[Change, ...]
    used: frozenset[str]


@cache
def _update(text: str) -> _Update:
    tokens, changes = _Tokens(text), []
    clauses = {"SET": _set, "REMOVE": _remove, "ADD": _add}
    while tokens.peek():
        clause = clauses[tokens.take(*clauses)]
        changes.append(clause(tokens))
        while tokens.took(","):
            changes.append(clause(tokens))
    return _Update(tuple(changes), tokens.used)


def _set(tokens: _Tokens) -> Change:
    target = _element(tokens.take())
    tokens.take("=")
    value = _term(tokens)
    if tokens.took("+"):
        value = _sum(value, _term(tokens))

    def change(old: Item, new: Item, names: Names, values: Values) -> None:
        found = value(old, names, values)
        if found is None:
            raise Invalid("The provided expression refers to an attribute that does not exist in the item")
        new[target(names)] = found

    return change


def _term(tokens: _Tokens) -> Operand:
    if tokens.took("if_not_exists"):
        tokens.take("(")
        path = _path(tokens)
        tokens.take(",")
        default = _operand(tokens)
        tokens.take(")")

        def given_or_default(item: Item, names: Names, values: Values) -> Value | None:
            found = path(item, names, values)
            return default(item, names, values) if found is None else found

        return given_or_default
    if tokens.took("list_append"):
        tokens.take("(")
        first = _operand(tokens)
        tokens.take(",")
        second = _operand(tokens)
        tokens.take(")")

        def joined(item: Item, names: Names, values: Values) -> Value | None:
            head, tail = first(item, names, values), second(item, names, values)
            return None if head is None or tail is None else {"L": [*head["L"], *tail["L"]]}

        return joined
    return _operand(tokens)


def _sum(left: Operand, right: Operand) -> Operand:
    def added(item: Item, names: Names, values: Values) -> Value | None:
        one, other = left(item, names, values), right(item, names, values)
        return None if one is None or other is None else {"N": str(_number(one) + _number(other))}

    return added


def _remove(tokens: _Tokens) -> Change:
    target = _element(tokens.take())

    def change(old: Item, new: Item, names: Names, values: Values) -> None:
        new.pop(target(names), None)

    return change


def _add(tokens: _Tokens) -> Change:
    target, name = _element(tokens.take()), tokens.take()

    def change(old: Item, new: Item, names: Names, values: Values) -> None:
        members = values[name]["SS"]  # a KeyError here is a number: the product adds to sets only
        before = old.get(target(names), {"SS": []})["SS"]
        new[target(names)] = {"SS": sorted({*before, *members})}

    return change


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
    "state": Schema(indexes={"due": Index("due_shard", "wake_at")}),
    "messages": Schema(
        indexes={
            "due": Index("due_shard", "wake_at", ("status", "sender", "recipient_id", "due", "purpose")),
            "carrier": Index("carrier_ref"),
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
                    view.apply(key, view.image(item))
        return other

    # The calls.

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        _demand(ConsistentRead, "the product reads consistently")
        found = self.items[TableName].get(_key(TableName, Key))
        return {} if found is None else {"Item": dict(found)}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        responses: dict[str, list[Item]] = {}
        for table, request in RequestItems.items():
            _demand(request["ConsistentRead"], "the product reads consistently")
            _demand(request.keys() == {"ConsistentRead", "Keys"}, "no projections")
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
        _demand(wanted in ("NONE", "ALL_NEW"), f"ReturnValues {wanted}")
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
        place, range_check, used = _key_condition(KeyConditionExpression)
        _demand(used == ExpressionAttributeValues.keys(), "an unused value")
        if IndexName is None:
            _demand(ConsistentRead, "the product reads consistently")
            attribute, sort, key_names = "pk", SCHEMAS[TableName].range, ["pk"]
        else:
            view = self.views[TableName][IndexName]
            attribute, sort, key_names = view.index.hash, view.index.range, ["pk", view.index.hash]
        if sort:
            key_names.append(sort)
        _demand(place[0] == attribute, f"{KeyConditionExpression!r} on {IndexName or TableName}")
        wanted = ExpressionAttributeValues[place[1]]
        if IndexName is None:
            found = [item for item in self.items[TableName].values() if item["pk"] == wanted]
        else:
            view.catch_up(self.clock())
            found = list(view.shown.get(wanted["S"], {}).values())
        if range_check:
            _demand(range_check[0] == sort, f"{range_check[0]} is no key")
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
            if not shown and key not in view.where and key not in view.latest:
                continue
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
        _demand(kind == "Update", f"{kind} in a transaction")
        return self._prepared_update(request, set())

    def _prepared_put(self, request: Mapping[str, Any], options: set[str]) -> _Write:
        _demand(request.keys() <= {"TableName", "Item", *options}, f"PutItem with {sorted(request)}")
        table, item = request["TableName"], _normal(request["Item"])
        condition = _condition_of(request)
        _demand_all_used(request, condition.used if condition else frozenset())
        return _Write(table, _key_in(table, item), condition, request, lambda old: item)

    def _prepared_update(self, request: Mapping[str, Any], options: set[str]) -> _Write:
        known = {"TableName", "Key", "UpdateExpression", "ConditionExpression", *_PLACEHOLDERS}
        _demand(request.keys() <= known | options, f"UpdateItem with {sorted(request)}")
        table, update, condition = (
            request["TableName"],
            _update(request["UpdateExpression"]),
            _condition_of(request),
        )
        _demand_all_used(request, update.used | condition.used if condition else update.used)
        names, values = (request.get(place, _NOTHING) for place in _PLACEHOLDERS)
        key_item = request["Key"]

        def image(old: Item | None) -> Item:
            before: Item = key_item if old is None else old
            new = dict(before)
            for change in update.changes:
                change(before, new, names, values)
            return new

        return _Write(table, _key(table, key_item), condition, request, image)


@dataclass(frozen=True, slots=True)
class _Write:
    """One write, ready to be judged and made. `image` is the item that it leaves behind."""

    table: str
    key: Key
    condition: _Condition | None
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


def _condition_of(request: Mapping[str, Any]) -> _Condition | None:
    text = request.get("ConditionExpression")
    return _condition(text) if text else None


@cache
def _key_condition(text: str) -> tuple[tuple[str, str], tuple[str, str] | None, frozenset[str]]:
    """Attribute and placeholder of the hash key, and of a range key's upper bound if there is one."""
    tokens = _Tokens(text)
    name = tokens.take()
    tokens.take("=")
    place, bound = (name, tokens.take()), None
    if tokens.took("AND"):
        sort = tokens.take()
        tokens.take("<=")
        bound = (sort, tokens.take())
    _demand(not tokens.peek(), text)
    return place, bound, tokens.used


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise Unsupported(what)


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
        yield {name: _plain(value) for name, value in item.items()}


def _plain(value: Value) -> Any:
    ((kind, inner),) = value.items()
    match kind:
        case "N":
            return int(inner)
        case "M":
            return {name: _plain(part) for name, part in inner.items()}
        case "L":
            return [_plain(part) for part in inner]
        case "SS":
            return set(inner)
        case "NULL":
            return None
    return inner
