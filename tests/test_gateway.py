"""Heads to their witnesses and back, through the real gateway and over real sockets.

Whatever is out there lies, stalls or is gone, the cabinet works on; only what two signatures prove
shuts it.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cabinet import gateway, witnessing
from cabinet.gateway_messages import NotReached
from cabinet.witnessing import ProvenRollback
from ledger.note import Signer, open_note, parse_checkpoint
from ledger.store import Store
from ledger.witness_protocol import SIZE_TYPE, WitnessSigner
from tests.demo import PATIENCE_S, free_port, until
from tests.gateways import Liar, Lie, Rig, http
from tests.ledgers import KEY, ORIGIN, SIGNER, VERIFIER, bodies
from tests.witnesses import KNOWN, NOW_S, WITNESS, Running

pytestmark = pytest.mark.real_time


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "a.db", KEY, ORIGIN) as store:
        store.append(bodies(1, 4))
        store.sign_head(SIGNER)
        yield store


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path / "witness")
    yield started
    started.stop()


@pytest.fixture
def rig(tmp_path: Path, store: Store, running: Running) -> Iterator[Rig]:
    made = Rig(tmp_path, store, running.port)
    yield made
    made.close()


# --- the honest way -------------------------------------------------------------------------------


def test_each_head_is_cosigned_and_kept_beside_it(rig: Rig) -> None:
    rig.settle()
    for count in (1, 4, 9, 1):
        rig.grow(count)
        rig.settle()
        head = rig.store.newest_head()
        assert head is not None
        assert rig.cosigned() == head.size
        (line,) = rig.store.cosignatures(head.size)
        open_note(head.note + line, [VERIFIER, KNOWN])
    assert rig.trouble() == ""
    rig.settle()
    assert not rig.turn()  # nothing more to ask


def test_two_witnesses_are_asked_each_for_themselves(
    tmp_path: Path, store: Store, running: Running
) -> None:
    rig = Rig(tmp_path, store, free_port(), running.port)  # nobody listens at the first
    rig.settle()
    assert rig.cosigned() == store.size
    rig.close()


def test_a_witness_that_was_away_gets_the_newest_head_when_it_is_back(
    tmp_path: Path, store: Store
) -> None:
    first = Running(tmp_path / "witness", port=free_port())  # which is free again later, too
    rig = Rig(tmp_path, store, first.port)
    rig.settle()
    first.stop()
    for _ in range(3):
        rig.grow()
        rig.settle()
    assert rig.cosigned() == 3
    again = Running(tmp_path / "witness", port=first.port)
    rig.now_s += witnessing.AGAIN_MOST_S
    rig.settle()
    assert rig.cosigned() == store.size
    again.stop()
    rig.close()


def test_an_answer_that_never_came_is_asked_for_again(rig: Rig) -> None:
    assert rig.turn()
    rig.said.get(timeout=PATIENCE_S)  # cosigned, and the controller never hears of it
    assert not rig.turn()
    rig.now_s += witnessing.ANSWER_WITHIN_S
    rig.turn()
    rig.now_s += witnessing.AGAIN_S
    rig.settle()  # 409 with the size that it has, then cosigned again
    assert rig.cosigned() == rig.store.size


def test_a_restarted_controller_goes_on_where_it_was(rig: Rig) -> None:
    rig.settle()
    rig.new()
    rig.settle()
    rig.grow()
    rig.settle()
    assert rig.cosigned() == rig.store.size


def test_without_a_gateway_nothing_waits_and_later_all_is_well(
    tmp_path: Path, store: Store, running: Running
) -> None:
    rig = Rig(tmp_path, store, running.port, gateway_too=False)
    for _ in range(5):
        rig.grow()
        rig.turn()
        rig.now_s += 1
    assert rig.cosigned() == 0
    rig.start_gateway()
    rig.now_s += witnessing.AGAIN_MOST_S
    rig.settle()
    assert rig.cosigned() == store.size
    rig.stop_gateway()
    rig.start_gateway()
    rig.grow()
    rig.settle()
    assert rig.cosigned() == store.size
    rig.close()


def test_people_are_told_of_a_day_without_a_cosignature(rig: Rig) -> None:
    rig.settle()
    rig.now_s = witnessing.UNWITNESSED_S - 1
    assert rig.trouble() == ""
    rig.now_s += 1
    assert rig.trouble() == witnessing.SILENT
    rig.grow()
    rig.settle()
    assert rig.trouble() == ""


# --- attacks on the ledger, proven by a witness ---------------------------------------------------


def put_back(store: Store, tmp_path: Path, fork: bool) -> Store:
    """The same ledger as it was at its third entry, anchor and all; then worked on."""
    older = Store.create(tmp_path / "older.db", KEY, ORIGIN)
    older.append(bodies(1, 4))
    older.sign_head(SIGNER)
    if fork:
        older.append([b"other"] * 20)
        older.sign_head(SIGNER)
    assert store.root(3) == older.root(3)
    return older


@pytest.mark.parametrize("fork", [False, True], ids=["rolled back", "forked"])
def test_a_rollback_of_ledger_and_anchor_is_proven_by_the_witness(
    rig: Rig, tmp_path: Path, fork: bool
) -> None:
    rig.grow()
    rig.settle()
    with put_back(rig.store, tmp_path, fork) as older:
        if not fork:
            older.append([b"new"])
            older.sign_head(SIGNER)
        rig.store = older
        rig.new()
        with pytest.raises(ProvenRollback) as proven:
            rig.settle()
        head = parse_checkpoint(open_note(proven.value.note, [VERIFIER]))
        open_note(proven.value.note, [KNOWN])
        assert head.size == 6
        assert older.size < head.size or older.root(head.size) != head.root


def test_attack_a_ledger_worked_on_to_the_very_size_that_was_witnessed_is_proven_at_once(
    rig: Rig, tmp_path: Path
) -> None:
    """Its head is older than that size when it is asked for, and later exactly there."""
    rig.grow()
    rig.settle()
    with put_back(rig.store, tmp_path, fork=False) as older:
        older.append([b"new"])
        older.sign_head(SIGNER)
        older.append([b"other"] * 2)
        rig.store = older
        rig.new()
        rig.settle()
        older.sign_head(SIGNER)
        assert older.size == 6, "as many as the witness saw"
        with pytest.raises(ProvenRollback):
            rig.settle()


def test_a_rollback_that_two_people_accepted_is_not_proven_again(
    rig: Rig, tmp_path: Path, running: Running
) -> None:
    rig.grow()
    rig.settle()
    accepted = ((6, rig.store.root(6).hex()),)
    with put_back(rig.store, tmp_path, fork=True) as older:
        rig.store = older
        rig.new(accepted)
        rig.settle()
        assert rig.trouble() == witnessing.NOT_TOLD
        running.memory.forget(ORIGIN, NOW_S)
        rig.now_s += witnessing.AGAIN_MOST_S
        rig.settle()
        assert rig.trouble() == ""
        assert rig.cosigned() == older.size


# --- lies -----------------------------------------------------------------------------------------

STRANGER = WitnessSigner(WITNESS.name, b"x" * 32)


def text_of(request: bytes) -> str:
    note = request.partition(b"\r\n\r\n")[2].partition(b"\n\n")[2].decode()
    return note.partition("\n\n")[0] + "\n"


LIES: dict[str, Lie] = {
    "another key of the same name": lambda r: http(200, STRANGER.cosign(text_of(r), 9).encode()),
    "a cosignature of another head": lambda r: http(200, WITNESS.cosign("x\n", 9).encode()),
    "an empty answer": lambda r: http(200, b""),
    "noise": lambda r: http(200, b"\xff\x00" * 500),
    "a size from nowhere, and no proof": lambda r: (
        http(409, b"999999\n", SIZE_TYPE) if b"POST" in r else http(404, b"")
    ),
    "a size from nowhere, and a head nobody signed": lambda r: (
        http(409, b"999999\n", SIZE_TYPE)
        if b"POST" in r
        else http(200, f"{ORIGIN}\n999999\n{'A' * 43}=\n\n".encode())
    ),
    "a head that only the witness signed": lambda r: (
        http(422, b"no\n")
        if b"POST" in r
        else http(200, (t := f"{ORIGIN}\n9\n{'A' * 43}=\n").encode() + b"\n" + _by_witness(t))
    ),
    "a head that another log signed": lambda r: (
        http(422, b"no\n") if b"POST" in r else http(200, _forged())
    ),
    "a size that is no number": lambda r: http(409, b"many\n", SIZE_TYPE),
    "a redirect": lambda r: b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
    "an error page": lambda r: http(500, b"<html>"),
    "never heard of you": lambda r: http(404, b"who?\n"),
    "not you": lambda r: http(403, b"\x1b[31mno\n"),
}


def _by_witness(text: str) -> bytes:
    return WITNESS.cosign(text, 9).encode()


def _forged() -> bytes:
    signer = Signer(ORIGIN, b"f" * 32)
    text = f"{ORIGIN}\n9\n{'A' * 43}=\n"
    return signer.sign(text).encode() + _by_witness(text)


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_told_to_people_and_shuts_nothing(tmp_path: Path, store: Store, lie: str) -> None:
    liar = Liar(LIES[lie])
    rig = Rig(tmp_path, store, liar.port)
    rig.settle()
    assert rig.cosigned() == 0
    assert rig.trouble()
    assert len(rig.trouble()) < 100
    assert rig.trouble().isprintable()
    heard = len(liar.heard)
    rig.settle()
    assert len(liar.heard) == heard  # it is not asked again at once
    liar.stop()
    rig.close()


UNUSABLE: dict[str, Lie] = {
    "nothing at all": lambda r: b"",
    "no HTTP": lambda r: b"hello\r\n" * 20,
    "cut short": lambda r: http(200, b"abc", length=900),
    "endless": lambda r: http(200, b"a" * 40_000),
    "a thousand headers": lambda r: b"HTTP/1.1 200 X\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
}


@pytest.mark.parametrize("lie", UNUSABLE)
def test_an_answer_that_is_none_counts_as_none(tmp_path: Path, store: Store, lie: str) -> None:
    liar = Liar(UNUSABLE[lie])
    rig = Rig(tmp_path, store, liar.port)
    assert rig.turn()
    said = rig.said.get(timeout=PATIENCE_S).message
    assert isinstance(said, NotReached)
    rig.witnessing.take(said, rig.now_s)
    assert not rig.turn()
    liar.stop()
    rig.close()


def test_a_witness_that_drips_is_cut_off_in_time(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "WHOLE_S", 0.3)
    release = threading.Event()
    liar = Liar(holding(release))
    rig = Rig(tmp_path, store, liar.port)
    assert rig.turn()
    assert isinstance(rig.said.get(timeout=PATIENCE_S).message, NotReached)
    release.set()
    liar.stop()
    rig.close()


def test_the_controllers_turn_waits_for_no_witness(tmp_path: Path, store: Store) -> None:
    release = threading.Event()
    liar = Liar(holding(release))
    rig = Rig(tmp_path, store, liar.port)
    assert rig.turn()  # it is over, and nobody has answered yet
    assert not rig.turn()
    until(lambda: liar.heard)
    assert rig.said.empty()
    release.set()
    assert isinstance(rig.said.get(timeout=PATIENCE_S).message, NotReached)
    liar.stop()
    rig.close()


def holding(release: threading.Event) -> Lie:
    """Holds the line open and says nothing until `release`."""

    def hold(_: bytes) -> bytes:
        release.wait()
        return b""

    return hold


def test_a_witness_that_cannot_make_up_its_mind_is_not_asked_for_ever(
    tmp_path: Path, store: Store
) -> None:
    sizes = iter(range(100))
    liar = Liar(lambda r: http(409, b"%d\n" % (next(sizes) % 2 + 1), SIZE_TYPE))
    rig = Rig(tmp_path, store, liar.port)
    rig.settle()
    assert len(liar.heard) <= witnessing.MAX_CONFLICTS + 2
    assert rig.trouble() == "does not say what it has cosigned"
    liar.stop()
    rig.close()


def test_a_replayed_answer_proves_nothing_about_a_later_head(tmp_path: Path, store: Store) -> None:
    kept: list[bytes] = []

    def replay(request: bytes) -> bytes:
        kept.append(http(200, WITNESS.cosign(text_of(request), 9).encode()))
        return kept[0]

    liar = Liar(replay)
    rig = Rig(tmp_path, store, liar.port)
    rig.settle()
    assert rig.cosigned() == 3
    rig.grow()
    rig.settle()
    assert rig.cosigned() == 3
    assert "not believed" in rig.trouble()
    liar.stop()
    rig.close()
