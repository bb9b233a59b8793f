"""The live runtime: one thread on one bounded queue takes the turns; all others post to it.

Not for what a turn does (`turns.py`). One rule: an error of the ledger ends the process with every
lock shut.
"""

import logging
import os
import queue
import resource
import secrets
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cabinet import notify, provision, shut
from cabinet.anchors import RolledBack
from cabinet.configuration import Configuration
from cabinet.console_socket import ConsoleCame, ConsoleSaid, ConsoleSocket
from cabinet.devices import open_devices, pin_factory
from cabinet.gateway_socket import GatewaySaid
from cabinet.keys import Keys
from cabinet.messages import Shown
from cabinet.proof_worker import ProofWorker
from cabinet.screen_socket import PeerCame, PeerPressed, ScreenSocket
from cabinet.secrets_worker import SecretsWorker
from cabinet.step import Engine
from cabinet.turns import Incoming, Turns
from cabinet.upkeep import Reserve
from drivers import readings as d
from drivers.clock import SystemClock
from drivers.link import Link, open_serial
from drivers.security_key import HidrawLink, KeyLink
from ledger.errors import LedgerError
from ledger.store import Store

TICK_S = 0.25
MAX_WAITING = 512
MAX_PEERS_WAITING = 128  # so that no flood from outside leaves a device without room
POST_WITHIN_S = 5.0
FIRST_WORDS_S = 3.0  # each says up or down by itself; this is for a machine that is slow
FROM_PEERS = (PeerPressed, PeerCame, GatewaySaid, ConsoleCame, ConsoleSaid)
_log = logging.getLogger(__name__)


class Controller:
    """One cabinet, live."""

    def __init__(
        self,
        configuration: Configuration,
        folder: Path,
        keys: Keys,
        *,
        factory: Any = None,
    ) -> None:
        """Open the ledger and the devices; raises LedgerError, NotThisCabinet, DriverError.

        `factory` stands in for the one the configuration names; a bench of its own passes one.
        """
        self._configuration, self._folder = configuration, folder
        self._queue: queue.Queue[Incoming] = queue.Queue(MAX_WAITING)
        self._stopping = threading.Event()
        self._told = False
        self._socket: ScreenSocket | None = None
        Reserve(folder / configuration.paths.ledger).before_opening()
        self._store = Store.open(folder / configuration.paths.ledger, keys.ledger)
        clock = SystemClock()
        try:
            self._turns = Turns(
                configuration,
                folder,
                keys,
                self._store,
                clock=clock,
                wall_s=time.time,
                random_bytes=secrets.token_bytes,
            )
        except BaseException:
            self._store.close()
            raise
        state = self.engine.state
        if factory is None:
            factory = pin_factory(configuration, demo=state.demo)
        self._devices = open_devices(
            configuration, factory, clock, self._line, self.post, self._queue.put_nowait, self._key
        )
        self._secrets = SecretsWorker(
            keys.pepper, state.pin_passes, self.post, ended=self._stopping.set
        )
        self._turns.connect(self._devices, self._secrets.submit, self._show)
        self._proofs = ProofWorker(self.post, ended=self._stopping.set)
        self._console: ConsoleSocket | None = None
        self._turns.serve_technicians(self._proofs.submit)

    @property
    def engine(self) -> Engine:
        """The cabinet's state and where the person stands."""
        return self._turns.engine

    def _line(self, name: str) -> Callable[[], Link]:
        port = getattr(self._configuration.devices, name)
        return lambda: open_serial(name, str(self._folder / port.port), port.baud)

    def _key(self) -> KeyLink:
        return HidrawLink(str(self._folder / self._configuration.devices.security_key))

    def _show(self, shown: Shown) -> None:
        if self._socket is not None:
            self._socket.send(shown)

    # --- coming up and going down ---------------------------------------------------------------

    def post(self, incoming: Incoming) -> None:
        """From any thread; raises queue.Full for a peer, waits for a device."""
        if isinstance(incoming, FROM_PEERS):
            if self._queue.qsize() >= MAX_PEERS_WAITING:
                raise queue.Full
            self._queue.put_nowait(incoming)
        else:
            self._queue.put(incoming, timeout=POST_WITHIN_S)

    def stop(self, *_: object) -> None:
        """Ask the loop to end; safe in a signal handler."""
        self._told = True
        self._stopping.set()

    def run(self) -> None:
        """Read the sensors, start, and serve until told to stop."""
        devices = self._devices
        try:
            self._turns.start()
            self._secrets.start()
            self._proofs.start()
            for name, device in devices.owned():
                threading.Thread(target=self._own, args=(name, device), name=name).start()
            self._first_words()
            run = self._folder / self._configuration.paths.run
            run.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._socket = ScreenSocket(run / "screen.sock", self.post)
            self._turns.outside.listen(self.post)
            console = self._folder / self._configuration.paths.console
            console.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._console = ConsoleSocket(console, self.post)
            self._turns.publish()
            notify.ready()
            drawers = len(self._configuration.drawer)
            _log.info("ready: %d entries, %d drawers", self._store.size, drawers)
            self._serve()
            if self._told:  # what ended otherwise was interrupted, and its record says so
                self._turns.stop()
        finally:
            self._down()

    def _first_words(self) -> None:
        """Hear whether each serial device answers, so that nobody is sent to a PIN early."""
        silent, end = ["fingerprint", "badge", "scanner"], time.monotonic() + FIRST_WORDS_S
        later: list[Incoming] = []
        while silent and (left := end - time.monotonic()) > 0:
            try:
                incoming = self._queue.get(timeout=left)
            except queue.Empty:
                break
            if isinstance(incoming, d.DeviceUp | d.DeviceDown) and incoming.device in silent:
                silent.remove(incoming.device)
                self._turns.handle(incoming)
            else:
                later.append(incoming)
        for incoming in later:
            self._turns.handle(incoming)

    def _own(self, name: str, device: Any) -> None:
        """A device's owner thread; its unforeseen end ends the controller."""
        try:
            device.run()
        except Exception:
            _log.exception("the owner of %s ended", name)
        finally:
            self._stopping.set()

    def _down(self) -> None:
        """Locks first, whatever else fails."""
        notify.stopping()
        devices = self._devices
        for _, device in devices.owned():
            device.stop()
        devices.locks.close()
        if self._socket is not None:
            self._socket.close()
        if self._console is not None:
            self._console.close()
        self._turns.outside.close()
        try:
            self._turns.sign()
        except LedgerError as error:  # the append that failed is what ended the process
            _log.error("no head signed at the end: %s", error)
        self._store.close()

    def _serve(self) -> None:
        next_tick = time.monotonic() + TICK_S
        while not self._stopping.is_set():
            wait_s = next_tick - time.monotonic()
            if wait_s <= 0:  # however much is waiting, time passes too
                self._turns.tick()
                next_tick = time.monotonic() + TICK_S
                continue
            try:
                incoming = self._queue.get(timeout=wait_s)
            except queue.Empty:
                continue
            self._turns.handle(incoming)


def serve(configuration: Configuration, folder: Path, keys: Keys) -> None:
    """Run a controller until SIGTERM or SIGINT."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # keys are in its memory
    try:
        controller = Controller(configuration, folder, keys)
    except RolledBack as error:
        shut.serve(configuration, folder, provision.anchors(configuration, folder), error)
        return
    signal.signal(signal.SIGTERM, controller.stop)
    signal.signal(signal.SIGINT, controller.stop)
    controller.run()
