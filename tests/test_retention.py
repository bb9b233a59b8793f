"""What is kept, what may be erased, and that it is gone for good while the proofs stand."""

from pathlib import Path

import pytest

from cabinet import configuration as site
from cabinet import events as e
from cabinet import keys, offline, retention, snapshot, verification
from cabinet import records as r
from cabinet.journal import replay
from cabinet.retention import DAY_MS
from ledger.store import Store
from tests.attacker import plain
from tests.demo import make
from tests.ward import NOON_MS, Ward, badge


def ended_order(ward: Ward) -> tuple[str, str]:
    """The second patient's only order gets an end in ten days; the hashes of both details."""
    row = e.OrderRow(
        *("O3", "1002", "MOR10", 2, "10 mg", "by mouth", "now", "pain"),
        *(NOON_MS - 1, ward.wall_ms + 10 * DAY_MS),
    )
    assert not ward.do(e.Import("test", orders=(("orders.csv:2", row),))).refusal
    patient = ward.state.patients[ward.state.by_record_number["1002"]]
    return patient.details_name, ward.state.orders["O3"].listed.details


@pytest.fixture
def ward() -> Ward:
    return Ward()


def change_patient(ward: Ward) -> str:
    """A patient's details are replaced; the hash of the old ones."""
    patient = ward.state.patients[ward.state.by_record_number["1002"]]
    old = patient.details_name
    row = e.PatientRow("1002", "Frank", "Moss", "1975-01-02", "male", "9Z", "latex", ("N1",))
    assert not ward.do(e.Import("test", patients=(("patients.csv:2", row),))).refusal
    return old


def test_what_is_younger_than_its_term_is_kept(ward: Ward) -> None:
    old = change_patient(ward)
    assert "kept for 2192 days" in ward.do(e.Erase((old,), "right")).refusal
    assert ward.records(r.Refused)[-1].act == "erase"
    assert old in ward.state.named


def test_after_its_term_it_goes_and_the_entry_says_so(ward: Ward) -> None:
    old = change_patient(ward)
    ward.wall_ms += 2192 * DAY_MS
    assert old in retention.due(ward.state, ward.wall_ms)
    assert not ward.do(e.Erase((old,), "term_over")).refusal
    assert ward.records()[-1] == r.Erased(old, "patient", "term_over", "")
    assert ward.sink.attachment(bytes.fromhex(old)) is None
    assert old not in ward.state.named


def test_an_order_that_has_ended_holds_nobodys_name_for_ever(ward: Ward) -> None:
    """Nothing stops an order but its end: with it, it and its patient are of no more use."""
    name, order = ended_order(ward)
    used = retention.in_use(ward.state, ward.wall_ms)
    assert used[name] == "a patient with an active order"
    ward.wall_ms += 10 * DAY_MS
    used = retention.in_use(ward.state, ward.wall_ms)
    assert name not in used
    assert order not in used
    ward.wall_ms += 2192 * DAY_MS
    assert not ward.do(e.Erase((name, order), "term_over")).refusal
    assert ward.state.patients[ward.state.orders["O3"].listed.patient].details is None


def test_a_lawful_order_goes_before_the_term_but_not_before_use(ward: Ward) -> None:
    old = change_patient(ward)
    assert not ward.do(e.Erase((old,), "lawful_order", "AZ-12/34")).refusal
    person = ward.state.people[ward.ref("N1")]
    refusal = ward.do(e.Erase((person.details_name,), "lawful_order", "AZ-12/34")).refusal
    assert "works here" in refusal
    assert person.details is not None


@pytest.mark.parametrize("names", [(), ("ff" * 32,), ("00", "00")])
def test_what_is_not_there_or_named_twice_is_refused_whole(
    ward: Ward, names: tuple[str, ...]
) -> None:
    old = change_patient(ward)
    ward.wall_ms += 2192 * DAY_MS
    assert ward.do(e.Erase((old, *names, old), "term_over")).refusal
    assert ward.sink.attachment(bytes.fromhex(old)) is not None


@pytest.mark.parametrize(
    ("reason", "order"),
    [
        ("", ""),
        ("Frank Moss asked for it", ""),
        ("lawful_order", "Frank Moss"),
        ("lawful_order", "about Frank"),
        ("lawful_order", "Moss\n"),
        ("lawful_order", "1" * 41),
    ],
)
def test_the_entry_of_an_erasure_has_no_room_for_the_erased_name(
    ward: Ward, reason: str, order: str
) -> None:
    old = change_patient(ward)
    ward.wall_ms += 2192 * DAY_MS
    assert ward.do(e.Erase((old,), reason, order)).refusal
    assert ward.sink.attachment(bytes.fromhex(old)) is not None


def test_whom_a_removal_was_for_is_kept_for_the_term_after_its_last_entry(ward: Ward) -> None:
    """A patient listed years ago whose last dose was yesterday (21 CFR 1304.04(a))."""
    name, order = ended_order(ward)
    ward.wall_ms += 9 * DAY_MS
    ward.sign_in("N1")
    removal = ward.remove("O3", 20)
    ward.wall_ms += 2000 * DAY_MS  # the rest of it was long in a pocket
    ward.press("removals")
    ward.press(f"removal:{removal}")
    ward.press("give")
    ward.press("all")
    assert not ward.state.removals
    ward.wall_ms += 200 * DAY_MS  # more than the term after both were listed
    due = retention.due(ward.state, ward.wall_ms)
    assert name not in due
    assert order not in due
    assert "kept for 2192 days" in ward.do(e.Erase((name,), "term_over")).refusal
    ward.wall_ms += 1992 * DAY_MS
    assert {name, order} <= {*retention.due(ward.state, ward.wall_ms)}
    assert not ward.do(e.Erase((name, order), "term_over")).refusal
    assert snapshot.take(replay(ward.sink)) == snapshot.take(ward.state)


