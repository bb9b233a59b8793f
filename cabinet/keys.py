"""The cabinet's secrets: where they are read from, and making them once.

Not for using them. One rule: a key file that anybody but its owner can read is refused, and no key
is ever in an error, a log or a process's arguments.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

KEY_BYTES = 32
NEXT = ".next"  # a key that is about to replace the one without
NAMES = ("ledger.key", "signing.key", "pepper.key", "cosigning.key")
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # set by systemd for LoadCredential*, systemd.exec(5)


class KeyProblem(Exception):
    """A key is missing or not safe: which file, and what to do."""


@dataclass(frozen=True)
class Keys:
    """32 bytes each.

    The ledger's encryption, the Ed25519 seed of its heads, the pepper, and the ML-DSA-44 seed of
    the heads' second signature.
    """

    ledger: bytes = field(repr=False)
    signing: bytes = field(repr=False)
    pepper: bytes = field(repr=False)
    cosigning: bytes = field(repr=False)
    ledger_next: bytes | None = field(default=None, repr=False)  # a rotation was interrupted
    signing_next: bytes | None = field(default=None, repr=False)


def load(folder: Path) -> Keys:
    """The keys from systemd's credentials if there are any, else from the files in `folder`."""
    credentials = os.environ.get(CREDENTIALS)
    where = Path(credentials) if credentials else folder
    return Keys(
        *(_read(where / name, checked=not credentials) for name in NAMES),
        *(_read_next(where / name, checked=not credentials) for name in NAMES[:2]),
    )


def _read_next(file: Path, *, checked: bool) -> bytes | None:
    half = file.with_name(file.name + NEXT)
    return _read(half, checked=checked) if half.exists() else None


def _read(file: Path, *, checked: bool) -> bytes:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise KeyProblem(
            f"{file}: {error.strerror}; `cabinet init` makes the keys, and a running unit gets "
            "them as systemd credentials"
        ) from None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(stream.fileno())
        if checked and stat.S_IMODE(status.st_mode) & 0o077:
            mode = stat.S_IMODE(status.st_mode)
            raise KeyProblem(f"{file}: mode {mode:04o} lets others read it; run: chmod 600 {file}")
        if checked and status.st_uid not in (os.geteuid(), 0):
            raise KeyProblem(f"{file}: belongs to another user; it must be this cabinet's own")
        data = stream.read(KEY_BYTES + 1)
    if len(data) != KEY_BYTES:
        raise KeyProblem(f"{file}: is not a key of {KEY_BYTES} bytes; restore it from the backup")
    return data


def files(folder: Path) -> list[Path]:
    """Where `make` puts the keys."""
    return [folder / name for name in NAMES]


def make(folder: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> Keys:
    """New keys in `folder`, each file 0600 and synced; refuses to touch keys that exist."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    present = [name for name in NAMES if (folder / name).exists()]
    if present:
        raise KeyProblem(f"{folder / present[0]}: exists already; a key is never overwritten")
    made = []
    for name in NAMES:
        key = random_bytes(KEY_BYTES)
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(key)
            stream.flush()
            os.fsync(stream.fileno())
        made.append(key)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return Keys(*made)
