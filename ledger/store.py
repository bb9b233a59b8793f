"""The store: entries, attachments and signed heads in one encrypted, append-only file.

Not for what a body means, and not for SQL from outside. One rule: what `append` returns for is on
disk; after any failed write the store refuses everything, because only opening again shows what
the disk kept.

Format: docs/ledger-format.md. One thread owns a store.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ledger import creation, database
from ledger.attachment import SALT_BYTES, Attachment, attachment_hash, make_attachment
from ledger.database import Lock, SqliteError, explain
from ledger.errors import (
    AppendFailed,
    Closed,
    Damaged,
    LedgerError,
    NoSpace,
    ReadOnly,
    WrongKey,
    WrongNote,
)
from ledger.merkle import HASH_BYTES, Frontier
from ledger.note import (
    Checkpoint,
    Signer,
    check_name,
    parse_checkpoint,
    parse_note,
    parse_signature,
)

__all__ = [
    "Attachment",
    "CheckpointResult",
    "Entry",
    "FreeSpace",
    "Head",
    "Row",
    "Store",
    "make_attachment",
]

MAX_BODY_BYTES = 16_384
MAX_ATTACHMENT_BYTES = 1 << 20
MAX_KIND_BYTES = 64
MAX_LINE_CHARACTERS = 8192
MAX_BATCH = 100_000
WAL_DUE_BYTES = 4 << 20
_TAIL = 1024  # entries after the newest head that opening recomputes at most
CHUNK = 256  # rows read at once: no statement stays open, at most 4 MiB of bodies in memory

_INSERT_ENTRY = "INSERT INTO e (seq, body, nodes) VALUES (?, ?, ?)"
_INSERT_ATTACHMENT = "INSERT INTO attachment (hash, kind, salt, data) VALUES (?, ?, ?, ?)"
_SELECT_NODE = f"SELECT substr(nodes, ?, {HASH_BYTES}) FROM e WHERE seq = ?"
_SELECT_ROWS = "SELECT seq, body, nodes FROM e WHERE seq >= ? ORDER BY seq LIMIT ?"
_SELECT_HEADS = "SELECT size, note FROM head WHERE size > ? ORDER BY size LIMIT ?"
_SELECT_NEWEST_HEAD = "SELECT size, note FROM head ORDER BY size DESC LIMIT 1"
_SELECT_ATTACHMENTS = (
    "SELECT rowid, hash, kind, salt, data FROM attachment WHERE rowid > ? ORDER BY rowid LIMIT 16"
)
_SELECT_COSIGNATURES = "SELECT line FROM cosignature WHERE size = ? ORDER BY rowid"
_SELECT_COSIGNATURE = "SELECT 1 FROM cosignature WHERE size = ? AND name = ? AND key_id = ?"
_SELECT_COSIGNED = "SELECT max(size) FROM cosignature WHERE name = ? AND key_id = ?"
_SELECT_ENTRIES = "SELECT seq, body FROM e WHERE seq >= ? AND seq < ? ORDER BY seq"

Row = tuple[int, bytes, bytes]


@dataclass(frozen=True)
class Entry:
    """One entry: its number, from 1 without gaps, and the bytes that were appended."""

    seq: int
    body: bytes


@dataclass(frozen=True)
class Head:
    """A signed tree head over the first `size` entries, as a C2SP signed note."""

    size: int
    note: str


@dataclass(frozen=True)
class Snapshot:
    """Derived from the first `size` entries by `version` of whatever derives it."""

    size: int
    version: int
    data: bytes


@dataclass(frozen=True)
class CheckpointResult:
    """`complete`: all of the WAL's pages are in the main file, and the WAL is empty again."""

    complete: bool
    frames: int
    moved: int


@dataclass(frozen=True)
class FreeSpace:
    """What is left on the file's disk for its owner."""

    bytes: int
    fraction: float


