"""The simulated world keeps physics: what a latch, a coil, a hand and a cut wire do."""

import json
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cabinet.configuration import Configuration, load
from sim.errors import NoSuchThing, WrongPin
from sim.happenings import Kind, pulses
from sim.medicines import DEMO, gtin, label, medicines, stock
from sim.people import PEOPLE
from sim.views import Fault
from sim.world import ONE_SHOT_S, RELEASE_S, World

LOCK, SWITCH, LATCH, LIGHT = 16, 2, 3, 17  # drawer D1 of the demo
BEEPER = 27


class Hours:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="hours")
def _hours() -> Hours:
    return Hours()


@pytest.fixture(name="setup", scope="module")
def _setup() -> Configuration:
    return load(DEMO / "cabinet.toml")


@pytest.fixture(name="world")
def _world(hours: Hours, setup: Configuration) -> World:
    return World(setup, hours, stock={"D1-1": 10})


def pulse(world: World, hours: Hours, seconds: float, pin: int = LOCK) -> None:
    world.output(pin, True)
    hours.now += seconds
    world.output(pin, False)


def kinds(world: World) -> list[Kind]:
    return [happening.kind for happening in world.events]


def test_a_latched_drawer_does_not_move_when_pulled(world: World) -> None:
    assert not world.pull("D1")
    assert not world.drawer("D1").is_open
    assert kinds(world) == [Kind.HELD]


def test_a_pulse_of_30_ms_releases_the_hook_until_the_drawer_was_shut_again(
    world: World, hours: Hours
) -> None:
    pulse(world, hours, RELEASE_S)
    hours.now += 3600
    assert not world.drawer("D1").hook_engaged
    assert world.pull("D1")
    assert world.push("D1")
    assert world.drawer("D1").hook_engaged
    assert not world.pull("D1")


def test_a_shorter_pulse_does_not_release_the_hook(world: World, hours: Hours) -> None:
    pulse(world, hours, RELEASE_S - 0.001)
    hours.now += 1
    assert world.drawer("D1").hook_engaged


def test_the_one_shot_cuts_a_coil_whose_pin_stays_high(world: World, hours: Hours) -> None:
    world.output(LOCK, True)
    assert world.next_due() == hours.now + RELEASE_S
    hours.now += 60
    assert not world.drawer("D1").coil
    [only] = pulses(world.events)
    assert only.cut
    assert only.off == pytest.approx(only.on + ONE_SHOT_S)
    assert world.next_due() is None
    world.output(LOCK, False)
    assert kinds(world) == [Kind.COIL_ON, Kind.HOOK_RELEASED, Kind.COIL_CUT]


def test_a_drawer_pushed_nearly_shut_reads_closed_but_not_latched(
    world: World, hours: Hours
) -> None:
    pulse(world, hours, 0.5)
    world.pull("D1")
    assert world.push("D1", fully=False)
    assert (world.input(SWITCH), world.input(LATCH)) == (False, True)
    assert world.pull("D1")
    world.push("D1", fully=False)
    assert world.push("D1")
    assert (world.input(SWITCH), world.input(LATCH)) == (False, False)


def test_a_running_coil_holds_the_latch_of_a_drawer_pushed_shut(world: World, hours: Hours) -> None:
    pulse(world, hours, 0.1)
    world.pull("D1")
    world.output(LOCK, True)
    world.push("D1")
    assert not world.drawer("D1").hook_engaged


def test_prying_opens_a_drawer_without_any_pulse(world: World) -> None:
    assert world.pry("D1")
    assert kinds(world) == [Kind.PRIED, Kind.HOOK_RELEASED, Kind.OPENED]
    assert (world.input(SWITCH), world.input(LATCH)) == (True, True)
    assert not world.pry("D1")


def test_sensors_read_low_only_when_the_loop_is_closed(world: World, hours: Hours) -> None:
    assert (world.input(SWITCH), world.input(LATCH)) == (False, False)
    pulse(world, hours, 0.5)
    assert (world.input(SWITCH), world.input(LATCH)) == (False, True)
    world.pull("D1")
    assert (world.input(SWITCH), world.input(LATCH)) == (True, True)


@pytest.mark.parametrize(("fault", "pin"), [(Fault.SWITCH_CUT, SWITCH), (Fault.LATCH_CUT, LATCH)])
def test_a_cut_wire_reads_high(world: World, fault: Fault, pin: int) -> None:
    world.set_fault("D1", fault)
    assert world.input(pin)
    world.set_fault("D1", fault, on=False)
    assert not world.input(pin)


