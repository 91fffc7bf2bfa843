"""Two rounds of what `python -m tests.simulation.threads` plays: real threads, the same oracle."""

from __future__ import annotations

from tests.simulation import threads


def test_no_race_breaks_a_promise() -> None:
    calls, races, broken = threads.rounds(2, seed=1)
    assert broken == []
    assert calls > 10
    assert races > 10
    assert threads.WORKERS == 16
