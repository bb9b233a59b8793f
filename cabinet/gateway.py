"""`cabinet gateway`: carries the controller's requests to the ledger's witnesses, and answers back.

It holds no key and no ledger, and understands nothing of what it carries. One rule: whatever is
beyond it, each request ends within its time in one answer or in words why not.
"""

import contextlib
import http.client
import logging
import queue
import signal
import socket
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cabinet.configuration import Witness
from cabinet.gateway_messages import (
    MAX_CARRIED_BYTES,
    MAX_WHY,
    VERSION,
    Answered,
    Ask,
    Hello,
    NotReached,
    ToController,
    decode_for_gateway,
    encode,
)
from cabinet.messages import Frames, MessageError

CONNECT_S = 5.0
WHOLE_S = 15.0  # of one request, from connecting to the last byte
RECONNECT_S = (0.2, 0.5, 1.0)
_log = logging.getLogger(__name__)


class Carrier:
    """One witness: one request at a time, in a thread of its own."""

    def __init__(self, witness: Witness) -> None:
        self._name, self._address = witness.name, urlsplit(witness.url)
        self._tls = ssl.create_default_context() if self._address.scheme == "https" else None

    def carry(self, ask: Ask) -> Answered | NotReached:
        """Ask the witness; never raises for what is beyond this process."""
        connection = self._connection()
        cut = threading.Timer(WHOLE_S, _cut, (connection,))
        cut.daemon = True
        cut.start()
        try:
            return self._exchange(connection, ask)
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
            _log.warning("witness %s: %s", self._name, _plain(why))
            return NotReached(ask.id, _plain(why))
        finally:
            cut.cancel()
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._tls is not None:
            return http.client.HTTPSConnection(host, port, timeout=CONNECT_S, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=CONNECT_S)

    def _exchange(self, connection: http.client.HTTPConnection, ask: Ask) -> Answered | NotReached:
        prefix = _prefix(self._address)
        headers = {"User-Agent": "cabinet-gateway", "Connection": "close"}
        if ask.act == "add":
            headers["Content-Type"] = "text/plain; charset=utf-8"
            connection.request("POST", f"{prefix}/add-checkpoint", ask.body, headers)
        else:
            connection.request("GET", f"{prefix}/{ask.path}", headers=headers)
        answer = connection.getresponse()
        body = answer.read(MAX_CARRIED_BYTES + 1)
        if len(body) > MAX_CARRIED_BYTES:
            return NotReached(ask.id, "its answer is too long")
        if answer.length:  # bytes that were promised and did not come
            return NotReached(ask.id, "its answer was cut short")
        kind = _plain(answer.headers.get("Content-Type", ""))[:100]
        return Answered(ask.id, min(answer.status, 999), kind, body)


def _prefix(address: SplitResult) -> str:
    return address.path.rstrip("/")


def _plain(text: str) -> str:
    """A stranger's words, fit for a log and a message."""
    return "".join(c if c.isprintable() else " " for c in text[:MAX_WHY])


def _cut(connection: http.client.HTTPConnection) -> None:
    """The time is over, however slowly the witness goes on speaking."""
    line = connection.sock
    if line is not None:
        with contextlib.suppress(OSError):  # it ended by itself in this moment
            line.shutdown(socket.SHUT_RDWR)


class Gateway:
    """The process: the line to the controller, and a carrier for each witness."""

    def __init__(self, path: Path, witnesses: Sequence[Witness]) -> None:
        self._path = path
        self._stopping = threading.Event()
        self._line: socket.socket | None = None
        self._guard = threading.Lock()
        self._asked: dict[str, queue.Queue[Ask]] = {}
        for witness in witnesses:
            asked: queue.Queue[Ask] = queue.Queue(1)
            self._asked[witness.name] = asked
            threading.Thread(
                target=self._serve, args=(Carrier(witness), asked), name=witness.name, daemon=True
            ).start()

    def stop(self, *_: object) -> None:
        """Ask it to end; safe in a signal handler."""
        self._stopping.set()
        line = self._line
        if line is not None:
            with contextlib.suppress(OSError):  # it may be gone already
                line.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        """Connect to the controller, carry, and connect again, until told to stop."""
        misses = 0
        while not self._stopping.is_set():
            try:
                self._follow()
                misses = 0
            except (OSError, MessageError) as error:
                if misses == 0:
                    _log.warning("gateway socket %s: %s", self._path, error)
                misses += 1
            self._stopping.wait(RECONNECT_S[min(misses, len(RECONNECT_S) - 1)])

    def _follow(self) -> None:
        """One connection, until the controller closes it."""
        frames = Frames()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(str(self._path))
            self._line = line
            try:
                self._send(Hello(VERSION))
                while not self._stopping.is_set() and (data := line.recv(65_536)):
                    for body in frames.feed(data):
                        self._take(decode_for_gateway(body))
            finally:
                with self._guard:
                    self._line = None

    def _take(self, ask: Ask) -> None:
        asked = self._asked.get(ask.witness)
        if asked is None:
            self._send(NotReached(ask.id, "no such witness in cabinet.toml"))
            return
        try:
            asked.put_nowait(ask)
        except queue.Full:
            self._send(NotReached(ask.id, "it is still busy with an earlier request"))

    def _serve(self, carrier: Carrier, asked: "queue.Queue[Ask]") -> None:
        while True:
            self._send(carrier.carry(asked.get()))

    def _send(self, message: ToController) -> None:
        """To the controller, if it is there; an answer that it does not get is asked for again."""
        with self._guard:
            if self._line is not None:
                with contextlib.suppress(OSError):  # `_follow` notices, and connects again
                    self._line.sendall(encode(message))


def serve(path: Path, witnesses: Sequence[Witness]) -> None:
    """Run a gateway until SIGTERM or SIGINT."""
    gateway = Gateway(path, witnesses)
    signal.signal(signal.SIGTERM, gateway.stop)
    signal.signal(signal.SIGINT, gateway.stop)
    gateway.run()
