"""The policy's tables by themselves: factors, classes, the floor, and a site's own rows."""

import pytest

from auth import policy
from auth.policy import KINDS, Act, Factor, MedicineClass, Needs, Role, Row

CLASSES = list(MedicineClass)
CONTROLLED = [MedicineClass.CONTROLLED, MedicineClass.CII]
# Where the issue and 21 CFR ask two kinds of factor of everybody, whatever the medicine.
ALWAYS_TWO = (
    *(Act.OVERRIDE, Act.WASTE, Act.WITNESS, Act.COUNT, Act.EMPTY_RETURN_BIN, Act.RESOLVE),
    *(Act.RECOVER_DRAWER, Act.INVITE, Act.ENROL, Act.RELEASE, Act.ADMINISTER, Act.GRANT),
    *(Act.TEMPORARY, Act.BREAK_GLASS, Act.CRITICAL_OVERRIDE, Act.SERVICE, Act.RECOVER),
)
TWO_PEOPLE = (
    *(Act.WASTE, Act.EMPTY_RETURN_BIN, Act.RESOLVE, Act.RECOVER_DRAWER, Act.GRANT),
    *(Act.CRITICAL_OVERRIDE, Act.RECOVER, Act.LOAD_FINGERS),
)


# --- factors --------------------------------------------------------------------------------------


def test_every_factor_is_something_known_had_or_been() -> None:
    assert list(KINDS) == list(Factor)
    assert {*KINDS.values()} == {"know", "have", "are"}


@pytest.mark.parametrize(
    ("factors", "kinds"),
    [
        ((), 0),
        (("badge",), 1),
        (("badge", "badge"), 1),
        (("badge", "totp"), 1),
        (("badge", "totp", "security_key"), 1),
        (("badge", "finger"), 2),
        (("badge", "pin"), 2),
        (("finger", "pin", "security_key"), 3),
    ],
)
def test_kinds_are_counted_not_factors(factors: tuple[str, ...], kinds: int) -> None:
    assert policy.kinds_of(factors) == kinds


@pytest.mark.parametrize("count", [1, 2, 5])
def test_fingers_alone_prove_nothing_however_many(count: int) -> None:
    assert policy.unproven(Needs(0), ("finger",) * count) == "finger_alone"


@pytest.mark.parametrize(
    ("needs", "factors", "why"),
    [
        (Needs(1), ("badge",), ""),
        (Needs(1), (), "two_factors"),
        (Needs(2), ("badge",), "two_factors"),
        (Needs(2), ("badge", "totp"), "two_factors"),
        (Needs(2), ("badge", "pin"), ""),
        (Needs(2, strong=True), ("badge", "pin"), "strong_factor"),
        (Needs(2, strong=True), ("badge", "pin", "totp"), ""),
        (Needs(2, strong=True), ("badge", "pin", "security_key"), ""),
    ],
)
def test_what_was_proved_meets_the_needs_or_says_what_is_missing(
    needs: Needs, factors: tuple[str, ...], why: str
) -> None:
    assert policy.unproven(needs, factors) == why


# --- the floor ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("act", Act)
def test_every_act_asks_for_somebody_and_every_row_names_its_text(act: Act, role: Role) -> None:
    for each in CLASSES:
        assert policy.floor(act, each, role).kinds >= 1
    assert all(row.cite for row in policy.FLOOR)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("medicine_class", CONTROLLED)
def test_a_controlled_substance_takes_two_kinds_whatever_is_done_with_it(
    act: Act, medicine_class: MedicineClass
) -> None:
    assert all(policy.floor(act, medicine_class, role).kinds >= 2 for role in Role)


@pytest.mark.parametrize("act", ALWAYS_TWO)
def test_two_kinds_are_asked_where_a_mistake_would_be_dear(act: Act) -> None:
    assert all(policy.floor(act, each, role).kinds >= 2 for each in CLASSES for role in Role)


@pytest.mark.parametrize("act", Act)
def test_two_people_are_asked_where_the_texts_ask_two(act: Act) -> None:
    for each in CLASSES:
        asked = policy.floor(act, each, Role.PHARMACIST).witness
        assert asked is (act in TWO_PEOPLE or (act is Act.COUNT and each in CONTROLLED))


@pytest.mark.parametrize(
    ("schedule", "medicine_class"),
    [
        ("", MedicineClass.NONE),
        ("none", MedicineClass.NONE),
        ("CII", MedicineClass.CII),
        *((schedule, MedicineClass.CONTROLLED) for schedule in ("CIII", "CIV", "CV")),
    ],
)
def test_a_schedule_is_of_one_class(schedule: str, medicine_class: MedicineClass) -> None:
    assert policy.class_of(schedule) is medicine_class


# --- a site's rows --------------------------------------------------------------------------------


def test_a_sites_row_is_asked_besides_the_floor_where_it_speaks() -> None:
    site = (Row(Act.REMOVE, MedicineClass.NONE, Role.TEMPORARY, kinds=2, strong=True),)
    asked = policy.needs(Act.REMOVE, MedicineClass.NONE, Role.TEMPORARY, site)
    assert asked == Needs(2, strong=True)
    assert policy.needs(Act.REMOVE, MedicineClass.NONE, Role.NURSE, site) == Needs(1)
    assert policy.needs(Act.RETURN, MedicineClass.NONE, Role.TEMPORARY, site) == Needs(1)


@pytest.mark.parametrize("act", Act)
def test_no_row_of_a_site_makes_anything_less_than_the_floor(act: Act) -> None:
    nothing = Row(act, kinds=0, strong=False, witness=False, reason=False)
    for each in CLASSES:
        for role in Role:
            asked, least = policy.needs(act, each, role, (nothing,)), policy.floor(act, each, role)
            assert asked == least


def test_breaking_the_glass_takes_two_unless_the_site_lets_one_do_it_with_a_reason() -> None:
    def asked(*site: Row) -> Needs:
        return policy.needs(Act.BREAK_GLASS, MedicineClass.NONE, Role.NURSE, site)

    assert asked() == Needs(2, witness=True, reason=True)
    assert asked(Row(Act.BREAK_GLASS, strong=True)) == Needs(2, True, True, True)
    assert asked(Row(Act.BREAK_GLASS, witness=False)) == Needs(2, reason=True)


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        (Row(Act.REMOVE, kinds=1), "kinds"),
        (Row(Act.REMOVE, MedicineClass.CII, kinds=1), "kinds"),
        (Row(Act.WASTE, MedicineClass.CII, Role.NURSE, witness=False), "witness"),
        (Row(Act.GRANT, witness=False), "witness"),
        (Row(Act.OVERRIDE, reason=False), "reason"),
        (Row(Act.COUNT, witness=False), "witness"),
    ],
)
def test_a_looser_row_is_found_with_what_it_loosens_and_the_text(row: Row, asked: str) -> None:
    looser = policy.loosened(row)
    assert looser is not None
    assert looser.asked == asked
    assert looser.cite in [below.cite for below in policy.FLOOR]


@pytest.mark.parametrize(
    "row",
    [
        Row(Act.REMOVE),
        Row(Act.REMOVE, MedicineClass.NONE, kinds=1),
        Row(Act.REMOVE, kinds=2, strong=True, witness=False),
        Row(Act.COUNT, MedicineClass.NONE, witness=False),
        Row(Act.BREAK_GLASS, witness=False),
    ],
)
def test_a_row_that_asks_as_much_or_more_is_taken(row: Row) -> None:
    assert policy.loosened(row) is None
