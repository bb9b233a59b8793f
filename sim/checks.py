"""The invariants of the design, looked at where its table says: each step, screen and restart.

Not the truth itself (`model.py`). One rule: a check that is set aside says why, and is counted.
"""

import hashlib
import re
import time
from collections.abc import Callable, Sequence

from cabinet import events as e
from cabinet import machines, records, screens, snapshot
from cabinet import service_records as sr
from cabinet.effects import apply
from cabinet.journal import Attachments, replay
from cabinet.messages import Screen, Shown, encode
from cabinet.state import State
from cabinet.step import Outcome
from cabinet.wording import medicine
from sim.boot import Boot
from sim.cast import EVERYBODY
from sim.disk import Strike
from sim.model import SURE_AFTER_S, Model
from sim.runtime import SimulatedRuntime
from sim.views import Fault

SEEN_WITHIN_S = 5.0  # of an opening, while the controller runs and its sensors work
SHUT_WITHIN_S = 180.0  # of its latching, of its sensors' mending, or of a start
REPLAYED_WHOLE = 20_000  # entries, up to which a restart is compared from the first one on
OFF_BY = 1000
MOST_HARMLESS = 2000
_REFERENCE = re.compile(rb"[0-9a-f]{16,64}")
_DRAWN = [name for name in Screen.__struct_fields__ if name != "number"]
_NUMBER = re.compile(rb"[0-9]+")
# References, and digests and signatures in base64, in which short names come by chance; and an
# entry's own place and times, which may be a patient's number by chance.
_NOBODYS = re.compile(
    b'"' + _REFERENCE.pattern + b'"|[0-9A-Za-z+/]{43,}={0,2}|"(?:seq|wall_ms|mono_ms)":[0-9]+'
)
GRAVE = ("RolledBack", "CorruptLedger", "Damaged")  # none of them may ever come of a fair fault
UNCHANGED_EVERY = 8  # steps without a record; after each one with a record
SENSOR_FAULTS = (Fault.SWITCH_CUT, Fault.SWITCH_STUCK, Fault.LATCH_CUT, Fault.LATCH_STUCK)


