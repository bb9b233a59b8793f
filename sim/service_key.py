"""A technician's SSH key, its certificate, and what their laptop signs: by seed, without a process.

From our own reading of OpenSSH's PROTOCOL.sshsig and PROTOCOL.certkeys; shared with no other code.
Not ssh-keygen, which is too slow for virtual time and draws at random: a test holds that it takes
these proofs, and refuses those that `prove` refuses. One rule: the same seed is the same key.
"""

import base64
import hashlib
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from auth import ssh_proof, ssh_signature
from auth.errors import NotProved
from auth.ssh_proof import NAMESPACE, Trust
from auth.ssh_signature import Certificate

_PLAIN, _CERTIFIED = b"ssh-ed25519", b"ssh-ed25519-cert-v01@openssh.com"
_USER = 1
_HASH = b"sha512"
_WRONG = "The signature is not of this challenge, or not by a key of the service CA"


class Key:
    """An Ed25519 key as SSH writes it."""

    def __init__(self, seed: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
        self.raw = self._key.public_key().public_bytes_raw()
        self.blob = _string(_PLAIN) + _string(self.raw)

    @property
    def line(self) -> str:
        """As cabinet.toml has a CA's."""
        return f"{_PLAIN.decode()} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """As a record has it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return f"SHA256:{digest.rstrip('=')}"

    def sign(self, data: bytes) -> bytes:
        """A signature in SSH's form."""
        return _string(_PLAIN) + _string(self._key.sign(data))


@dataclass(frozen=True)
class Hours:
    """From when until when a certificate is good, in Unix seconds."""

    first_s: int
    last_s: int


def certified(ca: Key, key: Key, person: str, place: str, hours: Hours, serial: int) -> bytes:
    """The certificate of a key: who, where, and when."""
    nonce = hashlib.sha256(b"nonce" + key.raw + serial.to_bytes(8, "big")).digest()
    signed = (
        _string(_CERTIFIED)
        + _string(nonce)
        + _string(key.raw)
        + struct.pack(">QI", serial, _USER)
        + _string(person.encode())
        + _string(_string(place.encode()))
        + struct.pack(">QQ", hours.first_s, hours.last_s)
        + _string(b"") * 3  # critical options, extensions, reserved
        + _string(ca.blob)
    )
    return signed + _string(ca.sign(signed))


def answer(key: Key, certificate: bytes, challenge: str, namespace: str = NAMESPACE) -> str:
    """What `ssh-keygen -Y sign` would print over a challenge."""
    named = _string(namespace.encode()) + _string(b"") + _string(_HASH)
    signature = key.sign(_to_sign(named, challenge.encode()))
    blob = b"SSHSIG" + struct.pack(">I", 1) + _string(certificate) + named + _string(signature)
    encoded = base64.b64encode(blob).decode()
    lines = [encoded[at : at + 70] for at in range(0, len(encoded), 70)]
    return "\n".join((ssh_signature.BEGIN, *lines, ssh_signature.END, ""))


def prove(text: str, challenge: bytes, trust: Trust, now_s: float) -> Certificate:
    """As `auth.ssh_proof.check`, by the same rules, with the signatures checked here."""
    signature = ssh_signature.read(text)
    ssh_proof.refused(signature, trust, now_s)
    encoded = "".join(signature.armored.strip().splitlines()[1:-1])
    certificate, *named, _, signed = _strings(base64.b64decode(encoded)[len(b"SSHSIG") + 4 :])
    holder, authority, body, issued = _taken_apart(certificate)
    line = f"{_PLAIN.decode()} {base64.b64encode(authority).decode()}"
    what = b"".join(map(_string, (*named, _HASH)))
    try:
        if line not in trust.keys:
            raise InvalidSignature
        _public(_strings(authority)[1]).verify(_strings(issued)[1], body)
        _public(holder).verify(_strings(signed)[1], _to_sign(what, challenge))
    except InvalidSignature:
        raise NotProved("wrong", _WRONG) from None
    return signature.certificate


def _to_sign(named: bytes, message: bytes) -> bytes:
    return b"SSHSIG" + named + _string(hashlib.sha512(message).digest())


def _taken_apart(certificate: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Of a certificate: the holder's key, the CA's, what was signed, and its signature."""
    kind, nonce, holder = _strings(certificate, 3)
    at = sum(4 + len(part) for part in (kind, nonce, holder)) + struct.calcsize(">QI")
    person, places = _strings(certificate[at:], 2)
    at += 8 + len(person) + len(places) + struct.calcsize(">QQ")
    *_, authority, issued = _strings(certificate[at:])
    return holder, authority, certificate[: -4 - len(issued)], issued


def _public(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _strings(data: bytes, most: int = 16) -> list[bytes]:
    """The strings that `data` begins with."""
    found: list[bytes] = []
    while data and len(found) < most:
        (size,) = struct.unpack(">I", data[:4])
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found
