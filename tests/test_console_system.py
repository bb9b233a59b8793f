"""What comes of what a technician asks of the system, over the console's real socket."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cabinet import console_messages as m
from cabinet import service_records as sr
from cabinet import service_system, system_units
from cabinet.system_answers import LOGS_USE, Told
from cabinet.system_desk import PACE_S, SOON_S, WITHIN_S
from sim.technicians import KEYGEN, ServiceCA, Technician
from tests import desks
from tests.desks import Console, Desk
from tests.test_console_socket import opened

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(shutil.which(KEYGEN) is None, reason="ssh-keygen is not installed"),
]


@pytest.fixture
def desk(tmp_path: Path, ca: ServiceCA) -> Iterator[Desk]:
    made = opened(tmp_path, ca)
    yield made
    made.close()


@pytest.fixture
def console(desk: Desk, sam: Technician) -> Console:
    made = Console(desk)
    made.greet()
    made.sign_in(sam)
    return made


def answered(desk: Desk) -> list[tuple[str, str]]:
    return [(it.act, it.outcome) for it in desk.ward.records(sr.SystemAnswered)]


def test_logs_are_a_record_before_they_are_shown_and_name_nobody(
    desk: Desk, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = int(desk.wall_s())
    rows = ((str(now_s - 5), "controller", "Nina Nurse \x1b[2J typed 73910264"),)
    monkeypatch.setitem(desks.ANSWERS, "logs", Told("ok", rows=rows))
    answer = console.ask("logs", "controller", "5m")
    assert answer.outcome == "ok"
    assert answer.tables[0].rows[0][1:] == ("controller", "[name] [name]  typed [number]")
    (record,) = desk.ward.records(sr.SystemAnswered)
    assert record.digest == hashlib.sha256(m.body(answer.tables)).hexdigest()
    (command,) = desk.ward.records(sr.ServiceCommand)
    assert (command.command, command.arguments) == ("logs", ("controller", "5m"))
    assert not list((desk.folder / "run" / "requests").iterdir())


@pytest.mark.parametrize(
    "words", [("nurse",), ("controller", "1y"), ("controller", "1h", "0"), ("kernel", "f")]
)
def test_a_wrong_word_after_logs_is_answered_by_how_it_is_used_and_asks_nothing(
    desk: Desk, console: Console, words: tuple[str, ...]
) -> None:
    answer = console.ask("logs", *words)
    assert (answer.outcome, answer.words) == ("refused", LOGS_USE)
    assert not desk.ward.records(sr.SystemRequested)
    assert desk.ward.records(sr.ServiceCommand)[-1].arguments == ()


def test_the_network_is_told_as_a_table(desk: Desk, console: Console) -> None:
    answer = console.ask("network")
    assert answer.tables[0].rows == (("interface eth0", "up"),)
    assert answered(desk) == [("network", "ok")]


def test_a_proof_tells_how_far_it_is_and_what_it_found_while_others_are_answered(
    desk: Desk, console: Console
) -> None:
    desk.units = False
    assert console.ask("ledger", "verify").outcome == "ok"
    answer = console.ask("ledger", "verify")
    assert (answer.outcome, answer.words) == ("failed", "That is under way already.")
    file = desk.requests.answer_file("verify")
    desk.requests.withdraw("verify")  # as its unit does
    system_units.keep(file, Told("going", "10000 of 40000 entries"))
    assert console.hear(m.Seen).line == "ledger verify: 10000 of 40000 entries"
    assert console.ask("status").outcome == "ok"
    desk.wait(5)
    system_units.keep(file, Told("failed", "1 wrong; the first: entry 17: bad"))
    assert console.hear(m.Seen).line == "ledger verify: failed: 1 wrong; the first: entry 17: bad"
    assert answered(desk) == [("verify", "failed")]


def test_a_bundle_is_one_block_and_its_record_has_its_digest(desk: Desk, console: Console) -> None:
    told = desks.ANSWERS["bundle"]
    console.ask("bundle", "print")
    assert console.hear(m.Block).lines == told.text
    assert console.hear(m.Seen).line == "bundle print: ok: 1 lines"
    assert answered(desk) == [("bundle", "ok")]


@pytest.mark.parametrize("command", ["logs", "network"])
def test_what_nobody_carries_out_is_said_within_its_time_and_withdrawn(
    desk: Desk, console: Console, command: str
) -> None:
    desk.units = False
    console.say(m.Command(1, command, ()))
    desk.until(lambda: not desk.requests.taken("logs" if command == "logs" else "network"))
    desk.wait(SOON_S)
    answer = console.hear(m.Answer)
    assert answer.outcome == "failed" and f"cabinet-{command}.service" in answer.words
    assert not list((desk.folder / "run" / "requests").iterdir())
    assert answered(desk) == [(command, "failed")]


def test_a_restart_that_nobody_carries_out_is_withdrawn_and_comes_no_day_later(
    desk: Desk, console: Console
) -> None:
    desk.units = False
    console.ask("service", "begin")
    assert console.ask("restart", "controller").outcome == "ok"
    desk.wait(SOON_S)
    assert "Nothing came of it" in console.hear(m.Seen).line
    assert desk.requests.taken("restart-controller")
    assert answered(desk) == [("restart-controller", "failed")]


@pytest.mark.parametrize("line", ["poweroff", "restart controller", "restart touchscreen"])
@pytest.mark.parametrize("after", ["hung_up", "service end", "test lock D1"])
def test_attack_what_was_asked_in_service_mode_does_not_come_down_on_who_is_at_work_after_it(
    desk: Desk, console: Console, line: str, after: str
) -> None:
    desk.units = False
    console.ask("service", "begin")
    command, *words = line.split()
    assert console.ask(command, *words).outcome == "ok"
    act = "-".join((command, *words))
    if after == "hung_up":
        console.line.close()
        desk.until(lambda: desk.state.service is None)
    else:
        name, *rest = after.split()
        console.say(m.Command(2, name, tuple(rest)))
        desk.until(lambda: len(desk.ward.records(sr.ServiceCommand)) == 3)
    desk.until(lambda: answered(desk) == [(act, "failed")])
    assert not list((desk.folder / "run" / "requests").iterdir())


def test_a_request_that_cannot_be_made_is_said_and_harms_nobody(
    desk: Desk, console: Console
) -> None:
    (desk.folder / "run" / "requests").chmod(0o777)
    answer = console.ask("network")
    assert answer.outcome == "failed" and "cannot be asked" in answer.words
    assert answered(desk) == [("network", "failed")]


def test_attack_an_answer_is_no_answer(
    desk: Desk, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(desks.ANSWERS, "logs")
    console.say(m.Command(1, "logs", ()))
    desk.until(lambda: desk.ward.records(sr.SystemRequested))
    desk.requests.answer_file("logs").write_bytes(b'{"outcome":"ok","rows":"rm -rf"}')
    answer = console.hear(m.Answer)
    assert (answer.outcome, answer.words) == ("failed", "What the system answered cannot be read.")


def test_a_cable_pulled_while_the_system_works_shows_nobody_what_it_found(
    desk: Desk, console: Console, sam: Technician
) -> None:
    desk.units = False
    console.ask("bundle", "print")
    console.line.close()
    desk.until(lambda: desk.state.service is None)
    desk.units = True
    desk.until(lambda: answered(desk) == [("bundle", "ok")])
    other = Console(desk)
    other.greet()
    other.sign_in(sam)
    assert other.ask("version").outcome == "ok"  # and nothing before it


def test_a_technician_who_asks_again_and_again_stops_no_path_unit(
    desk: Desk, console: Console
) -> None:
    assert console.ask("network").outcome == "ok"
    console.say(m.Command(2, "network", ()))
    desk.until(lambda: len(desk.ward.records(sr.SystemRequested)) == 2)
    for _ in range(5):
        desk.turn()
    assert answered(desk) == [("network", "ok")]  # not asked yet
    assert desk.requests.taken("network")
    desk.units = False
    desk.wait(PACE_S)
    assert not desk.requests.taken("network")
    desk.units = True
    assert console.hear(m.Answer).outcome == "ok"


def test_every_act_has_its_time_and_a_console_waits_longer_than_its_answer() -> None:
    from cabinet.console.program import ANSWER_S

    assert SOON_S + PACE_S < ANSWER_S
    assert set(WITHIN_S) == {"verify", "bundle", "bundle-usb"}
    assert not set(WITHIN_S) & set(service_system.GOES_DOWN)
