"""Attacks by a technician who tests locks, and what the ledger's proof says of each pulse."""

import msgspec
import pytest

from cabinet import lock_test, snapshot, verification
from cabinet import records as r
from cabinet import service_records as sr
from cabinet.journal import replay
from cabinet.machines import CorruptLedger
from cabinet.plan import Drawer, Pocket
from tests.attacker import plain
from tests.test_lock_test import at_work, pulses, witnessed
from tests.test_service import NEVER, proof
from tests.test_service_work import ask
from tests.ward import PLAN, Ward


@pytest.fixture
def empty() -> Ward:
    return at_work(stocked=False)


@pytest.fixture
def full() -> Ward:
    return at_work(stocked=True)


def doubted(how: str) -> Ward:
    """A return bin of which no entry says that anything is in it."""
    ward = Ward(NEVER)
    if how != "pried open":
        ward.sign_in("N1")
        removal = ward.remove("O1", count=20)
        for button in ("removals", f"removal:{removal}", "return"):
            ward.press(button)
        ward.press("amount", "2")
    ward.pull("R1")
    match how:
        case "power cut":
            ward.positions["R1"] = "latched"
            ward.restart()
        case "cancelled":
            ward.press("cancel")
            ward.push("R1")
            ward.press("sign_out")
        case "left":
            ward.push("R1", unseen=True)
            ward.wait(ward.plan.timings.idle_sign_out_s)
        case _:
            ward.push("R1")
    return ward


@pytest.mark.parametrize("how", ["power cut", "cancelled", "left", "pried open"])
def test_attack_a_return_bin_with_a_dose_that_no_entry_knows_is_not_opened_alone(how: str) -> None:
    ward = doubted(how)
    assert ward.state.session is None and not ward.records(r.Returned)
    ward.do(proof())
    ask(ward, "service begin")
    ward.commands.clear()
    assert "return bin" in ask(ward, "test lock R1")
    assert not pulses(ward)
    assert plain(replay(ward.sink)) == plain(ward.state)
    details = {it.hash.hex(): r.decode_details(it.kind, it.data) for it in ward.sink.attached}
    kept = snapshot.restore(snapshot.take(ward.state), details)
    assert kept.drawers["R1"].doubted


def test_attack_a_matrix_drawer_of_which_one_pocket_was_counted_is_not_opened_alone(
    full: Ward,
) -> None:
    for found in ("20", "0"):
        ask(full, "test lock D3")
        witnessed(full)
        full.pull("D3")
        full.push("D3")
        full.press("count", found)
        full.press("count", found)
        assert full.records(r.Counted)[-1].pocket == "M1" and full.state.access is None
        full.press("sign_out")
        full.commands.clear()
        assert ask(full, "test lock D3") == ""
        assert not pulses(full) and not full.records(sr.LockTestOrdered), "M2 holds its tablets"
        full.wait(lock_test.PHARMACIST_S)
    (m1, m2) = PLAN.drawers[2].pocket
    assert (full.state.on_hand(m1.id), full.state.on_hand(m2.id)) == (0, 20)


def test_attack_a_dose_left_in_another_pocket_of_a_matrix_drawer_is_not_reached_alone(
    empty: Ward,
) -> None:
    """The pocket that it came from is counted empty; in the one beside it nobody looked."""
    ask(empty, "service end")
    empty.load("T1", "M1", 2)
    empty.sign_in("N1")
    empty.remove("O2", count=2)
    empty.press("moved")
    empty.press("sign_out")
    ask(empty, "service begin")
    for pocket in ("M1", "M2"):
        empty.commands.clear()
        assert ask(empty, "test lock D3") == ""
        assert not pulses(empty), "not alone"
        witnessed(empty)
        empty.pull("D3")
        empty.press("count", "0")
        empty.push("D3")
        empty.press("sign_out")
        assert empty.records(r.Counted)[-1].pocket == pocket
        empty.wait(6)
    empty.commands.clear()
    assert ask(empty, "test lock D3") == ""
    assert pulses(empty) == ["D3"], "both were counted empty"
    assert plain(replay(empty.sink)) == plain(empty.state)


