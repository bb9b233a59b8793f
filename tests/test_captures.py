"""Recordings on their way into a support bundle: of their form, bounded, and gone in time."""

from pathlib import Path

from cabinet import captures
from cabinet.service_answers import Trace
from cabinet.service_traffic import Recording
from drivers.frames import LineDecoder, SensorDecoder
from drivers.lines import BADGE
from tests.test_tap import frame_of


def recorded() -> list[str]:
    """Frames of every kind that the decoders know, and noise."""
    sensor, reader = SensorDecoder(), LineDecoder("a badge's line", BADGE, 256)
    frames = [
        *(it for n in range(256) for it in sensor.feed(True, frame_of(1, bytes((n, 1))), 0.1)),
        *(it for n in range(256) for it in sensor.feed(False, frame_of(7, bytes((n,))), 0.2)),
        *sensor.feed(False, frame_of(8, b"x" * 128) + b"noise" + b"\xef\x01\xff", 0.3),
        *sensor.settle(9.0),
        *reader.feed(False, b"0049137025\r\n\xff\xfe\rab\r", 9.5),
    ]
    recording = Recording("badge", 0.0, 5.0, 1_790_000_000.0, lost=3)
    recording.traces += [Trace(it.at_s, it.to_device, it.shown, it.words) for it in frames]
    return recording.lines()


def test_every_line_of_a_recording_is_read_back(tmp_path: Path) -> None:
    lines = recorded()
    captures.keep(tmp_path, lines)
    assert len(lines) > 512 and captures.read(tmp_path) == lines
    assert (tmp_path / captures.NAME).stat().st_mode & 0o777 == 0o600
    captures.keep(tmp_path, [])
    assert captures.read(tmp_path) == [] and not list(tmp_path.iterdir())


def test_what_is_no_recording_is_left_out(tmp_path: Path) -> None:
    good = recorded()[1]
    wrong = ["0049137025", "+1.0 > 00  # \x1b[2J", "# Nina Nurse", f"{good} (é)", "+1 > zz  # x"]
    (tmp_path / captures.NAME).write_text("\n".join((*wrong, good)))
    assert captures.read(tmp_path) == [good]
    (tmp_path / captures.NAME).write_bytes(b"\xff" * (2 * captures.MOST_BYTES))
    assert captures.read(tmp_path) == []


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(f"{recorded()[1]}\n")
    (tmp_path / captures.NAME).symlink_to(other)
    assert captures.read(tmp_path) == []
