"""Who takes the finger sensor out and puts another one in: to be somebody, or because it is broken.

Not for the ways that all visits go (`trespass.py`), nor for sign-ins without a sensor
(`unsupervised.py`). One rule: a sensor is a thing that somebody holds in their hands; what its
notepad and its slots hold is written before it is put in.
"""

from collections.abc import Callable

from drivers.fingerprint_session import marked_page
from sim import cast
from sim.administrators import enrol_again, find
from sim.fingerprint_sensor import ZfmSensor
from sim.hands import GaveUp, Hands
from sim.people import PEOPLE, Person
from sim.trespass import Trespass, Visit

SLOTS = 64  # as many as the cast needs
MARK_BYTES = 16
NOTICED_S = 5.0  # an idle driver looks so often whether it is the same sensor
SETTLED_S = 12.0  # until a sensor that came is known to be another one
LOADED_S = 240.0  # until all fingers are loaded
AMINA, JONAS, MEI, ROSA = PEOPLE[:4]
INGRID, SAMUEL = cast.INGRID, cast.SAMUEL


# --- the thing ------------------------------------------------------------------------------------


def another(it: Visit, whose: Person | None = None) -> ZfmSensor:
    """New, or of another cabinet; empty, or with one person's finger in every slot of others."""
    chance, finger = it.hands.chance, it.runtime.world.finger
    page = marked_page(chance.bytes(MARK_BYTES).hex())
    notepad = {0: page} if chance.chance(0.5) else {}
    held = {slot: whose.fingers[slot % 2] for slot in range(SLOTS)} if whose is not None else {}
    owner = whose.given if whose is not None else "nobody"
    return ZfmSensor(finger, held, notepad=notepad, name=f"one of {owner}'s")


def put_in(it: Visit, sensor: ZfmSensor, *, pulled: bool) -> None:
    """In the other one's place; not `pulled`: on a line that does not go down."""
    runtime = it.runtime
    if it.hospital.closing:
        raise GaveUp("nobody comes any more")
    it.hospital.told(f"{it.hands.person.name} puts another finger sensor in: {sensor.name}")
    pulled = pulled and runtime.ports["fingerprint"].plugged
    if pulled:
        runtime.unplug("fingerprint")
        it.hands.wait(3.0)
    runtime.put_in(sensor, it.hands.chance.between(0.5, NOTICED_S))
    if pulled:
        runtime.plug("fingerprint")


def swap(it: Visit, whose: Person | None = None, *, pulled: bool) -> None:
    """Put another one in, where the cabinet has its own."""
    if it.runtime.sensor is not it.runtime.own_sensor:
        raise GaveUp("another one is in already")
    put_in(it, another(it, whose), pulled=pulled)


def as_somebody(it: Visit, hands: Hands, whose: Person, at_finger: Callable[[], None]) -> None:
    """With a badge that was found, and one's own finger as often as one is asked for."""
    it.runtime.present(whose.badge)
    for _ in range(3):
        screen = hands.sees("finger", "pin", within_s=3.0)
        if screen is None:
            return
        if screen.name == "pin":
            if not hands.can_press("use_finger"):
                break
            hands.press("use_finger")
            continue
        at_finger()
        it.runtime.world.touch(hands.person.fingers[0])
        hands.wait(4.0)
        it.runtime.world.touch(None)
    if hands.can_press("cancel"):
        hands.press("cancel")


def nothing() -> None:
    """Nothing happens first."""


def works(it: Visit, person: Person) -> None:
    """Somebody honest signs in, as they can, and takes what is ordered."""
    hands = it.hands_of(person)
    hands.sign_in()
    it.hospital.nursing.one_removal(hands)
    if hands.can_press("home"):
        hands.must_press("home")
    hands.press("sign_out")


# --- to be somebody -------------------------------------------------------------------------------


def at_rest(it: Visit) -> None:
    """While nobody is there; then people work on without it, until the old one is back."""
    hands, runtime = it.hands, it.runtime
    swap(it, hands.person, pulled=hands.chance.chance(0.5))
    stays_s = 0.0
    try:
        if hands.chance.chance(0.3):
            runtime.hub.at(0, runtime.cut_power)
            hands.wait(25.0)
        as_somebody(it, hands, ROSA, nothing)
        hands.wait(SETTLED_S)
        as_somebody(it, hands, JONAS, nothing)
        works(it, AMINA)
        stays_s = hands.chance.between(300.0, 1500.0)
    finally:
        runtime.hub.after(stays_s, runtime.put_back)


def between_proofs(it: Visit) -> None:
    """Within an act: one's own proof at the old sensor, the witness's at the other one."""
    it.ask_to_waste()
    try:
        swap(it, it.hands.person, pulled=False)
        as_somebody(it, it.hands, ROSA, nothing)
    finally:
        _put_back_soon(it)


def within_proof(it: Visit) -> None:
    """The witness's badge at the old sensor; while their finger is waited for, the other one."""
    it.ask_to_waste()

    def as_it_waits() -> None:
        if it.runtime.sensor is it.runtime.own_sensor:
            it.hands.wait(it.hands.chance.between(1.0, 3.0))
            swap(it, it.hands.person, pulled=False)

    try:
        as_somebody(it, it.hands, ROSA, as_it_waits)
    finally:
        _put_back_soon(it)


