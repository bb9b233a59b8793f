"""People at the touchscreen: each change with old and new; what gives power takes two people."""

import pytest
from msgspec.structs import replace

from auth.policy import ROLE_GROUPS, Act, Role
from cabinet import administration, rights, screens
from cabinet import events as e
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.lists import MAX_AREAS, MAX_NAME_CHARS
from cabinet.messages import Rows
from cabinet.plan import Plan, Training
from tests.administrator import (
    begin,
    change_role,
    changed,
    choose,
    facts,
    give_override,
    rest,
    suspend,
)
from tests.ward import PEOPLE, PLAN, Ward, badge

DAY_MS = 86_400_000


@pytest.fixture
def ward() -> Ward:
    """A ward with an administrator at its screen."""
    ward = Ward(stocked=False)
    ward.sign_in("A1")
    ward.press("people")
    return ward


# --- finding and adding ---------------------------------------------------------------------------


def test_everybody_is_listed_by_name_and_can_be_found(ward: Ward) -> None:
    seen: list[str] = []
    for _ in range(3):
        rows = next(it for it in ward.screen().blocks if isinstance(it, Rows)).rows
        seen += [row.title for row in rows]
        if "more" in screens.buttons(ward.screen()):
            ward.press("more")
    assert set(seen) == {f"{given} {family}" for given, family, _, _ in PEOPLE.values()}
    assert seen[: len(PEOPLE)] == sorted(seen[: len(PEOPLE)])
    ward.press("find_person")
    ward.press("find_people", "nURSe")
    rows = next(it for it in ward.screen().blocks if isinstance(it, Rows)).rows
    assert [row.title for row in rows] == ["Nina Nurse", "Noel Nurse"]


def add(ward: Ward, staff_id: str, family: str, given: str, role: str = "nurse") -> None:
    ward.press("people")
    ward.press("add_person")
    ward.press("add_staff_id", staff_id)
    ward.press("add_family", family)
    ward.press("add_given", given)
    ward.number("add_human")
    ward.press(f"add_role:{role}")


def test_somebody_is_added_gets_a_code_enrols_and_works(ward: Ward) -> None:
    add(ward, "X1", "new", "nell")
    listed = ward.records(r.PersonListed)[-1]
    assert (listed.by, listed.standing, listed.rights) == (
        ward.ref("A1"),
        "active",
        r.Rights("nurse", groups=ROLE_GROUPS[Role.NURSE]),
    )
    assert "Nell New was added" in repr(ward.screen())
    ward.press(f"issue:{listed.person}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code of X1"))
    assert ward.screen().name == "code"
    assert "another administrator enrols them: Tasks, Enrol somebody" in repr(ward.screen())
    ward.press("menu")
    ward.press("sign_out")
    PEOPLE["X1"] = ("Nell", "New", "nurse", (20,))
    try:
        ward._enrol("X1", "code of X1")
    finally:
        del PEOPLE["X1"]
    assert ward.state.people[listed.person].status(0) == "active"


def test_a_staff_number_is_given_once(ward: Ward) -> None:
    ward.press("add_person")
    assert ward.press("add_staff_id", "N1").refusal
    assert ward.press("add_staff_id", "").refusal
    assert ward.press("add_staff_id", "x" * 40).refusal
    assert not ward.press("add_staff_id", "X1").refusal
    ward.press("add_family", "New")
    ward.press("add_given", "Nell")
    ward.number("add_human")
    row = e.PersonRow("X1", "Nils", "Newer", "nurse", "")
    ward.do(e.Import("test", people=(("people.csv:2", row),)))
    assert ward.press("add_role:nurse").refusal, "a list was first"


def test_nobody_is_added_with_a_name_in_disguise(ward: Ward) -> None:
    ward.press("add_person")
    ward.press("add_staff_id", "X1")
    assert ward.press("add_family", "Nurs\u0435").refusal  # the last letter is Cyrillic
    ward.press("add_family", "Nurse")
    refusal = ward.press("add_given", "N1na").refusal
    assert "N1na Nurse is written like Nina Nurse, with other letters" in refusal
    assert ward.screen().name == "add_family"
    assert refusal in repr(ward.screen()), "said once: the press and its screen say the same"
    assert "X1" not in ward.state.by_staff_id


