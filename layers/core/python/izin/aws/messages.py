"""A message and its life: the item, its transitions, and the index that finds what falls due.

Key: `<brand>#<id>`. Every transition is one conditional write that also appends to `history`; a
write whose condition fails has lost a race to another transition and changed nothing.

`due` says when a message may go. `wake_at` says when the sweep must look at it again, whatever
happens meanwhile: for a message with a dispatch under way, when to ask what became of it. A
message that has ended leaves the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any

from izin.aws import dynamo
from izin.aws.dynamo import Item, get, pack, query, update_if
from izin.aws.runtime import Runtime
from izin.aws.state import shard
from izin.domain.consent import MARGIN
from izin.domain.message import Channel, Kind, Message, Purpose
from izin.domain.prompts import Prompt
from izin.domain.times import from_text, to_text


class Status(StrEnum):
    """Where a message is in its life."""

    DUE = "due"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


WAITING = (Status.DUE, Status.HELD)
RECHECK = timedelta(minutes=5)
"""How long a message may lie in the dispatch queue before the sweep sends it there again."""

KEEP = timedelta(days=1826)
"""What was sent is provable for as long as any pack keeps the proof of the consent that allowed it."""


def message_key(brand: str, message_id: str) -> str:
    """The key of a message: the caller's id, unique per brand."""
    return f"{brand}#{message_id}"


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as it was read, its number and text still sealed."""

    pk: str
    id: str
    recipient_id: str
    status: Status
    due: datetime | None
    wake_at: datetime | None
    claim: int | None
    permit_until: datetime | None
    attempts: int
    fingerprint: str
    answer: str
    decision: str
    prompt: Prompt
    history: tuple[Mapping[str, str], ...]
    sealed: bytes
    message: Message  # without its text


def read(item: Mapping[str, Any]) -> Stored:
    """A message from its item."""
    return Stored(
        pk=item["pk"],
        id=item["id"],
        recipient_id=item["recipient_id"],
        status=Status(item["status"]),
        due=_instant(item.get("due")),
        wake_at=_instant(item.get("wake_at")),
        claim=item.get("claim"),
        permit_until=_instant(item.get("permit_until")),
        attempts=item["attempts"],
        fingerprint=item.get("fingerprint", ""),
        answer=item.get("answer", ""),
        decision=item.get("decision") or item.get("answer", ""),
        prompt=Prompt(item["id"], item["sender"], item.get("template"), item.get("campaign")),
        history=tuple(item["history"]),
        sealed=item["sealed"],
        message=Message(
            brand=item["brand"],
            sender=item["sender"],
            channel=Channel(item["channel"]),
            purpose=Purpose(item["purpose"]),
            variables=item.get("variables"),
            language=item.get("language"),
            basis=item.get("basis"),
            essential=item.get("essential", False),
            expires_at=_instant(item.get("expires_at")),
            campaign=item.get("campaign"),
            kind=Kind(item["kind"]),
            answers=_instant(item.get("answers")),
        ),
    )


def new(
    message: Message,
    message_id: str,
    recipient_id: str,
    sealed: bytes,
    now: datetime,
    *,
    fingerprint: str | None = None,
    answer: str | None = None,
) -> Item:
    """The item of a message that has yet to be scheduled, held or denied."""
    return {
        "pk": message_key(message.brand, message_id),
        "id": message_id,
        "brand": message.brand,
        "sender": message.sender,
        "recipient_id": recipient_id,
        "channel": str(message.channel),
        "purpose": str(message.purpose),
        "kind": str(message.kind),
        "template": message.template.name if message.template else None,
        "campaign": message.campaign,
        "variables": message.variables,
        "language": message.language,
        "basis": dict(message.basis) if message.basis else None,
        "essential": message.essential or None,
        "expires_at": to_text(message.expires_at) if message.expires_at else None,
        "answers": to_text(message.answers) if message.answers else None,
        "sealed": sealed,
        "fingerprint": fingerprint,
        "answer": answer,
        "attempts": 0,
        "ttl": int((max(now, message.expires_at or now) + KEEP).timestamp()),
    }


def due(item: Item, now: datetime, at: datetime) -> Item:
    """`item` as due at `at`: handed to the queue by its writer, swept if that came to nothing."""
    return _waiting(item, Status.DUE, now, at, max(at, now) + RECHECK)


def held(item: Item, now: datetime, until: datetime) -> Item:
    """`item` as held until `until`."""
    return _waiting(item, Status.HELD, now, until, until)


def _waiting(item: Item, status: Status, now: datetime, at: datetime, wake_at: datetime) -> Item:
    return {
        **item,
        "status": str(status),
        "due": to_text(at),
        "wake_at": to_text(wake_at),
        "due_shard": shard(item["pk"]),
        "history": [_entry(now, status)],
    }


def denied(item: Item, now: datetime) -> Item:
    """`item` as refused on arrival."""
    return {**item, "status": str(Status.DENIED), "history": [_entry(now, Status.DENIED)]}


def _entry(now: datetime, status: Status, note: str | None = None) -> Item:
    entry = {"at": to_text(now), "status": str(status)}
    return {**entry, "note": note} if note else entry


def put(rt: Runtime, item: Item) -> Stored | None:
    """Store a message under its id, or the message that has that id already."""
    before = dynamo.put_new(rt, rt.messages_table, item)
    return read(before) if before else None


def claim_write(rt: Runtime, stored: Stored, claim: int, permit_until: datetime, now: datetime) -> Item:
    """The message's part of a claim: it is waiting, and now it is this claim's to send."""
    return _update(
        rt,
        stored.pk,
        now,
        Status.SENDING,
        expect="#status IN (:due, :held)",
        values={":due": str(Status.DUE), ":held": str(Status.HELD), ":one": 1},
        # Nobody asks what became of a claim before its permit, and every clock's error, have run out.
        sets={
            "claim": claim,
            "permit_until": to_text(permit_until),
            "wake_at": to_text(permit_until + 2 * MARGIN),
        },
        extra="attempts = attempts + :one",
    )


def give_back_write(rt: Runtime, stored: Stored, claim: int, now: datetime, at: datetime) -> Item:
    """The message's part of a claim given back unused: due again, at `at`."""
    return _update(
        rt,
        stored.pk,
        now,
        Status.DUE,
        expect="#status = :sending AND claim = :claim",
        values={":sending": str(Status.SENDING), ":claim": claim},
        sets={"due": to_text(at), "wake_at": to_text(at + RECHECK)},
        note="given_back",
    )


