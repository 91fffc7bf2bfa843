"""Did every promise hold? Judges a finished history by what left, what was answered, and what is stored.

The oracle shares no rule with the product: windows, caps, what an opt-out covers and what a ledger
means are written here a second time, in the shortest form that fits the people of `history`. Times
are the true ones, which no worker knows. The numbers are those of the invariants in the design.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from izin.domain.consent import Scope

from tests.simulation.cast import BRANDS, HANS, Brand, Person
from tests.simulation.double import all_items
from tests.simulation.faults import Fault
from tests.simulation.record import OptOut, Record, Submitted, Yes
from tests.simulation.reread import CAPS, is_broken, is_open, replayed
from tests.simulation.seen import Call

Item = dict[str, Any]

_VISIBILITY = timedelta(seconds=360)  # until a queue offers again what was not finished
_HANDED_OVER = ("sent", "delivered", "read", "failed", "unknown")
_RUN = timedelta(seconds=61)  # a function's time-out, and its clock's error


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise: which invariant, and what was seen."""

    invariant: int
    what: str


def _items(record: Record, table: str) -> list[Item]:
    return list(all_items(record.world.database, table))


def violations(record: Record) -> Iterator[Violation]:
    """Every broken promise of a history. None has any tolerance."""
    seen = _Seen(record)
    yield from seen.silence()
    yield from seen.heard()
    yield from seen.nothing_lost()
    yield from seen.nothing_twice()
    yield from seen.hours()
    yield from seen.caps()
    yield from seen.slots()
    yield from seen.ledgers()
    yield from seen.confirmations()
    yield from seen.last_word()
    yield from seen.never_without_knowing()


