"""The console socket: what technicians ask in, answers out, over a Unix socket of its own.

Not for what is asked (`service_desk.py`). One rule: when a console goes, so that a cable was
pulled, it is said at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cabinet.console_messages import VERSION, Hello, ToController, decode_for_controller
from cabinet.local_socket import LocalSocket, Peer
from cabinet.messages import MessageError

CONSOLE_USER = "cabinet-console"
MAX_PEERS = 4  # more than one cable, so that the second is told why it must wait


@dataclass(frozen=True)
class ConsoleCame:
    """A console said hello."""

    peer: Peer


@dataclass(frozen=True)
class ConsoleSaid:
    """A console's message."""

    peer: Peer
    message: ToController


@dataclass(frozen=True)
class ConsoleGone:
    """A console's connection is over."""

    peer: Peer


ConsoleEvent = ConsoleCame | ConsoleSaid | ConsoleGone


class ConsoleSocket:
    """Listens for consoles."""

    def __init__(self, path: Path, post: Callable[[ConsoleEvent], None]) -> None:
        self._post = post
        self._socket = LocalSocket(
            path,
            name="console socket",
            user=CONSOLE_USER,
            most=MAX_PEERS,
            take=self._take,
            gone=self._gone,
        )

    def close(self) -> None:
        """Stop listening and drop every console."""
        self._socket.close()

    def _take(self, peer: Peer, body: bytes) -> None:
        message = decode_for_controller(body)
        if isinstance(message, Hello):
            if message.version != VERSION:
                raise MessageError(f"version {message.version}, not {VERSION}")
            if peer.greeted:
                raise MessageError("a second hello")
            peer.greeted = True
            self._post(ConsoleCame(peer))
        elif peer.greeted:
            self._post(ConsoleSaid(peer, message))
        else:
            raise MessageError("a command before hello")

    def _gone(self, peer: Peer) -> None:
        if peer.greeted:
            self._post(ConsoleGone(peer))
