"""A replaced sensor is loaded by the shipped driver, byte by byte; the power goes at any instant.

The rules, the driver, the sealing and the emulated sensor together, under a clock turned by hand.
At each start a slot that the cabinet believes proven holds its person's finger, whatever was cut.
"""

from typing import NoReturn

import pytest

from auth import templates
from cabinet import events as e
from cabinet import records as r
from cabinet.journal import Attachments
from drivers.fingerprint import FingerprintSensor
from drivers.fingerprint_session import marked_page
from drivers.readings import DeviceDown, DeviceUp, FingerReading, Reading
from sim.fingerprint_sensor import ZfmSensor
from tests.clocks import ManualClock, drive
from tests.links import MemoryPort
from tests.test_copies import PEPPER, Keeping
from tests.test_loading import Replaced
from tests.ward import SENSOR

TICK_S = 0.25
LONG_S = 60.0  # of virtual time: to load everybody


class PowerCut(BaseException):
    """Nothing runs any more; the ledger and the sensor's memory stay."""


class Whole(Replaced):
    """A ward with copies and a real driver on an emulated sensor."""

    def __init__(self) -> None:
        Keeping.__init__(self)
        self.clock, self.heard = ManualClock(), list[Reading]()
        self.fingers = {
            slot: f"finger {slot} of {person.ref}"
            for person in self.state.people.values()
            for slot in person.slots
        }
        self.sensor = ZfmSensor(
            lambda: None, dict(self.fingers), notepad={0: marked_page(SENSOR)}, pace=0.5
        )
        self.port = MemoryPort("fingerprint", self.sensor, self.clock)
        self.commands.clear()
        self.power_on()

    def power_on(self) -> None:
        self.heard.clear()
        self.driver = FingerprintSensor(
            self.port.connect, self.clock, self.heard.append, min_score=60
        )

    def turn(self, seconds: float = TICK_S) -> None:
        """What the live runtime does in a turn: commands out, the driver's work, answers in."""
        for command in self.commands:
            self.carry_out(command)
        self.commands.clear()
        drive(self.driver.poll, self.clock, seconds)
        heard, self.heard[:] = list(self.heard), []
        for reading in heard:
            match reading:
                case FingerReading():
                    seen = (reading.outcome.value, reading.slot, reading.words, reading.sealed)
                    self.do(e.FingerSeen(reading.request, *seen))
                case DeviceUp():
                    self.do(e.DeviceChanged("fingerprint", "", reading.identity))
                case DeviceDown():
                    self.do(e.DeviceChanged("fingerprint", reading.cause))
        self.now_ms += int(seconds * 1000)
        self.do(e.Tick())

    def carry_out(self, command: e.Command) -> None:
        match command:
            case e.ReadFinger():
                seal = templates.sealing(PEPPER, command.person, self._random(12))
                self.driver.read(command.request, command.slot, seal)
            case e.LoadFinger():
                kept = Attachments(self.sink)[command.template]
                assert isinstance(kept, r.KeptTemplate)
                unseal = templates.unsealing(PEPPER, command.person, kept.sealed)
                self.driver.load(command.request, command.slot, unseal)
            case e.DeleteFinger():
                self.driver.delete(command.request, command.slot)
            case e.MarkSensor():
                self.driver.mark(command.request, command.identity)
            case _:
                pass  # nobody's finger is on the glass, and PINs are told by hand

    def turn_until_quiet(self) -> None:
        """Until nothing is left to be read, loaded, wiped or erased."""
        for _ in range(int(LONG_S / TICK_S)):
            self.turn()
            state = self.state
            if self.port.link is None or "fingerprint" in state.devices_down:
                continue
            if not state.wiping and not state.forgotten and not state.loading:
                return
        raise AssertionError("it does not come to an end")

    def replace(self) -> None:
        """Another sensor, with nobody's finger and no mark."""
        self.port.unplug()
        self.turn(6.0)
        self.sensor = ZfmSensor(lambda: None, {}, notepad={}, pace=0.5)
        self.port.emulator = self.sensor
        self.port.plug()
        self.turn(6.0)
        assert self.state.found_sensor == ""

    def decide(self) -> None:
        """Two people have it loaded."""
        if self.state.session is not None:
            self.do(e.Pressed("menu"))
            self.do(e.Pressed("sign_out"))
        self.ask()
        self.approve()

    def cut(self) -> None:
        """Power off and on."""
        self.driver._link = None  # the process is gone: nobody hangs up
        self.port.unplug()
        self.port.plug()
        self.restart()
        self.power_on()

    def check(self) -> None:
        """What counts as proven is in the sensor."""
        for person in self.state.people.values():
            for slot in person.slots:
                assert self.sensor.templates.get(slot) == self.fingers[slot]


@pytest.fixture
def ward() -> Whole:
    """Copies of everybody are kept."""
    ward = Whole()
    ward.turn(3.0)
    while len(ward.attachments()) < len(ward.fingers):
        ward.turn()
    return ward


def cut_short(ward: Whole, at_s: float) -> None:
    """Load for so long, then the power goes."""

    def cut() -> None:
        raise PowerCut

    ward.clock.at(at_s, cut)
    with pytest.raises(PowerCut):
        go_on(ward)


def go_on(ward: Whole) -> NoReturn:
    while True:
        ward.turn()
        ward.check()


def test_the_power_goes_at_any_instant_of_the_load(ward: Whole) -> None:
    proven, under_way = set(), 0
    for cut_ms in range(25, 3300, 83):
        ward.replace()
        ward.decide()
        cut_short(ward, cut_ms / 1000)
        proven.add(sum(bool(person.slots) for person in ward.state.people.values()))
        under_way += any(it.order for it in ward.state.loading)
        ward.cut()
        ward.check()
        ward.turn(6.0)
        if ward.state.found_sensor is not None:  # it had no mark yet: two people decide anew
            assert not any(person.slots for person in ward.state.people.values())
            ward.decide()
        ward.turn_until_quiet()
        ward.check()
        assert ward.sensor.templates == ward.fingers, "everybody's, and nothing else"
        held = [slot for person in ward.state.people.values() for slot in person.slots]
        assert sorted(held) == sorted(ward.fingers)
    assert proven == set(range(len(ward.fingers) + 1)), "the cuts fell between all of them"
    assert under_way > 20, "and in the midst of most"
