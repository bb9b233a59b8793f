"""`ready_s` and `controller_rss_mb`: how soon the controller serves, and how much memory it takes.

Measured on the shipped program, with the demo cabinet's devices answering over their ports.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sim.cabinet import SimulatedCabinet
from tests.bench.cabinet_process import ControllerProcess, demo
from tests.bench.figures import Figure, interleaved, percentile
from tests.demo import person, until

STARTS = 9
MOST_READY_S = 2.0
MOST_RSS_MB = 90.0


def _bare_start() -> float:
    """Seconds for Python to start and end with nothing to do."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


def measure() -> list[Figure]:
    """Both figures, from the same cabinet."""
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder) / "demo") as (cabinet, process):

        def start() -> float:
            process.stop()
            return process.start()

        starts, bare = interleaved(STARTS, start, _bare_start)
        peak = _peak_of_the_main_job(cabinet, process)
    ready, python = percentile(starts, 50), percentile(bare, 50)
    return [
        Figure(
            *("ready_s", ready, "s", python, len(starts)),
            "median from exec to READY=1; baseline: Python alone starts and ends; slowest "
            f"{max(starts):.2f} s",
            MOST_READY_S,
        ),
        Figure(
            *("controller_rss_mb", peak, "MB", None, 1),
            "VmHWM after the main job with a finger, and a sign-in by PIN (Argon2id), sensor down",
            MOST_RSS_MB,
        ),
    ]


def _peak_of_the_main_job(cabinet: SimulatedCabinet, process: ControllerProcess) -> float:
    """The controller's peak memory after a nurse did her work at it."""
    nurse, world = person("Amina"), cabinet.world
    line = process.screen()
    line.sees("rest")
    cabinet.present(nurse.badge)
    line.sees("finger")
    world.touch(nurse.fingers[0])
    line.sees("patients")
    world.touch(None)
    line.does(line.find("WHITCOMBE"))
    line.sees("orders")
    line.does(line.find("oxyCODONE"))
    line.sees("order")
    line.does("open")
    until(lambda: world.pull("D1"))
    line.sees("count")
    line.does("count", str(sum(world.tablets("D1-1").values())))
    line.sees("take")
    world.take("D1-1", 2)
    until(lambda: world.push("D1") and world.drawer("D1").hook_engaged)  # once the coil is off
    line.sees("taken")
    line.does("sign_out")
    line.sees("rest")
    cabinet.unplug("fingerprint")  # only then a PIN stands in for her finger
    cabinet.present(nurse.badge)
    line.sees("pin")
    line.does("pin", nurse.pin)
    line.sees("patients")
    peak = process.peak_mb()
    line.close()
    return peak
