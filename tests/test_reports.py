"""The report of removals: what the ledger says, and nothing that is not in it."""

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import reports
from cabinet.journal import attached
from tests.test_emergency import LISTED, finish, grant, override
from tests.ward import Ward


def report(ward: Ward, *, names: bool = True) -> list[reports.RemovalLine]:
    bodies = (r.decode_body(data) for data in ward.sink.bodies)
    return reports.removals(bodies, attached(ward.sink.attached), names=names)


@pytest.fixture
def ward() -> Ward:
    """Two removals: one given, wasted and returned in part, one left open."""
    ward = Ward()
    ward.sign_in("N1")
    first = ward.remove("O1", count=20)
    ward.remove("O2")
    ward.press("removals")
    ward.press(f"removal:{first}")
    ward.press("waste")
    ward.press("amount", "1")
    ward.prove("N3")
    ward.press("give")
    ward.press("amount", "1")
    return ward


def test_who_what_when_for_whom_by_which_factors_and_what_became_of_it(ward: Ward) -> None:
    first, second = report(ward)
    assert (first.person, first.factors, first.patient) == (
        "Nina Nurse",
        "badge + finger",
        "FRANKLIN, Hope",
    )
    assert (first.medicine, first.schedule, first.drawer) == ("oxyCODONE 5 mg tablet", "CII", "D1")
    assert (first.quantity, first.count_before, first.count_after) == (2, 20, 18)
    assert (first.given, first.wasted, first.returned, first.outstanding) == (1, 1, 0, 0)
    assert first.witnesses == ["Nora NoFinger (badge + pin)"]
    assert (second.count_before, second.outstanding) == (None, 2)


def test_without_names_people_and_patients_are_references(ward: Ward) -> None:
    told = repr(reports.table(report(ward, names=False)))
    for name in ("Nina", "Nurse", "FRANKLIN", "Hope", "Nora"):
        assert name not in told
    assert f"Person {ward.ref('N1')}" in told


def test_each_pin_that_stood_in_for_a_finger_is_counted_for_its_person(ward: Ward) -> None:
    ward.press("menu")
    ward.press("sign_out")
    ward.do(e.DeviceChanged("fingerprint", "unplugged"))
    ward.sign_in("N1")
    bodies = [r.decode_body(data) for data in ward.sink.bodies]
    lines = {it.person: it for it in reports.proofs(bodies, attached(ward.sink.attached))}
    nina, nora = lines["Nina Nurse"], lines["Nora NoFinger"]
    assert (nina.proofs, nina.by_reason) == (2, {"sensor_down": 1})
    assert (nora.proofs, nora.by_reason) == (1, {"not_enrolled": 1}), "as a witness"
    row = next(it for it in reports.proof_table(lines.values()) if it[0] == "Nina Nurse")
    assert row == ("Nina Nurse", "2", "1", "0", "1", "0", "0", "0")
    assert len(row) == len(reports.PROOF_HEADINGS)
    unnamed = reports.proof_table(reports.proofs(bodies, {}, names=False))
    assert "Nina" not in repr(unnamed)


def test_a_removal_without_an_order_says_so_and_why() -> None:
    ward = Ward(LISTED)
    grant(ward, "N1", "A", "E")
    ward.sign_in("N1")
    ward.remove("O2")
    override(ward, "oxyco", "OXY5")
    finish(ward)
    rows = [dict(zip(reports.HEADINGS, row, strict=True)) for row in reports.table(report(ward))]
    why = "Emergency: waiting would harm the patient"
    assert [row["Order"] for row in rows] == ["O2", f"OVERRIDE: {why}"]


def test_a_report_of_nothing_is_empty() -> None:
    assert report(Ward()) == []


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-2", "@SUM(A1)", "\tx"])
def test_no_name_is_a_formula_in_a_spreadsheet(name: str) -> None:
    assert reports.spreadsheet([(name, "FRANKLIN, Hope")]) == [[f"'{name}", "FRANKLIN, Hope"]]
