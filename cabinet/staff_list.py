"""A signed staff list: who is on it, who is not any more, and when a person must look first.

Not for its files and signature (`staff_file.py`), nor for how one row is taken (`lists.py`). One
rule: a list may take rights from anybody, and gives none that a person must give; it never brings
back whom a person stopped, nor who left.

A list names everybody: whoever came by a list and is not on this one is suspended. People who were
added at the screen, and temporary users, are on no list, and stay.
"""

from dataclasses import replace

from auth.policy import Act, Role
from cabinet import lists, rights
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.decision import Draft, Note, Place
from cabinet.events import PersonRow, StaffList
from cabinet.lists import People
from cabinet.messages import Button, Row, Rows, Screen, Words
from cabinet.state import Person, State
from cabinet.wording import REASONS, ROLES

ROWS_A_PAGE = 4
MOST_NAMED = 400  # of those who would lose access, so that the record fits into an entry
BY_TWO = (Role.PHARMACIST.value, Role.ADMINISTRATOR.value)  # roles that two administrators give
PROBLEMS = {
    "not_in_service": REASONS["not_in_service"],
    "no_key": "cabinet.toml names no key that signs staff lists: vkey of [staff_list].",
    "no_note": "there is no signed note of a staff list beside it.",
    "wrong_signature": "it is not signed by the key that cabinet.toml names.",
    "another_file": "the note is of another file: one of the two was changed.",
    "unreadable": "it is not a list of people.",
    "old_list": "a list with this number or a higher one was taken or refused already.",
    "bad_rows": "nothing of it is right to take.",
}


def arrived(draft: Draft, event: StaffList) -> None:
    """Take the list, hold it for a person, or refuse it."""
    known = draft.state.staff_list
    if not draft.state.in_service:
        _refuse(draft, "not_in_service")
    elif event.problem:
        _refuse(draft, event.problem, *([event.words] if event.words else []))
    elif (event.number, event.digest) == (known.number, known.digest):
        draft.report.append(f"list {event.number}: taken already")
    elif event.number <= known.number:
        _refuse(draft, "old_list")
    else:
        _look_at(draft, event)


def _refuse(draft: Draft, why: str, *report: str) -> None:
    draft.add(r.Refused("staff_list", why, quantity=len(report)))
    draft.refusal = f"The staff list is not taken: {PROBLEMS[why]}"
    draft.report = list(report)


def _look_at(draft: Draft, event: StaffList) -> None:
    state, now_ms = draft.state, draft.moment.wall_ms
    rows, told = _undisguised(state, *_bounded(state, event.rows))
    rows, gone = _with_an_administrator(state, rows, _gone(state, event.rows), told, now_ms)
    check = lists.Check()
    lists.check_people(state, rows, check, now_ms, gone)
    if check.problems:
        _refuse(draft, "bad_rows", *check.problems)
        return
    stopped = [state.by_staff_id.get(row.staff_id) for _, row in rows if row.status != "active"]
    working = [it.ref for it in state.people.values() if it.standing == "active"]
    losing = [ref for ref in working if ref in gone or ref in stopped]
    if _too_many(state, event, len(losing), len(working)):
        _hold(draft, event, losing, len(working))
        return
    for where, row in rows:
        lists.take_person(draft, where, row)
    why = f"not on staff list {event.number}"
    for ref in gone:
        held = state.people[ref].rights
        draft.add(r.PersonChanged(ref, "", "", held, held, "active", "suspended", why))
    for where, what in told:
        draft.add(r.Refused("staff_list", what))
        draft.report.append(f"{where}: {_TOLD[what]}")
    draft.add(st.StaffListTaken(event.number, event.digest, event.note, len(event.rows), len(gone)))
    draft.report.append(f"list {event.number}: taken; not on it and suspended: {len(gone)}")


# --- what a list may not do -----------------------------------------------------------------------

_TOLD = {
    "grants_role": "two administrators give this role at the screen; not taken from the list",
    "administrator": "an administrator's rights are not changed by a list; only suspended",
    "grants_more": "more areas or a later end are given at the screen; not taken from the list",
    "disguised": "a name or number of no writing, or that looks like somebody's; not taken",
    "badge_taken": "badge belongs to somebody else; not taken from the list",
    "last_administrator": "no administrator would be left whose access never ends; not suspended",
    "left": "left for good; a staff number is never given again",
    "stopped_by_person": "was suspended by a person, who alone brings them back",
}


