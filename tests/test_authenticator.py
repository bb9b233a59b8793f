"""The code of an administrator's app: added at the screen, asked for at each proof, good once."""

import secrets

import pytest

from auth import totp
from auth.pins import PinHasher
from cabinet import events as e
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from cabinet.messages import QrCode
from cabinet.secrets_worker import answer
from tests.ward import PIN, SENSOR, Ward, badge

PEPPER = bytes(32)


class Office(Ward):
    """A ward whose secrets are really made and compared."""

    def __init__(self) -> None:
        self._hasher = PinHasher(PEPPER, passes=1, memory_kib=64)
        self.key = b""
        super().__init__(stocked=False)

    def answered(self, kind: type) -> e.Event:
        """Do the last job of this kind."""
        event = answer(self.command(kind), self._hasher, PEPPER, secrets.token_bytes)
        self.do(event)
        return event

    def code(self, late: int = 0) -> str:
        """What the app shows now, or so many steps later."""
        now_s = (self.wall_ms + self.now_ms) // 1000
        return totp.code_at(self.key, now_s // totp.STEP_S + late)

    def add_app(self, staff_id: str = "A1") -> None:
        self.sign_in(staff_id)
        self.press("authenticator")
        self.press("add_totp")
        made = self.answered(e.MakeTotp)
        assert isinstance(made, e.TotpMade)
        self.key = totp.unseal(PEPPER, self.ref(staff_id), made.sealed)
        self.press("same_totp", self.code())
        self.answered(e.CheckTotp)
        self.press("sign_out")

    def types(self, code: str) -> None:
        self.press("totp", code)
        self.answered(e.CheckTotp)


@pytest.fixture
def office() -> Office:
    return Office()


def said(ward: Ward) -> str:
    parts = [(getattr(it, "text", ""), getattr(it, "spelt", "")) for it in ward.screen().blocks]
    return repr(parts)


# --- adding one -----------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_kept_sealed_only_after_its_first_code(office: Office) -> None:
    office.sign_in("A1")
    office.press("authenticator")
    office.press("add_totp")
    made = office.answered(e.MakeTotp)
    assert isinstance(made, e.TotpMade)
    assert made.plain in said(office)
    assert not office.records(fr.TotpEnrolled)
    office.key = totp.unseal(PEPPER, office.ref("A1"), made.sealed)
    office.press("same_totp", "000000")
    office.answered(e.CheckTotp)
    assert office.screen().name == "totp_shown" and not office.records(fr.TotpEnrolled)
    office.press("same_totp", office.code())
    office.answered(e.CheckTotp)
    assert office.records(fr.TotpEnrolled)[-1].person == office.ref("A1")
    assert made.plain not in said(office)
    plain = made.plain.replace(" ", "").encode()
    assert not any(plain in it.data for it in office.sink.attached)
    assert not office.engine.place.sealed and not office.engine.place.shown_code


def test_the_picture_of_a_key_has_all_that_an_app_needs_and_no_log_quotes_it(
    office: Office,
) -> None:
    office.sign_in("A1")
    office.press("authenticator")
    office.press("add_totp")
    made = office.answered(e.MakeTotp)
    assert isinstance(made, e.TotpMade)
    (shown,) = (it for it in office.screen().blocks if isinstance(it, QrCode))
    assert shown.text == totp.uri(made.plain, office.state.name, "A1")
    key = made.plain.replace(" ", "")
    assert f"secret={key}&" in shown.text
    for secret in (made.plain, key):
        assert secret not in repr(office.screen()) + repr(office.engine.place)
        assert not any(secret.encode() in it for it in office.sink.bodies)
    office.press("menu")
    assert not any(isinstance(it, QrCode) for it in office.screen().blocks)
    assert not office.engine.place.shown_code


@pytest.mark.parametrize("staff_id", ["N1", "P1", "T1"])
def test_only_an_administrator_is_offered_one(office: Office, staff_id: str) -> None:
    office.sign_in(staff_id)
    if office.engine.place.page != "menu":
        office.press("menu")
    assert "authenticator" not in screens.buttons(office.screen())
    assert office.press("add_totp").refusal


def test_a_key_that_is_shown_is_gone_when_the_screen_was_locked(office: Office) -> None:
    office.sign_in("A1")
    office.press("authenticator")
    office.press("add_totp")
    made = office.answered(e.MakeTotp)
    assert isinstance(made, e.TotpMade)
    office.do(e.BadgeSeen(badge("N1")))
    office.press("cancel")
    office.prove("A1")
    assert office.state.session is not None and made.plain not in said(office)


# --- at each proof --------------------------------------------------------------------------------


def test_an_administrator_with_an_app_shows_its_code_at_each_sign_in(office: Office) -> None:
    office.add_app()
    office.wait(31)
    office.prove("A1")
    assert office.state.session is None and office.screen().name == "totp"
    assert office.records(fr.FactorProven)[-1].factors == ("badge", "finger")
    office.types(office.code())
    signed = office.records(r.SignedIn)[-1]
    assert (signed.person, signed.factors) == (office.ref("A1"), ("badge", "finger", "totp"))


def test_whoever_has_no_app_signs_in_as_ever(office: Office) -> None:
    office.add_app()
    for staff_id in ("A2", "N1", "P1"):
        office.sign_in(staff_id)
        if office.engine.place.page != "menu":
            office.press("menu")
        office.press("sign_out")


def test_attack_a_code_seen_over_the_shoulder_is_worth_nothing(office: Office) -> None:
    office.add_app()
    office.wait(31)
    seen = office.code()
    office.prove("A1")
    office.types(seen)
    office.press("sign_out")
    office.prove("A1")
    office.types(seen)
    assert office.state.session is None
    refused = office.records(r.FactorRefused)[-1]
    assert (refused.factor, refused.why, refused.counts) == ("totp", "wrong_code", True)


@pytest.mark.parametrize("back_s", [30, 3600, 10**8])
def test_attack_the_clock_set_back_brings_no_used_code_back(office: Office, back_s: int) -> None:
    office.add_app()
    office.wait(31)
    seen = office.code()
    office.prove("A1")
    office.types(seen)
    office.press("sign_out")
    office.wall_ms -= back_s * 1000
    for code in (seen, office.code()):
        office.prove("A1")
        office.types(code)
        assert office.state.session is None
        office.press("cancel")


def test_attack_the_clock_set_back_to_a_code_that_was_seen_and_never_used(office: Office) -> None:
    """Another person's code was used since: what is much older than it counts for nobody."""
    office.add_app("A2")
    office.wait(31)
    seen = office.code()
    seen_ms, office.wall_ms = office.wall_ms, office.wall_ms + 600_000
    seconds = office.key
    office.add_app("A1")
    office.wall_ms, office.key = seen_ms, seconds
    office.prove("A2")
    office.types(seen)
    assert office.state.session is None


def test_wrong_codes_are_counted_like_wrong_pins(office: Office) -> None:
    office.add_app()
    tries = 0
    while tries < 10:
        while office.screen().name not in ("finger", "totp"):
            office.wait(1)
            office.do(e.BadgeSeen(badge("A1")))
        if office.screen().name == "finger":
            request = office.command(e.VerifyFinger).request
            slot = office.state.people[office.ref("A1")].slots[0]
            office.do(e.FingerSeen(request, "matched", slot))
        office.types("000000")
        tries += 1
    office.wait(3600)
    office.do(e.BadgeSeen(badge("A1")))
    assert office.records(r.FactorRefused)[-1].why == "locked"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "٧٣٩١٠٢"])
