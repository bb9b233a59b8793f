"""What somebody who enrols sees, and where their code is typed.

Not for what a press does (`enrolment.py`). One rule: nothing of whoever stands by is on it.
"""

from cabinet import pin_renewal, typed_secret
from cabinet.decision import Place
from cabinet.enrolment import MAX_NAME_CHARS
from cabinet.messages import Block, Button, Letters, Screen, Words
from cabinet.state import State

CODE_TYPED_CHARS = 14


def show_code_entry(place: Place) -> Screen:
    """Where a one-time code is typed."""
    letters = Letters("Your one-time code", Button("code", "OK", "primary"), CODE_TYPED_CHARS)
    return Screen(
        0,
        "code_entry",
        "First time here",
        (*place.said(), letters),
        (Button("cancel", "Cancel", "quiet"),),
    )


def show_code_beside(place: Place) -> Screen:
    """Where a newcomer types it, beside the enroller who signed in."""
    letters = Letters("Their one-time code", Button("stand_by", "OK", "primary"), CODE_TYPED_CHARS)
    words = Words("Stay with them until they are enrolled. This signs you out.")
    back = Button("menu", "Back", "quiet")
    return Screen(0, "enrolling", "Enrol somebody", (*place.said(), words, letters), (back,))


def _show_copies(title: str, place: Place, cancel: Button) -> Screen:
    """What would be kept of the newcomer's fingers: they say yes or no, and go on with either."""
    words = (
        Words("May the cabinet keep a copy of your fingers?", "name"),
        Words("No picture: what the sensor compares, sealed, for a sensor that replaces this one."),
        Words("It is erased when you leave or enrol again. Without it you would enrol anew then."),
    )
    yes, no = Button("copies", "Keep a copy"), Button("no_copies", "Keep none")
    return Screen(0, "enrol_copies", title, (*place.said(), *words), (cancel, no, yes))


def show(state: State, place: Place) -> Screen:
    """A step of enrolling."""
    cancel = Button("cancel", "Cancel", "quiet")
    actions: tuple[Button, ...] = (cancel,)
    known = state.people.get(state.enrolment.person) if state.enrolment else None
    title = f"Enrol {known.name}" if known is not None else "Enrol an administrator"
    if pin_renewal.going_on(state, place) is not None:
        title = f"New PIN: {known.name}" if known is not None else title
    block: Block
    match place.page:
        case "enrol_staff_id" | "enrol_family" | "enrol_given":
            name = place.page.removeprefix("enrol_")
            label = {
                "staff_id": "Your staff number",
                "family": "Your family name",
                "given": "Your given name",
            }[name]
            block = Letters(label, Button(name, "OK", "primary"), MAX_NAME_CHARS)
        case "enrol_badge":
            block = Words("Hold your badge to the reader", "name")
        case "enrol_pin" | "enrol_phrase" | "enrol_pin_again" | "enrol_phrase_again":
            block, others = typed_secret.chosen(place.page)
            actions = (cancel, *others)
        case pin_renewal.PAGE:
            asked = pin_renewal.asks(place)
            return Screen(0, place.page, title, (*place.said(), *asked), actions)
        case "enrol_copies":
            return _show_copies(title, place, cancel)
        case "enrol_finger":
            which = "first" if not place.newcomer.slots else "second"
            block = Words(f"Put your {which} finger on the sensor", "name")
            actions = (cancel, *_without(state, place))
        case "enrol_skipped":
            block = Words("The finger was not saved.", "name")
            actions = (
                cancel,
                *_without(state, place),
                Button("try_finger", "Try again", "primary"),
            )
        case _:
            block, actions = Words("Working…", "name"), ()
    return Screen(0, place.page, title, (*place.said(), block), actions)


def _without(state: State, place: Place) -> tuple[Button, ...]:
    taken = state.enrolment is not None and state.enrolment.taken
    if taken and not place.newcomer.slots:
        return ()
    label = "One finger is enough" if place.newcomer.slots else "Go on without a finger"
    return (Button("without_finger", label),)
