"""A new PIN or passphrase alone, by a one-time code: fingers, badge and app stay as they are.

Not for withdrawing the old one or issuing the code (`administration.py`, `staff.py`). One rule:
nobody chooses it for somebody else: whoever stands by did not issue the code, the badge is the
person's own, and so is a finger wherever one of theirs can be asked for.
"""

from dataclasses import replace

from auth.policy import Factor
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.decision import Draft, Note, Place
from cabinet.events import BadgeSeen, FingerSeen, VerifyFinger
from cabinet.messages import Words
from cabinet.sensor import SENSOR
from cabinet.state import Code, Person, State

PAGE = "enrol_prove"  # where a finger is asked for
MOST_MISSES = 3  # of one code, which is then spent
NOT_THEIRS = "That is not their badge. Hold their own to the reader."
AGAIN = "Not recognised. Lift your finger and place it again."
GIVEN_UP = "Their finger was not recognised. Have them enrol again with new fingers."


def wanted(state: State, code: Code) -> bool:
    """Whether this code is for a new PIN alone."""
    person = state.people.get(code.person)
    return bool(code.by) and person is not None and person.waits_for_pin


def going_on(state: State, place: Place) -> Person | None:
    """Whose PIN alone is renewed now, None where nobody's is."""
    enrolment = state.enrolment
    return state.people[enrolment.person] if enrolment and place.newcomer.renews else None


def badge_seen(draft: Draft, event: BadgeSeen, person: Person) -> None:
    """Their own badge; then a finger of theirs, where there can be one."""
    if not person.badge or event.badge != person.badge:
        draft.refuse(NOT_THEIRS)
        return
    draft.stay(newcomer=replace(draft.place.newcomer, badge=event.badge))
    if not person.slots:
        _goes_on(draft, "not_enrolled", None)
    elif SENSOR in draft.state.devices_down:
        _goes_on(draft, "sensor_down", None)
    else:
        _ask_finger(draft, person, None)


def _ask_finger(draft: Draft, person: Person, note: Note | None) -> None:
    request = draft.reference()
    within_s = draft.state.plan.timings.factor_within_s
    draft.command(VerifyFinger(request, person.slots, within_s))
    draft.go(PAGE, request=request, note=note)


def _goes_on(draft: Draft, fallback: str, note: Note | None) -> None:
    """To the new PIN; `fallback` says why no finger proved who they are, "" where one did."""
    draft.stay(newcomer=replace(draft.place.newcomer, fallback=fallback))
    draft.go("enrol_pin", note=note)


def finger_seen(draft: Draft, event: FingerSeen, person: Person) -> bool:
    """The sensor answered; whether it is over, because the finger is not theirs."""
    if event.request != draft.place.request or draft.place.page != PAGE:
        return False
    draft.stay(active_ms=draft.moment.mono_ms)
    match event.outcome:
        case "matched" if event.slot in person.slots:
            _goes_on(draft, "", None)
        case "matched" | "no_match":
            misses = draft.place.newcomer.captures + 1
            draft.stay(newcomer=replace(draft.place.newcomer, captures=misses))
            if misses >= MOST_MISSES:
                return True
            _ask_finger(draft, person, Note(AGAIN, "refusal"))
        case "fault":
            words = "The finger sensor cannot tell. Go on without it."
            _goes_on(draft, "sensor_fault", Note(words, "warning"))
        case _:  # unclear, or nobody placed one: whoever stands by may cancel
            words = event.words or "Place it flat, in the middle."
            _ask_finger(draft, person, Note(words, "warning"))
    return False


def sensor_lost(draft: Draft) -> None:
    """The sensor does not answer any more: whoever stands by is what is left."""
    if draft.place.page == PAGE:
        words = "The finger sensor does not answer. Go on without it."
        _goes_on(draft, "sensor_down", Note(words, "warning"))


def changed(person: Person, badge: str) -> bool:
    """Whether their account was changed since they began, by a list: then nothing is renewed."""
    return not person.waits_for_pin or person.badge != badge


def finish(draft: Draft, person: Person) -> None:
    """Everything is given: the one record by which the new PIN counts."""
    enrolment, newcomer = draft.state.enrolment, draft.place.newcomer
    assert enrolment is not None
    finger = () if newcomer.fallback else (Factor.FINGER.value,)
    credential = draft.attach("credential", r.Credential(newcomer.pin))
    factors = (Factor.BADGE.value, *finger)
    draft.add(st.PinRenewed(enrolment.id, person.ref, factors, newcomer.fallback, credential))
    draft.leave(Note("Your new PIN or passphrase works from now on.", "success"))


def asks(place: Place) -> tuple[Words, ...]:
    """What stands where the finger is asked for."""
    assert place.page == PAGE
    return (
        Words("Put a finger that is enrolled on the sensor", "name"),
        Words("It shows that the new PIN is for you."),
    )
