"""Evidence for outsiders: what an export and a receipt prove, and every way to forge them.

The checker runs as an auditor runs it: `python -m ledger.verify`, with nothing else installed.
"""

import base64
import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ledger.attachment import Attachment, make_attachment
from ledger.cosignature import Cosigner
from ledger.errors import Damaged, LedgerError, WrongEvidence
from ledger.export import Exported, export, receipt
from ledger.keyring import key_change_text
from ledger.merkle import Frontier, inclusion_proof
from ledger.note import Checkpoint, Signer
from ledger.receipt import Receipt, encode_receipt, parse_receipt
from ledger.store import Store
from ledger.tiles import decode_bundle, encode_bundle
from ledger.verify import Verdict, check_path, main
from tests.ledgers import KEY, ORIGIN, ROOT, SIGNER

SIZE = 600
NOW_S = 1_790_000_000
COSIGNER = Cosigner(ORIGIN, bytes(range(32)))
VKEYS = (SIGNER.vkey, COSIGNER.vkey)
NAME = make_attachment("person", b"salt of sixteen.", b'{"given":"Ada"}')
ONLY_LEDGER = """
import importlib.abc, runpy, sys
ALLOWED = {"ledger", "cryptography", "cffi", "_cffi_backend", "pycparser"}
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in ALLOWED:
            raise ImportError(f"{name} is not there on an auditor's machine")
        if name in ("ledger.store", "ledger.database", "ledger.export", "ledger.check"):
            raise ImportError(f"{name} is not for checking")
sys.meta_path.insert(0, Refuse())
sys.argv = ["ledger.verify", *sys.argv[1:]]
runpy.run_module("ledger.verify", run_name="__main__")
"""


def body(seq: int) -> bytes:
    record: dict[str, object] = {"type": "counted", "pocket": "P1", "found": seq, "postings": []}
    if seq == 300:
        record = {"type": "person_listed", "person": "p1", "details": NAME.hash.hex()}
    if seq == 301:
        record = {"type": "medicine_listed", "generic": "=cmd|' /C calc'!A0", "high_alert": True}
    told = {"tag": "adc.entry", "seq": seq, "wall_ms": 1_790_000_000_123 + seq, "record": record}
    return json.dumps(told, separators=(",", ":")).encode()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path = tmp_path_factory.mktemp("ledger") / "a.db"
    with Store.create(path, KEY, ORIGIN) as store:
        store.append([body(seq) for seq in range(1, SIZE + 1)], [NAME])
        store.sign_head(SIGNER)
        store.append([body(SIZE + 1)])
        yield store


def exported(store: Store, path: Path, first: int = 1, last: int | None = None) -> Exported:
    return export(
        store,
        path,
        vkeys=VKEYS,
        cosigner=COSIGNER,
        time_s=NOW_S,
        first=first,
        last=last,
    )


