"""What goes wrong around a cabinet, and what the system owes under each: the whole list is here.

Only fair faults: a disk that lies about what it synced, or a person with root and the keys, are not
survived by any ledger (negative controls are in the tests). One rule: every fault heals by itself
after its time, so that what stays broken was broken by the cabinet.

Numbers in brackets are those of the list of fault kinds that the design's research gives.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sim import fingerprint_sensor as zfm
from sim.disk import Strike
from sim.happenings import Kind
from sim.lists import Lists
from sim.runtime import SimulatedRuntime
from sim.views import Fault
from sim.virtual import UNITS, Stream


@dataclass(frozen=True)
class Sort:
    """One sort of fault: its name, how often a day, and what the cabinet still owes."""

    name: str
    a_day: float
    owes: str


SAFE = "locks stay shut, nothing acknowledged is lost, the interrupted access is shown"
FAULTS: tuple[Sort, ...] = (
    # The machine and its power (1, 13, 16, 17, 23)
    Sort("power cut", 0.6, SAFE),
    Sort("power cut at a pulse", 0.3, SAFE),
    Sort("power cut at the hook", 0.3, SAFE),
    Sort("power cut while a drawer moves", 0.5, SAFE),
    Sort("power cut during recovery", 0.3, "the next start ends the same way"),
    Sort("brown-out", 0.2, "several short cuts: each start is as good as the first"),
    Sort("killed process", 1.5, "the outputs fall low at once; back in seconds"),
    Sort("orderly restart", 0.5, "a stop is recorded, unless an access is going on"),
    # The disk (1, 2, 3, 4, 5, 11)
    Sort("power cut before a write", 0.6, "the record is not there, and nothing was commanded"),
    Sort("power cut within a write", 0.6, "all of a step's records, or none"),
    Sort("power cut after a write", 0.6, "the records are there, and nothing was commanded"),
    Sort("EIO, nothing written", 0.5, "the process ends; the ledger is opened anew"),
    Sort("EIO, and yet written", 0.5, "the process ends; what is there counts"),
    Sort("slow disk", 0.5, "30 s for one write: everything waits, no lock moves early"),
    Sort("disk full", 0.5, "no new access; what is open can end; said on the screen"),
    # Clocks (15)
    Sort("clock set forward", 0.4, "recorded; waits and lock-outs are unmoved"),
    Sort("clock set back", 0.4, "recorded; entries stay in order"),
    Sort("clock forgot", 0.2, "1970 until it is set again; nothing is lost"),
    # Drawers and locks (18, 19, 24)
    Sort("switch stuck", 0.8, "said as a fault, or the opening is seen late"),
    Sort("switch wire cut", 0.8, "reads as open: an alarm, never as shut"),
    Sort("latch sensor stuck", 0.8, "said as a fault; no access to a drawer that is unsure"),
    Sort("latch wire cut", 0.8, "reads as released: an alarm, never as latched"),
    Sort("hook jammed", 0.8, "the access fails in words; no second pulse by itself"),
    Sort("contacts bounce", 4.0, "one opening is one record"),
    Sort("drawer forced", 1.0, "a tamper record, an alarm, and a count is due"),
    # Serial lines (20, 21, 22)
    Sort("sensor silent", 1.5, "said as down; a PIN may stand in, and the record says so"),
    Sort("sensor talks nonsense", 1.5, "nothing is believed; the line is opened anew"),
    Sort("sensor answers late", 1.0, "an answer to an older request is never believed"),
    Sort("sensor answers stale", 1.0, "the same"),
    Sort("poor pictures", 1.5, "the person is told; three fail and a PIN is offered"),
    Sort("sensor unplugged", 1.0, "said as down; back after a full check"),
    Sort("badge reader unplugged", 1.0, "said as down; back by itself"),
    Sort("scanner unplugged", 0.6, "expiry is typed; back by itself"),
    Sort("noise on the badge line", 1.5, "no badge is put together from pieces"),
    Sort("badge twice", 1.5, "held to the reader twice, it is one"),
    Sort("stranger's badge", 1.0, "looks as a known one does; never signs in"),
    Sort("label twice", 0.6, "does nothing the second time"),
    # People and lists (29)
    Sort("rights withdrawn", 1.0, "in mid-session: nothing more is released to that person"),
    Sort("order stopped", 1.0, "from then on it is refused, also where its screen is open"),
)
A_MINUTE, AN_HOUR = 60.0, 3600.0
MOST_TRIES = 4000


@dataclass
class Injector:
    """Lets faults happen to one cabinet, at the times that its own stream draws."""

    runtime: SimulatedRuntime
    chance: Stream
    lists: Lists
    told: Callable[[str], None]
    rate: float = 1.0
    happened: dict[str, int] = field(default_factory=dict)
    ending: bool = False
    _heal: dict[int, Callable[[], object]] = field(default_factory=dict)
    _healed: int = 0
    _tried: dict[str, int] = field(default_factory=dict)

    def plan_day(self, start_s: float, day_s: float) -> None:
        """Draw each sort's times for a day."""
        for sort in FAULTS:
            expected = sort.a_day * self.rate
            times = int(expected) + self.chance.chance(expected % 1)
            for _ in range(times):
                at = int((start_s + self.chance.random() * day_s) * UNITS)
                self.runtime.hub.at(at, partial(self.strike, sort.name))

    def strike(self, name: str) -> None:
        """Let it happen now."""
        if self.ending:
            return
        if _DOES[name](self):
            self.happened[name] = self.happened.get(name, 0) + 1
            self.told(name)

    def lasting(self, seconds: float, heal: Callable[[], object]) -> bool:
        """It heals after so long, or at the end."""
        self._healed += 1
        number = self._healed
        self._heal[number] = heal

        def now() -> None:
            if number in self._heal:
                self._heal.pop(number)()

        self.runtime.hub.after(seconds, now)
        return True

    def later(self, name: str) -> None:
        """It has nothing to strike yet: try again, for some hours."""
        tries = self._tried[name] = self._tried.get(name, 0) + 1
        if tries <= MOST_TRIES:
            self.runtime.hub.after(2.0, partial(self.strike, name))

    def heal_all(self) -> None:
        """From here on nothing goes wrong any more."""
        self.ending = True
        self.runtime.disk.strike = None
        self.runtime.forget_cut()
        while self._heal:
            number = next(iter(self._heal))
            self._heal.pop(number)()

    # --- the parts that several share -------------------------------------------------------------

    def some_time(self) -> float:
        """Of a fault that somebody mends: minutes, now and then longer."""
        return self.chance.between(A_MINUTE, 20 * A_MINUTE)

    def drawer(self) -> str:
        """One of the drawers."""
        return self.chance.pick([it.id for it in self.runtime.configuration.drawer])


