"""A new PIN alone: by a code, beside somebody who did not issue it, by the person's own hand."""

import pytest

from auth.lockout import Tries
from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet import staff_records as st
from cabinet.journal import replay
from cabinet.retention import in_use
from tests.administrator import choose, facts
from tests.attacker import plain
from tests.rights_reader import Reader
from tests.test_people_report import rows
from tests.test_sensor import down
from tests.ward import Ward, badge

NEW = "60284937"
CODE = "code of a new PIN"


@pytest.fixture
def ward() -> Ward:
    return Ward(stocked=False)


def withdrawn(ward: Ward, staff_id: str = "N1", by: str = "A1", second: str = "") -> None:
    """An administrator resets the PIN of somebody, and holds the code."""
    ward.sign_in(by)
    choose(ward, staff_id)
    ward.press("edit:again")
    ward.press("enrol_again:secret")
    assert ward.screen().name == "check_person"
    assert facts(ward)["PIN or passphrase"].startswith("Works no more")
    ward.press("save_change")
    if second:
        ward.prove(second)
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", CODE))
    assert ward.screen().name == "code"
    ward.press("menu")
    ward.press("sign_out")


def code_typed(ward: Ward, by: str = "C1") -> None:
    """The code is typed beside an enroller."""
    ward.enter(CODE, by)


def finger(ward: Ward, outcome: str, slot: int | None = None) -> None:
    ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, outcome, slot))


def shown(ward: Ward, staff_id: str = "N1") -> None:
    """The person's badge, and a finger of theirs where it is asked for."""
    ward.do(e.BadgeSeen(badge(staff_id)))
    person = ward.state.people[ward.ref(staff_id)]
    if ward.engine.place.page == "enrol_prove":
        finger(ward, "matched", person.slots[0])


def chosen(ward: Ward) -> None:
    ward.press("new_pin", NEW)
    ward.do(e.PinHashed(ward.command(e.HashPin).request, "hash of the new one"))
    ward.press("same_pin", NEW)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))


def person_of(ward: Ward, staff_id: str = "N1") -> object:
    return ward.state.people[ward.ref(staff_id)]


def followed(ward: Ward) -> None:
    """The ledger says it all, and whoever reads only the ledger finds no fault."""
    assert plain(replay(ward.sink)) == plain(ward.state)
    Reader().follow(ward.sink.bodies)


def test_a_new_pin_is_chosen_beside_an_enroller_and_everything_else_stays(ward: Ward) -> None:
    nina = ward.state.people[ward.ref("N1")]
    nina.totp, nina.totp_name = "sealed", "app"
    before, old = (nina.slots, nina.badge, nina.totp, nina.rights), nina.credential_name
    withdrawn(ward)
    assert ward.records(st.CredentialsWithdrawn)[-1].pin_alone
    assert (nina.pin, nina.enrolled, nina.slots) == ("", True, before[0])
    code_typed(ward)
    assert ward.records(r.EnrolmentStarted)[-1].slots == ()
    shown(ward)
    chosen(ward)
    renewed = ward.records(st.PinRenewed)[-1]
    assert (renewed.person, renewed.factors, renewed.fallback) == (
        ward.ref("N1"),
        ("badge", "finger"),
        "",
    )
    assert (nina.slots, nina.badge, nina.totp, nina.rights) == before
    assert (nina.pin, nina.credential_name) == ("hash of the new one", renewed.credential)
    assert nina.pin_ms == ward.wall_ms + ward.now_ms
    assert old not in in_use(ward.state, ward.now_ms), "the old one is erased after its term"
    assert CODE not in ward.state.codes and ward.state.enrolment is None
    assert "works from now on" in repr(ward.screen())
    nina.totp = nina.totp_name = ""  # which no record of this test gave
    followed(ward)


def test_meanwhile_badge_and_finger_go_on_and_no_pin_does(ward: Ward) -> None:
    withdrawn(ward)
    ward.sign_in("N1")
    ward.press("sign_out")
    down(ward)
    ward.do(e.BadgeSeen(badge("N1")))
    ward.press("pin", "73910264")
    assert ward.command(e.CheckPin).encoded == "", "compared with nothing, as long as any"


def test_its_wrong_tries_are_forgotten_and_those_of_fingers_and_codes_are_not(ward: Ward) -> None:
    ward.state.tries[badge("N1")] = Tries(fingers=3, pins=10, strong=2)
    withdrawn(ward)
    code_typed(ward)
    shown(ward)
    chosen(ward)
    kept = ward.state.tries[badge("N1")]
    assert (kept.fingers, kept.pins, kept.strong) == (3, 0, 2)


