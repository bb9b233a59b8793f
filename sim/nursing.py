"""What a nurse does at the cabinet: from the order to the shut drawer, and what became of it.

Not for who comes when (`hospital.py`). One rule: a nurse knows the order, the screen and what lies
before their eyes; what they do wrong they know too, and only the model hears of it.
"""

from collections.abc import Callable

from cabinet.messages import Screen
from sim.diverter import Diverter
from sim.hands import GaveUp, Hands, WalkedAway, told
from sim.model import Model
from sim.people import PEOPLE, Person
from sim.runtime import SimulatedRuntime
from sim.tally import Tally

WASTED, RETURNED, KEPT = 0.08, 0.05, 0.04  # of removals; the others are given [P]
NOT_MINE = 0.1  # of orders are of a patient of somebody else [P]
NO_WITNESS = 0.05  # nobody comes when one is called [P]


class Nursing:
    """What nurses do; `hands` are those of somebody who is called."""

    def __init__(
        self,
        runtime: SimulatedRuntime,
        model: Model,
        tally: Tally,
        hands: Callable[[Person, str], Hands],
        diverter: Diverter | None,
    ) -> None:
        self.runtime, self.model, self.tally = runtime, model, tally
        self._hands, self._diverter = hands, diverter
        self._broken: list[str] = []  # medicines of which an ampoule is to be wasted

    def orders(self) -> list[str]:
        """What may be asked for now: of medicines that have a pocket."""
        held = [medicine for medicine, _ in self.model.pockets.values()]
        return [name for name in self.model.active if self.model.orders[name].medicine in held]

    def choose(self, hands: Hands) -> str:
        """An order of one of this nurse's own patients, or now and then of somebody else's."""
        orders, model = self.orders(), self.model
        if not orders:
            raise GaveUp("nobody is ordered anything")
        me = next((ref for ref, it in model.staff.items() if it == hands.person), "")
        mine = [it for it in orders if me in model.nurses.get(model.orders[it].patient, ())]
        if mine and not hands.chance.chance(NOT_MINE):
            orders = mine
        return hands.chance.pick(orders)

    def task(self, hands: Hands, order: str) -> None:
        """One order of one patient, from the list of patients to the shut drawer."""
        patient = self.model.orders[order].patient if order in self.model.orders else ""
        self.go_home(hands)
        if not hands.can_press(f"patient:{patient}") and hands.can_press("everyone"):
            hands.must_press("everyone")
        hands.must_press(f"patient:{patient}")
        hands.must_see("orders")
        hands.must_press(f"order:{order}")
        hands.must_see("order")
        self.remove(hands, order)

    def go_home(self, hands: Hands) -> None:
        """Back to the patients, from wherever one is."""
        for _ in range(4):
            screen = hands.screen
            if screen is None or screen.name == "patients":
                break
            back = [it.id for it in screen.actions if it.id.startswith(("patient:", "removal:"))]
            hands.must_press("home" if hands.can_press("home") else (back or ["home"])[0])
            hands.wait(0.1)
        hands.must_see("patients")

    def divert(self, hands: Hands) -> None:
        """One more dose than anybody needs, which is then said to be given."""
        schedules = self.model.schedules
        some = [it for it in self.orders() if schedules[self.model.orders[it].medicine] != "none"]
        if not some:
            return
        order, before = hands.chance.pick(some), self.tally.removals
        if self._diverts("give", hands, self._pocket(order)):
            self.task(hands, order)
            if self.tally.removals > before:
                self.tally.diverted += self.model.orders[order].quantity

    def one_removal(self, hands: Hands) -> None:
        """Of the first order whose pocket has enough."""
        for order in self.orders():
            if self.model.lying(self._pocket(order)) >= 5:
                self.task(hands, order)
                return
        raise GaveUp("no order whose pocket has enough")

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
            self.tally.gave_up("refused")
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
            raise WalkedAway("walked away from an open drawer")
        if self._diverts("null", hands, pocket) and self._null(hands, pocket):
            hands.push(drawer)
            return
        if hands.chance.chance(hands.mistakes.change_of_mind / 2) and hands.can_press("cancel"):
            hands.press("cancel")
            hands.count(pocket)
        elif hands.sees("take", within_s=2.0) is not None:
            self._take(hands, pocket)
        if hands.chance.chance(hands.mistakes.left_open):
            raise WalkedAway("left a drawer open")
        hands.push(drawer)
        after = hands.sees("taken", "patients", "confirm", "count", "recount", within_s=5.0)
        self._after_shut(hands, after, drawer)

    def _after_shut(self, hands: Hands, screen: Screen | None, drawer: str) -> None:
        if screen is None:
            return
        if screen.name == "confirm":  # shut before the screen said what to take
            opening = self.model.openings[drawer]
            hands.think()
            if opening.net == opening.started.quantity:
                hands.press("moved")
            else:
                hands.press("cancel")
            screen = hands.sees("taken", "count", within_s=2.0) or screen
        if screen.name == "taken":
            self.tally.removals += 1
        elif screen.name in ("count", "recount") and hands.can_press("not_counted"):
            hands.press("not_counted")

    def _diverts(self, scheme: str, hands: Hands, pocket: str) -> bool:
        if self._diverter is None or not pocket:
            return False
        schedule = self.model.schedules.get(self.model.pockets[pocket][0], "none")
        return self._diverter.does(scheme, hands.person, schedule)

    def _null(self, hands: Hands, pocket: str) -> bool:
        """Cancel with the drawer open, keep one, and count it as there."""
        lies = self.model.lying(pocket)
        if lies < 1 or hands.sees("take", within_s=2.0) is None or hands.press("cancel") != "done":
            return False
        hands.hand(pocket, self.model.pockets[pocket][0], 1)
        self.tally.diverted += 1
        hands.count(pocket, lies)
        return True

    def _take(self, hands: Hands, pocket: str) -> None:
        wanted = told(hands.screen)
        if wanted is None:
            return
        if hands.chance.chance(hands.mistakes.wrong_number):
            wanted += hands.chance.pick((1, -1))
        units = min(wanted, self.model.lying(pocket))
        hands.think()
        if units > 0:
            medicine = self.model.pockets[pocket][0]
            if hands.hand(pocket, medicine, units):
                self._broken.append(medicine)
                self.tally.broken += 1

    def _pocket(self, order: str) -> str:
        wanted = self.model.orders[order].medicine
        return next(p for p, (medicine, _) in self.model.pockets.items() if medicine == wanted)

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
            if self._breakage(hands):
                self._waste(hands)
            elif self._friends_waste(hands):
                self._waste(hands, self._diverter.friend if self._diverter is not None else None)
            elif drawn < WASTED:
                self._waste(hands)
            elif drawn < WASTED + RETURNED:
                self._return(hands)
            else:
                hands.must_press("give")
                hands.must_see("give")
                hands.must_press("all")
                self.tally.given += 1

    def _breakage(self, hands: Hands) -> bool:
        """Whether what is on the screen is of a medicine that broke."""
        medicine, _ = self.model.removals.get(self._removal_on(hands.screen), ("", 0))
        if medicine not in self._broken:
            return False
        self._broken.remove(medicine)
        return True

    def _friends_waste(self, hands: Hands) -> bool:
        """Whether all of it is to be kept, and called wasted."""
        removal = self._removal_on(hands.screen)
        medicine, units = self.model.removals.get(removal, ("", 0))
        schedule = self.model.schedules.get(medicine, "none")
        if self._diverter is None or not self._diverter.does("waste", hands.person, schedule):
            return False
        self.tally.diverted += units
        return True

    def _removal_on(self, screen: Screen | None) -> str:
        boot = self.runtime.boot
        on_it = screen is not None and screen.name == "removal"
        return boot.turns.engine.place.removal if on_it and boot and boot.turns else ""

    def _waste(self, hands: Hands, witness: Person | None = None) -> None:
        hands.must_press("waste")
        hands.must_see("waste")
        hands.must_press("all")
        hands.must_see("witness")
        self.call_witness(hands, witness)
        if hands.screen is not None and hands.screen.name in ("patients", "removal"):
            self.tally.wasted += 1

    def call_witness(self, hands: Hands, witness: Person | None = None) -> None:
        """Somebody comes to attest what the screen says (`witness`, or anybody), or nobody does."""
        if witness is not None or not hands.chance.chance(NO_WITNESS):
            others = [it for it in PEOPLE if it.role in ("nurse", "charge_nurse", "pharmacist")]
            drawn = hands.chance.pick(others)  # now and then the same person tries
            theirs = self._hands(witness or drawn, "witness")
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
        self.put_back(hands)

    def put_back(self, hands: Hands) -> None:
        """Into the return bin that opens."""
        drawer = hands.pull()
        hands.must_see("take")
        wanted = told(hands.screen)
        for access in self.model.openings.values():
            if access.started.drawer == drawer and wanted is not None:
                hands.hand(drawer, access.started.medicine, -wanted)
        hands.push(drawer)
        if hands.sees("patients", "menu", within_s=4.0) is not None:
            self.tally.returned += 1
