"""Does the double answer as DynamoDB does? A sample of `compare.py`, and its tables against the stack's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handlers import schema
from tests.simulation import compare
from tests.simulation.double import SCHEMAS, Database
from tests.simulation.expressions import Unsupported

_SEQUENCES = range(1, 21)


def test_no_sequence_is_answered_differently() -> None:
    with compare.emulated() as client:
        found = {seed: compare.difference(client, seed) for seed in _SEQUENCES}
    assert {seed: what for seed, what in found.items() if what} == {}


def test_tables_are_those_of_the_stack(request: pytest.FixtureRequest) -> None:
    resources = schema.resources(request.config.cache)
    tables = {name: found for name, found in resources.items() if "KeySchema" in found}
    assert {name: _keys(found) for name, found in tables.items()} == {
        name: _keys(compare.definition(name, name)) for name in SCHEMAS
    }


def _keys(table: dict[str, Any]) -> Any:
    """Keys, indexes and what they project, without the order in which they are listed."""
    indexes = {
        index["IndexName"]: (
            index["KeySchema"],
            index["Projection"]["ProjectionType"],
            sorted(index["Projection"].get("NonKeyAttributes", ())),
        )
        for index in table.get("GlobalSecondaryIndexes", ())
    }
    types = {
        attribute["AttributeName"]: attribute["AttributeType"] for attribute in table["AttributeDefinitions"]
    }
    return table["KeySchema"], indexes, types


def test_what_the_double_does_not_know_is_not_guessed() -> None:
    with pytest.raises(Unsupported):
        Database().update_item(
            TableName="state",
            Key={"pk": {"S": "a"}},
            UpdateExpression="SET n = size(n)",
        )
