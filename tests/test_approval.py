"""What gives power takes two administrators, here and now; and what no administrator may do."""

from collections.abc import Iterator
from dataclasses import replace as replace_field
from typing import Any

import pytest
from msgspec.structs import replace

from cabinet import administration, power, screens
from cabinet import events as e
from cabinet import records as r
from cabinet import staff_records as st
from tests.administrator import (
    begin,
    change_role,
    changed,
    choose,
    make_administrator,
    rest,
)
from tests.ward import NOON_MS, PEOPLE, Ward, badge


@pytest.fixture
def ward() -> Ward:
    """A ward with an administrator at its screen."""
    ward = Ward(stocked=False)
    ward.sign_in("A1")
    ward.press("people")
    return ward


# --- power takes two ------------------------------------------------------------------------------


POWER = ("override", "pharmacist", "administrator", "resumed", "again", "longer")


@pytest.mark.parametrize("what", POWER)
def test_what_gives_power_takes_a_second_administrator_here_and_now(ward: Ward, what: str) -> None:
    begin(ward, what)
    before = len(ward.records(r.PersonChanged)), len(ward.records(st.CredentialsWithdrawn))
    called = ward.records(r.WitnessCalled)[-1]
    assert (called.act, called.person) == ("grant", ward.ref("A1"))
    assert ward.screen().name == "witness"
    assert "Ada Admin" in repr(ward.screen())
    ward.prove("A2")
    after = len(ward.records(r.PersonChanged)), len(ward.records(st.CredentialsWithdrawn))
    assert sum(after) == sum(before) + 1
    record = ward.records()[-1]
    assert isinstance(record, r.PersonChanged | st.CredentialsWithdrawn)
    assert (record.by, record.approved_by) == (ward.ref("A1"), ward.ref("A2"))
    assert (record.factors, record.approver_factors) == (("badge", "finger"),) * 2
    assert ward.state.session is not None and ward.state.session.person == ward.ref("A1")
    assert ward.state.witnessing is None


@pytest.mark.parametrize("second", ["A1", "N2", "P1", "T1", "N3"])
@pytest.mark.parametrize("what", ["override", "administrator"])
def test_nobody_but_another_administrator_approves(ward: Ward, what: str, second: str) -> None:
    begin(ward, what)
    ward.prove(second)
    assert not any(it.approved_by for it in ward.records(r.PersonChanged))
    assert ward.state.people[ward.ref("N1")].role == "nurse"
    assert ward.screen().name == "witness", "and the right one may still come"
    ward.prove("A2")
    assert changed(ward).approved_by == ward.ref("A2")


def test_an_administrator_does_not_approve_with_a_second_account(ward: Ward) -> None:
    make_administrator(ward, "N1")
    rest(ward)
    rows = tuple(
        (f"people.csv:{line}", e.PersonRow(*it, human="one"))
        for line, it in enumerate(
            (
                ("A1", "Ada", "Admin", "administrator", badge("A1")),
                ("N1", "Nina", "Nurse", "administrator", badge("N1")),
            ),
            2,
        )
    )
    assert not ward.do(e.Import("test", people=rows)).refusal
    ward.sign_in("A1")
    change_role(ward, "N2", "administrator")
    ward.press("save_change")
    ward.prove("N1")
    assert ward.records(r.Refused)[-1].why == "same_person"
    assert ward.state.people[ward.ref("N2")].role == "nurse"


def test_without_a_second_administrator_in_time_nothing_changes(ward: Ward) -> None:
    begin(ward, "administrator")
    ward.wait(ward.plan.timings.witness_within_s + 1)
    assert ward.screen().name == "check_person"
    assert "nobody approved it" in repr(ward.screen())
    ward.press("save_change")
    ward.press("dismiss")
    assert ward.state.people[ward.ref("N1")].role == "nurse"
    assert not ward.records(r.PersonChanged)


@pytest.mark.parametrize("who", ["A1", "A2"])
def test_an_administrator_suspended_meanwhile_grants_nothing(ward: Ward, who: str) -> None:
    make_administrator(ward, "N2")
    begin(ward, "administrator")
    given, family, role, _ = PEOPLE[who]
    row = e.PersonRow(who, given, family, role, badge(who), "suspended")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.prove("A2")
    assert ward.state.people[ward.ref("N1")].role == "nurse"


