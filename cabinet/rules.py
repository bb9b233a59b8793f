"""`decide`: what an event leads to. Pure and total; a refusal is a record with its reason.

Not for applying records (`effects.py`) or carrying out commands. One rule: whoever presses, only a
button of the present screen does anything, and rights are asked again where something is released.
"""

from typing import Literal

from auth.policy import Act
from cabinet import (
    access,
    administration,
    attesting,
    authenticator,
    copies,
    emergency,
    enrolment,
    lists,
    loading,
    lock_test,
    locking,
    machines,
    numbers,
    override,
    patients,
    pin_renewal,
    reasons,
    removals,
    retention,
    reviews,
    rights,
    screens,
    security_key,
    sensor,
    service,
    service_system,
    service_work,
    sessions,
    signin,
    spells,
    staff,
    staff_list,
    stock,
    supervision,
    temporary,
    typed_secret,
)
from cabinet import events as e
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.decision import Decision, Draft, Note, Place
from cabinet.messages import Rows, Screen
from cabinet.state import CLOCK_STEP_MS, State

ENROL_IDLE_S = 180
PAGES = (
    *("home", "menu", "removals", "load_list", "counts", "invite", "locked", "staff_list"),
    *("sensor", "enrolling", "authenticator", "people", "find_person"),
    *("emergency", "break_glass", "critical_override", "temporary", "reviews"),
)


def decide(state: State, place: Place, event: e.Event, moment: e.Moment) -> Decision:
    """The records, commands and next place that follow from `event`."""
    draft = Draft(state, place, moment)
    if bool(state.cabinet) is isinstance(event, e.Create):
        draft.refusal = "A cabinet is made once, and nothing happens before."
        return draft.done()
    match event:
        case e.Create():
            _create(draft, event)
        case e.ChangeSigningKey():
            draft.add(r.SigningKeyChanged(event.verifier, event.note))
        case e.AcceptRollback() | e.RecoverAccess() | e.PutClockRight():
            _by_recovery_key(draft, event)
        case e.Start():
            _start(draft, event)
        case e.Stop():
            _stop(draft)
        case e.SnapshotKept():
            draft.add(r.SnapshotTaken(event.size, event.version, event.digest))
        case e.Space():
            _space(draft, event)
        case e.Erase():
            retention.erase(draft, event)
        case e.Tick():
            _tick(draft)
            _sensors_own_work(draft)
        case e.Pressed():
            _pressed(draft, event)
        case e.DrawerMoved():
            locking.behind(draft, lambda draft: access.drawer_moved(draft, event))
        case e.PulseEnded():
            locking.behind(draft, lambda draft: access.pulse_ended(draft, event))
            lock_test.pulse_ended(draft, event)
        case e.BadgeSeen():
            _badge_seen(draft, event)
        case e.CodeSeen():
            if state.screen.state == machines.SIGNED_IN:
                stock.code_seen(draft, event)
            elif state.screen.state == machines.NOBODY:
                service_work.code_seen(draft)
        case e.FingerSeen():
            _finger_seen(draft, event)
        case e.PinChecked():
            if state.screen.state == machines.ENROLLING:
                enrolment.pin_checked(draft, event)
            elif state.screen.state in signin.PROVING:
                signin.pin_checked(draft, event)
        case e.TotpMade() | e.TotpChecked() | e.KeySeen() | e.KeyChecked():
            _strong(draft, event)
        case e.PinHashed():
            if state.screen.state == machines.ENROLLING:
                enrolment.pin_hashed(draft, event)
        case e.CodeHashed():
            if state.screen.state in (machines.NOBODY, machines.SIGNED_IN):
                enrolment.code_hashed(draft, event)
        case e.NumbersHashed() | e.CodeMade():
            _for_newcomer(draft, event)
        case e.DeviceChanged():
            _device_changed(draft, event)
        case e.Import():
            lists.imported(draft, event)
        case e.ServiceProved():
            service.proved(draft, event)
        case e.ServiceEntered():
            service.entered(draft, event)
        case e.ServiceNotProved():
            service.not_proved(draft, event)
        case e.ServiceAsked():
            service.asked(draft, event)
        case e.ServiceWrote():
            service.wrote(draft, event)
        case e.ServiceLeft():
            service.left(draft, event)
        case e.SystemTold():
            service_system.told(draft, event)
        case e.StaffList():
            staff_list.arrived(draft, event)
    lock_test.follow(draft)
    return draft.done()


