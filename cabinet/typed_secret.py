"""Where a PIN or a passphrase is typed: asked for at a proof, chosen by whoever enrols.

Not for comparing it (`secrets_worker.py`). One rule: what asks for it is the same for everybody,
and for badges that nobody has: both kinds of keys are offered, and neither says who has what.
"""

from auth.passphrases import LEAST_CHARS, MOST_CHARS
from auth.pins import PIN_DIGITS
from cabinet.decision import Newcomer, Place
from cabinet.messages import Button, Keypad, Letters
from cabinet.plan import Timings

ASKING = ("pin", "passphrase")  # the pages that ask for it: digits, or letters and marks
KEYS = {"use_digits": "pin", "use_letters": "passphrase"}
CHOOSING = {"pin_instead": False, "phrase_instead": True}
NEITHER = f"A PIN has {PIN_DIGITS} digits, a passphrase {LEAST_CHARS} characters or more."


def asked(page: str) -> tuple[Keypad | Letters, Button]:
    """The keys that ask for it, and the button that turns them into the others."""
    submit = Button("pin", "OK", "primary")
    if page == "pin":
        return _keys("Your PIN", submit, phrase=False), Button("use_letters", "Passphrase")
    return _keys("Your passphrase", submit, phrase=True), Button("use_digits", "PIN")


def chosen(page: str) -> tuple[Keypad | Letters, tuple[Button, ...]]:
    """The keys where it is chosen, or typed once more, and what else may be pressed."""
    phrase, again = page.startswith("enrol_phrase"), page.endswith("_again")
    if again:
        label = f"The same {'passphrase' if phrase else 'PIN'} once more"
        return _keys(label, Button("same_pin", "OK", "primary"), phrase=phrase), ()
    submit = Button("new_pin", "OK", "primary")
    if phrase:
        label = "A passphrase: four unrelated words"
        return _keys(label, submit, phrase=True), (Button("pin_instead", "A PIN instead"),)
    other = Button("phrase_instead", "A passphrase instead")
    return _keys(f"Choose a PIN of {PIN_DIGITS} digits", submit, phrase=False), (other,)


def page_of(newcomer: Newcomer, *, again: bool = False) -> str:
    """Where somebody who enrols chooses it, or types it once more."""
    return f"enrol_{'phrase' if newcomer.phrase else 'pin'}{'_again' if again else ''}"


def within_s(place: Place, timings: Timings) -> int:
    """How long a factor may take; a passphrase is typed in more than a moment."""
    letters = place.page == "passphrase"
    return max(timings.factor_within_s, timings.idle_sign_out_s if letters else 0)


def _keys(label: str, submit: Button, *, phrase: bool) -> Keypad | Letters:
    if phrase:
        return Letters(label, submit, MOST_CHARS, secret=True)
    return Keypad(label, submit, PIN_DIGITS, secret=True)
