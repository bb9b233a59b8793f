"""A FIDO2 security key as its specification has it: 64-byte packets in, 64-byte packets out.

Written from CTAP 2.1 (sections 6.1, 6.2, 8 and 11.2), sharing nothing with the driver. No I/O, no
clock. One rule: it signs nothing without a touch.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PACKET_BYTES = 64
BROADCAST, CHANNEL = b"\xff\xff\xff\xff", b"\x00\x00\x00\x05"
INIT, CBOR, CANCEL, KEEPALIVE, ERROR = 0x86, 0x90, 0x91, 0xBB, 0xBF
MAKE_CREDENTIAL, GET_ASSERTION, GET_INFO = 0x01, 0x02, 0x04
OK, BAD_COMMAND, NO_CREDENTIALS, CANCELLED = 0x00, 0x01, 0x2E, 0x2D
TOUCH_WANTED = 0x02
PRESENT, ATTESTED = 0x01, 0x40


class SecurityKeyEmulator:
    """One key; `touched` lets it sign, and it counts its signatures."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self.touched = False
        self.counter = 0
        self.credentials: dict[bytes, tuple[str, ec.EllipticCurvePrivateKey]] = {}
        self._random = random_bytes
        self._message = bytearray()
        self._size = 0
        self._waiting: Callable[[], bytes] | None = None

    def feed(self, packet: bytes) -> list[bytes]:
        """Take one packet from the host; the packets that answer at once."""
        assert len(packet) == PACKET_BYTES
        channel, command = packet[:4], packet[4]
        if command == CANCEL:
            return self._cancelled()
        if command & 0x80:
            self._size = int.from_bytes(packet[5:7], "big")
            self._message = bytearray(packet[7 : 7 + self._size])
            self._command = command
        else:
            self._message += packet[5 : 5 + self._size - len(self._message)]
        if len(self._message) < self._size:
            return []
        if self._command == INIT and channel == BROADCAST:
            answer = bytes(self._message) + CHANNEL + bytes([2, 5, 4, 3, 0x04])
            return _packets(BROADCAST, INIT, answer)
        if self._command == CBOR and channel == CHANNEL:
            return self._asked(bytes(self._message))
        return _packets(channel, ERROR, bytes([BAD_COMMAND]))

    def later(self) -> list[bytes]:
        """What it says while it waits: that it wants a touch, or its answer after one."""
        if self._waiting is None:
            return []
        if not self.touched:
            return _packets(CHANNEL, KEEPALIVE, bytes([TOUCH_WANTED]))
        answer, self._waiting, self.touched = self._waiting(), None, False
        return _packets(CHANNEL, CBOR, answer)

    @property
    def blinks(self) -> bool:
        """Whether it waits for a touch."""
        return self._waiting is not None

    def _cancelled(self) -> list[bytes]:
        if self._waiting is None:
            return []
        self._waiting = None
        return _packets(CHANNEL, CBOR, bytes([CANCELLED]))

    def _asked(self, message: bytes) -> list[bytes]:
        command, body = message[0], message[1:]
        if command == GET_INFO:
            info = {1: ["FIDO_2_0"], 3: bytes(16), 4: {"rk": False, "up": True}, 5: 1200}
            return _packets(CHANNEL, CBOR, bytes([OK]) + encode(info))
        asked, _ = decode(body)
        if command == MAKE_CREDENTIAL:
            self._waiting = lambda: self._make(asked)
        elif command == GET_ASSERTION:
            self._waiting = lambda: self._assert(asked)
        else:
            return _packets(CHANNEL, CBOR, bytes([BAD_COMMAND]))
        return []

    def _make(self, asked: dict[Any, Any]) -> bytes:
        rp_id = asked[2]["id"]
        identity, private = self._random(32), ec.generate_private_key(ec.SECP256R1())
        self.credentials[identity] = (rp_id, private)
        numbers = private.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        public = encode({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        held = bytes(16) + len(identity).to_bytes(2, "big") + identity + public
        data = self._data(rp_id, PRESENT | ATTESTED) + held
        return bytes([OK]) + encode({1: "none", 2: data, 3: {}})

    def _assert(self, asked: dict[Any, Any]) -> bytes:
        rp_id, client_hash = asked[1], asked[2]
        for listed in asked.get(3, []):
            held = self.credentials.get(listed["id"])
            if held is not None and held[0] == rp_id:
                data = self._data(rp_id, PRESENT)
                signature = held[1].sign(data + client_hash, ec.ECDSA(hashes.SHA256()))
                shown = {"id": listed["id"], "type": "public-key"}
                return bytes([OK]) + encode({1: shown, 2: data, 3: signature})
        return bytes([NO_CREDENTIALS])

    def _data(self, rp_id: str, flags: int) -> bytes:
        self.counter += 1
        hashed = hashlib.sha256(rp_id.encode()).digest()
        return hashed + bytes([flags]) + self.counter.to_bytes(4, "big")


def _packets(channel: bytes, command: int, message: bytes) -> list[bytes]:
    first = channel + bytes([command]) + len(message).to_bytes(2, "big") + message[:57]
    packets, rest, number = [first.ljust(PACKET_BYTES, b"\0")], message[57:], 0
    while rest:
        packet = channel + bytes([number]) + rest[:59]
        packets.append(packet.ljust(PACKET_BYTES, b"\0"))
        rest, number = rest[59:], number + 1
    return packets


# --- CBOR as CTAP2 uses it: RFC 8949, without floats, tags and open lengths -----------------------


def _head(kind: int, value: int) -> bytes:
    for size, code in ((0, None), (1, 24), (2, 25), (4, 26)):
        if size == 0 and value < 24:
            return bytes([kind << 5 | value])
        if code is not None and value < 1 << 8 * size:
            return bytes([kind << 5 | code]) + value.to_bytes(size, "big")
    raise ValueError("too large for this key")


def encode(value: Any) -> bytes:
    """The bytes of a value."""
    match value:
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            return _head(3, len(value.encode())) + value.encode()
        case list():
            return _head(4, len(value)) + b"".join(encode(each) for each in value)
        case dict():
            pairs = sorted((encode(key), encode(each)) for key, each in value.items())
            return _head(5, len(pairs)) + b"".join(key + each for key, each in pairs)
        case _:
            raise TypeError(type(value).__name__)


def decode(data: bytes) -> tuple[Any, bytes]:
    """The first value in `data`, and what follows it."""
    kind, value, rest = data[0] >> 5, data[0] & 31, data[1:]
    if kind == 7:
        return {20: False, 21: True}[value], rest
    if value >= 24:
        size = 1 << value - 24
        value, rest = int.from_bytes(rest[:size], "big"), rest[size:]
    match kind:
        case 0:
            return value, rest
        case 1:
            return -1 - value, rest
        case 2:
            return rest[:value], rest[value:]
        case 3:
            return rest[:value].decode(), rest[value:]
        case 4:
            items = []
            for _ in range(value):
                item, rest = decode(rest)
                items.append(item)
            return items, rest
        case _:
            pairs = {}
            for _ in range(value):
                key, rest = decode(rest)
                pairs[key], rest = decode(rest)
            return pairs, rest
