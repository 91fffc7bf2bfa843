"""What did the person reply, and what follows? STOP, START, YA, HELP, and everything else people write."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.exceptions import BotoCoreError, ClientError
from izin.aws import acts, batch, identity, ledger, messages, queue, registry, state
from izin.aws.dynamo import Item
from izin.aws.runtime import Runtime, runtime
from izin.aws.state import State
from izin.domain import inbound, keywords, phone, prompts, replies
from izin.domain.consent import Basis, EventType
from izin.domain.inbound import Inbound, Malformed, read_object
from izin.domain.keywords import Intent
from izin.domain.message import Channel, Kind, Message, Purpose
from izin.domain.pack import Pack, pack_of, texts
from izin.domain.phone import InvalidNumber, Phone
from izin.domain.registry import Brand, Sender
from izin.domain.replies import Consequence

logger = Logger()


def handler(event: dict[str, Any], context: Any) -> Any:
    """Take a batch of SNS notifications from SQS; what fails goes back to the queue alone."""
    rt = runtime()
    return batch.each(logger, event, context, lambda record: receive(rt, record["body"]))


def receive(rt: Runtime, body: str) -> None:
    """Act on one reply. What cannot be read is set aside on the dead-letter queue with its reason."""
    try:
        seen = _gather(rt, body)
    except Malformed as error:
        queue.set_aside(rt, body, error.reason)
        logger.warning("inbound message set aside", extra={"reason": error.reason})
        return
    reply = keywords.read(seen.said.text, seen.phone.country)
    consequence = replies.consequence(
        reply,
        seen.state.standing,
        event_id=_event_id(seen.said),
        address=seen.state.recipient_id,
        channel=seen.sender.channel,
        given_at=seen.given_at,
        now=rt.now(),
        revoke_all=seen.pack.revoke_all.value,
        lifetime=seen.pack.lifetime(Basis.EXPRESS),
        details=_details(rt, seen) if reply.intent is Intent.OPT_OUT else {},
    )
    _act(rt, seen, consequence)
    with single_metric(name="Reply", unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(name="intent", value=str(reply.intent))


@dataclass(frozen=True, slots=True)
class _Seen:
    """One reply, and everything that was read about who sent it and to whom."""

    said: Inbound
    given_at: datetime
    phone: Phone
    brand: Brand
    sender: Sender
    pack: Pack
    state: State
    key: bytes = field(repr=False)


def _gather(rt: Runtime, body: str) -> _Seen:
    """Read the notification, then the sender it came to and the state of the person. Raises Malformed."""
    envelope = read_object(body)
    said = inbound.parse(str(envelope.get("Message", "")), str(envelope.get("MessageId", "")))
    try:
        given_at = rt.carrier_time(str(envelope.get("Timestamp")))
    except (ValueError, OverflowError):
        raise Malformed("missing_Timestamp") from None
    try:
        person = phone.parse(said.person)
    except InvalidNumber:
        raise Malformed("invalid_originationNumber") from None
    sender = registry.sender_at(rt, Channel.SMS, said.sender_address)
    if sender is None:
        raise Malformed("unknown_destinationNumber")
    recipient_id = identity.pseudonym(rt, person.e164)
    brand_pk, state_pk = registry.brand_key(sender.brand), state.state_key(sender.brand, recipient_id)
    found = registry.read(rt, [brand_pk], [(rt.state_table, state_pk), (rt.keys_table, recipient_id)])
    brand = registry.brand(found.get(brand_pk))
    if brand is None:
        raise Malformed("unknown_brand")
    return _Seen(
        said=said,
        given_at=given_at,
        phone=person,
        brand=brand,
        sender=sender,
        pack=pack_of(person.country),
        state=state.read(sender.brand, recipient_id, found.get(state_pk)),
        key=identity.key_of(rt, recipient_id, found.get(recipient_id)),
    )


def _details(rt: Runtime, seen: _Seen) -> dict[str, str]:
    """What an opt-out is counted by. That it is counted is worth less than that it holds at once."""
    prompt = None
    if seen.said.follows:
        try:
            prompt = messages.prompt(rt, seen.brand.id, seen.state.recipient_id, seen.said.follows)
        except (ClientError, BotoCoreError) as error:
            logger.warning("opt-out counted without its message", extra={"exception": type(error).__name__})
    return prompts.details(seen.phone.country, seen.sender.id, prompt)


def _act(rt: Runtime, seen: _Seen, consequence: Consequence) -> None:
    recipient_id, event = seen.state.recipient_id, consequence.event
    answer = _answer(rt, seen, consequence.answer) if consequence.answer else None
    if event is None:
        if answer:
            acts.answer(rt, answer)
        return
    evidence = {"address": seen.phone.e164, "text": seen.said.text}
    draft = ledger.draft(seen.key, recipient_id, event, evidence, answer)
    if event.type is EventType.OPT_OUT:
        acts.opt_out(rt, seen.brand.id, recipient_id, draft)
    else:
        acts.record(rt, seen.brand.id, recipient_id, draft)


def _event_id(said: Inbound) -> str:
    return f"in-{said.id}"


def _answer(rt: Runtime, seen: _Seen, kind: Kind) -> Item:
    """The message that answers the reply: within minutes of it, or never."""
    template = texts(seen.pack, seen.sender.language, kind)
    message = Message(
        brand=seen.brand.id,
        sender=seen.sender.id,
        channel=seen.sender.channel,
        purpose=Purpose.TRANSACTIONAL,
        language=seen.sender.language,
        expires_at=seen.given_at + seen.pack.confirmation.deadline,
        kind=kind,
        answers=seen.given_at,
    )
    text = template.format(brand=seen.brand.name, contact=seen.brand.contact, sender=seen.sender.address)
    event_id = _event_id(seen.said)
    return acts.reply(rt, message, event_id, seen.state.recipient_id, seen.key, seen.phone.e164, text)
