"""What do packs and ledgers say? Written a second time, in the shortest form, without the product."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

Item = dict[str, Any]

# The rules of the packs, for the days of the histories: none of them is a holiday.

_ZONES = {
    "ID": ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"),
    "BR": ("America/Sao_Paulo",),
    "GB": ("Europe/London",),
}
_HOURS = {"ID": (8, 20), "GB": (8, 20), "BR": (9, 20)}
_DAYS = {"ID": range(7), "GB": range(7), "BR": range(5)}
CAPS: dict[str, tuple[tuple[str, int, timedelta], ...]] = {
    "ID": (("marketing", 1, timedelta(hours=24)),),
    "BR": (("marketing", 4, timedelta(days=30)), ("announcement", 2, timedelta(days=30))),
}


def is_open(country: str, purpose: str, at: datetime, later: bool) -> bool:
    """Whether `purpose` may reach somebody of `country` at `at`, by the packs or by their `later` version."""
    if purpose not in ("marketing", "announcement") or country not in _ZONES:
        return True
    opens, closes = (10, 18) if (country, purpose) == ("BR", "announcement") else _HOURS[country]
    for zone in _ZONES[country]:
        local = at.astimezone(ZoneInfo(zone))
        if not opens + later <= local.hour < closes - later or local.weekday() not in _DAYS[country]:
            return False
    return True


# The ledger, read without the product.


def _canonical(event: Mapping[str, Any]) -> bytes:
    public = {name: value for name, value in event.items() if name not in ("hash", "sealed", "pk")}
    return json.dumps(public, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=int).encode()


def is_broken(events: Sequence[Item], head: str | None, seq: int) -> bool:
    hashes = ["0" * 64, *(str(event["hash"]) for event in events)]
    return (
        any(event["prev"] != before for event, before in zip(events, hashes, strict=False))
        or any(hashlib.sha256(_canonical(event)).hexdigest() != event["hash"] for event in events)
        or [int(event["seq"]) for event in events] != list(range(1, len(events) + 1))
        or any(int(b["seq"]) - int(a["seq"]) != 1 for a, b in pairwise(events))
        or int(seq) != len(events)
        or (bool(events) and head != hashes[-1])
    )


def replayed(events: Sequence[Item]) -> Item:
    """The standing that `events` give, in the form in which it is stored."""
    slots: dict[str, dict[str, Item]] = {"granted": {}, "pending": {}, "opted_in": {}, "blocks": {}}
    unclear: Item = {}
    spoken: Item = {}
    handset: dict[tuple[str, str], str] = {}

    def offer(part: str, slot: str, entry: Item) -> None:
        old = slots[part].get(slot)
        if old is None or _rank(old) < _rank(entry):
            slots[part][slot] = entry

    for event in events:
        entry = {"given_at": event["given_at"], "event": event["id"]}
        entry |= {name: event[name] for name in ("expires_at", "asked_at") if name in event}
        since = event.get("asked_at", event["given_at"])
        places: list[tuple[str, str]] = []
        match event["type"]:
            case "consent_granted":
                places = [("granted", f"{event['channel']}:{purpose}") for purpose in event["purposes"]]
            case "consent_pending":
                places = [("pending", f"{event['channel']}:{purpose}") for purpose in event["purposes"]]
            case "opt_in":
                places = [("opted_in", event["channel"])]
            case "opt_out":
                told = ("scope", "kind", "silent_from", "by_person")
                block = {name: event[name] for name in told if name in event}
                said = ":by_person" if event.get("by_person") else ""
                offer("blocks", f"{event['kind']}:{event['scope']}{said}", entry | block)
            case "reply_unclear":
                entry["by_person_at"] = event["given_at"]
                if not unclear or (unclear["given_at"], unclear["event"]) < (event["given_at"], event["id"]):
                    unclear = entry
        language = event.get("details", {}).get("language")
        if language and event["type"] in ("consent_granted", "consent_pending"):
            said_last = (spoken.get("given_at", ""), spoken.get("event", ""))
            if said_last < (event["given_at"], event["id"]):
                spoken = {"language": language, "given_at": event["given_at"], "event": event["id"]}
        for place in places:
            offer(*place, entry)
            if event.get("by_person"):
                handset[place] = max(handset.get(place, ""), since)
    for (part, slot), at in handset.items():
        slots[part][slot] = {**slots[part][slot], "by_person_at": at}
    addresses = sorted({event["address"] for event in events})
    parts: Item = {**slots, "unclear": unclear, "spoken": spoken, "addresses": addresses}
    return {name: part for name, part in parts.items() if part}


def _rank(entry: Item) -> tuple[str, str, str]:
    """Which of two acts in one slot wins: an answer to a request counts from the request."""
    return entry.get("asked_at", entry["given_at"]), entry["given_at"], entry["event"]
