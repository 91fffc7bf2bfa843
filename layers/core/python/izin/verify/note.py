"""Did the holder of the log's key sign this checkpoint? (c2sp.org/signed-note, c2sp.org/tlog-checkpoint)"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PublicKey = ec.EllipticCurvePublicKey


class Forged(Exception):
    """A checkpoint that the key did not sign, or that is none; its text says which."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signed checkpoint states: at `time`, `root` stood for the first `size` entries."""

    brand: str
    size: int
    root: bytes
    time: str


def read_key(file: Path) -> PublicKey:
    """The log's public key from a file: PEM, DER, or base64 as `aws kms get-public-key` prints it.

    Raises OSError and ValueError.
    """
    content = file.read_bytes()
    if b"-----BEGIN" in content:
        key = serialization.load_pem_public_key(content)
    else:
        der = content if content[:1] == b"\x30" else base64.b64decode(content, validate=False)
        key = serialization.load_der_public_key(der)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("not the key of a log, which is one on the curve P-256")
    return key


def opened(text: str, key: PublicKey) -> Checkpoint:
    """What a checkpoint states, if `key` signed it. Raises Forged."""
    body, _, signatures = text.rpartition("\n\n")
    body += "\n"
    lines = body.split("\n")
    if len(lines) != 5 or not lines[0].startswith("izin/") or not lines[3].startswith("time "):
        raise Forged("is no checkpoint")
    if not any(_signed(body, line, lines[0], key) for line in signatures.split("\n")):
        raise Forged("is not signed by this key")
    try:
        root = base64.b64decode(lines[2], validate=True)
        if str(int(lines[1])) != lines[1] or int(lines[1]) < 0 or len(root) != 32:
            raise ValueError
    except ValueError:
        raise Forged("is no checkpoint") from None
    return Checkpoint(lines[0].removeprefix("izin/"), int(lines[1]), root, lines[3].removeprefix("time "))


def _signed(body: str, line: str, origin: str, key: PublicKey) -> bool:
    dash, _, rest = line.partition(" ")
    name, _, signature = rest.rpartition(" ")
    if dash != "—" or name != origin:
        return False
    try:
        found = base64.b64decode(signature, validate=True)
    except binascii.Error:
        return False
    public = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if found[:4] != hashlib.sha256(public).digest()[:4]:
        return False
    try:
        key.verify(found[4:], body.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
