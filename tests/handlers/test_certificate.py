"""The certificate as the API answers it, from what the handlers wrote."""

from __future__ import annotations

import json
from typing import Any

import recipients
from izin.aws import http, registry
from izin.domain.capture import wording_hash

from tests.handlers.test_capture import put_wording
from tests.handlers.world import WORDING, Said, World


def asked(world: World, person: str, *scopes: str, **query: str) -> Said:
    path = {"recipient_id": world.id_of(person)}
    return world.call(
        "GET /v1/recipients/{recipient_id}/certificate", path=path, scopes=scopes or ("read",), query=query
    )


def test_a_whole_life_on_one_document(here: World) -> None:
    put_wording(here)
    person = here.person()
    here.agrees(person, wording={"id": "signup", "version": 1}, language=None)
    here.clock.sleep(60)
    here.say(person, "STOP")
    told = asked(here, person).body
    assert person not in json.dumps(told)
    (consent,) = told["consents"]
    assert consent["wording"] == {
        "text": WORDING,
        "language": "id",
        "sha256": wording_hash(WORDING),
        "id": "signup",
        "version": "1",
    }
    assert [one["type"] for one in told["history"]] == ["consent_pending", "consent_granted", "opt_out"]
    assert [one["code"] for one in told["state"]] == ["withdrawn"]
    assert told["proof"]["verifies"]
    assert asked(here, person, "read", "personal").body["person"]["address"] == person


def test_a_wording_that_was_changed_behind_the_ledger_is_not_shown(here: World) -> None:
    put_wording(here)
    person = here.person()
    here.consent(person, wording={"id": "signup", "version": 1}, language=None)
    key = registry.wording_key("shopx", "signup", 1)
    item = get_item(here, key)
    registry.put(here.rt, key, {**item, "text": "Saya setuju menerima apa saja"})
    (consent,) = asked(here, person).body["consents"]
    assert (consent["wording"]["text"], consent["wording"]["sha256"]) == (None, wording_hash(WORDING))


def get_item(world: World, pk: str) -> dict[str, Any]:
    (found,) = [item for item in world.items(world.rt.registry_table) if item["pk"] == pk]
    return found


def test_a_browser_gets_a_page_and_a_program_gets_json(here: World) -> None:
    person = here.person()
    here.consent(person)

    def kind(accept: str, **query: str) -> str:
        event = {
            "pathParameters": {"recipient_id": here.id_of(person)},
            "queryStringParameters": query,
            "headers": {"accept": accept},
            "requestContext": {"authorizer": {"lambda": {"key": "k", "brand": "shopx", "scopes": "read"}}},
        }
        answer: http.Answer = recipients.show_certificate(here.rt, event)
        assert person not in answer["body"]
        return str(answer["headers"]["content-type"])

    assert kind("text/html,application/xhtml+xml").startswith("text/html")
    assert kind("*/*") == kind("text/html", format="json") == "application/json"
    assert kind("*/*", format="html").startswith("text/html")


def test_who_may_not_read_gets_none(here: World) -> None:
    person = here.person()
    here.consent(person)
    assert asked(here, person, "personal").status == 403
    assert asked(here, here.person()).status == 404
