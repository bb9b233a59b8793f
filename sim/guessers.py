"""Who guesses: PINs and fingers at a badge that they found.

Not for the ways that they go (`trespass.py`), for comparing badges (`comparers.py`), nor for how
long they must wait (`tries.py`). One rule: they know what the screen says, a badge that they found,
and no finger but their own.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from cabinet.messages import Screen
from sim import cast
from sim.administrators import INGRID, enrol_again
from sim.hands import GaveUp, Hands, says
from sim.people import PEOPLE, Person
from sim.trespass import Trespass, Visit

STRANGER = Person(
    *("Z-9001", "Robin", "Somebody", "stranger", "0098877665"), ("stranger:right-thumb",), ""
)
AMINA, JONAS, MEI, ROSA, HENRY = PEOPLE[:5]
FOUND = (AMINA, JONAS, MEI, ROSA)  # who lose their badges
PINS = [person.pin for person in cast.EVERYBODY]
MOST_STEPS, MOST_TOUCHES, MANY = 30, 7, 23
READ_S = 2.4  # a finger on the glass, until the sensor has said so
PULLED_S, PLUGGED_S = 4.0, 9.0  # until the cabinet has noticed, and until it asks for fingers again
SHIFTS_S = (-3600.0, -60.0, 60.0, 3600.0)  # by which somebody sets the clock
DARK_S = 2.0  # from the plug pulled to the plug put back
RESTED_S = 600.0  # until a clock is right again
MISSES, MISSING_VISITS = 11, 7  # fingers at one visit, and visits
NEXT_TIME_S = (300.0, 2 * 3600.0)  # until whoever found a badge comes again
SWITCHED_OFF, ALARM = "Your finger missed too often", "A finger missed too often"


# --- what all of them do --------------------------------------------------------------------------


def hold(it: Visit, badge: str) -> Screen | None:
    """Hold a badge to the reader; what asks for more, or None where nothing does."""
    rest(it.hands)
    it.runtime.present(badge)
    return it.hands.sees("finger", "pin", within_s=3.0)


def rest(hands: Hands) -> None:
    """Back to the screen of rest, as everybody can get there."""
    for _ in range(4):
        if hands.screen is not None and hands.screen.name == "rest":
            return
        for way in ("cancel", "dismiss", "sign_out"):
            hands.press(way)
        if hands.sees("rest", within_s=10.0) is not None:
            return
    raise GaveUp("the cabinet is not free")


def _waits_as_told(hands: Hands) -> bool:
    """Wait as long as the screen says; whether it does."""
    told = re.search(r"Wait (\d+) s", says(hands.screen))
    if told is not None:
        hands.wait(int(told.group(1)) + 0.3)
    return told is not None


def wrong_pin(hands: Hands) -> str:
    while (pin := f"{hands.chance.whole(0, 99_999_999):08d}") in PINS:
        pass
    return pin


def guess(hands: Hands, pin: str = "") -> bool:
    """Type a PIN where one can be typed, or any that is nobody's; whether it could be."""
    if hands.can_press("use_pin"):
        hands.press("use_pin")
        hands.sees("pin", within_s=2.0)
    if not hands.can_press("pin"):
        return False
    hands.wait(hands.chance.between(0.3, 0.8))
    hands.press("pin", pin or wrong_pin(hands))
    hands.until_not("checking", 5.0)
    return True


def touch(hands: Hands, finger: str = "") -> None:
    """Put a finger on the glass, one's own unless another is named, and lift it."""
    hands.world.touch(finger or hands.fingers[0])
    hands.wait(READ_S)
    hands.world.touch(None)
    hands.wait(0.7)


@contextmanager
def no_sensor(it: Visit) -> Iterator[None]:
    """With its cable pulled; it is put back whatever happens."""
    if not it.runtime.ports["fingerprint"].plugged:
        raise GaveUp("the sensor's cable is out already")
    it.runtime.unplug("fingerprint")
    try:
        it.hands.wait(PULLED_S)
        yield
    finally:
        it.runtime.plug("fingerprint")


