"""How each fault strikes: the sorts are listed in `faults.py`, by the same names.

Not for when (`faults.py`). One rule: what is done is undone by what it gives to `lasting`.
"""

from collections.abc import Callable

from sim import fingerprint_sensor as zfm
from sim.battery import FULL_S
from sim.disk import Strike
from sim.faults import A_MINUTE, AN_HOUR, FAULTS, Injector
from sim.happenings import Kind
from sim.memory_port import MemoryPort
from sim.views import Fault
from sim.virtual import Stream

OTHER_SPEED = bytes(byte ^ 0xA5 for byte in range(256))  # of what the wire carried, wrongly sampled


def _powered(injector: Injector) -> bool:
    return injector.runtime.boot is not None


def _power_cut(injector: Injector) -> bool:
    if not _powered(injector):
        return False
    injector.runtime.cut_power(injector.chance.between(1.0, 180.0))
    return True


def _cut_on(*kinds: Kind) -> Callable[[Injector], bool]:
    def strike(injector: Injector) -> bool:
        injector.runtime.strike_on(injector.chance.pick(kinds), injector.runtime.cut_power)
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


def _mains_fail(injector: Injector) -> bool:
    """For less long than the battery lasts, whatever it was charged to."""
    battery = injector.runtime.battery
    left_s = battery.left_s(injector.runtime.hub.now_s)
    return injector.runtime.fail_mains(injector.chance.between(0.01, 0.95) * left_s)


def _battery_empty(injector: Injector) -> bool:
    dark_s = injector.chance.between(30.0, 20 * A_MINUTE)
    return injector.runtime.fail_mains(FULL_S + dark_s)


def _kill_on(*kinds: Kind) -> Callable[[Injector], bool]:
    def strike(injector: Injector) -> bool:
        injector.runtime.strike_on(injector.chance.pick(kinds), injector.runtime.kill_process)
        return True

    return strike


def _second(injector: Injector) -> bool:
    """Somebody starts the controller by hand while the unit's own runs."""
    if not injector.runtime.start_second():
        injector.later("second controller")
        return False
    return True


def _read_only(injector: Injector) -> bool:
    disk = injector.runtime.disk
    disk.read_only = True

    def heal() -> None:
        disk.read_only = False

    return injector.lasting(injector.chance.between(5.0, 3 * A_MINUTE), heal)


def _failing(injector: Injector) -> bool:
    """Each write, and so each start, ends with EIO for some seconds."""
    disk = injector.runtime.disk
    disk.failing = True

    def heal() -> None:
        disk.failing = False

    return injector.lasting(injector.chance.between(3.0, 20.0), heal)


def _unreadable(injector: Injector) -> bool:
    """What runs has read what it needs: it is killed, and cannot start."""
    runtime = injector.runtime
    runtime.disk.unreadable = True
    runtime.kill_process()

    def heal() -> None:
        runtime.disk.unreadable = False

    return injector.lasting(injector.chance.between(5.0, 3 * A_MINUTE), heal)


def _no_anchor(injector: Injector) -> bool:
    """Where the anchor's new file would be written, nothing can be written."""
    runtime = injector.runtime
    anchor = runtime.folder / runtime.configuration.paths.anchor
    in_the_way = anchor.with_name(f"{anchor.name}.new")
    if in_the_way.exists():
        return False
    in_the_way.mkdir()
    return injector.lasting(injector.some_time(), in_the_way.rmdir)


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


def _clock_within(injector: Injector) -> bool:
    """As a time server that is reached again steps it, while a drawer is open to somebody."""
    boot = injector.runtime.boot
    if boot is None or boot.turns is None or boot.turns.state.access is None:
        injector.later("clock stepped within an access")
        return False
    step = injector.chance.pick((-1, 1))
    return _clock(lambda chance: step * chance.between(90.0, AN_HOUR))(injector)


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
        faults = runtime.sensor.faults  # of this one, also if another one is put in meanwhile
        faults.append(fault)
        runtime.poke("fingerprint")

        def heal() -> None:
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


def _pulled_within(injector: Injector) -> bool:
    """A finger is on the glass, and the sensor's cable comes loose."""
    runtime, after_s = injector.runtime, injector.chance.between(0.05, 0.8)
    back_s = injector.some_time() / 2

    def pull() -> None:
        if runtime.ports["fingerprint"].plugged and not injector.ending:
            runtime.unplug("fingerprint")
            injector.lasting(back_s, lambda: runtime.plug("fingerprint"))

    runtime.strike_on(Kind.FINGER_ON, lambda: runtime.hub.after(after_s, pull))
    return True


def _line(device: str, spoil: Callable[[MemoryPort], None]) -> Callable[[Injector], bool]:
    def strike(injector: Injector) -> bool:
        runtime = injector.runtime
        port = runtime.ports[device]
        if port.bad:
            return False
        spoil(port)
        runtime.poke(device)

        def heal() -> None:
            port.echo, port.garble = False, None
            runtime.poke(device)

        return injector.lasting(injector.some_time() / 2, heal)

    return strike