def _for_newcomer(draft: Draft, event: e.NumbersHashed | e.CodeMade) -> None:
    """What was worked out for somebody who is added."""
    if isinstance(event, e.NumbersHashed):
        numbers.hashed(draft, event)
        return
    staff.code_made(draft, event)
    temporary.code_made(draft, event)


def _badge_seen(draft: Draft, event: e.BadgeSeen) -> None:
    where = draft.state.screen.state
    if where == machines.NOBODY and service_work.badge_seen(draft):
        return
    if where == machines.ENROLLING:
        enrolment.badge_seen(draft, event)
    else:
        signin.badge_seen(draft, event)


def _finger_seen(draft: Draft, event: e.FingerSeen) -> None:
    where = draft.state.screen.state
    if service_work.finger_seen(draft, event):
        return
    event = sensor.believed(draft.state, event)
    if event.outcome == "deleted":
        sensor.wiped(draft, event)
    elif copies.answered(draft, event) or loading.answered(draft, event):
        return
    elif where == machines.ENROLLING:
        enrolment.finger_seen(draft, event)
    elif where in signin.PROVING:
        signin.finger_seen(draft, event)


def _strong(draft: Draft, event: e.TotpMade | e.TotpChecked | e.KeySeen | e.KeyChecked) -> None:
    """An answer of an app or a security key, at a proof or where one is added."""
    adding = draft.state.screen.state == machines.SIGNED_IN
    if not adding and draft.state.screen.state not in signin.PROVING:
        return
    match event:
        case e.TotpMade():
            authenticator.made(draft, event)
        case e.KeySeen():
            security_key.seen(draft, event)
        case e.TotpChecked():
            (authenticator.confirmed if adding else signin.totp_checked)(draft, event)
        case e.KeyChecked():
            (security_key.confirmed if adding else signin.key_checked)(draft, event)


def _create(draft: Draft, event: e.Create) -> None:
    keys = (event.verifier, event.recovery, event.recovery_seal)
    draft.add(r.CabinetCreated(event.name, event.demo, event.software, event.pin_passes, *keys))
    expires_ms = draft.moment.wall_ms + event.code_valid_h * 3_600_000
    for code in event.codes:
        draft.add(r.CodeIssued(code, "", "", expires_ms))


def _by_recovery_key(
    draft: Draft, event: e.AcceptRollback | e.RecoverAccess | e.PutClockRight
) -> None:
    """Two different people who may; whoever made the event has checked the recovery key."""
    state, now_ms, persons = draft.state, draft.moment.wall_ms, event.persons
    stopped = [rights.refusal(state, ref, Act.RECOVER, now_ms) for ref in persons]
    if any(stopped) or rights.same_human(state, *persons):
        draft.refuse("This takes two different administrators or pharmacists.")
        return
    match event:
        case e.AcceptRollback(reason, incident):
            anchors = tuple(r.Anchor(size, root) for size, root in event.anchors)
            draft.add(r.RollbackAccepted(reason, incident, persons, anchors, event.note))
        case e.RecoverAccess(incident, _, codes, expires_ms):
            draft.add(st.AccessRecovered(incident, persons, codes, expires_ms, event.note))
        case e.PutClockRight(incident, _, ahead_ms):
            if 0 < ahead_ms == state.last_wall_ms - now_ms:
                draft.add(st.ClockPutRight(incident, persons, ahead_ms, event.note))
            else:
                draft.refuse("No entry is ahead of the clock.")


