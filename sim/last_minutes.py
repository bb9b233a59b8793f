"""Who is at work as their time is over: a session's longest, or the training that an act takes.

Not for rights as a whole that end (`overreach.py`), nor for codes and hours (`ended_codes.py`). One
rule: whoever is too late goes on pressing what the screen still offers.
"""

from sim import cast
from sim.hands import GaveUp
from sim.people import PEOPLE, Person
from sim.staff_office import instant
from sim.trespass import Trespass, Visit

AMINA, JONAS, MEI, ROSA = PEOPLE[:4]
AGENCY = cast.AGENCY
HEARD_S = 2.0  # until a list that was brought is taken
SOON_S = 6.0  # training ends so soon after it is said
TOUCH_S = 4.0
PRESSED_EVERY_S = 40.0  # nobody is idle
OPENED_S = 20.0  # before the session is too long
NOTICED_S = 30.0  # after it
MOST_PRESSES = 120


# --- a session that is too long -------------------------------------------------------------------


def too_long(it: Visit) -> None:
    """At a drawer that was opened in time, with another badge held at that moment."""
    hands, hub = it.hands, it.runtime.hub
    hands.sign_in()
    most_s = it.runtime.configuration.timings.session_most_h * 3600.0
    ends_s = hub.now_s + most_s
    for _ in range(MOST_PRESSES):
        if hub.now_s >= ends_s - 2 * PRESSED_EVERY_S:
            break
        _is_late(it)
        hands.wait(PRESSED_EVERY_S)
        way = next((it for it in ("everyone", "mine", "home") if hands.can_press(it)), "")
        if not way:
            raise GaveUp("signed out already")
        hands.press(way)
    if hands.chance.chance(0.3):  # with no drawer open it ends, whatever is pressed
        _go_on(it, ends_s + NOTICED_S)
        _order(it)
        return
    _go_on(it, ends_s - OPENED_S)
    pocket = it.look_at_order()
    it.open()
    hands.must_see("opening", "count", "take", within_s=4.0)
    drawer = hands.pull()
    _go_on(it, ends_s + hands.chance.between(-2.0, 2.0))
    if hands.chance.chance(0.5):
        it.runtime.present(MEI.badge)
    _go_on(it, ends_s + NOTICED_S)
    if hands.can_press("cancel"):
        hands.press("cancel")
    if hands.screen is not None and hands.screen.name == "locked":
        hands.prove()  # who they are, once more, at their open drawer
    if hands.sees("count", "take", within_s=3.0) is not None:
        it.take_out(pocket)
    hands.push(drawer)
    hands.wait(2.0)
    if hands.can_press("count") or hands.can_press("recount"):
        hands.count(pocket)
    if hands.can_press("home"):
        hands.press("home")
    _order(it)


def _is_late(it: Visit) -> None:
    if it.hospital.closing:
        raise GaveUp("it is late")


def _go_on(it: Visit, until_s: float) -> None:
    """Press what is offered, so that nobody is idle."""
    hands, hub = it.hands, it.runtime.hub
    while hub.now_s < until_s:
        _is_late(it)
        ways = ("everyone", "mine", "home", "stay")
        way = next((button for button in ways if hands.can_press(button)), "")
        if way:
            hands.press(way)
        hands.wait(min(3.0, max(0.1, until_s - hub.now_s)))


def _order(it: Visit) -> None:
    """One more drawer, where anybody is signed in still."""
    if it.hands.screen is not None and it.hands.screen.name == "patients":
        pocket = it.look_at_order()
        it.open()
        it.take(pocket)


# --- training that ends ---------------------------------------------------------------------------


def _ends(it: Visit, person: Person) -> float:
    """Their training ends in a moment, as the next list says; when, by the cabinet's clock."""
    ends_ms = int((it.runtime.wall.now_s() + SOON_S) * 1000)
    if not it.staff.say(person, competencies=f"{cast.TRAINED}:{instant(ends_ms)}"):
        raise GaveUp("nobody hears the list")
    it.hands.wait(HEARD_S)
    return ends_ms / 1000


def _until(it: Visit, wall_s: float) -> None:
    it.hands.wait(max(0.0, wall_s - it.runtime.wall.now_s()))


def _just(it: Visit) -> float:
    """A little before or after, or much after."""
    return it.hands.chance.pick((-0.01, 0.01, 0.5)) + it.hands.chance.between(-0.01, 0.01)


def waster(it: Visit) -> None:
    """Whoever wastes was trained when they asked, and is not any more when it is attested."""
    it.ask_to_waste()
    try:
        ends_s = _ends(it, it.hands.person)
        _until(it, ends_s - (TOUCH_S if it.hands.chance.chance(0.5) else 0.0))
        it.witness(ROSA)
        it.hands.wait(1.0)
    finally:
        it.staff.reinstate(it.hands.person)


def witness(it: Visit) -> None:
    """The witness was trained when they held their badge, and is not any more at their finger."""
    it.ask_to_waste()
    theirs = it.hands_of(AGENCY)
    try:
        it.runtime.present(AGENCY.badge)
        theirs.must_see("finger", "pin")
        ends_s = _ends(it, AGENCY)
        _until(it, ends_s + _just(it))
        if theirs.screen is not None and theirs.screen.name == "finger" and not theirs.fingerless():
            it.runtime.world.touch(theirs.fingers[0])
            theirs.wait(TOUCH_S)
            it.runtime.world.touch(None)
        else:
            theirs.press("use_pin")
            theirs.type_secret()
            theirs.until_not("checking", 5.0)
    finally:
        it.staff.reinstate(AGENCY)


def returns(it: Visit) -> None:
    """What is returned takes a drawer; training ends as it is pressed for, and as it opens."""
    hands = it.hands
    it.look_at_removal()
    hands.must_press("return")
    hands.must_see("return")
    try:
        ends_s = _ends(it, hands.person)
        _until(it, ends_s + _just(it))
        if hands.press("all") == "done" and hands.sees("opening", "take", within_s=4.0) is not None:
            it.hospital.nursing.put_back(hands)
    finally:
        it.staff.reinstate(hands.person)


LAST_MINUTES: dict[str, Trespass] = {
    "a session that is too long": Trespass(0.03, too_long, AMINA),
    "training ends before the witness comes": Trespass(0.1, waster, MEI),
    "training of the witness ends": Trespass(0.1, witness, MEI),
    "training ends as a drawer opens": Trespass(0.1, returns, MEI),
}
