"""Who may do what, and what proves it: roles, acts, medicine groups and needs, as tables.

Not for who somebody is (people are in the ledger). One rule: what a table does not grant is denied,
and a site's own rows only ever ask for more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """A person's work at the cabinet."""

    NURSE = "nurse"
    CHARGE_NURSE = "charge_nurse"
    PHARMACIST = "pharmacist"
    PHARMACY_TECHNICIAN = "pharmacy_technician"
    ANAESTHETIST = "anaesthetist"
    WITNESS_ONLY = "witness_only"
    TEMPORARY = "temporary"
    AUDITOR = "auditor"
    SERVICE_TECHNICIAN = "service_technician"
    ADMINISTRATOR = "administrator"


class Act(Enum):
    """What a person may be allowed to do."""

    REMOVE = "remove"
    OVERRIDE = "override"  # remove without an order
    GIVE = "give"
    WASTE = "waste"
    RETURN = "return"
    WITNESS = "witness"
    LOAD = "load"
    COUNT = "count"
    EMPTY_RETURN_BIN = "empty_return_bin"
    RESOLVE = "resolve"  # a discrepancy
    RECOVER_DRAWER = "recover_drawer"  # one that failed
    INVITE = "invite"  # issue a one-time code with which a listed person enrols
    ENROL = "enrol"  # stand by while somebody enrols
    LOAD_FINGERS = "load_fingers"  # into a sensor that was fitted in another's place
    SUPERVISE = "supervise"  # a sign-in while the finger sensor is down
    RELEASE = "release"  # let a locked-out person try again
    ADMIT = "admit"  # let a service technician work at the console
    ADMINISTER = "administer"  # add, change, suspend people
    GRANT = "grant"  # give override, pharmacist or administrator rights
    TEMPORARY = "temporary"  # make a temporary user
    BREAK_GLASS = "break_glass"
    CRITICAL_OVERRIDE = "critical_override"
    REVIEW = "review"  # read reports
    VERDICT = "verdict"  # on what was done without an order
    SERVICE = "service"  # the maintenance console
    RECOVER = "recover"  # with the recovery key: accept a ledger that was rolled back


class Factor(Enum):
    """Something that shows who a person is; its kind is in KINDS."""

    BADGE = "badge"
    FINGER = "finger"
    PIN = "pin"
    TOTP = "totp"
    SECURITY_KEY = "security_key"


KINDS = {  # 21 CFR 1311.115(a): something you know, are, or have
    Factor.BADGE: "have",
    Factor.FINGER: "are",
    Factor.PIN: "know",
    Factor.TOTP: "have",
    Factor.SECURITY_KEY: "have",
}
STRONG = (Factor.TOTP, Factor.SECURITY_KEY)  # held by somebody, and copied by no reader of badges


class MedicineClass(Enum):
    """How closely the law holds a medicine."""

    NONE = "none"
    CONTROLLED = "controlled"  # schedules III to V, 21 CFR 1308.13 to 1308.15
    CII = "CII"  # 21 CFR 1308.12


def class_of(schedule: str) -> MedicineClass:
    """The class of a medicine of this schedule ("none", "CII" to "CV"); "" is of no medicine."""
    if schedule in ("", "none"):
        return MedicineClass.NONE
    return MedicineClass.CII if schedule == "CII" else MedicineClass.CONTROLLED


# --- who may: act by role -------------------------------------------------------------------------

_CUSTODY = (Act.REMOVE, Act.GIVE, Act.WASTE, Act.RETURN, Act.COUNT)
_CARE = (*_CUSTODY, Act.OVERRIDE, Act.WITNESS, Act.BREAK_GLASS)
_STOCK = (Act.LOAD, Act.COUNT, Act.EMPTY_RETURN_BIN, Act.RECOVER_DRAWER)
ROLE_ACTS: dict[Role, tuple[Act, ...]] = {
    Role.NURSE: _CARE,
    Role.CHARGE_NURSE: (
        *_CARE,
        *(Act.RESOLVE, Act.RECOVER_DRAWER, Act.ENROL, Act.TEMPORARY, Act.CRITICAL_OVERRIDE),
        *(Act.LOAD_FINGERS, Act.SUPERVISE),
    ),
    Role.PHARMACIST: (
        *_CARE,
        *(Act.LOAD, Act.EMPTY_RETURN_BIN, Act.RESOLVE, Act.RECOVER_DRAWER, Act.ENROL),
        *(Act.RELEASE, Act.ADMIT, Act.CRITICAL_OVERRIDE, Act.REVIEW, Act.RECOVER),
        *(Act.VERDICT, Act.LOAD_FINGERS, Act.SUPERVISE),
    ),
    Role.PHARMACY_TECHNICIAN: _STOCK,
    Role.ANAESTHETIST: _CARE,
    Role.WITNESS_ONLY: (Act.WITNESS,),
    Role.TEMPORARY: _CUSTODY,  # may neither witness nor make others
    Role.AUDITOR: (Act.REVIEW,),  # reads, opens nothing
    Role.SERVICE_TECHNICIAN: (Act.SERVICE,),  # never a medicine
    Role.ADMINISTRATOR: (  # never a medicine
        *(Act.INVITE, Act.ENROL, Act.ADMINISTER, Act.GRANT, Act.REVIEW, Act.RECOVER),
        Act.LOAD_FINGERS,
    ),
}


