"""Whether the public keys in `cabinet.toml` are keys, and what is named beside them is a name.

Not for the witnesses'. One rule: as in `site_policy.py`, what is wrong is said by key and reason.
"""

import re
from collections.abc import Iterator

from auth.errors import NotASignature
from auth.ssh_signature import public_key
from cabinet.plan import Service

MAX_SERVICE_KEYS = 4
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


def wrong(service: Service, staff_list: str) -> Iterator[tuple[str, str]]:
    """What is not right, by key."""
    if staff_list:
        from ledger.errors import WrongNote
        from ledger.note import Verifier

        try:
            Verifier(staff_list)
        except WrongNote as error:
            yield "staff_list.vkey", str(error)
    if len(service.ca) > MAX_SERVICE_KEYS:
        yield "service.ca", f"at most {MAX_SERVICE_KEYS} keys"
    for index, key in enumerate(service.ca):
        try:
            public_key(key)
        except NotASignature as error:
            yield f"service.ca[{index}]", str(error)
    if service.fleet and not _NAME.fullmatch(service.fleet):
        yield "service.fleet", "is at most 32 letters, digits, dots, dashes and underscores"
    if not service.revoked.isprintable():
        yield "service.revoked", "must name a file"
    if service.bundle_key:
        from pyrage import RecipientError, x25519

        try:
            x25519.Recipient.from_str(service.bundle_key)
        except RecipientError:
            yield "service.bundle_key", "is no recipient of age: age1 and 58 letters and digits"
