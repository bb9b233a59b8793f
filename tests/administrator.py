"""An administrator at the ward's touchscreen: finds people, changes and suspends them.

For tests of the rules. Nothing here repeats a rule.
"""

from cabinet import records as r
from cabinet import screens
from cabinet.messages import Facts
from tests.ward import Ward


def choose(ward: Ward, staff_id: str) -> None:
    """The person's page, found by their number."""
    ward.press("people")
    ward.press("find_person")
    ward.press("find_people", staff_id)
    ward.press(f"person:{ward.ref(staff_id)}")
    assert ward.screen().name == "person"


def facts(ward: Ward) -> dict[str, str]:
    return dict(pair for it in ward.screen().blocks if isinstance(it, Facts) for pair in it.pairs)


def changed(ward: Ward) -> r.PersonChanged:
    found = ward.records(r.PersonChanged)[-1]
    assert isinstance(found, r.PersonChanged)
    return found


def change_role(ward: Ward, staff_id: str, role: str) -> None:
    """As far as the page on which the change is checked."""
    choose(ward, staff_id)
    ward.press("edit")
    ward.press("edit:role")
    if f"set_role:{role}" not in screens.buttons(ward.screen()):
        ward.press("more")
    ward.press(f"set_role:{role}")
    assert ward.screen().name == "check_person"


def make_administrator(ward: Ward, staff_id: str) -> None:
    change_role(ward, staff_id, "administrator")
    ward.press("save_change")
    ward.prove("A2")
    assert ward.state.people[ward.ref(staff_id)].role == "administrator"


def rest(ward: Ward) -> None:
    """Nobody is signed in."""
    if ward.state.session is not None:
        ward.press("people")
        ward.press("menu")
        ward.press("sign_out")


def suspend(ward: Ward, staff_id: str, why: str = "leave") -> None:
    choose(ward, staff_id)
    ward.press("stop_person")
    ward.press(f"stop_person:{why}")
    ward.press("save_change")


def give_override(ward: Ward, staff_id: str, group: str) -> None:
    """As far as the second administrator."""
    choose(ward, staff_id)
    ward.press("edit")
    ward.press("edit:override")
    ward.press(f"set_override:{group}")
    ward.press("check_change")
    assert "A second administrator must approve" in repr(ward.screen())
    ward.press("save_change")


def begin(ward: Ward, what: str) -> None:
    """Something that gives power, as far as the second administrator."""
    if what == "override":
        give_override(ward, "N1", "A")
        return
    if what == "resumed":
        suspend(ward, "P1")
        choose(ward, "P1")
        ward.press("resume")
    elif what == "again":
        choose(ward, "P1")
        ward.press("edit:again")
        ward.press("enrol_again:pin")
    elif what == "longer":
        choose(ward, "P1")
        ward.press("edit")
        ward.press("edit:expiry")
        ward.press("set_end", "31122029")
        ward.press("save_change")
        ward.press("edit")
        ward.press("edit:expiry")
        ward.press("set_no_end")
    else:
        change_role(ward, "N1", what)
    ward.press("save_change")