def test_a_change_of_the_person_meanwhile_is_not_approved_unseen(ward: Ward) -> None:
    begin(ward, "administrator")
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", badge("N1"), "left")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.prove("A2")
    assert ward.records(r.Refused)[-1].why == "left"
    assert ward.state.people[ward.ref("N1")].role == "nurse"


def test_nobody_approves_what_is_given_to_themselves(ward: Ward) -> None:
    choose(ward, "A2")
    ward.press("edit")
    ward.press("edit:expiry")
    ward.press("set_end", "31122029")
    ward.press("save_change")
    ward.press("edit")
    ward.press("edit:expiry")
    ward.press("set_no_end")
    ward.press("save_change")
    ward.prove("A2")
    assert ward.records(r.Refused)[-1].why == "own_rights"
    assert ward.state.people[ward.ref("A2")].rights.expires_ms


def test_what_takes_power_away_takes_one(ward: Ward) -> None:
    make_administrator(ward, "N1")
    change_role(ward, "N1", "nurse")
    ward.press("save_change")
    assert (changed(ward).after.role, changed(ward).approved_by) == ("nurse", "")


PHARMACIST = r.Rights("pharmacist", areas=("4W",), expires_ms=2 * NOON_MS)
NURSE = r.Rights("nurse", areas=("4W",), expires_ms=2 * NOON_MS)
OVERRIDING = replace(NURSE, groups=("A", "B"), override_groups=("A",))
FURTHER: tuple[dict[str, Any], ...] = (
    *({"areas": ("4W", "ICU")}, {"areas": ("ICU",)}, {"areas": ("*",)}),
    *({"expires_ms": 2 * NOON_MS + 1}, {"expires_ms": 0}),
)
NO_FURTHER: tuple[dict[str, Any], ...] = (
    *({"groups": ("A",)}, {"competencies": (("controlled", 0),)}),
    *({"expires_ms": 2 * NOON_MS - 1}, {"areas": ()}),
)


def takes_two(ward: Ward, before: r.Rights, after: r.Rights) -> bool:
    person = ward.state.people[ward.ref("N1")]
    person.rights = before
    change = replace_field(administration.begun(person), rights=after)
    return power.takes_two(ward.state, person, change, NOON_MS)


@pytest.mark.parametrize("more", FURTHER)
def test_power_that_reaches_further_than_before_takes_two(ward: Ward, more: dict[str, Any]) -> None:
    for held in (PHARMACIST, OVERRIDING, replace(NURSE, role="administrator")):
        assert takes_two(ward, held, replace(held, **more))
        elsewhere = more.get("areas") == ("ICU",)  # and so each reaches where the other does not
        assert takes_two(ward, replace(held, **more), held) is elsewhere
    assert not takes_two(ward, NURSE, replace(NURSE, **more)), "no power, and so by one"


@pytest.mark.parametrize("same", NO_FURTHER)
def test_power_that_reaches_no_further_takes_one(ward: Ward, same: dict[str, Any]) -> None:
    for held in (PHARMACIST, OVERRIDING, replace(NURSE, role="administrator")):
        assert not takes_two(ward, held, replace(held, **same))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NURSE, OVERRIDING),
        (OVERRIDING, replace(OVERRIDING, override_groups=("A", "B"))),
        (NURSE, PHARMACIST),
        (PHARMACIST, replace(PHARMACIST, role="administrator")),
        (replace(PHARMACIST, role="administrator"), PHARMACIST),
    ],
)
def test_power_that_was_not_held_takes_two_and_to_end_it_takes_one(
    ward: Ward, before: r.Rights, after: r.Rights
) -> None:
    assert takes_two(ward, before, after)
    back = {"pharmacist", "administrator"} == {before.role, after.role}
    assert takes_two(ward, after, before) is back


