"""Power cuts of a cabinet: a removal made by the real engine on a real ledger, and the next start.

Not for the ledger's own acts (`workload.py`). One rule: what a start must lead to is derived from
the bodies that were appended, never from the file.
"""

from collections.abc import Sequence
from copy import copy
from functools import cache
from pathlib import Path
from random import Random

from cabinet import events as e
from cabinet import records as r
from cabinet import snapshot
from cabinet.journal import Journal, replay
from cabinet.machines import CorruptLedger
from cabinet.state import State
from cabinet.step import Engine, Outcome
from ledger.attachment import Attachment
from ledger.check import check
from ledger.errors import LedgerError
from ledger.store import Snapshot, Store
from tests import invariants
from tests.crash.disk import Disk, Event
from tests.crash.explorer import Allowed, Explorer, Report, Unrecovered, files_in
from tests.crash.tap import Tap
from tests.crash.workload import NAME, Content, Life, create, difference, read
from tests.ledgers import KEY, VERIFIER
from tests.ward import NOON_MS, PLAN, ListSink, Ward


class _Sink(ListSink):
    """The ward's list, and before it a store in its life."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self.bodies, self.attached = list(life.content.bodies), list(life.content.attachments)
        self._life = life

    def append(
        self,
        bodies: Sequence[bytes],
        attachments: Sequence[Attachment] = (),
        erasures: Sequence[tuple[int, bytes]] = (),
    ) -> int:
        self._life.add(bodies, attachments, erasures)
        return super().append(bodies, attachments, erasures)


@cache
def _template() -> Ward:
    """A ward in service, which nobody but a copy of it uses."""
    return Ward()


class _Cabinet:
    """A ward whose ledger is a store, with what the controller does between events."""

    def __init__(self, life: Life, random: Random) -> None:
        self._life, self._random = life, random
        self.ward = copy(_template())  # its engine is replaced by the start
        self.ward.sink, self.ward.commands = _Sink(life), []
        self.ward.positions = dict(self.ward.positions)

    def start(self) -> Outcome:
        """The state from the file, as the controller does it, and the start's records."""
        ward = self.ward
        journal = Journal(ward.sink, "ward-1", f"boot-{self._random.getrandbits(20)}", _salt)
        ward.engine = Engine(replay(self._life.store), journal)
        return ward.start()

    def between(self) -> None:
        """Heads, checkpoints, snapshots and restarts, now and then."""
        self.ward.wait(1)
        chance = self._random.random()
        if chance < 0.3:
            self._life.sign_head()
        elif chance < 0.5:
            self._life.checkpoint()
        elif chance < 0.7:
            self._keep_snapshot()
        elif chance < 0.8:
            self._erase()
        elif chance < 0.9:
            self._life.restart()
            self.start()

    def _keep_snapshot(self) -> None:
        state = self.ward.state
        data = snapshot.take(state)
        self._life.keep(Snapshot(state.size, snapshot.VERSION, data))
        self.ward.do(e.SnapshotKept(state.size, snapshot.VERSION, snapshot.digest(data)))

    def _erase(self) -> None:
        """A patient's bed changes, and the old details go by a court's order."""
        state = self.ward.state
        old = state.patients[state.by_record_number["1002"]].details_name
        bed = str(self._random.getrandbits(16))
        row = e.PatientRow("1002", "Frank", "Moss", "1975-01-02", "male", bed, "latex", ("N1",))
        assert not self.ward.do(e.Import("test", patients=(("patients.csv:2", row),))).refusal
        assert not self.ward.do(e.Erase((old,), "lawful_order", "AZ-12/34")).refusal

    def work(self) -> None:
        """A nurse's removals: one brought to zero with a witness, one null, one left at the end."""
        ward = self.ward
        self._sign_in()
        removal = ward.remove("O1", count=ward.state.on_hand("P1"))
        self.between()
        self._sign_in()
        ward.press("removals")
        ward.press(f"removal:{removal}")
        ward.press("give")
        ward.press("amount", "1")
        ward.press("waste")
        ward.press("amount", "1")
        ward.prove("N2")
        assert removal not in ward.state.removals
        self.between()
        self._sign_in()
        ward.remove("O2")
        self.between()
        self._sign_in()
        ward.choose("O3")
        ward.press("open")
        self.between_drawers("D2")

    def between_drawers(self, drawer: str) -> None:
        """As far as chance has it; then the power is cut with the drawer as it is."""
        steps = self._random.randrange(4)
        if steps > 0:
            self.ward.pull(drawer)
        if steps > 1:
            self.ward.press("count", str(self.ward.state.on_hand("P2")))
        if steps > 2:
            self.ward.push(drawer)

    def _sign_in(self) -> None:
        if self.ward.state.session is None:
            self.ward.sign_in("N1")


