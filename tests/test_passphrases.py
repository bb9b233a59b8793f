"""Passphrases: how they are compared, how long they may be, and which are refused."""

import random
import string
import time
import unicodedata
from collections.abc import Iterable

import pytest
import zxcvbn
from hypothesis import assume, example, given, settings
from hypothesis import strategies as some
from zxcvbn import matching, scoring
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from auth import guesses
from auth.common_words import COMMON_WORDS
from auth.errors import UnusablePin
from auth.guesses import check_usable
from auth.passphrases import LEAST_CHARS, MOST_BYTES, MOST_CHARS, can_be, plain
from auth.pins import PinHasher, keyed_hash
from cabinet import events as e
from cabinet import secrets_worker
from cabinet.messages import MAX_TEXT_CHARS, Frames, Press, decode_for_controller, encode
from cabinet.secrets_worker import answer
from tests.test_secrets_worker import held

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
    "a word and a digit twice": ("password1password1", "nurse123nurse123", "tulip9 tulip9"),
    "common words together": ("helloworld", "hello world 123", "Purple-Coffee-99", "H3ll0W0rld99"),
    "common words of others": ("gutenmorgen123", "bonjour le monde", "Krankenhaus 3 Station"),
    "words with marks inside": ("p.a.s.s.w.o.r.d", "sun*shine*coffee", "pass-word_2026"),
    "words backwards": ("drowssap1", "Eiram rofako"),
    "walks on the keys": ("qazwsxedc", "1qaz@WSX3edc", "zaq12wsx!", "asdfghjkl;'", "qsdfghjk"),
    "a date": ("january2024march", "24.12.1985 december", "1985-12-24"),
    "the person in disguise": (
        *("animA rofakO", "4m1n4 0k4f0r", "Ok@for.Am1na!", "1402-N tulip", "amina tulip 12"),
        *("Ámina Ökafor", "a m i n a o k a f o r", "Okafor, summer"),
    ),
}
GOOD = (
    "tulip anchor mist",
    "my cat is fat",
    "Gründlich-9 Ähren",
    "5820391463",
    "vx!9Kq2#",
    "見上げる夜の星たち",
    "tulip lantern gravel moss",
    "blue horse lamp river",
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


WORDS = some.sampled_from(sorted(it for it in COMMON_WORDS if it.isalpha()))
LEET = str.maketrans("aeost", "43057")


@given(WORDS, WORDS, some.sampled_from(("", " ", "-")), some.integers(0, 99), some.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_attack_two_common_words_are_no_passphrase_in_any_dress(
    one: str, two: str, between: str, number: int, dress: int
) -> None:
    words = f"{one}{between}{two}"
    phrase = (words, words.title(), words.upper())[dress % 3] + str(number)
    phrase = words.translate(LEET) if dress == 3 else phrase
    assume(LEAST_CHARS <= len(phrase) <= MOST_CHARS)
    with pytest.raises(UnusablePin, match=r"tried first|repeats"):
        check_usable(phrase)


@given(some.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8), some.data())
@settings(max_examples=100, deadline=None)
def test_attack_one_piece_again_and_again_is_no_passphrase(
    unit: str, data: some.DataObject
) -> None:
    phrase = unit * data.draw(some.integers(-(-LEAST_CHARS // len(unit)) + 1, 64 // len(unit)))
    with pytest.raises(UnusablePin):
        check_usable(phrase.title())


@given(
    *(some.sampled_from(("amina", "okafor", "aminaokafor", "okaforamina")), some.integers(0, 99)),
    *(some.sampled_from(("", ".", "-", " ")), some.booleans(), some.integers(0, 2)),
)
@settings(max_examples=200, deadline=None)
def test_attack_the_persons_name_is_no_passphrase_in_any_disguise(
    name: str, number: int, between: str, backwards: bool, dress: int
) -> None:
    name = between.join(reversed(name) if backwards else name)
    name = (name, name.title(), name.translate(LEET))[dress]
    phrase = f"{name} {number:02}"
    with pytest.raises(UnusablePin, match="Your name, number or cabinet"):
        check_usable(phrase, KNOWN)


@pytest.mark.parametrize("known", ["Zoë Müller-Łukasz", "Sørensen"])
def test_attack_a_name_without_its_accents_is_still_the_name(known: str) -> None:
    for phrase in ("mueller lukasz 1", "MULLER zoe 85", "sorensen-85", "soerensen 85"):
        found = next((it for it in ("zoe", "sor", "soe") if it in phrase.lower()), "lukasz")
        if (found in ("zoe", "lukasz")) == known.startswith("Z"):
            with pytest.raises(UnusablePin, match="Your name, number or cabinet"):
                check_usable(phrase, known.split())


def test_four_unrelated_words_are_refused_to_nobody_and_three_common_ones_to_most() -> None:
    """Words of the 2000 that are used most: harder than those of any list for passphrases."""
    used = [it for it in FREQUENCY_LISTS["english_wikipedia"] if len(it) > 3][:2000]
    source = random.Random(41)
    for words, least, most in ((2, 0.99, 1.0), (3, 0.2, 1.0), (4, 0.0, 0.01)):
        phrases = [" ".join(source.sample(used, words))[:MOST_CHARS] for _ in range(200)]
        refused = [it for it in phrases if it_is_refused(it)]
        assert least <= len(refused) / len(phrases) <= most, (words, len(refused))


def it_is_refused(phrase: str, known: Iterable[str] = KNOWN) -> bool:
    try:
        check_usable(phrase, known)
    except UnusablePin:
        return True
    return False


@pytest.mark.parametrize("kind", ["letters", "letters, digits and marks", "ten digits"])
def test_what_chance_made_is_a_passphrase(kind: str) -> None:
    alphabets = {
        "letters": (string.ascii_lowercase, 8),
        "ten digits": (string.digits, 10),
        "letters, digits and marks": (string.ascii_letters + string.digits + "!#$%&*+-./:;?@", 10),
    }
    alphabet, size = alphabets[kind]
    source = random.Random(43)
    made = ["".join(source.choices(alphabet, k=size)) for _ in range(200)]
    assert sum(map(it_is_refused, made)) <= 0.05 * len(made)


def test_attack_marks_for_letters_keep_nobody_waiting() -> None:
    """zxcvbn alone tries every letter for every mark of these: many seconds."""
    for phrase in (
        "4@8({[<369!1|0$5+7%2" * 3,
        "4a@8b(c{e3g69i1!l|o0s$5t+7x%z2" * 2,
        "1i7l0o5s3e4a" * 5,
    ):
        started = time.thread_time()
        it_is_refused(phrase[:MOST_CHARS])
        assert time.thread_time() - started < 2.5


def test_attack_what_was_judged_stays_nowhere() -> None:
    phrase = "".join(reversed("ssom nretnal pilut revamoliz"))  # no constant of this file
    known = phrase.split()[0]
    it_is_refused(phrase, (known,))
    it_is_refused(known + "99", (known,))
    for module in (zxcvbn, matching, scoring, guesses):
        for secret in (known, known[::-1], phrase[len(known) + 1 :]):
            assert not held(vars(module), secret), module.__name__


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
        *("tulip 0049137025 mist", "x00491370251y"),
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
