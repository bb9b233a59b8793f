"""Temporary users: made at the screen for some hours, with a one-time code to enrol with.

Not for enrolling (`enrolment.py`), nor for what they may do (`auth/policy.py`). One rule: they die
by themselves, and whoever makes one never makes themselves.
"""

from dataclasses import replace

from auth.policy import ROLE_GROUPS, Act, Role
from cabinet import lookalikes, numbers, rights
from cabinet import records as r
from cabinet.decision import Draft, Newcomer, Note, Place
from cabinet.events import CodeMade, MakeCode
from cabinet.messages import Block, Button, Keypad, Letters, Row, Rows, Screen
from cabinet.state import Person, State
from cabinet.wording import REASONS, clock, day_of

ROLE = Role.TEMPORARY
MOST_H = 72
HOUR_MS = 3_600_000
ROWS_A_PAGE = 4
MAX_CHARS = 30
STEPS = ("temp_staff_id", "temp_family", "temp_given", "temp_human", "temp_hours")


def people(state: State) -> list[Person]:
    """Every temporary user who has not been taken off the list, the newest first."""
    found = [it for it in state.people.values() if it.role == ROLE.value and it.standing != "left"]
    return sorted(found, key=lambda it: (-it.rights.expires_ms, it.ref))


def pressed(draft: Draft, button: str, text: str) -> None:
    """A button of the temporary users' screens."""
    verb, _, subject = button.partition(":")
    session = draft.state.session
    assert session is not None
    why = rights.refusal(
        draft.state, session.person, Act.TEMPORARY, draft.moment.wall_ms
    ) or rights.unproven(draft.state, session.person, Act.TEMPORARY, session.factors)
    if why:
        draft.add(r.Refused(Act.TEMPORARY.value, why, session.id, session.person))
        draft.refuse(REASONS[why])
    elif verb == "temp_new":
        draft.go("temp_staff_id", newcomer=Newcomer())
    elif verb == "temp_end":
        _end(draft, subject)
    elif verb == "temp_hours":
        _hours(draft, text)
    elif verb == "temp_human":
        numbers.pressed(draft, text)
    else:
        _told(draft, verb, " ".join(text.split()))


def _told(draft: Draft, step: str, text: str) -> None:
    """A staff number or a name, as typed."""
    newcomer, state = draft.place.newcomer, draft.state
    if not text or len(text) > MAX_CHARS or not text.isprintable():
        draft.refuse(REASONS["nothing_typed"])
    elif step == "temp_staff_id":
        if why := numbers.refusal(state, text):
            draft.refuse(why)
            return
        draft.stay(newcomer=replace(newcomer, staff_id=text))
        draft.go("temp_family")
    elif step == "temp_family":
        draft.stay(newcomer=replace(newcomer, family=lookalikes.capitals(text)))
        draft.go("temp_given")
    else:
        newcomer = replace(newcomer, given=lookalikes.capitals(text))
        why = _name_refused(state, newcomer)
        if why:
            draft.go("temp_family", note=Note(why, "refusal"), newcomer=newcomer)
            draft.refusal = why
            return
        if not numbers.disguised(draft, newcomer):
            draft.go("temp_human", newcomer=newcomer)


def _name_refused(state: State, newcomer: Newcomer) -> str:
    """Why somebody of this name is not made here, "" when they may be."""
    session = state.session
    assert session is not None
    name = f"{newcomer.given} {newcomer.family}"
    why = lookalikes.unfit(newcomer.given) or lookalikes.unfit(newcomer.family)
    if why:
        return f"That name {why}."
    if lookalikes.written(name) == lookalikes.written(state.people[session.person].name):
        return REASONS["not_for_oneself"]
    return ""


def _hours(draft: Draft, text: str) -> None:
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= MOST_H):
        draft.refuse(f"Enter 1 to {MOST_H} hours.")
        return
    if draft.place.request:
        draft.refuse("One moment.")
        return
    request = draft.reference()
    draft.command(MakeCode(request))
    draft.stay(request=request, quantity=int(text), note=None)


