"""Reading an export back: every hash tile, entry, line of the table and attachment, recomputed.

Not for signatures (`verify.py`): the head is given. One rule: a file that the head's size does not
call for is as wrong as one that is missing, and the first wrong entry is named.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ledger import listing
from ledger.attachment import content_hash
from ledger.errors import WrongEvidence, WrongTile
from ledger.merkle import HASH_BYTES, leaf_hash
from ledger.note import Checkpoint
from ledger.tiles import (
    MAX_ENTRY_BYTES,
    WIDTH,
    Tile,
    bundle_path,
    decode_bundle,
    edge,
    edge_root,
    split_hashes,
    tile_root,
    tiles,
)

MAX_ATTACHMENT_FILE = (1 << 20) + 128
MAX_BUNDLE = WIDTH * (MAX_ENTRY_BYTES + 2)
MAX_PROBLEMS = 1000
NO_ENTRY = 1 << 63  # sorts a problem of no entry behind those of entries
_HASH = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


class _Enough(Exception):
    """So much is wrong that the rest says nothing more."""


@dataclass
class Found:
    """What an export holds, checked."""

    size: int
    seen: list[tuple[int, int]] = field(default_factory=list)  # runs of entries seen in full
    rows: list[tuple[int, int]] = field(default_factory=list)  # runs of entries in the table
    attachments: int = 0
    unnamed: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)

    def add(self, entry: int, what: str) -> None:
        """Something is wrong, first at `entry`."""
        self.wrong.append((entry, what))
        if len(self.wrong) >= MAX_PROBLEMS:
            raise _Enough

    def problems(self) -> list[str]:
        """What is wrong, the first entry's first."""
        return [what for _, what in sorted(self.wrong, key=lambda each: each[0])]

    def lines(self) -> list[str]:
        """What was checked and what was not seen."""
        missed, at = [], 1
        for first, last in [*self.seen, (self.size + 1, 0)]:
            if at < first:
                missed.append((at, first - 1))
            at = last + 1
        told = [
            f"hashes: of all {self.size} entries",
            f"entries seen and right: {_runs(self.seen)}",
        ]
        if missed:
            told.append(
                f"not seen, only their hashes: {_runs(missed)}; that they are in the log is "
                "proven, what they say is not shown"
            )
        told.append(f"table: entries.csv has a line, as the entry says, of {_runs(self.rows)}")
        if self.attachments:
            told.append(
                f"attachments: {self.attachments}, each with the hash in its name; {self.unnamed} "
                "of them named by no entry seen here"
            )
        return told


def _runs(runs: list[tuple[int, int]]) -> str:
    return ", ".join(_run(*run) for run in runs) or "none"


def _extend(runs: list[tuple[int, int]], entry: int) -> None:
    """One more entry at the end of the runs."""
    first = runs.pop()[0] if runs and runs[-1][1] == entry - 1 else entry
    runs.append((first, entry))


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


