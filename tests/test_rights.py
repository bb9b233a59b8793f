"""Rights at the moment of the act: who was moved, untrained or given other groups since sign-in.

Not for who was stopped as a whole (`test_stopped.py`). The rules are asked through the real engine.
"""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.decision import Draft
from cabinet.effects import apply
from cabinet.journal import replay
from cabinet.machines import CorruptLedger
from cabinet.messages import Row, Rows
from cabinet.plan import Asked, Training
from cabinet.wording import REASONS
from tests.test_emergency import LISTED, begin, grant
from tests.test_enrolment import issued
from tests.test_signin import lock_out
from tests.ward import MEDICINES, NOON_MS, PLAN, SENSOR, Ward, badge

HOUR_MS = 3_600_000
NEWCOMER = e.PersonRow("X1", "Nell", "New", "nurse", badge("X1"))
NAMES = {"N1": ("Nina", "Nurse"), "N2": ("Noel", "Nurse"), "P1": ("Paul", "Pharmacist")}


@pytest.fixture
def ward() -> Ward:
    return Ward()


def listed(ward: Ward, staff_id: str, role: str = "nurse", **said: object) -> None:
    """A list says this of somebody."""
    given, family = NAMES[staff_id]
    row = e.PersonRow(staff_id, given, family, role, "", **said)  # type: ignore[arg-type]
    outcome = ward.do(e.Import("test", people=(("people.csv:2", row),)))
    assert not outcome.refusal, outcome.report


def now_ms(ward: Ward) -> int:
    return ward.wall_ms + ward.now_ms


def pulses(ward: Ward) -> list[e.Command]:
    return [command for command in ward.commands if isinstance(command, e.Pulse)]


def refused(ward: Ward) -> r.Refused:
    record = ward.records(r.Refused)[-1]
    assert isinstance(record, r.Refused)
    return record


def at_the_order(ward: Ward) -> None:
    """One press before the drawer."""
    ward.sign_in("N1")
    ward.choose("O1")
    ward.commands.clear()


# --- one human, two accounts ----------------------------------------------------------------------


