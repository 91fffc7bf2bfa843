"""How does an entry get into a brand's log, and how is it found there again?

The log is a bucket in which objects are created and never replaced. Every write is made under
"only if there is none", so whoever repeats one, after a crash or beside another worker, changes
nothing: the object that gives a batch its numbers decides, everything else follows from it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from izin.aws.dynamo import back_off
from izin.aws.runtime import Runtime
from izin.domain import log, merkle
from izin.domain.log import Batch, Change, Entry
from izin.domain.times import from_text

_ATTEMPTS = 8
_PUBLIC_KEY = "log's public key"

PROOF = "izin-proof-1"
"""The form of a proof for one person, as `docs/verification.md` describes it."""

EARLY = timedelta(seconds=60)
"""How much earlier than its event's own time an entry may have been logged: far more than clocks differ."""

_LATEST = timedelta(hours=25)
"""How much later it may have been: the ledger's stream keeps its records for a day."""


class Contention(Exception):
    """Other workers had every turn. Nothing is half done, and the caller may try again."""


class Diverged(Exception):
    """The tiles are not those that the last checkpoint was signed over: nothing more is signed."""


def append(rt: Runtime, brand: str, entries: Sequence[Entry], since: datetime) -> int:
    """Log what is not logged yet; how much that was. Every entry is under a signature afterwards.

    `since` is the time of the oldest event: only what was logged after it can be the same again, and
    nothing is delivered again once the stream has forgotten it.
    """
    since = max(since, rt.now() - _LATEST) - EARLY
    arrived = list(dict.fromkeys(str(entry) for entry in entries))
    for attempt in range(_ATTEMPTS):
        newest = _newest(rt, brand)
        root = _published(rt, newest) if newest else merkle.EMPTY
        logged = {entry for batch in _back_to(rt, newest, since) for entry in batch.entries}
        fresh = [entry for entry in arrived if entry not in logged]
        if not fresh:
            return 0
        batch = log.following(brand, newest, fresh, rt.now())
        if _create(rt, batch.key, batch.body()):
            _publish(rt, batch, root)
            return len(fresh)
        back_off(rt, attempt)
    raise Contention(f"no turn in {_ATTEMPTS} attempts")


def _newest(rt: Runtime, brand: str) -> Batch | None:
    answer = rt.s3.list_objects_v2(Bucket=rt.log_bucket, Prefix=log.batches(brand), MaxKeys=1)
    for found in answer.get("Contents", []):
        return Batch.read(brand, _read(rt, found["Key"]))
    return None


def _back_to(rt: Runtime, newest: Batch | None, since: datetime) -> Iterator[Batch]:
    """The batches of `since` and later, the newest first."""
    batch = newest
    while batch and batch.time >= since:
        yield batch
        if batch.previous is None:
            return
        batch = Batch.read(batch.brand, _read(rt, log.batch_key(batch.brand, batch.previous)))


def _published(rt: Runtime, newest: Batch) -> bytes:
    """The root that was signed over the log up to `newest`; what its writer left undone is done first."""
    checkpoint = _find(rt, newest.checkpoint_key)
    if checkpoint:
        return log.root_of(checkpoint.decode())
    before = merkle.EMPTY
    if newest.previous is not None:
        previous = Batch.read(newest.brand, _read(rt, log.batch_key(newest.brand, newest.previous)))
        before = log.root_of(_read(rt, previous.checkpoint_key).decode())
    return _publish(rt, newest, before)


def _publish(rt: Runtime, batch: Batch, before: bytes) -> bytes:
    """Write the tiles that `batch` adds to a log with the root `before`, then sign; the new root."""
    at_hand = {path: _read(rt, f"{batch.brand}/{path}") for _, path in merkle.edge(batch.first)}
    if merkle.root(batch.first, at_hand.__getitem__) != before:
        raise Diverged(f"{batch.brand}: the first {batch.first} entries are not what was signed")
    made = merkle.grown(batch.first, batch.leaves(), at_hand.__getitem__)
    for path, tile in made.items():
        _create(rt, f"{batch.brand}/{path}", tile)
    root = merkle.root(batch.size, {**at_hand, **made}.__getitem__)
    text = log.statement(batch.brand, batch.size, root, batch.time)
    _create(rt, batch.checkpoint_key, _signed(rt, batch.brand, text).encode())
    return root


def _signed(rt: Runtime, brand: str, text: str) -> str:
    signature = rt.kms.sign(
        KeyId=rt.log_key, Message=text.encode(), MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
    )["Signature"]
    return log.note(brand, text, _public_key(rt), signature)


def _public_key(rt: Runtime) -> bytes:
    if _PUBLIC_KEY not in rt.cache:
        rt.cache[_PUBLIC_KEY] = rt.now(), rt.kms.get_public_key(KeyId=rt.log_key)["PublicKey"]
    return bytes(rt.cache[_PUBLIC_KEY][1])


def _create(rt: Runtime, key: str, body: bytes) -> bool:
    """Create an object; False if there is one already. While another write of it is under way, ask again."""
    for attempt in range(_ATTEMPTS):
        try:
            rt.s3.put_object(Bucket=rt.log_bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] == "PreconditionFailed":
                return False
            if error.response["Error"]["Code"] != "ConditionalRequestConflict":
                raise
            back_off(rt, attempt)
        else:
            return True
    raise Contention("another write of the same object is under way")


def _read(rt: Runtime, key: str) -> bytes:
    return bytes(rt.s3.get_object(Bucket=rt.log_bucket, Key=key)["Body"].read())


def _find(rt: Runtime, key: str) -> bytes | None:
    try:
        return _read(rt, key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None


def proof(rt: Runtime, brand: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """That the newest logged one of a person's `events` is in the log, and by its chain all before it.

    None while none of them is logged; that takes a minute or two.
    """
    for event in reversed(events):
        written = str(Entry(Change.WRITTEN, f"{brand}#{event['recipient_id']}", event["seq"], event["hash"]))
        for batch in _around(rt, brand, from_text(event["recorded_at"])):
            if written in batch.entries:
                return _proved(rt, batch, event["seq"], batch.first + batch.entries.index(written))
    return None


def _around(rt: Runtime, brand: str, recorded_at: datetime) -> Iterator[Batch]:
    """The signed batches that an event of `recorded_at` may be in."""
    request = {
        "Bucket": rt.log_bucket,
        "Prefix": log.checkpoints(brand),
        "StartAfter": log.checkpoints_from(brand, recorded_at - EARLY),
    }
    while True:
        answer = rt.s3.list_objects_v2(**request)
        for found in answer.get("Contents", []):
            time, first = log.spot(found["Key"])
            if time > recorded_at + _LATEST:
                return
            yield Batch.read(brand, _read(rt, log.batch_key(brand, first)))
        if not answer["IsTruncated"]:
            return
        request["ContinuationToken"] = answer["NextContinuationToken"]


def _proved(rt: Runtime, batch: Batch, seq: int, index: int) -> dict[str, Any]:
    path = merkle.inclusion(index, batch.size, lambda tile: _read(rt, f"{batch.brand}/{tile}"))
    return {
        "seq": seq,
        "index": index,
        "path": base64.b64encode(b"".join(path)).decode(),
        "checkpoint": _read(rt, batch.checkpoint_key).decode(),
    }
