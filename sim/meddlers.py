"""Who meddles with accounts: invented people, power given alone, fingers and codes of others.

Not for honest administration (`administrators.py`), on whose screens it all happens. One rule: what
was begun is put right again by somebody honest, whether or not the cabinet let it happen.
"""

from collections.abc import Callable

from sim import cast
from sim.administrators import HALIMA, HENRY, INGRID, ROSA, SAMUEL, add, at_work, find, issue, stop
from sim.enrolling import as_far_as_fingers, code_on, enrol, give_fingers, go_to, leave, stand_by
from sim.hands import GaveUp, Hands
from sim.people import PEOPLE, Person
from sim.trespass import Trespass, Visit

JONAS = PEOPLE[1]
SOON_S = 3.0  # until a list that was brought is taken
AT_ONCE_S = 0.5
DARK_S = 15.0
LEFT_S = 240.0  # until an enrolment that nobody goes on with is over
BACK_S = 60.0  # after the power
LOOK_ALIKES = (("Samuel", "Оѕеі"), ("Amina", "0kafor"), ("Rosa", "De1gado"), ("Меі", "Tanaka"))


def refused(hands: Hands, button: str, text: str = "") -> None:
    """Press what ought to be refused."""
    hands.think()
    if hands.press(button, text) == "done":
        raise GaveUp(f"{button} was not refused")


def gone(it: Visit, person: Person) -> None:
    """An honest administrator sees to it that nobody of this name works here."""
    right = it.by(INGRID)
    stop(right, person, "left")
    leave(right.hands)


def back_at_rest(it: Visit) -> None:
    """Whoever stands there goes away."""
    for _ in range(6):
        screen = it.hands.screen
        if screen is not None and screen.name == "rest":
            return
        ways = [way for way in ("dismiss", "cancel", "sign_out") if it.hands.can_press(way)]
        if ways:
            it.hands.press(ways[0])
        elif not it.hands.back():
            break
        it.hands.wait(0.5)
    it.hands.must_see("rest", within_s=20.0)


# --- somebody who does not exist ------------------------------------------------------------------


def invent(it: Visit) -> None:
    """A nurse who does not exist, by one administrator alone: added, code, and standing by."""
    person = it.hire()
    try:
        add(it, person, "nurse")
        code = issue(it)
        leave(it.hands)
        if stand_by(it, it.hands.person, code):
            _as_newcomer(it, person, person.fingers)
        back_at_rest(it)
        it.hands.must_press("have_code")
        it.hands.must_press("code", code)
        it.hands.wait(1.0)
        back_at_rest(it)
    finally:
        gone(it, person)


def _as_newcomer(it: Visit, person: Person, fingers: tuple[str, ...]) -> Hands:
    hands = it.hands_of(person)
    as_far_as_fingers(hands)
    give_fingers(hands, fingers)
    return hands


def look_alike(it: Visit) -> None:
    """A name of somebody here, in other letters."""
    hands, person = it.hands, it.hire()
    given, family = hands.chance.pick(LOOK_ALIKES)
    hands.sign_in()
    go_to(hands, "people")
    hands.must_press("add_person")
    hands.must_press("add_staff_id", person.staff_id)
    hands.must_press("add_family", family)
    hands.think()
    if hands.press("add_given", given) == "done":  # which ought to be refused
        hands.must_press("add_human", "")
        hands.must_see("add_role")
        hands.press("add_role:nurse")
        raise GaveUp("add_given was not refused")
    hands.must_see("add_family")
    back_at_rest(it)


def make_temporary(it: Visit, person: Person, hours: str) -> str:
    """A charge nurse lets somebody work here for some hours; their code."""
    hands = it.hands
    hands.sign_in()
    go_to(hands, "emergency")
    hands.must_press("temporary")
    hands.must_press("temp_new")
    for page, text in (
        ("temp_staff_id", person.staff_id),
        ("temp_family", person.family),
        ("temp_given", person.given),
        ("temp_human", ""),
        ("temp_hours", hours),
    ):
        hands.must_see(page)
        hands.must_press(page, text)
    code = code_on(hands)
    leave(hands)
    return code


def maker_as_second(it: Visit) -> None:
    """A charge nurse makes a temporary user, stands by, and is the second person of their waste."""
    hands, person = it.hands, it.hire()
    code = make_temporary(it, person, "2")
    try:
        enrol(it, person, hands.person, code)
        it.staff.rows[person.staff_id] = cast.row(person) | {"role": "temporary", "expires": ""}
        it.staff.right()  # which says what they were taught
        hands.wait(SOON_S)
        theirs = it.by(person)
        theirs.ask_to_waste()
        theirs.witness(hands.person)
        theirs.hands.must_see("witness")
        theirs.witness(INGRID)
        back_at_rest(theirs)
    finally:
        it.staff.rows.pop(person.staff_id, None)
        gone(it, person)


# --- power ----------------------------------------------------------------------------------------


def _power(it: Visit) -> None:
    """As far as the second administrator."""
    hands = it.hands
    at_work(it)
    role = ("edit", "edit:role", "set_role:pharmacist")
    override = ("edit", "edit:override", "set_override:A", "check_change")
    for button in hands.chance.pick((role, override)):
        hands.must_press(button)
    hands.must_see("check_person")


def _given_by(it: Visit, second: Person) -> None:
    """`second` proves who they are where a second administrator is asked for."""
    _power(it)
    hands = it.hands
    hands.must_press("save_change")
    hands.must_see("witness")
    it.witness(second)
    if hands.sees("witness", within_s=3.0) is None:
        raise GaveUp("nobody is asked for any more")
    hands.must_press("dismiss")
    hands.must_see("check_person")
    leave(hands)


