"""A power cut at any instant loses nothing that the store acknowledged, at 10,000 states."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash import seeds, workload

pytestmark = [
    pytest.mark.crash,
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

STATES = 510  # of each seed; half of the seeds are kept, half are the commit's
KEPT = seeds.kept()
DERIVED = range(len(KEPT))


def test_at_least_ten_thousand_states_are_explored() -> None:
    assert (len(KEPT) + len(DERIVED)) * STATES >= 10_000
    assert len(set(KEPT)) == len(KEPT) == len({seeds.derived(number) for number in DERIVED})


def explore(seed: str, scratch: Path, record: Callable[[str, object], None]) -> None:
    report = workload.explore(scratch, seed, STATES)
    record("power cuts", f"store: {report}")
    assert report.states >= STATES and report.nested >= STATES // 10
    assert not report.violations, str(report)


@pytest.mark.parametrize("seed", KEPT)
def test_power_cut_loses_nothing_acknowledged_in_the_kept_corpus(
    seed: str, scratch: Path, record_property: Callable[[str, object], None]
) -> None:
    explore(seed, scratch, record_property)


@pytest.mark.parametrize("number", DERIVED)
def test_power_cut_loses_nothing_acknowledged_in_seeds_of_the_commit(
    number: int, scratch: Path, record_property: Callable[[str, object], None]
) -> None:
    explore(seeds.derived(number), scratch, record_property)
