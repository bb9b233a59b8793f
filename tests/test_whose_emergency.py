"""Whose emergency it is: who begins, ends and judges it, and what is removed under it meanwhile."""

import pytest

from cabinet import emergency, reviews
from cabinet import events as e
from cabinet import records as r
from cabinet.state import Emergency, Spell
from tests.test_emergency import HOUR_MS, LISTED, begin
from tests.ward import NOON_MS, Ward, badge


@pytest.fixture
def ward() -> Ward:
    return Ward(LISTED)


@pytest.mark.parametrize(
    ("begun", "under"),
    [
        ((), None),
        (("N1 break_glass",), 0),
        (("N2 break_glass",), None),
        (("P1 critical_override",), 0),
        (("N1 critical_override",), 0),
        (("P1 critical_override", "N1 break_glass"), 1),  # their own first, as it is wider
        (("N2 break_glass", "P1 critical_override"), 1),
        (("N1 break_glass over", "P1 critical_override"), 1),
        (("N1 break_glass called_off", "P1 critical_override"), 1),
        (("P1 critical_override called_off",), None),
        (("P1 critical_override over",), None),
    ],
)
def test_what_is_removed_under_is_ones_own_glass_or_everybodys_override_while_it_is_on(
    ward: Ward, begun: tuple[str, ...], under: int | None
) -> None:
    for number, said in enumerate(begun):
        who, kind, *over = said.split()
        ward.state.emergencies[str(number)] = Emergency(
            str(number),
            "break_glass" if kind == "break_glass" else "critical_override",
            ward.ref(who),
            ward.ref("C1"),
            "nobody_else",
            expires_ms=NOON_MS + (0 if over == ["over"] else 1),
            begun_ms=NOON_MS - HOUR_MS,
            spell=Spell(2 * HOUR_MS, 0),
            ended="called_off" if over == ["called_off"] else "",
        )
    now_on = emergency.of(ward.state, ward.ref("N1"), NOON_MS, ward.now_ms)
    assert (now_on.id if now_on is not None else None) == (None if under is None else str(under))
    assert emergency.of(ward.state, ward.ref("N1"), NOON_MS, 2 * HOUR_MS) is None


def test_whoever_lost_their_rights_while_somebody_agrees_begins_nothing(ward: Ward) -> None:
    ward.sign_in("N1")
    for button in ("menu", "emergency", "break_glass", "begin:break_glass:nobody_else"):
        ward.press(button)
    ward.do(e.BadgeSeen(badge("N2")))
    row = e.PersonRow("N1", "Nina", "Nurse", "pharmacy_technician", badge("N1"))
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    slot = ward.state.people[ward.ref("N2")].slots[0]
    ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, "matched", slot))
    refused = ward.records(r.Refused)[-1]
    assert (refused.act, refused.why) == ("break_glass", "not_allowed")
    assert isinstance(ward.records()[-1], r.AttemptEnded)
    assert not ward.records(r.EmergencyBegun)


@pytest.mark.parametrize(
    ("kind", "who", "may"),
    [
        *((("break_glass", who, who != "N3")) for who in ("N1", "P1", "C1", "N3")),
        *((("critical_override", who, who != "N1")) for who in ("P1", "C1", "N1")),
    ],
)
def test_an_emergency_is_ended_by_who_began_it_or_could_begin_one_for_everybody(
    ward: Ward, kind: str, who: str, *, may: bool
) -> None:
    begin(ward, kind, "N1" if kind == "break_glass" else "P1", "C1")
    reference = ward.records(r.EmergencyBegun)[-1].emergency
    ward.press("sign_out")
    ward.sign_in(who)
    for button in ("menu", "emergency"):
        ward.press(button)
    assert bool(ward.press(f"call_off:{reference}").refusal) is not may
    assert [it.by for it in ward.records(r.EmergencyEnded)] == [ward.ref(who)] * may


@pytest.mark.parametrize(("who", "why"), [("P1", "reviewers_own"), ("P2", "")])
def test_whoever_agreed_to_an_emergency_does_not_judge_it(ward: Ward, who: str, why: str) -> None:
    begin(ward, "break_glass", "N1", "P1")
    reference = ward.records(r.EmergencyBegun)[-1].emergency
    ward.press("sign_out")
    ward.sign_in(who)
    assert reviews.refusal(ward.state, reference, NOON_MS) == "still_on"
    ward.state.emergencies[reference].ended = "expired"
    assert reviews.refusal(ward.state, reference, NOON_MS) == why
