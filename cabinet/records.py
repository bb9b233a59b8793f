"""Every kind of record the ledger holds: what happened, typed, and the body it is stored in.

Not for what a record does to the state (`effects.py`). One rule: record types only grow; a field is
added with a default, never changed or removed, because ledgers written years ago must replay.

A body says what happened, never about whom in words: people, patients, badges and codes appear as
random references or keyed hashes; names and hashes of PINs are attachments, named by their hash.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from cabinet import factor_records as fr
from cabinet import service_records as sr
from cabinet import staff_records as st
from cabinet.plan import Plan, Schedule

BODY_VERSION = 1
MAX_BODY_BYTES = 16_384
PHARMACY = "pharmacy"
WASTE = "waste"
DISCREPANCY = "discrepancy"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    pass


class Posting(_Part, frozen=True, forbid_unknown_fields=True):
    """`quantity` smallest units of `medicine` came to `account` (negative: left it).

    Accounts: pharmacy, pocket:ID, return_bin:DRAWER, custody:REMOVAL, patient:REF, waste,
    discrepancy. The postings of one record sum to zero for each medicine.
    """

    account: str
    medicine: str
    quantity: int


def moved(medicine: str, quantity: int, source: str, target: str) -> tuple[Posting, ...]:
    """The two postings that move `quantity` from one account to another."""
    return (Posting(source, medicine, -quantity), Posting(target, medicine, quantity))


# --- the cabinet ------------------------------------------------------------------------------


class CabinetCreated(_Record, frozen=True, forbid_unknown_fields=True, tag="cabinet_created"):
    """The first record: this ledger belongs to this cabinet; `demo` marks a simulated one.

    `pin_passes`: Argon2id passes, tuned once on this machine. Public keys: `verifier` of the first
    heads and `recovery` of the offline recovery key, in signed-note form; `recovery_seal`, in hex,
    to which the database key is sealed.
    """

    name: str
    demo: bool
    software: str
    pin_passes: int
    verifier: str = ""
    recovery: str = ""
    recovery_seal: str = ""


class Configured(_Record, frozen=True, forbid_unknown_fields=True, tag="configured"):
    """The cabinet's make-up and settings from here on."""

    plan: Plan


class Started(_Record, frozen=True, forbid_unknown_fields=True, tag="started"):
    """The controller started and read its sensors; whatever was going on has ended here.

    `positions` are values of drivers.readings.Position. `after` says how it ended before.
    """

    software: str
    positions: tuple[tuple[str, str], ...]
    after: Literal["first", "stop", "interruption"]
    clock_back_ms: int = 0


class Stopped(_Record, frozen=True, forbid_unknown_fields=True, tag="stopped"):
    """The controller was told to stop and did."""


class SnapshotTaken(_Record, frozen=True, forbid_unknown_fields=True, tag="snapshot_taken"):
    """The state after the first `size` entries, as `version` writes it, has this SHA-256.

    It is the entry after those: a start may then replay from here on.
    """

    size: int
    version: int
    digest: str


class Erased(_Record, frozen=True, forbid_unknown_fields=True, tag="erased"):
    """The bytes of this attachment are gone with this entry's commit; its hash stays.

    `number`: the keyed hash of the staff number that somebody had, which is never given again.
    """

    attachment: str
    kind: str
    reason: str
    lawful_order: str
    number: str = ""


class SpaceChanged(_Record, frozen=True, forbid_unknown_fields=True, tag="space_changed"):
    """How much room the ledger's disk has: "ok", "low" (an alarm) or "full" (no new access)."""

    level: Literal["ok", "low", "full"]


class ClockStepped(_Record, frozen=True, forbid_unknown_fields=True, tag="clock_stepped"):
    """The wall clock went off by this much against the monotonic one (negative: back): in one jump
    or, since the start or the newest such entry, little by little."""

    by_ms: int


class TimePassed(_Record, frozen=True, forbid_unknown_fields=True, tag="time_passed"):
    """The cabinet is still on, while something goes on that ends by itself (`spells.py`)."""


