"""What is seen of a history from outside? What was asked, said and answered, and what left."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from izin.domain.consent import Scope

from tests.simulation.cast import Brand, Person
from tests.simulation.double import Database
from tests.simulation.seen import Call, Row


@dataclass(frozen=True, slots=True)
class Submitted:
    """A message that an app handed in under `pk`."""

    pk: str
    brand: Brand
    person: Person
    purpose: str
    essential: bool


@dataclass(slots=True)
class OptOut:
    """A no. `reply`: it came from the handset, and may be confirmed. `silent_from` is what was answered."""

    event: str
    brand: Brand
    person: Person
    scope: Scope
    given_at: datetime | None  # None: when the product took it
    reply: bool
    final: bool = False  # do-not-contact: only the handset ends it
    everywhere: bool = False
    delivered: bool = False
    silent_from: list[datetime] = field(default_factory=list)


@dataclass(slots=True)
class Yes:
    """A START, an answer to a request, or a consent that an app reports; `purposes` None for all."""

    event: str
    brand: Brand
    person: Person
    given_at: datetime
    from_handset: bool
    answers_request: bool
    purposes: tuple[str, ...] | None
    said_at: datetime | None = None


class Left(Protocol):
    """What handlers leave behind, wherever they ran: on virtual time, or with threads on an emulator."""

    start: datetime
    calls: list[Call]
    rows: list[Row]
    fault_times: list[int]
    dead_letters: list[str]

    @property
    def database(self) -> Database:
        """All tables."""

    def instant(self, at: int | None = None) -> datetime:
        """The true instant at `at` microseconds."""


@dataclass(slots=True)
class Record:
    """Everything about a history that can be seen from outside."""

    seed: int
    world: Left
    prepared: frozenset[str] = frozenset()  # messages from before the history
    submitted: dict[str, Submitted] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    cancelled: dict[str, datetime] = field(default_factory=dict)
    opt_outs: list[OptOut] = field(default_factory=list)
    yeses: list[Yes] = field(default_factory=list)
    requests: list[tuple[Brand, Person, datetime]] = field(default_factory=list)
    unclear: list[tuple[Brand, Person, datetime]] = field(default_factory=list)
    help: dict[str, datetime] = field(default_factory=dict)
    first_delivery: dict[str, datetime] = field(default_factory=dict)
    probes: list[tuple[Brand, Person, dict[str, Any]]] = field(default_factory=list)
    quiet: bool = False

    def trace_hash(self) -> str:
        """The same for the same history, whatever machine and Python it ran on."""
        rows = [f"{r.at}|{r.who}|{r.what}|{r.fault}|{type(r.outcome).__name__}" for r in self.world.rows]
        calls = [f"{c.at}|{c.to}|{c.reference}|{c.taken}" for c in self.world.calls]
        return hashlib.sha256("\n".join([*rows, *calls]).encode()).hexdigest()[:16]
