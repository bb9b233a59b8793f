"""Nobody locks everybody out: an administrator whose access here does not end always stays."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from cabinet import administration
from cabinet import events as e
from cabinet import records as r
from tests.administrator import choose, suspend
from tests.ward import NOON_MS, Ward, badge


@pytest.fixture
def ward() -> Ward:
    ward = Ward(stocked=False)
    ward.sign_in("A1")
    return ward


def end(ward: Ward, staff_id: str) -> str:
    """Give somebody's access an end; why not."""
    choose(ward, staff_id)
    ward.press("edit")
    ward.press("edit:expiry")
    ward.press("set_end", "31122029")
    return ward.press("save_change").refusal


def sign_in(ward: Ward, staff_id: str) -> None:
    ward.press("people")
    ward.press("menu")
    ward.press("sign_out")
    ward.sign_in(staff_id)


def area(ward: Ward, staff_id: str) -> str:
    """Somebody works on another ward only; why not."""
    choose(ward, staff_id)
    ward.press("edit")
    ward.press("edit:areas")
    ward.press("set_area:*")
    ward.press("edit:area")
    ward.press("set_area_typed", "Ward 9")
    ward.press("check_change")
    return ward.press("save_change").refusal


def test_two_administrators_cannot_both_be_given_an_end(ward: Ward) -> None:
    assert not end(ward, "A2")
    sign_in(ward, "A2")
    assert end(ward, "A1")
    assert ward.records(r.Refused)[-1].why == "last_administrator"


def test_whose_access_does_not_end_is_not_stopped_while_the_other_s_ends(ward: Ward) -> None:
    assert not end(ward, "A2")
    sign_in(ward, "A2")
    suspend(ward, "A1", "left")
    assert ward.state.people[ward.ref("A1")].standing == "active"


def test_the_last_administrator_of_this_place_is_not_sent_to_another(ward: Ward) -> None:
    assert not end(ward, "A2")
    sign_in(ward, "A2")
    assert area(ward, "A1")
    assert ward.records(r.Refused)[-1].why == "last_administrator"


@pytest.mark.parametrize("how", [end, area])
def test_a_list_does_not_stop_the_last_whose_access_here_does_not_end(ward: Ward, how) -> None:  # type: ignore[no-untyped-def]
    assert not how(ward, "A2")
    gone = e.PersonRow("A1", "Ada", "Admin", "administrator", badge("A1"), status="suspended")
    outcome = ward.do(e.Import("test", people=(("people.csv:2", gone),)))
    assert outcome.refusal
    assert ward.state.people[ward.ref("A1")].standing == "active"


@pytest.mark.parametrize(
    "said",
    [
        {"standing": "suspended"},
        {"standing": "left"},
        {"again": True},
        {"role": "nurse"},
        {"expires_ms": 2 * NOON_MS},
        {"areas": ("Ward 9",)},
        {"groups": ("A",)},  # which leaves them who they are
    ],
)
def test_nothing_is_done_that_would_leave_none(ward: Ward, said: dict[str, Any]) -> None:
    """Whoever would do it is an administrator too, whose own access ends."""
    first, last = ward.state.people[ward.ref("A1")], ward.state.people[ward.ref("A2")]
    first.rights = msgspec.structs.replace(first.rights, expires_ms=2 * NOON_MS)
    whole = {name: value for name, value in said.items() if name in ("standing", "again")}
    theirs = {name: value for name, value in said.items() if name not in whole}
    change = administration.begun(last)
    rights = msgspec.structs.replace(change.rights, **theirs)
    change = replace(change, rights=rights, **whole)
    why = administration.refusal(ward.state, last, change, NOON_MS)
    assert why == ("" if "groups" in said else "last_administrator")
    first.rights = msgspec.structs.replace(first.rights, expires_ms=0)
    assert not administration.refusal(ward.state, last, change, NOON_MS), "another one stays"
