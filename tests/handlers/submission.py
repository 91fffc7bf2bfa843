"""A submission of which nothing is wrong but what a test changes, and what a refusal must look like."""

from __future__ import annotations

from typing import Any

from tests.handlers.world import Said

PERSON, TEXT = "+6281298765432", "ShopX: kode masuk Anda 998877"

Change = dict[str, Any]


def submission(change: Change) -> dict[str, Any]:
    body = {
        "id": "never-1",
        "brand": "shopx",
        "sender": "shopx-id-1",
        "to": PERSON,
        "channel": "sms",
        "purpose": "authentication",
        "text": TEXT,
        **change,
    }
    return {name: value for name, value in body.items() if value is not None}


def is_problem(said: Said, status: int, *errors: tuple[str, str]) -> None:
    """An RFC 9457 document with exactly these errors (field, code), each with words for a person to read."""
    assert said.problem, said.text
    assert said.body.keys() >= {"type", "title", "status", "errors"}
    assert (said.status, said.body["status"]) == (status, status), said.text
    assert set(errors) <= set(said.codes), said.text
    assert all(error["message"] and error["field"] and error["code"] for error in said.body["errors"])
    for secret in (PERSON.removeprefix("+"), "998877", "81298765432", TEXT):
        assert secret not in said.text
