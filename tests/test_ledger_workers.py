"""The check by ranges and by several processes finds what one worker finds, and says the same."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from ledger.check import Findings, check, check_file
from ledger.check_tree import check_range
from ledger.cosignature import CosignatureVerifier, Cosigner
from ledger.errors import WrongBody
from ledger.note import Checkpoint, Signer, Verifier
from ledger.store import CHUNK, Store
from tests.ledgers import KEY, ORIGIN, SIGNER, VERIFIER, bodies
from tests.test_ledger_attacks import Forger

SIZE = 5 * CHUNK + 100
COSIGNER = Cosigner(ORIGIN, bytes(range(32)))
COSIGNED = CosignatureVerifier(COSIGNER.vkey)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Heads at the edges of chunks, inside them, and at ends of ranges."""
    path = tmp_path_factory.mktemp("workers") / "ledger.db"
    with Store.create(path, KEY, ORIGIN) as store:
        for size in (1, 255, 256, 257, 300, 512, 640, 768, 1000, 1024, SIZE):
            store.append(bodies(store.size + 1, size + 1))
            head = store.sign_head(SIGNER)
            assert head is not None
            if size in (300, 1024):
                line = COSIGNER.cosign(Checkpoint(ORIGIN, size, store.root()), 1_790_000_000)
                store.add_cosignature(size, line)
    return path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "ledger.db"))


def checked(path: Path, workers: int) -> Findings:
    return check_file(path, KEY, VERIFIER, cosigners=[COSIGNED], workers=workers, structure=False)


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_every_number_of_workers_finds_the_same_in_a_good_ledger(path: Path, workers: int) -> None:
    findings = checked(path, workers)
    assert findings.good, findings.lines()
    with Store.open(path, KEY, read_only=True) as store:
        assert (findings.entries, findings.root) == (SIZE, store.root())
    assert (findings.heads, findings.signed) == (11, SIZE)
    assert (findings.cosignatures, findings.cosigned) == (2, 1024)
    assert "not checked, to be quick" in "\n".join(findings.lines())


def change_body(forger: Forger) -> None:
    forger.sql("UPDATE e SET body = x'00' WHERE seq = 900")


def rewrite(forger: Forger) -> None:
    change_body(forger)
    forger.rebuild()


def remove_one(forger: Forger) -> None:
    forger.sql("DELETE FROM e WHERE seq = 700")


def remove_the_end(forger: Forger) -> None:
    forger.sql("DELETE FROM e WHERE seq > 1030")


def remove_all(forger: Forger) -> None:
    forger.sql("DELETE FROM e")


def change_an_edge(forger: Forger) -> None:
    """The node from which the second of two workers begins."""
    assert SIZE // 2 // CHUNK * CHUNK == 512
    ((nodes,),) = forger.sql("SELECT nodes FROM e WHERE seq = 512")
    forger.sql("UPDATE e SET nodes = ? WHERE seq = 512", nodes[:288] + bytes(32))


def far_entry(forger: Forger) -> None:
    forger.sql("INSERT INTO e VALUES (?, x'00', zeroblob(32))", 1 << 62)


def change_a_head(forger: Forger) -> None:
    ((note,),) = forger.sql("SELECT note FROM head WHERE size = 512")
    assert note[-20] != "A"
    forged = note[:-20] + "A" + note[-19:]
    forger.sql("UPDATE head SET note = ? WHERE size = 512", forged)


def swap_heads(forger: Forger) -> None:
    forger.sql("UPDATE head SET note = (SELECT note FROM head WHERE size = 640) WHERE size = 768")


def change_a_cosignature(forger: Forger) -> None:
    forger.sql(
        "UPDATE cosignature SET line = (SELECT line FROM cosignature WHERE size = 300) "
        "WHERE size = 1024"
    )


