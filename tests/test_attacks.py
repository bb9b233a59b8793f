"""Attacks on a cabinet's ledger by who holds its keys or its files; docs/attacks.md lists them all.

What a ledger alone shows is in test_ledger_attacks.py; here is what the cabinet, or a head that was
kept elsewhere, adds to it.
"""

import ast
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cabinet import configuration as site
from cabinet import keys, verification
from ledger.attachment import make_attachment
from ledger.check import check_file
from ledger.errors import Damaged, DiskFailed, LedgerError, WrongProof
from ledger.merkle import consistency_proof, verify_consistency
from ledger.note import open_note, parse_checkpoint
from ledger.store import Head, Store
from tests.demo import ROOT
from tests.ledgers import KEY, ORIGIN, SIGNER, VERIFIER, bodies
from tests.test_ledger_attacks import Forger

TABLE = ROOT / "docs" / "attacks.md"


# --- attachments, with the database key -----------------------------------------------------------


def taken(forger: Forger) -> tuple[bytes, str]:
    """Some attachment of the demo: its hash and kind."""
    [(hashed, kind)] = forger.sql("SELECT hash, kind FROM attachment ORDER BY rowid LIMIT 1")
    return hashed, kind


def removed(forger: Forger) -> bytes:
    """No entry orders it."""
    hashed, _ = taken(forger)
    forger.sql("DELETE FROM attachment WHERE hash = ?", hashed)
    return hashed


def removed_with_an_order_that_no_entry_holds(forger: Forger) -> bytes:
    """The table of erasures says that entry 1 ordered it."""
    hashed = removed(forger)
    forger.sql("INSERT INTO erasure VALUES (?, 1)", hashed)
    return hashed


def swapped_for_one_that_fits_its_own_hash(forger: Forger) -> bytes:
    """Another person's details, under the hash that they have."""
    hashed, kind = taken(forger)
    other = make_attachment(kind, b"salt of sixteen.", b"{}")
    row = (other.hash, other.salt, other.data, hashed)
    forger.sql("UPDATE attachment SET hash = ?, salt = ?, data = ? WHERE hash = ?", *row)
    return hashed


@pytest.mark.parametrize(
    "attack",
    [removed, removed_with_an_order_that_no_entry_holds, swapped_for_one_that_fits_its_own_hash],
)
def test_attachment_gone_without_an_order_is_noticed_by_the_replay(
    tmp_path: Path, demo_template: Path, attack: Callable[[Forger], bytes]
) -> None:
    folder = shutil.copytree(demo_template, tmp_path / "demo")
    configuration = site.load(folder / "cabinet.toml")
    secret = keys.load(folder / configuration.paths.keys)
    assert verification.verify(configuration, folder, secret)[0].good
    with Forger(folder / configuration.paths.ledger, secret.ledger) as forger:
        hashed = attack(forger)
    findings, _ = verification.verify(configuration, folder, secret)
    said = "\n".join(map(str, findings.problems))
    assert f"attachment {hashed.hex()}: is gone, and no entry orders its erasure" in said


def test_smuggled_attachment_is_noticed_by_the_replay(tmp_path: Path, demo_template: Path) -> None:
    folder = shutil.copytree(demo_template, tmp_path / "demo")
    configuration = site.load(folder / "cabinet.toml")
    secret = keys.load(folder / configuration.paths.keys)
    extra = make_attachment("person", bytes(16), b"{}")
    with Forger(folder / configuration.paths.ledger, secret.ledger) as forger:
        row = (extra.hash, extra.kind, extra.salt, extra.data)
        forger.sql("INSERT INTO attachment VALUES (?, ?, ?, ?)", *row)
    findings, _ = verification.verify(configuration, folder, secret)
    said = "\n".join(map(str, findings.problems))
    assert f"attachment {extra.hash.hex()}: is named by no entry" in said


# --- with the database key and the signing key ----------------------------------------------------


def signed_fork(path: Path) -> tuple[Head, Head, Store]:
    """Heads over the two ends of a ledger that was forked after 40 entries, and the second end."""
    with Store.create(path, KEY, ORIGIN) as ledger:
        ledger.append(bodies(1, 41))
        ledger.checkpoint()
    other = Path(shutil.copy(path, path.with_name("fork.db")))
    with Store.open(path, KEY) as ledger:
        ledger.append(bodies(41, 61))
        first = ledger.sign_head(SIGNER)
    fork = Store.open(other, KEY)
    fork.append([b"another story"] + bodies(42, 71))
    second = fork.sign_head(SIGNER)
    assert first is not None and second is not None
    return first, second, fork


