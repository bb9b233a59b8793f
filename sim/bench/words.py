"""The bench's sentences: what happened, and what to try next.

Pure functions of the physical world. One rule: they tell what a bystander could have seen.
"""

from collections.abc import Mapping, Sequence

from sim.happenings import Happening, Kind
from sim.medicines import Medicine
from sim.people import by_badge, by_finger
from sim.views import WorldView

RECENT_S = 45.0  # a badge held this long ago still waits for its finger


def medicine_name(code: str, medicines: Mapping[str, Medicine]) -> str:
    """A medicine as people say it: its first word and strength; its code when it has no name."""
    medicine = medicines.get(code)
    return code if medicine is None else f"{medicine.generic.split()[0]} {medicine.strength}"


def finger_name(finger: str) -> str:
    """Whose finger, and which."""
    person = by_finger(finger)
    which = finger.partition(":")[2].replace("-", " ")
    return finger if person is None else f"{person.given}'s {which}"


def tone(kind: Kind) -> str:
    """Which colour a happening has in the list; the words say it all."""
    match kind:
        case Kind.COIL_ON | Kind.COIL_OFF | Kind.HOOK_RELEASED | Kind.HOOK_ENGAGED:
            return "lock"
        case Kind.OPENED | Kind.CLOSED:
            return "drawer"
        case Kind.TAKEN | Kind.PUT | Kind.PARTED | Kind.LID_LIFTED:
            return "tablet"
        case Kind.BADGE | Kind.FINGER_ON | Kind.FINGER_OFF | Kind.SCANNED:
            return "person"
        case Kind.LIGHT_ON | Kind.LIGHT_OFF | Kind.BEEPER_ON | Kind.BEEPER_OFF:
            return "light"
        case _:
            return "trouble"


def describe(happening: Happening, medicines: Mapping[str, Medicine]) -> str:
    """One line of the list."""
    it, drawer = happening, happening.drawer
    medicine = medicine_name(it.medicine, medicines)
    person = by_badge(it.detail)
    match it.kind:
        case Kind.COIL_ON:
            return f"{drawer}: the lock's coil is energised"
        case Kind.COIL_OFF:
            return f"{drawer}: the coil is off again"
        case Kind.COIL_CUT:
            return f"{drawer}: the hardware one-shot cut the coil"
        case Kind.HOOK_RELEASED:
            return f"{drawer}: the latch let go, the drawer can be pulled"
        case Kind.HOOK_ENGAGED:
            return f"{drawer}: the latch caught"
        case Kind.HELD:
            return f"{drawer}: pulled, but the latch held it"
        case Kind.OPENED:
            return f"{drawer}: the drawer slid open"
        case Kind.PRIED:
            return f"{drawer}: somebody pries at the drawer"
        case Kind.CLOSED:
            return f"{drawer}: the drawer was pushed shut"
        case Kind.TAKEN:
            return f"{it.place}: {it.count} of {medicine} taken out"
        case Kind.LID_LIFTED:
            return f"{it.place}: the lid was lifted"
        case Kind.PUT:
            return f"{it.place}: {it.count} of {medicine} put in"
        case Kind.PARTED:
            return f"{it.count} of {medicine} to {it.detail}"
        case Kind.LIGHT_ON | Kind.LIGHT_OFF:
            return f"{drawer}: its light is {'on' if it.kind is Kind.LIGHT_ON else 'off'}"
        case Kind.BADGE:
            return f"A badge was held to the reader: {person.name if person else it.detail}"
        case Kind.FINGER_ON:
            return f"{finger_name(it.detail)} is on the glass"
        case Kind.FINGER_OFF:
            return f"{finger_name(it.detail)} was lifted"
        case Kind.SENSOR:
            return f"another finger sensor is fitted: {it.detail}"
        case Kind.SCANNED:
            return f"A label was scanned: {it.detail}".replace("\x1d", "␝")
        case Kind.UNPLUGGED | Kind.PLUGGED:
            return f"The {it.detail} device was {it.kind.value}"
        case Kind.FAULTED | Kind.MENDED:
            return f"{drawer}: {it.detail}{', mended' if it.kind is Kind.MENDED else ''}"
        case Kind.ON_BATTERY | Kind.ON_MAINS:
            return "The mains are back" if it.kind is Kind.ON_MAINS else "The battery carries it"
        case Kind.POWER_CUT:
            return "The power was cut"
        case Kind.POWER_BACK:
            return "The power is back"
        case Kind.BEEPER_ON | Kind.BEEPER_OFF:
            return f"The beeper is {'on' if it.kind is Kind.BEEPER_ON else 'off'}"


def hint(view: WorldView, events: Sequence[Happening], now: float) -> str:
    """What to try next."""
    if not view.mains:
        return (
            "The power is cut. Restore it: the cabinet must start by itself, with its locks shut."
        )
    for drawer in view.drawers:
        if drawer.is_open and drawer.id in drawer.tablets:
            return f"{drawer.id} is open. Drop in what comes back, then push it shut."
        if drawer.is_open:
            return (
                f"{drawer.id} is open. Take tablets out or put them in, one at a time; "
                "then push the drawer shut: click its front."
            )
    for drawer in view.drawers:
        if not drawer.hook_engaged:
            return f"{drawer.id} is released: click its front to pull it open."
    if view.finger is not None:
        return f"{finger_name(view.finger)} is on the glass. Click the sensor to lift it."
    newest = next((it for it in reversed(events) if it.kind is Kind.BADGE), None)
    person = by_badge(newest.detail) if newest is not None else None
    if newest is not None and person is not None and now - newest.at < RECENT_S:
        touched = any(it.kind is Kind.FINGER_ON and it.at > newest.at for it in events)
        if not touched:
            return f"Now put one of {person.given}'s fingers on the sensor, or type the PIN."
        return "The touchscreen has the rest: choose a patient there, then a medicine."
    if view.hands:
        return "You hold tablets: give them, waste them with a witness, or return them to the bin."
    return "Hold a badge to the reader: click a person on the left. Then look at the touchscreen."
