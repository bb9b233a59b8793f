"""A disk as a power cut sees it: what was written, what was synced, and the states it may leave.

Pure: events in, file contents out. Not for a database's meaning. One rule: what was not synced may
be there, be gone, or be torn at 512 bytes, each write for itself; what was synced is there. A name
is as durable as its folder's last sync; names of one file change in order, others in any.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

SECTOR_BYTES = 512
PAGE_BYTES = 4096  # of the operating system's cache, the least that it writes


@dataclass(frozen=True)
class Create:
    """A new empty file."""

    name: str


@dataclass(frozen=True)
class Write:
    """Bytes at an offset."""

    name: str
    offset: int
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Truncate:
    """A new size, smaller or larger."""

    name: str
    size: int


@dataclass(frozen=True)
class Sync:
    """All of a file's writes are on the disk."""

    name: str


@dataclass(frozen=True)
class LostSync:
    """A sync failed; the system forgot which pages were not written and never writes them again."""

    name: str


@dataclass(frozen=True)
class Unlink:
    """A name is gone."""

    name: str


@dataclass(frozen=True)
class Rename:
    """A file under a new name, which it takes from another file if there was one."""

    name: str
    new: str


@dataclass(frozen=True)
class SyncFolder:
    """All names are on the disk."""


@dataclass(frozen=True)
class Mark:
    """From here until the next mark, what the files say must be one of `allowed`."""

    allowed: tuple[object, ...] = field(repr=False)


Event = Create | Write | Truncate | Sync | LostSync | Unlink | Rename | SyncFolder | Mark
Files = dict[str, bytes]


@dataclass
class _File:
    """`cache` is what the running system sees, `durable` what is surely on the disk."""

    durable: bytearray = field(default_factory=bytearray)
    cache: bytearray = field(default_factory=bytearray)
    pending: list[Write | Truncate] = field(default_factory=list)
    torn_from_cache: bool = False  # some of `cache` will never be written by itself


def _put(content: bytearray, event: Write | Truncate) -> None:
    if isinstance(event, Truncate):
        content[event.size :] = bytes(max(0, event.size - len(content)))
        return
    if len(content) < event.offset:
        content.extend(bytes(event.offset - len(content)))
    content[event.offset : event.offset + len(event.data)] = event.data


class Disk:
    """One folder's files; `apply` events, then ask what there is, or what a power cut leaves."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self._files: list[_File] = []
        self._names: dict[str, int] = {}
        for name, content in (files or {}).items():
            self._names[name] = len(self._files)
            self._files.append(_File(bytearray(content), bytearray(content)))
        self._durable = dict(self._names)
        self._renamed: list[tuple[tuple[str, int | None], ...]] = []  # changes of names, not synced

    def copy(self) -> "Disk":
        """Another one with the same past."""
        return copy.deepcopy(self)

    def run(self, events: Iterable[Event]) -> None:
        """Apply them all."""
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> None:
        """What happened next. Writes to a name that is gone are forgotten with it."""
        match event:
            case Create():
                self._rename((event.name, len(self._files)))
                self._files.append(_File())
            case Unlink():
                self._rename((event.name, None))
            case Rename():
                self._rename((event.name, None), (event.new, self._names[event.name]))
            case SyncFolder():
                for change in self._renamed:
                    _rename(self._durable, change)
                self._renamed.clear()
            case Mark():
                pass
            case _ if event.name in self._names:
                _happen(self._files[self._names[event.name]], event)

    def _rename(self, *change: tuple[str, int | None]) -> None:
        _rename(self._names, change)
        self._renamed.append(change)

    @property
    def unsettled(self) -> int:
        """How many changes a power cut could undo."""
        return len(self._renamed) + sum(len(file.pending) for file in self._files)

    def cached(self) -> Files:
        """What the running system sees, and a process that starts after another was killed."""
        return {name: bytes(self._files[at].cache) for name, at in self._names.items()}

    def after_power_cut(self, random: Random) -> Files:
        """One of the states that the disk may be in when the power is back."""
        way = random.choice(("lost", "kept", "order", "any", "any", "any", "any"))
        keep = {"lost": 0.0, "kept": 1.0}.get(way, random.choice((0.1, 0.5, 0.9)))
        names = self._names_kept(random, 0.0 if way == "kept" else 1 - keep)
        contents: dict[int, bytes] = {}
        for at in sorted(set(names.values())):
            file = self._files[at]
            if way == "order":
                contents[at] = _prefix(file, random)
            else:
                contents[at] = _subset(file, random, keep, torn=0.0 if keep in (0.0, 1.0) else 0.3)
        return {name: contents[at] for name, at in names.items()}

    def _names_kept(self, random: Random, lost: float) -> dict[str, int]:
        """The names; once a change is lost, so is all that came after it for the same names."""
        names = dict(self._durable)
        stopped: set[str] = set()
        for change in self._renamed:
            touched = {name for name, _ in change}
            if touched & stopped or random.random() < lost:
                stopped |= touched
            else:
                _rename(names, change)
        return names


def _rename(names: dict[str, int], change: Iterable[tuple[str, int | None]]) -> None:
    for name, at in change:
        if at is None:
            names.pop(name, None)
        else:
            names[name] = at


def _happen(file: _File, event: Write | Truncate | Sync | LostSync) -> None:
    match event:
        case Sync():
            for pending in file.pending:
                _put(file.durable, pending)
            file.pending.clear()
        case LostSync():
            file.pending.clear()
            file.torn_from_cache = True
        case _:
            _put(file.cache, event)
            if file.torn_from_cache and isinstance(event, Write):
                event = _whole_pages(file, event)
            file.pending.append(event)


def _whole_pages(file: _File, write: Write) -> Write:
    """The pages that this write makes the system write again, with all that they hold."""
    start = write.offset // PAGE_BYTES * PAGE_BYTES
    stop = -(-(write.offset + len(write.data)) // PAGE_BYTES) * PAGE_BYTES
    return Write(write.name, start, bytes(file.cache[start:stop]))


def _prefix(file: _File, random: Random) -> bytes:
    """The writes reached the disk in their order, the last one perhaps torn."""
    content = bytearray(file.durable)
    kept = random.randint(0, len(file.pending))
    for event in file.pending[:kept]:
        _put(content, event)
    if kept < len(file.pending) and random.random() < 0.5:
        _tear(content, file.pending[kept], random)
    return bytes(content)


def _subset(file: _File, random: Random, keep: float, torn: float) -> bytes:
    """Any of the writes reached the disk, some torn; the size may have, and its bytes not."""
    content = bytearray(file.durable)
    for event in file.pending:
        if random.random() < torn:
            _tear(content, event, random)
        elif random.random() < keep:
            _put(content, event)
    grown = len(file.cache) - len(content)
    if torn and grown > 0 and random.random() < 0.2:
        content.extend(bytes(grown))
    return bytes(content)


def _tear(content: bytearray, event: Write | Truncate, random: Random) -> None:
    """Puts some sectors of a write: the first ones, the last ones, or any."""
    if isinstance(event, Truncate):
        return
    pieces, start = [], event.offset
    end = event.offset + len(event.data)
    while start < end:
        stop = min(end, (start // SECTOR_BYTES + 1) * SECTOR_BYTES)
        pieces.append(
            Write(event.name, start, event.data[start - event.offset : stop - event.offset])
        )
        start = stop
    at = random.randint(0, len(pieces))
    way = random.randrange(3)
    for number, piece in enumerate(pieces):
        if (number < at, number >= at, bool(random.getrandbits(1)))[way]:
            _put(content, piece)
