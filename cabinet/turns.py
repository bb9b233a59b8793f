"""One thing at a time: what came becomes an event, its step, its commands, and what people see.

Not for where things come from: a live controller brings threads and sockets, a simulated one brings
virtual time. One rule: what a step commands is done only after the step returned, because only then
are its records on disk.
"""

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from auth import security_keys, templates
from auth.pins import keyed_hash
from cabinet import events as e
from cabinet import notify, provision, resting, screens, snapshot
from cabinet import records as r
from cabinet.configuration import Configuration, ConfigurationError, plan_of
from cabinet.console_socket import ConsoleCame, ConsoleEvent, ConsoleGone, ConsoleSaid
from cabinet.decision import Place
from cabinet.devices import Devices
from cabinet.gateway_socket import GatewaySaid
from cabinet.journal import Attachments, Journal, replay
from cabinet.keys import Keys
from cabinet.lists import BADGE_PURPOSE
from cabinet.local_socket import Peer
from cabinet.messages import Answer, Screen, Shown, encode
from cabinet.outside import Outside
from cabinet.plan import CONTROLLED
from cabinet.proof_worker import ProofChecked, ProofJob
from cabinet.screen_socket import PeerCame, PeerEvent, PeerPressed
from cabinet.secrets_worker import Job
from cabinet.service_desk import ServiceDesk
from cabinet.service_facts import Facts
from cabinet.state import State
from cabinet.step import Engine, Outcome
from cabinet.upkeep import Reserve, Upkeep
from cabinet.version import VERSION
from drivers import readings as d
from drivers.clock import Clock
from ledger.store import Store

SPACE_EVERY_S = 10.0
REDRAWN_EVERY_MS = 5_000  # of wall time, where nothing else changed: ages, dates, what ends


Incoming = d.Reading | PeerEvent | GatewaySaid | ConsoleEvent | ProofChecked | e.Event


