"""From the list of patients to the order to open a drawer: whom, what, how much.

Not for what happens once the drawer is ordered open (`access.py`). One rule: whatever a screen
showed, `ask` checks the order, the amount, the stock and the person again.
"""

from datetime import UTC, datetime

from auth.policy import Act
from cabinet import access, removals, rights
from cabinet import records as r
from cabinet.decision import Draft, Place
from cabinet.messages import Button, Facts, Keypad, Row, Rows, Screen, Words
from cabinet.state import Order, Patient, PocketState, State
from cabinet.stock import is_past
from cabinet.wording import (
    REASONS,
    Names,
    alike,
    amount,
    born,
    day,
    medicine,
    medicine_tag,
    names_of,
    plural,
)

CARDS_A_PAGE = 6
ROWS_A_PAGE = 4
MAX_QUANTITY_DIGITS = 3


def patients_shown(state: State, place: Place) -> list[Patient]:
    """My patients, or everyone's, by family name."""
    session = state.session
    assert session is not None
    known = sorted(state.patients.values(), key=lambda patient: (patient.name, patient.ref))
    if place.everyone:
        return known
    return [patient for patient in known if session.person in patient.nurses]


def orders_of(state: State, patient: str, now_ms: int) -> list[Order]:
    """The patient's active orders, by medicine."""
    found = [
        order
        for order in state.orders.values()
        if order.listed.patient == patient and is_active(state, order, now_ms)
    ]
    return sorted(found, key=lambda order: (order.listed.medicine, order.listed.order))


def is_active(state: State, order: Order, wall_ms: int) -> bool:
    """Whether the order may be removed for now; it begins by the clock alone."""
    return order.listed.starts_ms <= wall_ms and not has_ended(state, order, wall_ms)


def has_ended(state: State, order: Order, wall_ms: int) -> bool:
    """Whether the order is over: stopped, or past its end by the clock or by what is recorded."""
    stops_ms = order.listed.stops_ms
    return not order.active or 0 < stops_ms <= rights.now_of(state, wall_ms)


def pocket_of(state: State, listed: str, now_ms: int) -> PocketState | None:
    """The pocket that holds the medicine: of several the fullest that has not expired."""
    pockets = [p for p in state.pockets.values() if p.plan.medicine == listed]
    return max(
        pockets,
        key=lambda p: (not expired(state, p, now_ms), state.on_hand(p.plan.id)),
        default=None,
    )


def expired(state: State, pocket: PocketState, wall_ms: int) -> bool:
    """Whether the pocket's stock is past its date."""
    return is_past(state, pocket.expires, wall_ms)


def pressed(draft: Draft, button: str, text: str) -> None:
    """A button of the patients', orders' and quantity screens."""
    verb, _, subject = button.partition(":")
    match verb:
        case "patient":
            draft.go("patient", patient=subject)
        case "order":
            order = draft.state.orders[subject]
            draft.go("order", order=subject, quantity=order.listed.quantity)
        case "everyone" | "mine":
            draft.go("home", everyone=verb == "everyone")
        case "quantity":
            draft.go("quantity")
        case "set":
            _set_quantity(draft, text)
        case "open":
            _open(draft)


def _set_quantity(draft: Draft, text: str) -> None:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_QUANTITY_DIGITS):
        draft.refuse(REASONS["no_quantity"])
        return
    place, quantity = draft.place, int(text)
    order = draft.state.orders.get(place.order)
    if order is None or not 1 <= quantity <= order.listed.quantity:
        ask(draft, place.order, quantity)  # refused, with the record of what was asked for
    else:
        draft.go("order", quantity=quantity)


def _open(draft: Draft) -> None:
    """The drawer is asked for; where the site wants to know why, that comes first."""
    state, place, session = draft.state, draft.place, draft.state.session
    order = state.orders.get(place.order)
    assert session is not None
    needs = order and rights.needs_of(state, session.person, Act.REMOVE, order.listed.medicine)
    if needs and needs.reason:
        draft.go("reason", subject="remove")
    else:
        ask(draft, place.order, place.quantity)


