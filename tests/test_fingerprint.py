"""The fingerprint driver against the emulated sensor: each fault of the line, and the attacks.

Under a clock turned by hand; test_fingerprint_pty.py has the same through pyserial.
"""

from collections.abc import Callable

import pytest

import drivers.fingerprint_wire
from drivers.errors import WrongLibrary
from drivers.fingerprint import CHECK_EVERY_S, MOST_REQUESTS, FingerprintSensor
from drivers.fingerprint_session import marked_page
from drivers.readings import DeviceDown, DeviceUp, Finger, FingerReading, Reading
from sim.fingerprint_sensor import (
    FEW_POINTS,
    BadChecksum,
    Behind,
    CutAfter,
    Drip,
    Fault,
    Late,
    LengthFFFF,
    PoorImage,
    Silent,
    Stale,
    StrayByte,
    WrongAddress,
    ZfmSensor,
)
from tests.clocks import ManualClock, drive
from tests.links import MemoryPort

ALICE, BOB, CAROL = "alice right index", "bob right index", "carol left thumb"
ALICE_SLOT, BOB_SLOT = 3, 300
MARK = "5a" * 16  # by which the sensor is known again
MIN_SCORE = 60
DEADLINE_S = 1.5

LINE_FAULTS = [
    pytest.param(Silent, id="silent"),
    pytest.param(lambda: CutAfter(length=7), id="cut after 7 bytes"),
    pytest.param(lambda: StrayByte(byte=0x00), id="a stray byte"),
    pytest.param(lambda: StrayByte(byte=0xEF), id="a stray header byte"),
    pytest.param(BadChecksum, id="bad checksum"),
    pytest.param(LengthFFFF, id="length FFFF"),
    pytest.param(lambda: Drip(gap_s=0.3), id="drip"),
    pytest.param(WrongAddress, id="another module's address"),
    pytest.param(lambda: Late(late_s=3.0), id="late"),
    pytest.param(Behind, id="one behind"),
]


class Bench:
    """A sensor with ALICE and BOB enrolled, a driver on it, and a glass to put fingers on."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.finger: str | None = None
        self.posted: list[Reading] = []
        templates = {ALICE_SLOT: ALICE, BOB_SLOT: BOB}
        self.sensor = ZfmSensor(lambda: self.finger, templates, notepad={0: marked_page(MARK)})
        self.port = MemoryPort("fingerprint", self.sensor, self.clock)
        self.driver = FingerprintSensor(
            self.port.connect,
            self.clock,
            self.posted.append,
            min_score=MIN_SCORE,
            call_deadline_s=DEADLINE_S,
        )

    def drive(self, seconds: float) -> None:
        drive(self.driver.poll, self.clock, seconds)

    def up(self) -> "Bench":
        self.drive(1.5)
        assert self.posted == [DeviceUp("fingerprint", MARK)]
        self.posted.clear()
        return self

    def put(self, finger: str | None, in_s: float = 0.0) -> None:
        def place() -> None:
            self.finger = finger

        self.clock.at(in_s, place)

    def readings(self) -> list[FingerReading]:
        return [r for r in self.posted if isinstance(r, FingerReading)]

    def final(self, seconds: float = 20.0) -> FingerReading:
        """Drive until everything has settled; exactly one final reading must have come."""
        self.posted.clear()
        self.drive(seconds)
        (final,) = (r for r in self.readings() if r.outcome is not Finger.CAPTURED)
        return final


@pytest.fixture
def bench() -> Bench:
    return Bench().up()


def test_a_finger_is_matched_with_its_own_slot(bench: Bench) -> None:
    bench.driver.verify("r1", [7, ALICE_SLOT], within_s=15)
    bench.put(ALICE, in_s=2.0)
    assert bench.final() == FingerReading("r1", Finger.MATCHED, ALICE_SLOT)


def test_any_finger_is_looked_at_and_compared_with_nobodys(bench: Bench) -> None:
    since = len(bench.sensor.sent)
    bench.driver.look("r1", within_s=15)
    bench.put(ALICE, in_s=1.0)
    assert bench.final() == FingerReading("r1", Finger.SEEN)
    asked = {instruction for instruction, _ in frames_of(bench, since)}
    assert not asked & {0x03, 0x04, 0x06, 0x07}, "compare, search, store, load"


def test_a_look_at_nothing_or_at_a_bad_picture_says_so(bench: Bench) -> None:
    bench.driver.look("r1", within_s=5)
    assert bench.final().outcome is Finger.TIMED_OUT
    bench.sensor.faults.append(PoorImage(status=FEW_POINTS))
    bench.driver.look("r2", within_s=15)
    bench.put(BOB, in_s=1.0)
    final = bench.final()
    assert final.outcome is Finger.UNCLEAR and final.words


def refused_once(bench: Bench) -> None:
    """BOB's finger lies on the glass and was compared in vain; as soon as it was, it is asked."""
    bench.put(BOB)
    bench.driver.verify("r1", [ALICE_SLOT], within_s=15)
    while not bench.readings():
        bench.drive(0.05)
    assert bench.readings() == [FingerReading("r1", Finger.NO_MATCH)]
    bench.driver.verify("r2", [ALICE_SLOT], within_s=10)


