"""Who may import whom (the layout's rule), read from the source of every file.

Not for style. One rule: what a file may reach is said here once, and every import counts, also one
inside a function.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("auth", "cabinet", "drivers", "ledger", "sim", "tests")

# Folder -> which of our packages it may import from.
MAY_IMPORT = {
    "auth": ("auth",),
    "drivers": ("drivers",),
    "ledger": ("ledger",),
    "cabinet": ("auth", "cabinet", "drivers", "ledger"),
    "cabinet/console": ("cabinet.console", "cabinet.console_messages", "cabinet.messages"),
    "cabinet/touchscreen": ("cabinet.messages", "cabinet.client", "cabinet.touchscreen"),
    "sim": ("auth", "cabinet", "drivers", "ledger", "sim"),
}

# Which outside packages each of ours is built on; a new one is a decision, not an accident.
OUTSIDE = {
    "auth": ("argon2", "cryptography", "fido2", "zxcvbn"),
    "drivers": ("fido2", "gpiozero", "pyfingerprint", "serial"),
    "ledger": ("cryptography", "sqlcipher3"),
    "cabinet": ("biip", "msgspec", "pyrage", "transitions"),
    "cabinet/console": ("prompt_toolkit",),
    "cabinet/touchscreen": ("jinja2", "markupsafe", "segno", "starlette", "uvicorn"),
    "sim": (
        "cryptography",
        "gpiozero",
        "greenlet",
        "jinja2",
        "markupsafe",
        "pyrage",
        "serial",
        "starlette",
        "uvicorn",
    ),
}

# What decides and what is decided about: no clock, no chance, no input or output of its own (the
# journal is handed its store and its randomness).
PURE = (
    *("access", "access_screens", "administration", "administration_screens", "attesting"),
    *("emergency", "opening", "override", "resting", "reviews", "temporary", "typed_secret"),
    *("console_messages", "decision", "effects", "enrolment", "events", "factor_effects"),
    *("enrolment_screens", "pin_renewal", "power"),
    *("factor_records", "journal", "labels", "lists", "locking", "lookalikes", "machines"),
    *(
        "messages",
        "numbers",
        "patients",
        "plan",
        "reasons",
        "records",
        "removals",
        "retention",
        "rights",
    ),
    "rules",
    *(
        "screens",
        "sensor",
        "service",
        "service_answers",
        "service_effects",
        "service_records",
        "service_system",
        "redaction",
        "system_answers",
        "service_work",
        "sessions",
        "signin",
    ),
    *(
        "snapshot",
        "spells",
        "staff",
        "staff_effects",
        "staff_list",
        "staff_records",
        "standing_by",
        "state",
        "step",
    ),
    *("copies", "limits", "loading", "supervision"),
    *("stock", "version", "wording", "authenticator", "security_key", "lock_test"),
)
PURE_MAY_IMPORT = {
    "difflib",
    "functools",
    "unicodedata",
    *("collections.abc", "dataclasses", "datetime", "enum", "hashlib", "itertools", "math", "re"),
    *("struct", "typing", "biip", "msgspec", "transitions"),
    *(
        "auth.lockout",
        "auth.policy",
        "auth.pins.PIN_DIGITS",
        "auth.pins.plain_code",
        "auth.totp.uri",
    ),
    *(f"auth.passphrases.{name}" for name in ("LEAST_CHARS", "MOST_CHARS", "can_be")),
    "ledger.attachment",
    *(f"cabinet.{name}" for name in PURE),
}
ASKS_THE_CLOCK = {"now", "today", "utcnow"}


def sources(folder: str) -> list[Path]:
    """The Python files under `folder`, without those that have rules of their own."""
    return [file for file in sorted((ROOT / folder).rglob("*.py")) if place(file) == folder]


def place(file: Path) -> str:
    """The entry of the tables that speaks for `file`: the deepest."""
    path = file.relative_to(ROOT).as_posix()
    return max((f for f in MAY_IMPORT if path.startswith(f + "/")), key=len, default="")


def imported(source: str) -> Iterator[str]:
    """Every name imported anywhere, dotted: `from a import b` is `a.b`, relative as `.`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(name: str, packages: tuple[str, ...] | set[str]) -> bool:
    """Whether `name` is one of `packages` or inside one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def forbidden(source: str, folder: str) -> list[str]:
    """The imports that the tables do not allow in `folder`."""
    wrong = []
    for name in imported(source):
        top = name.split(".")[0]
        if top in OURS:
            allowed = within(name, MAY_IMPORT[folder])
        else:
            allowed = top in sys.stdlib_module_names or top in OUTSIDE[folder]
        if not allowed:
            wrong.append(name)
    return wrong


def impure(source: str) -> list[str]:
    """What a pure module must not have: other imports, or a question to the clock."""
    wrong = [name for name in imported(source) if not within(name, PURE_MAY_IMPORT)]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in ASKS_THE_CLOCK:
            wrong.append(f".{node.attr} in line {node.lineno}")
        if isinstance(node, ast.Name) and node.id in {"open", "input", "print", "__import__"}:
            wrong.append(f"{node.id} in line {node.lineno}")
    return wrong


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_package_imports_only_what_its_place_allows(folder: str) -> None:
    files = sources(folder)
    assert files, f"{folder} has no sources: is the table stale?"
    wrong = {file.name: names for file in files if (names := forbidden(file.read_text(), folder))}
    assert not wrong


@pytest.mark.parametrize("name", PURE)
def test_what_decides_has_no_clock_no_chance_and_no_io(name: str) -> None:
    assert not impure((ROOT / "cabinet" / f"{name}.py").read_text())


def test_no_import_is_hidden_from_these_tests() -> None:
    hidden = []
    for folder in MAY_IMPORT:
        for file in sources(folder):
            names = list(imported(file.read_text()))
            text = file.read_text()
            if within("importlib.import_module", set(names)) or "__import__" in text:
                hidden.append(file.name)
    assert not hidden


@pytest.mark.parametrize(
    ("source", "folder", "wrong"),
    [
        ("import cabinet.state", "drivers", ["cabinet.state"]),
        ("from ledger import store", "auth", ["ledger.store"]),
        ("def f():\n    from sim import world", "cabinet", ["sim.world"]),
        ("from drivers import locks", "cabinet/touchscreen", ["drivers.locks"]),
        ("from cabinet import state", "cabinet/touchscreen", ["cabinet.state"]),
        ("from cabinet import messages", "cabinet/touchscreen", []),
        ("from . import state", "cabinet", ["..state"]),
        ("import requests", "cabinet", ["requests"]),
        ("import cabinet_other", "cabinet", ["cabinet_other"]),
    ],
)
def test_a_forbidden_import_is_seen(source: str, folder: str, wrong: list[str]) -> None:
    assert forbidden(source, folder) == wrong


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import random",
        "def f():\n    import os",
        "from cabinet import controller",
        "from auth.pins import tune",
        "from ledger.store import Store",
        "from datetime import datetime\ndatetime.now()",
        "open('file')",
    ],
)
def test_an_impure_line_is_seen(source: str) -> None:
    assert impure(source)
