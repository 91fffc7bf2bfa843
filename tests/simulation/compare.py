"""Does the double answer as DynamoDB does? Random sequences of the product's own operations, on both.

`python -m tests.simulation.compare --n 3000` starts the emulator that `make run` uses, gives every
sequence fresh tables there and a fresh double here, and compares each call's answer, each error with
its cancellation reasons, and at the end every stored item. It stops at the first difference.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from izin.aws import claims, dynamo, ledger, messages, registry, state
from izin.aws.dynamo import Item
from izin.aws.messages import Status
from izin.aws.runtime import Runtime
from izin.aws.state import Draft
from izin.domain.consent import Event, EventType, Scope, Suppression
from izin.domain.gate import Decision, Verdict
from izin.domain.message import Channel, Kind, Message, Purpose

from infra import emulator
from tests.simulation import report
from tests.simulation.double import SCHEMAS, Database
from tests.simulation.expressions import Unsupported

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
_BRANDS, _PEOPLE, _IDS = ("shopx", "kopi"), ("ana", "budi"), ("m-1", "m-2", "m-3")


@dataclass
class Recorder:
    """A client that keeps what was asked and answered. Tables go by `name(table)` in what lies behind."""

    behind: Any
    name: Callable[[str], str]
    said: list[tuple[str, Any]] = field(default_factory=list)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            try:
                answer = getattr(self.behind, operation)(**self._renamed(request, self.name))
            except ClientError as error:
                self.said.append((operation, _error(error)))
                raise
            answer.pop("ResponseMetadata", None)
            if "Responses" in answer:
                back = {self.name(table): table for table in SCHEMAS}
                answer["Responses"] = {back[t]: items for t, items in answer["Responses"].items()}
                answer.setdefault("UnprocessedKeys", {})
            self.said.append((operation, _answer(answer)))
            return answer

        return call

    def _renamed(self, request: dict[str, Any], name: Callable[[str], str]) -> dict[str, Any]:
        renamed = dict(request)
        if "TableName" in renamed:
            renamed["TableName"] = name(renamed["TableName"])
        if "RequestItems" in renamed:
            renamed["RequestItems"] = {name(t): keys for t, keys in renamed["RequestItems"].items()}
        if "TransactItems" in renamed:
            renamed["TransactItems"] = [
                {kind: self._renamed(write, name) for kind, write in entry.items()}
                for entry in renamed["TransactItems"]
            ]
        return renamed


def _error(error: ClientError) -> Any:
    """What a caller may rely on: the code, the item that was there, the reasons of a cancellation."""
    response = error.response
    reasons = [_reason(reason) for reason in response.get("CancellationReasons", [])]
    return response["Error"]["Code"], _sets_sorted(response.get("Item", {})), reasons


def _reason(reason: Any) -> Any:
    return reason.get("Code", "None"), _sets_sorted(reason.get("Item", {}))


def _answer(answer: Any) -> Any:
    """An answer without what DynamoDB leaves open: the order of sets, and of a batch's items."""
    counted = {name: value for name, value in answer.items() if name not in ("Count", "ScannedCount")}
    if "Responses" in counted:
        counted["Responses"] = {
            table: sorted((_sets_sorted(item) for item in items), key=str)
            for table, items in counted["Responses"].items()
        }
    if "Items" in counted:
        counted["Items"] = [_sets_sorted(item) for item in counted["Items"]]
    if "Attributes" in counted:
        counted["Attributes"] = _sets_sorted(counted["Attributes"])
    return counted


def _sets_sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {n: sorted(v) if n == "SS" else _sets_sorted(v) for n, v in sorted(value.items())}
    return [_sets_sorted(inner) for inner in value] if isinstance(value, list) else value


# Operations. Each draws what it does from `rng` alone, so that both sides do the same.

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
    who, drafted = _who(rng), _draft(rng)
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

_OPERATIONS: tuple[Operation, ...] = (
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
    _raw,
    _raw,
)


# Running both.


def sequence(client: Any, name: Callable[[str], str], seed: int) -> list[Any]:
    """What the sequence of `seed` was answered, call by call, and what each operation made of it."""
    recorder, rng = Recorder(client, name), random.Random(seed)
    rt = Runtime(
        dynamodb=recorder,
        sqs=None,
        **{f"{table}_table": table for table in SCHEMAS},  # type: ignore[arg-type]
        peppers=(b"pepper",),
        now=lambda: START,
        sleep=lambda _: None,
        jitter=lambda: 0.0,
    )
    for _ in range(rng.randrange(4, 16)):
        operation, own = rng.choice(_OPERATIONS), random.Random(rng.random())
        try:
            recorder.said.append((operation.__name__, _plain(operation(rt, own))))
        except ClientError:
            pass  # said already
        except ledger.Contention:
            recorder.said.append((operation.__name__, "contention"))
    return recorder.said


def _plain(result: Any) -> str:
    """What an operation made of it, in which the order of maps and sets says nothing: DynamoDB keeps none."""
    return str(_ordered(result))


