"""Which screen a person sees, what is live on it, and what lights and beeps: from the state alone.

Not for what a press does (`rules.py`). One rule: pure; the same state, place and moment give the
same screen, and no screen says how many are expected.
"""

from dataclasses import dataclass

from msgspec.structs import replace

from auth.pins import PIN_DIGITS
from auth.policy import Act
from cabinet import (
    access_screens,
    administration,
    administration_screens,
    attesting,
    authenticator,
    emergency,
    enrolment_screens,
    lock_test,
    locking,
    machines,
    override,
    patients,
    reasons,
    removals,
    reviews,
    rights,
    sensor,
    service,
    service_work,
    signin,
    staff,
    staff_list,
    stock,
    temporary,
)
from cabinet.decision import Place
from cabinet.events import Moment
from cabinet.messages import Alarm, Button, Keypad, Letters, Live, Rows, Screen, Words
from cabinet.state import CLOCK_STEP_MS, State
from cabinet.wording import ROLES, amount, clock, day_of

GOOD_ONCE = ("code", "stand_by", "totp", "same_totp")  # what is typed there is a one-time code


@dataclass(frozen=True)
class Outputs:
    """What is lit and whether the beeper sounds; not locks, which only records move."""

    lights: tuple[tuple[str, bool], ...]
    beep: bool


def show(state: State, place: Place, now_ms: int) -> Screen:
    """The screen, still without its number; what was refused still stands where it was typed."""
    screen = _of(state, place, now_ms)
    if not place.kept:
        return screen
    blocks = tuple(
        replace(block, typed=place.kept)
        if isinstance(block, Keypad | Letters) and not block.secret
        else block
        for block in screen.blocks
    )
    return replace(screen, blocks=blocks)


def _of(state: State, place: Place, now_ms: int) -> Screen:
    match state.screen.state:
        case proving if proving in signin.PROVING:
            return signin.show(state, place)
        case machines.LOCKED | machines.LOCKED_ACCESS:
            return locking.show(state, place)
        case machines.ENROLLING:
            return enrolment_screens.show(state, place)
        case machines.ACCESS:
            assert state.access is not None
            banner = removals.banner(state, state.access.started.patient, now_ms)
            return _named(state, replace(access_screens.show(state, place), banner=banner))
        case machines.WITNESS_CALLED | machines.COUNT_WITNESS_CALLED:
            return _named(state, attesting.show(state, place, now_ms))
        case machines.SIGNED_IN if state.service is not None and state.service.working:
            return _named(state, lock_test.show(state, place, now_ms))
        case machines.SIGNED_IN:
            return _named(state, _signed_in(state, place, now_ms))
        case _:
            if place.page == "code_entry":
                return enrolment_screens.show_code_entry(place)
            return _rest(state, place)


def _named(state: State, screen: Screen) -> Screen:
    session = state.session
    assert session is not None
    person = state.people[session.person]
    return replace(screen, person=f"{person.name} — {ROLES.get(person.role, person.role)}")


def _rest(state: State, place: Place) -> Screen:
    """Nobody is signed in: no names, no medicines."""
    code = Button("have_code", "I have a code", "quiet")
    now = state.service
    if now is not None and now.working:
        asked = lock_test.said(state) or "Nothing can be taken meanwhile."
        said = (Words(service.said(now), "name"), Words(asked), Words(ELSEWHERE))
        return Screen(0, "service", state.name, (*place.said(), *said))
    if not state.in_service:
        enrolled = sum(1 for person in state.people.values() if person.enrolled)
        words = (
            Words("This cabinet is new", "name"),
            Words(f"{2 - enrolled} of its 2 administrators must still enrol with a code."),
        )
        return Screen(0, "new", state.name, (*place.said(), *words), (code,))
    return Screen(
        0,
        "rest",
        state.name,
        (*place.said(), Words("Hold your badge to the reader", "name")),
        (code,),
    )


