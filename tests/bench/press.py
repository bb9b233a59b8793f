"""From a press at the controller's socket to the edge on the lock's pin, and the HTTP leg apart.

The controller runs in this process on gpiozero's mock pins, so that the edge can be timed; its
ledger is a real file. Coils are cooled faster than any site may choose, to get enough rounds.
"""

import http.client
import itertools
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from gpiozero.pins.mock import MockFactory, MockPin
from sqlcipher3 import dbapi2

from auth.pins import keyed_hash
from cabinet import configuration as site
from cabinet import events as e
from cabinet import keys as key_files
from cabinet import records as r
from cabinet.configuration import Configuration
from cabinet.controller import Controller
from cabinet.lists import BADGE_PURPOSE
from drivers.readings import DrawerReading, Position
from sim import demo_cabinet
from tests.bench.cabinet_process import ROOT, demo
from tests.bench.figures import Figure, interleaved, percentile
from tests.demo import free_port, pause, person, until
from tests.peer import ScreenPeer

ROUNDS = 3000
WARM_UP = 50
HTTP_ROUNDS = 300
MOST_P50, MOST_P99 = 3.0, 2.0
PULSE_MS, REST_MS = 3, 1  # the driver still rests a coil for nine times its pulse
IDLE_S = 0.008  # before a press and before a bare insert alike: both find the machine idle
ORDERS = (  # one in each controlled drawer, so that every coil has its rest
    ("WHITCOMBE", "oxyCODONE"),
    ("NAVARRO", "HYDROmorphone"),
    ("KOWALCZYK", "LORazepam"),
    ("KOWALCZYK", "pregabalin"),
)


class TimedPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A mock pin that says when it was driven high."""

    edges: dict[int, float]
    risen: threading.Event

    def _set_state(self, value: float) -> None:
        super()._set_state(value)
        if value and self.info.name.startswith("GPIO"):
            number = int(self.info.name.removeprefix("GPIO"))
            if number in TimedPin.edges:
                TimedPin.edges[number] = time.perf_counter()
                TimedPin.risen.set()


class Bare:
    """The baseline: the same body into a bare SQLCipher table, one commit each."""

    SQL = "BEGIN IMMEDIATE; INSERT INTO e VALUES (?, ?); COMMIT"

    def __init__(self, file: Path) -> None:
        self._connection = dbapi2.connect(str(file), isolation_level=None)
        self._cursor = self._connection.cursor()
        self._cursor.execute(f"PRAGMA key = \"x'{secrets.token_hex(32)}'\"")
        self._cursor.execute("PRAGMA journal_mode = WAL")
        self._cursor.execute("PRAGMA synchronous = FULL")
        self._cursor.execute("PRAGMA wal_autocheckpoint = 0")
        self._cursor.execute("CREATE TABLE e(seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        self._seq = 0

    def insert(self, body: bytes) -> float:
        """Seconds for one durable insert, from idle as a press comes from idle."""
        self._seq += 1
        pause(IDLE_S)
        execute = self._cursor.execute
        began = time.perf_counter()
        execute("BEGIN IMMEDIATE")
        execute("INSERT INTO e VALUES (?, ?)", (self._seq, body))
        execute("COMMIT")
        return time.perf_counter() - began


class Presses:
    """A signed-in nurse who orders one drawer after the other open."""

    def __init__(self, folder: Path) -> None:
        demo_cabinet.make(folder)
        configuration = site.load(folder / "cabinet.toml")
        timings = msgspec.structs.replace(configuration.timings, pulse_ms=PULSE_MS, rest_ms=REST_MS)
        self._configuration: Configuration = msgspec.structs.replace(configuration, timings=timings)
        secret = key_files.load(folder / configuration.paths.keys)
        factory = MockFactory(pin_class=TimedPin)
        TimedPin.edges = {drawer.lock_pin: 0.0 for drawer in configuration.drawer}
        TimedPin.risen = threading.Event()
        made: list[Controller] = []

        def own() -> None:  # the ledger belongs to the thread that opened it
            made.append(Controller(self._configuration, folder, secret, factory=factory))
            for drawer in configuration.drawer:  # every drawer shut and latched
                factory.pin(drawer.switch_pin).drive_low()
                factory.pin(drawer.latch_pin).drive_low()
            made[0].run()

        self._thread = threading.Thread(target=own, name="controller")
        self._thread.start()
        socket = folder / "run" / "screen.sock"
        until(socket.exists)
        self.controller = made[0]
        self._line = ScreenPeer(socket)
        self._orders = itertools.cycle(ORDERS)
        self.refused = 0
        badge = keyed_hash(secret.pepper, BADGE_PURPOSE, person("Amina").badge)
        self._line.sees("rest")
        self.controller.post(e.BadgeSeen(badge))
        self._line.sees("pin")  # there is no finger sensor here
        self._line.does("pin", person("Amina").pin)
        self._line.sees("patients")

    def stop(self) -> None:
        """End the controller."""
        self._line.close()
        self.controller.stop()
        self._thread.join()

    def to_the_order(self) -> None:
        """One press away from a drawer."""
        patient, medicine = next(self._orders)
        self._line.does(self._line.find(patient))
        self._line.sees("orders")
        self._line.does(self._line.find(medicine))
        self._line.sees("order")

    def press(self) -> tuple[float, r.Body]:
        """Seconds from the press's first byte to the pin's edge, and the body that ordered it.

        A pulse that the machine held up makes its coil rest nine times as long, and the next order
        may come too early: the driver refuses it, nothing is measured, and it is ordered again.
        """
        pause(IDLE_S)
        TimedPin.risen.clear()
        began = time.perf_counter()
        sent = self._line.send("open")
        if not TimedPin.risen.wait(1):
            assert self._line.answer(sent).outcome == "done"
            self._line.sees("patients")
            self.refused += 1
            assert self.refused < ROUNDS / 100, "the lock refuses every hundredth order"
            self.to_the_order()
            return self.press()
        access = self.controller.engine.state.access
        assert access is not None
        lock = next(w.lock_pin for w in self._configuration.drawer if w.id == access.started.drawer)
        took = TimedPin.edges[lock] - began
        assert self._line.answer(sent).outcome == "done"
        for position in (Position.UNLATCHED, Position.LATCHED):  # pushed shut unopened
            self.controller.post(DrawerReading(access.started.drawer, position))
        self._line.sees("patients")
        self.to_the_order()
        return took, self._body(access.started)

    def _body(self, record: r.AccessStarted) -> r.Body:
        state = self.controller.engine.state
        return r.Body(
            r.BODY_TAG,
            r.BODY_VERSION,
            state.cabinet,
            state.size,
            int(time.time() * 1000),
            int(time.monotonic() * 1000),
            state.boot,
            secrets.token_hex(16),
            record,
        )


def press_to_pulse() -> list[Figure]:
    """The two ratios, press and bare insert in turn."""
    with tempfile.TemporaryDirectory() as folder:
        presses, bare = Presses(Path(folder) / "demo"), Bare(Path(folder) / "bare.db")
        try:
            presses.to_the_order()
            pulses: list[float] = []
            inserts: list[float] = []
            for index in range(WARM_UP + ROUNDS):
                took, body = presses.press()
                insert = bare.insert(r.encode_body(body))
                if index >= WARM_UP:
                    pulses.append(took)
                    inserts.append(insert)
        finally:
            presses.stop()
    how = (
        f"p{{0}} {{1:.3f}} ms from the press message's first byte to the lock pin's edge, against "
        f"p{{0}} {{2:.3f}} ms of bare SQLCipher, WAL FULL: {Bare.SQL}, the same body, both "
        "from idle"
    )
    figures = []
    for percent, most in ((50, MOST_P50), (99, MOST_P99)):
        ours, base = percentile(pulses, percent), percentile(inserts, percent)
        figures.append(
            Figure(
                f"press_to_pulse_p{percent}_ratio",
                ours / base,
                "x",
                base * 1000,
                len(pulses),
                how.format(percent, ours * 1000, base * 1000),
                most,
            )
        )
    return figures


# --- the HTTP leg -------------------------------------------------------------------------------


class Browser:
    """A browser's requests to the touchscreen, without the browser."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._cookie, self._line, self._number = "", "", ""
        self._bind()

    def _bind(self) -> None:
        self._connection.request("GET", "/")
        answer = self._connection.getresponse()
        page = answer.read().decode()
        self._cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        found = re.search(r'data-key="([^".]*)\.(\d+)"', page)
        assert found is not None, "the page has no screen"
        self._line, self._number = found.groups()

    def press(self, button: str) -> float:
        """Seconds from the request's first byte to the answer's last."""
        body = f"line={self._line}&number={self._number}&button={button}&text="
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://127.0.0.1:{self._port}",
            "Cookie": self._cookie,
        }
        began = time.perf_counter()
        self._connection.request("POST", "/press", body, headers)
        answer = self._connection.getresponse()
        answer.read()
        took = time.perf_counter() - began
        assert answer.status in (200, 303), answer.status
        return took


@contextmanager
def touchscreen(folder: Path) -> Iterator[int]:
    """The shipped touchscreen server on the demo in `folder`; its port."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "cabinet.cli", "touchscreen", "--port", str(port)),
            *("--config", str(folder / "cabinet.toml")),
        ],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ),
    )
    try:
        until(lambda: _answers(port), 20)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    connection: Any = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        return "data-key" in connection.getresponse().read().decode()
    except OSError:
        return False


def http_leg() -> list[Figure]:
    """What the way through the touchscreen adds to a press, without a browser's painting."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "demo"
        with demo(home) as (_, controller):
            controller.start()
            line = controller.screen()
            line.sees("rest")
            with touchscreen(home) as port:
                browser = Browser(port)
                through, direct = interleaved(
                    HTTP_ROUNDS, lambda: browser.press("stay"), _timed(line)
                )
            line.close()
    leg = percentile(through, 50) - percentile(direct, 50)
    return [
        Figure(
            "http_leg_p50_ms",
            leg * 1000,
            "ms",
            percentile(direct, 50) * 1000,
            len(through),
            "p50 of a press by HTTP through the touchscreen less p50 of the same press at the "
            "controller's socket (the baseline); p99 by HTTP "
            f"{percentile(through, 99) * 1e3:.1f} ms",
        )
    ]


def _timed(line: ScreenPeer) -> Callable[[], float]:
    def press() -> float:
        began = time.perf_counter()
        line.does("stay")
        return time.perf_counter() - began

    return press