def _start(draft: Draft, event: e.Start) -> None:
    """The sensors were read first; what they say goes beside what the ledger allowed."""
    state, moment = draft.state, draft.moment
    if state.plan != event.plan:
        draft.add(r.Configured(event.plan))
    first = not state.boot
    after: Literal["first", "stop", "interruption"]
    after = "first" if first else "stop" if state.stopped else "interruption"
    back_ms = max(0, state.last_wall_ms - moment.wall_ms)
    read = dict(event.positions)
    positions = {d.id: read.get(d.id, "unknown") for d in event.plan.drawers}
    draft.add(r.Started(event.software, tuple(positions.items()), after, back_ms))
    going_on = state.access
    if going_on is not None:
        started = going_on.started
        opened = going_on.opened or positions.get(started.drawer) in ("open", "disagree")
        draft.add(r.AccessInterrupted(started.access, opened))
    lock_test.interrupted(draft, positions)
    for drawer, position in positions.items():
        known = state.drawers.get(drawer)
        allowed = known is not None and bool(known.access)
        if position == "open" and not allowed:
            draft.add(r.DrawerForced(drawer))
        elif position == "unlatched" and not allowed:
            draft.add(r.DrawerFailed(drawer, "found unlocked at the start"))
        elif position == "disagree" and not allowed:
            draft.add(r.DrawerFailed(drawer, access.DISAGREE), r.DrawerForced(drawer))
        elif position == "unknown":
            draft.add(r.DrawerFailed(drawer, access.UNREADABLE))
    draft.place = Place(active_ms=moment.mono_ms)


def _stop(draft: Draft) -> None:
    """Told to stop: what is going on is interrupted, and says so at the next start."""
    if draft.state.access is None:
        service.stopped(draft)
        draft.add(r.Stopped())


def _space(draft: Draft, event: e.Space) -> None:
    """Crossing a bound is a record; back again only a percent beyond it, so that it stays quiet."""
    rules, level = draft.state.plan.rules, draft.state.space
    slack = {"ok": 0, "low": 1, "full": 2}[level]
    if event.free_percent < rules.space_refuse_percent + (slack == 2):
        now: Literal["ok", "low", "full"] = "full"
    elif event.free_percent < rules.space_warn_percent + (slack >= 1):
        now = "low"
    else:
        now = "ok"
    if now != level:
        draft.add(r.SpaceChanged(now))


def _clock(draft: Draft) -> None:
    """What the wall clock went off by within one boot, at once or little by little, is a record."""
    moment = draft.moment
    by_ms = moment.wall_ms - moment.mono_ms - draft.state.clock_ms
    if abs(by_ms) > CLOCK_STEP_MS:
        draft.add(r.ClockStepped(by_ms))


def _device_changed(draft: Draft, event: e.DeviceChanged) -> None:
    down = event.device in draft.state.devices_down
    if event.cause and not down:
        draft.add(r.DeviceFailed(event.device, event.cause[:200]))
    elif not event.cause and event.device == sensor.SENSOR:
        sensor.answers(draft, event.identity)
    elif not event.cause and down:
        draft.add(r.DeviceRestored(event.device))
    if any(isinstance(it, r.DeviceFailed) and it.device == sensor.SENSOR for it in draft.records):
        signin.sensor_lost(draft)
        pin_renewal.sensor_lost(draft)


# --- presses ------------------------------------------------------------------------------------


def _pressed(draft: Draft, event: e.Pressed) -> None:
    state, place, moment = draft.state, draft.place, draft.moment
    shown = screens.show(state, place, moment.wall_ms)
    if event.button not in ("stay", *screens.buttons(shown)):
        draft.refuse("That cannot be pressed now.")  # nobody's finger was there
        return
    draft.stay(active_ms=moment.mono_ms)
    if event.button == "stay":
        return
    draft.stay(kept="")
    _carry_out(draft, event, shown)
    same = draft.place.page == place.page
    if draft.refusal and same and screens.may_be_kept(shown, event.button, event.text):
        draft.stay(kept=event.text)  # nobody types all of it anew


def _carry_out(draft: Draft, event: e.Pressed, shown: Screen) -> None:
    state = draft.state
    if sessions.refused(draft, event.button) or supervision.refused(draft, event.button):
        return
    match state.screen.state:
        case machines.NOBODY:
            enrolment.pressed_first(draft, event.button, event.text)
        case proving if proving in signin.PROVING:
            signin.pressed(draft, event.button, event.text)
        case machines.ENROLLING:
            enrolment.pressed(draft, event.button, event.text)
        case machines.ACCESS:
            access.pressed(draft, event.button, event.text)
        case machines.WITNESS_CALLED | machines.COUNT_WITNESS_CALLED:
            attesting.dismiss(draft, "cancelled")
        case _:
            _pressed_signed_in(draft, event.button, event.text, shown)


