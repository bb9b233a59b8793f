"""Signing in and proving to be a witness: badge, then finger; a PIN or passphrase instead of it.

Not for enrolment, nor for what a signed-in person may do. One rule: what is shown and how long it
takes depend on the badge's wrong tries alone, never on whether the badge is known.
"""

import hashlib
from dataclasses import replace

from auth.lockout import Standing, Tries, crowd_wait_s, standing
from auth.passphrases import can_be
from auth.policy import Factor
from cabinet import (
    attesting,
    authenticator,
    locking,
    machines,
    rights,
    security_key,
    supervision,
    typed_secret,
)
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet.decision import Draft, Note, Place, Proof
from cabinet.events import (
    BadgeSeen,
    CancelFinger,
    CheckPin,
    FingerSeen,
    KeyChecked,
    PinChecked,
    TotpChecked,
    VerifyFinger,
)
from cabinet.factor_effects import limits
from cabinet.messages import Block, Button, Screen, Words
from cabinet.sensor import SENSOR
from cabinet.state import Person, State
from cabinet.wording import REASONS

NOT_RECOGNISED = "Not recognised. Lift your finger and place it again."
PIN_NOT_ACCEPTED = "Not accepted. It works only where no finger is enrolled or the sensor is down."
WRONG = "Not accepted. Type it again."  # while the sensor is down, and so for everybody's badge
DAY_MS = 86_400_000
LOCKED = "Locked after too many wrong tries. A pharmacist can release it."
PIN_LOCKED = (
    "Locked after too many wrong tries. Use your finger, or ask a pharmacist to release it."
)
FINGER_OFF = (
    "Your finger missed too often. Use your PIN or passphrase, and have your finger enrolled again."
)
PROVING = (
    machines.PROVING,
    machines.UNLOCKING,
    machines.UNLOCKING_ACCESS,
    *machines.WITNESS_AT_WORK,
)


def stands(state: State, badge: str, now_ms: int) -> Standing:
    """Whether the holder of `badge` may try now; `now_ms` is monotonic, as a clock may be set."""
    return _beside_sensor(state, standing(state.tries.get(badge, Tries()), now_ms, limits(state)))


def _beside_sensor(state: State, stand: Standing) -> Standing:
    """Where no finger can be, whoever's PIN is off is locked out."""
    return replace(stand, locked=stand.locked or (stand.pin_off and SENSOR in state.devices_down))


def _crowd_wait_s(state: State, recent_ms: tuple[int, ...], now_ms: int) -> int:
    rules = state.plan.rules
    return crowd_wait_s(recent_ms, now_ms, most=rules.crowd_tries, window_s=rules.crowd_within_s)


def _stopped(stand: Standing, crowd_s: int) -> tuple[str, str]:
    """Why no try may be made now and what is said of it; "" and "" when one may."""
    if stand.locked:
        return "locked", LOCKED
    if stand.wait_s >= max(1, crowd_s):
        return (
            "too_soon",
            f"Too many wrong tries. Wait {stand.wait_s} s, then hold your badge again.",
        )
    if crowd_s:
        return "crowd", f"Many wrong tries here. Wait {crowd_s} s, then hold your badge again."
    return "", ""


def badge_seen(draft: Draft, event: BadgeSeen) -> None:
    """A badge was held to the reader."""
    state, screen = draft.state, draft.state.screen.state
    if screen == machines.ENROLLING:
        return  # enrolment takes its badge itself
    if screen in PROVING:
        words = "One badge at a time: go on, or press Cancel."
        draft.stay(note=Note(words, "warning"))
        return
    if screen == machines.NOBODY and not state.in_service:
        draft.leave(Note("Enrol the first two administrators with their codes.", "warning"))
        return
    witness = screen in machines.AT_WITNESS
    if screen != machines.NOBODY and not witness and not locking.another_badge(draft, event.badge):
        return
    attempt, person = draft.reference(), state.by_badge.get(event.badge, "")
    draft.add(r.BadgePresented(attempt, event.badge, person, "witness" if witness else "sign_in"))
    now_ms = draft.moment.mono_ms
    stand = stands(state, event.badge, now_ms)
    why, words = _stopped(stand, _crowd_wait_s(state, state.recent_tries, now_ms))
    if why:
        draft.add(
            r.FactorRefused(attempt, event.badge, person, Factor.BADGE.value, why, False),
            r.AttemptEnded(attempt, why),
        )
        draft.stay(note=Note(words, "refusal"), active_ms=now_ms)
        return
    if SENSOR in state.devices_down:
        draft.go(
            "pin", note=Note("The finger sensor is down. Use your PIN or passphrase.", "warning")
        )
    elif stand.finger_off:
        draft.go("pin", note=Note(FINGER_OFF, "warning"))
    else:
        _ask_finger(draft, event.badge, person, None)
    draft.stay(active_ms=draft.moment.mono_ms)


