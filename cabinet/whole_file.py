"""Small files that must survive a power cut whole: written beside, synced, renamed, synced again.

Not for the ledger. One rule: whoever opens the file finds all of the old or all of the new.
"""

import os
from pathlib import Path


def replace(file: Path, data: bytes, mode: int = 0o600) -> None:
    """Put `data` into `file`, durably; raises OSError and leaves the file as it was."""
    half = file.with_name(f"{file.name}.new")
    descriptor = os.open(
        half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode
    )
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)  # a half file of before may have had another one
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        half.rename(file)
    except OSError:
        half.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def rename(old: Path, new: Path) -> None:
    """Rename within a folder, durably."""
    old.rename(new)
    sync_folder(new.parent)


def remove(file: Path) -> None:
    """Remove a file that may be gone already, durably."""
    file.unlink(missing_ok=True)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
