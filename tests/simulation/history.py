"""What happens in one history? From one seed: who agrees, who sends, who says STOP, and what goes wrong.

A history begins from a prepared stock of brands, senders and people, most of whom have agreed. Acts
come close together, around the edges of windows more often than not. When the last act is done
nothing new goes wrong, and time runs on until nothing is left to do.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

import consents
import dispatch
import gate
import inbound
import opt_outs
import receipts
import release
from izin.api import OptOutBody
from izin.aws import http, identity, queue, registry, replying
from izin.aws.runtime import Runtime
from izin.domain.consent import Scope

from tests.simulation.double import SCHEMAS, Database
from tests.simulation.faults import Fault
from tests.simulation.world import PEPPERS, SECOND, Hostility, World, envelope

MINUTE = 60 * SECOND
_VISIBILITY = 360.0  # seconds until a queue offers again what nobody finished
_RECEIVES = 10
_QUIET_AFTER = 25 * MINUTE  # from the last act on; everything of a fault has come out by then
_PREPARED_AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
_DAYS = tuple(datetime(2026, 11, day, tzinfo=UTC) for day in (22, 23, 24, 26, 27, 28))
_EDGES = {
    "ID": (1, 11),
    "BR": (12, 23),
    "CH": (9, 16),
}  # the hours, in UTC, at which promotions open and close
_OPEN = {"ID": (4, 9), "BR": (13, 16), "CH": (9, 16)}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a phone, and how texts are written where they live."""

    number: str
    country: str
    language: str
    promotion: str
    stop: tuple[str, ...]
    stop_promotions: str
    yes: str
    help: str

    @property
    def id(self) -> str:
        """Their pseudonym, as tables and tickets carry it."""
        return _pseudonym(self.number)


ANA = Person(
    "+6281234567890",
    "ID",
    "id",
    "diskon 20%. Balas STOP untuk berhenti",
    ("STOP", "berhenti", "Stop."),
    "STOP PROMO",
    "YA",
    "BANTUAN",
)
BIA = Person(
    "+5511987654321",
    "BR",
    "pt-BR",
    "oferta de 20% hoje. Responda SAIR para cancelar",
    ("SAIR", "STOP", "Parar"),
    "SAIR PROMOCOES",
    "SIM",
    "AJUDA",
)
HANS = Person("+41791234567", "CH", "de", "20% Rabatt. STOP beendet", ("STOP",), "STOP ADS", "JA", "HILFE")
PEOPLE = (ANA, BIA, HANS)


@dataclass(frozen=True, slots=True)
class Brand:
    """Who speaks. `double` is whether a consent must be confirmed; `repeats`: at-least-once senders."""

    id: str
    name: str
    double: bool
    repeats: bool

    def asks(self, person: Person) -> bool:
        """Whether a consent of `person` must be confirmed: BR asks for it, whatever the brand would like."""
        return self.double or person.country == "BR"

    def sender(self, person: Person) -> str:
        return f"{self.id}-{person.country.lower()}"

    def address(self, person: Person) -> str:
        place = {"ID": "+62811000", "BR": "+55119000", "CH": "+4179000"}[person.country]
        return f"{place}{1000 if self.double else 2000}"


SHOPX = Brand("shopx", "ShopX", double=True, repeats=False)
KOPI = Brand("kopi", "Kopi", double=False, repeats=True)
BRANDS = (SHOPX, KOPI)


@cache
def _pseudonym(number: str) -> str:
    return identity.recipient(Runtime(dynamodb=None, sqs=None, peppers=PEPPERS), number)


def _fingerprint(body: dict[str, Any]) -> str:
    """What an opt-out told as `body` is called in the ledger: the same for a repeat, and only for that."""
    rt = Runtime(dynamodb=None, sqs=None, peppers=PEPPERS)
    return identity.fingerprint(rt, OptOutBody(**body).model_dump(mode="json"))


# What the oracle is told: what was asked, said and answered, never what the product thought of it.


@dataclass(frozen=True, slots=True)
class Submitted:
    """A message that an app handed in under `pk`."""

    pk: str
    brand: Brand
    person: Person
    purpose: str
    essential: bool


@dataclass(slots=True)
class OptOut:
    """A no. `reply`: it came from the handset, and may be confirmed. `silent_from` is what was answered."""

    event: str
    brand: Brand
    person: Person
    scope: Scope
    given_at: datetime | None  # None: when the product took it
    reply: bool
    final: bool = False  # do-not-contact: only the handset ends it
    everywhere: bool = False
    delivered: bool = False
    silent_from: list[datetime] = field(default_factory=list)


