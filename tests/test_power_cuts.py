"""Killing the controller at each step between the press and the closing, then starting it again.

The world outlives it, as a real cabinet does. After each restart the ledger verifies, nothing that
was acknowledged is gone, no lock moved by itself, and the interrupted access is shown.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cabinet import keys
from cabinet import records as r
from cabinet.journal import replay
from ledger.store import Store
from sim.happenings import Kind
from tests.demo import COMMAND_S, PATIENCE_S, ROOT, pause, until
from tests.machine import Machine
from tests.peer import ScreenPeer

pytestmark = pytest.mark.process
STOCK = 40  # of D1-1 in the demo


@pytest.fixture
def machine(tmp_path: Path, demo_template: Path) -> Iterator[Machine]:
    folder = tmp_path / "demo"
    shutil.copytree(demo_template, folder)
    machine = Machine(folder)
    yield machine
    machine.stop()


def at_the_order(machine: Machine) -> ScreenPeer:
    """Started, signed in, and one press away from the drawer."""
    peer = machine.start()
    machine.sign_in(peer, "Amina")
    peer.press(peer.find("WHITCOMBE"))
    peer.press(peer.find("oxyCODONE"))
    peer.sees("order")
    return peer


def pressed(machine: Machine, peer: ScreenPeer) -> None:
    peer.send("open")


def answered(machine: Machine, peer: ScreenPeer) -> None:
    assert peer.press("open").outcome == "done"


def released(machine: Machine, peer: ScreenPeer) -> None:
    answered(machine, peer)
    until(lambda: not machine.world.drawer("D1").hook_engaged)


def opened(machine: Machine, peer: ScreenPeer) -> None:
    released(machine, peer)
    assert machine.world.pull("D1")
    peer.sees("count")


def counted(machine: Machine, peer: ScreenPeer) -> None:
    opened(machine, peer)
    assert peer.press("count", str(STOCK)).outcome == "done"
    peer.sees("take")


def taken(machine: Machine, peer: ScreenPeer) -> None:
    counted(machine, peer)
    assert machine.world.take("D1-1", 2)


def pushed(machine: Machine, peer: ScreenPeer) -> None:
    taken(machine, peer)
    until(lambda: not machine.world.drawer("D1").coil)  # it holds the latch back
    assert machine.world.push("D1")


def closed(machine: Machine, peer: ScreenPeer) -> None:
    pushed(machine, peer)
    peer.sees("taken")


STEPS: tuple[Callable[[Machine, ScreenPeer], None], ...] = (
    pressed,
    answered,
    released,
    opened,
    counted,
    taken,
    pushed,
    closed,
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step.__name__))
def test_killed_after(machine: Machine, step: Callable[[Machine, ScreenPeer], None]) -> None:
    peer = at_the_order(machine)
    step(machine, peer)
    machine.kill()
    _comes_back(machine)


@pytest.mark.parametrize("delay_ms", [0.2, 0.5, 1, 2, 4, 8, 30])
def test_killed_some_time_after_the_press(machine: Machine, delay_ms: float) -> None:
    peer = at_the_order(machine)
    peer.send("open")
    pause(delay_ms / 1000)
    machine.kill()
    _comes_back(machine)


@pytest.mark.parametrize("kind", [Kind.COIL_ON, Kind.HOOK_RELEASED, Kind.COIL_OFF])
def test_killed_at_the_edge_of_the_pulse(machine: Machine, kind: Kind) -> None:
    peer = at_the_order(machine)
    # Where a stalled controller is late, its coil goes off by the hardware one-shot.
    machine.kill_at = (kind, Kind.COIL_CUT) if kind is Kind.COIL_OFF else (kind,)
    peer.send("open")
    assert machine.process is not None
    machine.process.wait(PATIENCE_S)
    _comes_back(machine)


def _comes_back(machine: Machine) -> None:
    """Start again and look: whole, shut, honest; then the drawer is pushed and all goes on."""
    before = machine.bodies()
    was_open = machine.world.drawer("D1").is_open
    number = machine.world.view().number
    peer = machine.start()
    peer.sees("rest")
    after = machine.bodies()
    assert after[: len(before)] == before, "4: what was acknowledged stays as it was"
    accesses = {b.record.access for b in after if isinstance(b.record, r.AccessStarted)}
    ended = {
        b.record.access
        for b in after
        if isinstance(b.record, r.RemovalTaken | r.Loaded | r.AccessInterrupted | r.AccessFailed)
    }
    assert accesses == ended, "every access ends in exactly one way"
    new = [it for it in machine.world.events if it.number > number]
    assert not any(it.kind is Kind.COIL_ON for it in new), "7: never a pulse at the start"
    assert not any(isinstance(b.record, r.DrawerForced) for b in after), "2: it was allowed"
    if was_open:
        assert machine.world.push("D1")
    elif not machine.world.drawer("D1").hook_engaged:
        machine.world.push("D1")
    until(lambda: _d1_is_shut(machine))
    machine.check()
    _books_and_drawer_agree(machine)
    peer.close()


def _d1_is_shut(machine: Machine) -> bool:
    last = [
        b.record
        for b in machine.bodies()
        if isinstance(b.record, r.Started | r.DrawerClosed | r.DrawerOpened)
    ][-1]
    if isinstance(last, r.Started):
        return dict(last.positions)["D1"] == "latched"
    return isinstance(last, r.DrawerClosed)


def _books_and_drawer_agree(machine: Machine) -> None:
    """3: expected minus physical is what was taken unseen, and then a count is asked for."""
    secret = keys.load(machine.folder / machine.configuration.paths.keys)
    with Store.open(
        machine.folder / machine.configuration.paths.ledger, secret.ledger, read_only=True
    ) as store:
        state = replay(store)
    physical = machine.world.tablets("D1-1").get("OXYC-5-TAB", 0)
    if state.on_hand("D1-1") != physical:
        assert state.pockets["D1-1"].count_due == "interrupted"
    assert state.on_hand("D1-1") in (STOCK, STOCK - 2)


def test_a_second_controller_on_the_same_ledger_is_refused(machine: Machine) -> None:
    machine.start()
    second = subprocess.run(
        [
            sys.executable,
            "-m",
            "cabinet.cli",
            "controller",
            "--config",
            str(machine.folder / "cabinet.toml"),
        ],
        cwd=ROOT,
        env={**os.environ, "CABINET_SIM_SOCKET": str(machine.cabinet.socket)},
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert second.returncode == 1
    assert "ledger.db" in second.stderr and len(second.stderr.splitlines()) == 1
