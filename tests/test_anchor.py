"""A ledger that was rolled back moves no lock, and no power cut makes a false alarm."""

import shutil
from pathlib import Path

import pytest

from cabinet import provision, recovery
from cabinet import records as r
from cabinet.anchors import Anchors, RolledBack
from cabinet.outside import Outside
from cabinet.recovery import NotRecovered
from ledger.errors import Missing
from ledger.note import Checkpoint, Signer
from ledger.store import Store
from tests.demo import person
from tests.offline import Answers, Offline, PowerCut, offline, passed, power_cut, start, two_people

__all__ = ["offline"]

REPORT = ("restored", "2026-117")


def refused(cabinet: Offline) -> RolledBack:
    with pytest.raises(RolledBack) as raised:
        start(cabinet)
    assert len(str(raised.value).splitlines()) == 1
    assert "cabinet recover --accept-rollback" in str(raised.value)
    cabinet.size()  # and nobody holds the ledger: `cabinet recover` can work
    Store.open(cabinet.ledger, cabinet.keys.ledger).close()
    return raised.value


@pytest.fixture
def rolled_back(offline: Offline, tmp_path: Path) -> Offline:
    """The whole file replaced by an older copy of itself."""
    offline.copy_ledger(tmp_path / "old")
    offline.work()
    offline.put_back(tmp_path / "old")
    return offline


# --- attacks --------------------------------------------------------------------------------------


def test_a_ledger_that_continues_its_anchor_starts(offline: Offline) -> None:
    passed(offline)
    offline.work()
    passed(offline)
    offline.work(anchor=False)  # the anchor is older: the ledger goes on from it
    passed(offline)
    assert offline.verify().good


def test_whole_file_rollback_is_refused_at_the_start(rolled_back: Offline) -> None:
    doubt = refused(rolled_back).doubts[0]
    assert doubt.where == rolled_back.anchors.path
    assert doubt.size == rolled_back.size() + 3
    findings = rolled_back.verify()
    assert [problem.where for problem in findings.problems] == [str(doubt.where)]


def test_a_fork_that_outgrew_its_anchor_is_refused(rolled_back: Offline) -> None:
    """Rolled back, then worked on by somebody with the keys, with other entries in their place."""
    rolled_back.work(8, anchor=False, name="scanner")
    doubt = refused(rolled_back).doubts[0]
    assert "are not those of the head that was kept" in doubt.why
    assert not rolled_back.verify().good


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff" * 200),
        lambda path: path.write_bytes(path.read_bytes() * 1000),
        lambda path: path.write_text(path.read_text().replace("\n", "\n\n", 1)),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["removed", "emptied", "noise", "too long", "another text", "a folder"],
)
def test_an_anchor_that_cannot_be_read_is_no_proof(offline: Offline, harm) -> None:  # type: ignore[no-untyped-def]
    harm(offline.anchors.path)
    assert refused(offline).doubts[0].size == 0
    assert not offline.verify().good


def test_a_head_from_another_cabinet_is_no_anchor(offline: Offline) -> None:
    size = offline.size()
    stranger = Signer("cabinet/other", b"s" * 32)
    namesake = Signer(provision.origin(offline.configuration), b"s" * 32)
    for signer in (stranger, namesake):
        offline.anchors.keep(signer.sign(Checkpoint(signer.name, size, bytes(32)).text()))
        assert refused(offline).doubts[0].size == 0


def test_an_older_anchor_put_back_alone_changes_nothing(offline: Offline) -> None:
    before = offline.anchors.path.read_bytes()
    offline.work()
    offline.anchors.path.write_bytes(before)
    passed(offline)


def test_ledger_and_anchor_rolled_back_together_are_not_noticed_here(
    offline: Offline, tmp_path: Path
) -> None:
    """Said in docs/attacks.md: for this there is the witness (tests/test_gateway.py)."""
    offline.copy_ledger(tmp_path / "old")
    anchor = offline.anchors.path.read_bytes()
    offline.work()
    offline.put_back(tmp_path / "old")
    offline.anchors.path.write_bytes(anchor)
    passed(offline)


# --- no false alarm -------------------------------------------------------------------------------


