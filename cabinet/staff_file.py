"""A signed staff list as files: people's rows in CSV, and a note beside it that is signed.

Not for what a list does to the people of a cabinet (`staff_list.py`). One rule: nothing of a row is
looked at before the note's signature and the file's digest are right.

The note is a C2SP signed note beside the CSV file (`staff.csv` has `staff.csv.note`). Its text has
three lines, in the form of a checkpoint: "adc staff list v1", the list's number, and the SHA-256 of
the CSV file in base64. The number rises by at least one with each list, so that an older list, with
people who have left since, is never taken again. On the machine where lists are made:

    python -m cabinet.staff_file new-key hospital.key general-hospital/staff
    python -m cabinet.staff_file sign staff.csv --key hospital.key --number 43
"""

import argparse
import base64
import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from cabinet import importing, whole_file
from cabinet.events import StaffList
from cabinet.importing import ImportProblem, Keyed
from ledger.errors import WrongNote, WrongSignature
from ledger.note import (
    MAX_NOTE_CHARACTERS,
    Checkpoint,
    Signer,
    Verifier,
    open_note,
    parse_checkpoint,
)

HEADER = "adc staff list v1"
IN_FOLDER = "staff.csv"  # where a folder of lists has one
NOTE = ".note"  # what the note's name has more than the file's
PRIVATE = "PRIVATE+KEY"  # as golang.org/x/mod/sumdb/note writes keys that sign notes
SEED_BYTES = 32
MOST_NOTE_BYTES = 4096  # room for others' signatures, which are kept with the list in one entry


def note_of(file: Path) -> Path:
    """Where a list's signed note is."""
    return file.with_name(file.name + NOTE)


def statement(number: int, data: bytes) -> str:
    """What is signed of a list."""
    return Checkpoint(HEADER, number, hashlib.sha256(data).digest()).text()


def judge(note: str, data: bytes, vkey: str) -> tuple[int, str]:
    """The list's number, or 0 and why it is not believed: a reason of `staff_list.PROBLEMS`."""
    try:
        text = open_note(note, [Verifier(vkey)])
        said = parse_checkpoint(text)
    except WrongSignature:
        return 0, "wrong_signature"
    except WrongNote:
        return 0, "no_note"
    if said.origin != HEADER or not said.size or said.text() != text:
        return 0, "no_note"
    if said.root != hashlib.sha256(data).digest():
        return 0, "another_file"
    return said.size, ""


def read(file: Path, vkey: str, keyed: Keyed) -> StaffList:
    """The list in `file`, or why it is not believed; ImportProblem when it cannot be read at all.

    `vkey` is the public key that may sign lists, "" where this cabinet takes none.
    """
    if not vkey:
        return StaffList(problem="no_key")
    data = importing.bytes_of(file)
    if not note_of(file).exists():
        return StaffList(problem="no_note")
    try:
        note = importing.bytes_of(note_of(file), MOST_NOTE_BYTES).decode()
    except UnicodeDecodeError:
        return StaffList(problem="no_note")
    number, problem = judge(note, data, vkey)
    if problem:
        return StaffList(problem=problem)
    try:
        rows = importing.people(file.name, data, keyed)
    except ImportProblem as error:
        return StaffList(number, problem="unreadable", words=str(error))
    return StaffList(number, hashlib.sha256(data).hexdigest(), note, rows)


# --- where lists are made -------------------------------------------------------------------------


def encode_key(name: str, seed: bytes) -> str:
    """A private key in one line, to be kept."""
    signer = Signer(name, seed)
    key = base64.b64encode(b"\x01" + seed).decode()
    return f"{PRIVATE}+{name}+{signer.key_id.hex()}+{key}"


def decode_key(text: str) -> Signer:
    """The key in such a line; raises ValueError without quoting it."""
    prefix, name, identifier, key = text.strip().removeprefix(PRIVATE).split("+", 3)
    data = base64.b64decode(key, validate=True)
    if prefix or len(data) != SEED_BYTES + 1 or data[0] != 1:
        raise ValueError("not an Ed25519 key")
    signer = Signer(name, data[1:])
    if signer.key_id.hex() != identifier:
        raise ValueError("not the key that it says")
    return signer


def _load_key(file: Path) -> Signer:
    with file.open("rb") as stream:
        if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
            raise ImportProblem(f"{file}: others can read this key; run: chmod 600 {file}")
        data = stream.read(MAX_NOTE_CHARACTERS)
    try:
        return decode_key(data.decode("ascii"))
    except ValueError:
        raise ImportProblem(f"{file}: is not a key that signs lists") from None


def _new_key(file: Path, name: str) -> str:
    key = encode_key(name, secrets.token_bytes(SEED_BYTES))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(key + "\n")
    return decode_key(key).vkey


def sign(file: Path, number: int, signer: Signer) -> Path:
    """Write the note of the list in `file`; where it is."""
    data = importing.bytes_of(file)
    importing.people(file.name, data, lambda _, value: value)  # a cabinet must be able to read it
    note = signer.sign(statement(number, data))
    whole_file.replace(note_of(file), note.encode())
    return note_of(file)


def main(argv: Sequence[str] | None = None) -> int:
    """Make a key, or sign a list with it."""
    parser = argparse.ArgumentParser(
        prog="python -m cabinet.staff_file", description="Sign staff lists for cabinets."
    )
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    new = acts.add_parser("new-key", help="make a key; its public half is printed")
    new.add_argument("file", type=Path, help="a new file, to be kept where lists are made")
    new.add_argument("name", help="the key's name, such as general-hospital/staff")
    signing = acts.add_parser("sign", help="sign a list")
    signing.add_argument("file", type=Path, help="the list, a CSV file as people.csv")
    signing.add_argument("--key", type=Path, required=True, help="the file of new-key")
    signing.add_argument(
        "--number", type=int, required=True, help="above that of every list before"
    )
    arguments = parser.parse_args(argv)
    try:
        if arguments.act == "new-key":
            print(_new_key(arguments.file, arguments.name))
            print("Put it into cabinet.toml, as vkey of [staff_list].")
        elif arguments.number < 1:
            raise ImportProblem("--number: lists are numbered from 1")
        else:
            print(sign(arguments.file, arguments.number, _load_key(arguments.key)))
    except (ImportProblem, WrongNote) as error:
        print(f"staff_file: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"staff_file: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
