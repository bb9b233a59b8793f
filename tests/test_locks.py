"""The locks driver on gpiozero's mock pins and a clock turned by hand: pulses, rest, positions."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPin

from drivers.clock import Signal, SystemClock
from drivers.errors import PinsFailed
from drivers.locks import MOST_WAITING, DrawerPins, Locks
from drivers.readings import (
    DeviceDown,
    DeviceUp,
    DrawerReading,
    Position,
    PulseDone,
    PulseRefused,
    Reading,
)
from tests.clocks import ManualClock, drive
from tests.demo import PATIENCE_S

# Not 2 and 3 for outputs: the Pi has pull-ups soldered to them.
D1 = DrawerPins("D1", lock=16, switch=3, latch=4, light=5)
D2 = DrawerPins("D2", lock=17, switch=7, latch=8, light=9)
D3 = DrawerPins("D3", lock=18, switch=11, latch=12, light=13)
BEEPER = 14
PULSE_MS, REST_MS, SETTLE_MS = 500, 5000, 300
BOUNCE_MS = 50  # the longest that contacts may bounce


class WeakPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin that fails like a board that is gone, while `broken` is set."""

    broken = ""

    def _get_state(self) -> Any:
        if self.broken:
            raise OSError(5, self.broken)
        return super()._get_state()

    def _set_state(self, value: Any) -> None:
        if self.broken:
            raise OSError(5, self.broken)
        super()._set_state(value)


class Rig:
    """Three drawers on mock pins, shut and latched, and what the driver posted."""

    def __init__(self) -> None:
        self.factory = MockFactory(pin_class=WeakPin)
        self.clock = ManualClock()
        self.posted: list[Reading] = []
        self.edges: list[tuple[float, int, bool]] = []
        self.locks = self.build()
        for pins in (D1, D2, D3):
            self.shut(pins)

    def build(self, post: Any = None, clock: Any = None) -> Locks:
        return Locks(
            (D1, D2, D3),
            self.factory,
            clock or self.clock,
            post or self.posted.append,
            beeper_pin=BEEPER,
            pulse_ms=PULSE_MS,
            rest_ms=REST_MS,
            settle_ms=SETTLE_MS,
        )

    def pin(self, number: int) -> Any:
        return self.factory.pin(number)

    def set(self, pins: DrawerPins, *, closed: bool, engaged: bool) -> None:
        for number, active in ((pins.switch, closed), (pins.latch, engaged)):
            pin = self.pin(number)
            pin.drive_low() if active else pin.drive_high()

    def shut(self, pins: DrawerPins) -> None:
        self.set(pins, closed=True, engaged=True)

    def coils(self) -> list[int]:
        return [p.lock for p in (D1, D2, D3) if self.pin(p.lock)._state]

    def drive(self, seconds: float) -> None:
        def poll() -> float:
            wait_s = self.locks.poll()
            assert len(self.coils()) <= 1, "two coils at once"
            for pins in (D1, D2, D3):
                on = bool(self.pin(pins.lock)._state)
                last = [e for e in self.edges if e[1] == pins.lock]
                if on is not (last[-1][2] if last else False):
                    self.edges.append((self.clock.monotonic(), pins.lock, on))
            return wait_s

        drive(poll, self.clock, seconds)

    def pulses(self, pins: DrawerPins) -> list[tuple[float, float]]:
        """(start, length) of each pulse of this coil."""
        mine = [(at, on) for at, pin, on in self.edges if pin == pins.lock]
        return [
            (round(start - 1000.0, 6), round(end - start, 6))
            for (start, _), (end, _) in zip(mine[::2], mine[1::2], strict=True)
        ]

    def take(self) -> list[Reading]:
        out: list[Reading] = [r for r in self.posted if not isinstance(r, DeviceUp)]
        self.posted.clear()
        return out


@pytest.fixture
def rig() -> Iterator[Rig]:
    before = Device.pin_factory
    made = Rig()
    yield made
    made.locks.close()
    assert Device.pin_factory is before, "the driver never sets gpiozero's global factory"


