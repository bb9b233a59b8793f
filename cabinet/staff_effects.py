"""What the records of staff lists do to the state.

Part of `effects.py`, and under its rule: no clock, no randomness, no I/O.
"""

from collections.abc import Callable
from typing import Any

from cabinet import records as r
from cabinet import staff_records as st
from cabinet.state import StaffLists, State


def _staff_list_taken(state: State, record: st.StaffListTaken, _: r.Body, __: r.Attached) -> None:
    state.staff_list = StaffLists(record.number, record.digest)


def _staff_list_held(state: State, record: st.StaffListHeld, _: r.Body, __: r.Attached) -> None:
    state.staff_list.held, state.staff_list.accepted = record, ""


def _staff_list_judged(state: State, record: st.StaffListJudged, _: r.Body, __: r.Attached) -> None:
    known = state.staff_list
    known.held = None
    if record.accepted:
        known.accepted = record.digest
    else:  # nor any older one
        known.number, known.digest = record.number, record.digest


APPLY: dict[type, Callable[[State, Any, r.Body, r.Attached], None]] = {
    st.StaffListTaken: _staff_list_taken,
    st.StaffListHeld: _staff_list_held,
    st.StaffListJudged: _staff_list_judged,
}
