"""Where do the handlers run? Virtual time, workers with clocks of their own, and wires that break.

Each run of a handler is a greenlet. It gives way at every call of a client and at every sleep, so
that whatever else is under way can happen in between; time moves only then. Everything that is left
to chance comes from one `random.Random`.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from greenlet import getcurrent, greenlet
from izin.aws.runtime import Runtime

from tests.simulation.double import SCHEMAS, Database, Item, cancelled, client_error
from tests.simulation.faults import Fault, Faults

SECOND = 1_000_000  # time is counted in microseconds: whole numbers are the same on every machine
PEPPERS = (b"pepper of the simulation",)
QUEUE, DEAD_LETTERS = "dispatch", "dead"


class Killed(BaseException):
    """The end of a worker in the middle of its work: nothing in the product may catch it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostility:
    """How bad it gets. The defaults stay within what the permit's margin is said to cover.

    All in seconds: how far a worker's clock may be off, how long a worker may stall between its last
    look at the clock and its carrier call, and how long that call may take to reach the carrier.
    `stalls` is how many of the calls without a fault are stalled all the same.
    """

    skew: float = 0.5
    stall: float = 1.0
    carrier: float = 2.9  # its connect and read time-outs together
    stalls: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """What reached the carrier, and when it truly did. `taken`: it will be on the person's phone.

    `later`: the worker that handed it over knew the packs of the later version.
    """

    at: datetime
    to: str
    text: str
    reference: str
    taken: bool
    run: str
    later: bool


@dataclass(slots=True)
class Worker:
    """A warm execution environment: its runtime, and how far its clock is off, in microseconds."""

    name: str
    skew: int
    deployment: int
    rt: Runtime = field(init=False)


