"""`cabinet verify`: the ledger proven whole, then replayed, so that the rules' promises hold in it.

Not for repair. One rule: it only reads, and says what it checked or what is wrong and where.
"""

from collections.abc import Callable
from pathlib import Path

from cabinet import provision, snapshot
from cabinet import records as r
from cabinet import service_records as sr
from cabinet import staff_records as st
from cabinet.configuration import Configuration
from cabinet.effects import apply
from cabinet.journal import Attachments
from cabinet.keys import Keys
from cabinet.machines import CorruptLedger
from cabinet.state import State
from cabinet.statements import WrongStatement, check_key_change, check_recovery
from ledger.check import Findings, check
from ledger.cosignature import CosignatureVerifier
from ledger.errors import LedgerError, WrongBody
from ledger.keyring import Keyring
from ledger.merkle import Frontier
from ledger.note import Verifier
from ledger.store import Store

TOLD_EVERY = 10_000  # entries


class _Replay:
    """Applies the entries in order and keeps what it saw."""

    def __init__(
        self,
        attachments: r.Attached,
        store: Store,
        current: Verifier,
        progress: Callable[[int, int], None],
    ) -> None:
        self.state, self.orders, self.snapshots = State(), 0, 0
        self.keyring = Keyring(current)
        self._store, self._current, self._rollbacks, self._recovered = store, current, 0, 0
        self._attachments, self._lost = attachments, 0
        self._progress = progress

    def body(self, seq: int, data: bytes) -> None:
        """One entry; raises WrongBody for one that the rules could not have written."""
        if seq % TOLD_EVERY == 0:
            self._progress(seq, self._store.size)
        if self._lost:
            return  # after the first wrong entry nothing that follows says anything
        try:
            body = r.decode_body(data)
            if body.seq != seq:
                raise CorruptLedger(f"its body says that it is entry {body.seq}")
            self.orders += is_lock_order(body.record)
            if isinstance(body.record, r.SnapshotTaken):
                self._compare(body.record)
            self._believe(body)
            apply(self.state, body, self._attachments)
        except (CorruptLedger, r.UnreadableBody, WrongStatement, LedgerError) as error:
            self._lost = seq
            raise WrongBody(str(error)) from None

    def _compare(self, taken: r.SnapshotTaken) -> None:
        """The state that was kept must be the one that its entries lead to."""
        if taken.version == snapshot.VERSION:
            self.snapshots += 1
            now = (self.state.size, snapshot.digest(snapshot.take(self.state)))
            if (taken.size, taken.digest) != now:
                raise CorruptLedger("its snapshot is not the state that the entries lead to")

    def _believe(self, body: r.Body) -> None:
        """What is signed besides heads: by whom it must be."""
        record, seq = body.record, body.seq
        match record:
            case r.CabinetCreated() if record.verifier:
                self.keyring = Keyring(Verifier(record.verifier))
            case r.SigningKeyChanged():
                new = check_key_change(record, seq, self.keyring.newest, self.state.recovery)
                self.keyring.change(seq, new)
            case r.RollbackAccepted() | st.AccessRecovered() | st.ClockPutRight():
                root = Frontier.restore(seq - 1, self._store.node).root()
                check_recovery(record, seq, root, self._store.origin, self.state.recovery)
                self._rollbacks += isinstance(record, r.RollbackAccepted)
                self._recovered += isinstance(record, st.AccessRecovered)

    def at(self, size: int) -> Verifier:
        """The key that signs the head over `size` entries, as far as the replay has come."""
        return self.keyring.at(size)

    def conclude(self, findings: Findings, cabinet: str) -> str:
        """Check the sums, and say what the replay showed."""
        state = self.state
        if not self._lost and state.cabinet != cabinet:
            findings.add("entry 1", f"is of cabinet {state.cabinet!r}, not of {cabinet!r}")
        if not self._lost and self.keyring.newest.vkey != self._current.vkey:
            findings.add("signing.key", "is not the key that the ledger names")
        sums: dict[str, int] = {}
        for (_, medicine), quantity in state.balances.items():
            sums[medicine] = sums.get(medicine, 0) + quantity
        for medicine, total in sorted(sums.items()):
            if total:
                findings.add("accounts", f"of {medicine} sum to {total}, not to zero")
        if not self._lost:
            self._compare_attachments(findings)
        upto = f"up to entry {self._lost - 1}" if self._lost else f"all {state.size} entries"
        return (
            f"replay: {upto} follow the rules: every step legal, every posting balanced; "
            f"{self.orders} lock orders, each with person or technician, pocket and factors; "
            f"{self.snapshots} snapshots compared; "
            f"heads signed by {len(self.keyring.all)} key(s), each named by the one before; "
            f"{self._rollbacks} rollbacks accepted; {self._recovered} times two people let in; "
            f"{len(state.removals)} removals open, {len(state.discrepancies)} discrepancies open"
        )

    def _compare_attachments(self, findings: Findings) -> None:
        """Each attachment that an entry names is there, unless an entry ordered its erasure.

        A live controller may go on meanwhile: what its later entries bring or erase is no fault.
        """
        size, named = self.state.size, self.state.named
        try:
            there = {each.hash.hex() for each in self._store.attachments()}
            later = {hashed.hex() for hashed, seq in self._store.erased() if seq > size}
            grown = next(self._store.rows(size + 1), None) is not None
        except LedgerError as error:
            findings.add("attachments", f"cannot be compared: {error}")
            return
        for name in sorted(named.keys() - there - later):
            findings.add(f"attachment {name}", "is gone, and no entry orders its erasure")
        if not grown:
            for name in sorted(there - named.keys()):
                findings.add(f"attachment {name}", "is named by no entry, or was to be erased")


