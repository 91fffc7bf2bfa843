"""Did this person agree, and can it be proved? Consent with its evidence, or refused with reasons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from izin.api import ConsentBody, WordingVersion
from izin.aws import acts, asking, files, http, identity, ledger
from izin.aws.asking import Asked
from izin.aws.dynamo import Item
from izin.aws.http import Answer, FieldError, Problem
from izin.aws.runtime import Runtime, runtime
from izin.domain import capture
from izin.domain.capture import Capture
from izin.domain.consent import Basis, Standing
from izin.domain.events import Event, EventType
from izin.domain.message import SENT_CHANNELS, Channel, Kind, Message, Purpose
from izin.domain.pack import Rules, texts
from izin.domain.times import shown, to_millisecond

logger = Logger()


def handler(event: dict[str, Any], _context: object) -> Answer:
    """`POST /v1/consents`."""
    return http.respond(logger, lambda: capture_consent(runtime(), event))


def capture_consent(rt: Runtime, event: http.Event) -> Answer:
    """Judge the evidence by the person's pack, then record the consent: granted, or pending a yes."""
    now = to_millisecond(rt.now())
    body = http.parse(ConsentBody, http.raw_body(event))
    http.principal(event).demand("consent", body.brand)
    registered = body.wording if isinstance(body.wording, WordingVersion) else None
    asked = asking.gather(
        rt, body, body.brand, body.sender, body.address, "address", body.channel, wording=registered
    )
    asking.refuse_erased(asked.standing)
    taken = _taken(asked, body)
    problems = _judge(rt, asked, body, taken, now)
    if problems or taken.captured_at is None:  # without its instant a capture has a problem already
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, problems, "the consent was refused")
    act, key = _act_of(rt, asked, body, taken, to_millisecond(taken.captured_at), now), asked.key(rt)
    waiting = asked.standing.open_requests(body.channel, now).keys() >= set(body.purposes)
    repeated = act.id in asked.state.applied  # its request may still have to be sent on its way
    asks = act.type is EventType.CONSENT_PENDING and (repeated or not waiting)
    reply = _request(rt, asked, taken, act, key, now) if asks else None
    draft = ledger.draft(key, asked.recipient_id, act, asked.personal(rt, taken.evidence), reply)
    standing = acts.record(rt, body.brand, asked.recipient_id, draft)
    return http.answer(HTTPStatus.OK, _said(asked, body, act, standing, now))


def _taken(asked: Asked, body: ConsentBody) -> Capture:
    """The capture that the body reports, with the words of the wording that it names."""
    wording, language = body.wording, body.language
    if asked.wording:
        wording, language = asked.wording["text"], asked.wording["language"]
    return Capture(
        channel=body.channel,
        purposes=body.purposes,
        captured_at=body.captured_at,
        wording=wording if isinstance(wording, str) else "",
        language=language or "",
        method=body.method,
        basis=body.basis,
        prechecked=body.prechecked,
        source=body.source or "",
        evidence=body.evidence,
        condition_of_purchase=body.condition_of_purchase,
        pictured=asked.wording is not None and "screenshot" in asked.wording,
    )


def _judge(rt: Runtime, asked: Asked, body: ConsentBody, taken: Capture, now: datetime) -> list[FieldError]:
    rules = {purpose: _rules(asked, body, purpose) for purpose in body.purposes}
    found = [
        *capture.judge(taken, rules, asked.brand.name, now),
        *files.missing(rt, asked.brand.id, asked.recipient_id, taken.evidence),
    ]
    problems = [FieldError(p.field, p.code, p.said) for p in found]
    problems += _another_wording(asked, body)
    if body.channel is Channel.SMS and not asked.phone.textable:
        message = f"a {asked.phone.line_type} number gets no texts; ask for a mobile number"
        problems.append(FieldError("address", "number_class", message))
    if _double(asked, body) and body.channel in SENT_CHANNELS:
        problems += _cannot_ask(asked, now)
    return problems


def _another_wording(asked: Asked, body: ConsentBody) -> Iterator[FieldError]:
    """Whether the registered wording is for something else than this consent."""
    if asked.wording is None:
        return
    if body.language and body.language != asked.wording["language"]:
        message = f"the wording is in {asked.wording['language']}: leave the language out"
        yield FieldError("language", "wording_in_another_language", message)
    told: dict[str, set[str]] = {
        "channel": {str(body.channel)} - set(asked.wording["channels"]),
        "purposes": set(map(str, body.purposes)) - set(asked.wording["purposes"]),
        "address": {asked.phone.country} - set(asked.wording["countries"]),
    }
    for name, beyond in told.items():
        if beyond:
            message = (
                f"this wording is not for {', '.join(sorted(beyond))}: show one that is registered for it"
            )
            yield FieldError(name, "wording_for_another", message)


def _cannot_ask(asked: Asked, now: datetime) -> Iterator[FieldError]:
    """Why nobody may ask the person to confirm, or the sender cannot and hear the answer."""
    ban = asked.pack.resolicit_block
    until = asked.standing.banned_until(ban.value) if ban else None
    if ban and until and now < until:
        message = f"they opted out: nobody asks them to confirm before {shown(until)} [{ban.rule}]"
        yield FieldError("address", "opted_out", message)
    if asked.sender is None:
        yield FieldError("sender", "missing", "a double opt-in needs a sender that asks for it")
        return
    if not asked.sender.two_way:
        yield FieldError("sender", "sender_one_way", "nobody can answer it; use a sender that gets replies")
    if asked.phone.country not in asked.sender.countries:
        message = f"it is not registered in {asked.phone.country}; use one that is"
        yield FieldError("sender", "sender_not_registered", message)


