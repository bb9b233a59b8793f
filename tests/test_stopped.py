"""Whoever was suspended, left or expired while signed in: nothing more opens, and they are out.

Each attack is a test named after it; the rules are asked through the real engine.
"""

from collections.abc import Callable

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.wording import REASONS
from tests.test_rights import HOUR_MS, at_the_order, listed, now_ms, pulses, refused
from tests.ward import Ward, badge


@pytest.fixture
def ward() -> Ward:
    return Ward()


# --- stopped since sign-in ------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_suspended_between_press_and_pulse_no_lock_is_energised(ward: Ward, status: str) -> None:
    """The list is taken while the press is on its way: it comes second, and opens nothing."""
    at_the_order(ward)
    listed(ward, "N1", status=status)
    outcome = ward.press("open")
    assert outcome.refusal == REASONS["rights_withdrawn"]
    assert not pulses(ward)
    said = refused(ward)
    assert (said.act, said.why, said.order, said.medicine) == (
        *("remove", "rights_withdrawn"),
        *("O1", "OXY5"),
    )
    assert ward.state.session is None
    assert ward.records()[-1].why == "rights_withdrawn"
    assert ward.screen().name == "rest"


def test_suspended_between_pulse_and_pull_the_drawer_may_not_be_opened_any_more(
    ward: Ward,
) -> None:
    at_the_order(ward)
    ward.press("open")
    assert len(pulses(ward)) == 1
    listed(ward, "N1", status="suspended")
    ward.wait(1)
    assert isinstance(ward.records()[-2], r.CancelledBeforeOpen)
    assert ward.state.session is None
    ward.pull("D1")
    assert isinstance(ward.records()[-1], r.DrawerForced), "an alarm, and a count"
    assert ward.state.pockets["P1"].count_due


def test_suspended_with_the_drawer_open_it_is_counted_and_shut_then_they_are_signed_out(
    ward: Ward,
) -> None:
    at_the_order(ward)
    ward.press("open")
    ward.pull("D1")
    listed(ward, "N1", status="suspended")
    ward.wait(1)
    assert ward.state.session is not None
    ward.press("count", "20")
    ward.push("D1")
    assert isinstance(ward.records()[-1], r.RemovalTaken), "what was taken is on record"
    ward.wait(1)
    assert ward.state.session is None
    assert ward.screen().name == "rest"


def test_suspended_behind_a_shut_drawer_that_was_not_counted_the_count_is_owed(ward: Ward) -> None:
    at_the_order(ward)
    ward.press("open")
    ward.pull("D1")
    ward.push("D1")
    listed(ward, "N1", status="suspended")
    ward.wait(1)
    assert ward.state.session is None
    assert ward.state.pockets["P1"].count_due


