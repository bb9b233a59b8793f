"""Making the demo cabinet: its ledger, its invented people enrolled, its pockets loaded.

It goes the way a real one goes: codes, enrolment at the screen, import, loads through open drawers;
only the hands and the clock are simulated. One rule: it is made beside its folder and put in place
whole, so that a half-made one never counts.
"""

import secrets
import shutil
import time
from collections.abc import Callable, Container
from functools import partial
from pathlib import Path
from typing import Any

from auth import templates
from auth.pins import MEMORY_KIB, PinHasher, keyed_hash, plain_code
from cabinet import configuration as site
from cabinet import events as e
from cabinet import incoming_lists, provision, screens, whole_file
from cabinet import keys as key_files
from cabinet import records as r
from cabinet.configuration import Configuration, plan_of
from cabinet.journal import Attachments, Journal, replay
from cabinet.lists import BADGE_PURPOSE
from cabinet.secrets_worker import answer
from cabinet.step import Engine
from cabinet.version import VERSION
from drivers.fingerprint_session import marked_page
from ledger.store import Store
from sim.cabinet import SimulatedCabinet
from sim.fingerprint_sensor import MODEL, finger_in, template_of
from sim.medicines import DEMO, Stock, stock
from sim.people import PEOPLE, TECHNICIAN, Person
from sim.phone import STEP_S, code_of, secret_of
from sim.technicians import DEMO_FLEET, demo_ca, demo_vendor, keep_app
from sim.world import World

PIN_PASSES = 2  # a demo's PINs are printed on the bench
RECOVERY_CARDS = "recovery-cards.txt"  # a demo's; a real cabinet's are on paper only
GESTURE_MS = 700  # between two gestures of the people who set the demo up
SET_UP_AGO_MS = 3_600_000  # it was set up an hour ago, so that its entries are in the past
RandomBytes = Callable[[int], bytes]


