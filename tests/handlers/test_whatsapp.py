"""WhatsApp from end to end: replies, buttons, preferences, fates, and what is handed over."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import inbound
import pytest
import whatsapp
from izin.aws.receiving import Early

from tests.handlers.fake_sms import FAILS, THROTTLES, Sent, refuses
from tests.handlers.world import DAY, MORNING, Said, World

ADDRESS = "+6285811223355"
SALE = "ShopX: diskon {{1}} untuk Anda s.d. 30 Nov. Balas STOP untuk berhenti"
CODE = "{{1}} is your verification code."
TEMPLATES = {
    "sale": {"purpose": "marketing", "category": "marketing", "language": "id", "text": SALE},
    "login_otp": {
        "purpose": "authentication",
        "category": "authentication",
        "language": "en-US",
        "text": CODE,
        "button": "copy_code",
    },
}


@pytest.fixture
def wa(here: World) -> World:
    """A brand with a sender on WhatsApp and two approved templates, on an open day."""
    here.clock.at = DAY
    open_chat(here)
    return here


def open_chat(here: World) -> None:
    """Register the brand, its senders and the templates."""
    here.register(double_opt_in=False)
    here.register(
        double_opt_in=False,
        sender="shopx-wa",
        channel="whatsapp",
        carrier="aws-social",
        address=ADDRESS,
        phone_number_id="phone-number-id-976c72a700aac43eaf573ae050example",
        configuration_set=None,
    )
    for name, fields in TEMPLATES.items():
        body = {"brand": "shopx", "channel": "whatsapp", "approved": True, **fields}
        said = here.call("PUT /v1/templates/{id}", body, path={"id": name}, brand="*")
        assert said.status == 200, said.text


def agrees(wa: World, channel: str = "whatsapp", *purposes: str) -> str:
    """Somebody who agreed to both channels' marketing, and to codes."""
    person = wa.person()
    for where in ("sms", "whatsapp"):
        wording = "Saya setuju menerima promosi dan kode login dari ShopX melalui SMS dan WhatsApp."
        said = wa.consent(
            person, channel=where, purposes=["marketing", "authentication"], wording=wording, sender=None
        )
        assert said.body["status"] == "granted", said.text
    return person


def submit(wa: World, person: str, message_id: str, **fields: Any) -> Said:
    body = {
        "sender": "shopx-wa",
        "channel": "whatsapp",
        "text": None,
        "template": {"id": "sale", "variables": ["20%"]},
        **fields,
    }
    return wa.submit(person, message_id, body.pop("purpose", "marketing"), **body)


def seconds(wa: World) -> str:
    return str(int(wa.rt.now().timestamp()))


def notification(wa: World, field: str, **value: Any) -> str:
    metadata = {"display_phone_number": ADDRESS.removeprefix("+"), "phone_number_id": "321010217760100"}
    change = {"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    entry = json.dumps({"id": "365731266123456", "changes": [change]})
    return wa.notification({"whatsAppWebhookEntry": entry, "messageId": f"event-{next(wa.order)}"})


def message(wa: World, person: str, text: str, **fields: Any) -> str:
    said = {
        "from": person.removeprefix("+"),
        "id": f"wamid.{next(wa.order)}==",
        "timestamp": seconds(wa),
        "type": "text",
        "text": {"body": text},
        **fields,
    }
    return notification(wa, "messages", messages=[said])


def say(wa: World, person: str, text: str, **fields: Any) -> None:
    wa.clock.sleep(1)
    whatsapp.receive(wa.rt, message(wa, person, text, **fields), 1)


def prefer(wa: World, person: str, value: str) -> None:
    wa.clock.sleep(1)
    wish = {
        "wa_id": person.removeprefix("+"),
        "category": "marketing_messages",
        "value": value,
        "timestamp": int(seconds(wa)),
    }
    whatsapp.receive(wa.rt, notification(wa, "user_preferences", user_preferences=[wish]), 1)


def fate(wa: World, sent: Sent, status: str, *codes: int, wamid: str = "wamid.ours", **fields: Any) -> str:
    told = {
        "id": wamid,
        "status": status,
        "timestamp": seconds(wa),
        "biz_opaque_callback_data": sent.reference,
        **({"errors": [{"code": code, "title": "no"} for code in codes]} if codes else {}),
        **fields,
    }
    return notification(wa, "messages", statuses=[{k: v for k, v in told.items() if v is not None}])


def opt_outs(wa: World, person: str) -> list[dict[str, Any]]:
    return [event for event in wa.ledger(person) if event["type"] == "opt_out"]


def granted(wa: World, person: str) -> dict[str, str]:
    return {
        consent["channel"]: consent["status"]
        for consent in wa.show(person)["consents"]
        if consent["purpose"] == "marketing"
    }


# Sending.


def test_a_template_is_handed_over_by_name_with_its_values(wa: World) -> None:
    person = agrees(wa)
    assert submit(wa, person, "promo-1").body["verdict"] == "allow"
    wa.drain()
    (sent,) = wa.sent("promo-1")
    assert (sent.to, wa.status("promo-1")) == (person, "sent")
    assert sent.whatsapp
    assert sent.whatsapp["template"] == {
        "name": "sale",
        "language": {"code": "id"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "20%"}]}],
    }


