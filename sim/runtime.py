"""The simulated runtime: one cabinet and its power in one thread under virtual time.

Not for one life of the controller (`boot.py`), people or faults. One rule: a machine without power
does nothing more, whatever it was about to do.
"""

import gc
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from auth.pins import PinHasher
from cabinet import events as e
from cabinet import records as r
from cabinet.configuration import Configuration
from cabinet.console_messages import Command
from cabinet.controller import Controller
from cabinet.journal import Attachments
from cabinet.keys import Keys
from cabinet.messages import Shown
from cabinet.service_desk import ServiceDesk
from cabinet.state import State
from cabinet.step import Outcome
from ledger.errors import Locked
from sim.battery import Battery
from sim.boot import Boot, WorldLines
from sim.disk import Disk, Strike
from sim.errors import SimulatorError
from sim.fingerprint_sensor import ZfmSensor
from sim.happenings import Happening, Kind
from sim.lines import BadgeReader, Scanner
from sim.memory_port import MemoryPort
from sim.pins import WorldFactory
from sim.virtual import UNITS, Hub, Stream, WallClock
from sim.world import World

SWEPT_EVERY = 8  # lives of the controller
RESTART_AFTER_S = 1.0  # as the controller's unit has it
READY_AFTER_S = 8.0  # from power to the controller's first instruction
DRIFT_PPM = 40.0  # at most, as a Raspberry Pi's crystal may have
HASH_S = 0.25  # of virtual time for a PIN's hash; longer where the machine is short of memory
MEMORY_KIB = 64  # of a PIN's hash, so that a run is not hashing alone
SENSES = (Kind.OPENED, Kind.CLOSED, Kind.HOOK_RELEASED, Kind.HOOK_ENGAGED)
COILS = (Kind.COIL_ON, Kind.COIL_OFF, Kind.COIL_CUT)
STIRS = (*SENSES, *COILS, Kind.FAULTED, Kind.MENDED)


class Watcher(Protocol):
    """Somebody who is told that the screen is a new one."""

    def set(self) -> None:
        """It is."""


