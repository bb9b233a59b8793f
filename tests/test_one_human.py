"""A hostile insider, alone: each way to be two people, or to reach what they may not, is shut.

Who stands by an enrolment, and the temporary user beside their maker, are in `test_standing_by.py`.
"""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from cabinet import events as e
from cabinet import power, retention, screens
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.journal import replay
from tests.attacker import plain
from tests.test_administration import add
from tests.test_temporary import enrol, make
from tests.ward import PEOPLE, Ward, badge

DAY_MS = 86_400_000


@pytest.fixture
def ward() -> Ward:
    return Ward()


def again(ward: Ward, whom: str, how: str) -> None:
    """A1 has somebody enrol again, and holds the code."""
    ward.sign_in("A1")
    ward.press("people")
    ward.press("find_person")
    ward.press("find_people", whom)
    ward.press(f"person:{ward.ref(whom)}")
    for button in ("edit:again", f"enrol_again:{how}", "save_change"):
        ward.press(button)
    assert ward.records(st.CredentialsWithdrawn)
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", f"code of {whom}"))
    ward.press("menu")


def temporary(ward: Ward, number: str = "X7", by: str = "C1") -> str:
    """One whom the charge nurse made and stood by, alone; their reference."""
    ward.sign_in("C1")
    ward.press("menu")
    ward.press("emergency")
    code = make(ward, number)
    ward.press("menu")
    ward.press("sign_out")
    enrol(ward, code, number, by=by)
    return ward.ref(number)


def waste(ward: Ward, second: str) -> None:
    """Some of what the person at the screen takes is wasted, with this one beside them."""
    removal = ward.remove("O1", count=20)
    for button in ("removals", f"removal:{removal}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    hold = ward.state.people[ward.ref(second)].badge or badge(second)
    ward.do(e.BadgeSeen(hold))
    if ward.screen().name == "finger":
        ward.press("use_pin")
    ward.press("pin", "73910264")
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))


# --- a temporary user -----------------------------------------------------------------------------


def test_attack_an_administrator_alone_takes_over_no_temporary_user(ward: Ward) -> None:
    """Their badge is lost, says the administrator, who has a new one and the new code."""
    temporary(ward)
    again(ward, "X7", "badge")
    ward.press("sign_out")
    ward.enter("code of X7", by="A1")
    assert ward.records(r.Refused)[-1].why == "own_code"
    assert ward.state.enrolment is None


def test_attack_a_charge_nurse_makes_no_temporary_user_of_themselves_by_person_number(
    ward: Ward,
) -> None:
    charge = ward.state.people[ward.ref("C1")]
    row = e.PersonRow("C1", "Cleo", "Charge", "charge_nurse", badge("C1"), human="one human")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.sign_in("C1")
    for button in ("menu", "emergency", "temporary", "temp_new"):
        ward.press(button)
    for button, text in (
        ("temp_staff_id", "X7"),
        ("temp_family", "Temp"),
        ("temp_given", "Tom"),
    ):
        ward.press(button, text)
    ward.number("temp_human", "one human")
    assert ward.screen().name == "temporary" and "X7" not in ward.state.by_staff_id
    assert charge.human_hash == "one human"


# --- a second account ----------------------------------------------------------------------------


def test_two_accounts_with_one_person_number_typed_at_the_screen_are_one_human(
    ward: Ward,
) -> None:
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", badge("N1"), human="one human")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.sign_in("A1")
    ward.press("people")
    ward.press("add_person")
    for button, text in (("add_staff_id", "X1"), ("add_family", "Nurse"), ("add_given", "Ann")):
        ward.press(button, text)
    ward.number("add_human", "one human")
    ward.press("add_role:nurse")
    assert ward.records(r.PersonListed)[-1].human == "one human"
    issue(ward, "X1")
    ward.sign_in("N1")
    waste(ward, "X1")
    assert ward.records(r.Refused)[-1].why == "same_person"
    assert not ward.records(r.Wasted)


def issue(ward: Ward, staff_id: str) -> None:
    """A code by A1; they enrol beside A2, without a finger."""
    ward.press("menu")
    ward.press("invite")
    while f"issue:{ward.ref(staff_id)}" not in screens.buttons(ward.screen()):
        ward.press("more")
    ward.press(f"issue:{ward.ref(staff_id)}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", f"code of {staff_id}"))
    ward.press("menu")
    ward.press("sign_out")
    PEOPLE[staff_id] = ("Ann", "Nurse", "nurse", ())
    try:
        ward._enrol(staff_id, f"code of {staff_id}")
    finally:
        del PEOPLE[staff_id]


def test_attack_an_administrators_nurse_account_of_their_own_is_not_stood_by_by_them(
    ward: Ward,
) -> None:
    """Another administrator issues the code; the person number says whose account it is."""
    human = ward.state.people[ward.ref("A2")].human
    ward.sign_in("A1")
    add(ward, "X1", "Other", "Name")
    ward.state.people[ward.ref("X1")].human_hash = human
    ward.state.people[ward.ref("A2")].human_hash = human
    ward.press("menu")
    ward.press("invite")
    while f"issue:{ward.ref('X1')}" not in screens.buttons(ward.screen()):
        ward.press("more")
    ward.press(f"issue:{ward.ref('X1')}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code of X1"))
    ward.press("menu")
    ward.press("sign_out")
    ward.enter("code of X1", by="A2")
    assert ward.records(r.Refused)[-1].why == "own_enrolment"


# --- accounts that nobody uses --------------------------------------------------------------------


