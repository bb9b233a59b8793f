"""A device's traffic for a technician: watched as it comes, or recorded for a while and kept.

Not for decoding (`drivers/frames.py` leaves out what nobody may see). One rule: everything here is
bounded, and gone with the session. The form of a recording is in docs/captures.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cabinet.console_messages import Table
from cabinet.service_answers import SERIAL, Reply, Trace, when

MOST_SECONDS = 60
MOST_RECORDED = 2000
MOST_LINES = 20  # shown at once
MOST_PENDING = 200  # that wait to be shown
ROWS_A_PAGE = 120
HEX_COLUMNS, INDENT = 68, " " * 9
USE = f"Use: record DEVICE SECONDS (at most {MOST_SECONDS}) or record show DEVICE [PAGE]"
WHICH = f"Which device? One of {', '.join(SERIAL)}."


class Heard(Protocol):
    """The lines that can be listened to."""

    def listen(self, device: str, on: bool) -> None: ...
    def heard(self, device: str) -> tuple[tuple[Trace, ...], int]: ...


@dataclass
class Recording:
    """What went over one device's line; `lost` frames came after the last that was kept."""

    device: str
    began_s: float
    ends_s: float
    wall_s: float
    traces: list[Trace] = field(default_factory=list)
    lost: int = 0

    def lines(self) -> list[str]:
        """As docs/captures.md has it."""
        head = f"# adc capture 1, {self.device}, {when(int(self.wall_s * 1000))}"
        lost = [f"# {self.lost} more frames are not kept"] if self.lost else []
        return [head, *(written(trace, self.began_s) for trace in self.traces), *lost]


def written(trace: Trace, began_s: float) -> str:
    """A frame in one line."""
    way = ">" if trace.to_device else "<"
    return f"{trace.at_s - began_s:+08.3f} {way} {trace.shown}  # {trace.words}"


def said(trace: Trace, began_s: float) -> list[str]:
    """The same for a terminal: what it is, and below it the bytes, in lines that fit."""
    way = ">" if trace.to_device else "<"
    lines = [f"{trace.at_s - began_s:+08.3f} {way} {trace.words}"]
    line = ""
    for group in trace.shown.split():
        if len(line) + len(group) >= HEX_COLUMNS:
            lines.append(INDENT + line.strip())
            line = ""
        line += f" {group}"
    return [*lines, INDENT + line.strip()]


class Traffic:
    """The one session's looking on."""

    def __init__(self, heard: Heard, keep: Callable[[list[str]], None]) -> None:
        """`keep` puts recordings where a support bundle finds them; none takes them away."""
        self._heard, self._keep = heard, keep
        self.watched = ""
        self._since_s = 0.0
        self._pending: list[str] = []
        self._unshown = 0
        self._before: list[tuple[bool, str]] = []  # the newest two frames, which polling repeats
        self._repeats = 0
        self._recording: Recording | None = None
        self.kept: dict[str, Recording] = {}

    def over(self) -> None:
        """The session is over: nothing is listened to any more, and nothing kept."""
        self.watch("", 0.0)
        self._recording = None
        self.kept = {}
        self._keep([])
        self._listen()

    def watch(self, device: str, now_s: float) -> None:
        """Show this device's frames from now on; "" for none."""
        self._flush()
        self.watched, self._since_s = device, now_s
        self._pending, self._unshown, self._before, self._repeats = [], 0, [], 0
        self._listen()

    def _listen(self) -> None:
        for device in SERIAL:
            recorded = self._recording is not None and self._recording.device == device
            self._heard.listen(device, recorded or self.watched == device)

    def ask(self, arguments: tuple[str, ...], now_s: float, wall_s: float) -> Reply:
        """The command `record`."""
        match arguments:
            case ("show", device) if device in SERIAL:
                return self._show(device, 1)
            case ("show", device, page) if device in SERIAL and page.isdecimal():
                return self._show(device, int(page))
            case (device, seconds) if device in SERIAL and seconds.isdecimal():
                return self._record(device, int(seconds), now_s, wall_s)
            case ("show", *_) | (_, _):
                return Reply("failed", f"{WHICH} {USE}")
            case _:
                return Reply("failed", USE)

    def _record(self, device: str, seconds: int, now_s: float, wall_s: float) -> Reply:
        if not 1 <= seconds <= MOST_SECONDS:
            return Reply("failed", USE)
        if self._recording is not None:
            return Reply("failed", "Another recording is under way.")
        self._recording = Recording(device, now_s, now_s + seconds, wall_s)
        self._listen()
        words = f"Recording {device} for {seconds} s. You are told when it is done."
        return Reply("ok", words)

    def _show(self, device: str, page: int) -> Reply:
        found = self.kept.get(device)
        if found is None:
            return Reply("failed", f"Nothing is recorded of {device} in this session.")
        lines = found.lines()
        pages = -(-len(lines) // ROWS_A_PAGE)
        if not 1 <= page <= pages:
            return Reply("failed", f"It has {pages} page{'s' if pages > 1 else ''}.")
        rows = lines[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
        table = Table("capture", ("line",), tuple((row,) for row in rows))
        return Reply("ok", f"Page {page} of {pages}.", (table,))

    def turn(self, now_s: float) -> list[str]:
        """What is to be said now: frames that came, and that a recording is done."""
        done = self._recording
        for device in dict.fromkeys((self.watched, done.device if done is not None else "")):
            if device:
                self._take(device)
        said = self._shown()
        if done is not None and now_s >= done.ends_s:
            self._recording = None
            self.kept[done.device] = done
            self._keep([line for kept in self.kept.values() for line in kept.lines()])
            self._listen()
            count = len(done.traces)
            said.append(f"Recorded {count} frames: record show {done.device}")
        return said

    def _take(self, device: str) -> None:
        traces, lost = self._heard.heard(device)
        recording = self._recording
        if recording is not None and recording.device == device:
            room = MOST_RECORDED - len(recording.traces)
            recording.traces += traces[:room]
            recording.lost += lost + max(0, len(traces) - room)
        if self.watched == device:
            self._unshown += lost
            self._show_new(traces)

    def _show_new(self, traces: Sequence[Trace]) -> None:
        """What repeats the frame or the pair of frames before it is only counted."""
        for trace in traces:
            seen = (trace.to_device, trace.shown)
            if seen in self._before:
                self._repeats += 1
                continue
            self._flush()
            self._before = [*self._before[-1:], seen]
            self._add(*said(trace, self._since_s))

    def _flush(self) -> None:
        if self._repeats:
            self._add(f"{INDENT}the same again, {self._repeats} times")
            self._repeats = 0

    def _add(self, *lines: str) -> None:
        if len(self._pending) < MOST_PENDING:
            self._pending += lines
        else:
            self._unshown += 1

    def _shown(self) -> list[str]:
        lines, self._pending = self._pending[:MOST_LINES], self._pending[MOST_LINES:]
        if self._unshown and not self._pending:
            lines.append(f"{INDENT}{self._unshown} frames not shown")
            self._unshown = 0
        return lines
