"""How people and what they may do are shown to an administrator, and what a second one approves.

Not for what a press does (`administration.py`). One rule: what would change is shown, old and new,
before it does, and the same to whoever approves it.
"""

from datetime import UTC, datetime

from auth.policy import EVERYWHERE, GROUPS
from cabinet import numbers, rights
from cabinet import records as r
from cabinet.administration import (
    ADDING,
    DATE_DIGITS,
    GIVEN,
    MAX_TYPED_CHARS,
    STOPS,
    found,
    resembling,
)
from cabinet.decision import Change, Place
from cabinet.lists import MAX_NAME_CHARS
from cabinet.messages import Block, Button, Facts, Keypad, Letters, Row, Rows, Screen, Words
from cabinet.power import BY_TWO, last_but, takes_two
from cabinet.state import Person, State
from cabinet.wording import ROLES, day

ROWS_A_PAGE = 4
CARDS_A_PAGE = 8
STATUSES = {
    "invited": "Not enrolled",
    "active": "Works here",
    "suspended": "Suspended",
    "expired": "Expired",
    "left": "Left",
}
_PAGE_OF = {"areas": "Areas", "groups": "Groups of medicines", "override": "Without an order"}


def show(state: State, place: Place, now_ms: int) -> Screen:
    """The page of the people's screens on which the administrator stands."""
    match place.page:
        case "find_person":
            label = "Part of the name, or the staff number"
            return _typed(place, "Find", label, "find_people", Button("people", "Back", "quiet"))
        case "add_staff_id" | "add_family" | "add_given":
            which = place.page.removeprefix("add_")
            label = "Their staff number" if which == "staff_id" else f"Their {which} name"
            typed = getattr(place.newcomer, which)
            ways = numbers.ways_back(place.page, ADDING, "people")
            return _typed(place, "Add somebody", label, place.page, *ways, typed=typed)
        case "add_human":
            ways = numbers.ways_back(place.page, ADDING, "people")
            typed = place.newcomer.person_number
            return numbers.show("Add somebody", place.page, place.said(), ways, typed)
        case "add_role":
            return _show_new_role(place)
    change = place.changing
    person = state.people.get(change.person) if change is not None else None
    if change is None or person is None or place.page == "people":
        return _show_people(state, place, now_ms)
    match place.page:
        case "person":
            return _show_person(state, place, person, now_ms)
        case "check_person":
            return _show_check(state, place, person, change, now_ms)
        case "stop_person":
            return _show_stop(place, person)
        case _:
            return _show_edit(state, place, person, change)


def _typed(
    place: Place, title: str, label: str, submit: str, *ways: Button, typed: str = ""
) -> Screen:
    letters = Letters(label, Button(submit, "OK", "primary"), MAX_TYPED_CHARS, typed=typed)
    return Screen(0, place.page, title, (*place.said(), letters), ways)


def _back(person: Person) -> Button:
    return Button(f"person:{person.ref}", "Back", "quiet")


# --- whom -----------------------------------------------------------------------------------------


def _show_people(state: State, place: Place, now_ms: int) -> Screen:
    people = found(state, place.typed)
    page = people[place.offset : place.offset + ROWS_A_PAGE]
    left = len(people) - place.offset - len(page)
    rows = tuple(_row(state, person, now_ms) for person in page)
    actions = [
        Button("menu", "Back", "quiet"),
        Button("add_person", "Add"),
        Button("find_person", "Find"),
    ]
    if left > 0 or place.offset:
        actions.append(Button("more", "Next page" if left > 0 else "First page"))
    title = f"People: {place.typed}" if place.typed else "People"
    more = f"{left} more" if left > 0 else ""
    listed = Rows(rows, "Nobody is called so.", more)
    return Screen(0, "people", title, (*place.said(), listed), tuple(actions))


def _row(state: State, person: Person, now_ms: int) -> Row:
    status = STATUSES[person.status(rights.now_of(state, now_ms))]
    number = f" — No. {person.details.staff_id}" if person.details is not None else ""
    alike = bool(resembling(state, person))
    return Row(
        f"person:{person.ref}",
        person.name,
        (f"{ROLES[person.role]} — {status}{number}",),
        "SIMILAR NAME" if alike else "",
        "warning" if alike else "plain",
    )


