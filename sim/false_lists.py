"""Staff lists that lie: forged, replayed, shrunken, promoting; and those that come in between.

Not for what is right (`list_checks.py`). One rule: whoever holds the key or the file may have made
one; afterwards a right list puts everything right.
"""

from collections.abc import Callable
from functools import partial

from cabinet.importing import Row
from cabinet.screens import buttons
from ledger.note import Signer
from sim import cast, signed_list
from sim.cast import AGENCY, ELSEWHERE, INGRID, LEAVER, SAMUEL, UNTRAINED
from sim.hands import GaveUp, Hands
from sim.people import PEOPLE
from sim.signed_list import SIGNER, SignedList
from sim.trespass import Trespass, Visit

HEARD_S = 1.5  # until a list that was brought is taken, or refused
WITHIN_A_WRITE_S = 0.001
SIGNED_OUT_S = 15.0  # of the end of what was begun
FORGER = Signer(SIGNER.name, bytes(32))
JONAS, MEI, ROSA, HENRY = PEOPLE[1:5]
FEW = (AGENCY, ELSEWHERE, UNTRAINED)  # whom a shrunken list leaves out: over a tenth
DISGUISES = (
    ("N-2096", "M\u0435i", "Tanaka"),  # a Cyrillic letter
    ("N-2096", "0mar", "Haddad"),  # a digit
    ("N\u20102063", "Mei", "Tanaka"),  # a hyphen of another sort
)
YES, NO = "accept_list", "refuse_list"  # buttons
NOBODYS_BADGE = "0047712906"
NEXT_YEAR = "31122027"  # as it is typed


def _bring(it: Visit, lie: SignedList) -> None:
    if not it.staff.bring(lie):
        raise GaveUp("nobody takes a list")
    it.hands.wait(HEARD_S)


def _come_back(it: Visit) -> None:
    """Whoever left tries whether it worked."""
    it.hands_of(LEAVER).prove()


def _new() -> Row:
    return {**cast.row(AGENCY), "staff_id": "N-2097", "given": "Nadia", "family": "Fontaine"}


def _back() -> Row:
    return {**cast.row(LEAVER), "status": "active"}


# --- forged ---------------------------------------------------------------------------------------


def other_key(it: Visit) -> None:
    """Signed by somebody else, under the hospital's name; or with another one's signature."""
    newest = it.staff.signed[-1]
    data = signed_list.written(it.staff.with_rows(_back()))
    forged = signed_list.sign(newest.number + 1, data, FORGER)
    if it.hands.chance.chance(0.5):
        text, signature = forged.note.split("\n\n")[0], newest.note.split("\n\n")[1]
        forged = SignedList(forged.number, data, f"{text}\n\n{signature}")
    _bring(it, forged)
    _come_back(it)


def changed_after(it: Visit) -> None:
    """A row was changed after it was signed."""
    right = it.staff.sign(it.staff.with_rows())
    data = signed_list.written(it.staff.with_rows(_back()))
    _bring(it, SignedList(right.number, data, right.note))
    _come_back(it)


def other_note(it: Visit) -> None:
    """Without a note, and beside the note of another list."""
    right = it.staff.sign(it.staff.with_rows(_back()))
    _bring(it, SignedList(right.number, right.data, ""))
    _bring(it, SignedList(right.number, right.data, it.staff.signed[1].note))


def replayed(it: Visit) -> None:
    """An older list, from before somebody left, and one of those that came after it."""
    _bring(it, it.staff.signed[0])
    _bring(it, it.hands.chance.pick(it.staff.signed[:-1]))
    _come_back(it)


def unsigned(it: Visit) -> None:
    """Somebody new, as patients come: on a list that nobody signs."""
    if it.staff.bring_unsigned([{**_new(), "badge": NOBODYS_BADGE}]):
        raise GaveUp("it was not refused")


def unreadable(it: Visit) -> None:
    """Signed, and no list."""
    rubbish = (b"\xff\xfe\x00", b"staff_id,given\nN-2041,Amina\n", b"", b'staff_id,"given\n')
    _bring(it, it.staff.sign_bytes(it.hands.chance.pick(rubbish)))


# --- by whoever holds the key ---------------------------------------------------------------------


def promoted(it: Visit) -> None:
    """A nurse is a pharmacist, another an administrator, by a list."""
    pharmacist = {**cast.row(AGENCY), "role": "pharmacist", "groups": "A B C D E F G H"}
    administrator = {**cast.row(UNTRAINED), "role": "administrator", "groups": "-"}
    _bring(it, it.staff.sign(it.staff.with_rows(pharmacist, administrator)))