def hold_again(rt: Runtime, stored: Stored, now: datetime, until: datetime, decision: str) -> bool:
    """Hold a waiting message until `until`; whether that was done."""
    sets = {"due": to_text(until), "wake_at": to_text(until), "decision": decision}
    return update_if(rt, _update(rt, stored.pk, now, Status.HELD, **_WHILE_WAITING, sets=sets))


def end(rt: Runtime, stored: Stored, now: datetime, status: Status, decision: str | None = None) -> bool:
    """End a waiting message as denied, expired or cancelled; whether that was done."""
    return update_if(
        rt, _update(rt, stored.pk, now, status, **_WHILE_WAITING, sets={"decision": decision}, ended=True)
    )


_WHILE_WAITING: dict[str, Any] = {
    "expect": "#status IN (:due, :held)",
    "values": {":due": str(Status.DUE), ":held": str(Status.HELD)},
}


def settle(
    rt: Runtime,
    stored: Stored,
    claim: int,
    now: datetime,
    status: Status,
    *,
    carrier_ref: str | None = None,
    note: str | None = None,
) -> bool:
    """Record what became of a claim's carrier call; whether the message was still that claim's."""
    return update_if(
        rt,
        _update(
            rt,
            stored.pk,
            now,
            status,
            expect="#status IN (:sending, :unknown) AND claim = :claim",
            values={":sending": str(Status.SENDING), ":unknown": str(Status.UNKNOWN), ":claim": claim},
            sets={"carrier_ref": carrier_ref},
            note=note,
            ended=True,
        ),
    )


def recover(rt: Runtime, pk: str, claim: int, now: datetime, *, again: bool) -> bool:
    """End a claim whose fate nobody knows: due again where the sender allows it, else unknown."""
    status = Status.DUE if again else Status.UNKNOWN
    sets = {"due": to_text(now), "wake_at": to_text(now + RECHECK)} if again else {}
    return update_if(
        rt,
        _update(
            rt,
            pk,
            now,
            status,
            expect="#status = :sending AND claim = :claim",
            values={":sending": str(Status.SENDING), ":claim": claim},
            sets=sets,
            note="fate_unknown",
            ended=not again,
        ),
    )


_RECEIPT_AFTER: dict[Status, tuple[Status, ...]] = {
    Status.SENT: (Status.SENDING, Status.UNKNOWN),
    Status.DELIVERED: (Status.SENDING, Status.UNKNOWN, Status.SENT),
    Status.READ: (Status.SENDING, Status.UNKNOWN, Status.SENT, Status.DELIVERED),
    Status.FAILED: (Status.SENDING, Status.UNKNOWN, Status.SENT),
}


