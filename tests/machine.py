"""A simulated cabinet in this process, its controller in another, and the proofs about both."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cabinet import configuration as site
from cabinet import keys, verification
from cabinet import records as r
from ledger.store import Store
from sim.cabinet import SimulatedCabinet
from sim.fingerprint_sensor import NO_FINGER
from sim.happenings import Happening, Kind
from tests import invariants
from tests.demo import PATIENCE_S, READY_S, ROOT, person, until
from tests.peer import AGAIN_S, ScreenPeer


class Machine:
    """A simulated cabinet in this process, its controller in another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = site.load(folder / "cabinet.toml")
        self.cabinet = SimulatedCabinet(folder, self.configuration)
        self.world = self.cabinet.world
        self.cabinet.start()
        self.process: subprocess.Popen[bytes] | None = None
        self.kill_at: tuple[Kind, ...] = ()
        self.world.observe(self._happened)

    def _happened(self, happening: Happening) -> None:
        if happening.kind in self.kill_at and self.process is not None:
            self.kill_at = ()
            os.kill(self.process.pid, signal.SIGKILL)

    def start(self) -> ScreenPeer:
        """Until it shows a screen."""
        self.launch()
        socket = self.folder / "run" / "screen.sock"
        until(lambda: self._alive() and socket.exists(), READY_S)
        peer = until(lambda: self._alive() and self._connect(socket), READY_S)
        assert peer
        return peer

    def launch(self) -> None:
        """The controller's process, and no more."""
        (self.folder / "run" / "screen.sock").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "cabinet.cli",
                "controller",
                "--config",
                str(self.folder / "cabinet.toml"),
            ],
            cwd=ROOT,
            env={**os.environ, "CABINET_SIM_SOCKET": str(self.cabinet.socket)},
            stderr=(self.folder.parent / "controller.log").open("ab"),
        )

    def _alive(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log()
        return True

    def log(self) -> str:
        return (self.folder.parent / "controller.log").read_text()

    def _connect(self, socket: Path) -> ScreenPeer | None:
        try:
            return ScreenPeer(socket)
        except (FileNotFoundError, ConnectionError):
            return None

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        until(lambda: not self.cabinet.connected)

    def stop(self) -> None:
        try:
            if self.process is not None and self.process.poll() is None:
                self.process.terminate()
                assert self.process.wait(PATIENCE_S) == 0, self.log()
        finally:  # whatever happened, nothing is left running
            if self.process is not None and self.process.poll() is None:
                self.kill()
            self.cabinet.stop()

    def sign_in(self, peer: ScreenPeer, given: str) -> None:
        peer.sees("rest")
        self.prove(peer, given, then="patients")

    def prove(self, peer: ScreenPeer, given: str, then: str, finger: int = 0) -> None:
        """By badge and finger."""
        who = person(given)
        peer.proves(
            lambda: self.cabinet.present(who.badge),
            lambda on: self.world.touch(who.fingers[finger] if on else None),
            then,
        )

    def scan(self, peer: ScreenPeer, label: str, read: Callable[[], bool]) -> None:
        """Hold a label to the scanner until it is `read`."""
        until(lambda: self.cabinet.scan(label) and peer.look(read, AGAIN_S))

    def sensor_sees_nothing(self) -> None:
        """Wait until the sensor has looked at its glass again and found no finger."""
        sent = self.cabinet.sensor.sent
        before = sent[-1]
        until(lambda: sent[-1] is not before and sent[-1][1][9] == NO_FINGER)

    def bodies(self) -> list[r.Body]:
        configuration = self.configuration
        secret = keys.load(self.folder / configuration.paths.keys)
        with Store.open(
            self.folder / configuration.paths.ledger, secret.ledger, read_only=True
        ) as store:
            return [r.decode_body(entry.body) for entry in store.entries()]

    def check(self) -> None:
        """The ledger proves itself, and the invariants hold."""
        configuration = self.configuration
        secret = keys.load(self.folder / configuration.paths.keys)
        findings, _ = verification.verify(configuration, self.folder, secret)
        assert findings.good, findings.lines()
        invariants.check(
            self.bodies(), self.world.events, rest_s=configuration.timings.rest_ms / 1000
        )
