"""What the console prints: plain ASCII, tables that fit 80 columns, pages, one line of JSON.

Not for writing it. One rule: `plain` is the only way from words that came from elsewhere to the
technician's terminal: no control character and no byte over 0x7E is in what it returns.
"""

import json
import textwrap
import unicodedata
from collections.abc import Sequence

from cabinet.console_messages import Answer, Table

COLUMNS, ROWS = 80, 24
LEAST_COLUMNS, MOST_COLUMNS = 40, 200
LEAST_ROWS, MOST_ROWS = 10, 100
GAP = "  "
QUOTED = 56  # characters of a challenge in a line
_TYPOGRAPHY = str.maketrans({"\u00a0": " ", "…": "...", "–": "-", "—": "-", "’": "'", "µ": "u"})  # noqa: RUF001


def plain(text: str) -> str:
    """`text` in printable ASCII: letters lose their accents, what has no likeness is "?"."""
    spread = unicodedata.normalize("NFKD", text.translate(_TYPOGRAPHY))
    kept = (c for c in spread if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" for c in kept)


def wrapped(text: str, columns: int) -> list[str]:
    """A paragraph in lines."""
    return textwrap.wrap(plain(text), columns - 1, break_on_hyphens=False) or [""]


def span(seconds: float) -> str:
    """How long: 4 min 30 s."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def quoted(challenge: str) -> list[str]:
    """The challenge as `printf` prints it, in lines that are copied whole from 80 columns."""
    words = plain(challenge)
    parts = [f"'{words[at : at + QUOTED]}'" for at in range(0, len(words), QUOTED)]
    return " \\\n  ".join((f"printf %s {parts[0]}", *parts[1:])).splitlines() if parts else []


def fitted(lines: Sequence[str], columns: int) -> list[str]:
    """Lines as they are, but for those that are too long: they go on below their second column."""
    told = []
    for line in lines:
        words, _, more = line.rpartition(GAP)
        under = " " * min(len(words) + len(GAP), columns // 2) if words and more.strip() else ""
        told += textwrap.wrap(
            plain(line), columns - 1, break_on_hyphens=False, subsequent_indent=under
        ) or [""]
    return told


def table(shown: Table, columns: int) -> list[str]:
    """A table's lines; its last column is broken over lines, not cut."""
    rows = [tuple(plain(cell) for cell in row) for row in shown.rows]
    if not rows:
        return [f"{plain(shown.name)}: nothing"]
    labelled = shown.headings[:1] == ("what",)
    headings = tuple(plain(it) for it in shown.headings)
    widths = [
        max(len(row[at]) for row in (rows if labelled else [headings, *rows]) if at < len(row))
        for at in range(len(headings))
    ]
    before = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
    room = max(12, columns - 1 - before)
    lines = [] if labelled else _line(headings, widths, room)
    for row in rows:
        lines += _line(row, widths, room)
    return [line[: columns - 1] for line in lines]


def _line(row: Sequence[str], widths: Sequence[int], room: int) -> list[str]:
    *cells, last = row
    start = "".join(cell.ljust(width) + GAP for cell, width in zip(cells, widths, strict=False))
    parts = textwrap.wrap(last, room, break_on_hyphens=False) or [""]
    return [(start if index == 0 else " " * len(start)) + part for index, part in enumerate(parts)]


def lines(answer: Answer, columns: int) -> list[str]:
    """An answer for people."""
    said = wrapped(answer.words, columns) if answer.words else []
    for number, shown in enumerate(answer.tables):
        said += ([""] if number else []) + table(shown, columns)
    return [line.rstrip() for line in said]


def as_json(answer: Answer) -> str:
    """An answer for programs: one line of ASCII."""
    tables = {
        shown.name: [dict(zip(shown.headings, row, strict=False)) for row in shown.rows]
        for shown in answer.tables
    }
    told = {"outcome": answer.outcome, "words": answer.words, **tables}
    return json.dumps(told, ensure_ascii=True, separators=(",", ":")).replace("\x7f", "\\u007f")
