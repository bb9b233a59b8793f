"""One operation of the disk fails, at each place where one can: what the store then says and does.

Not for power cuts by themselves. One rule: a fault is noticed by the very call in which it struck,
except in a close, which has nothing to promise.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ledger.errors import AppendFailed, DiskFailed, LedgerError, NoSpace
from tests.crash.disk import Disk, Event
from tests.crash.explorer import Allowed, Explorer, lay_out, walk
from tests.crash.tap import Fault, Tap
from tests.crash.workload import Life, create, recovers

# One of each act, so that each has operations that can fail.
SCRIPT: tuple[Callable[[Life], None], ...] = (
    Life.open,
    Life.append,
    Life.append_with_attachments,
    Life.sign_head,
    Life.cosign,
    Life.checkpoint,
    Life.append_several,
    Life.snapshot,
    Life.checkpoint_beside_a_reader,
    Life.erase,
    Life.restart,
    Life.append,
    Life.checkpoint,
    Life.append,
    Life.rekey,
    Life.append,
    Life.close,
)
ENDS = (Life.close, Life.restart, Life.rekey)  # a fault in closing is told by nobody


@dataclass
class Outcome:
    """A script's end: `error` of the act named `act`, unless no call said anything."""

    fault: Fault
    events: list[Event]
    operations: int = 0
    act: str = ""
    error: LedgerError | None = None
    wrong: list[str] = field(default_factory=list)

    @property
    def swallowed(self) -> bool:
        """Whether the fault struck, and no call said so."""
        return bool(self.fault.struck) and self.error is None


def script(folder: Path, fault: Fault) -> tuple[Disk, Outcome]:
    """The script on a new ledger; it ends at the first error, and the disk freezes there."""
    base = create(folder)
    tap = Tap(folder, fault)
    outcome = Outcome(fault, tap.events)
    with tap.recording():
        life = Life(folder, tap, Random("faults"))
        tap.mark(*life.before)
        for act in SCRIPT:
            outcome.act = act.__name__
            if not _act(life, act, outcome):
                break
        outcome.operations = tap.operations
        tap.stop()  # before anything is closed: closing writes
        life.let_go()
    return base, outcome


def _act(life: Life, act: Callable[[Life], None], outcome: Outcome) -> bool:
    """One act; whether the script goes on."""
    struck = outcome.fault.struck
    try:
        act(life)
    except LedgerError as error:
        outcome.error = error
        outcome.wrong += _wrong_answer(life, outcome, error)
        return False
    # If it struck and nobody noticed, the script ends as `swallowed`.
    return not outcome.fault.struck or bool(struck) or act in ENDS


def _wrong_answer(life: Life, outcome: Outcome, error: LedgerError) -> list[str]:
    """What is wrong with what the store said and does next; nothing, if it failed as it must."""
    if not outcome.fault.struck:
        return [f"{outcome.act}: {error!r} without a fault"]
    if isinstance(error, NoSpace) and outcome.act.startswith("checkpoint"):
        return []  # the WAL keeps it all, and the store stays in use
    if not isinstance(error, AppendFailed | NoSpace | DiskFailed):
        return [f"{outcome.act}: {error!r}"]
    if not life.opened:
        return []
    try:
        life.store.append([b"after a failure"])
    except AppendFailed:
        return []
    return [f"{outcome.act}: used on after {error!r}"]


def aftermath(folder: Path, base: Disk, outcome: Outcome) -> list[str]:
    """What is wrong after the process ended, the power went, or one after the other."""
    told: list[str] = []

    def again(folder: Path, allowed: Allowed, killed: bool, random: Random) -> list[Event]:
        tap = Tap(folder)
        with tap.recording():
            life = Life(folder, tap, random)
            life.resume(allowed, killed)
            for act in (Life.append, Life.append_several, Life.append):
                act(life)
        life.let_go()
        return tap.events

    *_, (_, disk, allowed) = walk(base, outcome.events)
    lay_out(folder, disk.cached())
    if wrong := recovers(folder, allowed, True):
        told.append(f"process ended: {wrong}")
    seed = f"{outcome.fault}"
    explorer = Explorer(folder, seed, recovers, again)
    for _ in range(2):
        explorer.judge("power cut", disk.after_power_cut(explorer.random), allowed)
    explorer.live_on("process ended", disk, allowed, killed=True, share=0.1)
    return told + explorer.report.violations
