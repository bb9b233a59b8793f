"""The console's connection to the controller: messages out, messages in, and its end noticed.

Not for what is said. One rule: a controller that is gone or garbled is `NotAnswering`, and the
session over it is over.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import TypeVar

from cabinet.console_messages import (
    VERSION,
    Banner,
    Hello,
    ToConsole,
    ToController,
    decode_for_console,
    encode,
)
from cabinet.messages import Frames, MessageError

ANSWER_S = 30.0
GREETING_S = 5.0
MOST_WAITING = 256
_READ_BYTES = 65_536
M = TypeVar("M")


class NotAnswering(Exception):
    """The controller is gone, or said what it should not."""


class Connection:
    """One connection, from its hello to its end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._heard: asyncio.Queue[ToConsole | None] = asyncio.Queue(MOST_WAITING)
        self._task = asyncio.create_task(self._listen())
        self._over = False

    @classmethod
    async def to(cls, path: Path) -> tuple["Connection", Banner]:
        """Connect and greet; raises NotAnswering."""
        try:
            async with asyncio.timeout(GREETING_S):
                reader, writer = await asyncio.open_unix_connection(str(path))
                made = cls(reader, writer)
                made.say(Hello(VERSION))
                return made, await made.hear(Banner)
        except (OSError, TimeoutError):
            raise NotAnswering from None

    def say(self, message: ToController) -> None:
        """Send it; a connection that is over is noticed by whoever listens."""
        if not self._over:
            self._writer.write(encode(message))

    async def next(self) -> ToConsole:
        """The next message; raises NotAnswering."""
        message = None if self._over and self._heard.empty() else await self._heard.get()
        if message is None:
            raise NotAnswering
        return message

    async def hear(self, kind: type[M]) -> M:
        """The next message, which must be of this kind; raises NotAnswering."""
        async with asyncio.timeout(ANSWER_S):
            message = await self.next()
        if not isinstance(message, kind):
            raise NotAnswering
        return message

    async def close(self) -> None:
        """End it; the controller ends the session with it."""
        self._over = True
        self._task.cancel()
        self._writer.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _listen(self) -> None:
        frames = Frames()
        try:
            while data := await self._reader.read(_READ_BYTES):
                for body in frames.feed(data):
                    self._heard.put_nowait(decode_for_console(body))
        except (OSError, MessageError, asyncio.QueueFull):
            return  # what is said in the end is the same
        finally:
            self._over = True
            if not self._heard.full():
                self._heard.put_nowait(None)