class _Seen:
    """A finished history, read once."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.calls = record.world.calls
        self.messages = {item["pk"]: item for item in _items(record, "messages")}
        self.states = {item["pk"]: item for item in _items(record, "state")}
        self.ledgers_by_pk: dict[str, list[Item]] = {}
        for event in _items(record, "ledger"):
            self.ledgers_by_pk.setdefault(event["pk"], []).append(event)
        for events in self.ledgers_by_pk.values():
            events.sort(key=lambda event: int(event["seq"]))
        self.people = [(brand, person) for brand in BRANDS for person in record_people(record)]
        self.told_by_carrier = [
            OptOut(event["id"], brand, person, Scope.ALL, None, reply=False)
            for brand, person in self.people
            for event in self.ledgers_by_pk.get(f"{brand.id}#{person.id}", [])
            if event["source"] == "carrier"
        ]

    # 1.

    def silence(self) -> Iterator[Violation]:
        """No covered message after the instant that an opt-out's answer or event names."""
        for brand, person in self.people:
            calls = [call for call in self.calls if self._is_to(call, brand, person)]
            if not calls:
                continue
            for opt_out in self._opt_outs(brand, person):
                since = self._silent_from(opt_out, brand, person)
                given_at = self._given_at(opt_out, brand, person)
                if since is None or given_at is None:
                    continue
                for call in calls:
                    if call.at >= since and self._covers(opt_out, call, brand, person, given_at):
                        yield Violation(
                            1,
                            f"{call.reference} reached the carrier at {call.at.time()},"
                            f" {opt_out.event} was silent from {since.time()}",
                        )
                confirmation = self._first_call(
                    f"{brand.id}#~confirmation~{opt_out.person.id}~{opt_out.event}"
                )
                for call in calls:
                    late = confirmation and call.at > confirmation.at
                    if late and self._covers(opt_out, call, brand, person, given_at):
                        yield Violation(1, f"{call.reference} came after {opt_out.event} was confirmed")

    def heard(self) -> Iterator[Violation]:
        """An opt-out names one instant, however often it is asked; and a slow service only delays it.

        A STOP whose deliveries met only throttling and conflicts blocks at one of them; conflicts alone
        cost none. Each delivery that failed before that one cost the queue's visibility time.
        """
        for opt_out in self.record.opt_outs:
            event = self._event(opt_out.event, opt_out.brand, opt_out.person)
            if event is None:  # what that means, `ledgers` judges
                continue
            named = {*opt_out.silent_from, datetime.fromisoformat(event["silent_from"])}
            if len(named) > 1 and not opt_out.everywhere:
                yield Violation(1, f"{opt_out.event} named several instants: {sorted(named)}")
            delivered = self.record.first_delivery.get(opt_out.event)
            if delivered is None:
                continue
            blocked_at = datetime.fromisoformat(event["recorded_at"])
            who = f"inbound {opt_out.event.removeprefix('in-')}@"
            rows = [
                row
                for row in self.record.world.rows
                if row.who.startswith(who) and self.record.world.instant(row.at) < blocked_at
            ]
            met = {row.fault for row in rows if row.fault}
            failed = sum(row.what == "raised" for row in rows)
            if met <= {Fault.CONFLICT, Fault.SLOW} and failed:
                yield Violation(1, f"{opt_out.event} went back to the queue for a conflict")
            late = blocked_at - delivered > _VISIBILITY * failed + _RUN
            if met <= {Fault.CONFLICT, Fault.SLOW, Fault.THROTTLED, Fault.THROTTLED_AFTER} and late:
                yield Violation(1, f"{opt_out.event} blocked {blocked_at - delivered} after it was delivered")

    def _opt_outs(self, brand: Brand, person: Person) -> list[OptOut]:
        known = [*self.record.opt_outs, *self.told_by_carrier]
        return [o for o in known if o.person is person and (o.brand is brand or o.everywhere)]

    def _event(self, event: str, brand: Brand, person: Person) -> Item | None:
        events = self.ledgers_by_pk.get(f"{brand.id}#{person.id}", [])
        return next((item for item in events if item["id"] == event), None)

    def _silent_from(self, opt_out: OptOut, brand: Brand, person: Person) -> datetime | None:
        named = [*opt_out.silent_from]
        event = self._event(opt_out.event, brand, person)
        if event and not opt_out.everywhere:
            named.append(datetime.fromisoformat(event["silent_from"]))
        return min(named, default=None)

    def _given_at(self, opt_out: OptOut, brand: Brand, person: Person) -> datetime | None:
        if opt_out.given_at:
            return opt_out.given_at
        event = self._known(opt_out, brand, person)
        return datetime.fromisoformat(event["given_at"]) if event else None

    def _known(self, opt_out: OptOut, brand: Brand, person: Person) -> Item | None:
        """The event of `opt_out`; where it is for all brands, one that knows nobody yet has none itself."""
        return self._event(opt_out.event, brand, person) or (
            self._event(opt_out.event, opt_out.brand, person) if opt_out.everywhere else None
        )

    def _covers(self, opt_out: OptOut, call: Call, brand: Brand, person: Person, given_at: datetime) -> bool:
        """Whether `opt_out` stops what `call` carried, and the person had not come back since."""
        sent = self.record.submitted.get(call.reference)
        if sent is None:
            return self._covers_answer(opt_out, call, given_at)
        if sent.purpose == "authentication" or (sent.purpose == "transactional" and sent.essential):
            return False
        if opt_out.scope is Scope.MARKETING and sent.purpose != "marketing":
            return False
        yeses = self._yeses(brand, person, call.at)
        return not any(self._ends(yes, opt_out, given_at, sent, call.at) for yes in yeses)

    def _covers_answer(self, opt_out: OptOut, call: Call, given_at: datetime) -> bool:
        """Answers to what the person did later go, and the opt-out's own confirmations."""
        _, _, message_id = call.reference.partition("#")
        _, kind, _, event = message_id.split("~", 3)
        if kind == "confirmation":
            return False
        if kind == "help":
            asked = self.record.help[event]
        else:
            asked = max(
                (when for b, p, when in self.record.requests if p.number == call.to), default=given_at
            )
        brand_wide = opt_out.scope is not Scope.MARKETING or kind != "help"
        return brand_wide and (opt_out.final or asked <= given_at) and not self._came_back(opt_out, given_at)

    def _came_back(self, opt_out: OptOut, given_at: datetime) -> bool:
        return any(
            y.given_at > given_at for y in self.record.yeses if y.person is opt_out.person and y.from_handset
        )

    def _yeses(self, brand: Brand, person: Person, at: datetime | None = None) -> list[Yes]:
        """What may count as a yes, in the end or `at` an instant.

        An answer counts only where a request was open that no opt-out had ended: none that was
        acknowledged by then. One that is still on its way keeps its own promise once it is heard.
        """
        yeses = [y for y in self.record.yeses if y.brand is brand and y.person is person]
        return [y for y in yeses if not y.answers_request or y.event == "stock" or self._was_asked(y, at)]

    def _was_asked(self, yes: Yes, at: datetime | None) -> bool:
        asked = [
            when
            for brand, person, when in self.record.requests
            if brand is yes.brand and person is yes.person and when <= yes.given_at
        ]
        noes = [
            self._given_at(opt_out, yes.brand, yes.person)
            for opt_out in self._opt_outs(yes.brand, yes.person)
            if at is None or self._acknowledged(opt_out, yes.brand, yes.person, at)
        ]
        return any(not any(no and when <= no <= yes.given_at for no in noes) for when in asked)

    def _acknowledged(self, opt_out: OptOut, brand: Brand, person: Person, at: datetime) -> bool:
        since = self._silent_from(opt_out, brand, person)
        return since is not None and since <= at

    @staticmethod
    def _ends(
        yes: Yes, opt_out: OptOut, given_at: datetime, sent: Submitted | None, at: datetime | None
    ) -> bool:
        if yes.given_at <= given_at or (at and yes.said_at and yes.said_at > at):
            return False
        if opt_out.final and not yes.from_handset:
            return False
        return yes.purposes is None or sent is None or sent.purpose in yes.purposes

    def _is_to(self, call: Call, brand: Brand, person: Person) -> bool:
        return call.to == person.number and call.reference.startswith(f"{brand.id}#")

    def _first_call(self, reference: str) -> Call | None:
        return next((call for call in self.calls if call.reference == reference and call.taken), None)

    # 2, 3.

    def nothing_lost(self) -> Iterator[Violation]:
        """Every accepted message is there, has ended, and its end agrees with what left."""
        if not self.record.quiet:
            waiting = {pk: m["status"] for pk, m in self.messages.items() if "wake_at" in m}
            asleep = [pk for pk, item in self.states.items() if "wake_at" in item]
            yield Violation(2, f"it never comes to rest: {waiting} {asleep}")
        for pk in sorted(self.record.accepted - self.messages.keys()):
            yield Violation(2, f"{pk} was accepted and is gone")
        for pk, message in self.messages.items():
            taken = [call for call in self.calls if call.reference == pk and call.taken]
            status = message["status"]
            if status in ("due", "held", "sending") and self.record.quiet:
                yield Violation(2, f"{pk} stays {status}")
            if status in ("sent", "delivered", "read") and not taken and pk not in self.record.prepared:
                yield Violation(2, f"{pk} is {status} and never reached the carrier")
            if status in ("denied", "expired", "cancelled") and taken and not self._may_repeat(pk):
                yield Violation(2, f"{pk} is {status}, and the carrier has it")
        for pk, at in self.record.cancelled.items():
            if any(call.reference == pk and call.taken and call.at > at for call in self.calls):
                yield Violation(2, f"{pk} left after it was cancelled")

    def _may_repeat(self, pk: str) -> bool:
        sent = self.record.submitted.get(pk)
        return bool(sent and sent.brand.repeats and (sent.purpose == "authentication" or sent.essential))

    def nothing_twice(self) -> Iterator[Violation]:
        """The carrier has a message once, unless its sender asked for at least once."""
        counts: dict[str, int] = {}
        for call in self.calls:
            counts[call.reference] = counts.get(call.reference, 0) + call.taken
        for pk, count in counts.items():
            if count > 1 and not self._may_repeat(pk):
                yield Violation(3, f"{pk} was handed over {count} times")

    # 4.

    def hours(self) -> Iterator[Violation]:
        """Promotions reach the carrier only when it is day wherever the person may be."""
        for call in self.calls:
            sent = self.record.submitted.get(call.reference)
            if sent and not is_open(sent.person.country, sent.purpose, call.at, call.later):
                yield Violation(
                    4, f"{call.reference} ({sent.purpose}, {sent.person.country}) reached it at {call.at}"
                )

    # 5.

    def caps(self) -> Iterator[Violation]:
        """No more in any period than the pack says, by the instants at which the carrier took them."""
        for brand, person in self.people:
            for purpose, limit, period in CAPS.get(person.country, ()):
                taken = sorted(
                    call.at
                    for call in self.calls
                    if call.taken and self._is_to(call, brand, person) and self._purpose(call) == purpose
                )
                for first, last in zip(taken, taken[limit:], strict=False):
                    if last - first < period:
                        yield Violation(
                            5, f"{limit + 1} of {purpose} within {last - first} to {person.country}"
                        )

    def _purpose(self, call: Call) -> str:
        sent = self.record.submitted.get(call.reference)
        return sent.purpose if sent else ""

    def slots(self) -> Iterator[Violation]:
        """Every slot of a cap is a message's that was handed over, or may have been."""
        for pk, state in self.states.items():
            brand, _, recipient_id = pk.removeprefix("STATE#").partition("#")
            used = {
                int(m["claim"])
                for m in self.messages.values()
                if (m["brand"], m["recipient_id"]) == (brand, recipient_id) and m["status"] in _HANDED_OVER
            }
            for send in state.get("sends", ()):
                if self.record.quiet and int(send.split()[-1]) not in used:
                    yield Violation(5, f"{pk} counts {send}, which never left")

    # 6.

    def ledgers(self) -> Iterator[Violation]:
        """Each ledger is a whole chain, and replaying it gives the standing that is stored."""
        for pk, state in self.states.items():
            if not pk.startswith("STATE#"):
                continue
            left = [
                name for name in state if name.startswith(("block:", "permit_marketing:", "permit_other:"))
            ]
            if left and self.record.quiet:
                yield Violation(6, f"{pk} still has {left}")
            events = self.ledgers_by_pk.get(pk.removeprefix("STATE#"), [])
            ids = [event["id"] for event in events]
            if len(set(ids)) < len(ids):
                yield Violation(6, f"{pk} has an event twice: {ids}")
            if is_broken(events, state.get("head"), state.get("seq", 0)):
                yield Violation(6, f"the chain of {pk} is broken")
            if replayed(events) != state.get("standing", {}):
                yield Violation(6, f"{pk}: replayed {replayed(events)}, stored {state.get('standing', {})}")
        for opt_out in self.record.opt_outs:
            brands = BRANDS if opt_out.everywhere else (opt_out.brand,)
            answered = opt_out.reply or opt_out.silent_from
            for brand in brands:
                known = f"STATE#{brand.id}#{opt_out.person.id}" in self.states
                lost = known and self._event(opt_out.event, brand, opt_out.person) is None
                if answered and lost and not self._set_aside(opt_out):
                    yield Violation(6, f"{opt_out.event} is in no ledger of {brand.id}")

    def _set_aside(self, opt_out: OptOut) -> bool:
        return any(opt_out.event.removeprefix("in-") in body for body in self.record.world.dead_letters)

    # 7.

    def confirmations(self) -> Iterator[Violation]:
        """At most one for each opt-out; one where nothing went wrong; none later than 300 s."""
        for opt_out in self.record.opt_outs:
            reference = f"{opt_out.brand.id}#~confirmation~{opt_out.person.id}~{opt_out.event}"
            calls = [call for call in self.calls if call.reference == reference and call.taken]
            if len(calls) > 1:
                yield Violation(7, f"{opt_out.event} was confirmed {len(calls)} times")
            if not opt_out.reply or opt_out.given_at is None:
                continue
            until = opt_out.given_at + timedelta(seconds=300)
            for call in calls:
                if call.at >= until:
                    yield Violation(7, f"{opt_out.event} was confirmed after {call.at - opt_out.given_at}")
            if not calls and self._undisturbed(opt_out, until):
                yield Violation(7, f"{opt_out.event} was not confirmed")

    def _undisturbed(self, opt_out: OptOut, until: datetime) -> bool:
        """Whether nothing went wrong while it could be confirmed, and it was news."""
        given_at, world = opt_out.given_at, self.record.world
        if given_at is None or any(
            given_at - timedelta(seconds=10) <= world.instant(at) <= until for at in world.fault_times
        ):
            return False
        delivered = self.record.first_delivery.get(opt_out.event)
        if delivered is None or delivered > given_at + timedelta(seconds=100):
            return False
        near = timedelta(seconds=301)
        earlier = [o for o in self._opt_outs(opt_out.brand, opt_out.person) if self._repeats(opt_out, o)]
        yeses = [y for y in self._yeses(opt_out.brand, opt_out.person) if y.given_at > given_at - near]
        return not earlier and not yeses

    def _repeats(self, opt_out: OptOut, other: OptOut) -> bool:
        """Whether the person had said the same or more already when `opt_out` was recorded."""
        mine = self._event(opt_out.event, opt_out.brand, opt_out.person)
        theirs = self._event(other.event, opt_out.brand, opt_out.person)
        if mine is None or theirs is None or not theirs.get("by_person"):
            return False
        narrower = other.scope is Scope.MARKETING and opt_out.scope is not Scope.MARKETING
        return int(theirs["seq"]) < int(mine["seq"]) and not narrower

    # 8.

    def last_word(self) -> Iterator[Violation]:
        """When all is quiet the gate says what the person said last."""
        for brand, person, answer in self.record.probes:
            if person is HANS:
                continue
            codes = {reason["code"] for reason in answer.get("reasons", ())}
            yeses = self._yeses(brand, person)
            # Whether an answer came before its request was recorded is the product's to say.
            certain = [yes for yes in yeses if not yes.answers_request]
            silenced = self._silenced(brand, person, yeses)
            if silenced != self._silenced(brand, person, certain):
                continue
            if silenced != bool(codes & {"opted_out", "do_not_contact"}):
                expected = "silence" if silenced else "no opt-out"
                yield Violation(8, f"{brand.id} {person.country}: {expected} expected, gate says {codes}")

    def _silenced(self, brand: Brand, person: Person, yeses: Sequence[Yes]) -> bool:
        """Whether some recorded opt-out from promotions was followed by none of `yeses`."""
        probe = Submitted("", brand, person, "marketing", False)
        for opt_out in self._opt_outs(brand, person):
            given_at = self._given_at(opt_out, brand, person)
            if given_at is None or self._known(opt_out, brand, person) is None:
                continue
            if not any(self._ends(yes, opt_out, given_at, probe, None) for yes in yeses):
                return True
        return False

    # 9.

    def never_without_knowing(self) -> Iterator[Violation]:
        """Nothing that nobody waits for goes where the rules are not known."""
        for call in self.calls:
            sent = self.record.submitted.get(call.reference)
            if sent and sent.person is HANS and sent.purpose in ("marketing", "announcement"):
                yield Violation(9, f"{call.reference} went to a country without a pack")


def record_people(record: Record) -> Sequence[Person]:
    """Whom a history is about."""
    return list(dict.fromkeys(person for _, person, _ in record.probes)) or sorted(
        {sent.person for sent in record.submitted.values()}, key=lambda person: person.number
    )