class DeviceFailed(_Record, frozen=True, forbid_unknown_fields=True, tag="device_failed"):
    """A device does not answer."""

    device: str
    cause: str


class DeviceRestored(_Record, frozen=True, forbid_unknown_fields=True, tag="device_restored"):
    """A device answers again."""

    device: str


class SigningKeyChanged(
    _Record, frozen=True, forbid_unknown_fields=True, tag="signing_key_changed"
):
    """From this entry on heads are signed by `verifier`; `note` is signed by it and the old key.

    Where the old key is lost, the recovery key signed in its place.
    The note's text: the ledger's origin, "adc signing key change v1", this entry's number, and the
    new public key, a line each.
    """

    verifier: str
    note: str


class Anchor(_Part, frozen=True, forbid_unknown_fields=True):
    """A head that was kept outside the file: `size` entries had the Merkle root `root` (hex)."""

    size: int
    root: str


class RollbackAccepted(_Record, frozen=True, forbid_unknown_fields=True, tag="rollback_accepted"):
    """Two people accepted that this ledger does not continue what was kept of it elsewhere.

    `anchors` are the heads it does not continue; none where no anchor could be read. `note` is
    signed by the offline recovery key. Its text: "<origin>/recovery", "adc rollback accepted v1",
    this entry's number, the root (hex) over the entries before it, then a line for each anchor of
    size and root, and a last line of reason, incident and the two people.
    """

    reason: str
    incident: str
    persons: tuple[str, str]
    anchors: tuple[Anchor, ...]
    note: str


# --- people -----------------------------------------------------------------------------------


class CodeIssued(_Record, frozen=True, forbid_unknown_fields=True, tag="code_issued"):
    """A one-time code (its keyed hash) with which one person may enrol.

    `person` is "" for the codes of `cabinet init`, whose holders become the first administrators.
    """

    code: str
    person: str
    by: str
    expires_ms: int


class CodeRefused(_Record, frozen=True, forbid_unknown_fields=True, tag="code_refused"):
    """A code that is unknown, used or expired was entered."""

    why: str


Standing = Literal["active", "suspended", "left"]


class Rights(_Part, frozen=True, forbid_unknown_fields=True):
    """What a person may do, where, with which medicines, and until when.

    `areas`: "*" is every area. `groups`: security groups A to H; `override_groups`: those of them
    that may be removed without an order. `expires_ms`: Unix time, 0 for never; so also the second
    half of each of `competencies`.
    """

    role: str
    areas: tuple[str, ...] = ("*",)
    groups: tuple[str, ...] = ()
    override_groups: tuple[str, ...] = ()
    expires_ms: int = 0
    competencies: tuple[tuple[str, int], ...] = ()


class PersonListed(_Record, frozen=True, forbid_unknown_fields=True, tag="person_listed"):
    """A person as the staff list has them now; `details` names the attachment PersonDetails.

    `human` is the keyed hash of the number of the human being, or "": two accounts with the same
    one are one human. `by` is the person who added them at the screen, "" for a list.
    """

    person: str
    badge: str
    standing: Standing
    rights: Rights
    human: str
    details: str
    by: str = ""


class PersonChanged(_Record, frozen=True, forbid_unknown_fields=True, tag="person_changed"):
    """What a person may do, or whether, changed at the cabinet; both old and new.

    `by` is who changed it, "" for a staff list. `approved_by` is the second administrator where the
    change takes two, or "". `factors`: by which each proved who they are.
    """

    person: str
    by: str
    approved_by: str
    before: Rights
    after: Rights
    status_before: Standing
    status_after: Standing
    why: str
    factors: tuple[str, ...] = ()
    approver_factors: tuple[str, ...] = ()
    approver_fallback: str = ""


class EnrolmentStarted(_Record, frozen=True, forbid_unknown_fields=True, tag="enrolment_started"):
    """The holder of a valid code began; `slots` of the sensor are kept for this person.

    `enroller` stands by, proved by `factors`; "" for the first administrators alone.
    """

    enrolment: str
    code: str
    person: str
    slots: tuple[int, ...]
    enroller: str = ""
    factors: tuple[str, ...] = ()


