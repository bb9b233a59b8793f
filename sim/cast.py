"""People of the stories besides the demo's: those whose rights end, lie elsewhere, or are doubled.

Not for what they try (`trespassers.py`). One rule: each comes by a staff list and a code like
anybody, and what they may not do follows from their rows alone.
"""

from dataclasses import replace

from auth.policy import ROLE_GROUPS, Role
from cabinet.importing import NONE, Row
from sim.people import PEOPLE, Person

TRAINED = "medication safety"  # without it nobody wastes, attests or returns
CODE_H = 2  # for which a one-time code is good here, so that some end within a story
RULES = f"""
[rules]
code_valid_h = {CODE_H}

[timings]
session_most_h = 1

[[training]]
competency = "{TRAINED}"
acts = ["waste", "witness", "return"]

[fingers]
copies = true
supervisor = true
"""
OVERRIDES = "E"  # the security group that the charge nurse may remove from without an order
TEMPORARY_H = "4"
CONTRACT = "2027-12-31"  # after the longest story, of those who have rights from people


def _nurse(
    staff_id: str, given: str, family: str, badge: str, pin: str, role: str = "nurse"
) -> Person:
    key = given.lower()
    fingers = (f"{key}:right-thumb", f"{key}:left-thumb")
    return Person(staff_id, given, family, role, badge, fingers, pin)


TWIN_OF = next(it for it in PEOPLE if it.staff_id == "N-2057")
TWIN = _nurse(  # the same human's, as at another hospital
    "N-2099", "Jonas", "Bergman", "0058812047", "61937402", "charge_nurse"
)
ELSEWHERE = _nurse("N-2075", "Lena", "Fischer", "0054417730", "48205739")
UNTRAINED = _nurse("N-2080", "Omar", "Haddad", "0055938216", "90361847")
AGENCY = _nurse("N-2085", "Tessa", "Moreau", "0056620951", "27490583")
TEMPORARY = Person(
    *("X-7001", "Viktor", "Novak", "temporary", "0059173364"),
    ("viktor:right-thumb", "viktor:left-thumb"),
    "73058264",
)
LEAVER = _nurse("N-2031", "Bruno", "Keller", "0046210588", "58274039")  # before the story begins
NO_COPIES = ("N-2063", "T-4015", UNTRAINED.staff_id, TEMPORARY.staff_id)  # who said no to them
SUBJECT = _nurse("N-2090", "Petra", "Horvat", "0057731845", "18647205")  # on no list
LISTED = (TWIN, ELSEWHERE, UNTRAINED, AGENCY)
INGRID, SAMUEL = (it for it in PEOPLE if it.role == "administrator")
PHRASE = "Copper ladder; quiet 7 rain"  # a passphrase in a PIN's place
HALIMA = Person("A-1003", "Halima", "Yusuf", "administrator", "0011370288", (), PHRASE)
SECOND_INGRID = Person(  # the same human's
    *("A-1004", "Ingrid", "Halvorsen", "administrator", "0011374416"),
    ("ingrid:right-thumb", "ingrid:left-thumb"),
    "50318642",
)
FITTER = _nurse(  # of the makers of cabinets, with an app: signs in at the console by its codes
    "S-5101", "Gerrit", "Vandermeer", "0064310275", "60917352", "service_technician"
)
INGRIDS_NUMBER = "19740311-4408"  # as the human being's, of both accounts
HUMANS = {TWIN: "H-4711", TWIN_OF: "H-4711", INGRID: INGRIDS_NUMBER}
SECOND = (SECOND_INGRID, INGRIDS_NUMBER)
WITH_APP = (SAMUEL, HALIMA, FITTER)  # who carry a phone with an authenticator app
EVERYBODY = (*PEOPLE, *LISTED, LEAVER, TEMPORARY, SUBJECT, HALIMA, SECOND_INGRID, FITTER)
# Who is hired in a story: each once, as a staff number is given once.
HIRED_GIVEN = ("Adriana", "Benedikt", "Carolina", "Dominik", "Elzbieta", "Fernando", "Gabriela")
HIRED_FAMILY = ("Achterberg", "Bergstrom", "Cavendish", "Drummond", "Eisenhauer", "Fairweather")


def hired(number: int) -> Person:
    """The nurse who is hired as the story's `number`th (from 0 on)."""
    given = HIRED_GIVEN[number % len(HIRED_GIVEN)]
    family = HIRED_FAMILY[number % len(HIRED_FAMILY)]
    pin = str(83_105_927 - 7_919 * number)
    person = _nurse(f"N-{5001 + number}", given, family, f"00622{50_413 + 37 * number}", pin)
    return replace(person, fingers=tuple(f"{number}/{it}" for it in person.fingers))


def row(person: Person) -> Row:
    """Their row of the staff list, as it should be."""
    groups = ROLE_GROUPS[Role(person.role)]
    return {
        "staff_id": person.staff_id,
        "given": person.given,
        "family": person.family,
        "role": person.role,
        "badge": person.badge,
        "status": "left" if person is LEAVER else "active",
        "areas": "ICU" if person is ELSEWHERE else "*",
        "groups": " ".join(groups) or NONE,
        "expires": CONTRACT if person.role in ("pharmacist", "charge_nurse") else "",
        "person_number": HUMANS.get(person, ""),
        "competencies": "" if person is UNTRAINED else TRAINED,
    }


def rows() -> list[Row]:
    """The whole list when a story begins; who left is on it once more."""
    return [row(person) for person in (*PEOPLE, *LISTED, LEAVER)]


def first_rows() -> list[Row]:
    """The list before that: nobody had left."""
    return [{**it, "status": "active"} for it in rows()]
