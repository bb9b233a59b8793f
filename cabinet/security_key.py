"""An administrator's security key: added at the screen, and touched at each proof.

Not for what a key says being right (auth) nor for the app's code (`authenticator.py`). One rule: a
key proves one fresh challenge; an answer to anything else counts for nothing.
"""

from cabinet import factor_records as fr
from cabinet import records as r
from cabinet.decision import Draft, Note, Place
from cabinet.events import AskKey, CancelKey, CheckKey, KeyChecked, KeySeen
from cabinet.messages import Button, Screen, Words
from cabinet.state import Person

CHALLENGE_BYTES = 32
TOUCH = "Plug your security key in and touch it"
AGAIN = {
    "wrong_key": "That is another key. Plug yours in.",
    "timed_out": "No key was touched.",
    "fault": "The key did not work. Pull it out and plug it in again.",
}
NOT_ACCEPTED = "That key was not accepted."
WAITING = ("key", "key_adding")  # pages on which a touch is waited for


def ask(draft: Draft, credential: str, page: str, note: Note | None = None) -> None:
    """Have a key touched: the one with this credential, or any for a new one."""
    request, challenge = draft.reference(), draft.fresh(CHALLENGE_BYTES)
    within_s = draft.state.plan.timings.factor_within_s
    draft.command(AskKey(request, challenge, credential, within_s))
    draft.go(page, request=request, challenge=challenge, note=note)


def give_up(draft: Draft) -> None:
    """No touch is waited for any more."""
    if draft.place.page in WAITING:
        draft.command(CancelKey(draft.place.request))


def seen(draft: Draft, event: KeySeen) -> None:
    """The key answered: what it says is checked, or it is asked for again."""
    state, place = draft.state, draft.place
    if event.request != place.request or place.page not in WAITING:
        return
    draft.stay(active_ms=draft.moment.mono_ms)
    if event.outcome != "done":
        note = Note(AGAIN.get(event.outcome, AGAIN["fault"]), "warning")
        draft.stay(page=f"{place.page}_again", request="", note=note)
        return
    public, after = "", 0
    if place.page == "key":
        assert state.attempt is not None
        person = state.people[state.attempt.person]
        public, after = person.key_public, person.key_counter
    request = draft.reference()
    draft.command(CheckKey(request, place.challenge, public, event.data, event.signature, after))
    draft.stay(page=f"{place.page}_checking", request=request, note=None)


def pressed(draft: Draft, person: Person, button: str) -> None:
    """A button of the pages at a proof and in which a key is added."""
    give_up(draft)
    if button == "try_key":
        ask(draft, person.key_credential, "key")
    elif button == "use_code":
        draft.go("totp")
    elif button == "add_key":
        ask(draft, "", "key_adding")


def confirmed(draft: Draft, event: KeyChecked) -> None:
    """What a new key said was checked."""
    session, place = draft.state.session, draft.place
    if session is None or place.page != "key_adding_checking" or event.request != place.request:
        return
    if event.counter < 0:
        draft.stay(page="key_adding_again", request="", note=Note(NOT_ACCEPTED, "refusal"))
        return
    key = draft.attach("security_key", r.KeptKey(event.credential, event.public))
    draft.add(fr.SecurityKeyEnrolled(session.person, key, event.counter))
    words = "The key is yours from now on: it is asked for at each sign-in."
    draft.go("menu", note=Note(words, "success"))


def show(place: Place, title: str, *, code: bool, back: Button) -> Screen:
    """Where a key is touched; `code`: the person has an app as well."""
    if place.page.endswith("_checking"):
        return Screen(0, "checking", title, (*place.said(), Words("Checking…", "strong")))
    actions: tuple[Button, ...] = (back,)
    if code:
        actions = (*actions, Button("use_code", "Use the app's code"))
    if place.page.endswith("_again"):
        button = "try_key" if place.page == "key_again" else "add_key"
        actions = (*actions, Button(button, "Try again", "primary"))
    return Screen(0, "key", title, (*place.said(), Words(TOUCH, "name")), actions)
