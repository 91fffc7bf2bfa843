"""Does this one file show that a person's events were written, and when at the latest?"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
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
    """What holds: `logged` of the `events` are under a signature of `checkpoint`, and unchanged since.

    `alone` are left from before a gap that retention made: unchanged in themselves, chained to nothing here.
    """

    brand: str
    recipient_id: str
    events: int
    logged: int
    alone: int
    opened: int
    checkpoint: Checkpoint


def verify(content: bytes, key: PublicKey, now: str) -> Proved:
    """What a proof proves at `now`. Raises Forged where something was changed, and Unreadable."""
    try:
        proof = json.loads(content)
        if proof["format"] != FORMAT:
            raise Unreadable(f"its format is not {FORMAT}")
        about, events = (str(proof["brand"]), str(proof["recipient_id"])), list(proof["events"])
        seq, index = int(proof["seq"]), int(proof["index"])
        path = base64.b64decode(proof["path"], validate=True)
        checkpoint = str(proof["checkpoint"])
        evidence = dict(proof.get("evidence", {}))
        begin = _beginning(events, seq, now)
        for event in events:
            _check(event, about)
            _compare(event, evidence.get(event["id"], {}))
        alone = _chained(events, begin)
        signed = opened(checkpoint, key)
        logged = [event for event in events[alone:] if event["seq"] <= seq]
        if signed.brand != about[0] or not logged or logged[-1]["seq"] != seq:
            raise Forged("the checkpoint is not one of this brand's log")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"it cannot be read: {type(error).__name__}") from None
    entry = f"written {about[0]}#{about[1]} {seq} {logged[-1]['hash']}"
    hashes = [path[at : at + _HASH] for at in range(0, len(path), _HASH)]
    if root_of_path(leaf(entry.encode()), index, signed.size, hashes) != signed.root:
        raise Forged(f"event {seq} is not entry {index} of the log that was signed")
    count = sum(len(evidence.get(event["id"], {})) for event in events[alone:])
    return Proved(*about, len(events), len(logged), alone, count, signed)


def _beginning(events: Sequence[Mapping[str, Any]], seq: int, now: str) -> int:
    """Where the last logged checkpoint is whose time is over: before it events may be gone. -1: nowhere."""
    for place in reversed(range(len(events))):
        event = events[place]
        if event["type"] == "checkpoint" and event["seq"] <= seq and event["details"]["kept_until"] <= now:
            return place
    return -1


def _chained(events: Sequence[Mapping[str, Any]], begin: int) -> int:
    """How many events come before the last gap. There may be gaps up to `begin` only."""
    alone, prev, expected = 0, chain.GENESIS, 1
    for place, event in enumerate(events):
        if event["seq"] > expected and place <= begin:
            alone = place
        elif event["seq"] != expected:
            raise Forged(f"event {expected} is missing: found {event['seq']}")
        elif event["prev"] != prev:
            raise Forged(f"event {expected} is not chained to the one before it")
        prev, expected = event["hash"], event["seq"] + 1
    return alone


def _check(event: Mapping[str, Any], about: tuple[str, str]) -> None:
    if (event["brand"], event["recipient_id"]) != about:
        raise Forged(f"event {event['seq']} is that of somebody else")
    if chain.hash_of(event) != event["hash"]:
        raise Forged(f"event {event['seq']} was changed after it was written")


def _compare(event: Mapping[str, Any], shown: Mapping[str, Mapping[str, str]]) -> None:
    """Evidence that is shown beside an event is what the event committed to."""
    for name, piece in shown.items():
        made = chain.commitment(bytes.fromhex(piece["salt"]), name, piece["value"])
        if made != event.get("commitments", {}).get(name):
            raise Forged(f"the evidence {name!r} of event {event['seq']} is not what was recorded")
