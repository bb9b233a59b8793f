"""Templates out of the sensor and into another: each whole, of whom it should be, or not at all.

Under a clock turned by hand, like test_fingerprint.py. Bent bytes come from hypothesis too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.readings import DeviceDown, DeviceUp, Finger, FingerReading
from sim.fingerprint_sensor import (
    MODEL,
    Behind,
    CutAfter,
    Fault,
    Stale,
    Timed,
    ZfmSensor,
    template_of,
)
from tests.test_fingerprint import (
    ALICE,
    ALICE_SLOT,
    BOB,
    BOB_SLOT,
    CAROL,
    DEADLINE_S,
    LINE_FAULTS,
    MARK,
    Bench,
)
from tests.test_secrets_worker import held

UP_CHAR, DOWN_CHAR, STORE = 0x08, 0x09, 0x06


class Keeper:
    """Seals by doing nothing, and keeps the memory it was lent."""

    def __init__(self) -> None:
        self.lent: list[bytearray] = []
        self.kept: dict[str, bytes] = {}

    def seal(self, model: str, template: bytearray) -> str:
        assert model == MODEL
        self.lent.append(template)
        self.kept[name := f"sealed {len(self.kept)}"] = bytes(template)
        return name

    def unseal(self, template: bytes | None) -> Callable[[str], bytearray | None]:
        def lend(model: str) -> bytearray | None:
            if template is None or model != MODEL:
                return None
            self.lent.append(bytearray(template))
            return self.lent[-1]

        return lend


@dataclass(kw_only=True)
class Bent(Fault):
    """An answer as `twist` leaves it."""

    twist: Callable[[bytes], bytes] = bytes

    def bend(self, delay_s: float, frame: bytes) -> Timed:
        out = self.twist(frame)
        return [(delay_s, out)] if out else []


@pytest.fixture
def bench() -> Bench:
    return Bench().up()


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


def test_a_template_is_read_whole_and_its_memory_is_overwritten(
    bench: Bench, keeper: Keeper
) -> None:
    bench.driver.read("r1", ALICE_SLOT, keeper.seal)
    answer = bench.final()
    assert answer == FingerReading("r1", Finger.READ, ALICE_SLOT, sealed="sealed 0")
    assert keeper.kept["sealed 0"] == template_of(ALICE)
    assert keeper.lent == [bytearray(512)]


def test_a_kept_template_is_loaded_into_another_sensor_and_proves_its_finger(
    bench: Bench, keeper: Keeper
) -> None:
    bench.sensor.templates.clear()
    bench.driver.load("r1", ALICE_SLOT, keeper.unseal(template_of(ALICE)))
    assert bench.final() == FingerReading("r1", Finger.LOADED, ALICE_SLOT)
    assert bench.sensor.templates == {ALICE_SLOT: ALICE}
    assert keeper.lent == [bytearray(512)]
    bench.put(ALICE)
    bench.driver.verify("r2", [ALICE_SLOT], within_s=15)
    assert bench.final().outcome is Finger.MATCHED


@pytest.mark.parametrize("size", range(4))
def test_templates_travel_in_packets_of_every_size_that_a_sensor_may_have(
    size: int, keeper: Keeper
) -> None:
    bench = Bench()
    bench.sensor.packet_size = size
    bench.up()
    bench.driver.read("r1", BOB_SLOT, keeper.seal)
    assert bench.final().outcome is Finger.READ
    assert keeper.kept["sealed 0"] == template_of(BOB)
    bench.driver.load("r2", 7, keeper.unseal(template_of(CAROL)))
    assert bench.final() == FingerReading("r2", Finger.LOADED, 7)


def test_an_empty_slot_has_no_template_to_be_read(bench: Bench, keeper: Keeper) -> None:
    bench.driver.read("r1", 9, keeper.seal)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "no template in slot 9" in answer.words
    assert not keeper.lent and not any(isinstance(it, DeviceDown) for it in bench.posted)


def test_attack_a_finger_that_another_slot_holds_is_not_loaded_a_second_time(
    bench: Bench, keeper: Keeper
) -> None:
    bench.driver.load("r1", 9, keeper.unseal(template_of(BOB)))
    assert bench.final() == FingerReading("r1", Finger.TAKEN, BOB_SLOT)
    assert bench.sensor.templates == {ALICE_SLOT: ALICE, BOB_SLOT: BOB}


def test_a_load_that_was_cut_off_is_done_again_in_the_same_slot(
    bench: Bench, keeper: Keeper
) -> None:
    bench.driver.load("r1", BOB_SLOT, keeper.unseal(template_of(BOB)))
    assert bench.final() == FingerReading("r1", Finger.LOADED, BOB_SLOT)


def test_what_is_not_for_this_sensor_is_unusable_and_the_line_stays_up(keeper: Keeper) -> None:
    bench = Bench()
    bench.sensor._system = 0x21
    bench.up()
    bench.driver.load("r1", 9, keeper.unseal(template_of(CAROL)))
    answers = [bench.final()]
    bench.driver.load("r2", 1000, keeper.unseal(template_of(CAROL)))
    answers.append(bench.final())
    assert [it.outcome for it in answers] == [Finger.UNUSABLE] * 2
    assert all(it.words for it in answers)
    assert not any(isinstance(it, DeviceDown) for it in bench.posted)


@pytest.mark.parametrize("template", [None, b"", bytes(511), bytes(4096)])
def test_what_does_not_unseal_or_fit_is_never_sent(
    bench: Bench, keeper: Keeper, template: bytes | None
) -> None:
    before = len(bench.sensor.sent)
    bench.driver.load("r1", 9, keeper.unseal(template))
    assert bench.final().outcome is Finger.UNUSABLE
    assert DOWN_CHAR not in [code for code, _ in list(bench.sensor.sent)[before:]]


def test_a_load_waits_for_the_finger_that_is_asked_for(bench: Bench, keeper: Keeper) -> None:
    bench.driver.verify("r1", [ALICE_SLOT], within_s=15)
    bench.clock.at(1.0, lambda: bench.driver.load("r2", 9, keeper.unseal(template_of(CAROL))))
    bench.put(ALICE, in_s=3.0)
    bench.drive(10)
    assert [it.outcome for it in bench.readings()] == [Finger.MATCHED, Finger.LOADED]


def test_attack_a_template_is_in_nothing_that_the_driver_keeps(
    bench: Bench, keeper: Keeper
) -> None:
    bench.sensor.sent.clear()
    bench.driver.read("r1", ALICE_SLOT, lambda model, template: "sealed")
    bench.final()
    bench.driver.load("r2", 9, lambda model: bytearray(template_of(CAROL)))
    assert bench.final().outcome is Finger.LOADED
    bench.posted.clear()
    sensor, bench.port.emulator = bench.port.emulator, ZfmSensor(lambda: None)
    session = bench.driver._session
    assert session is not None
    for finger in (ALICE, CAROL):
        for at in range(100, 512, 128):  # somewhere in each of its packets
            inside = template_of(finger)[at : at + 16].decode("latin-1")
            assert not held(session._library, inside)
            assert not held(bench.driver._inbox, inside)
    bench.port.emulator = sensor


# Faults of the line.


CUT_MIDDLE = pytest.param(lambda: CutAfter(length=300), id="cut among its data packets")


@pytest.mark.parametrize("fault", [*LINE_FAULTS, CUT_MIDDLE])
@pytest.mark.parametrize("instruction", [UP_CHAR, DOWN_CHAR])
@pytest.mark.parametrize("act", ["read", "load"])
def test_a_fault_of_the_line_ends_it_in_time_with_nothing_believed(
    bench: Bench, keeper: Keeper, fault: Callable[[], Fault], instruction: int, act: str
) -> None:
    bend = fault()
    bend.instruction, bend.times = instruction, 1
    if isinstance(bend, Behind):
        bend.times = None
    if isinstance(bend, CutAfter) and bend.length > 100:
        bend.instruction = UP_CHAR  # the only answer that is so long
    bench.sensor.faults = [bend]
    ask(bench, keeper, act, "r1")
    started = bench.clock.monotonic()
    while not bench.readings():
        bench.drive(0.05)
    assert bench.clock.monotonic() - started < 2 * DEADLINE_S + 1.0
    (answer,) = bench.readings()
    assert answer.outcome is Finger.FAULT and answer.words and not answer.sealed
    bench.sensor.faults = []
    while not isinstance(bench.posted[-1], DeviceUp):
        bench.drive(10.0)  # 568 bytes may drip for minutes
    assert isinstance(bench.posted[-1], DeviceUp)
    ask(bench, keeper, act, "r2")
    assert bench.final().outcome in (Finger.READ, Finger.LOADED)


def packet(kind: int, data: bytes) -> bytes:
    body = bytes([kind]) + (len(data) + 2).to_bytes(2, "big") + data
    return b"\xef\x01\xff\xff\xff\xff" + body + (sum(body) & 0xFFFF).to_bytes(2, "big")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (packet(0x02, bytes(128)) * 40, "without an end"),
        (packet(0x02, bytes(64)) * 7 + packet(0x08, bytes(64)), "no data packet"),
        (packet(0x02, bytes(128)) * 3 + packet(0x07, bytes(128)), "no data packet"),
        (packet(0x08, b""), "no data packet"),
    ],
    ids=["endless", "of another size", "of another kind", "empty"],
)
def test_data_packets_in_good_form_that_are_no_template_are_refused_at_once(
    bench: Bench, keeper: Keeper, data: bytes, words: str
) -> None:
    bench.sensor.faults = [
        Bent(instruction=UP_CHAR, times=1, twist=lambda frame: frame[:12] + data)
    ]
    bench.driver.read("r1", ALICE_SLOT, keeper.seal)
    answer = bench.final(10.0)
    assert answer.outcome is Finger.FAULT and words in answer.words
    assert not keeper.kept


def ask(bench: Bench, keeper: Keeper, act: str, request: str) -> None:
    if act == "read":
        bench.driver.read(request, ALICE_SLOT, keeper.seal)
    else:
        bench.driver.load(request, 9, keeper.unseal(template_of(CAROL)))


class Lossy(ZfmSensor):
    """A sensor on a line that spoils the `nth` data packet on its way to it."""

    nth, spoil = 0, staticmethod(lambda frame: frame)

    def feed(self, data: bytes) -> Timed:
        if len(data) > 9 and data[6] in (0x02, 0x08):
            self.nth -= 1
            if self.nth == 0:
                data = self.spoil(data)
        return super().feed(data)


@pytest.mark.parametrize("nth", [1, 3, 4])
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda frame: b"", id="lost"),
        pytest.param(lambda frame: frame[:-40], id="cut"),
        pytest.param(lambda frame: frame[:30] + b"\x00" + frame[31:], id="damaged"),
        pytest.param(lambda frame: frame * 2, id="twice"),
    ],
)
def test_a_template_that_does_not_come_whole_to_the_sensor_is_not_stored(
    bench: Bench, keeper: Keeper, nth: int, spoil: Callable[[bytes], bytes]
) -> None:
    lossy = Lossy(lambda: None, bench.sensor.templates, notepad=bench.sensor.notepad)
    lossy.nth, lossy.spoil = nth, spoil  # type: ignore[assignment]
    bench.port.emulator = lossy
    bench.driver.load("r1", 9, keeper.unseal(template_of(CAROL)))
    answer = bench.final()
    if nth == 4 and len(spoil(bytes(100))) == 200:  # the second copy of the last one is no data
        assert answer.outcome is Finger.LOADED
    else:
        assert answer.outcome is Finger.FAULT
        assert 9 not in lossy.templates
    assert lossy.templates.get(9, CAROL) == CAROL


@pytest.mark.parametrize(
    ("lost", "times"),
    [(False, 1), (True, 1), (True, None)],
    ids=["besides the true one", "in its place", "in its place each time"],
)
def test_attack_bobs_finger_is_never_kept_as_alices(
    bench: Bench, keeper: Keeper, lost: bool, times: int | None
) -> None:
    """BOB's template, read before, is played back while ALICE's is read: it would prove him."""
    since = len(bench.sensor.sent)
    bench.driver.read("r1", BOB_SLOT, keeper.seal)
    bench.final()
    bobs = next(frame for code, frame in list(bench.sensor.sent)[since:] if code == UP_CHAR)
    bench.sensor.faults = [Stale(instruction=UP_CHAR, times=times, frames=(bobs,), lost=lost)]
    bench.driver.read("r2", ALICE_SLOT, keeper.seal)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and not answer.sealed
    assert list(keeper.kept.values()) == [template_of(BOB)]


@pytest.mark.parametrize("lost", range(4))
def test_a_whole_data_packet_lost_on_the_way_is_noticed(
    bench: Bench, keeper: Keeper, lost: int
) -> None:
    """Found by the test below: nothing numbers the packets, and what is left is in good form."""
    at = 12 + 139 * lost
    bent = Bent(instruction=UP_CHAR, times=1, twist=lambda f: f[:at] + f[at + 139 :])
    bench.sensor.faults = [bent]
    bench.driver.read("r1", ALICE_SLOT, keeper.seal)
    assert bench.final(8.0).outcome is Finger.FAULT
    assert not keeper.kept


PLACES = st.integers(0, 600)
TWISTS = st.one_of(
    st.builds(lambda at: lambda f: f[:at], PLACES),
    st.builds(
        lambda at, by: lambda f: f[:at] + bytes([b ^ by for b in f[at : at + 1]]) + f[at + 1 :],
        PLACES,
        st.integers(1, 255),
    ),
    st.builds(lambda at, more: lambda f: f[:at] + more + f[at:], PLACES, st.binary(min_size=1)),
    st.builds(lambda at, n: lambda f: f[:at] + f[at + n :], PLACES, st.integers(1, 200)),
    st.builds(lambda at, n: lambda f: f[: at + n] + f[at:], PLACES, st.integers(1, 200)),
    st.builds(lambda data: lambda f: data, st.binary(max_size=700)),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    twist=TWISTS, instruction=st.sampled_from([UP_CHAR, UP_CHAR, DOWN_CHAR]), which=st.booleans()
)
def test_whatever_comes_in_place_of_an_answer_nothing_but_the_true_template_is_kept(
    twist: Callable[[bytes], bytes], instruction: int, which: bool
) -> None:
    bench, keeper = Bench().up(), Keeper()
    bench.sensor.faults = [Bent(instruction=instruction, times=1, twist=twist)]
    if which:
        bench.driver.read("r1", ALICE_SLOT, keeper.seal)
        answer = bench.final(8.0)
        assert answer.outcome in (Finger.READ, Finger.FAULT)
        if answer.outcome is Finger.READ:
            assert keeper.kept[answer.sealed] == template_of(ALICE)
    else:
        bench.driver.load("r1", 9, keeper.unseal(template_of(CAROL)))
        answer = bench.final(8.0)
        assert answer.outcome in (Finger.LOADED, Finger.FAULT)
        if answer.outcome is Finger.LOADED:
            assert bench.sensor.templates[9] == CAROL
    assert all(not any(memory) for memory in keeper.lent)


def test_attack_no_template_is_sent_to_a_sensor_that_it_is_not_for(bench: Bench) -> None:
    """It was put in between the order and its being carried out."""
    keeper = Keeper()
    since = len(bench.sensor.sent)
    bench.driver.load("r1", 9, keeper.unseal(template_of(CAROL)), only_into="c3" * 16)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "another sensor" in answer.words
    assert 9 not in bench.sensor.templates
    assert 0x09 not in [instruction for instruction, _ in list(bench.sensor.sent)[since:]]
    bench.driver.load("r2", 9, keeper.unseal(template_of(CAROL)), only_into=MARK)
    assert bench.final().outcome is Finger.LOADED
