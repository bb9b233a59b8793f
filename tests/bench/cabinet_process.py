"""A demo cabinet whose controller is the shipped program in a process of its own; no browser.

The world is in this process. One rule: the controller is spoken to as the touchscreen does, by
bytes on its socket.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cabinet import configuration as site
from sim import demo_cabinet
from sim.cabinet import SimulatedCabinet
from sim.fingerprint_sensor import ZfmSensor
from tests.peer import ScreenPeer

ROOT = Path(__file__).parent.parent.parent
WITHIN_S = 20.0


class ControllerProcess:
    """The shipped controller on the demo cabinet in `folder`."""

    def __init__(self, folder: Path, cabinet: SimulatedCabinet) -> None:
        self._folder, self._cabinet = folder, cabinet
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; seconds from there until it told systemd that it is ready."""
        notify = self._folder / "notify.sock"
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(str(notify))
            heard.settimeout(WITHIN_S)
            began = time.perf_counter()
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "cabinet.cli", "controller"),
                    *("--config", str(self._folder / "cabinet.toml")),
                ],
                cwd=ROOT,
                env={
                    **os.environ,
                    "CABINET_SIM_SOCKET": str(self._cabinet.socket),
                    "NOTIFY_SOCKET": str(notify),
                },
                stderr=(self._folder / "controller.log").open("ab"),
            )
            while b"READY=1" not in heard.recv(4096):
                assert self._process.poll() is None, "the controller ended; see controller.log"
            return time.perf_counter() - began

    def peak_mb(self) -> float:
        """Its peak resident memory so far (VmHWM), in MB of a million bytes."""
        assert self._process is not None
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise AssertionError("the process has no VmHWM: it has ended")

    def stop(self) -> None:
        """In order; killed if that takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def screen(self) -> ScreenPeer:
        """A new line to its screen socket."""
        return ScreenPeer(self._folder / "run" / "screen.sock")


@contextlib.contextmanager
def demo(
    folder: Path, *, sensor: type[ZfmSensor] = ZfmSensor
) -> Iterator[tuple[SimulatedCabinet, ControllerProcess]]:
    """A new demo cabinet in `folder`, its world alive, its controller not yet started."""
    demo_cabinet.make(folder)
    cabinet = SimulatedCabinet(folder, site.load(folder / "cabinet.toml"))
    templates, notepad = cabinet.sensor.templates, cabinet.sensor.notepad
    cabinet.sensor = sensor(cabinet.world.finger, templates, notepad=notepad)
    controller = ControllerProcess(folder, cabinet)
    cabinet.start()
    try:
        yield cabinet, controller
    finally:
        controller.stop()
        cabinet.stop()
