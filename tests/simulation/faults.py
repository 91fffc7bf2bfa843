"""What goes wrong, how often, and how often it did.

Every fault that a history can have is a `Fault`. Those of calls are drawn at each call; the others
(a duplicate, a redeploy) are drawn where they belong, in `world`, `history` and `script`. Those that
nobody draws (a reply that a later one overtook) are counted where they are seen.
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
    REPLY_TWICE = "reply delivered twice"
    REPLY_LATE = "reply delivered late"
    REPLY_OVERTAKEN = "reply overtaken by a later one"
    TICKET_TWICE = "ticket delivered twice"
    TICKET_LATE = "ticket delivered late"
    TICKET_OVERTAKEN = "ticket overtaken by a later one"
    RECEIPT_TWICE = "receipt delivered twice"
    RECEIPT_EARLY = "receipt before the answer of the call"
    RECEIPT_OVERTAKEN = "receipt overtaken by a later one"
    REPEATED_REQUEST = "request repeated by its caller"
    SWEEPS_OVERLAP = "two sweeps at once"
    SWEEP_LATE = "sweep late"
    SWEEP_MISSED = "sweep missed"
    REDEPLOYED = "workers replaced, caches lost"
    NEW_PACKS = "workers replaced, with packs of another version"
    SKEWED = "worker whose clock is off by more than 0.4 s"
    EDGE = "history around the edge of a window"
    CLOCKS_CHANGE = "history across a change of clocks"


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
FAVOURITES = (
    Fault.FROZEN,
    Fault.FROZEN,
    Fault.FROZEN,
    Fault.STALL,
    Fault.SLOW,
    Fault.CONFLICT,
    Fault.KILLED_AFTER,
    Fault.THROTTLED_AFTER,
    Fault.TORN,
    Fault.CARRIER_SILENT,
    Fault.TICKET_TWICE,
    Fault.REPLY_LATE,
    Fault.REPEATED_REQUEST,
)
"""What may go wrong again and again in one history: what takes two of a kind is seen there."""


class Faults:
    """Draws faults from the history's own randomness, and counts them."""

    def __init__(self, rng: random.Random, rate: float, favourites: frozenset[Fault]) -> None:
        self._rng = rng
        self.rate = rate
        self.carrier_rate = min(0.5, rate * 4)
        self.favourites = favourites if rate else frozenset()
        self.counts: Counter[Fault] = Counter()

    def of_call(self, operation: str) -> Fault | None:
        """The fault of one call of a service, if it has one."""
        return self._drawn(OF_CALL[operation], self.rate, 0.0 if operation == "query" else 0.3)

    def of_carrier(self) -> Fault | None:
        """The fault of one call of the carrier, if it has one."""
        return self._drawn(OF_CARRIER, self.carrier_rate, 0.5)

    def _drawn(self, kinds: tuple[Fault, ...], rate: float, often: float) -> Fault | None:
        chance = self._rng.random()
        if chance < rate:
            return self.now(self._rng.choice(kinds))
        if self.favourites and chance < rate + often:
            favoured = [kind for kind in kinds if kind in self.favourites]
            return self.now(self._rng.choice(favoured)) if favoured else None
        return None

    def sometimes(self, fault: Fault, weight: float = 1.0) -> bool:
        """Whether `fault` happens here: `weight` times as likely as a fault of a call."""
        rate = 0.5 if fault in self.favourites else self.rate * weight
        if self._rng.random() >= rate:
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
        self.favourites = frozenset()
