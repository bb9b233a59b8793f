"""A support bundle: how the cabinet is, for whoever supports it, and nothing of patients or people.

Not for who may have one (`service_system.py`). One rule: what is in it is listed here by name; of
the ledger only counts, its size and its head go in, never an entry; and it leaves the cabinet only
encrypted to the key in `cabinet.toml`.
"""

import gzip
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyrage

from cabinet import captures, provision, service_answers, service_facts
from cabinet import records as r
from cabinet import service_records as sr
from cabinet.configuration import Configuration
from cabinet.console_messages import Table
from cabinet.journal import replay
from cabinet.keys import Keys
from cabinet.redaction import known_names, redact, unnamed
from cabinet.service_answers import History
from cabinet.state import State
from cabinet.system_answers import Told
from cabinet.version import VERSION
from ledger.store import Store

FORMAT = "adc-support-bundle"
MOST_PRINTED_LINES = 800
# Keys of the configuration that name a key, a person or an address outside.
LEFT_OUT = ("ca", "bundle_key", "vkey", "url", "owner", "revoked")
MOST_VISITS = 20


class _Type(msgspec.Struct):
    type: str


class _Typed(msgspec.Struct):
    """As much of a body as counting needs."""

    record: _Type


_typed = msgspec.json.Decoder(_Typed)
_NOTED = {
    kind.__struct_config__.tag
    for kind in (
        *(r.Started, r.DeviceFailed, r.DeviceRestored, r.DrawerFailed, r.DrawerForced),
        *(sr.ServiceFinished, sr.ServiceTested, sr.PartReplaced),
    )
}


class _Read:
    """What one pass over the entries shows."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self.counts: Counter[str] = Counter()
        self.history = History()
        self.tests: list[tuple[str, str]] = []
        for data in bodies:
            kind = _typed.decode(data).record.type
            self.counts[kind] += 1
            if kind in _NOTED:
                self._note(r.decode_body(data))

    def _note(self, body: r.Body) -> None:
        if isinstance(body.record, r.Started):
            self.history = History()  # what is said of devices is said since the last start
        self.history.note(body)
        words = service_answers.visited(body.record)
        if words:
            self.tests = [*self.tests, (service_answers.when(body.wall_ms), words)][-MOST_VISITS:]


def gathered(
    configuration: Configuration, folder: Path, keys: Keys, logs: Told | None
) -> dict[str, Any]:
    """What is in it, before it is encrypted."""
    with Store.open(folder / configuration.paths.ledger, keys.ledger, read_only=True) as store:
        state = replay(store)
        read = _Read(entry.body for entry in store.entries())
        head = store.newest_head()
        ledger = {
            "entries": store.size,
            "head": head.size if head is not None else 0,
            "root": store.root(head.size).hex() if head is not None else "",
            "vkey": provision.signer(configuration, keys).vkey,
        }
    names = known_names(state)
    now_s = time.time()
    rows = logs.rows if logs is not None and logs.outcome == "ok" else ()
    return {
        "format": FORMAT,
        "version": 1,
        "cabinet": configuration.cabinet.id,
        "made": service_answers.when(int(now_s * 1000)),
        "software": VERSION,
        "system": service_facts.software(),
        "status": _rows(service_answers.status(state, now_s), names),
        "devices": _redacted(service_answers.devices(state, read.history, {}), names),
        "drawers": _drawers(state, read.history, names),
        "config": _settings(configuration, names),
        "ledger": ledger,
        "records": dict(sorted(read.counts.items())),
        "tests": [(when, redact(words, names)) for when, words in read.tests],
        "captures": captures.read(folder / configuration.paths.requests),
        "logs": [(row[0], redact(row[1]), redact(row[2], names)) for row in rows if len(row) == 3],
    }


def _rows(table: Table, names: frozenset[str]) -> list[dict[str, str]]:
    return [
        {heading: unnamed(cell, names) for heading, cell in zip(table.headings, row, strict=True)}
        for row in table.rows
    ]


def _redacted(table: Table, names: frozenset[str]) -> list[dict[str, str]]:
    """As `_rows`, where a cause may be in words from outside."""
    return [
        {key: value if key == "since" else redact(value) for key, value in row.items()}
        for row in _rows(table, names)
    ]


def _drawers(state: State, history: History, names: frozenset[str]) -> list[dict[str, str]]:
    """Without the wires, which only the controller reads."""
    wanted = ("drawer", "state", "failures", "cause")
    found = _redacted(service_answers.drawers(state, history, {}), names)
    return [{key: row[key] for key in wanted} for row in found]


def _settings(configuration: Configuration, names: frozenset[str]) -> list[tuple[str, str]]:
    """The settings, without keys, addresses outside and people."""
    kept = []
    for key, value in service_facts.flat(configuration):
        last = key.rsplit(".", 1)[-1].partition("[")[0]
        kept.append((key, "[left out]" if last in LEFT_OUT and value else unnamed(value, names)))
    return kept


def encrypted(told: dict[str, Any], recipient: str) -> bytes:
    """As it is written to a disk: JSON, gzip, age."""
    made: bytes = pyrage.encrypt(_packed(told), [pyrage.x25519.Recipient.from_str(recipient)])
    return made


def printed(told: dict[str, Any], recipient: str) -> tuple[str, ...]:
    """As text, armoured; with fewer recordings and logs where it would be too long to print."""
    key = [pyrage.x25519.Recipient.from_str(recipient)]
    logs: Sequence[Any] = told["logs"]
    recorded: Sequence[str] = told["captures"]
    while True:
        kept = {**told, "logs": logs, "captures": recorded}
        lines = tuple(pyrage.encrypt(_packed(kept), key, armored=True).decode().splitlines())
        if len(lines) <= MOST_PRINTED_LINES or not (logs or recorded):
            return lines
        if recorded:
            recorded = recorded[: len(recorded) // 2]
        else:
            logs = logs[(len(logs) + 1) // 2 :]


def _packed(told: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(told, separators=(",", ":")).encode(), mtime=0)
