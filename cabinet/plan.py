"""What the rules need to know of the cabinet's make-up and of its site's choices.

Plain values without limits, because they are also kept in the ledger and must stay readable when a
limit changes; `configuration.py` reads and checks them. One rule: only add fields, with a default.
"""

from typing import Literal

import msgspec

from auth.policy import Act, MedicineClass, Role, Row

Schedule = Literal["none", "CII", "CIII", "CIV", "CV"]
DrawerKind = Literal["single", "matrix", "return_bin"]
CONTROLLED = ("CII", "CIII", "CIV", "CV")  # 21 CFR 1308.12 to 1308.15


class Timings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Times a site may choose; limits in `limits.py`."""

    pulse_ms: int = 500
    rest_ms: int = 5000  # duty factor at most 10 %
    settle_ms: int = 500  # how long lock and switch may disagree
    open_within_s: int = 15  # from the pulse to the opening, then the access lapses
    drawer_beep_s: int = 30
    drawer_alert_s: int = 120
    idle_warn_s: int = 45
    idle_sign_out_s: int = 60  # automatic logoff, 45 CFR 164.312(a)(2)(iii)
    session_most_h: int = 12  # then all prove again, NIST SP 800-63B section 4.2.3
    factor_within_s: int = 30  # from the badge to the finger or PIN
    witness_within_s: int = 60
    cosign_every_min: int = 60  # between second signatures (ML-DSA-44) of the ledger's head


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a site may decide; limits in `limits.py`."""

    delay_from_try: int = 5  # NIST SP 800-63B-4: at most 5 misses, then at least 30 s each
    delay_s: int = 30
    lock_at_try: int = 10  # PINs; NIST SP 800-63B-4 allows 100 in a row
    pin_days: int = 0  # for which a PIN is good; 0: until there is a cause, as NIST has it
    finger_off_at_try: int = 50  # NIST SP 800-63B-4: without presentation attack detection
    crowd_tries: int = 20  # wrong tries of all badges together within crowd_within_s
    crowd_within_s: int = 600
    code_valid_h: int = 72
    temporary_h: int = 12  # of a temporary user, unless whoever makes them says otherwise
    break_glass_min: int = 60
    critical_override_h: int = 4
    finger_min_score: int = 50
    staff_list_gone_percent: int = 10  # a staff list by which more lose access waits for a person
    space_warn_percent: int = 20  # of the ledger's disk free: an alarm
    space_refuse_percent: int = 2  # no new access


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an account is looked at; limits in `limits.py`."""

    stale_days: int = 90  # without use
    expiring_days: int = 30  # before the end of an account or a competency


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days for which attachments are kept; limits in `limits.py`."""

    order_days: int = 1826  # 21 CFR 1304.04(a): 2 years; some states 5 years
    patient_days: int = 2192  # 45 CFR 164.316(b)(2)(i): 6 years
    person_days: int = 2192  # who had access is part of the same documentation
    credential_days: int = 731  # 21 CFR 1304.04(a), for what shows who signed in
    technician_days: int = 2192  # 45 CFR 164.310(a)(2)(iv): maintenance records


class Fingers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a site decides of its people's fingers.

    `copies`: whether sealed copies of templates are kept for a sensor to come. A copy is a second
    store of biometric data: 740 ILCS 14/15(a) and (b) want a written policy, and a release of each
    person; GDPR Art. 9 a lawful ground, Art. 5(1)(c) no more than is needed. So the default is
    none, which costs enrolling again.

    `supervisor`: whether one proves who they are beside each sign-in while the sensor is down.
    """

    copies: bool = False
    supervisor: bool = False


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may service this cabinet, and how; limits in `limits.py`.

    `ca`: the public keys of the hospital's service CA, whose certificates are good here for this
    cabinet's id or its `fleet`. `revoked`: a file with the keys that are not, as ssh-keygen -k
    makes it. `admit`: whether a pharmacist lets a technician in at the touchscreen. `sign_in`: the
    ways that are allowed: a certificate, or the PIN and the app's code of a person enrolled here.
    `bundle_key`: an age recipient (X25519), to whom support bundles are encrypted; "" for none.
    `named_certificates`: whether a certificate must name a staff number of its holder.
    """

    ca: tuple[str, ...] = ()
    fleet: str = ""
    revoked: str = ""
    admit: Literal["controlled", "always", "never"] = "controlled"  # where there are such drugs
    sign_in: tuple[Literal["certificate", "code"], ...] = ("certificate",)
    session_min: int = 30
    idle_min: int = 5  # IEC 62443-4-2 CR 2.5: a session that nobody uses is locked
    certificate_h: int = 24  # a certificate for longer is not accepted
    bundle_key: str = ""
    named_certificates: bool = False


class Pocket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place for one medicine; `schedule` is the strictest it may hold."""

    id: str
    medicine: str
    schedule: Schedule = "none"


class Drawer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A drawer and its pockets.

    `single`: one pocket, the only kind that may hold a controlled substance. `matrix`: many open
    pockets. `return_bin`: a one-way slot, no pockets.
    """

    id: str
    label: str
    kind: DrawerKind
    pocket: tuple[Pocket, ...] = ()


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever does one of these acts (values of auth.policy.Act) must have this competency."""

    competency: str
    acts: tuple[str, ...]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A site's own row of the policy: what is asked besides, as `auth.policy.Row` has it.

    `medicine_class` and `role` are values of auth.policy's, or "" for any; None asks nothing.
    """

    act: str
    medicine_class: str = msgspec.field(default="", name="class")
    role: str = ""
    kinds: int | None = None
    strong: bool | None = None
    witness: bool | None = None
    reason: bool | None = None


def row_of(asked: Asked) -> Row:
    """The row as the policy has it; raises ValueError for an act, class or role there is not."""
    return Row(
        Act(asked.act),
        MedicineClass(asked.medicine_class) if asked.medicine_class else None,
        Role(asked.role) if asked.role else None,
        *(asked.kinds, asked.strong, asked.witness, asked.reason),
    )


class Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A medicine that may be removed without an order: a row of the site's list.

    `most`: units of one dose, which is all that one such removal takes. `owner` answers for its
    being here, and looks at it again until `review` ("2027-03-31"), a year from now at most.
    """

    medicine: str
    most: int
    owner: str
    review: str


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cabinet as the rules see it."""

    name: str
    drawers: tuple[Drawer, ...]
    timings: Timings
    rules: Rules
    retention: Retention = Retention()
    service: Service = Service()
    area: str = ""  # where the cabinet stands, as people's areas name it
    training: tuple[Training, ...] = ()
    policy: tuple[Asked, ...] = ()
    override: tuple[Override, ...] = ()
    fingers: Fingers = Fingers()
