"""Clients that somebody watches: every call of a worker can be counted, refused, lost, or its last."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

Request = dict[str, Any]
Watch = Callable[["Call", Callable[[Request], Any]], Any]

WRITES = frozenset(
    {
        "put_item",
        "update_item",
        "transact_write_items",
        "send_message",
        "send_message_batch",
        "send_text_message",
        "put_object",
        "sign",
    }
)


class Killed(BaseException):
    """The worker died here. Nothing of the product may catch it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a worker is about to make, the `number`th since it was watched."""

    number: int
    service: str
    name: str
    request: Request = field(repr=False)

    def __str__(self) -> str:
        return f"call {self.number} ({self.service}.{self.name})"


class Watched:
    """A client of which every call is made by a watch."""

    def __init__(self, client: Any, service: str, numbers: Iterator[int], watch: Watch) -> None:
        self._client, self._service, self._numbers, self._watch = client, service, numbers, watch

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def made(**request: Any) -> Any:
            call = Call(next(self._numbers), self._service, name, request)
            return self._watch(call, lambda sent: method(**sent))

        return made


FAULTS = ("killed", "throttled", "conflict", "answer_lost", "repeated")
"""What may happen to one call.

killed: the worker dies before it. As nothing happens between two calls, that is also to die after the one
before; `Fault.fired` is False for the number behind the last, which is to die when everything is done.
throttled, conflict: a write refused without effect (for a read that is to die before it). answer_lost: made,
and nobody learns of it. repeated: made, its answer lost, and made once more by the client, whose second
answer is what the worker sees.
"""


@dataclass
class Fault:
    """Something that happens to the `at`th call of a worker, once."""

    kind: str
    at: int
    fired: bool = False
    seen: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        where = self.seen[self.at - 1] if len(self.seen) >= self.at else "the end"
        return f"{self.kind} at {where}"

    def watch(self, call: Call, go: Callable[[Request], Any]) -> Any:
        self.seen.append(str(call))
        if call.number != self.at:
            return go(call.request)
        writes, carrier = call.name in WRITES, call.service == "sms"
        if self.kind == "killed":
            self.fired = True
            raise Killed(str(call))
        if self.kind == "throttled" and writes and not carrier:
            self.fired = True
            raise throttled(call)
        if self.kind == "conflict" and call.name == "transact_write_items":
            self.fired = True
            raise conflict(call)
        if self.kind == "answer_lost" and writes and not carrier:
            self.fired = True
            go(call.request)
            raise ReadTimeoutError(endpoint_url="http://emulated")
        if self.kind == "repeated" and writes and not carrier:
            self.fired = True
            request = call.request
            if call.name == "transact_write_items":  # the client sends one token however often it tries
                request = {**request, "ClientRequestToken": str(uuid.uuid4())}
            go(request)
            return go(request)
        return go(call.request)


def throttled(call: Call) -> ClientError:
    """What the service says when it has had enough."""
    codes = {"dynamodb": "ProvisionedThroughputExceededException", "s3": "SlowDown"}
    return _error(codes.get(call.service, "RequestThrottled"), call.name)


def conflict(call: Call) -> ClientError:
    """What DynamoDB says when another transaction is at work on the item."""
    reasons = [{"Code": "TransactionConflict", "Message": "busy"} for _ in call.request["TransactItems"]]
    return _error("TransactionCanceledException", call.name, CancellationReasons=reasons)


def _error(code: str, operation: str, **fields: Any) -> ClientError:
    response = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError({**response, **fields}, operation)
