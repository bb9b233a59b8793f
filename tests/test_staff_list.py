"""Signed staff lists at the cabinet: they take from anybody, and give nobody what people give.

An attack is a list that whoever holds the signing key, or the file, could bring.
"""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from auth.policy import Role
from cabinet import events as e
from cabinet import records as r
from cabinet import screens, staff_list
from cabinet import staff_records as st
from cabinet.journal import replay
from cabinet.lists import MAX_TEXT_CHARS
from cabinet.step import Outcome
from tests.ward import PEOPLE, Ward, badge

WHOLE = tuple(PEOPLE)
MANY = 30  # people of a hospital, besides those of the ward
ALL = len(WHOLE) + MANY


@pytest.fixture
def ward() -> Ward:
    return Ward(stocked=False)


def row(staff_id: str, **changes: Any) -> e.PersonRow:
    given_name, family, role, _ = PEOPLE.get(staff_id, ("Nell", f"New {staff_id}", "nurse", ()))
    return replace(e.PersonRow(staff_id, given_name, family, role, badge(staff_id)), **changes)


def listed(number: int, *rows: e.PersonRow | str, digest: str = "") -> e.StaffList:
    """List `number` of these people, named by their staff numbers or by their rows."""
    people = [row(it) if isinstance(it, str) else it for it in rows]
    return e.StaffList(
        number,
        digest or hashlib.sha256(repr((number, people)).encode()).hexdigest(),
        "note",
        tuple((f"staff.csv:{line}", it) for line, it in enumerate(people, 2)),
    )


def hospital(ward: Ward) -> tuple[str, ...]:
    """Everybody of the ward and of a whole hospital, on the first list."""
    everybody = (*WHOLE, *(f"H{n}" for n in range(MANY)))
    assert not ward.do(listed(1, *everybody)).refusal
    return everybody


def standing(ward: Ward, staff_id: str) -> str:
    return ward.state.people[ward.ref(staff_id)].standing


