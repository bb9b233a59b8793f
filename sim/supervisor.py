"""What systemd does on a cabinet, done for the demo: programs kept running, requests carried out.

The units of systemd/ are not here, but what they run is: the same commands, without a word from
outside. One rule: a request is an empty file that is removed before it is carried out, as there.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cabinet import system_units
from cabinet.configuration import Configuration
from cabinet.service_records import SystemAct
from cabinet.system_answers import MOST_ROWS, UNITS, Told
from cabinet.system_requests import ACTS

RESTART_AFTER_S = 1.0  # as the controller's unit does
STOP_WITHIN_S = 10.0
MOST_LOG_BYTES = 512 * 1024  # of the end of each program's log


class Child:
    """A program of the cabinet, kept running while it is wanted, and never after this process.

    Any thread may want it; only the main thread starts it, in `look`: the system ends a program
    with the thread that started it (PR_SET_PDEATHSIG, prctl(2)).
    """

    def __init__(self, name: str, arguments: list[str], folder: Path, **environment: str) -> None:
        self._name, self._arguments, self._environment = name, arguments, environment
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()
        self._wanted = False

    def start(self) -> None:
        """Want it to run."""
        self._wanted = True

    def look(self) -> None:
        """Start it if it is wanted; a while later if it ended by itself, as systemd would."""
        with self._guard:
            running = self._process is not None and self._process.poll() is None
            ended = self._process is not None and not running
        if running or not self._wanted:
            return
        if ended:
            print(f"The {self._name} ended and is started again; see {self._log}", file=sys.stderr)
            time.sleep(RESTART_AFTER_S)
        with self._guard:
            if self._wanted:
                self._process = started(self._arguments, self._log, self._environment)

    def kill(self) -> None:
        """As a power cut does."""
        with self._guard:
            self._wanted = False
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                self._process = None

    def stop(self) -> None:
        """In order; killed when it takes too long."""
        with self._guard:
            self._wanted = False
            if self._process is None or self._process.poll() is not None:
                return
            self._process.terminate()
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                print(f"The {self._name} did not stop in time and was killed.", file=sys.stderr)
                self._process.kill()
                self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop it in order; `look` starts it again."""
        self.stop()
        self.start()

    @property
    def wanted(self) -> bool:
        """Whether it runs, or is about to be started again."""
        return self._wanted


def started(
    arguments: list[str], log: Path, environment: dict[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """A `cabinet` command as a process of its own, which ends with this one."""
    leash = ["setpriv", "--pdeathsig", "KILL", "--"]  # of util-linux, which every Debian has
    with log.open("ab") as stream:
        return subprocess.Popen(
            [*leash, sys.executable, "-m", "cabinet.cli", *arguments],
            env={**os.environ, **(environment or {})},
            stdout=stream,
            stderr=stream,
            start_new_session=True,  # Ctrl-C is this process's to pass on, in order
        )


class Supervisor:
    """Looks for requests, as the path units do; called by the main thread only."""

    def __init__(
        self, folder: Path, configuration: Configuration, controller: Child, touchscreen: Child
    ) -> None:
        self._folder, self._configuration = folder, configuration
        self._requests = folder / configuration.paths.requests
        (folder / configuration.paths.facts).mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / configuration.paths.support).mkdir(mode=0o700, exist_ok=True)
        self._running: list[tuple[subprocess.Popen[bytes], tuple[str, ...]]] = []
        self._carry_out: dict[SystemAct, Callable[[], None]] = {
            "restart-controller": controller.restart,
            "restart-touchscreen": touchscreen.restart,
            "poweroff": controller.stop,
            "logs": self._logs,
            "network": lambda: self._run(("system", "network")),
            "verify": lambda: self._run(("verify", "--answer", str(self._answer("verify")))),
            "bundle": self._bundle,
            "bundle-usb": lambda: self._bundle("system", "usb"),
        }

    def look(self) -> None:
        """Carry out what is asked for."""
        for act in ACTS:
            if not (self._requests / act).exists():
                continue
            (self._requests / act).unlink()
            self._carry_out[act]()
        ended = [it for it in self._running if it[0].poll() is not None]
        self._running = [it for it in self._running if it not in ended]
        for _, command in ended:
            if command:
                self._run(command)

    def stop(self) -> None:
        """What still runs is of no use any more."""
        for process, _ in self._running:
            process.kill()
            process.wait()

    def _answer(self, act: SystemAct) -> Path:
        return system_units.requests(self._configuration, self._folder).answer_file(act)

    def _run(self, command: tuple[str, ...], then: tuple[str, ...] = ()) -> None:
        """A command, and another after it, as the units' order has it."""
        name, *rest = command
        arguments = [name, "--config", str(self._folder / "cabinet.toml"), *rest]
        self._running.append((started(arguments, self._folder / "system.log"), then))

    def _bundle(self, *then: str) -> None:
        self._logs()
        self._run(("system", "bundle"), then)

    def _logs(self) -> None:
        """In the place of the journal: the logs of the demo's programs."""
        rows = [row for unit in UNITS for row in log_rows(self._folder / f"{unit}.log", unit)]
        system_units.keep(self._answer("logs"), Told("ok", rows=system_units.kept_rows(rows)))


def log_rows(file: Path, unit: str) -> list[system_units.LogRow]:
    """The end of a program's log; a line without a time has that of the one before."""
    if not file.exists():
        return []
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - MOST_LOG_BYTES))
        lines = stream.read(MOST_LOG_BYTES).decode("utf-8", "replace").split("\n")
    rows: list[system_units.LogRow] = []
    seconds = str(int(file.stat().st_mtime))
    for line in filter(None, lines):
        when, _, rest = line.partition(" ")
        try:
            seconds, text = str(int(datetime.fromisoformat(when).timestamp())), rest
        except (ValueError, OverflowError, OSError):
            text = line
        rows.append((seconds, unit, text))
    return rows[-MOST_ROWS:]
