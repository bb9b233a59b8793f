"""Somebody's visit to try what they may not, and the ways that many of them go.

Not for who tries what (`overreach.py` and others) or when (`trespassers.py`). One rule: they do
with their hands and badges what people do, and know nothing that no screen tells them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sim import cast
from sim.hands import GaveUp, Hands, told
from sim.hospital import Hospital
from sim.people import Person
from sim.staff_office import StaffOffice


@dataclass(frozen=True)
class Trespass:
    """What somebody tries, and how often in a day."""

    a_day: float
    does: Callable[["Visit"], None]
    person: Person


class Visit:
    """One person in front of the cabinet; `hands_of` are those of whoever comes along."""

    def __init__(
        self,
        hospital: Hospital,
        staff: StaffOffice,
        hands: Hands,
        hands_of: Callable[[Person], Hands],
    ) -> None:
        self.hospital, self.staff = hospital, staff
        self.runtime, self.model = hospital.runtime, hospital.model
        self.hands, self.hands_of = hands, hands_of
        self.subject = cast.SUBJECT  # of what administrators do
        # Somebody's visit hours later, of what was begun here.
        self.later: Callable[[float, Person, Callable[[Visit], None]], None]

    def by(self, person: Person) -> "Visit":
        """The same visit by whoever came along."""
        return Visit(self.hospital, self.staff, self.hands_of(person), self.hands_of)

    def hire(self) -> Person:
        """Somebody whom nobody here has seen before: the subject from here on."""
        self.subject = person = cast.hired(self.hospital.hired)
        self.hospital.hired += 1
        self.hospital.joined(person)
        for secret in (person.given, person.family, person.badge, person.pin, person.staff_id):
            self.hospital.forbid(secret)
        return person

    def look_at_order(self) -> str:
        """As far as the screen of an order whose pocket has enough; the pocket."""
        hands, model = self.hands, self.model
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

    def take(self, pocket: str) -> None:
        """From the opening drawer to the shut one."""
        hands = self.hands
        hands.must_see("opening", "count", "take", within_s=4.0)
        drawer = hands.pull()
        self.take_out(pocket)
        hands.push(drawer)
        hands.must_see("taken", "patients", within_s=5.0)

    def take_out(self, pocket: str) -> None:
        """Out of the open drawer, after counting where that is asked."""
        hands = self.hands
        if hands.must_see("count", "take").name == "count":
            hands.count(pocket)
        if hands.sees("take", within_s=2.0) is not None:
            units = min(told(hands.screen) or 0, self.model.lying(pocket))
            if units:
                hands.hand(pocket, self.model.pockets[pocket][0], units)

    def open(self) -> None:
        """Ask for the drawer."""
        if self.hands.press("open") != "done":
            raise GaveUp("the drawer is not opened")

    def remove(self) -> None:
        """Sign in, and remove what an order says."""
        self.hands.sign_in()
        pocket = self.look_at_order()
        self.open()
        self.take(pocket)

    def pull_open(self) -> tuple[str, str]:
        """Sign in, and pull open the drawer of an order: the pocket, and the drawer."""
        self.hands.sign_in()
        pocket = self.look_at_order()
        self.open()
        self.hands.must_see("opening", "count", "take", within_s=4.0)
        return pocket, self.hands.pull()

    def look_at_removal(self) -> None:
        """Remove something, and go to the page of what was removed."""
        hands = self.hands
        self.remove()
        if hands.can_press("home"):
            hands.must_press("home")
        hands.must_press("removals")
        hands.must_see("removals")
        rows = [row for row in hands.rows() if row.startswith("removal:")]
        if not rows:
            raise GaveUp("nothing is removed")
        hands.must_press(rows[0])

    def ask_to_waste(self) -> None:
        """Remove something and waste it, as far as the witness."""
        hands = self.hands
        self.look_at_removal()
        hands.must_press("waste")
        hands.must_see("waste")
        hands.must_press("all")
        hands.must_see("witness")

    def witness(self, person: Person) -> None:
        """Somebody proves who they are, here and now."""
        self.hands_of(person).prove()
