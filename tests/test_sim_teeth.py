"""The simulator finds what it is there to find: defects planted in the running product.

Each is a small patch of the shipped code, found within a stated number of steps of a story with a
fixed seed. One rule: the same story without the patch is clean, so what is found is the defect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from cabinet import (
    access,
    access_screens,
    attesting,
    effects,
    patients,
    rights,
    rules,
    sessions,
    signin,
)
from cabinet import events as e
from cabinet import records as r
from cabinet.decision import Draft
from cabinet.journal import Journal
from cabinet.messages import Words
from cabinet.state import State
from cabinet.turns import Turns
from drivers import fingerprint_session, locks
from drivers.fingerprint_session import SensorSession
from drivers.locks import Locks
from drivers.readings import DrawerReading, Finger, Position
from ledger.note import Checkpoint
from sim.disk import SimulatedStore
from sim.plan import Plan
from sim.story import Story, default_template, run
from sim.template import Template
from sim.trespassers import TRESPASSES

PLAN = Plan(seed=20, days=0.6, accesses_a_day=500, fault_rate=4.0, mistake_rate=4.0)
Patch = Callable[[pytest.MonkeyPatch, Story], None]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all stories."""
    return default_template(tmp_path_factory.mktemp("sim"))


@dataclass(frozen=True)
class Defect:
    """What is planted, what finds it, and how soon."""

    plant: Patch
    invariants: tuple[int, ...]
    within: int  # steps
    plan: Plan = PLAN
    tries: tuple[str, ...] = tuple(TRESPASSES)  # who else comes would shift the story


def _pulse_before_commit(patch: pytest.MonkeyPatch, story: Story) -> None:
    append = Journal.append

    def early(self: Journal, records: Sequence[r.Record], *rest: Any) -> list[r.Body]:
        boot = story.runtime.boot
        for record in records:
            if isinstance(record, r.AccessStarted) and boot is not None:
                boot.devices.locks.pulse(record.drawer, 0)
        return append(self, records, *rest)

    patch.setattr(Journal, "append", early)


def _count_edited_in_place(patch: pytest.MonkeyPatch, story: Story) -> None:
    def edit() -> None:
        boot = story.runtime.boot
        assert boot is not None and boot.turns is not None
        balances = boot.turns.engine.state.balances
        balances["pocket:D1-1", "OXYC-5-TAB"] += 1

    story.runtime.hub.after(7200.0, edit)


def _witness_not_checked(patch: pytest.MonkeyPatch, story: Story) -> None:
    def anybody(draft: Draft, person: Any, proof: Any) -> None:
        attesting.proved(draft, proof)

    patch.setattr(signin, "_witness_proved", anybody)


def _second_pulse_after_a_time_out(patch: pytest.MonkeyPatch, story: Story) -> None:
    tick = access.tick

    def again(draft: Draft) -> None:
        tick(draft)
        going_on = draft.state.access
        if going_on is not None and not going_on.opened:
            if draft.moment.mono_ms - going_on.since_ms > 900:
                draft.command(e.Pulse(going_on.started.drawer))

    patch.setattr(access, "tick", again)


def _replay_that_skips_a_record(patch: pytest.MonkeyPatch, story: Story) -> None:
    apply = effects.apply

    def skipping(state: State, body: r.Body, details: Any) -> None:
        if isinstance(body.record, r.CountEntered | r.Given):
            state.size = body.seq
            return
        apply(state, body, details)

    patch.setattr("cabinet.journal.apply", skipping)


def _lost_drawer_event(patch: pytest.MonkeyPatch, story: Story) -> None:
    handle, seen = Turns.handle, [0]

    def deaf(self: Turns, incoming: Any) -> None:
        if isinstance(incoming, DrawerReading) and incoming.position is Position.OPEN:
            seen[0] += 1
            if seen[0] % 25 == 0:
                return
        handle(self, incoming)

    patch.setattr(Turns, "handle", deaf)


def _rights_checked_at_sign_in_only(patch: pytest.MonkeyPatch, story: Story) -> None:
    stopped = rights.stopped

    def trusting(state: State, person_ref: str, wall_ms: int) -> str:
        return "" if state.session is not None else stopped(state, person_ref, wall_ms)

    patch.setattr(rights, "stopped", trusting)


