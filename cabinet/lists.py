"""Lists from outside: formulary, people, patients and orders, taken all or nothing.

Not for reading files (`importing.py`). One rule: every row is checked against lists and state
before any record is added, and a list never grants administration, pharmacy or override.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

from auth.policy import EVERYWHERE, GROUPS, ROLE_GROUPS, Role
from cabinet import lookalikes, rights
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.decision import Draft
from cabinet.events import Import, OrderRow, PatientRow, PersonRow
from cabinet.state import Person, State
from cabinet.stock import is_day

ROLES = tuple(role.value for role in Role)
MAX_TEXT_CHARS = 120
MAX_LONG_CHARS = 500  # allergies: cutting them, or refusing the patient, would harm
MAX_NURSES = 40  # of one patient
FIRST_DAY = "1850-01-01"
FIRST_MS, LAST_MS = 946_684_800_000, 4_102_444_800_000  # the years 2000 to 2099
STANDINGS: tuple[r.Standing, ...] = get_args(r.Standing)
MAX_AREAS, MAX_COMPETENCIES = 16, 16
MAX_NAME_CHARS = 32  # of an area or a competency
BADGE_PURPOSE = "badge"  # of the keyed hash by which a badge is known
NUMBER_PURPOSE = "staff number"  # of the one that is given once, also after its name was erased
HUMAN_PURPOSE = "person number"  # of the one by which two accounts are known as one human's


People = Sequence[tuple[str, PersonRow]]  # (file:line, row)


class Check:
    """Collects what is wrong, by row."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.rows: list[str] = []  # where they are
        self.seen: dict[tuple[str, str], str] = {}

    def wrong(self, where: str, what: str) -> None:
        self.problems.append(f"{where}: {what}")
        self.rows.append(where)

    def once(self, where: str, kind: str, key: str) -> None:
        """The key may stand once in its list; it is not quoted, as it may be a person's."""
        if (kind, key) in self.seen:
            self.wrong(where, f"its {kind} stands at {self.seen[kind, key]} already")
        self.seen.setdefault((kind, key), where)


def imported(draft: Draft, event: Import) -> None:
    """Take the lists, or refuse them with every problem found."""
    state, check = draft.state, Check()
    if not state.in_service:
        draft.add(r.Refused("import", "not_in_service"))
        draft.refusal = "Nothing taken: enrol the first two administrators with their codes first."
        return
    _check_medicines(state, event, check)
    check_people(state, event.people, check, draft.moment.wall_ms)
    today = datetime.fromtimestamp(draft.moment.wall_ms / 1000, UTC).date().isoformat()
    _check_patients(state, event, check, today)
    _check_orders(state, event, check)
    if check.problems:
        draft.add(r.Refused("import", "bad_rows", quantity=len(check.problems)))
        found = len(check.problems)
        draft.refusal = f"Nothing taken: {found} problem{'' if found == 1 else 's'}."
        draft.report = check.problems
        return
    _take(draft, event)


# --- checks -------------------------------------------------------------------------------------


def _text(check: Check, where: str, **values: str) -> None:
    for name, value in values.items():
        if not value:
            check.wrong(where, f"{name} is empty")
    _may_be_empty(check, where, **values)


def _may_be_empty(check: Check, where: str, most: int = MAX_TEXT_CHARS, /, **values: str) -> None:
    for name, value in values.items():
        if len(value) > most or (value and not value.isprintable()):
            check.wrong(where, f"{name} is longer than {most} or not printable")


def _check_medicines(state: State, event: Import, check: Check) -> None:
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
        _may_be_empty(
            check,
            where,
            brand=row.brand,
            therapeutic_class=row.therapeutic_class,
            ndc=row.ndc,
        )
        if row.group and row.group not in GROUPS:
            check.wrong(where, f"group is not one of {' '.join(GROUPS)}")
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


def check_people(
    state: State, rows: People, check: Check, now_ms: int, gone: Sequence[str] = ()
) -> None:
    """Whether these rows may be taken, while those who are `gone` (references) are suspended."""
    for where, row in rows:
        check.once(where, "staff_id", row.staff_id)
        if row.badge:
            check.once(where, "badge", row.badge)
        _text(check, where, staff_id=row.staff_id, given=row.given, family=row.family)
        known = state.people.get(state.by_staff_id.get(row.staff_id, ""))
        if row.number in state.spent:
            check.wrong(where, "staff_id is of somebody who left: a number is never given again")
        _check_rights(check, where, row)
        _check_granting(check, where, row, known)
        holder = state.by_badge.get(row.badge, "")
        if row.badge and holder and (known is None or holder != known.ref):
            check.wrong(where, "badge belongs to somebody else")
    check_names(state, rows, check)
    _check_administrators(state, rows, check, now_ms, gone)