def test_every_drawer_is_posted_once_at_the_start_and_then_only_when_it_changes(rig: Rig) -> None:
    rig.drive(1.0)
    assert rig.posted == [
        DeviceUp("locks"),
        *(DrawerReading(name, Position.LATCHED) for name in ("D1", "D2", "D3")),
    ]
    rig.take()
    rig.drive(1.0)
    assert rig.take() == []


def test_positions_reads_all_drawers_before_the_owner_runs(rig: Rig) -> None:
    rig.set(D1, closed=True, engaged=False)
    rig.set(D2, closed=False, engaged=False)
    assert rig.locks.positions() == {
        "D1": Position.UNLATCHED,
        "D2": Position.OPEN,
        "D3": Position.LATCHED,
    }
    assert rig.clock.monotonic() - 1000.0 < 0.1
    assert rig.posted == []


def test_positions_waits_for_a_disagreement_and_no_longer(rig: Rig) -> None:
    rig.set(D1, closed=False, engaged=True)
    assert rig.locks.positions()["D1"] is Position.DISAGREE
    assert rig.clock.monotonic() - 1000.0 < SETTLE_MS / 1000 + 0.1


def test_positions_says_unknown_for_pins_that_cannot_be_read(rig: Rig) -> None:
    rig.pin(D2.latch).broken = "gone"
    assert rig.locks.positions()["D2"] is Position.UNKNOWN


def test_positions_are_known_however_long_the_machine_stalls_at_the_start(rig: Rig) -> None:
    class Stalling(ManualClock):
        def wait(self, seconds: float, signal: Any = None) -> bool:
            return super().wait(seconds + SETTLE_MS / 1000, signal)

    rig.locks.close()
    rig.locks = rig.build(clock=Stalling())
    for pins in (D1, D2, D3):
        rig.shut(pins)
    assert set(rig.locks.positions().values()) == {Position.LATCHED}


def test_a_drawer_opened_without_a_pulse_is_posted_just_the_same(rig: Rig) -> None:
    rig.drive(0.2)
    rig.take()
    rig.set(D2, closed=False, engaged=False)
    rig.drive(0.2)
    assert rig.take() == [DrawerReading("D2", Position.OPEN)]


def test_a_cut_wire_reads_as_open_and_never_as_closed(rig: Rig) -> None:
    rig.drive(0.2)
    rig.take()
    rig.pin(D1.switch).drive_high()  # both loops share a cable that is cut
    rig.pin(D1.latch).drive_high()
    rig.drive(0.2)
    assert rig.take() == [DrawerReading("D1", Position.OPEN)]
    rig.pin(D2.latch).drive_high()  # the latch's alone
    rig.drive(0.2)
    assert rig.take() == [DrawerReading("D2", Position.UNLATCHED)]
    rig.pin(D3.switch).drive_high()  # the switch's alone
    rig.drive(1.0)
    assert rig.take() == [DrawerReading("D3", Position.DISAGREE)]


def test_contact_bounce_is_not_a_change(rig: Rig) -> None:
    rig.drive(0.2)
    rig.take()
    for _ in range(20):
        rig.set(D1, closed=False, engaged=False)
        rig.drive(BOUNCE_MS / 1000)  # at most three samples
        rig.shut(D1)
        rig.drive(BOUNCE_MS / 1000)
    assert rig.take() == []


def test_a_drawer_just_pulled_open_never_reads_as_latched_while_its_contacts_bounce(
    rig: Rig,
) -> None:
    rig.drive(0.2)
    rig.set(D1, closed=False, engaged=False)
    rig.drive(0.2)
    assert rig.take()[-1] == DrawerReading("D1", Position.OPEN)
    for late_ms in range(20):  # wherever the bounce falls between two samples
        rig.shut(D1)
        rig.drive(BOUNCE_MS / 1000)
        rig.set(D1, closed=False, engaged=False)
        rig.drive(0.1 + late_ms / 1000)
        assert rig.take() == []


def test_disagreement_is_a_fault_only_after_the_settling_time(rig: Rig) -> None:
    rig.drive(0.2)
    rig.take()
    rig.set(D1, closed=False, engaged=True)
    rig.drive(SETTLE_MS / 1000 - 0.05)
    assert rig.take() == []
    rig.drive(0.15)
    assert rig.take() == [DrawerReading("D1", Position.DISAGREE)]
    rig.set(D1, closed=False, engaged=False)
    rig.drive(0.1)
    assert rig.take() == [DrawerReading("D1", Position.OPEN)]


