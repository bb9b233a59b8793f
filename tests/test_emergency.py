"""Removing without an order: override, break-glass, critical override, and the verdict on each."""

from dataclasses import replace

import msgspec
import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from cabinet.messages import Live, Rows
from cabinet.plan import Asked, Override, Plan
from tests.attacker import plain
from tests.ward import PLAN, Ward, badge

HOUR_MS = 3_600_000
LISTED = msgspec.structs.replace(
    PLAN,
    override=tuple(
        Override(medicine, most, "Pharmacy", "2027-01-31")
        for medicine, most in (("OXY5", 1), ("PARA", 2))
    ),
)


@pytest.fixture
def ward() -> Ward:
    return Ward(LISTED)


def grant(ward: Ward, staff_id: str, *groups: str) -> None:
    """Override rights, as two administrators give them."""
    person = ward.state.people[ward.ref(staff_id)]
    person.rights = msgspec.structs.replace(person.rights, override_groups=groups)


def moment(ward: Ward) -> e.Moment:
    return e.Moment(ward.wall_ms + ward.now_ms, ward.now_ms, bytes(32), ward.positions)


def live(ward: Ward) -> Live:
    return screens.live(ward.state, ward.engine.place, moment(ward))


def alarms(ward: Ward) -> str:
    return " ".join(alarm.text for alarm in live(ward).alarms)


def search(ward: Ward, typed: str, why: str = "emergency") -> None:
    """From the first patient to what was found."""
    if ward.engine.place.page != "home":
        ward.press("home")
    patient = ward.state.orders["O1"].listed.patient
    ward.press(f"patient:{patient}")
    assert not ward.press(f"override:{patient}").refusal
    ward.press(f"override_why:{why}")
    ward.press("find", typed)


def override(ward: Ward, typed: str, medicine: str) -> str:
    """As far as the press that opens the drawer; the reason of a refusal, or ""."""
    search(ward, typed)
    ward.press(f"found:{medicine}")
    ward.commands.clear()
    ward.press("open_override")
    return "" if ward.state.access is not None else str(ward.records(r.Refused)[-1].why)


def finish(ward: Ward) -> str:
    """Take it and shut the drawer; the removal's reference."""
    assert ward.state.access is not None
    started = ward.state.access.started
    ward.pull(started.drawer)
    if ward.screen().name == "count":
        ward.press("count", str(ward.state.on_hand(started.pocket)))
    ward.push(started.drawer)
    return str(ward.records(r.RemovalTaken)[-1].removal)


def begin(ward: Ward, kind: str, who: str, second: str, why: str = "patient_in_danger") -> None:
    """Somebody signs in and begins it, a second person agrees."""
    ward.sign_in(who)
    if ward.screen().name != "menu":
        ward.press("menu")
    ward.press("emergency")
    ward.press(kind)
    ward.press(f"begin:{kind}:{why}")
    if second:
        ward.prove(second)


# --- override -------------------------------------------------------------------------------------


def test_one_dose_without_an_order_by_who_may_and_it_waits_for_a_verdict(ward: Ward) -> None:
    grant(ward, "N1", "A")
    ward.sign_in("N1")
    assert override(ward, "oxyco", "OXY5") == ""
    (started,) = [it for it in ward.records(r.AccessStarted) if it.kind == "remove"]
    assert (started.override, started.order, started.quantity) == ("emergency", "", 1)
    assert started.factors == ("badge", "finger")
    removal = finish(ward)
    assert ward.state.overridden[removal].person == ward.ref("N1")
    assert ward.state.removals[removal].outstanding == 1


def test_without_override_rights_it_is_not_offered(ward: Ward) -> None:
    ward.sign_in("N1")
    patient = ward.state.orders["O1"].listed.patient
    ward.press(f"patient:{patient}")
    assert ward.press(f"override:{patient}").refusal


def test_a_medicine_outside_ones_override_groups_is_not_released(ward: Ward) -> None:
    grant(ward, "N1", "E")
    ward.sign_in("N1")
    search(ward, "oxyco")
    (rows,) = [it for it in ward.screen().blocks if isinstance(it, Rows)]
    assert rows.rows[0].why_not
    assert ward.press("found:OXY5").refusal


