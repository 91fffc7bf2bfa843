"""The state of a person towards a brand: one item that DynamoDB orders every race around.

Key: `STATE#<brand>#<recipient_id>`. Beside it lies `COMPANY#<recipient_id>`, which names the
brands that have such an item, and the person's other addresses (`aliases`), and holds a company-wide
block for the brands that will have one.

Four kinds of writers share a state item, and each guards itself with what it alone changes:

- events (`ledger.append`) move `seq`, `head`, `standing` and `applied`, under `seq`;
- claims (`claims`) move `sends` and the permits, under `version`, which every write increases;
- what a platform tells (`heard`, `rest`) sets one time each, which only grows;
- an opt-out's first write (`block`) sets an attribute of its own and waits for nobody.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from izin.aws import codec
from izin.aws.dynamo import Item, batch_get, get, lost_condition, pack, query, unpack, update, update_if
from izin.aws.runtime import Runtime
from izin.domain.chain import GENESIS
from izin.domain.consent import Permits, Scope, Standing, silent_from
from izin.domain.contact import Contact
from izin.domain.events import Event, block_of, with_block
from izin.domain.history import Send
from izin.domain.times import from_text, to_text

SHARDS = 8
"""Partitions of a `due` index: eight of them drain several thousand items a second."""

_REPAIR_AFTER = timedelta(seconds=60)
_NO_PERMIT = ""
_HEARD = "heard:"
_BLOCK, _MARKETING, _OTHER = "block:", "permit_marketing:", "permit_other:"


def state_key(brand: str, recipient_id: str) -> str:
    """The key of a person's state towards a brand."""
    return f"STATE#{brand}#{recipient_id}"


def company_key(recipient_id: str) -> str:
    """The key of what holds for a person towards every brand."""
    return f"COMPANY#{recipient_id}"


def shard(pk: str) -> str:
    """The partition of a `due` index that an item belongs to."""
    return str(zlib.crc32(pk.encode()) % SHARDS)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event on its way into the ledger: what is public, and what is sealed beside it."""

    event: Event
    commitments: Mapping[str, str]
    sealed: bytes | None
    reply: Mapping[str, Any] | None = None  # the message that answers the act, yet to be scheduled


@dataclass(frozen=True, slots=True)
class State:
    """One state item as it was read. `version` 0 stands for an item that does not exist yet.

    `heard` is when the person last wrote to a sender, by its id, on a platform that asks for it.
    """

    brand: str
    recipient_id: str
    version: int
    seq: int
    head: str
    recorded: Standing
    unrecorded: tuple[Draft, ...]
    applied: Mapping[str, Mapping[str, str]]
    permits: Permits
    sends: tuple[Send, ...]
    joined: bool
    heard: Mapping[str, datetime] = field(default_factory=dict)
    rests_until: datetime | None = None
    retain_at: datetime | None = None  # when somebody must look at what is kept of the person

    @property
    def standing(self) -> Standing:
        """What holds now: the ledger's standing, and blocks whose event is still to be written."""
        standing = self.recorded
        for draft in self.unrecorded:
            standing = with_block(standing, block_of(draft.event))
        return standing

    def contact(self, sender: str) -> Contact:
        """What has passed between the person and `sender`."""
        return Contact(self.heard.get(sender), self.rests_until)


def read(brand: str, recipient_id: str, item: Item | None) -> State:
    """A state from its stored `item`, or the state of somebody never heard of."""
    item = item or {}
    drafts = [_draft_of(item, name) for name in item if name.startswith(_BLOCK)]
    return State(
        brand=brand,
        recipient_id=recipient_id,
        version=item.get("version", 0),
        seq=item.get("seq", 0),
        head=item.get("head", GENESIS),
        recorded=codec.standing(item.get("standing", {})),
        unrecorded=tuple(sorted(drafts, key=lambda draft: draft.event.id)),
        applied=item.get("applied", {}),
        permits=Permits(_instant(item.get("permit_marketing")), _instant(item.get("permit_other"))),
        sends=tuple(Send.parse(text) for text in item.get("sends", [])),
        joined=item.get("joined", False),
        heard={
            name.removeprefix(_HEARD): from_text(at) for name, at in item.items() if name.startswith(_HEARD)
        },
        rests_until=_instant(item.get("rests_until")),
        retain_at=_instant(item.get("retain_at")),
    )


def fetch(rt: Runtime, brand: str, recipient_id: str) -> State:
    """The state as it stands in the table, read strongly consistent."""
    return read(brand, recipient_id, get(rt, rt.state_table, {"pk": state_key(brand, recipient_id)}))


