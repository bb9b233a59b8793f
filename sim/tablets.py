"""Where the tablets are: in pockets, in the return bin, in somebody's hands; not what is expected.

Counts are whole units of a medicine. One rule: a tablet is in exactly one place at a time.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sim.errors import NoSuchThing
from sim.views import Outcome

MOST_TABLETS = 10_000  # in one place

Counts = dict[str, int]  # medicine -> how many, at least 1


class Tablets:
    """Every place of one cabinet and the hands in front of it; not safe for threads by itself."""

    def __init__(self, places: Iterable[str]) -> None:
        self._places: dict[str, Counts] = {place: {} for place in places}
        self._hands: Counts = {}

    @property
    def hands(self) -> Counts:
        """A copy of what is in the hands."""
        return dict(self._hands)

    def at(self, place: str) -> Counts:
        """A copy of what lies in `place`."""
        if place not in self._places:
            raise NoSuchThing("pocket", place, list(self._places))
        return dict(self._places[place])

    def only_at(self, place: str, rather: str) -> str | None:
        """The medicine that a hand finds in `place`: `rather` if it is there, or the only one."""
        there = self._places[place]
        return rather if rather in there else _only(there)

    def only_in_hands(self) -> str | None:
        """The one medicine in the hands; None when there is none or more than one."""
        return _only(self._hands)

    def take(self, place: str, medicine: str | None, n: int) -> Outcome:
        """`n` of `medicine` from `place` into the hands."""
        there = self._places[place]
        have = there.get(medicine, 0) if medicine else 0
        if medicine is None or have < n:
            return Outcome(False, f"there are {have} in {place}, not {n}")
        _add(there, medicine, -n)
        _add(self._hands, medicine, n)
        return Outcome(True, f"{n} taken from {place}")

    def put(self, place: str, medicine: str, n: int) -> Outcome:
        """`n` of `medicine` into `place`; what the hands lack was brought from the pharmacy."""
        there = self._places[place]
        if sum(there.values()) + n > MOST_TABLETS:
            return Outcome(False, f"no more than {MOST_TABLETS} fit into {place}")
        _add(self._hands, medicine, -min(n, self._hands.get(medicine, 0)))
        _add(there, medicine, n)
        return Outcome(True, f"{n} put into {place}")

    def part(self, medicine: str, n: int, to: str) -> Outcome:
        """`n` of `medicine` from the hands to somebody outside."""
        if not 1 <= n <= self._hands.get(medicine, 0):
            return Outcome(False, f"there are not {n} of {medicine[:40]} in the hands")
        _add(self._hands, medicine, -n)
        return Outcome(True, f"{n} to {to}")

    def saved(self) -> dict[str, Any]:
        """All of it as plain JSON values."""
        places = {place: dict(there) for place, there in self._places.items()}
        return {"places": places, "hands": dict(self._hands)}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Be again as `saved()` said; ValueError (and nothing changed) when it does not fit."""
        places = {place: _counts(there) for place, there in saved["places"].items()}
        hands = _counts(saved["hands"])
        gone = [place for place, there in places.items() if there and place not in self._places]
        if gone:
            raise ValueError(
                f"it has tablets in {', '.join(gone)}, which cabinet.toml does not have"
            )
        for place, there in places.items():
            if place in self._places:
                self._places[place] = there
        self._hands = hands


def _add(counts: Counts, medicine: str, n: int) -> None:
    counts[medicine] = counts.get(medicine, 0) + n
    assert counts[medicine] >= 0
    if not counts[medicine]:
        del counts[medicine]


def _only(counts: Counts) -> str | None:
    return next(iter(counts)) if len(counts) == 1 else None


def _counts(saved: Mapping[str, Any]) -> Counts:
    counts = {str(medicine): n for medicine, n in saved.items()}
    for n in counts.values():
        if not isinstance(n, int) or not 1 <= n <= MOST_TABLETS:
            raise ValueError("a count is not a number within its bounds")
    return counts
