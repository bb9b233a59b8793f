"""What the person sees whose access to a drawer is going on: open, count, take, shut.

Not for what a press does (`access.py`). One rule: no screen says how many are expected.
"""

from cabinet import machines
from cabinet import records as r
from cabinet.access import MAX_COUNT_DIGITS, phase, too_few
from cabinet.decision import Place
from cabinet.messages import Block, Button, DrawerMap, Facts, Keypad, Screen, Words
from cabinet.state import Access, State
from cabinet.wording import amount, medicine, plural


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
    owed = phase(state, access)
    if owed:
        return _count_screen(state, access, owed, title, note)
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


def _pocket(state: State, started: r.AccessStarted) -> str:
    """Which pocket is meant: by its name where the drawer has more than one."""
    several = len(state.drawers[started.drawer].plan.pocket) > 1
    return f"pocket {started.pocket}" if several and started.pocket else "the drawer"


def _count_screen(
    state: State, access: Access, owed: str, title: str, note: tuple[Block, ...]
) -> Screen:
    started = access.started
    listed = state.medicines[started.medicine]
    if owed == "after":
        label = f"Put everything back. How many are in {_pocket(state, started)} now?"
        actions: tuple[Button, ...] = ()
    else:
        before = {"remove": ", before you take any", "load": ", before you put any in"}
        label = f"How many are in {_pocket(state, started)}{before.get(started.kind, '')}?"
        actions = (Button("cancel", "Cancel", "danger"),) if started.kind != "count" else ()
    if access.closed:
        actions = (*actions, Button("not_counted", "I did not count", "plain"))
    keypad = Keypad(label, Button("count", "OK", "primary"), MAX_COUNT_DIGITS, plural(listed.unit))
    name = "recount" if access.counts else "count"
    return Screen(0, name, title, (*note, keypad), actions)


def brief(state: State, _: Place) -> str:
    """What the witness of a count attests, in a line."""
    called, access, session = state.witnessing, state.access, state.session
    assert called is not None and access is not None and session is not None
    listed = state.medicines[access.started.medicine]
    what = f"{amount(called.quantity, listed.unit)} of {medicine(listed)}"
    return f"You witness: {state.people[session.person].name} counted {what}"


def show_witness(state: State, place: Place, _: int) -> Screen:
    """What the witness of a count attests: how many were found."""
    called, access, session = state.witnessing, state.access, state.session
    assert called is not None and access is not None and session is not None
    listed = state.medicines[access.started.medicine]
    words = amount(called.quantity, listed.unit)
    return Screen(
        0,
        "witness",
        "Witness",
        (
            *place.said(),
            Words(f"Counted: {words} of {medicine(listed)}", "name"),
            Facts((("Counted by", state.people[session.person].name),)),
            Words("Witness: count them yourself, then hold your badge to the reader.", "strong"),
        ),
        (Button("dismiss", "Cancel", "danger"),),
    )


def _moving_screen(
    state: State, access: Access, title: str, note: tuple[Block, ...], cancel: Button
) -> Screen:
    started = access.started
    drawer = state.drawers[started.drawer]
    push = Words(f"Then close {drawer.plan.label} until it clicks.", "strong")
    if access.cancelled or started.kind == "count" or too_few(access, access.found):
        blocks: tuple[Block, ...] = (Words(f"Close {drawer.plan.label}.", "name"),)
        return Screen(0, "close", title, (*note, *blocks, drawer_map(state)))
    listed = state.medicines[started.medicine]
    words = amount(started.quantity, listed.unit)
    said = {
        "remove": f"Take {words}",
        "load": f"Put in {words}",
        "return": f"Put {words} in the bin",
    }[started.kind]
    where = _pocket(state, started)
    named: tuple[Block, ...] = ()
    if where.startswith("pocket"):
        named = (Words(f"{'From' if started.kind == 'remove' else 'Into'} {where}", "name"),)
    return Screen(
        0,
        "take",
        title,
        (*note, Words(said, "take"), *named, push, drawer_map(state)),
        (cancel,),
    )
