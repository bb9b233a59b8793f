"""The simulator finds defects of who may do what, planted in the running product.

Each is a small patch of the shipped code, found within a stated number of steps of a story whose
people err about their rights. One rule: the same story without the patch is clean.
"""

from dataclasses import replace
from typing import Any

import pytest

from cabinet import (
    attesting,
    emergency,
    locking,
    patients,
    reviews,
    rights,
    sessions,
    signin,
    spells,
)
from cabinet import records as r
from cabinet.decision import Draft, Place, Proof
from cabinet.messages import Screen
from cabinet.state import Order, Person, State
from sim.plan import Plan
from sim.story import Story, default_template, run
from sim.template import Template
from sim.trespassers import TRESPASSES
from tests.test_sim_finger_teeth import heard
from tests.test_sim_teeth import Defect, Patch, check_found

PLAN = Plan(seed=20, days=0.5, accesses_a_day=60, fault_rate=0.0, trespass_rate=20.0)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all stories."""
    return default_template(tmp_path_factory.mktemp("sim"))


def _two_accounts_are_two_people(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(rights, "same_human", lambda state, one, other: one == other)


def _expiry_forgotten(patch: pytest.MonkeyPatch, _: Story) -> None:
    stopped = rights.stopped

    def timeless(state: State, person_ref: str, wall_ms: int) -> str:
        why = stopped(state, person_ref, wall_ms)
        return "" if why == "rights_expired" else why

    patch.setattr(rights, "stopped", timeless)


def _session_of_the_suspended_goes_on(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(sessions, "refused", lambda draft, button: False)
    patch.setattr(sessions, "ended", lambda draft: False)


def _override_without_the_right(patch: pytest.MonkeyPatch, _: Story) -> None:
    refusal = emergency.refusal

    def lenient(*asked: Any) -> str:
        why = refusal(*asked)
        return "" if why == "wrong_override_group" else why

    patch.setattr(emergency, "refusal", lenient)


def _not_on_the_override_list(patch: pytest.MonkeyPatch, _: Story) -> None:
    lifted = dict.fromkeys(emergency.LIFTED, ("wrong_override_group", "not_on_override_list"))
    patch.setattr(emergency, "LIFTED", lifted)


def _finger_is_enough(patch: pytest.MonkeyPatch, _: Story) -> None:
    whole = signin._whole

    def alone(draft: Draft, person: Person, proof: Proof) -> None:
        whole(draft, person, Proof(proof.person, ("finger",), proof.fallback))

    patch.setattr(signin, "_whole", alone)
    patch.setattr(rights, "unproven", lambda *asked: "")


def _late_witness_believed(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(attesting, "is_late", lambda state, moment: False)


def _locked_screen_shows_on(patch: pytest.MonkeyPatch, _: Story) -> None:
    show = locking.show

    def seen(state: State, place: Place) -> Screen:
        parked = place.parked
        if parked is not None and parked.page == "order":
            return patients.show_order(state, parked, state.last_wall_ms)
        return show(state, place)

    patch.setattr(locking, "show", seen)


def _break_glass_alone(patch: pytest.MonkeyPatch, _: Story) -> None:
    ask = emergency._ask

    def hasty(draft: Draft, kind: str, why: str) -> None:
        if kind == "break_glass":
            emergency._begin(draft, draft.reference(), kind, why, Proof("", ()))
        else:
            ask(draft, kind, why)

    patch.setattr(emergency, "_ask", hasty)


def _area_forgotten(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(rights, "here", lambda state, person: True)


def _training_forgotten(patch: pytest.MonkeyPatch, _: Story) -> None:
    refusal = rights.refusal

    def untaught(*asked: Any) -> str:
        why = refusal(*asked)
        return "" if why == "training_lapsed" else why

    patch.setattr(rights, "refusal", untaught)


def _temporary_user_witnesses(patch: pytest.MonkeyPatch, _: Story) -> None:
    refusal = attesting.refusal

    def anybody(draft: Draft, person: Person, factors: tuple[str, ...]) -> str:
        why = refusal(draft, person, factors)
        return "" if why == "witness_not_allowed" else why

    patch.setattr(attesting, "refusal", anybody)


def _two_people_signed_in(patch: pytest.MonkeyPatch, _: Story) -> None:
    """Whoever proves at a locked screen is signed in, and the first is not signed out."""

    def signs_in(draft: Draft, proof: Proof) -> None:
        attempt = draft.state.attempt
        assert attempt is not None
        draft.add(r.SignedIn(draft.reference(), attempt.id, proof.person, proof.factors))
        draft.leave()

    patch.setattr(locking, "proved", signs_in)


def _end_by_the_clock_alone(patch: pytest.MonkeyPatch, _: Story) -> None:
    def ended(state: State, order: Order, wall_ms: int) -> bool:
        return not order.active or 0 < order.listed.stops_ms <= wall_ms

    patch.setattr(patients, "has_ended", ended)


def _judges_all_the_same(why: str) -> Patch:
    """Whoever is refused for this reason judges."""

    def plant(patch: pytest.MonkeyPatch, _: Story) -> None:
        refusal = reviews.refusal

        def lenient(state: State, subject: str, now_ms: int) -> str:
            found = refusal(state, subject, now_ms)
            return "" if found == why else found

        patch.setattr(reviews, "refusal", lenient)

    return plant


def _restart_forgets_emergencies(patch: pytest.MonkeyPatch, _: Story) -> None:
    restarted = spells.restarted

    def forgetful(state: State, mono_ms: int) -> None:
        restarted(state, mono_ms)
        state.emergencies = {ref: it for ref, it in state.emergencies.items() if not it.ended}

    patch.setattr(spells, "restarted", forgetful)


def _no_verdict_is_owed(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(reviews, "_alone", lambda state: [])


def _session_without_end(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(locking, "is_over", lambda state, moment: False)


def _training_lasts_longer(patch: pytest.MonkeyPatch, _: Story) -> None:
    """By the few seconds that somebody stands at the cabinet."""
    refusal = rights.refusal

    def slow(*asked: Any) -> str:
        state, person, act, wall_ms, *rest = asked
        why = refusal(*asked)
        if why != "training_lapsed":
            return why
        with patch.context() as then:
            then.setattr(rights, "now_of", lambda state, wall_ms: wall_ms - 10_000)
            return refusal(state, person, act, wall_ms, *rest)

    patch.setattr(rights, "refusal", slow)


EARLY = replace(PLAN, seed=21)  # the temporary user is asked before their hours are over
VERDICTS = replace(PLAN, accesses_a_day=8, trespass_rate=100.0)  # each draws who takes part
LAST = replace(VERDICTS, trespass_rate=200.0)
LONG = ("a session that is too long",)  # an hour, in which nobody else comes: played alone

DEFECTS: dict[str, Defect] = {
    "second account as witness": Defect(
        _two_accounts_are_two_people, (5,), 1500, PLAN, ("second account as witness",)
    ),
    "expiry forgotten": Defect(_expiry_forgotten, (5,), 2500, PLAN, ("expires in mid-session",)),
    "session of the suspended goes on": Defect(
        _session_of_the_suspended_goes_on, (5,), 3500, PLAN, ("suspended in mid-session",)
    ),
    "override without the right": Defect(
        _override_without_the_right, (5,), 800, PLAN, ("override without the right",)
    ),
    "override of what is not listed": Defect(
        _not_on_the_override_list, (5,), 800, PLAN, ("override without the right",)
    ),
    "a finger alone": Defect(_finger_is_enough, (5,), 400, PLAN),
    "late witness believed": Defect(
        _late_witness_believed, (5,), 1500, PLAN, ("witness comes late",)
    ),
    "locked screen shows on": Defect(
        _locked_screen_shows_on, (5, 9), 4000, PLAN, ("second badge at a screen in use",)
    ),
    "break-glass alone": Defect(_break_glass_alone, (5,), 800, PLAN, ("break-glass",)),
    "area forgotten": Defect(_area_forgotten, (5,), 400, PLAN, ("nurse of another ward",)),
    "training forgotten": Defect(
        _training_forgotten, (5,), 2000, PLAN, ("nurse without training",)
    ),
    "temporary user as witness": Defect(
        _temporary_user_witnesses, (5,), 2500, EARLY, ("temporary user as witness",)
    ),
    "an order's end by the clock alone": Defect(
        _end_by_the_clock_alone, (5,), 2500, PLAN, ("order that ended, the clock set back",)
    ),
    "a second account judges": Defect(
        _two_accounts_are_two_people, (5,), 2500, VERDICTS, ("a verdict is dodged",)
    ),
    "whoever took part judges": Defect(
        _judges_all_the_same("reviewers_own"), (5,), 2500, VERDICTS, ("a verdict is dodged",)
    ),
    "judged while it is on": Defect(
        _judges_all_the_same("still_on"), (5,), 2500, VERDICTS, ("a verdict is dodged",)
    ),
    "a restart forgets emergencies": Defect(
        _restart_forgets_emergencies, (5,), 2500, VERDICTS, ("a verdict is dodged",)
    ),
    "no verdict is owed": Defect(
        _no_verdict_is_owed, (5,), 2500, VERDICTS, ("a removal without an order is judged",)
    ),
    "a session without an end": Defect(
        _session_without_end, (5,), 6000, replace(LAST, seed=23), ("a session that is too long",)
    ),
    "training of the one who wastes lasts longer": Defect(
        _training_lasts_longer, (5,), 2500, LAST, ("training ends before the witness comes",)
    ),
    "training of the witness lasts longer": Defect(
        _training_lasts_longer, (5,), 2500, LAST, ("training of the witness ends",)
    ),
    "training lasts as long as a drawer takes": Defect(
        _training_lasts_longer, (5,), 2500, LAST, ("training ends as a drawer opens",)
    ),
    "two people signed in": Defect(
        _two_people_signed_in, (0, 5), 2000, PLAN, ("second badge at a screen in use",)
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_of_access_is_found(
    name: str, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_found(DEFECTS[name], template, monkeypatch)


def test_the_same_story_without_a_defect_is_clean_and_everything_was_tried(
    template: Template,
) -> None:
    stories: list[Story] = []
    lines: list[str] = []
    told = run(PLAN, template, tell=lines.append, change=stories.append)
    assert not told.violations, told.violations[0]
    tried = stories[0].trespassers.tried
    expected = [name for name in TRESPASSES if name not in LONG]
    assert sorted(name for name in tried if name not in LONG) == sorted(expected), tried
    assert any("has ended and is not offered" in line for line in lines)


# What each of those whose time is over leaves in the ledger: a record, and why.
OVER: dict[str, tuple[tuple[str, str], ...]] = {
    "a session that is too long": (
        ("ScreenLocked", "too_long"),
        ("ScreenUnlocked", ""),
        ("RemovalTaken", ""),
    ),
    "training ends before the witness comes": (("Refused", "training_lapsed"), ("Wasted", "")),
    "training of the witness ends": (("Refused", "witness_not_allowed"), ("WitnessCalled", "")),
    "training ends as a drawer opens": (("Refused", "training_lapsed"), ("Returned", "")),
}


@pytest.mark.parametrize("name", OVER)
def test_whose_time_is_over_is_stopped_and_nothing_is_violated(
    name: str, template: Template
) -> None:
    told: dict[tuple[str, str], int] = {}

    def ours(story: Story) -> None:
        story.trespassers.sorts = {name: TRESPASSES[name]}
        heard(story, lambda it: told.update({(type(it).__name__, getattr(it, "why", "")): 1}))

    ended = run(replace(LAST, seed=23), template, change=ours)
    assert not ended.violations, ended.violations[0]
    assert not [it for it in OVER[name] if it not in told]