class EnrolmentEnded(_Record, frozen=True, forbid_unknown_fields=True, tag="enrolment_ended"):
    """It ended without an enrolled person; the code stays good until it expires."""

    enrolment: str
    why: str


class PersonEnrolled(_Record, frozen=True, forbid_unknown_fields=True, tag="person_enrolled"):
    """A person can now prove who they are; the code is used up.

    `role` counts for somebody who was in no list: the first administrators. `copies`: they said yes
    to a sealed copy of each finger's template, for a sensor to come.

    `details` names PersonDetails, `credential` the attachment with the PIN's hash.
    """

    enrolment: str
    person: str
    role: str
    badge: str
    slots: tuple[int, ...]
    details: str
    credential: str
    copies: bool = False


class LockReleased(_Record, frozen=True, forbid_unknown_fields=True, tag="lock_released"):
    """A person locked out by wrong tries may try again."""

    badge: str
    person: str
    by: str


# --- sign-in ----------------------------------------------------------------------------------


class BadgePresented(_Record, frozen=True, forbid_unknown_fields=True, tag="badge_presented"):
    """A badge was read and a second factor asked for; `person` is "" for an unknown badge."""

    attempt: str
    badge: str
    person: str
    purpose: Literal["sign_in", "witness"]


class FactorRefused(_Record, frozen=True, forbid_unknown_fields=True, tag="factor_refused"):
    """A second factor was wrong or not allowed; `counts` as a wrong try or does not."""

    attempt: str
    badge: str
    person: str
    factor: str
    why: str
    counts: bool


class AttemptEnded(_Record, frozen=True, forbid_unknown_fields=True, tag="attempt_ended"):
    """An attempt to sign in or to witness ended without success."""

    attempt: str
    why: str


class SignedIn(_Record, frozen=True, forbid_unknown_fields=True, tag="signed_in"):
    """A person proved who they are; `fallback` says why a PIN stood in for the finger."""

    session: str
    attempt: str
    person: str
    factors: tuple[str, ...]
    fallback: str = ""


class ScreenLocked(_Record, frozen=True, forbid_unknown_fields=True, tag="screen_locked"):
    """Whoever is signed in must prove it again; an open access keeps its rules.

    `why`: "second_badge", which is then `badge`, or "too_long".
    """

    session: str
    why: str
    badge: str = ""


class ScreenUnlocked(_Record, frozen=True, forbid_unknown_fields=True, tag="screen_unlocked"):
    """The person whose screen was locked proved who they are, and goes on."""

    session: str
    attempt: str
    factors: tuple[str, ...]
    fallback: str = ""


class SignedOut(_Record, frozen=True, forbid_unknown_fields=True, tag="signed_out"):
    """The session ended."""

    session: str
    why: str


class Refused(_Record, frozen=True, forbid_unknown_fields=True, tag="refused"):
    """Somebody asked for what the rules do not allow; nothing moved."""

    act: str
    why: str
    session: str = ""
    person: str = ""
    patient: str = ""
    order: str = ""
    pocket: str = ""
    medicine: str = ""
    removal: str = ""
    quantity: int = 0


# --- lists ------------------------------------------------------------------------------------


class MedicineListed(_Record, frozen=True, forbid_unknown_fields=True, tag="medicine_listed"):
    """A medicine of the formulary; `unit` is its smallest unit, in which it is counted.

    `group` is its security group, A to H, or "" for the one that goes with its schedule.
    """

    medicine: str
    generic: str
    brand: str
    strength: str
    form: str
    schedule: Schedule
    unit: str
    therapeutic_class: str
    ndc: str
    high_alert: bool
    group: str = ""


class PatientListed(_Record, frozen=True, forbid_unknown_fields=True, tag="patient_listed"):
    """A patient of the ward; `details` names PatientDetails; `nurses` are people's references."""

    patient: str
    nurses: tuple[str, ...]
    details: str