@dataclass(slots=True)
class _Run:
    """One run of a handler on a worker. It is killed when `deadline` passes."""

    name: str
    worker: Worker
    deadline: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a trace. What it says is put into words only when somebody reads it."""

    at: int
    who: str
    what: str
    request: Any
    outcome: Any
    fault: Fault | None


class World:
    """Time, workers, the database, the queues and the carrier of one history."""

    def __init__(
        self,
        rng: random.Random,
        start: datetime,
        database: Database,
        hostility: Hostility,
        rate: float,
        favourites: frozenset[Fault],
    ) -> None:
        self.rng = rng
        self.start = start
        self.time = 0
        self.database = database
        self.faults = Faults(rng, rate, favourites)
        self.hostility = hostility
        self.slowness = rng.choice((0.002, 0.02, 0.02, 0.2, 1.2)) * SECOND
        self.rows: list[Row] = []
        self.calls: list[Call] = []
        self.dead_letters: list[str] = []
        self.fault_times: list[int] = []
        self.on_ticket: Callable[[str, int], None] = lambda body, delay: None
        self.on_taken: Callable[[str, str], None] = lambda reference, carrier_ref: None
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._numbered = 0
        self._idle: list[Worker] = []
        self._workers = 0
        self._deployment = 0
        self._later: set[int] = set()
        self._current: _Run | None = None
        self._hub: Any = None
        self._tokens = 0
        lagging = rng.random() < 0.3
        database.clock = lambda: self.time
        database.lag = self._lag if lagging else (lambda: 0)

    # Time.

    def instant(self, at: int | None = None) -> datetime:
        """The true instant at `at`, or now."""
        return self.start + timedelta(microseconds=self.time if at is None else at)

    def since_start(self, instant: datetime) -> int:
        """The microseconds from the start to `instant`."""
        return (instant - self.start) // timedelta(microseconds=1)

    def at(self, time: int, act: Callable[[], None]) -> None:
        """Have `act` done at `time`."""
        self._numbered += 1
        heapq.heappush(self._agenda, (max(time, self.time), self._numbered, act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Have `act` done in `seconds`."""
        self.at(self.time + int(seconds * SECOND), act)

    @property
    def next_at(self) -> int | None:
        """When something happens next."""
        return self._agenda[0][0] if self._agenda else None

    def run(self) -> None:
        """Let everything on the agenda happen, in order, until nothing is left on it."""
        self._hub = getcurrent()
        while self._agenda:
            self.time, _, act = heapq.heappop(self._agenda)
            act()

    def pause(self, microseconds: int) -> None:
        """Let a running handler wait, and others run meanwhile."""
        run = self._current
        if run is None:
            raise RuntimeError("only a handler waits")
        at = self.time + microseconds
        if self._agenda and self._agenda[0][0] <= at:
            self.at(at, getcurrent().switch)
            self._hub.switch()
            self._current = run
        else:
            self.time = at
        if self.time > run.deadline:
            self.note("timed out")
            raise Killed

    # Workers.

    def spawn(
        self,
        name: str,
        handler: Callable[[Runtime], Any],
        *,
        timeout: int,
        done: Callable[[Any, BaseException | None], None],
    ) -> None:
        """Run `handler` on a free worker; `done` gets its answer, or what ended it."""
        self._numbered += 1
        worker = self._free_worker()
        run = _Run(f"{name}@{worker.name}", worker, self.time + timeout * SECOND)

        def body() -> None:
            self._current = run
            answer, error = None, None
            try:
                answer = handler(worker.rt)
            except Killed as killed:
                error = killed
            except Exception as raised:  # noqa: BLE001 (as Lambda does: the history decides what follows)
                error = raised
                self.note("raised", outcome=type(raised).__name__)
            if not isinstance(error, Killed) and worker.deployment == self._deployment:
                self._idle.append(worker)
            done(answer, error)

        greenlet(body).switch()

    def _free_worker(self) -> Worker:
        if self._idle and self.rng.random() < 0.8:
            return self._idle.pop(self.rng.randrange(len(self._idle)))
        self._workers += 1
        limit = self.hostility.skew
        skew = (2 * self.rng.random() - 1) * limit
        if self.rng.random() < 0.3:
            skew = limit if skew > 0 else -limit
        if self.faults.rate and abs(skew) > 0.4:
            self.faults.now(Fault.SKEWED)
        worker = Worker(f"w{self._workers}", int(skew * SECOND), self._deployment)
        worker.rt = self._runtime(worker)
        return worker

    def redeploy(self, later: bool) -> None:
        """Replace every worker by one with packs of the later version, or not; what runs is finished."""
        self._idle.clear()
        self._deployment += 1
        if later:
            self._later.add(self._deployment)

    @property
    def later(self) -> bool:
        """Whether the worker that runs just now knows the packs of the later version."""
        return self._current is not None and self._current.worker.deployment in self._later

    def _runtime(self, worker: Worker) -> Runtime:
        return Runtime(
            dynamodb=_Wire(self, self.database, _DYNAMODB),
            sqs=_Wire(self, self, _SQS),
            sms=_Carrier(self),
            **{f"{table}_table": table for table in SCHEMAS},  # type: ignore[arg-type]
            dispatch_queue_url=QUEUE,
            dead_letter_queue_url=DEAD_LETTERS,
            peppers=PEPPERS,
            now=lambda: self.start + timedelta(microseconds=self.time + worker.skew),
            sleep=lambda seconds: self.pause(int(seconds * SECOND)),
            jitter=self.rng.random,
        )

    # Wires.

    def note(self, what: str, request: Any = None, outcome: Any = None, fault: Fault | None = None) -> None:
        """Add a line to the trace; a fault also to the times at which something went wrong."""
        who = self._current.name if self._current else ""
        self.rows.append(Row(self.time, who, what, request, outcome, fault))
        if fault is not None:
            self.fault_times.append(self.time)

    def say(self, who: str, what: str, fault: Fault | None = None) -> None:
        """Add a line about somebody outside."""
        self.rows.append(Row(self.time, who, what, None, None, fault))
        if fault is not None:
            self.fault_times.append(self.time)

    def _lag(self) -> int:
        if self.faults.rate and self.rng.random() < 0.3:
            self.faults.now(Fault.STALE_INDEX)
            return int(self.rng.random() * 3 * SECOND)
        return 0

    def latency(self) -> int:
        """How long a call takes when nothing is wrong."""
        return 1000 + int(self.rng.random() * self.slowness)

    def exchange(self, operation: str, effect: Callable[..., Any], request: dict[str, Any]) -> Any:
        """One call of a service, with at most one fault."""
        fault = self.faults.of_call(operation)
        self.pause(self.latency())
        if fault is not None:
            return self._broken(operation, effect, request, fault)
        return self._effect(operation, effect, request, None)

    def _effect(
        self, operation: str, effect: Callable[..., Any], request: dict[str, Any], fault: Fault | None
    ) -> Any:
        try:
            answer = effect(**request)
        except ClientError as error:
            self.note(operation, request, error, fault)
            raise
        self.note(operation, request, answer, fault)
        return answer

    def _broken(
        self, operation: str, effect: Callable[..., Any], request: dict[str, Any], fault: Fault
    ) -> Any:
        do = partial(self._effect, operation, effect, request, fault)
        if operation == "transact_write_items":  # as botocore does: asked again, it is the same request
            self._tokens += 1
            request = {**request, "ClientRequestToken": str(self._tokens)}
            do = partial(self._effect, operation, effect, request, fault)
        match fault:
            case Fault.KILLED_BEFORE:
                self.note(operation, request, None, fault)
                raise Killed
            case Fault.KILLED_AFTER:
                _whatever_it_says(do)
                raise Killed
            case Fault.ANSWER_LOST:
                _whatever_it_says(do)
                self.pause(3 * SECOND + self.latency())
                return do()
            case Fault.NO_ANSWER | Fault.UNREACHED:
                if fault is Fault.NO_ANSWER:
                    _whatever_it_says(do)
                else:
                    self.note(operation, request, None, fault)
                self.pause(9 * SECOND)
                raise ReadTimeoutError(endpoint_url="https://dynamodb")
            case Fault.THROTTLED | Fault.THROTTLED_AFTER:
                if fault is Fault.THROTTLED_AFTER:
                    _whatever_it_says(do)
                    self.pause(3 * SECOND)
                else:
                    self.note(operation, request, None, fault)
                self.pause(self.latency())
                raise client_error("ThrottlingException", "slow down", operation)
            case Fault.CONFLICT:
                self.note(operation, request, None, fault)
                raise _conflict(operation, request, self.rng)
            case Fault.SLOW:
                self.pause(int(self.rng.random() * 2.9 * SECOND))
                return do()
            case Fault.FROZEN:
                answer = do()
                shortest, longest = self.rng.choice(((0, 9), (3, 6), (4, 6), (5, 12), (9, 40)))
                self.pause(int((shortest + self.rng.random() * (longest - shortest)) * SECOND))
                return answer
            case Fault.TORN:
                return self._torn(effect, request)
            case Fault.PARTIAL if operation == "batch_get_item":
                return self._partial_read(effect, request)
            case Fault.PARTIAL:
                entries = [entry for entry in request["Entries"] if self.rng.random() < 0.5]
                self.note(operation, request, None, fault)
                return effect(QueueUrl=request["QueueUrl"], Entries=entries)
        raise NotImplementedError(fault)

    def _torn(self, effect: Callable[..., Any], request: dict[str, Any]) -> Any:
        """A batch is no snapshot: each of its tables is read at an instant of its own."""
        tables = list(request["RequestItems"].items())
        self.rng.shuffle(tables)
        responses: dict[str, list[Item]] = {}
        for table, keys in tables:
            responses |= effect(RequestItems={table: keys})["Responses"]
            self.note("batch_get_item", {"RequestItems": {table: keys}}, None, Fault.TORN)
            self.pause(self.latency() + int(self.rng.random() * SECOND / 2))
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _partial_read(self, effect: Callable[..., Any], request: dict[str, Any]) -> Any:
        left, read = {}, {}
        for table, keys in request["RequestItems"].items():
            (left if self.rng.random() < 0.5 else read)[table] = keys
        self.note("batch_get_item", {"RequestItems": read}, None, Fault.PARTIAL)
        answer = effect(RequestItems=read)
        return {"Responses": answer["Responses"], "UnprocessedKeys": left}

    # The dispatch queue and the dead letters.

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if QueueUrl != QUEUE:
            raise KeyError(QueueUrl)
        for entry in Entries:
            self.on_ticket(entry["MessageBody"], entry["DelaySeconds"])
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries], "Failed": []}

    def send_message(self, *, QueueUrl: str, MessageBody: str, MessageAttributes: Any) -> dict[str, Any]:  # noqa: N803
        if QueueUrl != DEAD_LETTERS or "reason" not in MessageAttributes:
            raise KeyError(QueueUrl)
        self.dead_letters.append(MessageBody)
        return {}

    # The carrier.

    def hand_over(self, to: str, text: str, reference: str, fault: Fault | None) -> str:
        """The carrier's side of a call; its reference. Raises what botocore would."""
        if fault is Fault.KILLED_BEFORE:
            self.note("carrier", reference, None, fault)
            raise Killed
        if fault is Fault.STALL:
            self.pause(int(self.rng.random() * self.hostility.stall * SECOND))
        if fault in (Fault.CARRIER_UNREACHABLE, Fault.CARRIER_LOST):
            self.note("carrier", reference, None, fault)
            self.pause(SECOND)
            if fault is Fault.CARRIER_UNREACHABLE:
                raise ConnectTimeoutError(endpoint_url="https://sms-voice")
            self.pause(2 * SECOND)
            raise ReadTimeoutError(endpoint_url="https://sms-voice")
        slow = self.hostility.carrier if fault else min(self.hostility.carrier, self.slowness / SECOND)
        self.pause(int(self.rng.random() * slow * SECOND))
        taken = fault not in (Fault.CARRIER_THROTTLED, Fault.CARRIER_REFUSED, Fault.CARRIER_OPTED_OUT)
        run = self._current.name if self._current else ""
        self.calls.append(Call(self.instant(), to, text, reference, taken, run, self.later))
        self.note("carrier", reference, "taken" if taken else "refused", fault)
        carrier_ref = f"ref-{len(self.calls)}"
        if taken:
            self.on_taken(reference, carrier_ref)
        if fault is Fault.KILLED_AFTER:
            raise Killed
        if fault in _CARRIER_ERRORS:
            raise _carrier_error(*_CARRIER_ERRORS[fault])
        if fault is Fault.CARRIER_SILENT:
            self.pause(int(self.rng.random() * 2 * SECOND))
            raise ReadTimeoutError(endpoint_url="https://sms-voice")
        self.pause(self.latency() if fault is None else 1000)
        return carrier_ref