def test_a_code_is_repeated_by_its_button(wa: World) -> None:
    person = agrees(wa)
    template = {"id": "login_otp", "variables": ["123456"]}
    said = submit(wa, person, "code-1", purpose="authentication", template=template, language="id")
    assert said.body["verdict"] == "allow", said.text
    wa.drain()
    (sent,) = wa.sent("code-1")
    code = [{"type": "text", "text": "123456"}]
    assert sent.whatsapp
    assert sent.whatsapp["template"] == {
        "name": "login_otp",
        "language": {"code": "en_US"},
        "components": [
            {"type": "body", "parameters": code},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": code},
        ],
    }


def test_free_text_goes_for_a_day_after_the_persons_message(wa: World) -> None:
    person = agrees(wa)
    text = {"text": "ShopX: diskon 20% untuk Anda. Balas STOP untuk berhenti", "template": None}
    assert submit(wa, person, "free-1", **text).reasons == {"template_required"}
    say(wa, person, "Halo, apa kabar?")
    assert submit(wa, person, "free-2", **text).body["verdict"] == "allow"
    wa.drain()
    (sent,) = wa.sent("free-2")
    assert sent.whatsapp
    assert sent.whatsapp["text"] == {"preview_url": False, "body": text["text"]}
    wa.clock.at += timedelta(hours=24)
    assert "template_required" in submit(wa, person, "free-3", **text).reasons


def test_free_text_is_judged_again_when_it_is_handed_over(wa: World) -> None:
    person = agrees(wa)
    say(wa, person, "Halo")
    text = {"text": "ShopX: diskon 20% untuk Anda. Balas STOP untuk berhenti", "template": None}
    later = (wa.clock.at + timedelta(hours=23)).isoformat()
    assert submit(wa, person, "free-1", not_before=later, **text).body["status"] == "held"
    wa.clock.at += timedelta(hours=24)
    wa.sweep()
    wa.drain()
    assert (wa.status("free-1"), wa.sent("free-1")) == ("denied", [])


def test_an_answer_that_is_none_is_never_asked_again(wa: World) -> None:
    person = agrees(wa)
    wa.sms.plan.append(FAILS)
    submit(wa, person, "promo-1")
    wa.drain()
    assert (wa.status("promo-1"), len(wa.sent("promo-1"))) == ("unknown", 1)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (THROTTLES, "due"),
        (refuses("ThrottledRequestException", 429), "due"),
        (refuses("InvalidParametersException"), "failed"),
        (refuses("ResourceNotFoundException", 404), "failed"),
        (refuses("DependencyException", 502, taken=True), "unknown"),
    ],
)
def test_what_the_carrier_answers(wa: World, reply: Any, status: str) -> None:
    person = agrees(wa)
    wa.sms.plan.append(reply)
    submit(wa, person, "promo-1")
    wa.drain()
    assert wa.status("promo-1") == status


# Replies.


def test_a_stop_on_whatsapp_stops_texts_too_and_is_confirmed_there(wa: World) -> None:
    person = agrees(wa)
    say(wa, person, "Berhenti")
    wa.drain()
    assert granted(wa, person) == {"sms": "withdrawn", "whatsapp": "withdrawn"}
    (confirmation,) = wa.confirmations(person)
    assert confirmation.whatsapp
    assert confirmation.whatsapp["type"] == "text"
    assert "berhenti" in confirmation.text
    assert submit(wa, person, "promo-1").reasons >= {"opted_out"}
    assert wa.submit(person, "promo-2").reasons >= {"opted_out"}


def test_a_stop_by_text_stops_whatsapp_too(wa: World) -> None:
    person = agrees(wa)
    inbound.receive(wa.rt, wa.reply(person, "STOP"))
    assert granted(wa, person) == {"sms": "withdrawn", "whatsapp": "withdrawn"}


