"""Enrolling at the screen with a one-time code: badge, PIN or passphrase twice, finger.

Not for issuing codes (`staff.py`). One rule: nothing the newcomer gives counts before the one
record that enrols them, and their code is used up by that record.
"""

from dataclasses import replace
from typing import Any

from auth.pins import plain_code
from cabinet import factor_records as fr
from cabinet import lookalikes, numbers, pin_renewal, rights, sessions, standing_by, typed_secret
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.decision import Draft, Newcomer, Note
from cabinet.events import (
    BadgeSeen,
    CancelFinger,
    CheckPin,
    CodeHashed,
    DeleteFinger,
    EnrolFinger,
    FingerSeen,
    HashCode,
    HashPin,
    PinChecked,
    PinHashed,
)
from cabinet.sensor import SENSOR
from cabinet.state import State
from cabinet.wording import REASONS

MAX_NAME_CHARS = 30
NOT_YOURS = "That badge belongs to somebody else."
FINGERS = 2  # slots kept for each person
CAPTURES = 3  # of one finger that the sensor wants to agree
FINGER_WITHIN_S = 45
SAVED_ALREADY = "That finger is saved already. Use a finger of the other hand."
SOMEBODYS = "That finger is enrolled for somebody else. This was recorded. Try another finger."
CODE_WORDS = {
    "unknown": "That code is not valid.",
    "expired": "That code has expired. Ask for a new one.",
    "nobody_stands_by": (
        "Ask a charge nurse, a pharmacist or an administrator: Tasks, Enrol somebody."
    ),
}


def replace_newcomer(draft: Draft, **changes: Any) -> None:
    """Keep what the newcomer gave."""
    draft.stay(newcomer=replace(draft.place.newcomer, **changes))


def code_hashed(draft: Draft, event: CodeHashed) -> None:
    """A code was typed, at the first screen or beside an enroller: start, or refuse, recorded."""
    state, session = draft.state, draft.state.session
    if event.request != draft.place.request or draft.place.page not in ("code_entry", "enrolling"):
        return
    draft.stay(request="")
    code = state.codes.get(event.code)
    now_ms = rights.now_of(state, draft.moment.wall_ms)
    if code is None or now_ms >= code.expires_ms or _unwelcome(state, code.person, now_ms):
        why = "expired" if code is not None and now_ms >= code.expires_ms else "unknown"
        draft.add(r.CodeRefused(why))
        draft.refuse(CODE_WORDS[why])
        return
    if session is None and code.person and code.by:
        draft.add(r.CodeRefused("nobody_stands_by"))
        draft.refuse(CODE_WORDS["nobody_stands_by"])
        return
    if session is not None and standing_by.refused(draft, code):
        return
    enroller = session.person if session is not None else ""
    factors = session.factors if session is not None else ()
    if session is not None:
        sessions.sign_out(draft, "enrolment")
    person = code.person or draft.reference()
    renews = pin_renewal.wanted(state, code)
    without = renews or SENSOR in state.devices_down
    slots = () if without else state.free_slots(FINGERS)
    draft.add(r.EnrolmentStarted(draft.reference(), event.code, person, slots, enroller, factors))
    known = state.people.get(person)
    if known is None:
        draft.go("enrol_staff_id", newcomer=Newcomer())
    else:
        draft.go("enrol_badge", newcomer=Newcomer(renews=renews))


def _unwelcome(state: State, person: str, wall_ms: int) -> bool:
    """Whether somebody who was listed may not come (any more)."""
    known = state.people.get(person)
    return known is not None and known.status(rights.now_of(state, wall_ms)) not in (
        "invited",
        "active",
    )


def badge_seen(draft: Draft, event: BadgeSeen) -> None:
    """The newcomer's badge, or one that is somebody else's."""
    enrolment = draft.state.enrolment
    if enrolment is None or draft.place.page != "enrol_badge":
        return
    holder = draft.state.by_badge.get(event.badge, "")
    draft.stay(active_ms=draft.moment.mono_ms)
    renewing = pin_renewal.going_on(draft.state, draft.place)
    if renewing is not None:
        pin_renewal.badge_seen(draft, event, renewing)
        return
    if holder not in ("", enrolment.person):
        draft.refuse(NOT_YOURS)
        return
    known, code = draft.state.people.get(enrolment.person), draft.state.codes.get(enrolment.code)
    lost = code is not None and not code.by  # the recovery cards let them in, with another badge
    if known is not None and known.badge not in ("", event.badge) and not lost:
        draft.refuse("Use the badge that the staff list has for you.")
        return
    replace_newcomer(draft, badge=event.badge)
    draft.go("enrol_pin")


def pin_hashed(draft: Draft, event: PinHashed) -> None:
    """The first typing of a new PIN was hashed, or it cannot be used."""
    if event.request != draft.place.request or draft.place.page != "enrol_working":
        return
    if event.unusable:
        _choose(draft, Note(event.unusable, "refusal"))
        return
    replace_newcomer(draft, first_pin=event.encoded)
    draft.go(typed_secret.page_of(draft.place.newcomer, again=True), request="")