class SetUp:
    """The people who set a demo cabinet up, at its engine and its (unpowered-clock) world."""

    def __init__(
        self,
        folder: Path,
        configuration: Configuration,
        random_bytes: RandomBytes,
        *,
        began_ms: int | None = None,
        memory_kib: int = MEMORY_KIB,
        no_copies: Container[str] = (),
    ) -> None:
        """`began_ms` is Unix time; without it they began an hour ago.

        `no_copies`: staff numbers of those who want no copy of their fingers, where one is kept.
        """
        self._no_copies = no_copies
        self._configuration, self._random = configuration, random_bytes
        self._now_ms = 0
        self._began_ms = int(time.time() * 1000) - SET_UP_AGO_MS if began_ms is None else began_ms
        made = provision.create(
            configuration,
            folder,
            random_bytes=random_bytes,
            passes=PIN_PASSES,
            now_ms=self._began_ms,
        )
        self.codes = [plain_code(code) for code in made.codes]
        cards = "".join(f"{' '.join(card)}\n" for card in made.cards)
        whole_file.replace(folder / RECOVERY_CARDS, cards.encode())
        self._keys = key_files.load(folder / configuration.paths.keys)
        self._store = Store.open(folder / configuration.paths.ledger, self._keys.ledger)
        journal = Journal(self._store, configuration.cabinet.id, "set-up", random_bytes)
        self.engine = Engine(replay(self._store), journal)
        self.world = World(configuration, clock=lambda: self._now_ms / 1000)
        self.templates: dict[int, str] = {}
        self._hasher = PinHasher(
            self._keys.pepper, passes=PIN_PASSES, memory_kib=memory_kib, random_bytes=random_bytes
        )
        self._person = PEOPLE[0]
        self._code = ""
        self.notepad: dict[int, bytes] = {}
        self.do(e.Start(VERSION, plan_of(configuration), tuple(self._positions().items())))
        self.do(e.DeviceChanged("fingerprint", ""))  # a new sensor: it is given its mark

    def finish(self) -> None:
        """Stop in order, sign, close."""
        self.do(e.Stop())
        self._store.sign_head(provision.signer(self._configuration, self._keys))
        self._store.checkpoint()
        self._store.close()

    # --- the machine ----------------------------------------------------------------------------

    def _positions(self) -> dict[str, str]:
        positions = {}
        for drawer in self.world.view().drawers:
            shut = "latched" if drawer.hook_engaged else "unlatched"
            positions[drawer.id] = "open" if drawer.is_open else shut
        return positions

    def do(self, event: e.Event) -> None:
        """One step, then what it commands, done at once by the people and the world."""
        self._now_ms += GESTURE_MS
        moment = e.Moment(
            self._began_ms + self._now_ms, self._now_ms, self._random(32), self._positions()
        )
        outcome = self.engine.step(event, moment)
        assert not outcome.refusal, f"{outcome.refusal} {outcome.report}"
        for command in outcome.commands:
            self._carry_out(command)

    def _carry_out(self, command: e.Command) -> None:
        match command:
            case e.Pulse():
                setup = next(w for w in self._configuration.drawer if w.id == command.drawer)
                self.world.output(setup.lock_pin, True)
                self._now_ms += self._configuration.timings.pulse_ms
                self.world.output(setup.lock_pin, False)
                self.do(e.PulseEnded(command.drawer))
                self._moved(command.drawer)
            case e.EnrolFinger():
                fingers = self._person.fingers[len(self.engine.place.newcomer.slots) :]
                if not fingers:
                    self.do(e.FingerSeen(command.request, "timed_out"))
                    return
                self.templates[command.slot] = fingers[0]
                self.do(e.FingerSeen(command.request, "enrolled", command.slot))
            case e.VerifyFinger() if not self._person.fingers:
                self.press("use_pin")
                if not self._person.pin.isdigit():
                    self.press("use_letters")
                self.press("pin", self._person.pin)
            case e.VerifyFinger():
                slot = next(s for s, f in self.templates.items() if f in self._person.fingers)
                self.do(e.FingerSeen(command.request, "matched", slot))
            case e.DeleteFinger():
                self.templates.pop(command.slot, None)
                self.do(e.FingerSeen(command.request, "deleted", command.slot))
            case e.ReadFinger():
                nonce = self._random(templates.NONCE_BYTES)
                seal = templates.sealing(self._keys.pepper, command.person, nonce)
                sealed = seal(MODEL, bytearray(template_of(self.templates[command.slot])))
                self.do(e.FingerSeen(command.request, "read", command.slot, sealed=sealed))
            case e.LoadFinger():
                kept = Attachments(self._store)[command.template]
                assert isinstance(kept, r.KeptTemplate)
                unseal = templates.unsealing(self._keys.pepper, command.person, kept.sealed)
                template = unseal(MODEL)
                assert template is not None
                self.templates[command.slot] = finger_in(bytes(template))
                self.do(e.FingerSeen(command.request, "loaded", command.slot))
            case e.MarkSensor():
                self.notepad[0] = marked_page(command.identity)
                self.do(e.DeviceChanged("fingerprint", "", command.identity))
            case e.CancelFinger() | e.AskKey() | e.CancelKey() | e.LookAtFinger() | e.AskSystem():
                pass  # nobody's finger is on the glass, and no technician is there
            case _:
                made = answer(command, self._hasher, self._keys.pepper, self._random)
                if isinstance(made, e.CodeMade):
                    self._code = plain_code(made.plain)
                self.do(made)

    def _moved(self, drawer: str) -> None:
        self.do(e.DrawerMoved(drawer, self._positions()[drawer]))

    def press(self, button: str, text: str = "") -> None:
        """Press a button of the present screen, turning pages until it is there."""
        pages = 0
        while button not in screens.buttons(self._screen()) and pages < 50:
            self.do(e.Pressed("more"))
            pages += 1
        self.do(e.Pressed(button, text))

    def _screen(self) -> Any:
        engine = self.engine
        return screens.show(engine.state, engine.place, self._began_ms + self._now_ms)

    # --- the people -----------------------------------------------------------------------------

    def _badge(self, person: Person) -> e.BadgeSeen:
        self._person = person
        return e.BadgeSeen(keyed_hash(self._keys.pepper, BADGE_PURPOSE, person.badge))

    def show_badge(self, person: Person) -> None:
        """Hold the badge to the reader, then a finger to the sensor."""
        self.do(self._badge(person))

    @property
    def code(self) -> str:
        """The last one-time code that was made."""
        return self._code

    def enrol(self, person: Person, code: str, enroller: Person | None = None) -> None:
        """Enrol at the screen with a one-time code, two fingers and all, beside an enroller."""
        if enroller is None:
            self.press("have_code")
            self.press("code", code)
        else:
            self.do(self._badge(enroller))
            self.press("enrolling")
            self.press("stand_by", code)
        if self.engine.place.page == "enrol_staff_id":
            self.press("staff_id", person.staff_id)
            self.press("family", person.family)
            self.press("given", person.given)
        self.do(self._badge(person))
        if not person.pin.isdigit():
            self.press("phrase_instead")
        self.press("new_pin", person.pin)
        self.press("same_pin", person.pin)
        if self.engine.place.page == "enrol_copies":
            self.press("no_copies" if person.staff_id in self._no_copies else "copies")
        if self.engine.place.page == "enrol_skipped":
            self.press("without_finger")

    def hire(self, person: Person) -> None:
        """Somebody comes by a list of their own."""
        badge = keyed_hash(self._keys.pepper, BADGE_PURPOSE, person.badge)
        row = e.PersonRow(person.staff_id, person.given, person.family, person.role, badge)
        self.do(e.Import("people.csv", people=(("people.csv:2", row),)))

    def find(self, person: Person) -> None:
        """The person's page, for the administrator who is signed in."""
        self.press("people")
        self.press("find_person")
        self.press("find_people", person.staff_id)
        self.press(f"person:{self.engine.state.by_staff_id[person.staff_id]}")

    def add_app(self, person: Person) -> bytes:
        """The authenticator app on the person's phone; its secret."""
        self.show_badge(person)
        self.press("authenticator")
        self.press("add_totp")
        secret = secret_of(self.engine.place.shown_code)
        step = (self._began_ms + self._now_ms) // 1000 // STEP_S
        self.press("same_totp", code_of(secret, step))
        self.press("sign_out")
        return secret

    def invite(self, administrator: Person, person: Person) -> str:
        """An administrator issues a code for a listed person."""
        self.do(self._badge(administrator))
        self.press("invite")
        self.press(f"issue:{self.engine.state.by_staff_id[person.staff_id]}")
        self.press("menu")
        self.press("sign_out")
        return self._code

    def take_lists(self, folder: Path) -> None:
        """Those in a folder, as `cabinet import` takes them."""
        keyed = partial(keyed_hash, self._keys.pepper)
        for event in incoming_lists.read(self._configuration, folder, keyed, staff_alone=False):
            self.do(event)

    def load(self, person: Person, shelf: Stock) -> None:
        """A technician loads one pocket: counts it empty, puts the stock in, shuts the drawer."""
        pocket = self.engine.state.pockets[shelf.pocket]
        listed = self.engine.state.medicines[pocket.plan.medicine]
        self.press("load_list")
        self.press(f"load:{shelf.pocket}")
        self.do(e.CodeSeen(listed.ndc.replace("-", ""), shelf.lot, shelf.expires))
        self.press("load_quantity", str(shelf.count))
        self.press("open_load")
        self.world.pull(pocket.drawer)
        self._moved(pocket.drawer)
        self.press("count", "0")
        self.world.put(shelf.pocket, shelf.count)
        self.world.push(pocket.drawer)
        self._moved(pocket.drawer)
        self._now_ms += self._configuration.timings.rest_ms

    def stock_up(self, person: Person, shelves: dict[str, Stock]) -> None:
        """The technician loads every pocket in one session."""
        self.do(self._badge(person))
        for shelf in shelves.values():
            self.load(person, shelf)
        self.press("sign_out")


