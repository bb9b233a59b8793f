"""What a unit of the system tells the controller, in one bounded file, and what is made of it.

Not for who may ask (`service_system.py`) nor for the files (`system_requests.py`). One rule: what
comes from outside the controller is data with bounds, redacted again before anybody sees it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from cabinet.console_messages import Table
from cabinet.redaction import redact

MAX_ANSWER_BYTES = 2 * 1024 * 1024
MOST_ROWS = 2000
MOST_TEXT_LINES = 1000
ROWS_A_PAGE = 100
KERNEL = "kernel"
UNITS = ("controller", "touchscreen", "console", "gateway", "kiosk", "system", KERNEL)
LOGS_USE = (
    f"Use: logs UNIT SINCE PAGE, as logs controller 30m. UNIT: all, {', '.join(UNITS)}. "
    "SINCE: 1m to 99d. PAGE 2 is the one before the newest."
)
_TIME = re.compile(r"[0-9]{1,11}")
_SINCE = re.compile(r"([1-9]\d?)([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_PAGE = re.compile(r"[1-9]\d?")
Cell = Annotated[str, msgspec.Meta(max_length=400)]


class NotAnAnswer(Exception):
    """The file does not hold an answer."""


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer, or how far it is; `text` is an encrypted bundle's printable form.

    `rows` of logs: Unix seconds as text, unit, line.
    """

    outcome: Literal["going", "ok", "failed"]
    words: Cell = ""
    rows: Annotated[tuple[tuple[Cell, ...], ...], msgspec.Meta(max_length=MOST_ROWS)] = ()
    text: Annotated[tuple[Cell, ...], msgspec.Meta(max_length=MOST_TEXT_LINES)] = ()
    digest: Annotated[str, msgspec.Meta(max_length=64)] = ""


class LogsWanted(msgspec.Struct, frozen=True):
    """Which lines of the logs: of a unit or "all", of the last seconds, which page from the end."""

    unit: str = "all"
    since_s: int = 3600
    page: int = 1


_decoder = msgspec.json.Decoder(Told)


def encode(told: Told) -> bytes:
    """As it is written to the file."""
    return msgspec.json.encode(told)


def decode(data: bytes) -> Told:
    """Raises NotAnAnswer."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotAnAnswer from None


def logs_wanted(arguments: Sequence[str]) -> LogsWanted | None:
    """What the words after `logs` ask for; None where they are no such words."""
    unit, since, page = (*arguments, *("all", "1h", "1")[len(arguments) :])[:3]
    found, number = _SINCE.fullmatch(since), _PAGE.fullmatch(page)
    if len(arguments) > 3 or unit not in ("all", *UNITS) or not found or not number:
        return None
    return LogsWanted(unit, int(found[1]) * _SECONDS[found[2]], int(page))


def logs(told: Told, wanted: LogsWanted, names: frozenset[str], now_s: float) -> tuple[str, Table]:
    """Words and the page of lines, oldest first."""
    since_s = now_s - wanted.since_s
    rows = [
        row
        for row in told.rows
        if len(row) == 3 and _TIME.fullmatch(row[0]) and int(row[0]) >= since_s
        if wanted.unit in ("all", row[1])
    ]
    last = len(rows) - (wanted.page - 1) * ROWS_A_PAGE
    page = rows[max(0, last - ROWS_A_PAGE) : max(0, last)]
    shown = tuple((_when(row[0]), redact(row[1]), redact(row[2], names)) for row in page)
    words = ""
    if len(page) < len(rows):
        words = (
            f"{len(page)} of {len(rows)} lines; the page before this one: PAGE {wanted.page + 1}."
        )
    return words, Table("logs", ("time", "unit", "line"), shown)


def _when(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%m-%d %H:%M:%SZ")


def network(told: Told, witnesses: Sequence[str], down: Mapping[str, str]) -> Table:
    """The facts as labels and values; and what the gateway says of the witnesses that it asks."""
    rows = tuple((redact_fact(row[0]), redact_fact(row[1])) for row in told.rows if len(row) == 2)
    reached = tuple((name, redact_fact(down.get(name, "no trouble"))) for name in witnesses)
    return Table("network", ("what", "value"), (*rows, *reached))


def redact_fact(text: str) -> str:
    """An address or a name of a machine: shortened, and printable."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:200])
