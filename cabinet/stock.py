"""Stock comes in and is counted: loading a pocket, and counts that are owed.

Not for removing (`patients.py`). One rule: every load and every count goes through a blind count;
no screen here says how many are expected.
"""

from datetime import UTC, date, datetime

from auth.policy import Act
from cabinet import access, rights
from cabinet import records as r
from cabinet.decision import Draft, Note, Place
from cabinet.events import CodeSeen
from cabinet.messages import Button, Facts, Keypad, Row, Rows, Screen, Words
from cabinet.state import PocketState, State
from cabinet.wording import REASONS, amount, day, medicine, medicine_tag, plural

ROWS_A_PAGE = 4
MAX_LOAD_DIGITS = 4
_LAST_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def pressed(draft: Draft, button: str, text: str) -> None:
    """A button of the load and count screens."""
    verb, _, subject = button.partition(":")
    match verb:
        case "load":
            draft.go("load_expiry", pocket=subject, lot="", expires="", quantity=0)
        case "expiry":
            _expiry(draft, text)
        case "load_quantity":
            if text.isascii() and text.isdigit() and len(text) <= MAX_LOAD_DIGITS and int(text):
                draft.go("load_check", quantity=int(text))
            else:
                draft.refuse(REASONS["no_quantity"])
        case "open_load":
            ask(draft, "load", draft.place.pocket)
        case "count_pocket":
            ask(draft, "count", subject)


def _expiry(draft: Draft, text: str) -> None:
    """Month and year, as on the package; the stock is good to that month's last day (USP <7>)."""
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        draft.refuse(REASONS["bad_date"])
        return
    month, year = int(text[:2]), int(text[2:])
    if not 1 <= month <= 12 or not 2020 <= year <= 2099:
        draft.refuse(REASONS["bad_date"])
        return
    leap = month == 2 and year % 4 == 0  # 2100 is beyond the range
    expires = f"{year}-{month:02}-{_LAST_DAYS[month - 1] + leap:02}"
    draft.go("load_quantity", expires=expires)


def code_seen(draft: Draft, event: CodeSeen) -> None:
    """A label was scanned: it fills in lot and expiry, if it is this medicine's."""
    place, state = draft.place, draft.state
    if place.page != "load_expiry":
        return
    listed = state.medicines[state.pockets[place.pocket].plan.medicine]
    session = state.session
    assert session is not None
    draft.stay(active_ms=draft.moment.mono_ms)
    if not event.ndc or event.ndc != listed.ndc.replace("-", ""):
        draft.add(
            r.Refused(
                "load",
                "wrong_label",
                session.id,
                session.person,
                pocket=place.pocket,
                medicine=listed.medicine,
            )
        )
        draft.refuse(REASONS["wrong_label"])
    elif is_day(event.expires):
        draft.go("load_quantity", lot=event.lot, expires=event.expires)
    else:
        draft.stay(lot=event.lot, note=Note("Right medicine. Enter the expiry.", "success"))


def ask(draft: Draft, kind: str, pocket_id: str) -> None:
    """Open the drawer to load or to count, or refuse with the reason."""
    state, place, session = draft.state, draft.place, draft.state.session
    assert session is not None
    pocket = state.pockets[pocket_id]
    loading = kind == "load"
    wanted = r.AccessStarted(
        draft.reference(),
        "load" if loading else "count",
        session.id,
        session.person,
        session.factors,
        pocket.drawer,
        pocket_id,
        pocket.plan.medicine,
        place.quantity if loading else 0,
        lot=place.lot if loading else "",
        expires=place.expires if loading else "",
    )
    if loading and is_past(state, place.expires, draft.moment.wall_ms):
        access.refuse(draft, wanted, "expired")
    elif pocket.plan.medicine not in state.medicines:
        draft.refuse(REASONS["no_pocket"])
    else:
        access.start(draft, wanted)


