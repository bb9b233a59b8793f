"""One access to one drawer: from the order to open it until it is shut and counted.

Not for who may start one (`patients`, `stock`, `removals` ask `start`). One rule: the lock is
pulsed only by `start`, beside the record that orders it; what the sensors say later is recorded.
"""

from auth.policy import Act, Role, may, two_kinds
from cabinet import machines
from cabinet import records as r
from cabinet.decision import Draft, Note, Place, Tone
from cabinet.events import DrawerMoved, PulseEnded
from cabinet.events import Pulse as PulseCommand
from cabinet.messages import Block, Button, DrawerMap, Keypad, Screen, Words
from cabinet.state import Access, DrawerState, State
from cabinet.wording import REASONS, amount, medicine, plural

MAX_COUNT_DIGITS = 4
MAX_CAUSE_CHARS = 200
_NOT_SHUT = (machines.RELEASED, machines.OPEN, machines.FORCED)
_ACTS = {"remove": Act.REMOVE, "load": Act.LOAD, "return": Act.RETURN, "count": Act.COUNT}
# How long after its pulse ended a hook may take to let go before the access counts as failed.
RELEASE_GRACE_MS = 1000


# --- starting -----------------------------------------------------------------------------------


def refusal(draft: Draft, started: r.AccessStarted) -> str:
    """Why this access may not start now, "" when it may; rights are asked afresh each time."""
    state, positions = draft.state, draft.moment.positions
    if state.space == "full":
        return "disk_full"
    person = state.people.get(started.person)
    if person is None or not person.active:
        return "rights_withdrawn"
    if not may(Role(person.role), _ACTS[started.kind]):
        return "rights_withdrawn" if started.kind == "remove" else "not_allowed"
    if started.medicine and state.controlled(started.medicine) and not two_kinds(started.factors):
        return "two_factors"
    wanted = ""
    for drawer in state.drawers.values():
        position = positions.get(drawer.plan.id)
        if drawer.model.state == machines.SHUT and position == "latched":
            continue
        if drawer.plan.id == started.drawer:
            wanted = "drawer_not_locked"
        elif drawer.model.state in _NOT_SHUT or position in ("open", "unlatched", "disagree"):
            return "another_drawer_open"
        else:  # what cannot be read may be open
            return "another_drawer_unsure"
    return wanted


def start(draft: Draft, started: r.AccessStarted) -> None:
    """Order the drawer open, or refuse with a record."""
    why = refusal(draft, started)
    if why:
        refuse(draft, started, why)
        return
    draft.add(started)
    draft.command(PulseCommand(started.drawer))
    draft.stay(note=None)


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
            _seen_shut(draft, drawer)
        case "unlatched" if now in (machines.SHUT, machines.UNKNOWN):
            draft.add(r.DrawerFailed(event.drawer, "the lock let go without an order"))
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
    if now == machines.OPEN or now == machines.FORCED:
        return
    if allowed and now in (machines.RELEASED, machines.FAULT):
        draft.add(r.DrawerOpened(drawer.plan.id, drawer.access))
        draft.stay(active_ms=draft.moment.mono_ms)
    else:
        draft.add(r.DrawerForced(drawer.plan.id))


def _seen_shut(draft: Draft, drawer: DrawerState) -> None:
    draft.add(r.DrawerClosed(drawer.plan.id, drawer.access))
    access = draft.state.access
    if access is None or access.started.drawer != drawer.plan.id:
        return
    draft.stay(active_ms=draft.moment.mono_ms)
    if not access.opened:
        _end(draft, r.AccessLapsed(access.started.access), "The drawer was not opened.", "warning")
    else:
        _finish(draft, access, access.found, access.found_after)


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


def _phase(state: State, access: Access) -> str:
    """Which count is still owed: "before", "after" or ""."""
    if access.cancelled:
        return "after" if access.started.pocket and access.found_after is None else ""
    return "before" if access.found is None and needs_count(state, access) else ""


def _too_few(access: Access, found: int | None) -> bool:
    return access.started.kind == "remove" and found is not None and found < access.started.quantity


def count_entered(draft: Draft, text: str) -> None:
    """A person counted; a count that differs is asked once more, then opens a discrepancy."""
    state, access = draft.state, draft.state.access
    assert access is not None
    phase = _phase(state, access)
    if not phase or not (text.isascii() and text.isdigit() and len(text) <= MAX_COUNT_DIGITS):
        draft.refuse(f"Enter a number of at most {MAX_COUNT_DIGITS} digits.")
        return
    found, pocket = int(text), access.started.pocket
    expected = state.on_hand(pocket)
    if found != expected and not access.counts:
        draft.add(r.CountEntered(access.started.access, pocket, found))
        draft.stay(note=Note("Please count once more.", "plain"))
        return
    listed = access.started.medicine
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
            "after" if phase == "after" else "before",
            expected,
            found,
            access.started.person,
            discrepancy,
            state.pockets[pocket].previous if discrepancy else "",
            postings,
        )
    )
    note = (
        Note("Recorded. A discrepancy is open; care goes on.", "warning") if discrepancy else None
    )
    draft.stay(note=note)
    if phase == "before" and _too_few(access, found):
        started = access.started
        refuse(draft, started, "count_too_low")
    if not access.closed:
        return
    before = found if phase == "before" else access.found
    _finish(draft, access, before, found if phase == "after" else access.found_after)


