"""The simulator finds defects of signed staff lists, planted in the running product.

Each is a small patch of the shipped code, found within a stated number of steps of a story in which
one sort of false list is brought. One rule: the same story without the patch is clean.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cabinet import (
    administration,
    attesting,
    importing,
    incoming_lists,
    lists,
    lookalikes,
    staff_file,
    staff_list,
)
from cabinet import events as e
from cabinet import records as r
from cabinet.configuration import Configuration
from cabinet.decision import Draft
from cabinet.importing import Keyed
from cabinet.state import Person, State
from ledger.note import parse_checkpoint, parse_note
from sim.false_lists import FALSE_LISTS
from sim.plan import Plan
from sim.story import Story, default_template, run
from sim.template import Template
from tests.test_sim_teeth import Defect, Patch, check_found

PLAN = Plan(seed=20, days=0.5, accesses_a_day=60, fault_rate=0.0, trespass_rate=20.0)
SHORT = replace(PLAN, days=0.25, accesses_a_day=20, trespass_rate=60.0, service_rate=0.0)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all stories."""
    return default_template(tmp_path_factory.mktemp("sim"))


def _any_signature(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(staff_file, "open_note", lambda note, keys: parse_note(note)[0])


def _unsigned_people(patch: pytest.MonkeyPatch, _: Story) -> None:
    read = incoming_lists.read

    def anyhow(
        configuration: Configuration, path: Path, keyed: Keyed, *, staff_alone: bool
    ) -> list[e.Import | e.StaffList]:
        if staff_alone:
            return read(configuration, path, keyed, staff_alone=True)
        return [importing.read(path, keyed)]

    patch.setattr(incoming_lists, "read", anyhow)


def _any_file(patch: pytest.MonkeyPatch, _: Story) -> None:
    judge = staff_file.judge

    def careless(note: str, data: bytes, vkey: str) -> tuple[int, str]:
        number, problem = judge(note, data, vkey)
        if problem == "another_file":
            return parse_checkpoint(parse_note(note)[0]).size, ""
        return number, problem

    patch.setattr(staff_file, "judge", careless)


def _numbers_go_down(patch: pytest.MonkeyPatch, _: Story) -> None:
    arrived = staff_list.arrived

    def forgetful(draft: Draft, event: e.StaffList) -> None:
        if event.problem or not draft.state.in_service:
            arrived(draft, event)
        else:
            staff_list._look_at(draft, event)

    patch.setattr(staff_list, "arrived", forgetful)


def _taken_at_once(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(staff_list, "_too_many", lambda *asked: False)


def _any_digest(patch: pytest.MonkeyPatch, _: Story) -> None:
    too_many = staff_list._too_many

    def trusting(state: State, event: e.StaffList, losing: int, working: int) -> bool:
        return not state.staff_list.accepted and too_many(state, event, losing, working)

    patch.setattr(staff_list, "_too_many", trusting)


def _any_list_under_the_button(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(staff_list, "_shown_as", lambda held: "waits")


def _nobody_is_gone(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(staff_list, "_gone", lambda *asked: [])


def _promotions_taken(patch: pytest.MonkeyPatch, _: Story) -> None:
    of_known = staff_list._of_known

    def generous(row: e.PersonRow, known: Person) -> tuple[e.PersonRow | None, list[str]]:
        bounded, told = of_known(row, known)
        if "grants_role" in told and bounded is not None:
            bounded = replace(bounded, role=row.role)
        return bounded, told

    patch.setattr(staff_list, "_of_known", generous)
    patch.setattr(lists, "_check_granting", lambda *asked: None)


def _leavers_come_back(patch: pytest.MonkeyPatch, _: Story) -> None:
    of_known = staff_list._of_known

    def forgetful(row: e.PersonRow, known: Person) -> tuple[e.PersonRow | None, list[str]]:
        return (row, []) if known.standing == "left" else of_known(row, known)

    patch.setattr(staff_list, "_of_known", forgetful)
    patch.setattr(lists, "_check_granting", lambda *asked: None)


def _gives_more(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(lists, "gives_more", lambda row, known: False)


def _any_name(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(lists, "check_names", lambda *asked: None)
    patch.setattr(lookalikes, "strange", lambda *asked: {})


def _as_often_as_it_stands(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(lists.Check, "once", lambda *asked: None)


def _over_what_a_list_said(patch: pytest.MonkeyPatch, _: Story) -> None:
    refusal = administration.refusal

    def hasty(*asked: Any) -> str:
        why = refusal(*asked)
        return "" if why == "changed_meanwhile" else why

    patch.setattr(administration, "refusal", hasty)


def _witness_s_rights_not_asked(patch: pytest.MonkeyPatch, _: Story) -> None:
    refusal = attesting.refusal

    def lenient(draft: Draft, person: Person, factors: tuple[str, ...]) -> str:
        why = refusal(draft, person, factors)
        return "" if why == "witness_not_allowed" else why

    patch.setattr(attesting, "refusal", lenient)


def _defect(plant: Patch, sort: str) -> Defect:
    return Defect(plant, (5,), 1500, SHORT, (sort,))


DEFECTS: dict[str, Defect] = {
    "signature not checked": _defect(_any_signature, "list of another key"),
    "unsigned people taken": _defect(_unsigned_people, "list without a signature"),
    "file not compared": _defect(_any_file, "list changed after signing"),
    "numbers go down": _defect(_numbers_go_down, "older list again"),
    "shrunken list taken at once": _defect(_taken_at_once, "shrunken list refused"),
    "all but one deleted at once": _defect(_taken_at_once, "list of one person"),
    "accepted digest not compared": _defect(_any_digest, "another list for the accepted one"),
    "yes to whatever waits": _defect(_any_list_under_the_button, "another list under the finger"),
    "who is left out stays": _defect(_nobody_is_gone, "shrunken list accepted"),
    "promotion taken": _defect(_promotions_taken, "list that promotes"),
    "leaver brought back": _defect(_leavers_come_back, "list with somebody who left"),
    "longer rights taken": _defect(_gives_more, "list that gives more"),
    "look-alike taken": _defect(_any_name, "list with a disguised name"),
    "one badge or number twice": _defect(
        _as_often_as_it_stands, "list with one badge or number twice"
    ),
    "change over what a list said": _defect(_over_what_a_list_said, "list during a change"),
    "approval of what a list changed": _defect(_over_what_a_list_said, "list during an approval"),
    "witness's rights not asked again": _defect(
        _witness_s_rights_not_asked, "witness suspended within their proof"
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_of_staff_lists_is_found(
    name: str, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_found(DEFECTS[name], template, monkeypatch)


# What a story's lists must have met: a reason of a refusal, or what became of a list.
MET = (
    *("wrong_signature", "another_file", "no_note", "old_list", "unreadable", "bad_rows"),
    "disguised",
    *("grants_role", "grants_more", "administrator", "left"),
    *("held", "accepted", "refused", "taken"),
)
STOPPED = (  # who went on when a list had come in between
    *(("administer", "changed_meanwhile"), ("grant", "changed_meanwhile")),
    *(("remove", "rights_withdrawn"), ("witness", "witness_not_allowed")),
)


def test_the_same_story_without_a_defect_is_clean_and_each_list_got_as_far_as_it_should(
    template: Template,
) -> None:
    stories: list[Story] = []
    stopped: dict[tuple[str, str], None] = {}
    signed_out: list[str] = []

    def hear(body: r.Body) -> None:
        match body.record:
            case r.Refused(act=act, why=why) if (act, why) in STOPPED:
                stopped[act, why] = None
            case r.SignedOut(why=why):
                signed_out.append(why)

    def only_lists(story: Story) -> None:
        stories.append(story)
        story.trespassers.sorts = FALSE_LISTS
        story.model.readers.append(hear)

    told = run(PLAN, template, change=only_lists)
    assert not told.violations, told.violations[0]
    (story,) = stories
    done = story.trespassers.done
    assert sorted(done) == sorted(FALSE_LISTS), done
    seen = story.list_checks.seen
    assert sorted(seen) == sorted(MET), seen
    assert sorted(stopped) == sorted(STOPPED), stopped
    times = sum(done[name] for name in FALSE_LISTS if name.startswith("suspended"))
    assert signed_out.count("rights_withdrawn") >= times, "before, within and after an access"
