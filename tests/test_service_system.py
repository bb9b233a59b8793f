"""What a technician has the system do, by the rules, and the files by which it is asked."""

import os
from pathlib import Path

import msgspec
import pytest

from cabinet import events as e
from cabinet import machines, service_system, service_work, system_answers
from cabinet import service_records as sr
from cabinet.system_answers import MAX_ANSWER_BYTES, NotAnAnswer, Told
from cabinet.system_requests import ACTS, NotOurs, Requests
from tests.test_service import KEY, NEVER, proof, session
from tests.test_service_work import ask
from tests.ward import Ward

DOWN = ("restart controller", "restart touchscreen", "poweroff")


@pytest.fixture
def ward() -> Ward:
    made = Ward(NEVER, stocked=False)
    made.do(proof())
    return made


def orders(ward: Ward) -> list[str]:
    return [it.act for it in ward.commands if isinstance(it, e.AskSystem)]


@pytest.mark.parametrize("line", DOWN)
def test_what_goes_down_is_a_record_that_names_who_before_it_is_asked(
    ward: Ward, line: str
) -> None:
    ask(ward, "service begin")
    ward.commands.clear()
    assert ask(ward, line) == ""
    (record,) = ward.records(sr.SystemRequested)
    assert (record.who, record.session) == (KEY, session(ward))
    assert orders(ward) == [record.act] == ["-".join(line.split())]
    assert ward.records(sr.ServiceCommand)[-1].outcome == "ok"


@pytest.mark.parametrize("line", DOWN)
def test_nothing_goes_down_outside_service_mode(ward: Ward, line: str) -> None:
    assert ask(ward, line) == service_work.FIRST
    assert not ward.records(sr.SystemRequested) and not orders(ward)


@pytest.mark.parametrize("line", DOWN)
def test_attack_a_restart_is_asked_while_a_drawer_is_open(ward: Ward, line: str) -> None:
    ask(ward, "service begin")
    ward.move("D3", "open")
    assert "Drawer D3 is open" in ask(ward, line)
    assert not ward.records(sr.SystemRequested) and not orders(ward)
    assert ward.records(sr.ServiceCommand)[-1].outcome == "refused"
    ward.push("D3")
    assert ask(ward, line) == ""


def test_a_drawer_that_is_not_latched_keeps_the_power_on_and_a_cut_wire_keeps_nothing(
    ward: Ward,
) -> None:
    ask(ward, "service begin")
    ward.positions["D2"] = "unlatched"
    assert "Drawer D2 is unlatched" in ask(ward, "poweroff")
    assert ask(ward, "restart controller") == ""
    ward.positions["D2"] = "disagree"
    assert ask(ward, "poweroff") == ""


def test_attack_a_restart_is_asked_while_somebody_has_a_drawer_open() -> None:
    stocked = Ward(NEVER)
    stocked.do(proof())
    stocked.sign_in("N1")
    stocked.choose("O1")
    stocked.press("open")
    assert stocked.state.screen.state == machines.ACCESS
    for line in DOWN:
        assert ask(stocked, line)
    now = stocked.state.service
    assert now is not None
    now.working = True  # as no rule lets it be
    for line in DOWN:
        assert "Somebody is at the touchscreen" in ask(stocked, line)
    assert not orders(stocked)


@pytest.mark.parametrize(
    "line",
    [
        *("restart", "restart all", "restart sshd", "restart controller touchscreen"),
        *("poweroff now", "network eth0", "bundle", "bundle disk", "ledger verify now"),
        *(
            "logs --since 1h",
            "logs sshd",
            "logs controller 1h 1 1",
            "bundle usb sda1",
            "reboot",
            "systemctl",
            "restart -H",
        ),
    ],
)
def test_attack_a_technician_gives_what_the_system_does_an_argument(ward: Ward, line: str) -> None:
    ask(ward, "service begin")
    command, *arguments = line.split()
    assert service_system.act(command, tuple(arguments)) is None
    ask(ward, line)
    assert not ward.records(sr.SystemRequested) and not orders(ward)


def test_no_bundle_is_made_without_a_key_to_encrypt_it_to(ward: Ward) -> None:
    assert ask(ward, "bundle print") == service_system.NO_KEY
    key = msgspec.structs.replace(NEVER.service, bundle_key="age1" + "q" * 58)
    with_key = Ward(msgspec.structs.replace(NEVER, service=key), stocked=False)
    with_key.do(proof())
    assert ask(with_key, "bundle print") == ask(with_key, "bundle usb") == ""
    assert orders(with_key) == ["bundle", "bundle-usb"]


