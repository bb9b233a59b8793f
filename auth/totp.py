"""Codes of an authenticator app: TOTP of RFC 6238, each time step good once.

Not for who has one. One rule: a code is right for one step of time alone, and no step at or before
one that was used is right again, so that what was seen over a shoulder is worth nothing.
"""

import base64
import hmac
from collections.abc import Callable
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

STEP_S = 30  # RFC 6238, 5.2
DIGITS = 6
SECRET_BYTES = 20  # RFC 4226, 4: recommended
WINDOW = 1  # steps before and after: RFC 6238, 5.2 advises at most one for the way
NONCE_BYTES = 12
MOST_NAME_CHARS = 40  # of a cabinet's or person's in a picture, which grows with it


def code_at(secret: bytes, step: int, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """The code of this step (RFC 4226, 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), algorithm)
    start = mac[-1] & 0x0F
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, typed: str, now_s: int, after_step: int) -> int:
    """The step that `typed` is the code of, 0 for none; only one after `after_step` counts.

    Every step of the window is compared, so that the time says nothing.
    """
    found, now = 0, now_s // STEP_S
    for step in range(max(1, now - WINDOW), now + WINDOW + 1):
        right = hmac.compare_digest(code_at(secret, step).encode(), typed.encode())
        if right and step > after_step:
            found = step
    return found


def spelt(secret: bytes) -> str:
    """The secret as people type it into their app: base32 in groups of four."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def uri(spelt_secret: str, issuer: str, account: str) -> str:
    """What `spelt` gave as apps read it from a picture (Key Uri Format; the other parameters are
    the ones that it has where none is named)."""
    by, of = (quote(text[:MOST_NAME_CHARS], safe="") for text in (issuer, account))
    return f"otpauth://totp/{by}:{of}?secret={spelt_secret.replace(' ', '')}&issuer={by}"


def seal(pepper: bytes, person: str, secret: bytes, random_bytes: Callable[[int], bytes]) -> str:
    """The secret for keeping: useless without the pepper, and to anybody but this person."""
    nonce = random_bytes(NONCE_BYTES)
    sealed = AESGCM(_key(pepper)).encrypt(nonce, secret, person.encode())
    return base64.b64encode(nonce + sealed).decode()


def unseal(pepper: bytes, person: str, sealed: str) -> bytes:
    """The secret, b"" when these are not what `seal` made for this person."""
    try:
        data = base64.b64decode(sealed, validate=True)
        key = AESGCM(_key(pepper))
        return key.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], person.encode())
    except (InvalidTag, ValueError):
        return b""


def _key(pepper: bytes) -> bytes:
    return hmac.digest(pepper, b"adc totp seal v1", "sha256")
