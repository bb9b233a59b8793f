"""What the controller and the maintenance console say to each other over the console socket.

The console is a terminal and nothing more: it proves nothing, decides nothing and is believed
nothing. One rule: as on the screen socket, a message is small, typed, bounded and versioned, and
unknown fields are refused.

Frame: as in `messages.py`, 4 bytes big-endian length, then JSON.
"""

from typing import Annotated, Literal

import msgspec

from cabinet.messages import MAX_FRAME_BYTES, MessageError, frame

VERSION = 1
MAX_SIGNATURE_CHARS = 8192
MAX_SECRET_CHARS = 32
MAX_PHRASE_CHARS = 64
MAX_NOTE_CHARS = 240
MAX_ARGUMENTS = 4
MAX_ROWS = 200
MAX_CELL_CHARS = 120
MOST_BLOCK_LINES = 1000
Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")]
Way = Literal["certificate", "code"]
Outcome = Literal["ok", "refused", "failed"]


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Hello(_Message, frozen=True, forbid_unknown_fields=True, tag="hello"):
    """First message of the console; a Banner answers it."""

    version: int


class Begin(_Message, frozen=True, forbid_unknown_fields=True, tag="begin"):
    """Somebody wants to sign in, or to extend the session: a Challenge or Denied answers it."""


class Respond(_Message, frozen=True, forbid_unknown_fields=True, tag="respond"):
    """The signature over the newest challenge; SignedIn or Denied answers it."""

    signature: Annotated[str, msgspec.Meta(max_length=MAX_SIGNATURE_CHARS)]


class Prove(_Message, frozen=True, forbid_unknown_fields=True, tag="prove"):
    """A staff number, PIN (or passphrase) and code of the app; SignedIn or Denied answers it."""

    staff_id: Annotated[str, msgspec.Meta(max_length=MAX_SECRET_CHARS)]
    pin: Annotated[str, msgspec.Meta(max_length=MAX_PHRASE_CHARS)]
    code: Annotated[str, msgspec.Meta(max_length=MAX_SECRET_CHARS)]

    def __repr__(self) -> str:
        return "Prove()"


class Command(_Message, frozen=True, forbid_unknown_fields=True, tag="command"):
    """A command of the signed-in technician; an Answer with its id answers it."""

    id: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    command: Word
    arguments: Annotated[tuple[Word, ...], msgspec.Meta(max_length=MAX_ARGUMENTS)] = ()


class Write(_Message, frozen=True, forbid_unknown_fields=True, tag="write"):
    """A note of the signed-in technician; an Answer with its id answers it."""

    id: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    text: Annotated[str, msgspec.Meta(max_length=MAX_NOTE_CHARS)]

    def __repr__(self) -> str:
        return "Write()"


class Stop(_Message, frozen=True, forbid_unknown_fields=True, tag="stop"):
    """Nothing more of what is being watched."""


class Leave(_Message, frozen=True, forbid_unknown_fields=True, tag="leave"):
    """The technician logs out; Ended answers it."""


class Banner(_Message, frozen=True, forbid_unknown_fields=True, tag="banner"):
    """What anybody with a cable may see."""

    cabinet: str
    state: str
    clock: str
    sign_in: str = ""  # why nobody can sign in, "" where they can
    ways: tuple[Way, ...] = ()


class Challenge(_Message, frozen=True, forbid_unknown_fields=True, tag="challenge"):
    """What is to be signed, within so many seconds, in which namespace."""

    text: str
    within_s: int
    namespace: str


class Denied(_Message, frozen=True, forbid_unknown_fields=True, tag="denied"):
    """A sign-in was not accepted; the next try is possible after `wait_s`."""

    words: str
    wait_s: int = 0


class SignedIn(_Message, frozen=True, forbid_unknown_fields=True, tag="signed_in"):
    """The session, or its extension, lasts so long.

    `admit_s`: within so many seconds a pharmacist must let them in; 0 where nobody need.
    """

    name: str
    lasts_s: int
    idle_s: int
    admit_s: int


class Admitted(_Message, frozen=True, forbid_unknown_fields=True, tag="admitted"):
    """A pharmacist let the technician in."""


class Table(_Message, frozen=True, forbid_unknown_fields=True):
    """Facts in rows; one with two headings and the first "what" reads as labels and values."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Answer(_Message, frozen=True, forbid_unknown_fields=True, tag="answer"):
    """What came of the command `id`."""

    id: int
    outcome: Outcome
    words: str = ""
    tables: tuple[Table, ...] = ()


class Seen(_Message, frozen=True, forbid_unknown_fields=True, tag="seen"):
    """A line of what is being watched."""

    line: str


class Block(_Message, frozen=True, forbid_unknown_fields=True, tag="block"):
    """Lines that belong together and are printed as they are: an encrypted bundle."""

    lines: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_BLOCK_LINES)]


class Ended(_Message, frozen=True, forbid_unknown_fields=True, tag="ended"):
    """The session is over."""

    words: str


ToController = Hello | Begin | Respond | Prove | Command | Write | Stop | Leave
ToConsole = Banner | Challenge | Denied | SignedIn | Admitted | Answer | Seen | Block | Ended
_to_controller: msgspec.json.Decoder[ToController] = msgspec.json.Decoder(ToController)
_to_console: msgspec.json.Decoder[ToConsole] = msgspec.json.Decoder(ToConsole)
_encoder = msgspec.json.Encoder()
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode(message: ToController | ToConsole) -> bytes:
    """One frame, ready to send."""
    return frame(_encoder.encode(message))


def body(tables: tuple[Table, ...]) -> bytes:
    """The bytes of an answer's facts, whose digest its record holds."""
    return _encoder.encode(tables)


def fitted(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """The same within the bounds of a message; what does not fit is left out and said."""
    cut = []
    for table in tables:
        rows = tuple(tuple(cell[:MAX_CELL_CHARS] for cell in row) for row in table.rows[:MAX_ROWS])
        if len(table.rows) > MAX_ROWS:
            rows = (*rows, (f"({len(table.rows) - MAX_ROWS} more)", *("",) * (len(rows[0]) - 1)))
        cut.append(Table(table.name, table.headings, rows))
    while len(body(tuple(cut))) > MAX_FRAME_BYTES - 1024:
        longest = max(range(len(cut)), key=lambda at: len(cut[at].rows))
        table = cut[longest]
        cut[longest] = Table(table.name, table.headings, table.rows[: len(table.rows) // 2])
    return tuple(cut)


def decode_for_controller(data: bytes) -> ToController:
    """The console's message from a frame's bytes."""
    try:
        return _to_controller.decode(data)
    except _UNREADABLE:
        raise MessageError("not a message of the console's protocol") from None


def decode_for_console(data: bytes) -> ToConsole:
    """The controller's message from a frame's bytes."""
    try:
        return _to_console.decode(data)
    except _UNREADABLE:
        raise MessageError("not a message of the controller's protocol") from None
