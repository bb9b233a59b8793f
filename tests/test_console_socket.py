"""The console socket: real signatures over real challenges, and every lie a peer can tell."""

import hashlib
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabinet import captures, service
from cabinet import console_messages as m
from cabinet import service_records as sr
from cabinet.messages import MAX_FRAME_BYTES, MessageError
from sim.technicians import KEYGEN, ServiceCA, Technician
from tests.desks import Console, Desk, rules
from tests.test_service import Known

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(shutil.which(KEYGEN) is None, reason="ssh-keygen is not installed"),
]


@pytest.fixture
def desk(tmp_path: Path, ca: ServiceCA) -> Iterator[Desk]:
    made = opened(tmp_path, ca)
    yield made
    made.close()


def opened(folder: Path, ca: ServiceCA, /, **more: object) -> Desk:
    made = Desk(folder, rules(ca, **more), Known)
    made.ward.wall_ms = int(time.time() * 1000)  # as the certificates have it
    return made


@pytest.fixture
def console(desk: Desk) -> Console:
    made = Console(desk)
    made.greet()
    return made


def test_the_banner_says_nothing_but_name_state_and_time(desk: Desk) -> None:
    banner = Console(desk).greet()
    assert (banner.cabinet, banner.state) == ("Ward 1 (ward-1)", "in service")
    assert banner.sign_in == ""
    assert len(m.encode(banner)) < 300


def test_a_technician_signs_in_asks_and_logs_out(
    desk: Desk, console: Console, sam: Technician
) -> None:
    signed = console.sign_in(sam)
    assert (signed.name, signed.lasts_s, signed.idle_s, signed.admit_s) == (
        sam.name,
        1800,
        300,
        0,
    )
    answer = console.ask("status")
    assert (answer.outcome, answer.tables[0].name) == ("ok", "status")
    console.say(m.Leave())
    console.hear(m.Ended)
    assert desk.state.service is None
    assert console.ask("status").outcome == "refused"


def test_the_record_of_a_command_proves_what_was_answered(
    desk: Desk, console: Console, sam: Technician
) -> None:
    console.sign_in(sam)
    answer = console.ask("drawers")
    (record,) = desk.ward.records(sr.ServiceCommand)
    assert record.digest == hashlib.sha256(m.body(answer.tables)).hexdigest()


def test_a_response_counts_once(desk: Desk, console: Console, sam: Technician) -> None:
    response = m.Respond(sam.sign(console.challenge()))
    console.say(response)
    console.hear(m.SignedIn)
    console.say(m.Leave())
    console.hear(m.Ended)
    console.say(response)
    assert "Begin again" in console.hear(m.Denied).words
    console.challenge()
    console.say(response)
    assert "not of this challenge" in console.hear(m.Denied).words
    assert desk.state.service is None


def test_a_response_to_another_connections_challenge_is_refused(
    desk: Desk, console: Console, sam: Technician
) -> None:
    other = Console(desk)
    other.greet()
    theirs = other.challenge()
    console.challenge()
    console.say(m.Respond(sam.sign(theirs)))
    console.hear(m.Denied)


def test_a_response_for_another_cabinets_challenge_is_refused(
    desk: Desk, console: Console, ca: ServiceCA
) -> None:
    fleet = ca.technician("Flo Fleet", "general")  # whose certificate is good at both
    theirs = console.challenge().replace(":ward-1:", ":ward-2:")
    console.say(m.Respond(fleet.sign(theirs)))
    assert "not of this challenge" in console.hear(m.Denied).words
    assert console.sign_in(fleet).name == fleet.name


@pytest.mark.parametrize(
    ("hours", "words"), [("-3h:-1h", "was valid until"), ("+1h:+3h", "not valid before")]
)
def test_an_expired_and_a_not_yet_valid_certificate_are_refused_and_the_clock_is_told(
    desk: Desk, console: Console, ca: ServiceCA, hours: str, words: str
) -> None:
    person = Technician(ca.folder, "Tim Late")
    ca.certify(person, "ward-1", hours=hours)
    console.say(m.Respond(person.sign(console.challenge())))
    assert words in console.hear(m.Denied).words
    assert desk.state.service is None
    assert desk.ward.records(sr.ServiceRefused)[-1].counts


