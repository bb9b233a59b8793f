"""The serial line on a pseudo-terminal: bounded, exclusive, LinkLost when the plug is pulled."""

import os
import queue
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.errors import LinkLost
from drivers.lines import badge_reader
from drivers.link import WRITE_TIMEOUT_S, Backoff, SerialLink, open_serial
from drivers.readings import BadgeRead, DeviceDown, DeviceUp, Reading
from sim.lines import BadgeReader
from sim.pty import PtyDevice
from tests.demo import PATIENCE_S

pytestmark = pytest.mark.real_time


class Echo:
    """A device that sends back what it gets."""

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, data)]

    def power_on(self) -> list[tuple[float, bytes]]:
        return []


@pytest.fixture
def device(tmp_path: Path) -> Iterator[PtyDevice]:
    made = PtyDevice(Echo(), tmp_path / "echo")
    yield made
    made.close()


@pytest.fixture
def link(device: PtyDevice) -> Iterator[SerialLink]:
    made = open_serial("echo", str(device.path), 57600)
    yield made
    made.close()


def read(link: SerialLink, n: int) -> bytes:
    data = b""
    while len(data) < n:
        more = link.read(n - len(data), PATIENCE_S)
        assert more, f"only {data!r} came"
        data += more
    return data


def test_every_byte_passes_unchanged(link: SerialLink) -> None:
    every = bytes(range(256))
    link.write(every)
    assert read(link, 256) == every


def test_reading_returns_what_is_there_without_waiting_for_more(link: SerialLink) -> None:
    link.write(b"abc")
    started = time.monotonic()
    assert read(link, 3) == b"abc"
    link.write(b"de")
    got = link.read(100, 2 * PATIENCE_S)
    assert got and time.monotonic() - started < PATIENCE_S


def test_reading_ends_when_its_time_is_over(link: SerialLink) -> None:
    started = time.monotonic()
    assert link.read(10, 0.05) == b""
    assert 0.04 <= time.monotonic() - started < PATIENCE_S
    assert link.read(10, 0.0) == b""


def test_discarded_input_is_gone(device: PtyDevice, link: SerialLink) -> None:
    link.write(b"old")
    assert link.read(1, PATIENCE_S) == b"o"
    link.discard_input()
    device.send([(0.0, b"new")])
    assert read(link, 3) == b"new"


def test_the_port_is_ours_alone(device: PtyDevice, link: SerialLink) -> None:
    with pytest.raises(LinkLost, match=r"^second: the port cannot be opened"):
        open_serial("second", str(device.path), 57600)


def test_a_missing_port_is_a_lost_link_that_names_the_device(tmp_path: Path) -> None:
    with pytest.raises(LinkLost, match=r"^badge: the port cannot be opened .*check its plug"):
        open_serial("badge", str(tmp_path / "none"), 9600)


def test_after_the_plug_is_pulled_everything_is_a_lost_link(
    device: PtyDevice, link: SerialLink
) -> None:
    device.unplug()
    for use in (
        lambda: link.write(b"x"),
        lambda: link.read(1, 0.1),
        lambda: link.read(1, 0.2),
        link.discard_input,
    ):
        with pytest.raises(LinkLost, match=r"^echo: the line is lost"):
            use()
    link.close()
    link.close()
    device.plug()
    again = open_serial("echo", str(device.path), 57600)
    again.write(b"back")
    assert read(again, 4) == b"back"
    again.close()


def test_a_device_that_takes_nothing_cannot_hang_a_write(tmp_path: Path) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    link = open_serial("deaf", os.ttyname(slave), 57600)
    started = time.monotonic()
    with pytest.raises(LinkLost, match=r"^deaf: "):
        link.write(bytes(1_000_000))
    assert time.monotonic() - started < WRITE_TIMEOUT_S + PATIENCE_S
    link.close()
    os.close(master)
    os.close(slave)


def test_the_wait_before_a_new_try_doubles_to_five_seconds() -> None:
    backoff = Backoff()
    assert [backoff.next_s() for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    backoff.reset()
    assert backoff.next_s() == 0.2


def test_a_badge_passes_over_the_line_unplugged_and_plugged_in_again(tmp_path: Path) -> None:
    reader = BadgeReader()
    device = PtyDevice(reader, tmp_path / "badge")
    posted: queue.SimpleQueue[Reading] = queue.SimpleQueue()
    driver = badge_reader(
        lambda: open_serial("badge", str(device.path), 9600), SystemClock(), posted.put
    )
    device.send(reader.present("111111"))  # before the driver listens: nobody sees it
    owner = threading.Thread(target=driver.run)
    owner.start()
    try:
        assert posted.get(timeout=PATIENCE_S) == DeviceUp("badge")
        device.send(reader.present("123456"))
        assert posted.get(timeout=PATIENCE_S) == BadgeRead("123456")
        device.unplug()
        assert isinstance(posted.get(timeout=PATIENCE_S), DeviceDown)
        device.send(reader.present("222222"))  # without a plug nothing is sent
        device.plug()
        assert posted.get(timeout=PATIENCE_S) == DeviceUp("badge")
        device.send(reader.present("654321"))
        assert posted.get(timeout=PATIENCE_S) == BadgeRead("654321")
    finally:
        driver.stop()
        owner.join(PATIENCE_S)
        device.close()
    assert not owner.is_alive()
