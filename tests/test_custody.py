"""Every dose is always somewhere: held, given, wasted with a witness, or in the return bin."""

import pytest

from cabinet import events as e
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from tests.ward import PEOPLE, Ward, badge


@pytest.fixture
def ward() -> Ward:
    ward = Ward()
    ward.sign_in("N1")
    return ward


def held(ward: Ward, order: str = "O1") -> str:
    """Two tablets of the order in the nurse's custody, and the screen that asks what became."""
    removal = ward.remove(order, count=20)
    ward.press("removals")
    ward.press(f"removal:{removal}")
    return removal


def settle(ward: Ward, page: str, quantity: int) -> bool:
    """Whether the rules let it."""
    if page not in screens.buttons(ward.screen()):
        ward.press(next(it for it in screens.buttons(ward.screen()) if it.startswith("removal:")))
    ward.press(page)
    return not ward.press("amount", str(quantity)).refusal


def called(ward: Ward, quantity: int = 1) -> str:
    """A waste that waits for its witness."""
    removal = held(ward)
    assert settle(ward, "waste", quantity)
    assert ward.screen().name == "witness"
    return removal


def accounts(ward: Ward) -> dict[str, int]:
    return {name: n for (name, medicine), n in ward.state.balances.items() if medicine == "OXY5"}


# --- given, wasted, returned ----------------------------------------------------------------------


def test_given_to_the_patient(ward: Ward) -> None:
    removal = held(ward)
    assert accounts(ward)[f"custody:{removal}"] == 2
    ward.press("give")
    ward.press("all")
    patient = ward.state.by_record_number["1001"]
    assert accounts(ward) == {"pharmacy": -20, "pocket:P1": 18, f"patient:{patient}": 2}
    assert removal not in ward.state.removals


@pytest.mark.parametrize("page", ["give", "waste", "return"])
def test_more_than_is_held_is_refused_and_recorded(ward: Ward, page: str) -> None:
    removal = held(ward)
    before = accounts(ward)
    assert not settle(ward, page, 3)
    refused = ward.records(r.Refused)[-1]
    assert (refused.act, refused.why, refused.removal, refused.quantity) == (
        page,
        "more_than_held",
        removal,
        3,
    )
    assert accounts(ward) == before
    assert settle(ward, page, 2)


@pytest.mark.parametrize("typed", ["", "0", "-1", "1.5", "²", "99999", "1e3", " 1"])
def test_what_is_no_quantity_moves_nothing(ward: Ward, typed: str) -> None:
    held(ward)
    before = accounts(ward)
    for page in ("give", "waste", "return"):
        ward.press(page)
        assert ward.press("amount", typed).refusal
        assert accounts(ward) == before
        ward.press(next(it for it in screens.buttons(ward.screen()) if it.startswith("removal:")))


def test_a_second_tap_gives_nothing_twice(ward: Ward) -> None:
    held(ward)
    ward.press("give")
    assert not ward.press("amount", "1").refusal
    assert ward.press("amount", "1").refusal, "the button is not there any more"
    assert [it.quantity for it in ward.records(r.Given)] == [1]


def test_two_removals_are_settled_apart(ward: Ward) -> None:
    first = ward.remove("O1", count=20)
    second = ward.remove("O1", count=18)
    ward.press("removals")
    ward.press(f"removal:{second}")
    assert settle(ward, "give", 2)
    assert [it.id for it in ward.state.removals.values()] == [first]
    assert ward.records(r.Given)[-1].removal == second


def test_a_removal_of_another_session_of_the_same_person_is_still_theirs(ward: Ward) -> None:
    removal = ward.remove("O1", count=20)
    ward.press("sign_out")
    ward.restart()
    ward.sign_in("N1")
    ward.press("removals")
    ward.press(f"removal:{removal}")
    assert settle(ward, "give", 2)


def test_somebody_elses_removal_is_on_nobodys_screen(ward: Ward) -> None:
    removal = ward.remove("O1", count=20)
    ward.press("sign_out")
    ward.sign_in("N2")
    assert "removals" not in screens.buttons(ward.screen())
    assert ward.press(f"removal:{removal}").refusal


@pytest.mark.parametrize("page", ["give", "waste", "return"])
def test_whose_rights_went_may_settle_nothing_more(ward: Ward, page: str) -> None:
    removal = held(ward)
    ward.press(page)
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", "", status="suspended")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    assert ward.press("amount", "1").refusal
    refused = ward.records(r.Refused)[-1]
    assert (refused.why, refused.removal) == ("rights_withdrawn", removal)
    assert ward.state.session is None
    assert ward.state.removals[removal].outstanding == 2


# --- the return bin -------------------------------------------------------------------------------


def test_a_return_opens_the_bin_alone_and_moves_when_it_is_shut(ward: Ward) -> None:
    removal = held(ward)
    ward.press("return")
    ward.commands.clear()
    ward.press("amount", "1")
    assert ward.commands == [e.Pulse("R1")]
    started = ward.records(r.AccessStarted)[-1]
    assert (started.kind, started.drawer, started.removal) == ("return", "R1", removal)
    ward.pull("R1")
    assert "return_bin:R1" not in accounts(ward)
    ward.push("R1")
    assert accounts(ward)["return_bin:R1"] == 1
    assert ward.state.removals[removal].outstanding == 1


