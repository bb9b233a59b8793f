"""Who enrols as their code ends, or works as a temporary user's hours do, whatever the clock says.

Not for what must hold of codes and hours (`accounts.py`, `entitlements.py`). One rule: a code's
holder is early or late by seconds, and an entry of after its end is there before the clock goes
back.
"""

from collections.abc import Callable

from sim import cast
from sim.administrators import HENRY, INGRID, ROSA, add, find, issue
from sim.enrolling import enrol, leave
from sim.hands import GaveUp
from sim.meddlers import back_at_rest, gone, make_temporary, not_again
from sim.people import Person
from sim.trespass import Trespass, Visit

HOUR_S = 3600.0
EARLY_S = 300.0  # the holder of a code is at the cabinet before it ends
TYPED_S = 30.0  # from an enroller's badge to the code, at most
LATE_S = 2.0
DARK_S = 15.0
BACK_S = 60.0  # after the power
TEMPORARY_S = HOUR_S  # the hours of a temporary user
OVER_S = 120.0  # after them
Ends = Callable[[Visit, Person, str, float], None]


def _until(it: Visit, wall_s: float) -> None:
    """Wait until the cabinet's clock is so far."""
    wait_s = wall_s - it.runtime.wall.now_s()
    if wait_s > 2 * EARLY_S:
        raise GaveUp("the clock was set meanwhile")
    it.hands.wait(max(0.0, wait_s))


def _before(it: Visit, person: Person, code: str, ends_s: float) -> None:
    """It is typed before it ends, and the enrolment goes on after that."""
    _until(it, ends_s - TYPED_S)
    enrol(it, person, ROSA, code)


def _after(it: Visit, person: Person, code: str, ends_s: float) -> None:
    """It is over; whoever asks for a new one enrols with that."""
    _until(it, ends_s + LATE_S)
    not_again(it, code)
    honest = it.by(INGRID)
    honest.subject = person
    find(honest, person)
    newer = issue(honest)
    leave(honest.hands)
    enrol(it, person, ROSA, newer)


def _dark(it: Visit, person: Person, code: str, ends_s: float) -> None:
    """It ends while the cabinet has no power."""
    _until(it, ends_s - DARK_S / 2)
    it.runtime.hub.at(0, lambda: it.runtime.cut_power(DARK_S))
    it.hands.wait(DARK_S)
    it.hands.must_see("rest", within_s=BACK_S)
    it.hands.wait(LATE_S)
    not_again(it, code)


def _set_back(it: Visit, person: Person, code: str, ends_s: float) -> None:
    """It is over, and an entry says so; then the clock goes back to when it was good."""
    _until(it, ends_s + LATE_S)
    hands, wall = it.hands_of(HENRY), it.runtime.wall
    hands.sign_in()
    leave(hands)
    wall.off_s -= HOUR_S
    try:
        not_again(it, code)
    finally:
        wall.off_s += HOUR_S


def _set_forward(it: Visit, person: Person, code: str, ends_s: float) -> None:
    """The clock was far ahead for a moment: what ended by it stays over."""
    wall = it.runtime.wall
    wall.off_s += HOUR_S
    try:
        not_again(it, code)
    finally:
        wall.off_s -= HOUR_S
    not_again(it, code)


ENDS: tuple[Ends, ...] = (_before, _after, _dark, _set_back, _set_forward)


def code_ends(it: Visit) -> None:
    """Somebody is hired, and comes with their code when it is nearly over."""
    person, chance = it.hire(), it.hands.chance
    add(it, person, "nurse")
    code = issue(it)
    ends_s = it.runtime.wall.now_s() + cast.CODE_H * HOUR_S
    leave(it.hands)
    how = chance.pick(ENDS)

    def comes(then: Visit) -> None:
        if then.runtime.wall.now_s() > ends_s - TYPED_S:
            raise GaveUp("others were at the cabinet for too long")
        try:
            how(then, person, code, ends_s)
        finally:
            back_at_rest(then)
            gone(then, person)

    it.later(cast.CODE_H * HOUR_S - EARLY_S, INGRID, comes)


def hours_end(it: Visit) -> None:
    """A temporary user whose clock is set back works on for as long as anybody lets them."""
    person, runtime = it.hire(), it.runtime
    code = make_temporary(it, person, "1")
    enrol(it, person, it.hands.person, code)
    theirs = it.by(person)
    theirs.remove()
    it.hospital.tidy(theirs.hands)
    by_s = 2 * TEMPORARY_S
    runtime.wall.off_s -= by_s
    runtime.hub.after(
        TEMPORARY_S + 2 * EARLY_S, lambda: setattr(runtime.wall, "off_s", runtime.wall.off_s + by_s)
    )
    it.later(TEMPORARY_S + OVER_S, person, _works_on)


def _works_on(it: Visit) -> None:
    """If the screen lets them."""
    it.hands.must_see("rest", within_s=20.0)
    it.hands.prove()
    if it.hands.sees("patients", within_s=3.0) is not None:
        pocket = it.look_at_order()
        it.open()
        it.take(pocket)


ENDED_CODES: dict[str, Trespass] = {
    "a code that is nearly over": Trespass(0.1, code_ends, INGRID),
    "a temporary user's hours, the clock set back": Trespass(0.06, hours_end, ROSA),
}
