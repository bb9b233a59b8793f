"""`python -m sim --seed 42 --days 7`: tell one story, show how far it is, and sum it up.

Not for what happens in it (`story.py`). One rule: it ends with 0 only when no invariant was
violated; a failure says the seed, the step, the commit and the one command that tells it again.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cabinet import configuration as site
from cabinet import keys as key_files
from cabinet import provision
from cabinet.arguments import whole
from cabinet.evidence import write_export
from ledger.store import Store
from sim import story
from sim.diverter import SCHEMES
from sim.errors import SimulatorError
from sim.plan import Plan, Told
from sim.story import commit

BAR = 30
SOAKED = (  # a usual day, a bad one, one in which everything goes wrong, and one of strangers
    Plan(0),
    Plan(0, days=0.5, accesses_a_day=500, fault_rate=4.0, mistake_rate=4.0),
    Plan(0, days=0.25, accesses_a_day=800, fault_rate=8.0),
    Plan(0, accesses_a_day=100, fault_rate=4.0, trespass_rate=10.0, service_rate=10.0),
)
SOAK_FOUND = Path("build/soak.jsonl")
MOST_SHRINKS = 12
MOST_ACCESSES, MOST_TIMES = 5000, 100.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The story's own options."""
    parser.add_argument("--seed", type=int, help="what everything follows from")
    parser.add_argument("--days", type=float, default=1.0, help="how long (default: 1)")
    parser.add_argument(
        "--accesses",
        type=whole(0, MOST_ACCESSES),
        default=250,
        metavar=f"0..{MOST_ACCESSES}",
        help="meant for a day (default: 250)",
    )
    for name, words in (
        ("--faults", "times the usual (default: 1)"),
        ("--mistakes", "of people (default: 1)"),
        ("--trespasses", "on access (default: 1)"),
        ("--services", "of technicians at the console (default: 1)"),
    ):
        parser.add_argument(name, type=_rate, default=1.0, metavar=f"0..{MOST_TIMES:g}", help=words)
    parser.add_argument("--diverter", choices=SCHEMES, default="", help="who keeps medicines, how")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="seed after seed, so long")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    parser.add_argument("--trace", action="store_true", help="the story itself, a line each")
    parser.add_argument("--shrink", action="store_true", help="a failing seed's shortest story")
    parser.add_argument("--config", type=Path, help="a site's own cabinet.toml")
    parser.add_argument("--export", type=Path, help="leave export and cabinet here")


def _rate(text: str) -> float:
    """How many times the usual."""
    rate = float(text)
    if not 0.0 <= rate <= MOST_TIMES:
        raise ValueError
    return rate


def tell(arguments: argparse.Namespace) -> int:
    """Tell it as the command line says; the exit status."""
    plan = Plan(
        arguments.seed,
        arguments.days,
        accesses_a_day=arguments.accesses,
        fault_rate=arguments.faults,
        mistake_rate=arguments.mistakes,
        trespass_rate=arguments.trespasses,
        service_rate=arguments.services,
        diverter=arguments.diverter,
        config=str(arguments.config or ""),
    )
    if arguments.export is not None and arguments.export.exists():
        raise SimulatorError(f"{arguments.export} exists already; choose a folder that does not")
    with tempfile.TemporaryDirectory(prefix="adc-sim-", dir=story.in_memory()) as scratch:
        template = story.default_template(Path(scratch), arguments.config)
        quiet = arguments.json or arguments.trace or not sys.stderr.isatty()
        keep = arguments.export / "cabinet" if arguments.export is not None else None
        told = story.run(
            plan,
            template,
            tell=(lambda line: print(line, flush=False)) if arguments.trace else None,
            progress=None if quiet else _bar,
            keep=keep,
        )
        if arguments.shrink and told.violations:
            told = shrink(plan, told, lambda smaller: story.run(smaller, template))
    if keep is not None:
        _export(keep, arguments.export)
    if arguments.json:
        print(json.dumps(as_json(told), indent=2))
    elif not arguments.trace:
        print(summary(told))
    if told.violations:
        print(failure(told), file=sys.stderr)
        return 1
    return 0


def soak(minutes: float, first: int, found: Path) -> int:
    """Seed after seed; a line of `found` for each, and a failure said at once; the exit status."""
    found.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + minutes * 60
    failed = told_of = 0
    with tempfile.TemporaryDirectory(prefix="adc-sim-", dir=story.in_memory()) as scratch:
        template = story.default_template(Path(scratch))
        with found.open("a", encoding="utf-8") as lines:
            while time.monotonic() < end:
                plan = SOAKED[told_of % len(SOAKED)]
                told = story.run(replace(plan, seed=first + told_of), template)
                told_of += 1
                lines.write(json.dumps(as_json(told)) + "\n")
                lines.flush()
                if told.violations:
                    failed += 1
                    print(failure(told), file=sys.stderr, flush=True)
    print(f"{told_of} seeds from {first} on, {failed} with violations; all in {found}")
    return 1 if failed else 0