def test_a_finger_left_on_the_glass_is_one_try_however_often_it_is_asked(bench: Bench) -> None:
    """Seed 1: five comparisons of one placing within 3 s locked its owner out."""
    refused_once(bench)
    bench.put(None, in_s=5.0)
    bench.put(ALICE, in_s=6.0)
    assert bench.final() == FingerReading("r2", Finger.MATCHED, ALICE_SLOT)


def test_a_finger_that_matched_and_was_refused_is_one_try_too(bench: Bench) -> None:
    """Somebody suspended: five refusals of one placing made them wait, and told who they are."""
    bench.put(ALICE)
    bench.driver.verify("r1", [ALICE_SLOT], within_s=15)
    while not bench.readings():
        bench.drive(0.05)
    assert bench.readings() == [FingerReading("r1", Finger.MATCHED, ALICE_SLOT)]
    bench.driver.verify("r2", [ALICE_SLOT], within_s=5)
    assert bench.final() == FingerReading("r2", Finger.TIMED_OUT)


def test_a_finger_that_is_never_lifted_times_out_and_is_no_try(bench: Bench) -> None:
    refused_once(bench)
    assert bench.final() == FingerReading("r2", Finger.TIMED_OUT)


def test_another_persons_finger_does_not_match(bench: Bench) -> None:
    bench.put(BOB)
    bench.driver.verify("r1", [ALICE_SLOT], within_s=15)
    assert bench.final() == FingerReading("r1", Finger.NO_MATCH)


def test_a_weak_score_is_no_match(bench: Bench) -> None:
    bench.driver._min_score = 10_000  # sessions to come
    bench.port.unplug()
    bench.drive(CHECK_EVERY_S + 1)
    bench.port.plug()
    bench.drive(10)
    bench.put(ALICE)
    bench.driver.verify("r1", [ALICE_SLOT], within_s=15)
    assert bench.final().outcome is Finger.NO_MATCH


def test_no_finger_within_the_time_is_timed_out(bench: Bench) -> None:
    started = bench.clock.monotonic()
    bench.driver.verify("r1", [ALICE_SLOT], within_s=5)
    ended: list[float] = []
    bench.driver._post = lambda reading: ended.append(bench.clock.monotonic())
    bench.drive(10)
    assert len(ended) == 1 and 5 <= ended[0] - started < 6.5


def test_a_cleared_sensor_is_a_fault_and_no_wrong_try(bench: Bench) -> None:
    bench.sensor.templates.clear()
    bench.put(ALICE)
    bench.driver.verify("r1", [ALICE_SLOT, 9], within_s=15)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "slot 3, 9" in answer.words
    assert not any(isinstance(r, DeviceDown) for r in bench.posted)


def test_a_slot_beyond_the_sensor_is_a_fault_and_the_line_stays_up(bench: Bench) -> None:
    bench.driver.verify("r1", [1023], within_s=15)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "no slot 1023" in answer.words
    assert bench.posted == [answer]


def test_a_poor_picture_is_taken_again_and_then_said_in_words_that_help(bench: Bench) -> None:
    bench.put(ALICE)
    bench.sensor.faults = [PoorImage(times=2)]
    bench.driver.verify("r1", [ALICE_SLOT], within_s=15)
    assert bench.final().outcome is Finger.MATCHED
    bench.sensor.faults = [PoorImage(status=FEW_POINTS)]
    bench.driver.verify("r2", [ALICE_SLOT], within_s=15)
    answer = bench.final()
    assert answer.outcome is Finger.UNCLEAR and "flat" in answer.words


