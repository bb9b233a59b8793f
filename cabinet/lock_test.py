"""A technician tests a lock: alone where the drawer is empty, else a pharmacist opens and counts.

Not for other tests (`service_work.py`). One rule: a lock is pulsed beside the record that orders
it, and never because of a technician where the ledger holds anything in the drawer or doubts it:
then it is the pharmacist's own access, by the rules of every access, and it ends with a count.
"""

from auth.policy import Act
from cabinet import access, machines, rights, service_effects
from cabinet import records as r
from cabinet import service_records as sr
from cabinet.decision import Draft, Place
from cabinet.events import Pulse, PulseEnded
from cabinet.messages import Button, Screen, Words
from cabinet.state import DrawerState, PocketState, Service, State, Testing
from cabinet.wording import REASONS

PHARMACIST_S = 180  # in which a pharmacist must have come
LOCK = "lock"
NOT_LET_GO = "the lock did not let go"
NOBODY_OPENED = "nobody opened it in time"
ASKED = (
    "This drawer may hold medicine. A pharmacist opens it at the touchscreen, within "
    f"{PHARMACIST_S // 60} minutes, and counts."
)
PULSED = "Its lock was pulsed. Pull {0} open, look, then push it until it clicks."


def is_empty(state: State, drawer: DrawerState) -> bool:
    """Whether nothing is in the drawer by the ledger, and nothing of it is in doubt.

    Whoever is said to have taken the last dose may have left it there: a pocket that was used is
    empty once it was counted empty.
    """
    pockets = [state.pockets[pocket.id] for pocket in drawer.plan.pocket]
    accounts = [f"pocket:{pocket.plan.id}" for pocket in pockets]
    accounts.append(f"return_bin:{drawer.plan.id}")
    sure = not drawer.doubted and all(it.untouched and not it.count_due for it in pockets)
    return sure and not any(account in accounts for account, _ in state.balances)


def ask(draft: Draft, now: Service, name: str) -> str:
    """Test this drawer's lock; why not, or ""."""
    state = draft.state
    drawer = state.drawers.get(name)
    if drawer is None:
        return f"Which drawer? One of {', '.join(state.drawers)}."
    if state.space == "full":
        return REASONS["disk_full"]
    if state.access is not None:
        return "Somebody is at a drawer. Wait until they are done."
    why = access.not_shut(state, draft.moment.positions, name)
    if why:
        return REASONS[why]
    alone = is_empty(state, drawer)
    if not alone and not drawer.plan.pocket:
        return "The return bin may hold medicine. Its lock is tested when it is surely empty."
    if not alone and not _countable(state, drawer):
        return "Nobody can count what is in it: the formulary has none of its medicines yet."
    draft.add(sr.ServiceTestBegun(now.id, LOCK, name))
    if alone:
        who = (now.key, now.person, now.factors)
        draft.add(sr.LockTestOrdered(now.id, draft.reference(), name, *who))
        draft.command(Pulse(name))
    draft.report.append(PULSED.format(drawer.plan.label) if alone else ASKED)
    return ""


def waits_for(state: State, testing: Testing) -> tuple[str, int]:
    """What the test of a lock waits for, and within how many seconds; 0 for as long as it takes."""
    if not testing.access:
        return "a pharmacist", PHARMACIST_S
    if service_effects.tested(state)[1]:
        return f"{testing.place} to be pulled open", state.plan.timings.open_within_s
    return "the pharmacist", 0


def tick(draft: Draft, testing: Testing) -> None:
    """Time has passed: no pharmacist came, or the lock did not let go, or nobody pulled."""
    state, moment, timings = draft.state, draft.moment, draft.state.plan.timings
    waited_ms = moment.mono_ms - testing.since_ms
    if not testing.access:
        at_work = state.screen.state != machines.NOBODY
        if waited_ms >= PHARMACIST_S * 1000 and not at_work:
            ended(draft, "unanswered", "no pharmacist came")
        return
    if not service_effects.tested(state)[1]:
        return  # it is the pharmacist's access, which has its own times
    letting_go_ms = timings.pulse_ms + timings.settle_ms + access.RELEASE_GRACE_MS
    position = moment.positions.get(testing.place)
    if position == "latched" and waited_ms > letting_go_ms:
        _failed(draft, testing, NOT_LET_GO)
    elif waited_ms >= timings.open_within_s * 1000:
        let_go = position == "unlatched"
        ended(draft, "passed" if let_go else "unanswered", "" if let_go else NOBODY_OPENED)


def pulse_ended(draft: Draft, event: PulseEnded) -> None:
    """The driver did not do what was ordered."""
    testing = draft.state.service.testing if draft.state.service is not None else None
    drawer, _ = service_effects.tested(draft.state)
    if testing is not None and event.refused and drawer == event.drawer:
        _failed(draft, testing, event.refused[: access.MAX_CAUSE_CHARS])


def _failed(draft: Draft, testing: Testing, cause: str) -> None:
    if draft.moment.positions.get(testing.place) == "latched":
        draft.add(r.DrawerClosed(testing.place, testing.access))
    ended(draft, "failed", cause)


