"""The report of people's accounts: every change with old and new, who made it, and who approved."""

import pytest

from cabinet import events as e
from cabinet import people_report
from cabinet import records as r
from cabinet.journal import attached
from tests.administrator import begin, change_role, choose, suspend
from tests.ward import PEOPLE, Ward, badge


@pytest.fixture
def ward() -> Ward:
    """A ward with an administrator at its screen."""
    ward = Ward(stocked=False)
    ward.sign_in("A1")
    ward.press("people")
    return ward


def rows(ward: Ward, *, names: bool = True) -> list[dict[str, str]]:
    bodies = (r.decode_body(data) for data in ward.sink.bodies)
    found = people_report.changes(bodies, attached(ward.sink.attached), names=names)
    return [dict(zip(people_report.HEADINGS, row, strict=True)) for row in found]


def last(ward: Ward) -> dict[str, str]:
    return rows(ward)[-1]


def test_a_change_is_told_old_and_new_with_who_made_it(ward: Ward) -> None:
    change_role(ward, "N1", "charge_nurse")
    ward.press("save_change")
    told = last(ward)
    assert (told["Person"], told["Staff number"], told["By"]) == ("Nina Nurse", "N1", "Ada Admin")
    assert (told["What"], told["Approved by"]) == ("Role: Nurse → Charge nurse", "")
    assert told["Entry"] == str(ward.sink.size)


def test_who_approved_is_told(ward: Ward) -> None:
    begin(ward, "override")
    ward.prove("A2")
    told = last(ward)
    assert (told["By"], told["Approved by"]) == ("Ada Admin", "Abe Admin")
    assert told["What"] == "Without an order: None → A"


def test_why_somebody_was_suspended_is_told(ward: Ward) -> None:
    suspend(ward, "N1", "inquiry")
    assert (last(ward)["What"], last(ward)["Why"]) == (
        "Status: Works here → Suspended",
        "Under inquiry",
    )


def test_what_lists_did_is_told_as_theirs(ward: Ward) -> None:
    given, family, role, _ = PEOPLE["N1"]
    row = e.PersonRow("N1", given, family, role, badge("new"), "suspended", human="one")
    new = e.PersonRow("X1", "Nell", "New", "pharmacist", "")
    ward.do(e.Import("test", people=(("people.csv:2", row), ("people.csv:3", new))))
    changed, added = rows(ward)[-2:]
    assert changed["By"] == added["By"] == "a list"
    assert changed["What"] == (
        "Badge: another; Person number: another; Status: Works here → Suspended"
    )
    assert added["What"].startswith("added as pharmacist")
    renamed = e.PersonRow("N1", given, "Married", role, "")
    ward.do(e.Import("test", people=(("people.csv:2", renamed),)))
    assert last(ward)["What"] == "Name or staff number: another"
    people = tuple(
        (f"staff.csv:{line}", e.PersonRow(staff_id, *person[:3], ""))
        for line, (staff_id, person) in enumerate(PEOPLE.items(), 2)
    )
    ward.do(e.StaffList(1, "all but one", "note", people))
    gone, taken = rows(ward)[-2:]
    assert (gone["Person"], gone["Why"]) == ("Nell New", "not on staff list 1")
    assert (taken["Person"], taken["By"]) == ("", "a list")
    assert taken["What"] == f"staff list 1 taken: {len(PEOPLE)} people, 1 gone"


def test_codes_enrolments_and_enrolling_again_are_told(ward: Ward) -> None:
    told = [row["What"] for row in rows(ward) if row["Staff number"] == "N1"]
    assert told[0] == "added as nurse"
    assert told[1:] == ["given a one-time code", "stood by an enrolment", "enrolled with 1 finger"]
    told = [row["What"] for row in rows(ward) if row["Staff number"] == "A1"]
    assert told == ["enrolled with 1 finger", "on a list for the first time"]
    choose(ward, "N1")
    ward.press("edit:again")
    ward.press("enrol_again:badge")
    ward.press("save_change")
    assert last(ward)["What"] == "must enrol again, with another badge"


def test_without_names_people_are_references(ward: Ward) -> None:
    suspend(ward, "N1")
    told = repr(rows(ward, names=False))
    for given, family, _, _ in PEOPLE.values():
        assert f"{given} {family}" not in told
    assert ward.ref("N1") in told
