"""One event through the rules while the controller is stopped: imports and erasures.

Not for a live cabinet: the ledger's lock refuses that. One rule: it goes through `decide` as every
event does, and the new entries are under a signed head when it ends.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cabinet import provision
from cabinet.configuration import Configuration
from cabinet.events import Event, Moment
from cabinet.journal import Journal, replay
from cabinet.keys import Keys
from cabinet.step import Engine, Outcome
from ledger.store import Store


class Offline:
    """The engine of a stopped cabinet."""

    def __init__(self, store: Store, configuration: Configuration, boot: str) -> None:
        journal = Journal(store, configuration.cabinet.id, boot, secrets.token_bytes)
        self.engine = Engine(replay(store), journal)

    def now_ms(self) -> int:
        """Unix time in ms."""
        return int(time.time() * 1000)

    def step(self, event: Event) -> Outcome:
        """One event, now."""
        return self.engine.step(event, Moment(self.now_ms(), 0, secrets.token_bytes(32)))


@contextmanager
def opened(configuration: Configuration, folder: Path, keys: Keys, boot: str) -> Iterator[Offline]:
    """The stopped cabinet of `configuration`; `boot` says in the entries what wrote them."""
    with Store.open(folder / configuration.paths.ledger, keys.ledger) as store:
        yield Offline(store, configuration, boot)
        store.sign_head(provision.signer(configuration, keys))
        store.checkpoint()  # what was erased leaves the WAL too
