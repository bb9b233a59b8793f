"""Reports from the ledger's entries alone: what was removed, by whom, for whom, what became of it.

Not for screens. One rule: a report is a replay; it reads the same records as the state does and
adds nothing that is not in them.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from cabinet import factor_records as fr
from cabinet import override
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.effects import apply
from cabinet.state import State
from cabinet.wording import medicine


@dataclass
class RemovalLine:
    """One removal; quantities in the medicine's smallest unit."""

    removal: str
    entry: int
    at: str
    person: str
    factors: str
    patient: str
    order: str
    medicine: str
    schedule: str
    drawer: str
    quantity: int
    unit: str
    count_before: int | None
    count_after: int
    given: int = 0
    wasted: int = 0
    witnesses: list[str] = field(default_factory=list)
    returned: int = 0

    @property
    def outstanding(self) -> int:
        """Not yet given, wasted or returned; zero is a closed removal."""
        return self.quantity - self.given - self.wasted - self.returned


def local_time(wall_ms: int) -> str:
    """ "2026-11-22 14:05:09" in the cabinet's time zone."""
    return datetime.fromtimestamp(wall_ms / 1000).strftime("%Y-%m-%d %H:%M:%S")


def removals(
    bodies: Iterable[r.Body], attached: r.Attached, *, names: bool = True
) -> list[RemovalLine]:
    """Every removal in the ledger, oldest first; without names, people appear as references."""
    state, lines = State(), {}
    counted: dict[str, int] = {}
    details = attached if names else {}
    for body in bodies:
        record = body.record
        match record:
            case r.Counted(phase="before"):
                counted[record.access] = record.found
        access = state.access
        apply(state, body, details)
        match record:
            case r.RemovalTaken():
                assert access is not None
                found = counted.get(record.access)
                lines[record.removal] = _line(state, body, record, access.started, found)
            case r.Given():
                lines[record.removal].given += record.quantity
            case r.Wasted():
                line = lines[record.removal]
                line.wasted += record.quantity
                witness = state.people[record.witness].name
                line.witnesses.append(f"{witness} ({' + '.join(record.witness_factors)})")
            case r.Returned():
                lines[record.removal].returned += record.quantity
    return list(lines.values())


def _line(
    state: State,
    body: r.Body,
    record: r.RemovalTaken,
    started: r.AccessStarted,
    found: int | None,
) -> RemovalLine:
    listed = state.medicines[started.medicine]
    second: tuple[str, ...] = ()
    if started.witness:
        name, factors = state.people[started.witness].name, " + ".join(started.witness_factors)
        second = (f"{name} ({factors}), before it opened",)
    return RemovalLine(
        record.removal,
        body.seq,
        local_time(body.wall_ms),
        state.people[started.person].name,
        " + ".join(started.factors),
        state.patients[started.patient].name,
        started.order or f"OVERRIDE: {override.WHY.get(started.override, started.override)}",
        medicine(listed).replace("\u00a0", " "),
        listed.schedule,
        started.drawer,
        record.quantity,
        listed.unit,
        found,
        state.on_hand(started.pocket),
        witnesses=list(second),
    )


@dataclass
class ProofLine:
    """How one person proved who they are, over the whole ledger."""

    person: str
    proofs: int = 0  # sign-ins, unlocked screens and acts as a second person
    supervised: int = 0  # sign-ins that somebody stood by
    by_reason: dict[str, int] = field(default_factory=dict)  # why a PIN stood in: how often


FALLBACKS = ("not_enrolled", "sensor_down", "sensor_fault", "finger_off")
PROOF_COLUMNS = tuple(it.replace("_", " ") for it in FALLBACKS)
PROOF_HEADINGS = ("Who", "Proofs", "By PIN", *PROOF_COLUMNS, "Supervised")


def proofs(
    bodies: Iterable[r.Body], attached: r.Attached, *, names: bool = True
) -> list[ProofLine]:
    """Each person's proofs, and how often a PIN stood in for the finger; most of those first."""
    state, lines = State(), dict[str, ProofLine]()
    for body in bodies:
        session = state.session
        apply(state, body, attached if names else {})
        match body.record:
            case r.SignedIn(person=person, fallback=fallback):
                pass
            case fr.Supervised(supervisor=person, fallback=fallback):
                lines.setdefault(body.record.person, ProofLine("")).supervised += 1
            case r.ScreenUnlocked(fallback=fallback) if session is not None:
                person = session.person
            case r.Wasted(witness=person, witness_fallback=fallback):
                pass
            case r.Counted(witness=person, witness_fallback=fallback) if person:
                pass
            case r.EmergencyBegun(second=person, second_fallback=fallback) if person:
                pass
            case (
                r.PersonChanged(approved_by=person, approver_fallback=fallback)
                | st.CredentialsWithdrawn(approved_by=person, approver_fallback=fallback)
                | fr.SensorFitted(approved_by=person, approver_fallback=fallback)
                | r.AccessStarted(witness=person, witness_fallback=fallback)
            ) if person:
                pass
            case _:
                continue
        line = lines.setdefault(person, ProofLine(""))
        line.person = state.people[person].name
        line.proofs += 1
        if fallback:
            line.by_reason[fallback] = line.by_reason.get(fallback, 0) + 1
    return sorted(lines.values(), key=lambda line: -sum(line.by_reason.values()))


def proof_table(lines: Iterable[ProofLine]) -> list[tuple[str, ...]]:
    """The report as rows of text under PROOF_HEADINGS."""
    return [
        (
            line.person,
            str(line.proofs),
            str(sum(line.by_reason.values())),
            *(str(line.by_reason.get(reason, 0)) for reason in FALLBACKS),
            str(line.supervised),
        )
        for line in lines
    ]


HEADINGS = (
    "When",
    "Who",
    "Factors",
    "Patient",
    "Order",
    "Medicine",
    "Taken",
    "Count before",
    "Count after",
    "Given",
    "Wasted",
    "Witness",
    "Returned",
    "Open",
)


def table(lines: Iterable[RemovalLine]) -> list[tuple[str, ...]]:
    """The report as rows of text under HEADINGS."""
    return [
        (
            line.at,
            line.person,
            line.factors,
            line.patient,
            line.order,
            line.medicine,
            str(line.quantity),
            "not counted" if line.count_before is None else str(line.count_before),
            str(line.count_after),
            str(line.given),
            str(line.wasted),
            ", ".join(line.witnesses),
            str(line.returned),
            "closed" if not line.outstanding else str(line.outstanding),
        )
        for line in lines
    ]


def spreadsheet(rows: Iterable[tuple[str, ...]]) -> list[list[str]]:
    """The rows for a spreadsheet, in which no name is a formula (OWASP, CSV injection)."""
    return [[f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in rows]


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain(line: RemovalLine) -> dict[str, object]:
    """The line as a table for JSON."""
    return {**asdict(line), "outstanding": line.outstanding}
