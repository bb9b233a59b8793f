"""The simulator finds defects of the finger sensor as a thing, and of the supervisor without it.

Each is a small patch of the shipped code, found in a story of the visits that should find it. One
rule: the same story without the patch is clean, and each of its visits got as far as it should.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from cabinet import (
    attesting,
    copies,
    effects,
    factor_effects,
    loading,
    rights,
    sensor,
    supervision,
)
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.decision import Draft, Proof
from cabinet.events import FingerSeen
from cabinet.state import Person, State
from drivers.fingerprint_session import Outcome, SensorSession
from drivers.readings import Finger
from sim.disk import Strike
from sim.plan import Plan
from sim.story import Story, default_template, run
from sim.swapped_sensors import SWAPPED
from sim.template import Template
from sim.trespassers import TRESPASSES
from sim.unsupervised import UNSUPERVISED
from tests.test_sim_teeth import Defect, check_found

PLAN = Plan(seed=20, days=0.3, accesses_a_day=30, fault_rate=0.0, trespass_rate=40.0)
WITHIN = 1200  # steps
WITHOUT_REFUSAL = attesting.refusal


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all stories."""
    return default_template(tmp_path_factory.mktemp("sim"))


# --- which sensor ---------------------------------------------------------------------------------


def _mark_read_once(patch: pytest.MonkeyPatch, _: Story) -> None:
    """When the line is opened, and not before and after each transaction."""
    patch.setattr(SensorSession, "_check_identity", lambda self: None)


def _mark_read_before_only(patch: pytest.MonkeyPatch, _: Story) -> None:
    """A sensor that is put in while a finger is waited for answers for the other one."""
    barrier = SensorSession._barrier

    def close(self: SensorSession) -> None:
        barrier(self, self._transactions >> 3)

    patch.setattr(SensorSession, "_close_transaction", close)


def _any_sensor_will_do(patch: pytest.MonkeyPatch, _: Story) -> None:
    def answers(draft: Draft, identity: str) -> None:
        sensor._carry(draft, identity or draft.state.sensor)
        if sensor.SENSOR in draft.state.devices_down:
            draft.add(r.DeviceRestored(sensor.SENSOR))

    patch.setattr(sensor, "answers", answers)


def _slots_outlive_their_sensor(patch: pytest.MonkeyPatch, _: Story) -> None:
    """An administrator decided for the new one, and everybody's slots go on to count."""
    fitted = factor_effects.APPLY[fr.SensorFitted]

    def lenient(state: State, record: fr.SensorFitted, *rest: Any) -> None:
        slots = {person.ref: person.slots for person in state.people.values()}
        fitted(state, record, *rest)
        for person in state.people.values():
            person.slots = slots[person.ref]

    patch.setitem(effects._APPLY, fr.SensorFitted, lenient)


# --- copies and loading ---------------------------------------------------------------------------


def _one_is_enough_to_load(patch: pytest.MonkeyPatch, _: Story) -> None:
    def refusal(draft: Draft, person: Person, factors: tuple[str, ...]) -> str:
        called = draft.state.witnessing
        why = WITHOUT_REFUSAL(draft, person, factors)
        lenient = called is not None and called.act == "load_fingers" and why == "same_person"
        return "" if lenient else why

    patch.setattr(attesting, "refusal", refusal)


def _loaded_before_it_is_proven(patch: pytest.MonkeyPatch, _: Story) -> None:
    tick = loading.tick

    def hasty(draft: Draft) -> None:
        tick(draft)
        ordered = [it for it in draft.records if isinstance(it, fr.TemplateOrdered)]
        draft.add(*(fr.TemplateLoaded(it.order, it.person, it.slot) for it in ordered))

    patch.setattr(loading, "tick", hasty)


def _wiped_because_the_sensor_says_so(patch: pytest.MonkeyPatch, _: Story) -> None:
    def delete(self: SensorSession, slot: int) -> Outcome:
        self.check()
        self._call("deleteTemplate", slot)
        return self._believed(Outcome(Finger.DELETED, slot))

    patch.setattr(SensorSession, "delete", delete)


def _wiped_before_it_is_answered(patch: pytest.MonkeyPatch, _: Story) -> None:
    tick = sensor.tick

    def hasty(draft: Draft) -> None:
        tick(draft)
        if draft.state.wiping and draft.commands:
            sensor.wiped(draft, FingerSeen("", "deleted", draft.state.wiping[0]))

    patch.setattr(sensor, "tick", hasty)


def _copies_of_everybody(patch: pytest.MonkeyPatch, _: Story) -> None:
    not_kept = copies.not_kept

    def greedy(state: State) -> Any:
        wishes = {person.ref: person.copies for person in state.people.values()}
        for person in state.people.values():
            person.copies = True
        wanted = list(not_kept(state))
        for person in state.people.values():
            person.copies = wishes[person.ref]
        return iter(wanted)

    patch.setattr(copies, "not_kept", greedy)