def test_a_return_that_was_called_off_moves_nothing(ward: Ward) -> None:
    removal = held(ward)
    settle(ward, "return", 1)
    ward.press("cancel")
    assert isinstance(ward.records()[-1], r.CancelledBeforeOpen)
    ward.push("R1")
    ward.press("removals")
    ward.press(f"removal:{removal}")
    settle(ward, "return", 1)
    ward.pull("R1")
    ward.press("cancel")
    ward.push("R1")
    assert isinstance(ward.records()[-1], r.CancelledAfterOpen)
    assert ward.state.removals[removal].outstanding == 2


def test_a_return_is_refused_while_another_drawer_is_open(ward: Ward) -> None:
    held(ward)
    ward.pull("D2")
    assert not settle(ward, "return", 1)
    assert ward.records(r.Refused)[-1].why == "another_drawer_open"


def test_a_return_interrupted_by_power_loss_leaves_it_in_custody(ward: Ward) -> None:
    removal = held(ward)
    settle(ward, "return", 1)
    ward.pull("R1")
    ward.restart()
    assert ward.records(r.AccessInterrupted)[-1].opened
    assert ward.state.removals[removal].outstanding == 2


# --- the witness ----------------------------------------------------------------------------------


def test_a_waste_names_both_people_and_how_each_proved_it(ward: Ward) -> None:
    called(ward)
    ward.prove("N3")
    wasted = ward.records(r.Wasted)[-1]
    assert (wasted.person, wasted.factors) == (ward.ref("N1"), ("badge", "finger"))
    assert (wasted.witness, wasted.witness_factors, wasted.witness_fallback) == (
        ward.ref("N3"),
        ("badge", "pin"),
        "not_enrolled",
    )
    assert accounts(ward)["waste"] == 1
    assert ward.state.session is not None
    assert ward.state.session.person == ward.ref("N1"), "the witness did not sign in"


def test_nobody_witnesses_their_own_waste(ward: Ward) -> None:
    called(ward)
    ward.prove("N1")
    assert not ward.records(r.Wasted)
    assert ward.records(r.Refused)[-1].why == "same_person"
    assert ward.screen().name == "witness"


def one_human(ward: Ward, *staff_ids: str) -> None:
    """The staff list tells by the person number that these accounts are one human's."""
    rows = []
    for line, staff_id in enumerate(staff_ids, 2):
        given, family, role, _ = PEOPLE[staff_id]
        row = e.PersonRow(staff_id, given, family, role, "", human="ab" * 32)
        rows.append((f"people.csv:{line}", row))
    assert not ward.do(e.Import("test", people=tuple(rows))).refusal


def test_self_witness_by_a_second_account_wastes_nothing(ward: Ward) -> None:
    one_human(ward, "N1", "N2")
    called(ward)
    ward.prove("N2")
    assert not ward.records(r.Wasted)
    assert ward.records(r.Refused)[-1].why == "same_person"
    assert ward.screen().name == "witness"


@pytest.mark.parametrize("staff_id", ["T1", "A1"])
def test_only_who_may_witness_witnesses(ward: Ward, staff_id: str) -> None:
    called(ward)
    ward.prove(staff_id)
    assert not ward.records(r.Wasted)
    assert ward.records(r.Refused)[-1].why == "witness_not_allowed"


def test_a_witness_suspended_meanwhile_does_not_witness(ward: Ward) -> None:
    called(ward)
    row = e.PersonRow("N2", "Noel", "Nurse", "nurse", "", status="suspended")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.prove("N2")
    assert not ward.records(r.Wasted)


def test_an_actor_suspended_meanwhile_wastes_nothing(ward: Ward) -> None:
    called(ward)
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", "", status="suspended")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.prove("N2")
    assert not ward.records(r.Wasted)
    assert ward.records(r.Refused)[-1].why == "rights_withdrawn"
    assert replay(ward.sink).size == ward.sink.size


def test_a_witnesss_badge_alone_wastes_nothing_and_one_minute_is_all_there_is(ward: Ward) -> None:
    removal = called(ward)
    ward.do(e.BadgeSeen(badge("N2")))
    ward.wait(31)
    assert ward.screen().name == "witness"
    ward.wait(30)
    assert ward.records(r.WitnessDismissed)[-1] == r.WitnessDismissed(removal, "timed_out")
    assert not ward.records(r.Wasted)
    assert ward.state.removals[removal].outstanding == 2


def test_a_witness_who_comes_after_the_waste_was_called_off_signs_in_nowhere(ward: Ward) -> None:
    called(ward)
    ward.press("dismiss")
    ward.do(e.BadgeSeen(badge("N2")))
    assert ward.state.attempt is None
    assert ward.state.session is not None
    assert ward.state.session.person == ward.ref("N1")


