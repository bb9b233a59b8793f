"""What a FIDO2 security key says, checked: a new key's public key, and a proof by a touch.

Not for talking to a key (drivers). One rule: a proof counts for one challenge of this cabinet, made
by a touch, with a counter that has moved on.
"""

import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.webauthn import AuthenticatorData

RP_ID = "cabinet.invalid"  # the same at every cabinet: credentials are made for each person anew
CHALLENGE_BYTES = 32
_PURPOSE = b"adc security key v1\0"


@dataclass(frozen=True)
class NewKey:
    """What is kept of a key; `counter` as it stood."""

    credential: bytes = field(repr=False)
    public: bytes = field(repr=False)
    counter: int = 0


def client_hash(challenge: bytes) -> bytes:
    """What the key signs besides its own data: no browser, and so no origin, is in between."""
    return hashlib.sha256(_PURPOSE + challenge).digest()


def new_key(data: bytes) -> NewKey | None:
    """The key of a registration's authenticator data, None when it is not one made by a touch.

    No attestation is asked for: which make of key an administrator bought is the site's to know.
    """
    read = _read(data)
    if read is None or read.credential_data is None:
        return None
    held = read.credential_data
    try:
        CoseKey.parse(held.public_key).verify(b"", b"")
    except InvalidSignature:
        pass  # an algorithm that can be checked, and a key on its curve
    except (ValueError, TypeError, KeyError, NotImplementedError):
        return None
    return NewKey(held.credential_id, cbor.encode(held.public_key), read.counter)


def proof_counter(
    public: bytes, challenge: bytes, data: bytes, signature: bytes, after: int
) -> int:
    """The counter of a right proof, -1 for a wrong one or one that a copy of the key made.

    WebAuthn, 6.1.1: a counter that does not move on is a copy; one that is always 0 is none.
    """
    read = _read(data)
    if read is None or (after and read.counter <= after):
        return -1
    try:
        held = cbor.decode(public)
        key = CoseKey.parse(held if isinstance(held, dict) else {})
        key.verify(data + client_hash(challenge), signature)
    except (InvalidSignature, ValueError, TypeError, KeyError, NotImplementedError):
        return -1
    return read.counter


def _read(data: bytes) -> AuthenticatorData | None:
    try:
        read = AuthenticatorData(data)
    except Exception:  # whatever bytes a key may send: the library raises many kinds
        return None
    here = read.rp_id_hash == hashlib.sha256(RP_ID.encode()).digest()
    return read if here and read.is_user_present() else None
