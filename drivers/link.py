"""The serial line under a driver; it knows nothing of frames.

Its one rule: nothing blocks for longer than it was told, and whatever goes wrong with the port is
a `LinkLost` that names the device.
"""

import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import serial

from drivers.errors import LinkLost

WRITE_TIMEOUT_S = 1.0
MOST_READ_BYTES = 4096  # what one read can return
FIRST_WAIT_S, MOST_WAIT_S = 0.2, 5.0  # before a lost port is tried again

# termios.error is no OSError; pyserial lets it through from flushing a port that is gone.
_PORT_ERRORS = (serial.SerialException, OSError, termios.error)


class Link(Protocol):
    """Bytes to and from one device."""

    def read(self, n: int, timeout_s: float) -> bytes:
        """At most `n` bytes, as soon as there are any; empty when none came within `timeout_s`."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def discard_input(self) -> None:
        """Forget what has been received and not read."""

    def close(self) -> None:
        """Give the port back; harmless when it is already closed or gone."""


Connect = Callable[[], Link]


class SerialLink:
    """A `Link` over pyserial: the port is ours alone, and neither reading nor writing can hang."""

    def __init__(self, device: str, port: str, baud: int) -> None:
        self._device = device
        try:
            self._serial = serial.Serial(
                port, baud, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=True
            )
        except _PORT_ERRORS as error:
            raise LinkLost(
                device, f"the port cannot be opened ({error}); check its plug and cable"
            ) from error

    def _lost(self, error: Exception) -> LinkLost:
        return LinkLost(self._device, f"the line is lost ({error}); check its plug and cable")

    def read(self, n: int, timeout_s: float) -> bytes:
        assert 0 < n <= MOST_READ_BYTES
        try:
            self._serial.timeout = max(0.0, timeout_s)
            first: bytes = self._serial.read(1)
            if not first or n == 1:
                return first
            self._serial.timeout = 0  # only what is there already
            rest: bytes = self._serial.read(n - 1)
        except _PORT_ERRORS as error:
            raise self._lost(error) from error
        return first + rest

    def write(self, data: bytes) -> None:
        try:
            written = self._serial.write(data)
        except _PORT_ERRORS as error:
            raise self._lost(error) from error
        if written != len(data):
            raise LinkLost(self._device, f"only {written} of {len(data)} bytes could be sent")

    def discard_input(self) -> None:
        try:
            self._serial.reset_input_buffer()
        except _PORT_ERRORS as error:
            raise self._lost(error) from error

    def close(self) -> None:
        with suppress(*_PORT_ERRORS):  # a port that is gone cannot be closed any better
            self._serial.close()


def open_serial(device: str, port: str, baud: int) -> SerialLink:
    """The line of `device` at `port`; raises LinkLost."""
    return SerialLink(device, port, baud)


class Backoff:
    """How long to wait before trying a lost port again: 0.2 s, doubling to 5 s."""

    def __init__(self) -> None:
        self._next_s = FIRST_WAIT_S

    def next_s(self) -> float:
        """The wait before the next try; each is twice the one before."""
        wait_s = self._next_s
        self._next_s = min(MOST_WAIT_S, 2 * wait_s)
        return wait_s

    def reset(self) -> None:
        """The port answered: the next loss begins with the short wait again."""
        self._next_s = FIRST_WAIT_S