def _ask_finger(draft: Draft, badge: str, person: str, note: Note | None) -> None:
    request = draft.reference()
    slots = _slots(draft.state, badge, person)
    draft.command(VerifyFinger(request, slots, draft.state.plan.timings.factor_within_s))
    draft.go("finger", request=request, note=note)


def _slots(state: State, badge: str, person: str) -> tuple[int, ...]:
    """The person's slots; for whoever has none, somebody's, always the same, for equal work.

    A match with the slots of somebody else is never believed.
    """
    known = state.people.get(person)
    if known is not None and known.slots:
        return known.slots
    held = [somebody.slots for somebody in state.people.values() if somebody.slots]
    chosen = int.from_bytes(hashlib.sha256(badge.encode()).digest()[:4], "big")
    return held[chosen % len(held)] if held else (0,)


def finger_seen(draft: Draft, event: FingerSeen) -> None:
    """The sensor answered."""
    attempt = draft.state.attempt
    if attempt is None or event.request != draft.place.request or draft.place.page != "finger":
        return
    person = draft.state.people.get(attempt.person)
    match event.outcome:
        case "matched" if person is not None and event.slot in person.slots:
            _proved(draft, person, Factor.FINGER, "")
        case "matched" | "no_match":
            _wrong(draft, Factor.FINGER, "no_match")
        case "unclear":
            words = event.words or "Lift your finger and place it flat in the middle."
            _ask_finger(draft, attempt.badge, attempt.person, Note(words, "warning"))
        case "fault":
            draft.add(
                r.FactorRefused(
                    attempt.id, attempt.badge, attempt.person, "finger", "sensor_fault", False
                )
            )
            _pin_instead(
                draft, Note("The finger sensor cannot tell. Use your PIN or passphrase.", "warning")
            )
        case "timed_out":
            end_attempt(draft, "timed_out")


def pin_checked(draft: Draft, event: PinChecked) -> None:
    """The PIN was compared."""
    attempt = draft.state.attempt
    if attempt is None or event.request != draft.place.request or draft.place.page != "checking":
        return
    person = draft.state.people.get(attempt.person)
    fallback = _fallback(draft.state, person)
    if event.right and person is not None and fallback and pin_is_old(draft, person):
        refused = (attempt.id, attempt.badge, person.ref, Factor.PIN.value, "pin_old", False)
        draft.add(r.FactorRefused(*refused))
        end_attempt(draft, "pin_old", REASONS["pin_old"])
    elif event.right and person is not None and fallback:
        _proved(draft, person, Factor.PIN, fallback)
    else:
        why = "not_permitted" if event.right else "wrong_pin"
        _wrong(draft, Factor.PIN, why)


def pin_is_old(draft: Draft, person: Person) -> bool:
    """Whether the site asks for a newer PIN."""
    days = draft.state.plan.rules.pin_days
    now_ms = rights.now_of(draft.state, draft.moment.wall_ms)
    return bool(days) and now_ms - person.pin_ms >= days * DAY_MS


def totp_checked(draft: Draft, event: TotpChecked) -> None:
    """The code of an authenticator app was compared."""
    attempt, place = draft.state.attempt, draft.place
    asked = place.page == "totp_checking" and event.request == place.request
    if attempt is None or not asked:
        return
    person = draft.state.people[attempt.person]
    if not event.step:
        _wrong(draft, Factor.TOTP, "wrong_code")
    elif rights.stopped(draft.state, person.ref, draft.moment.wall_ms):
        _wrong(draft, Factor.TOTP, "not_active")
    else:
        draft.add(fr.TotpUsed(person.ref, event.step))
        factors = (*attempt.proven, Factor.TOTP.value)
        _whole(draft, person, Proof(person.ref, factors, attempt.fallback))


def key_checked(draft: Draft, event: KeyChecked) -> None:
    """What a security key said was checked."""
    attempt, place = draft.state.attempt, draft.place
    if attempt is None or place.page != "key_checking" or event.request != place.request:
        return
    person = draft.state.people[attempt.person]
    if event.counter < 0:
        _wrong(draft, Factor.SECURITY_KEY, "wrong_key")
    elif rights.stopped(draft.state, person.ref, draft.moment.wall_ms):
        _wrong(draft, Factor.SECURITY_KEY, "not_active")
    else:
        draft.add(fr.SecurityKeyUsed(person.ref, event.counter))
        factors = (*attempt.proven, Factor.SECURITY_KEY.value)
        _whole(draft, person, Proof(person.ref, factors, attempt.fallback))


