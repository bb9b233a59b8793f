"""gpiozero's own devices on the simulated world: over the socket, and directly."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gpiozero import DigitalInputDevice, DigitalOutputDevice
from gpiozero.exc import PinInvalidFunction

from cabinet.configuration import load
from sim.errors import SimulatorError, WorldLost
from sim.happenings import Happening, Kind, pulses
from sim.medicines import DEMO
from sim.pins import SOCKET_VARIABLE, DirectLines, SocketLines, WorldFactory
from sim.views import Fault
from sim.wires import Wires
from sim.world import World
from tests.demo import PATIENCE_S, until

pytestmark = pytest.mark.real_time
LOCK, SWITCH, LATCH, LIGHT = 16, 2, 3, 17  # drawer D1 of the demo


@pytest.fixture(name="world")
def _world() -> World:
    return World(load(DEMO / "cabinet.toml"))


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "pins"


@pytest.fixture(name="wires")
def _wires(world: World, path: Path) -> Iterator[Wires]:
    wires = Wires(world, path)
    wires.start()
    yield wires
    wires.stop()


@pytest.fixture(name="factory")
def _factory(wires: Wires, path: Path) -> Iterator[WorldFactory]:
    factory = WorldFactory(SocketLines(str(path)))
    yield factory
    factory.close()


def entered(factory: WorldFactory, pin: int) -> DigitalInputDevice:
    return DigitalInputDevice(pin, pull_up=True, pin_factory=factory)


def test_a_driver_sees_a_drawer_shut_and_latched_then_released_then_open(
    world: World, factory: WorldFactory
) -> None:
    switch, latch = entered(factory, SWITCH), entered(factory, LATCH)
    lock = DigitalOutputDevice(LOCK, pin_factory=factory)
    assert (switch.is_active, latch.is_active) == (True, True)
    lock.on()
    assert lock.value == 1
    until(lambda: world.drawer("D1").hook_engaged is False)
    lock.off()
    world.pull("D1")
    until(lambda: not switch.is_active and not latch.is_active)
    world.push("D1")
    until(lambda: switch.is_active and latch.is_active)
    assert len(pulses(world.events)) == 1


def test_a_cut_wire_reads_open_at_the_driver(world: World, factory: WorldFactory) -> None:
    switch = entered(factory, SWITCH)
    world.set_fault("D1", Fault.SWITCH_CUT)
    until(lambda: not switch.is_active)


def test_events_of_gpiozero_fire_at_a_change(world: World, factory: WorldFactory) -> None:
    switch, opened = entered(factory, SWITCH), threading.Event()
    switch.when_deactivated = opened.set
    world.pry("D1")
    assert opened.wait(PATIENCE_S)


def test_reading_a_pin_raises_while_the_world_is_away_and_works_when_it_is_back(
    world: World, path: Path
) -> None:
    wires = Wires(world, path)
    wires.start()
    factory = WorldFactory(SocketLines(str(path)))
    switch = entered(factory, SWITCH)
    light = DigitalOutputDevice(LIGHT, pin_factory=factory)
    light.on()
    until(lambda: world.drawer("D1").light)
    wires.stop()
    until(lambda: _raises(lambda: switch.is_active))
    with pytest.raises(WorldLost, match="pins"):
        light.on()
    again = Wires(world, path)
    again.start()
    until(lambda: not _raises(lambda: switch.is_active))
    assert switch.is_active
    assert light.value == 0  # as after power-on: nothing is driven again by itself
    light.on()
    until(lambda: world.drawer("D1").light)
    factory.close()
    again.stop()


def _raises(read: Callable[[], object]) -> bool:
    try:
        read()
    except WorldLost:
        return True
    return False


def test_closing_a_device_lets_its_output_fall(world: World, factory: WorldFactory) -> None:
    light = DigitalOutputDevice(LIGHT, initial_value=True, pin_factory=factory)
    until(lambda: world.drawer("D1").light)
    light.close()
    until(lambda: not world.drawer("D1").light)


def test_a_killed_controller_releases_every_output_at_once(
    world: World, wires: Wires, path: Path
) -> None:
    program = (
        "import sys; from gpiozero import DigitalOutputDevice; from sim.pins import WorldFactory\n"
        "factory = WorldFactory()\n"
        f"lock = DigitalOutputDevice({LOCK}, initial_value=True, pin_factory=factory)\n"
        f"light = DigitalOutputDevice({LIGHT}, initial_value=True, pin_factory=factory)\n"
        "print('on', flush=True); sys.stdin.read()\n"
    )
    controller = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, SOCKET_VARIABLE: str(path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert controller.stdout is not None
    assert controller.stdin is not None
    assert controller.stdout.readline() == b"on\n"
    until(lambda: world.drawer("D1").light)
    controller.send_signal(signal.SIGKILL)
    controller.wait()
    until(lambda: not world.drawer("D1").light and not wires.connected)
    [only] = pulses(world.events)
    assert only.off is not None
    assert only.off - only.on <= 1.0 + 1e-6
    controller.stdin.close()
    controller.stdout.close()


def test_a_hanging_controller_is_cut_off_by_the_one_shot(
    world: World, factory: WorldFactory
) -> None:
    lock = DigitalOutputDevice(LOCK, initial_value=True, pin_factory=factory)
    until(lambda: world.drawer("D1").pulses == 1)
    until(lambda: not world.drawer("D1").coil)
    [only] = pulses(world.events)
    assert only.cut
    assert lock.value == 1  # for all that the controller knows


def refusal(path: Path) -> str:
    """Why a controller gets no pins at `path`."""
    with pytest.raises(WorldLost) as lost:
        SocketLines(str(path), first_levels_s=0.2)
    return str(lost.value)


def test_a_second_controller_is_refused_while_the_first_holds_the_pins(
    factory: WorldFactory, path: Path
) -> None:
    until(lambda: "another controller" in refusal(path))
    assert entered(factory, SWITCH).is_active


def test_a_pin_with_a_sensor_on_it_cannot_be_made_an_output(factory: WorldFactory) -> None:
    with pytest.raises(PinInvalidFunction):
        DigitalOutputDevice(SWITCH, pin_factory=factory)


def test_the_factory_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOCKET_VARIABLE, raising=False)
    with pytest.raises(SimulatorError, match=SOCKET_VARIABLE):
        WorldFactory()
    until(lambda: "No such file" in refusal(tmp_path / "none"))


@pytest.mark.parametrize(
    "garbage",
    [b"drive 2 1\n", b"drive x 1\n", b"GET / HTTP/1.1\r\n\r\n", b"z" * 99, b"drive 0 1\n"],
)
def test_whoever_speaks_garbage_is_dropped_and_drives_nothing(
    wires: Wires, world: World, path: Path, garbage: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(PATIENCE_S)
        stranger.connect(str(path))
        until(lambda: wires.connected)
        stranger.sendall(garbage)
        until(lambda: not wires.connected)
    assert world.events == ()


def test_the_socket_is_the_owners_alone(wires: Wires, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_in_one_process_the_same_pins_need_no_thread(world: World) -> None:
    factory = WorldFactory(DirectLines(world))
    before = set(threading.enumerate())
    switch = entered(factory, SWITCH)
    lock = DigitalOutputDevice(LOCK, pin_factory=factory)
    lock.on()
    lock.off()
    world.pry("D1")
    assert not switch.is_active
    assert set(threading.enumerate()) <= before
    factory.close()


def test_a_change_reaches_the_world_in_the_order_it_was_driven(
    world: World, factory: WorldFactory
) -> None:
    heard: list[Kind] = []

    def hear(happening: Happening) -> None:
        heard.append(happening.kind)

    world.observe(hear)
    light = DigitalOutputDevice(LIGHT, pin_factory=factory)
    for _ in range(200):
        light.on()
        light.off()
    until(lambda: len(heard) == 400)
    assert heard == [Kind.LIGHT_ON, Kind.LIGHT_OFF] * 200
