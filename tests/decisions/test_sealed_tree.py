"""The tree is that of RFC 6962: the published roots and paths, the definition in five lines, another library."""

from __future__ import annotations

import hashlib

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.sealed import tree

# The leaves, roots and paths of the reference tests of certificate transparency (merkletree/merkle_tree_test.cc).
LEAVES = [
    bytes.fromhex(leaf) for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
forests = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def as_defined(leaves: list[bytes]) -> bytes:
    """The tree's root as RFC 6962 writes it down."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\x00" + leaves[0] if leaves else b"").digest()
    split = max(1 << n for n in range(32) if 1 << n < len(leaves))
    return hashlib.sha256(b"\x01" + as_defined(leaves[:split]) + as_defined(leaves[split:])).digest()


def test_of_no_leaves_it_is_the_hash_of_nothing():
    assert tree.root([]).hex() == EMPTY


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots(size):
    assert tree.root(LEAVES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size"), list(PATHS))
def test_the_published_paths(index, size):
    assert [step.hex() for step in tree.inclusion_path(LEAVES[:size], index)] == PATHS[index, size]


@pytest.mark.property
@given(forests)
def test_the_root_is_as_defined(leaves):
    assert tree.root(iter(leaves)) == as_defined(leaves)


@pytest.mark.property
@given(forests, st.data())
def test_another_library_makes_the_same_tree_and_takes_our_paths(leaves, data):
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        theirs.append_entry(leaf)
    assert tree.root(leaves) == theirs.get_root()
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = theirs.prove_inclusion(index + 1, len(leaves)).serialize()
    assert [step.hex() for step in tree.inclusion_path(leaves, index)] == proof["path"][1:]
    assert tree.verify_inclusion(leaves[index], index, len(leaves), tree.inclusion_path(leaves, index), theirs.get_root())


@pytest.mark.property
@given(forests, st.data())
def test_a_path_proves_its_leaf_at_its_place_and_nothing_else(leaves, data):
    size, root = len(leaves), tree.root(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion_path(leaves, index)
    assert tree.verify_inclusion(leaves[index], index, size, path, root)
    other = data.draw(st.binary(max_size=41).filter(lambda leaf: leaf != leaves[index]))
    assert not tree.verify_inclusion(other, index, size, path, root)
    assert not tree.verify_inclusion(leaves[index], index, size, [*path, bytes(32)], root)
    assert not tree.verify_inclusion(leaves[index], index, size, path, bytes(32))
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not tree.verify_inclusion(leaves[index], index, size, path[:at] + path[at + 1 :], root)
        assert not tree.verify_inclusion(leaves[index], index, size, [*path[:at], bytes(32), *path[at + 1 :]], root)


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_to_a_place_that_is_none(index):
    with pytest.raises(IndexError):
        tree.inclusion_path(LEAVES[:3], index)
    assert not tree.verify_inclusion(LEAVES[0], index, 3, [], bytes(32))
