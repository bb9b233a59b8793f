"""What some people do for others: one-time codes for enrolment, and releasing the locked out.

Not for enrolling itself (`enrolment.py`). One rule: a code is shown once, to the one who issued it,
and the ledger keeps its keyed hash alone.
"""

from auth.policy import Act
from cabinet import (
    authenticator,
    emergency,
    loading,
    removals,
    reviews,
    rights,
    sensor,
    standing_by,
)
from cabinet import records as r
from cabinet.decision import Draft, Note, Place
from cabinet.events import CodeMade, MakeCode
from cabinet.messages import Button, Row, Rows, Screen, Words
from cabinet.state import Person, State
from cabinet.stock import due
from cabinet.wording import REASONS, ROLES, clock, day_of

ROWS_A_PAGE = 4


def newcomers(state: State, wall_ms: int) -> list[Person]:
    """Listed people who cannot prove who they are yet, or whose PIN is to be chosen anew."""
    now_ms = rights.now_of(state, wall_ms)
    return [
        person
        for person in state.people.values()
        if (status := person.status(now_ms)) == "invited"
        or (status == "active" and person.waits_for_pin)
    ]


def locked(state: State) -> list[Person]:
    """People whose PIN, code or key is locked by wrong tries."""
    limit = state.plan.rules.lock_at_try
    off = [badge for badge, it in state.tries.items() if max(it.pins, it.strong) >= limit]
    refs = [state.by_badge.get(badge, "") for badge in off]
    return [state.people[ref] for ref in refs if ref]


def pressed(draft: Draft, button: str) -> None:
    """A button of the staff screens."""
    verb, _, subject = button.partition(":")
    if verb == "load_fingers":
        loading.pressed(draft)
        return
    act = {"issue": Act.INVITE, "release": Act.RELEASE, "fit_sensor": Act.ADMINISTER}[verb]
    session = draft.state.session
    assert session is not None
    why = rights.refusal(draft.state, session.person, act, draft.moment.wall_ms) or rights.unproven(
        draft.state, session.person, act, session.factors
    )
    own = verb == "release" and rights.same_human(draft.state, subject, session.person)
    why = why or ("own_lock" if own else "")
    if why:
        draft.add(r.Refused(act.value, why, session.id, session.person))
        draft.refuse(REASONS[why])
    elif verb == "issue":
        if draft.place.request:
            draft.refuse("One moment.")
            return
        request = draft.reference()
        draft.command(MakeCode(request))
        draft.stay(request=request, patient=subject)
    elif verb == "fit_sensor":
        sensor.pressed(draft, session)
    else:
        person = draft.state.people[subject]
        draft.add(r.LockReleased(person.badge, person.ref, session.person))
        draft.stay(note=Note(f"{person.name} may try again.", "success"))


def code_made(draft: Draft, event: CodeMade) -> None:
    """A fresh code for the person chosen: record its hash, show it once."""
    place, state, session = draft.place, draft.state, draft.state.session
    now_ms = draft.moment.wall_ms
    asked = place.page in ("invite", "person") and event.request == place.request
    if session is None or not asked or not rights.allowed(state, Act.INVITE, now_ms):
        return
    if place.patient not in [person.ref for person in newcomers(state, now_ms)]:
        draft.stay(request="")  # enrolled or suspended since
        return
    expires_ms = now_ms + state.plan.rules.code_valid_h * 3_600_000
    draft.add(r.CodeIssued(event.code, place.patient, session.person, expires_ms))
    draft.go("code", shown_code=event.plain, request="")


# --- screens ------------------------------------------------------------------------------------


NOTHING_HERE = {
    "auditor": "Nothing is done here. Reports are made from the ledger, with cabinet report.",
    "witness_only": "Nothing is done here alone: come when somebody's screen asks for a witness.",
}


