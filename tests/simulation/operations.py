"""What does the product ask of its tables? Its own operations, drawn so that two sides do the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from izin.aws import aliases, claims, dynamo, ledger, messages, registry, state
from izin.aws.dynamo import Item
from izin.aws.messages import Status
from izin.aws.runtime import Runtime
from izin.aws.state import Draft
from izin.domain.consent import Scope, Suppression
from izin.domain.events import Event, EventType
from izin.domain.gate import Decision, Verdict
from izin.domain.message import Channel, Kind, Message, Purpose

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
_BRANDS, _PEOPLE, _IDS = ("shopx", "kopi"), ("ana", "budi"), ("m-1", "m-2", "m-3")

Operation = Callable[[Runtime, random.Random], Any]


def _draft(rng: random.Random) -> Draft:
    kind = rng.choice([EventType.OPT_OUT, EventType.OPT_OUT, EventType.OPT_IN, EventType.CONSENT_GRANTED])
    opt_out = kind is EventType.OPT_OUT
    at = START + timedelta(seconds=rng.randrange(600))
    event = Event(
        id=f"in-{rng.randrange(6)}.{rng.randrange(2)}:x",
        type=kind,
        given_at=at,
        recorded_at=at,
        address="ana",
        channel=Channel.SMS,
        source="reply",
        by_person=rng.random() < 0.5,
        purposes=() if opt_out else (Purpose.MARKETING,),
        scope=rng.choice(list(Scope)) if opt_out else None,
        kind=rng.choice(list(Suppression)) if opt_out else None,
        details={"pack": "ID"} if rng.random() < 0.3 else {},
    )
    reply = _message(rng, Kind.CONFIRMATION, f"~confirmation~{event.id}") if rng.random() < 0.5 else None
    return Draft(event, {"address": "00ff"} if rng.random() < 0.5 else {}, b"sealed", reply)


def _message(rng: random.Random, kind: Kind, message_id: str) -> Item:
    message = Message(
        brand=rng.choice(_BRANDS),
        sender="s-1",
        channel=Channel.SMS,
        purpose=rng.choice(list(Purpose)),
        language="id",
        basis={"transaction": "o-1"} if rng.random() < 0.3 else None,
        essential=rng.random() < 0.3,
        expires_at=START + timedelta(hours=1),
        kind=kind,
    )
    return messages.new(message, message_id, rng.choice(_PEOPLE), b"\x00sealed", START, answer="{}")


def _who(rng: random.Random) -> tuple[str, str]:
    return rng.choice(_BRANDS), rng.choice(_PEOPLE)


def _pk(rng: random.Random) -> str:
    ids = (*_IDS, "~confirmation~in-0.0:x", "~confirmation~in-1.1:x")
    return messages.message_key(rng.choice(_BRANDS), rng.choice(ids))


def _at(rng: random.Random) -> datetime:
    return START + timedelta(seconds=rng.randrange(900))


def _stored(rt: Runtime, rng: random.Random) -> messages.Stored | None:
    item = dynamo.get(rt, rt.messages_table, {"pk": _pk(rng)})
    return messages.read(item) if item else None


def _append(rt: Runtime, rng: random.Random) -> Any:
    return _append_as(rt, rng, rng.choice(_PEOPLE))


def _append_as(rt: Runtime, rng: random.Random, person: str) -> Any:
    who, drafted = (rng.choice(_BRANDS), person), _draft(rng)
    if drafted.event.type is EventType.OPT_OUT:
        for unrecorded in state.block(rt, *who, drafted).unrecorded:
            ledger.append(rt, *who, unrecorded)
        return None
    return ledger.append(rt, *who, drafted)


def _put(rt: Runtime, rng: random.Random) -> Any:
    item = _message(rng, Kind.SUBMISSION, rng.choice(_IDS))
    ready = {
        0: messages.due(item, START, _at(rng)),
        1: messages.held(item, START, _at(rng)),
        2: messages.denied(item, START),
    }
    return messages.put(rt, ready[rng.randrange(3)])


def _decision(rng: random.Random) -> Decision:
    return Decision(
        Verdict.ALLOW, (), None, _at(rng) if rng.random() < 0.5 else None, START, (), True, "ID", "1"
    )


def _claim(rt: Runtime, rng: random.Random) -> Any:
    stored, who = _stored(rt, rng), _who(rng)
    seen = state.fetch(rt, *who)
    if rng.random() < 0.2:  # a claim that was decided from what has passed since
        state.join(rt, *who)
    if stored is None:
        return None
    made, at = _decision(rng), _at(rng)
    taken = claims.take(rt, stored, seen, made, at)
    if isinstance(taken, claims.Claim) and rng.random() < 0.6:
        return _conclude(rt, rng, stored, taken)
    return taken


def _conclude(rt: Runtime, rng: random.Random, stored: messages.Stored, claim: claims.Claim) -> Any:
    match rng.randrange(4):
        case 0:
            return claims.give_back(rt, stored, claim, _at(rng), _at(rng))
        case 1:
            ref = f"ref-{rng.randrange(3)}"
            return messages.settle(rt, stored, claim.number, _at(rng), Status.SENT, carrier_ref=ref)
        case 2:
            return messages.recover(rt, stored.pk, claim.number, _at(rng), again=rng.random() < 0.5)
    return messages.settle(rt, stored, claim.number + 1, _at(rng), Status.FAILED, note="other")


def _move(rt: Runtime, rng: random.Random) -> Any:
    stored = _stored(rt, rng)
    if stored is None:
        return None
    match rng.randrange(4):
        case 0:
            return messages.hold_again(rt, stored, _at(rng), _at(rng), "{}")
        case 1:
            return messages.end(rt, stored, _at(rng), Status.CANCELLED)
        case 2:
            return messages.receive(rt, stored.pk, _at(rng), rng.choice(_RECEIPTS), "ref-1", None)
    item = {"pk": stored.pk, "wake_at": "2026-11-23T01:05:00.000Z"}
    return messages.queued(rt, item, _at(rng))


_RECEIPTS = (Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED)


def _sweep(rt: Runtime, rng: random.Random) -> Any:
    table, at = rng.choice([rt.state_table, rt.messages_table]), _at(rng)
    woken = [item for shard in range(state.SHARDS) for item in messages.waking(rt, table, shard, at)]
    if table == rt.state_table and woken:
        chosen = rng.choice(woken)
        state.sleep(rt, chosen["pk"], chosen["wake_at"] if rng.random() < 0.7 else "2026")
    return woken


def _read(rt: Runtime, rng: random.Random) -> Any:
    brand, person = _who(rng)
    pk = _pk(rng)
    keys = [
        (rt.state_table, state.state_key(brand, person)),
        (rt.messages_table, pk),
        (rt.messages_table, pk),
    ]
    list(ledger.events(rt, brand, person))
    messages.by_carrier_ref(rt, f"ref-{rng.randrange(3)}")
    state.fetch_company(rt, person)
    return dynamo.batch_get(rt, keys[: rng.randrange(1, 4)])


def _register(rt: Runtime, rng: random.Random) -> Any:
    sender, address = f"s-{rng.randrange(2)}", f"+628{rng.randrange(2)}"
    item = {"id": sender, "channel": "sms", "address": address, "countries": ["ID"], "rate": 5}
    return registry.put_sender(rt, item)


def _company(rt: Runtime, rng: random.Random) -> Any:
    drafted = _draft(rng)
    if drafted.event.type is EventType.OPT_OUT:
        return sorted(state.block_company(rt, rng.choice(_PEOPLE), drafted))
    return state.join(rt, *_who(rng))


def _alias(rt: Runtime, rng: random.Random) -> Any:
    user_id = f"ID.{rng.randrange(3)}"
    name = aliases.recipient(rt, user_id).recipient_id if rng.random() < 0.5 else None
    if name and rng.random() < 0.5:
        return _append_as(rt, rng, name)
    return aliases.settle(rt, user_id, name, rng.choice([*_PEOPLE, None]))


def _raw(rt: Runtime, rng: random.Random) -> Any:
    """A request of the product's shapes over attributes of every type, so that most conditions fail."""
    update = {
        "TableName": rt.state_table,
        "Key": {"pk": {"S": f"raw-{rng.randrange(3)}"}},
        "ConditionExpression": rng.choice(_CONDITIONS),
        "UpdateExpression": rng.choice(_UPDATES),
        "ExpressionAttributeNames": {"#e": f"e-{rng.randrange(3)}.x", "#status": "status"},
        "ExpressionAttributeValues": {
            ":one": {"N": str(rng.choice([0, 1, -3, 12]))},
            ":text": {"S": rng.choice(["a", "b"])},
            ":map": {"M": {"e-1.x": {"S": "a"}, "e-2.x": {"M": {}}}},
            ":list": {"L": [{"S": "a"}]},
            ":set": {"SS": rng.choice([["a"], ["b", "a"]])},
            ":bytes": {"B": b"\x00\x01"},
        },
    }
    used = f"{update['ConditionExpression']} {update['UpdateExpression']} "
    for place in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        kept = {
            n: v for n, v in update[place].items() if f"{n} " in used or f"{n})" in used or f"{n}," in used
        }
        update[place] = kept
        if not kept:
            del update[place]
    if rng.random() < 0.5:
        if rng.random() < 0.5:
            update["ReturnValues"] = "ALL_NEW"
        if rng.random() < 0.5:
            update["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return rt.dynamodb.update_item(**update)
    put = {
        "TableName": rt.messages_table,
        "Item": {"pk": {"S": f"raw-{rng.randrange(3)}"}, "n": {"N": "7"}, "s": {"SS": ["z", "a"]}},
        "ConditionExpression": "attribute_not_exists(pk)",
    }
    return rt.dynamodb.transact_write_items(TransactItems=[{"Put": put}, {"Update": update}])


_CONDITIONS = (
    "attribute_not_exists(n)",
    "attribute_not_exists(m.#e) AND attribute_not_exists(s)",
    "attribute_not_exists(pk) OR t = :text",
    "n = :one",
    "n <= :one",
    "t <= :text",
    "t = :one",
    "#status IN (:text , :one )",
    "#status IN (:text ) AND n = :one",
    "m = :map",
    "b = :bytes",
)
_UPDATES = (
    "SET n = if_not_exists(n, :one) + :one",
    "SET n = n + :one",
    "SET t = :text , #status = :text , n = :one",
    "SET m = :map",
    "SET l = if_not_exists(l, :list)",
    "SET l = list_append(l, :list)",
    "SET b = :bytes REMOVE n, t",
    "SET t = :text REMOVE m, #e",
    "ADD s :set",
    "REMOVE s",
)

OPERATIONS: tuple[Operation, ...] = (
    _append,
    _append,
    _put,
    _put,
    _claim,
    _claim,
    _move,
    _sweep,
    _read,
    _register,
    _company,
    _alias,
    _raw,
    _raw,
)
