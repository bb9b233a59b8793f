"""Who stands by an enrolment: an authorised enroller, who just proved who they are here.

Not for the enrolment itself (`enrolment.py`). One rule: nobody makes an account that works alone.
Whoever issued a code does not stand by when it is used, so that each account has two people behind
it; a temporary user's maker may, and then never counts as the second person beside them.

The codes of a new cabinet's first administrators need nobody: nobody is there yet who could.
"""

from auth.policy import Act, Role
from cabinet import records as r
from cabinet import rights
from cabinet.decision import Draft
from cabinet.state import Code, Enrolment, Person, State
from cabinet.wording import REASONS


def refused(draft: Draft, code: Code) -> bool:
    """Whether the person at the screen may not stand by this code; if so, a record and why."""
    state, session = draft.state, draft.state.session
    assert session is not None
    why = rights.refusal(state, session.person, Act.ENROL, draft.moment.wall_ms)
    why = why or rights.unproven(state, session.person, Act.ENROL, session.factors)
    if not why and rights.same_human(state, code.person, session.person):
        why = "own_enrolment"
    if not why and code.by and rights.same_human(state, code.by, session.person):
        theirs = state.people[code.person]
        own = theirs.role == Role.TEMPORARY.value and theirs.made_by == code.by
        why = "" if own else "own_code"  # an administrator's new code for one is no maker's
    if why:
        draft.add(r.Refused(Act.ENROL.value, why, session.id, session.person))
        draft.refuse(REASONS[why])
    return bool(why)


def gone(state: State, enroller: str, wall_ms: int) -> bool:
    """Whether the one who stands by an enrolment may not any more."""
    return bool(enroller and rights.refusal(state, enroller, Act.ENROL, wall_ms))


def alone(state: State, enrolment: Enrolment) -> bool:
    """Whether one human stands by who also issued the code, of what is a temporary user no more.

    A list may have made more of them since the enrolment began, or another finger used up the code.
    """
    person, code = state.people.get(enrolment.person), state.codes.get(enrolment.code)
    if person is None or person.role == Role.TEMPORARY.value or not enrolment.enroller:
        return False
    by = code.by if code is not None else person.made_by
    return bool(by) and rights.same_human(state, by, enrolment.enroller)


def made(state: State, person: Person, maker: Person) -> bool:
    """Whether `person` is a temporary user whom this human made: together they are one."""
    return (
        person.role == Role.TEMPORARY.value
        and person.made_by in state.people
        and rights.same_human(state, person.made_by, maker.ref)
    )
