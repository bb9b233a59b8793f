"""A replaced sensor: the kept fingers loaded by two people, one after the other, each proven."""

import msgspec
import pytest

from cabinet import events as e
from cabinet import factor_records as fr
from cabinet import people_report, reports, screens
from cabinet import records as r
from cabinet.journal import Attachments, replay
from tests.test_copies import Keeping
from tests.test_sensor import OTHER, down, up
from tests.ward import PIN, SENSOR, badge

SLOTS = {"A1": 0, "A2": 2, "N1": 4, "N2": 6}


class Replaced(Keeping):
    """A ward with copies, whose sensor was replaced by one that is unmarked, or has a mark."""

    def __init__(self, identity: str = OTHER) -> None:
        super().__init__()
        self.copy()
        self.kept = sum(len(it.templates) for it in self.state.people.values())
        down(self)
        up(self, identity)
        self.commands.clear()

    def ask(self, by: str = "A1") -> None:
        """An administrator asks for the load."""
        self.sign_in(by)
        self.press("sensor")
        self.press("load_fingers")

    def approve(self, by: str = "C1") -> None:
        self.do(e.BadgeSeen(badge(by)))
        self.press("pin", PIN)
        self.do(e.PinChecked(self.command(e.CheckPin).request, True))

    def order(self) -> e.LoadFinger:
        """The next order to load."""
        self.commands.clear()
        self.wait(1)
        (load,) = [it for it in self.commands if isinstance(it, e.LoadFinger)]
        return load

    def loads(self, outcome: str = "loaded") -> e.LoadFinger:
        order = self.order()
        self.do(e.FingerSeen(order.request, outcome, order.slot))
        return order

    def slots(self, staff_id: str) -> tuple[int, ...]:
        return self.state.people[self.ref(staff_id)].slots


@pytest.fixture
def ward() -> Replaced:
    return Replaced()


def test_two_people_have_the_kept_fingers_loaded_and_each_then_proves_its_person(
    ward: Replaced,
) -> None:
    ward.ask()
    assert ward.screen().name == "witness"
    assert not ward.records(fr.SensorFitted)[1:], "nothing before the second person"
    ward.approve()
    fitted = ward.records(fr.SensorFitted)[-1]
    assert (fitted.sensor, fitted.load) == (OTHER, True)
    assert (fitted.by, fitted.approved_by) == (ward.ref("A1"), ward.ref("C1"))
    assert fitted.factors == fitted.approver_factors == ("badge", "pin")
    assert fitted.approver_fallback == "sensor_down"
    assert not any(person.slots for person in ward.state.people.values())
    for _ in range(ward.kept):
        order = ward.loads()
        person = ward.state.people[order.person]
        assert order.slot in person.slots
        assert (order.slot, order.template) in person.templates
    assert not ward.state.loading and ward.slots("N1")
    ward.commands.clear()
    ward.wait(3)
    assert not ward.commands
    ward.press("menu")
    ward.press("sign_out")
    ward.sign_in("N1")
    assert ward.state.session is not None and ward.state.session.fallback == ""
    assert replay(ward.sink).people[ward.ref("N1")].slots == ward.slots("N1")


def test_each_load_is_ordered_by_a_record_of_its_own_and_one_at_a_time(ward: Replaced) -> None:
    ward.ask()
    ward.approve()
    order = ward.order()
    assert ward.records(fr.TemplateOrdered) == [
        fr.TemplateOrdered(order.request, order.person, order.slot, order.template)
    ]
    ward.commands.clear()
    ward.wait(5)
    assert not ward.commands and len(ward.records(fr.TemplateOrdered)) == 1


def test_until_it_is_loaded_a_finger_counts_as_none(ward: Replaced) -> None:
    """The new sensor may hold anything in that slot."""
    slot = ward.slots("N1")[0]
    ward.ask()
    ward.approve()
    ward.press("menu")
    ward.press("sign_out")
    ward.do(e.BadgeSeen(badge("N1")))
    request = ward.command(e.VerifyFinger).request
    ward.do(e.FingerSeen(request, "matched", slot))
    assert ward.state.session is None


