"""What the console's reading commands answer: tables from the state and from what is measured.

Not for who may ask (`service.py`). One rule: no answer says how many of a medicine are expected,
names a patient, or holds a person's badge, PIN or finger.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from cabinet import machines
from cabinet import records as r
from cabinet import service_records as sr
from cabinet.console_messages import MAX_CELL_CHARS, Outcome, Table
from cabinet.state import State
from cabinet.version import VERSION

MAX_VISIT = 150
SHORT = 8  # of a note's name, enough to tell a session's apart
NOTE_COLUMNS = 100
SERIAL = ("fingerprint", "badge", "scanner")
DEVICES = ("locks", *SERIAL)
LABELLED = ("what", "value")


@dataclass(frozen=True)
class Wires:
    """One drawer's wires as last read; None where they cannot be."""

    switch_closed: bool | None
    hook_engaged: bool | None
    coil_on: bool
    light_on: bool
    pins: tuple[int, ...] = ()  # of switch, hook, coil and light


@dataclass(frozen=True)
class Trace:
    """A frame on a device's line: when (monotonic), and what, made harmless."""

    at_s: float
    to_device: bool
    shown: str
    words: str


@dataclass(frozen=True)
class Reply:
    """What a command answers."""

    outcome: Outcome = "ok"
    words: str = ""
    tables: tuple[Table, ...] = ()


class Facts(Protocol):
    """What the state does not know; each reads now, and none takes long."""

    def wires(self) -> Mapping[str, Wires]: ...
    def refused(self) -> Mapping[str, int]: ...
    def about(self) -> Mapping[str, tuple[tuple[str, str], ...]]: ...
    def listen(self, device: str, on: bool) -> None: ...
    def heard(self, device: str) -> tuple[tuple[Trace, ...], int]: ...
    def ledger(self) -> tuple[tuple[str, str], ...]: ...
    def storage(self) -> tuple[tuple[str, str], ...]: ...
    def clock(self) -> tuple[tuple[str, str], ...]: ...
    def power(self) -> tuple[tuple[str, str], ...]: ...
    def software(self) -> tuple[tuple[str, str], ...]: ...
    def settings(self) -> tuple[tuple[str, str], ...]: ...
    def file_settings(self) -> tuple[tuple[str, str], ...] | str: ...


@dataclass
class _Past:
    failures: int = 0
    since_ms: int = 0
    cause: str = ""


@dataclass
class History:
    """What happened to devices and drawers since the controller started."""

    devices: dict[str, _Past] = field(default_factory=dict)
    drawers: dict[str, _Past] = field(default_factory=dict)
    visit: list[tuple[str, str]] = field(default_factory=list)  # of the newest session

    def note(self, body: r.Body) -> None:
        """One entry."""
        match body.record:
            case r.DeviceFailed(device=device, cause=cause):
                self._count(self.devices, device, body, cause)
            case r.DeviceRestored(device=device):
                self.devices.setdefault(device, _Past()).since_ms = body.wall_ms
            case r.DrawerFailed(drawer=drawer, cause=cause):
                self._count(self.drawers, drawer, body, cause)
            case r.DrawerForced(drawer=drawer):
                self._count(self.drawers, drawer, body, "opened when it should be shut")
            case sr.ServiceSignedIn():
                self.visit = []
        words = visited(body.record)
        if words and len(self.visit) < MAX_VISIT:
            entry = f" (entry {body.seq})"
            self.visit.append((when(body.wall_ms), words[: MAX_CELL_CHARS - len(entry)] + entry))

    @staticmethod
    def _count(pasts: dict[str, _Past], name: str, body: r.Body, cause: str) -> None:
        past = pasts.setdefault(name, _Past())
        past.failures, past.since_ms, past.cause = past.failures + 1, body.wall_ms, cause


