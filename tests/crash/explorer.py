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
MAX_VIOLATIONS = 20  # then it is clear enough

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
        self.max_violations = MAX_VIOLATIONS
        self._folder, self._recovers, self._again = folder, recovers, again
        self._seen: set[bytes] = set()
        self._judged: set[tuple[bytes, int]] = set()  # before and after a promise are two questions

    def explore(self, base: Disk, events: Sequence[Event], wanted: int) -> Report:
        """Visits whole passes of instants until there are `wanted` distinct states."""
        for _ in range(MAX_PASSES):
            for at, disk, allowed in walk(base, events):
                self._visit(f"after event {at}", disk, allowed)
                if len(self.report.violations) >= self.max_violations:
                    return self.report
            if self.report.states >= wanted:
                break
        return self.report

    def _visit(self, where: str, disk: Disk, allowed: Allowed) -> None:
        if self.random.random() < (0.5 if disk.unsettled else 0.9):
            return
        files = disk.after_power_cut(self.random)
        fresh = self.judge(where, files, allowed)
        if self._again is None:
            return
        if fresh and self.random.random() < 0.06:
            self.live_on(f"{where}, power cut", Disk(files), allowed, killed=False)
        elif self.random.random() < 0.03:
            self.live_on(f"{where}, killed", disk.copy(), allowed, killed=True)

    def live_on(
        self, where: str, disk: Disk, allowed: Allowed, *, killed: bool, share: float = 0.4
    ) -> None:
        """The ledger is opened and used, and the power goes during that."""
        assert self._again is not None
        lay_out(self._folder, disk.cached())
        try:
            events = self._again(self._folder, allowed, killed, self.random)
        except (LedgerError, Unrecovered) as error:
            self.report.violations.append(f"{where}: {type(error).__name__}: {error}")
            return
        for at, then, still in walk(disk, events):
            if self.random.random() < share or at == len(events) - 1:
                files = then.after_power_cut(self.random)
                self.report.nested += self.judge(f"{where}, then {at}", files, still)

    def judge(self, where: str, files: Files, allowed: Allowed) -> bool:
        """Opens these files, unless that was done under the same promise; whether they are new."""
        digest = hashlib.sha256()
        for name in sorted(files):
            digest.update(b"%s %d " % (name.encode(), len(files[name])) + files[name])
        content = digest.digest()
        if (content, hash(allowed)) in self._judged:
            return False
        self._judged.add((content, hash(allowed)))
        fresh = content not in self._seen
        self._seen.add(content)
        self.report.states += fresh
        lay_out(self._folder, files)
        if "ledger.db" in files and self.random.random() < 0.2:  # shared memory is no state
            rubbish = self.random.randbytes(32 << 10)
            _write(self._folder / "ledger.db-shm", rubbish)
        if wrong := self._recovers(self._folder, allowed, self.random.random() < 0.2):
            self.report.violations.append(f"{where}: {wrong}")
        return fresh


def lay_out(folder: Path, files: Files) -> None:
    """These files, and no others, in the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        _write(folder / name, content)


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
