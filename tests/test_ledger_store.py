"""What the store promises: what it acknowledged is there, and what it cannot promise it refuses."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlite

from ledger import database, merkle, store
from ledger.attachment import Attachment, make_attachment
from ledger.check import check, check_file
from ledger.errors import (
    AppendFailed,
    NotALedger,
)
from ledger.merkle import Frontier
from ledger.note import Signer, open_note, parse_checkpoint
from ledger.store import Entry, Store
from tests.ledgers import (
    KEY,
    ORIGIN,
    ROOT,
    SIGNER,
    VERIFIER,
    WRITER,
    attachment,
    bodies,
    body,
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


# --- what was appended is there -----------------------------------------------------------------


def test_new_ledger_is_empty_and_says_whose_it_is(ledger: Store) -> None:
    assert (ledger.size, ledger.origin, ledger.root()) == (0, ORIGIN, merkle.EMPTY_ROOT)
    assert ledger.newest_head() is None and list(ledger.entries()) == []


def test_entries_come_back_as_they_were_appended(ledger: Store, path: Path) -> None:
    assert ledger.append([body(1)]) == 1
    assert ledger.append(bodies(2, 700)) == 2
    ledger.close()
    with Store.open(path, KEY) as again:
        assert again.size == 699
        assert list(again.entries()) == [Entry(seq, body(seq)) for seq in range(1, 700)]
        assert [entry.seq for entry in again.entries(250, 515)] == list(range(250, 515))
        assert list(again.entries(699)) == [again.entry(699)]
        assert list(again.entries(700)) == list(again.entries(5, 5)) == []
        assert again.append([b"next"]) == 700


@pytest.mark.parametrize("seq", [0, -1, 4])
def test_entry_that_never_was_cannot_be_asked_for(ledger: Store, seq: int) -> None:
    ledger.append(bodies(1, 4))
    with pytest.raises(IndexError):
        ledger.entry(seq)


def test_tree_is_that_of_the_bodies_at_every_size_and_every_reopening(path: Path) -> None:
    plain = Frontier()
    Store.create(path, KEY, ORIGIN).close()
    for seq in range(1, 40):
        with Store.open(path, KEY) as ledger:
            ledger.append([body(seq)])
            plain.add(body(seq))
            assert ledger.root() == ledger.root(seq) == plain.root()


def test_proofs_come_from_stored_nodes(ledger: Store) -> None:
    ledger.append(bodies(1, 301))
    for size in (1, 64, 255, 300):
        for seq in (1, size // 2 + 1, size):
            proof = merkle.inclusion_proof(seq - 1, size, ledger.node)
            leaf = merkle.leaf_hash(body(seq))
            merkle.verify_inclusion(leaf, seq - 1, size, proof, ledger.root(size))
        growth = merkle.consistency_proof(size, 300, ledger.node)
        merkle.verify_consistency(size, 300, growth, ledger.root(size), ledger.root())


def test_attachments_are_kept_once_and_found_by_hash(ledger: Store) -> None:
    one, two = attachment(b"one"), attachment(b"two")
    ledger.append([b"first"], [one])
    ledger.append([b"second"], [two, one])
    assert list(ledger.attachments()) == [one, two]
    assert ledger.attachment(two.hash) == two
    assert ledger.attachment(bytes(32)) is None


def test_many_attachments_are_all_read(ledger: Store) -> None:
    many = [attachment(b"%d" % number) for number in range(100)]
    ledger.append([b"all"], many)
    assert list(ledger.attachments()) == many


def test_entries_are_read_while_others_are_appended(ledger: Store) -> None:
    ledger.append(bodies(1, 600))
    seen = 0
    for entry in ledger.entries():
        seen = entry.seq
        if seen % 100 == 0:
            ledger.append([b"meanwhile"])
            assert ledger.checkpoint().complete
    assert seen == 599 and ledger.size == 604


def test_head_is_signed_over_all_entries_and_only_once(ledger: Store) -> None:
    assert ledger.sign_head(SIGNER) is None
    ledger.append(bodies(1, 6))
    head = ledger.sign_head(SIGNER)
    assert head is not None and ledger.newest_head() == head
    told = parse_checkpoint(open_note(head.note, [VERIFIER]))
    assert (told.origin, told.size, told.root) == (ORIGIN, 5, ledger.root())
    assert ledger.sign_head(SIGNER) is None
    ledger.append([b"more"])
    ledger.sign_head(SIGNER)
    assert [each.size for each in ledger.heads()] == [5, 6]


def test_newest_head_is_remembered_over_a_reopening(ledger: Store, path: Path) -> None:
    ledger.append(bodies(1, 6))
    ledger.sign_head(SIGNER)
    ledger.close()
    with Store.open(path, KEY) as again:
        assert again.sign_head(SIGNER) is None


def test_head_is_signed_only_in_the_name_of_the_ledger(ledger: Store) -> None:
    ledger.append([b"first"])
    with pytest.raises(ValueError, match="does not sign"):
        ledger.sign_head(Signer("site/adc/other/1", bytes(32)))


@pytest.mark.parametrize("wrong", [[], [b""], [b"x" * 16_385], [b"good", b""]])
def test_body_of_a_wrong_size_is_refused_and_nothing_is_written(
    ledger: Store, wrong: list[bytes]
) -> None:
    with pytest.raises(ValueError, match="bod"):
        ledger.append(wrong)
    assert ledger.append([b"x" * 16_384]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        Attachment(bytes(32), "person", bytes(16), b"data"),
        Attachment(attachment(b"a").hash, "person", bytes(16), b"a"),
        make_attachment("", bytes(16), b"data"),
        make_attachment("k" * 65, bytes(16), b"data"),
        make_attachment("person", bytes(16), bytes((1 << 20) + 1)),
    ],
)
def test_wrong_attachment_is_refused_and_nothing_is_written(
    ledger: Store, wrong: Attachment
) -> None:
    with pytest.raises(ValueError, match="attachment"):
        ledger.append([b"body"], [wrong])
    assert ledger.size == 0 and ledger.append([b"body"]) == 1


def test_checkpoint_empties_the_wal_and_loses_nothing(ledger: Store, path: Path) -> None:
    wal = path.with_name("ledger.db-wal")
    assert not ledger.checkpoint_due
    ledger.append([b"x" * 16_000 for _ in range(store.WAL_DUE_BYTES // 16_000)])
    assert wal.stat().st_size >= store.WAL_DUE_BYTES
    due = [ledger.checkpoint_due]
    result = ledger.checkpoint()
    due.append(ledger.checkpoint_due)
    assert due == [True, False]
    assert result.complete and wal.stat().st_size == 0
    assert check(ledger).good


def test_checkpoint_beside_a_busy_reader_says_that_it_is_not_complete(
    ledger: Store, path: Path
) -> None:
    ledger.append([b"first"])
    reader = sqlite.connect(str(path), isolation_level=None)
    reader.set_key(f"x'{KEY.hex()}'")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM e").fetchall()
    ledger.append([b"second"])
    assert not ledger.checkpoint().complete
    reader.close()
    assert ledger.checkpoint().complete and ledger.size == 2


def test_free_space_is_told(ledger: Store) -> None:
    free = ledger.free_space()
    assert free.bytes > 0 and 0 < free.fraction <= 1


# --- durability is asserted ---------------------------------------------------------------------


def test_every_opening_has_wal_and_full_sync_and_no_automatic_checkpoint(ledger: Store) -> None:
    connection = ledger._connection
    connection.set_authorizer(None)
    for name, value in (
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("wal_autocheckpoint", 0),
        ("recursive_triggers", 1),
        ("temp_store", 2),
    ):
        assert connection.execute(f"PRAGMA {name}").fetchone() == (value,)


def test_file_that_is_no_longer_in_wal_mode_is_refused(ledger: Store, path: Path) -> None:
    ledger.close()
    connection = sqlite.connect(str(path))
    connection.set_key(f"x'{KEY.hex()}'")
    assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    connection.close()
    for read_only in (False, True):
        with pytest.raises(NotALedger, match="journal mode"):
            Store.open(path, KEY, read_only=read_only)


def test_killing_the_writer_loses_nothing_that_was_acknowledged(path: Path) -> None:
    Store.create(path, KEY, ORIGIN).close()
    known: list[Entry] = []
    for kill in range(6):
        command = [sys.executable, "-c", WRITER, str(path), str(kill)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            acknowledged = 0
            for _ in range(10 + 9 * kill):
                acknowledged = int(writer.stdout.readline())
            writer.kill()
            acknowledged = max([acknowledged, *map(int, writer.stdout.read().split())])
        with Store.open(path, KEY) as ledger:
            entries = list(ledger.entries())
            assert entries[: len(known)] == known
            assert acknowledged <= ledger.size <= acknowledged + 3
            assert check(ledger).good
            known = entries


def test_failed_append_ends_the_store_and_reopening_tells_what_is_there(
    ledger: Store, path: Path
) -> None:
    ledger.append(bodies(1, 20))
    limit = file_size_limit(path.with_name("ledger.db-wal").stat().st_size + 1000)
    with limit, pytest.raises(AppendFailed, match="may or may not be on disk") as failure:
        ledger.append([b"secret body " + b"x" * 9000])
    assert "secret" not in str(failure.value) and ledger.size == 19
    for use in (
        lambda: ledger.append([b"again"]),
        lambda: ledger.sign_head(SIGNER),
        lambda: list(ledger.entries()),
        lambda: ledger.entry(1),
        ledger.checkpoint,
    ):
        with pytest.raises(AppendFailed, match="refused since"):
            use()
    ledger.close()
    with Store.open(path, KEY) as again:
        assert [entry.body for entry in again.entries()][:19] == bodies(1, 20)
        assert again.size in (19, 20) and check(again).good
        again.append([b"goes on"])


def test_failed_head_ends_the_store_too(ledger: Store, path: Path) -> None:
    ledger.append(bodies(1, 20))
    limit = file_size_limit(path.with_name("ledger.db-wal").stat().st_size)
    with limit, pytest.raises(AppendFailed, match="head of 19"):
        ledger.sign_head(SIGNER)
    with pytest.raises(AppendFailed, match="refused since"):
        ledger.append([b"again"])


NAMESPACE = ("unshare", "--mount", "--map-root-user", "sh", "-ec")


def _namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    attempt = [*NAMESPACE, "mount -t tmpfs none /mnt"]
    return subprocess.run(attempt, capture_output=True, check=False).returncode == 0


needs_mount = pytest.mark.skipif(not _namespaces(), reason="needs a mount namespace of its own")

FULL_DISK = """
import os, sys
from ledger.check import check
from ledger.errors import AppendFailed, NoSpace
from ledger.store import Store
key = bytes(range(32))
ledger = Store.create("/mnt/ledger.db", key, "origin")
acknowledged = 0
try:
    while True:
        acknowledged = ledger.append([b"x" * 1000])
