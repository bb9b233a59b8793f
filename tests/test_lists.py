"""Lists from outside: all of them or nothing, judged by row, and never more rights than before."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from cabinet.lists import MAX_LONG_CHARS, MAX_NURSES, MAX_TEXT_CHARS
from cabinet.messages import MAX_FRAME_BYTES, Shown, encode
from tests.ward import MEDICINES, NOON_MS, Ward, badge

MEDICINE = r.MedicineListed(
    "DIA5", "diazepam", "", "5 mg", "tablet", "CIV", "tablet", "sedative", "00000-0009-01", False
)
PERSON = e.PersonRow("X1", "Nell", "New", "nurse", badge("X1"))
PATIENT = e.PatientRow("1003", "Iris", "Vale", "1950-06-07", "female", "2A", "none", ("N1", "X1"))
ORDER = e.OrderRow(
    "O9", "1003", "DIA5", 2, "10 mg", "by mouth", "now", "sleep", NOON_MS - 1, NOON_MS + 10**9
)


@pytest.fixture
def ward() -> Ward:
    return Ward()


def lists(
    medicine: r.MedicineListed = MEDICINE,
    person: e.PersonRow = PERSON,
    patient: e.PatientRow = PATIENT,
    order: e.OrderRow = ORDER,
) -> e.Import:
    return e.Import(
        "test",
        (("formulary.csv:2", medicine),),
        (("people.csv:2", person),),
        (("patients.csv:2", patient),),
        (("orders.csv:2", order),),
    )


def problems(ward: Ward, event: e.Import) -> list[str]:
    """What is said of lists that are refused; nothing of them was taken."""
    before = replay(ward.sink)
    outcome = ward.do(event)
    number = len(outcome.report)
    assert outcome.refusal == f"Nothing taken: {number} problem{'s' * (number > 1)}."
    (body,) = outcome.bodies
    assert body.record == r.Refused("import", "bad_rows", quantity=len(outcome.report))
    after = replay(ward.sink)
    for name in ("people", "medicines", "patients", "orders", "by_badge", "by_staff_id"):
        assert getattr(after, name) == getattr(before, name)
    return list(outcome.report)


def test_good_lists_are_taken_whole_with_a_report_by_row(ward: Ward) -> None:
    outcome = ward.do(lists())
    assert not outcome.refusal
    assert outcome.report == (
        "people.csv:2: added",
        "patients.csv:2: added",
        "orders.csv:2: added",
    )
    assert ward.records()[-1] == r.Imported("test", 1, 1, 1, 1)
    assert ward.state.orders["O9"].listed.patient == ward.state.by_record_number["1003"]


def test_the_same_lists_again_change_nothing(ward: Ward) -> None:
    ward.do(lists())
    outcome = ward.do(lists())
    assert [body.record for body in outcome.bodies] == [r.Imported("test", 1, 1, 1, 1)]
    assert all(line.endswith("unchanged") for line in outcome.report)


def test_a_row_that_changed_is_recorded_as_changed(ward: Ward) -> None:
    ward.do(lists())
    outcome = ward.do(lists(patient=replace(PATIENT, bed="2B"), order=replace(ORDER, quantity=1)))
    assert outcome.report == (
        "people.csv:2: unchanged",
        "patients.csv:2: changed",
        "orders.csv:2: changed",
    )


LONG = "x" * (MAX_TEXT_CHARS + 1)
BAD: list[tuple[str, Callable[[], e.Import], str]] = [
    ("a role there is not", lambda: lists(person=replace(PERSON, role="boss")), "people.csv:2"),
    ("no staff number", lambda: lists(person=replace(PERSON, staff_id="")), "people.csv:2"),
    ("a long name", lambda: lists(person=replace(PERSON, family=LONG)), "people.csv:2"),
    ("a name with an escape", lambda: lists(person=replace(PERSON, given="\x1b[2J")), "people.csv"),
    ("a badge of N1", lambda: lists(person=replace(PERSON, badge=badge("N1"))), "people.csv:2"),
    (
        "an administrator",
        lambda: lists(person=replace(PERSON, role="administrator")),
        "a list cannot make an administrator",
    ),
    (
        "a nurse made one",
        lambda: lists(person=replace(PERSON, staff_id="N1", role="administrator")),
        "a list cannot make an administrator",
    ),
    (
        "an administrator made a nurse",
        lambda: lists(person=replace(PERSON, staff_id="A1", badge="")),
        "a list cannot change an administrator's role",
    ),
    ("no birthday", lambda: lists(patient=replace(PATIENT, born="19500607")), "born is not"),
    ("a week's day", lambda: lists(patient=replace(PATIENT, born="1950-W23-3")), "born is not"),
    ("unborn", lambda: lists(patient=replace(PATIENT, born="2099-01-01")), "born is not"),
    ("an unknown nurse", lambda: lists(patient=replace(PATIENT, nurses=("Z9",))), "its nurses"),
    (
        "a thousand nurses",
        lambda: lists(patient=replace(PATIENT, nurses=("N1",) * (MAX_NURSES + 1))),
        "nurses",
    ),
    (
        "endless allergies",
        lambda: lists(patient=replace(PATIENT, allergies="x" * (MAX_LONG_CHARS + 1))),
        "allergies is longer",
    ),
    ("a long sex", lambda: lists(patient=replace(PATIENT, sex=LONG)), "sex is longer"),
    ("an unknown patient", lambda: lists(order=replace(ORDER, record_number="77")), "no patient"),
    ("an unknown medicine", lambda: lists(order=replace(ORDER, medicine="Z")), "formulary"),
    ("none", lambda: lists(order=replace(ORDER, quantity=0)), "quantity is not"),
    ("a thousand", lambda: lists(order=replace(ORDER, quantity=1000)), "quantity is not"),
    ("stops before", lambda: lists(order=replace(ORDER, stops_ms=5)), "stops is not"),
    ("in the year 9999", lambda: lists(order=replace(ORDER, stops_ms=10**15)), "stops is not"),
    ("a long reason", lambda: lists(order=replace(ORDER, reason=LONG)), "reason is longer"),
    (
        "a long brand",
        lambda: lists(medicine=msgspec.structs.replace(MEDICINE, brand=LONG)),
        "brand is longer",
    ),
    (
        "another schedule than its pocket",
        lambda: lists(medicine=msgspec.structs.replace(MEDICINES[0], schedule="CIII")),
        "cabinet.toml says CII for pocket P1",
    ),
    (
        "another unit under stock",
        lambda: lists(medicine=msgspec.structs.replace(MEDICINES[0], unit="mL")),
        "while there is stock",
    ),
]


@pytest.mark.parametrize(("event", "said"), [it[1:] for it in BAD], ids=[it[0] for it in BAD])
def test_one_bad_row_and_nothing_is_taken(
    ward: Ward, event: Callable[[], e.Import], said: str
) -> None:
    assert any(said in line for line in problems(ward, event()))


def test_a_key_twice_in_a_list_is_told_with_both_lines(ward: Ward) -> None:
    row = replace(PERSON, badge=badge("X2"))
    event = e.Import("test", people=(("people.csv:2", PERSON), ("people.csv:9", row)))
    assert problems(ward, event) == ["people.csv:9: its staff_id stands at people.csv:2 already"]
    event = e.Import(
        "test", people=(("people.csv:2", PERSON), ("people.csv:9", replace(PERSON, staff_id="X2")))
    )
    assert problems(ward, event) == ["people.csv:9: its badge stands at people.csv:2 already"]


def test_every_problem_is_told_at_once(ward: Ward) -> None:
    event = lists(
        person=replace(PERSON, role="boss"),
        patient=replace(PATIENT, born="soon"),
        order=replace(ORDER, quantity=0),
    )
    assert len(problems(ward, event)) == 3


def test_no_value_of_a_person_is_quoted_in_the_report(ward: Ward) -> None:
    person = e.PersonRow("SECRET", "SECRET", "SECRET\0", "SECRET", badge("N1"))
    patient = e.PatientRow("SECRET", "SECRET", "SECRET\0", "SECRET", "", "", "", ("SECRET-2",))
    order = replace(ORDER, record_number="SECRET-3", medicine="SECRET", quantity=0)
    twice = e.Import(
        "test",
        people=(("people.csv:2", person), ("people.csv:3", person)),
        patients=(("patients.csv:2", patient), ("patients.csv:3", patient)),
        orders=(("orders.csv:2", order),),
    )
    assert "SECRET" not in repr(problems(ward, twice))


def test_the_last_administrator_cannot_be_suspended_but_one_of_two_can(ward: Ward) -> None:
    def gone(staff_id: str, where: str) -> tuple[str, e.PersonRow]:
        return where, e.PersonRow(staff_id, "Ada", "Admin", "administrator", "", status="suspended")

    both = e.Import("test", people=(gone("A1", "people.csv:2"), gone("A2", "people.csv:3")))
    assert problems(ward, both) == ["people.csv: no administrator would be left"]
    assert not ward.do(e.Import("test", people=(gone("A1", "people.csv:2"),))).refusal
    last = e.Import("test", people=(gone("A2", "people.csv:2"),))
    assert problems(ward, last) == ["people.csv: no administrator would be left"]


def test_an_import_while_somebody_is_signed_in_leaves_them_where_they_are(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O1")
    screen = ward.screen()
    ward.do(lists())
    assert ward.screen() == screen
    ward.press("open")
    assert ward.state.access is not None
    ward.do(lists(order=replace(ORDER, quantity=1)))
    assert ward.state.access is not None


def test_an_order_that_a_list_gave_to_another_patient_is_that_patients(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O1")
    moved = e.OrderRow("O1", "1002", "OXY5", 1, "5 mg", "by mouth", "", "", NOON_MS - 1, 0)
    assert not ward.do(e.Import("test", orders=(("orders.csv:2", moved),))).refusal
    banner = ward.screen().banner
    assert banner is not None
    assert "MOSS" in banner.name, "what is shown is what a press would do"
    ward.press("open")
    assert ward.records(r.Refused)[-1].why == "more_than_ordered"


names = st.one_of(st.text(max_size=200), st.sampled_from(["N1", "A1", "X1", "1001", "OXY5", ""]))
times = st.one_of(st.integers(), st.integers(NOON_MS - 10**9, NOON_MS + 10**9), st.just(0))
medicines = st.builds(
    r.MedicineListed,
    names,
    names,
    names,
    names,
    names,
    st.sampled_from(["none", "CII", "CV"]),
    names,
    names,
    names,
    st.booleans(),
)
people = st.builds(
    e.PersonRow,
    names,
    names,
    names,
    st.sampled_from(["nurse", "pharmacist", "administrator", "boss"]),
    st.sampled_from(["", badge("N1"), badge("X1"), badge("X2")]),
    st.sampled_from([None, "active", "suspended", "left", "gone"]),
    st.none() | st.lists(names, max_size=3).map(tuple),
    st.none() | st.lists(st.sampled_from("ABCHI"), max_size=3).map(tuple),
    st.none() | times,
    st.none() | st.sampled_from(["", "human"]),
    st.none() | st.lists(st.tuples(names, times), max_size=2).map(tuple),
)
born = st.one_of(st.dates().map(str), names)
patients = st.builds(
    e.PatientRow, names, names, names, born, names, names, names, st.lists(names).map(tuple)
)
orders = st.builds(
    e.OrderRow, names, names, names, st.integers(), names, names, names, names, times, times
)


def rows(kind: st.SearchStrategy[object], file: str) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(kind, max_size=3).map(
        lambda found: tuple((f"{file}:{line}", row) for line, row in enumerate(found, 2))
    )


imports = st.builds(
    e.Import,
    st.text(max_size=40),
    rows(medicines, "formulary.csv"),
    rows(people, "people.csv"),
    rows(patients, "patients.csv"),
    rows(orders, "orders.csv"),
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(imports, max_size=4))
def test_whatever_the_lists_hold_they_are_taken_or_refused_and_every_screen_fits(
    found: list[e.Import],
) -> None:
    ward = Ward()
    for event in found:
        outcome = ward.do(event)
        taken = [body for body in outcome.bodies if isinstance(body.record, r.Imported)]
        assert bool(taken) is not bool(outcome.refusal)
    assert replay(ward.sink).orders == ward.state.orders
    assert max(len(body) for body in ward.sink.bodies) <= r.MAX_BODY_BYTES
    ward.sign_in("P1")
    ward.press("everyone")
    for button in list(screens.buttons(ward.screen())):
        if button.startswith("patient:"):
            ward.press(button)
            fits(ward)
            for order in list(screens.buttons(ward.screen())):
                if order.startswith("order:"):
                    ward.press(order)
                    fits(ward)
                    ward.press(button)
            ward.press("home")


def fits(ward: Ward) -> None:
    moment = e.Moment(ward.wall_ms, ward.now_ms, bytes(32), ward.positions)
    shown = Shown(ward.screen(), screens.live(ward.state, ward.engine.place, moment))
    assert len(encode(shown)) <= MAX_FRAME_BYTES
