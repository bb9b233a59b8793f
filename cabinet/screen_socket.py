"""The screen socket: whole screens out, presses in, over one Unix socket for one peer role.

Not for what a press means, nor for connections (`local_socket.py`). One rule: a press counts only
after a hello of our version.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cabinet.local_socket import LocalSocket, Peer
from cabinet.messages import (
    VERSION,
    Hello,
    MessageError,
    Press,
    ToScreen,
    decode_for_controller,
    encode,
)

MAX_PEERS = 4
SCREEN_USER = "cabinet-screen"


@dataclass(frozen=True)
class PeerPressed:
    """A peer's press; the answer goes to `peer`."""

    peer: Peer
    press: Press


@dataclass(frozen=True)
class PeerCame:
    """A peer said hello: it wants the present screen."""

    peer: Peer


PeerEvent = PeerPressed | PeerCame


class ScreenSocket:
    """Listens, reads presses and posts them; `send` shows a message to every peer."""

    def __init__(self, path: Path, post: Callable[[PeerEvent], None]) -> None:
        self._post = post
        self._socket = LocalSocket(
            path, name="screen socket", user=SCREEN_USER, most=MAX_PEERS, take=self._take
        )

    def send(self, message: ToScreen) -> None:
        """To every peer that said hello."""
        self._socket.send(encode(message))

    def close(self) -> None:
        """Stop listening and drop every peer."""
        self._socket.close()

    def _take(self, peer: Peer, body: bytes) -> None:
        message = decode_for_controller(body)
        match message:
            case Hello():
                if message.version != VERSION:
                    raise MessageError(f"version {message.version}, not {VERSION}")
                peer.greeted = True
                self._post(PeerCame(peer))
            case Press():
                if not peer.greeted:
                    raise MessageError("a press before hello")
                self._post(PeerPressed(peer, message))
