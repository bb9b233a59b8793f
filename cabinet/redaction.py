"""Lines of logs without what must not leave the cabinet: names, numbers, keys, quoted words.

Not for what people are shown otherwise: nothing of ours logs such things, and this is for the day
that something does. One rule: it leaves out too much rather than too little, and what it returns is
one bounded line of printable ASCII.
"""

import re
from collections.abc import Iterable

from cabinet.state import State

MAX_LINE_CHARS = 300
_LOOKED_AT_CHARS = 2000  # of a line; the rest is cut off before anything else is done with it
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -~])?|\x9b")
_UNPRINTABLE = re.compile(r"[^ -~]")
_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"""(?P<mark>"|(?<![\w\]])')(?P<said>.*?)(?:(?P=mark)|$)""")
_MAY_BE_QUOTED = re.compile(r"/[\w./-]*|<\w+>")  # a file, and what Python calls its own
_MASKED = (
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "[date]"),
    (re.compile(r"\bAGE-SECRET-KEY-\w+|\bage1\w+|\$argon2\S+|\$[0-9a-z]{1,8}\$\S+"), "[secret]"),
    (re.compile(r"\b[0-9a-fA-F]{12,}\b"), "[hex]"),
    (re.compile(r"[A-Za-z0-9+/_=-]{32,}"), "[secret]"),
    (re.compile(r"\d(?:[ .-]?\d){3,}"), "[number]"),  # also in groups: a PIN, a badge, a record
)


def name_parts(names: Iterable[str]) -> frozenset[str]:
    """The words that names are made of, as `redact` wants them."""
    return frozenset(
        part.casefold() for name in names for part in _WORD.findall(name) if len(part) > 1
    )


def known_names(state: State) -> frozenset[str]:
    """The words in the names and numbers of everybody whom this cabinet knows."""
    people = [it.details for it in state.people.values()]
    patients = [it.details for it in state.patients.values()]
    names = [f"{it.given} {it.family}" for it in (*people, *patients) if it is not None]
    names += [it.staff_id for it in people if it is not None]
    names += [it.record_number for it in patients if it is not None]
    if state.service is not None:
        names.append(state.service.name)
    return name_parts(names)


def _quoted(found: re.Match[str]) -> str:
    return found[0] if _MAY_BE_QUOTED.fullmatch(found["said"]) else "[quoted]"


def unnamed(text: str, names: frozenset[str]) -> str:
    """`text` without these names."""
    return _WORD.sub(lambda found: "[name]" if found[0].casefold() in names else found[0], text)


def redact(text: str, names: frozenset[str] = frozenset()) -> str:
    """`text` as it may be shown to a technician."""
    line = " ".join(text[:_LOOKED_AT_CHARS].splitlines())
    kept = unnamed(_ESCAPES.sub("", line), names)
    kept = _QUOTED.sub(_quoted, kept)
    for pattern, instead in _MASKED:
        kept = pattern.sub(instead, kept)
    kept = _UNPRINTABLE.sub("?", kept)
    return kept if len(kept) <= MAX_LINE_CHARS else f"{kept[: MAX_LINE_CHARS - 3]}..."
