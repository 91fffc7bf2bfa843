"""Who is a request about? The brand, sender and person that it names, read in one trip or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from izin.api import Body, WordingVersion
from izin.aws import identity, registry, state
from izin.aws.dynamo import Item
from izin.aws.http import FieldError, Problem, refuse
from izin.aws.runtime import Runtime
from izin.aws.state import State
from izin.domain import evidence, phone, rights
from izin.domain.consent import Standing
from izin.domain.message import Channel
from izin.domain.pack import Pack, pack_of
from izin.domain.phone import InvalidNumber, Phone
from izin.domain.registry import Brand, Sender

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that was read about one request. `key_item` is None for somebody never heard of."""

    brand: Brand
    sender: Sender | None
    phone: Phone
    pack: Pack
    recipient_id: str
    state: State
    standing: Standing
    template: Item | None = None
    wording: Item | None = None
    key_item: Item | None = field(default=None, repr=False)

    def key(self, rt: Runtime) -> bytes:
        """The person's own key, made now if they have none yet."""
        return identity.key_of(rt, self.recipient_id, self.key_item)

    def personal(self, rt: Runtime, told: Mapping[str, str]) -> dict[str, str]:
        """The evidence as it is kept, with the address. A tax number only as a keyed hash (S-BR-14)."""
        kept = {**told, "address": self.phone.e164}
        if "cpf" in kept:
            kept["cpf"] = identity.fingerprint(rt, {"cpf": evidence.cpf_digits(kept["cpf"])})
        return kept


def refuse_erased(standing: Standing) -> None:
    """Raise Problem 422 for whoever was erased: nothing is taken down of them until they write themselves."""
    if rights.is_erased(standing):
        message = "the person asked to be erased; only a START from their own phone ends that"
        raise refuse(UNPROCESSABLE, "address", "do_not_contact", message)


def number(text: str, field_name: str) -> Phone:
    """The number in a request. Raises Problem 422, which never repeats it."""
    try:
        return phone.parse(text)
    except InvalidNumber as error:
        raise refuse(UNPROCESSABLE, field_name, error.code, error.remedy) from None


def without_numbers(**texts: str) -> None:
    """Refuse fields that hold anybody's number, where only a pseudonym tells who the person is."""
    _refuse_told((name, text) for name, text in texts.items() if phone.is_told_in(text))


def _refuse_told(telling: Iterable[tuple[str, str]]) -> None:
    """Raise Problem 422 for fields with a number in them, if there are any. It repeats nothing of them."""
    message = "it holds the person's number, which would be kept where no erasure reaches: write it without"
    names = dict.fromkeys(name for name, _ in telling)
    if names:
        raise Problem(UNPROCESSABLE, [FieldError(name, "holds_number", message) for name in names])


def gather(
    rt: Runtime,
    body: Body,
    brand_id: str,
    sender_id: str | None,
    address: str,
    field_name: str,
    channel: Channel,
    template_id: str | None = None,
    wording: WordingVersion | None = None,
) -> Asked:
    """Read what a request is about, in one trip. Raises Problem 422 for what is unknown or foreign.

    Also for a `body` that tells the person's number where it would outlive them: ids and sources stand in
    keys and in the chained ledger, which no erasure reaches.
    """
    person = number(address, field_name)
    _refuse_told((name, text) for name, text in body.public() if person.told_in(text))
    ids = identity.candidates(rt, person.e164)
    brand_pk = registry.brand_key(brand_id)
    sender_pk = registry.sender_key(sender_id) if sender_id else None
    template_pk = registry.template_key(brand_id, template_id) if template_id else None
    wording_pk = registry.wording_key(brand_id, wording.id, wording.version) if wording else None
    found = registry.read(
        rt,
        [pk for pk in (brand_pk, sender_pk, template_pk, wording_pk) if pk],
        [*((rt.state_table, state.state_key(brand_id, one)) for one in ids), *identity.marks(rt, ids)],
    )
    brand = registry.brand(found.get(brand_pk))
    sender = registry.sender(found.get(sender_pk)) if sender_pk else None
    errors = []
    if brand is None:
        errors.append(FieldError("brand", "unknown_brand", "register the brand first: PUT /v1/brands/{id}"))
    if sender_pk and sender is None:
        errors.append(FieldError("sender", "unknown_sender", "register it first: PUT /v1/senders/{id}"))
    if sender and sender.brand != brand_id:
        errors.append(FieldError("sender", "sender_of_another_brand", "use a sender of this brand"))
    if sender and sender.channel is not channel:
        errors.append(FieldError("sender", "sender_of_another_channel", f"use a sender for {channel}"))
    if template_pk and template_pk not in found:
        errors.append(
            FieldError("template.id", "unknown_template", "register it first: PUT /v1/templates/{id}")
        )
    if wording_pk and wording_pk not in found:
        errors.append(FieldError("wording.id", "unknown_wording", "register it first: PUT /v1/wordings/{id}"))
    if errors or brand is None:
        raise Problem(UNPROCESSABLE, errors)
    recipient_id = identity.known_as(rt, ids, found)
    now_state = state.read(brand_id, recipient_id, found.get(state.state_key(brand_id, recipient_id)))
    return Asked(
        brand=brand,
        sender=sender,
        phone=person,
        pack=pack_of(person.country),
        recipient_id=recipient_id,
        state=now_state,
        standing=state.with_company(now_state, found.get(state.company_key(recipient_id))),
        template=found.get(template_pk) if template_pk else None,
        wording=found.get(wording_pk) if wording_pk else None,
        key_item=found.get(recipient_id),
    )
