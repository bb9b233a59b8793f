"""Whose name was erased: what stays of them, live and replayed, and that nobody works under it."""

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import retention, screens
from cabinet.decision import Change
from cabinet.journal import replay
from cabinet.retention import DAY_MS
from cabinet.step import Outcome
from tests.administrator import rest, suspend
from tests.attacker import plain
from tests.ward import Ward, badge

NUMBER = "hash of N1"


@pytest.fixture
def ward() -> Ward:
    return Ward(stocked=False)


def names_of(ward: Ward, ref: str) -> tuple[str, ...]:
    """Everything that ever named somebody."""
    told = [it for it in ward.records() if ref in (getattr(it, "person", ""), it)]
    named = [name for it in told for name, kind in r.attachments_of(it) if kind == "person"]
    return tuple(dict.fromkeys(named))


def erase(ward: Ward, *names: str) -> Outcome:
    numbers = tuple((name, NUMBER) for name in retention.numbered(ward.state, names))
    return ward.do(e.Erase(names, "right", "AZ-12/34", numbers))


def stopped(ward: Ward, why: str) -> str:
    """A nurse stops working here; who it was."""
    ward.sign_in("A1")
    suspend(ward, "N1", why)
    rest(ward)
    return ward.ref("N1")


@pytest.mark.parametrize("every", [True, False])
def test_attack_a_leavers_number_is_given_to_nobody_after_erasure_and_restart(
    ward: Ward, every: bool
) -> None:
    """Of everything that named them nothing is left, as when its term is over."""
    person = ward.state.people[stopped(ward, "left")]
    names = names_of(ward, person.ref) if every else (person.details_name,)
    assert len(names) == (2 if every else 1)
    ward.wall_ms += 3000 * DAY_MS
    assert not erase(ward, *names).refusal
    assert plain(replay(ward.sink)) == plain(ward.state)
    ward.restart()
    new = e.PersonRow("N1", "New", "Body", "nurse", badge("X1"), number=NUMBER)
    outcome = ward.do(e.Import("test", people=(("people.csv:2", new),)))
    assert outcome.report == (
        "people.csv:2: staff_id is of somebody who left: a number is never given again",
    )


def test_attack_a_restart_leads_from_a_record_number_to_no_patient_whose_name_was_erased(
    ward: Ward,
) -> None:
    ref = ward.state.by_record_number["1002"]
    row = e.PatientRow("1002", "Frank", "Moss", "1975-01-02", "male", "9Z", "latex", ("N1",))
    order = e.OrderRow(
        *("O3", "1002", "MOR10", 2, "10 mg", "by mouth", "now", "pain"),
        *(ward.wall_ms - 2, ward.wall_ms - 1),
    )
    listed = e.Import("test", patients=(("p:2", row),), orders=(("o:2", order),))
    assert not ward.do(listed).refusal
    assert not erase(ward, ward.state.patients[ref].details_name).refusal
    assert "1002" not in ward.state.by_record_number
    assert plain(replay(ward.sink)) == plain(ward.state)


def test_attack_nobody_works_under_an_account_whose_name_was_erased(ward: Ward) -> None:
    ref = stopped(ward, "leave")
    person = ward.state.people[ref]
    assert not erase(ward, person.details_name).refusal
    ward.sign_in("A1")
    ward.press("people")
    ward.press("find_person")
    ward.press("find_people", "Person")
    ward.press(f"person:{ref}")
    assert "resume" not in screens.buttons(ward.screen())
    held = person.rights
    change = Change(ref, held, "active", held, "suspended", "Resumed")
    ward.engine.place = ward.engine.place.but(page="check_person", changing=change)
    assert ward.press("save_change").refusal
    assert (person.standing, ward.records(r.Refused)[-1].why) == ("suspended", "erased")


def test_with_somebodys_name_their_fingers_are_erased(ward: Ward) -> None:
    person = ward.state.people[stopped(ward, "leave")]
    slots = person.slots
    assert slots and not erase(ward, person.details_name).refusal
    assert not person.slots and set(slots) <= set(ward.state.wiping)
    assert plain(replay(ward.sink)) == plain(ward.state)
