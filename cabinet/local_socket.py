"""A Unix socket for one peer role: who may connect, whole frames in, frames out without waiting.

Not for what a frame means. One rule: a peer that is slow, garbled or another user is dropped, never
waited for.
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
from pathlib import Path

from cabinet.messages import Frames, MessageError

_log = logging.getLogger(__name__)
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid of SO_PEERCRED, unix(7)


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
        """The next bytes; b"" at the end."""
        return self._connection.recv(65_536)

    def close(self) -> None:
        """End the connection; its reader thread ends with it."""
        with contextlib.suppress(OSError):  # it may be gone already
            self._connection.shutdown(socket.SHUT_RDWR)


class LocalSocket:
    """Listens, and gives each frame to `take(peer, body)` in that peer's thread.

    `take` raises MessageError for a peer that must go, queue.Full for one that is too fast.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        user: str,
        most: int,
        take: Callable[[Peer, bytes], None],
        gone: Callable[[Peer], None] = lambda _: None,
    ) -> None:
        """`user` may connect, beside our own; at most `most` at a time.

        `gone(peer)` is the last that is heard of a peer, in its thread.
        """
        self._path, self._name, self._most, self._take = path, name, most, take
        self._gone = gone
        self._uids = allowed_uids(user)
        self._peers: list[Peer] = []
        self._guard = threading.Lock()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o117)  # 0660: the folder's group is the peers'
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(before)
        self._listener.listen(most)
        threading.Thread(target=self._accept, name=name, daemon=True).start()

    def send(self, frame: bytes) -> bool:
        """To every peer that was greeted; whether any took it."""
        with self._guard:
            self._peers = [p for p in self._peers if not p.greeted or p.send(frame)]
            return any(peer.greeted for peer in self._peers)

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
            _log.warning("%s: user %d may not connect; dropped", self._name, uid)
            return False
        peer = Peer(connection)
        with self._guard:
            if len(self._peers) >= self._most:
                _log.warning("%s: more than %d peers; dropped", self._name, self._most)
                return False
            self._peers.append(peer)
        threading.Thread(
            target=self._read, args=(peer, connection), name=f"{self._name} peer", daemon=True
        ).start()
        return True

    def _read(self, peer: Peer, connection: socket.socket) -> None:
        frames = Frames()
        with connection:
            try:
                while data := peer.receive():
                    for body in frames.feed(data):
                        self._take(peer, body)
            except MessageError as error:
                _log.warning("%s: peer dropped: %s", self._name, error)
            except OSError:
                _log.info("%s: peer gone", self._name)
            except queue.Full:
                _log.warning("%s: peer dropped: faster than it can be handled", self._name)
            finally:
                with self._guard:
                    if peer in self._peers:
                        self._peers.remove(peer)
                self._gone(peer)


def allowed_uids(user: str) -> tuple[int, ...]:
    """Our own and that user's, where there is one."""
    own = (os.geteuid(),)
    try:
        return (*own, pwd.getpwnam(user).pw_uid)
    except KeyError:
        return own
