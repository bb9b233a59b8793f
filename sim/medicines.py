"""The demo's medicines and what is printed on their labels; not the cabinet's formulary.

The bench needs names for what a person sees and text for what a scanner reads. One rule: it reads
only the files of the demo, never anything of a cabinet.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sim.errors import SimulatorError

DEMO = Path(__file__).parent / "demo"


@dataclass(frozen=True)
class Medicine:
    """A medicine as its package says it."""

    code: str
    generic: str
    strength: str
    form: str
    schedule: str
    unit: str
    ndc: str


@dataclass(frozen=True)
class Stock:
    """What a pocket of the demo holds at first."""

    pocket: str
    count: int
    lot: str
    expires: str  # YYYY-MM-DD


def medicines(folder: Path = DEMO) -> dict[str, Medicine]:
    """The demo's medicines by code."""
    names = ("code", "generic", "strength", "form", "schedule", "unit", "ndc")
    rows = _rows(folder / "formulary.csv", names)
    return {row["code"]: Medicine(**{name: row[name] for name in names}) for row in rows}


def stock(folder: Path = DEMO) -> dict[str, Stock]:
    """What the demo's pockets hold at first, by pocket."""
    rows = _rows(folder / "stock.csv", ("pocket", "count", "lot", "expires"))
    return {
        row["pocket"]: Stock(row["pocket"], int(row["count"]), row["lot"], row["expires"])
        for row in rows
    }


def gtin(ndc: str) -> str:
    """The GTIN-14 of a unit: 00, 3, the NDC's ten digits, check digit (GS1 General Specs 7.9)."""
    digits = "003" + ndc.replace("-", "")
    if len(digits) != 13 or not digits.isascii() or not digits.isdigit():
        raise SimulatorError(f"NDC {ndc[:20]!r} does not have ten digits; correct formulary.csv")
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def label(medicine: Medicine, lot: str, expires: str) -> str:
    """What a scanner sends for the GS1 DataMatrix on a package: AIM prefix, GTIN, expiry, lot."""
    year, month, day = expires.split("-")
    return f"]d201{gtin(medicine.ndc)}17{year[2:]}{month}{day}10{lot}"


def _rows(file: Path, names: tuple[str, ...]) -> list[Mapping[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = [name for name in names if name not in (reader.fieldnames or ())]
        if missing:
            raise SimulatorError(f"{file}: the column {missing[0]} is missing")
        return list(reader)
