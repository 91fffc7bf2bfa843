"""An honest export: the events, states and logs that the product's own rules make of a few lives."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from izin.aws import codec
from izin.aws.dynamo import pack
from izin.aws.state import state_key
from izin.domain import chain, log, merkle
from izin.domain.consent import Scope, Suppression
from izin.domain.events import Event, EventType, replay
from izin.domain.log import Batch, Change, Entry
from izin.domain.message import Channel, Purpose
from izin.domain.times import from_text
from izin.exports import write

Item = dict[str, Any]
Ledger = list[Item]

BEGINS = datetime(2026, 1, 5, 8, tzinfo=UTC)
EXPORTED = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass
class Signer:
    """Who holds a log's key."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def public(self) -> ec.EllipticCurvePublicKey:
        return self.private.public_key()

    def sign(self, brand: str, size: int, root: bytes, time: datetime) -> bytes:
        text = log.statement(brand, size, root, time)
        der = self.public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        signature = self.private.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        return log.note(brand, text, der, signature).encode()


@dataclass
class Made:
    """An export before it is written: ledgers by (brand, recipient), states by key, objects of the log."""

    signer: Signer
    ledgers: dict[tuple[str, str], Ledger]
    states: dict[str, Item]
    objects: dict[str, bytes]

    def items(self) -> Iterator[Item]:
        for ledger in self.ledgers.values():
            yield from ledger

    def write(self, folder: Path) -> Path:
        for table, items in (("ledger", self.items()), ("state", self.states.values())):
            arn = f"arn:aws:dynamodb:ap-southeast-3:000000000000:table/{table}"
            source = write.Source(folder / "tables", table, arn, table)
            write.write(source, (pack(item) for item in items), EXPORTED, f"01764{table}")
        for key, content in self.objects.items():
            file = folder / "log" / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return folder


def life(chance: random.Random, brand: str, recipient_id: str, count: int) -> Iterator[Event]:
    """What one person did, in the order in which it was recorded."""
    at = BEGINS + timedelta(minutes=chance.randrange(60 * 24 * 200))
    for number in range(count):
        at += timedelta(minutes=chance.randrange(1, 60 * 24 * 10), milliseconds=chance.randrange(1000))
        yield act(chance, f"{brand}-{recipient_id[:6]}-{number}", recipient_id, at)


def act(chance: random.Random, event_id: str, recipient_id: str, at: datetime) -> Event:
    """One act of any type."""
    type_ = chance.choice([kind for kind in EventType if kind is not EventType.CHECKPOINT])
    given_at = at - timedelta(minutes=chance.choice([0, 0, 1, 60 * 24 * 3]))
    purposes = tuple(sorted(chance.sample(sorted(Purpose), chance.randrange(1, 3))))
    named = type_ in (EventType.CONSENT_GRANTED, EventType.CONSENT_PENDING) or chance.random() < 0.3
    no = type_ is EventType.OPT_OUT
    return Event(
        id=event_id,
        type=type_,
        given_at=given_at,
        recorded_at=at,
        address=chance.choice([recipient_id, "b" * 43]),
        channel=chance.choice(sorted(Channel)),
        source=chance.choice(["https://shopx.example/daftar", "reply", "🛍 outlet “Senayan” \ufb33"]),
        purposes=purposes if named else (),
        by_person=chance.random() < 0.4,
        expires_at=given_at + timedelta(days=365) if chance.random() < 0.3 else None,
        asked_at=given_at - timedelta(hours=1) if chance.random() < 0.3 else None,
        scope=chance.choice(sorted(Scope)) if no else None,
        kind=chance.choice(sorted(Suppression)) if no else None,
        silent_from=at + timedelta(seconds=chance.randrange(11)) if no else None,
        details={
            "wording": f"{chance.randrange(9)}",
            "language": chance.choice(["id", "en"]),
            "\U0001f4f1": "app",
            "\uff01": "1",
        },
    )