def test_the_code_can_be_issued_anew_until_the_pin_is_chosen(ward: Ward) -> None:
    withdrawn(ward)
    ward.sign_in("A1")
    ward.press("invite")
    assert f"issue:{ward.ref('N1')}" in screens.buttons(ward.screen())
    ward.press(f"issue:{ward.ref('N1')}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", "another"))
    ward.press("menu")
    ward.press("sign_out")
    assert CODE not in ward.state.codes
    ward.enter("another", "C1")
    shown(ward)
    chosen(ward)
    assert ward.records(st.PinRenewed)


def test_who_has_no_finger_shows_the_badge_beside_the_enroller(ward: Ward) -> None:
    withdrawn(ward, "N3")
    code_typed(ward)
    shown(ward, "N3")
    assert ward.screen().name == "enrol_pin"
    chosen(ward)
    renewed = ward.records(st.PinRenewed)[-1]
    assert (renewed.factors, renewed.fallback) == (("badge",), "not_enrolled")
    followed(ward)


@pytest.mark.parametrize("when", ["before", "meanwhile", "fault"])
def test_without_the_sensor_it_goes_on_and_the_record_says_so(ward: Ward, when: str) -> None:
    withdrawn(ward)
    if when == "before":
        down(ward)
        ward.do(e.BadgeSeen(badge("C1")))
        ward.press("pin", "73910264")
        ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
        ward.press("menu")
        ward.press("enrolling")
        ward.press("stand_by", "K7QM-2XWP-9HTA")
        ward.do(e.CodeHashed(ward.command(e.HashCode).request, CODE))
    else:
        code_typed(ward)
    ward.do(e.BadgeSeen(badge("N1")))
    if when == "meanwhile":
        down(ward)
    elif when == "fault":
        finger(ward, "fault")
    assert ward.screen().name == "enrol_pin"
    chosen(ward)
    renewed = ward.records(st.PinRenewed)[-1]
    why = "sensor_fault" if when == "fault" else "sensor_down"
    assert (renewed.factors, renewed.fallback) == (("badge",), why)
    followed(ward)


def test_the_report_on_people_tells_of_it(ward: Ward) -> None:
    withdrawn(ward)
    code_typed(ward)
    shown(ward)
    chosen(ward)
    said = [row["What"] for row in rows(ward)]
    assert said[-4:] == [
        "must choose a new PIN",
        "given a one-time code",
        "stood by an enrolment",
        "chose a new PIN, proved by badge and finger",
    ]


def test_a_power_cut_leaves_the_code_good_and_the_fingers_there(ward: Ward) -> None:
    slots = ward.state.people[ward.ref("N1")].slots
    withdrawn(ward)
    code_typed(ward)
    ward.do(e.BadgeSeen(badge("N1")))
    ward.restart()
    ward.do(e.DeviceChanged("fingerprint", "", "5a" * 16))
    assert ward.state.people[ward.ref("N1")].slots == slots
    assert not set(slots) & set(ward.state.wiping)
    code_typed(ward)
    shown(ward)
    chosen(ward)
    assert ward.records(st.PinRenewed)
    followed(ward)


# --- attacks --------------------------------------------------------------------------------------


def test_attack_an_administrator_with_her_badge_does_not_stand_by_their_own_code(
    ward: Ward,
) -> None:
    withdrawn(ward)
    ward.stand_by("A1")
    ward.press("stand_by", "K7QM-2XWP-9HTA")
    ward.do(e.CodeHashed(ward.command(e.HashCode).request, CODE))
    assert ward.records(r.Refused)[-1].why == "own_code"
    assert ward.state.enrolment is None and not ward.state.people[ward.ref("N1")].pin


def test_attack_with_nobody_standing_by_no_pin_is_chosen(ward: Ward) -> None:
    withdrawn(ward)
    ward.press("have_code")
    ward.press("code", "K7QM-2XWP-9HTA")
    ward.do(e.CodeHashed(ward.command(e.HashCode).request, CODE))
    assert ward.records(r.CodeRefused)[-1].why == "nobody_stands_by"
    assert ward.state.enrolment is None


@pytest.mark.parametrize("other", ["N2", "A1", "nobody's"])
def test_attack_with_another_badge_no_pin_is_chosen(ward: Ward, other: str) -> None:
    withdrawn(ward)
    code_typed(ward)
    ward.do(e.BadgeSeen(badge(other)))
    assert ward.screen().name == "enrol_badge" and ward.engine.place.newcomer.badge == ""
    assert ward.state.people[ward.ref("N1")].badge == badge("N1")


