"""The second proof of power cuts: what strace saw a real process do, from the ledger's creation."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.crash import seeds, trace
from tests.crash.disk import Create, Disk, Event, Rename, SyncFolder, Write
from tests.crash.explorer import Explorer, Report

pytestmark = [pytest.mark.crash]

STATES = 300
ACTS = 20


@pytest.fixture
def events(scratch: Path) -> list[Event]:
    """What the process did."""
    if why := trace.usable():
        pytest.skip(why)
    return trace.record(scratch / "live", scratch, seeds.derived(2000), ACTS)


def explore(scratch: Path, events: Sequence[Event]) -> Report:
    seed = seeds.derived(2000)
    explorer = Explorer(scratch / "state", seed, trace.recovers_or_was_never_made)
    return explorer.explore(Disk(), events, STATES)


def test_power_cut_loses_nothing_acknowledged_in_what_the_system_saw(
    scratch: Path, events: list[Event], record_property: Callable[[str, object], None]
) -> None:
    made = [event for event in events if isinstance(event, Create | Rename)]
    assert made[0] == Create("ledger.db.new") and Rename("ledger.db.new", "ledger.db") in made
    assert any(isinstance(event, Write) and event.name == "ledger.db-wal" for event in events)
    report = explore(scratch, events)
    record_property("power cuts", f"strace: {report}")
    assert report.states >= STATES and not report.violations, str(report)


def test_without_its_folder_syncs_the_same_process_would_lose(
    scratch: Path, events: list[Event]
) -> None:
    assert explore(scratch, [e for e in events if not isinstance(e, SyncFolder)]).violations
