"""What WhatsApp's notifications say, and what they may leave out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.domain import whatsapp
from izin.domain.inbound import Malformed
from izin.domain.receipts import Outcome
from izin.domain.whatsapp import Fate, Moved, Person, Preference, Said

METADATA = {"display_phone_number": "6285811223355", "phone_number_id": "321010217760100"}
CONTACT = {"profile": {"name": "Diego"}, "wa_id": "6281234567890", "user_id": "ID.13491208655302741918"}
TEXT = {
    "from": "6281234567890",
    "from_user_id": "ID.13491208655302741918",
    "id": "wamid.HBgL",
    "timestamp": "1723506035",
    "type": "text",
    "text": {"body": "STOP"},
}
AT = datetime(2024, 8, 12, 23, 40, 35, tzinfo=UTC)
BOTH = Person("+6281234567890", "ID.13491208655302741918")
SENDER = "+6285811223355"


def wrapped(*changes: Any, **header: Any) -> str:
    entry = {"id": "365731266123456", "changes": list(changes)}
    return json.dumps({"whatsAppWebhookEntry": json.dumps(entry), **header})


def change(field: str = "messages", **value: Any) -> dict[str, Any]:
    return {"field": field, "value": {"messaging_product": "whatsapp", "metadata": METADATA, **value}}


def read(*changes: Any, **header: Any) -> list[Any]:
    notification = whatsapp.parse(wrapped(*changes, **header))
    assert notification.faults == ()
    return list(notification.happenings)


def without(item: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in names}


def test_a_text() -> None:
    (said,) = read(change(contacts=[CONTACT], messages=[{**TEXT, "context": {"id": "wamid.ours"}}]))
    assert said == Said("wamid.HBgL", BOTH, SENDER, AT, "STOP", follows="wamid.ours")


@pytest.mark.parametrize(
    ("contacts", "message", "person"),
    [
        ([CONTACT], without(TEXT, "from", "from_user_id"), BOTH),
        ([], without(TEXT, "from_user_id"), Person("+6281234567890")),
        (None, TEXT, BOTH),
        ([without(CONTACT, "wa_id")], without(TEXT, "from"), Person(None, BOTH.user_id)),
        ([CONTACT, CONTACT], without(TEXT, "from_user_id"), Person("+6281234567890")),
        (["junk"], TEXT, BOTH),
    ],
)
def test_whom_it_is_from(contacts: Any, message: dict[str, Any], person: Person) -> None:
    (said,) = read(change(contacts=contacts, messages=[message]))
    assert said.person == person


@pytest.mark.parametrize(
    ("kind", "body", "text", "pressed"),
    [
        ("button", {"text": "Parar promoções", "payload": "Parar promoções"}, "Parar promoções", True),
        ("button", {"text": "Stop promotions"}, "Stop promotions", True),
        ("interactive", {"type": "button_reply", "button_reply": {"id": "1", "title": "STOP"}}, "STOP", True),
        ("interactive", {"type": "list_reply", "list_reply": {"id": "1", "title": "Ya"}}, "Ya", True),
        ("interactive", {"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}, "", False),
        ("image", {"id": "1", "caption": "berhenti"}, "berhenti", False),
        ("sticker", {"id": "1"}, "", False),
        ("reaction", {"message_id": "wamid.x", "emoji": "👍"}, "", False),
        ("something_new", {"body": "STOP"}, "", False),
        ("text", {"body": "a cut emoji \ud83d"}, "a cut emoji \ufffd", False),
    ],
)
def test_what_was_said(kind: str, body: dict[str, Any], text: str, pressed: bool) -> None:
    (said,) = read(change(messages=[{**without(TEXT, "type", "text"), "type": kind, kind: body}]))
    assert (said.text, said.pressed is not None) == (text, pressed)


def test_a_notice_of_the_platform_is_no_message() -> None:
    notice = {"body": "The security code changed", "type": "user_identity_changed"}
    assert read(change(messages=[{**TEXT, "type": "system", "system": notice}])) == []
    assert read(change(messages=[{**TEXT, "type": "system", "system": "junk"}])) == []
    assert read({"field": "phone_number_quality_update", "value": {"event": "UPGRADE"}}) == []


NEW = {"wa_id": "6281234567891", "user_id": "ID.2"}


@pytest.mark.parametrize(
    ("kind", "before", "after", "moved"),
    [
        (
            "user_changed_number",
            {"from": "6281234567890"},
            {**NEW, "previous_user_id": "ID.1"},
            Moved(Person("+6281234567890", "ID.1"), Person("+6281234567891", "ID.2")),
        ),
        (
            "user_changed_user_id",
            {},
            {"user_id": "ID.2", "previous_user_id": "ID.1"},
            Moved(Person(None, "ID.1"), Person(None, "ID.2")),
        ),
        (
            "user_changed_number",
            {"from": "6281234567890", "from_user_id": "ID.2"},
            NEW,
            Moved(Person("+6281234567890"), Person("+6281234567891", "ID.2")),
        ),
        (
            "customer_changed_number",
            {"from": "6281234567890"},
            {"new_wa_id": "6281234567891"},
            Moved(Person("+6281234567890"), Person("+6281234567891")),
        ),
    ],
)
def test_a_changed_number(kind: str, before: dict[str, Any], after: dict[str, Any], moved: Moved) -> None:
    notice = {"type": "system", "system": {"type": kind, "body": "User A changed", **after}}
    assert read(change(messages=[{**without(TEXT, "from", "from_user_id"), **before, **notice}])) == [moved]


@pytest.mark.parametrize(
    ("user_id", "country"), [("ID.1349", "ID"), ("US.ENT.118", "US"), ("1349", "001"), ("usa.1", "001")]
)
def test_an_id_tells_a_country(user_id: str, country: str) -> None:
    assert whatsapp.country_of(user_id) == country


@pytest.mark.parametrize("timestamp", [1723506035, "1723506035", 1723506035.0])
@pytest.mark.parametrize(("value", "resumes"), [("stop", False), ("resume", True)])
def test_a_preference(timestamp: Any, value: str, resumes: bool) -> None:
    preference = {
        "wa_id": "6281234567890",
        "user_id": BOTH.user_id,
        "detail": "User requested to stop marketing messages",
        "category": "marketing_messages",
        "value": value,
        "timestamp": timestamp,
    }
    (found,) = read(change("user_preferences", contacts=[CONTACT], user_preferences=[preference]))
    assert found == Preference(BOTH, SENDER, AT, resumes=resumes)
    other = {**preference, "category": "something_else"}
    assert read(change("user_preferences", user_preferences=[other])) == []


STATUS = {"id": "wamid.ours", "status": "sent", "timestamp": "1723506035", "recipient_id": "6281234567890"}


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        ({"status": "accepted"}, Outcome.SENT, None),
        ({"status": "sent"}, Outcome.SENT, None),
        ({"status": "delivered"}, Outcome.DELIVERED, None),
        ({"status": "read"}, Outcome.READ, None),
        ({"status": "failed"}, Outcome.FAILED, None),
        ({"status": "failed", "errors": [{"code": 131050, "title": "…"}]}, Outcome.FAILED, 131050),
        ({"status": "failed", "errors": [{"code": "131049"}]}, Outcome.FAILED, 131049),
        ({"status": "failed", "errors": ["junk", {"code": None}]}, Outcome.FAILED, None),
        ({"status": "sent", "errors": [{"code": 131050}]}, Outcome.SENT, None),
    ],
)
def test_what_became_of_a_message(status: dict[str, Any], outcome: Outcome, code: int | None) -> None:
    ours = {**STATUS, **status, "biz_opaque_callback_data": "shopx#promo-1"}
    (fate,) = read(change(statuses=[ours]), messageId="6d69f07a")
    assert isinstance(fate, Fate)
    receipt = fate.receipt
    assert (receipt.outcome, receipt.carrier_ref, receipt.accepted_as) == (outcome, "wamid.ours", "6d69f07a")
    assert (receipt.message, receipt.at, fate.code) == ("shopx#promo-1", AT, code)


@pytest.mark.parametrize("status", ["deleted", "warning"])
def test_what_is_no_fate(status: str) -> None:
    assert read(change(statuses=[{**STATUS, "status": status}])) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ([change(messages=[without(TEXT, "id")])], "missing_id"),
        ([change(messages=[{**TEXT, "id": "x" * 129}])], "long_id"),
        ([change(messages=[without(TEXT, "timestamp")])], "missing_timestamp"),
        ([change(messages=[{**TEXT, "timestamp": "soon"}])], "missing_timestamp"),
        ([change(messages=[{**TEXT, "timestamp": 10**30}])], "impossible_timestamp"),
        ([change(messages=[without(TEXT, "from", "from_user_id")])], "missing_from"),
        ([change(messages=[{**TEXT, "text": {"body": 7}}])], "missing_text"),
        ([change(messages=[{**TEXT, "type": "button", "button": {}}])], "missing_button"),
        ([change(messages=["junk"])], "invalid_messages"),
        ([change(messages="junk")], "invalid_messages"),
        ([change(metadata=None, messages=[TEXT])], "missing_display_phone_number"),
        ([change(statuses=[without(STATUS, "id")])], "missing_id"),
        ([change(statuses=[{**STATUS, "status": "lost"}])], "unknown_status"),
        (["junk"], "invalid_value"),
        ([{"field": "messages"}], "invalid_value"),
    ],
)
def test_what_cannot_be_read_is_named_and_keeps_nothing_else_back(changes: list[Any], fault: str) -> None:
    notification = whatsapp.parse(wrapped(*changes, change(messages=[TEXT])))
    assert notification.faults == (fault,)
    assert [said.id for said in notification.happenings if isinstance(said, Said)] == ["wamid.HBgL"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("junk", "not_json"),
        ("[]", "not_an_object"),
        ("{}", "missing_whatsAppWebhookEntry"),
        ('{"whatsAppWebhookEntry": {}}', "missing_whatsAppWebhookEntry"),
        ('{"whatsAppWebhookEntry": "junk"}', "not_json"),
        ('{"whatsAppWebhookEntry": "{}"}', "missing_changes"),
    ],
)
def test_a_notification_that_is_none(payload: str, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        whatsapp.parse(payload)
    assert caught.value.reason == reason


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from([*TEXT, "errors"]), _json, st.sampled_from(["messages", "statuses", "user_preferences"])
)
def test_nothing_but_malformed_is_ever_raised(name: str, value: Any, kind: str) -> None:
    sound = {"messages": TEXT, "statuses": STATUS, "user_preferences": {"category": "marketing_messages"}}
    broken = {**sound[kind], "status": "failed", "value": "stop", name: value}
    notification = whatsapp.parse(wrapped(change(**{kind: [broken]})))
    assert len(notification.happenings) + len(notification.faults) <= 1


def test_a_no_counts_from_the_end_of_its_second_and_a_yes_from_its_beginning() -> None:
    late = AT + timedelta(seconds=5)
    assert whatsapp.given_at(AT, late, is_no=False) == AT
    assert (
        AT + timedelta(milliseconds=998) < whatsapp.given_at(AT, late, is_no=True) < AT + timedelta(seconds=1)
    )
    assert whatsapp.given_at(AT, AT, is_no=True) == AT
    assert whatsapp.given_at(late, AT, is_no=False) == AT


@pytest.mark.parametrize(
    ("label", "stops"),
    [
        ("Stop promotions", True),
        ("STOP PROMOTIONS", True),
        ("Parar promoções", True),
        ("Hentikan promosi", True),
        ("หยุดโปรโมชัน", True),
        ("More promotions", False),
        ("", False),
    ],
)
def test_the_platforms_own_stop_button(label: str, stops: bool) -> None:
    assert whatsapp.stops_promotions(label) is stops
