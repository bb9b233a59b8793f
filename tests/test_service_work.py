"""Service mode and tests of parts, by the rules."""

from pathlib import Path

import pytest

from cabinet import events as e
from cabinet import screens, service, service_work
from cabinet import service_records as sr
from cabinet.console import commands
from tests.test_service import NEVER, proof, session
from tests.ward import NOON_MS, Ward, badge

GUIDE = (Path(__file__).parent.parent / "docs" / "service.md").read_text()


@pytest.fixture
def ward() -> Ward:
    made = Ward(NEVER, stocked=False)
    made.do(proof())
    return made


def ask(ward: Ward, line: str) -> str:
    """A command; why not, or ""."""
    command, *arguments = line.split()
    return ward.do(e.ServiceAsked(session(ward), command, tuple(arguments))).refusal


def outputs(ward: Ward) -> screens.Outputs:
    moment = e.Moment(NOON_MS, ward.now_ms, b"", ward.positions)
    return screens.outputs(ward.state, moment)


def test_in_service_mode_nobody_signs_in_and_everybody_reads_why(ward: Ward) -> None:
    assert ask(ward, "service begin") == ""
    ward.do(e.BadgeSeen(badge("N1")))
    assert ward.state.session is None and ward.state.attempt is None
    assert ward.screen().name == "service"
    assert "Sam Okafor" in repr(ward.screen().blocks)
    assert not screens.buttons(ward.screen())
    assert ask(ward, "service end") == ""
    ward.sign_in("N1")


def test_service_mode_does_not_begin_while_somebody_is_at_the_touchscreen(ward: Ward) -> None:
    ward.sign_in("N1")
    assert "Somebody is at the touchscreen" in ask(ward, "service begin")
    ward.do(e.ServiceAsked(session(ward), "status"))
    assert ward.state.session is not None


def test_leaving_service_mode_says_why_the_cabinet_is_not_returned(ward: Ward) -> None:
    ask(ward, "service begin")
    ward.move("D3", "disagree")
    ward.do(e.DeviceChanged("badge", "unplugged"))
    why = ask(ward, "service end")
    assert "drawer D3 is forced" in why and "device badge does not answer" in why
    assert service_work.HOW_TO_SHUT not in why, "nobody can: it is a wire"
    assert ward.state.service is not None and ward.state.service.working
    ward.push("D3")
    ward.move("D2", "unlatched")
    assert ask(ward, "service end").endswith(service_work.HOW_TO_SHUT)
    ward.push("D2")
    ward.do(e.DeviceChanged("badge", ""))
    assert ask(ward, "service end") == ""
    found = [(len(it.problems), it.returned) for it in ward.records(sr.ServiceFinished)]
    assert found == [(2, False), (2, False), (0, True)]


@pytest.mark.parametrize("why", ["logout", "hung_up"])
def test_a_session_that_ends_returns_the_cabinet_with_what_is_wrong(ward: Ward, why: str) -> None:
    ask(ward, "service begin")
    ward.move("D3", "disagree")
    ask(ward, "test sound")
    ward.do(e.ServiceLeft(session(ward), "logout" if why == "logout" else "hung_up"))
    (record,) = ward.records(sr.ServiceFinished)
    assert record.returned and record.problems
    assert ward.records(sr.ServiceTested)[-1].outcome == "unanswered"
    assert ward.screen().name == "rest"
    assert not outputs(ward).lights[0][1]


def test_idleness_in_service_mode_returns_the_cabinet_too(ward: Ward) -> None:
    ask(ward, "service begin")
    ward.wait(301)
    assert ward.records(sr.ServiceFinished)[-1].returned
    ward.sign_in("N1")


@pytest.mark.parametrize("line", ["test light D1", "test sound", "replace badge A-1 SN1"])
def test_what_acts_needs_service_mode(ward: Ward, line: str) -> None:
    assert ask(ward, line) == service_work.FIRST
    assert not ward.records(sr.ServiceTestBegun) + ward.records(sr.PartReplaced)


def test_a_light_is_tested_and_the_answer_recorded(ward: Ward) -> None:
    ask(ward, "service begin")
    assert ask(ward, "test light D2") == ""
    assert [drawer for drawer, lit in outputs(ward).lights if lit] == ["D2"]
    assert "under way" in ask(ward, "test sound")
    assert ask(ward, "result no") == ""
    record = ward.records(sr.ServiceTested)[-1]
    assert (record.what, record.place, record.outcome) == ("light", "D2", "failed")
    assert not [drawer for drawer, lit in outputs(ward).lights if lit]
    assert "No test waits" in ask(ward, "result yes")


def test_the_beeper_sounds_for_two_seconds_and_no_answer_is_a_result(ward: Ward) -> None:
    ask(ward, "service begin")
    assert ask(ward, "test sound") == ""
    assert outputs(ward).beep
    ward.wait(2)
    assert not outputs(ward).beep
    ward.wait(service_work.TEST_S)
    assert ward.records(sr.ServiceTested)[-1].outcome == "unanswered"


def test_the_reader_and_the_scanner_are_tested_by_what_they_read(ward: Ward) -> None:
    ask(ward, "service begin")
    ask(ward, "test reader")
    ward.do(e.BadgeSeen(badge("N1")))
    assert ward.state.attempt is None  # it signs nobody in
    ask(ward, "test scanner")
    ward.do(e.BadgeSeen(badge("N1")))
    ward.do(e.CodeSeen("00000-0001-01"))
    found = [(it.what, it.outcome) for it in ward.records(sr.ServiceTested)]
    assert found == [("reader", "passed"), ("scanner", "passed")]


def test_a_part_is_recorded_with_its_numbers(ward: Ward) -> None:
    ask(ward, "service begin")
    assert ask(ward, "replace badge RDR-200 SN12345") == ""
    record = ward.records(sr.PartReplaced)[-1]
    assert (record.device, record.part, record.serial) == ("badge", "RDR-200", "SN12345")
    assert "Which part" in ask(ward, "replace nurse A B")


def test_no_command_of_the_console_ever_commands_a_lock_of_a_drawer_with_medicine() -> None:
    ward = Ward(NEVER)
    ward.do(proof())
    lines = ["service begin", "test light D1", "result yes", "test sound", "test lock D1"]
    for line in (*lines, "test all", "test open D1", "service end", "replace locks A B"):
        ask(ward, line)
    for command in (*service.READING, *service_work.COMMANDS):
        ask(ward, command)
    assert not [it for it in ward.commands if isinstance(it, e.Pulse)]


def test_what_the_console_offers_is_what_the_cabinet_knows() -> None:
    known = set(service.KNOWN)
    assert set(commands.COMMANDS) - {*commands.LOCAL, commands.NOTE} == known


def test_the_guide_names_every_command_and_no_other() -> None:
    shown = {
        line.removeprefix("    service> ").split()[0]
        for line in GUIDE.splitlines()
        if line.startswith("    service> ")
    }
    assert shown == set(commands.COMMANDS)
    for line in GUIDE.splitlines():
        if line.startswith("    service> "):
            assert not commands.parse(line.removeprefix("    service> ")).problem, line