def _echo(port: MemoryPort) -> None:
    port.echo = True


def _other_speed(port: MemoryPort) -> None:
    port.garble = lambda data: data[::2].translate(OTHER_SPEED)


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


def _other_label(injector: Injector) -> bool:
    """Of a patient's wristband, of a parcel, of an advertisement, and one that is torn."""
    texts = (
        "MRN0042317",
        "https://www.example.org",
        "]C1019501101530000310ABC",
        "]d2010",
    )
    injector.runtime.scan(injector.chance.pick(texts))
    return True


def _two_labels(injector: Injector) -> bool:
    """Two scanners' worth of bytes, one between the other's."""
    runtime = injector.runtime
    pairs = zip("]d2010039999910011\r", "]d2010039999920010\r", strict=True)
    mixed = "".join(one + other for one, other in pairs)
    runtime.ports["scanner"].say(runtime.scanner.noise([mixed.encode()]))
    return True


def _suspended(injector: Injector) -> bool:
    """Whoever is about to take something is suspended by a new staff list, and reinstated later."""
    person, staff = injector.lists.about_to_take(), injector.staff
    if person is None or not staff.suspend(person):
        injector.later("rights withdrawn")
        return False
    return injector.lasting(injector.some_time(), lambda: staff.reinstate(person))


def _order_stopped(injector: Injector) -> bool:
    """The order that somebody looks at; it is ordered again later."""
    lists = injector.lists
    order = lists.on_the_screen()
    if not order or not lists.stop(order):
        injector.later("order stopped")
        return False
    return injector.lasting(injector.some_time(), lambda: lists.order_again(order))


DOES: dict[str, Callable[[Injector], bool]] = {
    "power cut": _power_cut,
    "power cut at a pulse": _cut_on(Kind.COIL_ON, Kind.COIL_OFF),
    "power cut at the hook": _cut_on(Kind.HOOK_RELEASED, Kind.HOOK_ENGAGED),
    "power cut while a drawer moves": _cut_on(Kind.OPENED, Kind.CLOSED, Kind.TAKEN),
    "power cut during recovery": _cut_recovery,
    "mains fail": _mains_fail,
    "battery runs empty": _battery_empty,
    "brown-out": _brown_out,
    "killed process": _killed,
    "killed within a pulse": _kill_on(Kind.COIL_ON, Kind.HOOK_RELEASED, Kind.COIL_OFF),
    "second controller": _second,
    "orderly restart": _restarted,
    "power cut before a write": _write(Strike.CUT_BEFORE),
    "power cut within a write": _write(Strike.CUT_WITHIN),
    "unsynced sectors in any order": _write(Strike.CUT_SCATTERED),
    "power cut after a write": _write(Strike.CUT_AFTER),
    "EIO, nothing written": _write(Strike.ERROR_BEFORE),
    "EIO, and yet written": _write(Strike.ERROR_AFTER),
    "EIO at every write": _failing,
    "EIO at every read": _unreadable,
    "no room for a write": _write(Strike.NO_ROOM),
    "slow disk": _write(Strike.SLOW),
    "disk full": _disk_full,
    "read-only mount": _read_only,
    "no second place": _no_anchor,
    "clock set forward": _clock(lambda chance: chance.between(90.0, 5 * AN_HOUR)),
    "clock set back": _clock(lambda chance: -chance.between(90.0, 5 * AN_HOUR)),
    "clock stepped within an access": _clock_within,
    "clock forgot": _forgot,
    "switch stuck": _drawer(Fault.SWITCH_STUCK),
    "switch wire cut": _drawer(Fault.SWITCH_CUT),
    "latch sensor stuck": _drawer(Fault.LATCH_STUCK),
    "latch wire cut": _drawer(Fault.LATCH_CUT),
    "hook jammed": _drawer(Fault.HOOK_JAMMED),
    "drawer jammed open": _drawer(Fault.JAMMED_OPEN),
    "coil stuck on": _drawer(Fault.COIL_STUCK),
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
    "sensor pulled within a reading": _pulled_within,
    "sensor line echoes": _line("fingerprint", _echo),
    "sensor at another speed": _line("fingerprint", _other_speed),
    "badge reader at another speed": _line("badge", _other_speed),
    "badge reader unplugged": _unplugged("badge"),
    "scanner unplugged": _unplugged("scanner"),
    "noise on the badge line": _noise,
    "badge twice": _badge_twice,
    "stranger's badge": _stranger,
    "label twice": _label_twice,
    "label of another sort": _other_label,
    "two labels at once": _two_labels,
    "rights withdrawn": _suspended,
    "order stopped": _order_stopped,
}
assert list(DOES) == [sort.name for sort in FAULTS], "the list above is the whole list"