class Checks:
    """Looks at one story."""

    def __init__(self, runtime: SimulatedRuntime, model: Model, secrets: Sequence[str]) -> None:
        """`secrets` must be in no body: names, record numbers, PINs."""
        self.runtime, self.model = runtime, model
        self._secrets: list[bytes] = []
        self._numbers: set[bytes] = set()  # of them those that are digits alone
        self._words: list[bytes] = []  # and the others
        self._harmless: dict[bytes, None] = {}  # parts of bodies that hold no secret
        self._pins = [person.pin.encode() for person in EVERYBODY]
        self._names: list[str] = []
        self._before: tuple[int, bytes] | None = None
        self._heads: dict[int, bytes] = {}
        self._number, self.steps = -1, 0
        self.restarts = 0
        self.slowest_s = 0.0  # of our own time, between two looks
        self._looked_at = 0.0
        self.accesses_before = 0
        self.told: Callable[[str], None] = lambda _: None
        for secret in secrets:
            self.forbid(secret)
        runtime.acked = self._acked
        runtime.looked = self._looked
        runtime.on_show = self._shown
        runtime.on_end = self._ended
        runtime.replayed = self._replayed
        runtime.world.observe(model.happened)

    def forbid(self, name: str) -> None:
        """One more name or number that must be in no body."""
        secret = name.encode()
        if secret in self._secrets:
            return
        self._secrets.append(secret)
        if secret.isdigit():
            self._numbers.add(secret)
        else:
            self._words.append(secret)
            self._harmless.clear()

    def begin(self, bodies: Sequence[bytes]) -> None:
        """What was in the ledger before the story."""
        self.model.now_s = lambda: self.runtime.hub.now_s
        for data in bodies:
            self.model.acked([data])
        self.model.begin()
        self.accesses_before = self.model.accesses

    # --- each step --------------------------------------------------------------------------------

    def _acked(self, bodies: Sequence[bytes]) -> None:
        self.model.acked(bodies)
        if self.runtime.disk.struck is Strike.SLOW:
            self.runtime.disk.struck = None
            self.model.late_until = self.runtime.hub.now_s + SURE_AFTER_S
        for data in bodies:
            self.told(f"entry {data.decode()}")
        for data in bodies:
            self.model.checks += 1
            if self.tells(data):
                self.model.wrong(9, "a name, number or PIN is in an entry's body")

    def tells(self, data: bytes) -> bool:
        """Whether a name, number, badge or PIN is in what goes out."""
        return self._may_tell(data) and self._is_told(data)

    def _may_tell(self, data: bytes) -> bool:
        """Whether a secret is among its bytes, references aside; words that were looked at before
        are not looked at again."""
        new = [
            part
            for part in data.split(b'"')
            if part not in self._harmless and not _REFERENCE.fullmatch(part)
        ]
        text = b'"'.join(new)
        if not self._numbers.isdisjoint(_NUMBER.findall(text)):
            return True
        if any(map(text.__contains__, self._words)):
            return True
        if len(self._harmless) < MOST_HARMLESS:  # words only: numbers and references come once
            self._harmless.update(dict.fromkeys(it for it in new if not _NUMBER.search(it)))
        return False

    def _is_told(self, data: bytes) -> bool:
        """Whether it is really there: digits of a time or a random reference are nobody's."""
        return holds(_NOBODYS.sub(b"", data), self._secrets)

    def _looked(self, boot: Boot, event: e.Event, outcome: Outcome) -> None:
        model = self.model
        assert boot.turns is not None
        state = boot.turns.engine.state
        self._measure()
        self.steps += 1
        if outcome.bodies or not self.steps % UNCHANGED_EVERY:
            same = state.balances == model.balances
            model.expect(3, same, f"balances differ after {type(event).__name__}")
        model.expect(4, state.size == model.entries, f"{state.size} entries in the state")
        pulses = [command for command in outcome.commands if isinstance(command, e.Pulse)]
        if pulses:
            started = [it.record for it in outcome.bodies]
            fits = len(pulses) == 1 and any(
                isinstance(it, records.AccessStarted | sr.LockTestOrdered)
                and it.drawer == pulses[0].drawer
                for it in started
            )
            model.expect(1, fits, "a pulse without its record in the same step")
        if model.stirred:
            self._count(state)
        if model.unexplained:
            self._openings(boot)
        if not self.steps % UNCHANGED_EVERY:
            self._shut(boot, state)

    def _measure(self) -> None:
        now = time.perf_counter()
        if self._looked_at:
            self.slowest_s = max(self.slowest_s, now - self._looked_at)
        self._looked_at = now

    def _count(self, state: State) -> None:
        """Expected less physical is what people did unseen."""
        for drawer in [it for it in self.model.stirred if it in self.model.bins]:
            self._count_bin(state, drawer)
        for pocket in model_pockets(self.model):
            kind = self.model.pockets[pocket][0]
            expected = state.balances.get((f"pocket:{pocket}", kind), 0)
            missing = expected - self.model.lying(pocket)
            gone = self.model.gone(pocket)
            self.model.expect(3, missing == gone, f"{pocket}: {missing} missing, {gone} gone")
        self.model.stirred.clear()

    def _count_bin(self, state: State, drawer: str) -> None:
        """The same of what was returned, medicine by medicine."""
        lying = self.runtime.world.tablets(drawer)
        account = f"return_bin:{drawer}"
        expected = {kind: q for (name, kind), q in state.balances.items() if name == account}
        for kind in {**lying, **expected}:
            missing = expected.get(kind, 0) - lying.get(kind, 0)
            gone = self.model.gone_from_bin(drawer, kind)
            words = f"{drawer}: {missing} of {kind} missing, {gone} gone"
            self.model.expect(3, missing == gone, words)

    def _openings(self, boot: Boot) -> None:
        """Every opening that a sensor saw has its record."""
        now = self.runtime.hub.now_s
        for drawer, at in list(self.model.unexplained.items()):
            view = self.runtime.world.drawer(drawer)
            if any(fault in view.faults for fault in SENSOR_FAULTS):
                self._excuse(drawer, "its sensors were broken")
            elif not view.is_open and (not boot.ready or boot.clock.monotonic() < SEEN_WITHIN_S):
                self._excuse(drawer, "it was shut again before the controller ran")
            elif now < self.model.late_until:  # a slow write kept the controller from looking
                continue
            elif boot.ready and boot.clock.monotonic() > SEEN_WITHIN_S and now - at > SEEN_WITHIN_S:
                self.model.expect(2, False, f"{drawer} opened at {at:.1f} s, and nothing says so")
                del self.model.unexplained[drawer]

    def _shut(self, boot: Boot, state: State) -> None:
        """A drawer that is shut, and whose sensors work, is known to be before long."""
        model, now = self.model, self.runtime.hub.now_s
        for name, held in state.drawers.items():
            if held.model.state == machines.SHUT or model.broken.get(name, 0):
                continue
            if not model.latched.get(name, True):
                continue
            since = max(model.latched_at.get(name, 0.0), model.broken_until.get(name, 0.0))
            began = now - boot.clock.monotonic()
            since = max(since, model.late_until, began + held.since_ms / 1000)
            late_s = now - since
            words = f"{name} is {held.model.state}, and has been shut for {late_s:.0f} s"
            model.expect(2, late_s < SHUT_WITHIN_S, words)

    def _excuse(self, drawer: str, why: str) -> None:
        del self.model.unexplained[drawer]
        self.model.duties[why] = self.model.duties.get(why, 0) + 1

    # --- each screen ------------------------------------------------------------------------------

    def _shown(self, shown: Shown) -> None:
        """No screen depends on how many are expected; none shows a PIN, and each fits a frame."""
        boot, model = self.runtime.boot, self.model
        if shown.screen.number == self._number or boot is None or boot.turns is None:
            return
        self._number = shown.screen.number
        frame = encode(shown)
        model.checks += 1
        if any(map(frame.__contains__, self._pins)) and holds(frame, self._pins):
            model.wrong(9, f"a PIN is on the screen {shown.screen.name}")
        engine = boot.turns.engine
        state, wall_ms = engine.state, int(self.runtime.wall.now_s() * 1000)
        true = state.balances
        state.balances = dict(true)
        for pocket, (kind, _) in model.pockets.items():
            key = (f"pocket:{pocket}", kind)
            state.balances[key] = true.get(key, 0) + OFF_BY
        try:
            other = screens.show(state, engine.place, wall_ms)
        finally:
            state.balances = true
        same = all(getattr(other, it) == getattr(shown.screen, it) for it in _DRAWN)
        model.expect(10, same, f"the screen {shown.screen.name} depends on what is expected")
        if engine.state.screen.state in (machines.NOBODY, machines.PROVING, *machines.BEHIND_LOCK):
            told = frame[4:].decode()
            if len(self._names) != len(state.medicines):
                self._names = [medicine(it) for it in state.medicines.values()]
            seen = any(map(told.__contains__, self._names))
            model.expect(9, not seen, "a medicine is on the screen while nobody is signed in")

    # --- each restart -----------------------------------------------------------------------------

    def _ended(self, boot: Boot, why: str) -> None:
        self._before = None
        self.told(f"the controller ended: {why}")
        if why.startswith(GRAVE):
            self.model.wrong(4, why)
        if boot.turns is not None:
            state = boot.turns.engine.state
            self._before = (state.size, snapshot.take(state))
        for drawer in self.runtime.world.view().drawers:
            orders = self.model.ordered.get(drawer.id)
            if orders:  # a life that ended commands nothing any more
                self.model.ordered[drawer.id] = []

    def _replayed(self, boot: Boot) -> None:
        """What was acknowledged is there, unaltered; live and replayed states are the same."""
        self.restarts += 1
        model, store = self.model, boot.store
        assert store is not None and boot.turns is not None
        model.expect(4, store.size >= model.entries, f"{store.size} of {model.entries} are left")
        self._same_chain(boot)
        extra = [entry.body for entry in store.entries(model.entries + 1)]
        before, now = self._before, boot.turns.engine.state
        if before is not None and before[0] == now.size:
            same = snapshot.take(now) == before[1]
            model.expect(4, same, "the live state is not what its entries say")
            before = None
        # Where entries came that nobody saw, and where a snapshot was used: from the first one on.
        whole = before is not None or (store.snapshot() is not None and not self.restarts % 4)
        if whole and (store.size <= REPLAYED_WHOLE or not self.restarts % 10):
            self._replay_whole(boot, before)
        if extra:  # on disk but not acknowledged: indeterminate until now
            model.duties["an append was indeterminate"] = (
                model.duties.get("an append was indeterminate", 0) + 1
            )
            self._acked(extra)
        for drawer in self.runtime.world.view().drawers:
            model.expect(7, not drawer.coil, f"{drawer.id} is energised at a start")

    def _same_chain(self, boot: Boot) -> None:
        model = self.model
        assert boot.store is not None
        known = [size for size in model.links if size <= model.entries - 500]
        start = max(known, default=0)
        chain = model.links.get(start, b"\0" * 32)
        for entry in boot.store.entries(start + 1, model.entries + 1):
            chain = hashlib.sha256(chain + entry.body).digest()
        model.expect(4, chain == model.chain, "acknowledged entries are altered or lost")

    def _replay_whole(self, boot: Boot, before: tuple[int, bytes] | None) -> None:
        assert boot.store is not None and boot.turns is not None
        details, state = Attachments(boot.store), State()
        for entry in boot.store.entries():
            apply(state, records.decode_body(entry.body), details)
            if before is not None and state.size == before[0]:
                same = snapshot.take(state) == before[1]
                self.model.expect(4, same, "the live state is not what its entries say")
        same = snapshot.take(state) == snapshot.take(boot.turns.engine.state)
        self.model.expect(4, same, "replay from the snapshot is not replay from the first entry")

    def at_end(self) -> None:
        """The last state, from the bytes on disk."""
        boot = self.runtime.boot
        assert boot is not None and boot.store is not None and boot.turns is not None
        self._same_chain(boot)
        same = snapshot.take(replay(boot.store)) == snapshot.take(boot.turns.engine.state)
        self.model.expect(4, same, "the last state is not what its entries say")
        for place in (*self.model.pockets, *self.model.bins):
            self.model.stirred[place] = None
        self._count(boot.turns.engine.state)


def holds(data: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether one of them is there; one that is part of a longer number, a time's or a screen's
    own, is nobody's."""
    words = b"|".join(rb"(?<!\d)" + re.escape(it) + rb"(?!\d)" for it in secrets)
    return re.search(words, data) is not None


def model_pockets(model: Model) -> list[str]:
    """The pockets to look at."""
    return [pocket for pocket in model.stirred if pocket in model.pockets]
