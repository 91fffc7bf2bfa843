"""`izin export --local` writes the running stack's tables as AWS would, and `izin query` reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from izin import cli
from izin.commands import exporting

from infra import local
from infra.local import Stack


def test_a_running_stack_is_exported_and_asked(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    number, exports = "+6281377770001", tmp_path / "exports"
    body = {"brand": "shopx", "address": number, "source": "agent"}
    recipient = stack.call("POST", "/v1/opt-outs", body)[1]["recipient_id"]
    monkeypatch.setattr(exporting, "_LOCAL", tmp_path / "stack.json")
    with local.described(stack, tmp_path):
        assert cli.main(["export", "--local", str(exports)]) == 0
    capsys.readouterr()
    asked = ["query", "person", "--exports", str(exports), "--format", "json"]
    assert cli.main([*asked, "--parameter", f"recipient_id={recipient}"]) == 0
    (event,) = json.loads(capsys.readouterr().out)
    assert (event["what"], event["detail"]) == ("opt_out", "all")
    assert cli.main(["rates", "--exports", str(exports)]) == 0
    assert "country   ID" in capsys.readouterr().out


def test_without_a_running_stack_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exporting, "_LOCAL", tmp_path / "stack.json")
    assert cli.main(["export", "--local", str(tmp_path)]) == 2
    assert "make run" in capsys.readouterr().err
