"""The whole check of a ledger file: pages, sequence, tree, heads, attachments.

Not for what bodies mean: `on_body` looks at those. One rule: nothing stored is believed that can
be recomputed, a damaged file is reported and never crashes the check, and the findings say what
was checked and what was not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ledger.attachment import attachment_hash
from ledger.errors import LedgerError, WrongBody
from ledger.keyring import HeadKeys
from ledger.merkle import Frontier, leaf_hash
from ledger.note import Checkpoint, open_note, parse_checkpoint, parse_note
from ledger.store import MAX_BODY_BYTES, Head, Store

MAX_PROBLEMS = 100
PROGRESS_ENTRIES = 4096

OnBody = Callable[[int, bytes], None]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Problem:
    """`what` is wrong and `where`: "entry 17", "head of 32 entries", "attachment 3f..."."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass
class Findings:
    """What was checked, in numbers, and what is wrong; `good` only if nothing is.

    `entries`, `heads` and `attachments` were found good; `root` is the Merkle root over `entries`.
    """

    path: Path
    origin: str = ""
    entries: int = 0
    heads: int = 0
    attachments: int = 0
    signed: int = 0
    root: bytes = b""
    signatures_checked: bool = False
    bodies_checked: bool = False
    complete: bool = False
    problems: list[Problem] = field(default_factory=list)
    more: int = 0

    @property
    def good(self) -> bool:
        """Whether everything was checked and nothing is wrong."""
        return self.complete and not self.problems

    def add(self, where: str, what: str) -> None:
        """Notes a problem; beyond MAX_PROBLEMS they are only counted."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(where, what))
        else:
            self.more += 1

    def lines(self) -> list[str]:
        """The findings for a person, one fact a line."""
        signatures = "signature, " if self.signatures_checked else ""
        told = [
            f"ledger {self.path}, origin {self.origin or 'unknown'}",
            "pages: every page's authentication code, and the database's own structure",
            f"entries: {self.entries} (sequence, leaf hash, tree nodes"
            f"{', body' if self.bodies_checked else ''}); root {self.root.hex() or 'unknown'}",
            f"heads: {self.heads} ({signatures}origin, size, root, and so that each continues the "
            f"one before); the newest covers {self.signed} of {self.entries} entries",
            f"attachments: {self.attachments} (hash)",
        ]
        if not self.signatures_checked:
            told.append("not checked: signatures of heads (no verification key was given)")
        if not self.bodies_checked:
            told.append("not checked: what bodies say")
        told.append(
            "not visible in this file alone: that it is not an older copy, or rewritten by someone "
            "who holds its keys; compare its newest head with one kept elsewhere"
        )
        told += [f"WRONG {problem}" for problem in self.problems]
        if self.more:
            told.append(f"WRONG and {self.more} more")
        if self.good:
            told.append("good")
        elif not self.problems:
            told.append("not complete")
        return told


def check_file(
    path: Path,
    key: bytes,
    verifier: HeadKeys | None = None,
    on_body: OnBody | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Checks the file at `path`, however damaged, beside a live writer if there is one."""
    try:
        store = Store.examine(path, key)
    except LedgerError as error:
        findings = Findings(path)
        findings.add("opening", str(error))
        return findings
    with store:
        return check(store, verifier, on_body, progress)


