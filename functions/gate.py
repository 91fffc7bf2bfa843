"""May this message go? The send-gate: check, submit one or a batch, look up, cancel."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from izin import answers, api
from izin.api import Check, Question, Submission
from izin.aws import asking, contents, http, identity, messages, pages, queue, registry
from izin.aws.asking import UNPROCESSABLE, Asked
from izin.aws.contents import Contents
from izin.aws.dynamo import Item, get
from izin.aws.http import Answer, Principal, refuse
from izin.aws.messages import Status, Stored
from izin.aws.pages import Page
from izin.aws.queue import Ticket
from izin.aws.runtime import Runtime, runtime
from izin.domain import gate, templates, way_out
from izin.domain.gate import Decision, Verdict
from izin.domain.message import SENT_CHANNELS, Channel, Filled, Message, Template
from izin.domain.pack import Rules
from izin.domain.prompts import Prompt
from izin.domain.times import shown, to_millisecond
from izin.domain.way_out import Ending, Road

logger = Logger()


def handler(event: dict[str, Any], _context: object) -> Answer:
    """The gate's calls; API Gateway has matched the route already."""
    return http.respond(logger, lambda: _ROUTES[event["routeKey"]](runtime(), event))


def check(rt: Runtime, event: http.Event) -> Answer:
    """`POST /v1/check`: claims nothing, stores nothing, sends nothing."""
    now = rt.now()
    body = http.parse(Check, http.raw_body(event))
    http.principal(event).demand("check", body.brand)
    asked = _gather(rt, body)
    ending = _ending(rt, asked, body, way_out.SAMPLE)
    message = _message(asked, body, ending)
    made = _decide(asked, message, body.at or now)
    _count("Checked", made)
    answer = answers.decision(made, asked.recipient_id, asked.phone)
    return http.answer(HTTPStatus.OK, {**answer, **answers.ending(ending)})


def submit(rt: Runtime, event: http.Event) -> Answer:
    """`POST /v1/messages`: decide, store under the caller's id, and send on its way what may go now."""
    body = http.parse(Submission, http.raw_body(event))
    status, answer, ticket = _submit(rt, http.principal(event), body)
    queue.enqueue(rt, [ticket] if ticket else [])
    return http.answer(status, answer)


def submit_batch(rt: Runtime, event: http.Event) -> Answer:
    """`POST /v1/messages/batch`: up to 100 messages, each judged alone, each with a status of its own."""
    items = http.batch(event, "messages")["messages"]
    principal, tickets = http.principal(event), list[Ticket]()

    def one(item: Any) -> Answer:
        status, answer, ticket = _submit(rt, principal, http.item(Submission, item))
        tickets.extend([ticket] if ticket else [])
        return http.answer(status, answer)

    judged = http.results(logger, items, one)
    queue.enqueue(rt, tickets)
    return judged


def _submit(
    rt: Runtime, principal: Principal, body: Submission
) -> tuple[HTTPStatus, dict[str, Any], Ticket | None]:
    now = to_millisecond(rt.now())
    principal.demand("send", body.brand)
    asked = _gather(rt, body)
    token = pages.token(rt, messages.message_key(body.brand, body.id)) if body.append_opt_out else ""
    ending = _ending(rt, asked, body, token)
    message = _message(asked, body, ending)
    start = max(now, to_millisecond(body.not_before)) if body.not_before else now
    expires_at = body.expires_at or start + asked.pack.message_expiry.of(body.purpose)
    message = replace(message, campaign=body.campaign, expires_at=to_millisecond(expires_at))
    made = _decide(asked, message, start)._replace(decided_at=now)
    item = _item(rt, asked, body, message, made, now, start, ending)
    if ending and ending.road is Road.LINK and made.verdict is not Verdict.DENY:
        _open_page(rt, asked, message, body.id, token, now)  # first: no text leads nowhere
    existing = messages.put(rt, item)
    if existing and existing.fingerprint not in identity.fingerprints(rt, _told(body)):
        detail = "this id belongs to a message with another body: send this one under an id of its own"
        raise refuse(HTTPStatus.CONFLICT, "id", "id_reused", detail)
    answer = _first_answer(existing) if existing else _answer(messages.read(item))
    _count("Submitted", made)
    ticket = None
    # A repeat may be all that its caller heard of the first time: better a ticket too many.
    if (existing.status if existing else item["status"]) == Status.DUE:
        ticket = Ticket(item["pk"], asked.recipient_id, message.sender)
    return _status_of(answer), answer, ticket


