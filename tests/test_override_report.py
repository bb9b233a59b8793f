"""The report of what was done without an order, with the order that came and the verdict."""

from cabinet import events as e
from cabinet import override_report
from cabinet import records as r
from cabinet.journal import attached
from tests.test_emergency import HOUR_MS, LISTED, begin, finish, grant, judge, leave, override
from tests.ward import NOON_MS, Ward


def lines(ward: Ward, *, names: bool = True) -> list[dict[str, str]]:
    bodies = (r.decode_body(data) for data in ward.sink.bodies)
    found = override_report.overrides(bodies, attached(ward.sink.attached), names=names)
    return [dict(zip(override_report.HEADINGS, cells, strict=True)) for cells in found]


def test_an_emergency_its_removals_and_the_verdict_are_told() -> None:
    ward = Ward(LISTED)
    begin(ward, "break_glass", "N1", "N2")
    override(ward, "morph", "MOR10")
    finish(ward)
    leave(ward)
    ward.now_ms += HOUR_MS
    ward.wait(1)
    begun, taken = lines(ward)
    assert (begun["What"], begun["Who"], begun["Second"]) == (
        "Break-glass",
        "Nina Nurse",
        "Noel Nurse",
    )
    assert begun["Ended"].startswith("expired") and begun["Verdict"] == "not judged"
    assert taken["What"] == f"Removal, under the break-glass of {begun['When']}"
    assert (taken["Medicine"], taken["Taken"]) == ("morphine 10 mg tablet", "1")
    assert taken["Order"] == "NO ORDER"
    judge(ward, "P1", ward.records(r.EmergencyBegun)[-1].emergency)
    ward.press("justified")
    assert [(it["Verdict"], it["By"]) for it in lines(ward)] == [
        ("justified", "Paul Pharmacist")
    ] * 2


def test_an_order_that_comes_within_a_day_stands_beside_its_removal() -> None:
    ward = Ward(LISTED)
    grant(ward, "N1", "A", "E")
    ward.sign_in("N1")
    override(ward, "oxyco", "OXY5")
    finish(ward)
    assert lines(ward)[0]["Order"] == "O1", "it was there, and not pressed"
    leave(ward)
    begin(ward, "break_glass", "N1", "N2")
    override(ward, "morph", "MOR10")
    finish(ward)
    row = e.OrderRow("O8", "1001", "MOR10", 1, "10 mg", "by mouth", "", "", NOON_MS - 1, 0)
    assert not ward.do(e.Import("test", orders=(("orders.csv:2", row),))).refusal
    assert lines(ward)[-1]["Order"] == "O8"


def test_an_order_that_comes_after_a_day_is_none() -> None:
    ward = Ward(LISTED)
    begin(ward, "break_glass", "N1", "N2")
    override(ward, "morph", "MOR10")
    finish(ward)
    ward.now_ms += 25 * HOUR_MS
    row = e.OrderRow("O8", "1001", "MOR10", 1, "10 mg", "by mouth", "", "", NOON_MS - 1, 0)
    assert not ward.do(e.Import("test", orders=(("orders.csv:2", row),))).refusal
    assert lines(ward)[-1]["Order"] == "NO ORDER"


def test_without_names_nobody_is_named() -> None:
    ward = Ward(LISTED)
    begin(ward, "break_glass", "N1", "N2")
    told = repr(lines(ward, names=False))
    assert "Nina" not in told and "Noel" not in told and ward.ref("N1") in told
