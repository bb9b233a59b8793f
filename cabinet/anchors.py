"""What was kept of the ledger outside its file, and whether the file still continues it.

The newest head lies on a second path, and the newest that a witness showed us beside it. One rule:
a file that is older than an anchor, or other than it, moves no lock until two people have decided;
an anchor that is missing or cannot be read is no proof that all is well.

An anchor is written after its head's entries are on disk, so no power cut makes a false alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cabinet import whole_file
from ledger.errors import LedgerError
from ledger.note import NoteVerifier, open_note, parse_checkpoint
from ledger.store import Store

MAX_ANCHOR_BYTES = 65_536
WITNESSED = ".witnessed"


@dataclass(frozen=True)
class Doubt:
    """Why the ledger does not stand up to an anchor; `size` 0 where it could not be read."""

    where: Path
    why: str
    size: int = 0
    root: str = ""  # in hex

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


class RolledBack(Exception):
    """The ledger does not continue what was kept of it elsewhere."""

    def __init__(self, doubts: Sequence[Doubt]) -> None:
        told = "; ".join(map(str, doubts))
        super().__init__(
            f"the ledger may have been rolled back: {told}; locks stay shut until two people with "
            "the recovery cards decide: cabinet recover --accept-rollback"
        )
        self.doubts = tuple(doubts)


class Anchors:
    """The anchors of one cabinet; `path` is the second path, the witness's head lies beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.witnessed = path.with_name(path.name + WITNESSED)

    def keep(self, note: str) -> None:
        """The newest head, durably; raises OSError."""
        try:
            whole_file.replace(self.path, note.encode())
        except FileNotFoundError:  # the first one
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            whole_file.replace(self.path, note.encode())

    def keep_witnessed(self, note: str) -> None:
        """A head that a witness proved and the ledger does not continue, durably."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole_file.replace(self.witnessed, note.encode())

    def settle(self, note: str) -> None:
        """After two people accepted: `note` is the anchor, and what it replaces is put aside."""
        for each in (self.path, self.witnessed):
            if each.exists():
                whole_file.rename(each, each.with_name(each.name + ".refused"))
        self.keep(note)

    def read(self) -> tuple["Kept", ...]:
        """What lies there now: read it before a ledger that somebody else writes is opened."""
        kept = [_read(self.path)]
        if self.witnessed.exists():
            kept.append(_read(self.witnessed))
        return tuple(kept)


@dataclass(frozen=True)
class Kept:
    """An anchor as it was read; `data` is None where it could not be."""

    where: Path
    data: bytes | None
    why: str = ""


def _read(path: Path) -> Kept:
    try:
        with path.open("rb") as stream:
            return Kept(path, stream.read(MAX_ANCHOR_BYTES + 1))
    except OSError as error:
        return Kept(path, None, f"the kept head cannot be read ({error.strerror})")


def compare(
    kept: Sequence[Kept],
    store: Store,
    verifiers: Sequence[NoteVerifier],
    accepted: Sequence[tuple[int, str]] = (),
) -> tuple[Doubt, ...]:
    """What speaks against the ledger; `accepted` are (size, root) that two people passed."""
    doubts = (_compare(each, store, verifiers, accepted) for each in kept)
    return tuple(doubt for doubt in doubts if doubt is not None)


def _compare(
    kept: Kept,
    store: Store,
    verifiers: Sequence[NoteVerifier],
    accepted: Sequence[tuple[int, str]],
) -> Doubt | None:
    if kept.data is None:
        return Doubt(kept.where, kept.why)
    try:
        head = parse_checkpoint(open_note(kept.data.decode(), verifiers))
    except (LedgerError, UnicodeDecodeError) as error:
        return Doubt(kept.where, f"is not a head of this ledger ({error})")
    if head.origin != store.origin:
        return Doubt(kept.where, f"is a head of another ledger, {head.origin}")
    root = head.root.hex()
    if (head.size, root) in accepted:
        return None
    if head.size > store.size:
        why = f"a head over {head.size} entries was kept, the ledger has {store.size}"
        return Doubt(kept.where, why, head.size, root)
    if store.root(head.size) != head.root:
        why = f"the first {head.size} entries are not those of the head that was kept"
        return Doubt(kept.where, why, head.size, root)
    return None
