"""How does a command talk to the API?"""

from __future__ import annotations

import argparse
import json
import os
import time
import urllib.error
import urllib.request
from typing import Any

from izin.commands.arguments import Unanswerable


def add_api(parser: argparse.ArgumentParser) -> None:
    """The address and the key, which the environment may hold."""
    parser.add_argument("--api", default=os.environ.get("IZIN_API"), help="the API's address, or IZIN_API")
    parser.add_argument("--key", default=os.environ.get("IZIN_KEY"), help="an API key, or IZIN_KEY")


def post(asked: argparse.Namespace, path: str, body: Any) -> Any:
    """Post `body`; the answer. Asked again while the API is busy or away. Raises Unanswerable."""
    request, trouble = _request(asked, path, body, "POST"), ""
    for wait in WAITS:
        time.sleep(wait)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code not in _BUSY:
                raise Unanswerable(f"{path}: the API answered {error.code}; is the key right?") from None
            trouble = f"it answered {error.code}"
        except OSError as error:
            trouble = str(error)
    raise Unanswerable(f"{asked.api}: {trouble}; start the same command again later")


WAITS = (0, 0.5, 1, 2, 4, 8)
"""Seconds before each attempt."""

_BUSY = (429, 500, 502, 503, 504)


def _request(asked: argparse.Namespace, path: str, body: Any, method: str) -> urllib.request.Request:
    if not asked.api.startswith(("https://", "http://")):
        raise Unanswerable(f"--api: {asked.api!r} is no http address")
    headers = {"Authorization": f"Bearer {asked.key}", "Content-Type": "application/json"}
    data = json.dumps(body, default=str).encode()
    return urllib.request.Request(asked.api.rstrip("/") + path, data, headers, method=method)  # noqa: S310


def get(asked: argparse.Namespace, path: str) -> bytes:
    """What the API answers at `path`. Raises Unanswerable."""
    if not asked.api.startswith(("https://", "http://")):
        raise Unanswerable(f"--api: {asked.api!r} is no http address")
    headers = {"Authorization": f"Bearer {asked.key}"}
    request = urllib.request.Request(asked.api.rstrip("/") + path, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (the scheme is checked above)
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        raise Unanswerable(
            f"the API answered {error.code}; are the id, the brand and the key right?"
        ) from None
    except OSError as error:
        raise Unanswerable(f"{asked.api} does not answer: {error}") from None


def put(asked: argparse.Namespace, path: str, body: Any) -> list[dict[str, str]]:
    """Put one thing into the registry; the errors that it was refused with. Raises Unanswerable."""
    request = _request(asked, path, body, "PUT")
    try:
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310 (the scheme is checked above)
            return []
    except urllib.error.HTTPError as error:
        try:
            errors: list[dict[str, str]] = json.loads(error.read())["errors"]
        except (ValueError, KeyError):
            raise Unanswerable(f"{path}: the API answered {error.code}; is the key right?") from None
        return errors
    except OSError as error:
        raise Unanswerable(f"{asked.api} does not answer: {error}") from None