def answer(
    command: str,
    arguments: tuple[str, ...],
    state: State,
    facts: Facts,
    history: History,
    now_s: float,
    testing: str = "",
) -> Reply:
    """What `command` answers; a wrong argument is answered by how it is used.

    `testing` is the test that is under way, in words.
    """
    wanted = ARGUMENTS.get(command, ((),))
    if arguments not in wanted:
        forms = " or ".join(" ".join((command, *form)) for form in wanted)
        return Reply("failed", f"Use: {forms}")
    match command:
        case "status":
            return Reply(tables=(status(state, now_s, testing),))
        case "devices":
            about = tuple((d, *row) for d, rows in facts.about().items() for row in rows)
            told = Table("about", ("device", "what", "value"), about)
            return Reply(tables=(devices(state, history, facts.refused()), told))
        case "drawers":
            return Reply(tables=(drawers(state, history, facts.wires()),))
        case "watch" if arguments:
            return Reply("ok", "Each frame is shown as it comes. Press Enter to stop.")
        case "watch":
            tables = (drawers(state, history, facts.wires()),)
            return Reply("ok", "Each change is a line from here on. Press Enter to stop.", tables)
        case "report":
            return Reply(tables=(report(state, history), Table("ledger", LABELLED, facts.ledger())))
        case "config":
            return _config(arguments[0], facts)
        case _:
            gathered: dict[str, Callable[[], tuple[tuple[str, str], ...]]] = {
                "ledger": facts.ledger,
                "clock": facts.clock,
                "storage": facts.storage,
                "power": facts.power,
                "version": facts.software,
            }
            return Reply(tables=(Table(command, LABELLED, gathered[command]()),))


ARGUMENTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "config": (("show",), ("check",), ("diff",)),
    "ledger": (("status",),),
    "watch": ((), *((device,) for device in SERIAL)),
}


def visited(record: r.Record) -> str:
    """A record of the visit in words, "" for what is none."""
    match record:
        case sr.ServiceSignedIn(person=person, factors=factors) if person:
            return f"signed in: person {person}, by {' and '.join(factors)}"
        case sr.ServiceSignedIn(key=key, serial=serial):
            return f"signed in: key {key}, certificate {serial}"
        case sr.ServiceAdmitted():
            return "let in by a pharmacist"
        case sr.ServiceBegun():
            return "service mode begun"
        case sr.ServiceTested(what=what, place=place, outcome=outcome, cause=cause):
            return " ".join(filter(None, ("test:", what, place, outcome, cause and f"({cause})")))
        case sr.LockTestOrdered(drawer=drawer):
            return f"lock pulsed: {drawer}, empty"
        case sr.PartReplaced(device=device, part=part, serial=number):
            return f"replaced: {device}, part {part}, serial {number}"
        case sr.ServiceFinished(problems=problems, returned=returned):
            found = "; ".join(problems) or "nothing"
            return f"self-test found {found}; {'returned' if returned else 'still in service mode'}"
        case sr.SystemAnswered(act=act, outcome=outcome):
            return f"the system answered: {act}: {outcome}"
        case sr.ServiceNoted(note=note):
            return f"note {note[:SHORT]}"
        case sr.ServiceExtended():
            return "session extended"
        case sr.ServiceCommand(command=command, arguments=arguments, outcome=outcome):
            return f"command: {' '.join((command, *arguments))}: {outcome}"
        case _:
            return ""


def report(state: State, history: History) -> Table:
    """The visit so far: who, when, what was done, each with its entry in the ledger."""
    who = state.service.name if state.service is not None else "-"
    rows = [("-", f"visit of {who} to {state.name} ({state.cabinet})"), *history.visit]
    for name, text in (state.service.notes if state.service is not None else {}).items():
        for at in range(0, len(text), NOTE_COLUMNS):
            said = f"note {name[:SHORT]}:" if at == 0 else " "
            rows.append(("-", f"{said} {text[at : at + NOTE_COLUMNS]}"))
    return Table("report", ("time", "what"), tuple(rows))


def in_one_line(state: State) -> str:
    """How the cabinet is, fit for anybody with a cable."""
    if not state.in_service:
        return "not yet in service"
    working = state.service is not None and state.service.working
    mode = "in service mode" if working else "in service"
    wrong = [
        d for d in state.drawers.values() if d.model.state in (machines.FAULT, machines.FORCED)
    ]
    if wrong or state.devices_down or state.space != "ok":
        return f"{mode}, with faults"
    return mode