def _whatever_it_says(do: Callable[[], Any]) -> None:
    """An effect whose answer, good or bad, nobody gets to see."""
    try:
        do()
    except ClientError:
        return


def _conflict(operation: str, request: Mapping[str, Any], rng: random.Random) -> ClientError:
    message = "Transaction is ongoing for the item"
    if operation != "transact_write_items":
        return client_error("TransactionConflictException", message, operation)
    writes = len(request["TransactItems"])
    hit = rng.randrange(writes)
    reasons = [{"Code": "None"} for _ in range(writes)]
    reasons[hit] = {"Code": "TransactionConflict", "Message": message}
    return cancelled(reasons)


_CARRIER_ERRORS: dict[Fault | None, tuple[str, int, str | None]] = {
    Fault.CARRIER_THROTTLED: ("ThrottlingException", 400, None),
    Fault.CARRIER_REFUSED: ("ValidationException", 400, "DESTINATION_COUNTRY_BLOCKED"),
    Fault.CARRIER_OPTED_OUT: ("ConflictException", 400, "DESTINATION_PHONE_NUMBER_OPTED_OUT"),
    Fault.CARRIER_BROKE: ("InternalServerException", 500, None),
}


def _carrier_error(code: str, status: int, reason: str | None) -> ClientError:
    fields = {"Reason": reason} if reason else {}
    return client_error(code, "no", "SendTextMessage", status, **fields)


