"""How do we show that no event of a ledger was changed, dropped or inserted later?

Each event is chained to the one before it by SHA-256 over its canonical JSON. Personal evidence
enters as a salted commitment, so that it can be erased and the chain still verifies.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

GENESIS = "0" * 64
"""What the first event of a ledger is chained to."""

_UNCHAINED = frozenset({"hash", "sealed"})
"""The link itself, and ciphertext whose plain text is already committed to."""


def canonical(value: Any) -> bytes:
    """`value` as the one JSON text that stands for it (RFC 8785, for strings, integers, booleans).

    Raises TypeError for floats: their canonical form depends on the language that prints them.
    """
    _refuse_floats(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("a ledger holds no floating-point numbers")
    if isinstance(value, Mapping):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_floats(item)


def link(event: Mapping[str, Any]) -> str:
    """The hash of a stored event, which names its predecessor in `prev`. 64 hexadecimal digits."""
    return hashlib.sha256(canonical({k: v for k, v in event.items() if k not in _UNCHAINED})).hexdigest()


def commit(salt: bytes, name: str, value: str) -> str:
    """A commitment to one piece of personal evidence, worthless to guess at without its salt."""
    return hmac.new(salt, f"{name}={value}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a chain, and at which event."""

    seq: int
    problem: str


def verify(events: Iterable[Mapping[str, Any]], head: str | None = None) -> Fault | None:
    """The first fault of a ledger given in order, or None if it is whole.

    `head`, where it is known, is the hash of the last event: without it a ledger that lost its
    newest events cannot be told from one that never had them.
    """
    prev, expected = GENESIS, 1
    for event in events:
        seq = int(event.get("seq", 0))
        if seq != expected:
            return Fault(expected, f"event {expected} is missing: found {seq}")
        if event.get("prev") != prev:
            return Fault(seq, f"event {seq} is not chained to the one before it")
        if event.get("hash") != link(event):
            return Fault(seq, f"event {seq} was changed after it was written")
        prev, expected = str(event["hash"]), expected + 1
    if head is not None and prev != head:
        return Fault(expected, f"the ledger should go on with event {expected}")
    return None
