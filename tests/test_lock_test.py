"""A technician tests a lock: alone where the drawer is empty, else with a pharmacist who counts."""

from typing import Any

import pytest

from cabinet import events as e
from cabinet import lock_test, resting, screens, service_work, snapshot, stock
from cabinet import records as r
from cabinet import service_records as sr
from cabinet.journal import replay
from tests.test_service import NEVER, proof, session
from tests.test_service_work import ask, outputs
from tests.ward import Ward, badge


def at_work(*, stocked: bool) -> Ward:
    ward = Ward(NEVER, stocked=stocked)
    ward.do(proof())
    assert ask(ward, "service begin") == ""
    ward.commands.clear()
    return ward


@pytest.fixture
def empty() -> Ward:
    return at_work(stocked=False)


@pytest.fixture
def full() -> Ward:
    return at_work(stocked=True)


def pulses(ward: Ward) -> list[str]:
    return [it.drawer for it in ward.commands if isinstance(it, e.Pulse)]


def result(ward: Ward) -> tuple[str, str, str, str]:
    record = ward.records(sr.ServiceTested)[-1]
    return (record.what, record.place, record.outcome, record.cause)


# --- an empty drawer ------------------------------------------------------------------------------


@pytest.mark.parametrize("drawer", ["D1", "D3", "R1"])
def test_an_empty_drawer_is_opened_beside_a_record_of_who_why_and_by_what(
    empty: Ward, drawer: str
) -> None:
    assert ask(empty, f"test lock {drawer}") == ""
    assert pulses(empty) == [drawer]
    (record,) = empty.records(sr.LockTestOrdered)
    assert (record.drawer, record.factors) == (drawer, ("certificate",))
    assert record.key.startswith("SHA256:") and record.session == session(empty)
    assert [name for name, lit in outputs(empty).lights if lit] == [drawer]
    empty.pull(drawer)
    assert empty.records(r.DrawerOpened)[-1].access == record.access
    assert not empty.records(r.DrawerForced)
    assert result(empty) == ("lock", drawer, "passed", "")
    empty.push(drawer)
    assert empty.state.drawers[drawer].access == ""
    assert ask(empty, "service end") == ""


def test_a_jammed_lock_fails_its_test_and_the_drawer_counts_as_shut(empty: Ward) -> None:
    ask(empty, "test lock D1")
    empty.wait(3)
    assert result(empty) == ("lock", "D1", "failed", lock_test.NOT_LET_GO)
    assert empty.state.drawers["D1"].model.state == "shut"
    empty.pull("D1")
    assert empty.records(r.DrawerForced)[-1].drawer == "D1"  # an hour later it is nobody's test


def test_a_pulse_that_the_driver_refuses_is_the_cause_of_the_failure(empty: Ward) -> None:
    ask(empty, "test lock D1")
    empty.do(e.PulseEnded("D2", "not this one"))
    empty.do(e.PulseEnded("D1", "its coil rests for another 4.0 s"))
    assert result(empty) == ("lock", "D1", "failed", "its coil rests for another 4.0 s")
    assert ask(empty, "test lock D1") == ""  # each pulse needs its own record
    assert len(empty.records(sr.LockTestOrdered)) == 2


def test_a_lock_that_lets_go_passes_also_if_nobody_pulls(empty: Ward) -> None:
    ask(empty, "test lock D1")
    empty.move("D1", "unlatched")
    empty.wait(empty.plan.timings.open_within_s)
    assert result(empty)[2] == "passed"
    assert empty.state.drawers["D1"].access == ""
    empty.move("D1", "open")
    assert empty.records(r.DrawerForced)[-1].drawer == "D1"


def test_a_lock_that_lets_go_and_is_pushed_in_again_passes(empty: Ward) -> None:
    ask(empty, "test lock D1")
    empty.move("D1", "unlatched")
    empty.push("D1")
    assert result(empty)[2] == "passed"


def test_a_drawer_whose_sensors_say_nothing_has_no_result(empty: Ward) -> None:
    ask(empty, "test lock D1")
    empty.move("D1", "unknown")
    empty.wait(15)
    assert result(empty) == ("lock", "D1", "unanswered", lock_test.NOBODY_OPENED)


