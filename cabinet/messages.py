"""What the controller and its touchscreen say to each other over the screen socket.

The screen holds no state: the controller sends a whole `Screen` with a number, a press returns that
number and the button. One rule: a message is small, typed, length-prefixed, bounded and versioned;
unknown fields are refused.

Frame: 4 bytes big-endian length, then that many bytes of JSON, at most `MAX_FRAME_BYTES`.
"""

import struct
from typing import Literal

import msgspec

VERSION = 1
MAX_FRAME_BYTES = 65_536
MAX_PRESS_ID = 2**53 - 1  # what a browser can count
MAX_TEXT_CHARS = 64  # what a person can type at one press: code points, at most 256 bytes


class MessageError(Exception):
    """A frame or message that is not ours; the connection it came from is dropped."""


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Button(_Message, frozen=True, forbid_unknown_fields=True):
    """Something to press; `why_not` is the reason it cannot be pressed now, shown with it."""

    id: str
    label: str
    kind: Literal["primary", "plain", "danger", "quiet"] = "plain"
    why_not: str = ""


class Row(_Message, frozen=True, forbid_unknown_fields=True):
    """A line of a list; pressing anywhere on it presses `id`. An empty `id` cannot be pressed."""

    id: str
    title: str
    lines: tuple[str, ...] = ()
    tag: str = ""  # a word such as "CONTROLLED CII"; never colour alone
    tone: Literal["plain", "controlled", "warning"] = "plain"
    why_not: str = ""


class Banner(_Message, frozen=True, forbid_unknown_fields=True):
    """The patient, fixed at the top of every screen about a patient."""

    name: str  # "FAMILY, Given"
    details: tuple[str, ...]  # born, record number, bed
    allergies: str
    alike: str = ""  # the similar-name warning


class Words(_Message, frozen=True, forbid_unknown_fields=True, tag="words"):
    """A paragraph; `take` is the quantity to take, the largest text of the screen."""

    text: str
    size: Literal["body", "strong", "name", "take"] = "body"
    tone: Literal["plain", "success", "warning", "refusal"] = "plain"


class Facts(_Message, frozen=True, forbid_unknown_fields=True, tag="facts"):
    """Labels with their values."""

    pairs: tuple[tuple[str, str], ...]


class Rows(_Message, frozen=True, forbid_unknown_fields=True, tag="rows"):
    """A page of a list; `cards` lays them out as two columns. `more` announces what is off it."""

    rows: tuple[Row, ...]
    empty: str  # said when there are no rows
    more: str = ""
    cards: bool = False


class Keypad(_Message, frozen=True, forbid_unknown_fields=True, tag="keypad"):
    """Digits typed on the screen and sent whole with `submit`; `secret` shows dots.

    `typed`: what stands there to begin with, nothing where it is secret.
    """

    label: str
    submit: Button
    max_digits: int
    unit: str = ""
    secret: bool = False
    typed: str = ""


class Letters(_Message, frozen=True, forbid_unknown_fields=True, tag="letters"):
    """Letters and digits typed on the screen and sent whole with `submit`.

    `secret`: a passphrase, shown as dots, with every mark and no capitals by themselves.
    `typed`: what stands there to begin with, nothing where it is secret.
    """

    label: str
    submit: Button
    max_chars: int
    secret: bool = False
    typed: str = ""


class DrawerMap(_Message, frozen=True, forbid_unknown_fields=True, tag="drawers"):
    """The cabinet's drawers from top to bottom: (id, label, state)."""

    drawers: tuple[tuple[str, str, Literal["shut", "lit", "open", "fault"]], ...]


class QrCode(_Message, frozen=True, forbid_unknown_fields=True, tag="qr_code"):
    """What a phone reads off the screen; beside it what to do, and what else is typed."""

    text: str
    words: str
    spelt: str

    def __repr__(self) -> str:  # it is a secret
        return "QrCode()"


Block = Words | Facts | Rows | Keypad | Letters | DrawerMap | QrCode


