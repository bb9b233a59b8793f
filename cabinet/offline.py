"""One event through the rules while the controller is stopped: imports and erasures.

Not for a live cabinet: the ledger's lock refuses that. One rule: it goes through `decide` as every
event does, on a ledger that the controller would start with, and the new entries are under a
signed head, kept outside the file too, when it ends.
"""

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auth.pins import keyed_hash
from cabinet import provision
from cabinet.configuration import Configuration
from cabinet.events import Event, Moment
from cabinet.journal import Journal, replay
from cabinet.keys import Keys
from cabinet.lists import NUMBER_PURPOSE
from cabinet.retention import numbered
from cabinet.state import State
from cabinet.step import Engine, Outcome
from ledger.store import Store

_log = logging.getLogger(__name__)


class Offline:
    """The engine of a stopped cabinet."""

    def __init__(self, store: Store, state: State, boot: str) -> None:
        self.engine = Engine(state, Journal(store, state.cabinet, boot, secrets.token_bytes))

    def now_ms(self) -> int:
        """Unix time in ms."""
        return int(time.time() * 1000)

    def step(self, event: Event) -> Outcome:
        """One event, now."""
        return self.engine.step(event, Moment(self.now_ms(), 0, secrets.token_bytes(32)))


def numbers(state: State, keys: Keys, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """What of an erasure stays: the keyed hashes of the staff numbers in these attachments."""
    return tuple(
        (name, keyed_hash(keys.pepper, NUMBER_PURPOSE, staff_id))
        for name, staff_id in numbered(state, names).items()
    )


@contextmanager
def opened(configuration: Configuration, folder: Path, keys: Keys, boot: str) -> Iterator[Offline]:
    """The stopped cabinet of `configuration`; `boot` says in the entries what wrote them.

    Raises LedgerError, CorruptLedger, NotThisCabinet, RolledBack or KeyProblem, as a start does.
    """
    with Store.open(folder / configuration.paths.ledger, keys.ledger) as store:
        state, signer = replay(store), provision.signer(configuration, keys)
        provision.check_belongs(configuration, state)
        anchors = provision.anchors(configuration, folder)
        provision.check_anchors(anchors, store, state, signer)
        yield Offline(store, state, boot)
        if head := store.sign_head(signer):
            try:
                anchors.keep(head.note)
            except OSError as error:  # as for the controller: it holds nothing up, but is said
                _log.warning("%s: no second place for the ledger's head: %s", anchors.path, error)
        store.checkpoint()  # what was erased leaves the WAL too
