"""One life of a simulated controller: its loop, its devices' owners, and the wires it holds.

The shipped turns, rules, drivers and store; only threads, sockets and waiting are others. Not for
what is physical (`runtime.py`). One rule: a life that was killed does nothing more, whatever it was
about to do.
"""

import contextlib
import math
import queue
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from cabinet import copies, machines
from cabinet import events as e
from cabinet.anchors import RolledBack
from cabinet.console_messages import Command
from cabinet.console_socket import ConsoleSaid
from cabinet.devices import open_devices
from cabinet.machines import CorruptLedger
from cabinet.messages import Shown
from cabinet.proof_worker import ProofJob, checked
from cabinet.secrets_worker import MAX_WAITING as MOST_JOBS
from cabinet.secrets_worker import Job, answer
from cabinet.sensor import SENSOR
from cabinet.service_desk import ServiceDesk
from cabinet.service_facts import Facts, Pairs
from cabinet.state import State
from cabinet.step import Outcome
from cabinet.turns import Incoming, Turns
from cabinet.version import VERSION
from drivers import readings as d
from drivers.errors import LinkLost
from drivers.locks import EQUAL_SAMPLES, SAMPLE_S
from drivers.security_key import KeyLink
from ledger.errors import LedgerError
from sim.disk import PowerCut, SimulatedStore
from sim.pins import DirectLines, WorldFactory
from sim.service_key import prove
from sim.virtual import FOREVER, UNITS, MachineClock, Task, VirtualSignal
from sim.world import World

if TYPE_CHECKING:
    from sim.runtime import SimulatedRuntime

# Of virtual time; the live runtime ticks four times a second.
ACCESS_TICK_S, BUSY_TICK_S, REST_TICK_S = 2.5, 5.0, 120.0
BUSY_FOR_S = 6.0  # after the last thing that came
MOST_WAITING, POST_WITHIN_S, FIRST_WORDS_S = 512, 5.0, 1.0  # as the live runtime has them
CHECK_S = 4.0  # an idle sensor's driver waits at least so long for its next check
PROVE_S = 0.08


def _no_key() -> KeyLink:
    raise LinkLost("security_key", "nobody plugs one in")


class WorldLines(DirectLines):
    """The wires: they may bounce, and nobody drives them once the power is gone."""

    def __init__(self, world: World, runtime: "SimulatedRuntime") -> None:
        super().__init__(world)
        self._runtime, self.dead = runtime, False

    def level(self, pin: int) -> bool | None:
        runtime = self._runtime
        level = runtime.levels().get(pin)
        if runtime.bouncing and level is not None and runtime.bounces(pin):
            return runtime.contacts.chance(0.5)
        return level

    def drive(self, pin: int, level: bool) -> None:
        if not self.dead:
            super().drive(pin, level)

    def free(self, pin: int) -> None:
        if not self.dead:
            super().free(pin)


class SteadyFacts(Facts):
    """What a machine would say of itself, the same on every machine that runs the story."""

    def storage(self) -> Pairs:
        return (("free", "many MiB"),)

    def clock(self) -> Pairs:
        return (("wall clock", "as the banner says"),)

    def power(self) -> Pairs:
        return (("supply", "as it should be"),)

    def software(self) -> Pairs:
        return (("cabinet", VERSION),)


def sensors_own_work(state: State) -> bool:
    """Whether slots wait to be emptied, or templates to be read, loaded or erased, at a tick."""
    if state.forgotten:
        return True
    waits = state.wiping or any(not it.why for it in state.loading) or any(copies.not_kept(state))
    return bool(waits) and SENSOR not in state.devices_down


class CheckedTurns(Turns):
    """The shipped turns; after each step, and before each answer at the console, somebody looks."""

    looked: Callable[[e.Event, Outcome], None]
    asked: Callable[[ServiceDesk, State, Command], None]

    def handle(self, incoming: Incoming) -> None:
        if isinstance(incoming, ConsoleSaid) and isinstance(incoming.message, Command):
            assert self._desk is not None
            self.asked(self._desk, self.state, incoming.message)
        super().handle(incoming)

    def step(self, event: e.Event) -> Outcome:
        outcome = super().step(event)
        self.looked(event, outcome)
        return outcome


