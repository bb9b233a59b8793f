"""A ledger, its witnessing and its gateway for tests, and what may lie at a witness's address."""

import queue
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from cabinet import gateway
from cabinet.configuration import Witness
from cabinet.gateway_messages import Ask
from cabinet.gateway_socket import GatewaySaid, GatewaySocket
from cabinet.witnessing import Witnessing
from ledger.store import Store
from tests.demo import PATIENCE_S, until
from tests.ledgers import SIGNER, VERIFIER, bodies
from tests.witnesses import KNOWN, WITNESS

Lie = Callable[[bytes], bytes]


class Liar:
    """Whatever listens at a witness's address: answers each connection with what `lie` gives."""

    def __init__(self, lie: Lie) -> None:
        self._lie, self.heard = lie, list[bytes]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                request = line.recv(65_536)
                if (
                    b"add-checkpoint" in request
                    and b"\n\n" not in request.partition(b"\r\n\r\n")[2]
                ):
                    request += line.recv(65_536)
                self.heard.append(request)
                line.sendall(self._lie(request))

    def stop(self) -> None:
        self._listener.close()


def http(status: int, body: bytes, kind: str = "text/plain", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + body


class Rig:
    """A ledger, its witnessing and its gateway; time is given."""

    def __init__(self, folder: Path, store: Store, *ports: int, gateway_too: bool = True) -> None:
        names = ("pharmacy", "audit")
        self.witnesses = [
            Witness(name, f"http://127.0.0.1:{port}/prefix", WITNESS.vkey)
            for name, port in zip(names, ports, strict=False)
        ]
        self.store, self.now_s = store, 0.0
        self.said: queue.Queue[GatewaySaid] = queue.Queue(64)
        self.path = folder / "gateway.sock"
        self.socket = GatewaySocket(self.path, self.said.put_nowait)
        self.witnessing = self.new()
        self._gateway: gateway.Gateway | None = None
        self._thread: threading.Thread | None = None
        if gateway_too:
            self.start_gateway()

    def new(self, accepted: tuple[tuple[int, str], ...] = ()) -> Witnessing:
        """As after a restart."""
        self.witnessing = Witnessing(self.store, self.witnesses, [VERIFIER], accepted, self.now_s)
        return self.witnessing

    def start_gateway(self) -> None:
        self._gateway = gateway.Gateway(self.path, self.witnesses)
        self._thread = threading.Thread(target=self._gateway.run, daemon=True)
        self._thread.start()
        until(lambda: self.socket._socket._peers and self.socket._socket._peers[0].greeted)

    def stop_gateway(self) -> None:
        if self._gateway is not None and self._thread is not None:
            self._gateway.stop()
            self._thread.join()
            self._gateway = None
            until(lambda: not self.socket._socket._peers)

    def turn(self) -> bool:
        """One idle turn of the controller; whether a request went out."""
        ask = None
        if not self.witnessing.keep_one():
            ask = self.witnessing.next(self.now_s)
            self._send(ask)
        return ask is not None

    def _send(self, ask: Ask | None) -> None:
        if ask is not None and not self.socket.ask(ask):
            self.witnessing.not_sent(ask, self.now_s)

    def hear(self) -> None:
        """The next answer, and what follows it at once."""
        self._send(self.witnessing.take(self.said.get(timeout=PATIENCE_S).message, self.now_s))

    def settle(self) -> None:
        """Turns and answers until nothing is under way."""
        for _ in range(20):
            asked = self.turn()
            waited_for = any(line.pending for line in self.witnessing._lines)
            if waited_for:
                self.hear()
            elif not asked and not self.witnessing._to_keep:
                return

    def cosigned(self) -> int:
        return self.store.cosigned_size(KNOWN.name, KNOWN.key_id)

    def trouble(self) -> str:
        return self.witnessing.troubles(self.now_s)["pharmacy"]

    def grow(self, count: int = 3) -> None:
        self.store.append(bodies(self.store.size + 1, self.store.size + 1 + count))
        self.store.sign_head(SIGNER)

    def close(self) -> None:
        self.stop_gateway()
        self.socket.close()
