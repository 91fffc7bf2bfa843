"""What does a ledger say about a person, event by event? The standing that its state must hold.

Times are compared as texts: all are written in UTC to the millisecond, and sort as instants do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Standing = dict[str, Any]

NEUTRAL = frozenset(
    {
        "consent_unproven",
        "reason",
        "access_requested",
        "access_given",
        "erased",
        "anonymised",
        "checkpoint",
    }
)
"""Events that are about a person's records and change nothing of what they said."""

_GRANTING = {"consent_granted": "granted", "consent_pending": "pending"}
_REPLIED = {"reply_unclear": "unclear", "reply_read": "read"}


class Unknown(Exception):
    """A type of event that this program does not know: it is older than the ledger."""


def applied(standing: Standing, event: Mapping[str, Any]) -> Standing:
    """`standing` after `event`. Raises Unknown; KeyError and TypeError where a field is missing."""
    kind = event["type"]
    addresses = sorted({*standing.get("addresses", ()), event["address"]})
    standing = {**standing, "addresses": addresses}
    if kind in _GRANTING:
        return _spoken(_granted(standing, _GRANTING[kind], _slots(event), event), event)
    if kind == "opt_in":
        part, slots = (
            ("resumed", _slots(event)) if event.get("purposes") else ("opted_in", [event["channel"]])
        )
        return _granted(standing, part, slots, event)
    if kind in _REPLIED:
        part, new = _REPLIED[kind], _grant(event)
        old = standing.get(part)
        return standing if old and _order(old) >= _order(new) else {**standing, part: new}
    if kind == "opt_out":
        return _blocked(standing, event)
    if kind not in NEUTRAL:
        raise Unknown(f"this program does not know events of type {kind!r}: use a newer one")
    return standing


def carried(event: Mapping[str, Any]) -> Standing:
    """The standing that a checkpoint carries over from the events before it."""
    standing: Standing = json.loads(event["details"]["standing"])
    return standing


def _slots(event: Mapping[str, Any]) -> list[str]:
    return [f"{event['channel']}:{purpose}" for purpose in event["purposes"]]


def _grant(event: Mapping[str, Any]) -> dict[str, Any]:
    grant = {"given_at": event["given_at"], "event": event["id"]}
    if event.get("by_person"):
        grant["by_person_at"] = event.get("asked_at") or event["given_at"]
    return grant | {name: event[name] for name in ("expires_at", "asked_at") if name in event}


def _granted(standing: Standing, part: str, slots: list[str], event: Mapping[str, Any]) -> Standing:
    """In each slot the yes given last; and the last instant at which the person said so themselves."""
    new, filled = _grant(event), dict(standing.get(part, {}))
    for slot in slots:
        old = filled.get(slot, new)
        by_person = max(old.get("by_person_at", ""), new.get("by_person_at", ""))
        latest = {name: value for name, value in max(old, new, key=_order).items() if name != "by_person_at"}
        filled[slot] = latest | ({"by_person_at": by_person} if by_person else {})
    return {**standing, part: filled} if filled else standing


def _spoken(standing: Standing, event: Mapping[str, Any]) -> Standing:
    """With the language of the words that the person agreed to last."""
    language, old = event.get("details", {}).get("language"), standing.get("spoken")
    if not language:
        return standing
    new = {"language": language, "given_at": event["given_at"], "event": event["id"]}
    return standing if old and _order(old) >= _order(new) else {**standing, "spoken": new}


def _blocked(standing: Standing, event: Mapping[str, Any]) -> Standing:
    """In each slot the no given last. A preference, a no to named purposes, has a slot for each."""
    block = {
        "given_at": event["given_at"],
        "event": event["id"],
        "scope": event["scope"],
        "kind": event["kind"],
        "silent_from": event["silent_from"],
    }
    if event.get("by_person"):
        block["by_person"] = True
    parts = {f"{event['kind']}:{event['scope']}{':by_person' if event.get('by_person') else ''}": block}
    if event.get("purposes"):
        parts = {
            f"preference:{event['channel']}:{purpose}": block
            | {"channel": event["channel"], "purposes": [purpose]}
            for purpose in event["purposes"]
        }
    blocks = dict(standing.get("blocks", {}))
    for slot, part in parts.items():
        if slot not in blocks or _order(blocks[slot]) < _order(part):
            blocks[slot] = part
    return {**standing, "blocks": blocks}


def _order(act: Mapping[str, Any]) -> tuple[str, str, str]:
    """A yes that answers a request counts from the request; the event's id decides between equals."""
    return act.get("asked_at") or act["given_at"], act["given_at"], act["event"]