def test_two_accounts_of_one_human_are_one_witness(ward: Ward) -> None:
    listed(ward, "N1", human="the same")
    listed(ward, "N2", human="the same")
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    for button in ("removals", f"removal:{removal}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    ward.prove("N2")
    assert not ward.records(r.Wasted)
    assert refused(ward).why == "same_person"


def test_two_accounts_of_one_human_accept_no_rollback(ward: Ward) -> None:
    listed(ward, "P1", "pharmacist", human="the same")
    administrator = ward.ref("A1")
    ward.state.people[administrator].human_hash = "the same"
    event = e.AcceptRollback("restored", "1", (administrator, ward.ref("P1")), (), "note")
    assert ward.do(event).refusal
    assert not ward.records(r.RollbackAccepted)


# --- areas ----------------------------------------------------------------------------------------


def elsewhere() -> Ward:
    """A ward in the area 4W."""
    ward = Ward()
    ward.plan = msgspec.structs.replace(PLAN, area="4W")
    ward.restart()
    return ward


def test_the_rights_of_another_area_open_nothing_here_and_show_no_patient() -> None:
    ward = elsewhere()
    listed(ward, "N1", areas=("ICU", "3E"))
    ward.prove("N1")
    assert ward.state.session is None
    assert ward.records(r.FactorRefused)[-1].why == "wrong_area"
    assert not ward.records(r.FactorRefused)[-1].counts, "they proved who they are"
    assert REASONS["wrong_area"] in repr(ward.screen().blocks[0])


def test_an_area_taken_away_in_mid_session_stops_the_next_release() -> None:
    ward = elsewhere()
    listed(ward, "N1", areas=("ICU", "4W"))
    at_the_order(ward)
    listed(ward, "N1", areas=("ICU",))
    ward.press("open")
    assert not pulses(ward)
    assert refused(ward).why == "wrong_area"


def test_a_witness_of_another_area_does_not_witness() -> None:
    ward = elsewhere()
    listed(ward, "N2", areas=("ICU",))
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    for button in ("removals", f"removal:{removal}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    ward.prove("N2")
    assert not ward.records(r.Wasted)


# --- groups ---------------------------------------------------------------------------------------


def test_a_group_taken_away_in_mid_session_stops_the_next_release(ward: Ward) -> None:
    at_the_order(ward)
    listed(ward, "N1", groups=("E",))
    ward.press("open")
    assert not pulses(ward)
    assert refused(ward).why == "wrong_group"
    assert ward.state.session is not None, "the rest of their work goes on"
    ward.press("home")
    ward.remove("O2")


def test_a_medicine_put_into_another_group_is_out_of_reach_at_once(ward: Ward) -> None:
    at_the_order(ward)
    moved = msgspec.structs.replace(MEDICINES[0], group="G")
    assert not ward.do(e.Import("test", medicines=(("formulary.csv:2", moved),))).refusal
    ward.press("open")
    assert not pulses(ward)
    assert refused(ward).why == "wrong_group"


def test_the_list_of_orders_says_which_medicine_is_out_of_reach_and_why(ward: Ward) -> None:
    listed(ward, "N1", groups=("E",))
    ward.sign_in("N1")
    ward.press(f"patient:{ward.state.by_record_number['1001']}")
    why = {row.id: row.why_not for row in rows(ward)}
    assert why == {"order:O1": REASONS["wrong_group"], "order:O2": ""}
    assert ward.press("order:O1").refusal


def test_whoever_lost_a_group_still_says_what_became_of_the_dose_in_hand(ward: Ward) -> None:
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    listed(ward, "N1", groups=())
    for button in ("removals", f"removal:{removal}", "give", "all"):
        ward.press(button)
    assert ward.records(r.Given)[-1].quantity == 2
    assert removal not in ward.state.removals


def test_a_technician_without_a_group_loads_none_of_it(ward: Ward) -> None:
    given = e.PersonRow("T1", "Tess", "Technician", "pharmacy_technician", "", groups=("E",))
    assert not ward.do(e.Import("test", people=(("people.csv:2", given),))).refusal
    ward.sign_in("T1")
    ward.press("load_list")
    why = {row.id: row.why_not for row in rows(ward)}
    assert why["load:P1"] == REASONS["wrong_group"]
    assert not why["load:M1"]


def rows(ward: Ward) -> Iterator[Row]:
    """The rows of the screen's lists, as screens show them."""
    for block in ward.screen().blocks:
        if isinstance(block, Rows):
            yield from block.rows


# --- another role ---------------------------------------------------------------------------------


def test_another_role_in_mid_session_brings_its_own_rights_and_ends_the_old(ward: Ward) -> None:
    at_the_order(ward)
    listed(ward, "N1", "witness_only")
    ward.press("open")
    assert not pulses(ward)
    assert refused(ward).why == "not_allowed"
    assert ward.state.people[ward.ref("N1")].rights == r.Rights("witness_only")
    ward = Ward()
    listed(ward, "N1", "witness_only")
    ward.sign_in("N1")
    assert "come when somebody's screen asks for a witness" in repr(ward.screen())


# --- training -------------------------------------------------------------------------------------


def trained() -> Ward:
    """A ward that asks a competency for removing and witnessing."""
    ward = Ward()
    ward.plan = msgspec.structs.replace(
        PLAN, training=(Training("controlled substances", ("remove", "witness")),)
    )
    ward.restart()
    return ward


def test_without_the_training_nothing_is_released_and_the_reason_is_said() -> None:
    ward = trained()
    ward.sign_in("N1")
    assert ward.screen().name == "menu", "no patients for who may not remove"
    listed(ward, "N1", competencies=(("controlled substances", 0),))
    ward.press("home")
    ward.choose("O1")
    listed(ward, "N1", competencies=(("something else", 0),))
    ward.commands.clear()
    ward.press("open")
    assert not pulses(ward)
    assert refused(ward).why == "training_lapsed"


def test_training_that_ends_in_mid_session_stops_the_next_release_and_no_more() -> None:
    ward = trained()
    listed(ward, "N1", competencies=(("controlled substances", now_ms(ward) + HOUR_MS),))
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    ward.choose("O1")
    ward.now_ms += HOUR_MS
    ward.commands.clear()
    ward.press("open")
    assert not pulses(ward)
    assert refused(ward).why == "training_lapsed"
    assert ward.state.session is not None
    back = f"patient:{ward.state.by_record_number['1001']}"
    for button in (back, "home", "removals", f"removal:{removal}", "give", "all"):
        assert not ward.press(button).refusal
    assert removal not in ward.state.removals, "the dose in hand is theirs to account for"


def test_an_untrained_witness_does_not_witness() -> None:
    ward = trained()
    listed(ward, "N1", competencies=(("controlled substances", 0),))
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    for button in ("removals", f"removal:{removal}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    ward.prove("N2")
    assert not ward.records(r.Wasted)


@pytest.mark.parametrize("kind", ["", "break_glass", "critical_override"])
def test_attack_without_an_order_nobody_removes_what_they_are_not_trained_to_remove(
    kind: str,
) -> None:
    asked = (Training("opioids", ("remove",)),)
    ward = Ward(msgspec.structs.replace(LISTED, training=asked))
    grant(ward, "C1", "A")
    if kind:
        begin(ward, kind, "C1", "P1")
        ward.press("sign_out")
    ward.commands.clear()
    ward.sign_in("C1")
    patient = ward.state.orders["O1"].listed.patient
    ward.engine.place = replace(ward.engine.place, page="patient", patient=patient)
    assert f"override:{patient}" not in screens.buttons(ward.screen())
    at = replace(ward.engine.place, page="override", medicine="OXY5", quantity=1, why="emergency")
    ward.engine.place = at
    assert ward.press("open_override").refusal
    assert refused(ward).why == "training_lapsed"
    assert not pulses(ward)


# --- a site's stricter rows -----------------------------------------------------------------------


def stricter(*asked: Asked) -> Ward:
    """A ward whose site has these rows of its own."""
    ward = Ward()
    ward.plan = msgspec.structs.replace(PLAN, policy=asked)
    ward.restart()
    ward.do(e.DeviceChanged("fingerprint", "", SENSOR))
    return ward


def test_a_site_that_asks_a_stronger_factor_is_heard_at_the_release() -> None:
    ward = stricter(Asked("remove", "CII", "nurse", strong=True))
    at_the_order(ward)
    ward.press("open")
    assert not pulses(ward)
    assert refused(ward).why == "strong_factor"
    ward.press("home")
    ward.remove("O2")


# Of each act that is more than a release: who does it, and the presses up to the act itself.
AT_THE_SCREEN = {
    "administer": ("A1", ("people", "find_person", "find_people Nina")),
    "invite": ("A1", ("invite", "issue:X1")),
    "enrol": ("C1", ("menu", "enrolling", "stand_by K7QM-2XWP-9HTA")),
    "release": ("P1", ("menu", "locked", "release:N1")),
    "temporary": ("C1", ("menu", "emergency", "temporary", "temp_new")),
    "break_glass": ("N1", ("menu", "emergency", "break_glass", "begin:break_glass:nobody_else")),
    "critical_override": (
        "P1",
        ("menu", "emergency", "critical_override", "begin:critical_override:many_patients"),
    ),
    "give": ("N1", ("removals", "removal:", "give", "amount 1")),
    "waste": ("N1", ("removals", "removal:", "waste", "amount 1")),
    "return": ("N1", ("removals", "removal:", "return", "amount 1")),
    "load": (
        "T1",
        ("menu", "load_list", "load:P1", "expiry 122031", "load_quantity 1", "open_load"),
    ),
}


@pytest.mark.parametrize("act", AT_THE_SCREEN)
def test_whatever_act_a_site_asks_a_stronger_factor_for_is_not_done_without(act: str) -> None:
    ward = stricter(Asked(act, strong=True))
    ward.do(e.Import("test", people=(("people.csv:2", NEWCOMER),)))
    staff_id, presses = AT_THE_SCREEN[act]
    if act == "enrol":
        issued(ward, "X1")
    if act == "release":
        lock_out(ward, "N1")
    ward.sign_in(staff_id)
    removal = ward.remove("O1", count=20) if "removals" in presses else ""
    size, page = len(ward.records()), ""
    for press in presses:
        button, _, typed = press.partition(" ")
        verb, colon, subject = button.partition(":")
        subject = removal if verb == "removal" else subject
        subject = ward.ref(subject) if subject in ("X1", "N1") else subject
        assert not ward.records()[size:], "refused at the act, and not before"
        page = ward.engine.place.page
        ward.press(f"{verb}{colon}{subject}", typed)
    if act == "enrol":
        ward.do(e.CodeHashed(ward.command(e.HashCode).request, "code"))
    assert [type(it) for it in ward.records()[size:]] == [r.Refused]
    assert refused(ward).why == "strong_factor"
    assert ward.engine.place.page == page, "and nothing is begun"


# --- changed at the cabinet -----------------------------------------------------------------------


def changed(ward: Ward, before: r.Rights, after: r.Rights, **said: r.Standing) -> r.PersonChanged:
    return r.PersonChanged(
        *(ward.ref("N1"), ward.ref("A1"), "", before, after),
        said.get("was", "active"),
        said.get("becomes", "active"),
        "asked for",
    )


def applied(ward: Ward, record: r.Record) -> None:
    body = r.decode_body(ward.sink.bodies[-1])
    state = ward.state
    apply(state, msgspec.structs.replace(body, seq=state.size + 1, record=record))


def test_a_change_says_old_and_new_and_holds_from_then_on(ward: Ward) -> None:
    before = ward.state.people[ward.ref("N1")].rights
    after = msgspec.structs.replace(before, override_groups=("A",), expires_ms=NOON_MS + HOUR_MS)
    applied(ward, changed(ward, before, after, becomes="suspended"))
    person = ward.state.people[ward.ref("N1")]
    assert (person.rights, person.standing) == (after, "suspended")


def test_a_change_of_rights_that_nobody_had_is_a_corrupt_ledger(ward: Ward) -> None:
    before = ward.state.people[ward.ref("N1")].rights
    other = msgspec.structs.replace(before, groups=("H",))
    with pytest.raises(CorruptLedger):
        applied(ward, changed(ward, other, before))
    with pytest.raises(CorruptLedger):
        applied(ward, changed(ward, before, other, was="left"))


def test_a_change_lasts_over_a_restart_and_a_list_that_says_nothing_of_it(ward: Ward) -> None:
    ref, before = ward.ref("N1"), ward.state.people[ward.ref("N1")].rights
    after = msgspec.structs.replace(before, override_groups=("A",), areas=("*", "ICU"))
    draft = Draft(ward.state, ward.engine.place, e.Moment(now_ms(ward), ward.now_ms, bytes(32)))
    draft.add(changed(ward, before, after))
    moment = e.Moment(now_ms(ward), ward.now_ms, bytes(32), dict(ward.positions))
    for body in ward.engine._journal.append(draft.records, (), moment):
        apply(ward.state, body)
    listed(ward, "N1")
    ward.restart()
    assert ward.state.people[ref].rights == after
    assert replay(ward.sink).people[ref].rights == after
    listed(ward, "N1", "charge_nurse")
    assert not ward.state.people[ref].rights.override_groups, "another role overrides nothing"
