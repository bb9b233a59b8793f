"""One access to one drawer: from the order to open it until it is shut and counted.

Not for who may start one (`patients`, `stock`, `removals` ask `start`). One rule: the lock is
pulsed only by `start`, beside the record that orders it; what the sensors say later is recorded.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from auth.policy import Act
from cabinet import emergency, machines, rights
from cabinet import records as r
from cabinet.decision import Draft, Note, Proof, Tone
from cabinet.events import DrawerMoved, PulseEnded
from cabinet.events import Pulse as PulseCommand
from cabinet.service_effects import tested
from cabinet.state import Access, DrawerState, State
from cabinet.wording import REASONS, amount, medicine

MAX_COUNT_DIGITS = 4
MAX_CAUSE_CHARS = 200
_NOT_SHUT = (machines.RELEASED, machines.OPEN, machines.FORCED)
_ACTS = {"remove": Act.REMOVE, "load": Act.LOAD, "return": Act.RETURN, "count": Act.COUNT}
# How long after its pulse ended a hook may take to let go before the access counts as failed.
RELEASE_GRACE_MS = 1000


# --- starting -----------------------------------------------------------------------------------


def refusal(draft: Draft, started: r.AccessStarted) -> str:
    """Why this access may not start now, "" when it may; rights are asked afresh each time."""
    state = draft.state
    if state.space == "full":
        return "disk_full"
    why = _withdrawn(draft, started)
    if why:
        return why
    return not_shut(state, draft.moment.positions, started.drawer)


def not_shut(state: State, positions: Mapping[str, str], opening: str) -> str:
    """Why the drawer `opening` may not be opened beside the others as they are, "" if it may."""
    wanted = ""
    for drawer in state.drawers.values():
        position = positions.get(drawer.plan.id)
        if drawer.model.state == machines.SHUT and position == "latched":
            continue
        if drawer.plan.id == opening:
            wanted = "drawer_not_locked"
        elif drawer.model.state in _NOT_SHUT or position in ("open", "unlatched", "disagree"):
            return "another_drawer_open"
        else:  # what cannot be read may be open
            return "another_drawer_unsure"
    return wanted


def _withdrawn(draft: Draft, started: r.AccessStarted) -> str:
    """Why its person may not do this, or not any more, "" when they may."""
    state, now_ms, mono_ms = draft.state, draft.moment.wall_ms, draft.moment.mono_ms
    person, act, medicine = started.person, act_of(started), started.medicine
    if act is Act.OVERRIDE:
        why = emergency.refusal(state, person, medicine, now_ms, mono_ms)
    else:
        why = rights.refusal(state, person, act, now_ms, medicine)
    why = why or rights.unproven(state, person, act, started.factors, medicine)
    asked = rights.needs_of(state, person, act, medicine).reason if not why else False
    return "no_reason" if asked and not (started.reason or started.override) else why


def act_of(started: r.AccessStarted) -> Act:
    """What is done with the drawer."""
    return Act.OVERRIDE if started.override else _ACTS[started.kind]


def start(draft: Draft, started: r.AccessStarted) -> None:
    """Order the drawer open, or refuse with a record."""
    second, shown = draft.attested, draft.place.wanted
    why = refusal(draft, started)
    if second is not None and (shown is None or replace(shown, access=started.access) != started):
        why = why or "not_shown"  # another pocket, another amount: not what was attested
    if why:
        refuse(draft, started, why)
        return
    if second is None and wants_witness(draft.state, started):
        called = (started.access, started.session, started.person, started.quantity)
        draft.add(r.WitnessCalled(*called, act_of(started).value, started.override))
        draft.go("witness", wanted=started)
        return
    if second is not None and shown is not None:
        started = replace(
            shown,
            witness=second.person,
            witness_factors=second.factors,
            witness_fallback=second.fallback,
        )
    draft.add(started)
    draft.command(PulseCommand(started.drawer))
    draft.stay(note=None, wanted=None)


def wants_witness(state: State, started: r.AccessStarted) -> bool:
    """Whether the site lets nobody open this drawer alone; a count is attested when it is done."""
    needs = rights.needs_of(state, started.person, act_of(started), started.medicine)
    return started.kind != "count" and needs.witness


def refuse(draft: Draft, wanted: r.AccessStarted, why: str) -> None:
    """Record and say that this access is not allowed."""
    draft.add(
        r.Refused(
            wanted.kind,
            why,
            wanted.session,
            wanted.person,
            wanted.patient,
            wanted.order,
            wanted.pocket,
            wanted.medicine,
            wanted.removal,
            wanted.quantity,
        )
    )
    draft.refuse(REASONS[why])


# --- what the sensors say -----------------------------------------------------------------------


DISAGREE = "the lock and the drawer switch disagree"
UNREADABLE = "its sensors cannot be read"


def drawer_moved(draft: Draft, event: DrawerMoved) -> None:
    """A drawer's sensors changed."""
    drawer = draft.state.drawers.get(event.drawer)
    if drawer is None:
        return
    now = drawer.model.state
    match event.position:
        case "open":
            _seen_open(draft, drawer)
        case "latched" if now != machines.SHUT:
            _seen_shut(draft, drawer, event.unseen)
        case "unlatched" if now in (machines.SHUT, machines.UNKNOWN):
            draft.add(r.DrawerFailed(event.drawer, "the lock let go unasked"))
        case "disagree" if now not in (machines.OPEN, machines.FORCED):
            # The switch sees it open while the hook reads engaged: a fault, and an opening.
            if now != machines.FAULT:
                draft.add(r.DrawerFailed(event.drawer, DISAGREE))
            _seen_open(draft, drawer)
        case "unknown" if now != machines.FAULT:
            draft.add(r.DrawerFailed(event.drawer, UNREADABLE))


