"""The check of entries and heads over one range of a ledger: sequence, tree, roots, signatures.

Not for pages and attachments (`check.py`). One rule: nothing stored is believed that can be
recomputed; the nodes a range begins from are recomputed by who checks the range before it.

`python -m ledger.check_tree` does one range for another process: the job, key and all, comes as
JSON on its standard input, the result goes as JSON to its standard output.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from ledger.errors import LedgerError, WrongBody
from ledger.keyring import HeadKeys
from ledger.merkle import Frontier, leaf_hash, perfect_levels
from ledger.note import (
    Checkpoint,
    NoteVerifier,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_signature,
)
from ledger.store import CHUNK, MAX_BODY_BYTES, Head, Row, Store

PROGRESS_ENTRIES = 4096
HEIGHT = CHUNK.bit_length() - 1

OnBody = Callable[[int, bytes], None]
Progress = Callable[[int], None]


@dataclass
class Range:
    """What was found from entry `start` + 1 on; `entries` is the last good one.

    `before` and `after` are the roots of the perfect subtrees that the tree had at `start` and at
    `entries`; `whole` says that the range was read to its end and every entry of it is good.
    """

    start: int
    entries: int = 0
    heads: int = 0
    signed: int = 0
    cosignatures: int = 0
    cosigned: int = 0
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    root: str = ""
    whole: bool = True
    problems: list[tuple[str, str]] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Notes a problem."""
        self.problems.append((where, what))


def check_range(
    store: Store,
    *,
    start: int = 0,
    stop: int | None = None,
    keys: HeadKeys | None = None,
    cosigners: Sequence[NoteVerifier] = (),
    on_body: OnBody | None = None,
    progress: Progress | None = None,
) -> Range:
    """Checks entries `start` + 1 to `stop`, or to the end; ends at the first wrong one.

    `start` and `stop` are multiples of CHUNK. After a wrong entry every later hash would be wrong
    too, and would say nothing.
    """
    found = Range(start, start)
    try:
        frontier = Frontier.restore(start, store.node)
    except LedgerError as error:
        found.add(f"entry {start + 1}", f"the tree before it cannot be read: {error}")
        found.whole = False
        return found
    found.before = [root.hex() for root in frontier.roots]
    heads = Heads(store, found, keys, cosigners)
    try:
        while (stop is None or frontier.size < stop) and found.whole:
            rows = store.chunk(frontier.size + 1, CHUNK - frontier.size % CHUNK)
            if not rows:
                break
            _chunk(store, frontier, rows, found, heads, on_body)
            if progress is not None and found.entries % PROGRESS_ENTRIES == 0:
                progress(found.entries)
    except WrongBody as error:
        found.add(f"entry {found.entries + 1}", str(error))
        found.whole = False
    except LedgerError as error:
        found.add(f"entry {found.entries + 1}", f"cannot be read: {error}")
        found.whole = False
    if frontier.size == found.entries:
        found.root = frontier.root().hex()
        found.after = [root.hex() for root in frontier.roots]
    if found.whole and stop is None:
        heads.leftover(found.entries)
    found.whole &= heads.readable
    return found


def check_signatures(
    store: Store,
    *,
    keys: HeadKeys | None,
    cosigners: Sequence[NoteVerifier],
    on_body: OnBody | None,
    progress: Progress | None,
) -> Range:
    """What `check_range` does besides recomputing the tree, over the whole ledger."""
    found = Range(0)
    heads = Heads(store, found, keys, cosigners)
    try:
        while on_body is not None and (rows := store.chunk(found.entries + 1)):
            for seq, body, _ in store.typed(rows, found.entries + 1):
                on_body(seq, body)
                found.entries = seq
                while heads.next_size is not None and heads.next_size <= seq:
                    heads.meet(None)
            if progress is not None and found.entries % PROGRESS_ENTRIES == 0:
                progress(found.entries)
    except WrongBody as error:
        found.add(f"entry {found.entries + 1}", str(error))
        found.whole = False
    except LedgerError as error:
        found.add(f"entry {found.entries + 1}", f"cannot be read: {error}")
        found.whole = False
    while on_body is None and not heads.done:
        heads.meet(None)
    found.whole &= heads.readable
    return found


def _chunk(
    store: Store,
    frontier: Frontier,
    rows: list[Row],
    found: Range,
    heads: "Heads",
    on_body: OnBody | None,
) -> None:
    """The next rows, in order; the heads among them, after their entries."""
    before, last = frontier.copy(), frontier.size + len(rows)
    levels = _whole_chunk(frontier, rows)
    if levels is None:
        typed = store.typed(rows, frontier.size + 1)
        _one_by_one(frontier, typed, found, heads, on_body)
        return
    if on_body is not None:
        for seq, body, _ in rows:
            on_body(seq, body)
            if seq == heads.next_size:
                heads.meet(_within(before, levels, seq))
            found.entries = seq
    while heads.next_size is not None and heads.next_size <= last:
        heads.meet(_within(before, levels, heads.next_size))
    found.entries = last


def _whole_chunk(frontier: Frontier, rows: list[Row]) -> list[list[bytes]] | None:
    """The levels of the subtree over CHUNK rows, if all of them are right; the frontier goes on.

    None, and nothing done, for fewer rows or where anything is wrong.
    """
    start = frontier.size
    if len(rows) != CHUNK or start % CHUNK:
        return None
    seqs, bodies, nodes = zip(*rows, strict=True)
    if seqs != tuple(range(start + 1, start + CHUNK + 1)) or set(map(type, seqs)) != {int}:
        return None
    if set(map(type, bodies)) != {bytes}:
        return None
    if max(map(len, bodies)) > MAX_BODY_BYTES or not min(map(len, bodies)):
        return None
    levels = perfect_levels([sha256(b"\0" + body).digest() for body in bodies])
    expected = levels[0].copy()
    for level in range(1, HEIGHT + 1):
        step = 1 << level
        for place, hashed in zip(range(step - 1, CHUNK, step), levels[level], strict=True):
            expected[place] += hashed
    after = frontier.copy()
    expected[-1] += after.add_perfect(HEIGHT, levels[HEIGHT][0])
    if expected != list(nodes):
        return None
    frontier.become(after)
    return levels