def alone(it: Visit) -> None:
    """One administrator is both."""
    _given_by(it, it.hands.person)


def second_account(it: Visit) -> None:
    """The second administrator is the first one's second account."""
    _given_by(it, cast.SECOND_INGRID)


def not_an_administrator(it: Visit) -> None:
    """A pharmacist approves."""
    _given_by(it, HENRY)


def own_rights(it: Visit) -> None:
    """An administrator's own role, or that of their second account."""
    hands = it.hands
    find(it, hands.chance.pick((hands.person, cast.SECOND_INGRID)))
    for button in ("edit", "edit:expiry", "set_end"):
        hands.must_press(button, "31122027" if button == "set_end" else "")
    hands.must_see("check_person")
    refused(hands, "save_change")
    leave(hands)


def suspended(it: Visit) -> None:
    """An administrator who is suspended while they change somebody's rights, or who calls."""
    hands = it.hands
    _power(it)
    calls = hands.chance.chance(0.5)
    if calls:
        hands.must_press("save_change")
        hands.must_see("witness")
    it.runtime.hub.after(AT_ONCE_S, lambda: it.staff.suspend(hands.person))
    try:
        if calls:  # and loses their rights while the second one proves who they are
            it.witness(SAMUEL)
        else:
            hands.wait(2 * AT_ONCE_S)
            refused(hands, "save_change")
        back_at_rest(it)
    finally:
        it.staff.reinstate(hands.person)


# --- fingers and codes ----------------------------------------------------------------------------


def _hired(it: Visit, does: Callable[[Person, str], None]) -> None:
    """Somebody is added and has a code; whatever comes of it, they are gone afterwards."""
    person = it.hire()
    try:
        add(it, person, "nurse")
        code = issue(it)
        leave(it.hands)
        does(person, code)
    finally:
        gone(it, person)


def others_finger(it: Visit) -> None:
    """Somebody enrols with a colleague's finger, then without one, then begins again."""

    def does(person: Person, code: str) -> None:
        if not stand_by(it, ROSA, code):
            raise GaveUp("the code was not taken")
        hands = _as_newcomer(it, person, JONAS.fingers)
        hands.must_see("enrol_skipped")
        if hands.can_press("without_finger"):
            hands.must_press("without_finger")
            raise GaveUp("enrolled without a finger")
        hands.must_press("try_finger")
        hands.must_see("enrol_finger")
        hands.must_press("cancel")
        hands.must_see("rest")
        not_again(it, code)

    _hired(it, does)


def not_again(it: Visit, code: str) -> None:
    """A code that is used up, or replaced, beside a pharmacist."""
    if stand_by(it, HENRY, code):
        raise GaveUp("a code was good that ought not to be")
    back_at_rest(it)


def twice(it: Visit) -> None:
    """An enrolment ends with the power, begins again by the same code, and then once more."""

    def does(person: Person, code: str) -> None:
        if not stand_by(it, ROSA, code):
            raise GaveUp("the code was not taken")
        as_far_as_fingers(it.hands_of(person))
        it.runtime.hub.after(0.0, lambda: it.runtime.cut_power(DARK_S))
        it.hands.wait(DARK_S)
        it.hands.must_see("rest", within_s=BACK_S)
        it.hands.wait(2.0)
        enrol(it, person, ROSA, code)
        not_again(it, code)

    _hired(it, does)


def left_alone(it: Visit) -> None:
    """A newcomer walks away in the midst, and comes back with the same code."""

    def does(person: Person, code: str) -> None:
        if not stand_by(it, ROSA, code):
            raise GaveUp("the code was not taken")
        as_far_as_fingers(it.hands_of(person))
        it.hands.must_see("rest", within_s=LEFT_S)
        enrol(it, person, ROSA, code)

    _hired(it, does)


def enroller_suspended(it: Visit) -> None:
    """Whoever stands by loses their rights in the midst; somebody else does it anew."""

    def does(person: Person, code: str) -> None:
        if not stand_by(it, ROSA, code):
            raise GaveUp("the code was not taken")
        hands = it.hands_of(person)
        as_far_as_fingers(hands)
        try:
            it.staff.suspend(ROSA)
            hands.wait(SOON_S)
            give_fingers(hands, person.fingers)
            hands.must_see("rest")
        finally:
            it.staff.reinstate(ROSA)
        enrol(it, person, HENRY, code)

    _hired(it, does)


def old_code(it: Visit) -> None:
    """The code that a newer one replaced."""

    def does(person: Person, code: str) -> None:
        find(it, person)
        newer = issue(it)
        leave(it.hands)
        not_again(it, code)
        enrol(it, person, ROSA, newer)

    _hired(it, does)


MEDDLING: dict[str, Trespass] = {
    "somebody is invented": Trespass(0.1, invent, SAMUEL),
    "a name that looks alike": Trespass(0.1, look_alike, HALIMA),
    "the maker of a temporary user as second person": Trespass(0.1, maker_as_second, ROSA),
    "power given alone": Trespass(0.1, alone, SAMUEL),
    "power given by a second account": Trespass(0.1, second_account, INGRID),
    "power given by a pharmacist": Trespass(0.1, not_an_administrator, HALIMA),
    "an administrator's own rights": Trespass(0.1, own_rights, INGRID),
    "suspended in mid-change": Trespass(0.1, suspended, INGRID),
    "a finger of somebody else": Trespass(0.1, others_finger, SAMUEL),
    "a code twice": Trespass(0.1, twice, HALIMA),
    "an enrolment left alone": Trespass(0.1, left_alone, SAMUEL),
    "an enroller suspended in the midst": Trespass(0.1, enroller_suspended, HALIMA),
    "a code of before": Trespass(0.1, old_code, SAMUEL),
}
