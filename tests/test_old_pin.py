"""A PIN that is older than the site allows stays so, whatever the clock says."""

import pytest
from msgspec.structs import replace

from cabinet import events as e
from cabinet import records as r
from tests.ward import PIN, PLAN, Ward, badge

DAY_MS = 86_400_000
PLAN_OF_A_DAY = replace(PLAN, rules=replace(PLAN.rules, pin_days=1))


@pytest.mark.parametrize(("age_ms", "old"), [(DAY_MS - 1, False), (DAY_MS, True)])
def test_a_pin_grows_old_at_the_end_of_its_last_day(age_ms: int, *, old: bool) -> None:
    ward = Ward(PLAN_OF_A_DAY, stocked=False)
    ward.wall_ms += age_ms
    ward.prove("N3")
    assert (ward.state.session is None) is old
    assert [it.why for it in ward.records(r.AttemptEnded)] == ["pin_old"] * old


@pytest.mark.parametrize(
    ("staff_id", "right", "why"),
    [("N3", True, "pin_old"), ("N3", False, "wrong_pin"), ("N1", True, "not_permitted")],
)
def test_attack_what_is_said_of_an_old_pin_is_said_to_who_may_use_it_and_knows_it(
    staff_id: str, why: str, *, right: bool
) -> None:
    """Whoever guesses, or holds the badge of somebody whose finger is asked for, learns nothing."""
    ward = Ward(PLAN_OF_A_DAY, stocked=False)
    ward.wall_ms += DAY_MS
    ward.do(e.BadgeSeen(badge(staff_id)))
    ward.press("use_pin")
    ward.press("pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, right))
    refused = ward.records(r.FactorRefused)[-1]
    assert (refused.why, refused.counts) == (why, why != "pin_old")


def test_old_pin_is_not_good_again_when_the_clock_is_set_back() -> None:
    ward = Ward(PLAN_OF_A_DAY, stocked=False)
    ward.wall_ms += 3 * DAY_MS
    ward.do(e.Tick())  # the step of the clock is a record
    ward.wall_ms -= 3 * DAY_MS
    ward.prove("N3")
    assert ward.state.session is None
