"""Two files that grow together: a ledger, and the bare SQLCipher table that it is measured against.

Both have the same rows, key, pragmas and page cache; both are checkpointed at the same points and
never inside a measurement. One rule: an append and its baseline take turns, and whoever goes first
changes each round.
"""

import time
from pathlib import Path
from typing import Any

from cabinet import records as r
from ledger import database
from ledger.note import Signer, Verifier
from ledger.store import Store
from tests.bench.figures import Figure, percentile

KEY = bytes(range(32))
SIGNER = Signer("site/adc/cabinet/1", bytes(range(32)))
VERIFIER = Verifier(SIGNER.vkey)
BATCH = 10_000
HEADS_EVERY = 1000  # entries between signed heads in what is grown, not measured
CREATE = "CREATE TABLE e (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)"
INSERT = "INSERT INTO e VALUES (?, ?)"
BARE = (
    f"`{INSERT}`, each its own transaction, SQLCipher 4, raw key, journal_mode=WAL, "
    "synchronous=FULL, wal_autocheckpoint=0"
)


def body(seq: int) -> bytes:
    """A real body: a removal's order to open its drawer."""
    access = r.AccessStarted(
        access=f"{seq * 7919:016x}",
        kind="remove",
        session=f"{seq // 5:016x}",
        person=f"{seq % 97:016x}",
        factors=("badge", "finger"),
        drawer="D1",
        pocket="D1-1",
        medicine="OXYC-5-TAB",
        quantity=2,
        patient=f"{seq % 1009:016x}",
        order=f"{seq % 4001:016x}",
    )
    salt = f"{seq * 0x9E3779B97F4A7C15:032x}"
    wall_ms = 1_790_000_000_000 + 250 * seq
    told = r.Body(r.BODY_TAG, 1, "cabinet-1", seq, wall_ms, 250 * seq, "0" * 16, salt, access)
    return r.encode_body(told)


class Pair:
    """A ledger and a bare table of the same bodies in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.db"
        self.store = Store.create(self.path, KEY, SIGNER.name)
        bare = folder / "bare.db"
        bare.touch(mode=0o600)
        self.bare: Any = database.reach(bare, "mode=rw")
        database.unlock(self.bare, bare, KEY)
        self.bare.execute("PRAGMA journal_mode = WAL").fetchall()
        database.settle(self.bare, bare)
        self.bare.execute(CREATE)
        self._insert = self.bare.cursor().execute

    def close(self) -> None:
        """Both files."""
        self.store.close()
        self.bare.close()

    def checkpoint(self) -> None:
        """Move both WALs."""
        self.store.checkpoint()
        self.bare.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def grow(self, size: int) -> None:
        """To so many entries, in large transactions."""
        while self.store.size < size:
            first = self.store.size + 1
            stop = min(first + BATCH, size + 1)
            bodies = [(seq, body(seq)) for seq in range(first, stop)]
            for at in range(0, len(bodies), HEADS_EVERY):
                self.store.append([data for _, data in bodies[at : at + HEADS_EVERY]])
                self.store.sign_head(SIGNER)
            self.bare.execute("BEGIN")
            self.bare.executemany(INSERT, bodies)
            self.bare.execute("COMMIT")
            self.checkpoint()

    def insert(self, seq: int, data: bytes) -> None:
        """The baseline's append."""
        self._insert(INSERT, (seq, data))

    def append_ratio(self, name: str, rounds: int, most: float) -> Figure:
        """Single durable appends against single bare ones, at the size there is now."""
        size, append = self.store.size, self.store.append
        ours: list[float] = []
        bare: list[float] = []
        for at in range(rounds):
            seq = self.store.size + 1
            data = body(seq)

            def own(data: bytes = data) -> float:
                began = time.perf_counter()
                append((data,))
                return time.perf_counter() - began

            def other(seq: int = seq, data: bytes = data) -> float:
                began = time.perf_counter()
                self.insert(seq, data)
                return time.perf_counter() - began

            if at % 2:
                ours.append(own())
                bare.append(other())
            else:
                bare.append(other())
                ours.append(own())
            if at % 500 == 499:
                self.checkpoint()
        return ratio(name, ours, bare, most, f"{size:,} entries of {len(body(size))} bytes")

    def signed_ratio(self, name: str, groups: int, most: float) -> Figure:
        """Sixteen appends and a signed head against sixteen bare inserts."""
        size = self.store.size
        ours: list[float] = []
        bare: list[float] = []
        for group in range(groups):
            first = self.store.size + 1
            bodies = [(seq, body(seq)) for seq in range(first, first + 16)]

            def own(bodies: list[tuple[int, bytes]] = bodies) -> float:
                began = time.perf_counter()
                for _, data in bodies:
                    self.store.append((data,))
                self.store.sign_head(SIGNER)
                return (time.perf_counter() - began) / 16

            def other(bodies: list[tuple[int, bytes]] = bodies) -> float:
                began = time.perf_counter()
                for seq, data in bodies:
                    self.insert(seq, data)
                return (time.perf_counter() - began) / 16

            if group % 2:
                ours.append(own())
                bare.append(other())
            else:
                bare.append(other())
                ours.append(own())
            if group % 32 == 31:
                self.checkpoint()
        what = f"{size:,} entries; groups of 16 appends and one signed head in a commit of its own"
        return ratio(name, ours, bare, most, what)


def ratio(name: str, ours: list[float], bare: list[float], most: float, what: str) -> Figure:
    """The medians' ratio; means are told."""
    p50, base = percentile(ours, 50), percentile(bare, 50)
    mean = sum(ours) / sum(bare)
    pairs = sorted(own / other for own, other in zip(ours, bare, strict=True))
    return Figure(
        *(name, p50 / base, "x", 1.0, len(ours)),
        f"p50 of a durable append / of the bare insert, {what}: {p50 * 1e6:.0f} / "
        f"{base * 1e6:.0f} us; by means {mean:.2f}x, p50 of the pairs' ratios "
        f"{pairs[len(pairs) // 2]:.2f}x; baseline: {BARE}",
        most,
    )
