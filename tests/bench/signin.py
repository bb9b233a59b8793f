"""From the last byte that proves somebody to the screen they see, painted, in a real browser.

The sensor's own time and the hash's are not the cabinet's doing, and are left out. One rule: times
of two processes are compared by the machine's one clock.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from auth.pins import PinHasher
from sim.cabinet import SimulatedCabinet
from sim.demo_cabinet import PIN_PASSES
from sim.fingerprint_sensor import Timed, ZfmSensor
from tests.bench.cabinet_process import demo
from tests.bench.figures import Figure, percentile
from tests.bench.press import touchscreen
from tests.demo import pause, person, until

NAME, MOST_MS = "signin_p95_ms", 150.0
CHROMIUM = "/usr/bin/chromium"
FINGERS, PINS = 30, 30
SETTLED_S = 0.35  # a new screen's buttons are dead for its first 250 ms
WITHIN_MS = 20_000
WHO = "Amina"

# When a screen of this name was painted, in ms of Unix time: the message comes after the frame.
WATCH = """(name) => {
  window.paintedAt = 0;
  const channel = new MessageChannel();
  const now = () => performance.timeOrigin + performance.now();
  channel.port1.onmessage = () => { window.paintedAt = now(); };
  const look = () => {
    const screen = document.getElementById("screen");
    if (screen && screen.dataset.name === name) channel.port2.postMessage(0);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
# When the next OK was touched.
PRESSED = """() => addEventListener("click", () => {
  window.pressedAt = performance.timeOrigin + performance.now();
}, { once: true, capture: true })"""


class Heard(ZfmSensor):
    """The emulated sensor, which remembers when its last answer's last byte goes out."""

    last_ms = 0.0

    def feed(self, data: bytes) -> Timed:
        answers = super().feed(data)
        if answers:
            self.last_ms = (time.time() + max(delay_s for delay_s, _ in answers)) * 1000
        return answers


@contextmanager
def _browser(port: int) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    arguments = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # root has no user namespaces in a container
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = started.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"http://127.0.0.1:{port}/")
        yield page
        started.close()


def _sees(page: Any, *names: str) -> None:
    wanted = ", ".join(f'#screen[data-name="{name}"]' for name in names)
    page.locator(wanted).first.wait_for(timeout=WITHIN_MS)


def _painted(page: Any) -> float:
    return float(until(lambda: page.evaluate("window.paintedAt")))  # the page allows no eval


def _sign_out(page: Any) -> None:
    pause(SETTLED_S)
    page.locator('button[value="sign_out"]').first.click()
    _sees(page, "rest")


def _by_finger(page: Any, cabinet: SimulatedCabinet) -> float:
    """Milliseconds from the sensor's last byte to the painted screen."""
    sensor = cabinet.sensor
    assert isinstance(sensor, Heard)
    cabinet.present(person(WHO).badge)
    _sees(page, "finger")
    page.evaluate(WATCH, "patients")
    cabinet.world.touch(person(WHO).fingers[0])
    painted = _painted(page)
    took = painted - sensor.last_ms
    cabinet.world.touch(None)
    _sign_out(page)
    return took


def _by_pin(page: Any, cabinet: SimulatedCabinet) -> float:
    """Milliseconds from the touch on OK to the painted screen."""
    cabinet.present(person(WHO).badge)
    _sees(page, "pin")
    pause(SETTLED_S)
    for digit in person(WHO).pin:
        page.locator(f'[data-key="{digit}"]').click()
    page.evaluate(WATCH, "patients")
    page.evaluate(PRESSED)
    page.locator('button[value="pin"]').click()
    took = _painted(page) - float(page.evaluate("window.pressedAt"))
    _sign_out(page)
    return took


class Hash:
    """What comparing one PIN costs by itself, measured beside each sign-in."""

    def __init__(self) -> None:
        self._hasher = PinHasher(bytes(32), passes=PIN_PASSES)
        self._encoded = self._hasher.hash(person(WHO).pin)
        self.taken: list[float] = []

    def ms(self) -> float:
        """Once more, in milliseconds."""
        began = time.perf_counter()
        self._hasher.verify(self._encoded, person(WHO).pin)
        self.taken.append((time.perf_counter() - began) * 1000)
        return self.taken[-1]


def measure() -> list[Figure]:
    """Sign-ins by finger and by PIN: how long the slowest of twenty takes, of the slower way."""
    alone = Hash()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "demo"
        with demo(home, sensor=Heard) as (cabinet, controller):
            controller.start()
            with touchscreen(home) as port, _browser(port) as page:
                _sees(page, "rest")
                fingers = [_by_finger(page, cabinet) for _ in range(FINGERS + 1)][1:]
                cabinet.unplug("fingerprint")
                until(lambda: "does not answer" in page.content())
                pins = [_by_pin(page, cabinet) - alone.ms() for _ in range(PINS + 1)][1:]
    return [
        Figure(
            NAME,
            max(percentile(fingers, 95), percentile(pins, 95)),
            "ms",
            percentile(alone.taken, 50),
            len(fingers) + len(pins),
            "p95 of the slower way: from the last byte of the finger sensor's answer, or from the "
            "touch on OK after a PIN less the hash (its p50 alone is the baseline), to the "
            f"patients' screen painted in Chromium; finger p50 {percentile(fingers, 50):.0f}, p95 "
            f"{percentile(fingers, 95):.0f} ms; PIN p50 {percentile(pins, 50):.0f}, p95 "
            f"{percentile(pins, 95):.0f} ms",
            MOST_MS,
        )
    ]
