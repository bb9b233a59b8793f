"""The ledger's figures: appends against the bare insert, and a million entries checked and proven.

Everything at a million entries is measured on one file. Not for the start with a million entries
(`ready.py`), nor for what others would use instead (`beside.py`).
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from ledger import database
from ledger.check import check_file
from ledger.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.bench.figures import Figure, interleaved, percentile
from tests.bench.ledger_pair import HEADS_EVERY, KEY, VERIFIER, Pair

MILLION = 1_000_000
APPENDS = 1500
GROUPS = 96
CHECKS = 3
PROOFS = 300
MOST_APPEND = 1.10
MOST_SIGNED = 1.15
MOST_VERIFY = 2.5
MOST_VERIFY_2 = 1.5
MOST_PROOF_MS = 1.0
MOST_PROOF_VERIFY_US = 50.0
MOST_VERIFY_RSS_MB = 100.0
SCAN = "SELECT seq, body, nodes FROM e"
ROOT = Path(__file__).parent.parent.parent

CHECK_ALONE = """
import sys
from pathlib import Path
from ledger.check import check_file
from ledger.note import Verifier
key, path, vkey = sys.stdin.read().split()
findings = check_file(Path(path), bytes.fromhex(key), Verifier(vkey))
assert findings.good, findings.lines()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(int(peak.split()[1]) * 1024 / 1e6)
"""


def small() -> list[Figure]:
    """Appends at ten and at a hundred thousand entries."""
    with tempfile.TemporaryDirectory() as folder:
        pair = Pair(Path(folder))
        try:
            pair.grow(10_000)
            figures = [
                pair.append_ratio("append_ratio_10k", APPENDS, MOST_APPEND),
                pair.signed_ratio("append_signed16_ratio", GROUPS, MOST_SIGNED),
            ]
            pair.grow(100_000)
            figures.insert(1, pair.append_ratio("append_ratio_100k", APPENDS, MOST_APPEND))
        finally:
            pair.close()
    return figures


def million() -> list[Figure]:
    """Everything at a million entries, on one file."""
    with tempfile.TemporaryDirectory() as folder:
        pair = Pair(Path(folder))
        try:
            pair.grow(MILLION)
            proofs = _proofs(pair)
            checks = _checks(pair.path)
            append = pair.append_ratio("append_ratio_1m", APPENDS, MOST_APPEND)
        finally:
            pair.close()
    return [append, *checks, *proofs]


def _timed(run: Callable[[], None]) -> Callable[[], float]:
    def timed() -> float:
        began = time.perf_counter()
        run()
        return time.perf_counter() - began

    return timed


def _scan(path: Path) -> None:
    """The baseline of a check: every row fetched, nothing done with it."""
    connection: Any = database.reach(path, "mode=ro")
    database.unlock(connection, path, KEY)
    database.settle(connection, path)
    for _ in connection.execute(SCAN):
        pass
    connection.close()


def _checks(path: Path) -> list[Figure]:
    """The whole check of the file, with one worker and with two, and its memory."""

    def check(workers: int, structure: bool) -> Callable[[], float]:
        def run() -> None:
            found = check_file(path, KEY, VERIFIER, workers=workers, structure=structure)
            assert found.good and found.entries == MILLION, found.lines()

        return _timed(run)

    scans, ones, twos = interleaved(
        CHECKS, _timed(lambda: _scan(path)), check(1, True), check(2, False)
    )
    scan, one, two = (percentile(each, 50) for each in (scans, ones, twos))
    full = check(2, True)()
    peak = subprocess.run(
        [sys.executable, "-c", CHECK_ALONE],
        input=f"{KEY.hex()} {path} {VERIFIER.vkey}",
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    what = f"{MILLION:,} entries, a signed head every {HEADS_EVERY:,}"
    return [
        Figure(
            *("verify_ratio", one / scan, "x", 1.0, len(ones)),
            f"p50 of the check of {what}, pages and their order beside it in a thread: {one:.2f} s "
            f"/ p50 of `{SCAN}`, fetched row by row, same file, key, pragmas and default cache: "
            f"{scan:.2f} s",
            MOST_VERIFY,
        ),
        Figure(
            *("verify_2workers_ratio", two / scan, "x", 1.0, len(twos)),
            f"the same by two processes, --quick: without the order of the entries' pages as "
            f"SQLite sees it: {two:.2f} s; with it, which wants a third processor: "
            f"{full / scan:.2f}x",
            MOST_VERIFY_2,
        ),
        Figure(
            *("verify_rss_mb", float(peak.stdout), "MB", None, 1),
            f"VmHWM of a process that checks {what}",
            MOST_VERIFY_RSS_MB,
        ),
    ]


def _proofs(pair: Pair) -> list[Figure]:
    """Proofs at a million entries: made from the file, and verified."""
    store, chance = pair.store, random.Random(1)
    root = store.root(MILLION)
    made: list[float] = []
    grown: list[float] = []
    read: list[float] = []
    verified: list[float] = []
    hashed: list[float] = []
    for _ in range(PROOFS):
        index = chance.randrange(MILLION)
        old = chance.randrange(1, MILLION)
        began = time.perf_counter()
        store.entry(index + 1)
        read.append(time.perf_counter() - began)
        began = time.perf_counter()
        path = inclusion_proof(index, MILLION, store.node)
        made.append(time.perf_counter() - began)
        began = time.perf_counter()
        growth = consistency_proof(old, MILLION, store.node)
        grown.append(time.perf_counter() - began)
        leaf = leaf_hash(store.entry(index + 1).body)
        began = time.perf_counter()
        verify_inclusion(leaf, index, MILLION, path, root)
        verified.append(time.perf_counter() - began)
        began = time.perf_counter()
        for other in path:
            leaf = sha256(b"\1" + other + leaf).digest()
        hashed.append(time.perf_counter() - began)
        verify_consistency(old, MILLION, growth, store.root(old), root)
    entry_ms = percentile(read, 50) * 1e3
    return [
        Figure(
            *(name, percentile(values, 50) * 1e3, "ms", entry_ms, PROOFS),
            f"p50, {MILLION:,} entries, a random {what}; p95 {percentile(values, 95) * 1e3:.2f} "
            "ms; baseline: one random entry read from the same file",
            MOST_PROOF_MS,
        )
        for name, values, what in (
            ("inclusion_proof_ms", made, "entry"),
            ("consistency_proof_ms", grown, "older size"),
        )
    ] + [
        Figure(
            *("proof_verify_us", percentile(verified, 50) * 1e6, "us"),
            *(percentile(hashed, 50) * 1e6, PROOFS),
            f"p50 of verifying an inclusion proof at {MILLION:,} entries; baseline: hashing as "
            "many nodes and nothing else",
            MOST_PROOF_VERIFY_US,
        )
    ]