def test_attack_a_drawer_whose_last_dose_was_perhaps_left_in_it_is_not_opened_alone(
    empty: Ward,
) -> None:
    ask(empty, "service end")
    empty.load("T1", "P1", 2)
    empty.sign_in("N1")
    empty.remove("O1", count=2)
    empty.press("sign_out")
    assert empty.state.on_hand("P1") == 0, "as the ledger has it; nobody looked"
    ask(empty, "service begin")
    empty.commands.clear()
    assert ask(empty, "test lock D1") == ""
    assert not pulses(empty) and not empty.records(sr.LockTestOrdered)
    assert plain(replay(empty.sink)) == plain(empty.state)
    witnessed(empty)
    empty.pull("D1")
    empty.push("D1")
    empty.press("count", "0")
    empty.prove("N1")
    empty.press("sign_out")
    empty.wait(60)
    empty.commands.clear()
    assert ask(empty, "test lock D1") == ""
    assert pulses(empty) == ["D1"], "it was counted empty, before a witness"


@pytest.mark.parametrize("beside", ["PARA", "UNKNOWN"])
def test_attack_a_pried_pocket_of_a_medicine_that_no_formulary_has_stops_no_cabinet(
    beside: str,
) -> None:
    pockets = (Pocket("X1", "UNKNOWN"), Pocket("X2", beside))
    plan = msgspec.structs.replace(NEVER, drawers=(Drawer("D1", "Drawer 1", "matrix", pockets),))
    ward = Ward(plan, stocked=False)
    ward.do(proof())
    ask(ward, "service begin")
    ward.move("D1", "open")
    ward.push("D1")
    if beside == "UNKNOWN":
        assert "formulary" in ask(ward, "test lock D1")
        return
    assert ask(ward, "test lock D1") == ""
    witnessed(ward)
    ward.pull("D1")
    assert ward.screen().name == "count"
    ward.push("D1")
    ward.press("count", "0")
    assert ward.records(r.Counted)[-1].pocket == "X2"


@pytest.mark.parametrize("drawer", ["D1", "R1"])
def test_attack_power_off_in_the_test_of_a_drawer_that_is_then_taken_out_stops_no_start(
    empty: Ward, drawer: str
) -> None:
    """An entry that cannot be applied would be there at every start."""
    ask(empty, f"test lock {drawer}")
    kept = tuple(it for it in empty.plan.drawers if it.id != drawer)
    empty.plan = msgspec.structs.replace(empty.plan, drawers=kept)
    del empty.positions[drawer]
    empty.restart()
    assert empty.records(sr.LockTestInterrupted)[-1].drawer == drawer
    assert plain(replay(empty.sink)) == plain(empty.state)
    empty.sign_in("N1")


@pytest.mark.parametrize(
    "record",
    [
        r.AccessStarted("a", "remove", "s", "", ("badge", "pin"), "D1", "P1", "OXY5", 1),
        r.AccessStarted("a", "remove", "s", "p", (), "D1", "P1", "OXY5", 1),
        r.AccessStarted("a", "remove", "s", "p", ("badge", "pin"), "D1", "", "OXY5", 1),
        sr.LockTestOrdered("s", "a", "D1", "", "", ("certificate",)),
        sr.LockTestOrdered("s", "a", "D1", "SHA256:k", "", ()),
    ],
)
def test_attack_an_entry_that_pulses_a_lock_for_nobody_is_found_by_verify(record: r.Record) -> None:
    with pytest.raises(CorruptLedger):
        verification.is_lock_order(record)


def test_verify_counts_every_entry_that_pulses_a_lock(empty: Ward, full: Ward) -> None:
    ask(empty, "test lock D1")
    ask(full, "test lock D1")
    witnessed(full)
    for ward in (empty, full):
        assert sum(map(verification.is_lock_order, ward.records())) == 1 + len(
            ward.records(r.Loaded)
        )
