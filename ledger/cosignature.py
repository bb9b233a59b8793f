"""The second signature: timestamped ML-DSA-44 cosignatures of tree heads, type 0x06.

Pure; the time is given. Sources: c2sp.org/tlog-cosignature, FIPS 204. One rule: what is signed is
the cosigner's name, the time, and the head's origin, size and root, never a note's text, so that
the statement has one spelling.

It outlives Ed25519, should a quantum computer break that. It is made now and then, never on the
path between a decision and its lock pulse.
"""

import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from ledger.errors import WrongNote
from ledger.note import (
    MAX_NAME_BYTES,
    Checkpoint,
    check_name,
    decode_vkey,
    encode_vkey,
    key_id,
    parse_checkpoint,
    signature_line,
)

ML_DSA_44 = 0x06
PUBLIC_BYTES = 1312
SIGNATURE_BYTES = 2420
TIMESTAMP_BYTES = 8
MAX_TIME_S = (1 << 63) - 1
_LABEL = b"subtree/v1\n\0"


def cosigned_message(name: str, time_s: int, head: Checkpoint) -> bytes:
    """The `cosigned_message` structure: what an ML-DSA-44 cosignature of a whole tree signs."""
    if not 0 <= time_s <= MAX_TIME_S:
        raise WrongNote("a cosignature's time is out of range")
    cosigner, origin = name.encode(), head.origin.encode()
    if not (1 <= len(cosigner) <= MAX_NAME_BYTES and 1 <= len(origin) <= MAX_NAME_BYTES):
        raise WrongNote(f"names of cosigner and log have 1 to {MAX_NAME_BYTES} bytes")
    return b"".join(
        (
            _LABEL,
            bytes([len(cosigner)]) + cosigner,
            struct.pack(">Q", time_s),
            bytes([len(origin)]) + origin,
            struct.pack(">QQ", 0, head.size),
            head.root,
        )
    )


def cosignature_time(signature: bytes) -> int:
    """The POSIX time that a cosignature, without its key id, begins with."""
    if len(signature) <= TIMESTAMP_BYTES:
        raise WrongNote("a cosignature is too short to have a time")
    return int.from_bytes(signature[:TIMESTAMP_BYTES], "big")


class Cosigner:
    """A private ML-DSA-44 key with a name, made from a seed of 32 bytes (FIPS 204's xi)."""

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != 32:
            raise ValueError(f"a cosigning key's seed has 32 bytes, not {len(seed)}")
        self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.name = check_name(name)
        public = self._key.public_key().public_bytes_raw()
        self.key_id = key_id(name, ML_DSA_44, public)
        self.vkey = encode_vkey(name, ML_DSA_44, public)

    def __repr__(self) -> str:
        return f"Cosigner({self.name!r}, {self.key_id.hex()})"

    def cosign(self, head: Checkpoint, time_s: int) -> str:
        """The signature line over `head`, as of `time_s` in POSIX time."""
        signature = self._key.sign(cosigned_message(self.name, time_s, head))
        return signature_line(self.name, self.key_id, struct.pack(">Q", time_s) + signature)


class CosignatureVerifier:
    """A public ML-DSA-44 key, from a vkey as a Cosigner gives it."""

    def __init__(self, vkey: str) -> None:
        self.name, algorithm, public = decode_vkey(vkey)
        if algorithm != ML_DSA_44 or len(public) != PUBLIC_BYTES:
            raise WrongNote("the verification key is not an ML-DSA-44 key")
        self.key_id = key_id(self.name, ML_DSA_44, public)
        self._key = MLDSA44PublicKey.from_public_bytes(public)
        self.vkey = vkey

    def __repr__(self) -> str:
        return f"CosignatureVerifier({self.name!r}, {self.key_id.hex()})"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether this key cosigned the checkpoint in `text`; extension lines are not covered."""
        if len(signature) != TIMESTAMP_BYTES + SIGNATURE_BYTES:
            return False
        head = parse_checkpoint(text)
        try:
            message = cosigned_message(self.name, cosignature_time(signature), head)
            self._key.verify(signature[TIMESTAMP_BYTES:], message)
        except (InvalidSignature, WrongNote):
            return False
        return True