def test_replay_and_snapshot_work_without_what_was_erased(ward: Ward) -> None:
    old = change_patient(ward)
    ward.do(e.Erase((old,), "lawful_order", "AZ-12/34"))
    again = replay(ward.sink)
    assert snapshot.take(again) == snapshot.take(ward.state)
    assert again.patients == ward.state.patients


def test_what_is_erased_is_gone_from_a_real_file_and_the_ledger_verifies(
    tmp_path: Path, demo_template: Path
) -> None:
    folder = make(tmp_path / "demo", demo_template).folder
    configuration = site.load(folder / "cabinet.toml")
    secret = keys.load(folder / configuration.paths.keys)
    with offline.opened(configuration, folder, secret, "test") as cabinet:
        state = cabinet.engine.state
        names = tuple(name for name, named in state.named.items() if named.kind == "person")
        unused = tuple(
            name for name in names if name not in retention.in_use(state, cabinet.now_ms())
        )
        assert unused, "a person who enrolled is named twice, and one of the two is of no use"
        assert not cabinet.step(e.Erase(unused, "lawful_order", "AZ-12/34")).refusal
    with Store.open(folder / configuration.paths.ledger, secret.ledger, read_only=True) as store:
        assert all(store.attachment(bytes.fromhex(name)) is None for name in unused)
        assert sorted(hashed.hex() for hashed, _ in store.erased()) == sorted(unused)
    findings, _ = verification.verify(configuration, folder, secret)
    assert findings.good, findings.lines()


# --- the disk's room and the clock ----------------------------------------------------------------


def test_low_room_is_an_alarm_and_no_room_refuses_new_accesses(ward: Ward) -> None:
    ward.do(e.Space(19))
    assert ward.records()[-1] == r.SpaceChanged("low")
    ward.do(e.Space(20))  # a percent of slack, so that it stays quiet
    assert ward.records()[-1] == r.SpaceChanged("low")
    ward.do(e.Space(1))
    assert ward.records()[-1] == r.SpaceChanged("full")
    ward.sign_in("N1")
    ward.choose("O1")
    ward.press("open")
    assert ward.records()[-1].why == "disk_full"
    assert not any(isinstance(command, e.Pulse) for command in ward.commands)
    ward.do(e.Space(50))
    ward.press("open")
    assert ward.state.access is not None


def test_what_is_open_can_end_with_no_room(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    ward.do(e.Space(0))
    ward.press("count", "20")
    ward.push("D1")
    assert ward.records(r.RemovalTaken)


@pytest.mark.parametrize("step_ms", [-3_600_000, 61_000, 86_400_000])
def test_a_clock_that_jumps_is_recorded_once(ward: Ward, step_ms: int) -> None:
    ward.wait(2)
    ward.wall_ms += step_ms
    ward.wait(3)
    (stepped,) = ward.records(r.ClockStepped)
    assert abs(stepped.by_ms - step_ms) < 5000


@pytest.mark.parametrize("step_ms", [-3_600_000, 61_000])
def test_a_jump_of_the_clock_is_recorded_also_where_somebody_was_quicker_than_the_next_tick(
    ward: Ward, step_ms: int
) -> None:
    ward.wait(2)
    ward.wall_ms += step_ms
    ward.do(e.BadgeSeen(badge("N1")))
    ward.press("cancel")
    ward.wait(3)
    (stepped,) = ward.records(r.ClockStepped)
    assert abs(stepped.by_ms - step_ms) < 5000


def pushed(ward: Ward, times: int, by_ms: int) -> None:
    """The clock is moved a little, again and again, and each time somebody holds a badge."""
    for _ in range(times):
        ward.wall_ms += by_ms
        ward.do(e.BadgeSeen(badge("N1")))
        ward.press("cancel")
        ward.wait(2)


def test_a_clock_that_drifts_by_less_than_a_minute_is_no_entry(ward: Ward) -> None:
    pushed(ward, 199, 300)
    assert not ward.records(r.ClockStepped)


@pytest.mark.parametrize("by_ms", [-59_000, 20_000, 500])
def test_attack_a_clock_that_is_pushed_little_by_little_is_recorded_by_the_minute(
    ward: Ward, by_ms: int
) -> None:
    pushed(ward, 200, by_ms)
    said_ms = sum(it.by_ms for it in ward.records(r.ClockStepped))
    assert abs(said_ms - 200 * by_ms) <= 61_000
    assert plain(replay(ward.sink)) == plain(ward.state)


def test_a_clock_set_back_while_the_cabinet_was_off_is_recorded(ward: Ward) -> None:
    ward.wall_ms -= 7_200_000
    ward.restart()
    assert ward.records(r.Started)[-1].clock_back_ms > 7_000_000
