"""Why something is taken by an order, returned or wasted, where the site asks: from a list.

Not for removing without an order (`override.py`), which always asks. One rule: an entry names
nobody, so a reason is one of these and never words of somebody's own.
"""

from auth.policy import Act
from cabinet import patients, removals
from cabinet.decision import Draft, Place
from cabinet.messages import Button, Row, Rows, Screen
from cabinet.state import State
from cabinet.wording import REASONED

ACTS = (Act.REMOVE, Act.RETURN, Act.WASTE)  # for which a site may ask one
_TITLES = {"remove": "Take it: why?", "return": "Return it: why?", "waste": "Waste it: why?"}


def pressed(draft: Draft, why: str) -> None:
    """One was chosen: go on with what it was asked for."""
    place = draft.place
    if place.subject == "remove":
        patients.ask(draft, place.order, place.quantity, why)
        return
    removal = draft.state.removals[place.removal]
    removals.settle(draft, removal, place.quantity, place.subject, why)


def show(state: State, place: Place, now_ms: int) -> Screen:
    """The reasons there are."""
    taking = place.subject == "remove"
    back = f"order:{place.order}" if taking else f"removal:{place.removal}"
    order, removal = state.orders.get(place.order), state.removals.get(place.removal)
    patient = removal.started.patient if removal is not None and not taking else ""
    patient = order.listed.patient if order is not None and taking else patient
    rows = tuple(Row(f"reason:{why}", words) for why, words in REASONED[place.subject].items())
    return Screen(
        0,
        "reason",
        _TITLES[place.subject],
        (*place.said(), Rows(rows, "")),
        (Button(back, "Back", "quiet"),),
        removals.banner(state, patient, now_ms),
    )
