"""What a ledger is put through: the acts of a store's life, and what it must say afterwards.

Not for choosing when the power goes. One rule: what the files must say is told before and after
each act, from what the store's calls returned, never by asking the store.

A new act is a method and a row in ACTS; what it changes gets a field in Content, so that `read`
finds it again.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from ledger.attachment import Attachment, make_attachment
from ledger.check import check
from ledger.errors import LedgerError, WrongKey
from ledger.merkle import Frontier
from ledger.note import Checkpoint, signature_line
from ledger.rekey import rekey
from ledger.store import Head, Snapshot, Store
from tests.crash.disk import Disk, Event
from tests.crash.explorer import MAX_VIOLATIONS, Allowed, Explorer, Report, Unrecovered, files_in
from tests.crash.tap import Tap
from tests.ledgers import KEY, ORIGIN, OTHER_KEY, SIGNER, VERIFIER

NAME = "ledger.db"
ACTS_IN_A_RUN = 30


@dataclass(frozen=True)
class Content:
    """All that a ledger holds."""

    bodies: tuple[bytes, ...] = ()
    heads: tuple[Head, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    erased: tuple[tuple[bytes, int], ...] = ()
    cosignatures: tuple[str, ...] = ()
    snapshot: Snapshot | None = None


def read(store: Store) -> Content:
    """What this ledger holds."""
    heads = tuple(store.heads())
    return Content(
        tuple(entry.body for entry in store.entries()),
        heads,
        tuple(store.attachments()),
        tuple(store.erased()),
        tuple(line for head in heads for line in store.cosignatures(head.size)),
        store.snapshot(),
    )


def difference(found: Content, allowed: Allowed) -> str:
    """What is wrong with `found`, in words; "" if it is one of those allowed."""
    if found in allowed:
        return ""
    return f"holds {_told(found)}; allowed: {' or '.join(map(_told, allowed))}"


def _told(content: object) -> str:
    assert isinstance(content, Content)
    told = []
    for name, value in vars(content).items():
        digest = hashlib.sha256(repr(value).encode()).hexdigest()[:6]
        told.append(f"{len(value)} {name} ({digest})" if isinstance(value, tuple) else digest)
    return ", ".join(told)


class Life:
    """One process's use of a ledger in `folder`, from opening to closing, under a tap."""

    def __init__(self, folder: Path, tap: Tap, random: Random) -> None:
        self.folder, self.content = folder, Content()
        self.before: Allowed = (self.content,)  # until something is written
        self._tap, self._random = tap, random
        self._store: Store | None = None
        self._key = KEY
        self._count = 0

    @property
    def store(self) -> Store:
        """The open store."""
        assert self._store is not None
        return self._store

    @property
    def opened(self) -> bool:
        """Whether there is an open store."""
        return self._store is not None

    def let_go(self) -> None:
        """Closes what is open; not part of the life."""
        if self._store is not None:
            self._store.close()

    def open(self) -> None:
        """As the controller opens it."""
        self._store = None
        self._store, self._key = opened(self.folder)

    def resume(self, allowed: Allowed, killed: bool) -> None:
        """Opens what a power cut or a kill left; the ledger tells which of those allowed it is.

        After a kill nothing unsynced is lost yet, and a power cut may still take it.
        """
        self._tap.mark(*allowed)
        self.open()
        self.content = read(self.store)
        self._count = len(self.content.bodies)
        if wrong := difference(self.content, allowed):
            raise Unrecovered(wrong)
        self.before = allowed if killed else (self.content,)
        self._tap.mark(*self.before)

    def live(self, acts: "Acts", count: int) -> None:
        """Some acts, each chosen by chance."""
        weights = [weight for weight, _ in acts]
        for _ in range(count):
            (_, act), *_ = self._random.choices(acts, weights)
            act(self)

    def close(self) -> None:
        """Closing moves the WAL into the file."""
        store, self._store = self.store, None
        store.close()

    def _write(self, content: Content, write: Callable[[], object]) -> None:
        """One act that changes the content, all of it or nothing."""
        self._tap.mark(*self.before, content)
        write()
        self.content, self.before = content, (content,)
        self._tap.mark(content)

    def _body(self) -> bytes:
        self._count += 1
        size = self._random.choice((1, 30, 300, 300, 300, 3000, 9000))
        text = hashlib.shake_128(b"%d %d" % (self._count, self._random.getrandbits(32)))
        return text.digest(size)

    def add(
        self,
        bodies: Sequence[bytes],
        attachments: Sequence[Attachment] = (),
        erasures: Sequence[tuple[int, bytes]] = (),
    ) -> int:
        """Appends, as the store does; `erasures` name attachments that are there."""
        before, gone = self.content, {hashed for _, hashed in erasures}
        content = replace(
            before,
            bodies=(*before.bodies, *bodies),
            attachments=(
                *(each for each in before.attachments if each.hash not in gone),
                *attachments,
            ),
            erased=(
                *before.erased,
                *sorted((hashed, len(before.bodies) + 1 + at) for at, hashed in erasures),
            ),
        )
        self._write(content, lambda: self.store.append(bodies, attachments, erasures))
        return len(before.bodies) + 1

    def _append(self, bodies: int, attachments: int, erasures: int = 0) -> None:
        self.add(
            [self._body() for _ in range(bodies)],
            [self._attachment() for _ in range(attachments)],
            [(0, each.hash) for each in self._random.sample(self.content.attachments, erasures)],
        )

    def _attachment(self) -> Attachment:
        return make_attachment("person", self._random.randbytes(16), self._body())

    def append(self) -> None:
        """The usual entry."""
        self._append(1, 0)

    def append_several(self) -> None:
        """One event's records."""
        self._append(self._random.randint(2, 6), 0)

    def append_with_attachments(self) -> None:
        """A record with the details it names."""
        self._append(self._random.randint(1, 2), self._random.randint(1, 3))

    def sign_head(self) -> None:
        """A head over all entries, unless there is one."""
        size = len(self.content.bodies)
        heads = self.content.heads
        if size == (heads[-1].size if heads else 0):
            return
        frontier = Frontier()
        for body in self.content.bodies:
            frontier.add(body)
        head = Head(size, SIGNER.sign(Checkpoint(ORIGIN, size, frontier.root()).text()))
        content = replace(self.content, heads=(*heads, head))
        self._write(content, lambda: self.store.sign_head(SIGNER))

    def erase(self) -> None:
        """An entry that orders attachments to be erased, if there are any, and their erasure."""
        there = len(self.content.attachments)
        self._append(1, self._random.randint(0, 1), min(there, self._random.randint(1, 2)))

    def cosign(self) -> None:
        """Another key's signature beside the newest head."""
        heads = self.content.heads
        if not heads:
            return
        line = signature_line("witness", self._random.randbytes(4), self._random.randbytes(72))
        content = replace(self.content, cosignatures=(*self.content.cosignatures, line))
        self._write(content, lambda: self.store.add_cosignature(heads[-1].size, line))

    def snapshot(self) -> None:
        """What was derived from the entries, in the place of the older one."""
        size = self._random.choice((10, 3000, 20_000))
        self.keep(Snapshot(len(self.content.bodies), 1, self._random.randbytes(size)))

    def keep(self, snapshot: Snapshot) -> None:
        """This snapshot instead of the older one."""
        content = replace(self.content, snapshot=snapshot)
        self._write(content, lambda: self.store.keep_snapshot(snapshot))

    def checkpoint(self) -> None:
        """The WAL into the file."""
        self.store.checkpoint()

    def checkpoint_beside_a_reader(self) -> None:
        """Part of the WAL into the file; the rest waits for the reader."""
        with Store.open(self.folder / NAME, self._key, read_only=True) as reader:
            reader._connection.execute("BEGIN")
            reader._connection.execute("SELECT max(seq) FROM e").fetchall()
            self.append()
            self.append()
            self.store.checkpoint()
            self.append()

    def rekey(self) -> None:
        """The controller ends, the file gets the other key, and it starts again."""
        self.close()
        rekey(self.folder / NAME, self._key, OTHER_KEY if self._key == KEY else KEY)
        self.open()

    def restart(self) -> None:
        """The controller ends and starts again."""
        self.close()
        self.open()


