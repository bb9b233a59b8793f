"""What records of fingers, their sensor and wrong tries do to the state: a part of `effects.py`.

Not for what is allowed. One rule: as there; no clock, no randomness, the same live and in replay.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from auth.lockout import Limits, Tries
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet.machines import CorruptLedger, fire
from cabinet.state import Load, Person, State

NO_COPY = "no_copy"  # why a finger is not loaded: nobody kept it
MAX_TRIES_KEPT = 1000  # unknown badges with wrong tries; the oldest is forgotten first


# --- wrong tries ----------------------------------------------------------------------------------


def count(state: State, badge: str, factor: str, mono_ms: int) -> None:
    """One more wrong try with this badge, and at this cabinet."""
    state.tries[badge] = state.tries.pop(badge, Tries()).wrong(factor, mono_ms)
    most = state.plan.rules.crowd_tries
    state.recent_tries = (*state.recent_tries, mono_ms)[-most:]
    # Nobody's lock-out is pushed out by the wrong tries of badges that nobody has.
    strangers = [badge for badge in state.tries if badge not in state.by_badge]
    for stranger in strangers[: max(0, len(strangers) - MAX_TRIES_KEPT)]:
        del state.tries[stranger]


def _keep(state: State, badge: str, tries: Tries) -> None:
    state.tries.pop(badge, None)
    if tries.fingers or tries.pins or tries.strong:
        state.tries[badge] = tries


def release(state: State, badge: str) -> None:
    """Forget wrong PINs and codes; a finger that is switched off is enrolled anew instead."""
    if badge in state.tries:
        _keep(state, badge, replace(state.tries[badge], pins=0, strong=0))


def forget_pins(state: State, badge: str) -> None:
    """Wrong tries of a PIN that is no more; those of fingers and codes stay."""
    if badge in state.tries:
        _keep(state, badge, replace(state.tries[badge], pins=0))


def proved(state: State, factors: tuple[str, ...]) -> None:
    """The attempt ended well."""
    if state.attempt is not None and state.attempt.badge in state.tries:
        tries = state.tries[state.attempt.badge]
        _keep(state, state.attempt.badge, tries.right(factors, limits(state)))


def limits(state: State) -> Limits:
    """The site's limits of wrong tries."""
    rules = state.plan.rules
    return Limits(rules.delay_from_try, rules.delay_s, rules.lock_at_try, rules.finger_off_at_try)


def attested(state: State, shown: tuple[str, ...]) -> None:
    """The second person proved who they are."""
    fire(state.screen, "witnessed")
    proved(state, shown)
    state.attempt = state.witnessing = None


def carry_over(state: State, old: str, new: str) -> None:
    """A new badge releases nobody."""
    if old not in state.tries:
        return
    before, there = state.tries.pop(old), state.tries.get(new, Tries())
    state.tries[new] = Tries(
        max(before.fingers, there.fingers),
        max(before.pins, there.pins),
        max(before.last_ms, there.last_ms),
        max(before.strong, there.strong),
    )


def restarted(state: State, mono_ms: int) -> None:
    """Waits are told by the monotonic clock, which begins again; what was asked is not answered."""
    state.loading = tuple(replace(it, order="") for it in state.loading)
    state.tries = {badge: replace(it, last_ms=mono_ms) for badge, it in state.tries.items()}
    within_ms = state.plan.rules.crowd_within_s * 1000
    late = [at_ms for at_ms in state.recent_tries if state.mono_ms - at_ms < within_ms]
    state.recent_tries = (mono_ms,) * len(late)  # those that counted when the power went
    state.guessed_ms = _alarm(state, state.guessed_ms, mono_ms)
    state.finger_off_ms = _alarm(state, state.finger_off_ms, mono_ms)


def _alarm(state: State, told_ms: int, mono_ms: int) -> int:
    """Whoever pulls the plug silences no alarm: one that was on begins anew, -1 for none."""
    on = told_ms >= 0 and state.mono_ms - told_ms < state.plan.rules.crowd_within_s * 1000
    return mono_ms if on else -1


def _guessing_suspected(
    state: State, _: fr.GuessingSuspected, body: r.Body, __: r.Attached
) -> None:
    state.guessed_ms = body.mono_ms


def _finger_switched_off(
    state: State, _: fr.FingerSwitchedOff, body: r.Body, __: r.Attached
) -> None:
    state.finger_off_ms = body.mono_ms


