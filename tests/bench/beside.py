"""`beside_*_ratio`: what others would use instead of the ledger, in one interleaved run with it.

Where a thing is not installed its figure is left out, and said so. They promise less: none of them
encrypts, and a hash chain kept by its own database proves nothing to an outsider.
"""

import importlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.bench import postgresql
from tests.bench.figures import Figure, interleaved, percentile
from tests.bench.ledger_pair import BARE, Pair, body

ENTRIES = 10_000
ROUNDS = 120
NAMES = (
    *("beside_ledger_ratio", "beside_postgresql_ratio", "beside_pymerkle_ratio"),
    "beside_git_ratio",
)
GIT = ("git", "-c", "core.fsync=all", "-c", "user.name=bench", "-c", "user.email=bench@invalid")
Append = Callable[[bytes], None]


def _git(folder: Path) -> Append | None:
    if shutil.which("git") is None:
        return None
    folder.mkdir()
    subprocess.run([*GIT, "init", "-q"], cwd=folder, check=True)

    def append(data: bytes) -> None:
        command = [*GIT, "commit", "-q", "--allow-empty", "-F", "-"]
        subprocess.run(command, cwd=folder, check=True, input=data)

    return append


def _pymerkle(folder: Path) -> Append | None:
    try:
        pymerkle = importlib.import_module("pymerkle")
    except ImportError:
        return None
    folder.mkdir()
    tree = pymerkle.SqliteTree(str(folder / "tree.db"))
    append: Append = tree.append_entry
    return append


def _postgresql(folder: Path, stack: ExitStack) -> Append | None:
    binaries = postgresql.programs()
    if binaries is None:
        return None
    folder.mkdir()
    line = stack.enter_context(postgresql.server(folder, binaries))
    insert = "INSERT INTO e (body) VALUES ('\\x{}')"
    return lambda data: line.query(insert.format(data.hex()))


def measure() -> list[Figure]:
    """The figures of what is installed here."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "pair").mkdir()
        pair = Pair(folder / "pair")
        stack.callback(pair.close)
        pair.grow(ENTRIES)
        bare_seq = iter(range(ENTRIES + 1, ENTRIES + 1 + ROUNDS))
        rivals: dict[str, tuple[Append | None, str]] = {
            "beside_ledger_ratio": (lambda data: _own(pair, data), "this ledger"),
            "beside_postgresql_ratio": (
                _postgresql(folder / "postgresql", stack),
                "PostgreSQL, a hash chain kept by a trigger, append-only by another, local socket, "
                "synchronous_commit=on, not encrypted",
            ),
            "beside_pymerkle_ratio": (
                _pymerkle(folder / "pymerkle"),
                "pymerkle's SqliteTree as it comes, not encrypted",
            ),
            "beside_git_ratio": (
                _git(folder / "git"),
                "`git commit` with core.fsync=all, the body as its message",
            ),
        }
        installed = {name: each for name, each in rivals.items() if each[0] is not None}
        for name in rivals.keys() - installed.keys():
            print(f"{name}: left out, not installed here", file=sys.stderr)
        bare, *others = interleaved(
            ROUNDS,
            _timed(lambda data: pair.insert(next(bare_seq), data)),
            *(_timed(append) for append, _ in installed.values() if append is not None),
        )
    base = percentile(bare, 50)
    return [
        Figure(
            *(name, percentile(taken, 50) / base, "x", 1.0, len(taken)),
            f"p50 of one durable append to {what}, at {ENTRIES:,} entries of the ledger: "
            f"{percentile(taken, 50) * 1e6:.0f} us / {base * 1e6:.0f} us; baseline: {BARE}",
        )
        for (name, (_, what)), taken in zip(installed.items(), others, strict=True)
    ]


def _own(pair: Pair, data: bytes) -> None:
    pair.store.append((data,))


def _timed(append: Append) -> Callable[[], float]:
    numbers = iter(range(ENTRIES, ENTRIES + 10 * ROUNDS))

    def timed() -> float:
        data = body(next(numbers))
        began = time.perf_counter()
        append(data)
        return time.perf_counter() - began

    return timed
