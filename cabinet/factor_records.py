"""What the ledger holds of fingers and their sensor, of codes and guessing.

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

    `by`: who said so, "" where no finger was enrolled before. `load`: the kept templates are loaded
    into it, as `approved_by` approved; `factors`: by which each of the two proved who they are.
    """

    sensor: str
    by: str = ""
    load: bool = False
    factors: tuple[str, ...] = ()
    approved_by: str = ""
    approver_factors: tuple[str, ...] = ()
    approver_fallback: str = ""


class SensorForeign(_Record, frozen=True, forbid_unknown_fields=True, tag="sensor_foreign"):
    """Another finger sensor answers than the one whose slots are known: nothing of it counts."""

    sensor: str


class FactorProven(_Record, frozen=True, forbid_unknown_fields=True, tag="factor_proven"):
    """These factors of an administrator were right; the code of their app is asked for next."""

    attempt: str
    person: str
    factors: tuple[str, ...]
    fallback: str = ""


class TotpEnrolled(_Record, frozen=True, forbid_unknown_fields=True, tag="totp_enrolled"):
    """A person's authenticator app, in place of an older one.

    `secret` names the attachment with its sealed secret; `step` is of the first code.
    """

    person: str
    secret: str
    step: int


class TotpUsed(_Record, frozen=True, forbid_unknown_fields=True, tag="totp_used"):
    """A code was right: no code of this step of time (30 s) or before it is right again."""

    person: str
    step: int


class SecurityKeyEnrolled(
    _Record, frozen=True, forbid_unknown_fields=True, tag="security_key_enrolled"
):
    """A person's security key, in place of an older one; `key` names the attachment with it."""

    person: str
    key: str
    counter: int


class SecurityKeyUsed(_Record, frozen=True, forbid_unknown_fields=True, tag="security_key_used"):
    """A proof of the key was right; its counter must move on from here."""

    person: str
    counter: int


class TemplateKept(_Record, frozen=True, forbid_unknown_fields=True, tag="template_kept"):
    """A sealed copy of the template in this slot; `template` names the attachment with it."""

    person: str
    slot: int
    template: str


class TemplateNotKept(_Record, frozen=True, forbid_unknown_fields=True, tag="template_not_kept"):
    """The sensor did not give the template of this slot out; `why` in its driver's words."""

    person: str
    slot: int
    why: str


class CopiesTakenBack(_Record, frozen=True, forbid_unknown_fields=True, tag="copies_taken_back"):
    """A person wants no copies of their fingers any more; `by` is the administrator they told."""

    person: str
    by: str


class TemplateOrdered(_Record, frozen=True, forbid_unknown_fields=True, tag="template_ordered"):
    """The sensor is to store this kept template in this slot; until it says so, nobody's is there.

    `order` is the reference of the one command that follows.
    """

    order: str
    person: str
    slot: int
    template: str


class TemplateLoaded(_Record, frozen=True, forbid_unknown_fields=True, tag="template_loaded"):
    """The ordered template is in its slot: read back, and matched by the sensor."""

    order: str
    person: str
    slot: int


class TemplateNotLoaded(
    _Record, frozen=True, forbid_unknown_fields=True, tag="template_not_loaded"
):
    """The ordered template was not loaded; where not `again`, the finger is enrolled anew."""

    order: str
    person: str
    slot: int
    why: str
    again: bool


class Supervised(_Record, frozen=True, forbid_unknown_fields=True, tag="supervised"):
    """A supervisor proved who they are beside a sign-in without the finger sensor."""

    session: str
    person: str
    supervisor: str
    factors: tuple[str, ...]
    fallback: str = ""
