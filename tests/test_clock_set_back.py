"""A clock that is set back or ahead, and power that is cut: nothing lasts longer for it.

Nor does anything begin earlier by what was once recorded, or stay over for ever.
"""

import dataclasses
from collections.abc import Callable

import msgspec
import pytest

from auth import totp
from auth.policy import Act
from cabinet import authenticator, emergency, rights, screens
from cabinet import events as e
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.journal import replay
from tests.app import step as totp_step
from tests.attacker import order, plain
from tests.test_authenticator import PEPPER, Office
from tests.test_emergency import alarms, begin
from tests.test_enrolment import enter, issued, pins
from tests.test_recover_access import enrol, recovered
from tests.test_temporary import made
from tests.ward import NOON_MS, PLAN, Ward, badge

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


# --- orders and stock -----------------------------------------------------------------------------

YEAR_S = 365 * 24 * HOUR_S
BACK = pytest.mark.parametrize("trick", [power_cut, set_back])


def later(ward: Ward, seconds: float) -> None:
    """So long after, with an entry: somebody signs in and out."""
    ward.now_ms += int(seconds * 1000)
    ward.sign_in("N1")
    ward.press("sign_out")


def back(ward: Ward, trick: Callable[[Ward], None]) -> None:
    """The clock to noon of the first day, an hour before the order's end, by hand or by a start."""
    trick(ward)
    ward.wall_ms = NOON_MS + HOUR_S * 1000 - ward.now_ms


@BACK
def test_attack_an_order_that_has_ended_is_not_alive_with_the_clock_set_back(
    trick: Callable[[Ward], None],
) -> None:
    ward = Ward()
    ward.do(order("O1", "1001", "OXY5", 2, NOON_MS + 2 * HOUR_S * 1000))
    later(ward, 2 * HOUR_S)
    back(ward, trick)
    ward.sign_in("N1")
    ward.press(f"patient:{ward.state.orders['O1'].listed.patient}")
    assert "order:O1" not in buttons(ward)
    assert "order:O2" in buttons(ward), "and no other has ended"


def buttons(ward: Ward) -> tuple[str, ...]:
    return tuple(screens.buttons(ward.screen()))


def test_attack_an_order_whose_screen_is_open_ends_at_the_clock_that_was_set_back() -> None:
    ward = Ward()
    ward.do(order("O1", "1001", "OXY5", 2, NOON_MS + 2 * HOUR_S * 1000))
    later(ward, 2 * HOUR_S - 10)
    ward.sign_in("N1")
    ward.choose("O1")
    ward.now_ms += 11_000
    ward.do(e.DeviceChanged("badge", "unplugged"))
    set_back(ward)
    ward.wall_ms -= MINUTE_S * 1000
    ward.press("open")
    assert ward.records(r.Refused)[-1].why == "no_active_order"
    assert not ward.records(r.AccessStarted)[-1].order


@BACK
def test_attack_expired_stock_is_not_offered_with_the_clock_set_back(
    trick: Callable[[Ward], None],
) -> None:
    ward = Ward()  # all is good to the end of 2031
    assert removed(ward, "O1") == ""
    ward = Ward()
    later(ward, 6 * YEAR_S)
    back(ward, trick)
    assert removed(ward, "O1") == "not opened"
    assert ward.screen().name == "orders", "its row cannot be pressed"


def test_attack_stock_that_expires_under_an_open_screen_stays_so_with_the_clock_set_back() -> None:
    ward = Ward()
    later(ward, 1)
    ward.sign_in("N1")
    ward.choose("O1")
    ward.wall_ms += 6 * YEAR_S * 1000
    ward.do(e.DeviceChanged("badge", "unplugged"))
    ward.wall_ms -= 6 * YEAR_S * 1000
    ward.press("open")
    assert ward.records(r.Refused)[-1].why == "expired"


@BACK
def test_attack_expired_stock_is_not_loaded_with_the_clock_set_back(
    trick: Callable[[Ward], None],
) -> None:
    ward = Ward(stocked=False)
    later(ward, 12 * YEAR_S)
    back(ward, trick)
    ward.sign_in("T1")
    ward.press("load_list")
    ward.press("load:P1")
    ward.press("expiry", "122031")
    ward.press("load_quantity", "5")
    ward.press("open_load")
    assert ward.records(r.Refused)[-1].why == "expired"
    assert not ward.records(r.AccessStarted)