def _powered(injector: Injector) -> bool:
    return injector.runtime.boot is not None


def _power_cut(injector: Injector) -> bool:
    if not _powered(injector):
        return False
    injector.runtime.cut_power(injector.chance.between(1.0, 180.0))
    return True


def _cut_on(*kinds: Kind) -> Callable[[Injector], bool]:
    def strike(injector: Injector) -> bool:
        injector.runtime.cut_on(injector.chance.pick(kinds))
        return True

    return strike


def _cut_recovery(injector: Injector) -> bool:
    """Cut, and cut again while the start goes on."""
    if not _powered(injector):
        return False
    runtime = injector.runtime
    runtime.cut_power(2.0)
    runtime.strike_at_start(
        injector.chance.pick((Strike.CUT_BEFORE, Strike.CUT_WITHIN, Strike.CUT_AFTER))
    )
    return True


def _brown_out(injector: Injector) -> bool:
    if not _powered(injector):
        return False
    runtime = injector.runtime
    runtime.cut_power(0.5)
    for cut in range(1, 4):
        runtime.hub.after(cut * 9.0 + injector.chance.between(0.0, 3.0), runtime.cut_power)
    return True


def _killed(injector: Injector) -> bool:
    injector.runtime.kill_process()
    return True


def _restarted(injector: Injector) -> bool:
    boot = injector.runtime.boot
    if boot is None:
        return False
    boot.stop()
    return True


