"""The technician's session by the rules: who is let in, for how long, and what never happens."""

from typing import Any

import msgspec
import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens, service, service_answers, snapshot
from cabinet import service_records as sr
from cabinet.console_messages import MAX_CELL_CHARS, MAX_NOTE_CHARS
from cabinet.journal import replay
from cabinet.messages import Rows
from cabinet.plan import Service
from cabinet.service_answers import History, Trace, Wires
from tests.ward import NOON_MS, PLAN, Ward

KEY = "SHA256:" + "k" * 43
HOUR_MS = 3_600_000
NEVER = msgspec.structs.replace(PLAN, service=Service(admit="never"))


def proof(session: str = "", key: str = KEY, hours: float = 8, name: str = "Sam Okafor") -> Any:
    return e.ServiceProved(session, key, name, 7, "ward-1", False, int(NOON_MS + hours * HOUR_MS))


def session(ward: Ward) -> str:
    assert ward.state.service is not None
    return ward.state.service.id


@pytest.fixture
def ward() -> Ward:
    """Nobody need be let in."""
    made = Ward(NEVER, stocked=False)
    made.do(proof())
    return made


def test_a_technician_is_recorded_by_key_and_named_only_in_an_attachment(ward: Ward) -> None:
    (record,) = ward.records(sr.ServiceSignedIn)
    assert (record.key, record.serial, record.principal) == (KEY, 7, "ward-1")
    assert b"Okafor" not in b"".join(ward.sink.bodies)
    assert ward.state.service is not None and ward.state.service.name == "Sam Okafor"
    assert b"Okafor" not in snapshot.take(ward.state)
    assert b"Okafor" in b"".join(it.data for it in ward.sink.attached)


def test_the_touchscreen_says_who_is_in_service(ward: Ward) -> None:
    moment = e.Moment(NOON_MS, ward.now_ms, b"", ward.positions)
    alarms = screens.live(ward.state, ward.engine.place, moment).alarms
    assert "At work on the cabinet: Sam Okafor, technician." in [alarm.text for alarm in alarms]
    ward.do(e.ServiceAsked(session(ward), "service", ("begin",)))
    for words in ("Nothing can be taken meanwhile.", "use another cabinet and call the pharmacy"):
        assert words in repr(ward.screen())


def test_where_controlled_substances_are_stored_a_pharmacist_lets_the_technician_in() -> None:
    ward = Ward()
    ward.do(proof())
    (record,) = ward.records(sr.ServiceSignedIn)
    assert record.admission
    assert ward.do(e.ServiceAsked(session(ward), "status")).refusal
    assert ward.records(sr.ServiceCommand)[-1].outcome == "refused"
    ward.sign_in("P1")
    ward.press("menu")
    rows = next(it for it in ward.screen().blocks if isinstance(it, Rows)).rows
    assert rows[0].id == f"admit:{session(ward)}", "whoever waits comes first"
    ward.press(f"admit:{session(ward)}")
    (let_in,) = ward.records(sr.ServiceAdmitted)
    assert let_in.person == ward.ref("P1")
    assert not ward.do(e.ServiceAsked(session(ward), "status")).refusal


@pytest.mark.parametrize("who", ["N1", "T1", "A1"])
def test_nobody_but_a_pharmacist_lets_a_technician_in(who: str) -> None:
    ward = Ward(stocked=False)
    ward.do(proof())
    ward.sign_in(who)
    ward.press("menu")
    assert f"admit:{session(ward)}" not in screens.buttons(ward.screen())
    assert ward.press(f"admit:{session(ward)}").refusal
    assert not ward.records(sr.ServiceAdmitted)


def test_a_technician_whom_nobody_lets_in_is_sent_away() -> None:
    ward = Ward(stocked=False)
    ward.do(proof())
    ward.wait(service.ADMIT_WITHIN_S)
    assert ward.records(sr.ServiceEnded)[-1].why == "not_admitted"
    assert ward.state.service is None


