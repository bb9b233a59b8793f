"""A drawer that a site lets nobody open alone: the second person, after the amount is shown.

Not for what is asked for (`patients`, `override`, `stock`, `removals`), nor for the lock
(`access.start`). One rule: whoever attests it, all that was asked before is asked once more, and
only what was shown is opened.
"""

from auth.policy import Act
from cabinet import override, patients, removals, stock
from cabinet import records as r
from cabinet.decision import Draft, Note, Place, Proof
from cabinet.messages import Button, Facts, Screen, Words
from cabinet.state import State
from cabinet.wording import REASONED, REASONS, amount, medicine

ACTS = (Act.REMOVE, Act.OVERRIDE, Act.LOAD, Act.RETURN)  # for which a site may ask for a witness
_VERBS = {"remove": "Take", "load": "Put in", "return": "Return"}
_DOES = {"remove": "takes", "load": "puts in", "return": "returns"}


def attested(draft: Draft, proof: Proof) -> None:
    """The second person proved who they are: it is asked for once more, and done if it may be."""
    wanted, attempt = draft.place.wanted, draft.state.attempt
    assert attempt is not None
    draft.attested = proof
    if wanted is not None:
        _ask_again(draft, wanted)
    else:
        draft.refuse(REASONS["not_shown"])
    if draft.refusal:
        draft.add(r.AttemptEnded(attempt.id, "refused"))
        draft.go("witness", note=Note(draft.refusal, "refusal"))


def _ask_again(draft: Draft, wanted: r.AccessStarted) -> None:
    if wanted.override:
        override.ask(draft)
    elif wanted.kind == "remove":
        patients.ask(draft, wanted.order, wanted.quantity, wanted.reason)
    elif wanted.kind == "load":
        stock.ask(draft, "load", wanted.pocket)
    else:
        removals.hand_back(draft, wanted.removal, wanted.quantity, wanted.reason)


def not_attested(draft: Draft, why: str) -> None:
    """Nobody came, or it was called off: no drawer opened."""
    words = "Not opened: no witness came." if why == "timed_out" else "Not opened."
    draft.home(Note(words, "warning"))


def brief(state: State, place: Place) -> str:
    """What the second person attests, in a line."""
    wanted, session = place.wanted, state.session
    assert session is not None
    if wanted is None:
        return "Not shown any more: press Cancel."
    listed = state.medicines[wanted.medicine]
    what = f"{amount(wanted.quantity, listed.unit)} of {medicine(listed)}"
    without = ", without an order" if wanted.override else ""
    name = state.people[session.person].name
    return f"You witness: {name} {_DOES[wanted.kind]} {what}{without}"


def show(state: State, place: Place, now_ms: int) -> Screen:
    """What the second person attests: what, how much, and for whom."""
    wanted, called, session = place.wanted, state.witnessing, state.session
    assert called is not None and session is not None
    pairs = [("Asked by", state.people[session.person].name)]
    words, banner = "Not shown any more: press Cancel.", None
    if wanted is not None:
        listed = state.medicines[wanted.medicine]
        verb = _VERBS[wanted.kind]
        words = f"{verb} {amount(wanted.quantity, listed.unit)} of {medicine(listed)}"
        if wanted.override:
            pairs.append(("Without an order", override.WHY.get(wanted.override, wanted.override)))
        if wanted.reason:
            pairs.append(("Why", REASONED[wanted.kind].get(wanted.reason, wanted.reason)))
        banner = removals.banner(state, wanted.patient, now_ms)
    said = Words("Witness: if you agree, hold your badge. Then it opens.", "strong")
    blocks = (*place.said(), Words(words, "name"), Facts(tuple(pairs)), said)
    cancel = (Button("dismiss", "Cancel", "danger"),)
    return Screen(0, "witness", "Witness", blocks, cancel, banner)
