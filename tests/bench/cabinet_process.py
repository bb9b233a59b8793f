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
from cabinet.messages import (
    VERSION,
    Answer,
    Frames,
    Hello,
    Press,
    Screen,
    Shown,
    ToController,
    decode_for_screen,
    encode,
)
from sim import demo_cabinet
from sim.cabinet import SimulatedCabinet

ROOT = Path(__file__).parent.parent.parent
WITHIN_S = 20.0


class ScreenLine:
    """The touchscreen's end of the controller's socket."""

    def __init__(self, path: Path) -> None:
        self._frames = Frames()
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._line.settimeout(WITHIN_S)
        self._line.connect(str(path))
        self._presses = 0
        self.screen: Screen | None = None
        self.send(Hello(VERSION))

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def send(self, message: ToController) -> None:
        """One frame."""
        self._line.sendall(encode(message))

    def _hear(self) -> list[Answer]:
        """What came, waiting for at least some bytes; keeps the newest screen."""
        data = self._line.recv(65_536)
        assert data, "the controller hung up"
        answers = []
        for body in self._frames.feed(data):
            match decode_for_screen(body):
                case Shown(screen=screen):
                    self.screen = screen
                case Answer() as answer:
                    answers.append(answer)
        return answers

    def until(self, name: str) -> Screen:
        """Wait for the screen of that name."""
        end = time.monotonic() + WITHIN_S
        while self.screen is None or self.screen.name != name:
            assert time.monotonic() < end, f"no {name!r} but {self.screen and self.screen.name!r}"
            self._hear()
        return self.screen

    def press(self, button: str, text: str = "") -> Answer:
        """Press a button of the present screen; its answer."""
        return self.answer(self.press_later(button, text))

    def press_later(self, button: str, text: str = "") -> int:
        """Press without waiting for the answer; the press's id."""
        assert self.screen is not None
        self._presses += 1
        self.send(Press(self._presses, self.screen.number, button, text))
        return self._presses

    def answer(self, press: int) -> Answer:
        """The answer to the newest press."""
        end = time.monotonic() + WITHIN_S
        while time.monotonic() < end:
            for answer in self._hear():
                if answer.id == press:
                    assert answer.outcome == "done", answer
                    return answer
        raise AssertionError("no answer to the press")


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

    def screen(self) -> ScreenLine:
        """A new line to its screen socket."""
        return ScreenLine(self._folder / "run" / "screen.sock")


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[tuple[SimulatedCabinet, ControllerProcess]]:
    """A new demo cabinet in `folder`, its world alive, its controller not yet started."""
    demo_cabinet.make(folder)
    cabinet = SimulatedCabinet(folder, site.load(folder / "cabinet.toml"))
    controller = ControllerProcess(folder, cabinet)
    cabinet.start()
    try:
        yield cabinet, controller
    finally:
        controller.stop()
        cabinet.stop()