def _show_new_role(place: Place) -> Screen:
    rows = tuple(
        Row(f"add_role:{role}", ROLES[role], why_not=_TWO if role in BY_TWO else "")
        for role in GIVEN
    )
    newcomer = place.newcomer
    title = f"{newcomer.given} {newcomer.family}: which role?"
    return _cards(place, "add_role", title, rows, *numbers.ways_back("add_role", ADDING, "people"))


_TWO = "Given afterwards, by two administrators"


def _cards(
    place: Place, name: str, title: str, rows: tuple[Row, ...], back: Button, *more: Button
) -> Screen:
    page = rows[place.offset : place.offset + CARDS_A_PAGE]
    left = len(rows) - place.offset - len(page)
    actions: tuple[Button, ...] = (back, *more)
    if left > 0 or place.offset:
        turn = Button("more", "Next page" if left > 0 else "First page")
        actions = (back, turn, *more)
    listed = Rows(page, "Nothing to choose.", f"{left} more" if left > 0 else "", cards=True)
    return Screen(0, name, title, (*place.said(), listed), actions)


# --- one person -----------------------------------------------------------------------------------


def _show_person(state: State, place: Place, person: Person, now_ms: int) -> Screen:
    held = person.rights
    pairs = [
        ("Role", ROLES[held.role]),
        ("Status", STATUSES[person.status(rights.now_of(state, now_ms))]),
        *told(held),
    ]
    if person.details is not None:
        pairs.insert(0, ("Staff number", person.details.staff_id))
    alike = resembling(state, person)
    blocks: tuple[Block, ...] = (*place.said(), Facts(tuple(pairs)))
    if alike:
        others = ", ".join(
            f"{it.name} (No. {it.details.staff_id})" for it in alike if it.details is not None
        )
        blocks = (*blocks, Words(f"Similar name: {others}", "strong", "warning"))
    actions = [Button("people", "Back", "quiet")]
    if person.standing == "active":
        actions += [
            Button("stop_person", "Suspend"),
            _code_button(person),
            Button("edit", "Change"),
        ]
    elif person.standing == "suspended":
        actions.append(Button("stop_person:left", "Left for good"))
        if person.details is not None:
            actions.append(Button("resume", "Resume", "primary"))
    return Screen(0, "person", person.name, blocks, tuple(actions))


def _code_button(person: Person) -> Button:
    if person.enrolled:
        return Button("edit:again", "Reset")
    return Button(f"issue:{person.ref}", "One-time code")


def told(held: r.Rights) -> list[tuple[str, str]]:
    """Rights besides the role, as labels and values."""
    areas = "Everywhere" if EVERYWHERE in held.areas else ", ".join(held.areas) or "Nowhere"
    trained = ", ".join(
        f"{name} ({until(end_ms)})" if end_ms else name for name, end_ms in held.competencies
    )
    return [
        ("Areas", areas),
        ("Groups of medicines", " ".join(held.groups) or "None"),
        ("Without an order", " ".join(held.override_groups) or "None"),
        ("Access ends", until(held.expires_ms) if held.expires_ms else "Never"),
        ("Trained for", trained or "Nothing listed"),
    ]


def until(end_ms: int) -> str:
    """The last day before `end_ms`, such as "31-Dec-2026"."""
    return day(datetime.fromtimestamp((end_ms - 1) / 1000, UTC).date().isoformat())


def _show_stop(place: Place, person: Person) -> Screen:
    rows = tuple(Row(f"stop_person:{name}", why) for name, (_, why) in STOPS.items())
    title = f"Why does {person.name} stop?"
    return Screen(
        0, "stop_person", title, (*place.said(), Rows(rows, "Nothing.")), (_back(person),)
    )


# --- a change -------------------------------------------------------------------------------------


