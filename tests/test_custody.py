"""Every dose is always somewhere: loaded, held, given, wasted with a witness, or in the bin."""

import msgspec
import pytest

from cabinet import events as e
from cabinet import labels, screens
from cabinet import records as r
from cabinet.journal import replay
from cabinet.plan import Drawer, Pocket
from tests.ward import MEDICINES, PEOPLE, PLAN, Ward, badge


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


def test_whose_rights_went_may_settle_nothing_more(ward: Ward) -> None:
    held(ward)
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", "", active=False)
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    for page in ("give", "waste", "return"):
        assert not settle(ward, page, 1)
        assert ward.records(r.Refused)[-1].why == "rights_withdrawn"
        ward.press(next(it for it in screens.buttons(ward.screen()) if it.startswith("removal:")))


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


@pytest.mark.parametrize("staff_id", ["T1", "A1"])
def test_only_who_may_witness_witnesses(ward: Ward, staff_id: str) -> None:
    called(ward)
    ward.prove(staff_id)
    assert not ward.records(r.Wasted)
    assert ward.records(r.Refused)[-1].why == "witness_not_allowed"


def test_a_witness_suspended_meanwhile_does_not_witness(ward: Ward) -> None:
    called(ward)
    row = e.PersonRow("N2", "Noel", "Nurse", "nurse", "", active=False)
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.prove("N2")
    assert not ward.records(r.Wasted)


def test_an_actor_suspended_meanwhile_wastes_nothing(ward: Ward) -> None:
    called(ward)
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", "", active=False)
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


# --- load -----------------------------------------------------------------------------------------


def to_load(ward: Ward, pocket: str = "P1", staff_id: str = "T1") -> None:
    if ward.state.session is not None:
        ward.press("sign_out")
    ward.sign_in(staff_id)
    if ward.screen().name != "menu":
        ward.press("menu")
    ward.press("load_list")
    while f"load:{pocket}" not in screens.buttons(ward.screen()):
        ward.press("more")
    ward.press(f"load:{pocket}")


def test_a_load_is_counted_first_and_comes_from_the_pharmacy(ward: Ward) -> None:
    to_load(ward)
    ward.press("expiry", "022028")
    assert ward.engine.place.expires == "2028-02-29"
    ward.press("load_quantity", "30")
    ward.press("open_load")
    ward.pull("D1")
    assert ward.screen().name == "count"
    ward.press("count", "20")
    ward.push("D1")
    assert accounts(ward) == {"pharmacy": -50, "pocket:P1": 50}
    assert ward.state.pockets["P1"].expires == "2028-02-29", "as good as the oldest in it"


def test_a_load_onto_a_wrong_count_opens_a_discrepancy(ward: Ward) -> None:
    to_load(ward)
    ward.press("expiry", "122030")
    ward.press("load_quantity", "30")
    ward.press("open_load")
    ward.pull("D1")
    ward.press("count", "19")
    ward.press("count", "19")
    ward.push("D1")
    assert accounts(ward) == {"pharmacy": -50, "discrepancy": 1, "pocket:P1": 49}


@pytest.mark.parametrize("staff_id", [who for who, it in PEOPLE.items() if it[2] != "nurse"])
def test_only_pharmacy_loads(ward: Ward, staff_id: str) -> None:
    ward.press("sign_out")
    ward.sign_in(staff_id)
    if ward.screen().name != "menu":
        ward.press("menu")
    allowed = PEOPLE[staff_id][2] in ("pharmacist", "pharmacy_technician")
    assert ("load_list" in screens.buttons(ward.screen())) is allowed


def test_a_nurse_loads_nothing(ward: Ward) -> None:
    ward.press("menu")
    assert "load_list" not in screens.buttons(ward.screen())
    assert ward.press("load_list").refusal
    assert ward.press("load:P1").refusal


@pytest.mark.parametrize("typed", ["", "2031", "132031", "002031", "121999", "122100", "١٢٢٠٣١"])
def test_what_is_no_expiry_is_asked_again(ward: Ward, typed: str) -> None:
    to_load(ward)
    assert ward.press("expiry", typed).refusal
    assert ward.screen().name == "load_expiry"


