"""The tree reads itself: sizes, forbidden words, the lock file, and what must never be done.

Not for what ruff and mypy see, nor imports (`test_imports.py`). One rule: an exception is a line in
a table here, with its bound.
"""

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
FOLDERS = ("auth", "cabinet", "docs", "drivers", "ledger", "sim", "systemd", "tests", ".ci")
PYTHON = ("auth", "cabinet", "drivers", "ledger", "sim", "tests")
ONE_OF_THEM = Path(__file__).relative_to(ROOT).as_posix()  # it names what it forbids

MOST_LINES = 450
LONGER = {  # one idea each, longer than most; a bound, so that growth is a decision
    "cabinet/cli.py": 620,  # every command there is
    "cabinet/records.py": 1040,  # every record there is
    "cabinet/effects.py": 800,  # what each of them does
    "cabinet/events.py": 720,  # every event and command
    "ledger/store.py": 620,
    "sim/world.py": 560,
    "tests/screen_gallery.py": 510,
    "tests/test_evidence.py": 520,
    "tests/test_fingerprint.py": 600,
    "tests/test_ledger_attacks.py": 600,
    "tests/test_ledger_store.py": 750,
    "tests/test_locks.py": 600,
}
MOST_FUNCTION_LINES = 80
LONGER_FUNCTIONS = {"tests/screen_gallery.py:_gallery": 200}
MOST_COLUMNS = 100
COLUMNS_IN = {".sh", ".cfg", ".toml", ".js", ".service", ".rules", ".conf", ""}  # ruff sees to .py
MOST_BYTES = 64 * 1024
LARGER = {"requirements.lock": 256 * 1024, "*.png": 512 * 1024, "*.db": 384 * 1024}
BINARY = {".png", ".db"}
AS_IT_IS = "tests/golden/"  # what a released version wrote, byte for byte

MAY_SLEEP = {"drivers/clock.py", "sim/supervisor.py"}
FORBIDDEN = {
    "an unkept promise": r"\b(TODO|FIXME|XXX|HACK)\b",
    "python -O, which drops asserts": r"python[\d.]* -\w*O|PYTHONOPTIMIZE",
    "a path of one machine": r"(?<![\w.$}>~])/(home|root|work)/",
    "a merge left open": r"^(<{7}|>{7})( |$)",
}


def files() -> list[Path]:
    """Everything of the project, by folder; nothing that was made or is ignored."""
    made = ".git"  # a file where this is a second work tree of the repository
    top = [f for f in ROOT.iterdir() if f.is_file() and f.suffix != ".png" and f.name != made]
    deep = [f for folder in FOLDERS for f in (ROOT / folder).rglob("*") if f.is_file()]
    return sorted(f for f in (*top, *deep) if "__pycache__" not in f.parts)


def name(file: Path) -> str:
    """The path in the tree."""
    return file.relative_to(ROOT).as_posix()


def texts() -> Iterator[tuple[str, str]]:
    """The path and the text of each file that is text."""
    for file in files():
        if file.suffix not in BINARY and not name(file).startswith(AS_IT_IS):
            yield name(file), file.read_text(encoding="utf-8")


def sources() -> Iterator[tuple[str, ast.Module]]:
    """The path and the syntax tree of each Python file."""
    for folder in PYTHON:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield name(file), ast.parse(file.read_text(encoding="utf-8"))


def test_no_source_outgrows_one_idea() -> None:
    long = {
        path: lines
        for path, text in texts()
        if path.endswith(".py") and (lines := text.count("\n")) > LONGER.get(path, MOST_LINES)
    }
    assert not long


def test_no_function_outgrows_a_screen() -> None:
    long = {}
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                where = f"{path}:{node.name}"
                if lines > LONGER_FUNCTIONS.get(where, MOST_FUNCTION_LINES):
                    long[where] = lines
    assert not long


def test_no_file_is_large() -> None:
    large = {
        name(f): f.stat().st_size
        for f in files()
        if f.stat().st_size > LARGER.get(name(f), LARGER.get(f"*{f.suffix}", MOST_BYTES))
    }
    assert not large


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_forbidden_is_written_anywhere(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = [path for path, text in texts() if path != ONE_OF_THEM and pattern.search(text)]
    assert not found


def test_lines_fit_and_end_as_lines_do() -> None:
    wrong = []
    for path, text in texts():
        narrow = Path(path).suffix in COLUMNS_IN and path not in ("LICENSE", "requirements.lock")
        for number, line in enumerate(text.splitlines(), 1):
            if (narrow and len(line) > MOST_COLUMNS) or line != line.rstrip():
                wrong.append(f"{path}:{number}")
        if text and not text.endswith("\n"):
            wrong.append(f"{path}: the last line has no end")
    assert not wrong


def test_nothing_sleeps_but_the_clock() -> None:
    sleepers = set()
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "sleep":
                if not (isinstance(node.value, ast.Name) and node.value.id == "asyncio"):
                    sleepers.add(path)
            elif isinstance(node, ast.ImportFrom) and node.module == "time":
                sleepers |= {path for alias in node.names if alias.name == "sleep"}
    assert sleepers <= MAY_SLEEP


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path, tree in sources() if tree.body and not ast.get_docstring(tree)]
    assert not silent


def test_no_exception_is_swallowed_in_silence() -> None:
    silent = []
    for path, tree in sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            blind = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
            )
            says_nothing = all(isinstance(step, ast.Pass | ast.Continue) for step in node.body)
            if blind and says_nothing:
                silent.append(f"{path}:{node.lineno}")
    assert not silent


def test_every_silenced_check_gives_its_code() -> None:
    bare = re.compile(r"#\s*(type:\s*ignore(?!\[)|noqa(?!:))")
    found = [path for path, text in texts() if path.endswith(".py") and bare.search(text)]
    assert found in ([], [ONE_OF_THEM])


def locked() -> dict[str, list[tuple[str, int]]]:
    """The lock: package -> its (version, number of hashes), once for each marker."""
    text = (ROOT / "requirements.lock").read_text()
    packages: dict[str, list[tuple[str, int]]] = {}
    for block in re.split(r"\n(?=[a-z0-9])", text):
        if match := re.match(r"([a-z0-9._-]+)==(\S+)", block):
            package, version = match.groups()
            packages.setdefault(package, []).append((version, block.count("--hash=sha256:")))
    return packages


def test_the_lock_has_a_hash_for_every_package_and_names_no_host() -> None:
    unproven = [
        package for package, found in locked().items() if not all(hashes for _, hashes in found)
    ]
    assert not unproven
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_the_lock_holds_what_setup_cfg_asks_for() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    wanted = setup["options"]["install_requires"]
    wanted += "".join(setup["options.extras_require"].values())
    stale = []
    for line in wanted.splitlines():
        if not line or line.startswith("#"):
            continue
        requirement = Requirement(line)
        versions = locked().get(canonicalize_name(requirement.name), [])
        if not any(requirement.specifier.contains(version) for version, _ in versions):
            stale.append(f"{requirement}; run: ./setup.sh lock")
    assert not stale


def test_a_real_cabinet_installs_no_tool_of_the_tests() -> None:
    runs, _, _ = (ROOT / "requirements.lock").read_text().partition("\n# Only for the checks")
    assert not [tool for tool in ("pytest", "playwright", "mypy", "ruff") if f"{tool}==" in runs]
    assert "sqlcipher3==" in runs
