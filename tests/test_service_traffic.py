"""A device's frames watched and recorded at the console: bounded, and gone with the session."""

import pytest

from cabinet import service_traffic
from cabinet.service_answers import Trace
from cabinet.service_traffic import Traffic
from tests import captures

WALL_S = 1_790_000_000.0


class Line:
    """What a device says, put there by the test."""

    def __init__(self) -> None:
        self.listening: dict[str, bool] = {}
        self.frames: list[Trace] = []
        self.lost = 0
        self.kept: list[list[str]] = []

    def listen(self, device: str, on: bool) -> None:
        self.listening[device] = on

    def heard(self, device: str) -> tuple[tuple[Trace, ...], int]:
        taken, lost = tuple(self.frames), self.lost
        self.frames, self.lost = [], 0
        return taken, lost

    def on(self) -> list[str]:
        return [device for device, on in self.listening.items() if on]


def frames(*shown: str, at_s: float = 1.5) -> list[Trace]:
    return [Trace(at_s, n % 2 == 0, it, f"words {it}") for n, it in enumerate(shown)]


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def traffic(line: Line) -> Traffic:
    return Traffic(line, line.kept.append)


def test_a_watched_devices_frames_are_lines_and_only_while_it_is_watched(
    line: Line, traffic: Traffic
) -> None:
    traffic.watch("badge", 1.0)
    assert line.on() == ["badge"]
    line.frames = frames("[10] 0D")
    assert traffic.turn(2.0) == ["+000.500 > words [10] 0D", "         [10] 0D"]
    traffic.watch("", 3.0)
    assert line.on() == [] and traffic.turn(3.0) == []


def test_polling_is_said_once_and_counted(line: Line, traffic: Traffic) -> None:
    traffic.watch("fingerprint", 0.0)
    line.frames = frames(*["AA", "BB"] * 50, "CC")
    told = traffic.turn(1.0)
    assert [it.split()[3] for it in told if it.startswith("+")] == ["AA", "BB", "CC"]
    assert told[4].strip() == "the same again, 98 times"


def test_a_long_frame_fits_a_terminal_of_eighty_columns(line: Line, traffic: Traffic) -> None:
    traffic.watch("fingerprint", 0.0)
    shown = " ".join(["EF01 FFFFFFFF 07 0023", *["00" * 16] * 2, "00 0228"])
    line.frames = [Trace(1.5, True, shown, "a command")]
    told = traffic.turn(1.0)
    assert len(told) == 3 and max(map(len, told)) < 80


def test_a_flood_fills_neither_the_line_nor_the_memory(line: Line, traffic: Traffic) -> None:
    traffic.watch("fingerprint", 0.0)
    line.frames, line.lost = frames(*[f"{n:04X}" for n in range(1000)]), 7
    told = traffic.turn(1.0)
    assert len(told) == service_traffic.MOST_LINES
    rounds = [traffic.turn(2.0) for _ in range(20)]
    assert sum(map(len, rounds)) == service_traffic.MOST_PENDING - service_traffic.MOST_LINES + 1
    assert "907 frames not shown" in "".join(line for it in rounds for line in it)


def test_a_recording_lasts_as_long_as_asked_is_shown_in_pages_and_can_be_read_again(
    line: Line, traffic: Traffic
) -> None:
    assert traffic.ask(("fingerprint", "10"), 1.0, WALL_S).outcome == "ok"
    assert traffic.ask(("badge", "10"), 1.0, WALL_S).outcome == "failed"  # one at a time
    line.frames = frames(*[f"{n:04X}" for n in range(300)])
    assert traffic.turn(2.0) == []
    assert traffic.ask(("show", "fingerprint"), 2.0, WALL_S).outcome == "failed"
    assert traffic.turn(11.0) == ["Recorded 300 frames: record show fingerprint"]
    assert line.on() == []
    first = traffic.ask(("show", "fingerprint"), 12.0, WALL_S)
    last = traffic.ask(("show", "fingerprint", "3"), 12.0, WALL_S)
    assert first.words == "Page 1 of 3." and last.words == "Page 3 of 3."
    assert traffic.ask(("show", "fingerprint", "4"), 12.0, WALL_S).outcome == "failed"
    assert line.kept == [traffic.kept["fingerprint"].lines()]
    text = "\n".join(line.kept[0])
    assert len(captures.read(text)) == 300
    assert first.tables[0].rows[0][0].startswith("# adc capture 1, fingerprint, 2026-")


def test_a_recording_is_bounded_and_says_so(line: Line, traffic: Traffic) -> None:
    traffic.ask(("scanner", "60"), 0.0, WALL_S)
    line.frames, line.lost = frames(*["AA"] * 3000), 11
    traffic.turn(60.0)
    kept = traffic.kept["scanner"]
    assert len(kept.traces) == service_traffic.MOST_RECORDED
    assert kept.lines()[-1] == "# 1011 more frames are not kept"


def test_watching_and_recording_one_device_shows_both_everything(
    line: Line, traffic: Traffic
) -> None:
    traffic.ask(("badge", "5"), 0.0, WALL_S)
    traffic.watch("badge", 0.0)
    line.frames = frames("[10] 0D")
    assert len(traffic.turn(1.0)) == 2
    traffic.watch("", 2.0)
    assert line.on() == ["badge"]
    assert traffic.turn(5.0)[-1].startswith("Recorded 1 frames")


def test_nothing_of_a_session_is_left_for_the_next(line: Line, traffic: Traffic) -> None:
    traffic.ask(("badge", "1"), 0.0, WALL_S)
    traffic.turn(1.0)
    traffic.ask(("scanner", "9"), 1.0, WALL_S)
    traffic.watch("fingerprint", 1.0)
    traffic.over()
    assert line.on() == [] and traffic.kept == {} and line.kept[-1] == []
    assert traffic.ask(("show", "badge"), 2.0, WALL_S).outcome == "failed"
    assert traffic.turn(100.0) == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("badge",),
        ("locks", "5"),
        ("badge", "0"),
        ("badge", "61"),
        ("badge", "soon"),
        ("show",),
        ("show", "locks"),
        ("show", "badge", "x"),
        ("show", "badge", "1", "2"),
        ("badge", "5", "5"),
    ],
)
def test_what_cannot_be_recorded_is_answered_by_how_it_is_used(
    line: Line, traffic: Traffic, arguments: tuple[str, ...]
) -> None:
    assert traffic.ask(arguments, 0.0, WALL_S).outcome == "failed"
    assert line.on() == []
