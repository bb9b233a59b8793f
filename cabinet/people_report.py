"""The report of people's accounts: who was added, changed, suspended, enrolled, by whom, and when.

Not for what they may do now (`access_review.py`). One rule: it is a replay; each row is one entry,
with what was before and after (21 CFR 1311.150(a)(4): changes of access control settings).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.administration_screens import STATUSES, told
from cabinet.effects import apply
from cabinet.reports import local_time
from cabinet.sensor import NOT_LOADED
from cabinet.state import State
from cabinet.wording import ROLES

HEADINGS = ("When", "Entry", "Person", "Staff number", "By", "Approved by", "What", "Why")
BY_LIST = "a list"


@dataclass(frozen=True)
class _Row:
    """What one entry did; people are references, "" for nobody."""

    person: str
    by: str
    what: str
    why: str = ""
    approved_by: str = ""
    by_list: bool = False


def changes(
    bodies: Iterable[r.Body], attached: r.Attached, *, names: bool = True
) -> list[tuple[str, ...]]:
    """A row under HEADINGS for each entry that changed somebody's account, oldest first."""
    state, found = State(), []
    for body in bodies:
        row = _row(state, body.record)
        apply(state, body, attached if names else {})
        if row is not None:
            found.append((body, row))
    return [
        (
            local_time(body.wall_ms),
            str(body.seq),
            _name(state, row.person),
            _number(state, row.person),
            BY_LIST if row.by_list else _name(state, row.by),
            _name(state, row.approved_by),
            row.what,
            row.why,
        )
        for body, row in found
    ]


def _row(state: State, record: r.Record) -> _Row | None:
    """What the record does to somebody's account, told before it is applied."""
    match record:
        case r.PersonListed():
            return _Row(record.person, record.by, _listed(state, record), by_list=not record.by)
        case r.PersonChanged():
            what = _differences(
                (record.before, record.status_before), (record.after, record.status_after)
            )
            return _Row(
                *(record.person, record.by, what, record.why, record.approved_by),
                by_list=not record.by,
            )
        case r.EnrolmentStarted(enroller=by) if by:
            return _Row(record.person, by, "stood by an enrolment")
        case r.PersonEnrolled():
            fingers = len(record.slots)
            what = f"enrolled with {fingers} finger{'' if fingers == 1 else 's'}"
            return _Row(record.person, "", what)
        case r.CodeIssued(by=by) if by:
            return _Row(record.person, by, "given a one-time code")
        case r.LockReleased():
            return _Row(record.person, record.by, "may try again")
        case st.CredentialsWithdrawn():
            what = "must enrol again" + (", with another badge" if record.new_badge else "")
            what = "must choose a new PIN" if record.pin_alone else what
            told = (record.person, record.by, what, record.why, record.approved_by)
            return _Row(*told, by_list=not record.by)
        case st.PinRenewed():
            shown = " and ".join(record.factors)
            return _Row(record.person, "", f"chose a new PIN, proved by {shown}", record.fallback)
        case st.AccessRecovered(persons=(first, second)):
            what = "both enrol again, by the recovery cards and their PINs"
            return _Row(first, second, what, f"report {record.incident}")
        case st.ClockPutRight(persons=(first, second)):
            what = "attested the clock, by the recovery cards and their PINs"
            return _Row(first, second, what, f"report {record.incident}")
        case st.TemporaryOver():
            return _Row(record.person, "", "temporary hours over")
        case fr.SensorFitted(by=by) if by:
            what = "had the kept fingers loaded" if record.load else "had everybody enrol again"
            return _Row("", by, f"finger sensor replaced: {what}", "", record.approved_by)
        case fr.CopiesTakenBack():
            return _Row(record.person, record.by, "wants no copies of their fingers")
        case fr.TemplateNotLoaded(again=False):
            why = NOT_LOADED[record.why]
            return _Row(record.person, "", "finger not loaded into the new sensor", why)
        case st.StaffListTaken():
            what = f"staff list {record.number} taken: {record.people} people, {record.gone} gone"
            return _Row("", "", what, by_list=True)
        case st.StaffListHeld():
            what = f"staff list {record.number} waits: {record.count} of {record.working} would go"
            return _Row("", "", what, by_list=True)
        case st.StaffListJudged():
            verdict = "accepted" if record.accepted else "refused"
            return _Row("", record.by, f"staff list {record.number} {verdict}")
        case _:
            return None


def _listed(state: State, record: r.PersonListed) -> str:
    known = state.people.get(record.person)
    if known is None:
        standing = "" if record.standing == "active" else f", {STATUSES[record.standing].lower()}"
        return f"added as {ROLES[record.rights.role].lower()}{standing}"
    found = [] if known.listed else ["on a list for the first time"]
    if record.badge != known.badge:
        found.append("Badge: another")
    if record.human != known.human_hash:
        found.append("Person number: another")
    what = _differences((known.rights, known.standing), (record.rights, record.standing))
    if what:
        found.append(what)
    return "; ".join(found) or "Name or staff number: another"


def _differences(before: tuple[r.Rights, r.Standing], after: tuple[r.Rights, r.Standing]) -> str:
    """ "Role: Nurse → Charge nurse; Status: Works here → Suspended"."""
    pairs = [("Role", ROLES[before[0].role], ROLES[after[0].role])]
    pairs += [
        (label, old, new)
        for (label, old), (_, new) in zip(told(before[0]), told(after[0]), strict=True)
    ]
    pairs.append(("Status", STATUSES[before[1]], STATUSES[after[1]]))
    return "; ".join(f"{label}: {old} → {new}" for label, old, new in pairs if old != new)


def _name(state: State, ref: str) -> str:
    person = state.people.get(ref)
    return person.name if person is not None else ref


def _number(state: State, ref: str) -> str:
    person = state.people.get(ref)
    return person.details.staff_id if person is not None and person.details is not None else ""
