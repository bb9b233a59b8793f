"""A technician's laptop: a real picocom in a pseudo-terminal, at the end of a cable to a console.

The console is the shipped program in a process of its own.
"""

import contextlib
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cabinet.console.program import MORE, WIPED
from sim.cable import SerialCable
from tests.demo import PATIENCE_S, ROOT

PICOCOM = "picocom"
WITHIN_S = PATIENCE_S
READY = "Terminal ready\r\n"


class ConsoleProcess:
    """`cabinet console` at one end of a cable; to be started when the laptop is at the other."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.cable = SerialCable(folder / "tty", folder / "laptop")
        self._config, self._log = config, folder / "console.log"

    def start(self) -> None:
        command = [sys.executable, "-m", "cabinet.cli", "console", "--config", str(self._config)]
        self.process = subprocess.Popen(
            [*command, "--tty", str(self.cable.cabinet_end)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def log(self) -> str:
        return self._log.read_text()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(WITHIN_S)
        self.cable.close()


class Laptop:
    """picocom, and the person who types into it; `turn` lets the cabinet work meanwhile.

    It is ready when it is made: what was said on the line before, picocom throws away.
    """

    def __init__(self, end: Path, turn: Callable[[], None]) -> None:
        self._turn = turn
        self._screen, slave = pty.openpty()
        os.set_blocking(self._screen, False)
        self._process = subprocess.Popen(
            [PICOCOM, "-b", "115200", "--nolock", str(end)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""  # everything that came
        self._read = 0  # how far it was looked at
        self.until(READY)  # of its own; before, it empties the line
        self.seen, self._read = self.seen[self._read :], 0

    @property
    def told(self) -> str:
        """What came up to what was waited for last; what follows it may end within a sequence."""
        return self.seen[: self._read]

    def look(self) -> str:
        """What came and was not looked at yet."""
        with contextlib.suppress(BlockingIOError, OSError):
            while data := os.read(self._screen, 65_536):
                self.seen += data.decode("latin-1")
        return self.seen[self._read :]

    def until(self, *texts: str) -> str:
        """What came up to and with the first of `texts` that came."""
        end = time.monotonic() + WITHIN_S
        while not any(text in (new := self.look()) for text in texts):
            assert time.monotonic() < end, f"no {texts!r} in {new[-2000:]!r}"
            self._turn()
        at = min(new.index(text) + len(text) for text in texts if text in new)
        self._read += at
        return new[:at]

    def type(self, text: str) -> None:
        """Keystrokes."""
        self.send(text.encode())

    def send(self, data: bytes, *, piece: int = 1024) -> None:
        """Bytes, as fast as the line takes them: a larger `piece` than is kept may lose some."""
        end = time.monotonic() + WITHIN_S
        while data:
            try:
                data = data[os.write(self._screen, data[:piece]) :]
            except BlockingIOError:
                assert time.monotonic() < end, "the line takes nothing"
            self.look()
            self._turn()

    def insist(self, text: str, wanted: str) -> None:
        """Type it, again every second, until `wanted` comes."""
        end = time.monotonic() + WITHIN_S
        again = 0.0
        while wanted not in self.look():
            now = time.monotonic()
            assert now < end, f"no {wanted!r}"
            if now >= again:
                again = now + 1
                self.type(text)
            self._turn()
        self.until(wanted)

    def command(self, line: str) -> str:
        """A command's whole answer, a screen at a time, up to its outcome."""
        self.type(f"{line}\r")
        told = self.until("\r\n= ", MORE)
        while told.endswith(MORE):
            self.type(" ")
            self.until(WIPED)
            told = told.removesuffix(MORE) + self.until("\r\n= ", MORE)
        return told + self.until("\r\n").strip()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(WITHIN_S)
        os.close(self._screen)
