"""The `cabinet` command: helpful help, one-line errors, and a real cabinet made in a folder."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cabinet import cli
from cabinet.version import VERSION
from sim.medicines import DEMO
from tests.demo import ROOT

COMMANDS = (
    *("check-config", "init", "import", "controller", "touchscreen", "console", "gateway"),
    *("status", "verify", "export", "receipt", "vkey", "report", "assess", "keys", "recover"),
    *("retention", "erase", "system"),
)
CODE = re.compile(r"^ {4}([A-Z2-9]{4}(?:-[A-Z2-9]{4}){2})$", re.MULTILINE)


def production(folder: Path) -> Path:
    """cabinet.toml of a real cabinet, made like the demo's."""
    text = (DEMO / "cabinet.toml").read_text(encoding="utf-8")
    text = text.replace("demo = true", "demo = false").replace('"cabinet_sim"', '"lgpio"')
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "cabinet.toml"
    file.write_text(text, encoding="utf-8")
    return file


class Told:
    """What a command printed and how it ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def one_line(self) -> str:
        """The error: one line, that names the command."""
        assert self.status == 1, self.out + self.err
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("cabinet ")
        return self.err


class Shell:
    """Runs commands in this process, as a person would type them."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Told:
        self._capsys.readouterr()
        try:
            status = cli.main([str(it) for it in arguments])
        except SystemExit as ended:
            status = int(ended.code or 0)
        out, err = self._capsys.readouterr()
        return Told(status, out, err)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def cabinet(tmp_path: Path, shell: Shell) -> Path:
    """cabinet.toml of a cabinet that `cabinet init` has just made."""
    file = production(tmp_path / "cabinet")
    assert shell("init", "--config", file).status == 0
    return file


# --- help -----------------------------------------------------------------------------------------


def test_help_lists_every_command_with_a_sentence(shell: Shell) -> None:
    told = shell("--help")
    assert told.status == 0
    for command in COMMANDS:
        assert re.search(rf"^    {command}\s+[A-Z]|^    {command}$", told.out, re.MULTILINE), (
            command
        )
    listed = re.findall(r"^    ([a-z-]+)(?:\s|$)", told.out, re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS), "and no other"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_explains_each_of_its_words(shell: Shell, command: str) -> None:
    told = shell(command, "--help")
    assert told.status == 0
    lines = told.out.splitlines()
    sentence = next(line for line in lines[1:] if line and not line.startswith((" ", "usage")))
    assert sentence[0].isupper()
    assert "$CABINET_CONFIG or /etc/cabinet/cabinet.toml" in " ".join(told.out.split())
    for option in re.findall(r"^  (--[a-z-]+)(?: [A-Z]+)?$", told.out, re.MULTILINE):
        after = lines[next(n for n, it in enumerate(lines) if it.startswith(f"  {option}")) + 1]
        assert after.startswith("      "), f"{option} is not explained"


def test_the_version_is_told(shell: Shell) -> None:
    assert shell("--version").out == f"cabinet {VERSION}\n"


