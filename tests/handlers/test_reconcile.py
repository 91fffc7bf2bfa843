"""The provider's opt-out lists and the ledgers come to say the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import reconcile

from tests.handlers.fake_sms import THROTTLES, refuses
from tests.handlers.world import DAY, World

PUT, DELETE = "PutOptedOutNumber", "DeleteOptedOutNumber"


@pytest.fixture
def listing(here: World) -> World:
    """A brand whose sender sends nothing but marketing and has an opt-out list."""
    here.clock.at = DAY
    here.register(double_opt_in=False, opt_out_list="shopx-list", marketing_only=True)
    return here


def round_(here: World, seconds: float = 200) -> dict[str, int]:
    return reconcile.reconcile(here.rt, here.rt.now() + timedelta(seconds=seconds))


def pass_(here: World, minutes: float = 61) -> dict[str, int]:
    """A round of its own, after the last one's rest."""
    here.live(minutes * 60)
    return round_(here)


def told(here: World, person: str) -> list[tuple[str, str]]:
    return [(event["type"], event["source"]) for event in here.ledger(person)]


def test_what_the_provider_blocked_becomes_an_event(listing: World) -> None:
    person = listing.person()
    listing.sms.list("shopx-list", person, DAY - timedelta(days=3), by_person=True)
    assert round_(listing)["recorded"] == 1
    (event,) = listing.ledger(person)
    assert (event["type"], event["source"], event["by_person"]) == ("opt_out", "provider", True)
    assert event["given_at"].startswith("2026-11-20T01:10")
    assert event["details"] == {"country": "ID"}
    assert listing.submit(person, "promo-1").reasons >= {"opted_out"}
    assert pass_(listing)["listed"] == 1  # where it was already
    assert pass_(listing) == {"listed": 0, "recorded": 0, "taken": 0, "troubled": 0}
    assert listing.confirmations(person) == []


def test_a_list_is_read_page_by_page_and_goes_on_where_it_ended(listing: World) -> None:
    people = sorted(listing.person() for _ in range(5))
    for person in people:
        listing.sms.list("shopx-list", person, DAY, by_person=True)
    assert round_(listing, 0.5)["recorded"] == 2  # the pause after a page is all the time there was
    assert round_(listing, 0.5)["recorded"] == 2
    assert round_(listing)["recorded"] == 1
    assert round_(listing)["recorded"] == 0
    assert all(told(listing, person) == [("opt_out", "provider")] for person in people)


def test_a_page_that_leads_nowhere_begins_the_list_again(listing: World) -> None:
    for _ in range(3):
        listing.sms.list("shopx-list", listing.person(), DAY, by_person=True)
    assert round_(listing, 0.5)["recorded"] == 2
    listing.sms.plan.append(refuses("ValidationException"))
    assert round_(listing) == {"listed": 0, "recorded": 1, "taken": 0, "troubled": 0}


def test_what_the_provider_cannot_say_now_waits_for_the_next_round(listing: World) -> None:
    person = listing.person()
    listing.sms.list("shopx-list", person, DAY, by_person=True)
    listing.sms.plan += [refuses("AccessDeniedException")]
    assert round_(listing)["troubled"] == 1
    assert round_(listing)["recorded"] == 1


def test_who_told_us_is_put_on_the_list_after_the_confirmation_left(listing: World) -> None:
    person = listing.person()
    assert listing.consent(person).status == 200
    listing.say(person, "STOP")
    listing.drain()
    (confirmation,) = listing.confirmations(person)
    listing.live(130)
    assert round_(listing)["listed"] == 0
    listing.live(600)
    assert round_(listing)["listed"] == 1
    assert listing.sms.kept == [(PUT, person)]
    assert listing.rt.now() - confirmation.at > timedelta(minutes=5)
    assert pass_(listing) == {"listed": 0, "recorded": 0, "taken": 0, "troubled": 0}


def test_an_opt_out_from_an_agent_reaches_the_list_too(listing: World) -> None:
    person = listing.person()
    listing.opt_out(person)
    listing.live(900)
    assert round_(listing)["listed"] == 1


def test_who_came_back_is_not_put_there_or_is_taken_off(listing: World) -> None:
    early, late = listing.person(), listing.person()
    for person in (early, late):
        listing.consent(person)
        listing.clock.sleep(1)
        listing.say(person, "STOP")
    listing.clock.sleep(60)
    listing.say(early, "START")
    listing.live(900)
    assert round_(listing)["listed"] == 1
    listing.say(late, "START")
    assert pass_(listing)["taken"] == 1
    assert listing.sms.kept == [(PUT, late), (DELETE, late)]
    assert listing.submit(late, "promo-1").body["verdict"] == "allow"


def test_who_the_provider_does_not_let_go_stays_and_is_asked_for_again(listing: World) -> None:
    person = listing.person()
    listing.consent(person)
    listing.sms.list("shopx-list", person, DAY, by_person=True)
    round_(listing)
    listing.clock.sleep(60)
    listing.say(person, "START")
    listing.live(3700)
    page = [{"OptedOutNumber": person, **listing.sms.lists["shopx-list"][person]}]
    listing.sms.plan += [
        refuses("x", 200, OptedOutNumbers=page),
        refuses("ConflictException"),
    ]
    assert round_(listing) == {"listed": 0, "recorded": 0, "taken": 0, "troubled": 0}
    assert pass_(listing)["taken"] == 1


def test_a_sender_that_sends_more_than_marketing_has_nobody_put_on_its_list(here: World) -> None:
    here.clock.at = DAY
    here.register(opt_out_list="shopx-list")
    person = here.person()
    here.opt_out(person)
    here.live(900)
    assert round_(here)["listed"] == 0
    here.sms.list("shopx-list", here.person(), DAY, by_person=True)
    assert pass_(here)["recorded"] == 1


def test_a_brand_without_lists_costs_nothing(here: World) -> None:
    here.opt_out(here.person())
    here.live(900)
    assert round_(here) == {"listed": 0, "recorded": 0, "taken": 0, "troubled": 0}
    assert here.sms.kept == []


def test_two_rounds_at_once_do_the_same_work_twice_and_no_harm(listing: World) -> None:
    person, other = listing.person(), listing.person()
    listing.sms.list("shopx-list", person, DAY, by_person=True)
    listing.opt_out(other)
    listing.live(900)
    first = round_(listing)
    listing.rt.cache.clear()
    again: list[Any] = [round_(listing) for _ in range(2)]
    assert (first["recorded"], first["listed"]) == (1, 1)
    assert all(not any(found.values()) for found in again)
    assert len(listing.ledger(person)) == 1


def test_a_carrier_that_confirms_stop_itself_is_not_helped(here: World) -> None:
    here.register(carrier_confirms_stop=True)
    person = here.person()
    here.say(person, "STOP")
    here.live(60)
    assert told(here, person) == [("opt_out", "reply")]
    assert here.confirmations(person) == []


def test_throttled_once_is_asked_again(listing: World) -> None:
    person = listing.person()
    listing.opt_out(person)
    listing.live(900)
    listing.sms.plan.append(THROTTLES)
    assert round_(listing)["troubled"] == 1
    assert round_(listing)["listed"] == 1
