"""An administrator's authenticator app: added, replaced and taken away, and what the old one shows.

Not for what must hold of codes (`used_codes.py`). One rule: a phone that is not theirs any more
goes on showing codes, and somebody types them; one that was good at the console is typed again.
"""

from cabinet import console_messages as m
from cabinet.messages import QrCode
from sim import cast
from sim.administrators import HALIMA, HENRY, ROSA, SAMUEL, at_work, find, save
from sim.eavesdroppers import LATER_S, as_far_as_code, cancel, in_and_out, wrong
from sim.enrolling import code_on, enrol, go_to, leave, words_on
from sim.hands import GaveUp, Hands
from sim.people import Person
from sim.phone import Phone, secret_of
from sim.service_checks import UNPLUGGED_S
from sim.trespass import Trespass, Visit

OWNER, FITTER = cast.SECOND_INGRID, cast.FITTER
PROVED_S = 5.0  # between two tries at the console
NOT_ACCEPTED = "Not accepted"


def _shown(hands: Hands) -> str:
    """The new app's key."""
    screen = hands.must_see("totp_shown")
    return next(it.spelt for it in screen.blocks if isinstance(it, QrCode))


def _add(it: Visit, person: Person, old: Phone | None = None) -> Phone:
    """A new app, whose first code is typed; before it one of an old app, where there is one."""
    hands, phones = it.hands_of(person), it.model.phones
    hands.sign_in()
    go_to(hands, "authenticator")
    hands.must_see("authenticator")
    hands.must_press("add_totp")
    phone = Phone(secret_of(_shown(hands)), it.runtime.wall.true_s)
    hands.press("stay")
    hands.wait(31.0)  # the code that they signed in with is over
    if old is not None:
        hands.must_press("same_totp", old.code())
        hands.must_see("totp_shown")
        if NOT_ACCEPTED not in words_on(hands.screen):
            raise GaveUp("nothing says that the code was not accepted")
    phones[person.staff_id] = phone
    phone.typed = phone.code()
    hands.must_press("same_totp", phone.typed)
    hands.must_see("menu")
    leave(hands)
    return phone


def _old_is_wrong(it: Visit, person: Person, old: Phone) -> None:
    """The old app's code where the new one's is asked for; then the new one's, and once more."""
    it.hands.wait(LATER_S)
    hands = as_far_as_code(it, person)
    wrong(hands, old.code())
    cancel(hands)
    in_and_out(it, person)


def _taken_away(it: Visit, person: Person) -> None:
    """Two administrators have somebody enrol again, who then has no app."""
    honest = it.by(SAMUEL)
    find(honest, person)
    for button in ("edit:again", "enrol_again:pin"):
        honest.hands.must_press(button)
    save(honest, HALIMA)
    it.model.phones.pop(person.staff_id, None)
    code = code_on(honest.hands)
    leave(honest.hands)
    enrol(it, person, it.hands.chance.pick((ROSA, HENRY)), code)
    in_and_out(it, person)


def life(it: Visit) -> None:
    """All of it."""
    honest = it.by(SAMUEL)
    honest.subject = OWNER
    at_work(honest)
    leave(honest.hands)
    first = it.model.phones.get(OWNER.staff_id) or _add(it, OWNER)
    in_and_out(it, OWNER)
    second = _add(it, OWNER)
    _old_is_wrong(it, OWNER, first)
    _taken_away(it, OWNER)
    third = _add(it, OWNER, old=second)
    _old_is_wrong(it, OWNER, second)
    if it.model.phones[OWNER.staff_id] is not third:
        raise GaveUp("another app was added meanwhile")


# --- at the console and at the screen -------------------------------------------------------------


def at_both(it: Visit) -> None:
    """A technician's code at the console, then at the screen; and the other way round."""
    hands, laptop = it.hands, it.hospital.laptop()
    laptop.plug()
    try:
        code = hands.read_code()
        if isinstance(laptop.prove(FITTER, code, honest=True), m.Denied):
            raise GaveUp("the console accepts no code")
        laptop.pull()
        hands.wait(UNPLUGGED_S)
        it.runtime.present(FITTER.badge)
        hands.must_see("finger")
        hands.think()
        it.runtime.world.touch(FITTER.fingers[0])
        hands.sees("totp", within_s=6.0)
        it.runtime.world.touch(None)
        wrong(hands, code)
        cancel(hands)
        in_and_out(it, FITTER)
        laptop.plug()
        laptop.prove(FITTER, it.model.phones[FITTER.staff_id].typed, honest=False)
        hands.wait(PROVED_S)
        laptop.prove(FITTER, hands.read_code(), honest=True)
    finally:
        laptop.pull()


APPS: dict[str, Trespass] = {
    "a code at the console and at the screen": Trespass(0.1, at_both, FITTER),
    "an app's old codes": Trespass(0.1, life, SAMUEL),
}