def may(role: Role, act: Act) -> bool:
    """Whether `role` is allowed to do `act`."""
    return act in ROLE_ACTS[role]


# --- whose medicine: security groups --------------------------------------------------------------

GROUPS = ("A", "B", "C", "D", "E", "F", "G", "H")
_GROUP_OF_SCHEDULE = {"CII": "A", "CIII": "B", "CIV": "C", "CV": "D", "none": "E"}
_WARD = ("A", "B", "C", "D", "E")  # F is kept for anaesthesia; G and H are a site's own
ROLE_GROUPS: dict[Role, tuple[str, ...]] = {
    Role.NURSE: _WARD,
    Role.CHARGE_NURSE: _WARD,
    Role.PHARMACIST: GROUPS,
    Role.PHARMACY_TECHNICIAN: GROUPS,
    Role.ANAESTHETIST: (*_WARD, "F"),
    Role.WITNESS_ONLY: (),
    Role.TEMPORARY: _WARD,
    Role.AUDITOR: (),
    Role.SERVICE_TECHNICIAN: (),
    Role.ADMINISTRATOR: (),
}
# Acts that reach into a medicine's pocket. To say what became of a dose in hand is never among
# them: who lost a group since must still be able to give it back.
REACHING = (Act.REMOVE, Act.OVERRIDE, Act.LOAD, Act.COUNT, Act.RECOVER_DRAWER)
EVERYWHERE = "*"  # among a person's areas


def group_of(schedule: str, listed: str) -> str:
    """The security group of a medicine: as listed, or "" by its schedule."""
    return listed or _GROUP_OF_SCHEDULE[schedule]


# --- what proves it: needs ------------------------------------------------------------------------


@dataclass(frozen=True)
class Needs:
    """What an act asks of whoever does it.

    `kinds` of factor, `strong`: one of STRONG besides, `witness`: a second person who proves who
    they are inside the act, `reason`: in words or from a list.
    """

    kinds: int
    strong: bool = False
    witness: bool = False
    reason: bool = False


@dataclass(frozen=True)
class Row:
    """What at least is needed where act, class and role are these (None: any); None asks nothing.

    `cite` is the text that asks it; a site's own row has none.
    """

    act: Act
    medicine_class: MedicineClass | None = None
    role: Role | None = None
    kinds: int | None = None
    strong: bool | None = None
    witness: bool | None = None
    reason: bool | None = None
    cite: str = ""

    def matches(self, act: Act, medicine_class: MedicineClass, role: Role) -> bool:
        """Whether the row speaks of this case."""
        return (
            self.act is act
            and self.medicine_class in (None, medicine_class)
            and self.role in (None, role)
        )


ASKED = ("kinds", "strong", "witness", "reason")
MOST_KINDS = 2  # a badge, and a finger or a PIN: nobody could bring more at this cabinet
_TWO = "21 CFR 1311.115(a), as the benchmark: two of know, are, have"
_ACCESS = "21 CFR 1301.71(a): effective controls against theft and diversion"
_SIGNED = "21 CFR 11.200(a)(1): two distinct components"
_PERSON = "45 CFR 164.312(d): the person seeking access is the one claimed"
_DUAL = "IEC 62443-4-2, CR 2.1 RE(4): dual approval"
_BOTH_CONTROLLED = (MedicineClass.CONTROLLED, MedicineClass.CII)


def _plain_and_controlled(act: Act) -> tuple[Row, ...]:
    """One kind for what is not scheduled (signing in asks two all the same), two for the rest."""
    return (
        Row(act, kinds=1, cite=_PERSON),
        *(Row(act, each, kinds=2, cite=_TWO) for each in _BOTH_CONTROLLED),
    )


