"""Who is at this address? A pseudonym under a secret, and the key that seals what is personal."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from izin.aws.dynamo import batch_get, pack, put_new
from izin.aws.runtime import Runtime
from izin.aws.state import company_key
from izin.domain import chain
from izin.domain.consent import MARGIN

_NONCE = 12


class Rotating(Exception):
    """Nobody new is taken in within seconds of the instant at which a new pepper comes into force."""


def candidates(rt: Runtime, e164: str) -> tuple[str, ...]:
    """Every recipient_id that a number may have: under the pepper in force first, then under the other."""
    return tuple(_pseudonym(pepper, f"tel:{e164}") for pepper in _peppers(rt))


def of_user(rt: Runtime, user_id: str) -> tuple[str, ...]:
    """Every pseudonym that an id which a platform gave somebody may have, as `candidates` of a number."""
    return tuple(_pseudonym(pepper, f"user:{user_id}") for pepper in _peppers(rt))


def marks(rt: Runtime, ids: Sequence[str]) -> list[tuple[str, str]]:
    """What to read, as (table, pk), to learn under which of `ids` somebody is known."""
    return [(rt.keys_table, one) for one in ids] + [(rt.state_table, company_key(one)) for one in ids]


def known_as(rt: Runtime, ids: Sequence[str], found: Collection[str]) -> str:
    """The recipient_id of somebody who may be known under one of `ids`, by the `marks` that were `found`.

    Raises Rotating.
    """
    return named(rt, ids, next((one for one in ids if one in found or company_key(one) in found), None))


def named(rt: Runtime, ids: Sequence[str], known: str | None) -> str:
    """The one of `ids` that somebody has, who may be `known` under one already.

    Whoever is known stays who they are when a new pepper comes; everybody else is named by the one in
    force. Raises Rotating for somebody new within a margin of the change: two workers whose clocks differ
    must not give one person two names.
    """
    if len(ids) == 1:
        return ids[0]
    if known:
        return known
    if rt.pepper_since and abs(rt.now() - rt.pepper_since) < MARGIN:
        raise Rotating("a new pepper comes into force; try again in some seconds")
    return ids[0]


def recipient(rt: Runtime, e164: str) -> str:
    """The recipient_id of a number, for whoever reads nothing else about it."""
    ids = candidates(rt, e164)
    if len(ids) == 1:
        return ids[0]
    return known_as(rt, ids, {pk for _, pk in batch_get(rt, marks(rt, ids))})


def _peppers(rt: Runtime) -> tuple[bytes, ...]:
    """The peppers, the one in force first: a new one waits for its instant."""
    if rt.pepper_since and rt.now() < rt.pepper_since:
        return rt.peppers[::-1]
    return rt.peppers


def _pseudonym(pepper: bytes, address: str) -> str:
    """HMAC-SHA-256 under the pepper: 43 characters of base64url."""
    digest = hmac.new(pepper, address.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_pseudonym(text: str) -> bool:
    """Whether `text` has the form of a recipient_id."""
    return re.fullmatch(r"[A-Za-z0-9_-]{43}", text) is not None


def fingerprint(rt: Runtime, body: Mapping[str, Any]) -> str:
    """Whether two requests are the same: keyed, because a request holds a number and a text."""
    return fingerprints(rt, body)[0]


def fingerprints(rt: Runtime, body: Mapping[str, Any]) -> tuple[str, ...]:
    """What `body` may have been remembered by: under the pepper in force first."""
    said = chain.canonical(body)
    return tuple(hmac.new(pepper, said, hashlib.sha256).hexdigest()[:32] for pepper in _peppers(rt))


def key_of(rt: Runtime, recipient_id: str, item: Mapping[str, Any] | None) -> bytes:
    """The recipient's own key: from the `item` already read, or made and stored now."""
    if item is not None:
        return bytes(item["key"])
    key = os.urandom(32)
    winner = put_new(rt, rt.keys_table, {"pk": recipient_id, "key": key})
    return bytes(winner["key"]) if winner else key


def forget(rt: Runtime, recipient_id: str) -> None:
    """Delete a person's key: whatever was sealed under it can be read by nobody any more, anywhere.

    Whoever is heard of again gets a new one.
    """
    rt.dynamodb.delete_item(TableName=rt.keys_table, Key=pack({"pk": recipient_id}))


def seal(key: bytes, context: str, values: Mapping[str, str]) -> bytes:
    """`values` under AES-256-GCM, bound to `context`: moved elsewhere, they do not open."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, json.dumps(values).encode(), context.encode())


def unseal(key: bytes, context: str, sealed: bytes) -> dict[str, str]:
    """What `seal` sealed. Raises cryptography.exceptions.InvalidTag for another key or context."""
    plain = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
    values: dict[str, str] = json.loads(plain)
    return values


def salt(key: bytes, event: str, name: str) -> bytes:
    """The salt of one commitment: from the recipient's key, so that it is erased with it."""
    return hmac.new(key, f"salt:{event}:{name}".encode(), hashlib.sha256).digest()
