"""A passphrase in a real browser: typed on the screen's keys, looked at, chosen, signed in with."""

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cabinet.messages import Button, Keypad, Letters, Live, Screen, Words
from tests.demo import Demo
from tests.nurse import Nurse
from tests.screen_peer import ScreenPeer
from tests.screen_server import running
from tests.test_administration_browser import by_pin, new_code
from tests.test_touchscreen_browser import MEASURE, Screens

pytestmark = pytest.mark.browser
PHRASE = "Tulip anchor; mist 9"
SUBMIT = Button("pin", "OK", "primary")
ASKED = Screen(9, "passphrase", "Sign in", (Letters("Your passphrase", SUBMIT, 64, secret=True),))


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[ScreenPeer]:
    peer = ScreenPeer(tmp_path / "screen.sock", Screen(1, "start", "Start", (Words("Here"),)))
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


def types(screens: Screens, text: str) -> None:
    Nurse.types(_Keys(screens.page), text)  # type: ignore[arg-type]


class _Keys:
    """As much of a nurse as types."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def key(self, key: str) -> Any:
        return Nurse.key(self, key)  # type: ignore[arg-type]


def test_all_of_ascii_is_typed_on_the_screens_keys_and_nothing_is_capital_by_itself(
    screens: Screens, peer: ScreenPeer
) -> None:
    _Keys(screens.page).key("layer").click()
    measured = screens.page.evaluate(MEASURE)
    assert not measured["wrong"] and not measured["scrolls"]
    typed = string.ascii_letters[::13] + " " + string.digits[::4] + string.punctuation
    types(screens, typed)
    assert screens.typed() == typed
    screens.ready()
    screens.button("pin").click()
    assert peer.press().text == typed
    assert not screens.complaints


def test_sixty_four_characters_can_be_typed_and_none_is_halved(
    screens: Screens, peer: ScreenPeer
) -> None:
    field = screens.page.locator("input[data-typed]")
    field.focus()
    screens.page.keyboard.insert_text("\N{GRINNING FACE}" * 70)
    screens.ready()
    screens.page.keyboard.press("Enter")
    assert peer.press().text == "\N{GRINNING FACE}" * 64


KINDS = {
    "a passphrase": (ASKED.blocks[0], "No more than 64 characters"),
    "a name": (Letters("Your family name", SUBMIT, 30), "No more than 30 characters"),
    "a PIN": (Keypad("Your PIN", SUBMIT, 8, secret=True), "No more than 8 digits"),
    "a quantity": (Keypad("How many?", SUBMIT, 3, "tablets"), "No more than 3 digits"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_is_not_taken_says_so_until_there_is_room(
    screens: Screens, peer: ScreenPeer, kind: str
) -> None:
    block, words = KINDS[kind]
    peer.show(Screen(10, "typed", "Typing", (block,)))
    screens.number(10)
    keys, said = _Keys(screens.page), screens.page.get_by_text(words)
    most = int(words.split()[3])
    screens.page.locator("input[data-typed]").fill("7" * (most - 1))
    keys.key("8").click()
    assert screens.typed() == "7" * (most - 1) + "8" and not said.is_visible(), "all fits"
    label = screens.page.locator("#screen label")
    place = label.bounding_box()
    keys.key("9").click()
    assert said.is_visible() and not label.is_visible()
    assert screens.typed() == "7" * (most - 1) + "8"
    measured = screens.page.evaluate(MEASURE)
    assert not measured["wrong"] and not measured["scrolls"]
    peer.show(Screen(10, "typed", "Typing", (block,)), Live("14:06", "Ward 3 East"))
    screens.page.get_by_text("14:06").wait_for()
    assert said.is_visible(), "what is only live takes it not away"
    keys.key("back").click()
    assert not said.is_visible() and label.bounding_box() == place
    keys.key("9").click()
    keys.key("9").click()
    assert said.is_visible()
    peer.show(Screen(11, "typed", "Typing", (block,)))
    screens.number(11)
    assert not said.is_visible(), "it was said of another screen"
    assert not screens.complaints


def test_what_was_typed_is_shown_when_asked_and_hides_again(
    screens: Screens, peer: ScreenPeer
) -> None:
    field, keys = screens.page.locator("input[data-typed]"), _Keys(screens.page)
    screens.stop_clock()
    types(screens, "tulip")
    assert field.get_attribute("type") == "password"
    keys.key("look").click()
    assert field.get_attribute("type") == "text" and screens.typed() == "tulip"
    keys.key("look").click()
    assert field.get_attribute("type") == "password", "when pressed once more"
    keys.key("look").click()
    screens.page.clock.run_for(9_000)
    assert field.get_attribute("type") == "text"
    screens.page.clock.run_for(2_000)
    assert field.get_attribute("type") == "password", "by itself"
    keys.key("look").click()
    peer.show(ASKED, Live("14:06", "Ward 3 East"))
    screens.page.clock.run_for(1_000)
    screens.page.get_by_text("14:06").wait_for()
    assert screens.typed() == "tulip", "what is only live takes nothing away"
    screens.button("pin").click()
    assert (peer.press().text, screens.typed()) == ("tulip", "")
    assert field.get_attribute("type") == "password", "when it was sent"
    assert "tulip" not in screens.page.content()


def test_somebody_chooses_a_passphrase_and_signs_in_with_it_while_the_sensor_is_unplugged(
    running_demo: Demo, browser: Any
) -> None:
    admin = Nurse(running_demo, browser.new_page())
    admin.sees("rest")
    assert running_demo.do("unplug", device="fingerprint")["done"]
    admin.reads("finger sensor")
    by_pin(admin, "Ingrid", then="menu")
    code = new_code(admin)
    by_pin(admin, "Samuel", then="menu")
    admin.press("enrolling")
    admin.sees("enrolling")
    admin.types(code)
    admin.press("stand_by")
    admin.sees("enrol_badge")
    admin.badge("Amina")
    admin.sees("enrol_pin")
    admin.picture("enrol-pin")
    admin.press("phrase_instead")
    admin.sees("enrol_phrase")
    admin.types("Okafor 2041")
    admin.press("new_pin")
    admin.reads("Your name, number or cabinet is what others try.")
    admin.picture("enrol-phrase-refused")
    admin.types(PHRASE)
    admin.key("look").click()
    admin.picture("enrol-phrase")
    admin.press("new_pin")
    admin.sees("enrol_phrase_again")
    admin.types(PHRASE)
    admin.press("same_pin")
    admin.reads("Enrolled.")
    admin.badge("Amina")
    admin.sees("pin")
    admin.press("use_letters")
    admin.sees("passphrase")
    admin.types("Tulip anchor mist 9")
    admin.press("pin")
    admin.reads("Not accepted.")
    admin.picture("phrase-not-accepted")
    admin.types(PHRASE)
    admin.press("pin")
    admin.sees("patients")
    admin.press("sign_out")
    admin.sees("rest")
    assert admin.problems == []
    files = [it for it in running_demo.folder.parent.rglob("*") if it.is_file()]
    assert not [it for it in files if b"anchor; mist" in it.read_bytes()]