def _signed_in(state: State, place: Place, now_ms: int) -> Screen:
    page = place.page
    if page == "home" and not rights.allowed(state, Act.REMOVE, now_ms):
        page = "menu"  # who does not remove has no patients here
    match page:
        case "home":
            return patients.show_home(state, place, now_ms)
        case "patient":
            return _patient(state, place, now_ms)
        case "override_why" | "override_search" | "override_found" | "override":
            return override.show(state, place, now_ms)
        case "order" | "quantity":
            return patients.show_order(state, place, now_ms)
        case "taken":
            return patients.show_taken(state, place, now_ms)
        case "reason":
            return reasons.show(state, place, now_ms)
        case "removals":
            return removals.show_list(state, place)
        case "removal" | "give" | "waste" | "return":
            return removals.show(state, place, now_ms)
        case "load_list":
            return stock.show_load(state, place, now_ms)
        case "load_expiry" | "load_quantity" | "load_check":
            return stock.show_step(state, place)
        case "counts":
            return stock.show_counts(state, place, now_ms)
        case "invite":
            return staff.show_invite(state, place, now_ms)
        case "enrolling":
            return enrolment_screens.show_code_beside(place)
        case "locked":
            return staff.show_locked(state, place)
        case "sensor":
            return sensor.show(state, place)
        case "authenticator" | "totp_shown" | "totp_confirming":
            return authenticator.show(state, place)
        case "key_adding" | "key_adding_again" | "key_adding_checking":
            return authenticator.show(state, place)
        case "code":
            return staff.show_code(state, place)
        case page if page in administration.PAGES:
            return administration_screens.show(state, place, now_ms)
        case "staff_list":
            return staff_list.show(state, place)
        case "emergency":
            return emergency.show(state, place, now_ms)
        case "break_glass" | "critical_override":
            return emergency.show_reasons(state, place, now_ms)
        case "reviews":
            return reviews.show_list(state, place, now_ms)
        case "review":
            return reviews.show(state, place, now_ms)
        case "temporary":
            return temporary.show_list(state, place, now_ms)
        case page if page in temporary.STEPS:
            return temporary.show_step(state, place)
        case _:
            return staff.show_menu(state, place, now_ms)


def _patient(state: State, place: Place, now_ms: int) -> Screen:
    """The patient's orders, and the way to remove without one for whoever may."""
    screen = patients.show_patient(state, place, now_ms)
    if not override.offered(state, now_ms):
        return screen
    without = Button(f"override:{place.patient}", "Without an order")
    return replace(screen, actions=(*screen.actions, without))


def may_be_kept(screen: Screen, button: str, text: str) -> bool:
    """Whether what was typed may stay there: no secret, and nothing that could be one's PIN."""
    if button in GOOD_ONCE or (len(text) == PIN_DIGITS and text.isdigit()):
        return False
    keys = [block for block in screen.blocks if isinstance(block, Keypad | Letters)]
    return any(it.submit.id == button and not it.secret for it in keys)


def buttons(screen: Screen) -> dict[str, Button]:
    """Every button of the screen that can be pressed, by id."""
    found = {button.id: button for button in screen.actions if not button.why_not}
    for block in screen.blocks:
        match block:
            case Rows():
                for row in block.rows:
                    if row.id and not row.why_not:
                        found[row.id] = Button(row.id, row.title)
            case _:
                submit = getattr(block, "submit", None)
                if submit is not None:
                    found[submit.id] = submit
    return found


# --- live values and outputs --------------------------------------------------------------------


def idle_since_s(place: Place, moment: Moment) -> int:
    """Whole seconds since the last touch, or since the parked person's drawer last moved."""
    parked_ms = place.parked.active_ms if place.parked is not None else 0
    return max(0, moment.mono_ms - max(place.active_ms, parked_ms)) // 1000


def can_idle(state: State) -> bool:
    """Whether the person at the screen may be signed out for idleness: not with a drawer open."""
    if state.screen.state not in (*AT_WORK, machines.LOCKED, machines.LOCKED_ACCESS):
        return False
    going_on = state.access
    if going_on is not None and not going_on.closed:
        return False
    return not any(drawer.model.state == machines.OPEN for drawer in state.drawers.values())


def live(state: State, place: Place, moment: Moment) -> Live:
    """What changes without changing what a button means."""
    timings = state.plan.timings
    warning = 0
    idle = idle_since_s(place, moment)
    at_work = state.screen.state in AT_WORK
    if at_work and can_idle(state) and idle >= timings.idle_warn_s:
        warning = max(1, timings.idle_sign_out_s - idle)
    return Live(clock(moment.wall_ms), state.name, _alarms(state, moment), warning)


