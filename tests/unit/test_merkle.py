"""The tree is RFC 6962's, whatever its size, and its tiles are enough to prove everything."""

from __future__ import annotations

import hashlib
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.domain import merkle
from izin.domain.merkle import leaf_hash
from izin.verify import tree

# The inputs and roots with which implementations of Certificate Transparency test themselves.
INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def tiled(leaves: list[bytes], batches: list[int] | None = None) -> dict[str, bytes]:
    """Every tile that a log ever writes whose entries come in batches of these sizes."""
    tiles: dict[str, bytes] = {}
    size = 0
    for count in batches or [len(leaves)]:
        tiles |= merkle.grown(size, leaves[size : size + count], tiles.__getitem__)
        size += count
    assert size == len(leaves)
    return tiles


def numbered(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it stands there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    left, right = by_definition(leaves[:middle]), by_definition(leaves[middle:])
    return hashlib.sha256(b"\1" + left + right).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_that_everybody_knows(size: int) -> None:
    leaves = [leaf_hash(bytes.fromhex(text)) for text in INPUTS[:size]]
    assert merkle.root(size, tiled(leaves).__getitem__).hex() == ROOTS[size - 1]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_root_and_proofs_for_every_size(batches: list[int], chance: random.Random) -> None:
    leaves = numbered(sum(batches))
    tiles = tiled(leaves, batches)
    signed = list(itertools.accumulate(batches))
    for size in signed:
        assert merkle.root(size, tiles.__getitem__) == by_definition(leaves[:size])
    size = len(leaves)
    root = by_definition(leaves)
    index = chance.randrange(size)
    path = merkle.inclusion(index, size, tiles.__getitem__)
    assert tree.root_of_path(leaves[index], index, size, path) == root
    old = chance.choice(signed)
    steps = merkle.consistency(old, size, tiles.__getitem__)
    assert tree.continues(old, size, by_definition(leaves[:old]), root, steps)


@given(st.integers(2, 600), st.randoms(use_true_random=False))
def test_a_forged_proof_leads_nowhere(size: int, chance: random.Random) -> None:
    leaves = numbered(size)
    tiles, root, index = tiled(leaves), by_definition(leaves), chance.randrange(size)
    path = merkle.inclusion(index, size, tiles.__getitem__)
    place, other = chance.randrange(len(path)), chance.randbytes(32)
    forged = [
        (leaf_hash(b"never logged"), index, size, path),
        (leaves[index], (index + 1) % size, size, path),
        (leaves[index], index, size, [*path[:place], other, *path[place + 1 :]]),
        (leaves[index], index, size, path[:place] + path[place + 1 :]),
        (leaves[index], index, size, [*path, other]),
        (leaves[index], size, size, path),
        (leaves[index], -1, size, path),
    ]
    assert [tree.root_of_path(*proof) == root for proof in forged] == [False] * len(forged)


@given(st.integers(2, 600), st.randoms(use_true_random=False))
def test_a_forged_continuation_is_none(size: int, chance: random.Random) -> None:
    leaves = numbered(size)
    old = chance.randrange(1, size)
    tiles, root, before = tiled(leaves), by_definition(leaves), by_definition(leaves[:old])
    steps = merkle.consistency(old, size, tiles.__getitem__)
    place, other = chance.randrange(len(steps)), chance.randbytes(32)
    assert tree.continues(old, size, before, root, steps)
    assert not tree.continues(old, size, other, root, steps)
    assert not tree.continues(old, size, before, other, steps)
    assert not tree.continues(old, size, before, root, [*steps[:place], other, *steps[place + 1 :]])
    assert not tree.continues(old, size, before, root, steps[:-1])
    assert not tree.continues(old, size, before, root, [*steps, other])


@pytest.mark.parametrize(
    ("level", "index", "size", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 273, 70_000, "tile/0/273.p/112"),
        (1, 1, 70_000, "tile/1/001.p/17"),
        (2, 0, 70_000, "tile/2/000.p/1"),
        (0, 1_234_067, 400_000_000, "tile/0/x001/x234/067"),
    ],
)
def test_tiles_lie_where_the_specification_says(level: int, index: int, size: int, path: str) -> None:
    assert merkle.tile_path(level, index, size) == path


def test_what_is_written_for_70000_entries_is_what_the_specification_counts() -> None:
    tiles = tiled(numbered(70_000))
    full = [path for path in tiles if ".p/" not in path]
    assert sorted(path for path in tiles if ".p/" in path) == [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert len([path for path in full if path.startswith("tile/0/")]) == 273
    assert len([path for path in full if path.startswith("tile/1/")]) == 1
    assert {len(tiles[path]) for path in full} == {8192}


def test_nothing_is_written_twice_with_another_content() -> None:
    leaves = numbered(1500)
    small, large = tiled(leaves, [1] * 300 + [1200]), tiled(leaves, [700, 800])
    assert {path: small[path] for path in small.keys() & large.keys()} == {
        path: large[path] for path in small.keys() & large.keys()
    }