def test_an_unmarked_sensor_is_marked_first_and_loaded_when_it_says_so() -> None:
    ward = Replaced("")
    ward.ask()
    ward.approve()
    mark = ward.command(e.MarkSensor)
    assert ward.records(fr.SensorFitted)[-1].sensor == mark.identity
    ward.commands.clear()
    ward.wait(3)
    assert not ward.commands, "it has not said yet that it carries the mark"
    up(ward, mark.identity)
    ward.loads()


# --- by whom --------------------------------------------------------------------------------------


@pytest.mark.parametrize("staff_id", ["N1", "P1", "C1", "T1"])
def test_nobody_but_an_administrator_begins_it(ward: Replaced, staff_id: str) -> None:
    ward.sign_in(staff_id)
    ward.press("sensor")
    assert ward.press("load_fingers").refusal
    assert not ward.records(r.WitnessCalled)


@pytest.mark.parametrize("role", ["pharmacist", "nurse"])
def test_whoever_is_no_administrator_any_more_begins_nothing(ward: Replaced, role: str) -> None:
    ward.sign_in("A1")
    ward.press("sensor")
    person = ward.state.people[ward.ref("A1")]
    person.rights = msgspec.structs.replace(person.rights, role=role)
    assert ward.press("load_fingers").refusal
    assert ward.records(r.Refused)[-1].act == "load_fingers"
    assert not ward.records(r.WitnessCalled)


@pytest.mark.parametrize("staff_id", ["A1", "N1", "T1"])
def test_attack_alone_or_with_somebody_who_may_not_nothing_is_loaded(
    ward: Replaced, staff_id: str
) -> None:
    ward.ask()
    ward.approve(staff_id)
    assert not ward.records(fr.SensorFitted)[1:]
    assert ward.records(r.Refused)[-1].why in ("same_person", "witness_not_allowed")
    assert ward.state.found_sensor == OTHER


def test_a_second_person_who_comes_too_late_approves_nothing(ward: Replaced) -> None:
    ward.ask()
    ward.wait(ward.plan.timings.witness_within_s + 1)
    assert ward.screen().name == "sensor"
    assert not ward.records(fr.SensorFitted)[1:]


def test_attack_yet_another_sensor_between_the_asking_and_the_approval_is_not_loaded(
    ward: Replaced,
) -> None:
    ward.ask()
    down(ward)
    up(ward, "d4" * 16)
    ward.approve()
    assert ward.records(r.Refused)[-1].why == "other_sensor"
    assert not ward.records(fr.SensorFitted)[1:]
    assert ward.state.found_sensor == "d4" * 16


def test_when_the_old_sensor_came_back_meanwhile_nothing_is_loaded(ward: Replaced) -> None:
    ward.ask()
    up(ward, SENSOR)
    ward.do(e.BadgeSeen(badge("C1")))
    request = ward.command(e.VerifyFinger).request
    ward.do(e.FingerSeen(request, "matched", ward.slots("C1")[0]))
    assert ward.records(r.Refused)[-1].why == "nothing_to_load"
    assert not ward.records(fr.SensorFitted)[1:]
    assert ward.slots("N1")


def test_an_administrator_suspended_before_the_approval_loads_nothing(ward: Replaced) -> None:
    ward.ask()
    ward.do(e.BadgeSeen(badge("C1")))
    ward.state.people[ward.ref("A1")].standing = "suspended"
    ward.press("pin", PIN)
    ward.do(e.PinChecked(ward.command(e.CheckPin).request, True))
    assert not ward.records(fr.SensorFitted)[1:]


def test_without_copies_there_is_nothing_to_load_and_the_button_is_not_there() -> None:
    ward = Replaced()
    for person in ward.state.people.values():
        person.templates = ()
    ward.sign_in("A1")
    ward.press("sensor")
    assert "load_fingers" not in screens.buttons(ward.screen())


