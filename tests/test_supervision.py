"""Without the finger sensor a site may want a supervisor at each sign-in: at none is it missing."""

import msgspec
import pytest

from cabinet import events as e
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import reports, screens
from cabinet.journal import Attachments, replay
from cabinet.plan import Fingers
from tests.test_sensor import down, up
from tests.ward import PIN, PLAN, SENSOR, Ward, badge

ASKING = msgspec.structs.replace(PLAN, fingers=Fingers(supervisor=True))


class Supervised(Ward):
    """A ward whose site asks for a supervisor, its sensor down."""

    def __init__(self) -> None:
        super().__init__(ASKING)
        down(self)

    def by_pin(self, staff_id: str) -> None:
        self.do(e.BadgeSeen(badge(staff_id)))
        self.press("pin", PIN)
        self.do(e.PinChecked(self.command(e.CheckPin).request, True))

    def works(self, staff_id: str) -> bool:
        """Whether this person is at the screen and may press what is theirs."""
        session = self.state.session
        return (
            session is not None
            and session.person == self.ref(staff_id)
            and self.state.screen.state == "signed_in"
        )


@pytest.fixture
def ward() -> Supervised:
    return Supervised()


def test_the_default_asks_for_nobody() -> None:
    plain = Ward(stocked=False)
    down(plain)
    plain.sign_in("N1")
    assert not plain.records(r.WitnessCalled)


@pytest.mark.parametrize("supervisor", ["C1", "P1"])
def test_badge_and_pin_and_a_supervisor_sign_in_while_the_sensor_is_down(
    ward: Supervised, supervisor: str
) -> None:
    ward.by_pin("N1")
    assert ward.screen().name == "witness"
    assert list(screens.buttons(ward.screen())) == ["dismiss"], "nothing of the ward is there"
    assert "Hope" not in repr(ward.screen()) and "FRANKLIN" not in repr(ward.screen())
    ward.by_pin(supervisor)
    assert ward.works("N1")
    (told,) = ward.records(fr.Supervised)
    assert (told.person, told.supervisor) == (ward.ref("N1"), ward.ref(supervisor))
    assert (told.factors, told.fallback) == (("badge", "pin"), "sensor_down")
    ward.choose("O2")
    ward.press("open")
    assert ward.state.access is not None
    assert replay(ward.sink).session is not None


@pytest.mark.parametrize("staff_id", ["N1", "N2", "T1", "A1"])
def test_attack_alone_or_beside_somebody_who_may_not_nobody_gets_in(
    ward: Supervised, staff_id: str
) -> None:
    ward.by_pin("N1")
    ward.by_pin(staff_id)
    assert not ward.works("N1") and not ward.records(fr.Supervised)
    assert ward.records(r.Refused)[-1].why in ("same_person", "witness_not_allowed")
    assert ward.press("open").refusal


def test_whoever_is_not_supervised_in_time_is_signed_out(ward: Supervised) -> None:
    ward.by_pin("N1")
    ward.wait(ward.plan.timings.witness_within_s + 1)
    assert ward.state.session is None
    assert ward.records(r.SignedOut)[-1].why == "unsupervised"
    ward.by_pin("N1")
    ward.press("dismiss")
    assert ward.state.session is None


def test_attack_power_off_and_on_skips_no_supervisor(ward: Supervised) -> None:
    ward.by_pin("N1")
    ward.restart()
    assert ward.state.session is None
    down(ward)
    ward.by_pin("N1")
    assert ward.screen().name == "witness"


def test_attack_through_a_locked_screen_nobody_gets_in_unsupervised(ward: Supervised) -> None:
    """A second badge locks the first person's screen; its holder would take their place."""
    up(ward, SENSOR)
    ward.sign_in("N2")
    down(ward)
    ward.by_pin("N1")
    assert ward.screen().name == "witness" and not ward.works("N1")
    assert ward.records(r.SignedOut)[-1].why == "another_person"
    ward.by_pin("C1")
    assert ward.works("N1")


