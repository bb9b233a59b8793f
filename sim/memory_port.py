"""A serial port without a port: a byte emulator behind a `Link` under virtual time.

Not for what the bytes mean. One rule: bytes arrive only as virtual time passes theirs, and a device
that is unplugged loses what was on its way.
"""

import math
from collections.abc import Callable
from functools import partial

from drivers.errors import LinkLost
from drivers.lines import LOOK_S
from drivers.link import Link
from sim.pty import Emulator, Timed
from sim.virtual import FOREVER, UNITS, Hub, VirtualSignal

ECHO_S = 0.0002
MOST_WAITING_BYTES = 4096  # what a kernel's buffer keeps


class MemoryLink:
    """One opening of a `MemoryPort`."""

    def __init__(self, port: "MemoryPort") -> None:
        self._port = port
        self.received = bytearray()
        self.arrived = VirtualSignal(port.hub)
        self.alive = True

    def _check(self) -> None:
        if not self.alive:
            raise LinkLost(self._port.device, "the line is lost (unplugged)")

    def read(self, n: int, timeout_s: float) -> bytes:
        self._check()
        if not self.received and timeout_s > 0:
            self.arrived.clear()
            # A reader that would only look again waits on: nothing happens in between.
            idle = self._port.patient and timeout_s >= LOOK_S
            units = FOREVER if idle else math.ceil(timeout_s * UNITS)
            self._port.hub.wait(units, self.arrived)
            self._check()
        data = bytes(self.received[:n])
        del self.received[:n]
        return data

    def write(self, data: bytes) -> None:
        self._check()
        self._port.hear(data)

    def discard_input(self) -> None:
        self._check()
        self.received.clear()

    def close(self) -> None:
        self.alive = False


class MemoryPort:
    """Where a device is plugged in; it outlives the machine that opens it."""

    def __init__(self, device: str, emulator: Emulator, hub: Hub, *, patient: bool) -> None:
        self.device, self.emulator, self.hub, self.patient = device, emulator, hub, patient
        self.plugged = True
        self.echo = False  # what is sent comes back before any answer
        self.garble: Callable[[bytes], bytes] | None = None  # as at another speed, both ways
        self._link: MemoryLink | None = None
        self._busy_until = 0
        self._plugs = 0  # what was sent before the cable was pulled never arrives

    def connect(self) -> Link:
        """What a driver is given to open its line with."""
        if not self.plugged:
            raise LinkLost(self.device, "the port cannot be opened (no such device)")
        assert self._link is None or not self._link.alive, "the port was opened twice"
        self._link = MemoryLink(self)
        return self._link

    @property
    def bad(self) -> bool:
        """Whether the line does something to the bytes."""
        return self.echo or self.garble is not None

    def hear(self, data: bytes) -> None:
        """Bytes from the host."""
        if self.echo:
            self.say([(ECHO_S, data)])
        self.answer(self.emulator.feed(self.garble(data) if self.garble else data))

    def say(self, outputs: Timed) -> None:
        """Send bytes to whoever has the port open when they arrive."""
        if self.plugged:
            for delay_s, data in outputs:
                self.hub.after(delay_s, partial(self._arrive, data, self._plugs))

    def answer(self, outputs: Timed) -> None:
        """The same after what the device is still busy with: it does one thing at a time."""
        if not outputs:
            return
        busy = max(0, self._busy_until - self.hub.now)
        longest_s = max(delay_s for delay_s, _ in outputs)
        self._busy_until = self.hub.now + busy + math.ceil(longest_s * UNITS)
        self.say([(busy / UNITS + delay_s, data) for delay_s, data in outputs])

    def _arrive(self, data: bytes, plugs: int) -> None:
        link = self._link
        if self.garble is not None:
            data = self.garble(data)
        if plugs == self._plugs and link is not None and link.alive:
            if len(link.received) + len(data) <= MOST_WAITING_BYTES:
                link.received += data
            link.arrived.set()

    def hang_up(self) -> None:
        """The machine is gone: nobody has the port open."""
        if self._link is not None:
            self._link.alive = False

    def unplug(self) -> None:
        """Pull the cable."""
        self.plugged = False
        self._plugs += 1
        if self._link is not None:
            self._link.alive = False
            self._link.arrived.set()

    def exchange(self, emulator: Emulator) -> None:
        """Another device on a line that does not go down, as a board's own port does not.

        It had power before, and is put in as nothing is under way.
        """
        self.emulator = emulator

    def plug(self) -> None:
        """Put it back: the device begins anew."""
        self.plugged, self._busy_until = True, 0
        self.say(self.emulator.power_on())
