"""Which of the consents that another system holds can be proved? Of the others it is kept why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from izin.api import ConsentImport
from izin.aws import acts, asking, files, http, identity, ledger
from izin.aws.asking import UNPROCESSABLE, Asked
from izin.aws.http import Answer, Principal, refuse
from izin.aws.runtime import Runtime, runtime
from izin.domain import importing
from izin.domain.capture import Problem
from izin.domain.events import Event, EventType, apply
from izin.domain.importing import Claim
from izin.domain.message import Channel, Purpose
from izin.domain.pack import Rules
from izin.domain.times import to_millisecond

logger = Logger()


def handler(event: dict[str, Any], _context: object) -> Answer:
    """`POST /v1/consents/batch`."""
    return http.respond(logger, lambda: import_consents(runtime(), event))


def import_consents(rt: Runtime, event: http.Event) -> Answer:
    """Up to 100 consents, each judged alone, with a status of its own. Nobody is asked to confirm."""
    batch, principal = http.batch(event, "consents", frozenset({"dry_run"})), http.principal(event)
    dry_run = batch.get("dry_run", False)
    return http.results(
        logger,
        batch["consents"],
        lambda item: _import(rt, principal, http.item(ConsentImport, item), dry_run=dry_run),
    )


def _import(rt: Runtime, principal: Principal, body: ConsentImport, *, dry_run: bool) -> Answer:
    now = to_millisecond(rt.now())
    principal.demand("consent", body.brand)
    asked = asking.gather(rt, body, body.brand, None, body.address, "address", body.channel)
    asking.refuse_erased(asked.standing)
    if body.channel is Channel.SMS and not asked.phone.textable:
        message = f"a {asked.phone.line_type} number gets no texts; leave the line out"
        raise refuse(UNPROCESSABLE, "address", "number_class", message)
    rules = {purpose: _rules(asked, body, purpose) for purpose in body.purposes}
    double = asked.brand.double_opt_in or any(
        rule.double_opt_in for found in rules.values() for rule in found.consent
    )
    faults = (
        *importing.judge(_claim(body), rules, asked.brand.name, now, double=double),
        *files.missing(rt, body.brand, asked.recipient_id, body.evidence),
    )
    act = _act_of(rt, asked, body, faults, now)
    if dry_run or ledger.earlier(rt, asked.state, act, now):
        standing = apply(asked.standing, act)
    else:
        # Of a claim that proves nothing, the address alone is kept.
        kept = asked.personal(rt, {} if faults else body.evidence)
        draft = ledger.draft(asked.key(rt), asked.recipient_id, act, kept)
        standing = acts.record(rt, body.brand, asked.recipient_id, draft)
    consents = [
        {
            "channel": str(body.channel),
            "purpose": str(purpose),
            "status": str(standing.status(body.channel, purpose, now)),
        }
        for purpose in body.purposes
    ]
    reasons = [{"field": fault.field, "code": str(fault.code), "message": fault.message} for fault in faults]
    return http.answer(
        HTTPStatus.OK,
        {
            "event_id": act.id,
            "recipient_id": asked.recipient_id,
            "proved": not faults,
            "reasons": reasons,
            "consents": consents,
        },
    )


def _rules(asked: Asked, body: ConsentImport, purpose: Purpose) -> Rules:
    """What pack and brand ask of the consent, without what the brand relaxes."""
    rules = asked.brand.rules(asked.pack, body.channel, purpose, asked.phone.subdivisions)
    return rules.without(asked.brand.relax)


def _claim(body: ConsentImport) -> Claim:
    return Claim(**{field.name: getattr(body, field.name) for field in fields(Claim)})


def _act_of(
    rt: Runtime, asked: Asked, body: ConsentImport, faults: Sequence[Problem], now: datetime
) -> Event:
    """The event, under an id that follows from everything that the line says."""
    captured_at = to_millisecond(body.captured_at) if body.captured_at else None
    given_at = to_millisecond(body.confirmed_at) if body.confirmed_at else captured_at
    lifetime = asked.pack.lifetime(body.basis)
    details = {
        "wording": body.wording,
        "language": body.language,
        "method": str(body.method) if body.method else None,
        "basis": str(body.basis),
        "lacking": ", ".join(f"{fault.field} {fault.code}" for fault in faults),
        "pack": f"{asked.pack.id} {asked.pack.version}",
    }
    return Event(
        id=f"import-{identity.fingerprint(rt, body.model_dump(mode='json'))}",
        type=EventType.CONSENT_UNPROVEN if faults else EventType.CONSENT_GRANTED,
        given_at=min(given_at or now, now),
        recorded_at=now,
        address=asked.recipient_id,
        channel=body.channel,
        source=body.source,
        purposes=tuple(sorted(body.purposes)),
        expires_at=captured_at + lifetime if captured_at and lifetime and not faults else None,
        asked_at=captured_at if body.confirmed_at and not faults else None,
        details={name: value for name, value in details.items() if value},
    )
