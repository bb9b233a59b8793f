"""A technician at the maintenance console, through a real picocom, with real keys."""

import json
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cabinet import configuration as site
from cabinet import events as e
from cabinet import service_records as sr
from cabinet.console.program import SIGN_IN
from cabinet.system_desk import PACE_S
from sim.medicines import DEMO
from sim.technicians import KEYGEN, ServiceCA, Technician
from tests.demo import ROOT, until, waiting_bytes
from tests.desks import Desk
from tests.laptops import PICOCOM, ConsoleProcess, Laptop
from tests.test_console_socket import opened
from tests.ward import badge

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which(KEYGEN) is None, reason="ssh-keygen is not installed"),
    pytest.mark.skipif(shutil.which(PICOCOM) is None, reason="picocom is not installed"),
]

PASTE = "paste here what it prints."
# What a VT100 knows of what the console may send: text, CR, LF, bell, backspace, and sequences.
SEQUENCE = r"\x1b[78]|\x1b\[(?:6n|\?[17][hl]|\d{0,3}(?:;\d{0,3})?[ABCDHJKm])"
VT100 = re.compile(rf"(?:[\x20-\x7e\r\n\x07\x08]|{SEQUENCE})*")


@pytest.fixture
def desk(tmp_path: Path, ca: ServiceCA) -> Iterator[Desk]:
    made = opened(tmp_path, ca)
    yield made
    made.close()


@pytest.fixture
def console(tmp_path: Path, desk: Desk) -> Iterator[ConsoleProcess]:
    made = cabled(tmp_path, desk)
    yield made
    made.close()


def cabled(folder: Path, desk: Desk) -> ConsoleProcess:
    """A console of this desk's cabinet, not started."""
    config = folder / "cabinet.toml"
    shutil.copy(DEMO / "cabinet.toml", config)
    with config.open("a") as file:
        file.write(f'\n[paths]\nconsole = "{desk.path}"\n')
    assert site.load(config).paths.console == str(desk.path)
    return ConsoleProcess(folder, config)


@contextmanager
def at_a_console(folder: Path, desk: Desk) -> Iterator[Laptop]:
    """A laptop at a console of this desk."""
    console = cabled(folder, desk)
    laptop = Laptop(console.cable.laptop_end, desk.turn)
    console.start()
    try:
        yield laptop
    finally:
        laptop.close()
        console.close()
        desk.close()


@pytest.fixture
def laptop(console: ConsoleProcess, desk: Desk) -> Iterator[Laptop]:
    made = Laptop(console.cable.laptop_end, desk.turn)
    console.start()
    yield made
    made.close()


def sign_in(laptop: Laptop, person: Technician) -> None:
    begin(laptop)
    laptop.type(person.sign(challenge(laptop)).replace("\n", "\r"))
    laptop.until("help lists the commands.")
    laptop.until("service>")


def sign_in_after_noise(laptop: Laptop, person: Technician) -> None:
    """Answer whatever is asked: what was typed before may still be on its way, and ask again."""
    laptop.type("\x03\r")
    while not (said := laptop.until(SIGN_IN, PASTE, "service>")).endswith("service>"):
        if said.endswith(SIGN_IN):
            laptop.type("\r")
        else:
            laptop.type(person.sign(challenge(laptop)).replace("\n", "\r"))


def begin(laptop: Laptop) -> None:
    laptop.until("Press Enter to sign in.")
    laptop.type("\r")
    laptop.until("ssh-keygen")


def challenge(laptop: Laptop) -> str:
    laptop.until("Ctrl-C stops.")
    found = re.findall(r"printf %s ((?:'[\w:-]+'[ \\\\\r\n]*)+)\|", laptop.seen)
    return "".join(re.findall(r"'([\w:-]+)'", found[-1]))


def test_a_technician_signs_in_looks_around_and_leaves(
    laptop: Laptop, desk: Desk, sam: Technician
) -> None:
    sign_in(laptop, sam)
    told = laptop.command("status")
    assert "ward-1" in told and told.endswith("= ok")
    told = laptop.command("drawers")
    assert "D1" in told and "engaged" in told
    laptop.type("logout\r")
    laptop.until("Logged out.")
    laptop.until("Press Enter to sign in.")
    assert desk.ward.records(sr.ServiceEnded)[-1].why == "logout"
    assert VT100.fullmatch(laptop.told), laptop.told


def test_a_script_gets_one_line_of_json_and_a_fixed_word(laptop: Laptop, sam: Technician) -> None:
    sign_in(laptop, sam)
    laptop.type("devices --json\r")
    laptop.until("\r\n{")
    told = json.loads("{" + laptop.until("\r\n"))
    assert told["outcome"] == "ok"
    assert [row["device"] for row in told["devices"]] == [
        "locks",
        "fingerprint",
        "badge",
        "scanner",
    ]


