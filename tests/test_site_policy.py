"""A site's own rows in `cabinet.toml`: stricter is taken, looser is refused at start with its text.

Not for what the rows then do (`test_policy.py`, `test_rights.py`).
"""

from pathlib import Path

import pytest

from auth import policy
from auth.policy import ROLE_ACTS, Act, Role, Row
from cabinet import rights
from cabinet.configuration import MAX_PLAN_BYTES, MAX_POCKETS, plan_of
from cabinet.plan import Asked, Training
from cabinet.records import MAX_BODY_BYTES
from cabinet.site_policy import MAX_POLICY, MAX_TRAINING
from tests import privileges
from tests.test_configuration import GOOD, read, refused


def row(act: str, more: str = "") -> str:
    return f'{GOOD}\n[[policy]]\nact = "{act}"\n{more}\n'


def test_a_file_that_says_nothing_asks_the_floor(tmp_path: Path) -> None:
    plan = plan_of(read(tmp_path, GOOD))
    assert (plan.area, plan.training, plan.policy) == ("", (), ())


def test_area_training_and_stricter_rows_are_read(tmp_path: Path) -> None:
    text = GOOD.replace('name = "Ward 1"', 'name = "Ward 1"\narea = "4W"')
    text += """
[[training]]
competency = "intravenous"
acts = ["remove", "waste"]

[[policy]]
act = "remove"
class = "none"
role = "temporary"
kinds = 2
strong = true
"""
    plan = plan_of(read(tmp_path, text))
    assert plan.area == "4W"
    assert plan.training == (Training("intravenous", ("remove", "waste")),)
    assert plan.policy == (Asked("remove", "none", "temporary", 2, True),)
    assert rights.site_rows(plan.policy) == (
        Row(Act.REMOVE, policy.MedicineClass.NONE, policy.Role.TEMPORARY, 2, True),
    )


@pytest.mark.parametrize(
    ("act", "more", "key", "cite"),
    [
        ("remove", "kinds = 1", "kinds", "21 CFR 1311.115(a)"),
        ("remove", 'class = "CII"\nkinds = 1', "kinds", "21 CFR 1311.115(a)"),
        ("waste", 'class = "CII"\nrole = "nurse"\nwitness = false', "witness", "21 CFR 1304.22"),
        ("count", 'class = "controlled"\nwitness = false', "witness", "21 CFR 1304.11(a)"),
        ("grant", "witness = false", "witness", "IEC 62443-4-2"),
        ("override", "reason = false", "reason", "ISMP"),
        ("critical_override", "witness = false", "witness", "IEC 62443-4-2"),
        ("administer", "kinds = 1", "kinds", "21 CFR 11.10"),
    ],
)
def test_a_site_that_asks_less_than_the_floor_is_refused_with_the_cite(
    tmp_path: Path, act: str, more: str, key: str, cite: str
) -> None:
    found, reason = refused(tmp_path, row(act, more))
    assert found == f"policy[0].{key}"
    assert cite in reason
    assert reason.startswith(f"may not be less than {'2' if key == 'kinds' else 'true'} for {act}:")


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        (row("open_sesame"), "policy[0].act", "'open_sesame' is not one of remove, override,"),
        (row("remove", 'class = "CI"'), "policy[0].class", "is not one of none, controlled, CII"),
        (row("remove", 'role = "boss"'), "policy[0].role", "'boss' is not one of nurse,"),
        (row("remove", "kinds = 0"), "policy[0].kinds", "0 is outside 1 to 2"),
        (row("remove", "kinds = 3"), "policy[0].kinds", "3 is outside 1 to 2"),
        (row("remove", "kinds = true"), "policy[0].kinds", "Expected `int | null`, got `bool`"),
        (row("remove", "kind = 2"), "policy[0]", "unknown field `kind`"),
        (row("remove") + row("remove", "kinds = 1")[len(GOOD) :], "policy[1].kinds", "less than"),
        (row("give", "witness = true"), "policy[0].witness", "cannot be asked for give"),
        (row("load", "reason = true"), "policy[0].reason", "cannot be asked for load"),
        (GOOD + "[[training]]\nacts = []", "training[0]", "missing required field `competency`"),
        (
            GOOD + '[[training]]\ncompetency = "a:b"\nacts = ["load"]',
            "training[0].competency",
            "a ",
        ),
        (GOOD + '[[training]]\ncompetency = ""\nacts = ["load"]', "training[0].competency", "name"),
        (GOOD + '[[training]]\ncompetency = "IV"\nacts = ["fly"]', "training[0].acts", "remove,"),
        (GOOD + '[[training]]\ncompetency = "IV"\nacts = []', "training[0].acts", "are not among"),
        (GOOD.replace('"Ward 1"', '"Ward 1"\narea = "4 W"'), "cabinet.area", "regex"),
        (
            row("remove") * 1 + '[[policy]]\nact = "load"\n' * MAX_POLICY,
            "policy",
            "at most 24 rows",
        ),
    ],
)
def test_a_row_that_means_nothing_is_refused_with_its_key(
    tmp_path: Path, text: str, key: str, said: str
) -> None:
    found, reason = refused(tmp_path, text)
    assert found == key
    assert said in reason


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (row("break_glass", 'class = "CII"\nwitness = true'), "policy[0].class"),
        (row("verdict", 'class = "CII"\nstrong = true'), "policy[0].class"),
        (row("supervise", 'class = "none"\nstrong = true'), "policy[0].class"),
        (row("resolve", "strong = true"), "policy[0].act"),
        (row("review", "strong = true"), "policy[0].act"),
        (row("administer", 'role = "nurse"\nstrong = true'), "policy[0].role"),
        (row("recover", "strong = true"), "policy[0].strong"),
        (
            GOOD + '[[training]]\ncompetency = "DEA"\nacts = ["waste", "resolve"]',
            "training[0].acts",
        ),
    ],
)
def test_attack_a_row_that_nobody_is_ever_asked_looks_like_a_check_that_is_made(
    tmp_path: Path, text: str, key: str
) -> None:
    """Such as two people for schedule II alone, beside one for all other broken glass."""
    assert refused(tmp_path, text)[0] == key


