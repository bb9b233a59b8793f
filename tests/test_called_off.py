"""What a test at the console waits for, how long still, and calling it off."""

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import service_records as sr
from cabinet import service_work
from tests.test_lock_test import at_work, result, witnessed
from tests.test_service_work import ask
from tests.ward import Ward, badge


@pytest.fixture
def empty() -> Ward:
    return at_work(stocked=False)


@pytest.fixture
def full() -> Ward:
    return at_work(stocked=True)


def test_a_lock_test_that_waits_for_a_pharmacist_says_how_long_and_is_called_off(
    full: Ward,
) -> None:
    ask(full, "test lock D1")
    full.wait(20)
    waits = "lock D1, waits for a pharmacist, 160 s more"
    assert service_work.under_way(full.state, full.now_ms) == waits
    for line in ("test light D1", "service end", "restart controller", "poweroff"):
        assert ask(full, line).endswith(f"{waits}. test stop calls it off.")
    assert ask(full, "test stop") == ""
    assert result(full) == ("lock", "D1", "unanswered", service_work.CALLED_OFF)
    assert service_work.under_way(full.state, full.now_ms) == ""
    full.do(e.BadgeSeen(badge("P1")))
    assert full.state.attempt is None, "nobody is waited for any more"
    assert ask(full, "service end") == ""


def test_a_lock_that_was_pulsed_is_not_called_off(full: Ward, empty: Ward) -> None:
    ask(full, "test lock D1")
    witnessed(full)
    ask(empty, "test lock D1")
    assert service_work.under_way(empty.state, empty.now_ms).endswith("pulled open, 15 s more")
    assert service_work.under_way(full.state, full.now_ms) == "lock D1, waits for the pharmacist"
    for ward in (full, empty):
        assert "pulsed already" in ask(ward, "test stop")
        assert "test stop" not in ask(ward, "test light D2")
        ward.pull("D1")
        assert result(ward)[2] == "passed"
        assert ask(ward, "test stop") == "No test is under way."
    assert not full.records(r.DrawerForced) and not empty.records(r.DrawerForced)


@pytest.mark.parametrize("line", ["test light D1", "test reader", "test finger", "test all"])
def test_whatever_is_tested_can_be_called_off_with_what_comes_after_it(
    full: Ward, line: str
) -> None:
    assert ask(full, "test stop") == "No test is under way."
    ask(full, line)
    told = service_work.under_way(full.state, full.now_ms)
    assert told.endswith(f"{service_work.TEST_S} s more") and told in ask(full, "test sound")
    assert ask(full, "test stop") == ""
    assert full.state.service is not None and full.state.service.testing is None
    found = [(it.outcome, it.cause) for it in full.records(sr.ServiceTested)]
    called_off = [("unanswered", service_work.CALLED_OFF), ("failed", service_work.CALLED_OFF)]
    assert found == called_off[: 1 + (line == "test all")]
    if line == "test finger":
        assert full.command(e.CancelFinger).request == full.command(e.LookAtFinger).request
    assert ask(full, "test light D2") == ""
