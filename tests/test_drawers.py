"""What drawers and their sensors may do at the wrong moment, and what the rules make of it.

Two drawers, readings in odd order, late answers of the lock driver, restarts, another make-up of
the cabinet. Each test is a sequence that somebody could bring about.
"""

import msgspec
import pytest

from cabinet import events as e
from cabinet import machines, screens
from cabinet import records as r
from cabinet.journal import Journal, replay
from cabinet.plan import Drawer, Plan, Pocket
from cabinet.state import State
from cabinet.step import Engine
from tests.ward import NOON_MS, PLAN, ListSink, Ward


@pytest.fixture
def ward() -> Ward:
    ward = Ward()
    ward.sign_in("N1")
    return ward


def ask(ward: Ward, order: str = "O1") -> None:
    ward.choose(order)
    ward.commands.clear()
    ward.press("open")


def drawer(ward: Ward, name: str) -> str:
    return str(ward.state.drawers[name].model.state)


def why_refused(ward: Ward) -> str:
    assert not any(isinstance(command, e.Pulse) for command in ward.commands)
    assert ward.state.access is None
    return str(ward.records(r.Refused)[-1].why)


# --- late and odd answers -------------------------------------------------------------------------


def test_a_refused_pulse_that_is_told_late_closes_no_open_drawer(ward: Ward) -> None:
    ask(ward)
    ward.pull("D1")
    ward.do(e.PulseEnded("D1", "the coil failed while it was on"))
    assert drawer(ward, "D1") == machines.OPEN
    assert ward.state.access is not None
    assert not ward.records(r.AccessFailed)


def test_a_refused_pulse_that_is_told_after_the_drawer_was_shut_is_harmless(ward: Ward) -> None:
    ask(ward)
    ward.pull("D1")
    ward.push("D1")
    assert ward.state.access is not None, "the count is still owed"
    ward.do(e.PulseEnded("D1", "the coil failed while it was on"))
    assert replay(ward.sink).size == ward.sink.size


def test_a_drawer_that_let_go_is_not_called_shut_when_its_pulse_failed(ward: Ward) -> None:
    ask(ward)
    ward.move("D1", "unlatched")
    closed = len(ward.records(r.DrawerClosed))
    ward.do(e.PulseEnded("D1", "the coil failed while it was on"))
    assert ward.records(r.AccessFailed)
    assert len(ward.records(r.DrawerClosed)) == closed
    assert drawer(ward, "D1") == machines.RELEASED
    ward.move("D1", "open")
    assert ward.records(r.DrawerForced) == [r.DrawerForced("D1")]


def test_a_cause_of_any_length_is_cut(ward: Ward) -> None:
    ask(ward)
    ward.do(e.PulseEnded("D1", "x" * 100_000))
    assert len(ward.records(r.AccessFailed)[-1].cause) <= 200


def test_a_drawer_called_off_before_its_hook_let_go_is_of_use_again(ward: Ward) -> None:
    ask(ward)
    ward.press("cancel")
    assert drawer(ward, "D1") == machines.RELEASED
    ward.wait(3)
    assert drawer(ward, "D1") == machines.SHUT
    ask(ward)
    assert ward.state.access is not None


def test_a_drawer_called_off_after_its_hook_let_go_waits_for_the_push(ward: Ward) -> None:
    ask(ward)
    ward.press("cancel")
    ward.move("D1", "unlatched")
    ward.wait(3)
    assert drawer(ward, "D1") == machines.RELEASED
    ask(ward, "O3")
    assert why_refused(ward) == "another_drawer_open"
    ward.push("D1")
    ask(ward, "O3")
    assert ward.state.access is not None


# --- a switch that sees it open while the hook reads engaged --------------------------------------


def test_a_drawer_pried_past_its_hook_is_a_fault_and_a_tamper_alarm(ward: Ward) -> None:
    ward.move("D2", "disagree")
    assert isinstance(ward.records()[-2], r.DrawerFailed)
    assert ward.records()[-1] == r.DrawerForced("D2")
    assert ward.state.pockets["P2"].count_due
    ask(ward)
    assert why_refused(ward) == "another_drawer_open"


def test_a_hook_tripped_while_the_drawer_is_open_hides_nothing(ward: Ward) -> None:
    ask(ward)
    ward.pull("D1")
    ward.move("D1", "disagree")
    assert drawer(ward, "D1") == machines.OPEN
    ward.wait(121)
    assert ward.records(r.DrawerLeftOpen)


def test_a_hook_tripped_on_a_forced_drawer_does_not_silence_the_alarm(ward: Ward) -> None:
    ward.pull("D2")
    ward.move("D2", "disagree")
    moment = e.Moment(ward.wall_ms, ward.now_ms, bytes(32), ward.positions)
    assert screens.outputs(ward.state, moment).beep
    alarms = screens.live(ward.state, ward.engine.place, moment).alarms
    assert [(alarm.priority, alarm.text.replace("\u00a0", " ")) for alarm in alarms] == [
        ("high", "Drawer 2 is open, and should not be. Close it now."),
        ("low", "1 pocket must be counted: see Tasks."),
    ]