def _show_edit(state: State, place: Place, person: Person, change: Change) -> Screen:
    held, done = change.rights, Button("check_change", "Done", "primary")
    back = Button("edit", "Back", "quiet")  # what was chosen so far is kept
    match place.page:
        case "edit_role":
            rows = tuple(
                Row(f"set_role:{role}", ROLES[role], tag="NOW" if role == person.role else "")
                for role in GIVEN
            )
            return _cards(place, "edit_role", f"Role: {person.name}", rows, back)
        case "edit_areas" | "edit_groups" | "edit_override":
            what = place.page.removeprefix("edit_")
            title = f"{_PAGE_OF[what]}: {person.name}"
            more = (Button("edit:area", "Another area"),) if what == "areas" else ()
            rows = _choices(state, held, what)
            return _cards(place, place.page, title, rows, back, *more, done)
        case "edit_area":
            to_areas = Button("edit:areas", "Back", "quiet")
            label = "Its name in cabinet.toml"
            return _typed(place, "Another area", label, "set_area_typed", to_areas)
        case "edit_expiry":
            keypad = _date("Last day of access: day, month, year", "set_end")
            never = Button("set_no_end", "Never ends")
            title = f"Access ends: {person.name}"
            return Screen(0, "edit_expiry", title, (*place.said(), keypad), (back, never))
        case "edit_competencies":
            title = f"Trained for: {person.name}"
            rows = _competencies(state, held)
            return _cards(place, "edit_competencies", title, rows, back, done)
        case "edit_competency":
            keypad = _date("Last day: day, month, year", "competency_until")
            actions = (
                Button("edit:competencies", "Back", "quiet"),
                Button("competency_gone", "Not trained"),
                Button("competency_always", "Never ends"),
            )
            return Screen(0, "edit_competency", place.competency, (*place.said(), keypad), actions)
        case "edit_again":
            rows = (
                Row(
                    "enrol_again:secret",
                    "New PIN or passphrase alone",
                    ("They keep their fingers, badge and app",),
                ),
                Row(
                    "enrol_again:pin", "New fingers, PIN or passphrase", ("They keep their badge",)
                ),
                Row("enrol_again:badge", "New badge too", ("The old one was lost or is worn",)),
            )
            title = f"Reset what of {person.name}?"
            return Screen(
                0, "edit_again", title, (*place.said(), Rows(rows, "Nothing.")), (_back(person),)
            )
        case _:
            rows = tuple(Row(f"edit:{name}", label) for name, label in _EDITS)
            if person.copies:
                rows = (*rows, Row("take_back", "Erase the copies of their fingers"))
            title = f"Change {person.name}"
            begun = (change.rights, change.standing) != (person.rights, person.standing)
            more = (done,) if begun else ()
            return _cards(place, "edit", title, rows, _back(person), *more)


_EDITS = (
    ("role", "Role"),
    ("areas", "Areas"),
    ("groups", "Groups of medicines"),
    ("override", "Medicines without an order"),
    ("expiry", "When access ends"),
    ("competencies", "Trained for"),
)


def _date(label: str, submit: str) -> Keypad:
    return Keypad(label, Button(submit, "OK", "primary"), DATE_DIGITS)


def _choices(state: State, held: r.Rights, what: str) -> tuple[Row, ...]:
    """What can be chosen, marked where it is."""
    if what == "areas":
        known = [state.plan.area, *(it for p in state.people.values() for it in p.rights.areas)]
        names = dict.fromkeys(it for it in (*known, *held.areas) if it and it != EVERYWHERE)
        return tuple(
            Row(f"set_area:{name}", "Everywhere" if name == EVERYWHERE else name, tag=_chosen(on))
            for name in (EVERYWHERE, *sorted(names))
            for on in (name in held.areas,)
        )
    chosen = held.groups if what == "groups" else held.override_groups
    verb = "set_group" if what == "groups" else "set_override"
    return tuple(
        Row(f"{verb}:{group}", f"Group {group}", _medicines(state, group), _chosen(group in chosen))
        for group in GROUPS
        if what == "groups" or group in held.groups
    )


def _chosen(on: bool) -> str:
    return "YES" if on else ""