def test_a_start_brings_back_its_own_channel(wa: World) -> None:
    person = agrees(wa)
    say(wa, person, "STOP")
    say(wa, person, "START")
    assert granted(wa, person) == {"sms": "withdrawn", "whatsapp": "granted"}


def test_help_is_answered(wa: World) -> None:
    person = agrees(wa)
    say(wa, person, "BANTUAN")
    wa.drain()
    (sent,) = wa.sms.sent
    assert "help@shopx.example" in sent.text


@pytest.mark.parametrize("label", ["Stop promotions", "Parar promoções", "Hentikan promosi"])
def test_the_platforms_stop_button_stops_promotions_alone(wa: World, label: str) -> None:
    person = agrees(wa)
    button = {"text": label, "payload": label}
    say(wa, person, "", type="button", button=button)
    assert [event["scope"] for event in opt_outs(wa, person)] == ["marketing"]
    assert granted(wa, person) == {"sms": "withdrawn", "whatsapp": "withdrawn"}


def test_a_picture_opens_the_day_and_says_nothing(wa: World) -> None:
    person = agrees(wa)
    say(wa, person, "", type="image", image={"id": "1"})
    assert [event["type"] for event in wa.ledger(person)] == ["consent_granted"] * 2
    text = {"text": "ShopX: diskon 20% untuk Anda. Balas STOP untuk berhenti", "template": None}
    assert submit(wa, person, "free-1", **text).body["verdict"] == "allow"


def test_an_opt_out_names_the_message_that_it_answers(wa: World) -> None:
    person = agrees(wa)
    submit(wa, person, "promo-1", campaign="november")
    wa.drain()
    whatsapp.receive(wa.rt, fate(wa, wa.sent("promo-1")[0], "delivered"), 1)
    say(wa, person, "STOP", context={"id": "wamid.ours", "from": ADDRESS.removeprefix("+")})
    (event,) = opt_outs(wa, person)
    assert event["details"] == {
        "message": "promo-1",
        "template": "sale",
        "campaign": "november",
        "sender": "shopx-wa",
        "country": "ID",
    }


def test_a_repeat_of_a_notification_changes_nothing(wa: World) -> None:
    person = agrees(wa)
    wa.clock.sleep(1)
    body = message(wa, person, "STOP")
    for _ in range(3):
        whatsapp.receive(wa.rt, body, 1)
    wa.drain()
    assert (len(opt_outs(wa, person)), len(wa.confirmations(person))) == (1, 1)


def test_brazilian_numbers_as_whatsapp_writes_them_are_the_same_person(wa: World) -> None:
    person = wa.secret("+5511987654321")
    say(wa, "+551187654321", "SAIR")
    assert [event["type"] for event in wa.ledger(person)] == ["opt_out"]


# Preferences.


def test_a_preference_stops_promotions_and_resumes_no_more_than_them(wa: World) -> None:
    person = agrees(wa)
    prefer(wa, person, "stop")
    assert granted(wa, person) == {"sms": "withdrawn", "whatsapp": "withdrawn"}
    wa.drain()
    assert wa.sms.sent == []  # the platform has answered
    prefer(wa, person, "resume")
    assert granted(wa, person) == {"sms": "withdrawn", "whatsapp": "granted"}


def test_a_resume_gives_no_consent_that_was_not_given(wa: World) -> None:
    person = wa.person()
    prefer(wa, person, "resume")
    assert submit(wa, person, "promo-1").reasons >= {"no_consent"}


# Fates.


def test_a_message_is_delivered_and_read(wa: World) -> None:
    person = agrees(wa)
    submit(wa, person, "promo-1")
    wa.drain()
    (sent,) = wa.sent("promo-1")
    for status in ("sent", "delivered", "read", "delivered"):
        whatsapp.receive(wa.rt, fate(wa, sent, status), 1)
    assert wa.status("promo-1") == "read"


def test_a_fate_is_matched_by_what_aws_called_the_message_and_then_by_metas_name(wa: World) -> None:
    person = agrees(wa)
    submit(wa, person, "promo-1")
    wa.drain()
    (sent,) = wa.sent("promo-1")
    told = json.loads(fate(wa, sent, "sent", biz_opaque_callback_data=None))
    first = json.loads(told["Message"]) | {"messageId": sent.ref}
    whatsapp.receive(wa.rt, json.dumps(told | {"Message": json.dumps(first)}), 1)
    whatsapp.receive(wa.rt, fate(wa, sent, "delivered", biz_opaque_callback_data=None), 1)
    assert wa.status("promo-1") == "delivered"


