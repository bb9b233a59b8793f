"""Every fault of the list really happens, and what is physical about it is so in the world."""

from functools import partial

import pytest

from cabinet import records as r
from sim.battery import FULL_S, Battery
from sim.faults import FAULTS
from sim.hands import Mistakes
from sim.happenings import Happening, Kind
from sim.plan import Plan
from sim.story import Story, default_template, run
from sim.strikes import DOES
from sim.template import Template
from sim.views import Fault
from sim.virtual import UNITS

APART_S = 600.0


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One cabinet for all stories."""
    return default_template(tmp_path_factory.mktemp("sim"))


def log_of(story: Story) -> list[Happening]:
    """What happens in the world, as it happens."""
    log: list[Happening] = []
    story.runtime.world.observe(log.append)
    return log


def times(log: list[Happening], kind: Kind) -> list[float]:
    """When it happened."""
    return [it.at for it in log if it.kind is kind]


def strike_what_is_missing(story: Story) -> None:
    """Where another fault had left nothing to strike."""
    for sort in FAULTS:
        if sort.name not in story.injector.happened:
            story.injector.strike(sort.name)


def test_every_sort_of_fault_says_what_is_owed() -> None:
    assert all(sort.owes and sort.a_day > 0 for sort in FAULTS)
    assert [sort.name for sort in FAULTS] == list(DOES)
    assert len(set(DOES)) == len(DOES) >= 55


def test_every_sort_of_fault_happens_and_is_survived(template: Template) -> None:
    """Each once in a busy day, whatever the day's draw would bring."""

    def change(story: Story) -> None:
        for place, sort in enumerate(FAULTS):
            at = int((place + 1) * APART_S * UNITS)
            story.runtime.hub.at(at, partial(story.injector.strike, sort.name))
        again = int((len(FAULTS) + 2) * APART_S * UNITS)
        story.runtime.hub.at(again, lambda: strike_what_is_missing(story))

    days = (len(FAULTS) + 6) * APART_S / 86_400
    told = run(Plan(seed=5, days=days, accesses_a_day=400, fault_rate=0.0), template, change=change)
    assert not told.violations, told.violations[0]
    missing = [sort.name for sort in FAULTS if sort.name not in told.faults]
    assert not missing


def test_a_battery_carries_the_machine_as_long_as_it_was_charged() -> None:
    battery = Battery()
    assert battery.left_s(50.0) == FULL_S
    battery.mains(False, 100.0)
    assert battery.left_s(400.0) == FULL_S - 300.0
    battery.mains(True, 400.0)
    assert battery.left_s(800.0) == FULL_S - 200.0
    battery.mains(False, 800.0)
    assert battery.left_s(5000.0) == 0.0


@pytest.mark.parametrize(("for_s", "cuts"), [(FULL_S - 60.0, 0), (FULL_S + 60.0, 1)])
def test_mains_that_fail_are_noticed_only_when_the_battery_is_empty(
    for_s: float, cuts: int, template: Template
) -> None:
    logs: list[list[Happening]] = []

    def change(story: Story) -> None:
        logs.append(log_of(story))
        story.runtime.hub.after(1000.0, lambda: story.runtime.fail_mains(for_s))

    plan = Plan(seed=5, days=0.04, accesses_a_day=300, fault_rate=0.0)
    told = run(plan, template, change=change)
    (log,) = logs
    assert not told.violations, told.violations[0]
    assert told.power_cuts == len(times(log, Kind.POWER_CUT)) == cuts
    (failed,), (back,) = times(log, Kind.ON_BATTERY), times(log, Kind.ON_MAINS)
    assert back - failed >= for_s
    for at in times(log, Kind.POWER_CUT):
        assert at - failed == pytest.approx(FULL_S)


def test_one_lid_of_a_matrix_drawer_is_lifted_at_a_time_and_none_of_a_shut_one(
    template: Template,
) -> None:
    lids: list[str] = []

    def change(story: Story) -> None:
        world = story.runtime.world

        def reach() -> None:
            world.pry("D5")
            for place in ("D5-01", "D5-02"):
                assert world.take(place)
                lids.append(world.drawer("D5").lid)
                assert world.put(place)
            world.push("D5")
            lids.append(world.drawer("D5").lid)

        story.runtime.hub.after(60.0, reach)

    run(Plan(seed=5, days=0.01, accesses_a_day=0, fault_rate=0.0), template, change=change)
    assert lids == ["D5-01", "D5-02", ""]


def test_a_jammed_drawer_stays_open_and_alarms_until_it_can_be_shut(template: Template) -> None:
    seen: list[tuple[bool, bool]] = []

    def change(story: Story) -> None:
        world, runtime = story.runtime.world, story.runtime

        def look() -> None:
            alarms = runtime.shown.live.alarms if runtime.shown is not None else ()
            said = any(it.priority == "high" and "open" in it.text for it in alarms)
            seen.append((bool(world.push("D2")), said))

        runtime.hub.after(60.0, lambda: world.pry("D2"))
        runtime.hub.after(61.0, lambda: world.set_fault("D2", Fault.JAMMED_OPEN))
        runtime.hub.after(90.0, look)
        runtime.hub.after(91.0, lambda: world.set_fault("D2", Fault.JAMMED_OPEN, on=False))
        runtime.hub.after(92.0, look)

    plan = Plan(seed=5, days=0.02, accesses_a_day=0, fault_rate=0.0, trespass_rate=0.0)
    told = run(plan, template, change=change)
    assert not told.violations, told.violations[0]
    assert seen == [(False, True), (True, True)]


def test_an_ampoule_that_breaks_is_wasted_before_a_witness(template: Template) -> None:
    wasted: list[r.Wasted] = []
    logs: list[list[Happening]] = []

    def change(story: Story) -> None:
        logs.append(log_of(story))
        story.hospital.mistakes = Mistakes(broken=1.0)

        def heard(body: r.Body) -> None:
            if isinstance(body.record, r.Wasted):
                wasted.append(body.record)

        story.model.readers.append(heard)

    plan = Plan(seed=5, days=0.3, accesses_a_day=300, fault_rate=0.0, trespass_rate=0.0)
    told = run(plan, template, change=change)
    (log,) = logs
    assert not told.violations, told.violations[0]
    floor = [it for it in log if it.kind is Kind.PARTED and "pieces" in it.detail]
    assert len(floor) == told.people["broken"] > 0
    assert all(it.medicine == "FENT-100-AMP" for it in floor)
    assert wasted and all(it.witness and it.witness != it.person for it in wasted)


def test_a_drawer_that_never_latched_and_is_pulled_again_is_one_opening(template: Template) -> None:
    """Pushed, but its hook did not catch, and pried open at once: the cabinet has it open still."""
    said: list[str] = []

    def change(story: Story) -> None:
        world = story.runtime.world
        story.runtime.hub.after(60.0, lambda: world.pry("D2"))
        story.runtime.hub.after(70.0, lambda: world.push("D2", fully=False))
        story.runtime.hub.after(70.5, lambda: world.pry("D2"))
        story.runtime.hub.after(90.0, lambda: world.push("D2"))

        def heard(body: r.Body) -> None:
            it = body.record
            if isinstance(it, r.DrawerForced | r.DrawerClosed) and it.drawer == "D2":
                said.append(type(it).__name__)

        story.runtime.hub.after(50.0, lambda: story.model.readers.append(heard))

    plan = Plan(seed=5, days=0.02, accesses_a_day=0, fault_rate=0.0, trespass_rate=0.0)
    told = run(plan, template, change=change)
    assert not told.violations, told.violations[0]
    assert said == ["DrawerForced", "DrawerClosed"]
