"""Badge readers and barcode scanners that send lines: the bytes they emit for a badge or label.

Their own reading of such devices, shared with no driver: ASCII, closed by CR LF (reader) or CR
(scanner), no handshake. One rule: no I/O; bytes come back with the seconds to wait before each.
"""

from collections import deque
from collections.abc import Iterable

Timed = list[tuple[float, bytes]]

CHARACTER_S = 10 / 9600  # start, eight bits, stop at 9600 baud


class LineEmulator:
    """A device that only speaks; what the host sends is ignored, as such devices do."""

    def __init__(self, ending: bytes) -> None:
        self._ending = ending
        self.sent: deque[bytes] = deque(maxlen=64)  # for whoever listens on the line

    def feed(self, data: bytes) -> Timed:
        return []

    def power_on(self) -> Timed:
        return []

    def line(self, text: str) -> Timed:
        """The bytes of `text` as the device sends them, with the time they take on the wire."""
        data = text.encode("latin-1") + self._ending
        self.sent.append(data)
        return [(len(data) * CHARACTER_S, data)]

    def noise(self, chunks: Iterable[bytes]) -> Timed:
        """Raw bytes at once: a wrong baud rate, interference, a cut line."""
        return [(0.0, bytes(chunk)) for chunk in chunks]


class BadgeReader(LineEmulator):
    """A proximity reader in serial mode: the badge's number and CR LF."""

    def __init__(self) -> None:
        super().__init__(b"\r\n")

    def present(self, number: str) -> Timed:
        """A badge held to the reader."""
        return self.line(number)


class Scanner(LineEmulator):
    """A barcode scanner in serial mode: the symbol's text with FNC1 as 0x1D, and CR."""

    def __init__(self) -> None:
        super().__init__(b"\r")

    def scan(self, text: str) -> Timed:
        """A label before the scanner."""
        return self.line(text)