class OrderListed(_Record, frozen=True, forbid_unknown_fields=True, tag="order_listed"):
    """An active order: at most `quantity` units at one removal, from `starts_ms` to `stops_ms`.

    `stops_ms` is 0 for an order without an end; `details` names OrderDetails.
    """

    order: str
    patient: str
    medicine: str
    quantity: int
    starts_ms: int
    stops_ms: int
    details: str


class OrderStopped(_Record, frozen=True, forbid_unknown_fields=True, tag="order_stopped"):
    """An order is no longer active."""

    order: str


class Imported(_Record, frozen=True, forbid_unknown_fields=True, tag="imported"):
    """The end of one import: how many rows of each list it took."""

    source: str
    medicines: int
    people: int
    patients: int
    orders: int


# --- access to a drawer -----------------------------------------------------------------------


class AccessStarted(_Record, frozen=True, forbid_unknown_fields=True, tag="access_started"):
    """Orders the lock of `drawer` to be pulsed once: who, why, which pocket, by which factors.

    `removal` is the removal that a return gives back from. `lot` and `expires` ("2027-03-31")
    belong to a load. `override` says why there is no order; `emergency` is the break-glass or the
    critical override that was on then. `witness` proved who they are inside the act, before the
    lock was pulsed, where the site asks for one; "" otherwise. `reason`: why, where it asks that.
    `service`: the lock is tested by the technician of this session at the console, and the person
    counts.
    """

    access: str
    kind: Literal["remove", "load", "return", "count"]
    session: str
    person: str
    factors: tuple[str, ...]
    drawer: str
    pocket: str = ""
    medicine: str = ""
    quantity: int = 0
    patient: str = ""
    order: str = ""
    removal: str = ""
    lot: str = ""
    expires: str = ""
    override: str = ""
    emergency: str = ""
    service: str = ""
    witness: str = ""
    witness_factors: tuple[str, ...] = ()
    witness_fallback: str = ""
    reason: str = ""


class DrawerOpened(_Record, frozen=True, forbid_unknown_fields=True, tag="drawer_opened"):
    """The sensor saw the drawer open under this access."""

    drawer: str
    access: str


class DrawerClosed(_Record, frozen=True, forbid_unknown_fields=True, tag="drawer_closed"):
    """The sensors saw the drawer shut and latched; `access` is "" where none was going on."""

    drawer: str
    access: str = ""


class DrawerForced(_Record, frozen=True, forbid_unknown_fields=True, tag="drawer_forced"):
    """Tamper: the sensor saw the drawer open without an access that allows it."""

    drawer: str


class DrawerFailed(_Record, frozen=True, forbid_unknown_fields=True, tag="drawer_failed"):
    """Lock and switch disagree, the hook did not let go, or the sensors cannot be read."""

    drawer: str
    cause: str


class DrawerLeftOpen(_Record, frozen=True, forbid_unknown_fields=True, tag="drawer_left_open"):
    """A drawer stood open for longer than it may: an alert."""

    drawer: str
    access: str
    open_s: int


class CountEntered(_Record, frozen=True, forbid_unknown_fields=True, tag="count_entered"):
    """A first count that differed; it is asked once more, and both are kept."""

    access: str
    pocket: str
    found: int


class Counted(_Record, frozen=True, forbid_unknown_fields=True, tag="counted"):
    """A completed blind count: what was expected and found, and postings if they differ.

    `phase`: before the medicine moved, or after an access that was cancelled. `discrepancy` is its
    reference when one opens; `previous` the person who had access before. `witness` attested what
    was found, where the table asks for one.
    """

    access: str
    pocket: str
    medicine: str
    phase: Literal["before", "after"]
    expected: int
    found: int
    person: str
    discrepancy: str = ""
    previous: str = ""
    postings: tuple[Posting, ...] = ()
    witness: str = ""
    witness_factors: tuple[str, ...] = ()
    witness_fallback: str = ""


