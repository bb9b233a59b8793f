"""pyfingerprint 1.5 made safe: it gets a guarded wire in place of the serial port it would open.

For `drivers.fingerprint` only; no requests, no recovery. Its one rule: the library sees an answer
only after the whole frame was received in time and checked here: header, module address, kind,
length as this instruction's answer has it, checksum, and nothing on the line before the command.

Bare, the library blocks for hours on a bad length, never resynchronises, and believes any answer
that lies in the buffer. Frames: R307 user manual, sections "Data package format" and "Modular
instruction system". Not yet run on a real sensor.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from pyfingerprint.pyfingerprint import PyFingerprint

from drivers.clock import Clock
from drivers.errors import BadFrame, DeviceRefused, DriverError, LinkTimeout, WrongLibrary
from drivers.link import Link

LIBRARY_VERSION = "1.5"
ADDRESS, PASSWORD = 0xFFFFFFFF, 0x00000000  # as sensors are delivered

_HEADER = b"\xef\x01"
_DATA, _ACKNOWLEDGEMENT, _LAST_DATA = 0x02, 0x07, 0x08
_HEAD_BYTES = 9  # header, address, kind, length
_INSTRUCTION_AT = 9  # its place in a command
_NO_STATUS = -1
_BYTES = [bytes([value]) for value in range(256)]

# Instruction -> bytes of its answer's payload when it succeeded (status, then data).
_PAYLOAD_BYTES = {
    0x01: 1,  # readImage
    0x02: 1,  # convertImage
    0x03: 3,  # compareCharacteristics
    0x04: 5,  # searchTemplate
    0x05: 1,  # createTemplate
    0x06: 1,  # storeTemplate
    0x07: 1,  # loadTemplate
    0x08: 1,  # UpChar: a template out of a buffer; data packets follow
    0x09: 1,  # DownChar: a template into a buffer; data packets follow
    0x0C: 1,  # deleteTemplate
    0x0F: 17,  # getSystemParameters
    0x13: 1,  # verifyPassword
    0x18: 1,  # write a page of the notepad
    0x19: 33,  # read a page of the notepad
    0x1F: 33,  # getTemplateIndex
}
_LONGEST_PAYLOAD = max(_PAYLOAD_BYTES.values())

# The private attributes that the wire and its settings are put into.
_PRIVATE = ("_PyFingerprint__serial", "_PyFingerprint__address", "_PyFingerprint__password")
# The private methods that send what the library has no method for: the notepad. Its own methods for
# templates are not used: they take whatever length comes, and keep what they read.
_PACKETS = ("_PyFingerprint__writePacket", "_PyFingerprint__readPacket")
_COMMAND = 0x01
_WRITE_NOTEPAD, _READ_NOTEPAD = 0x18, 0x19
_UP_CHAR, _DOWN_CHAR = 0x08, 0x09
NOTEPAD_BYTES = 32
MOST_TEMPLATE_BYTES = 2048  # R307: 512
_METHODS = (
    "readImage",
    "convertImage",
    "compareCharacteristics",
    "searchTemplate",
    "createTemplate",
    "storeTemplate",
    "loadTemplate",
    "deleteTemplate",
    "getSystemParameters",
    "verifyPassword",
    "getTemplateIndex",
)


def check_library(device: str) -> None:
    """Refuse any pyfingerprint but the one whose insides are known. Raises WrongLibrary."""
    found = version("pyfingerprint")
    missing = [
        name for name in (*_PRIVATE, *_PACKETS, *_METHODS) if not hasattr(PyFingerprint, name)
    ]
    if found != LIBRARY_VERSION or missing:
        raise WrongLibrary(
            device,
            f"pyfingerprint {LIBRARY_VERSION} is needed, {found} is installed "
            f"(missing: {', '.join(missing) or 'nothing'}); install the locked packages",
        )


def overwrite(secret: bytearray) -> None:
    """Leave nothing of it in this memory."""
    secret[:] = bytes(len(secret))


class _Wire:
    """Stands where the library expects a `serial.Serial`: bytes of one command and one answer."""

    def __init__(self, device: str, link: Link, clock: Clock, address: int) -> None:
        self._device, self._link, self._clock = device, link, clock
        self._address = address.to_bytes(4, "big")
        self._command = bytearray()
        self._answer: list[bytes] = []  # its bytes that are not read yet, the last one first
        self._deadline = 0.0
        self.status = _NO_STATUS  # of the newest sound answer

    def begin(self, deadline: float) -> None:
        """A call of the library begins; all its exchanges end before `deadline`."""
        self._command.clear()
        self._answer.clear()
        self._deadline = deadline
        self.status = _NO_STATUS

    def write(self, data: bytes) -> None:
        """The library sends byte by byte; the frame goes out whole when it wants the answer."""
        assert not self._answer, "the library begins a command with an answer half read"
        self._command += data

    def read(self) -> bytes:
        """The next byte of the answer."""
        if not self._answer:
            self._answer += map(_BYTES.__getitem__, reversed(self._exchange()))
        return self._answer.pop()

    def send(self) -> None:
        """Send what the library wrote, to which no answer comes: a data packet."""
        frame = bytes(self._command)
        overwrite(self._command)
        self._command.clear()
        self._link.write(frame)

    def receive_data(self, packet_bytes: int) -> bytearray:
        """What is in the data packets that follow an answer, each of them checked whole."""
        whole = bytearray()
        try:
            while True:
                head = self._receive(_HEAD_BYTES)
                self._check_origin(head)
                length = int.from_bytes(head[7:9], "big")
                if head[6] not in (_DATA, _LAST_DATA) or length - 2 != packet_bytes:
                    words = f"a packet of kind {head[6]:02x} and length {length} is no data packet"
                    raise BadFrame(self._device, words)
                whole += self._checked(head, self._receive(length))
                if len(whole) > MOST_TEMPLATE_BYTES:
                    raise BadFrame(self._device, "a template without an end")
                if head[6] == _LAST_DATA:
                    return whole
        except DriverError:
            overwrite(whole)
            raise

    def isOpen(self) -> bool:  # noqa: N802 (the library's word)
        """False: the library's destructor leaves the line to its owner."""
        return False

    def _exchange(self) -> bytes:
        """Send the command, and give back the answer's frame once all of it was checked."""
        command = bytes(self._command)
        self._command.clear()
        if not command:
            raise BadFrame(self._device, "the library wants more answers than it sent commands")
        instruction = command[_INSTRUCTION_AT]
        assert instruction in _PAYLOAD_BYTES, f"instruction {instruction:02X} is not used here"
        if self._link.read(1, 0.0):
            raise BadFrame(self._device, "bytes came that nothing asked for")
        self._link.write(command)
        head = self._receive(_HEAD_BYTES)
        self._check_head(head, instruction)
        rest = self._receive(int.from_bytes(head[7:9], "big"))
        payload = self._checked(head, rest)
        self.status = payload[0]
        if self.status == 0 and len(payload) != _PAYLOAD_BYTES[instruction]:
            raise BadFrame(self._device, "an answer is too short for its command")
        return head + rest

    def _checked(self, head: bytes, rest: bytes) -> bytes:
        """The payload of a frame whose checksum is right."""
        payload = rest[:-2]
        if sum(head[6:]) + sum(payload) & 0xFFFF != int.from_bytes(rest[-2:], "big"):
            raise BadFrame(self._device, "an answer's checksum is wrong")
        return payload

    def _check_origin(self, head: bytes) -> None:
        if head[:2] != _HEADER:
            raise BadFrame(self._device, "an answer does not begin with its header")
        if head[2:6] != self._address:
            raise BadFrame(self._device, f"module {head[2:6].hex()} answered in place of ours")

    def _check_head(self, head: bytes, instruction: int) -> None:
        self._check_origin(head)
        if head[6] != _ACKNOWLEDGEMENT:
            raise BadFrame(self._device, f"an answer is of kind {head[6]:02x}, not 07")
        length = int.from_bytes(head[7:9], "big")
        if length - 2 not in (1, _PAYLOAD_BYTES[instruction]):  # a refusal may be the status alone
            raise BadFrame(self._device, f"an answer of length {length} is not to this command")

    def _receive(self, n: int) -> bytes:
        data = bytearray()
        while len(data) < n:
            left_s = self._deadline - self._clock.monotonic()
            if left_s <= 0:
                raise LinkTimeout(
                    self._device,
                    f"no whole answer in time ({len(data)} of {n} bytes); check its cable and "
                    "supply",
                )
            data += self._link.read(n - len(data), left_s)
        return bytes(data)


