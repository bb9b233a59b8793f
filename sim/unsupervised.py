"""Who would sign in without the finger sensor, and without the supervisor that the site wants.

Not for the sensors that are put in another one's place (`swapped_sensors.py`). One rule: the cable
is pulled for one visit, and whoever pulled it puts it back.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sim import cast
from sim.hands import GaveUp
from sim.people import PEOPLE
from sim.trespass import Trespass, Visit

DOWN_S = 6.0  # until the cabinet knows
LATE_S = (56.0, 70.0)  # a supervisor who was busy
RESTARTED_S = 25.0
AMINA, JONAS, MEI, ROSA = PEOPLE[:4]


@contextmanager
def pulled(it: Visit) -> Iterator[None]:
    """The sensor's cable is out meanwhile."""
    runtime = it.runtime
    if it.hospital.closing:
        raise GaveUp("nobody comes any more")
    mine = runtime.ports["fingerprint"].plugged
    if mine:
        runtime.unplug("fingerprint")
    try:
        it.hands.wait(DOWN_S)
        yield
    finally:
        if mine and not runtime.ports["fingerprint"].plugged:
            runtime.plug("fingerprint")


def ask(it: Visit) -> None:
    """By badge and PIN, as far as the supervisor."""
    it.hands.must_see("rest", within_s=20.0)
    it.hands.prove()
    it.hands.must_see("witness")


def try_on(it: Visit) -> None:
    """Work, if the screen lets one."""
    hands = it.hands
    if hands.sees("patients", within_s=2.0) is not None:
        pocket = it.look_at_order()
        it.open()
        it.take(pocket)
    elif hands.can_press("dismiss"):
        hands.press("dismiss")


def own_account(it: Visit) -> None:
    """The same human's second account stands by."""
    with pulled(it):
        ask(it)
        it.witness(cast.TWIN)
        try_on(it)


def colleague(it: Visit) -> None:
    """A nurse stands by, who may not."""
    with pulled(it):
        ask(it)
        it.witness(AMINA)
        try_on(it)


def late(it: Visit) -> None:
    """The supervisor comes when they have time."""
    with pulled(it):
        ask(it)
        it.hands.wait(it.hands.chance.between(*LATE_S))
        it.witness(ROSA)
        if it.hands.screen is not None and it.hands.person.name in it.hands.screen.person:
            try_on(it)


def locked(it: Visit) -> None:
    """Signed in by finger; then the sensor is down, and the screen was locked by another badge."""
    hands = it.hands
    hands.sign_in()
    pocket = it.look_at_order()
    with pulled(it):
        _lock(it)
        hands.prove()
        if hands.sees("order", within_s=2.0) is not None:
            it.open()
            it.take(pocket)
        else:
            try_on(it)


def drawer(it: Visit) -> None:
    """The same with a drawer open: it may be shut and counted, and nothing more."""
    hands = it.hands
    pocket, opened = it.pull_open()
    with pulled(it):
        _lock(it)
        hands.push(opened)
        hands.prove()
        if hands.sees("count", "recount", within_s=3.0) is not None:
            hands.count(pocket)
        for button in ("cancel", "not_counted", "home"):
            if hands.can_press(button):
                hands.press(button)
                hands.wait(1.0)
        try_on(it)


def _lock(it: Visit) -> None:
    """A badge that is not the person's, and its holder goes away."""
    it.runtime.present(MEI.badge)
    it.hands.wait(2.0)
    if it.hands.can_press("cancel"):
        it.hands.press("cancel")
        it.hands.wait(1.0)


def restarted(it: Visit) -> None:
    """The controller ends while a supervisor is waited for."""
    with pulled(it):
        ask(it)
        it.runtime.hub.at(0, it.runtime.kill_process)
        it.hands.wait(RESTARTED_S)
        it.hands.prove()
        try_on(it)


UNSUPERVISED: dict[str, Trespass] = {
    "second account as supervisor": Trespass(0.2, own_account, JONAS),
    "nurse as supervisor": Trespass(0.2, colleague, MEI),
    "supervisor comes late": Trespass(0.2, late, MEI),
    "no supervisor, through a locked screen": Trespass(0.2, locked, AMINA),
    "no supervisor, at an open drawer": Trespass(0.2, drawer, AMINA),
    "no supervisor, after a restart": Trespass(0.2, restarted, JONAS),
}