def invited(ward: Ward) -> str:
    ward.sign_in("A1")
    add(ward, "X1", "New", "Nell")
    ward.press("menu")
    ward.press("sign_out")
    return "X1"


def suspended(ward: Ward) -> str:
    listed_nurse(ward, status="suspended")
    return "N2"


def left(ward: Ward) -> str:
    listed_nurse(ward, status="left")
    return "N2"


def expired(ward: Ward) -> str:
    listed_nurse(ward, status="active", expires_ms=ward.wall_ms + ward.now_ms + 1)
    ward.now_ms += 10
    return "N2"


def withdrawn(ward: Ward) -> str:
    again(ward, "N2", "pin")
    ward.press("sign_out")
    return "N2"


def listed_nurse(ward: Ward, **said: object) -> None:
    row = e.PersonRow("N2", "Noel", "Nurse", "nurse", "", **said)  # type: ignore[arg-type]
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal


@pytest.mark.parametrize("whose", [invited, suspended, left, expired, withdrawn])
def test_attack_an_account_that_nobody_uses_is_no_second_person(
    ward: Ward, whose: Callable[[Ward], str]
) -> None:
    other = whose(ward)
    ward.sign_in("N1")
    waste(ward, other)
    assert not ward.records(r.Wasted)
    assert ward.state.screen.state != "signed_in", "the witness is still waited for"


def test_attack_a_suspended_colleagues_code_enrols_nobody(ward: Ward) -> None:
    withdrawn(ward)
    listed_nurse(ward, status="suspended")
    ward.enter("code of N2", by="A2")
    assert ward.state.enrolment is None
    assert ward.records(r.CodeRefused)[-1].why == "unknown"


def test_attack_who_approves_power_is_neither_its_receiver_nor_its_giver(ward: Ward) -> None:
    ward.sign_in("A1")
    for button in ("people", "find_person"):
        ward.press(button)
    ward.press("find_people", "A2")
    ward.press(f"person:{ward.ref('A2')}")
    for button in ("edit", "edit:role", "set_role:pharmacist", "save_change"):
        ward.press(button)
    for second in ("A1", "A2"):
        ward.prove(second)
        ward.press("cancel")
        assert ward.state.people[ward.ref("A2")].role == "administrator"
    assert not [it for it in ward.records(r.PersonChanged) if it.approved_by]
    assert power.BY_TWO == ("pharmacist", "administrator")


# --- a number that was somebody's -----------------------------------------------------------------


def erased(ward: Ward) -> None:
    """N2 left, and their name was erased by law."""
    listed_nurse(ward, status="left")
    name = ward.state.people[ward.ref("N2")].details_name
    assert retention.numbered(ward.state, (name,)) == {name: "N2"}
    refusal = ward.do(e.Erase((name,), "lawful_order", "court-7")).refusal
    assert "must stay" in refusal, "no erasure forgets that the number was given"
    numbers = ((name, "hash of N2"),)
    assert not ward.do(e.Erase((name,), "lawful_order", "court-7", numbers)).refusal
    assert "N2" not in ward.state.by_staff_id


def test_an_erased_persons_staff_number_is_given_to_nobody_at_the_screen(ward: Ward) -> None:
    erased(ward)
    ward.restart()
    ward.do(e.DeviceChanged("fingerprint", "", "5a" * 16))
    ward.sign_in("A1")
    ward.press("people")
    ward.press("add_person")
    for button, text in (("add_staff_id", "N2"), ("add_family", "New"), ("add_given", "Nell")):
        assert not ward.press(button, text).refusal
    ward.number("add_human")
    assert "belongs to somebody" in repr(ward.screen())
    assert ward.engine.place.page == "add_staff_id"
    assert not ward.press("add_staff_id", "X9").refusal, "another number will do"


def test_an_erased_persons_staff_number_is_given_to_no_temporary_user(ward: Ward) -> None:
    erased(ward)
    ward.sign_in("C1")
    ward.press("menu")
    ward.press("emergency")
    make(ward, "N2")
    assert ward.engine.place.page == "temp_staff_id"
    assert "N2" not in ward.state.by_staff_id


def test_an_erased_persons_staff_number_is_given_to_nobody_by_a_list(ward: Ward) -> None:
    erased(ward)
    row = e.PersonRow("N2", "Nell", "New", "nurse", badge("X"), number="hash of N2")
    outcome = ward.do(e.Import("test", people=(("people.csv:2", row),)))
    assert "never given again" in outcome.refusal + " ".join(outcome.report)
    signed = e.StaffList(1, "d1", "note", (("staff.csv:2", row), *everybody_else()))
    outcome = ward.do(signed)
    assert not outcome.refusal and "never given again" in " ".join(outcome.report)
    assert "N2" not in ward.state.by_staff_id


def everybody_else() -> tuple[tuple[str, e.PersonRow], ...]:
    return tuple(
        (f"staff.csv:{line}", e.PersonRow(who, given, family, role, badge(who)))
        for line, (who, (given, family, role, _)) in enumerate(PEOPLE.items(), 3)
        if who != "N2"
    )


def test_what_an_erasure_keeps_of_a_number_is_a_keyed_hash_alone(ward: Ward) -> None:
    erased(ward)
    record = ward.records(r.Erased)[-1]
    assert record.number == "hash of N2"
    assert replace(record, number="") == r.Erased(
        record.attachment, "person", "lawful_order", "court-7"
    )
    assert plain(replay(ward.sink)) == plain(ward.state)
