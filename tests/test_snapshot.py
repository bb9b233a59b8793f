"""A snapshot is the state, holds no names, and counts only if an entry says so."""

from dataclasses import replace

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import snapshot
from cabinet.journal import Attachments, replay
from cabinet.machines import CorruptLedger
from ledger.store import Snapshot
from tests.ward import PIN, Ward


@pytest.fixture
def ward() -> Ward:
    """In the middle of things: a removal open, a discrepancy, somebody at an open drawer."""
    ward = Ward()
    ward.sign_in("N1")
    ward.remove("O1", count=20)
    ward.choose("O3")
    ward.press("open")
    ward.pull("D2")
    ward.press("count", "7")
    ward.press("count", "7")
    return ward


def keep(ward: Ward) -> Snapshot:
    """As the controller does: kept first, then the entry that makes it count."""
    data = snapshot.take(ward.state)
    kept = Snapshot(ward.state.size, snapshot.VERSION, data)
    ward.sink.kept = kept
    ward.do(e.SnapshotKept(kept.size, kept.version, snapshot.digest(data)))
    return kept


def test_restored_is_the_same_state_in_every_respect(ward: Ward) -> None:
    data = snapshot.take(ward.state)
    restored = snapshot.restore(data, Attachments(ward.sink))
    assert snapshot.take(restored) == data
    for name in ("people", "patients", "orders", "by_badge", "by_staff_id", "by_record_number"):
        assert getattr(restored, name) == getattr(ward.state, name), name
    assert restored.balances == ward.state.balances
    assert [d.model.state for d in restored.drawers.values()] == [
        d.model.state for d in ward.state.drawers.values()
    ]


def test_a_start_from_the_snapshot_and_its_tail_is_the_full_replay(ward: Ward) -> None:
    keep(ward)
    ward.push("D2")
    ward.press("home")
    ward.wait(3)
    from_snapshot = replay(ward.sink)
    ward.sink.kept = None
    assert snapshot.take(from_snapshot) == snapshot.take(replay(ward.sink))
    assert snapshot.take(from_snapshot) == snapshot.take(ward.state)


def test_it_holds_no_name_no_record_number_and_no_pin(ward: Ward) -> None:
    data = snapshot.take(ward.state).decode()
    for secret in ("Nina", "Franklin", "1001", PIN, "10 mg by"):
        assert secret not in data


def test_a_forged_snapshot_does_not_count(ward: Ward) -> None:
    """An attacker with the key adds an administrator or a count to the kept bytes."""
    kept = keep(ward)
    honest = snapshot.take(ward.state)
    person = ward.state.people[ward.ref("N1")]
    forged = kept.data.replace(b'"role":"nurse"', b'"role":"administrator"', 1)
    assert forged != kept.data
    ward.sink.kept = replace(kept, data=forged)
    started = replay(ward.sink)
    assert started.people[person.ref].role == "nurse"
    assert snapshot.take(started) == honest


@pytest.mark.parametrize("change", [{"size": 5}, {"version": snapshot.VERSION + 1}])
def test_a_snapshot_that_its_entry_does_not_name_is_replayed_instead(
    ward: Ward, change: dict[str, int]
) -> None:
    kept = keep(ward)
    ward.sink.kept = replace(kept, **change)  # type: ignore[arg-type]
    assert snapshot.take(replay(ward.sink)) == snapshot.take(ward.state)


def test_a_power_cut_between_keeping_it_and_its_entry_costs_nothing(ward: Ward) -> None:
    ward.sink.kept = Snapshot(ward.state.size, snapshot.VERSION, snapshot.take(ward.state))
    assert snapshot.take(replay(ward.sink)) == snapshot.take(ward.state)


def test_bytes_that_are_no_snapshot_are_refused() -> None:
    for data in (b"", b"{}", b"[]", b'{"cabinet": 1}'):
        with pytest.raises(CorruptLedger):
            snapshot.restore(data, {})


def test_the_record_names_what_was_kept(ward: Ward) -> None:
    kept = keep(ward)
    taken = ward.records(r.SnapshotTaken)[-1]
    assert (taken.size, taken.digest) == (kept.size, snapshot.digest(kept.data))
