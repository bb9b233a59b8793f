"""Everything that can be wrong with a ledger; each message says which file, what, and what to do.

One rule: no message quotes a key, a body or an attachment.
"""

from pathlib import Path


class LedgerError(Exception):
    """The root of this package's errors."""


class FileError(LedgerError):
    """Something is wrong with the file at `path`."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class Missing(FileError):
    """There is no such file."""


class AlreadyExists(FileError):
    """A ledger is never created over something else."""


class WrongKey(FileError):
    """The key does not open the file."""


class NotALedger(FileError):
    """The file is something else."""


class NewerFormat(FileError):
    """The file was written by newer software."""


class ReadOnly(FileError):
    """A write was asked of a file, or through a store, that only reads."""


class Exposed(FileError):
    """Others than the owner may read or write the file."""


class Locked(FileError):
    """Another process is the writer of this file."""


class NoSpace(FileError):
    """The disk is full."""


class DiskFailed(FileError):
    """The operating system could not read or write."""


class Closed(FileError):
    """The store was closed."""


class AppendFailed(FileError):
    """A write was not acknowledged: whether it is on disk is known only after opening again."""


class Damaged(FileError):
    """`what` is wrong and `where`: the file was altered, cut short, or its disk has failed."""

    def __init__(self, path: Path, what: str, where: str) -> None:
        super().__init__(
            path,
            f"{where}: {what}; keep this file as evidence, check it with `cabinet verify`, "
            "and restore the newest good copy",
        )
        self.what, self.where = what, where


class WrongNote(LedgerError):
    """Text that is not a signed note, a checkpoint, or a key in the C2SP form."""


class WrongSignature(LedgerError):
    """A note that a known key should have signed and did not."""


class WrongProof(LedgerError):
    """A Merkle proof that does not prove what it should."""


class WrongTile(LedgerError):
    """A hash tile or entry bundle that is not in the C2SP form, or not of the size it must be."""


class WrongEvidence(LedgerError):
    """An export or receipt that cannot be read as one: which file, and what to do."""


class WrongBody(LedgerError):
    """Raised by the reader of bodies during a check: this entry's body is not what it must be."""


class WrongRequest(LedgerError):
    """A request to a witness that is not one in the C2SP form."""


class WrongAnswer(LedgerError):
    """A witness's answer that proves nothing: not in the form, or not signed by its key."""


class WitnessProblem(LedgerError):
    """The witness cannot run: which file or option, and what to do."""


class WrongEscrow(LedgerError):
    """A sealed copy of a key that is damaged, or that these recovery words do not open."""
