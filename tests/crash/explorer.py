"""Cuts the power at many instants of a recorded run, and opens what each may have left.

Not for what the files mean: `recovers` says whether they are as allowed. One rule: states are
counted by content; the same files twice are one state.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ledger.errors import LedgerError
from tests.crash.disk import Disk, Event, Files, Mark

MAX_PASSES = 60
MAX_VIOLATIONS = 20

Allowed = tuple[object, ...]
Recovers = Callable[[Path, Allowed, bool], str]
# Another life of the ledger in a folder, after this; what it recorded.
Again = Callable[[Path, Allowed, bool, Random], Sequence[Event]]


class Unrecovered(Exception):
    """A ledger does not hold what it must."""


@dataclass
class Report:
    """What an exploration of `seed` saw; `nested` states had two power cuts, or a kill and one."""

    seed: str
    states: int = 0
    nested: int = 0
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = f"seed {self.seed}: {self.states} distinct states, {self.nested} of them nested"
        return "\n".join((f"{told}, {len(self.violations)} violations", *self.violations))


class Explorer:
    """Explores runs recorded from one seed, in `folder`, which it empties."""

    def __init__(
        self, folder: Path, seed: str, recovers: Recovers, again: Again | None = None
    ) -> None:
        self.report, self.random = Report(seed), Random(seed)
        self._folder, self._recovers, self._again = folder, recovers, again
        self._seen: set[bytes] = set()

    def explore(self, base: Disk, events: Sequence[Event], wanted: int) -> Report:
        """Visits whole passes of instants until there are `wanted` distinct states."""
        for _ in range(MAX_PASSES):
            for at, disk, allowed in walk(base, events):
                self._visit(f"after event {at}", disk, allowed)
                if len(self.report.violations) >= MAX_VIOLATIONS:
                    return self.report
            if self.report.states >= wanted:
                break
        return self.report

    def _visit(self, where: str, disk: Disk, allowed: Allowed) -> None:
        if self.random.random() < (0.5 if disk.unsettled else 0.9):
            return
        files = disk.after_power_cut(self.random)
        fresh = self._judge(where, files, allowed)
        if self._again is None:
            return
        if fresh and self.random.random() < 0.06:
            self._live_on(f"{where}, power cut", Disk(files), allowed, killed=False)
        elif self.random.random() < 0.03:
            self._live_on(f"{where}, killed", disk.copy(), allowed, killed=True)

    def _live_on(self, where: str, disk: Disk, allowed: Allowed, *, killed: bool) -> None:
        """The ledger is opened and used, and the power goes during that."""
        assert self._again is not None
        self._lay_out(disk.cached())
        try:
            events = self._again(self._folder, allowed, killed, self.random)
        except (LedgerError, Unrecovered) as error:
            self.report.violations.append(f"{where}: {type(error).__name__}: {error}")
            return
        for at, then, still in walk(disk, events):
            if self.random.random() < 0.4:
                files = then.after_power_cut(self.random)
                self.report.nested += self._judge(f"{where}, then {at}", files, still)

    def _judge(self, where: str, files: Files, allowed: Allowed) -> bool:
        """Opens these files, unless that was done already; whether they are new."""
        digest = hashlib.sha256()
        for name in sorted(files):
            digest.update(b"%s %d " % (name.encode(), len(files[name])) + files[name])
        if digest.digest() in self._seen:
            return False
        self._seen.add(digest.digest())
        self.report.states += 1
        self._lay_out(files)
        if self.random.random() < 0.2:  # shared memory is no state, whatever the disk kept of it
            rubbish = self.random.randbytes(32 << 10)
            _write(self._folder / "ledger.db-shm", rubbish)
        if wrong := self._recovers(self._folder, allowed, self.random.random() < 0.2):
            self.report.violations.append(f"{where}: {wrong}")
        return True

    def _lay_out(self, files: Files) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        for name, content in files.items():
            _write(self._folder / name, content)


def walk(base: Disk, events: Sequence[Event]) -> Iterator[tuple[int, Disk, Allowed]]:
    """The disk after each event, and what is allowed then; not before the first mark."""
    disk = base.copy()
    allowed: Allowed = ()
    for at, event in enumerate(events):
        disk.apply(event)
        if isinstance(event, Mark):
            allowed = event.allowed
        if allowed:
            yield at, disk, allowed


def _write(path: Path, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(file, content)
    finally:
        os.close(file)


def files_in(folder: Path) -> Files:
    """The files of a folder, but for shared memory."""
    return {
        each.name: each.read_bytes()
        for each in folder.iterdir()
        if not each.name.endswith(("-shm", ".lock"))
    }
