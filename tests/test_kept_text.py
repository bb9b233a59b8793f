"""What was typed and refused stays where it was typed; what is secret, or good once, never does."""

import pytest

from cabinet import events as e
from cabinet.messages import Keypad, Letters
from cabinet.wording import REASONS
from tests.test_emergency import LISTED, grant, search
from tests.ward import PIN, Ward, badge


@pytest.fixture
def ward() -> Ward:
    ward = Ward(LISTED)
    grant(ward, "N1", "A")
    return ward


def typed(ward: Ward) -> str:
    """What stands in the field of the screen."""
    (keys,) = [it for it in ward.screen().blocks if isinstance(it, Keypad | Letters)]
    return keys.typed


def looking(ward: Ward) -> None:
    """An administrator at the search for people."""
    ward.sign_in("A1")
    ward.press("people")
    ward.press("find_person")


def test_a_search_for_people_that_finds_nobody_keeps_what_was_typed_and_says_what_to_do(
    ward: Ward,
) -> None:
    looking(ward)
    assert ward.press("find_people", "Nira").refusal == REASONS["nobody_found"]
    assert (ward.screen().name, typed(ward)) == ("find_person", "Nira")
    assert REASONS["nobody_found"] in repr(ward.screen())
    ward.press("find_people", "Nina")
    assert ward.screen().name == "people" and "Nina Nurse" in repr(ward.screen())
    ward.press("find_person")
    assert typed(ward) == "", "a search that found somebody is over"


@pytest.mark.parametrize(
    ("letters", "why"),
    [
        ("oxycadone", "nothing_found"),
        ("oxycodone 5", "nothing_found"),
        ("oxyc", "too_few_letters"),
    ],
)
def test_a_search_for_a_medicine_that_finds_none_keeps_what_was_typed_and_says_what_to_do(
    ward: Ward, letters: str, why: str
) -> None:
    ward.sign_in("N1")
    search(ward, letters)
    assert (ward.screen().name, typed(ward)) == ("override_search", letters)
    assert REASONS[why] in repr(ward.screen())
    ward.press("find", "oxycodone")
    assert ward.screen().name == "override_found"


def test_back_from_what_was_found_is_the_search_with_what_was_typed(ward: Ward) -> None:
    ward.sign_in("N1")
    search(ward, "oxycodone")
    ward.press("found:OXY5")
    ward.press("found_again")
    assert ward.screen().name == "override_found"
    ward.press("find_again")
    assert (ward.screen().name, typed(ward)) == ("override_search", "oxycodone")
    ward.press(f"override:{ward.engine.place.patient}")
    ward.press("override_why:told")
    assert typed(ward) == "", "another reason begins anew"


def test_what_was_refused_is_gone_with_the_page(ward: Ward) -> None:
    looking(ward)
    ward.press("find_people", "Nira")
    ward.press("people")
    ward.press("find_person")
    assert typed(ward) == ""


def test_a_number_that_was_refused_stays_too(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O1")
    ward.press("quantity")
    assert ward.press("set", "12a").refusal
    assert typed(ward) == "12a"


def test_a_count_that_differs_is_typed_anew(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    ward.press("count", "19")
    assert (ward.screen().name, typed(ward)) == ("recount", "")


@pytest.mark.parametrize("secret", ["7391026", "Tulip a"])
def test_attack_no_part_of_a_pin_or_passphrase_is_shown_again(ward: Ward, secret: str) -> None:
    ward.do(e.BadgeSeen(badge("N3")))
    ward.press("use_pin")
    if not secret.isdigit():
        ward.press("use_letters")
    assert ward.press("pin", secret).refusal
    assert secret not in repr(ward.screen()) and not ward.engine.place.kept


def test_attack_a_pin_typed_where_somebody_is_looked_for_is_not_shown_again(ward: Ward) -> None:
    looking(ward)
    assert ward.press("find_people", PIN).refusal
    assert not ward.engine.place.kept


def test_attack_a_one_time_code_is_not_shown_again(ward: Ward) -> None:
    ward.press("have_code")
    ward.press("code", "K7QM-2XWP-9HTA")
    assert ward.press("code", "K7QM-2XWP-9HTB").refusal, "the first is being looked up"
    assert not ward.engine.place.kept