def is_lock_order(record: r.Record) -> bool:
    """Whether a lock is pulsed by this record; CorruptLedger where it does not say for whom."""
    match record:
        case r.AccessStarted(person=person, factors=factors, pocket=pocket, kind=kind):
            whole = bool(person and factors and (pocket or kind == "return"))
        case sr.LockTestOrdered(key=key, person=person, factors=factors):
            whole = bool((key or person) and factors)
        case _:
            return False
    if not whole:
        raise CorruptLedger("its lock order is without person, pocket or factors")
    return True


def verify(
    configuration: Configuration,
    folder: Path,
    keys: Keys,
    *,
    workers: int = 1,
    quick: bool = False,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> tuple[Findings, str]:
    """Check this cabinet's ledger; raises LedgerError when it cannot be opened at all.

    `progress` is told now and then how many entries of how many were replayed.
    """
    with Store.examine(folder / configuration.paths.ledger, keys.ledger) as store:
        signer = provision.signer(configuration, keys)
        replay = _Replay(Attachments(store), store, Verifier(signer.vkey), progress)
        cosigner = CosignatureVerifier(provision.cosigner(configuration, keys).vkey)
        findings = check(
            store,
            replay,
            replay.body,
            cosigners=[cosigner],
            key=keys.ledger,
            workers=workers,
            structure=not quick,
        )
        told = replay.conclude(findings, configuration.cabinet.id)
    if findings.complete:
        try:
            _check_anchors(configuration, folder, keys, replay.state, findings)
        except LedgerError as error:  # a head that is wrong, and was told above
            findings.add("anchors", f"were not compared: {error}")
    return findings, told


def _check_anchors(
    configuration: Configuration, folder: Path, keys: Keys, state: State, findings: Findings
) -> None:
    """Whether the ledger continues the heads that were kept outside it."""
    kept = provision.anchors(configuration, folder).read()  # before what a controller writes on
    with Store.open(folder / configuration.paths.ledger, keys.ledger, read_only=True) as store:
        current = provision.signer(configuration, keys)
        for doubt in provision.doubted(kept, store, state, current):
            findings.add(str(doubt.where), doubt.why)
