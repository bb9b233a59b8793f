"""The live runtime: one thread on one bounded queue drives the engine; all others post to it.

Not for any rule. One rule: what a step commands is done only after the step returned, because only
then are its records on disk; an error of the ledger ends the process with every lock shut.
"""

import logging
import os
import queue
import secrets
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from auth.pins import keyed_hash
from cabinet import events as e
from cabinet import labels, notify, provision, screens, shut, snapshot
from cabinet.anchors import RolledBack
from cabinet.configuration import Configuration, ConfigurationError, NotThisCabinet, plan_of
from cabinet.gateway_socket import GatewaySaid
from cabinet.journal import Journal, replay
from cabinet.keys import Keys
from cabinet.lists import BADGE_PURPOSE
from cabinet.local_socket import Peer
from cabinet.messages import Answer, Screen, Shown, encode
from cabinet.outside import Outside
from cabinet.plan import CONTROLLED
from cabinet.screen_socket import PeerCame, PeerEvent, PeerPressed, ScreenSocket
from cabinet.secrets_worker import SecretsWorker
from cabinet.state import State
from cabinet.step import Engine, Outcome
from cabinet.upkeep import Reserve, Upkeep
from cabinet.version import VERSION
from drivers import readings as d
from drivers.clock import SystemClock
from drivers.fingerprint import FingerprintSensor
from drivers.lines import LineReader, badge_reader, barcode_scanner
from drivers.link import open_serial
from drivers.locks import DrawerPins, Locks
from ledger.errors import LedgerError
from ledger.store import Store

TICK_S = 0.25
MAX_WAITING = 512
POST_WITHIN_S = 5.0
FIRST_WORDS_S = 1.0
SPACE_EVERY_S = 10.0
PRODUCTION_FACTORIES = ("lgpio",)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Devices:
    """The cabinet's devices, not yet running."""

    locks: Locks
    finger: FingerprintSensor
    badge: LineReader
    scanner: LineReader


Incoming = d.Reading | PeerEvent | GatewaySaid | e.Event


def pin_factory(configuration: Configuration, *, demo: bool) -> Any:
    """gpiozero's factory named in the configuration, by its entry point; never a fallback."""
    name = configuration.devices.pin_factory
    if not demo and name not in PRODUCTION_FACTORIES:
        raise NotThisCabinet(
            f"devices.pin_factory: {name!r} is for demo cabinets; use "
            f"{' or '.join(PRODUCTION_FACTORIES)}"
        )
    found = [p for p in entry_points(group="gpiozero_pin_factories") if p.name.lower() == name]
    if not found:
        raise NotThisCabinet(f"devices.pin_factory: gpiozero knows no factory {name!r}")
    return found[0].load()()


