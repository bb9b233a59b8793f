"""Who is at the lines, comes at the same moment, or presses what is not on the screen.

Not for guessing (`guessers.py`), nor for who really proved what (`proofs.py`). One rule: what was
once sent on a line is all that they play back on it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sim import fingerprint_sensor as zfm
from sim.guessers import (
    AMINA,
    FOUND,
    MEI,
    PLUGGED_S,
    READ_S,
    STRANGER,
    comes_and_goes,
    guess,
    hold,
    no_sensor,
    rest,
    touch,
    wrong_pin,
)
from sim.hands import GaveUp, Hands
from sim.people import Person
from sim.trespass import Trespass, Visit

AGAIN_S = 1.05  # until a reader that reads a badge again means it
SLOW_S = 45.0  # of a machine that is short of memory, for one PIN
NOT_HERE = (
    "open",
    "begin:break_glass:patient_in_danger",
    "save_change",
    "give",
    "moved",
    "nothing",
)


@contextmanager
def bad_line(it: Visit, fault: zfm.Fault) -> Iterator[None]:
    """Somebody is at the sensor's line."""
    faults = it.runtime.sensor.faults
    faults.append(fault)
    it.runtime.poke("fingerprint")
    try:
        yield
    finally:
        faults[:] = [its for its in faults if its is not fault]
        it.runtime.poke("fingerprint")


# --- the lines ------------------------------------------------------------------------------------


def _heard(it: Visit, badge: str) -> bytes:
    """The bytes of an earlier read of this badge."""
    sent = it.runtime.reader.sent
    found = next((data for data in reversed(sent) if data.startswith(badge.encode())), None)
    if found is None:
        raise GaveUp("this badge was not heard")
    return found


def replay(it: Visit) -> None:
    """A read that was heard is played back: at rest, and while somebody else is at the screen."""
    comes_and_goes(it, MEI)
    heard, thief = _heard(it, MEI.badge), it.hands_of(STRANGER)
    it.hands.wait(2.0)
    it.runtime.replay(heard)
    if thief.sees("finger", "pin", within_s=3.0) is not None:
        touch(thief)
        guess(thief)
    rest(thief)
    it.hands.sign_in()
    it.look_at_order()
    it.runtime.replay(heard)
    it.hands.wait(1.0)
    for button in ("open", "home", "sign_out"):
        if thief.can_press(button):
            thief.press(button)
    if thief.sees("finger", "pin", within_s=2.0) is not None:
        touch(thief)
        thief.press("cancel")
    it.hands.wait(2.0)
    it.hands.prove()
    it.hospital.nursing.go_home(it.hands)
    it.hospital.leave(it.hands)


def _of_last_match(it: Visit, instruction: int) -> tuple[bytes, ...]:
    """What the sensor said when a finger last matched."""
    sent = [frame for number, frame in it.runtime.sensor.sent if number == instruction]
    if not sent:
        raise GaveUp("the sensor was not heard")
    return tuple(sent[-2:])


def stale_answers(it: Visit) -> None:
    """Answers to its owner's finger come for a thief's, who holds the badge that was lost."""
    owner, chance = it.hands.chance.pick(FOUND), it.hands.chance
    comes_and_goes(it, owner)
    match = _of_last_match(it, 0x03)
    for fault in (
        zfm.Stale(frames=match, lost=chance.chance(0.5), instruction=0x03, times=2),
        zfm.Stale(frames=match[-1:], times=3),
        zfm.Late(late_s=chance.between(0.3, 2.5), instruction=0x03, times=2),
        zfm.Behind(),
    ):
        with bad_line(it, fault):
            if hold(it, owner.badge) is not None:
                touch(it.hands)
            rest(it.hands)
        it.hands.wait(PLUGGED_S / 2)
    _owner_leaves_midway(it, owner)
    it.hands.wait(31.0)
    comes_and_goes(it, owner)


