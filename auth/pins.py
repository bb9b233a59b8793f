"""PINs and one-time codes: hashing, checking and what makes one unusable.

A passphrase (`passphrases.py`) is hashed and compared as a PIN is. Not for deciding who may use
one. One rule: neither is in a message, error or repr, and its hash is useless without the pepper,
which is kept apart from the ledger.
"""

import hashlib
import hmac
import itertools
import os
import time
from collections.abc import Callable

import argon2
from argon2.low_level import Type

from auth.common_pins import COMMON
from auth.errors import UnusablePin
from auth.passphrases import plain

PIN_DIGITS = 8  # NIST SP 800-63B-4: at least 8 characters as one of two factors
MEMORY_KIB = 19_456  # OWASP password storage: Argon2id with 19 MiB, 2 passes, 1 lane
MEMORY_LIMIT_KIB = 32_768
SALT_BYTES = 16  # RFC 9106, 3.1
RUN_ENDS = (3, 4, 5)  # where one run of digits may end and another begin
OWN_DIGITS = 4  # of a staff number, from which on it may not be in the PIN
_LINES = ("123", "456", "789", "147", "258", "369", "159", "357", "456", "852", "741", "963")
_KEYPAD_LINES = (*_LINES, *(line[::-1] for line in _LINES))
TARGET_S = 0.25
MAX_PASSES = 12
CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 letters without I, O, 0 and 1
CODE_CHARS = 12  # 60 bits


def check_usable(pin: str, own: tuple[str, ...] = ()) -> None:
    """Raise UnusablePin when `pin` is not 8 digits or is among the first that anyone would try.

    `own`: numbers that others know of this person, such as a staff number. The rules are those of
    NIST SP 800-63B-4, 3.1.1: a blocklist of what is common, expected or known of the person; no
    rule of composition, and no change without a cause.
    """
    if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
        raise UnusablePin(f"A PIN has {PIN_DIGITS} digits.")
    digits = [int(digit) for digit in pin]
    steps = [(after - before) % 10 for before, after in itertools.pairwise(digits)]
    two_runs = any(_is_run(steps[: at - 1]) and _is_run(steps[at:]) for at in RUN_ENDS)
    if len(set(steps)) == 1 or two_runs:
        raise UnusablePin("A PIN of one digit or of runs of digits is too easy to guess.")
    if any(pin == (pin[:unit] * PIN_DIGITS)[:PIN_DIGITS] for unit in (3, 4)):
        raise UnusablePin("A PIN that repeats itself is too easy to guess.")
    if pin[:2] in ("19", "20") or pin[4:6] in ("19", "20"):
        raise UnusablePin("A PIN that looks like a date is too easy to guess.")
    if pin == pin[::-1] or all(pin[at] == pin[at + 1] for at in range(0, PIN_DIGITS, 2)):
        raise UnusablePin("A PIN of pairs or of mirrored halves is too easy to guess.")
    if steps[0] == steps[2] == steps[4] == steps[6] and steps[1] == steps[3] == steps[5]:
        raise UnusablePin("A PIN that counts on is too easy to guess.")
    if pin[:3] in _KEYPAD_LINES and pin[3:6] in _KEYPAD_LINES:
        raise UnusablePin("A PIN that draws lines on the keypad is too easy to guess.")
    if pin in COMMON:
        raise UnusablePin("Many people choose this PIN. Choose another.")
    for number in own:
        digits_of = "".join(digit for digit in number if digit.isdigit())
        known = digits_of[-PIN_DIGITS:]
        if len(digits_of) >= OWN_DIGITS and (known in pin or known[::-1] in pin):
            raise UnusablePin("A PIN with your staff number in it is too easy to guess.")


def _is_run(steps: list[int]) -> bool:
    """Whether digits with these steps between them are one digit, or follow one another."""
    return len(set(steps)) == 1 and steps[0] in (0, 1, 9)


class PinHasher:
    """Argon2id over HMAC-SHA256(pepper, PIN or passphrase); `passes` was tuned once, at `init`."""

    def __init__(
        self,
        pepper: bytes,
        *,
        passes: int,
        memory_kib: int = MEMORY_KIB,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        assert len(pepper) == 32 and memory_kib <= MEMORY_LIMIT_KIB
        self._pepper, self._random = pepper, random_bytes
        self._hasher = argon2.PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, hash_len=32, type=Type.ID
        )
        # Checked when the person is unknown, so that both take as long.
        self._nobody = self.hash("no such person")

    def hash(self, pin: str) -> str:
        """The encoded hash to keep."""
        return self._hasher.hash(self._peppered(pin), salt=self._random(SALT_BYTES))

    def verify(self, encoded: str, pin: str) -> bool:
        """Whether `pin` is the one of `encoded`; an empty `encoded` takes as long and is False."""
        try:
            self._hasher.verify(encoded or self._nobody, self._peppered(pin))
        except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
            return False
        return bool(encoded)

    def _peppered(self, pin: str) -> bytes:
        typed = bytearray(b"adc pin v1\0" + plain(pin).encode("utf-8", "surrogatepass"))
        try:
            return hmac.new(self._pepper, typed, "sha256").digest()
        finally:
            typed[:] = bytes(len(typed))  # the text itself is Python's, and cannot be overwritten


def tune(now: Callable[[], float] = time.perf_counter) -> int:
    """Passes at which one hash takes about TARGET_S on this machine, 2 to MAX_PASSES."""
    hasher = argon2.PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)
    started = now()
    hasher.hash(b"tuning")
    per_pass = max((now() - started) / 2, 1e-4)
    return max(2, min(MAX_PASSES, int(TARGET_S / per_pass)))


def keyed_hash(pepper: bytes, purpose: str, value: str) -> str:
    """A keyed hash (hex, 64 characters) by which a badge number or code is known in the ledger."""
    return hmac.digest(pepper, f"adc {purpose} v1\0{value}".encode(), hashlib.sha256).hex()


def make_code(random_bytes: Callable[[int], bytes]) -> str:
    """A one-time code such as "K7QM-2XWP-9HTA"."""
    letters = "".join(CODE_ALPHABET[byte & 31] for byte in random_bytes(CODE_CHARS))
    return "-".join(letters[start : start + 4] for start in range(0, CODE_CHARS, 4))


def plain_code(typed: str) -> str:
    """A code as typed, without spaces and dashes and in capitals."""
    return "".join(typed.split()).replace("-", "").upper()