except AppendFailed as error:
    print(type(error).__name__, "FULL" in str(error))
ledger.close()
os.unlink("/mnt/ballast")
with Store.open("/mnt/ledger.db", key) as ledger:
    print(acknowledged <= ledger.size <= acknowledged + 1, check(ledger).good)
    acknowledged = ledger.append([b"x" * 1000])
    with open("/mnt/ballast", "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            pass
    os.truncate("/mnt/ballast", max(os.stat("/mnt/ballast").st_size - 4096, 0))
    try:
        ledger.append([b"y" * 2000 for _ in range(100)])
    except AppendFailed:
        print("full again")
try:
    Store.create("/mnt/second.db", key, "origin")
except NoSpace as error:
    print("NoSpace", sorted(n for n in os.listdir("/mnt") if "new" in n))
"""


@needs_mount
def test_full_disk_is_said_and_loses_nothing_acknowledged() -> None:
    script = (
        "mount -t tmpfs -o size=512k none /mnt; head -c 200000 /dev/zero > /mnt/ballast; "
        'exec "$0" "$@"'
    )
    told = run(FULL_DISK, prefix=(*NAMESPACE, script))
    assert told.split("\n")[:4] == ["AppendFailed True", "True True", "full again", "NoSpace []"]


READ_ONLY_DISK = """
import sys
from ledger.check import check
from ledger.errors import LedgerError, ReadOnly
from ledger.store import Store
key = bytes(range(32))
with Store.open("/mnt/ledger.db", key, read_only=True) as ledger:
    print(ledger.size, check(ledger).good)
for act in (lambda: Store.open("/mnt/ledger.db", key), lambda: Store.create("/mnt/b", key, "o")):
    try:
        act()
    except ReadOnly as error:
        print("ReadOnly", "check mount" in str(error))
"""


@needs_mount
def test_ledger_on_a_read_only_disk_is_read_and_not_written(ledger: Store, path: Path) -> None:
    ledger.append(bodies(1, 6))
    ledger.close()
    path.with_name("ledger.db.lock").unlink()
    script = f'mount --bind "{path.parent}" /mnt; mount -o remount,ro,bind /mnt; exec "$0" "$@"'
    told = run(READ_ONLY_DISK, prefix=(*NAMESPACE, script))
    assert told.split("\n")[:3] == ["5 True", "ReadOnly True", "ReadOnly True"]


# --- nothing in the clear -----------------------------------------------------------------------


def test_no_file_holds_body_attachment_origin_or_key_in_the_clear(
    ledger: Store, path: Path
) -> None:
    for _ in range(30):
        ledger.append([b"oxycodone removed " * 20], [attachment(b"Ada Lovelace " * 30)])
    ledger.sign_head(SIGNER)
    for moved in (False, True):
        if moved:
            ledger.checkpoint()
            ledger.append([b"oxycodone removed again"])
        files = [each for each in path.parent.iterdir() if each.is_file()]
        assert {"ledger.db", "ledger.db-wal", "ledger.db-shm"} <= {each.name for each in files}
        for file in files:
            data = file.read_bytes()
            for secret in (b"oxycodone", b"Lovelace", b"adc/cabinet", b"CREATE", b"SQLite", KEY):
                assert secret not in data, (file.name, secret)
            assert KEY.hex().encode() not in data


def test_whole_check_of_a_good_ledger_says_what_it_checked(ledger: Store, path: Path) -> None:
    ledger.append(bodies(1, 9), [attachment(b"one")])
    ledger.sign_head(SIGNER)
    ledger.append([b"after the head"])
    seen: list[int] = []
    findings = check(ledger, VERIFIER, lambda seq, data: seen.append(seq))
    assert findings.good and seen == list(range(1, 10))
    assert (findings.entries, findings.heads, findings.attachments, findings.signed) == (9, 1, 1, 8)
    assert findings.root == ledger.root()
    lines = "\n".join(findings.lines())
    assert "9 (sequence, leaf hash, tree nodes, body)" in lines and "8 of 9" in lines
    assert "not checked" not in lines and lines.endswith("good")
    plain = check_file(path, KEY)
    assert plain.good and "not checked: signatures" in "\n".join(plain.lines())


def test_bounds_are_those_of_the_format() -> None:
    assert (store.MAX_BODY_BYTES, store.MAX_ATTACHMENT_BYTES) == (16_384, 1 << 20)
    assert database.FORMAT == 1
