"""What the Merkle tree promises: RFC 6962's hashes, and proofs that hold and cannot be bent."""

from functools import cache
from hashlib import sha256

import pytest

from ledger import merkle
from ledger.errors import WrongProof
from ledger.merkle import Frontier, Node

# The test data of certificate-transparency's merkletree, in the C++ and Go implementations.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
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
INCLUSION = {  # (index, size)
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
}
CONSISTENCY = {  # (old, size)
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[3],
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
LARGEST = 130


def body(index: int) -> bytes:
    return b"entry %d" % index


@cache
def mth(start: int, stop: int) -> bytes:
    """RFC 6962 section 2.1 as it is written, over the leaves themselves."""
    width = stop - start
    if width == 0:
        return sha256(b"").digest()
    if width == 1:
        return sha256(b"\x00" + body(start)).digest()
    k = 1
    while k * 2 < width:
        k *= 2
    return sha256(b"\x01" + mth(start, start + k) + mth(start + k, stop)).digest()


def rows(bodies: list[bytes]) -> list[bytes]:
    frontier = Frontier()
    return [frontier.add(each) for each in bodies]


def nodes_of(stored: list[bytes]) -> Node:
    """Reads nodes where the format says that they are: in the row that completes the subtree."""

    def node(level: int, index: int) -> bytes:
        row = stored[(index + 1 << level) - 1]
        return row[32 * level : 32 * level + 32]

    return node


NODE = nodes_of(rows([body(index) for index in range(LARGEST)]))


def hexes(proof: list[bytes]) -> list[str]:
    return [each.hex() for each in proof]


def test_published_roots() -> None:
    frontier = Frontier()
    assert frontier.root().hex() == sha256(b"").hexdigest()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        frontier.add(leaf)
        assert frontier.root().hex() == root


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int) -> None:
    proof = merkle.inclusion_proof(index, size, nodes_of(rows(LEAVES)))
    assert hexes(proof) == INCLUSION[index, size]


@pytest.mark.parametrize(("old", "size"), CONSISTENCY)
def test_published_consistency_proofs(old: int, size: int) -> None:
    assert (
        hexes(merkle.consistency_proof(old, size, nodes_of(rows(LEAVES))))
        == (CONSISTENCY[old, size])
    )


def test_row_n_keeps_its_leaf_and_every_perfect_subtree_it_completes() -> None:
    for seq, stored in enumerate(rows([body(index) for index in range(LARGEST)]), 1):
        subtrees = [w for w in (1, 2, 4, 8, 16, 32, 64, 128) if seq % w == 0]
        assert stored == b"".join(mth(seq - width, seq) for width in subtrees)


def test_root_and_restored_frontier_at_every_size() -> None:
    for size in range(LARGEST + 1):
        frontier = Frontier.restore(size, NODE)
        assert frontier.root() == mth(0, size)
        if size < LARGEST:
            frontier.add(body(size))
            assert frontier.root() == mth(0, size + 1)


def test_copy_of_a_frontier_grows_by_itself() -> None:
    frontier = Frontier.restore(7, NODE)
    frontier.copy().add(b"other")
    assert (frontier.size, frontier.root()) == (7, mth(0, 7))


def test_inclusion_of_every_leaf_in_every_tree_up_to_130() -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, NODE)
            leaf, root = merkle.leaf_hash(body(index)), mth(0, size)
            merkle.verify_inclusion(leaf, index, size, proof, root)


def test_consistency_of_every_pair_of_trees_up_to_130() -> None:
    for size in range(LARGEST + 1):
        for old in range(size + 1):
            proof = merkle.consistency_proof(old, size, NODE)
            merkle.verify_consistency(old, size, proof, mth(0, old), mth(0, size))


def test_bent_inclusion_proof_is_refused() -> None:
    for size in (1, 2, 3, 7, 8, 21, 64, 65):
        root = mth(0, size)
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, NODE)
            leaf = merkle.leaf_hash(body(index))
            bent: list[tuple[bytes, int, int, list[bytes], bytes]] = [
                (merkle.leaf_hash(b"other"), index, size, proof, root),
                (leaf, index, size, proof, mth(0, size + 1)),
                (leaf, index, size, [*proof, root], root),
                (leaf, size, size, proof, root),
                (leaf, -1, size, proof, root),
                (leaf, index, size, [*proof, b"short"], root),
            ]
            bent += [(leaf, other, size, proof, root) for other in range(size) if other != index]
            bent += [
                (leaf, index, size, proof[:at] + [bytes(32)] + proof[at + 1 :], root)
                for at in range(len(proof))
            ]
            bent += [(leaf, index, size, proof[:-1], root)] if proof else []
            for case in bent:
                with pytest.raises(WrongProof):
                    merkle.verify_inclusion(*case)


def test_bent_consistency_proof_is_refused() -> None:
    for size in (1, 2, 3, 7, 8, 21, 64, 65):
        root = mth(0, size)
        for old in range(size + 1):
            proof = merkle.consistency_proof(old, size, NODE)
            forked = sha256(b"fork").digest()
            bent: list[tuple[int, int, list[bytes], bytes, bytes]] = [
                (old, size, proof, forked, root),
                (old, size, [*proof, root], mth(0, old), root),
                (size + 1, size, proof, mth(0, old), root),
            ]
            if old:
                bent.append((old, size, proof, mth(0, old), forked))
            bent += [
                (old, size, proof[:at] + [forked] + proof[at + 1 :], mth(0, old), root)
                for at in range(len(proof))
            ]
            bent += [(old, size, proof[:-1], mth(0, old), root)] if proof else []
            for case in bent:
                with pytest.raises(WrongProof):
                    merkle.verify_consistency(*case)


def test_proof_of_what_is_not_in_the_tree_cannot_be_asked_for() -> None:
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError, match="not in a tree"):
            merkle.inclusion_proof(index, size, NODE)
    for old, size in ((6, 5), (-1, 5)):
        with pytest.raises(ValueError, match="not the beginning"):
            merkle.consistency_proof(old, size, NODE)
