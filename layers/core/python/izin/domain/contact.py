"""What has passed between a person and a sender on a platform, and what follows for the next message?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from izin.domain.message import Channel, Message, Purpose
from izin.domain.pack.templates import FreeFormTemplate
from izin.domain.reasons import Code, Effect, Reason


@dataclass(frozen=True, slots=True)
class Contact:
    """`heard_at`: when the person last wrote to the sender. Until `rests_until` the platform spares them."""

    heard_at: datetime | None = None
    rests_until: datetime | None = None

    def resting(self, message: Message, now: datetime) -> Reason | None:
        """The platform took no promotion for this person lately: none is offered to it for a while."""
        promotes = message.purpose in (Purpose.MARKETING, Purpose.ANNOUNCEMENT)
        until = self.rests_until
        if not (promotes and message.channel is Channel.WHATSAPP and until and now < until):
            return None
        says = "the platform spares this person; the next promotion may go at {}"
        return Reason(
            Code.CAP_REACHED, "WHATSAPP.back_off", Effect.DEFER, says, ("L-WA-08",), until, (until,)
        )

    def closes_at(self, message: Message, rules: Sequence[FreeFormTemplate]) -> datetime | None:
        """The instant from which `message` needs a template; None where nothing ends its time without."""
        if not self.heard_at:
            return None
        if not _is_free_form(message):
            return None
        return min((self.heard_at + rule.within for rule in rules), default=None)

    def too_late(self, message: Message, rules: Sequence[FreeFormTemplate], at: datetime) -> Iterator[Reason]:
        """Why `message` cannot go at `at` without a template."""
        for rule in rules if _is_free_form(message) else ():
            if not self.heard_at or at >= self.heard_at + rule.within:
                detail = f"{rule.says()}; use a registered template"
                yield Reason(Code.TEMPLATE_REQUIRED, rule.rule, Effect.DENY, detail, rule.sources)


NO_CONTACT = Contact()
"""Nothing has."""


def _is_free_form(message: Message) -> bool:
    """Whether it is a text without a template."""
    return message.text is not None and message.template is None and message.variables is None