def test_attack_a_clock_that_was_ahead_begins_no_order_once_it_is_right_again() -> None:
    ward = Ward()
    starts_ms = NOON_MS + 2 * HOUR_S * 1000
    row = order("O1", "1001", "OXY5", 2, 0).orders[0][1]
    row = dataclasses.replace(row, starts_ms=starts_ms)
    ward.do(e.Import("test", orders=(("orders.csv:2", row),)))
    ward.wall_ms += YEAR_S * 1000
    later(ward, 1)
    ward.wall_ms -= YEAR_S * 1000
    ward.sign_in("N1")
    ward.press(f"patient:{ward.state.orders['O1'].listed.patient}")
    assert "order:O1" not in buttons(ward)
    ward.press("home")
    ward.press("sign_out")
    ward.now_ms += 2 * HOUR_S * 1000
    ward.sign_in("N1")
    ward.press(f"patient:{ward.state.orders['O1'].listed.patient}")
    assert "order:O1" in buttons(ward), "it begins by the clock alone"


def ahead_for_a_moment(ward: Ward) -> None:
    """A wrong time server: twelve years ahead, and back."""
    ward.do(order("O1", "1001", "OXY5", 2, NOON_MS + 5 * HOUR_S * 1000))
    ward.wall_ms += 12 * YEAR_S * 1000
    later(ward, 1)
    ward.wall_ms -= 12 * YEAR_S * 1000


def removed(ward: Ward, order: str) -> str:
    """Why an order's drawer is not opened, "" where it is."""
    ward.sign_in("N1")
    patient = ward.state.orders[order].listed.patient
    ward.press(f"patient:{patient}")
    ward.press(f"order:{order}")
    ward.press("open")
    return "" if ward.state.access is not None else "not opened"


def test_two_people_with_the_cards_put_right_what_a_clock_ended_that_was_far_ahead() -> None:
    ward = Ward()
    ahead_for_a_moment(ward)
    for each in ("O1", "O2"):  # of one the order has ended, of the other the stock has expired
        assert removed(ward, each) == "not opened", "safe, and no use"
        ward.press("home")
        ward.press("sign_out")
    now_ms = ward.wall_ms + ward.now_ms
    persons = (ward.ref("A1"), ward.ref("P1"))
    ahead_ms = ward.state.last_wall_ms - now_ms
    assert not ward.do(e.PutClockRight("INC-9", persons, ahead_ms, "note")).refusal
    assert ward.records(st.ClockPutRight)[-1].ahead_ms == ahead_ms
    assert plain(replay(ward.sink)) == plain(ward.state)
    assert removed(ward, "O1") == ""


@pytest.mark.parametrize(
    ("pair", "more_ms"),
    [(("A1", "A1"), 0), (("A1", "N1"), 0), (("C1", "P1"), 0), (("A1", "P1"), 1)],
)
def test_attack_the_clock_is_not_attested_by(pair: tuple[str, str], more_ms: int) -> None:
    ward = Ward()
    ahead_for_a_moment(ward)
    persons = (ward.ref(pair[0]), ward.ref(pair[1]))
    ahead_ms = ward.state.last_wall_ms - ward.wall_ms - ward.now_ms + more_ms
    assert ward.do(e.PutClockRight("INC-9", persons, ahead_ms, "note")).refusal
    assert not ward.records(st.ClockPutRight)


def test_where_no_entry_is_ahead_there_is_nothing_to_attest() -> None:
    ward = Ward()
    later(ward, 1)
    persons = (ward.ref("A1"), ward.ref("P1"))
    assert ward.do(e.PutClockRight("INC-9", persons, 0, "note")).refusal


def test_a_clock_behind_the_record_is_said_on_every_screen_until_it_is_put_right() -> None:
    ward = Ward()
    ahead_for_a_moment(ward)
    words = "The clock is behind the record"
    assert words in alarms(ward)
    ward.sign_in("N1")
    assert words in alarms(ward)
    persons = (ward.ref("A1"), ward.ref("P1"))
    ahead_ms = ward.state.last_wall_ms - ward.wall_ms - ward.now_ms
    ward.do(e.PutClockRight("INC-9", persons, ahead_ms, "note"))
    assert words not in alarms(ward)