def test_a_challenge_is_good_for_five_minutes(
    desk: Desk, console: Console, sam: Technician
) -> None:
    response = sam.sign(console.challenge())
    desk.wait(300)
    console.say(m.Respond(response))
    assert "Begin again" in console.hear(m.Denied).words


def test_a_session_belongs_to_its_cable(desk: Desk, console: Console, sam: Technician) -> None:
    console.sign_in(sam)
    other = Console(desk)
    other.greet()
    assert other.ask("status").outcome == "refused"
    other.say(m.Leave())
    other.hear(m.Ended)
    other.say(m.Begin())
    assert "already" in other.hear(m.Denied).words
    assert console.ask("status").outcome == "ok"


def test_a_pulled_cable_ends_the_session_at_once(
    desk: Desk, console: Console, sam: Technician
) -> None:
    console.sign_in(sam)
    console.line.close()
    desk.until(lambda: desk.state.service is None)
    assert desk.ward.records(sr.ServiceEnded)[-1].why == "hung_up"


def test_a_cable_pulled_while_a_proof_is_checked_signs_nobody_in(
    desk: Desk, console: Console, sam: Technician
) -> None:
    console.say(m.Respond(sam.sign(console.challenge())))
    console.line.close()
    desk.until(lambda: not desk.desk._visitors)
    for _ in range(50):
        desk.turn()
    assert desk.state.service is None
    assert not desk.ward.records(sr.ServiceSignedIn)


def test_guessing_is_slowed_down_from_the_fifth_try_on(
    desk: Desk, ca: ServiceCA, tmp_path: Path, sam: Technician
) -> None:
    stranger = ServiceCA(tmp_path / "other").technician("Mal Lory", "ward-1")
    for number in range(5):
        guess = Console(desk)  # a new cable is no new chance
        guess.greet()
        guess.say(m.Respond(stranger.sign(guess.challenge())))
        assert bool(guess.hear(m.Denied).wait_s) is (number == 4)
        guess.line.close()
    late = Console(desk)
    late.greet()
    late.say(m.Begin())
    assert late.hear(m.Denied).wait_s
    desk.wait(30)
    assert late.sign_in(sam).name == sam.name


def test_noise_before_the_sign_in_fills_no_disk(desk: Desk) -> None:
    before = desk.state.size
    for _ in range(30):
        noise = Console(desk)
        noise.greet()
        for _ in range(3):
            noise.say(m.Respond("noise"))  # without a challenge
            noise.hear(m.Denied)
            noise.say(m.Begin())
            answer = noise.hear(object)
            if isinstance(answer, m.Challenge):
                noise.say(m.Respond("noise"))
                noise.hear(m.Denied)
        noise.line.close()
    assert desk.state.size - before == 5
    assert desk.ward.records(sr.ServiceRefused)[-1].why == "no_signature"


def test_a_revoked_key_is_refused_at_the_next_sign_in(tmp_path: Path, ca: ServiceCA) -> None:
    person = ca.technician("Rae Voked", "ward-1")
    revoked = ca.revoke()
    desk = opened(tmp_path, ca, revoked=str(revoked))
    console = Console(desk)
    console.greet()
    console.sign_in(person)
    console.say(m.Leave())
    console.hear(m.Ended)
    ca.revoke(person)
    console.say(m.Respond(person.sign(console.challenge())))
    assert "revoked" in console.hear(m.Denied).words
    desk.close()


def test_where_it_is_asked_a_certificate_names_a_staff_number_which_is_recorded(
    tmp_path: Path, ca: ServiceCA
) -> None:
    desk = opened(tmp_path, ca, named_certificates=True)
    console = Console(desk)
    console.greet()
    console.say(m.Respond(ca.technician("Kim Other", "ward-1").sign(console.challenge())))
    assert "staff:NUMBER" in console.hear(m.Denied).words
    console.sign_in(ca.technician("Paul P.", "ward-1", "staff:P1"))
    assert desk.ward.records(sr.ServiceSignedIn)[-1].people == (desk.ward.ref("P1"),)
    desk.close()


