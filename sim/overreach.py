"""Who reaches beyond their rights: false witnesses, ended and other people's rights, emergencies.

Not for the ways that they go (`trespass.py`). One rule: what they may not do follows from their
rows of the staff list alone (`cast.py`).
"""

from collections.abc import Callable

from sim import cast
from sim.hands import Hands
from sim.people import PEOPLE
from sim.staff_office import instant
from sim.trespass import Trespass, Visit

STRANGE_BADGE = "0099999901"
LATE_S = 75.0  # a witness who was busy
LOST_S = 180.0  # how long somebody tries on who lost their rights
AMINA, JONAS, MEI, ROSA = PEOPLE[:4]


def _lose(it: Visit, change: Callable[[], bool], after_s: float) -> None:
    """Lose one's rights in front of an order, and try on all the same."""
    hands = it.hands
    hands.sign_in()
    pocket = it.look_at_order()
    if not change():
        return
    try:
        hands.wait(after_s)
        until_s = it.runtime.hub.now_s + LOST_S
        if hands.can_press("open") and hands.press("open") == "done":
            it.take(pocket)
        while it.runtime.hub.now_s < until_s:
            screen = hands.screen
            if screen is None or screen.name in ("rest", "locked"):
                break
            ways = ("open", "home", "everyone", "menu")
            for way in ways:
                if hands.can_press(way):
                    hands.press(way)
                    break
            hands.wait(15.0)
    finally:
        it.staff.reinstate(hands.person)


def own_witness(it: Visit) -> None:
    """The same human's second account attests the waste."""
    it.ask_to_waste()
    it.witness(cast.TWIN)


def late_witness(it: Visit) -> None:
    """The witness comes when they have time."""
    it.ask_to_waste()
    it.hands.wait(LATE_S)
    it.witness(ROSA)


def temporary_witness(it: Visit) -> None:
    """A temporary user attests."""
    it.ask_to_waste()
    it.witness(cast.TEMPORARY)


def temporary(it: Visit) -> None:
    """A temporary user works on, whether their time is over or not."""
    it.remove()


def elsewhere(it: Visit) -> None:
    """A nurse of another ward."""
    it.remove()


def untrained(it: Visit) -> None:
    """A nurse wastes who has not learned what it takes."""
    it.ask_to_waste()
    it.witness(ROSA)


def suspended(it: Visit) -> None:
    """Suspended in mid-session."""
    _lose(it, lambda: it.staff.suspend(it.hands.person), 2.0)


def expired(it: Visit) -> None:
    """A contract that ends in mid-session."""
    ends_ms = int(it.runtime.wall.now_s() * 1000) + 4000
    _lose(it, lambda: it.staff.say(it.hands.person, expires=instant(ends_ms)), 8.0)


def second_badge(it: Visit) -> None:
    """Another badge at a screen in use: its holder looks and presses; the first goes on."""
    hands = it.hands
    hands.sign_in()
    it.look_at_order()
    before = [action.id for action in hands.screen.actions] if hands.screen is not None else []
    other = it.hands_of(MEI)
    it.runtime.present(other.person.badge)
    other.wait(2.0)
    for button in (*before, "cancel"):
        if other.can_press(button):
            other.press(button)
    other.wait(1.0)
    (other if other.chance.chance(0.5) else hands).prove()


def slips(it: Visit) -> None:
    """A strange badge, somebody else's finger, a mistyped PIN."""
    hands = it.hands
    it.runtime.present(STRANGE_BADGE)
    if hands.sees("finger", within_s=3.0) is not None:
        hands.press("cancel")
    hands.wait(3.0)
    it.runtime.present(hands.person.badge)
    hands.must_see("finger", "pin")
    it.runtime.world.touch(cast.TWIN.fingers[0])
    hands.wait(4.0)
    it.runtime.world.touch(None)
    if hands.can_press("use_pin"):
        hands.press("use_pin")
        swapped = hands.person.pin[1] + hands.person.pin[0] + hands.person.pin[2:]
        hands.press("pin", swapped)
        hands.wait(5.0)


def break_glass(it: Visit) -> None:
    """Break glass, with a second person, the own second account, or nobody."""
    hands = it.hands
    ask_to_break_glass(hands)
    if hands.sees("witness", within_s=3.0) is not None:
        drawn = hands.chance.random()
        if drawn < 0.7:
            it.witness(ROSA if drawn < 0.35 else cast.TWIN)
        if hands.can_press("dismiss"):
            hands.press("dismiss")
    go_home(hands)
    without_order(it, "oxycodone", "OXYC-5-TAB")


def ask_to_break_glass(hands: Hands) -> None:
    """Sign in, and on to where a second person is asked for."""
    hands.sign_in()
    for button in ("menu", "emergency", "break_glass", "begin:break_glass:patient_in_danger"):
        hands.must_press(button)


def go_home(hands: Hands) -> None:
    """To the patients."""
    for _ in range(3):
        if hands.screen is not None and hands.screen.name == "patients":
            break
        hands.must_press("home" if hands.can_press("home") else "menu")


def override(it: Visit) -> None:
    """Without an order: what one may not, then what one may."""
    it.hands.sign_in()
    without_order(it, "oxycodone", "OXYC-5-TAB")


def override_listed(it: Visit) -> None:
    """Without an order: what one may."""
    it.hands.sign_in()
    without_order(it, "furosemide", "FURO-40-TAB")


def without_order(it: Visit, name: str, medicine: str) -> None:
    """Search a medicine for some patient, and take a dose of it."""
    hands = it.hands
    hands.must_see("patients")
    patients = [row for row in hands.rows() if row.startswith("patient:")]
    if not patients and hands.can_press("everyone"):
        hands.must_press("everyone")
        patients = [row for row in hands.rows() if row.startswith("patient:")]
    patient = hands.chance.pick(patients).partition(":")[2]
    hands.must_press(f"patient:{patient}")
    hands.must_press(f"override:{patient}")
    hands.must_press("override_why:emergency")
    hands.must_press("find", name)
    hands.must_press(f"found:{medicine}")
    hands.must_press("open_override")
    held = [pocket for pocket, (kind, _) in it.model.pockets.items() if kind == medicine]
    it.take(held[0])


OVERREACH: dict[str, Trespass] = {
    "second account as witness": Trespass(0.5, own_witness, JONAS),
    "witness comes late": Trespass(0.7, late_witness, MEI),
    "temporary user as witness": Trespass(0.3, temporary_witness, AMINA),
    "temporary user": Trespass(1.0, temporary, cast.TEMPORARY),
    "nurse of another ward": Trespass(0.7, elsewhere, cast.ELSEWHERE),
    "nurse without training": Trespass(0.5, untrained, cast.UNTRAINED),
    "suspended in mid-session": Trespass(0.3, suspended, cast.AGENCY),
    "expires in mid-session": Trespass(0.3, expired, cast.AGENCY),
    "second badge at a screen in use": Trespass(1.0, second_badge, AMINA),
    "slips at the sensor": Trespass(1.0, slips, MEI),
    "break-glass": Trespass(0.4, break_glass, JONAS),
    "override without the right": Trespass(0.5, override, ROSA),
    "override": Trespass(0.5, override_listed, ROSA),
}
