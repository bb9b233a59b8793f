"""`cabinet recover`: what takes the two recovery cards, and so two people.

Accepting a ledger that was rolled back, letting two people in whom their badges let in no more,
attesting a clock that was put right, and reading the database key out of its escrow. One rule: each
of two different people brings a card and, where the ledger knows people, a PIN; nothing is written
before both have.
"""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from auth.pins import PinHasher, keyed_hash, make_code, plain_code
from auth.policy import Act
from cabinet import provision, rights, statements, whole_file, words
from cabinet.anchors import Anchors, Doubt
from cabinet.configuration import Configuration
from cabinet.events import (
    AcceptRollback,
    ChangeSigningKey,
    Moment,
    PutClockRight,
    RecoverAccess,
)
from cabinet.journal import Journal, replay
from cabinet.keys import Keys
from cabinet.reports import local_time
from cabinet.state import State
from cabinet.step import Engine
from cabinet.terminal import Terminal
from ledger.errors import LedgerError
from ledger.escrow import MAX_ESCROW_CHARACTERS, RecoveryKey, parse_escrow
from ledger.note import Signer
from ledger.rekey import opens
from ledger.store import Store

TRIES = 3
WATCH_S = 900  # a watch and a clock that is right may be so far apart
# What may be recorded in words: an exported entry has no room for free text about people.
REASONS = {
    "restored": "the ledger was restored from a copy",
    "storage_failed": "the storage failed or was replaced",
    "anchor_lost": "the second place of the head was lost",
    "exercise": "an exercise",
    "other": "another reason; the incident's report says which",
}
_INCIDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,39}")


class NotRecovered(Exception):
    """Nothing was changed: why, and what to do."""


def _card(terminal: Terminal, number: int) -> bytes:
    """The secret of a card from its words."""
    for _ in range(TRIES):
        try:
            return words.decode(number, terminal.secret(f"The words of recovery card {number}"))
        except words.WrongWords as error:
            terminal.tell(f"{error}.")
    raise NotRecovered(f"card {number} was not entered right in {TRIES} tries; nothing was changed")


# --- a ledger that was rolled back ----------------------------------------------------------------


def accept_rollback(configuration: Configuration, folder: Path, terminal: Terminal) -> int:
    """Ask two people, record what they accept, and anchor the ledger anew; the entry's number.

    Raises NotRecovered, NotThisCabinet, KeyProblem or a LedgerError.
    """
    with _opened(configuration, folder) as (cabinet, keys, doubts):
        state, store, signer = cabinet.state, cabinet.store, cabinet.signer
        if not doubts:
            raise NotRecovered("the ledger continues all that was kept of it; nothing to accept")
        _tell(terminal, store, state, doubts)
        reason, incident = _reason(terminal)
        refs, key = _two_people(terminal, state, keys)
        if key.signer(store.origin).vkey != state.recovery:
            raise NotRecovered("the cards are not those of this cabinet; nothing was changed")
        journal = Journal(store, configuration.cabinet.id, "recover", secrets.token_bytes)
        engine = Engine(state, journal)
        _name_key(engine, store, key, signer)
        _record(engine, store, key, _Decided(doubts, reason, incident, refs))
        head = store.sign_head(signer)
        assert head is not None, "an entry was just added"
        cabinet.anchors.settle(head.note)
        return store.size


def enrol_again(configuration: Configuration, folder: Path, terminal: Terminal) -> int:
    """Let two people enrol again, each with a code of their own; the entry's number.

    Raises what `accept_rollback` does, and NotRecovered where the ledger is to be accepted first.
    """
    with _sound(configuration, folder) as (cabinet, keys):
        terminal.tell(
            "Two administrators or pharmacists, each with a PIN and a recovery card, enrol again\n"
            "with badges that are nobody's. Until then nothing of theirs changes."
        )
        incident = _incident(terminal)
        persons, by = _by_cards(terminal, cabinet, keys)
        plain = (make_code(secrets.token_bytes), make_code(secrets.token_bytes))
        first, second = (keyed_hash(keys.pepper, "code", plain_code(code)) for code in plain)
        note = statements.recover_access(
            *(cabinet.store.size + 1, cabinet.store.root(), cabinet.store.origin, by),
            incident=incident,
            persons=persons,
            codes=(first, second),
        )
        state, moment = cabinet.state, provision.moment(secrets.token_bytes)
        valid_h = state.plan.rules.code_valid_h
        expires_ms = rights.now_of(state, moment.wall_ms) + valid_h * 3_600_000
        event = RecoverAccess(incident, persons, (first, second), expires_ms, note)
        entry = cabinet.record(event, moment)
    for ref, code in zip(persons, plain, strict=True):
        terminal.show_once(f"The code of {state.people[ref].name}, who alone should see it", code)
    return entry


