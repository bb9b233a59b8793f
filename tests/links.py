"""A serial line without a port: an emulator behind a `Link` under a clock turned by hand.

One rule: bytes arrive only as the clock passes their time.
"""

from functools import partial
from typing import Protocol

from drivers.errors import LinkLost
from drivers.link import Link
from tests.clocks import ManualClock

Timed = list[tuple[float, bytes]]


class Emulator(Protocol):
    def feed(self, data: bytes) -> Timed: ...
    def power_on(self) -> Timed: ...


class MemoryLink:
    """One opening of a `MemoryPort`."""

    def __init__(self, port: "MemoryPort") -> None:
        self._port = port
        self.received = bytearray()
        self.arrived = port.clock.signal()
        self.alive = True

    def _check(self) -> None:
        if not self.alive:
            raise LinkLost(self._port.device, "the line is lost (unplugged)")

    def read(self, n: int, timeout_s: float) -> bytes:
        self._check()
        if not self.received:
            self.arrived.clear()
            self._port.clock.wait(timeout_s, self.arrived)
            self._check()
        data = bytes(self.received[:n])
        del self.received[:n]
        return data

    def write(self, data: bytes) -> None:
        self._check()
        self._port.answer(self._port.emulator.feed(data))

    def discard_input(self) -> None:
        self._check()
        self.received.clear()

    def close(self) -> None:
        self.alive = False


class MemoryPort:
    """Where a device is plugged in; `connect` is what a driver is given."""

    def __init__(self, device: str, emulator: Emulator, clock: ManualClock) -> None:
        self.device, self.emulator, self.clock = device, emulator, clock
        self.plugged = True
        self.link: MemoryLink | None = None
        self.opened = 0
        self._busy_until = 0.0

    def connect(self) -> Link:
        if not self.plugged:
            raise LinkLost(self.device, "the port cannot be opened (no such device)")
        assert self.link is None or not self.link.alive, "the port was opened twice"
        self.opened += 1
        self.link = MemoryLink(self)
        return self.link

    def say(self, outputs: Timed) -> None:
        """Send bytes to whoever has the port open when they arrive."""
        for delay_s, data in outputs:
            self.clock.at(delay_s, partial(self._arrive, data))

    def answer(self, outputs: Timed) -> None:
        """The same after what the device is still busy with: it does one thing at a time."""
        now = self.clock.monotonic()
        busy_s = max(0.0, self._busy_until - now)
        outputs = [(busy_s + delay_s, data) for delay_s, data in outputs]
        self._busy_until = now + max([busy_s, *(delay_s for delay_s, _ in outputs)])
        self.say(outputs)

    def _arrive(self, data: bytes) -> None:
        if self.link is not None and self.link.alive:
            self.link.received += data
            self.link.arrived.set()

    def unplug(self) -> None:
        self.plugged = False
        if self.link is not None:
            self.link.alive = False
            self.link.arrived.set()

    def plug(self) -> None:
        self.plugged, self._busy_until = True, 0.0
        self.say(self.emulator.power_on())
