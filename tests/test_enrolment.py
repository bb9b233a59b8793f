"""Enrolling with a one-time code: once, in time, as oneself; and nothing works before two have."""

import secrets

import pytest

from auth.errors import UnusablePin
from auth.pins import check_usable, keyed_hash, make_code, plain_code
from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import Journal, replay
from cabinet.state import State
from cabinet.step import Engine
from tests.ward import PIN, PLAN, ListSink, Ward, badge

HOUR_MS = 3_600_000


class Fresh(Ward):
    """A cabinet as `cabinet init` leaves it."""

    def __init__(self) -> None:
        self.sink = ListSink()
        self.now_ms, self.wall_ms, self._draws = 0, 1_790_000_000_000, 0
        self.commands = []
        self.positions = {drawer.id: "latched" for drawer in PLAN.drawers}
        self.plan = PLAN
        self.engine = Engine(State(), Journal(self.sink, "ward-1", "boot-1", self._random))
        self.do(e.Create("Ward 1", True, "test", ("code-1", "code-2"), 72, 2))
        self.start()


@pytest.fixture
def fresh() -> Fresh:
    return Fresh()


@pytest.fixture
def ward() -> Ward:
    return Ward()


def enter(ward: Ward, code: str) -> None:
    """Type a code at the first screen; `code` is its keyed hash."""
    ward.enter(code)


def who(ward: Ward, staff_id: str = "X1", family: str = "New", given: str = "Nell") -> None:
    ward.press("staff_id", staff_id)
    ward.press("family", family)
    ward.press("given", given)


def pins(ward: Ward) -> None:
    ward.press("new_pin", PIN)
    ward.do(e.PinHashed(ward.command(e.HashPin).request, "encoded"))
    ward.press("same_pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))


def said(ward: Ward) -> str:
    return repr([getattr(block, "text", "") for block in ward.screen().blocks])


def issued(ward: Ward, staff_id: str, code: str = "code") -> None:
    """An administrator issues a code for somebody new on the list."""
    row = e.PersonRow(staff_id, "Nell", "New", "nurse", badge(staff_id))
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.sign_in("A1")
    ward.press("invite")
    ward.press(f"issue:{ward.ref(staff_id)}")
    ward.do(e.CodeMade(ward.command(e.MakeCode).request, "plain", code))
    ward.press("menu")
    ward.press("sign_out")


# --- a new cabinet --------------------------------------------------------------------------------


def test_nothing_but_enrolling_works_before_two_administrators_have_enrolled(fresh: Fresh) -> None:
    for enrolled in range(2):
        assert ward_buttons(fresh) == ["have_code"]
        size = fresh.sink.size
        fresh.do(e.BadgeSeen(badge("A1")))
        assert ward_buttons(fresh) == ["have_code"]
        assert fresh.sink.size == size
        assert fresh.do(e.Import("test")).refusal
        if not enrolled:
            fresh._enrol("A1", "code-1")
    assert not fresh.state.in_service
    fresh._enrol("A2", "code-2")
    assert fresh.state.in_service
    fresh.sign_in("A1")


def ward_buttons(ward: Ward) -> list[str]:
    return list(screens.buttons(ward.screen()))


def test_a_code_works_once(fresh: Fresh) -> None:
    fresh._enrol("A1", "code-1")
    enter(fresh, "code-1")
    assert fresh.records(r.CodeRefused) == [r.CodeRefused("unknown")]
    assert fresh.state.enrolment is None


def test_one_person_cannot_enrol_twice_with_one_badge(fresh: Fresh) -> None:
    fresh._enrol("A1", "code-1")
    enter(fresh, "code-2")
    who(fresh, "A9")
    fresh.do(e.BadgeSeen(badge("A1")))
    assert "somebody else" in said(fresh)
    assert fresh.screen().name == "enrol_badge"


def test_one_person_cannot_enrol_twice_with_one_staff_number(fresh: Fresh) -> None:
    fresh._enrol("A1", "code-1")
    enter(fresh, "code-2")
    assert fresh.press("staff_id", "A1").refusal
    assert fresh.screen().name == "enrol_staff_id"


def test_an_unknown_code_is_refused_and_recorded_without_what_was_typed(fresh: Fresh) -> None:
    enter(fresh, "no such code")
    assert fresh.records(r.CodeRefused) == [r.CodeRefused("unknown")]
    assert not any(b"K7QM" in body for body in fresh.sink.bodies)


def test_a_code_that_expired_is_refused(fresh: Fresh) -> None:
    fresh.wall_ms += 72 * HOUR_MS
    enter(fresh, "code-1")
    assert fresh.records(r.CodeRefused) == [r.CodeRefused("expired")]


def test_an_abandoned_enrolment_leaves_the_code_good_and_nobody_enrolled(fresh: Fresh) -> None:
    enter(fresh, "code-1")
    who(fresh)
    fresh.do(e.BadgeSeen(badge("X1")))
    fresh.press("cancel")
    assert fresh.records(r.EnrolmentEnded)[-1].why == "cancelled"
    enter(fresh, "code-1")
    who(fresh)
    fresh.wait(181)
    assert fresh.records(r.EnrolmentEnded)[-1].why == "timed_out"
    assert not fresh.state.people
    fresh._enrol("A1", "code-1")


def test_power_off_during_an_enrolment_leaves_the_code_good(fresh: Fresh) -> None:
    enter(fresh, "code-1")
    who(fresh)
    fresh.restart()
    assert fresh.state.enrolment is None
    fresh._enrol("A1", "code-1")


def test_presses_faster_than_codes_are_hashed_make_one_job(fresh: Fresh) -> None:
    fresh.press("have_code")
    for _ in range(100):
        fresh.press("code", "K7QM-2XWP-9HTA")
    assert len([it for it in fresh.commands if isinstance(it, e.HashCode)]) == 1


# --- the newcomer ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        *((pin, "of one digit or of runs") for pin in ("00000000", "98765432", "14703692")),
        *((pin, "of one digit or of runs") for pin in ("45698765", "34562109", "34567210")),
        *((pin, "repeats itself") for pin in ("73917391", "73573573")),
        *((pin, "looks like a date") for pin in ("19870412", "20873512", "35121987", "35122087")),
        *((pin, "pairs or of mirrored") for pin in ("73988937", "77339955")),
        *((pin, "counts on") for pin in ("15263748", "26374859")),
        *((pin, "lines on the keypad") for pin in ("14736952", "96374102")),
        ("26535897", "Many people choose"),
        *((pin, "staff number") for pin in ("02739586", "73950264")),
    ],
)
def test_a_pin_is_refused_for_its_own_reason(pin: str, why: str) -> None:
    with pytest.raises(UnusablePin, match=why):
        check_usable(pin, ("A-7395",))


