"""Lists from outside: formulary, people, patients and orders, taken all or nothing.

Not for reading files (`importing.py`). One rule: every row is checked against lists and state
before any record is added, and a list never grants administration.
"""

from datetime import date

from auth.policy import Role
from cabinet import records as r
from cabinet.decision import Draft
from cabinet.events import Import, OrderRow, PatientRow, PersonRow
from cabinet.state import State

ROLES = tuple(role.value for role in Role)
MAX_TEXT_CHARS = 120
BADGE_PURPOSE = "badge"  # of the keyed hash by which a badge is known


class _Check:
    """Collects what is wrong, by row."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.seen: dict[tuple[str, str], str] = {}

    def wrong(self, where: str, what: str) -> None:
        self.problems.append(f"{where}: {what}")

    def once(self, where: str, kind: str, key: str) -> None:
        """The key may stand once in its list."""
        first = self.seen.setdefault((kind, key), where)
        if first != where:
            self.wrong(where, f"{kind} {key!r} stands at {first} already")


def imported(draft: Draft, event: Import) -> None:
    """Take the lists, or refuse them with every problem found."""
    state, check = draft.state, _Check()
    if not state.in_service:
        draft.add(r.Refused("import", "not_in_service"))
        draft.refusal = "Nothing taken: enrol the first two administrators with their codes first."
        return
    _check_medicines(state, event, check)
    _check_people(state, event, check)
    _check_patients(state, event, check)
    _check_orders(state, event, check)
    if check.problems:
        draft.add(r.Refused("import", "bad_rows", quantity=len(check.problems)))
        draft.refusal = f"Nothing taken: {len(check.problems)} problems."
        draft.report = check.problems
        return
    _take(draft, event)


# --- checks -------------------------------------------------------------------------------------


def _text(check: _Check, where: str, **values: str) -> None:
    for name, value in values.items():
        if not value:
            check.wrong(where, f"{name} is empty")
        elif len(value) > MAX_TEXT_CHARS or not value.isprintable():
            check.wrong(where, f"{name} is longer than {MAX_TEXT_CHARS} or not printable")


def _check_medicines(state: State, event: Import, check: _Check) -> None:
    for where, row in event.medicines:
        check.once(where, "medicine", row.medicine)
        _text(
            check,
            where,
            code=row.medicine,
            generic=row.generic,
            strength=row.strength,
            form=row.form,
            unit=row.unit,
        )
        known = state.medicines.get(row.medicine)
        if known is not None and (known.unit, known.schedule) != (row.unit, row.schedule):
            held = any(medicine == row.medicine for _, medicine in state.balances)
            if held:
                check.wrong(where, "unit and schedule cannot change while there is stock")
        for pocket in state.pockets.values():
            if pocket.plan.medicine == row.medicine and pocket.plan.schedule != row.schedule:
                check.wrong(
                    where,
                    f"{row.medicine} is {row.schedule}, but cabinet.toml says "
                    f"{pocket.plan.schedule} for pocket {pocket.plan.id}",
                )


def _check_people(state: State, event: Import, check: _Check) -> None:
    for where, row in event.people:
        check.once(where, "staff_id", row.staff_id)
        if row.badge:
            check.once(where, "badge", row.badge[:12])
        _text(check, where, staff_id=row.staff_id, given=row.given, family=row.family)
        if row.role not in ROLES:
            check.wrong(where, f"role {row.role!r} is not one of {', '.join(ROLES)}")
        known = state.people.get(state.by_staff_id.get(row.staff_id, ""))
        was = known.role if known is not None else ""
        if row.role == "administrator" and was != "administrator":
            check.wrong(where, "a list cannot make an administrator")
        if was == "administrator" and row.role != "administrator":
            check.wrong(where, "a list cannot change an administrator's role")
        holder = state.by_badge.get(row.badge, "")
        if row.badge and holder and (known is None or holder != known.ref):
            check.wrong(where, "badge belongs to somebody else")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_patients(state: State, event: Import, check: _Check) -> None:
    staff = {row.staff_id for _, row in event.people}
    for where, row in event.patients:
        check.once(where, "record_number", row.record_number)
        _text(
            check,
            where,
            record_number=row.record_number,
            given=row.given,
            family=row.family,
            bed=row.bed,
        )
        if not _is_day(row.born):
            check.wrong(where, "born is not a date such as 1961-04-05")
        for nurse in row.nurses:
            if nurse not in staff and nurse not in state.by_staff_id:
                check.wrong(where, f"there is no person with staff_id {nurse!r}")


def _check_orders(state: State, event: Import, check: _Check) -> None:
    patients = {row.record_number for _, row in event.patients}
    medicines = {row.medicine for _, row in event.medicines}
    for where, row in event.orders:
        check.once(where, "order", row.order)
        _text(check, where, order=row.order, dose=row.dose, route=row.route)
        if row.record_number not in patients and row.record_number not in state.by_record_number:
            check.wrong(where, f"there is no patient with record_number {row.record_number!r}")
        if row.medicine not in medicines and row.medicine not in state.medicines:
            check.wrong(where, f"medicine {row.medicine!r} is not in the formulary")
        if not 1 <= row.quantity <= 999:
            check.wrong(where, "quantity is not 1 to 999")
        if row.stops_ms and row.stops_ms <= row.starts_ms:
            check.wrong(where, "stops is not after starts")


# --- taking -------------------------------------------------------------------------------------


def _take(draft: Draft, event: Import) -> None:
    state = draft.state
    for _, medicine in event.medicines:
        if state.medicines.get(medicine.medicine) != medicine:
            draft.add(medicine)
    staff = dict(state.by_staff_id)
    for where, person in event.people:
        staff[person.staff_id] = _take_person(draft, where, person)
    patients = dict(state.by_record_number)
    for where, patient in event.patients:
        patients[patient.record_number] = _take_patient(draft, where, patient, staff)
    for where, order in event.orders:
        _take_order(draft, where, order, patients)
    draft.add(
        r.Imported(
            event.source,
            len(event.medicines),
            len(event.people),
            len(event.patients),
            len(event.orders),
        )
    )


def _take_person(draft: Draft, where: str, row: PersonRow) -> str:
    state = draft.state
    ref = state.by_staff_id.get(row.staff_id) or draft.reference()
    known = state.people.get(ref)
    details = r.PersonDetails(row.staff_id, row.given, row.family)
    badge = row.badge or (known.badge if known is not None else "")
    if known is not None and (known.details, known.role, known.badge, known.active) == (
        details,
        row.role,
        badge,
        row.active,
    ):
        draft.report.append(f"{where}: unchanged")
        return ref
    name = draft.attach("person", details)
    draft.add(r.PersonListed(ref, row.role, badge, row.active, name))
    draft.report.append(f"{where}: {'added' if known is None else 'changed'}")
    return ref


def _take_patient(draft: Draft, where: str, row: PatientRow, staff: dict[str, str]) -> str:
    state = draft.state
    ref = state.by_record_number.get(row.record_number) or draft.reference()
    details = r.PatientDetails(
        row.record_number, row.given, row.family, row.born, row.sex, row.bed, row.allergies
    )
    nurses = tuple(staff[nurse] for nurse in row.nurses)
    known = state.patients.get(ref)
    if known is not None and (known.details, known.nurses) == (details, nurses):
        draft.report.append(f"{where}: unchanged")
        return ref
    draft.add(r.PatientListed(ref, nurses, draft.attach("patient", details)))
    draft.report.append(f"{where}: {'added' if known is None else 'changed'}")
    return ref


def _take_order(draft: Draft, where: str, row: OrderRow, patients: dict[str, str]) -> None:
    known = draft.state.orders.get(row.order)
    details = r.OrderDetails(row.dose, row.route, row.frequency, row.reason)
    patient = patients[row.record_number]
    same = known is not None and (
        known.details,
        known.listed.patient,
        known.listed.medicine,
        known.listed.quantity,
        known.listed.starts_ms,
        known.listed.stops_ms,
        known.active,
    ) == (details, patient, row.medicine, row.quantity, row.starts_ms, row.stops_ms, True)
    if same:
        draft.report.append(f"{where}: unchanged")
        return
    draft.add(
        r.OrderListed(
            row.order,
            patient,
            row.medicine,
            row.quantity,
            row.starts_ms,
            row.stops_ms,
            draft.attach("order", details),
        )
    )
    draft.report.append(f"{where}: {'added' if known is None else 'changed'}")
