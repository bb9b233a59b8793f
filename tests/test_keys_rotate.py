"""Keys replaced offline: the power may go at any step, and every later check follows the chain."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cabinet import events as e
from cabinet import keys as key_files
from cabinet import provision, recovery, rotation, statements, words
from cabinet import records as r
from cabinet.anchors import RolledBack
from cabinet.journal import Journal, replay
from cabinet.keys import KeyProblem
from cabinet.recovery import NotRecovered
from cabinet.step import Engine
from ledger import database
from ledger import rekey as rekeying
from ledger.errors import NoSpace, WrongEscrow, WrongKey
from ledger.escrow import RecoveryKey, parse_escrow, seal
from ledger.keyring import Keyring
from ledger.note import Signer, Verifier
from ledger.store import Store
from tests.ledgers import KEY, ORIGIN, OTHER_KEY, bodies
from tests.offline import (
    ROOT,
    Answers,
    Offline,
    PowerCut,
    offline,
    passed,
    power_cut,
    start,
    two_people,
)

__all__ = ["offline"]


def recovered(cabinet: Offline) -> tuple[bytes, ...]:
    """The database keys that the two cards open."""
    parts = (words.decode(number, card) for number, card in enumerate(cabinet.cards(), 1))
    return RecoveryKey(*parts).open(parse_escrow(cabinet.escrow.read_text()))


# --- the database key -----------------------------------------------------------------------------


def test_a_new_database_key_opens_the_ledger_and_the_old_one_does_not(offline: Offline) -> None:
    old = offline.keys.ledger
    size = offline.size()
    rotation.database(offline.configuration, offline.folder)
    new = offline.keys.ledger
    assert new != old
    with pytest.raises(WrongKey):
        Store.open(offline.ledger, old)
    assert offline.size() == size
    assert offline.verify().good
    assert recovered(offline) == (new,)
    assert sorted(file.name for file in offline.key_folder.iterdir()) == sorted(key_files.NAMES)
    assert (offline.key_folder / "ledger.key").stat().st_mode & 0o777 == 0o600


def test_the_power_may_go_at_any_step_of_a_new_database_key(
    offline: Offline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = offline.size()
    shutil.copytree(offline.folder, tmp_path / "before")
    cut = 1
    while True:
        shutil.rmtree(offline.folder)
        shutil.copytree(tmp_path / "before", offline.folder)
        first = offline.keys.ledger
        done = False
        with power_cut(monkeypatch, cut):
            try:
                rotation.database(offline.configuration, offline.folder)
                done = True
            except PowerCut:
                pass
        held = offline.keys.ledger
        assert offline.size() == size
        assert held in recovered(offline)  # at no instant is the cards' copy useless
        if not done:
            offline.work(1)
            rotation.database(offline.configuration, offline.folder)
        assert offline.keys.ledger != first
        assert recovered(offline) == (offline.keys.ledger,)
        assert not list(offline.key_folder.glob("*.next"))
        assert offline.verify().good
        if done:
            break
        cut += 1
    assert cut > 12


def test_a_rekey_that_is_cut_off_leaves_the_one_key_or_the_other(tmp_path: Path) -> None:
    """The file and its WAL as a power cut leaves them: before, within, and after the commit."""
    path = tmp_path / "a.db"
    with Store.create(path, KEY, ORIGIN) as store:
        store.append(bodies(1, 200))
    connection, _ = database.connect(path, KEY, read_only=False)
    connection.set_authorizer(None)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.reset_key(f"x'{OTHER_KEY.hex()}'")
    wal = tmp_path / "a.db-wal"
    whole = wal.read_bytes()
    main = path.read_bytes()
    assert len(whole) > len(main)
    new_from = None
    for at, size in enumerate((*range(0, len(whole), 4096 + 24), len(whole))):
        folder = tmp_path / str(at)
        folder.mkdir(mode=0o700)
        for name, data in (("a.db", main), ("a.db-wal", whole[:size])):
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o600)
        old, new = (rekeying.opens(folder / "a.db", key) for key in (KEY, OTHER_KEY))
        assert old != new
        with Store.open(folder / "a.db", KEY if old else OTHER_KEY) as store:
            assert store.size == 199
        new_from = size if new and new_from is None else new_from
    assert new_from == len(whole)  # the commit is the last frame
    connection.close()


def test_a_ledger_without_room_for_a_rekey_is_left_alone(
    offline: Offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "SPACE_FACTOR", 1e12)
    with pytest.raises(NoSpace, match="make room"):
        rotation.database(offline.configuration, offline.folder)
    assert offline.verify().good


def test_a_key_that_opens_nothing_is_said(offline: Offline) -> None:
    (offline.key_folder / "ledger.key").write_bytes(bytes(32))
    with pytest.raises(WrongKey):
        rotation.database(offline.configuration, offline.folder)
    (offline.key_folder / "ledger.key.next").write_bytes(bytes(32))
    (offline.key_folder / "ledger.key.next").chmod(0o644)
    with pytest.raises(KeyProblem, match="chmod 600"):
        provision.load_keys(offline.configuration, offline.folder)


def test_keys_are_rotated_as_files_only(offline: Offline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(key_files.CREDENTIALS, str(offline.key_folder))
    for rotate in (rotation.database, rotation.signing):
        with pytest.raises(KeyProblem, match="as files"):
            rotate(offline.configuration, offline.folder)


# --- the signing key ------------------------------------------------------------------------------


def test_a_new_signing_key_is_signed_by_the_old_one_in_the_ledger(offline: Offline) -> None:
    old = provision.signer(offline.configuration, offline.keys)
    offline.work()
    vkey = rotation.signing(offline.configuration, offline.folder)
    assert vkey == provision.signer(offline.configuration, offline.keys).vkey != old.vkey
    offline.work()
    assert offline.verify().good
    assert [key for _, key in offline.state().verifiers] == [old.vkey, vkey]
    again = rotation.signing(offline.configuration, offline.folder)
    offline.work()
    assert offline.verify().good
    assert again == offline.state().verifiers[-1][1]


def test_the_power_may_go_at_any_step_of_a_new_signing_key(
    offline: Offline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(offline.folder, tmp_path / "before")
    cut = 1
    while True:
        shutil.rmtree(offline.folder)
        shutil.copytree(tmp_path / "before", offline.folder)
        first = provision.signer(offline.configuration, offline.keys).vkey
        done = False
        with power_cut(monkeypatch, cut):
            try:
                rotation.signing(offline.configuration, offline.folder)
                done = True
            except PowerCut:
                pass
        offline.work()  # goes on with the key that the ledger names
        assert offline.verify().good
        if not done:
            rotation.signing(offline.configuration, offline.folder)
            offline.work()
        assert provision.signer(offline.configuration, offline.keys).vkey != first
        assert len(offline.state().verifiers) in (2, 3)  # 3: it was done but for a last sync
        assert not list(offline.key_folder.glob("*.next"))
        assert offline.verify().good
        if done:
            break
        cut += 1
    assert cut > 7


def test_a_stolen_old_key_signs_nothing_more(offline: Offline) -> None:
    stolen = provision.signer(offline.configuration, offline.keys)
    rotation.signing(offline.configuration, offline.folder)
    with Store.open(offline.ledger, offline.keys.ledger) as store:
        journal = Journal(store, offline.configuration.cabinet.id, "boot", bytes)
        engine = Engine(replay(store), journal)
        engine.step(e.DeviceChanged("badge", "x"), provision.moment(bytes))
        store.sign_head(stolen)
    findings = offline.verify()
    assert any("none of the known keys" in str(problem) for problem in findings.problems)


def test_a_new_key_that_the_old_one_did_not_sign_is_seen(offline: Offline) -> None:
    """Somebody with the database key names a key of their own."""
    thief = Signer(provision.origin(offline.configuration), b"t" * 32)
    with Store.open(offline.ledger, offline.keys.ledger) as store:
        journal = Journal(store, offline.configuration.cabinet.id, "boot", bytes)
        note = statements.change_key(store.size + 1, thief.name, thief, thief)
        event = e.ChangeSigningKey(thief.vkey, note)
        Engine(replay(store), journal).step(event, provision.moment(bytes))
        store.sign_head(thief)
    findings = offline.verify()
    assert "not proven" in str(findings.problems[0])
    assert not findings.good


def test_a_change_of_keys_is_not_replayed_at_another_entry(offline: Offline) -> None:
    old = provision.signer(offline.configuration, offline.keys)
    new, other = Signer(old.name, b"n" * 32), Signer(old.name, b"o" * 32)
    record = r.SigningKeyChanged(new.vkey, statements.change_key(7, old.name, old, new))
    assert statements.check_key_change(record, 7, Verifier(old.vkey), "").vkey == new.vkey
    for seq, key in ((8, old), (7, other)):
        with pytest.raises(statements.WrongStatement):
            statements.check_key_change(record, seq, Verifier(key.vkey), other.vkey)


def test_a_signing_key_that_the_ledger_does_not_name_is_refused(offline: Offline) -> None:
    (offline.key_folder / "signing.key").write_bytes(bytes(32))
    with pytest.raises((KeyProblem, RolledBack)):
        start(offline)
    assert not offline.verify().good


def test_a_ledger_that_was_rolled_back_gets_no_new_signing_key(
    offline: Offline, tmp_path: Path
) -> None:
    offline.copy_ledger(tmp_path / "old")
    offline.work()
    offline.put_back(tmp_path / "old")
    with pytest.raises(RolledBack):
        rotation.signing(offline.configuration, offline.folder)


def test_a_rollback_to_before_a_new_signing_key_is_a_rollback(
    offline: Offline, tmp_path: Path
) -> None:
    """The anchor is signed by a key that the older ledger does not name yet."""
    offline.copy_ledger(tmp_path / "old")
    rotation.signing(offline.configuration, offline.folder)
    offline.put_back(tmp_path / "old")
    assert "was kept, the ledger has" in str(offline.verify().problems)
    answers = Answers("restored", "2026-117", *two_people(offline.cards()))
    recovery.accept_rollback(offline.configuration, offline.folder, answers)
    assert offline.verify().good  # the recovery key named the key that signs now
    passed(offline)


def test_a_keyring_tells_who_signs_which_head() -> None:
    keys = [Verifier(Signer(ORIGIN, bytes([n]) * 32).vkey) for n in range(3)]
    ring = Keyring(keys[0])
    ring.change(10, keys[1])
    ring.change(20, keys[2])
    assert [ring.at(size) for size in (1, 9, 10, 19, 20, 99)] == [
        *(keys[0], keys[0], keys[1], keys[1], keys[2], keys[2])
    ]
    assert ring.newest is keys[2]
    assert ring.all == tuple(keys)


def command(cabinet: Offline, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cabinet.cli", *arguments]
        + ["--config", str(cabinet.folder / "cabinet.toml")],
        check=False,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_commands_say_what_they_did_or_why_not(offline: Offline, tmp_path: Path) -> None:
    secret = {offline.keys.ledger.hex(), offline.keys.signing.hex()}
    assert "new database key" in command(offline, "keys", "rotate", "--database").stdout
    signed = command(offline, "keys", "rotate", "--signing").stdout
    assert offline.state().verifiers[-1][1] in signed
    status = command(offline, "status").stdout
    assert "Heads kept outside: continued by this ledger" in status
    assert not any(key in signed + status for key in secret)
    offline.copy_ledger(tmp_path / "old")
    offline.work()
    offline.put_back(tmp_path / "old")
    assert "was kept, the ledger has" in command(offline, "status").stdout
    for arguments in (
        ("keys", "rotate", "--signing"),
        ("recover", "--accept-rollback"),  # nobody answers
        ("gateway",),  # there is no witness
    ):
        refused = command(offline, *arguments)
        assert refused.returncode == 1
        assert len(refused.stderr.splitlines()) == 1, refused.stderr
        assert refused.stderr.startswith(f"cabinet {arguments[0]}: ")


# --- the recovery cards ---------------------------------------------------------------------------


def test_the_cards_read_a_ledger_whose_pi_is_dead(offline: Offline, tmp_path: Path) -> None:
    """What is left: the file, its escrow, cabinet.toml, and two people with their cards."""
    offline.work()
    saved = offline.keys.ledger
    rescue = tmp_path / "rescue"
    rescue.mkdir()
    for name in ("cabinet.toml", "ledger.db", "ledger.db.escrow"):
        shutil.copy(offline.folder / name, rescue / name)
    done = subprocess.run(
        [sys.executable, "-m", "cabinet.cli", "recover"]
        + ["--database-key", str(rescue / "ledger.key")]
        + ["--config", str(rescue / "cabinet.toml")],
        check=False,
        cwd=ROOT,
        input="\n".join(offline.cards()) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert (rescue / "ledger.key").read_bytes() == saved
    assert (rescue / "ledger.key").stat().st_mode & 0o777 == 0o600
    shown = done.stdout + done.stderr
    assert saved.hex() not in shown
    assert not set(" ".join(offline.cards()).split()) & set(shown.split())


def test_one_card_alone_or_another_cabinets_opens_nothing(offline: Offline, tmp_path: Path) -> None:
    target = tmp_path / "out"
    cards = offline.cards()
    other = " ".join(words.encode(2, bytes(16)))
    arguments = (offline.configuration, offline.folder, target)
    with pytest.raises(WrongEscrow):
        recovery.database_key(*arguments, Answers(cards[0], other))
    with pytest.raises(NotRecovered, match="card 2"):
        recovery.database_key(*arguments, Answers(cards[0], *[cards[0]] * 3))
    assert not target.exists()
    target.touch()
    with pytest.raises(NotRecovered, match="never overwritten"):
        recovery.database_key(*arguments, Answers(*cards))


def test_an_escrow_that_is_damaged_or_of_another_ledger_is_said(
    offline: Offline, tmp_path: Path
) -> None:
    arguments = (offline.configuration, offline.folder, tmp_path / "out")
    good = offline.escrow.read_text()
    for text in ("", "x\n", good[:-10], good.replace("v1", "v9"), good * 9, good + "AAAA\n"):
        offline.escrow.write_text(text)
        with pytest.raises(NotRecovered, match="escrow"):
            recovery.database_key(*arguments, Answers())
    parts = (words.decode(number, card) for number, card in enumerate(offline.cards(), 1))
    other = seal(provision.origin(offline.configuration), RecoveryKey(*parts).seal, bytes(32))
    offline.escrow.write_text(other.text())
    with pytest.raises(NotRecovered, match="the same copy"):
        recovery.database_key(*arguments, Answers(*offline.cards()))
    offline.escrow.write_text(good.replace(provision.origin(offline.configuration), "cabinet/x"))
    with pytest.raises(WrongEscrow):
        recovery.database_key(*arguments, Answers(*offline.cards()))


def test_two_cabinets_share_no_card_and_no_escrow(offline: Offline, tmp_path: Path) -> None:
    shutil.copy(offline.folder / "cabinet.toml", tmp_path / "cabinet.toml")
    made = provision.create(offline.configuration, tmp_path, passes=2)
    cards = [" ".join(card) for card in made.cards]
    assert not set(cards) & set(offline.cards())
    assert not set(" ".join(cards).split()) & set(re.findall("[a-z]+", repr(made)))
    with pytest.raises(WrongEscrow):
        RecoveryKey(*(words.decode(n, c) for n, c in enumerate(cards, 1))).open(
            parse_escrow(offline.escrow.read_text())
        )
