"""What is secret stays so: in no log, repr, error, process list, exported body or readable file."""

import base64
import contextlib
import shutil
import socket
import stat
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from cabinet import console_messages as m
from cabinet import events as e
from cabinet import records as r
from cabinet import service_records as sr
from cabinet.decision import Newcomer, Note, Place
from cabinet.keys import Keys
from cabinet.keys import load as load_keys
from cabinet.messages import Frames, Press
from cabinet.secrets_worker import Job
from cabinet.service import NOT_ACCEPTED
from cabinet.signin import PIN_NOT_ACCEPTED
from drivers import readings as d
from sim.medicines import DEMO
from sim.people import PEOPLE, TECHNICIAN
from tests.demo import PATIENCE_S, pause, person
from tests.machine import Machine
from tests.ward import Ward

SECRET = "Zebra-4711"
PHRASE = "Zinnober anchors; 77 é"

# --- reprs ----------------------------------------------------------------------------------------

TELLING: tuple[object, ...] = (
    e.Pressed("pin", SECRET),
    e.PinHashed("1", SECRET),
    e.CodeMade("1", SECRET, "hash"),
    e.PersonRow(SECRET, SECRET, SECRET, "nurse", "hash"),
    e.PatientRow(SECRET, SECRET, SECRET, SECRET, SECRET, SECRET, SECRET, (SECRET,)),
    e.OrderRow("O1", SECRET, "OXY5", 2, SECRET, SECRET, SECRET, SECRET, 0, 0),
    e.CheckPin("1", SECRET, SECRET),
    e.HashPin("1", SECRET),
    e.HashCode("1", SECRET),
    e.HashNumbers("1", SECRET, SECRET),
    e.HashPin("1", SECRET, SECRET),
    e.TotpMade("1", SECRET, SECRET),
    e.CheckTotp("1", "p", SECRET, SECRET, 0, 0),
    e.CheckTechnician("1", "s", "p", SECRET, SECRET, SECRET, SECRET, 0, 0),
    e.ServiceProved("s", "key", SECRET, 1, "ward-1", False, 0),
    e.ServiceWrote("s", SECRET),
    e.FingerSeen("1", "read", 0, sealed=SECRET),
    d.FingerReading("1", d.Finger.READ, 0, sealed=SECRET),
    r.KeptTemplate(SECRET),
    sr.TechnicianDetails(SECRET),
    sr.ServiceNote(SECRET),
    m.Prove(SECRET, SECRET, SECRET),
    m.Write(1, SECRET),
    r.TotpSecret(SECRET),
    r.KeptKey(SECRET, SECRET),
    e.KeySeen("1", "done", SECRET.encode(), SECRET.encode()),
    e.CheckKey("1", SECRET.encode(), "", SECRET.encode(), SECRET.encode(), 0),
    e.Moment(0, 0, SECRET.encode()),
    r.PersonDetails(SECRET, SECRET, SECRET),
    r.PatientDetails(*([SECRET] * 7)),
    r.OrderDetails(*([SECRET] * 4)),
    r.Credential(SECRET),
    Press(1, 1, "pin", SECRET),
    Note(f"{SECRET} may try again."),
    Newcomer(SECRET, SECRET, SECRET, "hash", SECRET, SECRET),
    Place(note=Note(SECRET), shown_code=SECRET, newcomer=Newcomer(SECRET, SECRET, SECRET)),
    Keys(*([SECRET.encode()] * len(fields(Keys)))),
)


@pytest.mark.parametrize("told", TELLING, ids=lambda told: type(told).__name__)
def test_no_repr_shows_what_is_secret(told: object) -> None:
    assert SECRET not in repr(told)
    assert SECRET not in repr([told])


def test_every_event_and_command_that_can_hold_a_secret_is_among_them() -> None:
    """A new one with words typed, names or hashes of PINs must be put on the list above."""
    holds = {"text", "encoded", "plain", "pin", "given", "family", "staff_id", "record_number"}
    holds |= {"sealed"}
    listed = [type(told) for told in TELLING]
    said = (*get_args(Job), *get_args(m.ToController), *get_args(d.Reading))
    for kind in (*get_args(e.Event), *get_args(e.Command), *get_args(r.Details), *_rows(), *said):
        if kind in HARMLESS:
            continue
        names = (
            {field.name for field in fields(kind)}
            if is_dataclass(kind)
            else {field.name for field in msgspec.structs.fields(kind)}
        )
        assert not names & holds or kind in listed, kind


HARMLESS = (d.CodeScanned,)  # a label's text: of a medicine


def _rows() -> Iterator[type]:
    yield from (e.PersonRow, e.PatientRow, e.OrderRow)


def test_the_state_shows_nobody() -> None:
    ward = Ward()
    ward.sign_in("N1")
    told = repr(ward.state) + repr(ward.engine.place)
    for word in ("Nina", "Nurse, ", "Franklin", "1001", "hash of", "latex"):
        assert word not in told, word


def test_an_import_shows_nobody() -> None:
    row = e.PersonRow(SECRET, SECRET, SECRET, "nurse", "hash")
    assert SECRET not in repr(e.Import("x", people=(("people.csv:2", row),)))


# --- bodies ---------------------------------------------------------------------------------------


def test_a_body_that_cannot_be_read_is_not_quoted() -> None:
    for data in (f'{{"given":"{SECRET}"}}', SECRET, f'{{"tag":"{SECRET}'):
        with pytest.raises(r.UnreadableBody) as caught:
            r.decode_body(data.encode())
        assert SECRET not in str(caught.value)
        with pytest.raises(r.UnreadableBody) as caught:
            r.decode_details("person", data.encode())
        assert SECRET not in str(caught.value)


