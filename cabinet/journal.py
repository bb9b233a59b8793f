"""Records to the ledger and back: bodies encoded once, and the state replayed from the entries.

Not for what a record means. One rule: what `append` returns for is on disk.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from cabinet import records as r
from cabinet import snapshot
from cabinet.effects import apply
from cabinet.events import Moment
from cabinet.state import State
from ledger.attachment import Attachment


class Sink(Protocol):
    """Where bodies become durable: a `Store`, or a list in a test of the rules."""

    @property
    def size(self) -> int: ...

    def append(
        self,
        bodies: Sequence[bytes],
        attachments: Sequence[Attachment] = (),
        erasures: Sequence[tuple[int, bytes]] = (),
    ) -> int: ...


class Entry(Protocol):
    """One entry's bytes."""

    @property
    def body(self) -> bytes: ...


class Kept(Protocol):
    """A snapshot as kept."""

    @property
    def size(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def data(self) -> bytes: ...


class Source(Protocol):
    """What is replayed: a `Store`, or a list in a test of the rules."""

    @property
    def size(self) -> int: ...

    def entries(self, start: int = 1) -> Iterable[Entry]: ...

    def attachment(self, hashed: bytes, /) -> Attachment | None: ...

    def snapshot(self) -> Kept | None: ...


class Attachments(Mapping[str, r.Details]):
    """The details of a source's attachments by hash in hex, read when they are asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __getitem__(self, name: str) -> r.Details:
        try:
            found = self._source.attachment(bytes.fromhex(name))
        except ValueError:
            found = None
        if found is None:
            raise KeyError(name)
        return r.decode_details(found.kind, found.data)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("attachments are looked up, not listed")

    def __len__(self) -> int:
        raise TypeError("attachments are looked up, not counted")


class Journal:
    """Writes one cabinet's records."""

    def __init__(self, sink: Sink, cabinet: str, boot: str, salt: Callable[[int], bytes]) -> None:
        self._sink, self._cabinet, self._boot, self._salt = sink, cabinet, boot, salt

    def append(
        self,
        records: Sequence[r.Record],
        attachments: Sequence[Attachment],
        moment: Moment,
    ) -> list[r.Body]:
        """Make the records durable in one commit; the bodies as stored."""
        first = self._sink.size + 1
        bodies = [
            r.Body(
                r.BODY_TAG,
                r.BODY_VERSION,
                self._cabinet,
                first + index,
                moment.wall_ms,
                moment.mono_ms,
                self._boot,
                self._salt(16).hex(),
                record,
            )
            for index, record in enumerate(records)
        ]
        erasures = [
            (place, bytes.fromhex(record.attachment))
            for place, record in enumerate(records)
            if isinstance(record, r.Erased)
        ]
        encoded = [r.encode_body(body) for body in bodies]
        written = self._sink.append(encoded, attachments, erasures)
        assert written == first, "the ledger numbers entries as they were encoded"
        return bodies


def attached(attachments: Iterable[Attachment]) -> dict[str, r.Details]:
    """The details of attachments, by hash in hex."""
    return {a.hash.hex(): r.decode_details(a.kind, a.data) for a in attachments}


def replay(source: Source) -> State:
    """The state that the ledger's entries lead to; raises CorruptLedger or UnreadableBody.

    From the snapshot if one counts: only if the entry after it says its size, version and digest.
    """
    details = Attachments(source)
    kept = source.snapshot()
    state = State()
    if kept is not None and _counts(source, kept):
        state = snapshot.restore(kept.data, details)
    for entry in source.entries(state.size + 1):
        try:
            apply(state, r.decode_body(entry.body), details)
        except r.UnreadableBody as error:
            raise r.UnreadableBody(
                f"entry {state.size + 1}: {error}; if newer software wrote it, use that; else it "
                "is damaged, and `cabinet verify` says more"
            ) from None
    return state


def _counts(source: Source, kept: Kept) -> bool:
    if kept.version != snapshot.VERSION or kept.size >= source.size:
        return False
    entry = next(iter(source.entries(kept.size + 1)))
    said = r.SnapshotTaken(kept.size, kept.version, snapshot.digest(kept.data))
    return r.decode_body(entry.body).record == said
