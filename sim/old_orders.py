"""Who turns the clock back so that an order that has ended lives again.

Not for what is right of it (`entitlements.py`). One rule: the hospital says the order's end before
it comes, and an entry of after it is there before the clock goes back.
"""

from dataclasses import replace

from cabinet import events as e
from sim.hands import GaveUp
from sim.lists import Lists
from sim.people import PEOPLE
from sim.trespass import Trespass, Visit

ENDS_IN_S, BACK_S = 20.0, 600.0
JONAS = PEOPLE[1]


def ended_order(it: Visit) -> None:
    """A new order ends; then the clock goes back to when it had not."""
    hands, wall = it.hands, it.runtime.wall
    patient, order, pocket = _new_order(it)
    hands.wait(ENDS_IN_S + 1.0)
    hands.sign_in()
    wall.off_s -= BACK_S
    try:
        if not hands.can_press(f"patient:{patient}") and hands.can_press("everyone"):
            hands.must_press("everyone")
        hands.must_press(f"patient:{patient}")
        hands.must_see("orders")
        if hands.can_press(f"order:{order}"):
            hands.must_press(f"order:{order}")
            it.open()
            it.take(pocket)
        else:
            it.hospital.told(f"order {order} has ended and is not offered")
    finally:
        wall.off_s += BACK_S


def _new_order(it: Visit) -> tuple[str, str, str]:
    """Of a patient who has one without an end: the patient, the new order, its pocket."""
    lists, model = Lists(it.runtime), it.model
    state = lists.state()
    held = {
        medicine: pocket
        for pocket, (medicine, _) in model.pockets.items()
        if model.lying(pocket) >= 5
    }
    known = [each for each in model.orders.values() if each.medicine in held and not each.stops_ms]
    if state is None or not known:
        raise GaveUp("nothing is ordered")
    like = it.hands.chance.pick(known)
    row = lists.order_row(state, state.orders[like.order], active=True)
    if row is None:
        raise GaveUp("the patient is not known any more")
    order = f"{like.order[:30]}-{it.hands.chance.getrandbits(32):08x}"
    stops_ms = int((it.runtime.wall.now_s() + ENDS_IN_S) * 1000)
    listed = replace(row, order=order, stops_ms=stops_ms)
    if not lists.say(e.Import("orders", orders=(("orders.csv:2", listed),))):
        raise GaveUp("the cabinet does not hear")
    return like.patient, order, held[like.medicine]


OLD_ORDERS: dict[str, Trespass] = {
    "order that ended, the clock set back": Trespass(0.4, ended_order, JONAS),
}
