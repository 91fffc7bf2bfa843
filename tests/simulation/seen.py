"""What is seen of a world? What reached the carrier, and one line for everything that happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from tests.simulation.faults import Fault

SECOND = 1_000_000  # time is counted in microseconds: whole numbers are the same on every machine


class Killed(BaseException):
    """The end of a worker in the middle of its work: nothing in the product may catch it."""


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


class Row(NamedTuple):
    """One line of a trace. What it says is put into words only when somebody reads it."""

    at: int
    who: str
    what: str
    request: Any
    outcome: Any
    fault: Fault | None