def test_nothing_is_said_before_the_sign_in_but_name_state_and_time(laptop: Laptop) -> None:
    laptop.until("Press Enter to sign in.")
    said = laptop.seen.strip().splitlines()
    assert said[0] == "Ward 1 (ward-1)"
    assert re.fullmatch(r"in service; \d{4}-\d\d-\d\d \d\d:\d\d UTC", said[1])
    assert len(said) == 3


def test_a_mistake_suggests_and_help_explains(laptop: Laptop, sam: Technician) -> None:
    sign_in(laptop, sam)
    laptop.type("drawrs\r")
    laptop.until("Did you mean drawers?")
    laptop.until("= unknown")
    laptop.type("help drawers\r")
    laptop.until("a cut switch wire")
    laptop.type("config\r")
    laptop.until("Use: config show or config check or config diff")


def test_the_tab_key_completes_and_the_arrow_brings_back(laptop: Laptop, sam: Technician) -> None:
    sign_in(laptop, sam)
    laptop.type("vers\t\r")
    laptop.until("= ok")
    laptop.type("\x1b[A\r")
    assert "version" in laptop.until("= ok")


def test_break_noise_and_a_megabyte_without_end_leave_the_console_at_work(
    laptop: Laptop, desk: Desk, sam: Technician
) -> None:
    laptop.until("Press Enter to sign in.")
    # picocom's own escape is ^A, which a stranger's program need not have
    noise = bytes(byte for byte in range(256) if byte not in (1, 13, 10)) * 20
    laptop.send(noise)
    laptop.send(b"A" * 1_000_000, piece=4096)
    laptop.type("\r")
    laptop.until("Ctrl-C stops.")
    laptop.type("\x03")
    laptop.until("Stopped.")
    sign_in(laptop, sam)
    laptop.send(b"B" * 200_000 + noise, piece=4096)
    laptop.insist("\x03version\r", "= ok")  # what comes too fast to be taken is dropped
    assert VT100.fullmatch(laptop.told)


def test_a_response_for_another_challenge_is_refused_in_words(
    laptop: Laptop, sam: Technician
) -> None:
    begin(laptop)
    laptop.type(sam.sign(challenge(laptop) + "0").replace("\n", "\r"))
    laptop.until("not of this challenge")
    laptop.until("Press Enter to sign in.")


def test_what_is_pasted_too_long_or_cut_is_refused(laptop: Laptop, sam: Technician) -> None:
    begin(laptop)
    text = sam.sign(challenge(laptop)).splitlines()
    laptop.type("\r".join((*text[:3], *text[4:])) + "\r")
    laptop.until("no signature that can be used")
    begin(laptop)
    laptop.until("Ctrl-C stops.")
    laptop.type(text[0] + "\r" + ("A" * 70 + "\r") * 150)
    laptop.until("too long for a signature")


def test_what_is_pasted_while_the_console_is_held_up_is_whole(
    laptop: Laptop, console: ConsoleProcess, sam: Technician
) -> None:
    """A signature, and what stands before it in the window that it was copied from."""
    begin(laptop)
    pasted = f"{'$ ssh-keygen':<71}\n" * 20 + sam.sign(challenge(laptop))
    console.process.send_signal(signal.SIGSTOP)
    laptop.type(pasted.replace("\n", "\r"))
    until(lambda: waiting_bytes(console.cable._ends[0]._slave) == len(pasted))
    console.process.send_signal(signal.SIGCONT)
    laptop.until("help lists the commands.")


def test_a_pulled_cable_ends_the_session_and_the_process(
    laptop: Laptop, desk: Desk, console: ConsoleProcess, sam: Technician
) -> None:
    sign_in(laptop, sam)
    console.cable.unplug()
    desk.until(lambda: desk.state.service is None)
    assert desk.ward.records(sr.ServiceEnded)[-1].why == "hung_up"
    desk.until(lambda: console.process.poll() is not None)
    assert console.process.returncode == 0, console.log()


def test_a_cable_pulled_in_mid_command_ends_the_session(
    laptop: Laptop, desk: Desk, console: ConsoleProcess, sam: Technician
) -> None:
    sign_in(laptop, sam)
    laptop.type("stat")
    console.cable.unplug()
    desk.until(lambda: desk.state.service is None)
    desk.until(lambda: console.process.poll() is not None)