def test_a_controller_that_is_told_to_stop_ends_the_visit_with_its_self_test(ward: Ward) -> None:
    ask(ward, "service begin")
    ward.move("D3", "disagree")
    ward.do(e.Stop())
    (found,) = ward.records(sr.ServiceFinished)
    assert found.problems and found.returned
    assert ward.records(sr.ServiceEnded)[-1].why == "stopped"
    assert ward.state.stopped and ward.state.service is None


def test_what_came_of_it_is_a_record_also_after_the_session(ward: Ward) -> None:
    held = session(ward)
    ask(ward, "ledger verify")
    ward.do(e.ServiceLeft(held, "logout"))
    ward.do(e.SystemTold(held, "verify", "failed", "ab" * 32))
    assert ward.records(sr.SystemAnswered) == [
        sr.SystemAnswered(held, "verify", "failed", "ab" * 32)
    ]


# --- the files --------------------------------------------------------------------------------


@pytest.fixture
def requests(tmp_path: Path) -> Requests:
    made = Requests(tmp_path / "requests", tmp_path / "facts")
    made.prepare()
    (tmp_path / "facts").mkdir()
    return made


def test_a_request_is_an_empty_file_with_a_fixed_name_and_nothing_else(
    requests: Requests, tmp_path: Path
) -> None:
    for act in ACTS:
        requests.ask(act)
        assert not requests.taken(act)
    made = sorted((tmp_path / "requests").iterdir())
    assert [it.name for it in made] == sorted(ACTS)
    assert {it.stat().st_size for it in made} == {0}
    assert {it.stat().st_mode & 0o777 for it in made} == {0o600}


def test_what_was_asked_before_a_start_is_withdrawn(requests: Requests, tmp_path: Path) -> None:
    requests.ask("poweroff")
    again = Requests(tmp_path / "requests", tmp_path / "facts")
    again.prepare()
    assert not list((tmp_path / "requests").iterdir())


def test_attack_a_request_file_is_a_link_to_somewhere_else(
    requests: Requests, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("whole")
    for act in ACTS:
        (tmp_path / "requests" / act).symlink_to(victim)
        with pytest.raises(FileExistsError):
            requests.ask(act)
        requests.withdraw(act)
    (tmp_path / "requests" / "logs").symlink_to(tmp_path / "made")
    with pytest.raises(FileExistsError):
        requests.ask("logs")
    assert victim.read_text() == "whole" and not (tmp_path / "made").exists()


@pytest.mark.parametrize("mode", [0o777, 0o730, 0o702])
def test_attack_the_folder_of_requests_is_open_to_others(
    requests: Requests, tmp_path: Path, mode: int
) -> None:
    (tmp_path / "requests").chmod(mode)
    with pytest.raises(NotOurs):
        requests.ask("poweroff")
    assert not list((tmp_path / "requests").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a file of another user")
def test_attack_another_user_forges_the_folder_or_an_answer(
    requests: Requests, tmp_path: Path
) -> None:
    requests.ask("logs")
    forged = tmp_path / "facts" / "logs.answer"
    forged.write_bytes(system_answers.encode(Told("ok")))
    os.chown(forged, 12345, 12345)
    with pytest.raises(NotOurs):
        requests.answer("logs")
    os.chown(tmp_path / "requests", 12345, 12345)
    with pytest.raises(NotOurs):
        requests.ask("network")


def test_attack_the_folder_of_requests_is_a_link(requests: Requests, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "requests").rmdir()
    (tmp_path / "requests").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        requests.ask("poweroff")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_an_answer_counts_once_and_only_when_it_came_after_the_request(
    requests: Requests, tmp_path: Path
) -> None:
    file = tmp_path / "requests" / "verify.answer"
    file.write_bytes(system_answers.encode(Told("ok", "of yesterday")))
    requests.ask("verify")
    assert requests.answer("verify") is None
    file.unlink()
    file.write_bytes(system_answers.encode(Told("ok", "of today")))
    told = requests.answer("verify")
    assert told is not None and told.words == "of today"
    assert requests.answer("verify") is None


def test_attack_an_answer_is_a_link_a_pipe_too_long_or_no_answer(
    requests: Requests, tmp_path: Path
) -> None:
    requests.ask("logs")
    file = tmp_path / "facts" / "logs.answer"
    file.symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="Too many levels"):
        requests.answer("logs")
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(NotOurs):
        requests.answer("logs")
    file.unlink()
    with file.open("wb") as stream:
        stream.truncate(MAX_ANSWER_BYTES + 1)
    with pytest.raises(NotAnAnswer):
        requests.answer("logs")
    for number, data in enumerate((b"", b"{}", b"[1]", b'{"outcome":"ok","run":"rm"}', b"\xff")):
        file.unlink()
        file.write_bytes(data + b" " * number)
        with pytest.raises(NotAnAnswer):
            requests.answer("logs")
