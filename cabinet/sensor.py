"""Which finger sensor the slots are of, and the slots that are nobody's any more.

Not for comparing or enrolling a finger. One rule: a slot means somebody only on the sensor that
they enrolled at; another sensor counts as none until an administrator has everybody enrol again.
"""

from dataclasses import replace
from typing import Any

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet.decision import Draft, Note, Place, Proof
from cabinet.events import DeleteFinger, FingerSeen, MarkSensor
from cabinet.messages import Block, Button, Row, Rows, Screen, Words
from cabinet.state import Session, State

SENSOR = "fingerprint"
FOREIGN = "another finger sensor is fitted than the one the fingers were enrolled at"
IDENTITY_BYTES = 16
ROWS_A_PAGE = 3
NOT_LOADED = {
    "no_copy": "no copy was kept",
    "left_over": "the sensor holds it already",
    "finger_taken": "somebody else has this finger",
    "unusable": "the copy is not for this sensor",
    "sensor_fault": "the sensor did not store it",
}
ASKING = ("finger", "enrol_finger")  # pages on which a finger is waited for


def answers(draft: Draft, identity: str) -> None:
    """The sensor answers, after it did not, or for the first time; this is what it says it is."""
    state = draft.state
    if not identity or identity != state.sensor:
        if state.loading or any(person.slots for person in state.people.values()):
            if state.found_sensor != identity:
                draft.add(fr.SensorForeign(identity))
            if SENSOR not in state.devices_down:
                draft.add(r.DeviceFailed(SENSOR, FOREIGN))
            return
        if _carry(draft, identity) != state.sensor:  # where nobody has a finger yet
            draft.stay(newcomer=replace(draft.place.newcomer, slots=()))
    if SENSOR in state.devices_down:
        draft.add(r.DeviceRestored(SENSOR))


def _carry(draft: Draft, identity: str, **fitted: Any) -> str:
    """The slots are of this sensor from here on; one without a mark is given one: its identity.

    It is a fresh one: the sensor that carries the one of before may be in somebody's pocket, with
    anybody's finger in the slots that are given out next.
    """
    carried = identity or draft.fresh(IDENTITY_BYTES).hex()
    if not identity:
        draft.command(MarkSensor(draft.reference(), carried))
    if carried != draft.state.sensor or fitted:
        draft.add(fr.SensorFitted(carried, **fitted))
    return carried


def fit(draft: Draft, found: str, session: Session, second: Proof | None = None) -> None:
    """Somebody decided for the sensor that is there; with a `second` one, to load it.

    One that is only now given its mark is back when it says that it carries it.
    """
    fitted: dict[str, Any] = {"by": session.person}
    if second is not None:
        fitted |= {"load": True, "factors": session.factors, "approved_by": second.person}
        fitted |= {"approver_factors": second.factors, "approver_fallback": second.fallback}
    _carry(draft, found, **fitted)
    if SENSOR in draft.state.devices_down and (found or second is None):
        draft.add(r.DeviceRestored(SENSOR))


def believed(state: State, event: FingerSeen) -> FingerSeen:
    """What a sensor said that is down by now, or another one: asked before that was known here."""
    if SENSOR not in state.devices_down:
        return event
    return FingerSeen(event.request, "fault", words=FOREIGN)


def tick(draft: Draft) -> None:
    """Empty one of the slots that are nobody's, while nobody's finger is waited for."""
    state = draft.state
    if state.wiping and SENSOR not in state.devices_down and draft.place.page not in ASKING:
        draft.command(DeleteFinger(draft.reference(), state.wiping[0]))


def wiped(draft: Draft, event: FingerSeen) -> None:
    """The sensor read a slot as empty."""
    if event.slot is not None and event.slot in draft.state.wiping:
        draft.add(fr.FingerWiped(event.slot))


def pressed(draft: Draft, session: Session) -> None:
    """Use the sensor that is there: nobody's finger is known on it."""
    found = draft.state.found_sensor
    if found is None:
        draft.refuse("The finger sensor is the one it was.")
        return
    fit(draft, found, session)
    draft.home(Note("The new sensor is in use. Everybody enrols their fingers again.", "success"))


def show(state: State, place: Place) -> Screen:
    """Another sensor was found, and what can be done; or whose fingers it does not hold yet."""
    back = Button("menu", "Back", "quiet")
    if state.found_sensor is None:
        return _show_loads(state, place, back)
    kept = any(person.templates for person in state.people.values())
    stays = "everybody enrols again, and no copy is left." if kept else "everybody enrols again."
    blocks = (
        *place.said(),
        Words("Another finger sensor is fitted", "name"),
        Words("Until this is settled everybody signs in with badge and PIN or passphrase."),
        Words("If the old sensor comes back, all is as it was."),
        Words(f"If the new one stays, {stays}"),
    )
    actions: tuple[Button, ...] = (back, Button("fit_sensor", "The new one stays"))
    if kept:
        words = Words("Or two people have the fingers that were kept loaded into it.")
        blocks, actions = (*blocks, words), (*actions, Button("load_fingers", "Load the fingers"))
    return Screen(0, "sensor", "Finger sensor", blocks, actions)


def not_loaded(state: State) -> dict[str, str]:
    """Whoever enrols a finger again because it was not loaded, and why: a key of NOT_LOADED."""
    return {it.person: it.why for it in state.loading if it.why}


def _show_loads(state: State, place: Place, back: Button) -> Screen:
    waiting = sum(not it.why for it in state.loading)
    lost = list(not_loaded(state).items())
    page = lost[place.offset : place.offset + ROWS_A_PAGE]
    left = len(lost) - place.offset - len(page)
    words = "All fingers that could be loaded are."
    if waiting:
        words = f"{waiting} still to be loaded."
    elif not lost:
        words = "The finger sensor is the one that fingers were enrolled at."
    blocks: tuple[Block, ...] = (*place.said(), Words(words, "strong"))
    actions: tuple[Button, ...] = (back,)
    if lost:
        rows = tuple(
            Row("", state.people[ref].name, (f"Enrols again: {NOT_LOADED[why]}",))
            for ref, why in page
        )
        blocks = (*blocks, Rows(rows, "", f"{left} more" if left > 0 else ""))
    if left > 0 or place.offset:
        actions = (back, Button("more", "Next page" if left > 0 else "First page"))
    return Screen(0, "sensor", "Finger sensor", blocks, actions)