def _owner_leaves_midway(it: Visit, owner: Person) -> None:
    """The owner's answer is late; they have gone, and the thief's finger is on the glass."""
    with bad_line(it, zfm.Late(late_s=it.hands.chance.between(0.2, 1.2), instruction=0x07)):
        if hold(it, owner.badge) is not None:
            it.hands.world.touch(owner.fingers[0])
            it.hands.wait(it.hands.chance.between(AGAIN_S, AGAIN_S + 0.5))
            it.hands.press("cancel")
            it.hands.world.touch(None)
            if it.hands.sees("rest", within_s=1.0) is not None:
                it.runtime.present(owner.badge)
                touch(it.hands)
                it.hands.wait(2.0)
    rest(it.hands)


# --- at once --------------------------------------------------------------------------------------


def race(it: Visit) -> None:
    """Two badges within a tenth of a second, and the finger of the one for the other."""
    first, second, chance = it.hands, it.hands_of(MEI), it.hands.chance
    rest(first)
    it.runtime.present(first.person.badge)
    first.wait(chance.between(0.01, 0.1))
    it.runtime.present(MEI.badge)
    first.must_see("finger", "pin", within_s=3.0)
    touch(second)
    first.world.touch(first.fingers[0])
    first.wait(chance.between(0.3, 0.7))
    first.press("cancel")
    it.runtime.present(MEI.badge)
    first.wait(READ_S)
    first.world.touch(None)
    first.wait(1.0)
    if first.sees("finger", within_s=1.0) is not None:
        touch(second)
    if first.can_press("cancel"):
        first.press("cancel")
    it.hospital.leave(first)


def late_hash(it: Visit) -> None:
    """A right PIN is still compared when its owner's time is over, and another badge is held."""
    owner, thief, runtime = it.hands, it.hands_of(STRANGER), it.runtime
    before = runtime.hash_s
    with no_sensor(it):
        try:
            runtime.hash_s = SLOW_S
            if hold(it, owner.person.badge) is None or not owner.can_press("pin"):
                raise GaveUp("no PIN is asked for")
            owner.press("pin", owner.person.pin)
            if owner.sees("rest", within_s=SLOW_S - 4.0) is None:
                raise GaveUp("it is compared for ever")
            runtime.present(MEI.badge)
            thief.must_see("pin", within_s=3.0)
            runtime.hash_s = SLOW_S / 4
            thief.press("pin", wrong_pin(thief))
            thief.wait(SLOW_S / 2)
        finally:
            runtime.hash_s = before
        rest(thief)
    it.hands.wait(PLUGGED_S)


# --- the screen -----------------------------------------------------------------------------------


def blind_presses(it: Visit) -> None:
    """Another peer presses what was on an older screen, and what is on none, as somebody works."""
    hands, peer, expect = it.hands, it.hands_of(STRANGER), it.model.expect
    hands.sign_in()
    it.look_at_order()
    older = hands.must_see("order")
    it.hospital.nursing.go_home(hands)
    opened = it.model.accesses
    for button in ("open", "home", *(action.id for action in older.actions)):
        _old(it, peer, older.number, button)
    now = hands.must_see("patients")
    for button in NOT_HERE:
        outcome = peer.press_on(now.number, button, "1")
        expect(5, outcome != "done", f"{button} was pressed, which is not on the screen")
    it.hospital.leave(hands)
    hands.must_see("rest")
    for button in ("open", *hands.rows(), "home"):
        _old(it, peer, now.number, button)
    expect(5, it.model.accesses == opened, "a press on no screen opened a drawer")


def _old(it: Visit, peer: Hands, number: int, button: str) -> None:
    outcome = peer.press_on(number, button, "1")
    it.model.expect(5, outcome in ("old", ""), f"{button} of an older screen: {outcome}")


INTERFERES: dict[str, Trespass] = {
    "badge read played back": Trespass(0.3, replay, AMINA),
    "older answers for a thief's finger": Trespass(0.5, stale_answers, STRANGER),
    "two badges at once": Trespass(0.4, race, AMINA),
    "a PIN compared too late": Trespass(0.2, late_hash, AMINA),
    "presses on older screens": Trespass(0.4, blind_presses, AMINA),
}