def test_a_name_in_disguise_is_refused_also_when_its_like_came_after_it_was_typed(
    ward: Ward,
) -> None:
    ward.press("add_person")
    ward.press("add_staff_id", "X1")
    ward.press("add_family", "Nurse")
    ward.press("add_given", "Ni1")
    ward.number("add_human")
    row = e.PersonRow("X2", "Nil", "Nurse", "nurse", "")
    ward.do(e.Import("test", people=(("people.csv:2", row),)))
    assert ward.press("add_role:nurse").refusal
    assert "X1" not in ward.state.by_staff_id


@pytest.mark.parametrize(
    ("typed", "name"),
    [("mcQuinn", "Nell McQuinn"), ("QUINN", "Nell Quinn"), ("van dyke", "Nell Van Dyke")],
)
def test_a_name_keeps_the_capitals_that_were_typed_inside_it(
    ward: Ward, typed: str, name: str
) -> None:
    add(ward, "X1", typed, "nell")
    assert ward.screen().title == name


def test_two_of_one_name_are_told_apart_by_their_numbers(ward: Ward) -> None:
    add(ward, "X1", "Nurse", "Nina")
    assert "Similar name: Nina Nurse (No. N1)" in repr(ward.screen())
    ward.press("people")
    ward.press("find_person")
    ward.press("find_people", "Nina")
    rows = next(it for it in ward.screen().blocks if isinstance(it, Rows)).rows
    assert [row.tag for row in rows] == ["SIMILAR NAME"] * 2
    assert {"N1", "X1"} == {row.lines[0].split("No. ")[1] for row in rows}


@pytest.mark.parametrize("role", ["pharmacist", "administrator", "temporary"])
def test_nobody_is_added_with_power(ward: Ward, role: str) -> None:
    ward.press("add_person")
    ward.press("add_staff_id", "X1")
    ward.press("add_family", "New")
    ward.press("add_given", "Nell")
    ward.number("add_human")
    assert ward.press(f"add_role:{role}").refusal
    ward.press("more")
    assert ward.press(f"add_role:{role}").refusal


# --- changing -------------------------------------------------------------------------------------


def test_a_change_is_shown_old_and_new_and_recorded_old_and_new(ward: Ward) -> None:
    change_role(ward, "N1", "charge_nurse")
    assert facts(ward)["Role"] == "Nurse → Charge nurse"
    before = ward.state.people[ward.ref("N1")].rights
    assert not ward.press("save_change").refusal
    record = changed(ward)
    assert (record.person, record.by, record.approved_by) == (ward.ref("N1"), ward.ref("A1"), "")
    assert (record.before, record.after.role) == (before, "charge_nurse")
    assert (record.status_before, record.status_after) == ("active", "active")
    assert record.factors == ("badge", "finger")
    assert ward.state.people[ward.ref("N1")].role == "charge_nurse"


def test_groups_areas_expiry_and_training_are_changed(ward: Ward) -> None:
    ward.plan = PLAN
    choose(ward, "N1")
    ward.press("edit")
    ward.press("edit:groups")
    rows = next(it for it in ward.screen().blocks if isinstance(it, Rows)).rows
    assert [it.lines for it in rows[:2]] == [("2 medicines: CII",), ("0 medicines",)]
    ward.press("set_group:A")
    ward.press("set_group:H")
    ward.press("check_change")
    assert facts(ward)["Groups of medicines"] == "A B C D E → B C D E H"
    ward.press("save_change")
    ward.press("edit")
    ward.press("edit:areas")
    ward.press("edit:area")
    ward.press("set_area_typed", "ICU 2")
    ward.press("check_change")
    ward.press("save_change")
    ward.press("edit")
    ward.press("edit:expiry")
    assert ward.press("set_end", "31022030").refusal, "there is no such day"
    assert ward.press("set_end", "31122020").refusal, "it is past"
    assert ward.press("set_end", "1").refusal
    ward.press("set_end", "31122030")
    assert facts(ward)["Access ends"] == "Never → 31-Dec-2030"
    ward.press("save_change")
    held = ward.state.people[ward.ref("N1")].rights
    assert (held.groups, held.areas) == (("B", "C", "D", "E", "H"), ("ICU2",))
    assert held.expires_ms == 1_924_992_000_000, "the end of that day"
    ward.press("edit")
    ward.press("edit:expiry")
    ward.press("set_no_end")
    ward.press("save_change")
    assert ward.state.people[ward.ref("N1")].rights.expires_ms == 0