def _salt(size: int) -> bytes:
    return bytes(size)


def explore(scratch: Path, seed: str, wanted: int) -> Report:
    """Cuts the power during a removal at `wanted` distinct states at least, and starts each."""
    folder = scratch / "live"
    create(folder)
    past = _template().sink
    with Store.open(folder / NAME, KEY) as store:
        store.append(past.bodies, past.attached)
    base = Disk(files_in(folder))
    tap = Tap(folder)
    with tap.recording():
        life = Life(folder, tap, Random(seed))
        life.resume((Content(tuple(past.bodies), (), tuple(past.attached)),), killed=False)
        cabinet = _Cabinet(life, Random(seed))
        cabinet.start()
        cabinet.work()
        tap.stop()
    life.let_go()
    return Explorer(scratch / "state", seed, starts, _again).explore(base, tap.events, wanted)


def _again(folder: Path, allowed: Allowed, killed: bool, random: Random) -> list[Event]:
    """The next start, and the power goes during it or soon after."""
    tap = Tap(folder)
    with tap.recording():
        life = Life(folder, tap, random)
        life.resume(allowed, killed)
        cabinet = _Cabinet(life, random)
        cabinet.start()
        cabinet.between()
        tap.stop()
    life.let_go()
    return tap.events


def starts(folder: Path, allowed: Allowed, thorough: bool) -> str:
    """Starts the cabinet on what a power cut left, twice; what is wrong, or ""."""
    try:
        with Store.open(folder / NAME, KEY) as store:
            found = read(store)
            if wrong := difference(found, allowed):
                return wrong
        with Store.open(folder / NAME, KEY) as store:
            if read(store) != found:
                return "says something else when opened again"
            state = replay(store)
            if snapshot.take(state) != derived(found.bodies, found.attachments):
                return "leads to another state than its entries"
            return _start(store, state) or _whole(store)
    except (LedgerError, CorruptLedger, Unrecovered) as error:
        return f"{type(error).__name__}: {error}"


def _start(store: Store, state: State) -> str:
    """The start's own records: nothing moves, and an interrupted access has ended and is shown."""
    interrupted = state.access
    engine = Engine(state, Journal(store, "ward-1", "boot-9", _salt))
    positions = {drawer.id: "latched" for drawer in PLAN.drawers}
    moment = e.Moment(NOON_MS, 0, bytes(32), positions)
    outcome = engine.step(e.Start("test", PLAN, tuple(positions.items())), moment)
    if any(isinstance(command, e.Pulse) for command in outcome.commands):
        return "a lock is released at the start"
    if engine.state.access is not None or engine.state.session is not None:
        return "an access or a session outlives the start"
    told = [body for body in outcome.bodies if isinstance(body.record, r.AccessInterrupted)]
    if bool(told) != (interrupted is not None):
        return f"interrupted: {told}, open before: {interrupted}"
    if snapshot.take(replay(store)) != snapshot.take(engine.state):
        return "the live state is not the replayed one"
    return ""


def _whole(store: Store) -> str:
    bodies = [r.decode_body(entry.body) for entry in store.entries()]
    if [body.seq for body in bodies] != list(range(1, len(bodies) + 1)):
        return "entries are not numbered as they say"
    try:
        invariants.check(bodies, [], rest_s=0)
    except AssertionError as error:
        return f"invariant {error}"
    findings = check(store, VERIFIER)
    return "" if findings.good else "; ".join(findings.lines())


@cache
def derived(bodies: tuple[bytes, ...], attachments: tuple[Attachment, ...]) -> bytes:
    """The state that these entries lead to, replayed from a list without a snapshot."""
    source = ListSink()
    source.append(bodies, attachments)
    return snapshot.take(replay(source))