def _write(strike: Strike) -> Callable[[Injector], bool]:
    def plan(injector: Injector) -> bool:
        injector.runtime.disk.strike = strike
        return True

    return plan


def _disk_full(injector: Injector) -> bool:
    disk = injector.runtime.disk
    disk.free = 0.01

    def heal() -> None:
        disk.free = 0.9

    return injector.lasting(injector.some_time(), heal)


def _clock(seconds: Callable[[Stream], float]) -> Callable[[Injector], bool]:
    def strike(injector: Injector) -> bool:
        wall = injector.runtime.wall
        by_s = seconds(injector.chance)
        wall.off_s += by_s

        def heal() -> None:
            wall.off_s -= by_s

        return injector.lasting(injector.some_time(), heal)

    return strike


def _forgot(injector: Injector) -> bool:
    wall = injector.runtime.wall
    by_s = wall.true_s()
    wall.off_s -= by_s

    def heal() -> None:
        wall.off_s += by_s

    return injector.lasting(injector.some_time(), heal)


def _drawer(fault: Fault) -> Callable[[Injector], bool]:
    def strike(injector: Injector) -> bool:
        world, drawer = injector.runtime.world, injector.drawer()
        if not world.set_fault(drawer, fault):
            return False
        return injector.lasting(
            injector.some_time(), lambda: world.set_fault(drawer, fault, on=False)
        )

    return strike


def _bounce(injector: Injector) -> bool:
    """At the next movement of a drawer its contacts bounce, as all contacts do."""
    injector.runtime.bounce_next(injector.chance.between(0.004, 0.05))
    return True


def _forced(injector: Injector) -> bool:
    world, drawer = injector.runtime.world, injector.drawer()
    if not world.pry(drawer):
        return False
    pulses = world.drawer(drawer).pulses

    def leave() -> None:
        if world.drawer(drawer).pulses == pulses:  # else it is somebody else's opening by now
            world.push(drawer)

    injector.runtime.hub.after(injector.chance.between(4.0, 240.0), leave)
    return True


def _sensor(make: Callable[[Injector], zfm.Fault], longest_s: float) -> Callable[[Injector], bool]:
    def strike(injector: Injector) -> bool:
        runtime, fault = injector.runtime, make(injector)
        runtime.sensor.faults.append(fault)
        runtime.poke("fingerprint")

        def heal() -> None:
            faults = runtime.sensor.faults
            faults[:] = [it for it in faults if it is not fault]  # another one may be equal
            runtime.poke("fingerprint")

        return injector.lasting(injector.chance.between(5.0, longest_s), heal)

    return strike


def _nonsense(injector: Injector) -> zfm.Fault:
    sorts: tuple[Callable[[], zfm.Fault], ...] = (
        lambda: zfm.CutAfter(length=injector.chance.whole(1, 11)),
        lambda: zfm.StrayByte(byte=injector.chance.whole(0, 255)),
        zfm.BadChecksum,
        zfm.LengthFFFF,
        zfm.WrongAddress,
        lambda: zfm.Drip(gap_s=injector.chance.between(0.05, 0.4)),
    )
    return injector.chance.pick(sorts)()


def _stale(injector: Injector) -> zfm.Fault:
    if injector.chance.chance(0.5):
        return zfm.Behind()
    sent = [frame for _, frame in injector.runtime.sensor.sent]
    frames = tuple(injector.chance.pick(sent) for _ in range(2)) if sent else ()
    return zfm.Stale(frames=frames, lost=injector.chance.chance(0.5), times=3)


def _unplugged(device: str) -> Callable[[Injector], bool]:
    def strike(injector: Injector) -> bool:
        runtime = injector.runtime
        if not runtime.ports[device].plugged:
            return False
        runtime.unplug(device)
        return injector.lasting(injector.some_time() / 2, lambda: runtime.plug(device))

    return strike


