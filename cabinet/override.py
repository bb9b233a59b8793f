"""Removing without an order: why, a search of at least five letters, one dose, one drawer.

Not for whether it is allowed (`emergency.refusal`, asked again at the release). One rule: no list
of medicines is shown before five letters are typed (ISMP, ADC guidelines, statement 4.4).
"""

from auth.policy import Act
from cabinet import access, emergency, removals, rights
from cabinet import records as r
from cabinet.decision import Draft, Place
from cabinet.messages import Button, Facts, Letters, Row, Rows, Screen, Words
from cabinet.patients import expired, pocket_of
from cabinet.records import MedicineListed
from cabinet.state import State
from cabinet.wording import REASONS, amount, medicine, medicine_tag

MIN_LETTERS = 5
MAX_CHARS = 30
MOST_FOUND = 4  # ISMP, 2025: a search narrows, ideally to one medicine
WHY = {
    "emergency": "Emergency: waiting would harm the patient",
    "told": "Ordered by word of mouth",
    "new_order": "Ordered, but not on this screen yet",
    "system_down": "The order system is down",
}
VERBS = (
    *("override", "override_why", "find", "find_again", "found", "found_again"),
    "open_override",
)
_BETWEEN = (" and ", " with ", "/", "+", ",")


def offered(state: State, now_ms: int) -> bool:
    """Whether the person at the screen could remove anything without an order."""
    session = state.session
    if session is None or not rights.allowed(state, Act.OVERRIDE, now_ms):
        return False
    person = state.people[session.person]
    begun = [it for it in state.emergencies.values() if not it.ended]
    own = any(it.kind == "critical_override" or it.person == session.person for it in begun)
    return own or bool(person.rights.override_groups and state.plan.override)


# --- the search -----------------------------------------------------------------------------------


def found(state: State, typed: str) -> list[MedicineListed]:
    """The medicines in this cabinet whose name begins as typed; none for too few letters.

    Generic or brand name, or a part of a combination. Digits, padding and abbreviations find
    nothing; a shorter name must be typed whole.
    """
    wanted = " ".join(typed.split()).casefold()
    letters = sum(1 for char in wanted if char.isalpha())
    if not all(char.isalpha() or char in " -'" for char in wanted):
        return []
    here = {pocket.plan.medicine for pocket in state.pockets.values()}
    hits = [
        listed
        for listed in state.medicines.values()
        if listed.medicine in here
        and any(
            name == wanted or (letters >= MIN_LETTERS and name.startswith(wanted))
            for name in _names(listed)
        )
    ]
    return sorted(hits, key=lambda listed: (listed.generic.casefold(), listed.strength))


def _names(listed: MedicineListed) -> list[str]:
    """Every name by which the medicine is found."""
    names = [listed.brand.casefold(), listed.generic.casefold()]
    parts = [listed.generic.casefold()]
    for mark in _BETWEEN:
        parts = [part for whole in parts for part in whole.split(mark)]
    return [name for name in (*names, *(part.strip() for part in parts)) if name]


# --- presses --------------------------------------------------------------------------------------


def pressed(draft: Draft, button: str, text: str) -> None:
    """A button of the override's screens."""
    verb, _, subject = button.partition(":")
    match verb:
        case "override":
            draft.go("override_why", patient=subject)
        case "override_why":
            draft.go("override_search", why=subject, search="")
        case "find":
            _search(draft, text)
        case "find_again":
            draft.go("override_search")
        case "found_again":
            draft.go("override_found")
        case "found":
            quantity = emergency.dose(draft.state, subject)
            draft.go("override", medicine=subject, quantity=quantity)
        case "open_override":
            ask(draft)


def _search(draft: Draft, text: str) -> None:
    hits = found(draft.state, text)
    if not hits:
        few = sum(1 for char in text if char.isalpha()) < MIN_LETTERS
        draft.refuse(REASONS["too_few_letters" if few else "nothing_found"])
    elif len(hits) > MOST_FOUND:
        draft.refuse(REASONS["too_many_found"])
    else:
        draft.go("override_found", search=text)