def test_expired_stock_is_not_loaded(ward: Ward) -> None:
    to_load(ward)
    ward.press("expiry", "012021")
    ward.press("load_quantity", "5")
    ward.press("open_load")
    assert ward.records(r.Refused)[-1].why == "expired"
    assert ward.state.access is None


def scan(ward: Ward, text: str) -> None:
    ward.do(labels.read(text))


def label(ndc: str) -> str:
    """A package's label: GTIN with its check digit, expiry, lot."""
    digits = f"003{ndc}"
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(digits))
    return f"]d201{digits}{-total % 10}1731033110LOT7"


class Pharmacy(Ward):
    """A ward whose formulary has NDCs of ten digits, as labels have, and one without."""

    def _import(self) -> None:
        super()._import()
        listed = [
            msgspec.structs.replace(it, ndc=ndc)
            for it, ndc in zip(MEDICINES, ("99999-1001-1", "99999-1002-1"), strict=False)
        ]
        rows = tuple((f"formulary.csv:{n}", it) for n, it in enumerate(listed, 2))
        assert not self.do(e.Import("test", rows)).refusal


def test_the_right_label_fills_in_lot_and_expiry() -> None:
    ward = Pharmacy()
    to_load(ward, "P1")
    scan(ward, label("9999910011"))
    assert (ward.engine.place.lot, ward.engine.place.expires) == ("LOT7", "2031-03-31")
    assert ward.screen().name == "load_quantity"


def test_the_label_of_another_medicine_is_refused_and_recorded() -> None:
    ward = Pharmacy()
    to_load(ward, "P1")
    scan(ward, label("9999910021"))
    assert ward.records(r.Refused)[-1].why == "wrong_label"
    assert ward.screen().name == "load_expiry"


@pytest.mark.parametrize("text", ["]d21731033110LOT7", "1234567890", "https://example", "]", ""])
def test_a_label_of_no_medicine_is_not_taken_for_one_without_a_code(text: str) -> None:
    ward = Pharmacy()
    to_load(ward, "M1")
    assert not ward.state.medicines["PARA"].ndc
    scan(ward, text)
    assert ward.records(r.Refused)[-1].why == "wrong_label"
    assert ward.screen().name == "load_expiry"


# --- counts that are owed -------------------------------------------------------------------------


def test_a_pocket_in_doubt_is_counted_by_whoever_may_and_the_doubt_ends(ward: Ward) -> None:
    ward.pull("D2")
    ward.push("D2")
    ward.press("menu")
    ward.press("counts")
    ward.press("count_pocket:P2")
    ward.pull("D2")
    ward.press("count", "20")
    ward.push("D2")
    assert isinstance(ward.records()[-1], r.CountDone)
    assert not ward.state.pockets["P2"].count_due


def test_a_pocket_in_doubt_whose_medicine_is_not_listed_hides_no_other(ward: Ward) -> None:
    del ward.state.medicines["IBU"]
    ward.pull("D3")
    ward.push("D3")
    ward.press("menu")
    ward.press("counts")
    assert "count_pocket:M1" in screens.buttons(ward.screen())


def test_leaving_without_counting_leaves_a_count_for_the_next(ward: Ward) -> None:
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    ward.push("D1")
    ward.press("not_counted")
    assert isinstance(ward.records()[-1], r.AccessLeft)
    assert ward.state.pockets["P1"].count_due
    assert ward.state.pockets["P1"].previous == ward.ref("N1")
    assert accounts(ward) == {"pharmacy": -20, "pocket:P1": 20}


def test_going_away_without_counting_does_too_and_signs_out(ward: Ward) -> None:
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    ward.push("D1")
    ward.wait(60)
    assert isinstance(ward.records(r.AccessLeft)[-1], r.AccessLeft)
    assert ward.state.session is None
    assert ward.state.pockets["P1"].count_due


def test_of_two_pockets_the_one_that_has_not_expired_is_opened() -> None:
    more = (*PLAN.drawers, Drawer("D4", "Drawer 4", "single", (Pocket("P4", "OXY5", "CII"),)))
    ward = Ward(msgspec.structs.replace(PLAN, drawers=more))
    ward.load("T1", "P4", 5)
    ward.state.pockets["P1"].expires = "2020-01-31"
    ward.sign_in("N1")
    ward.choose("O1")
    ward.press("open")
    assert ward.state.access is not None
    assert ward.state.access.started.pocket == "P4"