@pytest.mark.parametrize("act", ["remove", "return", "waste"])
def test_a_reason_may_be_asked_where_a_screen_can_ask_one(tmp_path: Path, act: str) -> None:
    assert read(tmp_path, row(act, "reason = true")).policy[0].reason


@pytest.mark.parametrize("act", ["count", "break_glass", "remove", "override", "load", "return"])
def test_a_second_person_may_be_asked_where_a_screen_can_ask_one(tmp_path: Path, act: str) -> None:
    assert read(tmp_path, row(act, "witness = true")).policy[0].witness


def test_a_make_up_that_does_not_fit_into_one_entry_is_refused_at_start(tmp_path: Path) -> None:
    acts = ", ".join(
        f'"{act.value}"' for act in (Act.CRITICAL_OVERRIDE, *ROLE_ACTS[Role.NURSE]) * 2
    )
    text = GOOD + f'[[training]]\ncompetency = "IV"\nacts = [{acts}]\n' * MAX_TRAINING
    asked = 'class = "controlled"\nrole = "pharmacy_technician"\nstrong = true\nkinds = 2\n'
    text += f'[[policy]]\nact = "count"\n{asked}' * MAX_POLICY
    pockets = ", ".join(
        f'{{ id = "{n:032}", medicine = "{n:032}" }}' for n in range(MAX_POCKETS - 3)
    )
    assert read(tmp_path, text)
    text = text.replace('{ id = "M2"', f'{pockets}, {{ id = "M2"')
    key, reason = refused(tmp_path, text)
    assert key == "(the file)"
    assert "bytes of at most 15872" in reason


def test_whatever_make_up_is_taken_fits_into_one_entry() -> None:
    assert MAX_PLAN_BYTES + 512 <= MAX_BODY_BYTES


def test_the_example_in_the_document_is_taken(tmp_path: Path) -> None:
    lines = [line[4:] for line in privileges.SITE.splitlines() if line.startswith("    ")]
    configuration = read(tmp_path, GOOD + "\n".join(lines))
    assert len(configuration.policy) == 3
    assert len(configuration.training) == 1
