"""Threads on an emulator that serializes: what workers do to one person at the same time.

The clock is the real one, moved into the day; the carrier notes when each call reached it. Back-offs are
slept. A lost turn goes back to the queue, as it would on AWS.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dispatch
import inbound
import pytest
import whatsapp
from izin.aws import aliases, queue
from izin.aws.ledger import Contention
from izin.domain.consent import PERMIT

from tests.handlers import test_whatsapp as chat
from tests.handlers.conftest import MakeWorld
from tests.handlers.invariants import left, violations
from tests.handlers.world import MORNING, Said, Shifted, World

WORKERS = 16


@pytest.fixture
def day(make_world: MakeWorld) -> World:
    """A world that lives in real time, from ten past eight in the morning on."""
    world, clock = make_world(), Shifted(MORNING + timedelta(minutes=10))
    world.rt = replace(world.rt, now=clock.now, sleep=time.sleep, jitter=random.random)
    world.rt.sqs._now = clock.now
    world.sms.now = clock.now
    world.register(double_opt_in=False)
    return world


def together(tasks: list[Callable[[], Any]], workers: int) -> list[Any]:
    """All tasks at once, as far as there are workers. Answers in order."""
    start = threading.Barrier(min(workers, len(tasks)))

    def run(numbered: tuple[int, Callable[[], Any]]) -> Any:
        number, task = numbered
        if number < start.parties:
            start.wait(timeout=10)
        return task()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, enumerate(tasks)))


def handed(world: World, message_id: str, person: str, lost: Counter[str]) -> Callable[[], None]:
    """A worker that dispatches a message, and is given it again when it found no turn."""
    ticket = queue.Ticket(f"shopx#{message_id}", world.id_of(person), "shopx-id-1")

    def work() -> None:
        for _ in range(20):
            try:
                return dispatch.dispatch(world.rt, ticket)
            except Contention:
                lost["turns"] += 1
        raise AssertionError("no turn in twenty deliveries")

    return work


def test_fifty_codes_and_one_stop(day: World) -> None:
    person = day.person()
    assert day.consent(person, sender=None).body["status"] == "granted"
    codes = [f"code-{number}" for number in range(50)]
    for code in codes:
        assert day.submit(person, code, "authentication").status == 202
    lost: Counter[str] = Counter()
    stop = day.reply(person, "STOP", "stop")
    tasks: list[Callable[[], Any]] = [handed(day, code, person, lost) for code in codes]
    tasks.insert(8, lambda: inbound.receive(day.rt, stop))
    began = time.monotonic()
    together(tasks, WORKERS)
    assert time.monotonic() - began < 30

    sent = Counter(call.reference for call in day.sms.sent)
    assert {f"shopx#{code}" for code in codes} <= set(sent)
    (answer,) = [message for message in left(day).stored.values() if message.message.kind == "confirmation"]
    handed(day, answer.id, person, lost)()
    assert len(day.confirmations(person)) == 1
    assert set(Counter(call.reference for call in day.sms.sent).values()) == {1}
    (opt_out,) = [event for event in left(day).events("shopx", day.id_of(person)) if event.scope]
    assert opt_out.silent_from == opt_out.recorded_at  # nothing that it covers was under way
    assert violations(day) == []


def test_one_promotion_a_day_whoever_is_first(day: World) -> None:
    people = [day.person() for _ in range(4)]
    lost: Counter[str] = Counter()
    tasks = []
    for person in people:
        assert day.consent(person, sender=None).body["status"] == "granted"
        for number in range(WORKERS // 2):
            message_id = f"promotion-{person[-2:]}-{number}"
            assert day.submit(person, message_id).status == 202
            tasks.append(handed(day, message_id, person, lost))
    random.Random(7).shuffle(tasks)
    together(tasks, WORKERS)
    assert Counter(call.to for call in day.sms.sent) == dict.fromkeys(people, 1)
    held = [message for message in left(day).stored.values() if str(message.status) == "held"]
    assert len(held) == len(tasks) - len(people)
    assert violations(day) == []


def test_one_message_whoever_submits_it(day: World) -> None:
    person = day.person()
    body = day.message(person, "once", "authentication")
    answers: list[Said] = together([lambda: day.call("POST /v1/messages", body)] * WORKERS, WORKERS)
    assert {said.status for said in answers} == {202}
    assert len({said.text for said in answers}) == 1
    assert len(day.messages()) == len(day.items(day.rt.keys_table)) == 1
    day.drain()
    assert len(day.sms.sent) == 1


def test_one_of_many_bodies_wins_an_id(day: World) -> None:
    person = day.person()
    bodies = [day.message(person, "once", "authentication", text=f"ShopX: kode {n}00{n}") for n in range(8)]
    answers: list[Said] = together(
        [lambda body=body: day.call("POST /v1/messages", body) for body in bodies],
        8,  # type: ignore[misc]
    )
    assert sorted(said.status for said in answers) == [202, *[409] * 7]
    day.drain()
    assert len(day.sms.sent) == 1


def test_nothing_leaves_once_an_opt_out_has_been_acknowledged(day: World) -> None:
    """Dispatch of two messages against a STOP or an opt-out by the API, person after person."""
    silent: dict[str, datetime] = {}
    lost: Counter[str] = Counter()
    tasks: list[Callable[[], Any]] = []
    chance = random.Random(11)

    def opts_out(person: str, by_api: bool, wait: float) -> Callable[[], None]:
        def act() -> None:
            time.sleep(wait)
            if by_api:
                said = day.opt_out(person)
                silent[person] = datetime.fromisoformat(said.body["silent_from"])
            else:
                day.say(person, "STOP", f"stop-{person}")

        return act

    for number in range(24):
        person = day.person()
        assert day.consent(person, sender=None).body["status"] == "granted"
        basis = {"basis": {"transaction": "1"}, "text": "ShopX: pesanan Anda dikirim"}
        day.submit(person, f"promotion-{number}")
        day.submit(person, f"order-{number}", "transactional", **basis)
        tasks += [
            handed(day, f"promotion-{number}", person, lost),
            opts_out(person, number % 2 == 0, chance.random() * 0.03),
            handed(day, f"order-{number}", person, lost),
        ]
    together(tasks, 3)
    assert violations(day) == []
    assert len(silent) == 12
    for person, instant in silent.items():
        assert all(call.at < instant for call in day.sms.sent if call.to == person)
    # Both happen in every run, or it proves nothing: some were first, some were too late.
    orders = [m for m in left(day).stored.values() if m.message.purpose == "transactional" and m.id[0] == "o"]
    assert {str(message.status) for message in orders} == {"sent", "denied"}


def test_a_worker_that_was_away_for_too_long_gives_its_permit_back(day: World) -> None:
    """It claimed, and came to itself after the permit had run out: the carrier is not called."""
    person = day.person()
    assert day.consent(person, sender=None).body["status"] == "granted"
    day.submit(person, "promotion")
    (ticket,) = day.pull()
    slow = _Stopwatch(day.rt.now, away=PERMIT)
    dispatch.dispatch(replace(day.rt, now=slow.now, cache={}), queue.ticket(ticket))
    assert slow.reads >= 2
    assert day.sms.sent == []
    told = day.look_up("promotion")
    assert (told["status"], told["history"][-1]["note"]) == ("due", "given_back")
    assert day.show(person)["recent_sends"] == []


class _Stopwatch:
    """A worker's clock: between its claim and its call it was away."""

    def __init__(self, now: Callable[[], datetime], away: timedelta) -> None:
        self._now, self._away, self.reads = now, away, 0
        self._began = datetime.now(UTC)

    def now(self) -> datetime:
        self.reads += 1
        return self._now() + (self._away if self.reads > 2 else timedelta(0))


