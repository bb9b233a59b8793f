"""The technician at the maintenance console: who is let in, what is answered, and when it ends.

Not for how somebody proves who they are (`service_desk.py` asks for it). One rule: nothing here
opens a drawer, and each command is a record before its answer is shown.
"""

from typing import Literal

from auth.lockout import Limits, standing
from auth.policy import Act, Factor, Role
from cabinet import authenticator, lock_test, rights, service_system, service_work, signin
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import service_records as sr
from cabinet.console_messages import MAX_NOTE_CHARS
from cabinet.decision import Draft, Note
from cabinet.events import (
    ServiceAsked,
    ServiceEntered,
    ServiceLeft,
    ServiceNotProved,
    ServiceProved,
    ServiceWrote,
)
from cabinet.plan import CONTROLLED
from cabinet.state import Person, Service, State
from cabinet.wording import REASONS

ADMIT_WITHIN_S = 300
MOST_NOTES = 20
NEVER_LOCKED = 2**31  # wrong tries at the console slow the next ones down; they lock nobody out
READING = (
    *("status", "devices", "drawers", "watch", "config", "ledger", "clock", "storage"),
    *("power", "version", "report", "record"),
)
KNOWN = (*READING, *service_work.COMMANDS, *service_system.COMMANDS)
BUSY = "Somebody is signed in at the console already. One at a time."
OVER = "The session is over. Sign in again."
STOPPED_HERE = "Your access was withdrawn: whom the certificate names works here no more."
NOT_ACCEPTED = "Not accepted. Each code of your app is good once: wait for the next one."
UNTOLD = ("wrong_secret", "locked", "too_soon", *rights.STOPPED)  # to whom may be a stranger
FACTORS = (Factor.PIN.value, Factor.TOTP.value)


def wait_s(state: State, mono_ms: int) -> int:
    """Seconds until somebody may try to sign in again; 0 for now."""
    rules = state.plan.rules
    limits = Limits(rules.delay_from_try, rules.delay_s, NEVER_LOCKED, NEVER_LOCKED)
    return standing(state.service_tries, mono_ms, limits).wait_s


def needs_admission(state: State) -> bool:
    """Whether a pharmacist must let a technician in."""
    admit = state.plan.service.admit
    stored = any(it.plan.schedule in CONTROLLED for it in state.pockets.values())
    return admit == "always" or (admit == "controlled" and stored)