# --- codes ----------------------------------------------------------------------------------------


def _factor_proven(state: State, record: fr.FactorProven, _: r.Body, __: r.Attached) -> None:
    if state.attempt is not None:
        state.attempt.proven, state.attempt.fallback = record.factors, record.fallback


def _totp_enrolled(state: State, record: fr.TotpEnrolled, _: r.Body, attached: r.Attached) -> None:
    person, secret = state.people[record.person], attached.get(record.secret)
    person.totp_name = record.secret
    person.totp = secret.sealed if isinstance(secret, r.TotpSecret) else ""
    _used(state, person, record.step)


def _key_enrolled(
    state: State, record: fr.SecurityKeyEnrolled, _: r.Body, attached: r.Attached
) -> None:
    person, key = state.people[record.person], attached.get(record.key)
    person.key_name, person.key_counter = record.key, record.counter
    if isinstance(key, r.KeptKey):
        person.key_credential, person.key_public = key.credential, key.public


def _key_used(state: State, record: fr.SecurityKeyUsed, _: r.Body, __: r.Attached) -> None:
    state.people[record.person].key_counter = record.counter


def without_strong(person: Person) -> None:
    """Whoever enrols again has neither app nor key; no code of a new app was ever used."""
    person.totp, person.totp_name, person.totp_step = "", "", 0
    person.key_credential = person.key_public = person.key_name = ""


def erased(state: State, person: Person, name: str) -> None:
    """An attachment of a person's is gone."""
    if name in [it for _, it in person.templates]:
        person.copies = False  # and is not made anew
        _drop(state, person)
    if person.totp_name == name:
        person.totp = ""
    if person.key_name == name:
        person.key_credential = person.key_public = ""


def _totp_used(state: State, record: fr.TotpUsed, _: r.Body, __: r.Attached) -> None:
    _used(state, state.people[record.person], record.step)


def _used(state: State, person: Person, step: int) -> None:
    person.totp_step = max(person.totp_step, step)
    state.totp_step = max(state.totp_step, step)


# --- slots and their sensor -----------------------------------------------------------------------


def wipe(state: State, slots: tuple[int, ...]) -> None:
    """Nobody's from here on, and to be emptied."""
    state.wiping += tuple(slot for slot in slots if slot not in state.wiping)


def _finger_wiped(state: State, record: fr.FingerWiped, _: r.Body, __: r.Attached) -> None:
    state.wiping = tuple(slot for slot in state.wiping if slot != record.slot)


def unfinger(state: State, person: Person) -> None:
    """From here on this person has no finger here: the sensor and the copies forget them."""
    wipe(state, person.slots)
    # Also what was ordered before a restart may be in its slot, though no answer came.
    wipe(state, tuple(it.slot for it in state.loading if it.person == person.ref and not it.why))
    state.loading = tuple(it for it in state.loading if it.person != person.ref)
    person.slots, person.copies = (), False
    _drop(state, person)


def _drop(state: State, person: Person) -> None:
    """This person's copies are to be erased; a finger that waits for one is enrolled anew."""
    forget(state, tuple(name for _, name in person.templates))
    person.templates, person.uncopied = (), ()
    state.loading = tuple(
        replace(it, template="", why=it.why or NO_COPY) if it.person == person.ref else it
        for it in state.loading
    )


def forget(state: State, names: tuple[str, ...]) -> None:
    """Templates of nobody's: to be erased, where they are still there."""
    gone = (name for name in names if name in state.named and name not in state.forgotten)
    state.forgotten += tuple(gone)


def configured(state: State) -> None:
    """A site that keeps no copies (any more) has none."""
    if not state.plan.fingers.copies:
        for person in state.people.values():
            person.copies = False
            _drop(state, person)


def _sensor_fitted(state: State, record: fr.SensorFitted, _: r.Body, __: r.Attached) -> None:
    if record.approved_by:
        attested(state, record.approver_factors)
    state.sensor, state.found_sensor, state.wiping = record.sensor, None, ()
    waited = {(it.person, it.slot): it for it in state.loading}
    state.loading = ()
    for person in state.people.values():
        copies = dict(person.templates)
        lost = sorted({*person.slots, *(slot for ref, slot in waited if ref == person.ref)})
        if not record.load:
            unfinger(state, person)
        else:
            state.loading += tuple(_load(person, slot, copies.get(slot, "")) for slot in lost)
        person.slots = ()
    if not record.load:
        state.wiping = ()


