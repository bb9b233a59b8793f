"""The other jobs through the real devices: a scanned load, a return, a sensor that is unplugged."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cabinet import records as r
from sim.medicines import label, medicines
from tests.demo import pause, person, until
from tests.machine import Machine
from tests.peer import ScreenPeer

pytestmark = pytest.mark.process
EXPIRES = "2049-06-30"
SAME_BADGE_S = 1.1  # within a second the same badge is one reading


@pytest.fixture
def machine(tmp_path: Path, demo_template: Path) -> Iterator[Machine]:
    folder = tmp_path / "demo"
    shutil.copytree(demo_template, folder)
    machine = Machine(folder)
    yield machine
    machine.stop()


def last(machine: Machine, kind: type[r.Record]) -> r.Record:
    """The newest record of a kind."""
    return next(b.record for b in reversed(machine.bodies()) if isinstance(b.record, kind))


def push(machine: Machine, drawer: str) -> None:
    until(lambda: machine.world.push(drawer) and machine.world.drawer(drawer).hook_engaged)


def turn_to(peer: ScreenPeer, words: str) -> str:
    """The row with these words, on whichever page it is."""
    for _ in range(20):
        try:
            return peer.find(words)
        except AssertionError:
            peer.press("more")
    raise AssertionError(words)


def test_a_technician_scans_a_label_and_loads(machine: Machine) -> None:
    peer = machine.start()
    peer.sees("rest")
    machine.prove(peer, "Priya", then="menu")
    peer.press("load_list")
    peer.press(turn_to(peer, "HYDROmorphone"))
    peer.sees("load_expiry")
    found = medicines()
    wrong, right = (label(found[it], "SIM2699Z", EXPIRES) for it in ("OXYC-5-TAB", "HYDM-2-TAB"))
    machine.scan(peer, wrong, lambda: "another medicine" in repr(peer.shown))
    machine.scan(peer, right, lambda: peer.name == "load_quantity")
    peer.press("load_quantity", "15")
    peer.sees("load_check")
    peer.press("open_load")
    before = machine.world.tablets("D2-1")["HYDM-2-TAB"]
    until(lambda: machine.world.pull("D2"))
    peer.sees("count")
    peer.press("count", str(before))
    peer.sees("take")
    assert machine.world.put("D2-1", 15)
    push(machine, "D2")
    peer.sees("menu")
    loaded = last(machine, r.Loaded)
    assert isinstance(loaded, r.Loaded) and loaded.quantity == 15
    started = last(machine, r.AccessStarted)
    assert isinstance(started, r.AccessStarted)
    assert (started.lot, started.expires) == ("SIM2699Z", EXPIRES)
    machine.check()
    peer.close()


def test_what_was_not_used_goes_into_the_return_bin(machine: Machine) -> None:
    peer = machine.start()
    machine.sign_in(peer, "Amina")
    peer.press(peer.find("WHITCOMBE"))
    peer.press(peer.find("oxyCODONE"))
    peer.press("open")
    until(lambda: machine.world.pull("D1"))
    peer.sees("count")
    peer.press("count", "40")
    peer.sees("take")
    machine.world.take("D1-1", 2)
    push(machine, "D1")
    peer.sees("taken")
    peer.press("removals")
    peer.press(peer.find("oxyCODONE"))
    peer.press("return")
    peer.press("all")
    peer.sees("opening")
    until(lambda: machine.world.pull("D6"))
    peer.sees("take")
    assert machine.world.put("D6", 2, "OXYC-5-TAB")
    push(machine, "D6")
    peer.sees("patients")
    returned = last(machine, r.Returned)
    assert isinstance(returned, r.Returned) and returned.quantity == 2
    assert machine.world.tablets("D6") == {"OXYC-5-TAB": 2}
    machine.check()
    peer.close()


def test_an_unplugged_sensor_is_said_and_a_pin_stands_in(machine: Machine) -> None:
    peer = machine.start()
    peer.sees("rest")
    machine.cabinet.unplug("fingerprint")
    peer.shows("finger sensor does not answer")
    peer.asks(lambda: machine.cabinet.present(person("Amina").badge), "pin")
    peer.press("pin", person("Amina").pin)
    peer.sees("patients")
    signed = last(machine, r.SignedIn)
    assert isinstance(signed, r.SignedIn)
    assert (signed.factors, signed.fallback) == (("badge", "pin"), "sensor_down")
    peer.press("sign_out")
    machine.cabinet.plug("fingerprint")
    peer.wait(lambda: "finger sensor" not in repr(peer.shown))
    pause(SAME_BADGE_S)
    machine.sign_in(peer, "Amina")
    machine.check()
    peer.close()


def test_a_pried_drawer_is_an_alarm_before_anybody_signs_in(machine: Machine) -> None:
    peer = machine.start()
    peer.sees("rest")
    assert machine.world.pry("D3")
    peer.wait(lambda: peer.shown is not None and bool(peer.shown.live.alarms))
    assert peer.shown is not None
    assert peer.shown.live.alarms[0].priority == "high"
    until(lambda: machine.world.view().beeper)
    push(machine, "D3")
    until(lambda: not machine.world.view().beeper)
    machine.check()
    peer.close()