def _fallback(state: State, person: Person | None) -> str:
    """Why a PIN may stand in for this person's finger, "" when it may not."""
    if SENSOR in state.devices_down:
        return "sensor_down"
    if state.attempt is not None and state.attempt.sensor_failed:
        return "sensor_fault"
    if state.attempt is not None and _finger_off(state):
        return "finger_off"
    return "not_enrolled" if person is not None and not person.slots else ""


def _finger_off(state: State) -> bool:
    assert state.attempt is not None
    return stands(state, state.attempt.badge, 0).finger_off


def _wrong(draft: Draft, factor: Factor, why: str) -> None:
    attempt, state, now_ms = draft.state.attempt, draft.state, draft.moment.mono_ms
    assert attempt is not None
    draft.add(r.FactorRefused(attempt.id, attempt.badge, attempt.person, factor.value, why, True))
    tries = state.tries.get(attempt.badge, Tries()).wrong(factor.value, now_ms)
    stand = _beside_sensor(state, standing(tries, now_ms, limits(state)))
    missed = factor is Factor.FINGER
    if missed and tries.fingers == state.plan.rules.finger_off_at_try:
        draft.add(fr.FingerSwitchedOff(attempt.badge, attempt.person, tries.fingers))
    crowd_s = _crowd(draft)
    stopped, words = _stopped(stand, crowd_s)
    if stopped:
        locked = stand.locked or (factor is Factor.PIN and stand.pin_off)
        words = PIN_LOCKED if locked and not stand.locked else words
        end_attempt(draft, "locked" if locked else "too_many", words)
    elif missed and stand.finger_off:
        draft.go("pin", note=Note(FINGER_OFF, "warning"))
    elif factor is Factor.FINGER:
        _ask_finger(draft, attempt.badge, attempt.person, Note(NOT_RECOGNISED, "refusal"))
    elif factor is Factor.SECURITY_KEY:
        draft.go("key_again", note=Note(security_key.NOT_ACCEPTED, "refusal"))
    elif factor is Factor.TOTP:
        draft.go("totp", note=Note(authenticator.NOT_ACCEPTED, "refusal"))
    else:  # at the keys that they typed on
        words = WRONG if SENSOR in state.devices_down else PIN_NOT_ACCEPTED
        draft.go(draft.place.keys, note=Note(words, "refusal"))
    draft.stay(active_ms=draft.moment.mono_ms)


def sensor_lost(draft: Draft) -> None:
    """The sensor does not answer any more: whoever waits for it goes on with a PIN."""
    if draft.place.page == "finger" and draft.state.attempt is not None:
        words = "The finger sensor does not answer. Use your PIN or passphrase."
        _pin_instead(draft, Note(words, "warning"))


def _pin_instead(draft: Draft, note: Note) -> None:
    """A PIN, where the finger cannot be; whose PIN is off, is locked out meanwhile.

    That tells no badges apart: wrong tries take the PIN of a badge that nobody has as well.
    """
    attempt = draft.state.attempt
    assert attempt is not None
    if stands(draft.state, attempt.badge, draft.moment.mono_ms).pin_off:
        end_attempt(draft, "locked", LOCKED)
    else:
        draft.go("pin", note=note)


def _crowd(draft: Draft) -> int:
    """How long anybody waits after one more wrong try; a cabinet that is guessed at says so."""
    state, now_ms, rules = draft.state, draft.moment.mono_ms, draft.state.plan.rules
    recent = (*state.recent_tries, now_ms)[-rules.crowd_tries :]
    wait_s = _crowd_wait_s(state, recent, now_ms)
    said = state.guessed_ms >= 0 and now_ms - state.guessed_ms < rules.crowd_within_s * 1000
    if wait_s and not said:
        draft.add(fr.GuessingSuspected(rules.crowd_tries, rules.crowd_within_s))
    return wait_s


def _proved(draft: Draft, person: Person, factor: Factor, fallback: str) -> None:
    attempt = draft.state.attempt
    assert attempt is not None
    factors = (Factor.BADGE.value, factor.value)
    stopped = rights.stopped(draft.state, person.ref, draft.moment.wall_ms)
    draft.stay(active_ms=draft.moment.mono_ms)
    if stopped and attempt.purpose != "witness":
        _wrong(draft, factor, "not_active")
    elif authenticator.wanted(person) and not stopped:
        authenticator.ask(draft, person, factors, fallback)
    else:
        _whole(draft, person, Proof(person.ref, factors, fallback))


