"""The way back where nobody is let in any more, or a clock was far ahead: two people, two PINs, the
two recovery cards.
"""

import secrets
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from auth.pins import keyed_hash, plain_code
from cabinet import events as e
from cabinet import provision, recovery, statements
from cabinet import records as r
from cabinet import staff_records as st
from cabinet.journal import Journal, replay
from cabinet.step import Engine
from ledger.escrow import RecoveryKey
from ledger.store import Store
from tests.demo import person
from tests.offline import Answers, Offline, offline, two_people
from tests.rights_reader import Reader
from tests.test_signin import hold, lock_out, wrong_tries
from tests.ward import NOON_MS, PIN, Ward, badge

__all__ = ["offline"]
HOUR_MS = 3_600_000
KEEPERS = ("A1", "A2", "P1", "P2")


@pytest.fixture
def ward() -> Ward:
    return Ward()


def recovered(ward: Ward, first: str = "A1", second: str = "P1") -> e.RecoverAccess:
    """What the command brings, once PINs and cards were right."""
    persons = (ward.ref(first), ward.ref(second))
    until_ms = ward.wall_ms + ward.now_ms + 72 * HOUR_MS
    return e.RecoverAccess("INC-7", persons, (f"new {first}", f"new {second}"), until_ms, "note")


def enrol(ward: Ward, staff_id: str, new_badge: str) -> None:
    """With the code, at the first screen, nobody beside; the finger they have always had."""
    ward.press("have_code")
    ward.press("code", "K7QM-2XWP-9HTA")
    ward.do(e.CodeHashed(ward.command(e.HashCode).request, f"new {staff_id}"))
    ward.do(e.BadgeSeen(badge(new_badge)))
    ward.press("new_pin", PIN)
    ward.do(e.PinHashed(ward.command(e.HashPin).request, f"hash of {PIN}"))
    ward.press("same_pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
    asked = ward.command(e.EnrolFinger)
    ward.do(e.FingerSeen(asked.request, "enrolled", asked.slot))
    ward.press("without_finger")


def sign_in(ward: Ward, staff_id: str, with_badge: str) -> None:
    hold(ward, with_badge)
    slot = ward.state.people[ward.ref(staff_id)].slots[0]
    ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, "matched", slot))
    assert ward.state.session is not None and ward.state.session.person == ward.ref(staff_id)


def test_attack_a_thief_of_every_keepers_badge_locks_nobody_out_for_good(ward: Ward) -> None:
    for keeper in KEEPERS:
        wrong_tries(ward, keeper, 50)
        lock_out(ward, keeper)
        hold(ward, keeper)
        assert ward.records(r.FactorRefused)[-1].why == "locked"
    ward.wait(10)  # the whole cabinet's, as it was guessed at
    ward.sign_in("N1")
    ward.press("sign_out")
    assert not ward.do(recovered(ward)).refusal
    enrol(ward, "A1", "A1's new badge")
    enrol(ward, "P1", "P1's new badge")
    hold(ward, "P1")
    assert ward.records(r.BadgePresented)[-1].person == "", "the stolen badge is nobody's"
    ward.press("cancel")
    sign_in(ward, "P1", "P1's new badge")
    ward.press("menu")
    ward.press("locked")
    ward.press(f"release:{ward.ref('P2')}")
    assert ward.records(r.LockReleased)[-1].person == ward.ref("P2")
    ward.press("menu")
    ward.press("sign_out")
    sign_in(ward, "A1", "A1's new badge")
    Reader().follow(ward.sink.bodies)
    assert replay(ward.sink).people == ward.state.people


def test_until_they_enrol_nothing_of_theirs_changes(ward: Ward) -> None:
    ward.do(recovered(ward))
    ward.sign_in("A1")
    ward.press("sign_out")
    ward.sign_in("P1")


