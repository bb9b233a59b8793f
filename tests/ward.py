"""A small ward for tests of the rules: the real engine, a ledger that is a list, and time by hand.

People act through it as they would at the cabinet; nothing here repeats a rule.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import Journal, replay
from cabinet.messages import Screen
from cabinet.plan import Drawer, Plan, Pocket, Rules, Timings
from cabinet.state import State
from cabinet.step import Engine, Outcome
from ledger.attachment import Attachment
from ledger.store import Snapshot

NOON_MS = 1_790_000_000_000
PIN = "73910264"
SENSOR = "5a" * 16  # the finger sensor's identity
PLAN = Plan(
    "Ward 1",
    (
        Drawer("D1", "Drawer 1", "single", (Pocket("P1", "OXY5", "CII"),)),
        Drawer("D2", "Drawer 2", "single", (Pocket("P2", "MOR10", "CII"),)),
        Drawer("D3", "Drawer 3", "matrix", (Pocket("M1", "PARA"), Pocket("M2", "IBU"))),
        Drawer("R1", "Return bin", "return_bin"),
    ),
    Timings(),
    Rules(),
)
MEDICINES = (
    r.MedicineListed(
        "OXY5", "oxyCODONE", "", "5 mg", "tablet", "CII", "tablet", "opioid", "00000-0001-01", True
    ),
    r.MedicineListed(
        "MOR10", "morphine", "", "10 mg", "tablet", "CII", "tablet", "opioid", "00000-0001-02", True
    ),
    r.MedicineListed(
        "PARA", "paracetamol", "", "500 mg", "tablet", "none", "tablet", "analgesic", "", False
    ),
    r.MedicineListed(
        "IBU", "ibuprofen", "", "400 mg", "tablet", "none", "tablet", "NSAID", "", False
    ),
)
# staff id -> (given, family, role, slots)
PEOPLE = {
    "A1": ("Ada", "Admin", "administrator", (0,)),
    "A2": ("Abe", "Admin", "administrator", (2,)),
    "N1": ("Nina", "Nurse", "nurse", (4,)),
    "N2": ("Noel", "Nurse", "nurse", (6,)),
    "N3": ("Nora", "NoFinger", "nurse", ()),
    "P1": ("Paul", "Pharmacist", "pharmacist", (8,)),
    "P2": ("Petra", "Pharmacist", "pharmacist", (14,)),
    "C1": ("Cleo", "Charge", "charge_nurse", (12,)),
    "T1": ("Tess", "Technician", "pharmacy_technician", (10,)),
}


def badge(staff_id: str) -> str:
    """The keyed hash that stands for a person's badge."""
    return hashlib.sha256(staff_id.encode()).hexdigest()


@dataclass(frozen=True)
class ListEntry:
    """An entry of the list."""

    body: bytes


