"""The shipped demo as a person starts it: its process, its bench and its addresses.

For tests of the whole machine. Waiting is for something that can be seen, with a deadline.
"""

import array
import fcntl
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sim import demo_cabinet
from sim.people import PEOPLE, Person

ROOT = Path(__file__).parent.parent
# How long to wait for what another thread, process or browser does. It costs nothing when all goes
# well, and a slow disk, a stalled core or a browser's start must never look like a defect.
PATIENCE_S = 30.0
READY_S = 60.0
COMMAND_S = 120.0  # a program of ours, from its start to its end
T = TypeVar("T")


def person(given: str) -> Person:
    """One of the demo's people."""
    return next(someone for someone in PEOPLE if someone.given == given)


FIRST_PORT, PORTS_EACH = 20_000, 1_000
_ports = itertools.count()


def free_port() -> int:
    """A loopback port nobody listens on, and nobody else will be given.

    Below those that Linux gives to whoever asks for any, and of this test process alone.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = FIRST_PORT + worker % 10 * PORTS_EACH + (os.getpid() + next(_ports)) % PORTS_EACH
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def until(look: Callable[[], T], within_s: float = PATIENCE_S) -> T:
    """What `look` sees as soon as it is true; AssertionError after `within_s` seconds."""
    end = time.monotonic() + within_s
    while not (seen := look()):
        assert time.monotonic() < end, "it did not come true in time"
        pause()
    return seen


def pause(seconds: float = 0.02) -> None:
    """Let other processes run."""
    import select

    select.select([], [], [], seconds)


def waiting_bytes(terminal: int) -> int:
    """How many bytes lie in a terminal's buffer, to be read by whoever has it open."""
    count = array.array("i", [0])
    fcntl.ioctl(terminal, termios.FIONREAD, count)
    return count[0]


class Demo:
    """`python -m sim run` on a copy of a demo cabinet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.bench_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def bench_address(self) -> str:
        return f"http://127.0.0.1:{self.bench_port}/"

    def start(self) -> None:
        """Start it and wait for the first screen."""
        self.launch()
        until(self.answers, READY_S)

    def launch(self) -> None:
        """Start it."""
        ports = ["--port", str(self.port), "--bench-port", str(self.bench_port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sim", "run", "--folder", str(self.folder), *ports],
            cwd=ROOT,
            stdout=(self.folder.parent / "demo.log").open("ab"),
            stderr=subprocess.STDOUT,
        )

    @property
    def process_id(self) -> int:
        """The simulator's own."""
        assert self._process is not None
        return self._process.pid

    def answers(self) -> bool:
        """Whether the touchscreen and the bench have a page."""
        assert self._process is not None and self._process.poll() is None, self.log()
        for address in (self.address, self.bench_address):
            try:
                with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
                    text = answer.read().decode()
            except OSError:  # URLError is one; nobody listens there yet
                return False
        return bool(text)

    def log(self) -> str:
        """What the processes printed."""
        return (self.folder.parent / "demo.log").read_text() + self._logs()

    def _logs(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "".join(f"\n--- {log.name}\n{log.read_text()}" for log in logs)

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(READY_S)

    def kill(self) -> None:
        """Nothing is left running, whatever happened."""
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            finally:
                self._process.kill()

    def do(self, action: str, **fields: str) -> dict[str, Any]:
        """One gesture at the bench; what came of it."""
        data = urllib.parse.urlencode({"action": action, **fields}).encode()
        request = urllib.request.Request(f"{self.bench_address}do", data)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            result: dict[str, Any] = json.load(answer)
        return result

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A `cabinet` command on this cabinet."""
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "cabinet.cli",
                *arguments,
                "--config",
                str(self.folder / "cabinet.toml"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
            env={**os.environ, "TZ": "UTC"},
        )


def make(folder: Path, template: Path, settings: str = "") -> Demo:
    """A demo in `folder`, copied from `template`, which is made when it is not there.

    `settings`: of a site that decides otherwise, added to its cabinet.toml.
    """
    if not template.exists():
        demo_cabinet.make(template)
    shutil.copytree(template, folder)
    with (folder / "cabinet.toml").open("a", encoding="utf-8") as file:
        file.write(settings)
    return Demo(folder)
