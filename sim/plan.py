"""What is to be told, and how it ended: a story's plan and its figures.

Values only. One rule: a plan can be written as the one command that tells it again.
"""

import shlex
from dataclasses import dataclass

from sim.violation import Violation


@dataclass(frozen=True)
class Plan:
    """What is to be told."""

    seed: int
    days: float = 1.0
    accesses_a_day: int = 250
    fault_rate: float = 1.0
    mistake_rate: float = 1.0  # times what people err usually
    trespass_rate: float = 1.0  # times what people try usually that they may not
    service_rate: float = 1.0  # times what technicians do usually at the console
    diverter: str = ""  # the scheme of somebody who keeps medicines
    config: str = ""  # the file of a site's own cabinet

    def command(self) -> str:
        """What tells it again."""
        words = f"python -m sim --seed {self.seed} --days {self.days:g}"
        if self.accesses_a_day != 250:
            words += f" --accesses {self.accesses_a_day}"
        if self.fault_rate != 1.0:
            words += f" --faults {self.fault_rate:g}"
        if self.mistake_rate != 1.0:
            words += f" --mistakes {self.mistake_rate:g}"
        if self.trespass_rate != 1:
            words += f" --trespasses {self.trespass_rate:g}"
        if self.service_rate != 1:
            words += f" --services {self.service_rate:g}"
        if self.diverter:
            words += f" --diverter {self.diverter}"
        if self.config:
            words += f" --config {shlex.quote(self.config)}"
        return words


@dataclass
class Told:
    """How it ended."""

    plan: Plan
    accesses: int
    faults: dict[str, int]
    power_cuts: int
    checks: int
    violations: list[Violation]
    steps: int
    entries: int
    root: str
    trace_sha256: str
    bodies_sha256: str
    restarts: int
    simulated_s: float
    took_s: float  # of one core
    slowest_s: float
    people: dict[str, int]
    gave_up: dict[str, int]
    set_aside: dict[str, int]
    memory_mib: tuple[float, float]  # of the process: after a day at the latest, and at the end

    @property
    def speedup(self) -> float:
        """Times real time."""
        return self.simulated_s / self.took_s

    @property
    def accesses_per_s(self) -> float:
        """Checked, of our own time."""
        return self.accesses / self.took_s
