"""When does a message leave, and when not? Windows, tickets, caps, cancellation and pace."""

from __future__ import annotations

from datetime import timedelta

from izin.aws import queue

from tests.handlers.world import DAY, MORNING, NIGHT, World


def test_what_is_held_leaves_once_when_its_window_opens(here: World) -> None:
    person = here.person()
    here.agrees(person)
    said = here.submit(person, "promotion")
    assert (said.body["verdict"], said.body["until"]) == ("defer", "2026-11-23T01:00:00Z")
    here.clock.at = MORNING - timedelta(minutes=3)
    here.live(300, sweep_every=60)
    assert len(here.sent("promotion")) == 1
    sent = here.sent("promotion")[0]
    assert (sent.type, sent.at >= MORNING) == ("PROMOTIONAL", True)
    assert sent.ttl == int((MORNING + timedelta(hours=10) - sent.at).total_seconds())


def test_tickets_may_come_twice_and_late(here: World) -> None:
    person = here.person()
    here.submit(person, "code", "authentication")
    (ticket,) = here.pull()
    for _ in range(3):
        here.dispatch(ticket)
    here.clock.sleep(3600)
    here.dispatch(ticket)
    assert len(here.sent("code")) == 1


def test_a_code_that_nobody_handed_over_in_time_expires(here: World) -> None:
    person = here.person()
    here.submit(person, "code", "authentication")
    (ticket,) = here.pull()
    here.clock.sleep(601)
    here.dispatch(ticket)
    assert here.status("code") == "expired"


def test_a_ticket_for_a_message_that_is_not_due_yet_waits(here: World) -> None:
    person = here.person()
    not_before = (NIGHT + timedelta(minutes=10)).isoformat()
    said = here.submit(person, "code", "authentication", not_before=not_before)
    assert (said.body["status"], said.body["due"]) == ("held", "2026-11-22T16:40:00Z")
    ticket = queue.Ticket("shopx#code", here.id_of(person), "shopx-id-1")
    here.dispatch(ticket.body())
    assert here.sms.sent == []
    here.live(660)
    assert len(here.sent("code")) == 1


def test_a_ticket_that_the_queue_lost_is_found_by_the_sweep(here: World) -> None:
    person = here.person()
    here.submit(
        person, "order", "transactional", text="ShopX: pesanan Anda dikirim", basis={"transaction": "1"}
    )
    assert len(here.pull()) == 1  # and nobody works on it
    here.live(420)
    assert len(here.sent("order")) == 1


def test_the_cap_holds_the_second_promotion_back(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.clock.at = DAY
    for message_id in ("one", "two"):
        here.submit(person, message_id)
    here.live(60)
    assert sorted([here.status("one"), here.status("two")]) == ["held", "sent"]


def test_a_held_message_can_be_cancelled_and_one_on_its_way_cannot(here: World) -> None:
    person = here.person()
    here.agrees(person)
    here.submit(person, "promotion")
    here.submit(person, "code", "authentication")
    here.drain()
    first, again = (here.call("DELETE /v1/messages/{id}", path={"id": "promotion"}) for _ in range(2))
    assert (first.status, first.body["status"]) == (200, "cancelled")
    assert again.body == first.body
    late = here.call("DELETE /v1/messages/{id}", path={"id": "code"})
    assert (late.status, late.codes) == (409, [("id", "not_waiting")])
    here.clock.at = DAY
    here.live(120)
    assert here.sent("promotion") == []


def test_one_senders_backlog_is_paced(here: World) -> None:
    here.register(rate=1)
    people = [here.person() for _ in range(4)]
    for number, person in enumerate(people):
        here.submit(
            person,
            f"order-{number}",
            "transactional",
            text="ShopX: pesanan Anda dikirim",
            basis={"transaction": str(number)},
            not_before=MORNING.isoformat(),
        )
    here.clock.at = DAY
    here.live(30, sweep_every=10)
    times = sorted(sent.at for sent in here.sms.sent)
    assert len(times) == 4
    assert times[-1] - times[0] >= timedelta(seconds=3)
