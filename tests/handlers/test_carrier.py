"""What does the carrier say when it is handed a message, and what of it afterwards?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from izin.aws import carriers
from izin.aws.receiving import Early
from izin.domain.message import OFFERS

from tests.handlers.calls import Call
from tests.handlers.fake_sms import (
    CLOSES,
    FAILS,
    GARBLES,
    HANGS,
    OPTED_OUT,
    SERVICE,
    THROTTLES,
    FakeSms,
    Reply,
    refuses,
)
from tests.handlers.world import DAY, World


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (refuses("ValidationException"), "failed"),
        (refuses("ResourceNotFoundException"), "failed"),
        (refuses("ConflictException"), "failed"),
        (FAILS, "unknown"),
        (CLOSES, "unknown"),
        (GARBLES, "unknown"),
    ],
    ids=["invalid", "no such sender", "conflict", "its fault", "no answer", "garbage"],
)
def test_a_refusal_ends_the_message_and_doubt_shows(here: World, reply: Reply, status: str) -> None:
    here.sms.plan.append(reply)
    here.submit(here.person(), "code", "authentication")
    here.live(120)
    assert (here.status("code"), len(here.sent("code"))) == (status, 1)
    assert here.failures == {}  # `send` raises nothing: what it cannot know is `Unclear`


def test_a_carrier_that_does_not_answer_in_time_leaves_doubt(here: World) -> None:
    # Long enough for the carrier to take it on a busy machine; it never answers.
    hasty = Config(read_timeout=2, retries={"total_max_attempts": 1})
    here.sms.plan.append(HANGS)
    here.submit(here.person(), "code", "authentication")
    here.drain(replace(here.rt, sms=_client(here.sms.url, hasty)))
    assert (here.status("code"), len(here.sent("code"))) == ("unknown", 1)


def _client(url: str, config: Config) -> Any:
    return boto3.client(
        SERVICE,
        endpoint_url=url,
        region_name="ap-southeast-3",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=config,
    )


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceQuotaExceededException"])
def test_a_passing_refusal_is_offered_again(here: World, code: str) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.at = DAY
    here.sms.plan += [refuses(code), refuses(code)]
    here.submit(person, "promotion")
    here.live(120)
    assert (here.status("promotion"), len(here.sent("promotion"))) == ("sent", 3)
    assert here.look_up("promotion")["attempts"] == 3
    assert len(here.show(person)["recent_sends"]) == 1  # the cap's slot was given back


@pytest.mark.parametrize(
    ("answer", "fields"),
    [(refuses("ThrottlingException"), {}), (FAILS, {"purpose": "authentication"})],
    ids=["later", "doubt"],
)
def test_what_the_carrier_never_takes_is_not_offered_for_ever(
    here: World, answer: Reply, fields: dict[str, str]
) -> None:
    person = here.person()
    here.agrees(person)
    here.register(at_least_once=True)
    here.clock.at = DAY
    here.submit(person, "never", **fields)
    here.plain_dynamodb.update_item(
        TableName=here.rt.messages_table,
        Key={"pk": {"S": "shopx#never"}},
        UpdateExpression="SET attempts = :many",
        ExpressionAttributeValues={":many": {"N": str(OFFERS - 2)}},
    )
    here.sms.plan += [answer, answer]
    here.live(7200, sweep_every=600)
    told = here.look_up("never")
    assert (told["status"], told["attempts"]) == ("unknown" if fields else "failed", OFFERS)
    assert not here.sms.plan


def test_nobody_at_the_carriers_address_is_a_passing_refusal(here: World) -> None:
    nowhere = _client("http://127.0.0.1:9", Config(retries={"total_max_attempts": 1}))
    here.submit(here.person(), "code", "authentication")
    here.drain(replace(here.rt, sms=nowhere))
    assert here.status("code") == "due"
    here.live(60)
    assert here.status("code") == "sent"


def test_who_told_the_carrier_to_stop_has_told_us(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.at = DAY
    here.sms.plan.append(OPTED_OUT)
    here.submit(person, "promotion")
    here.live(60)
    assert here.status("promotion") == "failed"
    assert here.standing(person) == "withdrawn"
    assert here.submit(person, "next").reasons >= {"opted_out"}
    assert here.confirmations(person) == []


def test_at_least_once_sends_again_what_must_arrive_and_nothing_else(here: World) -> None:
    here.register(at_least_once=True)
    person = here.person()
    here.sms.plan.append(CLOSES)
    here.submit(person, "code", "authentication")
    here.live(60)
    assert (here.status("code"), len(here.sent("code"))) == ("sent", 2)

    here.sms.plan.append(CLOSES)
    here.submit(person, "order", "transactional", text="ShopX: pesanan dikirim", basis={"transaction": "1"})
    here.live(60)
    assert (here.status("order"), len(here.sent("order"))) == ("unknown", 1)


def test_the_products_own_client_asks_once(
    here: World, carrier: FakeSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": carrier.url,
        "AWS_DEFAULT_REGION": "ap-southeast-3",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    carriers._client.cache_clear()
    here.sms.plan += [THROTTLES]
    here.submit(here.person(), "code", "authentication")
    here.drain(replace(here.rt, sms=None))
    carriers._client.cache_clear()
    assert (here.status("code"), len(here.sms.sent)) == ("due", 1)
    here.live(60)


# Receipts


def sent_code(here: World) -> str:
    """A message that was sent; the carrier's reference to it."""
    here.submit(here.person(), "code", "authentication")
    here.drain()
    return here.sent("code")[0].ref


