"""Another key for a ledger file, offline; and which of two keys opens a file.

Not for where keys are kept. One rule: the file is opened by the old key or by the new one, whole,
at every instant: all pages change in one transaction of the WAL.
"""

import os
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from ledger import database
from ledger.database import Lock, SqliteError, explain
from ledger.errors import DiskFailed, Locked, NoSpace, WrongKey

SPACE_FACTOR = 1.2  # every page once more, in the WAL


def opens(path: Path, key: bytes) -> bool:
    """Whether `key` opens the ledger at `path`; other errors than WrongKey are raised."""
    try:
        connection, _ = database.connect(path, key, read_only=True)
    except WrongKey:
        return False
    connection.close()
    return True


def rekey(path: Path, key: bytes, new: bytes) -> None:
    """Makes `new` the key of the ledger at `path`; the caller is its only user.

    After an error, or a power cut, the file has the one key or the other: `opens` tells which.
    """
    if len(new) != database.KEY_BYTES or new == key:
        raise ValueError("a new key has 32 bytes, and other ones")
    lock = Lock(path)
    try:
        _check_space(path)
        connection, _ = database.connect(path, key, read_only=False)
        try:
            connection.set_authorizer(None)
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise Locked(path, "somebody still reads it; stop them first")
            connection.reset_key(f"x'{new.hex()}'")  # tells nobody when it fails
            if _moved(connection, path):
                raise Locked(path, "somebody reads it; the new key is in its WAL: run this again")
            # The connection read what it writes: nothing of the file is believed before it is
            # opened again, by its new key.
        except SqliteError as error:
            raise explain(path, error, "changing its key") from None
        finally:
            connection.close()
        if not opens(path, new):
            raise DiskFailed(path, "the new key does not open it; run this again, or restore it")
    finally:
        lock.release()


def _moved(connection: Any, path: Path) -> int:
    """The WAL's checkpoint, 1 if a reader is in its way; or what became of the change before it."""
    try:
        return int(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
    except SqliteError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite.SQLITE_LOCKED:
            raise
        # The change is still open within this connection: it was not committed.
        raise DiskFailed(
            path, "could not be written anew; the old key opens it: check the disk and its room"
        ) from None


def _check_space(path: Path) -> None:
    facts = os.statvfs(path.parent)
    free, needed = facts.f_bavail * facts.f_frsize, int(path.stat().st_size * SPACE_FACTOR)
    if free < needed:
        raise NoSpace(path, f"a new key needs {needed:,} bytes, {free:,} are free; make room")
