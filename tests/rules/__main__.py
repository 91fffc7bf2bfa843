"""Do two engines that share no code agree? `python -m tests.rules --n 100000`, on all processors."""

from __future__ import annotations

import argparse
import sys
import time
import zoneinfo
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

CHUNK = 2000


def compare(first: int, count: int) -> list[str]:
    """Every difference between the engines on the questions of `count` seeds from `first` on."""
    from tests.rules.inputs import differences

    return [fault for seed in range(first, first + count) for fault in differences(seed)]


def prove(count: int) -> list[str]:
    """The same on all processors."""
    with ProcessPoolExecutor() as pool:
        return [fault for found in pool.map(_chunk, _chunks(count)) for fault in found]


def _chunks(count: int) -> Iterator[tuple[int, int]]:
    for first in range(0, count, CHUNK):
        yield first, min(CHUNK, count - first)


def _chunk(part: tuple[int, int]) -> list[str]:
    return compare(*part)


def main() -> int:
    """Ask both engines and print where they differ; 1 if they do."""
    zoneinfo.reset_tzpath(to=[])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100_000)
    asked, began = parser.parse_args().n, time.monotonic()
    wrong = prove(asked)
    print("\n".join(wrong[:10]))
    print(f"{asked} questions to two engines: {len(wrong)} differences, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
