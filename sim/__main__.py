"""`python -m sim run`: the simulated cabinet for people, with its touchscreen and its bench.

The world, the emulators and the bench are this process; the controller and the touchscreen are the
shipped programs, run as its children. Without `run` it is a story under virtual time (`run.py`).
One rule: a power cut kills the controller, not the world.
"""

import argparse
import fcntl
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cabinet import configuration as site
from cabinet.arguments import whole
from cabinet.configuration import ConfigurationError
from cabinet.keys import KeyProblem
from cabinet.machines import CorruptLedger
from ledger.errors import LedgerError
from sim import demo_cabinet
from sim import run as story
from sim.bench.server import Bench
from sim.cabinet import SimulatedCabinet
from sim.cable import SerialCable
from sim.errors import SimulatorError
from sim.people import NEWCOMER, PEOPLE, TECHNICIAN
from sim.phone import STEP_S
from sim.supervisor import Child, Supervisor
from sim.technicians import SERVICE, VENDOR, demo_certificate, demo_phone

LOOK_EVERY_S = 0.1


class ControllerPower:
    """The bench's power switch: the controller dies with the mains and starts with it."""

    def __init__(self, controller: Child) -> None:
        self._controller = controller

    def cut(self) -> None:
        self._controller.kill()

    def restore(self) -> None:
        self._controller.start()

    def is_on(self) -> bool:
        return self._controller.wanted


