"""The screen socket: whole screens out, presses in, over one Unix socket for one peer role.

Not for what a press means. One rule: a peer that is slow, garbled or not the touchscreen's user is
dropped, never waited for.
"""

import contextlib
import logging
import os
import pwd
import queue
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cabinet.messages import (
    VERSION,
    Frames,
    Hello,
    MessageError,
    Press,
    ToScreen,
    decode_for_controller,
    encode,
)

MAX_PEERS = 4
SCREEN_USER = "cabinet-screen"
_log = logging.getLogger(__name__)
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid of SO_PEERCRED, unix(7)


@dataclass(frozen=True)
class PeerPressed:
    """A peer's press; the answer goes to `peer`."""

    peer: "Peer"
    press: Press


@dataclass(frozen=True)
class PeerCame:
    """A peer said hello: it wants the present screen."""

    peer: "Peer"


PeerEvent = PeerPressed | PeerCame


class Peer:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.greeted = False

    def send(self, frame: bytes) -> bool:
        """Send without waiting; False when the peer is gone or too slow, which ends it."""
        try:
            sent = self._connection.send(frame, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError:
            sent = -1
        if sent != len(frame):
            self.close()
            return False
        return True

    def receive(self) -> bytes:
        return self._connection.recv(65_536)

    def close(self) -> None:
        """End the connection; its reader thread ends with it."""
        with contextlib.suppress(OSError):  # it may be gone already
            self._connection.shutdown(socket.SHUT_RDWR)


class ScreenSocket:
    """Listens, reads presses and posts them; `send` shows a message to every peer."""

    def __init__(self, path: Path, post: Callable[[PeerEvent], None]) -> None:
        self._path, self._post = path, post
        self._peers: list[Peer] = []
        self._guard = threading.Lock()
        self._uids = _allowed_uids()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o117)  # 0660: the folder's group is the touchscreen's
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(before)
        self._listener.listen(MAX_PEERS)
        threading.Thread(target=self._accept, name="screen socket", daemon=True).start()

    def send(self, message: ToScreen) -> None:
        """To every peer that said hello."""
        frame = encode(message)
        with self._guard:
            self._peers = [p for p in self._peers if not p.greeted or p.send(frame)]

    def close(self) -> None:
        """Stop listening and drop every peer."""
        self._listener.close()
        self._path.unlink(missing_ok=True)
        with self._guard:
            for peer in self._peers:
                peer.close()
            self._peers = []

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            if not self._welcome(connection):
                connection.close()

    def _welcome(self, connection: socket.socket) -> bool:
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, uid, _ = _CREDENTIALS.unpack(raw)
        if uid not in self._uids:
            _log.warning("screen socket: user %d is not the touchscreen's; dropped", uid)
            return False
        peer = Peer(connection)
        with self._guard:
            if len(self._peers) >= MAX_PEERS:
                _log.warning("screen socket: more than %d peers; dropped", MAX_PEERS)
                return False
            self._peers.append(peer)
        reader = threading.Thread(
            target=self._read, args=(peer, connection), name="screen peer", daemon=True
        )
        reader.start()
        return True

    def _read(self, peer: Peer, connection: socket.socket) -> None:
        frames = Frames()
        with connection:
            try:
                while data := peer.receive():
                    for body in frames.feed(data):
                        self._take(peer, body)
            except MessageError as error:
                _log.warning("screen socket: peer dropped: %s", error)
            except OSError:
                _log.info("screen socket: peer gone")
            except queue.Full:
                _log.warning("screen socket: peer dropped: presses faster than they are handled")
            with self._guard:
                if peer in self._peers:
                    self._peers.remove(peer)

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


def _allowed_uids() -> tuple[int, ...]:
    own = (os.geteuid(),)
    try:
        return (*own, pwd.getpwnam(SCREEN_USER).pw_uid)
    except KeyError:
        return own
