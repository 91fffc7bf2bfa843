"""What does a person ask of their own data? To see it or to have it erased, each by a deadline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from izin import dossier as paper
from izin.api import AccessBody, ErasureBody, RequestBody
from izin.aws import acts, aliases, asking, dossier, http, identity, ledger, rights, state
from izin.aws.http import Answer, Principal, refuse
from izin.aws.rights import Request
from izin.aws.runtime import Runtime, runtime
from izin.aws.state import Draft
from izin.domain.events import Event, EventType
from izin.domain.message import Channel
from izin.domain.rights import SETTLED, Right, due_at, suppression
from izin.domain.times import shown, to_millisecond

logger = Logger()

_CLOCKS_DIFFER = timedelta(minutes=2)


def handler(event: dict[str, Any], _context: object) -> Answer:
    """`POST` and `GET /v1/recipients/{recipient_id}/access`, `POST …/erasure`."""
    return http.respond(logger, lambda: _ROUTES[event["routeKey"]](runtime(), event))


def ask_access(rt: Runtime, event: http.Event) -> Answer:
    """Register a request for access, or note that what `show` answers was handed over."""
    now = to_millisecond(rt.now())
    body = http.parse(AccessBody, http.raw_body(event))
    recipient_id = _recipient(rt, event, http.principal(event), body.brand)
    if body.handed_over_at is None:
        request = _register(rt, Right.ACCESS, recipient_id, body, now)
        act = _event(EventType.ACCESS_REQUESTED, f"access-{body.id}", request, request.requested_at, now)
        acts.record(rt, request.brand, recipient_id, Draft(act, {}, None))
        return http.answer(HTTPStatus.ACCEPTED, _said(request))
    found = _made(rt, recipient_id, body.id)
    if found is None or found.right is not Right.ACCESS:
        message = "register the request first: the same call without handed_over_at"
        raise refuse(HTTPStatus.NOT_FOUND, "id", "unknown_request", message)
    given_at = to_millisecond(min(body.handed_over_at, now))
    act = _event(EventType.ACCESS_GIVEN, f"access-given-{body.id}", found, given_at, now)
    acts.record(rt, found.brand, recipient_id, Draft(act, {}, None))
    rights.close(rt, found, given_at)
    return http.answer(HTTPStatus.OK, _said(rights.find(rt, found.recipient_id, body.id) or found))


def show(rt: Runtime, event: http.Event) -> Answer:
    """Everything that is kept of the person: JSON, or a page where the caller accepts HTML."""
    reader = http.principal(event)
    recipient_id = _recipient(rt, event, reader, None if reader.brand == "*" else reader.brand)
    brands = state.brands(rt, recipient_id)
    kept = dossier.gather(rt, recipient_id, brands if reader.brand == "*" else brands & {reader.brand})
    if "text/html" in (event.get("headers") or {}).get("accept", ""):
        return http.page(paper.page(kept))
    return http.answer(HTTPStatus.OK, kept)


def ask_erasure(rt: Runtime, event: http.Event) -> Answer:
    """Register an erasure and stop everything at once; the sweep erases as soon as nothing is on its way."""
    now = to_millisecond(rt.now())
    body = http.parse(ErasureBody, http.raw_body(event))
    recipient_id = _recipient(rt, event, http.principal(event), body.brand)
    request = _register(rt, Right.ERASURE, recipient_id, body, now)
    draft = Draft(suppression(recipient_id, request.id, request.source, request.requested_at, now), {}, None)
    silent_from = acts.opt_out_everywhere(rt, request.brand, recipient_id, draft)
    return http.answer(HTTPStatus.ACCEPTED, {**_said(request), "silent_from": shown(silent_from)})


def _recipient(rt: Runtime, event: http.Event, reader: Principal, brand: str | None) -> str:
    """Who the pseudonym of the path is, if `brand` has a record of them. Raises Problem 403 or 404."""
    reader.demand("rights", brand)
    recipient_id: str = event["pathParameters"]["recipient_id"]
    brands = frozenset[str]()
    if identity.is_pseudonym(recipient_id):
        recipient_id = aliases.primary(rt, recipient_id)
        brands = state.brands(rt, recipient_id)
    if not brands or (brand is not None and brand not in brands):
        message = "this brand has no record of them; POST /v1/recipients/lookup gives the id of a number"
        raise refuse(HTTPStatus.NOT_FOUND, "recipient_id", "unknown_recipient", message)
    return recipient_id


def _register(rt: Runtime, right: Right, recipient_id: str, body: RequestBody, now: datetime) -> Request:
    asking.without_numbers(id=body.id, source=body.source)
    requested_at = to_millisecond(body.requested_at or now)
    if requested_at > now + _CLOCKS_DIFFER:
        message = "a request was made before it is told"
        raise refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "requested_at", "in_the_future", message)
    pack = dossier.pack_by(ledger.events(rt, body.brand, recipient_id))
    due = due_at(right, requested_at, pack)
    request = Request(
        recipient_id=recipient_id,
        id=body.id,
        right=right,
        brand=body.brand,
        source=body.source,
        requested_at=requested_at,
        due_at=due,
        wake_at=due if right is Right.ACCESS else now + SETTLED,
    )
    registered = rights.register(rt, request)
    if registered.right is not right:
        message = "this id belongs to a request of another kind: use an id of its own"
        raise refuse(HTTPStatus.CONFLICT, "id", "id_reused", message)
    return registered


def _made(rt: Runtime, recipient_id: str, request_id: str) -> Request | None:
    """A request of the person, also one that was made at another address before it was known for theirs."""
    names = (recipient_id, *sorted(state.aliases(rt, recipient_id)))
    return next((found for one in names if (found := rights.find(rt, one, request_id))), None)


def _event(type_: EventType, event_id: str, request: Request, given_at: datetime, now: datetime) -> Event:
    return Event(
        id=event_id,
        type=type_,
        given_at=given_at,
        recorded_at=now,
        address=request.recipient_id,
        channel=Channel.SMS,
        source=request.source,
        details={"request": request.id, "due_at": shown(request.due_at)},
    )


def _said(request: Request) -> dict[str, Any]:
    said = {
        "id": request.id,
        "recipient_id": request.recipient_id,
        "right": str(request.right),
        "requested_at": shown(request.requested_at),
        "due_at": shown(request.due_at),
        "status": "answered" if request.answered_at else "open",
    }
    if request.answered_at:
        said["answered_at"] = shown(request.answered_at)
    return said


_ROUTES: dict[str, Callable[[Runtime, http.Event], Answer]] = {
    "POST /v1/recipients/{recipient_id}/access": ask_access,
    "GET /v1/recipients/{recipient_id}/access": show,
    "POST /v1/recipients/{recipient_id}/erasure": ask_erasure,
}