def test_the_last_area_is_everywhere_or_none(ward: Ward) -> None:
    choose(ward, "N1")
    ward.press("edit")
    ward.press("edit:areas")
    ward.press("edit:area")
    assert ward.press("set_area_typed", "").refusal
    ward.press("set_area_typed", "ICU")
    ward.press("set_area:ICU")
    ward.press("check_change")
    assert facts(ward)["Areas"] == "Everywhere → Nowhere"
    ward.press("save_change")
    assert rights.refusal(ward.state, ward.ref("N1"), Act.GIVE, ward.wall_ms) == "wrong_area"


LONG = "x" * MAX_NAME_CHARS
MANY = tuple(f"W{number}" for number in range(MAX_AREAS))


@pytest.mark.parametrize(
    ("held", "typed", "then"),
    [
        (("*",), "4W", ("4W",)),
        (("4W",), "ICU", ("4W", "ICU")),
        (("4W", "ICU", "3E"), "ICU", ("4W", "3E")),
        (("4W", "ICU"), "*", ("*",)),
        (("*",), "*", ("*",)),
        ((), "7", ("7",)),
        ((), LONG, (LONG,)),
        ((), LONG + "x", None),
        (("4W",), "4\u202ew", None),
        (MANY[:-1], MANY[-1], MANY),
        (MANY, "one more", None),
        (MANY, MANY[-1], MANY[:-1]),
    ],
)
def test_areas_are_added_and_taken_away_one_by_one(
    ward: Ward, held: tuple[str, ...], typed: str, then: tuple[str, ...] | None
) -> None:
    person = ward.state.people[ward.ref("N1")]
    person.rights = replace(person.rights, areas=held)
    choose(ward, "N1")
    for button in ("edit", "edit:areas", "edit:area"):
        ward.press(button)
    assert bool(ward.press("set_area_typed", typed).refusal) is (then is None)
    changing = ward.engine.place.changing
    assert changing is not None and changing.rights.areas == (held if then is None else then)


def test_a_group_that_is_taken_away_takes_its_override_along_and_no_other(ward: Ward) -> None:
    person = ward.state.people[ward.ref("N1")]
    person.rights = replace(person.rights, override_groups=("A", "B"))
    choose(ward, "N1")
    for button in ("edit", "edit:groups", "set_group:A", "check_change", "save_change"):
        ward.press(button)
    assert person.rights.groups == ("B", "C", "D", "E")
    assert person.rights.override_groups == ("B",)


def test_another_training_is_left_as_it_is() -> None:
    ward = Ward(replace(PLAN, training=(Training("epidural", ("waste",)),)), stocked=False)
    ward.sign_in("A1")
    person = ward.state.people[ward.ref("N1")]
    person.rights = replace(person.rights, competencies=(("chemotherapy", 0), ("epidural", 1)))
    choose(ward, "N1")
    for button in ("edit", "edit:competencies", "competency:epidural", "competency_always"):
        ward.press(button)
    changing = ward.engine.place.changing
    assert changing is not None
    assert changing.rights.competencies == (("chemotherapy", 0), ("epidural", 0))


@pytest.mark.parametrize(
    ("digits", "end_ms"),
    [
        ("31122030", 1_924_992_000_000),
        ("28022030", 1_898_553_600_000),
        *((it, 0) for it in ("", "3112203", "311220300", "31022030", "00000000", "99999999")),
        *((it, 0) for it in ("31-12-30", "3112203x", "\u0663\u0661122030", "31122\u00b230")),
        ("31129999", 0),  # the day after it has no date
    ],
)
def test_the_end_of_a_day_is_of_eight_digits_that_are_one(digits: str, end_ms: int) -> None:
    assert administration.end_of_day(digits) == end_ms


def test_training_is_given_renewed_and_ended() -> None:
    plan = Plan(
        PLAN.name,
        PLAN.drawers,
        PLAN.timings,
        PLAN.rules,
        training=(Training("epidural", ("waste",)),),
    )
    ward = Ward(plan, stocked=False)
    ward.sign_in("A1")
    for button, text, held in (
        ("competency_until", "31122030", (("epidural", 1_924_992_000_000),)),
        ("competency_always", "", (("epidural", 0),)),
        ("competency_gone", "", ()),
    ):
        choose(ward, "N1")
        ward.press("edit")
        ward.press("edit:competencies")
        ward.press("competency:epidural")
        if button == "competency_until":
            assert ward.press(button, "01012001").refusal
        ward.press(button, text)
        ward.press("check_change")
        ward.press("save_change")
        assert ward.state.people[ward.ref("N1")].rights.competencies == held


