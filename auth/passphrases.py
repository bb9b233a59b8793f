"""Passphrases: how one is written, and which ones anybody would try first.

Not for PINs and hashing (`pins.py`). One rule: a passphrase is in no message, error or repr. The
rules are those of NIST SP 800-63B-4, 3.1.1.2: at least 8 characters, as it is one of two factors,
at least 64 allowed, code points counted after normalization (NFC); no rule of composition; the
whole compared with a blocklist, and the reason said.
"""

import itertools
import unicodedata
from collections.abc import Iterable, Iterator

from auth.common_words import COMMON_WORDS
from auth.errors import UnusablePin

LEAST_CHARS = 8
MOST_CHARS = 64
MOST_BYTES = 4 * MOST_CHARS  # in UTF-8
PIECES = 3  # words, runs and numbers that are tried first, one after another
NUMBER_DIGITS = 4  # such as a year, beside a word
RUN_CHARS = 3
KNOWN_CHARS = 3  # of a name or number, from which on it is one
_ROWS = (
    *("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    *("qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn"),
    *("1q2w3e4r5t6z7u8i9o0p", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "a1b2c3d4e5f6g7h8"),
    *("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "147", "258", "369"),
)
_LINES = (*_ROWS, *(row[::-1] for row in _ROWS))
_LIKE_LETTERS = str.maketrans("@43!0$57+", "aaeiosstt")
_SHIFTED = str.maketrans("!@#$%^&*()", "1234567890")
TRY_WORDS = "Take unrelated words."  # a reason fits one line of the panel


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


def check_usable(phrase: str, known: Iterable[str] = ()) -> None:
    """Raise UnusablePin where a plain `phrase` is too short, too long, or tried first.

    `known`: what others know of this person and place: names and numbers.
    """
    if len(phrase) < LEAST_CHARS:
        raise UnusablePin(f"A passphrase has at least {LEAST_CHARS} characters.")
    if len(phrase) > MOST_CHARS:
        raise UnusablePin(f"A passphrase has at most {MOST_CHARS} characters.")
    if not phrase.isprintable():
        raise UnusablePin("A passphrase has letters, digits, marks and spaces.")
    words = frozenset(itertools.chain.from_iterable(_parts(it) for it in known))
    for text in _readings(phrase):
        if _repeats(text):
            raise UnusablePin(f"What repeats itself is too easy to guess. {TRY_WORDS}")
        made_of = _pieces(text, words)
        if "known" in made_of:
            raise UnusablePin(f"Your name, number or cabinet is what others try. {TRY_WORDS}")
        if "word" in made_of:
            raise UnusablePin(f"That is among the words that are tried first. {TRY_WORDS}")
        if "run" in made_of:
            raise UnusablePin(f"Keys or letters in a row are too easy to guess. {TRY_WORDS}")


def _parts(known: str) -> Iterator[str]:
    """The whole and the words of a name or number, as `_readings` writes them."""
    folded = plain(known).casefold()
    words = "".join(it if it.isalnum() else " " for it in folded).split()
    for word in ("".join(words), *words, "".join(it for it in folded if it.isdigit())):
        if len(word) >= KNOWN_CHARS:
            yield word


def _readings(phrase: str) -> list[str]:
    """Without case and marks: as it is, with marks and digits for letters, with shifted digits.

    Digits and marks at the end stand for themselves; the last one keeps the marks.
    """
    folded = unicodedata.normalize("NFKC", phrase.casefold())[: 2 * MOST_CHARS]
    head = folded.rstrip("".join(it for it in folded if not it.isalpha()))
    like, tail = head.translate(_LIKE_LETTERS), folded[len(head) :]
    read = (folded, like.replace("1", "i") + tail, like.replace("1", "l") + tail)
    bare = ["".join(it for it in text if it.isalnum()) for text in read]
    shifted = "".join(it for it in folded.translate(_SHIFTED) if it.isalnum())
    return list(dict.fromkeys(it for it in (*bare, shifted, folded) if it))


def _repeats(text: str) -> bool:
    """Whether it is one short piece again and again, or has hardly a character."""
    periods = range(1, min(LEAST_CHARS - 1, len(text) // 2) + 1)
    again = any(text == (text[:unit] * len(text))[: len(text)] for unit in periods)
    return again or len(set(text)) <= 2


def _pieces(text: str, known: frozenset[str]) -> tuple[str, ...]:
    """What the whole is made of, where a few pieces that are tried first make it up; else ()."""
    best: list[tuple[str, ...] | None] = [()] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - MOST_CHARS), end):
            before = best[start]
            kind = _kind(text[start:end], known)
            if before is None or not kind or (kind == "number" and before[-1:] == ("number",)):
                continue
            now = best[end]
            if now is None or len(before) + 1 < len(now):
                best[end] = (*before, kind)
    made_of = best[-1] or ()
    only_numbers = set(made_of) <= {"number"}
    return made_of if len(made_of) <= PIECES and not only_numbers else ()


def _kind(piece: str, known: frozenset[str]) -> str:
    if piece in known:
        return "known"
    if piece in COMMON_WORDS:
        return "word"
    if len(piece) >= RUN_CHARS and (any(piece in line for line in _LINES) or len(set(piece)) == 1):
        return "run"
    return "number" if len(piece) <= NUMBER_DIGITS and piece.isdecimal() else ""
