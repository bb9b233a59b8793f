"""A supervisor beside a sign-in without the finger sensor, where the site asks for one.

Not for proving who somebody is. One rule: until the supervisor proved who they are, whoever signs
in sees and presses nothing but this, and after a restart begins anew.
"""

from auth.policy import Act, Role
from cabinet import factor_records as fr
from cabinet import machines, rights, sessions
from cabinet import records as r
from cabinet.decision import Draft, Place, Proof
from cabinet.messages import Button, Facts, Screen, Words
from cabinet.state import State

WITHOUT_SENSOR = ("sensor_down", "sensor_fault")  # why a PIN stood in


def wanted(state: State, person: str, fallback: str, wall_ms: int) -> bool:
    """Whether this person's sign-in takes a supervisor: not that of one who may supervise.

    Where nobody could, an administrator signs in alone, for they replace the sensor.
    """
    if not state.plan.fingers.supervisor or fallback not in WITHOUT_SENSOR:
        return False
    if not rights.refusal(state, person, Act.SUPERVISE, wall_ms):
        return False
    if state.people[person].role != Role.ADMINISTRATOR.value:
        return True
    return any(not rights.refusal(state, ref, Act.SUPERVISE, wall_ms) for ref in state.people)


def ask(draft: Draft, session: str, proof: Proof) -> None:
    """In the commit of the sign-in: call a supervisor, if it takes one."""
    if wanted(draft.state, proof.person, proof.fallback, draft.moment.wall_ms):
        draft.add(r.WitnessCalled(session, session, proof.person, 0, "supervise", proof.fallback))
        draft.go("witness")


def refused(draft: Draft, button: str) -> bool:
    """Whether the press waits for a supervisor: its person came back by PIN to an open drawer only.

    That drawer they may shut and count; for anything after it a supervisor is called.
    """
    session = draft.state.session
    if session is None or draft.state.screen.state != machines.SIGNED_IN or button == "sign_out":
        return False
    if not session.supervised:
        ask(draft, session.id, Proof(session.person, session.factors, session.fallback))
    return bool(draft.records)


def proved(draft: Draft, proof: Proof) -> None:
    """The supervisor proved who they are: the person goes on."""
    session = draft.state.session
    assert session is not None
    supervisor = (proof.person, proof.factors, proof.fallback)
    draft.add(fr.Supervised(session.id, session.person, *supervisor))
    draft.home()


def not_proved(draft: Draft, why: str) -> None:
    """Nobody came, or it was called off."""
    words = "Not signed in: no supervisor came." if why == "timed_out" else "Not signed in."
    sessions.sign_out(draft, "unsupervised", words)


def brief(state: State, _: Place) -> str:
    """Whose sign-in the supervisor stands by, in a line."""
    session = state.session
    assert session is not None
    name = state.people[session.person].name
    return f"You supervise: {name} signs in without the finger sensor"


def show(state: State, place: Place, _: int) -> Screen:
    """Whose sign-in the supervisor stands by."""
    session = state.session
    assert session is not None
    return Screen(
        0,
        "witness",
        "Supervisor",
        (
            *place.said(),
            Words("Without the finger sensor a supervisor stands by", "name"),
            Facts((("Signs in", state.people[session.person].name),)),
            Words("Supervisor: if this is that person, hold your badge to the reader.", "strong"),
        ),
        (Button("dismiss", "Cancel", "danger"),),
    )
