"""Break-glass and critical override: times in which medicines can be removed without an order.

Not for the removals themselves (`override.py`). One rule: neither ever lifts who somebody is, their
status, role, area, training or factors; both end by themselves, and stay until a pharmacist judges.

Break-glass is one person's, and reaches beyond their medicines; a critical override is everybody's
at this cabinet who may override, and lifts the list of medicines and the override groups (ISMP).
"""

from auth.policy import Act
from cabinet import records as r
from cabinet import rights
from cabinet.decision import Draft, Note, Place, Proof
from cabinet.events import Moment
from cabinet.messages import Alarm, Button, Facts, Row, Rows, Screen, Words
from cabinet.state import Emergency, State
from cabinet.wording import REASONS, clock

ACTS = {"break_glass": Act.BREAK_GLASS, "critical_override": Act.CRITICAL_OVERRIDE}
NAMES = {"break_glass": "Break-glass", "critical_override": "Critical override"}
WHY = {
    "patient_in_danger": "A patient is in danger",
    "nobody_else": "Whoever has the rights cannot come",
    "many_patients": "Many patients at once",
    "system_down": "The order system is down",
}
LIFTED = {  # what each kind of emergency lifts, of the reasons for a refusal
    "": (),
    "break_glass": ("wrong_group", "wrong_override_group", "not_on_override_list"),
    "critical_override": ("wrong_override_group", "not_on_override_list"),
}
LOUD_MS = 15_000  # how long the beeper tells that glass was broken
MINUTE_MS = 60_000


def is_on(state: State, emergency: Emergency, wall_ms: int, mono_ms: int | None = None) -> bool:
    """Whether it is on; where `mono_ms` is given, no clock that is set back makes it longer."""
    if emergency.ended or rights.now_of(state, wall_ms) >= emergency.expires_ms:
        return False
    return mono_ms is None or not emergency.spell.is_over(mono_ms)


def of(state: State, person: str, wall_ms: int, mono_ms: int | None = None) -> Emergency | None:
    """The emergency under which `person` may remove now: their own first, as it is wider."""
    now_on = [it for it in state.emergencies.values() if is_on(state, it, wall_ms, mono_ms)]
    own = [it for it in now_on if it.kind == "break_glass" and it.person == person]
    everybodys = [it for it in now_on if it.kind == "critical_override"]
    return next(iter((*own, *everybodys)), None)


def refusal(
    state: State, person: str, medicine: str, wall_ms: int, mono_ms: int | None = None
) -> str:
    """Why `person` may not remove `medicine` without an order now: a key of REASONS, or ""."""
    why = rights.refusal(state, person, Act.OVERRIDE, wall_ms)
    if why:
        return why  # of the person as such: nothing lifts it
    now_on = of(state, person, wall_ms, mono_ms)
    lifted = LIFTED[now_on.kind if now_on is not None else ""]
    why = rights.refusal(state, person, Act.OVERRIDE, wall_ms, medicine)
    if not why and medicine not in [it.medicine for it in state.plan.override]:
        why = "not_on_override_list"
    return "" if why in lifted else why


def dose(state: State, medicine: str) -> int:
    """How many units one removal without an order may take: one dose as the site lists it."""
    listed = next((it for it in state.plan.override if it.medicine == medicine), None)
    return listed.most if listed is not None else 1


# --- beginning and ending -------------------------------------------------------------------------


def pressed(draft: Draft, button: str) -> None:
    """A button of the emergency's screens."""
    verb, _, subject = button.partition(":")
    if verb == "begin":
        kind, _, why = subject.partition(":")
        _ask(draft, kind, why)
    else:
        _call_off(draft, subject)


