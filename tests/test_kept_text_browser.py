"""What was typed and refused is in its field again in a real browser, and can be typed on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cabinet.messages import Answer, Button, Letters, Live, Press, Screen, Words
from tests.screen_peer import ScreenPeer
from tests.screen_server import running
from tests.test_touchscreen_browser import Screens

pytestmark = pytest.mark.browser
START = Screen(1, "start", "Start", (Words("Here"),))
KEYS = Letters("Part of the name", Button("find_people", "OK", "primary"), 30)
ASKED = Screen(9, "find_person", "Find", (KEYS,))
SAID = Words("Nobody here is called so.", "strong", "refusal")


def refused(typed: str) -> Screen:
    return replace(ASKED, blocks=(SAID, replace(KEYS, typed=typed)))


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[ScreenPeer]:
    """A controller that finds nobody."""
    peer = ScreenPeer(tmp_path / "screen.sock", START)

    def nobody(press: Press) -> Answer:
        peer.show(refused(press.text))
        return Answer(press.id, "refused", SAID.text)

    peer.reply = nobody
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
def screens(browser: Any, peer: ScreenPeer) -> Iterator[Screens]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    with running(peer.path) as server:
        screens = Screens(page, server)
        peer.show(ASKED)
        screens.number(9)
        yield screens
        page.close()


def types(screens: Screens, keys: str) -> None:
    for key in keys:
        screens.page.locator(f'[data-key="{key}"]').click()


def find(screens: Screens) -> None:
    screens.ready()
    screens.button("find_people").click()
    screens.page.get_by_text(SAID.text).first.wait_for()


def test_a_refused_search_is_typed_on_and_its_keys_go_on_in_small_letters(
    screens: Screens, peer: ScreenPeer
) -> None:
    types(screens, "nira")
    find(screens)
    assert screens.typed() == "Nira"
    types(screens, "x")
    assert screens.typed() == "Nirax"
    find(screens)
    assert [peer.press().text for _ in range(2)] == ["Nira", "Nirax"]
    assert not screens.complaints


def test_what_comes_by_itself_leaves_what_was_typed_since(
    screens: Screens, peer: ScreenPeer
) -> None:
    types(screens, "nira")
    find(screens)
    for _ in "Nira":
        screens.page.locator('[data-key="back"]').click()
    types(screens, "ot")
    screens.page.clock.run_for(1000)
    peer.show(refused("Nira"), Live("14:06", "Ward 3 East"))
    screens.page.get_by_text("14:06").wait_for()
    assert screens.typed() == "Ot"


def test_a_browser_that_begins_again_shows_it_still(screens: Screens, peer: ScreenPeer) -> None:
    types(screens, "nira")
    find(screens)
    screens.page.reload()
    screens.number(9)
    assert screens.typed() == "Nira"


def test_what_was_typed_is_text_and_nothing_else(screens: Screens, peer: ScreenPeer) -> None:
    typed = "\"><b>O'Brien & <"
    peer.show(refused(typed))
    screens.page.reload()
    screens.number(9)
    assert screens.typed() == typed
    assert not screens.complaints
