"""A service certificate is good for hours or days; who is stopped at this cabinet is so at once."""

import msgspec
import pytest

from cabinet import events as e
from cabinet import service_records as sr
from tests.test_service_person import CODE, certified
from tests.test_service_work import ask
from tests.ward import PLAN, Ward, badge


@pytest.fixture
def ward() -> Ward:
    return Ward(msgspec.structs.replace(PLAN, service=CODE), stocked=False)


def stopped(ward: Ward, staff_id: str, status: str) -> None:
    row = e.PersonRow(staff_id, "Paul", "Pharmacist", "pharmacist", badge(staff_id), status)
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_attack_a_leavers_certificate_that_is_good_for_days_lets_nobody_in(
    ward: Ward, status: str
) -> None:
    stopped(ward, "P1", status)
    assert ward.do(certified("P1")).refusal
    assert ward.state.service is None
    assert ward.records(sr.ServiceRefused)[-1].why == "withdrawn"
    if status == "left":
        assert not ward.do(certified("P1", "P2")).refusal, "by a new number since"


def test_attack_who_is_suspended_while_at_the_console_by_a_certificate_goes_on_no_further(
    ward: Ward,
) -> None:
    ward.do(certified("P1"))
    assert ask(ward, "status") == ""
    stopped(ward, "P1", "suspended")
    assert ask(ward, "status")
    ward.wait(1)
    assert ward.state.service is None
    assert ward.records(sr.ServiceEnded)[-1].why == "withdrawn"