def _put_back_soon(it: Visit) -> None:
    it.hands.wait(SETTLED_S)
    it.runtime.put_back()
    it.hands.wait(SETTLED_S)


# --- because it is broken -------------------------------------------------------------------------


def to_sensor(it: Visit, whose: Person | None = None) -> None:
    """An administrator at the screen that says that another one is fitted."""
    swap(it, whose, pulled=True)
    it.hands.wait(SETTLED_S)
    it.hands.sign_in()
    it.hands.must_press("sensor")
    it.hands.must_see("sensor")


def stays(it: Visit) -> None:
    """The new one stays, with one nurse's finger in every slot; and somebody enrols again."""
    hands, swapper = it.hands, it.hands_of(cast.UNTRAINED)
    try:
        to_sensor(it, swapper.person)
        hands.must_press("fit_sensor")
        hands.must_see("menu")
    finally:
        hands.wait(1.0)
        it.runtime.put_back()  # where nobody decided for the new one
    hands.wait(SETTLED_S)
    _leave(it)
    as_somebody(it, swapper, cast.AGENCY, nothing)
    enrol_again(it)


def decide(it: Visit) -> None:
    """The sensor that is in stays: the power went as another one was decided for, unmarked yet."""
    it.hospital.tidy(it.hands)
    it.hands.sign_in()
    it.hands.must_press("sensor")
    it.hands.must_press("fit_sensor")
    it.hands.must_see("menu")
    it.hands.must_press("sign_out")


def again(it: Visit) -> None:
    """Somebody enrols again; the sensor says that it forgot their old finger, and did not."""
    it.runtime.own_sensor.worn = 2
    try:
        enrol_again(it)
        it.hands.wait(60.0)
    finally:
        it.runtime.own_sensor.worn = 0


def load(it: Visit, *seconds: Person) -> None:
    """Have the copies loaded, approved by the last of those who try; others may not."""
    hands = it.hands
    try:
        to_sensor(it)
        hands.must_press("load_fingers")
        hands.must_see("witness")
        for second in seconds:
            it.witness(second)
            hands.wait(1.0)
        hands.must_see("sensor")
    finally:
        hands.wait(1.0)
        it.runtime.put_back()  # where nobody approved the new one


def loaded(it: Visit) -> None:
    """By two people, and then fingers are worth something again."""
    load(it, ROSA)
    it.hands.wait(LOADED_S)
    _leave(it)
    works(it, AMINA)


def loads_alone(it: Visit) -> None:
    """The administrator, then a nurse, would be the second person."""
    load(it, INGRID, JONAS)


def cut_in_load(it: Visit) -> None:
    """The power goes while the fingers are loaded."""
    load(it, SAMUEL)
    it.hands.wait(it.hands.chance.between(2.0, 40.0))
    it.runtime.hub.at(0, it.runtime.cut_power)
    it.hands.wait(LOADED_S)
    works(it, AMINA)


def replaced_in_load(it: Visit) -> None:
    """Yet another one is put in while they are loaded; then the approved one is back."""
    hands, swapper = it.hands, it.hands_of(cast.UNTRAINED)
    load(it, ROSA)
    hands.wait(hands.chance.between(2.0, 40.0))
    put_in(it, another(it, swapper.person), pulled=hands.chance.chance(0.5))
    try:
        _leave(it)
        as_somebody(it, swapper, AMINA, nothing)
        hands.wait(SETTLED_S)
        as_somebody(it, swapper, AMINA, nothing)
    finally:
        it.runtime.put_back()
    hands.wait(LOADED_S)
    works(it, AMINA)


def _leave(it: Visit) -> None:
    """Sign out, from wherever one stands."""
    for button in ("menu", "sign_out"):
        if it.hands.can_press(button):
            it.hands.press(button)
            it.hands.wait(0.5)


def taken_back(it: Visit) -> None:
    """Somebody wants no copies of their fingers any more."""
    find(it, JONAS)
    it.hands.must_press("edit")
    it.hands.must_press("take_back")


SWAPPED: dict[str, Trespass] = {
    "sensor swapped at rest": Trespass(0.3, at_rest, cast.UNTRAINED),
    "sensor swapped between two proofs": Trespass(0.3, between_proofs, MEI),
    "sensor swapped within a proof": Trespass(0.3, within_proof, MEI),
    "another sensor stays": Trespass(0.08, stays, INGRID),
    "fingers are loaded": Trespass(0.25, loaded, INGRID),
    "fingers are loaded by one": Trespass(0.15, loads_alone, INGRID),
    "power cut in a load": Trespass(0.15, cut_in_load, INGRID),
    "sensor replaced in a load": Trespass(0.15, replaced_in_load, INGRID),
    "enrols again at a worn sensor": Trespass(0.1, again, INGRID),
    "copies are taken back": Trespass(0.1, taken_back, INGRID),
}
