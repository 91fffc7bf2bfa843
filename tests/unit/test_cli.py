"""The `izin` command answers as a person and as a program expect."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from izin import cli

BRAZIL = ["check", "--to", "+5511987654321", "--channel", "sms", "--purpose", "marketing"]
INDONESIA = ["check", "--to", "+6281234567890", "--channel", "sms", "--purpose", "marketing"]
HOLIDAY = ["--at", "2026-11-20T12:30:00Z"]
NOON = ["--at", "2026-11-23T05:00:00Z"]


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert cli.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_brazilian_promotion_waits_for_the_holiday_and_the_weekend(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = answer(capsys, *BRAZIL, *HOLIDAY, "--consent", "granted")
    assert (said["verdict"], said["until"]) == ("defer", "2026-11-23T12:00:00Z")
    assert [reason["rule"] for reason in said["reasons"]] == ["BR.window.marketing"]
    assert said["reasons"][0]["sources"]
    assert said["pack"]["id"] == "BR"


def test_free_text_on_whatsapp_follows_the_persons_own_message(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["check", "--to", "+6281234567890", "--channel", "whatsapp", "--purpose", "transactional"]
    asked += [*NOON, "--consent", "granted", "--basis", "order-123", "--text", "ShopX: pesanan 123 dikirim"]
    assert answer(capsys, *asked)["reasons"][0]["code"] == "template_required"
    assert answer(capsys, *asked, "--heard", "2026-11-22T12:00:00Z")["verdict"] == "allow"
    assert answer(capsys, *asked, "--heard", "2026-11-22T05:00:00Z")["verdict"] == "deny"


def test_the_same_for_a_person_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*BRAZIL, *HOLIDAY, "--consent", "granted"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("defer until 2026-11-23T12:00:00Z\n")
    assert "BR.window.marketing" in told
    assert "S-BR-03" in told
    assert "98765" not in told


@pytest.mark.parametrize(
    ("consent", "code"),
    [
        ("none", "no_consent"),
        ("pending", "consent_pending"),
        ("withdrawn", "opted_out"),
        ("expired", "consent_expired"),
    ],
)
def test_the_state_of_the_consent(capsys: pytest.CaptureFixture[str], consent: str, code: str) -> None:
    said = answer(capsys, *INDONESIA, *NOON, "--consent", consent)
    assert said["verdict"] == "deny"
    assert [reason["code"] for reason in said["reasons"]] == [code]


def test_earlier_sends_text_and_expiry(capsys: pytest.CaptureFixture[str]) -> None:
    granted = [*INDONESIA, *NOON, "--consent", "granted"]
    assert answer(capsys, *granted)["verdict"] == "allow"
    capped = answer(capsys, *granted, "--sent", "2026-11-23T04:00:00Z")
    assert (capped["verdict"], capped["until"]) == ("defer", "2026-11-24T04:00:00Z")
    expired = answer(capsys, *granted, "--sent", "2026-11-23T04:00:00Z", "--expires", "2026-11-23T09:00:00Z")
    assert expired["verdict"] == "deny"
    assert "would_expire" in {reason["code"] for reason in expired["reasons"]}
    bare = answer(capsys, *granted, "--text", "Diskon 20%")
    assert {reason["code"] for reason in bare["reasons"]} == {"content_opt_out_missing"}
    assert answer(capsys, *granted, "--text", "Diskon 20%. Balas STOP untuk berhenti")["verdict"] == "allow"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["check", "--to", "0812345", "--channel", "sms", "--purpose", "marketing"], "number_not_e164"),
        ([*INDONESIA, "--essential"], "--basis"),
        (["verify", "nowhere", "--key", "nowhere.pem"], "nowhere.pem"),
        (["apply", "nowhere.toml", "--api", "http://127.0.0.1:1", "--key", "k"], "nowhere.toml"),
        (["key", "--table", "t", "--name", "n", "--brand", "*", "--scopes", "fly"], "fly"),
    ],
)
def test_what_cannot_be_carried_out_says_why(
    capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    assert cli.main(arguments) == 2
    assert named in capsys.readouterr().err


def test_a_time_without_an_offset_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*INDONESIA, "--at", "2026-11-23T05:00:00"])
    assert ended.value.code == 2
    assert "offset" in capsys.readouterr().err


def test_the_command_reads_the_pinned_time_zones_on_any_machine() -> None:
    """Winnipeg stopped changing its clocks in 2026; a machine's own data may not know yet."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONTZPATH"}
    asked = (
        "import zoneinfo; from izin import cli; cli.main('verify - --key -'.split()); print(zoneinfo.TZPATH)"
    )
    run = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True)
    assert run.stdout.strip() == "()"


WORDING = ["wording", "check", "--brand", "ShopX", "--purpose", "marketing"]


def test_a_wording_is_checked_by_every_country_that_it_is_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wording.txt"
    file.write_text("Saya setuju menerima promosi dari ShopX melalui SMS.\n")
    assert cli.main([*WORDING, "--country", "ID", "--file", str(file)]) == 0
    accepted = capsys.readouterr().out
    assert accepted.startswith("accepted: sha256 ")
    assert cli.main([*WORDING, "--country", "ID", "--country", "US", "--text", file.read_text().strip()]) == 1
    told = capsys.readouterr().out
    assert told.split()[2] == accepted.split()[2]
    assert "US.capture.names_marketing" in told
    assert cli.main([*WORDING, "--country", "ID", "--text", "Anda mungkin menerima promosi", "--json"]) == 1
    assert [error["code"] for error in json.loads(capsys.readouterr().out)["errors"]] == ["wording_vague"]
    assert cli.main([*WORDING, "--country", "ID", "--file", str(tmp_path / "nowhere")]) == 2


def test_what_a_reply_means(capsys: pytest.CaptureFixture[str]) -> None:
    said = answer(capsys, "intent", "STOP iklan", "--to", "+6281234567890")
    assert said == {"intent": "opt_out", "scope": "marketing", "matched": "stop", "language": "id"}
    said = answer(capsys, "intent", "preciso sair agora", "--to", "+5511987654321")
    assert said == {"intent": "none", "scope": None, "matched": None, "language": None}
    assert cli.main(["intent", "QUIT", "--to", "+6281234567890"]) == 0
    told = capsys.readouterr().out
    assert told == "an opt-out from all that STOP covers (“quit”, understood everywhere)\n"


def test_a_stop_covers_in_a_check_what_it_covers_where_the_person_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["--channel", "sms", "--purpose", "transactional", "--essential", "--basis", "order-1"]
    stopped = ["--consent", "withdrawn", *NOON]
    for number, verdict in (("+12074567890", "deny"), ("+6281234567890", "allow")):
        assert answer(capsys, "check", "--to", number, *asked, *stopped)["verdict"] == verdict


def test_what_rests_on_a_consent_in_india_names_no_transaction(capsys: pytest.CaptureFixture[str]) -> None:
    """Service-explicit messages keep the hours of promotions there: they go as announcements."""
    asked = ["check", "--to", "+919812345678", "--channel", "sms", "--consent", "granted"]
    late = ["--at", "2026-11-23T16:30:00Z"]
    said = answer(capsys, *asked, "--purpose", "transactional", *late)
    assert [reason["code"] for reason in said["reasons"]] == ["basis_missing"]
    assert answer(capsys, *asked, "--purpose", "announcement", *late)["verdict"] == "defer"


def test_it_ends_quietly_when_nobody_reads_on() -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "izin.cli", "rules", "ID", "--purpose", "marketing"]
    with os.fdopen(write, "w") as nobody:
        done = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")
