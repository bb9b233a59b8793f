"""One person at the screen: a second badge locks the first away, and nobody stays for ever."""

import msgspec
import pytest

from cabinet import events as e
from cabinet import machines, screens
from cabinet import records as r
from cabinet.journal import replay
from cabinet.messages import Live
from tests.attacker import plain, words
from tests.ward import Ward, badge

HOURS_12_MS = 12 * 3_600_000


@pytest.fixture
def ward() -> Ward:
    return Ward()


def hold(ward: Ward, staff_id: str) -> None:
    ward.do(e.BadgeSeen(badge(staff_id)))


def live(ward: Ward) -> Live:
    moment = e.Moment(ward.wall_ms + ward.now_ms, ward.now_ms, bytes(32), ward.positions)
    return screens.live(ward.state, ward.engine.place, moment)


def shown(ward: Ward) -> str:
    """Everything that can be read now."""
    told = (ward.screen(), live(ward))
    return " ".join(words(msgspec.to_builtins(told)))


def who(ward: Ward) -> str:
    """Whose session it is."""
    return ward.state.session.person if ward.state.session is not None else ""


# --- a second badge -------------------------------------------------------------------------------


def test_a_second_badge_locks_the_first_away_and_its_holder_signs_in(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O1")
    hold(ward, "N2")
    assert ward.records(r.ScreenLocked)[-1].why == "second_badge"
    assert ward.records(r.ScreenLocked)[-1].badge == badge("N2")
    assert ward.screen().name == "finger"
    slots = ward.state.people[ward.ref("N2")].slots
    ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, "matched", slots[0]))
    assert who(ward) == ward.ref("N2")
    assert ward.records(r.SignedOut)[-1].why == "another_person"
    assert ward.screen().name == "patients"
    assert ward.engine.place.parked is None


@pytest.mark.parametrize("second", ["N2", "stranger"])
@pytest.mark.parametrize("place", ["order", "removals", "drawer"])
def test_nothing_of_the_first_person_is_seen_behind_the_lock(
    ward: Ward, place: str, second: str
) -> None:
    ward.sign_in("N1")
    if place == "removals":
        ward.remove("O1", count=20)
        ward.press("removals")
    else:
        ward.choose("O1")
    if place == "drawer":
        ward.press("open")
        ward.pull("D1")
    hold(ward, second)
    while ward.screen().name != "locked":
        assert not any(it in shown(ward) for it in ("Nina", "oxyCODONE", "FRANKLIN", "Moss"))
        ward.press("cancel")
    assert not any(it in shown(ward) for it in ("Nina", "oxyCODONE", "FRANKLIN", "Moss"))
    assert screens.buttons(ward.screen()) == {}
    size = ward.sink.size
    for button in ("open", "home", "sign_out", "moved", "count", "cancel", "removals", "all"):
        assert ward.press(button, "1").refusal
    assert ward.sink.size == size


