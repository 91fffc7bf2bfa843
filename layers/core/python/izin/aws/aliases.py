"""Who is behind this user id? Another address of a person leads to one recipient, and their noes follow it.

Key: `ALIAS#<pseudonym of the user id>` in the state table. It names the recipient: the person of the
number that the id was seen with, or, until it was seen with one, the id's own pseudonym. That is the
item by which DynamoDB orders every race: it is written before the id has a ledger of its own, and
led to a number once, under that condition.

What was said under the id's own name is carried over when a number becomes known. Whoever wrote to
the old name looks at the item again afterwards (`settle`): a write that the carrying did not find is
then carried by its own writer. What a person said keeps its id and its time, so it may be carried often.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from botocore.exceptions import ClientError

from izin.aws import acts, codec, identity, ledger, state
from izin.aws.dynamo import Item, back_off, batch_get, cancellation, get, pack, put_new, update_if
from izin.aws.ledger import Contention
from izin.aws.runtime import Runtime
from izin.aws.state import Draft
from izin.domain import linking
from izin.domain.events import Event, EventType
from izin.domain.times import to_text

_ATTEMPTS = 8
_REPAIR_AFTER = timedelta(seconds=60)
PREFIX = "ALIAS#"


def alias_key(pseudonym: str) -> str:
    """The key of what a user id leads to."""
    return PREFIX + pseudonym


@dataclass(frozen=True, slots=True)
class Alias:
    """What a user id leads to. `name` is its pseudonym.

    `carries` says that what was said under the id's own name is still to be carried to `recipient_id`.
    `also` are later recipients of the same person, whose number changed: to them noes go on.
    """

    name: str
    recipient_id: str
    carries: bool = False
    also: frozenset[str] = frozenset()


def recipient(rt: Runtime, user_id: str) -> Alias:
    """Who the user id stands for, where nothing else is told: somebody known, or somebody new."""
    ids, found = _find(rt, user_id)
    if found:
        return found
    name = identity.named(rt, ids, None)
    there = put_new(rt, rt.state_table, {"pk": alias_key(name), "recipient_id": name})
    return _read(there) if there else Alias(name, name)


def settle(rt: Runtime, user_id: str, acted: str | None, number: str | None = None) -> None:
    """Remember that the id belongs to the recipient `number`, and carry what was said where it must hold.

    To be called after an act on `acted`, that an event with this id led to; an act that was made before
    the id was led elsewhere is found by nobody else. `number` may be what a message was sent to: another
    id's own name. That leads to a number by now, or noes alone go on to it, and from there with it.
    """
    ids, found, told = _find_beside(rt, user_id, number)
    number = told.recipient_id if told else number
    if number is None or number in ids:  # a message to the id itself tells nothing new
        alias = found or recipient(rt, user_id)
    elif told and told.name == number:
        alias = _beside(rt, found or recipient(rt, user_id), number)
    elif found is None:
        name = identity.named(rt, ids, None)
        alias = _led(rt, Alias(name, number)) or _led_on(rt, _again(rt, name), number)
    else:
        alias = _led_on(rt, found, number)
    if acted and acted == alias.name != alias.recipient_id:
        carry(rt, acted, alias.recipient_id)
    if alias.also:
        pass_on(rt, alias.recipient_id)


def moved(rt: Runtime, user_id: str, number: str | None, target: str) -> None:
    """The person of this id, who was the recipient `number` where that is told, is `target` from now on.

    What they said no to holds there, also what comes by the old id later.
    """
    settle(rt, user_id, None, number)
    alias = _beside(rt, recipient(rt, user_id), target)
    pass_on(rt, alias.recipient_id)


def pass_on(rt: Runtime, recipient_id: str, passed: frozenset[str] = frozenset()) -> None:
    """Let the noes of a recipient hold wherever the person has moved to since, and on from there.

    Where that leads is read after they were written: whoever notes a move later finds them.
    """
    passed |= {recipient_id}
    if (led := primary(rt, recipient_id)) not in passed:
        carry(rt, recipient_id, led)
        pass_on(rt, led, passed)
    for other in sorted(_moved_to(rt, recipient_id) - passed):
        carry(rt, recipient_id, other, yeses=False)
        pass_on(rt, other, passed)


def _moved_to(rt: Runtime, recipient_id: str) -> frozenset[str]:
    names = {recipient_id, *state.aliases(rt, recipient_id)}
    found = batch_get(rt, [(rt.state_table, alias_key(name)) for name in sorted(names)])
    led = [alias for alias in map(_read, found.values()) if alias.recipient_id == recipient_id]
    return frozenset().union(*(alias.also for alias in led))


def known_as(rt: Runtime, user_id: str) -> str:
    """The recipient whom the user id stands for, for whoever only asks: nothing is written down."""
    ids, found = _find(rt, user_id)
    return found.recipient_id if found else ids[0]


def primary(rt: Runtime, pseudonym: str) -> str:
    """The recipient that a pseudonym stands for: the same, unless it is that of a user id."""
    item = get(rt, rt.state_table, {"pk": alias_key(pseudonym)})
    return _read(item).recipient_id if item else pseudonym


def repair(rt: Runtime, pk: str) -> None:
    """Carry over what a worker that died left behind."""
    _finished(rt, _again(rt, pk.removeprefix(PREFIX)))


def carry(rt: Runtime, source: str, target: str, *, yeses: bool = True) -> None:
    """Let hold for `target` what the person said as `source`, towards every brand: noes first.

    Each act keeps its id and its time, so merging puts it where it belongs, and a repeat changes
    nothing. Evidence stays with `source`.
    """
    drafts, brands = state.fetch_company(rt, source)
    everywhere = [linking.carried(draft.event, rt.now()) for draft in drafts]
    reached = set(brands)
    for event in everywhere:
        reached |= state.block_company(rt, target, Draft(event, {}, None))
    for brand in sorted(reached):
        said = [*everywhere, *_said(rt, brand, source, yeses=yeses)]
        told = {item["id"] for item in ledger.events(rt, brand, target)} if said else set()
        for event in {event.id: event for event in said if event.id not in told}.values():
            act = acts.opt_out if event.type is EventType.OPT_OUT else acts.record
            act(rt, brand, target, Draft(event, {}, None))


def _said(rt: Runtime, brand: str, source: str, *, yeses: bool) -> Iterable[Event]:
    recorded = [codec.event(item) for item in ledger.events(rt, brand, source)]
    blocks = [draft.event for draft in state.fetch(rt, brand, source).unrecorded]
    return linking.to_carry([*recorded, *blocks], rt.now(), yeses=yeses)


def _find(rt: Runtime, user_id: str) -> tuple[tuple[str, ...], Alias | None]:
    ids, found, _ = _find_beside(rt, user_id, None)
    return ids, found


def _find_beside(
    rt: Runtime, user_id: str, told: str | None
) -> tuple[tuple[str, ...], Alias | None, Alias | None]:
    """Every name that an id may have, what it leads to, and what `told` leads to, if an id's own name."""
    ids = identity.of_user(rt, user_id)
    wanted = [*ids, *([told] if told else [])]
    items = batch_get(rt, [(rt.state_table, alias_key(one)) for one in wanted])
    found = {alias.name: alias for alias in map(_read, items.values())}
    known = [found[one] for one in ids if one in found]
    return ids, known[0] if known else None, found.get(told or "")