def received(world: World, body: str, wait: float) -> Callable[[], None]:
    """A worker that is given a notification after a while, and again when it found no turn."""

    def work() -> None:
        time.sleep(wait)
        for _ in range(20):
            try:
                return whatsapp.receive(world.rt, body, 1)
            except Contention:
                continue
        raise AssertionError("no turn in twenty deliveries")

    return work


def test_no_opt_out_is_lost_while_an_id_is_led_to_a_number(day: World) -> None:
    """STOPs by id alone, against notifications that tell whose it is: repeated, and all at once."""
    chat.open_chat(day)
    chance, people, tasks = random.Random(5), dict[str, str](), list[Callable[[], None]]()
    for number in range(24):
        person, user_id = chat.agrees(day), day.secret(f"ID.99{number}")
        people[person] = user_id
        alone = {"from": None, "from_user_id": user_id}
        if number % 3:  # else the id is seen for the first time by whoever comes first
            whatsapp.receive(day.rt, chat.message(day, "", "Halo", **alone), 1)
        stop = chat.message(day, "", ("STOP", "STOP promo")[number % 2], **alone)
        linking = [chat.message(day, person, "Halo", from_user_id=user_id) for _ in range(2)]
        bodies = [stop, *linking, stop]
        tasks += [received(day, body, chance.random() * 0.04) for body in bodies]
    together(tasks, 4)
    for person, user_id in people.items():
        assert aliases.recipient(day.rt, user_id).recipient_id == day.id_of(person)
        assert chat.granted(day, person) == {"sms": "withdrawn", "whatsapp": "withdrawn"}, person
        assert len(chat.opt_outs(day, person)) == 1
    assert violations(day) == []
    # Both happen in every run, or it proves nothing: some stopped before their number was known, some after.
    sources = {chat.opt_outs(day, person)[0]["source"] for person in people}
    assert sources == {"linked", "reply"}


def test_no_opt_out_is_lost_while_a_number_changes(day: World) -> None:
    """STOPs by the old id, known or not, against notices that the person has another number and id."""
    chat.open_chat(day)
    chance, tasks, news = random.Random(3), list[Callable[[], None]](), dict[str, str]()
    for number in range(24):
        old, new = chat.agrees(day), chat.agrees(day)
        was, now = (day.secret(f"ID.{kind}{number}") for kind in "12")
        news[old] = new
        alone = {"from": None, "from_user_id": was}
        if number % 3:
            seen = alone if number % 2 else {"from_user_id": was}
            whatsapp.receive(day.rt, chat.message(day, old, "Halo", **seen), 1)
        change = {"previous_user_id": was, "user_id": now, "wa_id": new.removeprefix("+")}
        system = {"type": "user_changed_number", **change}
        notices = [chat.message(day, old, "", type="system", system=system) for _ in range(2)]
        stop = chat.message(day, "", "STOP", **alone)
        told = chat.message(day, new, "Halo", from_user_id=now)
        tasks += [received(day, body, chance.random() * 0.04) for body in (stop, *notices, told)]
    together(tasks, 4)
    for old, new in news.items():
        for person in (old, new):
            assert chat.granted(day, person) == {"sms": "withdrawn", "whatsapp": "withdrawn"}
            assert len(chat.opt_outs(day, person)) == 1
    assert violations(day) == []