class RemovalTaken(_Record, frozen=True, forbid_unknown_fields=True, tag="removal_taken"):
    """The medicine went from the pocket into this person's custody; the access is over."""

    access: str
    removal: str
    quantity: int
    postings: tuple[Posting, ...]


class Loaded(_Record, frozen=True, forbid_unknown_fields=True, tag="loaded"):
    """Stock came from the pharmacy into the pocket; the access is over."""

    access: str
    quantity: int
    postings: tuple[Posting, ...]


class CountDone(_Record, frozen=True, forbid_unknown_fields=True, tag="count_done"):
    """An access that was only a count is over."""

    access: str


class CancelAsked(_Record, frozen=True, forbid_unknown_fields=True, tag="cancel_asked"):
    """The person cancels with the drawer opened: nothing may have been taken, so count."""

    access: str


class CancelledBeforeOpen(
    _Record, frozen=True, forbid_unknown_fields=True, tag="cancelled_before_open"
):
    """Null transaction: cancelled, and no sensor saw the drawer open."""

    access: str


class CancelledAfterOpen(
    _Record, frozen=True, forbid_unknown_fields=True, tag="cancelled_after_open"
):
    """Null transaction with the drawer opened: counted and shut again, nothing posted."""

    access: str
    why: str = "cancelled"


class AccessLapsed(_Record, frozen=True, forbid_unknown_fields=True, tag="access_lapsed"):
    """The drawer was released and not opened in time."""

    access: str


class AccessFailed(_Record, frozen=True, forbid_unknown_fields=True, tag="access_failed"):
    """The drawer was ordered open and its lock did not let go."""

    access: str
    cause: str


class AccessLeft(_Record, frozen=True, forbid_unknown_fields=True, tag="access_left"):
    """The drawer is shut again, but the person went away before the count: count it next."""

    access: str


class AccessInterrupted(_Record, frozen=True, forbid_unknown_fields=True, tag="access_interrupted"):
    """The controller stopped in the middle of this access; `opened`: a sensor had seen it open."""

    access: str
    opened: bool


# --- without an order -------------------------------------------------------------------------

EmergencyKind = Literal["break_glass", "critical_override"]


class EmergencyBegun(_Record, frozen=True, forbid_unknown_fields=True, tag="emergency_begun"):
    """Medicines can be removed without an order: by `person` alone, or by everybody at work here.

    It ends after `lasts_ms`, or at `expires_ms` (Unix time) if that comes first. `second` agreed
    to it at this cabinet, "" where the site lets one person break glass.
    """

    emergency: str
    kind: EmergencyKind
    session: str
    person: str
    factors: tuple[str, ...]
    why: str
    lasts_ms: int
    expires_ms: int
    second: str = ""
    second_factors: tuple[str, ...] = ()
    second_fallback: str = ""


class EmergencyEnded(_Record, frozen=True, forbid_unknown_fields=True, tag="emergency_ended"):
    """It is over: "expired", or "called_off" by somebody."""

    emergency: str
    why: str
    by: str = ""


class Reviewed(_Record, frozen=True, forbid_unknown_fields=True, tag="reviewed"):
    """A pharmacist's verdict on an emergency, or on one removal without an order.

    `subject` is the emergency's or the removal's reference; with an emergency all removals under it
    are judged.
    """

    subject: str
    session: str
    by: str
    verdict: Literal["justified", "not_justified"]


# --- what became of a removal -----------------------------------------------------------------


class Given(_Record, frozen=True, forbid_unknown_fields=True, tag="given"):
    """Given to the patient."""

    removal: str
    session: str
    person: str
    quantity: int
    postings: tuple[Posting, ...]


class WitnessCalled(_Record, frozen=True, forbid_unknown_fields=True, tag="witness_called"):
    """A second person is asked to attest an act: its amount, or why it is done, was shown.

    `subject`: the removal that is wasted, the access that counts or that is asked for, or the
    reference of what begins.
    """

    subject: str
    session: str
    person: str
    quantity: int
    act: str = "waste"
    why: str = ""


