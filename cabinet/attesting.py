"""A second person attests an act: who may, what they see, and what follows when they proved it.

Not for proving who somebody is (`signin.py`), nor for the acts themselves. One rule: a second
person is another human, who proves it here, inside the act, after its amount is shown, in time.
"""

from collections.abc import Callable
from dataclasses import dataclass

from auth.policy import Act
from cabinet import (
    access,
    access_screens,
    administration,
    administration_screens,
    emergency,
    loading,
    opening,
    removals,
    rights,
    standing_by,
    supervision,
)
from cabinet import records as r
from cabinet.decision import Draft, Place, Proof
from cabinet.events import Moment
from cabinet.messages import Screen
from cabinet.state import Person, State


@dataclass(frozen=True)
class Attested:
    """An act that needs a second person, who must be allowed `act`.

    `show`: all that they attest; `brief`: the same in a line, for the screens where they prove it.
    """

    act: Act
    proved: Callable[[Draft, Proof], None]
    dismissed: Callable[[Draft, str], None]
    show: Callable[[State, Place, int], Screen]
    brief: Callable[[State, Place], str]


OPENED = Attested(Act.WITNESS, opening.attested, opening.not_attested, opening.show, opening.brief)
_GLASS = (emergency.attested, emergency.not_attested, emergency.show_second, emergency.brief)
ATTESTED = {
    **{act.value: OPENED for act in opening.ACTS},
    "waste": Attested(
        Act.WITNESS,
        removals.wasted,
        removals.not_wasted,
        removals.show_witness,
        removals.brief,
    ),
    "grant": Attested(
        Act.GRANT,
        administration.granted,
        administration.not_granted,
        administration_screens.show_witness,
        administration_screens.brief,
    ),
    "count": Attested(
        Act.WITNESS,
        access.witnessed,
        access.not_witnessed,
        access_screens.show_witness,
        access_screens.brief,
    ),
    "break_glass": Attested(Act.WITNESS, *_GLASS),
    "critical_override": Attested(Act.CRITICAL_OVERRIDE, *_GLASS),
    "load_fingers": Attested(
        Act.LOAD_FINGERS, loading.approved, loading.not_approved, loading.show_second, loading.brief
    ),
    "supervise": Attested(
        Act.SUPERVISE,
        supervision.proved,
        supervision.not_proved,
        supervision.show,
        supervision.brief,
    ),
}


def is_late(state: State, moment: Moment) -> bool:
    """Whether the time in which the second person must have proved it is over."""
    called = state.witnessing
    within_ms = state.plan.timings.witness_within_s * 1000
    return called is not None and moment.mono_ms - called.since_ms >= within_ms


def refusal(draft: Draft, person: Person, factors: tuple[str, ...]) -> str:
    """Why `person`, proved by `factors`, may not attest what was called for, "" when they may."""
    state, now_ms = draft.state, draft.moment.wall_ms
    called, session = state.witnessing, state.session
    assert called is not None and session is not None
    first = state.people[session.person]
    if rights.same_human(state, person.ref, first.ref) or standing_by.made(state, first, person):
        return "same_person"
    if is_late(state, draft.moment):
        return "witness_too_late"
    act = ATTESTED[called.act].act
    if rights.refusal(state, person.ref, act, now_ms):
        return "witness_not_allowed"
    return rights.unproven(state, person.ref, act, factors, _medicine(draft))


def _medicine(draft: Draft) -> str:
    """Of which medicine something is attested, "" of none: a site may ask more for some."""
    state, wanted = draft.state, draft.place.wanted
    called = state.witnessing
    if called is not None and wanted is not None and wanted.access == called.subject:
        return wanted.medicine
    removal = state.removals.get(called.subject) if called is not None else None
    if removal is not None:
        return removal.started.medicine
    return state.access.started.medicine if state.access is not None else ""


def proved(draft: Draft, proof: Proof) -> None:
    """The second person proved who they are, and may: the act is done."""
    called = draft.state.witnessing
    assert called is not None
    ATTESTED[called.act].proved(draft, proof)


def dismiss(draft: Draft, why: str) -> None:
    """The act is called off, or nobody came in time."""
    called = draft.state.witnessing
    assert called is not None
    draft.add(r.WitnessDismissed(called.subject, why))
    ATTESTED[called.act].dismissed(draft, why)
    draft.stay(active_ms=draft.moment.mono_ms)


def show(state: State, place: Place, now_ms: int) -> Screen:
    """What the second person attests, in full, and how."""
    called = state.witnessing
    assert called is not None
    return ATTESTED[called.act].show(state, place, now_ms)


def brief(state: State, place: Place) -> str:
    """What they attest, in a line: they see it until their proof is given."""
    called = state.witnessing
    assert called is not None
    return ATTESTED[called.act].brief(state, place)
