"""What the ledger says the cabinet is: plain values, changed by applied records alone.

Not for what a record does (`effects.py`) or what is allowed (`rules.py`). One rule: everything here
follows from the entries.
"""

from dataclasses import dataclass, field
from typing import Literal

from auth import policy
from auth.lockout import Tries
from cabinet import machines
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.machines import Model
from cabinet.plan import CONTROLLED, Drawer, Plan, Pocket, Rules, Timings
from cabinet.service_records import TechnicianDetails

CLOCK_STEP_MS = 60_000  # 21 CFR 1311.205(b)(4)(v) allows 5 minutes; a minute is already said
Status = Literal["invited", "active", "suspended", "expired", "left"]


@dataclass
class Person:
    """A person of the cabinet; names are None once erased.

    A reference and a staff number are one person's for ever, also after they left.
    """

    ref: str
    rights: r.Rights
    badge: str = ""
    standing: r.Standing = "active"
    human_hash: str = ""
    listed: bool = False  # came by a list, and so is gone when a staff list names them no more
    made_by: str = ""  # the person who added them at the screen
    spell: "Spell | None" = None  # of a temporary user, until it is over
    stopped_by: str = ""  # the person who suspended them, whom no list overrules
    slots: tuple[int, ...] = ()
    enrolled: bool = False
    copies: bool = False  # of their fingers' templates may be kept
    templates: tuple[tuple[int, str], ...] = ()  # by slot, the hash of its sealed copy
    uncopied: tuple[int, ...] = ()  # slots whose template the sensor did not give, once a try
    details_name: str = ""  # the attachments' hashes, also where they were erased
    credential_name: str = ""
    details: r.PersonDetails | None = None
    pin: str = field(default="", repr=False)
    pin_ms: int = 0  # Unix time of its choice
    totp: str = field(default="", repr=False)  # the sealed secret of their app
    totp_name: str = ""
    totp_step: int = 0  # of the newest code that was used
    key_credential: str = field(default="", repr=False)
    key_public: str = field(default="", repr=False)
    key_name: str = ""
    key_counter: int = 0

    @property
    def waits_for_pin(self) -> bool:
        """Whether their PIN alone was withdrawn, and they have not chosen a new one."""
        return self.enrolled and not self.credential_name

    @property
    def role(self) -> str:
        """A value of auth.policy.Role."""
        return self.rights.role

    @property
    def human(self) -> str:
        """The human being whose account this is: the same for two accounts of one."""
        return self.human_hash or self.ref

    def status(self, now_ms: int) -> Status:
        """Where the person stands in their life at this cabinet; `now_ms` is Unix time."""
        if self.standing != "active":
            return self.standing
        if self.rights.expires_ms and now_ms >= self.rights.expires_ms:
            return "expired"
        return "active" if self.enrolled else "invited"

    @property
    def name(self) -> str:
        """Name to show, or the reference where it was erased."""
        if self.details is None:
            return f"Person {self.ref}"
        return f"{self.details.given} {self.details.family}"


@dataclass
class Patient:
    """A patient of the ward."""

    ref: str
    nurses: tuple[str, ...]
    details_name: str
    details: r.PatientDetails | None

    @property
    def name(self) -> str:
        """Name as banners and lists show it, "FAMILY, Given"."""
        if self.details is None:
            return f"Patient {self.ref}"
        return f"{self.details.family.upper()}, {self.details.given}"


@dataclass
class Order:
    """An order; `active` until it is stopped."""

    listed: r.OrderListed
    details: r.OrderDetails | None
    active: bool = True


@dataclass
class PocketState:
    """A pocket and what is known of its contents beside the balances."""

    plan: Pocket
    drawer: str
    lot: str = ""
    expires: str = ""
    previous: str = ""  # the last person with access
    count_due: str = ""  # why its contents are in doubt, "" when they are not
    untouched: bool = True  # since it was counted empty, or ever: nobody left anything in it


@dataclass
class DrawerState:
    """A drawer; `access` allows its present opening, "" when none does."""

    plan: Drawer
    model: Model
    access: str = ""
    since_ms: int = 0  # monotonic time of its last step
    alerted: bool = False
    cause: str = ""
    used_ms: int = -1  # monotonic time of the newest entry while an access to it went on
    doubted: bool = False  # a return bin that may hold what no entry says is in it


@dataclass
class Attempt:
    """Somebody held a badge to the reader and is asked for a second factor."""

    id: str
    badge: str
    person: str
    purpose: str
    since_ms: int
    proven: tuple[str, ...] = ()  # factors that were right, before a code is asked for
    fallback: str = ""
    sensor_failed: bool = False  # the sensor could not tell: a PIN may stand in this time


