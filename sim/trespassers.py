"""People who try what they may not, by mistake or on purpose: who comes when, and how often.

Not for what they try (`overreach.py` and others), nor for what is right (`entitlements.py` and
others). One rule: each sort draws from a stream of its own, so that one sort more shifts no
other.

How often is our own judgement [P]; nobody publishes it. What people do is published: badges lent,
witnesses by habit, leavers who kept access (the incidents of Pyxis and Omnicell users).
"""

from collections.abc import Callable
from functools import partial

from sim.administrators import ADMINISTRATION
from sim.apps import APPS
from sim.comparers import COMPARES
from sim.eavesdroppers import EAVESDROPPING
from sim.ended_codes import ENDED_CODES
from sim.false_lists import FALSE_LISTS
from sim.guessers import GUESSES
from sim.hands import GaveUp, Hands, Mistakes
from sim.hospital import DAY_S, Hospital
from sim.interferers import INTERFERES
from sim.last_minutes import LAST_MINUTES
from sim.meddlers import MEDDLING
from sim.old_orders import OLD_ORDERS
from sim.overreach import OVERREACH
from sim.people import Person
from sim.reviews import REVIEWS
from sim.staff_office import StaffOffice
from sim.swapped_sensors import INGRID, SWAPPED, decide
from sim.trespass import Trespass, Visit
from sim.unsupervised import UNSUPERVISED
from sim.virtual import UNITS, Stream

CAREFUL = Mistakes().times(0.0)
TRESPASSES: dict[str, Trespass] = {
    **OVERREACH,
    **OLD_ORDERS,
    **ADMINISTRATION,
    **FALSE_LISTS,
    **GUESSES,
    **COMPARES,
    **INTERFERES,
    **MEDDLING,
    **EAVESDROPPING,
    **SWAPPED,
    **UNSUPERVISED,
    **REVIEWS,
    **ENDED_CODES,
    **APPS,
    **LAST_MINUTES,
}


class Trespassers:
    """Those of one story."""

    def __init__(self, hospital: Hospital, staff: StaffOffice, seed: int, rate: float) -> None:
        """`rate`: times as often as TRESPASSES says."""
        self._hospital, self._staff, self._seed, self._rate = hospital, staff, seed, rate
        self._runtime, self._model = hospital.runtime, hospital.model
        self._chances = {name: Stream(seed, f"trespassers/{name}") for name in TRESPASSES}
        self._visits = 0
        self.sorts = TRESPASSES  # of which a test may leave some
        self.tried: dict[str, int] = {}
        self.done: dict[str, int] = {}  # of them those that nobody gave up

    def plan_day(self, begins_s: float, long_s: float) -> None:
        """Plan who comes in the `long_s` seconds of a day from `begins_s` on."""
        for name, trespass in self.sorts.items():
            chance = self._chances[name]
            often = trespass.a_day * self._rate * long_s / DAY_S
            for _ in range(int(often + chance.random())):
                at_s = begins_s + chance.random() * long_s
                self._runtime.hub.at(int(at_s * UNITS), partial(self._send, name))

    def _send(self, name: str) -> None:
        self._come(name, TRESPASSES[name].person, TRESPASSES[name].does)

    def _come(self, name: str, person: Person, does: Callable[[Visit], None]) -> None:
        hands = self._hands(person)
        self._runtime.hub.spawn(person.staff_id, lambda: self._visit(name, hands, does))

    def _later(
        self, name: str, after_s: float, person: Person, does: Callable[[Visit], None]
    ) -> None:
        self._runtime.hub.after(after_s, lambda: self._come(name, person, does))

    def decide(self) -> None:
        """An administrator decides for the sensor that is in, where the cabinet knows another."""
        hands = self._hands(INGRID)
        visit = Visit(self._hospital, self._staff, hands, self._hands)
        self._runtime.hub.spawn("the last decision", lambda: decide(visit))

    def _hands(self, person: Person) -> Hands:
        self._visits += 1
        chance = Stream(self._seed, f"trespass/{person.staff_id}/{self._visits}")
        return Hands(self._runtime, self._model, person, chance, CAREFUL)

    def _visit(self, name: str, hands: Hands, does: Callable[[Visit], None]) -> None:
        hospital = self._hospital
        if hospital.closing or not hospital.floor.come():
            return
        hospital.told(f"{hands.person.name} comes to the cabinet: {name}")
        try:
            hospital.tidy(hands)
            self.tried[name] = self.tried.get(name, 0) + 1
            visit = Visit(hospital, self._staff, hands, self._hands)
            visit.later = partial(self._later, name)
            does(visit)
            self.done[name] = self.done.get(name, 0) + 1
        except GaveUp as why:
            hospital.told(f"{hands.person.name} gives up: {why}")
        finally:
            self._go_away(hands)
            hospital.floor.go()

    def _go_away(self, hands: Hands) -> None:
        """Shut what is open, call off what was begun, sign out."""
        for drawer in self._runtime.world.view().drawers:
            if drawer.is_open or not drawer.hook_engaged:
                hands.push(drawer.id)
        for _ in range(6):
            ways = ("sign_out", "not_counted", "cancel", "dismiss", "home", "menu")
            way = next((it for it in ways if hands.can_press(it)), "")
            if hands.screen is not None and hands.screen.name == "rest":
                return
            if way:
                hands.press(way)
            elif not hands.back():
                return
            hands.wait(0.5)
