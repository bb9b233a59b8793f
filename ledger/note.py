"""C2SP signed notes and checkpoints: a tree head in three lines, and its Ed25519 signatures.

Pure. Sources: c2sp.org/signed-note, c2sp.org/tlog-checkpoint. One rule: parsing is strict, so that
what is accepted has exactly one spelling; a signature that a known key did not make is an error,
one of an unknown key is passed over.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.errors import WrongNote, WrongSignature
from ledger.merkle import HASH_BYTES

MAX_NOTE_CHARACTERS = 65_536
MAX_NAME_BYTES = 255
MAX_SIGNATURES = 100
MAX_SIZE = (1 << 63) - 1
ED25519 = 0x01
KEY_ID_BYTES = 4
_DASH = "\u2014"
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f]")  # but for the newline


def check_name(name: str) -> str:
    """Returns `name` if it can name a key (and so an origin), else raises WrongNote."""
    if not name or "+" in name or any(c.isspace() or ord(c) < 0x20 for c in name):
        raise WrongNote("a key's name has at least one character, no space and no plus sign")
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        raise WrongNote("a key's name is not UTF-8") from None
    if len(encoded) > MAX_NAME_BYTES:
        raise WrongNote(f"a key's name is longer than {MAX_NAME_BYTES} bytes")
    return name


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """SHA-256(name || 0x0A || algorithm || public key), its first four bytes."""
    data = name.encode() + b"\n" + bytes([algorithm]) + public
    return hashlib.sha256(data).digest()[:KEY_ID_BYTES]


def signature_line(name: str, identifier: bytes, signature: bytes) -> str:
    """One signature line of a note, with its end."""
    return f"{_DASH} {name} {base64.b64encode(identifier + signature).decode()}\n"


def encode_vkey(name: str, algorithm: int, public: bytes) -> str:
    """A public key in the form notes use: name+keyid+key."""
    key = base64.b64encode(bytes([algorithm]) + public).decode()
    return f"{name}+{key_id(name, algorithm, public).hex()}+{key}"


def decode_vkey(vkey: str) -> tuple[str, int, bytes]:
    """The name, the algorithm's byte and the public key of `vkey`, whose key id is right."""
    parts = vkey.split("+", 2)
    if len(parts) != 3:
        raise WrongNote("a verification key has the form name+keyid+key")
    name, identifier, key = parts
    data = decode_base64(key, "the verification key")
    if len(data) < 2:
        raise WrongNote("the verification key is too short")
    if key_id(check_name(name), data[0], data[1:]).hex() != identifier:
        raise WrongNote("the verification key does not have the key id it says")
    return name, data[0], data[1:]


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode()


def decode_base64(text: str, what: str) -> bytes:
    """Standard base64 with padding, in its one canonical spelling."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise WrongNote(f"{what} is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise WrongNote(f"{what} is not in canonical base64")
    return data


def _signable(text: str) -> bytes:
    """The text's bytes, if a note may hold it."""
    if not text.endswith("\n") or len(text) > MAX_NOTE_CHARACTERS:
        raise WrongNote(f"a note's text ends with a newline, within {MAX_NOTE_CHARACTERS}")
    if _CONTROLS.search(text):
        raise WrongNote("a note holds no control characters")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise WrongNote("a note is not UTF-8") from None


class NoteVerifier(Protocol):
    """A public key, of whatever algorithm, that verifies one kind of signature line."""

    @property
    def name(self) -> str: ...

    @property
    def key_id(self) -> bytes: ...

    @property
    def vkey(self) -> str: ...

    def verifies(self, text: str, signature: bytes) -> bool: ...


class Signer:
    """A private Ed25519 key with a name; `vkey` is its public half in the form notes use."""

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != 32:
            raise ValueError(f"a signing key's seed has 32 bytes, not {len(seed)}")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.name = check_name(name)
        public = self._key.public_key().public_bytes_raw()
        self.key_id = key_id(name, ED25519, public)
        self.vkey = encode_vkey(name, ED25519, public)

    def __repr__(self) -> str:
        return f"Signer({self.vkey!r})"

    def sign(self, text: str) -> str:
        """The signed note of `text`."""
        signature = self._key.sign(_signable(text))
        return f"{text}\n{signature_line(self.name, self.key_id, signature)}"


class Verifier:
    """A public Ed25519 key, from `name+keyid+key` as a Signer's `vkey` gives it."""

    def __init__(self, vkey: str) -> None:
        self.name, algorithm, public = decode_vkey(vkey)
        if algorithm != ED25519 or len(public) != 32:
            raise WrongNote("the verification key is not an Ed25519 key")
        self.key_id = key_id(self.name, ED25519, public)
        self._key = Ed25519PublicKey.from_public_bytes(public)
        self.vkey = vkey

    def __repr__(self) -> str:
        return f"Verifier({self.vkey!r})"

    def at(self, _size: int) -> "Verifier":
        """The key of a head over so many entries: this one, in a log that never changed it."""
        return self

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether this key made `signature` over `text`."""
        try:
            self._key.verify(signature, _signable(text))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Signature:
    """One signature line of a note, whoever made it."""

    name: str
    key_id: bytes
    signature: bytes


def parse_note(note: str) -> tuple[str, tuple[Signature, ...]]:
    """The text and the signatures of a note, none of them checked yet."""
    if len(note) > MAX_NOTE_CHARACTERS:
        raise WrongNote(f"a note has at most {MAX_NOTE_CHARACTERS} characters")
    _signable(note)
    text, separator, block = note.rpartition("\n\n")
    if not separator:
        raise WrongNote("a note has an empty line before its signatures")
    lines = block.split("\n")
    if lines.pop() or not lines or len(lines) > MAX_SIGNATURES:
        raise WrongNote(f"a note has 1 to {MAX_SIGNATURES} signature lines")
    return text + "\n", tuple(parse_signature(line) for line in lines)


def parse_signature(line: str) -> Signature:
    """The signature in one line, given without its end."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH:
        raise WrongNote("a signature line has the form: dash, name, signature")
    data = decode_base64(parts[2], "a signature")
    if len(data) <= KEY_ID_BYTES:
        raise WrongNote("a signature is too short")
    return Signature(check_name(parts[1]), data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def open_note(note: str, verifiers: Sequence[NoteVerifier]) -> str:
    """The text of `note`, which at least one of `verifiers` signed; else WrongSignature."""
    text, signatures = parse_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed = False
    for each in signatures:
        verifier = known.get((each.name, each.key_id))
        if verifier is None:
            continue
        if not verifier.verifies(text, each.signature):
            raise WrongSignature(f"the signature of {verifier.name} is wrong")
        signed = True
    if not signed:
        raise WrongSignature("none of the known keys signed this")
    return text


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: the first `size` entries of the log `origin` have this Merkle root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in `text`; extension lines are accepted and passed over."""
    _signable(text)
    origin, *lines = text.split("\n")
    if len(lines) < 3 or not origin or lines[-1] or not all(lines[:-1]):
        raise WrongNote("a checkpoint has lines for origin, size and root, none of them empty")
    size = lines[0]
    if not (size.isascii() and size.isdigit()) or (size[0] == "0" and size != "0"):
        raise WrongNote("a checkpoint's size is not a plain decimal number")
    if len(size) > 19 or int(size) > MAX_SIZE:
        raise WrongNote("a checkpoint's size is out of range")
    root = decode_base64(lines[1], "a checkpoint's root")
    if len(root) != HASH_BYTES:
        raise WrongNote(f"a checkpoint's root has {HASH_BYTES} bytes")
    return Checkpoint(origin, int(size), root)
