"""Frames of the sensor's and the readers' lines in words, without what nobody may see of them.

For `tap.py`; not for the drivers, which check their own. One rule: bytes are shown only where this
file names them as harmless; all others, and any checksum over them, leave nothing but their number.
Instructions and codes: R307 user manual, "Modular instruction system".
"""

import re
from dataclasses import dataclass, field

from drivers.tap import Frame

SETTLED_S = 0.5  # a frame that goes on no more after this was cut short
_HEADER = b"\xef\x01"
_HEAD_BYTES = 9  # header, address, kind, length
_MOST_PAYLOAD = 256
CHUNK = 16  # bytes of a payload in a group
_COMMAND, _DATA, _ANSWER, _LAST_DATA = 0x01, 0x02, 0x07, 0x08
_KINDS = {_DATA: "data", _LAST_DATA: "the last data"}


@dataclass(frozen=True)
class _Instruction:
    """Its name, and whether the rest of its command, or of its answer, is shown."""

    name: str
    command: bool = True
    answer: bool = False


_INSTRUCTIONS = {
    0x01: _Instruction("take a picture"),
    0x02: _Instruction("find the picture's features"),
    0x03: _Instruction("compare two fingers"),
    0x04: _Instruction("search a finger"),
    0x05: _Instruction("make a template"),
    0x06: _Instruction("store a template"),
    0x07: _Instruction("load a template"),
    0x08: _Instruction("read a template out"),
    0x09: _Instruction("take a template in"),
    0x0A: _Instruction("read a picture out"),
    0x0B: _Instruction("take a picture in"),
    0x0C: _Instruction("delete templates"),
    0x0D: _Instruction("delete all templates"),
    0x0E: _Instruction("set a parameter"),
    0x0F: _Instruction("read the parameters", answer=True),
    0x12: _Instruction("set the password", command=False),
    0x13: _Instruction("verify the password", command=False),
    0x15: _Instruction("set the address"),
    0x18: _Instruction("write the notepad", command=False),
    0x19: _Instruction("read the notepad"),
    0x1D: _Instruction("count the templates", answer=True),
    0x1F: _Instruction("which slots are used", answer=True),
}
_CODES = {
    0x00: "done",
    0x01: "the command arrived damaged",
    0x02: "no finger on the glass",
    0x03: "the picture failed",
    0x06: "the picture is smudged",
    0x07: "too little of a finger",
    0x08: "not the same finger",
    0x09: "not found",
    0x0A: "not the same finger twice",
    0x0B: "there is no such slot",
    0x0C: "the slot cannot be read",
    0x0D: "it cannot be read out",
    0x10: "not deleted",
    0x11: "not cleared",
    0x13: "the password is wrong",
    0x15: "there is no picture",
    0x18: "its memory failed",
    0x1A: "there is no such parameter",
    0x21: "the password first",
}


def hidden(data: bytes | bytearray) -> str:
    """So many bytes."""
    return f"[{len(data)}]"


@dataclass
class _Way:
    """One direction of the sensor's line."""

    bytes: bytearray = field(default_factory=bytearray)
    since_s: float = 0.0