def _noise(injector: Injector) -> bool:
    runtime, chance = injector.runtime, injector.chance
    chunks = [chance.bytes(chance.whole(1, 24)) for _ in range(chance.whole(1, 4))]
    runtime.ports["badge"].say(runtime.reader.noise(chunks))
    return True


def _badge_twice(injector: Injector) -> bool:
    injector.runtime.echo_badge = True
    return True


def _stranger(injector: Injector) -> bool:
    injector.runtime.present(f"99{injector.chance.getrandbits(30):010d}")
    return True


def _label_twice(injector: Injector) -> bool:
    text = "]d2010039999910011"
    for _ in range(2):
        injector.runtime.scan(text)
    return True


def _suspended(injector: Injector) -> bool:
    """Whoever is about to take something is suspended by a new staff list, and reinstated later."""
    lists = injector.lists
    person = lists.about_to_take()
    if person is None or not lists.list_person(person, active=False):
        injector.later("rights withdrawn")
        return False
    return injector.lasting(injector.some_time(), lambda: lists.list_person(person, active=True))


def _order_stopped(injector: Injector) -> bool:
    """The order that somebody looks at; it is ordered again later."""
    lists = injector.lists
    order = lists.on_the_screen()
    if not order or not lists.list_order(order, active=False):
        injector.later("order stopped")
        return False
    return injector.lasting(injector.some_time(), lambda: lists.list_order(order, active=True))


_DOES: dict[str, Callable[[Injector], bool]] = {
    "power cut": _power_cut,
    "power cut at a pulse": _cut_on(Kind.COIL_ON, Kind.COIL_OFF),
    "power cut at the hook": _cut_on(Kind.HOOK_RELEASED, Kind.HOOK_ENGAGED),
    "power cut while a drawer moves": _cut_on(Kind.OPENED, Kind.CLOSED, Kind.TAKEN),
    "power cut during recovery": _cut_recovery,
    "brown-out": _brown_out,
    "killed process": _killed,
    "orderly restart": _restarted,
    "power cut before a write": _write(Strike.CUT_BEFORE),
    "power cut within a write": _write(Strike.CUT_WITHIN),
    "power cut after a write": _write(Strike.CUT_AFTER),
    "EIO, nothing written": _write(Strike.ERROR_BEFORE),
    "EIO, and yet written": _write(Strike.ERROR_AFTER),
    "slow disk": _write(Strike.SLOW),
    "disk full": _disk_full,
    "clock set forward": _clock(lambda chance: chance.between(90.0, 5 * AN_HOUR)),
    "clock set back": _clock(lambda chance: -chance.between(90.0, 5 * AN_HOUR)),
    "clock forgot": _forgot,
    "switch stuck": _drawer(Fault.SWITCH_STUCK),
    "switch wire cut": _drawer(Fault.SWITCH_CUT),
    "latch sensor stuck": _drawer(Fault.LATCH_STUCK),
    "latch wire cut": _drawer(Fault.LATCH_CUT),
    "hook jammed": _drawer(Fault.HOOK_JAMMED),
    "contacts bounce": _bounce,
    "drawer forced": _forced,
    "sensor silent": _sensor(lambda _: zfm.Silent(), 600.0),
    "sensor talks nonsense": _sensor(_nonsense, 300.0),
    "sensor answers late": _sensor(
        lambda injector: zfm.Late(late_s=injector.chance.between(0.5, 4.0), times=4), 300.0
    ),
    "sensor answers stale": _sensor(_stale, 300.0),
    "poor pictures": _sensor(lambda _: zfm.PoorImage(times=4), 600.0),
    "sensor unplugged": _unplugged("fingerprint"),
    "badge reader unplugged": _unplugged("badge"),
    "scanner unplugged": _unplugged("scanner"),
    "noise on the badge line": _noise,
    "badge twice": _badge_twice,
    "stranger's badge": _stranger,
    "label twice": _label_twice,
    "rights withdrawn": _suspended,
    "order stopped": _order_stopped,
}
assert list(_DOES) == [sort.name for sort in FAULTS], "the list above is the whole list"
