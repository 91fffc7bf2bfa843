"""A small sample of exported tables, in which each query of the auditors has something to find."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from izin.aws import codec, dynamo
from izin.domain import chain
from izin.domain.consent import Scope, Suppression
from izin.domain.events import Event, EventType
from izin.domain.message import Channel, Purpose
from izin.domain.times import from_text, to_text
from izin.exports import write
from izin.exports.write import Source

AT = from_text("2026-11-25T00:00:00Z")
WORDING = "Saya setuju menerima promosi dari ShopX melalui SMS."
ANNA, BUDI, CITRA, DEWI = (f"{name:-<43}" for name in ("Anna", "Budi", "Citra", "Dewi"))

# In Jakarta it is seven hours later.
_LIVES: dict[str, list[Event]] = {}


def _event(who: str, type_: EventType, given_at: str, **fields: Any) -> Event:
    """An event; each takes its number from the place that it has in the sample."""
    given = from_text(given_at)
    place = sum(map(len, _LIVES.values())) + 1
    event = Event(
        id=f"event-{place}",
        type=type_,
        given_at=given,
        recorded_at=given + timedelta(seconds=fields.pop("late", 0)),
        address=who,
        channel=Channel.SMS,
        source=fields.pop("source", "https://shopx.example/daftar"),
        **fields,
    )
    _LIVES.setdefault(who, []).append(event)
    return event


def _opt_out(who: str, given_at: str, silent_after: float = 0, **fields: Any) -> None:
    event = _event(
        who, EventType.OPT_OUT, given_at, **{"scope": Scope.ALL, "kind": Suppression.OPT_OUT, **fields}
    )
    _LIVES[who][-1] = replace(event, silent_from=event.recorded_at + timedelta(seconds=silent_after))


_CONSENT = {
    "wording": WORDING,
    "language": "id",
    "method": "form",
    "basis": "express",
    "pack": "ID 2026-11-24",
}
_SALE = {
    "message": "sale-1",
    "template": "sale",
    "campaign": "payday",
    "sender": "shopx-id-1",
    "country": "ID",
}
for _who in (ANNA, BUDI):
    _event(
        _who,
        EventType.CONSENT_GRANTED,
        "2026-11-20T03:00:00Z",
        purposes=(Purpose.MARKETING,),
        details=_CONSENT,
    )
_opt_out(ANNA, "2026-11-23T04:00:00Z", 7.5, late=1.2, source="reply", by_person=True, details=_SALE)
_event(ANNA, EventType.REASON, "2026-11-23T04:02:00Z", source="page", details={**_SALE, "reason": "too_many"})
_opt_out(
    CITRA,
    "2026-11-01T09:00:00Z",
    late=86_400,
    source="letter",
    kind=Suppression.DO_NOT_CONTACT,
    details={"country": "ID"},
)
_event(
    DEWI,
    EventType.CONSENT_UNPROVEN,
    "2026-11-22T05:00:00Z",
    purposes=(Purpose.MARKETING,),
    source="import",
    details={"lacking": "wording missing, screenshot missing", "pack": "ID 2026-11-24"},
)

# Who, id, campaign, hand-over: Anna's second after her STOP, Budi's second within a day and at night.
_MESSAGES = [
    (ANNA, "sale-1", "payday", "2026-11-23T03:00:00Z"),
    (BUDI, "sale-2", "payday", "2026-11-23T03:00:01Z"),
    (ANNA, "sale-3", "weekend", "2026-11-23T05:00:00Z"),
    (BUDI, "sale-4", "weekend", "2026-11-23T16:30:00Z"),
]
_LACKING = {BUDI: "screenshot"}


def ledger() -> Iterator[dict[str, Any]]:
    """The items of the ledger, chained."""
    for who, events in _LIVES.items():
        head = chain.GENESIS
        for seq, event in enumerate(events, start=1):
            evidence = {"address", "screenshot"} if event.type is EventType.CONSENT_GRANTED else {"address"}
            item = {
                **codec.event_item(event),
                "pk": f"shopx#{who}",
                "brand": "shopx",
                "recipient_id": who,
                "seq": seq,
                "prev": head,
                "commitments": dict.fromkeys(sorted(evidence - {_LACKING.get(who)}), 64 * "0"),
            }
            public = {name: value for name, value in item.items() if name != "pk"}
            head = chain.link(public)
            yield {**item, "hash": head}


def messages() -> Iterator[dict[str, Any]]:
    """The items of the messages, all delivered."""
    for who, message_id, campaign, at in _MESSAGES:
        claimed = from_text(at)
        answer = {
            "verdict": "allow",
            "recipient": {
                "recipient_id": who,
                "country": "ID",
                "time_zones": ["Asia/Jakarta"],
                "line_type": "mobile",
            },
            "pack": {"id": "ID", "version": "2026-11-24"},
        }
        yield {
            "pk": f"shopx#{message_id}",
            "id": message_id,
            "brand": "shopx",
            "sender": "shopx-id-1",
            "recipient_id": who,
            "channel": "sms",
            "purpose": "marketing",
            "kind": "submission",
            "template": "sale",
            "campaign": campaign,
            "status": "delivered",
            "attempts": 1,
            "answer": json.dumps(answer),
            "history": [
                _step(claimed, -1, "due"),
                _step(claimed, 0, "sending"),
                _step(claimed, 0.4, "sent"),
                _step(claimed, 6, "delivered"),
            ],
        }


def _step(claimed: datetime, seconds: float, status: str) -> dict[str, str]:
    return {"at": to_text(claimed + timedelta(seconds=seconds)), "status": status}


def export(root: Path) -> None:
    """Write the sample as full exports under `root`."""
    for table, items in (("ledger", ledger()), ("messages", messages())):
        source = Source(root, f"full/{table}", f"arn:aws:dynamodb:ap-southeast-3:1:table/{table}", "sample")
        write.write(source, map(dynamo.pack, items), AT, write.new_id(AT, "5a3b1e00"))
