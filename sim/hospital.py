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

from cabinet.messages import Screen
from sim.hands import GaveUp, Hands, Mistakes, told
from sim.medicines import label, medicines, stock
from sim.model import Model
from sim.people import PEOPLE, Person
from sim.runtime import SimulatedRuntime
from sim.virtual import Hub, Stream, VirtualSignal

DAY_S = 86_400
FIRST_HOUR = 7  # the story begins with the day shift
# Visits in each hour from midnight on, in proportion: rounds, and what is needed in between.
HOURS = (2, 1, 1, 1, 2, 3, 5, 9, 16, 9, 6, 6, 14, 8, 5, 5, 7, 13, 7, 5, 8, 14, 5, 3)
TASKS = (1, 1, 1, 2, 2, 3, 4)  # at one visit
WASTED, RETURNED, KEPT = 0.08, 0.05, 0.04  # of removals; the others are given
MEANT = 1.12  # accesses that are meant for one that is made: some people give up
HEEDLESS = 0.3  # of people leave another drawer open as it is [P]
QUEUE_S = 900.0  # before somebody who waits goes elsewhere
PAR, FULL = 10, 30  # a pocket with fewer is loaded up to this


@dataclass
class Floor:
    """The place in front of the cabinet: one person at a time, the others wait."""

    hub: Hub
    waiting: deque[VirtualSignal] = field(default_factory=deque)
    taken: bool = False

    def come(self) -> bool:
        """Wait for one's turn; False when it took too long."""
        if not self.taken:
            self.taken = True
            return True
        mine = VirtualSignal(self.hub)
        self.waiting.append(mine)
        if self.hub.wait(int(QUEUE_S * (1 << 20)), mine):
            return True
        self.waiting.remove(mine)
        return False

    def go(self) -> None:
        """Let the next one come."""
        if self.waiting:
            self.waiting.popleft().set()
        else:
            self.taken = False


