"""Who uses codes of an authenticator app wrongly: again, too late, mistyped, seen, or guessed.

Not for what must hold of them (`used_codes.py`). One rule: whoever has no fingers enrolled proves
badge, PIN and code, so that somebody who stole and saw all three can show them; where there is a
finger, only its owner errs.
"""

from sim import cast
from sim.administrators import HALIMA, HENRY, SAMUEL
from sim.enrolling import go_to, leave, words_on
from sim.hands import GaveUp, Hands
from sim.people import Person
from sim.phone import STEP_S, Phone
from sim.trespass import Trespass, Visit

LATER_S = 3 * STEP_S  # a code is over, whatever the window
STRANGER_S = 10.0  # from the clock to the badge reader
TRIES_S = 31.0  # to wait, from the fifth wrong try on
MOST_GUESSES = 24


def _phone(it: Visit, person: Person) -> Phone:
    return it.model.phones[person.staff_id]


def as_far_as_code(it: Visit, owner: Person) -> Hands:
    """With the owner's badge, and their finger, or the PIN that somebody saw."""
    hands = it.hands_of(owner)
    hands.must_see("rest", within_s=20.0)
    it.runtime.present(owner.badge)
    hands.must_see("finger")
    hands.think()
    if owner.fingers:
        it.runtime.world.touch(owner.fingers[0])
        hands.sees("totp", within_s=6.0)
        it.runtime.world.touch(None)
    else:
        hands.must_press("use_pin")
        hands.must_see("pin")
        hands.type_secret()
    hands.must_see("totp", within_s=6.0)
    return hands


def wrong(hands: Hands, code: str) -> None:
    """A code that ought to be refused."""
    hands.think()
    hands.type_code(code)
    hands.must_see("totp")
    if "Not accepted" not in words_on(hands.screen):
        raise GaveUp("nothing says that the code was not accepted")


def cancel(hands: Hands) -> None:
    hands.must_press("cancel")
    hands.must_see("rest")


def in_and_out(it: Visit, person: Person) -> None:
    """Honestly, with the next code."""
    hands = it.hands_of(person)
    hands.sign_in()
    leave(hands)


def again(it: Visit) -> None:
    """The same code at the next proof, as it still stands on the phone."""
    person = it.hands.person
    in_and_out(it, person)
    hands = as_far_as_code(it, person)
    wrong(hands, _phone(it, person).typed)
    cancel(hands)
    in_and_out(it, person)


def mistyped(it: Visit) -> None:
    """Two digits swapped, then one that was noted down; then the right one."""
    person, phone = it.hands.person, _phone(it, it.hands.person)
    noted = phone.code()
    it.hands.wait(LATER_S)
    hands = as_far_as_code(it, person)
    code = phone.code()
    wrong(hands, f"{(int(code) + 900_001) % 1_000_000:06}")
    wrong(hands, noted)
    hands.type_code(hands.read_code())
    hands.must_see("menu")
    leave(hands)


def clock_back(it: Visit) -> None:
    """Used and unused codes that were seen, once the cabinet's clock is set back to them."""
    phone, hub, wall = _phone(it, HALIMA), it.runtime.hub, it.runtime.wall
    in_and_out(it, HALIMA)
    used = phone.typed
    it.hands.wait(STEP_S)
    seen, seen_s = phone.code(), hub.now_s
    it.hands.wait(LATER_S)
    in_and_out(it, SAMUEL)
    back_s = hub.now_s + STRANGER_S - seen_s
    wall.off_s -= back_s
    try:
        it.hands.wait(STRANGER_S)
        hands = as_far_as_code(it, HALIMA)
        for code in (used, seen):
            wrong(hands, code)
        cancel(hands)
    finally:
        wall.off_s += back_s
    in_and_out(it, HALIMA)


def guessed(it: Visit) -> None:
    """Until nothing more is compared; a pharmacist then lets the owner try again."""
    hands = it.hands_of(HALIMA)
    for _ in range(MOST_GUESSES):
        if hands.screen is not None and hands.screen.name == "rest":
            if "Locked" in words_on(hands.screen):
                break
            if "Wait" in words_on(hands.screen):
                hands.wait(TRIES_S)
            as_far_as_code(it, HALIMA)
        hands.type_code(f"{hands.chance.whole(0, 999_999):06}")
        hands.sees("totp", "rest", within_s=2.0)
    else:
        raise GaveUp("guessed and guessed, and nothing was locked")
    lets = it.hands_of(HENRY)
    lets.sign_in()
    go_to(lets, "locked")
    lets.must_see("release")
    lets.must_press(lets.rows()[0])
    leave(lets)
    in_and_out(it, HALIMA)


EAVESDROPPING: dict[str, Trespass] = {
    "the same code of an app again": Trespass(0.1, again, SAMUEL),
    "a seen code with a stolen badge": Trespass(0.1, again, HALIMA),
    "a mistyped and an old code": Trespass(0.1, mistyped, SAMUEL),
    "a seen code, the clock set back": Trespass(0.1, clock_back, cast.AGENCY),
    "codes are guessed": Trespass(0.1, guessed, cast.AGENCY),
}
