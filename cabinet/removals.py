"""What becomes of a removal after the drawer is shut: given, returned, or wasted with a witness.

Not for taking the medicine out. One rule: a removal stays open until given, returned and wasted add
up to what was taken, and no step moves more than is still open.
"""

from auth.policy import Act
from cabinet import access, rights
from cabinet import records as r
from cabinet.decision import Draft, Note, Place, Proof
from cabinet.messages import Banner, Button, Facts, Keypad, Row, Rows, Screen, Words
from cabinet.state import Removal, State
from cabinet.wording import (
    REASONED,
    REASONS,
    alike,
    amount,
    born,
    medicine,
    medicine_tag,
    names_of,
    plural,
)

ROWS_A_PAGE = 4
MAX_AMOUNT_DIGITS = 4
_ACTS = {"give": Act.GIVE, "waste": Act.WASTE, "return": Act.RETURN}


def mine(state: State) -> list[Removal]:
    """The open removals of the person at the screen, oldest first."""
    session = state.session
    return [
        removal
        for removal in state.removals.values()
        if session is not None and removal.started.person == session.person
    ]


def banner(state: State, patient: str, now_ms: int) -> Banner | None:
    """The patient's banner."""
    held = state.patients.get(patient)
    if held is None:
        return None
    details = held.details
    if details is None:
        return Banner(held.name, (), "Not recorded")
    return Banner(
        held.name,
        (born(details.born, now_ms), f"No. {details.record_number}", f"Bed {details.bed}"),
        details.allergies or "Not recorded",
        alike(state, held, names_of(state)),
    )


def pressed(draft: Draft, button: str, text: str) -> None:
    """A button of the removals' screens."""
    verb, _, subject = button.partition(":")
    if verb == "removal":
        draft.go("removal", removal=subject)
    elif verb in _ACTS:
        draft.go(verb)
    elif verb == "amount":
        _amount_given(draft, text)
    elif verb == "all":
        removal = draft.state.removals[draft.place.removal]
        settle(draft, removal, removal.outstanding, draft.place.page)


def _amount_given(draft: Draft, text: str) -> None:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_AMOUNT_DIGITS) or not int(text):
        draft.refuse(REASONS["no_quantity"])
        return
    settle(draft, draft.state.removals[draft.place.removal], int(text), draft.place.page)


def settle(draft: Draft, removal: Removal, quantity: int, page: str, reason: str = "") -> None:
    """Give, return or waste `quantity` of the removal, as the page said."""
    session, medicine = draft.state.session, removal.started.medicine
    assert session is not None
    why = _not_now(draft, _ACTS[page], removal)
    if not why and removal.started.person != session.person:
        why = "not_allowed"
    elif not why and quantity > removal.outstanding:
        why = "more_than_held"
    if why:
        draft.add(
            r.Refused(
                page,
                why,
                session.id,
                session.person,
                medicine=medicine,
                removal=removal.id,
                quantity=quantity,
            )
        )
        draft.refuse(REASONS[why])
        return
    asked = rights.needs_of(draft.state, session.person, _ACTS[page], medicine).reason
    match page:
        case "waste" | "return" if asked and not reason:
            draft.go("reason", subject=page, quantity=quantity)
        case "give":
            _give(draft, removal, quantity)
        case "waste":
            called = (removal.id, session.id, session.person, quantity)
            draft.add(r.WitnessCalled(*called, "waste", reason))
            draft.go("witness", quantity=quantity)
        case "return":
            _return(draft, removal, quantity, reason)


def _not_now(draft: Draft, act: Act, removal: Removal) -> str:
    """Why the person at the screen may not do `act` with the removal's medicine now, or ""."""
    state, session, medicine = draft.state, draft.state.session, removal.started.medicine
    assert session is not None
    return rights.refusal(
        state, session.person, act, draft.moment.wall_ms, medicine
    ) or rights.unproven(state, session.person, act, session.factors, medicine)


def _give(draft: Draft, removal: Removal, quantity: int) -> None:
    started, session = removal.started, draft.state.session
    assert session is not None
    postings = r.moved(
        started.medicine, quantity, f"custody:{removal.id}", f"patient:{started.patient}"
    )
    draft.add(r.Given(removal.id, session.id, session.person, quantity, postings))
    _after(draft, removal, quantity, "Given")


def _after(draft: Draft, removal: Removal, quantity: int, verb: str) -> None:
    listed = draft.state.medicines[removal.started.medicine]
    left = removal.outstanding - quantity
    said = f"{verb}: {amount(quantity, listed.unit)} of {medicine(listed)}."
    if left:
        words = f"{said} Still open: {amount(left, listed.unit)}."
        draft.go("removal", note=Note(words, "success"))
    else:
        draft.home(Note(f"{said} Nothing left open.", "success"))


def hand_back(draft: Draft, removal: str, quantity: int, reason: str) -> None:
    """Return of a removal once more, as it stands now."""
    held = draft.state.removals.get(removal)
    if held is None or quantity > held.outstanding:
        draft.refuse(REASONS["more_than_held"])
    else:
        _return(draft, held, quantity, reason)


def _return(draft: Draft, removal: Removal, quantity: int, reason: str) -> None:
    state, session = draft.state, draft.state.session
    assert session is not None
    bins = [d.plan.id for d in state.drawers.values() if d.plan.kind == "return_bin"]
    if not bins:
        draft.refuse("This cabinet has no return bin.")
        return
    access.start(
        draft,
        r.AccessStarted(
            draft.reference(),
            "return",
            session.id,
            session.person,
            session.factors,
            bins[0],
            medicine=removal.started.medicine,
            quantity=quantity,
            patient=removal.started.patient,
            order=removal.started.order,
            removal=removal.id,
            reason=reason,
        ),
    )


