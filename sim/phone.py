"""Somebody's phone with an authenticator app: RFC 6238, from our own reading of it.

Not for the cabinet's side (`auth/totp.py`), whose code is not used here. One rule: its clock is
right, and a code is known only to who looked at the phone.
"""

import base64
import hashlib
import hmac
import struct
from collections.abc import Callable

STEP_S = 30  # RFC 6238, 5.2
KEPT = 4096  # codes that were looked at
MODULUS = 1_000_000  # six digits


def secret_of(shown: str) -> bytes:
    """What the cabinet's screen shows, typed into the app: base32 (RFC 4648) in groups."""
    text = shown.replace(" ", "")
    return base64.b32decode(text + "=" * (-len(text) % 8))


def code_of(secret: bytes, step: int) -> str:
    """RFC 4226, 5.3: the four bytes where the last half byte says, without their first bit."""
    mac = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    (number,) = struct.unpack_from(">I", mac, mac[19] % 16)
    return f"{number % 0x8000_0000 % MODULUS:06}"


class Phone:
    """One person's; `now_s` is Unix time as it is."""

    def __init__(self, secret: bytes, now_s: Callable[[], float]) -> None:
        self._secret, self._now_s = secret, now_s
        self.shown: dict[int, str] = {}  # step -> code, of those that somebody looked at
        self.typed = ""  # the code that its owner typed last

    def code(self) -> str:
        """What it shows now."""
        step = int(self._now_s()) // STEP_S
        if step not in self.shown and len(self.shown) >= KEPT:
            del self.shown[next(iter(self.shown))]
        return self.shown.setdefault(step, code_of(self._secret, step))
