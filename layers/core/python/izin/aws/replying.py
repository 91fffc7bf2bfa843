"""A person replied to a sender: who are they, and what follows? The same for every channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.exceptions import BotoCoreError, ClientError

from izin.aws import acts, aliases, identity, ledger, messages, registry, state
from izin.aws.dynamo import Item
from izin.aws.runtime import Runtime
from izin.aws.state import State
from izin.domain import phone, prompts, replies, whatsapp
from izin.domain.consent import Basis
from izin.domain.events import EventType
from izin.domain.inbound import Inbound, Malformed
from izin.domain.keywords import Intent, Reply
from izin.domain.message import Channel, Kind, Message, Purpose
from izin.domain.pack import Pack, pack_of, texts
from izin.domain.phone import InvalidNumber, Phone
from izin.domain.registry import Brand, Sender


@dataclass(frozen=True, slots=True)
class Heard:
    """One reply, and everything that was read about who sent it and to whom.

    `address` is the pseudonym of what it came from. `phone` is None where the carrier tells no number.
    """

    said: Inbound
    given_at: datetime
    phone: Phone | None
    country: str
    address: str
    brand: Brand
    sender: Sender
    pack: Pack
    state: State
    key: bytes = field(repr=False)

    @property
    def event_id(self) -> str:
        """The id of the event that the reply is."""
        return f"in-{self.said.id}"

    @property
    def addresses(self) -> dict[str, str]:
        """What the carrier told of who sent it: personal, and only ever sealed."""
        told = {"address": self.phone.e164 if self.phone else None, "user_id": self.said.user_id}
        return {name: value for name, value in told.items() if value}


def gather(rt: Runtime, said: Inbound, channel: Channel, given_at: datetime, names: tuple[str, str]) -> Heard:
    """Read the sender that a reply came to, and the state of the person.

    `names` are what the carrier calls the person's address and the sender's. Raises Malformed.
    """
    person = _phone(said, names[0])
    sender = registry.sender_at(rt, channel, said.sender_address)
    if sender is None:
        raise Malformed(f"unknown_{names[1]}")
    ids, address, country = _who(rt, person, said.user_id, names[0])
    brand_pk = registry.brand_key(sender.brand)
    states = [(rt.state_table, state.state_key(sender.brand, one)) for one in ids]
    found = registry.read(rt, [brand_pk], [*states, *identity.marks(rt, ids)])
    brand = registry.brand(found.get(brand_pk))
    if brand is None:
        raise Malformed("unknown_brand")
    recipient_id = identity.known_as(rt, ids, found)
    return Heard(
        said=said,
        given_at=given_at,
        phone=person,
        country=country,
        address=address or recipient_id,
        brand=brand,
        sender=sender,
        pack=pack_of(country),
        state=state.read(sender.brand, recipient_id, found.get(state.state_key(sender.brand, recipient_id))),
        key=identity.key_of(rt, recipient_id, found.get(recipient_id)),
    )


def _phone(said: Inbound, name: str) -> Phone | None:
    try:
        return phone.parse(said.person) if said.person else None
    except InvalidNumber:
        if said.user_id:  # that tells who it is, whatever is written beside it
            return None
        raise Malformed(f"invalid_{name}") from None


def _who(
    rt: Runtime, person: Phone | None, user_id: str | None, name: str
) -> tuple[tuple[str, ...], str | None, str]:
    """Every recipient_id that they may have; the pseudonym of a user id, if that is all; the country."""
    if person:
        return identity.candidates(rt, person.e164), None, person.country
    if not user_id:
        raise Malformed(f"missing_{name}")
    alias = aliases.recipient(rt, user_id)
    return (alias.recipient_id,), alias.name, whatsapp.country_of(user_id)


def follow(rt: Runtime, heard: Heard, reply: Reply) -> None:
    """Decide what follows from the reply, as it was understood, and do it."""
    consequence = replies.consequence(
        reply,
        heard.state.standing,
        event_id=heard.event_id,
        address=heard.address,
        channel=heard.sender.channel,
        given_at=heard.given_at,
        now=rt.now(),
        revoke_all=heard.pack.revoke_all.value,
        lifetime=heard.pack.lifetime(Basis.EXPRESS),
        carrier_confirms=heard.sender.carrier_confirms_stop,
        details=_details(rt, heard) if reply.intent is Intent.OPT_OUT else {},
    )
    event = consequence.event
    answer = _answer(rt, heard, reply, consequence.answer) if consequence.answer else None
    if event is None:
        if answer:
            acts.answer(rt, answer)
    else:
        evidence = {**heard.addresses, "text": heard.said.text}
        draft = ledger.draft(heard.key, heard.state.recipient_id, event, evidence, answer)
        act = acts.opt_out if event.type is EventType.OPT_OUT else acts.record
        act(rt, heard.brand.id, heard.state.recipient_id, draft)
    with single_metric(name="Reply", unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(name="intent", value=str(reply.intent))
        if reply.intent is Intent.UNCLEAR:  # for whoever reads it; `docs/operations.md` has the query
            metric.add_metadata("recipient_id", heard.state.recipient_id)
            metric.add_metadata("reply", heard.event_id)


def _details(rt: Runtime, heard: Heard) -> dict[str, str]:
    """What an opt-out is counted by. That it is counted is worth less than that it holds at once."""
    prompt = None
    if heard.said.follows:
        try:
            prompt = messages.prompt(rt, heard.brand.id, heard.state.recipient_id, heard.said.follows)
        except (ClientError, BotoCoreError):
            with single_metric(name="OptOutWithoutMessage", unit=MetricUnit.Count, value=1):
                pass
    return prompts.details(heard.country, heard.sender.id, prompt)


def _answer(rt: Runtime, heard: Heard, reply: Reply, kind: Kind) -> Item | None:
    """The message that answers the reply, in the person's language: within minutes of it, or never.

    To their number where it was ever told, else to the platform's id of them. None for an id of a form
    that nothing is known to be sent to.
    """
    recipient_id, user_id = heard.state.recipient_id, heard.said.user_id
    to = heard.phone.e164 if heard.phone else _number(rt, heard)
    if to is None and user_id and whatsapp.is_user_id(user_id):
        to = user_id
    if to is None:
        return None
    language = replies.language(reply, heard.state.standing, heard.pack, heard.sender.language)
    template = texts(heard.pack, language, kind)
    message = Message(
        brand=heard.brand.id,
        sender=heard.sender.id,
        channel=heard.sender.channel,
        purpose=Purpose.TRANSACTIONAL,
        language=language,
        expires_at=heard.given_at + heard.pack.confirmation.deadline,
        kind=kind,
        answers=heard.given_at,
    )
    text = template.format(brand=heard.brand.name, contact=heard.brand.contact, sender=heard.sender.address)
    return acts.reply(rt, message, heard.event_id, recipient_id, heard.key, to, text, heard.address)


def _number(rt: Runtime, heard: Heard) -> str | None:
    """The number of somebody who wrote by their id alone. That it is not found keeps no opt-out waiting."""
    try:
        return ledger.number(rt, heard.key, heard.brand.id, heard.state.recipient_id)
    except (ClientError, BotoCoreError):
        return None