def code_made(draft: Draft, event: CodeMade) -> None:
    """A fresh code: the temporary user is listed, and the code shown once."""
    place, state, session = draft.place, draft.state, draft.state.session
    now_ms = rights.now_of(state, draft.moment.wall_ms)
    if session is None or event.request != place.request or place.page != "temp_hours":
        return
    if not rights.allowed(state, Act.TEMPORARY, now_ms):
        draft.stay(request="")
        return
    newcomer = place.newcomer
    if why := numbers.refusal(state, newcomer.staff_id):  # by a staff list, since it was typed
        draft.go("temp_staff_id", note=Note(why, "refusal"))
        return
    person, expires_ms = draft.reference(), now_ms + place.quantity * HOUR_MS
    theirs = r.Rights(
        ROLE.value,
        areas=(state.plan.area,),
        groups=ROLE_GROUPS[ROLE],
        expires_ms=expires_ms,
    )
    details = r.PersonDetails(newcomer.staff_id, newcomer.given, newcomer.family)
    valid_ms = now_ms + state.plan.rules.code_valid_h * HOUR_MS
    draft.add(
        r.PersonListed(
            *(person, "", "active", theirs, newcomer.human),
            *(draft.attach("person", details), session.person),
        ),
        r.CodeIssued(event.code, person, session.person, min(expires_ms, valid_ms)),
    )
    draft.go("code", patient=person, shown_code=event.plain, newcomer=Newcomer())


def _end(draft: Draft, ref: str) -> None:
    session, person = draft.state.session, draft.state.people[ref]
    assert session is not None
    draft.add(
        r.PersonChanged(
            ref,
            session.person,
            "",
            person.rights,
            person.rights,
            person.standing,
            "left",
            "temporary_over",
            session.factors,
        )
    )
    draft.stay(note=Note(f"{person.name} works here no more.", "success"))


# --- screens ------------------------------------------------------------------------------------


def show_list(state: State, place: Place, now_ms: int) -> Screen:
    """Who is here for some hours, and until when; pressing one ends it."""
    known = people(state)
    page = known[place.offset : place.offset + ROWS_A_PAGE]
    left = len(known) - place.offset - len(page)
    rows = []
    for person in page:
        expires_ms = person.rights.expires_ms
        over = person.status(rights.now_of(state, now_ms)) == "expired"
        until = f"{day_of(expires_ms)} {clock(expires_ms)}"
        line = f"Ended {until}" if over else f"Until {until}"
        rows.append(Row(f"temp_end:{person.ref}", person.name, (line, "Press to end it for good.")))
    actions = [Button("emergency", "Back", "quiet")]
    if left > 0 or place.offset:
        actions.append(Button("more", "Next page" if left > 0 else "First page"))
    actions.append(Button("temp_new", "New temporary user", "primary"))
    more = f"{left} more" if left > 0 else ""
    blocks = (*place.said(), Rows(tuple(rows), "No temporary users.", more))
    return Screen(0, "temporary", "Temporary users", blocks, tuple(actions))


def show_step(state: State, place: Place) -> Screen:
    """A step of making one."""
    block: Block
    labels = {
        "temp_staff_id": "Their staff or agency number",
        "temp_family": "Their family name",
        "temp_given": "Their given name",
    }
    title, newcomer = "New temporary user", place.newcomer
    ways = numbers.ways_back(place.page, STEPS, "temporary")
    if place.page == "temp_human":
        return numbers.show(title, place.page, place.said(), ways, newcomer.person_number)
    if place.page == "temp_hours":
        block = Keypad(
            f"For how many hours? At most {MOST_H}; {state.plan.rules.temporary_h} as a rule.",
            Button("temp_hours", "OK", "primary"),
            2,
            "hours",
        )
    else:
        typed = getattr(newcomer, place.page.removeprefix("temp_"))
        submit = Button(place.page, "OK", "primary")
        block = Letters(labels[place.page], submit, MAX_CHARS, typed=typed)
    return Screen(0, place.page, title, (*place.said(), block), ways)
