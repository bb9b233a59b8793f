"""The main job: a removal from order to zero, its refusals, and the ways it can end otherwise."""

import re
from dataclasses import replace

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.resting import resting_s
from tests.ward import NOON_MS, PLAN, Ward


@pytest.fixture
def ward() -> Ward:
    ward = Ward()
    ward.sign_in("N1")
    return ward


def test_a_removal_given_and_wasted_with_a_witness_closes_at_zero(ward: Ward) -> None:
    removal = ward.remove("O1", count=20)
    assert ward.state.on_hand("P1") == 18
    assert ward.state.removals[removal].outstanding == 2
    ward.press("removals")
    ward.press(f"removal:{removal}")
    ward.press("give")
    ward.press("amount", "1")
    ward.press("waste")
    ward.press("amount", "1")
    ward.prove("N2")
    assert removal not in ward.state.removals
    (wasted,) = ward.records(r.Wasted)
    assert (wasted.person, wasted.witness) == (ward.ref("N1"), ward.ref("N2"))
    assert wasted.factors == wasted.witness_factors == ("badge", "finger")
    assert ("custody:" + removal, "OXY5") not in ward.state.balances


def test_the_lock_is_pulsed_only_beside_the_record_that_orders_it(ward: Ward) -> None:
    ward.choose("O1")
    outcome = ward.press("open")
    (body,) = outcome.bodies
    assert isinstance(body.record, r.AccessStarted)
    assert body.record.factors == ("badge", "finger")
    assert outcome.commands == (e.Pulse("D1"),)


def test_nothing_is_commanded_when_the_record_cannot_be_written(ward: Ward) -> None:
    ward.choose("O1")
    ward.commands.clear()
    ward.sink.fail = True
    with pytest.raises(OSError, match="disk full"):
        ward.press("open")
    assert not ward.commands
    assert ward.state.access is None


def test_a_controlled_substance_is_counted_blind_before_it_is_taken(ward: Ward) -> None:
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    assert ward.screen().name == "count"
    ward.press("count", "20")
    assert ward.screen().name == "take"


def test_an_uncontrolled_medicine_needs_no_count(ward: Ward) -> None:
    ward.remove("O2")
    assert ward.state.on_hand("M1") == 18


def test_a_count_that_differs_is_asked_once_more_then_opens_a_discrepancy(ward: Ward) -> None:
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    ward.press("count", "19")
    assert ward.screen().name == "recount"
    assert not ward.records(r.Counted)[-1].discrepancy
    ward.press("count", "18")
    counted = ward.records(r.Counted)[-1]
    assert (counted.expected, counted.found) == (20, 18)
    assert counted.person == ward.ref("N1")
    assert counted.previous == ward.ref("T1")
    assert [c.found for c in ward.records(r.CountEntered)] == [19]
    assert ward.screen().name == "take", "care goes on"
    ward.push("D1")
    assert ward.state.on_hand("P1") == 16
    assert counted.discrepancy in ward.state.discrepancies


def test_no_screen_shows_the_expected_count(ward: Ward) -> None:
    ward.choose("O1")
    seen = [ward.screen()]
    ward.press("open")
    seen.append(ward.screen())
    ward.pull("D1")
    seen.append(ward.screen())
    ward.press("count", "7")
    seen.append(ward.screen())
    ward.press("count", "7")
    seen.append(ward.screen())
    said = repr([(s.title, s.blocks, [it.label for it in s.actions]) for s in seen])
    assert not re.search(r"\b20\b", said)  # a random reference may hold these digits by chance


def test_a_drawer_shut_before_its_screen_said_take_is_not_taken_from_until_the_person_says_so(
    ward: Ward,
) -> None:
    """A slow disk held the count's commit; whoever shut the drawer meanwhile had seen no "take"."""
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    ward.press("count", "20")
    ward.push("D1", unseen=True)
    assert not ward.records(r.RemovalTaken) and ward.state.on_hand("P1") == 20
    assert ward.screen().name == "confirm"
    ward.press("moved")
    assert ward.records(r.RemovalTaken)[-1].quantity == 2
    assert ward.state.on_hand("P1") == 18


def test_an_uncounted_removal_shut_unseen_is_asked_about_too(ward: Ward) -> None:
    ward.choose("O2")
    ward.press("open")
    ward.pull("D3")
    ward.push("D3", unseen=True)
    assert not ward.records(r.RemovalTaken) and ward.screen().name == "confirm"
    ward.press("cancel")
    assert ward.screen().name == "count", "what lies there is counted, as after any cancellation"
    ward.press("not_counted")
    assert ward.state.pockets["M1"].count_due and ward.state.on_hand("M1") == 20


def test_of_a_drawer_with_several_pockets_the_screen_names_the_one(ward: Ward) -> None:
    ward.choose("O2")
    ward.press("open")
    ward.pull("D3")
    assert "From pocket M1" in repr(ward.screen())
    ward.press("cancel")
    ward.push("D3")
    assert "How many are in pocket M1 now?" in repr(ward.screen())
    ward.press("not_counted")
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    assert "How many are in the drawer, before you take any?" in repr(ward.screen())