# --- what goes wrong ------------------------------------------------------------------------------


def begin(ward: Replaced) -> None:
    ward.ask()
    ward.approve()


def test_power_off_in_the_middle_leaves_a_cabinet_that_knows_which_slots_are_proven(
    ward: Replaced,
) -> None:
    begin(ward)
    first = ward.loads()
    cut = ward.order()
    ward.restart()
    assert ward.state.people[first.person].slots == (first.slot,)
    assert ward.state.people[cut.person].slots == (), "what was under way proves nothing"
    up(ward, OTHER)
    again = ward.loads()
    assert (again.slot, again.template) == (cut.slot, cut.template)
    assert again.request != cut.request, "by a record of its own"
    ward.do(e.FingerSeen(cut.request, "loaded", cut.slot))
    assert len(ward.records(fr.TemplateLoaded)) == 2, "a late answer counts for nothing"


def test_attack_the_power_goes_and_another_unmarked_sensor_is_put_in_the_new_ones_place() -> None:
    """The approval was for the sensor that the two had before them."""
    ward = Replaced("")
    begin(ward)
    ward.restart()
    up(ward, "")
    ward.commands.clear()
    ward.wait(5)
    assert not ward.commands
    assert ward.state.found_sensor == ""
    ward.ask()
    ward.approve()
    up(ward, ward.command(e.MarkSensor).identity)
    ward.loads()


def test_attack_the_sensor_is_swapped_while_it_is_loaded(ward: Replaced) -> None:
    begin(ward)
    ward.loads()
    down(ward)
    up(ward, "d4" * 16)
    ward.commands.clear()
    ward.wait(5)
    assert not ward.commands, "nothing more goes into a sensor that nobody approved"
    up(ward, OTHER)
    ward.loads()


@pytest.mark.parametrize("outcome", ["loaded", "taken"])
def test_attack_what_a_sensor_says_that_was_put_in_before_the_order_reached_it_loads_nothing(
    ward: Replaced, outcome: str
) -> None:
    """Seed 73: it came up between the tick that gave the order and its being carried out."""
    begin(ward)
    order = ward.order()
    down(ward)
    up(ward, "d4" * 16)
    ward.commands.clear()
    ward.do(e.FingerSeen(order.request, outcome, order.slot))
    assert not ward.records(fr.TemplateLoaded) and not ward.commands
    assert ward.state.people[order.person].slots == ()
    up(ward, OTHER)
    assert ward.loads().slot == order.slot
    assert ward.state.people[order.person].slots == (order.slot,)


@pytest.mark.parametrize(
    ("outcome", "slot", "why", "orders"),
    [
        ("unusable", None, "unusable", 1),
        ("fault", None, "sensor_fault", 3),
        ("loaded", 999, "sensor_fault", 3),
        ("taken", 0, "finger_taken", 1),
        ("taken", 900, "left_over", 3),
        ("cancelled", None, "sensor_fault", 3),
    ],
)
def test_a_finger_that_is_not_loaded_is_told_by_name_and_enrolled_again(
    ward: Replaced, outcome: str, slot: int | None, why: str, orders: int
) -> None:
    begin(ward)
    ward.loads()  # slot 0 is A1's from here on
    lost = ward.order()
    for tried in range(1, orders + 1):
        ward.do(e.FingerSeen(lost.request, outcome, slot))
        told = ward.records(fr.TemplateNotLoaded)[-1]
        assert (told.person, told.slot, told.why) == (lost.person, lost.slot, why)
        assert told.again is (tried < orders)
        if told.again:
            lost = ward.order()
    assert ward.state.people[lost.person].slots == ()
    assert lost.slot in ward.state.wiping, "it may hold anything"
    while any(not it.why for it in ward.state.loading):
        ward.loads()
    name = ward.state.people[lost.person].name
    assert name in repr(ward.screen().blocks) and "Enrols again" in repr(ward.screen().blocks)
    assert lost.template not in [it for _, it in ward.state.people[lost.person].templates]
    ward.copy()
    assert lost.template in [it.attachment for it in ward.records(r.Erased)]


