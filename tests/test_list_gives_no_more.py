"""What people give by two, or for some hours, no list lengthens or widens."""

from dataclasses import replace

import pytest

from cabinet import events as e
from cabinet import records as r
from tests.administrator import choose, give_override
from tests.test_staff_list import hospital, listed, row, standing, stop, without
from tests.test_temporary import enrol, make
from tests.ward import NOON_MS, Ward, badge

DAY_MS = 86_400_000


@pytest.fixture
def ward() -> Ward:
    ward = Ward(stocked=False)
    hospital(ward)
    ward.sign_in("A1")
    return ward


def ends(ward: Ward, staff_id: str) -> int:
    """Their access ends on a day of 2026 that has passed since; when."""
    choose(ward, staff_id)
    ward.press("edit")
    ward.press("edit:expiry")
    ward.press("set_end", "31122026")
    assert not ward.press("save_change").refusal
    ward.press("people")
    ward.press("menu")
    ward.press("sign_out")
    ward.wall_ms += 400 * DAY_MS
    return ward.state.people[ward.ref(staff_id)].rights.expires_ms


def both_lists(ward: Ward, changed: e.PersonRow) -> list[str]:
    """By an import and by a staff list that names everybody; what was said of it."""
    assert ward.do(e.Import("test", people=(("people.csv:2", changed),))).refusal
    people = [changed if it == changed.staff_id else it for it in tuple(ward.state.by_staff_id)]
    outcome = ward.do(listed(2, *people))
    assert not outcome.refusal
    return [it.why for it in ward.records(r.Refused)]


@pytest.mark.parametrize("until_ms", [0, NOON_MS + 1000 * DAY_MS])
def test_an_expired_pharmacist_does_not_come_back_by_a_list(ward: Ward, until_ms: int) -> None:
    end_ms = ends(ward, "P1")
    assert "grants_more" in both_lists(ward, row("P1", expires_ms=until_ms))
    assert ward.state.people[ward.ref("P1")].rights.expires_ms == end_ms


def test_rights_to_override_that_ended_do_not_come_back_by_a_list(ward: Ward) -> None:
    give_override(ward, "N1", "A")
    ward.prove("A2")
    end_ms = ends(ward, "N1")
    assert "grants_more" in both_lists(ward, row("N1", expires_ms=0))
    held = ward.state.people[ward.ref("N1")].rights
    assert (held.expires_ms, held.override_groups) == (end_ms, ("A",))


def test_an_end_that_people_did_not_give_is_the_list_s(ward: Ward) -> None:
    ends(ward, "N1")
    people = [row(it, expires_ms=0) if it == "N1" else it for it in tuple(ward.state.by_staff_id)]
    assert not ward.do(listed(2, *people)).refusal
    assert ward.state.people[ward.ref("N1")].rights.expires_ms == 0


def test_a_temporary_user_does_not_outlive_their_hours_by_a_list(ward: Ward) -> None:
    ward.press("menu")
    ward.press("sign_out")
    ward.sign_in("C1")
    for button, text in (
        ("menu", ""),
        ("emergency", ""),
        ("temporary", ""),
        ("temp_new", ""),
        ("temp_staff_id", "AG1"),
        ("temp_family", "Agency"),
        ("temp_given", "Anna"),
    ):
        ward.press(button, text)
    ward.number("temp_human")
    ward.press("temp_hours", "12")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code of AG1"))
    end_ms = ward.state.people[ward.ref("AG1")].rights.expires_ms
    anna = replace(row("AG1", expires_ms=0), given="Anna", family="Agency", role="temporary")
    assert "grants_more" in both_lists(ward, anna)
    assert ward.state.people[ward.ref("AG1")].rights.expires_ms == end_ms


@pytest.mark.parametrize(
    ("number", "names", "new"),
    [
        ("\u0410\u0421\u0415", ("Tom", "Temp"), row("ACE")),
        (
            "X7",
            ("\u0421\u043e\u0441\u043e", "\u0420\u043e\u0441"),
            row("X8", given="Coco", family="Poc"),
        ),
    ],
)
def test_attack_an_account_drawn_like_the_next_newcomers_keeps_no_list_and_no_leaver(
    number: str, names: tuple[str, str], new: e.PersonRow
) -> None:
    """A charge nurse who leaves makes a temporary user, so that no list is taken any more."""
    ward = Ward(stocked=False)
    everybody = hospital(ward)
    ward.sign_in("C1")
    for button in ("menu", "emergency"):
        ward.press(button)
    make(ward, number, *names)
    assert number in ward.state.by_staff_id
    ward.press("menu")
    ward.press("sign_out")
    outcome = ward.do(listed(2, *without(everybody, "C1"), new, "X9"))
    assert not outcome.refusal
    assert standing(ward, "C1") == "suspended"
    assert new.staff_id not in ward.state.by_staff_id and "X9" in ward.state.by_staff_id
    assert ward.records(r.Refused)[-1].why == "disguised"
    assert any("looks like somebody's" in it for it in outcome.report)


@pytest.mark.parametrize("how", ["not on it", "suspended", "left"])
def test_attack_the_last_administrator_keeps_no_list_out_and_no_leaver_in(
    ward: Ward, how: str
) -> None:
    """An administrator who leaves suspends the other one first, and is the last."""
    everybody = hospital(ward)
    stop(ward, "A2", "suspended")
    row_of = [] if how == "not on it" else [row("A1", status=how)]
    outcome = ward.do(listed(2, *without(everybody, "A1", "N1"), *row_of))
    assert not outcome.refusal
    assert (standing(ward, "N1"), standing(ward, "A1")) == ("suspended", "active")
    assert "last_administrator" in [it.why for it in ward.records(r.Refused)]
    assert any("no administrator would be left" in it for it in outcome.report)


def test_attack_somebody_elses_badge_on_the_list_keeps_no_list_out_and_no_leaver_in(
    ward: Ward,
) -> None:
    """A charge nurse who leaves gives a temporary user the next newcomer's badge."""
    everybody = hospital(ward)
    ward.sign_in("C1")
    for button in ("menu", "emergency"):
        ward.press(button)
    code = make(ward, "X7")
    ward.press("menu")
    ward.press("sign_out")
    enrol(ward, code, "X7", by="C1")
    given = row("N2", badge=badge("C1"))  # handed on, by a list that has its former holder no more
    new = row("X9", badge=badge("X7"))
    outcome = ward.do(listed(2, *without(everybody, "C1", "N2"), given, new))
    assert not outcome.refusal
    assert standing(ward, "C1") == "suspended"
    assert [ward.state.people[ward.ref(it)].badge for it in ("N2", "X9")] == [badge("N2"), ""]
    assert ward.state.by_badge[badge("C1")] == ward.ref("C1")
    assert [it.why for it in ward.records(r.Refused)][-2:] == ["badge_taken"] * 2
    assert sum("badge belongs to somebody else" in it for it in outcome.report) == 2