def comes_and_goes(it: Visit, person: Person) -> None:
    """Somebody signs in as always, and out again."""
    hands = it.hands_of(person)
    hands.sign_in()
    it.hospital.leave(hands)
    hands.must_see("rest")


def life_goes_on(it: Visit, owner: Person) -> None:
    """Whoever's badge it was signs in by finger; a pharmacist releases the PIN that was locked."""
    it.hands.wait(31.0)
    comes_and_goes(it, owner)
    for _ in range(3):
        try:
            _release(it, owner)
            return
        except GaveUp:
            it.hands.wait(60.0)
    raise GaveUp("no pharmacist could release it")


def _release(it: Visit, owner: Person) -> None:
    hands = it.hands_of(HENRY)
    hands.sign_in()
    hands.must_press("menu")
    hands.must_press("locked")
    hands.must_see("release")
    ref = next(ref for ref, person in it.model.staff.items() if person == owner)
    if hands.can_press(f"release:{ref}"):
        hands.must_press(f"release:{ref}")
    hands.must_press("menu")
    it.hospital.leave(hands)


# --- guessing -------------------------------------------------------------------------------------


def guess_pins(it: Visit) -> None:
    """At one found badge, until its PIN is locked; then once more with what was seen typed."""
    owner = it.hands.chance.pick(FOUND)
    if it.hands.chance.chance(0.5):
        with no_sensor(it):
            until_locked(it, owner.badge)
            hold(it, owner.badge)
            guess(it.hands, owner.pin)
    else:
        until_locked(it, owner.badge)
        if hold(it, owner.badge) is None and _waits_as_told(it.hands):
            hold(it, owner.badge)
        with no_sensor(it):  # while the finger is asked for
            guess(it.hands, owner.pin)
            hold(it, owner.badge)
            guess(it.hands, owner.pin)
    it.hands.wait(PLUGGED_S)
    life_goes_on(it, owner)


def until_locked(it: Visit, badge: str) -> None:
    """Guess until nothing more is compared."""
    for _ in range(MOST_STEPS):
        if it.hospital.closing:
            raise GaveUp("it is late")
        name = it.hands.screen.name if it.hands.screen is not None else ""
        asked = name in ("finger", "pin") or hold(it, badge) is not None
        if not (asked and guess(it.hands)) and not _waits_as_told(it.hands):
            return  # locked, as the screen says or shows
    raise GaveUp("nothing locks this PIN")


def guess_fingers(it: Visit) -> None:
    """Own fingers with a found badge, beyond the limit, and a PIN between them."""
    owner = it.hands.chance.pick(FOUND)
    for place in range(MOST_TOUCHES):
        screen = it.hands.screen
        asked = screen is not None and screen.name == "finger"
        if not asked and hold(it, owner.badge) is None and _waits_as_told(it.hands):
            hold(it, owner.badge)
        if place == 3:
            guess(it.hands)
            it.hands.press("use_finger")
        touch(it.hands)
    it.hands.wait(31.0)
    comes_and_goes(it, owner)


def miss_on(it: Visit, visits: int = MISSING_VISITS) -> None:
    """Own fingers with one found badge, day after day, until it is switched off."""
    hands, owner = it.hands, cast.UNTRAINED
    _disturbed(it)
    for _ in range(MISSES):
        if it.hospital.closing:
            raise GaveUp("it is late")
        asked = hands.screen is not None and hands.screen.name == "finger"
        if not asked and hold(it, owner.badge) is None and _waits_as_told(hands):
            hold(it, owner.badge)
        if SWITCHED_OFF in says(hands.screen):
            _finger_is_off(it, owner)
            _way_back(it, owner)
            return
        touch(hands)
    rest(hands)
    if visits > 1:
        after_s = hands.chance.between(*NEXT_TIME_S)
        it.later(after_s, STRANGER, lambda then: miss_on(then, visits - 1))


