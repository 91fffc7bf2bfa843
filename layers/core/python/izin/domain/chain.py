"""How do we show that no event of a ledger was changed, dropped or inserted later?

Each event is chained to the one before it by SHA-256 over its canonical JSON. Personal evidence
enters as a salted commitment, so that it can be erased and the chain still verifies.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from izin.domain.times import from_text

GENESIS = "0" * 64
"""What the first event of a ledger is chained to."""

_UNCHAINED = frozenset({"hash", "sealed", "ttl"})
"""The link itself, ciphertext whose plain text is already committed to, and how long an event is kept."""

_LARGEST = 2**53 - 1


def canonical(value: Any) -> bytes:
    """`value` as the one JSON text that stands for it (RFC 8785, for strings, integers, booleans).

    Raises TypeError for floats, whose canonical form depends on the language that prints them, and
    ValueError for integers that a reader with doubles would round.
    """
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


def _ordered(value: Any) -> Any:
    """`value` with every object's members in the order of RFC 8785: by UTF-16 code units."""
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value, key=_utf16)}
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    if isinstance(value, float):
        raise TypeError("a ledger holds no floating-point numbers")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError("a ledger holds no integer beyond 2**53 - 1")
    return value


def _utf16(key: str) -> bytes:
    # By code points an emoji would come after U+FFFD; by UTF-16 code units it comes before.
    return key.encode("utf-16-be")


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


CHECKPOINT = "checkpoint"
"""The type of the event that carries the standing so far, so that those before it may go."""

KEPT_UNTIL = "kept_until"
"""The detail of a checkpoint that says until when the events before it must be there."""


def verify(
    events: Iterable[Mapping[str, Any]], head: str | None = None, at: datetime | None = None
) -> Fault | None:
    """The first fault of a ledger given in order, or None if it is whole.

    `head`, where it is known, is the hash of the last event: without it a ledger that lost its
    newest events cannot be told from one that never had them. Events before a checkpoint may be
    missing from the instant on that the checkpoint names, if that is not after `at`; what is left
    of them is still checked, each by itself. Without `at` nothing may be missing.
    """
    given = list(events)
    begin = _checkpoint(given, at)
    for event in given[: begin or 0]:
        if event.get("hash") != link(event):
            return Fault(
                int(event.get("seq", 0)), f"event {event.get('seq')} was changed after it was written"
            )
    prev, expected = GENESIS, 1
    if begin is not None:
        prev, expected = str(given[begin].get("prev")), int(given[begin]["seq"])
    for event in given[begin:]:
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


def _checkpoint(events: Sequence[Mapping[str, Any]], at: datetime | None) -> int | None:
    """Which checkpoint the unbroken chain begins with, if it does not begin with the first event."""
    whole = all(int(event.get("seq", 0)) == n for n, event in enumerate(events, start=1))
    if whole or at is None:
        return None
    over = (
        n
        for n, event in enumerate(events)
        if event.get("type") == CHECKPOINT and from_text(event["details"][KEPT_UNTIL]) <= at
    )
    return max(over, default=None)
