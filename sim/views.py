"""The world's words: what a gesture came to, what can be broken, how things look at one instant.

Values only. One rule: a view is a copy; holding one shows the past and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """What can be wrong with a drawer; the value is what it is called."""

    SWITCH_CUT = "switch wire cut"
    SWITCH_STUCK = "switch stuck"
    LATCH_CUT = "latch wire cut"
    LATCH_STUCK = "latch sensor stuck"
    HOOK_JAMMED = "hook jammed"
    COIL_STUCK = "coil stuck on"
    JAMMED_OPEN = "drawer jammed open"


@dataclass(frozen=True)
class Outcome:
    """What a gesture came to; true when it did what was meant."""

    done: bool
    words: str

    def __bool__(self) -> bool:
        return self.done


@dataclass(frozen=True)
class DrawerView:
    """A drawer as somebody standing in front of it sees it."""

    id: str
    is_open: bool
    hook_engaged: bool
    coil: bool
    pulses: int
    light: bool
    lid: str  # the pocket of a matrix drawer whose lid is lifted, "" for none
    faults: tuple[Fault, ...]
    tablets: Mapping[str, Mapping[str, int]]  # place -> medicine -> how many


@dataclass(frozen=True)
class WorldView:
    """Everything at one instant; `number` is the newest happening's."""

    number: int
    drawers: tuple[DrawerView, ...]
    hands: Mapping[str, int]  # medicine -> how many
    beeper: bool
    finger: str | None
    mains: bool
    plugged: Mapping[str, bool]  # device -> whether
