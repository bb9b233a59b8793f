"""Devices that send lines: the badge reader and the barcode scanner, in serial mode.

Not for what a number or code means. Its one rule: a line is posted whole and in its expected form,
or not at all; nobody's badge is put together from the pieces of two.

Refused lines are counted, never quoted. Not yet run on real readers.
"""

import re
from collections.abc import Callable

from drivers.clock import Clock
from drivers.errors import DriverError
from drivers.link import Backoff, Connect, Link
from drivers.readings import BadgeRead, CodeScanned, DeviceDown, DeviceUp, Post, Reading

GAP_S = 0.25  # a pause this long inside a line means that a piece of it was lost
LOOK_S = 1.0  # one wait for bytes; bounds how long `stop` takes
IDLE_S, NEVER_IDLE_S = 0.1, 1.0  # when opened: a line is idle after; is taken as it is after
SAME_BADGE_S = 1.0
MOST_CHARS = 256
_CHUNK_BYTES = 256
_ENDS = b"\r\n"
_GROUP_SEPARATOR = 0x1D  # how a scanner sends FNC1

BADGE = re.compile(r"[0-9A-Za-z-]{4,32}")
CODE = re.compile(r"[\x1d\x20-\x7e]{1,256}")


class LineReader:
    """One device that only speaks; `run` is the owner's loop."""

    def __init__(
        self,
        device: str,
        connect: Connect,
        clock: Clock,
        post: Post,
        make_reading: Callable[[str], Reading],
        pattern: re.Pattern[str],
        *,
        max_chars: int = MOST_CHARS,
        same_within_s: float = 0.0,
    ) -> None:
        """A line equal to the one before is ignored while it repeats within `same_within_s`."""
        assert max_chars > 0
        self._device, self._connect, self._clock, self._post = device, connect, clock, post
        self._make_reading, self._pattern = make_reading, pattern
        self._max_chars, self._same_within_s = max_chars, same_within_s
        self._wake = clock.signal()
        self._stopping = False
        self._link: Link | None = None
        self._backoff = Backoff()
        self._retry_at = clock.monotonic()
        self._said_down = False
        self._line = bytearray()
        self._dropping = False  # until the line ends
        self._last: tuple[str, float] | None = None
        self.refused = self.taken = 0  # lines that were no good, and good ones, since the start

    def run(self) -> None:
        """The owner's loop, until `stop`."""
        try:
            while not self._stopping:
                wait_s = self.poll()
                if wait_s > 0:
                    self._clock.wait(wait_s, self._wake)
        finally:
            self.close()

    def stop(self) -> None:
        """Have the owner end, within `LOOK_S`."""
        self._stopping = True
        self._wake.set()

    def close(self) -> None:
        """Give the line back; for the owner, or when it never ran."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def poll(self) -> float:
        """One pass: open the line if need be, and take what comes; returns seconds to wait."""
        try:
            if self._link is None:
                if self._clock.monotonic() >= self._retry_at:
                    self._open()
            else:
                self._take(self._link)
        except DriverError as error:
            self.close()
            self._retry_at = self._clock.monotonic() + self._backoff.next_s()
            if not self._said_down:
                self._said_down = True
                self._post(DeviceDown(self._device, error.cause))
        if self._link is None:
            return max(0.0, self._retry_at - self._clock.monotonic())
        return 0.0

    def _open(self) -> None:
        """Open the line; what was on its way before, or begins in mid-line, is not believed."""
        self._link = link = self._connect()
        link.discard_input()
        end = self._clock.monotonic() + NEVER_IDLE_S
        tail = b"\n"
        while (more := link.read(_CHUNK_BYTES, IDLE_S)) and self._clock.monotonic() < end:
            tail = more
        self._line.clear()
        self._dropping = (more or tail)[-1] not in _ENDS
        self._last = None
        self._backoff.reset()
        self._said_down = False
        self._post(DeviceUp(self._device))

    def _take(self, link: Link) -> None:
        data = link.read(_CHUNK_BYTES, GAP_S if self._line else LOOK_S)
        if not data and self._line:
            self._refuse()  # a piece is missing: what comes next belongs to no line of ours
            self._dropping = True
        for byte in data:
            self._take_byte(byte)

    def _take_byte(self, byte: int) -> None:
        if byte in _ENDS:
            if self._line and not self._dropping:
                self._take_line(bytes(self._line))
            self._line.clear()
            self._dropping = False
        elif self._dropping:
            pass
        elif len(self._line) >= self._max_chars or not _printable(byte):
            self._refuse()
            self._dropping = True
        else:
            self._line.append(byte)

    def _refuse(self) -> None:
        self._line.clear()
        self.refused += 1

    def _take_line(self, line: bytes) -> None:
        text = line.decode("ascii")
        if self._pattern.fullmatch(text) is None:
            self._refuse()
            return
        now = self._clock.monotonic()
        last, self._last = self._last, (text, now)
        if last is not None and last[0] == text and now - last[1] < self._same_within_s:
            return  # a badge that is held to the reader is one presentation
        self.taken += 1
        self._post(self._make_reading(text))


def _printable(byte: int) -> bool:
    return 0x20 <= byte < 0x7F or byte == _GROUP_SEPARATOR


def badge_reader(
    connect: Connect, clock: Clock, post: Post, *, device: str = "badge"
) -> LineReader:
    """Posts BadgeRead; the same badge within a second is one."""
    return LineReader(
        device, connect, clock, post, BadgeRead, BADGE, max_chars=32, same_within_s=SAME_BADGE_S
    )


def barcode_scanner(
    connect: Connect, clock: Clock, post: Post, *, device: str = "scanner"
) -> LineReader:
    """Posts CodeScanned, with FNC1 as 0x1D."""
    return LineReader(device, connect, clock, post, CodeScanned, CODE)
