"""Attacks at the front of the cabinet: badges played back, and two people at once."""

import itertools
from dataclasses import replace

import pytest

from cabinet import events as e
from cabinet import records as r
from tests.test_key_proof import Desk
from tests.test_signin import finger, hold, pin, slots, suspend
from tests.ward import PIN, Ward, badge


@pytest.fixture
def ward() -> Ward:
    return Ward(stocked=False)


def test_attack_a_badge_read_that_is_played_back_opens_nothing_and_signs_nobody_in(
    ward: Ward,
) -> None:
    """Whoever listened on the reader's line has the number, and nothing else."""
    ward.sign_in("N1")
    ward.press("sign_out")
    for _ in range(3):
        hold(ward, "N1")
        finger(ward)
        assert ward.state.session is None
        ward.press("cancel")
    assert [it.why for it in ward.records(r.FactorRefused)] == ["no_match"] * 3


def test_attack_a_badge_played_back_into_its_owners_session_changes_nothing(ward: Ward) -> None:
    ward.sign_in("N1")
    size, session = ward.sink.size, ward.state.session
    for _ in range(50):
        hold(ward, "N1")
    assert (ward.sink.size, ward.state.session) == (size, session)


def test_attack_a_flood_of_badges_during_an_attempt_leaves_no_records_and_no_other_attempt(
    ward: Ward,
) -> None:
    hold(ward, "N1")
    attempt, size = ward.state.attempt, ward.sink.size
    for number in range(100):
        hold(ward, ("N1", "N2", f"stranger {number}")[number % 3])
    assert (ward.state.attempt, ward.sink.size) == (attempt, size)
    finger(ward, "matched", slots(ward, "N1")[0])
    assert ward.state.session is not None and ward.state.session.person == ward.ref("N1")


GESTURES = ("badge N1", "badge N2", "finger N1", "finger N2", "cancel", "late N1")


class Rewound(Ward):
    """A ward that can be put back to where everybody had just enrolled."""

    def __init__(self) -> None:
        super().__init__(stocked=False)
        self._bodies, self._attached = len(self.sink.bodies), len(self.sink.attached)

    def rewind(self) -> "Rewound":
        """Cut the ledger back, and start from it."""
        del self.sink.bodies[self._bodies :]
        del self.sink.attached[self._attached :]
        self.restart()
        return self


@pytest.mark.parametrize("first", GESTURES)
def test_attack_in_a_race_of_two_sign_ins_nobody_becomes_the_other(first: str) -> None:
    """Each order of two people's gestures: whoever is signed in held their badge and finger."""
    made = Rewound()
    for order in itertools.permutations([it for it in GESTURES if it != first]):
        ward = made.rewind()
        requests: dict[str, str] = {}
        proven: list[str] = []
        for gesture in (first, *order):
            what, _, who = gesture.partition(" ")
            attempt = ward.state.attempt
            if what == "badge":
                hold(ward, who)
                if ward.screen().name == "finger":
                    requests.setdefault(who, ward.command(e.VerifyFinger).request)
            elif what == "cancel":
                ward.press("cancel")
            elif what == "late":  # an answer to whatever was asked first
                for request in list(requests.values())[:1]:
                    if request != ward.engine.place.request:
                        ward.do(e.FingerSeen(request, "matched", slots(ward, who)[0]))
            elif ward.screen().name == "finger":
                ward.do(e.FingerSeen(ward.engine.place.request, "matched", slots(ward, who)[0]))
                if attempt is not None and attempt.person == ward.ref(who):
                    proven.append(ward.ref(who))
            session = ward.state.session
            assert session is None or session.person in proven, (first, *order)
            ward.state.tries.clear()


def test_a_pin_of_one_attempt_is_never_the_proof_of_another(ward: Ward) -> None:
    hold(ward, "N3")
    ward.press("use_pin")
    ward.press("pin", "73910264")
    request = ward.command(e.CheckPin).request
    ward.wait(31)
    hold(ward, "N1")
    ward.do(e.PinChecked(request, True))
    assert ward.state.session is None
    ward.press("use_pin")
    pin(ward, right=False)
    ward.do(e.PinChecked(request, True))
    assert ward.state.session is None
    assert badge("N1") in ward.state.tries


# --- the answer that is waited for ----------------------------------------------------------------

TEMPORARY = ("emergency", "temporary", "temp_new")
LAST = {"finger": "N1", "pin": "N3", "totp": "A1", "security_key": "A1"}  # factor -> whose is last
Answer = e.FingerSeen | e.PinChecked | e.TotpChecked | e.KeyChecked


def compared(factor: str) -> tuple[Desk, Answer]:
    """The last factor that somebody gives is being compared; the answer that it is right."""
    desk = Desk()
    if factor == "totp":
        desk.add_app()
        desk.wait(31)
    elif factor == "security_key":
        desk.add_key()
    if LAST[factor] == "A1":
        desk.prove("A1")
    else:
        hold(desk, LAST[factor])
    match factor:
        case "finger":
            request = desk.command(e.VerifyFinger).request
            return desk, e.FingerSeen(request, "matched", slots(desk, "N1")[0])
        case "pin":
            desk.press("use_pin")
            desk.press("pin", PIN)
            return desk, e.PinChecked(desk.command(e.CheckPin).request, True)
        case "totp":
            desk.press("totp", desk.code())
            return desk, e.TotpChecked(desk.command(e.CheckTotp).request, 2**40)
        case _:  # of a key that does not count: its counter is always 0
            desk.do(e.KeySeen(desk.command(e.AskKey).request, "done", b"data", b"signature"))
            return desk, e.KeyChecked(desk.command(e.CheckKey).request, 0)


