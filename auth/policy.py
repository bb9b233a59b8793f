"""Which role may do what, and which factors an act needs: tables, and questions to them.

Not for who somebody is (people are in the ledger). One rule: what a table does not grant is denied.
"""

from enum import Enum


class Role(Enum):
    """A person's work at the cabinet."""

    NURSE = "nurse"
    CHARGE_NURSE = "charge_nurse"
    PHARMACIST = "pharmacist"
    PHARMACY_TECHNICIAN = "pharmacy_technician"
    ADMINISTRATOR = "administrator"


class Act(Enum):
    """What a person may be allowed to do."""

    REMOVE = "remove"
    GIVE = "give"
    WASTE = "waste"
    RETURN = "return"
    WITNESS = "witness"
    LOAD = "load"
    COUNT = "count"
    INVITE = "invite"  # issue a one-time code with which a listed person enrols
    RELEASE = "release"  # let a locked-out person try again
    ADMIT = "admit"  # let a service technician work at the console
    RECOVER = "recover"  # with the recovery key: accept a ledger that was rolled back


class Factor(Enum):
    """Something that shows who a person is; its kind is in KINDS."""

    BADGE = "badge"
    FINGER = "finger"
    PIN = "pin"


KINDS = {Factor.BADGE: "have", Factor.FINGER: "are", Factor.PIN: "know"}  # 21 CFR 1311.115(a)

_CARE = (Role.NURSE, Role.CHARGE_NURSE, Role.PHARMACIST)
_STOCK = (Role.PHARMACIST, Role.PHARMACY_TECHNICIAN)
ALLOWED: dict[Act, tuple[Role, ...]] = {
    Act.REMOVE: _CARE,
    Act.GIVE: _CARE,
    Act.WASTE: _CARE,
    Act.RETURN: _CARE,
    Act.WITNESS: _CARE,
    Act.LOAD: _STOCK,
    Act.COUNT: (*_CARE, Role.PHARMACY_TECHNICIAN),
    Act.INVITE: (Role.ADMINISTRATOR,),
    Act.RELEASE: (Role.PHARMACIST,),
    Act.ADMIT: (Role.PHARMACIST,),
    Act.RECOVER: (Role.ADMINISTRATOR, Role.PHARMACIST),
}


def may(role: Role, act: Act) -> bool:
    """Whether `role` is allowed to do `act`."""
    return role in ALLOWED[act]


def two_kinds(factors: tuple[str, ...]) -> bool:
    """Whether `factors` (values of Factor) are of at least two different kinds."""
    kinds = [KINDS[Factor(factor)] for factor in factors]
    return any(kind != kinds[0] for kind in kinds[1:])
