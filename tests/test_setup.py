"""setup.sh: what it does when something is missing, half-made or changed, and that it is idle else.

Python itself is played by a script here, so that nothing is fetched; the clean clone of CI runs the
real thing.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = ("setup.sh", "setup.cfg", "pyproject.toml", "requirements.lock")

# Knows -c, -V and -m venv; the venv's own python is the same script and writes down what it is
# asked for.
PYTHON = """#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
case "$*" in
  -V) echo "Python 3.11.2" ;;
  *ensurepip*) [ ! -e "$here/no-venv" ] ;;
  -c*) exit 0 ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *) echo "$*" >>asked && [ ! -e no-network ] || { echo "no network"; exit 1; } ;;
esac
"""
USED = (
    "awk",
    "bash",
    "cat",
    "cp",
    "cut",
    "dirname",
    "env",
    "flock",
    "grep",
    "id",
    "mkdir",
    "mktemp",
)
USED_TOO = ("mv", "printf", "readlink", "rm", "sed", "sh", "sha256sum", "tail", "timeout", "touch")


class Folder:
    """A copy of the project as far as setup.sh sees it, and a PATH that has just what is needed."""

    def __init__(self, path: Path) -> None:
        self.path, self.programs = path / "project", path / "bin"
        self.path.mkdir()
        self.programs.mkdir()
        (self.path / "cabinet").mkdir()
        for file in (*FILES, "cabinet/version.py"):
            shutil.copy(ROOT / file, self.path / file)
        for program in (*USED, *USED_TOO):
            if found := shutil.which(program):
                (self.programs / program).symlink_to(found)
        self.put("python3", PYTHON)

    def put(self, name: str, script: str) -> None:
        """A program of our own."""
        (self.programs / name).write_text(script)
        (self.programs / name).chmod(0o755)

    def run(self, kind: str) -> subprocess.CompletedProcess[str]:
        """setup.sh with an empty environment but that PATH."""
        return subprocess.run(
            [str(self.path / "setup.sh"), kind],
            env={"PATH": str(self.programs), "HOME": os.devnull},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def asked(self) -> list[str]:
        """What pip was asked for since the last time."""
        file = self.path / "asked"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_packages_come_only_by_hash_and_as_wheels(folder: Folder) -> None:
    told = folder.run("run")
    assert told.returncode == 0, told.stderr
    packages, project = folder.asked()
    assert "--require-hashes --only-binary :all: -r .venv/wanted" in packages
    assert project.endswith("--no-build-isolation -e .")
    assert (folder.path / ".venv/wanted").read_text() == (ROOT / "requirements.lock").read_text()


def test_a_cabinet_gets_the_first_part_of_the_lock_and_a_copy_of_the_code(folder: Folder) -> None:
    assert folder.run("cabinet").returncode == 0
    wanted = (folder.path / ".venv/wanted").read_text()
    assert "sqlcipher3==" in wanted
    assert "pytest==" not in wanted
    assert folder.asked()[1].endswith("--no-build-isolation .")


def test_nothing_is_done_when_nothing_is_missing(folder: Folder) -> None:
    folder.run("run")
    folder.asked()
    again = folder.run("run")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert folder.asked() == []


def test_a_run_that_ended_half_way_is_made_again(folder: Folder) -> None:
    (folder.path / "no-network").touch()
    failed = folder.run("run")
    assert failed.returncode == 1
    assert "is there a network?" in failed.stderr
    (folder.path / "no-network").unlink()
    (folder.path / ".venv/left-over").touch()
    folder.asked()
    assert folder.run("run").returncode == 0
    assert not (folder.path / ".venv/left-over").exists()
    assert len(folder.asked()) == 2


@pytest.mark.parametrize("how", ["python gone", "folder moved", "lock changed"])
def test_a_virtual_environment_that_cannot_be_vouched_for_is_made_again(
    folder: Folder, how: str
) -> None:
    folder.run("run")
    folder.asked()
    if how == "python gone":
        (folder.path / ".venv/bin/python").unlink()
    elif how == "folder moved":
        folder.path = folder.path.rename(folder.path.with_name("moved"))
    else:
        with (folder.path / "requirements.lock").open("a") as lock:
            lock.write("\n")
    assert folder.run("run").returncode == 0
    assert len(folder.asked()) == 2


def test_a_changed_setup_cfg_installs_only_the_project_again(folder: Folder) -> None:
    folder.run("run")
    folder.asked()
    with (folder.path / "setup.cfg").open("a") as file:
        file.write("\n")
    assert folder.run("run").returncode == 0
    assert [line.split()[-1] for line in folder.asked()] == ["."]


def test_without_python_one_line_says_what_to_do(folder: Folder) -> None:
    (folder.programs / "python3").unlink()
    told = folder.run("run")
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert "sudo apt-get install python3" in told.stderr


def test_without_the_venv_module_one_line_says_what_to_do(folder: Folder) -> None:
    (folder.programs / "no-venv").touch()
    told = folder.run("run")
    assert told.returncode == 1
    assert told.stderr == (
        "setup: Python's venv module is missing; run: sudo apt-get install python3-venv\n"
    )


def test_what_the_tests_need_is_one_command_where_it_may_not_be_installed(folder: Folder) -> None:
    told = folder.run("tests")
    assert told.returncode == 1
    assert "run: sudo apt-get install chromium openssh-client picocom systemd" in told.stderr


def test_debians_list_is_fetched_only_when_a_package_is_not_found(folder: Folder) -> None:
    folder.put("chromium", "#!/bin/sh\n")
    folder.put("systemd-analyze", "#!/bin/sh\n")
    (folder.programs / "no-venv").touch()
    folder.put(
        "apt-get",
        '#!/bin/sh\ncase "$*" in\n'
        f'  *update*) touch "{folder.path}/list" ;;\n'
        f'  *install*) [ -e "{folder.path}/list" ] && rm -f "{folder.programs}/no-venv" ;;\n'
        f'esac\nresult=$?\necho "$*" >>"{folder.path}/apt"\nexit $result\n',
    )
    if os.geteuid() != 0:
        folder.put("sudo", '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n')
    told = folder.run("run")
    assert told.returncode == 0, told.stderr
    asked = (folder.path / "apt").read_text().splitlines()
    assert [next(w for w in line.split() if w in ("install", "update")) for line in asked] == [
        "install",
        "update",
        "install",
    ]
    assert all(line.endswith(" python3-venv") for line in asked if "install" in line)
