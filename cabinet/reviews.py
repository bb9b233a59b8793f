"""What was done without an order waits here until a pharmacist has judged it.

Not for beginning an emergency (`emergency.py`) nor removing (`override.py`). One rule: nothing goes
from this list but by a verdict, and nobody judges what they took part in.
"""

from collections.abc import Iterator

from auth.policy import Act
from cabinet import emergency, override, rights
from cabinet import records as r
from cabinet.decision import Draft, Note, Place
from cabinet.messages import Alarm, Button, Facts, Row, Rows, Screen
from cabinet.state import Overridden, State
from cabinet.stock import is_past
from cabinet.wording import REASONS, amount, clock, day_of, medicine, medicine_tag

ROWS_A_PAGE = 4
VERDICTS = {"justified": "Justified", "not_justified": "Not justified"}


def waiting(state: State) -> list[str]:
    """What waits for a verdict, oldest first: emergencies that are over, and single removals."""
    found = [(it.begun_ms, it.id) for it in state.emergencies.values()]
    found += [(it.taken_ms, it.removal) for it in _alone(state)]
    return [subject for _, subject in sorted(found)]


def _alone(state: State) -> list[Overridden]:
    """Removals that no emergency's verdict judges: under none, or it was judged before."""
    return [it for it in state.overridden.values() if it.emergency not in state.emergencies]


def alarms(state: State, now_ms: int) -> list[Alarm]:
    """What whoever judges is reminded of."""
    if not rights.allowed(state, Act.VERDICT, now_ms):
        return []
    found, to_judge = [], waiting(state)
    if to_judge:
        words = f"{len(to_judge)} taken without an order, waiting for a verdict: see Tasks."
        found.append(Alarm("low", words))
    if any(is_past(state, row.review, now_ms) for row in state.plan.override):
        words = "The list for removal without an order must be looked at again: cabinet.toml."
        found.append(Alarm("low", words))
    return found


def removals_of(state: State, subject: str) -> list[Overridden]:
    """The removals that one verdict judges."""
    found = state.overridden.values()
    return [it for it in found if subject in (it.removal, it.emergency)]


def _people(state: State, subject: str) -> Iterator[str]:
    """Everybody who took part."""
    begun = state.emergencies.get(subject)
    if begun is not None:
        yield begun.person
        yield from (begun.second,) if begun.second else ()
    for taken in removals_of(state, subject):
        yield from (it for it in (taken.person, taken.witness) if it)


def refusal(state: State, subject: str, now_ms: int) -> str:
    """Why the person at the screen may not judge it now, "" when they may."""
    session = state.session
    assert session is not None
    why = rights.refusal(state, session.person, Act.VERDICT, now_ms) or rights.unproven(
        state, session.person, Act.VERDICT, session.factors
    )
    if why:
        return why
    begun = state.emergencies.get(subject)
    if begun is not None and not begun.ended:
        return "still_on"
    took_part = _people(state, subject)
    own = any(rights.same_human(state, session.person, person) for person in took_part)
    return "reviewers_own" if own else ""


def pressed(draft: Draft, button: str) -> None:
    """A button of the review's screens."""
    verb, _, subject = button.partition(":")
    if verb == "review":
        draft.go("review", subject=subject)
        return
    state, session, subject = draft.state, draft.state.session, draft.place.subject
    assert session is not None
    why = refusal(state, subject, draft.moment.wall_ms)
    if why:
        draft.add(r.Refused("verdict", why, session.id, session.person))
        draft.refuse(REASONS[why])
        return
    draft.add(
        r.Reviewed(
            subject,
            session.id,
            session.person,
            "justified" if verb == "justified" else "not_justified",
        )
    )
    draft.go("reviews", note=Note(f"Recorded: {VERDICTS[verb].lower()}.", "success"))


# --- screens ------------------------------------------------------------------------------------


def _title(state: State, subject: str) -> str:
    begun = state.emergencies.get(subject)
    if begun is not None:
        return emergency.NAMES[begun.kind]
    taken = state.overridden[subject]
    listed = state.medicines[taken.medicine]
    return f"{amount(taken.quantity, listed.unit)} of {medicine(listed)}"


def _why(state: State, subject: str) -> str:
    why = state.overridden[subject].why
    return override.WHY.get(why, why)


def show_list(state: State, place: Place, _: int) -> Screen:
    """Everything that waits for a verdict."""
    subjects = waiting(state)
    page = subjects[place.offset : place.offset + ROWS_A_PAGE]
    left = len(subjects) - place.offset - len(page)
    rows = []
    for subject in page:
        begun = state.emergencies.get(subject)
        person = begun.person if begun is not None else state.overridden[subject].person
        when_ms = begun.begun_ms if begun is not None else state.overridden[subject].taken_ms
        number = len(removals_of(state, subject))
        count = f"{number} removal{'' if number == 1 else 's'}"
        on = "STILL ON" if begun is not None and not begun.ended else ""
        lines = (
            f"{state.people[person].name} — {day_of(when_ms)} {clock(when_ms)}",
            count if begun is not None else _why(state, subject),
        )
        rows.append(Row(f"review:{subject}", _title(state, subject), lines, on, "warning"))
    actions: tuple[Button, ...] = (Button("menu", "Back", "quiet"),)
    if left > 0 or place.offset:
        actions = (*actions, Button("more", "Next page" if left > 0 else "First page"))
    more = f"{left} more" if left > 0 else ""
    blocks = (*place.said(), Rows(tuple(rows), "Nothing waits for a verdict.", more))
    return Screen(0, "reviews", "Taken without an order", blocks, actions)


def show(state: State, place: Place, now_ms: int) -> Screen:
    """One thing to judge: who began it and why, and what was taken."""
    subject = place.subject
    if subject not in waiting(state):
        return show_list(state, place, now_ms)
    begun = state.emergencies.get(subject)
    taken = removals_of(state, subject)
    page = taken[place.offset : place.offset + ROWS_A_PAGE]
    left = len(taken) - place.offset - len(page)
    facts: tuple[Facts, ...] = ()
    if begun is not None:
        second = state.people[begun.second].name if begun.second else "nobody"
        pairs = (
            ("Begun by", f"{state.people[begun.person].name}, agreed by {second}"),
            ("Why", emergency.WHY.get(begun.why, begun.why)),
            ("From", f"{day_of(begun.begun_ms)} {clock(begun.begun_ms)}"),
        )
        facts = (Facts(pairs),)
    why = refusal(state, subject, now_ms)
    words = REASONS[why] if why else ""
    actions = [Button("reviews", "Back", "quiet")]
    if left > 0 or place.offset:
        actions.append(Button("more", "Next page" if left > 0 else "First page"))
    actions.append(Button("not_justified", VERDICTS["not_justified"], "danger", words))
    actions.append(Button("justified", VERDICTS["justified"], "primary", words))
    rows = Rows(
        tuple(_row(state, it) for it in page),
        "Nothing was taken.",
        f"{left} more" if left > 0 else "",
    )
    return Screen(
        0, "review", _title(state, subject), (*place.said(), *facts, rows), tuple(actions)
    )


def _row(state: State, taken: Overridden) -> Row:
    listed = state.medicines[taken.medicine]
    patient = state.patients.get(taken.patient)
    return Row(
        "",
        f"{amount(taken.quantity, listed.unit)} of {medicine(listed)}",
        (
            f"{state.people[taken.person].name} for {patient.name if patient else 'nobody'} — "
            f"{clock(taken.taken_ms)}",
            override.WHY.get(taken.why, taken.why),
        ),
        medicine_tag(listed),
        "controlled" if state.controlled(listed.medicine) else "plain",
    )