def when(wall_ms: int) -> str:
    """A time as the console shows it."""
    if not wall_ms:
        return "-"
    return datetime.fromtimestamp(wall_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def status(state: State, now_s: float, testing: str = "") -> Table:
    """The cabinet in a few lines."""
    opened = [d.plan.id for d in state.drawers.values() if d.model.state != machines.SHUT]
    busy = "somebody is signed in" if state.session is not None else "nobody is signed in"
    rows = (
        ("cabinet", state.cabinet),
        ("name", state.name),
        ("state", in_one_line(state)),
        ("time", when(int(now_s * 1000))),
        ("software", VERSION),
        ("touchscreen", busy),
        ("test under way", testing or "none"),
        ("drawers not shut", ", ".join(opened) or "none"),
        ("devices down", ", ".join(state.devices_down) or "none"),
        ("disk", state.space),
        ("entries", str(state.size)),
        ("last entry", when(state.last_wall_ms)),
    )
    return Table("status", LABELLED, rows)


def devices(state: State, history: History, refused: Mapping[str, int]) -> Table:
    """Each device: whether it answers, since when, and how often it did not."""
    rows = []
    names = [*DEVICES, *(it for it in state.devices_down if it not in DEVICES)]
    for name in names:
        past = history.devices.get(name, _Past())
        down = name in state.devices_down
        rows.append(
            (
                name,
                "down" if down else "up",
                when(past.since_ms),
                str(past.failures),
                str(refused.get(name, 0)),
                state.devices_down.get(name, past.cause and f"was: {past.cause}"),
            )
        )
    headings = ("device", "state", "since", "failures", "refused", "cause")
    return Table("devices", headings, tuple(rows))


def _contact(value: bool | None, on: str, off: str) -> str:
    return "unreadable" if value is None else on if value else off


def _level(low: bool | None) -> str:
    return "?" if low is None else "0" if low else "1"


def drawers(state: State, history: History, wires: Mapping[str, Wires]) -> Table:
    """Each drawer: what the rules hold of it, and what its wires say."""
    rows = []
    nothing = Wires(None, None, False, False)
    for name, drawer in state.drawers.items():
        wire = wires.get(name, nothing)
        past = history.drawers.get(name, _Past())
        rows.append(
            (
                name,
                drawer.model.state,
                _contact(wire.switch_closed, "closed", "open"),
                _contact(wire.hook_engaged, "engaged", "released"),
                "ON" if wire.coil_on else "off",
                str(past.failures),
                drawer.cause or (past.cause and f"was: {past.cause}"),
            )
        )
    headings = ("drawer", "state", "switch", "hook", "coil", "failures", "cause")
    return Table("drawers", headings, tuple(rows))


def watched(state: State, wires: Mapping[str, Wires]) -> tuple[str, ...]:
    """A line for each drawer and for what is down, for whoever watches."""
    lines = []
    for name, drawer in state.drawers.items():
        wire = wires.get(name, Wires(None, None, False, False))
        said = (
            f"switch {_contact(wire.switch_closed, 'closed', 'open')}",
            f"hook {_contact(wire.hook_engaged, 'engaged', 'released')}",
            f"coil {'ON' if wire.coil_on else 'off'}",
        )
        # A loop that is closed pulls its input low; a coil's output is high while it is on.
        levels = (_level(wire.switch_closed), _level(wire.hook_engaged), _level(not wire.coil_on))
        pins = [f" GPIO{pin}={level}" for pin, level in zip(wire.pins, levels, strict=False)]
        told = (words + pin for words, pin in zip(said, pins or ("", "", ""), strict=True))
        lines.append(f"{name}  {drawer.model.state}, {', '.join(told)}")
    lines += [
        f"{name}  {'down: ' + state.devices_down[name] if name in state.devices_down else 'up'}"
        for name in DEVICES
    ]
    return tuple(lines)


def _config(form: str, facts: Facts) -> Reply:
    running = facts.settings()
    if form == "show":
        return Reply(tables=(Table("config", ("setting", "value"), running),))
    there = facts.file_settings()
    if isinstance(there, str):
        return Reply(
            "failed", f"The file is not right; the cabinet goes on with what it has: {there}"
        )
    if form == "check":
        return Reply("ok", "cabinet.toml is right.")
    then, now = dict(there), dict(running)
    changed = tuple(
        (key, now.get(key, "-"), then.get(key, "-"))
        for key in {**now, **then}
        if now.get(key) != then.get(key)
    )
    words = "After a restart these settings change." if changed else "Nothing differs."
    return Reply("ok", words, (Table("changes", ("setting", "now", "in the file"), changed),))