class WitnessDismissed(_Record, frozen=True, forbid_unknown_fields=True, tag="witness_dismissed"):
    """No second person came, or the act was called off."""

    subject: str
    why: str


class Wasted(_Record, frozen=True, forbid_unknown_fields=True, tag="wasted"):
    """Wasted before a witness who proved who they are at this cabinet; `why` if the site asks."""

    removal: str
    session: str
    person: str
    factors: tuple[str, ...]
    witness: str
    witness_factors: tuple[str, ...]
    witness_fallback: str
    quantity: int
    postings: tuple[Posting, ...]
    why: str = ""


class Returned(_Record, frozen=True, forbid_unknown_fields=True, tag="returned"):
    """Put into the return bin; the access is over."""

    access: str
    removal: str
    person: str
    quantity: int
    postings: tuple[Posting, ...]


Record = (
    CabinetCreated
    | Configured
    | Started
    | Stopped
    | SnapshotTaken
    | Erased
    | SpaceChanged
    | ClockStepped
    | TimePassed
    | SigningKeyChanged
    | RollbackAccepted
    | DeviceFailed
    | DeviceRestored
    | CodeIssued
    | CodeRefused
    | PersonListed
    | PersonChanged
    | EnrolmentStarted
    | EnrolmentEnded
    | PersonEnrolled
    | fr.FactorProven
    | fr.TotpEnrolled
    | fr.TotpUsed
    | fr.SecurityKeyEnrolled
    | fr.SecurityKeyUsed
    | fr.FingerTaken
    | fr.FingerWiped
    | fr.FingerSwitchedOff
    | fr.GuessingSuspected
    | fr.SensorFitted
    | fr.SensorForeign
    | fr.TemplateKept
    | fr.TemplateNotKept
    | fr.CopiesTakenBack
    | fr.TemplateOrdered
    | fr.TemplateLoaded
    | fr.TemplateNotLoaded
    | fr.Supervised
    | LockReleased
    | BadgePresented
    | FactorRefused
    | AttemptEnded
    | SignedIn
    | ScreenLocked
    | ScreenUnlocked
    | SignedOut
    | Refused
    | MedicineListed
    | PatientListed
    | OrderListed
    | OrderStopped
    | Imported
    | AccessStarted
    | DrawerOpened
    | DrawerClosed
    | DrawerForced
    | DrawerFailed
    | DrawerLeftOpen
    | CountEntered
    | Counted
    | RemovalTaken
    | Loaded
    | CountDone
    | CancelAsked
    | CancelledBeforeOpen
    | CancelledAfterOpen
    | AccessLapsed
    | AccessFailed
    | AccessLeft
    | AccessInterrupted
    | EmergencyBegun
    | EmergencyEnded
    | Reviewed
    | Given
    | WitnessCalled
    | WitnessDismissed
    | Wasted
    | Returned
    | sr.ServiceRecord
    | st.StaffRecord
)


# --- attachments ------------------------------------------------------------------------------


class _Told(_Part, frozen=True, forbid_unknown_fields=True):
    """What is said of somebody in words: no repr shows it."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PersonDetails(_Told, frozen=True, forbid_unknown_fields=True):
    """Attachment of kind "person"."""

    staff_id: str
    given: str
    family: str


class Credential(_Told, frozen=True, forbid_unknown_fields=True):
    """Attachment of kind "credential": the PIN's encoded hash."""

    pin: str


class TotpSecret(_Told, frozen=True, forbid_unknown_fields=True):
    """Attachment of kind "totp": the secret of an authenticator app, sealed."""

    sealed: str


class KeptKey(_Told, frozen=True, forbid_unknown_fields=True):
    """Attachment of kind "security_key": its credential and public key (COSE), both in hex."""

    credential: str
    public: str


class KeptTemplate(_Told, frozen=True, forbid_unknown_fields=True):
    """Attachment of kind "template": a finger's template, sealed."""

    sealed: str


