"""What does a carrier's inbound message say? The JSON that two-way SMS publishes, read strictly."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

_LONGEST_ID = 128
_REQUIRED = ("originationNumber", "destinationNumber", "messageBody")


class Malformed(ValueError):
    """A payload that cannot be what it claims to be. `reason` is a code; nothing of the payload is in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a person to a sender. `id` is the carrier's, and the same for a duplicate.

    `follows` is the carrier's reference of the message that it answers, where the carrier knows one.
    A platform may tell a `user_id` of its own beside the person's number, or in its place.
    """

    id: str
    person: str | None = field(repr=False)
    sender_address: str
    text: str = field(repr=False)
    follows: str | None = None
    user_id: str | None = field(default=None, repr=False)


def parse(payload: str, envelope_id: str) -> Inbound:
    """An inbound message from the string in SNS `Message`. Raises Malformed.

    Only the two numbers and the body are always there; without an id the envelope's stands in.
    The carrier's keyword field is not used: it is whatever the provider made of the body.
    """
    body = read_object(payload)
    missing = [name for name in _REQUIRED if not isinstance(body.get(name), str)]
    if missing:
        raise Malformed(f"missing_{missing[0]}")
    message_id = body.get("inboundMessageId")
    if not isinstance(message_id, str) or not message_id:
        message_id = envelope_id
    if not message_id:
        raise Malformed("missing_inboundMessageId")
    if len(message_id) > _LONGEST_ID:  # it becomes part of keys
        raise Malformed("long_inboundMessageId")
    return Inbound(
        id=message_id,
        person=body["originationNumber"],
        sender_address=body["destinationNumber"],
        text=characters(body["messageBody"]),
        follows=reference(body.get("previousPublishedMessageId")),
    )


def characters(text: str) -> str:
    """`text` as it can be stored: half of a surrogate pair (an emoji cut in two) is no character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def reference(value: object, longest: int = _LONGEST_ID) -> str | None:
    """A carrier's reference, or None for what cannot be one."""
    return value if isinstance(value, str) and 0 < len(value) <= longest else None


def read_object(payload: str) -> dict[str, Any]:
    """The JSON object in `payload`. Raises Malformed."""
    try:
        body = json.loads(payload)
    except (TypeError, ValueError, RecursionError):
        raise Malformed("not_json") from None
    if not isinstance(body, dict):
        raise Malformed("not_an_object")
    return body
