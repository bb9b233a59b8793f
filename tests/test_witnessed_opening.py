"""A site that lets nobody open a drawer alone: the witness after the amount, before the pulse."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from cabinet import events as e
from cabinet import records as r
from cabinet import reports, reviews
from cabinet.journal import replay
from cabinet.plan import Asked, Override
from tests.attacker import plain
from tests.rights_reader import Reader
from tests.test_emergency import finish, grant, search
from tests.test_rights import listed
from tests.ward import NOON_MS, PLAN, Ward, badge

ROWS = tuple(Asked(act, "CII", witness=True) for act in ("remove", "override", "load", "return"))
WATCHED = replace(PLAN, policy=ROWS, override=(Override("OXY5", 2, "Pharmacy", ""),))


def watched() -> Ward:
    """Stocked before the site asked for witnesses."""
    ward = Ward()
    ward.plan = WATCHED
    ward.restart()
    ward.do(e.DeviceChanged("fingerprint", "", "5a" * 16))
    return ward


@pytest.fixture
def ward() -> Ward:
    return watched()


def asked(ward: Ward, staff_id: str = "N1") -> None:
    """Signed in, at the order, and the drawer asked for."""
    ward.sign_in(staff_id)
    ward.choose("O1")
    ward.press("open")


def nothing_moved(ward: Ward) -> bool:
    return not [it for it in ward.commands if isinstance(it, e.Pulse)] and not ward.state.access


def said(ward: Ward) -> str:
    return repr(ward.screen()).replace("\\xa0", " ")


def test_the_witness_sees_medicine_amount_and_patient_and_then_it_opens(ward: Ward) -> None:
    asked(ward)
    called = ward.records(r.WitnessCalled)[-1]
    assert (called.act, called.quantity) == ("remove", 2)
    assert ward.screen().name == "witness" and nothing_moved(ward)
    for shown in ("2 tablets", "oxyCODONE", "FRANKLIN, Hope", "Nina Nurse"):
        assert shown in said(ward)
    ward.prove("N2")
    started = ward.records(r.AccessStarted)[-1]
    assert (started.access, started.quantity) == (called.subject, 2)
    assert (started.person, started.witness) == (ward.ref("N1"), ward.ref("N2"))
    assert started.witness_factors == ("badge", "finger")
    assert ward.command(e.Pulse).drawer == "D1"
    ward.pull("D1")
    ward.press("count", "20")
    ward.push("D1")
    assert ward.records(r.RemovalTaken)
    bodies = [r.decode_body(data) for data in ward.sink.bodies]
    line = reports.removals(bodies, {}, names=False)[-1]
    assert line.witnesses == [f"Person {ward.ref('N2')} (badge + finger), before it opened"]
    Reader().follow(ward.sink.bodies)
    assert plain(replay(ward.sink)) == plain(ward.state)


def test_what_the_row_does_not_speak_of_opens_alone(ward: Ward) -> None:
    ward.sign_in("N1")
    ward.choose("O2")
    ward.press("open")
    assert ward.state.access is not None and not ward.records(r.WitnessCalled)


def test_a_load_is_witnessed(ward: Ward) -> None:
    ward.sign_in("P1")
    for button in ("menu", "load_list", "load:P1"):
        ward.press(button)
    ward.press("expiry", "122030")
    ward.press("load_quantity", "5")
    ward.press("open_load")
    assert nothing_moved(ward) and "Put in" in said(ward)
    ward.prove("N2")
    assert ward.state.access is not None
    assert ward.records(r.AccessStarted)[-1].witness == ward.ref("N2")
    Reader().follow(ward.sink.bodies)


def test_a_return_is_witnessed_and_opens_the_bin_for_what_was_shown(ward: Ward) -> None:
    asked(ward)
    ward.prove("N2")
    ward.pull("D1")
    ward.press("count", "20")
    ward.push("D1")
    removal = ward.records(r.RemovalTaken)[-1].removal
    ward.press("home")
    for button in ("removals", f"removal:{removal}", "return"):
        ward.press(button)
    ward.press("amount", "1")
    assert ward.state.access is None and "Return" in said(ward)
    ward.prove("P1")
    started = ward.records(r.AccessStarted)[-1]
    assert (started.kind, started.quantity, started.witness) == ("return", 1, ward.ref("P1"))
    ward.pull("R1")
    ward.push("R1")
    assert ward.records(r.Returned)
    Reader().follow(ward.sink.bodies)


def test_a_removal_without_an_order_is_witnessed(ward: Ward) -> None:
    grant(ward, "N1", "A")
    ward.sign_in("N1")
    patient = ward.state.orders["O1"].listed.patient
    for button in (f"patient:{patient}", f"override:{patient}", "override_why:emergency"):
        ward.press(button)
    ward.press("find", "oxycodone")
    ward.press("found:OXY5")
    ward.press("open_override")
    assert nothing_moved(ward) and "Without an order" in said(ward)
    ward.prove("N2")
    started = ward.records(r.AccessStarted)[-1]
    assert (started.override, started.witness) == ("emergency", ward.ref("N2"))


# --- attacks --------------------------------------------------------------------------------------


def same_human(ward: Ward) -> None:
    for staff_id in ("N1", "N2"):
        listed(ward, staff_id, human="one human")


def test_attack_the_pharmacist_who_witnessed_a_removal_without_an_order_judges_it(
    ward: Ward,
) -> None:
    grant(ward, "N1", "A")
    ward.sign_in("N1")
    search(ward, "oxyco")
    ward.press("found:OXY5")
    ward.press("open_override")
    ward.prove("P1")
    removal = finish(ward)
    ward.restart()
    ward.do(e.DeviceChanged("fingerprint", "", "5a" * 16))
    for who, why in (("P1", "reviewers_own"), ("P2", "")):
        ward.sign_in(who)
        for button in ("menu", "reviews", f"review:{removal}"):
            ward.press(button)
        assert reviews.refusal(ward.state, removal, NOON_MS) == why
        assert bool(ward.press("justified").refusal) is bool(why)
        ward.press("reviews")
        ward.press("menu")
        ward.press("sign_out")
    assert [it.by for it in ward.records(r.Reviewed)] == [ward.ref("P2")]


@pytest.mark.parametrize(
    ("second", "why"),
    [("N1", "same_person"), ("N2", "same_person"), ("T1", "witness_not_allowed")],
)
def test_attack_who_is_no_second_person_opens_nothing(ward: Ward, second: str, why: str) -> None:
    same_human(ward)
    asked(ward)
    ward.prove(second)
    assert nothing_moved(ward) and ward.records(r.Refused)[-1].why == why


def test_attack_a_witness_who_comes_late_opens_nothing(ward: Ward) -> None:
    asked(ward)
    ward.wait(61)
    assert nothing_moved(ward) and ward.records(r.WitnessDismissed)
    assert ward.screen().name == "patients" and "no witness came" in said(ward)
    ward.do(e.BadgeSeen(badge("N2")))
    assert nothing_moved(ward), "nor is the late one signed in"
    assert ward.state.session is not None and ward.state.session.person == ward.ref("N1")


def test_attack_a_badge_alone_witnesses_nothing(ward: Ward) -> None:
    asked(ward)
    ward.do(e.BadgeSeen("a badge that nobody has"))
    ward.press("cancel")
    assert nothing_moved(ward)
    ward.press("dismiss")
    assert nothing_moved(ward) and ward.screen().name == "patients"


def suspended(ward: Ward) -> None:
    listed(ward, "N1", status="suspended")


def no_group(ward: Ward) -> None:
    listed(ward, "N1", groups=("E",))


def stopped(ward: Ward) -> None:
    ward.state.orders["O1"].active = False


def another_drawer(ward: Ward) -> None:
    ward.move("D2", "open")


def another_amount(ward: Ward) -> None:
    """The place is the screens' memory: nothing that changes in it is opened unseen."""
    place = ward.engine.place
    assert place.wanted is not None
    ward.engine.place = type(place)(
        **{**vars(place), "wanted": replace(place.wanted, quantity=1, pocket="P2")}
    )


