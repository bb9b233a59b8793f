"""`make run` and what a technician asks of the system: logs, a proof, a bundle, restart, off."""

import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from cabinet import records as r
from cabinet import service_records as sr
from sim.people import PEOPLE, TECHNICIAN
from sim.technicians import DEMO_FLEET, KEYGEN, SERVICE, ServiceCA
from tests.demo import PATIENCE_S, Demo, pause, until
from tests.laptops import PICOCOM, Laptop
from tests.peer import ScreenPeer
from tests.test_bundle import opened, records, said_of_somebody
from tests.test_console import VT100, challenge
from tests.test_console_demo import at_the_screen

BEGIN, END = (f"-----{word} AGE ENCRYPTED FILE-----" for word in ("BEGIN", "END"))
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which(KEYGEN) is None, reason="ssh-keygen is not installed"),
    pytest.mark.skipif(shutil.which(PICOCOM) is None, reason="picocom is not installed"),
]


@pytest.fixture
def demo(running_demo: Demo) -> Demo:
    return running_demo


@pytest.fixture
def laptop(demo: Demo) -> Iterator[Laptop]:
    made = Laptop(demo.folder / "run" / "laptop", pause)
    yield made
    made.close()


def sign_in(demo: Demo, laptop: Laptop) -> ScreenPeer:
    """With a certificate, and let in by a pharmacist at the touchscreen."""
    sam = ServiceCA(demo.folder / SERVICE).technician(TECHNICIAN.name, DEMO_FLEET)
    laptop.insist("\r", "c  with your SSH key")
    laptop.type("c")
    laptop.until("ssh-keygen")
    laptop.type(sam.sign(challenge(laptop)).replace("\n", "\r"))
    laptop.until("a pharmacist must let you in")
    screen = ScreenPeer(demo.folder / "run" / "screen.sock")
    at_the_screen(demo, screen)
    screen.press("menu")
    (button,) = re.findall(r"admit:\w+", repr(screen.shown))
    screen.does(button)
    screen.press("sign_out")
    laptop.until("You are let in.")
    laptop.until("service>")
    return screen


def test_a_technician_reads_logs_proves_the_ledger_and_takes_a_bundle_along(
    demo: Demo, laptop: Laptop
) -> None:
    sign_in(demo, laptop)
    nurse = PEOPLE[0]
    with (demo.folder / "controller.log").open("a") as log:
        log.write(f"ERROR x: {nurse.name} typed {nurse.pin} \x1b[2J\x1b]0;owned\x07and left\n")
    told = laptop.command("logs controller 30m")
    assert "ready:" in told and told.endswith("= ok")
    assert "[name] [name] typed [number] and left" in " ".join(told.split())
    assert nurse.family not in told and nurse.pin not in told
    told = laptop.command("network")
    assert "name servers" in told and told.endswith("= ok")

    laptop.type("ledger verify\r")
    laptop.until("ledger verify: ok:")
    laptop.type("bundle print\r")
    laptop.until(BEGIN)
    block = laptop.until(END)
    laptop.type("bundle usb\r")
    laptop.until("bundle usb: ok:")
    (file,) = (demo.folder / "support").iterdir()
    for data in (f"{BEGIN}{block}\n".replace("\r", "").encode(), file.read_bytes()):
        found = opened(demo.folder, data)
        assert found["cabinet"] == "demo-4w" and found["records"]["service_signed_in"] == 1
        assert any("ready:" in line for _, _, line in found["logs"])
        assert not said_of_somebody(json.dumps(found, ensure_ascii=False), demo.folder)
    assert VT100.fullmatch(laptop.told)
    done = [it.act for it in records(demo.folder, sr.SystemAnswered) if it.outcome == "ok"]
    assert done == ["logs", "network", "verify", "bundle", "bundle-usb"]


def confirmed(laptop: Laptop, line: str) -> None:
    """A command that asks whether it is meant."""
    laptop.type(f"{line}\r")
    laptop.until("to go on.")
    laptop.until("service>")
    laptop.type("yes\r")


def bench(demo: Demo) -> dict[str, Any]:
    """What is physical, as the bench shows it."""
    with urllib.request.urlopen(f"{demo.bench_address}state", timeout=PATIENCE_S) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_a_technician_restarts_the_cabinets_programs_and_switches_it_off(
    demo: Demo, laptop: Laptop
) -> None:
    sign_in(demo, laptop)
    pulses = [drawer["pulses"] for drawer in bench(demo)["drawers"].values()]
    laptop.type("service begin\r")
    laptop.until("= ok")
    confirmed(laptop, "restart touchscreen")
    laptop.until("restart touchscreen: ok")
    confirmed(laptop, "restart controller")
    laptop.until("The controller restarts.")
    laptop.insist("\r", "Press Enter to sign in.")
    assert records(demo.folder, sr.ServiceEnded)[-1].why == "stopped"
    assert records(demo.folder, r.Started)[-1].after == "stop"

    sign_in(demo, laptop)
    laptop.type("service begin\r")
    laptop.until("= ok")
    confirmed(laptop, "poweroff")
    until(lambda: not bench(demo)["controller"])
    until(lambda: not bench(demo)["connected"])
    assert bench(demo)["mains"]
    demo.do("restore")
    until(lambda: bench(demo)["connected"])
    laptop.insist("\r", "Press Enter to sign in.")
    asked = records(demo.folder, sr.SystemRequested)
    assert [it.act for it in asked] == ["restart-touchscreen", "restart-controller", "poweroff"]
    assert {it.who[:7] for it in asked} == {"SHA256:"}
    assert [drawer["pulses"] for drawer in bench(demo)["drawers"].values()] == pulses
