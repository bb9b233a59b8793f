"""Administration in the simulator: honest visits succeed, and planted defects of it are found.

Each defect is a small patch of the shipped code, found within a stated number of steps of a story
whose people administer, honestly or not. One rule: the same story without the patch is clean.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from auth import totp
from cabinet import (
    administration,
    attesting,
    authenticator,
    effects,
    enrolment_screens,
    factor_effects,
    lookalikes,
    pin_renewal,
    rights,
    service,
    service_desk,
    sessions,
    standing_by,
)
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet.decision import Draft, Place
from cabinet.events import BadgeSeen, ServiceEntered
from cabinet.messages import Button
from cabinet.state import Person, Spell, State
from drivers.fingerprint_session import SensorSession
from sim.accounts import look_alike
from sim.administrators import ADMINISTRATION
from sim.cast import EVERYBODY
from sim.eavesdroppers import EAVESDROPPING
from sim.meddlers import LOOK_ALIKES, MEDDLING
from sim.plan import Plan
from sim.story import Story, default_template, run
from sim.template import Template
from sim.trespassers import TRESPASSES
from tests.test_sim_finger_teeth import heard
from tests.test_sim_teeth import Defect, check_found

PLAN = Plan(seed=20, days=0.5, accesses_a_day=60, fault_rate=0.0, trespass_rate=20.0)
FEW = replace(PLAN, accesses_a_day=8)
OURS = (*ADMINISTRATION, *MEDDLING, *EAVESDROPPING)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all stories."""
    return default_template(tmp_path_factory.mktemp("sim"))


