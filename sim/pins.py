"""gpiozero's pins, connected to the simulated world instead of a Raspberry Pi's header.

For the cabinet's own drivers, unmodified; no PWM, SPI or I2C. One rule: a level that is not known
now is never given: while the world is away, every pin raises `WorldLost`.
"""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol

from gpiozero.exc import (
    PinFixedPull,
    PinInvalidBounce,
    PinInvalidFunction,
    PinInvalidPull,
    PinPWMUnsupported,
    PinSetInput,
)
from gpiozero.pins.pi import PiFactory, PiPin

from sim.errors import SimulatorError, WorldLost
from sim.wires import MAX_LINE_BYTES
from sim.world import World

SOCKET_VARIABLE = "CABINET_SIM_SOCKET"
FIRST_LEVELS_S = 20.0  # the world's process may be starting, on a machine that is busy
RETRY_S = (0.05, 0.1, 0.2, 0.5)  # the last one again and again
BOARD = 0xC03115  # a Raspberry Pi 4 Model B: 40 pins, GPIO 0 to 27
_SEND_S = 1.0

Watcher = Callable[[int, bool], None]


class Lines(Protocol):
    """Where pins end: levels to read, levels to drive; every call may raise WorldLost."""

    def level(self, pin: int) -> bool | None:
        """What a sensor drives `pin` to; None when no sensor is on it."""

    def driven(self, pin: int) -> bool:
        """What `pin` was last driven to."""

    def drive(self, pin: int, level: bool) -> None:
        """Make `pin` an output at `level`."""

    def free(self, pin: int) -> None:
        """Make `pin` no output any more; it falls low, and this never raises WorldLost."""

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` at each change of a sensor's level."""

    def close(self) -> None:
        """Let go of every pin."""


class DirectLines:
    """Lines to a world in this process, for runs under virtual time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._inputs = frozenset(world.input_pins())
        self._driven: dict[int, bool] = {}

    def level(self, pin: int) -> bool | None:
        return self._world.input(pin) if pin in self._inputs else None

    def driven(self, pin: int) -> bool:
        return self._driven.get(pin, False)

    def drive(self, pin: int, level: bool) -> None:
        self._world.output(pin, level)
        self._driven[pin] = level

    def free(self, pin: int) -> None:
        if self._driven.pop(pin, None) is not None:
            self._world.output(pin, False)

    def watch(self, watcher: Watcher) -> None:
        """Nobody is called: one thread runs all, and drivers read their pins."""

    def close(self) -> None:
        for pin in list(self._driven):
            self.free(pin)


class SocketLines:
    """Lines to a world in another process; comes back by itself when the world does.

    After the world was away every output is low, as after power-on; nothing is driven again
    until its owner drives it, so that no lock is ever pulsed twice for one order.
    """

    def __init__(self, path: str, first_levels_s: float = FIRST_LEVELS_S) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._levels: dict[int, bool] = {}
        self._driven: dict[int, bool] = {}
        self._why = "it does not answer"
        self._ready = threading.Event()
        self._closing = threading.Event()
        self._watchers: list[Watcher] = []
        self._thread = threading.Thread(target=self._run, name="sim-pins", daemon=True)
        self._thread.start()
        if not self._ready.wait(first_levels_s):
            why = self._why
            self.close()
            raise WorldLost(path, why)

    def level(self, pin: int) -> bool | None:
        with self._lock:
            self._check()
            return self._levels.get(pin)

    def driven(self, pin: int) -> bool:
        with self._lock:
            self._check()
            return self._driven.get(pin, False)

    def drive(self, pin: int, level: bool) -> None:
        with self._lock:
            self._check()
            self._send(b"drive %d %d\n" % (pin, level))
            self._driven[pin] = level

    def free(self, pin: int) -> None:
        with self._lock, contextlib.suppress(WorldLost):  # lost: it has fallen low already
            if self._driven.pop(pin, None) is not None:
                self._check()
                self._send(b"free %d\n" % pin)

    def watch(self, watcher: Watcher) -> None:
        self._watchers.append(watcher)

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            self._lose("it was closed")
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _check(self) -> None:
        if self._socket is None or not self._ready.is_set():
            raise WorldLost(self._path, self._why)

    def _send(self, message: bytes) -> None:
        assert self._socket is not None
        try:
            self._socket.sendall(message)
        except OSError as error:  # a timeout too: half a message may be out
            self._lose(f"sending failed ({error})")
            raise WorldLost(self._path, self._why) from None

    def _lose(self, why: str) -> None:
        """Forget the connection; the lock is held."""
        self._ready.clear()
        self._why = why
        self._levels.clear()
        self._driven.clear()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # wakes the reader
            self._socket = None

    def _run(self) -> None:
        tries = 0
        while not self._closing.is_set():
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with connection:
                try:
                    connection.connect(self._path)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(_SEND_S))
                    with self._lock:
                        self._socket = connection
                    self._read(connection)
                    why = "it hung up"
                except OSError as error:
                    why = error.strerror or str(error)
                except ValueError as error:
                    why = str(error)
                tries = 0 if self._ready.is_set() else tries + 1
                with self._lock:
                    self._lose(why)
            self._closing.wait(RETRY_S[min(tries, len(RETRY_S) - 1)])

    def _read(self, connection: socket.socket) -> None:
        """Hear the world until it hangs up; ValueError when it is not our world, or busy."""
        received = b""
        while not self._closing.is_set():
            data = connection.recv(4096)
            if not data:
                return
            *lines, received = (received + data).split(b"\n")
            if len(received) > MAX_LINE_BYTES:
                raise ValueError("it sends what is no level of a pin")
            for line in lines:
                self._hear(line)

    def _hear(self, line: bytes) -> None:
        match line.split(b" "):
            case [b"level", number, (b"0" | b"1") as level]:
                pin, high = int(number), level == b"1"
                with self._lock:
                    self._levels[pin] = high
                if self._ready.is_set():
                    for watcher in self._watchers:
                        watcher(pin, high)
            case [b"ready"]:
                self._ready.set()
            case [b"busy"]:
                raise ValueError("another controller holds its pins; stop that one first")
            case _:
                raise ValueError("it sends what is no level of a pin")


def _timeval(seconds: float) -> bytes:
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))


class WorldPin(PiPin):  # type: ignore[misc]  # gpiozero has no types
    """One pin; an input reads the world's level, or its pull where no sensor is connected."""

    def __init__(self, factory: "WorldFactory", info: Any) -> None:
        super().__init__(factory, info)
        self._lines = factory.lines
        self._function = "input"
        self._pull = info.pull or "floating"
        self._bounce: float | None = None
        self._edges = "both"
        self._watched = False

    @property
    def pin(self) -> int:
        """The BCM number."""
        number: int = self._number
        return number

    def close(self) -> None:
        self.when_changed = None
        self._function = "input"
        self._lines.free(self.pin)

    def _get_function(self) -> str:
        return self._function

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction("function must be input or output")
        if value == "output" and self._lines.level(self.pin) is not None:
            raise PinInvalidFunction(f"{self!r} is driven by a sensor; check cabinet.toml")
        if value == "input":
            self._lines.free(self.pin)
        self._function = value

    def _get_state(self) -> bool:
        if self._function == "output":
            return self._lines.driven(self.pin)
        level = self._lines.level(self.pin)
        return self._pull == "up" if level is None else level

    def _set_state(self, value: float) -> None:
        if self._function == "input":
            raise PinSetInput(f"cannot set state of pin {self!r}")
        self._lines.drive(self.pin, bool(value))

    def _get_pull(self) -> str:
        pull: str = self._pull
        return pull

    def _set_pull(self, value: str) -> None:
        if self._function != "input":
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        if self.info.pull and value != self.info.pull:
            raise PinFixedPull(f"{self!r} has a fixed pull resistor")
        if value not in ("floating", "up", "down"):
            raise PinInvalidPull("pull must be floating, up, or down")
        self._pull = value

    def _set_frequency(self, value: float | None) -> None:
        if value is not None:
            raise PinPWMUnsupported(f"PWM is not supported on pin {self!r}")

    def _get_bounce(self) -> float | None:
        return self._bounce

    def _set_bounce(self, value: float | None) -> None:
        if value is not None and value < 0:
            raise PinInvalidBounce("bounce must be None or a positive number")
        self._bounce = value  # the world's switches do not bounce

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        self._edges = value

    def _enable_event_detect(self) -> None:
        self._watched = True

    def _disable_event_detect(self) -> None:
        self._watched = False

    def changed(self, level: bool) -> None:
        """The world's level on this pin is another one; called by the lines' thread."""
        wanted = self._edges in ("both", "rising" if level else "falling")
        if self._watched and self._function == "input" and wanted:
            with self._when_changed_lock:
                if self._when_changed is not None:
                    self._call_when_changed(monotonic(), level)


class WorldFactory(PiFactory):  # type: ignore[misc]  # gpiozero has no types
    """gpiozero's pin factory `cabinet_sim`; without `lines` it connects as the environment says."""

    def __init__(self, lines: Lines | None = None) -> None:
        super().__init__()
        self.pin_class = WorldPin
        self.lines: Lines = _from_environment() if lines is None else lines
        self.lines.watch(self._changed)

    def close(self) -> None:
        super().close()
        self.lines.close()

    def _changed(self, number: int, level: bool) -> None:
        for pin in list(self.pins.values()):
            if pin.pin == number:
                pin.changed(level)

    def _get_revision(self) -> int:
        return BOARD

    @staticmethod
    def ticks() -> float:
        return monotonic()

    @staticmethod
    def ticks_diff(later: float, earlier: float) -> float:
        return later - earlier


def _from_environment() -> SocketLines:
    path = os.environ.get(SOCKET_VARIABLE)
    if not path:
        raise SimulatorError(
            f"{SOCKET_VARIABLE} is not set: the pin factory cabinet_sim needs a simulated world; "
            "start the cabinet with `make run`, or name a real pin factory in cabinet.toml"
        )
    return SocketLines(path)
