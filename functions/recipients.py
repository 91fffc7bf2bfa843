"""What do we know of this person? Their pseudonym, standing and ledger, and a certificate of it all."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from izin import certificate
from izin.api import LookupBody
from izin.aws import aliases, asking, certifying, codec, http, identity, ledger, log, state
from izin.aws.http import Answer, refuse
from izin.aws.runtime import Runtime, runtime
from izin.aws.state import State
from izin.domain import chain, whatsapp
from izin.domain.times import shown

logger = Logger()


def handler(event: dict[str, Any], _context: object) -> Answer:
    """`POST /v1/recipients/lookup`, `GET /v1/recipients/{recipient_id}`, ledger, proof and certificate."""
    return http.respond(logger, lambda: _ROUTES[event["routeKey"]](runtime(), event))


def look_up(rt: Runtime, event: http.Event) -> Answer:
    """From an address in a body to the pseudonym that URLs, logs and exports carry."""
    body = http.parse(LookupBody, http.raw_body(event))
    http.principal(event).demand("read")
    if whatsapp.is_user_id(body.address):
        recipient_id = aliases.known_as(rt, body.address)
    else:
        recipient_id = identity.recipient(rt, asking.number(body.address, "address").e164)
    return http.answer(HTTPStatus.OK, {"recipient_id": recipient_id})


def show(rt: Runtime, event: http.Event) -> Answer:
    """A person's standing with the brand: consents as they hold now, blocks, and the ledger's head."""
    seen, now = _state(rt, event), rt.now()
    standing = seen.standing
    slots = sorted({*standing.granted, *standing.pending})
    consents = [
        {"channel": str(c), "purpose": str(p), "status": str(standing.status(c, p, now))} for c, p in slots
    ]
    body = {
        "recipient_id": seen.recipient_id,
        "brand": seen.brand,
        "consents": consents,
        "standing": codec.standing_item(standing),
        "recent_sends": [{"at": shown(s.at), "purpose": s.purpose, "channel": s.channel} for s in seen.sends],
        "ledger": {"events": seen.seq, "head": seen.head},
    }
    return http.answer(HTTPStatus.OK, body)


def show_ledger(rt: Runtime, event: http.Event) -> Answer:
    """Every event in order, as it was chained; personal evidence shows as commitments."""
    seen = _state(rt, event)
    events = _events(rt, seen)
    fault = chain.verify(events, seen.head, rt.now())
    body = {"recipient_id": seen.recipient_id, "brand": seen.brand, "head": seen.head, "events": events}
    if fault:
        logger.error("ledger does not verify", extra={"recipient_id": seen.recipient_id, "seq": fault.seq})
    return http.answer(HTTPStatus.OK, {**body, "verifies": fault is None})


def show_proof(rt: Runtime, event: http.Event) -> Answer:
    """A file that shows a stranger, who has the log's public key, that all this was written and when."""
    seen = _state(rt, event)
    events = _events(rt, seen)
    proved = log.proof(rt, seen.brand, events)
    if proved is None:
        raise refuse(
            HTTPStatus.NOT_FOUND, "recipient_id", "not_logged_yet", "events are signed for within minutes"
        )
    about = {"format": log.PROOF, "brand": seen.brand, "recipient_id": seen.recipient_id}
    return http.answer(HTTPStatus.OK, {**about, "events": events, **proved})


def show_certificate(rt: Runtime, event: http.Event) -> Answer:
    """Everything that a stranger needs to see: HTML that prints for a browser, else JSON.

    The number and other personal evidence show to a key that also has the scope `personal`.
    """
    seen, now = _state(rt, event), rt.now()
    items = [item for item in ledger.events(rt, seen.brand, seen.recipient_id) if item["seq"] <= seen.seq]
    brand, events = certifying.shown(rt, seen.brand, seen.recipient_id, items)
    public = [{name: value for name, value in one.item.items() if name != "personal"} for one in events]
    fault = chain.verify(public, seen.head, now)
    told = certificate.document(
        brand,
        seen.recipient_id,
        events,
        seen.standing,
        certifying.asked(brand, events),
        seen.head,
        fault.problem if fault else None,
        log.proof(rt, seen.brand, public),
        now,
        personal="personal" in http.principal(event).scopes,
    )
    if not _for_a_browser(event):
        return http.answer(HTTPStatus.OK, told)
    body = certificate.page(told)
    return {"statusCode": int(HTTPStatus.OK), "headers": dict(certificate.headers()), "body": body}


def _for_a_browser(event: http.Event) -> bool:
    wanted = (event.get("queryStringParameters") or {}).get("format")
    accepted = event.get("headers", {}).get("accept", "")
    return wanted == "html" or (wanted is None and "text/html" in accepted)


def _events(rt: Runtime, seen: State) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in item.items() if name not in ("pk", "sealed", "ttl")}
        for item in ledger.events(rt, seen.brand, seen.recipient_id)
        if item["seq"] <= seen.seq  # what was appended since the state was read has a head of its own
    ]


def _state(rt: Runtime, event: http.Event) -> State:
    principal = http.principal(event)
    principal.demand("read")
    recipient_id = event["pathParameters"]["recipient_id"]
    brand = principal.named_brand(event)
    seen = state.fetch(rt, brand, recipient_id) if identity.is_pseudonym(recipient_id) else None
    if seen is None or seen.version == 0:
        raise refuse(
            HTTPStatus.NOT_FOUND,
            "recipient_id",
            "unknown_recipient",
            "this brand has no record of them; POST /v1/recipients/lookup gives the id of a number",
        )
    return seen


_ROUTES: dict[str, Callable[[Runtime, http.Event], Answer]] = {
    "POST /v1/recipients/lookup": look_up,
    "GET /v1/recipients/{recipient_id}": show,
    "GET /v1/recipients/{recipient_id}/ledger": show_ledger,
    "GET /v1/recipients/{recipient_id}/proof": show_proof,
    "GET /v1/recipients/{recipient_id}/certificate": show_certificate,
}
