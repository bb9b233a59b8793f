"""The touchscreen in Debian's Chromium: sizes for a glove, one press for one touch, healing.

Not what the rules say (`test_main_job.py`). One rule: the browser's time is its own clock's, moved
by the test.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cabinet.messages import (
    Alarm,
    Answer,
    Button,
    DrawerMap,
    Keypad,
    Letters,
    Live,
    Press,
    Screen,
    Words,
)
from cabinet.touchscreen import app
from cabinet.touchscreen.app import OLD
from cabinet.touchscreen.server import Server
from tests.demo import PATIENCE_S, free_port, until
from tests.screen_gallery import ALIKE_BANNER, BROKEN, GALLERY
from tests.screen_peer import LIVE, ScreenPeer
from tests.screen_server import running

pytestmark = pytest.mark.browser

PANEL = {"width": 1280, "height": 800}
READY_MS = 300  # a new screen's primary is dead for 250 ms
JUMP_S = 8.0  # no stall of the machine takes so long, and the page's patience is longer
MAY_SCROLL = {"patients with a note and alarms"}  # 6 cards with long names under two alarms
BROKEN_GLASS = BROKEN.alarms
BESIDES = (*BROKEN_GLASS, Alarm("low", "The finger sensor does not answer."))
GO = Button("go", "Go", "primary")
START = Screen(1, "start", "Start", (Words("Here it begins"),), (Button("back", "Back"), GO))
CHECKING = Screen(2, "checking", "Start", (Words("One moment"),))
COUNT = Screen(7, "count", "Count", (Keypad("How many?", Button("count", "OK", "primary"), 4),))

MEASURE = """() => {
  const wrong = [];
  const seen = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 0;
  const screen = document.getElementById("screen");
  const pressable = [...screen.querySelectorAll("a, button, [role=button]")].filter(seen);
  const content = screen.querySelector(".content").getBoundingClientRect();
  const shown = (e) => {  // the part that is not scrolled away
    const { left, right, top, bottom } = e.getBoundingClientRect();
    if (!e.closest(".content")) return { left, right, top, bottom, whole: true };
    const [from, to] = [Math.max(top, content.top), Math.min(bottom, content.bottom)];
    return { left, right, top: from, bottom: to, whole: bottom - to + from - top < 1 };
  };
  const boxes = pressable
    .map((e) => ({ e, name: e.innerText || e.ariaLabel, r: shown(e) }))
    .filter(({ r }) => r.bottom > r.top);
  for (const { e, name, r } of boxes) {
    const [width, height] = [r.right - r.left, r.bottom - r.top];
    if (width < 87.9 || (r.whole && height < 87.9)) wrong.push(`${name}: ${width}x${height}`);
    const tight = screen.classList.contains("tight");
    if (e.matches(".bar .button") && !tight && height < 119.9) wrong.push(`${name}: low action`);
    const key = e.matches(".digits .key") && (width < 119.9 || (!tight && height < 95.9));
    if (key) wrong.push(`${name}: low`);
    if (r.left < 15.9 || r.right > innerWidth - 15.9) wrong.push(`${name}: at the edge`);
    if (!(name || "").trim()) wrong.push("a control without a name");
  }
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
    const dx = Math.max(a.r.left - b.r.right, b.r.left - a.r.right);
    const dy = Math.max(a.r.top - b.r.bottom, b.r.top - a.r.bottom);
    if (Math.max(dx, dy) < 17.9) wrong.push(`${a.name} | ${b.name}: gap ${Math.max(dx, dy)}`);
  }));
  const walk = document.createTreeWalker(screen, NodeFilter.SHOW_TEXT);
  for (let text = walk.nextNode(); text; text = walk.nextNode()) {
    const parent = text.parentElement;
    if (!text.data.trim() || !seen(parent) || parent.closest("figcaption")) continue;
    if (parseFloat(getComputedStyle(parent).fontSize) < 24) wrong.push(`${text.data}: small`);
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = parent.closest(".row, .button, .key, .tag, .drawer, .alarm, .toast, .head, .strip");
    const outer = (box || screen).getBoundingClientRect();
    for (const r of range.getClientRects()) {
      const line = parseFloat(getComputedStyle(parent).fontSize);
      const slack = Math.max(0, (r.height - line) / 2);  // a font's own leading may overlap
      if (r.left < outer.left - 1 || r.right > outer.right + 1 || r.top + slack < outer.top - 1
          || r.bottom - slack > outer.bottom + 1) wrong.push(`${text.data}: outside its box`);
    }
  }
  const page = document.scrollingElement;
  if (page.scrollHeight > innerHeight || page.scrollWidth > innerWidth) wrong.push("page scrolls");
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  for (const i of document.querySelectorAll("input:not([type=hidden])"))
    if (!i.labels.length) wrong.push("an input without a label");
  return { wrong, scrolls: !document.getElementById("below").hidden };
}"""


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[ScreenPeer]:
    peer = ScreenPeer(tmp_path / "screen.sock", START)
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def server(peer: ScreenPeer) -> Iterator[Server]:
    with running(peer.path) as server:
        yield server


class Screens:
    """A page of the touchscreen, and whatever its browser complained about."""

    def __init__(self, page: Any, server: Server) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.clock.install()
        page.goto(f"http://127.0.0.1:{server.port}/")
        self.number(1)

    def number(self, number: int) -> None:
        """Wait for the screen of this number."""
        self.page.locator(f'#screen[data-key$=".{number}"]').wait_for()

    def button(self, id_: str) -> Any:
        """The button of this id."""
        return self.page.locator(f'button[name=button][value="{id_}"]')

    def typed(self) -> str:
        """What is typed so far."""
        return str(self.page.locator("input[data-typed]").input_value())

    def ready(self) -> None:
        """Let a new screen's primary come alive."""
        self.page.clock.run_for(READY_MS)

    def stop_clock(self) -> None:
        """From here on the page's time is moved by `run_for` alone; a few seconds pass at once."""
        now_s = self.page.evaluate("Date.now()") / 1000
        self.page.clock.pause_at(now_s + JUMP_S)


