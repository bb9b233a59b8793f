"""The ledger's own work on a live cabinet: heads signed, cosigned, and the WAL moved, when due."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cabinet.upkeep import HEAD_EVERY, IDLE_S, Upkeep
from ledger.cosignature import Cosigner
from ledger.store import Store
from tests.ledgers import KEY, ORIGIN, SIGNER, bodies

COSIGNER = Cosigner(ORIGIN, bytes(range(32)))
HOUR_S = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "a.db", KEY, ORIGIN) as store:
        store.append(bodies(1, 4))
        store.sign_head(SIGNER)
        yield store


def upkeep(store: Store) -> Upkeep:
    return Upkeep(store, SIGNER, COSIGNER, cosign_every_s=HOUR_S, wall_s=lambda: 1_790_000_000.5)


def signed(store: Store) -> int:
    head = store.newest_head()
    return head.size if head else 0


def cosigned(store: Store) -> int:
    return store.cosigned_size(ORIGIN, COSIGNER.key_id)


def test_a_head_is_signed_after_an_access_when_idle_and_at_least_every_16(store: Store) -> None:
    keeper = upkeep(store)
    store.append(bodies(4, 6))
    keeper.keep(10.0, accessing=True)
    assert signed(store) == 3  # a drawer is open: not now
    keeper.keep(10.1, accessing=False)
    assert signed(store) == 5
    store.append(bodies(6, 8))
    keeper.keep(11.0, accessing=True)
    keeper.keep(11.0 + IDLE_S, accessing=True)
    assert signed(store) == 7
    store.append(bodies(8, 8 + HEAD_EVERY))
    keeper.keep(13.0, accessing=True)
    assert signed(store) == 7 + HEAD_EVERY


def test_what_is_entered_outside_an_access_gets_one_head_together_once_nobody_goes_on(
    store: Store,
) -> None:
    keeper = upkeep(store)
    for second in range(4):
        store.append(bodies(4 + second, 5 + second))
        keeper.keep(10.0 + second * IDLE_S / 2, accessing=False)
        assert signed(store) == 3
    keeper.keep(12.0 + IDLE_S, accessing=False)
    assert signed(store) == 7


def test_a_head_is_cosigned_each_hour_when_idle_and_not_during_an_access(store: Store) -> None:
    keeper = upkeep(store)
    keeper.keep(10.0, accessing=True)
    assert cosigned(store) == 0
    keeper.keep(10.0, accessing=False)
    assert cosigned(store) == 3
    store.append(bodies(4, 5))
    for now in (11.0, 20.0, HOUR_S):
        keeper.keep(now, accessing=False)
    assert (signed(store), cosigned(store)) == (4, 3)
    keeper.keep(10.0 + HOUR_S, accessing=True)
    assert cosigned(store) == 3
    keeper.keep(10.0 + HOUR_S, accessing=False)
    assert cosigned(store) == 4


def test_a_head_that_has_its_second_signature_gets_no_other(store: Store) -> None:
    for _ in range(2):
        keeper = upkeep(store)
        keeper.keep(10.0, accessing=False)
        keeper.keep(20.0 + HOUR_S, accessing=False)
    assert len(store.cosignatures(3)) == 1


def test_the_wal_is_moved_when_idle_though_every_entry_has_its_head(store: Store) -> None:
    store.append([bytes(16_384) for _ in range(300)])
    store.sign_head(SIGNER)
    assert store.checkpoint_due
    upkeep(store).keep(10.0, accessing=True)
    assert not store.checkpoint_due
