"""The wires between a controller's pins and the world: a Unix socket, served by one thread.

One controller at a time owns the wires, as one process owns a GPIO line. One rule: when it is gone,
every output is low at once, as when the kernel releases a line.

Lines of ASCII, at most `MAX_LINE_BYTES`. From the world: `level PIN 0|1` for each sensor's pin,
then `ready`, then `level` again at each change; or `busy`, and the end. To the world:
`drive PIN 0|1` and `free PIN` (no longer an output, so it falls low).
"""

import contextlib
import os
import selectors
import socket
import threading
from pathlib import Path

from sim.errors import SimulatorError, WrongPin
from sim.happenings import Happening
from sim.world import World

MAX_LINE_BYTES = 32
_PATH_LIMIT = 107  # of a Unix socket's name, unix(7)


class Wires:
    """Serves the world's pins on a socket at `path`, mode 0600."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self._received = b""
        self._sent: dict[int, bool] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="wires", daemon=True)
        world.observe(self._changed)

    @property
    def connected(self) -> bool:
        """Whether a controller holds the wires."""
        return self._client is not None

    def start(self) -> None:
        """Listen; SimulatorError when the socket cannot be made."""
        if len(os.fsencode(self._path)) > _PATH_LIMIT:
            raise SimulatorError(
                f"{self._path}: too long for a Unix socket (over {_PATH_LIMIT} bytes); "
                "choose a folder with a shorter path"
            )
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(os.fspath(self._path))
        self._path.chmod(0o600)
        listener.listen(4)
        listener.setblocking(False)
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, self._tell)
        self._thread.start()

    def stop(self) -> None:
        """Drop the controller, if there is one, and remove the socket."""
        self._stopping = True
        self._poke()
        if self._thread.ident is not None:
            self._thread.join()
        self._drop()
        for it in (self._listener, self._wake, self._woken):
            if it is not None:
                it.close()
        self._selector.close()
        self._path.unlink(missing_ok=True)

    def _changed(self, happening: Happening) -> None:
        self._poke()

    def _poke(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):  # full: it will wake; closed: no matter
            self._wake.send(b".")

    def _run(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select():
                key.data()

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            newcomer, _ = self._listener.accept()
        except BlockingIOError:
            return  # it went away again
        newcomer.setblocking(False)
        if self._client is not None:
            with contextlib.suppress(OSError):
                newcomer.send(b"busy\n")
            newcomer.close()
            return
        self._client, self._received = newcomer, b""
        self._sent = {}
        self._selector.register(newcomer, selectors.EVENT_READ, self._hear)
        self._send_changes(b"ready\n")

    def _tell(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)
        if self._client is not None:
            self._send_changes(b"")

    def _send_changes(self, ending: bytes) -> None:
        assert self._client is not None
        levels = self._world.levels()
        changed = [(pin, level) for pin, level in levels.items() if self._sent.get(pin) != level]
        self._sent = levels
        message = b"".join(b"level %d %d\n" % it for it in changed) + ending
        try:
            if message and self._client.send(message) < len(message):
                self._drop()  # it does not read; never waited for
        except OSError:
            self._drop()

    def _hear(self) -> None:
        if self._client is None:
            return  # dropped by an earlier event of the same round
        try:
            data = self._client.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop()
            return
        *lines, self._received = (self._received + data).split(b"\n")
        try:
            if len(self._received) > MAX_LINE_BYTES:
                raise ValueError
            for line in lines:
                self._obey(line)
        except (ValueError, WrongPin):
            self._drop()  # not our pin factory, or miswired: nothing it says is believed

    def _obey(self, line: bytes) -> None:
        match line.split(b" "):
            case [b"drive", pin, (b"0" | b"1") as level]:
                self._world.output(int(pin), level == b"1")
            case [b"free", pin]:
                self._world.output(int(pin), False)
            case _:
                raise ValueError

    def _drop(self) -> None:
        if self._client is None:
            return
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(self._client)
        self._client.close()
        self._world.release_outputs()
        self._client = None  # who sees that nobody is connected sees every output low