def _medicines(state: State, group: str) -> tuple[str, ...]:
    held = [it.schedule for name, it in state.medicines.items() if state.group(name) == group]
    schedules = ", ".join(sorted(dict.fromkeys(held))).replace("none", "not scheduled")
    number = f"{len(held)} medicine{'' if len(held) == 1 else 's'}"
    return (f"{number}: {schedules}" if held else number,)


def _competencies(state: State, held: r.Rights) -> tuple[Row, ...]:
    asked = [training.competency for training in state.plan.training]
    mine = dict(held.competencies)
    return tuple(
        Row(
            f"competency:{name}",
            name,
            (f"Until {until(mine[name])}",) if mine.get(name) else (),
            _chosen(name in mine),
        )
        for name in dict.fromkeys((*asked, *mine))
        if len(name) <= MAX_NAME_CHARS
    )


def differences(person: Person, change: Change) -> tuple[tuple[str, str], ...]:
    """What the change would change: label, and old and new."""
    before, after = person.rights, change.rights
    pairs = [("Role", ROLES[before.role], ROLES[after.role])]
    pairs += [
        (label, old, new) for (label, old), (_, new) in zip(told(before), told(after), strict=True)
    ]
    pairs.append(("Status", STATUSES[person.standing], STATUSES[change.standing]))
    shown = [(label, f"{old} → {new}") for label, old, new in pairs if old != new]
    if change.pin_alone:
        shown.append(("PIN or passphrase", "Works no more → a new one, with a code"))
    elif change.again:
        what = "Badge, fingers, PIN" if change.new_badge else "Fingers and PIN"
        shown.append((what, "Work no more → enrolled again, with a code"))
    if change.why:
        shown.append(("Why", change.why))
    return tuple(shown)


def _show_check(state: State, place: Place, person: Person, change: Change, now_ms: int) -> Screen:
    blocks: list[Block] = [*place.said(), Facts(differences(person, change))]
    if takes_two(state, person, change, now_ms):
        blocks.append(Words("A second administrator must approve this, here and now.", "strong"))
    if last_but(state, person, change, now_ms):
        words = "Then only one administrator works here, and nobody can be made another."
        blocks.append(Words(words, "strong", "warning"))
    save = Button("save_change", "Save", "primary" if change.standing == "active" else "danger")
    return Screen(0, "check_person", person.name, tuple(blocks), (_before_check(change), save))


def _before_check(change: Change) -> Button:
    """One step back from the check: what was chosen is chosen there still."""
    if change.again:
        return Button("edit:again", "Back", "quiet")
    if change.standing == change.was:
        return Button("edit", "Back", "quiet")
    resumed = change.standing == "active"
    return Button(f"person:{change.person}" if resumed else "stop_person", "Back", "quiet")


def brief(state: State, place: Place) -> str:
    """What the second administrator approves, in a line: the first of it, and how much more."""
    called, change = state.witnessing, place.changing
    assert called is not None
    person = state.people[called.subject]
    if change is None or change.person != person.ref:
        return "Not shown any more: press Cancel."
    if change.again:
        what = "gets a new PIN" if change.pin_alone else "enrols again"
        return f"You approve: {person.name} {what}"
    label, values = differences(person, change)[0]
    more = sum(label != "Why" for label, _ in differences(person, change)) - 1
    also = f", and {more} more" if more > 0 else ""
    return f"You approve: {person.name}, {label.lower()} {values}{also}"


def show_witness(state: State, place: Place, _: int) -> Screen:
    """What the second administrator approves: the same as the first one saw."""
    called, session, change = state.witnessing, state.session, place.changing
    assert called is not None and session is not None
    person = state.people[called.subject]
    shown = differences(person, change) if change is not None else ()
    return Screen(
        0,
        "witness",
        "Approve",
        (
            *place.said(),
            Words(person.name, "name"),
            Facts((*shown, ("Asked by", state.people[session.person].name))),
            Words("Second administrator: hold your badge to the reader to approve.", "strong"),
        ),
        (Button("dismiss", "Cancel", "danger"),),
    )
