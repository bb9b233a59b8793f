"""The model of a disk: what a power cut may leave, and what it never does."""

from collections.abc import Sequence
from random import Random

import pytest

from tests.crash.disk import (
    SECTOR_BYTES,
    Create,
    Disk,
    Event,
    Files,
    LostSync,
    Rename,
    Sync,
    SyncFolder,
    Truncate,
    Unlink,
    Write,
)

pytestmark = pytest.mark.crash


def states(events: Sequence[Event], start: Files | None = None) -> list[Files]:
    """Many states that a power cut after these events may leave."""
    disk = Disk(start)
    disk.run(events)
    return [disk.after_power_cut(Random(seed)) for seed in range(400)]


def contents(events: Sequence[Event], start: Files | None = None) -> set[bytes]:
    return {files["a"] for files in states(events, start or {"a": b""})}


def test_what_was_synced_is_there() -> None:
    assert contents([Write("a", 0, b"one"), Sync("a")]) == {b"one"}


def test_of_what_was_not_any_subset_is_there() -> None:
    found = contents([Write("a", 0, b"1"), Write("a", 1, b"2"), Write("a", 2, b"3")])
    kept = {tuple(value > 0 for value in (each + bytes(3))[:3]) for each in found}
    assert len(kept) == 8


def test_a_write_is_torn_at_sectors_and_nowhere_else() -> None:
    data = b"x" * 3 * SECTOR_BYTES
    old = bytes(len(data))
    found = contents([Write("a", 0, data)], {"a": old})
    assert len(found) == 8, "each sector for itself"
    for each in found:
        for at in range(0, len(data), SECTOR_BYTES):
            assert each[at : at + SECTOR_BYTES] in (old[:SECTOR_BYTES], data[:SECTOR_BYTES])


def test_a_shorter_size_may_be_lost_or_kept() -> None:
    assert contents([Truncate("a", 1)], {"a": b"abc"}) == {b"a", b"abc"}


def test_a_file_may_have_grown_without_its_bytes() -> None:
    data = b"x" * 2 * SECTOR_BYTES
    assert bytes(len(data)) in contents([Write("a", 0, data)])


def test_a_name_is_durable_with_its_folder_and_not_before() -> None:
    made: list[Event] = [Create("a"), Write("a", 0, b"x"), Sync("a")]
    assert {"a" in files for files in states(made)} == {True, False}
    assert all(files == {"a": b"x"} for files in states([*made, SyncFolder()]))
    gone: list[Event] = [*made, SyncFolder(), Unlink("a")]
    assert {"a" in files for files in states(gone)} == {True, False}
    assert all("a" not in files for files in states([*gone, SyncFolder()]))


def test_a_rename_is_whole_or_not_at_all() -> None:
    events: list[Event] = [
        Create("b"),
        Write("b", 0, b"new"),
        Sync("b"),
        SyncFolder(),
        Rename("b", "a"),
    ]
    found = {tuple(sorted(files.items())) for files in states(events, {"a": b"old"})}
    assert found == {(("a", b"old"), ("b", b"new")), (("a", b"new"),)}


def test_changes_of_one_name_keep_their_order() -> None:
    events: list[Event] = [Create("a"), Write("a", 0, b"1"), Sync("a"), Unlink("a"), Create("a")]
    found = {files.get("a") for files in states([*events, Write("a", 0, b"2"), Sync("a")])}
    assert found == {None, b"1", b"2"}


def test_what_a_failed_sync_forgot_no_later_sync_writes() -> None:
    page = 4096
    events: list[Event] = [
        Write("a", 0, b"x" * page),
        LostSync("a"),
        Write("a", page, b"y" * page),
        Sync("a"),
    ]
    assert contents(events) == {bytes(page) + b"y" * page}
    disk = Disk({"a": b""})
    disk.run(events)
    assert disk.cached()["a"] == b"x" * page + b"y" * page, "while the system still shows it"


def test_a_page_that_is_written_again_takes_along_what_was_forgotten_in_it() -> None:
    events: list[Event] = [Write("a", 0, b"xx"), LostSync("a"), Write("a", 2, b"y"), Sync("a")]
    assert contents(events) == {b"xxy"}
