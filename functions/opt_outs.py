"""An opt-out that did not come as a reply: from an app, an agent, a letter. It holds at once.

And what a reply was that may have been one: whoever read it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from izin.api import OptOutBody, ReadingBody
from izin.aws import acts, aliases, asking, codec, http, identity, ledger
from izin.aws.asking import UNPROCESSABLE, Asked
from izin.aws.http import Answer, Principal, refuse
from izin.aws.runtime import Runtime, runtime
from izin.aws.state import Draft
from izin.domain import prompts
from izin.domain.consent import Scope, Suppression
from izin.domain.events import Event, EventType
from izin.domain.times import from_text, shown, to_millisecond, to_text

logger = Logger()

_CLOCKS_DIFFER = timedelta(minutes=2)


def handler(event: dict[str, Any], _context: object) -> Answer:
    """`POST /v1/opt-outs`, one or a batch; `POST /v1/recipients/{recipient_id}/replies`."""
    return http.respond(logger, lambda: _ROUTES[event["routeKey"]](runtime(), event))


def opt_out(rt: Runtime, event: http.Event) -> Answer:
    """Block, record, and name the instant from which the person is left alone."""
    return _opt_out(rt, http.principal(event), http.parse(OptOutBody, http.raw_body(event)), dry_run=False)


def opt_out_batch(rt: Runtime, event: http.Event) -> Answer:
    """`POST /v1/opt-outs/batch`: up to 100, each judged alone, with a status of its own."""
    batch, principal = http.batch(event, "opt_outs", frozenset({"dry_run"})), http.principal(event)
    dry_run = batch.get("dry_run", False)
    return http.results(
        logger,
        batch["opt_outs"],
        lambda item: _opt_out(rt, principal, http.item(OptOutBody, item), dry_run=dry_run),
    )


def _opt_out(rt: Runtime, principal: Principal, body: OptOutBody, *, dry_run: bool) -> Answer:
    now = to_millisecond(rt.now())
    principal.demand("opt_out", body.brand)
    if body.given_at and body.given_at > now + _CLOCKS_DIFFER:
        raise refuse(UNPROCESSABLE, "given_at", "in_the_future", "an opt-out was given before it is told")
    asked = asking.gather(rt, body, body.brand, None, body.address, "address", body.channel)
    act = _act_of(rt, asked, body, now)
    said = {"event_id": act.id, "recipient_id": asked.recipient_id}
    if dry_run:
        return http.answer(HTTPStatus.OK, said)
    earlier = ledger.earlier(rt, asked.state, act, now)
    if earlier and not body.company_wide:  # a company-wide one may still have to reach another brand
        return http.answer(HTTPStatus.OK, {**said, "silent_from": shown(from_text(earlier["silent_from"]))})
    evidence = {"address": asked.phone.e164, **({"reason": body.reason} if body.reason else {})}
    draft = ledger.draft(asked.key(rt), asked.recipient_id, act, evidence)
    everywhere = acts.opt_out_everywhere if body.company_wide else acts.opt_out
    silent_from = everywhere(rt, body.brand, asked.recipient_id, draft)
    return http.answer(HTTPStatus.OK, {**said, "silent_from": shown(silent_from)})


def _act_of(rt: Runtime, asked: Asked, body: OptOutBody, now: datetime) -> Event:
    # The same id with another body is another act: an opt-out is never taken for one told before.
    told = body.model_dump(mode="json")
    if body.id is None:
        told["given_at"] = to_text(body.given_at or now)
    wide = Scope.REVOKE_ALL if asked.pack.revoke_all.value and body.scope is Scope.ALL else body.scope
    suppressed = body.do_not_contact or body.company_wide
    return Event(
        id=f"opt-out-{identity.fingerprint(rt, told)}",
        type=EventType.OPT_OUT,
        given_at=to_millisecond(min(body.given_at or now, now)),
        recorded_at=now,
        address=asked.recipient_id,
        channel=body.channel,
        source=body.source,
        scope=wide,
        kind=Suppression.DO_NOT_CONTACT if suppressed else Suppression.OPT_OUT,
        company_wide=body.company_wide,
        details=prompts.details(asked.phone.country),
    )


def read_reply(rt: Runtime, event: http.Event) -> Answer:
    """An unclear reply was none: marketing goes on, unless another one waits or the person opted out."""
    body = http.parse(ReadingBody, http.raw_body(event))
    http.principal(event).demand("consent", body.brand)
    asking.without_numbers(source=body.source)
    recipient_id = aliases.primary(rt, event["pathParameters"]["recipient_id"])
    reply = _unclear(rt, body.brand, recipient_id, body.reply)
    act = replace(
        reply,
        id=f"read-{reply.id}",
        type=EventType.REPLY_READ,
        recorded_at=to_millisecond(rt.now()),
        source=body.source,
        by_person=False,
        details={"reply": reply.id},
    )
    standing = acts.record(rt, body.brand, recipient_id, Draft(act, {}, None))
    said = {"event_id": act.id, "recipient_id": recipient_id, "waits": standing.is_unclear(reply.channel)}
    return http.answer(HTTPStatus.OK, said)


def _unclear(rt: Runtime, brand: str, recipient_id: str, reply: str) -> Event:
    """The unclear reply that the person sent under this id. Raises Problem 404."""
    for item in ledger.events(rt, brand, recipient_id) if identity.is_pseudonym(recipient_id) else ():
        if (item["id"], item["type"]) == (reply, EventType.REPLY_UNCLEAR):
            return codec.event(item)
    message = "this brand has no unclear reply of that id; GET /v1/recipients/{recipient_id}/ledger has all"
    raise refuse(HTTPStatus.NOT_FOUND, "reply", "unknown_reply", message)


_ROUTES: dict[str, Callable[[Runtime, http.Event], Answer]] = {
    "POST /v1/opt-outs": opt_out,
    "POST /v1/opt-outs/batch": opt_out_batch,
    "POST /v1/recipients/{recipient_id}/replies": read_reply,
}
