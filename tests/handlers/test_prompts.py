"""Is an opt-out counted against the message that it followed?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import inbound
import pytest

from tests.handlers.calls import Call, Request, throttled
from tests.handlers.fake_sms import OPTED_OUT
from tests.handlers.world import DAY, World

TEMPLATE = {
    "brand": "shopx",
    "channel": "sms",
    "purpose": "marketing",
    "language": "id",
    "text": "ShopX: diskon {{1}}% s.d. 30 Nov. Balas STOP untuk berhenti",
}


@pytest.fixture
def sent(here: World) -> tuple[str, str]:
    """Somebody who got a promotion of a campaign, made from a template; and the carrier's reference of it."""
    person = here.person()
    here.call("PUT /v1/templates/{id}", TEMPLATE, path={"id": "sale"}, brand="*")
    here.agrees(person)
    here.clock.at = DAY
    message = {"text": None, "template": {"id": "sale", "variables": ["20"]}, "campaign": "november"}
    assert here.submit(person, "promo-1", **message).body["verdict"] == "allow"
    here.drain()
    (item,) = [item for item in here.items(here.rt.messages_table) if item["id"] == "promo-1"]
    return person, item["carrier_ref"]


def opt_out(here: World, person: str) -> dict[str, Any]:
    (event,) = [event for event in here.ledger(person) if event["type"] == "opt_out"]
    return dict(event.get("details", {}))


def test_a_reply_is_counted_against_its_message(here: World, sent: tuple[str, str]) -> None:
    person, ref = sent
    here.clock.sleep(60)
    inbound.receive(here.rt, here.reply(person, "STOP", previousPublishedMessageId=ref))
    assert opt_out(here, person) == {
        "message": "promo-1",
        "template": "sale",
        "campaign": "november",
        "sender": "shopx-id-1",
        "country": "ID",
    }


def test_a_reply_to_nothing_known_is_counted_against_its_sender(here: World, sent: tuple[str, str]) -> None:
    _, ref = sent
    other = here.person()
    for reference in (ref, "nobody-knows-it", 7, "", None):
        person = other if reference == ref else here.person()
        body = here.reply(person, "STOP", previousPublishedMessageId=reference)
        inbound.receive(here.rt, body)
        assert opt_out(here, person) == {"sender": "shopx-id-1", "country": "ID"}, reference


def test_an_opt_out_does_not_wait_for_its_message(here: World, sent: tuple[str, str]) -> None:
    person, ref = sent

    def busy(call: Call, go: Callable[[Request], Any]) -> Any:
        if call.name == "query":
            raise throttled(call)
        return go(call.request)

    rt = here.watched(busy)
    inbound.receive(rt, here.reply(person, "STOP", previousPublishedMessageId=ref))
    assert opt_out(here, person) == {"sender": "shopx-id-1", "country": "ID"}


def test_an_opt_out_that_an_app_tells_is_counted_by_country(here: World) -> None:
    person = here.person()
    here.opt_out(person)
    assert opt_out(here, person) == {"country": "ID"}


def test_what_the_carrier_says_is_counted_against_the_message(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.at = DAY
    here.sms.plan.append(OPTED_OUT)
    here.submit(person, "promo-2", campaign="november")
    here.drain()
    details = opt_out(here, person)
    assert details == {"message": "promo-2", "campaign": "november", "sender": "shopx-id-1", "country": "ID"}