def check_names(state: State, rows: People, check: Check) -> None:
    """Two people of one name are two people; a name or number in another's disguise is refused."""
    strange = lookalikes.strange([row.staff_id for _, row in rows], state.by_staff_id)
    for where, row in rows:
        if row.staff_id in strange:
            check.wrong(where, f"staff_id {strange[row.staff_id]}")
    known: dict[str, tuple[str, str]] = {}
    for person in state.people.values():
        if person.details is not None:
            it = (lookalikes.written(person.name), person.details.staff_id)
            known.update((drawing, it) for drawing in lookalikes.drawings(person.name))
    for where, row in rows:
        for column, part in (("given", row.given), ("family", row.family)):
            if why := lookalikes.unfit(part):
                check.wrong(where, f"{column} {why}")
        name = f"{row.given} {row.family}"
        mine = (lookalikes.written(name), row.staff_id)
        theirs = [known.setdefault(it, mine) for it in lookalikes.drawings(name)]
        if any(written != mine[0] and staff_id != mine[1] for written, staff_id in theirs):
            check.wrong(where, "its name looks like another person's, with other letters")


def _check_rights(check: Check, where: str, row: PersonRow) -> None:
    """The row's rights are rights that there are."""
    if row.role not in ROLES:
        check.wrong(where, f"role is not one of {', '.join(ROLES)}")
    if row.status is not None and row.status not in STANDINGS:
        check.wrong(where, f"status is not one of {', '.join(STANDINGS)}")
    if row.areas is not None and not (
        0 < len(row.areas) <= MAX_AREAS and all(map(_is_name, row.areas))
    ):
        check.wrong(where, f"areas is not {EVERYWHERE} or 1 to {MAX_AREAS} names")
    if row.groups is not None and not all(group in GROUPS for group in row.groups):
        check.wrong(where, f"groups are not among {' '.join(GROUPS)}")
    if row.expires_ms and not FIRST_MS <= row.expires_ms < LAST_MS:
        check.wrong(where, "expires is not in the years 2000 to 2099")
    held = row.competencies or ()
    ends = [until for _, until in held if until and not FIRST_MS <= until < LAST_MS]
    named = [name for name, _ in held]
    if len(held) > MAX_COMPETENCIES or ends or not all(map(_is_name, named)):
        check.wrong(
            where, f"competencies are not at most {MAX_COMPETENCIES} such as name:2027-01-31;name"
        )
    elif len(dict.fromkeys(named)) < len(named):
        check.wrong(where, "competencies name one twice")


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME_CHARS and text.isprintable() and not text.isspace()


def _check_granting(check: Check, where: str, row: PersonRow, known: Person | None) -> None:
    """A list gives no rights that a person must give, and nothing to whoever left.

    Somebody new may be listed as a pharmacist, because that alone gives nothing: an administrator
    grants it at the screen, by the one-time code without which nobody enrols.
    """
    was = known.role if known is not None else ""
    if row.role == "temporary" and was != "temporary":
        check.wrong(
            where, "a list cannot make a temporary user: a charge nurse does, at the screen"
        )
    if row.role == "administrator" and was != "administrator":
        check.wrong(where, "a list cannot make an administrator")
    if known is None:
        return
    if row.role == "pharmacist" and was != "pharmacist":
        check.wrong(where, "a list cannot make a pharmacist of somebody who is listed already")
    if was == "administrator":
        if row.role != was:
            check.wrong(where, "a list cannot change an administrator's role")
        elif _rights(row, known) != known.rights:
            check.wrong(where, "a list cannot change an administrator's rights")
    if gives_more(row, known):
        check.wrong(where, "a list cannot give this person more areas or a later end")
    if known.stopped_by and row.status == "active" and known.standing == "suspended":
        check.wrong(where, "was suspended by a person, who alone brings them back")
    if known.standing == "left" and row.status != "left":
        check.wrong(where, "staff_id is of somebody who left: a number is never given again")