def test_an_opening_seen_by_the_switch_alone_still_counts_as_this_access(ward: Ward) -> None:
    ask(ward)
    ward.move("D1", "disagree")
    assert ward.records(r.DrawerOpened)[-1].drawer == "D1"
    assert ward.screen().name == "count"
    assert not ward.records(r.DrawerForced)


def test_no_drawer_opens_beside_one_whose_sensors_cannot_be_read(ward: Ward) -> None:
    ward.move("D2", "unknown")
    ask(ward)
    assert why_refused(ward) == "another_drawer_unsure"
    ward.push("D2")
    ask(ward)
    assert ward.state.access is not None


def test_found_disagreeing_at_the_start_is_tamper_unless_it_was_allowed(ward: Ward) -> None:
    ask(ward)
    ward.pull("D1")
    ward.positions.update(D1="disagree", D2="disagree")
    ward.restart()
    assert [it.drawer for it in ward.records(r.DrawerForced)] == ["D2"]
    assert ward.records(r.AccessInterrupted)[-1].opened
    assert drawer(ward, "D1") == machines.OPEN


# --- tamper during an access ----------------------------------------------------------------------


def test_a_count_given_while_the_drawer_stands_forced_open_does_not_settle_it(ward: Ward) -> None:
    ask(ward)
    ward.pull("D1")
    ward.push("D1")
    ward.pull("D1")
    assert ward.records(r.DrawerForced)
    ward.press("count", "20")
    ward.push("D1")
    assert ward.state.pockets["P1"].count_due


def test_another_drawer_forced_during_an_access_leaves_the_access_as_it_is(ward: Ward) -> None:
    ask(ward)
    ward.pull("D1")
    ward.pull("D2")
    assert ward.records(r.DrawerForced) == [r.DrawerForced("D2")]
    ward.press("count", "20")
    ward.push("D2")
    ward.push("D1")
    assert ward.records(r.RemovalTaken)


# --- restarts and another make-up of the cabinet --------------------------------------------------


@pytest.mark.parametrize("position", ["latched", "unlatched", "open", "disagree", "unknown", "?"])
@pytest.mark.parametrize("steps", range(4))
def test_a_restart_in_every_state_pulses_nothing_and_can_be_replayed(
    ward: Ward, steps: int, position: str
) -> None:
    ward.choose("O1")
    if steps > 0:
        ward.press("open")
    if steps > 1:
        ward.pull("D1")
    if steps > 2:
        ward.press("count", "20")
    ward.positions["D1"] = position
    assert ward.restart().commands == ()
    assert ward.state.access is None
    assert ward.state.session is None
    assert replay(ward.sink).size == ward.sink.size
    ward.push("D1")
    assert drawer(ward, "D1") == machines.SHUT


def test_a_start_that_reads_nothing_knows_nothing(ward: Ward) -> None:
    ward.do(e.Start("test", PLAN, ()))
    assert {name: drawer(ward, name) for name in ("D1", "D2", "D3", "R1")} == dict.fromkeys(
        ("D1", "D2", "D3", "R1"), machines.FAULT
    )


def test_a_start_that_reads_a_drawer_there_is_not_ignores_it(ward: Ward) -> None:
    ward.do(e.Start("test", PLAN, (("D9", "open"), ("D1", "latched"))))
    assert replay(ward.sink).size == ward.sink.size


def without(*names: str) -> tuple[Drawer, ...]:
    return tuple(it for it in PLAN.drawers if it.id not in names)


def made_of(drawers: tuple[Drawer, ...]) -> Plan:
    return msgspec.structs.replace(PLAN, drawers=drawers)


def test_a_drawer_taken_out_while_its_access_was_open_leaves_a_ledger_that_replays(
    ward: Ward,
) -> None:
    ask(ward)
    ward.pull("D1")
    ward.plan = made_of(without("D1"))
    del ward.positions["D1"]
    ward.restart()
    assert ward.records(r.AccessInterrupted)[-1].opened
    assert replay(ward.sink).size == ward.sink.size


def test_a_pocket_moved_to_another_drawer_is_counted_first(ward: Ward) -> None:
    ward.plan = made_of(
        (*without("D1"), Drawer("D7", "Drawer 7", "single", (Pocket("P1", "OXY5", "CII"),)))
    )
    ward.positions["D7"] = "latched"
    del ward.positions["D1"]
    ward.restart()
    assert ward.state.pockets["P1"].count_due == "moved to another drawer"
    assert ward.state.on_hand("P1") == 20


# --- before the beginning -------------------------------------------------------------------------


def test_nothing_happens_before_a_cabinet_is_made_and_it_is_made_once(ward: Ward) -> None:
    size = ward.sink.size
    assert ward.do(e.Create("Again", True, "test", ("a", "b"), 72, 2)).refusal
    fresh = ListSink()
    engine = Engine(State(), Journal(fresh, "ward-2", "boot", bytes))
    moment = e.Moment(NOON_MS, 0, bytes(32))
    for event in (e.Tick(), e.BadgeSeen("b"), e.Import("x"), e.Start("test", PLAN, ())):
        assert engine.step(event, moment).bodies == ()
    assert (ward.sink.size, fresh.size) == (size, 0)