def test_a_pulse_is_as_long_as_it_is_set_and_answered_when_the_coil_is_off(rig: Rig) -> None:
    rig.drive(0.2)
    rig.take()
    rig.locks.pulse("D1", 41)
    rig.drive(0.25)
    assert rig.coils() == [D1.lock] and rig.take() == []
    rig.drive(0.5)
    assert rig.coils() == []
    assert rig.take() == [PulseDone("D1", 41)]
    assert rig.pulses(D1) == [(0.2, PULSE_MS / 1000)]


def test_no_pulse_is_longer_than_a_second() -> None:
    for pulse_ms, limit_ms in ((1001, 1000), (1500, 1500), (600, 500), (0, 1000)):
        with pytest.raises(AssertionError):
            Locks(
                (D1,),
                MockFactory(),
                ManualClock(),
                print,
                beeper_pin=BEEPER,
                pulse_ms=pulse_ms,
                rest_ms=REST_MS,
                settle_ms=SETTLE_MS,
                limit_ms=limit_ms,
            )


def test_a_coil_is_not_energised_again_within_its_rest_time(rig: Rig) -> None:
    rig.locks.pulse("D1", 1)
    rig.drive(0.6)
    rig.take()
    rig.locks.pulse("D1", 2)
    rig.drive(0.1)
    assert rig.take() == [PulseRefused("D1", 2, "its coil rests for another 4.9 s")]
    rig.drive(REST_MS / 1000)
    rig.locks.pulse("D1", 3)
    rig.drive(0.6)
    assert rig.take() == [PulseDone("D1", 3)]
    (first, length), (second, _) = rig.pulses(D1)
    assert second - (first + length) >= REST_MS / 1000


def test_the_same_coil_is_refused_while_it_is_on_or_waiting(rig: Rig) -> None:
    rig.drive(0.1)
    rig.take()
    rig.locks.pulse("D1", 1)
    rig.locks.pulse("D1", 2)
    rig.drive(0.1)
    rig.locks.pulse("D1", 3)
    rig.drive(0.1)
    assert rig.take() == [
        PulseRefused("D1", 2, "a pulse for it is waiting already"),
        PulseRefused("D1", 3, "its coil is on already"),
    ]
    rig.drive(0.5)
    assert rig.take() == [PulseDone("D1", 1)]


def test_two_coils_are_never_on_at_once(rig: Rig) -> None:
    rig.locks.pulse("D1", 1)
    rig.locks.pulse("D2", 2)
    rig.locks.pulse("D3", 3)
    rig.drive(2.0)
    done = [r for r in rig.take() if not isinstance(r, DrawerReading)]
    assert done == [PulseDone("D1", 1), PulseDone("D2", 2), PulseDone("D3", 3)]
    assert [rig.pulses(p) for p in (D1, D2, D3)] == [[(0.0, 0.5)], [(0.5, 0.5)], [(1.0, 0.5)]]


def test_more_pulses_than_may_wait_are_refused_at_once(rig: Rig) -> None:
    for entry in range(MOST_WAITING):
        rig.locks.pulse("D1", entry)
    assert rig.posted == []
    rig.locks.pulse("D2", 99)
    assert rig.posted == [PulseRefused("D2", 99, "too many pulses are waiting")]


def test_a_late_owner_makes_the_coil_rest_for_longer(rig: Rig) -> None:
    rig.locks.pulse("D1", 1)
    rig.locks.poll()
    rig.clock.advance(2.0)  # the machine stalled; the hardware one-shot has cut the coil
    rig.drive(10.0)
    rig.take()
    rig.locks.pulse("D1", 2)
    rig.drive(0.1)
    assert rig.take() == [PulseRefused("D1", 2, "its coil rests for another 8.0 s")]