def test_a_session_that_ends_at_the_cabinet_is_said_at_the_console(
    laptop: Laptop, desk: Desk, sam: Technician
) -> None:
    sign_in(laptop, sam)
    desk.wait(300)
    laptop.until("No command came for too long")
    laptop.until("Press Enter to sign in.")


def test_escape_sequences_in_names_and_causes_never_reach_the_terminal(
    laptop: Laptop, desk: Desk, ca: ServiceCA
) -> None:
    desk.step(e.DeviceChanged("badge", "\x1b]0;owned\x07\x9b2J\r\nfake> caf\u00e9"))
    sign_in(laptop, ca.technician("Zoë Ñandú", "ward-1"))
    assert "Zoe Nandu" in laptop.seen
    told = laptop.command("devices")
    assert "?]0;owned" in told
    assert "fake> cafe" in told
    assert VT100.fullmatch(laptop.told)


def test_a_watch_shows_a_drawer_that_is_moved(laptop: Laptop, desk: Desk, sam: Technician) -> None:
    sign_in(laptop, sam)
    laptop.command("watch")
    desk.ward.move("D3", "disagree")
    laptop.until("D3  forced")
    laptop.type("\r")
    laptop.until("service>")
    assert laptop.command("version").endswith("= ok")


def test_a_controller_that_goes_is_said_and_comes_back(
    laptop: Laptop, desk: Desk, sam: Technician
) -> None:
    sign_in(laptop, sam)
    desk.socket.close()
    laptop.until("does not answer")
    laptop.until("Press Enter to try again.")


GUIDE = (ROOT / "docs" / "service.md").read_text()
STEPS = [line[13:] for line in GUIDE.splitlines() if line.startswith("    service> ")]
# What happens at the cabinet meanwhile, and what the terminal shows of it.
LATER = ("ledger verify", "bundle print", "bundle usb", "poweroff", "restart touchscreen")
THEN: dict[str, tuple[e.Event, str]] = {
    "test reader": (e.BadgeSeen(badge("N1")), "Test of reader: passed."),
    "test scanner": (e.CodeSeen("00000-0001-01"), "Test of scanner: passed."),
    "test lock D3": (e.DrawerMoved("D3", "open"), "Test of lock D3: passed."),
}


def look_at_a_finger(laptop: Laptop, desk: Desk) -> None:
    desk.step(e.FingerSeen(desk.ward.command(e.LookAtFinger).request, "seen"))
    laptop.until("Test of finger: passed.")


def answer_all(laptop: Laptop, desk: Desk) -> None:
    """What the technician answers and does, one after the other."""
    for _ in range(1 + len(desk.state.drawers)):  # the beeper, and each light
        laptop.until("service>")
        laptop.type("result yes\r")
        laptop.until("passed.")
    desk.step(e.BadgeSeen(badge("N1")))
    laptop.until("Hold any label")
    desk.step(e.CodeSeen("00000-0001-01"))
    laptop.until("Put any finger")
    look_at_a_finger(laptop, desk)
    laptop.until("Test of all: passed.")


def test_every_step_of_the_guide_works_as_it_is_written(
    laptop: Laptop, desk: Desk, sam: Technician
) -> None:
    sign_in(laptop, sam)
    assert len(STEPS) > 20
    for step in STEPS:
        desk.wait(PACE_S if step.startswith("logs") else 0)
        laptop.type(f"{step}\r")
        match step.split():
            case ["logout"]:
                laptop.until("Logged out.")
                sign_in(laptop, sam)
                continue
            case ["extend"]:
                laptop.type(sam.sign(challenge(laptop)).replace("\n", "\r"))
            case ["help", *_]:
                laptop.until("hook engaged")
                continue
            case [*_, "--json"]:
                laptop.until('"outcome":"ok"')
                continue
            case ["report"]:  # longer than a screen
                laptop.until("-- more")
                laptop.type("q")
                laptop.until("= ok")
                laptop.until("service>")
                continue
            case ["replace" | "restart" | "poweroff", *_]:
                laptop.until("to go on.")
                laptop.until("service>")
                laptop.type("yes\r")
        laptop.until("= ok\r\n")
        if step.startswith("watch"):
            laptop.type("\r")
        if step in LATER:
            laptop.until(f"{step}: ok")
        if step in THEN:
            event, shown = THEN[step]
            desk.step(event)
            laptop.until(shown)
        if step == "test lock D3":
            desk.step(e.DrawerMoved("D3", "latched"))
        if step == "test finger":
            look_at_a_finger(laptop, desk)
        if step == "test all":
            answer_all(laptop, desk)
        laptop.until("service>")
    assert [it.outcome for it in desk.ward.records(sr.ServiceTested)] == ["passed"] * 15
    assert VT100.fullmatch(laptop.told)
