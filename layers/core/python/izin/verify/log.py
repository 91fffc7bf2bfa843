"""Is the log of a brand what its checkpoints were signed over, from the first entry to the last?

Reads the folder of one brand: `entries/`, `tile/` and `checkpoint/`, as they lie in the bucket. The
whole tree is computed again from the entries. A root that was signed over fewer of them must be the
root of just so many of the first: that is consistency, between any two checkpoints.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from izin.verify.note import Checkpoint, Forged, PublicKey, opened
from izin.verify.tree import Tree, leaf

_WIDTH, _HASH = 256, 32
_SIGNED_WITHIN = timedelta(minutes=15)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a log: what happened to which event, its hash, its number and when it was logged."""

    change: str
    ledger: str
    seq: int
    hash: str
    index: int
    time: str


@dataclass(slots=True)
class Log:
    """A brand's log as it was read. `signed` entries are under a checkpoint, the last of `until`."""

    brand: str
    checkpoints: int = 0
    signed: int = 0
    until: str = ""
    whole: bool = True
    tree: Tree = field(default_factory=Tree)

    @property
    def settled(self) -> str:
        """What was recorded before this time has been logged and signed, if anybody looks at the alarms."""
        if not self.until:
            return ""
        settled = datetime.fromisoformat(self.until) - _SIGNED_WITHIN
        return settled.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(
    folder: Path, key: PublicKey, seen: Mapping[str, list[Checkpoint]], say: Say
) -> Iterator[Entry | Log]:
    """Every entry of a brand's log in order, and at the end the log; `say` is told what is wrong.

    `seen` are checkpoints of this brand that were kept elsewhere.
    """
    brand = folder.name
    log, tiles = Log(brand), _Tiles(folder, say)
    wanted = _checkpoints(folder, key, say)
    log.checkpoints = sum(len(found) for found in wanted.values())
    if not wanted:
        say(f"log {brand}: there is no checkpoint signed by this key")
    for checkpoint in seen.get(brand, []):
        wanted.setdefault(checkpoint.size, []).append(("a checkpoint seen earlier", checkpoint))
    last, latest = max(wanted, default=0), ""
    for name, first, time, lines in _batches(folder, say):
        if first != log.tree.size:
            say(f"log {brand}: entry {log.tree.size} is missing: {name} begins with {first}")
            break
        if time < latest:
            say(f"log {brand}: {name} is older than the entries before it")
        latest = max(time, latest)
        for line in lines:
            entry = _entry(line, log.tree.size, time)
            if entry is None or entry.ledger.partition("#")[0] != brand:
                say(f"log {brand}: entry {log.tree.size} is none ({name})")
            else:
                yield entry
            found = leaf(line.encode())
            log.tree.append(found)
            tiles.append(found)
            for where, checkpoint in wanted.pop(log.tree.size, ()):
                _compare(log, where, checkpoint, say)
        if log.whole and log.signed < log.tree.size <= last:
            say(f"log {brand}: the entries before {log.tree.size} were never signed ({name})")
        tiles.settle(signed=log.tree.size <= last)
    if wanted:
        where, checkpoint = wanted[last][0]
        say(f"log {brand}: {where} was signed over {last} entries, and {log.tree.size} are here")
    tiles.close()
    yield log


def _compare(log: Log, where: str, checkpoint: Checkpoint, say: Say) -> None:
    if not log.whole:
        return  # whatever was signed over the changed entries cannot be right either
    if checkpoint.root == log.tree.root():
        log.signed, log.until = checkpoint.size, max(log.until, checkpoint.time)
        return
    log.whole = False
    say(
        f"log {log.brand}: {where} was signed over other entries than the first {checkpoint.size} here;"
        f" the first {log.signed} are as they were signed"
    )


