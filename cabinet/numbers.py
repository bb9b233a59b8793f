"""Who somebody is that is added at the screen: the staff number, the human being's, and a name that
is nobody else's in disguise.

Not for lists (`lists.py`). One rule: a staff number is given once, also after its name was erased;
and where two accounts have one person number, they are one human's.
"""

from dataclasses import replace

from cabinet import lookalikes
from cabinet.decision import Draft, Newcomer, Note
from cabinet.events import HashNumbers, NumbersHashed
from cabinet.messages import Block, Button, Letters, Screen
from cabinet.state import State
from cabinet.wording import REASONS

MAX_CHARS = 30
Ways = tuple[Button, ...]
NEXT = {"add_human": "add_role", "temp_human": "temp_hours"}
AGAIN = {"add_human": "add_staff_id", "temp_human": "temp_staff_id"}


def refusal(state: State, number: str) -> str:
    """Why nobody new can be given this staff number, "" where somebody can."""
    known = state.by_staff_id
    if not number:
        return REASONS["nothing_typed"]
    if number in known:
        return REASONS["number_taken"]
    found = lookalikes.likenesses([number], known)
    if other := found.get(number, ""):
        name = state.people[known[other]].name
        return f"{number} looks like {other}, {name}'s number. Use theirs, or type another."
    return "That is no staff number. Type it with plain letters and digits." if found else ""


def disguised(draft: Draft, newcomer: Newcomer) -> bool:
    """Whether the name is another's with other letters; if so, it is typed again."""
    name = f"{newcomer.given} {newcomer.family}"
    others = (it.name for it in draft.state.people.values() if it.details is not None)
    other = next((it for it in others if lookalikes.disguised(name, it)), "")
    if other:
        page = "temp_family" if draft.place.page.startswith("temp_") else "add_family"
        words = f"{name} is written like {other}, with other letters. Type it again."
        draft.go(page, note=Note(words, "refusal"), newcomer=newcomer)
        draft.refusal = words
    return bool(other)


def pressed(draft: Draft, text: str) -> None:
    """The person number as typed, or nothing: it is hashed, beside the staff number."""
    number = "".join(text.split())
    if draft.place.request:
        draft.refuse("One moment.")
    elif len(number) > MAX_CHARS or (number and not lookalikes.bare(number)):
        draft.refuse("That is no person number.")
    else:
        request = draft.reference()
        draft.command(HashNumbers(request, draft.place.newcomer.staff_id, number))
        newcomer = replace(draft.place.newcomer, person_number=number)
        draft.stay(request=request, note=None, newcomer=newcomer)


def hashed(draft: Draft, event: NumbersHashed) -> None:
    """The hashes: go on, or say that the staff number was somebody's."""
    place, state = draft.place, draft.state
    if state.session is None or event.request != place.request or place.page not in NEXT:
        return
    newcomer = replace(place.newcomer, human=event.human)
    why = refusal(state, newcomer.staff_id)  # also by a list, since it was typed
    if event.number in state.spent or why:
        why = why or REASONS["number_taken"]
        draft.go(AGAIN[place.page], note=Note(why, "refusal"))
        return
    if place.page == "temp_human" and event.human == state.people[state.session.person].human_hash:
        if event.human:  # whoever makes a temporary user never makes themselves
            draft.go("temporary", note=Note(REASONS["not_for_oneself"], "refusal"))
            return
    draft.go(NEXT[place.page], newcomer=newcomer)


def show(title: str, page: str, said: tuple[Block, ...], ways: Ways, typed: str = "") -> Screen:
    """Where the person number is typed."""
    label = "Their person number, empty if unknown"
    letters = Letters(label, Button(page, "OK", "primary"), MAX_CHARS, typed=typed)
    return Screen(0, page, title, (*said, letters), ways)


def ways_back(page: str, steps: tuple[str, ...], leaves: str) -> Ways:
    """One step back, with all that was entered so far; and out, to the page `leaves`."""
    cancel = Button(leaves, "Cancel", "quiet")
    at = steps.index(page)
    return (Button(f"step:{steps[at - 1]}", "Back", "quiet"), cancel) if at else (cancel,)
