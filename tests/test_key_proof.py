"""An administrator's security key at the screen: added, asked for, refused, beside a code."""

import secrets
from typing import Any

import pytest

from auth import security_keys as keys
from cabinet import events as e
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from sim.security_key import SecurityKeyEmulator, decode, encode
from tests.test_authenticator import Office, said
from tests.ward import SENSOR, badge


class Desk(Office):
    """An office with a key in it; the key is asked by its own commands, without packets."""

    def __init__(self) -> None:
        self.stick = SecurityKeyEmulator(secrets.token_bytes)
        super().__init__()

    def touched(self, outcome: str = "done") -> None:
        """The key answers what was asked last, and what it says is checked."""
        asked = self.command(e.AskKey)
        if outcome != "done":
            self.do(e.KeySeen(asked.request, outcome))
            return
        hashed = keys.client_hash(asked.challenge)
        if asked.credential:
            listed = [{"type": "public-key", "id": bytes.fromhex(asked.credential)}]
            body = encode({1: keys.RP_ID, 2: hashed, 3: listed})
            answer = self._spoken(2, body)
            said = (answer[2], answer[3])
        else:
            body = encode({1: hashed, 2: {"id": keys.RP_ID}, 3: {}, 4: []})
            said = (self._spoken(1, body)[2], b"")
        self.do(e.KeySeen(asked.request, "done", *said))
        self.answered(e.CheckKey)

    def _spoken(self, command: int, body: bytes) -> dict[int, Any]:
        asked, _ = decode(body)
        make = self.stick._make if command == 1 else self.stick._assert
        answer: dict[int, Any] = decode(make(asked)[1:])[0]
        return answer

    def add_key(self, staff_id: str = "A1") -> None:
        self.sign_in(staff_id)
        self.press("authenticator")
        self.press("add_key")
        self.touched()
        self.press("sign_out")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_key_is_added_by_a_touch_and_asked_for_at_each_sign_in(desk: Desk) -> None:
    desk.add_key()
    assert desk.records(fr.SecurityKeyEnrolled)[-1].person == desk.ref("A1")
    desk.prove("A1")
    assert desk.state.session is None and desk.screen().name == "key"
    desk.touched()
    assert desk.records(r.SignedIn)[-1].factors == ("badge", "finger", "security_key")
    assert desk.records(fr.SecurityKeyUsed)[-1].counter == desk.stick.counter


def test_attack_a_proof_that_was_heard_is_not_taken_again(desk: Desk) -> None:
    desk.add_key()
    desk.prove("A1")
    desk.touched()
    heard = desk.command(e.CheckKey)
    desk.press("sign_out")
    desk.prove("A1")
    asked = desk.command(e.AskKey)
    assert asked.challenge != heard.challenge
    desk.do(e.KeySeen(asked.request, "done", heard.data, heard.signature))
    desk.answered(e.CheckKey)
    assert desk.state.session is None
    refused = desk.records(r.FactorRefused)[-1]
    assert (refused.factor, refused.why, refused.counts) == ("security_key", "wrong_key", True)
    desk.press("try_key")
    desk.touched()
    assert desk.state.session is not None


@pytest.mark.parametrize("outcome", ["wrong_key", "timed_out", "fault"])
def test_a_key_that_did_not_answer_is_asked_again_and_no_wrong_try(
    desk: Desk, outcome: str
) -> None:
    desk.add_key()
    desk.prove("A1")
    desk.touched(outcome)
    assert not desk.records(r.FactorRefused)
    assert desk.state.session is None
    desk.press("try_key")
    desk.touched()
    assert desk.state.session is not None


def test_whoever_has_an_app_too_may_type_its_code_instead(desk: Desk) -> None:
    desk.add_app()
    desk.wait(31)
    desk.prove("A1")
    desk.types(desk.code())
    desk.press("authenticator")
    desk.press("add_key")
    desk.touched()
    desk.press("sign_out")
    desk.wait(31)
    desk.prove("A1")
    desk.press("use_code")
    assert isinstance(desk.commands[-1], e.CancelKey)
    desk.types(desk.code())
    assert desk.records(r.SignedIn)[-1].factors[-1] == "totp"


def test_cancelling_has_the_key_stop_waiting(desk: Desk) -> None:
    desk.add_key()
    desk.prove("A1")
    asked = desk.command(e.AskKey)
    desk.press("cancel")
    assert desk.command(e.CancelKey).request == asked.request
    desk.do(e.KeySeen(asked.request, "done", b"late", b"late"))
    assert desk.state.session is None


def test_a_new_key_that_says_nonsense_is_not_kept(desk: Desk) -> None:
    desk.sign_in("A1")
    desk.press("authenticator")
    desk.press("add_key")
    desk.do(e.KeySeen(desk.command(e.AskKey).request, "done", b"nonsense"))
    desk.answered(e.CheckKey)
    assert not desk.records(fr.SecurityKeyEnrolled)
    assert "not accepted" in said(desk)
    desk.press("add_key")
    desk.touched()
    assert desk.records(fr.SecurityKeyEnrolled)


def test_nobody_but_an_administrator_adds_one(desk: Desk) -> None:
    desk.sign_in("P1")
    desk.press("menu")
    assert "authenticator" not in screens.buttons(desk.screen())
    assert desk.press("add_key").refusal


def test_a_screen_that_was_locked_meanwhile_keeps_no_key(desk: Desk) -> None:
    desk.sign_in("A1")
    desk.press("authenticator")
    desk.press("add_key")
    asked = desk.command(e.AskKey)
    desk.do(e.BadgeSeen(badge("N1")))
    desk.do(e.KeySeen(asked.request, "done", b"x", b"y"))
    assert not [it for it in desk.commands if isinstance(it, e.CheckKey)]


def test_the_key_and_its_counter_outlive_a_restart(desk: Desk) -> None:
    desk.add_key()
    assert replay(desk.sink).people == desk.state.people
    desk.restart()
    desk.do(e.DeviceChanged("fingerprint", "", SENSOR))
    desk.prove("A1")
    desk.stick.counter = 0
    desk.touched()
    assert desk.state.session is None, "a copy of the key counts from the beginning"