FLOOR: tuple[Row, ...] = (
    *_plain_and_controlled(Act.REMOVE),
    *_plain_and_controlled(Act.GIVE),
    *_plain_and_controlled(Act.RETURN),
    *_plain_and_controlled(Act.LOAD),
    Row(Act.OVERRIDE, kinds=2, cite=_TWO),
    Row(Act.OVERRIDE, reason=True, cite="ISMP, ADC core safety processes: monitor overrides"),
    Row(Act.WASTE, kinds=2, cite=_TWO),
    Row(Act.WASTE, witness=True, cite="21 CFR 1304.22(c), DEA letter of October 2014"),
    Row(Act.WITNESS, kinds=2, cite=_SIGNED),
    Row(Act.COUNT, kinds=2, cite=_TWO),
    *(
        Row(Act.COUNT, each, witness=True, cite="21 CFR 1304.11(a): complete and accurate")
        for each in _BOTH_CONTROLLED
    ),
    Row(Act.EMPTY_RETURN_BIN, kinds=2, witness=True, cite=_ACCESS),
    Row(Act.RESOLVE, kinds=2, witness=True, reason=True, cite="21 CFR 1301.76(b)"),
    Row(Act.RECOVER_DRAWER, kinds=2, witness=True, cite=_ACCESS),
    Row(Act.INVITE, kinds=2, cite=_SIGNED),
    Row(Act.ENROL, kinds=2, cite="21 CFR 1311.116: enrolled in a controlled place"),
    Row(Act.LOAD_FINGERS, kinds=2, witness=True, cite=_DUAL),
    Row(Act.SUPERVISE, kinds=2, cite="IEC 62443-4-2, CR 2.1 RE(3): supervisor"),
    Row(Act.RELEASE, kinds=2, cite=_SIGNED),
    Row(Act.ADMIT, kinds=2, cite="IEC 62443-4-2, CR 2.1 RE(3): supervisor"),
    Row(Act.ADMINISTER, kinds=2, cite="21 CFR 11.10(d) and (g)"),
    Row(Act.GRANT, kinds=2, witness=True, cite=_DUAL),
    Row(Act.TEMPORARY, kinds=2, cite="21 CFR 11.10(d) and (g)"),
    Row(Act.BREAK_GLASS, kinds=2, reason=True, cite="45 CFR 164.312(a)(2)(ii)"),
    Row(Act.CRITICAL_OVERRIDE, kinds=2, witness=True, reason=True, cite=_DUAL),
    Row(Act.REVIEW, kinds=2, cite=_PERSON),
    Row(Act.VERDICT, kinds=2, cite=_SIGNED),
    Row(Act.SERVICE, kinds=2, cite="IEC 62443-4-2, CR 1.1 RE(2)"),
    Row(Act.RECOVER, kinds=2, witness=True, reason=True, cite=_DUAL),
)
# More than the floor, until a site's row says otherwise.
DEFAULT: tuple[Row, ...] = (Row(Act.BREAK_GLASS, witness=True),)


def _strictest(rows: Iterable[Row]) -> Needs:
    found = list(rows)
    return Needs(
        max((row.kinds or 0 for row in found), default=0),
        any(row.strong for row in found),
        any(row.witness for row in found),
        any(row.reason for row in found),
    )


def floor(act: Act, medicine_class: MedicineClass, role: Role) -> Needs:
    """The least that any site must ask."""
    return _strictest(row for row in FLOOR if row.matches(act, medicine_class, role))


def needs(act: Act, medicine_class: MedicineClass, role: Role, site: tuple[Row, ...] = ()) -> Needs:
    """What is asked here: the floor, the defaults that no row of `site` speaks of, and `site`."""
    here = [row for row in site if row.matches(act, medicine_class, role)]
    defaults = [
        row
        for row in DEFAULT
        if row.matches(act, medicine_class, role)
        and not any(
            getattr(ours, name) is not None
            for ours in here
            for name in ASKED
            if getattr(row, name) is not None
        )
    ]
    least = [row for row in FLOOR if row.matches(act, medicine_class, role)]
    return _strictest((*least, *defaults, *here))


@dataclass(frozen=True)
class Looser:
    """A site's row asks for less than the floor: what, what the floor asks, and its cite."""

    asked: str
    least: int | bool
    cite: str


def loosened(row: Row) -> Looser | None:
    """Where `row` would ask for less than the floor, or None."""
    for below in FLOOR:
        if not any(
            row.matches(row.act, each, role) and below.matches(row.act, each, role)
            for each in MedicineClass
            for role in Role
        ):
            continue
        for name in ASKED:
            ours, least = getattr(row, name), getattr(below, name)
            if ours is not None and least is not None and ours < least:
                return Looser(name, least, below.cite)
    return None


def kinds_of(factors: Iterable[str]) -> int:
    """How many different kinds `factors` (values of Factor) are of."""
    return len(dict.fromkeys(KINDS[Factor(factor)] for factor in factors))


def unproven(asked: Needs, factors: Iterable[str]) -> str:
    """Which rule `factors` do not meet: "finger_alone", "two_factors", "strong_factor" or ""."""
    brought = [Factor(factor) for factor in factors]
    if brought and all(factor is Factor.FINGER for factor in brought):
        return "finger_alone"  # NIST SP 800-63B: a biometric only with something you have
    if kinds_of(factor.value for factor in brought) < asked.kinds:
        return "two_factors"
    if asked.strong and not any(factor in STRONG for factor in brought):
        return "strong_factor"
    return ""
