"""What an SSH signature says of itself: the certificate in it, who it names, where and until when.

After OpenSSH's PROTOCOL.sshsig and PROTOCOL.certkeys. Not for whether any of it is true:
`ssh_proof.py` asks ssh-keygen. One rule: what is not exactly of the form is refused whole, so that
nothing else ever reaches a program that is not written in Python.
"""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass, field

from auth.errors import NotASignature

MAX_ARMORED_CHARS = 8192
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
LINE_CHARS = 70
USER = 1  # of certificate types; 2 is a host's
FOR_EVER = 2**64 - 1
USER_PRESENT = 1
MAX_NAME_CHARS = 64
MAX_PRINCIPALS = 256
_PREAMBLE = b"SSHSIG"
_HASHES = (b"sha256", b"sha512")

# Certificate type -> the plain key's type, and how many strings the key is after its type.
KEYS = {
    "ssh-ed25519-cert-v01@openssh.com": ("ssh-ed25519", 1),
    "sk-ssh-ed25519-cert-v01@openssh.com": ("sk-ssh-ed25519@openssh.com", 2),
    "ecdsa-sha2-nistp256-cert-v01@openssh.com": ("ecdsa-sha2-nistp256", 2),
    "ecdsa-sha2-nistp384-cert-v01@openssh.com": ("ecdsa-sha2-nistp384", 2),
    "ecdsa-sha2-nistp521-cert-v01@openssh.com": ("ecdsa-sha2-nistp521", 2),
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com": ("sk-ecdsa-sha2-nistp256@openssh.com", 3),
}
PLAIN_KEYS = tuple(plain for plain, _ in KEYS.values())


@dataclass(frozen=True)
class Certificate:
    """An SSH certificate as it describes itself; times are Unix seconds."""

    key: str  # "SHA256:…" of the plain public key
    hardware: bool  # a FIDO key, which asks for a touch
    serial: int
    kind: int
    person: str = field(repr=False)
    principals: tuple[str, ...] = field(repr=False)  # places, and staff numbers of the person
    valid_from_s: int
    valid_until_s: int
    critical: tuple[str, ...]  # options that whoever accepts it must understand


@dataclass(frozen=True)
class Signature:
    """A signature in the one form in which it is passed on."""

    armored: str
    namespace: str
    certificate: Certificate


class _Reader:
    """Takes the parts of an SSH wire structure (RFC 4251, section 5) off its front."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise NotASignature("it is cut short; paste the whole block")
        part, self._at = self._data[self._at : end], end
        return part

    def number(self, form: str) -> int:
        """A big-endian number of struct's `form`."""
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return int(value)

    def string(self) -> bytes:
        """A string: its length, then its bytes."""
        return self.take(self.number(">I"))

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._data):
            raise NotASignature("it has more in it than a signature has")


def read(text: str) -> Signature:
    """The signature in `text`, as `ssh-keygen -Y sign` prints it; raises NotASignature."""
    blob = _unarmored(text)
    reader = _Reader(blob)
    if reader.take(len(_PREAMBLE)) != _PREAMBLE or reader.number(">I") != 1:
        raise NotASignature("it is not an SSH signature of version 1")
    key, namespace = reader.string(), reader.string()
    if reader.string():
        raise NotASignature("its reserved part is not empty")
    if reader.string() not in _HASHES:
        raise NotASignature("its hash is neither sha256 nor sha512")
    made = reader.string()  # for ssh-keygen, but for what it passes over
    reader.end()
    held = certificate(key)
    if held.hardware and not _touched(made):
        raise NotASignature("it was made without a touch; make a key that asks for one")
    return Signature(_armored(blob), _text(namespace, "namespace"), held)


def _touched(made: bytes) -> bool:
    """Whether a FIDO key's signature says that somebody was there (PROTOCOL.u2f: the flags)."""
    reader = _Reader(made)
    reader.string()  # its type
    reader.string()
    flags = reader.number("B")
    reader.number(">I")  # the counter
    reader.end()
    return bool(flags & USER_PRESENT)


def certificate(blob: bytes) -> Certificate:
    """The certificate in `blob`; raises NotASignature."""
    reader = _Reader(blob)
    kind = _text(reader.string(), "key type")
    if kind in PLAIN_KEYS:
        raise NotASignature(
            "it was made with the key alone; sign with the certificate: -f KEY-cert.pub"
        )
    if kind not in KEYS:
        raise NotASignature("its key is of a kind that is not used here: Ed25519, ECDSA or FIDO")
    reader.string()  # the CA's nonce
    plain, parts = KEYS[kind]
    key = _string(plain.encode()) + b"".join(_string(reader.string()) for _ in range(parts))
    serial, holder = reader.number(">Q"), reader.number(">I")
    person, principals = _text(reader.string(), "key id"), _names(reader.string())
    valid_from_s, valid_until_s = reader.number(">Q"), reader.number(">Q")
    critical = _options(reader.string())
    for _ in ("extensions", "reserved", "the CA's key", "the CA's signature"):
        reader.string()
    reader.end()
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return Certificate(
        f"SHA256:{digest}",
        plain.startswith("sk-"),
        serial,
        holder,
        person,
        principals,
        valid_from_s,
        valid_until_s,
        critical,
    )


def public_key(line: str) -> str:
    """A CA's public key, "type base64", without its comment; raises NotASignature."""
    kind, _, rest = line.strip().partition(" ")
    encoded = rest.split(" ")[0]
    if kind not in PLAIN_KEYS:
        raise NotASignature(f"is not a public key of one of the types {', '.join(PLAIN_KEYS)}")
    reader = _Reader(_decoded(encoded))
    if reader.string() != kind.encode():
        raise NotASignature("says one type and holds another")
    for _ in range(next(parts for plain, parts in KEYS.values() if plain == kind)):
        reader.string()
    reader.end()
    return f"{kind} {encoded}"


def _unarmored(text: str) -> bytes:
    if len(text) > MAX_ARMORED_CHARS:
        raise NotASignature(f"it has more than {MAX_ARMORED_CHARS} characters")
    lines = [line.strip() for line in text.strip().splitlines()]
    if len(lines) < 3 or lines[0] != BEGIN or lines[-1] != END:
        raise NotASignature(f"it does not begin with {BEGIN} and end with {END}")
    return _decoded("".join(lines[1:-1]))


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NotASignature("a character of it got lost or changed; paste it again") from None


def _armored(blob: bytes) -> str:
    encoded = base64.b64encode(blob).decode()
    lines = [encoded[at : at + LINE_CHARS] for at in range(0, len(encoded), LINE_CHARS)]
    return "\n".join((BEGIN, *lines, END, ""))


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _text(data: bytes, what: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable() or len(text) > MAX_NAME_CHARS:
        raise NotASignature(f"its {what} is not 1 to {MAX_NAME_CHARS} printable characters")
    return text


def _names(data: bytes) -> tuple[str, ...]:
    reader, names = _Reader(data), list[str]()
    left = len(data)
    while left > 0 and len(names) < MAX_PRINCIPALS:
        name = reader.string()
        left -= 4 + len(name)
        names.append(_text(name, "principal"))
    reader.end()
    return tuple(names)


def _options(data: bytes) -> tuple[str, ...]:
    reader, names = _Reader(data), list[str]()
    left = len(data)
    while left > 0 and len(names) < MAX_PRINCIPALS:
        name, value = reader.string(), reader.string()
        left -= 8 + len(name) + len(value)
        names.append(_text(name, "option"))
    reader.end()
    return tuple(names)
