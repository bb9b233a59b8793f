"""What a technician does, beside reading: service mode, tests of parts, and parts replaced.

Not for sessions (`service.py`). One rule: nothing here energises a lock or moves stock; a test that
is under way is in the state by its record, and lights and sounds follow from that.
"""

from cabinet import lock_test, machines
from cabinet import service_records as sr
from cabinet.access import MAX_CAUSE_CHARS
from cabinet.decision import Draft, Note
from cabinet.events import CancelFinger, FingerSeen, LookAtFinger, Moment
from cabinet.state import Service, State, Testing

COMMANDS = ("service", "test", "result", "replace")
TEST_S = 30
SOUND_MS = 2000
SEEN = ("light", "sound")  # judged by the technician; the others by what the device says
HEARD = ("reader", "scanner", "finger")
ALL, STOP = "all", "stop"
PARTS = ("locks", "fingerprint", "badge", "scanner", "beeper", "supply", "board", "disk", "drawer")
NOT_COUNTED = "drawer {0} is not counted yet"
HOW_TO_SHUT = " Push every drawer until it clicks."
HOW_TO_COUNT = " Count it at the touchscreen, or call it off there."
CALLED_OFF = "called off"
FIRST = "Begin service mode first: service begin."


def asked(draft: Draft, command: str, arguments: tuple[str, ...]) -> str:
    """Carry it out; why not, or ""."""
    match command, arguments:
        case "service", ("begin",):
            return _mode(draft)
        case "service", ("end",):
            return _end(draft)
        case "test", (what, *place):
            return _test(draft, what, tuple(place))
        case "result", ("yes" | "no" as seen,):
            return _result(draft, seen == "yes")
        case "replace", (device, part, serial):
            return _replace(draft, device, part, serial)
        case _:
            return f"That is not how {command} is used; see help {command}."


def _now(state: State) -> Service:
    assert state.service is not None, "asked of a session"
    return state.service


def _mode(draft: Draft) -> str:
    state = draft.state
    now = _now(state)
    if now.working:
        return "The cabinet is in service mode already."
    if state.screen.state != machines.NOBODY or state.access is not None:
        return "Somebody is at the touchscreen. Wait until they have signed out."
    draft.add(sr.ServiceBegun(now.id))
    draft.report.append("In service mode: nobody can sign in at the touchscreen.")
    return ""


def problems(state: State, moment: Moment) -> tuple[str, ...]:
    """What keeps the cabinet from being returned: the self-test."""
    found = [f"device {name} does not answer" for name in state.devices_down]
    if state.access is not None:
        found.insert(0, NOT_COUNTED.format(state.access.started.drawer))
    for name, drawer in state.drawers.items():
        if drawer.model.state != machines.SHUT:
            found.append(f"drawer {name} is {drawer.model.state}")
        elif moment.positions.get(name) != "latched":
            found.append(f"drawer {name} is not latched")
    if state.space == "full":
        found.append("the disk is full")
    return tuple(found[:16])


def _end(draft: Draft) -> str:
    now = _now(draft.state)
    if not now.working:
        return "The cabinet is not in service mode."
    if now.testing is not None:
        return busy(draft)
    wrong = problems(draft.state, draft.moment)
    draft.add(sr.ServiceFinished(now.id, wrong, not wrong))
    if wrong:
        unlatched = any(it in ("open", "unlatched") for it in draft.moment.positions.values())
        how = HOW_TO_SHUT if unlatched else ""
        how += HOW_TO_COUNT if draft.state.access is not None else ""
        return f"Still in service mode: {'; '.join(wrong)}.{how}"
    draft.report.append("The self-test found nothing: the cabinet works again.")
    return ""


def over(draft: Draft) -> None:
    """The session ends: so do its test and service mode, with what the self-test says."""
    now = _now(draft.state)
    if now.testing is not None:
        _call_off(draft, now.testing)
    if now.working:
        draft.add(sr.ServiceFinished(now.id, problems(draft.state, draft.moment), returned=True))


