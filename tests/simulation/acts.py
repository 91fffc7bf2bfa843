"""What do people, apps and operators do? Each act with what the oracle is told of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import consents
import gate
import opt_outs
from izin.api import OptOutBody
from izin.aws import identity
from izin.aws.runtime import Runtime
from izin.domain.consent import Scope

from tests.simulation.cast import BIA, Brand, Person
from tests.simulation.faults import Fault
from tests.simulation.history import History, millisecond
from tests.simulation.record import OptOut, Submitted, Yes
from tests.simulation.stock import consent as consent_body
from tests.simulation.stock import request
from tests.simulation.world import PEPPERS


def submit(
    history: History,
    person: Person,
    brand: Brand,
    purpose: str,
    essential: bool = False,
    life: int | None = None,
    wait: int | None = None,
) -> None:
    """An app hands in a message that waits and lives so many seconds; now and then it takes it back."""
    body, now, rng = history.body(person, brand, purpose), history.world.instant(), history.rng
    if purpose == "transactional":
        body |= {"basis": {"transaction": "order-123"}, "essential": essential}
    if life or rng.random() < 0.75:
        life = life or rng.choice((8, 20, 60, 300, 1800, 7200, 90_000))
        body["expires_at"] = (now + timedelta(seconds=life)).isoformat()
    if wait or rng.random() < 0.15:
        wait = wait or rng.choice((1, 5, 30, 300))
        body["not_before"] = (now + timedelta(seconds=wait)).isoformat()
        if "expires_at" in body:
            body["expires_at"] = (now + timedelta(seconds=wait + 600)).isoformat()
    pk = f"{brand.id}#{body['id']}"
    history.record.submitted[pk] = Submitted(pk, brand, person, purpose, essential)
    history.world.say("app", f"submits {pk} ({purpose}) to {person.country}")

    def answered(answer: dict[str, Any]) -> None:
        history.world.say("app", f"is told {answer.get('verdict', answer)} of {pk}")
        if answer["http"] < 300:
            history.record.accepted.add(pk)

    history.perhaps_twice(partial(history.ask, "submit", gate.submit, request(body), answered))
    if rng.random() < 0.12:
        history.world.after(rng.random() * rng.choice((1, 10, 100)), partial(_cancel, history, pk))


def _cancel(history: History, pk: str) -> None:
    brand, message_id = pk.split("#")
    history.world.say("app", f"cancels {pk}")

    def answered(answer: dict[str, Any]) -> None:
        if answer["http"] == 200:
            history.record.cancelled.setdefault(pk, history.world.instant())

    history.ask("cancel", gate.cancel, request(None, id=message_id, brand=brand), answered)


def consent(history: History, person: Person, brand: Brand) -> None:
    """An app reports a consent, sometimes one captured a while ago."""
    ago = history.rng.choice((0.0, 1.0, 5.0, 90.0, 3600.0, 80_000.0))
    at = millisecond(history.world.instant() - timedelta(seconds=ago + 1))
    body = consent_body(brand, person, history.new_id("c"), at)
    history.world.say("app", f"reports a consent to {brand.id} given at {at.isoformat()}")
    if brand.asks(person):
        history.record.requests.append((brand, person, at))
    else:
        now = history.world.instant()
        yes = Yes(body["id"], brand, person, at, False, False, ("marketing",), now)
        history.record.yeses.append(yes)
    ask = partial(history.ask, "consent", consents.capture_consent, request(body), lambda answer: None)
    history.perhaps_twice(ask)


def opt_out(
    history: History, person: Person, brand: Brand, everywhere: bool | None = None, twice: bool = False
) -> None:
    """Somebody tells an app or an agent to stop, towards this brand or all of them."""
    rng, now = history.rng, history.world.instant()
    if everywhere is None:
        everywhere = rng.random() < 0.35
    final = everywhere or rng.random() < 0.2
    scope = rng.choice((Scope.ALL, Scope.ALL, Scope.MARKETING))
    given_at = None
    if rng.random() < 0.6:
        given_at = millisecond(now - timedelta(seconds=1 + rng.random() * rng.choice((1, 20, 600))))
    body = {
        "id": history.new_id("o"),
        "brand": brand.id,
        "address": person.number,
        "source": "app",
        "scope": str(scope),
        "company_wide": everywhere,
        "do_not_contact": final,
        **({"given_at": given_at.isoformat()} if given_at else {}),
    }
    event = f"opt-out-{fingerprint(body)}"
    told = OptOut(event, brand, person, scope, given_at, False, final, everywhere, delivered=True)
    history.record.opt_outs.append(told)
    history.world.say("agent", f"tells {event} of {brand.id}{' and all' if everywhere else ''} {scope}")

    def answered(answer: dict[str, Any]) -> None:
        history.world.say("agent", f"is told {answer} of {told.event}")
        if answer["http"] == 200:
            told.silent_from.append(datetime.fromisoformat(answer["silent_from"]))

    ask = partial(history.ask, "opt_out", opt_outs.opt_out, request(body), answered)
    history.perhaps_twice(ask)
    if twice:
        history.world.after(rng.random() * 4, ask)


def fingerprint(body: dict[str, Any]) -> str:
    """What an opt-out told as `body` is called in the ledger: the same for a repeat, and only for that."""
    rt = Runtime(dynamodb=None, sqs=None, peppers=PEPPERS)
    return identity.fingerprint(rt, OptOutBody(**body).model_dump(mode="json"))


# Replies.


def stop(history: History, person: Person, brand: Brand) -> None:
    """STOP, in one of its spellings; now and then only for promotions; now and then twice."""
    narrow = history.rng.random() < 0.15
    text = person.stop_promotions if narrow else history.rng.choice(person.stop)
    at = millisecond(history.world.instant())
    scope = Scope.MARKETING if narrow else Scope.ALL
    event = history.say(person, brand, text)
    history.record.opt_outs.append(OptOut(event, brand, person, scope, at, reply=True, delivered=True))


def start(history: History, person: Person, brand: Brand) -> None:
    """START: what the person had agreed to before holds again."""
    at = millisecond(history.world.instant())
    event = history.say(person, brand, "START")
    history.record.yeses.append(Yes(event, brand, person, at, True, False, None, history.world.instant()))


def confirm(history: History, person: Person, brand: Brand) -> None:
    """YA: the answer to a request, if one was open."""
    at = millisecond(history.world.instant())
    event = history.say(person, brand, person.yes)
    yes = Yes(event, brand, person, at, True, True, ("marketing",), history.world.instant())
    history.record.yeses.append(yes)


def ask_help(history: History, person: Person, brand: Brand) -> None:
    """HELP is answered, whatever else holds."""
    at = millisecond(history.world.instant())
    history.record.help[history.say(person, brand, person.help)] = at


def mumble(history: History, person: Person, brand: Brand) -> None:
    """Something that may have been an opt-out."""
    history.record.unclear.append((brand, person, millisecond(history.world.instant())))
    history.say(person, brand, "NO" if person is not BIA else "nao")


# The operator.


def redeploy(history: History, _person: Person, _brand: Brand) -> None:
    """New workers everywhere, often with packs of the other version."""
    changed = history.rng.random() < 0.5
    history.later ^= changed
    fault = Fault.NEW_PACKS if changed else Fault.REDEPLOYED
    history.world.say("operator", "redeploys", history.world.faults.now(fault))
    history.world.redeploy(history.later)
