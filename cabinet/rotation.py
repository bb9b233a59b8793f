"""`cabinet keys rotate`: another key for the ledger's encryption, or for signing its heads.

Offline: the controller is stopped, its keys are files. One rule: after a power cut at any step the
cabinet works with the keys that are there, and running the command again finishes it.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cabinet import keys as key_files
from cabinet import provision, statements, whole_file
from cabinet.configuration import Configuration
from cabinet.events import ChangeSigningKey
from cabinet.journal import Journal, replay
from cabinet.keys import KEY_BYTES, NEXT, KeyProblem
from cabinet.state import State
from cabinet.step import Engine
from ledger.errors import WrongKey
from ledger.escrow import seal
from ledger.note import Signer
from ledger.rekey import opens, rekey
from ledger.store import Store

RandomBytes = Callable[[int], bytes]


def database(
    configuration: Configuration, folder: Path, random_bytes: RandomBytes = secrets.token_bytes
) -> None:
    """A new database key; raises KeyProblem or a LedgerError.

    The new key is sealed to the recovery key and on disk before any page is written with it, and
    the old one goes only after the whole file opens with the new.
    """
    keys, file = _files(configuration, folder, "ledger.key")
    ledger = folder / configuration.paths.ledger
    new = keys.ledger_next or random_bytes(KEY_BYTES)
    held = keys.ledger if opens(ledger, keys.ledger) else new
    with Store.open(ledger, held, read_only=True) as store:
        state, name = replay(store), store.origin
    escrow = provision.escrow_file(configuration, folder)
    _seal(escrow, name, state, keys.ledger, new)
    if keys.ledger_next is None:
        whole_file.replace(file.with_name(file.name + NEXT), new)
    if held != new:
        rekey(ledger, held, new)
    elif not opens(ledger, new):
        raise WrongKey(ledger, f"neither {file.name} nor {file.name}{NEXT} opens it")
    whole_file.rename(file.with_name(file.name + NEXT), file)
    _seal(escrow, name, state, new)


def _seal(escrow: Path, name: str, state: State, *keys: bytes) -> None:
    if state.recovery_seal:
        sealed = seal(name, bytes.fromhex(state.recovery_seal), *keys)
        whole_file.replace(escrow, sealed.text().encode())


def signing(
    configuration: Configuration, folder: Path, random_bytes: RandomBytes = secrets.token_bytes
) -> str:
    """A new signing key, signed by the old in the ledger; its public half.

    Raises KeyProblem, NotThisCabinet, RolledBack or a LedgerError.
    """
    keys, file = _files(configuration, folder, "signing.key")
    ledger = folder / configuration.paths.ledger
    held = provision.load_keys(configuration, folder)
    old = provision.signer(configuration, held)
    with Store.open(ledger, held.ledger) as store:
        state = replay(store)
        provision.check_belongs(configuration, state)
        anchors = provision.anchors(configuration, folder)
        provision.check_anchors(anchors, store, state, old)
        if keys.signing_next is None:
            seed = random_bytes(KEY_BYTES)
            whole_file.replace(file.with_name(file.name + NEXT), seed)
        else:
            seed = keys.signing_next
        new = Signer(store.origin, seed)
        if not state.verifiers or state.verifiers[-1][1] != new.vkey:
            store.sign_head(old)
            journal = Journal(store, configuration.cabinet.id, "keys", random_bytes)
            note = statements.change_key(store.size + 1, store.origin, old, new)
            event = ChangeSigningKey(new.vkey, note)
            Engine(state, journal).step(event, provision.moment(random_bytes))
        head = store.sign_head(new) or store.newest_head()
        assert head is not None, "it was just signed, or before the power went"
        anchors.keep(head.note)
    whole_file.rename(file.with_name(file.name + NEXT), file)
    return new.vkey


def _files(configuration: Configuration, folder: Path, name: str) -> tuple[key_files.Keys, Path]:
    """The keys as they are in their files, and the file that is to change."""
    if os.environ.get(key_files.CREDENTIALS):
        raise KeyProblem(
            "keys are rotated as files, not as credentials of a running unit: see docs/keys.md"
        )
    where = folder / configuration.paths.keys
    return key_files.load(where), where / name
