"""People who try what they may not, by mistake or on purpose: who, how often, and how.

Not for the ward's honest work (`hospital.py`), nor for what is right (`entitlements.py`). One rule:
they do with their hands and badges what people do, and know nothing that no screen tells them.

How often is our own judgement [P]; nobody publishes it. What people do is published: badges lent,
witnesses by habit, leavers who kept access (the incidents of Pyxis and Omnicell users).
"""

from collections.abc import Callable
from dataclasses import dataclass

from cabinet import events as e
from sim import cast
from sim.hands import GaveUp, Hands, Mistakes, told
from sim.hospital import DAY_S, Hospital
from sim.people import PEOPLE, Person
from sim.virtual import UNITS, Stream

STRANGE_BADGE = "0099999901"
LATE_S = 75.0  # a witness who was busy
LOST_S = 180.0  # how long somebody tries on who lost their rights
CAREFUL = Mistakes().times(0.0)
AMINA, JONAS, MEI, ROSA = PEOPLE[:4]


@dataclass(frozen=True)
class Trespass:
    """What somebody tries, and how often in a day."""

    a_day: float
    does: Callable[["Trespassers", Hands], None]
    person: Person


class Trespassers:
    """Those of one story."""

    def __init__(self, hospital: Hospital, pepper: bytes, seed: int, rate: float) -> None:
        """`rate`: times as often as TRESPASSES says."""
        self._hospital, self._pepper, self._seed, self._rate = hospital, pepper, seed, rate
        self._runtime, self._model = hospital.runtime, hospital.model
        self._chance = Stream(seed, "trespassers")
        self._visits = 0
        self.tried: dict[str, int] = {}

    def plan_day(self, begins_s: float, long_s: float) -> None:
        """Plan who comes in the `long_s` seconds of a day from `begins_s` on."""
        for name, trespass in TRESPASSES.items():
            often = trespass.a_day * self._rate * long_s / DAY_S
            for _ in range(int(often + self._chance.random())):
                at_s = begins_s + self._chance.random() * long_s
                self._runtime.hub.at(int(at_s * UNITS), lambda it=name: self._send(it))  # type: ignore[misc]

    def _send(self, name: str) -> None:
        trespass = TRESPASSES[name]
        hands = self._hands(trespass.person)
        self._runtime.hub.spawn(trespass.person.staff_id, lambda: self._visit(name, hands))

    def _hands(self, person: Person) -> Hands:
        self._visits += 1
        chance = Stream(self._seed, f"trespass/{person.staff_id}/{self._visits}")
        return Hands(self._runtime, self._model, person, chance, CAREFUL)

    def _visit(self, name: str, hands: Hands) -> None:
        hospital = self._hospital
        if hospital.closing or not hospital.floor.come():
            return
        hospital.told(f"{hands.person.name} comes to the cabinet: {name}")
        try:
            hospital.tidy(hands)
            self.tried[name] = self.tried.get(name, 0) + 1
            TRESPASSES[name].does(self, hands)
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
            if not way or (hands.screen is not None and hands.screen.name == "rest"):
                return
            hands.press(way)
            hands.wait(0.5)

    # --- ways that many of them go ----------------------------------------------------------------

    def _look_at_order(self, hands: Hands) -> str:
        """As far as the screen of an order whose pocket has enough; the pocket."""
        model = self._model
        pockets = {
            medicine: pocket
            for pocket, (medicine, _) in model.pockets.items()
            if model.lying(pocket) >= 5
        }
        orders = [it for it in model.orders.values() if it.medicine in pockets and not it.stops_ms]
        if not orders:
            raise GaveUp("nothing to remove")
        order = hands.chance.pick(orders)
        hands.must_see("patients")
        if not hands.can_press(f"patient:{order.patient}") and hands.can_press("everyone"):
            hands.must_press("everyone")
        hands.must_press(f"patient:{order.patient}")
        hands.must_see("orders")
        hands.must_press(f"order:{order.order}")
        hands.must_see("order")
        return pockets[order.medicine]

    def _take(self, hands: Hands, pocket: str) -> None:
        """From the opening drawer to the shut one."""
        hands.must_see("opening", "count", "take", within_s=4.0)
        drawer = hands.pull()
        if hands.must_see("count", "take").name == "count":
            hands.count(pocket)
        if hands.sees("take", within_s=2.0) is not None:
            units = min(told(hands.screen) or 0, self._model.lying(pocket))
            if units:
                hands.hand(pocket, self._model.pockets[pocket][0], units)
        hands.push(drawer)
        hands.must_see("taken", "patients", within_s=5.0)

    def _open(self, hands: Hands) -> None:
        if hands.press("open") != "done":
            raise GaveUp("the drawer is not opened")

    def _remove(self, hands: Hands) -> None:
        hands.sign_in()
        pocket = self._look_at_order(hands)
        self._open(hands)
        self._take(hands, pocket)

    def _ask_to_waste(self, hands: Hands) -> None:
        """Remove something and waste it, as far as the witness."""
        self._remove(hands)
        if hands.can_press("home"):
            hands.must_press("home")
        hands.must_press("removals")
        hands.must_see("removals")
        rows = [row for row in hands.rows() if row.startswith("removal:")]
        if not rows:
            raise GaveUp("nothing to waste")
        hands.must_press(rows[0])
        hands.must_press("waste")
        hands.must_see("waste")
        hands.must_press("all")
        hands.must_see("witness")

    def _witness(self, person: Person) -> None:
        self._hands(person).prove()

    def _list(self, person: Person, *, active: bool = True, expires_ms: int = 0) -> bool:
        """The hospital's staff list says this of somebody."""
        boot = self._runtime.boot
        status = "active" if active else "suspended"
        row = cast.row(self._pepper, person, status=status, expires_ms=expires_ms)
        event = e.Import("staff list", people=(("people.csv:2", row),))
        return boot is not None and boot.ready and boot.post(event)

    def _lose(self, hands: Hands, change: Callable[[], bool], after_s: float) -> None:
        """Lose one's rights in front of an order, and try on all the same."""
        hands.sign_in()
        pocket = self._look_at_order(hands)
        if not change():
            return
        try:
            hands.wait(after_s)
            until_s = self._runtime.hub.now_s + LOST_S
            if hands.can_press("open") and hands.press("open") == "done":
                self._take(hands, pocket)
            while self._runtime.hub.now_s < until_s:
                screen = hands.screen
                if screen is None or screen.name in ("rest", "locked"):
                    break
                ways = ("open", "home", "everyone", "menu")
                for way in ways:
                    if hands.can_press(way):
                        hands.press(way)
                        break
                hands.wait(15.0)
        finally:
            self._back(hands.person)

    def _back(self, person: Person) -> None:
        """The list is put right, as soon as the cabinet hears it."""
        if not self._list(person):
            self._runtime.hub.after(60.0, lambda: self._back(person))

    # --- what they try ----------------------------------------------------------------------------

    def own_witness(self, hands: Hands) -> None:
        """The same human's second account attests the waste."""
        self._ask_to_waste(hands)
        self._witness(cast.TWIN)

    def late_witness(self, hands: Hands) -> None:
        """The witness comes when they have time."""
        self._ask_to_waste(hands)
        hands.wait(LATE_S)
        self._witness(ROSA)

    def temporary_witness(self, hands: Hands) -> None:
        """A temporary user attests."""
        self._ask_to_waste(hands)
        self._witness(cast.TEMPORARY)

    def temporary(self, hands: Hands) -> None:
        """A temporary user works on, whether their time is over or not."""
        self._remove(hands)

    def elsewhere(self, hands: Hands) -> None:
        """A nurse of another ward."""
        self._remove(hands)

    def untrained(self, hands: Hands) -> None:
        """A nurse wastes who has not learned what it takes."""
        self._ask_to_waste(hands)
        self._witness(ROSA)

    def suspended(self, hands: Hands) -> None:
        """Suspended in mid-session."""
        self._lose(hands, lambda: self._list(hands.person, active=False), 2.0)

    def expired(self, hands: Hands) -> None:
        """A contract that ends in mid-session."""
        ends_ms = int(self._runtime.wall.now_s() * 1000) + 4000
        self._lose(hands, lambda: self._list(hands.person, expires_ms=ends_ms), 8.0)

    def second_badge(self, hands: Hands) -> None:
        """Another badge at a screen in use: its holder looks and presses; the first goes on."""
        hands.sign_in()
        self._look_at_order(hands)
        before = [it.id for it in hands.screen.actions] if hands.screen is not None else []
        other = self._hands(MEI)
        self._runtime.present(other.person.badge)
        other.wait(2.0)
        for button in (*before, "cancel"):
            if other.can_press(button):
                other.press(button)
        other.wait(1.0)
        (other if other.chance.chance(0.5) else hands).prove()

    def slips(self, hands: Hands) -> None:
        """A strange badge, somebody else's finger, a mistyped PIN."""
        self._runtime.present(STRANGE_BADGE)
        if hands.sees("finger", within_s=3.0) is not None:
            hands.press("cancel")
        hands.wait(3.0)
        self._runtime.present(hands.person.badge)
        hands.must_see("finger", "pin")
        self._runtime.world.touch(cast.TWIN.fingers[0])
        hands.wait(4.0)
        self._runtime.world.touch(None)
        if hands.can_press("use_pin"):
            hands.press("use_pin")
            swapped = hands.person.pin[1] + hands.person.pin[0] + hands.person.pin[2:]
            self._model.typed(swapped)
            hands.press("pin", swapped)
            hands.wait(5.0)

    def break_glass(self, hands: Hands) -> None:
        """Break glass, with a second person, the own second account, or nobody."""
        hands.sign_in()
        hands.must_press("menu")
        hands.must_press("emergency")
        hands.must_press("break_glass")
        hands.must_press("begin:break_glass:patient_in_danger")
        if hands.sees("witness", within_s=3.0) is not None:
            drawn = hands.chance.random()
            if drawn < 0.7:
                self._witness(ROSA if drawn < 0.35 else cast.TWIN)
            if hands.can_press("dismiss"):
                hands.press("dismiss")
        for _ in range(3):
            if hands.screen is not None and hands.screen.name == "patients":
                break
            hands.must_press("home" if hands.can_press("home") else "menu")
        self._without_order(hands, "oxycodone", "OXYC-5-TAB")

    def override(self, hands: Hands) -> None:
        """Without an order: what one may not, then what one may."""
        hands.sign_in()
        self._without_order(hands, "oxycodone", "OXYC-5-TAB")

    def override_listed(self, hands: Hands) -> None:
        """Without an order: what one may."""
        hands.sign_in()
        self._without_order(hands, "furosemide", "FURO-40-TAB")

    def _without_order(self, hands: Hands, name: str, medicine: str) -> None:
        hands.must_see("patients")
        patients = [row for row in hands.rows() if row.startswith("patient:")]
        if not patients and hands.can_press("everyone"):
            hands.must_press("everyone")
            patients = [row for row in hands.rows() if row.startswith("patient:")]
        patient = hands.chance.pick(patients).partition(":")[2]
        hands.must_press(f"patient:{patient}")
        hands.must_press(f"override:{patient}")
        hands.must_press("override_why:emergency")
        hands.must_press("find", name)
        hands.must_press(f"found:{medicine}")
        hands.must_press("open_override")
        held = [it for it, (kind, _) in self._model.pockets.items() if kind == medicine]
        self._take(hands, held[0])


TRESPASSES: dict[str, Trespass] = {
    "second account as witness": Trespass(0.5, Trespassers.own_witness, JONAS),
    "witness comes late": Trespass(0.7, Trespassers.late_witness, MEI),
    "temporary user as witness": Trespass(0.3, Trespassers.temporary_witness, AMINA),
    "temporary user": Trespass(1.0, Trespassers.temporary, cast.TEMPORARY),
    "nurse of another ward": Trespass(0.7, Trespassers.elsewhere, cast.ELSEWHERE),
    "nurse without training": Trespass(0.5, Trespassers.untrained, cast.UNTRAINED),
    "suspended in mid-session": Trespass(0.3, Trespassers.suspended, cast.AGENCY),
    "expires in mid-session": Trespass(0.3, Trespassers.expired, cast.AGENCY),
    "second badge at a screen in use": Trespass(1.0, Trespassers.second_badge, AMINA),
    "slips at the sensor": Trespass(1.0, Trespassers.slips, MEI),
    "break-glass": Trespass(0.4, Trespassers.break_glass, JONAS),
    "override without the right": Trespass(0.5, Trespassers.override, ROSA),
    "override": Trespass(0.5, Trespassers.override_listed, ROSA),
}
