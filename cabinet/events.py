"""What happens to a cabinet, and what it may do about it: events in, commands out.

Plain values only. One rule: times, ids, salts and sensor readings come in with the event
(`Moment`), so that deciding needs no clock and no randomness. What was typed shows in no repr.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cabinet.plan import Plan
from cabinet.records import MedicineListed
from cabinet.service_records import SystemAct


@dataclass(frozen=True)
class Moment:
    """When an event happened, what the drawers' sensors read then, and fresh randomness.

    `positions`: drawer -> value of drivers.readings.Position. `seed`: 32 random bytes from which
    the event's ids and salts are drawn.
    """

    wall_ms: int
    mono_ms: int
    seed: bytes = field(repr=False)
    positions: Mapping[str, str] = field(default_factory=dict)

    def draw(self, index: int, size: int = 8) -> bytes:
        """The `index`th fresh random value of this event, `size` bytes (at most 32)."""
        return hashlib.sha256(self.seed + index.to_bytes(4, "big")).digest()[:size]


@dataclass(frozen=True)
class Create:
    """`cabinet init`: the first event; `codes` are keyed hashes of the two one-time codes.

    `verifier`, `recovery` and `recovery_seal` are the public keys that CabinetCreated keeps.
    """

    name: str
    demo: bool
    software: str
    codes: tuple[str, str]
    code_valid_h: int
    pin_passes: int
    verifier: str = ""
    recovery: str = ""
    recovery_seal: str = ""


@dataclass(frozen=True)
class ChangeSigningKey:
    """`cabinet keys rotate --signing`: the new public key, and the note that both keys signed."""

    verifier: str
    note: str


@dataclass(frozen=True)
class AcceptRollback:
    """`cabinet recover --accept-rollback`: what two people with the recovery key accept, and why.

    Both proved who they are before; `persons` are their references. An anchor: (size, root in hex).
    """

    reason: str
    incident: str
    persons: tuple[str, str]
    anchors: tuple[tuple[int, str], ...]
    note: str


@dataclass(frozen=True)
class RecoverAccess:
    """`cabinet recover --enrol-again`: two people, proved by PIN and cards, who enrol again.

    `codes`: one keyed hash for each.
    """

    incident: str
    persons: tuple[str, str]
    codes: tuple[str, str]
    expires_ms: int
    note: str


@dataclass(frozen=True)
class PutClockRight:
    """`cabinet recover --clock`: two people, proved as before, attest that the clock is right."""

    incident: str
    persons: tuple[str, str]
    ahead_ms: int
    note: str


@dataclass(frozen=True)
class Start:
    """The controller came up and has read its sensors: (drawer, position) for each drawer."""

    software: str
    plan: Plan
    positions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Stop:
    """The controller is told to stop."""


@dataclass(frozen=True)
class SnapshotKept:
    """The state as it is now was kept as a snapshot; its entry makes it count."""

    size: int
    version: int
    digest: str


@dataclass(frozen=True)
class Space:
    """How many percent of the ledger's disk are free."""

    free_percent: int


@dataclass(frozen=True)
class Erase:
    """Erase attachments, named by hash in hex; `lawful_order` names one, or is "".

    `numbers`: where a name is somebody's present details, with the keyed hash of their staff
    number, which is given to nobody else.
    """

    names: tuple[str, ...]
    reason: str
    lawful_order: str = ""
    numbers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True)
class Pressed:
    """A button of the present screen; `text` is what was typed, whole."""

    button: str
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class DrawerMoved:
    """A drawer's sensors changed; `position` is a value of drivers.readings.Position.

    `unseen`: before the present screen was shown, so whoever moved it did not know what it says.
    """

    drawer: str
    position: str
    unseen: bool = False


@dataclass(frozen=True)
class PulseEnded:
    """The lock driver is done with a pulse; `refused` says why it did not energise the coil."""

    drawer: str
    refused: str = ""


@dataclass(frozen=True)
class BadgeSeen:
    """A badge was held to the reader; `badge` is the keyed hash of its number."""

    badge: str


@dataclass(frozen=True)
class CodeSeen:
    """A barcode was scanned, already parsed; `ndc` is "" when it is not a medicine's label."""

    ndc: str
    lot: str = ""
    expires: str = ""


@dataclass(frozen=True)
class FingerSeen:
    """The fingerprint sensor's answer; `outcome` is a value of drivers.readings.Finger."""

    request: str
    outcome: str
    slot: int | None = None
    words: str = ""
    sealed: str = field(default="", repr=False)  # the template, where it was read


@dataclass(frozen=True)
class PinChecked:
    """Whether a PIN was the right one."""

    request: str
    right: bool


@dataclass(frozen=True)
class KeySeen:
    """What a security key said; `outcome` is a value of drivers.readings.Key."""

    request: str
    outcome: str
    data: bytes = field(default=b"", repr=False)
    signature: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class KeyChecked:
    """The counter of a right proof or of a new key, -1 for a wrong one; a new key in hex."""

    request: str
    counter: int
    credential: str = ""
    public: str = ""