def ask(draft: Draft, order_id: str, quantity: int, reason: str = "") -> None:
    """The nurse asks for `quantity` of an order: open the drawer, or refuse with the reason."""
    state, session = draft.state, draft.state.session
    assert session is not None
    order = state.orders.get(order_id)
    listed = order.listed if order is not None else None
    now_ms = draft.moment.wall_ms
    pocket = pocket_of(state, listed.medicine, now_ms) if listed is not None else None
    wanted = r.AccessStarted(
        draft.reference(),
        "remove",
        session.id,
        session.person,
        session.factors,
        pocket.drawer if pocket is not None else "",
        pocket.plan.id if pocket is not None else "",
        listed.medicine if listed is not None else "",
        quantity,
        listed.patient if listed is not None else "",
        order_id,
        reason=reason,
    )
    if order is None or listed is None or not is_active(state, order, now_ms):
        access.refuse(draft, wanted, "no_active_order")
    elif quantity < 1:
        access.refuse(draft, wanted, "no_quantity")
    elif quantity > listed.quantity:
        access.refuse(draft, wanted, "more_than_ordered")
    elif pocket is None:
        access.refuse(draft, wanted, "no_pocket")
    elif expired(state, pocket, now_ms):
        access.refuse(draft, wanted, "expired")
    elif state.on_hand(pocket.plan.id) < quantity:
        access.refuse(draft, wanted, "count_too_low")
    else:
        access.start(draft, wanted)


# --- screens ------------------------------------------------------------------------------------


def show_home(state: State, place: Place, now_ms: int) -> Screen:
    """The patients, as cards."""
    known = patients_shown(state, place)
    page = known[place.offset : place.offset + CARDS_A_PAGE]
    left = len(known) - place.offset - len(page)
    names = names_of(state)
    orders = dict.fromkeys([it.ref for it in page], 0)
    for order in state.orders.values():
        if order.listed.patient in orders and is_active(state, order, now_ms):
            orders[order.listed.patient] += 1
    rows = tuple(_card(state, it, orders[it.ref], names, now_ms) for it in page)
    mine = len(removals.mine(state))
    switch = Button("mine", "My patients") if place.everyone else Button("everyone", "All patients")
    actions = [Button("sign_out", "Sign out", "quiet"), Button("menu", "Tasks"), switch]
    if mine:
        actions.append(Button("removals", f"Open removals ({mine})", "primary"))
    if left > 0 or place.offset:
        actions.append(Button("more", "Next page" if left > 0 else "First page"))
    return Screen(
        0,
        "patients",
        "All patients" if place.everyone else "My patients",
        (
            *place.said(),
            Rows(
                rows,
                "No patients here. Press All patients.",
                f"{left} more" if left > 0 else "",
                cards=True,
            ),
        ),
        tuple(actions),
    )


def _card(state: State, patient: Patient, orders: int, names: Names, now_ms: int) -> Row:
    details = patient.details
    count = f"{orders} active order{'' if orders == 1 else 's'}"
    lines: tuple[str, ...] = (count,)
    if details is not None:
        lines = (
            born(details.born, now_ms),
            f"No. {details.record_number} — Bed {details.bed}",
            count,
        )
    similar = alike(state, patient, names)
    return Row(
        f"patient:{patient.ref}",
        patient.name,
        lines,
        "SIMILAR NAME" if similar else "",
        "warning" if similar else "plain",
    )