Acts = Sequence[tuple[int, Callable[[Life], None]]]  # with weights
ACTS: Acts = (
    (8, Life.append),
    (3, Life.append_several),
    (3, Life.append_with_attachments),
    (3, Life.sign_head),
    (2, Life.erase),
    (2, Life.cosign),
    (2, Life.snapshot),
    (3, Life.checkpoint),
    (2, Life.checkpoint_beside_a_reader),
    (1, Life.restart),
    (1, Life.rekey),
)


def opened(folder: Path) -> tuple[Store, bytes]:
    """The store and its key, which may be the new one where a change of it was cut off."""
    try:
        return Store.open(folder / NAME, KEY), KEY
    except WrongKey:
        return Store.open(folder / NAME, OTHER_KEY), OTHER_KEY


def create(folder: Path) -> Disk:
    """A new ledger, closed, and the disk with it."""
    folder.mkdir(exist_ok=True)
    Store.create(folder / NAME, KEY, ORIGIN).close()
    return Disk(files_in(folder))


def record(folder: Path, random: Random, acts: Acts) -> list[Event]:
    """A run of a new ledger, whose file is there without entries."""
    tap = Tap(folder)
    with tap.recording():
        life = Life(folder, tap, random)
        tap.mark(*life.before)
        life.open()
        life.live(acts, ACTS_IN_A_RUN)
        life.close()
    return tap.events


def explore(
    scratch: Path, seed: str, wanted: int, acts: Acts = ACTS, max_violations: int = MAX_VIOLATIONS
) -> Report:
    """Records a run of `seed`, and cuts its power until there were `wanted` distinct states."""

    def again(folder: Path, allowed: Allowed, killed: bool, random: Random) -> list[Event]:
        tap = Tap(folder)
        with tap.recording():
            life = Life(folder, tap, random)
            life.resume(allowed, killed)
            life.live(acts, random.randint(0, 3))
            life.close()
        return tap.events

    folder = scratch / "live"
    base = create(folder)
    events = record(folder, Random(seed), acts)
    explorer = Explorer(scratch / "state", seed, recovers, again)
    explorer.max_violations = max_violations
    return explorer.explore(base, events, wanted)


def recovers(folder: Path, allowed: Allowed, thorough: bool) -> str:
    """Opens what a power cut left, twice; what is wrong with it, or ""."""
    try:
        with opened(folder)[0] as store:
            found = read(store)
            size, root = store.size, store.root()
            if wrong := difference(found, allowed):
                return wrong
        with opened(folder)[0] as store:
            if (store.size, store.root()) != (size, root) or read(store) != found:
                return "says something else when opened again"
            findings = check(store, VERIFIER)
            if not findings.good:
                return "; ".join(findings.lines())
            if thorough and store.append([b"goes on"]) != size + 1:
                return "does not go on"
    except LedgerError as error:
        return f"{type(error).__name__}: {error}"
    return ""
