"""A ward's day at its cabinet: who comes when, what for, and what they do wrong.

Not for single gestures (`hands.py`). One rule: everybody draws from a stream of their own, so that
one person more shifts nobody else.

Shifts of 8 hours; rounds at 8, 12, 17 and 21 o'clock as in US wards, the rest as needed; a nurse
removes 10 to 15 doses of controlled substances and 30 to 40 of others in a shift of a busy unit
[P]. Rates of mistakes are in `hands.Mistakes`; what is marked [P] there is our own judgement.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sim.diverter import Diverter
from sim.hands import GaveUp, Hands, Mistakes, WalkedAway
from sim.laptop import Laptop
from sim.model import Model
from sim.nursing import Nursing
from sim.people import PEOPLE, Person
from sim.runtime import SimulatedRuntime
from sim.stocking import Stocking
from sim.tally import Tally
from sim.virtual import UNITS, Hub, Stream, VirtualSignal

DAY_S = 86_400
FIRST_HOUR = 7  # the story begins with the day shift
# Visits in each hour from midnight on, in proportion: rounds, and what is needed in between.
HOURS = (2, 1, 1, 1, 2, 3, 5, 9, 16, 9, 6, 6, 14, 8, 5, 5, 7, 13, 7, 5, 8, 14, 5, 3)
TASKS = (1, 1, 1, 2, 2, 3, 4)  # at one visit
LOOKED_AT_S = 1800  # so often it is seen how many still need to come
MEANT = 1.03  # a little more than is meant, so that the day has it
HEEDLESS = 0.3  # of people leave another drawer open as it is [P]
QUEUE_S = 900.0  # before somebody who waits goes elsewhere


@dataclass
class Floor:
    """The place in front of the cabinet: one person at a time, the others wait."""

    hub: Hub
    waiting: deque[VirtualSignal] = field(default_factory=deque)
    taken: bool = False
    closed: bool = False  # nobody's turn comes any more

    def come(self) -> bool:
        """Wait for one's turn; False when it took too long, or does not come any more."""
        if not self.taken:
            self.taken = True
            return True
        mine = VirtualSignal(self.hub)
        self.waiting.append(mine)
        if self.hub.wait(int(QUEUE_S * UNITS), mine):
            if self.closed:
                self.go()
            return not self.closed
        self.waiting.remove(mine)
        return False

    def go(self) -> None:
        """Let the next one come."""
        if self.waiting:
            self.waiting.popleft().set()
        else:
            self.taken = False


