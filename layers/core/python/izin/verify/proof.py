"""Does this one file show that a person's events were written, and when at the latest?"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from izin.verify import chain
from izin.verify.note import Checkpoint, Forged, PublicKey, opened
from izin.verify.tree import leaf, root_of_path

FORMAT = "izin-proof-1"
_HASH = 32


class Unreadable(Exception):
    """A file that is no proof; its text says why."""


@dataclass(frozen=True, slots=True)
class Proved:
    """What holds: `logged` of the `events` are under a signature of `checkpoint`, and unchanged since."""

    brand: str
    recipient_id: str
    events: int
    logged: int
    opened: int
    checkpoint: Checkpoint


def verify(content: bytes, key: PublicKey) -> Proved:
    """What a proof proves. Raises Forged where something was changed, and Unreadable."""
    try:
        proof = json.loads(content)
        if proof["format"] != FORMAT:
            raise Unreadable(f"its format is not {FORMAT}")
        about, events = (str(proof["brand"]), str(proof["recipient_id"])), list(proof["events"])
        seq, index = int(proof["seq"]), int(proof["index"])
        path = base64.b64decode(proof["path"], validate=True)
        checkpoint = str(proof["checkpoint"])
        evidence = dict(proof.get("evidence", {}))
        for event, place in zip(events, range(1, len(events) + 1), strict=True):
            _check(event, place, events[place - 2]["hash"] if place > 1 else chain.GENESIS, about)
            _compare(event, evidence.get(event["id"], {}))
        signed = opened(checkpoint, key)
        if signed.brand != about[0] or not 0 < seq <= len(events):
            raise Forged("the checkpoint is not one of this brand's log")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"it cannot be read: {type(error).__name__}") from None
    entry = f"written {about[0]}#{about[1]} {seq} {events[seq - 1]['hash']}"
    hashes = [path[at : at + _HASH] for at in range(0, len(path), _HASH)]
    if root_of_path(leaf(entry.encode()), index, signed.size, hashes) != signed.root:
        raise Forged(f"event {seq} is not entry {index} of the log that was signed")
    count = sum(len(values) for values in evidence.values())
    return Proved(*about, len(events), seq, count, signed)


def _check(event: Mapping[str, Any], seq: int, prev: str, about: tuple[str, str]) -> None:
    if (event["brand"], event["recipient_id"]) != about or event["seq"] != seq:
        raise Forged(f"event {seq} is missing, or that of somebody else")
    if event["prev"] != prev:
        raise Forged(f"event {seq} is not chained to the one before it")
    if chain.hash_of(event) != event["hash"]:
        raise Forged(f"event {seq} was changed after it was written")


def _compare(event: Mapping[str, Any], shown: Mapping[str, Mapping[str, str]]) -> None:
    """Evidence that is shown beside an event is what the event committed to."""
    for name, piece in shown.items():
        made = chain.commitment(bytes.fromhex(piece["salt"]), name, piece["value"])
        if made != event.get("commitments", {}).get(name):
            raise Forged(f"the evidence {name!r} of event {event['seq']} is not what was recorded")
