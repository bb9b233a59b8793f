"""Badge reader and scanner: lines whole and in form, or nothing; unplugged, garbled, fuzzed."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.lines import BADGE, CODE, GAP_S, LineReader, badge_reader, barcode_scanner
from drivers.readings import BadgeRead, CodeScanned, DeviceDown, DeviceUp, Reading
from sim.lines import BadgeReader, Scanner
from tests.clocks import ManualClock, drive
from tests.links import MemoryPort

GS1 = "]d20100312345678906 17270131 10LOT42A\x1d21SN0001".replace(" ", "")


class Desk:
    """A badge reader and a scanner, each with its driver, on one clock."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.posted: list[Reading] = []
        self.reader, self.gun = BadgeReader(), Scanner()
        self.badge_port = MemoryPort("badge", self.reader, self.clock)
        self.scan_port = MemoryPort("scanner", self.gun, self.clock)
        self.badge = badge_reader(self.badge_port.connect, self.clock, self.posted.append)
        self.scanner = barcode_scanner(self.scan_port.connect, self.clock, self.posted.append)

    def drive(self, driver: LineReader, seconds: float) -> None:
        drive(driver.poll, self.clock, seconds)

    def take(self) -> list[Reading]:
        out = list(self.posted)
        self.posted.clear()
        return out


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.drive(made.badge, 1.0)
    made.drive(made.scanner, 1.0)
    assert made.take() == [DeviceUp("badge"), DeviceUp("scanner")]
    return made


def test_a_badge_is_posted_as_soon_as_its_line_ends(desk: Desk) -> None:
    desk.badge_port.say(desk.reader.present("04A1B2C3D4"))
    desk.drive(desk.badge, 0.05)
    assert desk.take() == [BadgeRead("04A1B2C3D4")]


def test_a_code_keeps_its_group_separators(desk: Desk) -> None:
    desk.scan_port.say(desk.gun.scan(GS1))
    desk.drive(desk.scanner, 1.0)
    assert desk.take() == [CodeScanned(GS1)]
    assert "\x1d" in GS1


def test_a_badge_that_is_held_to_the_reader_is_one_presentation(desk: Desk) -> None:
    for tenth in range(0, 30, 3):
        desk.badge_port.say([(tenth / 10, b"123456\r\n")])
    desk.drive(desk.badge, 4.0)
    assert desk.take() == [BadgeRead("123456")]
    desk.badge_port.say(desk.reader.present("123456"))
    desk.drive(desk.badge, 1.0)
    assert desk.take() == [BadgeRead("123456")]


def test_two_badges_within_a_second_are_two(desk: Desk) -> None:
    desk.badge_port.say([(0.0, b"1111\r\n2222\r\n1111\r\n")])
    desk.drive(desk.badge, 1.0)
    assert desk.take() == [BadgeRead("1111"), BadgeRead("2222"), BadgeRead("1111")]


@pytest.mark.parametrize(
    "line",
    [
        b"12\r",
        b"12 34\r",
        b"12;34\r",
        b"\x0012345\r",
        b"1234\xff\r",
        b"1" * 33 + b"\r",
        b"12\x1d34\r",
    ],
)
def test_a_line_out_of_form_is_counted_and_never_posted(desk: Desk, line: bytes) -> None:
    desk.badge_port.say([(0.0, line)])
    desk.drive(desk.badge, 1.0)
    assert desk.take() == [] and desk.badge.refused == 1
    desk.badge_port.say(desk.reader.present("123456"))
    desk.drive(desk.badge, 1.0)
    assert desk.take() == [BadgeRead("123456")]


def test_attack_an_endless_line_takes_no_memory_and_hides_no_badge(desk: Desk) -> None:
    desk.badge_port.say([(n / 1000, b"7" * 200) for n in range(1000)])
    desk.drive(desk.badge, 2.0)
    assert len(desk.badge._line) <= 32 and desk.badge.refused == 1
    desk.badge_port.say([(0.0, b"\r123456\r")])
    desk.drive(desk.badge, 1.0)
    assert desk.take() == [BadgeRead("123456")]


def test_nobodys_badge_is_put_together_from_pieces(desk: Desk) -> None:
    desk.badge_port.say([(0.0, b"1234"), (2 * GAP_S, b"5678\r\n")])
    desk.drive(desk.badge, 2.0)
    assert desk.take() == [] and desk.badge.refused == 1
    desk.badge_port.say([(0.0, b"12345678\r\n")])
    desk.drive(desk.badge, 1.0)
    assert desk.take() == [BadgeRead("12345678")]