def test_a_stuck_sensor_reads_as_when_it_stuck(world: World) -> None:
    world.set_fault("D1", Fault.SWITCH_STUCK)
    world.set_fault("D1", Fault.LATCH_STUCK)
    world.pry("D1")
    assert (world.input(SWITCH), world.input(LATCH)) == (False, False)


def test_a_jammed_hook_is_not_released_by_a_pulse(world: World, hours: Hours) -> None:
    world.set_fault("D1", Fault.HOOK_JAMMED)
    pulse(world, hours, 0.5)
    assert world.drawer("D1").hook_engaged
    assert len(pulses(world.events)) == 1


def test_no_hand_reaches_into_a_shut_drawer(world: World) -> None:
    assert not world.take("D1-1")
    assert not world.put("D1-1")
    assert not world.put("D6", medicine="OXYC-5-TAB")
    assert world.tablets("D1-1") == {"OXYC-5-TAB": 10}


def test_tablets_go_from_the_pocket_through_the_hands_into_the_return_bin(
    world: World, hours: Hours
) -> None:
    pulse(world, hours, 0.5)
    world.pull("D1")
    assert world.take("D1-1", 2)
    assert not world.take("D1-1", 9)
    world.push("D1")
    pulse(world, hours, 0.5, pin=26)
    world.pull("D6")
    assert world.put("D6")
    assert not world.take("D6")
    assert world.part("OXYC-5-TAB")
    assert world.view().hands == {}
    assert world.tablets("D1-1") == {"OXYC-5-TAB": 8}
    assert world.tablets("D6") == {"OXYC-5-TAB": 1}


def test_what_is_put_without_being_in_the_hands_was_brought_from_the_pharmacy(
    world: World, hours: Hours
) -> None:
    pulse(world, hours, 0.5)
    world.pull("D1")
    world.take("D1-1", 1)
    assert world.put("D1-1", 20)
    assert world.tablets("D1-1") == {"OXYC-5-TAB": 29}
    assert world.view().hands == {}


def test_cutting_the_power_drops_every_output_and_leaves_what_is_physical(
    world: World, hours: Hours
) -> None:
    world.output(LIGHT, True)
    world.output(BEEPER, True)
    world.output(LOCK, True)
    hours.now += 0.1
    world.pull("D1")
    world.set_mains(False)
    view = world.view()
    assert not view.beeper
    assert not view.drawers[0].light
    assert not view.drawers[0].coil
    assert view.drawers[0].is_open
    world.output(LOCK, True)
    assert not world.drawer("D1").coil
    assert world.push("D1")


def test_a_pin_that_a_sensor_drives_is_never_an_output(world: World) -> None:
    with pytest.raises(WrongPin):
        world.output(SWITCH, True)
    with pytest.raises(WrongPin):
        world.output(0, True)
    with pytest.raises(WrongPin):
        world.input(LOCK)


def test_names_that_are_not_here_are_refused(world: World) -> None:
    for gesture in (world.pull, world.push, world.pry, world.take, world.tablets):
        with pytest.raises(NoSuchThing):
            gesture("D9")
    with pytest.raises(NoSuchThing):
        world.set_plugged("printer", False)


def test_observers_hear_each_happening_in_order_with_its_exact_time(
    world: World, hours: Hours
) -> None:
    heard: list[tuple[int, float, Kind]] = []
    world.observe(lambda it: heard.append((it.number, it.at, it.kind)))
    started = hours.now
    world.output(LOCK, True)
    hours.now += 0.5
    world.advance()
    assert heard == [
        (1, started, Kind.COIL_ON),
        (2, started + RELEASE_S, Kind.HOOK_RELEASED),
    ]


