"""What goes over a device's line, for a technician who looks on; the line itself is untouched.

Not for a device's work. One rule: what could be somebody's (a badge, a label, a finger's template
or picture) and what would help to forge it (passwords, scores, the sensor's mark) is never kept:
a decoder (`frames.py`) leaves the length and says what it was.
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from drivers.clock import Clock
from drivers.link import Connect, Link

MOST_FRAMES = 2000  # kept; what comes after is counted


@dataclass(frozen=True)
class Frame:
    """One frame as it may be shown: hex groups, with [n] for n hidden bytes, and what it is."""

    at_s: float  # monotonic
    to_device: bool
    shown: str
    words: str


class Decoder(Protocol):
    """Makes frames of bytes; keeps no more than one frame's bytes."""

    def feed(self, to_device: bool, data: bytes, at_s: float) -> list[Frame]: ...

    def settle(self, at_s: float) -> list[Frame]: ...

    def forget(self) -> None: ...


class Tap:
    """Listens to one line while somebody wants it; from any thread."""

    def __init__(self, decoder: Decoder, clock: Clock) -> None:
        self._decoder, self._clock = decoder, clock
        self._lock = threading.Lock()
        self._frames: deque[Frame] = deque()
        self._listening = False
        self._lost = 0

    def listen(self, on: bool) -> None:
        """Begin, with nothing heard yet, or end."""
        with self._lock:
            if on is not self._listening:
                self._listening, self._lost = on, 0
                self._frames.clear()
                self._decoder.forget()

    def heard(self, to_device: bool, data: bytes) -> None:
        """Bytes that went over the line."""
        if not self._listening or not data:
            return
        with self._lock:
            self._keep(self._decoder.feed(to_device, data, self._clock.monotonic()))

    def take(self) -> tuple[tuple[Frame, ...], int]:
        """The frames since the last time, and how many more there were than are kept."""
        with self._lock:
            if self._listening:
                self._keep(self._decoder.settle(self._clock.monotonic()))
            frames, lost = tuple(self._frames), self._lost
            self._frames.clear()
            self._lost = 0
            return frames, lost

    def _keep(self, frames: list[Frame]) -> None:
        room = MOST_FRAMES - len(self._frames)
        self._frames += frames[:room]
        self._lost += max(0, len(frames) - room)

    def on(self, connect: Connect) -> Connect:
        """The same connection, listened to."""
        return lambda: TappedLink(connect(), self)


class TappedLink:
    """A Link whose bytes a tap hears."""

    def __init__(self, link: Link, tap: Tap) -> None:
        self._link, self._tap = link, tap

    def read(self, n: int, timeout_s: float) -> bytes:
        data = self._link.read(n, timeout_s)
        self._tap.heard(False, data)
        return data

    def write(self, data: bytes) -> None:
        self._tap.heard(True, data)
        self._link.write(data)

    def discard_input(self) -> None:
        self._link.discard_input()

    def close(self) -> None:
        self._link.close()
