"""A power cut during a removal, and the whole start-up after it, at 500 states."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash import seeds, startup

pytestmark = [
    pytest.mark.crash,
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

STATES = 130  # of each seed; half of the seeds are kept, half are the commit's
KEPT = seeds.kept()[:2]
DERIVED = range(len(KEPT))


def explore(seed: str, scratch: Path, record: Callable[[str, object], None]) -> None:
    report = startup.explore(scratch, seed, STATES)
    record("power cuts", f"whole start-up: {report}")
    assert report.states >= STATES and report.nested >= STATES // 10
    assert not report.violations, str(report)


def test_at_least_five_hundred_states_go_through_the_whole_start_up() -> None:
    assert (len(KEPT) + len(DERIVED)) * STATES >= 500


@pytest.mark.parametrize("seed", KEPT)
def test_cabinet_starts_after_a_power_cut_during_a_removal_in_the_kept_corpus(
    seed: str, scratch: Path, record_property: Callable[[str, object], None]
) -> None:
    explore(seed, scratch, record_property)


@pytest.mark.parametrize("number", DERIVED)
def test_cabinet_starts_after_a_power_cut_during_a_removal_in_seeds_of_the_commit(
    number: int, scratch: Path, record_property: Callable[[str, object], None]
) -> None:
    explore(seeds.derived(1000 + number), scratch, record_property)
