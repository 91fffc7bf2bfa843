"""Is every change of an export found? `python -m tests.tampering --n 1000 --seed 1`

Makes honest exports, which must verify, and does something to each of them; ends with status 1 if a
change is not found. Proofs for one person are forged as well.
"""

from __future__ import annotations

import argparse
import sys

from tests.tampering.run import HONEST, Result, forge_proofs, tamper


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tampering", description=__doc__)
    parser.add_argument("--n", type=int, default=1000, help="tampered exports, and as many forged proofs")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    missed = _told("exports", tamper(asked.n, asked.seed)) + _told(
        "proofs", forge_proofs(asked.n, asked.seed)
    )
    return 1 if missed else 0


def _told(what: str, results: dict[str, Result]) -> int:
    for kind, result in sorted(results.items()):
        print(f"{kind:<28} {result.found:>6}" + (f"  missed: {result.missed}" if result.missed else ""))
    missed = sum(len(result.missed) for result in results.values())
    found = sum(result.found for kind, result in results.items() if kind != HONEST)
    print(f"{found:,} tampered {what} found, {missed} missed\n")
    return missed


if __name__ == "__main__":
    sys.exit(main())
