"""The serial line: 115200 8N1, raw, ours alone; keystrokes in, text out, and its end noticed.

Not for what is typed or printed. One rule: nothing waits for the line: what cannot be sent within
its time means that nobody is there.
"""

import asyncio
import contextlib
import fcntl
import os
import termios
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

from cabinet.console.keys import CONTROL_C, KeyFilter
from cabinet.console_messages import MAX_SIGNATURE_CHARS

# Typed ahead, or pasted while this process is held up, with what stands around a signature; more
# is dropped.
MOST_KEYS = 2 * MAX_SIGNATURE_CHARS
MOST_UNSENT = 256 * 1024
SEND_WITHIN_S = 20.0  # a screen at 9600 takes two
PATIENCE_S = 1.0  # of somebody who types on before they are told that an answer is waited for
_CHUNK = 4096
# Save the cursor, go to the far corner, say where that is, come back: all of the VT100.
ASK_SIZE = "\x1b7\x1b[999;999H\x1b[6n\x1b8"
M = TypeVar("M")


class LineLost(Exception):
    """The cable, the adapter or the terminal is gone."""


class Stopped(Exception):
    """The person pressed Ctrl-C."""


class Line:
    """One line in a running event loop."""

    def __init__(self, device: str) -> None:
        """Open and set it up; raises OSError, termios.error."""
        self._loop = asyncio.get_running_loop()
        self._handle = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._filter = KeyFilter()
        self._keys: list[str] = []
        self._unsent = bytearray()
        self._sending = False
        self._progress_s = 0.0
        self._typed, self._told = asyncio.Event(), asyncio.Event()
        self.lost = asyncio.Event()
        self.on_keys: Callable[[], None] | None = None  # told when there are keys to take
        try:
            fcntl.ioctl(self._handle, termios.TIOCEXCL)
            _raw(self._handle)
            termios.tcflush(self._handle, termios.TCIFLUSH)  # noise from before anybody was there
        except BaseException:
            os.close(self._handle)
            raise
        self._loop.add_reader(self._handle, self._readable)

    def close(self) -> None:
        """Give it back."""
        self._lose()
        os.close(self._handle)

    # --- in -------------------------------------------------------------------------------------

    def take(self) -> list[str]:
        """The keystrokes that came."""
        keys, self._keys = self._keys, []
        self._typed.clear()
        return keys

    async def key(self) -> str:
        """The next keystroke; raises LineLost."""
        while not self._keys:
            if self.lost.is_set():
                raise LineLost
            await self._typed.wait()
            self._typed.clear()
        return self._keys.pop(0)

    async def pressed(self, wanted: Sequence[str], told: Callable[[], str]) -> str:
        """The first of the `wanted` keys; any other is answered with the line that is `told`."""
        while True:
            key = await self.key()
            while key not in wanted and self._keys:
                key = self._keys.pop(0)
            if key in wanted:
                return key
            self.say(told())

    async def or_lost(self, waited: Coroutine[None, None, M], words: str = "") -> M:
        """What is waited for, unless the line is lost first; raises LineLost.

        What is typed meanwhile is kept for what comes next, and answered with `words` if it takes.
        """
        task = asyncio.ensure_future(waited)
        lost = asyncio.ensure_future(self.lost.wait())
        typed = len(self._keys)
        try:
            while not task.done():
                await asyncio.wait(
                    (task, lost), timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
                )
                if lost.done() and not task.done():
                    raise LineLost
                if not task.done() and words and len(self._keys) > typed:
                    typed = len(self._keys)
                    self.say(words)
            return task.result()
        finally:
            task.cancel()
            lost.cancel()

    async def or_stopped(self, waited: Coroutine[None, None, M], told: Callable[[], str]) -> M:
        """What is waited for; a key is answered with what is `told`. Raises Stopped, LineLost."""
        task = asyncio.ensure_future(waited)
        key = asyncio.ensure_future(self.pressed((CONTROL_C,), told))
        try:
            await asyncio.wait((task, key), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                key.result()
                raise Stopped
            return task.result()
        finally:
            task.cancel()
            key.cancel()

    async def ask_size(self, within_s: float) -> bool:
        """Ask how large the terminal is, and wait; whether it said so, which `take_size` has.

        By where its cursor goes when sent beyond the corner; what is typed meanwhile is kept.
        """
        self._filter.position = None
        self.write(ASK_SIZE)
        end = self._loop.time() + within_s
        while self._filter.position is None and (left_s := end - self._loop.time()) > 0:
            if self.lost.is_set():
                raise LineLost
            self._told.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._told.wait()
        return self._filter.position is not None

    def take_size(self) -> tuple[int, int] | None:
        """Rows and columns, once, if the terminal said them since it was asked, however late."""
        told, self._filter.position = self._filter.position, None
        return told

    def put_back(self, key: str) -> None:
        """The next keystroke is this one."""
        self._keys.insert(0, key)
        self._typed.set()

    def forget(self) -> None:
        """Drop what was typed ahead."""
        self._keys.clear()

    def _readable(self) -> None:
        try:
            data = os.read(self._handle, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        room = MOST_KEYS - len(self._keys)
        self._keys += self._filter.feed(data)[: max(0, room)]
        self._told.set()
        if self._keys:
            self._typed.set()
            if self.on_keys is not None:
                self.on_keys()

    # --- out ------------------------------------------------------------------------------------

    def write(self, text: str) -> None:
        """Send ASCII; a newline is CR and LF already."""
        if self.lost.is_set():
            return
        if not self._unsent:
            self._progress_s = self._loop.time()
        self._unsent += text.encode("ascii", "replace")
        self._send()
        late = self._loop.time() - self._progress_s > SEND_WITHIN_S
        if self._unsent and (late or len(self._unsent) > MOST_UNSENT):
            self._lose()

    def say(self, *lines: str) -> None:
        """Whole lines, each already plain."""
        self.write("".join(f"{line}\r\n" for line in lines))

    def _send(self) -> None:
        try:
            sent = os.write(self._handle, self._unsent[:_CHUNK]) if self._unsent else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lose()
            return
        if sent:
            del self._unsent[:sent]
            self._progress_s = self._loop.time()
        if self._unsent and not self._sending:
            self._loop.add_writer(self._handle, self._send)
            self._sending = True
        elif not self._unsent and self._sending:
            self._loop.remove_writer(self._handle)
            self._sending = False

    def _lose(self) -> None:
        if self.lost.is_set():
            return
        self.lost.set()
        self._typed.set()
        self._told.set()
        self._loop.remove_reader(self._handle)
        with contextlib.suppress(ValueError):
            self._loop.remove_writer(self._handle)
        if self.on_keys is not None:
            self.on_keys()


def _raw(handle: int) -> None:
    """Every byte as it is, none of them a signal: no XON/XOFF, no break, no parity marks."""
    iflag, oflag, cflag, lflag, _, _, control = termios.tcgetattr(handle)
    iflag = termios.IGNBRK | termios.IGNPAR
    oflag = 0
    cflag &= ~(termios.CSIZE | termios.PARENB | termios.CSTOPB | termios.CRTSCTS | termios.CLOCAL)
    cflag |= termios.CS8 | termios.CREAD | termios.HUPCL
    lflag = 0
    control[termios.VMIN], control[termios.VTIME] = 1, 0
    speed = termios.B115200
    settings = [iflag, oflag, cflag, lflag, speed, speed, control]
    termios.tcsetattr(handle, termios.TCSANOW, settings)