def _within(before: Frontier, levels: list[list[bytes]], size: int) -> Frontier:
    """The frontier at `size`, inside or at the end of a chunk whose levels are known."""
    frontier, at = before.copy(), 0
    for level in range(HEIGHT, -1, -1):
        if size - before.size >> level & 1:
            frontier.add_perfect(level, levels[level][at >> level])
            at += 1 << level
    return frontier


def _one_by_one(
    frontier: Frontier, rows: list[Row], found: Range, heads: "Heads", on_body: OnBody | None
) -> None:
    for seq, body, nodes in rows:
        fault = _fault(frontier, seq, body, nodes)
        if fault:
            found.add(*fault)
            found.whole = False
            return
        if on_body is not None:
            on_body(seq, body)
        while heads.next_size is not None and heads.next_size <= seq:
            heads.meet(frontier)
        found.entries = seq


def _fault(frontier: Frontier, seq: int, body: bytes, nodes: bytes) -> tuple[str, str] | None:
    """What is wrong with this row after those in `frontier`, which it extends."""
    expected = frontier.size + 1
    if seq != expected:
        return f"entry {expected}", f"is missing; entry {seq} follows instead"
    if not 1 <= len(body) <= MAX_BODY_BYTES:
        return f"entry {seq}", f"its body has {len(body)} bytes"
    if frontier.add(body) == nodes:
        return None
    if nodes[:32] != leaf_hash(body):
        return f"entry {seq}", "its body is not the one that was appended (leaf hash)"
    return f"entry {seq}", "its tree nodes do not follow from the entries before it"


class Heads:
    """The heads over the entries of a range, met one after the other as the tree grows."""

    def __init__(
        self,
        store: Store,
        found: Range,
        keys: HeadKeys | None,
        cosigners: Sequence[NoteVerifier],
    ) -> None:
        self._store, self._found, self._keys = store, found, keys
        self._cosigners = {(each.name, each.key_id): each for each in cosigners}
        self._heads: Iterator[Head] = store.heads(found.start if found.start else -1)
        self._head: Head | None = None
        self._newest = 0  # a live writer signs later ones, over entries not seen here
        self.readable = True
        try:
            newest = store.newest_head()
            self._newest = newest.size if newest else 0
        except LedgerError as error:
            self._unreadable(error)
        else:
            self._advance()

    @property
    def next_size(self) -> int | None:
        """The size of the head to be met next."""
        return self._head.size if self._head else None

    @property
    def done(self) -> bool:
        """Whether there is no further head that was there when the check began."""
        return self._head is None or self._head.size > self._newest

    def _advance(self) -> None:
        try:
            self._head = next(self._heads, None)
        except LedgerError as error:
            self._unreadable(error)

    def _unreadable(self, error: LedgerError) -> None:
        self._found.add("heads", f"cannot be read: {error}")
        self._head, self.readable = None, False

    def meet(self, frontier: Frontier | None) -> None:
        """Checks the next head against the tree that it says it covers, unless others do that."""
        head, found = self._head, self._found
        assert head is not None
        where = f"head of {head.size} entries"
        try:
            text, _ = parse_note(head.note)
            if self._keys is not None:
                open_note(head.note, [self._keys.at(head.size)])
            signed = parse_checkpoint(text)
        except LedgerError as error:
            found.add(where, str(error))
        else:
            origin = self._store.origin or signed.origin  # "" is already a problem of the file
            root = signed.root if frontier is None else frontier.root()
            wrong = _difference(signed, Checkpoint(origin, head.size, root))
            if wrong:
                found.add(where, wrong)
            else:
                found.heads += 1
                found.signed = head.size
                self._meet_cosignatures(head.size, text)
        self._advance()

    def _meet_cosignatures(self, size: int, text: str) -> None:
        """The lines that other keys added to this head, as far as the keys are known."""
        where = f"cosignature of the head of {size} entries"
        try:
            for line in self._store.cosignatures(size):
                signature = parse_signature(line.removesuffix("\n"))
                verifier = self._cosigners.get((signature.name, signature.key_id))
                if verifier is None:
                    continue
                if verifier.verifies(text, signature.signature):
                    self._found.cosignatures += 1
                    self._found.cosigned = size
                else:
                    self._found.add(where, f"the signature of {verifier.name} is wrong")
        except LedgerError as error:
            self._found.add(where, str(error))

    def leftover(self, size: int) -> None:
        """Heads over more entries than there are: the newest entries were removed."""
        while self._head is not None and not self.done:
            where = f"head of {self._head.size} entries"
            self._found.add(where, f"was signed, but only {size} entries are left")
            self._advance()


def _difference(signed: Checkpoint, found: Checkpoint) -> str:
    if signed.origin != found.origin:
        return f"belongs to another ledger, {signed.origin}"
    if signed.size != found.size:
        return f"was signed for {signed.size} entries"
    if signed.root != found.root:
        return "was signed for other entries than these (root)"
    return ""


def main() -> None:
    """One range for another process."""
    job = json.load(sys.stdin)
    key = bytes.fromhex(job["key"])
    with Store.examine(Path(job["path"]), key) as store:
        found = check_range(store, start=job["start"], stop=job["stop"])
    json.dump(asdict(found), sys.stdout)


if __name__ == "__main__":
    main()