@pytest.mark.parametrize("position", ["open", "unlatched", "disagree", "unknown"])
def test_one_drawer_at_a_time_also_for_a_technician(empty: Ward, position: str) -> None:
    empty.move("D2", position)
    for drawer in ("D1", "D2"):
        assert ask(empty, f"test lock {drawer}")
    assert not pulses(empty)


def test_it_is_asked_for_in_service_mode_one_at_a_time_and_of_a_drawer_there_is() -> None:
    ward = Ward(NEVER, stocked=False)
    ward.do(proof())
    assert ask(ward, "test lock D1") == service_work.FIRST
    ask(ward, "service begin")
    assert "Which drawer" in ask(ward, "test lock D9")
    assert ask(ward, "test lock")
    ask(ward, "test lock D1")
    assert "under way" in ask(ward, "test lock D2")
    ward.do(e.Space(1))
    ward.wait(3)
    assert "full" in ask(ward, "test lock D2")
    assert pulses(ward) == ["D1"]


@pytest.mark.parametrize("position", ["latched", "unlatched", "open", "disagree"])
def test_a_cable_pulled_in_the_test_leaves_nothing_that_may_still_be_opened(
    empty: Ward, position: str
) -> None:
    ask(empty, "test lock D1")
    if position != "latched":
        empty.move("D1", position)
    empty.do(e.ServiceLeft(session(empty), "hung_up"))
    opened = len(empty.records(r.DrawerOpened))
    if position in ("latched", "unlatched"):
        assert empty.state.drawers["D1"].access == ""
        empty.move("D1", "open")
        assert empty.records(r.DrawerForced) and not opened
    else:
        assert opened == 1
    empty.push("D1")
    empty.sign_in("N1")


@pytest.mark.parametrize("position", ["latched", "unlatched", "open", "disagree", "unknown"])
def test_a_power_cut_in_the_test_is_shown_and_no_lock_moves(empty: Ward, position: str) -> None:
    ask(empty, "test lock D1")
    empty.positions["D1"] = position
    empty.restart()
    (record,) = empty.records(sr.LockTestInterrupted)
    assert record.opened is (position in ("open", "disagree"))
    assert not pulses(empty) and empty.state.service is None
    assert resting.resting_s(empty.state, empty.now_ms)["D1"] > 0
    if position == "open":
        assert not empty.records(r.DrawerForced)  # it was allowed, and the record says so
    due = "P1" in [it.plan.id for it in stock.due(empty.state)]
    assert due is (position in ("open", "disagree"))  # nobody saw what went in
    empty.push("D1")
    empty.sign_in("N1")


def test_the_coil_rests_after_a_test_as_after_any_pulse(empty: Ward) -> None:
    ask(empty, "test lock D1")
    empty.now_ms += 1000
    held = replay(empty.sink)
    assert resting.resting_s(held, empty.now_ms)["D1"] == pytest.approx(6)
    empty.pull("D1")
    empty.push("D1")
    empty.now_ms += 10_000
    assert "D1" not in resting.resting_s(empty.state, empty.now_ms)


def test_a_snapshot_in_a_test_leads_to_the_same_state(empty: Ward) -> None:
    ask(empty, "test lock D1")
    details = {it.hash.hex(): r.decode_details(it.kind, it.data) for it in empty.sink.attached}
    assert snapshot.restore(snapshot.take(empty.state), details).service == empty.state.service
    assert replay(empty.sink).service == empty.state.service


# --- a drawer with medicine -----------------------------------------------------------------------


@pytest.mark.parametrize("drawer", ["D1", "D2", "D3"])
def test_attack_no_technician_alone_opens_a_drawer_with_medicine(full: Ward, drawer: str) -> None:
    assert ask(full, f"test lock {drawer}") == ""
    full.wait(60)
    ask(full, "result yes")
    ask(full, f"test lock {drawer}")
    full.do(e.PulseEnded(drawer, ""))
    assert not pulses(full) and not full.records(sr.LockTestOrdered)
    full.wait(lock_test.PHARMACIST_S)
    assert result(full) == ("lock", drawer, "unanswered", "no pharmacist came")


def test_attack_a_drawer_that_is_empty_only_by_a_doubtful_count_is_not_opened_alone(
    empty: Ward,
) -> None:
    empty.move("D1", "open")  # pried open
    empty.push("D1")
    assert ask(empty, "test lock D1") == ""
    assert not pulses(empty)