_DYNAMODB = ("get_item", "batch_get_item", "put_item", "update_item", "transact_write_items", "query")
_SQS = ("send_message", "send_message_batch")


class _Wire:
    """A client whose every call goes through the world."""

    def __init__(self, world: World, behind: Any, operations: tuple[str, ...]) -> None:
        for operation in operations:
            setattr(self, operation, _call(world, operation, getattr(behind, operation)))


def _call(world: World, operation: str, effect: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **request: world.exchange(operation, effect, request)


class _Carrier:
    """AWS End User Messaging SMS, as far as dispatch knows it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send_text_message(self, **request: Any) -> dict[str, Any]:
        """One text, one attempt."""
        fault = self._world.faults.of_carrier()
        often = self._world.hostility.stalls
        if fault is None and often and self._world.rng.random() < often:
            fault = self._world.faults.now(Fault.STALL)
        reference = request["Context"]["message"]
        carrier_ref = self._world.hand_over(
            request["DestinationPhoneNumber"], request["MessageBody"], reference, fault
        )
        return {"MessageId": carrier_ref}


def envelope(message: Mapping[str, Any], envelope_id: str, at: datetime) -> str:
    """A notification as SNS puts it into a queue."""
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"MessageId": envelope_id, "Timestamp": stamp, "Message": json.dumps(message)})
