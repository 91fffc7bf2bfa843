"""Whose page is it? The token in a page's address, and what it stands for.

Key: SHA-256 of the token, which itself is stored nowhere but in the sealed text that carries it. It is
made from the message's key under the pepper, so a repeated submission gets the same one. `ttl` only
tidies up: what has expired is refused by `expires_at`.
"""

from __future__ import annotations

import hashlib
import hmac
import string
from dataclasses import dataclass
from datetime import datetime, timedelta

from izin.aws import dynamo
from izin.aws.dynamo import get, pack
from izin.aws.runtime import Runtime
from izin.domain.message import Channel
from izin.domain.prompts import Prompt
from izin.domain.times import from_text, to_text
from izin.domain.way_out import TOKEN_LENGTH

KEEP = timedelta(days=400)
"""How long a token is good for after the last instant at which its message may have gone."""

_ALPHABET = string.digits + string.ascii_letters  # nothing that ends a link before its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Whom a page is for, and the message that led there. `pk` is the key that the token is found under."""

    pk: str
    brand: str
    recipient_id: str
    country: str
    channel: Channel
    language: str | None
    prompt: Prompt
    expires_at: datetime


def token(rt: Runtime, message_pk: str) -> str:
    """The token of a message's page."""
    number = int.from_bytes(hmac.new(rt.peppers[0], f"page:{message_pk}".encode(), hashlib.sha256).digest())
    digits = []
    for _ in range(TOKEN_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def page_key(token: str) -> str:
    """The key of what a token stands for."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def put(rt: Runtime, page: Page) -> None:
    """Make a token good. A repeat says the same again."""
    item = {
        "pk": page.pk,
        "brand": page.brand,
        "recipient_id": page.recipient_id,
        "country": page.country,
        "channel": str(page.channel),
        "language": page.language,
        "message": page.prompt.message,
        "sender": page.prompt.sender,
        "template": page.prompt.template,
        "campaign": page.prompt.campaign,
        "expires_at": to_text(page.expires_at),
        "ttl": int(page.expires_at.timestamp()),
    }
    dynamo.put(rt, TableName=rt.pages_table, Item=pack(item))


def find(rt: Runtime, token: str, now: datetime) -> Page | None:
    """What a token stands for, or None for one that never did or no longer does."""
    item = get(rt, rt.pages_table, {"pk": page_key(token)})
    if item is None or from_text(item["expires_at"]) <= now:
        return None
    return Page(
        pk=item["pk"],
        brand=item["brand"],
        recipient_id=item["recipient_id"],
        country=item["country"],
        channel=Channel(item["channel"]),
        language=item.get("language"),
        prompt=Prompt(item["message"], item["sender"], item.get("template"), item.get("campaign")),
        expires_at=from_text(item["expires_at"]),
    )
