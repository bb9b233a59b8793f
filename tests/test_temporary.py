"""Temporary users: made by a charge nurse for some hours, with a code; they die by themselves."""

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from cabinet.messages import Rows
from cabinet.wording import clock, day_of
from tests.attacker import plain
from tests.ward import PIN, Ward, badge

HOUR_MS = 3_600_000


@pytest.fixture
def ward() -> Ward:
    ward = Ward()
    ward.sign_in("C1")
    ward.press("menu")
    ward.press("emergency")
    return ward


def make(
    ward: Ward, number: str = "X7", given: str = "Tom", family: str = "Temp", hours: str = "12"
) -> str:
    """Make one at the screen; the one-time code as it is hashed."""
    ward.press("temporary")
    ward.press("temp_new")
    ward.press("temp_staff_id", number)
    ward.press("temp_family", family)
    ward.press("temp_given", given)
    if ward.engine.place.page == "temp_human":
        ward.number("temp_human")
    ward.press("temp_hours", hours)
    if ward.engine.place.request:
        ward.do(e.CodeMade(ward.command(e.MakeCode).request, "PLAIN", f"code of {number}"))
    return f"code of {number}"


def enrol(ward: Ward, code: str, number: str, by: str = "A2") -> None:
    """Badge, PIN twice, no finger."""
    ward.enter(code, by)
    ward.do(e.BadgeSeen(badge(number)))
    ward.press("new_pin", PIN)
    ward.do(e.PinHashed(ward.command(e.HashPin).request, f"hash of {PIN}"))
    ward.press("same_pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
    ward.press("without_finger")


def made(ward: Ward, hours: str = "12") -> None:
    """One is made and enrolled, and the charge nurse is gone."""
    code = make(ward, hours=hours)
    ward.press("menu")
    ward.press("sign_out")
    enrol(ward, code, "X7")


def test_a_charge_nurse_makes_a_temporary_user_for_twelve_hours(ward: Ward) -> None:
    make(ward)
    listed = ward.records(r.PersonListed)[-1]
    issued = ward.records(r.CodeIssued)[-1]
    assert listed.rights.role == "temporary"
    assert listed.rights.expires_ms == ward.wall_ms + ward.now_ms + 12 * HOUR_MS
    assert listed.rights.override_groups == ()
    assert issued.by == ward.ref("C1") and issued.person == listed.person
    assert issued.expires_ms <= listed.rights.expires_ms, "the code dies with its user"
    assert ward.screen().name == "code"
    said = repr(ward.screen())
    assert "you, a pharmacist or an administrator enrols them" in said
    ends_ms = listed.rights.expires_ms
    assert f"Good until {day_of(ends_ms)} {clock(ends_ms)}" in said, "no longer than its user"
    assert plain(replay(ward.sink)) == plain(ward.state)


def test_a_temporary_user_enrols_and_removes_as_ordered(ward: Ward) -> None:
    made(ward)
    ward.sign_in("X7")
    ward.press("everyone")
    ward.remove("O1", count=20)
    assert ward.records(r.RemovalTaken)


@pytest.mark.parametrize("hours", ["0", "73", "99", "", "x", "²", "-1"])
def test_nobody_is_made_for_longer_than_three_days(ward: Ward, hours: str) -> None:
    make(ward, hours=hours)
    assert ward.engine.place.page == "temp_hours"
    assert not [it for it in ward.records(r.PersonListed) if it.rights.role == "temporary"]


def test_a_temporary_user_dies_in_the_middle_of_their_session(ward: Ward) -> None:
    made(ward, hours="1")
    ward.now_ms += HOUR_MS - 30_000
    ward.sign_in("X7")
    ward.press("everyone")
    ward.choose("O1")
    ward.now_ms += 31_000  # and no tick yet
    ward.commands.clear()
    ward.press("open")
    assert not any(isinstance(it, e.Pulse) for it in ward.commands)
    assert ward.state.session is None
    assert ward.records(r.Refused)[-1].why == "rights_expired"


def test_a_temporary_user_is_signed_out_when_their_time_is_over(ward: Ward) -> None:
    made(ward, hours="1")
    ward.now_ms += HOUR_MS - 5000
    ward.sign_in("X7")
    ward.wait(6)
    assert ward.state.session is None
    ward.do(e.BadgeSeen(badge("X7")))
    assert ward.state.session is None


def test_a_temporary_user_neither_witnesses_nor_makes_others(ward: Ward) -> None:
    made(ward)
    ward.sign_in("X7")
    ward.press("menu")
    assert ward.press("emergency").refusal
    assert ward.press("temporary").refusal
    ward.press("sign_out")
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    ward.press("removals")
    ward.press(f"removal:{removal}")
    ward.press("waste")
    ward.press("amount", "1")
    ward.prove("X7")
    assert ward.records(r.Refused)[-1].why == "witness_not_allowed"
    assert not ward.records(r.Wasted)


def test_nobody_makes_a_temporary_user_of_themselves(ward: Ward) -> None:
    make(ward, number="X9", given="Cleo", family="Charge")
    assert not [it for it in ward.records(r.PersonListed) if it.rights.role == "temporary"]
    make_again = make(ward, number="C1")
    assert make_again and ward.engine.place.page == "temp_staff_id", "a number is one person's"


def test_the_maker_cannot_enrol_as_the_one_they_made(ward: Ward) -> None:
    code = make(ward)
    ward.press("menu")
    ward.press("sign_out")
    ward.enter(code)
    ward.do(e.BadgeSeen(badge("C1")))
    assert ward.screen().name == "enrol_badge", "that badge is somebody else's"


@pytest.mark.parametrize("given", ["N\u0456na", "Nina\u200b"])
def test_a_name_in_another_scripts_letters_is_not_made(ward: Ward, given: str) -> None:
    make(ward, given=given, family="Nurse")
    assert not [it for it in ward.records(r.PersonListed) if it.rights.role == "temporary"]


@pytest.mark.parametrize("staff_id", ["N1", "P1", "T1", "A1"])
def test_only_who_may_makes_temporary_users(staff_id: str) -> None:
    ward = Ward()
    ward.sign_in(staff_id)
    ward.press("menu")
    ward.press("emergency")
    assert ward.press("temporary").refusal


def test_they_are_listed_until_when_and_can_be_ended(ward: Ward) -> None:
    make(ward)
    ward.press("menu")
    ward.press("emergency")
    ward.press("temporary")
    (rows,) = [it for it in ward.screen().blocks if isinstance(it, Rows)]
    assert rows.rows[0].title == "Tom Temp" and "Until" in rows.rows[0].lines[0]
    ref = ward.records(r.PersonListed)[-1].person
    ward.press(f"temp_end:{ref}")
    changed = ward.records(r.PersonChanged)[-1]
    assert (changed.status_before, changed.status_after) == ("active", "left")
    assert changed.by == ward.ref("C1")
    assert f"temp_end:{ref}" not in screens.buttons(ward.screen())


def test_a_code_of_one_whose_time_is_over_enrols_nobody(ward: Ward) -> None:
    code = make(ward, hours="1")
    ward.press("menu")
    ward.press("sign_out")
    ward.now_ms += HOUR_MS
    ward.enter(code)
    assert ward.state.enrolment is None


def test_rights_withdrawn_while_the_code_is_made_make_nobody(ward: Ward) -> None:
    ward.press("temporary")
    ward.press("temp_new")
    ward.press("temp_staff_id", "X7")
    ward.press("temp_family", "Temp")
    ward.press("temp_given", "Tom")
    ward.number("temp_human")
    ward.press("temp_hours", "12")
    ward.state.people[ward.ref("C1")].standing = "suspended"
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "PLAIN", "code"))
    assert not [it for it in ward.records(r.PersonListed) if it.rights.role == "temporary"]
