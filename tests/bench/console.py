"""From a keystroke at the laptop's end of the cable to its echo there, the cabinet under load.

The console and the controller are the shipped programs, each in a process of its own; the load is
presses at the screen socket, as fast as they are answered.
"""

import os
import select
import string
import tempfile
import threading
import time
from pathlib import Path

from sim.people import TECHNICIAN
from sim.technicians import DEMO_FLEET, SERVICE, ServiceCA
from tests.bench.cabinet_process import demo
from tests.bench.figures import Figure, percentile
from tests.demo import pause
from tests.laptops import ConsoleProcess
from tests.peer import ScreenPeer

ROUNDS = 400
MOST_MS = 20.0
IDLE_S, SETTLED_S = 0.01, 0.5
KEYS = 26  # on a line before it is cleared, each another letter: so each echo is its own
WITHIN_S = 20.0
CLEAR = b"\x15"


class _Terminal:
    """The laptop's end of the cable, without a terminal program in between."""

    def __init__(self, end: Path) -> None:
        self._handle = os.open(end, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.seen = ""

    def until(self, text: str) -> str:
        """Read until `text`, and forget it; what came before it."""
        end = time.monotonic() + WITHIN_S
        while text not in self.seen:
            assert time.monotonic() < end, f"no {text!r} in {self.seen[-500:]!r}"
            if select.select([self._handle], [], [], 0.5)[0]:
                self.seen += os.read(self._handle, 65_536).decode("ascii")
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, data: bytes) -> None:
        """Keystrokes."""
        os.write(self._handle, data)

    def challenge(self) -> str:
        """The text that is to be signed."""
        self.until("printf %s '")
        return "".join(self.until("' |").split("'")[::2])

    def settle(self) -> None:
        """Let what is on its way come, and forget it."""
        while select.select([self._handle], [], [], SETTLED_S)[0]:
            os.read(self._handle, 65_536)
        self.seen = ""

    def echo_s(self, key: str) -> float:
        """Seconds from this keystroke to its echo."""
        pause(IDLE_S)
        began = time.perf_counter()
        self.type(key.encode())
        self.until(key)
        return time.perf_counter() - began


def _press(screen: ScreenPeer, ending: threading.Event) -> None:
    while not ending.is_set():
        screen.press("have_code")
        screen.press("cancel")


def measure() -> list[Figure]:
    """The figure."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        demo(Path(scratch) / "demo") as (cabinet, controller),
    ):
        folder = cabinet.folder
        config = folder / "cabinet.toml"
        with config.open("a") as file:  # [service] is the demo's last table
            file.write('admit = "never"\n')
        controller.start()
        console = ConsoleProcess(folder, config)
        ending = threading.Event()
        load = threading.Thread(target=_press, args=(controller.screen(), ending))
        try:
            terminal = _Terminal(console.cable.laptop_end)
            terminal.until("Press Enter to sign in.")
            terminal.type(b"\r")
            terminal.until("c  with your SSH key")
            terminal.type(b"c")
            sam = ServiceCA(folder / SERVICE).technician(TECHNICIAN.name, DEMO_FLEET)
            signed = sam.sign(terminal.challenge())
            terminal.type(signed.replace("\n", "\r").encode())
            terminal.until("service>")
            load.start()
            taken = []
            for number in range(ROUNDS):
                if number % KEYS == 0:
                    terminal.type(CLEAR)
                    terminal.settle()
                key = string.ascii_lowercase[number % KEYS]
                taken.append(terminal.echo_s(key) * 1000)
        finally:
            ending.set()
            if load.ident is not None:
                load.join()
            console.close()
    return [
        Figure(
            "console_echo_p95_ms",
            percentile(taken, 95),
            "ms",
            None,
            len(taken),
            "95th percentile from a keystroke on the serial line to its echo there, signed in, "
            "while the touchscreen's presses load the controller",
            most=MOST_MS,
        )
    ]