@dataclass(slots=True)
class Yes:
    """A START, an answer to a request, or a consent that an app reports; `purposes` None for all."""

    event: str
    brand: Brand
    person: Person
    given_at: datetime
    from_handset: bool
    answers_request: bool
    purposes: tuple[str, ...] | None
    said_at: datetime | None = None


@dataclass(slots=True)
class Record:
    """Everything about a history that can be seen from outside."""

    seed: int
    world: World
    prepared: frozenset[str] = frozenset()  # messages from before the history
    submitted: dict[str, Submitted] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    cancelled: dict[str, datetime] = field(default_factory=dict)
    opt_outs: list[OptOut] = field(default_factory=list)
    yeses: list[Yes] = field(default_factory=list)
    requests: list[tuple[Brand, Person, datetime]] = field(default_factory=list)
    unclear: list[tuple[Brand, Person, datetime]] = field(default_factory=list)
    help: dict[str, datetime] = field(default_factory=dict)
    first_delivery: dict[str, datetime] = field(default_factory=dict)
    probes: list[tuple[Brand, Person, dict[str, Any]]] = field(default_factory=list)
    quiet: bool = False

    def trace_hash(self) -> str:
        """The same for the same history, whatever machine and Python it ran on."""
        rows = [f"{r.at}|{r.who}|{r.what}|{r.fault}|{type(r.outcome).__name__}" for r in self.world.rows]
        calls = [f"{c.at}|{c.to}|{c.reference}|{c.taken}" for c in self.world.calls]
        return hashlib.sha256("\n".join([*rows, *calls]).encode()).hexdigest()[:16]


def _request(body: dict[str, Any] | None, **path: str) -> dict[str, Any]:
    scopes = "check send consent opt_out read"
    return {
        "body": json.dumps(body) if body is not None else None,
        "pathParameters": path,
        "queryStringParameters": {"brand": path.get("brand", "")},
        "requestContext": {"authorizer": {"lambda": {"key": "app", "brand": "*", "scopes": scopes}}},
    }


class _Unmeasured:
    """Metrics that nobody reads. Printing them would take a tenth of a run's time."""

    def __enter__(self) -> _Unmeasured:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def add_dimension(self, **_: str) -> None:
        return None


@cache
def silence() -> None:
    """Keep the handlers' metrics and logs to themselves."""
    for module in (gate, dispatch, replying):
        module.single_metric = lambda **_: _Unmeasured()  # type: ignore[attr-defined]
    for module in (gate, dispatch, inbound, release, receipts):
        module.logger.setLevel("CRITICAL")


@cache
def _stock(known_to: tuple[Brand, ...]) -> Database:
    """Brands, senders, and people who agreed, made by the product's own handlers with nothing going wrong.

    A brand outside `known_to` has never heard of anybody.
    """
    database = Database()
    clock = [_PREPARED_AT]
    tickets: list[str] = []

    class Collecting:
        def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
            tickets.extend(entry["MessageBody"] for entry in Entries)
            return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    class Accepting:
        def send_text_message(self, **request: Any) -> dict[str, Any]:
            return {"MessageId": f"prepared-{request['Context']['message']}"}

    rt = Runtime(
        dynamodb=database,
        sqs=Collecting(),
        sms=Accepting(),
        **{f"{table}_table": table for table in SCHEMAS},
        peppers=PEPPERS,
        now=lambda: clock[0],
    )
    for brand in BRANDS:
        registered: dict[str, Any] = {"id": brand.id, "name": brand.name, "contact": "https://x.example"}
        relax = () if brand.double else ("ID.consent.double_opt_in",)
        registered |= {"double_opt_in": brand.double, "relax": relax}
        registry.put(rt, registry.brand_key(brand.id), registered)
        for person in PEOPLE:
            sender = {
                "id": brand.sender(person),
                "brand": brand.id,
                "channel": "sms",
                "carrier": "aws-sms",
                "address": brand.address(person),
                "countries": [person.country],
                "two_way": True,
                "language": person.language,
                "rate": 5,
                "at_least_once": brand.repeats,
                "suspended": False,
            }
            registry.put_sender(rt, sender)
            if brand not in known_to:
                continue
            answer = consents.capture_consent(
                rt, _request(_consent(brand, person, f"stock-{person.country}", clock[0]))
            )
            if answer["statusCode"] != 200:
                raise RuntimeError(answer["body"])
            clock[0] += timedelta(seconds=5)
            while tickets:
                dispatch.dispatch(rt, queue.ticket(tickets.pop()))
            clock[0] += timedelta(seconds=25)
            if brand.asks(person):
                inbound.receive(
                    rt, _reply(brand, person, person.yes, f"stock-{person.country}-{brand.id}", clock[0])
                )
            clock[0] += timedelta(seconds=30)
    release.release(replace(rt, now=lambda: _PREPARED_AT + timedelta(hours=1)))
    return database


