"""What each record does to the state: `apply`, the only thing that changes it.

Not for what is allowed (`rules.py`). One rule: no clock, no randomness, no I/O, and the same code
live and in replay; a record that cannot be is a corrupt ledger, said loudly.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cabinet import factor_effects as factors
from cabinet import machines, service_effects, spells, staff_effects
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.machines import CorruptLedger, fire
from cabinet.state import (
    Access,
    Attempt,
    Code,
    DrawerState,
    Emergency,
    Enrolment,
    Named,
    Order,
    Overridden,
    Patient,
    Person,
    PocketState,
    Removal,
    Session,
    Spell,
    State,
    Witnessing,
)

NO_ATTACHMENTS: r.Attached = {}


def _clock(state: State, body: r.Body) -> None:
    """How the clocks of one boot stood apart; many small jumps are one, and a record as well."""
    if body.boot != state.boot or isinstance(body.record, r.ClockStepped):
        state.clock_ms = body.wall_ms - body.mono_ms


def apply(state: State, body: r.Body, attached: r.Attached = NO_ATTACHMENTS) -> None:
    """Change `state` by one entry; raises CorruptLedger for an entry that cannot follow it."""
    if body.seq != state.size + 1:
        raise CorruptLedger(f"entry {body.seq} follows entry {state.size}")
    if state.cabinet and body.cabinet != state.cabinet:
        raise CorruptLedger(f"entry {body.seq} is of cabinet {body.cabinet!r}")
    record = body.record
    postings = r.postings_of(record)
    if not r.balanced(postings):
        raise CorruptLedger(f"entry {body.seq}: postings do not sum to zero")
    state.size = body.seq
    state.last_wall_ms = max(state.last_wall_ms, body.wall_ms)
    _clock(state, body)
    for name, kind in r.attachments_of(record):
        state.named[name] = Named(kind, body.wall_ms)
    for posting in postings:
        _post(state, posting)
    access, (tested, _) = state.access, service_effects.tested(state)
    try:
        _APPLY[type(record)](state, record, body, attached)
    except KeyError as error:
        raise CorruptLedger(f"entry {body.seq} names {error}, which is not there") from None
    access, now_tested = state.access or access, service_effects.tested(state)[0] or tested
    for used in (access.started.drawer if access is not None else "", now_tested):
        if used in state.drawers:
            state.drawers[used].used_ms = body.mono_ms
    if body.boot == state.boot:  # what comes before a start's own entry is by another clock
        state.mono_ms = body.mono_ms


def _post(state: State, posting: r.Posting) -> None:
    key = (posting.account, posting.medicine)
    balance = state.balances.get(key, 0) + posting.quantity
    owed = posting.account.startswith(("pocket:", "custody:", "return_bin:", "patient:"))
    if balance < 0 and owed:
        raise CorruptLedger(f"{posting.account} would hold {balance} of {posting.medicine}")
    if balance:
        state.balances[key] = balance
    else:
        state.balances.pop(key, None)


def _created(state: State, record: r.CabinetCreated, body: r.Body, _: r.Attached) -> None:
    if body.seq != 1:
        raise CorruptLedger("a cabinet is created once")
    state.cabinet, state.name, state.demo = body.cabinet, record.name, record.demo
    state.pin_passes = record.pin_passes
    state.verifiers = ((body.seq, record.verifier),) if record.verifier else ()
    state.recovery, state.recovery_seal = record.recovery, record.recovery_seal


def _signing_key_changed(
    state: State, record: r.SigningKeyChanged, body: r.Body, _: r.Attached
) -> None:
    state.verifiers += ((body.seq, record.verifier),)


def _rollback_accepted(state: State, record: r.RollbackAccepted, _: r.Body, __: r.Attached) -> None:
    state.accepted += tuple((anchor.size, anchor.root) for anchor in record.anchors)
    for drawer in state.drawers.values():  # what went in or out since is not in these entries
        state.doubt(drawer, "the ledger was rolled back")


def _configured(state: State, record: r.Configured, _: r.Body, __: r.Attached) -> None:
    state.plan = record.plan
    state.name = record.plan.name
    drawers, pockets = state.drawers, state.pockets
    state.drawers, state.pockets = {}, {}
    for drawer in record.plan.drawers:
        known = drawers.get(drawer.id)
        state.drawers[drawer.id] = known or DrawerState(drawer, machines.new_drawer())
        state.drawers[drawer.id].plan = drawer
        for pocket in drawer.pocket:
            held = pockets.get(pocket.id) or PocketState(pocket, drawer.id)
            if held.plan.medicine != pocket.medicine:
                held = PocketState(pocket, drawer.id)
            if held.drawer != drawer.id:
                held.count_due = "moved to another drawer"
            held.plan, held.drawer = pocket, drawer.id
            state.pockets[pocket.id] = held
    factors.configured(state)


def _started(state: State, record: r.Started, body: r.Body, _: r.Attached) -> None:
    fire(state.screen, "restarted")
    state.boot, state.stopped = body.boot, False
    if state.enrolment is not None:
        factors.wipe(state, state.enrolment.slots)
    state.session = state.attempt = state.enrolment = state.witnessing = None
    state.service = None
    state.service_tries = replace(state.service_tries, last_ms=body.mono_ms)
    state.devices_down = {}
    factors.restarted(state, body.mono_ms)
    spells.restarted(state, body.mono_ms)
    for drawer, position in record.positions:
        if drawer not in state.drawers:
            raise CorruptLedger(f"there is no drawer {drawer!r}")
        held = state.drawers[drawer]
        fire(held.model, "restarted")
        held.since_ms, held.alerted, held.cause = body.mono_ms, False, ""
        if position == "latched":
            fire(held.model, "closed")
            held.access = ""
        elif position in ("open", "disagree") and held.access:
            fire(held.model, "found_open")
        elif position == "unlatched" and held.access:
            fire(held.model, "found_released")


def _stopped(state: State, _: r.Stopped, __: r.Body, ___: r.Attached) -> None:
    state.stopped = True


def _device_failed(state: State, record: r.DeviceFailed, _: r.Body, __: r.Attached) -> None:
    state.devices_down[record.device] = record.cause


def _device_restored(state: State, record: r.DeviceRestored, _: r.Body, __: r.Attached) -> None:
    state.devices_down.pop(record.device, None)
    if record.device == "fingerprint":
        state.found_sensor = None


def _code_issued(state: State, record: r.CodeIssued, _: r.Body, __: r.Attached) -> None:
    if record.person:  # one code a person: a new one replaces the old
        state.codes = {c: code for c, code in state.codes.items() if code.person != record.person}
    state.codes[record.code] = Code(record.person, record.expires_ms, record.by)


def _erased(state: State, record: r.Erased, _: r.Body, __: r.Attached) -> None:
    name = record.attachment
    del state.named[name]
    for person in state.people.values():
        if person.details_name == name:
            if record.number:  # in replay their details are gone before: the number is spent still
                state.spent[record.number] = person.ref
            if person.details is not None:
                state.by_staff_id.pop(person.details.staff_id, None)
            person.details = None
            factors.unfinger(state, person)  # nobody's finger is kept whose name is not
        if person.credential_name == name:
            person.pin = ""
        factors.erased(state, person, name)
    state.forgotten = tuple(it for it in state.forgotten if it != name)
    for patient in state.patients.values():
        if patient.details_name == name and patient.details is not None:
            state.by_record_number.pop(patient.details.record_number, None)
            patient.details = None
    for order in state.orders.values():
        if order.listed.details == name:
            order.details = None
    if state.service is not None and state.service.technician == name:
        state.service.details = None
    if state.service is not None and name in state.service.notes:
        state.service.notes[name] = ""


def _space_changed(state: State, record: r.SpaceChanged, _: r.Body, __: r.Attached) -> None:
    state.space = record.level


def _nothing(_: State, __: object, ___: r.Body, ____: r.Attached) -> None:
    """The record changes nothing but the ledger."""


def details_of(attached: r.Attached, name: str, kind: type[r.Details]) -> r.Details | None:
    details = attached.get(name)
    if details is not None and not isinstance(details, kind):
        raise CorruptLedger(f"attachment {name[:12]} is not {kind.__name__}")
    return details


def _identify(state: State, person: Person, details: r.Details | None) -> None:
    if isinstance(details, r.PersonDetails):
        person.details = details
        state.by_staff_id[details.staff_id] = person.ref


def _person_listed(
    state: State, record: r.PersonListed, body: r.Body, attached: r.Attached
) -> None:
    person = state.people.get(record.person)
    if person is None:
        person = state.people[record.person] = Person(record.person, record.rights)
        person.made_by = record.by
        if record.by and record.rights.expires_ms:
            lasts_ms = record.rights.expires_ms - state.last_wall_ms
            person.spell = Spell(lasts_ms, body.mono_ms)
    _rebadge(state, person, record.badge)
    if record.standing != person.standing:
        person.stopped_by = ""
    person.rights, person.standing = record.rights, record.standing
    if person.standing == "left":
        factors.unfinger(state, person)
    person.listed = person.listed or not record.by
    person.human_hash = record.human
    person.details_name = record.details
    _identify(state, person, details_of(attached, record.details, r.PersonDetails))


def _person_changed(state: State, record: r.PersonChanged, _: r.Body, __: r.Attached) -> None:
    person = state.people[record.person]
    if (person.rights, person.standing) != (record.before, record.status_before):
        raise CorruptLedger(f"{record.person} had not the rights that were changed")
    if record.approved_by:
        factors.attested(state, record.approver_factors)
    if record.status_after != record.status_before:
        person.stopped_by = record.by if record.status_after != "active" else ""
    person.rights, person.standing = record.after, record.status_after
    if person.standing == "left":
        factors.unfinger(state, person)


def _credentials_withdrawn(
    state: State, record: st.CredentialsWithdrawn, _: r.Body, __: r.Attached
) -> None:
    if record.approved_by:
        factors.attested(state, record.approver_factors)
    person = state.people[record.person]
    person.pin, person.credential_name = "", ""
    if record.pin_alone:
        return
    person.enrolled = False
    person.totp = person.totp_name = ""
    factors.unfinger(state, person)
    if record.new_badge:
        state.by_badge.pop(person.badge, None)
        person.badge = ""


def _rebadge(state: State, person: Person, badge: str) -> None:
    if badge == person.badge:
        return
    if state.by_badge.get(badge, person.ref) != person.ref:
        raise CorruptLedger("one badge of two people")
    state.by_badge.pop(person.badge, None)
    factors.carry_over(state, person.badge, badge)
    person.badge = badge
    if badge:
        state.by_badge[badge] = person.ref


def _enrolment_started(state: State, record: r.EnrolmentStarted, _: r.Body, __: r.Attached) -> None:
    fire(state.screen, "enrolment_started")
    state.enrolment = Enrolment(
        record.enrolment, record.code, record.person, record.slots, record.enroller
    )
    known = state.people.get(record.person)
    renews = known is not None and record.enroller and known.waits_for_pin
    if known is not None and not renews:  # whoever enrols again begins without a finger
        factors.unfinger(state, known)


def _enrolment_ended(state: State, record: r.EnrolmentEnded, _: r.Body, __: r.Attached) -> None:
    fire(state.screen, "enrolment_ended")
    if state.enrolment is not None:
        factors.wipe(state, state.enrolment.slots)
        if record.why == st.FINGER_MISSED:  # nobody tries one finger after another by one code
            state.codes.pop(state.enrolment.code, None)
    state.enrolment = None


def _pin_renewed(state: State, record: st.PinRenewed, body: r.Body, attached: r.Attached) -> None:
    enrolment, person = state.enrolment, state.people[record.person]
    known = enrolment is not None and enrolment.person == record.person
    if enrolment is None or not known or enrolment.id != record.enrolment:
        raise CorruptLedger("a PIN was renewed without an enrolment")
    if not person.waits_for_pin:
        raise CorruptLedger("a PIN was renewed that was not withdrawn")
    fire(state.screen, "enrolment_ended")
    state.enrolment = None
    state.codes.pop(enrolment.code, None)
    factors.forget_pins(state, person.badge)
    _choose(person, record.credential, body, attached)


def _choose(person: Person, name: str, body: r.Body, attached: r.Attached) -> None:
    """Their PIN is the one in this attachment."""
    credential = details_of(attached, name, r.Credential)
    person.credential_name = name
    person.pin = credential.pin if isinstance(credential, r.Credential) else ""
    person.pin_ms = body.wall_ms


def _person_enrolled(
    state: State, record: r.PersonEnrolled, body: r.Body, attached: r.Attached
) -> None:
    enrolment = state.enrolment
    if enrolment is None or enrolment.id != record.enrolment:
        raise CorruptLedger("a person enrolled without an enrolment")
    fire(state.screen, "enrolment_ended")
    state.enrolment = None
    state.codes.pop(enrolment.code, None)
    person = state.people.get(record.person)
    if person is None:
        person = state.people[record.person] = Person(record.person, r.Rights(record.role))
    _rebadge(state, person, record.badge)
    person.slots, person.enrolled, person.copies = record.slots, True, record.copies
    factors.wipe(state, tuple(slot for slot in enrolment.slots if slot not in record.slots))
    state.tries.pop(record.badge, None)
    state.served = state.in_service
    _identify(state, person, details_of(attached, record.details, r.PersonDetails))
    person.details_name = record.details
    _choose(person, record.credential, body, attached)
    factors.without_strong(person)


def _lock_released(state: State, record: r.LockReleased, _: r.Body, __: r.Attached) -> None:
    factors.release(state, record.badge)


def _badge_presented(state: State, record: r.BadgePresented, body: r.Body, _: r.Attached) -> None:
    fire(state.screen, "badge_presented")
    state.attempt = Attempt(
        record.attempt, record.badge, record.person, record.purpose, body.mono_ms
    )


def _factor_refused(state: State, record: r.FactorRefused, body: r.Body, _: r.Attached) -> None:
    fire(state.screen, "factor_refused")
    if record.why == "sensor_fault" and state.attempt is not None:
        state.attempt.sensor_failed = True
    if record.counts:
        factors.count(state, record.badge, record.factor, body.mono_ms)


def _attempt_ended(state: State, _: r.AttemptEnded, __: r.Body, ___: r.Attached) -> None:
    fire(state.screen, "attempt_ended")
    state.attempt = None


def _signed_in(state: State, record: r.SignedIn, body: r.Body, _: r.Attached) -> None:
    fire(state.screen, "signed_in")
    factors.proved(state, record.factors)
    state.attempt = None
    state.session = Session(
        record.session, record.person, record.factors, record.fallback, body.mono_ms
    )


def _screen_locked(state: State, _: r.ScreenLocked, __: r.Body, ___: r.Attached) -> None:
    fire(state.screen, "screen_locked")


def _screen_unlocked(state: State, record: r.ScreenUnlocked, body: r.Body, _: r.Attached) -> None:
    fire(state.screen, "screen_unlocked")
    session = state.session
    if session is None or session.id != record.session:
        raise CorruptLedger(f"there is no session {record.session!r} to unlock")
    factors.proved(state, record.factors)
    state.attempt = None
    session.factors, session.fallback = record.factors, record.fallback
    session.since_ms = body.mono_ms


def _signed_out(state: State, _: r.SignedOut, __: r.Body, ___: r.Attached) -> None:
    fire(state.screen, "signed_out")
    state.session = None


def _medicine_listed(state: State, record: r.MedicineListed, _: r.Body, __: r.Attached) -> None:
    state.medicines[record.medicine] = record


def _patient_listed(state: State, record: r.PatientListed, _: r.Body, attached: r.Attached) -> None:
    details = details_of(attached, record.details, r.PatientDetails)
    patient = Patient(record.patient, record.nurses, record.details, None)
    if isinstance(details, r.PatientDetails):
        patient.details = details
        state.by_record_number[details.record_number] = record.patient
    else:  # erased since, in replay: nor do older details lead to them any more
        known = state.by_record_number.items()
        state.by_record_number = {it: ref for it, ref in known if ref != record.patient}
    state.patients[record.patient] = patient


def _order_listed(state: State, record: r.OrderListed, _: r.Body, attached: r.Attached) -> None:
    details = details_of(attached, record.details, r.OrderDetails)
    state.orders[record.order] = Order(
        record, details if isinstance(details, r.OrderDetails) else None
    )


def _order_stopped(state: State, record: r.OrderStopped, _: r.Body, __: r.Attached) -> None:
    state.orders[record.order].active = False


# --- accesses -----------------------------------------------------------------------------------


def _access_started(state: State, record: r.AccessStarted, body: r.Body, _: r.Attached) -> None:
    if record.witness:
        factors.attested(state, record.witness_factors)
    fire(state.screen, "access_started")
    drawer = state.drawers[record.drawer]
    fire(drawer.model, "released")
    drawer.access, drawer.since_ms = record.access, body.mono_ms
    state.access = Access(record, body.mono_ms)
    testing = state.service.testing if state.service is not None else None
    if record.service and testing is not None:
        testing.access = record.access


def _drawer_step(state: State, drawer: str, trigger: str, body: r.Body) -> DrawerState:
    held = state.drawers[drawer]
    fire(held.model, trigger)
    held.since_ms, held.alerted, held.cause = body.mono_ms, False, ""
    return held


def _drawer_opened(state: State, record: r.DrawerOpened, body: r.Body, _: r.Attached) -> None:
    _drawer_step(state, record.drawer, "opened", body)
    if record.access != service_effects.tested(state)[1]:
        access = _open_access(state, record.access)
        access.opened = True
        started, drawer = access.started, state.drawers[record.drawer].plan
        for pocket in drawer.pocket:  # what is left in a matrix drawer may be left in any of them
            if started.kind != "count" or pocket.id == started.pocket:
                state.pockets[pocket.id].untouched = False


def _drawer_closed(state: State, record: r.DrawerClosed, body: r.Body, _: r.Attached) -> None:
    if state.drawers[record.drawer].model.state == machines.FORCED:
        state.doubt(state.drawers[record.drawer])  # also what was counted while it stood open
    drawer = _drawer_step(state, record.drawer, "closed", body)
    drawer.access = ""
    if state.access is not None and state.access.started.access == record.access:
        state.access.closed = True


def _drawer_forced(state: State, record: r.DrawerForced, body: r.Body, _: r.Attached) -> None:
    drawer = _drawer_step(state, record.drawer, "forced", body)
    drawer.access = ""
    state.doubt(drawer)


def _drawer_failed(state: State, record: r.DrawerFailed, body: r.Body, _: r.Attached) -> None:
    _drawer_step(state, record.drawer, "failed", body).cause = record.cause


def _left_open(state: State, record: r.DrawerLeftOpen, _: r.Body, __: r.Attached) -> None:
    state.drawers[record.drawer].alerted = True


def _open_access(state: State, access: str) -> Access:
    if state.access is None or state.access.started.access != access:
        raise CorruptLedger(f"there is no access {access!r} going on")
    return state.access


def _count_entered(state: State, record: r.CountEntered, _: r.Body, __: r.Attached) -> None:
    access = _open_access(state, record.access)
    access.counts = (*access.counts, record.found)


def _counted(state: State, record: r.Counted, _: r.Body, __: r.Attached) -> None:
    access = _open_access(state, record.access)
    if record.witness:
        factors.attested(state, record.witness_factors)
    access.counts = ()
    if record.phase == "before":
        access.found = record.found
    else:
        access.found_after = record.found
    pocket = state.pockets[record.pocket]
    pocket.count_due = ""
    pocket.untouched = access.started.kind == "count" and not (record.found or record.discrepancy)
    if record.discrepancy:
        state.discrepancies[record.discrepancy] = record


def _end_access(state: State, access: str, *, returned: bool = False) -> Access:
    ended = _open_access(state, access)
    fire(state.screen, "access_ended")
    started = ended.started
    if started.pocket and ended.opened:  # who only asked has had nothing in hand
        state.pockets[started.pocket].previous = started.person
    drawer = state.drawers[started.drawer]
    if drawer.access == access and drawer.model.state != machines.OPEN:
        drawer.access = ""  # what is not yet open may not be opened under it any more
    if not started.pocket and ended.opened and not returned:
        drawer.doubted = True
    state.access = None
    return ended


def _told(state: State, started: r.AccessStarted, body: r.Body) -> None:
    """Whom a removal was for is kept from its last entry on, not from when they were listed."""
    patient, order = state.patients.get(started.patient), state.orders.get(started.order)
    names = (patient.details_name if patient else "", order.listed.details if order else "")
    for name in names:
        if name in state.named:
            held = state.named[name]
            state.named[name] = Named(held.kind, max(held.wall_ms, body.wall_ms))


def _removal_taken(state: State, record: r.RemovalTaken, body: r.Body, _: r.Attached) -> None:
    started = _end_access(state, record.access).started
    _told(state, started, body)
    state.removals[record.removal] = Removal(
        record.removal, started, record.quantity, body.wall_ms, record.quantity
    )
    if started.override:
        state.overridden[record.removal] = Overridden(
            record.removal,
            started.person,
            started.patient,
            started.medicine,
            record.quantity,
            started.override,
            started.emergency,
            body.wall_ms,
            started.witness,
        )


def _loaded(state: State, record: r.Loaded, _: r.Body, __: r.Attached) -> None:
    started = _end_access(state, record.access).started
    pocket = state.pockets[started.pocket]
    # The pocket is as good as its oldest stock: the earliest date counts.
    if state.on_hand(started.pocket) == record.quantity or not pocket.expires:
        pocket.expires = started.expires
    else:
        pocket.expires = min(pocket.expires, started.expires)
    pocket.lot = started.lot


def _access_over(
    state: State,
    record: r.CountDone
    | r.CancelledBeforeOpen
    | r.CancelledAfterOpen
    | r.AccessLapsed
    | r.AccessFailed,
    _: r.Body,
    __: r.Attached,
) -> None:
    _end_access(state, record.access)


def _access_left(state: State, record: r.AccessLeft, _: r.Body, __: r.Attached) -> None:
    started = _end_access(state, record.access).started
    if started.pocket:
        state.pockets[started.pocket].count_due = "left before it was counted"


def _access_interrupted(
    state: State, record: r.AccessInterrupted, _: r.Body, __: r.Attached
) -> None:
    # The restart has ended the session already; the drawer keeps its access until it is shut.
    started = _open_access(state, record.access).started
    if started.pocket in state.pockets:  # a new make-up of the cabinet may have done without it
        pocket = state.pockets[started.pocket]
        pocket.count_due, pocket.previous = "interrupted", started.person
    elif started.drawer in state.drawers and not started.pocket:
        state.drawers[started.drawer].doubted = True
    state.access = None


def _cancel_asked(state: State, record: r.CancelAsked, _: r.Body, __: r.Attached) -> None:
    access = _open_access(state, record.access)
    access.cancelled, access.counts = True, ()


# --- without an order -----------------------------------------------------------------------------


def _emergency_begun(state: State, record: r.EmergencyBegun, body: r.Body, _: r.Attached) -> None:
    if record.second:
        factors.attested(state, record.second_factors)
    state.emergencies[record.emergency] = Emergency(
        record.emergency,
        record.kind,
        record.person,
        record.second,
        record.why,
        record.expires_ms,
        body.wall_ms,
        Spell(record.lasts_ms, body.mono_ms),
    )


def _emergency_ended(state: State, record: r.EmergencyEnded, _: r.Body, __: r.Attached) -> None:
    state.emergencies[record.emergency].ended = record.why


def _reviewed(state: State, record: r.Reviewed, _: r.Body, __: r.Attached) -> None:
    subject = record.subject
    if subject in state.emergencies:
        del state.emergencies[subject]
        left = {it.removal: it for it in state.overridden.values() if it.emergency != subject}
        state.overridden = left
    else:
        del state.overridden[subject]


# --- what became of a removal ---------------------------------------------------------------------


def _settle(state: State, removal: str, quantity: int, body: r.Body) -> None:
    held = state.removals.get(removal)
    if held is None or quantity > held.outstanding:
        raise CorruptLedger(f"removal {removal!r} has not {quantity} outstanding")
    _told(state, held.started, body)
    held.outstanding -= quantity
    if not held.outstanding:
        del state.removals[removal]


def _given(state: State, record: r.Given, body: r.Body, _: r.Attached) -> None:
    _settle(state, record.removal, record.quantity, body)


def _witness_called(state: State, record: r.WitnessCalled, body: r.Body, _: r.Attached) -> None:
    fire(state.screen, "witness_called")
    state.witnessing = Witnessing(
        record.subject, record.quantity, body.mono_ms, record.act, record.why
    )


def _witness_dismissed(state: State, _: r.WitnessDismissed, body: r.Body, __: r.Attached) -> None:
    fire(state.screen, "witness_dismissed")
    state.witnessing = None
    if state.session is not None:
        state.session.called_off_ms = body.mono_ms


def _wasted(state: State, record: r.Wasted, body: r.Body, _: r.Attached) -> None:
    factors.attested(state, record.witness_factors)
    _settle(state, record.removal, record.quantity, body)


def _returned(state: State, record: r.Returned, body: r.Body, _: r.Attached) -> None:
    _end_access(state, record.access, returned=True)
    _settle(state, record.removal, record.quantity, body)


_APPLY: dict[type, Callable[[State, Any, r.Body, r.Attached], None]] = {
    **staff_effects.APPLY,
    r.CabinetCreated: _created,
    r.Configured: _configured,
    r.Started: _started,
    r.Stopped: _stopped,
    r.SnapshotTaken: _nothing,
    r.Erased: _erased,
    r.SpaceChanged: _space_changed,
    r.ClockStepped: _nothing,
    r.TimePassed: _nothing,
    r.SigningKeyChanged: _signing_key_changed,
    r.RollbackAccepted: _rollback_accepted,
    r.DeviceFailed: _device_failed,
    r.DeviceRestored: _device_restored,
    r.CodeIssued: _code_issued,
    r.CodeRefused: _nothing,
    r.PersonListed: _person_listed,
    r.PersonChanged: _person_changed,
    st.CredentialsWithdrawn: _credentials_withdrawn,
    st.PinRenewed: _pin_renewed,
    r.EnrolmentStarted: _enrolment_started,
    r.EnrolmentEnded: _enrolment_ended,
    r.PersonEnrolled: _person_enrolled,
    **factors.APPLY,
    r.LockReleased: _lock_released,
    r.BadgePresented: _badge_presented,
    r.FactorRefused: _factor_refused,
    r.AttemptEnded: _attempt_ended,
    r.SignedIn: _signed_in,
    r.ScreenLocked: _screen_locked,
    r.ScreenUnlocked: _screen_unlocked,
    r.SignedOut: _signed_out,
    r.Refused: _nothing,
    r.MedicineListed: _medicine_listed,
    r.PatientListed: _patient_listed,
    r.OrderListed: _order_listed,
    r.OrderStopped: _order_stopped,
    r.Imported: _nothing,
    r.AccessStarted: _access_started,
    r.DrawerOpened: _drawer_opened,
    r.DrawerClosed: _drawer_closed,
    r.DrawerForced: _drawer_forced,
    r.DrawerFailed: _drawer_failed,
    r.DrawerLeftOpen: _left_open,
    r.CountEntered: _count_entered,
    r.Counted: _counted,
    r.RemovalTaken: _removal_taken,
    r.Loaded: _loaded,
    r.CountDone: _access_over,
    r.CancelAsked: _cancel_asked,
    r.CancelledBeforeOpen: _access_over,
    r.CancelledAfterOpen: _access_over,
    r.AccessLapsed: _access_over,
    r.AccessFailed: _access_over,
    r.AccessLeft: _access_left,
    r.AccessInterrupted: _access_interrupted,
    r.EmergencyBegun: _emergency_begun,
    r.EmergencyEnded: _emergency_ended,
    r.Reviewed: _reviewed,
    r.Given: _given,
    r.WitnessCalled: _witness_called,
    r.WitnessDismissed: _witness_dismissed,
    r.Wasted: _wasted,
    r.Returned: _returned,
    **service_effects.APPLY,
}
