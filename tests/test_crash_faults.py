"""A disk that fails at any one operation: the call says so, and nothing acknowledged is lost."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from ledger import database
from ledger.errors import AppendFailed, DiskFailed, NoSpace, WrongKey
from ledger.rekey import opens
from ledger.store import Store
from tests.crash import faults
from tests.crash.disk import Disk, Event, Write
from tests.crash.explorer import Allowed, Explorer, lay_out, walk
from tests.crash.tap import Fault, Kind, Tap
from tests.crash.workload import Life, create, recovers
from tests.ledgers import KEY, OTHER_KEY

pytestmark = [
    pytest.mark.crash,
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

ENDS = {act.__name__ for act in faults.ENDS}
FAULTS = {
    "EIO once": Fault(0, Kind.EIO),
    "EIO from then on": Fault(0, Kind.EIO, lasting=True),
    "EIO and the system forgets what to write": Fault(0, Kind.EIO, forgets=True),
    "ENOSPC once": Fault(0, Kind.ENOSPC),
    "ENOSPC from then on": Fault(0, Kind.ENOSPC, lasting=True),
}


def operations(scratch: Path) -> int:
    """How many operations of the disk the script has."""
    _, outcome = faults.script(scratch / "live", Fault(0))
    assert outcome.error is None and not outcome.fault.struck and outcome.act == "close"
    shutil.rmtree(scratch / "live")
    return outcome.operations


@pytest.mark.parametrize("name", FAULTS)
def test_fault_at_any_operation_is_noticed_there_and_loses_nothing_acknowledged(
    name: str, scratch: Path, record_property: Callable[[str, object], None]
) -> None:
    wrong, swallowed, places = [], [], operations(scratch)
    assert places > 100
    for at in range(1, places + 1):
        base, outcome = faults.script(scratch / "live", replace(FAULTS[name], at=at))
        where = f"{at}, {outcome.fault.struck} in {outcome.act}: "
        assert outcome.fault.struck
        wrong += [where + each for each in outcome.wrong]
        if outcome.swallowed and outcome.act != "close":
            swallowed.append(where)
        if not outcome.fault.lasting or outcome.act in ENDS:  # or the disk is as after one fault
            wrong += [where + each for each in faults.aftermath(scratch / "state", base, outcome)]
        shutil.rmtree(scratch / "live")
    assert not wrong, "\n".join(wrong)
    assert not swallowed, "\n".join(swallowed)
    record_property("power cuts", f"faults: {name}, at each of {places} operations: 0 violations")


def test_errors_of_a_checkpoint_within_a_commit_would_be_swallowed(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why checkpoints are explicit: with SQLite's own, the same faults go unnoticed."""
    settle = database.settle

    def automatic(connection: object, path: Path, journal: str = "wal") -> None:
        settle(connection, path, journal)
        connection.execute("PRAGMA wal_autocheckpoint = 4").fetchall()  # type: ignore[attr-defined]

    monkeypatch.setattr(database, "settle", automatic)
    swallowed: Counter[str] = Counter()
    for at in range(1, operations(scratch) + 1):
        _, outcome = faults.script(scratch / "live", Fault(at))
        if outcome.swallowed and outcome.act != "close":
            swallowed[outcome.fault.struck] += 1
        shutil.rmtree(scratch / "live")
    assert {"write ledger.db", "sync ledger.db"} <= set(swallowed)


def test_full_disk_during_a_checkpoint_leaves_the_store_in_use(scratch: Path) -> None:
    create(scratch / "live")
    tap = Tap(scratch / "live", fault := Fault(10**6, Kind.ENOSPC))
    with tap.recording():
        life = Life(scratch / "live", tap, Random(1))
        for act in (Life.open, Life.append, Life.append):
            act(life)
        fault.at = tap.operations + 2
        with pytest.raises(NoSpace):
            life.checkpoint()
        assert fault.struck == "write ledger.db"
        life.append()
        life.checkpoint()
        life.append()
    life.let_go()
    assert not recovers(scratch / "live", (life.content,), True)


