"""The locked screen: somebody is signed in, and whoever goes on must prove who they are first.

Not for signing in (`signin.py`). One rule: nothing of the first person is seen or pressed behind
the lock; their open drawer keeps its rules, and what is said of it waits for them.
"""

from collections.abc import Callable
from dataclasses import replace

from cabinet import machines, supervision
from cabinet import records as r
from cabinet.decision import Draft, Note, Place, Proof
from cabinet.events import Moment
from cabinet.messages import Screen, Words
from cabinet.state import State

YOURS = "You are signed in."
DRAWER_IN_USE = "Somebody else's drawer is in use. Shut it, then hold your badge again."
COMES_LATE = "No witness is asked for any more. Enter it again, then hold the badge."
TOO_LONG = "You were signed in for very long. Hold your badge to go on."
HOUR_MS = 3_600_000
ONCE = (
    "code",
    "totp_shown",
    "totp_confirming",
    "key_adding",
    "key_adding_checking",
)  # pages of what is shown once


def lock(draft: Draft, why: str, badge: str = "", note: Note | None = None) -> None:
    """Lock the screen; where the person stood is parked."""
    session = draft.state.session
    assert session is not None
    draft.add(r.ScreenLocked(session.id, why, badge))
    active_ms = draft.moment.mono_ms
    draft.place = Place(note=note, active_ms=active_ms, parked=draft.place)


def another_badge(draft: Draft, badge: str) -> bool:
    """A badge while somebody is signed in locks them away; whether its holder may prove now."""
    state = draft.state
    session, access = state.session, state.access
    assert session is not None
    person = state.people.get(session.person)
    own = person is not None and badge == person.badge
    at_work = state.screen.state in (machines.SIGNED_IN, machines.ACCESS)
    if at_work and own:
        draft.stay(note=Note(YOURS), active_ms=draft.moment.mono_ms)
        return False
    if at_work and _comes_late(draft):
        draft.stay(note=Note(COMES_LATE, "warning"), active_ms=draft.moment.mono_ms)
        return False
    if at_work:
        lock(draft, "second_badge", badge)
    if access is not None and not access.closed and not own:
        draft.front(Note(DRAWER_IN_USE, "warning"))
        return False
    return True


def _comes_late(draft: Draft) -> bool:
    """Whether this may be the witness who was not waited for any more: they mean no sign-in."""
    session = draft.state.session
    assert session is not None
    within_ms = draft.state.plan.timings.factor_within_s * 1000
    called_off_ms = session.called_off_ms
    return called_off_ms is not None and draft.moment.mono_ms - called_off_ms < within_ms


def proved(draft: Draft, proof: Proof) -> None:
    """The first person goes on where they were, or another one takes their place."""
    state, place = draft.state, draft.place
    session, attempt, access = state.session, state.attempt, state.access
    assert session is not None and attempt is not None
    if proof.person == session.person:
        draft.add(r.ScreenUnlocked(session.id, attempt.id, proof.factors, proof.fallback))
        parked = place.parked if place.parked is not None else Place()
        page = "home" if parked.page in ONCE else parked.page  # it is not shown again
        active_ms = draft.moment.mono_ms
        draft.place = replace(
            parked, page=page, request="", shown_code="", active_ms=active_ms, parked=None
        )
        if access is None and not session.supervised:
            supervision.ask(draft, session.id, proof)
        return
    if access is not None:
        assert access.closed, "nobody else is asked while its drawer is not shut"
        draft.add(r.AccessLeft(access.started.access))
    theirs = draft.reference()
    draft.add(
        r.SignedOut(session.id, "another_person"),
        r.SignedIn(theirs, attempt.id, proof.person, proof.factors, proof.fallback),
    )
    draft.leave()
    supervision.ask(draft, theirs, proof)


def behind(draft: Draft, act: Callable[[Draft], None]) -> None:
    """Do `act`; behind a locked screen, what it says and shows is for the person locked away."""
    front = draft.place
    if draft.state.screen.state not in machines.BEHIND_LOCK:
        act(draft)
        return
    draft.place = front.parked if front.parked is not None else Place()
    act(draft)
    draft.place = replace(front, parked=draft.place)


def is_over(state: State, moment: Moment) -> bool:
    """Whether the person was signed in for as long as anybody may be."""
    session = state.session
    most_ms = state.plan.timings.session_most_h * HOUR_MS
    return session is not None and moment.mono_ms - session.since_ms >= most_ms


def show(state: State, place: Place) -> Screen:
    """No names, no medicines, nothing to press."""
    return Screen(
        0,
        "locked",
        state.name,
        (
            *place.said(),
            Words("Hold your badge to the reader", "name"),
            Words("Somebody was at work here. They go on when they prove who they are."),
        ),
    )