@pytest.mark.parametrize(
    "typed",
    [
        (),
        ("open",),
        ("init", "--force"),
        ("import",),
        ("report", "diversion"),
        ("touchscreen", "--port", "80"),
        ("touchscreen", "--port", "99999"),
        ("touchscreen", "--port", "9" * 5000),
        ("receipt", "first"),
        ("receipt", "0"),
        ("receipt", "-5"),
        ("receipt", "99999999999999999999"),
        ("verify", "--workers", "17"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2_and_says_how(shell: Shell, typed: tuple[str, ...]) -> None:
    told = shell(*typed)
    assert told.status == 2
    assert "usage: cabinet" in told.err
    assert len(told.err) < 1000


# --- errors ---------------------------------------------------------------------------------------

NEEDS_A_CABINET = ("status", "verify", "controller", "vkey", "retention")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_configuration_that_is_not_there_is_one_line(
    shell: Shell, tmp_path: Path, command: str
) -> None:
    more: dict[str, tuple[str, ...]] = {
        "import": (str(DEMO),),
        "export": (str(tmp_path / "out"),),
        "receipt": ("1",),
        "report": ("removals",),
        "assess": ("access",),
        "console": ("--tty", "/dev/null"),
        "keys": ("rotate", "--signing"),
        "recover": ("--accept-rollback",),
        "erase": ("--due", "--reason", "x"),
        "system": ("logs",),
    }
    none = tmp_path / "none.toml"
    told = shell(command, *more.get(command, ()), "--config", none)
    reason = "cannot be read: No such file or directory"
    assert told.one_line() == f"cabinet {command}: {none}: (the file): {reason}\n"


@pytest.mark.parametrize("command", NEEDS_A_CABINET)
def test_a_cabinet_that_was_not_made_is_one_line_with_the_remedy(
    shell: Shell, tmp_path: Path, command: str
) -> None:
    file = production(tmp_path)
    line = shell(command, "--config", file).one_line()
    assert "ledger.key: No such file or directory; `cabinet init` makes the keys" in line


def test_a_folder_that_cannot_be_written_is_one_line(shell: Shell, tmp_path: Path) -> None:
    file = production(tmp_path)
    (tmp_path / "keys").write_text("in the way")
    line = shell("init", "--config", file).one_line()
    assert "keys" in line


@pytest.mark.parametrize("command", NEEDS_A_CABINET)
def test_a_key_that_others_can_read_is_one_line_with_the_remedy(
    shell: Shell, cabinet: Path, command: str
) -> None:
    key = cabinet.parent / "keys" / "ledger.key"
    key.chmod(0o644)
    assert f"chmod 600 {key}" in shell(command, "--config", cabinet).one_line()


@pytest.mark.parametrize("command", ["status", "verify", "controller"])
def test_a_ledger_that_is_damaged_or_gone_is_one_line(
    shell: Shell, cabinet: Path, command: str
) -> None:
    ledger = cabinet.parent / "ledger.db"
    data = bytearray(ledger.read_bytes())
    ledger.write_bytes(bytes(len(data)))
    assert "ledger.db" in shell(command, "--config", cabinet).one_line()
    ledger.unlink()
    assert "ledger.db" in shell(command, "--config", cabinet).one_line()


def test_a_production_cabinet_starts_no_simulator_and_no_open_touchscreen(
    shell: Shell, cabinet: Path
) -> None:
    line = shell("touchscreen", "--config", cabinet).one_line()
    assert "--launch-file is needed" in line
    text = cabinet.read_text().replace('"lgpio"', '"cabinet_sim"')
    cabinet.write_text(text)
    line = shell("controller", "--config", cabinet).one_line()
    assert "devices.pin_factory" in line
    cabinet.write_text(text.replace("demo = false", "demo = true"))
    line = shell("controller", "--config", cabinet).one_line()
    assert "the ledger says demo = false" in line


# --- a real cabinet, made in a folder -------------------------------------------------------------


def test_check_config_says_right_or_what_is_wrong(shell: Shell, tmp_path: Path) -> None:
    file = production(tmp_path)
    assert shell("check-config", "--config", file).out == f"{file}: right. 6 drawers, 19 pockets.\n"
    file.write_text(file.read_text().replace("lock_pin = 18", "lock_pin = 16"))
    line = shell("check-config", "--config", file).one_line()
    assert line == (
        f"cabinet check-config: {file}: drawer[1].lock_pin: pin 16 is already used by "
        "drawer[0].lock_pin\n"
    )


def test_a_port_that_is_in_use_is_one_line(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        line = shell("touchscreen", "--port", port, "--config", DEMO / "cabinet.toml").one_line()
    assert f"port {port} on 127.0.0.1: Address already in use" in line
    assert "choose another port" in line


def test_a_launch_page_that_cannot_be_written_is_one_line(shell: Shell, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    page, config = tmp_path / "none" / "launch.html", ("--config", DEMO / "cabinet.toml")
    line = shell("touchscreen", "--port", port, "--launch-file", page, *config).one_line()
    assert f"launch page {page}: No such file or directory" in line


def test_init_prints_two_codes_once_and_makes_files_for_its_owner_alone(
    shell: Shell, tmp_path: Path
) -> None:
    file = production(tmp_path / "cabinet")
    before = os.umask(0)
    try:
        told = shell("init", "--config", file)
    finally:
        os.umask(before)
    codes = CODE.findall(told.out)
    assert len(set(codes)) == 2
    made = [it for it in file.parent.rglob("*") if it != file]
    assert {"ledger.db", "ledger.key", "signing.key", "pepper.key"} <= {it.name for it in made}
    for it in made:
        assert not stat.S_IMODE(it.stat().st_mode) & 0o077, it
        if it.is_file():
            data = it.read_bytes()
            for code in codes:
                assert code.encode() not in data
                assert code.replace("-", "").encode() not in data


def test_init_twice_is_refused_and_changes_nothing(shell: Shell, cabinet: Path) -> None:
    files = [it for it in cabinet.parent.rglob("*") if it.is_file()]
    before = {it: it.read_bytes() for it in files}
    assert "exists already" in shell("init", "--config", cabinet).one_line()
    assert {it: it.read_bytes() for it in files} == before


def test_two_cabinets_share_no_code_no_card_and_no_key(shell: Shell, tmp_path: Path) -> None:
    words: list[set[str]] = []
    for name in ("one", "other"):
        file = production(tmp_path / name)
        told = shell("init", "--config", file)
        keys = {it.read_bytes().hex() for it in (file.parent / "keys").iterdir()}
        cards = re.findall(r"^ +1 [a-z]+ .*$", told.out, re.MULTILINE)  # six words of each
        assert len(cards) == 2
        words.append({*CODE.findall(told.out), *cards, *keys})
    assert not words[0] & words[1]


def test_a_fresh_cabinet_knows_nobody_and_no_medicine(shell: Shell, cabinet: Path) -> None:
    out = shell("status", "--config", cabinet).out
    assert "People: 0 enrolled of 0" in out
    assert "Not in service: the first two administrators must enrol" in out
    assert "a demo" not in out


def test_import_before_the_first_two_is_refused_and_recorded(shell: Shell, cabinet: Path) -> None:
    line = shell("import", DEMO, "--config", cabinet).one_line()
    assert "enrol the first two administrators" in line
    out = shell("status", "--config", cabinet).out
    assert "People: 0 enrolled of 0" in out
    assert "Ledger: 4 entries" in out, "made, two codes, and the refusal"


@pytest.mark.parametrize("what", ["nothing there", "no list", "a bad row"])
def test_an_import_that_cannot_be_read_is_one_line(
    shell: Shell, cabinet: Path, tmp_path: Path, what: str
) -> None:
    lists = tmp_path / "lists"
    if what != "nothing there":
        lists.mkdir()
    if what == "a bad row":
        (lists / "people.csv").write_text("staff_id,given,family,role,badge\nN1,Nina\n")
    line = shell("import", lists, "--config", cabinet).one_line()
    none = "has none of formulary.csv, people.csv, patients.csv, orders.csv, staff.csv"
    assert ("people.csv:2: has 2 columns" if what == "a bad row" else none) in line


def test_verify_and_report_of_a_fresh_cabinet(shell: Shell, cabinet: Path) -> None:
    told = shell("verify", "--config", cabinet)
    assert told.status == 0, told.out
    found = json.loads(shell("verify", "--json", "--config", cabinet).out)
    assert (found["good"], found["entries"], found["wrong"]) == (True, 3, [])
    assert shell("report", "removals", "--config", cabinet).out.startswith("When")
    assert (
        json.loads(shell("report", "removals", "--format", "json", "--config", cabinet).out) == []
    )
    assert "Count before" in shell("report", "removals", "--format", "csv", "--config", cabinet).out
    visits = shell("report", "visits", "--config", cabinet).out
    assert visits.startswith("When") and "Signed head of the ledger, with the first 3" in visits


def test_a_reader_that_has_seen_enough_is_no_error_of_ours(cabinet: Path) -> None:
    script = f"{sys.executable} -m cabinet.cli report removals --config {cabinet} | true"
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
