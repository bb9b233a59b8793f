"""What opening and creating promise: one writer, the right key and file, or a clear refusal."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlite

from ledger.check import check
from ledger.database import Lock
from ledger.errors import (
    AlreadyExists,
    Closed,
    Exposed,
    LedgerError,
    Locked,
    Missing,
    NewerFormat,
    NotALedger,
    ReadOnly,
    WrongKey,
    WrongNote,
)
from ledger.store import Store
from tests.ledgers import (
    KEY,
    ORIGIN,
    OTHER_KEY,
    ROOT,
    SIGNER,
    WRITER,
    bodies,
    file_size_limit,
    run,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Store]:
    with Store.create(path, KEY, ORIGIN) as made:
        yield made


# --- opening ------------------------------------------------------------------------------------


def test_missing_file_leaves_nothing_behind(path: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(Missing):
            Store.open(path, KEY, read_only=read_only)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("read_only", [False, True])
def test_wrong_key_is_said_and_nothing_is_printed(
    ledger: Store, path: Path, read_only: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    ledger.append([b"first"])
    ledger.close()
    with pytest.raises(WrongKey, match="does not open it") as refused:
        Store.open(path, OTHER_KEY, read_only=read_only)
    assert OTHER_KEY.hex() not in str(refused.value)
    assert capfd.readouterr() == ("", "")
    with Store.open(path, KEY) as again:
        assert again.size == 1


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_no_key_or_a_short_one_is_refused(ledger: Store, path: Path, key: bytes) -> None:
    ledger.close()
    with pytest.raises(WrongKey, match="32 bytes"):
        Store.open(path, key)
    with pytest.raises(WrongKey, match="32 bytes"):
        Store.create(path.with_name("other.db"), key, ORIGIN)


def test_wrong_key_on_a_file_with_unmoved_wal_loses_nothing(ledger: Store, path: Path) -> None:
    ledger.append(bodies(1, 50))
    copy = path.with_name("copy")
    copy.mkdir()
    for name in ("ledger.db", "ledger.db-wal"):
        shutil.copy(path.with_name(name), copy / name)
    with pytest.raises(WrongKey):
        Store.open(copy / "ledger.db", OTHER_KEY)
    with Store.open(copy / "ledger.db", KEY) as again:
        assert again.size == 49 and check(again).good


def test_what_is_not_a_ledger_is_said(path: Path) -> None:
    plain = path.with_name("plain.db")
    connection = sqlite.connect(str(plain))
    connection.execute("CREATE TABLE e (seq)")
    connection.close()
    plain.chmod(0o600)
    other = path.with_name("other.db")
    connection = sqlite.connect(str(other))
    connection.set_key(f"x'{KEY.hex()}'")
    connection.execute("CREATE TABLE e (seq)")
    connection.close()
    other.chmod(0o600)
    text = path.with_name("text.db")
    text.write_bytes(b"hello\n" * 5000)
    text.chmod(0o600)
    empty = path.with_name("empty.db")
    empty.touch(0o600)
    for file in (plain, other, text, empty, path.parent):
        with pytest.raises(NotALedger, match=str(file)):
            Store.open(file, KEY)


def test_newer_format_is_left_to_newer_software(ledger: Store, path: Path) -> None:
    ledger.close()
    connection = sqlite.connect(str(path))
    connection.set_key(f"x'{KEY.hex()}'")
    connection.execute("DROP TRIGGER meta_no_update")
    connection.execute("UPDATE meta SET value = '2' WHERE name = 'format'")
    connection.commit()
    connection.close()
    with pytest.raises(NewerFormat, match="format 2"):
        Store.open(path, KEY)


def test_second_writer_is_refused_at_once_and_the_first_goes_on(ledger: Store, path: Path) -> None:
    ledger.append([b"first"])
    with pytest.raises(Locked):
        Store.open(path, KEY)
    link = path.with_name("link.db")
    link.symlink_to(path)
    with pytest.raises(Locked):
        Store.open(link, KEY)
    script = (
        "import sys; from ledger.store import Store; from ledger.errors import Locked\n"
        "try: Store.open(sys.argv[1], bytes(range(32)))\n"
        "except Locked: print('locked')"
    )
    assert run(script, path) == "locked\n"
    assert ledger.append([b"second"]) == 2
    ledger.close()
    ledger.close()
    Store.open(path, KEY).close()


def test_reader_beside_a_live_writer_sees_what_there_was(ledger: Store, path: Path) -> None:
    ledger.append(bodies(1, 6))
    with Store.open(path, KEY, read_only=True) as reader:
        ledger.append([b"later"])
        assert reader.size == 5 and len(list(reader.entries())) == 5
        for write in (
            lambda: reader.append([b"no"]),
            lambda: reader.sign_head(SIGNER),
            reader.checkpoint,
        ):
            with pytest.raises(ReadOnly):
                write()
    script = (
        "import sys; from ledger.store import Store\n"
        "print(Store.open(sys.argv[1], bytes(range(32)), read_only=True).size)"
    )
    assert run(script, path) == "6\n"
    assert ledger.append([b"still the writer"]) == 7


def test_closed_store_refuses_use(ledger: Store) -> None:
    ledger.append([b"first"])
    ledger.close()
    with pytest.raises(Closed):
        ledger.append([b"late"])
    with pytest.raises(Closed):
        list(ledger.entries())


def test_file_that_others_may_read_is_refused(ledger: Store, path: Path) -> None:
    ledger.close()
    path.chmod(0o640)
    with pytest.raises(Exposed, match="chmod 600"):
        Store.open(path, KEY)


# --- creating -----------------------------------------------------------------------------------


def test_every_file_has_mode_0600(ledger: Store, path: Path) -> None:
    old = os.umask(0)
    try:
        with Store.create(path.with_name("open.db"), KEY, ORIGIN) as other:
            other.append([b"first"])
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert len(modes) >= 7 and set(modes.values()) == {0o600}


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_nothing_is_created_over_something_else(path: Path, suffix: str) -> None:
    there = path.with_name(path.name + suffix)
    there.write_bytes(b"precious")
    with pytest.raises(AlreadyExists, match=there.name):
        Store.create(path, KEY, ORIGIN)
    assert there.read_bytes() == b"precious"


def test_of_two_that_create_the_same_name_one_is_refused(path: Path) -> None:
    def create(origin: str) -> str:
        try:
            with Store.create(path, KEY, origin) as made:
                made.append([origin.encode()])
            return origin
        except (Locked, AlreadyExists):
            return ""

    with ThreadPoolExecutor(4) as pool:
        made = [origin for origin in pool.map(create, ["a", "b", "c", "d"]) if origin]
    with Store.open(path, KEY) as ledger:
        assert made == [ledger.origin] == [ledger.entry(1).body.decode()]


def test_half_made_file_of_a_power_cut_does_not_stand_in_the_way(path: Path) -> None:
    for suffix in (".new", ".new-wal", ".new-shm"):
        path.with_name(path.name + suffix).write_bytes(b"half")
    with Store.create(path, KEY, ORIGIN) as ledger:
        ledger.append([b"first"])
    assert {each.name for each in path.parent.iterdir()} == {"ledger.db", "ledger.db.lock"}


def test_failed_creation_leaves_no_file(path: Path) -> None:
    with file_size_limit(5000), pytest.raises(LedgerError):
        Store.create(path, KEY, ORIGIN)
    assert {each.name for each in path.parent.iterdir()} <= {"ledger.db.lock"}
    Store.create(path, KEY, ORIGIN).close()


def test_creation_in_a_folder_that_is_not_there_is_said(path: Path) -> None:
    with pytest.raises(Missing, match="directory"):
        Store.create(path / "no" / "ledger.db", KEY, ORIGIN)


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb"])
def test_origin_that_cannot_be_signed_is_refused(path: Path, origin: str) -> None:
    with pytest.raises(WrongNote):
        Store.create(path, KEY, origin)
    assert list(path.parent.iterdir()) == []


def test_lock_is_free_again_after_its_holder_was_killed(ledger: Store, path: Path) -> None:
    ledger.close()
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), "0"], cwd=ROOT, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(Locked):
            Lock(path)
        writer.kill()
    Store.open(path, KEY).close()
