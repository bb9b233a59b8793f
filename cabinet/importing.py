"""Reading formulary.csv, people.csv, patients.csv and orders.csv into one import.

Not for judging rows against the cabinet (`lists.py`). One rule: a file that is not exactly of its
form is refused with file, line and column; no value of a person's row is quoted.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from cabinet import events as e
from cabinet.lists import BADGE_PURPOSE, HUMAN_PURPOSE, NUMBER_PURPOSE
from cabinet.lookalikes import bare
from cabinet.records import MedicineListed

MAX_BYTES = 8 * 1024 * 1024
MAX_ROWS = 20_000
MAX_DIGITS = 9
FILES = ("formulary.csv", "people.csv", "patients.csv", "orders.csv")
Row = dict[str, str]
Keyed = Callable[[str, str], str]  # (purpose, value) -> keyed hash in hex


class ImportProblem(Exception):
    """A file cannot be read as what it should be: file, line, column, why."""


def read(folder: Path, keyed: Keyed) -> e.Import:
    """The lists in `folder`; a missing file is an empty list, but one must be there.

    `keyed` gives the keyed hash by which a badge's or a person's number is known.
    """
    there = present(folder)
    if not there:
        raise ImportProblem(f"{folder}: has none of {', '.join(FILES)}")
    lists = {
        name: list(_rows(name, name, bytes_of(folder / name))) if name in there else []
        for name in FILES
    }
    return e.Import(
        folder.resolve().name.encode("utf-8", "replace").decode(),  # any bytes name a folder
        tuple((where, _medicine(where, row)) for where, row in lists["formulary.csv"]),
        tuple((where, _person(where, row, keyed)) for where, row in lists["people.csv"]),
        tuple((where, _patient(where, row)) for where, row in lists["patients.csv"]),
        tuple((where, _order(where, row)) for where, row in lists["orders.csv"]),
    )


def present(folder: Path) -> list[str]:
    """Which of the lists are in `folder`."""
    return [name for name in FILES if (folder / name).exists()]


COLUMNS = {
    "formulary.csv": (
        "code,generic,brand,strength,form,schedule,unit,therapeutic_class,ndc,high_alert,group"
    ).split(","),
    "people.csv": (
        "staff_id,given,family,role,badge,status,areas,groups,expires,person_number,competencies"
    ).split(","),
    "patients.csv": "record_number,given,family,born,sex,bed,allergies,nurses".split(","),
    "orders.csv": (
        "order,record_number,medicine,quantity,dose,route,frequency,reason,starts,stops"
    ).split(","),
}


REQUIRED = {"people.csv": 5, "formulary.csv": 10}  # columns; any after them may be left out


def people(called: str, data: bytes, keyed: Keyed) -> tuple[tuple[str, e.PersonRow], ...]:
    """The rows of a list of people in `data`, a file `called` so."""
    rows = _rows("people.csv", called, data)
    return tuple((where, _person(where, row, keyed)) for where, row in rows)


def bytes_of(file: Path, most: int = MAX_BYTES) -> bytes:
    """A file's bytes; raises ImportProblem when it cannot be read or is too large."""
    try:
        with file.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise ImportProblem(f"{file.name}: cannot be read: {error.strerror}") from None
    if len(data) > most:
        raise ImportProblem(f"{file.name}: is larger than {most} bytes")
    return data


