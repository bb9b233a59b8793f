"""The screen socket's client: keeps the newest screen, sends presses, reconnects for ever.

Not for pages. One rule: a controller that is gone, slow or garbled costs a reconnect, never a
wrong screen: nothing of a lost line is shown or answered afterwards.
"""

import asyncio
import itertools
import logging
import secrets
from pathlib import Path

from cabinet.messages import (
    VERSION,
    Answer,
    Frames,
    Hello,
    MessageError,
    Press,
    Shown,
    ToController,
    decode_for_screen,
    encode,
)
from cabinet.touchscreen.errors import NotAnswering

ANSWER_S = 5.0  # from a press to its answer
GREETING_S = 5.0  # from connecting to the first screen, and for the rest of a begun frame
SENDING_S = 2.0
HELD_S = 1.0  # a line that held this long is not counted as a miss
BACKOFF_S = (0.1, 0.2, 0.4, 0.8, 1.0)
MAX_PENDING = 8  # presses without an answer; one browser has one
_READ_BYTES = 65_536
_PREFIX_BYTES = 4

log = logging.getLogger(__name__)


class Connection:
    """The line to the controller; `line` names it, so that a page of a former one is known."""

    def __init__(
        self, socket_path: Path, *, answer_s: float = ANSWER_S, greeting_s: float = GREETING_S
    ) -> None:
        self.shown: Shown | None = None
        self.line = ""  # differs for each time the controller was reached
        self.revision = 0  # counts what was shown, also that nothing can be
        self.reached = False  # whether it ever was
        self.bell = asyncio.Event()  # rings once, at the next change; then there is a new one
        self._socket_path, self._answer_s, self._greeting_s = socket_path, answer_s, greeting_s
        self._writer: asyncio.StreamWriter | None = None
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[Answer]] = {}

    def ring(self) -> None:
        """Wake whoever waits for a change."""
        self.bell.set()
        self.bell = asyncio.Event()

    async def run(self) -> None:
        """Connect, follow, and connect again, until cancelled."""
        misses, loop = 0, asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                await self._follow()
            except (OSError, MessageError, TimeoutError) as error:
                if misses == 0:
                    cause = str(error) or "too slow"
                    log.warning("screen socket %s: %s", self._socket_path, cause)
            held = self.shown is not None and loop.time() - begun >= HELD_S
            misses = 0 if held else misses + 1
            self._lost()
            await asyncio.sleep(BACKOFF_S[min(misses, len(BACKOFF_S) - 1)])

    async def press(self, number: int, button: str, text: str) -> Answer:
        """Send a press on the screen `number` and wait for what became of it."""
        writer = self._writer
        if writer is None or self.shown is None:
            raise NotAnswering("the controller is not connected")
        if len(self._pending) >= MAX_PENDING:
            raise NotAnswering(f"{MAX_PENDING} presses are still without an answer")
        press = Press(next(self._ids), number, button, text)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._pending[press.id] = answer
        try:
            async with asyncio.timeout(self._answer_s):
                await _send(writer, press)
                return await answer
        except (TimeoutError, OSError) as error:
            writer.close()  # what it says later must not be taken for the answer to another press
            raise NotAnswering(f"no answer to press {press.id}") from error
        finally:
            self._pending.pop(press.id, None)

    async def _follow(self) -> None:
        async with asyncio.timeout(self._greeting_s):
            reader, writer = await asyncio.open_unix_connection(str(self._socket_path))
        self._writer, self.line = writer, secrets.token_hex(6)
        frames, unfinished = Frames(), 0
        try:
            await _send(writer, Hello(VERSION))
            while True:
                begun = self.shown is None or unfinished > 0
                async with asyncio.timeout(self._greeting_s if begun else None):
                    data = await reader.read(_READ_BYTES)
                if not data:
                    raise ConnectionError("the controller closed the line")
                unfinished += len(data)
                for body in frames.feed(data):
                    unfinished -= _PREFIX_BYTES + len(body)
                    self._take(decode_for_screen(body))
        finally:
            self._writer = None
            writer.close()

    def _take(self, message: Shown | Answer) -> None:
        match message:
            case Shown():
                self.shown, self.reached = message, True
                self._changed()
            case Answer():
                pending = self._pending.get(message.id)
                if pending is not None and not pending.done():
                    pending.set_result(message)

    def _lost(self) -> None:
        for pending in self._pending.values():
            if not pending.done():
                pending.set_exception(ConnectionError("the controller closed the line"))
        if self.shown is not None:
            self.shown = None
            self._changed()

    def _changed(self) -> None:
        self.revision += 1
        self.ring()


async def _send(writer: asyncio.StreamWriter, message: ToController) -> None:
    writer.write(encode(message))
    async with asyncio.timeout(SENDING_S):
        await writer.drain()