def _seen_open(draft: Draft, drawer: DrawerState) -> None:
    access, now = draft.state.access, drawer.model.state
    allowed = access is not None and drawer.access == access.started.access
    allowed = allowed or (bool(drawer.access) and drawer.access == tested(draft.state)[1])
    if now == machines.OPEN or now == machines.FORCED:
        return
    if allowed and now in (machines.RELEASED, machines.FAULT):
        draft.add(r.DrawerOpened(drawer.plan.id, drawer.access))
        draft.stay(active_ms=draft.moment.mono_ms)
    else:
        draft.add(r.DrawerForced(drawer.plan.id))


def _seen_shut(draft: Draft, drawer: DrawerState, unseen: bool) -> None:
    draft.add(r.DrawerClosed(drawer.plan.id, drawer.access))
    access = draft.state.access
    if access is None or access.started.drawer != drawer.plan.id:
        return
    draft.stay(active_ms=draft.moment.mono_ms)
    if not access.opened:
        _end(draft, r.AccessLapsed(access.started.access), "The drawer was not opened.", "warning")
    else:
        _finish(draft, access, access.found, access.found_after, unseen)


def pulse_ended(draft: Draft, event: PulseEnded) -> None:
    """The driver is done with the pulse; a refused one opened nothing."""
    access = draft.state.access
    if not event.refused or access is None or access.started.drawer != event.drawer:
        return
    if access.opened:
        return  # whatever the coil did, the drawer came open under this access
    _failed(draft, access, event.refused)


def _failed(draft: Draft, access: Access, cause: str) -> None:
    """The lock did not do what was ordered; the drawer counts as shut only if it is seen shut."""
    drawer = access.started.drawer
    if draft.moment.positions.get(drawer) == "latched":
        draft.add(r.DrawerClosed(drawer, access.started.access))
    _end(
        draft,
        r.AccessFailed(access.started.access, cause[:MAX_CAUSE_CHARS]),
        "The drawer's lock did not open. Try again, or call a technician.",
        "refusal",
    )


def _end(draft: Draft, record: r.Record, words: str, tone: Tone) -> None:
    draft.add(record)
    draft.home(Note(words, tone))


# --- counting and finishing ---------------------------------------------------------------------


def needs_count(state: State, access: Access) -> bool:
    """Whether a blind count before is asked: controlled, loaded, counted, or in doubt."""
    started = access.started
    if not started.pocket:
        return False
    return (
        started.kind in ("load", "count")
        or state.controlled(started.medicine)
        or bool(state.pockets[started.pocket].count_due)
    )


