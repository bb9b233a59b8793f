"""The SQLCipher file under a store: its schema, how it is opened, its lock, and what errors mean.

Not for entries or heads (`store.py`). One rule: nothing is written or believed before cipher,
journal mode, synchronous and schema have been read back and are what they must be.

The file is never opened here but through SQLite: closing another descriptor of the same file drops
the locks that SQLite holds on it in this process (sqlite.org/howtocorrupt.html, section 2.2).
"""

import errno
import fcntl
import os
import urllib.parse
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from ledger.errors import (
    Damaged,
    DiskFailed,
    Exposed,
    FileError,
    Locked,
    Missing,
    NewerFormat,
    NoSpace,
    NotALedger,
    ReadOnly,
    WrongKey,
)

SqliteError: type[Exception] = sqlite.Error

FORMAT = 1
KEY_BYTES = 32
PAGE_BYTES = 4096
_RENEW_BYTES = 1 << 20
BUSY_S = 1.0  # at most this long for another process's checkpoint or recovery

_BESIDE_BYTES = 64 * 1024

_REFUSE = "BEGIN SELECT RAISE(ABORT, '{}'); END"


def _append_only(table: str) -> dict[str, str]:
    refuse = _REFUSE.format(f"{table} is append-only")
    return {
        f"{table}_no_{act}": f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} "
        + refuse
        for act in ("update", "delete")
    }


# The text is compared with what the file says, so a word changed here is another format.
# The INSERT triggers also close INSERT OR REPLACE, which deletes without a DELETE trigger unless
# recursive_triggers is on, as it is here. e has none: it would cost 2 % of every append, and the
# primary key, the tree and the check at each opening see what it would see.
SCHEMA: dict[str, str] = {
    "meta": "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "e": "CREATE TABLE e (seq INTEGER PRIMARY KEY, body BLOB NOT NULL, nodes BLOB NOT NULL) STRICT",
    "attachment": "CREATE TABLE attachment (hash BLOB PRIMARY KEY, kind TEXT NOT NULL, "
    "salt BLOB NOT NULL, data BLOB NOT NULL) STRICT",
    "erasure": "CREATE TABLE erasure (hash BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT",
    "head": "CREATE TABLE head (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT",
    **_append_only("meta"),
    **_append_only("e"),
    "attachment_no_update": "CREATE TRIGGER attachment_no_update BEFORE UPDATE ON attachment "
    + _REFUSE.format("attachment is never changed"),
    "attachment_no_delete": "CREATE TRIGGER attachment_no_delete BEFORE DELETE ON attachment "
    "WHEN NOT EXISTS (SELECT 1 FROM erasure WHERE hash = OLD.hash) "
    + _REFUSE.format("an entry must order the erasure"),
    "attachment_once": "CREATE TRIGGER attachment_once BEFORE INSERT ON attachment "
    "WHEN EXISTS (SELECT 1 FROM attachment WHERE hash = NEW.hash) "
    + _REFUSE.format("attachment is never changed"),
    **_append_only("erasure"),
    **_append_only("head"),
    "head_next": "CREATE TRIGGER head_next BEFORE INSERT ON head "
    "WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM head) "
    "OR NEW.size > (SELECT coalesce(max(seq), 0) FROM e) " + _REFUSE.format("head only grows"),
    "cosignature": "CREATE TABLE cosignature (size INTEGER NOT NULL, name TEXT NOT NULL, "
    "key_id BLOB NOT NULL, line TEXT NOT NULL, PRIMARY KEY (size, name, key_id)) STRICT",
    **_append_only("cosignature"),
    "cosignature_of_head": "CREATE TRIGGER cosignature_of_head BEFORE INSERT ON cosignature "
    "WHEN NOT EXISTS (SELECT 1 FROM head WHERE size = NEW.size) "
    + _REFUSE.format("only a head is cosigned"),
}
# What is derived from the entries, and may be thrown away: no trigger guards it.
SCHEMA["snapshot"] = (
    "CREATE TABLE snapshot (size INTEGER PRIMARY KEY, version INTEGER NOT NULL, "
    "data BLOB NOT NULL) STRICT"
)
TABLES = frozenset(name for name, sql in SCHEMA.items() if sql.startswith("CREATE TABLE"))
_WRITTEN = frozenset({"e", "attachment", "erasure", "head", "cosignature", "snapshot"})
_DELETED = frozenset({"attachment", "snapshot"})  # an attachment only as its trigger allows
_PRAGMAS = frozenset(
    {"integrity_check", "cipher_integrity_check", "wal_checkpoint", "busy_timeout"}
)
_CIPHER = {
    "PRAGMA cipher_page_size = 4096;",
    "PRAGMA cipher_use_hmac = 1;",
    "PRAGMA cipher_plaintext_header_size = 0;",
    "PRAGMA cipher_hmac_algorithm = HMAC_SHA512;",
}


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """SQLite asks at each prepare; all that the store does not need is denied, ATTACH first."""
    allowed = (
        action in (sqlite.SQLITE_SELECT, sqlite.SQLITE_READ, sqlite.SQLITE_TRANSACTION)
        or (action == sqlite.SQLITE_INSERT and first in _WRITTEN)
        or (action == sqlite.SQLITE_DELETE and first in _DELETED)
        or (action == sqlite.SQLITE_FUNCTION and second != "load_extension")
        or (action == sqlite.SQLITE_PRAGMA and first in _PRAGMAS)
    )
    return int(sqlite.SQLITE_OK if allowed else sqlite.SQLITE_DENY)