@dataclass
class Session:
    """The person at the screen."""

    id: str
    person: str
    factors: tuple[str, ...]
    fallback: str
    since_ms: int = 0  # monotonic time of the last proof
    supervised: bool = False  # as it began while the finger sensor was down
    called_off_ms: int | None = None  # when a second person was not waited for any more


@dataclass
class Enrolment:
    """The holder of a code is enrolling."""

    id: str
    code: str
    person: str
    slots: tuple[int, ...]
    enroller: str = ""
    taken: bool = False  # a finger of theirs is enrolled for somebody else


@dataclass
class Access:
    """One person's access to one drawer, from the order to open until it is shut and counted."""

    started: r.AccessStarted
    since_ms: int
    opened: bool = False
    closed: bool = False
    counts: tuple[int, ...] = ()  # first counts of the present phase that differed
    found: int | None = None  # the completed count before
    found_after: int | None = None  # the completed count after a cancellation
    cancelled: bool = False


@dataclass
class Witnessing:
    """An act that waits for a second person; fields as in WitnessCalled."""

    subject: str
    quantity: int
    since_ms: int
    act: str = "waste"
    why: str = ""


@dataclass
class Spell:
    """A time that ends by itself; monotonic, while the cabinet is on (`spells.py`)."""

    lasts_ms: int
    since_ms: int  # its begin, or the start after it
    spent_ms: int = 0  # before that

    def is_over(self, mono_ms: int) -> bool:
        """Whether it has lasted as long as it may."""
        return self.spent_ms + mono_ms - self.since_ms >= self.lasts_ms


@dataclass
class Emergency:
    """Break-glass or a critical override, until it is reviewed; `ended` says why it is over."""

    id: str
    kind: r.EmergencyKind
    person: str
    second: str
    why: str
    expires_ms: int
    begun_ms: int  # wall time
    spell: Spell
    ended: str = ""


@dataclass
class Overridden:
    """A removal without an order, until it is reviewed."""

    removal: str
    person: str
    patient: str
    medicine: str
    quantity: int
    why: str
    emergency: str
    taken_ms: int
    witness: str = ""  # who attested it, where the site asks for one


@dataclass
class Removal:
    """A removal that is not yet closed at zero."""

    id: str
    started: r.AccessStarted
    quantity: int
    taken_ms: int
    outstanding: int


@dataclass
class Testing:
    """A part that a technician tests."""

    what: str
    place: str
    since_ms: int
    request: str = ""
    of: str = ""
    rest: tuple[str, ...] = ()
    failed: bool = False
    access: str = ""  # by which a lock is pulsed, "" until then


@dataclass
class Service:
    """A technician at the console; `admitted` once nobody need let them in any more."""

    id: str
    key: str
    technician: str  # the attachment's hash
    active_ms: int  # monotonic time of the last command
    ends_ms: int
    admitted: bool
    working: bool = False  # service mode
    testing: Testing | None = None
    details: TechnicianDetails | None = None
    person: str = ""  # who signed in as a person of this cabinet, without a key
    factors: tuple[str, ...] = ("certificate",)
    notes: dict[str, str] = field(default_factory=dict, repr=False)  # attachment -> its words
    people: tuple[str, ...] = ()  # of this cabinet, whose staff numbers the certificate names

    @property
    def name(self) -> str:
        """Name to show, or the key or reference where it was erased."""
        if self.details is not None:
            return self.details.name
        return f"person {self.person}" if self.person else f"key {self.key[7:15]}"


@dataclass(frozen=True)
class Load:
    """A kept template that a new sensor is to hold; `why` says that it does not, for good.

    `order` is the command under way, "" for none.
    """

    person: str
    slot: int
    template: str
    tries: int = 0
    order: str = ""
    why: str = ""


@dataclass
class Code:
    """A one-time code that may still be used."""

    person: str
    expires_ms: int
    by: str  # who issued it, "" for the first administrators and what the recovery cards let in


@dataclass
class StaffLists:
    """The newest signed staff list, and one that waits for an administrator."""

    number: int = 0
    digest: str = ""
    held: st.StaffListHeld | None = None
    accepted: str = ""  # the digest of a list that is taken although many lose their access


@dataclass(frozen=True)
class Named:
    """An attachment's kind, and the wall time of the newest entry that it tells something of."""

    kind: str
    wall_ms: int


