"""Making a new cabinet: its keys, its ledger's first records, and two one-time codes.

Not for anything that happens later. One rule: nothing is ever a default; two cabinets share no key
and no code, and a cabinet that exists is never made again.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from auth.pins import keyed_hash, make_code, plain_code, tune
from cabinet import keys as key_files
from cabinet.configuration import Configuration
from cabinet.events import Create, Moment
from cabinet.journal import Journal
from cabinet.keys import Keys
from cabinet.state import State
from cabinet.step import Engine
from cabinet.version import VERSION
from ledger.cosignature import Cosigner
from ledger.note import Signer
from ledger.store import Store


@dataclass(frozen=True)
class NewCabinet:
    """What `cabinet init` has to say: the codes, once."""

    codes: tuple[str, str] = field(repr=False)
    verifier: str = ""  # the public key of its heads, in signed-note form


def origin(configuration: Configuration) -> str:
    """The name under which the ledger's heads are signed."""
    return f"cabinet/{configuration.cabinet.id}"


def signer(configuration: Configuration, keys: Keys) -> Signer:
    """Signs the ledger's heads."""
    return Signer(origin(configuration), keys.signing)


def cosigner(configuration: Configuration, keys: Keys) -> Cosigner:
    """Gives heads their second signature, now and then."""
    return Cosigner(origin(configuration), keys.cosigning)


def create(
    configuration: Configuration,
    folder: Path,
    *,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    passes: int | None = None,
) -> NewCabinet:
    """Make the cabinet of `configuration` in `folder`; raises KeyProblem or a LedgerError."""
    paths, identity = configuration.paths, configuration.cabinet
    keys = key_files.make(folder / paths.keys, random_bytes)
    codes = (make_code(random_bytes), make_code(random_bytes))
    store = Store.create(folder / paths.ledger, keys.ledger, origin(configuration))
    try:
        engine = Engine(State(), Journal(store, identity.id, "init", random_bytes))
        moment = Moment(int(time.time() * 1000), 0, random_bytes(32))
        first, second = (keyed_hash(keys.pepper, "code", plain_code(code)) for code in codes)
        engine.step(
            Create(
                identity.name,
                identity.demo,
                VERSION,
                (first, second),
                configuration.rules.code_valid_h,
                passes if passes is not None else tune(),
            ),
            moment,
        )
        head = signer(configuration, keys)
        store.sign_head(head)
    finally:
        store.close()
    return NewCabinet(codes, head.vkey)
