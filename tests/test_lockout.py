"""What wrong tries leave, by counts and times alone: who waits, what is off, what is forgiven."""

import pytest

from auth.lockout import Limits, Standing, Tries, crowd_wait_s, standing

LIMITS = Limits(delay_from_try=5, delay_s=30, lock_at_try=10, finger_off_at_try=50)
FINGER, PIN = ("badge", "finger"), ("badge", "pin")


@pytest.mark.parametrize(
    ("factors", "before", "after"),
    [
        (FINGER, Tries(49, 9, 7, 9), Tries(0, 0, 7, 0)),  # a finger forgives the slips of a PIN,
        (FINGER, Tries(49, 10, 7), Tries(0, 10, 7)),  # and unlocks none
        (PIN, Tries(49, 9, 7, 9), Tries(49, 0, 7, 0)),
        (PIN, Tries(50, 9, 7, 10), Tries(50, 0, 7, 10)),
        ((*FINGER, "totp"), Tries(0, 0, 7, 9), Tries(0, 0, 7, 0)),
        ((*FINGER, "totp"), Tries(0, 0, 7, 10), Tries(0, 0, 7, 10)),
    ],
)
def test_a_right_factor_forgives_its_own_slips_and_brings_none_back_that_is_off(
    factors: tuple[str, ...], before: Tries, after: Tries
) -> None:
    assert before.right(factors, LIMITS) == after


@pytest.mark.parametrize(
    ("tries", "later_ms", "stands"),
    [
        (Tries(4, 0, 1000), 0, Standing(False, 0)),
        (Tries(5, 0, 1000), 0, Standing(False, 30)),
        (Tries(2, 2, 1000, 1), 0, Standing(False, 30)),
        (Tries(2, 2, 1000), 0, Standing(False, 0)),
        (Tries(5, 0, 1000), 29_999, Standing(False, 1)),
        (Tries(5, 0, 1000), 29_000, Standing(False, 1)),
        (Tries(5, 0, 1000), 28_999, Standing(False, 2)),
        (Tries(5, 0, 1000), 30_000, Standing(False, 0)),
        (Tries(49, 9, 1000), 0, Standing(False, 30)),
        (Tries(50, 4, 1000), 0, Standing(False, 0, finger_off=True)),
        (Tries(50, 5, 1000), 0, Standing(False, 30, finger_off=True)),
        (Tries(0, 10, 1000), 0, Standing(False, 30, pin_off=True)),
        (Tries(50, 10, 1000), 0, Standing(True, 0, finger_off=True, pin_off=True)),
        (Tries(0, 0, 1000, 9), 0, Standing(False, 30)),
        (Tries(0, 0, 1000, 10), 10**9, Standing(True, 0)),
    ],
)
def test_where_somebody_stands_after_so_many_wrong_tries(
    tries: Tries, later_ms: int, stands: Standing
) -> None:
    assert standing(tries, 1000 + later_ms, LIMITS) == stands


@pytest.mark.parametrize(
    ("recent_ms", "now_ms", "wait_s"),
    [
        ((0, 0), 0, 0),
        ((0, 0, 595_000), 599_999, 6),
        ((0, 0, 595_000), 600_000, 0),
        ((0, 1, 595_000), 600_000, 0),
        ((0, 1, 2, 595_000), 600_000, 5),
        ((0, 1, 2), 10_001, 1),
        ((0, 1, 2), 10_002, 0),
    ],
)
def test_how_long_everybody_waits_where_a_whole_cabinet_was_guessed_at(
    recent_ms: tuple[int, ...], now_ms: int, wait_s: int
) -> None:
    assert crowd_wait_s(recent_ms, now_ms, most=3, window_s=600) == wait_s


@pytest.mark.parametrize("count", [0, 4, 5, 9, 10, 11])
@pytest.mark.parametrize("now_ms", [-(10**12), 0, 999, 29_999, 30_000, 10**12])
def test_no_wait_is_longer_than_one_delay(count: int, now_ms: int) -> None:
    stand = standing(Tries(0, count, 0), now_ms, LIMITS)
    assert stand.pin_off is (count >= 10) and not stand.locked
    assert 0 <= stand.wait_s <= 30
