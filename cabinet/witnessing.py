"""Getting the ledger's heads cosigned by witnesses, and what their answers say of the ledger.

No clock and no socket: time comes in, requests go out. One rule: nothing that came from outside is
believed but by signature: a cosignature by the witness's, a rollback by the ledger's own and the
witness's together. Whatever a witness does, the cabinet works on, unless that is proven.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from cabinet.configuration import Witness
from cabinet.gateway_messages import Answered, Ask, NotReached
from ledger.errors import WrongAnswer
from ledger.merkle import consistency_proof
from ledger.note import NoteVerifier
from ledger.store import Head, Store
from ledger.witness_protocol import (
    Answer,
    Conflict,
    Cosigned,
    Refused,
    Request,
    checkpoint_path,
    encode_request,
    read_answer,
    read_checkpoint,
    witness_verifier,
)

ANSWER_WITHIN_S = 30.0
NO_GATEWAY_S = 1.0  # until it may be back
AGAIN_S = 5.0  # after a miss; doubled each time
AGAIN_MOST_S = 300.0
UNWITNESSED_S = 24 * 3600.0  # without a cosignature: people are told
MAX_CONFLICTS = 3  # in a row, of a witness that cannot make up its mind

NOT_TOLD = "it must be told of the rollback that was accepted"
SILENT = "has not cosigned for a day"


class ProvenRollback(Exception):
    """A head that this ledger signed and a witness cosigned, which the ledger does not continue."""

    def __init__(self, witness: str, note: str) -> None:
        super().__init__(f"witness {witness} shows a head that this ledger does not continue")
        self.note = note


@dataclass
class _Line:
    """One witness: what it has, what it was asked, and how it does."""

    witness: Witness
    verifier: NoteVerifier
    known: int  # the size that it last cosigned, as far as we know
    since_s: float  # the last cosignature, or the start
    hinted: bool = False  # `known` is only what it said: also a head of that size must be asked for
    pending: Ask | None = None
    head: Head | None = None  # of the pending request
    until_s: float = 0.0
    again_s: float = 0.0
    misses: int = 0
    conflicts: int = 0
    trouble: str = ""


class Witnessing:
    """The heads of one store and their witnesses."""

    def __init__(
        self,
        store: Store,
        witnesses: Sequence[Witness],
        log: Sequence[NoteVerifier],
        accepted: Sequence[tuple[int, str]],
        now_s: float,
    ) -> None:
        """`log`: every key that signed heads; `accepted`: anchors that two people passed."""
        self._store, self._log, self._accepted = store, log, accepted
        self._ids = itertools.count(1)
        self._to_keep: list[tuple[int, str]] = []
        self._lines = []
        for witness in witnesses:
            verifier = witness_verifier(witness.vkey)
            known = store.cosigned_size(verifier.name, verifier.key_id)
            self._lines.append(_Line(witness, verifier, known, now_s))

    def troubles(self, now_s: float) -> dict[str, str]:
        """Witness -> what people should know of it, "" if nothing."""
        told = {}
        for line in self._lines:
            silent = now_s - line.since_s >= UNWITNESSED_S
            told[line.witness.name] = line.trouble or (SILENT if silent else "")
        return told

    def keep_one(self) -> bool:
        """Store one cosignature that waits for it, a commit of its own; False if none does."""
        if not self._to_keep:
            return False
        self._store.add_cosignature(*self._to_keep.pop(0))
        return True

    def next(self, now_s: float) -> Ask | None:
        """A request that is due, if any: each witness has one at a time, for the newest head."""
        for line in self._lines:
            if line.pending is not None and now_s >= line.until_s:
                self._missed(line, now_s)
            if line.pending is None and now_s >= line.again_s:
                head = self._store.newest_head()
                if head is not None and head.size > line.known - int(line.hinted):
                    return self._add(line, head, now_s)
        return None

    def _add(self, line: _Line, head: Head, now_s: float) -> Ask:
        proof = consistency_proof(line.known, head.size, self._store.node)
        body = encode_request(Request(line.known, tuple(proof), head.note))
        line.head = head
        return self._send(line, Ask(next(self._ids), line.witness.name, "add", "-", body), now_s)

    def _show(self, line: _Line, now_s: float) -> Ask:
        path = checkpoint_path(self._store.origin)
        return self._send(line, Ask(next(self._ids), line.witness.name, "show", path), now_s)

    def _send(self, line: _Line, ask: Ask, now_s: float) -> Ask:
        line.pending, line.until_s = ask, now_s + ANSWER_WITHIN_S
        return ask

    def _missed(self, line: _Line, now_s: float) -> None:
        line.pending = None
        line.again_s = now_s + min(AGAIN_S * 2**line.misses, AGAIN_MOST_S)
        line.misses = min(line.misses + 1, 16)

    def _troubled(self, line: _Line, why: str, now_s: float) -> None:
        line.trouble = why
        self._missed(line, now_s)

    def not_sent(self, ask: Ask, now_s: float) -> None:
        """There is no gateway: nothing was asked, and nobody is to blame."""
        for line in self._lines:
            if line.pending is ask:
                line.pending, line.again_s = None, now_s + NO_GATEWAY_S

    def take(self, message: Answered | NotReached, now_s: float) -> Ask | None:
        """Read an answer; the next request if one follows at once. Raises ProvenRollback."""
        line = next(
            (it for it in self._lines if it.pending is not None and it.pending.id == message.id),
            None,
        )
        if line is None or line.pending is None:
            return None  # too late
        act, line.pending = line.pending.act, None
        if isinstance(message, NotReached):
            self._missed(line, now_s)
            return None
        answer = Answer(message.status, message.body, message.content_type)
        try:
            if act == "show":
                self._shown(line, answer, now_s)
                return None
            return self._answered(line, answer, now_s)
        except WrongAnswer:
            self._troubled(line, f"its answer is not believed (status {message.status})", now_s)
            return None

    def _answered(self, line: _Line, answer: Answer, now_s: float) -> Ask | None:
        head = line.head
        assert head is not None, "a head was sent"
        match read_answer(head.note, answer, line.verifier):
            case Cosigned(lines):
                self._to_keep.append((head.size, lines[0]))
                line.known, line.hinted, line.since_s = head.size, False, now_s
                line.misses, line.conflicts, line.trouble, line.again_s = 0, 0, "", 0.0
            case Conflict(size):
                line.conflicts += 1
                if size > self._store.size:
                    return self._show(line, now_s)
                if line.conflicts > MAX_CONFLICTS:
                    line.conflicts = 0
                    self._troubled(line, "does not say what it has cosigned", now_s)
                    return None
                line.known, line.hinted = size, True  # the next answer proves it or not
                if head.size >= size:  # also the same: its cosignature is what never came
                    return self._add(line, head, now_s)
            case Refused(422):
                return self._show(line, now_s)
            case Refused(status):
                self._troubled(line, f"refuses this ledger (status {status})", now_s)
        return None

    def _shown(self, line: _Line, answer: Answer, now_s: float) -> None:
        """The witness would not cosign: what it shows proves why, or it is itself wrong."""
        head, note = read_checkpoint(answer, self._log, line.verifier)
        store = self._store
        if head.origin != store.origin:
            raise WrongAnswer("it shows another log")
        if (head.size, head.root.hex()) in self._accepted:
            self._troubled(line, NOT_TOLD, now_s)
        elif head.size > store.size or store.root(head.size) != head.root:
            raise ProvenRollback(line.witness.name, note)
        else:
            line.known = head.size
            self._troubled(line, "refuses what continues its own head", now_s)
