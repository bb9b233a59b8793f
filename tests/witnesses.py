"""A log and a witness for tests: a log in memory that grows and can be forked, a real server."""

import http.client
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from ledger import witness as server
from ledger.merkle import Frontier, Node, consistency_proof
from ledger.note import Checkpoint, NoteVerifier, Signer
from ledger.witness_protocol import Answer, Request, WitnessSigner, WitnessVerifier, encode_request
from tests.demo import PATIENCE_S
from tests.ledgers import ORIGIN, SIGNER, VERIFIER

NOW_S = 1_790_000_000
WITNESS = WitnessSigner("witness.example/w1", b"w" * 32)
OTHER_WITNESS = WitnessSigner("witness.example/w1", b"o" * 32)  # the same name, another key
KNOWN = WitnessVerifier(WITNESS.vkey)
LOGS: dict[str, Sequence[NoteVerifier]] = {ORIGIN: [VERIFIER]}


class Log:
    """A log in memory that grows, and can be forked."""

    def __init__(self, signer: Signer = SIGNER, fork: bytes = b"") -> None:
        self.signer, self._fork = signer, fork
        self._frontier = Frontier()
        self._nodes: dict[tuple[int, int], bytes] = {}

    def grow(self, size: int) -> "Log":
        while self._frontier.size < size:
            seq = self._frontier.size + 1
            rows = self._frontier.add(self._fork + b"%d" % seq)
            for level in range(len(rows) // 32):
                self._nodes[level, (seq >> level) - 1] = rows[32 * level : 32 * level + 32]
        return self

    @property
    def node(self) -> Node:
        return lambda level, index: self._nodes[level, index]

    def head(self, size: int) -> Checkpoint:
        self.grow(size)
        return Checkpoint(self.signer.name, size, Frontier.restore(size, self.node).root())

    def note(self, size: int) -> str:
        return self.signer.sign(self.head(size).text())

    def ask(self, old: int, size: int) -> bytes:
        note = self.note(size)
        return encode_request(Request(old, tuple(consistency_proof(old, size, self.node)), note))


class Running:
    """A witness's server in this process."""

    def __init__(
        self,
        state: Path,
        logs: Mapping[str, Sequence[NoteVerifier]] | None = None,
        port: int = 0,
    ) -> None:
        self.memory = server.Memory(state)
        self.witness = server.Witness(self.memory, WITNESS, logs or LOGS, lambda: NOW_S)
        self._server = server.serve("127.0.0.1", port, self.witness)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def post(self, body: bytes, path: str = "/add-checkpoint") -> Answer:
        return self._ask("POST", path, body)

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None)

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request(method, path, body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return Answer(answer.status, data, answer.headers["Content-Type"])

    def raw(self, data: bytes) -> bytes:
        """What comes back for these bytes until the witness closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as line:
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
            got = b""
            while more := line.recv(65_536):
                got += more
            return got

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.memory.close()