def _load(person: Person, slot: int, template: str) -> Load:
    return Load(person.ref, slot, template, why="" if template else NO_COPY)


def _sensor_foreign(state: State, record: fr.SensorForeign, _: r.Body, __: r.Attached) -> None:
    state.found_sensor = record.sensor


# --- sealed copies --------------------------------------------------------------------------------


def _template_kept(state: State, record: fr.TemplateKept, _: r.Body, __: r.Attached) -> None:
    person = state.people[record.person]
    older = dict(person.templates)
    forget(state, (older.pop(record.slot, ""),))
    person.templates = (*older.items(), (record.slot, record.template))


def _template_not_kept(state: State, record: fr.TemplateNotKept, _: r.Body, __: r.Attached) -> None:
    state.people[record.person].uncopied += (record.slot,)


def _copies_taken_back(state: State, record: fr.CopiesTakenBack, _: r.Body, __: r.Attached) -> None:
    person = state.people[record.person]
    person.copies = False
    _drop(state, person)


def _template_ordered(state: State, record: fr.TemplateOrdered, _: r.Body, __: r.Attached) -> None:
    wanted = (record.person, record.slot, record.template)
    load = next((it for it in state.loading if (it.person, it.slot, it.template) == wanted), None)
    if load is None:
        raise CorruptLedger(f"slot {record.slot} waits for no template")
    after = replace(load, order=record.order)
    state.loading = tuple(after if it is load else it for it in state.loading)


def _under_way(state: State, order: str) -> Load:
    found = next((it for it in state.loading if it.order and it.order == order), None)
    if found is None:
        raise CorruptLedger(f"no template is loaded under {order!r}")
    return found


def _template_loaded(state: State, record: fr.TemplateLoaded, _: r.Body, __: r.Attached) -> None:
    load = _under_way(state, record.order)
    state.loading = tuple(it for it in state.loading if it is not load)
    person = state.people[load.person]
    person.slots = tuple(sorted({*person.slots, load.slot}))


def _template_not_loaded(
    state: State, record: fr.TemplateNotLoaded, _: r.Body, __: r.Attached
) -> None:
    load = _under_way(state, record.order)
    after = replace(load, order="", tries=load.tries + 1, why="" if record.again else record.why)
    if not record.again:
        wipe(state, (load.slot,))  # it may hold anything
        person = state.people[load.person]
        person.templates = tuple(it for it in person.templates if it[0] != load.slot)
        forget(state, (load.template,))
        after = replace(after, template="")
    state.loading = tuple(after if it is load else it for it in state.loading)


def _supervised(state: State, record: fr.Supervised, _: r.Body, __: r.Attached) -> None:
    session = state.session
    if session is None or session.id != record.session:
        raise CorruptLedger(f"there is no session {record.session!r} to supervise")
    attested(state, record.factors)
    session.supervised = True


def _nothing(_: State, __: object, ___: r.Body, ____: r.Attached) -> None:
    """The record changes nothing but the ledger."""


def _finger_taken(state: State, _: fr.FingerTaken, __: r.Body, ___: r.Attached) -> None:
    if state.enrolment is None:
        raise CorruptLedger("a finger is somebody else's without an enrolment")
    state.enrolment.taken = True
    if state.enrolment.enroller:  # nobody begins again with this code, and leaves the finger out
        state.codes.pop(state.enrolment.code, None)


APPLY: dict[type, Callable[[State, Any, r.Body, r.Attached], None]] = {
    fr.FactorProven: _factor_proven,
    fr.TotpEnrolled: _totp_enrolled,
    fr.TotpUsed: _totp_used,
    fr.SecurityKeyEnrolled: _key_enrolled,
    fr.SecurityKeyUsed: _key_used,
    fr.FingerTaken: _finger_taken,
    fr.FingerWiped: _finger_wiped,
    fr.FingerSwitchedOff: _finger_switched_off,
    fr.GuessingSuspected: _guessing_suspected,
    fr.SensorFitted: _sensor_fitted,
    fr.SensorForeign: _sensor_foreign,
    fr.TemplateKept: _template_kept,
    fr.TemplateNotKept: _template_not_kept,
    fr.CopiesTakenBack: _copies_taken_back,
    fr.TemplateOrdered: _template_ordered,
    fr.TemplateLoaded: _template_loaded,
    fr.TemplateNotLoaded: _template_not_loaded,
    fr.Supervised: _supervised,
}
