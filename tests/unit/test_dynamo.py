"""Items are written as boto3 writes them, and read back as they were."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st
from izin.aws.dynamo import pack, unpack
from izin.domain.message import Purpose

_TEXT = st.text(max_size=8)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**37), 10**37)
    | _TEXT
    | st.binary(max_size=8)
    | st.sets(_TEXT, min_size=1, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=12,
)
_ITEMS = st.dictionaries(_TEXT, _VALUES, max_size=5)


@given(_ITEMS)
def test_an_item_is_written_as_boto3_writes_it(item: dict[str, Any]) -> None:
    boto3s = {name: TypeSerializer().serialize(v) for name, v in item.items() if v is not None}
    assert _ordered(pack(item)) == _ordered(boto3s)


@given(_ITEMS)
def test_an_item_is_read_back_as_it_was(item: dict[str, Any]) -> None:
    kept = {name: value for name, value in item.items() if value is not None}
    assert unpack(pack(item)) == kept
    boto3s = {name: TypeDeserializer().deserialize(value) for name, value in pack(item).items()}
    assert unpack(pack(item)) == _without_decimals(boto3s)


def test_names_of_a_closed_list_are_texts() -> None:
    assert pack({"purpose": Purpose.MARKETING, "pair": ("a", 1)}) == {
        "purpose": {"S": "marketing"},
        "pair": {"L": [{"S": "a"}, {"N": "1"}]},
    }
    assert type(pack({"purpose": Purpose.MARKETING})["purpose"]["S"]) is str


@pytest.mark.parametrize("value", [1.5, Decimal(1), set(), {1, 2}, object()])
def test_what_no_table_holds_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="a table holds no"):
        pack({"n": value})


@pytest.mark.parametrize("stored", [{"NS": ["1"]}, {"BS": [b"1"]}])
def test_what_no_table_holds_is_not_read(stored: Any) -> None:
    with pytest.raises(TypeError, match="no table holds"):
        unpack({"n": stored})


def test_a_fraction_is_not_cut() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        unpack({"n": {"N": "1.5"}})


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {n: sorted(v) if n == "SS" and isinstance(v, list) else _ordered(v) for n, v in value.items()}
    return [_ordered(inner) for inner in value] if isinstance(value, list) else value


def _without_decimals(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_decimals(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_decimals(inner) for inner in value]
    if isinstance(value, Decimal):
        return int(value)
    return bytes(value.value) if hasattr(value, "value") else value