def test_who_must_be_let_in_waits_and_is_told(
    tmp_path: Path, ca: ServiceCA, sam: Technician
) -> None:
    desk = opened(tmp_path, ca, admit="always")
    console = Console(desk)
    console.greet()
    assert console.sign_in(sam).admit_s == service.ADMIT_WITHIN_S
    assert console.ask("status").outcome == "refused"
    desk.ward.sign_in("P1")
    desk.ward.press("menu")
    assert desk.state.service is not None
    desk.ward.press(f"admit:{desk.state.service.id}")
    console.hear(m.Admitted)
    assert console.ask("status").outcome == "ok"
    desk.close()


def test_without_a_service_ca_nobody_signs_in(tmp_path: Path, ca: ServiceCA) -> None:
    desk = opened(tmp_path, ca, ca=())
    console = Console(desk)
    assert "no service CA" in console.greet().sign_in
    console.say(m.Begin())
    assert "no service CA" in console.hear(m.Denied).words
    desk.close()


def test_a_watch_says_each_change_once_until_it_is_stopped(
    desk: Desk, console: Console, sam: Technician
) -> None:
    console.sign_in(sam)
    assert console.ask("watch").outcome == "ok"
    desk.ward.move("D3", "disagree")
    assert console.hear(m.Seen).line.startswith("D3  forced")
    console.say(m.Stop())
    desk.until(lambda: not next(iter(desk.desk._visitors.values())).watching)
    desk.ward.push("D3")
    assert console.ask("version").outcome == "ok"  # and no line before it


def test_a_recording_is_there_for_a_bundle_until_the_session_ends(
    desk: Desk, console: Console, sam: Technician
) -> None:
    kept = desk.folder / desk.configuration.paths.requests / captures.NAME
    console.sign_in(sam)
    assert console.ask("record", "badge", "1").outcome == "ok"
    assert not kept.exists()
    desk.wait(2)
    assert console.hear(m.Seen).line == "Recorded 0 frames: record show badge"
    assert captures.read(kept.parent)[0].startswith("# adc capture 1, badge, ")
    console.say(m.Leave())
    console.hear(m.Ended)
    assert not kept.exists()


def test_signing_again_extends_the_session(desk: Desk, console: Console, sam: Technician) -> None:
    console.sign_in(sam)
    desk.wait(200)
    assert console.sign_in(sam).lasts_s == 1800
    assert len(desk.ward.records(sr.ServiceExtended)) == 1


def test_an_idle_session_is_told_that_it_is_over(
    desk: Desk, console: Console, sam: Technician
) -> None:
    console.sign_in(sam)
    desk.wait(300)
    assert "too long" in console.hear(m.Ended).words


@pytest.mark.parametrize(
    "data",
    [
        m.encode(m.Begin()),
        m.encode(m.Hello(99)),
        m.encode(m.Hello(m.VERSION)) * 2,
        b"\x00\x00\x00\x02{}",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x04null",
    ],
)
def test_a_peer_that_does_not_speak_the_protocol_is_dropped(desk: Desk, data: bytes) -> None:
    peer = Console(desk)
    peer.line.sendall(data)
    assert peer.is_dropped()


@given(st.binary(max_size=200))
def test_no_bytes_make_either_end_stumble(data: bytes) -> None:
    for decode in (m.decode_for_controller, m.decode_for_console):
        with pytest.raises(MessageError):
            decode(b"x" + data)


@pytest.mark.parametrize(
    "word", ["", "a b", "../etc", "a;b", "x" * 33, "-Overify", "a\n", "\x1b[2J", "é"]
)
def test_a_word_with_anything_but_letters_and_digits_is_no_word(word: str) -> None:
    with pytest.raises(MessageError):
        m.decode_for_controller(m.encode(m.Command(1, "status", (word,)))[4:])


def test_an_answer_is_cut_to_what_a_frame_holds() -> None:
    row = tuple("x" * 200 for _ in range(8))
    tables = m.fitted(tuple(m.Table(f"t{n}", row, (row,) * 500) for n in range(3)))
    assert len(m.encode(m.Answer(1, "ok", "", tables))) <= MAX_FRAME_BYTES + 4
    small = m.fitted((m.Table("t", ("a", "b"), (("1", "2"),) * 201),))
    assert small[0].rows[-1] == ("(1 more)", "")


def test_there_is_no_more_than_a_few_cables(desk: Desk) -> None:
    made = [Console(desk) for _ in range(4)]
    for each in made:
        each.greet()
    assert Console(desk).is_dropped()
    assert isinstance(made[0].line, socket.socket)
