"""A person's life at the cabinet: invited, active, suspended, expired, left; and what lists give.

Lists are judged by row, whole or not at all (`test_lists.py`); here: what rights they may give.
"""

from dataclasses import replace

import msgspec
import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from tests.ward import MEDICINES, NOON_MS, Ward, badge

DAY_MS = 86_400_000
NEW = e.PersonRow("X1", "Nell", "New", "nurse", badge("X1"))
NINA = e.PersonRow("N1", "Nina", "Nurse", "nurse", "")
ADA = e.PersonRow("A1", "Ada", "Admin", "administrator", "")


@pytest.fixture
def ward() -> Ward:
    return Ward(stocked=False)


def take(ward: Ward, row: e.PersonRow) -> list[str]:
    """What is said of a list with this row; nothing when it was taken."""
    outcome = ward.do(e.Import("test", people=(("people.csv:2", row),)))
    return list(outcome.report) if outcome.refusal else []


def status(ward: Ward, staff_id: str, later_ms: int = 0) -> str:
    return ward.state.people[ward.ref(staff_id)].status(ward.wall_ms + ward.now_ms + later_ms)


# --- the five stations ----------------------------------------------------------------------------


def test_listed_is_invited_enrolled_is_active_and_both_end(ward: Ward) -> None:
    assert not take(ward, NEW)
    assert status(ward, "X1") == "invited"
    assert status(ward, "N1") == "active"
    now_ms = ward.wall_ms + ward.now_ms
    assert not take(ward, replace(NINA, expires_ms=now_ms + DAY_MS))
    assert [status(ward, "N1", it) for it in (0, DAY_MS - 1, DAY_MS)] == [
        *("active", "active", "expired")
    ]
    assert not take(ward, replace(NINA, status="suspended"))
    assert status(ward, "N1", DAY_MS) == "suspended"
    assert not take(ward, replace(NINA, status="left"))
    assert status(ward, "N1") == "left"
    assert replay(ward.sink).people == ward.state.people


def test_whoever_was_suspended_comes_back_as_they_were(ward: Ward) -> None:
    before = ward.state.people[ward.ref("N1")].rights
    assert not take(ward, replace(NINA, status="suspended"))
    ward.prove("N1")
    assert ward.state.session is None
    ward.press("cancel")
    assert not take(ward, replace(NINA, status="active"))
    ward.sign_in("N1")
    assert ward.state.people[ward.ref("N1")].rights == before


@pytest.mark.parametrize("said", [None, "active", "suspended"])
def test_a_number_is_never_given_again_after_its_person_left(ward: Ward, said: str | None) -> None:
    ref = ward.ref("N1")
    assert not take(ward, replace(NINA, status="left"))
    again = e.PersonRow("N1", "Somebody", "Else", "nurse", badge("X9"), said)
    assert take(ward, again) == [
        "people.csv:2: staff_id is of somebody who left: a number is never given again"
    ]
    assert ward.ref("N1") == ref
    assert status(ward, "N1") == "left"


def test_nobody_who_has_expired_or_left_is_offered_a_code(ward: Ward) -> None:
    now_ms = ward.wall_ms + ward.now_ms
    assert not take(ward, replace(NEW, expires_ms=now_ms + 1))
    ward.now_ms += 1
    ward.sign_in("A1")
    ward.press("invite")
    assert f"issue:{ward.ref('X1')}" not in screens.buttons(ward.screen())


def test_a_column_that_a_list_does_not_have_takes_nothing_back(ward: Ward) -> None:
    said = replace(
        NINA,
        status="suspended",
        areas=("4W",),
        groups=("A",),
        expires_ms=NOON_MS + DAY_MS,
        human="h",
        competencies=(("IV", 0),),
    )
    assert not take(ward, said)
    before = ward.state.people[ward.ref("N1")]
    kept = (before.standing, before.rights, before.human)
    assert not take(ward, replace(NINA, family="Married"))
    after = ward.state.people[ward.ref("N1")]
    assert (after.standing, after.rights, after.human) == kept
    assert kept == (
        *("suspended", r.Rights("nurse", ("4W",), ("A",), (), NOON_MS + DAY_MS, (("IV", 0),))),
        "h",
    )