@dataclass
class Tally:
    """What people came to do, and what came of it."""

    visits: int = 0
    removals: int = 0
    loads: int = 0
    counts: int = 0
    given: int = 0
    wasted: int = 0
    returned: int = 0
    gave_up: dict[str, int] = field(default_factory=dict)


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
    ) -> None:
        self.runtime, self.model, self._seed = runtime, model, seed
        self.floor, self.tally = Floor(runtime.hub), Tally()
        self._mistakes, self._accesses = mistakes, accesses_a_day
        self._medicines = medicines()
        self._labels = stock()
        self._chance = Stream(seed, "ward")
        self._visits = 0
        self.told: Callable[[str], None] = lambda _: None
        self.closing = False  # nobody comes any more
        self.orders: list[str] = []  # that may be asked for: those of medicines with a pocket

    def hands(self, person: Person, what: str) -> Hands:
        """One visit's hands, with a stream of their own."""
        self._visits += 1
        chance = Stream(self._seed, f"{person.staff_id}/{what}/{self._visits}")
        return Hands(self.runtime, self.model, person, chance, self._mistakes)

    # --- who comes when ---------------------------------------------------------------------------

    def plan_day(self, day: int) -> None:
        """Plan everybody's visits of one day."""
        hub, chance = self.runtime.hub, self._chance
        mean_tasks = sum(TASKS) / len(TASKS)
        visits = round(self._accesses * MEANT / mean_tasks)
        total = sum(HOURS)
        for _ in range(visits):
            drawn, hour = chance.random() * total, 0
            while drawn >= HOURS[hour]:
                drawn -= HOURS[hour]
                hour += 1
            into_s = ((hour - FIRST_HOUR) % 24 + chance.random()) * 3600
            nurse = self._on_shift(hour)
            tasks = chance.pick(TASKS)
            hub.at(
                int((day * DAY_S + into_s) * (1 << 20)),
                lambda nurse=nurse, tasks=tasks: self._send(nurse, tasks),  # type: ignore[misc]
            )
        for hour in (1, 3, 6, 9, 12):
            at = int((day * DAY_S + hour * 3600 + chance.random() * 1800) * (1 << 20))
            hub.at(at, self._send_stocker)

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
                self._task(hands)
            self.settle_some(hands)
            self.leave(hands)
        except GaveUp as why:
            self.told(f"{hands.person.name} gives up: {why}")
            self._count_reason(str(why))
            self._shut_what_is_open(hands)
        finally:
            self.floor.go()

    def _count_reason(self, why: str) -> None:
        self.tally.gave_up[why] = self.tally.gave_up.get(why, 0) + 1

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
                if hands.sees("rest", within_s=20.0) is not None:
                    return
            hands.wait(0.5)
        raise GaveUp("the cabinet is not free")

    def _task(self, hands: Hands) -> None:
        order = hands.chance.pick(self.orders)
        patient = self.model.orders[order].patient if order in self.model.orders else ""
        self._go_home(hands)
        if not hands.can_press(f"patient:{patient}") and hands.can_press("everyone"):
            hands.must_press("everyone")
        hands.must_press(f"patient:{patient}")
        hands.must_see("orders")
        hands.must_press(f"order:{order}")
        hands.must_see("order")
        self.remove(hands, order)

    def _go_home(self, hands: Hands) -> None:
        """Back to the patients, from wherever one is."""
        for _ in range(4):
            screen = hands.screen
            if screen is None or screen.name == "patients":
                break
            back = [it.id for it in screen.actions if it.id.startswith(("patient:", "removal:"))]
            hands.must_press("home" if hands.can_press("home") else (back or ["home"])[0])
            hands.wait(0.1)
        hands.must_see("patients")

    def one_removal(self, hands: Hands) -> None:
        """Of the first order whose pocket has enough."""
        before = self.orders
        model = self.model
        self.orders = [
            order
            for order in before
            if order in model.orders and model.lying(self._pocket(order)) >= 5
        ][:1]
        try:
            self._task(hands)
        finally:
            self.orders = before

    def remove(self, hands: Hands, order: str) -> None:
        """From the order to the shut drawer."""
        hands.think()
        result = hands.press("open")
        if result == "refused":  # look whether a drawer stands open, or is not latched
            for each in self.runtime.world.view().drawers:
                if each.is_open or not each.hook_engaged:
                    hands.push(each.id)
            hands.think()
            result = hands.press("open")
        if result == "refused":
            self._count_reason("refused")
            return
        hands.must_see("opening", "count", "take", within_s=4.0)
        if hands.chance.chance(hands.mistakes.change_of_mind / 2):
            hands.think()
            hands.press("cancel")
            return
        drawer = hands.pull()
        pocket = self._pocket(order)
        screen = hands.must_see("count", "take")
        if screen.name == "count":
            hands.count(pocket)
        if hands.chance.chance(hands.mistakes.walk_away):
            raise GaveUp("walked away from an open drawer")
        if hands.chance.chance(hands.mistakes.change_of_mind / 2) and hands.can_press("cancel"):
            hands.press("cancel")
            hands.count(pocket)
        elif hands.sees("take", within_s=2.0) is not None:
            self._take(hands, pocket)
        if hands.chance.chance(hands.mistakes.left_open):
            return
        hands.push(drawer)
        after = hands.sees("taken", "patients", "confirm", "count", "recount", within_s=5.0)
        self._after_shut(hands, after, pocket)

    def _after_shut(self, hands: Hands, screen: Screen | None, pocket: str) -> None:
        if screen is None:
            return
        if screen.name == "taken":
            self.tally.removals += 1
        elif screen.name in ("count", "recount", "confirm") and hands.can_press("not_counted"):
            hands.press("not_counted")

    def _take(self, hands: Hands, pocket: str) -> None:
        wanted = told(hands.screen)
        if wanted is None:
            return
        if hands.chance.chance(hands.mistakes.wrong_number):
            wanted += hands.chance.pick((1, -1))
        units = min(wanted, self.model.lying(pocket))
        hands.think()
        if units > 0:
            hands.hand(pocket, self.model.pockets[pocket][0], units)

    def _pocket(self, order: str) -> str:
        wanted = self.model.orders[order].medicine
        return next(p for p, (medicine, _) in self.model.pockets.items() if medicine == wanted)

    # --- what becomes of it -----------------------------------------------------------------------

    def settle_some(self, hands: Hands) -> None:
        """Say what became of what was taken; some is forgotten until later."""
        for _ in range(6):
            if not hands.can_press("removals"):
                if not hands.can_press("home"):
                    return
                hands.must_press("home")
                if not hands.can_press("removals"):
                    return
            hands.must_press("removals")
            hands.must_see("removals")
            rows = [row for row in hands.rows() if row.startswith("removal:")]
            if not rows or hands.chance.chance(KEPT):
                return
            hands.must_press(hands.chance.pick(rows))
            hands.must_see("removal")
            drawn = hands.chance.random()
            if drawn < WASTED:
                self._waste(hands)
            elif drawn < WASTED + RETURNED:
                self._return(hands)
            else:
                hands.must_press("give")
                hands.must_see("give")
                hands.must_press("all")
                self.tally.given += 1

    def _waste(self, hands: Hands) -> None:
        hands.must_press("waste")
        hands.must_see("waste")
        hands.must_press("all")
        hands.must_see("witness")
        self._call_witness(hands)
        if hands.screen is not None and hands.screen.name in ("patients", "removal"):
            self.tally.wasted += 1

    def _call_witness(self, hands: Hands) -> None:
        """Somebody comes to attest what the screen says, or nobody does."""
        if not hands.chance.chance(0.05):
            others = [it for it in PEOPLE if it.role in ("nurse", "charge_nurse", "pharmacist")]
            witness = hands.chance.pick(others)  # now and then the same person tries
            theirs = self.hands(witness, "witness")
            hands.wait(hands.chance.between(3.0, 25.0))
            theirs.prove()
        for _ in range(40):
            screen = hands.screen
            if screen is None or screen.name not in ("witness", "finger", "pin", "checking"):
                break
            hands.wait(2.0)

    def _return(self, hands: Hands) -> None:
        hands.must_press("return")
        hands.must_see("return")
        hands.think()
        if hands.press("all") != "done":
            raise GaveUp("a return was refused")
        hands.must_see("opening", "take", within_s=4.0)
        drawer = hands.pull()
        hands.must_see("take")
        wanted = told(hands.screen)
        for access in self.model.openings.values():
            if access.started.drawer == drawer and wanted is not None:
                hands.hand(drawer, access.started.medicine, -wanted)
        hands.push(drawer)
        if hands.sees("patients", "menu", within_s=4.0) is not None:
            self.tally.returned += 1

    # --- stock ------------------------------------------------------------------------------------

    def _stock_visit(self, hands: Hands) -> None:
        if self.closing or not self.floor.come():
            return
        self.tally.visits += 1
        self.told(f"{hands.person.name} comes to the cabinet, for its stock")
        try:
            self.tidy(hands)
            hands.sign_in()
            if hands.screen is not None and hands.screen.name != "menu":
                hands.must_press("menu")
            self._release(hands)
            self._count_what_is_due(hands)
            for pocket, (medicine, _) in self.model.pockets.items():
                if self.model.lying(pocket) < PAR and medicine in self.model.schedules:
                    self.load(hands, pocket)
            self.leave(hands)
        except GaveUp as why:
            self.told(f"{hands.person.name} gives up: {why}")
            self._count_reason(str(why))
            self._shut_what_is_open(hands)
        finally:
            self.floor.go()

    def _release(self, hands: Hands) -> None:
        """A pharmacist lets people try again who are locked out."""
        if not hands.can_press("locked"):
            return
        hands.must_press("locked")
        hands.must_see("release")
        for row in list(hands.rows()):
            hands.press(row)
            hands.think()
        hands.must_press("menu")
        hands.must_see("menu")

    def _count_what_is_due(self, hands: Hands) -> None:
        for _ in range(8):
            if not hands.can_press("counts"):
                return
            hands.must_press("counts")
            hands.must_see("count_pocket")
            rows = hands.rows()
            if not rows:
                hands.must_press("home")
                hands.must_press("menu") if hands.can_press("menu") else None
                return
            pocket = rows[0].partition(":")[2]
            hands.must_press(rows[0])
            hands.must_see("opening", "count", within_s=4.0)
            drawer = hands.pull()
            hands.count(pocket)
            if hands.sees("witness", within_s=1.0) is not None:
                self._call_witness(hands)
            hands.push(drawer)
            hands.must_see("menu", "patients")
            self.tally.counts += 1
            if not hands.can_press("counts") and hands.can_press("menu"):
                hands.must_press("menu")

    def load(self, hands: Hands, pocket: str) -> None:
        """Bring a pocket up to its level."""
        if not hands.can_press("load_list"):
            if hands.can_press("menu"):
                hands.must_press("menu")
        hands.must_press("load_list")
        hands.must_press(f"load:{pocket}")
        hands.must_see("load_expiry")
        self._scan(hands, pocket)
        if hands.sees("load_quantity", within_s=1.5) is None:
            hands.must_press("expiry", "122028")
            hands.must_see("load_quantity")
        units = FULL - self.model.lying(pocket)
        hands.must_press("load_quantity", str(max(1, units)))
        hands.must_see("load_check")
        hands.must_press("open_load")
        hands.must_see("opening", "count", within_s=4.0)
        drawer = hands.pull()
        hands.must_see("count")
        hands.count(pocket)
        if hands.sees("take", within_s=2.0) is not None:
            wanted = told(hands.screen) or 0
            hands.think()
            hands.hand(pocket, self.model.pockets[pocket][0], -wanted)
        hands.push(drawer)
        if hands.sees("menu", "patients", within_s=5.0) is not None:
            self.tally.loads += 1

    def _scan(self, hands: Hands, pocket: str) -> None:
        code = self.model.pockets[pocket][0]
        if code not in self._medicines:
            return
        if hands.chance.chance(hands.mistakes.wrong_label):
            code = hands.chance.pick(list(self._medicines))
        hands.think()
        self.runtime.scan(label(self._medicines[code], "SIM2611", "2028-12-31"))
