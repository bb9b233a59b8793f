"""Passphrases: how they are compared, how long they may be, and which are refused."""

import string
import unicodedata

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as some

from auth.common_words import COMMON_WORDS
from auth.errors import UnusablePin
from auth.passphrases import LEAST_CHARS, MOST_BYTES, MOST_CHARS, can_be, check_usable, plain
from auth.pins import PinHasher, keyed_hash
from cabinet import events as e
from cabinet import secrets_worker
from cabinet.messages import MAX_TEXT_CHARS, Frames, Press, decode_for_controller, encode
from cabinet.secrets_worker import answer

PEPPER = bytes(32)
HASHER = PinHasher(PEPPER, passes=1, memory_kib=8)
KNOWN = ("N-2041", "Amina", "Okafor", "Ward 3 East", "ward-3")


def wide(text: str) -> str:
    """In the wide letters of East Asian keyboards."""
    return "".join(chr(ord(it) + 0xFEE0) for it in text)


FIRST_TRIED = {
    "a common word": ("password", "Password1!", "passw0rd", "P@ssw0rd!!", "Summer2024", "trustno1"),
    "the place": ("ward 3 east", "Ward3East!", "ward-3 okafor", "cabinet2024", "nurse cabinet 12"),
    "the person": ("amina okafor", "OKAFOR2041", "okafor-amina", "n-2041n-2041", "amina 1985"),
    "keys in a row": (
        "qwertyuiop",
        "asdfghjk",
        "qwerty12345",
        "1qaz2wsx",
        "1q2w3e4r",
        "zxcvbnm,./",
    ),
    "letters in a row": ("abcdefgh", "zyxwvuts", "abcd 1234", "a1b2c3d4"),
    "digits in a row": ("123456789", "9876543210", "!@#$%^&*", "12345 qwerty"),
    "a repetition": ("aaaaaaaaa", "abcabcab", "tulip tulip", "....----....", "password password"),
    "wide letters": (wide("amina2041"), wide("password")),
    "a famous one": ("correct horse battery staple", "CorrectHorseBatteryStaple!"),
}
GOOD = (
    "tulip anchor mist",
    "my cat is fat",
    "Gründlich-9 Ähren",
    "5820391463",
    "vx!9Kq2#",
    "見上げる夜の星たち",
)


@pytest.mark.parametrize("kind", FIRST_TRIED)
def test_attack_what_anybody_would_try_first_is_no_passphrase(kind: str) -> None:
    for phrase in FIRST_TRIED[kind]:
        with pytest.raises(UnusablePin) as why:
            check_usable(plain(phrase), KNOWN)
        assert "Take unrelated words" in str(why.value), "the reason helps"


@pytest.mark.parametrize("phrase", GOOD)
def test_there_is_no_rule_of_composition(phrase: str) -> None:
    check_usable(plain(phrase), KNOWN)


def test_one_listed_word_among_others_does_not_spoil_a_passphrase() -> None:
    """The whole is compared, not the words in it."""
    check_usable("password tulip anchor", KNOWN)
    check_usable("amina sees a heron", KNOWN)


def test_the_list_of_words_is_as_it_is_read() -> None:
    for word in COMMON_WORDS:
        assert word == word.casefold() and word.isalnum(), word