def test_an_answer_of_the_sensor_after_the_witness_went_away_wastes_nothing(ward: Ward) -> None:
    called(ward)
    ward.do(e.BadgeSeen(badge("N2")))
    request = ward.command(e.VerifyFinger).request
    ward.press("cancel")
    slot = ward.state.people[ward.ref("N2")].slots[0]
    ward.do(e.FingerSeen(request, "matched", slot))
    assert not ward.records(r.Wasted)


def test_wrong_tries_of_a_witness_count_as_anywhere(ward: Ward) -> None:
    called(ward)
    ward.do(e.BadgeSeen(badge("N2")))
    for _ in range(5):
        ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, "no_match"))
    assert ward.screen().name == "witness"
    ward.do(e.BadgeSeen(badge("N2")))
    assert ward.records(r.FactorRefused)[-1].why == "too_soon"


def test_power_off_while_the_witness_is_asked_wastes_nothing(ward: Ward) -> None:
    removal = called(ward)
    ward.do(e.BadgeSeen(badge("N2")))
    ward.restart()
    assert ward.state.witnessing is None
    assert ward.state.removals[removal].outstanding == 2


def test_sign_out_is_not_offered_while_a_witness_is_asked(ward: Ward) -> None:
    called(ward)
    assert ward.press("sign_out").refusal
    assert ward.state.session is not None


# --- a count for its own sake --------------------------------------------------------------------


def counting(ward: Ward, found: str) -> None:
    """A technician counts the controlled substance in D1, which somebody forced open."""
    if ward.state.session is not None:
        ward.press("sign_out")
    ward.pull("D1")
    ward.push("D1")
    ward.sign_in("T1")
    ward.press("counts")
    ward.press("count_pocket:P1")
    ward.pull("D1")
    ward.press("count", found)


def test_a_count_of_a_controlled_substance_is_attested_by_a_witness(ward: Ward) -> None:
    counting(ward, "20")
    assert ward.screen().name == "witness"
    assert not ward.records(r.Counted)[-1].witness
    ward.prove("N2")
    counted = ward.records(r.Counted)[-1]
    assert (counted.found, counted.person) == (20, ward.ref("T1"))
    assert (counted.witness, counted.witness_factors) == (ward.ref("N2"), ("badge", "finger"))
    assert ward.screen().name == "close"
    ward.push("D1")
    assert ward.records()[-1] == r.CountDone(ward.records(r.AccessStarted)[-1].access)
    assert not ward.state.pockets["P1"].count_due


def test_a_count_that_differs_opens_its_discrepancy_before_the_witness(ward: Ward) -> None:
    counting(ward, "18")
    assert ward.screen().name == "recount"
    ward.press("count", "18")
    ward.push("D1")
    ward.prove("N2")
    counted = ward.records(r.Counted)[-1]
    assert counted.discrepancy and counted.witness
    assert isinstance(ward.records()[-1], r.CountDone)


def test_a_count_without_a_witness_is_no_count(ward: Ward) -> None:
    counts = len(ward.records(r.Counted))
    counting(ward, "20")
    ward.prove("T1")
    assert ward.records(r.Refused)[-1].why == "same_person"
    ward.wait(61)
    assert ward.screen().name == "count"
    assert ward.records(r.WitnessDismissed)[-1].why == "timed_out"
    ward.push("D1")
    ward.press("not_counted")
    assert len(ward.records(r.Counted)) == counts
    assert ward.state.pockets["P1"].count_due


def test_self_witness_by_a_second_account_counts_nothing(ward: Ward) -> None:
    one_human(ward, "T1", "N2")
    counts = len(ward.records(r.Counted))
    counting(ward, "20")
    ward.prove("N2")
    assert ward.records(r.Refused)[-1].why == "same_person"
    assert len(ward.records(r.Counted)) == counts


def test_a_count_of_what_is_not_controlled_needs_no_witness(ward: Ward) -> None:
    ward.press("sign_out")
    ward.pull("D3")
    ward.push("D3")
    ward.sign_in("T1")
    ward.press("counts")
    ward.press("count_pocket:M1")
    ward.pull("D3")
    ward.press("count", "20")
    assert ward.records(r.Counted)[-1].witness == ""


def in_the_last_second(ward: Ward, ms: int) -> None:
    """The witness of a waste comes as time runs out, and proves it so much later, before a tick."""
    called(ward)
    ward.wait(55)
    ward.do(e.BadgeSeen(badge("N2")))
    request = ward.command(e.VerifyFinger).request
    ward.now_ms += 4000 + ms
    ward.do(e.FingerSeen(request, "matched", ward.state.people[ward.ref("N2")].slots[0]))


def test_a_witness_who_proves_it_just_in_time_is_one(ward: Ward) -> None:
    in_the_last_second(ward, 999)
    assert ward.records(r.Wasted)[-1].witness == ward.ref("N2")


def test_a_witness_who_proves_it_when_time_is_over_is_too_late(ward: Ward) -> None:
    in_the_last_second(ward, 1000)
    assert not ward.records(r.Wasted)
    assert ward.records(r.Refused)[-1].why == "witness_too_late"
    ward.wait(1)
    assert ward.records(r.WitnessDismissed)[-1].why == "timed_out"
