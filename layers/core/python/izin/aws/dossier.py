"""What is kept of one person? What they said and what they were sent, whole and in one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag

from izin.aws import codec, contents, ledger, messages, state
from izin.aws.dynamo import Item, get
from izin.aws.runtime import Runtime
from izin.domain.pack import GLOBAL, Pack, pack_of
from izin.domain.times import shown

_OF_A_MESSAGE = (
    "id",
    "brand",
    "sender",
    "channel",
    "purpose",
    "template",
    "campaign",
    "basis",
    "status",
    "history",
)
Opened = TypeVar("Opened")

_NOT_SHOWN = ("pk", "sealed", "ttl")


def gather(rt: Runtime, recipient_id: str, brands: Iterable[str]) -> dict[str, Any]:
    """All data of a person with `brands`: public fields, and what is sealed, opened with their key.

    After an erasure the key is gone: then only the pseudonymous record is left, and `erased` is true.
    """
    wanted, others = sorted(brands), sorted(state.aliases(rt, recipient_id))
    # What was said at another address before anybody knew that it was theirs has records of its own.
    keys = {one: _key(rt, one) for one in (recipient_id, *others)}
    kept = [_of_brand(rt, key, one, brand) for one, key in keys.items() for brand in wanted]
    kept = [brand for brand in kept if brand["events"] or brand["recipient_id"] == recipient_id]
    sent = [
        _message(key, item)
        for one, key in keys.items()
        for item in messages.of(rt, one)
        if item["brand"] in wanted
    ]
    told = [event["personal"] for brand in kept for event in brand["events"]] + [
        one["personal"] for one in sent
    ]
    return {
        "recipient_id": recipient_id,
        "also_known_as": others,
        "generated_at": shown(rt.now()),
        "erased": keys[recipient_id] is None,
        "addresses": sorted(
            {known[name] for known in told for name in ("address", "user_id", "to") if name in known}
        ),
        "brands": kept,
        "messages": sorted(sent, key=lambda one: str(one["history"][0]["at"])),
    }


def _key(rt: Runtime, recipient_id: str) -> bytes | None:
    item = get(rt, rt.keys_table, {"pk": recipient_id})
    return bytes(item["key"]) if item else None


def _of_brand(rt: Runtime, key: bytes | None, recipient_id: str, brand: str) -> dict[str, Any]:
    seen = state.fetch(rt, brand, recipient_id)
    now = rt.now()
    slots = sorted({*seen.standing.granted, *seen.standing.pending})
    return {
        "brand": brand,
        "recipient_id": recipient_id,
        "consents": [
            {"channel": c, "purpose": p, "status": str(seen.standing.status(c, p, now))} for c, p in slots
        ],
        "standing": codec.standing_item(seen.standing),
        "recent_sends": [{"at": shown(s.at), "purpose": s.purpose, "channel": s.channel} for s in seen.sends],
        "events": [event(key, recipient_id, item) for item in ledger.events(rt, brand, recipient_id)],
    }


def event(key: bytes | None, recipient_id: str, item: Item) -> dict[str, Any]:
    """An event's public fields, and under `personal` what is sealed with it, where `key` opens that."""
    public = {name: value for name, value in item.items() if name not in _NOT_SHOWN}
    return {**public, "personal": ledger.opened(key, recipient_id, item) if key else {}}


def _message(key: bytes | None, item: Item) -> dict[str, Any]:
    public = {name: item[name] for name in _OF_A_MESSAGE if name in item}
    opened = _opened(lambda: contents.unseal(key, item["pk"], item["sealed"])) if key else None
    return {**public, "personal": {"to": opened.to, "text": opened.text} if opened else {}}


def _opened(unseal: Callable[[], Opened]) -> Opened | None:
    """What was sealed; None where that was under a key that was erased since."""
    try:
        return unseal()
    except InvalidTag:
        return None


def pack_by(events: Iterable[Mapping[str, Any]]) -> Pack:
    """The pack of a person by what their ledger says of where they are: the newest event that says so."""
    country: str | None = None
    for event in events:
        details = event.get("details", {})
        country = details.get("country") or details.get("pack", "").split(" ")[0] or country
    return pack_of(country or GLOBAL)
