"""Passphrases: how one is written, and how long it may be.

Not for PINs and hashing (`pins.py`), or for what is too easy to guess (`guesses.py`). One rule:
what may be chosen may be typed, whichever way a keyboard puts its letters together. NIST SP
800-63B-4, 3.1.1.2: at least 8 characters, as it is one of two factors, at least 64 allowed, code
points counted after normalization (NFC); no rule of composition.
"""

import unicodedata

from auth.errors import UnusablePin

LEAST_CHARS = 8
MOST_CHARS = 64
MOST_BYTES = 4 * MOST_CHARS  # in UTF-8


def plain(typed: str) -> str:
    """A PIN or passphrase as it is compared: NFC, plain spaces, and none at its ends.

    The spaces as in RFC 8265, 4.2.2; those at the ends are a slip that NIST lets be forgiven.
    """
    spaced = "".join(" " if unicodedata.category(it) == "Zs" else it for it in typed)
    return unicodedata.normalize("NFC", spaced).strip(" ")


def can_be(typed: str) -> bool:
    """Whether it could be anybody's PIN or passphrase, by its length and characters."""
    text = plain(typed)
    return LEAST_CHARS <= len(text) <= MOST_CHARS and text.isprintable()


def check_written(phrase: str) -> None:
    """Raise UnusablePin where a plain `phrase` is too short or too long, or has what cannot be
    seen."""
    if len(phrase) < LEAST_CHARS:
        raise UnusablePin(f"A passphrase has at least {LEAST_CHARS} characters.")
    if len(phrase) > MOST_CHARS:
        raise UnusablePin(f"A passphrase has at most {MOST_CHARS} characters.")
    if not phrase.isprintable():
        raise UnusablePin("A passphrase has letters, digits, marks and spaces.")
