"""What is done to a stopped cabinet from the command line is held to what its start is held to."""

import shutil
from pathlib import Path

import pytest

from cabinet import cli, provision, recovery, rotation
from cabinet import events as e
from cabinet import offline as stopped
from cabinet.anchors import RolledBack
from cabinet.configuration import NotThisCabinet
from cabinet.keys import KeyProblem
from ledger.store import Store
from tests.offline import Answers, Offline, offline, start

__all__ = ["offline"]


def imported(cabinet: Offline) -> None:
    with stopped.opened(cabinet.configuration, cabinet.folder, cabinet.keys, "import") as engine:
        engine.step(e.Import("again"))


def test_another_cabinets_description_writes_nothing_into_this_ledger(offline: Offline) -> None:
    size, file = offline.size(), offline.folder / "cabinet.toml"
    file.write_text(file.read_text().replace('id = "demo-4w"', 'id = "demo-5e"'))
    mistaken = Offline(offline.folder)
    assert mistaken.configuration.cabinet.id == "demo-5e"
    with pytest.raises(NotThisCabinet, match="demo-5e"):
        imported(mistaken)
    with pytest.raises(NotThisCabinet):
        rotation.signing(mistaken.configuration, mistaken.folder)
    with pytest.raises(NotThisCabinet):
        recovery.accept_rollback(mistaken.configuration, mistaken.folder, Answers())
    assert mistaken.size() == size
    mistaken.state()  # and it can be read as before


def test_a_ledger_that_was_rolled_back_takes_no_import(offline: Offline, tmp_path: Path) -> None:
    offline.copy_ledger(tmp_path / "old")
    offline.work()
    offline.put_back(tmp_path / "old")
    size = offline.size()
    with pytest.raises(RolledBack):
        imported(offline)
    assert offline.size() == size


def test_a_key_that_the_ledger_does_not_name_signs_no_import(offline: Offline) -> None:
    (offline.key_folder / "signing.key").write_bytes(bytes(32))
    size = offline.size()
    with pytest.raises(KeyProblem):
        imported(offline)
    assert offline.size() == size


def test_a_second_place_that_cannot_be_written_is_said_and_holds_no_import_up(
    offline: Offline, caplog: pytest.LogCaptureFixture
) -> None:
    half = offline.anchors.path.with_name(f"{offline.anchors.path.name}.new")
    half.mkdir()  # in the way
    size = offline.size()
    imported(offline)
    assert offline.size() > size
    assert str(offline.anchors.path) in caplog.text


def test_what_was_imported_cannot_be_rolled_back_unseen(offline: Offline, tmp_path: Path) -> None:
    offline.copy_ledger(tmp_path / "old")
    imported(offline)
    offline.put_back(tmp_path / "old")
    with pytest.raises(RolledBack):
        start(offline)


def test_what_is_kept_for_how_long_is_told_beside_a_running_controller(
    offline: Offline, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(offline.ledger, offline.keys.ledger):
        status = cli.main(["retention", "--config", str(offline.folder / "cabinet.toml")])
    told = capsys.readouterr()
    assert status == 0, told.err
    assert "patient: " in told.out


@pytest.mark.parametrize("left", ["anchor", "escrow"])
def test_a_new_cabinet_never_takes_the_place_of_what_is_left_of_an_older_one(
    offline: Offline, left: str
) -> None:
    """Ledger and keys made away with: whoever makes a new one would wipe the last trace."""
    shutil.rmtree(offline.key_folder)
    offline.ledger.unlink()
    kept = {"anchor": offline.anchors.path, "escrow": offline.escrow}
    for name, file in kept.items():
        if name != left:
            file.unlink()
    before = kept[left].read_bytes()
    with pytest.raises(KeyProblem, match="exists already"):
        provision.create(offline.configuration, offline.folder)
    assert kept[left].read_bytes() == before
