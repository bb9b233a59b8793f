"""The RFC 6962 Merkle tree over the entries: hashes, the growing edge, and proofs.

Pure: no file, no database; stored nodes come from a `node(level, index)` callable. One rule: the
bytes that were stored are what is hashed, and a node's hash never changes once it exists.

Entries have sequence numbers from 1, leaves have indexes from 0: entry n is leaf n - 1.
Node (level, index) is the root of the perfect subtree over leaves [index << level,
(index + 1) << level).
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

from ledger.errors import WrongProof

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Node = Callable[[int, int], bytes]


def leaf_hash(body: bytes) -> bytes:
    """SHA-256(0x00 || body), RFC 6962 section 2.1."""
    return sha256(b"\0" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), RFC 6962 section 2.1."""
    return sha256(b"\1" + left + right).digest()


class Frontier:
    """The growing edge of the tree: the roots of the perfect subtrees that make up `size` leaves.

    There is one root per set bit of `size`, the largest subtree first.
    """

    __slots__ = ("_roots", "size")

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        assert len(roots) == size.bit_count(), "one root per set bit"
        self.size = size
        self._roots = list(roots)

    @classmethod
    def restore(cls, size: int, node: Node) -> "Frontier":
        """The frontier of a tree of `size` leaves from its stored nodes."""
        roots = []
        start = 0
        for level in range(size.bit_length() - 1, -1, -1):
            if size >> level & 1:
                roots.append(node(level, start >> level))
                start += 1 << level
        return cls(size, roots)

    def copy(self) -> "Frontier":
        """An independent frontier of the same tree."""
        return Frontier(self.size, self._roots)

    def become(self, other: "Frontier") -> None:
        """Takes over what another frontier of the same tree has come to."""
        assert other.size >= self.size, "a tree only grows"
        self.size, self._roots = other.size, list(other._roots)

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, the largest first."""
        return tuple(self._roots)

    def add(self, body: bytes) -> bytes:
        """Adds the next leaf and returns what its row stores beside `body`.

        That is the leaf's hash and then the roots, upwards, of every perfect subtree that this
        leaf completes: 1 + (trailing zero bits of the entry's number) hashes.
        """
        roots = self._roots
        hashed = sha256(b"\0" + body).digest()
        nodes = hashed
        size = self.size
        self.size = size + 1
        while size & 1:
            hashed = sha256(b"\1" + roots.pop() + hashed).digest()
            nodes += hashed
            size >>= 1
        roots.append(hashed)
        return nodes

    def after(self, body: bytes) -> tuple["Frontier", bytes]:
        """The frontier with the next leaf, and what its row stores; this one stays as it is.

        The same as `add` on a `copy`, on the path of every append and so without a detour.
        """
        size, roots = self.size, self._roots.copy()
        nodes = hashed = sha256(b"\0" + body).digest()
        rest = size
        while rest & 1:
            hashed = sha256(b"\1" + roots.pop() + hashed).digest()
            nodes += hashed
            rest >>= 1
        roots.append(hashed)
        grown = Frontier.__new__(Frontier)
        grown.size, grown._roots = size + 1, roots
        return grown, nodes

    def add_perfect(self, level: int, hashed: bytes) -> bytes:
        """Adds a perfect subtree of 2^level leaves by its root, where such a one begins.

        Returns, one after the other, the roots of the larger subtrees that it completes.
        """
        assert not self.size & (1 << level) - 1, "a subtree begins at a multiple of its width"
        roots, completed = self._roots, b""
        rest = self.size >> level
        self.size += 1 << level
        while rest & 1:
            hashed = sha256(b"\1" + roots.pop() + hashed).digest()
            completed += hashed
            rest >>= 1
        roots.append(hashed)
        return completed

    def root(self) -> bytes:
        """The tree's root, RFC 6962's MTH."""
        if not self._roots:
            return EMPTY_ROOT
        hashed = self._roots[-1]
        for left in self._roots[-2::-1]:
            hashed = node_hash(left, hashed)
        return hashed


def perfect_levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All levels of the perfect tree over 2^k leaf hashes: the leaves first, the root last."""
    level = list(leaves)
    assert level and not len(level) & len(level) - 1, "a perfect tree has 2^k leaves"
    levels = [level]
    while len(level) > 1:
        pairs = iter(level)
        level = [
            sha256(b"\1" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)
        ]
        levels.append(level)
    return levels


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << (width - 1).bit_length() - 1


def _range_root(start: int, stop: int, node: Node) -> bytes:
    """The root over leaves [start, stop), where `start` is aligned as RFC 6962 splits ranges."""
    width = stop - start
    level = width.bit_length() - 1
    if width == 1 << level:
        return node(level, start >> level)
    middle = start + _split(width)
    return node_hash(_range_root(start, middle, node), _range_root(middle, stop, node))


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """RFC 6962's PATH: the hashes that lead from leaf `index` to the root over `size` leaves."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    proof: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            proof.append(_range_root(middle, stop, node))
            stop = middle
        else:
            proof.append(_range_root(start, middle, node))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, size: int, node: Node) -> list[bytes]:
    """RFC 6962's PROOF: that the tree of `size` leaves begins with the tree of `old` leaves.

    Empty where `old` is 0 or `size`, as in C2SP's witness protocol.
    """
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {old} is not the beginning of a tree of {size}")
    if old in (0, size):
        return []
    proof: list[bytes] = []
    start, stop = 0, size
    while stop != old:
        middle = start + _split(stop - start)
        if old <= middle:
            proof.append(_range_root(middle, stop, node))
            stop = middle
        else:
            proof.append(_range_root(start, middle, node))
            start = middle
    if start != 0:
        proof.append(_range_root(start, stop, node))
    return proof[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raises WrongProof unless `leaf` is at `index` under `root` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise WrongProof(f"leaf {index} is not in a tree of {size}")
    number, last, hashed = index, size - 1, leaf
    for other in _checked(proof):
        if last == 0:
            raise WrongProof("the inclusion proof is too long")
        if number & 1 or number == last:
            hashed = node_hash(other, hashed)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            hashed = node_hash(hashed, other)
        number >>= 1
        last >>= 1
    if last != 0:
        raise WrongProof("the inclusion proof is too short")
    if hashed != root:
        raise WrongProof(f"leaf {index} is not under this root of {size}")


def verify_consistency(
    old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    """Raises WrongProof unless the tree `root` begins with `old_root` (RFC 9162 2.1.4.2)."""
    if not 0 <= old <= size:
        raise WrongProof(f"a tree of {old} is not the beginning of a tree of {size}")
    if old in (0, size):
        if proof:
            raise WrongProof("the consistency proof should be empty")
        if old_root != (EMPTY_ROOT if old == 0 else root):
            raise WrongProof(f"two different roots of {old} entries")
        return
    path = _checked(proof)
    if old & old - 1 == 0:
        path.insert(0, old_root)
    if not path:
        raise WrongProof("the consistency proof is empty")
    number, last = old - 1, size - 1
    while number & 1:
        number >>= 1
        last >>= 1
    first = second = path[0]
    for other in path[1:]:
        if last == 0:
            raise WrongProof("the consistency proof is too long")
        if number & 1 or number == last:
            first = node_hash(other, first)
            second = node_hash(other, second)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            second = node_hash(second, other)
        number >>= 1
        last >>= 1
    if last != 0:
        raise WrongProof("the consistency proof is too short")
    if first != old_root or second != root:
        raise WrongProof(f"the tree of {size} does not begin with this tree of {old}")


def _checked(proof: Sequence[bytes]) -> list[bytes]:
    """A copy of the proof; no proof has more hashes than a tree can have levels, twice."""
    if len(proof) > 128 or any(len(hashed) != HASH_BYTES for hashed in proof):
        raise WrongProof(f"a proof has at most 128 hashes of {HASH_BYTES} bytes")
    return list(proof)