@pytest.fixture
def screens(browser: Any, server: Server) -> Iterator[Screens]:
    context = browser.new_context(viewport=PANEL, has_touch=True)
    screens = Screens(context.new_page(), server)
    yield screens
    context.close()


# --- sizes --------------------------------------------------------------------------------------


def test_every_screen_fits_a_panel_and_a_gloved_finger(screens: Screens, peer: ScreenPeer) -> None:
    wrong = {}
    for index, (name, shown) in enumerate(GALLERY.items()):
        peer.show(replace(shown.screen, number=100 + index), shown.live)
        screens.number(100 + index)
        measured = screens.page.evaluate(MEASURE)
        if measured["wrong"] or (measured["scrolls"] and name not in MAY_SCROLL):
            wrong[name] = measured
    assert not wrong
    assert not screens.complaints


@pytest.mark.parametrize("alarms", [BROKEN_GLASS, BESIDES], ids=["one", "two"])
def test_every_key_and_drawer_is_seen_at_once_under_alarms(
    screens: Screens, peer: ScreenPeer, alarms: tuple[Alarm, ...]
) -> None:
    """Whoever broke glass while the finger sensor is down types and counts without scrolling.

    So do the locked-out read why, on the first screen.
    """
    wrong = {}
    seen = 0
    for number, (name, shown) in enumerate(GALLERY.items(), 100):
        kinds = {type(block) for block in shown.screen.blocks}
        if not kinds & {Letters, Keypad, DrawerMap} and shown.screen.name != "rest":
            continue
        banner = ALIKE_BANNER if kinds & {Keypad, DrawerMap} else None
        peer.show(replace(shown.screen, number=number, banner=banner), Live("14:05", "", alarms))
        screens.number(number)
        measured = screens.page.evaluate(MEASURE)
        if measured["wrong"] or measured["scrolls"]:
            wrong[name] = measured
        seen += 1
    assert seen > 5
    assert not wrong


def test_a_page_of_patients_is_seen_at_once_under_an_alarm(
    screens: Screens, peer: ScreenPeer
) -> None:
    peer.show(replace(GALLERY["patients"].screen, number=100), Live("14:05", "", BROKEN_GLASS))
    screens.number(100)
    measured = screens.page.evaluate(MEASURE)
    assert measured == {"wrong": [], "scrolls": False}


def test_what_does_not_fit_is_one_large_button_away(screens: Screens, peer: ScreenPeer) -> None:
    blocks = tuple(Words(f"Sentence {index}", "name") for index in range(30))
    peer.show(Screen(2, "long", "Long", blocks))
    screens.number(2)
    below = screens.page.get_by_role("button", name="More below")
    while below.is_visible() and below.inner_text() == "More below":
        below.click()
    last = screens.page.get_by_text("Sentence 29").bounding_box()
    assert last["y"] + last["height"] <= PANEL["height"]


# --- one touch, one press -----------------------------------------------------------------------


def test_double_tap_is_one_press(screens: Screens, peer: ScreenPeer) -> None:
    screens.ready()
    screens.stop_clock()  # however long the browser takes between the two taps
    with screens.page.expect_response("**/press"):
        screens.button("back").dblclick()
    screens.page.clock.resume()
    peer.show(COUNT)
    screens.number(7)
    assert [peer.press().button] == ["back"]
    assert peer.presses.empty()


