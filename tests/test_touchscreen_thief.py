"""Whoever has a copy of the page, and not the bound browser's cookie, presses nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.screen_peer import ScreenPeer
from tests.screen_server import Client, running
from tests.test_touchscreen import PIN, SIGN_IN

pytestmark = pytest.mark.real_time


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[ScreenPeer]:
    peer = ScreenPeer(tmp_path / "screen.sock", SIGN_IN)
    peer.start()
    yield peer
    peer.stop()


def test_press_from_a_page_that_is_not_the_bound_browser_does_nothing(
    peer: ScreenPeer, tmp_path: Path
) -> None:
    """Whoever copied the page, its numbers and all, still has not the bound browser's cookie."""
    launch_file = tmp_path / "launch.html"
    with running(peer.path, launch_file) as server:
        kiosk, thief = Client(server), Client(server)
        kiosk.http.get(launch_file.read_text().partition("url=")[2].partition('"')[0])
        page = kiosk.until(41)
        (name,) = kiosk.http.cookies
        guesses = ("", "guessed", kiosk.http.cookies[name][:-1])
        for guess in guesses:
            headers = {"Cookie": f"{name}={guess}"} if guess else {}
            assert thief.press(page, "pin", PIN, headers).status_code == 403
            assert thief.http.get("/", headers=headers).status_code == 403
        assert peer.presses.empty()
        kiosk.press(page, "pin", PIN)
        assert peer.press().text == PIN, "the bound browser goes on"
        kiosk.close()
        thief.close()