def test_a_restored_world_has_the_same_tablets_latches_drawers_and_faults(
    world: World, hours: Hours, setup: Configuration
) -> None:
    pulse(world, hours, 0.5)
    world.pull("D1")
    world.take("D1-1", 3)
    world.set_fault("D2", Fault.SWITCH_STUCK)
    again = World(setup, hours)
    again.restore(json.loads(json.dumps(world.saved())))
    assert again.saved() == world.saved()
    assert again.drawer("D1").is_open
    assert again.view().hands == {"OXYC-5-TAB": 3}


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"drawers": {}, "tablets": 3},
        {"drawers": {"D1": {}}, "tablets": {"places": {}, "hands": {}}},
        {"drawers": {}, "tablets": {"places": {"D1-1": {"X": -1}}, "hands": {}}},
        {"drawers": {}, "tablets": {"places": {"Z9": {"X": 1}}, "hands": {}}},
        {
            "drawers": {"Z9": {"open": True, "hook": True, "faults": {}}},
            "tablets": {"places": {}, "hands": {}},
        },
    ],
)
def test_a_save_that_does_not_fit_is_refused_and_changes_nothing(
    world: World, saved: dict[str, object]
) -> None:
    before = world.saved()
    with pytest.raises(ValueError, match=r"."):
        world.restore(saved)
    assert world.saved() == before


GESTURES: list[Callable[[World], object]] = [
    lambda world: world.output(LOCK, True),
    lambda world: world.output(LOCK, False),
    lambda world: world.pull("D1"),
    lambda world: world.push("D1"),
    lambda world: world.push("D1", fully=False),
    lambda world: world.pry("D1"),
    lambda world: world.take("D1-1"),
    lambda world: world.put("D1-1"),
    lambda world: world.part("OXYC-5-TAB"),
    lambda world: world.set_mains(False),
    lambda world: world.set_mains(True),
    lambda world: world.set_fault("D1", Fault.HOOK_JAMMED),
    lambda world: world.set_fault("D1", Fault.HOOK_JAMMED, on=False),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(GESTURES), st.floats(0, 2)), max_size=40))
def test_whatever_people_do_no_drawer_opens_latched_and_no_tablet_is_lost(
    gestures: list[tuple[Callable[[World], object], float]],
) -> None:
    hours = Hours()
    world = World(load(DEMO / "cabinet.toml"), hours, stock={"D1-1": 3})
    for gesture, seconds in gestures:
        gesture(world)
        hours.now += seconds
    events = world.events
    hook, tablets, shut, last = True, 3, True, 0.0
    for happening in events:
        assert happening.at >= last
        last = happening.at
        match happening.kind:
            case Kind.HOOK_RELEASED | Kind.HOOK_ENGAGED:
                hook = happening.kind is Kind.HOOK_ENGAGED
            case Kind.OPENED | Kind.CLOSED:
                assert not hook
                shut = happening.kind is Kind.CLOSED
            case Kind.TAKEN | Kind.PUT:
                assert not shut
                tablets += happening.count if happening.kind is Kind.PUT else -happening.count
    assert tablets == sum(world.tablets("D1-1").values())
    for it in pulses(events):
        assert it.off is None or it.off - it.on <= ONE_SHOT_S + 1e-9


def test_the_demo_has_what_the_plan_asks(setup: Configuration) -> None:
    formulary = medicines()
    pockets = {pocket.id: pocket for drawer in setup.drawer for pocket in drawer.pocket}
    assert [drawer.kind for drawer in setup.drawer] == ["single"] * 4 + ["matrix", "return_bin"]
    assert len(setup.drawer[4].pocket) >= 12
    assert len(formulary) >= 24
    assert {it.schedule for it in formulary.values()} == {"none", "CII", "CIII", "CIV", "CV"}
    for pocket in pockets.values():
        assert formulary[pocket.medicine].schedule == pocket.schedule
    assert all(date.fromisoformat(it.expires) for it in stock().values()), "days that there are"
    assert set(stock()) == set(pockets)
    assert len(PEOPLE) == 8
    assert len({person.role for person in PEOPLE}) == 5
    assert len({finger for person in PEOPLE for finger in person.fingers}) == 16


def test_the_demo_files_agree_with_the_people() -> None:
    lines = (DEMO / "people.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1:] == [
        f"{it.staff_id},{it.given},{it.family},{it.role},{it.badge}" for it in PEOPLE
    ]


def test_a_label_carries_gtin_expiry_and_lot() -> None:
    oxycodone = medicines()["OXYC-5-TAB"]
    text = label(oxycodone, "SIM2601A", "2027-10-31")
    assert text == f"]d201{gtin(oxycodone.ndc)}1727103110SIM2601A"
    digits = [int(digit) for digit in gtin(oxycodone.ndc)]
    assert (3 * sum(digits[0::2]) + sum(digits[1::2])) % 10 == 0
