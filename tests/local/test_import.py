"""`izin import` from a file into the running stack: a dry run, a kill, and a list imported twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from izin import cli

from infra.local import Stack


def _command(stack: Stack, path: Path, *more: str) -> list[str]:
    key = ["--api", stack.api, "--key", stack.key]
    return ["import", "opt-outs", str(path), "--brand", "shopx", "--offset", "+07:00", *key, *more]


def _events(stack: Stack, number: str) -> int:
    recipient = stack.call("POST", "/v1/recipients/lookup", {"address": number})[1]["recipient_id"]
    status, body = stack.call("GET", f"/v1/recipients/{recipient}")
    return int(body["ledger"]["events"]) if status == 200 else 0


def test_a_list_of_opt_outs(stack: Stack, tmp_path: Path, capsys) -> None:
    path, report = tmp_path / "list.csv", tmp_path / "list.csv.report.csv"
    people = [f"+62813777{number:05d}" for number in range(230)]
    lines = [f"{person},2026-11-01" for person in people]
    path.write_text("\n".join(["Phone,Date,Colour", *lines, "6.2813E+12,2026-11-01"]))

    assert cli.main(_command(stack, path, "--dry-run")) == 1
    told = capsys.readouterr()
    assert "nothing written" in told.out
    assert "ignores Colour" in told.err
    assert _events(stack, people[0]) == 0

    command = [sys.executable, "-m", "izin.cli", *_command(stack, path, "--concurrency", "1")]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state, end = tmp_path / "list.csv.report.state.json", time.monotonic() + 30
    while not state.exists() and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert state.exists()

    assert cli.main(_command(stack, path)) == 1
    assert "goes on after" in capsys.readouterr().err
    assert report.read_text().splitlines()[1].startswith("232,refused,address,number_scientific,")
    assert not state.exists()
    assert {_events(stack, person) for person in (people[0], people[115], people[-1])} == {1}

    first = report.read_text()
    assert cli.main(_command(stack, path)) == 1
    assert "230  recorded" in capsys.readouterr().out
    assert report.read_text() == first
    assert {_events(stack, person) for person in (people[0], people[-1])} == {1}
