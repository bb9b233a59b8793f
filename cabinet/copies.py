"""Sealed copies of fingers' templates: made after an enrolment, erased when the finger goes.

Not for loading them into another sensor (`loading.py`). One rule: only where the site keeps copies
and the person said yes; and no copy outlives the finger that it is of.
"""

from collections.abc import Iterator

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet.decision import Draft, Note
from cabinet.events import FingerSeen, ReadFinger
from cabinet.sensor import ASKING, SENSOR
from cabinet.state import Person, State

GONE = "finger_gone"  # why a copy is erased
MOST_AT_ONCE = 50  # erased in one commit
MOST_TRIES = 3  # of reading one template
_READ = "read:"  # begins the reference of each request here, before the slot


def tick(draft: Draft) -> None:
    """Erase what is of nobody's finger; else read one template of which there is no copy yet."""
    state = draft.state
    if state.forgotten:
        gone = state.forgotten[:MOST_AT_ONCE]
        draft.add(*(r.Erased(name, "template", GONE, "") for name in gone))
        return
    if SENSOR in state.devices_down or draft.place.page in ASKING:
        return
    missing = next(not_kept(state), None)
    if missing is not None:
        person, slot = missing
        request = f"{_READ}{slot}:{draft.reference()}"
        draft.command(ReadFinger(request, slot, person.ref))


def not_kept(state: State) -> Iterator[tuple[Person, int]]:
    """Fingers of which a copy is wanted and not there."""
    if not state.plan.fingers.copies:
        return
    for person in state.people.values():
        kept = dict(person.templates)
        for slot in person.slots if person.copies else ():
            if slot not in kept and person.uncopied.count(slot) < MOST_TRIES:
                yield person, slot


def taken_back(draft: Draft, person: Person) -> None:
    """Somebody takes back their yes, as easily as they gave it: GDPR, Art. 7(3)."""
    session = draft.state.session
    assert session is not None
    if not person.copies:
        draft.refuse("There are no copies of their fingers.")
        return
    draft.add(fr.CopiesTakenBack(person.ref, session.person))
    draft.stay(note=Note("The copies of their fingers are erased. The fingers stay.", "success"))


def answered(draft: Draft, event: FingerSeen) -> bool:
    """The sensor answered a request to read a template; whether it was one."""
    text, _, _ = event.request.removeprefix(_READ).partition(":")
    if not event.request.startswith(_READ) or not (text.isascii() and text.isdigit()):
        return False
    state, slot = draft.state, int(text)
    wanted = next((it for it in not_kept(state) if it[1] == slot), None)
    if wanted is None:
        return True  # kept already, or not wanted any more
    person: Person = wanted[0]
    if event.outcome == "read" and event.slot == slot and event.sealed:
        name = draft.attach("template", r.KeptTemplate(event.sealed))
        draft.add(fr.TemplateKept(person.ref, slot, name))
    elif event.outcome == "fault" and SENSOR not in state.devices_down:
        draft.add(fr.TemplateNotKept(person.ref, slot, event.words[:200]))
    return True