def block(rt: Runtime, brand: str, recipient_id: str, draft: Draft) -> State:
    """Block at once, whatever else is going on; the state afterwards, with the block in it.

    The write copies the permits that are open at its own instant beside the block, so that
    `silent_from` is fixed by it and can be read again, but never computed anew. A repeat of the
    same event finds its first write and changes nothing.
    """
    pk, event_id = state_key(brand, recipient_id), draft.event.id
    try:
        answer = update(
            rt,
            TableName=rt.state_table,
            Key=pack({"pk": pk}),
            UpdateExpression=(
                "SET #block = :block, #marketing = if_not_exists(permit_marketing, :none),"
                " #other = if_not_exists(permit_other, :none),"
                " version = if_not_exists(version, :zero) + :one, due_shard = :shard, wake_at = :wake"
            ),
            ConditionExpression="attribute_not_exists(#block) AND attribute_not_exists(applied.#event)",
            ExpressionAttributeNames={
                "#block": _BLOCK + event_id,
                "#marketing": _MARKETING + event_id,
                "#other": _OTHER + event_id,
                "#event": event_id,
            },
            ExpressionAttributeValues=pack(
                {
                    ":block": _stored(draft),
                    ":none": _NO_PERMIT,
                    ":zero": 0,
                    ":one": 1,
                    ":shard": shard(pk),
                    ":wake": to_text(draft.event.recorded_at + _REPAIR_AFTER),
                }
            ),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        before = lost_condition(error)
        if before is None:
            raise
        return read(brand, recipient_id, before)
    return read(brand, recipient_id, unpack(answer["Attributes"]))


def _stored(draft: Draft) -> Item:
    return {
        "event": codec.event_item(draft.event),
        "commitments": dict(draft.commitments),
        "sealed": draft.sealed,
        "reply": draft.reply,
    }


def _draft_of(item: Item, name: str) -> Draft:
    stored, event_id = item[name], name.removeprefix(_BLOCK)
    event = codec.event(stored["event"])
    permits = Permits(_instant(item.get(_MARKETING + event_id)), _instant(item.get(_OTHER + event_id)))
    silent = silent_from(event.recorded_at, permits, event.scope or Scope.ALL)
    return Draft(
        event=replace(event, silent_from=silent),
        commitments=stored["commitments"],
        sealed=stored["sealed"],
        reply=stored["reply"],
    )


def block_attributes(event_id: str) -> list[str]:
    """The attributes of a block that its event in the ledger makes superfluous."""
    return [prefix + event_id for prefix in (_BLOCK, _MARKETING, _OTHER)]


def heard(rt: Runtime, brand: str, recipient_id: str, sender: str, at: datetime) -> None:
    """Note that the person wrote to `sender` at `at`, unless a later time is noted."""
    _note(rt, brand, recipient_id, _HEARD + sender, at)


def rest(rt: Runtime, brand: str, recipient_id: str, until: datetime) -> None:
    """Note that the platform spares the person until then, unless a later time is noted."""
    _note(rt, brand, recipient_id, "rests_until", until)


def _note(rt: Runtime, brand: str, recipient_id: str, name: str, at: datetime) -> None:
    update_if(
        rt,
        {
            "TableName": rt.state_table,
            "Key": pack({"pk": state_key(brand, recipient_id)}),
            "UpdateExpression": "SET #name = :at, version = if_not_exists(version, :zero) + :one",
            "ConditionExpression": "attribute_not_exists(#name) OR #name <= :at",
            "ExpressionAttributeNames": {"#name": name},
            "ExpressionAttributeValues": pack({":at": to_text(at), ":zero": 0, ":one": 1}),
        },
    )


def join(rt: Runtime, brand: str, recipient_id: str) -> None:
    """Make this brand's state known to the person's company item, and take over its block.

    A company-wide block is written to the company item first and then to the state of every brand
    that it names. Whichever comes first, joining or that write, the state ends with the block.
    No claim is made on a state that has not joined.
    """
    answer = update(
        rt,
        TableName=rt.state_table,
        Key=pack({"pk": company_key(recipient_id)}),
        UpdateExpression="ADD brands :brand",
        ExpressionAttributeValues=pack({":brand": {brand}}),
        ReturnValues="ALL_NEW",
    )
    for draft in _company_drafts(unpack(answer["Attributes"])):
        block(rt, brand, recipient_id, draft)
    update(
        rt,
        TableName=rt.state_table,
        Key=pack({"pk": state_key(brand, recipient_id)}),
        UpdateExpression="SET joined = :true, version = if_not_exists(version, :zero) + :one",
        ExpressionAttributeValues=pack({":true": True, ":zero": 0, ":one": 1}),
    )


def block_company(rt: Runtime, recipient_id: str, draft: Draft) -> frozenset[str]:
    """Block towards every brand that will ever join; the brands that have already, to be blocked next.

    The item stays in the `due` index until the sweep has seen all of them blocked.
    """
    pk = company_key(recipient_id)
    answer = update(
        rt,
        TableName=rt.state_table,
        Key=pack({"pk": pk}),
        UpdateExpression="SET #block = if_not_exists(#block, :block), due_shard = :shard, wake_at = :wake",
        ExpressionAttributeNames={"#block": _BLOCK + draft.event.id},
        ExpressionAttributeValues=pack(
            {
                ":block": _stored(draft),
                ":shard": shard(pk),
                ":wake": to_text(draft.event.recorded_at + _REPAIR_AFTER),
            }
        ),
        ReturnValues="ALL_NEW",
    )
    return frozenset(unpack(answer["Attributes"]).get("brands", ()))


def fetch_company(rt: Runtime, recipient_id: str) -> tuple[tuple[Draft, ...], frozenset[str]]:
    """The company-wide blocks of a person, and the brands that have a state for them."""
    item = get(rt, rt.state_table, {"pk": company_key(recipient_id)}) or {}
    return _company_drafts(item), frozenset(item.get("brands", ()))


def alias_write(rt: Runtime, recipient_id: str, alias: str) -> Item:
    """The write by which a person's company item names another address of theirs.

    Whoever has that item keeps their name when a new pepper comes, so that the alias stays true.
    """
    return {
        "TableName": rt.state_table,
        "Key": pack({"pk": company_key(recipient_id)}),
        "UpdateExpression": "ADD aliases :alias",
        "ExpressionAttributeValues": pack({":alias": {alias}}),
    }


def aliases(rt: Runtime, recipient_id: str) -> frozenset[str]:
    """The pseudonyms of the person's other addresses, also of one that is known through another."""
    known, found = {recipient_id}, {recipient_id}
    while found:
        items = batch_get(rt, [(rt.state_table, company_key(one)) for one in sorted(found)])
        found = {one for item in items.values() for one in item.get("aliases", ())} - known
        known |= found
    return frozenset(known - {recipient_id})


def brands(rt: Runtime, recipient_id: str) -> frozenset[str]:
    """The brands that have a state for a person, at whichever of their addresses."""
    keys = [(rt.state_table, company_key(one)) for one in (recipient_id, *aliases(rt, recipient_id))]
    return frozenset().union(*(item.get("brands", ()) for item in batch_get(rt, keys).values()))


def with_company(seen: State, company: Item | None) -> Standing:
    """What holds for a person, a company-wide block that has yet to reach this brand's state included."""
    standing = seen.standing
    for draft in _company_drafts(company or {}):
        standing = with_block(standing, block_of(draft.event))
    return standing


def standing(rt: Runtime, brand: str, recipient_id: str) -> Standing:
    """What holds for a person towards a brand, read in one trip by whoever asks nothing else."""
    own, company = state_key(brand, recipient_id), company_key(recipient_id)
    found = batch_get(rt, [(rt.state_table, own), (rt.state_table, company)])
    seen = read(brand, recipient_id, found.get((rt.state_table, own)))
    return with_company(seen, found.get((rt.state_table, company)))


def _company_drafts(item: Item) -> tuple[Draft, ...]:
    return tuple(_draft_of(item, name) for name in sorted(item) if name.startswith(_BLOCK))


TO_LISTS = "lists"
"""The partition of the `due` index for people whose opt-out is to be put on a provider's lists."""


def hand_on(rt: Runtime, pk: str, woke_at: str, at: datetime) -> bool:
    """Let whoever keeps the provider's lists find an item at `at`, unless it was woken again."""
    return update_if(
        rt,
        {
            "TableName": rt.state_table,
            "Key": pack({"pk": pk}),
            "UpdateExpression": "SET due_shard = :shard, wake_at = :at",
            "ConditionExpression": "wake_at = :woke",
            "ExpressionAttributeValues": pack({":shard": TO_LISTS, ":at": to_text(at), ":woke": woke_at}),
        },
    )


def retained(rt: Runtime, seen: State, look_again: datetime | None) -> bool:
    """Note when to look next at what is kept of a person; whether nothing was said since `seen`."""
    later = {":at": to_text(look_again)} if look_again else {}
    return update_if(
        rt,
        {
            "TableName": rt.state_table,
            "Key": pack({"pk": state_key(seen.brand, seen.recipient_id)}),
            "UpdateExpression": "SET retain_at = :at" if later else "REMOVE retain_shard, retain_at",
            "ConditionExpression": "retain_at = :seen",
            "ExpressionAttributeValues": pack(
                {":seen": to_text(seen.retain_at) if seen.retain_at else "", **later}
            ),
        },
    )


def to_retain(rt: Runtime, in_shard: int, until: datetime) -> Iterator[Item]:
    """The index entries of one shard whose records somebody must look at by `until`."""
    return query(
        rt,
        TableName=rt.state_table,
        IndexName="retain",
        KeyConditionExpression="retain_shard = :shard AND retain_at <= :until",
        ExpressionAttributeValues=pack({":shard": str(in_shard), ":until": to_text(until)}),
    )


def sleep(rt: Runtime, pk: str, woke_at: str) -> bool:
    """Take an item out of the `due` index, unless it was woken again; whether that was done."""
    return update_if(
        rt,
        {
            "TableName": rt.state_table,
            "Key": pack({"pk": pk}),
            "UpdateExpression": "REMOVE due_shard, wake_at",
            "ConditionExpression": "wake_at = :woke",
            "ExpressionAttributeValues": pack({":woke": woke_at}),
        },
    )


def _instant(text: str | None) -> datetime | None:
    return from_text(text) if text else None
