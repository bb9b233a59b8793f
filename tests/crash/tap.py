"""Between SQLite and the file system: records each write, sync, truncate and delete, or fails one.

Not in production code: it registers a VFS of its own, the default while a recording lasts, inside
the very library that sqlcipher3 has loaded, so that the shipped store runs unchanged. Its file
methods are the system's own but for the three that write; what Python itself writes and syncs is
seen too. One rule: it changes nothing that it is not told to fail.

It sees no folder syncs of SQLite's unix VFS (the first sync of a journal or WAL that was opened, a
delete that asks for it): they are put into the record where that makes them. trace.py sees all.
"""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from sqlcipher3 import _sqlite3

from tests.crash import disk

OK, FULL = 0, 13
IOERR_WRITE, IOERR_FSYNC, IOERR_TRUNCATE, IOERR_DELETE = 778, 1034, 1546, 2570
OPEN_CREATE, OPEN_JOURNALS = 0x4, 0x800 | 0x4000 | 0x80000  # main, super, WAL

_FSYNC, _PWRITE = os.fsync, os.pwrite
_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
# char* is passed on as an address: ctypes would copy it, and SQLite reads URI parameters behind
# the terminating zero.
_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, _P)
_DELETE = ctypes.CFUNCTYPE(_I, _P, _P, _I)
_WRITE = ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)
_TRUNCATE = ctypes.CFUNCTYPE(_I, _P, _L)
_SYNC = ctypes.CFUNCTYPE(_I, _P, _I)


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3 (sqlite.org/c3ref/vfs.html)."""

    _fields_ = [
        ("version", _I),
        ("file_bytes", _I),
        ("path_bytes", _I),
        ("next", _P),
        ("name", ctypes.c_char_p),
        ("data", _P),
        ("open", _OPEN),
        ("delete", _DELETE),
        ("others", _P * 13),
    ]


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3 (sqlite.org/c3ref/io_methods.html)."""

    _fields_ = [
        ("version", _I),
        ("close", _P),
        ("read", _P),
        ("write", _WRITE),
        ("truncate", _TRUNCATE),
        ("sync", _SYNC),
        ("others", _P * 13),
    ]


class Kind(Enum):
    """What the operating system says."""

    EIO = "EIO"
    ENOSPC = "ENOSPC"


@dataclass
class Fault:
    """The `at`-th operation fails, from 1, and with `lasting` all after it.

    A failed write leaves its first half; a failed sync may make the system forget (`forgets`).
    """

    at: int
    kind: Kind = Kind.EIO
    lasting: bool = False
    forgets: bool = False
    struck: str = ""  # the operation it struck first


class Tap:
    """The record of one folder's files."""

    def __init__(self, folder: Path, fault: Fault | None = None) -> None:
        self.events: list[disk.Event] = []
        self.operations = 0
        self.folder, self._fault = os.fsencode(folder), fault
        self._recording = False

    @contextmanager
    def recording(self) -> Iterator["Tap"]:
        """Databases opened within are recorded, until the end of it or of themselves."""
        shim = _shim()
        shim.taps[self.folder] = self
        self._recording = True
        shim.register()
        try:
            yield self
        finally:
            self._recording = False
            del shim.taps[self.folder]
            shim.unregister()

    def mark(self, *allowed: object) -> None:
        """From here on the files must say one of these."""
        if self._recording:
            self.events.append(disk.Mark(allowed))

    def stop(self) -> None:
        """The disk is frozen: what comes now is neither recorded nor failed."""
        self._recording = False

    # --- for the shim -------------------------------------------------------------------------

    def note(self, event: disk.Event) -> None:
        """It happened."""
        if self._recording:
            self.events.append(event)

    def fails(self, operation: str, name: str) -> bool:
        """Whether this operation, which it counts, is to fail."""
        if not self._recording:
            return False
        self.operations += 1
        fault = self._fault
        if fault is None or self.operations < fault.at:
            return False
        if self.operations == fault.at:
            fault.struck = f"{operation} {name}"
        return fault.lasting or self.operations == fault.at

    def write_error(self) -> int:
        """What SQLite's unix VFS makes of a failed write."""
        assert self._fault is not None
        return FULL if self._fault.kind is Kind.ENOSPC else IOERR_WRITE

    @property
    def number(self) -> int:
        """The error's number for Python."""
        assert self._fault is not None
        return errno.ENOSPC if self._fault.kind is Kind.ENOSPC else errno.EIO

    def failed_sync(self, name: str) -> int:
        """A failed sync, after which the system may have forgotten what to write."""
        assert self._fault is not None
        if self._fault.forgets:
            self.note(disk.LostSync(name))
        return IOERR_FSYNC


