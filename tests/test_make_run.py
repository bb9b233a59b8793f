"""`make run` for a person: what it says when it cannot start, and what it leaves behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sim.people import TECHNICIAN
from tests.demo import COMMAND_S, READY_S, ROOT, Demo, free_port, make, person, until

pytestmark = pytest.mark.process
READY = "INFO cabinet.controller: ready:"


def told(*arguments: object) -> tuple[int, str]:
    """The exit status and what was said, of a start that fails at once."""
    done = subprocess.run(
        [sys.executable, "-m", "sim", "run", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    return done.returncode, done.stderr


PROGRAMS = 3  # controller, touchscreen, console


def children(parent: int) -> list[int]:
    """The programs that this process started, as soon as each is on its leash."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            command = (status.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        leashed = b"cabinet.cli" in command and b"setpriv" not in command
        if int(fields[1]) == parent and fields[0] != "Z" and leashed:
            found.append(int(status.parent.name))
    return found


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_nothing_runs_on_when_the_simulator_is_killed(running_demo: Demo) -> None:
    parent = running_demo.process_id
    started = until(lambda: children(parent) if len(children(parent)) == PROGRAMS else [])
    os.kill(parent, signal.SIGKILL)
    until(lambda: all(gone(each) for each in started))


def test_the_controller_outlives_the_bench_request_that_restored_its_power(
    running_demo: Demo,
) -> None:
    """The system ends a program with the thread that started it: a bench's threads are short."""
    parent = running_demo.process_id
    until(lambda: running_demo.log().count(READY) == 1)
    running_demo.do("cut")
    until(lambda: len(children(parent)) == PROGRAMS - 1)
    running_demo.do("restore")
    started = until(lambda: children(parent) if len(children(parent)) == PROGRAMS else [])
    until(lambda: running_demo.log().count(READY) == 2)
    assert running_demo.do("badge", badge=person("Amina").badge)["done"]
    assert not any(gone(each) for each in started)


def test_what_to_try_is_printed_when_it_can_be_tried(tmp_path: Path, demo_template: Path) -> None:
    demo = make(tmp_path / "demo", demo_template)
    demo.launch()
    try:
        until(lambda: "Ctrl-C stops everything." in demo.log(), READY_S)
        assert demo.answers()
        assert demo.log().count("Ctrl-C stops everything.") == 1
        assert f"number {TECHNICIAN.staff_id}, PIN {TECHNICIAN.pin}" in demo.log()
    finally:
        demo.kill()


def test_the_code_of_a_demo_without_a_technician_is_one_line(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "sim", "code", "--folder", str(tmp_path)]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "no technician has an app there" in done.stderr


def test_one_folder_is_run_once(running_demo: Demo) -> None:
    status, said = told(
        *("--folder", running_demo.folder, "--port", free_port(), "--bench-port", free_port())
    )
    assert status == 1
    assert said.startswith(f"make run: {running_demo.folder}: runs already; stop it there")
    assert said.count("\n") == 1


def test_what_cannot_be_started_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    port = free_port()
    ports = ("--port", port, "--bench-port", free_port())
    status, said = told("--folder", file, *ports)
    assert (status, said) == (
        1,
        f"make run: {file}: is no folder; choose another one: make run DEMO=demo2\n",
    )
    status, said = told("--folder", "/proc/none", *ports)
    assert status == 1
    assert said.startswith("make run: /proc/none")
    assert said.count("\n") == 1
    both = ("--port", port, "--bench-port", port)
    assert told("--folder", tmp_path / "new", *both)[1] == (
        f"make run: PORT and BENCH_PORT are both {port}; choose two\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        said = told("--folder", tmp_path / "new", "--port", port)[1]
    assert said.startswith(f"make run: port {port} is in use; choose another one: make run PORT=")


@pytest.mark.parametrize("port", ["80", "99999", "http", "9" * 5000])
def test_a_port_that_cannot_be_is_wrong_usage_in_few_words(port: str) -> None:
    status, said = told("--port", port)
    assert status == 2
    assert len(said) < 1000


def test_a_description_that_cannot_be_read_is_one_line(tmp_path: Path, demo_template: Path) -> None:
    folder = make(tmp_path / "demo", demo_template).folder
    (folder / "cabinet.toml").write_text("not = [")
    status, said = told("--folder", folder)
    assert status == 1
    assert said.count("\n") == 1