def _bar(share: float) -> None:
    done = round(share * BAR)
    end = "\n" if share >= 1 else ""
    print(f"\r  [{'#' * done}{'.' * (BAR - done)}] {share:4.0%}", end=end, file=sys.stderr)


def shrink(plan: Plan, failed: Told, again: Callable[[Plan], Told]) -> Told:
    """The same seed with less of everything, as long as the same invariant still breaks."""
    found, wanted = failed, failed.violations[0].invariant
    smaller: list[Callable[[Plan], Plan]] = [
        lambda it: replace(it, fault_rate=it.fault_rate / 2),
        lambda it: replace(it, accesses_a_day=max(2, it.accesses_a_day // 2)),
        lambda it: replace(it, fault_rate=0.0),
        lambda it: replace(it, days=max(0.05, it.days / 2)),
    ]
    for make in smaller:
        for _ in range(MOST_SHRINKS):
            plan_now = make(found.plan)
            if plan_now == found.plan:
                break
            told = again(plan_now)
            if not told.violations or told.violations[0].invariant != wanted:
                break
            found = told
    return found


def as_json(told: Told) -> dict[str, object]:
    """The figures that other programs read."""
    return {
        "seed": told.plan.seed,
        "days": told.plan.days,
        "accesses": told.accesses,
        "faults": told.faults,
        "power_cuts": told.power_cuts,
        "diverter": told.plan.diverter,
        "diverted": told.people["diverted"],
        "invariant_checks": told.checks,
        "violations": [str(violation) for violation in told.violations],
        "steps": told.steps,
        "entries": told.entries,
        "root": told.root,
        "bodies_sha256": told.bodies_sha256,
        "trace_sha256": told.trace_sha256,
        "restarts": told.restarts,
        "speedup": round(told.speedup),
        "accesses_per_s": round(told.accesses_per_s, 1),
        "set_aside": told.set_aside,
        "memory_mib": [round(mib, 1) for mib in told.memory_mib],
        "commit": commit(),
    }


def summary(told: Told) -> str:
    """The same for people."""
    people = told.people
    lines = [
        f"Seed {told.plan.seed}: {told.plan.days:g} day(s) in {told.took_s:.1f} s of one core, "
        f"{told.speedup:,.0f} times real time",
        f"  People      {people['visits']} visits, {told.accesses} accesses: "
        f"{people['removals']} removals, {people['loads']} loads, {people['counts']} counts",
        f"              {people['given']} given, {people['wasted']} wasted, "
        f"{people['returned']} returned",
        f"  Patients    {people['admitted']} admitted, {people['moved']} moved, "
        f"{people['discharged']} discharged",
        f"  Faults      {sum(told.faults.values())} of {len(told.faults)} sorts survived; "
        f"{told.power_cuts} power cuts, {told.restarts} starts",
        f"  Checked     {told.checks:,} invariants, {told.accesses_per_s:.0f} accesses a second; "
        f"slowest step {told.slowest_s * 1000:.0f} ms",
        f"  Ledger      {told.entries:,} entries, root {told.root[:16]}",
        f"  Memory      {told.memory_mib[1]:.0f} MiB at the end, "
        f"{told.memory_mib[1] - told.memory_mib[0]:+.1f} since the first day",
    ]
    if told.plan.diverter:
        words = SCHEMES[told.plan.diverter].words
        lines.append(f"  Diverter    {words}: {people['diverted']} units")
    if told.set_aside:
        aside = ", ".join(f"{words} ({count})" for words, count in told.set_aside.items())
        lines.append(f"  Set aside   {aside}")
    if told.gave_up:
        why = ", ".join(f"{words} ({count})" for words, count in told.gave_up.items())
        lines.append(f"  Gave up     {why}")
    if not told.violations:
        lines.append("  No invariant was violated.")
    return "\n".join(lines)


def failure(told: Told) -> str:
    """What did not hold, and how to see it again."""
    lines = [f"VIOLATED, seed {told.plan.seed}, step {told.steps}, commit {commit()}:"]
    lines += [f"  {violation}" for violation in told.violations]
    lines.append(f"  again: {told.plan.command()} --trace | tail -n 60")
    return "\n".join(lines)


def _export(cabinet: Path, folder: Path) -> None:
    """What an auditor would get, beside the whole cabinet that it comes from."""
    configuration = site.load(cabinet / "cabinet.toml")
    keys = key_files.load(cabinet / configuration.paths.keys)
    with Store.open(cabinet / configuration.paths.ledger, keys.ledger) as store:
        signed = store.sign_head(provision.signer(configuration, keys))
        if signed is not None:
            provision.anchors(configuration, cabinet).keep(signed.note)
        store.checkpoint()
    write_export(configuration, cabinet, keys, folder / "export")
