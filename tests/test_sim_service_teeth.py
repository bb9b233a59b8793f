"""Technicians of the simulator, and planted defects of the service console that it finds.

As `test_sim_teeth.py`, and under its rule: the same story without the patch is clean.
"""

import time
from typing import Any

import pytest

from auth import ssh_proof
from auth.errors import NotProved
from auth.ssh_proof import Trust
from auth.ssh_signature import Signature
from cabinet import events as e
from cabinet import lock_test, service, service_answers, service_work
from cabinet.console_messages import Table
from cabinet.console_socket import ConsoleGone
from cabinet.decision import Draft
from cabinet.service_desk import ServiceDesk
from cabinet.state import DrawerState, State
from sim.plan import Plan
from sim.service_key import Hours, Key, answer, certified, prove
from sim.servicing import SERVICES
from sim.story import Story, default_template, run
from sim.template import Template
from tests.test_sim_teeth import Defect, check_found

PLAN = Plan(
    seed=31, days=0.6, accesses_a_day=60, fault_rate=0.0, trespass_rate=0.0, service_rate=20.0
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all stories."""
    return default_template(tmp_path_factory.mktemp("sim"))


def _nobody_need_let_them_in(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(service, "needs_admission", lambda state: False)


def _works_before_let_in(patch: pytest.MonkeyPatch, _: Story) -> None:
    def lenient(state: State, session: str) -> str:
        there = state.service is not None and state.service.id == session
        return "" if there else service.OVER

    patch.setattr(service, "_kept_out", lenient)


def _screen_forgets_service_mode(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(service_work, "badge_seen", lambda draft: False)


def _answered_without_a_record(patch: pytest.MonkeyPatch, _: Story) -> None:
    asked = service.asked

    def silent(draft: Draft, event: e.ServiceAsked) -> None:
        if event.command != "drawers":
            asked(draft, event)

    patch.setattr(service, "asked", silent)


def _any_drawer_is_called_empty(patch: pytest.MonkeyPatch, _: Story) -> None:
    def empty(state: State, drawer: DrawerState) -> bool:
        return True

    patch.setattr(lock_test, "is_empty", empty)


def _hours_forgotten(patch: pytest.MonkeyPatch, _: Story) -> None:
    refused = ssh_proof.refused

    def timeless(signature: Signature, trust: Trust, now_s: float) -> str:
        try:
            return refused(signature, trust, now_s)
        except NotProved as error:
            if error.why not in ("not_yet", "expired"):
                raise
            return trust.names[0]

    patch.setattr(ssh_proof, "refused", timeless)


def _counts_in_an_answer(patch: pytest.MonkeyPatch, _: Story) -> None:
    drawers = service_answers.drawers

    def telling(state: State, *facts: Any) -> Table:
        table = drawers(state, *facts)
        held = str(sum(state.on_hand(pocket) for pocket in state.pockets))
        return Table(table.name, table.headings, (*table.rows, ("held", held, *("",) * 5)))

    patch.setattr(service_answers, "drawers", telling)


def _cable_pulled_unnoticed(patch: pytest.MonkeyPatch, _: Story) -> None:
    take = ServiceDesk.take

    def deaf(self: ServiceDesk, event: Any) -> None:
        if not isinstance(event, ConsoleGone):
            take(self, event)

    patch.setattr(ServiceDesk, "take", deaf)


def _idle_for_ever(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(service, "tick", lambda draft: None)


DEFECTS: dict[str, Defect] = {
    "no pharmacist need let them in": Defect(_nobody_need_let_them_in, (5,), 600, PLAN),
    "works before they are let in": Defect(_works_before_let_in, (5,), 2500, PLAN),
    "the screen forgets service mode": Defect(_screen_forgets_service_mode, (5,), 1000, PLAN),
    "a command without its record": Defect(_answered_without_a_record, (1,), 1000, PLAN),
    "any drawer is called empty": Defect(_any_drawer_is_called_empty, (6,), 1000, PLAN),
    "a certificate's hours forgotten": Defect(_hours_forgotten, (5,), 2500, PLAN),
    "counts in an answer": Defect(_counts_in_an_answer, (10,), 1000, PLAN),
    "a pulled cable unnoticed": Defect(_cable_pulled_unnoticed, (5,), 1500, PLAN),
    "idle for ever": Defect(_idle_for_ever, (5,), 2500, PLAN),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_of_service_is_found(
    name: str, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_found(DEFECTS[name], template, monkeypatch)


def test_the_same_story_without_a_defect_is_clean_and_everything_was_done(
    template: Template,
) -> None:
    stories: list[Story] = []
    told = run(PLAN, template, change=stories.append)
    assert not told.violations, told.violations[0]
    assert sorted(stories[0].technicians.done) == sorted(SERVICES)


def test_technicians_come_among_faults_and_nothing_breaks(template: Template) -> None:
    plan = Plan(seed=32, days=0.6, accesses_a_day=100, fault_rate=4.0, service_rate=12.0)
    told = run(plan, template)
    assert not told.violations, told.violations[0]
    assert "--services 12" in plan.command()


GOOD = Hours(-3600, 7 * 3600)


@pytest.mark.process
@pytest.mark.parametrize(
    ("ca", "place", "hours", "signed"),
    [
        ("ours", "demo-4w", GOOD, "the challenge"),
        ("ours", "demo-4w", GOOD, "another challenge"),
        ("theirs", "demo-4w", GOOD, "the challenge"),
        ("ours", "elsewhere", GOOD, "the challenge"),
        ("ours", "demo-4w", Hours(-7200, -3600), "the challenge"),
    ],
)
def test_what_the_simulator_believes_of_a_key_the_real_ssh_keygen_believes_as_well(
    ca: str, place: str, hours: Hours, signed: str
) -> None:
    key, now_s = Key("a technician's"), time.time()
    until = Hours(int(now_s) + hours.first_s, int(now_s) + hours.last_s)
    proof = answer(key, certified(Key(ca), key, "Toomas Rebane", place, until, 7), signed)
    trust = Trust((Key("ours").line,), ("demo-4w",), 24)
    became: list[str] = []
    for check in (prove, ssh_proof.check):
        try:
            held = check(proof, b"the challenge", trust, now_s)
            became.append(f"{held.key} {held.serial} {held.principals}")
            assert held.key == key.fingerprint
        except NotProved as error:
            became.append(error.why)
    assert became[0] == became[1]
