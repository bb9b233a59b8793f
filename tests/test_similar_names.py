"""The warning for patients whose names are alike, and what is kept of names to tell it."""

import gc
import sys

import pytest

from cabinet import records as r
from cabinet.state import Patient, State
from cabinet.wording import alike, names_of


def ward(*names: tuple[str, str]) -> State:
    """Patients of these family and given names."""
    state = State()
    for number, (family, given) in enumerate(names):
        details = r.PatientDetails(str(number), given, family, "1961-04-05", "female", "1A", "")
        state.patients[f"p{number}"] = Patient(f"p{number}", (), "", details)
    return state


def warned(state: State, ref: str) -> str:
    return alike(state, state.patients[ref], names_of(state))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Franklin", "Hope"), ("FRANKLIN", "Ada")),
        (("Franklin", "Hope"), ("Frankling", "Ada")),
        (("Thomas", "James"), ("James", "Thomas")),
    ],
)
def test_names_that_are_easily_taken_for_one_another_warn_of_each_other(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    state = ward(one, other, ("Moss", "Frank"))
    assert warned(state, "p0") == f"Similar name: {state.patients['p1'].name}"
    assert warned(state, "p1") == f"Similar name: {state.patients['p0'].name}"
    assert warned(state, "p2") == ""


def test_who_is_alike_is_told_by_the_names_of_now() -> None:
    state = ward(("Franklin", "Hope"), ("Moss", "Frank"))
    assert warned(state, "p0") == ""
    assert warned(ward(("Franklin", "Hope"), ("Franklin", "Frank")), "p0")
    assert warned(state, "p0") == ""


def test_a_name_that_is_erased_is_kept_nowhere_to_compare_others_with() -> None:
    family, given = "Quill" + str(id(object())), "Theodora" + str(id(object()))
    held = [sys.getrefcount(it) for it in (family, given)]
    state = ward((family, given), ("Moss", "Frank"), (family[:-1], "Ada"))
    assert warned(state, "p0") and not warned(state, "p1")
    state.patients["p0"].details = None
    assert not warned(state, "p1")
    del state
    gc.collect()
    assert [sys.getrefcount(it) for it in (family, given)] == held