def _bounded(state: State, rows: People) -> tuple[People, list[tuple[str, str]]]:
    """The rows without what a list may not do, and what that was, by row."""
    bounded, told = [], []
    badges, twice = set[str](), set[str]()  # what stands twice is the list's own mistake
    for _, it in rows:
        (twice if it.badge in badges else badges).add(it.badge)
    for where, listed in rows:
        listed_ref = state.by_staff_id.get(listed.staff_id, "")
        known = state.people.get(listed_ref)
        if listed.number in state.spent:
            told += [(where, "left")] if listed.status != "left" else []
            continue
        row, what = _of_known(listed, known) if known is not None else _of_new(listed)
        taken = state.by_badge.get(listed.badge, listed_ref) != listed_ref
        if row is not None and taken and listed.badge not in twice:
            # Whoever has it may be a leaver, who would stay if the list were refused for it.
            row, what = replace(row, badge=""), [*what, "badge_taken"]
        told += [(where, each) for each in what]
        if row is not None:
            bounded.append((where, row))
    return tuple(bounded), told


def _undisguised(
    state: State, rows: People, told: list[tuple[str, str]]
) -> tuple[People, list[tuple[str, str]]]:
    """Without new people in a disguise, which is no reason to keep the leavers of the same list.

    Else whoever makes an account that is drawn like the next newcomer's would keep all lists out.
    """
    check = lists.Check()
    lists.check_names(state, rows, check)
    new = [where for where, row in rows if row.staff_id not in state.by_staff_id]
    out = [where for where in new if where in check.rows]
    kept = tuple((where, row) for where, row in rows if where not in out)
    return kept, [*told, *((where, "disguised") for where in out)]


def _of_new(row: PersonRow) -> tuple[PersonRow | None, list[str]]:
    if row.role == Role.ADMINISTRATOR.value:  # added at the screen, or nowhere
        return None, ["grants_role"]
    if row.role in BY_TWO:  # listed, but of no use before two administrators bring them in
        return replace(row, status="suspended"), ["grants_role"]
    return replace(row, status=row.status or "active"), []


def _of_known(row: PersonRow, known: Person) -> tuple[PersonRow | None, list[str]]:
    told = []
    row = replace(row, status=row.status or "active")
    if known.standing == "left":
        return None, ["left"] if row.status != "left" else []
    if known.role == Role.ADMINISTRATOR.value:
        if row.role != known.role:
            told.append("administrator")
        row = replace(
            row, role=known.role, areas=None, groups=None, expires_ms=None, competencies=None
        )
    elif row.role in BY_TWO and row.role != known.role:
        told.append("grants_role")
        row = replace(row, role=known.role)
    if lists.gives_more(row, known):
        told.append("grants_more")
        row = replace(row, areas=None, expires_ms=None)
    if known.standing == "suspended" and row.status == "active":
        pending = known.role in BY_TWO and not known.enrolled
        if known.stopped_by or pending:
            row = replace(row, status="suspended")
        if known.stopped_by:
            told.append("stopped_by_person")
    return row, told


def _gone(state: State, rows: People) -> list[str]:
    """Working people who came by a list and are not on this one."""
    named = [row.staff_id for _, row in rows]
    here = dict.fromkeys(state.by_staff_id.get(staff_id, "") for staff_id in named)
    return [
        person.ref
        for person in state.people.values()
        if person.listed and person.standing == "active" and person.ref not in here
    ]


