"""From `cabinet init` to a nurse who signs in: codes, enrolment with real sensor bytes, import."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim.medicines import DEMO
from sim.people import Person
from tests.demo import COMMAND_S, PATIENCE_S, ROOT, person
from tests.machine import Machine
from tests.peer import ScreenPeer

pytestmark = pytest.mark.process


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "cabinet.cli", *arguments),
            *("--config", str(folder / "cabinet.toml")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )


def enrol(machine: Machine, peer: ScreenPeer, who: Person, code: str, enroller: str = "") -> None:
    """At the screen: code, (name,) badge, PIN twice, two fingers with three captures each."""
    if enroller:
        machine.prove(peer, enroller, then="menu")
        peer.press("enrolling")
        peer.press("stand_by", code.lower())
    else:
        peer.press("have_code")
        peer.press("code", code.lower())
        peer.sees("enrol_staff_id")
        peer.press("staff_id", who.staff_id)
        peer.press("family", who.family)
        peer.press("given", who.given)
    peer.sees("enrol_badge")
    peer.asks(lambda: machine.cabinet.present(who.badge), "enrol_pin")
    peer.press("new_pin", who.pin)
    peer.sees("enrol_pin_again")
    peer.press("same_pin", who.pin)
    for which, finger in zip(("first", "second"), who.fingers, strict=True):
        peer.sees("enrol_finger")
        peer.shows(which)
        machine.sensor_sees_nothing()  # or the finger before was not lifted
        for done in ("Good, 1 of 3", "Good, 2 of 3"):
            machine.world.touch(finger)
            peer.shows(done)
            machine.world.touch(None)
            machine.sensor_sees_nothing()
        machine.world.touch(finger)
        peer.wait(lambda: "Lift your finger" not in repr(peer.shown))
        machine.world.touch(None)
    peer.wait(lambda: peer.name in ("new", "rest"))


def test_two_administrators_enrol_then_the_lists_come_in_and_a_nurse_signs_in(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "cabinet"
    folder.mkdir()
    shutil.copy(DEMO / "cabinet.toml", folder)
    made = command(folder, "init")
    assert made.returncode == 0, made.stderr
    codes = re.findall(r"^ {4}([A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4})$", made.stdout, re.MULTILINE)
    assert len(codes) == 2
    assert command(folder, "init").returncode == 1, "a cabinet is made once"
    early = command(folder, "import", str(DEMO))
    assert early.returncode == 1
    assert "first two administrators" in early.stderr

    machine = Machine(folder)
    try:
        peer = machine.start()
        peer.sees("new")
        ingrid, samuel, amina = (person(name) for name in ("Ingrid", "Samuel", "Amina"))
        enrol(machine, peer, ingrid, codes[0])
        assert peer.name == "new", "one is not enough"
        machine.cabinet.present(ingrid.badge)
        peer.shows("Enrol the first two")
        assert peer.press("have_code").outcome == "done"
        assert peer.press("code", codes[0]).outcome == "done"
        peer.shows("not valid")  # a code is good once
        peer.press("cancel")
        enrol(machine, peer, samuel, codes[1])
        peer.sees("rest")
        peer.close()
        assert machine.process is not None
        machine.process.terminate()
        assert machine.process.wait(PATIENCE_S) == 0, machine.log()

        taken = command(folder, "import", str(DEMO))
        assert taken.returncode == 0, taken.stderr + taken.stdout
        assert "people.csv:2: added" in taken.stdout

        peer = machine.start()
        peer.sees("rest")
        machine.prove(peer, "Ingrid", then="menu", finger=1)
        peer.press("invite")
        peer.press(peer.find("Amina Okafor"))
        peer.sees("code")
        assert peer.shown is not None
        code = str(getattr(peer.shown.screen.blocks[0], "text", ""))
        peer.press("menu")
        peer.press("sign_out")
        enrol(machine, peer, amina, code, enroller="Samuel")
        machine.sign_in(peer, "Amina")
        peer.close()
        machine.check()
    finally:
        machine.stop()
