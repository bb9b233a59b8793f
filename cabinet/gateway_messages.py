"""What the controller and the gateway say to each other over the gateway socket.

The gateway carries requests to the ledger's witnesses and their answers back; it understands
neither. One rule: as on the screen socket, a message is small, typed, bounded and versioned, and
unknown fields are refused.

Frame: as in `messages.py`, 4 bytes big-endian length, then JSON.
"""

from typing import Annotated, Literal

import msgspec

from cabinet.messages import MAX_FRAME_BYTES, MessageError, frame

VERSION = 1
MAX_CARRIED_BYTES = 32_768  # of a request or an answer; in base64 it fits a frame
MAX_WHY = 200

Carried = Annotated[bytes, msgspec.Meta(max_length=MAX_CARRIED_BYTES)]
Name = Annotated[str, msgspec.Meta(max_length=64)]


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Hello(_Message, frozen=True, forbid_unknown_fields=True, tag="hello"):
    """First message of the gateway."""

    version: int


class Ask(_Message, frozen=True, forbid_unknown_fields=True, tag="ask"):
    """To the witness: an add-checkpoint request, or what it shows at `path` under its prefix."""

    id: int
    witness: Name
    act: Literal["add", "show"]
    path: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9/-]{1,128}$")]
    body: Carried = b""


class Answered(_Message, frozen=True, forbid_unknown_fields=True, tag="answered"):
    """What the witness answered to `Ask` number `id`, as it came."""

    id: int
    status: Annotated[int, msgspec.Meta(ge=100, le=999)]
    content_type: Annotated[str, msgspec.Meta(max_length=100)]
    body: Carried


class NotReached(_Message, frozen=True, forbid_unknown_fields=True, tag="not_reached"):
    """The witness did not answer `Ask` number `id`."""

    id: int
    why: Annotated[str, msgspec.Meta(max_length=MAX_WHY)]


ToController = Hello | Answered | NotReached
_to_controller: msgspec.json.Decoder[ToController] = msgspec.json.Decoder(ToController)
_to_gateway: msgspec.json.Decoder[Ask] = msgspec.json.Decoder(Ask)
_encoder = msgspec.json.Encoder()


def encode(message: ToController | Ask) -> bytes:
    """One frame, ready to send."""
    return frame(_encoder.encode(message))


def decode_for_controller(body: bytes) -> ToController:
    """The gateway's message from a frame's bytes."""
    try:
        return _to_controller.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MessageError("not a message of the gateway's protocol") from None


def decode_for_gateway(body: bytes) -> Ask:
    """The controller's message from a frame's bytes."""
    try:
        return _to_gateway.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MessageError("not a message of the controller's protocol") from None


assert MAX_CARRIED_BYTES * 4 // 3 + 2048 < MAX_FRAME_BYTES, "what is carried fits a frame"
