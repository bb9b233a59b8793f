"""A passphrase in a PIN's place: chosen at enrolment, asked for of everybody alike."""

import msgspec
import pytest

from auth.pins import PinHasher
from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from cabinet.messages import Keypad, Letters
from cabinet.secrets_worker import answer
from tests.attacker import plain
from tests.test_enrolment import enter, issued, said
from tests.test_signin import hold
from tests.ward import PIN, PLAN, Ward, badge

PEPPER = bytes(32)
HASHER = PinHasher(PEPPER, passes=1, memory_kib=8)
PHRASE = "Tulip anchor; mist é9"
DAY_MS = 86_400_000


def answered(ward: Ward, job: type) -> None:
    """As the secrets' own thread answers."""
    ward.do(answer(ward.command(job), HASHER, PEPPER, bytes))


def choose(ward: Ward, phrase: str, again: str = "") -> None:
    ward.press("new_pin", phrase)
    answered(ward, e.HashPin)
    if ward.engine.place.page == "enrol_phrase_again":
        ward.press("same_pin", again or phrase)
        answered(ward, e.CheckPin)


def newcomer(plan: msgspec.Struct = PLAN) -> Ward:
    """Nell New stands where a PIN is chosen, and asked for a passphrase instead."""
    ward = Ward(plan, stocked=False)  # type: ignore[arg-type]
    issued(ward, "X1")
    enter(ward, "code")
    ward.do(e.BadgeSeen(badge("X1")))
    assert "phrase_instead" in screens.buttons(ward.screen())
    ward.press("phrase_instead")
    return ward


@pytest.fixture
def ward() -> Ward:
    """With Nell New, who has a passphrase and no finger."""
    ward = newcomer()
    choose(ward, PHRASE)
    ward.press("without_finger")
    return ward


def type_phrase(ward: Ward, phrase: str) -> None:
    ward.press("use_letters")
    ward.press("pin", phrase)
    answered(ward, e.CheckPin)


def test_who_chose_a_passphrase_signs_in_with_it(ward: Ward) -> None:
    hold(ward, "X1")
    ward.press("use_pin")
    type_phrase(ward, "  Tulip anchor; mist e\u03019 ")
    assert ward.state.session is not None and ward.state.session.person == ward.ref("X1")
    assert ward.records(r.SignedIn)[-1].factors == ("badge", "pin"), "of the kind that one knows"
    assert plain(replay(ward.sink)) == plain(ward.state)


@pytest.mark.parametrize("typed", [PHRASE.lower(), PHRASE[:-1], PHRASE + "!", PIN, "x" * 64])
def test_attack_nothing_but_the_whole_passphrase_signs_in(ward: Ward, typed: str) -> None:
    hold(ward, "X1")
    ward.press("use_pin")
    type_phrase(ward, typed)
    assert ward.state.session is None
    assert ward.records(r.FactorRefused)[-1].why == "wrong_pin"
    assert ward.screen().name == "passphrase", "the keys they typed on"


def test_a_pin_typed_on_the_letters_is_a_pin(ward: Ward) -> None:
    hold(ward, "N3")
    ward.press("use_pin")
    ward.press("use_letters")
    ward.press("pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
    assert ward.state.session is not None


def test_a_passphrase_is_in_no_entry(ward: Ward) -> None:
    hold(ward, "X1")
    ward.press("use_pin")
    type_phrase(ward, PHRASE)
    kept = [*ward.sink.bodies, *(it.data for it in ward.sink.attached)]
    assert not any(b"anchor" in it for it in kept)
    assert any(b"$argon2id$" in it.data for it in ward.sink.attached)


def test_attack_no_entry_and_no_screen_tells_who_has_a_passphrase_and_who_a_pin() -> None:
    """Of whoever enrols the records are the same but for the hashes, whose form is one."""
    shapes = []
    for phrase in (True, False):
        ward = newcomer()
        first = ward.sink.size
        if not phrase:
            ward.press("pin_instead")
        choose(ward, PHRASE if phrase else PIN)
        if not phrase:
            ward.press("same_pin", PIN)
            answered(ward, e.CheckPin)
        ward.press("without_finger")
        hold(ward, "X1")
        ward.press("use_pin")
        if phrase:
            type_phrase(ward, PHRASE)
        else:
            ward.press("pin", PIN)
            answered(ward, e.CheckPin)
        names = ("details", "credential", "enrolment", "attempt", "session", "person")
        told = [msgspec.structs.asdict(it) for it in ward.records()[first:]]
        shapes.append([{k: v for k, v in it.items() if k not in names} for it in told])
    assert shapes[0] == shapes[1]


# --- choosing -------------------------------------------------------------------------------------


def test_one_goes_from_pin_to_passphrase_and_back_and_has_one_of_them() -> None:
    ward = newcomer()
    assert isinstance(ward.screen().blocks[-1], Letters)
    ward.press("pin_instead")
    assert isinstance(ward.screen().blocks[-1], Keypad)
    ward.press("phrase_instead")
    choose(ward, PHRASE)
    assert ward.engine.place.page == "enrol_finger"


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("tulips", "at least 8"),
        ("Password2024!", "are tried first"),
        ("nell new 2024", "Your name"),
        ("ward 1 nell", "Your name"),
        ("qwertyuiop", "in a row"),
        ("tulip\u202eanchor", "letters, digits, marks"),
    ],
)
def test_a_passphrase_that_is_refused_is_asked_for_again_with_the_reason(
    phrase: str, words: str
) -> None:
    ward = newcomer()
    choose(ward, phrase)
    assert ward.screen().name == "enrol_phrase"
    assert words in said(ward) and phrase not in said(ward)
    choose(ward, PHRASE)
    assert ward.engine.place.page == "enrol_finger"