def refused(ward: Ward) -> str:
    assert ward.state.access is None
    assert not any(isinstance(c, e.Pulse) for c in ward.commands)
    return str(ward.records(r.Refused)[-1].why)


def test_refused_without_an_active_order(ward: Ward) -> None:
    ward.choose("O1")
    stopped = e.OrderRow(
        "O1", "1001", "OXY5", 2, "10 mg", "by mouth", "", "", NOON_MS - 2, NOON_MS + 1
    )
    assert not ward.do(e.Import("test", orders=(("orders.csv:2", stopped),))).refusal
    ward.now_ms += 1000
    ward.commands.clear()
    ward.press("open")
    assert refused(ward) == "no_active_order"


def test_refused_for_more_than_ordered(ward: Ward) -> None:
    ward.choose("O1")
    ward.press("quantity")
    ward.commands.clear()
    ward.press("set", "3")
    assert refused(ward) == "more_than_ordered"
    assert ward.screen().name == "quantity", "where another one can be typed"
    ward.press("set", "0")
    assert refused(ward) == "no_quantity" and ward.screen().name == "quantity"
    ward.press("set", "1")
    assert ward.engine.place.quantity == 1 and ward.screen().name == "order"


def test_refused_for_expired_stock(ward: Ward) -> None:
    ward.choose("O1")
    ward.state.pockets["P1"].expires = "2020-01-31"
    ward.commands.clear()
    ward.press("open")
    assert refused(ward) == "expired"


def test_refused_when_the_count_is_too_low() -> None:
    ward = Ward(stocked=False)
    ward.load("T1", "P1", 1)
    ward.sign_in("N1")
    ward.choose("O1")
    ward.commands.clear()
    ward.press("open")
    assert refused(ward) == "count_too_low"


def test_a_count_below_the_amount_takes_nothing_and_says_so(ward: Ward) -> None:
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    ward.press("count", "1")
    ward.press("count", "1")
    assert ward.records(r.Refused)[-1].why == "count_too_low"
    assert ward.screen().name == "close"
    ward.push("D1")
    assert ward.records(r.CancelledAfterOpen)[-1].why == "count_too_low"
    assert ward.state.on_hand("P1") == 1


def test_refused_while_the_drawer_is_not_locked(ward: Ward) -> None:
    ward.choose("O1")
    ward.positions["D1"] = "unlatched"
    ward.commands.clear()
    ward.press("open")
    assert refused(ward) == "drawer_not_locked"


def test_refused_while_another_drawer_is_open(ward: Ward) -> None:
    ward.choose("O1")
    ward.move("D2", "open")
    ward.commands.clear()
    ward.press("open")
    assert refused(ward) == "another_drawer_open"


def test_refused_when_rights_were_withdrawn_since_sign_in(ward: Ward) -> None:
    ward.choose("O1")
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", "", status="suspended")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.commands.clear()
    ward.press("open")
    assert refused(ward) == "rights_withdrawn"


def test_refused_for_a_controlled_substance_with_one_kind_of_factor(ward: Ward) -> None:
    assert ward.state.session is not None
    ward.state.session = replace(ward.state.session, factors=("badge",))
    ward.choose("O1")
    ward.commands.clear()
    ward.press("open")
    assert refused(ward) == "two_factors"


# --- the ways an access ends otherwise ------------------------------------------------------------


def test_four_null_transactions_are_four_different_records(ward: Ward) -> None:
    def begin() -> None:
        ward.choose("O1")
        ward.press("open")

    begin()
    ward.press("cancel")  # before it opened
    assert ward.records()[-1] == r.CancelledBeforeOpen(ward.records(r.AccessStarted)[-1].access)
    ward.push("D1")

    begin()
    ward.pull("D1")
    ward.press("cancel")  # after it opened: a count is forced
    assert ward.screen().name == "count"
    ward.push("D1")
    assert ward.state.access is not None
    ward.press("count", "20")
    assert isinstance(ward.records()[-1], r.CancelledAfterOpen)

    begin()
    ward.move("D1", "unlatched")
    ward.wait(16)  # lapsed
    assert isinstance(ward.records()[-1], r.AccessLapsed)
    ward.push("D1")

    begin()
    ward.pull("D1")
    ward.restart()  # interrupted by power loss
    assert ward.records(r.AccessInterrupted)[-1].opened
    assert ward.state.on_hand("P1") == 20


