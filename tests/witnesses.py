"""A log and a witness for tests: keys, and a log in memory that grows and can be forked."""

from collections.abc import Sequence

from ledger.merkle import Frontier, Node, consistency_proof
from ledger.note import Checkpoint, NoteVerifier, Signer
from ledger.witness_protocol import Request, WitnessSigner, WitnessVerifier, encode_request
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