def _ordered(value: Any) -> Any:
    if is_dataclass(value):
        return type(value).__name__, [_ordered(getattr(value, part.name)) for part in fields(value)]
    if isinstance(value, Mapping):
        return sorted(((str(name), _ordered(inner)) for name, inner in value.items()), key=str)
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    return [_ordered(inner) for inner in value] if isinstance(value, (list, tuple)) else value


@contextlib.contextmanager
def emulated() -> Iterator[Any]:
    """A DynamoDB client of an emulator that runs while the block does."""
    with socket.socket() as probe:
        probe.bind((emulator.HOST, 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, emulator.running(Path(folder), port, {}) as running:
        yield running.client("dynamodb")


@contextlib.contextmanager
def at(endpoint: str) -> Iterator[Any]:
    """A DynamoDB client of whatever answers there."""
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    yield boto3.client("dynamodb", endpoint_url=endpoint, region_name=emulator.REGION, **keys)


@contextlib.contextmanager
def tables(client: Any, seed: int) -> Iterator[Callable[[str], str]]:
    """Fresh tables for one sequence."""

    def name(table: str) -> str:
        return f"{table}-{seed}"

    for table in SCHEMAS:
        client.create_table(**definition(table, name(table)))
    try:
        yield name
    finally:
        for table in SCHEMAS:
            client.delete_table(TableName=name(table))


def definition(table: str, name: str) -> dict[str, Any]:
    schema = SCHEMAS[table]
    kinds = {"pk": "S", **({schema.range: "N"} if schema.range else {})}
    keys = [("pk", "HASH"), *([(schema.range, "RANGE")] if schema.range else [])]
    definition: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": a, "KeyType": kind} for a, kind in keys],
    }
    indexes = []
    for index_name, index in schema.indexes.items():
        parts = [(index.hash, "HASH"), *([(index.range, "RANGE")] if index.range else [])]
        kinds.update(dict.fromkeys((part for part, _ in parts), "S"))
        projection: dict[str, Any] = {"ProjectionType": "KEYS_ONLY"}
        if index.projected:
            projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.projected)}
        indexes.append(
            {
                "IndexName": index_name,
                "KeySchema": [{"AttributeName": a, "KeyType": kind} for a, kind in parts],
                "Projection": projection,
            }
        )
    if indexes:
        definition["GlobalSecondaryIndexes"] = indexes
    definition["AttributeDefinitions"] = [{"AttributeName": a, "AttributeType": t} for a, t in kinds.items()]
    return definition


def _contents(client: Any, table: str) -> list[Any]:
    items = client.scan(TableName=table, ConsistentRead=True)["Items"]
    return sorted((_sets_sorted(item) for item in items), key=str)


def difference(client: Any, seed: int, *, local: bool = False) -> str | None:
    """The first difference between the double and `client` over the sequence of `seed`, or None.

    `local`: DynamoDB Local refuses a transaction whose update has no operand as a whole, where DynamoDB
    cancels it for the reason ValidationError, as its documentation says and the double does.
    """
    double = Database()
    ours = sequence(double, lambda table: table, seed)
    if local:
        ours = [_as_local_says(said) for said in ours]
    with tables(client, seed) as name:
        theirs = sequence(client, name, seed)
        for step, (our, their) in enumerate(zip(ours, theirs, strict=False)):
            if our != their:
                return f"step {step}\n  double:   {our}\n  emulator: {their}"
        if len(ours) != len(theirs):
            return f"{len(ours)} and {len(theirs)} steps"
        for table in SCHEMAS:
            stored = sorted((_sets_sorted(item) for item in double.items[table].values()), key=str)
            if stored != _contents(client, name(table)):
                return f"table {table}\n  double:   {stored}\n  emulator: {_contents(client, name(table))}"
    return None


def _as_local_says(said: Any) -> Any:
    match said:
        case (operation, ("TransactionCanceledException", _, reasons)) if {code for code, _ in reasons} == {
            "None",
            "ValidationError",
        }:
            return operation, ("ValidationException", {}, [])
    return said


def main() -> int:
    """Compare; exit status 1 at the first difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=3000, help="how many sequences")
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument(
        "--endpoint", metavar="URL", help="not the emulator: what answers there, DynamoDB Local"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the result into docs/safety.md")
    chosen = parser.parse_args()
    with at(chosen.endpoint) if chosen.endpoint else emulated() as client:
        for seed in range(chosen.seed, chosen.seed + chosen.n):
            try:
                found = difference(client, seed, local=bool(chosen.endpoint))
            except Unsupported as error:
                found = f"the double does not know {error}"
            if found:
                print(f"\nsequence {seed}: {found}")
                return 1
            if seed % 20 == 0:
                print(f"\r{seed - chosen.seed + 1} sequences, no difference", end="", flush=True)
    print(f"\r{chosen.n} sequences, no difference")
    if chosen.report:
        command = f"`python -m tests.simulation.compare --n {chosen.n} --seed {chosen.seed}`"
        report.write(chosen.report, "comparison", [f"{command}: {chosen.n:,} sequences, no difference."])
    return 0


if __name__ == "__main__":
    sys.exit(main())