def _anybody_stands_by(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(standing_by, "refused", lambda draft, code: False)


def _maker_is_a_second_person(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(standing_by, "made", lambda state, person, maker: False)


def _one_administrator_is_enough(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(administration, "takes_two", lambda state, person, change, wall_ms: False)


def _lenient(why: str) -> Any:
    refusal = attesting.refusal

    def lenient(draft: Draft, person: Person, factors: tuple[str, ...]) -> str:
        found = refusal(draft, person, factors)
        return "" if found == why else found

    return lenient


def _one_administrator_is_two(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(attesting, "refusal", _lenient("same_person"))


def _two_accounts_are_two_administrators(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(rights, "same_human", lambda state, one, other: one == other)


def _anybody_approves(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(attesting, "refusal", _lenient("witness_not_allowed"))


def _own_rights_changed(patch: pytest.MonkeyPatch, _: Story) -> None:
    refusal = administration.refusal

    def lenient(*asked: Any) -> str:
        why = refusal(*asked)
        return "" if why == "own_rights" else why

    patch.setattr(administration, "refusal", lenient)


def _suspended_administrator_goes_on(patch: pytest.MonkeyPatch, _: Story) -> None:
    stopped = rights.stopped

    def blind(state: State, person_ref: str, wall_ms: int) -> str:
        known = state.people.get(person_ref)
        administers = known is not None and known.role == "administrator"
        return "" if administers else stopped(state, person_ref, wall_ms)

    patch.setattr(rights, "stopped", blind)
    patch.setattr(sessions, "ended", lambda draft: False)


def _steps_not_remembered(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(factor_effects, "_used", lambda state, person, step: None)


def _only_ones_own_steps_count(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(authenticator, "spent", lambda state, person: person.totp_step)


def _steps_forgotten_with_the_clock_set_back(patch: pytest.MonkeyPatch, story: Story) -> None:
    spent = authenticator.spent

    def by_the_clock(state: State, person: Person) -> int:
        now = int(story.runtime.wall.now_s()) // totp.STEP_S
        after = spent(state, person)
        return after if after <= now - 1 or story.runtime.wall.off_s == 0 else now - 2

    patch.setattr(authenticator, "spent", by_the_clock)


def _old_codes_are_good(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(totp, "WINDOW", 10)


def _app_not_asked(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(authenticator, "wanted", lambda person: False)


def _look_alike_accepted(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(lookalikes, "disguised", lambda name, other: False)


def _sensor_does_not_search(patch: pytest.MonkeyPatch, _: Story) -> None:
    call = SensorSession._call

    def blind(self: SensorSession, name: str, *given: Any) -> Any:
        return (-1, 0) if name == "searchTemplate" else call(self, name, *given)

    patch.setattr(SensorSession, "_call", blind)


def _taken_finger_left_out(patch: pytest.MonkeyPatch, _: Story) -> None:
    def offered(state: State, place: Place) -> tuple[Button, ...]:
        return (Button("without_finger", "Without"),)

    patch.setattr(enrolment_screens, "_without", offered)


def _code_of_a_taken_finger_is_good_again(patch: pytest.MonkeyPatch, _: Story) -> None:
    _kept(patch, fr.FingerTaken)


def _enroller_may_go(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(standing_by, "gone", lambda state, enroller, wall_ms: False)


def _new_pin_by_any_finger(patch: pytest.MonkeyPatch, _: Story) -> None:
    """The record says that a finger was asked for, and none was."""

    def goes_on(draft: Draft, event: BadgeSeen, person: Person) -> None:
        newcomer = replace(draft.place.newcomer, badge=event.badge)
        draft.go("enrol_pin", newcomer=newcomer)

    patch.setattr(pin_renewal, "badge_seen", goes_on)


def _kept(patch: pytest.MonkeyPatch, kind: type) -> None:
    """No code goes away when this is recorded."""
    does = effects._APPLY[kind]

    def keeping(state: State, *rest: Any) -> None:
        before = dict(state.codes)
        does(state, *rest)
        state.codes = {**before, **state.codes}

    patch.setitem(effects._APPLY, kind, keeping)


def _code_good_twice(patch: pytest.MonkeyPatch, _: Story) -> None:
    _kept(patch, r.PersonEnrolled)


def _older_code_good(patch: pytest.MonkeyPatch, _: Story) -> None:
    _kept(patch, r.CodeIssued)


def _codes_do_not_end(patch: pytest.MonkeyPatch, _: Story) -> None:
    does = effects._APPLY[r.CodeIssued]

    def endless(state: State, record: r.CodeIssued, *rest: Any) -> None:
        does(state, msgspec.structs.replace(record, expires_ms=2_000_000_000_000), *rest)

    patch.setitem(effects._APPLY, r.CodeIssued, endless)


def _ends_by_the_clock_alone(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(rights, "now_of", lambda state, wall_ms: wall_ms)


def _hours_by_the_clock_alone(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(Spell, "is_over", lambda self, mono_ms: False)


def _older_app_stays(patch: pytest.MonkeyPatch, _: Story) -> None:
    does = effects._APPLY[fr.TotpEnrolled]

    def keeping(state: State, record: fr.TotpEnrolled, *rest: Any) -> None:
        before = state.people[record.person].totp
        does(state, record, *rest)
        state.people[record.person].totp = before or state.people[record.person].totp

    patch.setitem(effects._APPLY, fr.TotpEnrolled, keeping)


def _console_knows_no_used_code(patch: pytest.MonkeyPatch, _: Story) -> None:
    unused = SimpleNamespace(spent=lambda state, person: 0)
    for module in (service, service_desk):
        patch.setattr(module, "authenticator", unused)


def _console_uses_up_no_code(patch: pytest.MonkeyPatch, _: Story) -> None:
    entered = service.entered

    def forgetful(draft: Draft, event: ServiceEntered) -> None:
        entered(draft, event)
        draft.records[:] = [it for it in draft.records if not isinstance(it, fr.TotpUsed)]

    patch.setattr(service, "entered", forgetful)


ENDS = replace(FEW, trespass_rate=100.0)  # each draws how a code ends
NEARLY = ("a code that is nearly over",)
DEFECTS: dict[str, Defect] = {
    "codes do not end": Defect(_codes_do_not_end, (5,), 3000, ENDS, NEARLY),
    "a code's end by the clock alone": Defect(_ends_by_the_clock_alone, (5,), 3000, ENDS, NEARLY),
    "a temporary user's hours by the clock alone": Defect(
        _hours_by_the_clock_alone,
        (5,),
        3000,
        ENDS,
        ("a temporary user's hours, the clock set back",),
    ),
    "the console knows no used code": Defect(
        _console_knows_no_used_code, (5,), 1500, FEW, ("a code at the console and at the screen",)
    ),
    "the console uses up no code": Defect(
        _console_uses_up_no_code, (5,), 1500, FEW, ("a code at the console and at the screen",)
    ),
    "an older app stays": Defect(_older_app_stays, (5,), 1500, FEW, ("an app's old codes",)),
    "anybody stands by": Defect(_anybody_stands_by, (5,), 1500, FEW, ("somebody is invented",)),
    "a maker is a second person": Defect(
        _maker_is_a_second_person,
        (5,),
        1500,
        FEW,
        ("the maker of a temporary user as second person",),
    ),
    "one administrator is enough": Defect(
        _one_administrator_is_enough, (5,), 1500, FEW, ("power given alone",)
    ),
    "one administrator is two": Defect(
        _one_administrator_is_two, (5,), 1500, FEW, ("power given alone",)
    ),
    "two accounts are two administrators": Defect(
        _two_accounts_are_two_administrators, (5,), 1500, FEW, ("power given by a second account",)
    ),
    "anybody approves": Defect(
        _anybody_approves, (5,), 1500, FEW, ("power given by a pharmacist",)
    ),
    "own rights changed": Defect(
        _own_rights_changed, (5,), 1500, FEW, ("an administrator's own rights",)
    ),
    "a suspended administrator goes on": Defect(
        _suspended_administrator_goes_on, (5,), 1500, FEW, ("suspended in mid-change",)
    ),
    "steps are not remembered": Defect(
        _steps_not_remembered, (5,), 1500, FEW, ("the same code of an app again",)
    ),
    "a seen code, the clock set back": Defect(
        _only_ones_own_steps_count, (5,), 1500, FEW, ("a seen code, the clock set back",)
    ),
    "a used code, the clock set back": Defect(
        _steps_forgotten_with_the_clock_set_back,
        (5,),
        1500,
        FEW,
        ("a seen code, the clock set back",),
    ),
    "old codes are good": Defect(
        _old_codes_are_good, (5,), 1500, FEW, ("a mistyped and an old code",)
    ),
    "the app is not asked": Defect(_app_not_asked, (5,), 1500, FEW, ("rights are given by two",)),
    "a look-alike is accepted": Defect(
        _look_alike_accepted, (5,), 1500, FEW, ("a name that looks alike",)
    ),
    "the sensor does not search": Defect(
        _sensor_does_not_search, (5,), 1500, FEW, ("a finger of somebody else",)
    ),
    "a taken finger is left out": Defect(
        _taken_finger_left_out, (5,), 1500, FEW, ("a finger of somebody else",)
    ),
    "the code of a taken finger is good again": Defect(
        _code_of_a_taken_finger_is_good_again, (5,), 1500, FEW, ("a finger of somebody else",)
    ),
    "an enroller may go": Defect(
        _enroller_may_go, (5,), 1500, FEW, ("an enroller suspended in the midst",)
    ),
    "a new PIN by any finger": Defect(
        _new_pin_by_any_finger, (5,), 1500, FEW, ("a PIN is forgotten",)
    ),
    "a code is good twice": Defect(_code_good_twice, (5,), 1500, FEW, ("a code twice",)),
    "an older code is good": Defect(_older_code_good, (5,), 1500, FEW, ("a code of before",)),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_of_administration_is_found(
    name: str, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_found(DEFECTS[name], template, monkeypatch)


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_the_reader_sees_each_name_that_looks_like_somebodys(name: tuple[str, str]) -> None:
    theirs = [it.name for it in EVERYBODY if look_alike(" ".join(name), it.name)]
    assert len(theirs) == 1
    assert not look_alike(theirs[0], theirs[0])


# What the ledger says of each sort that meddles: a record, and why.
TOLD: tuple[tuple[str, str], ...] = (
    ("Refused", "own_code"),
    ("CodeRefused", "nobody_stands_by"),
    ("CodeRefused", "unknown"),
    ("Refused", "same_person"),
    ("Refused", "witness_not_allowed"),
    ("Refused", "own_rights"),
    ("Refused", "rights_withdrawn"),
    ("FingerTaken", ""),
    ("EnrolmentEnded", "timed_out"),
    ("EnrolmentEnded", "enroller_withdrawn"),
    ("FactorRefused", "wrong_code"),
    ("AttemptEnded", "locked"),
    ("LockReleased", ""),
    ("ClockStepped", ""),
)


# The same of those whose codes, hours or apps are over: each sort played alone.
ENDS_TOLD: dict[str, tuple[tuple[str, str], ...]] = {
    "a code that is nearly over": (
        ("CodeRefused", "expired"),
        ("PersonEnrolled", ""),
        ("ClockStepped", ""),
    ),
    "a temporary user's hours, the clock set back": (
        ("TemporaryOver", ""),
        ("AccessStarted", ""),
        ("FactorRefused", "not_active"),
    ),
    "a code at the console and at the screen": (
        ("ServiceSignedIn", ""),
        ("ServiceRefused", "wrong_secret"),
        ("FactorRefused", "wrong_code"),
    ),
    "an app's old codes": (
        ("TotpEnrolled", ""),
        ("CredentialsWithdrawn", "Enrolled again"),
        ("FactorRefused", "wrong_code"),
    ),
}


@pytest.mark.parametrize("name", ENDS_TOLD)
def test_what_is_over_is_refused_and_nothing_is_violated(name: str, template: Template) -> None:
    stories: list[Story] = []
    told: dict[tuple[str, str], int] = {}

    def ours(story: Story) -> None:
        story.trespassers.sorts = {name: TRESPASSES[name]}
        heard(story, lambda it: told.update({(type(it).__name__, getattr(it, "why", "")): 1}))
        stories.append(story)

    ended = run(ENDS, template, change=ours)
    assert not ended.violations, ended.violations[0]
    assert stories[0].trespassers.done.get(name, 0) > 1
    assert not [it for it in ENDS_TOLD[name] if it not in told]


def test_everybody_goes_as_far_as_they_should_and_the_ledger_tells_of_it(
    template: Template,
) -> None:
    stories: list[Story] = []
    told: dict[tuple[str, str], int] = {}

    def hear(body: r.Body) -> None:
        key = (type(body.record).__name__, getattr(body.record, "why", ""))
        told[key] = told.get(key, 0) + 1

    def ours(story: Story) -> None:
        story.trespassers.sorts = {name: TRESPASSES[name] for name in OURS}
        story.model.readers.append(hear)
        stories.append(story)

    ended = run(PLAN, template, change=ours)
    assert not ended.violations, ended.violations[0]
    trespassers = stories[0].trespassers
    assert sorted(trespassers.done) == sorted(OURS)
    assert trespassers.done == trespassers.tried
    assert [it for it in TOLD if it not in told] == []


def test_a_short_name_in_a_signature_is_nobodys_and_in_words_it_is(template: Template) -> None:
    stories: list[Story] = []
    run(Plan(seed=1, days=0.01), template, change=stories.append)
    tells = stories[0].checks.tells
    assert not tells(b'"note":"x\\n+lqcIPAYeFpPs70B6Uwc6upczk4BSwQ2sMeiNUeO+R8="')
    assert tells(b'"note":"for Mei +lqcIPAYeFpPs70B6Uwc6upczk4BSwQ2socLNUeO+R8="')
