"""An enrolment has two people behind it: who issued the code, and who stands by."""

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from tests.administrator import change_role
from tests.attacker import plain
from tests.test_administration import add
from tests.test_enrolment import issued, pins
from tests.test_temporary import enrol, make
from tests.ward import PIN, Ward, badge


@pytest.fixture
def ward() -> Ward:
    return Ward()


def begun(ward: Ward, by: str) -> str:
    """Somebody's code is typed beside `by`; the refusal, or "" where the enrolment began."""
    issued(ward, "X1")
    ward.stand_by(by)
    ward.press("stand_by", "K7QM-2XWP-9HTA")
    ward.do(e.CodeHashed(ward.command(e.HashCode).request, "code"))
    return "" if ward.state.enrolment is not None else ward.records(r.Refused)[-1].why


@pytest.mark.parametrize("enroller", ["A2", "C1", "P1"])
def test_an_enroller_stands_by_is_recorded_with_their_factors_and_signed_out(
    ward: Ward, enroller: str
) -> None:
    assert begun(ward, enroller) == ""
    started = ward.records(r.EnrolmentStarted)[-1]
    assert started.enroller == ward.ref(enroller)
    assert len(started.factors) == 2
    assert ward.records(r.SignedOut)[-1].why == "enrolment"
    assert ward.state.session is None, "the newcomer sees nothing of the enroller"
    assert plain(replay(ward.sink)) == plain(ward.state)


@pytest.mark.parametrize("staff_id", ["N1", "T1"])
def test_who_may_not_enrol_is_not_offered_it(ward: Ward, staff_id: str) -> None:
    ward.sign_in(staff_id)
    ward.press("menu")
    assert "enrolling" not in screens.buttons(ward.screen())


def test_a_code_typed_with_nobody_standing_by_enrols_nobody_and_stays_good(ward: Ward) -> None:
    issued(ward, "X1")
    ward.press("have_code")
    ward.press("code", "K7QM-2XWP-9HTA")
    ward.do(e.CodeHashed(ward.command(e.HashCode).request, "code"))
    assert ward.records(r.CodeRefused)[-1].why == "nobody_stands_by"
    assert "charge nurse" in repr(ward.screen())
    ward.press("cancel")
    ward.enter("code")
    assert ward.state.enrolment is not None


def test_attack_an_administrator_alone_cannot_invent_a_nurse(ward: Ward) -> None:
    assert begun(ward, "A1") == "own_code"
    assert not ward.state.people[ward.ref("X1")].enrolled
    assert "Another enroller" in repr(ward.screen())


def test_attack_an_administrator_alone_cannot_add_a_nurse_and_enrol_them(ward: Ward) -> None:
    """Only the maker of a temporary user may also stand by."""
    ward.sign_in("A1")
    add(ward, "X1", "New", "Nell")
    ward.press(f"issue:{ward.ref('X1')}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code of X1"))
    ward.press("menu")
    ward.press("sign_out")
    ward.enter("code of X1", by="A1")
    assert ward.records(r.Refused)[-1].why == "own_code"
    assert ward.state.enrolment is None


def test_attack_an_administrator_alone_cannot_take_over_a_nurse_with_a_new_badge(
    ward: Ward,
) -> None:
    ward.sign_in("A1")
    ward.press("people")
    ward.press("find_person")
    ward.press("find_people", "N1")
    ward.press(f"person:{ward.ref('N1')}")
    ward.press("edit:again")
    ward.press("enrol_again:badge")
    ward.press("save_change")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code again"))
    ward.press("menu")
    ward.press("enrolling")
    ward.press("stand_by", "K7QM-2XWP-9HTA")
    ward.do(e.CodeHashed(ward.command(e.HashCode).request, "code again"))
    assert ward.records(r.Refused)[-1].why == "own_code"
    assert ward.state.enrolment is None


def test_an_enroller_suspended_meanwhile_enrols_nobody(ward: Ward) -> None:
    assert begun(ward, "C1") == ""
    ward.do(e.BadgeSeen(badge("X1")))
    pins(ward)
    gone = e.PersonRow("C1", "Cleo", "Charge", "charge_nurse", badge("C1"), "suspended")
    assert not ward.do(e.Import("test", people=(("people.csv:2", gone),))).refusal
    ward.press("without_finger")
    assert ward.records(r.EnrolmentEnded)[-1].why == "enroller_withdrawn"
    assert not ward.state.people[ward.ref("X1")].enrolled


def temporary_of(ward: Ward) -> None:
    """The charge nurse makes a temporary user, and stands by as they enrol."""
    ward.sign_in("C1")
    ward.press("menu")
    ward.press("emergency")
    code = make(ward)
    ward.press("menu")
    ward.press("sign_out")
    enrol(ward, code, "X7", by="C1")


