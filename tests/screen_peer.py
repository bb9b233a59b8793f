"""The controller's end of the screen socket, for tests: a peer at the wire that plays a script.

Not a controller: it knows no rules. One rule: every byte goes through a real Unix socket.
"""

import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from cabinet.messages import (
    Answer,
    Frames,
    Hello,
    Live,
    Press,
    Screen,
    Shown,
    decode_for_controller,
    encode,
)
from tests.demo import PATIENCE_S

LIVE = Live("14:05", "Ward 3 East")
Reply = Callable[[Press], Answer | None]


class ScreenPeer:
    """Shows one screen at a time to whoever connects, and answers presses by `reply`."""

    def __init__(self, path: Path, screen: Screen, live: Live = LIVE) -> None:
        self.path, self.screen, self.live = path, screen, live
        self.presses: queue.Queue[Press] = queue.Queue()
        self.greetings: queue.Queue[Hello] = queue.Queue()
        self.reply: Reply = self.by_number
        self._lock = threading.Lock()
        self._lines: list[socket.socket] = []
        self._listener: socket.socket | None = None

    def by_number(self, press: Press) -> Answer:
        """Done on the screen shown now, old on any other."""
        return Answer(press.id, "done" if press.number == self.screen.number else "old")

    def start(self) -> None:
        """Listen, in threads of its own."""
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen(4)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self) -> None:
        """Be gone, as a killed controller is."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.path.unlink(missing_ok=True)
        self.drop()

    def drop(self) -> None:
        """Close every line."""
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def show(self, screen: Screen, live: Live | None = None) -> None:
        """Send this screen to everybody connected."""
        self.screen, self.live = screen, live or self.live
        self.send(encode(Shown(self.screen, self.live)))

    def send(self, data: bytes) -> None:
        """Send these bytes as they are."""
        with self._lock:
            for line in self._lines:
                with contextlib.suppress(OSError):
                    line.sendall(data)

    def press(self, timeout_s: float = PATIENCE_S) -> Press:
        """The next press that arrived."""
        return self.presses.get(timeout=timeout_s)

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        frames = Frames()
        with contextlib.suppress(OSError):
            while data := line.recv(65_536):
                for body in frames.feed(data):
                    self._take(line, body)

    def _take(self, line: socket.socket, body: bytes) -> None:
        match decode_for_controller(body):
            case Hello() as hello:
                self.greetings.put(hello)
                with self._lock:
                    self._lines.append(line)
                    line.sendall(encode(Shown(self.screen, self.live)))
            case Press() as press:
                self.presses.put(press)
                answer = self.reply(press)
                if answer is not None:
                    with self._lock:
                        line.sendall(encode(answer))