def put_clock_right(configuration: Configuration, folder: Path, terminal: Terminal) -> int:
    """Record that two people attest the clock, which entries were ahead of; the entry's number.

    Raises as `enrol_again` does, and NotRecovered where no entry is ahead of the clock.
    """
    with _sound(configuration, folder) as (cabinet, keys):
        newest_ms = cabinet.state.last_wall_ms
        if newest_ms <= int(time.time() * 1000):
            raise NotRecovered("no entry is ahead of the clock; nothing was changed")
        terminal.tell(
            f"There is an entry of {local_time(newest_ms)}, and the clock is not there yet.\n"
            "Until it is, whatever ends before that is over."
        )
        watch = terminal.ask("Date and time by a watch of yours (such as 2031-04-30 14:05)")
        if not _is_now(watch):
            raise NotRecovered("the clock is not at that; set it first; nothing was changed")
        incident = _incident(terminal)
        persons, by = _by_cards(terminal, cabinet, keys)
        moment = provision.moment(secrets.token_bytes)
        ahead_ms = cabinet.state.last_wall_ms - moment.wall_ms
        note = statements.put_clock_right(
            *(cabinet.store.size + 1, cabinet.store.root(), cabinet.store.origin, by),
            incident=incident,
            persons=persons,
            ahead_ms=ahead_ms,
        )
        return cabinet.record(PutClockRight(incident, persons, ahead_ms, note), moment)


def _is_now(text: str) -> bool:
    """Whether this local time is the clock's, but for some minutes."""
    try:
        said = datetime.strptime(text, "%Y-%m-%d %H:%M").astimezone().timestamp()
    except (ValueError, OverflowError):
        return False
    return abs(said - time.time()) <= WATCH_S


@dataclass(frozen=True)
class _Cabinet:
    """A cabinet that is stopped, with its ledger open."""

    configuration: Configuration
    store: Store
    state: State
    anchors: Anchors
    signer: Signer

    def record(self, event: RecoverAccess | PutClockRight, moment: Moment) -> int:
        """What follows from the event, signed and anchored; the entry's number."""
        cabinet = self.configuration.cabinet.id
        journal = Journal(self.store, cabinet, "recover", secrets.token_bytes)
        outcome = Engine(self.state, journal).step(event, moment)
        if outcome.refusal:
            raise NotRecovered(outcome.refusal)
        head = self.store.sign_head(self.signer)
        assert head is not None, "an entry was just added"
        self.anchors.keep(head.note)
        return self.store.size


@contextmanager
def _opened(
    configuration: Configuration, folder: Path
) -> Iterator[tuple[_Cabinet, Keys, tuple[Doubt, ...]]]:
    """The cabinet, and what its ledger does not continue."""
    keys = provision.load_keys(configuration, folder)
    anchors = provision.anchors(configuration, folder)
    signer = provision.signer(configuration, keys)
    with Store.open(folder / configuration.paths.ledger, keys.ledger) as store:
        state = replay(store)
        provision.check_belongs(configuration, state)
        doubts = provision.doubted(anchors.read(), store, state, signer)
        yield _Cabinet(configuration, store, state, anchors, signer), keys, doubts


@contextmanager
def _sound(configuration: Configuration, folder: Path) -> Iterator[tuple[_Cabinet, Keys]]:
    with _opened(configuration, folder) as (cabinet, keys, doubts):
        if doubts:
            raise NotRecovered("the ledger was rolled back; see docs/recovery.md")
        yield cabinet, keys


def _by_cards(terminal: Terminal, cabinet: _Cabinet, keys: Keys) -> tuple[tuple[str, str], Signer]:
    """Two people and the recovery key of their cards."""
    persons, key = _two_people(terminal, cabinet.state, keys)
    by = key.signer(cabinet.store.origin)
    if by.vkey != cabinet.state.recovery:
        raise NotRecovered("the cards are not those of this cabinet; nothing was changed")
    return persons, by


@dataclass(frozen=True)
class _Decided:
    """What two people accept, and why."""

    doubts: tuple[Doubt, ...]
    reason: str
    incident: str
    persons: tuple[str, str]


def _name_key(engine: Engine, store: Store, key: RecoveryKey, signer: Signer) -> None:
    """An older ledger may not name the key that signs now: the recovery key does."""
    verifiers = engine.state.verifiers
    if verifiers and verifiers[-1][1] != signer.vkey:
        by = key.signer(store.origin)
        note = statements.change_key(store.size + 1, store.origin, by, signer)
        engine.step(ChangeSigningKey(signer.vkey, note), provision.moment(secrets.token_bytes))