class Boot:
    """One life of the controller: from the power, or its restart, to its end."""

    def __init__(self, runtime: "SimulatedRuntime") -> None:
        self._runtime, self._hub = runtime, runtime.hub
        self.clock = MachineClock(self._hub)
        self.turns: CheckedTurns | None = None
        self.store: SimulatedStore | None = None
        self.ready = False
        self.up: dict[str, bool] = {}
        self.lines = WorldLines(runtime.world, runtime)
        self._factory: Any = None
        self._queue: deque[Incoming] = deque()
        self._arrived = VirtualSignal(self._hub)
        self._stopping = False
        self._came = 0
        self._jobs = 0
        self._polls, self._stirred, self._grid = 0, 0, 0
        self.locks: Task | None = None
        self.tasks = [self._hub.spawn("controller", self._main)]

    # --- the controller's own loop ----------------------------------------------------------

    def _main(self) -> None:
        runtime = self._runtime
        try:
            self._come_up()
            self._serve()
            self._go_down()
            why = "stopped"
        except PowerCut:
            self._hub.at(0, runtime.cut_power)
            return
        except (LedgerError, CorruptLedger, RolledBack) as error:
            why = f"{type(error).__name__}: {error}"
        self._hub.at(0, partial(runtime.process_ended, self, why))

    def _come_up(self) -> None:
        runtime = self._runtime
        configuration, keys = runtime.configuration, runtime.keys
        runtime.disk.check_readable()
        runtime.disk.check_mounted()
        store = SimulatedStore.open(runtime.disk.ledger, keys.ledger)
        assert isinstance(store, SimulatedStore)
        self.store, store.disk, store.acked = store, runtime.disk, runtime.acked
        runtime.disk.strike = runtime.first_strike() or runtime.disk.strike
        self.turns = turns = CheckedTurns(
            configuration,
            runtime.folder,
            keys,
            store,
            clock=self.clock,
            wall_s=runtime.wall.now_s,
            random_bytes=runtime.chance.bytes,
        )
        runtime.replayed(self)
        self._factory = WorldFactory(self.lines)
        self.devices = open_devices(
            configuration,
            self._factory,
            self.clock,
            lambda name: runtime.ports[name].connect,
            self._post,
            self._post_now,
            _no_key,
        )
        turns.connect(self.devices, self._submit, self._show)
        turns.serve_technicians(self._prove, SteadyFacts)
        turns.asked = runtime.asked
        turns.looked = partial(runtime.looked, self)
        turns.start()
        for name, device in self.devices.owned():
            task = self._hub.spawn(name, partial(self._own, name, device))
            self.tasks.append(task)
            if name == "locks":
                self.locks, task.patience = task, self._locks_patience
            elif name == "fingerprint":
                task.patience = self._finger_patience
        self._first_words()
        turns.publish()
        self.ready = True
        runtime.came_up(self)

    def _first_words(self) -> None:
        silent, later = ["fingerprint", "badge", "scanner"], []
        end = self.clock.monotonic() + FIRST_WORDS_S
        assert self.turns is not None
        while silent and (left := end - self.clock.monotonic()) > 0:
            if not self._queue:
                self._arrived.clear()
                self.clock.wait(left, self._arrived)
                continue
            incoming = self._queue.popleft()
            if isinstance(incoming, d.DeviceUp | d.DeviceDown) and incoming.device in silent:
                silent.remove(incoming.device)
                self.turns.handle(incoming)
            else:
                later.append(incoming)
        for incoming in later:
            self.turns.handle(incoming)

    def _serve(self) -> None:
        assert self.turns is not None
        next_tick = self.clock.monotonic() + BUSY_TICK_S
        while not self._stopping:
            now = self.clock.monotonic()
            if now >= next_tick:
                self.turns.tick()
                next_tick = now + self._tick_s()
            elif self._queue:
                self.turns.handle(self._queue.popleft())
                next_tick = min(next_tick, self.clock.monotonic() + self._tick_s())
            else:
                self._arrived.clear()
                self.clock.wait(next_tick - now, self._arrived)

    def _tick_s(self) -> float:
        """Where nothing goes on, ticks may be further apart: they would do nothing."""
        assert self.turns is not None
        engine = self.turns.engine
        state, place = engine.state, engine.place
        going_on = (
            state.screen.state != machines.NOBODY
            or place.page != "home"
            or place.note is not None
            or self._hub.now - self._came < BUSY_FOR_S * UNITS
        )
        unsettled = any(
            drawer.model.state in (machines.OPEN, machines.FORCED) and not drawer.alerted
            for drawer in state.drawers.values()
        )
        if state.access is not None or state.witnessing is not None:
            return ACCESS_TICK_S
        busy = going_on or unsettled or state.service is not None or sensors_own_work(state)
        return BUSY_TICK_S if busy else REST_TICK_S

    def _go_down(self) -> None:
        assert self.turns is not None and self.store is not None
        self.turns.stop()
        for _, device in self.devices.owned():
            device.stop()
        self.devices.locks.close()
        self.turns.outside.close()
        self.turns.sign()
        self.store.close()
        self.store = None

    def _own(self, name: str, device: Any) -> None:
        with contextlib.suppress(queue.Full):  # as the live runtime: its owner ends, and then all
            device.run()
        self.stop()

    def stop(self) -> None:
        """Told to end, in order."""
        self._stopping = True
        self._arrived.set()

    # --- what comes and what is shown -----------------------------------------------------------

    def post(self, incoming: Incoming) -> bool:
        """From a peer: False where there is no room, as a socket's reader is dropped then."""
        if len(self._queue) >= MOST_WAITING:
            return False
        self._queue.append(incoming)
        self._came = self._hub.now
        self._arrived.set()
        return True

    def _post(self, incoming: Incoming) -> None:
        end = self.clock.monotonic() + POST_WITHIN_S
        if isinstance(incoming, d.DeviceUp | d.DeviceDown):
            self.up[incoming.device] = isinstance(incoming, d.DeviceUp)
        while not self.post(incoming):
            if self._hub.running is None or self.clock.monotonic() >= end:
                raise queue.Full
            self.clock.wait(0.1)

    def _post_now(self, incoming: d.Reading) -> None:
        if not self.post(incoming):
            raise queue.Full

    def _submit(self, job: Job) -> None:
        if self._jobs >= MOST_JOBS:
            self._hub.after(0, partial(self._answer, job, refused=True))
            return
        self._jobs += 1
        self._hub.after(self._runtime.hash_s * self._jobs, partial(self._answer, job))

    def _answer(self, job: Job, refused: bool = False) -> None:
        if self._runtime.boot is not self:
            return
        if refused:
            self.post(e.PinChecked(job.request, False))
            return
        self._jobs -= 1
        runtime = self._runtime
        self.post(answer(job, runtime.hasher, runtime.keys.pepper, runtime.chance.bytes))

    def _prove(self, job: ProofJob) -> None:
        self._hub.after(PROVE_S, partial(self._proved, job))

    def _proved(self, job: ProofJob) -> None:
        if self._runtime.boot is self:
            self.post(checked(job, self._runtime.wall.now_s(), prove))

    def _show(self, shown: Shown) -> None:
        if self._runtime.boot is self:
            self._runtime.show(shown)

    # --- waits in which nothing would happen --------------------------------------------------

    def stir(self) -> None:
        """Something changed at the wires: the locks' owner looks again, where its next look is."""
        self._polls = 0
        self._stirred = self._hub.now
        task = self.locks
        if task is not None and task.waiting and self._grid:
            looks = max(0, -(-(self._hub.now - self._parked) // self._grid))
            self._hub.wake(task, self._parked + looks * self._grid)
            self._grid = 0

    def _locks_patience(self, units: int) -> int:
        """After enough equal samples the next ones say nothing new, until the wires change."""
        self._polls += 1
        self._grid = 0
        runtime = self._runtime
        if runtime.bouncing or self._polls <= EQUAL_SAMPLES + 1:
            return units
        settle = runtime.settle if runtime.disagree() else 0
        if self._hub.now - self._stirred <= settle:
            return units
        self._parked, self._grid = self._hub.now, math.ceil(SAMPLE_S * UNITS)
        pulse_ends = runtime.pulse_ends()
        if pulse_ends is not None:  # not before the next sample, nor after the pulse's end
            return max(units, pulse_ends - self._hub.now)
        return FOREVER

    def _finger_patience(self, units: int) -> int:
        """A sensor that answered and is plugged in answers the next idle check too."""
        runtime = self._runtime
        healthy = self.up.get("fingerprint") and not runtime.sensor.faults
        healthy = healthy and not runtime.ports["fingerprint"].bad
        return FOREVER if units >= CHECK_S * UNITS and healthy else units

    def poke(self, device: str) -> None:
        """Something changed at a device: its owner looks again."""
        for task in self.tasks:
            if task.name == device and task.waiting and task.patience is not None:
                self._hub.wake(task, self._hub.now + math.ceil(0.5 * UNITS))

    # --- the end ----------------------------------------------------------------------------------

    def kill(self) -> None:
        """Nothing of this life happens any more; from the hub only."""
        self.ready = False
        self.lines.dead = True
        for port in self._runtime.ports.values():
            port.hang_up()
        for task in self.tasks:
            task.kill()
        if self._factory is not None:
            self._factory.close()
