"""Changes of the staff list and of orders while the cabinet runs: people suspended, orders stopped.

Not for files. One rule: a change is an `Import` event like any other, and may be refused.
"""

from auth.pins import keyed_hash
from cabinet import events as e
from cabinet.lists import BADGE_PURPOSE
from cabinet.state import Order
from sim.people import PEOPLE, Person
from sim.runtime import SimulatedRuntime
from sim.template import BEGAN_S

YEAR_MS = 365 * 86_400_000


class Lists:
    """What the hospital's systems say of people and orders."""

    def __init__(self, runtime: SimulatedRuntime) -> None:
        self._runtime = runtime
        self._orders: dict[str, Order] = {}

    def about_to_take(self) -> Person | None:
        """Who is signed in and looks at an order, if somebody does."""
        if not self.on_the_screen():
            return None
        boot = self._runtime.boot
        if boot is None or boot.turns is None or boot.turns.engine.state.session is None:
            return None
        state = boot.turns.engine.state
        assert state.session is not None
        details = state.people[state.session.person].details
        staff_id = details.staff_id if details is not None else ""
        return next((person for person in PEOPLE if person.staff_id == staff_id), None)

    def on_the_screen(self) -> str:
        """The order whose screen is open now, "" when none is."""
        boot = self._runtime.boot
        if boot is None or boot.turns is None:
            return ""
        place = boot.turns.engine.place
        return place.order if place.page == "order" else ""

    def _post(self, event: e.Import) -> bool:
        boot = self._runtime.boot
        return boot is not None and boot.ready and boot.post(event)

    def list_person(self, person: Person, *, active: bool) -> bool:
        """The person's row of the staff list, with another standing; tried until it is heard."""
        badge = keyed_hash(self._runtime.keys.pepper, BADGE_PURPOSE, person.badge)
        row = e.PersonRow(
            *(person.staff_id, person.given, person.family, person.role, badge),
            status="active" if active else "suspended",
        )
        heard = self._post(e.Import("staff list", people=(("people.csv:2", row),)))
        if not heard and active:
            self._runtime.hub.after(60.0, lambda: self.list_person(person, active=True))
        return heard

    def list_order(self, order: str, *, active: bool) -> bool:
        """The order again, or its end: one that stops at once."""
        boot = self._runtime.boot
        if boot is None or not boot.ready or boot.turns is None:
            if active:
                self._runtime.hub.after(60.0, lambda: self.list_order(order, active=True))
            return False
        known = boot.turns.engine.state.orders.get(order)
        if known is None or known.details is None:
            return False
        if not active:
            self._orders[order] = known
        listed, details = self._orders[order].listed, known.details
        patient = boot.turns.engine.state.patients[listed.patient].details
        if patient is None:
            return False
        now_ms = int(self._runtime.wall.true_s() * 1000)
        row = e.OrderRow(
            order,
            patient.record_number,
            listed.medicine,
            listed.quantity,
            details.dose,
            details.route,
            details.frequency,
            details.reason,
            min(listed.starts_ms, BEGAN_S * 1000 - YEAR_MS),
            0 if active else now_ms - 1000,
        )
        return self._post(e.Import("orders", orders=(("orders.csv:2", row),)))