@pytest.mark.parametrize("since_ms", [-1, 0])
def test_power_that_has_ended_is_given_anew_by_two(ward: Ward, since_ms: int) -> None:
    ended = replace(PHARMACIST, expires_ms=NOON_MS - since_ms)
    assert takes_two(ward, ended, replace(ended, groups=("A",))) is (since_ms == 0)


@pytest.mark.parametrize(("overrides", "two"), [((), False), (("A",), True)])
def test_a_nurse_enrols_again_by_two_where_they_may_override(
    ward: Ward, overrides: tuple[str, ...], *, two: bool
) -> None:
    person = ward.state.people[ward.ref("N1")]
    person.rights = replace(NURSE, groups=("A",), override_groups=overrides)
    change = replace_field(administration.begun(person), again=True)
    assert power.takes_two(ward.state, person, change, NOON_MS) is two


def test_whom_a_change_stops_is_given_nothing_by_it_and_so_by_one(ward: Ward) -> None:
    person = ward.state.people[ward.ref("N1")]
    change = replace_field(administration.begun(person), rights=PHARMACIST, standing="suspended")
    assert not power.takes_two(ward.state, person, change, NOON_MS)


def test_power_that_somebody_invited_already_has_is_changed_by_one(ward: Ward) -> None:
    row = e.PersonRow("X1", "Nell", "New", "nurse", badge("X1"))
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    person = ward.state.people[ward.ref("X1")]
    assert person.status(NOON_MS) == "invited"
    person.rights = OVERRIDING
    change = replace_field(administration.begun(person), rights=replace(OVERRIDING, groups=("A",)))
    assert not power.takes_two(ward.state, person, change, NOON_MS)


# --- what nobody may ------------------------------------------------------------------------------


def test_nobody_changes_their_own_rights(ward: Ward) -> None:
    for begin_change in ("role", "stop"):
        choose(ward, "A1")
        if begin_change == "role":
            ward.press("edit")
            ward.press("edit:groups")
            ward.press("set_group:A")
            ward.press("check_change")
        else:
            ward.press("stop_person")
            ward.press("stop_person:leave")
        assert ward.press("save_change").refusal
        assert ward.records(r.Refused)[-1].why == "own_rights"
        ward.press("edit" if begin_change == "role" else "stop_person")  # Back, and Back
        ward.press(f"person:{ward.ref('A1')}")
        ward.press("people")
    assert not ward.records(r.PersonChanged)


def test_attack_nobody_changes_the_rights_of_a_second_account_of_their_own(ward: Ward) -> None:
    for staff_id in ("A1", "N1"):
        ward.state.people[ward.ref(staff_id)].human_hash = "one"
    change_role(ward, "N1", "charge_nurse")
    assert ward.press("save_change").refusal
    assert ward.records(r.Refused)[-1].why == "own_rights"
    assert not ward.records(r.PersonChanged)


def test_one_administrator_is_always_left(ward: Ward) -> None:
    choose(ward, "A2")
    ward.press("stop_person")
    ward.press("stop_person:left")
    assert "only one administrator works here" in repr(ward.screen())
    assert not ward.press("save_change").refusal, "a leaver is a leaver"
    assert ward.state.in_service


def others(ward: Ward) -> Iterator[str]:
    return (it for it in PEOPLE if not it.startswith("A"))


def test_only_administrators_see_and_change_people(ward: Ward) -> None:
    rest(ward)
    for staff_id in others(ward):
        ward.sign_in(staff_id)
        ward.press("menu")
        assert "people" not in screens.buttons(ward.screen())
        for button in ("people", f"person:{ward.ref('N1')}", "save_change", "add_person"):
            assert ward.press(button).refusal
        ward.press("sign_out")


def test_an_administrator_suspended_at_the_screen_is_stopped_at_the_next_press(ward: Ward) -> None:
    change_role(ward, "N1", "charge_nurse")
    row = e.PersonRow("A1", "Ada", "Admin", "administrator", badge("A1"), "suspended")
    ward.do(e.Import("test", people=(("people.csv:2", row),)))
    assert ward.press("save_change").refusal
    assert ward.state.session is None
    assert not ward.records(r.PersonChanged)