def test_a_code_of_the_cards_is_as_good_beside_an_enroller(ward: Ward) -> None:
    ward.do(recovered(ward))
    ward.enter("new A1", by="C1")
    enrolment = ward.state.enrolment
    assert enrolment is not None
    assert (enrolment.person, enrolment.enroller) == (ward.ref("A1"), ward.ref("C1"))


def test_a_code_of_the_cards_ends_and_is_good_once(ward: Ward) -> None:
    ward.do(recovered(ward))
    enrol(ward, "A1", "A1's new badge")
    ward.press("have_code")
    for code in ("new A1", "new P1"):
        ward.now_ms += 72 * HOUR_MS
        ward.press("code", "K7QM-2XWP-9HTA")
        ward.do(e.CodeHashed(ward.command(e.HashCode).request, code))
    assert [it.why for it in ward.records(r.CodeRefused)] == ["unknown", "expired"]


def test_attack_a_badge_of_somebody_else_is_nobodys_new_one(ward: Ward) -> None:
    ward.do(recovered(ward))
    ward.press("have_code")
    ward.press("code", "K7QM-2XWP-9HTA")
    ward.do(e.CodeHashed(ward.command(e.HashCode).request, "new A1"))
    assert ward.do(e.BadgeSeen(badge("N1"))).refusal


@pytest.mark.parametrize("pair", [("A1", "A1"), ("A1", "N1"), ("C1", "P1"), ("T1", "A2")])
def test_attack_who_may_not_recover_is_let_in_by_no_card(ward: Ward, pair: tuple[str, str]) -> None:
    assert ward.do(recovered(ward, *pair)).refusal
    assert not ward.records(st.AccessRecovered)


# --- the command ----------------------------------------------------------------------------------


def run(cabinet: Offline, *answers: str) -> Answers:
    terminal = Answers(*answers)
    recovery.enrol_again(cabinet.configuration, cabinet.folder, terminal)
    return terminal


def test_two_people_with_both_cards_get_a_code_each_and_it_is_proven(offline: Offline) -> None:
    terminal = run(offline, "INC-7", *two_people(offline.cards()))
    record = last(offline)
    assert isinstance(record, st.AccessRecovered) and record.incident == "INC-7"
    state = offline.state()
    names = [state.people[ref].name for ref in record.persons]
    assert names == ["Ingrid Solberg", "Henry Abbott"]
    shown = [line.rpartition(": ")[2] for line in terminal.told.splitlines() if "alone" in line]
    pepper = offline.keys.pepper
    hashed = tuple(keyed_hash(pepper, "code", plain_code(code)) for code in shown)
    assert hashed == record.codes and set(state.codes) >= set(hashed)
    assert offline.verify().good


def last(cabinet: Offline) -> r.Record:
    with Store.open(cabinet.ledger, cabinet.keys.ledger, read_only=True) as store:
        return r.decode_body(store.entry(store.size).body).record


ADMIN, NURSE, PHARMACIST = person("Ingrid"), person("Amina"), person("Henry")
WRONG: dict[str, Callable[[list[str]], tuple[str, ...]]] = {
    "the other card": lambda c: (ADMIN.staff_id, ADMIN.pin, *(c[1],) * 3),
    "a wrong PIN": lambda c: (ADMIN.staff_id, NURSE.pin) * 3,
    "a nurse": lambda c: (NURSE.staff_id, NURSE.pin) * 3,
    "the same person twice": lambda c: (
        *(ADMIN.staff_id, ADMIN.pin, c[0]),
        *(ADMIN.staff_id, ADMIN.pin) * 3,
    ),
}


@pytest.mark.parametrize("how", WRONG)
def test_attack_nothing_is_written_for(offline: Offline, how: str) -> None:
    before = offline.size()
    with pytest.raises(recovery.NotRecovered, match="nothing was changed"):
        run(offline, "INC-7", *WRONG[how](offline.cards()))
    assert offline.size() == before