def test_the_first_person_proves_it_again_and_goes_on_where_they_were(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O1")
    before = ward.screen()
    hold(ward, "N2")
    ward.press("cancel")
    ward.prove("N1")
    assert ward.records(r.ScreenUnlocked)[-1].factors == ("badge", "finger")
    assert len(ward.records(r.SignedOut)) == len(ward.records(r.SignedIn)) - 1, "one session"
    assert ward.screen() == before


def test_an_open_drawer_keeps_its_rules_behind_the_lock(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O2")
    ward.press("open")
    ward.pull("D3")
    hold(ward, "N2")
    assert ward.screen().name == "locked", "nobody else while it is open"
    assert "Somebody else's drawer" in shown(ward)
    ward.wait(40)
    assert live(ward).alarms[0].text.startswith("Drawer 3 is still open")
    ward.push("D3")
    assert ward.screen().name == "locked"
    assert not ward.records(r.RemovalTaken), "whoever shut it: its person says what moved"
    ward.prove("N1")
    assert ward.screen().name == "confirm"
    ward.press("moved")
    (taken,) = ward.records(r.RemovalTaken)
    assert ward.state.removals[taken.removal].started.person == ward.ref("N1")


def test_an_access_behind_the_lock_whose_person_stays_away_is_counted_next(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O2")
    ward.press("open")
    ward.pull("D3")
    hold(ward, "N2")
    ward.push("D3")
    ward.wait(60)
    assert ward.records(r.SignedOut)[-1].why == "idle"
    assert ward.state.pockets["M1"].count_due and not ward.records(r.RemovalTaken)


def test_a_count_that_is_owed_is_left_when_somebody_else_takes_over(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    ward.push("D1")
    ward.prove("N2")
    assert who(ward) == ward.ref("N2")
    assert ward.state.access is None
    assert ward.state.pockets["P1"].count_due
    assert len(ward.records(r.AccessLeft)) == 1


def test_a_drawer_shut_while_its_person_proves_it_again_disturbs_nothing(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O2")
    ward.press("open")
    ward.pull("D3")
    hold(ward, "N2")
    hold(ward, "N1")
    ward.push("D3")
    assert ward.screen().name == "finger"
    slots = ward.state.people[ward.ref("N1")].slots
    ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, "matched", slots[0]))
    assert ward.screen().name == "confirm"


def test_a_locked_screen_is_signed_out_when_nobody_comes(ward: Ward) -> None:
    ward.sign_in("N1")
    hold(ward, "stranger")
    ward.wait(31)
    assert ward.screen().name == "locked"
    ward.wait(60)
    assert ward.screen().name == "rest"
    assert ward.records(r.SignedOut)[-1].why == "idle"


@pytest.mark.parametrize("button", ["no_such", "order:none", "pin", "find_people", ""])
def test_attack_presses_of_what_is_not_on_the_screen_keep_no_session_open(button: str) -> None:
    ward = Ward()
    ward.sign_in("N1")
    for _ in range(12):
        ward.wait(5)
        assert ward.press(button).refusal or ward.state.session is None
    assert ward.screen().name == "rest"
    assert ward.records(r.SignedOut)[-1].why == "idle"


def test_ones_own_badge_locks_nothing(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O1")
    size = ward.sink.size
    hold(ward, "N1")
    assert ward.sink.size == size
    assert ward.screen().name == "order"


def test_a_witness_is_asked_by_the_screen_and_locks_nobody(ward: Ward) -> None:
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    ward.press("removals")
    ward.press(f"removal:{removal}")
    ward.press("waste")
    ward.press("amount", "1")
    ward.prove("N2")
    assert not ward.records(r.ScreenLocked)
    assert who(ward) == ward.ref("N1")


def test_a_badge_that_may_not_try_now_locks_the_screen_all_the_same(ward: Ward) -> None:
    """A badge tells nobody who exists: the screen is locked for every second one."""
    hold(ward, "N2")
    for _ in range(5):
        ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, "no_match"))
    ward.prove("N1")
    hold(ward, "N2")
    assert ward.screen().name == "locked"
    assert "Wait" in shown(ward)


def test_somebody_suspended_behind_the_lock_does_not_come_back(ward: Ward) -> None:
    ward.sign_in("N1")
    hold(ward, "stranger")
    ward.press("cancel")
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", "", status="suspended")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.prove("N1")
    assert not ward.records(r.ScreenUnlocked)
    assert ward.state.screen.state == machines.UNLOCKING


# --- twelve hours ---------------------------------------------------------------------------------


def test_nobody_is_signed_in_for_longer_than_twelve_hours(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.now_ms += HOURS_12_MS - 2000
    ward.press("stay")
    ward.wait(1)
    assert who(ward)
    ward.wait(1)
    assert not who(ward)
    assert ward.records(r.SignedOut)[-1].why == "too_long"


def test_after_twelve_hours_with_a_drawer_open_its_person_proves_it_again(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O2")
    ward.press("open")
    ward.pull("D3")
    ward.now_ms += HOURS_12_MS
    ward.wait(2)
    assert ward.screen().name == "locked"
    ward.prove("N1")
    assert ward.state.screen.state == machines.ACCESS
    ward.wait(5)
    assert ward.state.screen.state == machines.ACCESS, "the time begins again with the proof"


def test_locked_and_unlocked_screens_are_what_the_ledger_says(ward: Ward) -> None:
    ward.sign_in("N1")
    hold(ward, "N2")
    assert plain(replay(ward.sink)) == plain(ward.state)
    ward.press("cancel")
    ward.prove("N1")
    assert plain(replay(ward.sink)) == plain(ward.state)
    ward.restart()
    assert ward.screen().name == "rest"


def test_a_witness_who_comes_too_late_signs_in_nowhere_and_locks_nobody(ward: Ward) -> None:
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    ward.press("removals")
    ward.press(f"removal:{removal}")
    ward.press("waste")
    ward.press("amount", "1")
    ward.wait(61)
    hold(ward, "N2")
    assert ward.state.attempt is None and not ward.records(r.ScreenLocked)
    assert "No witness is asked for any more" in shown(ward)
    ward.wait(31)
    hold(ward, "N2")
    assert ward.records(r.ScreenLocked), "after a while it is a second badge like any other"
