"""A ZFM-20 family fingerprint sensor (R305, R307) as its datasheet has it: bytes in, bytes out.

Written from the R307 user manual's tables, sharing nothing with the driver. No I/O, no clock, no
randomness: `feed` answers with (seconds from now, bytes). One rule: it believes only the wire and
what lies on the glass.

A finger is its name. A characteristics file is 512 bytes that carry the name, so that what a host
reads out or stores is the same each time; two captures of one finger differ in their score only.
What real sensors do beyond the manual (noise, drift, timing of a given batch) is not here.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

Timed = list[tuple[float, bytes]]

CAPACITY = 1000
TEMPLATE_BYTES = 512
MODEL = "zfm:0009"  # as a driver names one of its system identifier
NAME_BYTES_MAX = 64
NOTEPAD_PAGES, NOTEPAD_BYTES = 16, 32

# Confirmation codes (manual, table of confirmation codes).
OK, BAD_PACKET, NO_FINGER, MESSY, FEW_POINTS = 0x00, 0x01, 0x02, 0x06, 0x07
NO_MATCH, NOT_FOUND, MERGE_FAILED, BAD_PAGE, LOAD_FAILED = 0x08, 0x09, 0x0A, 0x0B, 0x0C
UPLOAD_FAILED, DELETE_FAILED, WRONG_PASSWORD = 0x0D, 0x10, 0x13
NO_IMAGE, BAD_REGISTER, VERIFY_FIRST = 0x15, 0x1A, 0x21

# Seconds from command to reply; the manual gives image < 0.3 s, search < 1 s of 1000 templates.
_SECONDS = {0x01: 0.12, 0x02: 0.25, 0x03: 0.03, 0x04: 0.4, 0x05: 0.06, 0x06: 0.08, 0x07: 0.03}
_SECONDS_ELSE = 0.01
_PACKET_SIZES = (32, 64, 128, 256)


def template_of(finger: str) -> bytes:
    """The characteristics file of a finger: its name, then bytes that follow from the name."""
    name = finger.encode()
    assert len(name) <= NAME_BYTES_MAX
    filler = hashlib.shake_256(name).digest(TEMPLATE_BYTES)
    return (bytes([len(name)]) + name + filler)[:TEMPLATE_BYTES]


def finger_in(template: bytes) -> str:
    """The finger a characteristics file is of."""
    return template[1 : 1 + template[0]].decode(errors="replace")


def score(one: str, other: str) -> int:
    """How well two fingers' characteristics match; 0 is not at all."""
    if one != other:
        return 0
    return 100 + hashlib.sha256(one.encode()).digest()[0] % 100


@dataclass(kw_only=True)
class Fault:
    """Something wrong with the line or the finger; for `instruction` only, or for every one."""

    instruction: int | None = None
    times: int | None = None  # how often it happens; None is until it is taken away

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        """What goes out in place of `frame`."""
        raise NotImplementedError


@dataclass(kw_only=True)
class Silent(Fault):
    """No answer."""

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        return []


@dataclass(kw_only=True)
class CutAfter(Fault):
    """The answer ends after `length` bytes."""

    length: int = 7

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        return [(delay_s, frame[: self.length])]


@dataclass(kw_only=True)
class StrayByte(Fault):
    """A byte of noise before the header."""

    byte: int = 0x00

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        return [(delay_s, bytes([self.byte]) + frame)]


@dataclass(kw_only=True)
class BadChecksum(Fault):
    """The last byte is damaged."""

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        return [(delay_s, frame[:-1] + bytes([frame[-1] ^ 0x55]))]


@dataclass(kw_only=True)
class Dying(Fault):
    """Some answers are damaged, as by a plug that is corroded: one of every `every`."""

    every: int = 9
    seen: int = 0

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        self.seen += 1
        damaged = frame[:-1] + bytes([frame[-1] ^ 0x55])
        return [(delay_s, frame if self.seen % self.every else damaged)]


@dataclass(kw_only=True)
class LengthFFFF(Fault):
    """The length field reads FF FF."""

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        return [(delay_s, frame[:7] + b"\xff\xff" + frame[9:])]


