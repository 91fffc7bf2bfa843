"""Who is this number? A pseudonym under a secret, and the key that seals what is personal."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from izin.aws.dynamo import lost_condition, pack, put
from izin.aws.runtime import Runtime
from izin.domain import chain

_NONCE = 12


def pseudonym(rt: Runtime, e164: str) -> str:
    """The recipient_id of a number: HMAC-SHA-256 under the pepper, 43 characters of base64url."""
    digest = hmac.new(rt.peppers[0], f"tel:{e164}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_pseudonym(text: str) -> bool:
    """Whether `text` has the form of a recipient_id."""
    return re.fullmatch(r"[A-Za-z0-9_-]{43}", text) is not None


def fingerprint(rt: Runtime, body: Mapping[str, Any]) -> str:
    """Whether two requests are the same: keyed, because a request holds a number and a text."""
    return hmac.new(rt.peppers[0], chain.canonical(body), hashlib.sha256).hexdigest()[:32]


def key_of(rt: Runtime, recipient_id: str, item: Mapping[str, Any] | None) -> bytes:
    """The recipient's own key: from the `item` already read, or made and stored now."""
    if item is not None:
        return bytes(item["key"])
    key = os.urandom(32)
    try:
        put(
            rt,
            TableName=rt.keys_table,
            Item=pack({"pk": recipient_id, "key": key}),
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        winner = lost_condition(error)
        if not winner:
            raise
        return bytes(winner["key"])
    return key


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