def more_rights(it: Visit) -> None:
    """No end for those whose rights people gave; an administrator with rights to medicines."""
    endless = [{**cast.row(person), "expires": ""} for person in (ROSA, HENRY)]
    administrator = {**cast.row(SAMUEL), "role": "charge_nurse", "groups": "A B C D E F G H"}
    _bring(it, it.staff.sign(it.staff.with_rows(*endless, administrator)))


def look_alike(it: Visit) -> None:
    """Somebody new, whose name or number is drawn as another's."""
    number, given, family = it.hands.chance.pick(DISGUISES)
    new = {**cast.row(AGENCY), "staff_id": number, "given": given, "family": family}
    _bring(it, it.staff.sign(it.staff.with_rows({**new, "badge": NOBODYS_BADGE})))


def twice(it: Visit) -> None:
    """Somebody new with another's badge, or another's staff number."""
    if it.hands.chance.chance(0.5):
        rows = it.staff.with_rows({**_new(), "badge": MEI.badge})
    else:
        number = {"staff_id": MEI.staff_id, "badge": NOBODYS_BADGE}
        rows = [*it.staff.with_rows(), {**_new(), **number}]
    _bring(it, it.staff.sign(rows))


def leaver(it: Visit) -> None:
    """Somebody who left stands on a new list again."""
    _bring(it, it.staff.sign(it.staff.with_rows(_back())))
    _come_back(it)


def empty(it: Visit) -> None:
    """Nobody works here any more."""
    _bring(it, it.staff.sign([]))


def one_left(it: Visit) -> None:
    """Everybody but one administrator was deleted."""
    _bring(it, it.staff.sign([cast.row(INGRID)]))


# --- held for a person ----------------------------------------------------------------------------


def _shrunken(it: Visit) -> SignedList:
    gone = [person.staff_id for person in FEW]
    rows = [row for row in it.staff.with_rows() if row["staff_id"] not in gone]
    return it.staff.sign(rows)


def _look(it: Visit, verb: str) -> str:
    """The administrator looks at who would go; the button that says yes, or no."""
    hands = it.hands
    hands.sign_in()
    hands.must_press("staff_list")
    hands.must_see("staff_list")
    if hands.can_press("more"):
        hands.press("more")
    hands.think(2.0, 6.0)
    shown = buttons(hands.screen) if hands.screen is not None else ()
    pressed = [name for name in shown if name.startswith(f"{verb}:")]
    if not pressed:
        raise GaveUp("no list waits")
    return pressed[0]


def _judge(it: Visit, waiting: SignedList, verb: str) -> None:
    """And says so of the one that waits."""
    hands, button = it.hands, _look(it, verb)
    it.staff.judged[waiting.digest] = verb == YES
    hands.must_press(button)
    hands.must_see("menu")
    hands.must_press("sign_out")


def accepted(it: Visit) -> None:
    """An administrator accepts exactly this list, which is taken when it comes again."""
    shrunken = _shrunken(it)
    _bring(it, shrunken)
    _judge(it, shrunken, YES)
    _bring(it, shrunken)


def refused(it: Visit) -> None:
    """An administrator refuses it; it is brought again all the same."""
    shrunken = _shrunken(it)
    _bring(it, shrunken)
    _judge(it, shrunken, NO)
    _bring(it, shrunken)


def _other(it: Visit, number: int = 0) -> SignedList:
    """A list from which one more is gone."""
    gone = [person.staff_id for person in (*FEW, MEI)]
    rows = [row for row in it.staff.with_rows() if row["staff_id"] not in gone]
    return it.staff.sign(rows, number)


def in_its_place(it: Visit) -> None:
    """Another list, with the same number, in the place of the one that was accepted."""
    shrunken = _shrunken(it)
    _bring(it, shrunken)
    _judge(it, shrunken, YES)
    _bring(it, _other(it, shrunken.number))


def under_the_finger(it: Visit) -> None:
    """Another list comes in the instant in which the administrator says yes to the one shown."""
    shrunken = _shrunken(it)
    _bring(it, shrunken)
    button = _look(it, YES)
    it.staff.judged[shrunken.digest] = True
    if not it.staff.bring(_other(it)) or it.hands.press(button) == "done":
        raise GaveUp("it was accepted")


# --- in between -----------------------------------------------------------------------------------


def _suspend(it: Visit) -> None:
    if not it.staff.suspend(AGENCY):
        raise GaveUp("nobody takes a list")


def _find(it: Visit) -> str:
    """An administrator signs in and looks somebody up; the row."""
    hands = it.hands
    hands.sign_in()
    hands.must_press("people")
    hands.must_press("find_person")
    hands.must_press("find_people", AGENCY.staff_id)
    found = [row for row in hands.rows() if row.startswith("person:")]
    if not found:
        raise GaveUp("nobody is called so")
    hands.must_press(found[0])
    hands.must_press("edit")
    return found[0]


