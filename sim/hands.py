"""What one person can do at the cabinet: look at the screen, press, show a badge, handle a drawer.

Not for who does what when (`hospital.py`), and not for what is right. One rule: a person knows what
the screen says and what lies before their eyes, nothing else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

from cabinet.local_socket import Peer
from cabinet.messages import Answer, Press, Rows, Screen, Words, decode_for_screen
from cabinet.screen_socket import PeerPressed
from cabinet.screens import buttons
from sim.medicines import medicines
from sim.model import Model
from sim.people import PEOPLE, Person
from sim.runtime import SimulatedRuntime
from sim.virtual import UNITS, Stream, VirtualSignal

PATIENCE_S = 12.0  # before somebody tries something else
MOST_PAGES = 40
SUPERVISORS = ("charge_nurse", "pharmacist")
COMES_S = (4.0, 25.0)  # until a supervisor who is called is there [P]
_FRAME_HEAD = 4  # bytes of a frame's length
BACK = ("Cancel", "Back", "Done")  # what leads away from a page, the furthest first
_GLASS = [code for code, it in medicines().items() if it.unit in ("ampule", "vial")]


class GaveUp(Exception):
    """The person cannot go on as they meant to, and goes away."""


class WalkedAway(GaveUp):
    """The person leaves everything as it is."""


@dataclass(frozen=True)
class Mistakes:
    """How often people err, for each occasion."""

    miscount: float = 0.012  # counting 20 to 40 units by hand: 1 to 2 in 100 [P]
    wrong_number: float = 0.004  # takes one more or less than the screen says [P]
    walk_away: float = 0.008  # signed in, or in the middle of an access [P]
    left_open: float = 0.006  # a drawer, until somebody comes [P]
    not_latched: float = 0.02  # pushed, but its hook does not catch [P]
    wrong_finger: float = 0.03  # false rejects of such sensors are 1 to 3 in 100 [P]
    change_of_mind: float = 0.03  # null transactions: 1 to 5 in 100 [P]
    wrong_label: float = 0.02  # of what is to be loaded [P]
    broken: float = 0.01  # an ampoule in the hand [P]
    unsupervised: float = 0.05  # nobody comes to stand by a sign-in without the sensor [P]

    def times(self, rate: float) -> "Mistakes":
        """The same people, who err so much more often."""
        rates = {it.name: min(1.0, rate * getattr(self, it.name)) for it in fields(self)}
        return Mistakes(**rates)


class _OnePress(Peer):
    """The peer of one press: it hears its answer."""

    def __init__(self, runtime: SimulatedRuntime) -> None:
        self.greeted = True
        self.answer: Answer | None = None
        self.heard = VirtualSignal(runtime.hub)

    def send(self, frame: bytes) -> bool:
        message = decode_for_screen(frame[_FRAME_HEAD:])
        if isinstance(message, Answer):
            self.answer = message
            self.heard.set()
        return True


class Hands:
    """One person in front of the cabinet; to be used within a coroutine of theirs."""

    def __init__(
        self,
        runtime: SimulatedRuntime,
        model: Model,
        person: Person,
        chance: Stream,
        mistakes: Mistakes,
    ) -> None:
        self.runtime, self.model, self.person = runtime, model, person
        self.world, self.chance, self.mistakes = runtime.world, chance, mistakes
        self._changed = VirtualSignal(runtime.hub)
        self._presses = 0

    # --- time and the screen ----------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Do nothing for so long."""
        self.runtime.hub.wait(int(seconds * UNITS) + 1)

    def think(self, least: float = 0.6, most: float = 2.4) -> None:
        """As long as people take between two gestures."""
        self.wait(self.chance.between(least, most))

    @property
    def screen(self) -> Screen | None:
        """What the screen shows; None where it says that the cabinet does not answer."""
        return self.runtime.shown.screen if self.runtime.shown is not None else None

    def sees(self, *names: str, within_s: float = PATIENCE_S) -> Screen | None:
        """Wait until the screen is one of these; None when it does not come."""
        hub = self.runtime.hub
        end = hub.now + int(within_s * UNITS)
        while (screen := self.screen) is None or screen.name not in names:
            if hub.now >= end:
                return None
            self._changed.clear()
            self.runtime.watchers.append(self._changed)
            hub.wait(end - hub.now, self._changed)
            self.runtime.watchers.remove(self._changed)
        return screen

    def must_see(self, *names: str, within_s: float = PATIENCE_S) -> Screen:
        """The same, or give up."""
        screen = self.sees(*names, within_s=within_s)
        if screen is None:
            raise GaveUp(f"no {' or '.join(names)}")
        return screen

    def can_press(self, button: str) -> bool:
        """Whether the screen has this button."""
        return self.screen is not None and button in buttons(self.screen)

    def press(self, button: str, text: str = "") -> str:
        """Press it; what became of it: done, old, refused, or "" when nobody answered."""
        screen = self.screen
        if screen is None or button not in buttons(screen):
            return ""
        return self.press_on(screen.number, button, text)

    def press_on(self, number: int, button: str, text: str = "") -> str:
        """The same of a screen that may be another one by now, and of a button it may not have."""
        boot = self.runtime.boot
        if boot is None:
            return ""
        self._presses += 1
        peer = _OnePress(self.runtime)
        if button in ("pin", "totp"):
            self.runtime.typed(text)
        boot.post(PeerPressed(peer, Press(self._presses, number, button, text)))
        self.runtime.hub.wait(int(3 * UNITS), peer.heard)
        return peer.answer.outcome if peer.answer is not None else ""

    def must_press(self, button: str, text: str = "") -> None:
        """Turn pages until the button is there, and press it, or give up."""
        for _ in range(MOST_PAGES):
            if self.can_press(button) or not self.can_press("more"):
                break
            self.think(0.4, 1.0)
            self.press("more")
        self.think()
        if self.press(button, text) != "done":
            raise GaveUp(f"{button} could not be pressed")

    def rows(self) -> Sequence[str]:
        """The ids of the rows that can be pressed."""
        screen = self.screen
        found = []
        for block in screen.blocks if screen is not None else ():
            if isinstance(block, Rows):
                found += [row.id for row in block.rows if row.id and not row.why_not]
        return found

    # --- proving who one is -----------------------------------------------------------------------

    def prove(self) -> None:
        """Badge, then finger; a PIN, or the code of one's app, where the screen asks for it."""
        self.think(0.3, 1.2)
        self._wait_for_code()
        self.runtime.present(self.person.badge)
        for _ in range(5):
            screen = self.sees("finger", "pin", "passphrase", "totp", within_s=3.0)
            if screen is None:
                return  # proven already, refused, or the reader does not hear
            self.think(0.5, 1.5)
            if screen.name == "totp":
                self.type_code(self.read_code())
                continue
            if self.fingerless() and self.can_press("use_pin"):
                self.press("use_pin")
                continue
            if screen.name in ("pin", "passphrase"):
                self.type_secret()
                self.sees("checking", within_s=0.5)
                self.until_not("checking", 5.0)
                continue
            if not self.fingers:
                self.press("use_pin")
                continue
            wrong = self.chance.chance(self.mistakes.wrong_finger)
            finger = f"{self.person.staff_id}:smudged" if wrong else self.chance.pick(self.fingers)
            self.world.touch(finger)
            number = screen.number
            self.until_other(number, 6.0)
            self.world.touch(None)
            after = self.screen
            if after is not None and after.number == number and self.can_press("use_pin"):
                self.press("use_pin")

    def fingerless(self) -> bool:
        """Whether this person knows that no finger of theirs is enrolled (any more)."""
        return any(self.model.staff.get(ref) is self.person for ref in self.model.fingerless)

    def _wait_for_code(self) -> None:
        """Each code is good once, as the screen says: nobody begins while the used one stands."""
        phone = self.model.phones.get(self.person.staff_id)
        while phone is not None and phone.code() == phone.typed:
            self.wait(1.0)

    def read_code(self) -> str:
        """The next code of one's own app, remembered as typed."""
        phone = self.model.phones.get(self.person.staff_id)
        if phone is None:
            raise GaveUp("a code is asked for, and there is no app")
        self._wait_for_code()
        phone.typed = phone.code()
        return phone.typed

    def type_code(self, code: str) -> None:
        """Type it where the screen asks for one."""
        self.press("totp", code)
        self.sees("checking", within_s=0.5)
        self.until_not("checking", 5.0)

    def type_secret(self) -> None:
        """One's PIN, or passphrase, on the keys that have it."""
        secret = self.person.pin
        if not secret.isdigit() and self.can_press("use_letters"):
            self.press("use_letters")
            self.must_see("passphrase")
        self.press("pin", secret)

    @property
    def fingers(self) -> Sequence[str]:
        """Of this person."""
        return self.person.fingers

    def until_not(self, name: str, within_s: float) -> None:
        """Wait until the screen is another one than that, or the time is over."""
        end = self.runtime.hub.now_s + within_s
        while self.screen is not None and self.screen.name == name:
            if self.runtime.hub.now_s >= end:
                return
            self.wait(0.2)

    def until_other(self, number: int, within_s: float) -> None:
        """Wait until the screen has another number, or the time is over."""
        end = self.runtime.hub.now_s + within_s
        while self.screen is not None and self.screen.number == number:
            if self.runtime.hub.now_s >= end:
                return
            self.wait(0.25)

    def sign_in(self) -> None:
        """At the screen of rest, as nobody is signed in; gives up when it does not work."""
        self.must_see("rest", within_s=20.0)
        for _ in range(3):
            self.prove()
            screen = self.sees("patients", "menu", "witness", within_s=3.0)
            if screen is not None and screen.name == "witness":
                self._call_supervisor()
                screen = self.sees("patients", "menu", within_s=3.0)
            if screen is not None and self.person.name in screen.person:
                return
            if self.can_press("cancel"):
                self.press("cancel")
            self.wait(3.0)
        raise GaveUp("could not sign in")

    def _call_supervisor(self) -> None:
        """The sensor is down, and the site wants somebody beside this sign-in."""
        if not self.chance.chance(self.mistakes.unsupervised):
            who = [it for it in PEOPLE if it.role in SUPERVISORS and it is not self.person]
            self.wait(self.chance.between(*COMES_S))
            called = self.chance.pick(who)
            Hands(self.runtime, self.model, called, self.chance, self.mistakes).prove()
        if self.can_press("dismiss"):
            self.press("dismiss")

    def back(self) -> bool:
        """Leave the page by its own way back, if it has one."""
        screen = self.screen
        ways = screen.actions if screen is not None else ()
        out = [it.id for label in BACK for it in ways if it.label == label]
        return bool(out) and self.press(out[0]) == "done"

    # --- drawers ---------------------------------------------------------------------------------

    def lit(self) -> str:
        """The drawer whose light is on."""
        for drawer in self.world.view().drawers:
            if drawer.light:
                return drawer.id
        raise GaveUp("no drawer is lit")

    def pull(self) -> str:
        """Pull the lit drawer open, with a second and third try."""
        for _ in range(4):
            self.think(0.5, 1.4)
            drawer = self.lit()
            if self.world.pull(drawer):
                return drawer
        raise GaveUp("the drawer does not open")

    def push(self, drawer: str) -> None:
        """Shut it; one that does not latch is pushed again."""
        self.think(0.4, 1.2)
        self.model.admit(drawer, told(self.screen))
        if self.chance.chance(self.mistakes.not_latched):
            self.world.push(drawer, fully=False)
            self.wait(self.chance.between(2.0, 8.0))
        self.world.push(drawer)

    def count(self, pocket: str, says: int | None = None) -> None:
        """Count what lies there and type it, or what one `says`, as often as it is asked."""
        for _ in range(3):
            screen = self.sees("count", "recount", within_s=2.5)
            if screen is None:
                return
            lies = self.model.lying(pocket)
            self.wait(1.0 + 0.12 * lies)
            typed = lies if says is None else says
            if says is None and self.chance.chance(self.mistakes.miscount):
                typed = max(0, lies + self.chance.pick((-1, 1, -2, 10)))
            self.model.counted[pocket] = typed
            if self.press("count", str(typed)) == "":
                return

    def hand(self, place: str, medicine: str, units: int) -> int:
        """Take units out of an open pocket (negative: put in); how many of them broke."""
        if units < 0:
            self.world.put(place, -units, medicine)
            return 0
        if not self.world.take(place, units, medicine):
            return 0
        glass = medicine in _GLASS and self.chance.chance(self.mistakes.broken)
        if glass:
            self.world.part(medicine, 1, to="the floor, in pieces")
        if units > glass:
            self.world.part(medicine, units - glass, to=self.person.staff_id)
        return int(glass)


def told(screen: Screen | None) -> int | None:
    """The number in the sentence that says what to take or put in."""
    for block in screen.blocks if screen is not None else ():
        if isinstance(block, Words) and block.size == "take" and screen is not None:
            found = re.search(r"\d+", block.text) if screen.name == "take" else None
            return int(found.group()) if found else None
    return None


def says(screen: Screen | None) -> str:
    """All words of a screen, one after the other."""
    blocks = screen.blocks if screen is not None else ()
    return " ".join(block.text for block in blocks if isinstance(block, Words))
