"""How are many histories run? In chunks of consecutive seeds, on every core, up to the first violation."""

from __future__ import annotations

import gc
import multiprocessing
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain

from tests.simulation.faults import Fault
from tests.simulation.history import History
from tests.simulation.oracle import Violation, violations
from tests.simulation.script import play
from tests.simulation.trace import lines
from tests.simulation.world import Hostility

_CHUNK = 25
_CHUNKS = 16
"""How many chunks one worker runs."""


@dataclass
class Tally:
    """What some histories came to; `broken` is the first seed that broke a promise, if one did."""

    histories: int = 0
    sends: int = 0
    opt_outs: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    broken: int | None = None

    def add(self, other: Tally) -> None:
        """Count `other`, which came after."""
        self.histories += other.histories
        self.sends += other.sends
        self.opt_outs += other.opt_outs
        self.faults += other.faults
        if self.broken is None:
            self.broken = other.broken


@cache
def _prepare() -> None:
    """Load what all histories begin with, once. From then on no garbage is collected: see `run`."""
    judge(0)
    gc.collect()
    gc.freeze()
    gc.disable()


def judge(seed: int, hostility: Hostility | None = None) -> tuple[list[Violation], History]:
    """One history, and the promises that it broke."""
    history = play(seed, hostility)
    return list(violations(history.record)), history


def tally(seeds: range, hostility: Hostility | None = None) -> Tally:
    """Run `seeds` in order, up to the first violation."""
    done = Tally()
    _prepare()
    for seed in seeds:
        found, history = judge(seed, hostility)
        done.histories += 1
        done.sends += sum(call.taken for call in history.world.calls)
        done.opt_outs += len(history.record.opt_outs)
        done.faults += history.world.faults.counts
        if found:
            done.broken = seed
            break
    return done


def run(first: int, count: int, jobs: int, hostility: Hostility | None = None) -> Iterator[Tally]:
    """Tallies of consecutive seeds, in order; none after the first violation.

    A worker ends after some chunks, and its garbage with it: collecting it would take a fifth of the time.
    """
    chunks = [range(at, min(at + _CHUNK, first + count)) for at in range(first, first + count, _CHUNK)]
    part = partial(tally, hostility=hostility)
    if jobs == 1:
        yield from _until_broken(map(part, chunks))
        return
    with multiprocessing.get_context(_how_to_start()).Pool(jobs, maxtasksperchild=_CHUNKS) as pool:
        yield from _until_broken(pool.imap(part, chunks))


def _how_to_start() -> str:
    """Workers that begin with everything loaded, where the system has them and no thread is in the way."""
    if "fork" not in multiprocessing.get_all_start_methods() or threading.active_count() > 1:
        return "spawn"
    _prepare()
    return "fork"


def _until_broken(parts: Iterator[Tally]) -> Iterator[Tally]:
    for part in parts:
        yield part
        if part.broken is not None:
            return


def total(first: int, count: int, jobs: int, hostility: Hostility | None = None) -> Tally:
    """All that `run` yields, in one."""
    done = Tally()
    for part in run(first, count, jobs, hostility):
        done.add(part)
    return done


def replay(seed: int, hostility: Hostility | None = None) -> list[Violation]:
    """Tell the history of one seed, and what is wrong with it."""
    found, history = judge(seed, hostility)
    broken = [f"BROKEN, invariant {v.invariant}: {v.what}" for v in found]
    print("\n".join(chain(lines(history.record), broken)))
    return found