def put_right(ward: Ward) -> None:
    persons = (ward.ref("A1"), ward.ref("P1"))
    ahead_ms = ward.state.last_wall_ms - ward.wall_ms - ward.now_ms
    assert not ward.do(e.PutClockRight("INC-9", persons, ahead_ms, "note")).refusal
    assert plain(replay(ward.sink)) == plain(ward.state)


def test_attack_one_code_of_an_app_and_a_clock_that_was_ahead_shut_out_nobody_elses_app() -> None:
    """An insider's phone and the cabinet, both a year ahead for a moment."""
    office = Office()
    office.wall_ms += YEAR_S * 1000
    office.add_app("A1")
    used = office.code()
    office.wall_ms -= YEAR_S * 1000
    put_right(office)
    assert office.state.totp_step == totp_step(office)
    office.add_app("A2")
    office.now_ms += 60_000
    office.prove("A2")
    office.types(office.code())
    assert office.state.session is not None
    office.press("sign_out")
    office.wall_ms += YEAR_S * 1000
    office.key = totp.unseal(PEPPER, office.ref("A1"), office.state.people[office.ref("A1")].totp)
    office.prove("A1")
    office.types(used)
    assert office.state.session is None, "it is used for ever"


def test_whoever_used_their_app_by_a_clock_that_was_ahead_enrols_a_new_one() -> None:
    office = Office()
    office.wall_ms += YEAR_S * 1000
    office.add_app("A1")
    office.wall_ms -= YEAR_S * 1000
    put_right(office)
    office.do(recovered(office, "A1", "P1"))
    enrol(office, "A1", "A1 again")
    office.now_ms += 60_000
    person = office.state.people[office.ref("A1")]
    assert authenticator.spent(office.state, person) < totp_step(office)
    assert plain(replay(office.sink)) == plain(office.state)


def test_attack_a_one_time_code_of_a_clock_that_was_ahead_is_no_code_for_years() -> None:
    ward = Ward()
    ward.wall_ms += YEAR_S * 1000
    issued(ward, "X1")
    ward.wall_ms -= YEAR_S * 1000
    put_right(ward)
    hours = ward.plan.rules.code_valid_h
    later(ward, hours * HOUR_S - 60)
    enter(ward, "code")
    assert ward.state.enrolment is not None, "it is good for as long as any"
    ward.press("cancel")
    later(ward, 120)
    enter(ward, "code")
    assert ward.state.enrolment is None


def test_attack_a_temporary_user_whose_hours_are_over_is_not_back_when_the_clock_is_attested() -> (
    None
):
    ward = Ward()
    ward.wall_ms += YEAR_S * 1000
    ward.sign_in("C1")
    ward.press("menu")
    ward.press("emergency")
    made(ward)
    for _ in range(13 * 60):
        ward.now_ms += MINUTE_S * 1000
        ward.do(e.Tick())
    ref = ward.ref("X7")
    assert ward.records(st.TemporaryOver) == [st.TemporaryOver(ref)]
    ward.wall_ms -= YEAR_S * 1000
    put_right(ward)
    later(ward, 1)
    now_ms = ward.wall_ms + ward.now_ms
    assert rights.refusal(ward.state, ref, Act.REMOVE, now_ms) == "rights_expired"


def test_attack_a_pin_that_was_chosen_by_a_clock_that_was_ahead_grows_as_old_as_any() -> None:
    rules = msgspec.structs.replace(PLAN.rules, pin_days=1)
    ward = Ward(msgspec.structs.replace(PLAN, rules=rules), stocked=False)
    ward.wall_ms += YEAR_S * 1000
    issued(ward, "X1")
    enter(ward, "code")
    ward.do(e.BadgeSeen(badge("X1")))
    pins(ward)
    ward.press("without_finger")
    ward.wall_ms -= YEAR_S * 1000
    put_right(ward)
    ward.prove("X1")
    assert ward.state.session is not None
    ward.press("sign_out")
    ward.now_ms += 25 * HOUR_S * 1000
    ward.prove("X1")
    assert ward.records(r.FactorRefused)[-1].why == "pin_old"