def _with_an_administrator(
    state: State, rows: People, gone: list[str], told: list[tuple[str, str]], now_ms: int
) -> tuple[People, list[str]]:
    """The rows and who is gone, but for the last administrators; that they stay is `told`.

    Else whoever makes themselves the last one would keep all lists out, and all leavers in.
    """
    lasting = [it.ref for it in rights.lasting(state, rights.now_of(state, now_ms))]
    stopped = [(where, it.staff_id) for where, it in rows if it.status != "active"]
    by_row = {state.by_staff_id.get(staff_id): where for where, staff_id in stopped}
    if not all(ref in gone or ref in by_row for ref in lasting):
        return rows, gone
    told += [(by_row.get(ref, "the list"), "last_administrator") for ref in lasting]
    stays = [by_row[ref] for ref in lasting if ref in by_row]
    kept = tuple((where, row) for where, row in rows if where not in stays)
    return kept, [ref for ref in gone if ref not in lasting]


# --- what a person must look at -------------------------------------------------------------------


def _too_many(state: State, event: StaffList, losing: int, working: int) -> bool:
    """Whether so many would lose access that a person looks first; one leaver is a leaver."""
    if state.staff_list.accepted == event.digest:
        return False
    limit = state.plan.rules.staff_list_gone_percent
    return not event.rows or (losing > 1 and losing * 100 > working * limit)


def _hold(draft: Draft, event: StaffList, losing: list[str], working: int) -> None:
    held = draft.state.staff_list.held
    draft.refusal = (
        f"The staff list waits: {len(losing)} of {working} people would lose their access. An "
        "administrator looks at it at the screen (Staff list) and accepts it; then bring it again."
    )
    if held is not None and held.digest == event.digest and held.count == len(losing):
        return  # it waits already
    draft.add(
        st.StaffListHeld(
            event.number,
            event.digest,
            len(event.rows),
            working,
            len(losing),
            tuple(losing[:MOST_NAMED]),
        )
    )


def _shown_as(held: st.StaffListHeld) -> str:
    """What its buttons carry, so that a press means this list and no later one."""
    return held.digest[:16]


def pressed(draft: Draft, button: str) -> None:
    """An administrator accepts or refuses the list that waits."""
    verb, _, subject = button.partition(":")
    state, session = draft.state, draft.state.session
    assert session is not None
    held = state.staff_list.held
    why = rights.refusal(state, session.person, Act.ADMINISTER, draft.moment.wall_ms)
    why = why or rights.unproven(state, session.person, Act.ADMINISTER, session.factors)
    if why:
        draft.add(r.Refused(Act.ADMINISTER.value, why, session.id, session.person))
        draft.refuse(REASONS[why])
        return
    if held is None:  # taken or replaced since it was shown
        draft.refuse("That cannot be pressed now.")
        return
    if subject != _shown_as(held):
        draft.refuse("Another list came in its place. Look at it first.")
        return
    accepted = verb == "accept_list"
    draft.add(st.StaffListJudged(held.number, held.digest, session.person, accepted))
    words = "accepted. It is taken when it is brought again." if accepted else "refused."
    draft.go("menu", note=Note(f"Staff list {held.number} {words}", "success"))


def show(state: State, place: Place) -> Screen:
    """Who would lose access by the list that waits."""
    held = state.staff_list.held
    back = Button("menu", "Back", "quiet")
    if held is None:
        return Screen(0, "staff_list", "Staff list", (*place.said(), Words("None waits.")), (back,))
    page = held.losing[place.offset : place.offset + ROWS_A_PAGE]
    left = len(held.losing) - place.offset - len(page)
    rows = tuple(_row(state.people[ref]) for ref in page)
    people = "1 person" if held.people == 1 else f"{held.people} people"
    words = (
        f"List {held.number} names {people}. "
        f"{held.count} of {held.working} who work here would lose their access:"
    )
    actions: tuple[Button, ...] = (back,)
    if left > 0 or place.offset:
        actions = (*actions, Button("more", "Next page" if left > 0 else "First page"))
    actions = (
        *actions,
        Button(f"refuse_list:{_shown_as(held)}", "Refuse the list"),
        Button(f"accept_list:{_shown_as(held)}", "Accept the list", "danger"),
    )
    listed = Rows(rows, "Nobody.", f"{left} more" if left > 0 else "")
    return Screen(
        0, "staff_list", "Staff list", (*place.said(), Words(words, "strong"), listed), actions
    )


def _row(person: Person) -> Row:
    number = f" — No. {person.details.staff_id}" if person.details is not None else ""
    return Row("", person.name, (f"{ROLES[person.role]}{number}",))