def test_a_newer_request_cancels_the_older(bench: Bench) -> None:
    bench.driver.verify("r1", [ALICE_SLOT], within_s=15)
    bench.clock.at(1.0, lambda: bench.driver.verify("r2", [ALICE_SLOT], within_s=15))
    bench.clock.at(1.0, lambda: bench.driver.verify("r3", [ALICE_SLOT], within_s=15))
    bench.put(ALICE, in_s=3.0)
    bench.drive(10)
    assert bench.readings() == [
        FingerReading("r1", Finger.CANCELLED),
        FingerReading("r2", Finger.CANCELLED),
        FingerReading("r3", Finger.MATCHED, ALICE_SLOT),
    ]


def test_cancel_ends_the_wait_at_once_and_only_that_request(bench: Bench) -> None:
    bench.driver.verify("r1", [ALICE_SLOT], within_s=100)
    bench.clock.at(1.0, lambda: bench.driver.cancel("r0"))
    bench.clock.at(2.0, lambda: bench.driver.cancel("r1"))
    bench.clock.at(2.5, lambda: bench.driver.cancel("r1"))
    bench.drive(1.5)
    assert bench.readings() == [FingerReading("r1", Finger.CANCELLED)]
    assert bench.clock.monotonic() < 1000 + 1.5 + 2.5
    bench.drive(2.0)
    assert len(bench.readings()) == 1


def test_stopping_cancels_the_request_and_closes_the_line(bench: Bench) -> None:
    bench.driver.verify("r1", [ALICE_SLOT], within_s=100)
    bench.clock.at(1.0, bench.driver.stop)
    bench.driver.run()
    assert bench.readings() == [FingerReading("r1", Finger.CANCELLED)]
    assert bench.port.link is not None and not bench.port.link.alive
    bench.driver.verify("r2", [ALICE_SLOT], within_s=100)
    assert bench.readings()[-1].outcome is Finger.FAULT


def test_more_requests_than_may_wait_are_answered_at_once(bench: Bench) -> None:
    for n in range(MOST_REQUESTS + 2):
        bench.driver.delete(f"r{n}", 500 + n)
    assert [r.outcome for r in bench.readings()] == [Finger.FAULT] * 2
    bench.drive(10)
    assert [r.outcome for r in bench.readings()[2:]] == [Finger.DELETED] * MOST_REQUESTS


# Faults of the line.


@pytest.mark.parametrize("fault", LINE_FAULTS)
@pytest.mark.parametrize("instruction", [0x01, 0x02, 0x07, 0x03, 0x0F, 0x1F])
def test_a_fault_of_the_line_ends_the_request_in_time_and_the_next_one_succeeds(
    bench: Bench, fault: Callable[[], Fault], instruction: int
) -> None:
    bench.put(ALICE)
    bend = fault()
    bend.instruction, bend.times = instruction, 1
    if isinstance(bend, Behind):
        bend.times = None
    bench.sensor.faults = [bend]
    started = bench.clock.monotonic()
    ended: list[float] = []
    post = bench.driver._post

    def timed(reading: Reading) -> None:
        if isinstance(reading, FingerReading):
            ended.append(bench.clock.monotonic())
        post(reading)

    bench.driver._post = timed
    bench.driver.verify("r1", [ALICE_SLOT], within_s=15)
    answer = bench.final(6.0)
    assert answer.outcome is Finger.FAULT and answer.words
    assert ended[0] - started < 2 * DEADLINE_S + 1.0
    bench.sensor.faults = []
    bench.drive(25.0)  # a dripping answer goes on for a while
    kinds = [type(r) for r in bench.posted]
    assert kinds[0] is DeviceDown and kinds[-1] is DeviceUp
    bench.driver.verify("r2", [ALICE_SLOT], within_s=15)
    assert bench.final() == FingerReading("r2", Finger.MATCHED, ALICE_SLOT)


