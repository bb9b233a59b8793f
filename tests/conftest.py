"""What several tests start from: a demo cabinet made once, and a real browser."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from sim import demo_cabinet
from sim.technicians import ServiceCA, Technician
from tests import demo
from tests.crash import seeds

CHROMIUM = Path("/usr/bin/chromium")

# How long an example takes says something about the machine, not about the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


REAL_TIME = ("browser", "process", "real_time")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--second-chance",
        action="store_true",
        help="try a test of real processes, browsers or threads once more when it fails",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who waits for other threads, processes and browsers is tried twice, where that is asked for.

    The machine decides in which order those run, so such a test can fail by a race of its own; a
    race then costs a line "RERUN" in the report, where it is seen and mended, and not the whole
    run. Every other test says the same each time: it is never tried again.
    """
    if config.getoption("--second-chance"):
        for item in items:
            if any(item.get_closest_marker(name) for name in REAL_TIME):
                item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def demo_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole demo cabinet that nobody has used; copy it."""
    folder = tmp_path_factory.mktemp("template") / "demo"
    demo_cabinet.make(folder)
    return folder


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> ServiceCA:
    """A hospital's service CA."""
    return ServiceCA(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def sam(ca: ServiceCA) -> Technician:
    """Who may service the cabinet `ward-1`."""
    return ca.technician("Sam Okafor", "ward-1")


@pytest.fixture
def running_demo(tmp_path: Path, demo_template: Path) -> Iterator[demo.Demo]:
    """The shipped demo, started on its own copy."""
    running = demo.make(tmp_path / "demo", demo_template)
    running.start()
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one, for what makes and loses thousands of files."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the power-cut tests explored, so that a seed of today's commit can be found again."""
    told = [
        value
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, value in report.user_properties
        if name == "power cuts" and report.when == "call"
    ]
    if told:
        terminalreporter.section(f"power cuts, commit {seeds.commit()}")
        terminalreporter.write("\n".join(sorted(told)) + "\n")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium; the test is skipped, and says so, where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=demo.PATIENCE_S * 1000)  # a page's own waits are as long anyway

    arguments = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # root has no user namespaces in a container
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield started
        started.close()
