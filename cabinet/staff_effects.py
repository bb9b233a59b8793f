"""What the records of staff lists do to the state.

Part of `effects.py`, and under its rule: no clock, no randomness, no I/O.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from auth.policy import Role
from cabinet import factor_effects as factors
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.state import Code, Person, StaffLists, State

CODE_STEP_MS = 30_000  # of an authenticator app's codes: RFC 6238, 5.2, as in auth.totp


def _staff_list_taken(state: State, record: st.StaffListTaken, _: r.Body, __: r.Attached) -> None:
    state.staff_list = StaffLists(record.number, record.digest)


def _staff_list_held(state: State, record: st.StaffListHeld, _: r.Body, __: r.Attached) -> None:
    state.staff_list.held, state.staff_list.accepted = record, ""


def _staff_list_judged(state: State, record: st.StaffListJudged, _: r.Body, __: r.Attached) -> None:
    known = state.staff_list
    known.held = None
    if record.accepted:
        known.accepted = record.digest
    else:  # nor any older one; its digest is not kept, as it was not taken
        known.number, known.digest = record.number, ""


def _access_recovered(state: State, record: st.AccessRecovered, _: r.Body, __: r.Attached) -> None:
    persons = record.persons
    state.codes = {name: code for name, code in state.codes.items() if code.person not in persons}
    for person, code in zip(persons, record.codes, strict=True):
        state.people[person]  # KeyError: a corrupt ledger
        state.codes[code] = Code(person, record.expires_ms, "")


def _clock_put_right(state: State, _: st.ClockPutRight, body: r.Body, __: r.Attached) -> None:
    """What was made by the clock that was ahead lasts no longer for it, and shuts nobody out."""
    state.last_wall_ms = body.wall_ms
    latest_ms = body.wall_ms + state.plan.rules.code_valid_h * 3_600_000
    state.codes = {
        name: Code(code.person, min(code.expires_ms, latest_ms), code.by)
        for name, code in state.codes.items()
    }
    state.totp_step = min(state.totp_step, body.wall_ms // CODE_STEP_MS)
    for person in state.people.values():
        person.pin_ms = min(person.pin_ms, body.wall_ms)
        if person.rights.role == Role.TEMPORARY.value and person.spell is None:  # over already
            _ends(person, body.wall_ms)


def _ends(person: Person, by_ms: int) -> None:
    end_ms = min(person.rights.expires_ms, by_ms)
    person.rights = replace(person.rights, expires_ms=end_ms)


def _temporary_over(state: State, record: st.TemporaryOver, _: r.Body, __: r.Attached) -> None:
    person = state.people[record.person]
    person.spell = None
    if person.rights.role == Role.TEMPORARY.value:  # a list may have made more of them since
        _ends(person, state.last_wall_ms)
        factors.unfinger(state, person)


APPLY: dict[type, Callable[[State, Any, r.Body, r.Attached], None]] = {
    st.StaffListTaken: _staff_list_taken,
    st.StaffListHeld: _staff_list_held,
    st.StaffListJudged: _staff_list_judged,
    st.AccessRecovered: _access_recovered,
    st.ClockPutRight: _clock_put_right,
    st.TemporaryOver: _temporary_over,
}
