"""What does a certificate say? The value behind the page, and the JSON that a program reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from izin.certificate.texts import both, second
from izin.domain import evidence
from izin.domain.capture import wording_hash
from izin.domain.consent import Standing
from izin.domain.events import Event, EventType
from izin.domain.message import Channel, Purpose
from izin.domain.pack import Rules, citation, statement
from izin.domain.registry import Brand
from izin.domain.times import shown

FORMAT = "izin-certificate-1"

_CONSENTS = (EventType.CONSENT_GRANTED, EventType.CONSENT_PENDING)


@dataclass(frozen=True, slots=True)
class Shown:
    """One event for a certificate: as it was chained, what of its evidence may be told, and its wording.

    `wording` is the text that the event names by its hash; None where it names none or none is known.
    """

    item: Mapping[str, Any]
    event: Event
    personal: Mapping[str, str]
    wording: str | None = None


def document(
    brand: Brand,
    recipient_id: str,
    events: Sequence[Shown],
    standing: Standing,
    rules: Mapping[Purpose, Rules],
    head: str,
    fault: str | None,
    proof: Mapping[str, Any] | None,
    now: datetime,
    *,
    personal: bool,
) -> dict[str, Any]:
    """The certificate at `now`. Numbers and what else is personal are in it only where `personal`.

    `rules` are those that are asked of the person's consents, by purpose. `fault` is what is wrong with
    the chain, `proof` that it is in the brand's log.
    """
    captured = [one for one in events if one.event.type in _CONSENTS and _hash(one)]
    language = second(captured[-1].event.details.get("language")) if captured else None
    address = next((one.personal["address"] for one in reversed(events) if "address" in one.personal), None)
    return {
        "format": FORMAT,
        "made_at": shown(now),
        "language": language,
        "title": both("title", language),
        "person": {
            "recipient_id": recipient_id,
            **({"address": address} if personal and address else {}),
            "brand": {"id": brand.id, "name": brand.name, "contact": brand.contact},
        },
        "consents": [_consent(one, language, personal) for one in captured],
        "state": [_status(standing, slot, now, language) for slot in _slots(standing)],
        "history": [_happened(one, language) for one in events],
        "proof": {
            "events": len(events),
            "head": head,
            "verifies": fault is None,
            **({"fault": fault} if fault else {}),
            **({"logged": {name: proof[name] for name in ("seq", "index", "checkpoint")}} if proof else {}),
        },
        "rules": _rules(rules.values()),
    }


def _consent(one: Shown, language: str | None, personal: bool) -> dict[str, Any]:
    event, details = one.event, one.event.details
    text = details.get("wording", one.wording)
    return {
        "event": event.id,
        "seq": one.item["seq"],
        "given_at": shown(event.given_at),
        "recorded_at": shown(event.recorded_at),
        "channel": str(event.channel),
        "purposes": [both(purpose, language) for purpose in event.purposes],
        "wording": {
            "text": text,
            "language": details.get("language"),
            "sha256": _hash(one),
            **({"id": details["wording_id"]} if "wording_id" in details else {}),
            **({"version": details["wording_version"]} if "wording_version" in details else {}),
        },
        "method": both(details.get("method", "none"), language),
        "basis": details.get("basis"),
        "prechecked": details.get("prechecked"),
        "condition_of_purchase": details.get("condition_of_purchase"),
        "where": {
            name: told
            for name, told in (("source", event.source), *((n, details.get(n)) for n in _PLACES))
            if told
        },
        "evidence": [*_pictured(details), *_evidence(one, personal)],
        "pack": details.get("pack"),
        **({"expires_at": shown(event.expires_at)} if event.expires_at else {}),
    }


def _hash(one: Shown) -> str | None:
    """The SHA-256 of the words that a consent rests on; one that was imported holds the words alone."""
    details = one.event.details
    return details.get("wording_sha256") or (
        wording_hash(details["wording"]) if "wording" in details else None
    )


_PLACES = ("page", "app_version", "store")


def _pictured(details: Mapping[str, str]) -> Iterable[dict[str, str]]:
    if "screenshot" in details:
        yield {"name": "screenshot of the wording", "file": details["screenshot"]}


def _evidence(one: Shown, personal: bool) -> Iterable[dict[str, str]]:
    """Every piece that was committed to; a file shows as its hash, the rest only where that is allowed."""
    for name, commitment in sorted(one.item.get("commitments", {}).items()):
        told: dict[str, str] = {"name": name, "commitment": str(commitment)}
        value = one.personal.get(name)
        if value and evidence.file_of(name, value):
            told["file"] = value
        elif value and personal:
            told["value"] = value
        yield told


def _slots(standing: Standing) -> list[tuple[Channel, Purpose]]:
    return sorted({*standing.granted, *standing.pending})


def _status(
    standing: Standing, slot: tuple[Channel, Purpose], now: datetime, language: str | None
) -> dict[str, Any]:
    channel, purpose = slot
    status = standing.status(channel, purpose, now)
    grant = standing.granted.get(slot) or standing.pending.get(slot)
    return {
        "channel": str(channel),
        "purpose": both(purpose, language),
        "code": str(status),
        "status": both(status, language),
        **({"expires_at": shown(grant.expires_at)} if grant and grant.expires_at else {}),
    }


_IN_WORDS = {
    "reply_unclear": "Sent a reply that a person has to read",
    "reply_read": "That reply was read, and was no opt-out",
    "consent_unproven": "Another system claimed a consent without evidence; nothing was changed by it",
    "reason": "Said why",
    "access_requested": "Asked to see what is kept of them",
    "access_given": "Was shown what is kept of them",
    "erased": "Everything that tells who they are was erased",
    "anonymised": "What only promotions needed was erased",
    "checkpoint": "A summary of all before it was written, so that the oldest may be deleted one day",
}


def _happened(one: Shown, language: str | None) -> dict[str, Any]:
    event = one.event
    words = {**both(event.type, language)}
    if event.type in _IN_WORDS:
        words = {"en": _IN_WORDS[event.type]}
    told = {
        "by": "their own reply or act" if event.by_person else event.source,
        "silent_from": shown(event.silent_from) if event.silent_from else None,
        "scope": str(event.scope) if event.scope else None,
    }
    return {
        "seq": one.item["seq"],
        "type": str(event.type),
        "given_at": shown(event.given_at),
        "channel": str(event.channel),
        "purposes": [str(purpose) for purpose in event.purposes],
        "words": words,
        "hash": one.item["hash"],
        **{name: value for name, value in told.items() if value},
    }


def _rules(found: Iterable[Rules]) -> list[dict[str, Any]]:
    rules = sum(found, Rules()).asking()
    return [
        {
            "rule": rule.rule,
            "says": statement(rule).partition(": ")[2] or statement(rule),
            "severity": str(rule.severity),
            "sources": {row: citation(row) for row in rule.sources},
        }
        for rule in rules
    ]
