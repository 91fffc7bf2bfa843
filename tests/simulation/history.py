"""What surrounds the handlers? Schedules, queues, carriers' notifications, and callers that ask again.

A history begins from a prepared stock of brands, senders and people, most of whom have agreed. When
the last act of its script is done nothing new goes wrong, and time runs on until nothing is left to do.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import dispatch
import gate
import inbound
import receipts
import release
from izin.aws import http, queue
from izin.aws.runtime import Runtime

from tests.simulation import packs
from tests.simulation.cast import BRANDS, PEOPLE, Brand, Person
from tests.simulation.faults import Fault
from tests.simulation.record import Record, Yes
from tests.simulation.seen import SECOND
from tests.simulation.stock import PREPARED_AT, reply, request, stock
from tests.simulation.world import Hostility, World, envelope

MINUTE = 60 * SECOND
_VISIBILITY = 360.0  # seconds until a queue offers again what nobody finished
_RECEIVES = 10
_QUIET_AFTER = 25 * MINUTE  # from the last act on; everything of a fault has come out by then


class History:
    """One history: the people and brands in it, its world, and what is known of it from outside.

    `known_to` are the brands that everybody has agreed with before it begins.
    """

    def __init__(
        self,
        seed: int,
        rng: random.Random,
        start: datetime,
        people: tuple[Person, ...],
        known_to: tuple[Brand, ...],
        brands: tuple[Brand, ...],
        hostility: Hostility,
        rate: float,
        favourites: frozenset[Fault],
    ) -> None:
        self.rng = rng
        self.people, self.known_to, self.brands = people, known_to, brands
        self.world = World(rng, start, stock(known_to).copy(), hostility, rate, favourites)
        self.world.on_ticket = self._ticket
        self.world.on_taken = self._receipts
        packs.deploy(lambda: self.world.later)
        prepared = frozenset(pk for pk, _ in self.world.database.items["messages"])
        self.record = Record(seed, self.world, prepared)
        self.numbered = 0
        self.later = False
        self._newest: dict[tuple[str, ...], int] = {}
        for brand in known_to:
            for person in PEOPLE:
                at = PREPARED_AT + timedelta(minutes=1)
                yes = Yes("stock", brand, person, at, brand.asks(person), True, ("marketing",), at)
                self.record.yeses.append(yes)

    def run(self, last_act: int) -> None:
        """Let everything happen that the script put on the agenda, to its end."""
        world = self.world
        world.at(last_act + _QUIET_AFTER, world.faults.cease)
        world.at(MINUTE - _into_minute(world.start), self._minute)
        world.run()

    # Sweeps.

    def _minute(self) -> None:
        """The schedule fires. A sweep that would find nothing is not run: it changes nothing."""
        world, faults = self.world, self.world.faults
        wakes = self._earliest_wake()
        if wakes is not None and wakes <= world.time + 2 * MINUTE + SECOND:
            if faults.sometimes(Fault.SWEEP_LATE, 2.0):
                world.after(self.rng.random() * 59, self._sweep)
            elif not faults.sometimes(Fault.SWEEP_MISSED, 2.0):
                self._sweep()
            if faults.sometimes(Fault.SWEEPS_OVERLAP, 3.0):
                world.after(self.rng.random() * 2, self._sweep)
        pending = world.next_at
        if wakes is None and pending is None and not self._anything_left():
            self._finish()
            return
        following = world.time + MINUTE
        if pending is None and wakes is not None:
            following = max(following, wakes - 2 * MINUTE)
        elif pending is not None and (wakes is None or wakes > pending):
            following = max(following, min(pending, wakes or pending))
        if following > 9 * 24 * 60 * MINUTE:
            return  # it never comes to rest: the oracle will say what is left
        off = (following + _into_minute(world.start)) % MINUTE
        world.at(following + (MINUTE - off if off else 0), self._minute)

    def _anything_left(self) -> bool:
        return self._earliest_wake() is not None

    def _earliest_wake(self) -> int | None:
        wakes = [
            item["wake_at"]["S"]
            for table in ("messages", "state")
            for item in self.world.database.items[table].values()
            if "wake_at" in item
        ]
        return self.world.since_start(datetime.fromisoformat(min(wakes))) if wakes else None

    def _sweep(self) -> None:
        self.world.spawn("release", release.release, timeout=60, done=lambda answer, error: None)

    def _finish(self) -> None:
        """Ask the gate about everybody, with nothing under way any more."""
        self.record.quiet = True
        for person in self.people:
            for brand in BRANDS:
                body = self.body(person, brand, "marketing")
                del body["id"]
                self.ask("check", gate.check, request(body), partial(self._probed, brand, person), tries=1)

    def _probed(self, brand: Brand, person: Person, answer: dict[str, Any]) -> None:
        self.record.probes.append((brand, person, answer))

    # Queues.

    def _again(
        self, twice: Fault, error: BaseException | None, receives: int, act: Callable[[], None]
    ) -> None:
        """What a queue does with what was not finished, and now and then with what was."""
        finished = error is None
        offered_again = self.world.faults.sometimes(twice, 0.5) if finished else receives < _RECEIVES
        if offered_again:
            self.world.after(_VISIBILITY, act)

    def _note_order(self, overtaken: Fault, number: int, *among: str) -> None:
        """Count what comes for the first time after something that was sent later."""
        newest = self._newest.get(among, -1)
        if number < newest:
            self.world.faults.now(overtaken)
        self._newest[among] = max(number, newest)

    def _ticket(self, body: str, delay: int) -> None:
        late = delay + self.rng.random() * self.world.slowness / SECOND
        if self.world.faults.sometimes(Fault.TICKET_LATE, 2.0):
            late += self.rng.random() * self.rng.choice((3.0, 60.0, 400.0))
        sent = self.world.time
        self.world.after(late, partial(self._dispatch, body, 1, sent))
        if self.world.faults.sometimes(Fault.TICKET_TWICE, 3.0):
            self.world.after(late + self.rng.random() * 2, partial(self._dispatch, body, 1, sent))

    def _dispatch(self, body: str, receives: int, sent: int) -> None:
        if receives == 1:
            self._note_order(Fault.TICKET_OVERTAKEN, sent, "tickets")

        def done(_answer: Any, error: BaseException | None) -> None:
            again = partial(self._dispatch, body, receives + 1, sent)
            self._again(Fault.TICKET_TWICE, error, receives, again)

        self.world.spawn(
            "dispatch", lambda rt: dispatch.dispatch_or_later(rt, queue.ticket(body)), timeout=60, done=done
        )

    def _receipts(self, reference: str, carrier_ref: str) -> None:
        rng = self.rng
        for number, event in enumerate(
            rng.choice(((), ("TEXT_SENT", "TEXT_DELIVERED"), ("TEXT_DELIVERED",), ("TEXT_BLOCKED",)))
        ):
            delay = rng.random() * 10
            if self.world.faults.sometimes(Fault.RECEIPT_EARLY, 3.0):
                delay = 0.0
            receipt: dict[str, Any] = {
                "eventType": event,
                "messageId": carrier_ref,
                "eventTimestamp": 1_795_000_000_000,
            }
            if rng.random() < 0.5:
                receipt["context"] = {"message": reference}
            body = envelope(receipt, f"{carrier_ref}-{event}", self.world.instant())
            act = partial(self._receipt, body, 1, number, carrier_ref)
            self.world.after(delay, act)
            if self.world.faults.sometimes(Fault.RECEIPT_TWICE, 2.0):
                self.world.after(delay + rng.random() * 5, act)

    def _receipt(self, body: str, receives: int, number: int, carrier_ref: str) -> None:
        if receives == 1:
            self._note_order(Fault.RECEIPT_OVERTAKEN, number, "receipts", carrier_ref)

        def done(_answer: Any, error: BaseException | None) -> None:
            again = partial(self._receipt, body, receives + 1, number, carrier_ref)
            self._again(Fault.RECEIPT_TWICE, error, receives, again)

        self.world.spawn("receipts", lambda rt: receipts.receive(rt, body, receives), timeout=60, done=done)

    def say(self, person: Person, brand: Brand, text: str) -> str:
        """The person replies; the carrier tells us, late, twice, or both. The id of what they said."""
        rng, at = self.rng, millisecond(self.world.instant())
        message_id = self.new_id("in")
        self.world.say(person.country, f"says {text!r} to {brand.id} ({message_id})")
        body = reply(brand, person, text, message_id, at)
        delay = rng.random() * self.world.slowness / SECOND
        if self.world.faults.sometimes(Fault.REPLY_LATE, 3.0):
            delay += rng.random() * rng.choice((2, 30, 400, 2000))
        deliver = partial(self._deliver, body, message_id, 1, person, self.world.time)
        self.world.after(delay, deliver)
        if self.world.faults.sometimes(Fault.REPLY_TWICE, 3.0):
            self.world.after(delay + rng.random() * rng.choice((0.1, 3, 300)), deliver)
        return f"in-{message_id}"

    def _deliver(self, body: str, message_id: str, receives: int, person: Person, said: int) -> None:
        if (
            self.record.first_delivery.setdefault(f"in-{message_id}", self.world.instant())
            == self.world.instant()
        ):
            self._note_order(Fault.REPLY_OVERTAKEN, said, "replies", person.number)

        def done(_answer: Any, error: BaseException | None) -> None:
            again = partial(self._deliver, body, message_id, receives + 1, person, said)
            self._again(Fault.REPLY_TWICE, error, receives, again)

        self.world.spawn(f"inbound {message_id}", lambda rt: inbound.receive(rt, body), timeout=60, done=done)

    # Callers of the API.

    def ask(
        self,
        name: str,
        act: Callable[[Runtime, Any], Any],
        event: dict[str, Any],
        done: Callable[[dict[str, Any]], None],
        tries: int = 5,
    ) -> None:
        """One request; a caller that gets no answer, or a 500, tries again."""

        def answered(answer: Any, error: BaseException | None) -> None:
            if error is None and answer["statusCode"] < 500:
                done({**json.loads(answer["body"]), "http": answer["statusCode"]})
            elif tries > 1:
                wait = 1 + self.rng.random() * self.rng.choice((1, 5, 60))
                self.world.after(wait, partial(self.ask, name, act, event, done, tries - 1))

        logger = gate.logger
        self.world.spawn(
            name, lambda rt: http.respond(logger, partial(act, rt, event)), timeout=10, done=answered
        )

    def perhaps_twice(self, ask: Callable[[], None]) -> None:
        """Have `ask` done, and now and then again, while the first is under way or after."""
        ask()
        if self.world.faults.sometimes(Fault.REPEATED_REQUEST, 2.0):
            self.world.after(self.rng.random() * self.rng.choice((0.1, 2, 30)), ask)

    def new_id(self, prefix: str) -> str:
        """An id that nobody has used."""
        self.numbered += 1
        return f"{prefix}-{self.numbered}"

    def body(self, person: Person, brand: Brand, purpose: str) -> dict[str, Any]:
        """What an app says of a message."""
        texts = {"marketing": f"{brand.name}: {person.promotion}", "authentication": "123456"}
        return {
            "id": self.new_id("m"),
            "brand": brand.id,
            "sender": brand.sender(person),
            "to": person.number,
            "channel": "sms",
            "purpose": purpose,
            "text": texts.get(purpose, f"{brand.name}: order 123"),
            "language": person.language,
        }


def _into_minute(start: datetime) -> int:
    return start.second * SECOND + start.microsecond


def millisecond(instant: datetime) -> datetime:
    """`instant` as people's clocks and carriers tell it."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
