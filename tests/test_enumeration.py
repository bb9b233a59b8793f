"""What somebody learns by trying: not whether a badge is known, by no word and by no time."""

import time

import msgspec
import pytest

from auth.pins import PinHasher
from cabinet import events as e
from cabinet import screens
from tests.test_signin import finger, hold, pin, slots, suspend
from tests.ward import PIN, Ward


@pytest.fixture
def ward() -> Ward:
    return Ward()


# Wrong fingers, a PIN, waits, the lock: everything but success.
SCRIPT = ("finger", "finger", "pin", "finger", "pin", "wait", "finger", "wait") + (
    "pin",
    "wait",
    "finger",
    "wait",
    "finger",
    "wait",
    "pin",
    "wait",
    "finger",
)


def played(who: str, *, suspended: bool = False, sensor: str = "") -> tuple[object, ...]:
    """All that is seen of the script: screens, what the live values say, and the records' shape."""
    ward = Ward()
    if suspended:
        suspend(ward, who)
    if sensor:
        ward.do(e.DeviceChanged("fingerprint", sensor))
    first = ward.sink.size
    seen: list[object] = []

    def look() -> None:
        moment = e.Moment(ward.wall_ms, ward.now_ms, bytes(32), ward.positions)
        seen.append((ward.screen(), screens.live(ward.state, ward.engine.place, moment)))
        seen.append([type(command).__name__ for command in ward.commands])

    for step in SCRIPT:
        if ward.screen().name == "rest":
            hold(ward, who)
        look()
        if step == "wait":
            ward.wait(31)
        elif ward.screen().name == "finger" and step == "finger":
            # The suspended one is himself: his own finger must tell him nothing either.
            slot = slots(ward, who)[0] if suspended else 0
            finger(ward, "matched" if suspended else "no_match", slot)
        elif ward.screen().name in ("finger", "pin"):
            if ward.screen().name == "finger":
                ward.press("use_pin")
            look()
            pin(ward, right=False)
        look()
    shapes = []
    for record in ward.records()[first:]:
        told = msgspec.structs.asdict(record)
        for name in ("attempt", "badge", "person", "why"):
            told.pop(name, None)
        shapes.append((type(record).__name__, told))
    return (*seen, shapes)


@pytest.mark.parametrize("sensor", ["", "unplugged"])
@pytest.mark.parametrize("who", ["N1", "N3", "P1"])
def test_a_known_badge_and_an_unknown_one_look_the_same(who: str, sensor: str) -> None:
    assert played(who, sensor=sensor) == played("stranger", sensor=sensor)


def test_a_suspended_persons_own_finger_looks_like_a_strangers() -> None:
    assert played("N1", suspended=True) == played("stranger")


def test_the_sensor_compares_as_much_for_a_strange_badge_as_for_a_known_one(ward: Ward) -> None:
    known = {person.slots for person in ward.state.people.values() if person.slots}
    hold(ward, "stranger")
    assert ward.command(e.VerifyFinger).slots in known
    first = ward.command(e.VerifyFinger).slots
    ward.press("cancel")
    hold(ward, "stranger")
    assert ward.command(e.VerifyFinger).slots == first, "the same each time, as a person's are"


def test_checking_a_strangers_pin_takes_as_long() -> None:
    hasher = PinHasher(bytes(32), passes=2)
    encoded = hasher.hash(PIN)
    strangers, known = [], []
    for _ in range(9):
        begun = time.perf_counter()
        assert not hasher.verify("", PIN)
        between = time.perf_counter()
        assert not hasher.verify(encoded, "00000000")
        strangers.append(between - begun)
        known.append(time.perf_counter() - between)
    # The quickest of each: whatever else the machine does only makes one slower.
    assert 0.6 < min(strangers) / min(known) < 1.6
