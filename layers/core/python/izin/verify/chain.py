"""What is the hash of an event, and what did it commit to? As `docs/verification.md` describes it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

GENESIS = "0" * 64
"""What the first event of a ledger names as the one before it."""

_OUTSIDE = frozenset({"hash", "sealed", "pk", "ttl"})
"""The hash itself, ciphertext, and what belongs to the table and not to the event."""


def hash_of(event: Mapping[str, Any]) -> str:
    """SHA-256 over the event's canonical JSON. Raises ValueError and TypeError where it has none."""
    text = _json({name: value for name, value in event.items() if name not in _OUTSIDE})
    return hashlib.sha256(text.encode()).hexdigest()


def _json(value: Any) -> str:
    """RFC 8785, for what an event may hold: objects, lists, strings, whole numbers, true, false, null."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    # Members stand in the order of UTF-16 code units, which is that of code points where all is ASCII.
    return text if text.isascii() and "." not in text else _slowly(value)


def _slowly(value: Any) -> str:
    match value:
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            return "{" + ",".join(f"{_slowly(name)}:{_slowly(value[name])}" for name in names) + "}"
        case list():
            return "[" + ",".join(map(_slowly, value)) + "]"
        case float():
            raise ValueError("an event holds no floating-point number")
    return json.dumps(value, ensure_ascii=False)


def commitment(salt: bytes, name: str, value: str) -> str:
    """What an event says of a piece of personal evidence: HMAC-SHA-256 under its salt."""
    return hmac.new(salt, f"{name}={value}".encode(), hashlib.sha256).hexdigest()