_EVIDENCE = {
    "ID": {"screenshot": "sha256:" + "5a" * 32},
    "BR": {"ip": "203.0.113.7", "cpf": "529.982.247-25"},
    "CH": {},
}


def _consent(brand: Brand, person: Person, consent_id: str, at: datetime) -> dict[str, Any]:
    wording = {"ID": "Saya setuju menerima promosi", "BR": "Aceito receber promocoes"}
    return {
        "id": consent_id,
        "brand": brand.id,
        "sender": brand.sender(person),
        "address": person.number,
        "channel": "sms",
        "purposes": ["marketing"],
        "language": person.language if person is not HANS else "en",
        "captured_at": at.isoformat(),
        "wording": f"{wording.get(person.country, 'I agree to receive marketing')} {brand.name}",
        "method": "checkbox",
        "prechecked": False,
        "condition_of_purchase": False,
        "source": "https://x.example/join",
        "evidence": _EVIDENCE[person.country],
    }


def _reply(brand: Brand, person: Person, text: str, message_id: str, at: datetime) -> str:
    message = {
        "originationNumber": person.number,
        "destinationNumber": brand.address(person),
        "messageBody": text,
        "inboundMessageId": message_id,
    }
    return envelope(message, f"envelope-{message_id}", at)


class History:
    """The script of one seed, and the people and queues around the handlers."""

    def __init__(self, seed: int, hostility: Hostility | None = None) -> None:
        rng = random.Random(seed)
        self.rng = rng
        people = (ANA, BIA) if rng.random() < 0.2 else (rng.choice((ANA, ANA, ANA, BIA, BIA, HANS)),)
        start = self._start(rng.choice(people) if rng.random() < 0.8 else rng.choice(PEOPLE))
        rate = rng.choice((0.0, 0.02, 0.04, 0.06, 0.12))
        known_to = BRANDS if rng.random() < 0.8 else (rng.choice(BRANDS),)
        self.world = World(rng, start, _stock(known_to).copy(), rate, hostility or Hostility())
        self.world.on_ticket = self._ticket
        self.world.on_taken = self._receipts
        prepared = frozenset(pk for pk, _ in self.world.database.items["messages"])
        self.record = Record(seed, self.world, prepared)
        self.people = people
        self.brands = BRANDS if rng.random() < 0.35 else (rng.choice(BRANDS),)
        self.numbered = 0
        self.last_act = 0
        self.quiet_at = 0
        for brand in known_to:
            for person in PEOPLE:
                at = _PREPARED_AT + timedelta(minutes=1)
                yes = Yes("stock", brand, person, at, brand.asks(person), True, ("marketing",), at)
                self.record.yeses.append(yes)

    def _start(self, person: Person) -> datetime:
        """Around an edge of the hours in which `person` may get promotions, or within them."""
        day = self.rng.choice(_DAYS)
        if self.rng.random() < 0.4:
            hour = self.rng.choice(_EDGES[person.country])
            off = self.rng.randrange(*self.rng.choice(((-90, 20), (-13, 2))))
        else:
            hour, off = self.rng.choice(_OPEN[person.country]), self.rng.randrange(3600)
        return day + timedelta(hours=hour, seconds=off, milliseconds=self.rng.randrange(1000))

    def run(self) -> Record:
        """Let the history happen, to its end."""
        rng, world = self.rng, self.world
        spread = rng.choice((0.05, 0.5, 3.0, 20.0, 90.0))
        at = int(rng.random() * 2 * SECOND)
        for _ in range(rng.randrange(3, 8)):
            act = rng.choice(_ACTS)
            world.at(at, partial(act, self, rng.choice(self.people), rng.choice(self.brands)))
            at += int(rng.random() * (spread if rng.random() < 0.85 else 40.0) * SECOND)
        if rng.random() < 0.4:
            at = max(at, self._play(rng.choice(_SCENES), int(rng.random() * at)))
        self.last_act = at
        self.quiet_at = at + _QUIET_AFTER
        world.at(self.quiet_at, world.faults.cease)
        world.at(MINUTE - _into_minute(world.start), self._minute)
        world.run()
        return self.record

    def _play(self, scene: Scene, at: int) -> int:
        """Have the acts of `scene` done from `at` on; when the last one is."""
        person, brand = self.rng.choice(self.people), self.rng.choice(self.brands)
        for act, within in scene:
            at += int(self.rng.random() * within * SECOND)
            self.world.at(at, partial(act, self, person, brand))
        return at

    # Sweeps.

    def _minute(self) -> None:
        """The schedule fires. A sweep that would find nothing is not run: it changes nothing."""
        world, faults = self.world, self.world.faults
        wakes = self._earliest_wake()
        if wakes is not None and wakes <= world.time + 2 * MINUTE + SECOND:
            if not faults.sometimes(Fault.SWEEP_MISSED, 2.0):
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
                body = self._body(person, brand, "marketing")
                del body["id"]
                self._ask("check", gate.check, _request(body), partial(self._probed, brand, person), tries=1)

    def _probed(self, brand: Brand, person: Person, answer: dict[str, Any]) -> None:
        self.record.probes.append((brand, person, answer))

    # The dispatch queue.

    def _ticket(self, body: str, delay: int) -> None:
        late = delay + self.rng.random() * self.world.slowness / SECOND
        if self.world.faults.sometimes(Fault.LATE, 2.0):
            late += self.rng.random() * self.rng.choice((3.0, 60.0, 400.0))
        self.world.after(late, partial(self._dispatch, body, 1))
        if self.world.faults.sometimes(Fault.DUPLICATE, 3.0):
            self.world.after(late + self.rng.random() * 2, partial(self._dispatch, body, 1))

    def _dispatch(self, body: str, receives: int) -> None:
        def done(_answer: Any, error: BaseException | None) -> None:
            self._again(error, receives, partial(self._dispatch, body, receives + 1))

        self.world.spawn(
            "dispatch", lambda rt: dispatch.dispatch_or_later(rt, queue.ticket(body)), timeout=60, done=done
        )

    def _again(self, error: BaseException | None, receives: int, act: Callable[[], None]) -> None:
        """What a queue does with what was not finished, and now and then with what was."""
        finished = error is None
        offered_again = (
            self.world.faults.sometimes(Fault.DUPLICATE, 0.5) if finished else receives < _RECEIVES
        )
        if offered_again:
            self.world.after(_VISIBILITY, act)

    # Receipts.

    def _receipts(self, reference: str, carrier_ref: str) -> None:
        rng = self.rng
        for event in rng.choice(
            ((), ("TEXT_SENT", "TEXT_DELIVERED"), ("TEXT_DELIVERED",), ("TEXT_BLOCKED",))
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
            self.world.after(delay, partial(self._receipt, body, 1))
            if self.world.faults.sometimes(Fault.DUPLICATE, 2.0):
                self.world.after(delay + rng.random() * 5, partial(self._receipt, body, 1))

    def _receipt(self, body: str, receives: int) -> None:
        def done(_answer: Any, error: BaseException | None) -> None:
            self._again(error, receives, partial(self._receipt, body, receives + 1))

        self.world.spawn("receipts", lambda rt: receipts.receive(rt, body, receives), timeout=60, done=done)

    # Callers of the API.

    def _ask(
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
                self.world.after(wait, partial(self._ask, name, act, event, done, tries - 1))

        logger = gate.logger
        self.world.spawn(
            name, lambda rt: http.respond(logger, partial(act, rt, event)), timeout=10, done=answered
        )

    def _perhaps_twice(self, ask: Callable[[], None]) -> None:
        ask()
        if self.world.faults.sometimes(Fault.REPEATED_REQUEST, 2.0):
            self.world.after(self.rng.random() * self.rng.choice((0.1, 2, 30)), ask)

    def _id(self, prefix: str) -> str:
        self.numbered += 1
        return f"{prefix}-{self.numbered}"

    def _body(self, person: Person, brand: Brand, purpose: str) -> dict[str, Any]:
        texts = {"marketing": f"{brand.name}: {person.promotion}", "authentication": "123456"}
        return {
            "id": self._id("m"),
            "brand": brand.id,
            "sender": brand.sender(person),
            "to": person.number,
            "channel": "sms",
            "purpose": purpose,
            "text": texts.get(purpose, f"{brand.name}: order 123"),
            "language": person.language,
        }

    def submit(self, person: Person, brand: Brand, purpose: str, essential: bool = False) -> None:
        """An app hands in a message, and now and then takes it back."""
        body = self._body(person, brand, purpose)
        if purpose == "transactional":
            body |= {"basis": {"transaction": "order-123"}, "essential": essential}
        now, rng = self.world.instant(), self.rng
        if rng.random() < 0.75:
            life = rng.choice((20, 60, 300, 1800, 7200, 90_000))
            body["expires_at"] = (now + timedelta(seconds=life)).isoformat()
        if rng.random() < 0.15:
            wait = rng.choice((1, 5, 30, 300))
            body["not_before"] = (now + timedelta(seconds=wait)).isoformat()
            if "expires_at" in body:
                body["expires_at"] = (now + timedelta(seconds=wait + 600)).isoformat()
        pk = f"{brand.id}#{body['id']}"
        self.record.submitted[pk] = Submitted(pk, brand, person, purpose, essential)
        self.world.say("app", f"submits {pk} ({purpose}) to {person.country}")

        def answered(answer: dict[str, Any]) -> None:
            self.world.say("app", f"is told {answer.get('verdict', answer)} of {pk}")
            if answer["http"] < 300:
                self.record.accepted.add(pk)

        self._perhaps_twice(partial(self._ask, "submit", gate.submit, _request(body), answered))
        if rng.random() < 0.12:
            self.world.after(rng.random() * rng.choice((1, 10, 100)), partial(self._cancel, pk))

    def _cancel(self, pk: str) -> None:
        brand, message_id = pk.split("#")
        self.world.say("app", f"cancels {pk}")

        def answered(answer: dict[str, Any]) -> None:
            if answer["http"] == 200:
                self.record.cancelled.setdefault(pk, self.world.instant())

        self._ask("cancel", gate.cancel, _request(None, id=message_id, brand=brand), answered)

    def consent(self, person: Person, brand: Brand) -> None:
        """An app reports a consent, sometimes one captured a while ago."""
        ago = self.rng.choice((0.0, 1.0, 5.0, 90.0, 3600.0, 80_000.0))
        at = _millisecond(self.world.instant() - timedelta(seconds=ago + 1))
        body = _consent(brand, person, self._id("c"), at)
        self.world.say("app", f"reports a consent to {brand.id} given at {at.isoformat()}")
        if brand.asks(person):
            self.record.requests.append((brand, person, at))
        else:
            yes = Yes(body["id"], brand, person, at, False, False, ("marketing",), self.world.instant())
            self.record.yeses.append(yes)
        self._perhaps_twice(
            partial(self._ask, "consent", consents.capture_consent, _request(body), lambda answer: None)
        )

    def opt_out(self, person: Person, brand: Brand) -> None:
        """Somebody tells an app or an agent to stop, towards this brand or all of them."""
        rng, now = self.rng, self.world.instant()
        everywhere = rng.random() < 0.35
        final = everywhere or rng.random() < 0.2
        scope = rng.choice((Scope.ALL, Scope.ALL, Scope.MARKETING))
        given_at = None
        if rng.random() < 0.6:
            given_at = _millisecond(now - timedelta(seconds=1 + rng.random() * rng.choice((1, 20, 600))))
        body = {
            "id": self._id("o"),
            "brand": brand.id,
            "address": person.number,
            "source": "app",
            "scope": str(scope),
            "company_wide": everywhere,
            "do_not_contact": final,
            **({"given_at": given_at.isoformat()} if given_at else {}),
        }
        event = f"opt-out-{_fingerprint(body)}"
        told = OptOut(event, brand, person, scope, given_at, False, final, everywhere, delivered=True)
        self.record.opt_outs.append(told)
        self.world.say("agent", f"tells {event} of {brand.id}{' and all' if everywhere else ''} {scope}")

        def answered(answer: dict[str, Any]) -> None:
            self.world.say("agent", f"is told {answer} of {told.event}")
            if answer["http"] == 200:
                told.silent_from.append(datetime.fromisoformat(answer["silent_from"]))

        self._perhaps_twice(partial(self._ask, "opt_out", opt_outs.opt_out, _request(body), answered))

    # Replies.

    def _say(self, person: Person, brand: Brand, text: str) -> str:
        """The person replies; the carrier tells us, late, twice, or both. The id of what they said."""
        rng, at = self.rng, _millisecond(self.world.instant())
        message_id = self._id("in")
        self.world.say(person.country, f"says {text!r} to {brand.id} ({message_id})")
        body = _reply(brand, person, text, message_id, at)
        delay = rng.random() * self.world.slowness / SECOND
        if self.world.faults.sometimes(Fault.LATE, 3.0):
            delay += rng.random() * rng.choice((2, 30, 400, 2000))
        self.world.after(delay, partial(self._deliver, body, message_id, 1))
        if self.world.faults.sometimes(Fault.DUPLICATE, 3.0):
            again = delay + rng.random() * rng.choice((0.1, 3, 300))
            self.world.after(again, partial(self._deliver, body, message_id, 1))
        return f"in-{message_id}"

    def _deliver(self, body: str, message_id: str, receives: int) -> None:
        self.record.first_delivery.setdefault(f"in-{message_id}", self.world.instant())

        def done(_answer: Any, error: BaseException | None) -> None:
            self._again(error, receives, partial(self._deliver, body, message_id, receives + 1))

        self.world.spawn(f"inbound {message_id}", lambda rt: inbound.receive(rt, body), timeout=60, done=done)

    def stop(self, person: Person, brand: Brand) -> None:
        """STOP, in one of its spellings; now and then only for promotions; now and then twice."""
        narrow = self.rng.random() < 0.15
        text = person.stop_promotions if narrow else self.rng.choice(person.stop)
        at = _millisecond(self.world.instant())
        scope = Scope.MARKETING if narrow else Scope.ALL
        event = self._say(person, brand, text)
        self.record.opt_outs.append(OptOut(event, brand, person, scope, at, reply=True, delivered=True))

    def start(self, person: Person, brand: Brand) -> None:
        """START: what the person had agreed to before holds again."""
        at = _millisecond(self.world.instant())
        event = self._say(person, brand, "START")
        yes = Yes(event, brand, person, at, True, False, None, self.world.instant())
        self.record.yeses.append(yes)

    def confirm(self, person: Person, brand: Brand) -> None:
        """YA: the answer to a request, if one was open."""
        at = _millisecond(self.world.instant())
        event = self._say(person, brand, person.yes)
        yes = Yes(event, brand, person, at, True, True, ("marketing",), self.world.instant())
        self.record.yeses.append(yes)

    def ask_help(self, person: Person, brand: Brand) -> None:
        """HELP is answered, whatever else holds."""
        at = _millisecond(self.world.instant())
        self.record.help[self._say(person, brand, person.help)] = at

    def mumble(self, person: Person, brand: Brand) -> None:
        """Something that may have been an opt-out."""
        self.record.unclear.append((brand, person, _millisecond(self.world.instant())))
        self._say(person, brand, "NO" if person is not BIA else "nao pare")

    def redeploy(self, _person: Person, _brand: Brand) -> None:
        """New workers everywhere."""
        self.world.faults.now(Fault.REDEPLOYED)
        self.world.say("operator", "redeploys", Fault.REDEPLOYED)
        self.world.redeploy()


def _into_minute(start: datetime) -> int:
    return start.second * SECOND + start.microsecond


def _millisecond(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


Act = Callable[[History, Person, Brand], None]
Scene = tuple[tuple[Act, float], ...]  # acts, each at most so many seconds after the one before

_ACTS: tuple[Act, ...] = (
    *[partial(History.submit, purpose="marketing")] * 9,
    *[partial(History.submit, purpose="authentication")] * 2,
    *[partial(History.submit, purpose="transactional")] * 2,
    *[partial(History.submit, purpose="transactional", essential=True)] * 2,
    *[partial(History.submit, purpose="announcement")] * 1,
    *[History.stop] * 7,
    *[History.opt_out] * 3,
    *[History.start] * 2,
    *[History.consent] * 2,
    *[History.confirm] * 2,
    History.ask_help,
    History.mumble,
    History.redeploy,
)

_PROMOTION: Act = partial(History.submit, purpose="marketing")
_SCENES: tuple[Scene, ...] = (
    ((_PROMOTION, 1), (_PROMOTION, 2), (History.stop, 9), (_PROMOTION, 3)),
    ((_PROMOTION, 1), (partial(History.submit, purpose="transactional"), 2), (History.stop, 6)),
    ((_PROMOTION, 1), (History.opt_out, 9), (_PROMOTION, 3)),
    ((History.opt_out, 1), (History.consent, 9), (_PROMOTION, 9)),
    ((History.consent, 1), (History.stop, 9), (History.confirm, 9), (_PROMOTION, 9)),
    ((History.stop, 1), (History.start, 2), (_PROMOTION, 9), (_PROMOTION, 2)),
)