class SensorDecoder:
    """Frames of the fingerprint sensor."""

    def __init__(self) -> None:
        self._ways = {True: _Way(), False: _Way()}
        self._asked = -1  # the newest command's instruction

    def forget(self) -> None:
        self._ways, self._asked = {True: _Way(), False: _Way()}, -1

    def feed(self, to_device: bool, data: bytes, at_s: float) -> list[Frame]:
        frames = self._settle(False, at_s) if to_device else []  # a new command: no more comes
        way = self._ways[to_device]
        if not way.bytes:
            way.since_s = at_s
        way.bytes += data
        return frames + self._whole(to_device, at_s)

    def settle(self, at_s: float) -> list[Frame]:
        late = [it for it, way in self._ways.items() if at_s - way.since_s >= SETTLED_S]
        return [frame for it in late for frame in self._settle(it, at_s)]

    def _settle(self, to_device: bool, at_s: float) -> list[Frame]:
        way = self._ways[to_device]
        if not way.bytes:
            return []
        begun = way.bytes.startswith(_HEADER)
        words = "a frame that was cut short" if begun else "bytes of no frame"
        frame = Frame(at_s, to_device, hidden(way.bytes), words)
        way.bytes.clear()
        return [frame]

    def _whole(self, to_device: bool, at_s: float) -> list[Frame]:
        frames, held = [], self._ways[to_device].bytes
        while held:
            start = held.find(_HEADER)
            if start < 0:  # all but what may be the first half of a header
                start = len(held) - (held[-1] == _HEADER[0])
            if start:
                frames.append(Frame(at_s, to_device, hidden(held[:start]), "bytes of no frame"))
                del held[:start]
            if len(held) < _HEAD_BYTES:
                break
            size = int.from_bytes(held[7:9], "big")
            if not 2 < size <= _MOST_PAYLOAD + 2:
                frames.append(Frame(at_s, to_device, hidden(held[:2]), "a length that cannot be"))
                del held[:2]
                continue
            if len(held) < _HEAD_BYTES + size:
                break
            frames.append(self._decoded(to_device, bytes(held[: _HEAD_BYTES + size]), at_s))
            del held[: _HEAD_BYTES + size]
        return frames

    def _decoded(self, to_device: bool, data: bytes, at_s: float) -> Frame:
        kind, payload, told = data[6], data[9:-2], data[-2:]
        sound = sum(data[6:-2]) & 0xFFFF == int.from_bytes(told, "big")
        if kind == _COMMAND and to_device:
            self._asked = payload[0]
        known = _INSTRUCTIONS.get(self._asked)
        shown, words = 0, f"{_KINDS.get(kind, f'a frame of kind {kind:02X}')}, {len(payload)} bytes"
        if kind == _COMMAND and to_device:
            shown = len(payload) if known is not None and known.command else 1
            words = known.name if known is not None else "an unknown command"
        elif kind == _ANSWER and not to_device:
            # An answer shows its code; the rest only where it is one that tells of nobody.
            fits = known is not None and known.answer and payload[0] == 0
            shown = len(payload) if fits else 1
            words = _CODES.get(payload[0], "an unknown code")
        head = f"{data[:2].hex()} {data[2:6].hex()} {kind:02x} {data[7:9].hex()}"
        parts = [head.upper(), payload[:shown].hex(" ", -CHUNK).upper()]
        if shown == len(payload):
            parts.append(told.hex().upper())
        else:
            parts.append(f"[{len(payload) - shown + len(told)}]")
        words += "" if sound else "; its checksum is wrong"
        return Frame(at_s, to_device, " ".join(filter(None, parts)), words)


class LineDecoder:
    """Lines of a reader: how long, how ended, and whether in form; never what."""

    def __init__(self, what: str, pattern: re.Pattern[str], most: int) -> None:
        self._what, self._pattern, self._most = what, pattern, most
        self._line = bytearray()
        self._since_s = 0.0

    def forget(self) -> None:
        self._line.clear()

    def feed(self, to_device: bool, data: bytes, at_s: float) -> list[Frame]:
        frames = self.settle(at_s)
        for byte in data:
            if not self._line:
                self._since_s = at_s
            if byte in b"\r\n":
                frames.append(self._ended(byte, at_s))
            else:
                self._line.append(byte)
                if len(self._line) > self._most:
                    frames.append(Frame(at_s, False, hidden(self._line), "longer than any line"))
                    self._line.clear()
        return frames

    def settle(self, at_s: float) -> list[Frame]:
        if not self._line or at_s - self._since_s < SETTLED_S:
            return []
        frame = Frame(at_s, False, hidden(self._line), f"a piece of {self._what}, without its end")
        self._line.clear()
        return [frame]

    def _ended(self, byte: int, at_s: float) -> Frame:
        line = bytes(self._line)
        self._line.clear()
        end = f"{byte:02X}"
        if not line:
            return Frame(at_s, False, end, "an end of line")
        strange = sum(1 for it in line if not 0x20 <= it < 0x7F and it != 0x1D)
        if strange:
            words = f"{strange} of {len(line)} bytes are no text: another baud rate, or noise"
        elif self._pattern.fullmatch(line.decode("ascii")):
            words = f"{self._what}, in form" + (", with FNC1" if 0x1D in line else "")
        else:
            words = f"a line that is not {self._what}"
        return Frame(at_s, False, f"{hidden(line)} {end}", words)
