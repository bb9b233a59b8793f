"""The report of technicians' visits: who, when, which parts, tests and notes, and who let them in.

The maintenance records of 45 CFR 164.310(a)(2)(iv). Not for the commands that only read: each is an
entry of its own. One rule: it is a replay; each row is one entry.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cabinet import records as r
from cabinet import service_records as sr
from cabinet.effects import apply
from cabinet.reports import local_time
from cabinet.service_answers import visited
from cabinet.state import State

HEADINGS = ("When", "Entry", "Visit", "Technician", "What")
NOT_ACCEPTED = {
    "wrong_secret": "a wrong PIN or code",
    "locked": "a person who is locked out",
    "too_soon": "too soon after wrong tries",
}


@dataclass
class _Row:
    body: r.Body
    visit: str
    what: str
    who: str = field(repr=False)


def visits(
    bodies: Iterable[r.Body], attached: r.Attached, *, names: bool = True
) -> list[tuple[str, ...]]:
    """A row under HEADINGS for each entry of a visit, oldest first."""
    state, rows = State(), list[_Row]()
    details = attached if names else {}
    for body in bodies:
        before = state.service
        apply(state, body, details)
        now = state.service or before
        what = _what(state, body.record, details)
        if what:
            session = getattr(body.record, "service", "") or getattr(body.record, "session", "")
            rows.append(_Row(body, session, what, now.name if now is not None and session else ""))
    return [
        (local_time(row.body.wall_ms), str(row.body.seq), row.visit, row.who, row.what)
        for row in rows
    ]


def _what(state: State, record: r.Record, attached: r.Attached) -> str:
    """What the entry tells, "" where it is of no visit or only of a command."""
    match record:
        case sr.ServiceCommand():
            return ""
        case sr.ServiceSignedIn(people=people) if people:
            whom = " and ".join(_name(state, ref) for ref in people)
            return f"{visited(record)}, which names {whom}"
        case sr.ServiceRefused(why=why, person=person):
            whom = f", as {_name(state, person)}" if person else ""
            return f"sign-in refused: {NOT_ACCEPTED.get(why, why.replace('_', ' '))}{whom}"
        case sr.ServiceAdmitted(person=person):
            return f"let in by {_name(state, person)}"
        case sr.ServiceNoted(note=name):
            note = attached.get(name)
            return f"note: {note.text}" if isinstance(note, sr.ServiceNote) else f"note {name[:8]}"
        case sr.ServiceEnded(why=why):
            return f"ended: {why.replace('_', ' ')}"
        case r.AccessStarted(service=service, drawer=drawer, person=person) if service:
            return f"lock pulsed: {drawer}, by {_name(state, person)}, who counts"
        case _:
            return visited(record)


def _name(state: State, ref: str) -> str:
    person = state.people.get(ref)
    return person.name if person is not None else ref
