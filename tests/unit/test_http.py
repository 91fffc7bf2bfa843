"""A refusal names the field, a code and what to do about it."""

from __future__ import annotations

import json

import pytest
from izin.api import Check, OptOutBody
from izin.aws import http
from pydantic import BaseModel

_CHECK = {
    "brand": "shopx",
    "sender": "shopx-1",
    "to": "+6281234567890",
    "channel": "sms",
    "purpose": "marketing",
    "text": "ShopX",
}


@pytest.mark.parametrize(
    ("model", "body", "field", "code", "remedy"),
    [
        (Check, {**_CHECK, "colour": "red"}, "colour", "unknown_field", "leave it out"),
        (Check, {**_CHECK, "at": "2026-11-22T12:00:00"}, "at", "time_without_offset", "+07:00"),
        (OptOutBody, {"brand": "shopx", "source": "app"}, "address", "missing", "add it"),
    ],
)
def test_the_words_of_a_model_come_with_a_remedy(
    model: type[BaseModel], body: dict[str, str], field: str, code: str, remedy: str
) -> None:
    with pytest.raises(http.Problem) as refused:
        http.parse(model, json.dumps(body).encode())
    (error,) = refused.value.errors
    assert (error.field, error.code) == (field, code)
    assert remedy in error.message


def test_what_is_no_json_is_told_what_to_send() -> None:
    with pytest.raises(http.Problem) as refused:
        http.parse(Check, b"{")
    assert "one JSON object" in refused.value.errors[0].message