def show_patient(state: State, place: Place, now_ms: int) -> Screen:
    """The patient's active orders."""
    orders = orders_of(state, place.patient, now_ms)
    page = orders[place.offset : place.offset + ROWS_A_PAGE]
    left = len(orders) - place.offset - len(page)
    rows = tuple(_order_row(state, order, now_ms) for order in page)
    actions: tuple[Button, ...] = (Button("home", "Back", "quiet"),)
    if left > 0 or place.offset:
        actions = (*actions, Button("more", "Next page" if left > 0 else "First page"))
    return Screen(
        0,
        "orders",
        "Active orders",
        (*place.said(), Rows(rows, "No active orders.", f"{left} more" if left > 0 else "")),
        actions,
        removals.banner(state, place.patient, now_ms),
    )


def _order_row(state: State, order: Order, now_ms: int) -> Row:
    listed = state.medicines[order.listed.medicine]
    pocket = pocket_of(state, order.listed.medicine, now_ms)
    details = order.details
    how = f"{details.route} — {details.frequency}" if details is not None else ""
    dose = f"DOSE {details.dose} — " if details is not None else ""
    assert state.session is not None
    why_not = ""
    why = rights.refusal(state, state.session.person, Act.REMOVE, now_ms, listed.medicine)
    if why:
        why_not = REASONS[why]
    elif pocket is None:
        why_not = REASONS["no_pocket"]
    elif expired(state, pocket, now_ms):
        why_not = REASONS["expired"]
    return Row(
        f"order:{order.listed.order}",
        medicine(listed),
        (f"{dose}{amount(order.listed.quantity, listed.unit)}", how),
        medicine_tag(listed),
        "controlled" if state.controlled(listed.medicine) else "plain",
        why_not,
    )


def show_order(state: State, place: Place, now_ms: int) -> Screen:
    """One order, how many to take, and the way to the drawer."""
    order = state.orders[place.order]
    listed = state.medicines[order.listed.medicine]
    pocket = pocket_of(state, order.listed.medicine, now_ms)
    drawer = state.drawers[pocket.drawer].plan.label if pocket is not None else ""
    shown = removals.banner(state, order.listed.patient, now_ms)
    back = Button(f"patient:{order.listed.patient}", "Back", "quiet")
    if place.page == "quantity":
        keypad = Keypad(
            f"How many {plural(listed.unit)}? At most {order.listed.quantity}.",
            Button("set", "OK", "primary"),
            MAX_QUANTITY_DIGITS,
            plural(listed.unit),
        )
        back = Button(f"order:{place.order}", "Back", "quiet")
        return Screen(0, "quantity", medicine(listed), (*place.said(), keypad), (back,), shown)
    pairs = [("Medicine", medicine(listed)), ("Class", listed.therapeutic_class)]
    if order.details is not None:
        details = order.details
        pairs += [
            ("Dose", f"{details.dose} — {details.route} — {details.frequency}"),
            ("For", details.reason),
        ]
    if order.listed.stops_ms:
        pairs.append(("Until", day(_iso(order.listed.stops_ms))))
    words = Words(f"Take {amount(place.quantity, listed.unit)}", "take")
    actions = (
        back,
        Button("quantity", "Change quantity"),
        Button("open", f"Open {drawer}", "primary"),
    )
    tag = medicine_tag(listed)
    return Screen(
        0,
        "order",
        f"{medicine(listed)} — {tag}" if tag else medicine(listed),
        (*place.said(), Facts(tuple(pairs)), words),
        actions,
        shown,
    )


def _iso(wall_ms: int) -> str:
    return datetime.fromtimestamp(wall_ms / 1000, UTC).date().isoformat()


def show_taken(state: State, place: Place, now_ms: int) -> Screen:
    """The removal is done; what next."""
    actions = (
        Button("sign_out", "Sign out", "quiet"),
        Button("removals", "Given, waste, return"),
        Button(f"patient:{place.patient}", "Same patient"),
        Button("home", "Next patient", "primary"),
    )
    blocks = (*place.said(), Words("Say later what became of it: given, wasted or returned."))
    shown = removals.banner(state, place.patient, now_ms)
    return Screen(0, "taken", "Done", blocks, actions, shown)