def chained(brand: str, recipient_id: str, records: Iterable[Item]) -> Ledger:
    """Events as they are stored, chained anew whatever they said of it before."""
    ledger: Ledger = []
    for seq, record in enumerate(records, start=1):
        prev = ledger[-1]["hash"] if ledger else chain.GENESIS
        plain = {name: value for name, value in record.items() if name not in ("pk", "sealed", "hash")}
        made = {**plain, "brand": brand, "recipient_id": recipient_id, "seq": seq, "prev": prev}
        made["hash"] = chain.link(made)
        ledger.append({**made, "pk": f"{brand}#{recipient_id}", "sealed": record.get("sealed", b"\0sealed")})
    return ledger


def state(ledger: Ledger) -> Item:
    """The state that a ledger leads to."""
    last = ledger[-1]
    standing = codec.standing_item(replay(codec.event(item) for item in ledger))
    pk = state_key(last["brand"], last["recipient_id"])
    return {"pk": pk, "seq": last["seq"], "head": last["hash"], "standing": standing, "version": 7}


def logged(
    signer: Signer, brand: str, entries: list[tuple[Entry, datetime]], sizes: list[int]
) -> dict[str, bytes]:
    """The objects of a log whose batches have these sizes; what is left over is one more."""
    objects: dict[str, bytes] = {}
    newest: Batch | None = None
    rest = list(entries)
    while rest:
        count = sizes.pop(0) if sizes else len(rest)
        taken, rest = rest[:count], rest[count:]
        at = max(recorded for _, recorded in taken) + timedelta(seconds=40)
        newest = log.following(brand, newest, [str(entry) for entry, _ in taken], at)
        objects |= published(signer, newest, objects)
    return objects


def published(signer: Signer, batch: Batch, objects: dict[str, bytes]) -> dict[str, bytes]:
    """What is written of a batch: itself, its tiles, its checkpoint."""

    def read(path: str) -> bytes:
        return (made if f"{batch.brand}/{path}" in made else objects)[f"{batch.brand}/{path}"]

    made = {batch.key: batch.body()}
    made |= {
        f"{batch.brand}/{path}": tile
        for path, tile in merkle.grown(batch.first, batch.leaves(), read).items()
    }
    root = merkle.root(batch.size, read)
    made[batch.checkpoint_key] = signer.sign(batch.brand, batch.size, root, batch.time)
    return made


def entries(ledgers: Iterable[Ledger]) -> list[tuple[Entry, datetime]]:
    """Every event, in the order in which it was recorded."""
    found = [
        (Entry(Change.WRITTEN, item["pk"], item["seq"], item["hash"]), from_text(item["recorded_at"]))
        for ledger in ledgers
        for item in ledger
    ]
    return sorted(found, key=lambda pair: pair[1])


def honest(seed: int, people: int = 8) -> Made:
    """An export in which nothing is wrong."""
    chance, signer = random.Random(seed), Signer()
    ledgers: dict[tuple[str, str], Ledger] = {}
    for number in range(people):
        for brand in ("lama", "shopx")[chance.randrange(2) :]:
            recipient_id = f"{number:02}" + "".join(chance.choices("abcdefgh-_0123", k=41))
            records = [
                codec.event_item(event) | {"commitments": {"ip": f"{chance.getrandbits(256):064x}"}}
                for event in life(chance, brand, recipient_id, chance.randrange(1, 7))
            ]
            ledgers[brand, recipient_id] = chained(brand, recipient_id, records)
    return whole(signer, ledgers, lambda: chance.randrange(1, 9))


def whole(signer: Signer, ledgers: dict[tuple[str, str], Ledger], size: Callable[[], int]) -> Made:
    """The export that ledgers lead to: states, and a log for each brand with batches of these sizes."""
    objects: dict[str, bytes] = {}
    for brand in sorted({brand for brand, _ in ledgers}):
        found = entries(ledger for (of, _), ledger in ledgers.items() if of == brand)
        sizes = [size() for _ in range(len(found) // 4)]
        objects |= logged(signer, brand, found, sizes)
    return Made(signer, ledgers, {made["pk"]: made for made in map(state, ledgers.values())}, objects)
