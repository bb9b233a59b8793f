"""A FIDO2 security key on USB: make a credential on it, or have it prove one, by a touch.

Not for whose it is, nor for judging what it says (auth). One rule: every request ends in exactly
one reading, within its time, and a key that is not wanted any more is told so and stops blinking.

CTAPHID of the CTAP 2.1 specification, section 11.2, by the library `fido2` on a hidraw node. Not
yet run on a real key.
"""

import os
import select
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from fido2.ctap import CtapError
from fido2.ctap2.base import Ctap2
from fido2.hid import CTAPHID, TYPE_INIT, CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

from drivers.clock import Clock
from drivers.errors import DriverError, LinkLost, LinkTimeout
from drivers.readings import Key, KeyReading, Post

DEVICE = "security_key"
PACKET_BYTES = 64  # full-speed HID
SILENT_S = 2.0  # a key that waits for a touch says so ten times a second
LOOK_EVERY_S = 0.1
MOST_WITHIN_S = 120.0
IDLE_S = 3600.0
ES256, EDDSA = -7, -8  # COSE algorithms
# The key's codes that speak of the person, not of a failure.
_WRONG_KEY = (CtapError.ERR.NO_CREDENTIALS, CtapError.ERR.INVALID_CREDENTIAL)
_NO_TOUCH = (CtapError.ERR.USER_ACTION_TIMEOUT, CtapError.ERR.OPERATION_DENIED)


class KeyLink(Protocol):
    """Packets to and from one key."""

    def read(self, timeout_s: float) -> bytes:
        """The next packet; empty when none came within `timeout_s`. Raises LinkLost."""

    def write(self, packet: bytes) -> None:
        """Send one packet. Raises LinkLost."""

    def close(self) -> None:
        """Give it back; harmless when it is already gone."""


class HidrawLink:
    """A `KeyLink` over a hidraw node."""

    def __init__(self, path: str) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise LinkLost(DEVICE, f"no key is plugged in ({error.strerror})") from error

    def read(self, timeout_s: float) -> bytes:
        try:
            if not select.select([self._file], [], [], max(0.0, timeout_s))[0]:
                return b""
            return os.read(self._file, PACKET_BYTES)
        except OSError as error:
            raise LinkLost(DEVICE, "the key was pulled out") from error

    def write(self, packet: bytes) -> None:
        try:
            os.write(self._file, b"\0" + packet)  # without a report number: hidraw(4)
        except OSError as error:
            raise LinkLost(DEVICE, "the key was pulled out") from error

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._file)


@dataclass(frozen=True)
class _Request:
    id: str
    client_hash: bytes
    credential: bytes  # b"" for a new one
    rp_id: str
    within_s: float


class _Unwanted(Exception):
    """The request under way is no longer wanted."""


class _TooLate(Exception):
    """Nobody touched it in time."""


class _Guarded(CtapHidConnection):
    """What the library reads and writes: nothing blocks for longer than the request may take."""

    def __init__(self, link: KeyLink, check: Callable[[], None]) -> None:
        self._link, self._check = link, check
        self._channel = b""

    def read_packet(self) -> bytes:
        silent_s = 0.0
        while True:
            self._check()
            packet = self._link.read(LOOK_EVERY_S)
            if packet:
                return packet
            silent_s += LOOK_EVERY_S
            if silent_s >= SILENT_S:
                raise LinkTimeout(DEVICE, "the key does not answer; pull it out and plug it in")

    def write_packet(self, data: bytes) -> None:
        self._channel = data[:4]
        self._link.write(data)

    def give_up(self) -> None:
        """Have the key stop waiting for a touch."""
        packet = self._channel + struct.pack(">B", TYPE_INIT | CTAPHID.CANCEL)
        with suppress(DriverError):
            self._link.write(packet.ljust(PACKET_BYTES, b"\0"))

    def close(self) -> None:
        self._link.close()


