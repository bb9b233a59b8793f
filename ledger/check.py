"""The whole check of a ledger file: pages, sequence, tree, heads, attachments.

Not for what bodies mean: `on_body` looks at those; entries and heads are in `check_tree.py`. One
rule: nothing stored is believed that can be recomputed, a damaged file is reported and never
crashes the check, and the findings say what was checked and what was not.

Pages are checked beside the entries, by a connection of their own where the key is given. With
more than one worker, ranges of entries are checked by processes.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ledger.attachment import attachment_hash
from ledger.check_tree import OnBody, Progress, Range, check_range, check_signatures
from ledger.errors import LedgerError
from ledger.keyring import HeadKeys
from ledger.note import NoteVerifier
from ledger.store import CHUNK, Store

MAX_PROBLEMS = 100
MAX_WORKERS = 16


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

    `entries`, `heads`, `cosignatures` and `attachments` were found good; `root` is the Merkle root
    over `entries`; `signed` and `cosigned` entries are under the newest good head of either kind.
    """

    path: Path
    origin: str = ""
    entries: int = 0
    heads: int = 0
    attachments: int = 0
    signed: int = 0
    cosignatures: int = 0
    cosigned: int = 0
    root: bytes = b""
    signatures_checked: bool = False
    cosigners: int = 0
    bodies_checked: bool = False
    structure_checked: bool = True
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
            "pages: the authentication code of every page in use"
            f"{', and their order' if self.structure_checked else ''}",
            f"entries: {self.entries} (sequence, leaf hash, tree nodes"
            f"{', body' if self.bodies_checked else ''}); root {self.root.hex() or 'unknown'}",
            f"heads: {self.heads} ({signatures}origin, size, root, and so that each continues the "
            f"one before); the newest covers {self.signed} of {self.entries} entries",
            f"attachments: {self.attachments} (hash)",
        ]
        if self.cosigners:
            told.append(
                f"second signatures: {self.cosignatures} by the keys known here; the newest covers "
                f"{self.cosigned} of {self.entries} entries"
            )
        if not self.signatures_checked:
            told.append("not checked: signatures of heads (no verification key was given)")
        if not self.structure_checked:
            told.append(
                "not checked, to be quick: the order of the entries' pages as SQLite sees it; it "
                "shows whether older pages were put in place of the newest, after the newest head"
            )
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
    *,
    cosigners: Sequence[NoteVerifier] = (),
    workers: int = 1,
    structure: bool = True,
) -> Findings:
    """Checks the file at `path`, however damaged, beside a live writer if there is one."""
    try:
        store = Store.examine(path, key)
    except LedgerError as error:
        findings = Findings(path)
        findings.add("opening", str(error))
        return findings
    with store:
        return check(
            store,
            verifier,
            on_body,
            progress,
            cosigners=cosigners,
            key=key,
            workers=workers,
            structure=structure,
        )


def check(
    store: Store,
    verifier: HeadKeys | None = None,
    on_body: OnBody | None = None,
    progress: Progress | None = None,
    *,
    cosigners: Sequence[NoteVerifier] = (),
    key: bytes | None = None,
    workers: int = 1,
    structure: bool = True,
) -> Findings:
    """Checks everything in `store`, which may be open in any way.

    `verifier` is asked which key signs each head, after `on_body` had the entries it covers.
    `on_body(seq, body)` is called in order, for each entry that is good so far (with more than one
    worker: before that is known), and raises WrongBody to find fault with it; `progress(seq)` is
    called now and then. Workers above one need the `key`. Without `structure`, the order of the
    entries' own pages, as SQLite checks it, is left out.
    """
    assert 1 <= workers <= MAX_WORKERS and (key is not None or workers == 1)
    findings = Findings(
        store.path,
        store.origin,
        signatures_checked=verifier is not None,
        cosigners=len(cosigners),
        bodies_checked=on_body is not None,
        structure_checked=structure,
    )
    for doubt in store.doubts:
        findings.add("file", doubt)
    pages = _Pages(store, key, structure)
    if workers == 1:
        found = check_range(
            *(store,), keys=verifier, cosigners=cosigners, on_body=on_body, progress=progress
        )
    else:
        assert key is not None
        ranges = _start_workers(store, key, workers)
        signatures = check_signatures(
            *(store,), keys=verifier, cosigners=cosigners, on_body=on_body, progress=progress
        )
        found = _joined([_result(*each) for each in ranges], signatures)
    whole = _check_attachments(store, findings)
    wrong = pages.wrong()
    if wrong or found.problems or findings.problems:
        wrong = store.authenticity() + wrong
    for each in wrong:
        findings.add("pages", each)
    for where, what in found.problems:
        findings.add(where, what)
    findings.entries, findings.root = found.entries, bytes.fromhex(found.root)
    findings.heads, findings.signed = found.heads, found.signed
    findings.cosignatures, findings.cosigned = found.cosignatures, found.cosigned
    findings.complete = whole and found.whole
    return findings