def test_fork_signed_with_the_real_key_is_good_alone_and_no_proof_joins_its_heads(
    tmp_path: Path,
) -> None:
    """Both heads are signed: kept side by side, they prove who forked."""
    first, second, fork = signed_fork(tmp_path / "ledger.db")
    with fork:
        for path in (tmp_path / "ledger.db", tmp_path / "fork.db"):
            assert check_file(path, KEY, VERIFIER).good
        old, new = (parse_checkpoint(open_note(each.note, [VERIFIER])) for each in (first, second))
        proof = consistency_proof(old.size, new.size, fork.node)
        with pytest.raises(WrongProof):
            verify_consistency(old.size, new.size, proof, old.root, new.root)


# --- with the files -------------------------------------------------------------------------------


def left_running(folder: Path) -> dict[str, bytes]:
    """A ledger's file, its WAL with the newest 10 entries, and the WAL when it had 5 of them."""
    folder.mkdir()
    path, wal = folder / "ledger.db", folder / "ledger.db-wal"
    with Store.create(path, KEY, ORIGIN) as ledger:
        ledger.append(bodies(1, 91))
        ledger.sign_head(SIGNER)
        ledger.checkpoint()
        ledger.append(bodies(91, 96))
        older = wal.read_bytes()
        ledger.append(bodies(96, 101))
        return {"file": path.read_bytes(), "wal": wal.read_bytes(), "older": older}


def laid_out(folder: Path, database: bytes, wal: bytes | None) -> Path:
    folder.mkdir()
    for name, data in (("ledger.db", database), ("ledger.db-wal", wal)):
        if data is not None:
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o600)
    return folder / "ledger.db"


def test_wal_removed_or_an_older_one_put_back_is_a_rollback_that_only_a_kept_head_shows(
    tmp_path: Path,
) -> None:
    files = left_running(tmp_path / "live")
    for name, wal, size in (("none", None, 90), ("older", files["older"], 95)):
        path = laid_out(tmp_path / name, files["file"], wal)
        assert check_file(path, KEY, VERIFIER).good, "nothing in the file shows it"
        with Store.open(path, KEY) as ledger:
            assert ledger.size == size
            with pytest.raises(ValueError, match=f"the ledger has {size} entries, not 100"):
                ledger.root(100)  # what an anchor over 100 entries asks for first


def test_wal_altered_is_passed_over_from_its_first_wrong_frame(tmp_path: Path) -> None:
    files = left_running(tmp_path / "live")
    bent = bytearray(files["wal"])
    bent[-100] ^= 1  # in the last frame
    path = laid_out(tmp_path / "bent", files["file"], bytes(bent))
    with Store.open(path, KEY) as ledger:
        assert ledger.size == 95 and [each.body for each in ledger.entries(91)] == bodies(91, 96)


def test_wal_of_another_ledger_with_the_same_key_is_noticed(tmp_path: Path) -> None:
    files, others = left_running(tmp_path / "live"), left_running(tmp_path / "other")
    path = laid_out(tmp_path / "stranger", files["file"], others["wal"])
    assert not check_file(path, KEY, VERIFIER).good
    with pytest.raises(LedgerError):
        Store.open(path, KEY)


def test_wal_of_an_earlier_time_beside_the_newer_file_is_noticed(tmp_path: Path) -> None:
    files = left_running(tmp_path / "live")
    with Store.open(tmp_path / "live" / "ledger.db", KEY) as ledger:
        ledger.append(bodies(101, 400))
        ledger.sign_head(SIGNER)
    newer = (tmp_path / "live" / "ledger.db").read_bytes()
    path = laid_out(tmp_path / "stale", newer, files["wal"])
    assert not check_file(path, KEY, VERIFIER).good


def test_wal_that_is_a_link_to_another_file_is_not_followed(tmp_path: Path) -> None:
    Store.create(tmp_path / "ledger.db", KEY, ORIGIN).close()
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious" * 1000)
    (tmp_path / "ledger.db-wal").symlink_to(precious)
    with pytest.raises(DiskFailed):
        Store.open(tmp_path / "ledger.db", KEY)
    assert precious.read_bytes() == b"precious" * 1000


def test_origin_rewritten_is_noticed_by_every_head(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Store.create(path, KEY, ORIGIN) as ledger:
        ledger.append(bodies(1, 11))
        ledger.sign_head(SIGNER)
    with Forger(path) as forger:
        forger.sql("UPDATE meta SET value = 'site/adc/other/1' WHERE name = 'origin'")
    findings = check_file(path, KEY, VERIFIER)
    assert [str(each) for each in findings.problems] == [
        f"head of 10 entries: belongs to another ledger, {ORIGIN}"
    ]
    with pytest.raises(Damaged, match="head of 10"):
        Store.open(path, KEY)


# --- the table ------------------------------------------------------------------------------------


def test_every_test_that_the_table_of_attacks_names_is_there() -> None:
    named = re.findall(r"`(test_\w+)\.py::(test_\w+)`", TABLE.read_text())
    assert len(named) > 40
    for module, name in named:
        tree = ast.parse((ROOT / "tests" / f"{module}.py").read_text())
        defined = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
        assert name in defined, f"{module}.py has no {name}"