def _bounce_counted_twice(patch: pytest.MonkeyPatch, story: Story) -> None:
    patch.setattr(locks, "EQUAL_SAMPLES", 1)


def _stale_fingerprint_reply_believed(patch: pytest.MonkeyPatch, story: Story) -> None:
    verify = SensorSession.verify
    last: list[Any] = []

    def hasty(self: SensorSession, slots: Sequence[int], within_s: float) -> Any:
        if last and last[0].slot in slots and len(last) % 2:
            return last.pop()
        outcome = verify(self, slots, within_s)
        if outcome.finger is Finger.MATCHED:
            last[:] = [outcome]
        return outcome

    patch.setattr(fingerprint_session.SensorSession, "verify", hasty)


def _postings_that_do_not_sum_to_zero(patch: pytest.MonkeyPatch, story: Story) -> None:
    def generous(medicine: str, quantity: int, source: str, target: str) -> Any:
        more = quantity + 1 if target.startswith("patient:") else quantity
        return (r.Posting(source, medicine, -quantity), r.Posting(target, medicine, more))

    patch.setattr(r, "moved", generous)


def _head_signed_before_commit(patch: pytest.MonkeyPatch, story: Story) -> None:
    append = SimulatedStore.append

    def signing(self: SimulatedStore, bodies: Sequence[bytes], *rest: Any) -> int:
        boot = story.runtime.boot
        if boot is not None and boot.turns is not None:
            frontier = self._frontier.copy()
            for body in bodies:
                frontier.add(body)
            signer = boot.turns._upkeep._signer
            text = Checkpoint(self.origin, frontier.size, frontier.root()).text()
            boot.turns.outside._anchors.keep(signer.sign(text))
        return append(self, bodies, *rest)

    patch.setattr(SimulatedStore, "append", signing)


def _recovery_that_pulses(patch: pytest.MonkeyPatch, story: Story) -> None:
    start = rules._start

    def helpful(draft: Draft, event: e.Start) -> None:
        going_on = draft.state.access
        start(draft, event)
        if going_on is not None:
            draft.command(e.Pulse(going_on.started.drawer))

    patch.setattr(rules, "_start", helpful)


def _count_on_the_screen(patch: pytest.MonkeyPatch, story: Story) -> None:
    show = access_screens.show

    def telling(state: State, place: Any) -> Any:
        screen = show(state, place)
        if screen.name == "count" and state.access is not None:
            words = Words(f"{state.on_hand(state.access.started.pocket)} expected")
            return type(screen)(0, screen.name, screen.title, (words, *screen.blocks))
        return screen

    patch.setattr(access_screens, "show", telling)


def _one_factor_is_enough(patch: pytest.MonkeyPatch, story: Story) -> None:
    def seen(draft: Draft, event: e.BadgeSeen) -> None:
        state = draft.state
        person = state.by_badge.get(event.badge, "")
        if state.screen.state == "nobody" and person:
            attempt = draft.reference()
            draft.add(r.BadgePresented(attempt, event.badge, person, "sign_in"))
            draft.add(r.SignedIn(draft.reference(), attempt, person, ("badge",)))
            draft.leave()

    patch.setattr(signin, "badge_seen", seen)


def _pulse_that_is_too_long(patch: pytest.MonkeyPatch, story: Story) -> None:
    make = Locks.__init__

    def hot(self: Locks, *rest: Any, **settings: Any) -> None:
        make(self, *rest, **settings)
        self._pulse_s = 3.0

    patch.setattr(Locks, "__init__", hot)


def _two_drawers_at_once(patch: pytest.MonkeyPatch, story: Story) -> None:
    refusal = access.refusal

    def careless(draft: Draft, started: r.AccessStarted) -> str:
        why = refusal(draft, started)
        return "" if why.startswith("another_drawer") else why

    patch.setattr(access, "refusal", careless)


def _more_than_was_ordered(patch: pytest.MonkeyPatch, story: Story) -> None:
    ask = patients.ask

    def double(draft: Draft, order: str, quantity: int) -> None:
        before = access.start

        def start(inner: Draft, started: r.AccessStarted) -> None:
            fields = {name: getattr(started, name) for name in started.__struct_fields__}
            before(inner, r.AccessStarted(**{**fields, "quantity": started.quantity + 1}))

        patch.setattr(access, "start", start)
        ask(draft, order, quantity)
        patch.setattr(access, "start", before)

    patch.setattr(patients, "ask", double)