def _not_now(draft: Draft, kind: str) -> str:
    """Why the person at the screen may not begin this kind of emergency, "" when they may."""
    state, session = draft.state, draft.state.session
    assert session is not None
    moment = draft.moment
    now_on = of(state, session.person, moment.wall_ms, moment.mono_ms)
    if now_on is not None and now_on.kind == kind:
        return "already_on"
    return rights.refusal(state, session.person, ACTS[kind], moment.wall_ms) or rights.unproven(
        state, session.person, ACTS[kind], session.factors
    )


def _ask(draft: Draft, kind: str, why: str) -> None:
    state, session = draft.state, draft.state.session
    assert session is not None
    refused = _not_now(draft, kind)
    if refused:
        draft.add(r.Refused(kind, refused, session.id, session.person))
        draft.refuse(REASONS[refused])
    elif rights.needs_of(state, session.person, ACTS[kind]).witness:
        minutes, reference = _minutes(state, kind), draft.reference()
        draft.add(r.WitnessCalled(reference, session.id, session.person, minutes, kind, why))
        draft.go("witness")
    else:
        _begin(draft, draft.reference(), kind, why, Proof("", ()))


def attested(draft: Draft, second: Proof) -> None:
    """The second person proved who they are."""
    called, session, attempt = draft.state.witnessing, draft.state.session, draft.state.attempt
    assert called is not None and session is not None and attempt is not None
    refused = _not_now(draft, called.act)
    if refused:
        draft.add(
            r.Refused(called.act, refused, session.id, session.person),
            r.AttemptEnded(attempt.id, refused),
        )
        draft.refuse(REASONS[refused])
        return
    _begin(draft, called.subject, called.act, called.why, second)


def not_attested(draft: Draft, why: str) -> None:
    """Nobody came, or it was called off."""
    words = "Not begun: nobody came." if why == "timed_out" else "Not begun."
    draft.go("emergency", note=Note(words, "warning"))


def _minutes(state: State, kind: str) -> int:
    rules = state.plan.rules
    return rules.break_glass_min if kind == "break_glass" else rules.critical_override_h * 60


def _begin(draft: Draft, reference: str, kind: str, why: str, second: Proof) -> None:
    session = draft.state.session
    assert session is not None
    lasts_ms = _minutes(draft.state, kind) * MINUTE_MS
    expires_ms = rights.now_of(draft.state, draft.moment.wall_ms) + lasts_ms
    draft.add(
        r.EmergencyBegun(
            reference,
            "break_glass" if kind == "break_glass" else "critical_override",
            session.id,
            session.person,
            session.factors,
            why,
            lasts_ms,
            expires_ms,
            second.person,
            second.factors,
            second.fallback,
        )
    )
    words = f"{NAMES[kind]} is on until {clock(expires_ms)}. All that is taken will be reviewed."
    draft.home(Note(words, "warning"))


def _call_off(draft: Draft, reference: str) -> None:
    session, emergency = draft.state.session, draft.state.emergencies[reference]
    assert session is not None
    draft.add(r.EmergencyEnded(reference, "called_off", session.person))
    draft.stay(note=Note(f"{NAMES[emergency.kind]} is over.", "success"))


def tick(draft: Draft) -> None:
    """Time has passed: what is over ends."""
    state, moment = draft.state, draft.moment
    for emergency in state.emergencies.values():
        if not emergency.ended and not is_on(state, emergency, moment.wall_ms, moment.mono_ms):
            draft.add(r.EmergencyEnded(emergency.id, "expired"))


# --- what people see and hear ---------------------------------------------------------------------


def may_see(state: State, now_ms: int) -> bool:
    """Whether the person at the screen has anything to do with emergencies."""
    return any(rights.allowed(state, act, now_ms) for act in (*ACTS.values(), Act.TEMPORARY))


