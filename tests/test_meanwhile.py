"""What came between a screen and its press: nobody undoes, or accepts, what they were not shown."""

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import staff_records as st
from tests.administrator import change_role, choose
from tests.test_staff_list import hospital, listed, row, standing, without
from tests.ward import Ward


@pytest.fixture
def ward() -> Ward:
    """A ward of a whole hospital, with an administrator at its screen."""
    ward = Ward(stocked=False)
    hospital(ward)
    ward.sign_in("A1")
    return ward


def everybody(ward: Ward) -> tuple[str, ...]:
    return tuple(ward.state.by_staff_id)


def test_a_leaver_is_not_brought_back_by_a_change_that_was_begun_before(ward: Ward) -> None:
    change_role(ward, "N1", "charge_nurse")
    assert not ward.do(listed(2, *without(everybody(ward), "N1"))).refusal
    assert standing(ward, "N1") == "suspended"
    assert ward.press("save_change").refusal
    assert standing(ward, "N1") == "suspended"
    assert ward.records(r.Refused)[-1].why == "changed_meanwhile"


def test_rights_that_a_list_took_are_not_given_again_by_a_change_begun_before(ward: Ward) -> None:
    choose(ward, "N1")
    ward.press("edit")
    ward.press("edit:areas")
    ward.press("set_area:*")
    ward.press("edit:area")
    ward.press("set_area_typed", "Ward 1")
    ward.press("check_change")
    rows = [row(it, groups=("E",)) if it == "N1" else it for it in everybody(ward)]
    assert not ward.do(listed(2, *rows)).refusal
    assert ward.press("save_change").refusal
    assert ward.state.people[ward.ref("N1")].rights.groups == ("E",)


def test_a_second_administrator_approves_nothing_that_brings_a_leaver_back(ward: Ward) -> None:
    change_role(ward, "N1", "administrator")
    ward.press("save_change")
    assert not ward.do(listed(2, *without(everybody(ward), "N1"))).refusal
    ward.prove("A2")
    assert standing(ward, "N1") == "suspended"
    assert not [it for it in ward.records(r.PersonChanged) if it.approved_by]


def test_after_a_change_is_saved_the_next_one_goes_on_from_it(ward: Ward) -> None:
    change_role(ward, "N1", "charge_nurse")
    assert not ward.press("save_change").refusal
    ward.press("edit")
    ward.press("edit:expiry")
    ward.press("set_end", "31122029")
    assert not ward.press("save_change").refusal
    assert ward.state.people[ward.ref("N1")].role == "charge_nurse"


def test_a_list_that_took_the_place_of_the_one_shown_is_not_accepted_for_it(ward: Ward) -> None:
    ward.do(listed(2, *without(everybody(ward), "N1", "N2", "N3", "T1", "P1", "P2")))
    ward.press("staff_list")
    shown = next(it.id for it in ward.screen().actions if it.id.startswith("accept_list"))
    ward.do(listed(3, "A1", "A2"))  # nearly everybody would go
    assert ward.press(shown).refusal
    assert not ward.records(st.StaffListJudged)


def test_expired_code_is_not_good_again_when_the_clock_is_set_back(ward: Ward) -> None:
    ward.press("people")
    ward.press("menu")
    ward.press("sign_out")
    person, hour_ms = ward.ref("N1"), 3_600_000
    ward.state.people[person].enrolled = False
    ward.sign_in("A1")
    ward.press("menu")
    ward.press("invite")
    ward.press(f"issue:{person}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code of N1"))
    ward.press("menu")
    ward.press("sign_out")
    ward.wall_ms += 1000 * hour_ms
    ward.do(e.Tick())  # the step of the clock is a record
    ward.wall_ms -= 1000 * hour_ms
    ward.enter("code of N1")
    assert ward.records(r.CodeRefused)[-1].why == "expired"
    assert ward.state.enrolment is None