def check(
    store: Store,
    verifier: HeadKeys | None = None,
    on_body: OnBody | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Checks everything in `store`, which may be open in any way.

    `verifier` is asked which key signs each head, after `on_body` had the entries it covers.
    `on_body(seq, body)` is called in order for each entry that is good so far and raises
    WrongBody to find fault with it; `progress(seq)` is called now and then.
    """
    findings = Findings(
        store.path,
        store.origin,
        signatures_checked=verifier is not None,
        bodies_checked=on_body is not None,
    )
    for doubt in store.doubts:
        findings.add("file", doubt)
    for wrong in store.integrity():
        findings.add("pages", wrong)
    whole = _check_entries(store, verifier, on_body, progress, findings)
    whole &= _check_attachments(store, findings)
    findings.complete = whole
    return findings


def _check_entries(
    store: Store,
    verifier: HeadKeys | None,
    on_body: OnBody | None,
    progress: Progress | None,
    findings: Findings,
) -> bool:
    """Recomputes the tree from the bodies and meets each head on the way; stops at a wrong entry.

    After the first wrong entry every later hash would be wrong too, and would say nothing.
    """
    frontier = Frontier()
    heads = _Heads(store, verifier, findings)
    whole = True
    try:
        for seq, body, nodes in store.rows():
            fault = _fault(frontier, seq, body, nodes)
            if fault:
                findings.add(*fault)
                whole = False
                break
            if on_body is not None:
                on_body(seq, body)
            if seq == heads.next_size:
                heads.meet(frontier)
            if progress is not None and seq % PROGRESS_ENTRIES == 0:
                progress(seq)
            findings.entries = seq
    except WrongBody as error:
        findings.add(f"entry {findings.entries + 1}", str(error))
        whole = False
    except LedgerError as error:
        findings.add(f"entry {findings.entries + 1}", f"cannot be read: {error}")
        whole = False
    findings.root = frontier.root() if frontier.size == findings.entries else b""
    if whole:
        heads.leftover(frontier.size)
    return whole and heads.readable


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


class _Heads:
    """The heads of a store, met one after the other as the tree grows."""

    def __init__(self, store: Store, verifier: HeadKeys | None, findings: Findings) -> None:
        self._verifier, self._findings = verifier, findings
        self._origin = store.origin
        self._heads: Iterator[Head] = store.heads()
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
    def next_size(self) -> int:
        """The size of the head to be met next; -1 if there is none."""
        return self._head.size if self._head else -1

    def _advance(self) -> None:
        try:
            self._head = next(self._heads, None)
        except LedgerError as error:
            self._unreadable(error)

    def _unreadable(self, error: LedgerError) -> None:
        self._findings.add("heads", f"cannot be read: {error}")
        self._head, self.readable = None, False

    def meet(self, frontier: Frontier) -> None:
        """Checks the next head against the tree that it says it covers."""
        head = self._head
        assert head is not None and head.size == frontier.size
        where = f"head of {head.size} entries"
        try:
            if self._verifier is None:
                text, _ = parse_note(head.note)
            else:
                text = open_note(head.note, [self._verifier.at(head.size)])
            signed = parse_checkpoint(text)
        except LedgerError as error:
            self._findings.add(where, str(error))
        else:
            origin = self._origin or signed.origin  # "" is already a problem of the file
            wrong = _difference(signed, Checkpoint(origin, head.size, frontier.root()))
            if wrong:
                self._findings.add(where, wrong)
            else:
                self._findings.heads += 1
                self._findings.signed = head.size
        self._advance()

    def leftover(self, size: int) -> None:
        """Heads over more entries than there are: the newest entries were removed."""
        while self._head is not None and self._head.size <= self._newest:
            where = f"head of {self._head.size} entries"
            self._findings.add(where, f"was signed, but only {size} entries are left")
            self._advance()


def _difference(signed: Checkpoint, found: Checkpoint) -> str:
    if signed.origin != found.origin:
        return f"belongs to another ledger, {signed.origin}"
    if signed.size != found.size:
        return f"was signed for {signed.size} entries"
    if signed.root != found.root:
        return "was signed for other entries than these (root)"
    return ""


def _check_attachments(store: Store, findings: Findings) -> bool:
    try:
        for each in store.attachments():
            if each.hash == attachment_hash(each.kind, each.salt, each.data):
                findings.attachments += 1
            else:
                findings.add(f"attachment {each.hash.hex()}", "its bytes are not those it names")
    except LedgerError as error:
        findings.add("attachments", f"cannot be read: {error}")
        return False
    return True
