"""What does a history begin with? Brands, senders, and people who agreed; and how each is spoken to."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import consents
import dispatch
import inbound
import release
from izin.aws import queue, registry
from izin.aws.runtime import Runtime

from tests.simulation import ROOT
from tests.simulation.cast import BRANDS, HANS, PEOPLE, Brand, Person
from tests.simulation.double import SCHEMAS, Database
from tests.simulation.world import PEPPERS, envelope

_PRODUCT = (f"{ROOT}/functions/", f"{ROOT}/layers/core/")
PREPARED_AT = datetime(2026, 10, 20, 3, 0, tzinfo=UTC)


def request(body: dict[str, Any] | None, **path: str) -> dict[str, Any]:
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

    def add_metadata(self, *_: str) -> None:
        return None


@cache
def silence() -> None:
    """Keep the product's metrics and logs to themselves."""
    for module in list(sys.modules.values()):
        if (getattr(module, "__file__", None) or "").startswith(_PRODUCT):
            if hasattr(module, "single_metric"):
                module.single_metric = lambda **_: _Unmeasured()  # type: ignore[attr-defined]
            if hasattr(module, "logger"):
                module.logger.setLevel("CRITICAL")


@cache
def stock(known_to: tuple[Brand, ...]) -> Database:
    """Brands, senders, and people who agreed, made by the product's own handlers with nothing going wrong.

    A brand outside `known_to` has never heard of anybody.
    """
    silence()
    database = Database()
    clock = [PREPARED_AT]
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
        registry.put(rt, registry.wording_key(brand.id, "join", 1), _wording(brand))
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
                rt, request(consent(brand, person, f"stock-{person.country}", clock[0]))
            )
            if answer["statusCode"] != 200:
                raise RuntimeError(answer["body"])
            clock[0] += timedelta(seconds=5)
            while tickets:
                dispatch.dispatch(rt, queue.ticket(tickets.pop()))
            clock[0] += timedelta(seconds=25)
            if brand.asks(person):
                inbound.receive(
                    rt, reply(brand, person, person.yes, f"stock-{person.country}-{brand.id}", clock[0])
                )
            clock[0] += timedelta(seconds=30)
    release.release(replace(rt, now=lambda: PREPARED_AT + timedelta(hours=1)))
    return database


_EVIDENCE = {"BR": {"ip": "203.0.113.7", "cpf": "529.982.247-25"}}
_WORDING = {"ID": "Saya setuju menerima promosi", "BR": "Aceito receber promocoes"}


def _wording(brand: Brand) -> dict[str, Any]:
    """What Indonesians are shown, registered with its picture."""
    scope = {"channels": ["sms"], "purposes": ["marketing"], "countries": ["ID"], "language": "id"}
    text, picture = f"{_WORDING['ID']} {brand.name}", "sha256:" + "5a" * 32
    return {"id": "join", "brand": brand.id, "version": 1, "text": text, "screenshot": picture, **scope}


def consent(brand: Brand, person: Person, consent_id: str, at: datetime) -> dict[str, Any]:
    text = f"{_WORDING.get(person.country, 'I agree to receive marketing')} {brand.name}"
    return {
        "id": consent_id,
        "brand": brand.id,
        "sender": brand.sender(person),
        "address": person.number,
        "channel": "sms",
        "purposes": ["marketing"],
        "language": person.language if person is not HANS else "en",
        "captured_at": at.isoformat(),
        "wording": {"id": "join", "version": 1} if person.country == "ID" else text,
        "method": "checkbox",
        "prechecked": False,
        "condition_of_purchase": False,
        "source": "https://x.example/join",
        "evidence": _EVIDENCE.get(person.country, {}),
    }


def reply(brand: Brand, person: Person, text: str, message_id: str, at: datetime) -> str:
    message = {
        "originationNumber": person.number,
        "destinationNumber": brand.address(person),
        "messageBody": text,
        "inboundMessageId": message_id,
    }
    return envelope(message, f"envelope-{message_id}", at)
