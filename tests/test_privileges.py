"""The whole matrix, cell by cell, against tables written by hand; and the document made from it.

The tables here are what the hospital was promised. They repeat no code: an x is a right.
"""

import pytest

from auth import policy
from auth.policy import GROUPS, Act, Role
from cabinet import events as e
from cabinet import records as r
from cabinet import rights
from cabinet.plan import Plan, Rules, Timings
from cabinet.state import Person, State
from cabinet.wording import REASONS, ROLES
from tests import privileges
from tests.ward import NOON_MS, Ward, badge

COLUMNS = (
    *("nurse", "charge_nurse", "pharmacist", "pharmacy_technician", "anaesthetist"),
    *("witness_only", "temporary", "auditor", "service_technician", "administrator"),
)
WHO = """
remove             x x x . x . x . . .
override           x x x . x . . . . .
give               x x x . x . x . . .
waste              x x x . x . x . . .
return             x x x . x . x . . .
witness            x x x . x x . . . .
load               . . x x . . . . . .
count              x x x x x . x . . .
empty_return_bin   . . x x . . . . . .
resolve            . x x . . . . . . .
recover_drawer     . x x x . . . . . .
invite             . . . . . . . . . x
enrol              . x x . . . . . . x
load_fingers       . x x . . . . . . x
supervise          . x x . . . . . . .
release            . . x . . . . . . .
admit              . . x . . . . . . .
administer         . . . . . . . . . x
grant              . . . . . . . . . x
temporary          . x . . . . . . . .
break_glass        x x x . x . . . . .
critical_override  . x x . . . . . . .
review             . . x . . . . x . x
verdict            . . x . . . . . . .
service            . . . . . . . . x .
recover            . . x . . . . . . x
"""
REACHED = """
nurse                x x x x x . . .
charge_nurse         x x x x x . . .
pharmacist           x x x x x x x x
pharmacy_technician  x x x x x x x x
anaesthetist         x x x x x x . .
witness_only         . . . . . . . .
temporary            x x x x x . . .
auditor              . . . . . . . .
service_technician   . . . . . . . .
administrator        . . . . . . . .
"""
REACHING = ("remove", "override", "load", "count", "recover_drawer")
HERE, ELSEWHERE = "4W", "ICU"


def table(text: str) -> dict[str, list[bool]]:
    """Its rows, by their first word."""
    rows = (line.split() for line in text.strip().splitlines())
    return {name: [cell == "x" for cell in cells] for name, *cells in rows}


MAY, REACHES = table(WHO), table(REACHED)


def cabinet(role: str, areas: tuple[str, ...], groups: tuple[str, ...]) -> State:
    """A cabinet in HERE with a medicine of each group, and one person who is signed up."""
    state = State(plan=Plan("Ward", (), Timings(), Rules(), area=HERE))
    for group in GROUPS:
        listed = r.MedicineListed(
            group, "a", "", "1 mg", "tablet", "none", "tablet", "", "", False, group
        )
        state.medicines[group] = listed
    own = r.Rights(role, areas, groups, override_groups=groups)
    state.people["p"] = Person("p", own, enrolled=True)
    return state


def test_the_tables_speak_of_every_role_act_and_group() -> None:
    assert tuple(role.value for role in Role) == COLUMNS
    assert list(REACHES) == list(COLUMNS)
    assert list(MAY) == [act.value for act in Act]
    assert all(len(cells) == len(COLUMNS) for cells in MAY.values())
    assert all(len(cells) == len(GROUPS) for cells in REACHES.values())


@pytest.mark.parametrize("role", COLUMNS)
@pytest.mark.parametrize("act", MAY)
def test_a_cell_of_the_matrix_is_what_the_table_says(role: str, act: str) -> None:
    groups = tuple(g for g, yes in zip(GROUPS, REACHES[role], strict=True) if yes)
    may = MAY[act][COLUMNS.index(role)]
    for areas, here in (((HERE,), True), (("*",), True), ((ELSEWHERE,), False), ((), False)):
        state = cabinet(role, areas, groups)
        assert (not rights.refusal(state, "p", Act(act), NOON_MS)) is (may and here)
        for group, reached in zip(GROUPS, REACHES[role], strict=True):
            why = rights.refusal(state, "p", Act(act), NOON_MS, group)
            assert (not why) is (may and here and (reached or act not in REACHING))
            assert not why or REASONS[why]


@pytest.mark.parametrize("role", COLUMNS)
def test_no_role_overrides_anything_until_somebody_gives_it_a_group(role: str) -> None:
    state = cabinet(role, ("*",), GROUPS)
    own = state.people["p"].rights
    state.people["p"].rights = r.Rights(own.role, own.areas, own.groups)
    for group in GROUPS:
        assert rights.refusal(state, "p", Act.OVERRIDE, NOON_MS, group)


NEVER_A_MEDICINE = ("auditor", "service_technician", "administrator", "witness_only")
OPENING = ("remove", "override", "return", "load", "count", "empty_return_bin", "recover_drawer")


@pytest.mark.parametrize("role", NEVER_A_MEDICINE)
def test_who_only_reads_serves_administers_or_witnesses_opens_nothing(role: str) -> None:
    state = cabinet(role, ("*",), GROUPS)
    for act in OPENING:
        assert all(rights.refusal(state, "p", Act(act), NOON_MS, group) for group in GROUPS)


@pytest.mark.parametrize("act", ["witness", "temporary", "invite", "enrol", "administer", "grant"])
def test_a_temporary_user_neither_witnesses_nor_makes_others(act: str) -> None:
    assert rights.refusal(cabinet("temporary", ("*",), GROUPS), "p", Act(act), NOON_MS)


@pytest.mark.parametrize("role", [it for it in COLUMNS if it not in ("administrator", "temporary")])
def test_a_list_gives_a_role_the_groups_of_the_table_and_no_more(role: str) -> None:
    ward = Ward(stocked=False)
    row = e.PersonRow("X1", "Nell", "New", role, badge("X1"))
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    found = ward.state.people[ward.ref("X1")].rights
    wanted = tuple(g for g, yes in zip(GROUPS, REACHES[role], strict=True) if yes)
    assert found == r.Rights(role, ("*",), wanted)


@pytest.mark.parametrize(
    ("schedule", "group"),
    [("CII", "A"), ("CIII", "B"), ("CIV", "C"), ("CV", "D"), ("none", "E")],
)
def test_a_medicine_without_a_group_has_that_of_its_schedule(schedule: str, group: str) -> None:
    assert policy.group_of(schedule, "") == group
    assert policy.group_of(schedule, "G") == "G"


def test_every_role_has_a_name_on_the_screen() -> None:
    assert list(ROLES) == list(COLUMNS)


def test_the_document_is_that_of_the_tables() -> None:
    assert privileges.FILE.read_text(encoding="utf-8") == privileges.text(), (
        "run: python -m tests.privileges"
    )


def test_the_document_has_the_cells_of_the_tables_written_by_hand() -> None:
    lines = privileges.text().splitlines()
    for act, cells in MAY.items():
        line = next(line for line in lines if f"`{act}` |" in line)
        assert [cell.strip() == "x" for cell in line.split("|")[3:-1]] == cells
