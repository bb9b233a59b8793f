"""What a site asks of a witness of some medicines is asked of them, as of whoever does the act."""

from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from cabinet import records as r
from cabinet.plan import Asked
from tests.ward import PLAN, Ward

STRONG = Asked("witness", "CII", strong=True)
Act = Callable[[Ward, str], Sequence[r.Record]]
OF = {"CII": ("O1", "P1", "D1"), "none": ("O2", "M1", "D3")}  # order, pocket and drawer


def opened(ward: Ward, medicine_class: str) -> list[r.AccessStarted]:
    """A drawer that opens before a witness alone."""
    ward.sign_in("N1")
    ward.choose(OF[medicine_class][0])
    ward.press("open")
    ward.prove("N2")
    return [it for it in ward.records(r.AccessStarted) if it.witness]


def wasted(ward: Ward, medicine_class: str) -> list[r.Wasted]:
    """Some of what was removed is wasted."""
    ward.sign_in("N1")
    removal = ward.remove(OF[medicine_class][0], count=20 if medicine_class == "CII" else None)
    for button in ("removals", f"removal:{removal}", "waste"):
        ward.press(button)
    ward.press("amount", "1")
    ward.prove("N2")
    return ward.records(r.Wasted)


def counted(ward: Ward, medicine_class: str) -> list[r.Counted]:
    """A pocket that was forced open is counted."""
    _, pocket, drawer = OF[medicine_class]
    ward.pull(drawer)
    ward.push(drawer)
    ward.sign_in("T1")
    for button in ("menu", "counts", f"count_pocket:{pocket}"):
        ward.press(button)
    ward.pull(drawer)
    ward.press("count", "20")
    ward.prove("N2")
    return [it for it in ward.records(r.Counted) if it.witness]


@pytest.mark.parametrize("act", [opened, wasted, counted])
def test_a_site_that_asks_a_stronger_witness_of_schedule_ii_is_heard(act: Act) -> None:
    witnessed = Asked("remove" if act is opened else "count", witness=True)
    plan = replace(PLAN, policy=(STRONG, witnessed))
    ward = Ward(plan)
    assert not act(ward, "CII")
    assert ward.records(r.Refused)[-1].why == "strong_factor"
    ward = Ward(plan)
    assert act(ward, "none"), "of any other medicine the witness proves it as ever"
