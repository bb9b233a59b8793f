"""The strong step: a code of the authenticator app of an administrator or service technician.

Not for badge, finger and PIN (`signin.py`) or how codes are made (auth). One rule: whoever has an
app must show its code at every sign-in, and no code counts a second time, for whomever.
"""

from auth.policy import Role
from auth.totp import uri
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import security_key
from cabinet.decision import Draft, Note, Place
from cabinet.events import CheckTotp, MakeTotp, TotpChecked, TotpMade
from cabinet.messages import Button, Keypad, QrCode, Screen, Words
from cabinet.state import Person, State

DIGITS = 6
STEPS_APART = 2  # between two people's codes at one time: a minute
SCAN = "Scan this with your app, or type this key. It is not shown again."
NOT_ACCEPTED = "Not accepted. Wait for the next code of your app; each is good once."


def offered(person: Person) -> bool:
    """Whether this person may have an app here."""
    return person.role in (Role.ADMINISTRATOR.value, Role.SERVICE_TECHNICIAN.value)


def wanted(person: Person) -> bool:
    """Whether this person's proof is whole with a code only."""
    return offered(person) and bool(person.totp_name or person.key_name)


def spent(state: State, person: Person) -> int:
    """The step up to which no code counts: of this person's newest, and of anybody's before."""
    return max(person.totp_step, state.totp_step - STEPS_APART)


def _typed(draft: Draft, text: str) -> bool:
    if len(text) == DIGITS and text.isascii() and text.isdigit():
        return True
    draft.refuse(f"A code has {DIGITS} digits.")
    return False


def _check(draft: Draft, person: Person, sealed: str, text: str, page: str) -> None:
    """Have a code checked; none counts that is older than one which anybody used."""
    request, after = draft.reference(), spent(draft.state, person)
    now_s = draft.moment.wall_ms // 1000
    draft.command(CheckTotp(request, person.ref, sealed, text, now_s, after))
    draft.stay(page=page, request=request, note=None)


# --- at sign-in -----------------------------------------------------------------------------------


def ask(draft: Draft, person: Person, factors: tuple[str, ...], fallback: str) -> None:
    """Badge and finger (or PIN) are proven: now the key, or the code."""
    attempt = draft.state.attempt
    assert attempt is not None
    draft.add(fr.FactorProven(attempt.id, person.ref, factors, fallback))
    if person.key_name:
        security_key.ask(draft, person.key_credential, "key")
    else:
        draft.go("totp")


def typed_at_sign_in(draft: Draft, text: str) -> None:
    """A code was typed."""
    attempt = draft.state.attempt
    assert attempt is not None
    person = draft.state.people[attempt.person]
    if _typed(draft, text):
        _check(draft, person, person.totp, text, "totp_checking")


def show_at_sign_in(place: Place, title: str) -> Screen:
    """Where the code is typed."""
    cancel = Button("cancel", "Cancel", "quiet")
    if place.page == "totp_checking":
        return Screen(0, "checking", title, (*place.said(), Words("Checking…", "strong")))
    submit = Button("totp", "OK", "primary")
    keypad = Keypad("The code your authenticator app shows", submit, DIGITS, secret=True)
    return Screen(0, "totp", title, (*place.said(), keypad), (cancel,))


# --- enrolling ------------------------------------------------------------------------------------


def pressed(draft: Draft, button: str, text: str) -> None:
    """A button of the pages on which an app is added."""
    session = draft.state.session
    assert session is not None
    person = draft.state.people[session.person]
    if button == "add_key":
        security_key.pressed(draft, person, button)
    elif button == "add_totp" and not draft.place.request:
        request = draft.reference()
        draft.command(MakeTotp(request, person.ref))
        draft.stay(request=request, note=None)
    elif button == "same_totp" and _typed(draft, text):
        _check(draft, person, draft.place.sealed, text, "totp_confirming")


def made(draft: Draft, event: TotpMade) -> None:
    """A fresh secret: shown once, and kept only once its first code was typed."""
    session, place = draft.state.session, draft.place
    if session is None or place.page != "authenticator" or event.request != place.request:
        return
    draft.go("totp_shown", shown_code=event.plain, sealed=event.sealed)


def confirmed(draft: Draft, event: TotpChecked) -> None:
    """The first code of a new app was compared."""
    session, place = draft.state.session, draft.place
    if session is None or place.page != "totp_confirming" or event.request != place.request:
        return
    if not event.step:
        draft.stay(page="totp_shown", request="", note=Note(NOT_ACCEPTED, "refusal"))
        return
    secret = draft.attach("totp", r.TotpSecret(place.sealed))
    draft.add(fr.TotpEnrolled(session.person, secret, event.step))
    words = "The app is yours from now on: its code is asked for at each sign-in."
    draft.go("menu", note=Note(words, "success"), sealed="")


def show(state: State, place: Place) -> Screen:
    """The pages on which an app is added."""
    assert state.session is not None
    back = Button("menu", "Back", "quiet")
    title, said = "App or security key", place.said()
    if place.page.startswith("key_"):
        return security_key.show(place, title, code=False, back=back)
    if place.page == "totp_confirming":
        return Screen(0, "checking", title, (*said, Words("Checking…", "strong")))
    if place.page == "totp_shown":
        keypad = Keypad("Then type the code it shows", Button("same_totp", "OK", "primary"), DIGITS)
        details = state.people[state.session.person].details
        assert details is not None
        scanned = uri(place.shown_code, state.name, details.staff_id)
        code = QrCode(scanned, SCAN, place.shown_code)
        return Screen(0, "totp_shown", title, (*said, code, keypad), (back,))
    has = state.people[state.session.person].totp
    words = (
        Words("Your app is asked for its code at each sign-in. A new one replaces it.")
        if has
        else Words("Besides badge and finger: the code of an app on your phone, or a security key.")
    )
    app = Button("add_totp", "Replace the app" if has else "Add an app")
    key = Button("add_key", "Add a security key")
    return Screen(0, "authenticator", title, (*said, words), (back, key, app))
