"""`python -m tests.simulation --n 20000 --seed 1`: hostile histories, until one breaks a promise.

Exit status 1 at the first violation, with the history told line by line and the command that plays it
again. `--replay SEED` tells the history of that seed, whether or not anything is wrong with it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from pathlib import Path

from tests.simulation import report
from tests.simulation.faults import Fault
from tests.simulation.run import Tally, replay, run
from tests.simulation.world import Hostility


def main() -> int:
    """Run, and say what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--n", type=int, default=20_000, help="how many histories")
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--replay", type=int, metavar="SEED", help="tell this one history")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the figures into docs/safety.md")
    usual = Hostility()
    parser.add_argument("--skew", type=float, default=usual.skew, help="how far clocks are off, in seconds")
    parser.add_argument("--stall", type=float, default=usual.stall, help="before a carrier call, in seconds")
    chosen = parser.parse_args()
    often = 0.5 if chosen.stall > usual.stall else 0.0
    hostility = Hostility(skew=chosen.skew, stall=chosen.stall, stalls=often)
    if chosen.replay is not None:
        return 1 if replay(chosen.replay, hostility) else 0
    done, began = Tally(), time.monotonic()
    for part in run(chosen.seed, chosen.n, chosen.jobs, hostility):
        done.add(part)
        _progress(done.histories, chosen.n, time.monotonic() - began)
    if done.broken is not None:
        print()
        replay(done.broken, hostility)
        beyond = "" if hostility == usual else f" --skew {chosen.skew} --stall {chosen.stall}"
        print(f"play it again: python -m tests.simulation --replay {done.broken}{beyond}")
        return 1
    print(_summary(done))
    for fault in Fault:
        print(f"{done.faults[fault]:>9}  {fault}")
    if chosen.report:
        _write(chosen.report, chosen.n, chosen.seed, done)
    return 0


def _summary(done: Tally) -> str:
    faults = sum(done.faults.values())
    return (
        f"{done.histories:,} histories, {done.sends:,} sends, {done.opt_outs:,} opt-outs,"
        f" {faults:,} faults ({faults / done.histories:.1f} a history), no violation"
    )


def _write(path: Path, count: int, seed: int, done: Tally) -> None:
    command = f"`python -m tests.simulation --n {count} --seed {seed}`: {_summary(done)}."
    rows = [(fault, f"{done.faults[fault]:,}") for fault in Fault]
    report.write(path, "histories", [command, "", *report.table(("fault", "times"), rows)])


def _progress(done: int, wanted: int, seconds: float) -> None:
    bar = "#" * (40 * done // wanted)
    told = f"[{bar:<40}] {done:,} of {wanted:,}, {seconds:.0f} s, {done / max(seconds, 0.001):.0f}/s"
    if sys.stdout.isatty():
        print(f"\r{told}", end="\n" if done == wanted else "", flush=True)
    elif done == wanted:
        print(told)


if __name__ == "__main__":
    sys.exit(main())
