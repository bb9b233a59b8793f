"""Evidence for outsiders: the log as C2SP tiles in a directory, and receipts of single entries.

Not for checking (`verify.py`). One rule: an export is complete under its name or not there at all,
readable by its owner alone, and holds no attachment that was not asked for.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ledger import listing
from ledger.attachment import Attachment, attachment_content
from ledger.cosignature import Cosigner
from ledger.errors import Damaged, WrongEvidence
from ledger.merkle import HASH_BYTES, Frontier, inclusion_proof
from ledger.note import Checkpoint, parse_checkpoint, parse_note, parse_signature
from ledger.receipt import Receipt
from ledger.store import Store
from ledger.tiles import HEIGHT, WIDTH, Tile, bundle_path, encode_bundle

KEY_CHANGES = "key-changes"
README = """\
Evidence from the ledger of a dispensing cabinet.

checkpoint     the signed head: how many entries there are, and their Merkle root
vkey           the public keys that signed it; compare them with those given to you earlier
tile/          the hash tree over all entries, and the entries of the range asked for, as in
               c2sp.org/tlog-tiles
entries.csv    the entries of that range as a table
key-changes/   where the signing key was replaced: the new one, signed by the old
attachments/   only where asked for: names and details that entries refer to by hash

To check all of it: python -m ledger.verify DIRECTORY --vkey FILE-WITH-KEYS
The format is described in docs/ledger-format.md of the cabinet's software.
"""


@dataclass(frozen=True)
class Exported:
    """What an export holds: a head over `size` entries, and entries `first` to `last` in full.

    The table has the entries from `first` to `last`; bundles are whole, so the tiles may hold up
    to 255 more before and after. `uncovered` entries were newer than the newest signed head.
    """

    size: int
    first: int
    last: int
    attachments: int
    uncovered: int


def head_note(store: Store, cosigner: Cosigner | None, time_s: int) -> tuple[Checkpoint, str]:
    """The newest head with every signature there is, and the cosigner's own, made now if needed."""
    head = store.newest_head()
    if head is None:
        raise WrongEvidence(f"{store.path}: no head is signed yet; start the controller once")
    checkpoint = parse_checkpoint(parse_note(head.note)[0])
    lines = list(store.cosignatures(head.size))
    known = {(s.name, s.key_id) for s in (parse_signature(line.rstrip("\n")) for line in lines)}
    if cosigner is not None and (cosigner.name, cosigner.key_id) not in known:
        lines.append(cosigner.cosign(checkpoint, time_s))
    return checkpoint, head.note + "".join(lines)


def receipt(store: Store, seq: int, cosigner: Cosigner | None, time_s: int) -> Receipt:
    """The proof that entry `seq` is under the newest signed head."""
    checkpoint, note = head_note(store, cosigner, time_s)
    if not 1 <= seq <= checkpoint.size:
        raise WrongEvidence(
            f"{store.path}: entry {seq} is not under the newest signed head, which covers entries "
            f"1 to {checkpoint.size}; a running cabinet signs a new one when idle"
        )
    proof = inclusion_proof(seq - 1, checkpoint.size, store.node)
    return Receipt(seq - 1, store.entry(seq).body, tuple(proof), note)


