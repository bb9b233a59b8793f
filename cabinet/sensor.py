"""Which finger sensor the slots are of, and the slots that are nobody's any more.

Not for comparing or enrolling a finger. One rule: a slot means somebody only on the sensor that
they enrolled at; another sensor counts as none until an administrator has everybody enrol again.
"""

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet.decision import Draft, Note, Place
from cabinet.events import DeleteFinger, FingerSeen, MarkSensor
from cabinet.messages import Button, Screen, Words
from cabinet.state import State

SENSOR = "fingerprint"
FOREIGN = "another finger sensor is fitted than the one the fingers were enrolled at"
IDENTITY_BYTES = 16
_ASKING = ("finger", "enrol_finger")  # pages on which a finger is waited for


def answers(draft: Draft, identity: str) -> None:
    """The sensor answers, after it did not, or for the first time; this is what it says it is."""
    state = draft.state
    if not identity or identity != state.sensor:
        if any(person.slots for person in state.people.values()):
            if state.found_sensor != identity:
                draft.add(fr.SensorForeign(identity))
            if SENSOR not in state.devices_down:
                draft.add(r.DeviceFailed(SENSOR, FOREIGN))
                lost(draft)
            return
        _fit(draft, identity, state.sensor, "")
    if SENSOR in state.devices_down:
        draft.add(r.DeviceRestored(SENSOR))


def lost(draft: Draft) -> None:
    """It does not answer any more: whoever waits for it goes on with a PIN."""
    if draft.place.page == "finger":
        words = "The finger sensor does not answer. Use your PIN."
        draft.go("pin", request="", note=Note(words, "warning"))


def _fit(draft: Draft, identity: str, otherwise: str, by: str) -> None:
    """The slots are of this sensor from here on; one without a mark is given one."""
    if not identity:
        identity = otherwise or draft.fresh(IDENTITY_BYTES).hex()
        draft.command(MarkSensor(draft.reference(), identity))
    if identity != draft.state.sensor:
        draft.add(fr.SensorFitted(identity, by))


def tick(draft: Draft) -> None:
    """Empty one of the slots that are nobody's, while nobody's finger is waited for."""
    state = draft.state
    if state.wiping and SENSOR not in state.devices_down and draft.place.page not in _ASKING:
        draft.command(DeleteFinger(draft.reference(), state.wiping[0]))


def wiped(draft: Draft, event: FingerSeen) -> None:
    """The sensor read a slot as empty."""
    if event.slot is not None and event.slot in draft.state.wiping:
        draft.add(fr.FingerWiped(event.slot))


def pressed(draft: Draft, by: str) -> None:
    """Use the sensor that is there: nobody's finger is known on it."""
    found = draft.state.found_sensor
    if found is None:
        draft.refuse("The finger sensor is the one it was.")
        return
    _fit(draft, found, "", by)
    if SENSOR in draft.state.devices_down:
        draft.add(r.DeviceRestored(SENSOR))
    draft.home(Note("The new sensor is in use. Everybody enrols their fingers again.", "success"))


def show(state: State, place: Place) -> Screen:
    """Another sensor was found: what it means, and the one thing to do."""
    back = Button("menu", "Back", "quiet")
    if state.found_sensor is None:
        words = Words("The finger sensor is the one that fingers were enrolled at.")
        return Screen(0, "sensor", "Finger sensor", (*place.said(), words), (back,))
    blocks = (
        *place.said(),
        Words("Another finger sensor is fitted", "name"),
        Words("Until this is settled everybody signs in with badge and PIN."),
        Words("If the old sensor comes back, all is as it was."),
        Words("If the new one stays, everybody enrols their fingers again."),
    )
    return Screen(
        0, "sensor", "Finger sensor", blocks, (back, Button("fit_sensor", "The new one stays"))
    )