def phase(state: State, access: Access) -> str:
    """Which count is still owed: "before", "after" or ""."""
    if access.cancelled:
        return "after" if access.started.pocket and access.found_after is None else ""
    return "before" if access.found is None and needs_count(state, access) else ""


def too_few(access: Access, found: int | None) -> bool:
    """Whether fewer were found than are to be taken."""
    return access.started.kind == "remove" and found is not None and found < access.started.quantity


def count_entered(draft: Draft, text: str) -> None:
    """A person counted; a count that differs is asked once more, then opens a discrepancy."""
    state, access = draft.state, draft.state.access
    assert access is not None
    if not phase(state, access) or not (
        text.isascii() and text.isdigit() and len(text) <= MAX_COUNT_DIGITS
    ):
        draft.refuse(f"Enter a number of at most {MAX_COUNT_DIGITS} digits.")
        return
    found, pocket = int(text), access.started.pocket
    expected = state.on_hand(pocket)
    if found != expected and not access.counts:
        draft.add(r.CountEntered(access.started.access, pocket, found))
        draft.stay(note=Note("Please count once more.", "plain"))
        return
    if needs_witness(state, access):
        session = access.started.session
        person = access.started.person
        draft.add(r.WitnessCalled(access.started.access, session, person, found, "count"))
        draft.go("witness", quantity=found)
        return
    _counted(draft, access, found, None)


def needs_witness(state: State, access: Access) -> bool:
    """Whether a second person attests the count: where the policy asks one for its own sake."""
    started = access.started
    if started.kind != "count":
        return False
    return rights.needs_of(state, started.person, Act.COUNT, started.medicine).witness


def _counted(draft: Draft, access: Access, found: int, proof: Proof | None) -> None:
    """The count is complete; where it differs from what is expected, a discrepancy opens."""
    state, now, pocket = draft.state, phase(draft.state, access), access.started.pocket
    expected, listed = state.on_hand(pocket), access.started.medicine
    discrepancy = ""
    postings: tuple[r.Posting, ...] = ()
    if found != expected:
        discrepancy = draft.reference()
        postings = r.moved(listed, found - expected, r.DISCREPANCY, f"pocket:{pocket}")
    draft.add(
        r.Counted(
            access.started.access,
            pocket,
            listed,
            "after" if now == "after" else "before",
            expected,
            found,
            access.started.person,
            discrepancy,
            state.pockets[pocket].previous if discrepancy else "",
            postings,
            *((proof.person, proof.factors, proof.fallback) if proof is not None else ()),
        )
    )
    note = (
        Note("Recorded. A discrepancy is open; care goes on.", "warning") if discrepancy else None
    )
    draft.stay(note=note)
    if now == "before" and too_few(access, found):
        started = access.started
        refuse(draft, started, "count_too_low")
    if not access.closed:
        return
    before = found if now == "before" else access.found
    _finish(draft, access, before, found if now == "after" else access.found_after)


def witnessed(draft: Draft, proof: Proof) -> None:
    """The witness of a count proved who they are."""
    state, access, called = draft.state, draft.state.access, draft.state.witnessing
    assert access is not None and called is not None
    why = _withdrawn(draft, access.started)
    if why:
        assert state.attempt is not None
        refuse(draft, access.started, why)
        draft.add(r.AttemptEnded(state.attempt.id, why))
        draft.go("witness", note=Note(REASONS[why], "refusal"))
        return
    draft.go("home", quantity=0)
    _counted(draft, access, called.quantity, proof)


def not_witnessed(draft: Draft, why: str) -> None:
    """No witness came to the count, or it was called off: it is entered again, or left."""
    words = "No witness came. Enter your count again." if why == "timed_out" else "Not recorded."
    draft.go("home", note=Note(words, "warning"), quantity=0)


def _finish(
    draft: Draft, access: Access, found: int | None, after: int | None, unseen: bool = False
) -> None:
    """The drawer is shut: end the access if nothing is owed any more."""
    started, state = access.started, draft.state
    listed = state.medicines.get(started.medicine)
    if access.cancelled:
        if after is not None or not started.pocket:
            _end(
                draft, r.CancelledAfterOpen(started.access), "Cancelled. Nothing taken.", "warning"
            )
        return
    if found is None and needs_count(state, access):
        return  # the count screen stays until it is given
    if too_few(access, found):
        record = r.CancelledAfterOpen(started.access, "count_too_low")
        _end(draft, record, REASONS["count_too_low"], "refusal")
        return
    if started.kind == "count":
        _end(draft, r.CountDone(started.access), "Counted. Thank you.", "success")
        return
    if access.closed or unseen or state.screen.state in machines.BEHIND_LOCK:
        # Shut before the screen said what to move, or by who knows whom: the person says what did.
        return
    assert listed is not None
    moved(draft, access)