def _gather(rt: Runtime, body: Question) -> Asked:
    """One read trip: the registry where it is not at hand, the person's state, and their key."""
    template_id = body.template.id if body.template else None
    return asking.gather(rt, body, body.brand, body.sender, body.to, "to", body.channel, template_id)


def _message(asked: Asked, body: Question, ending: Ending | None) -> Message:
    text = body.text if body.template is None else _rendered(asked, body)
    return Message(
        brand=body.brand,
        sender=body.sender or "",
        channel=body.channel,
        purpose=body.purpose,
        text=ending.text if ending else text,
        variables=len(body.template.variables) if body.template else None,
        template=_template(asked, body),
        language=body.language or (asked.template["language"] if asked.template else None),
        basis=body.basis,
        essential=body.essential,
    )


def _ending(rt: Runtime, asked: Asked, body: Question, token: str) -> Ending | None:
    """The text with the way out that it was asked to end with, in the language that it is in."""
    if not body.append_opt_out or asked.sender is None or body.text is None:
        return None
    return way_out.ended(
        body.text,
        _rules(asked, body),
        asked.pack,
        asked.brand,
        asked.sender,
        language=body.language or asked.sender.language,
        token=token,
        page_url=rt.page_url,
    )


def _open_page(
    rt: Runtime, asked: Asked, message: Message, message_id: str, token: str, now: datetime
) -> None:
    """Make the link in a text good."""
    language = message.language or (asked.sender.language if asked.sender else None)
    page = Page(
        pk=pages.page_key(token),
        brand=message.brand,
        recipient_id=asked.recipient_id,
        country=asked.phone.country,
        channel=message.channel,
        language=language,
        prompt=Prompt(message_id, message.sender, None, message.campaign),
        expires_at=(message.expires_at or now) + pages.KEEP,
    )
    pages.put(rt, page)


def _rules(asked: Asked, about: Question | Message) -> Rules:
    rules = asked.brand.rules(asked.pack, about.channel, about.purpose, asked.phone.subdivisions)
    return rules.without(asked.brand.relax)


def _template(asked: Asked, body: Question) -> Template | None:
    if body.template is None or asked.template is None:
        return None
    return registry.template(asked.template, body.template.variables)


def _filled(asked: Asked, message: Message) -> Filled | None:
    """The template as its platform wants it, where it is the platform that fills it in."""
    if message.channel is not Channel.WHATSAPP or message.template is None or asked.template is None:
        return None
    template = message.template
    return Filled(template.name, asked.template["language"], template.values, template.button)


def _rendered(asked: Asked, body: Question) -> str:
    if body.template is None or asked.template is None:
        raise LookupError("no template was read")
    if (asked.template["channel"], asked.template["purpose"]) != (body.channel, body.purpose):
        raise refuse(
            UNPROCESSABLE, "template.id", "template_for_another_use", "it has another channel or purpose"
        )
    try:
        text = templates.render(asked.template["text"], body.template.variables)
    except templates.WrongVariables as error:
        raise refuse(
            UNPROCESSABLE, "template.variables", "template_variables", f"give {error.wanted} variables"
        ) from None
    if not text.strip() or len(text) > api.TEXT_LIMIT:
        limits = f"a text has 1 to {api.TEXT_LIMIT} characters"
        raise refuse(UNPROCESSABLE, "template.variables", "template_variables", limits)
    return text


def _decide(asked: Asked, message: Message, at: datetime) -> Decision:
    if message.channel not in SENT_CHANNELS:
        return gate.prefer(message, _rules(asked, message), asked.standing, asked.pack, at)
    if asked.sender is None:
        raise LookupError("a question about what is sent names its sender")
    return gate.decide(
        message,
        asked.phone,
        asked.standing,
        asked.state.sends,
        asked.brand,
        asked.sender,
        asked.pack,
        at,
        asked.state.contact(asked.sender.id),
    )