@pytest.mark.parametrize("fault", LINE_FAULTS)
def test_a_line_that_stays_bad_is_down_and_answers_at_once(
    bench: Bench, fault: Callable[[], Fault]
) -> None:
    bench.sensor.faults = [fault()]
    bench.drive(CHECK_EVERY_S + 10)
    (down,) = bench.posted
    assert isinstance(down, DeviceDown) and down.device == "fingerprint" and down.cause
    before = bench.clock.monotonic()
    bench.driver.verify("r1", [ALICE_SLOT], within_s=15)
    assert bench.readings() == [FingerReading("r1", Finger.FAULT, words=bench.readings()[0].words)]
    assert bench.clock.monotonic() == before
    opened = bench.port.opened
    bench.drive(60)
    assert 7 <= bench.port.opened - opened <= 20, "it keeps trying, every five seconds or so"
    bench.sensor.faults = []
    bench.drive(10)
    assert bench.posted[-1] == DeviceUp("fingerprint", MARK)


def test_an_unplugged_sensor_ends_the_request_and_comes_back_when_plugged_in(bench: Bench) -> None:
    bench.driver.verify("r1", [ALICE_SLOT], within_s=60)
    bench.clock.at(2.0, bench.port.unplug)
    assert bench.final(10).outcome is Finger.FAULT
    assert isinstance(bench.posted[0], DeviceDown)
    bench.clock.at(10.0, bench.port.plug)
    bench.drive(20)
    assert bench.posted[-1] == DeviceUp("fingerprint", MARK)
    bench.put(ALICE)
    bench.driver.verify("r2", [ALICE_SLOT], within_s=15)
    assert bench.final().outcome is Finger.MATCHED


def test_a_sensor_unplugged_while_idle_is_noticed(bench: Bench) -> None:
    bench.port.unplug()
    bench.drive(CHECK_EVERY_S + 1)
    assert isinstance(bench.posted[0], DeviceDown)


def test_a_swapped_sensor_with_a_password_of_its_own_is_not_used() -> None:
    bench = Bench()
    bench.sensor._password = 0x1234
    bench.sensor.power_on()
    bench.drive(30)
    (down,) = bench.posted
    assert isinstance(down, DeviceDown) and "another password" in down.cause


def test_a_sensor_that_restarted_is_checked_again_from_the_start(bench: Bench) -> None:
    bench.driver.verify("r1", [ALICE_SLOT], within_s=60)
    bench.clock.at(2.0, lambda: bench.port.say(bench.sensor.power_on()))
    answer = bench.final(10)
    assert answer.outcome is Finger.FAULT and "nothing asked for" in answer.words
    assert [type(r) for r in bench.posted if r is not answer] == [DeviceDown, DeviceUp]


# Attacks and accidents of identity.


def frames_of(bench: Bench, since: int) -> list[tuple[int, bytes]]:
    return list(bench.sensor.sent)[since:]


def alices_answers(bench: Bench) -> list[tuple[int, bytes]]:
    """What the sensor answered while ALICE proved herself."""
    since = len(bench.sensor.sent)
    bench.put(ALICE)
    bench.driver.verify("alice", [ALICE_SLOT], within_s=15)
    assert bench.final() == FingerReading("alice", Finger.MATCHED, ALICE_SLOT)
    return frames_of(bench, since)


def test_attack_alices_stale_answers_in_the_buffer_while_bobs_finger_is_on_the_glass(
    bench: Bench,
) -> None:
    stale = b"".join(frame for _, frame in alices_answers(bench))
    bench.put(BOB)
    bench.drive(0.1)
    bench.port.say([(0.0, stale)])
    bench.drive(0.1)
    bench.driver.verify("bob", [ALICE_SLOT], within_s=15)
    assert bench.final().outcome is Finger.NO_MATCH


@pytest.mark.parametrize("lost", [False, True], ids=["besides the true one", "in its place"])
def test_attack_any_one_stale_answer_of_alices_at_any_place_never_makes_bob_alice(
    lost: bool,
) -> None:
    tried = 0
    for place in range(12):
        for choice in range(9):
            bench = Bench().up()
            answers = sorted({frame for _, frame in alices_answers(bench)})
            if choice >= len(answers):
                continue
            bench.put(BOB)
            bench.drive(0.1)
            fault = StaleAt(place=place, frames=(answers[choice],), lost=lost)
            bench.sensor.faults = [fault]
            bench.driver.verify("bob", [ALICE_SLOT], within_s=15)
            answer = bench.final(10.0)
            assert fault.fired
            assert answer.outcome in (Finger.FAULT, Finger.NO_MATCH)
            if answer.outcome is Finger.NO_MATCH:  # it was like the very answer that was due
                assert lost or place >= 9, "before the closing barrier every extra one shows"
            tried += 1
    assert tried == 12 * 5


