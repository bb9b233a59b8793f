"""People of the stories besides the demo's: those whose rights end, lie elsewhere, or are doubled.

Not for what they try (`trespassers.py`). One rule: each comes by a staff list and a code like
anybody, and what they may not do follows from their rows alone.
"""

from auth.pins import keyed_hash
from auth.policy import ROLE_GROUPS, Role
from cabinet import events as e
from cabinet.lists import BADGE_PURPOSE, HUMAN_PURPOSE
from sim.people import PEOPLE, Person

TRAINED = "medication safety"  # the competency without which nobody wastes
RULES = f"""
[[training]]
competency = "{TRAINED}"
acts = ["waste"]

[fingers]
copies = true
supervisor = true
"""
OVERRIDES = "E"  # the security group that the charge nurse may remove from without an order
TEMPORARY_H = "4"


def _nurse(staff_id: str, given: str, family: str, badge: str, pin: str) -> Person:
    key = given.lower()
    fingers = (f"{key}:right-thumb", f"{key}:left-thumb")
    return Person(staff_id, given, family, "nurse", badge, fingers, pin)


TWIN_OF = next(it for it in PEOPLE if it.staff_id == "N-2057")
TWIN = _nurse("N-2099", "Jonas", "Bergman", "0058812047", "61937402")  # the same human's
ELSEWHERE = _nurse("N-2075", "Lena", "Fischer", "0054417730", "48205739")
UNTRAINED = _nurse("N-2080", "Omar", "Haddad", "0055938216", "90361847")
AGENCY = _nurse("N-2085", "Tessa", "Moreau", "0056620951", "27490583")
TEMPORARY = Person(
    *("X-7001", "Viktor", "Novak", "temporary", "0059173364"),
    ("viktor:right-thumb", "viktor:left-thumb"),
    "73058264",
)
NO_COPIES = ("N-2063", "T-4015", UNTRAINED.staff_id, TEMPORARY.staff_id)  # who said no to them
LISTED = (TWIN, ELSEWHERE, UNTRAINED, AGENCY)
EVERYBODY = (*PEOPLE, *LISTED, TEMPORARY)


def row(
    pepper: bytes, person: Person, *, status: str | None = None, expires_ms: int = 0
) -> e.PersonRow:
    """Their row of the staff list."""
    twin = person in (TWIN, TWIN_OF)
    return e.PersonRow(
        *(person.staff_id, person.given, person.family, person.role),
        keyed_hash(pepper, BADGE_PURPOSE, person.badge),
        status=status,
        areas=("ICU",) if person is ELSEWHERE else ("*",),
        groups=ROLE_GROUPS[Role(person.role)],
        expires_ms=expires_ms,
        human=keyed_hash(pepper, HUMAN_PURPOSE, "one human") if twin else None,
        competencies=() if person is UNTRAINED else ((TRAINED, 0),),
    )


def rows(pepper: bytes) -> tuple[tuple[str, e.PersonRow], ...]:
    """The list of all who waste: the demo's people with what they have learned, and these."""
    removers = [it for it in PEOPLE if it.role in ("nurse", "charge_nurse", "pharmacist")]
    listed = [row(pepper, it) for it in (*removers, *LISTED)]
    return tuple((f"people.csv:{line}", it) for line, it in enumerate(listed, 2))
