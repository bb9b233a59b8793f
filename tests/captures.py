"""A recording of a device's line, read and played back to its driver (docs/captures.md).

What was hidden comes back as zeros, with the checksum that belongs to them.
"""

import re
from dataclasses import dataclass

from drivers.errors import LinkTimeout
from tests.clocks import ManualClock

LINE = re.compile(r"\+(\d+\.\d{3}) ([<>]) ([0-9A-F \[\]]+?)  # .*")
HIDDEN = re.compile(r"\[(\d+)\]")
HEAD = "# adc capture 1, "


@dataclass(frozen=True)
class Captured:
    """One frame; `mask` has a zero byte for each that was hidden."""

    at_s: float
    to_device: bool
    data: bytes
    mask: bytes

    def fits(self, sent: bytes) -> bool:
        return len(sent) == len(self.data) and all(
            not known or mine == theirs
            for mine, theirs, known in zip(self.data, sent, self.mask, strict=True)
        )


def read(text: str) -> list[Captured]:
    """The frames of a recording."""
    first, *lines = text.splitlines()
    assert first.startswith(HEAD), first
    found = []
    for line in lines:
        if line.startswith("#"):
            continue
        matched = LINE.fullmatch(line)
        assert matched is not None, line
        data, mask = b"", b""
        for part in matched[3].split():
            gone = HIDDEN.fullmatch(part)
            data += bytes(int(gone[1])) if gone is not None else bytes.fromhex(part)
            mask += bytes(int(gone[1])) if gone is not None else b"\1" * (len(part) // 2)
        if b"\0" in mask and data[:2] == b"\xef\x01":
            data = data[:-2] + (sum(data[6:-2]) & 0xFFFF).to_bytes(2, "big")
        found.append(Captured(float(matched[1]), matched[2] == ">", data, mask))
    return found


class Replay:
    """A Link that answers as it was recorded, as long as it is asked what was asked then."""

    def __init__(self, frames: list[Captured], clock: ManualClock) -> None:
        self._frames, self._clock = list(frames), clock
        self._there = bytearray()

    @property
    def left(self) -> int:
        return len(self._frames)

    def write(self, data: bytes) -> None:
        assert self._frames and self._frames[0].to_device, "it was asked nothing then"
        assert self._frames.pop(0).fits(data), data.hex()
        while self._frames and not self._frames[0].to_device:
            self._there += self._frames.pop(0).data

    def read(self, n: int, timeout_s: float) -> bytes:
        if not self._there:
            self._clock.wait(timeout_s, self._clock.signal())
        data = bytes(self._there[:n])
        del self._there[:n]
        return data

    def discard_input(self) -> None:
        self._there.clear()

    def close(self) -> None:
        if self._frames:
            raise LinkTimeout("fingerprint", "the recording goes on")