class _Pages:
    """The check of pages: beside, in a thread with a connection of its own, if the key is given.

    SQLite works without Python's lock, so the thread takes a processor of its own.
    """

    def __init__(self, store: Store, key: bytes | None, structure: bool) -> None:
        self._path, self._key, self._structure = store.path, key, structure
        self._wrong: list[str] = []
        self._thread: threading.Thread | None = None
        if key is None:
            self._wrong = store.integrity(structure=structure)
        else:
            self._thread = threading.Thread(target=self._run, name="pages", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        assert self._key is not None
        try:
            with Store.examine(self._path, self._key) as store:
                self._wrong = store.integrity(structure=self._structure)
        except LedgerError as error:
            self._wrong = [str(error)]

    def wrong(self) -> list[str]:
        """What is wrong, when it is known."""
        if self._thread is not None:
            self._thread.join()
        return self._wrong


Worker = tuple[int, "subprocess.Popen[str]"]


def _start_workers(store: Store, key: bytes, workers: int) -> list[Worker]:
    """A process for each of so many ranges of about equal length."""
    try:
        size = store.last()
    except LedgerError:
        size = 0  # the first worker will say what cannot be read
    starts = sorted({size * at // workers // CHUNK * CHUNK for at in range(workers)})
    started = []
    for start, stop in zip(starts, (*starts[1:], None), strict=True):
        process = subprocess.Popen(
            [sys.executable, "-m", "ledger.check_tree"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,  # where this package is
        )
        assert process.stdin is not None
        job = {"path": str(store.path), "key": key.hex(), "start": start, "stop": stop}
        json.dump(job, process.stdin)
        process.stdin.close()
        started.append((start, process))
    return started


def _result(start: int, process: "subprocess.Popen[str]") -> Range:
    """What a worker found; that it ended early is a problem of its range."""
    assert process.stdout is not None
    with process:
        told = process.stdout.read()
    try:
        found = Range(**json.loads(told))
    except (ValueError, TypeError):
        found = Range(start, start, whole=False)
        found.add(f"entry {start + 1}", f"its worker ended with status {process.returncode}")
    return found


def _joined(ranges: Sequence[Range], signatures: Range) -> Range:
    """One range out of several that follow each other, as one worker would have found it."""
    joined, good = Range(0, whole=signatures.whole), True
    for before, found in zip((None, *ranges), ranges, strict=False):
        for where, what in found.problems:
            joined.add(where, what)
        if good and before is not None and before.after != found.before:
            where = f"entry {found.start + 1}"
            joined.add(where, "the stored tree before it is not that of the entries before it")
            good = False
        if good:
            joined.entries, joined.root = found.entries, found.root
            joined.heads += found.heads
            joined.signed = max(joined.signed, found.signed)
        good &= found.whole
    joined.whole &= good
    known = {tuple(each) for each in joined.problems}
    joined.problems += [each for each in signatures.problems if each not in known]
    joined.heads = min(joined.heads, signatures.heads)
    joined.signed = min(joined.signed, signatures.signed)
    joined.cosignatures, joined.cosigned = signatures.cosignatures, signatures.cosigned
    return joined


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
