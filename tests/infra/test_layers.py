"""Do the layers hold what the functions import, and nothing from a laptop?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.layers import ROOT, _Bundling, _compile, _refuse_unpinned


def test_the_wheels_of_lambda_are_those_of_the_tests():
    """What is tested here is what runs there: same names, same versions."""
    ours = _pins(ROOT / "requirements-dev.txt")
    theirs = _pins(ROOT / "layers/deps/requirements.txt")
    assert {name: ours.get(name) for name in theirs} == theirs


def test_what_nobody_pinned_is_refused(tmp_path):
    (tmp_path / "floating-1.0.dist-info").mkdir()
    (tmp_path / "floating-1.0.dist-info" / "METADATA").write_text("Name: floating\nVersion: 1.0\n")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("pinned==1.0\n")
    with pytest.raises(RuntimeError, match="floating"):
        _refuse_unpinned(requirements, tmp_path)


def test_bytecode_is_trusted_unchecked(tmp_path):
    """The zip resets file times: bytecode that is checked against them would be compiled again each time."""
    (tmp_path / "module.py").write_text("x = 1\n")
    _compile(sys.executable, tmp_path)
    (compiled,) = tmp_path.rglob("*.pyc")
    flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
    assert flags == 0b01  # hash-based, and not checked against the source


def test_a_failed_build_is_raised_and_never_answered_with_docker(tmp_path):
    def fail(target: Path) -> None:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        _Bundling("deps", fail).try_bundle(str(tmp_path))


def test_the_variable_of_the_functions_makes_the_wheel_the_time_zone_database(template):
    """British Columbia stopped changing its clocks in 2026: an older system database says -08:00."""
    code = (
        "from datetime import datetime; from zoneinfo import ZoneInfo;"
        "print(datetime(2026, 11, 22, 12, tzinfo=ZoneInfo('America/Vancouver')).isoformat())"
    )
    environment = {**os.environ, "PYTHONTZPATH": template.variables("release")["PYTHONTZPATH"]}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert answer.stdout.strip() == b"2026-11-22T12:00:00-07:00"


def _pins(path: Path) -> dict[str, str]:
    pairs = (line.split("==") for line in path.read_text().splitlines() if "==" in line)
    return {name.lower().replace("_", "-"): version for name, version in pairs}
