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
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from izin.aws import ledger
from izin.aws.runtime import Runtime

from infra import emulator
from tests.simulation import report
from tests.simulation.double import SCHEMAS, Database
from tests.simulation.expressions import Unsupported
from tests.simulation.operations import OPERATIONS, START


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
        operation, own = rng.choice(OPERATIONS), random.Random(rng.random())
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

    `local`: DynamoDB Local refuses a whole transaction when an update of it lacks an operand, where DynamoDB
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
        case (operation, ("TransactionCanceledException", _, reasons)) if "ValidationError" in {
            code for code, _ in reasons
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
