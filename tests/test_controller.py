"""How a controller ends: told to, or by itself; and that it starts again where room is short."""

import os
import threading
from collections.abc import Callable

import pytest
from gpiozero.pins.mock import MockFactory
from sqlcipher3 import dbapi2 as sqlite

from cabinet import events as e
from cabinet import records as r
from cabinet.controller import Controller
from cabinet.journal import replay
from cabinet.upkeep import RESERVE_BYTES, Reserve
from ledger.database import explain
from ledger.errors import DiskFailed, NoSpace
from ledger.store import Store
from tests.demo import until
from tests.offline import Offline, offline

__all__ = ["offline"]


def ended_by(cabinet: Offline, end: Callable[[Controller], None]) -> list[r.Record]:
    """A controller without a device on its lines runs and is ended; what it recorded."""
    before, made = cabinet.size(), list[Controller]()

    def own() -> None:  # the ledger belongs to the thread that opened it
        factory = MockFactory()
        for drawer in cabinet.configuration.drawer:  # every drawer shut and latched
            factory.pin(drawer.switch_pin).drive_low()
            factory.pin(drawer.latch_pin).drive_low()
        keys = cabinet.keys
        made.append(Controller(cabinet.configuration, cabinet.folder, keys, factory=factory))
        made[0].run()

    thread = threading.Thread(target=own)
    thread.start()
    until((cabinet.folder / cabinet.configuration.paths.run / "screen.sock").exists)
    end(made[0])
    thread.join()
    with Store.open(cabinet.ledger, cabinet.keys.ledger, read_only=True) as store:
        return [r.decode_body(entry.body).record for entry in store.entries(before + 1)]


@pytest.mark.real_time
def test_a_controller_that_was_told_to_stop_says_so(offline: Offline) -> None:
    assert ended_by(offline, Controller.stop)[-1] == r.Stopped()
    assert offline.state().stopped


@pytest.mark.real_time
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_controller_that_ends_by_itself_does_not_say_that_it_was_told_to(
    offline: Offline,
) -> None:
    """A thread that it needs ended by an error: the next start says that it was interrupted."""
    job = e.CheckPin("1", "$argon2id$", None)  # type: ignore[arg-type]  # nobody foresaw it
    records = ended_by(offline, lambda it: it._turns._submit(job))
    assert not any(isinstance(record, r.Stopped) for record in records)
    assert not offline.state().stopped


class _Full:
    """What the system says of a disk without room."""

    f_bavail, f_blocks, f_frsize = 0, 1000, 4096


def test_the_reserve_makes_room_to_open_the_ledger_on_a_full_disk(
    offline: Offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve, file = Reserve(offline.ledger), offline.ledger.with_name("ledger.db.reserve")
    reserve.follow("ok")
    assert file.stat().st_size == RESERVE_BYTES
    reserve.before_opening()
    assert file.exists()
    with monkeypatch.context() as patched:
        patched.setattr(os, "statvfs", lambda _: _Full())
        reserve.before_opening()
    assert not file.exists()


def test_a_reserve_that_cannot_be_made_ends_nothing(
    offline: Offline, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(*_: object) -> int:
        raise OSError(28, "No space left on device")

    reserve = Reserve(offline.ledger)
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", no_more)
        reserve.follow("ok")
    assert "no reserve of" in caplog.text


def test_a_disk_without_room_for_the_wals_index_is_full_and_not_broken(
    offline: Offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = sqlite.OperationalError("disk I/O error")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite.SQLITE_IOERR, "SQLITE_IOERR"
    assert isinstance(explain(offline.ledger, error, "opening it"), DiskFailed)
    monkeypatch.setattr(os, "statvfs", lambda _: _Full())
    told = explain(offline.ledger, error, "opening it")
    assert isinstance(told, NoSpace)
    assert "the disk is full" in str(told)
    assert "make room" in str(told)


def test_an_entry_of_newer_software_is_named_with_what_to_do(offline: Offline) -> None:
    with Store.open(offline.ledger, offline.keys.ledger) as store:
        seq = store.append([b'{"tag":"adc.entry","v":9}'])
        with pytest.raises(r.UnreadableBody, match=f"entry {seq}: .* if newer software wrote it"):
            replay(store)