def explain(path: Path, error: Exception, doing: str) -> FileError:
    """What an error of SQLite means for the file at `path`, in our words."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # raised by the binding, not by SQLite: a mistake of ours
        raise error
    name = getattr(error, "sqlite_errorname", str(code))
    primary = code & 0xFF
    if primary in (sqlite.SQLITE_CORRUPT, sqlite.SQLITE_NOTADB, sqlite.SQLITE_CONSTRAINT):
        return Damaged(path, f"{error} ({name})", doing)
    if primary == sqlite.SQLITE_FULL:
        return NoSpace(path, f"the disk is full ({doing}); make room and start again")
    if primary in (sqlite.SQLITE_READONLY, sqlite.SQLITE_PERM):
        return ReadOnly(path, f"cannot be written ({doing}, {name}); check mount and owner")
    if primary in (sqlite.SQLITE_BUSY, sqlite.SQLITE_LOCKED):
        return Locked(path, f"in use by another process ({doing}, {name}); stop it first")
    if primary == sqlite.SQLITE_IOERR and _is_full(path):  # as of the WAL's index
        return NoSpace(path, f"the disk is full ({doing}); make room and start again")
    return DiskFailed(path, f"{error} ({doing}, {name}); check the disk and the file's owner")


def _is_full(path: Path) -> bool:
    """Whether there is no room for what SQLite keeps beside the file."""
    facts = os.statvfs(path.parent)
    return facts.f_bavail * facts.f_frsize < _BESIDE_BYTES


class Lock:
    """The right to be the one writer of `path`, held until `release` or the process's end."""

    def __init__(self, path: Path) -> None:
        name = path.with_name(path.name + ".lock")
        try:
            self._file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            raise Missing(path, "its directory does not exist; make it first") from None
        except OSError as error:
            raise ReadOnly(
                path, f"cannot open its lock {name.name} ({error.strerror}); check mount and owner"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.geteuid() == 0 and path.exists():  # or the file's owner could not lock it later
                owner = path.stat()
                os.fchown(self._file, owner.st_uid, owner.st_gid)
        except OSError as error:
            os.close(self._file)
            if isinstance(error, BlockingIOError):
                raise Locked(
                    path, "another process writes this ledger; stop it, or open it read-only"
                ) from None
            raise DiskFailed(path, f"its lock {name.name}: {error.strerror}") from None

    def release(self) -> None:
        """Let the next writer in; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def reach(path: Path, mode: str) -> Any:
    """A connection to the file, before anything is known of it."""
    uri = f"file:{urllib.parse.quote(os.fsencode(path))}?{mode}"
    return sqlite.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S)


def unlock(connection: Any, path: Path, key: bytes) -> None:
    """Gives the key, and reads back that the cipher is SQLCipher 4's."""
    connection.enable_load_extension(False)
    connection.execute("PRAGMA cipher_log_level = NONE")  # the default writes to stderr
    connection.set_key(f"x'{key.hex()}'")
    connection.execute("PRAGMA cipher_compatibility = 4")
    settings = {row[0] for row in connection.execute("PRAGMA cipher_settings")}
    if not settings >= _CIPHER:
        raise DiskFailed(path, "this SQLCipher does not offer the cipher of version 4; update it")


def renew(path: Path) -> None:
    """Writes the WAL's bytes over themselves and syncs them, before a new writer adds to them.

    A sync may have failed for the writer before. Then the system holds bytes for written that are
    not on the disk, no later sync writes them, and a commit behind them goes with them at a power
    cut.
    """
    try:
        file = os.open(path.with_name(path.name + "-wal"), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _failed(path, error) from None
    try:
        offset = 0
        while data := os.pread(file, _RENEW_BYTES, offset):
            if os.pwrite(file, data, offset) != len(data):
                raise NoSpace(path, "its WAL cannot be written; make room and start again")
            offset += len(data)
        os.fsync(file)
    except OSError as error:
        raise _failed(path, error) from None
    finally:
        os.close(file)


def _failed(path: Path, error: OSError) -> FileError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(path, "the disk is full (opening it); make room and start again")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return ReadOnly(path, f"cannot be written ({error.strerror}); check mount and owner")
    return DiskFailed(path, f"{error.strerror} (opening it); check the disk")


def settle(connection: Any, path: Path, journal: str = "wal") -> None:
    """Sets and reads back what durability, the triggers and erasing depend on."""
    wanted: dict[str, object] = {
        "recursive_triggers": 1,
        "secure_delete": 1,  # what is erased is overwritten, not only forgotten
        "trusted_schema": 0,
        "cell_size_check": 1,
        "temp_store": 2,
        "mmap_size": 0,
        "synchronous": 2,
        "wal_autocheckpoint": 0,
    }
    for name, value in wanted.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        if (got := connection.execute(f"PRAGMA {name}").fetchone()) != (value,):
            raise DiskFailed(path, f"SQLite keeps {name} at {got}, not {value}; update it")
    found = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if found != journal:
        raise NotALedger(path, f"its journal mode is {found}, a ledger's is wal")


def _immutable(path: Path) -> bool:
    """Whether the file lies on a read-only medium, complete, with nobody who could change it."""
    wal = path.with_name(path.name + "-wal")
    return not os.access(path.parent, os.W_OK) and not wal.exists()


def connect(
    path: Path, key: bytes, read_only: bool, doubts: list[str] | None = None
) -> tuple[Any, str]:
    """An opened, settled connection and the ledger's origin.

    With `doubts`, damage to what the file says of itself is noted there instead of raised, and
    an origin that cannot be read is "".
    """
    if len(key) != KEY_BYTES:
        raise WrongKey(path, f"a ledger's key has {KEY_BYTES} bytes, this one has {len(key)}")
    try:
        facts = path.stat()
    except OSError as error:
        raise Missing(path, f"{error.strerror}; check the path, or run `cabinet init`") from None
    if not path.is_file() or facts.st_size == 0:
        raise NotALedger(path, "it is empty or no file at all; check the path")
    if not read_only:
        if facts.st_mode & 0o077:
            raise Exposed(path, f"mode {facts.st_mode & 0o777:04o}; run: chmod 600 {path}")
        if not os.access(path, os.W_OK):
            raise ReadOnly(path, "cannot be written; check mount and owner")
    mode, journal = ("mode=ro" if read_only else "mode=rw"), "wal"
    if read_only and _immutable(path):
        mode, journal = "mode=ro&immutable=1", "delete"  # what SQLite answers for such a file
    if not read_only:
        renew(path)
    connection = None
    try:
        connection = reach(path, mode)
        unlock(connection, path, key)
        origin = _identify(connection, path) if doubts is None else _ask(connection, path, doubts)
        settle(connection, path, journal)
        if not read_only:
            connection.execute("BEGIN IMMEDIATE")  # a file that cannot be written says so now
            connection.execute("ROLLBACK")
        connection.set_authorizer(_authorize)
        return connection, origin
    except BaseException as error:
        if connection is not None:
            connection.close()
        if not isinstance(error, SqliteError):
            raise
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite.SQLITE_NOTADB:
            raise _unreadable(path) from None
        raise explain(path, error, "opening it") from None


def _unreadable(path: Path) -> FileError:
    """Why the first page could not be read; the cipher itself cannot tell."""
    plain = reach(path, "mode=ro")
    try:
        plain.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return NotALedger(path, "it is a database without encryption; check the path")
    except SqliteError:
        pass  # not that either
    finally:
        plain.close()
    wal = path.with_name(path.name + "-wal")
    size = path.stat().st_size
    moving = wal.exists() and wal.stat().st_size > 0  # a checkpoint may have been cut off half-way
    if not moving and (size < PAGE_BYTES or size % PAGE_BYTES):
        return NotALedger(
            path, f"{size} bytes are not whole pages of a ledger; check the path, restore a copy"
        )
    return WrongKey(
        path, "this key does not open it, or its first page is damaged; check which key belongs"
    )


def _ask(connection: Any, path: Path, doubts: list[str]) -> str:
    """As `_identify`, for a file that may be damaged."""
    try:
        return _identify(connection, path)
    except Damaged as error:
        doubts.append(f"{error.where}: {error.what}")
        return _origin(connection)
    except SqliteError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite.SQLITE_CORRUPT:
            raise
        doubts.append(f"what the file says of itself cannot be read: {error}")
        return ""


def _origin(connection: Any) -> str:
    rows = connection.execute("SELECT value FROM meta WHERE name = 'origin'").fetchall()
    return str(rows[0][0])


def _identify(connection: Any, path: Path) -> str:
    """The origin of a ledger whose format this software knows."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    if not any(row[:2] == ("table", "meta") for row in rows):
        raise NotALedger(path, "the key opens it, but it is another kind of database")
    meta = dict(connection.execute("SELECT name, value FROM meta LIMIT 100"))
    number = meta.get("format", "")
    if not number.isascii() or not number.isdigit() or "origin" not in meta:
        raise NotALedger(path, "the key opens it, but it does not say a ledger's format and origin")
    if int(number) > FORMAT:
        raise NewerFormat(
            path, f"format {number}; this software knows up to {FORMAT}: use the newer software"
        )
    found = {name: sql for _, name, _, sql in rows if name in SCHEMA}
    for name in SCHEMA:
        if found.get(name) != SCHEMA[name]:
            raise Damaged(path, "missing or altered", f"schema of {name}")
    for kind, name, table, _ in rows:
        if kind == "trigger" and table in TABLES and name not in SCHEMA:
            raise Damaged(path, "was added by somebody else", f"trigger {name}")
    return str(meta["origin"])
