"""`ready_1m_s`: from exec to READY=1 with a million entries in the ledger and a snapshot near them.

The entries are refusals, which change nothing but the ledger; only the snapshot and the tail behind
it are replayed, whatever the entries are.
"""

import secrets
import tempfile
import time
from pathlib import Path

from cabinet import configuration as site
from cabinet import keys as key_files
from cabinet import provision, snapshot
from cabinet import records as r
from cabinet.effects import apply
from cabinet.journal import replay
from ledger.store import Snapshot, Store
from tests.bench.cabinet_process import demo
from tests.bench.figures import Figure, percentile

ENTRIES = 1_000_000
BATCH = 20_000
STARTS = 5
TAIL = 1999  # entries behind the snapshot, as many as there may be
MOST_READY_S = 2.0


def measure() -> list[Figure]:
    """The figure; the baseline is the same cabinet's start before the million."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "demo"
        with demo(home) as (_, process):
            few = []
            for _round in range(STARTS):
                few.append(process.start())
                process.stop()
            fill(home, ENTRIES)
            many = []
            for _round in range(STARTS):
                many.append(process.start())
                process.stop()
    return [
        Figure(
            "ready_1m_s",
            percentile(many, 50),
            "s",
            percentile(few, 50),
            STARTS,
            f"median from exec to READY=1 with {ENTRIES:,} entries, {TAIL:,} of them behind the "
            f"snapshot; baseline: the same cabinet with 230 entries; slowest {max(many):.2f} s",
            MOST_READY_S,
        )
    ]


def fill(home: Path, entries: int) -> None:
    """Append refusals until there are `entries`, with a snapshot TAIL entries before the end."""
    configuration = site.load(home / "cabinet.toml")
    secret = key_files.load(home / configuration.paths.keys)
    with Store.open(home / configuration.paths.ledger, secret.ledger) as store:
        state = replay(store)
        record = r.Refused("remove", "more_than_ordered", "0" * 16, "0" * 16, quantity=3)

        def body(seq: int, said: r.Record) -> r.Body:
            return r.Body(
                r.BODY_TAG,
                r.BODY_VERSION,
                state.cabinet,
                seq,
                int(time.time() * 1000),
                0,
                "bench",
                secrets.token_hex(16),
                said,
            )

        while store.size < entries:
            until = entries - TAIL - 1 if store.size < entries - TAIL - 1 else entries
            count = min(BATCH, until - store.size)
            bodies = [body(store.size + 1 + index, record) for index in range(count)]
            store.append([r.encode_body(it) for it in bodies])
            for it in bodies:
                apply(state, it)
            if store.size == entries - TAIL - 1:
                data = snapshot.take(state)
                store.keep_snapshot(Snapshot(store.size, snapshot.VERSION, data))
                taken = r.SnapshotTaken(store.size, snapshot.VERSION, snapshot.digest(data))
                entry = body(store.size + 1, taken)
                store.append([r.encode_body(entry)])
                apply(state, entry)
        store.sign_head(provision.signer(configuration, secret))
        store.checkpoint()
