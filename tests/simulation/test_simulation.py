"""Do the invariants hold in a sample of hostile histories, and would the simulator notice if they did not?

Histories run in processes of their own: they keep the handlers' logs and metrics to themselves.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation import ROOT
from tests.simulation.faults import Fault
from tests.simulation.run import total
from tests.simulation.world import Hostility

_TELL = """
from tests.simulation.run import judge
for seed in range(5, 13):
    found, history = judge(seed)
    print(seed, len(found), history.record.trace_hash())
"""


def test_no_history_breaks_a_promise() -> None:
    done = total(first=1, count=300, jobs=2)
    assert done.broken is None, f"python -m tests.simulation --replay {done.broken}"
    assert done.histories == 300
    assert {fault for fault in Fault if not done.faults[fault]} == set()
    assert sum(done.faults.values()) >= 4 * done.histories
    assert done.sends >= done.histories / 2


@pytest.mark.parametrize(
    "hostility", [Hostility(stall=15.0, stalls=0.5), Hostility(skew=6.0)], ids=["stalls", "clocks"]
)
def test_beyond_the_margin_promises_break(hostility: Hostility) -> None:
    assert total(first=1, count=500, jobs=2, hostility=hostility).broken is not None


def test_a_seed_is_one_history_whatever_the_hashes() -> None:
    told = {_told(hashes) for hashes in ("1", "2")}
    assert len(told) == 1
    assert len(told.pop().splitlines()) == 8


def _told(hashes: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hashes}
    command = [sys.executable, "-c", _TELL]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