class SecurityKey:
    """One place for a key; `run` is the owner's loop, requests may be made from any thread.

    A newer request cancels an older one.
    """

    def __init__(self, connect: Callable[[], KeyLink], clock: Clock, post: Post) -> None:
        self._connect, self._clock, self._post = connect, clock, post
        self._wake = clock.signal()
        self._lock = threading.Lock()
        self._next: _Request | None = None
        self._active: _Request | None = None
        self._stopping = False

    # Requests, from any thread.

    def ask(
        self, request: str, client_hash: bytes, credential: bytes, rp_id: str, within_s: float
    ) -> None:
        """Prove `credential`, or make one where it is b"", by a touch within the time."""
        assert len(client_hash) == 32 and 0 < within_s <= MOST_WITHIN_S
        with self._lock:
            old = self._next
            self._next = _Request(request, client_hash, credential, rp_id, within_s)
        if old is not None:
            self._post(KeyReading(old.id, Key.CANCELLED))
        self._wake.set()

    def cancel(self, request: str) -> None:
        """No touch is wanted any more; nothing happens when the request has ended."""
        waiting = None
        with self._lock:
            if self._next is not None and self._next.id == request:
                waiting, self._next = self._next, None
            elif self._active is not None and self._active.id == request:
                self._active = None
        if waiting is not None:
            self._post(KeyReading(request, Key.CANCELLED))
        self._wake.set()

    # The owner.

    def run(self) -> None:
        """The owner's loop, until `stop`."""
        while not self._stopping:
            self._wake.clear()
            with self._lock:
                request, self._next = self._next, None
                self._active = request
            if request is not None:
                self._post(self._answer(request))
            elif not self._stopping:
                self._clock.wait(IDLE_S, self._wake)

    def stop(self) -> None:
        """Have the owner end; a request under way is cancelled."""
        self._stopping = True
        self._wake.set()

    def _answer(self, request: _Request) -> KeyReading:
        """Every way out of here is one reading."""
        deadline = self._clock.monotonic() + request.within_s

        def check() -> None:
            if self._stopping or self._active is not request or self._next is not None:
                raise _Unwanted
            if self._clock.monotonic() >= deadline:
                raise _TooLate

        try:
            link = self._plugged(check)
            guarded = _Guarded(link, check)
            try:
                return self._spoken(request, guarded)
            except (_Unwanted, _TooLate):
                guarded.give_up()
                raise
            finally:
                guarded.close()
        except _Unwanted:
            return KeyReading(request.id, Key.CANCELLED)
        except _TooLate:
            return KeyReading(request.id, Key.TIMED_OUT)
        except CtapError as error:
            if error.code in _WRONG_KEY:
                return KeyReading(request.id, Key.WRONG_KEY)
            late = error.code in _NO_TOUCH
            words = f"the key refused: {error}"
            return KeyReading(request.id, Key.TIMED_OUT if late else Key.FAULT, words=words)
        except DriverError as error:
            return KeyReading(request.id, Key.FAULT, words=error.cause)
        except Exception as error:  # whatever the library makes of a key's bytes
            words = f"the key's answer cannot be read ({type(error).__name__})"
            return KeyReading(request.id, Key.FAULT, words=words)

    def _plugged(self, check: Callable[[], None]) -> KeyLink:
        """The key, as soon as there is one."""
        while True:
            check()
            try:
                return self._connect()
            except LinkLost:
                self._clock.wait(LOOK_EVERY_S, self._wake)
                self._wake.clear()

    def _spoken(self, request: _Request, guarded: _Guarded) -> KeyReading:
        place = HidDescriptor("", 0, 0, PACKET_BYTES, PACKET_BYTES, None, None)
        key = Ctap2(CtapHidDevice(place, guarded))
        if not request.credential:
            made = key.make_credential(
                request.client_hash,
                {"id": request.rp_id, "name": request.rp_id},
                {"id": os.urandom(16), "name": "cabinet"},
                [{"type": "public-key", "alg": alg} for alg in (ES256, EDDSA)],
            )
            return KeyReading(request.id, Key.DONE, bytes(made.auth_data))
        listed: list[Mapping[str, Any]] = [{"type": "public-key", "id": request.credential}]
        shown = key.get_assertion(request.rp_id, request.client_hash, listed)
        return KeyReading(request.id, Key.DONE, bytes(shown.auth_data), shown.signature)