def test_attack_a_session_that_began_by_finger_is_not_unlocked_by_pin_unsupervised(
    ward: Supervised,
) -> None:
    up(ward, SENSOR)
    ward.sign_in("N1")
    down(ward)
    ward.do(e.BadgeSeen(badge("N2")))
    ward.press("cancel")
    assert ward.state.screen.state == "locked"
    ward.by_pin("N1")
    assert ward.screen().name == "witness" and not ward.works("N1")
    ward.by_pin("C1")
    assert ward.works("N1")


def test_attack_unlocked_by_pin_to_count_at_a_drawer_nobody_goes_on_unsupervised(
    ward: Supervised,
) -> None:
    up(ward, SENSOR)
    ward.sign_in("N1")
    ward.choose("O1")
    ward.press("open")
    ward.pull("D1")
    ward.push("D1")
    down(ward)
    ward.do(e.BadgeSeen(badge("N2")))
    ward.press("cancel")
    ward.by_pin("N1")
    ward.press("count", "20")
    ward.press("moved")
    assert ward.state.access is None, "what was begun is ended"
    ward.press("home")
    assert ward.screen().name == "witness" and not ward.works("N1")
    assert ward.engine.place.page == "witness", "the press itself does nothing"
    ward.by_pin("C1")
    assert ward.works("N1")


def test_a_session_that_was_supervised_is_unlocked_by_its_person(ward: Supervised) -> None:
    ward.by_pin("N1")
    ward.by_pin("C1")
    ward.do(e.BadgeSeen(badge("N2")))
    ward.press("cancel")
    ward.by_pin("N1")
    assert ward.works("N1")


def test_a_sensor_that_cannot_tell_takes_a_supervisor_too(ward: Supervised) -> None:
    up(ward, SENSOR)
    ward.do(e.BadgeSeen(badge("N1")))
    ward.do(e.FingerSeen(ward.command(e.VerifyFinger).request, "fault"))
    ward.press("pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
    assert ward.screen().name == "witness"
    ward.prove("C1")
    assert ward.works("N1")
    assert ward.records(fr.Supervised)[-1].fallback == "", "the supervisor's finger was read"


def test_by_finger_nobody_needs_a_supervisor(ward: Supervised) -> None:
    up(ward, SENSOR)
    ward.sign_in("N1")
    assert ward.works("N1")


@pytest.mark.parametrize("staff_id", ["C1", "P1"])
def test_whoever_may_supervise_signs_in_alone(ward: Supervised, staff_id: str) -> None:
    """Else the only one at night could let nobody in."""
    ward.by_pin(staff_id)
    assert ward.works(staff_id)


def test_an_administrator_is_alone_only_where_nobody_could_supervise(ward: Supervised) -> None:
    """They replace the sensor."""
    ward.by_pin("A1")
    assert not ward.works("A1")
    ward.press("dismiss")
    for staff_id in ("C1", "P1", "P2"):
        ward.state.people[ward.ref(staff_id)].standing = "suspended"
    ward.by_pin("N1")
    assert not ward.works("N1")
    ward.press("dismiss")
    ward.by_pin("A1")
    assert ward.works("A1")


def test_a_temporary_user_is_not_supervised_by_whoever_made_them(ward: Supervised) -> None:
    ward.state.people[ward.ref("N1")].rights = msgspec.structs.replace(
        ward.state.people[ward.ref("N1")].rights, role="temporary"
    )
    ward.state.people[ward.ref("N1")].made_by = ward.ref("C1")
    ward.by_pin("N1")
    ward.by_pin("C1")
    assert not ward.works("N1")
    assert ward.records(r.Refused)[-1].why == "same_person"


def test_both_are_counted_for_each_person(ward: Supervised) -> None:
    for _ in range(2):
        ward.by_pin("N1")
        ward.by_pin("C1")
        ward.press("sign_out")
    bodies = [r.decode_body(data) for data in ward.sink.bodies]
    told = {it.person: it for it in reports.proofs(bodies, Attachments(ward.sink))}
    nina, cleo = told["Nina Nurse"], told["Cleo Charge"]
    assert (nina.by_reason["sensor_down"], nina.supervised) == (2, 2)
    assert (cleo.by_reason["sensor_down"], cleo.supervised) == (2, 0)
    rows = reports.proof_table([nina, cleo])
    assert [row[reports.PROOF_HEADINGS.index("Supervised")] for row in rows] == ["2", "0"]