def at_everybody(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.press("everyone")


def at_a_removal(ward: Ward) -> None:
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    ward.press("removals")
    ward.press(f"removal:{removal}")


@pytest.mark.parametrize("arrive", [at_everybody, at_the_order, at_a_removal])
def test_whoever_is_suspended_does_nothing_and_sees_nothing_more_at_the_next_press(
    arrive: Callable[[Ward], None],
) -> None:
    seen = Ward()
    arrive(seen)
    listed(seen, "N1", status="suspended")
    for button in screens.buttons(seen.screen()):
        ward = Ward()
        arrive(ward)
        listed(ward, "N1", status="suspended")
        size = len(ward.records())
        ward.commands.clear()
        ward.press(button, "1")
        new = [type(it) for it in ward.records()[size:]]
        assert new == ([r.SignedOut] if button == "sign_out" else [r.Refused, r.SignedOut]), button
        assert not ward.commands and ward.engine.place.page == "home"
        assert ward.screen().name == "rest"
        assert "FRANKLIN" not in repr(ward.screen())


def test_whoever_is_suspended_and_idle_is_signed_out_once(ward: Ward) -> None:
    ward.sign_in("N1")
    listed(ward, "N1", status="suspended")
    ward.now_ms += ward.plan.timings.session_most_h * HOUR_MS
    ward.do(e.Tick())
    assert [it.why for it in ward.records(r.SignedOut)[-1:]] == ["rights_withdrawn"]
    assert len(ward.records(r.SignedOut)) == len(ward.records(r.SignedIn))


def test_a_proof_that_is_going_on_ends_before_a_session_of_somebody_suspended(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.do(e.BadgeSeen(badge("N2")))
    listed(ward, "N1", status="suspended")
    ward.wait(1)
    request = ward.command(e.VerifyFinger).request
    ward.do(e.FingerSeen(request, "matched", ward.state.people[ward.ref("N2")].slots[0]))
    assert ward.state.session is not None and ward.state.session.person == ward.ref("N2")
    assert ward.records(r.SignedOut)[-1].why == "another_person"


def test_without_a_press_whoever_is_suspended_is_signed_out_within_a_tick(ward: Ward) -> None:
    at_the_order(ward)
    listed(ward, "N1", status="suspended")
    ward.wait(1)
    assert ward.records(r.SignedOut)[-1].why == "rights_withdrawn"
    assert ward.screen().name == "rest"


def test_a_waste_whose_person_is_suspended_is_called_off_and_they_are_signed_out(
    ward: Ward,
) -> None:
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    for button in ("removals", f"removal:{removal}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    listed(ward, "N1", status="suspended")
    ward.wait(1)
    assert ward.records(r.WitnessDismissed)[-1].why == "rights_withdrawn"
    assert ward.state.session is None
    ward.prove("N2")
    assert not ward.records(r.Wasted)


def test_somebody_suspended_looks_to_others_like_a_wrong_finger(ward: Ward) -> None:
    listed(ward, "N1", status="suspended")
    ward.prove("N1")
    suspended = repr(ward.screen())
    other = Ward()
    other.do(e.BadgeSeen(badge("N1")))
    other.do(e.FingerSeen(other.command(e.VerifyFinger).request, "no_match", None))
    assert repr(other.screen()) == suspended


# --- expiry ---------------------------------------------------------------------------------------


def test_expiry_in_mid_session_stops_the_next_act_and_ends_the_session(ward: Ward) -> None:
    listed(ward, "N1", expires_ms=now_ms(ward) + HOUR_MS)
    at_the_order(ward)
    ward.now_ms += HOUR_MS
    ward.press("open")
    assert not pulses(ward)
    assert refused(ward).why == "rights_expired"
    assert ward.state.session is None
    assert "Your access has ended" in repr(ward.screen().blocks[0])


def test_access_ends_at_its_millisecond_and_not_before(ward: Ward) -> None:
    listed(ward, "N1", expires_ms=now_ms(ward) + HOUR_MS)
    at_the_order(ward)
    ward.now_ms += HOUR_MS - 1
    ward.press("open")
    assert len(pulses(ward)) == 1


def test_whoever_has_expired_does_not_sign_in(ward: Ward) -> None:
    listed(ward, "N1", expires_ms=now_ms(ward) + 1)
    ward.now_ms += 1
    ward.prove("N1")
    assert ward.state.session is None
    assert ward.records(r.FactorRefused)[-1].why == "not_active"


def test_a_clock_that_is_set_back_makes_nobody_good_again(ward: Ward) -> None:
    listed(ward, "N1", expires_ms=now_ms(ward) + HOUR_MS)
    ward.now_ms += 2 * HOUR_MS
    ward.do(e.Space(15))  # an entry at that time
    ward.wall_ms -= 3 * HOUR_MS
    ward.prove("N1")
    assert ward.state.session is None
    ward.restart()
    ward.prove("N1")
    assert ward.state.session is None


def test_a_witness_who_has_expired_does_not_witness(ward: Ward) -> None:
    listed(ward, "N2", expires_ms=now_ms(ward) + 1)
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    for button in ("removals", f"removal:{removal}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    ward.now_ms += 1
    ward.prove("N2")
    assert not ward.records(r.Wasted)
    assert refused(ward).why == "witness_not_allowed"