@pytest.mark.parametrize(
    ("forge", "first"),
    [
        (change_body, "entry 900: its body is not the one that was appended (leaf hash)"),
        (rewrite, "head of 1000 entries: was signed for other entries than these (root)"),
        (remove_one, "entry 700: is missing; entry 701 follows instead"),
        (remove_the_end, "was signed, but only 1030 entries are left"),
        (remove_all, "was signed, but only 0 entries are left"),
        (change_an_edge, "entry 512: its tree nodes do not follow from the entries before it"),
        (far_entry, "is missing; entry 4611686018427387904 follows instead"),
        (change_a_head, "head of 512 entries: the signature of"),
        (swap_heads, "head of 768 entries: was signed for 640 entries"),
        (change_a_cosignature, "cosignature of the head of 1024 entries: the signature of"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_every_number_of_workers_names_the_same_forgery_first(
    path: Path, workers: int, forge: Callable[[Forger], None], first: str
) -> None:
    with Forger(path) as forger:
        forge(forger)
    findings = checked(path, workers)
    assert not findings.good
    assert first in str(findings.problems[0]), "\n".join(map(str, findings.problems))


def test_a_range_that_begins_from_a_forged_tree_is_not_believed(path: Path) -> None:
    """Two workers' ranges may each be right in itself; together they must be one tree."""
    other = path.with_name("other.db")
    with Store.create(other, KEY, ORIGIN) as store:
        store.append([b"another beginning", *bodies(2, SIZE + 1)])
    with Store.examine(path, KEY) as good, Store.examine(other, KEY) as forged:
        assert check_range(good, start=0, stop=512).whole
        found = check_range(forged, start=512)
        assert [what for where, what in found.problems if "head of" not in where] == []
        assert found.before != check_range(good, start=0, stop=512).after


def test_bodies_are_read_in_order_beside_the_workers(path: Path) -> None:
    seen: list[int] = []

    def read(seq: int, _: bytes) -> None:
        seen.append(seq)
        if seq == 1025:
            raise WrongBody("is nonsense")

    findings = check_file(path, KEY, VERIFIER, read, workers=2)
    assert list(map(str, findings.problems)) == ["entry 1025: is nonsense"]
    assert seen == list(range(1, 1026)) and not findings.good


def test_heads_of_a_changed_key_are_checked_by_who_learns_of_it_from_entries(
    tmp_path: Path,
) -> None:
    path, later = tmp_path / "ledger.db", Signer(ORIGIN, bytes(range(1, 33)))
    with Store.create(path, KEY, ORIGIN) as store:
        store.append(bodies(1, 400))
        store.sign_head(SIGNER)
        store.append([b"from here on another key signs", *bodies(401, 600)])
        store.sign_head(later)

    class Learner:
        newest = VERIFIER

        def body(self, _: int, data: bytes) -> None:
            if data.startswith(b"from here"):
                self.newest = Verifier(later.vkey)

        def at(self, _: int) -> Verifier:
            return self.newest

    for workers in (1, 2):
        learner = Learner()
        assert check_file(path, KEY, learner, learner.body, workers=workers).good
        assert not check_file(path, KEY, VERIFIER, workers=workers).good


def test_a_damaged_page_is_located_whoever_finds_it(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 // 4096 * 4096 + 50] ^= 1
    path.write_bytes(data)
    for workers in (1, 2):
        said = "\n".join(map(str, checked(path, workers).problems))
        assert "cannot be read" in said and "HMAC verification failed for page" in said


def test_no_key_is_in_a_worker_s_arguments_or_environment(
    path: Path, mocker: MockerFixture
) -> None:
    starts = mocker.spy(subprocess, "Popen")
    with Store.examine(path, KEY) as store:
        assert check(store, VERIFIER, key=KEY, workers=2).good
    assert starts.call_count == 2
    for call in starts.call_args_list:
        assert call.kwargs.get("env") is None and KEY.hex() not in repr(call)
    assert KEY.hex() not in repr(os.environ)