class _Shim:
    """What SQLite calls; there is one in the process, for C keeps pointing at it."""

    def __init__(self) -> None:
        self.taps: dict[bytes, Tap] = {}
        self._library = ctypes.CDLL(_sqlite3.__file__)
        self._library.sqlite3_vfs_find.restype = _P
        self._library.sqlite3_vfs_register.argtypes = [_P, _I]
        self._library.sqlite3_vfs_unregister.argtypes = [_P]
        self._usual: int = self._library.sqlite3_vfs_find(None)
        self._real = _Vfs.from_address(self._usual)
        self._vfs = _Vfs.from_buffer_copy(self._real)
        self._vfs.name = b"tap"
        self._vfs.open, self._vfs.delete = _OPEN(self._open), _DELETE(self._delete)
        self._methods: dict[int, tuple[_Methods, _Methods]] = {}  # by address: real, mine
        self._files: dict[int, tuple[Tap, str, _Methods]] = {}
        self._unsynced: set[int] = set()  # journals and WALs, whose first sync syncs the folder too

    def register(self) -> None:
        """SQLite's and Python's next calls come here."""
        assert self._library.sqlite3_vfs_register(ctypes.addressof(self._vfs), 1) == OK
        os.fsync, os.pwrite = self._python_sync, self._python_write

    def unregister(self) -> None:
        """They go where they went before, if no tap is left."""
        if not self.taps:
            self._library.sqlite3_vfs_unregister(ctypes.addressof(self._vfs))
            self._library.sqlite3_vfs_register(self._usual, 1)
            os.fsync, os.pwrite = _FSYNC, _PWRITE

    def _python_sync(self, fd: Any) -> None:
        path = _path(fd)
        tap, name = self._tap(path)
        folder = self.taps.get(path)
        if folder is not None:
            if folder.fails("sync", "folder"):
                raise OSError(errno.EIO, "the disk failed")
            folder.note(disk.SyncFolder())
        if tap is not None and tap.fails("sync", name):
            tap.failed_sync(name)
            raise OSError(errno.EIO, "the disk failed")
        _FSYNC(fd)
        if tap is not None:
            tap.note(disk.Sync(name))

    def _python_write(self, file: int, data: Any, offset: int) -> int:
        tap, name = self._tap(_path(file))
        if tap is None:
            return _PWRITE(file, data, offset)
        fails = tap.fails("write", name)
        data = data[: len(data) // 2] if fails else data
        written = _PWRITE(file, data, offset)
        tap.note(disk.Write(name, offset, data[:written]))
        if fails:
            raise OSError(tap.number, "the disk failed")
        return written

    def _tap(self, path: int | bytes | None) -> tuple[Tap | None, str]:
        if not path:
            return None, ""
        folder, name = os.path.split(path if isinstance(path, bytes) else ctypes.string_at(path))
        return self.taps.get(folder), os.fsdecode(name)

    def _open(self, _: int, path: int, file: int, flags: int, out: int) -> int:
        tap, name = self._tap(path)
        absent = tap is not None and not os.path.exists(ctypes.string_at(path))  # noqa: PTH110
        result: int = self._real.open(self._usual, path, file, flags, out)
        if result == OK and tap is not None:
            methods = ctypes.cast(file, ctypes.POINTER(_P))
            real, mine = self._tapped(methods[0])
            methods[0] = ctypes.addressof(mine)
            self._files[file] = (tap, name, real)
            self._unsynced.discard(file)
            if flags & OPEN_CREATE and flags & OPEN_JOURNALS:
                self._unsynced.add(file)
            if absent:
                tap.note(disk.Create(name))
        return result

    def _tapped(self, usual: Any) -> tuple[_Methods, _Methods]:
        """The methods at this address, and a copy with three of them replaced."""
        if usual not in self._methods:
            real = _Methods.from_address(usual)
            mine = _Methods.from_buffer_copy(real)
            mine.write, mine.truncate = _WRITE(self._write), _TRUNCATE(self._truncate)
            mine.sync = _SYNC(self._sync)
            self._methods[usual] = real, mine
        return self._methods[usual]

    def _delete(self, _: int, path: int, sync_folder: int) -> int:
        tap, name = self._tap(path)
        if tap is not None and tap.fails("delete", name):
            return IOERR_DELETE
        result: int = self._real.delete(self._usual, path, sync_folder)
        if tap is not None and result == OK:
            tap.note(disk.Unlink(name))
            if sync_folder:
                tap.note(disk.SyncFolder())
        return result

    def _write(self, file: int, data: int, amount: int, offset: int) -> int:
        tap, name, real = self._files[file]
        if fails := tap.fails("write", name):
            amount //= 2
        result: int = real.write(file, data, amount, offset) if amount else OK
        if result == OK and amount:
            tap.note(disk.Write(name, offset, ctypes.string_at(data, amount)))
        return tap.write_error() if fails else result

    def _truncate(self, file: int, size: int) -> int:
        tap, name, real = self._files[file]
        if tap.fails("truncate", name):
            return IOERR_TRUNCATE
        result: int = real.truncate(file, size)
        if result == OK:
            tap.note(disk.Truncate(name, size))
        return result

    def _sync(self, file: int, flags: int) -> int:
        tap, name, real = self._files[file]
        if tap.fails("sync", name):
            return tap.failed_sync(name)
        result: int = real.sync(file, flags)
        if result == OK:
            tap.note(disk.Sync(name))
            if file in self._unsynced:
                self._unsynced.discard(file)
                tap.note(disk.SyncFolder())
        return result


def _path(file: int) -> bytes:
    return os.fsencode(Path(f"/proc/self/fd/{file}").readlink())


@cache
def _shim() -> _Shim:
    return _Shim()
