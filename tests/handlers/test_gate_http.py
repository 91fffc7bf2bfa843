"""Every refused request is a problem document that names field, code and remedy, and repeats nothing of it.

Verdicts are no refusals: they are normal answers. Repeats answer as the first time, and each item of a batch
is judged alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import authorizer
import pytest
from izin.aws import registry

from tests.handlers.conftest import MakeWorld
from tests.handlers.world import ALL, CODE, PROMOTION, Said, World

PERSON, TEXT = "+6281298765432", "ShopX: kode masuk Anda 998877"
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


def is_problem(said: Said, status: int, *errors: tuple[str, str]) -> None:
    """An RFC 9457 document with exactly these errors (field, code), each with words for a person to read."""
    assert said.problem, said.text
    assert said.body.keys() >= {"type", "title", "status", "errors"}
    assert (said.status, said.body["status"]) == (status, status), said.text
    assert set(errors) <= set(said.codes), said.text
    assert all(error["message"] and error["field"] and error["code"] for error in said.body["errors"])
    for secret in (PERSON.removeprefix("+"), "998877", "81298765432", TEXT):
        assert secret not in said.text


Change = dict[str, Any]

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


def submission(change: Change) -> dict[str, Any]:
    body = {
        "id": "never-1",
        "brand": "shopx",
        "sender": "shopx-id-1",
        "to": PERSON,
        "channel": "sms",
        "purpose": "authentication",
        "text": TEXT,
        **change,
    }
    return {name: value for name, value in body.items() if value is not None}


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
            {
                "brand": "shopx",
                "channel": "sms",
                "carrier": "aws-sms",
                "configuration_set": "izin",
                "address": "+6285811119999",
                "countries": ["ID"],
            },
            path={"id": "shopx-2"},
        ),
        409,
        ("address", "address_taken"),
    ),
    "a sender that moves to another brand": (
        lambda w: w.call(
            "PUT /v1/senders/{id}",
            {
                "brand": "shopx",
                "channel": "sms",
                "carrier": "aws-sms",
                "configuration_set": "izin",
                "address": "+6285811110000",
                "countries": ["ID"],
            },
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


# Verdicts are answers


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        ("+622130001234", {"number_class"}),
        ("+628041401234", {"number_class"}),
        ("+551132345678", {"number_class"}),
        ("+255712345678", {"no_consent"}),
    ],
    ids=["fixed line", "premium", "fixed line of Brazil", "country without a pack"],
)
def test_a_number_that_may_not_be_texted_is_a_verdict(here: World, number: str, codes: set[str]) -> None:
    here.secret(number)
    said = here.submit(number, "code", "authentication")
    assert (said.status, said.body["verdict"], said.body["status"]) == (200, "deny", "denied")
    assert said.reasons >= codes


def test_marketing_to_a_country_that_nobody_has_read_up_on_is_denied(here: World) -> None:
    said = here.submit(here.secret("+255712345678"), "promotion")
    assert (said.status, said.reasons >= {"no_pack"}) == (200, True)


def test_a_check_leaves_nothing_behind(here: World) -> None:
    body = here.message(here.person(), "x", "authentication")
    said = here.call("POST /v1/check", body)
    assert (said.status, said.body["verdict"]) == (200, "allow")
    at = here.call("POST /v1/check", body | {"purpose": "marketing", "at": "2026-11-23T03:00:00+02:00"})
    assert (at.body["decided_at"], at.body["verdict"]) == ("2026-11-23T01:00:00Z", "deny")
    assert (here.messages(), here.states(), here.pull()) == ([], [], [])
    assert here.items(here.rt.keys_table) == []


@pytest.mark.parametrize(
    ("purpose", "status", "verdict"),
    [("authentication", 202, "allow"), ("marketing", 200, "deny")],
)
def test_a_repeat_answers_as_the_first_time(here: World, purpose: str, status: int, verdict: str) -> None:
    person = here.person()
    first = here.submit(person, "one", purpose)
    here.live(60)
    again = here.submit(person, "one", purpose)
    assert (first.status, first.body["verdict"]) == (status, verdict)
    assert (again.status, again.text) == (first.status, first.text)


def test_a_held_message_repeats_its_answer_after_it_was_sent(here: World) -> None:
    person = here.person()
    here.agrees(person)
    first = here.submit(person, "one")
    assert (first.status, first.body["status"]) == (202, "held")
    assert first.body["due"] == first.body["until"]
    assert here.submit(person, "one").text == first.text


@pytest.mark.parametrize(
    "change",
    [
        {"text": "ShopX: kode masuk Anda 654321"},
        {"to": "+6281298765433"},
        {"not_before": "2026-11-23T00:00:00Z"},
    ],
    ids=["text", "number", "time"],
)
def test_an_id_with_another_body_is_refused(here: World, change: Change) -> None:
    assert here.call("POST /v1/messages", submission({})).status == 202
    said = here.call("POST /v1/messages", submission(change))
    is_problem(said, 409, ("id", "id_reused"))
    here.drain()
    assert len(here.sent("never-1")) == 1


def test_ids_belong_to_their_brand(here: World) -> None:
    here.register("other", "other-1", address="+6285811119999", name="Other")
    person = here.person()
    assert here.submit(person, "one", "authentication").status == 202
    body = here.message(person, "one", "authentication", brand="other", sender="other-1", text="Other: 1234")
    assert here.call("POST /v1/messages", body, brand="other").status == 202
    assert here.call("GET /v1/messages/{id}", path={"id": "one"}, brand="third").status == 404


def test_a_consent_id_may_be_used_for_another_person(here: World) -> None:
    statuses = [here.consent(here.person(), id="signup").status for _ in range(2)]
    assert statuses in ([200, 200], [200, 409])


def test_each_item_of_a_batch_is_judged_alone(here: World) -> None:
    people = [here.person() for _ in range(3)]
    items: list[Any] = [
        here.message(people[0], "a", "authentication"),
        here.message("+62812", "b", "authentication"),
        here.message(people[1], "c"),
        here.message(people[0], "a", "authentication"),
        here.message(people[0], "a", "authentication", text="ShopX: kode lain 777"),
        here.message(people[2], "d", "authentication", brand="other"),
        "no message",
        here.message(people[2], "e", "authentication"),
    ]
    said = here.call("POST /v1/messages/batch", {"messages": items})
    assert said.status == 200
    assert [result["status"] for result in said.body["results"]] == [202, 422, 200, 202, 409, 403, 422, 202]
    assert said.body["results"][0]["body"] == said.body["results"][3]["body"]
    here.drain()
    assert [len(here.sent(name)) for name in ("a", "c", "e")] == [1, 0, 1]


def test_a_batch_of_a_hundred_is_taken(here: World) -> None:
    items = [here.message(here.person(), f"m-{number}", "authentication") for number in range(100)]
    said = here.call("POST /v1/messages/batch", {"messages": items})
    assert {result["status"] for result in said.body["results"]} == {202}
    assert len(here.pull()) == 100


def test_a_lookup_gives_a_pseudonym_and_the_pseudonym_everything_else(here: World) -> None:
    person = here.person()
    here.agrees(person)
    found = here.call("POST /v1/recipients/lookup", {"address": person}).body["recipient_id"]
    assert person[3:] not in found
    shown = here.show(person)
    assert shown["recipient_id"] == found
    assert shown["consents"] == [{"channel": "sms", "purpose": "marketing", "status": "granted"}]
    said = here.call("GET /v1/recipients/{recipient_id}/ledger", path={"recipient_id": found})
    assert (said.body["verifies"], len(said.body["events"])) == (True, 2)
    assert person.removeprefix("+") not in said.text


def test_a_message_tells_its_story(here: World) -> None:
    person = here.person()
    here.submit(person, "code", "authentication")
    here.drain()
    told = here.look_up("code")
    assert [entry["status"] for entry in told["history"]] == ["due", "sending", "sent"]
    assert (told["status"], told["verdict"], told["attempts"]) == ("sent", "allow", 1)
    assert CODE not in json.dumps(told)
    assert person.removeprefix("+") not in json.dumps(told)


def test_nobody_looks_up_the_gates_own_answers(here: World) -> None:
    person = here.person()
    here.say(person, "HELP")
    (answer,) = here.messages()
    assert here.call("GET /v1/messages/{id}", path={"id": answer.id}).status == 404
    here.drain()


def test_an_empty_rendering_is_refused(here: World) -> None:
    body = {
        "brand": "shopx",
        "channel": "sms",
        "purpose": "authentication",
        "language": "id",
        "text": "{{1}}",
    }
    here.call("PUT /v1/templates/{id}", body, path={"id": "bare"})
    template = {"id": "bare", "variables": [""]}
    said = here.call("POST /v1/messages", submission({"text": None, "template": template}))
    is_problem(said, 422, ("template.variables", "template_variables"))


# The key


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer izin_nobody", "Basic {key}", "{key}", "Bearer {key}x"]
)
def test_a_key_that_nobody_made_opens_nothing(here: World, header: str) -> None:
    key = registry.new_api_key(here.rt, "shop", "shopx", ALL)
    event = {"headers": {"authorization": header.format(key=key)}}
    assert authorizer.authorize(here.rt, event) == {"isAuthorized": False}
    assert authorizer.authorize(here.rt, {"headers": {}}) == {"isAuthorized": False}


def test_a_key_opens_what_it_was_made_for(here: World) -> None:
    key = registry.new_api_key(here.rt, "shop", "shopx", ["send", "check"])
    answer = authorizer.authorize(here.rt, {"headers": {"authorization": f"Bearer {key}"}})
    assert answer["context"] == {"key": "shop", "brand": "shopx", "scopes": "check send"}
    assert key not in repr(here.items(here.rt.registry_table))


def test_a_promotion_that_is_allowed_by_day(here: World) -> None:
    person = here.person()
    here.agrees(person)
    said = here.call("POST /v1/check", here.message(person, "x") | {"at": "2026-11-23T02:00:00Z"})
    assert (said.body["verdict"], said.body["reasons"], PROMOTION in said.text) == ("allow", [], False)
    here.drain()