def _name_in_a_body(patch: pytest.MonkeyPatch, story: Story) -> None:
    sign_out = sessions.sign_out

    def chatty(draft: Draft, why: str, words: str = "") -> None:
        session = draft.state.session
        assert session is not None
        sign_out(draft, f"{why} by {draft.state.people[session.person].name}", words)

    patch.setattr(sessions, "sign_out", chatty)


def _drawer_that_is_never_shut_again(patch: pytest.MonkeyPatch, story: Story) -> None:
    seen_shut = access._seen_shut

    def sticky(draft: Draft, drawer: Any, unseen: bool) -> None:
        if drawer.model.state not in ("forced", "fault"):
            seen_shut(draft, drawer, unseen)

    patch.setattr(access, "_seen_shut", sticky)


def _acknowledged_and_lost(patch: pytest.MonkeyPatch, story: Story) -> None:
    """A disk that lies about what it synced, as a control: no ledger survives it."""
    lose = type(story.runtime.disk).lose_power

    def lying(self: Any, store: Any) -> None:
        lose(self, store)
        self.wal.unlink(missing_ok=True)

    patch.setattr(type(story.runtime.disk), "lose_power", lying)


DEFECTS: dict[str, Defect] = {
    "pulse before commit": Defect(_pulse_before_commit, (1,), 400),
    "count edited in place": Defect(_count_edited_in_place, (3,), 4000),
    "witness not checked": Defect(_witness_not_checked, (5,), 20_000),
    "second pulse after a time-out": Defect(_second_pulse_after_a_time_out, (1, 8), 6000),
    "replay that skips a record": Defect(_replay_that_skips_a_record, (0, 3, 4), 4000),
    "a lost drawer event": Defect(_lost_drawer_event, (2,), 4000),
    "rights checked at sign-in only": Defect(_rights_checked_at_sign_in_only, (5,), 20_000),
    "bounce counted twice": Defect(_bounce_counted_twice, (2, 3), 6000),
    "stale fingerprint reply believed": Defect(_stale_fingerprint_reply_believed, (5,), 4000),
    "posting that does not sum to zero": Defect(_postings_that_do_not_sum_to_zero, (3,), 2000),
    "head signed before commit": Defect(_head_signed_before_commit, (4,), 12_000),
    "recovery that pulses": Defect(_recovery_that_pulses, (1,), 12_000),
    "expected count on a screen": Defect(_count_on_the_screen, (10,), 1000),
    "one factor is enough": Defect(_one_factor_is_enough, (5,), 400),
    "a pulse that is too long": Defect(_pulse_that_is_too_long, (8,), 400),
    "two drawers at once": Defect(  # or the machine of a drawer that is asked for twice refuses
        _two_drawers_at_once, (4, 6), 20_000, replace(PLAN, mistake_rate=10.0)
    ),
    "more than was ordered": Defect(_more_than_was_ordered, (5,), 400),
    "a name in a body": Defect(_name_in_a_body, (9,), 1000),
    "a drawer that stays forced": Defect(_drawer_that_is_never_shut_again, (2, 6, 11), 20_000),
    "a disk that lies (control)": Defect(_acknowledged_and_lost, (4,), 6000),
}


def check_found(defect: Defect, template: Template, patch: pytest.MonkeyPatch) -> None:
    """Plant it: it is found by what should find it, and as soon as it should be."""

    def spoil(story: Story) -> None:
        story.trespassers.sorts = {name: TRESPASSES[name] for name in defect.tries}
        defect.plant(patch, story)

    told = run(defect.plan, template, change=spoil)
    assert told.violations, f"it was not found in {told.steps} steps"
    first = told.violations[0]
    assert first.invariant in defect.invariants, first
    assert told.steps <= defect.within, f"found after {told.steps} steps: {first}"


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found(
    name: str, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_found(DEFECTS[name], template, monkeypatch)


def test_the_same_story_without_a_defect_is_clean(template: Template) -> None:
    told = run(PLAN, template)
    assert not told.violations, told.violations[0]
    assert told.steps > 4000