def open_devices(
    configuration: Configuration,
    folder: Path,
    factory: Any,
    post: Callable[[d.Reading | e.Event], None],
    post_now: Callable[[d.Reading], None],
) -> Devices:
    """The drivers of the configuration's devices.

    The locks post by `post_now`, which never waits: a full queue ends their owner with every coil
    off, rather than keep one energised.
    """
    clock, devices, timings = SystemClock(), configuration.devices, configuration.timings
    pins = [
        DrawerPins(w.id, w.lock_pin, w.switch_pin, w.latch_pin, w.light_pin)
        for w in configuration.drawer
    ]

    def connect(name: str) -> Callable[[], Any]:
        port = getattr(devices, name)
        return lambda: open_serial(name, str(folder / port.port), port.baud)

    def scanned(reading: d.Reading) -> None:
        """Parsed in the scanner's own thread, off the controller's."""
        post(labels.read(reading.text) if isinstance(reading, d.CodeScanned) else reading)

    return Devices(
        Locks(
            pins,
            factory,
            clock,
            post_now,
            beeper_pin=devices.beeper_pin,
            pulse_ms=timings.pulse_ms,
            rest_ms=timings.rest_ms,
            settle_ms=timings.settle_ms,
        ),
        FingerprintSensor(
            connect("fingerprint"), clock, post, min_score=configuration.rules.finger_min_score
        ),
        badge_reader(connect("badge"), clock, post),
        barcode_scanner(connect("scanner"), clock, scanned),
    )


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
        self._configuration, self._folder, self._keys = configuration, folder, keys
        self._queue: queue.Queue[Incoming] = queue.Queue(MAX_WAITING)
        self._stopping = threading.Event()
        paths = configuration.paths
        signer = provision.signer(configuration, keys)
        self._store = Store.open(folder / paths.ledger, keys.ledger)
        try:
            state = replay(self._store)
            self._belongs(state)
            self._outside = Outside(
                configuration, folder, self._store, state, signer, time.monotonic()
            )
        except BaseException:
            self._store.close()
            raise
        boot = secrets.token_hex(8)
        journal = Journal(self._store, configuration.cabinet.id, boot, secrets.token_bytes)
        self.engine = Engine(state, journal)
        self._upkeep = Upkeep(
            self._store,
            signer,
            provision.cosigner(configuration, keys),
            cosign_every_s=configuration.timings.cosign_every_min * 60,
            wall_s=time.time,
            on_head=self._outside.keep,
        )
        if factory is None:
            factory = pin_factory(configuration, demo=state.demo)
        self._devices = open_devices(
            configuration, folder, factory, self.post, self._queue.put_nowait
        )
        self._positions: dict[str, str] = {}
        self._secrets = SecretsWorker(keys.pepper, state.pin_passes, self.post)
        self._number = secrets.randbits(32) * 1024
        self._meaning: object = None
        self._shown: Shown | None = None
        self._outputs: screens.Outputs | None = None
        self._socket: ScreenSocket | None = None
        self._reserve, self._look_at_space_s = Reserve(folder / paths.ledger), 0.0

    def _belongs(self, state: State) -> None:
        identity = self._configuration.cabinet
        if state.cabinet != identity.id:
            raise NotThisCabinet(
                f"the ledger is of cabinet {state.cabinet!r}, cabinet.toml of {identity.id!r}"
            )
        if state.demo != identity.demo:
            raise NotThisCabinet(
                f"the ledger says demo = {str(state.demo).lower()}, cabinet.toml says otherwise; "
                "a cabinet is a demo or real from its first record on"
            )
        check_stock(self._configuration, state)

    # --- coming up and going down ---------------------------------------------------------------

    def post(self, incoming: Incoming) -> None:
        """From any thread; raises queue.Full for a peer, waits for a device."""
        if isinstance(incoming, PeerPressed | PeerCame | GatewaySaid):
            self._queue.put_nowait(incoming)
        else:
            self._queue.put(incoming, timeout=POST_WITHIN_S)

    def stop(self, *_: object) -> None:
        """Ask the loop to end; safe in a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Read the sensors, start, and serve until told to stop."""
        devices = self._devices
        try:
            self._positions = {w: p.value for w, p in devices.locks.positions().items()}
            self._step(
                e.Start(VERSION, plan_of(self._configuration), tuple(self._positions.items()))
            )
            self._secrets.start()
            for name, device in (
                ("locks", devices.locks),
                ("fingerprint", devices.finger),
                ("badge", devices.badge),
                ("scanner", devices.scanner),
            ):
                threading.Thread(target=self._own, args=(name, device), name=name).start()
            self._first_words()
            run = self._folder / self._configuration.paths.run
            run.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._socket = ScreenSocket(run / "screen.sock", self.post)
            self._outside.listen(self.post)
            self._publish()
            notify.ready()
            _log.info("ready: %d entries, %d drawers", self._store.size, len(self._positions))
            self._serve()
            self._step(e.Stop())
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
                self.handle(incoming)
            else:
                later.append(incoming)
        for incoming in later:
            self.handle(incoming)

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
        for device in (devices.locks, devices.finger, devices.badge, devices.scanner):
            device.stop()
        devices.locks.close()
        if self._socket is not None:
            self._socket.close()
        self._outside.close()
        try:
            self._upkeep.sign()
        except LedgerError as error:  # the append that failed is what ended the process
            _log.error("no head signed at the end: %s", error)
        self._store.close()

    def _serve(self) -> None:
        next_tick = time.monotonic() + TICK_S
        while not self._stopping.is_set():
            wait_s = next_tick - time.monotonic()
            if wait_s <= 0:  # however much is waiting, time passes too
                self._tick()
                next_tick = time.monotonic() + TICK_S
                continue
            try:
                incoming = self._queue.get(timeout=wait_s)
            except queue.Empty:
                continue
            self.handle(incoming)

    def _tick(self) -> None:
        if time.monotonic() >= self._look_at_space_s:
            self._look_at_space_s = time.monotonic() + SPACE_EVERY_S
            self._step(e.Space(int(self._store.free_space().fraction * 100)))
            self._reserve.follow(self.engine.state.space)
        self._step(e.Tick())
        self._publish()
        now_s, accessing = time.monotonic(), self.engine.state.access is not None
        if self._upkeep.snapshot_due(now_s, accessing=accessing):
            data = snapshot.take(self.engine.state)
            size = self._upkeep.keep_snapshot(snapshot.VERSION, data)
            self._step(e.SnapshotKept(size, snapshot.VERSION, snapshot.digest(data)))
        else:
            self._upkeep.keep(now_s, accessing=accessing)
        if not accessing:
            self._outside.turn(now_s)
        for device, cause in self._outside.faults(now_s).items():
            if cause != self.engine.state.devices_down.get(device, ""):
                self._step(e.DeviceChanged(device, ""))
                self._step(e.DeviceChanged(device, cause))
        notify.watchdog()

    # --- one thing at a time --------------------------------------------------------------------

    def handle(self, incoming: Incoming) -> None:
        """One thing from the queue: its event, its step, and what people see of it."""
        match incoming:
            case PeerPressed():
                self._press(incoming)
                return
            case PeerCame():
                self._greet(incoming.peer)
                return
            case GatewaySaid():
                self._outside.take(incoming, time.monotonic())
                return
            case d.DrawerReading():
                self._positions[incoming.drawer] = incoming.position.value
                self._step(e.DrawerMoved(incoming.drawer, incoming.position.value))
            case d.PulseDone():
                self._step(e.PulseEnded(incoming.drawer))
            case d.PulseRefused():
                self._step(e.PulseEnded(incoming.drawer, incoming.why))
            case d.BadgeRead():
                badge = keyed_hash(self._keys.pepper, BADGE_PURPOSE, incoming.number)
                self._step(e.BadgeSeen(badge))
            case d.FingerReading():
                self._step(
                    e.FingerSeen(
                        incoming.request, incoming.outcome.value, incoming.slot, incoming.words
                    )
                )
            case d.DeviceDown():
                self._step(e.DeviceChanged(incoming.device, incoming.cause or "unknown"))
            case d.DeviceUp():
                self._step(e.DeviceChanged(incoming.device, ""))
            case d.CodeScanned():
                raise AssertionError("the scanner's thread parses its codes")
            case _:
                self._step(incoming)
        self._publish()

    def _step(self, event: e.Event) -> Outcome:
        outcome = self.engine.step(event, self._moment())
        entry = outcome.bodies[-1].seq if outcome.bodies else 0
        for command in outcome.commands:
            self._carry_out(command, entry)
        return outcome

    def _moment(self) -> e.Moment:
        return e.Moment(
            int(time.time() * 1000),
            int(time.monotonic() * 1000),
            secrets.token_bytes(32),
            self._positions,
        )

    def _carry_out(self, command: e.Command, entry: int) -> None:
        devices = self._devices
        match command:
            case e.Pulse():
                devices.locks.pulse(command.drawer, entry)
            case e.VerifyFinger():
                devices.finger.verify(command.request, command.slots, command.within_s)
            case e.EnrolFinger():
                devices.finger.enrol(command.request, command.slot, command.within_s)
            case e.CancelFinger():
                devices.finger.cancel(command.request)
            case _:
                self._secrets.submit(command)

    def _press(self, incoming: PeerPressed) -> None:
        press = incoming.press
        if press.number != self._number:
            answer = Answer(press.id, "old", "The screen had changed; nothing was done.")
        else:
            outcome = self._step(e.Pressed(press.button, press.text))
            done = "refused" if outcome.refusal else "done"
            answer = Answer(press.id, "done" if done == "done" else "refused", outcome.refusal)
        self._publish()
        incoming.peer.send(encode(answer))

    def _greet(self, peer: Peer) -> None:
        self._publish()
        if self._shown is not None:
            peer.send(encode(self._shown))

    # --- what people see ------------------------------------------------------------------------

    def _publish(self) -> None:
        """Show what changed: the screen to the peers, lights and beeper to the cabinet."""
        moment, engine = self._moment(), self.engine
        screen = screens.show(engine.state, engine.place, moment.wall_ms)
        meaning = self._meaning_of(screen)
        if meaning != self._meaning:
            self._meaning = meaning
            self._number += 1
        shown = Shown(
            Screen(
                self._number,
                screen.name,
                screen.title,
                screen.blocks,
                screen.actions,
                screen.banner,
                screen.person,
            ),
            screens.live(engine.state, engine.place, moment),
        )
        if shown != self._shown:
            self._shown = shown
            if self._socket is not None:
                self._socket.send(shown)
        outputs = screens.outputs(engine.state, moment)
        if outputs != self._outputs:
            self._outputs = outputs
            for drawer, lit in outputs.lights:
                self._devices.locks.light(drawer, lit)
            self._devices.locks.beep(outputs.beep)

    def _meaning_of(self, screen: Screen) -> object:
        """What the buttons of this screen mean; while it stays the same, so does the number."""
        state, place = self.engine.state, self.engine.place
        return (
            screen.name,
            screen.person,
            tuple(screens.buttons(screen)),
            place.patient,
            place.order,
            place.removal,
            place.pocket,
            place.quantity,
            place.expires,
            state.access.started.access if state.access is not None else "",
            state.attempt.id if state.attempt is not None else "",
            state.enrolment.id if state.enrolment is not None else "",
        )


def check_stock(configuration: Configuration, state: State) -> None:
    """What the formulary says against what the pockets may hold; raises ConfigurationError."""
    for index, drawer in enumerate(configuration.drawer):
        for place, pocket in enumerate(drawer.pocket):
            listed = state.medicines.get(pocket.medicine)
            if listed is None or listed.schedule == pocket.schedule:
                continue
            key = f"drawer[{index}].pocket[{place}].schedule"
            reason = f"{pocket.medicine} is {listed.schedule} in the formulary"
            if drawer.kind == "matrix" and listed.schedule in CONTROLLED:
                reason += ": a controlled substance needs a single drawer of its own"
            raise ConfigurationError(Path("cabinet.toml"), key, reason)


def serve(configuration: Configuration, folder: Path, keys: Keys) -> None:
    """Run a controller until SIGTERM or SIGINT."""
    os.umask(0o077)
    try:
        controller = Controller(configuration, folder, keys)
    except RolledBack as error:
        shut.serve(configuration, folder, provision.anchors(configuration, folder), error)
        return
    signal.signal(signal.SIGTERM, controller.stop)
    signal.signal(signal.SIGINT, controller.stop)
    controller.run()
