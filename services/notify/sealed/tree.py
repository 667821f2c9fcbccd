"""Merkle trees as certificate transparency has them (RFC 6962, section 2.1): SHA-256, leaves and nodes told apart by a first byte. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf, 32 bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves in their order, in one pass and with the memory of one branch; of no leaves the hash of nothing."""
    return root_of_hashes(map(leaf_hash, leaves))


def root_of_hashes(hashes: Iterable[bytes]) -> bytes:
    """The same over leaves that are hashed already."""
    branch: list[tuple[int, bytes]] = []  # whole subtrees from the largest, with their heights
    for held in hashes:
        height = 0
        while branch and branch[-1][0] == height:
            held, height = _node(branch.pop()[1], held), height + 1
        branch.append((height, held))
    if not branch:
        return hashlib.sha256().digest()
    _, top = branch.pop()
    while branch:
        top = _node(branch.pop()[1], top)
    return top


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What proves that the leaf at `index` (from 0) lies under the root: the hashes beside its way up, lowest first. Raises IndexError."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    hashes, path = [leaf_hash(leaf) for leaf in leaves], []
    while len(hashes) > 1:
        split = 1 << (len(hashes) - 1).bit_length() - 1  # the largest power of two below the number of leaves
        left, right = hashes[:split], hashes[split:]
        hashes, beside, index = (left, right, index) if index < split else (right, left, index - split)
        path.append(root_of_hashes(beside))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], of: bytes) -> bool:
    """Whether the path proves that this leaf is the one at `index` of the `size` leaves under the root `of` (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, held = index, size - 1, leaf_hash(leaf)
    for beside in path:
        if last == 0:
            return False
        if at % 2 or at == last:
            held = _node(beside, held)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            held = _node(held, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and held == of


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