def gives_more(row: PersonRow, known: Person) -> bool:
    """Whether the row would lengthen or widen rights that people give: by two, or for some hours.

    So an expired pharmacist, or one who may take without an order, does not come back by a list.
    """
    held = known.rights
    given = held.role in ("pharmacist", "temporary") or bool(held.override_groups)
    if not given or row.role != held.role:
        return False
    longer = row.expires_ms is not None and rights.later(held.expires_ms, row.expires_ms)
    return longer or (row.areas is not None and rights.wider(held.areas, row.areas))


def _check_administrators(
    state: State, rows: People, check: Check, now_ms: int, gone: Sequence[str]
) -> None:
    """Somebody must be left who can enrol others: a list cannot suspend the last administrator."""
    said = {state.by_staff_id.get(row.staff_id): row.status for _, row in rows}
    lasting = rights.lasting(state, rights.now_of(state, now_ms))
    left = [
        person
        for person in lasting
        if (said.get(person.ref) or "active") == "active" and person.ref not in gone
    ]
    if lasting and not left:
        check.wrong("people.csv", "no administrator would be left")


def _check_patients(state: State, event: Import, check: Check, today: str) -> None:
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
        _may_be_empty(check, where, sex=row.sex)
        _may_be_empty(check, where, MAX_LONG_CHARS, allergies=row.allergies)
        if not is_day(row.born) or not FIRST_DAY <= row.born <= today:
            check.wrong(where, "born is not a date such as 1961-04-05, in the past")
        if len(row.nurses) > MAX_NURSES:
            check.wrong(where, f"more than {MAX_NURSES} nurses")
        elif any(it not in staff and it not in state.by_staff_id for it in row.nurses):
            check.wrong(where, "one of its nurses is not among the people")


def _check_orders(state: State, event: Import, check: Check) -> None:
    patients = {row.record_number for _, row in event.patients}
    medicines = {row.medicine for _, row in event.medicines}
    for where, row in event.orders:
        check.once(where, "order", row.order)
        _text(check, where, order=row.order, dose=row.dose, route=row.route)
        _may_be_empty(check, where, frequency=row.frequency, reason=row.reason)
        if row.record_number not in patients and row.record_number not in state.by_record_number:
            check.wrong(where, "there is no patient with its record_number")
        if row.medicine not in medicines and row.medicine not in state.medicines:
            check.wrong(where, "medicine is not in the formulary")
        for name, value in (("starts", row.starts_ms), ("stops", row.stops_ms or FIRST_MS)):
            if not FIRST_MS <= value < LAST_MS:
                check.wrong(where, f"{name} is not in the years 2000 to 2099")
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
        staff[person.staff_id] = take_person(draft, where, person)
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


def take_person(draft: Draft, where: str, row: PersonRow) -> str:
    """Record what the row changes of a person; their reference."""
    state = draft.state
    ref = state.by_staff_id.get(row.staff_id) or draft.reference()
    known = state.people.get(ref)
    details = r.PersonDetails(row.staff_id, row.given, row.family)
    badge = row.badge or (known.badge if known is not None else "")
    held = _rights(row, known)
    standing = known.standing if known is not None else "active"
    if row.status is not None:
        standing = next(it for it in STANDINGS if it == row.status)
    human = row.human
    if human is None:
        human = known.human_hash if known is not None else ""
    if (known is not None and known.listed) and (
        (known.details, known.badge, known.standing, known.rights, known.human_hash)
        == (details, badge, standing, held, human)
    ):
        draft.report.append(f"{where}: unchanged")
        return ref
    name = draft.attach("person", details)
    draft.add(r.PersonListed(ref, badge, standing, held, human, name))
    if known is not None and known.enrolled and Role.TEMPORARY.value == known.role != held.role:
        # One human may have made and enrolled them: two are behind whoever works here for good.
        why = "A temporary user before"
        draft.add(st.CredentialsWithdrawn(ref, "", (), not row.badge, why))
    draft.report.append(f"{where}: {'added' if known is None else 'changed'}")
    return ref


def _rights(row: PersonRow, known: Person | None) -> r.Rights:
    """The person's rights by the row; what it does not say stays, or is what the role brings.

    Another role brings its own groups, and ends the rights to override.
    """
    before = known.rights if known is not None else r.Rights("")
    same = row.role == before.role
    groups = before.groups if same else ROLE_GROUPS[Role(row.role)]
    return r.Rights(
        row.role,
        before.areas if row.areas is None else row.areas,
        groups if row.groups is None else row.groups,
        before.override_groups if same else (),
        before.expires_ms if row.expires_ms is None else row.expires_ms,
        before.competencies if row.competencies is None else row.competencies,
    )


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
