"""What may a brand send, channel by channel and purpose by purpose, and what of it may the person choose?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from izin.domain import capture, gate
from izin.domain.capture import Capture
from izin.domain.consent import Standing, Suppression
from izin.domain.message import SENT_CHANNELS, Channel, Message, Purpose
from izin.domain.pack import Pack, Rules
from izin.domain.registry import Brand, Sender

SLOTS: Mapping[Purpose, tuple[Channel, ...]] = MappingProxyType(
    {
        Purpose.MARKETING: tuple(Channel),
        Purpose.ANNOUNCEMENT: (Channel.SMS, Channel.WHATSAPP, Channel.EMAIL, Channel.PUSH, Channel.SOCIAL),
        Purpose.TRANSACTIONAL: (Channel.SMS, Channel.WHATSAPP, Channel.EMAIL, Channel.PUSH),
    }
)
"""What can be chosen. Authentication is not among it: it comes only when the person asks."""


class Offer(StrEnum):
    """How a person may say yes on their page."""

    HERE = "here"
    BY_REPLY = "by_reply"  # and then by a reply from the handset: a double opt-in that we ask nobody for
    ELSEWHERE = "elsewhere"  # the page cannot give the evidence that is asked for


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether something may be sent as things stand, and how the person may allow it."""

    on: bool
    offer: Offer

    @property
    def can_change(self) -> bool:
        """A no is always possible."""
        return self.on or self.offer is not Offer.ELSEWHERE


def choice(
    captured: Capture, standing: Standing, rules: Rules, brand: Brand, sender: Sender | None, now: datetime
) -> Choice:
    """The choice about the one purpose that `captured`, the yes that the page could record, is for.

    `rules` are those of its channel and purpose. `sender` is who would be sent the reply.
    """
    (purpose,) = captured.purposes
    asked = Message(
        brand=brand.id,
        sender=sender.id if sender else "",
        channel=captured.channel,
        purpose=purpose,
        basis={"transaction": "any"} if purpose is Purpose.TRANSACTIONAL else None,
    )
    on = not gate.objections(asked, rules, standing, now)
    return Choice(on, _offer(captured, purpose, rules, brand, sender, now))


def _offer(
    captured: Capture, purpose: Purpose, rules: Rules, brand: Brand, sender: Sender | None, now: datetime
) -> Offer:
    if rules.denials or capture.judge(captured, {purpose: rules}, brand.name, now):
        return Offer.ELSEWHERE
    double = brand.double_opt_in or any(rule.double_opt_in for rule in rules.consent)
    if captured.channel not in SENT_CHANNELS or not double:
        return Offer.HERE
    answers = sender and sender.two_way and sender.channel is captured.channel
    return Offer.BY_REPLY if answers else Offer.ELSEWHERE


def stopped(standing: Standing) -> bool:
    """Whether nothing that an opt-out ends is left."""
    return all(standing.blocking(channel, purpose) for purpose in SLOTS for channel in Channel)


def may_offer(standing: Standing, channel: Channel, pack: Pack, now: datetime) -> bool:
    """Whether a person who opted out may be offered to come back.

    Not while the pack forbids to ask, and not where only the handset itself can end the silence.
    """
    block, ban = standing.blocking(channel, Purpose.MARKETING), pack.resolicit_block
    if block and block.kind is Suppression.DO_NOT_CONTACT:
        return False
    until = standing.banned_until(ban.value) if ban else None
    return until is None or until <= now