def _finish(draft: Draft, access: Access, found: int | None, after: int | None) -> None:
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
    if _too_few(access, found):
        record = r.CancelledAfterOpen(started.access, "count_too_low")
        _end(draft, record, REASONS["count_too_low"], "refusal")
        return
    if started.kind == "count":
        _end(draft, r.CountDone(started.access), "Counted. Thank you.", "success")
        return
    if access.closed:
        return  # shut before it was counted: the person says what moved
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


# --- screens ------------------------------------------------------------------------------------


def drawer_map(state: State) -> DrawerMap:
    """The cabinet's drawers as the rules see them."""
    shown = []
    for drawer in state.drawers.values():
        position = drawer.model.state
        lit = state.access is not None and state.access.started.drawer == drawer.plan.id
        if position in (machines.OPEN, machines.FORCED):
            look = "open"
        elif position in (machines.FAULT, machines.UNKNOWN):
            look = "fault"
        else:
            look = "lit" if lit else "shut"
        shown.append((drawer.plan.id, drawer.plan.label, look))
    return DrawerMap(tuple(shown))  # type: ignore[arg-type]  # looks are the four literals


def show(state: State, place: Place) -> Screen:
    """The screen of the access that is going on."""
    access = state.access
    assert access is not None
    started = access.started
    drawer = state.drawers[started.drawer]
    listed = state.medicines.get(started.medicine)
    title = medicine(listed) if listed is not None else drawer.plan.label
    cancel = Button("cancel", "Cancel", "danger")
    note = place.said()
    blocks: tuple[Block, ...]
    if not access.opened:
        blocks = (Words(f"{drawer.plan.label} is opening: pull it.", "name"), drawer_map(state))
        return Screen(0, "opening", title, (*note, *blocks), (cancel,))
    phase = _phase(state, access)
    if phase:
        return _count_screen(state, access, phase, title, note)
    if access.closed:  # shut before it was counted
        assert listed is not None
        words = amount(started.quantity, listed.unit)
        verb = "took" if started.kind == "remove" else "put in"
        actions = (
            Button("cancel", f"I {verb} none", "plain"),
            Button("moved", f"I {verb} {words}", "primary"),
        )
        blocks = (Words(f"The drawer is shut. What did you {verb.replace('took', 'take')}?"),)
        return Screen(0, "confirm", title, (*note, *blocks), actions)
    return _moving_screen(state, access, title, note, cancel)


def _count_screen(
    state: State, access: Access, phase: str, title: str, note: tuple[Block, ...]
) -> Screen:
    started = access.started
    listed = state.medicines[started.medicine]
    if phase == "after":
        label = "Put everything back. How many are in the drawer now?"
        actions: tuple[Button, ...] = ()
    else:
        before = {"remove": ", before you take any", "load": ", before you put any in"}
        label = f"How many are in the drawer{before.get(started.kind, '')}?"
        actions = (Button("cancel", "Cancel", "danger"),) if started.kind != "count" else ()
    if access.closed:
        actions = (*actions, Button("not_counted", "I did not count", "plain"))
    keypad = Keypad(label, Button("count", "OK", "primary"), MAX_COUNT_DIGITS, plural(listed.unit))
    name = "recount" if access.counts else "count"
    return Screen(0, name, title, (*note, keypad), actions)


def _moving_screen(
    state: State, access: Access, title: str, note: tuple[Block, ...], cancel: Button
) -> Screen:
    started = access.started
    drawer = state.drawers[started.drawer]
    push = Words(f"Then close {drawer.plan.label} until it clicks.", "strong")
    if access.cancelled or started.kind == "count" or _too_few(access, access.found):
        blocks: tuple[Block, ...] = (Words(f"Close {drawer.plan.label}.", "name"),)
        return Screen(0, "close", title, (*note, *blocks, drawer_map(state)))
    listed = state.medicines[started.medicine]
    words = amount(started.quantity, listed.unit)
    said = {
        "remove": f"Take {words}",
        "load": f"Put in {words}",
        "return": f"Put {words} in the bin",
    }[started.kind]
    return Screen(
        0,
        "take",
        title,
        (*note, Words(said, "take"), push, drawer_map(state)),
        (cancel,),
    )
