"""Which sensor the slots are of, slots that are nobody's, and one finger of two accounts."""

import pytest

from cabinet import events as e
from cabinet import factor_records as fr
from cabinet import records as r
from cabinet import screens
from cabinet.journal import replay
from cabinet.sensor import FOREIGN
from tests.test_enrolment import Fresh, enter, issued, pins, said
from tests.ward import PIN, SENSOR, Ward, badge

OTHER = "c3" * 16


@pytest.fixture
def ward() -> Ward:
    return Ward()


def up(ward: Ward, identity: str) -> None:
    ward.do(e.DeviceChanged("fingerprint", "", identity))


def down(ward: Ward) -> None:
    ward.do(e.DeviceChanged("fingerprint", "unplugged"))


def at_the_finger(ward: Ward, staff_id: str) -> e.EnrolFinger:
    """Somebody new has given all but a finger."""
    issued(ward, staff_id, f"code of {staff_id}")
    enter(ward, f"code of {staff_id}")
    ward.do(e.BadgeSeen(badge(staff_id)))
    pins(ward)
    asked = ward.command(e.EnrolFinger)
    assert isinstance(asked, e.EnrolFinger)
    return asked


# --- which sensor ---------------------------------------------------------------------------------


def test_a_new_sensor_of_a_new_cabinet_is_given_a_mark() -> None:
    fresh = Fresh()
    up(fresh, "")
    (mark,) = [it for it in fresh.commands if isinstance(it, e.MarkSensor)]
    assert len(bytes.fromhex(mark.identity)) == 16
    assert fresh.records(fr.SensorFitted) == [fr.SensorFitted(mark.identity)]
    up(fresh, mark.identity)
    assert len(fresh.records(fr.SensorFitted)) == 1
    assert "fingerprint" not in fresh.state.devices_down


def test_attack_a_sensor_swapped_between_two_fingers_of_the_first_enrolment_knows_neither() -> None:
    """Nobody has a finger yet, so the other sensor is taken: with anybody's finger in that slot."""
    fresh = Fresh()
    up(fresh, SENSOR)
    fresh.enter("code-1")
    for button, text in (("staff_id", "A1"), ("family", "Admin"), ("given", "Ada")):
        fresh.press(button, text)
    fresh.do(e.BadgeSeen(badge("A1")))
    pins(fresh)
    first = fresh.command(e.EnrolFinger)
    fresh.do(e.FingerSeen(first.request, "enrolled", first.slot))
    down(fresh)
    up(fresh, OTHER)
    fresh.press("without_finger")
    assert fresh.state.sensor == OTHER
    assert fresh.records(r.PersonEnrolled)[-1].slots == ()


def test_attack_no_finger_is_enrolled_at_a_sensor_that_is_not_the_one_it_was(ward: Ward) -> None:
    asked = at_the_finger(ward, "X1")
    ward.do(e.FingerSeen(asked.request, "fault"))
    up(ward, OTHER)
    ward.commands.clear()
    assert ward.press("try_finger").refusal
    assert not ward.commands
    ward.press("without_finger")
    assert ward.records(r.PersonEnrolled)[-1].slots == ()


def test_a_mark_that_was_not_written_gives_way_to_a_fresh_one() -> None:
    """The power went between the record and the sensor's answer."""
    fresh = Fresh()
    up(fresh, "")
    fresh.restart()
    up(fresh, "")
    identity = fresh.command(e.MarkSensor).identity
    up(fresh, identity)
    assert [it.sensor for it in fresh.records(fr.SensorFitted)][-1] == identity
    assert len(fresh.records(fr.SensorFitted)) == 2
    assert "fingerprint" not in fresh.state.devices_down


def test_attack_a_sensor_that_was_taken_out_shares_its_mark_with_none_that_came_after() -> None:
    """Nobody has a finger yet: the old one comes back once somebody has, with a thief's in it."""
    fresh = Fresh()
    up(fresh, SENSOR)
    down(fresh)
    up(fresh, "")
    identity = fresh.command(e.MarkSensor).identity
    assert identity != SENSOR
    up(fresh, identity)
    assert fresh.state.sensor == identity


