"""Is a number set up at AWS the way its sender says? Asked before the sender is registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from izin.commands.arguments import Unanswerable

Fault = dict[str, str]


def described() -> dict[str, Mapping[str, Any]]:
    """The numbers and short codes of this AWS account and region, as AWS describes them."""
    # Only here is AWS needed; without this the other commands start in half the time.
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        pages = boto3.client("pinpoint-sms-voice-v2").get_paginator("describe_phone_numbers").paginate()
        return {found["PhoneNumber"]: found for page in pages for found in page.get("PhoneNumbers", [])}
    except (BotoCoreError, ClientError) as error:
        remedy = "give AWS credentials that may sms-voice:DescribePhoneNumbers, or --unchecked"
        raise Unanswerable(f"AWS does not describe the numbers ({type(error).__name__}); {remedy}") from None


def is_checked(sender: Mapping[str, Any]) -> bool:
    """Whether AWS has something to say about the sender: it is a number or a short code there."""
    address = str(sender.get("address", ""))
    return sender.get("carrier") == "aws-sms" and address.removeprefix("+").isdigit()


def faults(sender: Mapping[str, Any], number: Mapping[str, Any] | None) -> Iterator[Fault]:
    """What differs between a sender's entry and its number at AWS, each with its remedy."""
    if number is None:
        remedy = "this account and region have no such number; use those that have it"
        yield _fault("address", "unknown_number", remedy)
        return
    kind, two_way = number["NumberType"], sender.get("two_way", True)
    free = kind == "TOLL_FREE" and number["IsoCountryCode"] == "US"
    if two_way and not number["TwoWayEnabled"]:
        remedy = "turn two-way messaging on, with the stack's inbound topic, or set two_way = false"
        yield _fault("two_way", "two_way_off", remedy)
    if two_way and not free and not number["SelfManagedOptOutsEnabled"]:
        remedy = "AWS answers STOP as well; update the number with --self-managed-opt-outs-enabled"
        yield _fault("address", "opt_outs_not_self_managed", remedy)
    if free and not sender.get("carrier_confirms_stop"):
        remedy = "the carrier answers STOP to a toll-free number; set carrier_confirms_stop = true"
        yield _fault("carrier_confirms_stop", "carrier_confirms", remedy)
    if not free and sender.get("carrier_confirms_stop"):
        remedy = "nobody but the gate confirms STOP to this kind of number; take the field out"
        yield _fault("carrier_confirms_stop", "carrier_does_not_confirm", remedy)
    asked = str(sender.get("opt_out_list", "")).rpartition("/")[2]
    if asked and asked != number["OptOutListName"]:
        remedy = f"AWS checks the list {number['OptOutListName']} for this number"
        yield _fault("opt_out_list", "another_list", remedy)


def _fault(field: str, code: str, message: str) -> Fault:
    return {"field": field, "code": code, "message": message}