def test_a_medicine_that_the_site_does_not_list_is_not_released(ward: Ward) -> None:
    grant(ward, "N1", "A", "E")
    ward.sign_in("N1")
    search(ward, "morph")
    assert ward.press("found:MOR10").refusal


def test_override_rights_withdrawn_between_search_and_press_release_nothing(ward: Ward) -> None:
    grant(ward, "N1", "A")
    ward.sign_in("N1")
    search(ward, "oxyco")
    ward.press("found:OXY5")
    grant(ward, "N1")
    ward.commands.clear()
    ward.press("open_override")
    assert ward.records(r.Refused)[-1].why == "wrong_override_group"
    assert not any(isinstance(it, e.Pulse) for it in ward.commands)


def test_no_medicine_is_listed_before_five_letters(ward: Ward) -> None:
    grant(ward, "N1", "A")
    ward.sign_in("N1")
    search(ward, "oxy")
    assert ward.screen().name == "override_search"
    assert "oxyCODONE" not in repr(ward.screen())


# --- break-glass ----------------------------------------------------------------------------------


def test_break_glass_takes_two_people_and_tells_everybody(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "")
    assert ward.screen().name == "witness"
    assert not ward.records(r.EmergencyBegun)
    ward.prove("N2")
    (begun,) = ward.records(r.EmergencyBegun)
    assert (begun.person, begun.second) == (ward.ref("N1"), ward.ref("N2"))
    assert begun.second_factors == ("badge", "finger")
    assert "BREAK-GLASS" in alarms(ward)
    assert live(ward).alarms[0].priority == "high"
    assert screens.outputs(ward.state, moment(ward)).beep
    assert override(ward, "morph", "MOR10") == ""
    started = ward.records(r.AccessStarted)[-1]
    assert started.emergency == begun.emergency


@pytest.mark.parametrize("second", ["N1", "T1", "A1"])
def test_nobody_breaks_glass_alone_or_with_who_may_not_agree(ward: Ward, second: str) -> None:
    begin(ward, "break_glass", "N1", second)
    assert not ward.records(r.EmergencyBegun)


def test_break_glass_with_a_second_account_of_the_same_human_is_refused(ward: Ward) -> None:
    for staff_id in ("N1", "N2"):
        ward.state.people[ward.ref(staff_id)].human_hash = "one human"
    begin(ward, "break_glass", "N1", "N2")
    assert ward.records(r.Refused)[-1].why == "same_person"
    assert not ward.records(r.EmergencyBegun)


def test_one_person_breaks_glass_where_the_site_says_so_and_gives_a_reason(ward: Ward) -> None:
    alone = Ward(_with(LISTED, Asked("break_glass", witness=False)))
    begin(alone, "break_glass", "N1", "")
    (begun,) = alone.records(r.EmergencyBegun)
    assert (begun.second, begun.why) == ("", "patient_in_danger")
    assert override(alone, "morph", "MOR10") == ""


def _with(plan: Plan, *rows: Asked) -> Plan:
    return msgspec.structs.replace(plan, policy=rows)


def test_broken_glass_is_one_persons_alone(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "N2")
    ward.press("sign_out")
    ward.sign_in("N2")
    patient = ward.state.orders["O1"].listed.patient
    ward.press("everyone")
    ward.press(f"patient:{patient}")
    assert ward.press(f"override:{patient}").refusal


def test_break_glass_over_while_the_drawer_was_chosen_releases_nothing(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "N2")
    search(ward, "morph")
    ward.press("found:MOR10")
    ward.now_ms += HOUR_MS  # and no tick yet
    ward.commands.clear()
    ward.press("open_override")
    assert not any(isinstance(it, e.Pulse) for it in ward.commands)
    ward.wait(1)
    assert ward.records(r.EmergencyEnded)[-1].why == "expired"
    assert "BREAK-GLASS" not in alarms(ward)