def test_the_coil_is_off_when_the_owner_fails_in_the_middle_of_a_pulse(rig: Rig) -> None:
    class Crash(Exception):
        pass

    def post(reading: Reading) -> None:
        if isinstance(reading, DrawerReading) and reading.position is Position.OPEN:
            raise Crash("the controller's queue is gone")
        rig.posted.append(reading)

    rig.locks.close()
    rig.locks = rig.build(post=post)
    for pins in (D1, D2, D3):
        rig.shut(pins)
    rig.locks.light("D1", True)
    rig.clock.at(0.1, lambda: rig.locks.pulse("D1", 1))
    rig.clock.at(0.2, lambda: seen.extend(rig.coils()))
    rig.clock.at(0.3, lambda: rig.set(D2, closed=False, engaged=False))
    seen: list[int] = []
    with pytest.raises(Crash):
        rig.locks.run()
    assert seen == [D1.lock]
    assert rig.coils() == [] and not rig.pin(D1.light).state
    assert isinstance(rig.posted[-1], DeviceDown)
    assert rig.clock.monotonic() < 1000.5, "in the middle of the pulse"


def test_the_coil_is_off_when_the_clock_fails_in_the_middle_of_a_pulse(rig: Rig) -> None:
    class StoppingClock(ManualClock):
        def wait(self, seconds: float, signal: Signal | None = None) -> bool:
            if rig.coils():
                raise KeyboardInterrupt
            return super().wait(seconds, signal)

    rig.locks.close()
    rig.locks = rig.build(clock=StoppingClock())
    rig.locks.pulse("D1", 1)
    with pytest.raises(KeyboardInterrupt):
        rig.locks.run()
    assert rig.coils() == []


def test_a_coil_that_may_have_been_on_before_the_start_rests_first(rig: Rig) -> None:
    """As after a kill: the new process is there within the rest time of the old one's pulse."""
    rig.locks.rest("D1", 4.0)
    rig.locks.pulse("D1", 2)
    rig.locks.pulse("D2", 3)
    rig.drive(0.1)
    assert PulseRefused("D1", 2, "its coil rests for another 4.0 s") in rig.take()
    assert rig.coils() == [D2.lock]
    rig.drive(4.0)
    rig.locks.pulse("D1", 4)
    rig.drive(0.1)
    assert rig.coils() == [D1.lock]


def test_stopping_cuts_the_pulse_and_answers_every_order(rig: Rig) -> None:
    rig.locks.pulse("D1", 1)
    rig.locks.pulse("D2", 2)
    rig.clock.at(0.2, rig.locks.stop)
    rig.locks.run()
    assert [r for r in rig.take() if not isinstance(r, DrawerReading)] == [
        PulseDone("D1", 1),
        PulseRefused("D2", 2, "the locks are being shut down"),
    ]
    assert rig.coils() == []
    rig.build().close()  # the pins are free again


def test_pins_that_cannot_be_read_are_unknown_until_they_can(rig: Rig) -> None:
    rig.drive(0.2)
    rig.take()
    rig.pin(D1.switch).broken = "the world is gone"
    rig.drive(0.2)
    down, unknown = rig.take()
    assert unknown == DrawerReading("D1", Position.UNKNOWN)
    assert isinstance(down, DeviceDown) and down.device == "locks"
    assert "drawer D1" in down.cause and "the world is gone" in down.cause
    rig.locks.pulse("D1", 7)
    rig.drive(0.2)
    (refused,) = rig.take()
    assert isinstance(refused, PulseRefused) and "the world is gone" in refused.why
    rig.pin(D1.switch).broken = ""
    rig.drive(0.2)
    assert DeviceUp("locks") in rig.posted
    assert rig.take() == [DrawerReading("D1", Position.LATCHED)]


def test_a_coil_that_cannot_be_driven_is_refused_and_said(rig: Rig) -> None:
    rig.drive(0.2)
    rig.take()
    rig.pin(D1.lock).broken = "short circuit"
    rig.locks.pulse("D1", 7)
    rig.locks.pulse("D2", 8)
    rig.drive(0.2)
    refused, down = rig.take()
    assert isinstance(refused, PulseRefused) and "short circuit" in refused.why
    assert isinstance(down, DeviceDown) and "drawer D1, lock coil" in down.cause
    rig.drive(1.0)
    assert rig.pulses(D2) == [], "no second coil while the first may be on"
    rig.pin(D1.lock).broken = ""
    rig.drive(1.0)
    assert PulseDone("D2", 8) in rig.take()


