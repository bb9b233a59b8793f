"""Serial devices on pseudo-terminals: what the controller opens in place of a USB adapter.

Carries an emulator's bytes; knows no protocol. One rule: only the device's own thread touches the
terminal's file descriptors, so that unplugging cannot race a read.

Linux; the terminal is raw from the start, and its path is a symbolic link that stays the same
while the number behind it changes with each plugging-in.
"""

import heapq
import itertools
import os
import selectors
import threading
import time
import tty
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

Timed = list[tuple[float, bytes]]  # (seconds from now, bytes), as an emulator answers

_ACT_WITHIN_S = 30.0  # the thread only ever waits in select; a machine may stall
_MOST_PENDING = 4096  # outputs waiting for their time; more means a runaway emulator


class Emulator(Protocol):
    """A device: bytes in, timed bytes out; no I/O and no clock of its own."""

    def feed(self, data: bytes) -> Timed:
        """Answer what the host sent."""

    def power_on(self) -> Timed:
        """Start again as after plugging in; what the device says by itself then."""


class PtyDevice:
    """Serves one emulator at `path`; plugged in from the start."""

    def __init__(self, emulator: Emulator, path: Path) -> None:
        self.path = path
        self._emulator = emulator
        self._master: int | None = None
        self._slave: int | None = None
        self._due: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._busy_until = 0.0
        self._tasks: list[tuple[Callable[[], None], Future[None]]] = []
        self._lock = threading.Lock()  # for _tasks and _ended
        self._ended = False
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_r, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_r, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name=f"pty {path.name}", daemon=True)
        self._thread.start()
        self.plug()

    def plug(self) -> None:
        """Plug the device in: a new terminal behind the same path."""
        self._do(self._plug)

    def unplug(self) -> None:
        """Pull the plug: the host's reads and writes fail, and the path is gone."""
        self._do(self._unplug)

    def send(self, outputs: Timed) -> None:
        """Let the device speak unasked (a badge was presented); lost when it is unplugged.

        What is due at once has been sent when this returns.
        """
        self._do(lambda: self._speak(outputs))

    def close(self) -> None:
        """Unplug and end the thread; harmless the second time."""
        with self._lock:
            if self._ended:
                return
        self._do(self._end)
        self._thread.join(_ACT_WITHIN_S)

    def _do(self, task: Callable[[], None]) -> None:
        """Have the thread carry out `task`, and wait for it."""
        done: Future[None] = Future()
        with self._lock:
            if self._ended:
                raise RuntimeError(f"{self.path}: the emulated device was closed")
            self._tasks.append((task, done))
            os.write(self._wake_w, b"!")
        done.result(_ACT_WITHIN_S)

    def _plug(self) -> None:
        if self._master is not None:
            return
        self._master, self._slave = os.openpty()
        # Our own descriptor of the slave stays open: it keeps the terminal raw and its number ours.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._selector.register(self._master, selectors.EVENT_READ)
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.path)
        self._schedule(self._emulator.power_on())

    def _unplug(self) -> None:
        if self._master is None or self._slave is None:
            return
        self._due.clear()
        self._busy_until = 0.0
        self.path.unlink(missing_ok=True)
        self._selector.unregister(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = None

    def _end(self) -> None:
        self._unplug()
        with self._lock:
            self._ended = True

    def _speak(self, outputs: Timed) -> None:
        self._schedule(outputs)
        if self._master is not None:
            self._transmit(self._master)

    def _schedule(self, outputs: Timed) -> None:
        if self._master is None:
            return
        now = time.monotonic()
        for delay_s, data in outputs:
            heapq.heappush(self._due, (now + delay_s, next(self._order), data))
        assert len(self._due) <= _MOST_PENDING

    def _run(self) -> None:
        try:
            while not self._ended:
                timeout = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
                ready = {key.fd for key, _ in self._selector.select(timeout)}
                if self._wake_r in ready:
                    self._carry_out()
                if self._master is not None and self._master in ready:
                    self._receive(self._master)
                if self._master is not None:
                    self._transmit(self._master)
        finally:
            with self._lock:
                self._ended = True
                for _, done in self._tasks:
                    done.cancel()
            self._selector.close()
            os.close(self._wake_r)
            os.close(self._wake_w)

    def _carry_out(self) -> None:
        os.read(self._wake_r, 4096)
        with self._lock:
            tasks, self._tasks = self._tasks, []
        for task, done in tasks:
            try:
                task()
            except Exception as error:
                done.set_exception(error)  # raised where the gesture was asked for
            else:
                done.set_result(None)

    def _receive(self, master: int) -> None:
        try:
            data = os.read(master, 4096)
        except BlockingIOError:
            return
        # A device does one thing at a time: it answers after what it is still busy with.
        now = time.monotonic()
        busy_s = max(0.0, self._busy_until - now)
        answers = [(busy_s + delay_s, data) for delay_s, data in self._emulator.feed(data)]
        self._busy_until = now + max([busy_s, *(delay_s for delay_s, _ in answers)])
        self._schedule(answers)

    def _transmit(self, master: int) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, data = heapq.heappop(self._due)
            try:
                os.write(master, data)
            except BlockingIOError:
                continue  # nobody reads and the terminal is full: a wire forgets, too