def make(folder: Path, *, random_bytes: RandomBytes = secrets.token_bytes) -> None:
    """The demo cabinet in `folder`, made whole beside it first."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True, mode=0o700)
    shutil.copy(DEMO / "cabinet.toml", fresh / "cabinet.toml")
    with (fresh / "cabinet.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[service]\nbundle_key = "{demo_vendor(fresh)}"\n')
        file.write('sign_in = ["certificate", "code"]\n')
        if ca := demo_ca(fresh):
            file.write(f'ca = ["{ca}"]\nfleet = "{DEMO_FLEET}"\n')
    configuration = site.load(fresh / "cabinet.toml")
    setup = SetUp(fresh, configuration, random_bytes)
    first, second = (person for person in PEOPLE if person.role == "administrator")
    setup.enrol(first, setup.codes[0])
    setup.enrol(second, setup.codes[1])
    setup.take_lists(DEMO)
    for person in PEOPLE:
        if person.role != "administrator":
            setup.enrol(person, setup.invite(first, person), second)
    setup.hire(TECHNICIAN)
    setup.enrol(TECHNICIAN, setup.invite(first, TECHNICIAN), second)
    keep_app(fresh, setup.add_app(TECHNICIAN))
    technician = next(person for person in PEOPLE if person.role == "pharmacy_technician")
    shelves = stock(DEMO)
    setup.stock_up(technician, shelves)
    setup.finish()
    counts = {pocket: shelf.count for pocket, shelf in shelves.items()}
    cabinet = SimulatedCabinet(fresh, configuration, counts)
    cabinet.sensor.templates.update(setup.templates)
    cabinet.sensor.notepad.update(setup.notepad)
    cabinet.start()
    cabinet.stop()
    shutil.rmtree(fresh / configuration.paths.run, ignore_errors=True)
    fresh.rename(folder)
