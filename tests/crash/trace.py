"""A real process of the store under strace: the system's own record of what it wrote and synced.

Sees what the shim inside SQLite cannot: the file's creation and rename, and each folder sync. One
rule: a call that changes a file and is not understood is an error, never passed over.

Run as a program it is that process: FOLDER SEED ACTS MARKS.
"""

import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

from ledger.errors import LedgerError
from ledger.store import Store
from tests.crash import disk
from tests.crash.tap import Tap
from tests.crash.workload import ACTS, NAME, Content, Life, recovers
from tests.ledgers import KEY, ORIGIN

ROOT = Path(__file__).resolve().parents[2]
UNDERSTOOD = "openat,pwrite64,write,fsync,fdatasync,ftruncate,unlink,rename"
REFUSED = (
    "open,creat,pwritev,pwritev2,writev,fallocate,copy_file_range,sendfile,splice,truncate,"
    "unlinkat,renameat,renameat2,link,linkat,symlink,sync_file_range,msync"
)
_CALL = re.compile(r"(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)(?:<[^>]*>)?(?: .*)?$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FILE = re.compile(r"^(\d+)<((?:\\x[0-9a-f]{2})*)>")


class Strange(Exception):
    """A line of strace that is not understood."""


def usable() -> str:
    """Why strace cannot be used here, or ""."""
    if shutil.which("strace") is None:
        return "strace is not installed: apt-get install strace"
    tried = subprocess.run(
        ["strace", "-o", os.devnull, "true"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()}"


def record(folder: Path, scratch: Path, seed: str, acts: int) -> list[disk.Event]:
    """What a process did that made a ledger in `folder` and used it; with its marks."""
    marks, out = scratch / "marks", scratch / "strace"
    folder.mkdir()
    traced = f"trace={UNDERSTOOD},{REFUSED}"
    command = ["strace", "-f", "-qq", "-y", "-xx", "-s", str(4 << 20), "-e", traced, "-o", str(out)]
    command += [sys.executable, "-m", "tests.crash.trace", str(folder), seed, str(acts), str(marks)]
    done = subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise Strange(done.stderr)
    allowed: list[tuple[object, ...]] = pickle.loads(marks.read_bytes())
    reader = _Reader(folder, allowed)
    with out.open() as lines:
        for line in lines:
            reader.line(line)
    assert reader.marks == len(allowed)
    return reader.events


class _Reader:
    """Lines of strace to events of one folder."""

    def __init__(self, folder: Path, allowed: list[tuple[object, ...]]) -> None:
        self.events: list[disk.Event] = []
        self.marks = 0
        self._folder, self._allowed = folder, allowed
        self._known: set[str] = set()

    def line(self, line: str) -> None:
        """One call; those that failed, and those elsewhere, say nothing."""
        if line.rstrip().endswith("+++") or "--- SIG" in line:
            return
        match = _CALL.match(line.rstrip())
        if match is None:
            raise Strange(line[:200])
        call, arguments, result = match.groups()
        if int(result) < 0:
            return
        texts = [_decode(text) for text in _TEXT.findall(arguments)]
        file = _FILE.match(arguments)
        path = Path(os.fsdecode(_decode(file[2]))) if file else None
        if call == "write" and file and int(file[1]) == 1:
            self._mark(texts[0])
        elif path == self._folder and call in ("fsync", "fdatasync"):
            self.events.append(disk.SyncFolder())
        elif call in ("openat", "unlink", "rename"):
            self._name(call, [Path(os.fsdecode(text)) for text in texts], arguments)
        elif path is not None and path.parent == self._folder:
            self._change(call, path.name, arguments, texts, int(result))
        elif call in REFUSED.split(",") and str(self._folder) in str(texts):
            raise Strange(line[:200])

    def _mark(self, text: bytes) -> None:
        assert text == b"mark %d\n" % self.marks, text
        self.events.append(disk.Mark(self._allowed[self.marks]))
        self.marks += 1

    def _name(self, call: str, paths: list[Path], arguments: str) -> None:
        if paths[0].parent != self._folder or _passed_over(paths[0].name):
            return
        name = paths[0].name
        if call == "unlink":
            self._known.discard(name)
            self.events.append(disk.Unlink(name))
        elif call == "rename":
            assert paths[1].parent == self._folder
            self._known.discard(name)
            self._known.add(paths[1].name)
            self.events.append(disk.Rename(name, paths[1].name))
        else:
            if "O_CREAT" in arguments and name not in self._known:
                self._known.add(name)
                self.events.append(disk.Create(name))
            if "O_TRUNC" in arguments:
                self.events.append(disk.Truncate(name, 0))

    def _change(
        self, call: str, name: str, arguments: str, texts: list[bytes], result: int
    ) -> None:
        if _passed_over(name):
            return
        numbers = arguments.rsplit(", ", 1)
        match call:
            case "pwrite64":
                self.events.append(disk.Write(name, int(numbers[1]), texts[0][:result]))
            case "ftruncate":
                self.events.append(disk.Truncate(name, int(numbers[1])))
            case "fsync" | "fdatasync":
                self.events.append(disk.Sync(name))
            case _:
                raise Strange(f"{call} of {name}")


def _passed_over(name: str) -> bool:
    """Shared memory and the lock are no state; half-made ones are."""
    return name.endswith((".lock", "-shm"))


def _decode(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def recovers_or_was_never_made(folder: Path, allowed: tuple[object, ...], thorough: bool) -> str:
    """As `recovers`; None stands for a ledger that is not there, and can be made anew."""
    if None in allowed and not (folder / NAME).exists():
        try:
            Store.create(folder / NAME, KEY, ORIGIN).close()
        except LedgerError as error:
            return f"cannot be made anew: {error}"
        return recovers(folder, (Content(),), thorough)
    return recovers(folder, tuple(each for each in allowed if each is not None), thorough)


class _Marks(Tap):
    """Marks on standard output, where strace sees them among the calls."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.allowed: list[tuple[object, ...]] = []

    def mark(self, *allowed: object) -> None:
        os.write(1, b"mark %d\n" % len(self.allowed))
        self.allowed.append(allowed)


def main(folder: Path, seed: str, acts: int, marks: Path) -> None:
    """Makes a ledger and uses it."""
    told = _Marks(folder)
    told.mark(None)
    life = Life(folder, told, Random(seed))
    told.mark(None, Content())
    Store.create(folder / NAME, KEY, ORIGIN).close()
    told.mark(Content())
    life.open()
    life.live(ACTS, acts)
    life.close()
    marks.write_bytes(pickle.dumps(told.allowed))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
