"""The real processes when the ledger was rolled back: shut, said on the screen, and accepted.

Controller, gateway and witness as shipped; the attacker has root, the keys and every file.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cabinet import provision
from cabinet.messages import Words
from ledger.note import Verifier
from ledger.store import Store
from sim.happenings import Kind
from tests.demo import COMMAND_S, PATIENCE_S, until
from tests.machine import Machine
from tests.offline import ROOT, Offline, two_people
from tests.peer import ScreenPeer
from tests.witnesses import KNOWN, NOW_S, WITNESS, Running

pytestmark = pytest.mark.process


@pytest.fixture
def machine(tmp_path: Path, demo_template: Path) -> Iterator[Machine]:
    folder = tmp_path / "demo"
    shutil.copytree(demo_template, folder)
    machine = Machine(folder)
    yield machine
    machine.stop()


def accepted(cabinet: Offline) -> subprocess.CompletedProcess[str]:
    """`cabinet recover` as two people type it."""
    answers = ("restored", "2026-117", *two_people(cabinet.cards()))
    return subprocess.run(
        [sys.executable, "-m", "cabinet.cli", "recover", "--accept-rollback"]
        + ["--config", str(cabinet.folder / "cabinet.toml")],
        check=False,
        cwd=ROOT,
        input="\n".join(answers) + "\n",
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
    )


def words_on(peer: ScreenPeer) -> str:
    assert peer.shown is not None
    return " ".join(b.text for b in peer.shown.screen.blocks if isinstance(b, Words))


def test_a_rolled_back_cabinet_stays_shut_says_so_and_opens_again_after_two_people(
    machine: Machine, tmp_path: Path
) -> None:
    cabinet = Offline(machine.folder)
    cabinet.copy_ledger(tmp_path / "old")
    peer = machine.start()
    machine.sign_in(peer, "Amina")
    peer.press("sign_out")
    peer.sees("rest")
    peer.close()
    assert machine.process is not None
    machine.process.terminate()
    assert machine.process.wait(PATIENCE_S) == 0
    cabinet.put_back(tmp_path / "old")

    peer = machine.start()
    peer.sees("rolled_back")
    assert "stays shut" in words_on(peer)
    assert "recover --accept-rollback" in words_on(peer)
    assert peer.press("open").outcome == "refused"
    assert not [it for it in machine.world.events if it.kind is Kind.COIL_ON]
    assert "cabinet recover --accept-rollback" in machine.log()
    before = cabinet.size()

    done = accepted(cabinet)
    assert done.returncode == 0, done.stderr
    assert not set(" ".join(cabinet.cards()).split()) & set(done.stdout.split())
    assert machine.process.wait(PATIENCE_S) == 0  # it ends, for systemd to start it anew
    peer.close()
    peer = machine.start()
    peer.sees("rest")
    assert cabinet.size() > before
    machine.sign_in(peer, "Amina")
    peer.close()
    machine.stop()
    machine.check()


def test_a_controller_that_is_shut_ends_when_told(machine: Machine) -> None:
    Offline(machine.folder).anchors.path.unlink()
    peer = machine.start()
    peer.sees("rolled_back")
    peer.close()


@pytest.fixture
def witnessed(machine: Machine, tmp_path: Path) -> Iterator[tuple[Machine, Running]]:
    """The cabinet with a witness in its cabinet.toml, and its gateway running."""
    cabinet = Offline(machine.folder)
    verifier = Verifier(provision.signer(cabinet.configuration, cabinet.keys).vkey)
    running = Running(tmp_path / "witness", {verifier.name: [verifier]})
    file = machine.folder / "cabinet.toml"
    file.write_text(
        file.read_text() + f'\n[[witness]]\nname = "pharmacy"\nvkey = "{WITNESS.vkey}"\n'
        f'url = "http://127.0.0.1:{running.port}"\n'
    )
    gateway = subprocess.Popen(
        [sys.executable, "-m", "cabinet.cli", "gateway", "--config", str(file)], cwd=ROOT
    )
    yield machine, running
    gateway.terminate()
    assert gateway.wait(PATIENCE_S) == 0
    running.stop()


def test_what_ledger_and_anchor_hide_together_the_witness_shows(
    witnessed: tuple[Machine, Running], tmp_path: Path
) -> None:
    machine, witness = witnessed
    cabinet = Offline(machine.folder)
    cabinet.copy_ledger(tmp_path / "old")
    anchor, hidden_from = cabinet.anchors.path.read_bytes(), cabinet.size()
    peer = machine.start()
    machine.sign_in(peer, "Amina")
    until(lambda: _cosigned(cabinet) > hidden_from + 1)  # more than a start would add anyway
    peer.close()
    machine.kill()
    cabinet.put_back(tmp_path / "old")
    cabinet.anchors.path.write_bytes(anchor)

    machine.launch()  # nobody need have seen a screen by then
    assert machine.process is not None
    assert machine.process.wait(2 * PATIENCE_S) == 1  # the witness answered: it ends, with one line
    assert "witness pharmacy shows a head" in machine.log().splitlines()[-1]
    peer = machine.start()
    peer.sees("rolled_back")
    done = accepted(cabinet)
    assert done.returncode == 0, done.stderr
    assert machine.process.wait(PATIENCE_S) == 0
    peer.close()

    peer = machine.start()
    peer.sees("rest")
    peer.wait(lambda: "must be told" in alarms(peer))  # by its keeper, once
    witness.memory.forget(provision.origin(cabinet.configuration), NOW_S)
    peer.close()
    machine.kill()
    peer = machine.start()  # asks again at once
    until(lambda: _cosigned(cabinet) == cabinet.size())
    peer.close()
    machine.stop()
    machine.check()


def _cosigned(cabinet: Offline) -> int:
    with Store.open(cabinet.ledger, cabinet.keys.ledger, read_only=True) as store:
        return store.cosigned_size(KNOWN.name, KNOWN.key_id)


def alarms(peer: ScreenPeer) -> str:
    """What the alarm bars say."""
    assert peer.shown is not None
    return " ".join(alarm.text for alarm in peer.shown.live.alarms)
