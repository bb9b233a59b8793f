"""The command line: `cabinet init`, `import`, `controller`, `touchscreen`, `verify` and the rest.

Not for anything the parts do themselves. One rule: an error is one line that says what, where and
what to do, on stderr, with exit status 1; wrong usage is status 2.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from auth.errors import AuthError
from cabinet import configuration as site
from cabinet.arguments import whole
from cabinet.configuration import Configuration, ConfigurationError, NotThisCabinet
from cabinet.importing import ImportProblem
from cabinet.keys import KeyProblem, Keys
from cabinet.machines import CorruptLedger
from cabinet.records import UnreadableBody
from cabinet.version import VERSION

DEFAULT_CONFIG = "/etc/cabinet/cabinet.toml"


class Failed(Exception):
    """A command's own failure, in one line."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except _expected() as error:
        print(f"cabinet {arguments.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # the system says no: to which file, if it says so
        file = error.filename2 or error.filename  # of a copy or a new name, the second is meant
        which = f"{file}: " if file else ""
        print(f"cabinet {arguments.command}: {which}{error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _expected() -> tuple[type[Exception], ...]:
    from cabinet.anchors import RolledBack
    from cabinet.evidence import NoEvidence
    from cabinet.recovery import NotRecovered
    from cabinet.terminal import NobodyThere
    from cabinet.touchscreen.errors import TouchscreenError
    from drivers.errors import DriverError
    from ledger.errors import LedgerError

    return (
        RolledBack,
        NoEvidence,
        NotRecovered,
        NobodyThere,
        ConfigurationError,
        NotThisCabinet,
        KeyProblem,
        ImportProblem,
        Failed,
        CorruptLedger,
        UnreadableBody,
        AuthError,
        DriverError,
        TouchscreenError,
        LedgerError,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cabinet",
        description="An automated dispensing cabinet: its ledger, its controller, its screen.",
    )
    parser.add_argument("--version", action="version", version=f"cabinet {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], help_: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help_, description=help_)
        sub.add_argument(
            "--config",
            type=Path,
            default=Path(os.environ.get("CABINET_CONFIG", DEFAULT_CONFIG)),
            metavar="FILE",
            help=f"the cabinet's description (default: $CABINET_CONFIG or {DEFAULT_CONFIG})",
        )
        sub.set_defaults(run=run)
        return sub

    command("check-config", _check_config, "Say whether cabinet.toml is right, without starting.")
    command(
        "init",
        _init,
        "Make a new cabinet: its keys, its ledger, and one-time codes for its first two "
        "administrators, printed once.",
    )
    _list_command(command)
    command("controller", _controller, "Run the controller: devices, rules, ledger. No network.")
    screen = command("touchscreen", _touchscreen, "Serve the touchscreen on the loopback port.")
    screen.add_argument(
        "--port",
        type=whole(1024, 65_535),
        metavar="PORT",
        help="1024 to 65535, instead of touchscreen.port of the file",
    )
    screen.add_argument(
        "--launch-file",
        type=Path,
        metavar="FILE",
        help="where the kiosk finds its one-time launch page (needed unless the cabinet is a demo)",
    )
    console = command("console", _console, "Serve the maintenance console on a serial line.")
    console.add_argument("--tty", required=True, metavar="DEVICE", help="such as /dev/ttyUSB0")
    command("gateway", _gateway, "Carry the controller's requests to the ledger's witnesses.")
    command("status", _status, "Say in a few lines what the ledger holds and what is open.")
    _evidence_commands(command)
    system = command("system", _system, "What the units of the system run for the console.")
    system.add_argument("what", choices=("logs", "network", "bundle", "usb"))
    keys = command("keys", _keys, "Replace a key, while the controller is stopped.")
    keys.add_argument("act", choices=("rotate",))
    which = keys.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--database", action="store_true", help="the key that the ledger is encrypted with"
    )
    which.add_argument("--signing", action="store_true", help="the key that signs its heads")
    recover = command("recover", _recover, "What takes two people and the two recovery cards.")
    what = recover.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--accept-rollback", action="store_true", help="accept a ledger that was rolled back"
    )
    again = "let two people enrol again whose badges are gone or locked"
    what.add_argument("--enrol-again", action="store_true", help=again)
    clock = "attest the clock, after one that was far ahead ended what it should not"
    what.add_argument("--clock", action="store_true", help=clock)
    what.add_argument(
        "--database-key",
        type=Path,
        metavar="FILE",
        help="write the database key, from the escrow beside the ledger, into a new file",
    )
    _erasing_commands(command)
    return parser


Command = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def _list_command(command: Command) -> None:
    lists = command("import", _import, "Take formulary, people, patients and orders, or staff.")
    lists.add_argument(
        "kind", nargs="?", choices=("staff",), metavar="staff", help="a signed staff list alone"
    )
    lists.add_argument(
        "path",
        type=Path,
        metavar="DIR|FILE",
        help="with the .csv files, or the staff list that has its signed .note beside it",
    )


def _erasing_commands(command: Command) -> None:
    kept = command("retention", _retention, "Say what is kept for how long, and what is past it.")
    kept.add_argument("--list", action="store_true", help="name what is past its term")
    erase = command("erase", _erase, "Erase names and details past their term; entries stay.")
    erase.add_argument("names", nargs="*", metavar="HASH", help="attachments, by hash")
    erase.add_argument("--due", action="store_true", help="all that are past their term")
    erase.add_argument(
        "--reason",
        required=True,
        metavar="WORD",
        help="why, for the entry: term_over, lawful_order, right or mistake",
    )
    erase.add_argument(
        "--lawful-order",
        default="",
        metavar="REFERENCE",
        help="before the term, only by this; no names",
    )


def _evidence_commands(command: Command) -> None:
    verify = command("verify", _verify, "Prove the ledger whole and replay it by the rules.")
    verify.add_argument("--json", action="store_true", help="print one JSON object")
    verify.add_argument(
        "--workers",
        type=whole(1, 16),
        default=1,
        metavar="N",
        help="1 to 16 processes",
    )
    verify.add_argument(
        "--quick", action="store_true", help="leave out the order of the entries' pages on disk"
    )
    verify.add_argument(
        "--answer", type=Path, metavar="FILE", help="also tell the console by this file"
    )
    out = command("export", _export, "Write evidence that `python -m ledger.verify` checks.")
    out.add_argument("folder", type=Path, metavar="DIR", help="a new directory")
    for name, which in (("--since", "first"), ("--until", "last")):
        out.add_argument(
            name,
            default="",
            metavar="WHEN",
            help=f"the {which} entry's number, or day (2026-11-22)",
        )
    out.add_argument(
        "--with-attachments",
        action="store_true",
        help="also names and details of the people and patients that these entries speak of",
    )
    proof = command("receipt", _receipt, "Write the proof that one entry is in the ledger.")
    proof.add_argument(
        "entry", type=whole(1, (1 << 63) - 1), metavar="N", help="the entry's number"
    )
    proof.add_argument("--out", type=Path, metavar="FILE", help="a new file, instead of stdout")
    command("vkey", _vkey, "Print the public keys of the ledger's heads: Ed25519, ML-DSA-44.")
    report = command("report", _report, "Print a report from the ledger.")
    report.add_argument(
        "name",
        choices=("removals", "access", "people", "proofs", "overrides", "visits"),
        help="what was removed, what each person may do, how that changed, how often a PIN stood "
        "in for a finger, what was done without an order, what technicians did and replaced",
    )
    assess = command("assess", _assess, "List what a person should look at, from the ledger.")
    assess.add_argument(
        "what",
        choices=("access",),
        help="accounts that are shared, stale, over-privileged, never used or soon expiring",
    )
    for printed in (report, assess):
        printed.add_argument("--format", choices=("text", "csv", "json"), default="text")
        printed.add_argument(
            "--no-names",
            action="store_true",
            help="references instead of people's and patients' names",
        )


def _log() -> None:
    when = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "  # a journal knows when
    line = f"{when}%(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=line, datefmt="%Y-%m-%dT%H:%M:%S%z")
    logging.getLogger("transitions").setLevel(logging.WARNING)  # a line for each step otherwise


def _load(arguments: argparse.Namespace) -> tuple[Configuration, Path]:
    file = arguments.config
    return site.load(file), file.resolve().parent


def load_keys(configuration: Configuration, folder: Path) -> Keys:
    """The keys in force."""
    from cabinet import provision

    return provision.load_keys(configuration, folder)


def _check_config(arguments: argparse.Namespace) -> int:
    configuration, _ = _load(arguments)
    drawers = configuration.drawer
    pockets = sum(len(drawer.pocket) for drawer in drawers)
    print(f"{arguments.config}: right. {len(drawers)} drawers, {pockets} pockets.")
    return 0


def _init(arguments: argparse.Namespace) -> int:
    from cabinet import provision, words

    configuration, folder = _load(arguments)
    made = provision.create(configuration, folder)
    print(f"Made cabinet {configuration.cabinet.id} in {folder}.")
    print("One-time codes for the first two administrators, one for each of two people.")
    print("They are not shown again. At the screen: press “I have a code”.\n")
    for code in made.codes:
        print(f"    {code}")
    print(
        "\nTwo recovery cards, one for each of two other people: write them down, lock them away."
    )
    print("Both are needed to accept a ledger that was rolled back, or to read it without its Pi.")
    print("They are not shown again, and are nowhere else.")
    for number, card in enumerate(made.cards, 1):
        print(f"\n    Recovery card {number} of 2, cabinet {configuration.cabinet.id}")
        for line in words.lines(card):
            print(f"    {line}")
    print(f"\nThe key that proves this cabinet's ledger: {made.verifier}")
    print(
        "Give it, and the second one that `cabinet vkey` prints, to whoever will check the ledger."
    )
    return 0


def _vkey(arguments: argparse.Namespace) -> int:
    from cabinet import provision

    configuration, folder = _load(arguments)
    keys = load_keys(configuration, folder)
    print(provision.signer(configuration, keys).vkey)
    print(provision.cosigner(configuration, keys).vkey)
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from auth.pins import keyed_hash
    from cabinet import incoming_lists, offline
    from cabinet.events import Import

    configuration, folder = _load(arguments)
    keys = load_keys(configuration, folder)
    keyed = partial(keyed_hash, keys.pepper)
    alone = arguments.kind == "staff"
    events = incoming_lists.read(configuration, arguments.path, keyed, staff_alone=alone)
    with offline.opened(configuration, folder, keys, "import") as cabinet:
        outcomes = [(event, cabinet.step(event)) for event in events]
    for event, outcome in outcomes:
        for line in outcome.report:
            print(line)
        if isinstance(event, Import) and not outcome.refusal:
            print(
                f"Taken: {len(event.medicines)} medicines, {len(event.people)} people, "
                f"{len(event.patients)} patients, {len(event.orders)} orders."
            )
    refusals = [outcome.refusal for _, outcome in outcomes if outcome.refusal]
    if refusals:
        raise Failed(" ".join(refusals))
    return 0


def _retention(arguments: argparse.Namespace) -> int:
    import time

    from cabinet import retention
    from cabinet.journal import replay
    from ledger.store import Store

    configuration, folder = _load(arguments)
    keys = load_keys(configuration, folder)
    with Store.open(folder / configuration.paths.ledger, keys.ledger, read_only=True) as store:
        state = replay(store)
    now_ms = int(time.time() * 1000)
    past = retention.due(state, now_ms) if arguments.list else []
    print("\n".join((*retention.summary(state, now_ms), *past)))
    return 0


def _erase(arguments: argparse.Namespace) -> int:
    from cabinet import offline, retention
    from cabinet.events import Erase

    configuration, folder = _load(arguments)
    keys = load_keys(configuration, folder)
    with offline.opened(configuration, folder, keys, "erase") as cabinet:
        names = tuple(arguments.names)
        if arguments.due:
            names += tuple(retention.due(cabinet.engine.state, cabinet.now_ms()))
        names = names[: retention.MAX_AT_ONCE]
        if not names:
            print("Nothing is past its term.")
            return 0
        why = (arguments.reason, arguments.lawful_order)
        numbers = offline.numbers(cabinet.engine.state, keys, names)
        outcome = cabinet.step(Erase(names, *why, numbers))
    if outcome.refusal:
        raise Failed(outcome.refusal)
    print(f"Erased: {len(names)} attachments, of at most {retention.MAX_AT_ONCE} at a time.")
    return 0


def _controller(arguments: argparse.Namespace) -> int:
    from cabinet import controller

    _log()
    configuration, folder = _load(arguments)
    keys = load_keys(configuration, folder)
    controller.serve(configuration, folder, keys)
    return 0


def _gateway(arguments: argparse.Namespace) -> int:
    from cabinet import gateway

    _log()
    configuration, folder = _load(arguments)
    if not configuration.witness:
        raise Failed(f"{arguments.config}: witness: there is none, so nothing to carry")
    gateway.serve(folder / configuration.paths.gateway, configuration.witness)
    return 0


def _console(arguments: argparse.Namespace) -> int:
    from cabinet.console import program

    _log()
    configuration, folder = _load(arguments)
    program.serve(arguments.tty, folder / configuration.paths.console)
    return 0


def _touchscreen(arguments: argparse.Namespace) -> int:
    from cabinet.touchscreen import server

    _log()
    configuration, folder = _load(arguments)
    if arguments.launch_file is None and not configuration.cabinet.demo:
        raise Failed("--launch-file is needed: only a demo's screen opens without a launch page")
    server.serve(
        folder / configuration.paths.run / "screen.sock",
        arguments.port or configuration.touchscreen.port,
        launch_file=arguments.launch_file,
    )
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from cabinet import provision
    from cabinet.journal import replay
    from cabinet.reports import local_time
    from ledger.store import Store

    configuration, folder = _load(arguments)
    keys = load_keys(configuration, folder)
    anchors = provision.anchors(configuration, folder).read()  # before what goes on growing
    store = Store.open(folder / configuration.paths.ledger, keys.ledger, read_only=True)
    try:
        state = replay(store)
        head = store.newest_head()
        doubts = provision.doubted(anchors, store, state, provision.signer(configuration, keys))
        witnessed = provision.witnessed(configuration, store)
    finally:
        store.close()
    enrolled = sum(1 for person in state.people.values() if person.enrolled)
    print(f"Cabinet {state.cabinet} ({state.name}){', a demo' if state.demo else ''}")
    print(f"Ledger: {state.size} entries, the last at {local_time(state.last_wall_ms)}")
    print(f"Newest signed head: {head.size if head else 'none yet'}")
    print(f"Heads kept outside: {'; '.join(map(str, doubts)) or 'continued by this ledger'}")
    for name, size in witnessed:
        print(f"Witness {name}: cosigned up to entry {size}")
    if state.accepted:
        print(f"Rollbacks: {len(state.accepted)} kept heads not continued, as two people accepted")
    print(f"People: {enrolled} enrolled of {len(state.people)}")
    if not state.in_service:
        print("Not in service: the first two administrators must enrol with their codes.")
    print(f"Open removals: {len(state.removals)}")
    print(f"Open discrepancies: {len(state.discrepancies)}")
    due = [pocket.plan.id for pocket in state.pockets.values() if pocket.count_due]
    print(f"Pockets to count: {', '.join(due) or 'none'}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from cabinet.system_commands import Proof
    from cabinet.verification import verify

    configuration, folder = _load(arguments)
    proof = Proof(arguments.answer)
    try:
        findings, replayed = verify(
            configuration,
            folder,
            load_keys(configuration, folder),
            workers=arguments.workers,
            quick=arguments.quick,
            progress=proof.progress,
        )
    except BaseException:
        proof.failed()
        raise
    proof.found(findings)
    if arguments.json:
        wrong = [str(problem) for problem in findings.problems]
        told = {
            "good": findings.good,
            "entries": findings.entries,
            "heads": findings.heads,
            "cosignatures": findings.cosignatures,
            "attachments": findings.attachments,
            "root": findings.root.hex(),
            "replay": replayed,
            "wrong": wrong,
        }
        print(json.dumps(told, indent=2))
    else:
        print("\n".join((replayed, *findings.lines())))
    return 0 if findings.good else 1


def _system(arguments: argparse.Namespace) -> int:
    from cabinet import system_commands

    configuration, folder = _load(arguments)
    told = system_commands.run(configuration, folder, arguments.what)
    print(f"{arguments.what}: {told.outcome} {told.words}".rstrip())
    return 0 if told.outcome == "ok" else 1


def _export(arguments: argparse.Namespace) -> int:
    from cabinet import evidence

    configuration, folder = _load(arguments)
    done = evidence.write_export(
        configuration,
        folder,
        load_keys(configuration, folder),
        arguments.folder,
        since=arguments.since,
        until=arguments.until,
        with_attachments=arguments.with_attachments,
    )
    print(f"{arguments.folder}: entries {done.first} to {done.last}, under a head of {done.size}.")
    print(f"Attachments: {done.attachments}, as asked." if done.attachments else "No attachments.")
    if done.uncovered:
        print(f"{done.uncovered} entries are newer than the newest signed head; not exported.")
    print("To check it: python -m ledger.verify", arguments.folder)
    return 0


def _receipt(arguments: argparse.Namespace) -> int:
    from cabinet import evidence

    configuration, folder = _load(arguments)
    text = evidence.write_receipt(
        configuration, folder, load_keys(configuration, folder), arguments.entry
    )
    if arguments.out is None:
        print(text, end="")
        return 0
    evidence.write_new(arguments.out, text)
    print("To check it: python -m ledger.verify", arguments.out, "--vkey FILE")
    print("with what `cabinet vkey` prints in FILE.")
    return 0


def _keys(arguments: argparse.Namespace) -> int:
    from cabinet import rotation

    configuration, folder = _load(arguments)
    if arguments.database:
        rotation.database(configuration, folder)
        print("The ledger has a new database key; so has its escrow. Copy the escrow with it.")
        return 0
    verifier = rotation.signing(configuration, folder)
    print(f"Heads are signed by a new key from now on: {verifier}")
    print("Give it to whoever checks the ledger, and to its witnesses, who refuse it until then.")
    return 0


def _recover(arguments: argparse.Namespace) -> int:
    from cabinet import recovery
    from cabinet.terminal import StandardTerminal

    configuration, folder = _load(arguments)
    terminal = StandardTerminal()
    if arguments.database_key is not None:
        recovery.database_key(configuration, folder, arguments.database_key, terminal)
        print(f"The database key is in {arguments.database_key}.")
        return 0
    if arguments.enrol_again:
        entry = recovery.enrol_again(configuration, folder, terminal)
        print(f"Recorded as entry {entry}. Start the controller; each enrols with their code.")
        return 0
    if arguments.clock:
        entry = recovery.put_clock_right(configuration, folder, terminal)
        print(f"Recorded as entry {entry}. Start the controller.")
        return 0
    entry = recovery.accept_rollback(configuration, folder, terminal)
    print(f"Recorded as entry {entry}. Start the controller; then count every pocket.")
    print("The keeper of each witness must let the log begin again: see docs/recovery.md.")
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from cabinet import report_commands

    configuration, folder = _load(arguments)
    return report_commands.report(
        configuration,
        folder,
        load_keys(configuration, folder),
        arguments.name,
        arguments.format,
        names=not arguments.no_names,
    )


def _assess(arguments: argparse.Namespace) -> int:
    from cabinet import report_commands

    configuration, folder = _load(arguments)
    return report_commands.assess_access(
        configuration,
        folder,
        load_keys(configuration, folder),
        arguments.format,
        names=not arguments.no_names,
    )


if __name__ == "__main__":
    sys.exit(main())
