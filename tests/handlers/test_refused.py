"""Every refused request is a problem that names field, code and remedy, and repeats nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.handlers.conftest import MakeWorld
from tests.handlers.submission import PERSON, TEXT, Change, is_problem, submission
from tests.handlers.world import Said, World

TEMPLATE = "ShopX: kode masuk Anda {{1}}. Berlaku {{2}} menit"


@pytest.fixture(scope="module")
def office(make_world: MakeWorld) -> Iterator[World]:
    """A world for requests that leave nothing behind: two brands, a sender and a template each."""
    made = make_world()
    made.secrets |= {PERSON, TEXT}
    made.register("other", "other-1", address="+6285811119999", name="Other")
    for template_id, purpose in (("otp", "authentication"), ("promo", "marketing")):
        body = {
            "brand": "shopx",
            "channel": "sms",
            "purpose": purpose,
            "language": "id",
            "text": TEMPLATE,
        }
        made.call("PUT /v1/templates/{id}", body, path={"id": template_id})
    yield made
    assert (made.messages(), made.states()) == ([], [])


def a_sender(address: str) -> dict[str, object]:
    """The body of a sender of shopx that has nothing wrong but perhaps its address."""
    return {
        "brand": "shopx",
        "channel": "sms",
        "carrier": "aws-sms",
        "configuration_set": "izin",
        "address": address,
        "countries": ["ID"],
    }


BAD_FIELDS: list[tuple[str, Change, int, tuple[str, str]]] = [
    ("number without a plus", {"to": "6281298765432"}, 422, ("to", "number_not_e164")),
    ("national number", {"to": "081298765432"}, 422, ("to", "number_not_e164")),
    ("number with spaces", {"to": "+62 812 9876 5432"}, 422, ("to", "number_not_e164")),
    ("number in other digits", {"to": "+٦٢٨١٢٩٨٧٦٥٤٣٢"}, 422, ("to", "number_not_e164")),
    ("number and a line break", {"to": PERSON + "\n"}, 422, ("to", "number_not_e164")),
    ("no country has it", {"to": "+999812987654"}, 422, ("to", "number_impossible")),
    ("too short", {"to": "+62812"}, 422, ("to", "number_impossible")),
    ("no such range", {"to": "+15550001234"}, 422, ("to", "number_invalid")),
    ("no text for a number", {"to": "x" * 40}, 422, ("to", "string_too_long")),
    ("a number that is a number", {"to": 6281298765432}, 422, ("to", "string_type")),
    ("unknown brand", {"brand": "nobody"}, 422, ("brand", "unknown_brand")),
    ("unknown sender", {"sender": "nobody-1"}, 422, ("sender", "unknown_sender")),
    ("sender of another brand", {"sender": "other-1"}, 422, ("sender", "sender_of_another_brand")),
    ("unknown field", {"colour": "red"}, 422, ("colour", "unknown_field")),
    ("at is for checks only", {"at": "2026-11-22T12:00:00Z"}, 422, ("at", "unknown_field")),
    ("no id", {"id": None}, 422, ("id", "missing")),
    ("an id of a path", {"id": "../x"}, 422, ("id", "string_pattern_mismatch")),
    ("an id of ours", {"id": "~help~in-1"}, 422, ("id", "string_pattern_mismatch")),
    ("no sender", {"sender": None}, 422, ("sender", "missing")),
    ("no purpose", {"purpose": None}, 422, ("purpose", "missing")),
    ("unknown purpose", {"purpose": "fun"}, 422, ("purpose", "enum")),
    ("preference channel", {"channel": "email"}, 422, ("channel", "inconsistent")),
    ("neither text nor template", {"text": None}, 422, ("text", "inconsistent")),
    ("text and template", {"template": {"id": "otp"}}, 422, ("text", "inconsistent")),
    ("an empty text", {"text": ""}, 422, ("text", "string_too_short")),
    ("a long text", {"text": TEXT * 200}, 422, ("text", "string_too_long")),
    ("essential without basis", {"essential": True}, 422, ("essential", "inconsistent")),
    (
        "time without offset",
        {"not_before": "2026-11-22T12:00:00"},
        422,
        ("not_before", "time_without_offset"),
    ),
    ("expiry without offset", {"expires_at": "2026-11-23T12:00"}, 422, ("expires_at", "time_without_offset")),
    ("no time", {"not_before": "tomorrow"}, 422, ("not_before", "not_rfc3339")),
    (
        "unknown template",
        {"text": None, "template": {"id": "none"}},
        422,
        ("template.id", "unknown_template"),
    ),
    (
        "too few variables",
        {"text": None, "template": {"id": "otp", "variables": ["998877"]}},
        422,
        ("template.variables", "template_variables"),
    ),
    (
        "too many variables",
        {"text": None, "template": {"id": "otp", "variables": ["998877", "5", "6"]}},
        422,
        ("template.variables", "template_variables"),
    ),
    (
        "a template for another use",
        {"text": None, "template": {"id": "promo", "variables": ["998877", "5"]}},
        422,
        ("template.id", "template_for_another_use"),
    ),
    ("half a character", {"text": "ShopX \ud83d"}, 400, ("body", "json_invalid")),
]


@pytest.mark.parametrize(
    ("change", "status", "error"), [row[1:] for row in BAD_FIELDS], ids=[row[0] for row in BAD_FIELDS]
)
def test_a_bad_field_is_named_with_its_remedy(
    office: World, change: Change, status: int, error: tuple[str, str]
) -> None:
    said = office.call("POST /v1/messages", submission(change), brand="*")
    is_problem(said, status, error)

    (result,) = office.call("POST /v1/messages/batch", {"messages": [submission(change)]}, brand="*").body[
        "results"
    ]
    assert (result["status"], result["body"]) == (said.status, said.body)


NATIONAL = PERSON.removeprefix("+62")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("id", {"id": f"order-{PERSON[1:]}"}),
        ("id", {"id": f"order-812-9876-{PERSON[-4:]}"}),
        ("campaign", {"campaign": f"win-back-{NATIONAL}"}),
        ("basis", {"basis": {"transaction": f"call from 0{NATIONAL[:3]} {NATIONAL[3:]}"}}),
        ("basis", {"basis": {PERSON: "order-1"}}),
    ],
)
def test_a_message_names_its_person_by_nothing_that_is_kept(
    office: World, field: str, change: Change
) -> None:
    said = office.call("POST /v1/messages", submission(change), brand="*")
    is_problem(said, 422, (field, "holds_number"))
    assert "write it without" in said.body["errors"][0]["message"]
    batch = office.call("POST /v1/messages/batch", {"messages": [submission(change)]}, brand="*")
    assert [each["body"] for each in batch.body["results"]] == [said.body]


def test_what_is_personal_may_name_the_person(office: World) -> None:
    values = [PERSON, "5"]
    for change in ({"text": f"{PERSON}?"}, {"text": None, "template": {"id": "otp", "variables": values}}):
        said = office.call("POST /v1/check", submission({"id": "order-9876543", **change}))
        assert not said.problem, said.text


@pytest.mark.parametrize(
    "change", [row[1] for row in BAD_FIELDS if row[0] not in ("at is for checks only", "no id")][:18], ids=str
)
def test_a_check_refuses_what_a_submission_refuses(office: World, change: Change) -> None:
    refused = office.call("POST /v1/messages", submission(change), brand="*")
    is_problem(office.call("POST /v1/check", submission(change), brand="*"), refused.status, *refused.codes)


Send = Callable[[World], Said]

BAD_REQUESTS: dict[str, tuple[Send, int, tuple[str, str]]] = {
    "not JSON": (lambda w: w.call("POST /v1/messages", "{"), 400, ("body", "json_invalid")),
    "no body": (lambda w: w.call("POST /v1/messages", ""), 400, ("body", "json_invalid")),
    "a list": (lambda w: w.call("POST /v1/messages", []), 422, ("body", "model_type")),
    "a check over 64 KB": (
        lambda w: w.call("POST /v1/check", submission({"text": "x" * 65536})),
        413,
        ("body", "too_large"),
    ),
    "a message over 64 KB": (
        lambda w: w.call("POST /v1/messages", submission({"text": "x" * 65536})),
        413,
        ("body", "too_large"),
    ),
    "64 KB in other letters": (
        lambda w: w.call(
            "POST /v1/messages", json.dumps(submission({"text": "ż" * 33000}), ensure_ascii=False)
        ),
        413,
        ("body", "too_large"),
    ),
    "a consent over 64 KB": (
        lambda w: w.call("POST /v1/consents", w.consent_body(PERSON, wording="x" * 65536)),
        413,
        ("body", "too_large"),
    ),
    "a batch over 512 KB": (
        lambda w: w.call("POST /v1/messages/batch", {"messages": [submission({})], "x": "x" * 524288}),
        413,
        ("body", "too_large"),
    ),
    "a batch of 101": (
        lambda w: w.call("POST /v1/messages/batch", {"messages": [submission({})] * 101}),
        422,
        ("messages", "not_a_batch"),
    ),
    "an empty batch": (
        lambda w: w.call("POST /v1/messages/batch", {"messages": []}),
        422,
        ("messages", "not_a_batch"),
    ),
    "a batch that is none": (
        lambda w: w.call("POST /v1/messages/batch", [submission({})]),
        422,
        ("messages", "not_a_batch"),
    ),
    "a batch that is no JSON": (
        lambda w: w.call("POST /v1/messages/batch", '{"messages": ['),
        400,
        ("body", "json_invalid"),
    ),
    "a batch with a field that nobody knows": (
        lambda w: w.call("POST /v1/messages/batch", {"messages": [{}], "colour": "red"}),
        422,
        ("colour", "unknown_field"),
    ),
    "a scope that the key lacks": (
        lambda w: w.call("POST /v1/messages", submission({}), scopes=("check", "read")),
        403,
        ("Authorization", "scope_missing"),
    ),
    "a check without its scope": (
        lambda w: w.call("POST /v1/check", submission({}), scopes=("send",)),
        403,
        ("Authorization", "scope_missing"),
    ),
    "a consent without its scope": (
        lambda w: w.call("POST /v1/consents", w.consent_body(PERSON), scopes=("send",)),
        403,
        ("Authorization", "scope_missing"),
    ),
    "an opt-out without its scope": (
        lambda w: w.call(
            "POST /v1/opt-outs", {"brand": "shopx", "address": PERSON, "source": "app"}, scopes=("send",)
        ),
        403,
        ("Authorization", "scope_missing"),
    ),
    "a lookup without its scope": (
        lambda w: w.call("POST /v1/recipients/lookup", {"address": PERSON}, scopes=("send",)),
        403,
        ("Authorization", "scope_missing"),
    ),
    "a message of a brand that the key is not for": (
        lambda w: w.call("POST /v1/messages", submission({}), brand="other"),
        403,
        ("brand", "brand_of_another_key"),
    ),
    "a consent of a brand that the key is not for": (
        lambda w: w.call("POST /v1/consents", w.consent_body(PERSON), brand="other"),
        403,
        ("brand", "brand_of_another_key"),
    ),
    "an opt-out of a brand that the key is not for": (
        lambda w: w.call(
            "POST /v1/opt-outs", {"brand": "shopx", "address": PERSON, "source": "app"}, brand="other"
        ),
        403,
        ("brand", "brand_of_another_key"),
    ),
    "a brand registered with the key of another": (
        lambda w: w.call(
            "PUT /v1/brands/{id}", {"name": "X", "contact": "x"}, path={"id": "shopx"}, brand="other"
        ),
        403,
        ("brand", "brand_of_another_key"),
    ),
    "a message that is not there": (
        lambda w: w.call("GET /v1/messages/{id}", path={"id": "nothing"}),
        404,
        ("id", "unknown_message"),
    ),
    "a cancellation of what is not there": (
        lambda w: w.call("DELETE /v1/messages/{id}", path={"id": "nothing"}),
        404,
        ("id", "unknown_message"),
    ),
    "a key of all brands that names none": (
        lambda w: w.call("GET /v1/messages/{id}", path={"id": "nothing"}, brand="*"),
        422,
        ("brand", "missing"),
    ),
    "a person who is not there": (
        lambda w: w.call("GET /v1/recipients/{recipient_id}", path={"recipient_id": "nobody"}),
        404,
        ("recipient_id", "unknown_recipient"),
    ),
    "a lookup of no number": (
        lambda w: w.call("POST /v1/recipients/lookup", {"address": "81298765432"}),
        422,
        ("address", "number_not_e164"),
    ),
    "a consent for no number": (
        lambda w: w.call("POST /v1/consents", w.consent_body("081298765432")),
        422,
        ("address", "number_not_e164"),
    ),
    "a consent without offset": (
        lambda w: w.call("POST /v1/consents", w.consent_body(PERSON, captured_at="2026-11-22T12:00:00")),
        422,
        ("captured_at", "time_without_offset"),
    ),
    "an opt-out of tomorrow": (
        lambda w: w.opt_out(PERSON, given_at="2026-11-23T16:30:00Z"),
        422,
        ("given_at", "in_the_future"),
    ),
    "an opt-out without source": (
        lambda w: w.call("POST /v1/opt-outs", {"brand": "shopx", "address": PERSON}),
        422,
        ("source", "missing"),
    ),
    "an address that another sender has": (
        lambda w: w.call(
            "PUT /v1/senders/{id}",
            a_sender("+6285811119999"),
            path={"id": "shopx-2"},
        ),
        409,
        ("address", "address_taken"),
    ),
    "a sender that moves to another brand": (
        lambda w: w.call(
            "PUT /v1/senders/{id}",
            a_sender("+6285811110000"),
            path={"id": "other-1"},
        ),
        409,
        ("brand", "sender_of_another_brand"),
    ),
    "an id that is none": (
        lambda w: w.call("PUT /v1/brands/{id}", {"name": "X", "contact": "x"}, path={"id": "Shop X"}),
        422,
        ("id", "invalid"),
    ),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_bad_request_is_a_problem(office: World, name: str) -> None:
    send, status, error = BAD_REQUESTS[name]
    is_problem(send(office), status, error)


ENDS_OF_TIME = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z")


@pytest.mark.parametrize("at", ENDS_OF_TIME)
@pytest.mark.parametrize(
    "send",
    [
        lambda w, at: w.call("POST /v1/check", submission({"at": at, "purpose": "marketing"})),
        lambda w, at: w.call("POST /v1/messages", submission({"not_before": at, "to": "oops"})),
        lambda w, at: w.call("POST /v1/messages", submission({"not_before": at, "sender": "other-1"})),
        lambda w, at: w.call(
            "POST /v1/opt-outs",
            {"brand": "nobody", "address": PERSON, "source": "a", "given_at": at},
            brand="*",
        ),
        lambda w, at: w.call("POST /v1/consents", w.consent_body(PERSON, captured_at=at, prechecked=True)),
    ],
    ids=["check", "message", "sender", "opt-out", "consent"],
)
def test_a_time_at_the_end_of_time_is_no_error_of_ours(
    office: World, send: Callable[[World, str], Said], at: str
) -> None:
    assert send(office, at).status in (200, 422)


@pytest.mark.parametrize("field", ["not_before", "expires_at"])
@pytest.mark.parametrize("at", ENDS_OF_TIME)
def test_a_message_for_the_end_of_time_is_judged_or_refused(here: World, field: str, at: str) -> None:
    said = here.submit(PERSON, "code", "authentication", **{field: at})
    assert said.status in (200, 202, 422)
    here.drain()


@pytest.mark.parametrize("depth", [500, 900, 2000, 20000])
def test_a_deep_body_is_refused(office: World, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    for route, body in (
        ("POST /v1/messages", f'{{"to": {deep}}}'),
        ("POST /v1/messages/batch", f'{{"messages": [{{"to": {deep}}}]}}'),
    ):
        said = office.call(route, body)
        assert said.status in (200, 400, 422)


def test_several_errors_are_all_named(office: World) -> None:
    said = office.call("POST /v1/messages", {"to": PERSON, "colour": "red", "brand": "shopx"})
    is_problem(said, 422, ("id", "missing"), ("purpose", "missing"), ("colour", "unknown_field"))
