"""What happened on WhatsApp? Replies, stop buttons, preferences, and what became of our messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from izin.aws import acts, aliases, batch, identity, ledger, messages, queue, receiving, replying, state
from izin.aws.dynamo import get
from izin.aws.messages import Stored
from izin.aws.receiving import Early
from izin.aws.replying import Heard
from izin.aws.runtime import Runtime, runtime
from izin.aws.state import Draft
from izin.domain import folding, keywords, phone, whatsapp
from izin.domain.events import EventType
from izin.domain.inbound import Inbound, Malformed, read_object
from izin.domain.keywords import Intent, Reply
from izin.domain.message import Channel
from izin.domain.phone import InvalidNumber
from izin.domain.receipts import Outcome
from izin.domain.whatsapp import Fate, Happening, Moved, Preference, Said

logger = Logger()


def handler(event: dict[str, Any], context: Any) -> Any:
    """Take a batch of SNS notifications from SQS; what fails goes back to the queue alone."""
    rt = runtime()
    return batch.each(
        logger,
        event,
        context,
        lambda record: receive(rt, record["body"], int(record["attributes"]["ApproximateReceiveCount"])),
    )


def receive(rt: Runtime, body: str, deliveries: int) -> None:
    """Act on every event of a notification. What cannot be read is set aside with its reasons.

    All events have their turn before one that came too early sends the notification back to the queue;
    what was acted on is known for a repeat then.
    """
    try:
        notification = whatsapp.parse(str(read_object(body).get("Message", "")))
    except Malformed as error:
        _set_aside(rt, body, [error.reason])
        return
    faults, early = list(notification.faults), None
    for happening in notification.happenings:
        try:
            _act(rt, happening, deliveries)
        except Malformed as error:
            faults.append(error.reason)
        except Early as error:
            early = error
    if early:
        raise early
    if faults:
        _set_aside(rt, body, faults)


def _set_aside(rt: Runtime, body: str, reasons: list[str]) -> None:
    reason = ",".join(sorted(set(reasons)))
    queue.set_aside(rt, body, reason)
    logger.warning("WhatsApp event set aside", extra={"reason": reason})


def _act(rt: Runtime, happening: Happening, deliveries: int) -> None:
    match happening:
        case Said():
            _reply(rt, happening)
        case Preference():
            _prefer(rt, happening)
        case Fate():
            _settle(rt, happening, deliveries)
        case Moved():
            _move(rt, happening)
        case _:
            assert_never(happening)


def _reply(rt: Runtime, said: Said) -> None:
    person = said.person
    follows = Inbound(said.id, person.number, said.sender_address, said.text, said.follows, person.user_id)
    heard = _heard(rt, follows, said.at)
    if said.pressed and whatsapp.stops_promotions(said.pressed):
        reply = Reply(Intent.OPT_OUT, "marketing", folding.fold(said.pressed))
    else:
        reply = keywords.read(said.text, heard.country)
    is_no = reply.intent in (Intent.OPT_OUT, Intent.UNCLEAR)
    given_at = whatsapp.given_at(said.at, rt.now(), is_no=is_no)
    replying.follow(rt, replace(heard, given_at=given_at), reply)
    state.heard(rt, heard.brand.id, heard.state.recipient_id, heard.sender.id, heard.given_at)
    _remember(rt, heard)


def _prefer(rt: Runtime, preference: Preference) -> None:
    """The person told the platform: nobody answers, it has done so."""
    person = preference.person
    said = Inbound("", person.number, preference.sender_address, "", user_id=person.user_id)
    heard = _heard(rt, said, preference.at)
    recipient_id = heard.state.recipient_id
    event = whatsapp.wish(preference, heard.address, heard.country, heard.sender.id, rt.now())
    draft = ledger.draft(heard.key, recipient_id, event, heard.addresses)
    act = acts.opt_out if event.type is EventType.OPT_OUT else acts.record
    act(rt, heard.brand.id, recipient_id, draft)
    _remember(rt, heard)


def _heard(rt: Runtime, said: Inbound, at: datetime) -> Heard:
    names = ("from", "display_phone_number")
    return replying.gather(rt, said, Channel.WHATSAPP, min(at, rt.now()), names)


def _remember(rt: Runtime, heard: Heard) -> None:
    """Whose the user id is. After the act: an opt-out waits for nothing."""
    if heard.said.user_id:
        recipient_id = heard.state.recipient_id
        aliases.settle(rt, heard.said.user_id, recipient_id, recipient_id if heard.phone else None)


def _move(rt: Runtime, moved: Moved) -> None:
    """The person's noes hold at their new number too. What they agreed to they have to say again."""
    before, after = (_recipient(rt, person.number) for person in (moved.before, moved.after))
    target = after or aliases.recipient(rt, moved.after.user_id or "").recipient_id
    if moved.before.user_id:
        aliases.moved(rt, moved.before.user_id, before, target)
    elif before and before != target:
        aliases.carry(rt, before, target, yeses=False)
        aliases.pass_on(rt, target)
    if moved.after.user_id:
        aliases.settle(rt, moved.after.user_id, target, after)


def _recipient(rt: Runtime, number: str | None) -> str | None:
    try:
        return identity.recipient(rt, phone.parse(number).e164) if number else None
    except InvalidNumber:
        raise Malformed("invalid_wa_id") from None


def _settle(rt: Runtime, fate: Fate, deliveries: int) -> None:
    """Record what became of a message, and what that tells of the person."""
    pk = receiving.receive(rt, fate.receipt, deliveries)
    # What is read at once may never be told as delivered.
    arrived = fate.receipt.outcome in (Outcome.DELIVERED, Outcome.READ)
    reached = fate.person.user_id if arrived else None
    if fate.code is None and reached is None:
        return
    item = get(rt, rt.messages_table, {"pk": pk})
    if item is None:
        raise Malformed("unknown_message")
    stored = messages.read(item)
    if fate.code is not None:
        _believe(rt, fate, fate.code, stored)
    if reached:
        aliases.settle(rt, reached, None, stored.recipient_id)


def _believe(rt: Runtime, fate: Fate, code: int, stored: Stored) -> None:
    """What the platform's error tells of the person."""
    with single_metric(name="WhatsAppFailed", unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(name="code", value=str(code))
    brand, recipient_id, now = stored.message.brand, stored.recipient_id, rt.now()
    event = whatsapp.stopped(fate, stored.prompt, recipient_id, phone.country_of(fate.person.number), now)
    if event:
        acts.opt_out(rt, brand, recipient_id, Draft(event, {}, None))
        aliases.pass_on(rt, recipient_id)  # who the message was for may be known by another name since
    if code == whatsapp.RESTING:
        state.rest(rt, brand, recipient_id, min(fate.receipt.at, now) + whatsapp.back_off())