def _test(draft: Draft, what: str, place: tuple[str, ...]) -> str:
    state = draft.state
    now = _now(state)
    if not now.working:
        return FIRST
    if (what, place) == (STOP, ()):
        return _stop(draft)
    if now.testing is not None:
        return busy(draft)
    if what == lock_test.LOCK and len(place) == 1:
        return lock_test.ask(draft, now, place[0])
    drawer = state.drawers.get(place[0]) if what == "light" and len(place) == 1 else None
    if what == "light" and drawer is None:
        return f"Which drawer? One of {', '.join(state.drawers)}."
    if what not in (*SEEN, *HEARD, ALL) or (what != "light" and place):
        return "Use: test light DRAWER, test lock DRAWER, or test and one of " + ", ".join(
            ("sound", *HEARD, ALL, STOP)
        )
    if what == ALL:
        first, *rest = everything(state)
        begun = _begin(draft, first, ALL, tuple(rest), failed=False)
    else:
        begun = _begin(draft, f"{what}:{place[0] if place else ''}")
    draft.report.append(guide(state, begun))
    return ""


def under_way(state: State, mono_ms: int) -> str:
    """The test that is under way, what it waits for and how long still; "" where none is."""
    testing = state.service.testing if state.service is not None else None
    if testing is None:
        return ""
    what = " ".join(filter(None, (testing.what, testing.place)))
    if testing.what == lock_test.LOCK:
        waits, within_s = lock_test.waits_for(state, testing)
    else:
        waits, within_s = ("your answer" if testing.what in SEEN else f"the {testing.what}", TEST_S)
    left_s = max(0, within_s - (mono_ms - testing.since_ms) // 1000)
    return f"{what}, waits for {waits}" + (f", {left_s} s more" if within_s else "")


def busy(draft: Draft) -> str:
    """What a test that is under way keeps from being done, in words."""
    testing = _now(draft.state).testing
    how = "" if testing is None or testing.access else " test stop calls it off."
    return f"A test is under way: {under_way(draft.state, draft.moment.mono_ms)}.{how}"


def _stop(draft: Draft) -> str:
    """Call the test off, and the others of a test of all with it."""
    now = _now(draft.state)
    if now.testing is None:
        return "No test is under way."
    if now.testing.access:
        return "Its lock was pulsed already. Pull the drawer open, look, then push it shut."
    _call_off(draft, now.testing, CALLED_OFF)
    if now.testing.of:
        draft.add(sr.ServiceTested(now.id, now.testing.of, "", "failed", CALLED_OFF))
    return ""


def _call_off(draft: Draft, testing: Testing, cause: str = "") -> None:
    if testing.request:
        draft.command(CancelFinger(testing.request))
    session = _now(draft.state).id
    draft.add(sr.ServiceTested(session, testing.what, testing.place, "unanswered", cause))


def everything(state: State) -> list[str]:
    """What a test of all tests, in order; locks are tested one by one."""
    return ["sound:", *(f"light:{drawer}" for drawer in state.drawers), *(f"{it}:" for it in HEARD)]


def _begin(
    draft: Draft, which: str, of: str = "", rest: tuple[str, ...] = (), *, failed: bool = False
) -> sr.ServiceTestBegun:
    what, _, place = which.partition(":")
    request = draft.reference() if what == "finger" else ""
    begun = sr.ServiceTestBegun(_now(draft.state).id, what, place, request, of, rest, failed)
    draft.add(begun)
    if request:
        draft.command(LookAtFinger(request, TEST_S))
    return begun


def guide(state: State, begun: sr.ServiceTestBegun) -> str:
    """What the technician does now."""
    drawer = state.drawers.get(begun.place)
    told = {
        "light": f"Is the light of {drawer.plan.label if drawer is not None else ''} on?",
        "sound": "Did the beeper sound for two seconds?",
        "reader": "Hold any badge to the reader; it signs nobody in.",
        "scanner": "Hold any label before the scanner.",
        "finger": "Put any finger on the sensor; it is compared with nobody's.",
    }.get(begun.what, "")
    asked = f" Answer within {TEST_S} s: result yes, or result no."
    return told + (asked if begun.what in SEEN else "")


def _result(draft: Draft, passed: bool) -> str:
    now = _now(draft.state)
    if now.testing is None or now.testing.what not in SEEN:
        return "No test waits for an answer."
    _tested(draft, "passed" if passed else "failed")
    return ""


def _tested(draft: Draft, outcome: sr.TestOutcome, cause: str = "") -> None:
    """The test is over; in a test of all, the next one begins, or the whole has its result."""
    now = _now(draft.state)
    testing = now.testing
    assert testing is not None
    if testing.request and outcome == "unanswered":
        draft.command(CancelFinger(testing.request))
    draft.add(sr.ServiceTested(now.id, testing.what, testing.place, outcome, cause))
    failed = testing.failed or outcome != "passed"
    if testing.rest:
        following, *rest = testing.rest
        _begin(draft, following, testing.of, tuple(rest), failed=failed)
    elif testing.of:
        draft.add(sr.ServiceTested(now.id, testing.of, "", "failed" if failed else "passed"))


def _replace(draft: Draft, device: str, part: str, serial: str) -> str:
    now = _now(draft.state)
    if not now.working:
        return FIRST
    if device not in (*PARTS, *draft.state.drawers):
        return f"Which part? One of {', '.join((*PARTS, *draft.state.drawers))}."
    draft.add(sr.PartReplaced(now.id, device, part, serial))
    after = "" if device != "fingerprint" else " People enrol their fingers again on a new sensor."
    draft.report.append(f"Recorded: {device}, part {part}, serial {serial}.{after}")
    return ""


def tick(draft: Draft) -> None:
    """Nobody answered a test."""
    now = draft.state.service
    if now is None or now.testing is None:
        return
    if now.testing.what == lock_test.LOCK:
        lock_test.tick(draft, now.testing)
    elif draft.moment.mono_ms - now.testing.since_ms >= TEST_S * 1000:
        _tested(draft, "unanswered")


# --- at the cabinet -------------------------------------------------------------------------------


def badge_seen(draft: Draft) -> bool:
    """Whether a badge was for the test of the reader, or comes while nobody may sign in."""
    return _seen(draft, "reader")


def code_seen(draft: Draft) -> bool:
    """Whether a label was for the test of the scanner."""
    now = draft.state.service
    return now is not None and now.testing is not None and _seen(draft, "scanner")


def finger_seen(draft: Draft, event: FingerSeen) -> bool:
    """Whether the sensor's answer was for its test: how good the picture was, and not whose."""
    now = draft.state.service
    if now is None or now.testing is None or event.request != now.testing.request:
        return False
    match event.outcome:
        case "seen":
            _tested(draft, "passed")
        case "unclear" | "fault":
            _tested(draft, "failed", event.words[:MAX_CAUSE_CHARS])
        case _:
            _tested(draft, "unanswered")
    return True


def _seen(draft: Draft, what: str) -> bool:
    now = draft.state.service
    if now is None or not now.working or lock_test.waits(draft.state) is not None:
        return False
    if now.testing is not None and now.testing.what == what:
        _tested(draft, "passed")
    elif what == "reader":
        draft.stay(note=Note("A technician is at work on the cabinet. Please wait.", "warning"))
    return True


def lit(state: State) -> str:
    """The drawer whose light or lock is tested, or ""."""
    now = state.service
    return now.testing.place if now is not None and now.testing is not None else ""


def sounds(state: State, moment: Moment) -> bool:
    """Whether the beeper is tested now."""
    now = state.service
    if now is None or now.testing is None or now.testing.what != "sound":
        return False
    return moment.mono_ms - now.testing.since_ms < SOUND_MS
