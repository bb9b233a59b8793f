"""A PIN that is older than the site allows stays so, whatever the clock says."""

from msgspec.structs import replace

from cabinet import events as e
from tests.ward import PLAN, Ward

DAY_MS = 86_400_000


def test_old_pin_is_not_good_again_when_the_clock_is_set_back() -> None:
    ward = Ward(replace(PLAN, rules=replace(PLAN.rules, pin_days=1)), stocked=False)
    ward.wall_ms += 3 * DAY_MS
    ward.do(e.Tick())  # the step of the clock is a record
    ward.wall_ms -= 3 * DAY_MS
    ward.prove("N3")
    assert ward.state.session is None