def pin_checked(draft: Draft, event: PinChecked) -> None:
    """The second typing was compared with the first."""
    if event.request != draft.place.request or draft.place.page != "enrol_working":
        return
    if not event.right:
        what = "passphrases" if draft.place.newcomer.phrase else "PINs"
        replace_newcomer(draft, first_pin="")
        _choose(draft, Note(f"The two {what} differ. Choose one again.", "refusal"))
        return
    replace_newcomer(draft, pin=draft.place.newcomer.first_pin, first_pin="")
    assert draft.state.enrolment is not None
    if draft.state.enrolment.slots and SENSOR not in draft.state.devices_down:
        if draft.state.plan.fingers.copies:
            draft.go("enrol_copies", request="")
        else:
            _ask_finger(draft, None)
    else:
        finish(draft)


def _choose(draft: Draft, note: Note | None) -> None:
    """A PIN, or a passphrase where that was asked for."""
    draft.go(typed_secret.page_of(draft.place.newcomer), request="", note=note)


def _known(draft: Draft) -> tuple[str, ...]:
    """What others know of whoever enrols: no passphrase of it."""
    state, newcomer = draft.state, draft.place.newcomer
    assert state.enrolment is not None
    person = state.people.get(state.enrolment.person)
    details = person.details if person is not None else None
    given, family = (
        (details.given, details.family) if details else (newcomer.given, newcomer.family)
    )
    return given, family, state.name, state.cabinet, state.plan.area


def _ask_finger(draft: Draft, note: Note | None) -> None:
    enrolment = draft.state.enrolment
    assert enrolment is not None
    slot = enrolment.slots[len(draft.place.newcomer.slots)]
    request = draft.reference()
    draft.command(EnrolFinger(request, slot, FINGER_WITHIN_S))
    replace_newcomer(draft, captures=0)
    draft.go("enrol_finger", request=request, note=note)


def finger_seen(draft: Draft, event: FingerSeen) -> None:
    """The sensor answered."""
    enrolment, place = draft.state.enrolment, draft.place
    renewing = pin_renewal.going_on(draft.state, draft.place)
    if renewing is not None and pin_renewal.finger_seen(draft, event, renewing):
        end(draft, st.FINGER_MISSED, pin_renewal.GIVEN_UP)
    if (
        renewing is not None
        or enrolment is None
        or event.request != place.request
        or place.page != "enrol_finger"
    ):
        return
    draft.stay(active_ms=draft.moment.mono_ms)
    match event.outcome:
        case "captured":
            done = place.newcomer.captures + 1
            replace_newcomer(draft, captures=done)
            words = f"Good, {done} of {CAPTURES}. Lift your finger, then place the same one again."
            draft.stay(note=Note(words))
        case "enrolled" if event.slot == enrolment.slots[len(place.newcomer.slots)]:
            slots = (*place.newcomer.slots, event.slot)
            replace_newcomer(draft, slots=slots)
            if len(slots) < len(enrolment.slots):
                _ask_finger(draft, Note("Saved. Now a finger of the other hand.", "success"))
            else:
                finish(draft)
        case "mismatch":
            _ask_finger(draft, Note("Those were not alike. Use the same finger.", "warning"))
        case "taken" if event.slot is not None:
            _taken(draft, event.slot)
        case "unclear":
            words = event.words or "Place it flat, in the middle."
            _ask_finger(draft, Note(words, "warning"))
        case "timed_out" | "fault" | "enrolled" | "taken":
            words = "No finger was read. Try again, or go on without one."
            draft.go("enrol_skipped", request="", note=Note(words, "warning"))


def _taken(draft: Draft, slot: int) -> None:
    """The sensor found this finger in a slot: whose is it?"""
    enrolment, holder = draft.state.enrolment, draft.state.holder(slot)
    assert enrolment is not None
    if slot in draft.place.newcomer.slots:
        _ask_finger(draft, Note(SAVED_ALREADY, "warning"))
    elif holder:
        # From here on nobody goes on, or begins again by this code, without a finger of their own.
        draft.add(fr.FingerTaken(enrolment.id, enrolment.person, holder, slot))
        draft.go("enrol_skipped", request="", note=Note(SOMEBODYS, "refusal"))
    else:  # left over: an enrolment was given up, or the sensor served elsewhere
        draft.command(DeleteFinger(draft.reference(), slot))
        _ask_finger(draft, Note("Not saved yet. Place the same finger again.", "warning"))