class Hospital:
    """The people of one story."""

    def __init__(
        self,
        runtime: SimulatedRuntime,
        model: Model,
        seed: int,
        *,
        mistakes: Mistakes,
        accesses_a_day: int,
        diverter: Diverter | None = None,
    ) -> None:
        self.runtime, self.model, self._seed = runtime, model, seed
        self.floor, self.tally = Floor(runtime.hub), Tally()
        self.mistakes, self._accesses = mistakes, accesses_a_day
        self._chance = Stream(seed, "ward")
        self._visits = 0
        self.told: Callable[[str], None] = lambda _: None
        self.forbid: Callable[[str], None] = lambda _: None  # in any entry's body
        self.closing = False  # nobody comes any more
        self.hired = 0  # people, since the story began
        self.slips: Callable[[str], tuple[int, int, int]]  # wrong tries so far with a badge
        self.laptop: Callable[[], Laptop]  # at the service line
        self.compared: dict[str, None] = {}  # staff ids of who has no finger to forgive it
        self.joined: Callable[[Person], None] = lambda _: None  # is told of each
        self._before = 0  # accesses, when the day began
        self.diverter = diverter
        self.nursing = Nursing(runtime, model, self.tally, self.hands, diverter)
        self.stocking = Stocking(runtime, model, self.tally, self.nursing.call_witness)

    def hands(self, person: Person, what: str) -> Hands:
        """One visit's hands, with a stream of their own."""
        self._visits += 1
        chance = Stream(self._seed, f"{person.staff_id}/{what}/{self._visits}")
        return Hands(self.runtime, self.model, person, chance, self.mistakes)

    # --- who comes when ---------------------------------------------------------------------------

    def plan_day(self, day: int) -> None:
        """Plan everybody's visits of one day: each half hour those of the next."""
        hub, chance = self.runtime.hub, self._chance
        self._before = self.model.accesses
        for into_s in range(0, DAY_S, LOOKED_AT_S):
            hub.at((day * DAY_S + into_s) * UNITS, partial(self._plan_visits, into_s))
        for hour in (1, 3, 6, 9, 12):
            at = int((day * DAY_S + hour * 3600 + chance.random() * 1800) * UNITS)
            hub.at(at, self._send_stocker)

    def _plan_visits(self, into_s: int) -> None:
        """As many as the next half hour should have, and those whom earlier ones lack."""
        until = range(0, into_s + 1, LOOKED_AT_S)
        share = sum(HOURS[(at // 3600 + FIRST_HOUR) % 24] for at in until) / (2 * sum(HOURS))
        wanted = self._accesses * MEANT * share - (self.model.accesses - self._before)
        for _ in range(round(wanted / (sum(TASKS) / len(TASKS)))):
            nurse = self._on_shift((into_s // 3600 + FIRST_HOUR) % 24)
            tasks = self._chance.pick(TASKS)
            after_s = self._chance.random() * LOOKED_AT_S
            self.runtime.hub.after(after_s, partial(self._send, nurse, tasks))

    def _on_shift(self, hour: int) -> Person:
        nurses = [it for it in PEOPLE if it.role in ("nurse", "charge_nurse")]
        shift = hour // 8
        return self._chance.pick([nurses[shift % 4], nurses[(shift + 1) % 4], nurses[3]])

    def _send(self, nurse: Person, tasks: int) -> None:
        hands = self.hands(nurse, "round")
        self.runtime.hub.spawn(nurse.staff_id, lambda: self._visit(hands, tasks))

    def _send_stocker(self) -> None:
        roles = ("pharmacy_technician", "pharmacy_technician", "pharmacist")
        role = self._chance.pick(roles)
        person = next(it for it in PEOPLE if it.role == role)
        hands = self.hands(person, "stock")
        self.runtime.hub.spawn(person.staff_id, lambda: self._stock_visit(hands))

    # --- a nurse's visit --------------------------------------------------------------------------

    def _visit(self, hands: Hands, tasks: int) -> None:
        if self.closing or not self.floor.come():
            return
        self.tally.visits += 1
        self.told(f"{hands.person.name} comes to the cabinet, for {tasks} order(s)")
        try:
            self.tidy(hands)
            hands.sign_in()
            for _ in range(tasks):
                self.nursing.task(hands, self.nursing.choose(hands))
            if self.diverter is not None:
                self.nursing.divert(hands)
            self.nursing.settle_some(hands)
            self.leave(hands)
        except GaveUp as why:
            self.told(f"{hands.person.name} gives up: {why}")
            self.tally.gave_up(str(why))
            if not isinstance(why, WalkedAway):
                self._shut_what_is_open(hands)
        finally:
            self.floor.go()

    def _stock_visit(self, hands: Hands) -> None:
        if self.closing or not self.floor.come():
            return
        self.tally.visits += 1
        self.told(f"{hands.person.name} comes to the cabinet, for its stock")
        try:
            self.tidy(hands)
            hands.sign_in()
            self.stocking.all_of_it(hands)
            self.leave(hands)
        except GaveUp as why:
            self.told(f"{hands.person.name} gives up: {why}")
            self.tally.gave_up(str(why))
            if not isinstance(why, WalkedAway):
                self._shut_what_is_open(hands)
        finally:
            self.floor.go()

    def leave(self, hands: Hands) -> None:
        """Sign out, or forget to."""
        if hands.chance.chance(hands.mistakes.walk_away):
            return  # and stays signed in, until the cabinet signs them out
        hands.think()
        if not hands.can_press("sign_out") and hands.can_press("home"):
            hands.press("home")
        hands.press("sign_out")

    def _shut_what_is_open(self, hands: Hands) -> None:
        for drawer in self.runtime.world.view().drawers:
            if drawer.is_open or not drawer.hook_engaged:
                hands.push(drawer.id)
        for button in ("cancel", "dismiss"):
            if hands.can_press(button):
                hands.press(button)

    def tidy(self, hands: Hands) -> None:
        """Find the cabinet as others left it, and bring it to the screen of rest."""
        heedless = hands.chance.chance(HEEDLESS)
        for _ in range(12):
            screen = hands.screen
            for drawer in self.runtime.world.view().drawers:
                if heedless and screen is not None and screen.name == "rest":
                    break
                if drawer.is_open or not drawer.hook_engaged:
                    hands.push(drawer.id)
            screen = hands.screen
            if screen is not None and screen.name == "rest":
                return
            ways = ["sign_out", "not_counted", "home", "dismiss", "cancel", "menu", "removals"]
            if screen is not None and screen.name == "confirm":
                ways.insert(0, "cancel")
            for way in ways:
                if hands.can_press(way):
                    hands.think()
                    hands.press(way)
                    break
            else:
                if hands.back():
                    continue
                if hands.sees("rest", within_s=20.0) is not None:
                    return
            hands.wait(0.5)
        raise GaveUp("the cabinet is not free")