def ahead(cabinet: Offline) -> None:
    """An entry of next year: the clock was wrong for a moment."""
    next_year_ms = int(time.time() * 1000) + 365 * 24 * HOUR_MS
    keys = cabinet.keys
    with Store.open(cabinet.ledger, keys.ledger) as store:
        journal = Journal(store, cabinet.configuration.cabinet.id, "boot", secrets.token_bytes)
        moment = provision.moment(secrets.token_bytes, next_year_ms)
        Engine(replay(store), journal).step(e.DeviceChanged("badge", "silent"), moment)
        head = store.sign_head(provision.signer(cabinet.configuration, keys))
        assert head is not None
        cabinet.anchors.keep(head.note)


def watch(off_s: float = 0.0) -> str:
    return datetime.fromtimestamp(time.time() + off_s).strftime("%Y-%m-%d %H:%M")


def put_right(cabinet: Offline, *answers: str) -> None:
    recovery.put_clock_right(cabinet.configuration, cabinet.folder, Answers(*answers))


def test_two_people_with_both_cards_put_the_clock_right_and_it_is_proven(offline: Offline) -> None:
    ahead(offline)
    put_right(offline, watch(), "INC-9", *two_people(offline.cards()))
    record = last(offline)
    assert isinstance(record, st.ClockPutRight) and record.incident == "INC-9"
    assert offline.state().last_wall_ms <= int(time.time() * 1000)
    assert offline.verify().good
    with pytest.raises(recovery.NotRecovered, match="no entry is ahead"):
        put_right(offline)


@pytest.mark.parametrize("off_s", [-HOUR_MS / 1000, 20 * 60, 86_400])
def test_a_clock_that_is_still_wrong_is_not_attested(offline: Offline, off_s: float) -> None:
    ahead(offline)
    before = offline.size()
    with pytest.raises(recovery.NotRecovered, match="set it first"):
        put_right(offline, watch(off_s))
    assert offline.size() == before


def test_attack_the_clock_is_not_attested_without_the_cards(offline: Offline) -> None:
    ahead(offline)
    cards = offline.cards()
    before = offline.size()
    for answers in (WRONG["the other card"](cards), WRONG["a nurse"](cards)):
        with pytest.raises(recovery.NotRecovered, match="nothing was changed"):
            put_right(offline, watch(), "INC-9", *answers)
    assert offline.size() == before


def test_attack_root_without_the_cards_lets_in_nobody_whom_verify_believes(
    offline: Offline,
) -> None:
    """Whoever has the file and its keys, but not the cards, signs with a key of their own."""
    state, keys = offline.state(), offline.keys
    refs = tuple(state.by_staff_id[who.staff_id] for who in (ADMIN, PHARMACIST))
    with Store.open(offline.ledger, keys.ledger) as store:
        by = RecoveryKey(bytes(16), bytes(16)).signer(store.origin)
        note = statements.recover_access(
            *(store.size + 1, store.root(), store.origin, by),
            incident="INC-7",
            persons=(refs[0], refs[1]),
            codes=("c1", "c2"),
        )
        event = e.RecoverAccess("INC-7", (refs[0], refs[1]), ("c1", "c2"), NOON_MS * 2, note)
        journal = Journal(store, offline.configuration.cabinet.id, "boot", secrets.token_bytes)
        Engine(replay(store), journal).step(event, provision.moment(secrets.token_bytes))
        store.sign_head(provision.signer(offline.configuration, keys))
    assert any("recovery key" in str(problem) for problem in offline.verify().problems)


def test_a_ledger_that_was_rolled_back_is_to_be_accepted_first(
    offline: Offline, tmp_path: Path
) -> None:
    offline.copy_ledger(tmp_path / "before")
    offline.work(8)
    offline.put_back(tmp_path / "before")
    with pytest.raises(recovery.NotRecovered, match="rolled back"):
        run(offline, "INC-7", *two_people(offline.cards()))