class Export:
    """The export in one directory, under a head."""

    def __init__(self, path: Path, head: Checkpoint) -> None:
        self._path, self._head = path, head
        self._found = Found(head.size)
        self._named: set[bytes] = set()  # attachments' hashes in hex, found in entries

    def check(self) -> Found:
        """Everything in the directory; WrongEvidence for what cannot be read at all."""
        try:
            self._check_tiles()
            self._check_strangers()
            attachments = self._attachments()
            self._check_entries()
            self._found.unnamed = sum(name.encode() not in self._named for name in attachments)
        except _Enough:
            self._found.wrong.append((NO_ENTRY, f"and more; the check ended after {MAX_PROBLEMS}"))
        return self._found

    # --- the tree -------------------------------------------------------------------------------

    def _read(self, path: str, most: int) -> bytes | None:
        """A file's bytes; None, and a problem noted by who asks, if it is not there."""
        file = self._path / path
        try:
            if file.is_symlink() or not file.is_file():
                return None
            with file.open("rb") as stream:
                data = stream.read(most + 1)
        except OSError as error:
            raise WrongEvidence(f"{file}: cannot be read: {error.strerror}") from None
        if len(data) > most:
            raise WrongEvidence(f"{file}: is longer than {most} bytes")
        return data

    def _hashes(self, tile: Tile) -> list[bytes] | None:
        data = self._read(tile.path, HASH_BYTES * WIDTH)
        if data is None:
            self._found.add(tile.first, f"{_where(tile)}: {tile.path} is missing")
            return None
        try:
            return split_hashes(data, tile)
        except WrongTile as error:
            self._found.add(tile.first, f"{_where(tile)}: {tile.path} {error}")
            return None

    def _check_tiles(self) -> None:
        """The root from the partial tiles, then every full tile from the level above."""
        size, found = self._head.size, self._found
        partial = [(tile, self._hashes(tile)) for tile in edge(size)]
        whole = [(tile, hashes) for tile, hashes in partial if hashes is not None]
        if len(whole) == len(partial) and edge_root(whole) != self._head.root:
            found.add(1, "entries: the hash tiles do not lead to the signed root")
        above: list[bytes] | None = None
        upper: Tile | None = None
        for tile in tiles(size):
            if tile.width < WIDTH:
                continue
            index, place = divmod(tile.index, WIDTH)
            hashes_above = size >> 8 * (tile.level + 1)
            width = min(WIDTH, hashes_above - index * WIDTH)
            parent = Tile(tile.level + 1, index, width)
            if parent != upper:
                upper = parent
                data = self._read(parent.path, HASH_BYTES * WIDTH)
                whole_above = data is not None and len(data) == HASH_BYTES * width
                above = split_hashes(data or b"", parent) if whole_above else None
            hashes = self._hashes(tile)
            if above is not None and hashes is not None and above[place] != tile_root(hashes):
                what = f"{_where(tile)}: {tile.path} is not what {parent.path} says of it"
                found.add(tile.first, what)

    def _check_strangers(self) -> None:
        """Files below tile/ that this size of log does not have."""
        size = self._head.size
        allowed = {tile.path for tile in tiles(size)} | {path for path, _, _ in self._bundles()}
        for file in sorted((self._path / "tile").rglob("*")):
            name = file.relative_to(self._path).as_posix()
            if (file.is_symlink() or not file.is_dir()) and name not in allowed:
                self._found.add(NO_ENTRY, f"{name!r}: is no part of a log of {size} entries")

    def _bundles(self) -> Iterator[tuple[str, int, int]]:
        """The path, first entry and width of each bundle that there may be."""
        for first in range(1, self._head.size + 1, WIDTH):
            width = min(WIDTH, self._head.size - first + 1)
            yield bundle_path(first // WIDTH, width), first, width

    # --- entries, their table and their attachments ---------------------------------------------

    def _check_entries(self) -> None:
        table = _Table(self._path / "entries.csv", self._found)
        for path, first, width in self._bundles():
            data = self._read(path, MAX_BUNDLE)
            if data is None:
                continue
            try:
                bodies = decode_bundle(data, width)
            except WrongTile as error:
                self._found.add(first, f"entries {_run(first, first + width - 1)}: {path} {error}")
                continue
            leaves = self._read(Tile(0, first // WIDTH, width).path, HASH_BYTES * WIDTH) or b""
            for seq, body in enumerate(bodies, first):
                at = HASH_BYTES * (seq - first)
                if leaf_hash(body) == leaves[at : at + HASH_BYTES]:
                    _extend(self._found.seen, seq)
                else:
                    self._found.add(seq, f"entry {seq}: is not the one that was logged (leaf hash)")
                table.meet(seq, body)
                self._named.update(_HASH.findall(body))
        table.leftover()

    def _attachments(self) -> set[str]:
        """The names of the attachments that are what they are called."""
        good = set()
        folder = self._path / "attachments"
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            data = self._read(f"attachments/{file.name}", MAX_ATTACHMENT_FILE)
            if data is None or content_hash(data).hex() != file.name:
                self._found.add(NO_ENTRY, f"attachment {file.name!r}: its bytes are not those")
            else:
                good.add(file.name)
                self._found.attachments += 1
        return good


def _where(tile: Tile) -> str:
    return f"entries {_run(tile.first, tile.last)}"


class _Table:
    """entries.csv, read line by line beside the entries."""

    def __init__(self, file: Path, found: Found) -> None:
        self._found = found
        self._rows: Iterator[list[str]] = iter(())
        self._headings: tuple[str, ...] = ()
        self._next: list[str] | None = None
        self._needed: dict[str, None] = {}
        if not file.is_file():
            found.add(NO_ENTRY, "entries.csv: is missing")
            return
        self._stream = file.open(encoding="utf-8", newline="")
        self._rows = csv.reader(self._stream, strict=True)
        self._advance()
        self._headings = tuple(self._next or ())
        if self._headings[:3] != listing.FIXED or len(self._headings) > listing.MAX_COLUMNS:
            found.add(NO_ENTRY, "entries.csv: does not have the headings of a table of entries")
        self._advance()

    def _advance(self) -> None:
        try:
            self._next = next(self._rows, None)
        except (csv.Error, UnicodeDecodeError):
            self._found.add(NO_ENTRY, "entries.csv: cannot be read as a table")
            self._next = None

    def meet(self, seq: int, body: bytes) -> None:
        """Compare the entry's line, if the next one is this entry's."""
        if self._next is None or self._next[:1] != [str(seq)]:
            return
        if self._next != listing.row(seq, body, self._headings):
            self._found.add(seq, f"entry {seq}: its line in entries.csv says something else")
        else:
            _extend(self._found.rows, seq)
        self._needed.update(dict.fromkeys(listing.fields(body)[1]))
        self._advance()
        if self._next is not None and self._next[:1] != [str(seq + 1)]:
            self._found.add(seq + 1, f"entry {seq + 1}: another line follows in entries.csv")

    def leftover(self) -> None:
        """Lines of entries that are not there, and columns that were left out or added."""
        if self._next is not None:
            self._found.add(NO_ENTRY, "entries.csv: has lines that no entry seen here stands for")
        self._needed.pop("type", None)
        if self._headings[3:] != tuple(self._needed):
            self._found.add(NO_ENTRY, "entries.csv: its columns are not those of its entries")
        if self._headings:
            self._stream.close()
