"""The table of entries in an export: one line an entry, its number, time, type and plain fields.

Pure. It is what people read first, so it is checked against the entries like everything else. One
rule: a line follows from the entry's body alone; a body that is not such JSON gives a line that
says so. Texts that a spreadsheet would take for a formula get an apostrophe in front.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

FIXED = ("entry", "time", "type")
UNREADABLE = "unreadable"
MAX_COLUMNS = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def fields(body: bytes) -> tuple[str, dict[str, str]]:
    """The time (ISO 8601, UTC) and the record's plain fields by name, `type` among them."""
    try:
        told = json.loads(body)
        record = told["record"]
        when = datetime.fromtimestamp(told["wall_ms"] / 1000, UTC)
        plain = {str(name): _plain(value) for name, value in record.items() if _is_plain(value)}
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError):
        return "", {"type": UNREADABLE}
    except RecursionError:  # a body nested without end, which no cabinet writes
        return "", {"type": UNREADABLE}
    return when.isoformat(timespec="milliseconds"), plain


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _plain(value: object) -> str:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return json.dumps(value)


def columns(bodies: Iterable[bytes]) -> tuple[str, ...]:
    """The headings that a table of these entries needs: the fixed ones, then by first use."""
    found: dict[str, None] = {}
    for body in bodies:
        found.update(dict.fromkeys(fields(body)[1]))
    found.pop("type", None)
    return (*FIXED, *found)


def row(seq: int, body: bytes, headings: Sequence[str]) -> list[str]:
    """The entry's cells under `headings`, the first three being FIXED."""
    when, plain = fields(body)
    return [str(seq), when, *(plain.get(name, "") for name in headings[2:])]


def line(cells: Sequence[str]) -> str:
    """The cells as one line of CSV, RFC 4180."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