def without(everybody: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(it for it in everybody if it not in names)


def refused(ward: Ward, outcome: Outcome, why: str) -> None:
    """Nothing was taken but the refusal."""
    assert outcome.refusal
    (body,) = outcome.bodies
    assert isinstance(body.record, r.Refused)
    assert (body.record.act, body.record.why) == ("staff_list", why)


def test_who_is_not_on_the_list_any_more_is_suspended_at_once(ward: Ward) -> None:
    everybody = hospital(ward)
    ward.sign_in("N1")
    outcome = ward.do(listed(2, *without(everybody, "N1", "H1")))
    assert not outcome.refusal
    changes = [body.record for body in outcome.bodies if isinstance(body.record, r.PersonChanged)]
    assert [it.person for it in changes] == [ward.ref("N1"), ward.ref("H1")]
    assert all(it.by == "" and it.why == "not on staff list 2" for it in changes)
    ward.wait(1)
    assert ward.state.session is None, "signed out in the middle of a session"
    ward.do(e.BadgeSeen(badge("N1")))
    assert ward.screen().name == "finger", "nobody is told whether a badge is known"


def test_a_list_adds_changes_and_brings_back_whom_a_list_suspended(ward: Ward) -> None:
    everybody = hospital(ward)
    ward.do(listed(2, *without(everybody, "N1")))
    back = row("N1", areas=("ICU",), groups=("E",), expires_ms=ward.wall_ms + 10**9)
    ward.do(listed(3, *without(everybody, "N1"), back, "X1"))
    person = ward.state.people[ward.ref("N1")]
    assert (person.standing, person.rights.areas, person.rights.groups) == (
        "active",
        ("ICU",),
        ("E",),
    )
    assert ward.state.people[ward.ref("X1")].status(0) == "invited"
    assert ward.records()[-1].number == 3


def test_the_same_list_again_changes_nothing(ward: Ward) -> None:
    hospital(ward)
    size = ward.sink.size
    everybody = (*WHOLE, *(f"H{n}" for n in range(MANY)))
    outcome = ward.do(listed(1, *everybody))
    assert (outcome.refusal, outcome.report) == ("", ("list 1: taken already",))
    assert ward.sink.size == size


def test_a_replayed_older_list_does_not_bring_the_leavers_back(ward: Ward) -> None:
    everybody = hospital(ward)
    ward.do(listed(2, *without(everybody, "N1")))
    refused(ward, ward.do(listed(1, *everybody)), "old_list")
    refused(ward, ward.do(listed(2, *everybody)), "old_list")
    assert standing(ward, "N1") == "suspended"
    ward.restart()
    refused(ward, ward.do(listed(1, *everybody)), "old_list")


@pytest.mark.parametrize("problem", ["wrong_signature", "no_note", "another_file", "no_key"])
def test_a_list_that_is_not_believed_leaves_a_record_and_nothing_else(
    ward: Ward, problem: str
) -> None:
    outcome = ward.do(e.StaffList(problem=problem))
    refused(ward, outcome, problem)
    assert outcome.refusal == f"The staff list is not taken: {staff_list.PROBLEMS[problem]}"


def test_a_list_in_which_somebody_was_promoted_grants_nothing(ward: Ward) -> None:
    everybody = hospital(ward)
    promoted = (
        row("N1", role="pharmacist"),
        row("N2", role="administrator"),
        row("X1", role="pharmacist"),
        row("X2", role="administrator"),
    )
    outcome = ward.do(listed(2, *without(everybody, "N1", "N2"), *promoted))
    assert not outcome.refusal
    assert ward.state.people[ward.ref("N1")].role == "nurse"
    assert ward.state.people[ward.ref("N2")].role == "nurse"
    assert standing(ward, "X1") == "suspended"
    assert "X2" not in ward.state.by_staff_id
    told = [it for it in ward.records(r.Refused) if it.act == "staff_list"]
    assert [it.why for it in told] == ["grants_role"] * 4
    assert (
        len([line for line in outcome.report if "two administrators give this role" in line]) == 4
    )
    ward.do(listed(3, *without(everybody, "N1", "N2"), *promoted))
    assert standing(ward, "X1") == "suspended", "nor does the next list"


def test_no_list_gives_rights_to_override(ward: Ward) -> None:
    everybody = hospital(ward)
    ward.do(listed(2, *without(everybody, "N1"), row("N1", groups=("A", "B", "C"))))
    assert ward.state.people[ward.ref("N1")].rights.override_groups == ()
    assert "override" not in e.PersonRow.__dataclass_fields__, "there is no column for it"


def test_a_list_cannot_change_an_administrator_but_can_suspend_one(ward: Ward) -> None:
    everybody = hospital(ward)
    before = ward.state.people[ward.ref("A1")].rights
    lie = row("A1", role="nurse", areas=("nowhere",), expires_ms=ward.wall_ms - 1)
    ward.do(listed(2, *without(everybody, "A1"), lie))
    assert ward.state.people[ward.ref("A1")].rights == before
    assert [it.why for it in ward.records(r.Refused)][-1] == "administrator"
    ward.do(listed(3, *without(everybody, "A1"), row("A1", status="suspended")))
    assert standing(ward, "A1") == "suspended"


def test_a_list_cannot_take_the_last_administrator(ward: Ward) -> None:
    everybody = hospital(ward)
    assert not ward.do(listed(2, *without(everybody, "A1", "A2"))).refusal
    assert standing(ward, "A1") == standing(ward, "A2") == "active"


def test_nobody_whom_a_person_suspended_comes_back_by_a_list(ward: Ward) -> None:
    everybody = hospital(ward)
    stop(ward, "N1", "suspended")
    outcome = ward.do(listed(2, *everybody))
    assert standing(ward, "N1") == "suspended"
    assert any("suspended by a person" in line for line in outcome.report)
    lie = e.Import("test", people=(("people.csv:2", row("N1", status="active")),))
    assert ward.do(lie).refusal
    assert standing(ward, "N1") == "suspended"


def test_a_leaver_stays_gone_whatever_any_list_says(ward: Ward) -> None:
    everybody = hospital(ward)
    ward.do(listed(2, *without(everybody, "N1"), row("N1", status="left")))
    assert standing(ward, "N1") == "left"
    outcome = ward.do(listed(3, *everybody))
    assert not outcome.refusal
    assert standing(ward, "N1") == "left"
    assert any("a staff number is never given again" in line for line in outcome.report)


def stop(ward: Ward, staff_id: str, status: r.Standing) -> None:
    """An administrator suspends somebody, as the ledger has it."""
    person = ward.state.people[ward.ref(staff_id)]
    record = r.PersonChanged(
        person.ref, ward.ref("A1"), "", person.rights, person.rights, "active", status, "test"
    )
    body = r.Body(
        r.BODY_TAG, 1, "ward-1", ward.sink.size + 1, ward.wall_ms, 0, "boot-1", "salt", record
    )
    ward.sink.append([r.encode_body(body)])
    ward.restart()


# --- lists that are held for a person -------------------------------------------------------------


def test_an_empty_list_is_held(ward: Ward) -> None:
    hospital(ward)
    outcome = ward.do(listed(2, *("A1", "A2")))
    assert f"{ALL - 2} of {ALL} people would lose their access" in outcome.refusal
    assert standing(ward, "N1") == "active"
    assert f"{ALL - 2} of {ALL} people would lose" in ward.do(listed(3)).refusal
    assert standing(ward, "N1") == "active"


def test_everybody_deleted_in_one_list_is_held_and_nobody_loses_access(ward: Ward) -> None:
    everybody = hospital(ward)
    leavers = [row(it, status="left") for it in without(everybody, "A1", "A2")]
    outcome = ward.do(listed(2, "A1", "A2", *leavers))
    assert "The staff list waits" in outcome.refusal
    assert isinstance(ward.records()[-1], st.StaffListHeld)
    assert all(standing(ward, it) == "active" for it in everybody)
    ward.do(listed(2, "A1", "A2", *leavers))
    assert len(ward.records(st.StaffListHeld)) == 1, "it waits already"


def test_a_tenth_may_go_and_one_more_is_held(ward: Ward) -> None:
    everybody = hospital(ward)
    fewer = without(everybody, "H1", "H2", "H3")
    assert not ward.do(listed(2, *fewer)).refusal
    assert f"4 of {ALL - 3}" in ward.do(listed(3, *without(fewer, "H4", "H5", "H6", "H7"))).refusal


def test_one_leaver_of_a_small_ward_is_a_leaver(ward: Ward) -> None:
    assert not ward.do(listed(1, *without(WHOLE, "N1"))).refusal
    assert "The staff list waits" in ward.do(listed(2, *without(WHOLE, "N1", "N2", "N3"))).refusal


def judge(ward: Ward, verb: str) -> Outcome:
    """Press the button that accepts or refuses the list that is shown."""
    shown = (it for it in screens.buttons(ward.screen()) if it.startswith(f"{verb}:"))
    return ward.press(next(shown, verb))


def held(ward: Ward) -> e.StaffList:
    """A list that waits, with an administrator looking at it."""
    everybody = hospital(ward)
    event = listed(2, *without(everybody, "N1", "N2", "N3", "P1", "T1", "H1"))
    assert ward.do(event).refusal
    ward.sign_in("A1")
    ward.press("staff_list")
    return event


def test_an_administrator_sees_who_would_lose_access_and_accepts_it(ward: Ward) -> None:
    event = held(ward)
    shown = repr(ward.screen())
    assert f"6 of {ALL} who work here would lose their access" in shown
    assert "Nina Nurse" in shown and "No. N1" in shown
    ward.press("more")
    assert "New H1" in repr(ward.screen())
    assert not judge(ward, "accept_list").refusal
    judged = ward.records(st.StaffListJudged)[-1]
    assert (judged.number, judged.by, judged.accepted) == (2, ward.ref("A1"), True)
    assert standing(ward, "N1") == "active", "it is taken when it comes again"
    assert not ward.do(event).refusal
    assert standing(ward, "N1") == "suspended"
    assert "staff_list" not in screens.buttons(ward.screen())


def test_what_was_accepted_is_that_list_and_no_other(ward: Ward) -> None:
    held(ward)
    judge(ward, "accept_list")
    assert ward.do(listed(2, "A1", "A2", digest="another")).refusal
    assert standing(ward, "N1") == "active"


def test_a_list_that_an_administrator_refused_never_comes_again(ward: Ward) -> None:
    event = held(ward)
    judge(ward, "refuse_list")
    assert ward.records(st.StaffListJudged)[-1].accepted is False
    refused(ward, ward.do(replace(event, digest="the same, signed again")), "old_list")
    assert standing(ward, "N1") == "active"


def test_the_very_list_that_was_refused_is_refused_again_and_never_called_taken(
    ward: Ward,
) -> None:
    event = held(ward)
    judge(ward, "refuse_list")
    for _ in range(2):
        outcome = ward.do(event)
        refused(ward, outcome, "old_list")
        assert outcome.refusal.endswith("or a higher one was taken or refused already.")
        ward.restart()
    newer = listed(3, *WHOLE, *(f"H{n}" for n in range(MANY)))
    assert not ward.do(newer).refusal
    assert ward.do(newer).report == ("list 3: taken already",)


def test_a_newer_list_takes_the_place_of_the_one_that_waits(ward: Ward) -> None:
    held(ward)
    ward.do(listed(3, *WHOLE, *(f"H{n}" for n in range(MANY))))
    assert judge(ward, "accept_list").refusal
    assert not ward.records(st.StaffListJudged)


def test_only_an_administrator_judges_a_list(ward: Ward) -> None:
    held(ward)
    ward.press("menu")
    ward.press("sign_out")
    for staff_id in ("N1", "P1", "T1"):
        ward.sign_in(staff_id)
        ward.press("menu")
        assert "staff_list" not in screens.buttons(ward.screen())
        assert judge(ward, "accept_list").refusal
        ward.press("sign_out")


def test_a_suspended_administrator_accepts_nothing(ward: Ward) -> None:
    everybody = hospital(ward)
    assert ward.do(listed(2, *without(everybody, "N1", "N2", "N3", "T1", "P1"))).refusal
    ward.sign_in("A1")
    ward.press("staff_list")
    lists = e.Import("test", people=(("people.csv:2", row("A1", status="suspended")),))
    assert not ward.do(lists).refusal
    assert judge(ward, "accept_list").refusal
    assert not ward.records(st.StaffListJudged)


# --- whatever a list holds ------------------------------------------------------------------------

names = strategies.one_of(
    strategies.text(max_size=20),
    strategies.sampled_from(["N1", "N2", "A1", "A2", "X1", "X2", "P1"]),
)
rows = strategies.builds(
    e.PersonRow,
    strategies.sampled_from(["N1", "N2", "N3", "A1", "A2", "X1", "X2", "P1", "T1"]),
    strategies.one_of(names, strategies.just("Nell")),
    strategies.one_of(names, strategies.just("New")),
    strategies.sampled_from(["nurse", "nurse", *(role.value for role in Role)]),
    strategies.sampled_from(["", badge("N1"), badge("X1"), badge("X2")]),
    strategies.sampled_from([None, "active", "suspended", "left"]),
    strategies.sampled_from([None, ("*",), ("ICU",), ()]),
    strategies.sampled_from([None, ("A",), tuple("ABCDEFGH"), ("Z",)]),
    strategies.sampled_from([None, 0, 10**12 * 2, -1]),
    strategies.sampled_from([None, "", "one"]),
    strategies.sampled_from([None, (), (("IV", 0),)]),
)


def powers(ward: Ward) -> dict[str, tuple[bool, bool, tuple[str, ...]]]:
    """Who is a working pharmacist or administrator, and who may override what."""
    return {
        it.ref: (
            it.standing == "active" and it.role in staff_list.BY_TWO,
            it.standing == "left",
            it.rights.override_groups,
        )
        for it in ward.state.people.values()
    }


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(strategies.lists(strategies.lists(rows, max_size=9), max_size=5))
def test_no_sequence_of_lists_gives_what_two_people_give(found: list[list[e.PersonRow]]) -> None:
    ward = Ward(stocked=False)
    able = {ref for ref, (working, _, _) in powers(ward).items() if working}
    for number, people in enumerate(found, 1):
        before = powers(ward)
        outcome = ward.do(listed(number, *people))
        assert outcome.refusal or outcome.report
        for ref, (working, left, override) in powers(ward).items():
            assert not working or ref in able
            assert not override
            assert left or not before.get(ref, (False, False, ()))[1], "a leaver came back"
        assert any(
            it.role == "administrator" and it.enrolled and it.standing == "active"
            for it in ward.state.people.values()
        )
    assert replay(ward.sink).people == ward.state.people
    assert max(len(body) for body in ward.sink.bodies) <= r.MAX_BODY_BYTES


def test_a_list_of_thousands_that_is_held_fits_into_an_entry(ward: Ward) -> None:
    crowd = tuple(f"H{n}" for n in range(1200))
    assert not ward.do(listed(1, *WHOLE, *crowd)).refusal
    assert ward.do(listed(2, *WHOLE)).refusal
    record = ward.records(st.StaffListHeld)[-1]
    assert (record.count, len(record.losing)) == (1200, staff_list.MOST_NAMED)
    assert max(len(body) for body in ward.sink.bodies) <= r.MAX_BODY_BYTES
    ward.sign_in("A1")
    ward.press("staff_list")
    for _ in range(staff_list.MOST_NAMED // staff_list.ROWS_A_PAGE):
        ward.press("more")
    assert f"1200 of {1200 + len(WHOLE)}" in repr(ward.screen())


def test_a_row_of_what_there_is_not_refuses_the_list(ward: Ward) -> None:
    bad = (row("N1", role="boss"), row("N2", family="x" * (MAX_TEXT_CHARS + 1)))
    outcome = ward.do(listed(1, *without(WHOLE, "N1", "N2"), *bad))
    refused(ward, outcome, "bad_rows")
    assert len(outcome.report) == 2


def test_who_was_added_at_the_screen_is_no_list_s_until_one_names_them(ward: Ward) -> None:
    everybody = hospital(ward)
    ward.sign_in("A1")
    ward.press("people")
    for button, text in (
        ("add_person", ""),
        ("add_staff_id", "X9"),
        ("add_family", "Locum"),
        ("add_given", "Lou"),
    ):
        assert not ward.press(button, text).refusal
    ward.number("add_human")
    assert not ward.press("add_role:nurse").refusal
    assert not ward.do(listed(2, *everybody)).refusal
    assert standing(ward, "X9") == "active", "added at the screen: of no list"
    assert not ward.do(listed(3, *everybody, row("X9", family="Locum", given="Lou"))).refusal
    assert not ward.do(listed(4, *everybody)).refusal
    assert standing(ward, "X9") == "suspended", "a list named them, and does so no more"