def show_menu(state: State, place: Place, now_ms: int) -> Screen:
    """What else this person may do here."""
    rows = []
    waiting = state.service  # somebody stands there and waits: before all else
    if waiting is not None and not waiting.admitted and rights.allowed(state, Act.ADMIT, now_ms):
        rows.append(Row(f"admit:{waiting.id}", "Let a technician in", (waiting.name,)))
    if rights.allowed(state, Act.LOAD, now_ms):
        rows.append(Row("load_list", "Load stock", ("Put medicine into a pocket",)))
    if rights.allowed(state, Act.COUNT, now_ms):
        count = len(due(state))
        words = f"{count} pocket{'' if count == 1 else 's'} in doubt"
        rows.append(Row("counts", "Counts needed", (words,)))
    if rights.allowed(state, Act.ADMINISTER, now_ms):
        rows.append(Row("people", "People", ("Add, change, suspend, reset",)))
    if rights.allowed(state, Act.INVITE, now_ms):
        rows.append(Row("invite", "Invite somebody", ("Issue a one-time code",)))
        if state.found_sensor is not None:
            rows.append(Row("sensor", "Finger sensor", ("Another one is fitted",)))
        elif state.loading:
            count = len(sensor.not_loaded(state))
            again = f"{count} people enrol again" if count else "Fingers are being loaded"
            rows.append(Row("sensor", "Finger sensor", (again,)))
    if rights.allowed(state, Act.ENROL, now_ms):
        rows.append(
            Row(
                "enrolling",
                "Enrol somebody",
                ("They are here, with their code: also for a new PIN",),
            )
        )
    if state.staff_list.held is not None and rights.allowed(state, Act.ADMINISTER, now_ms):
        rows.append(Row("staff_list", "Staff list", ("Waits: many would lose their access",)))
    session = state.session
    if session is not None and authenticator.offered(state.people[session.person]):
        rows.append(Row("authenticator", "App or security key", ("Asked for at each sign-in",)))
    if rights.allowed(state, Act.RELEASE, now_ms):
        rows.append(Row("locked", "Locked out", ("Let a person try again",)))
    if emergency.may_see(state, now_ms):
        rows.append(
            Row(
                "emergency",
                "Emergency",
                ("When there is no order, no time, or nobody with the rights",),
            )
        )
    if rights.allowed(state, Act.VERDICT, now_ms):
        count = len(reviews.waiting(state))
        rows.append(Row("reviews", "Taken without an order", (f"{count} waiting for a verdict",)))
    actions = [Button("sign_out", "Sign out", "quiet")]
    if rights.allowed(state, Act.REMOVE, now_ms):
        actions.append(Button("home", "Patients", "primary"))
    elif held := len(removals.mine(state)):  # of before they might remove no more
        actions.append(Button("removals", f"Open removals ({held})", "primary"))
    role = state.people[session.person].role if session is not None else ""
    nothing = NOTHING_HERE.get(role, "Nothing here.")
    return Screen(0, "menu", "Tasks", (*place.said(), Rows(tuple(rows), nothing)), tuple(actions))


def _people(
    state: State, place: Place, people: list[Person], verb: str, title: str, empty: str
) -> Screen:
    page = people[place.offset : place.offset + ROWS_A_PAGE]
    left = len(people) - place.offset - len(page)
    rows = tuple(
        Row(f"{verb}:{person.ref}", person.name, (ROLES.get(person.role, person.role),))
        for person in page
    )
    actions: tuple[Button, ...] = (Button("menu", "Back", "quiet"),)
    if left > 0 or place.offset:
        actions = (*actions, Button("more", "Next page" if left > 0 else "First page"))
    more = f"{left} more" if left > 0 else ""
    return Screen(0, verb, title, (*place.said(), Rows(rows, empty, more)), actions)


def show_invite(state: State, place: Place, now_ms: int) -> Screen:
    """People who have not enrolled yet."""
    people = newcomers(state, now_ms)
    return _people(state, place, people, "issue", "Enrol whom?", "Everybody is enrolled.")


def show_locked(state: State, place: Place) -> Screen:
    """People who are locked out."""
    return _people(state, place, locked(state), "release", "Locked out", "Nobody is locked out.")


def _enroller(state: State, person: Person | None) -> str:
    """Who may stand by the enrolment: nobody who issued its code, but a temporary user's maker."""
    session = state.session
    maker = state.people[session.person] if session is not None else None
    if person is not None and maker is not None and standing_by.made(state, person, maker):
        return "you, a pharmacist or an administrator"
    return "a charge nurse, a pharmacist or another administrator"


def show_code(state: State, place: Place) -> Screen:
    """The code, once."""
    person = state.people.get(place.patient)
    name = person.name if person is not None else ""
    alone = person is not None and person.waits_for_pin
    beside = _enroller(state, person)
    then = f"{beside} enrols them" if not alone else f"they choose a new PIN beside {beside}"
    codes = [it for it in state.codes.values() if it.person == place.patient]  # one, or used up
    return Screen(
        0,
        "code",
        f"One-time code for {name}",
        (
            Words(place.shown_code, "take"),
            *(
                Words(
                    f"Good until {day_of(it.expires_ms)} {clock(it.expires_ms)}, for one enrolment."
                )
                for it in codes
            ),
            Words("It is not shown again."),
            Words(f"With it {then}: Tasks, Enrol somebody."),
        ),
        (Button("menu", "Done", "primary"),),
    )
