"""How standings and events are written in items, and read back.

An event's public fields are exactly what its hash covers, so this form is also what an export, an
auditor and `izin verify` see.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from izin.domain.consent import Block, Grant, Scope, Spoken, Standing, Suppression
from izin.domain.events import Event, EventType
from izin.domain.message import Channel, Purpose
from izin.domain.times import from_text, to_text

Item = dict[str, Any]


def standing_item(standing: Standing) -> Item:
    """A standing as a map of maps; empty parts are left out."""
    parts: Item = {
        "granted": {f"{c}:{p}": _grant_item(g) for (c, p), g in standing.granted.items()},
        "pending": {f"{c}:{p}": _grant_item(g) for (c, p), g in standing.pending.items()},
        "blocks": {slot: _block_item(block) for slot, block in standing.blocks.items()},
        "opted_in": {str(c): _grant_item(g) for c, g in standing.opted_in.items()},
        "resumed": {f"{c}:{p}": _grant_item(g) for (c, p), g in standing.resumed.items()},
        "unclear": _grant_item(standing.unclear) if standing.unclear else {},
        "read": _grant_item(standing.read) if standing.read else {},
        "spoken": _spoken_item(standing.spoken) if standing.spoken else {},
        "addresses": sorted(standing.addresses),
    }
    return {name: part for name, part in parts.items() if part}


def standing(item: Mapping[str, Any]) -> Standing:
    """The standing that `standing_item` wrote."""
    return Standing(
        granted={_slot(name): _grant(g) for name, g in item.get("granted", {}).items()},
        pending={_slot(name): _grant(g) for name, g in item.get("pending", {}).items()},
        blocks={slot: _block(block) for slot, block in item.get("blocks", {}).items()},
        opted_in={Channel(name): _grant(g) for name, g in item.get("opted_in", {}).items()},
        resumed={_slot(name): _grant(g) for name, g in item.get("resumed", {}).items()},
        unclear=_grant(item["unclear"]) if item.get("unclear") else None,
        read=_grant(item["read"]) if item.get("read") else None,
        spoken=_spoken(item["spoken"]) if item.get("spoken") else None,
        addresses=frozenset(item.get("addresses", ())),
    )


def _slot(name: str) -> tuple[Channel, Purpose]:
    channel, purpose = name.split(":")
    return Channel(channel), Purpose(purpose)


def _grant_item(grant: Grant) -> Item:
    return _present(
        given_at=to_text(grant.given_at),
        event=grant.event,
        by_person_at=_text(grant.by_person_at),
        expires_at=_text(grant.expires_at),
        asked_at=_text(grant.asked_at),
    )


def _grant(item: Mapping[str, Any]) -> Grant:
    return Grant(
        from_text(item["given_at"]),
        item["event"],
        _instant(item.get("by_person_at")),
        _instant(item.get("expires_at")),
        _instant(item.get("asked_at")),
    )


def _spoken_item(spoken: Spoken) -> Item:
    return {"language": spoken.language, "given_at": to_text(spoken.given_at), "event": spoken.event}


def _spoken(item: Mapping[str, Any]) -> Spoken:
    return Spoken(item["language"], from_text(item["given_at"]), item["event"])


def _block_item(block: Block) -> Item:
    return _present(
        given_at=to_text(block.given_at),
        event=block.event,
        scope=str(block.scope),
        kind=str(block.kind),
        silent_from=to_text(block.silent_from),
        by_person=block.by_person or None,
        channel=str(block.channel) if block.channel else None,
        purposes=[str(purpose) for purpose in block.purposes] or None,
    )


def _block(item: Mapping[str, Any]) -> Block:
    return Block(
        from_text(item["given_at"]),
        item["event"],
        Scope(item["scope"]),
        Suppression(item["kind"]),
        from_text(item["silent_from"]),
        item.get("by_person", False),
        Channel(item["channel"]) if "channel" in item else None,
        tuple(Purpose(purpose) for purpose in item.get("purposes", ())),
    )


def event_item(event: Event) -> Item:
    """An event's public fields; those that do not apply are left out."""
    return _present(
        id=event.id,
        type=str(event.type),
        given_at=to_text(event.given_at),
        recorded_at=to_text(event.recorded_at),
        address=event.address,
        channel=str(event.channel),
        source=event.source,
        purposes=[str(purpose) for purpose in event.purposes] or None,
        by_person=event.by_person or None,
        expires_at=_text(event.expires_at),
        asked_at=_text(event.asked_at),
        scope=str(event.scope) if event.scope else None,
        kind=str(event.kind) if event.kind else None,
        silent_from=_text(event.silent_from),
        company_wide=event.company_wide or None,
        details=dict(event.details) or None,
    )


def event(item: Mapping[str, Any]) -> Event:
    """The event that `event_item` wrote. Raises KeyError or ValueError where it is none."""
    return Event(
        id=item["id"],
        type=EventType(item["type"]),
        given_at=from_text(item["given_at"]),
        recorded_at=from_text(item["recorded_at"]),
        address=item["address"],
        channel=Channel(item["channel"]),
        source=item["source"],
        purposes=tuple(Purpose(purpose) for purpose in item.get("purposes", ())),
        by_person=item.get("by_person", False),
        expires_at=_instant(item.get("expires_at")),
        asked_at=_instant(item.get("asked_at")),
        scope=Scope(item["scope"]) if "scope" in item else None,
        kind=Suppression(item["kind"]) if "kind" in item else None,
        silent_from=_instant(item.get("silent_from")),
        company_wide=item.get("company_wide", False),
        details=item.get("details", {}),
    )


def _present(**fields: Any) -> Item:
    return {name: value for name, value in fields.items() if value is not None}


def _text(instant: datetime | None) -> str | None:
    return to_text(instant) if instant else None


def _instant(text: str | None) -> datetime | None:
    return from_text(text) if text else None