def test_attack_with_her_badge_and_another_finger_the_code_is_spent(ward: Ward) -> None:
    """Whoever issued it and whoever stands by conspire: without her finger there is no PIN."""
    withdrawn(ward)
    code_typed(ward)
    ward.do(e.BadgeSeen(badge("N1")))
    for _ in range(2):
        finger(ward, "no_match")
        assert ward.screen().name == "enrol_prove"
    finger(ward, "matched", ward.state.people[ward.ref("N2")].slots[0])
    assert ward.records(r.EnrolmentEnded)[-1].why == "finger_missed"
    assert CODE not in ward.state.codes and not ward.state.people[ward.ref("N1")].pin
    assert "Ask for a new code" in repr(ward.screen())
    assert ward.state.people[ward.ref("N1")].slots, "her finger stays hers"
    followed(ward)


def test_attack_a_late_answer_of_the_sensor_lets_nobody_choose(ward: Ward) -> None:
    withdrawn(ward)
    code_typed(ward)
    ward.do(e.BadgeSeen(badge("N1")))
    asked = ward.command(e.VerifyFinger).request
    ward.press("cancel")
    code_typed(ward)
    ward.do(e.BadgeSeen(badge("N1")))
    ward.do(e.FingerSeen(asked, "matched", ward.state.people[ward.ref("N1")].slots[0]))
    assert ward.screen().name == "enrol_prove"


def test_attack_nobody_resets_their_own_pin(ward: Ward) -> None:
    ward.sign_in("A1")
    choose(ward, "A1")
    ward.press("edit:again")
    ward.press("enrol_again:secret")
    ward.press("save_change")
    assert ward.records(r.Refused)[-1].why == "own_rights"
    assert not ward.records(st.CredentialsWithdrawn)


@pytest.mark.parametrize("whose", ["P1", "A2"])
def test_attack_a_keepers_pin_is_reset_by_two_administrators(ward: Ward, whose: str) -> None:
    ward.sign_in("A1")
    choose(ward, whose)
    ward.press("edit:again")
    ward.press("enrol_again:secret")
    ward.press("save_change")
    assert ward.screen().name == "witness" and not ward.records(st.CredentialsWithdrawn)
    assert "gets a new PIN" not in repr(ward.screen())
    ward.do(e.BadgeSeen(badge("A2")))
    assert "gets a new PIN" in ward.screen().title
    finger(ward, "matched", ward.state.people[ward.ref("A2")].slots[0])
    assert ward.records(st.CredentialsWithdrawn)[-1].approved_by == ward.ref("A2")


def test_attack_the_code_of_a_new_pin_touches_no_finger(ward: Ward) -> None:
    withdrawn(ward)
    ward.commands.clear()
    code_typed(ward)
    shown(ward)
    chosen(ward)
    assert not [it for it in ward.commands if isinstance(it, e.EnrolFinger | e.DeleteFinger)]
    begun = ward.records(r.EnrolmentStarted)[-1].enrolment
    assert begun not in [it.enrolment for it in ward.records(r.PersonEnrolled)]


@pytest.mark.parametrize("change", ["suspended", "another badge", "enrols again"])
def test_attack_what_a_list_changed_meanwhile_is_not_passed_over(ward: Ward, change: str) -> None:
    withdrawn(ward)
    code_typed(ward)
    shown(ward)
    status = "suspended" if change == "suspended" else None
    theirs = badge("N1 anew") if change == "another badge" else badge("N1")
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", theirs, status)
    if change == "enrols again":
        ward.state.people[ward.ref("N1")].enrolled = False
    else:
        assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    chosen(ward)
    assert (
        ward.records(r.EnrolmentEnded)[-1].enrolment
        == ward.records(r.EnrolmentStarted)[-1].enrolment
    )
    assert not ward.records(st.PinRenewed) and not ward.state.people[ward.ref("N1")].pin


def test_the_last_administrator_without_a_finger_keeps_the_pin(ward: Ward) -> None:
    ward.state.people[ward.ref("A2")].slots = ()
    ada = ward.state.people[ward.ref("A1")]
    ward.sign_in("A1")
    choose(ward, "A2")
    ada.rights = type(ada.rights)("administrator", expires_ms=ward.wall_ms * 2)
    ward.press("edit:again")
    ward.press("enrol_again:secret")
    ward.press("save_change")
    assert ward.records(r.Refused)[-1].why == "last_administrator"
