"""Seeds: a day of the ward with its faults each, some kept for ever, some new with every commit.

One rule: a seed that ever failed joins KEPT with the name of what it found.
"""

import hashlib
from collections.abc import Callable

import pytest

from sim.plan import Plan
from sim.run import failure
from sim.story import commit, default_template, run
from sim.template import Template

KEPT = tuple(range(1, 31))
NEW = 30  # of the commit
FIRST, LAST = 1_000, 1_000_000_000
ACCESSES, FAULTS, POWER_CUTS = 225, 25, 1  # of a day, at least; 250 are meant, and some give up
CLUMSY = 4.0  # people of every second seed err so many times more often than people do


def of_this_commit() -> list[int]:
    """Seeds that follow from the commit, so that a failure in CI is found again."""
    drawn = [hashlib.sha256(f"{commit()}/{place}".encode()).digest() for place in range(NEW)]
    return [FIRST + int.from_bytes(it[:4], "big") % (LAST - FIRST) for it in drawn]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all seeds."""
    return default_template(tmp_path_factory.mktemp("sim"))


@pytest.mark.seeds
@pytest.mark.parametrize("seed", [*KEPT, *of_this_commit()])
def test_no_invariant_is_violated(
    seed: int, template: Template, record_property: Callable[[str, object], None]
) -> None:
    told = run(Plan(seed, mistake_rate=CLUMSY if seed % 2 else 1.0), template)
    faults = sum(told.faults.values())
    words = f"seed {seed}: {told.accesses} accesses, {faults} faults, {told.power_cuts} power cuts"
    print(words)
    record_property("seeds", words)
    assert not told.violations, failure(told)
    assert told.accesses >= ACCESSES and faults >= FAULTS and told.power_cuts >= POWER_CUTS, words
