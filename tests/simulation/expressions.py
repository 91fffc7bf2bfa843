"""What does an expression mean? What the product uses of DynamoDB's language, compiled by its text.

What the product does not use is refused loudly: a double that guesses proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

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
class Condition:
    holds: Check
    used: frozenset[str]


@cache
def condition(text: str) -> Condition:
    """A condition of comparisons joined by AND, or by OR."""
    tokens = _Tokens(text)
    checks = [_comparison(tokens)]
    joint = tokens.peek()
    while tokens.peek():
        tokens.take(joint if joint in ("AND", "OR") else "AND")
        checks.append(_comparison(tokens))
    if len(checks) == 1:
        return Condition(checks[0], tokens.used)
    every = joint == "AND"

    def holds(item: Item, names: Names, values: Values) -> bool:
        results = (check(item, names, values) for check in checks)
        return all(results) if every else any(results)

    return Condition(holds, tokens.used)


Change = Callable[[Item, Item, Names, Values], None]
"""Writes into the new item what follows from the old one."""


@dataclass(frozen=True, slots=True)
class Update:
    changes: tuple[Change, ...]
    used: frozenset[str]


@cache
def update(text: str) -> Update:
    tokens, changes = _Tokens(text), []
    clauses = {"SET": _set, "REMOVE": _remove, "ADD": _add}
    while tokens.peek():
        clause = clauses[tokens.take(*clauses)]
        changes.append(clause(tokens))
        while tokens.took(","):
            changes.append(clause(tokens))
    return Update(tuple(changes), tokens.used)


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


@cache
def key_condition(text: str) -> tuple[tuple[str, str], tuple[str, str] | None, frozenset[str]]:
    """Attribute and placeholder of the hash key, and of a range key's upper bound if there is one."""
    tokens = _Tokens(text)
    name = tokens.take()
    tokens.take("=")
    place, bound = (name, tokens.take()), None
    if tokens.took("AND"):
        sort = tokens.take()
        tokens.take("<=")
        bound = (sort, tokens.take())
    demand(not tokens.peek(), text)
    return place, bound, tokens.used


def demand(holds: bool, what: str) -> None:
    if not holds:
        raise Unsupported(what)