def _record(engine: Engine, store: Store, key: RecoveryKey, decided: _Decided) -> None:
    heads = tuple((doubt.size, doubt.root) for doubt in decided.doubts if doubt.root)
    note = statements.accept_rollback(
        store.size + 1,
        store.root(),
        store.origin,
        key.signer(store.origin),
        anchors=heads,
        reason=decided.reason,
        incident=decided.incident,
        persons=decided.persons,
    )
    event = AcceptRollback(decided.reason, decided.incident, decided.persons, heads, note)
    outcome = engine.step(event, provision.moment(secrets.token_bytes))
    if outcome.refusal:
        raise NotRecovered(outcome.refusal)


def _tell(terminal: Terminal, store: Store, state: State, doubts: tuple[Doubt, ...]) -> None:
    terminal.tell(
        f"This ledger has {store.size} entries, the last of {local_time(state.last_wall_ms)}."
    )
    for doubt in doubts:
        terminal.tell(f"It does not continue what was kept: {doubt}.")
    terminal.tell(
        "What is missing from it is lost if you go on: look for a newer copy first.\n"
        "Going on takes two administrators or pharmacists, each with a PIN and a recovery card."
    )


def _reason(terminal: Terminal) -> tuple[str, str]:
    terminal.tell("Reasons:")
    for word, meaning in REASONS.items():
        terminal.tell(f"  {word:<16}{meaning}")
    for _ in range(TRIES):
        reason = terminal.ask("Reason (one of these words)")
        if reason in REASONS:
            break
        terminal.tell("That is not one of them.")
    else:
        raise NotRecovered("no reason was given; nothing was changed")
    return reason, _incident(terminal)


def _incident(terminal: Terminal) -> str:
    for _ in range(TRIES):
        incident = terminal.ask("Number of the incident's report (no names)")
        if _INCIDENT.fullmatch(incident):
            return incident
        terminal.tell("A number has letters, digits, points, slashes and dashes, at most 40.")
    raise NotRecovered("no report's number was given; nothing was changed")


def _two_people(
    terminal: Terminal, state: State, keys: Keys
) -> tuple[tuple[str, str], RecoveryKey]:
    hasher = PinHasher(keys.pepper, passes=state.pin_passes)
    first = _person(terminal, state, hasher, "first", "")
    first_part = _card(terminal, 1)
    second = _person(terminal, state, hasher, "second", first)
    return (first, second), RecoveryKey(first_part, _card(terminal, 2))


def _person(terminal: Terminal, state: State, hasher: PinHasher, which: str, other: str) -> str:
    """The reference of somebody who may, proven by PIN."""
    for _ in range(TRIES):
        staff_id = terminal.ask(f"Staff number of the {which} person")
        pin = terminal.secret("PIN or passphrase")
        ref = state.by_staff_id.get(staff_id, "")
        person = state.people.get(ref)
        proven = hasher.verify(person.pin if person is not None else "", pin)
        now_ms = int(time.time() * 1000)
        if person is None or not proven or rights.stopped(state, ref, now_ms):
            terminal.tell("Not the PIN or passphrase of a person of this cabinet.")
        elif other and rights.same_human(state, ref, other):
            terminal.tell("The second person is another one than the first.")
        elif rights.refusal(state, ref, Act.RECOVER, now_ms):
            terminal.tell("This takes an administrator or a pharmacist.")
        else:
            return ref
    raise NotRecovered(f"the {which} person was not proven in {TRIES} tries; nothing was changed")


# --- the database key -----------------------------------------------------------------------------


def database_key(
    configuration: Configuration, folder: Path, target: Path, terminal: Terminal
) -> None:
    """Write the database key into `target`, a new file; raises NotRecovered or a LedgerError."""
    ledger = folder / configuration.paths.ledger
    file = provision.escrow_file(configuration, folder)
    if target.exists():
        raise NotRecovered(f"{target}: exists already; a key is never overwritten")
    try:
        with file.open(encoding="utf-8") as stream:
            escrow = parse_escrow(stream.read(MAX_ESCROW_CHARACTERS + 1))
    except (OSError, UnicodeDecodeError, LedgerError) as error:
        raise NotRecovered(f"{file}: {error}; it lies beside each copy of the ledger") from None
    key = RecoveryKey(_card(terminal, 1), _card(terminal, 2))
    found = [each for each in key.open(escrow) if opens(ledger, each)]
    if not found:
        raise NotRecovered(
            f"{ledger}: no key of its escrow opens it; take the escrow of the same copy"
        )
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        whole_file.replace(target, found[-1])
    except OSError as error:
        raise NotRecovered(f"{target}: {error.strerror}") from None
