"""Attacks on a ledger's file, each named, and which defence notices it, or that none can.

Without the key: pages are changed. With the key: SQL does what it likes, triggers dropped first.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlcipher3 import dbapi2 as sqlite

from ledger.attachment import make_attachment
from ledger.check import Findings, check, check_file
from ledger.database import PAGE_BYTES, SCHEMA
from ledger.errors import Damaged, LedgerError, WrongBody
from ledger.merkle import Frontier
from ledger.note import Checkpoint, Signer, Verifier
from ledger.store import Store

KEY = bytes(range(32))
ORIGIN = "site/adc/cabinet/1"
SIGNER = Signer(ORIGIN, bytes(32))
VERIFIER = Verifier(SIGNER.vkey)
SIZE, HEADED = 100, 90


def body(seq: int) -> bytes:
    return b"entry %d " % seq + b"." * 300


def build(path: Path) -> None:
    """A closed ledger of 100 entries, 20 attachments, heads over 30, 60 and 90."""
    with Store.create(path, KEY, ORIGIN) as ledger:
        for seq in range(1, SIZE + 1):
            person = [make_attachment("person", bytes(16), body(seq))] if seq % 5 == 0 else []
            ledger.append([body(seq)], person)
            if seq in (30, 60, HEADED):
                ledger.sign_head(SIGNER)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("original") / "ledger.db"
    build(path)
    assert check_file(path, KEY, VERIFIER).good
    return path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "ledger.db"))


def problems(path: Path) -> str:
    """What the check says is wrong; it must find something."""
    findings = check_file(path, KEY, VERIFIER)
    assert not findings.good and findings.problems
    assert "good" not in findings.lines()
    return "\n".join(map(str, findings.problems))


class Forger:
    """Someone who holds the database key, but no signing key."""

    def __init__(self, path: Path, key: bytes = KEY) -> None:
        self._connection: Any = sqlite.connect(str(path), isolation_level=None)
        self._connection.set_key(f"x'{key.hex()}'")

    def __enter__(self) -> "Forger":
        for name, sql in SCHEMA.items():
            if sql.startswith("CREATE TRIGGER"):
                self.sql(f"DROP TRIGGER {name}")
        return self

    def __exit__(self, *_: object) -> None:
        for sql in SCHEMA.values():
            if sql.startswith("CREATE TRIGGER"):
                self.sql(sql)
        self.close()

    def sql(self, text: str, *values: object) -> list[Any]:
        return list(self._connection.execute(text, values).fetchall())

    def rebuild(self) -> None:
        """Recomputes every node, so that the tree fits the rows as they are now."""
        frontier = Frontier()
        for seq, data in self.sql("SELECT seq, body FROM e ORDER BY seq"):
            self.sql("UPDATE e SET nodes = ? WHERE seq = ?", frontier.add(data), seq)

    def close(self) -> None:
        self._connection.close()


# --- without the key ----------------------------------------------------------------------------


def test_bit_flip_in_any_page_is_noticed(path: Path) -> None:
    good = path.read_bytes()
    for page in range(len(good) // PAGE_BYTES):
        bent = bytearray(good)
        bent[page * PAGE_BYTES + 17 * (page + 1) % PAGE_BYTES] ^= 0x10
        path.write_bytes(bent)
        said = problems(path)
        if page:
            assert f"HMAC verification failed for page {page + 1}" in said


@given(st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_changed_byte_is_noticed_and_never_crashes(path: Path, data: st.DataObject) -> None:
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    bent = bytearray(good)
    bent[at] ^= data.draw(st.integers(1, 255))
    try:
        path.write_bytes(bent)
        problems(path)
        with contextlib.suppress(LedgerError):  # nothing else may come out of it
            Store.open(path, KEY).close()
    finally:
        path.write_bytes(good)


def test_check_of_a_damaged_file_names_the_first_entry_that_cannot_be_read(path: Path) -> None:
    data = bytearray(path.read_bytes())
    named = []
    for page in range(1, len(data) // PAGE_BYTES):
        bent = data.copy()
        bent[page * PAGE_BYTES + 100] ^= 1
        path.write_bytes(bent)
        findings = check_file(path, KEY, VERIFIER)
        named += [each.where for each in findings.problems if each.where.startswith("entry ")]
        assert findings.entries <= SIZE
    assert named and "entry 1" in named


def test_stale_page_spliced_in_is_noticed(path: Path, tmp_path: Path) -> None:
    later = Path(shutil.copy(path, tmp_path / "later.db"))
    with Store.open(later, KEY) as ledger:
        for seq in range(SIZE + 1, SIZE + 30):
            ledger.append([body(seq)])
    old, new = path.read_bytes(), later.read_bytes()
    spliced = 0
    for page in range(len(old) // PAGE_BYTES):
        where = slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
        if old[where] != new[where]:
            bent = bytearray(new)
            bent[where] = old[where]
            later.write_bytes(bent)
            assert "cipher_integrity_check" not in problems(later)  # it does not notice
            spliced += 1
    assert spliced >= 2


def test_file_cut_short_anywhere_is_noticed(path: Path) -> None:
    good = path.read_bytes()
    for length in (*range(0, len(good), PAGE_BYTES), 100, 5000, len(good) - 1):
        path.write_bytes(good[:length])
        problems(path)
        if length % PAGE_BYTES == 0:
            with pytest.raises(LedgerError):
                Store.open(path, KEY)


def test_pages_of_another_ledger_with_the_same_key_are_noticed(path: Path, tmp_path: Path) -> None:
    build(tmp_path / "other.db")
    good, other = path.read_bytes(), (tmp_path / "other.db").read_bytes()
    for page in range(1, len(good) // PAGE_BYTES):
        where = slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
        bent = bytearray(good)
        bent[where] = other[where]
        path.write_bytes(bent)
        assert f"page {page + 1}" in problems(path)


def test_whole_file_rollback_is_not_visible_in_the_file_and_the_check_says_so(
    path: Path, tmp_path: Path
) -> None:
    old = path.read_bytes()
    with Store.open(path, KEY) as ledger:
        ledger.append([b"newer"])
    path.write_bytes(old)
    findings = check_file(path, KEY, VERIFIER)
    assert findings.good
    assert any("not visible in this file alone" in line for line in findings.lines())


# --- with the database key ----------------------------------------------------------------------


def edit(forger: Forger) -> None:
    forger.sql("UPDATE e SET body = ? WHERE seq = 40", b"another story")


def delete(forger: Forger) -> None:
    forger.sql("DELETE FROM e WHERE seq = 40")


def delete_and_close_the_gap(forger: Forger) -> None:
    delete(forger)
    for seq in range(41, SIZE + 1):
        forger.sql("UPDATE e SET seq = ? WHERE seq = ?", seq - 1, seq)


def swap(forger: Forger) -> None:
    for old, new in ((40, 1000), (41, 40), (1000, 41)):
        forger.sql("UPDATE e SET seq = ? WHERE seq = ?", new, old)


def insert(forger: Forger) -> None:
    for seq in range(SIZE, 39, -1):
        forger.sql("UPDATE e SET seq = ? WHERE seq = ?", seq + 1, seq)
    forger.sql("INSERT INTO e VALUES (40, ?, ?)", b"invented", b"")


def replace(forger: Forger) -> None:
    forger.sql("INSERT OR REPLACE INTO e VALUES (40, ?, ?)", b"another story", bytes(128))


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (edit, "entry 40: its body is not the one that was appended"),
        (delete, "entry 40: is missing; entry 41 follows instead"),
        (delete_and_close_the_gap, "entry 40: its tree nodes do not follow"),
        (swap, "entry 40: its tree nodes do not follow"),
        (insert, "entry 40: its body is not the one that was appended"),
        (replace, "entry 40: its body is not the one that was appended"),
    ],
)
def test_entries_changed_without_the_tree_are_noticed_by_the_tree(
    path: Path, attack: Callable[[Forger], None], said: str
) -> None:
    with Forger(path) as forger:
        attack(forger)
    assert said in problems(path)


@pytest.mark.parametrize("attack", [edit, delete_and_close_the_gap, swap, insert, replace])
def test_entries_changed_with_the_whole_tree_are_noticed_by_the_next_head(
    path: Path, attack: Callable[[Forger], None]
) -> None:
    with Forger(path) as forger:
        attack(forger)
        forger.rebuild()
    said = problems(path)
    assert "head of 60 entries: was signed for other entries than these (root)" in said
    assert "head of 30" not in said
    with pytest.raises(Damaged, match=f"head of {HEADED}"):
        Store.open(path, KEY)


def test_entries_removed_from_the_end_are_noticed_by_their_head(path: Path) -> None:
    with Forger(path) as forger:
        forger.sql("DELETE FROM e WHERE seq > 80")
    assert f"head of {HEADED} entries: was signed, but only 80 entries are left" in problems(path)
    with pytest.raises(Damaged, match="only 80 entries are left"):
        Store.open(path, KEY)


def test_head_forged_with_another_key_is_noticed_by_its_signature(path: Path) -> None:
    with Forger(path) as forger:
        edit(forger)
        forger.rebuild()
        stranger = Signer(ORIGIN, b"x" * 32)
        frontier = Frontier()
        for seq, data in forger.sql("SELECT seq, body FROM e ORDER BY seq"):
            frontier.add(data)
            text = Checkpoint(ORIGIN, seq, frontier.root()).text()
            forger.sql("UPDATE head SET note = ? WHERE size = ?", stranger.sign(text), seq)
    said = problems(path)
    for size in (30, 60, HEADED):
        assert f"head of {size} entries: none of the known keys signed this" in said


def test_head_of_another_cabinet_is_noticed(path: Path) -> None:
    other = Signer("site/adc/other/1", bytes(32))
    with Forger(path) as forger:
        [(note,)] = forger.sql("SELECT note FROM head WHERE size = 60")
        text = note.split("\n\n")[0].replace(ORIGIN, other.name) + "\n"
        forger.sql("UPDATE head SET note = ? WHERE size = 60", other.sign(text))
    assert "head of 60 entries: none of the known keys signed this" in problems(path)
    assert "head of 60 entries: belongs to another ledger, site/adc/other/1" in "\n".join(
        map(str, check_file(path, KEY, Verifier(other.vkey)).problems)
    )


def test_head_of_other_entries_is_noticed(path: Path) -> None:
    with Forger(path) as forger:
        [(note,)] = forger.sql("SELECT note FROM head WHERE size = 30")
        forger.sql("UPDATE head SET note = ? WHERE size = 60", note)
    assert "head of 60 entries: was signed for 30 entries" in problems(path)


def test_head_that_is_no_note_is_noticed(path: Path) -> None:
    with Forger(path) as forger:
        forger.sql("UPDATE head SET note = 'nonsense' WHERE size = ?", HEADED)
    assert f"head of {HEADED} entries: a note's text ends with" in problems(path)
    with pytest.raises(Damaged, match=f"head of {HEADED}"):
        Store.open(path, KEY)


@pytest.mark.parametrize("column", ["kind", "salt", "data", "hash"])
def test_attachment_changed_or_swapped_is_noticed(path: Path, column: str) -> None:
    value: object = "patient" if column == "kind" else b"another salt 16."
    with Forger(path) as forger:
        forger.sql(f"UPDATE attachment SET {column} = ? WHERE rowid = 7", value)
    assert "attachment " in problems(path) and "not those it names" in problems(path)


def test_tail_after_the_newest_head_changed_without_the_tree_stops_the_start(path: Path) -> None:
    with Forger(path) as forger:
        forger.sql("UPDATE e SET body = ? WHERE seq = 95", b"another story")
    with pytest.raises(Damaged, match="entry 95"):
        Store.open(path, KEY)
    assert "entry 95" in problems(path)


def test_tail_after_the_newest_head_rewritten_with_its_tree_is_not_noticed(path: Path) -> None:
    with Forger(path) as forger:
        forger.sql("UPDATE e SET body = ? WHERE seq = 95", b"another story")
        forger.rebuild()
    findings = check_file(path, KEY, VERIFIER)
    assert findings.good and findings.signed == HEADED
    assert any(f"covers {HEADED} of {SIZE} entries" in line for line in findings.lines())


def test_dropped_trigger_stops_the_start(path: Path) -> None:
    forger = Forger(path)
    forger.sql("DROP TRIGGER e_no_update")
    forger.close()
    with pytest.raises(Damaged, match="e_no_update"):
        Store.open(path, KEY)
    assert "e_no_update" in problems(path)


def test_added_trigger_stops_the_start(path: Path) -> None:
    forger = Forger(path)
    forger.sql("CREATE TRIGGER t AFTER INSERT ON e BEGIN SELECT RAISE(IGNORE); END")
    forger.close()
    with pytest.raises(Damaged, match="trigger t"):
        Store.open(path, KEY)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE e SET body = x'00' WHERE seq = 40",
        "DELETE FROM e WHERE seq = 40",
        "UPDATE head SET note = '' WHERE size = 30",
        "DELETE FROM head",
        "INSERT OR REPLACE INTO head SELECT * FROM head",
        "INSERT INTO head VALUES (1000, 'a head over what is not there')",
        "INSERT INTO head VALUES (5, 'a head behind the newest')",
        "UPDATE attachment SET kind = 'x'",
        "DELETE FROM attachment",
        "INSERT OR REPLACE INTO attachment SELECT hash, 'x', salt, data FROM attachment",
        "UPDATE meta SET value = 'x'",
        "DELETE FROM meta",
    ],
)
def test_triggers_refuse_what_is_not_an_append(path: Path, sql: str) -> None:
    forger = Forger(path)
    with pytest.raises(sqlite.IntegrityError, match=r"append-only|never changed|order|only grows"):
        forger.sql(sql)
    forger.close()
    assert check_file(path, KEY, VERIFIER).good


def test_attachment_can_be_deleted_once_an_entry_orders_its_erasure(path: Path) -> None:
    forger = Forger(path)
    forger.sql("INSERT INTO erasure SELECT hash, 100 FROM attachment WHERE rowid = 3")
    forger.sql("DELETE FROM attachment WHERE rowid = 3")
    forger.close()
    findings = check_file(path, KEY, VERIFIER)
    assert findings.good and findings.attachments == 19


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH ':memory:' AS elsewhere",
        "ATTACH 'plain.db' AS plain KEY ''",
        "DETACH main",
        "VACUUM INTO 'plain.db'",
        "SELECT load_extension('anything')",
        "SELECT sqlcipher_export('plain')",
        "UPDATE e SET body = x'00'",
        "DELETE FROM e",
        "DROP TRIGGER e_no_update",
        "DROP TABLE e",
        "CREATE TABLE t (x)",
        "CREATE TEMP TABLE t (x)",
        "INSERT INTO meta VALUES ('a', 'b')",
        "INSERT INTO sqlite_schema VALUES (1, 2, 3, 4, 5)",
        "PRAGMA writable_schema = 1",
        "PRAGMA synchronous = OFF",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA rekey = 'x'",
        "PRAGMA recursive_triggers = 0",
    ],
)
def test_own_connection_denies_attach_and_all_else_a_store_does_not_need(
    path: Path, sql: str
) -> None:
    with Store.open(path, KEY) as ledger:
        connection = ledger._connection
        with pytest.raises(sqlite.Error):
            connection.execute(sql).fetchall()
        with pytest.raises(sqlite.Error):
            connection.load_extension("anything")
        assert ledger.append([b"as ever"]) == SIZE + 1
        assert check(ledger, VERIFIER).good
    assert not path.with_name("plain.db").exists()


# --- the check itself ---------------------------------------------------------------------------


def test_check_beside_a_live_writer_takes_no_alarm_from_what_comes_meanwhile(path: Path) -> None:
    with Store.open(path, KEY) as writer:

        def meanwhile(seq: int, _: bytes) -> None:
            if seq % 20 == 0 and seq <= SIZE:
                writer.append([b"meanwhile"])
                writer.sign_head(SIGNER)
                writer.checkpoint()

        for findings in (
            check_file(path, KEY, VERIFIER, meanwhile),
            check(writer, VERIFIER, meanwhile),
        ):
            assert findings.good, findings.problems
            assert findings.entries >= SIZE


def test_body_that_the_reader_of_bodies_refuses_is_named(path: Path) -> None:
    def reader(seq: int, _: bytes) -> None:
        if seq == 33:
            raise WrongBody("does not follow from the entries before it")

    findings = check_file(path, KEY, VERIFIER, reader)
    assert [str(each) for each in findings.problems] == [
        "entry 33: does not follow from the entries before it"
    ]
    assert (findings.entries, findings.heads) == (32, 1) and not findings.good


def test_progress_is_told(path: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    with Store.create(tmp_path / "long.db", KEY, ORIGIN) as ledger:
        ledger.append([b"x"] * 9000)
        assert check(ledger, progress=seen.append).good
    assert seen == [4096, 8192]


def test_problems_are_bounded() -> None:
    findings = Findings(Path("ledger.db"))
    for number in range(150):
        findings.add(f"entry {number}", "wrong")
    assert len(findings.problems) == 100
    assert findings.lines()[-1] == "WRONG and 50 more"


def test_body_of_a_wrong_size_in_the_file_is_noticed(path: Path) -> None:
    with Forger(path) as forger:
        forger.sql("UPDATE e SET body = x'' WHERE seq = 12")
    assert "entry 12: its body has 0 bytes" in problems(path)


@pytest.mark.parametrize(
    ("table", "columns"),
    [("e", "seq, body || ''"), ("head", "size, x'00'"), ("attachment", "hash, 7, salt, data")],
)
def test_table_replaced_by_one_of_other_types_is_noticed(
    path: Path, table: str, columns: str
) -> None:
    rest = ", nodes" if table == "e" else ""
    with Forger(path) as forger:
        forger.sql(f"CREATE TABLE other AS SELECT {columns}{rest} FROM {table}")
        forger.sql(f"DROP TABLE {table}")
        names = SCHEMA[table].split("(")[1].split(")")[0].split(", ")
        untyped = ", ".join(name.split()[0] for name in names)
        forger.sql(f"CREATE TABLE {table} ({untyped})")
        forger.sql(f"INSERT INTO {table} SELECT * FROM other")
        forger.sql("DROP TABLE other")
    said = problems(path)
    assert f"schema of {table}" in said and "not of the type it must be" in said
    with pytest.raises(Damaged):
        Store.open(path, KEY)


@pytest.fixture(autouse=True)
def nothing_printed(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")
