"""What the ledger holds of fingers, their sensor, and guessing at either.

Records like those in `records.py`, and under its rule: only add, a field with a default.
"""

import msgspec


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    pass


class FingerTaken(_Record, frozen=True, forbid_unknown_fields=True, tag="finger_taken"):
    """The finger of this enrolment is enrolled for `holder` already: one human, two accounts."""

    enrolment: str
    person: str
    holder: str
    slot: int


class FingerWiped(_Record, frozen=True, forbid_unknown_fields=True, tag="finger_wiped"):
    """This slot of the sensor was emptied, and reads empty."""

    slot: int


class FingerSwitchedOff(
    _Record, frozen=True, forbid_unknown_fields=True, tag="finger_switched_off"
):
    """So many misses in a row that this badge's finger counts no more until it is enrolled anew."""

    badge: str
    person: str
    misses: int


class GuessingSuspected(_Record, frozen=True, forbid_unknown_fields=True, tag="guessing_suspected"):
    """An alert: `tries` wrong tries within `within_s`, over all badges."""

    tries: int
    within_s: int


class SensorFitted(_Record, frozen=True, forbid_unknown_fields=True, tag="sensor_fitted"):
    """From here on slots are of the finger sensor with this identity, and hold nobody's finger.

    `by`: who said so, "" where no finger was enrolled before.
    """

    sensor: str
    by: str = ""


class SensorForeign(_Record, frozen=True, forbid_unknown_fields=True, tag="sensor_foreign"):
    """Another finger sensor answers than the one whose slots are known: nothing of it counts."""

    sensor: str
