"""Administration in the simulator: honest visits succeed, and planted defects of it are found.

Each defect is a small patch of the shipped code, found within a stated number of steps of a story
whose people administer, honestly or not. One rule: the same story without the patch is clean.
"""

import pytest

from sim.administrators import ADMINISTRATION
from sim.plan import Plan
from sim.story import Story, default_template, run
from sim.template import Template
from sim.trespassers import TRESPASSES

PLAN = Plan(seed=20, days=0.5, accesses_a_day=60, fault_rate=0.0, trespass_rate=20.0)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all stories."""
    return default_template(tmp_path_factory.mktemp("sim"))


def _told(template: Template, sorts: tuple[str, ...]) -> Story:
    """A story of these sorts alone, without a fault: clean, and nobody gave up."""
    stories: list[Story] = []

    def only(story: Story) -> None:
        story.trespassers.sorts = {name: TRESPASSES[name] for name in sorts}
        stories.append(story)

    told = run(PLAN, template, change=only)
    assert not told.violations, told.violations[0]
    trespassers = stories[0].trespassers
    assert sorted(trespassers.done) == sorted(sorts)
    assert trespassers.done == trespassers.tried
    return stories[0]


def test_honest_administration_succeeds_to_the_end_where_nothing_is_broken(
    template: Template,
) -> None:
    _told(template, tuple(ADMINISTRATION))


def test_a_short_name_in_a_signature_is_nobodys_and_in_words_it_is(template: Template) -> None:
    stories: list[Story] = []
    run(Plan(seed=1, days=0.01), template, change=stories.append)
    tells = stories[0].checks.tells
    assert not tells(b'"note":"x\\n+lqcIPAYeFpPs70B6Uwc6upczk4BSwQ2sMeiNUeO+R8="')
    assert tells(b'"note":"for Mei +lqcIPAYeFpPs70B6Uwc6upczk4BSwQ2socLNUeO+R8="')