@pytest.mark.parametrize("lasting", [False, True])
def test_failed_append_ends_the_store_and_opening_again_tells(scratch: Path, lasting: bool) -> None:
    create(scratch / "live")
    tap = Tap(scratch / "live", fault := Fault(10**6, lasting=lasting))
    with tap.recording():
        life = Life(scratch / "live", tap, Random(1))
        for act in (Life.open, Life.append):
            act(life)
        fault.at = tap.operations + 1
        before = life.content
        for act in (Life.append, Life.append, Life.sign_head, Life.snapshot, Life.checkpoint):
            with pytest.raises(AppendFailed):
                act(life)
        assert tap.operations == fault.at, "after the first failure nothing more is tried"
        tap.stop()
    life.let_go()
    assert not recovers(scratch / "live", (before,), True)


# --- found here ---------------------------------------------------------------------------------


def lives_on(scratch: Path, base: Disk, events: list[Event]) -> list[str]:
    """What is wrong when the process ends here, another writes, and then the power goes."""

    def again(folder: Path, allowed: Allowed, killed: bool, random: Random) -> list[Event]:
        tap = Tap(folder)
        with tap.recording():
            life = Life(folder, tap, random)
            life.resume(allowed, killed)
            life.append()
            tap.stop()
        life.let_go()
        return tap.events

    *_, (_, disk, allowed) = walk(base, events)
    explorer = Explorer(scratch / "state", "found", recovers, again)
    for _ in range(10):
        explorer.live_on("then", disk, allowed, killed=True, share=1)
    return explorer.report.violations


def forgotten_after_a_failed_sync(scratch: Path) -> list[str]:
    """The system believes that pages are on the disk, and no later sync writes them."""
    for at in range(1, 1000):
        base, outcome = faults.script(scratch / "live", Fault(at, forgets=True))
        shutil.rmtree(scratch / "live")
        if outcome.act == "sign_head" and outcome.fault.struck.startswith("sync"):
            return lives_on(scratch, base, outcome.events)
    raise AssertionError("there is no such sync")


def test_bytes_that_the_system_forgot_after_a_failed_sync_are_written_anew_at_opening(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not forgotten_after_a_failed_sync(scratch)
    monkeypatch.setattr(database, "renew", lambda path: None)
    lost = forgotten_after_a_failed_sync(scratch)
    assert lost, "without it, what was acknowledged after the next start can be lost"


def test_full_or_failed_disk_at_opening_is_said(scratch: Path) -> None:
    create(scratch / "live")
    tap = Tap(scratch / "live")
    with tap.recording():
        life = Life(scratch / "live", tap, Random(1))
        life.open()
        life.append()
        tap.stop()
    for kind, error in ((Kind.EIO, DiskFailed), (Kind.ENOSPC, NoSpace)):
        other = Tap(scratch / "live", Fault(1, kind))
        life.store._lock.release()  # type: ignore[union-attr]
        with other.recording(), pytest.raises(error, match=r"ledger\.db: .*start again|check"):
            Life(scratch / "live", other, Random(1)).open()
    life.let_go()


def test_torn_page_at_the_end_of_the_file_does_not_hide_which_key_opens_it(scratch: Path) -> None:
    """A checkpoint of a change of key was cut off: the old key must be refused as a wrong one."""
    base = create(scratch / "live")
    tap = Tap(scratch / "live")
    with tap.recording():
        life = Life(scratch / "live", tap, Random(1))
        for act in (Life.open, Life.append, Life.rekey):
            act(life)
        tap.stop()
    life.let_go()
    moved = [
        at
        for at, event in enumerate(tap.events)
        if isinstance(event, Write) and event.name == "ledger.db"
    ]
    base.run(tap.events[: moved[-1]])
    files = base.cached()
    assert files["ledger.db-wal"]
    files["ledger.db"] += bytes(512)
    lay_out(scratch / "state", files)
    assert not opens(scratch / "state" / "ledger.db", KEY)
    assert opens(scratch / "state" / "ledger.db", OTHER_KEY)
    with pytest.raises(WrongKey):
        Store.open(scratch / "state" / "ledger.db", KEY)
    assert not recovers(scratch / "state", (life.content,), True)