def receive(rt: Runtime, pk: str, now: datetime, status: Status, carrier_ref: str, note: str | None) -> bool:
    """Record a receipt; whether it was news. A receipt never takes a message back in its life."""
    before = _RECEIPT_AFTER[status]
    names = [f":s{i}" for i in range(len(before))]
    return update_if(
        rt,
        _update(
            rt,
            pk,
            now,
            status,
            expect=f"#status IN ({', '.join(names)})",
            values=dict(zip(names, map(str, before), strict=True)),
            sets={"carrier_ref": carrier_ref},
            note=note,
            ended=True,
        ),
    )


def rename(rt: Runtime, pk: str, before: str, after: str) -> bool:
    """Note that its carrier calls a message `after` from now on; whether it was called `before`."""
    return update_if(
        rt,
        {
            "TableName": rt.messages_table,
            "Key": pack({"pk": pk}),
            "UpdateExpression": "SET carrier_ref = :after",
            "ConditionExpression": "carrier_ref = :before",
            "ExpressionAttributeValues": pack({":before": before, ":after": after}),
        },
    )


def queued(rt: Runtime, stored: Item, wake_at: datetime) -> bool:
    """Note that a waiting message went to the queue; whether nobody else had just done so."""
    return update_if(
        rt,
        {
            "TableName": rt.messages_table,
            "Key": pack({"pk": stored["pk"]}),
            "UpdateExpression": "SET wake_at = :wake",
            "ConditionExpression": "#status IN (:due, :held) AND wake_at = :seen",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": pack(
                {
                    ":wake": to_text(wake_at),
                    ":seen": stored["wake_at"],
                    ":due": str(Status.DUE),
                    ":held": str(Status.HELD),
                }
            ),
        },
    )


def _update(
    rt: Runtime,
    pk: str,
    now: datetime,
    status: Status,
    *,
    expect: str,
    values: Mapping[str, Any],
    sets: Mapping[str, Any],
    extra: str = "",
    note: str | None = None,
    ended: bool = False,
) -> Item:
    present = {name: value for name, value in sets.items() if value is not None}
    changes = ["#status = :status", "#history = list_append(#history, :entry)"]
    changes += [f"{name} = :set_{name}" for name in present] + ([extra] if extra else [])
    return {
        "TableName": rt.messages_table,
        "Key": pack({"pk": pk}),
        "UpdateExpression": "SET "
        + ", ".join(changes)
        + (" REMOVE due_shard, wake_at, due, permit_until" if ended else ""),
        "ConditionExpression": expect,
        "ExpressionAttributeNames": {"#status": "status", "#history": "history"},
        "ExpressionAttributeValues": pack(
            {
                **values,
                **{f":set_{name}": value for name, value in present.items()},
                ":status": str(status),
                ":entry": [_entry(now, status, note)],
            }
        ),
    }


def waking(rt: Runtime, table: str, in_shard: int | str, until: datetime) -> Iterator[Item]:
    """The index entries of one shard that wake by `until`, earliest first."""
    return query(
        rt,
        TableName=table,
        IndexName="due",
        KeyConditionExpression="due_shard = :shard AND wake_at <= :until",
        ExpressionAttributeValues=pack({":shard": str(in_shard), ":until": to_text(until)}),
    )


def of(rt: Runtime, recipient_id: str) -> Iterator[Item]:
    """Every message of a person that is still kept, of whichever brand. Not strongly consistent."""
    found = query(
        rt,
        TableName=rt.messages_table,
        IndexName="recipient",
        KeyConditionExpression="recipient_id = :recipient",
        ExpressionAttributeValues=pack({":recipient": recipient_id}),
    )
    while keys := [item["pk"] for item in islice(found, _BATCH)]:
        items = dynamo.batch_get(rt, [(rt.messages_table, pk) for pk in keys])
        yield from (items[rt.messages_table, pk] for pk in keys if (rt.messages_table, pk) in items)


_BATCH = 100


def by_carrier_ref(rt: Runtime, carrier_ref: str) -> str | None:
    """The key of the message that a carrier knows by `carrier_ref`, or None if none is known (yet)."""
    found = query(
        rt,
        TableName=rt.messages_table,
        IndexName="carrier",
        KeyConditionExpression="carrier_ref = :ref",
        ExpressionAttributeValues=pack({":ref": carrier_ref}),
    )
    first = next(found, None)
    return first["pk"] if first else None


def prompt(rt: Runtime, brand: str, recipient_id: str, carrier_ref: str) -> Prompt | None:
    """The message of `brand` to this person that its carrier knows by `carrier_ref`, if there is one."""
    pk = by_carrier_ref(rt, carrier_ref)
    item = get(rt, rt.messages_table, {"pk": pk}) if pk else None
    if item is None or (item["brand"], item["recipient_id"]) != (brand, recipient_id):
        return None
    return read(item).prompt


def _instant(text: str | None) -> datetime | None:
    return from_text(text) if text else None