def test_an_interrupted_access_asks_for_a_count_and_pulses_nothing(ward: Ward) -> None:
    ward.choose("O2")
    ward.press("open")
    ward.pull("D3")
    moment = e.Moment(ward.wall_ms, ward.now_ms, bytes(32), ward.positions)
    assert not screens.live(ward.state, ward.engine.place, moment).alarms
    outcome = ward.restart()
    assert outcome.commands == ()
    assert ward.state.pockets["M1"].count_due
    moment = e.Moment(ward.wall_ms, ward.now_ms, bytes(32), ward.positions)
    (alarm,) = screens.live(ward.state, ward.engine.place, moment).alarms
    assert alarm.text == "Drawer 3 is still open. Close it.", "at once: nobody is at it"
    ward.push("D3")
    assert ward.records()[-1] == r.DrawerClosed("D3", ward.records(r.AccessStarted)[-1].access)
    assert not ward.records(r.DrawerForced)
    ward.sign_in("N1")
    ward.choose("O2")
    ward.press("open")
    ward.pull("D3")
    assert ward.screen().name == "count", "an uncontrolled pocket in doubt is counted too"


def test_a_coil_rests_across_a_restart(ward: Ward) -> None:
    """The driver forgets when it was on; the ledger knows when that was at the latest."""
    ward.now_ms += 60_000
    ward.choose("O1")
    ward.press("open")
    on_ms = ward.now_ms
    assert resting_s(ward.state, on_ms + 60_000) == {"D1": 6.0}, "nobody knows how late it was on"
    assert resting_s(ward.state, 2000)["D1"] == 4.0, "the machine itself began anew"
    ward.pull("D1")
    ward.press("count", "20")
    ward.push("D1")
    shut_ms = ward.now_ms
    assert resting_s(ward.state, shut_ms + 1000)["D1"] == 5.0
    assert "D1" not in resting_s(ward.state, shut_ms + 6000)
    assert "D2" not in resting_s(ward.state, shut_ms + 1000)


def test_a_lock_that_does_not_let_go_is_a_failed_access(ward: Ward) -> None:
    ward.choose("O1")
    ward.press("open")
    ward.wait(3)
    assert "did not let go" in ward.records(r.AccessFailed)[-1].cause
    assert ward.state.drawers["D1"].model.state == "shut"


def test_a_pulse_the_driver_refused_is_a_failed_access(ward: Ward) -> None:
    ward.choose("O1")
    ward.press("open")
    ward.do(e.PulseEnded("D1", "the coil is resting"))
    assert ward.records(r.AccessFailed)[-1].cause == "the coil is resting"


def test_a_drawer_open_without_an_order_is_a_tamper_record_at_once(ward: Ward) -> None:
    ward.pull("D2")
    assert ward.records(r.DrawerForced) == [r.DrawerForced("D2")]
    moment = e.Moment(ward.wall_ms, ward.now_ms, bytes(32), ward.positions)
    live = screens.live(ward.state, ward.engine.place, moment)
    assert live.alarms[0].priority == "high"
    assert screens.outputs(ward.state, moment).beep
    assert ward.state.pockets["P2"].count_due


def test_a_drawer_opened_after_its_access_was_cancelled_is_tamper(ward: Ward) -> None:
    ward.choose("O1")
    ward.press("open")
    ward.press("cancel")
    ward.pull("D1")
    assert ward.records(r.DrawerForced) == [r.DrawerForced("D1")]


def test_a_drawer_left_open_beeps_then_alerts_and_nobody_is_signed_out(ward: Ward) -> None:
    from cabinet import screens

    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")

    def beeps() -> bool:
        moment = e.Moment(ward.wall_ms, ward.now_ms, bytes(32), ward.positions)
        return screens.outputs(ward.state, moment).beep

    ward.wait(29)
    assert not beeps()
    ward.wait(1)
    assert beeps()
    ward.wait(90)
    (alert,) = ward.records(r.DrawerLeftOpen)
    assert alert.open_s == 120
    ward.wait(100)
    assert len(ward.records(r.DrawerLeftOpen)) == 1
    assert ward.state.session is not None


def test_idle_sign_out_at_60_s_warned_at_45(ward: Ward) -> None:
    from cabinet import screens

    def warning() -> int:
        moment = e.Moment(ward.wall_ms, ward.now_ms, bytes(32), ward.positions)
        return screens.live(ward.state, ward.engine.place, moment).idle_warning_s

    ward.wait(44)
    assert warning() == 0
    ward.wait(1)
    assert warning() == 15
    ward.press("stay")
    assert warning() == 0
    ward.wait(60)
    assert ward.state.session is None
    assert ward.records(r.SignedOut)[-1].why == "idle"


def test_a_press_of_a_button_that_is_not_there_does_nothing(ward: Ward) -> None:
    size = ward.sink.size
    assert ward.press("open").refusal
    assert ward.press("release:whoever").refusal
    assert ward.sink.size == size


def test_replay_leads_to_the_same_balances(ward: Ward) -> None:
    removal = ward.remove("O1", count=20)
    before = dict(ward.state.balances)
    ward.restart()
    assert ward.state.balances == before
    assert ward.state.removals[removal].outstanding == 2
    assert ward.state.plan == PLAN
