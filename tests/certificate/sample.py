"""A certificate as an operator in Indonesia would be handed it: who agreed, left, and came back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from izin.aws import codec
from izin.certificate import Shown, document
from izin.domain import chain
from izin.domain.capture import wording_hash
from izin.domain.consent import Scope, Suppression
from izin.domain.events import Event, EventType, replay
from izin.domain.message import Channel, Purpose
from izin.domain.pack import load
from izin.domain.registry import Brand

NUMBER = "+6281290012345"
WORDING = "Saya setuju menerima promosi dari ShopX melalui SMS. Berhenti kapan saja dengan membalas STOP."
PICTURE = "sha256:" + "4b5c5c92" * 8
RECIPIENT = "XKmfW9QT3leDmlxVHIAJdK2v-BGuAbrFyRKZxPEakKI"
AT = datetime(2026, 11, 22, 16, 29, tzinfo=UTC)
MARKETING = (Purpose.MARKETING,)
LOGGED = {"seq": 5, "index": 17, "checkpoint": "izin/shopx 18 J3kf0v8mPq0mCq0m1m2m3m4m5m6m7m8m9m0mAbCdEfG="}


def _event(id: str, type: EventType, minutes: int, **fields: Any) -> Event:
    given_at = AT + timedelta(minutes=minutes)
    fields = {"source": "reply", "channel": Channel.SMS, **fields}
    return Event(id=id, type=type, given_at=given_at, recorded_at=given_at, address=RECIPIENT, **fields)


def events(language: str = "id", wording: str = WORDING) -> list[Event]:
    """What happened, in order."""
    details = {
        "wording": wording,
        "wording_sha256": wording_hash(wording),
        "language": language,
        "method": "checkbox",
        "basis": "express",
        "prechecked": "no",
        "condition_of_purchase": "no",
        "app_version": "Android 5.2",
        "pack": "ID 2026-11-22",
    }
    page, silent = "https://shopx.example/daftar", AT + timedelta(minutes=900, seconds=5)
    return [
        _event("asked", EventType.CONSENT_PENDING, 0, purposes=MARKETING, details=details, source=page),
        _event("yes", EventType.CONSENT_GRANTED, 2, purposes=MARKETING, by_person=True, asked_at=AT),
        _event(
            "stop",
            EventType.OPT_OUT,
            900,
            by_person=True,
            scope=Scope.ALL,
            kind=Suppression.OPT_OUT,
            silent_from=silent,
        ),
        _event("why", EventType.REASON, 905, details={"reason": "too_many"}, source="page"),
        _event("start", EventType.OPT_IN, 3000, by_person=True),
    ]


def certificate(*, personal: bool = True, **fields: str) -> dict[str, Any]:
    """The certificate of all that, four days later."""
    acts, shown, prev = events(**fields), list[Shown](), chain.GENESIS
    for seq, act in enumerate(acts, 1):
        item = {
            **codec.event_item(act),
            "brand": "shopx",
            "recipient_id": RECIPIENT,
            "seq": seq,
            "prev": prev,
        }
        told = {"address": NUMBER, "screenshot": PICTURE} if seq == 1 else {}
        item["commitments"] = {name: chain.commit(b"a salt", name, value) for name, value in told.items()}
        prev = item["hash"] = chain.link(item)
        shown.append(Shown(item, act, told))
    rules = {purpose: load("ID").rules(Channel.SMS, purpose) for purpose in MARKETING}
    brand = Brand(id="shopx", name="ShopX", contact="help@shopx.example")
    now = AT + timedelta(days=4)
    return document(brand, RECIPIENT, shown, replay(acts), rules, prev, None, LOGGED, now, personal=personal)
