"""The power-cut explorer finds what it should: weaker settings of SQLite lose what was promised."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import database
from tests.crash import workload
from tests.crash.explorer import Report
from tests.crash.workload import ACTS, Acts, Life

pytestmark = [
    pytest.mark.crash,
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

STATES = 150
# What a rollback journal has too: a reader keeps its writer from committing, and a new key needs
# the WAL.
ONLY_WAL = (Life.checkpoint_beside_a_reader, Life.rekey)
ALONE: Acts = [(weight, act) for weight, act in ACTS if act not in ONLY_WAL]
Weaken = Callable[..., None]


@pytest.fixture
def weakened(monkeypatch: pytest.MonkeyPatch) -> Weaken:
    """Opens every ledger from now on with other settings."""

    def weaken(synchronous: str, journal: str = "wal") -> None:
        settle = database.settle

        def settle_otherwise(connection: Any, path: Path, _: str = "wal") -> None:
            connection.execute(f"PRAGMA journal_mode = {journal}").fetchall()
            settle(connection, path, journal)
            connection.execute(f"PRAGMA synchronous = {synchronous}").fetchall()

        monkeypatch.setattr(database, "settle", settle_otherwise)

    return weaken


def violations(scratch: Path, seed: str, acts: Acts = ALONE) -> Report:
    report = workload.explore(scratch, seed, STATES, acts, max_violations=1000)
    assert report.states >= STATES
    return report


def test_synchronous_normal_loses_what_was_acknowledged(scratch: Path, weakened: Weaken) -> None:
    weakened("NORMAL")
    report = violations(scratch, "teeth", ACTS)
    assert len(report.violations) > 10
    assert all("holds" in each for each in report.violations), "lost, but never damaged"


def test_synchronous_off_damages_the_file(scratch: Path, weakened: Weaken) -> None:
    weakened("OFF")
    report = violations(scratch, "teeth", ACTS)
    assert len(report.violations) > 10
    assert any("malformed" in each or "Damaged" in each for each in report.violations)


def test_rollback_journal_loses_the_last_entry_with_its_unsynced_unlink(
    scratch: Path, weakened: Weaken
) -> None:
    weakened("FULL", "delete")
    assert violations(scratch, "teeth").violations


def test_rollback_journal_whose_unlink_is_synced_loses_nothing(
    scratch: Path, weakened: Weaken
) -> None:
    """The other side: it finds fault only where there is one."""
    weakened("EXTRA", "delete")
    report = violations(scratch, "teeth")
    assert report.states >= STATES and not report.violations, str(report)
