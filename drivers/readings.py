"""What drivers post to the controller: readings, never decisions.

Every reading is a frozen value; the controller turns it into an event. Unknown is said as unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class Position(Enum):
    """Where a drawer is, from its switch and its latch together."""

    LATCHED = "latched"  # switch closed, hook engaged
    UNLATCHED = "unlatched"  # switch closed, hook released: it can be pulled
    OPEN = "open"  # switch open, hook released
    DISAGREE = "disagree"  # switch open while the hook reads engaged, longer than it may
    UNKNOWN = "unknown"  # not read yet, or the pins cannot be read


@dataclass(frozen=True)
class DrawerReading:
    """A drawer's position changed (or was read for the first time), seen at `at_s` (monotonic)."""

    drawer: str
    position: Position
    at_s: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class PulseDone:
    """The coil of `drawer` was on and is off again; `entry` is the record that ordered it."""

    drawer: str
    entry: int


@dataclass(frozen=True)
class PulseRefused:
    """The driver did not energise the coil: within its rest time, already on, too many waiting."""

    drawer: str
    entry: int
    why: str


@dataclass(frozen=True)
class BadgeRead:
    """A badge was held to the reader; `number` is what the reader sent, checked for form only."""

    number: str


@dataclass(frozen=True)
class CodeScanned:
    """A barcode was scanned; `text` as sent, with FNC1 as 0x1D."""

    text: str


class Finger(Enum):
    """How a request to the fingerprint sensor ended."""

    MATCHED = "matched"  # verify: the finger is the template in `slot`
    NO_MATCH = "no_match"  # verify: a good image, but none of the slots
    UNCLEAR = "unclear"  # verify or enrol: image too poor; `words` helps the person
    SEEN = "seen"  # look: the sensor is in order and took a good picture of a finger, anybody's
    CAPTURED = "captured"  # enrol: one more capture done, lift and place again (not the end)
    ENROLLED = "enrolled"  # enrol: the template is stored in `slot` and was read back
    MISMATCH = "mismatch"  # enrol: the captures were not of one finger
    TAKEN = "taken"  # enrol or load: `slot` holds this finger already; nothing was stored
    DELETED = "deleted"  # delete: the slot reads empty
    MARKED = "marked"  # mark: the sensor carries the identity and it was read back
    READ = "read"  # read: `sealed` is the template in `slot`
    LOADED = "loaded"  # load: the template is stored in `slot` and was read back
    UNUSABLE = "unusable"  # load: not for this sensor, and never will be; `words` say why
    TIMED_OUT = "timed_out"  # no finger within the time given
    CANCELLED = "cancelled"
    FAULT = "fault"  # the sensor failed; nothing it said is believed


@dataclass(frozen=True)
class FingerReading:
    """The answer to one request; `request` is the caller's own reference, returned unchanged."""

    request: str
    outcome: Finger
    slot: int | None = None
    words: str = ""
    sealed: str = field(default="", repr=False)


class Key(Enum):
    """How a request to the security key ended."""

    DONE = "done"
    WRONG_KEY = "wrong_key"  # it has no such credential
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    FAULT = "fault"


@dataclass(frozen=True)
class KeyReading:
    """What a security key said: its authenticator data, and the signature of a proof."""

    request: str
    outcome: Key
    data: bytes = field(default=b"", repr=False)
    signature: bytes = field(default=b"", repr=False)
    words: str = ""


@dataclass(frozen=True)
class DeviceDown:
    """A device does not answer; `cause` names it in words for a technician."""

    device: str
    cause: str


@dataclass(frozen=True)
class DeviceUp:
    """A device answers (again), after a full check of its line.

    `identity` tells it from another one of its kind, "" where nothing does.
    """

    device: str
    identity: str = ""


Reading = (
    DrawerReading
    | PulseDone
    | PulseRefused
    | BadgeRead
    | CodeScanned
    | FingerReading
    | KeyReading
    | DeviceDown
    | DeviceUp
)
Post = Callable[[Reading], None]