def _pressed_signed_in(draft: Draft, button: str, text: str, shown: Screen) -> None:
    verb = button.partition(":")[0]
    if button == "sign_out":
        sessions.sign_out(draft, "pressed")
    elif button in PAGES:
        draft.go(button)
    elif button == "more":
        _next_page(draft, shown)
    elif verb == "step":  # back in somebody who is added, with all that was entered
        draft.go(button.partition(":")[2])
    elif verb in ("patient", "order", "everyone", "mine", "quantity", "set", "open"):
        patients.pressed(draft, button, text)
    elif verb == "reason":
        reasons.pressed(draft, button.partition(":")[2])
    elif verb in ("removal", "give", "waste", "return", "amount", "all"):
        removals.pressed(draft, button, text)
    elif verb in ("load", "expiry", "load_quantity", "open_load", "count_pocket"):
        stock.pressed(draft, button, text)
    elif verb in ("issue", "release", "fit_sensor", "load_fingers"):
        staff.pressed(draft, button)
    elif verb == "stand_by":
        enrolment.pressed_beside(draft, text)
    elif verb in ("add_totp", "same_totp", "add_key"):
        authenticator.pressed(draft, button, text)
    elif verb in override.VERBS:
        override.pressed(draft, button, text)
    elif verb in ("begin", "call_off"):
        emergency.pressed(draft, button)
    elif verb in ("review", "justified", "not_justified"):
        reviews.pressed(draft, button)
    elif verb in ("temp_new", "temp_end", *temporary.STEPS):
        temporary.pressed(draft, button, text)
    elif verb == "admit":
        service.admit(draft, button)
    elif verb == "test_lock":
        lock_test.open_drawer(draft)
    elif verb in administration.VERBS:
        administration.pressed(draft, button, text)
    elif verb in ("accept_list", "refuse_list"):
        staff_list.pressed(draft, button)


def _next_page(draft: Draft, shown: Screen) -> None:
    """The next rows of the list, or the first again after the last."""
    rows = next(block for block in shown.blocks if isinstance(block, Rows))
    offset = draft.place.offset + len(rows.rows) if rows.more else 0
    draft.stay(offset=offset, note=None)


# --- time ---------------------------------------------------------------------------------------


def _tick(draft: Draft) -> None:
    state, place, moment = draft.state, draft.place, draft.moment
    timings = state.plan.timings
    idle_s = screens.idle_since_s(place, moment)
    _clock(draft)
    sensor.tick(draft)
    locking.behind(draft, access.tick)
    service.tick(draft)
    emergency.tick(draft)
    spells.tick(draft)
    if draft.records or sessions.ended(draft):
        return
    if locking.is_over(state, moment) and _end_of_session(draft, "too_long"):
        return
    match state.screen.state:
        case proving if proving in signin.PROVING:
            if attesting.is_late(state, moment):
                signin.end_attempt(draft, "timed_out")
                attesting.dismiss(draft, "timed_out")
            elif idle_s >= typed_secret.within_s(place, timings):
                signin.end_attempt(draft, "timed_out")
        case machines.ENROLLING:
            if idle_s >= ENROL_IDLE_S:
                enrolment.end(draft, "timed_out")
        case machines.WITNESS_CALLED | machines.COUNT_WITNESS_CALLED:
            if attesting.is_late(state, moment):
                attesting.dismiss(draft, "timed_out")
        case machines.SIGNED_IN | machines.ACCESS | machines.LOCKED | machines.LOCKED_ACCESS:
            if idle_s >= timings.idle_sign_out_s:
                _end_of_session(draft, "idle")
        case _:
            if place.note is not None and idle_s >= timings.factor_within_s:
                draft.leave()
            elif place.page != "home" and idle_s >= timings.idle_sign_out_s:
                draft.leave()


def _sensors_own_work(draft: Draft) -> None:
    """It waits for everything else, so that it delays nothing that time ends."""
    if not draft.records:
        copies.tick(draft)
        loading.tick(draft)


def _end_of_session(draft: Draft, why: str) -> bool:
    """Sign out whoever is there; with a drawer open, only lock the screen of who was too long."""
    state = draft.state
    if screens.can_idle(state):
        if state.access is not None:
            draft.add(r.AccessLeft(state.access.started.access))
        sessions.sign_out(draft, why)
        return True
    if why == "too_long" and state.screen.state in (machines.SIGNED_IN, machines.ACCESS):
        locking.lock(draft, why, note=Note(locking.TOO_LONG, "warning"))
        return True
    return False
