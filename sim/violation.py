"""What the checks say: an invariant that did not hold, and the access that they follow.

Values only. One rule: an opening is what the bytes say of an access, never what the cabinet thinks.
"""

from dataclasses import dataclass

from cabinet import records as r


@dataclass(frozen=True)
class Violation:
    """An invariant of the design that did not hold."""

    invariant: int
    words: str
    at_s: float
    entry: int

    def __str__(self) -> str:
        return f"invariant {self.invariant} at {self.at_s:.3f} s, entry {self.entry}: {self.words}"


@dataclass
class Opening:
    """The last access to a drawer, as the bytes have it."""

    started: r.AccessStarted
    net: int = 0  # units that went out of its pocket since it began, or since the count
    over: bool = False