class Turns:
    """One cabinet at work; everything here is called by the one thread that owns its store."""

    def __init__(
        self,
        configuration: Configuration,
        folder: Path,
        keys: Keys,
        store: Store,
        *,
        clock: Clock,
        wall_s: Callable[[], float],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """Replay the store; raises LedgerError, CorruptLedger, NotThisCabinet, RolledBack.

        `wall_s` is Unix time, which may be wrong and may jump.
        """
        self._configuration, self._keys, self._store = configuration, keys, store
        self._folder = folder
        self._now_s, self._wall_s, self._random = clock.monotonic, wall_s, random_bytes
        signer = provision.signer(configuration, keys)
        state = replay(store)
        provision.check_belongs(configuration, state)
        check_stock(configuration, state)
        self.outside = Outside(configuration, folder, store, state, signer, self._now_s())
        boot = random_bytes(8).hex()
        self.engine = Engine(state, Journal(store, configuration.cabinet.id, boot, random_bytes))
        self._upkeep = Upkeep(
            store,
            signer,
            provision.cosigner(configuration, keys),
            cosign_every_s=configuration.timings.cosign_every_min * 60,
            wall_s=wall_s,
            on_head=self.outside.keep,
        )
        self._reserve = Reserve(folder / configuration.paths.ledger)
        self._look_at_space_s = 0.0
        self._positions: dict[str, str] = {}
        self._number = int.from_bytes(random_bytes(4), "big") * 1024
        self._meaning: object = None
        self._desk: ServiceDesk | None = None
        self._screened_s = 0.0  # when the present screen was shown
        self._drawn: Screen | None = None
        self._drawn_of: tuple[Place, int, int] | None = None  # place, entries, wall time
        self.shown: Shown | None = None
        self._outputs: screens.Outputs | None = None

    def connect(
        self, devices: Devices, submit: Callable[[Job], None], show: Callable[[Shown], None]
    ) -> None:
        """What commands go to: the devices, whoever hashes secrets, and the screen."""
        self._devices, self._submit, self._show = devices, submit, show

    def serve_technicians(
        self, check: Callable[[ProofJob], None], facts: type[Facts] = Facts
    ) -> None:
        """Have a desk for the maintenance console; `check` takes what proves who somebody is.

        `facts` reads what the state does not know.
        """
        about = facts(self._configuration, self._folder, self._store, lambda: self._devices)
        desk = (self._configuration, self._folder, self, about)
        self._desk = ServiceDesk(*desk, check, self._submit)

    @property
    def state(self) -> State:
        """The cabinet's state."""
        return self.engine.state

    def now_s(self) -> float:
        """Monotonic time."""
        return self._now_s()

    def wall_s(self) -> float:
        """Unix time."""
        return self._wall_s()

    def random(self, size: int) -> bytes:
        """Fresh randomness."""
        return self._random(size)

    # --- beginning and end ----------------------------------------------------------------------

    def start(self) -> None:
        """Read the sensors first, then start; a coil that was on a moment ago rests."""
        now_ms = int(self._now_s() * 1000)
        for drawer, seconds in resting.resting_s(self.engine.state, now_ms).items():
            self._devices.locks.rest(drawer, seconds)
        self._positions = {w: p.value for w, p in self._devices.locks.positions().items()}
        self.step(e.Start(VERSION, plan_of(self._configuration), tuple(self._positions.items())))

    def stop(self) -> None:
        """Told to stop."""
        self.step(e.Stop())

    def sign(self) -> None:
        """A head over everything, for the end."""
        self._upkeep.sign()
        self.outside.write()

    # --- one thing at a time --------------------------------------------------------------------

    def handle(self, incoming: Incoming) -> None:
        """One thing that came: its event, its step, and what people see of it."""
        match incoming:
            case PeerPressed():
                self._press(incoming)
                return
            case PeerCame():
                self._greet(incoming.peer)
                return
            case GatewaySaid():
                self.outside.take(incoming, self._now_s())
                return
            case (
                ConsoleCame() | ConsoleSaid() | ConsoleGone() | ProofChecked() | e.ServiceEntered()
            ):
                if self._desk is not None:
                    self._desk.take(incoming)
            case d.DrawerReading():
                self._positions[incoming.drawer] = incoming.position.value
                unseen = incoming.at_s < self._screened_s
                self.step(e.DrawerMoved(incoming.drawer, incoming.position.value, unseen))
            case d.PulseDone():
                self.step(e.PulseEnded(incoming.drawer))
            case d.PulseRefused():
                self.step(e.PulseEnded(incoming.drawer, incoming.why))
            case d.BadgeRead():
                badge = keyed_hash(self._keys.pepper, BADGE_PURPOSE, incoming.number)
                self.step(e.BadgeSeen(badge))
            case d.FingerReading():
                seen = (incoming.outcome.value, incoming.slot, incoming.words, incoming.sealed)
                self.step(e.FingerSeen(incoming.request, *seen))
            case d.KeyReading():
                outcome, said = incoming.outcome.value, (incoming.data, incoming.signature)
                self.step(e.KeySeen(incoming.request, outcome, *said))
            case d.DeviceDown():
                self.step(e.DeviceChanged(incoming.device, incoming.cause or "unknown"))
            case d.DeviceUp():
                self.step(e.DeviceChanged(incoming.device, "", incoming.identity))
            case d.CodeScanned():
                raise AssertionError("the scanner's owner parses its codes")
            case _:
                self.step(incoming)
        self.publish()

    def tick(self) -> None:
        """Time has passed: what is due of it, and one thing of the ledger's own work."""
        now_s = self._now_s()
        if now_s >= self._look_at_space_s:
            self._look_at_space_s = now_s + SPACE_EVERY_S
            self.step(e.Space(int(self._store.free_space().fraction * 100)))
            self._reserve.follow(self.engine.state.space)
        self.step(e.Tick())
        self.publish()
        accessing = self.engine.state.access is not None
        if self._upkeep.snapshot_due(now_s, accessing=accessing):
            data = snapshot.take(self.engine.state)
            size = self._upkeep.keep_snapshot(snapshot.VERSION, data)
            self.step(e.SnapshotKept(size, snapshot.VERSION, snapshot.digest(data)))
        else:
            self._upkeep.keep(now_s, accessing=accessing)
        if not accessing:
            self.outside.turn(now_s)
        for device, cause in self.outside.faults(now_s).items():
            if cause != self.engine.state.devices_down.get(device, ""):
                self.step(e.DeviceChanged(device, ""))
                self.step(e.DeviceChanged(device, cause))
        notify.watchdog()

    def step(self, event: e.Event) -> Outcome:
        """One step of the engine, and what it commands."""
        outcome = self.engine.step(event, self._moment(self._random(32)))
        entry = outcome.bodies[-1].seq if outcome.bodies else 0
        for command in outcome.commands:
            self._carry_out(command, entry)
        if self._desk is not None:
            self._desk.note(outcome.bodies)
        return outcome

    def _moment(self, seed: bytes) -> e.Moment:
        return e.Moment(
            int(self._wall_s() * 1000), int(self._now_s() * 1000), seed, self._positions
        )

    def _carry_out(self, command: e.Command, entry: int) -> None:
        devices = self._devices
        match command:
            case e.Pulse():
                devices.locks.pulse(command.drawer, entry)
            case e.VerifyFinger():
                devices.finger.verify(command.request, command.slots, command.within_s)
            case e.LookAtFinger():
                devices.finger.look(command.request, command.within_s)
            case e.EnrolFinger():
                devices.finger.enrol(command.request, command.slot, command.within_s)
            case e.DeleteFinger():
                devices.finger.delete(command.request, command.slot)
            case e.ReadFinger():
                nonce = self._random(templates.NONCE_BYTES)
                seal = templates.sealing(self._keys.pepper, command.person, nonce)
                devices.finger.read(command.request, command.slot, seal)
            case e.LoadFinger():
                kept = Attachments(self._store).get(command.template)
                sealed = kept.sealed if isinstance(kept, r.KeptTemplate) else ""
                unseal = templates.unsealing(self._keys.pepper, command.person, sealed)
                # By now another sensor may be there: it is none of its business whose finger is.
                devices.finger.load(command.request, command.slot, unseal, self.state.sensor)
            case e.MarkSensor():
                devices.finger.mark(command.request, command.identity)
            case e.AskKey():
                devices.key.ask(
                    command.request,
                    security_keys.client_hash(command.challenge),
                    bytes.fromhex(command.credential),
                    security_keys.RP_ID,
                    command.within_s,
                )
            case e.CancelKey():
                devices.key.cancel(command.request)
            case e.CancelFinger():
                devices.finger.cancel(command.request)
            case e.AskSystem():
                if self._desk is not None:
                    self._desk.request(command.act)
            case _:
                self._submit(command)

    def _press(self, incoming: PeerPressed) -> None:
        press = incoming.press
        if press.number != self._number:
            answer = Answer(press.id, "old", "The screen had changed; nothing was done.")
        else:
            outcome = self.step(e.Pressed(press.button, press.text))
            answer = Answer(press.id, "refused" if outcome.refusal else "done", outcome.refusal)
        self.publish()
        incoming.peer.send(encode(answer))

    def _greet(self, peer: Peer) -> None:
        self.publish()
        if self.shown is not None:
            peer.send(encode(self.shown))

    # --- what people see ------------------------------------------------------------------------

    def publish(self) -> None:
        """Show what changed: the screen to the peers, lights and beeper to the cabinet."""
        if self._desk is not None:
            self._desk.follow()
        moment, engine = self._moment(b""), self.engine
        shown = Shown(
            self._screen(moment.wall_ms), screens.live(engine.state, engine.place, moment)
        )
        if shown != self.shown:
            self.shown = shown
            self._show(shown)
        outputs = screens.outputs(engine.state, moment)
        if outputs != self._outputs:
            self._outputs = outputs
            for drawer, lit in outputs.lights:
                self._devices.locks.light(drawer, lit)
            self._devices.locks.beep(outputs.beep)

    def _screen(self, wall_ms: int) -> Screen:
        """The screen with its number; drawn anew when an entry, the place or time may change it."""
        engine = self.engine
        entries, times = engine.state.size, wall_ms // REDRAWN_EVERY_MS
        of = self._drawn_of
        if self._drawn is not None and of is not None:
            if of[0] is engine.place and of[1:] == (entries, times):
                return self._drawn
        screen = screens.show(engine.state, engine.place, wall_ms)
        meaning = self._meaning_of(screen)
        if meaning != self._meaning:
            self._meaning, self._screened_s = meaning, self._now_s()
            self._number += 1
        self._drawn_of = (engine.place, entries, times)
        self._drawn = replace(screen, number=self._number)
        return self._drawn

    def _meaning_of(self, screen: Screen) -> object:
        """What the buttons of this screen mean; while it stays the same, so does the number."""
        state, place = self.engine.state, self.engine.place
        return (
            screen.name,
            screen.person,
            screen.banner,
            [(button.id, button.label) for button in screens.buttons(screen).values()],
            place.patient,
            place.order,
            place.removal,
            place.changing,
            place.competency,
            place.typed,
            place.pocket,
            place.quantity,
            place.expires,
            place.why,
            place.medicine,
            place.subject,
            state.access.started.access if state.access is not None else "",
            state.attempt.id if state.attempt is not None else "",
            state.enrolment.id if state.enrolment is not None else "",
        )


def check_stock(configuration: Configuration, state: State) -> None:
    """What the formulary and the ledger say against the pockets; raises ConfigurationError.

    A pocket with stock keeps its medicine, and stays: nothing that is held is forgotten by a file.
    """
    pockets = {it.id: it.medicine for drawer in configuration.drawer for it in drawer.pocket}
    bins = {drawer.id for drawer in configuration.drawer if drawer.kind == "return_bin"}
    for (account, medicine), quantity in state.balances.items():
        kind, _, place_id = account.partition(":")
        kept = {"pocket": pockets.get(place_id) == medicine, "return_bin": place_id in bins}
        if not kept.get(kind, True):
            reason = f"{account} holds {quantity} of {medicine}: take it out before it changes"
            raise ConfigurationError(Path("cabinet.toml"), "drawer", reason)
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