def _free(port: int, setting: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise SimulatorError(
                f"port {port} is in use; choose another one: make run {setting}={port + 100}"
            ) from None


def _listens(port: int) -> bool:
    """Whether the touchscreen can be opened already."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One world a folder: two would each take the other's drawers, sensors and sockets."""
    with (folder / "running.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SimulatorError(
                f"{folder}: runs already; stop it there (Ctrl-C), or make another cabinet: "
                f"make run DEMO={folder.name}2 PORT=8180 BENCH_PORT=8181"
            ) from None
        yield


def run(folder: Path, port: int, bench_port: int) -> None:
    """Serve the demo cabinet in `folder`, made if it is not there, until Ctrl-C."""
    if port == bench_port:
        raise SimulatorError(f"PORT and BENCH_PORT are both {port}; choose two")
    if folder.exists() and not folder.is_dir():
        raise SimulatorError(f"{folder}: is no folder; choose another one: make run DEMO=demo2")
    if not (folder / "cabinet.toml").exists():
        _free(port, "PORT")
        _free(bench_port, "BENCH_PORT")
        print(f"Making the demo cabinet in {folder} …", flush=True)
        demo_cabinet.make(folder)
    with _alone(folder):
        _free(port, "PORT")
        _free(bench_port, "BENCH_PORT")
        _serve(folder, port, bench_port)


def _serve(folder: Path, port: int, bench_port: int) -> None:
    configuration = site.load(folder / "cabinet.toml")
    cabinet = SimulatedCabinet(folder, configuration)
    config = ["--config", str(folder / "cabinet.toml")]
    controller = Child(
        "controller", ["controller", *config], folder, CABINET_SIM_SOCKET=str(cabinet.socket)
    )
    touchscreen = Child("touchscreen", ["touchscreen", *config, "--port", str(port)], folder)
    run_folder = folder / configuration.paths.run
    run_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    cable = SerialCable(run_folder / "console-tty", run_folder / "laptop")
    console = Child("console", ["console", *config, "--tty", str(cable.cabinet_end)], folder)
    bench = Bench(cabinet, ControllerPower(controller), bench_port, port)
    supervisor = Supervisor(folder, configuration, controller, touchscreen)
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    cabinet.start()
    try:
        bench.start()
        if cabinet.world.view().mains:
            controller.start()
        touchscreen.start()
        console.start()
        told = False
        while not ending.wait(LOOK_EVERY_S):
            if not told and _listens(port):
                _tell(folder, port, bench_port, cable.laptop_end)
                told = True
            controller.look()
            touchscreen.look()
            console.look()
            supervisor.look()
    finally:
        for it in (supervisor, console, touchscreen, controller, bench, cabinet):
            it.stop()
        cable.close()
    print("\nStopped. The cabinet and its world are kept; `make run` goes on with them.")


def _tell(folder: Path, port: int, bench_port: int, laptop: Path) -> None:
    certificate = demo_certificate(folder)
    nurse = next(person for person in PEOPLE if person.role == "nurse")
    command = Path(sys.executable).with_name("cabinet")
    other = [person for person in PEOPLE if person.role == "nurse"][1]
    admin = next(person for person in PEOPLE if person.role == "administrator")
    charge = next(person for person in PEOPLE if person.role == "charge_nurse")
    pin = _by_pin(folder)
    print(
        f"""
  Touchscreen   http://127.0.0.1:{port}/
  Bench         http://127.0.0.1:{bench_port}/   (the cabinet's physical side)
  Console       picocom -b 115200 {laptop}
                KEY-cert.pub of {TECHNICIAN.name}, a service technician: {certificate}
                its bundles: age --decrypt -i {folder / SERVICE / VENDOR} FILE | gunzip{pin}

  Try:
  1. On the bench, hold {nurse.name}'s badge to the reader, then put a finger of hers on the sensor.
  2. On the touchscreen, choose a patient and an order, open the drawer; count, take, push it shut.
  3. Give one, waste one with {other.name} as the witness; then, in another terminal:
     {command} report removals --config {folder / "cabinet.toml"}
  4. As {admin.name}, add {NEWCOMER.name} under People, who is nobody yet, and issue her code.
     {charge.name} enrols her with it: Tasks, Enrol somebody; badge, PIN, fingers.

  Ctrl-C stops everything.""",
        flush=True,
    )


def _by_pin(folder: Path) -> str:
    """How the technician signs in at the console without a key; "" of an older demo."""
    if demo_phone(folder) is None:
        return ""
    return f"""
                or his number {TECHNICIAN.staff_id}, PIN {TECHNICIAN.pin}, and a code of his app:
                {sys.executable} -m sim code --folder {folder}"""


def _show_code(folder: Path) -> None:
    """What the technician's phone shows now."""
    phone = demo_phone(folder)
    if phone is None:
        raise SimulatorError(f"{folder}: no technician has an app there; make another demo")
    print(f"{phone.code()}   good for {STEP_S - int(time.time()) % STEP_S} s, and once")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m sim",
        description="The simulated cabinet: days of a ward and its faults within seconds, or `run` "
        "for people to play with.",
    )
    story.add_arguments(parser)
    commands = parser.add_subparsers(dest="command")
    serve = commands.add_parser("run", help="the demo cabinet with its touchscreen and bench")
    serve.add_argument("--folder", type=Path, default=Path("demo"))
    for name, port in (("--port", 8080), ("--bench-port", 8081)):
        serve.add_argument(name, type=whole(1024, 65_535), default=port, metavar="1024..65535")
    code = commands.add_parser("code", help="the code of the demo's service technician's app")
    code.add_argument("--folder", type=Path, default=Path("demo"))
    arguments = parser.parse_args()
    running = arguments.command is not None
    said_by = "make run" if arguments.command == "run" else "python -m sim"
    level = logging.WARNING if running else logging.CRITICAL  # in a story what goes wrong is meant
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    if not running and arguments.seed is None and arguments.soak is None:
        parser.error("say --seed NUMBER for a story, or `run` for the simulated cabinet")
    try:
        if not running and arguments.soak is not None:
            first = arguments.seed if arguments.seed is not None else int(time.time())
            return story.soak(arguments.soak, first, story.SOAK_FOUND)
        if not running:
            return story.tell(arguments)
        folder = arguments.folder.resolve()
        if arguments.command == "code":
            _show_code(folder)
        else:
            run(folder, arguments.port, arguments.bench_port)
    except BrokenPipeError:  # whoever read the story has read enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # the system says no: to which file, if it says so
        file = error.filename2 or error.filename or (arguments.folder if running else "a file")
        print(f"{said_by}: {file}: {error.strerror or error}", file=sys.stderr)
        return 1
    except (SimulatorError, ConfigurationError, LedgerError, KeyProblem, CorruptLedger) as error:
        print(f"{said_by}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
