"""Enrolling in a story: the newcomer with badge, PIN and fingers, and whoever stands by.

Not for who is let in (`administrators.py`, `meddlers.py`). One rule: what to do next is what the
screen asks for.
"""

from cabinet.messages import Screen, Words
from sim.hands import GaveUp, Hands
from sim.people import Person
from sim.trespass import Visit

CAPTURES = 14  # of fingers, before somebody gives up
ENROLLED = "Enrolled."
RENEWED = "works from now on"


def words_on(screen: Screen | None) -> str:
    """All its sentences."""
    blocks = screen.blocks if screen is not None else ()
    return " ".join(block.text for block in blocks if isinstance(block, Words))


def code_on(hands: Hands) -> str:
    """The one-time code that the screen shows to who issued it."""
    screen = hands.must_see("code")
    return next(it.text for it in screen.blocks if isinstance(it, Words) and it.size == "take")


def go_to(hands: Hands, row: str) -> None:
    """One of the tasks, from wherever one is."""
    for _ in range(4):
        if hands.screen is not None and hands.screen.name == "menu":
            break
        if hands.can_press("menu"):
            hands.must_press("menu")
        elif not hands.back():
            hands.wait(0.5)
    hands.must_see("menu")
    hands.must_press(row)


def stand_by(it: Visit, enroller: Person, code: str) -> bool:
    """The enroller signs in, and the newcomer types their code; whether it is taken."""
    hands = it.hands_of(enroller)
    hands.sign_in()
    go_to(hands, "enrolling")
    hands.must_see("enrolling")
    hands.press("stand_by", code)
    return hands.sees("enrol_badge", within_s=3.0) is not None


def leave(hands: Hands) -> None:
    """Back to the tasks, and out."""
    for _ in range(5):
        if hands.can_press("sign_out"):
            hands.must_press("sign_out")
            break
        if not hands.back():
            hands.wait(0.5)
    hands.must_see("rest")


def as_far_as_fingers(hands: Hands) -> None:
    """Badge and PIN."""
    person = hands.person
    hands.must_see("enrol_badge")
    hands.think()
    hands.runtime.present(person.badge)
    for page, button in (("enrol_pin", "new_pin"), ("enrol_pin_again", "same_pin")):
        hands.must_see(page)
        hands.must_press(button, person.pin)
    if hands.must_see("enrol_copies", "enrol_finger").name == "enrol_copies":
        hands.must_press(hands.chance.pick(("copies", "no_copies")))
    hands.must_see("enrol_finger")


def give_fingers(hands: Hands, fingers: tuple[str, ...]) -> None:
    """Place and lift as the screen says, until it asks for no finger any more."""
    for _ in range(CAPTURES):
        screen = hands.sees("enrol_finger", within_s=1.0)
        if screen is None:
            return
        before = words_on(screen)
        hands.world.touch(fingers["second" in before])
        end_s = hands.runtime.hub.now_s + 8.0
        while words_on(hands.screen) == before and hands.runtime.hub.now_s < end_s:
            hands.wait(0.25)
        hands.world.touch(None)
        hands.think(0.8, 1.6)


def new_pin(it: Visit, person: Person, enroller: Person, code: str) -> None:
    """A new PIN alone: badge and finger, then the PIN twice; gives up where it does not end so."""
    if not stand_by(it, enroller, code):
        raise GaveUp(f"the code was not taken: {words_on(it.hands.screen)}")
    hands = it.hands_of(person)
    hands.must_see("enrol_badge")
    hands.think()
    hands.runtime.present(person.badge)
    screen = hands.must_see("enrol_prove", "enrol_pin")
    if screen.name == "enrol_prove":
        hands.think()
        hands.world.touch(person.fingers[0])
        hands.must_see("enrol_pin", within_s=8.0)
        hands.world.touch(None)
    for page, button in (("enrol_pin", "new_pin"), ("enrol_pin_again", "same_pin")):
        hands.must_see(page)
        hands.must_press(button, person.pin)
    hands.must_see("rest")
    if RENEWED not in words_on(hands.screen):
        raise GaveUp(f"no new PIN: {words_on(hands.screen)}")


def enrol(it: Visit, person: Person, enroller: Person, code: str) -> None:
    """All of it; gives up where it does not end with an enrolled person."""
    if not stand_by(it, enroller, code):
        raise GaveUp(f"the code was not taken: {words_on(it.hands.screen)}")
    hands = it.hands_of(person)
    as_far_as_fingers(hands)
    give_fingers(hands, person.fingers)
    hands.must_see("rest")
    if ENROLLED not in words_on(hands.screen):
        raise GaveUp(f"not enrolled: {words_on(hands.screen)}")