def show(state: State, place: Place, now_ms: int) -> Screen:
    """What can be begun, and what can be ended."""
    rows = []
    for emergency in state.emergencies.values():
        if not emergency.ended and _may_end(state, emergency, now_ms):
            until = f"On until {clock(emergency.expires_ms)}"
            rows.append(Row(f"call_off:{emergency.id}", f"End: {NAMES[emergency.kind]}", (until,)))
    if rights.allowed(state, Act.BREAK_GLASS, now_ms):
        words = f"For you alone: any medicine, for {_lasting(_minutes(state, 'break_glass'))}"
        rows.append(Row("break_glass", NAMES["break_glass"], (words,), "REVIEWED", "warning"))
    if rights.allowed(state, Act.CRITICAL_OVERRIDE, now_ms):
        lasting = _lasting(_minutes(state, "critical_override"))
        words = f"For everybody here: without orders, for {lasting}"
        title = NAMES["critical_override"]
        rows.append(Row("critical_override", title, (words,), "REVIEWED", "warning"))
    if rights.allowed(state, Act.TEMPORARY, now_ms):
        words = "Somebody who works here for some hours"
        rows.append(Row("temporary", "Temporary users", (words,)))
    return Screen(
        0,
        "emergency",
        "Emergency",
        (*place.said(), Rows(tuple(rows), "Nothing here.")),
        (Button("menu", "Back", "quiet"),),
    )


def _may_end(state: State, emergency: Emergency, now_ms: int) -> bool:
    session = state.session
    own = session is not None and session.person == emergency.person
    return own or rights.allowed(state, Act.CRITICAL_OVERRIDE, now_ms)


def _lasting(minutes: int) -> str:
    """ "60 minutes", and "4 hours" where they are whole and more than one."""
    hours, rest = divmod(minutes, 60)
    if hours > 1 and not rest:
        return f"{hours} hours"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def show_reasons(state: State, place: Place, _: int) -> Screen:
    """Why it is begun: from a list, because an entry names nobody in words."""
    kind = place.page
    rows = tuple(Row(f"begin:{kind}:{why}", words) for why, words in WHY.items())
    return Screen(
        0,
        "begin",
        f"{NAMES[kind]}: why?",
        (*place.said(), Rows(rows, "")),
        (Button("emergency", "Back", "quiet"),),
    )


def brief(state: State, _: Place) -> str:
    """What the second person attests, in a line."""
    called, session = state.witnessing, state.session
    assert called is not None and session is not None
    name = state.people[session.person].name
    return f"You agree: {NAMES[called.act]} for {_lasting(called.quantity)}, asked by {name}"


def show_second(state: State, place: Place, _: int) -> Screen:
    """What the second person attests."""
    called, session = state.witnessing, state.session
    assert called is not None and session is not None
    name = state.people[session.person].name
    whom = name if called.act == "break_glass" else "Everybody at this cabinet"
    return Screen(
        0,
        "witness",
        "Second person",
        (
            *place.said(),
            Words(f"{NAMES[called.act]} for {_lasting(called.quantity)}", "name"),
            Facts((("Why", WHY.get(called.why, called.why)), ("For", whom), ("Asked by", name))),
            Words("Second person: if you agree, hold your badge to the reader.", "strong"),
        ),
        (Button("dismiss", "Cancel", "danger"),),
    )


def alarms(state: State, moment: Moment) -> list[Alarm]:
    """A banner on every screen while one is on; it names nobody."""
    found = []
    for emergency in state.emergencies.values():
        if is_on(state, emergency, moment.wall_ms, moment.mono_ms):
            until = clock(emergency.expires_ms)
            words = f"{NAMES[emergency.kind].upper()} until {until}. All that is taken is reviewed."
            found.append(Alarm("high" if emergency.kind == "break_glass" else "medium", words))
    return found


def is_loud(state: State, moment: Moment) -> bool:
    """Whether the beeper tells that glass was broken a moment ago."""
    return any(
        it.kind == "break_glass"
        and is_on(state, it, moment.wall_ms, moment.mono_ms)
        and moment.mono_ms - it.spell.since_ms < LOUD_MS
        for it in state.emergencies.values()
    )
