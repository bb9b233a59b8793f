"""Writes docs/records.md from the record types: `python -m tests.record_types`."""

import sys
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from cabinet import records as r

FILE = Path(__file__).parent.parent / "docs" / "records.md"
HEAD = """# What the entries of a ledger say

Made from the types in `cabinet/records.py` by `python -m tests.record_types`; a test compares them.
How the bytes of an entry are hashed and signed is in `ledger-format.md`.

An entry's body is one JSON object in UTF-8, encoded once; what is hashed is those bytes. Its
members, in this order:

| member | type | holds |
|---|---|---|
| `tag` | text | `adc.entry` |
| `v` | integer | `1`, the version of this object |
| `cabinet` | text | the cabinet's id |
| `seq` | integer | the entry's number, as in the tree |
| `wall_ms` | integer | Unix time in milliseconds, as the cabinet's clock had it |
| `mono_ms` | integer | milliseconds that only grow, within one `boot` |
| `boot` | text | which run of the software wrote it |
| `salt` | text | 16 random bytes in hexadecimal: a leaf hash tells nothing of a body not shown |
| `record` | object | one of the records below, told apart by its member `type` |

There are no floating-point numbers. A member with a default may be missing in a body that was
written before the member existed; it then has its default. A record never changes or loses a
member. People, patients, orders and badges are references or keyed hashes; what they are called is
in attachments, which a member `details` or `credential` names by hash in hexadecimal, "" for none.
"""


def spelt(hint: Any) -> str:
    """A type as a reader of JSON knows it."""
    if get_origin(hint) is Literal:
        return " or ".join(f'"{each}"' for each in get_args(hint))
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(spelt(each) for each in get_args(hint))
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return f"list of {spelt(inner[0])}"
        return f"[{', '.join(map(spelt, inner))}]"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint.__name__
    return {str: "text", int: "integer", bool: "true or false", type(None): "null"}[hint]


def described(struct: type[msgspec.Struct]) -> str:
    """What a type is for: its docstring in one line."""
    return " ".join((struct.__doc__ or "").split()).replace("|", "\\|")


def members(struct: type[msgspec.Struct]) -> str:
    """The members of a type, in their order."""
    hints, told = get_type_hints(struct), []
    for field in msgspec.structs.fields(struct):
        text = f"`{field.encode_name}` {spelt(hints[field.name])}"
        if field.default is not msgspec.NODEFAULT:
            text += f" (default {msgspec.json.encode(field.default).decode()})"
        elif field.default_factory is not msgspec.NODEFAULT:
            text += " (default empty)"
        told.append(text)
    return ", ".join(told).replace("|", "\\|") or "none"


def collect(hint: Any, found: dict[str, type[msgspec.Struct]]) -> None:
    """Every type that a member's type is made of, by name."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        found[hint.__name__] = hint
        for inner in get_type_hints(hint).values():
            collect(inner, found)
    for inner in get_args(hint):
        collect(inner, found)


def table(heading: str, rows: list[tuple[str, type[msgspec.Struct]]]) -> str:
    lines = [f"| {heading} | members | what it says |", "|---|---|---|"]
    lines += [f"| `{name}` | {members(type_)} | {described(type_)} |" for name, type_ in rows]
    return "\n".join(lines) + "\n"


def text() -> str:
    """The whole file."""
    records = [(str(type_.__struct_config__.tag), type_) for type_ in get_args(r.Record)]
    found: dict[str, type[msgspec.Struct]] = {}
    for _, type_ in records:
        for hint in get_type_hints(type_).values():
            collect(hint, found)
    return "\n".join(
        (
            HEAD,
            "## Records\n",
            table("`type`", records),
            "## Parts of records\n",
            table("part", sorted(found.items())),
            "## Attachments, by kind\n",
            table("kind", sorted(r.KINDS.items())),
        )
    )


def main() -> int:
    """Write the file."""
    FILE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
