"""What can be asked of this API? `GET /openapi.json`, for everyone."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from izin import openapi
from izin.aws import http


def handler(_event: dict[str, Any], _context: object) -> http.Answer:
    """The description, which says nothing about anybody."""
    return http.answer(HTTPStatus.OK, openapi.document())
