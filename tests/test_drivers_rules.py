"""What drivers may not do, found by reading their code."""

import ast
from pathlib import Path

import pytest

import drivers

FILES = sorted(Path(drivers.__file__).parent.glob("*.py"))
# gpiozero's parts that start threads of their own, or choose a pin factory by themselves.
FORBIDDEN_NAMES = {
    "Button",
    "blink",
    "pulse_width",
    "when_held",
    "when_pressed",
    "when_released",
    "when_activated",
    "when_deactivated",
    "ensure_pin_factory",
    "SmoothedInputDevice",
    "LED",
    "Buzzer",
}
ALLOWED_OUTSIDE = {"fido2", "gpiozero", "pyfingerprint", "serial"}
STANDARD = {
    "collections",
    "contextlib",
    "dataclasses",
    "enum",
    "importlib",
    "os",  # a security key is a file of hidraw's, which no library opens with a deadline
    "re",
    "select",
    "struct",
    "termios",
    "threading",
    "time",
    "typing",
}


def named(tree: ast.AST) -> set[str]:
    """Every name, attribute and imported name of a file."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                found.add(name)
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                found |= {alias.name.split(".")[0] for alias in names}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_driver_uses_what_starts_threads_or_chooses_pins_by_itself(file: Path) -> None:
    assert not named(ast.parse(file.read_text())) & FORBIDDEN_NAMES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_driver_waits_or_reads_the_time_but_through_the_clock(file: Path) -> None:
    names = named(ast.parse(file.read_text()))
    if file.name == "clock.py":
        assert {"sleep", "monotonic"} <= names
    else:
        assert not names & {"time", "sleep", "perf_counter", "datetime", "Timer", "Event"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_driver_imports_the_standard_library_and_its_four_packages_only(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None
            modules = [node.module]
        for module in modules:
            assert module.split(".")[0] in {"drivers"} | ALLOWED_OUTSIDE | STANDARD, module


def test_every_gpiozero_device_is_given_its_pin_factory() -> None:
    calls = [
        node
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("DigitalInputDevice", "DigitalOutputDevice")
    ]
    assert len(calls) == 2
    for call in calls:
        assert "pin_factory" in {keyword.arg for keyword in call.keywords}
