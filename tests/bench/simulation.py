"""`sim_accesses_per_s` and `sim_speedup`: a simulated day with its faults, every check on.

One rule: a day with a violation, too few accesses, faults or power cuts is no measurement.
"""

import logging
import tempfile
from pathlib import Path

from sim.plan import Plan, Told
from sim.story import default_template, in_memory, run
from sim.template import Template
from tests.bench.figures import Figure, median

DAYS = (42, 43, 44)
ACCESSES, FAULTS, POWER_CUTS = 250, 25, 1
MEANT = 250  # and what else is opened makes up for those who give up


def measure() -> list[Figure]:
    """Both figures, of the same days; time is that of the one core they run on."""
    rates, speeds = [], []
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        template = default_template(Path(folder))
        _quietly(Plan(seed=DAYS[0], days=0.1), template)  # what is imported late, and caches
        for seed in DAYS:
            told = _quietly(Plan(seed=seed, accesses_a_day=MEANT), template)
            assert not told.violations, told.violations[0]
            assert told.accesses >= ACCESSES, f"seed {seed}: only {told.accesses} accesses"
            assert sum(told.faults.values()) >= FAULTS, f"seed {seed}: {told.faults}"
            assert told.power_cuts >= POWER_CUTS, f"seed {seed} had no power cut"
            rates.append(told.accesses_per_s)
            speeds.append(told.speedup)
    how = (
        f"median of {len(DAYS)} simulated days of at least {ACCESSES} accesses, {FAULTS} faults "
        f"and {POWER_CUTS} power cut, each step checked, on a real ledger in memory; "
    )
    return [
        Figure(
            "sim_accesses_per_s",
            median(rates),
            "1/s",
            None,
            len(DAYS),
            how + f"accesses a second of one core, at least 60 wanted; fastest {max(rates):.0f}",
        ),
        Figure(
            "sim_speedup",
            median(speeds),
            "x",
            1.0,
            len(DAYS),
            how + f"baseline: real time; at least 20,000 wanted; fastest {max(speeds):,.0f}",
        ),
    ]


def _quietly(plan: Plan, template: Template) -> Told:
    """The story without the log's lines: what goes wrong in it is meant."""
    logging.disable(logging.CRITICAL)
    try:
        return run(plan, template)
    finally:
        logging.disable(logging.NOTSET)