def test_attack_a_technician_whom_nobody_lets_in_does_not_stay_by_asking_on() -> None:
    ward = Ward(stocked=False)
    ward.do(proof())
    held = session(ward)
    for _ in range(service.ADMIT_WITHIN_S // 60):
        ward.wait(60)
        assert ward.do(e.ServiceAsked(held, "status")).refusal
    assert ward.records(sr.ServiceEnded)[-1].why == "not_admitted"


def test_without_controlled_substances_nobody_need_let_a_technician_in() -> None:
    drawers = tuple(it for it in PLAN.drawers if it.kind != "single")
    ward = Ward(stocked=False)
    ward.plan = msgspec.structs.replace(PLAN, drawers=drawers)
    ward.start()
    assert not service.needs_admission(ward.state)


def test_a_session_ends_after_five_idle_minutes_and_a_command_keeps_it(ward: Ward) -> None:
    ward.wait(299)
    assert not ward.do(e.ServiceAsked(session(ward), "status")).refusal
    ward.wait(299)
    assert ward.state.service is not None
    ward.wait(1)
    assert ward.records(sr.ServiceEnded)[-1].why == "idle"


def test_a_session_lasts_half_an_hour_whatever_is_typed(ward: Ward) -> None:
    held = session(ward)
    for _ in range(7):
        ward.wait(240)
        ward.do(e.ServiceAsked(held, "status"))
    ward.wait(120)
    assert ward.records(sr.ServiceEnded)[-1].why == "time"
    assert ward.do(e.ServiceAsked(held, "status")).refusal


def test_a_session_ends_with_its_certificate() -> None:
    ward = Ward(NEVER, stocked=False)
    ward.do(proof(hours=0.1))
    assert ward.records(sr.ServiceSignedIn)[-1].lasts_s <= 360
    late = Ward(NEVER, stocked=False)
    assert late.do(proof(hours=0)).refusal
    assert late.state.service is None


def test_attack_a_clock_that_is_set_back_makes_no_ended_certificate_good_again() -> None:
    ward = Ward(NEVER, stocked=False)
    ward.wall_ms += 9 * HOUR_MS
    ward.do(e.ServiceNotProved("wrong"))
    ward.wall_ms -= 9 * HOUR_MS
    assert ward.do(proof(hours=8)).refusal
    assert ward.state.service is None
    assert not ward.do(proof(hours=10)).refusal


def test_signing_again_extends_a_session_and_only_with_its_own_key(ward: Ward) -> None:
    ward.wait(240)
    assert ward.do(proof(session(ward), "SHA256:" + "x" * 43)).refusal
    assert not ward.do(proof(session(ward))).refusal
    (record,) = ward.records(sr.ServiceExtended)
    assert record.lasts_s == 1800
    assert ward.state.service is not None
    assert ward.state.service.ends_ms == ward.now_ms + 1_800_000


def test_a_second_cable_is_refused_and_disturbs_nobody(ward: Ward) -> None:
    held = session(ward)
    assert ward.do(proof(key="SHA256:" + "y" * 43)).refusal == service.BUSY
    assert session(ward) == held
    assert not ward.records(sr.ServiceRefused)[-1].counts


def test_five_failures_slow_the_next_ones_down_and_lock_nobody_out() -> None:
    ward = Ward(NEVER, stocked=False)
    for _ in range(4):
        ward.do(e.ServiceNotProved("wrong"))
        assert service.wait_s(ward.state, ward.now_ms) == 0
    for _ in range(20):
        ward.do(e.ServiceNotProved("wrong"))
        assert service.wait_s(ward.state, ward.now_ms) == 30
        ward.wait(30)
        assert service.wait_s(ward.state, ward.now_ms) == 0
    assert not ward.do(proof()).refusal
    assert ward.state.service_tries.pins == 0


def test_a_restart_ends_the_session_and_forgets_no_failure() -> None:
    ward = Ward(NEVER, stocked=False)
    for _ in range(6):
        ward.do(e.ServiceNotProved("wrong"))
    ward.restart()
    assert service.wait_s(ward.state, ward.now_ms) == 30
    ward.wait(30)
    ward.do(proof())
    ward.restart()
    assert ward.state.service is None


def test_each_command_and_its_result_is_a_record(ward: Ward) -> None:
    ward.do(e.ServiceAsked(session(ward), "config", ("show",), "ok", "ab" * 32))
    ward.do(e.ServiceAsked(session(ward), "config", ("Nina",), "failed"))
    ward.do(e.ServiceAsked(session(ward), "shell", ("rm",)))
    said = [(it.command, it.arguments, it.outcome) for it in ward.records(sr.ServiceCommand)]
    assert said == [
        ("config", ("show",), "ok"),
        ("config", (), "failed"),
        ("unknown", (), "refused"),
    ]


@pytest.mark.parametrize("why", ["logout", "hung_up"])
def test_leaving_ends_the_session_and_nobody_elses(ward: Ward, why: Any) -> None:
    ward.do(e.ServiceLeft("another", why))
    assert ward.state.service is not None
    ward.do(e.ServiceLeft(session(ward), why))
    assert ward.records(sr.ServiceEnded)[-1].why == why


@pytest.mark.parametrize(
    "command",
    ["open", "unlock", "pulse", "count", "sql", "shell", "read", "cat", "export", "D1", "erase"],
)
def test_nothing_at_the_console_opens_counts_or_reads_what_is_not_its_own(
    ward: Ward, command: str
) -> None:
    ward.commands.clear()
    assert ward.do(e.ServiceAsked(session(ward), command)).refusal
    assert not ward.commands
    assert command not in service.READING


def test_the_person_at_the_touchscreen_is_not_told_what_the_console_was_refused(
    ward: Ward,
) -> None:
    before = ward.engine.place
    ward.do(e.ServiceAsked(session(ward), "shell"))
    assert ward.engine.place == before


def test_a_snapshot_in_a_service_session_leads_to_the_same_state(ward: Ward) -> None:
    state = snapshot.restore(snapshot.take(ward.state), ListAttached(ward))
    assert state.service == ward.state.service
    assert replay(ward.sink).service == ward.state.service


class ListAttached(dict[str, Any]):
    """The details of a ward's attachments."""

    def __init__(self, ward: Ward) -> None:
        super().__init__(
            {it.hash.hex(): r.decode_details(it.kind, it.data) for it in ward.sink.attached}
        )


# --- answers --------------------------------------------------------------------------------------


class Known:
    """Facts of a ward."""

    def __init__(self, ward: Ward) -> None:
        self.ward = ward

    def wires(self) -> dict[str, Wires]:
        shut = Wires(True, True, False, False)
        return dict.fromkeys(self.ward.state.drawers, shut) | {"D2": Wires(None, None, True, True)}

    def refused(self) -> dict[str, int]:
        return {"badge": 3}

    def about(self) -> dict[str, tuple[tuple[str, str], ...]]:
        return {"fingerprint": (("slots", "1000"),)}

    def listen(self, device: str, on: bool) -> None:
        """Nothing is heard here."""

    def heard(self, device: str) -> tuple[tuple[Trace, ...], int]:
        return (), 0

    def _pairs(self) -> tuple[tuple[str, str], ...]:
        return (("what", "value"),)

    ledger = storage = clock = power = software = settings = file_settings = _pairs


def answers(ward: Ward) -> str:
    """All that the console would answer, as text."""
    told = []
    for command in service.READING:
        if command == "record":
            continue  # of traffic: tests/test_service_traffic.py
        for form in service_answers.ARGUMENTS.get(command, ((),)):
            reply = service_answers.answer(
                command, form, ward.state, Known(ward), History(), NOON_MS / 1000
            )
            assert reply.outcome == "ok", (command, reply)
            told.append(str(reply))
    return "\n".join((*told, *service_answers.watched(ward.state, Known(ward).wires())))


def test_no_answer_says_what_is_expected_or_whom_it_is_for() -> None:
    ward = Ward(NEVER)
    ward.sign_in("N1")
    before = answers(ward)
    ward.remove("O1", 20)
    ward.press("home")
    ward.press("sign_out")
    after = answers(ward)
    ward.sign_in("N1")
    for name in ("Franklin", "Hope", "Nina", "Nurse", "oxyCODONE", "OXY5", "1001", "hash of"):
        assert name not in before + after, name
    for size in (ward.state.on_hand("P1"), 18, 20):
        assert f"'{size}'" not in before + after


def test_the_status_says_whether_service_mode_is_on_and_what_is_tested(ward: Ward) -> None:
    rows = service_answers.status(ward.state, 0).rows
    assert ("state", "in service") in rows and ("test under way", "none") in rows
    ward.do(e.ServiceAsked(session(ward), "service", ("begin",)))
    rows = service_answers.status(ward.state, 0, "light D1").rows
    assert ("state", "in service mode") in rows and ("test under way", "light D1") in rows
    ward.do(e.DeviceChanged("badge", "unplugged"))
    assert service_answers.in_one_line(ward.state) == "in service mode, with faults"


def test_what_is_long_in_a_visits_report_is_cut_before_its_entry(ward: Ward) -> None:
    history, ended = History(), sr.ServiceFinished(session(ward), ("x" * 90,) * 3, False)
    body = msgspec.structs.replace(r.decode_body(ward.sink.bodies[-1]), record=ended)
    history.note(body)
    (row,) = history.visit
    assert len(row[1]) == MAX_CELL_CHARS and row[1].endswith(f"x (entry {body.seq})")


def test_a_wrong_argument_is_answered_by_how_it_is_used(ward: Ward) -> None:
    reply = service_answers.answer(
        "config", ("burn",), ward.state, Known(ward), History(), NOON_MS / 1000
    )
    assert (reply.outcome, reply.words) == (
        "failed",
        "Use: config show or config check or config diff",
    )


def test_the_drawers_table_tells_a_jam_a_cut_wire_and_an_unreadable_pin_apart() -> None:
    ward = Ward(NEVER, stocked=False)
    history = History()
    first = ward.state.size
    ward.move("D3", "disagree")
    ward.move("D2", "unknown")
    for data in ward.sink.bodies[first:]:
        history.note(r.decode_body(data))
    table = service_answers.drawers(ward.state, history, Known(ward).wires())
    rows = {row[0]: row for row in table.rows}
    assert rows["D2"][2:4] == ("unreadable", "unreadable")
    assert rows["D2"][4] == "ON"
    assert "disagree" in rows["D3"][6] or "opened when" in rows["D3"][6]
    assert rows["D1"] == ("D1", "shut", "closed", "engaged", "off", "0", "")


# --- notes ----------------------------------------------------------------------------------------


def test_a_note_is_an_attachment_and_no_body_has_its_words(ward: Ward) -> None:
    assert not ward.do(e.ServiceWrote(session(ward), "The hook was bent.\x1b[2J\n")).refusal
    (record,) = ward.records(sr.ServiceNoted)
    assert ward.state.service is not None
    assert ward.state.service.notes == {record.note: "The hook was bent.[2J"}
    assert b"bent" not in b"".join(ward.sink.bodies) + snapshot.take(ward.state)
    assert "bent" not in repr(ward.state.service) + repr(e.ServiceWrote("s", "bent"))
    state = snapshot.restore(snapshot.take(ward.state), ListAttached(ward))
    assert state.service == ward.state.service
    report = service_answers.report(ward.state, History())
    assert "The hook was bent." in str(report)


def test_a_note_needs_words_a_session_and_room(ward: Ward) -> None:
    assert ward.do(e.ServiceWrote("another", "x")).refusal == service.OVER
    assert ward.do(e.ServiceWrote(session(ward), " \x00 ")).refusal
    for number in range(service.MOST_NOTES):
        ward.do(e.ServiceWrote(session(ward), f"{number} " + "x" * 1000))
    assert ward.do(e.ServiceWrote(session(ward), "one more")).refusal
    assert ward.state.service is not None
    assert max(map(len, ward.state.service.notes.values())) == MAX_NOTE_CHARS


def test_a_note_is_erased_once_the_technician_has_gone(ward: Ward) -> None:
    ward.do(e.ServiceWrote(session(ward), "The hook was bent."))
    (record,) = ward.records(sr.ServiceNoted)
    erase = e.Erase((record.note,), "lawful_order", "order-1")
    assert "at the console" in ward.do(erase).refusal
    ward.do(e.ServiceLeft(session(ward), "logout"))
    assert not ward.do(erase).refusal
    assert b"bent" not in b"".join(it.data for it in ward.sink.attached)
