"""Stock comes in by label, date and blind count; what is in doubt is counted; expired stays in."""

import msgspec
import pytest

from cabinet import events as e
from cabinet import labels, screens
from cabinet import records as r
from cabinet.plan import Drawer, Pocket
from tests.ward import MEDICINES, PEOPLE, PLAN, Ward


@pytest.fixture
def ward() -> Ward:
    ward = Ward()
    ward.sign_in("N1")
    return ward


def accounts(ward: Ward) -> dict[str, int]:
    return {name: n for (name, medicine), n in ward.state.balances.items() if medicine == "OXY5"}


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
    ward.prove("N2")  # a count of a controlled substance has a witness
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


def test_who_asked_for_a_drawer_and_never_opened_it_is_not_named_in_a_discrepancy(
    ward: Ward,
) -> None:
    """Otherwise the one who took too many hides behind the next who only asked."""
    ward.remove("O1", count=20)
    ward.press("sign_out")
    ward.sign_in("N2")
    ward.press("everyone")
    ward.choose("O1")
    ward.press("open")
    ward.press("cancel")
    ward.wait(3)
    ward.press("sign_out")
    ward.sign_in("P1")
    ward.press("everyone")
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    ward.press("count", "15")
    ward.press("count", "15")
    counted = ward.records(r.Counted)[-1]
    assert (counted.person, counted.previous) == (ward.ref("P1"), ward.ref("N1"))