class Directory:
    """A directory that comes into being whole: files are written beside it, `finish` renames."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists():
            raise WrongEvidence(f"{path}: exists already; an export goes into a new directory")
        try:
            self._half = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        except OSError as error:
            raise WrongEvidence(f"{path}: cannot be made there ({error.strerror})") from None
        self._folders = {self._half}

    def __enter__(self) -> "Directory":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._half, ignore_errors=True)  # gone already if it was finished
        if isinstance(error, OSError):
            raise WrongEvidence(f"{self.path}: cannot be written: {error.strerror}") from None

    def open(self, name: str) -> BinaryIO:
        """A new file in it, mode 0600; whoever opens it closes it with `done`."""
        file = self._half / name
        above = [folder for folder in file.parents if folder.is_relative_to(self._half)]
        for folder in reversed(above):
            if folder not in self._folders:
                folder.mkdir(mode=0o700)
                self._folders.add(folder)
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        return os.fdopen(number, "wb")

    def done(self, stream: BinaryIO) -> None:
        """Close a file, its bytes on disk."""
        stream.flush()
        os.fsync(stream.fileno())
        stream.close()

    def write(self, name: str, data: bytes) -> None:
        """A whole file."""
        stream = self.open(name)
        stream.write(data)
        self.done(stream)

    def finish(self) -> None:
        """Put it in place."""
        for folder in self._folders:
            _sync(folder)
        self._half.rename(self.path)
        _sync(self.path.parent)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def export(
    store: Store,
    path: Path,
    *,
    vkeys: Sequence[str],
    cosigner: Cosigner | None,
    time_s: int,
    first: int = 1,
    last: int | None = None,
    attachments: Iterable[Attachment] = (),
    key_changes: Sequence[tuple[int, str]] = (),
) -> Exported:
    """Writes the head, all hash tiles, and the entries from `first` to `last` into new `path`.

    `key_changes`: entries that replaced the signing key, each with the note that both keys signed.

    What it writes is recomputed first: a ledger whose entries do not lead to its head is Damaged.
    """
    checkpoint, note = head_note(store, cosigner, time_s)
    last = checkpoint.size if last is None else min(last, checkpoint.size)
    if not 1 <= first <= last + 1:
        raise WrongEvidence(f"{store.path}: there are no entries from {first} to {last}")
    with Directory(path) as directory:
        _write_tiles(store, directory, checkpoint, first, last)
        _write_table(store, directory, first, last)
        count = 0
        for each in attachments:
            directory.write(f"attachments/{each.hash.hex()}", attachment_content(each))
            count += 1
        for seq, changed in key_changes:
            if seq <= checkpoint.size:
                directory.write(f"{KEY_CHANGES}/{seq}", changed.encode())
        directory.write("vkey", "".join(f"{vkey}\n" for vkey in vkeys).encode())
        directory.write("README.txt", README.encode())
        directory.write("checkpoint", note.encode())
        directory.finish()
    return Exported(checkpoint.size, first, last, count, store.size - checkpoint.size)


def _write_tiles(
    store: Store, directory: Directory, head: Checkpoint, first: int, last: int
) -> None:
    """All hash tiles, and the bundles that hold the range, in one pass over the entries."""
    frontier = Frontier()
    rising: dict[int, list[bytes]] = {}  # the hashes of the tile being filled, by level
    bundle: list[bytes] = []
    for seq, body, nodes in store.rows():
        if seq > head.size:
            break
        if seq != frontier.size + 1 or frontier.add(body) != nodes:
            raise Damaged(store.path, "does not fit the Merkle tree", f"entry {seq}")
        bundle.append(body)
        for level in range(0, len(nodes) // HASH_BYTES, HEIGHT):
            at = HASH_BYTES * level
            hashes = rising.setdefault(level // HEIGHT, [])
            hashes.append(nodes[at : at + HASH_BYTES])
            index = (seq >> level) - 1 >> HEIGHT
            if len(hashes) == WIDTH:
                directory.write(Tile(level // HEIGHT, index).path, b"".join(hashes))
                hashes.clear()
        if seq % WIDTH == 0 or seq == head.size:
            begin = seq - len(bundle) + 1
            if begin <= last and first <= seq:
                directory.write(bundle_path((seq - 1) // WIDTH, len(bundle)), encode_bundle(bundle))
            bundle.clear()
    if frontier.root() != head.root or frontier.size != head.size:
        raise Damaged(store.path, "was signed for other entries than these", "newest head")
    for level, hashes in rising.items():
        if hashes:
            index = head.size >> HEIGHT * (level + 1)
            directory.write(Tile(level, index, len(hashes)).path, b"".join(hashes))


def _write_table(store: Store, directory: Directory, first: int, last: int) -> None:
    """entries.csv, in two passes: the columns that are needed, then the lines."""
    headings = listing.columns(entry.body for entry in store.entries(first, last + 1))
    stream = directory.open("entries.csv")
    stream.write(listing.line(headings).encode())
    for entry in store.entries(first, last + 1):
        stream.write(listing.line(listing.row(entry.seq, entry.body, headings)).encode())
    directory.done(stream)
