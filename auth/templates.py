"""Sealing fingers' templates: AES-256-GCM under a key that follows from the cabinet's pepper.

Not for when a copy is kept. One rule: a copy is of one person and of one model of sensor, and
opens for no other; plain, a template is only in memory that its owner overwrites.
"""

import base64
import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
TAG_BYTES = 16
MOST_SEALED_CHARS = 4096  # of a template of 2048 bytes, and more


def sealing(pepper: bytes, person: str, nonce: bytes) -> Callable[[str, bytearray], str]:
    """What seals one template of `person`, of a sensor's model; the nonce must be fresh."""
    assert len(nonce) == NONCE_BYTES

    def seal(model: str, template: bytearray) -> str:
        sealed = AESGCM(_key(pepper)).encrypt(nonce, template, _bound(person, model))
        return base64.b64encode(nonce + sealed).decode()

    return seal


def unsealing(pepper: bytes, person: str, sealed: str) -> Callable[[str], bytearray | None]:
    """What opens a copy for a sensor of some model, into memory that its owner overwrites."""

    def unseal(model: str) -> bytearray | None:
        try:
            data = base64.b64decode(sealed[:MOST_SEALED_CHARS], validate=True)
        except ValueError:
            return None
        if len(data) <= NONCE_BYTES + TAG_BYTES:
            return None
        template = bytearray(len(data) - NONCE_BYTES - TAG_BYTES)
        try:
            nonce, rest = data[:NONCE_BYTES], data[NONCE_BYTES:]
            AESGCM(_key(pepper)).decrypt_into(nonce, rest, _bound(person, model), template)
        except InvalidTag:
            template[:] = bytes(len(template))
            return None
        return template

    return unseal


def _bound(person: str, model: str) -> bytes:
    return f"{person}\0{model}".encode()


def _key(pepper: bytes) -> bytes:
    return hmac.digest(pepper, b"adc template seal v1", "sha256")