def ended(draft: Draft, outcome: sr.TestOutcome, cause: str = "") -> None:
    """The test is over."""
    now = draft.state.service
    assert now is not None and now.testing is not None
    draft.add(sr.ServiceTested(now.id, LOCK, now.testing.place, outcome, cause))


def follow(draft: Draft) -> None:
    """After whatever happened: what it says of the lock that is tested."""
    now = draft.state.service
    testing = now.testing if now is not None else None
    over = any(isinstance(it, sr.ServiceTested | r.Started) for it in draft.records)
    if testing is None or testing.what != LOCK or not testing.access or over:
        return
    told = [it for it in draft.records if getattr(it, "access", "") == testing.access]
    for record in told:
        if isinstance(record, r.AccessFailed):
            ended(draft, "failed", record.cause)
            return
    for record in told:
        match record:
            case r.DrawerOpened():
                ended(draft, "passed")
            case r.DrawerClosed() if service_effects.tested(draft.state)[1]:
                ended(draft, "passed")  # it let go, and was pushed in again
            case r.AccessLapsed() | r.CancelledBeforeOpen():
                ended(draft, "unanswered", NOBODY_OPENED)
            case _:
                continue
        return


def interrupted(draft: Draft, positions: dict[str, str]) -> None:
    """A restart came into a test of an empty drawer: said, like an access that it came into."""
    drawer, allowed = service_effects.tested(draft.state)
    if allowed:
        assert draft.state.service is not None
        opened = positions.get(drawer) in ("open", "disagree")
        draft.add(sr.LockTestInterrupted(draft.state.service.id, allowed, drawer, opened))


# --- at the touchscreen -------------------------------------------------------------------------


def waits(state: State) -> Testing | None:
    """The test for which a pharmacist is waited for."""
    testing = state.service.testing if state.service is not None else None
    return testing if testing is not None and testing.what == LOCK and not testing.access else None


def not_admitting(draft: Draft) -> str:
    """Why the person at the screen may not let the technician in, or open for them; "" if so."""
    state, session, now = draft.state, draft.state.session, draft.state.service
    assert session is not None
    why = rights.refusal(state, session.person, Act.ADMIT, draft.moment.wall_ms)
    why = why or rights.unproven(state, session.person, Act.ADMIT, session.factors)
    own = _accounts(state, now) if now is not None and not why else ()
    if any(rights.same_human(state, ref, session.person) for ref in own):
        why = "own_visit"
    return why


def _accounts(state: State, now: Service) -> tuple[str, ...]:
    """The technician's own accounts here, also one that was made since they signed in."""
    numbers = now.details.numbers if now.details is not None else ()
    found = (now.person, *now.people, *rights.accounts_of(state, numbers))
    return tuple(filter(None, found))


def open_drawer(draft: Draft) -> None:
    """The pharmacist at the screen opens the drawer, and will count in it."""
    state, session, now = draft.state, draft.state.session, draft.state.service
    testing = waits(state)
    assert session is not None and now is not None and testing is not None
    why = not_admitting(draft)
    if why:
        draft.add(r.Refused("test_lock", why, session.id, session.person))
        draft.refuse(REASONS[why])
        return
    pocket = _counted_pocket(state, state.drawers[testing.place])
    who = (session.id, session.person, session.factors)
    access.start(
        draft,
        r.AccessStarted(
            draft.reference(),
            "count",
            *who,
            testing.place,
            pocket,
            state.pockets[pocket].plan.medicine,
            service=now.id,
        ),
    )


def _countable(state: State, drawer: DrawerState) -> list[PocketState]:
    """The drawer's pockets of whose medicine it is known what it is."""
    pockets = [state.pockets[pocket.id] for pocket in drawer.plan.pocket]
    return [it for it in pockets if it.plan.medicine in state.medicines]


def _counted_pocket(state: State, drawer: DrawerState) -> str:
    """The pocket that is counted afterwards: one in doubt, or that holds something, or was used."""
    pockets = _countable(state, drawer)
    for pocket in pockets:
        if pocket.count_due:
            return pocket.plan.id
    held = [it for it in pockets if state.on_hand(it.plan.id)]
    used = [it for it in pockets if not it.untouched]
    return [*held, *used, *pockets][0].plan.id


def show(state: State, place: Place, moment_ms: int) -> Screen:
    """All that anybody sees who signs in while the cabinet is in service."""
    now, testing, session = state.service, waits(state), state.session
    assert now is not None and session is not None
    actions: tuple[Button, ...] = (Button("sign_out", "Sign out", "quiet"),)
    words = Words("A technician is at work on the cabinet: nothing else can be done here.")
    if testing is not None:
        label = state.drawers[testing.place].plan.label
        words = Words(f"{now.name} asks to have {label} opened, to test its lock. Stay with them.")
        if not rights.refusal(state, session.person, Act.ADMIT, moment_ms):
            actions = (*actions, Button("test_lock", f"Open {label}", "primary"))
    return Screen(0, "service", "At work on the cabinet", (*place.said(), words), actions)


def said(state: State) -> str:
    """What the screen asks for while a pharmacist is waited for, or ""."""
    testing = waits(state)
    if testing is None:
        return ""
    label = state.drawers[testing.place].plan.label
    return f"A pharmacist is asked to open {label}: hold your badge to the reader."
