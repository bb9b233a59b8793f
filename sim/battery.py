"""The battery between the mains and the machine: how long it carries it, and how it charges again.

Arithmetic of seconds alone. One rule: while it carries the machine, the cabinet is told nothing: it
has no wire to it yet.
"""

FULL_S = 900.0  # of the machine's work: a small battery of 20 Wh [P]
CHARGED_IN = 4.0  # times as long as it was used [P]


class Battery:
    """One cabinet's; times are seconds since the beginning of the run."""

    def __init__(self) -> None:
        self.on_mains = True
        self._charge_s, self._since_s = FULL_S, 0.0

    def left_s(self, now_s: float) -> float:
        """How much of the machine's work it holds."""
        passed = now_s - self._since_s
        change = passed / CHARGED_IN if self.on_mains else -passed
        return min(FULL_S, max(0.0, self._charge_s + change))

    def mains(self, on: bool, now_s: float) -> None:
        """The mains fail, or are back."""
        self._charge_s, self._since_s = self.left_s(now_s), now_s
        self.on_mains = on