def test_a_return_bin_with_something_in_it_is_not_opened_at_all() -> None:
    ward = Ward(NEVER)
    ward.sign_in("N1")
    removal = ward.remove("O2")
    ward.press("removals")
    ward.press(f"removal:{removal}")
    ward.press("return")
    ward.press("amount", "2")
    ward.pull("R1")
    ward.push("R1")
    ward.press("sign_out")
    ward.do(proof())
    ask(ward, "service begin")
    ward.commands.clear()
    assert "return bin" in ask(ward, "test lock R1")
    assert not pulses(ward)


def witnessed(ward: Ward, who: str = "P1") -> Any:
    """The pharmacist signs in, opens the drawer, and it comes open."""
    ward.sign_in(who)
    return ward.press("test_lock")


def test_a_pharmacist_opens_it_by_the_rules_of_every_access_and_counts(full: Ward) -> None:
    ask(full, "test lock D1")
    assert "hold your badge" in repr(full.screen().blocks)
    witnessed(full)
    assert pulses(full) == ["D1"]
    started = full.records(r.AccessStarted)[-1]
    assert (started.kind, started.person, started.pocket) == ("count", full.ref("P1"), "P1")
    assert started.service == session(full) and len(started.factors) == 2
    full.pull("D1")
    assert result(full) == ("lock", "D1", "passed", "")
    assert "20" not in repr(full.screen())  # what is expected
    full.push("D1")
    assert full.state.access is not None  # a count is owed
    full.press("count", "20")
    full.prove("N1")  # who attests the count of a controlled substance, as at any count
    assert full.state.access is None and full.records(r.Counted)[-1].found == 20
    full.press("sign_out")
    assert ask(full, "service end") == ""


@pytest.mark.parametrize("end", ["counted", "called off"])
def test_attack_the_cabinet_is_not_returned_while_a_count_after_the_test_is_owed(
    full: Ward, end: str
) -> None:
    ask(full, "test lock D1")
    witnessed(full)
    full.pull("D1")
    full.push("D1")
    owed = service_work.NOT_COUNTED.format("D1")
    assert service_work.HOW_TO_COUNT in ask(full, "service end")
    full.press("count", "20")
    assert owed in ask(full, "service end"), "nobody has attested it yet"
    assert full.records(sr.ServiceFinished)[-1] == sr.ServiceFinished(session(full), (owed,), False)
    if end == "counted":
        full.prove("N1")
        assert full.records(r.Counted)[-1].witness == full.ref("N1")
    else:
        full.press("dismiss")
        full.press("not_counted")
        assert [it.plan.id for it in stock.due(full.state)] == ["P1"]
    assert ask(full, "service end") == ""


def test_a_session_that_ends_before_the_count_says_so_and_the_count_stays_owed(full: Ward) -> None:
    ask(full, "test lock D1")
    witnessed(full)
    full.pull("D1")
    full.push("D1")
    full.do(e.ServiceLeft(session(full), "hung_up"))
    assert full.records(sr.ServiceFinished)[-1].problems == (service_work.NOT_COUNTED.format("D1"),)
    assert full.state.access is not None
    full.wait(full.plan.timings.idle_sign_out_s)
    assert [it.plan.id for it in stock.due(full.state)] == ["P1"]


def test_a_count_that_differs_after_the_test_opens_a_discrepancy(full: Ward) -> None:
    ask(full, "test lock D1")
    witnessed(full)
    full.pull("D1")
    full.push("D1")
    full.press("count", "19")
    full.press("count", "19")
    full.prove("N1")
    assert full.records(r.Counted)[-1].discrepancy


def test_a_jam_is_found_with_the_pharmacist_too(full: Ward) -> None:
    ask(full, "test lock D2")
    witnessed(full)
    full.wait(3)
    assert result(full) == ("lock", "D2", "failed", lock_test.NOT_LET_GO)
    assert full.state.access is None


def test_a_pharmacist_who_calls_it_off_leaves_the_test_without_a_result(full: Ward) -> None:
    ask(full, "test lock D1")
    witnessed(full)
    full.press("cancel")
    assert result(full) == ("lock", "D1", "unanswered", lock_test.NOBODY_OPENED)


