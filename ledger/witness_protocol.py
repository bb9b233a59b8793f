"""C2SP's witness protocol: what a log asks of a witness, what a witness answers, and on what terms.

Pure: bytes in, bytes out; the time is given, and what the witness has seen. Sources:
c2sp.org/tlog-witness, c2sp.org/tlog-cosignature. One rule: neither side believes what it can check.
"""

import base64
import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.cosignature import (
    MAX_TIME_S,
    ML_DSA_44,
    TIMESTAMP_BYTES,
    CosignatureVerifier,
    cosignature_time,
)
from ledger.errors import WrongAnswer, WrongNote, WrongProof, WrongRequest, WrongSignature
from ledger.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from ledger.note import (
    MAX_SIZE,
    Checkpoint,
    NoteVerifier,
    check_name,
    decode_vkey,
    encode_vkey,
    key_id,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_signature,
    signature_line,
)

ED25519_COSIGNATURE = 0x04
MAX_PROOF_LINES = 63
MAX_REQUEST_BYTES = 65_536
MAX_ANSWER_BYTES = 65_536
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"


def cosigned_text(text: str, time_s: int) -> bytes:
    """What an Ed25519 cosignature signs: two lines, then the whole text of the note."""
    if not 0 < time_s <= MAX_TIME_S:
        raise WrongNote("a witness's time is out of range")
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


class WitnessSigner:
    """A witness's private Ed25519 key with its name."""

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != 32:
            raise ValueError(f"a witness's seed has 32 bytes, not {len(seed)}")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.name = check_name(name)
        public = self._key.public_key().public_bytes_raw()
        self.key_id = key_id(name, ED25519_COSIGNATURE, public)
        self.vkey = encode_vkey(name, ED25519_COSIGNATURE, public)

    def __repr__(self) -> str:
        return f"WitnessSigner({self.vkey!r})"

    def cosign(self, text: str, time_s: int) -> str:
        """The signature line over a checkpoint's text, as of `time_s` in POSIX time."""
        signature = self._key.sign(cosigned_text(text, time_s))
        return signature_line(self.name, self.key_id, struct.pack(">Q", time_s) + signature)


class WitnessVerifier:
    """A witness's public Ed25519 key, from its vkey."""

    def __init__(self, vkey: str) -> None:
        self.name, algorithm, public = decode_vkey(vkey)
        if algorithm != ED25519_COSIGNATURE or len(public) != 32:
            raise WrongNote("the verification key is not a witness's Ed25519 key")
        self.key_id = key_id(self.name, ED25519_COSIGNATURE, public)
        self._key = Ed25519PublicKey.from_public_bytes(public)
        self.vkey = vkey

    def __repr__(self) -> str:
        return f"WitnessVerifier({self.vkey!r})"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether this witness cosigned `text`, at the time that the signature says."""
        if len(signature) != TIMESTAMP_BYTES + 64:
            return False
        try:
            message = cosigned_text(text, cosignature_time(signature))
            self._key.verify(signature[TIMESTAMP_BYTES:], message)
        except (InvalidSignature, WrongNote):
            return False
        return True


def witness_verifier(vkey: str) -> NoteVerifier:
    """The verifier of a witness's key, Ed25519 or ML-DSA-44; WrongNote for any other."""
    _, algorithm, _ = decode_vkey(vkey)
    return CosignatureVerifier(vkey) if algorithm == ML_DSA_44 else WitnessVerifier(vkey)


# --- the request ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """`proof` shows that the tree of `note` begins with that of the first `old` entries."""

    old: int
    proof: tuple[bytes, ...]
    note: str


def encode_request(request: Request) -> bytes:
    """The body of an add-checkpoint request."""
    assert len(request.proof) <= MAX_PROOF_LINES, "63 levels hold more entries than there can be"
    lines = [f"old {request.old}", *(base64.b64encode(h).decode() for h in request.proof), ""]
    return ("\n".join(lines) + "\n" + request.note).encode()


def parse_request(body: bytes) -> Request:
    """The request in `body`; WrongRequest if it is not one, in its one spelling."""
    if len(body) > MAX_REQUEST_BYTES:
        raise WrongRequest(f"a request has at most {MAX_REQUEST_BYTES} bytes")
    try:
        head, separator, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise WrongRequest("a request is not UTF-8") from None
    first, *proof = head.split("\n")
    if not separator or not first.startswith("old ") or len(proof) > MAX_PROOF_LINES:
        raise WrongRequest("a request has an old size, at most 63 hashes, and a checkpoint")
    old = _size(first.removeprefix("old "))
    if old is None:
        raise WrongRequest("a request's old size is not a plain decimal number")
    return Request(old, tuple(_hash(line) for line in proof), note)


