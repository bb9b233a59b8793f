"""What happened in the physical world, in order: the log that the invariants are checked against.

Not the ledger, and nothing of it is known to the cabinet. One rule: it says what was so, whatever a
sensor or a program says of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What sort of thing happened."""

    COIL_ON = "coil on"
    COIL_OFF = "coil off"
    COIL_CUT = "coil cut"  # by the hardware one-shot, whatever the pin says
    HOOK_RELEASED = "hook released"
    HOOK_ENGAGED = "hook engaged"
    HELD = "held"  # pulled, but the hook held it
    LID_LIFTED = "lid lifted"  # of one pocket of a matrix drawer
    OPENED = "opened"
    PRIED = "pried"  # opened by force; an OPENED of the same instant follows
    CLOSED = "closed"
    TAKEN = "taken"
    PUT = "put"
    PARTED = "parted"  # out of somebody's hands and out of this world
    LIGHT_ON = "light on"
    LIGHT_OFF = "light off"
    BEEPER_ON = "beeper on"
    BEEPER_OFF = "beeper off"
    BADGE = "badge"
    FINGER_ON = "finger on"
    FINGER_OFF = "finger off"
    SCANNED = "scanned"
    SENSOR = "another finger sensor"  # is put in
    ON_BATTERY = "on battery"
    ON_MAINS = "on mains"
    POWER_CUT = "power cut"
    POWER_BACK = "power back"
    UNPLUGGED = "unplugged"
    PLUGGED = "plugged"
    FAULTED = "faulted"
    MENDED = "mended"


@dataclass(frozen=True)
class Happening:
    """One thing that happened; `at` in seconds of the world's monotonic clock."""

    number: int  # 1, 2, 3 ... without gaps
    at: float
    kind: Kind
    drawer: str = ""
    place: str = ""  # a pocket's id, or a return bin's drawer
    medicine: str = ""
    count: int = 0
    detail: str = ""  # whose finger, which device, which fault, where to


@dataclass(frozen=True)
class Pulse:
    """One time that a coil was energised; `off` is None while it still is."""

    drawer: str
    on: float
    off: float | None
    cut: bool  # ended by the hardware one-shot, not by the software


def pulses(happenings: Iterable[Happening]) -> list[Pulse]:
    """Every pulse in the log, in order of its start."""
    found: list[Pulse] = []
    running: dict[str, int] = {}
    for happening in happenings:
        drawer = happening.drawer
        if happening.kind is Kind.COIL_ON:
            running[drawer] = len(found)
            found.append(Pulse(drawer, happening.at, None, False))
        elif happening.kind in (Kind.COIL_OFF, Kind.COIL_CUT) and drawer in running:
            place = running.pop(drawer)
            cut = happening.kind is Kind.COIL_CUT
            found[place] = Pulse(drawer, found[place].on, happening.at, cut)
    return found
