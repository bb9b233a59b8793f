"""The disk under a simulated cabinet: its speed, its failures, and what a power cut leaves on it.

The store on it is the shipped one on a real file; only its waits and its failures are made up. One
rule: what was acknowledged is never taken back, or the disk would be an unfair one.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ledger.attachment import Attachment
from ledger.errors import AppendFailed, DiskFailed, ReadOnly
from ledger.store import FreeSpace, Store

SECTOR_BYTES = 512


class PowerCut(BaseException):
    """The power went within a write; nobody in the cabinet lives to see it."""


class Strike(Enum):
    """What happens to an append."""

    CUT_BEFORE = "power cut before a write"
    CUT_WITHIN = "power cut within a write"
    CUT_SCATTERED = "power cut within a write, of which any sectors are left"
    CUT_AFTER = "power cut after a write, before it is acknowledged"
    ERROR_BEFORE = "EIO, nothing written"
    ERROR_AFTER = "EIO, and yet written"
    NO_ROOM = "no room for a write"
    SLOW = "slow disk"


@dataclass
class Disk:
    """One cabinet's disk; `pause` waits in virtual time."""

    folder: Path
    ledger: Path
    pause: Callable[[float], None]
    latency_s: Callable[[], float]
    cut_at: Callable[[int], int]  # where within a write of so many bytes the power goes
    free: float = 0.9
    strike: Strike | None = None  # of the next append
    struck: Strike | None = None  # and of the last that was struck
    slow_s: float = 30.0
    read_only: bool = False  # as a mount that found errors makes itself
    failing: bool = False  # each write ends with EIO
    unreadable: bool = False  # and each read
    torn: bytes | None = None  # what the WAL holds after a cut within a write

    @property
    def wal(self) -> Path:
        """The write-ahead log beside the ledger."""
        return self.ledger.with_name(self.ledger.name + "-wal")

    def check_readable(self) -> None:
        """Raises DiskFailed as opening would."""
        if self.unreadable:
            why = "disk I/O error (opening it, SQLITE_IOERR_READ); check the disk"
            raise DiskFailed(self.ledger, why)

    def check_mounted(self) -> None:
        """Raises ReadOnly as opening or writing would."""
        if self.read_only:
            raise ReadOnly(self.ledger, "cannot be written (EROFS); check mount and owner")

    def tear(self, before: bytes, after: bytes, *, scattered: bool = False) -> None:
        """Of what a write changed, only the sectors up to some point reached the disk; `scattered`:
        any of them, as a disk that writes in an order of its own leaves it."""
        length = max(len(before), len(after))
        old, new = before.ljust(length, b"\0"), after.ljust(length, b"\0")
        changed = [at for at in range(0, length, SECTOR_BYTES) if _differ(old, new, at)]
        if scattered:
            kept = [at for at in changed if self.cut_at(1)]
        else:
            kept = changed[: self.cut_at(len(changed))]
        torn = bytearray(old)
        for at in kept:
            torn[at : at + SECTOR_BYTES] = new[at : at + SECTOR_BYTES]
        self.torn = bytes(torn[: len(before) if not kept else max(len(before), kept[-1] + 512)])

    def lose_power(self, store: Store | None) -> None:
        """Leave the files as a cut leaves them: closing them in order would tidy them up."""
        if store is None:
            return
        aside = self.folder / "aside"
        aside.mkdir()
        for file in (self.ledger, self.wal):
            if file.exists():
                shutil.copy(file, aside / file.name)
        if self.torn is not None:
            (aside / self.wal.name).write_bytes(self.torn)
        store.close()
        for file in (self.ledger, self.wal):
            file.unlink(missing_ok=True)
            if (aside / file.name).exists():
                (aside / file.name).rename(file)
        self.ledger.with_name(self.ledger.name + "-shm").unlink(missing_ok=True)
        aside.rmdir()
        self.torn = None


def _differ(old: bytes, new: bytes, at: int) -> bool:
    return old[at : at + SECTOR_BYTES] != new[at : at + SECTOR_BYTES]


class SimulatedStore(Store):
    """The shipped store; an append takes virtual time, and may be struck."""

    disk: Disk
    acked: Callable[[Sequence[bytes]], None]

    def append(
        self,
        bodies: Sequence[bytes],
        attachments: Sequence[Attachment] = (),
        erasures: Sequence[tuple[int, bytes]] = (),
    ) -> int:
        disk = self.disk
        strike, disk.strike = disk.strike, None
        disk.struck = strike or disk.struck
        self._check_usable()
        disk.pause(disk.slow_s if strike is Strike.SLOW else disk.latency_s())
        if strike is Strike.CUT_BEFORE:
            raise PowerCut
        if strike is Strike.ERROR_BEFORE:
            self._strike()
        if strike is Strike.NO_ROOM:
            self._strike("database or disk is full")
        torn = strike in (Strike.CUT_WITHIN, Strike.CUT_SCATTERED)
        before = disk.wal.read_bytes() if torn else b""
        first = super().append(bodies, attachments, erasures)
        if torn:
            scattered = strike is Strike.CUT_SCATTERED
            disk.tear(before, disk.wal.read_bytes(), scattered=scattered)
            raise PowerCut
        if strike is Strike.CUT_AFTER:
            raise PowerCut
        if strike is Strike.ERROR_AFTER:
            self._strike()
        self.acked(bodies)
        return first

    def _check_writable(self) -> None:
        super()._check_writable()
        try:
            self.disk.check_mounted()
        except ReadOnly:
            self._failure = "the simulated disk became read-only"
            raise
        if self.disk.failing:
            self._strike()

    def _strike(self, why: str = "the simulated disk failed") -> None:
        self._failure = why
        raise AppendFailed(self.path, f"{why}; open the ledger again")

    def free_space(self) -> FreeSpace:
        return FreeSpace(int(self.disk.free * (1 << 34)), self.disk.free)
