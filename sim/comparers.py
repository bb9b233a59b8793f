"""Who compares two badges, of which one is nobody's, to learn whom the cabinet knows and how.

Not for what may tell them apart (`enumeration.py`). One rule: both badges have the same wrong tries
so far, so that only what the cabinet knows of the known one could make a difference.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from sim import cast
from sim.administrators import HALIMA, INGRID, ROSA, add, issue
from sim.enrolling import leave, stand_by
from sim.enumeration import difference
from sim.guessers import (
    FOUND,
    PLUGGED_S,
    STRANGER,
    comes_and_goes,
    life_goes_on,
    no_sensor,
    rest,
    until_locked,
)
from sim.hands import GaveUp
from sim.meddlers import SOON_S, gone
from sim.people import Person
from sim.staff_office import instant
from sim.trespass import Trespass, Visit

AGAIN_S = 45.0  # after so many wrong tries anybody waits, with either badge
CROWD_S = 605.0  # until the cabinet forgets that it was guessed at
AGENCY, LEAVER = cast.AGENCY, cast.LEAVER
Known = Callable[[Visit, str], AbstractContextManager[str]]  # with a strange badge: the known one


def _strange(it: Visit) -> str:
    return f"00{it.hands.chance.whole(10_000_000, 99_999_999)}"


def _look(it: Visit, known: str, strange: str, *, plain: bool) -> None:
    """Whoever sees a difference looks again, for a fault may have been it."""
    slips = it.hospital.slips
    if slips(known) != slips(strange):
        raise GaveUp("wrong tries of before count on")
    found = difference(it, known, strange, plain=plain)
    if found:
        it.hands.wait(AGAIN_S)
        found = difference(it, known, strange, plain=False)
    it.model.expect(5, not found, f"a badge that nobody has looks otherwise: {found}")


# --- whose badge ----------------------------------------------------------------------------------


@contextmanager
def _found(it: Visit, _: str) -> Iterator[str]:
    """Somebody's who works here, and signs in before and after."""
    owner = it.hands.chance.pick(FOUND)
    _forgiven(it, owner)
    yield owner.badge
    comes_and_goes(it, owner)


def _forgiven(it: Visit, owner: Person) -> None:
    """Whoever slipped before signs in."""
    if it.hands_of(owner).fingerless():  # only a finger that is right forgets those that were not
        raise GaveUp("wrong fingers of before count on")
    comes_and_goes(it, owner)


@contextmanager
def _without_sensor(it: Visit, _: str) -> Iterator[str]:
    """Somebody's, while the sensor is down."""
    _forgiven(it, AGENCY)
    with no_sensor(it):
        yield AGENCY.badge
    it.hands.wait(PLUGGED_S)
    comes_and_goes(it, AGENCY)


@contextmanager
def _with_passphrase(it: Visit, _: str) -> Iterator[str]:
    """An administrator's without a finger, who has a passphrase and an app."""
    _once(it, HALIMA)
    comes_and_goes(it, HALIMA)
    yield HALIMA.badge
    comes_and_goes(it, HALIMA)


def _once(it: Visit, owner: Person) -> None:
    """A finger that was wrong is never forgotten of who has none."""
    if owner.staff_id in it.hospital.compared:
        raise GaveUp("wrong fingers of before count on")
    it.hospital.compared[owner.staff_id] = None


@contextmanager
def _with_pin_alone(it: Visit, _: str) -> Iterator[str]:
    """Somebody's who is new, and enrolled while the sensor was down."""
    person, honest = it.hire(), it.by(INGRID)
    honest.subject = person
    try:
        add(honest, person, "nurse")
        code = issue(honest)
        leave(honest.hands)
        with no_sensor(it):
            if not stand_by(it, ROSA, code):
                raise GaveUp("the code was not taken")
            hands = it.hands_of(person)
            it.runtime.present(person.badge)
            for page, button in (("enrol_pin", "new_pin"), ("enrol_pin_again", "same_pin")):
                hands.must_see(page)
                hands.must_press(button, person.pin)
            hands.must_see("rest")
        it.hands.wait(PLUGGED_S)
        yield person.badge
    finally:
        gone(it, person)


@contextmanager
def _never_enrolled(it: Visit, _: str) -> Iterator[str]:
    """Somebody's who is on the staff list, and has not been here."""
    person, rows = it.hire(), it.staff.rows
    rows[person.staff_id] = cast.row(person)
    try:
        it.staff.right()
        it.hands.wait(SOON_S)
        yield person.badge
    finally:
        rows.pop(person.staff_id)
        gone(it, person)


@contextmanager
def _listed(it: Visit, tell: Callable[[], bool]) -> Iterator[str]:
    """The badge of somebody whom a list says something of, until it is taken back."""
    _forgiven(it, AGENCY)
    if not tell():
        raise GaveUp("nobody hears the list")
    try:
        it.hands.wait(SOON_S)
        yield AGENCY.badge
    finally:
        it.staff.reinstate(AGENCY)


def _suspended(it: Visit, _: str) -> AbstractContextManager[str]:
    """Somebody's who may do nothing for now."""
    return _listed(it, lambda: it.staff.suspend(AGENCY))


def _expired(it: Visit, _: str) -> AbstractContextManager[str]:
    """Somebody's whose contract is over."""

    def ending() -> bool:
        ends_ms = int(it.runtime.wall.now_s() * 1000) + 2000
        return it.staff.say(AGENCY, expires=instant(ends_ms))

    return _listed(it, ending)


@contextmanager
def _left(it: Visit, _: str) -> Iterator[str]:
    """Somebody's who has left."""
    _once(it, LEAVER)
    yield LEAVER.badge


@contextmanager
def _locked(it: Visit, strange: str) -> Iterator[str]:
    """Somebody's whose PIN is locked, as that of nobody's badge is."""
    _forgiven(it, ROSA)
    for badge in (ROSA.badge, strange):
        until_locked(it, badge)
        rest(it.hands)
    it.hands.wait(CROWD_S)
    yield ROSA.badge
    life_goes_on(it, ROSA)


def compare(known: Known, it: Visit, *, plain: bool = False) -> None:
    """What is said of a badge that nobody has, and what of this one."""
    strange = _strange(it)
    with known(it, strange) as badge:
        _look(it, badge, strange, plain=plain)


STRANGE = "compares a strange badge with"
COMPARES: dict[str, Trespass] = {
    f"{STRANGE} a known one": Trespass(0.3, partial(compare, _found, plain=True), STRANGER),
    f"{STRANGE} one without sensor": Trespass(0.1, partial(compare, _without_sensor), STRANGER),
    f"{STRANGE} a passphrase's": Trespass(0.1, partial(compare, _with_passphrase), STRANGER),
    f"{STRANGE} one of a PIN alone": Trespass(0.1, partial(compare, _with_pin_alone), STRANGER),
    f"{STRANGE} one never enrolled": Trespass(0.1, partial(compare, _never_enrolled), STRANGER),
    f"{STRANGE} one suspended": Trespass(0.1, partial(compare, _suspended), STRANGER),
    f"{STRANGE} one expired": Trespass(0.1, partial(compare, _expired), STRANGER),
    f"{STRANGE} one who left": Trespass(0.1, partial(compare, _left), STRANGER),
    f"{STRANGE} a locked one": Trespass(0.1, partial(compare, _locked), STRANGER),
}