def _alarms(state: State, moment: Moment) -> tuple[Alarm, ...]:
    found = []
    for drawer in state.drawers.values():
        label, position = drawer.plan.label, drawer.model.state
        if position == machines.SHUT:
            continue
        open_s = (moment.mono_ms - drawer.since_ms) // 1000
        if position == machines.FORCED:
            found.append(Alarm("high", f"{label} is open, and should not be. Close it now."))
        elif position == machines.OPEN and open_s >= state.plan.timings.drawer_alert_s:
            found.append(Alarm("high", f"{label} has been open for too long. Close it now."))
        elif position == machines.OPEN and (
            open_s >= state.plan.timings.drawer_beep_s or _nobody_is_at_it(state)
        ):
            found.append(Alarm("medium", f"{label} is still open. Close it."))
        elif position == machines.FAULT:
            found.append(Alarm("medium", f"{label}: {drawer.cause}. Push it shut."))
        elif position == machines.UNKNOWN:
            found.append(Alarm("medium", f"{label}: not known whether it is shut."))
        elif position == machines.RELEASED and not drawer.access:
            found.append(Alarm("medium", f"{label} is not locked. Push it until it clicks."))
    if state.space != "ok":
        full = state.space == "full"
        words = "full: nothing can be taken" if full else "nearly full"
        found.append(Alarm("high" if full else "medium", f"The record's disk is {words}. Call IT."))
    for device, cause in state.devices_down.items():
        if device == ANCHOR:
            found.append(Alarm("medium", ANCHOR_LOST))
        elif device.startswith(WITNESS):
            found.append(Alarm("low", f"The record's {device}: {cause}. Call IT."))
        elif device == sensor.SENSOR and state.found_sensor is not None:
            found.append(Alarm("medium", "Another finger sensor is fitted. Call an administrator."))
        else:
            found.append(Alarm("low", f"The {DEVICES.get(device, device)} does not answer."))
    if state.last_wall_ms - moment.wall_ms > CLOCK_STEP_MS:  # what ended by then stays ended
        newest = f"{clock(state.last_wall_ms)} on {day_of(state.last_wall_ms)}"
        words = f"The clock is behind the record, which goes on to {newest}. Call IT."
        found.append(Alarm("medium", words))
    found += emergency.alarms(state, moment)
    if state.screen.state in AT_WORK:
        found += reviews.alarms(state, moment.wall_ms)
    if state.service is not None:
        found.append(Alarm("low", service.said(state.service)))
    for told_ms, words in (
        (state.guessed_ms, "Many wrong badges, fingers or PINs here. Call security."),
        (state.finger_off_ms, "A finger missed too often and was switched off. Call security."),
    ):
        if told_ms >= 0 and moment.mono_ms - told_ms < state.plan.rules.crowd_within_s * 1000:
            found.append(Alarm("medium", words))
    due = stock.due(state)
    if due and state.screen.state in AT_WORK:
        found.append(Alarm("low", f"{amount(len(due), 'pocket')} must be counted: see Tasks."))
    return tuple(found)


def _nobody_is_at_it(state: State) -> bool:
    """Whether what is open was left so: by a power cut, or by whoever went."""
    return state.access is None and state.service is None


ELSEWHERE = "If you cannot wait, use another cabinet and call the pharmacy."
AT_WORK = (machines.SIGNED_IN, machines.ACCESS)
ANCHOR, WITNESS = "anchor", "witness "  # as `outside.py` calls them
ANCHOR_LOST = "The record's second place cannot be written: do not restart the cabinet. Call IT."
DEVICES = {
    "fingerprint": "finger sensor",
    "badge": "badge reader",
    "scanner": "barcode scanner",
    "locks": "lock board",
}


def outputs(state: State, moment: Moment) -> Outputs:
    """Lights and beeper as they should be now."""
    going_on = state.access
    lit = going_on.started.drawer if going_on is not None and not going_on.closed else ""
    lit = lit or service_work.lit(state)
    beep = emergency.is_loud(state, moment) or service_work.sounds(state, moment)
    late_ms = moment.mono_ms - state.plan.timings.drawer_beep_s * 1000
    for drawer in state.drawers.values():
        position = drawer.model.state
        if position == machines.FORCED or (
            position == machines.OPEN and drawer.since_ms <= late_ms
        ):
            beep = True
    return Outputs(tuple([(drawer, drawer == lit) for drawer in state.drawers]), beep)