def _rows(kind: str, called: str, data: bytes) -> Iterator[tuple[str, Row]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportProblem(f"{called}: byte {error.start} is not UTF-8") from None
    expected = COLUMNS[kind]
    try:
        reader = csv.reader(text.splitlines(), strict=True)
        header = next(reader, [])
        needed = REQUIRED.get(kind, len(expected))
        named = [name for name in expected if name in header or name in expected[:needed]]
        if header != named:
            must, may = ",".join(expected[:needed]), ",".join(expected[needed:])
            more = f", then any of {may} in this order" if may else ""
            raise ImportProblem(f"{called}:1: the columns must be {must}{more}")
        expected = header
        for row in reader:
            where = f"{called}:{reader.line_num}"
            if not row:
                continue
            if len(row) != len(expected):
                raise ImportProblem(f"{where}: has {len(row)} columns, not {len(expected)}")
            if reader.line_num > MAX_ROWS:
                raise ImportProblem(f"{where}: more than {MAX_ROWS} rows")
            yield where, {n: v.strip() for n, v in zip(expected, row, strict=True)}
    except csv.Error as error:
        raise ImportProblem(f"{called}:{reader.line_num}: is not CSV: {error}") from None


def _medicine(where: str, row: Row) -> MedicineListed:
    if row["high_alert"] not in ("yes", "no"):
        raise ImportProblem(f"{where}: high_alert must be yes or no")
    values = {**row, "medicine": row["code"], "high_alert": row["high_alert"] == "yes"}
    del values["code"]
    try:
        return msgspec.convert({"type": "medicine_listed", **values}, MedicineListed)
    except msgspec.ValidationError as error:
        raise ImportProblem(f"{where}: {error}") from None


def _person(where: str, row: Row, keyed: Keyed) -> e.PersonRow:
    for name in ("status", "areas", "groups"):
        if row.get(name) == "":
            raise ImportProblem(f"{where}: {name} is empty: {NEVER_EMPTY[name]}")
    written, expires = row.get("person_number"), row.get("expires")
    number = None if written is None else bare(written)
    groups = row.get("groups")
    return e.PersonRow(
        *(row["staff_id"], row["given"], row["family"], row["role"]),
        keyed(BADGE_PURPOSE, row["badge"]) if row["badge"] else "",
        row.get("status"),
        tuple(row["areas"].split()) if "areas" in row else None,
        None if groups is None else () if groups == NONE else tuple(groups.split()),
        None if expires is None else _when(where, "expires", expires) if expires else 0,
        None if number is None else keyed(HUMAN_PURPOSE, number) if number else "",
        _competencies(where, row["competencies"]) if "competencies" in row else None,
        keyed(NUMBER_PURPOSE, row["staff_id"]),
    )


NONE = "-"
NEVER_EMPTY = {
    "status": "say active, suspended or left",
    "areas": "name them, or say * for everywhere",
    "groups": f"name them, A to H, or say {NONE} for none",
}


def _competencies(where: str, text: str) -> tuple[tuple[str, int], ...]:
    """ "IV:2027-01-31;chemotherapy": names, each with the day it ends, or for ever."""
    found = []
    for each in text.split(";") if text else ():
        name, colon, until = each.strip().partition(":")
        if colon and not until.strip():  # a day that was lost is not for ever
            raise ImportProblem(f"{where}: competencies: no day after a colon, such as 2027-01-31")
        found.append((name, _when(where, "competencies", until) if until else 0))
    return tuple(found)


def _patient(where: str, row: Row) -> e.PatientRow:
    return e.PatientRow(
        row["record_number"],
        row["given"],
        row["family"],
        row["born"],
        row["sex"],
        row["bed"],
        row["allergies"],
        tuple(row["nurses"].split()),
    )


def _order(where: str, row: Row) -> e.OrderRow:
    quantity = row["quantity"]
    if not (quantity.isascii() and quantity.isdigit() and len(quantity) <= MAX_DIGITS):
        raise ImportProblem(f"{where}: quantity must be a whole number")
    return e.OrderRow(
        row["order"],
        row["record_number"],
        row["medicine"],
        int(quantity),
        row["dose"],
        row["route"],
        row["frequency"],
        row["reason"],
        _when(where, "starts", row["starts"]),
        _when(where, "stops", row["stops"]) if row["stops"] else 0,
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _when(where: str, column: str, text: str) -> int:
    """An ISO date or time, UTC where it names no zone, as Unix ms."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ImportProblem(f"{where}: {column} is not a date such as 2026-11-22") from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return (when - _EPOCH) // timedelta(milliseconds=1)
