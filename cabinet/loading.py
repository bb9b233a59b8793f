"""Loading the kept templates into a sensor that was fitted in another's place, under two people.

Not for making copies (`copies.py`). One rule: each template is loaded by a command of its own,
after its record; a slot is somebody's only once the sensor read it back, and whoever's finger was
not loaded is told to an administrator and enrols again.
"""

from auth.policy import Act
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import rights, sensor
from cabinet.decision import Draft, Note, Place, Proof
from cabinet.events import DeleteFinger, FingerSeen, LoadFinger
from cabinet.messages import Button, Facts, Screen, Words
from cabinet.sensor import ASKING, SENSOR
from cabinet.state import State
from cabinet.wording import REASONS

MOST_TRIES = 3  # of one template


def kept(state: State) -> int:
    """How many templates could be loaded."""
    return sum(len(person.templates) for person in state.people.values())


# --- by two people --------------------------------------------------------------------------------


def _refusal(draft: Draft) -> str:
    """Why the person at the screen may not have the fingers loaded, "" when they may."""
    state, session = draft.state, draft.state.session
    assert session is not None
    for act in (Act.ADMINISTER, Act.LOAD_FINGERS):
        why = rights.refusal(state, session.person, act, draft.moment.wall_ms)
        why = why or rights.unproven(state, session.person, act, session.factors)
        if why:
            return why
    return "" if state.found_sensor is not None and kept(state) else "nothing_to_load"


def pressed(draft: Draft) -> None:
    """Load the kept fingers: a second person is asked for."""
    session = draft.state.session
    assert session is not None
    why = _refusal(draft)
    if why:
        draft.add(r.Refused(Act.LOAD_FINGERS.value, why, session.id, session.person))
        draft.refuse(REASONS[why])
        return
    found = draft.state.found_sensor or ""
    called = (draft.reference(), session.id, session.person, kept(draft.state))
    draft.add(r.WitnessCalled(*called, "load_fingers", found))
    draft.go("witness")


def approved(draft: Draft, second: Proof) -> None:
    """The second person proved who they are: the sensor is the cabinet's, and the loads begin."""
    state, session = draft.state, draft.state.session
    assert session is not None and state.witnessing is not None and state.attempt is not None
    why = _refusal(draft)
    if not why and state.found_sensor != state.witnessing.why:
        why = "other_sensor"  # yet another one was fitted, unseen by either
    if why:
        draft.add(
            r.Refused(Act.LOAD_FINGERS.value, why, session.id, session.person),
            r.AttemptEnded(state.attempt.id, why),
        )
        draft.go("witness", note=Note(REASONS[why], "refusal"))
        return
    assert state.found_sensor is not None
    sensor.fit(draft, state.found_sensor, session, second)
    draft.go("sensor")  # which says how many are still to be loaded


def not_approved(draft: Draft, why: str) -> None:
    """Nobody came, or it was called off."""
    words = "Not loaded: nobody approved it." if why == "timed_out" else "Not loaded."
    draft.go("sensor", note=Note(words, "warning"))


def brief(state: State, _: Place) -> str:
    """What the second person approves, in a line."""
    session = state.session
    assert session is not None
    name = state.people[session.person].name
    return f"You approve: {name} loads the kept fingers into the new sensor"


def show_second(state: State, place: Place, _: int) -> Screen:
    """What the second person approves."""
    called, session = state.witnessing, state.session
    assert called is not None and session is not None
    whose = sum(bool(person.templates) for person in state.people.values())
    facts = (
        ("Fingers", f"{called.quantity}, of {whose} {'person' if whose == 1 else 'people'}"),
        ("Asked by", state.people[session.person].name),
    )
    return Screen(
        0,
        "witness",
        "Second person",
        (
            *place.said(),
            Words("Load the kept fingers into the new sensor", "name"),
            Facts(facts),
            Words("Look at the sensor: is it the one that belongs here?"),
            Words("Second person: if you agree, hold your badge to the reader.", "strong"),
        ),
        (Button("dismiss", "Cancel", "danger"),),
    )


# --- one after the other --------------------------------------------------------------------------


def tick(draft: Draft) -> None:
    """Order the next template, when none is under way and nobody's finger is waited for."""
    state = draft.state
    if SENSOR in state.devices_down or draft.place.page in ASKING:
        return
    if any(it.order for it in state.loading):
        return
    load = next((it for it in state.loading if not it.why), None)
    if load is not None:
        order = draft.reference()
        draft.add(fr.TemplateOrdered(order, load.person, load.slot, load.template))
        draft.command(LoadFinger(order, load.slot, load.person, load.template))


def answered(draft: Draft, event: FingerSeen) -> bool:
    """The sensor answered an order to load a template; whether it was one."""
    state = draft.state
    load = next((it for it in state.loading if it.order and it.order == event.request), None)
    if load is None:
        return False
    named = (load.order, load.person, load.slot)
    again = load.tries + 1 < MOST_TRIES and not load.why
    match event.outcome:
        case "loaded" if event.slot == load.slot:
            draft.add(fr.TemplateLoaded(*named))
        case "taken" if event.slot is not None and not state.holder(event.slot):
            # Left over from where the sensor served before: nobody's here.
            draft.command(DeleteFinger(draft.reference(), event.slot))
            draft.add(fr.TemplateNotLoaded(*named, "left_over", again))
        case "taken":
            draft.add(fr.TemplateNotLoaded(*named, "finger_taken", False))
        case "unusable":
            draft.add(fr.TemplateNotLoaded(*named, "unusable", False))
        case _:
            draft.add(fr.TemplateNotLoaded(*named, "sensor_fault", again))
    return True
