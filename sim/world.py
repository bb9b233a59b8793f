"""The physical cabinet: drawers, hooks, coils, tablets, fingers and power, beyond the wires.

It knows nothing of the software in front of it, of records or of rights, and does no I/O. One rule:
what happens here follows from gestures, pin levels and the clock alone, and each of it is logged.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cabinet.configuration import Configuration, Drawer, Pocket
from sim.errors import NoSuchThing, WrongPin
from sim.happenings import Happening, Kind
from sim.tablets import MOST_TABLETS, Tablets
from sim.views import DrawerView, Fault, Outcome, WorldView

RELEASE_S = 0.030  # a rotary latch lets go of its striker after this much current
ONE_SHOT_S = 1.0  # the board's monostable: no coil is energised longer (hardware.md 5.6)
LOG_LENGTH = 20_000
DEVICES = ("fingerprint", "badge", "scanner")

Clock = Callable[[], float]
Observer = Callable[[Happening], None]


@dataclass
class _Drawer:
    setup: Drawer
    is_open: bool = False
    hook_engaged: bool = True
    line: bool = False  # the lock pin's level
    coil_since: float | None = None  # energised since; None when it is not
    let_go: bool = False  # this pulse has reached RELEASE_S
    pulses: int = 0
    light: bool = False
    lid: str = ""  # the pocket whose lid is lifted
    faults: dict[Fault, bool] = field(default_factory=dict)  # the level a stuck sensor shows


class World:
    """The cabinet's hardware and the people around it; every method may be called by any thread.

    Time passes only when somebody calls: `next_due()` says when the world next changes by itself,
    and any call after that instant finds the change made and logged with its own exact time.
    """

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock = time.monotonic,
        stock: Mapping[str, int] | None = None,
    ) -> None:
        """`stock`: how many of its own medicine each pocket holds at first (place -> count)."""
        self._lock = threading.RLock()
        self._clock = clock
        self._observers: list[Observer] = []
        self._log: deque[Happening] = deque(maxlen=LOG_LENGTH)
        self._number = 0
        self._drawers = {drawer.id: _Drawer(drawer) for drawer in configuration.drawer}
        self._pockets: dict[str, tuple[_Drawer, Pocket]] = {}
        self._bins: dict[str, _Drawer] = {}
        self._finger: str | None = None
        self._beeper = False
        self._beeper_pin = configuration.devices.beeper_pin
        self._mains = True
        self._plugged = dict.fromkeys(DEVICES, True)
        self._locks: dict[int, _Drawer] = {}
        self._lights: dict[int, _Drawer] = {}
        self._switches: dict[int, _Drawer] = {}
        self._latches: dict[int, _Drawer] = {}
        for drawer in self._drawers.values():
            self._wire(drawer)
        self._tablets = Tablets((*self._pockets, *self._bins))
        for place, count in (stock or {}).items():
            if self._pocket(place) and count:
                self._tablets.put(place, self._pockets[place][1].medicine, count)

    def _wire(self, drawer: _Drawer) -> None:
        setup = drawer.setup
        self._locks[setup.lock_pin] = drawer
        self._lights[setup.light_pin] = drawer
        self._switches[setup.switch_pin] = drawer
        self._latches[setup.latch_pin] = drawer
        for pocket in setup.pocket:
            self._pockets[pocket.id] = (drawer, pocket)
        if setup.kind == "return_bin":
            self._bins[setup.id] = drawer

    # --- watching -------------------------------------------------------------------------------

    def observe(self, observer: Observer) -> None:
        """Call `observer` with each happening from now on, in order, with the world held still.

        It must not wait for anything; it may read the world.
        """
        with self._lock:
            self._observers.append(observer)

    @property
    def events(self) -> tuple[Happening, ...]:
        """The last `LOG_LENGTH` happenings, oldest first."""
        with self._lock:
            self._advance()
            return tuple(self._log)

    def view(self) -> WorldView:
        """Everything as it is now."""
        with self._lock:
            self._advance()
            return WorldView(
                number=self._number,
                drawers=tuple(self._view_of(drawer) for drawer in self._drawers.values()),
                hands=self._tablets.hands,
                beeper=self._beeper,
                finger=self._finger,
                mains=self._mains,
                plugged=dict(self._plugged),
            )

    def drawer(self, drawer: str) -> DrawerView:
        """One drawer as it is now."""
        with self._lock:
            self._advance()
            return self._view_of(self._find(drawer))

    def tablets(self, place: str) -> dict[str, int]:
        """What lies in a pocket or return bin: medicine -> how many."""
        with self._lock:
            return self._tablets.at(place)

    def finger(self) -> str | None:
        """The finger on the glass, for the sensor behind it."""
        with self._lock:
            return self._finger

    def _view_of(self, drawer: _Drawer) -> DrawerView:
        places = [pocket.id for pocket in drawer.setup.pocket]
        if drawer.setup.kind == "return_bin":
            places.append(drawer.setup.id)
        return DrawerView(
            id=drawer.setup.id,
            is_open=drawer.is_open,
            hook_engaged=drawer.hook_engaged,
            coil=drawer.coil_since is not None,
            pulses=drawer.pulses,
            light=drawer.light,
            lid=drawer.lid,
            faults=tuple(drawer.faults),
            tablets={place: self._tablets.at(place) for place in places},
        )

    # --- time -----------------------------------------------------------------------------------

    def next_due(self) -> float | None:
        """When the world next changes by itself (the clock's seconds); None: not by itself."""
        with self._lock:
            return min((due for due, _, _ in self._due()), default=None)

    def advance(self) -> None:
        """Let everything happen that is due by now."""
        with self._lock:
            self._advance()

    def _due(self) -> list[tuple[float, str, bool]]:
        """What the running coils will do: (when, drawer, whether it is the one-shot)."""
        due: list[tuple[float, str, bool]] = []
        for name, drawer in self._drawers.items():
            if drawer.coil_since is not None:
                due.append((drawer.coil_since + ONE_SHOT_S, name, True))
                if not drawer.let_go:
                    due.append((drawer.coil_since + RELEASE_S, name, False))
        return due

    def _advance(self) -> float:
        now = self._clock()
        for when, name, one_shot in sorted(self._due()):
            if when > now:
                break
            drawer = self._drawers[name]
            if one_shot:
                drawer.coil_since = None
                self._note(Kind.COIL_CUT, at=when, drawer=name)
            else:
                drawer.let_go = True
                self._release(drawer, when)
        return now

    def _release(self, drawer: _Drawer, at: float) -> None:
        if drawer.hook_engaged and Fault.HOOK_JAMMED not in drawer.faults:
            drawer.hook_engaged = False
            self._note(Kind.HOOK_RELEASED, at=at, drawer=drawer.setup.id)

    # --- the wires ------------------------------------------------------------------------------

    def input_pins(self) -> tuple[int, ...]:
        """The pins that sensors drive."""
        return (*self._switches, *self._latches)

    def levels(self) -> dict[int, bool]:
        """The level of every pin that a sensor drives; True is high."""
        with self._lock:
            self._advance()
            return {pin: self._level(pin) for pin in self.input_pins()}

    def input(self, pin: int) -> bool:
        """The level of one sensor's pin; True is high, as a cut wire reads."""
        with self._lock:
            self._advance()
            return self._level(pin)

    def _level(self, pin: int) -> bool:
        if pin in self._switches:
            drawer = self._switches[pin]
            cut, stuck, high = Fault.SWITCH_CUT, Fault.SWITCH_STUCK, drawer.is_open
        elif pin in self._latches:
            drawer = self._latches[pin]
            cut, stuck, high = Fault.LATCH_CUT, Fault.LATCH_STUCK, not drawer.hook_engaged
        else:
            raise WrongPin(pin, "no sensor is on it")
        if not drawer.faults:
            return high
        if cut in drawer.faults:
            return True
        return drawer.faults.get(stuck, high)

    def output(self, pin: int, level: bool) -> None:
        """The controller drives `pin` to `level`; a board without power drives nothing."""
        with self._lock:
            now = self._advance()
            level = level and self._mains
            if pin in self._locks:
                self._drive_lock(self._locks[pin], level, now)
            elif pin in self._lights:
                drawer = self._lights[pin]
                if drawer.light != level:
                    drawer.light = level
                    self._note(Kind.LIGHT_ON if level else Kind.LIGHT_OFF, drawer=drawer.setup.id)
            elif pin == self._beeper_pin:
                if self._beeper != level:
                    self._beeper = level
                    self._note(Kind.BEEPER_ON if level else Kind.BEEPER_OFF)
            elif pin in self._switches or pin in self._latches:
                raise WrongPin(pin, "a sensor drives it, so it must not be an output")
            else:
                raise WrongPin(pin, "nothing is connected to it")

    def _drive_lock(self, drawer: _Drawer, level: bool, now: float) -> None:
        if level == drawer.line:
            return
        drawer.line = level
        if level:
            drawer.coil_since, drawer.let_go = now, False
            drawer.pulses += 1
            self._note(Kind.COIL_ON, at=now, drawer=drawer.setup.id)
        elif drawer.coil_since is not None:
            if Fault.COIL_STUCK in drawer.faults and self._mains:
                return  # its transistor does not let go: the one-shot will
            drawer.coil_since = None
            self._note(Kind.COIL_OFF, at=now, drawer=drawer.setup.id)

    def _all_outputs_low(self) -> None:
        for pin in (*self._locks, *self._lights, self._beeper_pin):
            self.output(pin, False)

    def release_outputs(self) -> None:
        """Whoever drove the pins is gone, and external resistors pull every output low."""
        with self._lock:
            self._all_outputs_low()

    # --- gestures at the drawers ----------------------------------------------------------------

    def pull(self, drawer: str) -> Outcome:
        """Pull a drawer by its handle."""
        with self._lock:
            self._advance()
            it = self._find(drawer)
            if it.is_open:
                return Outcome(False, f"{drawer} is open already")
            if it.hook_engaged:
                self._note(Kind.HELD, drawer=drawer)
                return Outcome(False, f"{drawer} is latched and does not move")
            it.is_open = True
            self._note(Kind.OPENED, drawer=drawer)
            return Outcome(True, f"{drawer} slides open")

    def push(self, drawer: str, fully: bool = True) -> Outcome:
        """Push a drawer shut; not `fully`: its switch closes, its hook does not catch."""
        with self._lock:
            self._advance()
            it = self._find(drawer)
            if not it.is_open and it.hook_engaged:
                return Outcome(False, f"{drawer} is shut and latched already")
            if it.is_open and Fault.JAMMED_OPEN in it.faults:
                return Outcome(False, f"{drawer} is jammed and does not move")
            if not it.is_open and not fully:
                return Outcome(False, f"{drawer} is nearly shut already")
            if it.is_open:
                it.is_open, it.lid = False, ""
                self._note(Kind.CLOSED, drawer=drawer)
            if not fully:
                return Outcome(True, f"{drawer} is nearly shut; its latch has not caught")
            if it.coil_since is not None and Fault.HOOK_JAMMED not in it.faults:
                return Outcome(True, f"{drawer} is shut, but its coil still holds the latch back")
            it.hook_engaged = True
            self._note(Kind.HOOK_ENGAGED, drawer=drawer)
            return Outcome(True, f"{drawer} is shut and its latch caught")

    def pry(self, drawer: str) -> Outcome:
        """Force a drawer open with a tool, latch or no latch."""
        with self._lock:
            now = self._advance()
            it = self._find(drawer)
            if it.is_open:
                return Outcome(False, f"{drawer} is open already")
            self._note(Kind.PRIED, at=now, drawer=drawer)
            if it.hook_engaged:
                it.hook_engaged = False
                self._note(Kind.HOOK_RELEASED, at=now, drawer=drawer)
            it.is_open = True
            self._note(Kind.OPENED, at=now, drawer=drawer)
            return Outcome(True, f"{drawer} breaks open")

    # --- gestures with tablets ------------------------------------------------------------------

    def take(self, place: str, n: int = 1, medicine: str | None = None) -> Outcome:
        """Take `n` out of an open drawer's pocket into the hands."""
        with self._lock:
            self._advance()
            if place in self._bins:
                return Outcome(False, f"nothing comes out of {place}: its slot is one-way")
            drawer, pocket = self._pocket(place)
            refusal = self._reach(drawer, n)
            if refusal is not None:
                return refusal
            kind = medicine or self._tablets.only_at(place, rather=pocket.medicine)
            self._lift(drawer, place)
            outcome = self._tablets.take(place, kind, n)
            if outcome:
                self._note_tablets(Kind.TAKEN, drawer, place, kind or "", n)
            return outcome

    def put(self, place: str, n: int = 1, medicine: str | None = None) -> Outcome:
        """Put `n` into an open drawer's pocket (its own medicine) or return bin.

        They come out of the hands; what the hands lack was brought from the pharmacy.
        """
        with self._lock:
            self._advance()
            if place in self._bins:
                drawer, kind = self._bins[place], medicine or self._tablets.only_in_hands()
            else:
                drawer, pocket = self._pocket(place)
                kind = medicine or pocket.medicine
            refusal = self._reach(drawer, n)
            if refusal is not None:
                return refusal
            if kind is None:
                return Outcome(False, "say which medicine goes into the return bin")
            self._lift(drawer, place)
            outcome = self._tablets.put(place, kind, n)
            if outcome:
                self._note_tablets(Kind.PUT, drawer, place, kind, n)
            return outcome

    def part(self, medicine: str, n: int = 1, to: str = "the patient") -> Outcome:
        """Hand `n` from the hands to somebody or something outside this world."""
        with self._lock:
            self._advance()
            outcome = self._tablets.part(medicine, n, to)
            if outcome:
                self._note(Kind.PARTED, medicine=medicine, count=n, detail=to)
            return outcome

    def _note_tablets(self, kind: Kind, drawer: _Drawer, place: str, medicine: str, n: int) -> None:
        self._note(kind, drawer=drawer.setup.id, place=place, medicine=medicine, count=n)

    def _lift(self, drawer: _Drawer, place: str) -> None:
        """A hand lifts the lid of the pocket that it reaches into; the one before falls shut."""
        if drawer.setup.kind == "matrix" and drawer.lid != place:
            drawer.lid = place
            self._note(Kind.LID_LIFTED, drawer=drawer.setup.id, place=place)

    def _reach(self, drawer: _Drawer, n: int) -> Outcome | None:
        """Why nobody's hand gets into `drawer` with `n` of something; None when it does."""
        if not 1 <= n <= MOST_TABLETS:
            return Outcome(False, f"a number from 1 to {MOST_TABLETS} is needed")
        if not drawer.is_open:
            return Outcome(False, f"{drawer.setup.id} is shut")
        return None

    # --- gestures at the devices, and power -----------------------------------------------------

    def touch(self, finger: str | None) -> Outcome:
        """Put `finger` on the glass (instead of any other), or lift it (None)."""
        with self._lock:
            self._advance()
            if finger == self._finger:
                return Outcome(False, "it is so already")
            if self._finger is not None:
                gone, self._finger = self._finger, None
                self._note(Kind.FINGER_OFF, detail=gone)
            if finger is not None:
                self._finger = finger
                self._note(Kind.FINGER_ON, detail=finger)
            return Outcome(True, "the finger is on the glass" if finger else "the glass is free")

    def note_badge(self, badge: str) -> None:
        """A badge was held to the reader."""
        with self._lock:
            self._advance()
            self._note(Kind.BADGE, detail=badge)

    def note_scan(self, text: str) -> None:
        """A label was scanned."""
        with self._lock:
            self._advance()
            self._note(Kind.SCANNED, detail=text)

    def note_sensor(self, name: str) -> None:
        """This finger sensor was put in another one's place."""
        with self._lock:
            self._advance()
            self._note(Kind.SENSOR, detail=name)

    def set_plugged(self, device: str, plugged: bool) -> Outcome:
        """Pull a device's cable, or put it back."""
        with self._lock:
            self._advance()
            if device not in self._plugged:
                raise NoSuchThing("device", device, list(self._plugged))
            if self._plugged[device] == plugged:
                return Outcome(False, "it is so already")
            self._plugged[device] = plugged
            self._note(Kind.PLUGGED if plugged else Kind.UNPLUGGED, detail=device)
            return Outcome(True, f"{device} is {'plugged in' if plugged else 'unplugged'}")

    def note_supply(self, mains: bool) -> None:
        """The battery carries the machine now, or the mains do again."""
        with self._lock:
            self._advance()
            self._note(Kind.ON_MAINS if mains else Kind.ON_BATTERY)

    def set_mains(self, on: bool) -> Outcome:
        """Cut the power, or restore it; tablets, drawers and hooks stay as they are."""
        with self._lock:
            self._advance()
            if self._mains == on:
                return Outcome(False, "it is so already")
            self._mains = on
            self._note(Kind.POWER_BACK if on else Kind.POWER_CUT)
            if not on:
                self._all_outputs_low()
            return Outcome(True, "power is back" if on else "power is cut")

    def set_fault(self, drawer: str, fault: Fault, on: bool = True) -> Outcome:
        """Break something at a drawer, or mend it; a stuck sensor sticks as it reads now."""
        with self._lock:
            self._advance()
            it = self._find(drawer)
            if (fault in it.faults) == on:
                return Outcome(False, "it is so already")
            if on:
                latch = fault in (Fault.LATCH_CUT, Fault.LATCH_STUCK)
                it.faults[fault] = self._level(it.setup.latch_pin if latch else it.setup.switch_pin)
            else:
                del it.faults[fault]
            self._note(Kind.FAULTED if on else Kind.MENDED, drawer=drawer, detail=fault.value)
            return Outcome(True, f"{drawer}: {fault.value}{'' if on else ' mended'}")

    # --- keeping --------------------------------------------------------------------------------

    def saved(self) -> dict[str, Any]:
        """What outlives the process, as plain JSON values: tablets, latches, drawers, faults."""
        with self._lock:
            self._advance()
            return {
                "drawers": {
                    name: {
                        "open": drawer.is_open,
                        "hook": drawer.hook_engaged,
                        "faults": {fault.name: level for fault, level in drawer.faults.items()},
                    }
                    for name, drawer in self._drawers.items()
                },
                "tablets": self._tablets.saved(),
            }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Be again as `saved()` said; ValueError when it is not of this cabinet.

        What the file does not name (a drawer added since) stays as new: shut and empty.
        """
        with self._lock:
            try:
                drawers = {
                    name: (
                        bool(it["open"]),
                        bool(it["hook"]),
                        {Fault[fault]: bool(level) for fault, level in it["faults"].items()},
                    )
                    for name, it in saved["drawers"].items()
                }
                gone = [name for name in drawers if name not in self._drawers]
                if gone:
                    raise ValueError(f"it has {', '.join(gone)}, which cabinet.toml does not have")
                self._tablets.restore(saved["tablets"])
            except (KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"not a saved world ({type(error).__name__}: {error})") from None
            for name, (is_open, hook, faults) in drawers.items():
                drawer = self._drawers[name]
                drawer.is_open, drawer.hook_engaged, drawer.faults = is_open, hook, faults

    # --- small things ---------------------------------------------------------------------------

    def _find(self, drawer: str) -> _Drawer:
        if drawer not in self._drawers:
            raise NoSuchThing("drawer", drawer, list(self._drawers))
        return self._drawers[drawer]

    def _pocket(self, place: str) -> tuple[_Drawer, Pocket]:
        if place not in self._pockets:
            raise NoSuchThing("pocket", place, list(self._pockets))
        return self._pockets[place]

    def _note(
        self,
        kind: Kind,
        *,
        at: float | None = None,
        drawer: str = "",
        place: str = "",
        medicine: str = "",
        count: int = 0,
        detail: str = "",
    ) -> None:
        self._number += 1
        when = self._clock() if at is None else at
        happening = Happening(self._number, when, kind, drawer, place, medicine, count, detail)
        self._log.append(happening)
        for observer in self._observers:
            observer(happening)