@dataclass(frozen=True)
class TotpMade:
    """A fresh secret for an authenticator app: to be shown once, and sealed to be kept."""

    request: str
    plain: str = field(repr=False)
    sealed: str = field(repr=False)


@dataclass(frozen=True)
class TotpChecked:
    """The step of time that a typed code was the code of, 0 for a wrong one."""

    request: str
    step: int


@dataclass(frozen=True)
class PinHashed:
    """A new PIN's encoded hash, or why it cannot be used."""

    request: str
    encoded: str = field(default="", repr=False)
    unusable: str = ""


@dataclass(frozen=True)
class CodeHashed:
    """The keyed hash of a one-time code as typed."""

    request: str
    code: str


@dataclass(frozen=True)
class NumbersHashed:
    """The keyed hashes of a staff number and of a person number; `human` is "" for none."""

    request: str
    number: str
    human: str


@dataclass(frozen=True)
class CodeMade:
    """A new one-time code, to be shown once, and its keyed hash."""

    request: str
    plain: str = field(repr=False)
    code: str


@dataclass(frozen=True)
class DeviceChanged:
    """A device stopped answering (`cause`), or answers again (cause "").

    `identity` tells a finger sensor that answers from another one, "" for one that is unmarked.
    """

    device: str
    cause: str
    identity: str = ""


@dataclass(frozen=True)
class PersonRow:
    """A row of people.csv; `badge` and `human` are keyed hashes or "".

    None is a column that the list does not have: what is known of the person stays.
    """

    staff_id: str = field(repr=False)
    given: str = field(repr=False)
    family: str = field(repr=False)
    role: str
    badge: str
    status: str | None = None
    areas: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    expires_ms: int | None = None
    human: str | None = None
    competencies: tuple[tuple[str, int], ...] | None = None
    number: str = ""  # keyed hash of the staff number


@dataclass(frozen=True)
class PatientRow:
    """A row of patients.csv; `nurses` are staff ids."""

    record_number: str = field(repr=False)
    given: str = field(repr=False)
    family: str = field(repr=False)
    born: str = field(repr=False)
    sex: str = field(repr=False)
    bed: str = field(repr=False)
    allergies: str = field(repr=False)
    nurses: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class OrderRow:
    """A row of orders.csv."""

    order: str
    record_number: str = field(repr=False)
    medicine: str
    quantity: int
    dose: str = field(repr=False)
    route: str = field(repr=False)
    frequency: str = field(repr=False)
    reason: str = field(repr=False)
    starts_ms: int
    stops_ms: int


@dataclass(frozen=True)
class Import:
    """Lists from outside, taken all or nothing; (file, line) of each row for the report."""

    source: str
    medicines: tuple[tuple[str, MedicineListed], ...] = ()
    people: tuple[tuple[str, PersonRow], ...] = ()
    patients: tuple[tuple[str, PatientRow], ...] = ()
    orders: tuple[tuple[str, OrderRow], ...] = ()


@dataclass(frozen=True)
class ServiceProved:
    """Somebody at the console holds a certified key; `session` is the one to extend, or "".

    Verified before: by ssh-keygen, over a challenge of this cabinet. `until_ms`: Unix time.
    `numbers`: the staff numbers that the certificate names.
    """

    session: str
    key: str
    person: str = field(repr=False)
    serial: int
    principal: str
    hardware: bool
    until_ms: int
    numbers: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class ServiceEntered:
    """A PIN and a code typed at the console were compared with those of `person`, "" for nobody's.

    `session` is the one to extend, or ""; `step` as in TotpChecked.
    """

    request: str
    session: str
    person: str
    pin_right: bool
    step: int


@dataclass(frozen=True)
class ServiceNotProved:
    """A sign-in at the console failed; `counts` as a wrong try or does not."""

    why: str
    key: str = ""
    counts: bool = True


@dataclass(frozen=True)
class ServiceAsked:
    """A command at the console, and for one that only reads, the digest of its answer."""

    session: str
    command: str
    arguments: tuple[str, ...] = ()
    outcome: Literal["ok", "refused", "failed"] = "ok"
    digest: str = ""


@dataclass(frozen=True)
class ServiceWrote:
    """A note of the technician's, at most console_messages.MAX_NOTE_CHARS."""

    session: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class ServiceLeft:
    """The technician logged out, or the cable is gone."""

    session: str
    why: Literal["logout", "hung_up"]


@dataclass(frozen=True)
class SystemTold:
    """What the system behind the cabinet did of what a technician asked in that session."""

    session: str
    act: SystemAct
    outcome: Literal["ok", "failed"]
    digest: str = ""


@dataclass(frozen=True)
class StaffList:
    """A signed list of everybody who works here; whoever made the event has checked the signature.

    `digest`: SHA-256 of its file in hex; `note`: what was signed. `problem` says why it is not
    believed (a key of `staff_list.PROBLEMS`), `words` where in the file; then there are no rows.
    """

    number: int = 0
    digest: str = ""
    note: str = ""
    rows: tuple[tuple[str, PersonRow], ...] = ()
    problem: str = ""
    words: str = ""


