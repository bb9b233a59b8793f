"""The console's commands: how each is written, its line of help and its examples.

Not for what it answers, nor for who may. One rule: a command that is not in this table is never
sent.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches

JSON, NOTE = "--json", "note"
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")  # as console_messages.Word has it
MAX_WORDS = 6


@dataclass(frozen=True)
class Entry:
    """A command: its forms' arguments, a line of help, what one does with it."""

    help: str
    more: str
    forms: tuple[tuple[str, ...], ...] = ((),)
    reading: bool = True  # and so for --json
    confirm: str = ""  # said before it acts, and answered with yes


@dataclass(frozen=True)
class Line:
    """What was typed, understood; `problem` where it was not."""

    command: str = ""
    arguments: tuple[str, ...] = ()
    json: bool = False
    text: str = ""  # of a note
    problem: str = ""


COMMANDS: dict[str, Entry] = {
    "status": Entry("how the cabinet is, in a few lines", "Begin here."),
    "devices": Entry(
        "each device: does it answer, since when, how often not",
        "A device that is up now and has many failures is dying, or its plug is loose.",
    ),
    "drawers": Entry(
        "each drawer: its state, and what its wires say",
        "switch open + hook engaged: a cut switch wire, or the hook was pressed in by hand.\n"
        "switch closed + hook released: it is not latched; push it until it clicks.\n"
        "A cause of 'the lock did not let go': jammed, or its coil's wire is cut.",
    ),
    "watch": Entry(
        "a line for each change, or for each frame of a device",
        "watch               drawers and devices, each wire with its pin and level (closed: 0)\n"
        "watch fingerprint   bytes in hex and what they say; also badge and scanner\n"
        "[12] stands for 12 bytes that are not shown: whose badge, label or finger it is.",
        ((), ("fingerprint",), ("badge",), ("scanner",)),
    ),
    "record": Entry(
        "record a device's frames, then show them",
        "record fingerprint 30        for 30 seconds, at most 60\n"
        "record show fingerprint      what was recorded; and its pages: record show badge 2",
        (("show", "DEVICE"), ("show", "DEVICE", "PAGE"), ("DEVICE", "SECONDS")),
    ),
    "config": Entry(
        "the settings in force; whether the file is right; what differs",
        "config show    every setting with its value\n"
        "config check   whether cabinet.toml is right, as it is now\n"
        "config diff    what a restart would change",
        (("show",), ("check",), ("diff",)),
    ),
    "ledger": Entry(
        "how far the ledger is and what is signed of it; or the whole proof",
        "ledger status   at once\n"
        "ledger verify   every page, entry, head and rule; minutes, and you may go on meanwhile.\n"
        "What it finds is a line that begins with 'ledger verify: ok' or 'ledger verify: failed'.",
        (("status",), ("verify",)),
    ),
    "logs": Entry(
        "what was logged, without names and numbers, by unit and time",
        "logs                    the last hour, of all\n"
        "logs controller 30m     of one program; also 2h, 7d\n"
        "logs controller 30m 2   the page before the newest\n"
        "UNIT: all, controller, touchscreen, console, gateway, kiosk, system, kernel.",
        ((), ("UNIT",), ("UNIT", "SINCE"), ("UNIT", "SINCE", "PAGE")),
    ),
    "network": Entry(
        "interfaces, addresses, name servers, and who sets the clock",
        "The controller has no network; the gateway alone does, and this is what it has.",
    ),
    "clock": Entry("the clocks, and whether the network sets them", ""),
    "storage": Entry("room and wear of the disk", ""),
    "power": Entry("what the board says of its supply", "Under-voltage: change the supply."),
    "version": Entry("what software runs on what", ""),
    "report": Entry(
        "this visit: tests, parts, commands, and the ledger's head",
        "Log it from your terminal, print it, and keep it with the maintenance records.",
    ),
    "service": Entry(
        "service mode: begin it, or end it with a self-test",
        "service begin   nobody can sign in at the touchscreen\n"
        "service end     tests the cabinet and returns it, or says why not",
        (("begin",), ("end",)),
        reading=False,
    ),
    "test": Entry(
        "test a part; the result is recorded",
        "test lock D1    its lock is pulsed; where it may hold medicine a pharmacist opens it\n"
        "test light D1   then answer: result yes, or result no\n"
        "test sound      the beeper, for two seconds; then answer\n"
        "test reader     hold any badge to the reader\n"
        "test scanner    hold any label before the scanner\n"
        "test finger     the sensor, and a picture of any finger; compared with nobody's\n"
        "test all        one after the other but the locks, with one result\n"
        "test stop       calls off the one that is under way\n"
        "Needs service mode.",
        (
            *(("lock", "DRAWER"), ("light", "DRAWER"), ("sound",), ("reader",), ("scanner",)),
            *(("finger",), ("all",), ("stop",)),
        ),
        reading=False,
    ),
    "result": Entry("what you saw or heard in a test", "", (("yes",), ("no",)), reading=False),
    "replace": Entry(
        "record a part that you replaced",
        "replace badge RDR-200 SN12345   its part number, then its serial number\n"
        "Needs service mode.",
        (("DEVICE", "PART", "SERIAL"),),
        reading=False,
        confirm="This goes into the maintenance record and cannot be taken back.",
    ),
    "note": Entry(
        "write a note into the maintenance record",
        "note The hook of drawer 3 was bent; straightened.\n"
        "One line, of no patient and nobody of the staff.",
        (("TEXT",),),
        reading=False,
    ),
    "restart": Entry(
        "restart a program of the cabinet",
        "restart controller    its locks stay shut; this session ends, sign in again\n"
        "restart touchscreen   the screen is dark for some seconds\n"
        "Needs service mode, and every drawer shut.",
        (("controller",), ("touchscreen",)),
        reading=False,
        confirm="It stops for some seconds.",
    ),
    "poweroff": Entry(
        "switch the cabinet off, its locks shut",
        "Needs service mode, and every drawer shut and latched. Power comes back by the plug.",
        reading=False,
        confirm="Nobody gets a medicine out until somebody restores the power.",
    ),
    "bundle": Entry(
        "a support bundle, encrypted; nothing of patients or people is in it",
        "bundle print   here, as text to be copied; age decrypts it\n"
        "bundle usb     to a FAT or exFAT disk whose label is SUPPORT; pull it when it says ok",
        (("print",), ("usb",)),
        reading=False,
    ),
    "help": Entry("this list; help COMMAND says more", "", ((), ("COMMAND",)), reading=False),
    "size": Entry(
        "how large your terminal is: asked, or told by you",
        "size         asks the terminal, as at the sign-in; after you made its window larger\n"
        "size 24 80   for one that does not answer: rows, then columns",
        ((), ("ROWS", "COLUMNS")),
        reading=False,
    ),
    "extend": Entry("sign again, for another half hour", "", reading=False),
    "logout": Entry("end the session", "", reading=False),
}
LOCAL = ("help", "size", "extend", "logout")


