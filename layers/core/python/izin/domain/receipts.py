"""What does a carrier say became of a message? The delivery events of AWS End User Messaging SMS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from izin.domain.inbound import Malformed, read_object


class Outcome(StrEnum):
    """What a receipt means for a message."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


_OUTCOMES = {
    "TEXT_PENDING": Outcome.SENT,
    "TEXT_QUEUED": Outcome.SENT,
    "TEXT_SENT": Outcome.SENT,
    "TEXT_SUCCESSFUL": Outcome.DELIVERED,
    "TEXT_DELIVERED": Outcome.DELIVERED,
    "TEXT_INVALID": Outcome.FAILED,
    "TEXT_INVALID_MESSAGE": Outcome.FAILED,
    "TEXT_UNREACHABLE": Outcome.FAILED,
    "TEXT_CARRIER_UNREACHABLE": Outcome.FAILED,
    "TEXT_BLOCKED": Outcome.FAILED,
    "TEXT_CARRIER_BLOCKED": Outcome.FAILED,
    "TEXT_SPAM": Outcome.FAILED,
    "TEXT_TTL_EXPIRED": Outcome.FAILED,
    "TEXT_PROTECT_BLOCKED": Outcome.FAILED,
    "TEXT_UNKNOWN": Outcome.SENT,  # final, and says no more than that the carrier had it
}


_LONGEST_REFERENCE = 512  # a brand, a kind, a pseudonym and an id are well below


@dataclass(frozen=True, slots=True)
class Receipt:
    """One delivery event. `message` is our reference, where the carrier gave it back.

    `accepted_as` is what the message was called when it was accepted, where that is another name.
    """

    carrier_ref: str
    outcome: Outcome
    event: str
    at: datetime
    message: str | None
    accepted_as: str | None = None


def parse(payload: str) -> Receipt:
    """A receipt from the string in SNS `Message`. Raises Malformed. Times come in Unix milliseconds."""
    body = read_object(payload)
    event, ref, at = body.get("eventType"), body.get("messageId"), body.get("eventTimestamp")
    if not isinstance(ref, str) or not ref:
        raise Malformed("missing_messageId")
    if not isinstance(event, str):
        raise Malformed("missing_eventType")
    if event not in _OUTCOMES:
        raise Malformed("unknown_eventType")
    if isinstance(at, bool) or not isinstance(at, int):
        raise Malformed("missing_eventTimestamp")
    context = body.get("context")
    message = context.get("message") if isinstance(context, dict) else None
    if isinstance(message, str) and len(message) > _LONGEST_REFERENCE:
        raise Malformed("long_context_message")
    try:
        instant = datetime.fromtimestamp(at / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise Malformed("impossible_eventTimestamp") from None
    return Receipt(ref, _OUTCOMES[event], event, instant, message if isinstance(message, str) else None)
