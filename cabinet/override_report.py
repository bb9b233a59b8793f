"""The report of what was done without an order: emergencies, removals, and the verdict on each.

Not for judging (`reviews.py`). One rule: a report is a replay; it adds nothing to the entries but
the order that came for a removal within a day, which its reader would look for by hand.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cabinet import emergency, override
from cabinet import records as r
from cabinet.effects import apply
from cabinet.reports import local_time
from cabinet.state import State
from cabinet.wording import medicine

MATCHED_WITHIN_MS = 24 * 3_600_000  # an order that came later is none
HEADINGS = (
    *("When", "What", "Who", "Second", "Why", "Medicine", "Taken", "Patient"),
    *("Ended", "Order", "Verdict", "By"),
)


@dataclass
class Line:
    """One emergency, or one removal without an order."""

    subject: str
    wall_ms: int
    what: str
    person: str
    why: str
    second: str = ""
    under: str = ""  # the emergency it was taken under
    medicine: str = ""
    patient: str = ""
    quantity: int = 0
    ended: str = ""
    order: str = ""
    verdict: str = ""
    by: str = ""


def overrides(bodies: Iterable[r.Body], attached: r.Attached, *, names: bool) -> list[list[str]]:
    """Every emergency and every removal without an order, oldest first, under HEADINGS."""
    state, lines = State(), dict[str, Line]()
    details = attached if names else {}
    for body in bodies:
        access = state.access
        apply(state, body, details)
        match body.record:
            case r.EmergencyBegun() as begun:
                lines[begun.emergency] = Line(
                    begun.emergency,
                    body.wall_ms,
                    emergency.NAMES[begun.kind],
                    begun.person,
                    emergency.WHY.get(begun.why, begun.why),
                    begun.second,
                )
            case r.EmergencyEnded() as over:
                words = over.why.replace("_", " ")
                lines[over.emergency].ended = f"{words}, {local_time(body.wall_ms)}"
            case r.RemovalTaken() as taken if access is not None and access.started.override:
                lines[taken.removal] = _taken(state, body, taken, access.started)
            case r.OrderListed() as listed:
                _match(lines.values(), body, listed)
            case r.Reviewed() as reviewed:
                for line in lines.values():
                    if reviewed.subject in (line.subject, line.under):
                        line.verdict = reviewed.verdict.replace("_", " ")
                        line.by = reviewed.by
    return [list(_cells(state, line, lines.get(line.under))) for line in lines.values()]


def _taken(state: State, body: r.Body, taken: r.RemovalTaken, started: r.AccessStarted) -> Line:
    line = Line(
        taken.removal,
        body.wall_ms,
        "Removal",
        started.person,
        override.WHY.get(started.override, started.override),
        under=started.emergency,
        medicine=started.medicine,
        patient=started.patient,
        quantity=taken.quantity,
    )
    for order in state.orders.values():
        if order.active:
            _match([line], body, order.listed)
    return line


def _match(lines: Iterable[Line], body: r.Body, listed: r.OrderListed) -> None:
    """The order stands for the removals of its medicine for its patient of the last day."""
    for line in lines:
        same = (line.patient, line.medicine) == (listed.patient, listed.medicine)
        if same and not line.order and body.wall_ms - line.wall_ms <= MATCHED_WITHIN_MS:
            line.order = listed.order


def _cells(state: State, line: Line, within: Line | None) -> Iterator[str]:
    def name(ref: str) -> str:
        return state.people[ref].name if ref in state.people else ref

    under = ""
    if within is not None:
        under = f", under the {within.what.lower()} of {local_time(within.wall_ms)}"
    listed = state.medicines.get(line.medicine)
    patient = state.patients.get(line.patient)
    yield from (local_time(line.wall_ms), f"{line.what}{under}", name(line.person))
    yield from (name(line.second), line.why)
    yield medicine(listed).replace("\u00a0", " ") if listed is not None else ""
    yield str(line.quantity) if line.medicine else ""
    yield patient.name if patient is not None else ""
    yield line.ended
    yield line.order or ("NO ORDER" if line.medicine else "")
    yield from (line.verdict or "not judged", name(line.by))
