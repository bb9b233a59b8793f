"""What a site asks of a witness of some medicines is asked of them, as of whoever does the act."""

from msgspec.structs import replace

from cabinet import records as r
from cabinet.plan import Asked
from tests.ward import PLAN, Ward


def test_a_site_that_asks_a_stronger_witness_of_schedule_ii_is_heard() -> None:
    ward = Ward(replace(PLAN, policy=(Asked("witness", "CII", strong=True),)))
    ward.sign_in("N1")
    removal = ward.remove("O1", count=20)
    for button in ("removals", f"removal:{removal}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    ward.prove("N2")
    assert not ward.records(r.Wasted)
    assert ward.records(r.Refused)[-1].why == "strong_factor"
