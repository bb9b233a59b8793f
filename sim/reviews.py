"""Who dodges the verdict on what they took without an order: by another account, time or a restart.

Not for what must hold of verdicts (`review_checks.py`). One rule: what is owed is looked for on the
reviewer's own list, page by page, and judged there by whoever is offered to.
"""

from sim import cast
from sim.administrators import HALIMA, HENRY, ROSA, SAMUEL, add, issue, save
from sim.enrolling import enrol, go_to, leave
from sim.hands import GaveUp, Hands
from sim.meddlers import gone
from sim.overreach import ask_to_break_glass, go_home, without_order
from sim.people import PEOPLE, Person
from sim.trespass import Trespass, Visit

JONAS = PEOPLE[1]
MOST_JUDGED, MOST_PAGES = 8, 12
BACK_S = 60.0  # after the power, or the controller
LATER_S = (3600.0, 4 * 3600.0)
VERDICTS = ("justified", "not_justified")


def _owe(it: Visit, second: Person) -> None:
    """Break glass, take something, and maybe end it at once."""
    hands = it.hands
    ask_to_break_glass(hands)
    hands.must_see("witness")
    it.witness(second)
    hands.must_see("patients", within_s=5.0)
    go_home(hands)
    without_order(it, "oxycodone", "OXYC-5-TAB")
    go_home(hands)
    if hands.chance.chance(0.7):
        go_to(hands, "emergency")
        ends = [row for row in hands.rows() if row.startswith("call_off:")]
        if not ends:
            raise GaveUp("nothing can be called off")
        hands.must_press(ends[0])
    leave(hands)


def _restarted(it: Visit) -> None:
    """The power goes, or the controller, or neither."""
    runtime, hub = it.runtime, it.runtime.hub
    stops = it.hands.chance.pick((runtime.cut_power, runtime.kill_process, None))
    if stops is None:
        return
    hub.at(0, stops)
    it.hands.wait(2.0)
    it.hands.must_see("rest", within_s=BACK_S)
    it.hands.wait(2.0)


def _pharmacist(it: Visit, person: Person, number: str) -> None:
    """Two administrators make them one, and they enrol."""
    honest, hands = it.by(SAMUEL), it.hands
    honest.subject = person
    add(honest, person, "nurse", number)
    for button in ("edit", "edit:role", "set_role:pharmacist"):
        honest.hands.must_press(button)
    save(honest, HALIMA)
    code = issue(honest)
    leave(honest.hands)
    enrol(it, person, hands.chance.pick((ROSA, HENRY)), code)


def _rows(hands: Hands) -> list[str]:
    """What waits for a verdict, on all pages of the list."""
    found: dict[str, None] = {}
    for _ in range(MOST_PAGES):
        rows = [row for row in hands.rows() if row.startswith("review:")]
        if all(row in found for row in rows):
            break
        found.update(dict.fromkeys(rows))
        if not hands.can_press("more"):
            break
        hands.must_press("more")
    return list(found)


def judge(it: Visit) -> None:
    """Sign in, compare the list with what is owed, and judge what one may; and what one may not."""
    hands = it.hands
    hands.sign_in()
    go_to(hands, "reviews")
    hands.must_see("reviews")
    waiting = _rows(hands)
    subjects = [row.partition(":")[2] for row in waiting]
    words = f"{len(it.model.unjudged)} removals and emergencies wait, {len(subjects)} are listed"
    it.model.expect(5, sorted(subjects) == sorted(it.model.unjudged), words)
    for row in waiting[:MOST_JUDGED]:
        hands.must_press(row)
        screen = hands.must_see("review")
        for verdict in hands.chance.pick((VERDICTS, VERDICTS[::-1])):
            hands.think()
            hands.press_on(screen.number, verdict)  # also where it is not offered
        if hands.sees("reviews", within_s=1.0) is None:
            hands.must_press("reviews")
    leave(hands)


def dodged(it: Visit) -> None:
    """Whoever took part, another account of theirs, and an honest one would judge it."""
    chance = it.hands.chance
    second = chance.pick((ROSA, HENRY))
    number = chance.pick((cast.HUMANS[JONAS], ""))
    _owe(it, second)
    _restarted(it)
    person = it.hire()
    try:
        _pharmacist(it, person, number)
        judge(it.by(person))
        judge(it.by(HENRY))
    finally:
        gone(it, person)
    it.hands.must_see("rest")
    it.hands.prove()  # of the account that is there no more
    it.by(person).hands.prove()
    it.hospital.tidy(it.hands)
    it.later(chance.between(*LATER_S), HENRY, judge)


def alone(it: Visit) -> None:
    """Whoever may remove without an order does, and hours later it is judged all the same."""
    it.hands.sign_in()
    without_order(it, "furosemide", "FURO-40-TAB")
    it.hospital.tidy(it.hands)
    _restarted(it)
    judge(it.by(HENRY))


REVIEWS: dict[str, Trespass] = {
    "a verdict is dodged": Trespass(0.1, dodged, JONAS),
    "a removal without an order is judged": Trespass(0.1, alone, ROSA),
}