def during_change(it: Visit) -> None:
    """An administrator changes somebody whom a list suspends meanwhile."""
    hands, row = it.hands, _find(it)
    hands.must_press("edit:expiry")
    hands.must_press("set_end", NEXT_YEAR)
    hands.must_see("check_person")
    _suspend(it)
    hands.wait(HEARD_S)
    if hands.press("save_change") == "done":
        raise GaveUp("it was saved")
    for button in ("edit", row, "people", "menu", "sign_out"):
        hands.must_press(button)


def during_approval(it: Visit) -> None:
    """The same of what takes two: the list comes before the second one proves who they are."""
    hands = it.hands
    _find(it)
    for button in ("edit:override", f"set_override:{cast.OVERRIDES}", "check_change"):
        hands.must_press(button)
    hands.must_press("save_change")
    hands.must_see("witness")
    _suspend(it)
    hands.wait(HEARD_S)
    it.witness(SAMUEL)


def before_press(it: Visit) -> None:
    """Suspended in the instant before "open" is pressed."""
    it.hands.sign_in()
    it.look_at_order()
    _suspend(it)
    it.hands.press("open")


def before_pull(it: Visit) -> None:
    """Suspended while the press is being written, or when the lock has let go; they pull."""
    hands = it.hands
    hands.sign_in()
    pocket = it.look_at_order()
    if hands.chance.chance(0.5):
        it.runtime.hub.after(WITHIN_A_WRITE_S, lambda: it.staff.suspend(AGENCY))
        it.open()
    else:
        it.open()
        _suspend(it)
    hands.wait(hands.chance.between(0.1, 4.0))
    drawer = it.model.pockets[pocket][1]
    if it.runtime.world.pull(drawer):
        hands.wait(hands.chance.between(0.5, 4.0))
        hands.push(drawer)
    hands.must_see("rest", within_s=SIGNED_OUT_S)


def while_open(it: Visit) -> None:
    """Suspended while the drawer is open: it is counted and shut, and nothing more."""
    hands = it.hands
    pocket, drawer = it.pull_open()
    hands.must_see("count", "take")
    _suspend(it)
    hands.wait(HEARD_S)
    if hands.chance.chance(0.5):
        it.take_out(pocket)
    elif hands.sees("count", within_s=1.0) is not None:
        hands.count(pocket)
    hands.push(drawer)
    hands.must_see("rest", within_s=SIGNED_OUT_S)


def during_proof(it: Visit) -> None:
    """The witness has shown their badge and is suspended before their finger."""
    it.ask_to_waste()
    witness = it.hands_of(AGENCY)
    it.runtime.present(AGENCY.badge)
    witness.must_see("finger", "pin")
    _suspend(it)
    witness.wait(HEARD_S)
    _touch(it, witness)


def _touch(it: Visit, witness: Hands) -> None:
    it.runtime.world.touch(witness.fingers[0])
    witness.wait(4.0)
    it.runtime.world.touch(None)


def _then_right(does: Callable[[Visit], None], it: Visit) -> None:
    """Whatever came of it, a right list follows."""
    try:
        does(it)
    finally:
        it.staff.reinstate(AGENCY)


A_DAY = 0.12  # of each [P]
FALSE_LISTS: dict[str, Trespass] = {
    name: Trespass(A_DAY, partial(_then_right, does), person)
    for name, does, person in (
        ("list of another key", other_key, LEAVER),
        ("list changed after signing", changed_after, LEAVER),
        ("list beside another note", other_note, LEAVER),
        ("older list again", replayed, LEAVER),
        ("list that is none", unreadable, LEAVER),
        ("list without a signature", unsigned, LEAVER),
        ("list that promotes", promoted, AGENCY),
        ("list that gives more", more_rights, ROSA),
        ("list with a disguised name", look_alike, LEAVER),
        ("list with one badge or number twice", twice, LEAVER),
        ("list with somebody who left", leaver, LEAVER),
        ("empty list", empty, LEAVER),
        ("list of one person", one_left, LEAVER),
        ("shrunken list accepted", accepted, SAMUEL),
        ("shrunken list refused", refused, INGRID),
        ("another list for the accepted one", in_its_place, SAMUEL),
        ("another list under the finger", under_the_finger, SAMUEL),
        ("list during a change", during_change, SAMUEL),
        ("list during an approval", during_approval, INGRID),
        ("suspended before the press", before_press, AGENCY),
        ("suspended before the pull", before_pull, AGENCY),
        ("suspended while it is open", while_open, AGENCY),
        ("witness suspended within their proof", during_proof, JONAS),
    )
}
