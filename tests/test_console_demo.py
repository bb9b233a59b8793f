"""`make run` and a technician's laptop: from the sign-in to a cut wire and a dying sensor."""

import re
import shutil

import pytest

from sim.technicians import DEMO_FLEET, KEYGEN, SERVICE, TECHNICIAN, ServiceCA
from tests.demo import Demo, pause, person
from tests.laptops import PICOCOM, Laptop
from tests.peer import ScreenPeer
from tests.test_console import challenge

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which(KEYGEN) is None, reason="ssh-keygen is not installed"),
    pytest.mark.skipif(shutil.which(PICOCOM) is None, reason="picocom is not installed"),
]


def row(told: str, name: str) -> list[str]:
    """The first line of an answer that begins with `name`, in words."""
    found = re.findall(rf"^{name}  .*$", told.replace("\r", ""), re.MULTILINE)
    return str(found[0]).split()


def test_a_technician_finds_a_cut_wire_and_a_dying_reader(running_demo: Demo) -> None:
    demo = running_demo
    sam = ServiceCA(demo.folder / SERVICE).technician(TECHNICIAN, DEMO_FLEET)
    laptop = Laptop(demo.folder / "run" / "laptop", pause)
    laptop.insist("\r", "ssh-keygen")
    laptop.type(sam.sign(challenge(laptop)).replace("\n", "\r"))
    laptop.until("a pharmacist must let you in")

    screen = ScreenPeer(demo.folder / "run" / "screen.sock")
    screen.shows(f"{TECHNICIAN} waits at the console")
    pharmacist = person("Henry")
    demo.do("badge", badge=pharmacist.badge)
    screen.sees("finger")
    demo.do("touch", finger=pharmacist.fingers[0])
    screen.sees("patients")
    demo.do("lift")
    screen.press("menu")
    (button,) = re.findall(r"admit:\w+", repr(screen.shown))
    screen.does(button)
    screen.shows(f"In service, by {TECHNICIAN}.")
    laptop.until("You are let in.")
    laptop.until("service>")
    screen.press("sign_out")

    told = laptop.command("drawers")
    assert row(told, "D3")[:5] == ["D3", "shut", "closed", "engaged", "off"]
    demo.do("fault", drawer="D3", fault="switch_cut")
    screen.shows("Drawer 3 is open without an order")
    told = laptop.command("drawers")
    assert row(told, "D3")[2:4] == ["open", "engaged"]
    demo.do("unplug", device="badge")
    screen.shows("badge reader does not answer")
    assert row(laptop.command("devices"), "badge")[1] == "down"
    demo.do("plug", device="badge")
    screen.wait(lambda: "badge reader does not answer" not in repr(screen.shown))
    told = laptop.command("devices")
    assert row(told, "badge")[1] == "up"
    assert row(told, "badge")[5] == "1"  # failures, after state, date, time, zone
    laptop.type("logout\r")
    laptop.until("Logged out.")
    laptop.close()
