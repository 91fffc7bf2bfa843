"""What AWS may have against a sender's entry, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest
from izin.commands.numbers import faults, is_checked

SENDER = {"carrier": "aws-sms", "address": "+12065550100", "opt_out_list": "shopx"}
NUMBER = {
    "PhoneNumber": "+12065550100",
    "IsoCountryCode": "US",
    "NumberType": "TEN_DLC",
    "TwoWayEnabled": True,
    "SelfManagedOptOutsEnabled": True,
    "OptOutListName": "shopx",
}
FREE = {"NumberType": "TOLL_FREE", "SelfManagedOptOutsEnabled": False}


@pytest.mark.parametrize(
    ("sender", "number", "codes"),
    [
        ({}, {}, []),
        ({}, None, ["unknown_number"]),
        ({}, {"SelfManagedOptOutsEnabled": False}, ["opt_outs_not_self_managed"]),
        ({"two_way": False}, {"SelfManagedOptOutsEnabled": False, "TwoWayEnabled": False}, []),
        ({}, {"TwoWayEnabled": False}, ["two_way_off"]),
        ({}, FREE, ["carrier_confirms"]),
        ({"carrier_confirms_stop": True}, FREE, []),
        ({"carrier_confirms_stop": True}, {}, ["carrier_does_not_confirm"]),
        ({}, {**FREE, "IsoCountryCode": "AU"}, ["opt_outs_not_self_managed"]),
        ({}, {"OptOutListName": "Default"}, ["another_list"]),
        ({"opt_out_list": None}, {"OptOutListName": "Default"}, []),
        ({"opt_out_list": "arn:aws:sms-voice:us-east-1:1:opt-out-list/shopx"}, {}, []),
    ],
)
def test_what_differs(sender: dict[str, Any], number: dict[str, Any] | None, codes: list[str]) -> None:
    entry = {name: value for name, value in {**SENDER, **sender}.items() if value is not None}
    found = list(faults(entry, None if number is None else {**NUMBER, **number}))
    assert [fault["code"] for fault in found] == codes
    assert all(fault["message"] and fault["field"] for fault in found)


@pytest.mark.parametrize(
    ("sender", "checked"),
    [
        (SENDER, True),
        ({"carrier": "aws-sms", "address": "12345"}, True),
        ({"carrier": "aws-sms", "address": "ShopX"}, False),
        ({"carrier": "sandbox", "address": "+12065550100"}, False),
        ({}, False),
    ],
)
def test_which_senders_aws_is_asked_about(sender: dict[str, Any], checked: bool) -> None:
    assert is_checked(sender) is checked
