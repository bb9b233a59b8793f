"""The offline recovery key: it opens the sealed copies of the database key, and signs a recovery.

Pure. One rule: only public halves stay with the cabinet; the secret is on paper, in two parts, and
in memory while two people use it.

Sealing is HPKE (RFC 9180, base mode) with X25519, HKDF-SHA256 and ChaCha20-Poly1305; signing is
Ed25519. Both keys come from the secret by HKDF-SHA256, under names of their own.
"""

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.errors import WrongEscrow
from ledger.note import Signer

PART_BYTES = 16
SEAL_BYTES = 32  # of the public half that seals
KEY_BYTES = 32
MAX_ESCROW_CHARACTERS = 4096
MAX_SEALED = 4
_HEADER = "adc escrow v1"
_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
_SEALED_BYTES = SEAL_BYTES + KEY_BYTES + 16  # encapsulated key, ciphertext, tag


def _info(origin: str) -> bytes:
    return b"adc ledger key v1\0" + origin.encode()


class RecoveryKey:
    """The secret of the two parts, in memory."""

    def __init__(self, first: bytes, second: bytes) -> None:
        if len(first) != PART_BYTES or len(second) != PART_BYTES:
            raise ValueError(f"each part of a recovery key has {PART_BYTES} bytes")
        self._secret = first + second
        self._seal = X25519PrivateKey.from_private_bytes(self._derived(b"seal"))
        self.seal = self._seal.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"RecoveryKey({self.seal.hex()})"

    def _derived(self, purpose: bytes) -> bytes:
        kdf = HKDF(hashes.SHA256(), 32, salt=None, info=b"adc recovery v1\0" + purpose)
        return kdf.derive(self._secret)

    def signer(self, origin: str) -> Signer:
        """Signs what two people decide about the ledger `origin`."""
        return Signer(recovery_name(origin), self._derived(b"sign"))

    def open(self, escrow: "Escrow") -> tuple[bytes, ...]:
        """The database keys in `escrow`, the newest last; WrongEscrow if it is not this key's."""
        try:
            return tuple(
                _SUITE.decrypt(sealed, self._seal, info=_info(escrow.origin))
                for sealed in escrow.sealed
            )
        except (InvalidTag, ValueError):
            raise WrongEscrow("the recovery words are not those of this escrow") from None


def recovery_name(origin: str) -> str:
    """The name under which recoveries of this ledger are signed."""
    return f"{origin}/recovery"


@dataclass(frozen=True)
class Escrow:
    """Database keys of the ledger `origin`, each sealed to its recovery key, the newest last.

    Two only while one replaces the other.
    """

    origin: str
    sealed: tuple[bytes, ...]

    def text(self) -> str:
        """The file's content."""
        lines = (base64.b64encode(each).decode() for each in self.sealed)
        return "\n".join((_HEADER, self.origin, *lines)) + "\n"


def seal(origin: str, public: bytes, *keys: bytes) -> Escrow:
    """`keys`, sealed so that only the recovery key of `public` opens them."""
    assert keys and all(len(key) == KEY_BYTES for key in keys)
    recipient = X25519PublicKey.from_public_bytes(public)
    return Escrow(origin, tuple(_SUITE.encrypt(key, recipient, info=_info(origin)) for key in keys))


def parse_escrow(text: str) -> Escrow:
    """The escrow in a file's content; WrongEscrow if it is none."""
    if len(text) > MAX_ESCROW_CHARACTERS or not text.endswith("\n"):
        raise WrongEscrow("the file is not an escrow")
    header, *lines = text[:-1].split("\n")
    if header != _HEADER or not 2 <= len(lines) <= 1 + MAX_SEALED:
        raise WrongEscrow("the file is not an escrow that this software knows")
    try:
        sealed = tuple(base64.b64decode(line.encode("ascii"), validate=True) for line in lines[1:])
    except (UnicodeEncodeError, binascii.Error):
        raise WrongEscrow("a key in the escrow is not base64") from None
    if any(len(each) != _SEALED_BYTES for each in sealed):
        raise WrongEscrow("a key in the escrow is cut short")
    return Escrow(lines[0], sealed)
