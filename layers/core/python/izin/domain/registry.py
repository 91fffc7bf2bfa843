"""Who speaks, and through what: brands and senders as the gate sees them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from izin.domain.message import Channel, Purpose
from izin.domain.pack import Pack, Rules, RuleSet


class Carrier(StrEnum):
    """The closed set of carriers, chosen per sender."""

    AWS_SMS = "aws-sms"
    AWS_SOCIAL = "aws-social"
    SANDBOX = "sandbox"


NOTHING = RuleSet()
"""The rules of a brand that has none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """Who speaks. Consent is given to a brand.

    `double_opt_in` asks for it everywhere; otherwise the person's rule pack decides.
    `approved_domains` are the only hosts that its promotions may link to where a pack restricts links.
    `page_url` is the address, on a domain of its own, under which people find their page.
    `tighten` holds rules of its own, which join those of every pack; `relax` names rules of severity
    advice or policy that do not hold for it.
    """

    id: str
    name: str
    contact: str
    double_opt_in: bool = False
    page_url: str | None = None
    approved_domains: frozenset[str] = frozenset()
    tighten: RuleSet = NOTHING
    relax: frozenset[str] = frozenset()

    def rules(self, pack: Pack, channel: Channel, purpose: Purpose, candidates: tuple[str, ...]) -> Rules:
        """What `purpose` on `channel` is subject to by `pack` and by the brand, what it relaxes included."""
        return pack.rules(channel, purpose, candidates) + self.tighten.rules(channel, purpose, candidates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One origination identity of a brand.

    `address` is what the person sees: a number in E.164, a short code or an alphanumeric sender id.
    `registrations` are the entries that it has with operators and authorities, by the names of the packs.
    `phone_number_id` is what AWS calls a WhatsApp number. `opt_out_list` is the provider's list that it
    checks; `marketing_only` says that whoever stopped may be put on it. `carrier_confirms_stop`: the
    carrier answers STOP by itself, so nobody else does.
    `rate` paces what a window's opening releases, in messages a second. `at_least_once` lets an
    authentication or essential message go again after a crash left its fate unknown.
    """

    id: str
    brand: str
    channel: Channel
    carrier: Carrier
    address: str
    countries: frozenset[str]
    configuration_set: str | None = None
    phone_number_id: str | None = None
    opt_out_list: str | None = None
    marketing_only: bool = False
    carrier_confirms_stop: bool = False
    two_way: bool = True
    registrations: frozenset[str] = frozenset()
    language: str | None = None
    rate: int = 10
    at_least_once: bool = False
    suspended: bool = False

    def may_repeat(self, purpose: Purpose, essential: bool) -> bool:
        """Whether a message of unknown fate may be sent again."""
        return self.at_least_once and (purpose is Purpose.AUTHENTICATION or essential)
