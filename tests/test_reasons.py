"""A site that asks why something is taken, returned or wasted: from a list, before it is done."""

import pytest
from msgspec.structs import replace

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from cabinet.plan import Asked
from tests.attacker import plain
from tests.rights_reader import Reader
from tests.ward import PLAN, SENSOR, Ward

ROWS = tuple(Asked(act, "CII", reason=True) for act in ("remove", "return", "waste"))


@pytest.fixture
def ward() -> Ward:
    """Where the site asks for reasons, and for a witness of each return."""
    ward = Ward()
    ward.plan = replace(PLAN, policy=(*ROWS, Asked("return", "CII", witness=True)))
    ward.restart()
    ward.do(e.DeviceChanged("fingerprint", "", SENSOR))
    ward.sign_in("N1")
    return ward


def taken(ward: Ward) -> str:
    ward.choose("O1")
    ward.press("open")
    ward.press("reason:early")
    ward.pull("D1")
    ward.press("count", "20")
    ward.push("D1")
    return str(ward.records(r.RemovalTaken)[-1].removal)


def test_no_drawer_opens_before_a_reason_is_chosen(ward: Ward) -> None:
    ward.commands.clear()
    ward.choose("O1")
    ward.press("open")
    assert ward.screen().name == "reason" and ward.state.access is None
    assert not [it for it in ward.commands if isinstance(it, e.Pulse)]
    assert "FRANKLIN" in repr(ward.screen().banner)
    ward.press("reason:early")
    assert ward.records(r.AccessStarted)[-1].reason == "early"
    assert ward.command(e.Pulse).drawer == "D1"
    Reader().follow(ward.sink.bodies)


def test_what_the_row_does_not_speak_of_asks_nothing(ward: Ward) -> None:
    ward.choose("O2")
    ward.press("open")
    assert ward.state.access is not None and not ward.state.access.started.reason


def test_a_waste_says_why_to_its_witness_and_in_its_entry(ward: Ward) -> None:
    removal = taken(ward)
    for button in ("home", "removals", f"removal:{removal}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    assert ward.screen().name == "reason" and ward.state.witnessing is None
    ward.press("reason:spilt")
    assert "Dropped, broken or spilt" in repr(ward.screen())
    ward.prove("N2")
    assert ward.records(r.Wasted)[-1].why == "spilt"
    Reader().follow(ward.sink.bodies)
    assert plain(replay(ward.sink)) == plain(ward.state)


def test_a_return_says_why_also_to_a_witness_and_is_what_was_shown(ward: Ward) -> None:
    removal = taken(ward)
    for button in ("home", "removals", f"removal:{removal}", "return"):
        ward.press(button)
    ward.press("all")
    ward.press("reason:refused")
    assert "The patient refused it" in repr(ward.screen())
    ward.prove("N2")
    started = ward.records(r.AccessStarted)[-1]
    assert (started.kind, started.reason, started.quantity) == ("return", "refused", 2)
    assert started.witness == ward.ref("N2")
    Reader().follow(ward.sink.bodies)


def test_attack_a_reason_that_is_not_on_the_list_is_none(ward: Ward) -> None:
    ward.choose("O1")
    ward.press("open")
    for button in ("reason:because I say so", "reason:", "open"):
        assert ward.press(button).refusal
    assert ward.state.access is None


def test_attack_a_reason_given_before_is_not_taken_again(ward: Ward) -> None:
    taken(ward)
    ward.press("home")
    ward.choose("O1")
    ward.press("open")
    assert ward.screen().name == "reason", "asked anew, each time"
    back = next(it for it in screens.buttons(ward.screen()) if it.startswith("order:"))
    ward.press(back)
    assert ward.state.access is None