# --- what a list never gives ----------------------------------------------------------------------


def test_a_list_names_a_new_pharmacist_and_gives_them_nothing_by_itself(ward: Ward) -> None:
    assert not take(ward, replace(NEW, role="pharmacist"))
    assert status(ward, "X1") == "invited"
    ward.do(e.BadgeSeen(badge("X1")))
    ward.press("use_pin")
    ward.press("pin", "73910264")
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
    assert ward.state.session is None


@pytest.mark.parametrize("role", ["pharmacist", "administrator", "temporary"])
def test_a_list_promotes_nobody_to_a_role_that_people_give(ward: Ward, role: str) -> None:
    (said,) = take(ward, replace(NINA, role=role))
    assert said.startswith("people.csv:2: a list cannot make a")
    assert ward.state.people[ward.ref("N1")].role == "nurse"


def test_a_list_promotes_nobody_between_their_code_and_their_enrolment(ward: Ward) -> None:
    assert not take(ward, NEW)
    ward.sign_in("A1")
    ward.press("invite")
    ward.press(f"issue:{ward.ref('X1')}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code X1"))
    assert take(ward, replace(NEW, role="pharmacist"))
    assert ward.state.people[ward.ref("X1")].role == "nurse"


@pytest.mark.parametrize(
    "said",
    [
        {"areas": ("ICU",)},
        {"groups": ("A",)},
        {"expires_ms": NOON_MS + DAY_MS},
        {"competencies": (("IV", 0),)},
    ],
    ids=lambda said: next(iter(said)),
)
def test_a_list_cannot_lock_an_administrator_out_by_changing_their_rights(
    ward: Ward, said: dict[str, object]
) -> None:
    row = replace(ADA, **said)  # type: ignore[arg-type]
    assert take(ward, row) == ["people.csv:2: a list cannot change an administrator's rights"]


# --- what is wrong is said by row -----------------------------------------------------------------

WRONG: list[tuple[dict[str, object], str]] = [
    ({"status": "gone"}, "status is not one of active, suspended, left"),
    ({"areas": ()}, "areas is not * or 1 to 16 names"),
    ({"areas": ("x" * 33,)}, "areas is not * or 1 to 16 names"),
    ({"areas": ("4W\x00",)}, "areas is not * or 1 to 16 names"),
    ({"areas": tuple(f"a{n}" for n in range(17))}, "areas is not * or 1 to 16 names"),
    ({"groups": ("A", "I")}, "groups are not among A B C D E F G H"),
    ({"groups": ("AB",)}, "groups are not among A B C D E F G H"),
    ({"expires_ms": 1}, "expires is not in the years 2000 to 2099"),
    ({"expires_ms": 10**15}, "expires is not in the years 2000 to 2099"),
    ({"competencies": (("", 0),)}, "competencies are not at most 16 such as"),
    ({"competencies": (("IV", 5),)}, "competencies are not at most 16 such as"),
    ({"competencies": (("IV", 0), ("IV", 0))}, "competencies name one twice"),
]


@pytest.mark.parametrize(("said", "why"), WRONG)
def test_rights_that_there_are_not_are_refused_with_the_row(
    ward: Ward, said: dict[str, object], why: str
) -> None:
    (told,) = take(ward, replace(NEW, **said))  # type: ignore[arg-type]
    assert told.startswith(f"people.csv:2: {why}")


def test_a_group_of_medicine_that_there_is_not_is_refused_with_the_row(ward: Ward) -> None:
    listed = msgspec.structs.replace(MEDICINES[0], group="Z")
    outcome = ward.do(e.Import("test", medicines=(("formulary.csv:7", listed),)))
    assert outcome.report == ("formulary.csv:7: group is not one of A B C D E F G H",)