def parse(text: str) -> Line:
    """What was typed; "" for an empty line."""
    words = text.split()
    if not words:
        return Line()
    if words[0] == NOTE:
        note = text.strip()[len(NOTE) :].strip()
        return Line(NOTE, text=note) if note else Line(problem=f"Use: {usage(NOTE)}")
    if len(words) > MAX_WORDS:
        return Line(problem=f"At most {MAX_WORDS} words.")
    name, *rest = words
    name = {"exit": "logout", "quit": "logout", "?": "help"}.get(name, name)
    if name not in COMMANDS:
        return Line(problem=_unknown(name))
    entry = COMMANDS[name]
    as_json = JSON in rest
    arguments = tuple(word for word in rest if word != JSON)
    if not all(WORD.fullmatch(word) for word in arguments):
        return Line(problem="A word is at most 32 letters, digits, dots and dashes.")
    if as_json and not entry.reading:
        return Line(problem=f"{name} has no {JSON}.")
    if not any(_fits(arguments, form) for form in entry.forms):
        return Line(problem=f"Use: {usage(name)}")
    return Line(name, arguments, as_json)


def _unknown(name: str) -> str:
    near = get_close_matches(name, COMMANDS, 1)
    hint = f"Did you mean {near[0]}?" if near else "help lists them."
    return f"There is no command {name!r}. {hint}"


def _fits(arguments: tuple[str, ...], form: tuple[str, ...]) -> bool:
    return len(arguments) == len(form) and all(
        wanted.isupper() or given == wanted for given, wanted in zip(arguments, form, strict=True)
    )


def usage(name: str) -> str:
    """How a command is written."""
    return " or ".join(" ".join((name, *form)) for form in COMMANDS[name].forms)


def helped(name: str) -> list[str]:
    """What `help` says, of all commands or of one."""
    if name and name not in COMMANDS:
        return [_unknown(name)]
    if name:
        entry = COMMANDS[name]
        told = [f"{usage(name)}: {entry.help}."]
        if entry.reading:
            told.append(f"{name} {JSON} answers in one line for a program.")
        return [*told, *entry.more.splitlines()]
    width = max(map(len, COMMANDS)) + 2
    return [f"{command.ljust(width)}{entry.help}" for command, entry in COMMANDS.items()]


def completions(text: str) -> list[str]:
    """The words that may stand where `text` ends."""
    words = text.split(" ")
    if len(words) == 1:
        return [name for name in COMMANDS if name.startswith(words[0])]
    if words[0] == "help":
        return [name for name in COMMANDS if name.startswith(words[-1])]
    entry = COMMANDS.get(words[0])
    if entry is None:
        return []
    place = len(words) - 2
    found = [form[place] for form in entry.forms if place < len(form) and form[place].islower()]
    found += [JSON] if entry.reading and JSON not in words[1:-1] else []
    return list(dict.fromkeys(word for word in found if word.startswith(words[-1])))