@given(some.text(max_size=80))
@example("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 64)
@settings(max_examples=300, deadline=None)
def test_whatever_is_typed_is_accepted_or_refused_in_words_that_do_not_quote_it(text: str) -> None:
    phrase, reason = plain(text), ""
    try:
        check_usable(phrase, KNOWN)
    except UnusablePin as why:
        reason = str(why)
    assert len(phrase) < LEAST_CHARS or phrase not in reason
    if not reason:
        assert LEAST_CHARS <= len(phrase) <= MOST_CHARS and phrase.isprintable()
        assert can_be(text), "what may be chosen may be typed"


@given(some.text(some.characters(codec="utf-8"), max_size=70))
@settings(max_examples=200, deadline=None)
def test_a_passphrase_is_the_same_however_its_letters_are_put_together(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    for form in ("NFC", "NFD"):
        assert plain(unicodedata.normalize(form, text)) == plain(text)
    assert plain(f"  {text}\u00a0") == plain(text), "spaces at its ends are a slip"


@given(some.text(some.sampled_from("aé 9-ü\u0301ñ"), min_size=8, max_size=20))
@settings(max_examples=40, deadline=None)
def test_what_was_chosen_composed_is_right_when_it_is_typed_decomposed(text: str) -> None:
    assume(plain(text))
    encoded = HASHER.hash(unicodedata.normalize("NFC", text))
    assert HASHER.verify(encoded, unicodedata.normalize("NFD", text))
    assert not HASHER.verify(encoded, text + "x"), "nothing of it is cut off"
    assert not HASHER.verify(encoded, text.swapcase()) or text.swapcase() == text


@pytest.mark.parametrize("letter", ["x", "é", "星", "😀"])
def test_sixty_four_characters_of_any_size_go_through_every_bound(letter: str) -> None:
    assert MAX_TEXT_CHARS == MOST_CHARS
    phrase = (f"{letter}q7 w" * MOST_CHARS)[: MOST_CHARS - 9] + "tulip!mud"
    (body,) = Frames().feed(encode(Press(1, 1, "pin", phrase)))
    typed = decode_for_controller(body)
    assert isinstance(typed, Press) and typed.text == phrase and can_be(phrase)
    assert len(phrase.encode()) <= MOST_BYTES
    encoded = HASHER.hash(phrase)
    assert HASHER.verify(encoded, phrase) and not HASHER.verify(encoded, phrase[:-1] + "e")


@given(some.integers(0, LEAST_CHARS - 1) | some.integers(MOST_CHARS + 1, 100))
def test_what_is_shorter_or_longer_is_not_chosen(size: int) -> None:
    text = (string.ascii_letters * 2)[-size:] if size else ""
    with pytest.raises(UnusablePin, match=r"at (least 8|most 64)"):
        check_usable(text)
    assert not can_be(text)


def hashed(text: str, *, phrase: bool = True, badge: str = "") -> e.PinHashed:
    job = e.HashPin("1", text, "N-2041", badge, phrase, KNOWN)
    made = answer(job, HASHER, PEPPER, bytes)
    assert isinstance(made, e.PinHashed)
    return made


def test_eight_digits_are_a_pin_whichever_keys_they_are_typed_on() -> None:
    assert "too easy" in hashed("12341234").unusable
    assert "PIN" in hashed("11223344").unusable
    assert hashed("73910264").encoded


def test_a_passphrase_is_no_pin_where_a_pin_is_chosen() -> None:
    assert hashed("tulip anchor mist", phrase=False).unusable == "A PIN has 8 digits."


def test_attack_the_number_on_the_badge_is_no_part_of_a_passphrase() -> None:
    badge = keyed_hash(PEPPER, "badge", "0049137025")
    for phrase in (
        *("0049137025", "tulip 0049137025 mist", "x00491370251y"),
        *(
            "tulip 49137025 mist",
            "tulip 00-4913-7025",
            "49137 tulip 025",
            "tulip \uff14\uff19137025",
        ),
    ):
        assert "badge" in hashed(phrase, badge=badge).unusable
    assert hashed("tulip 49137 mist", badge=badge).encoded


@pytest.mark.parametrize("printed", ["0049137025", "1249137025", "49137025", "000049137025"])
def test_attack_the_number_on_the_badge_without_its_beginning_is_no_pin(printed: str) -> None:
    """Badge and PIN would be one card in somebody's hand."""
    badge = keyed_hash(PEPPER, "badge", printed)
    for phrase in (True, False):
        assert "badge" in hashed("49137025", badge=badge, phrase=phrase).unusable
        assert hashed("49137026", badge=badge, phrase=phrase).encoded


def test_attack_sixty_four_digits_keep_nobody_waiting() -> None:
    """Comparing all that a badge's number could be in them is a bounded piece of work."""
    digits = "90817263548172635409"
    job = e.HashPin("1", (digits * 4)[:64], "", keyed_hash(PEPPER, "badge", "77"), True, ())
    hashes = 0

    def counted(*asked: str) -> str:
        nonlocal hashes
        hashes += 1
        return keyed_hash(*asked)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets_worker, "keyed_hash", counted)
        answer(job, HASHER, PEPPER, bytes)
    assert 0 < hashes < 20_000


def test_a_passphrase_is_in_no_repr() -> None:
    job = e.HashPin("1", "tulip anchor mist", "N-2041", "", True, KNOWN)
    assert "tulip" not in repr(job) and "Okafor" not in repr(job)
    assert "tulip" not in repr(e.CheckPin("1", "", "tulip anchor mist"))
