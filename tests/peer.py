"""A touchscreen's end of the screen socket, for tests that drive the controller's process."""

import select
import socket
import time
from collections.abc import Callable
from pathlib import Path

from cabinet.messages import (
    VERSION,
    Answer,
    Frames,
    Hello,
    Press,
    Shown,
    decode_for_screen,
    encode,
)
from tests.demo import PATIENCE_S

AGAIN_S = 3.0  # a person who sees nothing happen holds up the badge, or the label, again
LIFTED_S = 1.0  # the sensor looks a few times a second


class ScreenPeer:
    """Connected and greeted; `shown` is the newest screen that was read."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))
        self._frames = Frames()
        self._answers: dict[int, Answer] = {}
        self._next = 0
        self.shown: Shown | None = None
        self._socket.sendall(encode(Hello(VERSION)))
        self.wait(lambda: self.shown is not None)

    def wait(self, ready: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Read until `ready()`; AssertionError when it takes too long."""
        assert self.look(ready, within_s), f"still {self.name}"

    def look(self, ready: Callable[[], object], within_s: float) -> bool:
        """Read until `ready()` or the time is over; whether it came."""
        end = time.monotonic() + within_s
        while not ready():
            left = end - time.monotonic()
            if left <= 0:
                return False
            if select.select([self._socket], [], [], left)[0]:
                data = self._socket.recv(65_536)
                if not data:
                    raise ConnectionError("the controller is gone")
                for body in self._frames.feed(data):
                    self._take(decode_for_screen(body))
        return True

    def _take(self, message: Shown | Answer) -> None:
        match message:
            case Shown():
                self.shown = message
            case Answer():
                self._answers[message.id] = message

    @property
    def name(self) -> str:
        """The present screen's name."""
        return self.shown.screen.name if self.shown is not None else "nothing"

    def sees(self, name: str) -> None:
        """Wait for a screen."""
        self.wait(lambda: self.name == name)

    def asks(self, present: Callable[[], object], proof: str = "finger") -> None:
        """Hold a badge up by `present` until that proof is asked for.

        Again while it is not read, as people do: a slow machine's reader may not be up yet, and
        its sensor may need several tries.
        """
        end = time.monotonic() + 4 * PATIENCE_S
        while self.name != proof:
            assert time.monotonic() < end, f"the badge was not read; still {self.name}"
            if self.name == "pin":  # the sensor had not answered a moment ago
                self.press("cancel")
                self.wait(lambda: self.name != "pin")
            assert present()
            self.look(lambda: self.name in (proof, "pin"), AGAIN_S)

    def proves(
        self, badge: Callable[[], object], finger: Callable[[bool], object], *then: str
    ) -> None:
        """Badge, and the finger on the glass until a screen of `then` is there.

        `finger` lays it there, and lifts it.

        Lifted and laid again while nothing comes of it: the sensor may not have seen that the
        finger before was lifted. Anew where it failed, as one that waits for a stalled machine.
        """
        end = time.monotonic() + 4 * PATIENCE_S

        def over() -> bool:
            return self.name in (*then, "pin", "rest")

        while True:
            self.asks(badge)
            while not over():
                assert time.monotonic() < end, f"the finger was not read; still {self.name}"
                finger(True)
                self.look(over, AGAIN_S)
                finger(False)
                self.look(over, LIFTED_S)
            if self.name in then:
                return

    def shows(self, words: str) -> None:
        """Wait for words anywhere on the screen."""
        self.wait(lambda: words in repr(self.shown))

    def send(self, button: str, text: str = "") -> int:
        """Press without waiting for the answer; its id."""
        assert self.shown is not None
        self._next += 1
        self._socket.sendall(encode(Press(self._next, self.shown.screen.number, button, text)))
        return self._next

    def press(self, button: str, text: str = "") -> Answer:
        """Press and wait for the answer; again where the screen had just changed, as people do."""
        answer = self.answer(self.send(button, text))
        while answer.outcome == "old":  # nothing was done, and the newer screen came before this
            answer = self.answer(self.send(button, text))
        return answer

    def answer(self, press: int) -> Answer:
        """Wait for the answer to a press."""
        self.wait(lambda: press in self._answers)
        return self._answers[press]

    def does(self, button: str, text: str = "") -> None:
        """Press what must not be refused."""
        answer = self.press(button, text)
        assert answer.outcome == "done", answer

    def find(self, words: str) -> str:
        """The id of the row that shows these words."""
        assert self.shown is not None
        for block in self.shown.screen.blocks:
            for row in getattr(block, "rows", ()):
                if words in row.title:
                    return str(row.id)
        raise AssertionError(f"no row says {words!r}")

    def close(self) -> None:
        self._socket.close()
