"""Signed staff lists as files: what is not signed, or is another file, is never looked at."""

import hashlib
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabinet import cli, staff_file, staff_records
from cabinet import records as r
from cabinet.events import StaffList
from cabinet.importing import COLUMNS, ImportProblem
from cabinet.staff_list import PROBLEMS
from ledger.note import Checkpoint, Signer
from sim.medicines import DEMO
from tests.offline import Offline, offline

__all__ = ["offline"]

SIGNER = Signer("general-hospital/staff", bytes(range(32)))
ROWS = b"staff_id,given,family,role,badge\nN1,Nina,Nurse,nurse,0049137025\n"
NOTE = SIGNER.sign(staff_file.statement(7, ROWS))


def write(folder: Path, data: bytes = ROWS, note: str = NOTE) -> Path:
    file = folder / "staff.csv"
    file.write_bytes(data)
    staff_file.note_of(file).write_text(note)
    return file


def read(file: Path, vkey: str = SIGNER.vkey) -> StaffList:
    return staff_file.read(file, vkey, lambda purpose, value: f"{purpose} {value}")


def test_a_signed_list_is_read_with_its_number_and_digest(tmp_path: Path) -> None:
    read_list = read(write(tmp_path))
    assert (read_list.number, read_list.digest) == (7, hashlib.sha256(ROWS).hexdigest())
    ((where, row),) = read_list.rows
    assert (where, row.staff_id, row.badge) == ("staff.csv:2", "N1", "badge 0049137025")
    assert read_list.note == NOTE and not read_list.problem


def other_key(_: str) -> str:
    return Signer("general-hospital/staff", bytes(32)).sign(staff_file.statement(7, ROWS))


LIES: dict[str, tuple[Callable[[str], str], bytes, str]] = {
    "the rows were changed": (lambda note: note, ROWS.replace(b"nurse", b"pharmacist"), "another"),
    "everybody is gone": (lambda note: note, ROWS[: ROWS.index(b"N1")], "another"),
    "another key signed": (other_key, ROWS, "wrong_signature"),
    "the number was changed": (lambda note: note.replace("\n7\n", "\n8\n"), ROWS, "wrong_sig"),
    "the signature was cut off": (lambda note: note.split("\n\n")[0] + "\n", ROWS, "no_note"),
    "the note is empty": (lambda _: "", ROWS, "no_note"),
    "a head of the ledger": (
        lambda _: SIGNER.sign(Checkpoint("cabinet/1", 7, hashlib.sha256(ROWS).digest()).text()),
        ROWS,
        "no_note",
    ),
    "a line more": (
        lambda _: SIGNER.sign(staff_file.statement(7, ROWS) + "and all are administrators\n"),
        ROWS,
        "no_note",
    ),
    "number nought": (lambda _: SIGNER.sign(staff_file.statement(0, ROWS)), ROWS, "no_note"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_staff_list_that_lies_is_not_believed(tmp_path: Path, lie: str) -> None:
    change, data, problem = LIES[lie]
    told = read(write(tmp_path, data, change(NOTE)))
    assert told.problem.startswith(problem) and told.problem in PROBLEMS
    assert not told.rows and not told.number


def test_without_a_note_or_without_a_key_nothing_is_read(tmp_path: Path) -> None:
    file = write(tmp_path)
    assert read(file, "").problem == "no_key"
    staff_file.note_of(file).unlink()
    assert read(file).problem == "no_note"
    staff_file.note_of(file).write_bytes(b"\xff\xfe")
    assert read(file).problem == "no_note"
    file.unlink()
    with pytest.raises(ImportProblem, match=r"staff\.csv: cannot be read"):
        read(file)


def test_attack_signatures_heaped_on_a_note_end_no_import_and_no_controller(
    tmp_path: Path,
) -> None:
    """Nobody need have the key for it: who does not know a signature's key passes it over."""
    junk = "".join(f"\u2014 n{n} {'A' * 400}\n" for n in range(99))
    file = write(tmp_path, note=NOTE + junk)
    assert staff_file.judge(NOTE + junk, ROWS, SIGNER.vkey) == (7, "")
    with pytest.raises(ImportProblem, match=r"staff\.csv\.note: is larger than 4096 bytes"):
        read(file)
    most = NOTE + "".join(junk.splitlines(keepends=True)[:8])
    taken = read(write(tmp_path, note=most))
    record = staff_records.StaffListTaken(7, taken.digest, taken.note, 20_000, 20_000)
    body = r.Body(r.BODY_TAG, 1, "c" * 32, 2**53, 2**53, 2**53, "b" * 16, "s" * 32, record)
    assert len(r.encode_body(body)) <= r.MAX_BODY_BYTES


def test_a_signed_file_that_is_no_list_says_where(tmp_path: Path) -> None:
    data = b"staff_id,given,family,role,badge\nN1,Nina\n"
    told = read(write(tmp_path, data, SIGNER.sign(staff_file.statement(7, data))))
    assert (told.problem, told.words) == ("unreadable", "staff.csv:2: has 2 columns, not 5")


@given(st.text())
def test_whatever_the_note_is_only_a_signature_makes_it_believed(note: str) -> None:
    assert staff_file.judge(note, ROWS, SIGNER.vkey) in ((0, "no_note"), (0, "wrong_signature"))


@given(st.integers(0, len(NOTE) - 1), st.characters(codec="utf-8"), st.booleans())
def test_no_character_of_a_note_can_be_changed_added_or_left_out(
    place: int, other: str, added: bool
) -> None:
    changed = NOTE[:place] + other + NOTE[place + (not added) :]
    number, problem = staff_file.judge(changed, ROWS, SIGNER.vkey)
    assert (number, problem) == (7, "") if changed == NOTE else problem


@given(st.integers(0, len(ROWS) - 1), st.integers(0, 255))
def test_no_byte_of_a_list_can_be_changed(place: int, other: int) -> None:
    changed = ROWS[:place] + bytes([other]) + ROWS[place + 1 :]
    number, problem = staff_file.judge(NOTE, changed, SIGNER.vkey)
    assert (number, problem) == ((7, "") if changed == ROWS else (0, "another_file"))


cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["nurse", "administrator", "left", "*", "A B", "IV:2027-01-31", "2027-01-01"]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(cells, min_size=4, max_size=12), max_size=4), st.booleans())
def test_whatever_is_signed_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], headed: bool
) -> None:
    lines = [",".join(COLUMNS["people.csv"])] if headed else []
    lines += [",".join(row) for row in rows]
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    note = SIGNER.sign(staff_file.statement(9, data))
    told = read(write(tmp_path_factory.mktemp("list"), data, note))
    assert told.problem in ("", "unreadable")
    assert "\n" not in told.words and bool(told.words) is (told.problem == "unreadable")