def test_before_anybody_enrolled_a_finger_any_sensor_will_do() -> None:
    fresh = Fresh()
    up(fresh, SENSOR)
    down(fresh)
    up(fresh, OTHER)
    assert [it.sensor for it in fresh.records(fr.SensorFitted)] == [SENSOR, OTHER]
    assert "fingerprint" not in fresh.state.devices_down


@pytest.mark.parametrize("identity", [OTHER, ""], ids=["of another cabinet", "unmarked"])
def test_attack_a_swapped_sensor_is_not_asked_and_the_pin_stands_in(
    ward: Ward, identity: str
) -> None:
    """It holds the attacker's finger in the slot of the badge that they found."""
    down(ward)
    up(ward, identity)
    assert ward.records(fr.SensorForeign) == [fr.SensorForeign(identity)]
    ward.commands.clear()
    ward.do(e.BadgeSeen(badge("N1")))
    assert ward.screen().name == "pin"
    assert not [it for it in ward.commands if isinstance(it, e.VerifyFinger | e.MarkSensor)]
    ward.press("pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
    assert ward.records(r.SignedIn)[-1].fallback == "sensor_down"


def test_attack_a_sensor_swapped_while_it_was_up_ends_the_proof_that_waits(ward: Ward) -> None:
    ward.do(e.BadgeSeen(badge("N1")))
    request = ward.command(e.VerifyFinger).request
    up(ward, OTHER)
    ward.do(e.FingerSeen(request, "matched", ward.state.people[ward.ref("N1")].slots[0]))
    assert ward.state.session is None
    assert ward.screen().name == "pin"


def test_a_swapped_sensor_is_said_to_everybody_and_recorded_once(ward: Ward) -> None:
    for _ in range(3):
        down(ward)
        up(ward, OTHER)
    assert len(ward.records(fr.SensorForeign)) == 1
    assert ward.records(r.DeviceFailed)[0].cause in (FOREIGN, "unplugged")
    moment = e.Moment(ward.wall_ms, ward.now_ms, bytes(32), ward.positions)
    told = screens.live(ward.state, ward.engine.place, moment).alarms
    assert any("Another finger sensor" in alarm.text for alarm in told)


def test_when_the_old_sensor_comes_back_all_is_as_it_was(ward: Ward) -> None:
    slots = ward.state.people[ward.ref("N1")].slots
    up(ward, OTHER)
    up(ward, SENSOR)
    assert ward.state.found_sensor is None
    assert ward.state.people[ward.ref("N1")].slots == slots
    ward.sign_in("N1")
    assert ward.state.session is not None and ward.state.session.fallback == ""


def test_an_administrator_keeps_the_new_sensor_and_everybody_enrols_again(ward: Ward) -> None:
    up(ward, "")
    ward.sign_in("A1")
    ward.press("sensor")
    ward.press("fit_sensor")
    fitted, mark = ward.records(fr.SensorFitted)[-1], ward.command(e.MarkSensor)
    assert (fitted.sensor, fitted.by) == (mark.identity, ward.ref("A1"))
    assert fitted.sensor != SENSOR
    assert not any(person.slots for person in ward.state.people.values())
    up(ward, mark.identity)
    ward.press("sign_out")
    ward.prove("N1")
    assert ward.state.session is not None and ward.state.session.fallback == "not_enrolled"
    assert replay(ward.sink).sensor == mark.identity


@pytest.mark.parametrize("staff_id", ["N1", "P1", "T1"])
def test_nobody_but_an_administrator_keeps_a_new_sensor(ward: Ward, staff_id: str) -> None:
    up(ward, OTHER)
    ward.sign_in(staff_id)
    assert ward.press("sensor").refusal
    assert ward.press("fit_sensor").refusal
    assert ward.state.sensor == SENSOR


# --- one finger, two accounts ---------------------------------------------------------------------


def test_attack_a_finger_under_a_second_account_is_refused_and_recorded(ward: Ward) -> None:
    asked = at_the_finger(ward, "X1")
    slot = ward.state.people[ward.ref("N1")].slots[0]
    ward.do(e.FingerSeen(asked.request, "taken", slot))
    (taken,) = ward.records(fr.FingerTaken)
    assert (taken.person, taken.holder) == (ward.ref("X1"), ward.ref("N1"))
    assert "somebody else" in said(ward) and "Nina" not in said(ward)
    ward.press("without_finger")
    assert ward.state.people[ward.ref("X1")].slots == ()


def test_the_same_finger_twice_is_asked_for_another(ward: Ward) -> None:
    asked = at_the_finger(ward, "X1")
    ward.do(e.FingerSeen(asked.request, "enrolled", asked.slot))
    second = ward.command(e.EnrolFinger)
    ward.do(e.FingerSeen(second.request, "taken", asked.slot))
    assert "other hand" in said(ward)
    assert not ward.records(fr.FingerTaken)
    assert ward.command(e.EnrolFinger).slot == second.slot


def test_a_finger_that_nobody_holds_is_emptied_out_of_its_slot_and_asked_again(ward: Ward) -> None:
    """The power went in an enrolment, or the sensor served elsewhere."""
    asked = at_the_finger(ward, "X1")
    ward.do(e.FingerSeen(asked.request, "taken", 700))
    assert ward.command(e.DeleteFinger).slot == 700
    assert ward.command(e.EnrolFinger).slot == asked.slot
    assert ward.screen().name == "enrol_finger"


def test_each_capture_is_counted_out_to_the_person(ward: Ward) -> None:
    asked = at_the_finger(ward, "X1")
    for words in ("1 of 3", "2 of 3"):
        ward.do(e.FingerSeen(asked.request, "captured"))
        assert words in said(ward)


# --- slots that are nobody's ----------------------------------------------------------------------


def wipes(ward: Ward) -> list[int]:
    return [it.slot for it in ward.commands if isinstance(it, e.DeleteFinger)]


def test_slots_of_an_enrolment_that_was_given_up_are_emptied_and_proven_so(ward: Ward) -> None:
    asked = at_the_finger(ward, "X1")
    ward.do(e.FingerSeen(asked.request, "enrolled", asked.slot))
    ward.press("cancel")
    assert asked.slot in ward.state.wiping
    assert asked.slot not in ward.state.free_slots(4)
    ward.commands.clear()
    while ward.state.wiping:
        ward.wait(1)
        order = ward.command(e.DeleteFinger)
        ward.do(e.FingerSeen(order.request, "deleted", order.slot))
    assert fr.FingerWiped(asked.slot) in ward.records(fr.FingerWiped)
    ward.commands.clear()
    ward.wait(2)
    assert not wipes(ward)


def test_a_slot_is_asked_to_be_emptied_until_the_sensor_read_it_empty(ward: Ward) -> None:
    at_the_finger(ward, "X1")
    ward.press("cancel")
    down(ward)
    ward.commands.clear()
    ward.wait(5)
    assert not wipes(ward), "nobody is there to ask"
    ward.restart()
    up(ward, SENSOR)
    ward.wait(1)
    first = wipes(ward)[0]
    ward.do(e.FingerSeen("any", "fault"))
    ward.wait(1)
    assert wipes(ward)[-1] == first
    ward.do(e.FingerSeen("any", "deleted", 999))
    assert not ward.records(fr.FingerWiped), "another slot proves nothing"


def test_attack_a_slot_that_another_sensor_emptied_is_not_empty(ward: Ward) -> None:
    at_the_finger(ward, "X1")
    ward.press("cancel")
    ward.wait(1)
    order = ward.command(e.DeleteFinger)
    up(ward, OTHER)
    ward.do(e.FingerSeen(order.request, "deleted", order.slot))
    assert order.slot in ward.state.wiping and not ward.records(fr.FingerWiped)


def test_no_slot_is_emptied_while_a_finger_is_waited_for(ward: Ward) -> None:
    at_the_finger(ward, "X1")
    ward.press("cancel")
    ward.commands.clear()
    ward.do(e.BadgeSeen(badge("N1")))
    ward.wait(3)
    assert not wipes(ward)
    ward.press("cancel")
    ward.wait(1)
    assert wipes(ward)


def test_power_off_in_an_enrolment_leaves_its_slots_to_be_emptied(ward: Ward) -> None:
    asked = at_the_finger(ward, "X1")
    ward.restart()
    assert asked.slot in ward.state.wiping