def moved(draft: Draft, access: Access) -> None:
    """The medicine moved as ordered: post it and end the access."""
    started = access.started
    listed = draft.state.medicines[started.medicine]
    words = amount(started.quantity, listed.unit)
    match started.kind:
        case "remove":
            removal = draft.reference()
            postings = r.moved(
                started.medicine,
                started.quantity,
                f"pocket:{started.pocket}",
                f"custody:{removal}",
            )
            record: r.Record = r.RemovalTaken(started.access, removal, started.quantity, postings)
            said = f"Taken: {words} of {medicine(listed)}."
        case "load":
            postings = r.moved(
                started.medicine, started.quantity, r.PHARMACY, f"pocket:{started.pocket}"
            )
            record = r.Loaded(started.access, started.quantity, postings)
            said = f"Loaded: {words} of {medicine(listed)}."
        case _:
            postings = r.moved(
                started.medicine,
                started.quantity,
                f"custody:{started.removal}",
                f"return_bin:{started.drawer}",
            )
            record = r.Returned(
                started.access, started.removal, started.person, started.quantity, postings
            )
            said = f"Returned: {words} of {medicine(listed)}."
    _end(draft, record, said, "success")
    if started.kind == "remove":
        draft.go("taken", patient=started.patient, note=Note(said, "success"))


# --- presses and time ---------------------------------------------------------------------------


def pressed(draft: Draft, button: str, text: str) -> None:
    """A button of an access's screens."""
    access = draft.state.access
    assert access is not None
    started = access.started
    if button == "count":
        count_entered(draft, text)
    elif button == "cancel" and not access.opened:
        _end(
            draft,
            r.CancelledBeforeOpen(started.access),
            "Cancelled. Push the drawer until it clicks.",
            "warning",
        )
    elif button == "cancel":
        draft.add(r.CancelAsked(started.access))
        draft.stay(note=None)
        if access.closed and not started.pocket:
            _end(draft, r.CancelledAfterOpen(started.access), "Cancelled.", "warning")
    elif button == "moved":
        moved(draft, access)
    elif button == "not_counted":
        draft.add(r.AccessLeft(started.access))
        draft.home(Note("Recorded as not counted. This drawer must be counted next.", "warning"))


def tick(draft: Draft) -> None:
    """Time has passed: lapse, lock that did not let go, drawer left open."""
    state, moment, timings = draft.state, draft.moment, draft.state.plan.timings
    letting_go_ms = timings.pulse_ms + timings.settle_ms + RELEASE_GRACE_MS
    access = state.access
    if access is not None and not access.opened:
        waited_ms = moment.mono_ms - access.since_ms
        still_latched = moment.positions.get(access.started.drawer) == "latched"
        if still_latched and waited_ms > letting_go_ms:
            _failed(draft, access, "the lock did not let go")
            return
        if waited_ms >= timings.open_within_s * 1000:
            words = "The drawer was not opened in time. Push it until it clicks."
            _end(draft, r.AccessLapsed(access.started.access), words, "warning")
            return
    for drawer in state.drawers.values():
        waited_ms = moment.mono_ms - drawer.since_ms
        if drawer.model.state == machines.RELEASED and not drawer.access:
            # Called off before the hook let go: it never will now, so the drawer is shut.
            if moment.positions.get(drawer.plan.id) == "latched" and waited_ms > letting_go_ms:
                draft.add(r.DrawerClosed(drawer.plan.id))
            continue
        if drawer.model.state not in (machines.OPEN, machines.FORCED) or drawer.alerted:
            continue
        open_s = waited_ms // 1000
        if open_s >= timings.drawer_alert_s:
            draft.add(r.DrawerLeftOpen(drawer.plan.id, drawer.access, open_s))