@pytest.fixture(scope="module")
def whole(ledger: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exports") / "whole"
    exported(ledger, path)
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """An export to be forged."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def auditor(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", ONLY_LEDGER, *map(str, arguments)]
    return subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def wrong(path: Path) -> list[str]:
    verdict = check_path(path, VKEYS)
    assert not verdict.good and verdict.lines()[-1] == "NOT GOOD: do not rely on it"
    return verdict.wrong


def told(verdict: Verdict) -> str:
    assert verdict.good, verdict.wrong
    return "\n".join(verdict.lines())


# --- what is right ------------------------------------------------------------------------------


def test_an_export_is_checked_with_nothing_but_the_ledger_package_and_cryptography(
    whole: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("\n".join(VKEYS))
    done = auditor(whole, "--vkey", keys)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"head: log {ORIGIN}, {SIZE} entries, root " in done.stdout
    assert "(Ed25519)" in done.stdout and "(ML-DSA-44, 2026-09-21T" in done.stdout
    assert "entries seen and right: 1 to 600" in done.stdout
    assert done.stdout.endswith("good\n")


def test_a_receipt_is_checked_with_nothing_but_the_public_key(
    ledger: Store, tmp_path: Path
) -> None:
    file = tmp_path / "r.tlog-proof"
    for seq in (1, 256, 257, SIZE):
        file.write_text(encode_receipt(receipt(ledger, seq, COSIGNER, NOW_S)))
        done = auditor(file, "--vkey", SIGNER.vkey)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"entry {seq}: is in the log" in done.stdout and f'"seq":{seq},' in done.stdout
        assert f"not seen: the other {SIZE - 1} entries" in done.stdout


def test_without_a_key_the_export_s_own_is_used_and_that_is_said(whole: Path) -> None:
    assert "whose key: not proven" in told(check_path(whole, ()))
    assert "whose key" not in told(check_path(whole, VKEYS))


def test_a_receipt_without_a_key_is_not_checked_at_all(ledger: Store, tmp_path: Path) -> None:
    file = tmp_path / "r.tlog-proof"
    file.write_text(encode_receipt(receipt(ledger, 5, None, NOW_S)))
    with pytest.raises(WrongEvidence, match="give the cabinet's public keys"):
        check_path(file, ())
    assert main([str(file)]) == 2


def test_a_range_says_which_entries_it_did_not_show(ledger: Store, tmp_path: Path) -> None:
    done = exported(ledger, tmp_path / "some", 300, 310)
    assert (done.size, done.first, done.last, done.uncovered) == (SIZE, 300, 310, 1)
    said = told(check_path(tmp_path / "some", VKEYS))
    assert "entries seen and right: 257 to 512" in said
    assert "not seen, only their hashes: 1 to 256, 513 to 600" in said
    assert "of 300 to 310" in said


def test_the_table_has_time_type_and_plain_fields_and_no_formula(whole: Path) -> None:
    with (whole / "entries.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == SIZE
    assert rows[0]["entry"] == "1" and rows[0]["time"] == "2026-09-21T14:13:20.124+00:00"
    assert (rows[0]["type"], rows[0]["found"], rows[0]["pocket"]) == ("counted", "1", "P1")
    assert rows[300]["generic"].startswith("'=cmd") and rows[300]["high_alert"] == "true"
    assert "postings" not in rows[0]


def test_an_export_is_for_its_owner_alone_and_holds_no_attachment_unasked(whole: Path) -> None:
    files = [whole, *whole.rglob("*")]
    assert {oct(f.stat().st_mode & 0o777) for f in files if f.is_dir()} == {"0o700"}
    assert {oct(f.stat().st_mode & 0o777) for f in files if f.is_file()} == {"0o600"}
    assert not any(b"Ada" in f.read_bytes() for f in files if f.is_file())
    assert not (whole / "attachments").exists()


def test_attachments_go_out_when_asked_for_and_are_checked(ledger: Store, tmp_path: Path) -> None:
    path = tmp_path / "named"
    export(*(ledger, path), vkeys=VKEYS, cosigner=None, time_s=0, attachments=ledger.attachments())
    verdict = check_path(path, [SIGNER.vkey])
    assert "attachments: 1, each with the hash in its name; 0 of them named by no" in told(verdict)
    file = path / "attachments" / NAME.hash.hex()
    file.write_bytes(file.read_bytes().replace(b"Ada", b"Eve"))
    assert any("its bytes are not those" in what for what in wrong(path))


def test_an_export_is_written_whole_or_not_at_all(ledger: Store, tmp_path: Path) -> None:
    class Cut(Exception):
        pass

    def cut() -> Iterator[Attachment]:
        yield NAME
        raise Cut

    with pytest.raises(Cut):
        export(*(ledger, tmp_path / "x"), vkeys=VKEYS, cosigner=None, time_s=0, attachments=cut())
    assert not list(tmp_path.iterdir())
    (tmp_path / "x").mkdir()
    with pytest.raises(WrongEvidence, match="exists already"):
        exported(ledger, tmp_path / "x")


def test_what_no_head_covers_is_not_certified(ledger: Store, tmp_path: Path) -> None:
    with pytest.raises(WrongEvidence, match="covers entries 1 to 600"):
        receipt(ledger, SIZE + 1, COSIGNER, NOW_S)
    with pytest.raises(WrongEvidence, match="no entries from 602"):
        exported(ledger, tmp_path / "x", 602)
    with Store.create(tmp_path / "b.db", KEY, ORIGIN) as store:
        store.append([b"one"])
        with pytest.raises(WrongEvidence, match="no head"):
            exported(store, tmp_path / "x")


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 513])
def test_every_shape_of_tree_is_exported_and_checked(tmp_path: Path, size: int) -> None:
    with Store.create(tmp_path / "b.db", KEY, ORIGIN) as store:
        store.append([body(seq) for seq in range(1, size + 1)])
        store.sign_head(SIGNER)
        exported(store, tmp_path / "x")
        said = told(check_path(tmp_path / "x", VKEYS))
        assert "not seen" not in said
        text = encode_receipt(receipt(store, size, None, 0))
        (tmp_path / "r").write_text(text)
        assert check_path(tmp_path / "r", [SIGNER.vkey]).good


def test_a_body_that_is_no_json_still_has_its_line(tmp_path: Path) -> None:
    odd = [b"\xff\xfe", b"{}", b"[" * 9000, b'{"wall_ms":1e400,"record":{"type":"x"}}', b"null"]
    with Store.create(tmp_path / "b.db", KEY, ORIGIN) as store:
        store.append(odd)
        store.sign_head(SIGNER)
        exported(store, tmp_path / "x")
    assert "of 1 to 5" in told(check_path(tmp_path / "x", VKEYS))
    assert (tmp_path / "x" / "entries.csv").read_text().count("unreadable") == 5


def test_a_damaged_ledger_is_not_exported(tmp_path: Path) -> None:
    with Store.create(tmp_path / "b.db", KEY, ORIGIN) as store:
        store.append([b"one", b"two"])
        store.sign_head(Signer(ORIGIN, bytes(32)))
        store._connection.set_authorizer(None)
        store._connection.execute("DROP TRIGGER e_no_update")
        store._connection.execute("UPDATE e SET body = x'00' WHERE seq = 1")
        with pytest.raises(Damaged, match="entry 1"):
            exported(store, tmp_path / "x")
    assert not (tmp_path / "x").exists()


# --- attacks ------------------------------------------------------------------------------------


def rewrite(bundle: Path, seq: int, new: bytes) -> None:
    width = int(bundle.name) if bundle.parent.suffix == ".p" else 256
    bodies = decode_bundle(bundle.read_bytes(), width)
    bodies[(seq - 1) % 256] = new
    bundle.write_bytes(encode_bundle(bodies))


def test_an_entry_altered_in_an_export_is_named(copy: Path) -> None:
    rewrite(copy / "tile/entries/001", 300, body(299))
    rewrite(copy / "tile/entries/002.p/88", 513, body(512))
    found = wrong(copy)
    assert found[0] == "entry 300: is not the one that was logged (leaf hash)"
    assert "entry 513: is not the one that was logged (leaf hash)" in found


def test_an_entry_altered_with_its_leaf_hash_is_found_within_its_tile(copy: Path) -> None:
    rewrite(copy / "tile/entries/001", 300, b"forged")
    tile = copy / "tile/0/001"
    data = bytearray(tile.read_bytes())
    frontier = Frontier()
    data[32 * 43 : 32 * 44] = frontier.add(b"forged")
    tile.write_bytes(data)
    assert wrong(copy)[0].startswith("entries 257 to 512: tile/0/001 is not what tile/1/000.p/2")


def test_all_hashes_recomputed_do_not_lead_to_the_signed_root(copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with Store.create(tmp_path / "b.db", KEY, ORIGIN) as store:
        store.append([b"forged", *(body(seq) for seq in range(2, SIZE + 1))])
        store.sign_head(SIGNER)
        exported(store, other)
    shutil.copy(copy / "checkpoint", other / "checkpoint")
    assert wrong(other) == ["entries: the hash tiles do not lead to the signed root"]


def test_an_export_signed_by_another_key_is_noticed(ledger: Store, tmp_path: Path) -> None:
    mallory = Signer(ORIGIN, bytes(range(1, 33)))
    with Store.create(tmp_path / "b.db", KEY, ORIGIN) as store:
        store.append([b"forged"])
        store.sign_head(mallory)
        path = tmp_path / "x"
        export(store, path, vkeys=[mallory.vkey], cosigner=None, time_s=0)
    assert "whose key: not proven" in told(check_path(path, ()))
    assert any(what.startswith("head: not signed by") for what in wrong(path))


def test_an_export_of_another_cabinet_is_noticed(tmp_path: Path, whole: Path) -> None:
    other = Signer("site/adc/other/1", bytes(32))
    verdict = check_path(whole, [other.vkey])
    assert f"head: is of the log {ORIGIN}, for which no key was given" in verdict.wrong


def test_a_head_without_its_second_signature_is_noticed_if_that_key_is_given(copy: Path) -> None:
    note = (copy / "checkpoint").read_text().splitlines(keepends=True)
    (copy / "checkpoint").write_text("".join(note[:-1]))
    assert wrong(copy) == [f"head: not signed by {ORIGIN}, key {COSIGNER.key_id.hex()}"]
    assert check_path(copy, [SIGNER.vkey]).good


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "entries.csv"])
def test_a_missing_file_is_noticed(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert any(f"{name} is missing" in w or f"{name}: is missing" in w for w in wrong(copy))


def test_a_missing_bundle_is_told_and_leaves_its_lines_unproven(copy: Path) -> None:
    (copy / "tile/entries/001").unlink()
    assert "entries.csv: has lines that no entry seen here stands for" in wrong(copy)


def test_a_stranger_s_file_among_the_tiles_is_noticed(copy: Path) -> None:
    (copy / "tile/entries/003").write_bytes(b"")
    (copy / "tile/1/link").symlink_to("/etc/passwd")
    assert wrong(copy) == [
        "'tile/1/link': is no part of a log of 600 entries",
        "'tile/entries/003': is no part of a log of 600 entries",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\r\n5,", "\r\n7,", "entry 5: another line follows"),
        ("counted,P1,77,", "counted,P1,78,", "entry 77: its line in entries.csv says something"),
        ("2026-09-21T14:13:20.128", "2025-09-21T14:13:20.128", "entry 5: its line"),
        (",pocket,", ",drawer,", "entry 1: its line"),
        (",high_alert\r\n", "\r\n", "columns are not those"),
        ("entry,time", "number,time", "does not have the headings"),
    ],
)
def test_a_table_that_says_something_else_than_the_entries_is_noticed(
    copy: Path, old: str, new: str, said: str
) -> None:
    file = copy / "entries.csv"
    text = file.read_bytes().decode()
    assert text.count(old) >= 1
    file.write_bytes(text.replace(old, new, 1).encode())
    assert any(said in what for what in wrong(copy)), wrong(copy)


def test_a_line_removed_from_the_middle_of_the_table_is_noticed(copy: Path) -> None:
    lines = (copy / "entries.csv").read_text().splitlines(keepends=True)
    (copy / "entries.csv").write_text("".join(lines[:100] + lines[101:]))
    assert "entry 100: another line follows in entries.csv" in wrong(copy)


def test_no_single_altered_byte_of_what_proves_passes(copy: Path) -> None:
    files = [f for f in copy.rglob("*") if f.is_file() and f.name not in ("README.txt", "vkey")]
    for file in sorted(files):
        data = file.read_bytes()
        for at in {0, 1, 31, 32, 33, len(data) // 3, len(data) // 2, len(data) - 1}:
            forged = bytearray(data)
            forged[at] ^= 0x01
            file.write_bytes(forged)
            with suppress(LedgerError):
                assert not check_path(copy, VKEYS).good, (file.name, at)
        file.write_bytes(data)
    assert check_path(copy, VKEYS).good


def test_a_forged_receipt_is_noticed(ledger: Store, tmp_path: Path) -> None:
    good = receipt(ledger, 77, COSIGNER, NOW_S)
    other = receipt(ledger, 78, COSIGNER, NOW_S)
    forgeries = {
        "another body": Receipt(good.index, body(78), good.proof, good.note),
        "another index": Receipt(77, good.body, good.proof, good.note),
        "another proof": Receipt(good.index, good.body, other.proof, good.note),
        "a hash less": Receipt(good.index, good.body, good.proof[:-1], good.note),
        "a hash more": Receipt(good.index, good.body, (*good.proof, bytes(32)), good.note),
        "beyond the end": Receipt(SIZE, good.body, good.proof, good.note),
    }
    file = tmp_path / "r.tlog-proof"
    for name, forged in forgeries.items():
        file.write_text(encode_receipt(forged))
        assert wrong(file)[0].startswith(f"entry {forged.seq}: "), name


def test_a_receipt_under_a_head_of_the_forger_s_own_is_noticed(tmp_path: Path) -> None:
    frontier = Frontier()
    rows = [frontier.add(b"forged"), frontier.add(b"entries")]
    proof = inclusion_proof(0, 2, lambda level, index: rows[index << level][:32])
    mallory = Signer(ORIGIN, bytes(range(1, 33)))
    head = Checkpoint(ORIGIN, 2, frontier.root()).text()
    file = tmp_path / "r.tlog-proof"
    file.write_text(encode_receipt(Receipt(0, b"forged", tuple(proof), mallory.sign(head))))
    assert any(what.startswith("head: not signed by") for what in wrong(file))
    # with the cabinet's name and key id, but not its key
    line = mallory.sign(head).splitlines()[-1].split(" ")
    raw = SIGNER.key_id + base64.b64decode(line[2])[4:]
    note = f"{head}\n— {ORIGIN} {base64.b64encode(raw).decode()}\n"
    file.write_text(encode_receipt(Receipt(0, b"forged", tuple(proof), note)))
    assert any("the signature of" in what and "is wrong" in what for what in wrong(file))


def test_a_huge_size_in_a_forged_head_ends_the_check_soon(copy: Path) -> None:
    mallory = Signer(ORIGIN, bytes(range(1, 33)))
    huge = Checkpoint(ORIGIN, (1 << 62) + 1, bytes(32)).text()
    (copy / "checkpoint").write_text(mallory.sign(huge))
    verdict = check_path(copy, [mallory.vkey])
    assert not verdict.good and len(verdict.lines()) < 200


def test_what_is_shown_of_a_body_cannot_drive_a_terminal(tmp_path: Path) -> None:
    with Store.create(tmp_path / "b.db", KEY, ORIGIN) as store:
        store.append([b"\x1b[2Jgone\nWRONG\xe2\x80\xae"])
        store.sign_head(SIGNER)
        (tmp_path / "r").write_text(encode_receipt(receipt(store, 1, None, 0)))
    said = told(check_path(tmp_path / "r", [SIGNER.vkey]))
    assert "\x1b" not in said and "\\u001b[2Jgone\\u000aWRONG\\u202e" in said


def test_what_is_no_evidence_says_so_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "bytes").write_bytes(b"\xff" * 100)
    for path in (tmp_path / "text", tmp_path / "bytes", tmp_path, tmp_path / "nothing"):
        assert main([str(path), "--vkey", SIGNER.vkey]) == 2
        error = capsys.readouterr().err
        assert error.startswith("ledger.verify: ") and error.count("\n") == 1
    assert main([str(tmp_path), "--vkey", "not+a+key"]) == 2 or capsys.readouterr().out


def test_parse_receipt_gives_back_what_was_issued(ledger: Store) -> None:
    issued = receipt(ledger, 9, COSIGNER, NOW_S)
    assert parse_receipt(encode_receipt(issued)) == issued


def changed_key(old: Signer, new: Signer, seq: int) -> str:
    text = key_change_text(ORIGIN, seq, new.vkey)
    return old.sign(text) + new.sign(text).rpartition("\n\n")[2]


def test_a_key_that_was_replaced_leads_to_the_one_that_signed(tmp_path: Path) -> None:
    second, third = Signer(ORIGIN, bytes([2] * 32)), Signer(ORIGIN, bytes([3] * 32))
    changes = [(2, changed_key(SIGNER, second, 2)), (10, changed_key(second, third, 10))]
    with Store.create(tmp_path / "b.db", KEY, ORIGIN) as store:
        store.append([body(seq) for seq in range(1, 21)])
        store.sign_head(third)
        path = tmp_path / "x"
        export(*(store, path), vkeys=[third.vkey], cosigner=None, time_s=0, key_changes=changes)
    for known in (SIGNER, second, third):
        assert check_path(path, [known.vkey]).good, known
    said = told(check_path(path, [SIGNER.vkey]))
    assert f"key: {SIGNER.vkey} was replaced in entry 2 by {second.vkey}" in said
    (path / "key-changes" / "2").unlink()
    assert not check_path(path, [SIGNER.vkey]).good
    assert check_path(path, [second.vkey]).good


def test_a_forged_change_of_the_key_leads_nowhere(copy: Path) -> None:
    mallory = Signer(ORIGIN, bytes(range(1, 33)))
    note = (copy / "checkpoint").read_text()
    (copy / "checkpoint").write_text(mallory.sign("\n".join(note.split("\n")[:3]) + "\n"))
    folder = copy / "key-changes"
    folder.mkdir()
    other = "another/log"
    for name, text in (
        ("3", mallory.sign(key_change_text(ORIGIN, 3, mallory.vkey))),
        ("4", changed_key(Signer(ORIGIN, bytes([9] * 32)), mallory, 4)),
        ("5", changed_key(SIGNER, mallory, 6)),
        ("7", SIGNER.sign(key_change_text(ORIGIN, 7, mallory.vkey))),
        ("8", Signer(other, bytes(32)).sign(key_change_text(other, 8, mallory.vkey))),
        (str(SIZE + 1), changed_key(SIGNER, mallory, SIZE + 1)),
        ("9", "no note"),
    ):
        (folder / name).write_text(text)
    assert any(what.startswith("head: not signed by") for what in wrong(copy))
