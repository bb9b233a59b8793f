"""Guessing at fingers and PINs: with one badge, and with many at one cabinet."""

import pytest

from cabinet import events as e
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import screens
from cabinet.signin import FINGER_OFF, LOCKED
from tests.test_signin import BADGES, finger, hold, pin, said, wrong_tries
from tests.ward import PIN, SENSOR, Ward, badge


@pytest.fixture
def ward() -> Ward:
    return Ward()


# --- one badge ------------------------------------------------------------------------------------


@pytest.mark.parametrize("staff_id", BADGES)
def test_at_the_fiftieth_miss_the_finger_is_switched_off_and_badge_and_pin_go_on(
    ward: Ward, staff_id: str
) -> None:
    """NIST SP 800-63B-4: 50 misses in a row, then another factor."""
    wrong_tries(ward, staff_id, 49)
    assert not ward.records(fr.FingerSwitchedOff)
    wrong_tries(ward, staff_id, 1)
    known = ward.state.by_badge.get(badge(staff_id), "")
    assert ward.records(fr.FingerSwitchedOff) == [fr.FingerSwitchedOff(badge(staff_id), known, 50)]
    assert "switched off" in alarms(ward), "whoever is on the ward is told, and nobody is named"
    ward.press("cancel")
    ward.wait(11)
    hold(ward, staff_id)
    assert ward.screen().name == "pin"
    assert "use_finger" not in screens.buttons(ward.screen())
    assert FINGER_OFF in said(ward)
    pin(ward, right=True)
    if known:
        assert ward.records(r.SignedIn)[-1].fallback == "finger_off"
        ward.press("sign_out")
        hold(ward, staff_id)
        assert ward.screen().name == "pin", "a PIN brings no finger back"


@pytest.mark.parametrize("staff_id", BADGES)
def test_attack_a_locked_pin_is_not_tried_again_by_unplugging_the_finger_sensor(
    ward: Ward, staff_id: str
) -> None:
    for _ in range(ward.plan.rules.lock_at_try):
        ward.wait(60)
        hold(ward, staff_id)
        ward.press("use_pin")
        pin(ward, right=False)
        if ward.state.attempt is not None:
            ward.press("cancel")
    ward.wait(60)
    hold(ward, staff_id)
    assert "use_pin" not in screens.buttons(ward.screen())
    ward.do(e.DeviceChanged("fingerprint", "unplugged"))
    assert LOCKED in said(ward), "no PIN is offered that cannot work"
    ward.commands.clear()
    ward.press("pin", PIN)
    assert not ward.commands, "it is not even compared"
    assert ward.state.attempt is None and ward.state.session is None
    assert ward.records(r.AttemptEnded)[-1].why == "locked"


def alarms(ward: Ward) -> str:
    moment = e.Moment(ward.wall_ms + ward.now_ms, ward.now_ms, bytes(32), ward.positions)
    told = screens.live(ward.state, ward.engine.place, moment).alarms
    return repr([it.text for it in told])


def test_the_alarm_of_a_finger_that_was_switched_off_ends(ward: Ward) -> None:
    wrong_tries(ward, "N1", 50)
    ward.now_ms += ward.plan.rules.crowd_within_s * 1000
    assert "switched off" not in alarms(ward)


def test_attack_power_off_and_on_silences_neither_alarm(ward: Ward) -> None:
    wrong_tries(ward, "N1", 50)
    guess(ward, 20)
    ward.now_ms = 0
    ward.restart()
    told = alarms(ward)
    assert "switched off" in told and "Many wrong" in told
    ward.now_ms += ward.plan.rules.crowd_within_s * 1000
    ward.sign_in("N2")
    ward.restart()
    told = alarms(ward)
    assert "switched off" not in told and "Many wrong" not in told, "what was over stays over"


def test_neither_time_nor_power_off_and_on_brings_back_a_finger_that_is_off(ward: Ward) -> None:
    wrong_tries(ward, "N1", 50)
    ward.now_ms += 10**9
    ward.restart()
    ward.do(e.DeviceChanged("fingerprint", "", SENSOR))
    ward.wait(10)  # the cabinet's own, as if the tries had just been
    hold(ward, "N1")
    assert ward.screen().name == "pin"


def test_a_pin_that_stood_in_leaves_the_misses_counted(ward: Ward) -> None:
    wrong_tries(ward, "N1", 3)
    finger(ward, "fault")
    pin(ward, right=True)
    ward.press("sign_out")
    assert ward.state.tries[badge("N1")].fingers == 3
    ward.sign_in("N1")
    assert badge("N1") not in ward.state.tries


# --- many badges ----------------------------------------------------------------------------------


def guess(ward: Ward, badges: int) -> None:
    """One wrong finger with each of so many badges that nobody has."""
    for number in range(badges):
        hold(ward, f"stranger {number}")
        finger(ward)
        if ward.screen().name != "rest":
            ward.press("cancel")


def test_attack_one_guess_with_each_of_many_badges_slows_the_whole_cabinet(ward: Ward) -> None:
    guess(ward, 19)
    assert not ward.records(fr.GuessingSuspected)
    guess(ward, 1)
    assert ward.records(fr.GuessingSuspected) == [fr.GuessingSuspected(20, 600)]
    hold(ward, "N2")
    assert ward.records(r.FactorRefused)[-1].why == "crowd"
    assert "Wait 10 s" in said(ward)
    ward.wait(10)
    hold(ward, "one more")
    finger(ward)
    assert ward.screen().name == "rest", "each guess waits, with whatever badge"
    ward.wait(10)
    ward.sign_in("N2")
    assert len(ward.records(fr.GuessingSuspected)) == 1


def test_a_cabinet_that_was_guessed_at_is_as_ever_after_ten_minutes(ward: Ward) -> None:
    guess(ward, 20)
    ward.wait(600)
    guess(ward, 2)
    assert ward.screen().name == "rest" and "Wait" not in said(ward)


def test_slips_of_many_days_are_no_guessing_after_the_power_was_off(ward: Ward) -> None:
    """Nobody is told to call security for a wrong finger now and then, and a power cut."""
    for day in range(25):
        hold(ward, "N1")
        finger(ward)
        ward.press("cancel")
        ward.sign_in("N1")
        ward.press("sign_out")
        ward.now_ms += 3_600_000 * (1 + day % 3)
    ward.now_ms = 0
    ward.restart()
    hold(ward, "N2")
    finger(ward)
    assert ward.screen().name == "finger", "whoever slips tries again"
    assert not ward.records(fr.GuessingSuspected)


def test_power_off_and_on_does_not_end_the_cabinets_own_wait(ward: Ward) -> None:
    guess(ward, 20)
    ward.now_ms = 0
    ward.restart()
    hold(ward, "N2")
    assert ward.records(r.FactorRefused)[-1].why == "crowd"
    ward.wait(10)
    hold(ward, "N2")
    assert ward.screen().name == "finger"
