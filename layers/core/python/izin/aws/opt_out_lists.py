"""The provider's opt-out lists: read page by page, added to, and taken from.

How far a list has been read lies beside the states, under `CURSOR#<list>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from izin.aws import dynamo
from izin.aws.dynamo import get, pack
from izin.aws.runtime import Runtime
from izin.domain.opt_out_lists import Entry
from izin.domain.times import from_text, to_text

PAGE = 100
_GONE = ("ResourceNotFoundException", "ConflictException", "ValidationException")


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of a list, and what leads to the next; None at the end."""

    entries: tuple[Entry, ...]
    following: str | None


class NoSuchPage(Exception):
    """What should have led to a page leads nowhere any more: begin again."""


@cache
def _client() -> Any:
    config = Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
    return boto3.client("pinpoint-sms-voice-v2", config=config)


def page(rt: Runtime, of_list: str, token: str | None) -> Page:
    """The page of a list that `token` leads to, or the first. Raises NoSuchPage."""
    request: dict[str, Any] = {"OptOutListName": of_list, "MaxResults": PAGE}
    try:
        answer = (rt.sms or _client()).describe_opted_out_numbers(
            **request, **({"NextToken": token} if token else {})
        )
    except ClientError as error:
        if token and error.response["Error"]["Code"] == "ValidationException":
            raise NoSuchPage from None
        raise
    entries = (
        Entry(
            number=_e164(found["OptedOutNumber"]),
            listed_at=found["OptedOutTimestamp"].astimezone(UTC),
            by_person=found["EndUserOptedOut"],
        )
        for found in answer.get("OptedOutNumbers", [])
    )
    return Page(tuple(entries), answer.get("NextToken"))


def put(rt: Runtime, of_list: str, number: str) -> None:
    """Put a number on a list; one that is there stays."""
    (rt.sms or _client()).put_opted_out_number(OptOutListName=of_list, OptedOutNumber=number)


def take_off(rt: Runtime, of_list: str, number: str) -> bool:
    """Take a number off a list; False where the provider does not, as within 30 days of the last time."""
    try:
        (rt.sms or _client()).delete_opted_out_number(OptOutListName=of_list, OptedOutNumber=number)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
        return False
    return True


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a list has been read: the page that follows, or when to begin again."""

    token: str | None = None
    rests_until: datetime | None = None


def cursor(rt: Runtime, of_list: str) -> Cursor:
    """How far the last round got."""
    item = get(rt, rt.state_table, {"pk": _cursor_key(of_list)}) or {}
    until = item.get("rests_until")
    return Cursor(item.get("token"), from_text(until) if until else None)


def set_cursor(rt: Runtime, of_list: str, cursor: Cursor) -> None:
    """Note how far this round got."""
    until = to_text(cursor.rests_until) if cursor.rests_until else None
    item = {"pk": _cursor_key(of_list), "token": cursor.token, "rests_until": until}
    dynamo.put(rt, TableName=rt.state_table, Item=pack(item))


def _cursor_key(of_list: str) -> str:
    return f"CURSOR#{of_list}"


def _e164(number: str) -> str:
    return number if number.startswith("+") else f"+{number}"