class PatientDetails(_Told, frozen=True, forbid_unknown_fields=True):
    """Attachment of kind "patient"; `born` as "1961-04-05"."""

    record_number: str
    given: str
    family: str
    born: str
    sex: str
    bed: str
    allergies: str


class OrderDetails(_Told, frozen=True, forbid_unknown_fields=True):
    """Attachment of kind "order"."""

    dose: str
    route: str
    frequency: str
    reason: str


Details = (
    PersonDetails
    | Credential
    | TotpSecret
    | KeptKey
    | KeptTemplate
    | PatientDetails
    | OrderDetails
    | sr.TechnicianDetails
    | sr.ServiceNote
)
KINDS: dict[str, type[Details]] = {
    "person": PersonDetails,
    "credential": Credential,
    "totp": TotpSecret,
    "security_key": KeptKey,
    "template": KeptTemplate,
    "patient": PatientDetails,
    "order": OrderDetails,
    "technician": sr.TechnicianDetails,
    "service_note": sr.ServiceNote,
}
Attached = Mapping[str, Details]  # by the attachment's hash in hex


# --- bodies -----------------------------------------------------------------------------------


class Body(_Part, frozen=True, forbid_unknown_fields=True):
    """What one entry of the ledger stores, encoded once in this order as JSON.

    `wall_ms`: Unix time; `mono_ms`: the machine's monotonic time in that `boot`; `salt`: 16 random
    bytes in hex, so that a leaf hash tells nothing of a body that is not shown.
    """

    tag: str
    v: int
    cabinet: str
    seq: int
    wall_ms: int
    mono_ms: int
    boot: str
    salt: str
    record: Record


BODY_TAG = "adc.entry"
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Body)


class UnreadableBody(Exception):
    """An entry whose bytes are not a body of this cabinet's software."""


def encode_body(body: Body) -> bytes:
    """The bytes to store and hash."""
    return _encoder.encode(body)


def decode_body(data: bytes) -> Body:
    """The body in `data`; raises UnreadableBody without quoting it."""
    try:
        body = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableBody(f"not a body: {type(error).__name__}") from None
    if body.tag != BODY_TAG or body.v != BODY_VERSION:
        raise UnreadableBody(f"body of kind {body.tag!r} version {body.v} is not known")
    return body


def encode_details(details: Details) -> bytes:
    """An attachment's bytes."""
    return _encoder.encode(details)


def decode_details(kind: str, data: bytes) -> Details:
    """The details of an attachment of `kind`; raises UnreadableBody without quoting them."""
    try:
        return msgspec.json.decode(data, type=KINDS[kind])
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableBody(f"attachment of kind {kind!r} cannot be read") from None


def balanced(postings: tuple[Posting, ...]) -> bool:
    """Whether the postings sum to zero for each medicine."""
    sums: dict[str, int] = {}
    for posting in postings:
        sums[posting.medicine] = sums.get(posting.medicine, 0) + posting.quantity
    return not any(sums.values())


def attachments_of(record: Record) -> tuple[tuple[str, str], ...]:
    """The attachments that the record names, each with its kind."""
    match record:
        case PersonListed():
            return ((record.details, "person"),)
        case PersonEnrolled():
            return ((record.details, "person"), (record.credential, "credential"))
        case st.PinRenewed():
            return ((record.credential, "credential"),)
        case fr.TotpEnrolled():
            return ((record.secret, "totp"),)
        case fr.SecurityKeyEnrolled():
            return ((record.key, "security_key"),)
        case fr.TemplateKept():
            return ((record.template, "template"),)
        case PatientListed():
            return ((record.details, "patient"),)
        case OrderListed():
            return ((record.details, "order"),)
        case sr.ServiceSignedIn():
            return ((record.technician, "technician"),)
        case sr.ServiceNoted():
            return ((record.note, "service_note"),)
        case _:
            return ()


def postings_of(record: Record) -> tuple[Posting, ...]:
    """The record's postings; none for a record that moves no medicine."""
    match record:
        case Counted() | RemovalTaken() | Loaded() | Given() | Wasted() | Returned():
            return record.postings
        case _:
            return ()