def admission_s(state: State, mono_ms: int) -> int:
    """Seconds within which the technician must be let in; 0 where they need not, or are."""
    now = state.service
    if now is None or now.admitted:
        return 0
    return max(1, ADMIT_WITHIN_S - (mono_ms - now.active_ms) // 1000)


def refusal(state: State, session: str, command: str) -> str:
    """Why this command may not be carried out for this session now, "" when it may."""
    return _kept_out(state, session) or ("" if command in KNOWN else "There is no such command.")


def _kept_out(state: State, session: str) -> str:
    """Why this session may do nothing now, "" when it may."""
    if state.service is None or state.service.id != session:
        return OVER
    if not state.service.admitted:
        return "A pharmacist must let you in at the touchscreen first: Tasks, Let a technician in."
    return ""


def proved(draft: Draft, event: ServiceProved) -> None:
    """Somebody holds a certified key: let them in, or on."""
    state, moment, rules = draft.state, draft.moment, draft.state.plan.service
    left_ms = event.until_ms - rights.now_of(state, moment.wall_ms)
    lasts_s = min(rules.session_min * 60, left_ms // 1000)
    now = state.service
    if lasts_s <= 0:
        _refuse(draft, "expired", event.key, "The certificate is not valid any more.")
    elif _stopped_here(state, rights.accounts_of(state, event.numbers)):
        _refuse(draft, "withdrawn", event.key, STOPPED_HERE)
    elif _elsewhere(draft, event.session, event.key):
        return
    elif now is None:
        said = sr.TechnicianDetails(event.person, event.numbers)
        details = draft.attach("technician", said)
        draft.add(
            sr.ServiceSignedIn(
                draft.reference(),
                event.key,
                event.serial,
                event.principal,
                event.hardware,
                details,
                lasts_s,
                needs_admission(state),
                people=rights.accounts_of(state, event.numbers),
            )
        )
    elif now.key != event.key:
        words = "A session is extended with the key that began it."
        _refuse(draft, "another_key", event.key, words)
    else:
        draft.add(sr.ServiceExtended(now.id, event.serial, lasts_s))


def _stopped_here(state: State, people: tuple[str, ...]) -> bool:
    """Whether whom a certificate names was suspended or left; it may be good for days after that.

    Whoever has a new number since may be named by that and by the one that they left.
    """
    standings = [state.people[ref].standing for ref in people]
    return "suspended" in standings or (bool(standings) and "active" not in standings)


def _elsewhere(draft: Draft, session: str, key: str) -> bool:
    """Whether this proof comes too late, or while somebody else is there; then it is refused."""
    now = draft.state.service
    if now is None and session:
        _refuse(draft, "over", key, OVER, counts=False)
    elif now is not None and now.id != session:
        _refuse(draft, "busy", key, BUSY, counts=False)
    else:
        return False
    return True


def asked_for(state: State, staff_id: str) -> Person | None:
    """The technician of this number who has an app; nobody else's PIN is asked for here.

    So a number that is typed at the console locks nobody out who does other work.
    """
    person = state.people.get(state.by_staff_id.get(staff_id, ""))
    able = person is not None and person.role == Role.SERVICE_TECHNICIAN.value
    return person if person is not None and able and person.totp_name else None


def entered(draft: Draft, event: ServiceEntered) -> None:
    """A PIN and a code were compared: let the person in, or on. Nothing tells why not."""
    state, now = draft.state, draft.state.service
    person = state.people.get(event.person)
    why, badge = _not_believed(draft, event, person)
    if why not in UNTOLD and person is not None:
        draft.add(fr.TotpUsed(person.ref, event.step))
    if why or person is None:
        known = person.ref if person is not None else ""
        draft.add(sr.ServiceRefused(why, "", True, known, badge))
        draft.refusal = NOT_ACCEPTED if why in UNTOLD else REASONS[why]
        return
    if _elsewhere(draft, event.session, ""):
        return
    lasts_s = state.plan.service.session_min * 60
    if now is None:
        details = draft.attach("technician", sr.TechnicianDetails(person.name))
        certificate = ("", 0, "", False)
        admission = needs_admission(state)
        said = (*certificate, details, lasts_s, admission, person.ref, FACTORS)
        draft.add(sr.ServiceSignedIn(draft.reference(), *said))
    elif now.person != person.ref:
        _refuse(draft, "another_person", "", "A session is extended by who began it.")
    else:
        draft.add(sr.ServiceExtended(now.id, 0, lasts_s))


def _not_believed(draft: Draft, event: ServiceEntered, person: Person | None) -> tuple[str, str]:
    """Why not (a key of REASONS where it may be told), and against whose badge it counts."""
    state, wall_ms = draft.state, draft.moment.wall_ms
    if person is None or person.role != Role.SERVICE_TECHNICIAN.value:
        return "wrong_secret", ""
    stand = signin.stands(state, person.badge, draft.moment.mono_ms)
    locked = stand.locked or stand.pin_off  # there is no finger at the console
    if locked or stand.wait_s:
        return "locked" if locked else "too_soon", ""
    if not event.pin_right or event.step <= authenticator.spent(state, person):
        return "wrong_secret", person.badge
    why = rights.refusal(state, person.ref, Act.SERVICE, wall_ms)
    if why in rights.STOPPED:
        return why, person.badge
    why = why or rights.unproven(state, person.ref, Act.SERVICE, FACTORS)
    if why:
        return why, ""
    return ("pin_old", "") if signin.pin_is_old(draft, person) else ("", "")


def not_proved(draft: Draft, event: ServiceNotProved) -> None:
    """A certificate was no proof."""
    draft.add(sr.ServiceRefused(event.why, event.key, event.counts))


def _refuse(draft: Draft, why: str, key: str, words: str, *, counts: bool = True) -> None:
    draft.add(sr.ServiceRefused(why, key, counts))
    draft.refusal = words  # for the console; the person at the touchscreen did not ask


def asked(draft: Draft, event: ServiceAsked) -> None:
    """A command: its record, whatever comes of it."""
    words = refusal(draft.state, event.session, event.command)
    now = draft.state.service
    if now is not None and now.id == event.session:
        command = event.command if event.command in KNOWN else "unknown"
        words = words or _withdrawn(draft, now)
        if not words and event.outcome == "ok":
            act = service_system.act(command, event.arguments)
            if act is not None:
                words = service_system.asked(draft, act)
            elif command in service_system.COMMANDS:
                words = service_system.use(command)
            elif command in service_work.COMMANDS:
                words = service_work.asked(draft, command, event.arguments)
        if words:
            draft.add(sr.ServiceCommand(now.id, command, (), "refused"))
        else:  # arguments that were no good are not kept: they might be anything
            arguments = event.arguments if event.outcome != "failed" else ()
            digest = event.digest
            draft.add(sr.ServiceCommand(now.id, command, arguments, event.outcome, digest))
    draft.refusal = words


def wrote(draft: Draft, event: ServiceWrote) -> None:
    """A note: its words are an attachment, so that no export has them unless it is asked for."""
    words = _kept_out(draft.state, event.session)
    text = "".join(c for c in event.text if c.isprintable())[:MAX_NOTE_CHARS].strip()
    if not words and len(draft.state.service.notes if draft.state.service else ()) >= MOST_NOTES:
        words = f"At most {MOST_NOTES} notes in one session."
    if not words and not text:
        words = "Use: note and what you found or did."
    if words:
        draft.refusal = words
    else:
        draft.add(
            sr.ServiceNoted(event.session, draft.attach("service_note", sr.ServiceNote(text)))
        )
        draft.report.append("Noted.")


def _withdrawn(draft: Draft, now: Service) -> str:
    """Why this technician may do nothing any more, though the session has not ended yet; or ""."""
    wall_ms = draft.moment.wall_ms
    if _stopped_here(draft.state, now.people):
        return STOPPED_HERE
    why = rights.refusal(draft.state, now.person, Act.SERVICE, wall_ms) if now.person else ""
    return REASONS[why] if why else ""


def left(draft: Draft, event: ServiceLeft) -> None:
    """The technician logged out, or the cable is gone."""
    now = draft.state.service
    if now is not None and now.id == event.session:
        service_work.over(draft)
        draft.add(sr.ServiceEnded(now.id, event.why))


def stopped(draft: Draft) -> None:
    """The controller is told to stop: so is the visit, with what the self-test says."""
    now = draft.state.service
    if now is not None:
        service_work.over(draft)
        draft.add(sr.ServiceEnded(now.id, "stopped"))


def tick(draft: Draft) -> None:
    """Time has passed: no session outlives it."""
    now, mono_ms, rules = draft.state.service, draft.moment.mono_ms, draft.state.plan.service
    if now is None:
        return
    idle_s = (mono_ms - now.active_ms) // 1000
    why: Literal["time", "not_admitted", "idle", "withdrawn"]
    if _withdrawn(draft, now):
        why = "withdrawn"
    elif mono_ms >= now.ends_ms:
        why = "time"
    elif not now.admitted and idle_s >= ADMIT_WITHIN_S:
        why = "not_admitted"
    elif now.admitted and idle_s >= rules.idle_min * 60:
        why = "idle"
    else:
        service_work.tick(draft)
        return
    service_work.over(draft)
    draft.add(sr.ServiceEnded(now.id, why))


# --- at the touchscreen -------------------------------------------------------------------------


def admit(draft: Draft, button: str) -> None:
    """Whoever may lets the technician in."""
    state = draft.state
    session, now = state.session, state.service
    assert session is not None
    why = lock_test.not_admitting(draft)
    if why:
        draft.add(r.Refused("admit", why, session.id, session.person))
        draft.refuse(REASONS[why])
    elif now is None or button != f"admit:{now.id}" or now.admitted:
        draft.refuse("The technician has gone.")
    else:
        draft.add(sr.ServiceAdmitted(now.id, session.id, session.person, session.factors))
        draft.stay(note=Note(f"{now.name} may work at the console.", "success"))


def said(now: Service) -> str:
    """The bar over every screen while a technician is there."""
    if now.admitted:
        return f"At work on the cabinet: {now.name}, technician."
    return f"{now.name} waits at the console: a pharmacist lets technicians in under Tasks."