def test_primary_of_a_new_screen_waits_for_eyes(screens: Screens, peer: ScreenPeer) -> None:
    screens.stop_clock()
    peer.show(Screen(2, "next", "Next", START.blocks, START.actions))
    screens.page.clock.run_for(1000)
    screens.number(2)
    screens.button("go").click()
    screens.ready()
    screens.button("go").click()
    assert peer.press().button == "go"
    assert peer.presses.empty()


def test_what_follows_one_moment_comes_at_once_and_waits_for_eyes_as_a_whole(
    screens: Screens, peer: ScreenPeer
) -> None:
    def checking(press: Press) -> Answer:
        peer.show(CHECKING)
        return Answer(press.id, "done")

    peer.reply = checking
    screens.ready()
    screens.stop_clock()  # no time passes after the touch
    screens.button("go").click()
    screens.number(2)
    peer.show(Screen(3, "next", "Next", START.blocks, START.actions))
    screens.number(3)
    screens.button("back").click()  # a bounce of the touch on what was there before
    screens.ready()
    screens.button("back").click()
    assert [peer.press().button for _ in range(2)] == ["go", "back"]
    assert peer.presses.empty()


def test_press_on_a_screen_that_changed_under_the_finger_does_nothing_and_says_so(
    screens: Screens, peer: ScreenPeer
) -> None:
    screens.ready()
    box = screens.button("back").bounding_box()
    screens.page.mouse.move(box["x"] + 40, box["y"] + 40)
    screens.page.mouse.down()
    with screens.page.expect_response(lambda answer: answer.request.method == "GET"):
        peer.show(COUNT)
    screens.page.locator('#screen[data-name="start"]').wait_for()  # held under the finger
    screens.page.mouse.up()
    screens.number(7)
    screens.page.get_by_role("alert").filter(has_text=OLD).wait_for()
    assert peer.press().number == 1


def test_refusal_that_the_screen_does_not_say_is_said(screens: Screens, peer: ScreenPeer) -> None:
    peer.reply = lambda press: Answer(press.id, "refused", "Not now.")
    screens.ready()
    screens.button("go").click()
    screens.page.get_by_role("alert").filter(has_text="Not now.").wait_for()
    peer.show(START, Live("14:06", "Ward 3 East"))
    screens.page.get_by_text("14:06").wait_for()
    assert screens.page.get_by_text("Not now.").is_visible()  # a message leaves by a press only


# --- typing -------------------------------------------------------------------------------------


def test_typed_digits_survive_what_is_only_live(screens: Screens, peer: ScreenPeer) -> None:
    peer.show(COUNT)
    screens.number(7)
    for key in ("1", "8", "3", "back", "0"):
        screens.page.locator(f'[data-key="{key}"]').click()
    screens.page.keyboard.type("x2")
    assert screens.typed() == "1802"
    screens.page.clock.run_for(1000)
    peer.show(COUNT, Live("14:06", "Ward 3 East"))
    screens.page.get_by_text("14:06").wait_for()
    assert screens.typed() == "1802"
    screens.page.keyboard.press("Enter")
    assert (peer.press().text, screens.typed()) == ("1802", "")


def test_secret_shows_dots_and_no_longer_than_it_may_be(screens: Screens, peer: ScreenPeer) -> None:
    pin = Keypad("Your PIN", Button("pin", "OK", "primary"), 8, secret=True)
    peer.show(Screen(8, "pin", "Sign in", (pin,)))
    screens.number(8)
    field = screens.page.locator("input[data-typed]")
    assert field.get_attribute("type") == "password"
    field.focus()
    screens.page.keyboard.type("48151623999")
    screens.ready()
    screens.page.keyboard.press("Enter")
    assert peer.press().text == "48151623"
    assert "48151623" not in screens.page.content() and screens.typed() == ""


def test_names_and_codes_are_typed_on_the_screens_keys(screens: Screens, peer: ScreenPeer) -> None:
    letters = Letters("Your given name", Button("given", "OK", "primary"), 20)
    peer.show(Screen(9, "enrol_given", "Enrol", (letters,)))
    screens.number(9)
    for key in "ana o'br-1x":
        screens.page.locator(f'[data-key="{key}"]').click()
    assert screens.typed() == "Ana O'Br-1X"
    screens.ready()
    screens.button("given").click()
    assert peer.press().text == "Ana O'Br-1X"


