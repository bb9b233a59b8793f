"""The cabinet's keys: made once, different each time, read by nobody else, told by nobody."""

import os
import stat
from dataclasses import fields
from pathlib import Path

import pytest

from cabinet import configuration as site
from cabinet import provision
from cabinet.keys import KEY_BYTES, NAMES, KeyProblem, Keys, files, load, make
from ledger.errors import LedgerError
from ledger.store import Store
from sim.medicines import DEMO


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path / "keys")
    return tmp_path / "keys"


def values(keys: Keys) -> list[bytes]:
    return [value for field in fields(keys) if (value := getattr(keys, field.name)) is not None]


def test_keys_are_read_as_they_were_made(tmp_path: Path) -> None:
    made = make(tmp_path / "keys")
    assert load(tmp_path / "keys") == made
    assert [len(key) for key in values(made)] == [KEY_BYTES] * len(NAMES)


def test_no_two_keys_are_alike_neither_of_one_cabinet_nor_of_two(tmp_path: Path) -> None:
    found = values(make(tmp_path / "one")) + values(make(tmp_path / "other"))
    assert len(set(found)) == 2 * len(NAMES)


def test_keys_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make(tmp_path / "deep" / "keys")
    finally:
        os.umask(before)
    folder = tmp_path / "deep" / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("name", NAMES)
def test_a_key_is_never_overwritten(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / name).write_bytes(b"x" * KEY_BYTES)
    with pytest.raises(KeyProblem, match=f"{name}: exists already"):
        make(folder)
    assert [file.name for file in folder.iterdir()] == [name]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o777])
def test_a_key_that_others_can_read_is_refused_with_the_remedy(folder: Path, mode: int) -> None:
    (folder / "pepper.key").chmod(mode)
    with pytest.raises(KeyProblem, match=r"mode 0\d+ lets others read it; run: chmod 600"):
        load(folder)


@pytest.mark.parametrize("size", [0, 1, KEY_BYTES - 1, KEY_BYTES + 1, 100_000])
def test_a_key_of_another_length_is_refused_and_not_quoted(folder: Path, size: int) -> None:
    (folder / "ledger.key").write_bytes(b"Q" * size)
    with pytest.raises(KeyProblem, match="is not a key of 32 bytes") as caught:
        load(folder)
    assert "Q" not in str(caught.value).replace(str(folder), "")


@pytest.mark.parametrize("name", NAMES)
def test_a_key_that_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(KeyProblem, match=f"{name}: No such file"):
        load(folder)


def test_a_link_in_a_keys_place_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "ledger.key").rename(tmp_path / "elsewhere")
    (folder / "ledger.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyProblem, match=r"ledger\.key"):
        load(folder)


def test_another_users_key_is_refused(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(folder / "ledger.key", 65_534, 65_534)
    with pytest.raises(KeyProblem, match="belongs to another user"):
        load(folder)


def test_systemds_credentials_come_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path / "credentials"
    made = make(credentials)
    for file in files(credentials):
        file.chmod(0o440)  # as systemd.exec(5) gives them
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert load(folder) == made


def test_no_repr_shows_a_key(folder: Path) -> None:
    keys = load(folder)
    for key in values(keys):
        assert repr(key) not in repr(keys)
        assert key.hex() not in repr(keys)


# --- a new cabinet --------------------------------------------------------------------------------


def configuration(folder: Path) -> site.Configuration:
    folder.mkdir(exist_ok=True)
    file = folder / "cabinet.toml"
    file.write_text((DEMO / "cabinet.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return site.load(file)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(it.relative_to(folder)): it.read_bytes() for it in folder.rglob("*") if it.is_file()
    }


def test_two_fresh_cabinets_share_no_secret(tmp_path: Path) -> None:
    made = []
    for name in ("one", "other"):
        folder = tmp_path / name
        new = provision.create(configuration(folder), folder, passes=2)
        made.append({*values(load(folder / "keys")), *new.codes, *new.cards, new.verifier})
    assert not made[0] & made[1]


def test_a_cabinet_whose_keys_are_credentials_is_not_made_again(tmp_path: Path) -> None:
    """Its recovery cards would open nothing any more: they are sealed into the escrow."""
    site_ = configuration(tmp_path)
    provision.create(site_, tmp_path, passes=2)
    for file in files(tmp_path / "keys"):
        file.unlink()
    before = files_of(tmp_path)
    with pytest.raises(KeyProblem, match="exists already; a cabinet is made once"):
        provision.create(site_, tmp_path, passes=2)
    assert files_of(tmp_path) == before


def test_a_cabinet_that_could_not_be_made_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_ = configuration(tmp_path)
    before = files_of(tmp_path)

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "append", full)
        with pytest.raises(OSError, match="No space"):
            provision.create(site_, tmp_path, passes=2)
    left = files_of(tmp_path)
    assert not [name for name in left if name not in before and not name.endswith(".lock")]
    assert provision.create(site_, tmp_path, passes=2).codes


def test_keys_of_another_cabinet_open_nothing(tmp_path: Path) -> None:
    for name in ("one", "other"):
        provision.create(configuration(tmp_path / name), tmp_path / name, passes=2)
    stranger = load(tmp_path / "other" / "keys")
    with pytest.raises(LedgerError):
        Store.open(tmp_path / "one" / "ledger.db", stranger.ledger)
