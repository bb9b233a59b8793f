"""The gateway socket: requests to witnesses out, their answers in, over a Unix socket of its own.

Not for what an answer proves (`witnessing.py`). One rule: only the answer to a request that is
still waited for is passed on, once, so that nobody beyond the gateway can flood the controller.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cabinet.gateway_messages import (
    VERSION,
    Answered,
    Ask,
    Hello,
    NotReached,
    decode_for_controller,
    encode,
)
from cabinet.local_socket import LocalSocket, Peer
from cabinet.messages import MessageError

GATEWAY_USER = "cabinet-gateway"
MAX_WAITED_FOR = 16


@dataclass(frozen=True)
class GatewaySaid:
    """What became of a request."""

    message: Answered | NotReached


class GatewaySocket:
    """Listens for the one gateway."""

    def __init__(self, path: Path, post: Callable[[GatewaySaid], None]) -> None:
        self._post = post
        self._waited_for: dict[int, None] = {}
        self._guard = threading.Lock()
        self._socket = LocalSocket(
            path, name="gateway socket", user=GATEWAY_USER, most=1, take=self._take
        )

    def ask(self, ask: Ask) -> bool:
        """Send it on; False when no gateway is there."""
        with self._guard:
            self._waited_for[ask.id] = None
            while len(self._waited_for) > MAX_WAITED_FOR:
                self._waited_for.pop(next(iter(self._waited_for)))
        return self._socket.send(encode(ask))

    def close(self) -> None:
        """Stop listening and drop the gateway."""
        self._socket.close()

    def _take(self, peer: Peer, body: bytes) -> None:
        message = decode_for_controller(body)
        if isinstance(message, Hello):
            if message.version != VERSION:
                raise MessageError(f"version {message.version}, not {VERSION}")
            peer.greeted = True
            return
        if not peer.greeted:
            raise MessageError("an answer before hello")
        with self._guard:
            if message.id not in self._waited_for:
                return  # too late, or never asked for
            del self._waited_for[message.id]
        self._post(GatewaySaid(message))
