"""How fast is a million events verified, in how much memory, and how large is a proof?

`python -m tests.tampering.large --n 1000000` writes an export of that many events, verifies it in a
process of its own, and plants one change, which must be found. Proofs are made from the tiles alone.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from izin.aws import codec
from izin.aws.dynamo import pack
from izin.domain import log, merkle
from izin.domain.log import Batch, Change, Entry
from izin.exports import write
from izin.verify import tree

from tests.tampering.made import BEGINS, EXPORTED, Item, Signer, chained, life, published, state

BATCH = 1000
EACH = 4
"""Events of one person."""

BILLION = 10**9


def people(count: int) -> Iterator[tuple[list[Item], Item]]:
    """Ledgers with the states that follow, of people who are all recorded in their turn."""
    chance = random.Random(1)
    for number in range(count // EACH):
        recipient_id = f"{number:043}"
        events = list(life(chance, "shopx", recipient_id, EACH))
        at = BEGINS + timedelta(seconds=number)
        records = [
            codec.event_item(event) | {"recorded_at": (at.isoformat(timespec="milliseconds")[:-6] + "Z")}
            for event in events
        ]
        ledger = chained("shopx", recipient_id, records)
        yield ledger, state(ledger)


def made(folder: Path, count: int, signer: Signer, planted: bool) -> None:
    """Write the export; where a change is `planted`, in one field of the event in the middle."""
    waiting: list[str] = []
    newest: Batch | None = None
    states = folder / "states.jsonl"
    tiles: dict[str, bytes] = {}

    def put(objects: dict[str, bytes]) -> None:
        for key, content in objects.items():
            file = folder / "log" / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        edge = {path for _, path in merkle.edge(newest.size if newest else 0)}
        tiles.clear()
        tiles.update({key: content for key, content in objects.items() if key.partition("/")[2] in edge})

    def items() -> Iterator[Item]:
        nonlocal newest, waiting
        with states.open("w") as kept:
            for number, (ledger, its_state) in enumerate(people(count)):
                kept.write(json.dumps(its_state) + "\n")
                for item in ledger:
                    waiting.append(str(Entry(Change.WRITTEN, item["pk"], item["seq"], item["hash"])))
                    if len(waiting) == BATCH:
                        at = BEGINS + timedelta(seconds=number + 60)
                        newest = log.following("shopx", newest, waiting, at)
                        objects = published(signer, newest, _Files(folder / "log"))
                        waiting = []
                        put(objects)
                    if planted and number == count // EACH // 2 and item["seq"] == 2:
                        item = {**item, "source": "elsewhere"}
                    yield item

    for table, found in (("ledger", items()), ("state", map(json.loads, _lines(states)))):
        source = write.Source(folder / "tables", table, f"arn:aws:dynamodb:::table/{table}", table)
        write.write(source, (pack(item) for item in found), EXPORTED, f"01764{table}")
    states.unlink()


def _lines(file: Path) -> Iterator[str]:
    with file.open() as lines:
        yield from lines


class _Files(dict[str, bytes]):
    """Objects that are read from files when they are asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __missing__(self, key: str) -> bytes:
        return (self._folder / key).read_bytes()


def proofs(folder: Path, count: int) -> str:
    """The size of proofs from the tiles of the export, and how long one takes to check."""
    tiles: dict[str, bytes] = {}

    def read(path: str) -> bytes:
        if path not in tiles:
            tiles[path] = (folder / "log" / "shopx" / path).read_bytes()
        return tiles[path]

    size = count // BATCH * BATCH
    root, chance, spent, largest = merkle.root(size, read), random.Random(2), 0.0, 0
    for _ in range(500):
        index = chance.randrange(size)
        path = merkle.inclusion(index, size, read)
        leaf = read(merkle.tile_path(0, index // 256, size))[index % 256 * 32 :][:32]
        began = time.perf_counter()
        good = tree.root_of_path(leaf, index, size, path) == root
        spent += time.perf_counter() - began
        largest = max(largest, 8 + 32 * len(path))
        assert good
    return f"proof at {size:,} entries: at most {largest} bytes, checked in {spent / 500 * 1e6:.0f} µs"


def by_construction() -> str:
    """A proof in a log of a billion entries, all alike, so that each subtree's hash is known."""
    leaf, full = tree.leaf(b"the same"), [tree.leaf(b"the same")]
    while len(full) < 8 * 5:
        full.append(tree.node(full[-1], full[-1]))

    def read(path: str) -> bytes:
        level, width = int(path.split("/")[1]), path.partition(".p/")[2]
        return full[8 * level] * int(width or 256)

    index = 12_345_678  # on the left, where the tree is deepest
    path = merkle.inclusion(index, BILLION, read)
    assert tree.root_of_path(leaf, index, BILLION, path) == merkle.root(BILLION, read)
    return f"proof at {BILLION:,} entries: {8 + 32 * len(path)} bytes"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tampering.large", description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000)
    count = parser.parse_args().n
    with tempfile.TemporaryDirectory(prefix="izin-large-") as place:
        folder, signer = Path(place), Signer()
        key = folder / "izin.der"
        key.write_bytes(
            signer.public.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        began = time.monotonic()
        made(folder, count, signer, planted=True)
        print(f"{count:,} events written in {time.monotonic() - began:.0f} s", flush=True)
        command = [sys.executable, "-m", "izin.cli", "verify", str(folder), "--key", str(key)]
        run = subprocess.run(command, capture_output=True, text=True)
        print(run.stdout + run.stderr)
        print(proofs(folder, count))
        print(by_construction())
    found = [line for line in run.stdout.splitlines() if line.startswith("TAMPERED")]
    planted: Any = f"TAMPERED  event 2 of shopx#{count // EACH // 2:043} was changed after it was written"
    return 0 if run.returncode == 1 and found == [planted] else 1


if __name__ == "__main__":
    sys.exit(main())
