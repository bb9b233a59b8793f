"""Signing in: two factors, the recorded fallback, wrong tries, and what an attacker learns."""

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from cabinet.signin import PIN_LOCKED, PIN_NOT_ACCEPTED, WRONG
from tests.ward import PIN, SENSOR, Ward, badge


@pytest.fixture
def ward() -> Ward:
    return Ward()


def hold(ward: Ward, staff_id: str) -> None:
    ward.do(e.BadgeSeen(badge(staff_id)))


def finger(ward: Ward, outcome: str = "no_match", slot: int | None = None) -> None:
    ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, outcome, slot))


def pin(ward: Ward, *, right: bool) -> None:
    ward.press("pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, right))


def slots(ward: Ward, staff_id: str) -> tuple[int, ...]:
    return ward.state.people[ward.ref(staff_id)].slots


def said(ward: Ward) -> str:
    return repr([getattr(block, "text", "") for block in ward.screen().blocks])


def suspend(ward: Ward, staff_id: str, role: str = "nurse") -> None:
    row = e.PersonRow(staff_id, "Somebody", "Else", role, "", status="suspended")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal


# --- the two factors ------------------------------------------------------------------------------


def test_a_badge_and_the_finger_of_its_holder_sign_in(ward: Ward) -> None:
    hold(ward, "N1")
    assert ward.screen().name == "finger"
    assert ward.command(e.VerifyFinger).slots == slots(ward, "N1"), "1:1, their own slots alone"
    finger(ward, "matched", slots(ward, "N1")[0])
    signed = ward.records(r.SignedIn)[-1]
    assert (signed.person, signed.factors, signed.fallback) == (
        ward.ref("N1"),
        ("badge", "finger"),
        "",
    )


def test_a_badge_alone_signs_nobody_in(ward: Ward) -> None:
    hold(ward, "N1")
    assert ward.state.session is None
    ward.wait(31)
    assert ward.records(r.AttemptEnded)[-1].why == "timed_out"
    assert ward.screen().name == "rest"


def test_somebody_elses_finger_is_never_believed(ward: Ward) -> None:
    hold(ward, "N1")
    finger(ward, "matched", slots(ward, "N2")[0])
    assert ward.state.session is None
    assert ward.records(r.FactorRefused)[-1].counts


def test_a_match_for_a_badge_that_nobody_has_is_never_believed(ward: Ward) -> None:
    hold(ward, "stranger")
    finger(ward, "matched", ward.command(e.VerifyFinger).slots[0])
    assert ward.state.session is None


def test_an_answer_to_an_older_request_is_not_believed(ward: Ward) -> None:
    hold(ward, "N1")
    old = ward.command(e.VerifyFinger).request
    ward.press("cancel")
    hold(ward, "N1")
    ward.do(e.FingerSeen(old, "matched", slots(ward, "N1")[0]))
    assert ward.state.session is None


def test_a_right_pin_that_comes_after_the_attempt_ended_signs_nobody_in(ward: Ward) -> None:
    hold(ward, "N3")
    ward.press("use_pin")
    ward.press("pin", PIN)
    ward.wait(31)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
    assert ward.state.session is None


def test_what_became_of_a_try_is_said_on_the_screen(ward: Ward) -> None:
    hold(ward, "N1")
    finger(ward)
    assert "Not recognised" in said(ward)
    ward.press("use_pin")
    pin(ward, right=False)
    assert PIN_NOT_ACCEPTED in said(ward)


def test_a_second_badge_during_an_attempt_changes_nothing(ward: Ward) -> None:
    hold(ward, "N1")
    size = ward.sink.size
    hold(ward, "N2")
    assert ward.sink.size == size
    assert "One badge at a time" in said(ward)
    finger(ward, "matched", slots(ward, "N1")[0])
    assert ward.state.session is not None
    assert ward.state.session.person == ward.ref("N1")


# --- the fallback ---------------------------------------------------------------------------------


def test_a_pin_stands_in_where_no_finger_is_enrolled_and_the_record_says_so(ward: Ward) -> None:
    hold(ward, "N3")
    ward.press("use_pin")
    pin(ward, right=True)
    signed = ward.records(r.SignedIn)[-1]
    assert (signed.factors, signed.fallback) == (("badge", "pin"), "not_enrolled")


def test_a_pin_stands_in_while_the_sensor_is_down_and_the_record_says_so(ward: Ward) -> None:
    ward.do(e.DeviceChanged("fingerprint", "unplugged"))
    hold(ward, "N1")
    assert ward.screen().name == "pin"
    assert "sensor is down" in said(ward)
    pin(ward, right=True)
    assert ward.records(r.SignedIn)[-1].fallback == "sensor_down"


def test_a_wrong_pin_while_the_sensor_is_down_does_not_say_that_none_would_do(ward: Ward) -> None:
    ward.do(e.DeviceChanged("fingerprint", "unplugged"))
    for given in (badge("N1"), badge("N3"), "nobody's"):
        ward.do(e.BadgeSeen(given))
        pin(ward, right=False)
        assert WRONG in said(ward)
        assert PIN_NOT_ACCEPTED not in said(ward)
        ward.press("cancel")


def test_a_sensor_that_fails_during_the_attempt_leads_to_the_pin(ward: Ward) -> None:
    hold(ward, "N1")
    ward.do(e.DeviceChanged("fingerprint", "unplugged"))
    assert ward.screen().name == "pin"
    pin(ward, right=True)
    assert ward.records(r.SignedIn)[-1].fallback == "sensor_down"


def test_another_sensor_without_templates_locks_nobody_out(ward: Ward) -> None:
    """The sensor answers, but has none of the person's slots: the PIN stands in, this time."""
    hold(ward, "N1")
    finger(ward, "fault")
    assert ward.records(r.FactorRefused)[-1].why == "sensor_fault"
    assert not ward.records(r.FactorRefused)[-1].counts
    pin(ward, right=True)
    assert ward.records(r.SignedIn)[-1].fallback == "sensor_fault"
    ward.press("sign_out")
    hold(ward, "N1")
    ward.press("use_pin")
    pin(ward, right=True)
    assert ward.state.session is None, "the next attempt begins at the finger again"


def test_a_right_pin_is_not_accepted_where_a_finger_is_enrolled_and_reads(ward: Ward) -> None:
    hold(ward, "N1")
    ward.press("use_pin")
    pin(ward, right=True)
    assert ward.state.session is None
    refused = ward.records(r.FactorRefused)[-1]
    assert (refused.why, refused.counts) == ("not_permitted", True)


@pytest.mark.parametrize(
    "typed", ["", "1234567", "  7391026 ", "7391026\n", "\u202e" * 8, "x" * 65]
)
def test_what_is_no_pin_and_no_passphrase_is_not_hashed_and_no_wrong_try(
    ward: Ward, typed: str
) -> None:
    hold(ward, "N3")
    ward.press("use_pin")
    ward.commands.clear()
    assert ward.press("pin", typed).refusal
    assert not ward.commands
    assert not ward.records(r.FactorRefused)


# --- wrong tries ----------------------------------------------------------------------------------

BADGES = ("N1", "N3", "stranger")  # with a finger, without one, nobody's


def wrong_tries(ward: Ward, staff_id: str, times: int) -> None:
    """So many missed fingers as fast as they are allowed."""
    done = 0
    while done < times:
        if ward.screen().name != "finger":
            hold(ward, staff_id)
        if ward.screen().name != "finger":
            ward.wait(1)
            continue
        finger(ward)
        done += 1


def lock_out(ward: Ward, staff_id: str) -> None:
    """Ten wrong PINs as fast as they are allowed."""
    for _ in range(10):
        while ward.screen().name not in ("finger", "pin"):
            hold(ward, staff_id)
            if ward.screen().name not in ("finger", "pin"):
                ward.wait(1)
        if ward.screen().name == "finger":
            ward.press("use_pin")
        pin(ward, right=False)


@pytest.mark.parametrize("staff_id", BADGES)
def test_from_the_fifth_wrong_try_on_each_waits_30_seconds(ward: Ward, staff_id: str) -> None:
    wrong_tries(ward, staff_id, 4)
    assert ward.screen().name == "finger"
    finger(ward)
    assert ward.screen().name == "rest"
    assert "Wait 30 s" in said(ward)
    for _ in range(4):
        ward.wait(29)
        hold(ward, staff_id)
        assert ward.screen().name == "rest"
        assert ward.records(r.FactorRefused)[-1].why == "too_soon"
        ward.wait(1)
        hold(ward, staff_id)
        finger(ward)
        assert ward.screen().name == "rest"


def is_off(ward: Ward, staff_id: str) -> bool:
    """Whether no PIN of theirs is taken, with the finger sensor and without."""
    hold(ward, staff_id)
    asked = ward.screen().name == "finger" and "use_pin" not in screens.buttons(ward.screen())
    ward.press("cancel")
    ward.do(e.DeviceChanged("fingerprint", "unplugged"))
    hold(ward, staff_id)
    said_so = ward.records(r.FactorRefused)[-1].why == "locked" and "Locked" in said(ward)
    ward.do(e.DeviceChanged("fingerprint", "", SENSOR))
    return asked and said_so and ward.screen().name == "rest"


@pytest.mark.parametrize("staff_id", BADGES)
def test_the_tenth_wrong_pin_locks_the_pin(ward: Ward, staff_id: str) -> None:
    lock_out(ward, staff_id)
    assert PIN_LOCKED in said(ward)
    ward.wait(86_400)
    assert is_off(ward, staff_id)
    assert sum(1 for it in ward.records(r.FactorRefused) if it.counts) == 10


def test_attack_a_thief_of_a_badge_locks_its_pin_and_its_owner_goes_on_by_finger(
    ward: Ward,
) -> None:
    lock_out(ward, "P1")
    ward.wait(30)
    ward.sign_in("P1")
    ward.press("sign_out")
    assert is_off(ward, "P1"), "the owner's finger unlocks no PIN for the thief"


def test_attack_a_sensor_that_cannot_tell_brings_no_locked_pin_back(ward: Ward) -> None:
    lock_out(ward, "N1")
    ward.wait(30)
    hold(ward, "N1")
    finger(ward, "fault")
    assert ward.screen().name == "rest" and "Locked" in said(ward)


def test_attack_fifty_misses_and_ten_wrong_pins_lock_all_there_is(ward: Ward) -> None:
    lock_out(ward, "N1")
    ward.wait(30)
    wrong_tries(ward, "N1", 50)
    ward.wait(86_400)
    hold(ward, "N1")
    assert ward.screen().name == "rest"
    assert ward.records(r.FactorRefused)[-1].why == "locked"


def test_attack_a_pharmacist_releases_no_lock_of_their_own(ward: Ward) -> None:
    lock_out(ward, "P1")
    ward.wait(30)
    ward.sign_in("P1")
    ward.press("menu")
    ward.press("locked")
    assert ward.press(f"release:{ward.ref('P1')}").refusal
    assert ward.records(r.Refused)[-1].why == "own_lock"
    assert not ward.records(r.LockReleased)


def test_fingers_and_pins_are_counted_together(ward: Ward) -> None:
    hold(ward, "N1")
    finger(ward)
    finger(ward)
    ward.press("use_pin")
    pin(ward, right=False)
    pin(ward, right=False)
    pin(ward, right=False)
    assert ward.screen().name == "rest"
    assert "Wait 30 s" in said(ward)


def test_only_a_pharmacist_releases_and_it_is_recorded(ward: Ward) -> None:
    lock_out(ward, "N1")
    ward.sign_in("N2")
    assert ward.press("locked").refusal, "a nurse has no such button"
    ward.press("sign_out")
    ward.sign_in("P1")
    ward.press("menu")
    ward.press("locked")
    ward.press(f"release:{ward.ref('N1')}")
    assert ward.records(r.LockReleased) == [
        r.LockReleased(badge("N1"), ward.ref("N1"), ward.ref("P1"))
    ]
    ward.press("menu")
    ward.press("sign_out")
    ward.sign_in("N1")


def test_a_locked_badge_that_nobody_has_is_on_nobodys_list(ward: Ward) -> None:
    lock_out(ward, "stranger")
    ward.sign_in("P1")
    ward.press("menu")
    ward.press("locked")
    assert not [it for it in screens.buttons(ward.screen()) if it.startswith("release:")]


def test_an_unclear_picture_is_no_wrong_try_and_waits_no_longer_for_it(ward: Ward) -> None:
    hold(ward, "N1")
    for _ in range(12):
        ward.wait(2)
        finger(ward, "unclear")
    assert not ward.records(r.FactorRefused)
    ward.wait(7)
    assert ward.records(r.AttemptEnded)[-1].why == "timed_out"


@pytest.mark.parametrize(("words", "shown"), [("", "flat in the middle"), ("Too dry.", "Too dry.")])
def test_after_an_unclear_picture_the_finger_is_asked_for_again(
    ward: Ward, words: str, shown: str
) -> None:
    hold(ward, "N1")
    first = ward.command(e.VerifyFinger).request
    ward.do(e.FingerSeen(first, "unclear", words=words))
    assert ward.command(e.VerifyFinger).request != first
    assert shown in said(ward)
    finger(ward, "matched", slots(ward, "N1")[0])
    assert ward.state.session is not None


def test_a_sensor_that_saw_no_finger_in_time_ends_the_attempt(ward: Ward) -> None:
    hold(ward, "N1")
    finger(ward, "timed_out")
    assert ward.records(r.AttemptEnded)[-1].why == "timed_out"
    assert ward.screen().name == "rest" and not ward.records(r.FactorRefused)


def test_a_success_clears_the_wrong_tries(ward: Ward) -> None:
    wrong_tries(ward, "N1", 4)
    finger(ward, "matched", slots(ward, "N1")[0])
    assert badge("N1") not in ward.state.tries


def test_power_off_and_on_releases_nobody_and_shortens_no_wait(ward: Ward) -> None:
    lock_out(ward, "N1")
    wrong_tries(ward, "N2", 5)
    ward.now_ms = 0  # the monotonic clock begins again
    ward.restart()
    ward.do(e.DeviceChanged("fingerprint", "", SENSOR))
    hold(ward, "N2")
    assert ward.records(r.FactorRefused)[-1].why == "too_soon"
    ward.wait(30)
    assert is_off(ward, "N1")
    hold(ward, "N2")
    assert ward.screen().name == "finger"


@pytest.mark.parametrize("days", [-3650, -1, 1, 3650])
def test_setting_the_clock_neither_lengthens_nor_shortens_a_wait(ward: Ward, days: int) -> None:
    wrong_tries(ward, "N1", 5)
    ward.wall_ms += days * 86_400_000
    ward.wait(29)
    hold(ward, "N1")
    assert ward.screen().name == "rest"
    ward.wait(1)
    hold(ward, "N1")
    assert ward.screen().name == "finger"


def test_a_thousand_strange_badges_release_nobody(ward: Ward) -> None:
    lock_out(ward, "N1")
    for number in range(1100):
        ward.now_ms += 10_000
        hold(ward, f"stranger {number}")
        finger(ward)
        ward.press("cancel")
    assert len(ward.state.tries) <= 1001
    ward.wait(10)  # the cabinet's own, as it was guessed at
    assert is_off(ward, "N1")


def test_a_new_badge_releases_nobody(ward: Ward) -> None:
    lock_out(ward, "N1")
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", badge("N1's new one"))
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.wait(30)
    assert is_off(ward, "N1's new one")


def test_somebody_suspended_cannot_sign_in(ward: Ward) -> None:
    suspend(ward, "N1")
    hold(ward, "N1")
    finger(ward, "matched", slots(ward, "N1")[0])
    assert ward.state.session is None
    assert ward.records(r.FactorRefused)[-1].why == "not_active"


def test_the_state_after_all_this_is_what_the_ledger_says(ward: Ward) -> None:
    lock_out(ward, "N1")
    wrong_tries(ward, "stranger", 6)
    assert replay(ward.sink).tries == ward.state.tries