Event = (
    Create
    | ChangeSigningKey
    | AcceptRollback
    | RecoverAccess
    | PutClockRight
    | Start
    | Stop
    | SnapshotKept
    | Space
    | Erase
    | Tick
    | Pressed
    | DrawerMoved
    | PulseEnded
    | BadgeSeen
    | CodeSeen
    | FingerSeen
    | PinChecked
    | KeySeen
    | KeyChecked
    | TotpMade
    | TotpChecked
    | PinHashed
    | CodeHashed
    | NumbersHashed
    | CodeMade
    | DeviceChanged
    | Import
    | ServiceProved
    | ServiceEntered
    | ServiceNotProved
    | ServiceAsked
    | ServiceWrote
    | ServiceLeft
    | SystemTold
    | StaffList
)


# --- commands: carried out only after the records beside them are durable ------------------------


@dataclass(frozen=True)
class Pulse:
    """Energise the drawer's lock once."""

    drawer: str


@dataclass(frozen=True)
class VerifyFinger:
    """Compare the finger put on the sensor with these slots."""

    request: str
    slots: tuple[int, ...]
    within_s: int


@dataclass(frozen=True)
class LookAtFinger:
    """Check the sensor and take a picture of any finger, compared with nobody's."""

    request: str
    within_s: int


@dataclass(frozen=True)
class EnrolFinger:
    """Store the finger put on the sensor in this slot."""

    request: str
    slot: int
    within_s: int


@dataclass(frozen=True)
class DeleteFinger:
    """Empty this slot of the sensor."""

    request: str
    slot: int


@dataclass(frozen=True)
class ReadFinger:
    """Read this slot's template, sealed for `person`."""

    request: str
    slot: int
    person: str


@dataclass(frozen=True)
class LoadFinger:
    """Store the template that was sealed for `person` in this slot; `template` is its hash."""

    request: str
    slot: int
    person: str
    template: str


@dataclass(frozen=True)
class MarkSensor:
    """Have the sensor carry this identity."""

    request: str
    identity: str


@dataclass(frozen=True)
class CancelFinger:
    """The answer to this request is not wanted any more."""

    request: str


@dataclass(frozen=True)
class CheckPin:
    """Compare a PIN or passphrase with its hash ("" for nobody's: as long, and never right)."""

    request: str
    encoded: str = field(repr=False)
    pin: str = field(repr=False)


@dataclass(frozen=True)
class HashPin:
    """Hash a new PIN or passphrase, if it can be used; not with their staff number or badge in it.

    `known`: what else others know of whoever chooses a passphrase.
    """

    request: str
    pin: str = field(repr=False)
    staff_id: str = field(default="", repr=False)
    badge: str = ""
    phrase: bool = False
    known: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class AskKey:
    """Have the key with this credential (hex, "" for a new one) sign the challenge by a touch."""

    request: str
    challenge: bytes = field(repr=False)
    credential: str
    within_s: int


@dataclass(frozen=True)
class CancelKey:
    """No touch is wanted any more."""

    request: str


@dataclass(frozen=True)
class CheckKey:
    """Check what a key said: by its public key (in hex), or as a new one where that is ""."""

    request: str
    challenge: bytes = field(repr=False)
    public: str
    data: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    after: int


@dataclass(frozen=True)
class MakeTotp:
    """Make a secret for this person's authenticator app."""

    request: str
    person: str


@dataclass(frozen=True)
class CheckTotp:
    """Compare a code with the sealed secret of `person`; only a step after `after` counts."""

    request: str
    person: str
    encoded: str = field(repr=False)
    text: str = field(repr=False)
    now_s: int
    after: int


@dataclass(frozen=True)
class CheckTechnician:
    """Compare a PIN and a code typed at the console; as long for nobody's, and never right."""

    request: str
    session: str
    person: str
    encoded: str = field(repr=False)
    pin: str = field(repr=False)
    sealed: str = field(repr=False)
    text: str = field(repr=False)
    now_s: int
    after: int


@dataclass(frozen=True)
class HashCode:
    """Hash a one-time code as typed."""

    request: str
    plain: str = field(repr=False)


@dataclass(frozen=True)
class HashNumbers:
    """Hash the numbers of somebody who is added at the screen."""

    request: str
    staff_id: str = field(repr=False)
    person_number: str = field(repr=False)


@dataclass(frozen=True)
class MakeCode:
    """Make a new one-time code."""

    request: str


@dataclass(frozen=True)
class AskSystem:
    """Touch the request file of this act, for the unit that waits for it."""

    act: SystemAct


Command = (
    Pulse
    | VerifyFinger
    | LookAtFinger
    | EnrolFinger
    | DeleteFinger
    | ReadFinger
    | LoadFinger
    | MarkSensor
    | CancelFinger
    | CheckPin
    | HashPin
    | AskKey
    | CancelKey
    | CheckKey
    | MakeTotp
    | CheckTotp
    | HashCode
    | HashNumbers
    | MakeCode
    | AskSystem
)