def test_a_finger_left_over_in_the_sensor_is_deleted_and_the_load_done_again(
    ward: Replaced,
) -> None:
    begin(ward)
    order = ward.order()
    ward.do(e.FingerSeen(order.request, "taken", 900))
    assert ward.command(e.DeleteFinger).slot == 900
    assert ward.loads().slot == order.slot
    assert ward.state.people[order.person].slots == (order.slot,)


def test_who_has_no_copy_is_told_to_enrol_again(ward: Replaced) -> None:
    person = ward.state.people[ward.ref("N2")]
    person.templates = ()
    begin(ward)
    assert person.name in repr(ward.screen().blocks)
    assert "no copy was kept" in repr(ward.screen().blocks)
    assert ward.ref("N2") not in [it.person for it in ward.state.loading if not it.why]


def test_who_leaves_meanwhile_is_not_loaded_and_their_slot_is_emptied(ward: Replaced) -> None:
    begin(ward)
    while (order := ward.order()).person != ward.ref("N1"):
        ward.do(e.FingerSeen(order.request, "loaded", order.slot))
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", badge("N1"), "left")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    ward.do(e.FingerSeen(order.request, "loaded", order.slot))
    assert ward.slots("N1") == () and order.slot in ward.state.wiping
    assert ward.ref("N1") not in [it.person for it in ward.state.loading]


def test_attack_who_leaves_after_a_power_cut_in_their_load_leaves_no_finger_in_the_sensor(
    ward: Replaced,
) -> None:
    """The sensor had stored it; the answer that it had was never heard."""
    begin(ward)
    while (order := ward.order()).person != ward.ref("N1"):
        ward.do(e.FingerSeen(order.request, "loaded", order.slot))
    ward.restart()
    row = e.PersonRow("N1", "Nina", "Nurse", "nurse", badge("N1"), "left")
    assert not ward.do(e.Import("test", people=(("people.csv:2", row),))).refusal
    assert order.slot in ward.state.wiping
    up(ward, OTHER)
    ward.wait(1)
    assert ward.command(e.DeleteFinger).slot == order.slot


def test_nobody_is_given_a_slot_that_waits_for_its_template(ward: Replaced) -> None:
    begin(ward)
    waiting = [it.slot for it in ward.state.loading]
    assert not [slot for slot in ward.state.free_slots(20) if slot in waiting]


def test_an_idle_session_ends_although_fingers_are_being_loaded(ward: Replaced) -> None:
    begin(ward)
    for _ in range(ward.plan.timings.idle_sign_out_s + 2):
        ward.wait(1)
        for order in [it for it in ward.commands if isinstance(it, e.LoadFinger)]:
            ward.do(e.FingerSeen(order.request, "fault"))
        ward.commands.clear()
    assert ward.state.session is None


# --- what is told later ---------------------------------------------------------------------------


def test_the_reports_tell_who_had_it_done_and_count_how_the_second_person_proved_it(
    ward: Replaced,
) -> None:
    begin(ward)
    ward.loads("unusable")
    bodies = [r.decode_body(data) for data in ward.sink.bodies]
    rows = people_report.changes(bodies, Attachments(ward.sink))
    told = [row for row in rows if "finger" in row[6] and "enrolled" not in row[6]]
    assert [(row[2], row[4], row[5]) for row in told] == [
        ("", "Ada Admin", "Cleo Charge"),
        ("Ada Admin", "", ""),
    ]
    proofs = reports.proofs(bodies, Attachments(ward.sink))
    cleo = next(it for it in proofs if it.person == "Cleo Charge")
    assert cleo.by_reason == {"sensor_down": 1}
