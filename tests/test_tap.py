"""What a technician sees of a device's line: its frames in words, and nobody in them."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabinet.service_answers import Trace
from cabinet.service_traffic import Recording
from drivers.fingerprint import FingerprintSensor
from drivers.fingerprint_session import marked_page
from drivers.frames import LineDecoder, SensorDecoder
from drivers.lines import BADGE, CODE, badge_reader
from drivers.readings import BadgeRead, DeviceUp, Finger, FingerReading, Reading
from drivers.tap import MOST_FRAMES, Frame, Tap
from sim.fingerprint_sensor import BadChecksum, CutAfter, Silent, StrayByte, ZfmSensor, template_of
from tests import captures
from tests.clocks import ManualClock, drive
from tests.links import MemoryPort

ALICE, MARK, PASSWORD = "alice right index", "5a" * 16, 0x00C0FFEE
SHOWN = re.compile(r"(?:[0-9A-F]{2}|\[\d+\]| )*")


class Bench:
    """A sensor, its driver, and a tap on the line between them."""

    def __init__(self) -> None:
        self.clock, self.posted = ManualClock(), list[Reading]()
        self.finger: str | None = None
        notepad = {0: marked_page(MARK)}
        self.sensor = ZfmSensor(lambda: self.finger, {3: ALICE}, notepad=notepad, password=PASSWORD)
        self.tap = Tap(SensorDecoder(), self.clock)
        port = MemoryPort("fingerprint", self.sensor, self.clock)
        self.driver = FingerprintSensor(
            self.tap.on(port.connect),
            self.clock,
            self.posted.append,
            min_score=60,
            password=PASSWORD,
        )

    def drive(self, seconds: float) -> list[Frame]:
        drive(self.driver.poll, self.clock, seconds)
        return list(self.tap.take()[0])


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.tap.listen(True)
    return made


def said(frames: list[Frame]) -> str:
    return "\n".join(f"{'>' if it.to_device else '<'} {it.shown} {it.words}" for it in frames)


def test_a_sensor_that_comes_up_is_told_frame_by_frame(bench: Bench) -> None:
    told = said(bench.drive(2))
    assert "> EF01 FFFFFFFF 01 0003 0F 0013 read the parameters" in told
    assert re.search(r"< EF01 FFFFFFFF 07 0013 00[0-9A-F]{30} [0-9A-F]{2} [0-9A-F]{4} done", told)
    assert "> EF01 FFFFFFFF 01 0007 13 [6] verify the password" in told
    assert dict(bench.driver.about())["slots"] == "1000"


def test_attack_no_template_score_password_or_mark_is_ever_shown(bench: Bench) -> None:
    frames = bench.drive(2)
    bench.finger = ALICE
    bench.driver.verify("r1", (3,), within_s=5)
    frames += bench.drive(5)
    bench.driver.read("r2", 3, lambda model, template: "sealed")
    frames += bench.drive(5)
    got = [it.outcome for it in bench.posted if isinstance(it, FingerReading)]
    assert got == [Finger.MATCHED, Finger.READ]
    told = said(frames)
    assert "data, " in told and "compare two fingers" in told and "verify the password" in told
    every = "".join(it.shown for it in frames).replace(" ", "").lower()
    template = template_of(ALICE)
    pieces = [template[at : at + 3].hex() for at in range(0, 500, 3)]
    assert not [it for it in pieces if it in every and it not in ("000000", "ffffff")]
    assert MARK[:8] not in every and "c0ffee" not in every
    scores = [it for it in frames if "07 0005" in it.shown]
    assert scores and all(it.shown.endswith("00 [4]") for it in scores)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda: BadChecksum(times=1), "its checksum is wrong"),
        (lambda: CutAfter(times=1, length=7), "a frame that was cut short"),
        (lambda: StrayByte(times=1, byte=0x55), "[1] bytes of no frame"),
    ],
)
def test_a_dying_sensor_is_seen_dying(
    bench: Bench, fault: Callable[[], Silent], words: str
) -> None:
    bench.drive(2)
    bench.sensor.faults.append(fault())
    assert words in said(bench.drive(8))


def test_nothing_is_heard_before_it_is_wanted_or_after() -> None:
    made = Bench()
    assert made.drive(2) == []
    made.tap.listen(True)
    assert made.drive(6)
    made.tap.listen(False)
    assert made.drive(6) == []


def test_what_is_kept_is_bounded_and_what_is_not_is_counted() -> None:
    tap = Tap(LineDecoder("a badge's line", BADGE, 256), ManualClock())
    tap.listen(True)
    tap.heard(False, b"\n" * (MOST_FRAMES + 7))
    frames, lost = tap.take()
    assert (len(frames), lost) == (MOST_FRAMES, 7)
    assert tap.take() == ((), 0)


# --- readers --------------------------------------------------------------------------------------


def read(data: bytes, *, code: bool = False, settle: bool = False) -> list[tuple[str, str]]:
    decoder = LineDecoder(
        "a label's line" if code else "a badge's line", CODE if code else BADGE, 256
    )
    frames = decoder.feed(False, data, 0.0)
    return [(it.shown, it.words) for it in frames + (decoder.settle(1.0) if settle else [])]


def test_attack_no_badge_and_no_label_is_shown_only_its_form() -> None:
    assert read(b"0049137025\r\n") == [
        ("[10] 0D", "a badge's line, in form"),
        ("0A", "an end of line"),
    ]
    assert read(b"]d2\x1d0100000001\r", code=True) == [
        ("[14] 0D", "a label's line, in form, with FNC1")
    ]
    assert read(b"ab\r") == [("[2] 0D", "a line that is not a badge's line")]


def test_a_wrong_baud_rate_is_told_from_silence_and_from_a_lost_end() -> None:
    ((shown, words),) = read(b"\xf8\x80\xfe\x80\x0d")
    assert shown == "[4] 0D" and words.startswith("4 of 4 bytes are no text")
    assert read(b"00491", settle=True) == [("[5]", "a piece of a badge's line, without its end")]
    ((shown, words),) = read(b"A" * 257)
    assert (shown, words) == ("[257]", "longer than any line")


def test_a_readers_driver_reads_as_ever_under_a_tap() -> None:
    clock, posted = ManualClock(), list[Reading]()

    class Reader:
        def feed(self, data: bytes) -> list[tuple[float, bytes]]:
            return []

        def power_on(self) -> list[tuple[float, bytes]]:
            return []

    port = MemoryPort("badge", Reader(), clock)
    tap = Tap(LineDecoder("a badge's line", BADGE, 256), clock)
    driver = badge_reader(tap.on(port.connect), clock, posted.append)
    drive(driver.poll, clock, 2)
    tap.listen(True)
    port.answer([(0.1, b"0049137025\r")])
    drive(driver.poll, clock, 2)
    assert posted == [DeviceUp("badge"), BadgeRead("0049137025")]
    assert [it.shown for it in tap.take()[0]] == ["[10] 0D"]
    assert driver.taken == 1


# --- whatever comes -------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), max_size=20))
def test_every_byte_is_shown_or_counted_and_nothing_is_kept(
    pieces: list[tuple[bool, bytes]],
) -> None:
    for decoder in (SensorDecoder(), LineDecoder("a line", CODE, 32)):
        frames = [it for way, data in pieces for it in decoder.feed(way, data, 0.0)]
        frames += decoder.settle(10.0)
        told = 0
        for frame in frames:
            assert SHOWN.fullmatch(frame.shown), frame.shown
            hidden = re.findall(r"\[(\d+)\]", frame.shown)
            left = re.sub(r"\[\d+\]| ", "", frame.shown)
            told += sum(map(int, hidden)) + len(left) // 2
        assert told == sum(len(data) for _, data in pieces)


@given(st.integers(0, 255), st.integers(0, 255), st.binary(min_size=1, max_size=64), st.booleans())
def test_attack_no_frame_of_any_kind_shows_more_than_what_is_named_harmless(
    asked: int, kind: int, payload: bytes, to_device: bool
) -> None:
    decoder = SensorDecoder()
    command = frame_of(0x01, bytes((asked,)))
    decoder.feed(True, command, 0.0)
    (frame,) = decoder.feed(to_device, frame_of(kind, payload), 0.0)
    harmless = (kind == 0x01 and to_device) or (
        kind == 0x07 and not to_device and asked in (0x0F, 0x1D, 0x1F) and payload[0] == 0
    )
    shown = re.sub(r"\[\d+\]| ", "", frame.shown)
    most = len(payload) if harmless else 1 if kind == 0x07 and not to_device else 0
    assert len(shown) // 2 <= 9 + most + 2 * (most == len(payload))


def frame_of(kind: int, payload: bytes) -> bytes:
    body = bytes((kind,)) + (len(payload) + 2).to_bytes(2, "big") + payload
    return b"\xef\x01\xff\xff\xff\xff" + body + (sum(body) & 0xFFFF).to_bytes(2, "big")


# --- played back ----------------------------------------------------------------------------------


def test_a_recording_is_read_and_played_back_to_the_driver(bench: Bench) -> None:
    recording = Recording("fingerprint", 0.0, 30.0, 1_790_000_000.0)
    recording.traces += [Trace(it.at_s, it.to_device, it.shown, it.words) for it in bench.drive(2)]
    text = "\n".join(recording.lines())
    frames = captures.read(text)
    assert len(frames) == len(recording.traces) > 8
    clock, posted = ManualClock(), list[Reading]()
    replay = captures.Replay(frames, clock)
    driver = FingerprintSensor(lambda: replay, clock, posted.append, min_score=60)
    drive(driver.poll, clock, 2)
    assert replay.left == 0
    # The mark is hidden in a recording, and so are the zeros that stand for it no mark.
    assert posted == [DeviceUp("fingerprint", "")]
    assert driver.about()[:6] == bench.driver.about()[:6]