def ask(draft: Draft) -> None:
    """Open the drawer, or refuse with the reason; rights are asked again in `access`."""
    state, place, session = draft.state, draft.place, draft.state.session
    assert session is not None
    now_ms = draft.moment.wall_ms
    pocket = pocket_of(state, place.medicine, now_ms)
    now_on = emergency.of(state, session.person, now_ms, draft.moment.mono_ms)
    wanted = r.AccessStarted(
        draft.reference(),
        "remove",
        session.id,
        session.person,
        session.factors,
        pocket.drawer if pocket is not None else "",
        pocket.plan.id if pocket is not None else "",
        place.medicine,
        place.quantity,
        place.patient,
        override=place.why,
        emergency=now_on.id if now_on is not None else "",
    )
    if pocket is None:
        access.refuse(draft, wanted, "no_pocket")
    elif expired(state, pocket, now_ms):
        access.refuse(draft, wanted, "expired")
    elif not 0 < place.quantity <= emergency.dose(state, place.medicine):
        access.refuse(draft, wanted, "more_than_a_dose")
    elif state.on_hand(pocket.plan.id) < place.quantity:
        access.refuse(draft, wanted, "count_too_low")
    else:
        access.start(draft, wanted)


# --- screens ------------------------------------------------------------------------------------


def show(state: State, place: Place, now_ms: int) -> Screen:
    """The page of the override."""
    match place.page:
        case "override_why":
            return _show_why(state, place, now_ms)
        case "override_search":
            return _show_search(state, place)
        case "override_found":
            return _show_found(state, place, now_ms)
        case _:
            return _show_check(state, place, now_ms)


def _show_why(state: State, place: Place, now_ms: int) -> Screen:
    rows = tuple(Row(f"override_why:{why}", words) for why, words in WHY.items())
    return Screen(
        0,
        "override_why",
        "Without an order: why?",
        (*place.said(), Rows(rows, "")),
        (Button(f"patient:{place.patient}", "Back", "quiet"),),
        removals.banner(state, place.patient, now_ms),
    )


def _show_search(state: State, place: Place) -> Screen:
    patient = state.patients.get(place.patient)
    name = patient.name if patient is not None else ""
    letters = Letters(
        f"Medicine: type at least {MIN_LETTERS} letters of its name",
        Button("find", "Find", "primary"),
        MAX_CHARS,
        typed=place.search,
    )
    return Screen(
        0,
        "override_search",
        f"Without an order: {name}",  # the keys leave no room for a banner under an alarm
        (*place.said(), letters),
        (Button(f"override:{place.patient}", "Back", "quiet"),),
    )


def _show_found(state: State, place: Place, now_ms: int) -> Screen:
    session = state.session
    assert session is not None
    rows = []
    for listed in found(state, place.search)[:MOST_FOUND]:
        why = emergency.refusal(state, session.person, listed.medicine, now_ms)
        pocket = pocket_of(state, listed.medicine, now_ms)
        if not why and pocket is not None and expired(state, pocket, now_ms):
            why = "expired"
        brand = f"{listed.brand} — " if listed.brand else ""
        rows.append(
            Row(
                f"found:{listed.medicine}",
                medicine(listed),
                (f"{brand}{listed.therapeutic_class}",),
                medicine_tag(listed),
                "controlled" if state.controlled(listed.medicine) else "plain",
                REASONS[why] if why else "",
            )
        )
    return Screen(
        0,
        "override_found",
        "Without an order",
        (*place.said(), Rows(tuple(rows), REASONS["nothing_found"])),
        (Button("find_again", "Back", "quiet"),),
        removals.banner(state, place.patient, now_ms),
    )


def _show_check(state: State, place: Place, now_ms: int) -> Screen:
    listed = state.medicines[place.medicine]
    pocket = pocket_of(state, place.medicine, now_ms)
    drawer = state.drawers[pocket.drawer].plan.label if pocket is not None else ""
    facts = [
        ("Medicine", medicine(listed)),
        ("Class", listed.therapeutic_class),
        ("Why", WHY.get(place.why, place.why)),
    ]
    if listed.high_alert:
        facts.append(("HIGH ALERT", "Read the label twice: an error with it can kill."))
    words = Words(f"Take {amount(place.quantity, listed.unit)}", "take")
    tag = medicine_tag(listed)
    return Screen(
        0,
        "override",
        f"{medicine(listed)} — {tag}" if tag else medicine(listed),
        (*place.said(), Facts(tuple(facts)), words),
        (
            Button("found_again", "Back", "quiet"),
            Button("open_override", f"Open {drawer}", "primary"),
        ),
        removals.banner(state, place.patient, now_ms),
    )
