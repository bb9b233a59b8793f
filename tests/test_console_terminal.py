"""Terminals as they are, at the console: silent, large, at a wrong rate; and what is typed."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth.pins import PinHasher
from cabinet import events as e
from cabinet import service_records as sr
from cabinet.console.program import MORE, SIGN_IN, TRY_AGAIN, WAITING, WATCHING
from cabinet.console.signing_in import CHOOSE
from cabinet.plan import Service
from sim.technicians import KEYGEN, ServiceCA, Technician
from tests import app
from tests.desks import Desk, rules
from tests.laptops import PICOCOM, Laptop
from tests.test_console import (
    VT100,
    at_a_console,
    begin,
    challenge,
    sign_in,
    sign_in_after_noise,
)
from tests.test_console_socket import opened
from tests.test_service import Known
from tests.test_service_person import hired
from tests.ward import PIN, badge

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which(KEYGEN) is None, reason="ssh-keygen is not installed"),
    pytest.mark.skipif(shutil.which(PICOCOM) is None, reason="picocom is not installed"),
]


@pytest.fixture
def desk(tmp_path: Path, ca: ServiceCA) -> Desk:
    return opened(tmp_path, ca)


@pytest.fixture
def laptop(tmp_path: Path, desk: Desk) -> Iterator[Laptop]:
    with at_a_console(tmp_path, desk) as made:
        yield made


def at_another_baud_rate(text: str, slower: int) -> bytes:
    """What a line that is `slower` times as fast reads of `text`: each bit that many times."""
    bits = [bit for byte in text.encode() for bit in (0, *(byte >> n & 1 for n in range(8)), 1)]
    wire = [bit for bit in bits for _ in range(slower)] + [1] * 10
    read, at = bytearray(), 0
    while at + 10 <= len(wire):
        if wire[at]:
            at += 1  # idle
            continue
        read.append(sum(bit << n for n, bit in enumerate(wire[at + 1 : at + 9])))
        at += 10
        while at < len(wire) and not wire[at - 1] and not wire[at]:
            at += 1  # no stop bit: the line comes to rest first
    return bytes(read)


@pytest.mark.parametrize("slower", [2, 12])  # 57600 and 9600
def test_a_terminal_at_the_wrong_baud_rate_is_noise_and_disturbs_nothing(
    laptop: Laptop, desk: Desk, sam: Technician, slower: int
) -> None:
    assert at_another_baud_rate("logout\r", 1) == b"logout\r"
    laptop.until("Press Enter to sign in.")
    laptop.send(at_another_baud_rate("\rstatus\rlogout\r", slower))
    sign_in_after_noise(laptop, sam)
    laptop.send(at_another_baud_rate("logout\r", slower))
    laptop.insist("\x03version\r", "= ok")
    assert desk.state.service is not None
    assert VT100.fullmatch(laptop.told)


PHRASE = ("Tulip #7 (anchor)~ mist; " * 3)[:64]  # as long as it may be


@pytest.mark.parametrize("secret", [PIN, PHRASE])
def test_what_is_secret_is_never_echoed_and_the_number_is(tmp_path: Path, secret: str) -> None:
    made = Desk(tmp_path, Service(sign_in=("code",), admit="never"), Known)
    hasher = PinHasher(app.PEPPER, passes=1, memory_kib=1024)
    made.ward.hashed = lambda _: hasher.hash(secret)
    hired(made.ward)
    with at_a_console(tmp_path, made) as laptop:
        laptop.until("Press Enter to sign in.")
        laptop.type("\rSX\x7f1\r")
        laptop.until("PIN or passphrase: ")
        laptop.type("\r")  # by who opened the terminal anew: nobody's wrong try
        assert "s more. Ctrl-C stops." in laptop.until("PIN or passphrase: ")
        laptop.type(f"{secret:x<64}x\r")  # too long: its beginning is not it
        assert "At most 64 characters." in laptop.until("PIN or passphrase: ")
        laptop.type(f"9\x08{secret}\r")
        laptop.until("Code of your app: ")
        laptop.type(f"{app.code(made.ward)}\r")
        laptop.until("Signed in: Sven Service.")
        laptop.until("service>")
        assert laptop.command("status").endswith("= ok")
        assert "Staff number: SX\b \b1\r\nPIN or passphrase: \r\n" in laptop.seen
        asked = "PIN or passphrase: \r\nCode of your app: \r\n"
        assert f"Ctrl-C stops.\r\n{asked}" in laptop.seen
        assert not made.ward.records(sr.ServiceRefused)
        assert secret not in laptop.seen and app.code(made.ward) not in laptop.seen


def test_where_both_ways_are_allowed_the_console_asks_which(
    tmp_path: Path, ca: ServiceCA, sam: Technician
) -> None:
    made = Desk(tmp_path, rules(ca, sign_in=("certificate", "code")), Known)
    made.ward.wall_ms = int(time.time() * 1000)
    with at_a_console(tmp_path, made) as laptop:
        laptop.until("Press Enter to sign in.")
        laptop.type("\r")
        laptop.until("p  with your staff number")
        laptop.type("xp")
        laptop.until("Staff number: ")
        laptop.type("\x03")
        laptop.until("Stopped.")
        laptop.until("Press Enter to sign in.")
        laptop.type("\rc")
        laptop.type(sam.sign(challenge(laptop)).replace("\n", "\r"))
        laptop.until("Signed in: Sam Okafor.")


def test_a_terminal_is_asked_how_large_it_is_and_one_that_is_silent_has_24_by_80(
    laptop: Laptop, sam: Technician
) -> None:
    laptop.until("Press Enter to sign in.")
    laptop.type("\r")
    laptop.until("\x1b[6n")
    laptop.until("ssh-keygen")
    laptop.type("\x1b[40;132R")  # over a slow line it is late
    laptop.type(sam.sign(challenge(laptop)).replace("\n", "\r"))
    laptop.until("service>")
    laptop.type("size\r")
    laptop.until("\x1b[6n")
    laptop.until("40 rows, 132 columns.")
    assert laptop.until("\r\n= ").endswith("= ") and laptop.until("\r\n").strip() == "failed"
    laptop.type("size\r")
    laptop.until("\x1b[6n")
    laptop.type("\x1b[5;9R")
    laptop.until("10 rows, 40 columns.")


# --- whoever opens the terminal anew while something is waited for --------------------------------


def test_a_key_says_what_is_waited_for_before_the_sign_in(tmp_path: Path, ca: ServiceCA) -> None:
    made = Desk(tmp_path, rules(ca, sign_in=("certificate", "code")), Known)
    made.ward.wall_ms = int(time.time() * 1000)
    with at_a_console(tmp_path, made) as laptop:
        laptop.until(SIGN_IN)
        laptop.type("x")
        laptop.until(f"\r\n{SIGN_IN}")
        laptop.type("\r")
        laptop.until("p  with your staff number")
        laptop.type("\r")
        laptop.until(CHOOSE)
        laptop.type("c")
        challenge(laptop)
        laptop.type(" ")
        laptop.until(".")
        laptop.type("\r")
        told = laptop.until("Waiting for the signature: ", "more. Ctrl-C stops.")
        assert told.endswith("signature: ")
        assert re.fullmatch(r"(5 min 0 s|4 min \d+ s) more. Ctrl-C stops.", laptop.until("stops."))
        made.socket.close()
        laptop.type("\x03")
        laptop.until(TRY_AGAIN)
        laptop.type("x")
        laptop.until(f"\r\n{TRY_AGAIN}")
        assert VT100.fullmatch(laptop.told)


def test_a_key_says_that_a_pharmacist_is_waited_for_and_how_long(
    tmp_path: Path, ca: ServiceCA, sam: Technician
) -> None:
    made = opened(tmp_path, ca, admit="always")
    with at_a_console(tmp_path, made) as laptop:
        begin(laptop)
        laptop.type(sam.sign(challenge(laptop)).replace("\n", "\r"))
        laptop.until("Tasks, Let a technician in. Ctrl-C stops waiting.")
        for key in ("\r", "x"):
            laptop.type(key)
            laptop.until("Waiting for a pharmacist to let you in: ")
            said = laptop.until("Ctrl-C stops.\r\n")
            assert re.fullmatch(r"(5 min 0 s|4 min \d+ s) more. Ctrl-C stops.\r\n", said)
        laptop.type("x\x03")
        laptop.until("Stopped.")
        made.until(lambda: made.state.service is None)
        assert made.ward.records(sr.ServiceEnded)[-1].why == "logout"


def test_a_key_says_that_a_watch_or_an_answer_goes_on_and_nothing_typed_is_lost(
    laptop: Laptop, desk: Desk, sam: Technician
) -> None:
    sign_in(laptop, sam)
    laptop.command("watch")
    laptop.type("x")
    laptop.until(WATCHING)
    laptop.type("\r")
    laptop.until("service>")
    desk.units = False
    laptop.type("logs\r")
    desk.until(lambda: desk.desk._system.busy("logs"))
    laptop.type("version\r")
    laptop.until(WAITING)
    desk.units = True
    laptop.until("= ok")
    assert "service> version" in laptop.until("= ok")


def test_who_types_on_while_a_page_is_shown_loses_no_letter_of_the_command(
    laptop: Laptop, sam: Technician
) -> None:
    sign_in(laptop, sam)
    laptop.type("help\r")
    laptop.until(MORE)
    laptop.type("version\r")
    assert "service> version" in laptop.until("= ok")


def test_an_extension_that_is_stopped_or_refused_ends_no_session(
    laptop: Laptop, desk: Desk, sam: Technician
) -> None:
    sign_in(laptop, sam)
    laptop.command("service begin")
    laptop.command("test reader")
    laptop.until("service>")
    laptop.type("extend\r")
    challenge(laptop)
    laptop.type("\x03")
    laptop.until("Stopped.\r\n= failed")
    laptop.type("extend\r")
    laptop.type(sam.sign(challenge(laptop) + "0").replace("\n", "\r"))
    laptop.until("not of this challenge")
    laptop.until("= failed")
    laptop.type("extend\r")
    signed = sam.sign(challenge(laptop)).replace("\n", "\r")
    desk.step(e.BadgeSeen(badge("N1")))  # is told as soon as the signature is there
    laptop.type(signed)
    laptop.until("Test of reader: passed.")
    laptop.until("Extended: 30 min.")
    assert laptop.command("service end").endswith("= ok")
    assert not desk.ward.records(sr.ServiceEnded)
    assert VT100.fullmatch(laptop.told)


def test_a_note_is_written_and_is_in_the_report(
    laptop: Laptop, desk: Desk, sam: Technician
) -> None:
    sign_in(laptop, sam)
    words = "The hook of drawer 3 was bent; straightened."
    assert laptop.command(f"note {words}").endswith("= ok")
    laptop.type("note\r")
    laptop.until("Use: note TEXT")
    laptop.until("service>")
    told = laptop.command("report")
    assert "The hook of drawer 3 was bent;" in told and "straightened." in told
    assert b"bent" not in b"".join(desk.ward.sink.bodies)


def test_what_is_told_meanwhile_loses_no_line_that_is_being_typed(
    laptop: Laptop, desk: Desk, sam: Technician
) -> None:
    sign_in(laptop, sam)
    laptop.command("service begin")
    laptop.command("test reader")
    laptop.until("service>")
    laptop.type("vers")
    laptop.until("vers")
    desk.step(e.BadgeSeen(badge("N1")))
    laptop.until("Test of reader: passed.")
    laptop.until("vers")
    laptop.type("ion\r")
    assert "service> version" in laptop.until("= ok")
