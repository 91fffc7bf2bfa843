"""How an event gets into a person's ledger, and how the ledger is read.

Key: (`<brand>#<recipient_id>`, `seq`). Functions that append may put and read, never update or
delete; a put is conditional on the number being free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidTag

from izin.aws import codec, identity, messages, state
from izin.aws.dynamo import Item, back_off, cancellation, pack, query, update_if
from izin.aws.runtime import Runtime
from izin.aws.state import Draft, State
from izin.domain import chain
from izin.domain.consent import Standing
from izin.domain.events import Event, EventType, apply, block_of
from izin.domain.times import from_text, to_text

_ATTEMPTS = 8
APPLIED_FOR = timedelta(days=15)  # longer than any queue here keeps a message (14 days)
_APPLIED_AT_MOST = 256
_NEVER_GO = (EventType.OPT_OUT, EventType.OPT_IN)


class Contention(Exception):
    """A write lost every race it was in; nothing was changed and the caller may try again."""


def draft(
    key: bytes,
    recipient_id: str,
    event: Event,
    evidence: Mapping[str, str],
    reply: Mapping[str, Any] | None = None,
) -> Draft:
    """An event with its personal evidence sealed, and committed to; and the message that answers it."""
    commitments = {
        name: chain.commit(identity.salt(key, event.id, name), name, value)
        for name, value in evidence.items()
    }
    sealed = identity.seal(key, evidence_context(recipient_id, event.id), evidence) if evidence else None
    return Draft(event, commitments, sealed, reply)


def evidence_context(recipient_id: str, event_id: str) -> str:
    """What an event's sealed evidence is bound to."""
    return f"evidence|{recipient_id}|{event_id}"


def ledger_key(brand: str, recipient_id: str) -> str:
    """The partition of one person's ledger with one brand."""
    return f"{brand}#{recipient_id}"


def append(rt: Runtime, brand: str, recipient_id: str, draft: Draft) -> Standing:
    """Write the event behind the head of the chain; the standing that follows from it.

    An event that is in the ledger already changes nothing. The message that confirms an opt-out
    is put in the same transaction, so there is exactly one; a repeat of an opt-out that stands has
    none. Raises Contention after 8 lost races.
    """
    for attempt in range(_ATTEMPTS):
        before = state.fetch(rt, brand, recipient_id)
        if draft.event.id in before.applied:
            return before.standing
        if not before.joined:
            state.join(rt, brand, recipient_id)
            continue
        if append_to(rt, before, draft):
            return apply(before.standing, draft.event)
        back_off(rt, attempt)
    raise Contention(f"event {draft.event.id} found no turn in {_ATTEMPTS} attempts")


def append_to(rt: Runtime, seen: State, draft: Draft) -> bool:
    """Write the event right behind what was `seen`, or not at all; whether that was done.

    An act that was answered already, as another recipient of the same person, is not answered again.
    """
    try:
        rt.dynamodb.transact_write_items(TransactItems=_writes(rt, seen, draft))
    except ClientError as error:
        reasons = cancellation(error)
        if reasons is None:
            raise
        if reasons == ["None", "None", "ConditionalCheckFailed"]:
            return append_to(rt, seen, replace(draft, reply=None))
        return False
    return True


