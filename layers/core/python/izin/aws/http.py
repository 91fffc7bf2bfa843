"""How a function answers API Gateway: plain JSON, or a problem document that names the remedy.

Every refusal is RFC 9457 `application/problem+json` with `errors: [{field, code, message}]`. A
verdict of the gate is never one: it is a normal answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from izin.api import BATCH_ITEMS, BATCH_LIMIT, BODY_LIMIT

Event = Mapping[str, Any]
Answer = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request, and how to mend it."""

    field: str
    code: str
    message: str


class Problem(Exception):
    """A request refused: its status and every error found. Holds no personal data."""

    def __init__(self, status: HTTPStatus, errors: Sequence[FieldError], title: str | None = None) -> None:
        super().__init__(title or status.phrase)
        self.status = status
        self.title = title or status.phrase
        self.errors = tuple(errors)


def refuse(status: HTTPStatus, field: str, code: str, message: str) -> Problem:
    """A problem with one error."""
    return Problem(status, [FieldError(field, code, message)])


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose key a request came with: the brand that it is bound to ("*" for all) and its scopes."""

    key: str
    brand: str
    scopes: frozenset[str]

    def demand(self, scope: str, brand: str | None = None) -> None:
        """Raise Problem 403 unless the key may do `scope`, for `brand` where one is named."""
        if scope not in self.scopes:
            raise refuse(
                HTTPStatus.FORBIDDEN,
                "Authorization",
                "scope_missing",
                f"this key lacks the scope {scope!r}: use one that has it; izin key makes it",
            )
        if brand is not None and self.brand not in ("*", brand):
            raise refuse(
                HTTPStatus.FORBIDDEN,
                "brand",
                "brand_of_another_key",
                "this key is bound to another brand: use one of that brand",
            )

    def named_brand(self, event: Event) -> str:
        """The brand that a call without a body is about: the key's, or `?brand=` for a key of all."""
        if self.brand != "*":
            return self.brand
        brand = (event.get("queryStringParameters") or {}).get("brand")
        if not brand:
            raise refuse(
                HTTPStatus.UNPROCESSABLE_ENTITY, "brand", "missing", "this key is for all brands: add ?brand="
            )
        return str(brand)


def principal(event: Event) -> Principal:
    """The key that the authorizer vouched for."""
    context = event["requestContext"]["authorizer"]["lambda"]
    return Principal(context["key"], context["brand"], frozenset(context["scopes"].split()))


def raw_body(event: Event, limit: int = BODY_LIMIT) -> bytes:
    """The request's body. Raises Problem 413 beyond `limit` bytes."""
    text = event.get("body") or ""
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    if len(body) > limit:
        raise refuse(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body", "too_large", f"a body has at most {limit} bytes"
        )
    return body