@pytest.mark.parametrize("factor", LAST)
def test_attack_an_answer_to_another_question_proves_nothing(factor: str) -> None:
    desk, right = compared(factor)
    place, size = desk.engine.place, desk.sink.size
    desk.do(replace(right, request="another"))
    assert (desk.engine.place, desk.sink.size) == (place, size)
    desk.do(right)
    assert desk.records(r.SignedIn)[-1].person == desk.ref(LAST[factor])
    assert desk.records(r.SignedIn)[-1].factors[-1] == factor


@pytest.mark.parametrize("factor", LAST)
def test_suspended_while_the_last_factor_is_compared_nobody_is_signed_in(factor: str) -> None:
    desk, right = compared(factor)
    suspend(desk, LAST[factor], "administrator" if LAST[factor] == "A1" else "nurse")
    desk.do(right)
    assert desk.state.session is None
    refused = desk.records(r.FactorRefused)[-1]
    assert (refused.factor, refused.why, refused.counts) == (factor, "not_active", True)


# --- what is worked out ---------------------------------------------------------------------------

WORKED_OUT = (
    *("person_number", "temporary_number", "temporary_code", "code", "one_time_code"),
    *("new_pin", "same_pin", "new_finger", "new_app", "new_code", "new_key", "key_heard"),
)
Result = Answer | e.NumbersHashed | e.CodeMade | e.CodeHashed | e.PinHashed | e.TotpMade | e.KeySeen


def worked_out(what: str) -> tuple[Desk, Result]:
    """Something is worked out for the screen; what comes of it."""
    desk = Desk()
    match what:
        case "person_number" | "temporary_number" | "temporary_code":
            page = "add" if what == "person_number" else "temp"
            desk.sign_in("A1" if page == "add" else "C1")
            for button in ("people", "add_person") if page == "add" else ("menu", *TEMPORARY):
                desk.press(button)
            for step, typed in (("staff_id", "X7"), ("family", "Temp"), ("given", "Tom")):
                desk.press(f"{page}_{step}", typed)
            desk.press(f"{page}_human", "77")
            number = e.NumbersHashed(desk.command(e.HashNumbers).request, "number", "human")
            if what != "temporary_code":
                return desk, number
            desk.do(number)
            desk.press("temp_hours", "12")
            return desk, e.CodeMade(desk.command(e.MakeCode).request, "plain", "code")
        case "new_app" | "new_code" | "new_key" | "key_heard":
            desk.sign_in("A1")
            desk.press("authenticator")
            desk.press("add_totp" if what in ("new_app", "new_code") else "add_key")
            if what == "new_app":
                return desk, e.TotpMade(desk.command(e.MakeTotp).request, "plain", "sealed")
            if what == "new_code":
                desk.do(e.TotpMade(desk.command(e.MakeTotp).request, "plain", "sealed"))
                desk.press("same_totp", "123456")
                return desk, e.TotpChecked(desk.command(e.CheckTotp).request, 2**40)
            heard = e.KeySeen(desk.command(e.AskKey).request, "done", b"data", b"")
            if what == "key_heard":
                return desk, heard
            desk.do(heard)
            return desk, e.KeyChecked(desk.command(e.CheckKey).request, 0, "00", "00")
    row = e.PersonRow("X1", "Nell", "New", "nurse", badge("X1"))
    desk.do(e.Import("test", people=(("people.csv:2", row),)))
    desk.sign_in("A1")
    desk.press("invite")
    desk.press(f"issue:{desk.ref('X1')}")
    made = e.CodeMade(desk.command(e.MakeCode).request, "plain", "code")
    if what == "code":
        return desk, made
    desk.do(made)
    desk.press("menu")
    desk.press("sign_out")
    desk.stand_by("A2")
    desk.press("stand_by", "K7QM-2XWP-9HTA")
    hashed = e.CodeHashed(desk.command(e.HashCode).request, "code")
    if what == "one_time_code":
        return desk, hashed
    desk.do(hashed)
    desk.do(e.BadgeSeen(badge("X1")))
    desk.press("new_pin", PIN)
    chosen = e.PinHashed(desk.command(e.HashPin).request, "hash")
    if what == "new_pin":
        return desk, chosen
    desk.do(chosen)
    desk.press("same_pin", PIN)
    same = e.PinChecked(desk.command(e.CheckPin).request, True)
    if what == "same_pin":
        return desk, same
    desk.do(same)
    asked = desk.command(e.EnrolFinger)
    return desk, e.FingerSeen(asked.request, "enrolled", asked.slot)


@pytest.mark.parametrize("what", WORKED_OUT)
def test_what_was_not_asked_for_is_nothing_that_the_screen_waits_for(what: str) -> None:
    desk, result = worked_out(what)
    place, size = desk.engine.place, desk.sink.size
    desk.do(replace(result, request="another"))
    assert (desk.engine.place, desk.sink.size) == (place, size)
    desk.do(result)
    assert desk.engine.place != place