def _again(rt: Runtime, name: str) -> Alias:
    item = get(rt, rt.state_table, {"pk": alias_key(name)})
    if item is None:  # nothing ever deletes one
        raise LookupError("an alias that was written is not there")
    return _read(item)


def _read(item: Item) -> Alias:
    name = item["pk"].removeprefix(PREFIX)
    return Alias(name, item["recipient_id"], item.get("carries", False), frozenset(item.get("also", ())))


def _led(rt: Runtime, alias: Alias) -> Alias | None:
    """Lead an id that was never seen to its recipient; None where somebody else saw it meanwhile."""
    new = {"pk": alias_key(alias.name), "recipient_id": alias.recipient_id}
    put = {"Item": pack(new), "ConditionExpression": "attribute_not_exists(pk)"}
    return alias if _together(rt, alias, {"Put": {"TableName": rt.state_table, **put}}) else None


def _led_on(rt: Runtime, alias: Alias, number: str) -> Alias:
    """An id that was seen, led to the recipient of a number: from its own name once, later beside."""
    if alias.recipient_id == alias.name != number:
        led = Alias(alias.name, number, carries=True)
        _together(rt, led, {"Update": _lead(rt, led)})
        alias = _again(rt, alias.name)
    return _finished(rt, _beside(rt, alias, number))


def _beside(rt: Runtime, alias: Alias, other: str) -> Alias:
    """An id whose noes go on to another recipient of the person, where that is another."""
    return alias if other in {alias.recipient_id, *alias.also} else _join(rt, alias, other)


def _lead(rt: Runtime, alias: Alias) -> Item:
    pk = alias_key(alias.name)
    return {
        "TableName": rt.state_table,
        "Key": pack({"pk": pk}),
        "UpdateExpression": (
            "SET recipient_id = :number, carries = :true, due_shard = :shard, wake_at = :wake"
        ),
        "ConditionExpression": "recipient_id = :name",
        "ExpressionAttributeValues": pack(
            {
                ":number": alias.recipient_id,
                ":true": True,
                ":shard": state.shard(pk),
                ":wake": to_text(rt.now() + _REPAIR_AFTER),
                ":name": alias.name,
            }
        ),
    }


def _join(rt: Runtime, alias: Alias, number: str) -> Alias:
    """Let noes that come by an id go on to another recipient of the person; and those that came already."""
    update = {
        "TableName": rt.state_table,
        "Key": pack({"pk": alias_key(alias.name)}),
        "UpdateExpression": "ADD also :number",
        "ExpressionAttributeValues": pack({":number": {number}}),
    }
    _together(rt, Alias(alias.name, number), {"Update": update})
    return _again(rt, alias.name)


def _together(rt: Runtime, alias: Alias, write: Item) -> bool:
    """Write to an alias, and name it beside its recipient, all or nothing; whether its condition held."""
    beside = {"Update": state.alias_write(rt, alias.recipient_id, alias.name)}
    for attempt in range(_ATTEMPTS):
        try:
            rt.dynamodb.transact_write_items(TransactItems=[write, beside])
        except ClientError as error:
            reasons = cancellation(error)
            if reasons is None:
                raise
            if reasons[0] == "ConditionalCheckFailed":
                return False
            back_off(rt, attempt)
            continue
        return True
    raise Contention(f"an alias found no turn in {_ATTEMPTS} attempts")


def _finished(rt: Runtime, alias: Alias) -> Alias:
    """Carry over what was said under the id's own name, if that is still to be done."""
    if alias.carries:
        carry(rt, alias.name, alias.recipient_id)
        update_if(
            rt,
            {
                "TableName": rt.state_table,
                "Key": pack({"pk": alias_key(alias.name)}),
                "UpdateExpression": "REMOVE carries, due_shard, wake_at",
                "ConditionExpression": "recipient_id = :number",
                "ExpressionAttributeValues": pack({":number": alias.recipient_id}),
            },
        )
    return alias
