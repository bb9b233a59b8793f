"""A nurse's eyes and fingers at the touchscreen in a real browser, and her hands at the bench."""

import json
import os
from pathlib import Path
from typing import Any

from playwright.sync_api import TimeoutError as TookTooLong

from cabinet.touchscreen.app import OLD
from tests.demo import PATIENCE_S, Demo, person, until
from tests.peer import LIFTED_S

SETTLE_MS = 300  # a new screen's buttons are dead for its first 250 ms
SCREEN_MS = PATIENCE_S * 1000
UNHEARD_MS = 8_000  # nothing came of it, so it is done again
MOST_PRESSES = 4


def _is_press(request: Any) -> bool:
    """Whether it is a button's press, and not the sign that somebody is there."""
    sent = request.post_data or ""
    return request.method == "POST" and request.url.endswith("/press") and "button=stay" not in sent


class Nurse:
    """Somebody who uses `demo` through `page`."""

    def __init__(self, demo: Demo, page: Any) -> None:
        self.demo, self.page = demo, page
        self.problems: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(demo.address)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def sees(self, screen: str) -> None:
        """Wait for a screen by its name."""
        self.page.wait_for_selector(f'#screen[data-name="{screen}"]', timeout=SCREEN_MS)

    def reads(self, words: str) -> None:
        """Wait for words anywhere on the screen."""
        self.page.get_by_text(words).first.wait_for(timeout=SCREEN_MS)

    def press(self, button: str) -> None:
        """Press a button by its id."""
        self._press(self.page.locator(f'button[name=button][value="{button}"]').first)

    def choose(self, words: str) -> None:
        """Press the row that shows these words."""
        self._press(self.page.locator(f'button.row:has-text("{words}")').first)

    def _press(self, button: Any) -> None:
        """Press until it counts: again when it came too early, or the screen had just changed."""
        for _ in range(MOST_PRESSES):
            button.wait_for()
            self.page.wait_for_timeout(SETTLE_MS)
            try:
                with self.page.expect_request(_is_press, timeout=UNHEARD_MS) as sent:
                    button.click()
            except TookTooLong:
                continue
            answer = sent.value.response()
            if answer is None or OLD not in answer.text():
                return
        raise AssertionError("no press counts")

    def choose_action(self, words: str) -> None:
        """Press the button of the action bar that shows these words."""
        self._press(self.page.locator(f'.bar button:has-text("{words}")').first)

    def says(self, words: str) -> bool:
        """Whether the screen shows these words now."""
        return bool(self.page.locator("#screen").get_by_text(words).count())

    def types(self, text: str) -> None:
        """Type on the screen's own keys; a capital after Shift, a mark on the other keys."""
        for letter in text:
            key = self.key(letter.lower())
            if not key.count():
                self.key("layer").click()
            if letter.isupper():
                self.key("shift").click()
            key.click()

    def key(self, key: str) -> Any:
        """A key that is there now."""
        return self.page.locator(f"[data-key={json.dumps(key)}]:visible")

    def picture(self, name: str) -> None:
        """Keep a picture, where somebody asked for pictures."""
        folder = os.environ.get("PICTURES")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(200)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"))

    def badge(self, given: str) -> None:
        """Hold somebody's badge to the reader."""
        assert self.demo.do("badge", badge=person(given).badge)["done"]

    def proves(self, given: str, then: str, finger: str = "") -> None:
        """Badge, then a finger, until the screen `then` is there."""
        until(lambda: self.is_read(given))
        self.picture(f"finger-{given.lower()}")
        until(lambda: self._lays(finger or person(given).fingers[0], then), 2 * PATIENCE_S)

    def _lays(self, finger: str, then: str) -> bool:
        """A finger on the glass, and off again; whether the screen `then` came of it."""
        self.demo.do("touch", finger=finger)
        try:
            self.page.wait_for_selector(f'#screen[data-name="{then}"]', timeout=UNHEARD_MS)
        except TookTooLong:
            return False  # its sensor had not seen that the finger before was lifted
        finally:
            self.demo.do("lift")
            self.page.wait_for_timeout(LIFTED_S * 1000)
        return True

    def is_read(self, given: str, then: str = "finger") -> bool:
        """Hold somebody's badge to the reader; whether a finger, or another proof, is asked for."""
        self.badge(given)
        asked = ", ".join(f'#screen[data-name="{it}"]' for it in (then, "pin"))
        try:
            self.page.wait_for_selector(asked, timeout=UNHEARD_MS)
        except TookTooLong:
            return False  # a slow machine's reader may not be up yet
        if self.page.locator(f'#screen[data-name="{then}"]').count():
            return True
        self.press("cancel")  # the sensor had not answered a moment ago
        return False

    def pull(self, drawer: str) -> None:
        """Pull a drawer as soon as its latch lets go."""
        until(lambda: self.demo.do("pull", drawer=drawer)["done"])
