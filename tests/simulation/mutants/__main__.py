"""`python -m tests.simulation.mutants`: the table of mutants and the first seed that notices each.

Exit status 1 if one lives whose patch does not say why.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from pathlib import Path

from tests.simulation import report
from tests.simulation.mutants.mutate import PATCHES, Verdict, try_all


def main() -> int:
    """Try them, and say who lives."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--n", type=int, default=8000, help="histories for each, at most")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the table into docs/safety.md")
    chosen = parser.parse_args()
    patches = [patch for patch in PATCHES if not chosen.names or patch.stem in chosen.names]
    verdicts = try_all(patches, chosen.n, chosen.jobs)
    alive = [verdict.name for verdict in verdicts if verdict.lives]
    print(f"{len(verdicts)} mutants, {sum(verdict.seed is not None for verdict in verdicts)} killed")
    print("\n".join(f"lives: {name}" for name in alive))
    if chosen.report:
        _write(chosen.report, chosen.n, verdicts)
    return 1 if alive else 0


def _write(path: Path, histories: int, verdicts: list[Verdict]) -> None:
    killed = sum(verdict.seed is not None for verdict in verdicts)
    command = (
        f"`python -m tests.simulation.mutants --n {histories}`: {len(verdicts)} mutants, {killed} noticed,"
        f" {sum(bool(verdict.equivalent) for verdict in verdicts)} equivalent."
    )
    rows = [(f"`{v.name}`", v.breaks, v.seed or "", v.invariant or v.equivalent or "lives") for v in verdicts]
    head = ("mutant", "what is broken", "first seed", "invariant")
    report.write(path, "mutants", [command, "", *report.table(head, rows)])


if __name__ == "__main__":
    sys.exit(main())