class Screen(_Message, frozen=True, forbid_unknown_fields=True):
    """A whole screen. `number` changes only when a button's meaning does."""

    number: int
    name: str  # which screen, e.g. "rest", "patients"
    title: str
    blocks: tuple[Block, ...]
    actions: tuple[Button, ...] = ()  # the bar at the bottom: Back first, the primary last
    banner: Banner | None = None
    person: str = ""  # who is signed in, "" for nobody


class Alarm(_Message, frozen=True, forbid_unknown_fields=True):
    """A bar over the screen; stays until its cause ends."""

    priority: Literal["high", "medium", "low"]
    text: str


class Live(_Message, frozen=True, forbid_unknown_fields=True):
    """Values that change without changing what a button means."""

    clock: str  # "14:05"
    cabinet: str  # the cabinet's name
    alarms: tuple[Alarm, ...] = ()
    idle_warning_s: int = 0  # seconds until sign-out when warned, else 0


class Hello(_Message, frozen=True, forbid_unknown_fields=True, tag="hello"):
    """First message of a client."""

    version: int


class Press(_Message, frozen=True, forbid_unknown_fields=True, tag="press"):
    """A person pressed `button` on the screen `number`; `text` is what was typed, whole."""

    id: int  # the client's own, returned in the answer
    number: int
    button: str
    text: str = ""

    def __repr__(self) -> str:  # what was typed may be a PIN
        return f"Press(id={self.id}, number={self.number}, button={self.button!r})"


class Shown(_Message, frozen=True, forbid_unknown_fields=True, tag="shown"):
    """The screen as it is now."""

    screen: Screen
    live: Live


class Answer(_Message, frozen=True, forbid_unknown_fields=True, tag="answer"):
    """What became of a press; a `Shown` with any new screen was sent before it."""

    id: int
    outcome: Literal["done", "old", "refused"]
    words: str = ""


ToController = Hello | Press
ToScreen = Shown | Answer
_to_controller: msgspec.json.Decoder[ToController] = msgspec.json.Decoder(ToController)
_to_screen: msgspec.json.Decoder[ToScreen] = msgspec.json.Decoder(ToScreen)
_encoder = msgspec.json.Encoder()
_length = struct.Struct(">I")
# The last one: what is nested deeper than the interpreter goes.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode(message: ToController | ToScreen) -> bytes:
    """One frame, ready to send."""
    return frame(_encoder.encode(message))


def frame(body: bytes) -> bytes:
    """A message's bytes with their length before them."""
    if len(body) > MAX_FRAME_BYTES:
        raise MessageError(f"message of {len(body)} bytes is over {MAX_FRAME_BYTES}")
    return _length.pack(len(body)) + body


def decode_for_controller(body: bytes) -> ToController:
    """A client's message from a frame's bytes."""
    try:
        message = _to_controller.decode(body)
    except _UNREADABLE:  # its text may quote what was typed
        raise MessageError("not a message of the screen's protocol") from None
    if isinstance(message, Press):
        if len(message.text) > MAX_TEXT_CHARS:
            raise MessageError(f"more than {MAX_TEXT_CHARS} characters typed")
        if not 0 <= message.id <= MAX_PRESS_ID:
            raise MessageError(f"a press's id is not 0 to {MAX_PRESS_ID}")
    return message


def decode_for_screen(body: bytes) -> ToScreen:
    """The controller's message from a frame's bytes."""
    try:
        return _to_screen.decode(body)
    except _UNREADABLE:
        raise MessageError("not a message of the controller's protocol") from None


class Frames:
    """Collects received bytes and gives back whole frames; raises on one that is too long."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Bodies of the frames that `data` completes, in order."""
        self._buffer += data
        bodies: list[bytes] = []
        while len(self._buffer) >= _length.size:
            (size,) = _length.unpack_from(self._buffer)
            if size > MAX_FRAME_BYTES:
                raise MessageError(f"frame of {size} bytes is over {MAX_FRAME_BYTES}")
            end = _length.size + size
            if len(self._buffer) < end:
                break
            bodies.append(bytes(self._buffer[_length.size : end]))
            self._buffer[:end] = bytes(end)  # it may have held a PIN
            del self._buffer[:end]
        return bodies