def wasted(draft: Draft, proof: Proof) -> None:
    """The witness proved who they are: the waste is done."""
    state = draft.state
    session, witnessing = state.session, state.witnessing
    assert session is not None and witnessing is not None
    removal = state.removals[witnessing.subject]
    why = _not_now(draft, Act.WASTE, removal)
    if why:
        assert state.attempt is not None
        draft.add(
            r.Refused("waste", why, session.id, session.person),
            r.AttemptEnded(state.attempt.id, why),
        )
        draft.refuse(REASONS[why])
        return
    postings = r.moved(
        removal.started.medicine, witnessing.quantity, f"custody:{removal.id}", r.WASTE
    )
    draft.add(
        r.Wasted(
            removal.id,
            session.id,
            session.person,
            session.factors,
            proof.person,
            proof.factors,
            proof.fallback,
            witnessing.quantity,
            postings,
            witnessing.why,
        )
    )
    draft.stay(removal=removal.id)
    _after(draft, removal, witnessing.quantity, "Wasted")


def not_wasted(draft: Draft, why: str) -> None:
    """The waste was called off, or no witness came."""
    called = draft.state.witnessing
    assert called is not None
    words = "Not wasted: no witness came." if why == "timed_out" else "Not wasted."
    draft.go("removal", removal=called.subject, note=Note(words, "warning"))


# --- screens ------------------------------------------------------------------------------------


def show_list(state: State, place: Place) -> Screen:
    """The person's open removals."""
    open_now = mine(state)
    page = open_now[place.offset : place.offset + ROWS_A_PAGE]
    rows = tuple(_row(state, removal) for removal in page)
    left = len(open_now) - place.offset - len(page)
    actions: tuple[Button, ...] = (Button("home", "Back", "quiet"),)
    if left > 0:
        actions = (*actions, Button("more", "More"))
    return Screen(
        0,
        "removals",
        "My open removals",
        (
            *place.said(),
            Rows(rows, "Nothing open.", f"{left} more" if left > 0 else ""),
        ),
        actions,
    )


def _row(state: State, removal: Removal) -> Row:
    listed = state.medicines[removal.started.medicine]
    patient = state.patients.get(removal.started.patient)
    return Row(
        f"removal:{removal.id}",
        medicine(listed),
        (
            patient.name if patient else "",
            f"Open: {amount(removal.outstanding, listed.unit)} of "
            f"{amount(removal.quantity, listed.unit)}",
        ),
        medicine_tag(listed),
        "controlled" if state.controlled(listed.medicine) else "plain",
    )


def show(state: State, place: Place, now_ms: int) -> Screen:
    """One removal, or the amount given, returned or wasted of it."""
    removal = state.removals.get(place.removal)
    if removal is None:
        return show_list(state, place)
    listed = state.medicines[removal.started.medicine]
    held = amount(removal.outstanding, listed.unit)
    shown = banner(state, removal.started.patient, now_ms)
    if place.page == "removal":
        facts = Facts(
            (
                ("Medicine", medicine(listed)),
                ("Taken", amount(removal.quantity, listed.unit)),
                ("Still open", held),
            )
        )
        actions = (
            Button("removals", "Back", "quiet"),
            Button("return", "Return"),
            Button("waste", "Waste"),
            Button("give", "Given", "primary"),
        )
        return Screen(0, "removal", "What became of it?", (*place.said(), facts), actions, shown)
    title = {"give": "Given to the patient", "return": "Return", "waste": "Waste"}[place.page]
    label = f"How many {plural(listed.unit)}? {held} still open."
    keypad = Keypad(
        label, Button("amount", "OK", "primary"), MAX_AMOUNT_DIGITS, plural(listed.unit)
    )
    back = Button(f"removal:{removal.id}", "Back", "quiet")
    return Screen(
        0,
        place.page,
        f"{title}: {medicine(listed)}",
        (*place.said(), keypad),
        (back, Button("all", f"All: {held}")),
        shown,
    )


def brief(state: State, _: Place) -> str:
    """What the witness attests, in a line."""
    called, session = state.witnessing, state.session
    assert called is not None and session is not None
    listed = state.medicines[state.removals[called.subject].started.medicine]
    what = f"{amount(called.quantity, listed.unit)} of {medicine(listed)}"
    return f"You witness: {state.people[session.person].name} wastes {what}"


def show_witness(state: State, place: Place, now_ms: int) -> Screen:
    """What the witness attests, in full, and how."""
    witnessing = state.witnessing
    assert witnessing is not None
    removal = state.removals[witnessing.subject]
    listed = state.medicines[removal.started.medicine]
    session = state.session
    assert session is not None
    words = amount(witnessing.quantity, listed.unit)
    said = REASONED["waste"].get(witnessing.why, witnessing.why)
    why = (("Why", said),) if said else ()
    return Screen(
        0,
        "witness",
        "Witness",
        (
            *place.said(),
            Words(f"Waste {words} of {medicine(listed)}", "name"),
            Facts((("Wasted by", state.people[session.person].name), *why)),
            Words("Witness: see it wasted, then hold your badge to the reader.", "strong"),
        ),
        (Button("dismiss", "Cancel", "danger"),),
        banner(state, removal.started.patient, now_ms),
    )
