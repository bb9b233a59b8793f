"""What a figure is, and how two things are measured in turn.

Not for what is measured. One rule: a thing and its baseline are measured in the same run, round by
round, so that a machine that slows down slows both.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Measure = Callable[[], float]


@dataclass(frozen=True)
class Figure:
    """One line of the table; `baseline` is the baseline's own measure, as `how` describes it."""

    name: str
    value: float
    unit: str
    baseline: float | None
    rounds: int
    how: str  # against what and how it was measured, in one sentence
    most: float | None = None  # the bound that the project holds itself to

    @property
    def over(self) -> bool:
        """Whether it exceeds its bound."""
        return self.most is not None and self.value > self.most


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all values do not exceed (nearest rank)."""
    assert values and 0 < percent <= 100
    rank = -(-len(values) * percent // 100)
    return sorted(values)[int(rank) - 1]


def median(values: Sequence[float]) -> float:
    """The 50th percentile."""
    return percentile(values, 50)


def interleaved(
    rounds: int, *measures: Measure, at_most_s: float = 240.0
) -> tuple[list[float], ...]:
    """Each of `measures` once a round, in turn; fewer rounds when `at_most_s` is over."""
    taken: tuple[list[float], ...] = tuple([] for _ in measures)
    end = time.monotonic() + at_most_s
    for _ in range(rounds):
        for values, measure in zip(taken, measures, strict=True):
            values.append(measure())
        if time.monotonic() > end:
            break
    return taken
