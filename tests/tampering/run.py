"""Tampered exports and forged proofs by the hundred: which are found?"""

from __future__ import annotations

import base64
import itertools
import json
import random
import tempfile
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from izin.domain import chain, log, merkle
from izin.domain.log import Change, Entry
from izin.domain.times import to_text
from izin.verify import export, proof
from izin.verify.note import Checkpoint, Forged, opened

from tests.tampering.kinds import KINDS, truncated_with_the_log
from tests.tampering.made import EXPORTED, Made, Signer, chained, honest, whole

HONEST = "honest, and so not found"
SALT, IP = b"\1" * 32, "203.0.113.9"


@dataclass
class Result:
    """How many changes of a kind were found, and the seeds of those that were not."""

    found: int = 0
    missed: list[int] = field(default_factory=list)

    def count(self, seed: int, found: bool) -> None:
        if found:
            self.found += 1
        else:
            self.missed.append(seed)


def judged(made: Made, seen: Iterable[Checkpoint] = ()) -> export.Report:
    """What `izin verify` says of an export to somebody who kept the checkpoints `seen`."""
    with tempfile.TemporaryDirectory(prefix="izin-tampering-") as folder:
        return export.verify(made.write(Path(folder)), made.signer.public, seen, to_text(EXPORTED))


def checkpoints(made: Made) -> list[Checkpoint]:
    """Every checkpoint of an honest export."""
    signed = (body.decode() for key, body in made.objects.items() if "/checkpoint/" in key)
    return [opened(text, made.signer.public) for text in signed]


def tamper(count: int, seed: int) -> dict[str, Result]:
    """`count` exports, each tampered with in one way; kinds take turns. Some are left as they are."""
    results = {kind.__name__: Result() for kind in KINDS} | {HONEST: Result()}
    done = 0
    for number in itertools.count():
        kind, chance = KINDS[number % len(KINDS)], random.Random(seed * 1_000_003 + number)
        made = honest(seed * 1_000_003 + number // 4)
        seen = checkpoints(made)
        if number % 20 == 0:
            results[HONEST].count(number, not judged(made, seen).wrong)
        if kind(made, chance):
            report = judged(made, seen if kind is truncated_with_the_log else ())
            results[kind.__name__].count(number, report.wrong > 0)
            done += 1
        if done == count:
            return results
    raise AssertionError


def proof_of(made: Made, who: tuple[str, str]) -> dict[str, Any]:
    """The proof that the product would give of a person's ledger."""
    brand, recipient_id = who
    ledger = made.ledgers[who]
    last = str(Entry(Change.WRITTEN, ledger[-1]["pk"], ledger[-1]["seq"], ledger[-1]["hash"]))
    index = _lines(made, brand).index(last)
    newest = max(key for key in made.objects if key.startswith(f"{brand}/checkpoint/"))
    size = int(newest.rpartition("-")[2])
    path = merkle.inclusion(index, size, lambda tile: made.objects[f"{brand}/{tile}"])
    return {
        "format": proof.FORMAT,
        "brand": brand,
        "recipient_id": recipient_id,
        "events": [{k: v for k, v in item.items() if k not in ("pk", "sealed")} for item in ledger],
        "seq": ledger[-1]["seq"],
        "index": index,
        "path": base64.b64encode(b"".join(path)).decode(),
        "checkpoint": made.objects[newest].decode(),
        "evidence": {ledger[0]["id"]: {"ip": {"salt": SALT.hex(), "value": IP}}},
    }


def _lines(made: Made, brand: str) -> list[str]:
    keys = sorted((key for key in made.objects if key.startswith(log.batches(brand))), reverse=True)
    return [line for key in keys for line in json.loads(made.objects[key])["entries"]]


def with_evidence(seed: int) -> Made:
    """An honest export in which each first event committed to an IP address that its proof shows."""
    made = honest(seed)
    for ledger in made.ledgers.values():
        ledger[0]["commitments"] = {"ip": chain.commit(SALT, "ip", IP)}
    ledgers = {who: chained(*who, ledger) for who, ledger in made.ledgers.items()}
    return whole(made.signer, ledgers, lambda: 5)


def forge_proofs(count: int, seed: int) -> dict[str, Result]:
    """`count` forged proofs for one person; each field of one takes its turn."""
    results: dict[str, Result] = {}
    for number in range(count):
        chance = random.Random(seed * 1_000_003 + number)
        if number % 50 == 0:
            made = with_evidence(seed * 1_000_003 + number)
        who, other = chance.choice(list(made.ledgers)), chance.choice(list(made.ledgers))
        true = proof_of(made, who)
        results.setdefault(HONEST, Result()).count(number, not _refused(true, made.signer))
        name, forged = _forged(deepcopy(true), proof_of(made, other), chance)
        if forged != true:
            results.setdefault(name, Result()).count(number, _refused(forged, made.signer))
    return results


def _refused(forged: dict[str, Any], signer: Signer) -> bool:
    try:
        proof.verify(json.dumps(forged).encode(), signer.public, to_text(EXPORTED))
    except (Forged, proof.Unreadable):
        return True
    return False


def _forged(
    forged: dict[str, Any], other: dict[str, Any], chance: random.Random
) -> tuple[str, dict[str, Any]]:
    events = forged["events"]
    at = chance.randrange(len(events))
    match chance.randrange(9):
        case 0:
            events[at]["source"] += "x"
            return "event edited", forged
        case 1:
            events[at]["source"] += "x"
            prev = events[at]["prev"]
            for event in events[at:]:
                event["prev"] = prev
                prev = event["hash"] = chain.link(event)
            return "event edited, chained anew", forged
        case 2:
            events.pop(at)
            forged["seq"] = min(forged["seq"], len(events))
            return "event deleted", forged
        case 3:
            path = bytearray(base64.b64decode(forged["path"]))
            path[chance.randrange(len(path)) :] = chance.randbytes(32) if path else b""
            return "path forged", forged | {"path": base64.b64encode(path).decode()}
        case 4:
            return "index forged", forged | {"index": forged["index"] + chance.choice([-1, 1, 2])}
        case 5:
            name = chance.choice(["brand", "recipient_id"])
            return f"{name} forged", forged | {name: "somebody else"}
        case 6:
            text = forged["checkpoint"].split("\n")
            text[chance.randrange(4)] += "x"
            return "checkpoint forged", forged | {"checkpoint": "\n".join(text)}
        case 7:
            evidence = deepcopy(forged["evidence"])
            next(iter(evidence.values()))["ip"]["value"] = "203.0.113.10"
            return "evidence swapped", forged | {"evidence": evidence}
    return "another's events", forged | {"events": other["events"], "seq": other["seq"]}