def _size(text: str) -> int | None:
    """A size in its one decimal spelling."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    number = int(text)
    return number if str(number) == text and number <= MAX_SIZE else None


def _hash(line: str) -> bytes:
    try:
        hashed = base64.b64decode(line.encode("ascii"), validate=True)
    except ValueError:
        raise WrongRequest("a proof's line is not base64") from None
    if len(hashed) != HASH_BYTES or base64.b64encode(hashed).decode() != line:
        raise WrongRequest(f"a proof's line is not {HASH_BYTES} bytes in canonical base64")
    return hashed


# --- what a witness answers -----------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: status, type and body."""

    status: int
    body: bytes = b""
    content_type: str = TEXT_TYPE

    def __post_init__(self) -> None:
        assert len(self.body) <= MAX_ANSWER_BYTES, "an answer is bounded where it is made"


@dataclass(frozen=True)
class Grown:
    """The log has grown as it may: the witness records `head`, then cosigns `text`."""

    head: Checkpoint
    text: str
    note: str


def judge(
    body: bytes,
    logs: Mapping[str, Sequence[NoteVerifier]],
    seen: Mapping[str, Checkpoint],
) -> Grown | Answer:
    """What a witness makes of a request, in the order of the specification.

    `logs`: origin -> the keys trusted for it; `seen`: origin -> the newest head that was cosigned.
    """
    try:
        request = parse_request(body)
        text, _ = parse_note(request.note)
        head = parse_checkpoint(text)
    except (WrongRequest, WrongNote) as error:
        return _refusal(400, str(error))
    if head.origin not in logs:
        return _refusal(404, "this witness does not know the log")
    try:
        open_note(request.note, logs[head.origin])
    except WrongSignature as error:
        return _refusal(403, str(error))
    if request.old > head.size:
        return _refusal(400, "the old size is above the checkpoint's")
    last = seen.get(head.origin, Checkpoint(head.origin, 0, EMPTY_ROOT))
    if request.old != last.size:
        return Answer(409, f"{last.size}\n".encode(), SIZE_TYPE)
    try:
        if head.size == 0 and head.root != EMPTY_ROOT:
            raise WrongProof("a log of no entries has the root of the empty tree")
        verify_consistency(last.size, head.size, request.proof, last.root, head.root)
    except WrongProof as error:
        return _refusal(422, str(error))
    return Grown(head, text, request.note)


def _refusal(status: int, why: str) -> Answer:
    return Answer(status, f"{why}\n".encode())


def checkpoint_path(origin: str) -> str:
    """Where, under its prefix, a witness shows the newest head of a log that it cosigned."""
    return f"{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"


# --- how a log reads the answer -------------------------------------------------------------------


@dataclass(frozen=True)
class Cosigned:
    """The witness's verified signature lines over the note it was sent."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Conflict:
    """The witness last cosigned a tree of `size`: not signed, so nothing but a hint."""

    size: int


@dataclass(frozen=True)
class Refused:
    """The witness will not cosign."""

    status: int
    why: str


def read_answer(note: str, answer: Answer, verifier: NoteVerifier) -> Cosigned | Conflict | Refused:
    """What an answer to the request with `note` says; WrongAnswer if nothing that a witness may."""
    try:
        body = answer.body.decode()
    except UnicodeDecodeError:
        raise WrongAnswer("the answer is not UTF-8") from None
    if answer.status == 200:
        return Cosigned(_cosignatures(note, body, verifier))
    if answer.status == 409:
        size = _size(body.removesuffix("\n"))
        if size is None or answer.content_type.partition(";")[0].strip() != SIZE_TYPE:
            raise WrongAnswer("the answer to a conflict does not say a size")
        return Conflict(size)
    if answer.status in (400, 403, 404, 422):
        return Refused(answer.status, _one_line(body))
    raise WrongAnswer(f"the answer has status {answer.status}")


def _one_line(text: str) -> str:
    """A stranger's words, fit to be shown: printable, short, on one line."""
    return "".join(c if c.isprintable() else " " for c in text[:120]).strip()


def _cosignatures(note: str, lines: str, verifier: NoteVerifier) -> tuple[str, ...]:
    """The lines of `verifier`'s key over the text of `note`, each verified."""
    try:
        text, _ = parse_note(note)
        open_note(text + "\n" + lines, [verifier])
        found = []
        for line in lines.removesuffix("\n").split("\n"):
            each = parse_signature(line)
            if (each.name, each.key_id) == (verifier.name, verifier.key_id):
                if cosignature_time(each.signature) == 0:
                    raise WrongAnswer("the cosignature has no time")
                found.append(line + "\n")
    except (WrongNote, WrongSignature) as error:
        raise WrongAnswer(f"the answer is not this witness's cosignature: {error}") from None
    return tuple(found)


def read_checkpoint(
    answer: Answer, log: Sequence[NoteVerifier], verifier: NoteVerifier
) -> tuple[Checkpoint, str]:
    """The head that a witness shows, signed by the log and cosigned by the witness; and its note.

    WrongAnswer for anything else: only both signatures together prove that the log once had it.
    """
    if answer.status != 200:
        raise WrongAnswer(f"the witness does not show the head it cosigned ({answer.status})")
    try:
        note = answer.body.decode()
        text = open_note(note, log)
        open_note(note, [verifier])
        return parse_checkpoint(text), note
    except (UnicodeDecodeError, WrongNote, WrongSignature) as error:
        raise WrongAnswer(f"the head that the witness shows is not believed: {error}") from None
