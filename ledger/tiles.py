"""A log as static files: the paths and bytes of hash tiles and entry bundles.

Pure. Source: c2sp.org/tlog-tiles. One rule: what the size of the tree does not call for does not
exist; a tile is exactly as wide as the size says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger.errors import WrongTile
from ledger.merkle import HASH_BYTES, Frontier, perfect_levels

WIDTH = 256
HEIGHT = 8  # levels of the tree in a tile
MAX_ENTRY_BYTES = 65_535
ENTRIES = "entries"  # stands in an entry bundle's path where a hash tile has its level


@dataclass(frozen=True)
class Tile:
    """Tile `index` of `level`: `width` hashes, of the subtrees of 256^level leaves each."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is, below the log's own place."""
        return _path(str(self.level), self.index, self.width)

    @property
    def first(self) -> int:
        """The number of the first entry below it, from 1."""
        return (self.index << HEIGHT * (self.level + 1)) + 1

    @property
    def last(self) -> int:
        """The number of the last entry below it."""
        return self.first - 1 + (self.width << HEIGHT * self.level)


def bundle_path(index: int, width: int = WIDTH) -> str:
    """Where the entry bundle beside the tile `index` of level 0 is."""
    return _path(ENTRIES, index, width)


def _path(level: str, index: int, width: int) -> str:
    assert index >= 0 and 1 <= width <= WIDTH
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.insert(0, f"x{index % 1000:03d}")
    partial = "" if width == WIDTH else f".p/{width}"
    return "/".join(("tile", level, *parts)) + partial


def tiles(size: int) -> Iterator[Tile]:
    """Every hash tile of a tree of `size` leaves, level by level, from the left."""
    level = 0
    while hashes := size >> HEIGHT * level:
        for index in range(hashes >> HEIGHT):
            yield Tile(level, index)
        if width := hashes & WIDTH - 1:
            yield Tile(level, hashes >> HEIGHT, width)
        level += 1


def edge(size: int) -> list[Tile]:
    """The partial tiles of a tree of `size` leaves, the highest first: at most one a level."""
    found, level = [], 0
    while hashes := size >> HEIGHT * level:
        if width := hashes & WIDTH - 1:
            found.append(Tile(level, hashes >> HEIGHT, width))
        level += 1
    return found[::-1]


def split_hashes(data: bytes, tile: Tile) -> list[bytes]:
    """The hashes in a tile's bytes; raises WrongTile if it is not as wide as it must be."""
    if len(data) != HASH_BYTES * tile.width:
        raise WrongTile(f"has {len(data)} bytes, not {tile.width} hashes of {HASH_BYTES}")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """What the next level's tile says of a full tile with these hashes."""
    assert len(hashes) == WIDTH
    return perfect_levels(hashes)[-1][0]


def edge_root(partial: Sequence[tuple[Tile, Sequence[bytes]]]) -> bytes:
    """The tree's root, from the hashes of all its partial tiles, the highest first."""
    frontier = Frontier()
    for tile, hashes in partial:
        for hashed in hashes:
            frontier.add_perfect(HEIGHT * tile.level, hashed)
    return frontier.root()


def encode_bundle(bodies: Sequence[bytes]) -> bytes:
    """Entries one after the other, each behind its length in two bytes, big-endian."""
    assert all(len(body) <= MAX_ENTRY_BYTES for body in bodies)
    return b"".join(len(body).to_bytes(2, "big") + body for body in bodies)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle; raises WrongTile if it does not hold exactly so many."""
    bodies: list[bytes] = []
    at = 0
    while at < len(data) and len(bodies) < width:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        bodies.append(data[start:at])
    if at != len(data) or len(bodies) != width:
        raise WrongTile(f"does not hold exactly {width} entries")
    return bodies
