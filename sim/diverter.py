"""Somebody who takes medicines for themselves, by a scheme that the cabinet's transactions allow.

Not for finding them: a diverter leaves the traces that reports and auditors look for, and the
invariants hold all the same. One rule: named by the scenario, never drawn by chance.

Schemes are those of the anomaly indicators in the design's research (domain, section D); how often
is chosen so that a month of it shows among peers [P].
"""

from dataclasses import dataclass

from sim.people import PEOPLE, Person
from sim.virtual import Stream

OFTEN = 0.25  # of the occasions that a scheme has [P]


@dataclass(frozen=True)
class Scheme:
    """One way to divert."""

    words: str
    trace: str  # where it shows


SCHEMES = {
    "null": Scheme(
        "opens a drawer of controlled substances, takes one, cancels, and counts it as there",
        "cancellations after opening (5); discrepancies of the next count, by prior access (16)",
    ),
    "waste": Scheme(
        "keeps whole doses and says they were wasted, with one friend as the witness",
        "wastes of full doses (7, 8); one witness for most of them (13)",
    ),
    "give": Scheme(
        "takes doses as needed for patients who do not need them, and says they were given",
        "more removals of controlled substances than peers have for the same patients (1, 20)",
    ),
}


class Diverter:
    """One nurse, from the first day on."""

    def __init__(self, scheme: str, seed: int) -> None:
        self.scheme = scheme
        self.person, self.friend = [it for it in PEOPLE if it.role == "nurse"][1:3]
        self.chance = Stream(seed, "diverter")

    def does(self, scheme: str, person: Person, schedule: str) -> bool:
        """Whether this is an occasion that this person takes for this scheme."""
        mine = scheme == self.scheme and person == self.person and schedule != "none"
        return mine and self.chance.chance(OFTEN)