@pytest.mark.parametrize("who", ["N1", "T1", "C1", "A1"])
def test_attack_nobody_but_a_pharmacist_opens_it_for_a_technician(full: Ward, who: str) -> None:
    ask(full, "test lock D1")
    full.sign_in(who)
    assert set(screens.buttons(full.screen())) == {"sign_out"}
    for button in ("test_lock", "menu", "home", "open"):
        assert full.press(button).refusal
    assert not pulses(full)


def test_in_service_mode_a_pharmacist_can_do_nothing_else(full: Ward) -> None:
    ask(full, "test lock D1")
    full.sign_in("P1")
    assert set(screens.buttons(full.screen())) == {"sign_out", "test_lock"}
    for button in ("menu", "home", "removals", "counts", f"count_pocket:{'P1'}"):
        assert full.press(button).refusal
    full.press("sign_out")
    full.wait(lock_test.PHARMACIST_S)
    full.do(e.BadgeSeen(badge("P1")))
    assert full.state.attempt is None  # nobody is waited for any more


def test_a_technician_who_leaves_takes_no_access_away_from_the_pharmacist(full: Ward) -> None:
    ask(full, "test lock D1")
    witnessed(full)
    full.do(e.ServiceLeft(session(full), "hung_up"))
    assert result(full)[2] == "unanswered"
    full.pull("D1")
    full.push("D1")
    full.press("count", "20")
    full.prove("N1")
    assert full.state.access is None and not full.records(r.DrawerForced)


def test_attack_a_lock_is_not_tested_while_the_pharmacist_is_at_a_drawer(full: Ward) -> None:
    ask(full, "test lock D1")
    witnessed(full)
    full.pull("D1")
    full.push("D1")
    assert "at a drawer" in ask(full, "test lock R1")
    assert pulses(full) == ["D1"]


# --- the finger, and all --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        ("seen", "passed"),
        ("unclear", "failed"),
        ("fault", "failed"),
        ("timed_out", "unanswered"),
        ("cancelled", "unanswered"),
        ("matched", "unanswered"),
    ],
)
def test_the_finger_sensor_is_tested_by_any_finger_and_nobody_is_known_by_it(
    full: Ward, outcome: str, found: str
) -> None:
    assert ask(full, "test finger") == ""
    command = full.command(e.LookAtFinger)
    before = full.sink.size
    full.do(e.FingerSeen("another", "seen"))
    assert full.sink.size == before
    full.do(e.FingerSeen(command.request, outcome, 4, "too wet"))
    assert result(full)[:3] == ("finger", "", found)
    assert full.state.session is None and full.state.attempt is None
    assert not [it for it in full.records()[before:] if getattr(it, "person", "")]


def test_a_finger_that_nobody_puts_down_is_not_waited_for_for_ever(full: Ward) -> None:
    ask(full, "test finger")
    full.wait(service_work.TEST_S)
    assert result(full)[2] == "unanswered"
    assert full.command(e.CancelFinger).request == full.command(e.LookAtFinger).request


def play_all(ward: Ward, *, light: str = "yes") -> None:
    ask(ward, "result yes")
    for _ in ward.state.drawers:
        ask(ward, f"result {light}")
    ward.do(e.BadgeSeen(badge("N1")))
    ward.do(e.CodeSeen("00000-0001-01"))
    ward.do(e.FingerSeen(ward.command(e.LookAtFinger).request, "seen"))


def test_all_is_tested_in_a_row_with_one_result(full: Ward) -> None:
    assert ask(full, "test all") == ""
    play_all(full)
    told = [(it.what, it.outcome) for it in full.records(sr.ServiceTested)]
    whats = ["sound", *["light"] * 4, "reader", "scanner", "finger", "all"]
    assert told == [(what, "passed") for what in whats]
    assert full.state.service is not None and full.state.service.testing is None
    assert not pulses(full)


def test_one_failure_fails_all_and_the_rest_is_still_tested(full: Ward) -> None:
    ask(full, "test all")
    play_all(full, light="no")
    assert result(full) == ("all", "", "failed", "")
    assert [it.outcome for it in full.records(sr.ServiceTested)].count("failed") == 5


def test_a_cable_pulled_in_a_test_of_all_ends_it(full: Ward) -> None:
    ask(full, "test all")
    full.do(e.ServiceLeft(session(full), "hung_up"))
    full.wait(service_work.TEST_S)
    assert [it.what for it in full.records(sr.ServiceTested)] == ["sound"]