# Each is like one that is refused, but for what makes that one too easy to guess.
@pytest.mark.parametrize(
    "pin",
    [
        *("34072915", "77392615", "15372604", "27812906", "14782603", "82614703", "73910264"),
        *("73988936", "73917390"),
    ],
)
def test_a_pin_that_is_only_like_an_easy_one_can_be_chosen(pin: str) -> None:
    check_usable(pin, ("739", "", "A-B", "55556666"))


@pytest.mark.parametrize(
    "pin",
    [
        *("", "1234567", "123456789", "abcdefgh", "٧٣٩١٠٢٦٤", "-1234567", "1234 678"),
        *("00000000", "99999999", "12345678", "23456789", "87654321", "98765432", "90123456"),
        *("12344321", "11223344", "15263748", "15935724", "74185290", "25802580", "31415926"),
        *("12121212", "12341234", "73917391", "19870412", "20260101", "04121987", "12042001"),
        *("73973973", "24680246", "36925814", "12349876", "55512345", "12345999", "99998765"),
    ],
)
def test_a_pin_that_anyone_would_try_first_cannot_be_chosen(pin: str) -> None:
    with pytest.raises(UnusablePin) as caught:
        check_usable(pin)
    assert not pin or pin not in str(caught.value)


def test_an_unusable_pin_is_asked_again_with_the_reason(ward: Ward) -> None:
    issued(ward, "X1")
    enter(ward, "code")
    ward.do(e.BadgeSeen(badge("X1")))
    ward.press("new_pin", "12345678")
    request = ward.command(e.HashPin).request
    ward.do(e.PinHashed(request, unusable="A run of digits is too easy to guess."))
    assert "too easy" in said(ward)
    assert ward.screen().name == "enrol_pin"


