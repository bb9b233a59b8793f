"""An attachment: bytes that an entry names by a salted hash, so they can be left out or erased.

Pure. One rule: the hash covers kind, salt and data without ambiguity, and the salt is 16 random
bytes, so that the hash of a short secret cannot be guessed back once the attachment is gone.
"""

import hashlib
from dataclasses import dataclass

SALT_BYTES = 16
_DOMAIN = b"adc attachment v1\0"


@dataclass(frozen=True)
class Attachment:
    """`hash` is SHA-256 over the domain, the lengths, `kind`, `salt` and `data`."""

    hash: bytes
    kind: str
    salt: bytes
    data: bytes


def _content(kind: str, salt: bytes, data: bytes) -> bytes:
    name = kind.encode()
    return len(name).to_bytes(2, "big") + name + salt + data


def attachment_hash(kind: str, salt: bytes, data: bytes) -> bytes:
    """SHA-256(domain || len(kind) in 2 bytes || kind || salt || data)."""
    return content_hash(_content(kind, salt, data))


def attachment_content(attachment: Attachment) -> bytes:
    """What is hashed after the domain: the bytes of an exported attachment's file."""
    return _content(attachment.kind, attachment.salt, attachment.data)


def content_hash(content: bytes) -> bytes:
    """The hash of an attachment with this content."""
    return hashlib.sha256(_DOMAIN + content).digest()


def make_attachment(kind: str, salt: bytes, data: bytes) -> Attachment:
    """An attachment with its hash; the salt must be fresh."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"an attachment's salt has {SALT_BYTES} bytes, not {len(salt)}")
    return Attachment(attachment_hash(kind, salt, data), kind, salt, data)