MEANWHILE: dict[str, Callable[[Ward], None]] = {
    "the person was suspended": suspended,
    "the person lost the medicine's group": no_group,
    "the order was stopped": stopped,
    "another drawer was opened": another_drawer,
    "what was shown is not what is asked": another_amount,
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_attack_between_the_call_and_the_witness(ward: Ward, what: str) -> None:
    asked(ward)
    MEANWHILE[what](ward)
    ward.prove("N2")
    assert nothing_moved(ward)
    assert not [it for it in ward.records(r.AccessStarted) if it.witness]


def test_attack_the_witness_is_suspended_between_badge_and_finger(ward: Ward) -> None:
    asked(ward)
    ward.do(e.BadgeSeen(ward.state.people[ward.ref("N2")].badge))
    listed(ward, "N2", status="suspended")
    request = ward.command(e.VerifyFinger)
    ward.do(e.FingerSeen(request.request, "matched", request.slots[0]))
    assert nothing_moved(ward)


def test_attack_power_off_and_on_opens_nothing_that_waited_for_a_witness(ward: Ward) -> None:
    asked(ward)
    ward.restart()
    assert nothing_moved(ward) and ward.state.session is None
    ward.prove("N2")
    assert nothing_moved(ward)


def test_attack_the_readers_own_look_finds_an_opening_alone(ward: Ward) -> None:
    asked(ward)
    ward.prove("N2")
    bodies = [r.decode_body(data) for data in ward.sink.bodies]
    alone = [
        replace(body, record=replace(body.record, witness="", witness_factors=()))
        if isinstance(body.record, r.AccessStarted) and body.record.witness
        else body
        for body in bodies
    ]
    with pytest.raises(AssertionError, match="nobody do it alone"):
        Reader().follow([r.encode_body(body) for body in alone])