def _item(
    rt: Runtime,
    asked: Asked,
    body: Submission,
    message: Message,
    made: Decision,
    now: datetime,
    start: datetime,
    ending: Ending | None,
) -> Item:
    key = asked.key(rt)
    pk = messages.message_key(message.brand, body.id)
    sealed = contents.seal(key, pk, Contents(asked.phone.e164, message.text or "", _filled(asked, message)))
    due = {Verdict.ALLOW: start, Verdict.DEFER: made.until, Verdict.DENY: None}[made.verdict]
    answer = {**answers.decision(made, asked.recipient_id, asked.phone), **answers.ending(ending)}
    item = messages.new(
        message,
        body.id,
        asked.recipient_id,
        sealed,
        now,
        fingerprint=identity.fingerprint(rt, _told(body)),
        answer=json.dumps({**answer, **({"due": shown(due)} if due else {})}, ensure_ascii=False),
    )
    if due is None:
        return messages.denied(item, now)
    return messages.due(item, now, now) if due == now else messages.held(item, now, due)


def _told(body: Submission) -> dict[str, Any]:
    return body.model_dump(mode="json")


def _first_answer(stored: Stored) -> dict[str, Any]:
    """What was answered when the message first came, whatever became of it since."""
    return answers.message(stored.id, json.loads(stored.answer), stored.history[:1], 0)


def _answer(stored: Stored) -> dict[str, Any]:
    said = {**json.loads(stored.decision), "due": shown(stored.due) if stored.due else None}
    claimed = [entry for entry in stored.history if entry["status"] == Status.SENDING]
    if claimed:  # the decision at hand-over was the last, and to allow
        said |= {"verdict": str(Verdict.ALLOW), "until": None, "reasons": []}
        said["decided_at"] = claimed[-1]["at"]
    return answers.message(stored.id, said, stored.history, stored.attempts)


def _status_of(answer: dict[str, Any]) -> HTTPStatus:
    return HTTPStatus.OK if answer["verdict"] == Verdict.DENY else HTTPStatus.ACCEPTED


def look_up(rt: Runtime, event: http.Event) -> Answer:
    """`GET /v1/messages/{id}`."""
    principal = http.principal(event)
    principal.demand("read")
    return http.answer(HTTPStatus.OK, _answer(_find(rt, principal, event)))


def cancel(rt: Runtime, event: http.Event) -> Answer:
    """`DELETE /v1/messages/{id}`: while it waits; a message on its way cannot be called back."""
    principal = http.principal(event)
    principal.demand("send")
    stored = _find(rt, principal, event)
    if stored.status is not Status.CANCELLED and not messages.end(rt, stored, rt.now(), Status.CANCELLED):
        raise refuse(
            HTTPStatus.CONFLICT, "id", "not_waiting", "only a message that is due or held can be cancelled"
        )
    return http.answer(HTTPStatus.OK, _answer(_find(rt, principal, event)))


def _find(rt: Runtime, principal: Principal, event: http.Event) -> Stored:
    message_id = event["pathParameters"]["id"]
    pk = messages.message_key(principal.named_brand(event), message_id)
    item = get(rt, rt.messages_table, {"pk": pk}) if api.is_message_id(message_id) else None
    if item is None:
        raise refuse(HTTPStatus.NOT_FOUND, "id", "unknown_message", "no message of this brand has this id")
    return messages.read(item)


def _count(name: str, made: Decision) -> None:
    with single_metric(name=name, unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(name="verdict", value=str(made.verdict))


_ROUTES: dict[str, Callable[[Runtime, http.Event], Answer]] = {
    "POST /v1/check": check,
    "POST /v1/messages": submit,
    "POST /v1/messages/batch": submit_batch,
    "GET /v1/messages/{id}": look_up,
    "DELETE /v1/messages/{id}": cancel,
}
