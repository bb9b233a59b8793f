"""The simulator finds defects of guessing, playing back and racing, planted in the running product.

As `test_sim_teeth.py`, and under its rule: the same story without the patch is clean.
"""

from dataclasses import replace

import pytest

from auth.lockout import Limits, Standing, Tries, standing
from cabinet import factor_effects, rights, rules, signin
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.decision import Draft, Note
from cabinet.events import BadgeSeen, FingerSeen, PinChecked, Pressed
from cabinet.messages import Press
from cabinet.screen_socket import PeerPressed
from cabinet.sensor import SENSOR
from cabinet.state import State
from cabinet.turns import Turns
from drivers.fingerprint_session import SensorSession
from drivers.fingerprint_wire import _Wire
from sim.comparers import COMPARES, STRANGE
from sim.guessers import GUESSES
from sim.interferers import INTERFERES
from sim.plan import Plan
from sim.story import Story, default_template, run
from sim.template import Template
from tests.test_sim_teeth import Defect, check_found

HEAD_BYTES = 9  # of a frame of the sensor's
SORTS = {**GUESSES, **COMPARES, **INTERFERES}
PLAN = Plan(
    seed=20, days=0.5, accesses_a_day=20, fault_rate=0.0, trespass_rate=20.0, service_rate=0.0
)
COMPARED = replace(PLAN, trespass_rate=60.0)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all stories."""
    return default_template(tmp_path_factory.mktemp("sim"))


def _waits_forgotten(patch: pytest.MonkeyPatch, _: Story) -> None:
    def hasty(tries: Tries, now_ms: int, limits: Limits) -> Standing:
        return replace(standing(tries, now_ms, limits), wait_s=0)

    patch.setattr(signin, "standing", hasty)


def _pin_never_locks(patch: pytest.MonkeyPatch, _: Story) -> None:
    def lenient(tries: Tries, now_ms: int, limits: Limits) -> Standing:
        return replace(standing(tries, now_ms, limits), locked=False, pin_off=False)

    patch.setattr(signin, "standing", lenient)


def _any_number_of_badges(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(signin, "crowd_wait_s", lambda *tries, most, window_s: 0)


def _crowd_is_not_said(patch: pytest.MonkeyPatch, _: Story) -> None:
    wait_s = signin._crowd_wait_s

    def quiet(draft: Draft) -> int:
        state, now_ms = draft.state, draft.moment.mono_ms
        return wait_s(state, (*state.recent_tries, now_ms)[-state.plan.rules.crowd_tries :], now_ms)

    patch.setattr(signin, "_crowd", quiet)


def _strange_badge_is_told(patch: pytest.MonkeyPatch, _: Story) -> None:
    seen = signin.badge_seen

    def frank(draft: Draft, event: BadgeSeen) -> None:
        if event.badge in draft.state.by_badge or draft.state.session is not None:
            seen(draft, event)
        else:
            draft.stay(note=Note("This badge is nobody's.", "refusal"))

    patch.setattr(signin, "badge_seen", frank)


def _strange_badge_is_quicker(patch: pytest.MonkeyPatch, _: Story) -> None:
    slots = signin._slots

    def fewer(state: State, badge: str, person: str) -> tuple[int, ...]:
        return slots(state, badge, person) if person else slots(state, badge, person)[:1]

    patch.setattr(signin, "_slots", fewer)


def _any_hash_counts(patch: pytest.MonkeyPatch, _: Story) -> None:
    checked = signin.pin_checked

    def trusting(draft: Draft, event: PinChecked) -> None:
        checked(draft, replace(event, request=draft.place.request))

    patch.setattr(signin, "pin_checked", trusting)


def _any_finger_counts(patch: pytest.MonkeyPatch, _: Story) -> None:
    seen = signin.finger_seen

    def trusting(draft: Draft, event: FingerSeen) -> None:
        seen(draft, replace(event, request=draft.place.request))

    patch.setattr(signin, "finger_seen", trusting)


def _older_screens_count(patch: pytest.MonkeyPatch, _: Story) -> None:
    press = Turns._press

    def any_number(self: Turns, incoming: PeerPressed) -> None:
        was = incoming.press
        now = Press(was.id, self._number, was.button, was.text)
        press(self, PeerPressed(incoming.peer, now))

    patch.setattr(Turns, "_press", any_number)


def _any_button_counts(patch: pytest.MonkeyPatch, _: Story) -> None:
    def blind(draft: Draft, event: Pressed) -> None:
        if draft.state.session is not None and event.button in ("open", "give", "moved"):
            draft.go("home")
        else:
            pressed(draft, event)

    pressed = rules._pressed
    patch.setattr(rules, "_pressed", blind)


def _waits_by_the_wall_clock(patch: pytest.MonkeyPatch, story: Story) -> None:
    stands = signin.stands

    def of_the_wall(state: State, badge: str, now_ms: int) -> Standing:
        set_ms = int(story.runtime.wall.off_s * 1000)
        return stands(state, badge, now_ms + set_ms)

    patch.setattr(signin, "stands", of_the_wall)


def _power_off_and_on_forgives(patch: pytest.MonkeyPatch, _: Story) -> None:
    restarted = factor_effects.restarted

    def forgiving(state: State, mono_ms: int) -> None:
        restarted(state, mono_ms)
        state.tries = {}

    patch.setattr(factor_effects, "restarted", forgiving)


def _lately_proven_is_proven(patch: pytest.MonkeyPatch, story: Story) -> None:
    """A badge whose holder was signed in a moment ago needs no finger."""
    seen = signin.badge_seen
    last: dict[str, int] = {}

    def lazy(draft: Draft, event: BadgeSeen) -> None:
        state, now_ms = draft.state, draft.moment.mono_ms
        person = state.by_badge.get(event.badge, "")
        lately = person and now_ms - last.get(event.badge, -60_000) < 60_000
        last[event.badge] = now_ms
        if not lately or state.session is not None or state.attempt is not None:
            seen(draft, event)
            return
        attempt = draft.reference()
        draft.add(r.BadgePresented(attempt, event.badge, person, "sign_in"))
        draft.add(r.SignedIn(draft.reference(), attempt, person, ("badge", "finger")))
        draft.leave()

    patch.setattr(signin, "badge_seen", lazy)


def _line_not_in_step(patch: pytest.MonkeyPatch, _: Story) -> None:
    """The driver takes what lies on the line for its answer, and numbers no transaction."""

    def exchange(self: _Wire) -> bytes:
        command = bytes(self._command)
        self._command.clear()
        self._link.write(command)
        head = self._receive(HEAD_BYTES)
        rest = self._receive(int.from_bytes(head[7:9], "big"))
        self.status = self._checked(head, rest)[0]
        return head + rest

    patch.setattr(_Wire, "_exchange", exchange)
    patch.setattr(SensorSession, "_close_transaction", lambda self: None)


def _finger_never_off(patch: pytest.MonkeyPatch, _: Story) -> None:
    def lenient(tries: Tries, now_ms: int, limits: Limits) -> Standing:
        return replace(standing(tries, now_ms, limits), finger_off=False)

    patch.setattr(signin, "standing", lenient)


def _restart_forgives_fingers(patch: pytest.MonkeyPatch, _: Story) -> None:
    restarted = factor_effects.restarted

    def forgiving(state: State, mono_ms: int) -> None:
        restarted(state, mono_ms)
        state.tries = {badge: replace(it, fingers=0) for badge, it in state.tries.items()}

    patch.setattr(factor_effects, "restarted", forgiving)


def _pin_forgives_fingers(patch: pytest.MonkeyPatch, _: Story) -> None:
    right = Tries.right

    def forgiving(self: Tries, factors: tuple[str, ...], limits: Limits) -> Tries:
        return replace(right(self, factors, limits), fingers=0)

    patch.setattr(Tries, "right", forgiving)


def _restart_silences_alarms(patch: pytest.MonkeyPatch, _: Story) -> None:
    patch.setattr(factor_effects, "_alarm", lambda state, told_ms, mono_ms: -1)


def _withdrawn_is_told(patch: pytest.MonkeyPatch, _: Story) -> None:
    """At the badge, whoever holds it."""
    seen = signin.badge_seen

    def frank(draft: Draft, event: BadgeSeen) -> None:
        person = draft.state.by_badge.get(event.badge, "")
        if person and rights.stopped(draft.state, person, draft.moment.wall_ms):
            draft.stay(note=Note("This badge is not used any more.", "refusal"))
        else:
            seen(draft, event)

    patch.setattr(signin, "badge_seen", frank)


def _fingerless_is_asked_for_pin(patch: pytest.MonkeyPatch, _: Story) -> None:
    """At once, as no finger of theirs can be right."""
    ask = signin._ask_finger

    def hasty(draft: Draft, badge: str, person: str, note: Note | None) -> None:
        known = draft.state.people.get(person)
        if known is not None and known.enrolled and not known.slots:
            draft.go("pin", note=note)
        else:
            ask(draft, badge, person, note)

    patch.setattr(signin, "_ask_finger", hasty)


def _strange_badge_is_told_by_pin(patch: pytest.MonkeyPatch, _: Story) -> None:
    """Where there is no sensor, what was typed for nobody is not even looked at."""
    pressed = signin.pressed

    def frank(draft: Draft, button: str, text: str) -> None:
        attempt = draft.state.attempt
        down = SENSOR in draft.state.devices_down
        if button == "pin" and down and attempt is not None and not attempt.person:
            signin.end_attempt(draft, "locked", signin.LOCKED)
        else:
            pressed(draft, button, text)

    patch.setattr(signin, "pressed", frank)


def _strange_badge_never_locks(patch: pytest.MonkeyPatch, _: Story) -> None:
    stands = signin.stands

    def lenient(state: State, badge: str, now_ms: int) -> Standing:
        stand = stands(state, badge, now_ms)
        return stand if badge in state.by_badge else replace(stand, pin_off=False)

    patch.setattr(signin, "stands", lenient)


MISSES = ("misses with a finger until it is off",)
DEFECTS: dict[str, Defect] = {
    "a finger is never off": Defect(_finger_never_off, (5,), 6000, PLAN, MISSES),
    "a restart forgives fingers": Defect(_restart_forgives_fingers, (5,), 6000, PLAN, MISSES),
    "a PIN forgives fingers": Defect(_pin_forgives_fingers, (5,), 6000, PLAN, MISSES),
    "a restart silences alarms": Defect(_restart_silences_alarms, (5,), 6000, PLAN, MISSES),
    "waits forgotten": Defect(_waits_forgotten, (5,), 3000, PLAN, ("guesses at a PIN",)),
    "waits of fingers forgotten": Defect(
        _waits_forgotten, (5,), 3000, PLAN, ("guesses with fingers",)
    ),
    "PIN never locks": Defect(_pin_never_locks, (5,), 4000, PLAN, ("guesses at a PIN",)),
    "any number of badges": Defect(
        _any_number_of_badges, (5,), 4000, PLAN, ("one guess with each of many badges",)
    ),
    "guessing is not said": Defect(
        _crowd_is_not_said, (5,), 4000, PLAN, ("one guess with each of many badges",)
    ),
    "a strange badge is told": Defect(
        _strange_badge_is_told, (5,), 4000, PLAN, ("compares a strange badge with a known one",)
    ),
    "whoever was suspended is told": Defect(
        _withdrawn_is_told, (5,), 1500, COMPARED, (f"{STRANGE} one suspended",)
    ),
    "whose time is over is told": Defect(
        _withdrawn_is_told, (5,), 1500, COMPARED, (f"{STRANGE} one expired",)
    ),
    "who never enrolled is told": Defect(
        _withdrawn_is_told, (5,), 1500, COMPARED, (f"{STRANGE} one never enrolled",)
    ),
    "a passphrase is asked for at once": Defect(
        _fingerless_is_asked_for_pin, (5,), 1500, COMPARED, (f"{STRANGE} a passphrase's",)
    ),
    "a PIN is asked for at once": Defect(
        _fingerless_is_asked_for_pin, (5,), 1500, COMPARED, (f"{STRANGE} one of a PIN alone",)
    ),
    "a strange badge is told without sensor": Defect(
        _strange_badge_is_told_by_pin, (5,), 1500, COMPARED, (f"{STRANGE} one without sensor",)
    ),
    "a strange badge never locks": Defect(
        _strange_badge_never_locks, (5,), 2500, COMPARED, (f"{STRANGE} a locked one",)
    ),
    "a strange badge is quicker": Defect(
        _strange_badge_is_quicker, (5,), 4000, PLAN, ("compares a strange badge with a known one",)
    ),
    "any hash counts": Defect(_any_hash_counts, (5,), 4000, PLAN, ("a PIN compared too late",)),
    "any finger counts": Defect(
        _any_finger_counts, (5,), 4000, PLAN, ("older answers for a thief's finger",)
    ),
    "the sensor's line is not in step": Defect(
        _line_not_in_step, (5,), 4000, PLAN, ("older answers for a thief's finger",)
    ),
    "older screens count": Defect(
        _older_screens_count, (5,), 4000, PLAN, ("presses on older screens",)
    ),
    "any button counts": Defect(
        _any_button_counts, (5,), 4000, PLAN, ("presses on older screens",)
    ),
    "waits by the wall clock": Defect(
        _waits_by_the_wall_clock, (5,), 4000, PLAN, ("clock or power in a lock-out",)
    ),
    "power off and on forgives": Defect(
        _power_off_and_on_forgives, (5,), 4000, PLAN, ("clock or power in a lock-out",)
    ),
    "lately proven is proven": Defect(
        _lately_proven_is_proven, (5,), 4000, PLAN, ("badge read played back",)
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_of_guessing_is_found(
    name: str, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_found(DEFECTS[name], template, monkeypatch)


def _told(template: Template, seed: int = PLAN.seed) -> tuple[Story, list[r.Record]]:
    """The story of those who guess alone, without a defect; and what it recorded."""
    stories: list[Story] = []
    heard: list[r.Record] = []

    def watch(story: Story) -> None:
        story.trespassers.sorts = SORTS
        story.model.readers.append(lambda body: heard.append(body.record))
        stories.append(story)

    told = run(replace(PLAN, seed=seed), template, change=watch)
    assert not told.violations, told.violations[0]
    return stories[0], heard


def test_the_same_story_without_a_defect_is_clean_and_each_sort_is_played_to_its_end(
    template: Template,
) -> None:
    story, heard = _told(template)
    assert sorted(story.trespassers.done) == sorted(SORTS), story.trespassers.tried
    refused = [(it.factor, it.why) for it in heard if isinstance(it, r.FactorRefused)]
    for what in (
        ("badge", "too_soon"),
        ("badge", "crowd"),
        ("badge", "locked"),
        ("pin", "wrong_pin"),
        ("finger", "no_match"),
    ):
        assert what in refused, what
    ended = [it.why for it in heard if isinstance(it, r.AttemptEnded)]
    for why in ("too_many", "locked", "cancelled", "timed_out"):
        assert why in ended, why
    sorts = [type(it) for it in heard]
    for sort in (
        fr.GuessingSuspected,
        fr.FingerSwitchedOff,
        st.CredentialsWithdrawn,
        r.LockReleased,
        r.ClockStepped,
        r.ScreenLocked,
        r.ScreenUnlocked,
        r.DeviceFailed,
    ):
        assert sort in sorts, sort
    assert sorts.count(r.Started) > 1, "the plug was pulled"
    fallbacks = [it.fallback for it in heard if isinstance(it, r.SignedIn)]
    assert "finger_off" in fallbacks, "a PIN goes on where the finger is off"