def _disturbed(it: Visit) -> None:
    """What came since the last time: nothing, a cut, the end of the controller, another clock."""
    runtime, hands = it.runtime, it.hands
    by_s = 0.0
    match hands.chance.whole(0, 3):
        case 0:
            runtime.hub.at(0, partial(runtime.cut_power, DARK_S))
        case 1:
            runtime.hub.at(0, runtime.kill_process)
        case 2:
            by_s = hands.chance.pick(SHIFTS_S)
        case _:
            return
    runtime.wall.off_s += by_s
    runtime.hub.after(RESTED_S, lambda: setattr(runtime.wall, "off_s", runtime.wall.off_s - by_s))
    hands.wait(DARK_S + 1.0)
    hands.must_see("rest", within_s=60.0)


def _finger_is_off(it: Visit, owner: Person) -> None:
    """It is compared no more, whatever is tried, and whoever is on the ward is told."""
    hands, expect = it.hands, it.model.expect
    _alarm_is_on(it)
    for tried in ("at once", "after the power was off", "after its owner's PIN"):
        if hold(it, owner.badge) is None and _waits_as_told(hands):
            hold(it, owner.badge)
        asked = hands.can_press("use_finger") or hands.sees("finger", within_s=0.0) is not None
        expect(5, not asked, f"a finger is asked for that is switched off: {tried}")
        touch(hands)
        rest(hands)
        if tried == "at once":
            it.runtime.hub.at(0, partial(it.runtime.cut_power, DARK_S))
            hands.wait(DARK_S)
            hands.must_see("rest", within_s=60.0)
            _alarm_is_on(it)
        elif tried == "after the power was off":
            comes_and_goes(it, owner)


def _alarm_is_on(it: Visit) -> None:
    shown = it.runtime.shown
    alarms = [alarm.text for alarm in shown.live.alarms] if shown is not None else []
    told = any(ALARM in text for text in alarms) or shown is None
    it.model.expect(5, told, "a finger was switched off, and no screen says so")


def _way_back(it: Visit, owner: Person) -> None:
    """Fingers are enrolled anew, and count again."""
    honest = it.by(INGRID)
    honest.subject = owner
    enrol_again(honest)


def guess_many(it: Visit) -> None:
    """One guess with each of many badges, most of them nobody's."""
    hands, chance = it.hands, it.hands.chance
    badges = [f"00{chance.whole(10_000_000, 99_999_999)}" for _ in range(MANY)]
    badges[2], badges[9], badges[16] = AMINA.badge, JONAS.badge, MEI.badge
    for badge in badges:
        if hold(it, badge) is None and _waits_as_told(hands):
            hold(it, badge)
        if chance.chance(0.5):
            touch(hands)
        else:
            guess(hands)
    hands.wait(11.0)
    comes_and_goes(it, ROSA)


def in_a_lock_out(it: Visit) -> None:
    """While they must wait somebody sets the clock, or pulls the mains plug, and tries at once."""
    owner, hands = it.hands.chance.pick(FOUND), it.hands
    for _ in range(5):
        name = hands.screen.name if hands.screen is not None else ""
        if name in ("finger", "pin") or hold(it, owner.badge) is not None:
            guess(hands)
    by_s = hands.chance.pick(SHIFTS_S)
    it.runtime.wall.off_s += by_s
    try:
        hands.wait(6.0)
        _tries_at_once(it, owner)
    finally:
        it.runtime.wall.off_s -= by_s
    it.runtime.hub.at(0, partial(it.runtime.cut_power, DARK_S))
    hands.wait(DARK_S)
    hands.must_see("rest", within_s=60.0)
    hands.wait(1.0)
    _tries_at_once(it, owner)
    hands.wait(31.0)
    comes_and_goes(it, owner)


def _tries_at_once(it: Visit, owner: Person) -> None:
    for _ in range(2):
        if hold(it, owner.badge) is not None:
            guess(it.hands)
        it.hands.wait(4.0)


GUESSES: dict[str, Trespass] = {
    "guesses at a PIN": Trespass(0.25, guess_pins, STRANGER),
    "guesses with fingers": Trespass(0.25, guess_fingers, STRANGER),
    "misses with a finger until it is off": Trespass(0.1, miss_on, STRANGER),
    "one guess with each of many badges": Trespass(0.15, guess_many, STRANGER),
    "clock or power in a lock-out": Trespass(0.2, in_a_lock_out, STRANGER),
}
