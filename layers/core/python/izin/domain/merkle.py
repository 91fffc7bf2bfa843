"""How does one hash stand for every event of a log, and how is it shown that one of them is in it?

The tree is RFC 6962's (section 2.1). Its hashes lie in tiles of 256 (c2sp.org/tlog-tiles): the tile
`n` of level `l` holds the hashes of `256 ** l` leaves each. Roots and proofs are made from tiles alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

WIDTH = 256
"""Hashes in a full tile."""

HASH = 32

EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

Read = Callable[[str], bytes]
"""Gives the content of the tile at a path of `tile_path`."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees, the left of which is full."""
    return hashlib.sha256(b"\1" + left + right).digest()


def tile_path(level: int, index: int, size: int) -> str:
    """Where the tile lies in the log of `size` leaves: `tile/0/x001/234`, partial `tile/0/x001/234.p/17`."""
    digits = f"{index:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    width = min(WIDTH, _hashes(level, size) - index * WIDTH)
    return f"tile/{level}/{path}" + ("" if width == WIDTH else f".p/{width}")


def _hashes(level: int, size: int) -> int:
    """How many hashes the tiles of `level` hold in a log of `size` leaves."""
    return size >> 8 * level


def edge(size: int) -> Iterator[tuple[int, str]]:
    """Level and path of each partial tile of a log of `size` leaves, from the leaves up."""
    level = 0
    while _hashes(level, size):
        if _hashes(level, size) % WIDTH:
            yield level, tile_path(level, _hashes(level, size) // WIDTH, size)
        level += 1


def grown(size: int, leaves: Sequence[bytes], read: Read) -> dict[str, bytes]:
    """The tiles that a log of `size` leaves gains by `leaves`: the full ones, and the new right edge."""
    partial = {level: read(path) for level, path in edge(size)}
    after, made = size + len(leaves), {}
    level, fresh = 0, b"".join(leaves)
    while fresh:
        first = _hashes(level, size) // WIDTH
        hashes = partial.get(level, b"") + fresh
        tiles = [hashes[i : i + WIDTH * HASH] for i in range(0, len(hashes), WIDTH * HASH)]
        for index, tile in enumerate(tiles, first):
            made[tile_path(level, index, after)] = tile
        fresh = b"".join(_full(tile) for tile in tiles if len(tile) == WIDTH * HASH)
        level += 1
    return made


def _full(hashes: bytes) -> bytes:
    """The hash over a power of two of hashes."""
    row = [hashes[i : i + HASH] for i in range(0, len(hashes), HASH)]
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def root(size: int, read: Read) -> bytes:
    """The hash that stands for the first `size` leaves, which the tiles of a log of that size give."""
    return _subtree(0, size, size, read) if size else EMPTY


def _subtree(low: int, high: int, size: int, read: Read) -> bytes:
    """The hash of the leaves `low` up to `high`, a subtree of the log of `size` leaves."""
    count = high - low
    if count & (count - 1):
        middle = low + _left(count)
        return node_hash(_subtree(low, middle, size, read), _subtree(middle, high, size, read))
    level = (count.bit_length() - 1) // 8
    first, width = low >> 8 * level, count >> 8 * level
    tile = read(tile_path(level, first // WIDTH, size))
    at = first % WIDTH * HASH
    return _full(tile[at : at + width * HASH])


def _left(count: int) -> int:
    """Of `count` leaves, how many are in the left subtree: the largest power of two below."""
    return 1 << (count - 1).bit_length() - 1


def inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """That leaf `index` is one of `size`: the hashes beside its way up to the root."""
    if not 0 <= index < size:
        raise ValueError(f"a log of {size} entries has no entry {index}")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _left(high - low)
        if index < middle:
            path.append(_subtree(middle, high, size, read))
            high = middle
        else:
            path.append(_subtree(low, middle, size, read))
            low = middle
    return path[::-1]


def consistency(old: int, size: int, read: Read) -> list[bytes]:
    """That the first `old` leaves are still what they were: RFC 9162, section 2.1.4.1."""
    if not 0 < old <= size:
        raise ValueError(f"a log of {size} entries does not continue one of {old}")
    low, high, path, whole = 0, size, [], True
    while old != high - low:
        middle = _left(high - low)
        if old <= middle:
            path.append(_subtree(low + middle, high, size, read))
            high = low + middle
        else:
            path.append(_subtree(low, low + middle, size, read))
            low, old, whole = low + middle, old - middle, False
    return ([] if whole else [_subtree(low, high, size, read)]) + path[::-1]