class Store:
    """One open ledger; made by `create` and `open`."""

    def __init__(self, path: Path, connection: Any, origin: str, lock: Lock | None) -> None:
        self.path, self.origin = path, origin
        self._connection = connection
        self._cursor = connection.cursor()
        self._lock = lock
        self._frontier = Frontier()
        self._signed = 0  # the newest head's size
        self._failure: str | None = None
        self._open = True
        self._wal = path.with_name(path.name + "-wal")
        self.doubts: tuple[str, ...] = ()  # of `examine`: what opening would have refused

    @classmethod
    def create(cls, path: str | os.PathLike[str], key: bytes, origin: str) -> "Store":
        """Makes a ledger where no file is, durable and complete or not at all, and opens it.

        `origin` names the log for ever: a key name in C2SP's sense, like "site/adc/cabinet/1".
        """
        check_name(origin)
        name = Path(path).resolve()
        if len(key) != database.KEY_BYTES:
            raise WrongKey(name, f"a ledger's key has {database.KEY_BYTES} bytes, not {len(key)}")
        lock = Lock(name)
        try:
            creation.create(name, key, origin)
            return cls._opened(name, key, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, path: str | os.PathLike[str], key: bytes, *, read_only: bool = False) -> "Store":
        """Opens a ledger, recomputes its newest entries, and compares the newest head.

        There is one writer at a time (Locked otherwise) and any number of readers beside it. A
        reader sees the entries that there were when it opened.
        """
        name = Path(path).resolve()
        if read_only:
            return cls._opened(name, key, None)
        if not name.exists():
            return cls._opened(name, key, None)  # raises Missing, and leaves no lock file behind
        lock = Lock(name)
        try:
            return cls._opened(name, key, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def examine(cls, path: str | os.PathLike[str], key: bytes) -> "Store":
        """Opens for `rows`, `heads`, `attachments` and `integrity` alone, believing nothing yet."""
        name = Path(path).resolve()
        doubts: list[str] = []
        connection, origin = database.connect(name, key, read_only=True, doubts=doubts)
        store = cls(name, connection, origin, None)
        store.doubts = tuple(doubts)
        return store

    @classmethod
    def _opened(cls, path: Path, key: bytes, lock: Lock | None) -> "Store":
        connection, origin = database.connect(path, key, read_only=lock is None)
        store = cls(path, connection, origin, lock)
        try:
            store._load()
        except BaseException:
            connection.close()
            raise
        return store

    def _load(self) -> None:
        """Finds the size, checks the tail against the tree and the newest head; one snapshot."""
        self._select("BEGIN", "opening it")
        size = self._select("SELECT max(seq) FROM e", "finding the newest entry")[0][0] or 0
        newest = self.newest_head()
        if newest:
            self._signed = self._check_head(newest, size)
        start = max(self._signed, size - _TAIL)
        frontier = Frontier.restore(start, self.node)
        for seq, body, nodes in self._rows(start + 1, size):
            if seq != frontier.size + 1 or frontier.add(body) != nodes:
                raise Damaged(self.path, "does not fit the Merkle tree", f"entry {seq}")
        if frontier.size != size:
            raise Damaged(self.path, "is missing", f"entry {frontier.size + 1}")
        self._frontier = frontier
        self._select("COMMIT", "opening it")

    def _check_head(self, head: Head, size: int) -> int:
        """Compares a head, its signature aside, with the stored tree; returns its size."""
        where = f"head of {head.size} entries"
        if head.size > size:
            raise Damaged(self.path, f"only {size} entries are left", where)
        try:
            signed = parse_checkpoint(parse_note(head.note)[0])
        except WrongNote as error:
            raise Damaged(self.path, str(error), where) from None
        root = Frontier.restore(head.size, self.node).root()
        if signed != Checkpoint(self.origin, head.size, root):
            raise Damaged(self.path, "was signed for other entries than these", where)
        return head.size

    # --- reading ----------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """The number of entries."""
        return self._frontier.size

    def root(self, size: int | None = None) -> bytes:
        """The Merkle root over the first `size` entries, or over all."""
        if size is None:
            return self._frontier.root()
        if not 0 <= size <= self.size:
            raise ValueError(f"the ledger has {self.size} entries, not {size}")
        return Frontier.restore(size, self.node).root()

    def entry(self, seq: int) -> Entry:
        """The entry numbered `seq`, from 1 to `size`."""
        if not 1 <= seq <= self.size:
            raise IndexError(f"the ledger has entries 1 to {self.size}, not {seq}")
        rows = self._select("SELECT seq, body FROM e WHERE seq = ?", f"entry {seq}", seq)
        if not rows:
            raise Damaged(self.path, "is missing", f"entry {seq}")
        return Entry(*rows[0])

    def entries(self, start: int = 1, stop: int | None = None) -> Iterator[Entry]:
        """The entries from `start` up to, not with, `stop`, in order; without a gap or Damaged."""
        last = self.size if stop is None else min(stop - 1, self.size)
        seq = max(start, 1)
        while seq <= last:
            end = min(seq + CHUNK, last + 1)
            for found, body in self._select(_SELECT_ENTRIES, f"entries from {seq}", seq, end):
                if found != seq:
                    break
                yield Entry(seq, body)
                seq += 1
            if seq != end:
                raise Damaged(self.path, "is missing", f"entry {seq}")

    def rows(self, start: int = 1) -> Iterator[Row]:
        """What the table of entries really holds from `start` on: for a check, not for use."""
        return self._rows(start, None)

    def last(self) -> int:
        """The greatest number in the table of entries, as in `rows`."""
        found = self._select("SELECT max(seq) FROM e", "finding the newest entry")[0][0]
        return found if isinstance(found, int) else 0

    def chunk(self, start: int, count: int = CHUNK) -> list[Row]:
        """The next rows of the table of entries, at most `count`, their types not yet looked at."""
        return self._select(_SELECT_ROWS, f"entries from {start}", start, count)

    def typed(self, rows: list[Row], start: int) -> list[Row]:
        """The same rows, if their values have the types they must have; else Damaged."""
        return self._typed(rows, (int, bytes, bytes), f"entries from {start}")

    def _rows(self, start: int, last: int | None) -> Iterator[Row]:
        while last is None or start <= last:
            count = CHUNK if last is None else min(CHUNK, last - start + 1)
            rows = self.typed(self.chunk(start, count), start)
            yield from rows
            if len(rows) < count:
                return
            start = rows[-1][0] + 1

    def node(self, level: int, index: int) -> bytes:
        """The root of the perfect subtree over leaves [index << level, (index + 1) << level)."""
        seq = index + 1 << level
        rows = self._select(_SELECT_NODE, f"entry {seq}", HASH_BYTES * level + 1, seq)
        if not rows or len(rows[0][0]) != HASH_BYTES:
            raise Damaged(self.path, f"its tree node at level {level} is missing", f"entry {seq}")
        return bytes(rows[0][0])

    def attachment(self, hashed: bytes) -> Attachment | None:
        """The attachment with this hash, or None if there is none, or no longer."""
        rows = self._select(
            "SELECT hash, kind, salt, data FROM attachment WHERE hash = ?", "attachments", hashed
        )
        return Attachment(*rows[0]) if rows else None

    def attachments(self) -> Iterator[Attachment]:
        """Every attachment, in the order in which they came."""
        last = 0
        while rows := self._select(_SELECT_ATTACHMENTS, "attachments", last):
            for row in self._typed(rows, (int, bytes, str, bytes, bytes), "attachments"):
                yield Attachment(*row[1:])
            last = rows[-1][0]

    def heads(self, after: int = -1) -> Iterator[Head]:
        """Every signed head over more than `after` entries, the smallest first."""
        last = after
        while rows := self._select(_SELECT_HEADS, f"heads after {last}", last, CHUNK):
            for row in self._typed(rows, (int, str), f"heads after {last}"):
                yield Head(*row)
            last = rows[-1][0]

    def newest_head(self) -> Head | None:
        """The head over the most entries."""
        rows = self._select(_SELECT_NEWEST_HEAD, "newest head")
        return Head(*self._typed(rows, (int, str), "newest head")[0]) if rows else None

    def cosignatures(self, size: int) -> tuple[str, ...]:
        """The signature lines that other keys added to the head over `size` entries, as kept."""
        where = f"cosignatures of the head of {size} entries"
        rows = self._typed(self._select(_SELECT_COSIGNATURES, where, size), (str,), where)
        return tuple(row[0] for row in rows)

    def cosigned_size(self, name: str, key_id: bytes) -> int:
        """The size of the newest head that this key cosigned; 0 if there is none."""
        rows = self._select(_SELECT_COSIGNED, "cosignatures", name, key_id)
        return int(rows[0][0] or 0)

    def integrity(self, *, structure: bool = True) -> list[str]:
        """What SQLite finds wrong with the order of pages, and SQLCipher with any page in use.

        Without `structure` the entries' pages are left out: they cost more than all the rest.
        """
        tables = sorted(database.TABLES - {"e"})
        checks = [""] if structure else [f"({table})" for table in tables]
        return [wrong for check in checks for wrong in self._pragma(f"integrity_check{check}")]

    def authenticity(self) -> list[str]:
        """Every page whose authentication code is wrong, also of those in no use."""
        wrong = self._pragma("cipher_integrity_check")
        if wrong:  # a live writer may have been just writing that page: believe it only twice
            again = set(self._pragma("cipher_integrity_check"))
            wrong = [each for each in wrong if each in again]
        return wrong

    def _pragma(self, name: str) -> list[str]:
        try:
            rows = self._select(f"PRAGMA {name}", name)
        except LedgerError as error:
            return [f"{name}: {error}"]
        return [f"{name}: {row[0]}" for row in rows if row[0] != "ok"]

    def free_space(self) -> FreeSpace:
        """What is left on the file's disk."""
        facts = os.statvfs(self.path.parent)
        free = facts.f_bavail * facts.f_frsize
        return FreeSpace(free, facts.f_bavail / max(facts.f_blocks, 1))

    # --- writing ----------------------------------------------------------------------------

    def append(
        self,
        bodies: Sequence[bytes],
        attachments: Sequence[Attachment] = (),
        erasures: Sequence[tuple[int, bytes]] = (),
    ) -> int:
        """Makes bodies and attachments durable in one commit; returns the first one's number.

        A body has 1 to 16,384 bytes. `erasures`: (place in `bodies` of the body that orders it,
        hash) of attachments whose bytes go in the same commit. AppendFailed leaves it open whether
        they are on disk: the process must end, and opening again will tell.
        """
        self._check_writable()
        _check_sizes(bodies, attachments)
        first = self._frontier.size + 1
        rows, frontier = [], self._frontier
        for seq, body in enumerate(bodies, first):
            frontier, nodes = frontier.after(body)
            rows.append((seq, body, nodes))
        execute = self._cursor.execute
        self._failure = "a write was cut off"  # stands if anything at all is raised below
        try:
            if len(rows) == 1 and not attachments and not erasures:
                execute(_INSERT_ENTRY, rows[0])  # a transaction by itself
            else:
                execute("BEGIN IMMEDIATE")
                for row in rows:
                    execute(_INSERT_ENTRY, row)
                for each in attachments:
                    self._attach(each)
                for place, hashed in erasures:
                    execute("INSERT INTO erasure VALUES (?, ?)", (hashed, first + place))
                    execute("DELETE FROM attachment WHERE hash = ?", (hashed,))
                execute("COMMIT")
        except SqliteError as error:
            raise self._failed(error, f"entry {first}") from None
        self._failure = None
        self._frontier = frontier
        return first

    def _attach(self, attachment: Attachment) -> None:
        """Inserts an attachment unless it is there: the same hash means the same bytes."""
        execute = self._cursor.execute
        if not execute("SELECT 1 FROM attachment WHERE hash = ?", (attachment.hash,)).fetchall():
            row = (attachment.hash, attachment.kind, attachment.salt, attachment.data)
            execute(_INSERT_ATTACHMENT, row)

    def erased(self) -> Iterator[tuple[bytes, int]]:
        """Each erased attachment's hash, and the entry that ordered it."""
        for row in self._select("SELECT hash, seq FROM erasure ORDER BY seq, hash", "erasures"):
            yield bytes(row[0]), int(row[1])

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Keeps what was derived from the first entries, instead of any older snapshot."""
        self._check_writable()
        row = (snapshot.size, snapshot.version, snapshot.data)
        self._failure = "a write was cut off"
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            self._cursor.execute("DELETE FROM snapshot")
            self._cursor.execute("INSERT INTO snapshot VALUES (?, ?, ?)", row)
            self._cursor.execute("COMMIT")
        except SqliteError as error:
            raise self._failed(error, f"snapshot of {snapshot.size} entries") from None
        self._failure = None

    def snapshot(self) -> Snapshot | None:
        """The snapshot as kept; whether it counts, an entry must say."""
        rows = self._select("SELECT size, version, data FROM snapshot", "snapshot")
        return Snapshot(rows[0][0], rows[0][1], bytes(rows[0][2])) if rows else None

    def sign_head(self, signer: Signer) -> Head | None:
        """Signs and keeps a head over all entries; None if the newest head covers them already.

        A commit of its own: never on the path between a decision and its lock pulse.
        """
        self._check_writable()
        if signer.name != self.origin:
            raise ValueError(f"{signer.name} does not sign for the ledger of {self.origin}")
        if self.size == self._signed:
            return None
        head = Head(self.size, signer.sign(Checkpoint(self.origin, self.size, self.root()).text()))
        self._failure = "a write was cut off"
        try:
            self._cursor.execute("INSERT INTO head VALUES (?, ?)", (head.size, head.note))
        except SqliteError as error:
            raise self._failed(error, f"head of {head.size} entries") from None
        self._failure = None
        self._signed = head.size
        return head

    def add_cosignature(self, size: int, line: str) -> bool:
        """Keeps a signature line, with its end, of another key beside the head over `size` entries.

        For a line that was verified. False, and nothing kept, if that key's is there already.
        """
        self._check_writable()
        if len(line) > MAX_LINE_CHARACTERS:
            raise ValueError(f"a cosignature's line has at most {MAX_LINE_CHARACTERS} characters")
        signature = parse_signature(line.removesuffix("\n"))
        if not self._select("SELECT 1 FROM head WHERE size = ?", "heads", size):
            raise ValueError(f"there is no head over {size} entries to cosign")
        row = (size, signature.name, signature.key_id, line)
        where = f"cosignature of the head of {size} entries"
        if self._select(_SELECT_COSIGNATURE, where, *row[:3]):
            return False
        self._failure = "a write was cut off"
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            self._cursor.execute("INSERT INTO cosignature VALUES (?, ?, ?, ?)", row)
            self._cursor.execute("COMMIT")
        except SqliteError as error:
            raise self._failed(error, where) from None
        self._failure = None
        return True

    @property
    def checkpoint_due(self) -> bool:
        """Whether the WAL has grown enough for a `checkpoint` at the next idle moment."""
        try:
            return self._wal.stat().st_size >= WAL_DUE_BYTES
        except FileNotFoundError:
            return False

    def checkpoint(self) -> CheckpointResult:
        """Moves the WAL into the main file; not `complete` while a reader still needs the WAL.

        Explicit, because COMMIT swallows the errors of SQLite's automatic one. NoSpace leaves the
        store in use: nothing is lost, the WAL keeps it all. Any other error ends it.
        """
        self._check_writable()
        try:
            self._cursor.execute("PRAGMA busy_timeout = 0")
            try:
                row = self._cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._cursor.execute(f"PRAGMA busy_timeout = {int(database.BUSY_S * 1000)}")
        except SqliteError as error:
            told = explain(self.path, error, "moving the WAL into it")
            if not isinstance(told, NoSpace):
                self._failure = str(error)
            raise told from None
        busy, frames, moved = row
        return CheckpointResult(not busy and frames == moved, frames, moved)

    def close(self) -> None:
        """Closes the file and gives up the lock; a second call does nothing."""
        if self._open:
            self._open = False
            self._connection.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- within -----------------------------------------------------------------------------

    def _check_usable(self) -> None:
        if not self._open:
            raise Closed(self.path, "this store was closed; open it again")
        if self._failure is not None:
            raise AppendFailed(
                self.path,
                f"refused since an earlier failure ({self._failure}); "
                "end this process and open the ledger again",
            )

    def _check_writable(self) -> None:
        self._check_usable()
        if self._lock is None:
            raise ReadOnly(self.path, "was opened to be read only; open it as its writer")

    def _failed(self, error: Exception, where: str) -> AppendFailed:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        self._failure = f"{where}: {error} ({name})"
        return AppendFailed(
            self.path,
            f"{self._failure}; it may or may not be on disk: end this process and open the "
            "ledger again",
        )

    def _select(self, sql: str, doing: str, *parameters: int | bytes | str) -> list[Any]:
        self._check_usable()
        try:
            rows: list[Any] = self._connection.execute(sql, parameters).fetchall()
        except SqliteError as error:
            raise explain(self.path, error, doing) from None
        return rows

    def _typed(self, rows: list[Any], types: tuple[type, ...], where: str) -> list[Any]:
        """The rows, if a forger who altered the tables left them the types they must have."""
        found = [set(map(type, column)) for column in zip(*rows, strict=True)]
        if rows and found != [{each} for each in types]:
            raise Damaged(self.path, "a value is not of the type it must be", where)
        return rows


def _check_sizes(bodies: Sequence[bytes], attachments: Sequence[Attachment]) -> None:
    """Raises ValueError for what no caller may ask for, before anything is begun."""
    if not 1 <= len(bodies) <= MAX_BATCH or len(attachments) > MAX_BATCH:
        raise ValueError(f"an append has 1 to {MAX_BATCH} bodies, not {len(bodies)}")
    for body in bodies:
        if not isinstance(body, bytes) or not 1 <= len(body) <= MAX_BODY_BYTES:
            raise ValueError(f"a body is 1 to {MAX_BODY_BYTES} bytes")
    for each in attachments:
        if len(each.data) > MAX_ATTACHMENT_BYTES or len(each.salt) != SALT_BYTES:
            raise ValueError(f"an attachment has at most {MAX_ATTACHMENT_BYTES} bytes, and a salt")
        if not 1 <= len(each.kind.encode()) <= MAX_KIND_BYTES:
            raise ValueError(f"an attachment's kind has 1 to {MAX_KIND_BYTES} bytes")
        if each.hash != attachment_hash(each.kind, each.salt, each.data):
            raise ValueError(f"an attachment of kind {each.kind!r} does not have its own hash")