def _whole(draft: Draft, person: Person, proof: Proof) -> None:
    """All that is asked of this person was right."""
    attempt = draft.state.attempt
    assert attempt is not None
    if attempt.purpose == "witness":
        _witness_proved(draft, person, proof)
    elif not rights.here(draft.state, person.rights):
        # They proved who they are, so they may be told; the ward's patients they may not see.
        draft.add(
            r.FactorRefused(
                attempt.id, attempt.badge, person.ref, proof.factors[-1], "wrong_area", False
            )
        )
        end_attempt(draft, "wrong_area", REASONS["wrong_area"])
    elif draft.state.session is not None:
        locking.proved(draft, proof)
    else:
        proven, session = (proof.factors, proof.fallback), draft.reference()
        draft.add(r.SignedIn(session, attempt.id, person.ref, *proven))
        draft.leave()
        supervision.ask(draft, session, proof)


def _witness_proved(draft: Draft, person: Person, proof: Proof) -> None:
    why = attesting.refusal(draft, person, proof.factors)
    if not why:
        attesting.proved(draft, proof)
        return
    attempt, session = draft.state.attempt, draft.state.session
    assert attempt is not None and session is not None
    factor = proof.factors[-1]
    draft.add(r.FactorRefused(attempt.id, attempt.badge, person.ref, factor, why, False))
    draft.add(r.Refused("witness", why, session.id, person.ref))
    end_attempt(draft, why)
    draft.refuse(REASONS[why])


def end_attempt(draft: Draft, why: str, words: str = "") -> None:
    """The attempt is over without success."""
    attempt = draft.state.attempt
    assert attempt is not None
    if draft.place.page == "finger":
        draft.command(CancelFinger(draft.place.request))
    security_key.give_up(draft)
    draft.add(r.AttemptEnded(attempt.id, why))
    note = Note(words, "refusal") if words else None
    if attempt.purpose == "witness":
        draft.go("witness", note=note, request="")
    else:
        draft.front(note)


def pressed(draft: Draft, button: str, text: str) -> None:
    """A button of the finger or PIN screen."""
    attempt = draft.state.attempt
    assert attempt is not None
    if button == "cancel":
        end_attempt(draft, "cancelled")
    elif button == "use_pin":
        draft.command(CancelFinger(draft.place.request))
        draft.go("pin", request="")
    elif button in typed_secret.KEYS:
        draft.go(typed_secret.KEYS[button], request="")
    elif button == "use_finger":
        _ask_finger(draft, attempt.badge, attempt.person, None)
    elif button in ("try_key", "use_code"):
        security_key.pressed(draft, draft.state.people[attempt.person], button)
    elif button == "totp":
        authenticator.typed_at_sign_in(draft, text)
    elif button == "pin":
        if not can_be(text):
            draft.refuse(typed_secret.NEITHER)
            return
        if stands(draft.state, attempt.badge, draft.moment.mono_ms).pin_off:
            end_attempt(draft, "locked", LOCKED)  # a finger was asked for, and its sensor is gone
            return
        person, request = draft.state.people.get(attempt.person), draft.reference()
        encoded = person.pin if person is not None else ""
        draft.command(CheckPin(request, encoded, text))
        draft.go("checking", request=request, keys=draft.place.page)


def show(state: State, place: Place) -> Screen:
    """The screen that asks for the second factor."""
    assert state.attempt is not None
    witness = state.attempt.purpose == "witness"
    title = attesting.brief(state, place) if witness else "Sign in"
    cancel = Button("cancel", "Cancel", "quiet")
    said = place.said()
    blocks: tuple[Block, ...]
    if place.page.startswith("key"):
        code = bool(state.people[state.attempt.person].totp_name)
        return security_key.show(place, title, code=code, back=cancel)
    if place.page in ("totp", "totp_checking"):
        return authenticator.show_at_sign_in(place, title)
    if place.page == "checking":
        return Screen(0, "checking", title, (*said, Words("Checking…", "strong")))
    if place.page in typed_secret.ASKING:
        keys, other = typed_secret.asked(place.page)
        actions: tuple[Button, ...] = (cancel, other)
        if SENSOR not in state.devices_down and not _finger_off(state):
            actions = (cancel, Button("use_finger", "Use finger"), other)
        return Screen(0, place.page, title, (*said, keys), actions)
    blocks = (
        *said,
        Words("Put your finger on the sensor", "name"),
        Words("Flat, in the middle, and still until the light goes out."),
    )
    actions = (cancel, Button("use_pin", "PIN or passphrase"))
    if stands(state, state.attempt.badge, 0).pin_off:
        actions = (cancel,)
    return Screen(0, "finger", title, blocks, actions)