def _rules(asked: Asked, body: ConsentBody, purpose: Purpose) -> Rules:
    """What pack and brand ask of the consent, without what the brand relaxes."""
    rules = asked.brand.rules(asked.pack, body.channel, purpose, asked.phone.subdivisions)
    return rules.without(asked.brand.relax)


def _relaxed(asked: Asked, body: ConsentBody) -> dict[str, str]:
    """The demands on this consent that the brand's entry took away, for the ledger to show."""
    of_all = (
        rule
        for purpose in body.purposes
        for rule in asked.brand.rules(asked.pack, body.channel, purpose, asked.phone.subdivisions).asking()
    )
    names = {rule.rule for rule in of_all if rule.rule in asked.brand.relax and rule.relaxable}
    return {"relaxed": ", ".join(sorted(names))} if names else {}


def _double(asked: Asked, body: ConsentBody) -> bool:
    """Whether the person is asked to confirm: by their pack, or because the brand always asks.

    Only an express yes can be confirmed; what rests on a purchase or a register is none.
    """
    if body.basis is not Basis.EXPRESS:
        return False
    return asked.brand.double_opt_in or any(
        rule.double_opt_in for purpose in body.purposes for rule in _rules(asked, body, purpose).consent
    )


def _act_of(
    rt: Runtime, asked: Asked, body: ConsentBody, taken: Capture, captured_at: datetime, now: datetime
) -> Event:
    pending = _double(asked, body)
    lifetime = asked.pack.double_opt_in_expiry.value if pending else asked.pack.lifetime(body.basis)
    told = body.model_dump(mode="json")
    return Event(
        id=f"consent-{identity.fingerprint(rt, told)}",
        type=EventType.CONSENT_PENDING if pending else EventType.CONSENT_GRANTED,
        given_at=captured_at,
        recorded_at=now,
        address=asked.recipient_id,
        channel=body.channel,
        source=taken.source,
        purposes=tuple(sorted(body.purposes)),
        expires_at=captured_at + lifetime if lifetime else None,
        details=_details(asked, body, taken),
    )


def _details(asked: Asked, body: ConsentBody, taken: Capture) -> dict[str, str]:
    """What everybody may know of the act: the words, and how and where the person said yes to them."""
    told: dict[str, str | None] = {
        "wording": None if asked.wording else taken.wording,
        "wording_id": asked.wording["id"] if asked.wording else None,
        "wording_version": str(asked.wording["version"]) if asked.wording else None,
        # Of words that stand here themselves, the chained words say more than their hash.
        "wording_sha256": capture.wording_hash(taken.wording) if asked.wording else None,
        "screenshot": asked.wording.get("screenshot") if asked.wording else None,
        "language": taken.language,
        "method": str(taken.method) if taken.method else None,
        "basis": str(taken.basis),
        "prechecked": _yes_or_no(taken.prechecked),
        "condition_of_purchase": _yes_or_no(taken.condition_of_purchase),
        "page": body.page,
        "app_version": body.app_version,
        "store": body.store,
        "pack": f"{asked.pack.id} {asked.pack.version}",
        **_relaxed(asked, body),
    }
    return {name: text for name, text in told.items() if text is not None}


def _yes_or_no(told: bool | None) -> str | None:
    return None if told is None else "yes" if told else "no"


def _request(rt: Runtime, asked: Asked, taken: Capture, act: Event, key: bytes, now: datetime) -> Item | None:
    """The message that asks the person to confirm, at once and in the language that they agreed in."""
    sender = asked.sender
    if sender is None:
        return None
    message = Message(
        brand=asked.brand.id,
        sender=sender.id,
        channel=sender.channel,
        purpose=Purpose.MARKETING,
        language=taken.language,
        expires_at=now + asked.pack.confirmation.deadline,
        kind=Kind.OPT_IN_REQUEST,
        answers=act.given_at,
    )
    template = texts(asked.pack, taken.language, Kind.OPT_IN_REQUEST)
    text = template.format(brand=asked.brand.name, contact=asked.brand.contact, sender=sender.address)
    return acts.reply(rt, message, act.id, asked.recipient_id, key, asked.phone.e164, text)


def _said(asked: Asked, body: ConsentBody, act: Event, standing: Standing, now: datetime) -> dict[str, Any]:
    statuses = {purpose: standing.status(body.channel, purpose, now) for purpose in body.purposes}
    return {
        "event_id": act.id,
        "recipient_id": asked.recipient_id,
        "status": str(next(iter(statuses.values()))) if len(set(statuses.values())) == 1 else "mixed",
        "consents": [
            {
                "channel": str(body.channel),
                "purpose": str(purpose),
                "status": str(status),
                **({"expires_at": shown(act.expires_at)} if act.expires_at else {}),
            }
            for purpose, status in statuses.items()
        ],
    }