def _checkpoints(folder: Path, key: PublicKey, say: Say) -> dict[int, list[tuple[str, Checkpoint]]]:
    """The signed checkpoints by their size; those that are not signed are told."""
    found: dict[int, list[tuple[str, Checkpoint]]] = {}
    for file in sorted(_files(folder / "checkpoint")):
        where = f"checkpoint/{file.name}"
        try:
            checkpoint = opened(file.read_text("utf-8"), key)
            if checkpoint.brand != folder.name:
                raise Forged(f"is one of the log {checkpoint.brand}")
            stamp = checkpoint.time.replace("-", "").replace(":", "")
            if not (file.name.startswith(f"{stamp}-") and file.name.endswith(f"-{checkpoint.size:012}")):
                raise Forged("is another one than its name says")
        except (Forged, UnicodeDecodeError) as error:
            say(f"log {folder.name}: {where} {error if isinstance(error, Forged) else 'is no checkpoint'}")
            continue
        found.setdefault(checkpoint.size, []).append((where, checkpoint))
    return found


def _batches(folder: Path, say: Say) -> Iterator[tuple[str, int, str, list[str]]]:
    """Name, first number, time and lines of each batch, the oldest first: their names count down."""
    for file in sorted(_files(folder / "entries"), reverse=True):
        name = f"entries/{file.name}"
        try:
            fields = json.loads(file.read_bytes())
            first, time, lines = fields["first"], fields["time"], fields["entries"]
            right = isinstance(first, int) and isinstance(time, str)
            if not right or not all(isinstance(line, str) for line in lines):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            say(f"log {folder.name}: {name} cannot be read")
            continue
        if file.name != f"{10**12 - 1 - first:012}":
            say(f"log {folder.name}: {name} begins with {first}, which is not what its name says")
        yield name, first, time, lines


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []


def _entry(line: str, index: int, time: str) -> Entry | None:
    parts = line.split(" ")
    if len(parts) != 4 or not parts[2].isdigit():
        return None
    change, ledger, seq, hash_ = parts
    return Entry(change, ledger, int(seq), hash_, index, time)


class _Tiles:
    """The tiles as the entries give them, compared with those that are here."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder, self._say = folder, say
        self._levels: list[tuple[int, bytearray]] = []  # index and hashes of the tile in the making
        self._changed: set[int] = set()
        self._compared = 0

    def append(self, hash_: bytes, level: int = 0) -> None:
        if level == len(self._levels):
            self._levels.append((0, bytearray()))
        index, hashes = self._levels[level]
        hashes += hash_
        self._changed.add(level)
        if len(hashes) == _WIDTH * _HASH:
            self._compare(_path(level, index), bytes(hashes))
            self._levels[level] = index + 1, bytearray()
            above = Tree()
            for at in range(0, len(hashes), _HASH):
                above.append(bytes(hashes[at : at + _HASH]))
            self.append(above.root(), level + 1)

    def settle(self, signed: bool) -> None:
        """The end of a batch: its partial tiles are here, too, unless it is still to be signed."""
        for level, (index, hashes) in enumerate(self._levels):
            if hashes and level in self._changed:
                path = f"{_path(level, index)}.p/{len(hashes) // _HASH}"
                if signed or (self._folder / path).exists():
                    self._compare(path, bytes(hashes))
        self._changed.clear()

    def close(self) -> None:
        here = sum(1 for file in (self._folder / "tile").rglob("*") if file.is_file())
        if here > self._compared:
            self._say(f"log {self._folder.name}: {here - self._compared} tiles belong to no entry")

    def _compare(self, path: str, hashes: bytes) -> None:
        file = self._folder / path
        if not file.is_file():
            self._say(f"log {self._folder.name}: {path} is missing")
            return
        self._compared += 1
        if file.read_bytes() != hashes:
            self._say(f"log {self._folder.name}: {path} does not hold the hashes of the entries")


def _path(level: int, index: int) -> str:
    digits = f"{index:03}"
    digits = "0" * (-len(digits) % 3) + digits
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return f"tile/{level}/" + "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