def _copies_are_never_erased(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(factor_effects, "forget", lambda state, names: None)


# --- supervisors ----------------------------------------------------------------------------------


def _anybody_supervises(patch: pytest.MonkeyPatch, _: Story) -> None:
    def refusal(draft: Draft, person: Person, factors: tuple[str, ...]) -> str:
        called = draft.state.witnessing
        why = WITHOUT_REFUSAL(draft, person, factors)
        lenient = called is not None and called.act == "supervise" and why == "witness_not_allowed"
        return "" if lenient else why

    patch.setattr(attesting, "refusal", refusal)


def _two_accounts_are_two_people(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(rights, "same_human", lambda state, one, other: one == other)


def _late_supervisor_believed(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(attesting, "is_late", lambda state, moment: False)


def _asked_for_once(patch: pytest.MonkeyPatch, _: Story) -> None:
    """Who began to sign in before the restart is not asked for a supervisor after it."""
    wanted, asked = supervision.wanted, dict[str, None]()

    def once(state: State, person: str, fallback: str, wall_ms: int) -> bool:
        again = person in asked
        if wanted(state, person, fallback, wall_ms):
            asked[person] = None
            return not again
        return False

    patch.setattr(supervision, "wanted", once)


def _not_asked_for_at_a_lock(patch: pytest.MonkeyPatch, _: Story) -> None:
    ask = supervision.ask

    def forgetful(draft: Draft, session: str, proof: Proof) -> None:
        if not any(isinstance(it, r.ScreenUnlocked) for it in draft.records):
            ask(draft, session, proof)

    patch.setattr(supervision, "ask", forgetful)
    patch.setattr(supervision, "refused", lambda draft, button: False)


def _not_asked_for_after_a_drawer(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(supervision, "refused", lambda draft, button: False)


DEFECTS: dict[str, Defect] = {
    "the mark is read once": Defect(
        _mark_read_once, (5,), WITHIN, PLAN, ("sensor swapped between two proofs",)
    ),
    "the mark is read before only": Defect(
        _mark_read_before_only, (5,), WITHIN, PLAN, ("sensor swapped within a proof",)
    ),
    "any sensor will do": Defect(
        _any_sensor_will_do, (5,), WITHIN, PLAN, ("sensor swapped at rest",)
    ),
    "slots outlive their sensor": Defect(
        _slots_outlive_their_sensor, (5,), WITHIN, PLAN, ("another sensor stays",)
    ),
    "one is enough to load": Defect(
        _one_is_enough_to_load, (5,), WITHIN, PLAN, ("fingers are loaded by one",)
    ),
    "loaded before it is proven": Defect(
        _loaded_before_it_is_proven, (5,), WITHIN, PLAN, ("fingers are loaded",)
    ),
    "wiped because the sensor says so": Defect(
        _wiped_because_the_sensor_says_so, (5,), WITHIN, PLAN, ("enrols again at a worn sensor",)
    ),
    "wiped before it is answered": Defect(
        _wiped_before_it_is_answered, (5,), WITHIN, PLAN, ("enrols again at a worn sensor",)
    ),
    "copies of everybody": Defect(_copies_of_everybody, (9,), WITHIN, PLAN, ()),
    "copies are never erased": Defect(
        _copies_are_never_erased, (9,), WITHIN, PLAN, ("copies are taken back",)
    ),
    "anybody supervises": Defect(_anybody_supervises, (5,), WITHIN, PLAN, ("nurse as supervisor",)),
    "second account as supervisor": Defect(
        _two_accounts_are_two_people, (5,), WITHIN, PLAN, ("second account as supervisor",)
    ),
    "late supervisor believed": Defect(
        _late_supervisor_believed, (5,), WITHIN, PLAN, ("supervisor comes late",)
    ),
    "asked for once": Defect(
        _asked_for_once, (5,), WITHIN, PLAN, ("no supervisor, after a restart",)
    ),
    "not asked for at a locked screen": Defect(
        _not_asked_for_at_a_lock, (5,), WITHIN, PLAN, ("no supervisor, through a locked screen",)
    ),
    "not asked for after a drawer": Defect(
        _not_asked_for_after_a_drawer, (5,), WITHIN, PLAN, ("no supervisor, at an open drawer",)
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_of_fingers_is_found(
    name: str, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_found(DEFECTS[name], template, monkeypatch)


# --- how far they get ----------------------------------------------------------------------------

Step = tuple[type, dict[str, Any]]
FOREIGN: Step = (fr.SensorForeign, {})
BACK: Step = (r.DeviceRestored, {"device": sensor.SENSOR})
BY_PIN: Step = (r.SignedIn, {"factors": ("badge", "pin"), "fallback": "sensor_down"})
BY_FINGER: Step = (r.SignedIn, {"factors": ("badge", "finger"), "fallback": ""})
SUPERVISED: Step = (fr.Supervised, {})
CALLED: Step = (r.WitnessCalled, {"act": "supervise"})
UNSUPERVISED_OUT: Step = (r.SignedOut, {"why": "unsupervised"})
ACCESS: Step = (r.AccessStarted, {"kind": "remove"})
LOADED: Step = (fr.TemplateLoaded, {})
APPROVED: Step = (fr.SensorFitted, {"load": True})
WITHDRAWN: Step = (st.CredentialsWithdrawn, {})
ENROLLED: Step = (r.PersonEnrolled, {})
ERASED: Step = (r.Erased, {"kind": "template"})
SAME: Step = (r.Refused, {"act": "witness", "why": "same_person"})
NOT_ALLOWED: Step = (r.Refused, {"act": "witness", "why": "witness_not_allowed"})
WITNESS: Step = (r.BadgePresented, {"purpose": "witness"})
WIPED: Step = (fr.FingerWiped, {})
STARTED: Step = (r.Started, {})
UNLOCKED: Step = (r.ScreenUnlocked, {"fallback": "sensor_down"})

# What a visit leaves in the ledger, in this order, where it got as far as it should.
REACHES: dict[str, tuple[Step, ...]] = {
    "sensor swapped at rest": (FOREIGN, BY_PIN, SUPERVISED, ACCESS, BACK, BY_FINGER),
    "sensor swapped between two proofs": (BY_FINGER, ACCESS, WITNESS, FOREIGN, BACK),
    "sensor swapped within a proof": (BY_FINGER, ACCESS, WITNESS, FOREIGN, BACK),
    "another sensor stays": (
        *(FOREIGN, BY_PIN, SUPERVISED, (fr.SensorFitted, {"load": False}), ERASED),
        *(WITHDRAWN, ENROLLED, BY_FINGER),
    ),
    "fingers are loaded": (FOREIGN, SUPERVISED, APPROVED, LOADED, LOADED, BY_FINGER, ACCESS),
    "fingers are loaded by one": (FOREIGN, SUPERVISED, SAME, NOT_ALLOWED, BACK),
    "power cut in a load": (APPROVED, LOADED, STARTED, LOADED, BY_FINGER, ACCESS),
    "sensor replaced in a load": (APPROVED, LOADED, FOREIGN, BACK, LOADED, BY_FINGER, ACCESS),
    "enrols again at a worn sensor": (WITHDRAWN, WIPED, WIPED, ENROLLED),
    "copies are taken back": ((fr.CopiesTakenBack, {}), ERASED, ERASED),
    "second account as supervisor": (BY_PIN, CALLED, WITNESS, SAME, (r.WitnessDismissed, {})),
    "nurse as supervisor": (BY_PIN, CALLED, WITNESS, NOT_ALLOWED, UNSUPERVISED_OUT),
    "supervisor comes late": (BY_PIN, CALLED, UNSUPERVISED_OUT),
    "no supervisor, through a locked screen": (BY_FINGER, UNLOCKED, CALLED, UNSUPERVISED_OUT),
    "no supervisor, at an open drawer": (ACCESS, UNLOCKED, CALLED, UNSUPERVISED_OUT),
    "no supervisor, after a restart": (CALLED, STARTED, BY_PIN, CALLED, UNSUPERVISED_OUT),
}


def missing(records: Iterable[r.Record], steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps that are not there in their order."""
    for record in records:
        if not steps:
            break
        kind, fields = steps[0]
        said = isinstance(record, kind)
        if said and all(getattr(record, name) == value for name, value in fields.items()):
            steps = steps[1:]
    return steps


def heard(story: Story, hear: Callable[[r.Record], None]) -> None:
    """Of a story's entries those that come in it, not those of before."""
    begin = story.model.begin

    def begun() -> None:
        begin()
        story.model.readers.append(lambda body: hear(body.record))

    story.model.begin = begun  # type: ignore[method-assign]


@pytest.mark.parametrize("name", [*SWAPPED, *UNSUPERVISED])
def test_each_visit_gets_as_far_as_it_should_and_nothing_is_violated(
    name: str, template: Template
) -> None:
    records: list[r.Record] = []

    def listen(story: Story) -> None:
        story.trespassers.sorts = {name: TRESPASSES[name]}
        heard(story, records.append)

    told = run(PLAN, template, change=listen)
    assert not told.violations, told.violations[0]
    assert not missing(records, REACHES[name])


@pytest.mark.parametrize(("seed", "loads"), [(20, [True, False]), (24, [True])])
def test_a_power_cut_in_the_approval_of_a_sensor_ends_with_one_that_people_decided_for(
    seed: int, loads: list[bool], template: Template
) -> None:
    """The record is on disk and was never acknowledged; a mark that was new was never written."""
    called: list[str] = []
    fitted: list[bool] = []

    def cut(story: Story) -> None:
        story.trespassers.sorts = {"fingers are loaded": TRESPASSES["fingers are loaded"]}

        def hear(record: r.Record) -> None:
            match record:
                case r.WitnessCalled():
                    called.append(record.act)
                case r.BadgePresented(purpose="witness") if called[-1] == "load_fingers":
                    story.runtime.disk.strike = Strike.CUT_AFTER
                case fr.SensorFitted():
                    fitted.append(record.load)
                case _:
                    pass

        heard(story, hear)

    told = run(replace(PLAN, seed=seed, trespass_rate=14.0), template, change=cut)
    assert not told.violations, told.violations[0]
    assert (told.power_cuts, fitted) == (1, loads)
