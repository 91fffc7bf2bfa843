"""What goes wrong, how often, and how often it did.

Every fault that a history can have is a `Fault`. Those of calls are drawn at each call; the others
(a duplicate, a redeploy) are drawn where they belong, in `world` and `history`.
"""

from __future__ import annotations

import random
from collections import Counter
from enum import StrEnum


class Fault(StrEnum):
    """The kinds of faults, as the figures name them."""

    KILLED_BEFORE = "killed before the effect"
    KILLED_AFTER = "killed after the effect"
    ANSWER_LOST = "answer lost, the client asked again"
    NO_ANSWER = "no answer, although the effect happened"
    UNREACHED = "no answer, and no effect"
    THROTTLED = "throttled before the effect"
    THROTTLED_AFTER = "throttled after the effect"
    CONFLICT = "transaction conflict"
    SLOW = "slow call"
    FROZEN = "worker frozen after a call"
    PARTIAL = "batch answered in part"
    TORN = "batch read at two instants"
    STALE_INDEX = "index behind its table"
    STALL = "stall before the carrier call"
    CARRIER_SILENT = "carrier took it and answered nothing"
    CARRIER_LOST = "carrier neither took it nor answered"
    CARRIER_UNREACHABLE = "carrier not reached"
    CARRIER_THROTTLED = "carrier throttled"
    CARRIER_REFUSED = "carrier refused"
    CARRIER_BROKE = "carrier answered 500 and took it"
    CARRIER_OPTED_OUT = "carrier says the person opted out"
    DUPLICATE = "delivered twice"
    LATE = "delivered late"
    REPEATED_REQUEST = "request repeated by its caller"
    SWEEPS_OVERLAP = "two sweeps at once"
    SWEEP_MISSED = "sweep missed"
    REDEPLOYED = "workers replaced, caches lost"
    RECEIPT_EARLY = "receipt before the answer of the call"
    SKEWED = "worker whose clock is off by more than 0.4 s"


ANY_CALL = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.SLOW, Fault.FROZEN, Fault.THROTTLED)
WRITES = (
    *ANY_CALL,
    Fault.ANSWER_LOST,
    Fault.NO_ANSWER,
    Fault.THROTTLED_AFTER,
    Fault.CONFLICT,
    Fault.UNREACHED,
)
OF_CALL: dict[str, tuple[Fault, ...]] = {
    "get_item": (*ANY_CALL, Fault.UNREACHED),
    "batch_get_item": (*ANY_CALL, Fault.UNREACHED, Fault.PARTIAL, Fault.TORN, Fault.TORN),
    "query": (*ANY_CALL, Fault.UNREACHED),
    "put_item": WRITES,
    "update_item": WRITES,
    "transact_write_items": (*WRITES, Fault.FROZEN, Fault.FROZEN, Fault.FROZEN),
    "send_message_batch": (*WRITES[:-2], Fault.PARTIAL),
    "send_message": WRITES[:-2],
}
OF_CARRIER = (
    Fault.KILLED_BEFORE,
    Fault.KILLED_AFTER,
    Fault.STALL,
    Fault.STALL,
    Fault.STALL,
    Fault.CARRIER_SILENT,
    Fault.CARRIER_LOST,
    Fault.CARRIER_UNREACHABLE,
    Fault.CARRIER_THROTTLED,
    Fault.CARRIER_THROTTLED,
    Fault.CARRIER_REFUSED,
    Fault.CARRIER_BROKE,
    Fault.CARRIER_OPTED_OUT,
)


class Faults:
    """Draws faults from the history's own randomness, and counts them."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._rng = rng
        self.rate = rate
        self.carrier_rate = min(0.5, rate * 4)
        self.counts: Counter[Fault] = Counter()

    def of_call(self, operation: str) -> Fault | None:
        """The fault of one call of a service, if it has one."""
        if self._rng.random() >= self.rate:
            return None
        return self.now(self._rng.choice(OF_CALL[operation]))

    def of_carrier(self) -> Fault | None:
        """The fault of one call of the carrier, if it has one."""
        if self._rng.random() >= self.carrier_rate:
            return None
        return self.now(self._rng.choice(OF_CARRIER))

    def sometimes(self, fault: Fault, weight: float = 1.0) -> bool:
        """Whether `fault` happens here: `weight` times as likely as a fault of a call."""
        if self._rng.random() >= self.rate * weight:
            return False
        self.now(fault)
        return True

    def now(self, fault: Fault) -> Fault:
        """Count `fault` as having happened."""
        self.counts[fault] += 1
        return fault

    def cease(self) -> None:
        """Nothing goes wrong any more: what was begun can come to its end."""
        self.rate = self.carrier_rate = 0.0