@dataclass(kw_only=True)
class Drip(Fault):
    """The bytes come one by one, `gap_s` apart."""

    gap_s: float = 0.3

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        return [(delay_s + n * self.gap_s, frame[n : n + 1]) for n in range(len(frame))]


@dataclass(kw_only=True)
class Late(Fault):
    """The answer comes `late_s` later than it should."""

    late_s: float = 3.0

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        return [(delay_s + self.late_s, frame)]


@dataclass(kw_only=True)
class Stale(Fault):
    """Answers to earlier commands arrive first; with `lost`, in place of the true one."""

    frames: tuple[bytes, ...] = ()
    lost: bool = False

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        old = [(0.0, stale) for stale in self.frames]
        return old if self.lost else [*old, (delay_s, frame)]


@dataclass(kw_only=True)
class Behind(Fault):
    """Every answer is the one before: something on the way holds one back."""

    held: bytes = b""

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        out, self.held = self.held, frame
        return [(delay_s, out)] if out else []


@dataclass(kw_only=True)
class WrongAddress(Fault):
    """The answer carries another module's address, with a checksum that is right."""

    address: int = 0x00000001

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        return [(delay_s, frame[:2] + self.address.to_bytes(4, "big") + frame[6:])]


@dataclass(kw_only=True)
class PoorImage(Fault):
    """The finger is wet, dirty or badly placed: its image cannot be converted."""

    instruction: int | None = 0x02
    status: int = MESSY

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        return [(delay_s, _frame(frame[2:6], 0x07, bytes([self.status])))]


def _frame(address: bytes, kind: int, payload: bytes) -> bytes:
    body = bytes([kind]) + (len(payload) + 2).to_bytes(2, "big") + payload
    return b"\xef\x01" + address + body + (sum(body) & 0xFFFF).to_bytes(2, "big")


