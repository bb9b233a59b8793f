"""A person of the cabinet signs in at the console by PIN and code, where there is no service CA."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auth.pins import PinHasher
from auth.totp import STEP_S, code_at
from cabinet import console_messages as m
from cabinet import events as e
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import screens, service, snapshot, visits_report
from cabinet import service_records as sr
from cabinet.journal import attached, replay
from cabinet.plan import Rules, Service
from tests import app
from tests.desks import Console, Desk
from tests.test_service import Known
from tests.test_service_work import ask
from tests.ward import PIN, PLAN, Ward, badge

CODE = Service(sign_in=("code",), admit="never")
BY_CODE = msgspec.structs.replace(PLAN, service=CODE)


def hired(ward: Ward) -> Ward:
    """S1 is enrolled with a PIN and an app, whose last code is used up."""
    ward.hire("S1", "service_technician")
    app.add(ward, "S1")
    ward.wait(2 * STEP_S)
    ward.commands.clear()
    return ward


@pytest.fixture
def ward() -> Ward:
    return hired(Ward(BY_CODE, stocked=False))


def entered(ward: Ward, who: str = "S1", **more: Any) -> e.ServiceEntered:
    """A right PIN and a fresh code, unless said."""
    now = ward.state.service
    session = now.id if now is not None else ""
    said = {"session": session, "pin_right": True, "step": app.step(ward), **more}
    return e.ServiceEntered("request", person=ward.ref(who) if who else "", **said)


def session(ward: Ward) -> str:
    assert ward.state.service is not None
    return ward.state.service.id


def test_a_technician_of_the_cabinet_signs_in_with_a_pin_and_a_code(ward: Ward) -> None:
    assert ward.do(entered(ward)).refusal == ""
    (record,) = ward.records(sr.ServiceSignedIn)
    assert (record.person, record.factors, record.key) == (ward.ref("S1"), ("pin", "totp"), "")
    assert ward.records(fr.TotpUsed)[-1].step == app.step(ward)
    assert ward.state.service is not None and ward.state.service.name == "Sven Service"
    assert b"Sven" not in b"".join(ward.sink.bodies)
    assert not ward.do(e.ServiceAsked(session(ward), "status")).refusal


def test_where_controlled_substances_are_stored_a_pharmacist_lets_them_in_too() -> None:
    rules = msgspec.structs.replace(CODE, admit="controlled")
    ward = hired(Ward(msgspec.structs.replace(PLAN, service=rules), stocked=False))
    ward.do(entered(ward))
    assert ward.do(e.ServiceAsked(session(ward), "status")).refusal
    ward.sign_in("P1")
    ward.press("menu")
    ward.press(f"admit:{session(ward)}")
    assert not ward.do(e.ServiceAsked(session(ward), "status")).refusal


@pytest.mark.parametrize("wrong", [{"pin_right": False}, {"step": 0}, {"who": ""}])
def test_one_wrong_thing_and_nobody_is_let_in(ward: Ward, wrong: dict[str, Any]) -> None:
    assert ward.do(entered(ward, **wrong)).refusal == service.NOT_ACCEPTED
    assert ward.state.service is None
    assert ward.records(sr.ServiceRefused)[-1].why == "wrong_secret"


def test_attack_a_code_seen_over_the_shoulder_opens_no_console(ward: Ward) -> None:
    event = entered(ward)
    ward.do(event)
    ward.do(e.ServiceLeft(session(ward), "logout"))
    assert ward.do(event).refusal == service.NOT_ACCEPTED


def test_attack_a_code_of_the_touchscreen_is_spent_at_the_console(ward: Ward) -> None:
    ward.prove("S1")
    ward.press("totp", app.code(ward))
    ward.do(e.TotpChecked(ward.command(e.CheckTotp).request, app.step(ward)))
    assert ward.state.session is not None
    assert ward.do(entered(ward)).refusal == service.NOT_ACCEPTED


@pytest.mark.parametrize("who", ["N1", "P1", "A1"])
def test_nobody_but_a_service_technician_signs_in_at_the_console(ward: Ward, who: str) -> None:
    assert ward.do(entered(ward, who)).refusal == service.NOT_ACCEPTED
    assert ward.state.service is None


def test_attack_the_number_of_a_nurse_at_the_console_locks_no_nurse_out(ward: Ward) -> None:
    assert service.asked_for(ward.state, "N1") is None
    for _ in range(12):
        ward.do(entered(ward, "N1", pin_right=False))
        ward.wait(30)
    ward.sign_in("N1")


def test_wrong_tries_count_as_at_the_touchscreen(ward: Ward) -> None:
    for _ in range(PLAN.rules.lock_at_try):
        ward.do(entered(ward, pin_right=False))
        ward.wait(30)
    assert ward.do(entered(ward)).refusal == service.NOT_ACCEPTED
    assert ward.records(sr.ServiceRefused)[-1].why == "locked"
    ward.do(e.BadgeSeen(badge("S1")))
    assert "use_pin" not in screens.buttons(ward.screen()), "their finger, but no PIN"
    ward.press("cancel")
    ward.sign_in("P1")
    ward.press("menu")
    ward.press("locked")
    ward.press(f"release:{ward.ref('S1')}")
    assert not ward.do(entered(ward)).refusal


def test_wrong_tries_at_the_touchscreen_count_at_the_console(ward: Ward) -> None:
    for _ in range(PLAN.rules.delay_from_try):
        ward.do(e.BadgeSeen(badge("S1")))
        ward.press("use_pin")
        ward.press("pin", "00000000")
        ward.do(e.PinChecked(ward.command(e.CheckPin).request, False))
        ward.press("cancel")
    assert ward.do(entered(ward)).refusal == service.NOT_ACCEPTED
    assert ward.records(sr.ServiceRefused)[-1].why == "too_soon"
    ward.wait(30)
    assert not ward.do(entered(ward)).refusal
    assert badge("S1") not in ward.state.tries


def test_five_failures_at_the_console_slow_down_whoever_comes_next(ward: Ward) -> None:
    for number in range(5):
        assert service.wait_s(ward.state, ward.now_ms) == 0
        ward.do(entered(ward, "" if number % 2 else "S1", pin_right=False))
    assert service.wait_s(ward.state, ward.now_ms) == 30


def test_what_is_recorded_of_a_stranger_has_the_shape_of_what_is_recorded_of_anybody(
    ward: Ward,
) -> None:
    before = ward.sink.size
    for who in ("S1", ""):
        assert ward.do(entered(ward, who, pin_right=False)).refusal == service.NOT_ACCEPTED
    known, stranger = ward.records()[before:]
    assert (known.why, known.counts) == (stranger.why, stranger.counts)


def test_a_suspended_technician_is_told_nothing_and_one_at_work_is_sent_away(ward: Ward) -> None:
    ward.do(entered(ward))
    row = e.PersonRow("S1", "Sven", "Service", "service_technician", badge("S1"), "suspended")
    ward.do(e.Import("test", people=(("people.csv:2", row),)))
    ward.wait(1)
    assert ward.records(sr.ServiceEnded)[-1].why == "withdrawn"
    ward.wait(STEP_S)
    assert ward.do(entered(ward)).refusal == service.NOT_ACCEPTED


def test_a_pin_that_is_too_old_is_said_only_to_whoever_proved_it() -> None:
    rules = Rules(pin_days=30)
    plan = msgspec.structs.replace(BY_CODE, rules=rules)
    ward = hired(Ward(plan, stocked=False))
    ward.wall_ms += 31 * 86_400_000
    assert "older" in ward.do(entered(ward)).refusal
    assert "older" not in ward.do(entered(ward, pin_right=False)).refusal


def test_a_session_is_extended_by_proving_again_and_by_nobody_else(ward: Ward) -> None:
    ward.do(entered(ward))
    ward.wait(240)
    other = e.ServiceProved(session(ward), "SHA256:x", "Mal Lory", 1, "ward-1", False, 2**60)
    assert ward.do(other).refusal
    assert not ward.do(entered(ward)).refusal
    assert ward.records(sr.ServiceExtended)[-1].lasts_s == 1800
    assert ward.do(entered(ward, session="")).refusal
    assert ward.do(entered(ward)).refusal == service.NOT_ACCEPTED  # that code is spent


def test_a_certificates_session_is_not_extended_by_a_pin() -> None:
    ward = hired(Ward(BY_CODE, stocked=False))
    ward.do(e.ServiceProved("", "SHA256:k", "Sam Okafor", 7, "ward-1", False, 2**60))
    assert "who began it" in ward.do(entered(ward)).refusal


def test_a_technician_adds_an_app_and_its_code_is_asked_for_at_the_touchscreen(ward: Ward) -> None:
    ward.prove("S1")
    assert ward.state.session is None and ward.screen().name == "totp"


def test_a_snapshot_and_a_replay_lead_to_the_same_session(ward: Ward) -> None:
    ward.do(entered(ward))
    details = {it.hash.hex(): r.decode_details(it.kind, it.data) for it in ward.sink.attached}
    assert snapshot.restore(snapshot.take(ward.state), details).service == ward.state.service
    assert replay(ward.sink).service == ward.state.service
    moment = e.Moment(ward.wall_ms, ward.now_ms, b"", ward.positions)
    alarms = screens.live(ward.state, ward.engine.place, moment).alarms
    assert "At work on the cabinet: Sven Service, technician." in [alarm.text for alarm in alarms]


# --- over the socket, with real hashes and codes --------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = opened(tmp_path, CODE)
    yield made
    made.close()


def opened(folder: Path, rules: Service) -> Desk:
    made = Desk(folder, rules, Known)
    made.ward.hashed = PinHasher(app.PEPPER, passes=1, memory_kib=1024).hash
    hired(made.ward)
    return made


def greeted(desk: Desk) -> Console:
    made = Console(desk)
    made.greet()
    return made


@pytest.mark.real_time
def test_a_pin_and_a_code_sign_in_over_the_socket_and_extend(desk: Desk) -> None:
    console = Console(desk)
    assert console.greet().ways == ("code",)
    console.say(m.Prove("S1", PIN, app.code(desk.ward)))
    signed = console.hear(m.SignedIn)
    assert (signed.name, signed.lasts_s, signed.admit_s) == ("Sven Service", 1800, 0)
    assert console.ask("status").outcome == "ok"
    desk.wait(200)
    console.say(m.Prove("S1", PIN, app.code(desk.ward)))
    assert console.hear(m.SignedIn).lasts_s == 1800
    assert "already" in denied(greeted(desk), m.Prove("S1", PIN, app.code(desk.ward))).words
    console.say(m.Leave())
    console.hear(m.Ended)
    assert PIN.encode() not in b"".join(desk.ward.sink.bodies)


def denied(console: Console, message: m.ToController) -> m.Denied:
    console.say(message)
    return console.hear(m.Denied)


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("staff_id", "pin", "typed"),
    [
        ("S1", "73910265", None),
        ("S1", PIN, "000000"),
        ("S1", "", ""),
        ("S9", PIN, None),
        ("N1", PIN, None),
        ("", "", ""),
        ("S1", "é", "²²²²²²"),
    ],
)
def test_every_wrong_answer_is_told_in_the_same_words(
    desk: Desk, staff_id: str, pin: str, typed: str | None
) -> None:
    before = desk.state.size
    given = app.code(desk.ward) if typed is None else typed
    assert denied(greeted(desk), m.Prove(staff_id, pin, given)) == m.Denied(service.NOT_ACCEPTED)
    assert desk.state.size == before + 1


@pytest.mark.real_time
def test_attack_a_cable_pulled_before_the_answer_saves_no_wrong_try(desk: Desk) -> None:
    for _ in range(5):
        console = greeted(desk)
        console.say(m.Prove("S1", "00000000", "000000"))
        console.line.close()
        desk.until(lambda: desk.desk._comparing)
        desk.until(lambda: not desk.desk._comparing)
    late = greeted(desk)
    assert denied(late, m.Prove("S1", PIN, app.code(desk.ward))).wait_s == 30
    assert len(desk.ward.records(sr.ServiceRefused)) == 5


@pytest.mark.real_time
def test_a_cable_pulled_while_it_is_compared_signs_nobody_in(desk: Desk) -> None:
    console = greeted(desk)
    console.say(m.Prove("S1", PIN, app.code(desk.ward)))
    console.line.close()
    desk.until(lambda: desk.desk._comparing)
    desk.until(lambda: not desk.desk._comparing)
    assert desk.state.service is None


@pytest.mark.real_time
def test_by_default_only_a_certificate_signs_in(tmp_path: Path) -> None:
    assert Service().sign_in == ("certificate",)
    desk = opened(tmp_path, Service(admit="never"))
    console = Console(desk)
    assert console.greet().ways == ()
    answer = denied(console, m.Prove("S1", PIN, app.code(desk.ward)))
    assert "nobody can sign in" in answer.words
    desk.close()


@pytest.mark.real_time
def test_where_only_codes_are_allowed_no_certificate_is_asked_for(desk: Desk) -> None:
    assert "not allowed" in denied(greeted(desk), m.Begin()).words


def test_no_message_shows_a_pin() -> None:
    assert PIN not in repr(m.Prove("S1", PIN, "123456"))
    job = e.CheckTechnician("r", "", "p", "hash", PIN, "sealed", "123456", 1, 1)
    assert not {PIN, "123456", "sealed", "hash"} & set(repr(job).replace("'", " ").split())
    assert code_at(b"", 1) != PIN


# --- alone ----------------------------------------------------------------------------------------


def two_accounts(ward: Ward) -> None:
    """Sven is a technician, and has an account as a pharmacist too."""
    rows = tuple(
        (f"people.csv:{line}", e.PersonRow(it, "Sven", "Service", role, badge(it), human="one"))
        for line, (it, role) in enumerate({"S1": "service_technician", "P9": "pharmacist"}.items())
    )
    assert not ward.do(e.Import("test", people=rows)).refusal
    ward.hire("P9", "pharmacist")


def test_attack_a_technician_does_not_let_themselves_in_by_a_second_account() -> None:
    rules = msgspec.structs.replace(CODE, admit="controlled")
    ward = hired(Ward(msgspec.structs.replace(PLAN, service=rules), stocked=False))
    two_accounts(ward)
    ward.do(entered(ward))
    ward.sign_in("P9")
    ward.press("menu")
    assert ward.press(f"admit:{session(ward)}").refusal
    assert ward.records(r.Refused)[-1].why == "own_visit"
    assert ward.do(e.ServiceAsked(session(ward), "status")).refusal


def test_attack_a_technician_does_not_open_a_full_drawer_by_a_second_account() -> None:
    ward = hired(Ward(BY_CODE))
    two_accounts(ward)
    ward.do(entered(ward))
    ask(ward, "service begin")
    ask(ward, "test lock D1")
    ward.commands.clear()
    ward.sign_in("P9")
    assert ward.press("test_lock").refusal
    assert not [it for it in ward.commands if isinstance(it, e.Pulse)]
    ward.press("sign_out")
    ward.sign_in("P1")
    assert not ward.press("test_lock").refusal


# --- a certificate that names its holder's staff number -------------------------------------------


def certified(*numbers: str) -> e.ServiceProved:
    return e.ServiceProved("", "SHA256:k", "Paul P.", 7, "ward-1", False, 2**60, numbers)


@pytest.mark.parametrize("number", ["p1", " P1", "P1\u00a0"])
def test_attack_a_staff_number_that_a_certificate_writes_otherwise_is_still_its_holders(
    number: str,
) -> None:
    ward = Ward(msgspec.structs.replace(PLAN, service=CODE))
    ward.do(certified(number))
    assert ward.records(sr.ServiceSignedIn)[-1].people == (ward.ref("P1"),)


@pytest.mark.parametrize("numbers", [("P1",), ("S1",), ("X-77", "P1"), ("P9",)])
def test_attack_a_certificate_and_a_pharmacists_account_of_one_human_let_nobody_in(
    numbers: tuple[str, ...],
) -> None:
    """By the number of the account itself, of another one of theirs, and of one made meanwhile."""
    rules = msgspec.structs.replace(CODE, admit="controlled")
    ward = Ward(msgspec.structs.replace(PLAN, service=rules))
    who = "P1" if "P1" in numbers else "P9"
    if who == "P9" and numbers != ("P9",):
        hired(ward)
        two_accounts(ward)
    assert not ward.do(certified(*numbers)).refusal
    if numbers == ("P9",):
        ward.hire("P9", "pharmacist")
    ward.sign_in(who)
    ward.press("menu")
    assert ward.press(f"admit:{session(ward)}").refusal
    assert ward.records(r.Refused)[-1].why == "own_visit"
    assert ward.do(e.ServiceAsked(session(ward), "status")).refusal
    ward.press("sign_out")
    ward.sign_in("P2")
    ward.press("menu")
    ward.press(f"admit:{session(ward)}")
    ask(ward, "service begin")
    ask(ward, "test lock D1")
    ward.press("sign_out")
    assert ask(ward, "service begin") == "" == ask(ward, "test lock D1")
    ward.commands.clear()
    ward.sign_in(who)
    assert ward.press("test_lock").refusal
    assert not [it for it in ward.commands if isinstance(it, e.Pulse)]
    ward.press("sign_out")
    ward.sign_in("P2")
    assert not ward.press("test_lock").refusal


def test_the_entry_names_the_people_of_the_cabinet_whom_a_certificate_names(ward: Ward) -> None:
    ward.do(certified("P1", "V-77"))
    assert ward.records(sr.ServiceSignedIn)[-1].people == (ward.ref("P1"),)
    assert b"V-77" not in b"".join(ward.sink.bodies)
    assert b"V-77" in b"".join(it.data for it in ward.sink.attached)
    assert "V-77" not in repr(certified("V-77"))
    told = visits_report.visits(
        (r.decode_body(data) for data in ward.sink.bodies), attached(ward.sink.attached)
    )
    assert told[-1][-1].endswith("certificate 7, which names Paul Pharmacist")
    assert replay(ward.sink).service == ward.state.service


@pytest.mark.parametrize("line", ["status", "test lock D1", "poweroff", "replace D1 A-1 SN1"])
def test_attack_a_technician_suspended_before_a_command_is_taken_does_nothing_more(
    ward: Ward, line: str
) -> None:
    """The session ends with the next tick; the command came before it."""
    ward.do(entered(ward))
    ask(ward, "service begin")
    gone = e.PersonRow("S1", "Sven", "Service", "service_technician", badge("S1"), "suspended")
    ward.do(e.Import("test", people=(("people.csv:2", gone),)))
    ward.commands.clear()
    assert ask(ward, line)
    assert not ward.commands
    assert ward.records(sr.ServiceCommand)[-1].outcome == "refused"
    ward.wait(1)
    assert ward.records(sr.ServiceEnded)[-1].why == "withdrawn"
