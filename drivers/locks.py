"""All drawers' locks, lights and the beeper; nothing of who may open what.

Its one rule: one owner thread touches the pins, and whatever happens to it the coils end up off.

Pulses: one coil at a time, never longer than the limit, never again within its rest time (coils
are rated for intermittent use; the hardware one-shot stands behind this when the process dies).
What a process that died a moment ago did to a coil is not known here: whoever knows says `rest`.
Inputs: normally-closed loops to ground with a pull-up, so that a cut wire reads as open.
Built on gpiozero 2.0.1; not yet run on a real Raspberry Pi.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gpiozero import DigitalInputDevice, DigitalOutputDevice

from drivers.clock import Clock
from drivers.errors import PinsFailed
from drivers.readings import (
    DeviceDown,
    DeviceUp,
    DrawerReading,
    Position,
    Post,
    PulseDone,
    PulseRefused,
)

DEVICE = "locks"
SAMPLE_S = 0.020
EQUAL_SAMPLES = 4  # so many in a row make a position: 60 ms, and contacts bounce for 50
IN_DISAGREEMENT = (False, True)  # open, yet latched: only for how long, says what it is
MOST_WAITING = 4  # pulses waiting for another coil to be off; more are refused
HIGH_AT_POWER_ON = range(9)  # the Pi pulls GPIO 0 to 8 up before any program runs (BCM2835 6.2)
REST_FACTOR = 9  # rest at least nine times the measured pulse: on for a tenth of the time


@dataclass(frozen=True)
class DrawerPins:
    """The BCM pins of one drawer."""

    drawer: str
    lock: int
    switch: int
    latch: int
    light: int


@dataclass
class _Lamp:
    """An output that follows what was last wanted: a light or the beeper."""

    what: str
    device: Any
    wanted: bool = False
    shown: bool = False


@dataclass
class _Drawer:
    """One drawer's devices and what is known of it."""

    name: str
    coil: Any
    switch: Any
    latch: Any
    light: _Lamp
    position: Position = Position.UNKNOWN
    posted: Position | None = None
    sample: tuple[bool, bool] | None = None  # (switch closed, hook engaged)
    equal: int = 0
    since: float = 0.0  # when `sample` was first seen
    rested_at: float = 0.0  # the coil is not energised again before

    @property
    def inputs_name(self) -> str:
        return f"drawer {self.name}, switch and latch"

    @property
    def coil_name(self) -> str:
        return f"drawer {self.name}, lock coil"


@dataclass(frozen=True)
class _Pulse:
    """The coil that is on now."""

    drawer: _Drawer
    entry: int
    started: float
    ends: float
    refused: bool = False  # answered already: it failed, and is here until it is surely off