def parse(model: type[Model], body: bytes) -> Model:
    """`body` as `model`. Raises Problem 400 for what is no JSON and 422 for what does not fit."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> Problem:
    """A validation error as a problem that names fields and remedies, and repeats no input."""
    found = error.errors(include_url=False, include_input=False)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if any(e["type"] == "json_invalid" for e in found):
        status = HTTPStatus.BAD_REQUEST
    return Problem(
        status,
        [FieldError(_field(e), _CODES.get(e["type"], e["type"]), _message(e)) for e in found],
    )


def _field(error: ErrorDetails) -> str:
    place = [*map(str, error["loc"]), *filter(None, [error.get("ctx", {}).get("field")])]
    return ".".join(place) or "body"


_CODES = {
    "extra_forbidden": "unknown_field",
    "missing": "missing",
    "timezone_aware": "time_without_offset",
}


def _message(error: ErrorDetails) -> str:
    """What is wrong in the words of the model, and the remedy where the words name none."""
    remedy = _REMEDIES.get(error["type"])
    return f"{error['msg']}: {remedy}" if remedy else error["msg"]


_REMEDIES = {
    "model_type": "send a JSON object with the fields that GET /openapi.json describes",
    "string_pattern_mismatch": "GET /openapi.json says how it is formed",
    "extra_forbidden": "leave it out, or see GET /openapi.json for how it is spelled",
    "missing": "add it; GET /openapi.json describes it",
    "timezone_aware": "add the offset, as in 2026-11-22T12:00:00Z or 2026-11-22T19:00:00+07:00",
    "json_invalid": "send one JSON object in UTF-8",
}


def batch(event: Event, name: str, switches: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A body `{name: […]}` with 1 to 100 items, and perhaps some of `switches`. Raises Problem.

    The items are not looked into: each is judged alone, so that one does not refuse the others.
    """
    try:
        found: Any = json.loads(raw_body(event, BATCH_LIMIT))
    except (ValueError, RecursionError):
        raise refuse(HTTPStatus.BAD_REQUEST, "body", "json_invalid", "the body is no JSON") from None
    items = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, dict) and (surplus := sorted(found.keys() - {name} - switches)):
        takes = " and ".join(sorted({name, *switches}))
        raise refuse(
            HTTPStatus.UNPROCESSABLE_ENTITY, surplus[0], "unknown_field", f"a batch has {takes}, nothing else"
        )
    if not isinstance(items, list) or not 1 <= len(items) <= BATCH_ITEMS:
        raise refuse(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            name,
            "not_a_batch",
            f'send {{"{name}": […]}} with 1 to {BATCH_ITEMS} items',
        )
    for switch in switches & found.keys():
        if not isinstance(found[switch], bool):
            raise refuse(HTTPStatus.UNPROCESSABLE_ENTITY, switch, "bool_type", "it is true or false")
    return dict(found)


def item(model: type[Model], value: Any) -> Model:
    """One item of a batch as `model`. Raises Problem."""
    text = json.dumps(value)
    if len(text) > BODY_LIMIT:
        raise refuse(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body", "too_large", f"at most {BODY_LIMIT} bytes each"
        )
    return parse(model, text.encode())


def results(logger: Logger, items: Sequence[Any], one: Callable[[Any], Answer]) -> Answer:
    """Every item's own status and body, in the order in which they came."""
    judged = [respond(logger, partial(one, value)) for value in items]
    return answer(
        HTTPStatus.OK,
        {"results": [{"status": each["statusCode"], "body": json.loads(each["body"])} for each in judged]},
    )


def answer(status: HTTPStatus, body: Mapping[str, Any]) -> Answer:
    """A normal answer."""
    return {
        "statusCode": int(status),
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    }


def page(html: str) -> Answer:
    """A page without any script."""
    return {
        "statusCode": int(HTTPStatus.OK),
        "headers": {
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        },
        "body": html,
    }


def problem(error: Problem) -> Answer:
    """A refusal."""
    body = {
        "type": "about:blank",
        "title": error.title,
        "status": int(error.status),
        "errors": [{"field": e.field, "code": e.code, "message": e.message} for e in error.errors],
    }
    return {**answer(error.status, body), "headers": {"content-type": "application/problem+json"}}


def respond(logger: Logger, act: Callable[[], Answer]) -> Answer:
    """What `act` answers; a refusal as a problem; anything unexpected as 500, logged by its type.

    The text of an unexpected exception may quote what it choked on, so it is not logged.
    """
    try:
        return act()
    except Problem as error:
        return problem(error)
    except Exception as error:  # noqa: BLE001 (the caller is told, and nothing of it is logged)
        logger.error("unexpected", extra=described(error))
        return problem(
            refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "", "internal", "nothing was lost; try again")
        )


def described(error: BaseException) -> dict[str, str]:
    """What a log may say of an exception: its type and place. Its text may quote what it choked on."""
    return {"exception": type(error).__name__, "where": _where(error)}


def _where(error: BaseException) -> str:
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    if traceback is None:
        return ""
    return f"{traceback.tb_frame.f_code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno}"
