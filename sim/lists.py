"""What the hospital's systems say of patients and orders while the cabinet runs.

Not for people (`staff_office.py`). One rule: a change is an event like any other, and is said again
until the cabinet has taken it, as the pharmacy would.
"""

from collections.abc import Callable

from cabinet import events as e
from cabinet.state import Order, State
from sim.people import PEOPLE, Person
from sim.runtime import SimulatedRuntime
from sim.template import BEGAN_S

YEAR_MS = 365 * 86_400_000
AGAIN_S = 60.0
MOST_TIMES = 24 * 60  # a day long


class Lists:
    """What is said to one cabinet."""

    def __init__(self, runtime: SimulatedRuntime) -> None:
        self._runtime = runtime
        self._orders: dict[str, Order] = {}

    def state(self) -> State | None:
        """What the cabinet has taken, while it runs."""
        boot = self._runtime.boot
        return boot.turns.engine.state if boot is not None and boot.turns is not None else None

    def about_to_take(self) -> Person | None:
        """Who is signed in and looks at an order, if somebody does."""
        state = self.state()
        if not self.on_the_screen() or state is None or state.session is None:
            return None
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

    def say(self, event: e.Import | e.StaffList) -> bool:
        """Once; whether the cabinet heard it."""
        boot = self._runtime.boot
        return boot is not None and boot.ready and boot.post(event)

    def say_until(self, make: Callable[[], e.Import], taken: Callable[[State], bool]) -> None:
        """Until the cabinet has taken it: what is heard may still be lost with its power."""
        self.bring_until(lambda: self.say(make()), taken)

    def bring_until(
        self, bring: Callable[[], bool], taken: Callable[[State], bool], times: int = MOST_TIMES
    ) -> None:
        """The same of what is brought in its own way."""
        state = self.state()
        if (state is not None and taken(state)) or not times:
            return
        bring()
        again = AGAIN_S if times < MOST_TIMES else 2.0
        self._runtime.hub.after(again, lambda: self.bring_until(bring, taken, times - 1))

    def stop(self, order: str) -> bool:
        """An order's end, at once."""
        state = self.state()
        known = state.orders.get(order) if state is not None else None
        if state is None or known is None or known.details is None:
            return False
        self._orders[order] = known
        row = self.order_row(state, known, active=False)
        return row is not None and self.say(e.Import("orders", orders=(("orders.csv:2", row),)))

    def order_again(self, order: str) -> None:
        """The same order, once more."""
        known = self._orders[order]

        def make() -> e.Import:
            state = self.state()
            row = self.order_row(state, known, active=True) if state is not None else None
            rows = (("orders.csv:2", row),) if row is not None else ()
            return e.Import("orders", orders=rows)

        def settled(state: State) -> bool:
            """It stands again, or its patient has gone meanwhile."""
            gone = not state.patients[known.listed.patient].nurses
            return gone or not state.orders[order].listed.stops_ms

        self.say_until(make, settled)

    def order_row(self, state: State, order: Order, *, active: bool) -> e.OrderRow | None:
        """The row of an order that stands, or has just ended."""
        listed, details = order.listed, order.details
        patient = state.patients[listed.patient].details
        if patient is None or details is None:
            return None
        now_ms = int(self._runtime.wall.true_s() * 1000)
        return e.OrderRow(
            listed.order,
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
