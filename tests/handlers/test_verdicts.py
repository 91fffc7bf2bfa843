"""A verdict is an answer, a repeat answers as the first time, each item of a batch is judged alone."""

from __future__ import annotations

import json
from typing import Any

import authorizer
import pytest
from izin.aws import registry

from tests.handlers.submission import Change, is_problem, submission
from tests.handlers.world import ALL, CODE, PROMOTION, World


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
