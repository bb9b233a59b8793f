"""Whether a name or number can be written, and whether it could be taken for another person's.

Not for similar names of patients (`wording.alike` warns of those). One rule: a name is written in
one script, and two names that only a computer tells apart are not both taken. After UTS 39 (Unicode
Security Mechanisms): section 4 for letters that look alike, section 5 for mixed scripts.
"""

import itertools
import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache

# UAX 31, table 5: the scripts people write their names in today. Others (Cherokee, Lisu, Coptic)
# hold copies of Latin letters, and nobody's name.
SCRIPTS = (
    *("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "HEBREW", "ARABIC", "THAANA"),
    *("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA"),
    *("MALAYALAM", "SINHALA", "THAI", "LAO", "TIBETAN", "MYANMAR", "KHMER", "ETHIOPIC"),
    *("HANGUL", "BOPOMOFO", "HIRAGANA", "KATAKANA", "CJK"),
)
_JAPANESE = ("HIRAGANA", "KATAKANA", "CJK")  # written together, as is Korean with CJK
_TOGETHER = (_JAPANESE, ("HANGUL", "CJK"), ("BOPOMOFO", "CJK"))
_PUNCTUATION = " -'.’·"
_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5"  # marks and letters that are drawn as nothing
# Letters and digits by the plain Latin letter that they are drawn like (UTS 39, confusables.txt:
# what of it is in the scripts above).
_SMALL = {
    "a": "аαɑ",
    "b": "Ьʙв",
    "c": "сϲ",
    "d": "ԁɗ",
    "e": "еєҽε",
    "f": "ϝẝք",
    "g": "ɡց",
    "h": "һнհ",
    "i": "іιɩ",
    "j": "јϳյ",
    "k": "кκҝ",
    "l": "ӏ1|",
    "m": "м",
    "n": "ոռηп",
    "o": "оοσօ0",
    "p": "рρ",
    "q": "ԛզ",
    "r": "гɼ",
    "s": "ѕƽ",
    "t": "тτ",
    "u": "υսʋ",
    "v": "ѵν",
    "w": "ԝωɯѡ",
    "x": "хχ",
    "y": "уγүყ",
    "z": "ᴢ",
    "'": "’",
}
_CAPITAL = {
    "A": "АΑ",
    "B": "ВΒ",
    "C": "СϹ",
    "E": "ЕΕ",
    "F": "Ϝ",
    "G": "Ԍ",
    "H": "НΗ",
    "I": "ІΙӀ1|",
    "J": "ЈͿ",
    "K": "КΚ",
    "L": "Լ",
    "M": "МΜ",
    "N": "Ν",
    "O": "ОΟՕ0",
    "P": "РΡ",
    "Q": "Ԛ",
    "S": "ЅՏ",
    "T": "ТΤ",
    "U": "Ս",
    "V": "Ѵ",
    "W": "Ԝ",
    "X": "ХΧ",
    "Y": "УΥҮ",
    "Z": "Ζ",
    "'": "’",
}


def _table(letters: dict[str, str]) -> dict[int, str]:
    return {ord(other): letter for letter, others in letters.items() for other in others}


_PLAIN_SMALL, _PLAIN_CAPITAL = _table(_SMALL), _table(_CAPITAL)
# What a hurried eye leaves out or runs together: a line through a letter, a dot, a gap.
_HURRIED = {ord(a): b for a, b in zip("øłđħŧɨʉıi", "oldhtlull", strict=True)}
_LIKE_DIGITS = str.maketrans("OoIl|", "00111")
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def script(character: str) -> str:
    """The script of a letter by the first word of its name, "" for what is no letter."""
    if not unicodedata.category(character).startswith(("L", "M")):
        return ""
    first = unicodedata.name(character, "UNKNOWN").split()[0]
    return "" if first in ("COMBINING", "MODIFIER") else first


def unfit(name: str) -> str:
    """Why `name` cannot be written so, "" when it can; it quotes nothing of it."""
    if unicodedata.normalize("NFKC", name) != unicodedata.normalize("NFC", name):
        return "has characters that stand for others"
    if any(it in _UNSEEN or "VARIATION SELECTOR" in unicodedata.name(it, "") for it in name):
        return "has characters that cannot be seen"
    used = list(dict.fromkeys(it for it in map(script, name) if it))
    if any(it not in SCRIPTS for it in used):
        return "has letters of a script in which no names are written"
    if len(used) > 1 and not any(all(it in group for it in used) for group in _TOGETHER):
        return "mixes letters of different scripts"
    if any(not script(it) and not _harmless(it) for it in name):
        return "has characters that are in no name"
    return ""


def _harmless(character: str) -> bool:
    """What stands between letters, marks on them, and digits."""
    category = unicodedata.category(character)
    return character in _PUNCTUATION or category in ("Mn", "Mc", "Lm", "Nd")


@lru_cache(maxsize=16_384)
def drawings(name: str) -> tuple[str, str]:
    """How the name is drawn in small letters and in capitals: alike for letters that look alike."""
    text = " ".join(unicodedata.normalize("NFC", name).split())
    return text.casefold().translate(_PLAIN_SMALL), text.upper().translate(_PLAIN_CAPITAL)


def written(name: str) -> str:
    """The name as its letters are, whatever their case and spaces: equal for equal names."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().replace("’", "'").split())


def bare(number: str) -> str:
    """A human being's number as it is compared: its letters and digits, whatever their case and
    whatever a form or a list writes between them."""
    text = unicodedata.normalize("NFKC", number).upper()
    return "".join(it for it in text if it.isalnum())


def capitals(name: str) -> str:
    """The name with its capitals: as typed where it has them inside (McQuinn), else each first."""
    return name.title() if name in (name.lower(), name.upper()) else name[:1].upper() + name[1:]


def disguised(name: str, other: str) -> bool:
    """Whether `name` is drawn as `other` is, with other letters: no namesake, a disguise."""
    drawn_alike = any(a == b for a, b in zip(drawings(name), drawings(other), strict=True))
    return drawn_alike and written(name) != written(other)


def strange(numbers: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """Of `numbers`, by which people of one name are told apart, the new ones that nobody can be
    given, each with why."""
    found: dict[str, str] = {}
    for number, other in likenesses(numbers, known).items():
        why = f"looks like {other}, which somebody has: correct it, or give one that differs"
        found[number] = why if other else unfit(number) or _unfit_digits(number)
    return found


def likenesses(numbers: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """The new ones that nobody can be given, each with the number it looks like, "" where it cannot
    be written at all; what is `known` already stays whoever's it is."""
    found: dict[str, str] = {}
    seen: dict[tuple[str, str], str] = {}
    for number in (*known, *sorted(dict.fromkeys(numbers), key=lambda it: not it.isascii())):
        is_new = number not in known
        if is_new and not number.isascii() and (unfit(number) or _unfit_digits(number)):
            found[number] = ""
            continue
        drawn = tuple(filter(None, drawings(_in_digits(number))))
        plain = number.isascii()
        looks = _looks(number)
        asked = (*looks, *itertools.product(("other",) if plain else ("plain", "other"), drawn))
        other = next((seen[it] for it in asked if it in seen), "")
        if is_new and other:
            found[number] = other
            continue
        for look in (*looks, *itertools.product(("plain" if plain else "other",), drawn)):
            seen.setdefault(look, number)
    return found


@lru_cache(maxsize=16_384)
def _looks(number: str) -> tuple[tuple[str, str], ...]:
    """How the number is taken for another: whichever of these two have in common.

    Written without marks and spaces, in small letters; the same with O as 0, and I, l and | as the
    1 that they are drawn like, as it was typed (an L is no 1, an S no 5, and no digit is another:
    hospitals begin numbers with letters).
    """
    text = _in_digits(unicodedata.normalize("NFC", number))
    bare = "".join(it for it in text if it.isalnum() or it == "|")
    looks = (("written", bare.casefold()), ("typed", bare.translate(_LIKE_DIGITS).casefold()))
    return looks if bare else (("as it is", text),)


def _in_digits(number: str) -> str:
    """The number with every digit as the plain one of its value."""
    return "".join(it if (value := _value(it)) < 0 else str(value) for it in number)


def _value(character: str) -> int:
    return unicodedata.decimal(character, -1)


def _unfit_digits(number: str) -> str:
    """Why its digits are nobody's (UTS 39, 5.3), "" where they are of one script and bare."""
    text = unicodedata.normalize("NFC", number)
    zeros = {ord(it) - value for it in text if (value := _value(it)) >= 0}
    if len(zeros) > 1:
        return "mixes digits of different scripts"
    marked = any(_value(a) >= 0 and unicodedata.combining(b) for a, b in itertools.pairwise(text))
    return "has marks on its digits" if marked else ""


@lru_cache(maxsize=16_384)
def skeleton(name: str) -> str:
    """What is left of a name that is read in a hurry: names that look alike have the same."""
    decomposed = unicodedata.normalize("NFD", drawings(name)[0])
    text = "".join(it for it in decomposed if not unicodedata.combining(it))
    text = text.translate(_PLAIN_SMALL).translate(_HURRIED)
    for pair, one in _PAIRS:
        text = text.replace(pair, one)
    return text


def alike(name: str, other: str) -> bool:
    """Whether the two could be taken for one another on a screen, equal names included."""
    return skeleton(name) == skeleton(other) or disguised(name, other)
