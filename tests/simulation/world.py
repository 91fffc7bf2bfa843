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
from typing import Any

from greenlet import getcurrent, greenlet
from izin.aws.runtime import Runtime

from tests.simulation.double import SCHEMAS, Database
from tests.simulation.faults import Fault, Faults
from tests.simulation.seen import SECOND, Call, Killed, Row
from tests.simulation.wires import DYNAMODB, SQS, Carrier, Wire

PEPPERS = (b"pepper of the simulation",)
QUEUE, DEAD_LETTERS = "dispatch", "dead"


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
            dynamodb=Wire(self, self.database, DYNAMODB),
            sqs=Wire(self, self, SQS),
            sms=Carrier(self),
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
        self.rows.append(Row(self.time, self.running, what, request, outcome, fault))
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

    @property
    def running(self) -> str:
        """Which run of which handler is under way."""
        return self._current.name if self._current else ""

    def new_token(self) -> str:
        """What makes a request asked again the same request."""
        self._tokens += 1
        return str(self._tokens)

    def latency(self) -> int:
        """How long a call takes when nothing is wrong."""
        return 1000 + int(self.rng.random() * self.slowness)

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


def envelope(message: Mapping[str, Any], envelope_id: str, at: datetime) -> str:
    """A notification as SNS puts it into a queue."""
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"MessageId": envelope_id, "Timestamp": stamp, "Message": json.dumps(message)})
