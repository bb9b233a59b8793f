"""How the session at the screen ends: by its person, by time, or because their rights did.

Not for how it begins (`signin.py`). One rule: whoever was suspended or has expired does nothing
more, and what they were shown goes away; a drawer that is open is first counted and shut.
"""

from cabinet import machines, rights
from cabinet import records as r
from cabinet.decision import Draft, Note
from cabinet.wording import REASONS

_ENDS = (
    *(machines.SIGNED_IN, machines.ACCESS, machines.WITNESS_CALLED),
    *(machines.LOCKED, machines.LOCKED_ACCESS),
)
_ACTS = {"open": "remove", "open_load": "load", "count_pocket": "count"}  # of some buttons


def sign_out(draft: Draft, why: str, words: str = "") -> None:
    """End the session."""
    session = draft.state.session
    assert session is not None
    draft.add(r.SignedOut(session.id, why))
    draft.leave(Note(words, "refusal") if words else None)


def refused(draft: Draft, button: str) -> bool:
    """Refuse what somebody without rights presses, and sign them out; whether it was so."""
    state, place, session = draft.state, draft.place, draft.state.session
    if session is None or state.screen.state != machines.SIGNED_IN or button == "sign_out":
        return False
    why = rights.stopped(state, session.person, draft.moment.wall_ms)
    if not why:
        return False
    verb = button.partition(":")[0]
    order = state.orders.get(place.order)
    draft.add(
        r.Refused(
            _ACTS.get(verb, verb),
            why,
            session.id,
            session.person,
            place.patient,
            place.order,
            place.pocket,
            order.listed.medicine if order is not None else "",
            place.removal,
            place.quantity,
        )
    )
    sign_out(draft, why, REASONS[why])
    draft.refusal = REASONS[why]
    return True


def ended(draft: Draft) -> bool:
    """As time passes: end the session of somebody without rights; whether it was so."""
    state, session, access = draft.state, draft.state.session, draft.state.access
    if session is None or state.screen.state not in _ENDS:
        return False  # a proof that is going on ends first
    why = rights.stopped(state, session.person, draft.moment.wall_ms)
    if not why or (access is not None and access.opened and not access.closed):
        return False  # an open drawer is counted and shut first
    if state.witnessing is not None:
        draft.add(r.WitnessDismissed(state.witnessing.subject, why))
    if access is not None and access.opened:
        draft.add(r.AccessLeft(access.started.access))
    elif access is not None:
        # What was released and not yet pulled may not be opened by them any more.
        draft.add(r.CancelledBeforeOpen(access.started.access))
    sign_out(draft, why, REASONS[why])
    return True
