"""What was sent to a person lately, as far as a cap may ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from izin.domain.message import Channel, Purpose
from izin.domain.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class Send:
    """One message that was claimed for sending. `claim` is the state's version that its claim made."""

    at: datetime
    purpose: Purpose
    channel: Channel
    claim: int

    def __str__(self) -> str:
        return f"{to_text(self.at)} {self.purpose} {self.channel} {self.claim}"

    @classmethod
    def parse(cls, text: str) -> Send:
        """The send that `str` wrote."""
        at, purpose, channel, claim = text.split()
        return cls(from_text(at), Purpose(purpose), Channel(channel), int(claim))


def remembered(sends: Sequence[Send], now: datetime, longest: timedelta) -> tuple[Send, ...]:
    """Those of `sends` that a cap over at most `longest` still counts."""
    since = now - longest
    return tuple([send for send in sends if send.at > since])
