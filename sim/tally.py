"""What people came to do at the cabinet, and what came of it.

Counts alone. One rule: it is what the people think; the ledger and the world may know better.
"""

from dataclasses import dataclass, field


@dataclass
class Tally:
    """One story's."""

    visits: int = 0
    removals: int = 0
    loads: int = 0
    counts: int = 0
    given: int = 0
    wasted: int = 0
    returned: int = 0
    broken: int = 0  # ampoules
    admitted: int = 0
    moved: int = 0
    discharged: int = 0
    diverted: int = 0  # units that somebody kept
    reasons: dict[str, int] = field(default_factory=dict)  # to give up -> how often

    def gave_up(self, why: str) -> None:
        """Somebody could not do what they came for."""
        self.reasons[why] = self.reasons.get(why, 0) + 1
