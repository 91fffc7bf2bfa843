"""From a message that leads out, over the page, to silence; and preferences as the gate answers them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import page
import pytest
from izin.domain.message import Kind

from tests.handlers.calls import Call
from tests.handlers.world import DAY, Said, World

URL = "https://s.shopx.example/p/"
PLAIN = "ShopX: diskon 20% s.d. 30 Nov."


@pytest.fixture
def site(here: World) -> World:
    """A brand with a domain for its pages, which is approved for its sender."""
    body = {
        "name": "ShopX",
        "contact": "help@shopx.example",
        "approved_domains": ["shopx.example"],
        "page_url": URL,
    }
    said = here.call("PUT /v1/brands/{id}", body, path={"id": "shopx"}, brand="*")
    assert said.status == 200, said.text
    here.rt.cache.clear()
    return here


def visit(world: World, method: str, token: str, **fields: Any) -> dict[str, Any]:
    event = {
        "routeKey": f"{method} /p/{{token}}",
        "pathParameters": {"token": token},
        "headers": {"content-type": "application/x-www-form-urlencoded"},
        "requestContext": {"http": {"sourceIp": "203.0.113.7"}},
        "body": urlencode(fields),
    }
    return page.answer(world.rt, event)


def arrived(world: World) -> list[str]:
    return [sent.text for sent in world.sms.sent if sent.taken]


def token_in(text: str) -> str:
    found = re.search(rf"{re.escape(URL)}(\w+)$", text)
    assert found, text
    return found[1]


@pytest.fixture
def linked(site: World) -> tuple[str, str]:
    """A person who agreed and got a promotion with a link; its token."""
    person = site.person()
    site.agrees(person)
    site.drain()
    site.clock.at = DAY
    said = site.submit(person, "promotion", text=PLAIN, append_opt_out=True, campaign="november")
    assert said.status == 202, said.text
    assert said.body["opt_out"] == {"by": "link", "encoding": "GSM7", "units": 87, "segments": 1}
    assert URL not in said.text
    site.drain()
    token = token_in(arrived(site)[-1])
    site.secret(token)
    return person, token


def test_the_link_in_a_message_stops_the_next_one(site: World, linked: tuple[str, str]) -> None:
    person, token = linked
    site.submit(person, "held", not_before="2026-11-24T05:00:00Z")
    assert visit(site, "GET", token)["statusCode"] == 200
    assert visit(site, "POST", token, act="opt_out")["statusCode"] == 303
    (opt_out,) = [event for event in site.ledger(person) if event["type"] == "opt_out"]
    assert opt_out["details"]["message"] == "promotion"
    assert opt_out["details"]["campaign"] == "november"
    assert "opted_out" in site.submit(person, "next").reasons
    site.live(2 * 86_400, sweep_every=3600)
    assert site.status("held") == "denied"
    kinds = [sent.reference for sent in site.sms.sent if f"~{Kind.CONFIRMATION}~" in sent.reference]
    assert kinds == []  # the page said it


def test_a_stop_on_the_page_waits_for_an_open_permit(site: World, linked: tuple[str, str]) -> None:
    person, token = linked
    site.clock.sleep(90_000)
    assert site.submit(person, "second").body["verdict"] == "allow"

    def watch(call: Call, go: Callable[[Any], Any]) -> Any:
        if call.name == "send_text_message":
            assert visit(site, "POST", token, act="opt_out")["statusCode"] == 303
        return go(call.request)

    site.drain(site.watched(watch))
    (opt_out,) = [event for event in site.ledger(person) if event["type"] == "opt_out"]
    assert opt_out["silent_from"] > opt_out["given_at"]


def test_presses_at_the_same_time_are_one(site: World, linked: tuple[str, str]) -> None:
    person, token = linked
    gate = threading.Barrier(6)
    answers: list[int] = []

    def press() -> None:
        gate.wait()
        answers.append(visit(site, "POST", token, act="opt_out")["statusCode"])

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303] * 6
    assert [event["type"] for event in site.ledger(person)].count("opt_out") == 1


def test_a_repeat_has_the_same_link_and_a_refused_message_opens_no_page(site: World) -> None:
    person = site.person()
    site.agrees(person)
    site.clock.at = DAY
    bodies = [site.submit(person, "again", text=PLAIN, append_opt_out=True).body for _ in range(2)]
    assert bodies[0] == bodies[1]
    assert len(site.items(site.rt.pages_table)) == 1
    stranger = site.person()
    assert site.submit(stranger, "cold", text=PLAIN, append_opt_out=True).body["verdict"] == "deny"
    assert len(site.items(site.rt.pages_table)) == 1
    site.drain()


def test_a_page_knows_no_number(site: World, linked: tuple[str, str]) -> None:
    person, token = linked
    stored = repr(site.items(site.rt.pages_table))
    assert person[-8:] not in stored
    assert token not in stored
    assert person[-8:] not in visit(site, "GET", token)["body"]


def test_a_batch_and_a_check_take_it_too(site: World) -> None:
    person = site.person()
    site.agrees(person)
    site.clock.at = DAY
    message = site.message(person, "one", text=PLAIN, append_opt_out=True)
    said = site.call("POST /v1/check", message)
    assert (said.body["verdict"], said.body["opt_out"]["by"]) == ("allow", "link")
    assert site.items(site.rt.pages_table) == []
    answer = site.call("POST /v1/messages/batch", {"messages": [message]}).body["results"][0]["body"]
    assert answer["opt_out"] == said.body["opt_out"]
    site.drain()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"text": None, "template": {"id": "t"}}, ("append_opt_out", "inconsistent")),
        ({"channel": "whatsapp"}, ("append_opt_out", "inconsistent")),
    ],
)
def test_only_the_text_of_an_sms_is_added_to(
    here: World, fields: dict[str, Any], error: tuple[str, str]
) -> None:
    said = here.submit(here.person(), "x", append_opt_out=True, **fields)
    assert (said.status, said.codes) == (422, [error])


def checked(world: World, person: str, channel: str, purpose: str = "marketing", **fields: Any) -> Said:
    body = {"brand": "shopx", "to": person, "channel": channel, "purpose": purpose, **fields}
    return world.call("POST /v1/check", body)


def test_a_preference_is_answered_and_never_sent(site: World, linked: tuple[str, str]) -> None:
    person, token = linked
    assert checked(site, person, "email").reasons == {"no_consent"}
    assert checked(site, person, "email", "announcement").body["verdict"] == "allow"
    seq = site.show(person)["ledger"]["events"]
    wanted = ["email:marketing", "email:transactional", "sms:marketing", "push:announcement"]
    assert visit(site, "POST", token, act="preferences", seq=seq)["statusCode"] == 303  # everything off
    assert checked(site, person, "email", "announcement").reasons == {"opted_out"}
    assert site.submit(person, "refused").reasons >= {"opted_out"}
    site.clock.sleep(1)
    seq = site.show(person)["ledger"]["events"]
    event = urlencode({"act": "preferences", "seq": seq, "on": wanted}, doseq=True)
    page.answer(site.rt, {**_event(token), "body": event})
    assert checked(site, person, "email").body["verdict"] == "allow"
    assert checked(site, person, "push", "announcement").body["verdict"] == "allow"
    assert checked(site, person, "push").reasons == {"no_consent"}
    assert (
        checked(site, person, "email", "transactional", basis={"transaction": "1"}).body["verdict"] == "allow"
    )
    site.say(person, "STOP")
    assert checked(site, person, "email").reasons == {"opted_out"}
    said = site.submit(person, "mail", channel="email")
    assert (said.status, said.codes) == (422, [("channel", "inconsistent")])
    site.drain()


def test_what_is_sent_needs_its_sender_to_be_checked(here: World) -> None:
    said = checked(here, here.person(), "sms", text=PLAIN)
    assert (said.status, said.codes) == (422, [("sender", "missing")])


def _event(token: str) -> dict[str, Any]:
    return {
        "routeKey": "POST /p/{token}",
        "pathParameters": {"token": token},
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    }