@dataclass
class State:
    """Everything the rules and screens know."""

    cabinet: str = ""
    name: str = ""
    demo: bool = False
    pin_passes: int = 2
    verifiers: tuple[tuple[int, str], ...] = ()  # keys of heads, each with its first entry
    recovery: str = ""
    recovery_seal: str = ""
    accepted: tuple[tuple[int, str], ...] = ()  # anchors that two people accepted not to continue
    plan: Plan = field(default_factory=lambda: Plan("", (), Timings(), Rules()))
    boot: str = ""
    size: int = 0
    last_wall_ms: int = 0
    stopped: bool = True
    served: bool = False  # two administrators have enrolled, whoever of them is left
    clock_ms: int = 0  # wall time less monotonic time, at the start or the newest recorded jump
    mono_ms: int = 0  # monotonic time of the newest entry of the newest start
    space: Literal["ok", "low", "full"] = "ok"
    named: dict[str, Named] = field(default_factory=dict)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    by_badge: dict[str, str] = field(default_factory=dict)
    by_staff_id: dict[str, str] = field(default_factory=dict, repr=False)
    spent: dict[str, str] = field(default_factory=dict)  # hashed staff numbers of erased names
    staff_list: StaffLists = field(default_factory=StaffLists)
    medicines: dict[str, r.MedicineListed] = field(default_factory=dict)
    patients: dict[str, Patient] = field(default_factory=dict)
    by_record_number: dict[str, str] = field(default_factory=dict, repr=False)
    orders: dict[str, Order] = field(default_factory=dict)
    drawers: dict[str, DrawerState] = field(default_factory=dict)
    pockets: dict[str, PocketState] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    tries: dict[str, Tries] = field(default_factory=dict)
    recent_tries: tuple[int, ...] = ()  # monotonic times of the newest wrong ones of all badges
    guessed_ms: int = -1  # when it was last recorded that the cabinet is guessed at
    finger_off_ms: int = -1  # when a finger was last switched off after so many misses
    totp_step: int = 0  # of the newest code that anybody used
    sensor: str = ""  # the identity of the sensor that the slots are of
    found_sensor: str | None = None  # of another one that answers in its place
    wiping: tuple[int, ...] = ()  # slots that are nobody's and not yet proven empty
    loading: tuple[Load, ...] = ()  # fingers that the sensor does not hold (yet)
    forgotten: tuple[str, ...] = ()  # templates of nobody's fingers, to be erased
    devices_down: dict[str, str] = field(default_factory=dict)
    removals: dict[str, Removal] = field(default_factory=dict)
    discrepancies: dict[str, r.Counted] = field(default_factory=dict)
    emergencies: dict[str, Emergency] = field(default_factory=dict)
    overridden: dict[str, Overridden] = field(default_factory=dict)
    screen: Model = field(default_factory=machines.new_session)
    session: Session | None = None
    attempt: Attempt | None = None
    enrolment: Enrolment | None = None
    access: Access | None = None
    witnessing: Witnessing | None = None
    service: Service | None = None
    service_tries: Tries = field(default_factory=Tries)

    def on_hand(self, pocket: str) -> int:
        """Units that the ledger expects in the pocket."""
        held = self.pockets[pocket]
        return self.balances.get((f"pocket:{pocket}", held.plan.medicine), 0)

    def doubt(self, drawer: DrawerState, why: str = "opened without an order") -> None:
        """What is in the drawer is not known any more: its pockets are to be counted."""
        drawer.doubted = drawer.doubted or not drawer.plan.pocket
        for pocket in drawer.plan.pocket:
            self.pockets[pocket.id].count_due = why

    def controlled(self, medicine: str) -> bool:
        """Whether the medicine is a controlled substance."""
        return self.medicines[medicine].schedule in CONTROLLED

    def group(self, medicine: str) -> str:
        """The security group of a medicine of the formulary."""
        listed = self.medicines[medicine]
        return policy.group_of(listed.schedule, listed.group)

    @property
    def in_service(self) -> bool:
        """Whether two administrators have ever been enrolled; before that nothing else works."""
        if self.served:
            return True
        administrators = [
            person
            for person in self.people.values()
            if person.enrolled and person.role == "administrator"
        ]
        return len(administrators) >= 2

    def holder(self, slot: int) -> str:
        """Whose finger is in this slot of the sensor, "" for nobody's."""
        people = self.people.values()
        return next((person.ref for person in people if slot in person.slots), "")

    def free_slots(self, wanted: int, capacity: int = 1000) -> tuple[int, ...]:
        """The first sensor slots that no person has."""
        taken = [slot for person in self.people.values() for slot in person.slots]
        taken += self.wiping
        taken += [it.slot for it in self.loading if not it.why]
        return tuple(slot for slot in range(capacity) if slot not in taken)[:wanted]