def test_a_clock_set_back_makes_no_emergency_longer(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "N2")
    ward.wall_ms -= 10 * HOUR_MS
    ward.now_ms += HOUR_MS
    ward.wait(1)
    assert ward.records(r.EmergencyEnded)


def test_somebody_suspended_has_broken_glass_in_vain(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "N2")
    search(ward, "morph")
    ward.press("found:MOR10")
    person = ward.state.people[ward.ref("N1")]
    person.standing = "suspended"
    ward.commands.clear()
    ward.press("open_override")
    assert not any(isinstance(it, e.Pulse) for it in ward.commands)


def test_broken_glass_lifts_no_second_kind_of_factor(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "N2")
    assert ward.state.session is not None
    ward.state.session = replace(ward.state.session, factors=("badge",))
    assert override(ward, "morph", "MOR10") == "two_factors"


def test_a_technician_cannot_break_glass(ward: Ward) -> None:
    ward.sign_in("T1")
    assert ward.press("emergency").refusal


def test_break_glass_again_and_again_leaves_every_time_on_the_list(ward: Ward) -> None:
    """Two who agree with one another cannot make what they did go away."""
    begin(ward, "break_glass", "N1", "N2")
    ward.press("menu")
    ward.press("emergency")
    ward.press("break_glass")
    ward.press("begin:break_glass:nobody_else")
    assert ward.records(r.Refused)[-1].why == "already_on"
    leave(ward)
    ward.now_ms += HOUR_MS
    ward.wait(1)
    begin(ward, "break_glass", "N2", "N1")
    leave(ward)
    assert len(ward.state.emergencies) == 2
    ward.now_ms += HOUR_MS
    ward.wait(1)
    assert [it.ended for it in ward.state.emergencies.values()] == ["expired", "expired"]


def test_broken_glass_lifts_neither_count_nor_witness(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "N2")
    assert override(ward, "morph", "MOR10") == ""
    ward.pull("D2")
    assert ward.screen().name == "count"
    ward.press("count", "20")
    ward.push("D2")
    removal = ward.records(r.RemovalTaken)[-1].removal
    ward.press("removals")
    ward.press(f"removal:{removal}")
    ward.press("waste")
    ward.press("all")
    assert ward.screen().name == "witness"
    ward.prove("N1")
    assert not ward.records(r.Wasted)


def test_broken_glass_reaches_no_other_drawer_while_one_is_open(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "N2")
    search(ward, "morph")
    ward.press("found:MOR10")
    ward.positions["D1"] = "open"
    ward.commands.clear()
    ward.press("open_override")
    assert not any(isinstance(it, e.Pulse) for it in ward.commands)


def test_glass_broken_by_two_who_then_part_is_told_at_rest_too(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "N2")
    leave(ward)
    assert ward.screen().name == "rest"
    assert "BREAK-GLASS" in alarms(ward) and "Nina" not in alarms(ward)


# --- critical override ----------------------------------------------------------------------------


def test_a_second_person_reads_the_hours_that_the_button_said() -> None:
    ward = Ward(LISTED)
    begin(ward, "critical_override", "P1", "")
    assert "Critical override for 4 hours" in repr(ward.screen())


def test_a_critical_override_takes_two_who_may_and_is_everybodys(ward: Ward) -> None:
    begin(ward, "critical_override", "P1", "N2", "system_down")
    assert ward.records(r.Refused)[-1].why == "witness_not_allowed"
    ward.prove("C1")
    (begun,) = ward.records(r.EmergencyBegun)
    assert begun.expires_ms - ward.wall_ms - ward.now_ms == 4 * HOUR_MS
    ward.press("sign_out")
    assert "CRITICAL OVERRIDE" in alarms(ward), "on the screen of rest too"
    ward.sign_in("N1")
    assert override(ward, "morph", "MOR10") == ""
    assert ward.records(r.AccessStarted)[-1].emergency == begun.emergency
    finish(ward)
    ward.press("sign_out")
    ward.wait(4 * 3600)
    assert ward.records(r.EmergencyEnded)[-1].why == "expired"
    assert "CRITICAL OVERRIDE" not in alarms(ward)