# --- where lists are made -------------------------------------------------------------------------


def run(*arguments: object) -> int:
    return staff_file.main([str(it) for it in arguments])


def test_a_key_is_made_kept_to_its_owner_and_signs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, file = tmp_path / "hospital.key", write(tmp_path)
    assert run("new-key", key, "general-hospital/staff") == 0
    vkey = capsys.readouterr().out.splitlines()[0]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert run("sign", file, "--key", key, "--number", 8) == 0
    told = read(file, vkey)
    assert (told.number, told.problem) == (8, "")
    assert run("new-key", key, "other") == 1, "a key is never overwritten"
    assert read(file, SIGNER.vkey).problem == "wrong_signature"


def test_signing_what_cannot_be_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, file = tmp_path / "hospital.key", write(tmp_path)
    assert run("new-key", key, "hospital staff") == 1  # no space in a name
    assert run("sign", file, "--key", key, "--number", 8) == 1
    assert run("new-key", key, "hospital") == 0
    assert run("sign", file, "--key", key, "--number", 0) == 1
    key.chmod(0o644)
    assert run("sign", file, "--key", key, "--number", 8) == 1
    key.chmod(0o600)
    file.write_text("name\nNina\n")
    assert run("sign", file, "--key", key, "--number", 8) == 1
    secret = key.read_text()
    key.write_text(secret.replace("PRIVATE", "PUBLIC"))
    assert run("sign", write(tmp_path), "--key", key, "--number", 8) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 6 and all(line.startswith("staff_file: ") for line in errors)
    assert secret.strip()[-20:] not in "".join(errors)


# --- at a cabinet ---------------------------------------------------------------------------------


def take(cabinet: Offline, *arguments: object) -> int:
    return cli.main(["import", *map(str, arguments), "--config", str(cabinet.folder / CONFIG)])


CONFIG = "cabinet.toml"


def trusts(cabinet: Offline) -> None:
    """The cabinet takes lists that SIGNER signs."""
    config = cabinet.folder / CONFIG
    config.write_text(f'{config.read_text()}\n[staff_list]\nvkey = "{SIGNER.vkey}"\n')


def demo_list(folder: Path, number: int, change: str = "", to: str = "") -> Path:
    """The demo's people, signed."""
    source = DEMO / "people.csv"
    data = source.read_text().replace(change, to, 1).encode() if change else source.read_bytes()
    return write(folder, data, SIGNER.sign(staff_file.statement(number, data)))


def test_patients_and_the_nurses_whom_only_the_signed_list_brings_come_in_one_folder(
    offline: Offline, tmp_path: Path
) -> None:
    trusts(offline)
    demo_list(tmp_path, 3, "\n", "\nN-9000,Nell,Newcomer,nurse,0049137099\n")
    patients = (DEMO / "patients.csv").read_text().replace("N-2041\n", "N-9000\n")
    (tmp_path / "patients.csv").write_text(patients)
    assert take(offline, tmp_path) == 0
    state = offline.state()
    new = state.by_staff_id["N-9000"]
    assert any(new in patient.nurses for patient in state.patients.values())


def test_a_cabinet_takes_a_signed_list_and_never_an_older_one_again(
    offline: Offline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    assert take(offline, "staff", demo_list(lists, 3)) == 1
    assert "cabinet.toml names no key" in capsys.readouterr().err
    trusts(offline)
    assert take(offline, "staff", demo_list(lists, 3)) == 0
    jonas = "N-2057,Jonas,Lindqvist,nurse,0051880463\n"
    file = demo_list(lists, 4, jonas)
    assert take(offline, lists) == 0, "a folder with a staff list"
    assert "list 4: taken; not on it and suspended: 1" in capsys.readouterr().out
    people = offline.state().people.values()
    gone = next(it for it in people if it.details and it.details.staff_id == "N-2057")
    assert gone.standing == "suspended"
    assert take(offline, DEMO) == 1, "unsigned, and he is on it"
    assert "signed staff lists alone" in capsys.readouterr().err
    assert take(offline, "staff", demo_list(lists, 3)) == 1, "before he left"
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "this number or a higher one" in told
    file.write_bytes(file.read_bytes() + b"\n")
    assert take(offline, "staff", file) == 1
    assert "the note is of another file" in capsys.readouterr().err
    assert offline.verify().good
