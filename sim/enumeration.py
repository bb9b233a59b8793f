"""What a stranger sees who compares two badges: the screens and how long each takes to come.

Not for what is right for one badge alone. One rule: only what the stranger's own tries brought is
compared, and only where nothing else went on at the cabinet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cabinet.messages import Screen
from cabinet.screens import buttons
from sim.hands import GaveUp, Hands, says
from sim.trespass import Visit

SAME_S = 0.06  # a disk's writes differ by so much; a look at the glass by more, so none is between
# Nobody's PINs, and nobody's passphrase on the other keys.
TYPED = (
    *(("use_pin", ""), ("pin", "40718263"), ("use_letters", ""), ("pin", "no such passphrase")),
    *(("use_digits", ""), ("pin", "82650917"), ("cancel", "")),
)
CROWD = "Many wrong tries"


@dataclass(frozen=True)
class Sight:
    """A screen, and when it came after the gesture before it."""

    gesture: str
    screen: Screen
    after_s: float

    def like(self, other: "Sight") -> bool:
        """Whether nobody could tell one from the other."""
        same = (self.gesture, _drawn(self.screen)) == (other.gesture, _drawn(other.screen))
        return same and abs(self.after_s - other.after_s) <= SAME_S


def _drawn(screen: Screen) -> tuple[object, ...]:
    """All but its number."""
    fields = (name for name in Screen.__struct_fields__ if name != "number")
    return tuple(getattr(screen, name) for name in fields)


def difference(it: Visit, known: str, strange: str, *, plain: bool = True) -> str:
    """Try both badges alike: what a stranger could tell them by, "" where they look alike.

    Both with the same wrong tries so far; `plain`: with none, and a PIN that is not locked. Gives
    up where that, or what goes on here, might tell.
    """
    plugged = it.runtime.ports["fingerprint"].plugged
    if plain and not plugged:
        raise GaveUp("the sensor's cable is out")
    # A badge that brings nothing is held again: noise on the reader's line swallows one.
    sights = [
        _tried(it, badge, plugged=plugged) or _tried(it, badge, plugged=plugged)
        for badge in (known, strange)
    ]
    if any(CROWD in says(its.screen) for seen in sights for its in seen):
        raise GaveUp("everybody waits here, and only the later badge may have been told so")
    if plain and sights[0] and "use_pin" not in buttons(sights[0][0].screen):
        raise GaveUp("the PIN of the known one is locked, or the sensor is down")
    return _difference(*sights)


def _difference(known: list[Sight], strange: list[Sight]) -> str:
    for one, other in zip(known, strange, strict=False):
        if not one.like(other):
            names = f"{one.screen.name} after {one.after_s:.3f} s"
            return f"{names}, {other.screen.name} after {other.after_s:.3f} s, of {one.gesture}"
    return "" if len(known) == len(strange) else f"{len(known)} and {len(strange)} screens"


def _quiet(it: Visit, *, plugged: bool) -> bool:
    runtime = it.runtime
    port = runtime.ports["fingerprint"]
    at_work = runtime.boot is not None and runtime.boot.ready
    as_before = port.plugged is plugged
    return at_work and as_before and not port.bad and not runtime.sensor.faults


class _Eyes:
    """Whoever looks at the screen from one gesture on."""

    def __init__(self, hands: Hands, gesture: str) -> None:
        self._hands, self._gesture = hands, gesture
        self._since_s = hands.runtime.hub.now_s
        self.sights: list[Sight] = []

    def set(self) -> None:
        """The screen may be another one."""
        screen = self._hands.screen
        assert screen is not None
        sight = Sight(self._gesture, screen, self._hands.runtime.hub.now_s - self._since_s)
        if not self.sights or _drawn(self.sights[-1].screen) != _drawn(screen):
            self.sights.append(sight)


def _seen(hands: Hands, gesture: str, act: Callable[[], object], for_s: float) -> list[Sight]:
    """Do something, and look for so long."""
    eyes = _Eyes(hands, gesture)
    hands.runtime.watchers.append(eyes)
    try:
        act()
        hands.wait(for_s)
    finally:
        hands.runtime.watchers.remove(eyes)
    return eyes.sights


def _tried(it: Visit, badge: str, *, plugged: bool) -> list[Sight]:
    """A wrong finger, wrong PINs, and away; what was seen."""
    hands, boot = it.hands, it.runtime.boot
    hands.must_see("rest", within_s=40.0)
    if not _quiet(it, plugged=plugged):
        raise GaveUp("something goes on here")
    hands.world.touch(hands.fingers[0])  # it lies there before it is looked for
    hands.wait(1.0)
    sights = _seen(hands, "the badge", partial(it.runtime.present, badge), 4.0)
    hands.world.touch(None)
    hands.wait(1.0)
    for button, text in TYPED:
        if hands.can_press(button):
            sights += _seen(hands, button, partial(hands.press, button, text), 2.0)
    if not _quiet(it, plugged=plugged) or it.runtime.boot is not boot:
        raise GaveUp("something went on here")
    return sights
