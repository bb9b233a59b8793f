"""`make run` and a technician's laptop: from the sign-in to a cut wire and a dying sensor."""

import re
import shutil
import subprocess
import sys

import pytest

from sim.people import TECHNICIAN
from sim.technicians import DEMO_FLEET, KEYGEN, SERVICE, ServiceCA
from tests.demo import ROOT, Demo, pause, person
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


def at_the_screen(demo: Demo, screen: ScreenPeer) -> None:
    """The pharmacist proves who he is."""
    pharmacist = person("Henry")
    screen.proves(
        lambda: demo.do("badge", badge=pharmacist.badge)["done"],
        lambda on: demo.do("touch", finger=pharmacist.fingers[0]) if on else demo.do("lift"),
        *("patients", "service"),
    )


def let_in(demo: Demo, laptop: Laptop) -> ScreenPeer:
    """A key and its certificate at the console, a pharmacist at the touchscreen."""
    sam = ServiceCA(demo.folder / SERVICE).technician(TECHNICIAN.name, DEMO_FLEET)
    laptop.insist("\r", "c  with your SSH key")
    laptop.type("c")
    laptop.until("ssh-keygen")
    laptop.type(sam.sign(challenge(laptop)).replace("\n", "\r"))
    laptop.until("a pharmacist must let you in")
    screen = ScreenPeer(demo.folder / "run" / "screen.sock")
    screen.shows(f"{TECHNICIAN.name} waits at the console")
    at_the_screen(demo, screen)
    screen.press("menu")
    (button,) = re.findall(r"admit:\w+", repr(screen.shown))
    screen.does(button)
    screen.shows(f"At work on the cabinet: {TECHNICIAN.name}, technician.")
    laptop.until("You are let in.")
    laptop.until("service>")
    screen.press("sign_out")
    return screen


def sign_in_by_pin(demo: Demo, laptop: Laptop) -> None:
    """As `make run` says it, as far as the pharmacist."""
    asked = [sys.executable, "-m", "sim", "code", "--folder", str(demo.folder)]
    laptop.insist("\r", "p  with your staff number")
    laptop.type(f"p{TECHNICIAN.staff_id}\r{TECHNICIAN.pin}\r")
    laptop.until("Code of your app: ")
    shown = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    laptop.type(f"{shown.split()[0]}\r")
    laptop.until(f"Signed in: {TECHNICIAN.name}.")
    laptop.until("a pharmacist must let you in")
    laptop.type("\x03")
    laptop.until("Stopped.")


def test_a_technician_finds_a_jammed_drawer_a_dying_sensor_and_a_cut_wire(
    running_demo: Demo,
) -> None:
    demo = running_demo
    laptop = Laptop(demo.folder / "run" / "laptop", pause)
    sign_in_by_pin(demo, laptop)
    screen = let_in(demo, laptop)
    finds_a_cut_wire(demo, laptop, screen)
    finds_a_reader_that_was_unplugged(demo, laptop, screen)
    finds_a_dying_sensor(demo, laptop, screen)
    finds_a_jammed_drawer(demo, laptop, screen)
    laptop.command("note The hook of drawer 1 is jammed.")
    laptop.type("report\r")
    laptop.until("test: lock D1 failed")
    laptop.type("q")
    laptop.until("= ok")
    laptop.until("service>")
    laptop.type("logout\r")
    laptop.until("Logged out.")
    laptop.close()


def finds_a_cut_wire(demo: Demo, laptop: Laptop, screen: ScreenPeer) -> None:
    told = laptop.command("drawers")
    assert row(told, "D3")[:5] == ["D3", "shut", "closed", "engaged", "off"]
    laptop.command("watch")
    demo.do("fault", drawer="D3", fault="switch_cut")
    laptop.until("D3  forced, switch open")
    laptop.type("\r")
    screen.shows("Drawer 3 is open, and should not be")
    told = laptop.command("drawers")
    assert row(told, "D3")[2:4] == ["open", "engaged"]
    demo.do("fault", drawer="D3", fault="switch_cut", on="no")
    screen.wait(lambda: "Drawer 3 is open" not in repr(screen.shown))


def finds_a_reader_that_was_unplugged(demo: Demo, laptop: Laptop, screen: ScreenPeer) -> None:
    demo.do("unplug", device="badge")
    screen.shows("badge reader does not answer")
    assert row(laptop.command("devices"), "badge")[1] == "down"
    demo.do("plug", device="badge")
    screen.wait(lambda: "badge reader does not answer" not in repr(screen.shown))
    told = laptop.command("devices")
    assert row(told, "badge")[5] == "1"  # failures, after state, date, time, zone


def finds_a_dying_sensor(demo: Demo, laptop: Laptop, screen: ScreenPeer) -> None:
    laptop.command("watch fingerprint")
    demo.do("fault", drawer="D1", fault="sensor_dying")
    laptop.until("its checksum is wrong")
    laptop.type("\r")
    laptop.until("service>")
    told = laptop.command("devices")
    assert int(row(told, "fingerprint")[5]) > 0 and "checksum" in told
    screen.shows("finger sensor does not answer")  # it comes and goes; mended while it is gone
    demo.do("fault", drawer="D1", fault="sensor_dying", on="no")
    screen.wait(lambda: "finger sensor does not answer" not in repr(screen.shown))


def finds_a_jammed_drawer(demo: Demo, laptop: Laptop, screen: ScreenPeer) -> None:
    demo.do("fault", drawer="D1", fault="hook_jammed")
    assert laptop.command("service begin").endswith("= ok")
    assert "A pharmacist opens it" in laptop.command("test lock D1")
    screen.shows("A pharmacist is asked to open Drawer 1")
    at_the_screen(demo, screen)
    screen.does("test_lock")
    laptop.until("Test of lock D1: failed: the lock did not let go.")
    screen.press("sign_out")
    demo.do("fault", drawer="D1", fault="hook_jammed", on="no")
    assert laptop.command("service end").endswith("= ok")
