"""Honest administration: somebody is hired and leaves; rights change and are put right again.

The ground on which others meddle (`meddlers.py`). One rule: each of these visits succeeds, to the
end, wherever nothing is broken.
"""

from collections.abc import Callable

from sim import cast
from sim.enrolling import code_on, enrol, go_to, leave, new_pin
from sim.hands import GaveUp
from sim.people import PEOPLE, Person
from sim.trespass import Trespass, Visit

ROSA, HENRY = PEOPLE[3:5]
INGRID, SAMUEL, HALIMA = cast.INGRID, cast.SAMUEL, cast.HALIMA
ENROLLERS = (ROSA, HENRY)
AREA = "Ward 9"
WORKED_S = (2 * 3600.0, 6 * 3600.0)  # before somebody who was hired leaves


def find(it: Visit, person: Person) -> None:
    """Sign in where nobody is, and go to the person's page."""
    hands = it.hands
    if hands.screen is not None and hands.screen.name == "rest":
        hands.sign_in()
    go_to(hands, "people")
    hands.must_press("find_person")
    hands.must_see("find_person")
    hands.must_press("find_people", person.staff_id)
    hands.must_see("people")
    rows = [row for row in hands.rows() if row.startswith("person:")]
    if len(rows) != 1:
        raise GaveUp(f"{len(rows)} people have this number")
    it.model.staff.setdefault(rows[0].partition(":")[2], person)
    hands.must_press(rows[0])
    hands.must_see("person")


def add(it: Visit, person: Person, role: str, number: str = "") -> None:
    """As far as the page of somebody new."""
    hands = it.hands
    hands.sign_in()
    go_to(hands, "people")
    hands.must_press("add_person")
    for page, text in (
        ("add_staff_id", person.staff_id),
        ("add_family", person.family),
        ("add_given", person.given),
        ("add_human", number),
    ):
        hands.must_see(page)
        hands.must_press(page, text)
    hands.must_see("add_role")
    hands.must_press(f"add_role:{role}")


def issue(it: Visit) -> str:
    """A one-time code for the person whose page it is."""
    hands = it.hands
    screen = hands.must_see("person")
    codes = [action.id for action in screen.actions if action.id.startswith("issue:")]
    if not codes:
        raise GaveUp("no code can be issued")
    it.model.staff.setdefault(codes[0].partition(":")[2], it.subject)
    hands.must_press(codes[0])
    return code_on(hands)


def save(it: Visit, second: Person | None = None) -> None:
    """What is checked is saved; with a second administrator where it takes two."""
    hands = it.hands
    hands.must_see("check_person")
    hands.must_press("save_change")
    if second is not None:
        hands.must_see("witness")
        it.witness(second)
    hands.must_see("person", "code", within_s=5.0)


def stop(it: Visit, person: Person, why: str) -> None:
    """Suspended, or left for good."""
    find(it, person)
    it.hands.must_press("stop_person")
    it.hands.must_press(f"stop_person:{why}")
    save(it)


def at_work(it: Visit) -> None:
    """Whatever was left half-done before, the subject works here as a nurse."""
    hands = it.hands
    find(it, it.subject)
    if hands.can_press("resume"):
        hands.must_press("resume")
        save(it)
    if not hands.can_press("edit:again"):
        code = issue(it)
        leave(hands)
        enrol(it, it.subject, hands.chance.pick(ENROLLERS), code)
        find(it, it.subject)


def _role(it: Visit, role: str, second: Person | None = None) -> None:
    for button in ("edit", "edit:role", f"set_role:{role}"):
        it.hands.must_press(button)
    save(it, second)


# --- visits ---------------------------------------------------------------------------------------


def hire(it: Visit) -> None:
    """Somebody new is added, enrols beside an enroller, and works; hours later they leave."""
    person = it.hire()
    add(it, person, "nurse")
    code = issue(it)
    leave(it.hands)
    enrol(it, person, it.hands.chance.pick(ENROLLERS), code)
    it.by(person).remove()
    leave(it.by(person).hands)
    it.later(it.hands.chance.between(*WORKED_S), INGRID, lambda then: _leaves(then, person))


def _leaves(it: Visit, person: Person) -> None:
    stop(it, person, "left")
    leave(it.hands)


def change(it: Visit) -> None:
    """Another area, and back; suspended, and resumed."""
    hands = it.hands
    at_work(it)
    for area in (AREA, "*"):
        for button in ("edit", "edit:areas"):
            hands.must_press(button)
        if hands.can_press(f"set_area:{area}"):
            hands.must_press(f"set_area:{area}")
        else:
            hands.must_press("edit:area")
            hands.must_press("set_area_typed", area)
        hands.must_press("check_change")
        save(it)
    hands.must_press("stop_person")
    hands.must_press("stop_person:leave")
    save(it)
    hands.must_press("resume")
    save(it)
    leave(hands)


def _anew(it: Visit, button: str, chosen: Callable[[Visit, Person, Person, str], None]) -> None:
    hands = it.hands
    at_work(it)
    hands.must_press("edit:again")
    hands.must_press(button)
    save(it)
    code = code_on(hands)
    leave(hands)
    chosen(it, it.subject, hands.chance.pick(ENROLLERS), code)
    again = it.by(it.subject).hands
    again.sign_in()
    leave(again)


def enrol_again(it: Visit) -> None:
    """A cut in the finger: fingers and PIN anew, by a new code."""
    _anew(it, "enrol_again:pin", enrol)


def pin_anew(it: Visit) -> None:
    """A PIN was forgotten: a new one by a code, and the finger that signs in is the old one."""
    _anew(it, "enrol_again:secret", new_pin)


def by_two(it: Visit) -> None:
    """A pharmacist for a while, and rights to take without an order: two give, one takes back."""
    hands = it.hands
    at_work(it)
    second = hands.chance.pick((INGRID, HALIMA))
    _role(it, "pharmacist", second)
    _role(it, "nurse")
    for button in ("edit", "edit:override", "set_override:E", "check_change"):
        hands.must_press(button)
    save(it, second)
    for button in ("edit", "edit:override", "set_override:E", "check_change"):
        hands.must_press(button)
    save(it)
    leave(hands)


ADMINISTRATION: dict[str, Trespass] = {
    "somebody new is hired": Trespass(0.2, hire, SAMUEL),
    "rights are changed": Trespass(0.2, change, HALIMA),
    "somebody enrols again": Trespass(0.2, enrol_again, INGRID),
    "a PIN is forgotten": Trespass(0.2, pin_anew, HALIMA),
    "rights are given by two": Trespass(0.2, by_two, SAMUEL),
}
