"""A clock that is set back, and power that is cut, again and again: nothing lasts longer for it."""

from collections.abc import Callable

import msgspec
import pytest

from auth.policy import Act
from cabinet import emergency, rights
from cabinet import events as e
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.journal import replay
from tests.attacker import plain
from tests.test_emergency import begin
from tests.test_temporary import made
from tests.ward import Ward

MINUTE_S, HOUR_S = 60, 3600
BOOT_MS = 20_000  # from power to the controller's start


def power_cut(ward: Ward) -> None:
    """Off and on, the clock set back to the newest entry's time."""
    ward.now_ms = BOOT_MS
    ward.wall_ms = ward.state.last_wall_ms - ward.now_ms
    ward.restart()


def set_back(ward: Ward) -> None:
    """The clock alone, to the newest entry's time."""
    ward.wall_ms = ward.state.last_wall_ms - ward.now_ms


def lasted_s(
    ward: Ward, on: Callable[[], bool], trick: Callable[[Ward], None], every_s: int, step_s: int
) -> int:
    """For how long the cabinet is on before `on` is over, with a trick every so often."""
    total_s = 0
    while on():
        assert total_s < 80 * HOUR_S, "it never ends"
        ward.now_ms += step_s * 1000
        ward.do(e.Tick())
        total_s += step_s
        if total_s % every_s == 0:
            trick(ward)
    return total_s


def configured(ward: Ward) -> None:
    """Off and on with a changed cabinet.toml, of which an entry comes before that of the start."""
    alert_s = 61 if ward.plan.timings.drawer_alert_s != 61 else 62
    timings = msgspec.structs.replace(ward.plan.timings, drawer_alert_s=alert_s)
    ward.plan = msgspec.structs.replace(ward.plan, timings=timings)
    power_cut(ward)


TRICKS = pytest.mark.parametrize("trick", [power_cut, set_back, configured])


@TRICKS
@pytest.mark.parametrize("every_s", [50, 10 * MINUTE_S, 55 * MINUTE_S])
@pytest.mark.parametrize(
    ("kind", "most_s"), [("break_glass", HOUR_S), ("critical_override", 4 * HOUR_S)]
)
def test_attack_no_clock_and_no_power_cut_lengthens(
    kind: str, most_s: int, every_s: int, trick: Callable[[Ward], None]
) -> None:
    ward = Ward()
    first, second = ("N1", "N2") if kind == "break_glass" else ("P1", "C1")
    begin(ward, kind, first, second)

    def on() -> bool:
        moment = (ward.wall_ms + ward.now_ms, ward.now_ms)
        return emergency.of(ward.state, ward.ref("N1"), *moment) is not None

    assert lasted_s(ward, on, trick, every_s, 10) <= most_s
    assert plain(replay(ward.sink)) == plain(ward.state)


@TRICKS
@pytest.mark.parametrize("every_s", [9 * MINUTE_S, HOUR_S, 11 * HOUR_S])
def test_attack_no_clock_and_no_power_cut_lengthens_a_temporary_users_hours(
    every_s: int, trick: Callable[[Ward], None]
) -> None:
    ward = Ward()
    ward.sign_in("C1")
    ward.press("menu")
    ward.press("emergency")
    made(ward)
    ref = ward.ref("X7")

    def on() -> bool:
        wall_ms = ward.wall_ms + ward.now_ms
        return not rights.refusal(ward.state, ref, Act.REMOVE, wall_ms)

    assert lasted_s(ward, on, trick, every_s, MINUTE_S) <= 12 * HOUR_S
    assert ward.records(st.TemporaryOver) == [st.TemporaryOver(ref)]
    assert plain(replay(ward.sink)) == plain(ward.state)


def test_a_restart_costs_break_glass_a_minute_at_most() -> None:
    ward = Ward()
    begin(ward, "break_glass", "N1", "N2")
    ward.wait(600)
    ward.restart()
    ward.wait(HOUR_S - 600 - MINUTE_S - 1)
    assert not ward.records(r.EmergencyEnded)
    ward.wait(MINUTE_S + 1)
    assert ward.records(r.EmergencyEnded)


def test_where_nothing_ends_by_itself_time_adds_no_entry() -> None:
    ward = Ward()
    size = ward.sink.size
    ward.wait(HOUR_S)
    assert ward.sink.size == size
    begin(ward, "break_glass", "N1", "N2")
    ward.wait(10 * MINUTE_S)
    assert 8 <= len(ward.records(r.TimePassed)) <= 10
    ward.wait(HOUR_S)
    assert len(ward.records(r.TimePassed)) < 61, "and none after its end"


def test_a_clock_that_was_far_ahead_for_a_moment_stops_nobody_from_breaking_glass() -> None:
    ward = Ward()
    ward.wall_ms += 365 * 24 * HOUR_S * 1000
    ward.sign_in("N1")
    ward.press("sign_out")
    ward.wall_ms -= 365 * 24 * HOUR_S * 1000
    begin(ward, "break_glass", "N1", "N2")
    moment = (ward.wall_ms + ward.now_ms, ward.now_ms)
    assert emergency.of(ward.state, ward.ref("N1"), *moment) is not None


def test_attack_twelve_hours_are_twelve_hours_for_a_session_whatever_the_clock_says() -> None:
    ward = Ward()
    ward.sign_in("N1")

    def on() -> bool:
        ward.press("stay")
        return ward.screen().name != "locked" and ward.state.session is not None

    assert lasted_s(ward, on, set_back, 10 * MINUTE_S, 30) == 12 * HOUR_S
