"""Staff lists as the simulated hospital makes them: rows in CSV, and a note beside it, signed.

Not for who is on one (`cast.py`, `staff_office.py`). One rule: a list reaches the cabinet as two
files, which the shipped reader reads.
"""

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cabinet import staff_file
from cabinet.importing import COLUMNS, Row
from ledger.note import Signer

FOLDER = "lists"  # in the cabinet's, where its lists are put
SIGNER = Signer("simulated-hospital/staff", hashlib.sha256(b"simulated hospital").digest())
SETTINGS = f"""
[staff_list]
vkey = "{SIGNER.vkey}"
"""


@dataclass(frozen=True)
class SignedList:
    """A list and the note that is found beside it, whether it belongs to it or not."""

    number: int
    data: bytes
    note: str

    @property
    def digest(self) -> str:
        """By which the cabinet knows it."""
        return hashlib.sha256(self.data).hexdigest()


def written(rows: Iterable[Row]) -> bytes:
    """The file of these rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS["people.csv"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def sign(number: int, data: bytes, signer: Signer = SIGNER) -> SignedList:
    """This list with its own note."""
    return SignedList(number, data, signer.sign(staff_file.statement(number, data)))


def put(it: SignedList, folder: Path) -> Path:
    """Its two files in `folder`; the list's."""
    folder.mkdir(exist_ok=True)
    file = folder / staff_file.IN_FOLDER
    file.write_bytes(it.data)
    staff_file.note_of(file).write_text(it.note, encoding="utf-8")
    return file
