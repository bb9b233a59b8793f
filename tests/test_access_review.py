"""The access review: person by privilege, and every kind of account that somebody must look at."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from auth.policy import Act
from cabinet import access_review, rights
from cabinet import events as e
from cabinet import records as r
from cabinet.access_review import Finding
from cabinet.journal import attached
from cabinet.plan import Review
from tests.ward import PEOPLE, Ward, badge

DAY_MS, HOUR_MS = access_review.DAY_MS, access_review.HOUR_MS


@pytest.fixture
def ward() -> Ward:
    return Ward()


def row(staff_id: str, **changes: Any) -> e.PersonRow:
    """The row of a person of the ward, with changes."""
    given, family, role, _ = PEOPLE.get(staff_id, ("Nell", "New", "nurse", ()))
    return replace(e.PersonRow(staff_id, given, family, role, badge(staff_id)), **changes)


def take(ward: Ward, *rows: e.PersonRow) -> None:
    people = tuple((f"people.csv:{line}", it) for line, it in enumerate(rows, 2))
    outcome = ward.do(e.Import("test", people=people))
    assert not outcome.refusal, outcome.report


def reviewed(ward: Ward) -> access_review.Reviewed:
    bodies = (r.decode_body(data) for data in ward.sink.bodies)
    return access_review.replayed(bodies, attached(ward.sink.attached))


def found(ward: Ward, kind: str) -> dict[str, list[str]]:
    """Staff number -> why, of one kind of finding."""
    told: dict[str, list[str]] = {}
    for finding in findings(ward):
        if finding.kind == kind:
            told.setdefault(finding.staff_id, []).append(finding.why)
    return told


def findings(ward: Ward) -> list[Finding]:
    now_ms = ward.wall_ms + ward.now_ms
    return access_review.findings(reviewed(ward), now_ms, Review())


def cells(ward: Ward, staff_id: str) -> dict[str, str]:
    rows = access_review.matrix(reviewed(ward), ward.wall_ms + ward.now_ms)
    told = [dict(zip(access_review.HEADINGS, it, strict=True)) for it in rows]
    return next(it for it in told if it["Staff number"] == staff_id)


def test_the_report_says_of_each_person_what_they_may_do_with_which_medicines(ward: Ward) -> None:
    nurse, administrator = cells(ward, "N1"), cells(ward, "A1")
    assert (nurse["remove"], nurse["witness"], nurse["administer"]) == ("ABCDE", "yes", "")
    assert nurse["override"] == "", "no override group was given"
    assert (administrator["remove"], administrator["count"]) == ("", "")
    assert administrator["administer"] == "yes"
    assert len(access_review.matrix(reviewed(ward), ward.wall_ms)) == len(PEOPLE)


def test_the_report_agrees_with_the_rules_in_every_cell(ward: Ward) -> None:
    take(ward, row("N2", status="suspended"), row("N3", groups=("E",), areas=("OR-1",)))
    now_ms = ward.wall_ms + ward.now_ms
    for staff_id in PEOPLE:
        told = cells(ward, staff_id)
        for act in Act:
            why = rights.refusal(ward.state, ward.ref(staff_id), act, now_ms)
            cell = told[act.value.replace("_", " ")]
            if act is not Act.OVERRIDE:
                assert bool(cell and cell != "elsewhere") is not bool(why), (staff_id, act)
    assert cells(ward, "N2")["remove"] == ""
    assert cells(ward, "N3")["remove"] == "elsewhere"


def test_without_names_people_are_references(ward: Ward) -> None:
    ward.wall_ms += 100 * DAY_MS
    now_ms = ward.wall_ms
    told = repr(access_review.matrix(reviewed(ward), now_ms, names=False))
    told += repr(access_review.findings(reviewed(ward), now_ms, Review(), names=False))
    for given, family, _, _ in PEOPLE.values():
        assert f"{given} {family}" not in told
    assert ward.ref("N1") in told


def test_one_human_being_with_two_accounts_is_found(ward: Ward) -> None:
    take(ward, row("N1", human="one"), row("X1", human="one"))
    (why,), (other,) = found(ward, "shared")["N1"], found(ward, "shared")["X1"]
    assert why == "the same human being has the account of Nell New"
    assert "Nina Nurse" in other


def test_two_accounts_of_one_name_are_found(ward: Ward) -> None:
    take(ward, row("X1", given="Niná", family="Nurse"))
    assert "one person twice?" in found(ward, "shared")["N1"][0]
    assert found(ward, "shared").keys() == {"N1", "X1"}


def test_a_badge_that_was_somebody_else_s_is_found(ward: Ward) -> None:
    take(ward, row("N2", badge=badge("new one")))
    take(ward, row("X1", badge=badge("N2")))
    assert found(ward, "shared") == {"X1": ["its badge was that of Noel Nurse"]}


def test_an_account_that_never_rests_is_found(ward: Ward) -> None:
    for _ in range(7):
        ward.sign_in("N1")
        ward.press("sign_out")
        ward.wall_ms += 4 * HOUR_MS
    assert found(ward, "shared") == {"N1": ["signed in over 24 hours without 6 hours of rest"]}


def test_a_person_who_works_long_and_rests_is_not(ward: Ward) -> None:
    for _ in range(4):
        for _ in range(5):
            ward.sign_in("N1")
            ward.press("sign_out")
            ward.wall_ms += 3 * HOUR_MS
        ward.wall_ms += 9 * HOUR_MS
    assert not found(ward, "shared")


def test_a_badge_and_a_pin_that_are_lent_are_found(ward: Ward) -> None:
    for _ in range(access_review.FEW_SIGN_INS):
        ward.do(e.BadgeSeen(badge("N1")))
        ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, "fault"))
        ward.press("pin", "73910264")
        ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
        ward.press("sign_out")
        ward.wall_ms += 24 * HOUR_MS
    assert "badge and PIN, which can be lent, in 10 of 10" in found(ward, "shared")["N1"][0]


def test_an_account_that_nobody_uses_any_more_is_stale(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.press("sign_out")
    ward.wall_ms += 89 * DAY_MS
    assert "N1" not in found(ward, "stale")
    ward.wall_ms += 2 * DAY_MS
    assert found(ward, "stale")["N1"][0].startswith("not used since ")
    take(ward, row("N1", status="suspended"))
    assert "N1" not in found(ward, "stale"), "whoever is suspended has no access to lose"


def test_who_witnesses_uses_the_account(ward: Ward) -> None:
    ward.wall_ms += 100 * DAY_MS
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    ward.press("removals")
    ward.press(f"removal:{removal}")
    ward.press("waste")
    ward.press("amount", "1")
    ward.prove("N2")
    assert "N2" not in {**found(ward, "stale"), **found(ward, "never used")}


def test_an_account_that_was_never_used_is_found(ward: Ward) -> None:
    assert not found(ward, "never used"), "listed today"
    take(ward, row("X1"))
    ward.wall_ms += 2 * DAY_MS
    told = found(ward, "never used")
    assert told["N2"][0].startswith("enrolled, and has never signed in")
    assert told["X1"][0].startswith("has never enrolled")
    assert "code" not in told["X1"][0]
    assert "A1" not in told and "T1" not in told


def test_a_code_that_waits_is_told(ward: Ward) -> None:
    take(ward, row("X1"))
    ward.sign_in("A1")
    ward.press("invite")
    ward.press(f"issue:{ward.ref('X1')}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "code X1"))
    ward.press("menu")
    ward.press("sign_out")
    ward.wall_ms += 2 * DAY_MS
    assert "a one-time code is good until" in found(ward, "never used")["X1"][0]
    ward.wall_ms += 2 * DAY_MS
    assert "code" not in found(ward, "never used")["X1"][0]


def test_rights_beyond_the_role_and_rights_that_nobody_uses_are_found(ward: Ward) -> None:
    take(ward, row("N1", groups=("A", "E", "H")))
    assert found(ward, "over-privileged") == {"N1": ["has groups H beyond what the role brings"]}
    ward.wall_ms += 91 * DAY_MS
    ward.sign_in("N2")
    ward.press("everyone")
    ward.remove("O1", count=20)
    ward.press("sign_out")
    told = found(ward, "over-privileged")
    assert "may reach group A (schedule II): not used for 90 days" in told["N1"]
    assert "N2" not in told
    assert told["A1"] == ["an administrator's rights: not used for 90 days"]


def test_what_ends_soon_or_has_ended_is_found(ward: Ward) -> None:
    now_ms = ward.wall_ms
    take(
        ward,
        row("N1", expires_ms=now_ms + 10 * DAY_MS),
        row("N2", competencies=(("IV", now_ms + 29 * DAY_MS), ("epidural", 0))),
        row("N3", expires_ms=now_ms + 31 * DAY_MS),
    )
    told = found(ward, "expiring")
    assert told.keys() == {"N1", "N2"}
    assert told["N1"][0].startswith("expires on ")
    assert told["N2"][0].startswith("competency IV ends on ")
    ward.wall_ms += 30 * DAY_MS
    told = found(ward, "expiring")
    assert told["N1"] == ["has expired: renew it, or say that they left"]
    assert told["N2"][0].startswith("competency IV ended on ")


def test_findings_come_by_kind_then_by_name(ward: Ward) -> None:
    take(ward, row("N1", human="one"), row("X1", human="one"))
    ward.wall_ms += 91 * DAY_MS
    kinds = [finding.kind for finding in findings(ward)]
    assert kinds == sorted(kinds, key=access_review.KINDS.index)
    assert len(access_review.table(findings(ward))[0]) == len(access_review.FINDING_HEADINGS)


def test_an_act_without_an_order_is_a_use_of_that_right_alone() -> None:
    started = r.AccessStarted("a", "remove", "s", "N1", ("badge", "finger"), "D1", override="x")
    assert access_review._done(started) == (("N1", Act.OVERRIDE), ("", Act.WITNESS))
    assert access_review._done(replace_kind(started)) == (("N1", Act.LOAD), ("", Act.WITNESS))


def replace_kind(started: r.AccessStarted) -> r.AccessStarted:
    return msgspec.structs.replace(started, kind="load", override="")
