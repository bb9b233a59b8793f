"""`make bench`: prints the figures as a table and writes them to build/bench.json."""

import argparse
import json
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import beside, console, controller, ledger, press, ready, signin, simulation
from tests.bench.figures import Figure

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "build" / "bench.json"
AT_MOST_S = 600.0
COLUMNS = 100

# What measures -> the figures it gives.
SOURCES: dict[Callable[[], list[Figure]], tuple[str, ...]] = {
    press.press_to_pulse: ("press_to_pulse_p50_ratio", "press_to_pulse_p99_ratio"),
    press.http_leg: ("http_leg_p50_ms",),
    signin.measure: (signin.NAME,),
    controller.measure: ("ready_s", "controller_rss_mb"),
    ready.measure: ("ready_1m_s",),
    ledger.small: ("append_ratio_10k", "append_ratio_100k", "append_signed16_ratio"),
    ledger.million: (
        *("append_ratio_1m", "verify_ratio", "verify_2workers_ratio", "verify_rss_mb"),
        *("inclusion_proof_ms", "consistency_proof_ms", "proof_verify_us"),
    ),
    console.measure: ("console_echo_p95_ms",),
    beside.measure: beside.NAMES,
    simulation.measure: ("sim_accesses_per_s", "sim_speedup"),
}


def rounded(value: float | None) -> str:
    """At most four digits that matter."""
    return "-" if value is None else f"{value:.4g}"


def table(figures: Sequence[Figure]) -> list[str]:
    """The figures, one a line, each followed by how it was measured."""
    heading = ("figure", "value", "unit", "at most", "baseline", "rounds", "")
    rows = [
        (
            *(f.name, rounded(f.value), f.unit, rounded(f.most), rounded(f.baseline)),
            *(str(f.rounds), "OVER" if f.over else ""),
        )
        for f in figures
    ]
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    lines = []
    for index, row in enumerate((heading, *rows)):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
        if index:
            how = textwrap.wrap(figures[index - 1].how, COLUMNS - 4)
            lines += [f"    {line}" for line in how]
    return lines


def as_json(figures: Sequence[Figure]) -> str:
    """The list that other programs read."""
    fields = ("name", "value", "unit", "baseline", "rounds")
    return json.dumps([{name: getattr(f, name) for name in fields} for f in figures], indent=2)


def main() -> int:
    """The command line; 1 when it was not done in time, 2 for a figure that does not exist."""
    names = sorted(name for found in SOURCES.values() for name in found)
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", metavar="NAME", choices=names, help=f"one of {', '.join(names)}")
    only = parser.parse_args().only
    began = time.monotonic()
    figures = [
        figure
        for measure, found in SOURCES.items()
        if only is None or only in found
        for figure in measure()
        if only in (None, figure.name)
    ]
    took = time.monotonic() - began
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(as_json(figures) + "\n")
    print("\n".join(table(figures)))
    print(f"\n{len(figures)} figures in {took:.0f} s, also in {RESULTS.relative_to(ROOT)}")
    if took > AT_MOST_S:
        print(f"that is over {AT_MOST_S:.0f} s", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
