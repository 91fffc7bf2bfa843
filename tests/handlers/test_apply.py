"""Before a sender is registered, AWS is asked how its number is set up."""

from __future__ import annotations

from pathlib import Path

import pytest
from izin.cli import main

from tests.handlers.fake_sms import FakeSms

FILE = """
[senders.shopx-us]
brand = "shopx"
channel = "sms"
carrier = "aws-sms"
configuration_set = "izin"
address = "+18005550199"
countries = ["US"]
"""
TOLL_FREE = {
    "PhoneNumber": "+18005550199",
    "IsoCountryCode": "US",
    "NumberType": "TOLL_FREE",
    "TwoWayEnabled": True,
    "SelfManagedOptOutsEnabled": False,
    "OptOutListName": "Default",
}


@pytest.fixture
def apply(
    carrier: FakeSms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    for name, value in {
        "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": carrier.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    carrier.faults = []

    def run(*more: str) -> tuple[int, str, str]:
        (tmp_path / "brands.toml").write_text(FILE)
        nowhere = ["--api", "http://127.0.0.1:1", "--key", "k"]
        status = main(["apply", str(tmp_path / "brands.toml"), *nowhere, *more])
        return status, *capsys.readouterr()

    return run


def test_a_toll_free_number_is_not_registered_as_one_that_we_confirm_for(apply, carrier: FakeSms) -> None:
    carrier.numbers = [TOLL_FREE]
    status, out, _ = apply()
    assert status == 1
    assert out.splitlines()[0] == "sender shopx-us: refused"
    assert "carrier_confirms_stop: carrier_confirms: " in out
    assert carrier.faults == []


def test_a_number_of_another_account_is_not_registered(apply, carrier: FakeSms) -> None:
    carrier.numbers = []
    assert "address: unknown_number: " in apply()[1]


def test_who_does_not_want_the_check_says_so(apply, carrier: FakeSms) -> None:
    carrier.numbers = []
    assert "unknown_number" not in apply("--unchecked")[1]
