"""The ledger's own work on a live cabinet: heads, their second signature, the WAL's checkpoint.

Not for records. One rule: never between a decision and its lock pulse, and one thing a turn, so
that whoever stands at the cabinet waits for one commit at most.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from ledger.cosignature import Cosigner
from ledger.note import Signer, parse_checkpoint, parse_note
from ledger.store import Head, Snapshot, Store

HEAD_EVERY = 16  # entries at most between signed heads
IDLE_S = 1.0  # without an entry
TO_OPEN_BYTES = 4 * 1024 * 1024  # SQLite's index of the WAL, a head, and the first entries
RESERVE_BYTES = 16 * 1024 * 1024  # some thousands of entries
SNAPSHOT_EVERY = 2000  # entries, which a start replays in some tens of milliseconds

_log = logging.getLogger(__name__)


class Reserve:
    """Room on the ledger's disk that is given back when it is full, so that what is open can end.

    With the last percent refused to new accesses, closings and returns still find their bytes.
    """

    def __init__(self, ledger: Path) -> None:
        self._file = ledger.with_name(ledger.name + ".reserve")

    def before_opening(self) -> None:
        """Give the room back where the ledger could not even be opened without it.

        A cabinet that stopped on a full disk starts again by itself, and says that it is full.
        """
        facts = os.statvfs(self._file.parent)
        if facts.f_bavail * facts.f_frsize < TO_OPEN_BYTES:
            self._file.unlink(missing_ok=True)

    def follow(self, level: str) -> None:
        """Keep the room while the level is "ok", give it back when it is "full"."""
        if level == "full":
            self._file.unlink(missing_ok=True)
        elif level == "ok" and not self._file.exists():
            try:
                self._make()
            except OSError as error:
                self._file.unlink(missing_ok=True)
                _log.warning("no reserve of %d bytes beside the ledger: %s", RESERVE_BYTES, error)

    def _make(self) -> None:
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        finally:
            os.close(descriptor)


class Upkeep:
    """Keeps one open ledger; `keep` is called between events, several times a second."""

    def __init__(
        self,
        store: Store,
        signer: Signer,
        cosigner: Cosigner,
        *,
        cosign_every_s: float,
        wall_s: Callable[[], float],
        on_head: Callable[[Head], None] = lambda _: None,
    ) -> None:
        """`on_head` is told of each new head, once it is on disk."""
        self._store, self._signer, self._cosigner = store, signer, cosigner
        self._on_head = on_head
        self._cosign_every_s, self._wall_s = cosign_every_s, wall_s
        self._size, self._entered_s = store.size, 0.0
        self._signed = store.size
        self._accessing = False
        self._completed = False  # an access, and no head is over it yet
        kept = store.snapshot()
        self._snapshot = kept.size if kept is not None else 0
        self._cosign_at_s = 0.0  # the first soon after the start

    def keep(self, now_s: float, *, accessing: bool) -> None:
        """One thing that is due, if any: `now_s` is monotonic time, `accessing` an open access.

        A head after an access, when idle, and at least every 16 entries; else, when idle, a
        checkpoint; else the second signature of the newest head.
        """
        size = self._store.size
        if size != self._size:
            self._size, self._entered_s = size, now_s
        self._completed |= self._accessing and not accessing
        self._accessing = accessing
        idle = now_s - self._entered_s >= IDLE_S
        behind = size - self._signed
        if behind and (behind >= HEAD_EVERY or idle or self._completed):
            self.sign()
            self._signed, self._completed = size, False
        elif idle and self._store.checkpoint_due:
            self._store.checkpoint()
        elif idle and not accessing and now_s >= self._cosign_at_s:
            self._cosign_at_s = now_s + self._cosign_every_s
            self.cosign()

    def snapshot_due(self, now_s: float, *, accessing: bool) -> bool:
        """Whether so much was entered since the last snapshot that a start would take its time."""
        idle = now_s - self._entered_s >= IDLE_S
        return idle and not accessing and self._store.size - self._snapshot >= SNAPSHOT_EVERY

    def keep_snapshot(self, version: int, data: bytes) -> int:
        """Keep the state over all entries, whose own entry must come next; its size."""
        self._snapshot = self._store.size
        self._store.keep_snapshot(Snapshot(self._snapshot, version, data))
        return self._snapshot

    def sign(self) -> None:
        """A head over all entries, now: also for the end."""
        if head := self._store.sign_head(self._signer):
            self._on_head(head)

    def cosign(self) -> None:
        """The second signature of the newest head, unless it has it."""
        head, key = self._store.newest_head(), self._cosigner
        if head is not None and self._store.cosigned_size(key.name, key.key_id) < head.size:
            signed = parse_checkpoint(parse_note(head.note)[0])
            self._store.add_cosignature(head.size, key.cosign(signed, int(self._wall_s())))