class GuardedLibrary:
    """pyfingerprint on a guarded wire; each call ends within `call_deadline_s`."""

    def __init__(
        self,
        device: str,
        link: Link,
        clock: Clock,
        *,
        call_deadline_s: float,
        address: int = ADDRESS,
        password: int = PASSWORD,
    ) -> None:
        self._device, self._clock, self._call_deadline_s = device, clock, call_deadline_s
        self._wire = _Wire(device, link, clock, address)
        self._library: Any = PyFingerprint.__new__(PyFingerprint)  # its __init__ opens a port
        for name, value in zip(_PRIVATE, (self._wire, address, password), strict=True):
            setattr(self._library, name, value)

    def call(self, method: str, *arguments: int) -> Any:
        """What the library's method returns.

        Raises LinkLost, LinkTimeout and BadFrame when the line failed (then nothing that was said
        is to be believed), DeviceRefused when the sensor said no in good form.
        """
        assert method in _METHODS
        return self._guarded(method, lambda: getattr(self._library, method)(*arguments))

    def read_notepad(self, page: int) -> bytes:
        """32 bytes that the sensor keeps for its host (R307 manual, "Read notepad")."""
        payload = self._guarded(
            "readNotepad", lambda: self._exchange((_READ_NOTEPAD, page), "readNotepad")
        )
        return bytes(payload[1:])

    def write_notepad(self, page: int, data: bytes) -> None:
        """Keep 32 bytes in the sensor."""
        assert len(data) == NOTEPAD_BYTES
        self._guarded(
            "writeNotepad", lambda: self._exchange((_WRITE_NOTEPAD, page, *data), "writeNotepad")
        )

    def read_template(self, buffer: int, packet_bytes: int) -> bytearray:
        """What one of the sensor's buffers holds (R307 manual, "UpChar"); to be overwritten."""

        def ask() -> bytearray:
            self._exchange((_UP_CHAR, buffer), "UpChar")
            return self._wire.receive_data(packet_bytes)

        template: bytearray = self._guarded("UpChar", ask)
        return template

    @staticmethod
    def fits(template: bytearray, packet_bytes: int) -> bool:
        """Whether it can be given to a sensor in whole packets."""
        return 0 < len(template) <= MOST_TEMPLATE_BYTES and len(template) % packet_bytes == 0

    def write_template(self, buffer: int, template: bytearray, packet_bytes: int) -> None:
        """Give one of the sensor's buffers a template (R307 manual, "DownChar").

        The sensor does not say whether it came whole: read it back.
        """
        assert self.fits(template, packet_bytes)

        def give() -> None:
            self._exchange((_DOWN_CHAR, buffer), "DownChar")
            write = getattr(self._library, _PACKETS[0])
            for at in range(0, len(template), packet_bytes):
                last = at + packet_bytes == len(template)
                part = template[at : at + packet_bytes]
                write(_LAST_DATA if last else _DATA, part)
                overwrite(part)
                self._wire.send()

        self._guarded("DownChar", give)

    def _exchange(self, payload: tuple[int, ...], what: str) -> list[int]:
        write, read = (getattr(self._library, name) for name in _PACKETS)
        write(_COMMAND, payload)
        answer: list[int] = read()[1]
        if answer[0] != 0:
            raise DeviceRefused(self._device, f"{what}: code {answer[0]:02x}", answer[0])
        return answer

    def _guarded(self, method: str, call: Callable[[], Any]) -> Any:
        self._wire.begin(self._clock.monotonic() + self._call_deadline_s)
        try:
            return call()
        except DriverError:
            raise
        except Exception as error:  # the library raises bare Exception for whatever it meets
            status = self._wire.status
            if status in (_NO_STATUS, 0):
                raise BadFrame(self._device, f"{method}: {error}") from error
            raise DeviceRefused(
                self._device, f"{method}: {error} (code {status:02x})", status
            ) from error
