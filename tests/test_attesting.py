"""What a second person attests is before their eyes until they have proved who they are."""

from collections.abc import Callable

import pytest

from cabinet import events as e
from cabinet import factor_records as fr
from cabinet.attesting import ATTESTED
from tests.administrator import begin as change
from tests.test_custody import called, counting
from tests.test_emergency import begin, grant, search
from tests.test_loading import Replaced
from tests.test_supervision import Supervised
from tests.test_witnessed_opening import asked, watched
from tests.ward import PIN, Ward, badge

OXY = "oxyCODONE 5\u00a0mg tablet"


def wasting() -> Ward:
    ward = Ward()
    ward.sign_in("N1")
    called(ward)
    return ward


def counted() -> Ward:
    ward = Ward()
    counting(ward, "20")
    return ward


def removing() -> Ward:
    ward = watched()
    asked(ward)
    return ward


def overriding() -> Ward:
    ward = watched()
    grant(ward, "N1", "A")
    ward.sign_in("N1")
    search(ward, "oxycodone")
    ward.press("found:OXY5")
    ward.press("open_override")
    return ward


def loading() -> Ward:
    ward = watched()
    ward.sign_in("P1")
    for button in ("menu", "load_list", "load:P1"):
        ward.press(button)
    ward.press("expiry", "122030")
    ward.press("load_quantity", "5")
    ward.press("open_load")
    return ward


def returning() -> Ward:
    ward = removing()
    ward.prove("N2")
    ward.pull("D1")
    ward.press("count", "20")
    ward.push("D1")
    ward.press("removals")
    ward.press(f"removal:{next(iter(ward.state.removals))}")
    ward.press("return")
    ward.press("amount", "1")
    return ward


def emergency(kind: str, who: str) -> Callable[[], Ward]:
    def begun() -> Ward:
        ward = Ward()
        begin(ward, kind, who, "")
        return ward

    return begun


def granting() -> Ward:
    ward = Ward()
    ward.sign_in("A1")
    ward.press("people")
    change(ward, "pharmacist")
    return ward


def fitting() -> Ward:
    ward = Replaced()
    ward.ask()
    return ward


def supervising() -> Ward:
    ward = Supervised()
    ward.by_pin("N1")
    return ward


CALLS = {
    "waste": (wasting, f"You witness: Nina Nurse wastes 1\u00a0tablet of {OXY}"),
    "count": (counted, f"You witness: Tess Technician counted 20\u00a0tablets of {OXY}"),
    "remove": (removing, f"You witness: Nina Nurse takes 2\u00a0tablets of {OXY}"),
    "override": (
        overriding,
        f"You witness: Nina Nurse takes 2\u00a0tablets of {OXY}, without an order",
    ),
    "load": (loading, f"You witness: Paul Pharmacist puts in 5\u00a0tablets of {OXY}"),
    "return": (returning, f"You witness: Nina Nurse returns 1\u00a0tablet of {OXY}"),
    "break_glass": (
        emergency("break_glass", "N1"),
        "You agree: Break-glass for 60 minutes, asked by Nina Nurse",
    ),
    "critical_override": (
        emergency("critical_override", "C1"),
        "You agree: Critical override for 4 hours, asked by Cleo Charge",
    ),
    "grant": (granting, "You approve: Nina Nurse, role Nurse → Pharmacist, and 1 more"),
    "load_fingers": (
        fitting,
        "You approve: Ada Admin loads the kept fingers into the new sensor",
    ),
    "supervise": (
        supervising,
        "You supervise: Nina Nurse signs in without the finger sensor",
    ),
}


def test_every_act_that_takes_two_is_tried_here() -> None:
    assert set(CALLS) == set(ATTESTED)


@pytest.mark.parametrize("act", CALLS)
def test_each_screen_of_a_second_person_says_what_they_attest(act: str) -> None:
    arrange, line = CALLS[act]
    ward = arrange()
    assert ward.screen().name == "witness"
    ward.do(e.BadgeSeen(badge("P2")))
    shown = [ward.screen()]
    if ward.screen().name == "finger":
        ward.press("use_pin")
        shown.append(ward.screen())
    ward.press("use_letters")
    shown.append(ward.screen())
    ward.press("use_digits")
    ward.press("pin", PIN)
    shown.append(ward.screen())
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, False))
    shown.append(ward.screen())
    assert [it.name for it in shown][-4:] == ["pin", "passphrase", "checking", "pin"]
    assert [it.title for it in shown] == [line] * len(shown)


def test_a_second_person_who_is_asked_for_a_code_still_reads_what_they_attest() -> None:
    ward = granting()
    approver = ward.state.people[ward.ref("A2")]
    approver.totp, approver.totp_name = "sealed", "its hash"
    ward.prove("A2")
    assert ward.records(fr.FactorProven)
    assert ward.screen().name == "totp"
    assert ward.screen().title == CALLS["grant"][1]


def test_whoever_signs_in_reads_of_no_act() -> None:
    ward = Ward()
    ward.do(e.BadgeSeen(badge("N2")))
    assert ward.screen().title == "Sign in"


def test_a_badge_that_nobody_has_reads_the_same() -> None:
    ward = wasting()
    ward.do(e.BadgeSeen("a badge that nobody has"))
    assert ward.screen().title == CALLS["waste"][1]
