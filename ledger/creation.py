"""A new ledger file: complete and durable under its name, or not there at all.

One rule: it is made under another name, synced, and renamed; a power cut leaves at most a half
file that the next creation removes.
"""

import errno
import os
from pathlib import Path

from ledger.database import FORMAT, SCHEMA, SqliteError, explain, reach, settle, unlock
from ledger.errors import AlreadyExists, DiskFailed, FileError, NoSpace, ReadOnly


def create(path: Path, key: bytes, origin: str) -> None:
    """Makes a ledger without entries at `path`, mode 0600; the caller holds its Lock."""
    for other in (path, *_beside(path)):
        if other.exists():
            raise AlreadyExists(path, f"{other.name} is there already; move it away first")
    half = path.with_name(path.name + ".new")
    try:
        _remove(half)
        os.close(os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _fill(half, key, origin)
        _sync(half)
        half.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise _cannot(path, error) from None
    except SqliteError as error:
        raise explain(path, error, "creating it") from None
    finally:
        _remove(half)


def _fill(path: Path, key: bytes, origin: str) -> None:
    """Writes schema and origin into an empty file, all of it moved out of the WAL."""
    connection = reach(path, "mode=rw")
    try:
        unlock(connection, path, key)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        settle(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        for sql in SCHEMA.values():
            connection.execute(sql)
        meta = {"format": str(FORMAT), "origin": origin}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        connection.execute("COMMIT")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy, "nobody else knows this file yet"
    finally:
        connection.close()


def _beside(path: Path) -> tuple[Path, ...]:
    """The files that SQLite keeps beside `path`; an old WAL would be played into a new file."""
    return tuple(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal"))


def _remove(path: Path) -> None:
    for name in (path, *_beside(path)):
        name.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """fsync of a file that no connection has open, or of a directory."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _cannot(path: Path, error: OSError) -> FileError:
    if isinstance(error, PermissionError):
        return ReadOnly(path, f"cannot be created ({error.strerror}); check mount and owner")
    if error.errno == errno.ENOSPC:
        return NoSpace(path, "cannot be created, the disk is full; make room")
    return DiskFailed(path, f"cannot be created: {error.strerror}; check the disk")