def test_no_power_cut_between_entry_head_and_anchor_makes_a_false_alarm(
    offline: Offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, steps = 1, 0
    while True:
        with power_cut(monkeypatch, cut) as happened:
            try:
                offline.work()
            except PowerCut:
                steps = happened()
            else:
                break
        passed(offline)
        cut += 1
    assert steps >= 6  # entries, the head, the file, its name, its folder
    assert offline.verify().good


def test_a_second_place_that_cannot_be_written_holds_nothing_up(offline: Offline) -> None:
    keys = offline.keys
    signer = provision.signer(offline.configuration, keys)
    with Store.open(offline.ledger, keys.ledger) as store:
        args = (store, offline.state(), signer, 0.0)
        outside = Outside(offline.configuration, offline.folder, *args)
        shutil.rmtree(offline.anchors.path.parent)
        offline.anchors.path.parent.touch()  # a file where the folder was
        head = store.newest_head()
        assert head is not None
        outside.keep(head)
        assert outside.faults(1.0) == {"anchor": ""}  # not before its turn
        outside.turn(1.0)
        assert outside.faults(1.0)["anchor"]
        offline.anchors.path.parent.unlink()
        outside.turn(2.0)
        assert outside.faults(2.0)["anchor"]  # not at once, so that nothing is tried all the time
        outside.turn(40.0)
        assert outside.faults(40.0) == {"anchor": ""}, "and with no new head at all"
        assert offline.anchors.path.read_text() == head.note
    passed(offline)


# --- two people decide ----------------------------------------------------------------------------


def accept(cabinet: Offline, *answers: str) -> Answers:
    terminal = Answers(*answers)
    recovery.accept_rollback(cabinet.configuration, cabinet.folder, terminal)
    return terminal


def test_two_people_with_both_cards_accept_a_rollback_and_it_is_recorded(
    rolled_back: Offline,
) -> None:
    anchored = refused(rolled_back).doubts[0]
    terminal = accept(rolled_back, *REPORT, *two_people(rolled_back.cards()))
    assert f"over {anchored.size} entries" in terminal.told
    passed(rolled_back)
    state = rolled_back.state()
    assert state.accepted == ((anchored.size, anchored.root),)
    assert all(pocket.count_due for pocket in state.pockets.values())
    with Store.open(rolled_back.ledger, rolled_back.keys.ledger, read_only=True) as store:
        record = r.decode_body(store.entry(store.size).body).record
    assert isinstance(record, r.RollbackAccepted)
    assert (record.reason, record.incident) == REPORT
    assert [state.people[ref].name for ref in record.persons] == ["Ingrid Solberg", "Henry Abbott"]
    assert rolled_back.verify().good
    rolled_back.work(8)  # beyond the head that it does not continue
    passed(rolled_back)
    assert rolled_back.verify().good


def test_what_was_accepted_once_is_not_accepted_for_another_rollback(
    rolled_back: Offline, tmp_path: Path
) -> None:
    accept(rolled_back, *REPORT, *two_people(rolled_back.cards()))
    rolled_back.copy_ledger(tmp_path / "accepted")
    rolled_back.work()
    rolled_back.put_back(tmp_path / "accepted")
    refused(rolled_back)


def test_a_power_cut_while_it_is_accepted_leaves_it_to_be_accepted_or_done(
    rolled_back: Offline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(rolled_back.folder, tmp_path / "before")
    cut = 1
    while True:
        shutil.rmtree(rolled_back.folder)
        shutil.copytree(tmp_path / "before", rolled_back.folder)
        done = False
        with power_cut(monkeypatch, cut) as happened:
            try:
                accept(rolled_back, *REPORT, *two_people(rolled_back.cards()))
                done = True
            except PowerCut:
                assert happened() == cut
        if rolled_back.verify().problems:
            accept(rolled_back, *REPORT, *two_people(rolled_back.cards()))
        passed(rolled_back)
        assert rolled_back.verify().good
        if done:
            break
        cut += 1
    assert cut > 6


def changed(cards: list[str], **changes: tuple[str, ...]) -> tuple[str, ...]:
    """The two people's answers, with some of them tried three times in vain."""
    names = ("first", "first_pin", "card_1", "second", "second_pin", "card_2")
    answers = dict(zip(names, ((answer,) for answer in two_people(cards)), strict=True))
    return tuple(each for name in names for each in (answers | changes)[name])


ADMIN, NURSE, PHARMACIST = person("Ingrid"), person("Amina"), person("Henry")
THRICE = {
    "a wrong card": lambda c: changed(c, card_1=(c[1], c[1], c[1])),
    "card words swapped": lambda c: changed(c, card_2=(" ".join(c[1].split()[::-1]),) * 3),
    "a wrong PIN": lambda c: (*_thrice(ADMIN.staff_id, "11111111"),),
    "somebody unknown": lambda c: (*_thrice("X-1", ADMIN.pin),),
    "a nurse": lambda c: (*_thrice(NURSE.staff_id, NURSE.pin),),
    "the same person twice": lambda c: (
        *two_people(c)[:3],
        *_thrice(ADMIN.staff_id, ADMIN.pin),
    ),
}


def _thrice(*answers: str) -> tuple[str, ...]:
    return answers * 3


@pytest.mark.parametrize("what", THRICE)
def test_without_two_people_and_both_cards_nothing_changes(rolled_back: Offline, what: str) -> None:
    before = rolled_back.size()
    with pytest.raises(NotRecovered, match="nothing was changed") as raised:
        accept(rolled_back, *REPORT, *THRICE[what](rolled_back.cards()))
    assert rolled_back.size() == before
    assert not any(word in str(raised.value) for word in " ".join(rolled_back.cards()).split())
    refused(rolled_back)


def test_the_cards_of_another_cabinet_are_refused(rolled_back: Offline) -> None:
    from cabinet import words

    cards = [" ".join(words.encode(number, bytes(16))) for number in (1, 2)]
    with pytest.raises(NotRecovered, match="not those of this cabinet"):
        accept(rolled_back, *REPORT, *two_people(cards))
    refused(rolled_back)


def test_a_reason_and_a_reports_number_are_needed_and_hold_no_free_text(
    rolled_back: Offline,
) -> None:
    with pytest.raises(NotRecovered, match="no reason"):
        accept(rolled_back, "because", "", "Mr Whitcombe's tablets")
    with pytest.raises(NotRecovered, match="no report"):
        accept(rolled_back, "other", "Mr Whitcombe", "", "x" * 50)


def test_there_is_nothing_to_accept_where_nothing_is_wrong(offline: Offline) -> None:
    with pytest.raises(NotRecovered, match="nothing to accept"):
        accept(offline)


def test_a_forged_acceptance_is_seen(rolled_back: Offline, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every key of the cabinet but the cards: the record is there, the signature is not."""
    cards = two_people(rolled_back.cards())
    real = Signer("forged/recovery", b"f" * 32)
    monkeypatch.setattr(
        "cabinet.statements.accept_rollback",
        lambda seq, root, origin, signer, **rest: real.sign(f"{origin}/recovery\nforged\n"),
    )
    accept(rolled_back, *REPORT, *cards)
    findings = rolled_back.verify()
    assert not findings.good
    assert "recovery key" in str(findings.problems[0])


def test_what_a_witness_proved_keeps_it_shut_at_the_next_start(offline: Offline) -> None:
    keys = offline.keys
    signer = provision.signer(offline.configuration, keys)
    with Store.open(offline.ledger, keys.ledger, read_only=True) as store:
        ahead = Checkpoint(store.origin, store.size + 50, bytes(32))
    offline.anchors.keep_witnessed(signer.sign(ahead.text()))
    assert refused(offline).doubts[0].size == ahead.size
    accept(offline, *REPORT, *two_people(offline.cards()))
    passed(offline)
    kept = offline.anchors.witnessed
    assert not kept.exists()
    assert kept.with_name(kept.name + ".refused").exists()  # evidence stays


def test_the_anchor_is_a_private_file(offline: Offline) -> None:
    assert offline.anchors.path.stat().st_mode & 0o777 == 0o600
    assert offline.anchors.path.parent.stat().st_mode & 0o777 == 0o700
    assert isinstance(offline.anchors, Anchors)


def test_no_ledger_at_all_is_said_before_any_anchor(offline: Offline) -> None:
    offline.ledger.unlink()
    with pytest.raises(Missing):
        start(offline)
