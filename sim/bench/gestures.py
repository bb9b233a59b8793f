"""What a person can do at the bench: names of gestures and their fields, from a form or from JSON.

Not where their physics is: the world decides what comes of them. One rule: a gesture or a field
that is not in the table is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sim import fingerprint_sensor as fs
from sim.cabinet import SimulatedCabinet
from sim.errors import NoSuchThing, SimulatorError
from sim.people import AT_THE_BENCH
from sim.views import Fault, Outcome

FINGERS = tuple(finger for person in AT_THE_BENCH for finger in person.fingers)
NO = ("no", "false", "0", "off")
SENSOR_FAULTS: dict[str, tuple[Callable[[], fs.Fault], str]] = {
    "sensor_dying": (fs.Dying, "finger sensor's plug corroded"),
    "sensor_dirty": (fs.PoorImage, "finger sensor's glass dirty"),
}


class Power(Protocol):
    """The switch of the controller's process; the world outlives it."""

    def cut(self) -> None:
        """End the controller at once, as a power cut does."""

    def restore(self) -> None:
        """Start it again."""

    def is_on(self) -> bool:
        """Whether it runs."""


class BadGesture(SimulatorError):
    """No such gesture, or its fields are not right; the text says which."""


@dataclass(frozen=True)
class _Gesture:
    """How to do it, which fields it must and may have."""

    act: Callable[[SimulatedCabinet, Power, Mapping[str, str]], Outcome]
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


def do(cabinet: SimulatedCabinet, power: Power, fields: Mapping[str, str]) -> Outcome:
    """Do the gesture `fields["action"]`; BadGesture when it is not one."""
    given = {name: value for name, value in fields.items() if name != "action" and value != ""}
    name = fields.get("action", "")
    gesture = GESTURES.get(name)
    if gesture is None:
        raise BadGesture(f"no gesture {name[:40]!r}; there are {', '.join(GESTURES)}")
    missing = [field for field in gesture.must if field not in given]
    if missing:
        raise BadGesture(f"{name} needs the field {missing[0]}")
    unknown = [field for field in given if field not in (*gesture.must, *gesture.may)]
    if unknown:
        raise BadGesture(f"{name} has no field {unknown[0][:40]!r}")
    try:
        return gesture.act(cabinet, power, given)
    except NoSuchThing as error:
        raise BadGesture(str(error)) from None


def _number(fields: Mapping[str, str]) -> int:
    text = fields.get("n", "1")
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BadGesture("n is not a whole number")
    return int(text)


def _touch(cabinet: SimulatedCabinet, _: Power, fields: Mapping[str, str]) -> Outcome:
    if fields["finger"] not in FINGERS:
        raise NoSuchThing("finger", fields["finger"], list(FINGERS))
    return cabinet.world.touch(fields["finger"])


def _fault(cabinet: SimulatedCabinet, _: Power, fields: Mapping[str, str]) -> Outcome:
    """Something breaks at this drawer, or at the finger sensor, wherever the drawer."""
    names, on = {fault.name.lower(): fault for fault in Fault}, fields.get("on", "yes") not in NO
    if fields["fault"] in SENSOR_FAULTS:
        make, words = SENSOR_FAULTS[fields["fault"]]
        cabinet.sensor.faults = [make()] if on else []
        return Outcome(True, words if on else "finger sensor mended")
    if fields["fault"] not in names:
        raise NoSuchThing("fault", fields["fault"], [*names, *SENSOR_FAULTS])
    return cabinet.world.set_fault(fields["drawer"], names[fields["fault"]], on)


def _cut(cabinet: SimulatedCabinet, power: Power, _: Mapping[str, str]) -> Outcome:
    if not cabinet.world.view().mains:
        return Outcome(False, "the power is cut already")
    power.cut()
    cabinet.cut_power()
    return Outcome(True, "the power is cut")


def _restore(cabinet: SimulatedCabinet, power: Power, _: Mapping[str, str]) -> Outcome:
    if cabinet.world.view().mains and power.is_on():
        return Outcome(False, "there is power")
    cabinet.restore_power()  # the devices first, so that the cabinet finds them
    power.restore()
    return Outcome(True, "the power is back; the cabinet starts")


GESTURES: dict[str, _Gesture] = {
    "badge": _Gesture(lambda it, _, given: it.present(given["badge"]), ("badge",)),
    "touch": _Gesture(_touch, ("finger",)),
    "lift": _Gesture(lambda it, _, given: it.world.touch(None)),
    "scan": _Gesture(lambda it, _, given: it.scan(given["text"]), ("text",)),
    "pull": _Gesture(lambda it, _, given: it.world.pull(given["drawer"]), ("drawer",)),
    "push": _Gesture(
        lambda it, _, given: it.world.push(given["drawer"], given.get("fully", "yes") not in NO),
        ("drawer",),
        ("fully",),
    ),
    "pry": _Gesture(lambda it, _, given: it.world.pry(given["drawer"]), ("drawer",)),
    "take": _Gesture(
        lambda it, _, given: it.world.take(given["pocket"], _number(given), given.get("medicine")),
        ("pocket",),
        ("n", "medicine"),
    ),
    "put": _Gesture(
        lambda it, _, given: it.world.put(given["pocket"], _number(given), given.get("medicine")),
        ("pocket",),
        ("n", "medicine"),
    ),
    "part": _Gesture(
        lambda it, _, given: it.world.part(
            given["medicine"], _number(given), given.get("to", "the patient")[:40]
        ),
        ("medicine",),
        ("n", "to"),
    ),
    "unplug": _Gesture(lambda it, _, given: it.unplug(given["device"]), ("device",)),
    "plug": _Gesture(lambda it, _, given: it.plug(given["device"]), ("device",)),
    "fit_sensor": _Gesture(lambda it, _, given: it.replace_sensor()),
    "fault": _Gesture(_fault, ("drawer", "fault"), ("on",)),
    "cut": _Gesture(_cut),
    "restore": _Gesture(_restore),
}
