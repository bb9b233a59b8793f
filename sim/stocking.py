"""What technicians and pharmacists do at the cabinet: they load, count what is due, and release.

Not for who comes when (`hospital.py`). One rule: as for everybody, a person knows what the screen
says and what lies before their eyes.
"""

from collections.abc import Callable

from sim.hands import Hands, told
from sim.medicines import label, medicines
from sim.model import Model
from sim.runtime import SimulatedRuntime
from sim.tally import Tally

PAR, FULL = 10, 30  # a pocket with fewer is loaded up to this


class Stocking:
    """What is done about the cabinet's stock."""

    def __init__(
        self,
        runtime: SimulatedRuntime,
        model: Model,
        tally: Tally,
        call_witness: Callable[[Hands], None],
    ) -> None:
        self.runtime, self.model, self.tally = runtime, model, tally
        self._call_witness = call_witness
        self._medicines = medicines()

    def all_of_it(self, hands: Hands) -> None:
        """Everything there is to do, by somebody who is signed in."""
        self.release(hands)
        self._count_what_is_due(hands)
        for pocket, (medicine, _) in self.model.pockets.items():
            if self.model.lying(pocket) < PAR and medicine in self.model.schedules:
                self.load(hands, pocket)

    def release(self, hands: Hands) -> None:
        """A pharmacist lets people try again who are locked out."""
        if hands.screen is not None and hands.screen.name != "menu":
            hands.must_press("menu")
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