def test_a_critical_override_can_be_called_off(ward: Ward) -> None:
    begin(ward, "critical_override", "P1", "C1")
    (begun,) = ward.records(r.EmergencyBegun)
    ward.press("menu")
    ward.press("emergency")
    ward.press(f"call_off:{begun.emergency}")
    assert ward.records(r.EmergencyEnded)[-1] == r.EmergencyEnded(
        begun.emergency, "called_off", ward.ref("P1")
    )


def test_power_off_and_on_ends_no_critical_override_and_makes_none_longer(ward: Ward) -> None:
    begin(ward, "critical_override", "P1", "C1")
    ward.now_ms += HOUR_MS
    ward.restart()
    assert "CRITICAL OVERRIDE" in alarms(ward)
    ward.now_ms += 3 * HOUR_MS
    ward.wait(1)
    assert "CRITICAL OVERRIDE" not in alarms(ward)


# --- the verdict ----------------------------------------------------------------------------------


def leave(ward: Ward) -> None:
    """Sign out, from wherever one is."""
    for button in ("reviews", "emergency", "menu", "home"):
        if button in screens.buttons(ward.screen()):
            ward.press(button)
    ward.press("sign_out")
    assert ward.state.session is None


def judge(ward: Ward, who: str, subject: str) -> None:
    """A pharmacist looks at what waits."""
    ward.sign_in(who)
    ward.press("menu")
    ward.press("reviews")
    ward.press(f"review:{subject}")


def test_what_was_taken_stays_on_the_list_until_a_pharmacist_judges_it(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "N2")
    override(ward, "morph", "MOR10")
    removal = finish(ward)
    leave(ward)
    (begun,) = ward.records(r.EmergencyBegun)
    judge(ward, "P1", begun.emergency)
    assert "verdict" in alarms(ward)
    assert ward.press("justified").refusal, "it is still on"
    leave(ward)
    ward.now_ms += HOUR_MS
    ward.wait(2)
    ward.restart()
    assert begun.emergency in ward.state.emergencies
    judge(ward, "P1", begun.emergency)
    assert "morphine" in repr(ward.screen())
    ward.press("not_justified")
    assert ward.records(r.Reviewed)[-1].verdict == "not_justified"
    assert removal not in ward.state.overridden
    assert "verdict" not in alarms(ward)


def test_nobody_judges_what_they_took_part_in(ward: Ward) -> None:
    begin(ward, "critical_override", "P1", "C1")
    (begun,) = ward.records(r.EmergencyBegun)
    ward.press("menu")
    ward.press("emergency")
    ward.press(f"call_off:{begun.emergency}")
    leave(ward)
    for who in ("P1", "C1"):
        ward.sign_in(who)
        ward.press("menu")
        ward.press("reviews")
        ward.press(f"review:{begun.emergency}")
        assert ward.press("justified").refusal
        leave(ward)
    assert not ward.records(r.Reviewed)
    judge(ward, "P2", begun.emergency)
    ward.press("justified")
    assert ward.records(r.Reviewed)[-1].by == ward.ref("P2")


def test_a_list_past_its_review_is_said_to_who_judges(ward: Ward) -> None:
    ward.sign_in("P1")
    assert "must be looked at again" not in alarms(ward)
    ward.wall_ms += 365 * 24 * HOUR_MS
    assert "must be looked at again" in alarms(ward)


def test_a_nurse_sees_no_list_of_what_to_judge(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.press("menu")
    assert ward.press("reviews").refusal


def test_all_of_it_is_what_the_ledger_says(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "N2")
    override(ward, "morph", "MOR10")
    finish(ward)
    assert plain(replay(ward.sink)) == plain(ward.state)


def test_a_badge_alone_agrees_to_nothing(ward: Ward) -> None:
    begin(ward, "break_glass", "N1", "")
    ward.do(e.BadgeSeen(badge("N2")))
    ward.wait(61)
    assert not ward.records(r.EmergencyBegun)
    assert ward.records(r.WitnessDismissed)[-1].why == "timed_out"