def test_who_stopped_on_the_platform_is_opted_out_and_never_asked_again(wa: World) -> None:
    person = agrees(wa)
    submit(wa, person, "promo-1")
    wa.drain()
    (sent,) = wa.sent("promo-1")
    for _ in range(2):
        whatsapp.receive(wa.rt, fate(wa, sent, "failed", 131050, recipient_id=person.removeprefix("+")), 1)
    wa.live(600)
    assert (wa.status("promo-1"), len(wa.sms.sent)) == ("failed", 1)
    assert wa.look_up("promo-1")["history"][-1]["note"] == "131050"
    (event,) = opt_outs(wa, person)
    assert (event["scope"], event["source"]) == ("marketing", "carrier")
    assert event["details"] == {
        "message": "promo-1",
        "template": "sale",
        "sender": "shopx-wa",
        "country": "ID",
    }
    assert wa.submit(person, "promo-2").reasons >= {"opted_out"}


def test_whom_the_platform_spares_gets_nothing_promotional_for_a_day(wa: World) -> None:
    person = agrees(wa)
    submit(wa, person, "promo-1")
    wa.drain()
    whatsapp.receive(wa.rt, fate(wa, wa.sent("promo-1")[0], "failed", 131049), 1)
    wa.clock.at += timedelta(hours=23)
    assert "cap_reached" in submit(wa, person, "promo-2").reasons
    assert opt_outs(wa, person) == []
    wa.clock.at = MORNING + timedelta(days=2)
    assert submit(wa, person, "promo-3").body["verdict"] == "allow"


@pytest.mark.parametrize("code", [131026, 131047, 131048, 1])
def test_another_failure_is_noted_and_says_nothing_of_the_person(wa: World, code: int) -> None:
    person = agrees(wa)
    submit(wa, person, "promo-1")
    wa.drain()
    whatsapp.receive(wa.rt, fate(wa, wa.sent("promo-1")[0], "failed", code), 1)
    assert wa.look_up("promo-1")["history"][-1]["note"] == str(code)
    assert opt_outs(wa, person) == []


def test_a_fate_of_nothing_known_comes_again_and_is_then_set_aside(wa: World) -> None:
    sent = Sent(wa.clock.at, "shopx#nobody", "", "", "", 0, "", taken=True)
    early = fate(wa, sent, "sent", biz_opaque_callback_data=None, wamid="wamid.unknown")
    with pytest.raises(Early):
        whatsapp.receive(wa.rt, early, 1)
    assert wa.dead_letters() == []
    whatsapp.receive(wa.rt, early, 5)
    whatsapp.receive(wa.rt, fate(wa, sent, "sent"), 1)
    assert [reason for reason, _ in wa.dead_letters()] == ["unknown_message"] * 2


# What cannot be read.


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"from": "62123"}, "invalid_from"),
        ({"from": None}, "missing_from"),
        ({"timestamp": "soon"}, "missing_timestamp"),
    ],
)
def test_what_cannot_be_read_is_set_aside_with_its_reason(
    wa: World, fields: dict[str, Any], reason: str
) -> None:
    whatsapp.receive(wa.rt, message(wa, wa.person(), "STOP", **fields), 1)
    assert [found for found, _ in wa.dead_letters()] == [reason]


def test_what_is_said_to_nobody_known_is_set_aside(wa: World) -> None:
    metadata = {"display_phone_number": "6285811223399"}
    said = {"from": "6281234567890", "id": "wamid.1", "timestamp": seconds(wa), "type": "sticker"}
    whatsapp.receive(wa.rt, notification(wa, "messages", metadata=metadata, messages=[said]), 1)
    whatsapp.receive(wa.rt, "junk", 1)
    assert [reason for reason, _ in wa.dead_letters()] == ["unknown_display_phone_number", "not_json"]


def test_one_event_that_cannot_be_read_keeps_no_other_back(wa: World) -> None:
    person = agrees(wa)
    wa.clock.sleep(1)
    sound = json.loads(json.loads(json.loads(message(wa, person, "STOP"))["Message"])["whatsAppWebhookEntry"])
    (said,) = sound["changes"][0]["value"]["messages"]
    whatsapp.receive(wa.rt, notification(wa, "messages", messages=["junk", said]), 1)
    assert granted(wa, person) == {"sms": "withdrawn", "whatsapp": "withdrawn"}
    assert [reason for reason, _ in wa.dead_letters()] == ["invalid_messages"]
