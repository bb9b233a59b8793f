"""Making a new cabinet: its keys, its ledger's first records, two one-time codes, two cards.

And where its parts are found later. One rule: nothing is ever a default; two cabinets share no key
and no code, and a cabinet that exists is never made again.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from auth.pins import keyed_hash, make_code, plain_code, tune
from cabinet import keys as key_files
from cabinet import whole_file, words
from cabinet.anchors import Anchors, Doubt, Kept, RolledBack, compare
from cabinet.configuration import Configuration, NotThisCabinet
from cabinet.events import Create, Moment
from cabinet.journal import Journal, replay
from cabinet.keys import KeyProblem, Keys
from cabinet.state import State
from cabinet.step import Engine
from cabinet.version import VERSION
from ledger.cosignature import Cosigner
from ledger.escrow import PART_BYTES, RecoveryKey, seal
from ledger.note import Signer, Verifier
from ledger.rekey import opens
from ledger.store import Store
from ledger.witness_protocol import witness_verifier


@dataclass(frozen=True)
class NewCabinet:
    """What `cabinet init` has to say: the codes and the words of the recovery cards, once."""

    codes: tuple[str, str] = field(repr=False)
    cards: tuple[tuple[str, ...], tuple[str, ...]] = field(repr=False)
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


def escrow_file(configuration: Configuration, folder: Path) -> Path:
    """Where the database key lies, sealed to the recovery key: beside the ledger, to be copied."""
    ledger = folder / configuration.paths.ledger
    return ledger.with_name(f"{ledger.name}.escrow")


def anchors(configuration: Configuration, folder: Path) -> Anchors:
    """Where the ledger's newest head is kept outside its file."""
    return Anchors(folder / configuration.paths.anchor)


def moment(random_bytes: Callable[[int], bytes], now_ms: int | None = None) -> Moment:
    """Now, or `now_ms`, for a command that steps the cabinet while its controller is stopped."""
    wall_ms = int(time.time() * 1000) if now_ms is None else now_ms
    return Moment(wall_ms, 0, random_bytes(32))


def check_belongs(configuration: Configuration, state: State) -> None:
    """Raises NotThisCabinet unless the ledger is that of this configuration.

    Ask before anything is written: an entry of another cabinet makes a ledger that nothing reads.
    """
    identity = configuration.cabinet
    if state.cabinet != identity.id:
        raise NotThisCabinet(
            f"the ledger is of cabinet {state.cabinet!r}, cabinet.toml of {identity.id!r}; put the "
            "right one of the two in place"
        )
    if state.demo != identity.demo:
        raise NotThisCabinet(
            f"the ledger says demo = {str(state.demo).lower()}, cabinet.toml says otherwise; "
            "a cabinet is a demo or real from its first record on"
        )


def check_anchors(kept: Anchors, store: Store, state: State, current: Signer) -> None:
    """Raises RolledBack unless the ledger continues every anchor, or two people accepted it.

    KeyProblem if the ledger names another key for its heads than ours.
    """
    doubts = doubted(kept.read(), store, state, current)
    if doubts:
        raise RolledBack(doubts)
    if state.verifiers and state.verifiers[-1][1] != current.vkey:
        raise KeyProblem(
            "signing.key: is not the key that the ledger names for its heads; put that one back"
        )


def doubted(kept: Sequence[Kept], store: Store, state: State, current: Signer) -> tuple[Doubt, ...]:
    """What anchors say against the ledger."""
    return compare(kept, store, head_keys(state, current), state.accepted)


def witnessed(configuration: Configuration, store: Store) -> list[tuple[str, int]]:
    """Each witness's name, and the size of the newest head that it cosigned."""
    found = []
    for witness in configuration.witness:
        key = witness_verifier(witness.vkey)
        found.append((witness.name, store.cosigned_size(key.name, key.key_id)))
    return found


def head_keys(state: State, current: Signer) -> list[Verifier]:
    """Every key that signed heads; the newest may be one that an older ledger does not name."""
    known = {vkey for _, vkey in state.verifiers} | {current.vkey}
    return [Verifier(vkey) for vkey in sorted(known)]


def load_keys(configuration: Configuration, folder: Path) -> Keys:
    """The keys in force: after an interrupted rotation, those that fit the ledger."""
    keys = key_files.load(folder / configuration.paths.keys)
    ledger = folder / configuration.paths.ledger
    if keys.ledger_next is not None and not opens(ledger, keys.ledger):
        if opens(ledger, keys.ledger_next):
            keys = replace(keys, ledger=keys.ledger_next)
    if keys.signing_next is not None:
        with Store.open(ledger, keys.ledger, read_only=True) as store:
            verifiers = replay(store).verifiers
        coming = Signer(origin(configuration), keys.signing_next)
        if verifiers and verifiers[-1][1] == coming.vkey:
            keys = replace(keys, signing=keys.signing_next)
    return keys


def create(
    configuration: Configuration,
    folder: Path,
    *,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    passes: int | None = None,
    now_ms: int | None = None,
) -> NewCabinet:
    """Make the cabinet of `configuration` in `folder`; raises KeyProblem or a LedgerError.

    `now_ms` is Unix time where it is not the machine's own. Nothing is left of one that failed.
    """
    ledger = folder / configuration.paths.ledger
    escrow = escrow_file(configuration, folder)
    for made in (ledger, escrow, anchors(configuration, folder).path):
        if made.exists():  # its keys may be credentials, elsewhere
            raise KeyProblem(
                f"{made}: exists already; a cabinet is made once: move what is left of an earlier "
                "one away first, it may be evidence"
            )
    keys = key_files.make(folder / configuration.paths.keys, random_bytes)
    try:
        return _fill(configuration, folder, keys, random_bytes, passes, now_ms)
    except BaseException:
        anchor = anchors(configuration, folder).path
        for file in (*key_files.files(folder / configuration.paths.keys), ledger, escrow, anchor):
            file.unlink(missing_ok=True)
        raise


def _fill(
    configuration: Configuration,
    folder: Path,
    keys: Keys,
    random_bytes: Callable[[int], bytes],
    passes: int | None,
    now_ms: int | None,
) -> NewCabinet:
    """The escrow, the ledger's first records, and the anchor of its first head."""
    paths, identity = configuration.paths, configuration.cabinet
    codes = (make_code(random_bytes), make_code(random_bytes))
    parts = random_bytes(PART_BYTES), random_bytes(PART_BYTES)
    head, recovery = signer(configuration, keys), RecoveryKey(*parts)
    name = origin(configuration)
    escrow = seal(name, recovery.seal, keys.ledger)
    _write(escrow_file(configuration, folder), escrow.text())
    store = Store.create(folder / paths.ledger, keys.ledger, name)
    try:
        engine = Engine(State(), Journal(store, identity.id, "init", random_bytes))
        first, second = (keyed_hash(keys.pepper, "code", plain_code(code)) for code in codes)
        engine.step(
            Create(
                identity.name,
                identity.demo,
                VERSION,
                (first, second),
                configuration.rules.code_valid_h,
                passes if passes is not None else tune(),
                head.vkey,
                recovery.signer(name).vkey,
                recovery.seal.hex(),
            ),
            moment(random_bytes, now_ms),
        )
        signed = store.sign_head(head)
        assert signed is not None, "the first records were just written"
        anchors(configuration, folder).keep(signed.note)
    finally:
        store.close()
    first_card, second_card = (words.encode(card, part) for card, part in enumerate(parts, 1))
    return NewCabinet(codes, (first_card, second_card), head.vkey)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    whole_file.replace(file, text.encode())
