"""What the ledger holds of a service technician's visit at the maintenance console.

Records like those in `records.py`, and under its rule. Who the technician is, and what they wrote,
are attachments; a body has the fingerprint of their key (a hash) and words of the console's own.
"""

from typing import Literal

import msgspec

TestOutcome = Literal["passed", "failed", "unanswered"]
SystemAct = Literal[
    "restart-controller",
    "restart-touchscreen",
    "poweroff",
    "logs",
    "network",
    "verify",
    "bundle",
    "bundle-usb",
]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    pass


class ServiceSignedIn(_Record, frozen=True, forbid_unknown_fields=True, tag="service_signed_in"):
    """Somebody proved to hold a key that the service CA certified for this cabinet and hour.

    `key` is the fingerprint of the public key; `serial` and `principal` are the certificate's. Or
    they are the cabinet's own `person`, proved by `factors`, and these three say nothing.
    `technician` names the attachment with the name in it. `lasts_s`: the session ends then at the
    latest. `admission`: a pharmacist must let them in first. `people`: the cabinet's own whose
    staff numbers the certificate names.
    """

    session: str
    key: str
    serial: int
    principal: str
    hardware: bool
    technician: str
    lasts_s: int
    admission: bool
    person: str = ""
    factors: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


class ServiceRefused(_Record, frozen=True, forbid_unknown_fields=True, tag="service_refused"):
    """A sign-in at the console that was not accepted; `key` is "" where none was shown.

    `counts` as a wrong try or does not. `person` is whose PIN and code were asked for, "" for
    nobody who could be meant; `badge` is theirs where the try counts against them as well.
    """

    why: str
    key: str
    counts: bool
    person: str = ""
    badge: str = ""


class ServiceAdmitted(_Record, frozen=True, forbid_unknown_fields=True, tag="service_admitted"):
    """A person at the touchscreen let the technician in."""

    session: str
    by_session: str
    person: str
    factors: tuple[str, ...]


class ServiceExtended(_Record, frozen=True, forbid_unknown_fields=True, tag="service_extended"):
    """The technician proved it again: the session lasts `lasts_s` from here."""

    session: str
    serial: int
    lasts_s: int


class ServiceCommand(_Record, frozen=True, forbid_unknown_fields=True, tag="service_command"):
    """A command at the console and what came of it.

    `digest` is the SHA-256 of the answer as it was sent, so that what was shown can be proven.
    """

    session: str
    command: str
    arguments: tuple[str, ...]
    outcome: Literal["ok", "refused", "failed"]
    digest: str = ""


class ServiceBegun(_Record, frozen=True, forbid_unknown_fields=True, tag="service_begun"):
    """Service mode: nobody signs in at the touchscreen until it is finished."""

    session: str


class ServiceFinished(_Record, frozen=True, forbid_unknown_fields=True, tag="service_finished"):
    """The self-test at the end of service mode: what it found, and whether the cabinet works again.

    A session that ends returns the cabinet, whatever was found; its rules then keep shut what is
    wrong.
    """

    session: str
    problems: tuple[str, ...]
    returned: bool


class ServiceTestBegun(_Record, frozen=True, forbid_unknown_fields=True, tag="service_test_begun"):
    """A part is tested: `what` is light, lock, sound, reader, scanner or finger.

    `place` is a light's or lock's drawer; `request` is what the finger sensor is asked by.
    `rest` is what comes after it in a test of all, each as "light:D1"; `of` is "all" there, and
    `failed` says whether one before it did not pass.
    """

    session: str
    what: str
    place: str
    request: str = ""
    of: str = ""
    rest: tuple[str, ...] = ()
    failed: bool = False


class ServiceTested(_Record, frozen=True, forbid_unknown_fields=True, tag="service_tested"):
    """What came of a test, or of a test of all (`what` is "all"); `cause` says why it failed."""

    session: str
    what: str
    place: str
    outcome: TestOutcome
    cause: str = ""


class LockTestOrdered(_Record, frozen=True, forbid_unknown_fields=True, tag="lock_test_ordered"):
    """Orders the lock of an empty drawer to be pulsed once, for the technician's test.

    Who: `key` or `person`, by `factors` ("certificate", or as in SignedIn). `access` allows the
    opening, as an AccessStarted's does.
    """

    session: str
    access: str
    drawer: str
    key: str
    person: str
    factors: tuple[str, ...]


class LockTestInterrupted(
    _Record, frozen=True, forbid_unknown_fields=True, tag="lock_test_interrupted"
):
    """A restart found the test of an empty drawer's lock going on; `opened`: the drawer is."""

    session: str
    access: str
    drawer: str
    opened: bool


class PartReplaced(_Record, frozen=True, forbid_unknown_fields=True, tag="part_replaced"):
    """A part was replaced: by which part number and serial number."""

    session: str
    device: str
    part: str
    serial: str


class SystemRequested(_Record, frozen=True, forbid_unknown_fields=True, tag="system_requested"):
    """A technician had the system behind the cabinet do something; `who` is their key, or the
    person they are.

    Only once this is durable is the request file touched that a unit of systemd waits for.
    """

    session: str
    who: str
    act: SystemAct


class SystemAnswered(_Record, frozen=True, forbid_unknown_fields=True, tag="system_answered"):
    """What came of it, also when the session was over by then.

    `digest` is the SHA-256 of the answer as it was sent or, of a bundle, of its encrypted bytes.
    """

    session: str
    act: SystemAct
    outcome: Literal["ok", "failed"]
    digest: str = ""


class ServiceNoted(_Record, frozen=True, forbid_unknown_fields=True, tag="service_noted"):
    """The technician wrote a note; `note` names the attachment with its words."""

    session: str
    note: str


class ServiceEnded(_Record, frozen=True, forbid_unknown_fields=True, tag="service_ended"):
    """The session at the console is over."""

    session: str
    why: Literal["logout", "hung_up", "idle", "time", "not_admitted", "withdrawn", "stopped"]


class TechnicianDetails(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Attachment of kind "technician": the key id of the certificate, and its staff numbers."""

    name: str
    numbers: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "TechnicianDetails()"


class ServiceNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Attachment of kind "service_note"."""

    text: str

    def __repr__(self) -> str:
        return "ServiceNote()"


ServiceRecord = (
    ServiceSignedIn
    | ServiceRefused
    | ServiceAdmitted
    | ServiceExtended
    | ServiceCommand
    | ServiceBegun
    | ServiceFinished
    | ServiceTestBegun
    | ServiceTested
    | LockTestOrdered
    | LockTestInterrupted
    | PartReplaced
    | SystemRequested
    | SystemAnswered
    | ServiceNoted
    | ServiceEnded
)
