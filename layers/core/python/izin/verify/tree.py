"""Does a hash belong to a Merkle tree, and what is the tree of these leaves? RFC 9162, section 2.1.

Written from the specification, not from the code that makes proofs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence


def leaf(entry: bytes) -> bytes:
    """The hash of an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows leaf by leaf and keeps no more than the roots of its full subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf_hash: bytes) -> None:
        """Add a leaf behind the others."""
        found, size = leaf_hash, self.size
        while size & 1:
            found = node(self._peaks.pop(), found)
            size >>= 1
        self._peaks.append(found)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node(peak, found)
        return found


def root_of_path(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (2.1.3.2); None where it has not the form of one."""
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, leaf_hash
    for step in path:
        if last == 0:
            return None
        if at % 2 or at == last:
            found = node(step, found)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            found = node(found, step)
        at, last = at // 2, last // 2
    return found if last == 0 else None


def continues(old: int, size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a consistency proof shows that the log of `size` continues the one of `old` (2.1.4.2)."""
    if old == size:
        return not path and old_root == new_root
    if not 0 < old < size or not path:
        return False
    steps: Iterator[bytes] = iter(path if old & (old - 1) else [old_root, *path])
    at, last = old - 1, size - 1
    while at % 2:
        at, last = at // 2, last // 2
    was = now = next(steps)
    for step in steps:
        if last == 0:
            return False
        if at % 2 or at == last:
            was, now = node(step, was), node(step, now)
            while at and not at % 2:
                at, last = at // 2, last // 2
        else:
            now = node(now, step)
        at, last = at // 2, last // 2
    return last == 0 and was == old_root and now == new_root
