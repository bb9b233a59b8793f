"""The state as bytes and back, so that a start replays only the entries after it.

Not for deciding whether a snapshot counts (`journal.py`). One rule: names, PIN hashes and other
attachments are never in it; they are looked up again, so that what is erased is gone from here too.
"""

import hashlib
from dataclasses import fields, replace
from typing import Any, get_type_hints

import msgspec

from cabinet import machines
from cabinet import records as r
from cabinet.effects import details_of
from cabinet.machines import CorruptLedger
from cabinet.plan import Drawer
from cabinet.service_records import ServiceNote, TechnicianDetails
from cabinet.state import DrawerState, Order, Patient, Person, Service, State

VERSION = 4  # of State and of this encoding; another one is not read but replayed


class _Drawer(msgspec.Struct, frozen=True):
    plan: Drawer
    state: str
    access: str
    since_ms: int
    alerted: bool
    cause: str
    used_ms: int
    doubted: bool


_DERIVED = ("by_badge", "by_staff_id", "by_record_number")
_CHANGED = ("balances", "people", "patients", "orders", "drawers", "screen", "service")


def take(state: State) -> bytes:
    """The state's bytes; equal states give equal bytes."""
    kept: dict[str, Any] = {
        name: getattr(state, name)
        for name in (field.name for field in fields(State))
        if name not in (*_DERIVED, *_CHANGED)
    }
    kept["balances"] = [(*key, quantity) for key, quantity in state.balances.items()]
    kept["people"] = [
        replace(it, details=None, pin="", totp="", key_credential="", key_public="")
        for it in state.people.values()
    ]
    kept["patients"] = [replace(it, details=None) for it in state.patients.values()]
    kept["orders"] = [replace(it, details=None) for it in state.orders.values()]
    kept["drawers"] = [
        _Drawer(
            *(it.plan, it.model.state, it.access, it.since_ms),
            *(it.alerted, it.cause, it.used_ms, it.doubted),
        )
        for it in state.drawers.values()
    ]
    kept["screen"] = state.screen.state
    now = state.service
    unsaid = dict.fromkeys(now.notes if now is not None else (), "")
    kept["service"] = replace(now, details=None, notes=unsaid) if now is not None else None
    return msgspec.json.encode(kept)


def digest(data: bytes) -> str:
    """What an entry says of a snapshot."""
    return hashlib.sha256(data).hexdigest()


def restore(data: bytes, attached: r.Attached) -> State:
    """The state that `take` gave bytes of; CorruptLedger when they are not such bytes."""
    try:
        kept = msgspec.json.decode(data, type=_KEPT)
    except msgspec.DecodeError as error:
        raise CorruptLedger(f"the snapshot cannot be read: {error}") from None
    state = State()
    for name in kept.__struct_fields__:
        if name not in _CHANGED:
            setattr(state, name, getattr(kept, name))
    state.balances = {(account, medicine): q for account, medicine, q in kept.balances}
    for person in kept.people:
        _person(state, person, attached)
    for patient in kept.patients:
        _patient(state, patient, attached)
    for order in kept.orders:
        details = details_of(attached, order.listed.details, r.OrderDetails)
        order.details = details if isinstance(details, r.OrderDetails) else None
        state.orders[order.listed.order] = order
    for drawer in kept.drawers:
        model = machines.new_drawer()
        machines.place(model, drawer.state)
        state.drawers[drawer.plan.id] = DrawerState(
            drawer.plan,
            model,
            drawer.access,
            drawer.since_ms,
            drawer.alerted,
            drawer.cause,
            drawer.used_ms,
            drawer.doubted,
        )
    machines.place(state.screen, kept.screen)
    state.service = kept.service
    if state.service is not None:
        told = details_of(attached, state.service.technician, TechnicianDetails)
        state.service.details = told if isinstance(told, TechnicianDetails) else None
        for name in state.service.notes:
            note = details_of(attached, name, ServiceNote)
            state.service.notes[name] = note.text if isinstance(note, ServiceNote) else ""
    return state


def _person(state: State, person: Person, attached: r.Attached) -> None:
    details = details_of(attached, person.details_name, r.PersonDetails)
    credential = details_of(attached, person.credential_name, r.Credential)
    state.people[person.ref] = person
    if person.badge:
        state.by_badge[person.badge] = person.ref
    if isinstance(details, r.PersonDetails):
        person.details = details
        state.by_staff_id[details.staff_id] = person.ref
    if isinstance(credential, r.Credential):
        person.pin = credential.pin
    secret = details_of(attached, person.totp_name, r.TotpSecret)
    if isinstance(secret, r.TotpSecret):
        person.totp = secret.sealed
    key = details_of(attached, person.key_name, r.KeptKey)
    if isinstance(key, r.KeptKey):
        person.key_credential, person.key_public = key.credential, key.public


def _patient(state: State, patient: Patient, attached: r.Attached) -> None:
    details = details_of(attached, patient.details_name, r.PatientDetails)
    state.patients[patient.ref] = patient
    if isinstance(details, r.PatientDetails):
        patient.details = details
        state.by_record_number[details.record_number] = patient.ref


def _kept_type() -> Any:
    """The struct that holds every field of State in a form that can be written."""
    hints = get_type_hints(State)
    changed: dict[str, Any] = {
        "balances": list[tuple[str, str, int]],
        "people": list[Person],
        "patients": list[Patient],
        "orders": list[Order],
        "drawers": list[_Drawer],
        "screen": str,
        "service": Service | None,
    }
    return msgspec.defstruct(
        "Kept",
        [
            (field.name, changed.get(field.name, hints[field.name]))
            for field in fields(State)
            if field.name not in _DERIVED
        ],
        forbid_unknown_fields=True,
    )


_KEPT = _kept_type()
