"""Do the promises hold when workers are real? Sixteen threads on the emulator, judged by the same oracle.

Each round gives some people promotions that race for one cap slot, orders, codes, and a no in the middle
of it: STOP by reply, twice, or an opt-out by the API. Time is real until the work is done; then the clock is
moved on, and sweeps bring what waits to its end. `python -m tests.simulation.threads --rounds 20`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from queue import Empty, Queue
from typing import Any

import consents
import dispatch
import gate
import inbound
import opt_outs
import release
from botocore.exceptions import ClientError
from izin.aws import queue
from izin.aws.runtime import Runtime
from izin.domain.consent import Scope

from tests.simulation import compare, stock
from tests.simulation.acts import fingerprint
from tests.simulation.cast import ANA, BRANDS, KOPI, Person
from tests.simulation.double import SCHEMAS, Database
from tests.simulation.oracle import Violation, violations
from tests.simulation.record import OptOut, Record, Submitted, Yes
from tests.simulation.seen import Call, Row
from tests.simulation.world import PEPPERS

WORKERS = 16
_PEOPLE = 8
_START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # ten o'clock in Jakarta, noon in Jayapura
_TRIES = 20


class Crowd:
    """Tables on the emulator, a queue, a carrier, and the clock that all workers share."""

    start = _START

    def __init__(self, client: Any, name: Callable[[str], str], seed: int) -> None:
        self.rng = random.Random(seed)
        self.calls: list[Call] = []
        self.rows: list[Row] = []
        self.fault_times: list[int] = []
        self.dead_letters: list[str] = []
        self.races = 0
        self._client, self._name = client, name
        self._began, self._moved = time.monotonic(), 0.0
        self._tasks: Queue[tuple[Callable[[Runtime], Any], int]] = Queue()
        self._waiting: list[str] = []
        self._lock = threading.Lock()
        self.record = Record(seed, self, frozenset(pk for pk, _ in stock.stock(BRANDS).items["messages"]))
        self.rt = Runtime(
            dynamodb=self,
            sqs=self,
            sms=self,
            **{f"{table}_table": name(table) for table in SCHEMAS},  # type: ignore[arg-type]
            dispatch_queue_url="dispatch",
            peppers=PEPPERS,
            now=self.instant,
        )

    # What the oracle looks at.

    def instant(self, at: int | None = None) -> datetime:
        """The instant at `at` microseconds, or now."""
        seconds = time.monotonic() - self._began + self._moved if at is None else at / 1e6
        return _START + timedelta(seconds=seconds)

    @property
    def database(self) -> Database:
        """Everything in the tables."""
        found = Database()
        for table, schema in SCHEMAS.items():
            for page in self._client.get_paginator("scan").paginate(
                TableName=self._name(table), ConsistentRead=True
            ):
                for item in page["Items"]:
                    key = item[schema.range]["N"] if schema.range else ""
                    found.items[table][item["pk"]["S"], key] = item
        return found

    # The services.

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """DynamoDB, as the emulator has it; counts what was refused because somebody was faster."""
        act = getattr(self._client, operation)

        def call(**request: Any) -> Any:
            try:
                return act(**request)
            except ClientError:
                self.races += 1
                raise

        return call

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        """The dispatch queue: what is delayed waits until the clock is moved on; some comes twice."""
        del QueueUrl
        for entry in Entries:
            if entry["DelaySeconds"]:
                with self._lock:
                    self._waiting.append(entry["MessageBody"])
            else:
                for _ in range(1 + (random.random() < 0.3)):
                    self._do(partial(_dispatch, entry["MessageBody"]))
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def send_text_message(self, **request: Any) -> dict[str, Any]:
        """The carrier, which takes a moment."""
        time.sleep(random.random() * 0.02)
        reference = request["Context"]["message"]
        with self._lock:
            to, text = request["DestinationPhoneNumber"], request["MessageBody"]
            self.calls.append(Call(self.instant(), to, text, reference, True, "", False))
            return {"MessageId": f"ref-{len(self.calls)}"}

    # The workers.

    def _do(self, task: Callable[[Runtime], Any], tries: int = 1) -> None:
        self._tasks.put((task, tries))

    def _work(self, _number: int) -> None:
        rt = replace(self.rt, cache={})
        while self._tasks.unfinished_tasks:
            try:
                task, tries = self._tasks.get(timeout=0.01)
            except Empty:
                continue
            try:
                task(rt)
            except Exception:
                if tries == _TRIES:
                    raise
                self._do(task, tries + 1)
            finally:
                self._tasks.task_done()

    def play(self) -> list[Violation]:
        """One round, from the first consent to the last sweep; the promises that it broke."""
        self._fill()
        people = [replace(ANA, number=f"+62812345{self.rng.randrange(10**5, 10**6)}") for _ in range(_PEOPLE)]
        for person in people:
            self._agree(person)
        acts = [partial(act, person) for person in people for act in self._acts()]
        self.rng.shuffle(acts)
        for act in acts:
            act()
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._work, range(WORKERS)))
        self._settle()
        for person in people:
            for brand in BRANDS:
                body = {**_body(person, "marketing"), "brand": brand.id, "sender": brand.sender(person)}
                answer = gate.check(self.rt, stock.request(body))
                self.record.probes.append((brand, person, json.loads(answer["body"])))
        return list(violations(self.record))

    def _fill(self) -> None:
        for table, items in stock.stock(BRANDS).items.items():
            for item in items.values():
                self._client.put_item(TableName=self._name(table), Item=item)

    def _agree(self, person: Person) -> None:
        at = self.instant() - timedelta(minutes=10)
        body = stock.consent(KOPI, person, f"c{len(self.record.yeses)}", at)
        consents.capture_consent(self.rt, stock.request(body))
        self.record.yeses.append(Yes(body["id"], KOPI, person, at, False, False, ("marketing",), at))

    def _acts(self) -> list[Callable[[Person], None]]:
        no = self._stop if self.rng.random() < 0.5 else self._opt_out
        submitted = ("marketing", "marketing", "marketing", "transactional", "authentication")
        return [*[partial(self._submit, purpose) for purpose in submitted], no]

    def _settle(self) -> None:
        """Move the clock on, minute by minute, until nothing waits."""
        for _ in range(30):
            self._moved += 60
            waiting, self._waiting = self._waiting, []
            for body in waiting:
                _dispatch(body, self.rt)
            release.release(self.rt)
            while not self._tasks.empty():
                self._tasks.get()[0](self.rt)
                self._tasks.task_done()
            left = self.database
            if not any("wake_at" in i for t in ("messages", "state") for i in left.items[t].values()):
                self.record.quiet = True
                return

    # What people and apps do.

    def _submit(self, purpose: str, person: Person) -> None:
        expires_at = (self.instant() + timedelta(minutes=5)).isoformat()
        body = {
            **_body(person, purpose),
            "id": f"m-{len(self.record.submitted)}",
            "expires_at": expires_at,
        }
        pk = f"{KOPI.id}#{body['id']}"
        self.record.submitted[pk] = Submitted(pk, KOPI, person, purpose, False)

        def submit(rt: Runtime) -> None:
            if gate.submit(rt, stock.request(body))["statusCode"] < 300:
                self.record.accepted.add(pk)

        for _ in range(1 + (self.rng.random() < 0.3)):
            self._do(submit)

    def _stop(self, person: Person) -> None:
        at = self.instant()
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        message_id = f"stop{person.number[1:]}"
        told = OptOut(f"in-{message_id}", KOPI, person, Scope.ALL, at, reply=True, delivered=True)
        self.record.opt_outs.append(told)
        body = stock.reply(KOPI, person, "STOP", message_id, at)

        def deliver(rt: Runtime) -> None:
            self.record.first_delivery.setdefault(told.event, self.instant())
            inbound.receive(rt, body)

        for _ in range(2):
            self._do(deliver)

    def _opt_out(self, person: Person) -> None:
        body = {
            "id": "told",
            "brand": KOPI.id,
            "address": person.number,
            "source": "app",
            "company_wide": self.rng.random() < 0.3,
        }
        final = bool(body["company_wide"])
        event = f"opt-out-{fingerprint(body)}"
        told = OptOut(event, KOPI, person, Scope.ALL, None, False, final, final, delivered=True)
        self.record.opt_outs.append(told)

        def tell(rt: Runtime) -> None:
            answer = json.loads(opt_outs.opt_out(rt, stock.request(body))["body"])
            told.silent_from.append(datetime.fromisoformat(answer["silent_from"]))

        for _ in range(1 + (self.rng.random() < 0.5)):
            self._do(tell)


def _dispatch(body: str, rt: Runtime) -> None:
    dispatch.dispatch(rt, queue.ticket(body))


def _body(person: Person, purpose: str) -> dict[str, Any]:
    texts = {"marketing": f"{KOPI.name}: {person.promotion}", "authentication": "123456"}
    return {
        "brand": KOPI.id,
        "sender": KOPI.sender(person),
        "to": person.number,
        "channel": "sms",
        "purpose": purpose,
        "text": texts.get(purpose, f"{KOPI.name}: order 123"),
        "language": person.language,
        **({"basis": {"transaction": "order-123"}} if purpose == "transactional" else {}),
    }


def rounds(count: int, seed: int) -> tuple[int, int, list[str]]:
    """Carrier calls, writes refused because another was first, and broken promises, of `count` rounds."""
    calls, races, broken = 0, 0, list[str]()
    with compare.emulated() as client:
        for number in range(seed, seed + count):
            with compare.tables(client, number) as name:
                crowd = Crowd(client, name, number)
                broken += [f"round {number}, invariant {v.invariant}: {v.what}" for v in crowd.play()]
                calls, races = calls + len(crowd.calls), races + crowd.races
    return calls, races, broken


def main() -> int:
    """Play; exit status 1 if a promise broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.monotonic()
    calls, races, broken = rounds(chosen.rounds, chosen.seed)
    print("\n".join(broken))
    print(
        f"{chosen.rounds} rounds of {WORKERS} threads, {calls} carrier calls, {races} writes refused,"
        f" {len(broken)} violations, {time.monotonic() - began:.0f} s"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