class Locks:
    """The locks, lights and beeper; `run` is the owner's loop.

    `post` is called by the owner, and by a caller of `pulse` when too many wait: it never blocks.
    """

    def __init__(
        self,
        pins: Sequence[DrawerPins],
        factory: Any,
        clock: Clock,
        post: Post,
        *,
        beeper_pin: int,
        pulse_ms: int,
        rest_ms: int,
        settle_ms: int,
        limit_ms: int = 1000,
    ) -> None:
        """Claims the pins, all outputs off. Raises PinsFailed."""
        assert factory is not None, "the pin factory is named, never gpiozero's own choice"
        assert 0 < pulse_ms <= limit_ms <= 1000, "a pulse is never longer than its limit"
        assert rest_ms > 0 and settle_ms > 0
        self._clock, self._post = clock, post
        self._pulse_s, self._rest_s = pulse_ms / 1000, rest_ms / 1000
        self._settle_s = settle_ms / 1000
        self._wake = clock.signal()
        self._inbox: deque[tuple[_Drawer, int]] = deque()
        self._waiting: deque[tuple[_Drawer, int]] = deque()
        self._on: _Pulse | None = None
        self._next_sample = self._next_try = clock.monotonic()
        self._troubles: dict[str, str] = {}  # what cannot be used -> why
        self._said_up: bool | None = None
        self._stopping = self._running = self._closed = False
        self._devices: list[Any] = []
        self._drawers: dict[str, _Drawer] = {}
        self._lamps: list[_Lamp] = []
        self._claim(pins, factory, beeper_pin)

    def _claim(self, pins: Sequence[DrawerPins], factory: Any, beeper_pin: int) -> None:
        def claim(what: str, make: Callable[[], Any]) -> Any:
            try:
                device = make()
            except Exception as error:  # gpiozero's and its pin factory's own, of many kinds
                self.close()
                raise PinsFailed(DEVICE, f"{what} cannot be claimed: {error}") from error
            self._devices.append(device)
            return device

        def output(what: str, pin: int) -> Any:
            return claim(
                f"{what} (pin {pin})",
                lambda: DigitalOutputDevice(pin, initial_value=False, pin_factory=factory),
            )

        def loop(what: str, pin: int) -> Any:
            return claim(
                f"{what} (pin {pin})",
                lambda: DigitalInputDevice(pin, pull_up=True, pin_factory=factory),
            )

        for p in pins:
            if p.lock in HIGH_AT_POWER_ON:
                raise PinsFailed(
                    DEVICE,
                    f"drawer {p.drawer}, lock coil (pin {p.lock}): a Raspberry Pi pulls this pin "
                    f"high at power-on, which would open the drawer; choose one of 9 to 27",
                )
        # The coils first: they are off before anything else happens.
        coils = {p.drawer: output(f"drawer {p.drawer}, lock coil", p.lock) for p in pins}
        assert len(coils) == len(pins), "two drawers have one name"
        for p in pins:
            light = _Lamp(f"drawer {p.drawer}, light", output(f"drawer {p.drawer}, light", p.light))
            self._lamps.append(light)
            self._drawers[p.drawer] = _Drawer(
                p.drawer,
                coils[p.drawer],
                loop(f"drawer {p.drawer}, switch", p.switch),
                loop(f"drawer {p.drawer}, latch", p.latch),
                light,
            )
        self._beeper = _Lamp("beeper", output("beeper", beeper_pin))
        self._lamps.append(self._beeper)

    def positions(self) -> dict[str, Position]:
        """Read all drawers now; for start-up, before `run`. Takes little over `settle_ms` at most.

        A drawer whose pins cannot be read, or do not keep still, is UNKNOWN. Where the machine
        stalls, it takes as much longer as enough samples do.
        """
        assert not self._running, "the owner reads the pins now"
        deadline = self._clock.monotonic() + self._settle_s + (EQUAL_SAMPLES + 1) * SAMPLE_S
        samples = 0
        while (now := self._clock.monotonic()) < deadline or samples < EQUAL_SAMPLES:
            samples += 1
            for drawer in self._drawers.values():
                self._sample(drawer, now)
            if all(
                drawer.position is not Position.UNKNOWN or drawer.inputs_name in self._troubles
                for drawer in self._drawers.values()
            ):
                break
            self._clock.wait(SAMPLE_S)
        return {name: drawer.position for name, drawer in self._drawers.items()}

    def levels(self) -> dict[str, tuple[bool | None, bool | None, bool, bool]]:
        """Each drawer's (switch closed, hook engaged, coil on, light on) as last seen.

        From any thread; what cannot be read is None.
        """
        on = self._on
        return {
            name: (
                *(drawer.sample or (None, None)),
                on is not None and on.drawer is drawer,
                drawer.light.shown,
            )
            for name, drawer in self._drawers.items()
        }

    def rest(self, drawer: str, seconds: float) -> None:
        """Let a coil rest that may have been on shortly before; for start-up, before `run`."""
        assert not self._running, "the owner keeps the rest times now"
        held = self._drawers[drawer]
        held.rested_at = max(held.rested_at, self._clock.monotonic() + seconds)

    def pulse(self, drawer: str, entry: int) -> None:
        """Have the owner pulse this lock as the record `entry` orders; returns at once."""
        if len(self._inbox) >= MOST_WAITING:
            self._post(PulseRefused(drawer, entry, "too many pulses are waiting"))
            return
        self._inbox.append((self._drawers[drawer], entry))
        self._wake.set()

    def light(self, drawer: str, on: bool) -> None:
        """Have the owner switch a drawer's light."""
        self._drawers[drawer].light.wanted = on
        self._wake.set()

    def beep(self, on: bool) -> None:
        """Have the owner switch the beeper."""
        self._beeper.wanted = on
        self._wake.set()

    def run(self) -> None:
        """The owner's loop, until `stop`; all outputs are off and the pins free when it ends."""
        self._running = True
        try:
            while not self._stopping:
                wait_s = self.poll()
                self._clock.wait(wait_s, self._wake)
            self._end_orderly()
        except Exception as error:
            self.close()
            self._post(DeviceDown(DEVICE, f"the locks' owner ended: {error!r}"))
            raise
        finally:
            self.close()
            self._running = False

    def stop(self) -> None:
        """Have the owner end."""
        self._stopping = True
        self._wake.set()

    def close(self) -> None:
        """Everything off, and the pins given back; for the owner, or when it never ran."""
        if self._closed:
            return
        self._closed = True
        failures = self._all_off()
        for device in self._devices:
            try:
                device.close()  # makes the pin an input: the gate's pull-down holds the coil off
            except Exception as error:
                failures.append(f"a pin cannot be given back: {error}")
        if failures:
            raise PinsFailed(DEVICE, "; ".join(failures))

    def poll(self) -> float:
        """One pass of the owner's loop; returns how many seconds it may wait for the next."""
        self._wake.clear()
        try:
            self._end_pulse()
            self._take_orders()
            self._start_next()
            self._show()
            if self._clock.monotonic() >= self._next_sample:
                self._read()
        except BaseException as error:
            for failure in self._all_off():
                error.add_note(failure)
            raise
        due = self._next_sample
        if self._on is not None:
            due = min(due, max(self._on.ends, self._next_try))
        return max(0.0, due - self._clock.monotonic())

    def _end_pulse(self) -> None:
        """Switch the coil off when its time is over; try again at every pass until it is off."""
        pulse = self._on
        if pulse is not None and self._clock.monotonic() >= max(pulse.ends, self._next_try):
            self._coil_off(pulse)

    def _coil_off(self, pulse: _Pulse) -> None:
        if not self._try(pulse.drawer.coil_name, pulse.drawer.coil.off):
            self._next_try = self._clock.monotonic() + SAMPLE_S
            return  # it may still be on: no other coil is energised
        now = self._clock.monotonic()
        self._on = None
        pulse.drawer.rested_at = now + max(self._rest_s, REST_FACTOR * (now - pulse.started))
        if not pulse.refused:
            self._post(PulseDone(pulse.drawer.name, pulse.entry))

    def _take_orders(self) -> None:
        while self._inbox:
            drawer, entry = self._inbox.popleft()
            if why := self._why_not(drawer):
                self._post(PulseRefused(drawer.name, entry, why))
            else:
                self._waiting.append((drawer, entry))

    def _why_not(self, drawer: _Drawer) -> str:
        for what in (drawer.coil_name, drawer.inputs_name):
            if what in self._troubles:
                return f"{what}: {self._troubles[what]}"
        if self._on is not None and self._on.drawer is drawer:
            return "its coil is on already"
        if any(waiting is drawer for waiting, _ in self._waiting):
            return "a pulse for it is waiting already"
        if (rest_s := drawer.rested_at - self._clock.monotonic()) > 0:
            return f"its coil rests for another {rest_s:.1f} s"
        if len(self._waiting) >= MOST_WAITING:
            return "too many pulses are waiting"
        return ""

    def _start_next(self) -> None:
        if self._on is not None or not self._waiting:
            return
        drawer, entry = self._waiting.popleft()
        now = self._clock.monotonic()
        self._on = _Pulse(drawer, entry, now, now + self._pulse_s)
        if self._try(drawer.coil_name, drawer.coil.on):
            return
        why = f"{drawer.coil_name}: {self._troubles[drawer.coil_name]}"
        self._post(PulseRefused(drawer.name, entry, why))
        self._on = replace(self._on, ends=now, refused=True)
        self._coil_off(self._on)

    def _show(self) -> None:
        for lamp in self._lamps:
            wanted = lamp.wanted
            if wanted is not lamp.shown and self._try(
                lamp.what, lamp.device.on if wanted else lamp.device.off
            ):
                lamp.shown = wanted

    def _read(self) -> None:
        """Sample all inputs; post what changed, and whether the pins can be used."""
        now = self._clock.monotonic()
        self._next_sample = now + SAMPLE_S
        for drawer in self._drawers.values():
            self._sample(drawer, now)
        if self._troubles and self._said_up is not False:
            self._said_up = False
            what, why = next(iter(self._troubles.items()))
            self._post(DeviceDown(DEVICE, f"{what}: {why}"))
        for drawer in self._drawers.values():
            settled = drawer.position is not Position.UNKNOWN or drawer.posted is not None
            if drawer.position is not drawer.posted and (
                settled or drawer.inputs_name in self._troubles
            ):
                drawer.posted = drawer.position
                self._post(DrawerReading(drawer.name, drawer.position, now))
        if not self._troubles and self._said_up is not True:
            self._said_up = True
            self._post(DeviceUp(DEVICE))

    def _sample(self, drawer: _Drawer, now: float) -> None:
        """Read one drawer; its position changes after enough equal samples."""
        try:
            read = closed, engaged = drawer.switch.is_active, drawer.latch.is_active
        except Exception as error:  # as in `_try`
            self._failed(drawer.inputs_name, error)
            drawer.position, drawer.sample, drawer.equal = Position.UNKNOWN, None, 0
            return
        self._troubles.pop(drawer.inputs_name, None)
        if read != drawer.sample:
            drawer.sample, drawer.equal, drawer.since = read, 0, now
        elif drawer.equal == EQUAL_SAMPLES and read != IN_DISAGREEMENT:
            return  # it says what it said
        drawer.equal = min(drawer.equal + 1, EQUAL_SAMPLES)
        if drawer.equal < EQUAL_SAMPLES:
            return
        match closed, engaged:
            case True, True:
                drawer.position = Position.LATCHED
            case True, False:
                drawer.position = Position.UNLATCHED
            case False, False:
                drawer.position = Position.OPEN
            case _:  # open, yet the hook reads engaged: while it moves this may be, not for long
                if now - drawer.since >= self._settle_s:
                    drawer.position = Position.DISAGREE

    def _try(self, what: str, action: Callable[[], Any]) -> bool:
        """Do something at a pin; False, and a trouble on the list, when the pin refuses."""
        try:
            action()
        except Exception as error:  # gpiozero's and its pin factory's own, of many kinds
            self._failed(what, error)
            return False
        self._troubles.pop(what, None)
        return True

    def _failed(self, what: str, error: Exception) -> None:
        self._troubles[what] = str(error) or repr(error)

    def _all_off(self) -> list[str]:
        """Every output off, whatever happens; returns what could not be."""
        failures = []
        outputs = [(drawer.coil_name, drawer.coil) for drawer in self._drawers.values()]
        for what, device in outputs + [(lamp.what, lamp.device) for lamp in self._lamps]:
            try:
                device.off()
            except Exception as error:
                failures.append(f"{what} cannot be switched off: {error}")
        return failures

    def _end_orderly(self) -> None:
        """At `stop`: nothing that was ordered is left without its answer."""
        if self._on is not None:
            self._coil_off(self._on)
        for drawer, entry in [*self._waiting, *self._inbox]:
            self._post(PulseRefused(drawer.name, entry, "the locks are being shut down"))