class ListSink:
    """A ledger that is a list; `fail` makes the next append raise."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.attached: list[Attachment] = []
        self.fail = False
        self.kept: Snapshot | None = None

    @property
    def size(self) -> int:
        return len(self.bodies)

    def append(
        self,
        bodies: Sequence[bytes],
        attachments: Sequence[Attachment] = (),
        erasures: Sequence[tuple[int, bytes]] = (),
    ) -> int:
        if self.fail:
            raise OSError("disk full")
        first = self.size + 1
        self.bodies += bodies
        self.attached += attachments
        erased = [hashed for _, hashed in erasures]
        self.attached = [it for it in self.attached if it.hash not in erased]
        return first

    def entries(self, start: int = 1) -> Iterator[ListEntry]:
        return (ListEntry(body) for body in self.bodies[start - 1 :])

    def attachment(self, hashed: bytes) -> Attachment | None:
        return next((it for it in self.attached if it.hash == hashed), None)

    def snapshot(self) -> Snapshot | None:
        return self.kept


def _hash_of(pin: str) -> str:
    return f"hash of {pin}"


class Ward:
    """A cabinet in service with its people, two patients and full pockets."""

    hashed: Callable[[str], str] = staticmethod(_hash_of)  # a PIN, for keeping
    _boots = 1

    def __init__(self, plan: Plan = PLAN, *, stocked: bool = True) -> None:
        self.sink = ListSink()
        self.now_ms = 0
        self.wall_ms = NOON_MS
        self._draws = 0
        self.commands: list[e.Command] = []
        self.positions = {drawer.id: "latched" for drawer in plan.drawers}
        self.plan = plan
        self.engine = Engine(State(), Journal(self.sink, "ward-1", "boot-1", self._random))
        self.do(e.Create("Ward 1", True, "test", ("code-1", "code-2"), 72, 2))
        self.start()
        self.do(e.DeviceChanged("fingerprint", "", SENSOR))
        self._enrol("A1", "code-1")
        self._enrol("A2", "code-2")
        self._import()
        for staff_id in PEOPLE:
            if staff_id[0] != "A":
                self._invite_and_enrol(staff_id)
        if stocked:
            for pocket in ("P1", "P2", "M1", "M2"):
                self.load("T1", pocket, 20)
        self.commands.clear()

    def _random(self, size: int) -> bytes:
        self._draws += 1
        return hashlib.sha256(b"ward" + self._draws.to_bytes(4, "big")).digest()[:size]

    # --- the machine ------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self.engine.state

    def do(self, event: e.Event) -> Outcome:
        """One step."""
        moment = e.Moment(
            self.wall_ms + self.now_ms, self.now_ms, self._random(32), dict(self.positions)
        )
        outcome = self.engine.step(event, moment)
        self.commands += outcome.commands
        return outcome

    def start(self) -> Outcome:
        return self.do(e.Start("test", self.plan, tuple(self.positions.items())))

    def restart(self) -> Outcome:
        """Power off and on: the engine is gone, the ledger is replayed."""
        self.commands.clear()
        self._boots += 1
        journal = Journal(self.sink, "ward-1", f"boot-{self._boots}", self._random)
        self.engine = Engine(replay(self.sink), journal)
        return self.start()

    def wait(self, seconds: float) -> None:
        """Time passes, with a tick each second."""
        for _ in range(int(seconds)):
            self.now_ms += 1000
            self.do(e.Tick())

    def screen(self) -> Screen:
        return screens.show(self.state, self.engine.place, self.wall_ms + self.now_ms)

    def press(self, button: str, text: str = "") -> Outcome:
        return self.do(e.Pressed(button, text))

    def command(self, kind: type) -> Any:
        """The last command of this kind."""
        return next(c for c in reversed(self.commands) if isinstance(c, kind))

    def records(self, kind: type | None = None) -> list[Any]:
        """The ledger's records, of one kind if given."""
        found = [r.decode_body(data).record for data in self.sink.bodies]
        return [record for record in found if kind is None or isinstance(record, kind)]

    # --- people -----------------------------------------------------------------------------------

    def hire(self, staff_id: str, role: str) -> None:
        """Somebody of another role comes by a list and enrols without a finger."""
        row = e.PersonRow(staff_id, "Sven", "Service", role, badge(staff_id))
        self.do(e.Import("test", people=(("people.csv:2", row),)))
        self._invite_and_enrol(staff_id)

    def _enrol(self, staff_id: str, code: str) -> None:
        given, family, _, slots = PEOPLE.get(staff_id, ("", "", "", ()))
        self.enter(code)
        if self.engine.place.page == "enrol_staff_id":
            self.press("staff_id", staff_id)
            self.press("family", family)
            self.press("given", given)
        self.do(e.BadgeSeen(badge(staff_id)))
        self.press("new_pin", PIN)
        self.do(e.PinHashed(self.command(e.HashPin).request, self.hashed(PIN)))
        self.press("same_pin", PIN)
        self.do(e.PinChecked(self.command(e.CheckPin).request, True))
        if self.engine.place.page == "enrol_copies":
            self.press("copies")
        if slots:
            request = self.command(e.EnrolFinger)
            self.do(e.FingerSeen(request.request, "enrolled", request.slot))
        self.press("without_finger")
        assert self.state.people[self.state.by_staff_id[staff_id]].enrolled

    def enter(self, code: str, by: str = "A2") -> Outcome:
        """Type a code, hashed to `code`: at the first screen, or beside an enroller, `by`."""
        issued = self.state.codes.get(code)
        if issued is not None and issued.person:
            self.stand_by(by)
        elif self.screen().name != "code_entry":
            self.press("have_code")
        beside = self.engine.place.page == "enrolling"
        self.press("stand_by" if beside else "code", "K7QM-2XWP-9HTA")
        return self.do(e.CodeHashed(self.command(e.HashCode).request, code))

    def number(self, page: str, human: str = "") -> Outcome:
        """The person number of somebody who is added, hashed to `human`; "" for none."""
        self.press(page, human)
        asked = self.command(e.HashNumbers)
        return self.do(e.NumbersHashed(asked.request, f"hash of {asked.staff_id}", human))

    def stand_by(self, staff_id: str) -> None:
        """An enroller signs in and goes to where a newcomer types a code."""
        self.sign_in(staff_id)
        if self.screen().name != "menu":
            self.press("menu")
        self.press("enrolling")

    def _import(self) -> None:
        people = tuple(
            (f"people.csv:{line}", e.PersonRow(s, given, family, role, badge(s)))
            for line, (s, (given, family, role, _)) in enumerate(PEOPLE.items(), 2)
        )
        patients = (
            e.PatientRow("1001", "Hope", "Franklin", "1961-04-05", "female", "1A", "", ("N1",)),
            e.PatientRow("1002", "Frank", "Moss", "1975-01-02", "male", "1B", "latex", ("N1",)),
        )
        orders = tuple(
            e.OrderRow(
                order, number, medicine, 2, "10 mg", "by mouth", "now", "pain", NOON_MS - 1, 0
            )
            for order, number, medicine in (
                ("O1", "1001", "OXY5"),
                ("O2", "1001", "PARA"),
                ("O3", "1002", "MOR10"),
            )
        )
        outcome = self.do(
            e.Import(
                "test",
                tuple((f"formulary.csv:{n}", m) for n, m in enumerate(MEDICINES, 2)),
                people,
                tuple((f"patients.csv:{n}", p) for n, p in enumerate(patients, 2)),
                tuple((f"orders.csv:{n}", o) for n, o in enumerate(orders, 2)),
            )
        )
        assert not outcome.refusal, outcome.report

    def _invite_and_enrol(self, staff_id: str) -> None:
        self.sign_in("A1")
        self.press("invite")
        while f"issue:{self.ref(staff_id)}" not in screens.buttons(self.screen()):
            self.press("more")
        self.press(f"issue:{self.ref(staff_id)}")
        code = f"code of {staff_id}"
        self.do(e.CodeMade(self.command(e.MakeCode).request, "plain", code))
        self.press("menu")
        self.press("sign_out")
        self._enrol(staff_id, code)

    def ref(self, staff_id: str) -> str:
        return self.state.by_staff_id[staff_id]

    def prove(self, staff_id: str) -> Outcome:
        """Badge, then finger, or PIN for who has no finger."""
        self.do(e.BadgeSeen(badge(staff_id)))
        person = self.state.people[self.ref(staff_id)]
        if person.slots and self.engine.place.page == "finger":
            request = self.command(e.VerifyFinger).request
            return self.do(e.FingerSeen(request, "matched", person.slots[0]))
        if self.engine.place.page == "finger":
            self.press("use_pin")
        self.press("pin", PIN)
        return self.do(e.PinChecked(self.command(e.CheckPin).request, True))

    def sign_in(self, staff_id: str) -> None:
        self.prove(staff_id)
        assert self.state.session is not None and self.state.session.person == self.ref(staff_id)

    # --- drawers ----------------------------------------------------------------------------------

    def move(self, drawer: str, position: str) -> Outcome:
        """The sensors of a drawer change."""
        self.positions[drawer] = position
        return self.do(e.DrawerMoved(drawer, position))

    def pull(self, drawer: str) -> Outcome:
        self.move(drawer, "unlatched")
        return self.move(drawer, "open")

    def push(self, drawer: str, *, unseen: bool = False) -> Outcome:
        """Push it shut; `unseen`: before the present screen was shown."""
        self.positions[drawer] = "latched"
        return self.do(e.DrawerMoved(drawer, "latched", unseen))

    def choose(self, order: str) -> None:
        """The patient, then the order, as far as the screen before the drawer."""
        patient = self.state.orders[order].listed.patient
        if self.engine.place.page != "home":
            self.press("home")
        self.press(f"patient:{patient}")
        self.press(f"order:{order}")

    def remove(self, order: str, count: int | None = None) -> str:
        """A whole removal; its reference."""
        self.choose(order)
        self.press("open")
        assert self.state.access is not None
        drawer = self.state.access.started.drawer
        self.pull(drawer)
        if count is not None:
            self.press("count", str(count))
        self.push(drawer)
        return str(self.records(r.RemovalTaken)[-1].removal)

    def load(self, staff_id: str, pocket: str, quantity: int) -> None:
        """A whole load by a technician or pharmacist."""
        self.sign_in(staff_id)
        if self.engine.place.page != "menu":
            self.press("menu")
        self.press("load_list")
        while f"load:{pocket}" not in screens.buttons(self.screen()):
            self.press("more")
        self.press(f"load:{pocket}")
        self.press("expiry", "122031")
        self.press("load_quantity", str(quantity))
        self.press("open_load")
        drawer = self.state.pockets[pocket].drawer
        self.pull(drawer)
        self.press("count", str(self.state.on_hand(pocket)))
        self.push(drawer)
        self.press("sign_out")