def test_attack_a_charge_nurse_is_no_witness_beside_a_temporary_user_of_their_making(
    ward: Ward,
) -> None:
    temporary_of(ward)
    assert ward.state.people[ward.ref("X7")].enrolled, "at night there is nobody else"
    ward.sign_in("X7")
    ward.press("everyone")
    removal = ward.remove("O1", count=20)
    for button in ("removals", f"removal:{removal}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    ward.prove("C1")
    assert ward.records(r.Refused)[-1].why == "same_person"
    assert not ward.records(r.Wasted)
    ward.press("cancel")
    ward.press("amount", "1")
    ward.prove("N2")
    assert ward.records(r.Wasted)


@pytest.mark.parametrize("finger", ["", "taken"])
def test_attack_a_list_makes_a_nurse_of_a_temporary_user_while_their_maker_enrols_them(
    ward: Ward, finger: str
) -> None:
    """The charge nurse keeps the enrolment waiting until the list comes that has its number."""
    ward.sign_in("C1")
    ward.press("menu")
    ward.press("emergency")
    code = make(ward)
    ward.press("menu")
    ward.press("sign_out")
    ward.enter(code, "C1")
    ward.do(e.BadgeSeen(badge("X7")))
    pins(ward)
    if finger:  # somebody's, by which the code is used up
        ward.do(e.FingerSeen(ward.command(e.EnrolFinger).request, "taken", 4))
        ward.press("try_finger")
        request = ward.command(e.EnrolFinger)
        ward.do(e.FingerSeen(request.request, "enrolled", request.slot))
    named = e.PersonRow("X7", "Tom", "Temp", "nurse", "", expires_ms=0)
    assert not ward.do(e.Import("test", people=(("people.csv:2", named),))).refusal
    ward.press("without_finger")
    person = ward.state.people[ward.ref("X7")]
    assert (person.role, person.enrolled) == ("nurse", False)
    assert ward.records(r.EnrolmentEnded)[-1].why == "own_code"


@pytest.mark.parametrize("its_badge", ["", badge("X7 of the hospital")])
def test_attack_whoever_made_a_temporary_user_alone_holds_no_account_that_a_list_makes_more(
    ward: Ward, its_badge: str
) -> None:
    """They gave it the number of somebody who is on the next list, and a badge of their own."""
    temporary_of(ward)
    named = e.PersonRow("X7", "Tom", "Temp", "nurse", its_badge, expires_ms=0)
    assert not ward.do(e.Import("test", people=(("people.csv:2", named),))).refusal
    person = ward.state.people[ward.ref("X7")]
    assert (person.role, person.enrolled, person.badge) == ("nurse", False, its_badge)
    ward.do(e.BadgeSeen(badge("X7")))
    ward.press("use_pin")
    ward.press("pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
    assert ward.state.session is None
    ward.press("cancel")
    ward.wait(60)
    ward.sign_in("A1")
    ward.press("invite")
    ward.press(f"issue:{ward.ref('X7')}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code anew"))
    ward.press("menu")
    ward.press("sign_out")
    ward.enter("code anew", "C1")
    assert ward.state.enrolment is not None, "now there are two behind it"
    assert plain(replay(ward.sink)) == plain(ward.state)


def test_attack_one_administrator_alone_makes_no_more_of_a_temporary_user(ward: Ward) -> None:
    temporary_of(ward)
    ward.sign_in("A1")
    change_role(ward, "X7", "nurse")
    ward.press("save_change")
    assert ward.records(r.Refused)[-1].why == "temporary_rights"
    assert ward.state.people[ward.ref("X7")].role == "temporary"


def test_attack_whose_finger_is_enrolled_for_another_does_not_go_on_without_one(
    ward: Ward,
) -> None:
    assert begun(ward, "A2") == ""
    ward.do(e.BadgeSeen(badge("X1")))
    pins(ward)
    somebodys = ward.state.people[ward.ref("N1")].slots[0]
    ward.do(e.FingerSeen(ward.command(e.EnrolFinger).request, "taken", somebodys))
    assert "without_finger" not in screens.buttons(ward.screen())
    ward.press("try_finger")
    assert "without_finger" not in screens.buttons(ward.screen())
    again = ward.command(e.EnrolFinger)
    ward.do(e.FingerSeen(again.request, "enrolled", again.slot))
    assert "without_finger" in screens.buttons(ward.screen()), "one of their own is enough"


@pytest.mark.parametrize("way", ["cancelled", "power cut"])
def test_attack_whose_finger_was_taken_does_not_begin_again_and_leave_it_out(
    ward: Ward, way: str
) -> None:
    assert begun(ward, "A2") == ""
    ward.do(e.BadgeSeen(badge("X1")))
    pins(ward)
    somebodys = ward.state.people[ward.ref("N1")].slots[0]
    ward.do(e.FingerSeen(ward.command(e.EnrolFinger).request, "taken", somebodys))
    if way == "cancelled":
        ward.press("cancel")
        assert "Ask for a new code" in repr(ward.screen())
    else:
        ward.restart()
    ward.stand_by("A2")
    ward.press("stand_by", "K7QM-2XWP-9HTA")
    ward.do(e.CodeHashed(ward.command(e.HashCode).request, "code"))
    assert ward.records(r.CodeRefused)[-1].why == "unknown"
    assert ward.state.enrolment is None