def test_no_record_has_a_field_for_a_name_a_record_number_or_a_pin() -> None:
    for kind in get_args(r.Record):
        names = {field.name for field in msgspec.structs.fields(kind)}
        told = {"given", "family", "born", "bed", "record_number", "staff_id", "pin", "allergies"}
        assert not names & told, kind


# --- a real cabinet at work -----------------------------------------------------------------------


def _secrets(keys: Keys) -> dict[str, bytes]:
    """Everything that must stand nowhere: whose it is -> its bytes."""
    found = {f"a typed passphrase in {it}": PHRASE[-6:].encode(it) for it in ("utf-8", "latin-1")}
    found["the beginning of a typed passphrase"] = PHRASE[:8].encode()
    for somebody in (*PEOPLE, TECHNICIAN):
        for name in ("family", "badge", "pin", "staff_id"):
            found[f"{name} of {somebody.staff_id}"] = getattr(somebody, name).encode()
    for line in (DEMO / "patients.csv").read_text(encoding="utf-8").splitlines()[1:]:
        number, _, family, born = line.split(",")[:4]
        found |= {
            f"number of {number}": number.encode(),
            f"name of {number}": family.encode(),
            f"birthday of {number}": born.encode(),
        }
    for field in fields(Keys):
        key: Any = getattr(keys, field.name)
        if key is not None:
            found[f"{field.name} key"] = key
            found[f"{field.name} key in hex"] = key.hex().encode()
            found[f"{field.name} key in base64"] = base64.b64encode(key)
    return found


def _told(data: bytes, secrets: dict[str, bytes]) -> list[str]:
    plain = data.lower()
    return [name for name, secret in secrets.items() if secret.lower() in plain]


@pytest.fixture
def machine(tmp_path: Path, demo_template: Path) -> Iterator[Machine]:
    """Whose console lets people sign in by PIN and code."""
    shutil.copytree(demo_template, tmp_path / "demo")
    machine = Machine(tmp_path / "demo")
    yield machine
    machine.stop()


def _at_the_console(path: Path, staff_id: str, pin: str) -> None:
    """A number, a PIN and a code that let nobody in, and then noise with the PIN in it."""
    frames, heard = Frames(), list[m.ToConsole]()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(PATIENCE_S)
        line.connect(str(path))
        line.sendall(m.encode(m.Hello(m.VERSION)) + m.encode(m.Prove(staff_id, pin, "000000")))
        while len(heard) < 2:
            heard += [m.decode_for_console(body) for body in frames.feed(line.recv(65_536))]
        assert isinstance(heard[1], m.Denied) and heard[1].words == NOT_ACCEPTED
        line.sendall(b"\0\0\0\x40" + pin.encode() * 8)
        with contextlib.suppress(ConnectionError):
            assert not line.recv(1), "it is dropped"


@pytest.mark.process
def test_a_cabinet_at_work_tells_nobodys_secrets(machine: Machine) -> None:
    """Badges known and strange, PINs and passphrases, garbled peers, a removal, a restart."""
    amina, jonas = person("Amina"), person("Jonas")
    peer = machine.start()
    assert machine.process is not None
    tries = (("0000000001", amina.pin), (amina.badge, "00000000"), (jonas.badge, jonas.pin))
    for badge, pin in tries:
        peer.sees("rest")
        peer.asks(partial(machine.cabinet.present, badge))
        peer.press("use_pin")
        peer.press("pin", pin)
        peer.shows(PIN_NOT_ACCEPTED)  # the sensor works
        peer.press("use_letters")
        peer.press("pin", PHRASE)
        peer.sees("passphrase")
        peer.shows(PIN_NOT_ACCEPTED)
        peer.press("cancel")
    for typed in (amina.pin, PHRASE):
        peer._socket.sendall(b"\0\0\0\x40" + typed.encode() * 8)
        with pytest.raises(ConnectionError):  # it is dropped
            peer.wait(lambda: False)
        peer = machine._connect(machine.folder / "run" / "screen.sock") or peer
        _at_the_console(machine.folder / "run" / "console.sock", amina.staff_id, typed)
    pause(1.0)  # the reader takes a badge that is still there for the same one
    machine.sign_in(peer, "Amina")
    peer.press(peer.find("WHITCOMBE"))
    peer.press(peer.find("oxyCODONE"))
    assert peer.press("open").outcome == "done"
    process = Path("/proc") / str(machine.process.pid)
    listed = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    limits = (process / "limits").read_text()
    machine.kill()
    peer = machine.start()
    peer.sees("rest")
    peer.close()
    machine.process.terminate()
    assert machine.process.wait(PATIENCE_S) == 0

    configuration = machine.configuration
    secrets = _secrets(load_keys(machine.folder / configuration.paths.keys))
    assert not _told(listed, secrets), "in the process list"
    assert not _told(machine.log().encode(), secrets), "in the log"
    assert machine.log(), "there was a log to look at"
    bodies = b"\n".join(r.encode_body(body) for body in machine.bodies())
    assert not _told(bodies, secrets), "in a body that is exported"
    line = next(it for it in limits.splitlines() if it.startswith("Max core file size"))
    assert line.split()[4:6] == ["0", "0"], "in a core dump"

    ledger = machine.folder / configuration.paths.ledger
    for file in ledger.parent.glob(f"{ledger.name}*"):
        assert not _told(file.read_bytes(), secrets), f"in {file.name}, which is encrypted"
    ours = [machine.folder / configuration.paths.keys, machine.folder / "anchor"]
    ours.append(machine.folder / configuration.paths.requests)
    for file in [*ledger.parent.glob(f"{ledger.name}*"), *ours, *(ours[0].iterdir())]:
        mode = stat.S_IMODE(file.stat().st_mode)
        assert not mode & 0o077, f"{file.name} is {mode:04o}"