def test_two_passphrases_that_differ_are_chosen_again() -> None:
    ward = newcomer()
    choose(ward, PHRASE, "Tulip anchor; mist e9")
    assert "The two passphrases differ" in said(ward)
    assert ward.screen().name == "enrol_phrase"


# --- everybody alike ------------------------------------------------------------------------------


def seen(who: str) -> list[object]:
    """All that is seen and asked of the machine on the way to three wrong secrets."""
    ward = newcomer()
    choose(ward, PHRASE)
    ward.press("without_finger")
    ward.commands.clear()
    hold(ward, who)
    found: list[object] = [ward.screen()]
    for button, typed in (
        *(("use_pin", ""), ("use_letters", ""), ("pin", "short"), ("pin", "a wrong one")),
        *(("use_digits", ""), ("pin", "12345"), ("pin", "00000000"), ("use_letters", "")),
        ("pin", "\N{PILE OF POO}" * 64),
    ):
        refusal = ward.press(button, typed).refusal
        if ward.engine.place.page == "checking":
            found.append(type(ward.commands[-1]).__name__)
            ward.do(e.PinChecked(ward.command(e.CheckPin).request, False))
        found += [refusal, ward.screen()]
    return found


@pytest.mark.parametrize("who", ["N1", "N3", "P1"])
def test_attack_the_screens_are_one_for_a_pin_a_passphrase_and_a_badge_that_nobody_has(
    who: str,
) -> None:
    assert seen(who) == seen("X1") == seen("stranger")


def test_attack_passphrases_are_guessed_at_no_more_often_than_pins(ward: Ward) -> None:
    """Wrong ones count together, on whichever keys they are typed."""
    tries = 0
    for _ in range(3_000):
        if ward.screen().name == "rest":
            hold(ward, "X1")
        if ward.screen().name == "rest":
            if ward.records(r.FactorRefused)[-1].why == "locked":
                break
            ward.wait(1)
            continue
        if ward.screen().name == "finger":
            assert "use_pin" in screens.buttons(ward.screen())
            ward.press("use_pin")
        ward.press("use_letters" if tries % 2 else "use_digits")
        ward.press("pin", "not the right one" if tries % 2 else "00000000")
        ward.do(e.PinChecked(ward.command(e.CheckPin).request, False))
        tries += 1
        if tries == 10:
            break
    hold(ward, "X1")
    ward.wait(3600)
    if ward.screen().name != "finger":
        hold(ward, "X1")
    assert tries == 10
    assert "use_pin" not in screens.buttons(ward.screen()), "ten wrong ones lock it"


def test_a_passphrase_grows_as_old_as_a_pin() -> None:
    rules = msgspec.structs.replace(PLAN.rules, pin_days=1)
    ward = newcomer(msgspec.structs.replace(PLAN, rules=rules))
    choose(ward, PHRASE)
    ward.press("without_finger")
    ward.wall_ms += 2 * DAY_MS
    hold(ward, "X1")
    ward.press("use_pin")
    type_phrase(ward, PHRASE)
    assert ward.state.session is None
    assert ward.records(r.FactorRefused)[-1].why == "pin_old"


def until_asleep(ward: Ward, button: str) -> int:
    hold(ward, "X1")
    ward.press("use_pin")
    ward.press(button)
    for second in range(200):
        if ward.screen().name == "rest":
            return second
        ward.wait(1)
    return 200


@pytest.mark.parametrize(("button", "within_s"), [("use_digits", 30), ("use_letters", 60)])
def test_there_is_time_to_type_a_passphrase_and_an_end_to_it(
    ward: Ward, button: str, within_s: int
) -> None:
    assert until_asleep(ward, button) == within_s