def _writes(rt: Runtime, before: State, draft: Draft) -> list[Any]:
    event, seq = draft.event, before.seq + 1
    record = {
        **codec.event_item(event),
        "brand": before.brand,
        "recipient_id": before.recipient_id,
        "seq": seq,
        "prev": before.head,
        "commitments": dict(draft.commitments) or None,
    }
    record = {name: value for name, value in record.items() if value is not None}
    record["hash"] = chain.link(record)
    pk = ledger_key(before.brand, before.recipient_id)
    put = {
        "TableName": rt.ledger_table,
        "Item": pack({**record, "pk": pk, "sealed": draft.sealed}),
        "ConditionExpression": "attribute_not_exists(pk)",
    }
    writes: list[Any] = [{"Put": put}, {"Update": _move(rt, before, draft, record["hash"])}]
    if draft.reply and not _answered(before, event):
        at = event.silent_from or event.recorded_at
        writes.append(
            {
                "Put": {
                    "TableName": rt.messages_table,
                    "Item": pack(messages.due(dict(draft.reply), event.recorded_at, at)),
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            }
        )
    return writes


def _answered(before: State, event: Event) -> bool:
    """Whether an opt-out repeats one that is recorded and stands, and so was answered already.

    Events are recorded one after the other, so of several only the first to be is answered.
    """
    return event.type is EventType.OPT_OUT and before.recorded.repeats(block_of(event), event.channel)


def _move(rt: Runtime, before: State, draft: Draft, head: str) -> Item:
    event = draft.event
    expression = (
        "SET seq = :seq, head = :head, standing = :standing, applied = :applied, version = version + :one"
    )
    look_at = _look_at(before, event)
    if look_at:
        expression += ", retain_at = :retain, retain_shard = :shard"
    names: dict[str, str] = {}
    if event.type is EventType.OPT_OUT:
        names = {f"#{i}": name for i, name in enumerate(state.block_attributes(event.id))}
        expression += " REMOVE " + ", ".join(names)
    update: Item = {
        "TableName": rt.state_table,
        "Key": pack({"pk": state.state_key(before.brand, before.recipient_id)}),
        "UpdateExpression": expression,
        "ConditionExpression": "seq = :before" if before.seq else "attribute_not_exists(seq)",
        "ExpressionAttributeValues": pack(
            {
                ":seq": before.seq + 1,
                ":head": head,
                ":standing": codec.standing_item(apply(before.recorded, event)),
                ":applied": _applied(before, event),
                ":one": 1,
                ":before": before.seq if before.seq else None,
                ":retain": to_text(look_at) if look_at else None,
                ":shard": state.shard(state.state_key(before.brand, before.recipient_id))
                if look_at
                else None,
            }
        ),
    }
    if names:
        update["ExpressionAttributeNames"] = names
    return update


def _look_at(before: State, event: Event) -> datetime | None:
    """When this event makes somebody look at what is kept: at an opt-out, and when a consent expires."""
    at = event.recorded_at if event.type is EventType.OPT_OUT else event.expires_at
    if at and before.retain_at:
        return min(at, before.retain_at)
    return at


def _applied(before: State, event: Event) -> dict[str, Mapping[str, str]]:
    """The events of the last days, by id, so that a late duplicate is known for one."""
    recent = {
        event_id: entry
        for event_id, entry in before.applied.items()
        if from_text(entry["at"]) > event.recorded_at - APPLIED_FOR
    }
    entry = {"at": to_text(event.recorded_at)}
    if event.silent_from:
        entry["silent_from"] = to_text(event.silent_from)
    newest = sorted({**recent, event.id: entry}.items(), key=lambda kept: kept[1]["at"])
    return dict(newest[-_APPLIED_AT_MOST:])


def silent_from(state: State, event_id: str) -> datetime | None:
    """The instant that an opt-out's first write fixed, whether or not its event is written yet."""
    for draft in state.unrecorded:
        if draft.event.id == event_id:
            return draft.event.silent_from
    entry = state.applied.get(event_id, {})
    return from_text(entry["silent_from"]) if "silent_from" in entry else None


def earlier(rt: Runtime, seen: State, event: Event, now: datetime) -> Item | None:
    """The stored event of this id, where it is too old at `now` for the state to know whether it was here.

    A late duplicate within that time is known by `applied`. What was given before it, such as the
    lines of a list that is imported again, is looked for in the ledger; so is a claim without proof,
    of which nobody may know when it was given.
    """
    dated = event.type is not EventType.CONSENT_UNPROVEN
    if seen.seq == 0 or (dated and event.given_at > now - APPLIED_FOR):
        return None
    found = (item for item in events(rt, seen.brand, seen.recipient_id) if item["id"] == event.id)
    return next(found, None)


def number(rt: Runtime, key: bytes, brand: str, recipient_id: str) -> str | None:
    """The person's number, from the sealed evidence of what they did; None where none of it tells one."""
    for item in events(rt, brand, recipient_id):
        told = opened(key, recipient_id, item).get("address", "")
        if told.startswith("+"):
            return told
    return None


def opened(key: bytes, recipient_id: str, item: Item) -> dict[str, str]:
    """What is sealed with an event; nothing where that was under a key that was erased since."""
    if not item.get("sealed"):
        return {}
    try:
        return identity.unseal(key, evidence_context(recipient_id, item["id"]), item["sealed"])
    except InvalidTag:
        return {}


def keep_until(rt: Runtime, brand: str, recipient_id: str, before_seq: int, until: datetime) -> int:
    """Let the events before the checkpoint `before_seq` go from `until` on; of how many that was news.

    Those that say no, and those that come back, are never let go: a no outlives the proof of every consent.
    What is chained is not touched: when an event goes is no part of it.
    """
    marked = 0
    for item in events(rt, brand, recipient_id):
        if item["seq"] >= before_seq:
            break
        if "ttl" in item or item["type"] in _NEVER_GO:
            continue
        marked += update_if(
            rt,
            {
                "TableName": rt.ledger_table,
                "Key": pack({"pk": item["pk"], "seq": item["seq"]}),
                "UpdateExpression": "SET #ttl = :until",
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": pack({":until": int(until.timestamp())}),
            },
        )
    return marked


def events(rt: Runtime, brand: str, recipient_id: str) -> Iterator[Item]:
    """A person's ledger in order: every stored event, sealed evidence included."""
    return query(
        rt,
        TableName=rt.ledger_table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues=pack({":pk": ledger_key(brand, recipient_id)}),
        ConsistentRead=True,
    )
