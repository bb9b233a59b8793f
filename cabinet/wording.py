"""How medicines, amounts, people and times are written on every screen and report.

Not for which words a screen says. One rule: doses are written safely (ISMP, NHS CUI): a space that
does not break between number and unit, no trailing zero, nothing abbreviated or cut.
"""

from datetime import date, datetime, timedelta
from difflib import SequenceMatcher
from functools import lru_cache

from cabinet.records import MedicineListed
from cabinet.state import Patient, State

NBSP = "\u00a0"
MINUTE_MS, DAY_MS, EPOCH = 60_000, 86_400_000, date(1970, 1, 1)
NEAR = 0.9  # of SequenceMatcher: one letter more or less in a name of ten
ROLES = {
    "nurse": "Nurse",
    "charge_nurse": "Charge nurse",
    "pharmacist": "Pharmacist",
    "pharmacy_technician": "Pharmacy technician",
    "anaesthetist": "Anaesthetist",
    "witness_only": "Witness",
    "temporary": "Temporary",
    "auditor": "Auditor",
    "service_technician": "Service technician",
    "administrator": "Administrator",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def amount(quantity: int, unit: str) -> str:
    """ "2 tablets" with a space that does not break."""
    return f"{quantity:,}{NBSP}{unit if quantity == 1 else plural(unit)}"


def plural(unit: str) -> str:
    """The plural of a unit's name."""
    if unit.endswith(("s", "x", "ch", "sh")):
        return f"{unit}es"
    return f"{unit}s" if unit.isalpha() and len(unit) > 2 else unit


def medicine(listed: MedicineListed) -> str:
    """ "oxyCODONE 5 mg tablet"."""
    return f"{listed.generic} {listed.strength.replace(' ', NBSP)} {listed.form}"


def medicine_tag(listed: MedicineListed) -> str:
    """ "CONTROLLED CII", "HIGH ALERT" or ""."""
    if listed.schedule != "none":
        return f"CONTROLLED {listed.schedule}"
    return "HIGH ALERT" if listed.high_alert else ""


@lru_cache(maxsize=4096)
def day(text: str) -> str:
    """An ISO date as "05-Apr-1961"."""
    when = date.fromisoformat(text)
    return f"{when.day:02}-{_MONTHS[when.month - 1]}-{when.year}"


def clock(wall_ms: int) -> str:
    """ "14:05" in the cabinet's time zone."""
    return _clock(wall_ms // MINUTE_MS)


@lru_cache(maxsize=8)
def _clock(minutes: int) -> str:
    return datetime.fromtimestamp(minutes * MINUTE_MS // 1000).strftime("%H:%M")


def day_of(wall_ms: int) -> str:
    """ "05-Apr-2027" in the cabinet's time zone."""
    return day(datetime.fromtimestamp(wall_ms / 1000).date().isoformat())


def age(born: str, now_ms: int) -> int:
    """Whole years from an ISO date to now."""
    return _age(born, now_ms // DAY_MS)


@lru_cache(maxsize=4096)
def _age(born: str, days: int) -> int:
    today = EPOCH + timedelta(days)
    birth = date.fromisoformat(born)
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def born(text: str, now_ms: int) -> str:
    """ "Born 05-Apr-1961 (65 y)"."""
    return f"Born {day(text)} ({age(text, now_ms)}{NBSP}y)"


Names = tuple[tuple[str, str, str], ...]


def names_of(state: State) -> Names:
    """Reference, family and given name of every patient whose name is known."""
    known = [(ref, it.details) for ref, it in state.patients.items()]
    return tuple([(ref, it.family, it.given) for ref, it in known if it is not None])


def alike(state: State, patient: Patient, names: Names) -> str:
    """The warning for a patient whose name is like another's, else ""; `names` of them all."""
    mine = patient.details
    if mine is None:
        return ""
    told = _told(names)
    if patient.ref not in told:
        told[patient.ref] = _alike(patient.ref, mine.family, mine.given, names)
    found = told[patient.ref]
    return f"Similar name: {state.patients[found].name}" if found else ""


@lru_cache(maxsize=1)
def _told(_: Names) -> dict[str, str]:
    """Patient -> who is like them, as far as it was asked; a name that goes is forgotten here."""
    _near.cache_clear()
    return {}


def _alike(ref: str, family: str, given: str, names: Names) -> str:
    """Whose name is like this patient's, else ""."""
    for other, their_family, their_given in names:
        if other == ref:
            continue
        if _near(family, their_family):
            return other
        if _near(family, their_given) and _near(given, their_family):
            return other
    return ""


@lru_cache(maxsize=16_384)
def _near(one: str, other: str) -> bool:
    """Whether two names are the same or easily taken for one another."""
    one, other = one.casefold(), other.casefold()
    if one == other:
        return True
    matcher = SequenceMatcher(None, one, other)
    return matcher.real_quick_ratio() >= NEAR and matcher.ratio() >= NEAR


REASONS = {
    "no_active_order": "There is no active order for this.",
    "more_than_ordered": "That is more than was ordered.",
    "no_quantity": "Enter how many, at least one.",
    "expired": "The stock in this drawer has expired. Ask the pharmacy.",
    "count_too_low": "There are not enough in the drawer. Ask the pharmacy.",
    "drawer_not_locked": "That drawer is not locked. Push it until it clicks.",
    "another_drawer_open": "Another drawer is open. Close it first.",
    "another_drawer_unsure": (
        "Another drawer may be open. Push every drawer until it clicks, or call a technician."
    ),
    "rights_withdrawn": "You may not do this any more. Ask an administrator.",
    "rights_expired": "Your access has ended. Ask an administrator.",
    "pin_old": "This PIN is older than your site allows. Ask an administrator for a new one.",
    "wrong_area": "You have no rights at this cabinet. Ask an administrator.",
    "wrong_group": "Your rights do not reach this medicine. Ask an administrator.",
    "wrong_override_group": "You may not take this without an order. Ask the pharmacy.",
    "training_lapsed": "Your training for this is missing or out of date. Ask your supervisor.",
    "not_allowed": "Your role does not allow this.",
    "two_factors": "A controlled substance needs your finger or PIN besides your badge.",
    "finger_alone": "A finger alone opens nothing: hold your badge to the reader first.",
    "strong_factor": "This needs your authenticator app or security key. Sign in with it.",
    "no_pocket": "This medicine is not in this cabinet.",
    "more_than_held": "That is more than is still open for this removal.",
    "not_on_override_list": "Not on this cabinet's list for removal without an order.",
    "more_than_a_dose": "That is more than one dose.",
    "too_few_letters": "Type at least 5 letters of its name.",
    "nothing_found": "Nothing here begins like that. Look at the spelling, or type its other name.",
    "too_many_found": "Too many begin like that. Type more letters.",
    "nobody_found": "Nobody here is called so. Type less of the name, or the staff number.",
    "nothing_typed": "Type it with the keys of the screen.",
    "number_taken": "That number belongs to somebody already.",
    "not_for_oneself": "You cannot make a temporary user of yourself.",
    "already_on": "That is on already.",
    "reviewers_own": "Somebody who took part cannot judge it. Ask another pharmacist.",
    "still_on": "It is still on. It can be judged when it is over.",
    "same_person": "This takes a second person: not you.",
    "witness_too_late": "The time for the witness is over. Enter it again.",
    "witness_not_allowed": "This person may not witness here.",
    "wrong_label": "That label is for another medicine.",
    "disk_full": "The cabinet's record is full. Use another cabinet and call the pharmacy.",
    "not_in_service": "Enrol the first two administrators with their codes first.",
    "own_enrolment": "Somebody else stands by your own enrolment.",
    "nothing_to_load": "There is no other sensor here, or nothing that could be loaded into it.",
    "other_sensor": "Another sensor was fitted meanwhile. Look at it, and begin again.",
    "own_code": "You issued this code. Another enroller must stand by: ask a colleague.",
    "no_reason": "Your site asks why. Choose a reason.",
    "own_lock": "Nobody releases their own lock. Ask another pharmacist.",
    "own_visit": "Nobody lets themselves in. Ask another pharmacist.",
    "own_rights": "Nobody changes their own rights. Ask another administrator.",
    "left": "This person has left for good. Add somebody who comes back with a new number.",
    "erased": "Their name was erased. Add somebody who comes back with a new number.",
    "temporary_rights": "A temporary user's rights do not change. Make them a person of their own.",
    "last_administrator": "One administrator whose access here never ends must stay.",
    "changed_meanwhile": "This person was changed meanwhile. Look again, and begin again.",
    "not_shown": "What was to be approved is not on the screen any more. Begin again.",
    "bad_day": "Enter a day to come as eight digits: day, month, year, such as 31122030.",
    "bad_date": "Enter the expiry as six digits: month and year, such as 032027.",
}

REASONED = {  # why something is done with a dose, where the site asks (`reasons.py`)
    "remove": {
        "due": "The dose is due now",
        "early": "Before it is due: the patient needs it",
        "replaces": "In place of a dose that was lost or refused",
        "ahead": "For a procedure, or to go with the patient",
    },
    "return": {
        "refused": "The patient refused it",
        "not_needed": "The patient does not need it",
        "stopped": "The order was changed or stopped",
        "mistake": "Taken by mistake",
    },
    "waste": {
        "rest": "The rest of a dose",
        "spilt": "Dropped, broken or spilt",
        "refused": "The patient refused it after it was opened",
        "stopped": "The order was changed or stopped",
    },
}