@pytest.mark.parametrize("named", [True, False], ids=["by our reference", "by the carrier's"])
def test_a_receipt_moves_the_message_on(here: World, named: bool) -> None:
    ref = sent_code(here)
    for _ in range(2):
        here.receipt("TEXT_DELIVERED", "code" if named else None, ref)
    assert [entry["status"] for entry in here.look_up("code")["history"]] == [
        "due",
        "sending",
        "sent",
        "delivered",
    ]


def test_a_receipt_never_takes_a_message_back(here: World) -> None:
    ref = sent_code(here)
    for event in ("TEXT_DELIVERED", "TEXT_SENT", "TEXT_PENDING", "TEXT_UNREACHABLE"):
        here.receipt(event, "code", ref)
    assert here.status("code") == "delivered"


def test_a_failure_at_the_carrier_says_which(here: World) -> None:
    ref = sent_code(here)
    here.receipt("TEXT_CARRIER_BLOCKED", "code", ref)
    last = here.look_up("code")["history"][-1]
    assert (last["status"], last["note"]) == ("failed", "TEXT_CARRIER_BLOCKED")


def test_a_receipt_that_comes_before_the_answer_to_the_call_settles_the_message(here: World) -> None:
    here.submit(here.person(), "code", "authentication")

    def early(call: Call, go: Any) -> Any:
        answer = go(call.request)
        if call.service == "sms":
            here.receipt("TEXT_DELIVERED", "code", answer["MessageId"])
        return answer

    here.drain(here.watched(early))
    assert here.status("code") == "delivered"


def test_a_receipt_tells_the_fate_of_an_unknown_message(here: World) -> None:
    here.sms.plan.append(CLOSES)
    here.submit(here.person(), "code", "authentication")
    here.drain()
    assert here.status("code") == "unknown"
    here.receipt("TEXT_DELIVERED", "code", "carrier-1")
    assert here.status("code") == "delivered"


def test_a_receipt_that_fits_no_message_is_tried_again_and_then_set_aside(here: World) -> None:
    for deliveries in range(1, 5):
        with pytest.raises(Early):
            here.receipt("TEXT_DELIVERED", None, "nobody", deliveries)
    here.receipt("TEXT_DELIVERED", None, "nobody", 5)
    assert [reason for reason, _ in here.dead_letters()] == ["unknown_message"]


def test_a_receipt_that_names_a_message_we_do_not_have_is_set_aside(here: World) -> None:
    here.receipt("TEXT_DELIVERED", "never-was", "carrier-9", 9)
    assert [reason for reason, _ in here.dead_letters()] == ["unknown_message"]
