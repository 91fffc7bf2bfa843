"""Of what does the log of a brand consist, and under which names does it lie?

Entries come in batches, one object each, numbered by their first entry: who creates the object has
the numbers, so two writers never give one number twice. Tiles and a signed checkpoint follow from a
batch. Nothing is ever written a second time.

    <brand>/entries/<999999999999 - first>             a batch; the newest is listed first
    <brand>/tile/<level>/<index>[.p/<width>]            hashes (c2sp.org/tlog-tiles)
    <brand>/checkpoint/<time>-<first>-<size>            a signed note (c2sp.org/tlog-checkpoint)
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from izin.domain import merkle
from izin.domain.times import from_text, to_text

_MOST = 10**12 - 1


class Change(StrEnum):
    """What happened to an item of the ledger. All but the first should never be, or only by design."""

    WRITTEN = "written"
    OVERWRITTEN = "overwritten"
    REMOVED = "removed"
    EXPIRED = "expired"  # deleted by DynamoDB, at the end of its retention


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a log: the hash that an event of a ledger has, or had."""

    change: Change
    ledger: str  # <brand>#<recipient_id>
    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.change} {self.ledger} {self.seq} {self.hash}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that were given their numbers together. `time` never goes back from batch to batch."""

    brand: str
    first: int
    previous: int | None  # the first entry of the batch before
    time: datetime
    entries: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many entries the log has with this batch."""
        return self.first + len(self.entries)

    @property
    def key(self) -> str:
        """The object that holds it."""
        return batch_key(self.brand, self.first)

    @property
    def checkpoint_key(self) -> str:
        """The object that holds its checkpoint."""
        return f"{checkpoints_from(self.brand, self.time)}-{self.first:012}-{self.size:012}"

    def leaves(self) -> list[bytes]:
        """The hash of each entry."""
        return [merkle.leaf_hash(entry.encode()) for entry in self.entries]

    def body(self) -> bytes:
        """The object's content."""
        fields: dict[str, Any] = {"first": self.first, "time": to_text(self.time)}
        if self.previous is not None:
            fields["previous"] = self.previous
        return json.dumps({**fields, "entries": self.entries}, separators=(",", ":")).encode()

    @classmethod
    def read(cls, brand: str, body: bytes) -> Batch:
        """The batch that `body` wrote."""
        fields: Mapping[str, Any] = json.loads(body)
        time, entries = from_text(fields["time"]), tuple(fields["entries"])
        return cls(brand, fields["first"], fields.get("previous"), time, entries)


def following(brand: str, newest: Batch | None, entries: Sequence[str], now: datetime) -> Batch:
    """The batch that comes next."""
    if newest is None:
        return Batch(brand, 0, None, now, tuple(entries))
    return Batch(brand, newest.size, newest.first, max(now, newest.time), tuple(entries))


def batches(brand: str) -> str:
    """What the keys of a brand's batches begin with."""
    return f"{brand}/entries/"


def batch_key(brand: str, first: int) -> str:
    """The object of the batch whose first entry has the number `first`."""
    return f"{batches(brand)}{_MOST - first:012}"


def checkpoints(brand: str) -> str:
    """What the keys of a brand's checkpoints begin with."""
    return f"{brand}/checkpoint/"


def checkpoints_from(brand: str, time: datetime) -> str:
    """What sorts before every checkpoint of `time` and later."""
    return checkpoints(brand) + to_text(time).replace("-", "").replace(":", "")


def spot(checkpoint_key: str) -> tuple[datetime, int]:
    """Time and first entry of the batch that a checkpoint was made for."""
    time, first, _ = checkpoint_key.rpartition("/")[2].split("-")
    day, clock = time.split("T")
    text = f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}"
    return from_text(text), int(first)


def statement(brand: str, size: int, root: bytes, time: datetime) -> str:
    """What a checkpoint says and the log's key signs: at `time` this root stood for `size` entries."""
    return f"{origin(brand)}\n{size}\n{base64.b64encode(root).decode()}\ntime {to_text(time)}\n"


def origin(brand: str) -> str:
    """The name of a brand's log, and of the key that signs it."""
    return f"izin/{brand}"


def note(brand: str, text: str, public_key: bytes, signature: bytes) -> str:
    """`text` as a signed note (c2sp.org/signed-note). The key is DER (SPKI), the signature DER (ECDSA)."""
    key_id = hashlib.sha256(public_key).digest()[:4]
    return f"{text}\n— {origin(brand)} {base64.b64encode(key_id + signature).decode()}\n"


def root_of(checkpoint: str) -> bytes:
    """The root that a checkpoint names."""
    return base64.b64decode(checkpoint.split("\n")[2])
