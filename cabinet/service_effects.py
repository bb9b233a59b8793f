"""What the records of a technician's visit do to the state.

A part of `effects.py`, and under its rule: no clock, no randomness, no I/O.
"""

from collections.abc import Callable
from typing import Any

from auth.lockout import Tries
from auth.policy import Factor
from cabinet import factor_effects as factors
from cabinet import machines
from cabinet import records as r
from cabinet import service_records as sr
from cabinet.machines import CorruptLedger, fire
from cabinet.state import DrawerState, Service, State, Testing


def _service_signed_in(
    state: State, record: sr.ServiceSignedIn, body: r.Body, attached: r.Attached
) -> None:
    if state.service is not None:
        raise CorruptLedger("a second technician at the console")
    details = attached.get(record.technician)
    state.service = Service(
        record.session,
        record.key,
        record.technician,
        body.mono_ms,
        body.mono_ms + record.lasts_s * 1000,
        not record.admission,
        details=details if isinstance(details, sr.TechnicianDetails) else None,
        person=record.person,
        factors=record.factors or ("certificate",),
        people=record.people,
    )
    _proved(state, record.person)


def _proved(state: State, person: str) -> None:
    """What went wrong before is forgotten: at the console, and of the person."""
    state.service_tries = Tries()
    if person:
        factors.release(state, state.people[person].badge)


def _service_refused(state: State, record: sr.ServiceRefused, body: r.Body, _: r.Attached) -> None:
    if record.counts:
        state.service_tries = Tries(0, state.service_tries.pins + 1, body.mono_ms)
    if record.badge:
        factors.count(state, record.badge, Factor.PIN.value, body.mono_ms)


def _serviced(state: State, session: str, body: r.Body) -> Service:
    if state.service is None or state.service.id != session:
        raise CorruptLedger(f"there is no service session {session!r}")
    state.service.active_ms = body.mono_ms
    return state.service


def _service_admitted(
    state: State, record: sr.ServiceAdmitted, body: r.Body, _: r.Attached
) -> None:
    _serviced(state, record.session, body).admitted = True


def _service_extended(
    state: State, record: sr.ServiceExtended, body: r.Body, _: r.Attached
) -> None:
    service = _serviced(state, record.session, body)
    service.ends_ms = body.mono_ms + record.lasts_s * 1000
    _proved(state, service.person)


def _service_command(state: State, record: sr.ServiceCommand, body: r.Body, _: r.Attached) -> None:
    now = state.service
    if now is None or now.admitted or now.id != record.session:
        _serviced(state, record.session, body)  # else refused, and the wait goes on as it was


def _service_begun(state: State, record: sr.ServiceBegun, body: r.Body, _: r.Attached) -> None:
    _serviced(state, record.session, body).working = True


def _service_finished(
    state: State, record: sr.ServiceFinished, body: r.Body, _: r.Attached
) -> None:
    if record.returned:
        _serviced(state, record.session, body).working = False


def _service_test_begun(
    state: State, record: sr.ServiceTestBegun, body: r.Body, _: r.Attached
) -> None:
    service = _serviced(state, record.session, body)
    sequence = (record.of, record.rest, record.failed)
    service.testing = Testing(record.what, record.place, body.mono_ms, record.request, *sequence)


def _service_tested(state: State, record: sr.ServiceTested, body: r.Body, _: r.Attached) -> None:
    service, (drawer, access) = _serviced(state, record.session, body), tested(state)
    service.testing = None
    if access:
        _not_opened_any_more(state.drawers[drawer], access)


def _not_opened_any_more(drawer: DrawerState, access: str) -> None:
    """What is not open yet may not be opened under a test that is over."""
    if drawer.access == access and drawer.model.state != machines.OPEN:
        drawer.access = ""


def _lock_test_ordered(
    state: State, record: sr.LockTestOrdered, body: r.Body, _: r.Attached
) -> None:
    service, drawer = _serviced(state, record.session, body), state.drawers[record.drawer]
    if service.testing is None or service.testing.place != record.drawer:
        raise CorruptLedger("a lock is pulsed for a test that is not under way")
    fire(drawer.model, "released")
    drawer.access, drawer.since_ms = record.access, body.mono_ms
    service.testing.access, service.testing.since_ms = record.access, body.mono_ms


def _lock_test_interrupted(
    state: State, record: sr.LockTestInterrupted, _: r.Body, __: r.Attached
) -> None:
    drawer = state.drawers.get(record.drawer)
    if drawer is None:
        return  # a new make-up of the cabinet did without it
    _not_opened_any_more(drawer, record.access)
    if record.opened:  # nobody saw what went in
        state.doubt(drawer, "open when a lock's test was interrupted")


def tested(state: State) -> tuple[str, str]:
    """The drawer whose lock is tested by the technician alone, and the access; "" and "" if none.

    Where a person at the touchscreen opens it, the access going on is theirs.
    """
    testing = state.service.testing if state.service is not None else None
    if testing is None or not testing.access or state.access is not None:
        return "", ""
    return testing.place, testing.access


def _part_replaced(state: State, record: sr.PartReplaced, body: r.Body, _: r.Attached) -> None:
    _serviced(state, record.session, body)


def _system_requested(
    state: State, record: sr.SystemRequested, body: r.Body, _: r.Attached
) -> None:
    _serviced(state, record.session, body)


def _system_answered(state: State, record: sr.SystemAnswered, body: r.Body, _: r.Attached) -> None:
    """It may come after the session."""


def _service_noted(
    state: State, record: sr.ServiceNoted, body: r.Body, attached: r.Attached
) -> None:
    note = attached.get(record.note)
    text = note.text if isinstance(note, sr.ServiceNote) else ""
    _serviced(state, record.session, body).notes[record.note] = text


def _service_ended(state: State, record: sr.ServiceEnded, body: r.Body, _: r.Attached) -> None:
    _serviced(state, record.session, body)
    state.service = None


APPLY: dict[type, Callable[[State, Any, r.Body, r.Attached], None]] = {
    sr.ServiceSignedIn: _service_signed_in,
    sr.ServiceRefused: _service_refused,
    sr.ServiceAdmitted: _service_admitted,
    sr.ServiceExtended: _service_extended,
    sr.ServiceCommand: _service_command,
    sr.ServiceBegun: _service_begun,
    sr.ServiceFinished: _service_finished,
    sr.ServiceTestBegun: _service_test_begun,
    sr.ServiceTested: _service_tested,
    sr.LockTestOrdered: _lock_test_ordered,
    sr.LockTestInterrupted: _lock_test_interrupted,
    sr.PartReplaced: _part_replaced,
    sr.SystemRequested: _system_requested,
    sr.SystemAnswered: _system_answered,
    sr.ServiceNoted: _service_noted,
    sr.ServiceEnded: _service_ended,
}