def test_what_is_no_code_is_not_compared_and_no_wrong_try(office: Office, typed: str) -> None:
    office.add_app()
    office.prove("A1")
    office.commands.clear()
    assert office.press("totp", typed).refusal
    assert not office.commands and not office.records(r.FactorRefused)


def test_a_right_code_that_comes_after_the_attempt_ended_signs_nobody_in(office: Office) -> None:
    office.add_app()
    office.wait(31)
    office.prove("A1")
    office.press("totp", office.code())
    office.wait(31)
    office.answered(e.CheckTotp)
    assert office.state.session is None


def test_with_the_finger_sensor_down_pin_and_code_are_asked(office: Office) -> None:
    office.add_app()
    office.wait(31)
    office.do(e.DeviceChanged("fingerprint", "unplugged"))
    office.prove("A1")
    office.types(office.code())
    signed = office.records(r.SignedIn)[-1]
    assert (signed.factors, signed.fallback) == (("badge", "pin", "totp"), "sensor_down")


def test_the_app_and_its_used_codes_outlive_a_restart(office: Office) -> None:
    office.add_app()
    office.wait(31)
    seen = office.code()
    office.prove("A1")
    office.types(seen)
    assert replay(office.sink).people == office.state.people
    office.restart()
    office.do(e.DeviceChanged("fingerprint", "", SENSOR))
    office.prove("A1")
    office.types(seen)
    assert office.state.session is None


# --- PINs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [0, 90])
def test_a_pin_grows_old_only_where_a_site_says_so(office: Office, days: int) -> None:
    rules = office.plan.rules
    office.plan = type(office.plan)(
        office.plan.name,
        office.plan.drawers,
        office.plan.timings,
        type(rules)(pin_days=days),
    )
    office.restart()
    office.wall_ms += 100 * 86_400_000
    office.do(e.BadgeSeen(badge("N3")))
    office.press("use_pin")
    office.press("pin", PIN)
    office.do(e.PinChecked(office.command(e.CheckPin).request, True))
    assert (office.state.session is None) is bool(days)
    if days:
        assert office.records(r.FactorRefused)[-1].why == "pin_old"
        assert not office.records(r.FactorRefused)[-1].counts
