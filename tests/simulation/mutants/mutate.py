"""Which history notices a broken line first? Each patch is tried on a copy of the product."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.simulation import ROOT

PATCHES = sorted(Path(__file__).parent.glob("*.patch"))
_COPIED = ("functions", "layers", "infra", "tests/simulation")
_KILLED = re.compile(r"play it again: .* --replay (\d+)")
_BROKEN = re.compile(r"BROKEN, invariant (\d)")
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant. `seed` is the first history that broke a promise, and `invariant` which."""

    name: str
    breaks: str
    seed: int | None
    invariant: str
    equivalent: str
    trouble: str

    @property
    def lives(self) -> bool:
        """Whether nobody noticed, and nobody said why nobody can."""
        return self.seed is None and not self.equivalent


def header(patch: Path) -> tuple[str, str]:
    """What a patch breaks, and why nobody can notice where that is so."""
    said = patch.read_text().partition("\n--- ")[0].strip().splitlines()
    reasons = [line.removeprefix("equivalent: ") for line in said if line.startswith("equivalent: ")]
    return said[0], " ".join(reasons)


def try_out(patch: Path, histories: int) -> Verdict:
    """Run histories, from seed 1 on, against a copy of the product with `patch` in it."""
    breaks, equivalent = header(patch)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in _COPIED:
            shutil.copytree(ROOT / part, copy / part, ignore=_IGNORED)
        subprocess.run(["git", "apply", str(patch)], cwd=copy, check=True)
        command = [
            sys.executable,
            "-m",
            "tests.simulation",
            "--n",
            str(histories),
            "--seed",
            "1",
            "--jobs",
            "1",
        ]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    killed, broken = _KILLED.search(done.stdout), _BROKEN.search(done.stdout)
    seed = int(killed[1]) if killed else None
    trouble = "" if killed or done.returncode == 0 else done.stderr.strip().rpartition("\n")[2]
    return Verdict(patch.stem, breaks, seed, broken[1] if broken else "", equivalent, trouble)


def try_all(patches: list[Path], histories: int, jobs: int) -> list[Verdict]:
    """The verdicts on `patches`, each told as it comes."""
    verdicts = []
    with ThreadPoolExecutor(jobs) as pool:
        for verdict in pool.map(partial(try_out, histories=histories), patches):
            verdicts.append(verdict)
            print(told(verdict, histories), flush=True)
    return verdicts


def told(verdict: Verdict, histories: int) -> str:
    """One line of the table."""
    fate = f"seed {verdict.seed}, invariant {verdict.invariant}" if verdict.seed else ""
    fate = fate or (f"equivalent: {verdict.equivalent}" if verdict.equivalent else f"LIVES after {histories}")
    return f"{verdict.name:<36} {fate}  {verdict.trouble}".rstrip()
