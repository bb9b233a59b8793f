"""Times that end by themselves: break-glass, a critical override, a temporary user's hours.

Not for what they allow. One rule: no clock that is set back and no power cut makes one longer. The
time that the cabinet was on counts by the monotonic clock; while a spell is on the ledger has an
entry at least every so often, and each start charges for what was not written before it.
"""

from cabinet import records as r
from cabinet import rights
from cabinet import staff_records as st
from cabinet.decision import Draft
from cabinet.state import Spell, State

EMERGENCY_EVERY_MS = 60_000
TEMPORARY_EVERY_MS = 600_000


def restarted(state: State, mono_ms: int) -> None:
    """A start: what every spell has lasted so far is kept, beside the clock that begins again."""
    for emergency in state.emergencies.values():
        _carry(emergency.spell, state.mono_ms, mono_ms, EMERGENCY_EVERY_MS)
    for person in state.people.values():
        if person.spell is not None:
            _carry(person.spell, state.mono_ms, mono_ms, TEMPORARY_EVERY_MS)


def _carry(spell: Spell, newest_ms: int, mono_ms: int, every_ms: int) -> None:
    spell.spent_ms += max(0, newest_ms - spell.since_ms) + every_ms
    spell.since_ms = mono_ms


def tick(draft: Draft) -> None:
    """Time has passed: temporary users whose hours are over, and that the rest goes on."""
    state, moment = draft.state, draft.moment
    now_ms, temporary = rights.now_of(state, moment.wall_ms), False
    for person in state.people.values():
        if person.spell is None or person.standing != "active":
            continue
        temporary = True
        if person.spell.is_over(moment.mono_ms) or now_ms >= person.rights.expires_ms:
            draft.add(st.TemporaryOver(person.ref))  # so that no clock revives them either
    due_ms = _due_ms(state, temporary=temporary)
    if not draft.records and due_ms and moment.mono_ms - state.mono_ms >= due_ms:
        draft.add(r.TimePassed())


def _due_ms(state: State, *, temporary: bool) -> int:
    """After how long without an entry there is one; 0: never."""
    if any(not it.ended for it in state.emergencies.values()):
        return EMERGENCY_EVERY_MS
    return TEMPORARY_EVERY_MS if temporary else 0