def test_any_touch_keeps_a_person_signed_in(screens: Screens, peer: ScreenPeer) -> None:
    peer.show(START, Live("14:05", "Ward 3 East", (), 12))
    screens.page.get_by_text("Signing out in 12").wait_for()
    screens.page.mouse.click(640, 400)
    press = peer.press()
    assert (press.button, press.number) == ("stay", 1)
    peer.show(START, LIVE)
    screens.page.get_by_text("Signing out").wait_for(state="detached")


def test_jobs_are_done_without_script_too(browser: Any, server: Server, peer: ScreenPeer) -> None:
    context = browser.new_context(viewport=PANEL, java_script_enabled=False)
    page = context.new_page()
    address = f"http://127.0.0.1:{server.port}/"
    peer.screen = COUNT
    page.goto(address)
    with page.expect_navigation():
        page.get_by_role("button", name="Go").click()
    assert peer.press().button == "go"
    peer.show(COUNT)

    def asks() -> bool:
        page.goto(address)  # nothing brings it by itself
        return bool(page.get_by_label("How many?").is_visible())

    until(asks)
    page.get_by_label("How many?").fill("18")
    with page.expect_navigation():
        page.get_by_role("button", name="OK").click()
    assert (peer.press().text, page.url) == ("18", address)
    context.close()


# --- healing ------------------------------------------------------------------------------------


def test_page_heals_without_reload_when_the_controller_returns(
    screens: Screens, peer: ScreenPeer
) -> None:
    screens.page.evaluate("() => { window.notReloaded = true; }")
    peer.stop()
    screens.page.locator('#screen[data-name="away"]').wait_for()
    peer.start()
    screens.page.locator('#screen[data-name="start"]').wait_for()
    assert screens.page.evaluate("() => window.notReloaded") is True


def test_page_without_its_server_is_inert_and_heals_when_it_is_back(
    browser: Any, peer: ScreenPeer
) -> None:
    context = browser.new_context(viewport=PANEL)
    port = free_port()  # which nobody takes while the server is away
    with running(peer.path, port=port) as server:
        screens = Screens(context.new_page(), server)
    screens.page.get_by_text("Not connected").wait_for()
    assert screens.page.locator("#screen").evaluate("(e) => e.inert") is True
    with running(peer.path, port=port) as server:
        for _ in range(20):
            screens.page.clock.run_for(1000)
        screens.page.get_by_text("Not connected").wait_for(state="hidden")
        screens.ready()
        screens.button("go").click()
        assert peer.press().button == "go"
        context.close()


def test_stream_that_ends_makes_the_page_inert(
    screens: Screens, server: Server, peer: ScreenPeer
) -> None:
    server.touchscreen.close()  # its streams end, and new ones do at once
    screens.page.get_by_text("Not connected").wait_for()
    screens.button("go").click(force=True)
    assert peer.presses.empty()


def test_stream_that_falls_silent_makes_the_page_inert(
    screens: Screens, peer: ScreenPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "HEARTBEAT_S", 10 * PATIENCE_S)  # whose time is not the page's
    screens.page.route("**/events", lambda route: route.abort())  # there is no new one
    screens.stop_clock()
    peer.show(START, Live("14:06", "Ward 3 East"))
    screens.page.get_by_text("14:06").wait_for()  # the last that is heard
    screens.page.clock.run_for(19_000)
    assert not screens.page.get_by_text("Not connected").is_visible()
    screens.page.clock.run_for(3_000)
    screens.page.get_by_text("Not connected").wait_for()
    assert screens.page.get_by_text("Here it begins").is_visible()
    screens.page.clock.run_for(65_000)  # nobody would still be signed in
    screens.page.get_by_text("Here it begins").wait_for(state="hidden")


def test_newer_window_has_the_screen_until_the_former_takes_it_back(
    screens: Screens, browser: Any, server: Server
) -> None:
    context = browser.new_context(viewport=PANEL)
    newer = Screens(context.new_page(), server)
    screens.page.get_by_text("This screen is open in another window").wait_for()
    assert not screens.page.get_by_text("Here it begins").is_visible()
    screens.page.get_by_role("link", name="Use it in this window").click()
    screens.page.locator('#screen[data-name="start"]').wait_for()
    newer.page.get_by_text("This screen is open in another window").wait_for()
    context.close()


def test_kiosks_launch_page_leads_to_the_screen(
    browser: Any, peer: ScreenPeer, tmp_path: Path
) -> None:
    launch_file = tmp_path / "launch.html"
    context = browser.new_context(viewport=PANEL)
    with running(peer.path, launch_file):
        page = context.new_page()
        page.goto(launch_file.as_uri())
        page.locator('#screen[data-name="start"]').wait_for()
        context.close()