def test_a_coil_that_cannot_be_switched_off_is_tried_again_until_it_is(rig: Rig) -> None:
    rig.drive(0.2)
    rig.locks.pulse("D1", 7)
    rig.drive(0.3)
    rig.pin(D1.lock).broken = "bus error"
    rig.take()
    rig.drive(0.5)
    (down,) = rig.take()
    assert isinstance(down, DeviceDown) and "bus error" in down.cause
    rig.pin(D1.lock).broken = ""
    rig.drive(0.1)
    assert rig.take() == [PulseDone("D1", 7)] and rig.coils() == []


def test_lights_and_beeper_follow_what_was_asked_last(rig: Rig) -> None:
    rig.locks.light("D2", True)
    rig.locks.beep(True)
    rig.drive(0.1)
    assert rig.pin(D2.light).state and rig.pin(BEEPER).state
    rig.locks.light("D2", False)
    rig.locks.light("D2", True)
    rig.locks.beep(False)
    rig.drive(0.1)
    assert rig.pin(D2.light).state and not rig.pin(BEEPER).state


def test_a_pin_used_twice_is_refused_by_name_and_leaves_no_pin_claimed() -> None:
    factory = MockFactory()
    twice = DrawerPins("D9", lock=20, switch=21, latch=D1.latch, light=22)
    with pytest.raises(PinsFailed, match=r"locks: drawer D9, latch \(pin 4\)"):
        Locks(
            (D1, twice),
            factory,
            ManualClock(),
            print,
            beeper_pin=BEEPER,
            pulse_ms=PULSE_MS,
            rest_ms=REST_MS,
            settle_ms=SETTLE_MS,
        )
    Locks(
        (D1,),
        factory,
        ManualClock(),
        print,
        beeper_pin=BEEPER,
        pulse_ms=PULSE_MS,
        rest_ms=REST_MS,
        settle_ms=SETTLE_MS,
    ).close()


@pytest.mark.parametrize("pin", range(9))
def test_a_lock_on_a_pin_that_is_high_at_power_on_is_refused(pin: int) -> None:
    with pytest.raises(PinsFailed, match="would open the drawer"):
        Locks(
            (DrawerPins("D1", lock=pin, switch=20, latch=21, light=22),),
            MockFactory(),
            ManualClock(),
            print,
            beeper_pin=BEEPER,
            pulse_ms=PULSE_MS,
            rest_ms=REST_MS,
            settle_ms=SETTLE_MS,
        )


@pytest.mark.real_time
def test_the_owner_is_woken_by_an_order_and_does_not_poll_for_it(rig: Rig) -> None:
    rig.locks.close()
    edges: list[float] = []
    done = threading.Event()

    class TimedPin(WeakPin):
        def _set_state(self, value: Any) -> None:
            super()._set_state(value)
            if value:
                edges.append(time.perf_counter())
            elif edges:
                done.set()

    def delay(n: int) -> float:
        """From an order to its coil's edge; then until the coil is off again."""
        done.clear()
        asked = time.perf_counter()
        locks.pulse(f"D{n}", n)
        assert done.wait(PATIENCE_S)
        return edges[-1] - asked

    rig.factory = MockFactory(pin_class=TimedPin)
    locks = Locks(
        [
            DrawerPins(f"D{n}", lock=n + 10, switch=n, latch=n + 4, light=n + 14)
            for n in range(2, 6)
        ],
        rig.factory,
        SystemClock(),
        rig.posted.append,
        beeper_pin=27,
        pulse_ms=10,
        rest_ms=100,
        settle_ms=SETTLE_MS,
    )
    owner = threading.Thread(target=locks.run)
    owner.start()
    try:
        for _ in range(20):
            delays = [delay(n) for n in range(2, 6)][1:]
            if min(delays) < 0.005:  # a sample is due only 10 ms after the coil before went off
                break
            SystemClock().wait(0.2)  # the machine is busy, and coils rest
    finally:
        locks.stop()
        owner.join(PATIENCE_S)
    assert not owner.is_alive()
    assert min(delays) < 0.005, delays