class ZfmSensor:
    """The sensor. `finger` says who is on the glass now; `templates` (slot -> finger) persists.

    So does `notepad` (page -> its 32 bytes), which the host may write. `worn`: so many deletions it
    says were done, and were not.
    """

    def __init__(
        self,
        finger: Callable[[], str | None],
        templates: dict[int, str] | None = None,
        *,
        notepad: dict[int, bytes] | None = None,
        capacity: int = CAPACITY,
        address: int = 0xFFFFFFFF,
        password: int = 0,
        pace: float = 1.0,
        system: int = 9,
        name: str = "the first one",
    ) -> None:
        self.templates: dict[int, str] = {} if templates is None else templates
        self.notepad: dict[int, bytes] = {} if notepad is None else notepad
        self.faults: list[Fault] = []
        self.sent: deque[tuple[int, bytes]] = deque(maxlen=256)  # (instruction, true answer)
        self.security_level, self.packet_size, self.baud_factor = 3, 2, 6
        self._finger = finger
        self._capacity, self._pace = capacity, pace
        self._address = address.to_bytes(4, "big")
        self._password, self._system = password, system
        self._draws = 0
        self.name, self.worn = name, 0
        self.power_on()

    def power_on(self) -> Timed:
        """Buffers are empty and the password is to be verified again; templates stay."""
        self._received = bytearray()
        self._image: str | None = None
        self._buffers: dict[int, bytes] = {}
        self._uploading: tuple[int, bytearray] | None = None
        self._verified = self._password == 0
        return [(0.05 * self._pace, b"\x55")]  # the handshake byte of the manual's power-on figure

    def feed(self, data: bytes) -> Timed:
        """Take bytes from the host; answer each whole packet among them."""
        self._received += data
        out: Timed = []
        while (packet := self._next_packet()) is not None:
            kind, payload, sound = packet
            if kind == 0x01:
                out += self._command(payload, sound)
            elif kind in (0x02, 0x08) and sound:
                self._data(kind, payload)
        return out

    def _next_packet(self) -> tuple[int, bytes, bool] | None:
        """(kind, payload, checksum good) of the next packet addressed to this module."""
        while True:
            start = self._received.find(b"\xef\x01")
            if start < 0:
                del self._received[: max(0, len(self._received) - 1)]
                return None
            del self._received[:start]
            if len(self._received) < 9:
                return None
            length = int.from_bytes(self._received[7:9], "big")
            if not 3 <= length <= 258:
                del self._received[:2]
                continue
            if len(self._received) < 9 + length:
                return None
            whole = bytes(self._received[: 9 + length])
            del self._received[: 9 + length]
            if whole[2:6] != self._address:
                continue
            good = sum(whole[6:-2]) & 0xFFFF == int.from_bytes(whole[-2:], "big")
            return whole[6], whole[9:-2], good

    def _command(self, payload: bytes, sound: bool) -> Timed:
        instruction = payload[0]
        answers = self._answers(instruction, payload[1:]) if sound else [bytes([BAD_PACKET])]
        delay_s = _SECONDS.get(instruction, _SECONDS_ELSE) * self._pace
        frames = [_frame(self._address, 0x07, answers[0])]
        for place, data in enumerate(answers[1:], start=2):
            frames.append(_frame(self._address, 0x08 if place == len(answers) else 0x02, data))
        self.sent.append((instruction, b"".join(frames)))
        return self._bent(instruction, delay_s, b"".join(frames))

    def _bent(self, instruction: int, delay_s: float, frame: bytes) -> Timed:
        for fault in self.faults:
            if fault.instruction in (None, instruction) and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault.bend(delay_s, frame)
        return [(delay_s, frame)]

    def _answers(self, instruction: int, rest: bytes) -> list[bytes]:
        """The acknowledgement's payload, then any data packets' payloads."""
        if not self._verified and instruction != 0x13:
            return [bytes([VERIFY_FIRST])]
        try:
            match instruction:
                case 0x08:
                    return self._send_characteristics(rest[0])
                case 0x01 | 0x02 | 0x03 | 0x04 | 0x05:
                    return [self._finger_work(instruction, rest)]
                case 0x06 | 0x07 | 0x0C | 0x0D:
                    return [self._library_work(instruction, rest)]
                case _:
                    return [self._system_work(instruction, rest)]
        except IndexError:  # the packet is shorter than its instruction needs
            return [bytes([BAD_PACKET])]

    def _finger_work(self, instruction: int, rest: bytes) -> bytes:
        match instruction:
            case 0x01:  # GenImg
                self._image = self._finger()
                return bytes([NO_FINGER if self._image is None else OK])
            case 0x02:  # Img2Tz
                if self._image is None:
                    return bytes([NO_IMAGE])
                self._buffers[rest[0]] = template_of(self._image)
                return bytes([OK])
            case 0x03:  # Match
                value = self._score(1, 2)
                return bytes([OK if value else NO_MATCH]) + value.to_bytes(2, "big")
            case 0x04:  # Search
                return self._search(rest)
            case _:  # RegModel
                if not self._score(1, 2):
                    return bytes([MERGE_FAILED])
                self._buffers[2] = self._buffers[1]
                return bytes([OK])

    def _score(self, one: int, other: int) -> int:
        if one not in self._buffers or other not in self._buffers:
            return 0
        return score(finger_in(self._buffers[one]), finger_in(self._buffers[other]))

    def _search(self, rest: bytes) -> bytes:
        first, count = int.from_bytes(rest[1:3], "big"), int.from_bytes(rest[3:5], "big")
        asked = self._buffers.get(rest[0])
        for slot in sorted(self.templates):
            if asked is None or not first <= slot < first + count:
                continue
            if value := score(finger_in(asked), self.templates[slot]):
                return bytes([OK]) + slot.to_bytes(2, "big") + value.to_bytes(2, "big")
        return bytes([NOT_FOUND, 0, 0, 0, 0])

    def _library_work(self, instruction: int, rest: bytes) -> bytes:
        if instruction == 0x0D:  # Empty
            self.templates.clear()
            return bytes([OK])
        if instruction == 0x0C:  # DeletChar
            slot, count = int.from_bytes(rest[0:2], "big"), int.from_bytes(rest[2:4], "big")
            if slot + count > self._capacity:
                return bytes([DELETE_FAILED])
            if self.worn:
                self.worn -= 1
                return bytes([OK])
            for gone in range(slot, slot + count):
                self.templates.pop(gone, None)
            return bytes([OK])
        slot = int.from_bytes(rest[1:3], "big")
        if slot >= self._capacity:
            return bytes([BAD_PAGE])
        if instruction == 0x06:  # Store
            if rest[0] not in self._buffers:
                return bytes([BAD_PACKET])
            self.templates[slot] = finger_in(self._buffers[rest[0]])
            return bytes([OK])
        if slot not in self.templates:  # LoadChar
            return bytes([LOAD_FAILED])
        self._buffers[rest[0]] = template_of(self.templates[slot])
        return bytes([OK])

    def _system_work(self, instruction: int, rest: bytes) -> bytes:
        match instruction:
            case 0x0F:  # ReadSysPara
                words = (0, self._system, self._capacity, self.security_level)
                return (
                    bytes([OK])
                    + b"".join(word.to_bytes(2, "big") for word in words)
                    + self._address
                    + self.packet_size.to_bytes(2, "big")
                    + self.baud_factor.to_bytes(2, "big")
                )
            case 0x1F:  # ReadConList: a page of 256 slots, lowest bit first
                bits = sum(1 << slot % 256 for slot in self.templates if slot // 256 == rest[0])
                return bytes([OK]) + bits.to_bytes(32, "little")
            case 0x1D:  # TempleteNum
                return bytes([OK]) + len(self.templates).to_bytes(2, "big")
            case 0x13:  # VfyPwd
                self._verified = int.from_bytes(rest[:4], "big") == self._password
                return bytes([OK if self._verified else WRONG_PASSWORD])
            case 0x14:  # GetRandomCode: the same sequence each time, so that runs repeat
                self._draws += 1
                return bytes([OK]) + hashlib.sha256(self._draws.to_bytes(8, "big")).digest()[:4]
            case 0x0E:  # SetSysPara
                return bytes([self._set_parameter(rest[0], rest[1])])
            case 0x18:  # WriteNotepad
                if rest[0] >= NOTEPAD_PAGES or len(rest) != 1 + NOTEPAD_BYTES:
                    return bytes([BAD_PACKET])
                self.notepad[rest[0]] = bytes(rest[1:])
                return bytes([OK])
            case 0x19:  # ReadNotepad; a page that nobody wrote reads as erased flash
                if rest[0] >= NOTEPAD_PAGES:
                    return bytes([BAD_PACKET])
                return bytes([OK]) + self.notepad.get(rest[0], b"\xff" * NOTEPAD_BYTES)
            case 0x09:  # DownChar: data packets follow
                self._uploading = (rest[0], bytearray())
                return bytes([OK])
            case _:
                return bytes([BAD_PACKET])

    def _set_parameter(self, register: int, value: int) -> int:
        match register:
            case 4 if 1 <= value <= 12:
                self.baud_factor = value
            case 5 if 1 <= value <= 5:
                self.security_level = value
            case 6 if 0 <= value < len(_PACKET_SIZES):
                self.packet_size = value
            case _:
                return BAD_REGISTER
        return OK

    def _send_characteristics(self, number: int) -> list[bytes]:
        if number not in self._buffers:
            return [bytes([UPLOAD_FAILED])]
        data, size = self._buffers[number], _PACKET_SIZES[self.packet_size]
        return [bytes([OK])] + [data[at : at + size] for at in range(0, len(data), size)]

    def _data(self, kind: int, payload: bytes) -> None:
        """A data packet of DownChar; the last one (08) fills the buffer."""
        if self._uploading is None:
            return
        number, collected = self._uploading
        collected += payload
        if len(collected) > TEMPLATE_BYTES:
            self._uploading = None
        elif kind == 0x08:
            self._buffers[number] = bytes(collected)
            self._uploading = None