def finish(draft: Draft) -> None:
    """Everything is given: the one record that enrols this person."""
    state, newcomer = draft.state, draft.place.newcomer
    enrolment = state.enrolment
    assert enrolment is not None
    known, renewing = state.people.get(enrolment.person), pin_renewal.going_on(state, draft.place)
    if state.by_badge.get(newcomer.badge, enrolment.person) != enrolment.person:
        end(draft, "badge_taken", NOT_YOURS)  # by a staff list, since it was held to the reader
        return
    if _unwelcome(state, enrolment.person, draft.moment.wall_ms):
        end(draft, "rights_withdrawn", REASONS["rights_withdrawn"])
        return
    if standing_by.gone(state, enrolment.enroller, draft.moment.wall_ms):
        end(draft, "enroller_withdrawn", "Whoever stood by may not any more.")
        return
    if standing_by.alone(state, enrolment):
        end(draft, "own_code", "Another enroller must stand by.")
        return
    if renewing is not None and pin_renewal.changed(renewing, newcomer.badge):
        end(draft, "changed_meanwhile", REASONS["changed_meanwhile"])
        return
    if renewing is not None:
        pin_renewal.finish(draft, renewing)
        return
    if known is not None and known.details is not None:
        details, role = known.details, known.role
    else:
        details = r.PersonDetails(newcomer.staff_id, newcomer.given, newcomer.family)
        role = known.role if known is not None else "administrator"
    draft.add(
        r.PersonEnrolled(
            enrolment.id,
            enrolment.person,
            role,
            newcomer.badge,
            newcomer.slots,
            draft.attach("person", details),
            draft.attach("credential", r.Credential(newcomer.pin)),
            newcomer.copies and state.plan.fingers.copies and bool(newcomer.slots),
        )
    )
    draft.leave(Note("Enrolled. Hold your badge to the reader to sign in.", "success"))


def end(draft: Draft, why: str, words: str = "") -> None:
    """It ends without an enrolled person."""
    enrolment = draft.state.enrolment
    assert enrolment is not None
    if draft.place.page in ("enrol_finger", pin_renewal.PAGE):
        draft.command(CancelFinger(draft.place.request))
    draft.add(r.EnrolmentEnded(enrolment.id, why))
    spent = (enrolment.taken and enrolment.enroller) or why == st.FINGER_MISSED
    code = "Ask for a new code." if spent else "The code stays good."
    done = (
        "Not enrolled." if pin_renewal.going_on(draft.state, draft.place) is None else "No new PIN."
    )
    draft.leave(Note(f"{words} {done} {code}".strip(), "warning"))


def pressed(draft: Draft, button: str, text: str) -> None:
    """A button of the enrolment's screens."""
    match button:
        case "cancel":
            end(draft, "cancelled")
        case "staff_id":
            text = _typed(text)
            if numbers.refusal(draft.state, text):
                draft.refuse("Enter your own staff number: nobody else's, nor one that looks so.")
            else:
                replace_newcomer(draft, staff_id=text)
                draft.go("enrol_family")
        case "family" | "given":
            text = _typed(text)
            if not text:
                draft.refuse("Enter your name.")
                return
            replace_newcomer(draft, **{button: lookalikes.capitals(text)})
            draft.go("enrol_given" if button == "family" else "enrol_badge")
        case "new_pin":
            request = draft.reference()
            newcomer = draft.place.newcomer
            asked = (_staff_id(draft), newcomer.badge, newcomer.phrase, _known(draft))
            draft.command(HashPin(request, text, *asked))
            draft.go("enrol_working", request=request)
        case "same_pin":
            request = draft.reference()
            draft.command(CheckPin(request, draft.place.newcomer.first_pin, text))
            draft.go("enrol_working", request=request)
        case "phrase_instead" | "pin_instead":
            replace_newcomer(draft, phrase=typed_secret.CHOOSING[button])
            _choose(draft, None)
        case "copies" | "no_copies":
            replace_newcomer(draft, copies=button == "copies")
            _ask_finger(draft, None)
        case "try_finger" if SENSOR in draft.state.devices_down:
            draft.refuse("The finger sensor does not answer.")
        case "try_finger":
            _ask_finger(draft, None)
        case "without_finger":
            if draft.place.page == "enrol_finger":
                draft.command(CancelFinger(draft.place.request))
            finish(draft)


def _staff_id(draft: Draft) -> str:
    """The staff number of whoever enrols, which everybody knows."""
    assert draft.state.enrolment is not None
    known = draft.state.people.get(draft.state.enrolment.person)
    if known is not None and known.details is not None:
        return known.details.staff_id
    return draft.place.newcomer.staff_id


def _typed(text: str) -> str:
    """A name or number as typed, "" when it cannot be one."""
    text = text.strip()
    return text if text.isprintable() and len(text) <= MAX_NAME_CHARS else ""


def pressed_beside(draft: Draft, text: str) -> None:
    """A newcomer's code was typed at the screen of the enroller who stands by."""
    if not draft.place.request and not text.strip():
        draft.refuse(REASONS["nothing_typed"])
    else:
        _code_typed(draft, text)


def _code_typed(draft: Draft, text: str) -> None:
    """Have it hashed: `code_hashed` goes on."""
    if draft.place.request:
        draft.refuse("One moment.")
        return
    request = draft.reference()
    draft.command(HashCode(request, plain_code(text)))
    draft.stay(request=request, note=None)


def pressed_first(draft: Draft, button: str, text: str) -> None:
    """A button of the first screen and of the code's screen, with nobody signed in."""
    match button:
        case "have_code":
            draft.go("code_entry")
        case "code":
            _code_typed(draft, text)
        case "cancel":
            draft.leave()