class SimulatedRuntime:
    """One cabinet: what is physical of it, and its machine while that has power."""

    def __init__(
        self,
        folder: Path,
        configuration: Configuration,
        keys: Keys,
        *,
        seed: int,
        began_s: int,
        stock: dict[str, int],
        templates: dict[int, str],
        notepad: dict[int, bytes],
    ) -> None:
        self.folder, self.configuration, self.keys = folder, configuration, keys
        self.hub = Hub()
        self.wall = WallClock(self.hub, began_s)
        self.chance = Stream(seed, "machine")
        self.contacts = Stream(seed, "contacts")
        self._disk_chance = Stream(seed, "disk")
        self.wall.drift_ppm = Stream(seed, "crystal").between(-DRIFT_PPM, DRIFT_PPM)
        self.battery = Battery()
        self.world = World(configuration, clock=lambda: self.hub.now_s, stock=stock)
        self.sensor = ZfmSensor(self.world.finger, templates, notepad=notepad)
        self.own_sensor = self.sensor  # the one that people decided for, as the entries have it
        self.reader, self.scanner = BadgeReader(), Scanner()
        self.ports = {
            "fingerprint": MemoryPort("fingerprint", self.sensor, self.hub, patient=False),
            "badge": MemoryPort("badge", self.reader, self.hub, patient=True),
            "scanner": MemoryPort("scanner", self.scanner, self.hub, patient=True),
        }
        self.disk = Disk(
            folder,
            folder / configuration.paths.ledger,
            self._pause,
            lambda: self._disk_chance.between(0.002, 0.012),
            lambda size: self._disk_chance.whole(0, size),
        )
        self.hasher = PinHasher(
            keys.pepper, passes=2, memory_kib=MEMORY_KIB, random_bytes=self.chance.bytes
        )
        self.settle = math.ceil((configuration.timings.settle_ms / 1000 + 0.1) * UNITS)
        self.boot: Boot | None = None
        self.shown: Shown | None = None
        self.bouncing: dict[int, int] = {}  # pin -> until
        self.watchers: list[Watcher] = []
        self._coil_on: int | None = None
        self._levels: dict[int, bool] | None = None
        self._strike_on: tuple[Kind, Callable[[], object]] | None = None
        self._strike_at_start: Strike | None = None
        self._bounce_next_s = 0.0
        self.echo_badge = False  # the next badge is read twice
        self.hash_s = HASH_S
        self.power_cuts = 0
        self._lives = 0
        # What is told of: what was acknowledged, what a start replayed, what is new to see.
        self.acked: Callable[[Sequence[bytes]], None] = lambda _: None
        self.replayed: Callable[[Boot], None] = lambda _: None
        self.looked: Callable[[Boot, e.Event, Outcome], None] = lambda *_: None
        self.asked: Callable[[ServiceDesk, State, Command], None] = lambda *_: None
        self.came_up: Callable[[Boot], None] = lambda _: None
        self.on_show: Callable[[Shown], None] = lambda _: None
        self.on_end: Callable[[Boot, str], None] = lambda _, __: None
        self.typed: Callable[[str], None] = lambda _: None  # a PIN, a code
        self.world.observe(self._happened)

    def _pause(self, seconds: float) -> None:
        if self.hub.running is not None:
            self.hub.wait(math.ceil(seconds * UNITS))

    # --- the world stirs the wires --------------------------------------------------------------

    def _happened(self, happening: Happening) -> None:
        if self._strike_on is not None and happening.kind is self._strike_on[0]:
            strike, self._strike_on = self._strike_on[1], None
            self.hub.at(0, strike)
        if happening.kind not in STIRS:
            return
        self._levels = None
        if happening.kind is Kind.COIL_ON:
            self._coil_on = self.hub.now
            for due_s in (0.030, 1.0):
                self.hub.after(due_s, self.world.advance)
        elif happening.kind in (Kind.COIL_OFF, Kind.COIL_CUT):
            self._coil_on = None
        elif self._bounce_next_s and happening.kind in (Kind.OPENED, Kind.CLOSED):
            self.bounce(happening.drawer, self._bounce_next_s)
            self._bounce_next_s = 0.0
        if self.boot is not None and happening.kind not in COILS:  # which no sensor sees
            self.boot.stir()

    def pulse_ends(self) -> int | None:
        """When the driver means to end the pulse that is on."""
        if self._coil_on is None:
            return None
        return self._coil_on + math.ceil(self.configuration.timings.pulse_ms / 1000 * UNITS)

    def levels(self) -> dict[int, bool]:
        """What the sensors' pins read, as of the world's last change."""
        if self._levels is None:
            self._levels = self.world.levels()
        return self._levels

    def disagree(self) -> bool:
        """Whether some drawer's sensors contradict each other, which the driver lets settle."""
        levels = self.levels()
        return any(levels[w.switch_pin] and not levels[w.latch_pin] for w in self._drawers())

    def _drawers(self) -> Any:
        return self.configuration.drawer

    def bounces(self, pin: int) -> bool:
        """Whether this contact is bouncing now."""
        until = self.bouncing.get(pin)
        if until is None:
            return False
        if self.hub.now >= until:
            del self.bouncing[pin]
            return False
        return True

    def bounce(self, drawer: str, seconds: float) -> None:
        """A drawer's contacts bounce for a while."""
        setup = next(w for w in self._drawers() if w.id == drawer)
        for pin in (setup.switch_pin, setup.latch_pin):
            self.bouncing[pin] = self.hub.now + math.ceil(seconds * UNITS)
        self.stir()
        self.hub.after(seconds, self.stir)

    def stir(self) -> None:
        """The wires may read otherwise."""
        if self.boot is not None:
            self.boot.stir()

    # --- power ------------------------------------------------------------------------------------

    def power_on(self) -> None:
        """Mains: the machine starts, and its controller after it."""
        self._mains(True)
        self.world.set_mains(True)
        if self.boot is None:
            self.boot = Boot(self)

    def fail_mains(self, for_s: float) -> bool:
        """The mains fail for so long: the battery carries the machine, while it lasts."""
        if not self.battery.on_mains or not self.world.view().mains:
            return False
        self._mains(False)
        left_s = self.battery.left_s(self.hub.now_s)
        if left_s >= for_s:
            self.hub.after(for_s, lambda: self._mains(True))
        else:
            self.hub.after(left_s, partial(self._battery_empty, for_s - left_s))
        return True

    def _battery_empty(self, dark_s: float) -> None:
        if not self.battery.on_mains:  # else somebody switched it off and on meanwhile
            self.cut_power(dark_s)

    def _mains(self, on: bool) -> None:
        if self.battery.on_mains is not on:
            self.battery.mains(on, self.hub.now_s)
            self.world.note_supply(on)

    def cut_power(self, dark_s: float = 20.0) -> None:
        """No mains; they come back after `dark_s`."""
        if not self.world.view().mains:
            return
        self.world.set_mains(False)
        self.power_cuts += 1
        self._end("power cut")
        self.hub.after(dark_s + READY_AFTER_S, self.power_on)

    def kill_process(self) -> None:
        """SIGKILL; the unit starts it again."""
        if self.boot is not None:
            self._end("killed")
            self.hub.after(RESTART_AFTER_S, self._restart)

    def start_second(self) -> bool:
        """Start a second controller beside the one that runs; False when none does."""
        if self.boot is None or self.boot.store is None:
            return False
        lines = WorldLines(self.world, self)
        lines.dead = True  # whatever it did at the pins, the first one has them
        try:
            Controller(self.configuration, self.folder, self.keys, factory=WorldFactory(lines))
        except Locked:
            return True
        raise SimulatorError("a second controller ran beside the first one")

    def process_ended(self, boot: Boot, why: str) -> None:
        """It ended by itself."""
        if self.boot is boot:
            self._end(why)
            self.hub.after(RESTART_AFTER_S, self._restart)

    def switch_off(self) -> None:
        """The story is over; coroutines end, files are closed."""
        self.on_end = lambda *_: None
        self._end("the end")
        self.hub.close()

    def strike_on(self, kind: Kind, strike: Callable[[], object]) -> None:
        """Let something happen the next time that this does: a cut, a kill, a cable pulled."""
        self._strike_on = (kind, strike)

    def forget_cut(self) -> None:
        """Nothing is planned any more, and mains that failed are back."""
        self._mains(True)
        self._strike_on = self._strike_at_start = None
        self._bounce_next_s = 0.0

    def strike_at_start(self, strike: Strike) -> None:
        """At the next start's first write."""
        self._strike_at_start = strike

    def first_strike(self) -> Strike | None:
        """What was planned for a start's first write."""
        strike, self._strike_at_start = self._strike_at_start, None
        return strike

    def bounce_next(self, seconds: float) -> None:
        """The contacts of the drawer that moves next bounce for so long."""
        self._bounce_next_s = seconds

    def _restart(self) -> None:
        if self.world.view().mains and self.boot is None:
            self.boot = Boot(self)

    def _end(self, why: str) -> None:
        boot, self.boot = self.boot, None
        if boot is None:
            return
        why = why.replace(str(self.folder), "cabinet")
        self.on_end(boot, why)
        boot.kill()
        self.world.release_outputs()
        self.disk.lose_power(boot.store)
        self.shown = None
        self._lives += 1
        if not self._lives % SWEPT_EVERY:
            gc.collect()  # a life's parts hold one another

    # --- what people see and do -------------------------------------------------------------------

    def show(self, shown: Shown) -> None:
        """The screen is a new one."""
        self.shown = shown
        self.on_show(shown)
        for watcher in self.watchers:
            watcher.set()

    def present(self, badge: str) -> None:
        """A badge is held to the reader."""
        self.world.note_badge(badge)
        for _ in range(1 + self.echo_badge):
            self.ports["badge"].say(self.reader.present(badge))
        self.echo_badge = False

    def replay(self, data: bytes) -> None:
        """Somebody on the reader's line plays back what it once sent; no badge is there."""
        self.ports["badge"].say(self.reader.noise([data]))

    def name_of(self, attachment: str) -> str:
        """The name in an attachment of the ledger, "" where none can be read now."""
        store = self.boot.store if self.boot is not None else None
        found = Attachments(store).get(attachment) if store is not None and attachment else None
        return f"{found.given} {found.family}" if isinstance(found, r.PersonDetails) else ""

    def scan(self, text: str) -> None:
        """A label is held before the scanner."""
        self.world.note_scan(text)
        self.ports["scanner"].say(self.scanner.scan(text))

    def unplug(self, device: str) -> None:
        """Pull a device's cable."""
        self.world.set_plugged(device, False)
        self.ports[device].unplug()
        self.poke(device)

    def plug(self, device: str) -> None:
        """Put it back."""
        self.world.set_plugged(device, True)
        self.ports[device].plug()
        self.poke(device)

    def put_in(self, sensor: ZfmSensor, noticed_after_s: float = 0.0) -> None:
        """Put this finger sensor in the other one's place; an idle driver looks now and then."""
        self.sensor = sensor
        self.world.note_sensor(sensor.name)
        self.ports["fingerprint"].exchange(sensor)
        self.hub.after(noticed_after_s, lambda: self.poke("fingerprint"))

    def put_back(self) -> None:
        """The cabinet's own sensor, where another one is in its place."""
        if self.sensor is not self.own_sensor:
            self.put_in(self.own_sensor)

    def poke(self, device: str) -> None:
        """Something changed at a device."""
        if self.boot is not None:
            self.boot.poke(device)
