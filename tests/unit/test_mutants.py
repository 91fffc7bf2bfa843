"""The kept breakages of the safety core fit the product; whether they are noticed, `make mutants` says.

A change to a line that a mutant breaks moves the mutant along: break the line again, and keep the difference.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.simulation.mutants.mutate import PATCHES, header

_ROOT = Path(__file__).parents[2]


def test_there_are_mutants() -> None:
    assert len(PATCHES) >= 25


@pytest.mark.parametrize("patch", PATCHES, ids=[patch.stem for patch in PATCHES])
def test_a_mutant_says_what_it_breaks_and_breaks_one_line_of_the_product(patch: Path) -> None:
    lines = patch.read_text().splitlines()
    assert header(patch)[0].endswith(".")
    assert sum(line.startswith("-") and not line.startswith("---") for line in lines) <= 1
    subprocess.run(["git", "apply", "--check", str(patch)], cwd=_ROOT, check=True)