def is_day(text: str) -> bool:
    """Whether `text` is a date such as "2027-03-31"."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_past(state: State, expires: str, wall_ms: int) -> bool:
    """Whether what is good to the end of `expires` ("" for ever) is past its date."""
    now_s = rights.now_of(state, wall_ms) / 1000
    return bool(expires) and date.fromisoformat(expires) < datetime.fromtimestamp(now_s, UTC).date()


def due(state: State) -> list[PocketState]:
    """Pockets whose contents are in doubt."""
    pockets = state.pockets.values()
    return [p for p in pockets if p.count_due and p.plan.medicine in state.medicines]


# --- screens ------------------------------------------------------------------------------------


def show_load(state: State, place: Place, now_ms: int) -> Screen:
    """The pockets to load."""
    pockets = [p for p in state.pockets.values() if p.plan.medicine in state.medicines]
    why_not = _why_not(state, Act.LOAD, pockets, now_ms)
    return _pocket_list(state, place, pockets, why_not, "load", "Load: which pocket?")


def show_counts(state: State, place: Place, now_ms: int) -> Screen:
    """The pockets that must be counted."""
    pockets = due(state)
    why_not = _why_not(state, Act.COUNT, pockets, now_ms)
    return _pocket_list(state, place, pockets, why_not, "count_pocket", "Counts needed")


def _why_not(state: State, act: Act, pockets: list[PocketState], now_ms: int) -> dict[str, str]:
    """Why the person at the screen may not reach into a pocket, by pocket; "" where they may."""
    session = state.session
    assert session is not None
    found = {}
    for pocket in pockets:
        why = rights.refusal(state, session.person, act, now_ms, pocket.plan.medicine)
        found[pocket.plan.id] = REASONS[why] if why else ""
    return found


def _pocket_list(
    state: State,
    place: Place,
    pockets: list[PocketState],
    why_not: dict[str, str],
    verb: str,
    title: str,
) -> Screen:
    page = pockets[place.offset : place.offset + ROWS_A_PAGE]
    left = len(pockets) - place.offset - len(page)
    rows = []
    for pocket in page:
        listed = state.medicines[pocket.plan.medicine]
        where = f"{state.drawers[pocket.drawer].plan.label} — pocket {pocket.plan.id}"
        lines = (where, f"Count: {pocket.count_due}") if pocket.count_due else (where,)
        rows.append(
            Row(
                f"{verb}:{pocket.plan.id}",
                medicine(listed),
                lines,
                medicine_tag(listed),
                "controlled" if state.controlled(listed.medicine) else "plain",
                why_not[pocket.plan.id],
            )
        )
    actions: tuple[Button, ...] = (Button("home", "Back", "quiet"),)
    if left > 0 or place.offset:
        actions = (*actions, Button("more", "Next page" if left > 0 else "First page"))
    more = f"{left} more" if left > 0 else ""
    return Screen(
        0, verb, title, (*place.said(), Rows(tuple(rows), "Nothing to do.", more)), actions
    )


def show_step(state: State, place: Place) -> Screen:
    """A step of loading one pocket."""
    listed = state.medicines[state.pockets[place.pocket].plan.medicine]
    title = f"Load {medicine(listed)}"
    back = Button("load_list", "Back", "quiet")
    if place.page == "load_expiry":
        keypad = Keypad(
            "Scan the label, or enter the expiry: month and year, MMYYYY",
            Button("expiry", "OK", "primary"),
            6,
        )
        return Screen(0, "load_expiry", title, (*place.said(), keypad), (back,))
    if place.page == "load_quantity":
        units = plural(listed.unit)
        keypad = Keypad(
            f"How many {units} do you put in?",
            Button("load_quantity", "OK", "primary"),
            MAX_LOAD_DIGITS,
            units,
        )
        return Screen(0, "load_quantity", title, (*place.said(), keypad), (back,))
    drawer = state.drawers[state.pockets[place.pocket].drawer].plan.label
    facts = Facts((("Lot", place.lot or "not scanned"), ("Expires", day(place.expires))))
    words = Words(f"Put in {amount(place.quantity, listed.unit)}", "take")
    actions = (back, Button("open_load", f"Open {drawer}", "primary"))
    return Screen(0, "load_check", title, (*place.said(), facts, words), actions)