def test_a_line_under_way_when_the_port_is_opened_is_not_believed() -> None:
    desk = Desk()
    desk.badge_port.say([(0.02, b"5678"), (0.15, b"90\r\n"), (1.5, b"4321\r\n")])
    desk.drive(desk.badge, 0.12)
    desk.drive(desk.badge, 3.0)
    assert desk.take() == [DeviceUp("badge"), BadgeRead("4321")]


def test_what_came_before_the_port_was_opened_is_not_believed(desk: Desk) -> None:
    desk.badge_port.unplug()
    desk.drive(desk.badge, 2.0)
    desk.badge_port.plug()
    desk.drive(desk.badge, 10.0)
    down, up = desk.take()
    assert isinstance(down, DeviceDown) and up == DeviceUp("badge")


def test_an_unplugged_reader_is_said_once_and_comes_back(desk: Desk) -> None:
    desk.badge_port.say([(0.0, b"123")])
    desk.clock.at(0.1, desk.badge_port.unplug)
    desk.drive(desk.badge, 60.0)
    (down,) = desk.take()
    assert isinstance(down, DeviceDown) and down.device == "badge" and "unplugged" in down.cause
    desk.badge_port.plug()
    desk.drive(desk.badge, 6.0)
    assert desk.take() == [DeviceUp("badge")]
    desk.badge_port.say([(0.0, b"456\r\n"), (0.1, b"9876\r\n")])
    desk.drive(desk.badge, 1.0)
    assert desk.take() == [BadgeRead("9876")], "the halves of two lines are not one"


def test_no_error_or_cause_quotes_what_was_presented(desk: Desk) -> None:
    desk.badge_port.say([(0.0, b"secret-badge-\xff\r\n")])
    desk.clock.at(0.5, desk.badge_port.unplug)
    desk.drive(desk.badge, 3.0)
    assert "secret" not in repr(desk.take())


def feed(chunks: list[tuple[float, bytes]], pattern: re.Pattern[str]) -> tuple[list[str], Desk]:
    desk = Desk()
    desk.badge = LineReader(
        "badge", desk.badge_port.connect, desk.clock, desk.posted.append, BadgeRead, pattern
    )
    desk.drive(desk.badge, 1.0)
    at = 0.0
    for gap_s, data in chunks:
        at += gap_s
        desk.badge_port.say([(at, data)])
    desk.drive(desk.badge, at + 2.0)
    return [r.number for r in desk.posted if isinstance(r, BadgeRead)], desk


NOISE = st.binary(max_size=40) | st.sampled_from([b"\r", b"\n", b"\r\n", b"ABCD", b"]d2\x1d"])
GAPS = st.sampled_from([0.0, 0.01, GAP_S * 0.9, GAP_S * 3])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(GAPS, NOISE), max_size=12), st.sampled_from([BADGE, CODE]))
def test_fuzz_only_whole_lines_in_form_are_posted(
    chunks: list[tuple[float, bytes]], pattern: re.Pattern[str]
) -> None:
    posted, desk = feed(chunks, pattern)
    sent = b"\n" + b"".join(data for _, data in chunks)
    for text in posted:
        assert pattern.fullmatch(text)
        assert re.search(rb"[\r\n]" + re.escape(text.encode()) + rb"[\r\n]", sent)
    desk.badge_port.say([(0.0, b"\r"), (0.0, b"GOOD-1\r")])
    desk.drive(desk.badge, 1.0)
    assert desk.posted[-1] == BadgeRead("GOOD-1"), "after any noise a good line is read"


@settings(max_examples=75, deadline=None)
@given(
    st.lists(st.from_regex(BADGE, fullmatch=True), max_size=8),
    st.lists(st.integers(1, 9), min_size=1, max_size=20),
)
def test_fuzz_good_lines_are_all_read_however_they_are_cut(
    badges: list[str], sizes: list[int]
) -> None:
    stream = "".join(f"{badge}\r\n" for badge in badges).encode()
    chunks: list[tuple[float, bytes]] = []
    at = 0
    while at < len(stream):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append((0.002, stream[at : at + size]))
        at += size
    posted, desk = feed(chunks, BADGE)
    assert posted == badges and desk.badge.refused == 0