def test_attack_a_stale_match_in_place_of_each_comparison_is_a_fault_or_no_match(
    bench: Bench,
) -> None:
    match = next(frame for code, frame in alices_answers(bench) if code == 0x03)
    bench.put(BOB)
    bench.drive(0.1)
    bench.sensor.faults = [Stale(instruction=0x03, times=1, frames=(match,), lost=True)]
    bench.driver.verify("bob", [ALICE_SLOT], within_s=15)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "differ" in answer.words
    bench.sensor.faults = [Stale(instruction=0x03, times=1, frames=(match, match))]
    bench.drive(5)
    bench.driver.verify("bob", [ALICE_SLOT], within_s=15)
    assert bench.final().outcome is Finger.FAULT


def test_attack_a_stale_finger_with_nobody_at_the_glass_is_never_a_match(bench: Bench) -> None:
    answers = alices_answers(bench)  # her picture is still in the sensor's buffer
    seen = next(frame for code, frame in answers if code == 0x01)
    bench.put(None)
    bench.drive(0.1)
    bench.sensor.faults = [Stale(instruction=0x01, times=1, frames=(seen,))]
    bench.driver.verify("nobody", [ALICE_SLOT], within_s=5)
    assert bench.final().outcome is Finger.FAULT


@pytest.mark.parametrize("transactions", range(1, 8))
def test_attack_answers_that_lag_whole_transactions_are_never_believed(
    bench: Bench, transactions: int
) -> None:
    """Something on the way plays back ALICE's whole proof, as old as `transactions`."""
    played = alices_answers(bench)
    for _ in range(transactions - 1):
        bench.driver.delete("gone", 700)
        assert bench.final(3.0).outcome is Finger.DELETED
    bench.put(BOB)
    bench.drive(0.1)
    bench.sensor.faults = [Playback(frames=[frame for _, frame in played])]
    bench.driver.verify("bob", [ALICE_SLOT], within_s=15)
    assert bench.final().outcome is Finger.FAULT


def test_attack_another_module_answering_on_the_line_is_not_believed(bench: Bench) -> None:
    bench.put(BOB)
    match = b"\xef\x01\x00\x00\x00\x01\x07\x00\x05\x00\x00\x80\x00\x8c"
    bench.sensor.faults = [Stale(instruction=0x03, frames=(match,), lost=True)]
    bench.driver.verify("bob", [ALICE_SLOT], within_s=15)
    answer = bench.final()
    assert answer.outcome is Finger.FAULT and "module 00000001" in answer.words


class StaleAt(Stale):
    """A stale answer at one place of the transaction, counted from its first answer."""

    def __init__(self, *, place: int, frames: tuple[bytes, ...], lost: bool) -> None:
        super().__init__(frames=frames, lost=lost)
        self.left, self.fired = place, False

    def bend(self, delay_s: float, frame: bytes) -> list[tuple[float, bytes]]:
        self.left -= 1
        if self.left != -1:
            return [(delay_s, frame)]
        self.fired = True
        return super().bend(delay_s, frame)


class Playback(Fault):
    """Answers recorded earlier, in their order, in place of the true ones."""

    def __init__(self, *, frames: list[bytes]) -> None:
        super().__init__()
        self.frames = list(frames)

    def bend(self, delay_s: float, frame: bytes) -> list[tuple[float, bytes]]:
        return [(delay_s, self.frames.pop(0))] if self.frames else []


def test_another_version_of_the_library_is_refused() -> None:
    drivers.fingerprint_wire.check_library("fingerprint")
    known = drivers.fingerprint_wire.LIBRARY_VERSION
    try:
        drivers.fingerprint_wire.LIBRARY_VERSION = "1.6"
        with pytest.raises(WrongLibrary, match=r"^fingerprint: pyfingerprint 1\.6 is needed"):
            drivers.fingerprint_wire.check_library("fingerprint")
    finally:
        drivers.fingerprint_wire.LIBRARY_VERSION = known
