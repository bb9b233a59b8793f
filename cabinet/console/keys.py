"""Bytes of a serial line as the keystrokes that the console knows; everything else is dropped.

Not for what a key does. One rule: what comes out is printable ASCII, a few control characters and
whole sequences of the arrow and editing keys, and never more than a line's worth without an end.
"""

import re

MAX_LINE = 256  # printable characters until Enter; a signature's lines have 70
ESCAPE, ENTER, CONTROL_C, CONTROL_U = 0x1B, "\r", "\x03", "\x15"
# ^A ^B ^C ^E ^F, backspace, tab, ^K ^L ^N ^P ^U ^W, delete; not ^D, so that no noise logs out
CONTROLS = frozenset((1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 16, 21, 23, 0x7F))
SEQUENCES = frozenset(
    (
        *(f"\x1b[{final}" for final in "ABCDHF"),  # arrows, home, end
        *(f"\x1bO{final}" for final in "ABCDHF"),  # the same in application mode
        *("\x1b[1~", "\x1b[3~", "\x1b[4~"),  # home, delete, end
    )
)
_MAX_SEQUENCE = 10
_POSITION = re.compile(r"\x1b\[([0-9]{1,3});([0-9]{1,3})R")  # the answer to "where is the cursor?"
_INTRODUCERS = (ord("["), ord("O"))


class KeyFilter:
    """Takes bytes as they come, in pieces of any size."""

    def __init__(self) -> None:
        self._sequence = bytearray()
        self._after_return = False
        self._length = 0
        self.position: tuple[int, int] | None = None  # row and column, as last told by a terminal

    def feed(self, data: bytes) -> list[str]:
        """The keystrokes in `data`, one string each."""
        keys = []
        for byte in data:
            key = self._take(byte)
            if key:
                keys.append(key)
        return keys

    def _take(self, byte: int) -> str:
        if self._sequence:
            return self._continue(byte)
        after_return, self._after_return = self._after_return, byte == ord("\r")
        if byte == ESCAPE:
            self._sequence.append(byte)
            return ""
        if byte in b"\r\n":
            self._length = 0
            return "" if byte == ord("\n") and after_return else ENTER
        if 0x20 <= byte < 0x7F:
            self._length += 1
            return chr(byte) if self._length <= MAX_LINE else ""
        if byte in CONTROLS:
            if chr(byte) in (CONTROL_C, CONTROL_U):
                self._length = 0
            return chr(byte)
        return ""

    def _continue(self, byte: int) -> str:
        """One more byte of an escape sequence: whole and known, or gone."""
        if byte == ESCAPE:
            self._sequence = bytearray((ESCAPE,))
            return ""
        self._sequence.append(byte)
        size = len(self._sequence)
        if size == 2 and byte in _INTRODUCERS:
            return ""
        inside = size > 2 and self._sequence[1] == ord("[") and 0x20 <= byte < 0x40
        if inside and size < _MAX_SEQUENCE:
            return ""
        found = self._sequence.decode("latin-1")
        self._sequence.clear()
        if (told := _POSITION.fullmatch(found)) is not None:
            self.position = int(told[1]), int(told[2])
        return found if found in SEQUENCES else ""
