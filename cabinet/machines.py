"""The legal steps, as data: one machine for the session at the screen, one for each drawer.

Not for conditions or effects: `decide` looks at the state, `apply` alone fires triggers. One rule:
no callbacks and no conditions in these tables. docs/states.md is made from the running machines.
"""

from transitions import Machine

NOBODY = "nobody"
PROVING = "proving"
ENROLLING = "enrolling"
SIGNED_IN = "signed_in"
ACCESS = "access"
WITNESS_CALLED = "witness_called"
WITNESS_PROVING = "witness_proving"
COUNT_WITNESS_CALLED = "count_witness_called"  # with the drawer that is counted still open
COUNT_WITNESS_PROVING = "count_witness_proving"
LOCKED = "locked"  # somebody is signed in and must prove it again; another may come instead
LOCKED_ACCESS = "locked_access"  # the same with an access going on
UNLOCKING = "unlocking"
UNLOCKING_ACCESS = "unlocking_access"
SESSION_STATES = (
    NOBODY,
    PROVING,
    ENROLLING,
    SIGNED_IN,
    ACCESS,
    WITNESS_CALLED,
    WITNESS_PROVING,
    COUNT_WITNESS_CALLED,
    COUNT_WITNESS_PROVING,
    LOCKED,
    LOCKED_ACCESS,
    UNLOCKING,
    UNLOCKING_ACCESS,
)
AT_WITNESS = (WITNESS_CALLED, COUNT_WITNESS_CALLED)
WITNESS_AT_WORK = (WITNESS_PROVING, COUNT_WITNESS_PROVING)
BEHIND_LOCK = (LOCKED, LOCKED_ACCESS, UNLOCKING, UNLOCKING_ACCESS)
# trigger, from, to
SESSION_TABLE: tuple[tuple[str, str, str], ...] = (
    ("badge_presented", NOBODY, PROVING),
    ("factor_refused", PROVING, PROVING),
    ("attempt_ended", PROVING, NOBODY),
    ("signed_in", PROVING, SIGNED_IN),
    ("enrolment_started", NOBODY, ENROLLING),
    ("enrolment_ended", ENROLLING, NOBODY),
    ("signed_out", SIGNED_IN, NOBODY),
    ("access_started", SIGNED_IN, ACCESS),
    ("access_ended", ACCESS, SIGNED_IN),
    ("witness_called", SIGNED_IN, WITNESS_CALLED),
    ("badge_presented", WITNESS_CALLED, WITNESS_PROVING),
    ("factor_refused", WITNESS_PROVING, WITNESS_PROVING),
    ("attempt_ended", WITNESS_PROVING, WITNESS_CALLED),
    ("witnessed", WITNESS_PROVING, SIGNED_IN),
    ("witness_dismissed", WITNESS_CALLED, SIGNED_IN),
    ("witness_called", ACCESS, COUNT_WITNESS_CALLED),
    ("badge_presented", COUNT_WITNESS_CALLED, COUNT_WITNESS_PROVING),
    ("factor_refused", COUNT_WITNESS_PROVING, COUNT_WITNESS_PROVING),
    ("attempt_ended", COUNT_WITNESS_PROVING, COUNT_WITNESS_CALLED),
    ("witnessed", COUNT_WITNESS_PROVING, ACCESS),
    ("witness_dismissed", COUNT_WITNESS_CALLED, ACCESS),
    ("screen_locked", SIGNED_IN, LOCKED),
    ("screen_locked", ACCESS, LOCKED_ACCESS),
    ("access_ended", LOCKED_ACCESS, LOCKED),
    ("access_ended", UNLOCKING_ACCESS, UNLOCKING),
    ("badge_presented", LOCKED, UNLOCKING),
    ("badge_presented", LOCKED_ACCESS, UNLOCKING_ACCESS),
    ("factor_refused", UNLOCKING, UNLOCKING),
    ("factor_refused", UNLOCKING_ACCESS, UNLOCKING_ACCESS),
    ("attempt_ended", UNLOCKING, LOCKED),
    ("attempt_ended", UNLOCKING_ACCESS, LOCKED_ACCESS),
    ("screen_unlocked", UNLOCKING, SIGNED_IN),
    ("screen_unlocked", UNLOCKING_ACCESS, ACCESS),
    ("signed_out", LOCKED, NOBODY),
    ("signed_out", UNLOCKING, PROVING),  # somebody else proved who they are
    *(("restarted", state, NOBODY) for state in SESSION_STATES),
)

UNKNOWN = "unknown"
SHUT = "shut"
RELEASED = "released"
OPEN = "open"
FORCED = "forced"
FAULT = "fault"
DRAWER_STATES = (UNKNOWN, SHUT, RELEASED, OPEN, FORCED, FAULT)
DRAWER_TABLE: tuple[tuple[str, str, str], ...] = (
    ("released", SHUT, RELEASED),
    ("opened", RELEASED, OPEN),
    ("opened", FAULT, OPEN),
    *(("closed", state, SHUT) for state in DRAWER_STATES if state != SHUT),
    *(("forced", state, FORCED) for state in (UNKNOWN, SHUT, RELEASED, FAULT)),
    *(("failed", state, FAULT) for state in DRAWER_STATES if state != FAULT),
    # At a restart the sensors say what is: what was open under an access may still be open.
    *(("restarted", state, UNKNOWN) for state in DRAWER_STATES),
    ("found_open", UNKNOWN, OPEN),
    ("found_released", UNKNOWN, RELEASED),
)


class CorruptLedger(Exception):
    """A record asks for a step that is not legal: the ledger was not written by these rules."""


class Model:
    """What a machine moves: its `state` is one of the machine's states.

    The machine does not know it: one that nobody holds any more is gone, as a state replayed is.
    """

    __slots__ = ("machine", "state")

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.state = str(machine.initial)


def _machine(states: tuple[str, ...], table: tuple[tuple[str, str, str], ...]) -> Machine:
    return Machine(
        model=None,
        states=list(states),
        transitions=[list(row) for row in table],
        initial=states[0],
        auto_transitions=False,
        send_event=False,
    )


SESSION = _machine(SESSION_STATES, SESSION_TABLE)
DRAWER = _machine(DRAWER_STATES, DRAWER_TABLE)


def new_session() -> Model:
    """A session position at NOBODY."""
    return Model(SESSION)


def new_drawer() -> Model:
    """A drawer position at UNKNOWN."""
    return Model(DRAWER)


def place(model: Model, state: str) -> None:
    """Put a model where a snapshot says it was; CorruptLedger when there is no such state."""
    if state not in model.machine.states:
        raise CorruptLedger(f"there is no state {state!r}")
    model.state = state


def fire(position: Model, trigger: str) -> None:
    """Take one step; raises CorruptLedger when it is not legal."""
    event = position.machine.events.get(trigger)
    if event is None:
        raise CorruptLedger(f"there is no trigger {trigger!r}")
    steps = event.transitions.get(position.state)
    if not steps:
        raise CorruptLedger(f"{trigger} is not legal in {position.state}")
    position.state = str(steps[0].dest)  # all that a table without conditions and callbacks does