def test_what_changes_nothing_is_no_record(ward: Ward) -> None:
    choose(ward, "N1")
    size = ward.sink.size
    ward.press("edit")
    ward.press("edit:groups")
    ward.press("set_group:A")
    ward.press("set_group:A")
    ward.press("check_change")
    assert "Nothing was changed" in repr(ward.screen())
    assert ward.sink.size == size


def test_another_role_ends_the_rights_to_override(ward: Ward) -> None:
    give_override(ward, "N1", "A")
    ward.prove("A2")
    change_role(ward, "N1", "pharmacy_technician")
    ward.press("save_change")
    assert ward.state.people[ward.ref("N1")].rights.override_groups == ()


# --- suspending and leaving -----------------------------------------------------------------------


def test_a_person_is_suspended_and_resumed_by_one_administrator(ward: Ward) -> None:
    suspend(ward, "N1", "inquiry")
    record = changed(ward)
    assert (record.status_before, record.status_after, record.why) == (
        "active",
        "suspended",
        "Under inquiry",
    )
    assert ward.state.people[ward.ref("N1")].stopped_by == ward.ref("A1")
    choose(ward, "N1")
    ward.press("resume")
    assert facts(ward)["Status"] == "Suspended → Works here"
    ward.press("save_change")
    assert changed(ward).status_after == "active"


def test_who_left_stays_so(ward: Ward) -> None:
    suspend(ward, "N1", "left")
    choose(ward, "N1")
    assert not {"resume", "edit", "stop_person"} & screens.buttons(ward.screen()).keys()
    assert ward.press("resume").refusal
    ward.press("people")
    ward.press("add_person")
    assert ward.press("add_staff_id", "N1").refusal, "a number is never given again"


def test_a_badge_of_somebody_suspended_signs_nobody_in(ward: Ward) -> None:
    suspend(ward, "N1")
    rest(ward)
    ward.prove("N1")
    assert ward.state.session is None


# --- enrolling again ------------------------------------------------------------------------------


def again(ward: Ward, staff_id: str, how: str) -> None:
    choose(ward, staff_id)
    ward.press("edit:again")
    ward.press(f"enrol_again:{how}")
    ward.press("save_change")


def test_who_enrols_again_can_do_nothing_until_then(ward: Ward) -> None:
    again(ward, "N1", "pin")
    withdrawn = ward.records(st.CredentialsWithdrawn)[-1]
    assert (withdrawn.person, withdrawn.by, withdrawn.new_badge) == (
        ward.ref("N1"),
        ward.ref("A1"),
        False,
    )
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code again"))
    assert ward.screen().name == "code"
    ward.press("menu")
    ward.press("sign_out")
    person = ward.state.people[ward.ref("N1")]
    assert (person.status(0), person.pin, person.badge) == ("invited", "", badge("N1"))
    ward.prove("N1")
    assert ward.state.session is None
    ward.press("cancel")
    ward._enrol("N1", "code again")
    ward.sign_in("N1")


def test_a_lost_badge_is_nobodys_at_once(ward: Ward) -> None:
    again(ward, "N1", "badge")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code again"))
    ward.press("menu")
    ward.press("sign_out")
    assert badge("N1") not in ward.state.by_badge
    assert ward.state.people[ward.ref("N1")].badge == ""


def test_a_cabinet_whose_administrator_enrols_again_stays_in_service(ward: Ward) -> None:
    choose(ward, "A2")
    ward.press("edit:again")
    ward.press("enrol_again:pin")
    assert "only one administrator works here" in repr(ward.screen())
    ward.press("save_change")
    assert ward.state.witnessing is not None
    ward.prove("A2")  # whose own account it is: they may, they are there
    assert ward.state.in_service


def test_after_a_restart_nothing_of_a_change_is_left(ward: Ward) -> None:
    begin(ward, "administrator")
    ward.restart()
    assert ward.screen().name == "rest"
    assert ward.state.people[ward.ref("N1")].role == "nurse"
