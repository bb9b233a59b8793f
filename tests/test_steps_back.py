"""Back is one step back, and what was entered stands there still; Cancel leaves."""

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.messages import Letters
from tests.administrator import choose, facts
from tests.ward import Ward

ADDED = (
    ("add_staff_id", "X1"),
    ("add_family", "Newman"),
    ("add_given", "Nell"),
    ("add_human", "P-77"),
)
TEMPORARY = tuple((page.replace("add_", "temp_"), text) for page, text in ADDED)


@pytest.fixture
def ward() -> Ward:
    return Ward(stocked=False)


def typed(ward: Ward) -> str:
    (letters,) = [it for it in ward.screen().blocks if isinstance(it, Letters)]
    return letters.typed


def ways(ward: Ward) -> dict[str, str]:
    """The buttons of the bar: label -> id."""
    return {it.label: it.id for it in ward.screen().actions}


def entered(ward: Ward, page: str, text: str) -> None:
    if page.endswith("_human"):
        ward.number(page, text)
    else:
        ward.press(page, text)


def adding(ward: Ward) -> None:
    ward.sign_in("A1")
    ward.press("people")
    ward.press("add_person")


def making(ward: Ward) -> None:
    ward.sign_in("C1")
    for button in ("menu", "emergency", "temporary", "temp_new"):
        ward.press(button)


@pytest.mark.parametrize(("begin", "steps"), [(adding, ADDED), (making, TEMPORARY)])
def test_back_goes_through_every_step_of_somebody_new_and_forth_again(
    ward: Ward, begin: object, steps: tuple[tuple[str, str], ...]
) -> None:
    assert callable(begin)
    begin(ward)
    for page, text in steps:
        entered(ward, page, text)
    for page, text in reversed(steps):
        ward.press(ways(ward)["Back"])
        assert (ward.engine.place.page, typed(ward)) == (page, text)
    assert "Back" not in ways(ward), "the first step has nothing before it"
    for page, text in steps:
        assert typed(ward) == text
        entered(ward, page, typed(ward))
    assert ward.engine.place.page in ("add_role", "temp_hours")


def test_what_is_mended_on_the_way_back_is_what_is_added(ward: Ward) -> None:
    adding(ward)
    for page, text in ADDED:
        entered(ward, page, text)
    for _ in range(3):
        ward.press(ways(ward)["Back"])
    ward.press("add_family", "Newton")
    assert typed(ward) == "Nell"
    ward.press("add_given", "Nell")
    ward.number("add_human", "P-77")
    ward.press("add_role:nurse")
    added = ward.state.people[ward.state.by_staff_id["X1"]]
    assert (added.name, added.human) == ("Nell Newton", "P-77")


def test_a_name_that_is_refused_is_mended_and_not_typed_anew(ward: Ward) -> None:
    adding(ward)
    ward.press("add_staff_id", "X1")
    ward.press("add_family", "Nurs\u0435")  # the last letter is Cyrillic
    assert (ward.engine.place.page, typed(ward)) == ("add_family", "Nurs\u0435")
    ward.press("add_family", "Nurse")
    ward.press("add_given", "N0el")
    assert ward.engine.place.page == "add_family" and typed(ward) == "Nurse"
    ward.press("add_family", "Norse")
    assert typed(ward) == "N0el", "what was refused with it too"


def test_cancel_leaves_and_the_next_one_begins_with_nothing(ward: Ward) -> None:
    adding(ward)
    ward.press("add_staff_id", "X1")
    ward.press("add_family", "Newman")
    ward.press(ways(ward)["Cancel"])
    assert ward.screen().name == "people"
    ward.press("add_person")
    assert typed(ward) == "" and ward.engine.place.newcomer.family == ""


def test_attack_going_back_takes_no_number_that_was_given_meanwhile(ward: Ward) -> None:
    adding(ward)
    for page, text in ADDED:
        entered(ward, page, text)
    row = e.PersonRow("X1", "Nora", "Other", "nurse", "")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.press(ways(ward)["Back"])
    ward.number("add_human", "P-77")
    assert ward.engine.place.page == "add_staff_id"
    assert len([it for it in ward.records(r.PersonListed) if it.by]) == 0


def test_back_from_the_check_keeps_what_was_chosen(ward: Ward) -> None:
    ward.sign_in("A1")
    choose(ward, "N1")
    for button in ("edit", "edit:groups", "set_group:H", "check_change"):
        ward.press(button)
    ward.press(ways(ward)["Back"])
    assert ward.screen().name == "edit"
    ward.press("edit:areas")
    ward.press("edit:area")
    ward.press("set_area_typed", "ICU-2")
    ward.press(ways(ward)["Back"])
    ward.press(ways(ward)["Done"])
    assert {"Groups of medicines", "Areas"} <= set(facts(ward)), "both, old and new, are checked"
    ward.press("save_change")
    rights = ward.records(r.PersonChanged)[-1].after
    assert "H" in rights.groups


def test_nothing_is_done_with_before_something_was_chosen_and_leaving_forgets_it(
    ward: Ward,
) -> None:
    ward.sign_in("A1")
    choose(ward, "N1")
    ward.press("edit")
    assert "Done" not in ways(ward)
    ward.press("edit:groups")
    ward.press("set_group:H")
    ward.press(ways(ward)["Back"])
    assert "Done" in ways(ward)
    ward.press(ways(ward)["Back"])
    assert ward.screen().name == "person"
    ward.press("edit")
    assert "Done" not in ways(ward)


@pytest.mark.parametrize(
    ("way", "before"),
    [
        (("stop_person", "stop_person:leave"), "stop_person"),
        (("edit:again", "enrol_again:secret"), "edit_again"),
    ],
)
def test_back_from_the_check_of_a_stop_or_reset_is_the_choice_before(
    ward: Ward, way: tuple[str, ...], before: str
) -> None:
    ward.sign_in("A1")
    choose(ward, "N1")
    for button in way:
        ward.press(button)
    ward.press(ways(ward)["Back"])
    assert ward.screen().name == before
    assert all(it in screens.buttons(ward.screen()) for it in way[1:])
    ward.press(ways(ward)["Back"])
    assert ward.screen().name == "person"
    assert not ward.records(r.PersonChanged)
