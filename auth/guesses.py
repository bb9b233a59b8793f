"""Passphrases that others guess: what is common, expected, or known of the person and the place.

Not for how a passphrase is written (`passphrases.py`), nor for PINs (`pins.py`). One rule: nothing
that was typed, and nothing that is known of a person, stays here or in zxcvbn after the answer, and
none of it is in a reason. NIST SP 800-63B-4, 3.1.1.2 wants the whole compared with a list; what
counts is what is tried first, as ten tries lock it.

What is tried first is zxcvbn's to say (D. L. Wheeler, USENIX Security 2016; the Python port, MIT,
pure Python, nothing beneath it): 90,000 passwords, words and names by how often they are used, also
backwards; keys in a row, sequences, repetitions, dates. No list of ours would be as good. Only its
finders are asked and what each find costs to guess; how the whole is put together is done here:
its own sum takes a space or a mark inside, and three words rather than two, for chance; it tries
every letter for every mark, which takes seconds; and it keeps the words it is handed until the next
call, so that it is handed none: what is known of a person is taken out of the text before.
"""

import itertools
import math
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from zxcvbn import matching, scoring

from auth.common_words import COMMON_WORDS
from auth.errors import UnusablePin
from auth.passphrases import LEAST_CHARS, MOST_CHARS, check_written, plain

# Three of the commonest words are mostly fewer, four unrelated words are more: measured on each
# run of test_passphrases.py.
LEAST_GUESSES = 10**9
LEAST_OF_DIGITS = 10**6  # a number that is longer than a PIN, and no date or sequence
KNOWN_CHARS = 3  # of a name or number, from which on it is one
# How many a character could be that is no part of a word: inside, a digit at the end, a mark.
INSIDE, AT_THE_END, MARKS = 36, 10, 30
MARK = "."  # stands for any
LEAST_FIND_CHARS = 3  # of two letters, most are in some word list
MOST_FINDS = 5  # more of them are never few guesses
_LIKE_LETTERS = str.maketrans("@43!0$57+", "aaeiosstt")
_SHIFTED = str.maketrans("!@#$%^&*()", "1234567890")
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_BARE = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "\u0131": "i", "æ": "ae", "œ": "oe"})
_FINDERS = (
    *(matching.dictionary_match, matching.reverse_dictionary_match, matching.spatial_match),
    *(matching.repeat_match, matching.sequence_match, matching.date_match),
)


def _ranked() -> dict[str, int]:
    """Each word's place in the list where it is used most."""
    ranked: dict[str, int] = {}
    for words in (
        matching.build_ranked_dict(sorted(COMMON_WORDS)),
        *matching.RANKED_DICTIONARIES.values(),
    ):
        for word, rank in words.items():
            ranked[word] = min(rank, ranked.get(word, rank))
    return ranked


_WORDS = {"words": _ranked()}
TRY_WORDS = "Take unrelated words."  # a reason fits one line of the panel
REPEATS = f"What repeats itself is too easy to guess. {TRY_WORDS}"
KNOWN = f"Your name, number or cabinet is what others try. {TRY_WORDS}"
COMMON = f"Common words and keys in a row are tried first. {TRY_WORDS}"


def check_usable(phrase: str, known: Iterable[str] = ()) -> None:
    """Raise UnusablePin where a plain `phrase` cannot be one, or others would guess it.

    `known`: what others know of this person and place: names and numbers.
    """
    check_written(phrase)
    parts = set(itertools.chain.from_iterable(_parts(it) for it in known))
    longest_first = sorted(parts, key=lambda it: (-len(it), it))
    readings = _readings(phrase)
    for text, times in readings:
        rest, taken = text, 0
        for part in longest_first:
            taken += rest.count(part)
            rest = rest.replace(part, "")
        if taken and _few_guesses(rest, times * len(parts) ** taken, taken):
            raise UnusablePin(KNOWN)
    for text, times in readings:
        piece = _repeated(text)
        short = piece and (len(piece) <= LEAST_CHARS or _few_guesses(piece, times))
        if short or len(set(text)) <= 2:
            raise UnusablePin(REPEATS)
        if _few_guesses(text, times):
            raise UnusablePin(COMMON)


def _repeated(text: str) -> str:
    """The piece of which `text` is made, again and again, "" where there is none."""
    sizes = range(1, len(text) // 2 + 1)
    return next((text[:it] for it in sizes if text == (text[:it] * len(text))[: len(text)]), "")


def _parts(known: str) -> Iterator[str]:
    """The whole and the words of a name or number, as `_readings` writes them, and backwards."""
    folded = plain(known).casefold()
    for spelt in (_bare(folded), _bare(folded.translate(_SPELT))):
        words = "".join(it if it.isalnum() else " " for it in spelt).split()
        for word in ("".join(words), *words, "".join(it for it in spelt if it.isdigit())):
            if len(word) >= KNOWN_CHARS:
                yield from (word, word[::-1])


def _bare(folded: str) -> str:
    """Without the marks on letters, which people leave out."""
    apart = unicodedata.normalize("NFKD", folded.translate(_BARE))
    bare = "".join(it for it in apart if unicodedata.category(it) != "Mn")
    return unicodedata.normalize("NFKC", bare)


def _readings(phrase: str) -> list[tuple[str, int]]:
    """The phrase in small letters, and how many times more guesses what is left out of it costs.

    As it is, with marks and digits for letters (also those at the end, or not), with shifted
    digits: letters and digits alone; and once with a mark wherever there is one, but not which.
    """
    folded = _bare(phrase.casefold())[: 2 * MOST_CHARS]
    head = folded.rstrip("".join(it for it in folded if not it.isalpha()))
    read = [folded, folded.translate(_SHIFTED)]
    for drawn, tail in ((head, folded[len(head) :]), (folded, "")):
        like = drawn.translate(_LIKE_LETTERS)
        read += [like.replace("1", "i") + tail, like.replace("1", "l") + tail]
    found = {"".join(it if it.isalnum() else MARK for it in folded): 1}
    for text in read:
        left_out = {it for it in text if not it.isalnum() and it != " "}
        bare = "".join(it for it in text if it.isalnum())
        times = MARKS ** len(left_out)
        found[bare] = min(times, found.get(bare, times))
    return [(text, times) for text, times in found.items() if text]


def _few_guesses(text: str, times: int, taken: int = 0) -> bool:
    """Whether `text` is found by few guesses, of which each costs `times` as many; `taken` more
    words were in it."""
    only_digits = text.isdecimal()
    finds: list[list[dict[str, Any]]] = [[] for _ in range(len(text) + 1)]
    for find in itertools.chain.from_iterable(
        it(text, _ranked_dictionaries=_WORDS) for it in _FINDERS
    ):
        if len(find["token"]) >= LEAST_FIND_CHARS:
            finds[find["j"] + 1].append(find)
    # fewest[end][n]: the guesses for all before `end`, with n finds and the rest by chance.
    fewest: list[dict[int, int]] = [{0: times}]
    for end in range(1, len(text) + 1):
        chance = AT_THE_END if text[end - 1 :].isdecimal() else INSIDE
        here = {n: guesses * chance for n, guesses in fewest[-1].items()}
        for find in finds[end]:
            cost = int(scoring.estimate_guesses(find, text))
            for n, guesses in fewest[find["i"]].items():
                if n < MOST_FINDS:
                    here[n + 1] = min(guesses * cost, here.get(n + 1, guesses * cost))
        fewest.append(here)
    guesses = min(it * math.factorial(n + taken) for n, it in fewest[-1].items())
    return guesses < (LEAST_OF_DIGITS if only_digits and not taken else LEAST_GUESSES)