def test_two_pins_that_differ_are_asked_again(ward: Ward) -> None:
    issued(ward, "X1")
    enter(ward, "code")
    ward.do(e.BadgeSeen(badge("X1")))
    ward.press("new_pin", PIN)
    ward.do(e.PinHashed(ward.command(e.HashPin).request, "encoded"))
    ward.press("same_pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, False))
    assert ward.screen().name == "enrol_pin"
    assert not ward.engine.place.newcomer.first_pin


def test_somebody_elses_badge_is_refused(ward: Ward) -> None:
    issued(ward, "X1")
    enter(ward, "code")
    ward.do(e.BadgeSeen(badge("N1")))
    assert "somebody else" in said(ward)


def test_whoever_has_a_code_but_not_the_listed_badge_does_not_enrol_as_somebody(
    ward: Ward,
) -> None:
    """The administrator who saw the code holds a blank badge to the reader."""
    issued(ward, "X1")
    enter(ward, "code")
    ward.do(e.BadgeSeen(badge("a blank one")))
    assert ward.screen().name == "enrol_badge"
    assert "staff list" in said(ward)


def test_a_newcomer_is_known_by_no_longer_name_than_fits(fresh: Fresh) -> None:
    enter(fresh, "code-1")
    for typed in ("", "   ", "x" * 31, "a\tb", "\x1b[2J", "\u202etxt"):
        assert fresh.press("staff_id", typed).refusal
        assert fresh.screen().name == "enrol_staff_id"
    fresh.press("staff_id", " X1 ")
    assert fresh.engine.place.newcomer.staff_id == "X1"
    assert fresh.press("family", "\u0000").refusal


def test_with_the_sensor_down_one_enrols_with_badge_and_pin(ward: Ward) -> None:
    issued(ward, "X1")
    ward.do(e.DeviceChanged("fingerprint", "unplugged"))
    enter(ward, "code")
    ward.do(e.BadgeSeen(badge("X1")))
    pins(ward)
    (enrolled,) = [it for it in ward.records(r.PersonEnrolled) if it.person == ward.ref("X1")]
    assert enrolled.slots == ()
    ward.prove("X1")
    assert ward.state.session is not None
    assert ward.state.session.fallback == "sensor_down"


@pytest.mark.parametrize("outcome", ["timed_out", "fault"])
def test_a_finger_that_is_not_read_can_be_tried_again_or_left_out(ward: Ward, outcome: str) -> None:
    issued(ward, "X1")
    enter(ward, "code")
    ward.do(e.BadgeSeen(badge("X1")))
    pins(ward)
    first = ward.command(e.EnrolFinger)
    ward.do(e.FingerSeen(first.request, outcome))
    assert ward.screen().name == "enrol_skipped"
    ward.press("try_finger")
    again = ward.command(e.EnrolFinger)
    assert (again.slot, again.request != first.request) == (first.slot, True)
    ward.do(e.FingerSeen(first.request, "enrolled", first.slot))
    assert not ward.engine.place.newcomer.slots, "an older answer counts for nothing"
    ward.do(e.FingerSeen(again.request, "captured"))
    ward.do(e.FingerSeen(again.request, "mismatch"))
    third = ward.command(e.EnrolFinger)
    ward.do(e.FingerSeen(third.request, "enrolled", third.slot))
    ward.press("without_finger")
    assert ward.records(r.PersonEnrolled)[-1].slots == (first.slot,)
    assert isinstance(ward.commands[-1], e.CancelFinger)


def test_a_slot_that_was_not_asked_for_is_not_believed(ward: Ward) -> None:
    issued(ward, "X1")
    enter(ward, "code")
    ward.do(e.BadgeSeen(badge("X1")))
    pins(ward)
    somebodys = ward.state.people[ward.ref("N1")].slots[0]
    ward.do(e.FingerSeen(ward.command(e.EnrolFinger).request, "enrolled", somebodys))
    assert ward.screen().name == "enrol_skipped"
    assert not ward.engine.place.newcomer.slots


def test_nobody_shares_a_slot(ward: Ward) -> None:
    slots = [slot for person in ward.state.people.values() for slot in person.slots]
    assert len(slots) == len(set(slots))


# --- lists that change meanwhile ------------------------------------------------------------------


def test_a_badge_that_a_list_gave_away_meanwhile_ends_the_enrolment(fresh: Fresh) -> None:
    fresh._enrol("A1", "code-1")
    fresh._enrol("A2", "code-2")
    row = e.PersonRow("X1", "Nell", "New", "nurse", "")
    assert not fresh.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    fresh.sign_in("A1")
    fresh.press("invite")
    fresh.press(f"issue:{fresh.ref('X1')}")
    fresh.do(e.CodeMade(fresh.command(e.MakeCode).request, "plain", "code"))
    fresh.press("menu")
    fresh.press("sign_out")
    enter(fresh, "code")
    fresh.do(e.BadgeSeen(badge("found on the floor")))
    owner = e.PersonRow("X2", "Olga", "Owner", "nurse", badge("found on the floor"))
    assert not fresh.do(e.Import("test", people=(("people.csv:2", owner),))).refusal
    pins(fresh)
    fresh.press("without_finger")
    assert fresh.records(r.EnrolmentEnded)[-1].why == "badge_taken"
    assert replay(fresh.sink).by_badge[badge("found on the floor")] == fresh.ref("X2")


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_the_code_of_somebody_suspended_meanwhile_is_worth_nothing(ward: Ward, status: str) -> None:
    issued(ward, "X1")
    stop(ward, status)
    enter(ward, "code")
    assert ward.state.enrolment is None
    assert ward.records(r.CodeRefused)[-1].why == "unknown"


def test_somebody_suspended_in_the_middle_of_enrolling_is_not_enrolled(ward: Ward) -> None:
    issued(ward, "X1")
    enter(ward, "code")
    ward.do(e.BadgeSeen(badge("X1")))
    pins(ward)
    stop(ward, "suspended")
    ward.press("without_finger")
    assert ward.records(r.EnrolmentEnded)[-1].why == "rights_withdrawn"
    assert not ward.state.people[ward.ref("X1")].enrolled


def stop(ward: Ward, status: str) -> None:
    """A list says that X1 is not to come."""
    row = e.PersonRow("X1", "Nell", "New", "nurse", badge("X1"), status)
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal


# --- issuing codes --------------------------------------------------------------------------------


def test_a_new_code_for_somebody_replaces_the_old_one(ward: Ward) -> None:
    issued(ward, "X1", "first")
    issued(ward, "X1", "second")
    enter(ward, "first")
    assert ward.records(r.CodeRefused)[-1].why == "unknown"
    enter(ward, "second")
    assert ward.state.enrolment is not None


def test_a_code_is_shown_once(ward: Ward) -> None:
    issued(ward, "X1")
    assert ward.engine.place.shown_code == ""
    assert not any(b"plain" in body for body in ward.sink.bodies)


def test_a_code_that_is_made_after_one_went_on_is_neither_recorded_nor_shown(ward: Ward) -> None:
    row = e.PersonRow("X1", "Nell", "New", "nurse", badge("X1"))
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.sign_in("A1")
    ward.press("invite")
    ward.press(f"issue:{ward.ref('X1')}")
    request = ward.command(e.MakeCode).request
    ward.press("menu")
    codes = len(ward.records(r.CodeIssued))
    ward.do(e.CodeMade(request, "plain", "code"))
    assert ward.screen().name == "menu"
    assert len(ward.records(r.CodeIssued)) == codes
    ward.press("sign_out")
    ward.do(e.CodeMade(request, "plain", "code"))
    assert len(ward.records(r.CodeIssued)) == codes


@pytest.mark.parametrize("staff_id", ["N1", "P1", "T1"])
def test_only_an_administrator_issues_codes(ward: Ward, staff_id: str) -> None:
    ward.sign_in(staff_id)
    if ward.screen().name != "menu":
        ward.press("menu")
    assert ward.press("invite").refusal


def test_an_administrator_whose_rights_went_meanwhile_issues_none(ward: Ward) -> None:
    issued(ward, "X1")
    row = e.PersonRow("X2", "Max", "More", "nurse", badge("X2"))
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.sign_in("A1")
    ward.press("invite")
    gone = e.PersonRow("A1", "Ada", "Admin", "administrator", "", status="suspended")
    assert not ward.do(e.Import("test", people=(("people.csv:2", gone),))).refusal
    ward.press(f"issue:{ward.ref('X2')}")
    assert ward.records(r.Refused)[-1].why == "rights_withdrawn"


def test_codes_are_long_random_and_known_by_a_keyed_hash_alone() -> None:
    codes = {make_code(secrets.token_bytes) for _ in range(1000)}
    assert len(codes) == 1000
    assert all(len(plain_code(code)) == 12 for code in codes)
    assert plain_code(" k7qm 2xwp-9hta ") == "K7QM2XWP9HTA"
    one, other = keyed_hash(bytes(32), "code", "A"), keyed_hash(b"\1" * 32, "code", "A")
    assert one != other
    assert keyed_hash(bytes(32), "badge", "A") != one
